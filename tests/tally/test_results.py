"""Result facts: the votes, the margin, the rules of winning and the court's margin, in whole numbers and in words."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadInput
from ledger.tally.events import Figures, RevoteOrdered
from ledger.tally.facts.results import GAPS, Result, contest_result, court_limit_per_mille, registered_voters
from ledger.tally.facts.resultwords import _SENTENCES, GAP_WORDS, OUT_WORDS, explain_result
from ledger.tally.facts.wording import ABBREVIATIONS, FORBIDDEN
from ledger.tally.memory import Memory
from ledger.tally.rollup import roll_up
from ledger.tally.rows import Reopening

from ..governed import BASIS, whole_season
from ..world import FORM
from ..world import STATIONS as SMALL
from .placed import Placed

STATIONS: Final = tuple(f"1771011001{number:03}" for number in range(1, 8))
FIRST: Final = SMALL[0]
BENGKULU: Final = (34_414, 31_181, 50_377, 7_912, 68_979)
"""The mayor's contest of 2024, official (domain.md 6.3)."""


def city(names: str = "A B", *forms: tuple[int, ...] | None, **contest: Any) -> Placed:
    """The mayor's contest with one station for each form (its votes); None: not in."""
    placed = Placed()
    placed.contest("mayor", "1771", names, **contest)
    for station, votes in zip(STATIONS, forms, strict=False):
        placed.station(station, "mayor")
        if votes is not None:
            placed.put("mayor", station, placed.sound("mayor", *votes))
    return placed


def facts(placed: Placed) -> Result:
    return contest_result(placed.state, "mayor")


def english(placed: Placed) -> tuple[str, ...]:
    return explain_result(facts(placed), "en")


# --- the rules of winning --------------------------------------------------------------------------------------------------------

# names | rule | votes of one station | outcome | leaders | second | margin | needed
RULES: Final = """
A B      plurality  120,100       most-votes    1    2    20   20
A B      plurality  100,120       most-votes    2    1    20   20
A B      plurality  100,100       tie           1,2  -    0    1
A B C    plurality  100,90,90     most-votes    1    2,3  10   10
A B C    plurality  90,90,90      tie           1,2,3 -   0    1
A B      plurality  0,0           no-votes      -    -    0    1
A -      plurality  120,100       over-half     1    2    20   20
A -      plurality  111,109       over-half     1    2    2    2
A -      plurality  110,110       not-over-half 1,2  -    0    1
A -      plurality  100,120       not-over-half 2    1    20   21
A -      plurality  0,0           no-votes      -    -    0    1
A B C    two-round  101,60,40     over-half     1    2    41   1
A B C    two-round  100,60,40     second-round  1    2    40   1
A B C    two-round  90,60,40      second-round  1    2    30   11
A B C    two-round  90,50,49      second-round  1    2    40   1
A B C    two-round  80,50,50      second-round  1    2,3  30   1
A B C    two-round  80,80,20      second-round  1,2  -    0    21
A B      two-round  100,100       second-round  1,2  -    0    1
"""


@pytest.mark.parametrize("line", RULES.strip().splitlines())
def test_what_the_votes_come_to(line: str) -> None:
    """Plurality, more than half against the empty box, two rounds; ties said as ties."""
    names, rule, votes, outcome, leaders, second, margin, needed = line.rsplit(maxsplit=7)
    found = facts(city(names, tuple(map(int, votes.split(","))), rule=rule))

    def numbers(text: str) -> tuple[int, ...]:
        return () if text == "-" else tuple(map(int, text.split(",")))

    assert (found.outcome, found.leaders, found.second) == (outcome, numbers(leaders), numbers(second))
    assert (found.margin, found.needed) == (int(margin), int(needed))
    assert not found.final


@cache
def _empty(names: str, rule: str) -> Placed:
    return city(names, None, rule=rule)


def _come_to(names: str, rule: str, votes: list[int]) -> tuple[Result, tuple[Any, ...]]:
    """The facts, and what of them must change for the outcome to be another: of a second round who surely takes part."""
    placed = _empty(names, rule)
    placed.put("mayor", STATIONS[0], placed.sound("mayor", *votes))
    found = facts(placed)
    if found.outcome == "second-round":
        third = sorted(votes, reverse=True)[2] if len(votes) > 2 else -1
        return found, (found.outcome, tuple(index for index, each in enumerate(votes) if each > third))
    return found, (found.outcome, found.leaders if found.rule == "plurality" else ())


