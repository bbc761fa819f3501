"""Importers, the demo, simulations and rehearsals: what fills a ledger when no election does.  Whatever is synthetic says so; all
of it goes in through device and node, as real devices do (docs/ARCHITECTURE.md)."""
