"""The part of a verification that takes the time: signatures, checked on an executor while the caller goes on.

A task gets the few bytes that a check needs (point, digest, signature) and gives back only what failed, so threads and processes
serve alike, and so does a cluster.  Events with signatures inside them (``SIGNED_INSIDE``) travel whole; there are few.  The number
of tasks in flight is bounded, so memory is too.

Left to others: what was signed (``ledger.tally.signing``), and that the bytes are in order (verify.py opens each entry before it
comes here).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Final

from msgspec import Struct

from ledger.errors import Refused
from ledger.tally.events import (
    DATA_TYPES,
    ElectionAmended,
    ElectionOpened,
    EventData,
    KeyRotated,
    KeysEnrolled,
    LogRekeyed,
)
from ledger.tally.signing import OpenedEntry, check_signature, open_entry

__all__ = ["SIGNED_INSIDE", "Invalid", "Signatures", "check_batch"]

IN_FLIGHT_LIMIT_BYTES: Final = 4_000_000
"""What waits for an executor: about 16,000 signatures, a second of work to be done while totals are rolled up."""

_CHECK_BYTES: Final = 240

Check = tuple[int, bytes, bytes, bytes]
"""An event's index, its signer's point, its id (which is what is signed), the signature."""

SIGNED_INSIDE: Final[frozenset[type[EventData]]] = frozenset(
    {ElectionAmended, ElectionOpened, KeyRotated, KeysEnrolled, LogRekeyed}
)
"""Events that hold signatures (or points that must lie on the curve) beside their own; these are opened whole.  A test holds this
set against the types, so that whoever adds an event with a signature inside is told."""

_ONE_SIGNATURE: Final = tuple(data for data in DATA_TYPES.values() if data not in SIGNED_INSIDE)


class Invalid(Struct, frozen=True):
    """An entry with a signature that does not verify."""

    index: int
    code: str
    detail: str


def check_batch(checks: Sequence[Check], whole: Sequence[tuple[int, bytes]]) -> list[Invalid]:
    """Which of these do not verify; the task that an executor runs.  ``whole``: index and bytes of entries to open."""
    invalid: list[Invalid] = []
    for index, point, digest, signature in checks:
        try:
            check_signature(point, digest, signature)
        except Refused as refusal:
            invalid.append(Invalid(index, refusal.code, refusal.detail))
    for index, entry in whole:
        try:
            open_entry(entry)
        except Refused as refusal:
            invalid.append(Invalid(index, refusal.code, refusal.detail))
    return invalid


class Signatures:
    """The checks of one verification; use as a context manager, so that none runs on after an error."""

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor
        self._in_flight: deque[tuple[int, int, Future[list[Invalid]]]] = deque()
        self._bytes_in_flight = 0
        self.checked = 0
        """Events whose signatures were checked, well or badly."""

    def __enter__(self) -> Signatures:
        return self

    def __exit__(self, *_: object) -> None:
        for _count, _bytes, future in self._in_flight:
            future.cancel()

    def add(self, opened: Sequence[OpenedEntry | None], entries: Sequence[bytes], first: int) -> Iterator[Invalid]:
        """Checks these entries, of which ``first`` is the first's index, and gives what earlier ones have yielded by now."""
        checks: list[Check] = []
        whole: list[tuple[int, bytes]] = []
        for index, (entry, data) in enumerate(zip(opened, entries, strict=True), first):
            if entry is None:
                continue
            event = entry.event
            if isinstance(event.data, _ONE_SIGNATURE):
                checks.append((index, event.key, event.event_id, event.signature))
            else:
                whole.append((index, data))
        count = len(checks) + len(whole)
        if self._executor is None:
            self.checked += count
            yield from check_batch(checks, whole)
            return
        size = _CHECK_BYTES * len(checks) + sum(len(data) for _, data in whole)
        self._in_flight.append((count, size, self._executor.submit(check_batch, checks, whole)))
        self._bytes_in_flight += size
        while self._in_flight and (self._bytes_in_flight > IN_FLIGHT_LIMIT_BYTES or self._in_flight[0][2].done()):
            yield from self._take()

    def finish(self) -> Iterator[Invalid]:
        """Waits for all that is still in flight."""
        while self._in_flight:
            yield from self._take()

    def _take(self) -> list[Invalid]:
        count, size, future = self._in_flight[0]
        invalid = future.result()
        self._in_flight.popleft()
        self._bytes_in_flight -= size
        self.checked += count
        return invalid
