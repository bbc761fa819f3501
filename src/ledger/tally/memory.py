"""The fold's state in dictionaries: for replay and audit, and for tests."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, TypeVar

from ledger.tally.recaps import RECAPS, Recaps
from ledger.tally.state import SLOTS, Change, Table

__all__ = ["Memory"]

R = TypeVar("R")


class Memory:
    """A view whose rows are all at hand.  Nothing is ever removed."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, dict[bytes, Any]] = defaultdict(dict)
        self._ordered: dict[str, list[bytes]] = {}
        self._recaps = Recaps(self)

    def get(self, table: Table[R], key: bytes, /) -> R | None:
        """The row, or None."""
        if table is RECAPS:
            return self._recaps.get(key)  # type: ignore[return-value]
        return self._rows[table.name].get(key)

    def put(self, table: Table[R], key: bytes, row: R) -> None:
        """Sets a row."""
        if table is SLOTS:
            self._recaps.changed(key, new=key not in self._rows[table.name])
        self._rows[table.name][key] = row

    def apply(self, change: Change) -> None:
        """Puts a decision's rows."""
        for slot in change.slots:
            self._recaps.changed(slot.key, new=slot.before is None)
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
