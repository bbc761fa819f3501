"""What an election is and what an event may say: forms and rules, events and their bytes, signatures, the fold, totals and their
commitments.  Pure: bytes and values in, values out; clock, chance, disk and network stay outside (docs/ARCHITECTURE.md)."""
