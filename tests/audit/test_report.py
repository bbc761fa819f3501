"""What a report says: its JSON shape, its sentences, its steps, and that every way to run a verification gives the same one."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.audit import signatures
from ledger.audit.record import STEP_OF_CODE
from ledger.audit.report import STEPS, Report, identity_words, outcome_words, step_title
from ledger.audit.sources import EntriesSource, FolderSource
from ledger.audit.verify import verify
from ledger.tally.rollup import COUNTS

from .conftest import SIGNER, Honest
from .forger import checkpoint_of, parts_of, publication, relink, write
from .test_tampering import BUNDLE, long_ledger, told

SHAPE = {
    "ok": bool,
    "source": str,
    "ledger_id": str,
    "identity": str,
    "origin": str,
    "size": int,
    "root": str,
    "election_name": str,
    "election_kind": str,
    "election_day": str,
    "witnesses": int,
    "quorum": int,
    "cosigned": type(None),
    "log_key": str,
    "log_vkey": str,
    "known_size": type(None),
    "events": dict,
    "void": int,
    "voids": dict,
    "pending": int,
    "certificates": int,
    "seals": int,
    "steps": list,
    "failures": list,
    "stopped": bool,
    "contests": list,
    "seconds": float,
    "bytes_read": int,
    "receipts": int,
    "resumed_size": type(None),
    "resumed_since": type(None),
    "unseen": list,
}
"""Field names are a promise to programs: add, never rename."""


def test_the_shape_of_the_json(honest: Honest, tmp_path: Path) -> None:
    """Pinned, with every nested object."""
    files = honest.files | {"stray": b""}
    report = verify(FolderSource(write(tmp_path, files)), ledger_id=None, executor=None, progress=None, known=None)
    shown = json.loads(report.to_json())
    assert {name: type(value) for name, value in shown.items()} == SHAPE
    assert list(shown) == list(SHAPE)
    assert shown["failures"] == [
        {"step": 4, "code": "file-stray", "index": None, "place": "stray", "detail": "no publication has such a file"}
    ]
    assert [(step["number"], step["name"]) for step in shown["steps"]] == list(enumerate(STEPS, 1))
    assert set(shown["steps"][0]) == {"number", "name", "outcome", "checked", "detail"}
    governor, mayor = shown["contests"]
    assert set(governor) == {"code", "name_id", "name_en", "area", "counts", "candidates"}
    assert list(mayor["counts"]) == list(COUNTS)
    assert mayor["candidates"] == [
        {"number": 1, "name": "A", "kind": "candidate", "votes": 241, "stations": 2},
        {"number": 2, "name": "B", "kind": "candidate", "votes": 200, "stations": 2},
    ]
    assert sum(shown["events"].values()) == shown["size"] == 38
    assert msgspec.json.decode(report.to_json(), type=Report) == report


def test_sentences(honest: Honest, tmp_path: Path) -> None:
    """One sentence each, in both languages."""
    ledger = honest.world.ledger
    good = verify(FolderSource(write(tmp_path / "good", honest.files)), ledger_id=ledger, executor=None, progress=None, known=None)
    short = ledger.hex()[:16]
    assert good.sentence("en") == (
        f"Verified: all 38 entries of ledger {short} are in order and give the totals shown; identity checked"
        "; not evaluated: whether others are shown this same log, as no witness is asked for."
    )
    assert good.sentence("id") == (
        f"Terverifikasi: seluruh 38 entri buku besar {short} sah dan menghasilkan total yang ditampilkan; "
        "identitas telah diperiksa; tidak dievaluasi: apakah pihak lain melihat log yang sama, karena tidak ada peneguh log yang "
        "diminta."
    )
    parts = parts_of(honest.entries)
    parts[9] = parts[9]._replace(signature=parts[8].signature)
    bad = verify(
        FolderSource(write(tmp_path / "bad", publication(relink(parts), SIGNER))),
        ledger_id=None,
        executor=None,
        progress=None,
        known=None,
    )
    assert bad.sentence("en") == (
        f"NOT verified, failures: 1; the first at step 5 (signatures), entry 9, {BUNDLE}: signature-invalid."
    )
    assert bad.sentence("id") == (
        f"TIDAK terverifikasi, kegagalan: 1; yang pertama pada langkah 5 (tanda tangan), entri 9, {BUNDLE}: signature-invalid."
    )
    assert "identity not checked" in msgspec.structs.replace(good, identity="not-checked").sentence("en")
    assert msgspec.structs.replace(good, ok=False).sentence("en") == "NOT verified: not every step could be evaluated."
    assert "100+" in msgspec.structs.replace(bad, failures=bad.failures * 100, stopped=True).sentence("en")


def test_words_exist_in_both_languages() -> None:
    """Every step, outcome and identity can be told to people."""
    for words in (
        [(step_title(number, "id"), step_title(number, "en")) for number in range(1, 10)],
        [(outcome_words(outcome, "id"), outcome_words(outcome, "en")) for outcome in ("passed", "failed", "not-evaluated")],
        [(identity_words(each, "id"), identity_words(each, "en")) for each in ("checked", "not-checked", "other", "unknown")],
    ):
        assert all(indonesian and english and indonesian != english for indonesian, english in words)


def test_every_code_of_the_fold_belongs_to_a_step() -> None:
    """Whoever adds a refusal to the fold says here which step of a verification it fails."""
    tally = Path(__file__).resolve().parents[2] / "src" / "ledger" / "tally"
    paths = [tally / "fold.py", *sorted((tally / "acts").glob("*.py"))]
    codes = {
        node.args[0].value
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Refused", "Waiting")
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    assert len(codes) > 30
    codes |= set(re.findall(r'Refused\(\s*"([a-z-]+)"', (tally / "forms.py").read_text()))
    assert codes - set(STEP_OF_CODE) == set()


# --- however it is run ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["threads", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Two workers."""
    if request.param == "threads":
        with ThreadPoolExecutor(2) as threads:
            yield threads
    else:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
            yield processes


