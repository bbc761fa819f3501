"""The file of a consistency proof: all pairs of small trees, one canonical form, and nothing proven of other checkpoints."""

from __future__ import annotations

import pytest

from ledger.errors import BadInput, LedgerError, NotVerified
from ledger.proof.checkpoint import Checkpoint
from ledger.proof.consistency import CONSISTENCY_LIMIT_BYTES, ConsistencyProof, encode_consistency, parse_consistency

from .models import consistency_path, leaves, raising, tree_root

SIZES = 18


def at(size: int, origin: str = "example.com/log") -> Checkpoint:
    """The checkpoint of so many leaves."""
    return Checkpoint(origin, size, tree_root(leaves(size)))


def proof(old: int, new: int) -> ConsistencyProof:
    """The true one."""
    return ConsistencyProof(old, new, tuple(consistency_path(old, leaves(new)) if old < new else ()))


def test_every_pair_of_small_trees_is_proven_and_no_other_pair_by_it() -> None:
    """Written and read back; every pair of other sizes, a changed root and a longer or shorter path are refused."""
    pairs = [(old, new) for new in range(1, SIZES) for old in range(1, new + 1)]
    for old, new in pairs:
        read = parse_consistency(encode_consistency(proof(old, new)))
        assert read == proof(old, new)
        read.check(at(old), at(new))
        for other in pairs:
            if other != (old, new):
                with raising(NotVerified, "consistency-other"):
                    read.check(at(other[0]), at(other[1]))
        with raising(NotVerified, "proof-invalid"):
            read.check(Checkpoint(at(old).origin, old, bytes(32)), at(new))
        with raising(NotVerified, "proof-invalid"):
            ConsistencyProof(old, new, (*read.path, bytes(32))).check(at(old), at(new))
        if read.path:
            with raising(NotVerified, "proof-invalid"):
                ConsistencyProof(old, new, read.path[:-1]).check(at(old), at(new))


def test_two_logs_are_never_one() -> None:
    """Equal trees under two origins."""
    with raising(NotVerified, "consistency-other"):
        proof(3, 7).check(at(3), at(7, "example.com/other"))


def test_every_changed_bit_is_noticed() -> None:
    """In the file of one proof."""
    data = encode_consistency(proof(11, 17))
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            with pytest.raises(LedgerError):
                parse_consistency(bytes(changed)).check(at(11), at(17))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"tally-ledger/consistency/v1\n",
        b"tally-ledger/consistency/v2\nold 1\nnew 1\n",
        b"tally-ledger/consistency/v1\nold 1\nnew 1",
        b"tally-ledger/consistency/v1\nold 1\nnew 1\n\n",
        b"tally-ledger/consistency/v1\nold 1\nnew 1\n \n",
        b"tally-ledger/consistency/v1\nnew 1\nold 1\n",
        b"tally-ledger/consistency/v1\nold 0\nnew 1\n",
        b"tally-ledger/consistency/v1\nold 2\nnew 1\n",
        b"tally-ledger/consistency/v1\nold 01\nnew 1\n",
        b"tally-ledger/consistency/v1\nold +1\nnew 1\n",
        b"tally-ledger/consistency/v1\nold 1\nnew 1_0\n",
        b"tally-ledger/consistency/v1\nold 1\nnew 9007199254740992\n",
        b"tally-ledger/consistency/v1\r\nold 1\r\nnew 1\r\n",
        b"tally-ledger/consistency/v1\nold 1\nnew 2\nAAAA\n",
        b"tally-ledger/consistency/v1\nold 1\nnew 2\n" + b"A" * 43 + b"\n",
        b"tally-ledger/consistency/v1\nold 1\nnew 2\n" + b"A" * 42 + b"B=\n",
        b"tally-ledger/consistency/v1\nold 1\nnew 2\n" + (b"A" * 43 + b"=\n") * 64,
        b"tally-ledger/consistency/v1\nold 1\nnew 2\n" + b"A" * CONSISTENCY_LIMIT_BYTES + b"\n",
    ],
)
def test_one_canonical_form(data: bytes) -> None:
    """Anything else is told."""
    with raising(BadInput, "bad-consistency"):
        parse_consistency(data)