@settings(max_examples=60, deadline=None)
@given(
    votes=st.lists(st.integers(0, 12), min_size=2, max_size=4),
    contest=st.sampled_from([("plurality", ""), ("two-round", ""), ("plurality", "A -")]),
)
def test_needed_is_the_fewest_votes_for_one_that_change_the_outcome(votes: list[int], contest: tuple[str, str]) -> None:
    """Checked the slow way: so many more votes for each candidate in turn, from one on, until something else comes out."""
    rule, names = contest
    votes = votes[:2] if names else votes
    names = names or " ".join("ABCD"[: len(votes)])
    found, now = _come_to(names, rule, votes)
    for more in range(1, 50):
        for index in range(len(votes)):
            if _come_to(names, rule, [each + more * (at == index) for at, each in enumerate(votes)])[1] != now:
                assert found.needed == more
                return
    raise AssertionError("so many votes change any of these")


def test_who_is_out_has_votes_counted_as_invalid_and_shown_apart() -> None:
    placed = city("A B C", (120, 100, 50))
    placed.out("mayor", 1, "disqualified")
    found = facts(placed)
    assert (found.valid, found.out_votes, found.leaders, found.margin) == (150, 120, (2,), 50)
    assert (found.valid_on_forms, found.invalid_on_forms) == (270, 5)
    lines = english(placed)
    assert "1 A, disqualified: 120 votes count as invalid" in lines
    assert "Valid votes: 100 + 50 = 150" in lines
    assert "Invalid votes: 5 + 120 = 125" in lines
    placed.out("mayor", 1, "restored")
    assert facts(placed).leaders == (1,)


def test_where_one_stands_or_nobody() -> None:
    placed = city("A B", (120, 100))
    placed.out("mayor", 1, "withdrawn")
    found = facts(placed)
    assert (found.outcome, found.leaders, found.second, found.needed) == ("most-votes", (2,), (), 0)
    assert "Number 2 alone stands: 100 votes" in english(placed)
    placed.out("mayor", 2, "withdrawn")
    assert facts(placed).outcome == "nobody-stands"
    assert "No candidate stands any more" in english(placed)
    single = city("A -", (120, 100))
    single.out("mayor", 1, "disqualified")
    assert facts(single).outcome == "nobody-stands"


# --- the court -------------------------------------------------------------------------------------------------------------------

MILLION: Final = 10**6


@pytest.mark.parametrize(
    ("level", "population", "per_mille"),
    [
        ("province", 1, 20), ("province", 2 * MILLION, 20), ("province", 2 * MILLION + 1, 15), ("province", 6 * MILLION, 15),
        ("province", 6 * MILLION + 1, 10), ("province", 12 * MILLION, 10), ("province", 12 * MILLION + 1, 5),
        ("city", 250_000, 20), ("city", 250_001, 15), ("city", 500_000, 15), ("city", 500_001, 10), ("regency", 500_001, 10),
        ("city", MILLION, 10), ("city", MILLION + 1, 5), ("nation", MILLION, None), ("", 1, None),
    ],
)  # fmt: skip
def test_the_courts_limits(level: str, population: int, per_mille: int | None) -> None:
    """UU 10/2016 art. 158, at both ends of each step (domain.md 2.6)."""
    assert court_limit_per_mille(level, population) == per_mille


@pytest.mark.parametrize(("votes", "within"), [((203, 197), True), ((204, 196), False), ((203, 196), False), ((200, 200), True)])
def test_within_the_margin_is_exact(votes: tuple[int, int], within: bool) -> None:
    """400,000 people: 15 per mille of the valid votes.  Of 400 that is 6, exactly."""
    court = facts(city("A B", votes, population=400_000)).court
    assert (court.unknown, court.per_mille, court.within) == ("", 15, within)
    assert within == (Fraction(abs(votes[0] - votes[1]), sum(votes)) <= Fraction(15, 1000))


def test_the_margin_is_not_evaluated_where_something_is_not_known() -> None:
    assert facts(city("A B", (120, 100))).court.unknown == "population"
    assert facts(city("A B", None, population=9)).court.unknown == "votes"
    village = Placed()
    village.contest("mayor", "1771011001", "A B", population=9)
    assert contest_result(village.state, "mayor").court.unknown == "level"
    for placed, words in ((city("A B", (120, 100)), "population is not said"), (village, "the law has none for this level")):
        assert any(words in line for line in english(placed))
        assert not facts(placed).court.within


# --- what is not in --------------------------------------------------------------------------------------------------------------


def troubled() -> Placed:
    """Seven stations: two in, and one of each kind of gap."""
    placed = city("A B", (120, 100), (90, 100), None, None, None, None, None)
    ok, other = placed.sound("mayor", 80, 70), placed.sound("mayor", 81, 70)
    placed.put("mayor", STATIONS[3], ok, annulled=9)
    placed.put("mayor", STATIONS[3], round_=1, order=9)
    placed.put("mayor", STATIONS[4], ok, held=1)
    placed.put("mayor", STATIONS[5], ok, other)
    placed.put("mayor", STATIONS[6], placed.sound("mayor", 80, 70, suara_1="x"))
    return placed


