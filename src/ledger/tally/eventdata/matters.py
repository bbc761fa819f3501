"""What is raised beside the tallies: objections, recommendations, incidents, postponed and repeated votes."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.tally.canonical import Code, Digest, Uint
from ledger.tally.eventdata.plenaries import ReadRow
from ledger.tally.eventdata.words import (
    BATCH_STATIONS_MAX,
    LIST_MAX,
    SUPERSEDES_MAX,
    AreaCode,
    Day,
    DocumentNumber,
    Map,
    Note,
    Photos,
    StationCode,
)

__all__ = [
    "IncidentRecorded",
    "ObjectionRaised",
    "ObjectionSettled",
    "RecommendationAnswered",
    "RecommendationIssued",
    "RevoteOrdered",
    "RevoteWithdrawn",
    "VotePostponed",
]

Stations = Annotated[tuple[StationCode, ...], Meta(min_length=1, max_length=BATCH_STATIONS_MAX)]


class ObjectionRaised(Map, frozen=True):
    """A party agent or supervisor objects to what happened at ``code`` (a station or area), or to one event or certificate
    there."""

    contest: Code
    code: AreaCode
    ground: Code
    photos: Photos
    event: Digest | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class ObjectionSettled(Map, frozen=True):
    """What became of an objection.

    ``accepted``: with the correcting events that stand now; ``repaired``: the procedure was; ``rejected``; ``carried``: to the
    level above; ``court``: decided there; ``withdrawn``: by who raised it.
    """

    objection: Digest
    outcome: Literal["accepted", "repaired", "rejected", "carried", "withdrawn", "court"]
    corrections: Annotated[tuple[ReadRow, ...], Meta(max_length=SUPERSEDES_MAX)]
    reason: Code
    basis: DocumentNumber | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class RecommendationIssued(Map, frozen=True):
    """A supervisor recommends; ``codes``: stations or areas; ``deadline`` in ms since 1970."""

    contest: Code
    kind: Literal["psu", "psl", "pss", "pssu", "correction", "other"]
    number: DocumentNumber
    ground: Code
    codes: Annotated[tuple[AreaCode, ...], Meta(min_length=1, max_length=BATCH_STATIONS_MAX)]
    deadline: Uint
    note: Note | UnsetType = UNSET


class RecommendationAnswered(Map, frozen=True):
    """An officer answers: carried out by these events, or refused with the reason."""

    recommendation: Digest
    answer: Literal["executed", "refused"]
    events: Annotated[tuple[Digest, ...], Meta(max_length=LIST_MAX)]
    reason: Code
    basis: DocumentNumber | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class IncidentRecorded(Map, frozen=True):
    """A special incident (kejadian khusus) at a station or area."""

    code: AreaCode
    kind: Code
    photos: Photos
    contest: Code | UnsetType = UNSET
    basis: DocumentNumber | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class VotePostponed(Map, frozen=True):
    """Continued on another day (psl) or held later (pss): still the same round.  ``resumed`` takes it back."""

    contest: Code
    stations: Stations
    kind: Literal["psl", "pss", "resumed"]
    until: Day
    reason: Code
    basis: DocumentNumber
    note: Note | UnsetType = UNSET


class RevoteOrdered(Map, frozen=True):
    """The vote at these stations is annulled and held again as the next round; ``psu-mk``: by the court's order."""

    contest: Code
    stations: Stations
    kind: Literal["psu", "psu-mk"]
    day: Day
    reason: Code
    basis: DocumentNumber
    note: Note | UnsetType = UNSET


class RevoteWithdrawn(Map, frozen=True):
    """An order is withdrawn, and the round that it annulled stands again."""

    order: Digest
    reason: Code
    basis: DocumentNumber
    note: Note | UnsetType = UNSET
