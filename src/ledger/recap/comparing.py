"""An outside recap held against the ledger's, cell by cell: equal, different by how much, or missing on either side.

Where a cell differs, the stations below it are named in which a number was changed, that carry remarks, or that are not in the sum:
where a person would look first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from msgspec import Struct

from ledger.errors import BadInput
from ledger.recap.places import area_name, current_slot, election_of, frame, placed_below
from ledger.recap.reasons import figure_of
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.rollup import Frame, standing_figures
from ledger.tally.state import Reader

__all__ = ["LOOKED_AT_MAX", "Cell", "OutsideCell", "compare"]

LOOKED_AT_MAX: Final = 50
"""Stations named below a cell that differs."""


class OutsideCell(NamedTuple):
    """What the outside recap says: a contest, an area or station, a candidate's number or a figure's code, the value, and the line
    of the file."""

    contest: str
    area: str
    figure: str
    value: int
    line: int


class Cell(Struct, frozen=True):
    """``outcome``: ``equal``, ``differs`` (``difference``: the ledger's less the outside's), ``not-in-ledger`` (the area, contest
    or figure is not there, or nothing has come in), ``not-in-file`` (a sibling that the file leaves out)."""

    contest: str
    area: str
    name: str
    figure: str
    outcome: str
    outside: int | None
    ledger: int | None
    difference: int
    changed: tuple[str, ...]
    with_findings: tuple[str, ...]
    not_in: tuple[str, ...]
    line: int


def compare(state: Reader, outside: Iterable[OutsideCell]) -> Iterator[Cell]:
    """A row for each cell of the file in its order, then those that it leaves out: candidates of an area that it names, and areas
    beside two or more that it names.  ``BadInput`` ``bad-row`` for a cell that is said twice."""
    seen: dict[tuple[str, str], dict[str, int]] = {}
    frames: dict[str, Frame | None] = {}
    for cell in outside:
        known = _frame(state, frames, cell.contest)
        code = _code(known, cell.figure)
        figures = seen.setdefault((cell.contest, cell.area), {})
        if code in figures:
            raise BadInput("bad-row", "this cell is said a second time", line=cell.line)
        figures[code] = cell.line
        yield _cell(state, known, cell, code)
    yield from _left_out(state, frames, seen)


def _frame(state: Reader, frames: dict[str, Frame | None], contest: str) -> Frame | None:
    if contest not in frames:
        try:
            frames[contest] = frame(state, contest)
        except BadInput:
            frames[contest] = None
    return frames[contest]


def _code(known: Frame | None, said: str) -> str:
    """The figure's code; what is not known stays as it was said."""
    if known is None:
        return said
    try:
        return known.form.form.figures[figure_of(known, said)[0]].code
    except BadInput:
        return said


def _value(state: Reader, known: Frame, contest: str, area: str, index: int) -> int | None:
    """The ledger's number; None where there is none."""
    if election_of(state).is_station(area):
        try:
            slot = current_slot(state, contest, area).slot
        except BadInput:
            return None
        figures = standing_figures(slot, known.form)
        figure = figures[index] if figures and slot.state != "held" else None
        return figure if isinstance(figure, int) else None
    sums = state.get(SUMS, sums_key(contest, area))
    return None if sums is None or not sums.present[index] else sums.figures[index]


def _cell(state: Reader, known: Frame | None, cell: OutsideCell, code: str) -> Cell:
    name = area_name(state, cell.area)
    index = None
    if known is not None:
        index = next((at for at, figure in enumerate(known.form.form.figures) if figure.code == code), None)
    value = None if known is None or index is None else _value(state, known, cell.contest, cell.area, index)
    if value is None or known is None or index is None:
        return Cell(cell.contest, cell.area, name, code, "not-in-ledger", cell.value, None, 0, (), (), (), cell.line)
    if value == cell.value:
        return Cell(cell.contest, cell.area, name, code, "equal", cell.value, value, 0, (), (), (), cell.line)
    looked = _look(state, known, cell.contest, cell.area, index)
    return Cell(cell.contest, cell.area, name, code, "differs", cell.value, value, value - cell.value, *looked, cell.line)


def _look(
    state: Reader, known: Frame, contest: str, area: str, index: int
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Stations below in which a number was changed, that carry remarks, and that are not in the sum."""
    changed: list[str] = []
    remarked: list[str] = []
    not_in: list[str] = []
    for station, round_, slot in placed_below(state, contest, area):
        if slot.changes or round_:
            changed.append(station)
        if any(standing.broken for standing in slot.standing):
            remarked.append(station)
        figures = standing_figures(slot, known.form)
        if slot.held or not figures or not isinstance(figures[index], int):
            not_in.append(station)
    return tuple(changed[:LOOKED_AT_MAX]), tuple(remarked[:LOOKED_AT_MAX]), tuple(not_in[:LOOKED_AT_MAX])


def _left_out(state: Reader, frames: dict[str, Frame | None], seen: dict[tuple[str, str], dict[str, int]]) -> Iterator[Cell]:
    places = dict.fromkeys(seen)
    for place in (*places, *_siblings(state, frames, places)):
        contest, area = place
        known = frames[contest]
        if known is None:
            continue
        for index in known.form.candidate_figures:
            code = known.form.form.figures[index].code
            value = _value(state, known, contest, area, index)
            if code not in seen.get(place, {}) and value is not None:
                yield Cell(contest, area, area_name(state, area), code, "not-in-file", None, value, 0, (), (), (), 0)


def _siblings(state: Reader, frames: dict[str, Frame | None], places: dict[tuple[str, str], None]) -> list[tuple[str, str]]:
    """Areas with totals beside two or more that the file names, under the same area."""
    digits = election_of(state).digits
    under: dict[tuple[str, str], int] = {}
    for contest, area in places:
        if len(area) in digits[1:] and frames[contest] is not None:
            upper = area[: digits[digits.index(len(area)) - 1]]
            under[contest, upper] = under.get((contest, upper), 0) + 1
    found: list[tuple[str, str]] = []
    for (contest, upper), named in sorted(under.items()):
        if named < 2:
            continue
        below = digits[digits.index(len(upper)) + 1]
        if below == digits[-1]:
            codes = [placed.station for placed in placed_below(state, contest, upper)]
        else:
            codes = [
                key.decode().partition("/")[2]
                for key, _ in state.under(SUMS, sums_key(contest, upper))
                if len(key.decode().partition("/")[2]) == below
            ]
        found += [(contest, code) for code in codes if (contest, code) not in places]
    return found
