"""What is kept beside the log so that reading is quick: all of it can be dropped and replayed (design.md section 9).

The projection is the fold's state (``state.TABLES``), the totals of every area and the versions of every tally.  ``digest`` is how
two projections are compared: byte for byte, whatever store holds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from ledger.tally.rollup import Sums
from ledger.tally.state import TABLES, Change, Table, area_key

__all__ = [
    "PENDING_WORD",
    "PROJECTION",
    "SUMS",
    "VERSIONS",
    "VOIDS",
    "digest",
    "sums_key",
    "trace",
    "version_index",
    "version_prefix",
]

_encode: Final = msgspec.msgpack.Encoder().encode

SUMS: Final[Table[Sums]] = Table("sums", _encode, msgspec.msgpack.Decoder(Sums).decode)
"""(contest, area) -> the total."""

VERSIONS: Final[Table[str]] = Table("versions", _encode, msgspec.msgpack.Decoder(str).decode)
"""(slot or area, index) -> the void code, '' where the event took effect, or PENDING_WORD where it waits for a second seat: every
event that named the slot or the area, late ones included."""

PENDING_WORD: Final = "pending"

VOIDS: Final[Table[str]] = Table("voids", _encode, msgspec.msgpack.Decoder(str).decode)
"""index -> the void code of an entry that stands nowhere."""

PROJECTION: Final[tuple[Table[Any], ...]] = (*TABLES, SUMS, VERSIONS, VOIDS)
"""Every table that replay drops and rebuilds, in the order of the digest."""


sums_key = area_key
"""A total's key."""


def version_prefix(slot: bytes) -> bytes:
    """What the keys of a slot's versions begin with."""
    return slot + b"/"


def version_index(key: bytes) -> int:
    """The log index in a version's key."""
    return int.from_bytes(key[-8:])


def trace(index: int, change: Change) -> Iterator[tuple[Table[Any], bytes, Any]]:
    """The rows of VERSIONS and VOIDS that an appended event adds."""
    word = change.void or (PENDING_WORD if change.pending else "")
    for place in change.places:
        yield VERSIONS, version_prefix(place) + index.to_bytes(8), word
    if change.void:
        yield VOIDS, index.to_bytes(8), change.void


def digest(rows: Iterable[tuple[str, bytes, bytes]]) -> str:
    """SHA-256 in hex over (table name, key, row bytes) of every projection row: tables in PROJECTION's order, keys ascending."""
    hasher = hashlib.sha256()
    for name, key, row in rows:
        hasher.update(_encode((name, key, row)))
    return hasher.hexdigest()
