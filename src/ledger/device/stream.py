"""A key's stream: each event names the one before, so that to drop one the server must silence the device from there on."""

from __future__ import annotations

from typing import NamedTuple

from ledger.tally.events import ElectionOpened, EventData
from ledger.tally.signing import SigningKey, sign_event

__all__ = ["EventStream", "Signed"]


class Signed(NamedTuple):
    """A signed event: its id, and the submission's bytes."""

    event_id: bytes
    submission: bytes


class EventStream:
    """A key and where its stream stands.  In memory; ``folder`` keeps a device's on disk."""

    __slots__ = ("key", "ledger", "position", "previous")

    def __init__(self, key: SigningKey, *, ledger: bytes, position: int = 0, previous: bytes | None = None) -> None:
        self.key = key
        self.ledger = ledger
        self.position = position
        self.previous = previous

    def sign(self, data: EventData, *, claimed_at: int) -> Signed:
        """The next event of the stream.  ``claimed_at``: ms since 1970 by the device's clock, which decides nothing."""
        opening = isinstance(data, ElectionOpened)
        submission, event_id = sign_event(
            self.key,
            data,
            ledger=None if opening else self.ledger,
            position=self.position,
            previous=self.previous,
            claimed_at=claimed_at,
        )
        self.position += 1
        self.previous = event_id
        if opening:
            self.ledger = event_id
        return Signed(event_id, submission)
