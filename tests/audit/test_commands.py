"""``ledger verify``: a folder, an address, an archive; receipts; a state that is kept; the evidence of a fork."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.log.append import Appended
from ledger.node import Node
from ledger.proof.note import NoteSigner
from ledger.proof.tlogproof import encode_proof
from ledger.witness.evidence import check_fork

from ..cli.conftest import invoke
from ..governed import submissions, whole_season
from ..world import LOG_KEY, ORIGIN, START_MS
from .conftest import SIGNER, Honest
from .forger import parts_of, publication, relink, write
from .servers import static
from .test_archive import packed
from .test_earlier import receipt_of
from .test_tampering import long_ledger

SECOND = Path(__file__).resolve().parents[2] / "tools" / "verify_ledger.py"


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Words are compared; the working folder is the test's own."""
    monkeypatch.setenv("LEDGER_LANG", "en")
    monkeypatch.chdir(tmp_path)


def test_a_governed_ledger_by_folder_address_and_archive(tmp_path: Path) -> None:
    """A season of all acts, published by a node, three ways to read it, one verdict; nothing is written by reading."""
    log = whole_season()
    with Node.create(tmp_path / "ledger", origin=ORIGIN, log_key=LOG_KEY, clock=lambda: START_MS) as node:
        answers = node.submit(submissions(log.entries))
        assert all(isinstance(answer, Appended) for answer in answers)
        node.publish(tmp_path / "public")
    files = {str(path.relative_to("public")): path.read_bytes() for path in Path("public").rglob("*") if path.is_file()}
    packed(tmp_path / "public.zip", files.items())
    before = sorted(tmp_path.rglob("*"))
    ledger_id = log.world.ledger.hex()
    with static(tmp_path / "public") as url:
        reports = [invoke("verify", source, "--ledger-id", ledger_id, "--json") for source in ("public", url, "public.zip")]
        shown = invoke("verify", url, "--ledger-id", ledger_id)
    assert [report.status for report in reports] == [0, 0, 0]
    assert len({(report.json["root"], str(report.json["contests"]), report.json["identity"]) for report in reports}) == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert "not evaluated: files beside those that the checkpoint implies" in shown.out
    assert f"read       {reports[1].json['bytes_read']:,} bytes" in shown.out


def test_receipts_are_given_by_name(honest: Honest, tmp_path: Path) -> None:
    """Each option one file; what is no receipt is the caller's mistake."""
    write(tmp_path / "public", honest.files)
    for index in (3, 20):
        (tmp_path / f"{index}.tlog-proof").write_bytes(encode_proof(receipt_of(honest.entries, index).proof))
    ran = invoke("verify", "public", "--receipt", "3.tlog-proof", "--receipt", "20.tlog-proof", "--json")
    assert (ran.status, ran.json["receipts"]) == (0, 2)
    ran = invoke("verify", "public", "--receipt", "public/checkpoint")
    assert (ran.status, ran.code) == (4, "bad-proof")


def test_a_state_is_kept_and_gone_on_from(tmp_path: Path) -> None:
    """Made at the first run, used and replaced at the second; not replaced by a run that fails, which leaves evidence of the fork
    that both verifiers take."""
    entries = long_ledger(700)
    for size in (600, 700):
        write(tmp_path / str(size), publication(entries[:size], SIGNER))
    first = invoke("verify", "600", "--state", "log.state", "--json")
    assert (first.status, first.json["resumed_size"]) == (0, None)
    kept = Path("log.state").read_bytes()
    second = invoke("verify", "700", "--state", "log.state", "--json")
    assert (second.status, second.json["resumed_size"]) == (0, 512)
    assert second.json["bytes_read"] < first.json["bytes_read"] / 2
    newer = Path("log.state").read_bytes()
    assert newer != kept
    assert Path("log.state").stat().st_mode & 0o077 == 0

    parts = parts_of(entries)
    other = relink([*parts[:100], *(part._replace(time=part.time + 1) for part in parts[100:])])
    write(tmp_path / "fork", publication(other, SIGNER))
    ran = invoke("verify", "fork", "--state", "log.state")
    assert ran.status == 1
    assert "not-an-extension" in ran.out
    assert "This log FORKED; the evidence is in log.state.fork." in ran.out
    evidence = Path("log.state.fork").read_bytes()
    assert all((tmp_path / name / "checkpoint").read_bytes() in evidence for name in ("700", "fork"))
    assert check_fork(evidence, key=SIGNER.key).first.size == 700
    second = [sys.executable, str(SECOND), "--fork", "log.state.fork", "--log-vkey", SIGNER.vkey]
    assert subprocess.run(second, capture_output=True, check=False).returncode == 0
    assert Path("log.state").read_bytes() == newer


