"""The rules that look across: each kept, broken and not evaluated; over a fold; in words; and quick."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any, Final

import pytest

from ledger.errors import BadInput
from ledger.tally.facts.crosschecks import Detail, Remark, crosschecks, explain_remark
from ledger.tally.facts.crossrules import _middle_without
from ledger.tally.facts.crosswords import ADVICE, CHECKS, REASONS, ROLES, advice, check_of
from ledger.tally.facts.recapstatus import recap_status
from ledger.tally.facts.results import contest_result
from ledger.tally.facts.wording import FORBIDDEN
from ledger.tally.forms import shipped_form
from ledger.tally.memory import Memory
from ledger.tally.rollup import roll_up

from ..governed import CITY, DISTRICT_B, Governed, submissions, whole_season
from ..world import FORM, START_MS, make_node
from .placed import Placed

RULES_MD: Final = Path(__file__).parents[2] / "docs" / "RULES.md"
VILLAGE: Final = "1771011001"
ONE: Final = f"{VILLAGE}001"


def pilkada(*, station: str = ONE, voters: int | None = 300) -> Placed:
    """Governor and mayor at one station; nothing is in."""
    placed = Placed()
    placed.contest("governor", "17", "G H", form=shipped_form("kwk-gubernur", 2), deciding="province")
    placed.contest("mayor", "1771", "A B C")
    placed.station(station, "governor", "mayor", voters=voters)
    return placed


def both(placed: Placed, station: str = ONE, governor: dict[str, Any] | None = None, **mayor: Any) -> Placed:
    """Sound forms of both contests, but for these figures."""
    placed.put("governor", station, placed.sound("governor", 130, 90, **(governor or {})))
    placed.put("mayor", station, placed.sound("mayor", 120, 60, 40, **mayor))
    return placed


def found(placed: Placed, code: str, *, contest: str = "mayor", place: str = ONE, area: str = ONE) -> Remark:
    (remark,) = [
        each for each in crosschecks(placed.state, area) if (each.code, each.contest, each.place) == (code, contest, place)
    ]
    return remark


def verdict(remark: Remark) -> Any:
    """``kept``, the reason, or (figure, here, there) of each contradiction."""
    if remark.outcome == "broken":
        return [detail[:3] for detail in remark.details]
    return remark.reason or remark.outcome


# --- one station -----------------------------------------------------------------------------------------------------------------

# rule, figures of the mayor's form that are not sound, what comes of it
STATION: Final[list[tuple[str, dict[str, Any], Any]]] = [
    ("r15-list", {}, "kept"),
    ("r15-list", {"dpt_j": 310}, [("dpt-j", 310, 300)]),
    ("r15-list", {"dpt_l": 149, "dpt_p": 151}, [("dpt-l", 149, 150), ("dpt-p", 151, 150)]),
    ("r15-list", {"dpt_j": None}, "no-number"),
    ("r15-list", {"dpt_j": "x", "dpt_l": 149}, [("dpt-l", 149, 150)]),
    ("r15-list", {"dpt_l": None}, "kept"),
    ("p-turnout-over", {"pengguna_dpt_j": 300}, "kept"),
    ("p-turnout-over", {"pengguna_dpt_j": 301}, [("pengguna-dpt-j", 301, 300)]),
    ("p-turnout-over", {"pengguna_dpt_j": "x"}, "no-number"),
    ("p-turnout-extreme", {"pengguna_total_j": 60}, "kept"),
    ("p-turnout-extreme", {"pengguna_total_j": 59}, [("pengguna-total-j", 59, 300)]),
    ("p-turnout-extreme", {"pengguna_total_j": 294}, "kept"),
    ("p-turnout-extreme", {"pengguna_total_j": 295}, [("pengguna-total-j", 295, 300)]),
    ("p-turnout-extreme", {"pengguna_total_j": "-"}, "no-number"),
    ("p-users-over-voters", {"pengguna_total_j": 300}, "kept"),
    ("p-users-over-voters", {"pengguna_total_j": 305, "pengguna_pindahan_j": 3, "pengguna_tambahan_j": 2}, "kept"),
    (
        "p-users-over-voters",
        {"pengguna_total_j": 306, "pengguna_pindahan_j": 3, "pengguna_tambahan_j": 2},
        [("pengguna-total-j", 306, 305)],
    ),
    ("p-users-over-voters", {"pengguna_tambahan_j": None}, "no-number"),
    ("p-all-for-one", {}, "kept"),
    ("p-all-for-one", {"suara_1": 0, "suara_3": 0}, [("suara-2", 60, 60)]),
    ("p-all-for-one", {"suara_1": 0, "suara_2": 20, "suara_3": 0}, [("suara-2", 20, 20)]),
    ("p-all-for-one", {"suara_1": 0, "suara_2": 19, "suara_3": 0}, "few-voters"),
    ("p-all-for-one", {"suara_1": None}, "no-number"),
    ("p-none-for-one", {"suara_1": 0, "suara_2": 99, "suara_3": 1}, [("suara-1", 100, 0)]),
    ("p-none-for-one", {"suara_1": 0, "suara_2": 98, "suara_3": 1}, "few-voters"),
    ("p-none-for-one", {"suara_1": 0, "suara_3": 0, "suara_2": 100}, [("suara-1", 100, 0), ("suara-3", 100, 0)]),
    ("p-none-for-one", {"suara_1": "x"}, "no-number"),
    ("p-beyond-ballots", {"suara_1": 375}, "kept"),
    (
        "p-beyond-ballots",
        {"suara_1": 376, "surat_suara_diterima": 900},
        [("suara-1", 376, 300), ("surat-suara-diterima", 900, 300)],
    ),
    ("p-beyond-ballots", {"suara_1": None}, "no-number"),
    ("p-beyond-ballots", {"suara_1": None, "suara_sah": 999}, [("suara-sah", 999, 300)]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "figures", "expected"), STATION)
def test_a_station_by_itself(code: str, figures: dict[str, Any], expected: Any) -> None:
    """Each rule at its edge; a figure that is no number is never kept where the rule reads it."""
    assert sorted(verdict(found(both(pilkada(), **figures), code))) == sorted(expected)


def test_small_stations_are_not_held_to_a_turnout() -> None:
    placed = pilkada(voters=49)
    placed.put("mayor", ONE, placed.sound("mayor", 2, 1, 0, voters=49))
    assert verdict(found(placed, "p-turnout-extreme")) == "few-voters"
    assert verdict(found(placed, "p-all-for-one")) == "few-voters"
    # a quarter over a small list is not far beyond it
    no_more = dict.fromkeys(("surat_suara_digunakan", "pengguna_total_j", "suara_total"), 0)
    placed.put("mayor", ONE, placed.sound("mayor", 69, 0, 0, voters=49, **no_more))
    assert verdict(found(placed, "p-beyond-ballots")) == "kept"
    placed.put("mayor", ONE, placed.sound("mayor", 70, 0, 0, voters=49, **no_more))
    assert verdict(found(placed, "p-beyond-ballots")) == [("suara-1", 70, 49), ("suara-sah", 70, 49)]


def test_without_a_list_or_a_form_nothing_is_kept() -> None:
    """No rule is kept where the list is not known, nothing is in, or the form has no such figure."""
    unknown = both(pilkada(voters=None))
    for code in ("r15-list", "p-turnout-over", "p-turnout-extreme", "p-beyond-ballots"):
        assert verdict(found(unknown, code)) == "no-list"
    empty = crosschecks(pilkada().state, ONE)
    assert {remark.reason for remark in empty} == {"not-in"}
    assert {remark.code for remark in empty} == {check.code for check in CHECKS if not check.code.startswith("r17")}
    small = Placed()
    small.contest("mayor", "1771", "A B", form=FORM)
    small.station(ONE, "mayor")
    small.put("mayor", ONE, (300, 120, 100, 220, 5, 307))
    without = {"r15-list", "p-turnout-over", "p-turnout-extreme", "p-users-over-voters"}
    assert {remark.code for remark in crosschecks(small.state, ONE) if remark.reason == "no-figure"} == without


def test_who_is_out_is_not_looked_at() -> None:
    placed = both(pilkada(), suara_1=0)
    assert verdict(found(placed, "p-none-for-one")) == [("suara-1", 100, 0)]
    placed.out("mayor", 1, "withdrawn")
    assert verdict(found(placed, "p-none-for-one")) == "kept"


def test_two_seats_that_differ_are_not_evaluated_in_that_block() -> None:
    placed = pilkada()
    placed.put("mayor", ONE, placed.sound("mayor", 120, 60, 40), placed.sound("mayor", 121, 60, 40))
    assert verdict(found(placed, "p-all-for-one")) == "no-number"
    assert verdict(found(placed, "r15-list")) == "no-number"


# --- between contests ------------------------------------------------------------------------------------------------------------


def test_both_contests_have_the_same_voters() -> None:
    placed = both(pilkada())
    assert verdict(found(placed, "r15-contests")) == "kept"
    both(placed, dpt_j=301)
    remark = found(placed, "r15-contests")
    assert (verdict(remark), remark.details[0].other) == ([("dpt-j", 301, 300)], "governor")
    both(placed, governor={"dpt_j": "x"})
    assert verdict(found(placed, "r15-contests")) == "no-number"


def test_lists_that_are_not_the_same_are_not_compared() -> None:
    """A contest's own list, or a special place without one for each contest."""
    placed = both(pilkada(), dpt_j=290)
    placed.voters("mayor", ONE, 140, 150)
    assert verdict(found(placed, "r15-contests")) == "other-list"
    assert verdict(found(placed, "r15-list"))[:1] == [("dpt-l", 150, 140)]
    placed.voters("mayor", ONE, 150, 150)
    assert verdict(found(placed, "r15-contests")) == [("dpt-j", 290, 300)]
    special = f"{VILLAGE}901"
    prison = both(pilkada(station=special), special, dpt_j=290)
    assert verdict(found(prison, "r15-contests", place=special, area=special)) == "other-list"
    for contest in ("governor", "mayor"):
        prison.voters(contest, special, 150, 150)
    assert verdict(found(prison, "r15-contests", place=special, area=special)) == [("dpt-j", 290, 300)]


