"""One example of every event type with every field that it can have, and strategies for all types, made from the types."""

from __future__ import annotations

import types
import typing
from functools import lru_cache

import msgspec
from hypothesis import strategies as st
from msgspec import Meta, Struct, UnsetType

from ledger.tally.events import (
    DATA_TYPES,
    Approved,
    AreaRow,
    CandidateChanged,
    ContestFacts,
    ContestsListed,
    Cutoff,
    Deadline,
    DifferenceRow,
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
    MergedRow,
    MissingRow,
    ObjectionRaised,
    ObjectionSettled,
    Photo,
    Power,
    ReadRow,
    RecapCertified,
    RecapRead,
    RecapReopened,
    RecapSealed,
    RecommendationAnswered,
    RecommendationIssued,
    Registrar,
    RevoteOrdered,
    RevoteWithdrawn,
    StationRow,
    TallyAttested,
    TallyHeld,
    TallyReleased,
    TallyWithdrawn,
    VotePostponed,
    VotersRow,
)
from ledger.tally.signing import draft_digest, possession_digest, root_digest, rotation_digest

from ..rekeying import LOG_2, SEALER_2, rekeying
from ..world import AREAS, FORM, GOOD, STATIONS, World, contest_row, corrected, station_row, submitted

ID = bytes(range(32))
PHOTO = Photo(1, ID, 123_456)
WORLD = World()

POWERS = (Power("recap.certified", ("district", "city"), 0), Power("tally.released", ("district",), 1))
DEADLINES = (Deadline("city", 1, 2**53 - 1),)
ADDED = StationRow("1771011001901", "TPS 901", "Asia/Jakarta", 40, None, ("governor",))
VOTERS = (VotersRow("1771011001901", "governor", 39, None),)


def _opening() -> EventData:
    """Entry 0 with powers and deadlines, signed anew by its founders."""
    names = {"root-1": "", "root-2": "", "sealer": "sealer", "commission": "registrar", "watchdog": "registrar"}
    by_point = {WORLD.key(name).point: name for name in names}
    data = msgspec.structs.replace(WORLD.opening, powers=POWERS, deadlines=DEADLINES)
    draft = draft_digest(data)

    def proof(point: bytes, scope: str, seat: str) -> bytes:
        name = by_point[point]
        return WORLD.key(name).sign(possession_digest(draft, point=point, role=names[name], scope=scope, seat=seat))

    return msgspec.structs.replace(
        data,
        roots=tuple(
            msgspec.structs.replace(root, signature=WORLD.key(by_point[root.point]).sign(root_digest(draft))) for root in data.roots
        ),
        sealer=msgspec.structs.replace(data.sealer, signature=proof(data.sealer.point, "", "sealer")),
        registrars=tuple(msgspec.structs.replace(row, signature=proof(row.point, row.scope, row.body)) for row in data.registrars),
    )


def _registrar(name: str, scope: str) -> Registrar:
    """A further registrar, with the proof of possession that an amendment brings."""
    key = WORLD.key(name)
    signature = key.sign(possession_digest(WORLD.ledger, point=key.point, role="registrar", scope=scope, seat=name))
    return Registrar(name, key.point, scope, ("agent",), signature)


def _rotation(old: str, new: str, seat: str) -> KeyRotated:
    key = WORLD.key(new)
    proof = key.sign(rotation_digest(WORLD.ledger, old=WORLD.key(old).point, new=key.point, seat=seat))
    return KeyRotated(point=key.point, seat=seat, proof=proof, reason="new-device")


def _rekeyed() -> LogRekeyed:
    """The log and the sealer, with proof of possession."""
    return rekeying(WORLD, log=LOG_2, sealer=SEALER_2, basis="1/KPU/2024")


SIGNERS = {"election.opened": "root-1", "key.rotated": "officer"}
"""Whose key signs the example, where the signatures in it name that key."""

