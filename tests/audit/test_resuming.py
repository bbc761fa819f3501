"""Going on from where a verification ended: only what is new is read, and a log that is another one is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.audit.report import Report
from ledger.audit.resuming import State, decode_state, encode_state, restore_rows, rows_of
from ledger.audit.sources import FolderSource
from ledger.audit.verify import Known, verify
from ledger.errors import BadInput
from ledger.proof.tiles import entries_path
from ledger.tally.memory import Memory
from ledger.tally.state import TABLES

from ..governed import whole_season
from .conftest import SIGNER, Honest
from .forger import checkpoint_of, parts_of, publication, relink, state_of, write
from .test_earlier import receipt_of
from .test_tampering import long_ledger, outcomes, told

FIRST, SECOND, THIRD = 1_732_000_000_000, 1_732_100_000_000, 1_732_200_000_000


class Counting(FolderSource):
    """A folder that remembers what was read of it."""

    def __init__(self, folder: Path) -> None:
        self.opened: list[str] = []
        super().__init__(folder)

    def _read(self, path: str, limit_bytes: int) -> bytes:
        self.opened.append(path)
        return super()._read(path, limit_bytes)


def run(source: FolderSource, state: State | None, now: int, **more: Any) -> tuple[Report, State | None]:
    """The report and the state that it leaves, which has gone through its file's bytes."""
    kept: list[State] = []
    more = {"ledger_id": None, "known": None} | more
    report = verify(source, executor=None, progress=None, state=state, keep=kept.append, now=now, **more)
    return report, decode_state(encode_state(kept[0])) if kept else None


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    """Three publications of one growing log; the report says since when, and ends in the same totals as one that reads all."""
    entries = long_ledger(1_300)
    state: State | None = None
    for size, now in ((600, FIRST), (1_000, SECOND), (1_300, THIRD)):
        source = Counting(write(tmp_path / str(size), publication(entries[:size], SIGNER)))
        before = state
        report, state = run(source, state, now)
        assert report.ok, told(report)
        assert state is not None
        assert (state.size, state.verified_at, state.since) == ((size - 1) // 256 * 256, now, FIRST)
        whole = verify(FolderSource(tmp_path / str(size)), ledger_id=None, executor=None, progress=None, known=None)
        same = ("ok", "events", "voids", "seals", "certificates", "contests", "root", "ledger_id", "witnesses")
        assert {name: getattr(report, name) for name in same} == {name: getattr(whole, name) for name in same}
        assert outcomes(report) == outcomes(whole) == "ppppppppp"
        if before is None:
            assert (report.resumed_size, report.bytes_read) == (None, whole.bytes_read)
            continue
        assert (report.resumed_size, report.resumed_since) == (before.size, FIRST)
        bundles = {path for path in source.opened if path.startswith("tile/entries/")}
        assert bundles == {
            entries_path(number, min(256, size - number * 256)) for number in range(before.size // 256, -(-size // 256))
        }
        assert not {entries_path(0), "tile/0/000"} & set(source.opened)
        assert report.bytes_read < whole.bytes_read * (size - before.size) / size * 1.3
        assert [step.checked for step in report.steps[1:3]] == [size - before.size] * 2
        assert "were verified earlier, since 2024-11-19 07:06 UTC, and not read again" in report.sentence("en")
        assert "tidak dibaca ulang" in report.sentence("id")


def test_the_recap_that_was_verified_is_not_read_again_and_others_are(tmp_path: Path) -> None:
    """A publication keeps the recap of before; one of a size in between is new, and is compared."""
    entries = long_ledger(700)
    first = publication(entries[:600], SIGNER)
    _, state = run(FolderSource(write(tmp_path / "first", first)), None, FIRST)
    assert state is not None
    older = {path: data for path, data in first.items() if path.startswith("recap/600/")}
    assert older
    grown = publication(entries, SIGNER) | older
    source = Counting(write(tmp_path / "grown", grown))
    report, _ = run(source, state, SECOND)
    assert report.ok, told(report)
    assert not [path for path in source.opened if path.startswith("recap/600/")]
    between = {path.replace("/600/", "/650/"): data for path, data in older.items()}
    report, _ = run(FolderSource(write(tmp_path / "between", grown | between)), state, SECOND)
    assert {code for _, code, _, _ in told(report)} == {"recap-differs", "recap-root-differs"}


def test_the_state_of_a_governed_election_goes_through_its_bytes() -> None:
    """Every table's rows come back as they were, so the fold goes on as if it had never stopped."""
    memory = state_of(whole_season().entries)
    rows = rows_of(memory)
    kind = dict[str, list[tuple[bytes, bytes]]]
    back = restore_rows(msgspec.msgpack.decode(msgspec.msgpack.encode(rows), type=kind))
    assert rows_of(back) == rows
    assert sum(bool(rows[table.name]) for table in TABLES) > 15


def test_a_small_log_is_read_whole_and_its_checkpoint_remembered(honest: Honest, tmp_path: Path) -> None:
    """Below one bundle there is nothing to save, but another history is still found."""
    _, state = run(FolderSource(write(tmp_path / "a", honest.files)), None, FIRST)
    assert state is not None
    assert state.size == 0
    report, _ = run(FolderSource(tmp_path / "a"), state, SECOND)
    assert (report.ok, report.resumed_size) == (True, None)
    parts = parts_of(honest.entries)
    forged = relink([*parts[:37], parts[37]._replace(time=parts[37].time + 1)])
    report, kept = run(FolderSource(write(tmp_path / "b", publication(forged, SIGNER))), state, SECOND)
    assert [failure[:2] for failure in told(report)] == [(4, "history-rewritten")]
    assert kept is None


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ("early", {"not-an-extension", "chain-broken"}),
        ("late", {"history-rewritten"}),
        ("cut", {"log-truncated"}),
    ],
)
def test_another_history_is_found(change: str, codes: set[str], tmp_path: Path) -> None:
    """Rewritten where it is not read again, where it is, and cut off."""
    entries = long_ledger(700)
    _, state = run(FolderSource(write(tmp_path / "a", publication(entries[:600], SIGNER))), None, FIRST)
    parts = parts_of(entries)
    at = {"early": 100, "late": 590, "cut": 0}[change]
    moved = relink([*parts[:at], *(part._replace(time=part.time + 1) for part in parts[at:])])
    other = entries[:550] if change == "cut" else moved
    report, kept = run(FolderSource(write(tmp_path / "b", publication(other, SIGNER))), state, SECOND)
    assert not report.ok
    assert codes <= {failure.code for failure in report.failures}
    assert kept is None