def test_a_third_contest_is_held_against_the_one_with_its_list() -> None:
    placed = both(pilkada(), dpt_j=290)
    placed.contest("council", "1771", "K L")
    placed.station(ONE, "governor", "mayor", "council")
    for contest in ("mayor", "council"):
        placed.voters(contest, ONE, 140, 150)
    both(placed, dpt_j=290)
    placed.put("council", ONE, placed.sound("council", 100, 90, voters=290))
    others = {remark.contest: remark for remark in crosschecks(placed.state, ONE) if remark.code == "r15-contests"}
    assert {contest: verdict(remark) for contest, remark in others.items()} == {"council": "other-list", "mayor": "kept"}


def test_no_fewer_voters_vote_for_governor() -> None:
    placed = both(pilkada())
    assert verdict(found(placed, "r16", contest="governor")) == "kept"
    both(placed, governor={"pengguna_total_j": 224})
    remark = found(placed, "r16", contest="governor")
    assert (verdict(remark), remark.details[0].other) == ([("pengguna-total-j", 224, 225)], "mayor")
    both(placed, governor={"pengguna_total_j": 230})
    assert verdict(found(placed, "r16", contest="governor")) == "kept"
    both(placed, pengguna_total_j=None)
    assert verdict(found(placed, "r16", contest="governor")) == "no-number"


