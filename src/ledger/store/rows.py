"""The projection's rows in SQL: ``Batch``, the view over which one batch is decided, and reading for views and digests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects import postgresql, sqlite

from ledger.store.schema import PROJECTION_TABLES
from ledger.tally.projection import PROJECTION, SUMS, sums_key
from ledger.tally.recaps import RECAPS, Recaps
from ledger.tally.rollup import Frame, Totals, add_to, carry_up, contribution, frame_of
from ledger.tally.state import Change, Need, Range, Table, slot_parts

__all__ = ["Batch", "Rows", "clear_projection", "projection_rows", "put_rows", "scan"]

R = TypeVar("R")

LOAD_KEYS: Final = 500
PUT_ROWS: Final = 1_000
READ_ROWS: Final = 2_000
_ABOVE_ASCII: Final = b"\xff"


class Rows:
    """Reads single rows and ranges of the projection; every key is asked for at most once per instance."""

    def __init__(self, connection: Connection, recaps: Recaps | None = None) -> None:
        self._connection = connection
        self._rows: dict[str, dict[bytes, Any]] = {table.name: {} for table in PROJECTION}
        self._recaps = Recaps(self, recaps)

    def get(self, table: Table[R], key: bytes, /) -> R | None:
        """The row, or None."""
        if table is RECAPS:
            return self._recaps.get(key)  # type: ignore[return-value]
        known = self._rows[table.name]
        if key not in known:
            self.load([(table, key)])
        return known[key]  # type: ignore[no-any-return]

    def load(self, needs: Iterable[Need]) -> None:
        """Fetches what is not known yet, set-wise: one statement for up to 500 keys of a table."""
        wanted: dict[str, tuple[Table[Any], dict[bytes, None]]] = {}
        for need in needs:
            if isinstance(need, Range):  # read as it is walked
                continue
            table, key = need
            if key not in self._rows[table.name]:
                wanted.setdefault(table.name, (table, {}))[1][key] = None
        for name, (table, unknown) in wanted.items():
            known = self._rows[name]
            keys = list(unknown)
            for start in range(0, len(keys), LOAD_KEYS):
                chunk = keys[start : start + LOAD_KEYS]
                known.update(dict.fromkeys(chunk))
                for key, row in self._connection.execute(_LOADERS[name], {"keys": chunk}):
                    known[key] = table.decode(row)

    def under(self, table: Table[R], prefix: bytes = b"") -> Iterator[tuple[bytes, R]]:
        """All rows whose key begins with ``prefix``, in key order."""
        for key, row in scan(self._connection, table.name, prefix):
            yield key, table.decode(row)


class Batch(Rows):
    """A view that collects what a batch of decisions changes, and writes it set-wise at the end.  ``recaps``: what the batch before
    left, where nothing was written since."""

    def __init__(self, connection: Connection, recaps: Recaps | None = None) -> None:
        super().__init__(connection, recaps)
        self._dirty: dict[str, dict[bytes, None]] = {table.name: {} for table in PROJECTION}
        self._deltas: Totals = {}
        self._frames: dict[str, Frame] = {}

    def put(self, table: Table[Any], key: bytes, row: Any) -> None:
        """Sets a row."""
        self._rows[table.name][key] = row
        self._dirty[table.name][key] = None

    def under(self, table: Table[R], prefix: bytes = b"") -> Iterator[tuple[bytes, R]]:
        """As stored, with what this batch has put by now in its place."""
        rows, dirty = self._rows[table.name], self._dirty[table.name]
        put = sorted(key for key in dirty if key.startswith(prefix))
        at = 0
        for key, row in scan(self._connection, table.name, prefix):
            while at < len(put) and put[at] < key:
                yield put[at], rows[put[at]]
                at += 1
            if at < len(put) and put[at] == key:
                yield key, rows[key]
                at += 1
            else:
                yield key, table.decode(row)
        for key in put[at:]:
            yield key, rows[key]

    def apply(self, change: Change) -> None:
        """Takes over a decision's rows and what its slots add to the totals directly above them."""
        for table, key, row in change.puts:
            self.put(table, key, row)
        for slot in change.slots:
            self._recaps.changed(slot.key, new=slot.before is None)
            code, station, _round = slot_parts(slot.key)
            frame = self._frame(code)
            above = frame.above(station)
            if above is not None:
                delta = contribution(slot.after, frame.form)
                if slot.before is not None:
                    delta = delta.minus(contribution(slot.before, frame.form))
                add_to(self._deltas, (code, above), delta)

    @property
    def recaps(self) -> Recaps:
        """For the next batch, once this one is written and committed."""
        return self._recaps

    def _frame(self, code: str) -> Frame:
        """Of a contest; never changes once the contest is listed."""
        frame = self._frames.get(code)
        if frame is None:
            frame = self._frames[code] = frame_of(self, code)
        return frame

    def flush(self) -> None:
        """Carries the collected deltas up the area tree, once per area, and writes every changed row."""
        self.carry_up()
        for table in PROJECTION:
            rows, dirty = self._rows[table.name], self._dirty[table.name]
            if not dirty:
                continue
            put_rows(self._connection, table.name, ((key, table.encode(rows[key])) for key in sorted(dirty)))
            dirty.clear()

    def carry_up(self) -> None:
        """The totals of all areas with what this batch has changed by now."""
        deltas = carry_up(self._deltas, self._frame)
        self._deltas = {}
        self.load((SUMS, sums_key(*place)) for place in deltas)
        for place, delta in deltas.items():
            key = sums_key(*place)
            before = self.get(SUMS, key)
            self.put(SUMS, key, delta if before is None else before.plus(delta))


def _loader(table: SqlTable) -> Any:
    return select(table.c.key, table.c.row).where(table.c.key.in_(bindparam("keys", expanding=True)))


_LOADERS: Final = {name: _loader(table) for name, table in PROJECTION_TABLES.items()}


def put_rows(connection: Connection, name: str, rows: Iterable[tuple[bytes, bytes]]) -> None:
    """Inserts or replaces rows of a projection table."""
    batch: list[dict[str, bytes]] = []
    for key, row in rows:
        batch.append({"key": key, "row": row})
        if len(batch) == PUT_ROWS:
            connection.execute(_upsert(connection.dialect.name, name), batch)
            batch = []
    if batch:
        connection.execute(_upsert(connection.dialect.name, name), batch)


@cache
def _upsert(dialect: str, name: str) -> Any:
    """Built once for each table: building costs more than executing a small batch."""
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(PROJECTION_TABLES[name])
    return insert.on_conflict_do_update(index_elements=["key"], set_={"row": insert.excluded.row})


def clear_projection(connection: Connection) -> None:
    """Empties every projection table."""
    for table in PROJECTION_TABLES.values():
        connection.execute(delete(table))


def scan(connection: Connection, name: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    """(key, row bytes) of a projection table in key order, keyset page by page."""
    table = PROJECTION_TABLES[name]
    query = select(table.c.key, table.c.row).order_by(table.c.key).limit(READ_ROWS)
    if prefix:
        query = query.where(table.c.key < prefix + _ABOVE_ASCII)
    page: Sequence[Any] = connection.execute(query.where(table.c.key >= prefix)).all()
    while page:
        for row in page:
            yield row.key, row.row
        if len(page) < READ_ROWS:
            return
        page = connection.execute(query.where(table.c.key > page[-1].key)).all()


def projection_rows(connection: Connection) -> Iterator[tuple[str, bytes, bytes]]:
    """(table name, key, row bytes) of the whole projection, as its digest wants it."""
    for table in PROJECTION:
        for key, row in scan(connection, table.name):
            yield table.name, key, row
