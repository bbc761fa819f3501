"""The keys: who enrolled which, for whom, when, and what became of them.

A key that was enrolled after the polls opened is marked so, a station's key that one registrar's seat replaced alone until another
looked at it, and a key whose revocation says since when it is suspect.  Marks remove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ledger.errors import BadInput
from ledger.recap.entries import enrolled_late, entry_at
from ledger.recap.places import EntryReader
from ledger.tally.rows import Key
from ledger.tally.signing import key_id
from ledger.tally.state import KEYS, STREAMS, Reader

__all__ = ["KeyView", "find_key", "key_view", "keys_of"]

ID_DIGITS_MIN = 4
"""Hex digits of a key id that must be named at least."""


class KeyView(Struct, frozen=True):
    """A key.  ``state``: ``live``, ``rotated`` (its seat passed on), ``revoked``.  ``acts``: events in the log.

    ``enrolled``: the entry, ``enrolled_at`` its time; ``by``: the seat of the registrar ('' for keys of entry 0).  ``late``:
    enrolled after the polls opened.  ``alone``: replaced by one seat alone, not yet looked at.  ``valid_until`` 0 and
    ``suspect_since`` -1 for none.  ``before``, ``after``: ids of the keys that had its seat and have it now, by rotation.
    """

    key: str
    role: str
    scope: str
    seat: str
    state: str
    by: str
    enrolled: int
    enrolled_at: int
    late: bool
    alone: bool
    valid_until: int
    revoked: int
    revoked_reason: str
    suspect_since: int
    last_good: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    roles: tuple[str, ...]
    acts: int


def key_view(state: Reader, point: bytes, read: EntryReader, times: dict[int, int] | None = None) -> KeyView:
    """A key for people.  ``times``: times of entries that were read before."""
    key = state.get(KEYS, point)
    if key is None:
        raise BadInput("key-not-found", "no key of this id is enrolled", key=key_id(point).hex())
    stream = state.get(STREAMS, point)
    revocation = key.revoked[0] if key.revoked else None
    known = {} if times is None else times
    if key.enrolled not in known:
        known[key.enrolled] = entry_at(read, key.enrolled).sequenced_at
    enrolled_at = known[key.enrolled]
    return KeyView(
        key_id(point).hex(),
        key.role,
        key.scope,
        key.seat,
        _state(key),
        key.by,
        key.enrolled,
        enrolled_at,
        enrolled_late(state, read, key, known),
        bool(key.alone),
        key.valid_until,
        revocation.index if revocation else 0,
        revocation.reason if revocation else "",
        next(iter(revocation.suspect_since), -1) if revocation else -1,
        next(iter(revocation.last_good), -1) if revocation else -1,
        tuple(key_id(each).hex() for each in key.before),
        tuple(key_id(each).hex() for each in key.after),
        key.roles,
        stream.position if stream is not None else 0,
    )


def _state(key: Key) -> str:
    if key.revoked:
        return "revoked"
    return "rotated" if key.after else "live"


def keys_of(
    state: Reader, read: EntryReader, *, role: str | None = None, area: str = "", marked: bool = False
) -> Iterator[KeyView]:
    """Keys of a role whose scope lies in ``area``, by role, scope and seat; with ``marked`` those alone of which something is to be
    known: late, alone, rotated, revoked.  Reads each entry that enrolled keys once."""
    found = [
        (key.role, key.scope, key.seat, key.enrolled, point)
        for point, key in state.under(KEYS)
        if role in (None, key.role) and key.scope.startswith(area)
    ]
    times: dict[int, int] = {}
    for *_, point in sorted(found):
        view = key_view(state, point, read, times)
        if not marked or view.late or view.alone or view.state != "live":
            yield view


def find_key(state: Reader, said: str) -> bytes:
    """The point of a key by its id or the beginning of it.  ``BadInput`` ``key-not-found``, ``key-ambiguous``."""
    typed = said.lower()
    if len(typed) < ID_DIGITS_MIN or not set(typed) <= set("0123456789abcdef"):
        raise BadInput("key-not-found", f"a key id is hex, {ID_DIGITS_MIN} digits at least", key=said)
    found = [point for point, _ in state.under(KEYS) if key_id(point).hex().startswith(typed)]
    if not found:
        raise BadInput("key-not-found", "no key of this id is enrolled", key=said)
    if len(found) > 1:
        raise BadInput("key-ambiguous", "more than one key id begins so", key=said, found=len(found))
    return found[0]
