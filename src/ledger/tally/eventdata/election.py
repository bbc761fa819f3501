"""What an election is: entry 0 and its amendments, forms, contests and candidates, areas and stations."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.tally.canonical import Code, Point, SignatureBytes, Text, Uint
from ledger.tally.eventdata.words import (
    AREAS_MAX,
    BATCH_STATIONS_MAX,
    LIST_MAX,
    AreaCode,
    Bit,
    Day,
    DocumentNumber,
    Map,
    Origin,
    Role,
    Row,
    StationCode,
    TypeName,
    Vkey,
    Voters,
    Zone,
)
from ledger.tally.forms import FormDefinition

__all__ = [
    "AreaRow",
    "Candidate",
    "CandidateChanged",
    "ContestFacts",
    "ContestRow",
    "ContestsListed",
    "Cutoff",
    "Deadline",
    "ElectionAmended",
    "ElectionOpened",
    "FormsDefined",
    "JurisdictionsAmended",
    "JurisdictionsListed",
    "Level",
    "LogRekeyed",
    "MergedRow",
    "Power",
    "Registrar",
    "Root",
    "StationRow",
    "VotersRow",
]

# --- entry 0 -----------------------------------------------------------------------------------------------------------------


class Level(Row, frozen=True):
    """A level of the area tree and how many digits the codes of its areas have; polling stations are the last level."""

    code: Code
    digits: Annotated[int, Meta(ge=0, le=16)]


class Root(Row, frozen=True):
    """A root key with its signature over the root string; also the sealer's key with its proof of possession."""

    point: Point
    signature: SignatureBytes


class Registrar(Row, frozen=True):
    """A body that enrols keys of ``roles``, for ``scope`` and all below it; ``signature`` proves possession."""

    body: Code
    point: Point
    scope: AreaCode
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=8)]
    signature: SignatureBytes


class Cutoff(Row, frozen=True):
    """From ``time`` (ms since 1970) on, new submissions and corrections by keys of ``role`` are void."""

    role: Role
    time: Uint


class Power(Row, frozen=True):
    """Who may do what: keys may do ``act`` at these levels alone (a key's level is that of its scope), and with ``basis`` 1 only
    with the number of the document that it rests on."""

    act: TypeName
    levels: Annotated[tuple[Code, ...], Meta(max_length=8)]
    basis: Bit


class Deadline(Row, frozen=True):
    """When a level's recapitulation begins and must be done (ms since 1970).  Shown; decides nothing."""

    level: Code
    opens: Uint
    closes: Uint


Cutoffs = Annotated[tuple[Cutoff, ...], Meta(max_length=8)]
Powers = Annotated[tuple[Power, ...], Meta(max_length=40)]
Deadlines = Annotated[tuple[Deadline, ...], Meta(max_length=LIST_MAX)]
SecondSeats = Annotated[tuple[TypeName, ...], Meta(max_length=LIST_MAX)]


class ElectionOpened(Map, frozen=True):
    """Entry 0.  Its event id is the ledger's id.

    ``powers`` absent or empty: an election without plenary rules, as in version 1's first part: every officer may correct at any
    level.
    """

    name: Text
    kind: Literal["official", "rehearsal", "synthetic", "import"]
    day: Day
    zones: Annotated[tuple[Zone, ...], Meta(min_length=1, max_length=LIST_MAX)]
    levels: Annotated[tuple[Level, ...], Meta(min_length=2, max_length=8)]
    origin: Origin
    log_key: Vkey
    sealer: Root
    witnesses: Annotated[tuple[Vkey, ...], Meta(max_length=LIST_MAX)]
    quorum: Annotated[int, Meta(ge=0, le=LIST_MAX)]
    roots: Annotated[tuple[Root, ...], Meta(min_length=2, max_length=LIST_MAX)]
    registrars: Annotated[tuple[Registrar, ...], Meta(min_length=1, max_length=LIST_MAX)]
    second_seats: SecondSeats
    cutoffs: Cutoffs
    powers: Powers | UnsetType = UNSET
    deadlines: Deadlines | UnsetType = UNSET


class ElectionAmended(Map, frozen=True):
    """What entry 0 said, said anew by two root keys; what is absent stays.  Never fewer approvals.  ``registrars`` are further
    ones, each with its proof of possession over this ledger's id."""

    reason: Code
    basis: DocumentNumber
    cutoffs: Cutoffs | UnsetType = UNSET
    powers: Powers | UnsetType = UNSET
    deadlines: Deadlines | UnsetType = UNSET
    second_seats: SecondSeats | UnsetType = UNSET
    registrars: Annotated[tuple[Registrar, ...], Meta(min_length=1, max_length=LIST_MAX)] | UnsetType = UNSET


