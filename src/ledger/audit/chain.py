"""Steps 2 and 3 between entries: each bears its own index, time does not go backwards, each holds the leaf hash of the one before.

Left to others: what an entry is in itself (verify.py opens it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.audit.record import CHAIN, ENTRIES, Record
from ledger.audit.sources import printable
from ledger.tally.signing import OpenedEntry

__all__ = ["Chain"]


class Chain:
    """The chain as far as it was read; failures go into ``record``, with ``place(index)``.

    ``leaf``: the last entry's leaf hash, 32 zero bytes before entry 0, None where it could not be read; ``time``: its time.
    """

    def __init__(self, record: Record, place: Callable[[int], str]) -> None:
        self._record = record
        self._place = place
        self._off = 0
        self.leaf: bytes | None = bytes(32)
        self.time = 0

    def check(self, first: int, opened: Sequence[OpenedEntry | None], leaves: Sequence[bytes]) -> None:
        """The next entries, from index ``first`` on; None for one that could not be opened."""
        if self._all_follow(first, opened, leaves):
            self._record.checked[ENTRIES] += len(opened)
            self._record.checked[CHAIN] += len(opened)
            return
        for index, entry in enumerate(opened, first):
            if entry is not None:
                self._check_one(index, entry)
            self.leaf = leaves[index - first]

    def _all_follow(self, first: int, opened: Sequence[OpenedEntry | None], leaves: Sequence[bytes]) -> bool:
        """Whether index, time and chain of all are in order, at a stroke; if not, ``_check_one`` says of which they are not."""
        entries = [entry for entry in opened if entry is not None]
        times = [self.time, *[entry.sequenced_at for entry in entries]]
        if (
            not entries
            or [entry.index for entry in entries] != list(range(first, first + len(opened)))
            or [entry.chain for entry in entries] != [self.leaf, *leaves[:-1]]
            or times != sorted(times)
            or self._off
        ):
            return False
        self.time, self.leaf = times[-1], leaves[-1]
        return True

    def _check_one(self, index: int, entry: OpenedEntry) -> None:
        """Index, time and chain.  After a gap all indexes are off; only where they become so is it said."""
        if entry.index != index + self._off:
            self._off = entry.index - index
            self._fail_entry(ENTRIES, "index-wrong", index, f"the entry says that it is number {entry.index}")
        else:
            self._record.checked[ENTRIES] += 1
        if entry.sequenced_at < self.time:
            detail = f"sequenced at {entry.sequenced_at}, the entry before at {self.time}"
            self._fail_entry(ENTRIES, "time-backwards", index, detail)
        self.time = entry.sequenced_at
        if self.leaf is not None and entry.chain != self.leaf:
            self._fail_entry(CHAIN, "chain-broken", index, "the entry was made after another one than the one before it here")
        else:
            self._record.checked[CHAIN] += 1

    def _fail_entry(self, step: int, code: str, index: int, detail: str) -> None:
        self._record.fail(step, code, index, printable(self._place(index)), detail)
        self._record.break_at(index)
