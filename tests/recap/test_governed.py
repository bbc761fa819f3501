"""Random acts of a governed election against a naive model, a log in memory and a store: all agree after every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from ..governed import CITY, DISTRICT_A, DISTRICT_B, PROVINCE
from ..world import GOOD, STATIONS
from .naive_election import CONTESTS
from .season import FORMS, LATER, ONE, Season

TestSeason = Season.TestCase
TestSeason.__doc__ = "Whatever people do, in whatever batches, the naive model, the fold in memory and the store agree."
TestSeason.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@pytest.mark.campaign
def test_many_seasons() -> None:
    """The same, longer and at random: what the usual run has no time for."""
    long = settings(max_examples=1_000, stateful_step_count=50, deadline=None, derandomize=False, database=None)
    run_state_machine_as_test(Season, settings=long)


@pytest.fixture
def season() -> Iterator[Season]:
    """A season to be played by hand."""
    played = Season()
    played.open(stage=0)
    yield played
    played.teardown()


def test_a_whole_election_by_hand(season: Season) -> None:
    """From the first form to the province's certificate with a revote between, every step agreed on: the random seasons can get
    there, and this one does."""
    for contest in CONTESTS:
        season.night(contest, GOOD, second=True)
        season.plenary(PROVINCE if contest == "governor" else CITY, contest)
        season.all_agree()
    assert {key for key, each in season.naive.certificates.items() if each.holds} == {
        ("mayor", DISTRICT_A), ("mayor", DISTRICT_B), ("mayor", CITY),
        ("governor", DISTRICT_A), ("governor", DISTRICT_B), ("governor", CITY), ("governor", PROVINCE),
    }  # fmt: skip
    season.correct("chair-city", ONE, "governor", FORMS[2], True, True, "second")
    season.order("chair-city", (ONE,), "mayor", "psu-mk", "second")
    season.all_agree()
    season.send(ONE, "1", "mayor", FORMS[2])
    season.plenary(CITY, "mayor")
    season.flush()
    season.all_agree()
    assert all(season.naive.certificates["mayor", area].holds for area in (DISTRICT_A, DISTRICT_B, CITY))
    assert {("revote_ordered", "pending"), ("recap_certified", "pending"), ("tally_corrected", "void locked")} <= season.heard


def test_matters_keys_and_lists_by_hand(season: Season) -> None:
    """The answers that random seasons seldom come to: each act takes effect once, and is told why not once."""
    broken = FORMS[3]
    season.send(ONE, "1", "mayor", broken)
    season.explain(f"{ONE}/1", "mayor", True, False)
    season.explain(f"{ONE}/2", "mayor", True, False)
    season.explain("chair-a", "mayor", True, True)
    for watcher in ("agent-1", "agent-1", "supervisor"):
        season.speak(watcher, ONE, "governor", "object")
    season.settle("chair-a", 0, "carried", ONE, True)
    season.settle("chair-city", 0, "carried", ONE, True)
    season.settle("chair-province", 0, "carried", ONE, True)
    season.settle("chair-a", 1, "accepted", ONE, True)
    season.send(ONE, "1", "governor", GOOD)
    season.settle("chair-a", 1, "accepted", ONE, True)
    season.settle("chair-a", 1, "rejected", ONE, True)
    season.settle("agent-2", 2, "withdrawn", ONE, True)
    season.settle("supervisor", 2, "withdrawn", ONE, True)
    season.speak("supervisor", ONE, "mayor", "recommend")
    season.answer("chair-b", 0, False)
    season.answer("chair-city", 0, True)
    season.answer("chair-city", 0, False)
    season.postpone("chair-city", STATIONS[1], "mayor", "psl")
    season.postpone("chair-city", STATIONS[1], "mayor", "resumed")
    season.amend_areas("administrator", True, STATIONS[1], "second")
    season.amend_areas("administrator", False, LATER[0], "second")
    season.amend_areas("administrator", False, LATER[0], "second")
    season.candidate("chair-city", 2, "mayor", "withdrawn", "second")
    season.candidate("chair-city", 2, "mayor", "withdrawn", "second")
    season.all_agree()
    season.revoke("commission-1", f"{ONE}/2", 1, True)
    season.send(ONE, "2", "mayor", GOOD)
    season.enrol("registrar-a", 1, "none")
    season.approve("commission-2", 0, True)
    season.send(ONE, "2", "mayor", GOOD)
    season.rotate("chair-a", True, True)
    season.keys.pop("chair-a")
    season.hold("chair-a", ONE, "mayor", True, True)
    season.order("chair-city", (ONE,), "mayor", "psu", "none")
    season.cut_off(20, "second")
    season.wait(25)
    season.approve("member-city", 0, False)
    season.approve("member-city", len(season.proposed) - 2, False)
    season.send(ONE, "1", "governor", GOOD)
    season.all_agree()
    assert {
        ("finding_explained", "ok"), ("finding_explained", "void not-own-form"), ("finding_explained", "void finding-unknown"),
        ("objection_settled", "ok"), ("objection_settled", "void no-level-above"), ("objection_settled", "void stale"),
        ("objection_settled", "void already-settled"), ("objection_settled", "void not-own-objection"),
        ("recommendation_answered", "void beyond-scope"), ("recommendation_answered", "ok"),
        ("recommendation_answered", "void already-answered"), ("vote_postponed", "ok"),
        ("jurisdictions_amended", "void station-gone"), ("candidate_changed", "void candidate-unchanged"),
        ("tally_submitted", "void key-revoked"), ("keys_enrolled", "ok"), ("tally_held", "refused key-retired"),
        ("approved", "void approval-late"), ("tally_submitted", "void past-cut-off"),
    } <= season.heard  # fmt: skip
    assert all(waiting.state != "review" for waiting in season.naive.waiting.values())


@pytest.mark.parametrize("what", ["held", "renew", "done"])
def test_the_machine_is_not_blind(season: Season, what: str) -> None:
    """A tally, certificate or objection that the model takes for another is noticed: the comparison can fail."""
    season.night("mayor", GOOD, second=False)
    season.plenary(DISTRICT_A, "mayor")
    season.speak("agent-1", ONE, "mayor", "object")
    season.all_agree()
    target: Any = {
        "held": season.naive.rounds["mayor", ONE][0],
        "renew": season.naive.certificates["mayor", DISTRICT_A],
        "done": next(iter(season.naive.objections.values())),
    }[what]
    before = getattr(target, what)
    setattr(target, what, "rejected" if what == "done" else 1)
    with pytest.raises(AssertionError):
        season.all_agree()
    setattr(target, what, before)
