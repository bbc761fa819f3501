"""Recaps: the total of an area with what it holds and what it lacks, and a station's figures with the round that holds.

A total never stands without its counts, nor the counts without the stations behind them: which are missing, held back, differing,
awaiting a revote or remarked on by the rules.  One read of a total, and the rows that the page lists; the lists look only into
areas whose own counts say that there is something, and stop at ``LISTED_MAX``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ledger.errors import BadInput
from ledger.recap.certificates import CertificateView, LevelProgress, certificate_state, certificates_at, level_progress
from ledger.recap.matters import (
    ObjectionRow,
    RecommendationRow,
    objections_below,
    recommendations_below,
)
from ledger.recap.places import area_name, contests_of, current_slot, election_of, placed_below
from ledger.tally.events import Figures
from ledger.tally.facts.recapstatus import deciding_certificate
from ledger.tally.facts.status import status_at
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.rollup import COUNTS, Sums, contest_form, standing_figures
from ledger.tally.rows import Contest, Election, Slot
from ledger.tally.rules import CompiledForm
from ledger.tally.state import ATTESTATIONS, CANDIDATES, CERTIFICATES, Reader, area_key, candidate_key, slot_key

__all__ = [
    "LISTED_MAX",
    "AreaRecap",
    "CandidateVotes",
    "ChildRecap",
    "FigureTotal",
    "StationLists",
    "recap",
    "station_lists",
]

LISTED_MAX: Final = 1_000
"""Stations of one list; ``counts`` says how many there are in all."""


class FigureTotal(Struct, frozen=True):
    """A figure of the form: its sum (at a station: the figure itself, None if blank) and of how many stations."""

    code: str
    label_id: str
    label_en: str
    total: int | str | None
    stations: int


class CandidateVotes(Struct, frozen=True):
    """A candidate's votes in an area.  ``change``: '' or what became of the candidate; ``out``: withdrawn or disqualified, so that
    the votes, which stay as the papers say, count as invalid and are shown apart."""

    number: int
    name: str
    votes: int | str | None
    kind: str
    change: str
    out: bool
    reason: str
    basis: str


class ChildRecap(Struct, frozen=True):
    """One row of the next level: its counts, its candidates' votes in ballot order, and its state where it is a station.

    ``certificate``: the state of its own, '' where there is none; ``read``: read at the plenary (a station: the form that stands;
    an area: its certificate, by the level above); ``objections``: open ones at and below.
    """

    code: str
    name: str
    votes: tuple[int | str | None, ...]
    counts: dict[str, int]
    state: str
    round: int
    certificate: str
    read: bool
    findings: tuple[str, ...]
    objections: int


class StationLists(Struct, frozen=True):
    """The stations behind the counts, in code order, ``LISTED_MAX`` of each at most."""

    missing: tuple[str, ...]
    awaiting: tuple[str, ...]
    held: tuple[str, ...]
    differing: tuple[str, ...]
    with_findings: tuple[str, ...]
    withdrawn: tuple[str, ...]
    postponed: tuple[str, ...]
    corrected: tuple[str, ...]


class AreaRecap(Struct, frozen=True):
    """The recap of one area in one contest at one tree size.

    ``stations``: those behind the counts.  ``objections``: the open ones; ``recommendations``: the unanswered.  ``certificates``:
    of the area and of all areas above it; ``progress``: of the levels at and below it.  ``votes_out``: of candidates who are out.
    ``copies``: at a station, what agents and supervisors say of theirs.  ``status``: of an area a word of
    ``tally.facts.recapstatus``, of a station one of ``tally.facts.status``.
    """

    election: str
    kind: str
    size: int
    contest: str
    contest_name_id: str
    contest_name_en: str
    area: str
    name: str
    level: str
    counts: dict[str, int]
    candidates: tuple[CandidateVotes, ...]
    figures: tuple[FigureTotal, ...]
    state: str
    findings: tuple[str, ...]
    children: tuple[ChildRecap, ...]
    status: str
    round: int
    read: int
    votes_out: int
    stations: StationLists
    objections: tuple[ObjectionRow, ...]
    recommendations: tuple[RecommendationRow, ...]
    certificates: tuple[CertificateView, ...]
    progress: tuple[LevelProgress, ...]
    copies: dict[str, int]


_NO_STATIONS: Final = StationLists((), (), (), (), (), (), (), ())
_OUT: Final = ("withdrawn", "disqualified")


def recap(state: Reader, contest: str, area: str, *, size: int) -> AreaRecap:
    """The recap of ``area`` (an area or a station) in ``contest``.  ``size`` is the tree size that ``state`` shows."""
    election = election_of(state)
    rows = contests_of(state, area, contest)
    if not rows:
        raise BadInput("area-outside-contest", "the contest is not held there", contest=contest, area=area)
    code, row = rows[0]
    form = contest_form(state, row)
    levels = election.opened.levels
    level = next((level for level in levels if level.digits == len(area)), None)
    if level is None:
        raise BadInput("area-unknown", "no level has codes of this length", area=area)
    open_objections = tuple(objections_below(state, area, code, still_open=True))
    if level is levels[-1]:
        return _station_recap(state, election, (code, row, form), area, size, open_objections)
    sums = state.get(SUMS, sums_key(code, area)) or Sums.zero(form.figure_count)
    candidates = _candidates(state, code, row, form, sums.figures)
    levels_done = level_progress(state, code, row, area)
    decided = deciding_certificate(state, code, row, area) is not None
    return AreaRecap(
        election.opened.name,
        election.opened.kind,
        size,
        code,
        row.name_id,
        row.name_en,
        area,
        area_name(state, area),
        level.code,
        _counts(sums),
        candidates,
        tuple(
            FigureTotal(figure.code, figure.label_id, figure.label_en, sums.figures[index], sums.present[index])
            for index, figure in enumerate(form.form.figures)
        ),
        "",
        (),
        tuple(_children(state, election, (code, form), area, open_objections)),
        _word(sums, levels_done, decided=decided),
        0,
        0,
        _votes_out(candidates),
        station_lists(state, code, area),
        open_objections,
        tuple(recommendations_below(state, area, code, unanswered=True)),
        tuple(certificates_at(state, code, area)),
        levels_done,
        {},
    )


def _word(sums: Sums, levels: tuple[LevelProgress, ...], *, decided: bool) -> str:
    """How far the recap has come, from the counts and certificates alone."""
    if decided:
        return "determined"
    if any(level.areas and level.certified == level.areas for level in levels):
        return "certified"
    counts = dict(zip(COUNTS, sums.counts, strict=True))
    whole = counts["in"] - counts["held"] - counts["differing"]
    return "complete" if counts["expected"] and whole == counts["expected"] else "provisional"


def _counts(sums: Sums) -> dict[str, int]:
    return dict(zip(COUNTS, sums.counts, strict=True))


def _candidates(state: Reader, code: str, row: Contest, form: CompiledForm, figures: Figures) -> tuple[CandidateVotes, ...]:
    found: list[CandidateVotes] = []
    for candidate, index in zip(row.candidates, form.candidate_figures, strict=True):
        change = state.get(CANDIDATES, candidate_key(code, candidate.number))
        word = "" if change is None or change.change == "restored" else change.change
        said = change if word else None
        found.append(
            CandidateVotes(
                candidate.number,
                candidate.name,
                figures[index] if figures else None,
                candidate.kind,
                word,
                word in _OUT,
                said.reason if said else "",
                said.basis if said else "",
            )
        )
    return tuple(found)


def _votes_out(candidates: tuple[CandidateVotes, ...]) -> int:
    return sum(candidate.votes for candidate in candidates if candidate.out and isinstance(candidate.votes, int))


def _children(
    state: Reader, election: Election, of: tuple[str, CompiledForm], area: str, objections: tuple[ObjectionRow, ...]
) -> Iterator[ChildRecap]:
    code, form = of
    digits = election.digits
    below = digits[digits.index(len(area)) + 1]
    raised: dict[str, int] = {}
    for objection in objections:
        raised[objection.code[:below]] = raised.get(objection.code[:below], 0) + 1
    if below == digits[-1]:
        for station, round_, slot in placed_below(state, code, area):
            figures = standing_figures(slot, form)
            votes = tuple(figures[index] if figures else None for index in form.candidate_figures)
            name = area_name(state, station)
            broken = _broken(slot.standing)
            yield ChildRecap(station, name, votes, {}, slot.state, round_, "", bool(slot.read), broken, raised.get(station, 0))
        return
    for key, sums in state.under(SUMS, sums_key(code, area)):
        child = key.decode().rpartition("/")[2]
        if len(child) == below:
            votes = tuple(sums.figures[index] for index in form.candidate_figures)
            certificate_row = state.get(CERTIFICATES, area_key(code, child))
            yield ChildRecap(
                child,
                area_name(state, child),
                votes,
                _counts(sums),
                "",
                0,
                certificate_state(certificate_row),
                bool(certificate_row is not None and certificate_row.read),
                (),
                raised.get(child, 0),
            )


def _broken(standing: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(sorted({finding for each in standing for finding in getattr(each, "broken", ())}))


def _station_recap(
    state: Reader,
    election: Election,
    of: tuple[str, Contest, CompiledForm],
    station: str,
    size: int,
    objections: tuple[ObjectionRow, ...],
) -> AreaRecap:
    code, row, form = of
    _, round_, slot = current_slot(state, code, station)
    figures = standing_figures(slot, form)
    candidates = _candidates(state, code, row, form, figures)
    return AreaRecap(
        election.opened.name,
        election.opened.kind,
        size,
        code,
        row.name_id,
        row.name_en,
        station,
        area_name(state, station),
        election.opened.levels[-1].code,
        {},
        candidates,
        tuple(
            FigureTotal(
                figure.code,
                figure.label_id,
                figure.label_en,
                figures[index] if figures else None,
                int(bool(figures) and type(figures[index]) is int),
            )
            for index, figure in enumerate(form.form.figures)
        ),
        slot.state,
        _broken(slot.standing),
        (),
        status_at(state, code, station, round_).word,
        round_,
        slot.read,
        _votes_out(candidates),
        _NO_STATIONS,
        objections,
        tuple(recommendations_below(state, station, code, unanswered=True)),
        tuple(certificates_at(state, code, station)),
        (),
        _copies(state, slot_key(code, station, round_), slot),
    )


def _copies(state: Reader, key: bytes, slot: Slot) -> dict[str, int]:
    """What agents and supervisors last said: of the standing form that their copy ``agrees`` or ``differs``, or ``older``."""
    counts = {"agrees": 0, "differs": 0, "older": 0}
    standing = {each.event: each.figures for each in slot.standing}
    for _, said in state.under(ATTESTATIONS, key + b"/"):
        if said.event not in standing:
            counts["older"] += 1
        else:
            counts["differs" if said.figures and said.figures != standing[said.event] else "agrees"] += 1
    return counts


# --- the stations behind the counts --------------------------------------------------------------------------------------------


def station_lists(state: Reader, contest: str, area: str) -> StationLists:
    """Looks into the lowest areas whose counts say that there is a station for a list that is not full yet, and stops once all
    are there (or ``LISTED_MAX`` of each)."""
    found: dict[str, list[str]] = {name: [] for name in StationLists.__struct_fields__}
    lowest = election_of(state).digits[-2]
    total = state.get(SUMS, sums_key(contest, area))
    if len(area) == lowest or total is None:
        _list_stations(state, contest, area, found)
        return _cut(found)
    wanted = {name: min(count, LISTED_MAX) for name, count in _behind(total).items()}
    for key, sums in state.under(SUMS, sums_key(contest, area)):
        open_lists = [name for name, count in wanted.items() if len(found[name]) < count]
        if not open_lists:
            break
        place = key.decode().partition("/")[2]
        if len(place) == lowest:
            here = _behind(sums)
            if any(here[name] for name in open_lists):
                _list_stations(state, contest, place, found)
    return _cut(found)


def _behind(sums: Sums) -> dict[str, int]:
    """How many stations there are for each list that a count stands before."""
    counts = _counts(sums)
    names = ("awaiting", "held", "differing", "with_findings", "corrected")
    return {"missing": counts["expected"] - counts["in"] - counts["awaiting"], **{name: counts[name] for name in names}}


def _cut(found: dict[str, list[str]]) -> StationLists:
    return StationLists(**{name: tuple(stations[:LISTED_MAX]) for name, stations in found.items()})


def _list_stations(state: Reader, contest: str, area: str, found: dict[str, list[str]]) -> None:
    for station, _round, slot in placed_below(state, contest, area):
        word = slot.state
        if word == "none":
            found["awaiting" if slot.order else "missing"].append(station)
            if slot.withdrawn:
                found["withdrawn"].append(station)
            if slot.postponed:
                found["postponed"].append(station)
        elif word in ("held", "differing"):
            found[word].append(station)
        if word != "none" and slot.changes:
            found["corrected"].append(station)
        if any(standing.broken for standing in slot.standing):
            found["with_findings"].append(station)
