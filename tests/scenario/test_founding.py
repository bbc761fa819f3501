"""An election's opening from a seed: the same bytes each time, batches that fit, and a sender that takes no refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import Broken
from ledger.node import Node
from ledger.scenario.founding import Founding, Sender, SteppedClock, found
from ledger.tally.events import ENTRY_LIMIT_BYTES, AreaRow, Candidate, ContestRow, Level, StationRow
from ledger.tally.forms import shipped_form
from ledger.tally.signing import open_submission

LEVELS = (Level("village", 2), Level("station", 6))
STATIONS = 2_500


def founding(seed: bytes = b"seed") -> Founding:
    return found(
        seed,
        name="Contoh",
        kind="synthetic",
        day="2024-11-27",
        zones=("Asia/Jakarta",),
        levels=LEVELS,
        origin="test.example/founding",
        opened_at=1_000,
    )


def setup(made: Founding) -> list[tuple[str, bytes]]:
    """Everything before the first tally, of one village with many stations that have long names."""
    form = shipped_form("kwk-gubernur", 2)
    candidates = tuple(Candidate(number, f"Pasangan {number}", "candidate") for number in (1, 2))
    contest = ContestRow("governor", "Gubernur", "Governor", form.code, form.version, "17", candidates, (), "village")
    stations = [StationRow(f"17{number:04}", "N" * 100, "Asia/Jakarta", 1, 2, ("governor",)) for number in range(STATIONS)]
    keys = (made.key_row("operator", row.code, "1") for row in stations[:450])
    events = made.setup(
        forms=[form], contests=[contest], areas=[AreaRow("17", "Desa")], stations=stations, keys=keys, claimed_at=1_000
    )
    return [(name, signed.submission) for name, signed in events]


def test_one_seed_one_opening() -> None:
    """The same bytes from the same seed, others from another."""
    assert setup(founding()) == setup(founding())
    assert founding().ledger != founding(b"other").ledger
    assert "seed" not in repr(founding()), "whoever has the seed has every key"


def test_batches_fit_their_entries_and_all_take_effect(tmp_path: Path) -> None:
    """Stations with long names need more batches; every event is appended, and the sender counts them by type."""
    made = founding()
    events = setup(made)
    opened = [open_submission(data) for _, data in events]
    assert [event.type for event in opened] == [name for name, _ in events]
    listed = [event for event in opened if event.type == "jurisdictions.listed"]
    assert sum(len(event.data.stations) for event in listed) == STATIONS  # type: ignore[union-attr]
    assert max(len(data) for _, data in events) < ENTRY_LIMIT_BYTES * 3 // 4
    clock = SteppedClock(0)
    with Node.create(tmp_path / "ledger", origin=made.opened.origin, log_key=made.log_key, clock=clock) as node:
        sender = Sender(node, clock)
        for name, data in events:
            sender.take(name, data, 1_000)
        sender.send()
        assert node.head().size == len(events) == sum(sender.events.values())
        assert sender.events["keys.enrolled"] == 1 + 3
        assert node.ledger_id() == made.ledger
        sender.take("keys.enrolled", events[1][1], 2_000)
        with pytest.raises(Broken) as caught:
            sender.send()
        assert caught.value.code == "scenario-refused"
