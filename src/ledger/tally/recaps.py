"""The recap of one area when a decision asks for it: its total, its commitment, and when it last changed.

``Recaps`` computes from the slots below and keeps what it computed until one of those changes, so that a certificate or a seal
costs the paths that changed and not the tree.  It agrees byte for byte with ``pages``, which streams all areas once; a test holds
that.

A view offers it as the table ``RECAPS``, which is derived and never stored.
"""

from __future__ import annotations

import hashlib
import itertools
from typing import Final, NamedTuple

from ledger.tally.pages import AREA_TAG, STATION_TAG, area_row, commit, recap_root, station_row
from ledger.tally.rollup import Frame, Sums, contribution, frame_of
from ledger.tally.state import CONTESTS, ELECTION, SINGLE, SLOTS, Range, Reader, Table, area_key, slot_parts

__all__ = ["RECAPS", "Gaps", "Recapped", "Recaps", "current_root", "gaps", "recap_needs"]


class Gaps(NamedTuple):
    """Of the stations of an area: those whose figures are not, or not whole, in its totals (in code order), and whether all others
    were read in the plenary."""

    missing: tuple[str, ...]
    unread: tuple[str, ...]


_NO_GAPS: Final = Gaps((), ())


class Recapped(NamedTuple):
    """An area's recap: what stands in its row, the row's hash, the areas directly below with stations of the contest, and the log
    index of the last event that changed a tally below.  Of the areas directly above stations: no areas below, and its ``gaps``."""

    sums: Sums
    commitment: bytes
    below: tuple[str, ...]
    changed: int
    gaps: Gaps


def _never(_row: object) -> bytes:
    raise TypeError("recaps are derived and have no bytes of their own")


RECAPS: Final[Table[Recapped]] = Table("recaps", _never, _never)  # type: ignore[arg-type]
"""(contest, area) -> the recap; derived."""


def recap_needs(contest: str, area: str) -> tuple[Range, ...]:
    """What a decision names that reads the recap of an area, the slots in it, or the recaps below."""
    prefix = area_key(contest, area)
    return Range(RECAPS, prefix), Range(SLOTS, prefix)