# --- neighbours ------------------------------------------------------------------------------------------------------------------


def street(*votes: int | None, villages: int = 1) -> Placed:
    """The mayor's contest at a row of stations, pair 1 with these votes (None: not in), over so many villages."""
    placed = Placed()
    placed.contest("mayor", "1771", "A B C")
    for number, each in enumerate(votes):
        station = f"17710110{number % villages + 1:02}{number + 1:03}"
        placed.station(station, "mayor", voters=2000)
        if each is not None:
            placed.put("mayor", station, placed.sound("mayor", each, 60, 40, voters=2000))
    return placed


def beside(placed: Placed, station: str, area: str = "1771") -> Any:
    return verdict(found(placed, "p-neighbours", place=station, area=area))


def test_ten_times_the_neighbours_median() -> None:
    """Of the other stations of the village; the station's own number is not in the median."""
    first = "1771011" + "001001"
    assert [beside(street(each, 20, 20, 20, 20, 20), first) for each in (199, 200)] == ["kept", [("suara-1", 200, 20)]]
    assert beside(street(200, 19, 20, 20, 21, 90), first) == [("suara-1", 200, 20)]
    # an even number of neighbours: the mean of the middle two
    assert [beside(street(each, 20, 20, 20, 21, 21, 21), first) for each in (204, 205)] == ["kept", [("suara-1", 205, 20)]]
    # ten times next to nothing is nothing yet
    assert [beside(street(each, 1, 1, 1, 1, 1), first) for each in (99, 100)] == ["kept", [("suara-1", 100, 1)]]
    assert beside(street(800, 0, 0, 0, 0, 0), first) == [("suara-1", 800, 0)]


