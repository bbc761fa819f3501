"""What each rule that looks across finds at one place: pure verdicts over sheets of figures (``crosschecks`` makes the passes).

A verdict is a reason why the rule could not be evaluated, or the contradictions found, none where it is kept.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from ledger.tally.eventdata.words import Figures
from ledger.tally.facts.results import standing_candidates
from ledger.tally.rollup import contest_form, standing_figures
from ledger.tally.rows import Area, Attestation, Certificate, Contest, Slot
from ledger.tally.rules import CompiledForm
from ledger.tally.state import SLOTS, VOTERS, Reader, area_key, slot_parts

__all__ = [
    "STATION_CHECKS",
    "Detail",
    "Sheet",
    "SheetRow",
    "Verdict",
    "against",
    "beside",
    "no_fewer_users",
    "same_as_children",
    "same_as_copies",
    "same_list",
    "same_voters",
]

TURNOUT_PER_CENT: Final = (20, 98)
TURNOUT_VOTERS_MIN: Final = 50
ALL_FOR_ONE_VOTES_MIN: Final = 20
NONE_FOR_ONE_VOTES_MIN: Final = 100
NEIGHBOURS_MIN: Final = 5
NEIGHBOURS_TIMES: Final = 10
NEIGHBOURS_VOTES_MIN: Final = 100
BEYOND_VOTERS: Final = 20
"""More than a quarter over the list of voters, and more than so many, is far beyond."""
SPECIAL_FROM: Final = 901
"""Stations at special places have numbers from here on; some of their voters have the governor's ballot only."""


class Detail(NamedTuple):
    """One contradiction: the figure's code ('' for none), the two numbers, and who or what else the sentence names."""

    figure: str
    here: int
    there: int
    other: str


Verdict = str | tuple[Detail, ...]
"""A reason of REASONS; or the contradictions, none where the rule is kept."""


class SheetRow(NamedTuple):
    """A station in one contest: the round that holds and its figures (() where nothing stands); the list of voters (men, women)
    that the contest has there, and whether it is the contest's own."""

    station: str
    round: int
    slot: Slot
    figures: Figures
    men: int | None
    women: int | None
    own_list: bool

    @property
    def listed(self) -> int | None:
        """Voters on the list; None where it is not known."""
        return None if self.men is None or self.women is None else self.men + self.women


class Sheet:
    """A contest's stations, and where its form has which figure."""

    def __init__(self, state: Reader, code: str, contest: Contest) -> None:
        self.code = code
        self.contest = contest
        self.form: CompiledForm = contest_form(state, contest)
        self.at = {figure.code: index for index, figure in enumerate(self.form.form.figures)}
        self.votes_at = standing_candidates(state, code, contest, self.form)
        self.numbers = {index: figure.candidate for index, figure in enumerate(self.form.form.figures)}
        self.rows: dict[str, SheetRow] = {}

    def load(self, state: Reader, area: str, areas: Mapping[str, Area]) -> None:
        """The stations below ``area``; ``areas``: their rows, by code."""
        own = {key.decode().partition("/")[2]: row for key, row in state.under(VOTERS, area_key(self.code, area))}
        for key, slot in state.under(SLOTS, area_key(self.code, area)):
            if slot.annulled:
                continue
            _, station, round_ = slot_parts(key)
            voters, listed = own.get(station), areas.get(station)
            men, women = (None, None) if listed is None else (listed.voters_male, listed.voters_female)
            if voters is not None:
                men, women = voters.male, voters.female
            figures = standing_figures(slot, self.form)
            self.rows[station] = SheetRow(station, round_, slot, figures, men, women, voters is not None)

    def read(self, row: SheetRow, *codes: str) -> list[int] | str:
        """These figures, or why not all are numbers."""
        if any(code not in self.at for code in codes):
            return _NO_FIGURE
        return self.read_at(row, [self.at[code] for code in codes])

    @staticmethod
    def read_at(row: SheetRow, indexes: Collection[int]) -> list[int] | str:
        """The figures at these places, or why not all are numbers."""
        if not row.figures:
            return _NOT_IN
        found = [figure for index in indexes if isinstance(figure := row.figures[index], int)]
        return found if len(found) == len(indexes) else _NO_NUMBER


_FEW: Final = "few-voters"
_FEW_NEIGHBOURS: Final = "few-neighbours"
_NOT_CERTIFIED: Final = "not-certified"
_NOT_IN: Final = "not-in"
_NO_COPY: Final = "no-copy"
_NO_FIGURE: Final = "no-figure"
_NO_LIST: Final = "no-list"
_NO_NUMBER: Final = "no-number"
_OTHER_LIST: Final = "other-list"


# --- one station in one contest --------------------------------------------------------------------------------------------------


