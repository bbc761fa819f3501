"""What the fold knows: tables of rows, and the two things that pass between a decision and its state (docs/ARCHITECTURE.md).

A *table* maps keys to immutable rows; key and row have canonical bytes, so any store can keep them and any two stores can be
compared byte for byte.  A *view* answers ``get(table, key)``: here ``Memory`` (replay, audit), in ``ledger.store`` the ``Batch``.
A decision reads a view and returns a ``Change``; it never writes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import Struct

from ledger.tally.canonical import encode
from ledger.tally.events import Candidate, ElectionOpened, Figures, Voters
from ledger.tally.forms import FormDefinition
from ledger.tally.rules import CompiledForm, compile_form

__all__ = [
    "AREAS",
    "CONTESTS",
    "ELECTION",
    "EMPTY_SLOT",
    "FORMS",
    "KEYS",
    "SEATS",
    "SINGLE",
    "SLOTS",
    "STREAMS",
    "TABLES",
    "Area",
    "At",
    "Change",
    "Contest",
    "Election",
    "Key",
    "Memory",
    "Need",
    "Reader",
    "Revocation",
    "Row",
    "Slot",
    "SlotChange",
    "Standing",
    "State",
    "Stream",
    "Table",
    "View",
    "form_key",
    "seat_key",
    "slot_key",
    "slot_parts",
]


class Row(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """A row of state: an array in canonical MessagePack."""


# --- rows --------------------------------------------------------------------------------------------------------------------


class Election(Row, frozen=True):
    """What entry 0 said, with the ledger's id."""

    ledger: bytes
    opened: ElectionOpened


class Area(Row, frozen=True):
    """A jurisdiction of the tree: its level (index into the election's levels), and for stations zone, voters and contests."""

    name: str
    level: int
    zone: str
    voters_male: Voters
    voters_female: Voters
    contests: tuple[str, ...]


class Contest(Row, frozen=True):
    """A contest as listed."""

    name_id: str
    name_en: str
    form: str
    version: int
    area: str
    candidates: tuple[Candidate, ...]
    certifying: tuple[str, ...]
    deciding: str


class Revocation(Row, frozen=True):
    """When (log index), why, and up to which position acts still come in as void evidence; a list of none or one each."""

    index: int
    reason: str
    suspect_since: tuple[int, ...]
    last_good: tuple[int, ...]


class Key(Row, frozen=True):
    """An enrolled key.  ``roles``: what a registrar may enrol.  ``revoked``: none or one revocation."""

    role: str
    scope: str
    seat: str
    valid_until: int
    enrolled: int
    roles: tuple[str, ...]
    revoked: tuple[Revocation, ...]


class Stream(Row, frozen=True):
    """The head of a key's stream: the position that comes next, and the event id before it."""

    position: int
    previous: bytes | None


class Standing(Row, frozen=True):
    """One event that stands for a slot.  ``corrects`` is 1 where it changed figures of one before; ``broken`` the rule findings."""

    event: bytes
    index: int
    role: str
    seat: str
    corrects: int
    figures: Figures
    broken: tuple[str, ...]


class Slot(Row, frozen=True):
    """A tally's place: one (contest, station, round).

    ``seats`` holds the standing event of each operator's seat, in seat order; ``decided`` the event of an officer (or importer)
    that took their place, alone.  ``held`` is 1 while out of the totals.  ``changes`` counts the corrections that changed a number.
    """

    seats: tuple[Standing, ...]
    decided: tuple[Standing, ...]
    held: int
    changes: int

    @property
    def standing(self) -> tuple[Standing, ...]:
        """The events that stand: the decided one, or those of the seats."""
        return self.decided or self.seats

    @property
    def state(self) -> State:
        """The slot's state in the words of design and glossary."""
        standing = self.decided or self.seats
        if not standing:
            return "none"
        if self.held:
            return "held"
        if len(standing) > 1:
            first = standing[0].figures
            return "confirmed" if all(other.figures == first for other in standing) else "differing"
        return "corrected" if standing[0].corrects else "single"


State = Literal["none", "single", "confirmed", "differing", "corrected", "held"]

EMPTY_SLOT: Final = Slot((), (), 0, 0)


# --- tables ------------------------------------------------------------------------------------------------------------------

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


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


ELECTION: Final = _table("election", Election)
FORMS: Final = _form_table()
CONTESTS: Final = _table("contests", Contest)
AREAS: Final = _table("areas", Area)
KEYS: Final = _table("keys", Key)
SEATS: Final = _table("seats", bytes)
STREAMS: Final = _table("streams", Stream)
SLOTS: Final = _table("slots", Slot)

TABLES: Final[tuple[Table[Any], ...]] = (ELECTION, FORMS, CONTESTS, AREAS, KEYS, SEATS, STREAMS, SLOTS)
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
    """A decision's effect: rows to put, the slots among them with what they were, and the void code ('' where it took effect)."""

    puts: tuple[tuple[Table[Any], bytes, Any], ...]
    slots: tuple[SlotChange, ...]
    void: str


Need = tuple[Table[Any], bytes]


class View(Protocol):
    """The state that a decision reads."""

    def get(self, table: Table[R], key: bytes, /) -> R | None:
        """The row, or None."""


class Reader(View, Protocol):
    """A state that can be walked as well: what the read side and the pages are made from."""

    def under(self, table: Table[R], prefix: bytes = b"") -> Iterator[tuple[bytes, R]]:
        """All rows whose key begins with ``prefix``, in key order."""


class Memory:
    """State in dictionaries: for replay and audit, and for tests."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, dict[bytes, Any]] = defaultdict(dict)
        self._ordered: dict[str, list[bytes]] = {}

    def get(self, table: Table[R], key: bytes, /) -> R | None:
        """The row, or None."""
        return self._rows[table.name].get(key)

    def put(self, table: Table[R], key: bytes, row: R) -> None:
        """Sets a row."""
        self._rows[table.name][key] = row

    def apply(self, change: Change) -> None:
        """Puts a decision's rows."""
        for table, key, row in change.puts:
            self._rows[table.name][key] = row

    def under(self, table: Table[R], prefix: bytes = b"") -> Iterator[tuple[bytes, R]]:
        """All rows whose key begins with ``prefix``, in key order."""
        rows = self._rows[table.name]
        ordered = self._ordered.get(table.name, [])
        if len(ordered) != len(rows):  # no row is ever removed: as many keys are the same keys
            ordered = self._ordered[table.name] = sorted(rows)
        for at in range(bisect_left(ordered, prefix), len(ordered)):
            key = ordered[at]
            if not key.startswith(prefix):
                return
            yield key, rows[key]
