"""What each event does: one module a subject, each act a pure pair of ``needs`` and ``decide`` (docs/ARCHITECTURE.md)."""
