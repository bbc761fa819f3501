"""What the read side shows of a governed season: recaps with what they lack, histories, findings, keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import pytest
from msgspec import structs

from ledger.errors import BadInput
from ledger.recap import totals
from ledger.recap.chronicles import area_history, key_history
from ledger.recap.findings import across
from ledger.recap.histories import indexes_of
from ledger.recap.keyring import keys_of
from ledger.recap.places import Placed
from ledger.recap.views import AreaRecap, History, findings, history, recap
from ledger.tally import events as e
from ledger.tally.rollup import COUNTS
from ledger.tally.signing import reopen_entry
from ledger.tally.state import SLOTS, Reader, slot_parts

from ..governed import CITY, DISTRICT_A, DISTRICT_B, FOUR, ONE, PROVINCE, THREE, TWO, Governed, GovernedLog
from ..world import GOOD, STATIONS
from .shown import first, key_of, read, season, size, state_at

AREAS = [("mayor", CITY), ("mayor", DISTRICT_A), ("mayor", "1771011001"), ("governor", PROVINCE), ("governor", DISTRICT_B)]
FOUNDED = first("tally.submitted")


def shown(contest: str, area: str, at: int | None = None) -> AreaRecap:
    return recap(state_at(size() if at is None else at), contest, area, size=size() if at is None else at)


def told(contest: str, station: str, at: int | None = None) -> History:
    upto = size() if at is None else at
    return history(state_at(upto), read, contest, station, size=upto)


# --- recaps --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("contest", "area"), AREAS)
def test_at_every_height_the_lists_are_the_stations_behind_the_counts(contest: str, area: str) -> None:
    """Each count has as many stations behind it, and no station is both missing and anything else."""
    for at in range(FOUNDED, size() + 1):
        found = shown(contest, area, at)
        counts, lists = found.counts, found.stations
        for name in ("held", "differing", "awaiting", "with_findings", "corrected"):
            assert len(getattr(lists, name)) == counts[name], (at, name)
        assert len(lists.missing) == counts["expected"] - counts["in"] - counts["awaiting"]
        assert set(lists.withdrawn) | set(lists.postponed) <= {*lists.missing, *lists.awaiting}
        assert set(counts) == set(COUNTS)


def test_a_village_shows_the_round_that_holds() -> None:
    """After the revote the station's row is of round 2 (round 1 was opened by an order that was withdrawn), never of round 0."""
    ordered = first("revote.ordered") + 2  # ordered and approved
    before, awaiting, after = (shown("mayor", "1771011001", at) for at in (ordered - 2, ordered, size()))
    rows = [next(child for child in each.children if child.code == ONE) for each in (before, awaiting, after)]
    assert [(row.round, row.state) for row in rows] == [(0, "corrected"), (1, "none"), (2, "single")]
    assert awaiting.stations.awaiting == (ONE, TWO)
    assert (awaiting.counts["awaiting"], awaiting.counts["in"]) == (2, 0)
    assert all(len(each.children) == 2 for each in (before, awaiting, after))


def test_the_status_word_goes_from_provisional_to_determined_and_back() -> None:
    """And the certificates say in which state they are: in force, corrected above, reopened, to be renewed."""
    words = [shown("mayor", CITY, at).status for at in range(FOUNDED, size() + 1)]
    assert [word for word, _ in groupby(words)] == [
        "provisional",
        "certified",  # both districts, one of them without its flooded station
        "provisional",  # reopened for it
        "complete",
        "certified",
        "determined",
        "provisional",  # a revote was ordered
        "determined",  # and the order withdrawn
        "provisional",  # and another ordered
        "complete",
        "certified",
        "determined",
    ]
    states = {
        view.state
        for at in range(FOUNDED, size() + 1)
        for area in (DISTRICT_A, DISTRICT_B, CITY)
        for view in shown("mayor", area, at).certificates
    }
    assert states == {"in-force", "corrected", "reopened", "renewal"}


def test_a_paper_difference_is_shown_per_figure_with_its_reason_document_and_hour() -> None:
    """The certificate of district B: the paper says 121 where the log has 120."""
    found = shown("mayor", DISTRICT_B)
    own = found.certificates[-1]
    assert [(each.code, each.log, each.paper, each.reason) for each in own.differences] == [
        ("votes-1", 120, 121, "slip-of-the-pen")
    ]
    assert (own.area, own.document) == (DISTRICT_B, f"BA {DISTRICT_B}/mayor")
    assert own.held_at
    assert [view.area for view in found.certificates] == [CITY, DISTRICT_B]
    assert found.certificates[0].deciding
    assert not own.deciding