def test_a_log_that_grew_differently_is_convicted_across_sizes(tmp_path: Path) -> None:
    """The evidence has the old root as the new tiles give it; where the tiles are not the checkpoint's, there is no evidence and
    both checkpoints are kept."""
    entries = long_ledger(600)
    write(tmp_path / "good", publication(entries[:300], SIGNER))
    assert invoke("verify", "good", "--state", "log.state").status == 0
    parts = parts_of(entries)
    other = relink([*parts[:100], *(part._replace(time=part.time + 1) for part in parts[100:])])
    write(tmp_path / "fork", publication(other, SIGNER))
    assert invoke("verify", "fork", "--state", "log.state").status == 1
    fork = check_fork(Path("log.state.fork").read_bytes(), key=SIGNER.key)
    assert (fork.first.size, fork.second.size) == (300, 600)
    assert fork.root not in (None, fork.first.root)
    Path("log.state.fork").unlink()
    for tile in (tmp_path / "fork" / "tile" / "0").iterdir():
        if tile.is_file():
            tile.write_bytes(bytes(len(tile.read_bytes())))
    ran = invoke("verify", "fork", "--state", "log.state")
    assert "Both checkpoints are kept: log.state.checkpoints" in ran.out
    assert not Path("log.state.fork").exists()


def test_a_log_that_shrank_leaves_two_checkpoints_and_a_false_receipt_none(tmp_path: Path) -> None:
    """A server that shows less may be slow: there is nothing to convict it by, but both checkpoints are kept."""
    entries = long_ledger(300)
    write(tmp_path / "good", publication(entries, SIGNER))
    write(tmp_path / "cut", publication(entries[:280], SIGNER))
    assert invoke("verify", "good", "--state", "log.state").status == 0
    parts = parts_of(entries)
    other = relink([*parts[:100], *(part._replace(time=part.time + 1) for part in parts[100:])])
    Path("other.tlog-proof").write_bytes(encode_proof(receipt_of(other, 200).proof))
    assert invoke("verify", "good", "--state", "log.state", "--receipt", "other.tlog-proof").status == 1
    assert not Path("log.state.checkpoints").exists()
    assert "log-truncated" in invoke("verify", "cut", "--state", "log.state").out
    kept = Path("log.state.checkpoints").read_bytes()
    assert kept == b"\n".join([(tmp_path / name / "checkpoint").read_bytes() for name in ("good", "cut")])
    assert not Path("log.state.fork").exists()


def test_a_checkpoint_that_the_log_did_not_sign_is_no_evidence(tmp_path: Path) -> None:
    """Anybody can write one."""
    entries = long_ledger(300)
    write(tmp_path / "good", publication(entries, SIGNER))
    assert invoke("verify", "good", "--state", "log.state").status == 0
    parts = parts_of(entries)
    other = relink([*parts[:100], *(part._replace(time=part.time + 1) for part in parts[100:])])
    write(tmp_path / "fork", publication(other, NoteSigner("test.example/other", LOG_KEY)))
    ran = invoke("verify", "fork", "--state", "log.state", "--json")
    codes = {failure["code"] for failure in ran.json["failures"]}
    assert ran.status == 1
    assert {"history-rewritten", "note-unsigned"} <= codes
    assert not Path("log.state.fork").exists()


def test_a_state_that_cannot_be_used(honest: Honest, tmp_path: Path) -> None:
    """Damaged, or asked for of a ledger's own folder."""
    write(tmp_path / "public", honest.files)
    Path("log.state").write_bytes(b"nonsense")
    ran = invoke("verify", "public", "--state", "log.state")
    assert (ran.status, ran.code) == (4, "bad-state")
    Path("ledger").mkdir()
    Path("ledger/ledger.toml").write_text("")
    Path("log.state").unlink()
    ran = invoke("verify", "ledger", "--state", "log.state")
    assert (ran.status, ran.code) == (2, "state-of-publication")
