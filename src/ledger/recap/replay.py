"""Replay: the projection made again from the entries alone, and compared byte for byte with the one that stands.

``replay`` folds a prefix of the log in memory with the very functions that intake decides with; the signatures were checked when
the entries came in, and are the auditor's business.  Time travel (``--at``) is a replay of a prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from sqlalchemy import Connection

from ledger.errors import Broken, LedgerError
from ledger.store.engine import Database
from ledger.store.entries import lock_head, read_entries, read_head
from ledger.store.rows import clear_projection, projection_rows, put_rows
from ledger.tally.fold import decide, uncollected
from ledger.tally.memory import Memory
from ledger.tally.projection import PROJECTION, SUMS, digest, sums_key, trace
from ledger.tally.rollup import roll_up
from ledger.tally.signing import reopen_entry
from ledger.tally.state import At, Change

__all__ = ["Replayed", "rebuild", "replay", "replay_store"]

PROGRESS_ENTRIES: Final = 1_000


class Replayed(NamedTuple):
    """A replay beside what stands: both digests and, where they differ, the first tables and keys that do."""

    size: int
    digest: str
    standing: str
    differences: tuple[str, ...]


def replay(entries: Iterable[bytes], *, progress: Callable[[int], None] | None = None) -> Memory:
    """The projection after ``entries`` (a prefix of a log, from entry 0): the fold's state, versions and totals.

    Raises ``Broken`` ``entry-not-foldable`` with the index where an entry could never have been appended.
    """
    memory = Memory()
    with uncollected():
        for index, data in enumerate(entries):
            try:
                entry = reopen_entry(data)
                if entry.index != index:
                    raise Broken("entry-not-foldable", "an entry stands in another's place", index=index)
                change = decide(memory, entry.event, At(index, entry.sequenced_at))
            except LedgerError as problem:
                raise Broken("entry-not-foldable", str(problem), index=index) from problem
            if not isinstance(change, Change):
                raise Broken("entry-not-foldable", str(change), index=index)
            memory.apply(change)
            for table, key, row in trace(index, change):
                memory.put(table, key, row)
            if progress is not None and index % PROGRESS_ENTRIES == 0:
                progress(index)
        for (contest, area), sums in roll_up(memory).items():
            memory.put(SUMS, sums_key(contest, area), sums)
    return memory


def _encoded(memory: Memory) -> Iterator[tuple[str, bytes, bytes]]:
    for table in PROJECTION:
        for key, row in memory.under(table):
            yield table.name, key, table.encode(row)


def replay_store(database: Database, *, progress: Callable[[int], None] | None = None) -> Replayed:
    """Replays a store's whole log and compares with its projection; changes nothing."""
    with database.reading() as connection:
        size = read_head(connection).size
        memory = replay(_entries(connection, size), progress=progress)
        made = digest(_encoded(memory))
        standing = digest(projection_rows(connection))
        differences = () if made == standing else tuple(_differences(memory, connection))
    return Replayed(size, made, standing, differences)


def rebuild(database: Database, *, progress: Callable[[int], None] | None = None) -> Replayed:
    """Replays, and puts the result in the place of the projection, under the head's lock."""
    with database.writing(long=True) as connection:
        size = lock_head(connection).size
        memory = replay(_entries(connection, size), progress=progress)
        standing = digest(projection_rows(connection))
        clear_projection(connection)
        for table in PROJECTION:
            put_rows(connection, table.name, ((key, table.encode(row)) for key, row in memory.under(table)))
        made = digest(projection_rows(connection))
    return Replayed(size, made, standing, ())


def _entries(connection: Connection, size: int) -> Iterator[bytes]:
    return (row.entry for row in read_entries(connection, 0, size))


DIFFERENCES_SHOWN: Final = 20


def _differences(memory: Memory, connection: Connection) -> Iterator[str]:
    """``table key``: of rows that only one side has or that differ; the first 20."""
    made = {(name, key): row for name, key, row in _encoded(memory)}
    shown = 0
    for name, key, row in projection_rows(connection):
        if made.pop((name, key), None) != row:
            yield f"{name} {key.decode(errors='backslashreplace')}"
            shown += 1
            if shown == DIFFERENCES_SHOWN:
                return
    for name, key in list(made)[: DIFFERENCES_SHOWN - shown]:
        yield f"{name} {key.decode(errors='backslashreplace')}"
