"""What mathematics can show: bytes in, bytes out, without an election word, a clock, a file or a database.

    merkle.py      RFC 6962 tree: leaf and node hashes, frontier, inclusion and consistency proofs made and checked
    ed25519.py     one Ed25519 signature opened by a rule on which libraries agree
    note.py        signed notes: keys, signers, notes parsed and opened, cosignatures
    checkpoint.py  a log's signed statement of its size and root
    tiles.py       C2SP tiles and entry bundles: paths, layouts, bundle bytes
    policy.py      which logs and witnesses are trusted, and how many cosignatures are enough (C2SP tlog-policy)
    tlogproof.py   an inclusion proof with its checkpoint in one text file
    lines.py       canonical decimals, base64 and text, which all of these share

Whatever makes a thing stands beside what checks it.  ``parse``, ``decode`` and ``from_bytes`` give ``BadInput`` for bytes that
are not canonical; ``check`` and ``open`` give back the thing verified or raise ``NotVerified``; none gives a bool.

The room imports ``ledger.errors`` and nothing else of the ledger.
"""
