"""Why a total is what it is: a figure's sum step by step, the stations in it with their entries, and those not in it and why.

An area's figure is the sum over the areas directly below; at the lowest level over stations.  A station's figure is what a standing
event gave; the chain of events that gave it otherwise before is its history, of this figure alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ledger.errors import BadInput
from ledger.recap.entries import EntryView, entry_at, entry_view
from ledger.recap.histories import Version, history
from ledger.recap.places import EntryReader, Placed, absence, area_name, current_slot, election_of, frame, placed_below
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.rollup import Frame, Sums, standing_figures
from ledger.tally.state import Reader

__all__ = ["STATIONS_MAX", "StationStep", "Step", "Why", "WhyStation", "figure_of", "why", "why_station"]

STATIONS_MAX: Final = 5_000
"""Stations listed of one total, unless all are asked for."""


class StationStep(Struct, frozen=True):
    """A station and what it gives to the sum.  ``counted``: whether it does; ``why`` not: ``not-in``, ``withdrawn``, ``postponed``,
    ``awaiting-revote``, ``held``, ``differing``, ``blank``, ``illegible``, ``not-applicable``.  ``entry``: of the standing event
    (0 for none), ``changes``: how often a number shown there was changed."""

    station: str
    name: str
    round: int
    figure: int | str | None
    counted: bool
    why: str
    entry: int
    changes: int


class Step(Struct, frozen=True):
    """An area directly below, and what it gives to the sum, of how many stations."""

    code: str
    name: str
    total: int
    stations: int
    expected: int


class Why(Struct, frozen=True):
    """A figure's total in an area.

    ``steps``: the areas directly below, whose totals add up to ``total``; none at the lowest level, where ``stations`` are all that
    lie in it.  Above, ``stations`` are those that are not in the sum, and all of them if asked.
    """

    contest: str
    area: str
    name: str
    level: str
    size: int
    figure: str
    label_id: str
    label_en: str
    number: int
    candidate: str
    total: int
    counted: int
    expected: int
    steps: tuple[Step, ...]
    stations: tuple[StationStep, ...]


class WhyStation(Struct, frozen=True):
    """A station's figure: the standing event that gives it, and every event that gave it or changed it, in log order."""

    contest: str
    station: str
    name: str
    size: int
    figure: str
    label_id: str
    label_en: str
    number: int
    candidate: str
    step: StationStep
    standing: tuple[EntryView, ...]
    chain: tuple[Version, ...]


def figure_of(known: Frame, said: str) -> tuple[int, int, str]:
    """(figure index, candidate number or 0, candidate name) of a candidate's number or a figure's code.  ``BadInput``
    ``figure-unknown``."""
    form, contest = known.form, known.contest
    if said.isdecimal():
        for candidate, index in zip(contest.candidates, form.candidate_figures, strict=True):
            if candidate.number == int(said):
                return index, candidate.number, candidate.name
    for index, figure in enumerate(form.form.figures):
        if figure.code == said:
            if index in form.candidate_figures:
                candidate = contest.candidates[form.candidate_figures.index(index)]
                return index, candidate.number, candidate.name
            return index, 0, ""
    raise BadInput("figure-unknown", "no candidate has this number, and no figure this code", figure=said, form=form.form.code)


def why(state: Reader, contest: str, area: str, said: str, *, size: int, every: bool) -> Why:
    """How the total of a figure in an area comes to be.  ``said``: a candidate's number or a figure's code; ``every``: all stations
    below, not those alone that are not in the sum.  ``BadInput``: ``contest-unknown``, ``figure-unknown``."""
    known = frame(state, contest)
    index, number, candidate = figure_of(known, said)
    sums = state.get(SUMS, sums_key(contest, area)) or Sums.zero(known.form.figure_count)
    digits = election_of(state).digits
    lowest = len(area) == digits[-2]
    figure = known.form.form.figures[index]
    stations: list[StationStep] = []
    whole = sums.present[index] == sums.counts[0]
    if every or lowest or not whole:
        for placed in placed_below(state, contest, area):
            step = _station(state, known, placed, index)
            if every or lowest or not step.counted:
                stations.append(step)
                if len(stations) == STATIONS_MAX and not every:
                    break
    return Why(
        contest,
        area,
        area_name(state, area),
        election_of(state).level_of(area),
        size,
        figure.code,
        figure.label_id,
        figure.label_en,
        number,
        candidate,
        sums.figures[index],
        sums.present[index],
        sums.counts[0],
        () if lowest else tuple(_steps(state, contest, area, index)),
        tuple(stations),
    )


def _steps(state: Reader, contest: str, area: str, index: int) -> Iterator[Step]:
    digits = election_of(state).digits
    below = digits[digits.index(len(area)) + 1]
    for key, sums in state.under(SUMS, sums_key(contest, area)):
        code = key.decode().partition("/")[2]
        if len(code) == below:
            yield Step(code, area_name(state, code), sums.figures[index], sums.present[index], sums.counts[0])


def _station(state: Reader, known: Frame, placed: Placed, index: int) -> StationStep:
    slot = placed.slot
    figures = standing_figures(slot, known.form)
    figure = figures[index] if figures else None
    reason = ""
    if slot.state == "none":
        reason = _ABSENT[absence(slot)[0]]
    elif slot.state == "held":
        reason = "held"
    elif slot.state == "annulled":
        reason = "annulled"
    elif not isinstance(figure, int):
        raw = {standing.figures[index] for standing in slot.standing}
        reason = "differing" if figure is None and (len(raw) > 1 or raw != {None}) else _BLANK[figure]
    entry = max((standing.index for standing in slot.standing), default=0)
    name = area_name(state, placed.station)
    return StationStep(placed.station, name, placed.round, figure, not reason, reason, entry, slot.changes)


_ABSENT: Final = {"awaiting": "awaiting-revote", "missing": "not-in", "postponed": "postponed", "withdrawn": "withdrawn"}
_BLANK: Final[dict[str | None, str]] = {None: "blank", "x": "illegible", "-": "not-applicable"}


def why_station(state: Reader, read: EntryReader, contest: str, station: str, said: str, *, size: int) -> WhyStation:
    """A station's figure with its chain of events.  ``BadInput``: ``station-unknown``, ``figure-unknown``."""
    known = frame(state, contest)
    index, number, candidate = figure_of(known, said)
    placed = current_slot(state, contest, station)
    figure = known.form.form.figures[index]
    told = history(state, read, contest, station, size=size)
    return WhyStation(
        contest,
        station,
        area_name(state, station),
        size,
        figure.code,
        figure.label_id,
        figure.label_en,
        number,
        candidate,
        _station(state, known, placed, index),
        tuple(entry_view(state, entry_at(read, standing.index)) for standing in placed.slot.standing),
        tuple(version for version in told.versions if _touches(version, figure.code)),
    )


_OUTSIDE: Final = ("held", "released", "withdrawn", "revote-ordered", "revote-withdrawn", "postponed-psl", "postponed-pss")


def _touches(version: Version, code: str) -> bool:
    """Whether an event gave this figure otherwise, or took the whole form into or out of the totals."""
    if version.entry.type == "tally.attested" or version.state in ("void", "proposed"):
        return False
    return version.state in _OUTSIDE or any(changed == code for changed, _, _ in version.changed)