def test_what_is_new_and_wrong_is_found_at_its_place(tmp_path: Path) -> None:
    """A signature among the new entries."""
    entries = long_ledger(700)
    _, state = run(FolderSource(write(tmp_path / "a", publication(entries[:600], SIGNER))), None, FIRST)
    parts = parts_of(entries)
    parts[650] = parts[650]._replace(signature=parts[9].signature)
    report, kept = run(FolderSource(write(tmp_path / "b", publication(relink(parts), SIGNER))), state, SECOND)
    assert told(report) == [(5, "signature-invalid", 650, "tile/entries/002.p/188")]
    assert [step.outcome for step in report.steps[5:]] == ["not-evaluated"] * 4
    assert kept is None


def test_where_something_older_is_asked_for_all_is_read(tmp_path: Path) -> None:
    """A receipt or a checkpoint from below the state cannot be judged by it."""
    entries = long_ledger(600)
    folder = write(tmp_path, publication(entries, SIGNER))
    _, state = run(FolderSource(folder), None, FIRST)
    for more in (
        {"receipts": (receipt_of(entries, 7),)},
        {"known": Known.from_note(checkpoint_of(entries[:300], SIGNER))},
    ):
        report, _ = run(FolderSource(folder), state, SECOND, **more)
        assert (report.ok, report.resumed_size) == (True, None)
    report, _ = run(FolderSource(folder), state, SECOND, receipts=(receipt_of(entries, 590),))
    assert (report.ok, report.resumed_size, report.receipts) == (True, 512, 1)


def test_the_identity_is_that_of_the_state(honest: Honest, tmp_path: Path) -> None:
    """Entry 0 is not read again, but its id is compared with the one given."""
    folder = write(tmp_path, publication(long_ledger(600), SIGNER))
    report, state = run(FolderSource(folder), None, FIRST)
    right = bytes.fromhex(report.ledger_id or "")
    assert run(FolderSource(folder), state, SECOND, ledger_id=right)[0].identity == "checked"
    report, _ = run(FolderSource(folder), state, SECOND, ledger_id=bytes(32))
    assert (report.ok, report.identity, report.failures[0].code) == (False, "other", "ledger-id-other")


def test_a_state_that_is_none(honest: Honest, tmp_path: Path) -> None:
    """Damaged, cut off, of another version: everything must be read again, and that is said."""
    _, state = run(FolderSource(write(tmp_path, publication(long_ledger(600), SIGNER))), None, FIRST)
    assert state is not None
    data = encode_state(state)
    for at in range(0, len(data), 97):
        with pytest.raises(BadInput) as caught:
            decode_state(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert caught.value.code == "bad-state"
    replace = msgspec.structs.replace
    for false in (
        b"",
        data[:-1],
        encode_state(replace(state, size=513)),
        encode_state(replace(state, finished=[])),
        encode_state(replace(state, rows={"nonsense": []})),
    ):
        with pytest.raises(BadInput) as caught:
            decode_state(false)
        assert caught.value.code == "bad-state"
    for rows in ({"keys": [(b"", b"\xc1")]}, {"contests": [(b"x", b"\x01")]}):
        with pytest.raises(BadInput) as caught:
            restore_rows(rows)
        assert caught.value.code == "bad-state"
    assert rows_of(Memory()) == {table.name: [] for table in TABLES}
