"""The demo: official totals, one seed one root, everything that issue 3 asks for in it, and a log that outsiders accept."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec import UNSET

from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.errors import BadInput
from ledger.node import Node, system_clock
from ledger.scenario.bengkulu import DISTRICTS
from ledger.scenario.cast import CONFIRMED
from ledger.scenario.demo import DemoReport, build_demo
from ledger.scenario.evening import HELD
from ledger.scenario.plenary_days import transposed
from ledger.scenario.split import form_for, split
from ledger.tally import events as e
from ledger.tally.projection import PENDING_WORD, SUMS, VERSIONS, VOIDS, sums_key, version_index, version_prefix
from ledger.tally.rollup import COUNTS
from ledger.tally.rows import Certificate, Slot
from ledger.tally.signing import OpenedEntry, reopen_entry
from ledger.tally.state import (
    AREAS,
    ATTESTATIONS,
    CERTIFICATES,
    EXPLANATIONS,
    KEYS,
    OBJECTIONS,
    PENDING,
    RECOMMENDATIONS,
    SLOTS,
    area_key,
    slot_key,
)

SEED = 2024
WIB = datetime.timezone(datetime.timedelta(hours=7))
CITY = "1771"
OFFICIAL = {"governor": (110_315, 78_653), "mayor": (34_414, 31_181, 50_377, 7_912, 68_979)}


class Act(NamedTuple):
    """An entry with its signer's seat and its void code."""

    entry: OpenedEntry
    role: str
    scope: str
    seat: str
    void: str

    @property
    def data(self) -> Any:
        return self.entry.event.data

    @property
    def moment(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.entry.sequenced_at / 1000, WIB)


class Told(NamedTuple):
    """The demo, built once: its report, its folder, every act, and its state's rows by table name."""

    report: DemoReport
    folder: Path
    acts: list[Act]
    rows: dict[str, dict[bytes, Any]]

    def of(self, kind: type[Any], /, **said: object) -> list[Act]:
        """Acts of a type that say these words."""
        return [
            act
            for act in self.acts
            if isinstance(act.data, kind) and all(getattr(act.data, name) == value for name, value in said.items())
        ]

    def at(self, part: str, kind: type[Any], /, **said: object) -> list[Act]:
        """The same, at the station that plays a part."""
        return self.of(kind, station=self.report.parts[part], **said)

    def slot(self, contest: str, part: str, round_: int = 0) -> Slot:
        return self.rows["slots"][slot_key(contest, self.report.parts[part], round_)]

    def certificate(self, contest: str, area: str) -> Certificate:
        return self.rows["certificates"][area_key(contest, area)]

    def history(self, contest: str, station: str) -> list[tuple[Act, str]]:
        """The acts of a tally in order, each with the word that its history has for it: '', pending, or a void code."""
        prefix = version_prefix(slot_key(contest, station, 0))
        return [
            (self.acts[version_index(key)], word) for key, word in sorted(self.rows["versions"].items()) if key.startswith(prefix)
        ]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(tmp_path_factory.mktemp("demo") / "ledger", SEED)


def tell(folder: Path, seed: int) -> Told:
    """Builds the demo and reads it whole."""
    report = build_demo(folder, seed=seed)
    tables = (AREAS, ATTESTATIONS, CERTIFICATES, EXPLANATIONS, KEYS, OBJECTIONS, PENDING, RECOMMENDATIONS, SLOTS)
    with Node.open(folder, clock=system_clock) as node, node.snapshot() as snapshot:
        rows = {table.name: dict(snapshot.state.under(table)) for table in (*tables, SUMS, VERSIONS, VOIDS)}
        acts = []
        for index in range(snapshot.size):
            entry = reopen_entry(snapshot.entry(index))
            key = rows["keys"][entry.event.key]
            acts.append(Act(entry, key.role, key.scope, key.seat, rows["voids"].get(index.to_bytes(8), "")))
    return Told(report, folder, acts, rows)


# --- the totals ------------------------------------------------------------------------------------------------------------------


def test_the_totals_are_the_official_ones(told: Told) -> None:
    """Of the city, and of each district, in both contests (domain.md 6.3 and 6.4)."""
    assert {check.contest: tuple(pair.votes for pair in check.pairs) for check in told.report.contests} == OFFICIAL
    assert all(pair.votes == pair.official for check in told.report.contests for pair in check.pairs)
    for district in DISTRICTS:
        for contest in OFFICIAL:
            sums = told.rows["sums"][sums_key(contest, district.code)]
            form = form_for(contest)
            votes = [total for figure, total in zip(form.figures, sums.figures, strict=True) if figure.candidate]
            assert tuple(votes) == getattr(district, contest)
            assert dict(zip(COUNTS, sums.counts, strict=True))["expected"] == district.stations