def test_a_candidate_who_is_out_is_shown_apart_with_the_votes() -> None:
    """The votes stay as the papers say; restored, nothing is out."""
    at = first("candidate.changed") + 2
    found = shown("mayor", CITY, at)
    out = [candidate for candidate in found.candidates if candidate.out]
    assert [(candidate.number, candidate.change, candidate.basis) for candidate in out] == [(2, "disqualified", "BA 7/2024")]
    assert found.votes_out == out[0].votes == shown("mayor", CITY, at - 2).candidates[1].votes
    assert shown("mayor", CITY).votes_out == 0


def test_objections_and_recommendations_are_counted_until_they_are_settled_and_answered() -> None:
    """At every level above, and in the child's row."""
    raised, settled = first("objection.raised", nth=3) + 1, size()
    assert {row.ground for row in shown("mayor", CITY, raised).objections} == {
        "copy-differs", "late-opening", "sum-wrong", "agent-kept-out",
    }  # fmt: skip
    assert [(row.ground, row.level) for row in shown("mayor", CITY, settled).objections] == [("sum-wrong", "city")]
    children = {child.code: child.objections for child in shown("mayor", CITY, raised).children}
    assert children == {DISTRICT_A: 4, DISTRICT_B: 0}
    assert [row.number for row in shown("mayor", CITY).recommendations] == ["PM 2/2024"]
    assert shown("governor", CITY).objections == ()


# --- histories -----------------------------------------------------------------------------------------------------------------


def test_every_act_on_a_station_is_in_its_history_once_and_in_order() -> None:
    """Of every slot and round, void and pending ones too."""
    state = state_at(size())
    for key, _ in state.under(SLOTS):
        contest, station, round_ = slot_parts(key)
        indexes = [version.entry.index for version in told(contest, station).versions]
        assert indexes == sorted(set(indexes))
        named = {index for index, _ in indexes_of(state, key + b"/")}
        assert named <= set(indexes), (contest, station, round_)


def test_the_history_of_a_station_that_voted_again() -> None:
    """From the first form to the determined result: word for word."""
    found = told("mayor", ONE)
    assert [(version.state, version.place) for version in found.versions] == [
        ("submitted", ""),
        ("confirmed", ""),
        ("void", ""),
        ("attested-agrees", ""),
        ("attested-differs", ""),
        ("objected", ""),
        ("objection-rejected", ""),
        ("recommended", ""),
        ("recommendation-refused", ""),
        ("read", ""),
        ("proposed", DISTRICT_A),
        ("certified", DISTRICT_A),
        ("read", DISTRICT_A),
        ("proposed", ""),
        ("corrected", ""),
        ("read", DISTRICT_A),
        ("proposed", CITY),
        ("determined", CITY),
        ("proposed", ""),
        ("revote-ordered", ""),
        ("proposed", ""),
        ("revote-withdrawn", ""),
        ("proposed", ""),
        ("revote-ordered", ""),
        ("submitted", ""),
        ("read", ""),
        ("proposed", DISTRICT_A),
        ("certified", DISTRICT_A),
        ("read", DISTRICT_A),
        ("proposed", CITY),
        ("determined", CITY),
    ]
    assert (found.round, found.rounds) == (2, ((0, "annulled"), (1, "annulled"), (2, "single")))
    corrected = next(version for version in found.versions if version.state == "corrected")
    assert corrected.changed == (("votes-1", 120, 121), ("valid", 220, 221))
    assert corrected.approves is not None
    assert (corrected.entry.seat, corrected.approves.seat) == ("member", "chair")
    assert dict(corrected.facts)["basis"] == "BA 7/2024"
    late = next(version for version in found.versions if version.state == "void")
    assert (late.entry.void, dict(late.facts)["act"]) == ("key-revoked", "corrected")
    again = [version for version in found.versions if version.state == "submitted"][1]
    assert again.round == 2
    assert {code for code, before, _ in again.changed if before is None} == {code for code, _, _ in again.changed}


def test_an_attestation_is_of_the_standing_form_of_an_older_one_or_of_none() -> None:
    """It is of the standing form until that is superseded; of an event that is none of the tally's it says so."""
    attested = first("tally.attested", nth=1) + 1
    words = [version.of for version in told("mayor", ONE, attested).versions if version.entry.type == "tally.attested"]
    assert words == ["standing", "standing"]
    assert shown("mayor", ONE, attested).copies == {"agrees": 1, "differs": 1, "older": 0}
    assert shown("mayor", ONE, first("recap.reopened")).copies == {"agrees": 0, "differs": 0, "older": 2}
    differs = told("mayor", ONE, attested).versions[-1]
    assert (differs.state, differs.changed) == ("attested-differs", (("votes-1", 120, 121), ("valid", 220, 221)))
    log = GovernedLog(Governed())
    log.send(ONE)
    log.act("agent-1", e.TallyAttested(contest="mayor", station=ONE, round=0, event=bytes(32), photos=()))
    unknown = history(log.state, log.entries.__getitem__, "mayor", ONE, size=len(log.entries)).versions[-1]
    assert (unknown.state, unknown.of, unknown.changed) == ("attested-agrees", "unknown", ())