def test_few_neighbours_are_those_of_the_district() -> None:
    first = "1771011001001"
    assert beside(street(300, 20, 20, 20, 20, None), first) == "few-neighbours"
    scattered = street(300, 20, 20, 20, 20, 20, villages=3)
    assert beside(scattered, first) == [("suara-1", 300, 20)]
    # asked of one station alone, its neighbours are looked at all the same
    assert beside(scattered, first, first) == [("suara-1", 300, 20)]
    assert {remark.place for remark in crosschecks(scattered.state, first)} == {first}


def test_the_middle_without_one() -> None:
    """Against the plain way, over many lists."""
    chance = random.Random(7)
    for _ in range(300):
        ordered = sorted(chance.randrange(9) for _ in range(chance.randrange(2, 12)))
        number = chance.choice(ordered)
        others = list(ordered)
        others.remove(number)
        assert sum(_middle_without(ordered, number)) == 2 * median(others)


# --- copies ----------------------------------------------------------------------------------------------------------------------


def test_what_stands_is_what_the_copies_say() -> None:
    placed = both(pilkada())
    assert verdict(found(placed, "r18")) == "no-copy"
    slot = placed.put("mayor", ONE, placed.sound("mayor", 120, 60, 40))
    event = slot.standing[0].event
    placed.attest("mayor", ONE, event)
    assert verdict(found(placed, "r18")) == "kept"
    placed.attest("mayor", ONE, event, placed.sound("mayor", 120, 60, 41), who="agent-2")
    remark = found(placed, "r18")
    assert ("suara-3", 40, 41) in verdict(remark)
    assert {detail.other for detail in remark.details} == {"agent agent-2"}
    # a copy of which the figure cannot be read contradicts nothing
    placed.attest("mayor", ONE, event, placed.sound("mayor", 120, 60, 40, suara_3="x"), who="agent-2")
    assert verdict(found(placed, "r18")) == "kept"


def test_a_copy_of_an_older_version_is_held_against_what_stands() -> None:
    placed = both(pilkada())
    placed.attest("mayor", ONE, bytes(32))
    assert verdict(found(placed, "r18")) == "no-copy"
    placed.attest("mayor", ONE, bytes(32), placed.sound("mayor", 121, 59, 40))
    assert verdict(found(placed, "r18")) == [("suara-1", 120, 121), ("suara-2", 60, 59)]
    placed.put("mayor", ONE, round_=0, annulled=9)
    placed.put("mayor", ONE, placed.sound("mayor", 1, 2, 3), round_=1)
    assert verdict(found(placed, "r18")) == "no-copy"


# --- recaps ----------------------------------------------------------------------------------------------------------------------


def recap() -> tuple[Placed, tuple[int, ...]]:
    """The mayor's contest in two districts of one station each, with what each district comes to."""
    placed = Placed()
    placed.contest("mayor", "1771", "A B C")
    for station in (ONE, "1771021001001"):
        placed.station(station, "mayor")
        placed.put("mayor", station, placed.sound("mayor", 120, 60, 40))
    sums = roll_up(placed.state)["mayor", "177101"].figures
    return placed, sums


def changed(sums: tuple[int, ...], placed: Placed, **figures: Any) -> tuple[Any, ...]:
    codes = [figure.code for figure in placed.forms["mayor"].form.figures]
    given = {code.replace("_", "-"): figure for code, figure in figures.items()}
    return tuple(given.get(code, number) for code, number in zip(codes, sums, strict=True))


def test_a_signed_recap_is_held_against_the_log_and_its_children() -> None:
    placed, sums = recap()
    double = tuple(2 * number for number in sums)
    for area in ("177101", "177102"):
        placed.certify("mayor", area, sums)
    placed.certify("mayor", "1771", double)

    def at(code: str, area: str = "1771") -> Any:
        return verdict(found(placed, code, place=area, area="1771"))

    assert [at(code) for code in ("r17-paper", "r17-since", "r17-children")] == ["kept"] * 3
    assert [remark.code for remark in crosschecks(placed.state, "1771") if remark.place == "177101"] == ["r17-paper", "r17-since"]
    index = [figure.code for figure in placed.forms["mayor"].form.figures].index("suara-1")
    paper = changed(sums, placed, suara_1=130)
    placed.certify("mayor", "177101", sums, paper=paper, differences=((index, "slip-of-the-pen"),))
    assert at("r17-paper", "177101") == [("suara-1", 130, 120)]
    assert found(placed, "r17-paper", place="177101", area="1771").details[0].other == "slip-of-the-pen"
    assert at("r17-children") == [("suara-1", 240, 250)]
    placed.certify("mayor", "177101", sums, paper=changed(sums, placed, suara_1="x"))
    assert (at("r17-children"), at("r17-paper", "177101")) == ("no-number", "no-number")
    placed.certify("mayor", "177101", sums, renew=1)
    assert at("r17-children") == "not-certified"
    assert not [remark for remark in crosschecks(placed.state, "1771") if remark.place == "177101"]