def _same_as_list(sheet: Sheet, row: SheetRow) -> Verdict:
    total = sheet.read(row, "dpt-j")
    if row.listed is None or not row.figures:
        return _NOT_IN if not row.figures else _NO_LIST
    details: list[Detail] = []
    for code, listed in (("dpt-l", row.men), ("dpt-p", row.women), ("dpt-j", row.listed)):
        figure = sheet.read(row, code)
        if not isinstance(figure, str) and listed is not None and figure[0] != listed:
            details.append(Detail(code, figure[0], listed, ""))
    return tuple(details) if details or not isinstance(total, str) else total


def _turnout_over(sheet: Sheet, row: SheetRow) -> Verdict:
    users = sheet.read(row, "pengguna-dpt-j")
    if isinstance(users, str) or row.listed is None:
        return users if isinstance(users, str) else _NO_LIST
    return (Detail("pengguna-dpt-j", users[0], row.listed, ""),) if users[0] > row.listed else ()


def _turnout_extreme(sheet: Sheet, row: SheetRow) -> Verdict:
    users = sheet.read(row, "pengguna-total-j")
    if isinstance(users, str) or row.listed is None:
        return users if isinstance(users, str) else _NO_LIST
    if row.listed < TURNOUT_VOTERS_MIN:
        return _FEW
    low, high = TURNOUT_PER_CENT
    usual = low * row.listed <= 100 * users[0] <= high * row.listed
    return () if usual else (Detail("pengguna-total-j", users[0], row.listed, ""),)


def _users_over_voters(sheet: Sheet, row: SheetRow) -> Verdict:
    numbers = sheet.read(row, "pengguna-total-j", "dpt-j", "pengguna-pindahan-j", "pengguna-tambahan-j")
    if isinstance(numbers, str):
        return numbers
    users, *voters = numbers
    return (Detail("pengguna-total-j", users, sum(voters), ""),) if users > sum(voters) else ()


def _all_for_one(sheet: Sheet, row: SheetRow) -> Verdict:
    votes = sheet.read_at(row, sheet.votes_at)
    if isinstance(votes, str):
        return votes
    valid = sum(votes)
    if valid < ALL_FOR_ONE_VOTES_MIN or len(votes) < 2:
        return _FEW
    for index, number in zip(sheet.votes_at, votes, strict=True):
        if number == valid:
            return (Detail(sheet.form.form.figures[index].code, valid, valid, str(sheet.numbers[index])),)
    return ()


def _none_for_one(sheet: Sheet, row: SheetRow) -> Verdict:
    votes = sheet.read_at(row, sheet.votes_at)
    if isinstance(votes, str):
        return votes
    valid = sum(votes)
    if valid < NONE_FOR_ONE_VOTES_MIN or len(votes) < 2:
        return _FEW
    return tuple(
        Detail(sheet.form.form.figures[index].code, valid, 0, str(sheet.numbers[index]))
        for index, number in zip(sheet.votes_at, votes, strict=True)
        if not number
    )


def _beyond_ballots(sheet: Sheet, row: SheetRow) -> Verdict:
    if not row.figures:
        return _NOT_IN
    if row.listed is None:
        return _NO_LIST
    codes = [code for code in sheet.at if code.startswith(("suara-", "surat-suara-")) or code == "pengguna-total-j"]
    indexes = dict.fromkeys([*sheet.form.candidate_figures, *(sheet.at[code] for code in codes)])
    details: list[Detail] = []
    for index in indexes:
        number = row.figures[index]
        if isinstance(number, int) and 4 * number > 5 * row.listed and number > row.listed + BEYOND_VOTERS:
            details.append(Detail(sheet.form.form.figures[index].code, number, row.listed, ""))
    if details:
        return tuple(details)
    gaps = sheet.read_at(row, indexes)
    return gaps if isinstance(gaps, str) else ()


STATION_CHECKS: Final[dict[str, Callable[[Sheet, SheetRow], Verdict]]] = {
    "r15-list": _same_as_list,
    "p-turnout-over": _turnout_over,
    "p-turnout-extreme": _turnout_extreme,
    "p-users-over-voters": _users_over_voters,
    "p-all-for-one": _all_for_one,
    "p-none-for-one": _none_for_one,
    "p-beyond-ballots": _beyond_ballots,
}


# --- between contests ------------------------------------------------------------------------------------------------------------


def same_list(row: SheetRow, other: SheetRow) -> bool:
    """Whether two contests of a station have the same list of voters.  At a special place only if the ledger lists it for each."""
    if int(row.station[-3:]) >= SPECIAL_FROM and not (row.own_list and other.own_list):
        return False
    return (row.men, row.women) == (other.men, other.women)


