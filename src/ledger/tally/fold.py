"""The fold: one event over a state.  Intake, replay and audit decide with these functions, each over its own view.

``needs`` and ``more`` name the rows that a decision reads, so that a store can load them for a whole batch at once; ``decide`` is
pure and serial, reads only those rows (a test's view refuses others), writes nothing, and has three answers:

- a ``Change``: appended.  With a void code it moves its stream and stands nowhere (what it lacked depended on others' acts);
- ``Refused``: not appended, ever: what the device could have known alone;
- ``Waiting``: not appended now: the same bytes may be sent again.

To add an event type, see docs/ARCHITECTURE.md, section "Adding an event type"; a test holds that list.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ledger.errors import Refused, Waiting
from ledger.tally.acts import amendments, keys, matters, plenaries, rekeying, revotes, setup, tallies
from ledger.tally.acts.approvals import approving, pend
from ledger.tally.acts.case import Act, Case, Digits, check_power, void
from ledger.tally.events import (
    Approved,
    CandidateChanged,
    ContestsListed,
    ElectionAmended,
    ElectionOpened,
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
)
from ledger.tally.rows import Election, Key, Stream
from ledger.tally.signing import Opened
from ledger.tally.state import ELECTION, KEYS, SINGLE, STREAMS, At, Change, Need, View

__all__ = ["ACTS", "decide", "more", "needs", "uncollected"]

_PROPOSED: Final[dict[type[EventData], Act]] = {
    ElectionAmended: amendments.ELECTION_AMENDED,
    LogRekeyed: rekeying.LOG_REKEYED,
    FormsDefined: setup.FORMS_DEFINED,
    ContestsListed: setup.CONTESTS_LISTED,
    CandidateChanged: amendments.CANDIDATE_CHANGED,
    JurisdictionsListed: setup.JURISDICTIONS_LISTED,
    JurisdictionsAmended: amendments.JURISDICTIONS_AMENDED,
    KeysEnrolled: keys.KEYS_ENROLLED,
    KeyRotated: keys.KEY_ROTATED,
    KeyRevoked: keys.KEY_REVOKED,
    TallySubmitted: tallies.TALLY_SUBMITTED,
    TallyCorrected: tallies.TALLY_CORRECTED,
    TallyWithdrawn: tallies.TALLY_WITHDRAWN,
    TallyHeld: tallies.TALLY_HELD,
    TallyReleased: tallies.TALLY_RELEASED,
    TallyAttested: matters.TALLY_ATTESTED,
    FindingExplained: tallies.FINDING_EXPLAINED,
    RecapRead: plenaries.RECAP_READ,
    RecapCertified: plenaries.RECAP_CERTIFIED,
    RecapReopened: plenaries.RECAP_REOPENED,
    RecapSealed: plenaries.RECAP_SEALED,
    ObjectionRaised: matters.OBJECTION_RAISED,
    ObjectionSettled: matters.OBJECTION_SETTLED,
    RecommendationIssued: matters.RECOMMENDATION_ISSUED,
    RecommendationAnswered: matters.RECOMMENDATION_ANSWERED,
    IncidentRecorded: matters.INCIDENT_RECORDED,
    VotePostponed: revotes.VOTE_POSTPONED,
    RevoteOrdered: revotes.REVOTE_ORDERED,
    RevoteWithdrawn: revotes.REVOTE_WITHDRAWN,
}

ACTS: Final[dict[type[EventData], Act]] = {**_PROPOSED, Approved: approving(_PROPOSED)}
"""Every event type but ``election.opened``, which has no state to stand on and is decided by ``setup.open_election``."""


@contextmanager
def uncollected() -> Iterator[None]:
    """The garbage collector is off meanwhile: rows are immutable and without cycles, and looking for cycles costs a good part of a
    fold over many entries."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def needs(event: Opened, digits: Digits) -> tuple[Need, ...]:
    """The rows that a decision on ``event`` may read, from the event alone; ``digits``: the code lengths of the election's levels
    (fixed by entry 0), empty before it is opened."""
    act = ACTS.get(type(event.data))
    common: tuple[Need, ...] = ((ELECTION, SINGLE), (KEYS, event.key), (STREAMS, event.key))
    return common if act is None else common + act.needs(event.data, digits)


