"""What was raised beside the numbers: objections, recommendations, incidents and revotes, by area."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ledger.recap.places import area_name, election_of
from ledger.tally.rows import Objection, Recommendation
from ledger.tally.state import INCIDENTS, OBJECTIONS, RECOMMENDATIONS, REVOTES, Reader

__all__ = [
    "IncidentRow",
    "ObjectionRow",
    "RecommendationRow",
    "RevoteRow",
    "incidents_below",
    "objections_below",
    "recommendations_below",
    "revotes_below",
]


class ObjectionRow(Struct, frozen=True):
    """An objection: where, by whom, on what ground, at which level it is open (or was settled), and its outcome ('' while open)."""

    event_id: str
    index: int
    contest: str
    code: str
    name: str
    ground: str
    role: str
    scope: str
    seat: str
    by: str
    level: str
    outcome: str
    settled: int


class RecommendationRow(Struct, frozen=True):
    """A supervisor's recommendation; ``deadline`` in ms since 1970; ``answer`` '' while there is none."""

    event_id: str
    index: int
    contest: str
    kind: str
    number: str
    ground: str
    codes: tuple[str, ...]
    deadline: int
    scope: str
    seat: str
    answer: str
    answered: int


class RevoteRow(Struct, frozen=True):
    """An order to vote again at stations, each with the round that it opened; ``withdrawn`` the entry, 0 while it holds."""

    event_id: str
    index: int
    contest: str
    kind: str
    day: str
    basis: str
    rounds: tuple[tuple[str, int], ...]
    withdrawn: int


class IncidentRow(Struct, frozen=True):
    """A special incident; ``contest`` '' where it concerns all."""

    event_id: str
    contest: str
    code: str
    kind: str
    role: str
    scope: str
    seat: str


def _within(code: str, area: str) -> bool:
    return code.startswith(area)


def objections_below(state: Reader, area: str, contest: str | None = None, *, still_open: bool = False) -> Iterator[ObjectionRow]:
    """Objections at ``area`` and below, in log order; of those that are open alone if asked."""
    election = election_of(state)
    found: list[tuple[bytes, Objection]] = [
        (key, row)
        for key, row in state.under(OBJECTIONS)
        if _within(row.code, area) and contest in (None, row.contest) and not (still_open and row.outcome)
    ]
    for key, row in sorted(found, key=lambda each: each[1].index):
        yield ObjectionRow(
            key.hex(),
            row.index,
            row.contest,
            row.code,
            area_name(state, row.code),
            row.ground,
            row.role,
            row.scope,
            row.seat,
            row.by,
            election.level_of("0" * row.level),
            row.outcome,
            row.settled,
        )


def recommendations_below(
    state: Reader, area: str, contest: str | None = None, *, unanswered: bool = False
) -> Iterator[RecommendationRow]:
    """Recommendations that name ``area`` or anything below it, in log order; the unanswered alone if asked."""
    found: list[tuple[bytes, Recommendation]] = [
        (key, row)
        for key, row in state.under(RECOMMENDATIONS)
        if any(_within(code, area) for code in row.codes) and contest in (None, row.contest) and not (unanswered and row.answer)
    ]
    for key, row in sorted(found, key=lambda each: each[1].index):
        yield RecommendationRow(
            key.hex(),
            row.index,
            row.contest,
            row.kind,
            row.number,
            row.ground,
            row.codes,
            row.deadline,
            row.scope,
            row.seat,
            row.answer,
            row.answered,
        )


def revotes_below(state: Reader, area: str, contest: str | None = None) -> Iterator[RevoteRow]:
    """Orders that concern stations in ``area``, withdrawn ones too, in log order."""
    found = [
        (key, row)
        for key, row in state.under(REVOTES)
        if contest in (None, row.contest) and any(_within(station, area) for station, _ in row.rounds)
    ]
    for key, row in sorted(found, key=lambda each: each[1].index):
        rounds = tuple((station, round_) for station, round_ in row.rounds if _within(station, area))
        yield RevoteRow(key.hex(), row.index, row.contest, row.kind, row.day, row.basis, rounds, row.withdrawn)


def incidents_below(state: Reader, area: str, contest: str | None = None) -> Iterator[IncidentRow]:
    """Incidents in ``area``, of a contest (or of none, which concern all)."""
    for key, row in state.under(INCIDENTS):
        if _within(row.code, area) and (contest is None or row.contest in ("", contest)):
            yield IncidentRow(key.hex(), row.contest, row.code, row.kind, row.role, row.scope, row.seat)
