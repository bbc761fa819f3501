"""The recap that the entries give, beside the published pages and beside a ledger's own standing views.

Totals are rolled up once for each height at which something is to be compared, never event by event.  Left to others: the fold
that gives the state (verify.py), what a page is (``ledger.tally.pages``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from ledger.audit.published import Difference, Published
from ledger.audit.report import CandidateTotal, ContestTotal
from ledger.tally.memory import Memory
from ledger.tally.pages import page_path, recap_pages, recap_root
from ledger.tally.projection import PROJECTION, SUMS, VERSIONS, VOIDS, sums_key, version_index
from ledger.tally.rollup import COUNTS, Sums, contest_form, roll_up
from ledger.tally.signing import key_id
from ledger.tally.state import (
    CONTESTS,
    ELECTION,
    INCIDENTS,
    KEYS,
    OBJECTIONS,
    PENDING,
    RECOMMENDATIONS,
    REVOTES,
    SINGLE,
    STREAMS,
    Table,
)

__all__ = ["Totalled", "compare_projection", "compare_recap", "contest_totals"]

R = TypeVar("R")

_RANK: Final = {table.name: rank for rank, table in enumerate(PROJECTION)}
_INDEX_BYTES: Final = 8
_OF_EVENTS: Final = frozenset(table.name for table in (INCIDENTS, OBJECTIONS, PENDING, RECOMMENDATIONS, REVOTES))
"""Tables whose rows are kept by the id of the event that made them."""


class Totalled:
    """A state with the totals of its moment, to be walked in key order; valid until the next event is folded."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.totals: Final = roll_up(memory)
        self._sums = Memory()
        for place, sums in self.totals.items():
            self._sums.put(SUMS, sums_key(*place), sums)

    def get(self, table: Table[R], key: bytes, /) -> R | None:
        """The row, or None."""
        return self._holder(table).get(table, key)

    def under(self, table: Table[R], prefix: bytes = b"") -> Iterator[tuple[bytes, R]]:
        """All rows whose key begins with ``prefix``, in key order."""
        return self._holder(table).under(table, prefix)

    def _holder(self, table: Table[R]) -> Memory:
        return self._sums if table is SUMS else self._memory


def compare_recap(state: Totalled, size: int, published: Published) -> Iterator[Difference]:
    """The published recap of the first ``size`` entries: every page, the root, and no file beside them."""
    expected = f"recap/{size}/"
    stray = set(published.recaps.get(size, ()))
    tops: list[tuple[str, bytes]] = []
    for page in recap_pages(state, size):
        path = expected + page_path(page.contest, page.area)
        if page.top:
            tops.append((page.contest, page.commitment))
        stray.discard(path)
        yield from published.compare(
            path,
            page.data,
            index=None,
            explain=lambda found, at, path=path, made=page.data: _explain_page(path, made, found, at),  # type: ignore[misc]
        )
    election = state.get(ELECTION, SINGLE)
    if election is not None:
        path = expected + "recap_root"
        stray.discard(path)
        root = recap_root(ledger=election.ledger, size=size, tops=tops)
        detail = "the published commitment of all recaps is not that of the totals"
        yield from published.compare(
            path, root, index=None, explain=lambda _found, _at: Difference("recap-root-differs", None, path, detail)
        )
    for path in sorted(stray):
        yield Difference("file-stray", None, path, "the recap of this size has no such page")


def _explain_page(path: str, made: bytes, found: bytes, at: int) -> Difference:
    """Which row of the page differs, where the page can still be read as one."""
    where = f"from byte {at} on"
    try:
        _, _, area, rows = msgspec.msgpack.decode(made)
        published = msgspec.msgpack.decode(found)
        if published[2] != area:
            where = f"in the totals of {area[1] or 'the whole'}"
        for row, shown in zip(rows, published[3], strict=True):
            if row != shown:
                where = f"in the row of {row[1]}"
                break
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, TypeError, IndexError, KeyError):
        pass
    return Difference("recap-differs", None, path, f"the published page differs from the recomputed totals, {where}")


# --- a ledger's own views ------------------------------------------------------------------------------------------------------


def compare_projection(state: Totalled, rows: Iterator[tuple[str, bytes, bytes]]) -> Iterator[Difference | None]:
    """The standing rows beside the recomputed ones: None for each that is right, a difference for each that is not.

    ``rows``: (table, key, row bytes), tables in the order of ``PROJECTION``, keys ascending.  ``state`` holds VERSIONS and VOIDS
    too.
    """
    made = ((rank, table.name, key, table.encode(row)) for rank, table in enumerate(PROJECTION) for key, row in state.under(table))
    standing = ((_RANK.get(name, len(PROJECTION)), name, key, row) for name, key, row in rows)
    mine, theirs = next(made, _END), next(standing, _END)
    while mine is not _END or theirs is not _END:
        if mine[:3] < theirs[:3]:
            yield _row_differs("projection-missing", mine, "the view lacks this row")
            mine = next(made, _END)
        elif theirs[:3] < mine[:3]:
            yield _row_differs("projection-stray", theirs, "the entries give no such row")
            theirs = next(standing, _END)
        else:
            same = mine[3] == theirs[3]
            yield None if same else _row_differs("projection-differs", mine, "the view shows another row than the entries give")
            mine, theirs = next(made, _END), next(standing, _END)


_Ranked = tuple[int, str, bytes, bytes]
_END: Final[_Ranked] = (len(PROJECTION) + 1, "", b"", b"")


def _row_differs(code: str, row: _Ranked, detail: str) -> Difference:
    """``table/key``, the key in words where it has any: keys and events by their id's first 16 digits, log indexes as numbers."""
    _, table, key, _ = row
    if table in (KEYS.name, STREAMS.name):
        words = key_id(key).hex()[:16]
    elif table in _OF_EVENTS:
        words = key.hex()[:16]
    elif table == VOIDS.name and len(key) == _INDEX_BYTES:
        words = str(int.from_bytes(key))
    elif table == VERSIONS.name and len(key) > _INDEX_BYTES:
        words = f"{key[: -_INDEX_BYTES - 1].decode('utf-8', 'backslashreplace')}/{version_index(key)}"
    else:
        words = key.decode("utf-8", "backslashreplace")
    return Difference(code, None, f"{table}/{words}", detail)


# --- for the report --------------------------------------------------------------------------------------------------------------


def contest_totals(state: Totalled) -> tuple[ContestTotal, ...]:
    """Each contest's total over its whole area, candidates in ballot order."""
    return tuple(
        ContestTotal(
            code=key.decode(),
            name_id=contest.name_id,
            name_en=contest.name_en,
            area=contest.area,
            counts=dict(zip(COUNTS, sums.counts, strict=True)),
            candidates=tuple(
                CandidateTotal(
                    number=candidate.number,
                    name=candidate.name,
                    kind=candidate.kind,
                    votes=sums.figures[figure],
                    stations=sums.present[figure],
                )
                for candidate, figure in zip(contest.candidates, form.candidate_figures, strict=True)
            ),
        )
        for key, contest in state.under(CONTESTS)
        for form in (contest_form(state, contest),)
        for sums in (state.totals.get((key.decode(), contest.area)) or Sums.zero(form.figure_count),)
    )
