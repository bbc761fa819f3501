"""Proofs to keep: an inclusion path and the checkpoint it leads to, in one text that verifies offline.

    c2sp.org/tlog-proof@v1
    extra AAEC                                      optional, authenticated by nothing
    index 1
    bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=    path, the leaf's sibling first
                                                    a blank line
    example.com/log                                 the signed checkpoint, verbatim
    ...

The file does not hold the leaf: whoever checks computes it from the bytes in question.  ``extra`` may help with that, and is
believed only as far as the leaf then fits.

Left to others: how many cosigners are enough (policy.py).  Spec: C2SP tlog-proof.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import BadInput
from ledger.proof.checkpoint import Checkpoint, open_checkpoint
from ledger.proof.lines import decode_base64, decode_decimal
from ledger.proof.merkle import HASH_BYTES, PATH_LIMIT_HASHES, TREE_LIMIT_LEAVES, check_inclusion
from ledger.proof.note import NOTE_LIMIT_BYTES, NoteKey, parse_note

__all__ = ["EXTRA_LIMIT_BYTES", "PROOF_LIMIT_BYTES", "TlogProof", "check_proof", "encode_proof", "parse_proof"]

EXTRA_LIMIT_BYTES = 65_535
PROOF_LIMIT_BYTES = NOTE_LIMIT_BYTES + 100_000

_HEADER = b"c2sp.org/tlog-proof@v1"
_EXTRA = b"extra "
_INDEX = b"index "


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The claim that some leaf stands at ``index`` in the tree of ``checkpoint`` (the bytes of a note), by ``path``.

    ``path`` is at most 63 hashes; ``extra`` is None or 1..65,535 bytes.  Raises ``BadInput`` ``bad-proof`` for anything else,
    and ``bad-note`` if the checkpoint is no note.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None

    def __post_init__(self) -> None:
        if not 0 <= self.index < TREE_LIMIT_LEAVES:
            raise BadInput("bad-proof", "index out of range", index=self.index)
        if len(self.path) > PATH_LIMIT_HASHES or any(len(sibling) != HASH_BYTES for sibling in self.path):
            raise BadInput("bad-proof", "not at most 63 hashes of 32 bytes", hashes=len(self.path))
        if self.extra is not None and not 1 <= len(self.extra) <= EXTRA_LIMIT_BYTES:
            raise BadInput("bad-proof", "extra data of a length that is not allowed", bytes=len(self.extra))
        parse_note(self.checkpoint)


def encode_proof(proof: TlogProof) -> bytes:
    """The bytes of a ``.tlog-proof`` file."""
    lines = [_HEADER]
    if proof.extra is not None:
        lines.append(_EXTRA + base64.b64encode(proof.extra))
    lines.append(_INDEX + b"%d" % proof.index)
    lines.extend(base64.b64encode(sibling) for sibling in proof.path)
    return b"\n".join([*lines, b"", proof.checkpoint])


def parse_proof(data: bytes) -> TlogProof:
    """The proof that ``data`` spells, nothing verified; ``BadInput`` ``bad-proof`` or ``bad-note`` for anything else."""
    if len(data) > PROOF_LIMIT_BYTES:
        raise BadInput("bad-proof", "too long", bytes=len(data))
    # The part before the checkpoint has no blank line, so the first one ends it; the checkpoint has one of its own.
    head, _, checkpoint = data.partition(b"\n\n")
    lines = head.split(b"\n", 3 + PATH_LIMIT_HASHES)
    if lines.pop(0) != _HEADER:
        raise BadInput("bad-proof", "not a tlog-proof of version 1")
    extra = None
    if lines and lines[0].startswith(_EXTRA):
        extra = decode_base64(lines.pop(0).removeprefix(_EXTRA), code="bad-proof")
    if not lines or not lines[0].startswith(_INDEX):
        raise BadInput("bad-proof", "no index")
    index = decode_decimal(lines.pop(0).removeprefix(_INDEX), limit=TREE_LIMIT_LEAVES - 1, code="bad-proof")
    return TlogProof(index, tuple(decode_base64(line, code="bad-proof") for line in lines), checkpoint, extra)


def check_proof(proof: TlogProof, *, leaf: bytes, keys: Sequence[NoteKey], origin: str) -> Checkpoint:
    """The proof's checkpoint, now known to be the log's and to have ``leaf`` (a leaf hash) at ``proof.index``.

    1. Open the checkpoint with the log's keys and origin; errors as ``open_checkpoint``.
    2. Follow the path from the leaf to its root; ``NotVerified`` ``proof-invalid`` as ``check_inclusion``.

    It returns no cosignatures: a quorum is the caller's to ask of ``proof.checkpoint``.
    """
    # 1.
    checkpoint = open_checkpoint(proof.checkpoint, keys, origin)
    # 2.
    check_inclusion(index=proof.index, size=checkpoint.size, leaf=leaf, path=proof.path, root=checkpoint.root)
    return checkpoint
