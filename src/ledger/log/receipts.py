"""Receipts as the log gives them out: a tlog-proof with what the device needs to make the entry again (docs/FORMATS.md 8.4)."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.proof.tlogproof import TlogProof, encode_proof
from ledger.tally.canonical import encode
from ledger.tally.signing import reopen_entry

__all__ = ["encode_receipt", "receipt_of"]


def receipt_of(entry: bytes, path: Sequence[bytes], note: bytes) -> bytes:
    """The receipt of an encoded entry; ``path`` leads from its leaf to the root of the checkpoint ``note``."""
    opened = reopen_entry(entry)
    return encode_receipt(opened.index, opened.chain, opened.sequenced_at, opened.event.signature, path, note)


def encode_receipt(index: int, chain: bytes, sequenced_at: int, signature: bytes, path: Sequence[bytes], note: bytes) -> bytes:
    """The same for who knows what the entry at ``index`` holds beside the payload."""
    return encode_proof(TlogProof(index, tuple(path), note, encode([chain, sequenced_at, signature])))
