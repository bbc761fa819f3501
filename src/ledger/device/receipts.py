"""Receipts: what a device keeps to show that its event is in the log, checked offline against its own bytes.

A receipt is a tlog-proof whose ``extra`` is [chain, sequenced_at, signature] in canonical MessagePack.  With its own submission the
device makes the entry again, hashes it, and follows the path to the signed checkpoint; nothing in ``extra`` is believed further
than the leaf then fits.  docs/FORMATS.md section 8; C2SP tlog-proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from ledger.errors import BadInput, NotVerified, Refused
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.proof.merkle import (
    HASH_BYTES,
    Tiles,
    check_consistency,
    check_inclusion,
    prove_consistency,
    prove_inclusion,
)
from ledger.proof.note import parse_note, parse_vkey
from ledger.proof.tiles import TILE_WIDTH
from ledger.proof.tlogproof import TlogProof, check_proof, encode_proof, parse_proof
from ledger.tally.canonical import Digest, SignatureBytes, Uint, decode
from ledger.tally.signing import OpenedEntry, encode_entry, open_entry, open_submission

__all__ = ["CheckedReceipt", "Seen", "check_extension", "check_receipt", "tree_size", "upgrade_receipt"]

_extra_decoder: Final = msgspec.msgpack.Decoder(tuple[Digest, Uint, SignatureBytes])


class Seen(Struct, frozen=True):
    """A tree that the device has seen proved: its size and root."""

    size: int
    root: bytes


class CheckedReceipt(Struct, frozen=True):
    """The event stands at ``index`` in the log whose tree the signed checkpoint names; ``sequenced_at`` in ms since 1970."""

    event_id: bytes
    index: int
    sequenced_at: int
    tree: Seen


def tree_size(receipt: bytes) -> int:
    """The size of the tree that a receipt's checkpoint says, of which the log's key depends; nothing is verified.

    Raises ``BadInput`` ``bad-proof``, ``bad-note``, ``bad-checkpoint``.
    """
    return parse_checkpoint(parse_note(parse_proof(receipt).checkpoint).text).size


def check_receipt(submission: bytes, receipt: bytes, *, vkey: str, origin: str) -> CheckedReceipt:
    """1 open the own submission, 2 parse the proof, 3 make the entry again, 4 check path and checkpoint.

    Raises ``NotVerified`` (``proof-invalid``, ``note-unsigned``, ``receipt-other-entry``, ...) where the log does not say what the
    receipt claims; ``BadInput`` (``bad-proof``, ``receipt-incomplete``, ``bad-vkey``, ``schema``, ...) for what cannot be read.
    """
    try:
        event = open_submission(submission)  # 1
    except Refused as problem:
        raise BadInput(problem.code, problem.detail, **problem.where) from None
    proof = parse_proof(receipt)  # 2
    if proof.extra is None:
        raise BadInput("receipt-incomplete", "without its extra data the entry cannot be made again", index=proof.index)
    try:
        chain, sequenced_at, signature = decode(proof.extra, _extra_decoder)
    except Refused as problem:
        raise BadInput("receipt-incomplete", f"extra data: {problem.detail}", index=proof.index) from None
    entry = _entry(proof.index, chain, sequenced_at, event.payload, signature)  # 3
    checkpoint = check_proof(proof, leaf=entry.leaf, keys=[parse_vkey(vkey)], origin=origin)  # 4
    return CheckedReceipt(event.event_id, proof.index, sequenced_at, _seen(checkpoint))


def _entry(index: int, chain: bytes, sequenced_at: int, payload: bytes, signature: bytes) -> OpenedEntry:
    try:
        data = encode_entry(index=index, chain=chain, sequenced_at=sequenced_at, payload=payload, signature=signature)
        return open_entry(data)
    except Refused as problem:
        raise NotVerified("receipt-other-entry", f"no entry with this event: {problem.detail}", index=index) from None


def _seen(checkpoint: Checkpoint) -> Seen:
    return Seen(checkpoint.size, checkpoint.root)


def check_extension(old: Seen, new: Seen, path: Sequence[bytes]) -> None:
    """The new tree extends the one that the device saw before; ``path`` is the consistency proof.

    Raises ``NotVerified``: ``log-shrank`` where it is smaller, ``proof-invalid`` where it is another tree.
    """
    if new.size < old.size:
        raise NotVerified("log-shrank", "the log is smaller than this device saw it before", seen=old.size, now=new.size)
    if old.size == 0:
        return
    check_consistency(old=old.size, new=new.size, old_root=old.root, new_root=new.root, path=path)


def upgrade_receipt(receipt: bytes, note: bytes, tiles: Tiles, *, vkeys: tuple[str, str], origin: str) -> bytes:
    """The receipt of the same entry at a later (or the same) checkpoint ``note`` of the log, which may bear more cosignatures.

    ``tiles``: of the tree that the note shows, from anywhere.  ``vkeys``: the log's key at the size of the receipt and at that of
    the note; another only where the log was rekeyed.  1. both checkpoints are the log's  2. the later tree extends the
    earlier one  3. the leaf to which the old path leads is the one in the later tree  4. its path there.  Raises as
    ``check_receipt`` and ``check_extension``; ``BadInput`` ``bad-tile``.
    """
    old = parse_proof(receipt)
    notes = zip((old.checkpoint, note), vkeys, strict=True)
    before, after = (open_checkpoint(each, [parse_vkey(vkey)], origin) for each, vkey in notes)  # 1
    path = prove_consistency(before.size, after.size, tiles) if 0 < before.size < after.size else []  # 2
    check_extension(_seen(before), _seen(after), path)
    number, at = divmod(old.index, TILE_WIDTH)  # 3
    if old.index >= before.size:
        raise NotVerified("proof-invalid", "no such leaf in a tree of this size", index=old.index, size=before.size)
    tile = tiles(0, number, min(TILE_WIDTH, after.size - number * TILE_WIDTH))
    leaf = tile[at * HASH_BYTES : (at + 1) * HASH_BYTES]
    check_inclusion(index=old.index, size=before.size, leaf=leaf, path=old.path, root=before.root)
    new = tuple(prove_inclusion(old.index, after.size, tiles))  # 4
    check_inclusion(index=old.index, size=after.size, leaf=leaf, path=new, root=after.root)
    return encode_proof(TlogProof(old.index, new, note, old.extra))
