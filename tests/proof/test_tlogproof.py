"""Proofs to keep: one spelling, and nothing but the right leaf at the right place under the right log verifies."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadInput, NotVerified
from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.merkle import prove_inclusion
from ledger.proof.note import NOTE_LIMIT_BYTES, NoteCosigner, NoteSigner
from ledger.proof.tlogproof import EXTRA_LIMIT_BYTES, TlogProof, check_proof, encode_proof, parse_proof

from .models import leaves, private_key, raising, spoiled, tile_store, tree_root

ORIGIN = "example.com/log"
SIZE = 300
LOG = NoteSigner(ORIGIN, private_key(1))
STATED = Checkpoint(ORIGIN, SIZE, tree_root(leaves(SIZE)))
NOTE = sign_checkpoint(STATED, LOG)
HASH = base64.b64encode(bytes(32))


def proof_of(index: int, extra: bytes | None = None) -> TlogProof:
    return TlogProof(index, tuple(prove_inclusion(index, SIZE, tile_store(SIZE).fresh())), NOTE, extra)


# The bytes of the spec's form, with and without extra data, with a path and without one.
def test_bytes() -> None:
    assert encode_proof(TlogProof(7, (bytes(32),), NOTE, b"\0\x01\x02")) == (
        b"c2sp.org/tlog-proof@v1\nextra AAEC\nindex 7\n" + HASH + b"\n\n" + NOTE
    )
    assert encode_proof(TlogProof(0, (), NOTE, None)) == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + NOTE


# Whatever can be stated is read back as it was.
@given(
    st.integers(0, 2**53 - 2),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.none() | st.binary(min_size=1, max_size=200),
)
def test_round_trip(index: int, path: list[bytes], extra: bytes | None) -> None:
    proof = TlogProof(index, tuple(path), NOTE, extra)
    assert parse_proof(encode_proof(proof)) == proof


# The largest proof there can be is within the limit for proofs.
def test_largest() -> None:
    line = LOG.sign(b"x\n")
    note = b"x" * (NOTE_LIMIT_BYTES - len(line) - 2) + b"\n\n" + line
    proof = TlogProof(2**53 - 2, (bytes(32),) * 63, note, bytes(EXTRA_LIMIT_BYTES))
    assert parse_proof(encode_proof(proof)) == proof


HEAD = b"c2sp.org/tlog-proof@v1\n"
BAD_PROOFS = {
    "nothing": b"",
    "only a note": NOTE,
    "no header": b"index 0\n\n" + NOTE,
    "other version": HEAD.replace(b"v1", b"v2") + b"index 0\n\n" + NOTE,
    "CR LF": b"c2sp.org/tlog-proof@v1\r\nindex 0\n\n" + NOTE,
    "no index": HEAD + b"\n" + NOTE,
    "index after hash": HEAD + HASH + b"\nindex 0\n\n" + NOTE,
    "index twice": HEAD + b"index 0\nindex 0\n\n" + NOTE,
    "extra after index": HEAD + b"index 0\nextra AAEC\n\n" + NOTE,
    "extra twice": HEAD + b"extra AAEC\nextra AAEC\nindex 0\n\n" + NOTE,
    "empty extra": HEAD + b"extra \nindex 0\n\n" + NOTE,
    "extra without space": HEAD + b"extra\nindex 0\n\n" + NOTE,
    "extra with spare bits": HEAD + b"extra AB==\nindex 0\n\n" + NOTE,
    "extra too long": HEAD + b"extra " + base64.b64encode(bytes(EXTRA_LIMIT_BYTES + 1)) + b"\nindex 0\n\n" + NOTE,
    "signed index": HEAD + b"index +1\n\n" + NOTE,
    "negative index": HEAD + b"index -1\n\n" + NOTE,
    "leading zero": HEAD + b"index 01\n\n" + NOTE,
    "underscore": HEAD + b"index 1_0\n\n" + NOTE,
    "foreign digit": HEAD + "index ٣\n\n".encode() + NOTE,
    "index too large": HEAD + b"index 9007199254740991\n\n" + NOTE,
    "two spaces": HEAD + b"index  1\n\n" + NOTE,
    "short hash": HEAD + b"index 1\n" + base64.b64encode(bytes(31)) + b"\n\n" + NOTE,
    "hash with spare bits": HEAD + b"index 1\n" + HASH[:-2] + b"B=\n\n" + NOTE,
    "space after hash": HEAD + b"index 1\n" + HASH + b" \n\n" + NOTE,
    "64 hashes": HEAD + b"index 1\n" + (HASH + b"\n") * 64 + b"\n" + NOTE,
    "64 hashes and extra": HEAD + b"extra AAEC\nindex 1\n" + (HASH + b"\n") * 64 + b"\n" + NOTE,
    "100,000 lines": HEAD + b"index 1\n" + b"A\n" * 100_000 + b"\n" + NOTE,
    "too long": HEAD + b"index 1\n\n" + b"x" * 2_000_000 + b"\n" + NOTE,
}
BAD_NOTES = {
    "no checkpoint": HEAD + b"index 0\n",
    "no blank line": HEAD + b"index 0",
    "empty checkpoint": HEAD + b"index 0\n\n",
    "two blank lines and no note": HEAD + b"index 0\n\n\n",
    "bytes after the checkpoint": HEAD + b"index 0\n\n" + NOTE + b"x",
    "checkpoint cut": HEAD + b"index 0\n\n" + NOTE[:-1],
}


# Anything but one canonical proof is refused.
@pytest.mark.parametrize("why", BAD_PROOFS)
def test_malformed(why: str) -> None:
    with raising(BadInput, "bad-proof"):
        parse_proof(BAD_PROOFS[why])


# A proof whose checkpoint is no note is refused before anything is verified.
@pytest.mark.parametrize("why", BAD_NOTES)
def test_malformed_checkpoint(why: str) -> None:
    with raising(BadInput, "bad-note" if why != "no checkpoint" else "bad-proof"):
        parse_proof(BAD_NOTES[why])


# Any byte changed either makes the file unreadable or makes it another proof, with one spelling of its own.
def test_one_spelling() -> None:
    data = encode_proof(proof_of(5, b"\0\x01"))
    for at in range(len(data)):
        for bit in range(8):
            changed = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            try:
                proof = parse_proof(changed)
            except BadInput as error:
                assert error.code in ("bad-proof", "bad-note")
                continue
            assert encode_proof(proof) == changed


# A proof verifies for its leaf, its place, its log; extra data neither helps nor harms.
def test_check() -> None:
    every = leaves(SIZE)
    for index in (0, 1, 255, 256, SIZE - 1):
        for extra in (None, b"anything"):
            assert check_proof(proof_of(index, extra), leaf=every[index], keys=[LOG.key], origin=ORIGIN) == STATED
    good = proof_of(5)
    others = [replace(good, index=index) for index in (4, 6, SIZE, 2**53 - 2)] + [
        replace(good, path=tuple(bad)) for bad in spoiled(good.path) if all(len(one) == 32 for one in bad)
    ]
    for bad in others:
        with raising(NotVerified, "proof-invalid"):
            check_proof(bad, leaf=every[5], keys=[LOG.key], origin=ORIGIN)
    for leaf in (every[6], every[5][:-1], b""):
        with raising(NotVerified, "proof-invalid"):
            check_proof(good, leaf=leaf, keys=[LOG.key], origin=ORIGIN)


# The checkpoint within is opened as any other: by the log's key, for the log's origin, and cosignatures alone will not do.
def test_check_opens_the_checkpoint() -> None:
    good, leaf = proof_of(5), leaves(SIZE)[5]
    with raising(NotVerified, "checkpoint-other-origin"):
        check_proof(good, leaf=leaf, keys=[LOG.key], origin="example.com/other")
    with raising(NotVerified, "note-unsigned"):
        check_proof(good, leaf=leaf, keys=[OTHER.key], origin=ORIGIN)
    with raising(NotVerified, "note-signature-invalid"):
        check_proof(replace(good, checkpoint=NOTE.replace(b"\n300\n", b"\n301\n")), leaf=leaf, keys=[LOG.key], origin=ORIGIN)
    witness = NoteCosigner("witness.example/w1", private_key(3))
    cosigned = NOTE + witness.sign(NOTE.partition(b"\n\n")[0] + b"\n", timestamp=1)
    assert check_proof(replace(good, checkpoint=cosigned), leaf=leaf, keys=[LOG.key, witness.key], origin=ORIGIN) == STATED
    with raising(NotVerified, "note-unsigned"):
        check_proof(replace(good, checkpoint=cosigned), leaf=leaf, keys=[witness.key], origin=ORIGIN)


OTHER = NoteSigner(ORIGIN, private_key(2))


# What could not be written is never made.
@pytest.mark.parametrize(
    ("index", "path", "extra"),
    [
        (-1, (), None),
        (2**53 - 1, (), None),
        (0, (bytes(31),), None),
        (0, (bytes(32),) * 64, None),
        (0, (), b""),
        (0, (), bytes(EXTRA_LIMIT_BYTES + 1)),
    ],
)
def test_impossible_values(index: int, path: tuple[bytes, ...], extra: bytes | None) -> None:
    with raising(BadInput, "bad-proof"):
        TlogProof(index, path, NOTE, extra)
