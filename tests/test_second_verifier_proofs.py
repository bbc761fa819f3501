"""The second verifier on single files and on an empty log: it takes what the package takes, and no spoiled byte."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from ledger.audit.sources import FolderSource
from ledger.audit.verify import Known, Receipt, verify
from ledger.proof.note import NoteSigner
from ledger.proof.tlogproof import encode_proof
from ledger.tally.canonical import encode

from .audit.forger import checkpoint_of, publication, write
from .audit.test_earlier import receipt_of
from .audit.test_tampering import SIGNER, Witnessed
from .governed import CITY, Governed, submissions, whole_season
from .test_second_verifier import SECOND, second
from .witness.stage import LOG, OTHER_KEY
from .witness.test_evidence import fork
from .world import LOG_KEY, ORIGIN, MemoryLog, make_node

TRIED = 25
"""So many bytes of each file are changed; each takes a process."""


def flips(data: bytes) -> list[bytes]:
    """The data with one bit changed, at seeded places."""
    dice = random.Random(3)
    made = []
    for at in dice.sample(range(len(data)), TRIED):
        made.append(data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :])
    return made


def test_it_is_short() -> None:
    """At most 1,500 lines: somebody is to read it."""
    lines = SECOND.read_text().splitlines()
    assert len(lines) <= 1_500
    assert max(map(len, lines)) <= 132


def test_a_proof_of_a_total(tmp_path: Path) -> None:
    """Accepted with the id or the key, refused with others and after any change."""
    with make_node(tmp_path / "ledger", Governed()) as node:
        for submission in submissions(whole_season().entries):
            node.submit([submission])
        data = node.prove_total(contest="mayor", area=CITY, stations=True).data
        ledger, vkey = (node.ledger_id() or b"").hex(), node.signer.vkey
    file = tmp_path / "proof"
    file.write_bytes(data)
    assert second(Path("--total"), str(file), "--ledger-id", ledger)[0] == 0
    assert second(Path("--total"), str(file), "--log-vkey", vkey)[0] == 0
    assert second(Path("--total"), str(file), "--ledger-id", "00" * 32)[0] == 1
    assert second(Path("--total"), str(file), "--log-vkey", OTHER_KEY.vkey)[0] == 1
    for spoiled in flips(data):
        file.write_bytes(spoiled)
        assert second(Path("--total"), str(file), "--ledger-id", ledger)[0] in (1, 4)


def test_evidence_of_a_fork(tmp_path: Path) -> None:
    """Convinced by a true one, of the accused log alone."""
    file = tmp_path / "fork"
    data = fork(6, 9)
    file.write_bytes(data)
    assert second(Path("--fork"), str(file), "--log-vkey", LOG.vkey)[0] == 0
    assert second(Path("--fork"), str(file), "--log-vkey", OTHER_KEY.vkey)[0] == 1
    for spoiled in flips(data):
        file.write_bytes(spoiled)
        assert second(Path("--fork"), str(file), "--log-vkey", LOG.vkey)[0] in (1, 4)


def test_a_receipt_and_an_earlier_checkpoint(tmp_path: Path) -> None:
    """Both verifiers take a true one whatever its ``extra`` says, and condemn one on which a witness's line fails."""
    world = Witnessed()
    entries = MemoryLog(world.founding()).entries
    text, one = (note := checkpoint_of(entries, SIGNER)).partition(b"\n\n")[0] + b"\n", world.cosigners[0]
    folder = write(tmp_path / "public", publication(entries, SIGNER) | {"checkpoint": note + one.sign(text, timestamp=1)})
    proof = replace(receipt_of(entries, 3).proof, extra=encode([bytes(32), 0, bytes(64)]))
    earlier, false = checkpoint_of(entries[:5], SIGNER), one.sign(b"another text\n", timestamp=1)
    for name, data, good in (
        ("receipt", encode_proof(proof), True),
        ("receipt", encode_proof(replace(proof, index=4)), False),
        ("seen", earlier, True),
        ("seen", earlier + false, False),
    ):
        file = tmp_path / name
        file.write_bytes(data)
        known = Known.from_note(data) if name == "seen" else None
        receipts = [Receipt.from_bytes(name, data)] if name == "receipt" else []
        source = FolderSource(folder)
        assert verify(source, ledger_id=None, executor=None, progress=None, known=known, receipts=receipts).ok is good, name
        assert second(folder, f"--{name}", str(file))[0] == (0 if good else 1), name


def test_an_empty_log(tmp_path: Path) -> None:
    """By its key alone."""
    signer = NoteSigner(ORIGIN, LOG_KEY)
    folder = write(tmp_path / "public", {"checkpoint": checkpoint_of([], signer)})
    assert second(folder, "--log-vkey", signer.vkey)[0] == 0
    for more in ((), ("--log-vkey", signer.vkey, "--ledger-id", "00" * 32)):
        status, words = second(folder, *more)
        assert status == 1
        assert "log-empty" in words