def test_a_form_that_the_district_entered_says_so_and_a_withdrawn_one_is_gone() -> None:
    """Station four: sent for another, withdrawn; postponed; entered by the district after the certificate was reopened."""
    found = told("mayor", FOUR)
    states = [version.state for version in found.versions]
    assert states[:2] == ["submitted", "withdrawn"]
    assert "postponed-psl" in states
    entered = found.versions[states.index("submitted", 1)]
    assert (entered.entry.role, entered.entered_at) == ("officer", "district")
    assert all(before is None for _, before, _ in entered.changed)
    reopened = next(version for version in found.versions if version.state == "reopened")
    assert (reopened.place, dict(reopened.facts)["stations"]) == (DISTRICT_B, FOUR)


def test_a_proposal_expires_when_a_day_went_by() -> None:
    """After 24 hours it waits no more, as the history tells it."""
    log = GovernedLog(Governed())
    log.send(ONE)
    ordered = e.RevoteOrdered(contest="mayor", stations=(ONE,), kind="psu", day="2024-12-01", reason="x", basis="BA 1")
    log.act("chair-city", ordered)
    waits = history(log.state, log.entries.__getitem__, "mayor", ONE, size=len(log.entries)).versions[-1]
    log.time += 25 * 60 * 60 * 1000
    log.send(TWO)
    late = history(log.state, log.entries.__getitem__, "mayor", ONE, size=len(log.entries)).versions[-1]
    assert [(each.state, each.entry.pending) for each in (waits, late)] == [("proposed", "waits"), ("proposed", "expired")]


def test_the_history_of_an_area_holds_its_own_acts_and_on_request_those_below() -> None:
    """District B: its certificates and their reading; with everything below also the forms of its station."""
    own = list(area_history(state_at(size()), read, DISTRICT_B, "mayor", size=size(), below=False))
    assert [act.word for act in own] == [
        "proposed", "certified", "read", "proposed", "reopened", "proposed", "certified", "read", "read",
    ]  # fmt: skip
    below = list(area_history(state_at(size()), read, DISTRICT_B, "mayor", size=size(), below=True))
    assert {act.entry.index for act in own} < {act.entry.index for act in below}
    assert {"submitted", "withdrawn"} <= {act.word for act in below}
    city = list(area_history(state_at(size()), read, CITY, None, size=size(), below=True))
    assert [act.entry.index for act in city] == sorted({act.entry.index for act in city})
    with pytest.raises(BadInput, match="area-unknown"):
        list(area_history(state_at(size()), read, "99", None, size=size(), below=False))


def test_the_history_of_a_key_holds_every_act_of_it_and_of_its_successors() -> None:
    """Of the chair of district A, whose seat passed on at the end; from either key the same acts."""
    state, entries = state_at(size()), season().entries
    signed = [index for index, data in enumerate(entries) if reopen_entry(data).event.key == season().world.key("chair-a").point]
    old = key_history(state, read, entries, key_of("chair-a")[:10], size=size())
    new = key_history(state, read, entries, key_of("chair-a-new"), size=size())
    assert [act.entry.index for act in old.acts] == [act.entry.index for act in new.acts] == signed
    assert (old.key.state, [view.key for view in old.after]) == ("rotated", [key_of("chair-a-new")])
    assert (new.key.state, [view.key for view in new.before]) == ("live", [key_of("chair-a")])
    for said, code in (("zz", "key-not-found"), ("00000000", "key-not-found")):
        with pytest.raises(BadInput) as caught:
            key_history(state, read, entries, said, size=size())
        assert caught.value.code == code


# --- findings and keys -----------------------------------------------------------------------------------------------------------


