"""Receipts as the log gives them out: a tlog-proof with what the device needs to make the entry again (docs/FORMATS.md 8.4)."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.proof.tlogproof import TlogProof, encode_proof
from ledger.tally.canonical import encode
from ledger.tally.signing import reopen_entry

__all__ = ["encode_receipt"]


def encode_receipt(entry: bytes, path: Sequence[bytes], note: bytes) -> bytes:
    """The receipt of an encoded entry; ``path`` leads from its leaf to the root of the checkpoint ``note``."""
    opened = reopen_entry(entry)
    extra = encode([opened.chain, opened.sequenced_at, opened.event.signature])
    return encode_proof(TlogProof(opened.index, tuple(path), note, extra))
