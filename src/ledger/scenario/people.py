"""Those who act in a scenario: who sits where, with which key, and what each of them signs.

An actor is a seat: role, scope, label.  ``People`` keeps one stream for each, signs and hands the event to the sender at once, and
where two seats are needed lets the second approve.  A seat that lost its key goes on with another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger.device.stream import EventStream
from ledger.scenario.founding import Founding, Sender
from ledger.tally.events import Approved, EventData, KeyRevoked, KeyRotated, KeyRow, KeysEnrolled, Role, type_of
from ledger.tally.signing import rotation_digest

__all__ = ["Actor", "People"]

Actor = tuple[Role, str, str]
"""Role, scope, seat."""


class People:
    """The actors of one election.  Every method's ``moment`` is in ms since 1970."""

    def __init__(self, founding: Founding, sender: Sender) -> None:
        self.founding = founding
        self._sender = sender
        self._streams: dict[Actor, EventStream] = {}
        self._keys: dict[Actor, int] = {}

    def seat(self, actor: Actor) -> KeyRow:
        """Gives the seat its (first or next) key, and the row that enrols it."""
        role, scope, label = actor
        number = self._keys[actor] = self._keys.get(actor, 0) + 1
        stream = self._streams[actor] = self.founding.stream(role, scope, label if number == 1 else f"{label}/{number}")
        return self.founding.key_row(role, scope, label, key=stream.key)

    def seats(self, actors: Iterable[Actor]) -> Iterator[KeyRow]:
        """The rows of many."""
        return map(self.seat, actors)

    def stream(self, actor: Actor) -> EventStream:
        """The stream of the seat's present key; of a registrar that entry 0 names, or the administrator, the founding's."""
        role, scope, label = actor
        if role == "registrar" and not scope:
            return self.founding.registrars[label]
        if actor == ("administrator", "", "admin"):
            return self.founding.administrator
        return self._streams[actor]

    # --- signing -----------------------------------------------------------------------------------------------------------------

    def sign(self, actor: Actor, data: EventData, moment: int, *, void: str = "", claimed_at: int | None = None) -> bytes:
        """Signs and sends; the event's id.  ``void``: the code with which it must come in without effect; ``claimed_at``: when it
        was signed, where that was before it could be sent."""
        return self._sign(self.stream(actor), data, moment, void=void, claimed_at=moment if claimed_at is None else claimed_at)

    def _sign(self, stream: EventStream, data: EventData, moment: int, *, void: str, claimed_at: int) -> bytes:
        signed = stream.sign(data, claimed_at=claimed_at)
        self._sender.take(type_of(data), signed.submission, moment, void=void)
        return signed.event_id

    def both(self, first: Actor, second: Actor, data: EventData, moment: int) -> bytes:
        """Proposed by one seat and approved by another at the same table; the proposal's id, under which it takes effect."""
        proposed = self.sign(first, data, moment)
        self.approve(second, proposed, moment)
        return proposed

    def approve(self, actor: Actor, event: bytes, moment: int) -> None:
        """The second seat's word."""
        self.sign(actor, Approved(event=event), moment)

    # --- keys --------------------------------------------------------------------------------------------------------------------

    def enrol(self, actors: Iterable[Actor], moment: int, *, by: tuple[str, str] | None = None) -> None:
        """Enrols new seats by the commission's registrars, or by the bodies ``by``."""
        for name, signed in self.founding.enrol(self.seats(actors), claimed_at=moment, by=by):
            self._sender.take(name, signed.submission, moment)

    def revoke(self, actor: Actor, moment: int, *, by: Actor, reason: str, last_good: int) -> None:
        """The key of a seat acts no more; what it signed up to ``last_good`` may still come in, as void."""
        self.sign(by, KeyRevoked(key=self.stream(actor).key.point, reason=reason, last_good=last_good), moment)

    def replace(self, actor: Actor, moment: int, *, by: Actor) -> bytes:
        """The next key for an operator's seat, by one registrar alone (to be reviewed); the id of the enrolment."""
        return self.sign(by, KeysEnrolled(keys=(self.seat(actor),)), moment)

    def rotate(self, actor: Actor, moment: int, *, reason: str) -> None:
        """The seat passes to a new key, by the old one's signature."""
        old = self.stream(actor)
        row = self.seat(actor)
        fresh = self._streams[actor]
        proof = fresh.key.sign(rotation_digest(self.founding.ledger, old=old.key.point, new=row.point, seat=row.seat))
        rotated = KeyRotated(point=row.point, seat=row.seat, proof=proof, reason=reason)
        self._sign(old, rotated, moment, void="", claimed_at=moment)