def test_an_explanation_counts_as_long_as_the_explained_form_stands() -> None:
    """Station three's r5 is explained; a correction with the same fault would be unexplained again."""
    explained = [row for row in findings(state_at(size()), CITY, "mayor", not_evaluated=False) if row.explained]
    assert [(row.station, row.rule, row.explained_reason) for row in explained] == [(THREE, "r5", "paper-says-so")]
    log = GovernedLog(Governed())
    wrong = (300, 120, 100, 222, 5, 307)
    form = log.send(ONE, wrong)
    said = {"contest": "mayor", "station": ONE, "round": 0, "findings": ("r5",), "reason": "paper-says-so"}
    log.act(f"{ONE}/1", e.FindingExplained(event=form.event_id, **said))  # type: ignore[arg-type]
    assert [row.explained > 0 for row in findings(log.state, CITY, "mayor", not_evaluated=False)] == [True]
    from ..world import corrected

    log.act(f"{ONE}/1", corrected(ONE, [form.event_id], (300, 120, 101, 222, 5, 307)))
    assert [row.explained > 0 for row in findings(log.state, CITY, "mayor", not_evaluated=False)] == [False]


def test_rules_that_look_across_are_told_apart_with_their_sentence() -> None:
    """The paper of district B differs from the log: a rule across says so, in both languages."""
    rows = list(across(state_at(size()), CITY, "mayor", not_evaluated=False))
    assert {row.kind for row in rows} == {"across"}
    paper = [row for row in rows if row.rule.startswith("r17") and row.station == DISTRICT_B]
    assert paper
    assert all("120" in row.said_en and "121" in row.said_id for row in paper)


def test_keys_are_marked_late_alone_rotated_and_revoked() -> None:
    """A replacement made on the day by the district alone is marked until another seat has looked at it."""
    replaced = next(index for index in range(size()) if season().state and _enrols(index, f"{ONE}/2b"))
    alone, reviewed = (
        {view.key: view for view in keys_of(state_at(at), read)}[key_of(f"{ONE}/2b")] for at in (replaced + 1, replaced + 2)
    )
    assert (alone.alone, reviewed.alone) == (True, False)
    assert (alone.by, alone.role, alone.scope, alone.seat) == ("district-a", "operator", ONE, "2")
    views = {view.key: view for view in keys_of(state_at(size()), read)}
    assert (views[key_of(f"{ONE}/2")].state, views[key_of(f"{ONE}/2")].last_good) == ("revoked", 2)
    assert views[key_of("chair-a")].state == "rotated"
    assert views[key_of("root-1")].by == ""
    assert all(view.late for view in views.values() if not view.before)  # the season's clock begins after the polls opened
    marked = {view.key for view in keys_of(state_at(size()), read, role="officer", area=DISTRICT_A)}
    assert marked == {key_of("chair-a"), key_of("chair-a-new"), key_of("member-a")}


def _enrols(index: int, name: str) -> bool:
    data = reopen_entry(read(index)).event.data
    return isinstance(data, e.KeysEnrolled) and data.keys[0].point == season().world.key(name).point


def test_a_suspect_key_marks_its_acts_from_then_on_and_removes_nothing() -> None:
    """The act before the mark is plain, the one after it carries it; both stand."""
    log = GovernedLog(Governed())
    log.send(ONE)
    since = len(log.entries)
    log.send(ONE, contest="governor")
    log.append(log.world.revoke(f"{ONE}/1", by="commission-1", last_good=9, suspect_since=since))
    marks = [
        history(log.state, log.entries.__getitem__, contest, ONE, size=len(log.entries)).versions[0].entry.marks
        for contest in ("mayor", "governor")
    ]
    assert marks == [("late",), ("late", "suspect")]  # the season's clock begins after the polls opened
    assert [structs.asdict(recap(log.state, contest, ONE, size=9))["state"] for contest in ("mayor", "governor")] == ["single"] * 2


def test_the_season_has_every_station() -> None:
    """What these tests stand on."""
    assert {slot_parts(key)[1] for key, _ in state_at(size()).under(SLOTS)} >= set(STATIONS)
    assert GOOD[1] == 120


def test_a_list_is_not_fuller_than_its_limit_and_a_recap_looks_only_where_there_is_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With room for one station each, one is named; areas whose counts say nothing are not looked into."""
    monkeypatch.setattr("ledger.recap.totals.LISTED_MAX", 1)
    whole = shown("mayor", CITY)
    assert (whole.counts["corrected"], len(whole.stations.corrected), len(whole.stations.with_findings)) == (3, 1, 1)
    looked: list[str] = []
    walk = totals.placed_below

    def watched(state: Reader, contest: str, area: str) -> Iterator[Placed]:
        looked.append(area)
        return walk(state, contest, area)

    monkeypatch.setattr("ledger.recap.totals.placed_below", watched)
    shown("governor", PROVINCE)
    assert looked == []  # everything is in, nothing is remarked on
    shown("mayor", CITY)
    assert looked == ["1771011001", "1771011002"]  # one corrected station in the first, the remark in the second
