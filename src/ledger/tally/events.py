"""What an event may say: the closed list of version 1, and the envelopes it travels in (docs/FORMATS.md sections 2 to 5).

An event travels as a *payload* (a map, signed), inside a *submission* (payload and signature), and stands in the log inside an
*entry* (a submission with its place).  What each type says is in ``ledger.tally.eventdata``, one module a subject, and is exported
here.  Types marked as later in ``LATER_TYPES`` have their names fixed and are refused by name until the part that builds them.

Rows of batches are arrays, everything else maps; no map has data as keys; what is absent is absent (``UNSET``), and nil stands only
for a blank figure, for ``previous`` at position 0 and for ``ledger`` in entry 0.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from ledger.tally.canonical import Digest, Point, SignatureBytes, Uint, decode
from ledger.tally.eventdata.election import (
    AreaRow,
    Candidate,
    CandidateChanged,
    ContestFacts,
    ContestRow,
    ContestsListed,
    Cutoff,
    Deadline,
    ElectionAmended,
    ElectionOpened,
    FormsDefined,
    JurisdictionsAmended,
    JurisdictionsListed,
    Level,
    LogRekeyed,
    MergedRow,
    Power,
    Registrar,
    Root,
    StationRow,
    VotersRow,
)
from ledger.tally.eventdata.keys import Approved, KeyRevoked, KeyRotated, KeyRow, KeysEnrolled
from ledger.tally.eventdata.matters import (
    IncidentRecorded,
    ObjectionRaised,
    ObjectionSettled,
    RecommendationAnswered,
    RecommendationIssued,
    RevoteOrdered,
    RevoteWithdrawn,
    VotePostponed,
)
from ledger.tally.eventdata.plenaries import (
    DifferenceRow,
    MissingRow,
    ReadRow,
    RecapCertified,
    RecapRead,
    RecapReopened,
    RecapSealed,
    Total,
)
from ledger.tally.eventdata.tallies import (
    FindingExplained,
    FormRef,
    TallyAttested,
    TallyCorrected,
    TallyHeld,
    TallyReleased,
    TallySubmitted,
    TallyWithdrawn,
)
from ledger.tally.eventdata.words import (
    FIGURE_MAX,
    FIGURES_MAX,
    KEYS_MAX,
    PHOTOS_MAX,
    ROUND_MAX,
    ROWS_MAX,
    TYPE_PATTERN,
    AgentMark,
    Figure,
    Figures,
    Map,
    Photo,
    Role,
    Row,
    Voters,
)

__all__ = [
    "DATA_TYPES",
    "ENTRY_LIMIT_BYTES",
    "FIGURES_MAX",
    "FIGURE_MAX",
    "KEYS_MAX",
    "LATER_TYPES",
    "PHOTOS_MAX",
    "ROUND_MAX",
    "ROWS_MAX",
    "AgentMark",
    "Approved",
    "AreaRow",
    "Candidate",
    "CandidateChanged",
    "ContestFacts",
    "ContestRow",
    "ContestsListed",
    "Cutoff",
    "Deadline",
    "DifferenceRow",
    "ElectionAmended",
    "ElectionOpened",
    "Entry",
    "EventData",
    "Figure",
    "Figures",
    "FindingExplained",
    "FormRef",
    "FormsDefined",
    "IncidentRecorded",
    "JurisdictionsAmended",
    "JurisdictionsListed",
    "KeyRevoked",
    "KeyRotated",
    "KeyRow",
    "KeysEnrolled",
    "Level",
    "LogRekeyed",
    "MergedRow",
    "MissingRow",
    "ObjectionRaised",
    "ObjectionSettled",
    "Payload",
    "Photo",
    "Power",
    "ReadRow",
    "RecapCertified",
    "RecapRead",
    "RecapReopened",
    "RecapSealed",
    "RecommendationAnswered",
    "RecommendationIssued",
    "Registrar",
    "RevoteOrdered",
    "RevoteWithdrawn",
    "Role",
    "Root",
    "StationRow",
    "Submission",
    "TallyAttested",
    "TallyCorrected",
    "TallyHeld",
    "TallyReleased",
    "TallySubmitted",
    "TallyWithdrawn",
    "Total",
    "VotePostponed",
    "Voters",
    "VotersRow",
    "decode_data",
    "type_of",
]

ENTRY_LIMIT_BYTES: Final = 65_535

EventData = (
    ElectionOpened
    | ElectionAmended
    | LogRekeyed
    | FormsDefined
    | ContestsListed
    | CandidateChanged
    | JurisdictionsListed
    | JurisdictionsAmended
    | KeysEnrolled
    | KeyRotated
    | KeyRevoked
    | Approved
    | TallySubmitted
    | TallyCorrected
    | TallyWithdrawn
    | TallyHeld
    | TallyReleased
    | TallyAttested
    | FindingExplained
    | RecapRead
    | RecapCertified
    | RecapReopened
    | RecapSealed
    | ObjectionRaised
    | ObjectionSettled
    | RecommendationIssued
    | RecommendationAnswered
    | IncidentRecorded
    | VotePostponed
    | RevoteOrdered
    | RevoteWithdrawn
)

DATA_TYPES: Final[dict[str, type[EventData]]] = {
    "approved": Approved,
    "candidate.changed": CandidateChanged,
    "contests.listed": ContestsListed,
    "election.amended": ElectionAmended,
    "election.opened": ElectionOpened,
    "finding.explained": FindingExplained,
    "forms.defined": FormsDefined,
    "incident.recorded": IncidentRecorded,
    "jurisdictions.amended": JurisdictionsAmended,
    "jurisdictions.listed": JurisdictionsListed,
    "key.revoked": KeyRevoked,
    "key.rotated": KeyRotated,
    "keys.enrolled": KeysEnrolled,
    "log.rekeyed": LogRekeyed,
    "objection.raised": ObjectionRaised,
    "objection.settled": ObjectionSettled,
    "recap.certified": RecapCertified,
    "recap.read": RecapRead,
    "recap.reopened": RecapReopened,
    "recap.sealed": RecapSealed,
    "recommendation.answered": RecommendationAnswered,
    "recommendation.issued": RecommendationIssued,
    "revote.ordered": RevoteOrdered,
    "revote.withdrawn": RevoteWithdrawn,
    "tally.attested": TallyAttested,
    "tally.corrected": TallyCorrected,
    "tally.held": TallyHeld,
    "tally.released": TallyReleased,
    "tally.submitted": TallySubmitted,
    "tally.withdrawn": TallyWithdrawn,
    "vote.postponed": VotePostponed,
}

_TYPE_NAMES: Final = {data_type: name for name, data_type in DATA_TYPES.items()}
_DECODERS: Final = {name: msgspec.msgpack.Decoder(data_type) for name, data_type in DATA_TYPES.items()}

LATER_TYPES: Final = frozenset({"attachment.restored", "attachment.withheld"})
"""Named in version 1, built later; a submission of one of these is refused as ``type-later``."""


def type_of(data: EventData) -> str:
    """The event type's name as it stands in the payload."""
    return _TYPE_NAMES[type(data)]


def decode_data(name: str, data: bytes) -> EventData | None:
    """What an event of the type ``name`` says, from its canonical bytes; None where this version has no such type.

    Raises ``Refused`` as ``canonical.decode`` does.
    """
    decoder = _DECODERS.get(name)
    return None if decoder is None else decode(data, decoder)


# --- the envelopes -----------------------------------------------------------------------------------------------------------


class Payload(Map, frozen=True):
    """What is signed."""

    ledger: Digest | None
    key: Point
    position: Uint
    previous: Digest | None
    claimed_at: Uint
    type: Annotated[str, Meta(pattern=TYPE_PATTERN)]
    data: msgspec.Raw


class Submission(Row, frozen=True):
    """What a device sends: the payload's bytes and the signature over the event id."""

    payload: Annotated[bytes, Meta(max_length=ENTRY_LIMIT_BYTES)]
    signature: SignatureBytes


class Entry(Row, frozen=True):
    """What stands in the log: format version, index, leaf hash of the entry before, time of sequencing (ms), submission."""

    version: Literal[1]
    index: Uint
    chain: Digest
    sequenced_at: Uint
    submission: Submission
