"""The fold's state in dictionaries: for replay and audit, and for tests."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeVar

from ledger.tally.recaps import RECAPS, Recaps
from ledger.tally.state import SLOTS, Change, Table

__all__ = ["Memory"]

R = TypeVar("R")


class Memory:
    """A view whose rows are all at hand.  Nothing is ever removed."""

    def __init__(self) -> None:
        self._rows: defaultdict[Table[Any], Any] = defaultdict(dict)
        self._ordered: dict[Table[Any], list[bytes]] = {}
        self._recaps = self._rows[RECAPS] = Recaps(self)  # answers ``get`` as a dictionary does

    def get(self, table: Table[R], key: bytes, /) -> R | None:
        """The row, or None."""
        return self._rows[table].get(key)  # type: ignore[no-any-return]

    def put(self, table: Table[R], key: bytes, row: R) -> None:
        """Sets a row."""
        if table is SLOTS:
            self._recaps.changed(key, new=key not in self._rows[table])
        self._rows[table][key] = row

    def apply(self, change: Change) -> None:
        """Puts a decision's rows."""
        for slot in change.slots:
            self._recaps.changed(slot.key, new=slot.before is None)
        for table, key, row in change.puts:
            self._rows[table][key] = row

    def under(self, table: Table[R], prefix: bytes = b"") -> Iterator[tuple[bytes, R]]:
        """All rows whose key begins with ``prefix``, in key order."""
        rows = self._rows[table]
        ordered = self._ordered.get(table, [])
        if len(ordered) != len(rows):  # no row is ever removed: as many keys are the same keys, and new ones are the last
            ordered = [*ordered, *islice(reversed(rows), len(rows) - len(ordered))]
            ordered.sort()  # quick where most of it is in order
            self._ordered[table] = ordered
        for at in range(bisect_left(ordered, prefix), len(ordered)):
            key = ordered[at]
            if not key.startswith(prefix):
                return
            yield key, rows[key]