EXAMPLES: dict[str, EventData] = {
    "approved": Approved(event=ID),
    "candidate.changed": CandidateChanged(
        contest="mayor", number=2, change="replaced", reason="died", basis="120/PL.02/2024", name="C"
    ),
    "contests.listed": ContestsListed(
        contests=(contest_row("mayor", "1771"),), facts=(ContestFacts("mayor", "two-round", 373_591),)
    ),
    "election.amended": ElectionAmended(
        reason="one-more-pair", basis="9/PKPU/2024", cutoffs=(Cutoff("operator", 1),), powers=POWERS, deadlines=DEADLINES,
        second_seats=("recap.certified",), registrars=(_registrar("pair-1", "1771"),),
    ),
    "election.opened": _opening(),
    "finding.explained": FindingExplained(
        contest="mayor", station=STATIONS[0], round=9, event=ID, findings=("r5", "r9"), reason="as-on-paper", basis="No. 1", note=ID
    ),
    "forms.defined": FormsDefined(forms=(FORM,)),
    "incident.recorded": IncidentRecorded(
        code=STATIONS[0], kind="flood", photos=(PHOTO,), contest="mayor", basis="C.KEJADIAN KHUSUS", note=ID
    ),
    "jurisdictions.amended": JurisdictionsAmended(
        reason="list", basis="3/2024", areas=(AreaRow("1771011003", "Kelurahan A3"),), added=(ADDED,),
        merged=(MergedRow(STATIONS[0], STATIONS[1]),), cancelled=(STATIONS[2],), corrected=(station_row(STATIONS[3]),),
        voters=VOTERS,
    ),
    "jurisdictions.listed": JurisdictionsListed(
        areas=AREAS[:2], stations=(StationRow(STATIONS[0], "TPS 1", "Asia/Jakarta", 0, None, ("mayor",)), ADDED), voters=VOTERS
    ),
    "key.revoked": KeyRevoked(
        key=WORLD.key("officer").point, reason="lost", suspect_since=7, last_good=2**53 - 1, note=ID
    ),
    "key.rotated": _rotation("officer", "officer-2", "city-1"),
    "keys.enrolled": KeysEnrolled(
        keys=(WORLD.operator_row(STATIONS[0], "1"), WORLD.key_row("officer", "officer", "1771", "city-1", valid_until=1))
    ),
    "log.rekeyed": _rekeyed(),
    "objection.raised": ObjectionRaised(
        contest="mayor", code="177101", ground="count", photos=(PHOTO,), event=ID, note=ID
    ),
    "objection.settled": ObjectionSettled(
        objection=ID, outcome="accepted", corrections=(ReadRow(STATIONS[0], 1, ID),), reason="copies-agree", basis="7/BA/2024",
        note=ID,
    ),
    "recap.certified": RecapCertified(
        contest="mayor", area="177101", size=2**53 - 1, commitment=ID, sums=(0, 10**9), paper=(None, "x"),
        differences=(DifferenceRow(0, "smudged"), DifferenceRow(1, "torn")),
        missing=(MissingRow(STATIONS[0], "not-in", ("8/BA/2024",)), MissingRow(STATIONS[1], "held", ())),
        document="9/BA/2024", held_at=1_732_900_000_000, photos=(PHOTO,), agents=("signed", "refused"), note=ID,
    ),
    "recap.read": RecapRead(contest="mayor", rows=(ReadRow("177102", 0, ID), ReadRow(STATIONS[0], 9, ID)), note=ID),
    "recap.reopened": RecapReopened(
        contest="mayor", area="177101", certificate=ID, stations=STATIONS[:2], reason="misread", basis="10/BA/2024", note=ID
    ),
    "recap.sealed": RecapSealed(size=2**53 - 1, root=ID),
    "recommendation.answered": RecommendationAnswered(
        recommendation=ID, answer="executed", events=(ID, ID[::-1]), reason="done", basis="11/BA/2024", note=ID
    ),
    "recommendation.issued": RecommendationIssued(
        contest="mayor", kind="psu", number="12/PM.02/2024", ground="voters", codes=STATIONS[:2], deadline=1_733_000_000_000,
        note=ID,
    ),
    "revote.ordered": RevoteOrdered(
        contest="mayor", stations=STATIONS[:2], kind="psu-mk", day="2024-12-05", reason="court", basis="1/PHPU.WAKO/2025", note=ID
    ),
    "revote.withdrawn": RevoteWithdrawn(order=ID, reason="court", basis="2/PHPU.WAKO/2025", note=ID),
    "tally.attested": TallyAttested(
        contest="mayor", station=STATIONS[0], round=0, event=ID, photos=(PHOTO,), figures=(0, 999_999, None, "x", "-", 1), note=ID
    ),
    "tally.corrected": corrected(
        STATIONS[0], [ID, ID[::-1]], (0, 999_999, None, "x", "-", 1), photos=(PHOTO,), crew=7, agents=("signed", "absent"),
        basis="12/BA/2024", note=ID,
    ),
    "tally.held": TallyHeld(contest="mayor", station=STATIONS[0], round=0, reason="r", basis="No. 1", note=ID),
    "tally.released": TallyReleased(contest="mayor", station=STATIONS[0], round=0, reason="r", basis="No. 1", note=ID),
    "tally.submitted": submitted(STATIONS[0], GOOD, photos=(PHOTO, PHOTO), crew=0, agents=("refused",)),
    "tally.withdrawn": TallyWithdrawn(
        contest="mayor", station=STATIONS[0], round=0, withdraws=(ID, ID[::-1]), reason="wrong-station", basis="No. 1", note=ID
    ),
    "vote.postponed": VotePostponed(
        contest="mayor", stations=STATIONS[:2], kind="psl", until="2024-12-01", reason="flood", basis="13/BA/2024", note=ID
    ),
}  # fmt: skip


@lru_cache
def events_of(name: str) -> st.SearchStrategy[EventData]:
    """Any data of the event type."""
    return _of(DATA_TYPES[name])


def _of(kind: typing.Any) -> st.SearchStrategy[typing.Any]:
    """Values of a type: structures field by field, the others with the limits that their annotations set."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        hints = typing.get_type_hints(kind, include_extras=True)
        return st.builds(kind, **{name: _of(hint) for name, hint in hints.items()})
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        inner, meta = typing.get_args(kind)
        return _limited(inner, meta)
    if origin is typing.Literal:
        return st.sampled_from(typing.get_args(kind))
    if origin is tuple:
        return st.lists(_of(typing.get_args(kind)[0]), max_size=3).map(tuple)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([_of(part) for part in typing.get_args(kind)])
    if kind is type(None):
        return st.none()
    if kind is UnsetType:
        return st.just(msgspec.UNSET)
    if kind is str:
        return st.text(st.characters(codec="utf-8"), max_size=9)
    raise TypeError(kind)


def _limited(inner: typing.Any, meta: Meta) -> st.SearchStrategy[typing.Any]:
    if inner is int:
        top = meta.le if meta.le is not None else None if meta.lt is None else meta.lt - 1
        return st.integers(meta.ge, top) | st.sampled_from([meta.ge, top])
    if inner is str:
        return st.from_regex(meta.pattern, fullmatch=True, alphabet=st.characters(codec="utf-8"))
    if inner is bytes:
        return st.binary(min_size=meta.min_length or 0, max_size=meta.max_length)
    if typing.get_origin(inner) is tuple:
        low = meta.min_length or 0
        return st.lists(_of(typing.get_args(inner)[0]), min_size=low, max_size=max(low, min(3, meta.max_length))).map(tuple)
    raise TypeError(inner)
