"""The log's own rows: head, entries, and the tiles of the tree over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct
from sqlalchemy import Connection, and_, bindparam, insert, select, update

from ledger.errors import Broken, Moved
from ledger.proof.merkle import Frontier, Tiles, subtree_root
from ledger.proof.tiles import TILE_WIDTH
from ledger.store.schema import ENTRIES, HEAD, SUBTREES

__all__ = [
    "Head",
    "StoredEntry",
    "find_events",
    "first_head",
    "lock_head",
    "read_entries",
    "read_head",
    "tile_reader",
    "write_entries",
]

READ_BATCH_ENTRIES: Final = 1_024
_GENESIS_CHAIN: Final = bytes(32)


class Head(NamedTuple):
    """Where the log stands: tree size, leaf hash of the last entry (32 zero bytes before the first), compact range, time of the
    last sequencing (ms) and the signed checkpoint (b'' before the first entry)."""

    size: int
    chain: bytes
    frontier: Frontier
    sequenced_at: int
    checkpoint: bytes


class StoredEntry(Struct, frozen=True, gc=False):
    """A row of the log."""

    index: int
    event_id: bytes
    leaf: bytes
    entry: bytes


def first_head(connection: Connection) -> None:
    """Writes the head of an empty log; once, when a ledger is made."""
    connection.execute(insert(HEAD).values(one=1, size=0, chain=_GENESIS_CHAIN, frontier=b"", sequenced_at=0, checkpoint=b""))


def read_head(connection: Connection) -> Head:
    """The head as this transaction sees it."""
    return _head(connection.execute(select(HEAD)).first())


def lock_head(connection: Connection) -> Head:
    """The head, locked until the transaction ends: whoever appends reads everything else after this."""
    return _head(connection.execute(_LOCK).first())


def _head(row: Any) -> Head:
    if row is None:
        raise Broken("store-damaged", "the log has no head")
    return Head(row.size, row.chain, Frontier.from_bytes(row.size, row.frontier), row.sequenced_at, row.checkpoint)


# Statements of every transaction are built once: building one costs more than executing it.
_FIND: Final = select(ENTRIES.c.event_id, ENTRIES.c.idx).where(ENTRIES.c.event_id.in_(bindparam("ids", expanding=True)))
_LOCK: Final = select(HEAD).with_for_update()
_INSERT: Final = insert(ENTRIES)
_MOVE: Final = (
    update(HEAD)
    .where(and_(HEAD.c.one == 1, HEAD.c.size == bindparam("old_size"), HEAD.c.chain == bindparam("old_chain")))
    .values({name: bindparam(name) for name in ("size", "chain", "frontier", "sequenced_at", "checkpoint")})
)


def find_events(connection: Connection, event_ids: Sequence[bytes]) -> dict[bytes, int]:
    """Event id -> index, of those that are in the log."""
    rows = connection.execute(_FIND, {"ids": list(event_ids)})
    return {row.event_id: row.idx for row in rows}


def write_entries(connection: Connection, old: Head, new: Head, entries: Sequence[StoredEntry]) -> None:
    """Moves the head, appends the entries and the full subtrees that they complete.

    Raises ``Moved`` where the head is no longer ``old``: a compare-and-swap, on top of the lock, and before anything is inserted
    (an index that is taken would be told as a damaged store).
    """
    moved = connection.execute(
        _MOVE,
        {
            "old_size": old.size,
            "old_chain": old.chain,
            "size": new.size,
            "chain": new.chain,
            "frontier": new.frontier.to_bytes(),
            "sequenced_at": new.sequenced_at,
            "checkpoint": new.checkpoint,
        },
    )
    if moved.rowcount != 1:
        raise Moved("head-moved", "another writer appended first", size=old.size)
    connection.execute(
        _INSERT,
        [{"idx": row.index, "event_id": row.event_id, "leaf": row.leaf, "entry": row.entry} for row in entries],
    )
    _write_subtrees(connection, old.size, new.size)


def _write_subtrees(connection: Connection, old_size: int, new_size: int) -> None:
    """Item n of level L + 1 is the root of tile n of level L, once that tile is full."""
    tiles = tile_reader(connection)
    level = 0
    while new_size >> 8 * (level + 1):
        first, last = old_size >> 8 * (level + 1), new_size >> 8 * (level + 1)
        rows = []
        for number in range(first, last):
            tile = tiles(level, number, TILE_WIDTH)
            hashes = [tile[at : at + 32] for at in range(0, len(tile), 32)]
            rows.append({"level": level + 1, "number": number, "hash": subtree_root(hashes)})
        if rows:
            connection.execute(insert(SUBTREES), rows)
        level += 1


def tile_reader(connection: Connection) -> Tiles:
    """Reads tiles of the stored tree: ``(level, number, width)`` -> the tile's first ``width`` hashes.

    Raises ``Broken`` ``store-damaged`` where the store has fewer.
    """

    def read(level: int, number: int, width: int) -> bytes:
        first = number * TILE_WIDTH
        if level == 0:
            query = select(ENTRIES.c.leaf).where(ENTRIES.c.idx.between(first, first + width - 1)).order_by(ENTRIES.c.idx)
        else:
            query = (
                select(SUBTREES.c.hash)
                .where(SUBTREES.c.level == level, SUBTREES.c.number.between(first, first + width - 1))
                .order_by(SUBTREES.c.number)
            )
        tile = b"".join(connection.execute(query).scalars())
        if len(tile) != 32 * width:
            raise Broken("store-damaged", "hashes of the tree are missing", level=level, tile=number)
        return tile

    return read


def read_entries(connection: Connection, start: int, stop: int) -> Iterator[StoredEntry]:
    """Rows ``start`` to ``stop - 1`` in order, a bounded number in memory at a time.

    Raises ``Broken`` ``store-damaged`` at the first index that is missing.
    """
    columns = (ENTRIES.c.idx, ENTRIES.c.event_id, ENTRIES.c.leaf, ENTRIES.c.entry)
    for first in range(start, stop, READ_BATCH_ENTRIES):
        last = min(first + READ_BATCH_ENTRIES, stop)
        rows = connection.execute(
            select(*columns).where(ENTRIES.c.idx >= first, ENTRIES.c.idx < last).order_by(ENTRIES.c.idx)
        ).all()
        for expected, row in enumerate(rows, first):
            if row.idx != expected:
                raise Broken("store-damaged", "an entry is missing", index=expected)
            yield StoredEntry(*row)
        if len(rows) != last - first:
            raise Broken("store-damaged", "an entry is missing", index=first + len(rows))
