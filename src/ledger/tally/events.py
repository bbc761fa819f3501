"""What an event may say: the closed list of version 1, as types (docs/FORMATS.md sections 2 to 5).

An event travels as a *payload* (a map, signed), inside a *submission* (payload and signature), and stands in the log inside an
*entry* (a submission with its place).  Types marked as later in ``LATER_TYPES`` have their names fixed here and are refused by
name until the part that builds them.

Rows of batches are arrays, everything else maps; no map has data as keys; what is absent is absent (``UNSET``), and nil stands only
for a blank figure, for ``previous`` at position 0 and for ``ledger`` in entry 0.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ledger.tally.canonical import Code, Digest, Point, SignatureBytes, Text, Uint
from ledger.tally.forms import FormDefinition

__all__ = [
    "DATA_TYPES",
    "ENTRY_LIMIT_BYTES",
    "FIGURES_MAX",
    "FIGURE_MAX",
    "LATER_TYPES",
    "AreaRow",
    "Candidate",
    "ContestRow",
    "ContestsListed",
    "Cutoff",
    "ElectionOpened",
    "Entry",
    "EventData",
    "Figure",
    "Figures",
    "FormsDefined",
    "JurisdictionsListed",
    "KeyRevoked",
    "KeyRow",
    "KeysEnrolled",
    "Level",
    "Payload",
    "Photo",
    "Registrar",
    "Root",
    "StationRow",
    "Submission",
    "TallyCorrected",
    "TallyHeld",
    "TallyReleased",
    "TallySubmitted",
    "Voters",
    "type_of",
]

ENTRY_LIMIT_BYTES: Final = 65_535
FIGURE_MAX: Final = 999_999
FIGURES_MAX: Final = 128
PHOTOS_MAX: Final = 12
SUPERSEDES_MAX: Final = 8
LIST_MAX: Final = 32
KEYS_MAX: Final = 200
AREAS_MAX: Final = 1_000

AreaCode = Annotated[str, Meta(pattern=r"\A[0-9]{0,16}\Z")]
StationCode = Annotated[str, Meta(pattern=r"\A[0-9]{1,16}\Z")]
Seat = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,32}\Z")]
Day = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Vkey = Annotated[str, Meta(pattern=r"\A[\x21-\x7e]{1,255}\Z")]
Origin = Annotated[str, Meta(pattern=r"\A[\x21-\x2a\x2c-\x7e]{1,128}\Z")]
Zone = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9+_/-]{1,40}\Z")]
DocumentNumber = Annotated[str, Meta(pattern=r"\A[\x20-\x7e]{1,64}\Z")]

Figure = Annotated[int, Meta(ge=0, le=FIGURE_MAX)] | Literal["x", "-"] | None
"""A number 0..999,999, None (blank), "x" (illegible) or "-" (not applicable).  Zero is not blank."""
Figures = Annotated[tuple[Figure, ...], Meta(max_length=FIGURES_MAX)]

Voters = Annotated[int, Meta(ge=0, le=FIGURE_MAX)] | None
"""Registered voters; None where the list is not known."""

Role = Literal["administrator", "agent", "importer", "officer", "operator", "supervisor"]
"""Roles that a registrar may enrol.  ``root``, ``registrar`` and ``sealer`` are named by entry 0 alone."""


class _Map(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A map with the schema's words as keys."""


class _Row(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """A row of a batch: an array."""


# --- the election ------------------------------------------------------------------------------------------------------------


class Level(_Row, frozen=True):
    """A level of the area tree and how many digits the codes of its areas have; polling stations are the last level."""

    code: Code
    digits: Annotated[int, Meta(ge=0, le=16)]


class Root(_Row, frozen=True):
    """A root key with its signature over the root string."""

    point: Point
    signature: SignatureBytes


class Registrar(_Row, frozen=True):
    """A body that enrols keys of ``roles``, for ``scope`` and all below it; ``signature`` proves possession."""

    body: Code
    point: Point
    scope: AreaCode
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=8)]
    signature: SignatureBytes