def test_a_total_that_is_no_more_what_was_certified() -> None:
    placed, sums = recap()
    placed.certify("mayor", "177101", sums)
    placed.put("mayor", ONE, placed.sound("mayor", 121, 59, 40))
    remark = found(placed, "r17-since", place="177101", area="1771")
    assert verdict(remark) == [("suara-1", 121, 120), ("suara-2", 59, 60)]


# --- over a fold -----------------------------------------------------------------------------------------------------------------


def test_a_whole_season_of_a_fold() -> None:
    """A governed election with every event type: its one paper difference is found, there and in the recap above."""
    log = whole_season()
    remarks = crosschecks(log.state, "17")
    # The district's paper has one vote more than the log, explained; the city's, of two districts, goes with the log.
    assert {(each.code, each.contest, each.place): each.details for each in remarks if each.outcome == "broken"} == {
        ("r17-paper", "mayor", DISTRICT_B): (Detail("votes-1", 121, 120, "slip-of-the-pen"),),
        ("r17-children", "mayor", CITY): (Detail("votes-1", 481, 482, "2"),),
    }
    assert {remark.contest for remark in remarks} == {"mayor", "governor"}
    assert crosschecks(log.state, "17", "mayor") == [remark for remark in remarks if remark.contest == "mayor"]


def test_a_stored_ledger_says_the_same(tmp_path: Path) -> None:
    """From the database as from memory: rules that look across, result facts, and the status of a recap."""
    world = Governed()
    log = whole_season(world)
    with make_node(tmp_path / "ledger", world, clock=lambda: START_MS) as node:
        node.submit(submissions(log.entries))
        with node.snapshot() as snapshot:
            assert snapshot.size == len(log.entries)
            for area in ("17", DISTRICT_B):
                assert crosschecks(snapshot.state, area) == crosschecks(log.state, area)
            for contest, area in (("mayor", CITY), ("mayor", DISTRICT_B), ("governor", "17")):
                assert contest_result(snapshot.state, contest) == contest_result(log.state, contest)
                assert recap_status(snapshot.state, contest, area) == recap_status(log.state, contest, area)


# --- words -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "figures", "sentence_id", "sentence_en"),
    [
        ("r15-list", {"dpt_j": 310},
         'R15-LIST: "Pemilih dalam DPT, jumlah": formulir menulis 310, daftar pemilih 300',
         'R15-LIST: "Registered voters (DPT), total": the form says 310, the list 300'),
        ("r15-contests", {"dpt_j": 310},
         "R15-CONTESTS: Pemilih dalam DPT 310, tetapi 300 pada governor",
         "R15-CONTESTS: 310 registered voters, but 300 in governor"),
        ("p-beyond-ballots", {"suara_1": 1640},
         'P-BEYOND-BALLOTS: "Suara pasangan calon nomor urut 1": 1.640, daftar pemilih 300',
         'P-BEYOND-BALLOTS: "Votes of pair 1": 1,640, the list has 300 voters'),
        ("p-none-for-one", {"suara_1": 0, "suara_2": 100},
         "P-NONE-FOR-ONE: Tidak ada suara untuk nomor urut 1 dari 140 suara sah",
         "P-NONE-FOR-ONE: No vote for number 1 of 140 valid votes"),
        ("r15-list", {"dpt_j": None},
         "R15-LIST: tidak dapat diperiksa, karena angkanya kosong, tidak terbaca, atau tidak berlaku",
         "R15-LIST: cannot be checked, because a figure is blank, illegible or not applicable"),
        ("p-all-for-one", {},
         "P-ALL-FOR-ONE: Suara sah tidak semuanya untuk satu calon (mulai 20 suara sah)",
         "P-ALL-FOR-ONE: Not all valid votes are for one candidate (from 20 valid votes on)"),
    ],
)  # fmt: skip
def test_a_remark_is_explained_in_one_sentence(code: str, figures: dict[str, Any], sentence_id: str, sentence_en: str) -> None:
    placed = both(pilkada(), **figures)
    remark = found(placed, code)
    assert explain_remark(remark, placed.forms["mayor"], "id") == sentence_id
    assert explain_remark(remark, placed.forms["mayor"], "en") == sentence_en