class LogRekeyed(Map, frozen=True):
    """The log's or the sealer's key is lost or stolen: two root keys name another one, from now on.  ``sealer`` comes with its
    proof of possession over this ledger's id.  At least one of the two is there (the fold asks)."""

    reason: Code
    log_key: Vkey | UnsetType = UNSET
    sealer: Root | UnsetType = UNSET
    basis: DocumentNumber | UnsetType = UNSET


# --- forms, contests, candidates -----------------------------------------------------------------------------------------------


class FormsDefined(Map, frozen=True):
    """Form definitions: figures in the order of the paper, with their rules."""

    forms: Annotated[tuple[FormDefinition, ...], Meta(min_length=1, max_length=LIST_MAX)]


class Candidate(Row, frozen=True):
    """A candidate or pair by ballot number; ``empty-box`` is the kolom kosong that stands against a single pair."""

    number: Annotated[int, Meta(ge=1, le=99)]
    name: Text
    kind: Literal["candidate", "empty-box"]


class ContestRow(Row, frozen=True):
    """A contest: its form, where it is held, its candidates in ballot order, the levels that certify and the one that decides."""

    code: Code
    name_id: Text
    name_en: Text
    form: Code
    version: Annotated[int, Meta(ge=1, le=999)]
    area: AreaCode
    candidates: Annotated[tuple[Candidate, ...], Meta(min_length=1, max_length=99)]
    certifying: Annotated[tuple[Code, ...], Meta(max_length=8)]
    deciding: Code


class ContestFacts(Row, frozen=True):
    """How a contest is won, and how many people live where it is held (for the court's margin; 0: not said).

    ``plurality``: the most votes; against the empty box, more than half.  ``two-round``: more than half, else a second round
    between the first two (Jakarta).  Source: domain.md 2.6.
    """

    contest: Code
    rule: Literal["plurality", "two-round"]
    population: Annotated[int, Meta(ge=0, le=10**9)]


class ContestsListed(Map, frozen=True):
    """Contests, in batches; ``facts`` of those that have any."""

    contests: Annotated[tuple[ContestRow, ...], Meta(min_length=1, max_length=200)]
    facts: Annotated[tuple[ContestFacts, ...], Meta(min_length=1, max_length=200)] | UnsetType = UNSET


class CandidateChanged(Map, frozen=True):
    """A candidate is out, or another stands in the place; ``restored`` takes it back.

    Withdrawn and disqualified: the votes stay as the paper says and are shown apart, as invalid.  Replaced: another name from the
    next round on (``name``, only there).
    """

    contest: Code
    number: Annotated[int, Meta(ge=1, le=99)]
    change: Literal["withdrawn", "disqualified", "replaced", "restored"]
    reason: Code
    basis: DocumentNumber
    name: Text | UnsetType = UNSET


# --- areas and stations ----------------------------------------------------------------------------------------------------------


class AreaRow(Row, frozen=True):
    """An area above the polling stations."""

    code: AreaCode
    name: Text


class StationRow(Row, frozen=True):
    """A polling station: registered voters (male, female; None where the list is not known) and the contests held there."""

    code: StationCode
    name: Text
    zone: Zone
    voters_male: Voters
    voters_female: Voters
    contests: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=8)]


class VotersRow(Row, frozen=True):
    """Registered voters of one contest at a station where they are others than the station's: at special stations (901 and up)
    some voters have the governor's ballot only."""

    station: StationCode
    contest: Code
    male: Voters
    female: Voters


class JurisdictionsListed(Map, frozen=True):
    """Areas and stations, in batches; an area stands before what lies in it."""

    areas: Annotated[tuple[AreaRow, ...], Meta(max_length=AREAS_MAX)]
    stations: Annotated[tuple[StationRow, ...], Meta(max_length=AREAS_MAX)]
    voters: Annotated[tuple[VotersRow, ...], Meta(min_length=1, max_length=AREAS_MAX)] | UnsetType = UNSET


class MergedRow(Row, frozen=True):
    """A station that was merged into another."""

    station: StationCode
    into: StationCode


class JurisdictionsAmended(Map, frozen=True):
    """Areas and stations added; stations merged or cancelled, none of which may have a tally; rows corrected as a whole."""

    reason: Code
    basis: DocumentNumber
    areas: Annotated[tuple[AreaRow, ...], Meta(max_length=BATCH_STATIONS_MAX)]
    added: Annotated[tuple[StationRow, ...], Meta(max_length=BATCH_STATIONS_MAX)]
    merged: Annotated[tuple[MergedRow, ...], Meta(max_length=BATCH_STATIONS_MAX)]
    cancelled: Annotated[tuple[StationCode, ...], Meta(max_length=BATCH_STATIONS_MAX)]
    corrected: Annotated[tuple[StationRow, ...], Meta(max_length=BATCH_STATIONS_MAX)]
    voters: Annotated[tuple[VotersRow, ...], Meta(max_length=BATCH_STATIONS_MAX)]