class Cutoff(_Row, frozen=True):
    """From ``time`` (ms since 1970) on, new submissions and corrections by keys of ``role`` are void."""

    role: Role
    time: Uint


class ElectionOpened(_Map, frozen=True):
    """Entry 0.  Its event id is the ledger's id."""

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
    second_seats: Annotated[tuple[str, ...], Meta(max_length=LIST_MAX)]
    cutoffs: Annotated[tuple[Cutoff, ...], Meta(max_length=8)]


# --- what is counted, and where ----------------------------------------------------------------------------------------------


class FormsDefined(_Map, frozen=True):
    """Form definitions: figures in the order of the paper, with their rules."""

    forms: Annotated[tuple[FormDefinition, ...], Meta(min_length=1, max_length=LIST_MAX)]


class Candidate(_Row, frozen=True):
    """A candidate or pair by ballot number; ``empty-box`` is the kolom kosong that stands against a single pair."""

    number: Annotated[int, Meta(ge=1, le=99)]
    name: Text
    kind: Literal["candidate", "empty-box"]


class ContestRow(_Row, frozen=True):
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


class ContestsListed(_Map, frozen=True):
    """Contests, in batches."""

    contests: Annotated[tuple[ContestRow, ...], Meta(min_length=1, max_length=200)]


class AreaRow(_Row, frozen=True):
    """An area above the polling stations."""

    code: AreaCode
    name: Text


class StationRow(_Row, frozen=True):
    """A polling station: registered voters (male, female; None where the list is not known) and the contests held there."""

    code: StationCode
    name: Text
    zone: Zone
    voters_male: Voters
    voters_female: Voters
    contests: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=8)]


class JurisdictionsListed(_Map, frozen=True):
    """Areas and stations, in batches; an area stands before what lies in it."""

    areas: Annotated[tuple[AreaRow, ...], Meta(max_length=AREAS_MAX)]
    stations: Annotated[tuple[StationRow, ...], Meta(max_length=AREAS_MAX)]


# --- keys --------------------------------------------------------------------------------------------------------------------


class KeyRow(_Row, frozen=True):
    """A key: its point, role, scope, seat, the time until which it is valid (ms since 1970; 0: no end), and its proof of
    possession (one signature; none for operators, whose first event is their proof)."""

    point: Point
    role: Role
    scope: AreaCode
    seat: Seat
    valid_until: Uint
    proof: Annotated[tuple[SignatureBytes, ...], Meta(max_length=1)]


class KeysEnrolled(_Map, frozen=True):
    """Up to 200 keys, one signature."""

    keys: Annotated[tuple[KeyRow, ...], Meta(min_length=1, max_length=KEYS_MAX)]


class KeyRevoked(_Map, frozen=True):
    """A key (and all its successors) acts no more.  ``last_good``: positions up to it may still come in, as void evidence;
    ``suspect_since``: the log index from which views mark the key's acts."""

    key: Point
    reason: Code
    suspect_since: Uint | UnsetType = UNSET
    last_good: Uint | UnsetType = UNSET
    note: Digest | UnsetType = UNSET


# --- tallies -----------------------------------------------------------------------------------------------------------------


class Photo(_Row, frozen=True):
    """A photo of a form's page: SHA-256 and length in bytes of the file.

    ``length`` 0 says that the bytes were never seen: then ``sha256`` is that of the name under which the photo was published
    (imports only), and proves which name was meant and nothing about the picture.
    """

    page: Annotated[int, Meta(ge=1, le=99)]
    sha256: Digest
    length: Annotated[int, Meta(ge=0, le=2**40)]


class FormRef(_Row, frozen=True):
    """The form definition in whose order the figures stand."""

    code: Code
    version: Annotated[int, Meta(ge=1, le=999)]


AgentMark = Literal["signed", "refused", "absent"]


class TallySubmitted(_Map, frozen=True):
    """The figures of one tally form."""

    contest: Code
    station: StationCode
    round: Annotated[int, Meta(ge=0, le=9)]
    form: FormRef
    source: Literal["plano", "copy", "import"]
    figures: Figures
    photos: Annotated[tuple[Photo, ...], Meta(max_length=PHOTOS_MAX)]
    crew: Annotated[int, Meta(ge=0, le=9)] | UnsetType = UNSET
    agents: Annotated[tuple[AgentMark, ...], Meta(max_length=99)] | UnsetType = UNSET