def test_an_unknown_rule_is_not_explained() -> None:
    placed = pilkada()
    with pytest.raises(BadInput) as caught:
        explain_remark(Remark("r99", "kept", "mayor", ONE, "", ()), placed.forms["mayor"], "id")
    assert caught.value.code == "rule-unknown"


def section() -> str:
    return RULES_MD.read_text(encoding="utf-8").partition("\n## Rules that look across\n")[2].partition("\n## ")[0]


def rows() -> list[str]:
    """The three tables that RULES.md must have, from the code."""
    checks = [
        f"| `{check.code}` | {check.severity} | {check.rule[0]} | {check.rule[1]} | {check.source} | {check.advice} |"
        for check in CHECKS
    ]
    told = [f"| {key} | {role} | {texts[role][0]} | {texts[role][1]} |" for key, texts in ADVICE.items() for role in ROLES]
    return [*checks, *told, *(f"| `{code}` | {pair[0]} | {pair[1]} |" for code, pair in REASONS.items())]


def test_the_document_is_the_code() -> None:
    """docs/RULES.md, "Rules that look across": every rule, all advice and every reason, word for word and no more."""
    listed = [
        line for line in section().splitlines() if line.startswith("| ") and not line.startswith("| code") and "---" not in line
    ]
    listed = [line for line in listed if not line.startswith(("| what to do |", "| reason |"))]
    assert listed == rows()


def test_every_rule_says_what_to_do_to_everybody_in_both_languages() -> None:
    assert len({check.code for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check_of(check.code) is check
        texts = {advice(check, role, lang) for role in ROLES for lang in ("id", "en")}  # type: ignore[arg-type]
        assert len(texts) == 2 * len(ROLES)
    words = " ".join(
        text
        for pair in (
            *(pair for check in CHECKS for pair in (check.rule, check.sentence)),
            *(pair for texts in ADVICE.values() for pair in texts.values()),
            *REASONS.values(),
            *ROLES.values(),
        )
        for text in pair
    )
    for word in FORBIDDEN:
        assert not re.search(rf"\b{word}\b", words, re.IGNORECASE), word


def test_what_is_not_there_is_said_to_be_not_there() -> None:
    placed = pilkada()
    for state, area, contest, code in (
        (Memory(), "", None, "election-not-open"),
        (placed.state, "99", None, "area-unknown"),
        (placed.state, "", "nobody", "contest-unknown"),
    ):
        with pytest.raises(BadInput) as caught:
            crosschecks(state, area, contest)
        assert caught.value.code == code


# --- size ------------------------------------------------------------------------------------------------------------------------


def district(stations: int) -> Placed:
    """Governor and mayor at so many stations of one district."""
    placed = Placed()
    placed.contest("governor", "17", "G H", form=shipped_form("kwk-gubernur", 2), deciding="province")
    placed.contest("mayor", "1771", "A B C D E")
    for number in range(stations):
        station = f"17710110{number % 6 + 1:02}{number // 6 + 1:03}"
        placed.station(station, "governor", "mayor", voters=534)
        placed.put("governor", station, placed.sound("governor", 210 + number % 7, 150, voters=534))
        placed.put("mayor", station, placed.sound("mayor", 100, 80 + number % 9, 90, 20, 60, voters=534))
    return placed


def steps(placed: Placed) -> int:
    """How many lines of the rules that look across run for all stations: a clock that no busy machine disturbs."""
    ran = 0

    def count(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal ran
        if "ledger/tally/facts/cross" not in frame.f_code.co_filename.replace("\\", "/"):
            return None
        ran += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        remarks = crosschecks(placed.state, "")
    finally:
        sys.settrace(before)
    assert {remark.outcome for remark in remarks if remark.code != "r18"} == {"kept"}
    return ran


def test_the_work_grows_as_the_stations_do() -> None:
    """Eight times the stations, about eight times the work; and no more than some hundred lines for a form and rule."""
    small, large = steps(district(105)), steps(district(840))
    assert large < 9 * small
    assert small < 105 * 2 * 10 * 100
