"""Checkpoints: a log's statement of its size and root, as the text of a signed note.

    example.com/log                                 origin
    2                                               size: how many leaves
    +sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=    root, base64

Three lines and no more: the spec lets logs add lines of their own, but nobody could audit what they say, so ours write none
and readers refuse them.

Left to others: that a checkpoint is consistent with those before it (merkle.check_consistency, ledger.log, ledger.witness).
Spec: C2SP tlog-checkpoint v1.0.0.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import BadInput, NotVerified
from ledger.proof.lines import decode_base64, decode_decimal, decode_text
from ledger.proof.merkle import HASH_BYTES, TREE_LIMIT_LEAVES
from ledger.proof.note import ED25519, NoteKey, NoteSigner, encode_note, open_note

__all__ = ["ORIGIN_LIMIT_BYTES", "Checkpoint", "encode_checkpoint", "open_checkpoint", "parse_checkpoint", "sign_checkpoint"]

ORIGIN_LIMIT_BYTES = 255


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of the log ``origin`` has ``size`` leaves (0..2^53-1) and the root ``root`` (32 bytes).

    ``origin`` is 1..255 bytes of UTF-8 without control characters.  Raises ``BadInput`` ``bad-checkpoint`` for anything else.
    That an empty tree has the empty tree's root is a matter for the checks of merkle.py, not of form.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        try:
            origin = self.origin.encode()
        except UnicodeEncodeError:
            raise BadInput("bad-checkpoint", "half a character in the origin") from None
        decode_text(origin, code="bad-checkpoint")
        if not 0 < len(origin) <= ORIGIN_LIMIT_BYTES or b"\n" in origin:
            raise BadInput("bad-checkpoint", "the origin is empty, too long or more than a line")
        if not 0 <= self.size <= TREE_LIMIT_LEAVES:
            raise BadInput("bad-checkpoint", "size out of range", size=self.size)
        if len(self.root) != HASH_BYTES:
            raise BadInput("bad-checkpoint", "the root is not 32 bytes long")


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The three lines, each with its LF: the text of the note to sign."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n".encode()


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> bytes:
    """The whole signed note.  Whoever calls this must never have signed a checkpoint inconsistent with this one."""
    text = encode_checkpoint(checkpoint)
    return encode_note(text, [signer.sign(text)])


def parse_checkpoint(text: bytes) -> Checkpoint:
    """The checkpoint that ``text``, a note's, spells, nothing verified; ``BadInput`` ``bad-checkpoint`` if not exactly one."""
    decode_text(text, code="bad-checkpoint")
    lines = text.split(b"\n")
    if len(lines) != 4 or lines[3]:
        raise BadInput("bad-checkpoint", "not three lines")
    return Checkpoint(
        origin=lines[0].decode(),
        size=decode_decimal(lines[1], limit=TREE_LIMIT_LEAVES, code="bad-checkpoint"),
        root=decode_base64(lines[2], code="bad-checkpoint"),
    )


def open_checkpoint(data: bytes, keys: Sequence[NoteKey], origin: str) -> Checkpoint:
    """The checkpoint in the note ``data``, now known to be of the log ``origin`` and signed by one of its ``keys``.

    At least one of the verified lines is by an ED25519 key: cosignatures alone are no log's word.

    Raises ``NotVerified`` ``checkpoint-other-origin``, or ``note-unsigned``, or ``note-signature-invalid`` as ``open_note``;
    ``BadInput`` ``bad-note``, ``bad-vkey`` or ``bad-checkpoint`` for what cannot be read.
    """
    note = open_note(data, keys)
    log_keys = {(key.name, key.key_id) for key in keys if key.kind == ED25519}
    if not any((line.name, line.key_id) in log_keys for line in note.lines):
        raise NotVerified("note-unsigned", "cosignatures only, none of the log")
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise NotVerified("checkpoint-other-origin", "of another log", expected=origin, found=checkpoint.origin)
    return checkpoint
