"""Recap pages and their commitments: every total as one step of its own proof (docs/FORMATS.md section 7).

A page shows an area: its own row and the rows of what lies directly in it.  A row is the very array that is hashed, so whoever
holds a page can hash each child, hash the area over the children's hashes, add the sums, and go on one level up.  The hash of each
contest's top area enters the root of the recap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from ledger.proof.merkle import Frontier, leaf_hash
from ledger.tally.canonical import encode, tagged_hash
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.rollup import Sums, frame_of, standing_figures
from ledger.tally.rows import Contest, Slot
from ledger.tally.rules import CompiledForm
from ledger.tally.state import CONTESTS, SLOTS, Reader, slot_parts

__all__ = [
    "AREA_TAG",
    "PAGE_VERSION",
    "STATION_TAG",
    "Page",
    "area_pages",
    "area_row",
    "commit",
    "page_path",
    "recap_pages",
    "recap_root",
    "station_row",
]

PAGE_VERSION: Final = 1

STATION_TAG: Final = "tally-ledger/recap/station/v1"
AREA_TAG: Final = "tally-ledger/recap/area/v1"
ROOT_TAG: Final = "tally-ledger/recap/root/v1"

_encode: Final = msgspec.msgpack.Encoder().encode


class Page(NamedTuple):
    """A recap page: contest and area code, its canonical bytes, and the area's commitment."""

    contest: str
    area: str
    data: bytes
    commitment: bytes
    top: bool


class _Open:
    """An area whose stations are still coming."""

    __slots__ = ("area", "hashes", "rows")

    def __init__(self, area: str) -> None:
        self.area = area
        self.rows: list[list[object]] = []
        self.hashes: list[bytes] = []

    def add(self, tag: str, row: list[object]) -> bytes:
        commitment = commit(tag, row)
        self.rows.append(row)
        self.hashes.append(commitment)
        return commitment


def commit(tag: str, row: list[object]) -> bytes:
    """The commitment of a row."""
    return tagged_hash(tag, _encode(row))


def area_row(contest: str, area: str, total: Sums, count: int, children: bytes) -> list[object]:
    """[contest, code, sums, present, counts, rows directly below, SHA-256 over their commitments in code order]."""
    return [contest, area, list(total.figures), list(total.present), list(total.counts), count, children]


def station_row(contest: str, station: str, round_: int, slot: Slot, form: CompiledForm) -> list[object]:
    """[contest, code, round, standing ids, state, standing figures, codes of findings, acts that changed a number shown]."""
    findings = sorted({code for standing in slot.standing for code in standing.broken})
    return [
        contest,
        station,
        round_,
        [standing.event for standing in slot.standing],
        slot.state,
        list(standing_figures(slot, form)),
        findings,
        slot.changes,
    ]


def area_pages(
    code: str,
    contest: Contest,
    form: CompiledForm,
    *,
    digits: Sequence[int],
    size: int,
    slots: Iterable[tuple[str, int, Slot]],
    sums: Callable[[str], Sums],
) -> Iterator[Page]:
    """The pages of one contest, each area after all that lies in it; the contest's top area comes last.

    ``slots``: (station, round, slot) in code order, annulled ones left out.  ``sums``: the total of an area.  ``digits``: code
    lengths of the levels, highest first.  Holds no more than one chain of open areas.
    """
    lengths = [length for length in digits[:-1] if length >= len(contest.area)]
    chain: list[_Open] = []

    def close() -> Page:
        area = chain.pop()
        total = sums(area.area)
        children = hashlib.sha256(b"".join(area.hashes)).digest()
        row = area_row(code, area.area, total, len(area.rows), children)
        data = _encode([PAGE_VERSION, size, row, area.rows])
        commitment = chain[-1].add(AREA_TAG, row) if chain else commit(AREA_TAG, row)
        return Page(code, area.area, data, commitment, not chain)

    for station, round_, slot in slots:
        path = [station[:length] for length in lengths]
        shared = 0
        while shared < len(chain) and chain[shared].area == path[shared]:
            shared += 1
        while len(chain) > shared:
            yield close()
        chain.extend(_Open(area) for area in path[shared:])
        chain[-1].add(STATION_TAG, station_row(code, station, round_, slot, form))
    while chain:
        yield close()


def recap_pages(state: Reader, size: int) -> Iterator[Page]:
    """The pages of every contest, in code order, from a state that holds the totals as well (``projection.SUMS``)."""
    for key, _contest in state.under(CONTESTS):
        code = key.decode()
        contest, form, digits = frame_of(state, code)
        zero = Sums.zero(form.figure_count)
        yield from area_pages(
            code,
            contest,
            form,
            digits=digits,
            size=size,
            slots=((*slot_parts(key)[1:], slot) for key, slot in state.under(SLOTS, f"{code}/".encode()) if not slot.annulled),
            sums=lambda area, code=code, zero=zero: state.get(SUMS, sums_key(code, area)) or zero,  # type: ignore[misc]
        )


def page_path(contest: str, area: str) -> str:
    """A page's path below ``recap/<size>/``; the country, whose code is empty, is called ``all``."""
    return f"{contest}/{area or 'all'}"


def recap_root(*, ledger: bytes, size: int, tops: Iterable[tuple[str, bytes]]) -> bytes:
    """The commitment of all recaps at a tree size.  ``tops``: (contest code, commitment of its top area), in any order."""
    ordered = [commitment for _, commitment in sorted(tops)]
    root = Frontier.EMPTY.extend([leaf_hash(commitment) for commitment in ordered]).root()
    return tagged_hash(ROOT_TAG, encode([ledger, size, len(ordered), root]))
