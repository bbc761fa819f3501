"""Proofs of consistency to hand on: that the log at one size begins with all that it was at an earlier one.

    tally-ledger/consistency/v1
    old 5
    new 12
    +sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=    the path of RFC 9162 section 2.1.4, at most 63 hashes, none where old = new

The file names no root: whoever checks has both checkpoints from elsewhere, and those are what the path must lead between.

Left to others: making the path (merkle.py), whose word the checkpoints are (policy.py).  Docs: docs/FORMATS.md section 8.9.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from ledger.errors import BadInput, NotVerified
from ledger.proof.checkpoint import Checkpoint
from ledger.proof.lines import decode_base64, decode_decimal
from ledger.proof.merkle import HASH_BYTES, PATH_LIMIT_HASHES, TREE_LIMIT_LEAVES, check_consistency

__all__ = ["CONSISTENCY_LIMIT_BYTES", "ConsistencyProof", "encode_consistency", "parse_consistency"]

CONSISTENCY_LIMIT_BYTES: Final = 4_096

_HEADER: Final = b"tally-ledger/consistency/v1"
_HEAD_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """The claim that the first ``old`` (at least 1) of ``new`` leaves are those of the tree of ``old``, by ``path``.

    Raises ``BadInput`` ``bad-consistency`` for sizes or hashes that no tree has.
    """

    old: int
    new: int
    path: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.old <= self.new <= TREE_LIMIT_LEAVES:
            raise BadInput("bad-consistency", "not two sizes, the smaller first", old=self.old, new=self.new)
        if len(self.path) > PATH_LIMIT_HASHES or any(len(each) != HASH_BYTES for each in self.path):
            raise BadInput("bad-consistency", "not at most 63 hashes of 32 bytes", hashes=len(self.path))

    def check(self, old: Checkpoint, new: Checkpoint) -> None:
        """The two checkpoints are of one log, of these sizes, and the path leads from one to the other.

        Raises ``NotVerified``: ``consistency-other`` for checkpoints that it does not speak of, ``proof-invalid``.
        """
        if old.origin != new.origin or (old.size, new.size) != (self.old, self.new):
            raise NotVerified(
                "consistency-other",
                "the proof speaks of other sizes, or the checkpoints are of two logs",
                proof=f"{self.old}..{self.new}",
                checkpoints=f"{old.size}..{new.size}",
            )
        check_consistency(old=self.old, new=self.new, old_root=old.root, new_root=new.root, path=self.path)


def encode_consistency(proof: ConsistencyProof) -> bytes:
    """The bytes of the file."""
    lines = [_HEADER, b"old %d" % proof.old, b"new %d" % proof.new, *(base64.b64encode(each) for each in proof.path), b""]
    return b"\n".join(lines)


def parse_consistency(data: bytes) -> ConsistencyProof:
    """The claim in ``data``, nothing checked; ``BadInput`` ``bad-consistency`` for anything but one canonical file."""
    if len(data) > CONSISTENCY_LIMIT_BYTES:
        raise BadInput("bad-consistency", "too long", bytes=len(data))
    lines = data.split(b"\n")
    if len(lines) <= _HEAD_LINES or lines[0] != _HEADER or lines.pop():
        raise BadInput("bad-consistency", "not a proof of consistency of version 1")
    path = tuple(decode_base64(line, code="bad-consistency") for line in lines[_HEAD_LINES:])
    return ConsistencyProof(_size(lines[1], b"old "), _size(lines[2], b"new "), path)


def _size(line: bytes, word: bytes) -> int:
    if not line.startswith(word):
        raise BadInput("bad-consistency", "a size is missing or stands at another place")
    return decode_decimal(line.removeprefix(word), limit=TREE_LIMIT_LEAVES, code="bad-consistency")