def test_every_form_is_in_and_one_finding_is_left(told: Told) -> None:
    """516 stations; each slip was set right, and so were the cast's forms; what the paper itself says wrong stays, explained."""
    slips = Counter(slip.contest for row in split(SEED) for slip in row.slips)
    governor, mayor = (check.counts for check in told.report.contests)
    for counts in (governor, mayor):
        assert counts["expected"] == counts["in"] == 516
        assert counts["held"] == counts["differing"] == counts["awaiting"] == 0
    assert governor["corrected"] == slips["governor"]
    assert mayor["corrected"] == slips["mayor"] + len({"differing", "wrong_form", "accepted", "carried"})
    assert (governor["with_findings"], mayor["with_findings"]) == (1, 0)
    assert (governor["confirmed"], mayor["confirmed"]) == (0, CONFIRMED)
    levels = Counter(area.level for area in told.rows["areas"].values())
    assert [levels[level] for level in range(5)] == [1, 1, 9, 67, 516]


def test_the_log_replays_byte_for_byte_and_verifies(told: Told, tmp_path: Path) -> None:
    """``ledger replay``, ``ledger publish`` and ``ledger verify``, with the pinned id."""
    with Node.open(told.folder, clock=system_clock) as node:
        assert not node.replay(rebuilding=False).differences
        node.publish(tmp_path / "public")
    ledger = bytes.fromhex(told.report.ledger)
    report = verify(FolderSource(tmp_path / "public"), ledger_id=ledger, executor=None, progress=None, known=None)
    assert report.ok, report.failures
    assert report.size == told.report.entries == len(told.acts)


# --- what issue 3 asks to be seen ------------------------------------------------------------------------------------------------


def _differing_and_chosen(told: Told) -> bool:
    """Two seats, other figures; the plenary's correction names both."""
    first, second = told.at("differing", e.TallySubmitted, contest="mayor")
    (choice,) = told.at("differing", e.TallyCorrected)
    both = tuple(sorted(act.entry.event.event_id for act in (first, second)))
    return first.data.figures != second.data.figures == choice.data.figures and choice.data.supersedes == both


def _corrected_at_the_station(told: Told) -> bool:
    return any(act.role == "operator" for act in told.of(e.TallyCorrected))


def _corrected_at_the_district(told: Told) -> bool:
    return any((act.role, len(act.scope)) == ("officer", 6) for act in told.of(e.TallyCorrected))


def _corrected_at_the_city_after_certification(told: Told) -> bool:
    """It waits for a second seat, and the district's certificate stays, with one correction counted."""
    (proposed,) = told.at("carried", e.TallyCorrected)
    (approved,) = told.of(e.Approved, event=proposed.entry.event.event_id)
    certificate = told.certificate("mayor", "177101")
    return (
        proposed.scope == approved.scope == CITY
        and proposed.seat != approved.seat
        and (certificate.corrected, certificate.in_force) == (1, True)
        and certificate.index < proposed.entry.index
    )


