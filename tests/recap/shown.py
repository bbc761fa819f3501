"""A governed season as the read side sees it: the projection of any prefix of its log, and its entries."""

from __future__ import annotations

from functools import cache

from ledger.recap.replay import replay
from ledger.tally.memory import Memory
from ledger.tally.signing import key_id, reopen_entry

from ..governed import Governed, GovernedLog, whole_season


@cache
def season() -> GovernedLog:
    """One whole season; nobody appends to it."""
    return whole_season(Governed())


@cache
def state_at(size: int) -> Memory:
    """Its projection after so many entries, totals included."""
    return replay(season().entries[:size])


def read(index: int) -> bytes:
    """An entry's bytes."""
    return season().entries[index]


def size() -> int:
    """Of the whole log."""
    return len(season().entries)


def first(type_: str, *, nth: int = 0) -> int:
    """The index of the first (or nth) event of a type."""
    found = [index for index, data in enumerate(season().entries) if reopen_entry(data).event.type == type_]
    return found[nth]


def key_of(name: str) -> str:
    """The key id of one of the season's people."""
    return key_id(season().world.key(name).point).hex()
