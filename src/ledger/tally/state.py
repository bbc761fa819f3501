"""What the fold knows: tables of rows, and the two things that pass between a decision and its state (docs/ARCHITECTURE.md).

A *table* maps keys to immutable rows (``ledger.tally.rows``); key and row have canonical bytes, so any store can keep them and any
two stores can be compared byte for byte.  A *view* answers ``get(table, key)`` and ``under(table, prefix)``: here ``Memory``
(replay, audit), in ``ledger.store`` the ``Batch``.  A decision reads a view and returns a ``Change``; it never writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import Struct

from ledger.tally.canonical import encode
from ledger.tally.forms import FormDefinition
from ledger.tally.rows import (
    Area,
    Attestation,
    CandidateChange,
    Certificate,
    Contest,
    Election,
    Explanation,
    Incident,
    Key,
    Objection,
    Pending,
    Recommendation,
    Revote,
    Seal,
    Slot,
    Stream,
    VotersOf,
)
from ledger.tally.rules import CompiledForm, compile_form

__all__ = [
    "AREAS",
    "ATTESTATIONS",
    "CANDIDATES",
    "CERTIFICATES",
    "CONTESTS",
    "ELECTION",
    "EXPLANATIONS",
    "FORMS",
    "INCIDENTS",
    "KEYS",
    "OBJECTIONS",
    "PENDING",
    "RECOMMENDATIONS",
    "REVOTES",
    "SEALS",
    "SEATS",
    "SINGLE",
    "SLOTS",
    "STREAMS",
    "TABLES",
    "VOTERS",
    "At",
    "Change",
    "Need",
    "Range",
    "Reader",
    "SlotChange",
    "Table",
    "View",
    "area_key",
    "area_place",
    "area_prefix",
    "attestation_key",
    "candidate_key",
    "explanation_key",
    "form_key",
    "seat_key",
    "slot_key",
    "slot_parts",
]

# --- tables ------------------------------------------------------------------------------------------------------------------

R = TypeVar("R")


class Table(Generic[R]):
    """A named table.  ``encode`` and ``decode`` are each other's inverse over the rows' canonical bytes; keys are bytes."""

    __slots__ = ("decode", "encode", "name")

    def __init__(self, name: str, encode_row: Callable[[R], bytes], decode_row: Callable[[bytes], R]) -> None:
        self.name: Final = name
        self.encode: Final = encode_row
        self.decode: Final = decode_row

    def __repr__(self) -> str:
        return f"Table({self.name})"


_encode_row: Final = msgspec.msgpack.Encoder(order="sorted").encode


def _table(name: str, row: type[R]) -> Table[R]:
    return Table(name, _encode_row, msgspec.msgpack.Decoder(row).decode)


def _form_table() -> Table[CompiledForm]:
    decoder = msgspec.msgpack.Decoder(FormDefinition)

    @lru_cache(maxsize=64)  # a form is compiled once a process, not once a batch
    def decode(data: bytes) -> CompiledForm:
        return compile_form(decoder.decode(data))

    return Table("forms", lambda compiled: encode(compiled.form), decode)


def _encode_election(row: Election) -> bytes:
    """Without ``rekeyed`` where the log has its first key: the bytes that a store had before the log could be rekeyed."""
    return _encode_row(row if row.rekeyed else (row.ledger, row.opened, row.now))


ELECTION: Final = Table("election", _encode_election, msgspec.msgpack.Decoder(Election).decode)
FORMS: Final = _form_table()
CONTESTS: Final = _table("contests", Contest)
CANDIDATES: Final = _table("candidates", CandidateChange)
AREAS: Final = _table("areas", Area)
VOTERS: Final = _table("voters", VotersOf)
KEYS: Final = _table("keys", Key)
SEATS: Final = _table("seats", bytes)
STREAMS: Final = _table("streams", Stream)
PENDING: Final = _table("pending", Pending)
SLOTS: Final = _table("slots", Slot)
ATTESTATIONS: Final = _table("attestations", Attestation)
EXPLANATIONS: Final = _table("explanations", Explanation)
CERTIFICATES: Final = _table("certificates", Certificate)
OBJECTIONS: Final = _table("objections", Objection)
RECOMMENDATIONS: Final = _table("recommendations", Recommendation)
REVOTES: Final = _table("revotes", Revote)
INCIDENTS: Final = _table("incidents", Incident)
SEALS: Final = _table("seals", Seal)

TABLES: Final[tuple[Table[Any], ...]] = (
    ELECTION,
    FORMS,
    CONTESTS,
    CANDIDATES,
    AREAS,
    VOTERS,
    KEYS,
    SEATS,
    STREAMS,
    PENDING,
    SLOTS,
    ATTESTATIONS,
    EXPLANATIONS,
    CERTIFICATES,
    OBJECTIONS,
    RECOMMENDATIONS,
    REVOTES,
    INCIDENTS,
    SEALS,
)
"""In the order of the projection's digest."""

