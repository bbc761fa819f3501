"""What becomes of a tally form, and what others say of it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.tally.canonical import Code, Digest
from ledger.tally.eventdata.words import (
    LIST_MAX,
    SUPERSEDES_MAX,
    AgentMark,
    DocumentNumber,
    Figures,
    Map,
    Note,
    Photos,
    Round,
    Row,
    StationCode,
)

__all__ = [
    "FindingExplained",
    "FormRef",
    "TallyAttested",
    "TallyCorrected",
    "TallyHeld",
    "TallyReleased",
    "TallySubmitted",
    "TallyWithdrawn",
]

EventIds = Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=SUPERSEDES_MAX)]


class FormRef(Row, frozen=True):
    """The form definition in whose order the figures stand."""

    code: Code
    version: Annotated[int, Meta(ge=1, le=999)]


class TallySubmitted(Map, frozen=True):
    """The figures of one tally form."""

    contest: Code
    station: StationCode
    round: Round
    form: FormRef
    source: Literal["plano", "copy", "import"]
    figures: Figures
    photos: Photos
    crew: Annotated[int, Meta(ge=0, le=9)] | UnsetType = UNSET
    agents: Annotated[tuple[AgentMark, ...], Meta(max_length=99)] | UnsetType = UNSET


class TallyCorrected(Map, frozen=True):
    """The figures as they shall stand, with the standing events that they supersede and why."""

    contest: Code
    station: StationCode
    round: Round
    form: FormRef
    source: Literal["plano", "copy", "import"]
    figures: Figures
    photos: Photos
    supersedes: EventIds
    reason: Code
    crew: Annotated[int, Meta(ge=0, le=9)] | UnsetType = UNSET
    agents: Annotated[tuple[AgentMark, ...], Meta(max_length=99)] | UnsetType = UNSET
    basis: DocumentNumber | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class TallyWithdrawn(Map, frozen=True):
    """A form sent for the wrong station or contest, twice, or as a test: the tally is not in yet again.  ``withdraws``: the
    standing events, all of them (an operator: the own seat's)."""

    contest: Code
    station: StationCode
    round: Round
    withdraws: EventIds
    reason: Code
    basis: DocumentNumber | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class TallyHeld(Map, frozen=True):
    """Out of the totals, with the reason; stays so over corrections until released."""

    contest: Code
    station: StationCode
    round: Round
    reason: Code
    basis: DocumentNumber | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class TallyReleased(Map, frozen=True):
    """Back into the totals."""

    contest: Code
    station: StationCode
    round: Round
    reason: Code
    basis: DocumentNumber | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class FindingExplained(Map, frozen=True):
    """\"It stands so on the paper\": by who answers for the figures, for these rule codes of this standing event."""

    contest: Code
    station: StationCode
    round: Round
    event: Digest
    findings: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=LIST_MAX)]
    reason: Code
    basis: DocumentNumber | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class TallyAttested(Map, frozen=True):
    """A party agent or supervisor: the own copy of the paper says the same as this very event (no ``figures``), or says these
    figures.  ``photos`` of the own copy."""

    contest: Code
    station: StationCode
    round: Round
    event: Digest
    photos: Photos
    figures: Figures | UnsetType = UNSET
    note: Note | UnsetType = UNSET
