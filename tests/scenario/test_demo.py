"""The demo: official totals, one seed one root, and the histories that it is there to show."""

from __future__ import annotations

import datetime
from collections import Counter
from pathlib import Path

import pytest

from ledger.errors import BadInput
from ledger.node import Node, system_clock
from ledger.recap.views import History, findings, history, recap
from ledger.scenario.bengkulu import DISTRICTS
from ledger.scenario.demo import SECOND_SEATS, DemoReport, build_demo
from ledger.scenario.split import split
from ledger.tally.state import AREAS

SEED = 2024
WIB = datetime.timezone(datetime.timedelta(hours=7))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "ledger"


@pytest.fixture(scope="module")
def report(folder: Path) -> DemoReport:
    """The demo, built once."""
    return build_demo(folder, seed=SEED)


def test_the_totals_are_the_official_ones(report: DemoReport, folder: Path) -> None:
    """Of the city, and of each district, in both contests."""
    votes = {check.contest: [pair.votes for pair in check.pairs] for check in report.contests}
    assert votes == {"governor": [110_315, 78_653], "mayor": [34_414, 31_181, 50_377, 7_912, 68_979]}
    assert all(pair.votes == pair.official for check in report.contests for pair in check.pairs)
    with Node.open(folder, clock=system_clock) as node, node.snapshot() as snapshot:
        for district in DISTRICTS:
            for contest in ("governor", "mayor"):
                found = recap(snapshot.state, contest, district.code, size=snapshot.size)
                assert tuple(candidate.votes for candidate in found.candidates) == getattr(district, contest)
                assert found.counts["expected"] == district.stations


def test_every_form_is_in_and_none_held_or_broken_in_the_end(report: DemoReport, folder: Path) -> None:
    """516 stations; each slip is a correction that changed a number; the second seats confirm."""
    slips = Counter(slip.contest for row in split(SEED) for slip in row.slips)
    for check in report.contests:
        assert check.counts["expected"] == check.counts["in"] == 516
        assert check.counts["corrected"] == slips[check.contest]
        assert check.counts["held"] == check.counts["differing"] == check.counts["with_findings"] == 0
    assert report.contests[1].counts["confirmed"] == SECOND_SEATS
    with Node.open(folder, clock=system_clock) as node, node.snapshot() as snapshot:
        assert not list(findings(snapshot.state, "1771", None, not_evaluated=True))
        levels = Counter(area.level for _, area in snapshot.state.under(AREAS, b""))
        assert [levels[level] for level in range(5)] == [1, 1, 9, 67, 516]
        assert not node.replay(rebuilding=False).differences


def test_both_contests_are_complete_by_midnight_and_officers_act_in_the_following_days(report: DemoReport, folder: Path) -> None:
    """Forms come from 15:00 WIB on, most by 19:00; half of the slips wait for the district's officer."""
    firsts: list[datetime.datetime] = []
    by_role: Counter[str] = Counter()
    with Node.open(folder, clock=system_clock) as node, node.snapshot() as snapshot:
        entries = [node.entry(index) for index in range(snapshot.size)]
        roles = {row.point: row.role for entry in entries if entry.event.type == "keys.enrolled" for row in entry.event.data.keys}
    for entry in entries:
        moment = datetime.datetime.fromtimestamp(entry.event.claimed_at / 1000, WIB)
        if entry.event.type == "tally.submitted":
            firsts.append(moment)
        if entry.event.type == "tally.corrected":
            by_role[roles[entry.event.key]] += 1
        assert entry.event.claimed_at <= entry.sequenced_at < entry.event.claimed_at + 61_000
    evening = datetime.datetime(2024, 11, 27, 15, tzinfo=WIB)
    assert evening <= min(firsts)
    assert max(firsts) < evening + datetime.timedelta(hours=9)
    by_seven = sum(moment.hour < 19 for moment in firsts) / len(firsts)
    assert 0.7 < by_seven < 0.9
    assert abs(by_role["officer"] - by_role["operator"]) <= 1


def told(report: DemoReport, folder: Path, contest: str, station: str) -> History:
    with Node.open(folder, clock=system_clock) as node, node.snapshot() as snapshot:
        return history(snapshot.state, snapshot.entry, contest, station, size=snapshot.size)


def test_the_told_station_has_a_telling_history(report: DemoReport, folder: Path) -> None:
    """Sent with a slip that breaks a rule, held by the district, corrected with a reason, released."""
    found = told(report, folder, report.told_contest, report.told_station)
    assert [version.entry.type for version in found.versions] == [
        "tally.submitted",
        "tally.held",
        "tally.corrected",
        "tally.released",
    ]
    submitted, held, corrected, _ = found.versions
    assert submitted.entry.role == "operator"
    assert submitted.findings
    assert (held.entry.role, held.entry.scope) == ("officer", report.told_station[:6])
    assert corrected.entry.reason
    assert corrected.changed
    assert not corrected.findings
    assert found.state == "corrected"


def test_a_lost_device_is_replaced_between_two_forms(report: DemoReport, folder: Path) -> None:
    """Its governor's form stands, its mayor's comes from the new key of the same seat."""
    governor, mayor = (
        told(report, folder, contest, report.replaced_station).versions[0].entry for contest in ("governor", "mayor")
    )
    assert (governor.seat, governor.void, mayor.seat, mayor.void) == ("1", "", "1", "")
    assert governor.key != mayor.key
    assert mayor.position == 0
    assert report.events["key.revoked"] == 1


def test_the_root_that_a_newcomer_sees(tmp_path: Path) -> None:
    """``ledger demo`` without a seed: pinned, so that no change of a byte goes unseen.  Change it only with FORMATS.md."""
    shown = build_demo(tmp_path / "demo", seed=1)
    assert shown.root == "2e7d0991662a22d65d27b944d47e70655c358247e1255260856621cea4a9da39"
    assert shown.ledger == "291ba9e02c0f5616c9f0159c3d2b4d22e6ca4dea609341028a634b641a191067"


def test_one_seed_one_root(report: DemoReport, tmp_path: Path) -> None:
    """The same seed gives the same log; another seed another election with the same official totals."""
    again = build_demo(tmp_path / "again", seed=SEED)
    assert (again.root, again.ledger, again.events) == (report.root, report.ledger, report.events)
    other = build_demo(tmp_path / "other", seed=SEED + 1)
    assert other.ledger != report.ledger
    assert [check.pairs for check in other.contests] == [check.pairs for check in report.contests]


def test_a_seed_is_a_number_that_fits(tmp_path: Path) -> None:
    """``seed-out-of-range``."""
    for seed in (-1, 2**53):
        with pytest.raises(BadInput) as caught:
            build_demo(tmp_path / "ledger", seed=seed)
        assert caught.value.code == "seed-out-of-range"


def test_progress_is_told_to_its_end(tmp_path: Path) -> None:
    """The callback hears how many acts of how many are done, ascending."""
    heard: list[tuple[str, int, int]] = []
    report = build_demo(tmp_path / "ledger", seed=SEED, progress=lambda *step: heard.append(step))
    assert heard == sorted(heard)
    assert heard[-1][1] == heard[-1][2] == sum(count for name, count in report.events.items() if name.startswith("tally.")) + 1