def same_voters(wide: tuple[Sheet, SheetRow], narrow: tuple[Sheet, SheetRow]) -> Verdict:
    """The registered voters of both forms, where both contests have the same list."""
    (sheet, row), (other, first) = narrow, wide
    if not same_list(row, first):
        return _OTHER_LIST
    here, there = sheet.read(row, "dpt-j"), other.read(first, "dpt-j")
    if isinstance(here, str) or isinstance(there, str):
        return here if isinstance(here, str) else str(there)
    return (Detail("dpt-j", here[0], there[0], other.code),) if here != there else ()


def no_fewer_users(wide: tuple[Sheet, SheetRow], narrow: tuple[Sheet, SheetRow]) -> Verdict:
    """Voters who moved within the province have the wider contest's ballot only."""
    (sheet, row), (other, second) = wide, narrow
    here, there = sheet.read(row, "pengguna-total-j"), other.read(second, "pengguna-total-j")
    if isinstance(here, str) or isinstance(there, str):
        return here if isinstance(here, str) else str(there)
    return (Detail("pengguna-total-j", here[0], there[0], other.code),) if here < there else ()


# --- neighbours ------------------------------------------------------------------------------------------------------------------


def beside(
    sheet: Sheet, row: SheetRow, indexes: list[int], places: tuple[list[str], Mapping[tuple[str, int], list[int]]]
) -> Verdict:
    """Votes against the neighbours' median.  ``places``: the station's village and district, and the votes there in ascending order
    by (place, figure)."""
    around, groups = places
    numbers = sheet.read_at(row, indexes)
    if isinstance(numbers, str):
        return numbers
    details: list[Detail] = []
    for index, number in zip(indexes, numbers, strict=True):
        group = next((groups[code, index] for code in around if len(groups[code, index]) > NEIGHBOURS_MIN), None)
        if group is None:
            return _FEW_NEIGHBOURS
        low, high = _middle_without(group, number)
        if number >= NEIGHBOURS_VOTES_MIN and 2 * number >= NEIGHBOURS_TIMES * (low + high):
            details.append(Detail(sheet.form.form.figures[index].code, number, (low + high) // 2, str(len(group) - 1)))
    return tuple(details)


def _middle_without(ordered: list[int], number: int) -> tuple[int, int]:
    """The two middle numbers (or the middle one twice) of ``ordered`` without one ``number`` that is in it."""
    gone = bisect_left(ordered, number)
    left = len(ordered) - 1
    places = ((left - 1) // 2, left // 2)
    low, high = (ordered[place if place < gone else place + 1] for place in places)
    return low, high


# --- copies ----------------------------------------------------------------------------------------------------------------------


def same_as_copies(sheet: Sheet, row: SheetRow, copies: list[tuple[str, Attestation]]) -> Verdict:
    """A copy is held against the event that it was said of, or, where that stands no more, against what does.  Figures that are no
    numbers on either side say nothing."""
    if not row.figures:
        return _NOT_IN
    by_event = {standing.event: standing.figures for standing in row.slot.standing}
    details: list[Detail] = []
    compared = False
    for who, attestation in copies:
        if not attestation.figures:
            compared = compared or attestation.event in by_event
            continue
        standing = by_event.get(attestation.event, row.figures)
        for index, (here, there) in enumerate(zip(standing, attestation.figures, strict=True)):
            if isinstance(here, int) and isinstance(there, int):
                compared = True
                if here != there:
                    details.append(Detail(sheet.form.form.figures[index].code, here, there, who))
    return tuple(details) if compared else _NO_COPY


# --- recaps ----------------------------------------------------------------------------------------------------------------------


def against(sheet: Sheet, here: tuple[int | str | None, ...], there: tuple[int, ...], other: Mapping[int, str]) -> Verdict:
    """Figure by figure; ``other``: what to name beside a figure of this index."""
    details: list[Detail] = []
    for index, (left, right) in enumerate(zip(here, there, strict=True)):
        if isinstance(left, int) and left != right:
            details.append(Detail(sheet.form.form.figures[index].code, left, right, other.get(index, "")))
    gaps = not all(isinstance(figure, int) for figure in here)
    return _NO_NUMBER if gaps and not details else tuple(details)


def same_as_children(sheet: Sheet, row: Certificate, children: list[Certificate | None]) -> Verdict:
    """The signed paper against those of the level below, figure by figure, where all are numbers."""
    made = [child for child in children if child is not None]
    if len(made) < len(children):
        return _NOT_CERTIFIED
    details: list[Detail] = []
    gaps = False
    for index, paper in enumerate(row.paper):
        numbers = [child.paper[index] for child in made]
        known = [number for number in numbers if isinstance(number, int)]
        if not isinstance(paper, int) or len(known) < len(numbers):
            gaps = True
        elif paper != sum(known):
            details.append(Detail(sheet.form.form.figures[index].code, paper, sum(known), str(len(made))))
    return _NO_NUMBER if gaps and not details else tuple(details)