class Recaps:
    """The recaps over one state.  ``changed`` must be told of every slot that is put.

    ``before``: the recaps over a state that held the very same rows; what they know is taken over, and they are not to be used any
    more.
    """

    def __init__(self, state: Reader, before: Recaps | None = None) -> None:
        self._state = state
        self._known: dict[tuple[str, str], Recapped] = {} if before is None else before._known
        self._below: dict[str, dict[str, tuple[str, ...]]] = {} if before is None else before._below
        self._frames: dict[str, Frame] = {} if before is None else before._frames
        self._touched: set[bytes] = set() if before is None else before._touched

    def changed(self, slot: bytes, *, new: bool) -> None:
        """The slot of this key changed (``new``: came to be)."""
        if self._known:
            self._touched.add(slot)
        if new:
            contest, station, _ = slot_parts(slot)
            tree = self._below.get(contest)
            if tree is not None and self._frame(contest).above(station) not in tree:
                del self._below[contest]  # the first station of its area

    def get(self, key: bytes) -> Recapped | None:
        """The recap of ``contest/area``; None where no station of the contest is there."""
        for slot in self._touched:
            contest, station, _ = slot_parts(slot)
            area = self._frame(contest).above(station)
            while area is not None:
                self._known.pop((contest, area), None)
                area = self._frame(contest).above(area)
        self._touched.clear()
        contest, _, area = key.decode().partition("/")
        return self._area(contest, area)

    def _frame(self, contest: str) -> Frame:
        frame = self._frames.get(contest)
        if frame is None:
            frame = self._frames[contest] = frame_of(self._state, contest)
        return frame

    def _area(self, contest: str, area: str) -> Recapped | None:
        known = self._known.get((contest, area))
        if known is None:
            below = self._tree(contest).get(area)
            if below is None:
                return None
            frame = self._frame(contest)
            lowest = len(area) == frame.digits[-2]
            known = self._lowest(contest, area, frame) if lowest else self._upper(contest, area, below, frame)
            self._known[contest, area] = known
        return known

    def _lowest(self, contest: str, area: str, frame: Frame) -> Recapped:
        changed, form = 0, frame.form
        parts: list[Sums] = []
        hashes: list[bytes] = []
        missing: list[str] = []
        unread: list[str] = []
        for key, slot in self._state.under(SLOTS, area_key(contest, area)):
            changed = max(changed, slot.changed)
            if slot.annulled:
                continue
            _, station, round_ = slot_parts(key)
            parts.append(contribution(slot, form))
            row = station_row(contest, station, round_, slot, form)
            hashes.append(commit(STATION_TAG, row))
            if row[4] in ("none", "held", "differing"):
                missing.append(station)
            elif not slot.read:
                unread.append(station)
        total = Sums.together(parts, form.figure_count)
        return self._recapped((contest, area), total, hashes, (), changed)._replace(gaps=Gaps(tuple(missing), tuple(unread)))

    def _upper(self, contest: str, area: str, below: tuple[str, ...], frame: Frame) -> Recapped:
        found = {code: recapped for code in below if (recapped := self._area(contest, code)) is not None}
        changed = max((recapped.changed for recapped in found.values()), default=0)
        there = {code: recapped for code, recapped in found.items() if recapped.commitment}
        total = Sums.together([recapped.sums for recapped in there.values()], frame.form.figure_count)
        return self._recapped((contest, area), total, [each.commitment for each in there.values()], tuple(there), changed)

    @staticmethod
    def _recapped(place: tuple[str, str], total: Sums, hashes: list[bytes], below: tuple[str, ...], changed: int) -> Recapped:
        """An area of which every station is cancelled has no row, hence no commitment."""
        if not hashes:
            return Recapped(total, b"", (), changed, _NO_GAPS)
        children = hashlib.sha256(b"".join(hashes)).digest()
        row = area_row(*place, total, len(hashes), children)
        return Recapped(total, commit(AREA_TAG, row), below, changed, _NO_GAPS)

    def _tree(self, contest: str) -> dict[str, tuple[str, ...]]:
        """For every area with stations of the contest the areas directly below, in code order; of the lowest, none."""
        tree = self._below.get(contest)
        if tree is None:
            frame = self._frame(contest)
            lengths = [length for length in frame.digits[:-1] if length >= len(frame.contest.area)]
            found: dict[str, dict[str, None]] = {}
            lowest, last = lengths[-1], None
            for key, _ in self._state.under(SLOTS, f"{contest}/".encode()):
                code = slot_parts(key)[1][:lowest]
                if code != last:
                    last = code
                    found.setdefault(code, {})
                    for upper, lower in itertools.pairwise(lengths):
                        found.setdefault(code[:upper], {})[code[:lower]] = None
            tree = self._below[contest] = {area: tuple(below) for area, below in found.items()}
        return tree


# --- what decisions ask --------------------------------------------------------------------------------------------------------


def gaps(state: Reader, contest: str, area: str) -> Gaps:
    """The gaps of every area below that lies directly above stations, together; ``area`` itself may be one."""
    recapped = state.get(RECAPS, area_key(contest, area))
    if recapped is None:
        return _NO_GAPS
    if not recapped.below:
        return recapped.gaps
    found = [gaps(state, contest, code) for code in recapped.below]
    return Gaps(
        tuple(code for each in found for code in each.missing),
        tuple(code for each in found for code in each.unread),
    )


def current_root(state: Reader, *, size: int) -> bytes:
    """The commitment of all recaps as ``state`` gives them, at tree size ``size``."""
    election = state.get(ELECTION, SINGLE)
    tops: list[tuple[str, bytes]] = []
    for key, contest in state.under(CONTESTS):
        recapped = state.get(RECAPS, area_key(key.decode(), contest.area))
        if recapped is not None and recapped.commitment:
            tops.append((key.decode(), recapped.commitment))
    return recap_root(ledger=b"" if election is None else election.ledger, size=size, tops=tops)