def test_every_station_whose_votes_are_not_in_is_named_with_why() -> None:
    found = facts(troubled())
    assert [(gap.kind, gap.stations) for gap in found.gaps] == list(zip(GAPS, [(s,) for s in STATIONS[2:]], strict=True))
    assert (found.expected, found.whole) == (7, 2)
    assert [gap.voters for gap in found.gaps] == [300] * 5
    # the illegible form's other candidate is in the total
    assert (found.votes(1), found.votes(2), found.valid) == (210, 270, 480)
    assert (found.margin, found.needed, found.can_change) == (60, 60, True)


def test_two_seats_that_differ_elsewhere_have_their_votes_in() -> None:
    """Only in the voters' block: the votes stand, the station is no gap."""
    placed = city("A B", None)
    placed.put("mayor", STATIONS[0], placed.sound("mayor", 80, 70), placed.sound("mayor", 80, 70, dpt_j=299))
    assert (facts(placed).gaps, facts(placed).valid) == ((), 150)
    both = placed.sound("mayor", 80, 70, suara_1=None)
    placed.put("mayor", STATIONS[0], both, both[:1] + (7,) + both[2:])
    assert [gap.kind for gap in facts(placed).gaps] == ["blank"]


UNKNOWN: Final = "Whether the order could change is not known: some stations have no known list (it would take 20 votes)"


@pytest.mark.parametrize(
    ("voters", "own", "can", "words"),
    [
        (20, None, True, "What is not in could change the order: 20 votes would do, 20 voters are registered there"),
        (19, None, False, "The 19 voters registered there could not change the order: it would take 20 votes"),
        (None, None, None, UNKNOWN),
        (300, (9, 10), False, "The 19 voters registered there could not change the order: it would take 20 votes"),
        (300, (None, 10), None, UNKNOWN),
    ],
)  # fmt: skip
def test_whether_the_order_could_change(voters: int | None, own: Any, can: bool | None, words: str) -> None:
    """By the registered voters of what is not in: the contest's own list before the station's; unknown is not no."""
    placed = city("A B", (120, 100))
    placed.station(STATIONS[1], "mayor", voters=voters)
    if own:
        placed.voters("mayor", STATIONS[1], *own)
    assert facts(placed).can_change is can
    assert words in english(placed)
    assert registered_voters(placed.state, "mayor", "1771011001999") is None


# --- final -----------------------------------------------------------------------------------------------------------------------


def _sums(*votes: int) -> tuple[int, ...]:
    return tuple(city("A B").sound("mayor", *votes))  # type: ignore[arg-type]


def test_nothing_is_final_before_the_deciding_certificate_is_in_force() -> None:
    placed = city("A B", (120, 100))
    assert english(placed)[0] == "Not determined yet; votes of 1 of 1 stations"
    assert "Most votes so far: number 1; 120 - 100 = 20 more than number 2" in english(placed)
    placed.certify("mayor", "177101", _sums(120, 100))
    assert not facts(placed).final
    placed.certify("mayor", "1771", _sums(120, 100))
    found = facts(placed)
    assert (found.final, found.document, found.paper) == (True, "BA 1771", ())
    assert english(placed)[0] == "Determined: BA 1771"
    assert "Most votes: number 1; 120 - 100 = 20 more than number 2" in english(placed)
    for other in ({"renew": 1}, {"reopened": (Reopening(9, (), "r", "b"),)}):
        placed.certify("mayor", "1771", _sums(120, 100), **other)
        assert not facts(placed).final


def test_facts_over_a_fold_are_those_of_the_totals() -> None:
    """A governed election with every event type: votes as the roll-up has them, final after its last certificate."""
    log = whole_season()
    totals = roll_up(log.state)
    for contest, area in (("mayor", "1771"), ("governor", "17")):
        found = contest_result(log.state, contest)
        sums = totals[contest, area]
        assert [each.votes for each in found.candidates] == list(sums.figures[1:3])
        assert found.expected == sums.counts[0]
        assert found.final
    order = RevoteOrdered(contest="mayor", stations=(FIRST,), kind="psu-mk", day="2024-12-09", reason="court", basis=BASIS)
    log.propose("chair-city", order)
    found = contest_result(log.state, "mayor")
    assert (found.final, found.document) == (False, "")
    assert [(gap.kind, gap.stations, gap.voters) for gap in found.gaps] == [("awaiting", (FIRST,), 300)]


