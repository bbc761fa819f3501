"""What each event says, as types: one module a subject.  ``ledger.tally.events`` holds the list and the envelopes."""
