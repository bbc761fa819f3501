"""Witnesses: who cosigns checkpoints of others' logs, and how a log collects cosignatures for its own.

    deciding.py    what a witness answers: old state and request in, new state and answer out; pure (C2SP tlog-witness)
    folder.py      what a witness remembers on its disk, one file a log
    serving.py     the witness as a small HTTP server
    asking.py      one witness asked, over HTTP, for its cosignature
    collecting.py  all witnesses of a policy asked at once
    evidence.py    a fork of a log as one file that anyone can check

The room imports ``ledger.errors``, ``ledger.files`` and ``ledger.proof``; it knows no election word and no clock.
"""