class TallyCorrected(_Map, frozen=True):
    """The figures as they shall stand, with the standing events that they supersede and why."""

    contest: Code
    station: StationCode
    round: Annotated[int, Meta(ge=0, le=9)]
    form: FormRef
    source: Literal["plano", "copy", "import"]
    figures: Figures
    photos: Annotated[tuple[Photo, ...], Meta(max_length=PHOTOS_MAX)]
    supersedes: Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=SUPERSEDES_MAX)]
    reason: Code
    crew: Annotated[int, Meta(ge=0, le=9)] | UnsetType = UNSET
    agents: Annotated[tuple[AgentMark, ...], Meta(max_length=99)] | UnsetType = UNSET
    basis: DocumentNumber | UnsetType = UNSET
    note: Digest | UnsetType = UNSET


class TallyHeld(_Map, frozen=True):
    """Out of the totals, with the reason; stays so over corrections until released."""

    contest: Code
    station: StationCode
    round: Annotated[int, Meta(ge=0, le=9)]
    reason: Code
    basis: DocumentNumber | UnsetType = UNSET
    note: Digest | UnsetType = UNSET


class TallyReleased(_Map, frozen=True):
    """Back into the totals."""

    contest: Code
    station: StationCode
    round: Annotated[int, Meta(ge=0, le=9)]
    reason: Code
    basis: DocumentNumber | UnsetType = UNSET
    note: Digest | UnsetType = UNSET


EventData = (
    ElectionOpened
    | FormsDefined
    | ContestsListed
    | JurisdictionsListed
    | KeysEnrolled
    | KeyRevoked
    | TallySubmitted
    | TallyCorrected
    | TallyHeld
    | TallyReleased
)

DATA_TYPES: Final[dict[str, type[EventData]]] = {
    "contests.listed": ContestsListed,
    "election.opened": ElectionOpened,
    "forms.defined": FormsDefined,
    "jurisdictions.listed": JurisdictionsListed,
    "key.revoked": KeyRevoked,
    "keys.enrolled": KeysEnrolled,
    "tally.corrected": TallyCorrected,
    "tally.held": TallyHeld,
    "tally.released": TallyReleased,
    "tally.submitted": TallySubmitted,
}

_TYPE_NAMES: Final = {data_type: name for name, data_type in DATA_TYPES.items()}

LATER_TYPES: Final = frozenset(
    """approved attachment.restored attachment.withheld candidate.changed election.amended finding.explained incident.recorded
    jurisdictions.amended key.rotated log.rekeyed objection.raised objection.settled recap.certified recap.read recap.reopened
    recap.sealed recommendation.answered recommendation.issued revote.ordered revote.withdrawn tally.attested tally.withdrawn
    vote.postponed""".split()
)
"""Named in version 1, built later; a submission of one of these is refused as ``type-later``."""


def type_of(data: EventData) -> str:
    """The event type's name as it stands in the payload."""
    return _TYPE_NAMES[type(data)]


# --- the envelopes -----------------------------------------------------------------------------------------------------------


class Payload(_Map, frozen=True):
    """What is signed."""

    ledger: Digest | None
    key: Point
    position: Uint
    previous: Digest | None
    claimed_at: Uint
    type: Annotated[str, Meta(pattern=r"\A[a-z.]{1,40}\Z")]
    data: msgspec.Raw


class Submission(_Row, frozen=True):
    """What a device sends: the payload's bytes and the signature over the event id."""

    payload: Annotated[bytes, Meta(max_length=ENTRY_LIMIT_BYTES)]
    signature: SignatureBytes


class Entry(_Row, frozen=True):
    """What stands in the log: format version, index, leaf hash of the entry before, time of sequencing (ms), submission."""

    version: Literal[1]
    index: Uint
    chain: Digest
    sequenced_at: Uint
    submission: Submission