def run(entries: list[bytes], executor: Executor | None) -> Report:
    """The report on entries alone, without its time."""
    source = EntriesSource(checkpoint_of(entries, SIGNER), lambda start, stop: iter(entries[start:stop]), name="a ledger")
    report = verify(source, ledger_id=None, executor=executor, progress=None, known=None)
    return msgspec.structs.replace(report, seconds=0.0)


def test_threads_and_processes_give_the_same_report(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good and bad ledgers; with much in flight and with little."""
    entries = long_ledger(700)
    parts = parts_of(entries)
    for index in (300, 301, 650):
        parts[index] = parts[index]._replace(signature=parts[9].signature)
    bad = relink(parts)
    for limit in (signatures.IN_FLIGHT_LIMIT_BYTES, 1):
        monkeypatch.setattr(signatures, "IN_FLIGHT_LIMIT_BYTES", limit)
        assert run(entries, executor) == run(entries, None)
        assert run(entries, None).ok
        report = run(bad, executor)
        assert report == run(bad, None)
        assert told(report) == [(5, "signature-invalid", index, f"entries/{index}") for index in (300, 301, 650)]
        assert [step.checked for step in report.steps] == [1, 700, 700, 1, 697, 300, 300, 300, 0]


def test_what_the_fold_said_beyond_a_bad_signature_is_taken_back(executor: Executor) -> None:
    """Signatures are checked beside the fold: a refusal after a bad one is no finding, one before it is."""
    entries = long_ledger(700)
    parts = parts_of(entries)
    parts[600], parts[601] = parts[601], parts[600]  # the fold refuses entry 600
    refused = (6, "stream-gap", 600, "entries/600")
    assert told(run(relink(parts), executor)) == [refused]
    for bad, expected in ((500, []), (650, [refused])):
        forged = [*parts]
        forged[bad] = forged[bad]._replace(signature=parts[9].signature)
        found = told(run(relink(forged), executor))
        assert sorted(found) == sorted([*expected, (5, "signature-invalid", bad, f"entries/{bad}")])


class Refusing(Executor):
    """An executor whose workers die."""

    def submit(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no worker")


def test_a_broken_executor_is_no_verdict(honest: Honest) -> None:
    """Neither passed nor failed: the caller hears of it."""
    with pytest.raises(RuntimeError):
        run(honest.entries, Refusing())