SINGLE: Final = b""
"""The key of a table with one row."""


def form_key(code: str, version: int) -> bytes:
    """A form definition's key."""
    return f"{code}/{version}".encode()


def seat_key(role: str, scope: str, seat: str) -> bytes:
    """A seat's key: its live key's point stands there."""
    return f"{role}/{scope}/{seat}".encode()


def slot_key(contest: str, station: str, round_: int) -> bytes:
    """A slot's key.  Keys of one contest and area are neighbours, since a station's code begins with its areas' codes."""
    return f"{contest}/{station}/{round_}".encode()


def slot_parts(key: bytes) -> tuple[str, str, int]:
    """Contest, station and round of a slot's key."""
    contest, station, round_ = key.decode().split("/")
    return contest, station, int(round_)


def area_key(contest: str, area: str) -> bytes:
    """The key of what belongs to a contest and area: a total, a certificate, a station's voters."""
    return f"{contest}/{area}".encode()


area_prefix = area_key
"""What the keys of all slots (certificates, ...) of a contest below an area begin with."""


def area_place(contest: str, area: str) -> bytes:
    """Where the history of an area is kept, beside its stations' slots; ``contest`` '' for acts of no contest."""
    return f"{contest or '*'}/{area}/-".encode()


def candidate_key(contest: str, number: int) -> bytes:
    """A candidate's key."""
    return f"{contest}/{number:02}".encode()


def attestation_key(slot: bytes, role: str, scope: str, seat: str) -> bytes:
    """The key of what one attester says of a slot's tally."""
    return b"/".join((slot, seat_key(role, scope, seat)))


def explanation_key(slot: bytes, code: str) -> bytes:
    """The key of a finding's explanation."""
    return b"/".join((slot, code.encode()))


# --- what passes between decision and state ------------------------------------------------------------------------------------


class At(Struct, frozen=True, gc=False):
    """Where an event would stand: its index in the log and its time of sequencing (ms since 1970)."""

    index: int
    time: int


class SlotChange(NamedTuple):
    """A slot before and after; before is None where the slot is made."""

    key: bytes
    before: Slot | None
    after: Slot


class Change(NamedTuple):
    """A decision's effect.

    ``puts``: rows to put; ``slots``: the slots among them with what they were.  ``void``: the code of an event that took no effect.
    ``second``: whether it needs a second seat: as the election says, always, or never.  ``pending``: it was put down to be
    approved. ``places``: whose history it belongs to (keys of slots, or ``area_place``).
    """

    puts: tuple[tuple[Table[Any], bytes, Any], ...]
    slots: tuple[SlotChange, ...]
    void: str
    second: Literal["as-said", "always", "never"] = "as-said"
    pending: bool = False
    places: tuple[bytes, ...] = ()


class Range(NamedTuple):
    """All rows of a table whose keys begin with ``prefix``."""

    table: Table[Any]
    prefix: bytes


Need = tuple[Table[Any], bytes] | Range
"""A row that a decision may read, or a range of rows."""


class View(Protocol):
    """The state that a decision reads."""

    def get(self, table: Table[R], key: bytes, /) -> R | None:
        """The row, or None."""

    def under(self, table: Table[R], prefix: bytes = b"") -> Iterator[tuple[bytes, R]]:
        """All rows whose key begins with ``prefix``, in key order."""


Reader = View
"""A state that is walked: what the read side and the pages are made from."""
