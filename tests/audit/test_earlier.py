"""Older material: receipts whose entries must stand in the log that is verified."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.audit import earlier
from ledger.audit.earlier import Receipt
from ledger.audit.report import Report
from ledger.audit.sources import FolderSource
from ledger.audit.verify import Known, verify
from ledger.errors import BadInput
from ledger.proof.merkle import leaf_hash, prove_inclusion
from ledger.proof.note import NoteSigner
from ledger.proof.tiles import tile_path
from ledger.proof.tlogproof import TlogProof, encode_proof

from ..world import LOG_KEY
from .conftest import SIGNER, Honest
from .forger import Files, checkpoint_of, parts_of, publication, relink, tree_files, write
from .test_tampering import long_ledger, told


def receipt_of(entries: list[bytes], index: int, *, signer: NoteSigner = SIGNER, extra: bytes | None = None) -> Receipt:
    """The receipt that the log gave for an entry when it had so many."""
    files = tree_files(entries)
    path = prove_inclusion(index, len(entries), lambda level, number, width: files[tile_path(level, number, width)])
    proof = TlogProof(index, tuple(path), checkpoint_of(entries, signer), extra)
    return Receipt.from_bytes(f"{index}.tlog-proof", encode_proof(proof))


def with_receipts(folder: Path, files: Files, *receipts: Receipt, known: Known | None = None) -> Report:
    source = FolderSource(write(folder, files))
    return verify(source, ledger_id=None, executor=None, progress=None, known=known, receipts=receipts)


def test_receipts_of_every_entry_and_of_many_heights(tmp_path: Path) -> None:
    """Each is found, whatever its tree; ``extra`` is no matter."""
    entries = long_ledger(600)
    sizes = (1, 2, 255, 256, 257, 511, 512, 600)
    receipts = [receipt_of(entries[:size], index, extra=b"x") for size in sizes for index in {0, size // 2, size - 1}]
    report = with_receipts(tmp_path, publication(entries, SIGNER), *receipts)
    assert (report.ok, report.receipts) == (True, len(receipts))
    assert f"receipts found in it: {len(receipts)}" in report.sentence("en")
    assert "tanda terima" in report.sentence("id")


def test_a_receipt_of_an_entry_that_was_dropped(honest: Honest, tmp_path: Path) -> None:
    """The log was made again without it, chained and signed anew."""
    parts = parts_of(honest.entries)
    forged = relink(parts[:37])
    report = with_receipts(tmp_path / "cut", publication(forged, SIGNER), receipt_of(honest.entries, 37))
    assert [failure[:2] for failure in told(report)] == [(4, "log-truncated")]
    changed = relink([*parts[:36], *(part._replace(time=part.time + 1) for part in parts[36:])])
    report = with_receipts(tmp_path / "other", publication(changed, SIGNER), receipt_of(honest.entries, 36))
    assert told(report) == [(4, "history-rewritten", None, "receipt 36.tlog-proof")]
    assert report.receipts == 0


def test_a_receipt_whose_path_leads_elsewhere(honest: Honest, tmp_path: Path) -> None:
    """Another index, a hash flipped, a hash too many or too few, an index beyond its tree."""
    true = receipt_of(honest.entries, 20).proof
    flipped = bytes([true.path[0][0] ^ 1]) + true.path[0][1:]
    false = [
        TlogProof(21, true.path, true.checkpoint, None),
        TlogProof(20, (flipped, *true.path[1:]), true.checkpoint, None),
        TlogProof(20, (*true.path, bytes(32)), true.checkpoint, None),
        TlogProof(20, true.path[:-1], true.checkpoint, None),
        TlogProof(38, true.path, true.checkpoint, None),
        TlogProof(2**40, true.path, true.checkpoint, None),
    ]
    report = with_receipts(tmp_path, honest.files, *(Receipt(str(number), proof) for number, proof in enumerate(false)))
    assert told(report) == [(4, "receipt-not-included", None, f"receipt {number}") for number in range(len(false))]
    assert report.receipts == 0


def test_a_receipt_that_the_log_did_not_sign(honest: Honest, tmp_path: Path) -> None:
    """It may be true, but it is nobody's word; it is not counted."""
    stranger = NoteSigner("test.example/other", LOG_KEY)
    report = with_receipts(tmp_path, honest.files, receipt_of(honest.entries, 20, signer=stranger))
    assert told(report) == [(4, "note-unsigned", None, "receipt 20.tlog-proof")]
    assert report.receipts == 0


def test_a_known_checkpoint_and_receipts_together(honest: Honest, tmp_path: Path) -> None:
    """Both are said in the one sentence."""
    known = Known.from_note(checkpoint_of(honest.entries[:9], SIGNER))
    report = with_receipts(tmp_path, honest.files, receipt_of(honest.entries[:20], 3), known=known)
    assert "identity not checked; receipts found in it: 1; it continues the log of 9 entries known before" in report.sentence("en")


def test_receipts_that_are_none(honest: Honest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Refused at the door: other bytes, too many."""
    with pytest.raises(BadInput) as caught:
        Receipt.from_bytes("x", b"c2sp.org/tlog-proof@v1\nindex 01\n\n")
    assert caught.value.code == "bad-proof"
    monkeypatch.setattr(earlier, "RECEIPTS_LIMIT", 1)
    with pytest.raises(BadInput) as caught:
        with_receipts(tmp_path, honest.files, *[receipt_of(honest.entries, 1)] * 2)
    assert caught.value.code == "receipts-too-many"
    assert leaf_hash(honest.entries[1]) not in receipt_of(honest.entries, 1).proof.path


def test_a_receipt_beyond_its_own_tree_is_none(honest: Honest) -> None:
    """Its index is below its size, or it is no receipt (docs/FORMATS.md 8.4)."""
    true = receipt_of(honest.entries, 20).proof
    for index in (38, 2**40):
        data = encode_proof(TlogProof(index, true.path, true.checkpoint, None))
        with pytest.raises(BadInput, match="bad-proof"):
            Receipt.from_bytes("beyond", data)


def test_what_was_kept_is_judged_whatever_the_newest_checkpoint_is(honest: Honest, tmp_path: Path) -> None:
    """A failure of step 1 stops nothing: both heads are another key's, and both are told."""
    thief = NoteSigner(SIGNER.key.name, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    files = honest.files | {"checkpoint": checkpoint_of(honest.entries, thief)}
    report = with_receipts(tmp_path, files, known=Known.from_note(checkpoint_of(honest.entries[:9], thief)))
    assert {(step, code, place) for step, code, _, place in told(report)} == {
        (1, "note-unsigned", "checkpoint"),
        (4, "note-unsigned", "known checkpoint"),
    }
