"""What one act said, as a word and a list of facts that a screen can print: the vocabulary of every history and of the log.

``word`` is stable and documented by the screens (``cli.words``); ``facts`` are (name, value) pairs whose values are codes, numbers
and document numbers, never sentences.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import UNSET

from ledger.recap.entries import basis_of
from ledger.tally.events import (
    Approved,
    CandidateChanged,
    ContestsListed,
    ElectionAmended,
    EventData,
    FindingExplained,
    FormsDefined,
    IncidentRecorded,
    JurisdictionsAmended,
    JurisdictionsListed,
    KeyRevoked,
    KeyRotated,
    KeysEnrolled,
    LogRekeyed,
    ObjectionRaised,
    ObjectionSettled,
    RecapCertified,
    RecapRead,
    RecapReopened,
    RecapSealed,
    RecommendationAnswered,
    RecommendationIssued,
    RevoteOrdered,
    RevoteWithdrawn,
    TallyAttested,
    TallyCorrected,
    TallyHeld,
    TallyReleased,
    TallySubmitted,
    TallyWithdrawn,
    VotePostponed,
    type_of,
)
from ledger.tally.rows import Objection, Recommendation
from ledger.tally.signing import key_id
from ledger.tally.state import CONTESTS, OBJECTIONS, RECOMMENDATIONS, Reader

__all__ = ["Facts", "Told", "tell"]

Facts = tuple[tuple[str, str], ...]


class Told(NamedTuple):
    """An act in one word, and its facts."""

    word: str
    facts: Facts


def _told(word: str, **facts: object) -> Told:
    return Told(word, tuple((name, str(value)) for name, value in facts.items() if value not in ("", None)))


def tell(state: Reader, data: EventData) -> Told:
    """The act in a word with its facts.  Of tally forms only the word: how they compare is the history's to say."""
    told = _tally(data) or _plenary(state, data) or _matter(state, data) or _administration(data)
    if told is None:
        return Told(type_of(data), ())
    basis = basis_of(data)
    reason = getattr(data, "reason", "")
    more = (("reason", reason), ("basis", basis))
    return Told(told.word, (*told.facts, *((name, value) for name, value in more if isinstance(value, str) and value)))


def _tally(data: EventData) -> Told | None:
    match data:
        case TallySubmitted():
            return _told("submitted", source="" if data.source == "plano" else data.source, **_paper(data))
        case TallyCorrected():
            return _told("corrected", source="" if data.source == "plano" else data.source, **_paper(data))
        case TallyWithdrawn():
            return _told("withdrawn")
        case TallyHeld():
            return _told("held")
        case TallyReleased():
            return _told("released")
        case TallyAttested():
            return _told("attested-agrees" if data.figures is UNSET else "attested-differs", photos=len(data.photos) or "")
        case FindingExplained():
            return _told("explained", findings=", ".join(data.findings))
        case _:
            return None


def _paper(data: TallySubmitted | TallyCorrected) -> dict[str, object]:
    """Who signed the paper: the crew's signatures, and the agents' marks in ballot order where not all signed."""
    said: dict[str, object] = {}
    if data.crew is not UNSET:
        said["crew"] = data.crew
    if data.agents is not UNSET and data.agents:
        said["agents"] = ", ".join(f"{number} {mark}" for number, mark in enumerate(data.agents, 1))
    return said


def _plenary(state: Reader, data: EventData) -> Told | None:
    match data:
        case RecapRead():
            return _told("read", rows=len(data.rows))
        case RecapCertified():
            return _told(
                "determined" if _decides(state, data) else "certified",
                document=data.document,
                size=data.size,
                differences=len(data.differences) or "",
                missing=", ".join(f"{row.code} ({row.reason})" for row in data.missing),
            )
        case RecapReopened():
            return _told("reopened", stations=", ".join(data.stations))
        case RecapSealed():
            return _told("sealed", size=data.size, root=data.root.hex())
        case VotePostponed():
            return _told("resumed" if data.kind == "resumed" else f"postponed-{data.kind}", until=data.until)
        case RevoteOrdered():
            return _told("revote-ordered", kind=data.kind, day=data.day, stations=", ".join(data.stations))
        case RevoteWithdrawn():
            return _told("revote-withdrawn", order=data.order.hex()[:12])
        case _:
            return None


def _decides(state: Reader, data: RecapCertified) -> bool:
    """Whether it is the level that decides the contest."""
    contest = state.get(CONTESTS, data.contest.encode())
    return contest is not None and data.area == contest.area


def _matter(state: Reader, data: EventData) -> Told | None:
    match data:
        case ObjectionRaised():
            return _told("objected", ground=data.ground)
        case ObjectionSettled():
            objection: Objection | None = state.get(OBJECTIONS, data.objection)
            ground = "" if objection is None else objection.ground
            entry = "" if objection is None else f"#{objection.index}"
            return _told(f"objection-{data.outcome}", ground=ground, objection=entry)
        case RecommendationIssued():
            return _told("recommended", kind=data.kind, number=data.number, ground=data.ground, deadline_ms=data.deadline)
        case RecommendationAnswered():
            issued: Recommendation | None = state.get(RECOMMENDATIONS, data.recommendation)
            return _told(f"recommendation-{data.answer}", number="" if issued is None else issued.number)
        case IncidentRecorded():
            return _told("incident", kind=data.kind)
        case _:
            return None


def _administration(data: EventData) -> Told | None:
    match data:
        case Approved():
            return _told("approved", event=data.event.hex()[:12])
        case KeysEnrolled():
            return _told("enrolled", keys=len(data.keys))
        case KeyRotated():
            return _told("rotated", to=key_id(data.point).hex()[:12])
        case KeyRevoked():
            return _told("revoked", key=key_id(data.key).hex()[:12], **_marks(data))
        case CandidateChanged():
            return _told(f"candidate-{data.change}", number=data.number, name="" if data.name is UNSET else data.name)
        case FormsDefined():
            return _told("forms-defined", forms=", ".join(form.code for form in data.forms))
        case ContestsListed():
            return _told("contests-listed", contests=", ".join(row.code for row in data.contests[:8]))
        case JurisdictionsListed():
            return _told("areas-listed", areas=len(data.areas) or "", stations=len(data.stations) or "")
        case JurisdictionsAmended():
            return _told(
                "areas-amended",
                added=", ".join(row.code for row in data.added),
                cancelled=", ".join(data.cancelled),
                merged=", ".join(f"{row.station} -> {row.into}" for row in data.merged),
                corrected=", ".join(row.code for row in data.corrected),
            )
        case ElectionAmended():
            named = ("cutoffs", "powers", "deadlines", "second_seats", "registrars")
            return _told("amended", what=", ".join(name for name in named if getattr(data, name) is not UNSET))
        case LogRekeyed():
            sealer = "" if data.sealer is UNSET else key_id(data.sealer.point).hex()[:12]
            return _told("rekeyed", log_key="" if data.log_key is UNSET else data.log_key, sealer=sealer)
        case _:
            return None


def _marks(data: KeyRevoked) -> dict[str, object]:
    said: dict[str, object] = {}
    if data.suspect_since is not UNSET:
        said["suspect_since"] = f"#{data.suspect_since}"
    if data.last_good is not UNSET:
        said["last_good"] = data.last_good
    return said