def more(view: View, event: Opened) -> Iterator[tuple[Need, ...]]:
    """The rows that show only once the first are there, round by round, each to be loaded before the next is asked for: none for
    most acts, one round for some, and one more inside an approval."""
    act = ACTS.get(type(event.data))
    if act is not None:
        yield from act.more(view, event)


def decide(view: View, event: Opened, at: At) -> Change | Refused | Waiting:
    """What ``event`` does at ``at``.  1 the election, 2 the key, 3 its revocation, 4 its stream, 5 its
    validity, 6 its role and what the election gives it, 7 the act, 8 whether that waits for a second seat."""
    try:
        return _decide(view, event, at)
    except (Refused, Waiting) as answer:
        return answer


def _decide(view: View, event: Opened, at: At) -> Change:
    election = view.get(ELECTION, SINGLE)
    if isinstance(event.data, ElectionOpened):  # 1
        if election is not None:
            raise Refused("already-opened", "a ledger is opened once")
        return _move_stream(event, setup.open_election(event, event.data, at), ())
    if election is None:
        raise Refused("not-opened", "the first entry of a ledger is election.opened")
    if event.ledger != election.ledger:
        raise Refused("other-ledger", "this event was signed for another ledger")
    key = view.get(KEYS, event.key)
    if key is None:  # 2
        raise Waiting("key-unknown", "the key is not enrolled yet; send the same bytes again once it is")
    late = _is_late_evidence(key, event)  # 3
    _check_stream(view, event)  # 4
    act = ACTS[type(event.data)]
    if late:
        return _move_stream(event, void("key-revoked"), act.places(view, event.data))
    if key.valid_until and at.time > key.valid_until:  # 5
        raise Refused("key-expired", "the key was valid until an earlier time", valid_until=key.valid_until)
    return _move_stream(event, _act(view, event, act, Case(event, key, election, at)), act.places(view, event.data))


def _act(view: View, event: Opened, act: Act, case: Case) -> Change:
    if case.key.role not in act.roles:  # 6
        raise Refused("role-not-entitled", "keys of this role may not do this", role=case.key.role, type=event.type)
    check_power(case, event.data, event.type)
    change = act.decide(view, event.data, case)  # 7
    if change.void or change.second == "never":
        return change
    if change.second == "always" or _needs_second(case.election, case.key, event.type):  # 8
        return pend(event, change, case)
    return change


def _needs_second(election: Election, key: Key, name: str) -> bool:
    """What the election makes wait for a second seat; an operator's acts on the own form never do."""
    return key.role != "operator" and name in election.now.second_seats


def _check_stream(view: View, event: Opened) -> None:
    """A device signs one stream, never a second branch: each event names the one before and takes the next position."""
    stream = view.get(STREAMS, event.key)
    position, previous = (0, None) if stream is None else (stream.position, stream.previous)
    if event.position > position:
        raise Waiting("stream-gap", "an earlier event of this key has not arrived", position=event.position, next=position)
    if event.position < position:
        raise Refused("stream-position", "this position of the key's stream is taken", position=event.position)
    if event.previous != previous:
        raise Refused("stream-previous", "the event before this one in the key's stream is another", position=event.position)


def _is_late_evidence(key: Key, event: Opened) -> bool:
    """Whether a revoked key's event comes in as void: up to the last good position that the revocation named.  Refused beyond,
    whatever came before it: waiting for what will never come would wedge the device's queue."""
    if key.after and not key.revoked:
        raise Refused("key-retired", "the key's seat passed to another by rotation", seat=key.seat)
    for revocation in key.revoked:
        if any(event.position <= position for position in revocation.last_good):
            return True
        raise Refused("key-revoked", "the key was revoked; an officer enters an honest late form", entry=revocation.index)
    return False


def _move_stream(event: Opened, change: Change, places: tuple[bytes, ...]) -> Change:
    stream = (STREAMS, event.key, Stream(event.position + 1, event.event_id))
    return Change((*change.puts, stream), change.slots, change.void, change.second, change.pending, places)
