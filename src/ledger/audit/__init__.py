"""The stranger: verifies a stream of published bytes and gives a report.

    sources.py     where bytes come from: a published folder, a ledger's own entries
    archive.py     a packed folder, read in place
    remote.py      a folder on a web server, within limits
    verify.py      the verification: one straight line of nine numbered steps
    record.py      what it has found so far, and what becomes of each step
    heads.py       checkpoints, cosignatures, what the reader knows from elsewhere
    chain.py       what holds between one entry and the next
    earlier.py     a checkpoint and receipts kept from before
    resuming.py    what one verification leaves for the next
    columns.py     what a ledger's store repeats of its entries
    signatures.py  the part of it that runs on an executor
    published.py   the published files, beside what they should hold
    tree.py        the tree that the entries give, beside the published tiles and bundles
    totals.py      the recap that the entries give, beside the published pages and a ledger's standing views
    report.py      what was found, for people and for programs

It knows no SQL, no web and no clock, trusts nothing that it did not compute, and imports ``ledger.errors``, ``ledger.proof`` and
``ledger.tally`` alone.
"""
