"""The only writer: admit submissions, append events in one transaction, sign the checkpoint, publish (docs/ARCHITECTURE.md)."""
