"""Who may act: enrolment, rotation and revocation of keys, and the second seat's approval."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ledger.tally.canonical import Code, Digest, Point, SignatureBytes, Uint
from ledger.tally.eventdata.words import KEYS_MAX, AreaCode, Map, Note, Role, Row, Seat

__all__ = ["Approved", "KeyRevoked", "KeyRotated", "KeyRow", "KeysEnrolled"]


class KeyRow(Row, frozen=True):
    """A key: its point, role, scope, seat, the time until which it is valid (ms since 1970; 0: no end), and its proof of
    possession (one signature; none for operators, whose first event is their proof)."""

    point: Point
    role: Role
    scope: AreaCode
    seat: Seat
    valid_until: Uint
    proof: Annotated[tuple[SignatureBytes, ...], Meta(max_length=1)]


class KeysEnrolled(Map, frozen=True):
    """Up to 200 keys, one signature."""

    keys: Annotated[tuple[KeyRow, ...], Meta(min_length=1, max_length=KEYS_MAX)]


class KeyRotated(Map, frozen=True):
    """The signing key's seat (named in ``seat``) passes to the key ``point``, and the signing key acts no more.  ``proof``: the new
    key's signature over the rotation string."""

    point: Point
    seat: Seat
    proof: SignatureBytes
    reason: Code


class KeyRevoked(Map, frozen=True):
    """A key (and all its successors) acts no more.  ``last_good``: positions up to it may still come in, as void evidence;
    ``suspect_since``: the log index from which views mark the key's acts."""

    key: Point
    reason: Code
    suspect_since: Uint | UnsetType = UNSET
    last_good: Uint | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class Approved(Map, frozen=True):
    """The second seat's word: the named event takes effect by this one, decided afresh here."""

    event: Digest