def test_a_signed_recap_that_says_other_votes_is_told() -> None:
    placed = city("A B", (120, 100))
    placed.certify("mayor", "1771", _sums(120, 100), paper=_sums(121, 100))
    assert facts(placed).paper == ((1, 121),)
    assert english(placed)[-1] == "The signed recap says 121 for number 1"


# --- words -----------------------------------------------------------------------------------------------------------------------


def test_the_forms_own_line_is_told_where_it_says_another_number() -> None:
    placed = city("A B", None)
    placed.put("mayor", STATIONS[0], placed.sound("mayor", 120, 100, suara_sah=225))
    assert 'The line "valid votes" of the forms: 225; difference +5' in english(placed)
    small = city("A B", None, form=FORM)
    figures: Figures = (300, 120, 100, 220, 5, 307)
    small.put("mayor", STATIONS[0], figures)
    found = facts(small)
    assert (found.valid, found.valid_on_forms, found.invalid_on_forms) == (220, None, None)


def test_a_whole_result_reads_well_in_both_languages() -> None:
    """The city of Bengkulu 2024, as one great station; population as of a city of 400,000."""
    placed = city("Dani Ariyono Dedy-E Benny Dedy-W", BENGKULU, population=400_000)
    placed.station(STATIONS[1], "mayor", voters=534)
    times = "\N{MULTIPLICATION SIGN}"
    assert english(placed) == (
        "Not determined yet; votes of 1 of 2 stations",
        "1 Dani: 34,414 (17.84%)",
        "2 Ariyono: 31,181 (16.17%)",
        "3 Dedy-E: 50,377 (26.12%)",
        "4 Benny: 7,912 (4.10%)",
        "5 Dedy-W: 68,979 (35.77%)",
        "Valid votes: 34,414 + 31,181 + 50,377 + 7,912 + 68,979 = 192,863",
        "Invalid votes: 5 + 0 = 5",
        "Most votes so far: number 5; 68,979 - 50,377 = 18,602 more than number 3",
        f"The court's margin (UU 10/2016 art. 158, population 400,000): 1,000 {times} 18,602 = 18,602,000, "
        f"more than 15 {times} 192,863 = 2,892,945",
        "Stations not in yet: 1 (534 registered voters)",
        "The 534 voters registered there could not change the order: it would take 18,602 votes",
    )
    assert "Suara terbanyak sementara: nomor urut 5; 68.979 - 50.377 = 18.602 lebih banyak dari nomor urut 3" in explain_result(
        facts(placed), "id"
    )


TIED: Final = "Putaran kedua; siapa yang ikut belum pasti karena sama banyak: nomor urut 1, 2 dan 3"


@pytest.mark.parametrize(
    ("names", "rule", "votes", "line"),
    [
        ("A -", "plurality", (120, 100), "Lebih dari setengah suara sah: 2 x 120 = 240, lebih dari 220"),
        ("A -", "plurality", (110, 110), "Tidak lebih dari setengah suara sah: 2 x 110 = 220, tidak lebih dari 220"),
        ("A -", "plurality", (100, 120), "Tidak lebih dari setengah suara sah: 2 x 100 = 200, tidak lebih dari 220"),
        ("A B C", "two-round", (90, 60, 40), "Putaran kedua antara nomor urut 1 dan 2"),
        ("A B C", "two-round", (80, 80, 20), "Putaran kedua antara nomor urut 1 dan 2"),
        ("A B C", "two-round", (80, 50, 50), TIED),
        ("A B", "plurality", (100, 100), "Sama banyak, 100 suara: nomor urut 1 dan 2"),
        ("A B", "plurality", (0, 0), "Belum ada suara sah"),
    ],
)  # fmt: skip
def test_every_outcome_has_its_sentence(names: str, rule: str, votes: tuple[int, ...], line: str) -> None:
    lines = explain_result(facts(city(names, votes, rule=rule)), "id")
    assert line.replace(" x ", " \N{MULTIPLICATION SIGN} ") in lines


def test_no_sentence_says_who_won_or_a_forbidden_word() -> None:
    pairs = [*_SENTENCES.values(), *GAP_WORDS.values(), *OUT_WORDS.values()]
    words = " ".join(text for pair in pairs for text in pair)
    for word in (*FORBIDDEN, *ABBREVIATIONS, "menang", "won", "win", "elected", "terpilih"):
        assert not re.search(rf"\b{word}\b", words, re.IGNORECASE), word
    assert set(GAP_WORDS) == set(GAPS)
    assert all(indonesian != english for indonesian, english in pairs if "{name}" not in english)


def test_a_contest_that_is_not_there_has_no_facts() -> None:
    for state, code in ((Memory(), "election-not-open"), (Placed().state, "contest-unknown")):
        with pytest.raises(BadInput) as caught:
            contest_result(state, "mayor")
        assert caught.value.code == code
