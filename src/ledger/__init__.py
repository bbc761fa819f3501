"""An event-sourced ledger of election tallies: signed events, one hash-chained log, recaps by replay (docs/ARCHITECTURE.md)."""

__version__ = "0.1.0"