def _entered_by_the_district_and_late_evidence(told: Told) -> bool:
    """Two forms by the district; the revoked phone's two, signed before, come in void, up to its last good one."""
    acts = told.at("broken_phone", e.TallySubmitted)
    by_office = [act for act in acts if act.role == "officer"]
    late = [act for act in acts if act.role == "operator"]
    (revoked,) = [row.revoked for row in told.rows["keys"].values() if row.scope == told.report.parts["broken_phone"]]
    return (
        [act.void for act in by_office] == ["", ""]
        and [act.void for act in late] == ["key-revoked", "key-revoked"]
        and [act.entry.event.position for act in late] == [0, 1]
        and revoked[0].last_good == (1,)
        and all(act.entry.event.claimed_at < act.entry.sequenced_at - 86_400_000 // 2 for act in late)
    )


def _withdrawn_for_a_wrong_station(told: Told) -> bool:
    """The neighbour's figures, taken back, then the own ones."""
    wrong, right = told.at("wrong_form", e.TallySubmitted, contest="mayor")
    (gone,) = told.at("wrong_form", e.TallyWithdrawn)
    (neighbour,) = told.at("neighbour", e.TallySubmitted, contest="mayor")
    return wrong.data.figures == neighbour.data.figures != right.data.figures and gone.data.reason == "wrong-station"


def _objections(told: Told) -> bool:
    """Accepted with the event that corrects, rejected, and carried upward to be accepted there."""
    outcomes = Counter(act.data.outcome for act in told.of(e.ObjectionSettled) if not act.void)
    levels = {row.code: (row.level, row.outcome) for row in told.rows["objections"].values()}
    return outcomes == {"accepted": 2, "rejected": 1, "carried": 1} and levels == {
        told.report.parts["accepted"]: (6, "accepted"),
        told.report.parts["rejected"]: (6, "rejected"),
        told.report.parts["carried"]: (4, "accepted"),
    }


def _recommendations(told: Told) -> bool:
    """Executed by the order that it names, refused, and never answered."""
    answers = {row.codes[0]: row.answer for row in told.rows["recommendations"].values()}
    (order,) = told.of(e.RevoteOrdered)
    (executed,) = told.of(e.RecommendationAnswered, answer="executed")
    return executed.data.events == (order.entry.event.event_id,) and answers == {
        told.report.parts["again"]: "executed",
        told.report.parts["refused"]: "refused",
        told.report.parts["unanswered"]: "",
    }


def _held_and_released(told: Told) -> bool:
    """Each with a basis."""
    held, released = told.of(e.TallyHeld), told.of(e.TallyReleased)
    return len(held) == len(released) == HELD and all(act.data.basis is not UNSET for act in released)


def _continued(told: Told) -> bool:
    """Postponed as PSL for both contests; the forms come two days later, still round 0."""
    postponed = told.of(e.VotePostponed, kind="psl", stations=(told.report.parts["continued"],))
    sent = told.at("continued", e.TallySubmitted)
    return (
        len(postponed) == len(sent) == 2
        and all(act.moment.day == 29 and act.data.round == 0 for act in sent)
        and told.slot("mayor", "continued").postponed > 0
    )


def _voted_again(told: Told) -> bool:
    """The old round annulled, the new one in; the district's certificate needed renewal and was renewed."""
    (order,) = told.of(e.RevoteOrdered)
    first, renewed = told.of(e.RecapCertified, contest="mayor", area="177109")
    new = told.slot("mayor", "again", 1)
    return (
        told.slot("mayor", "again").state == "annulled"
        and (new.state, new.order) == ("single", told.slot("mayor", "again").annulled)
        and first.entry.index < order.entry.index < renewed.entry.index
        and first.data.sums != renewed.data.sums
        and told.certificate("mayor", "177109").in_force
    )


def _missing_at_certification(told: Told) -> bool:
    """Named with reason and basis; reopened for this station alone, entered, certified again with nothing missing."""
    first, again = told.of(e.RecapCertified, contest="governor", area="177108")
    station = told.report.parts["late"]
    (reopened,) = told.of(e.RecapReopened)
    return (
        [(row.code, row.reason) for row in first.data.missing] == [(station, "paper-not-in-box")]
        and all(row.basis for row in first.data.missing)
        and reopened.data.stations == (station,)
        and again.data.missing == ()
    )


def _paper_differs(told: Told) -> bool:
    """One figure, explained; certified all the same."""
    certificate = told.certificate("governor", "177105")
    ((figure, reason),) = certificate.differences
    return (
        certificate.in_force and reason == "digits-transposed" and certificate.paper[figure] == transposed(certificate.sums[figure])
    )


def _key_replaced(told: Told) -> bool:
    """By the district's registrar alone, on the day, between two forms; reviewed by the commission."""
    governor, mayor = told.at("replaced", e.TallySubmitted)
    keys = [row for row in told.rows["keys"].values() if row.scope == told.report.parts["replaced"]]
    (enrolled,) = [act for act in told.of(e.KeysEnrolled) if act.scope == "177102"]
    reviewed = told.of(e.Approved, event=enrolled.entry.event.event_id)
    return (
        governor.entry.event.key != mayor.entry.event.key
        and (governor.seat, mayor.seat) == ("1", "1")
        and enrolled.moment.day == 27
        and [(act.seat, act.moment.day) for act in reviewed] == [("commission-2", 28)]
        and [row.alone for row in keys] == [0, 0]
        and told.rows["pending"][enrolled.entry.event.event_id].state == "done"
    )


def _finding_explained(told: Told) -> bool:
    """The finding stands, and so does its explanation."""
    ((key, row),) = told.rows["explanations"].items()
    slot = told.slot("governor", "explained")
    return (
        key.endswith(b"/r1-disabilitas")
        and slot.standing[0].broken == ("r1-disabilitas",)
        and row.event == slot.standing[0].event
        and row.reason == "stands-so-on-paper"
    )


def _attested(told: Told) -> bool:
    """By agents and supervisors, some with their own figures."""
    rows = told.rows["attestations"].values()
    with_figures = Counter(row.role for row in rows if row.figures)
    return with_figures["agent"] > 0 < with_figures["supervisor"] and len(rows) > 100 > sum(with_figures.values())


def _presence_on_the_paper(told: Told) -> bool:
    """What each pair's agent did with the paper: signed, refused, absent; on forms and on recaps."""
    forms = Counter(mark for act in told.of(e.TallySubmitted) for mark in act.data.agents)
    recaps = {mark for act in told.of(e.RecapCertified) for mark in act.data.agents}
    return forms["signed"] > forms["absent"] > forms["refused"] > 0 and len(recaps) > 1


def _incidents(told: Told) -> bool:
    return {act.data.kind for act in told.of(e.IncidentRecorded)} == {"flood", "voted-twice"}


def _rotated(told: Told) -> bool:
    """A seat whose second key approves on the city's day."""
    (rotated,) = told.of(e.KeyRotated)
    approvals = [act for act in told.of(e.Approved) if (act.scope, act.seat) == (CITY, rotated.seat)]
    return {act.entry.event.key for act in approvals[-3:]} == {rotated.data.point} != {rotated.entry.event.key}


def _read_by_several(told: Told) -> bool:
    """Village by village, by chair and two members of every district."""
    seats = {(act.scope, act.seat) for act in told.of(e.RecapRead) if len(act.scope) == 6}
    villages = [{row.code[:10] for row in act.data.rows} for act in told.of(e.RecapRead) if len(act.scope) == 6]
    return len(seats) == 3 * 9 and all(len(codes) == 1 for codes in villages)


def _certified_by_chair_and_member(told: Told) -> bool:
    """Every certificate in force was proposed by one seat and approved by another; the mayor's contest is decided at the city."""
    for act in told.of(e.RecapCertified):
        (approval,) = told.of(e.Approved, event=act.entry.event.event_id)
        if (act.scope, act.role) != (approval.scope, approval.role) or act.seat == approval.seat:
            return False
    areas = [(contest, area) for contest in OFFICIAL for area in (CITY, *(district.code for district in DISTRICTS))]
    return all(told.certificate(*place).in_force for place in areas) and len(told.rows["certificates"]) == len(areas)


def _sealed(told: Told) -> bool:
    """Many seals, and the last entry seals what the city determined."""
    return isinstance(told.acts[-1].data, e.RecapSealed) and len(told.of(e.RecapSealed)) > 20


ASKED: dict[str, Callable[[Told], bool]] = {
    "differing double entry and its choice": _differing_and_chosen,
    "correction at the station": _corrected_at_the_station,
    "correction at the district": _corrected_at_the_district,
    "correction at the city after certification": _corrected_at_the_city_after_certification,
    "entry by the district; revoked key with void events": _entered_by_the_district_and_late_evidence,
    "withdrawal for a wrong station": _withdrawn_for_a_wrong_station,
    "objections accepted, rejected, carried upward": _objections,
    "recommendations executed, refused, unanswered": _recommendations,
    "hold and release": _held_and_released,
    "PSL": _continued,
    "revote": _voted_again,
    "a station missing at certification": _missing_at_certification,
    "a certificate with a paper difference": _paper_differs,
    "replaced key": _key_replaced,
    "explained finding": _finding_explained,
    "attestations": _attested,
    "presence and signatures": _presence_on_the_paper,
    "incidents": _incidents,
    "rotation": _rotated,
    "reading by several officers": _read_by_several,
    "certificates by two seats": _certified_by_chair_and_member,
    "seals": _sealed,
}


@pytest.mark.parametrize("asked", ASKED)
def test_the_demo_shows(told: Told, asked: str) -> None:
    """Each of what issue 3, "Done when" 1, asks for."""
    assert ASKED[asked](told)


def test_nothing_is_void_but_the_broken_phone(told: Told) -> None:
    """A scenario knows what its ledger knows: no other act comes in without effect, and none still waits."""
    assert [act.void for act in told.acts if act.void] == ["key-revoked"] * 2
    assert {row.state for row in told.rows["pending"].values()} == {"done"}


def test_the_told_station_has_a_telling_history(told: Told) -> None:
    """From the station to the city: sent, contradicted, objected to, read, carried, proposed, approved, accepted, read."""
    found = told.history(told.report.told_contest, told.report.told_station)
    assert told.report.told_station == told.report.parts["carried"]
    assert [(act.entry.event.type, act.role, word) for act, word in found] == [
        ("tally.submitted", "operator", ""),
        ("tally.attested", "supervisor", ""),
        ("tally.attested", "agent", ""),
        ("tally.attested", "agent", ""),
        ("objection.raised", "agent", ""),
        ("recap.read", "officer", ""),
        ("objection.settled", "officer", ""),
        ("tally.corrected", "officer", PENDING_WORD),
        ("approved", "officer", ""),
        ("objection.settled", "officer", ""),
        ("recap.read", "officer", ""),
    ]
    sent, corrected = found[0][0], found[7][0]
    assert sorted(sent.data.figures) == sorted(corrected.data.figures)
    assert sum(was != now for was, now in zip(sent.data.figures, corrected.data.figures, strict=True)) == 2


# --- times ---------------------------------------------------------------------------------------------------------------------


def test_both_contests_are_complete_by_midnight_but_for_the_troubled(told: Told) -> None:
    """Forms come from 15:00 WIB on, most by 19:00; what is later has its own part in the story."""
    firsts = [act.moment for act in told.of(e.TallySubmitted, round=0) if not act.void]
    evening = datetime.datetime(2024, 11, 27, 15, tzinfo=WIB)
    assert evening <= min(firsts)
    later = {act.data.station for act in told.of(e.TallySubmitted) if act.moment >= evening + datetime.timedelta(hours=9)}
    assert later == {told.report.parts[part] for part in ("broken_phone", "continued", "late", "again")}
    by_seven = sum(moment < evening + datetime.timedelta(hours=4) for moment in firsts) / len(firsts)
    assert 0.7 < by_seven < 0.9


def test_the_plenaries_keep_to_the_timetable(told: Told) -> None:
    """Districts from 28 November to 3 December, the city on 4 December (domain.md 2.7); nothing comes in before it was signed."""
    days = {
        length: {act.moment.strftime("%m-%d") for act in told.of(e.RecapCertified) if len(act.data.area) == length}
        for length in (6, 4)
    }
    assert days == {6: {"11-28", "11-29", "11-30", "12-02"}, 4: {"12-04"}}
    times = [act.entry.sequenced_at for act in told.acts]
    assert times == sorted(times)
    for act in told.acts:
        late = act.void == "key-revoked"
        assert act.entry.event.claimed_at <= act.entry.sequenced_at
        assert late or act.entry.sequenced_at < act.entry.event.claimed_at + 61_000


# --- one seed, one root ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> DemoReport:
    """``ledger demo`` without a seed."""
    return build_demo(tmp_path_factory.mktemp("newcomer") / "ledger", seed=1)


def test_the_root_that_a_newcomer_sees(newcomer: DemoReport) -> None:
    """Pinned, so that no change of a byte goes unseen.  Change it only with FORMATS.md."""
    assert newcomer.root == "d5738676d7028b39bbb9ec34c62af15b38469f9be35c816906bd40cbbe08b20d"
    assert newcomer.ledger == "cde55ee87e04a1e3b4b0c398981722edec4f7506827dc4b69962780b8da3b2e5"


def test_one_seed_one_root_and_progress_is_told_to_its_end(told: Told, tmp_path: Path) -> None:
    """The same seed gives the same log; the callback hears how many scenes of how many are done, ascending, to the last."""
    heard: list[tuple[str, int, int]] = []
    again = build_demo(tmp_path / "again", seed=SEED, progress=lambda *step: heard.append(step))
    assert (again.root, again.ledger, again.events) == (told.report.root, told.report.ledger, told.report.events)
    assert [done for _, done, _ in heard] == sorted(done for _, done, _ in heard)
    assert heard[-1][1] == heard[-1][2] > 1_000


def test_another_seed_is_another_election_with_the_same_official_totals(told: Told, newcomer: DemoReport) -> None:
    """Other stations, other troubles, other keys; the pairs' totals are KPU's."""
    assert newcomer.ledger != told.report.ledger
    assert newcomer.parts != told.report.parts
    assert [check.pairs for check in newcomer.contests] == [check.pairs for check in told.report.contests]


def test_a_seed_is_a_number_that_fits(tmp_path: Path) -> None:
    """``seed-out-of-range``."""
    for seed in (-1, 2**53):
        with pytest.raises(BadInput) as caught:
            build_demo(tmp_path / "ledger", seed=seed)
        assert caught.value.code == "seed-out-of-range"


@pytest.mark.parametrize(("number", "other"), [(1203, 1230), (40, 4), (1577, 1586), (0, 9)])
def test_a_transposed_number_is_always_another(number: int, other: int) -> None:
    """The last two digits change places; equal ones give way to another slip."""
    assert transposed(number) == other
