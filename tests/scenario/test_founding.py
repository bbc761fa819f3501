"""An election's opening from a seed: the same bytes each time, batches that fit, and a sender that takes no refusal."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import UNSET

from ledger.errors import Broken, LedgerError
from ledger.node import Node
from ledger.scenario.founding import Founding, Sender, SteppedClock, found, governed
from ledger.scenario.people import People
from ledger.tally.events import (
    ENTRY_LIMIT_BYTES,
    Approved,
    AreaRow,
    Candidate,
    ContestRow,
    KeysEnrolled,
    Level,
    StationRow,
)
from ledger.tally.forms import shipped_form
from ledger.tally.signing import open_submission
from ledger.tally.state import KEYS

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


# --- governed --------------------------------------------------------------------------------------------------------------------

LOCAL = (Level("province", 2), Level("city", 4), Level("district", 6), Level("village", 10), Level("station", 13))
ZERO_HOUR = 1_732_640_400_000  # 27 November 2024, 00:00 WIB


def governed_founding() -> Founding:
    return found(
        b"seed",
        name="Contoh",
        kind="synthetic",
        day="2024-11-27",
        zones=("Asia/Jakarta",),
        levels=LOCAL,
        origin="test.example/founding",
        opened_at=1_000,
        rules=governed(levels=LOCAL, day="2024-11-27", pairs=("mayor-1", "mayor-2")),
    )


def test_an_ungoverned_founding_keeps_its_bytes() -> None:
    """Imports pin their roots: entry 0 says no powers where there are none."""
    opened = founding().opened
    assert (opened.powers, opened.deadlines, opened.second_seats, opened.cutoffs) == (UNSET, UNSET, (), ())
    assert [(body.body, body.roles) for body in opened.registrars] == [
        ("commission", ("administrator", "importer", "officer", "operator"))
    ]
    assert founding().ledger.hex() == "3f28de89cb969457e3bad539959761881adc5f000c174a42a8d1fdb72ac4d27e"


def test_who_counts_and_who_watches_are_enrolled_by_others() -> None:
    """No registrar of the defaults enrols both, and each body that enrols has a second one to approve."""
    bodies = governed_founding().opened.registrars
    for body in bodies:
        assert not ({"operator", "officer", "administrator"} & set(body.roles) and {"agent", "supervisor"} & set(body.roles))
        assert sum(other.body[:-1] == body.body[:-1] for other in bodies) == 2, body.body
    assert [body.body for body in bodies] == [
        *("commission-1", "commission-2", "bawaslu-1", "bawaslu-2"),
        *("mayor-1-a", "mayor-1-b", "mayor-2-a", "mayor-2-b"),
    ]


def test_deadlines_are_those_of_the_timetable() -> None:
    """28 November to 3 December for districts, 6 and 9 December above (domain.md 2.7); operators until the districts are done."""
    day = 24 * 3_600_000
    opened = governed_founding().opened
    assert opened.deadlines is not UNSET
    windows = {row.level: ((row.opens - ZERO_HOUR) // day, (row.closes + 1 - ZERO_HOUR) // day) for row in opened.deadlines}
    assert windows == {"district": (1, 7), "city": (2, 10), "province": (3, 13)}
    assert [(cutoff.role, cutoff.time) for cutoff in opened.cutoffs] == [("operator", ZERO_HOUR + 7 * day - 1)]


def test_defaults_fit_an_election_with_other_levels(tmp_path: Path) -> None:
    """The fold takes entry 0 whatever its levels are called, and no act is left without a level."""
    made = found(
        b"seed",
        name="Contoh",
        kind="synthetic",
        day="2024-11-27",
        zones=("Asia/Jakarta",),
        levels=LEVELS,
        origin="test.example/founding",
        opened_at=1_000,
        rules=governed(levels=LEVELS, day="2024-11-27", pairs=()),
    )
    assert made.opened.powers is not UNSET
    assert all(power.levels == ("village",) for power in made.opened.powers)
    with Node.create(tmp_path / "ledger", origin=made.opened.origin, log_key=made.log_key, clock=SteppedClock(0)) as node:
        assert not isinstance(node.submit([made.opening.submission])[0], LedgerError)


def test_enrolment_waits_for_the_second_registrar(tmp_path: Path) -> None:
    """Proposed by one body, in effect once the other has approved; and a body of agents cannot stand in for the commission."""
    made = governed_founding()
    clock = SteppedClock(2_000)
    with Node.create(tmp_path / "ledger", origin=made.opened.origin, log_key=made.log_key, clock=clock) as node:
        people = People(made, Sender(node, clock))
        row = people.seat(("officer", "", "kpu-ketua"))
        proposed = made.registrars["commission-1"].sign(KeysEnrolled((row,)), claimed_at=2_000)
        wrong = made.registrars["mayor-1-a"].sign(Approved(event=proposed.event_id), claimed_at=2_000)
        right = made.registrars["commission-2"].sign(Approved(event=proposed.event_id), claimed_at=2_000)
        answers = node.submit([made.opening.submission, proposed.submission, wrong.submission, right.submission])
        assert [(answer.void, answer.pending) for answer in answers] == [  # type: ignore[union-attr]
            ("", False),
            ("", True),
            ("approver-not-entitled", False),
            ("", False),
        ]
        with node.snapshot() as snapshot:
            assert snapshot.state.get(KEYS, row.point) is not None


def test_a_sender_takes_no_other_answer_than_the_expected(tmp_path: Path) -> None:
    """An event that should be void and is not, is a fault of the scenario."""
    made = governed_founding()
    clock = SteppedClock(2_000)
    with Node.create(tmp_path / "ledger", origin=made.opened.origin, log_key=made.log_key, clock=clock) as node:
        sender = Sender(node, clock)
        sender.take("election.opened", made.opening.submission, 1_000, void="stale")
        with pytest.raises(Broken) as caught:
            sender.send()
        assert caught.value.code == "scenario-refused"
