"""What a ledger's store repeats of its entries beside them: index, event id, leaf hash (part of steps 2 and 4)."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.audit.record import ENTRIES, TREE, Record
from ledger.errors import Broken
from ledger.tally.signing import OpenedEntry

__all__ = ["Columns"]


class Columns:
    """The store's rows (index, event id, leaf hash), walked beside the entries; None: the source has none."""

    def __init__(self, rows: Iterator[tuple[int, bytes, bytes]] | None, record: Record) -> None:
        self._rows = rows
        self._record = record

    def stop(self) -> None:
        """No row is compared from here on: which entry would be its own is not known."""
        self._rows = None

    def check(self, first: int, opened: list[OpenedEntry | None], leaves: list[bytes]) -> None:
        """The next entries and leaves beside the next rows."""
        for index, entry in enumerate(opened, first):
            if self._rows is None:
                return
            self._check_one(index, entry, leaves[index - first])

    def finish(self, size: int) -> None:
        """No row beyond the log's size."""
        if self._next() is not None:
            detail = "the store has rows beyond the checkpoint's size"
            self._record.fail(ENTRIES, "stored-stray", size, f"entries/{size}", detail)

    def _check_one(self, index: int, entry: OpenedEntry | None, leaf: bytes) -> None:
        row, place = self._next(), f"entries/{index}"
        if row is None or row[0] != index:
            self._record.fail(ENTRIES, "stored-missing", index, place, "the store has no row for this entry")
            self._rows = None
        elif row[2] != leaf:
            self._record.fail(TREE, "stored-differs", index, f"{place}/leaf", "the store's leaf hash is not the entry's")
        elif entry is not None and row[1] != entry.event.event_id:
            self._record.fail(ENTRIES, "stored-differs", index, f"{place}/event_id", "the store's event id is not the entry's")

    def _next(self) -> tuple[int, bytes, bytes] | None:
        """The store's next row; None where there is none, or where the store says itself that it lacks one."""
        try:
            return None if self._rows is None else next(self._rows, None)
        except Broken as problem:
            if problem.code != "store-damaged":
                raise
            return None
