"""Where things are: the election, its contests and levels, areas by name, and the round that holds at a station.

All functions of this room read a ``Reader``: the stored projection, or a replay of a prefix in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ledger.errors import BadInput
from ledger.tally.rollup import Frame, frame_of
from ledger.tally.rows import Area, Contest, Election, Slot
from ledger.tally.state import AREAS, CONTESTS, ELECTION, SINGLE, SLOTS, Reader, area_key, slot_parts

__all__ = [
    "EntryReader",
    "Placed",
    "absence",
    "area_name",
    "contests_below",
    "contests_of",
    "current_slot",
    "election_of",
    "frame",
    "placed_below",
    "require_area",
    "rounds_of",
    "station_area",
]

EntryReader = Callable[[int], bytes]
"""Gives an entry's bytes by its index."""


def election_of(state: Reader) -> Election:
    """The opened election; ``BadInput`` ``election-not-open`` before entry 0."""
    election = state.get(ELECTION, SINGLE)
    if election is None:
        raise BadInput("election-not-open", "the ledger has no entry yet")
    return election


def require_area(state: Reader, code: str) -> None:
    """``BadInput`` ``area-unknown`` unless the area or station is listed (the country, '', always is)."""
    if code and state.get(AREAS, code.encode()) is None:
        raise BadInput("area-unknown", "no such area or station is listed", area=code)


def contests_of(state: Reader, area: str, contest: str | None) -> list[tuple[str, Contest]]:
    """The contests that have totals at ``area`` (or the one asked for).  ``BadInput`` ``contest-unknown``, ``area-unknown``."""
    require_area(state, area)
    found = [(key.decode(), row) for key, row in state.under(CONTESTS, b"") if contest in (None, key.decode())]
    if not found:
        raise BadInput("contest-unknown", "no such contest is listed", contest=contest)
    return [(code, row) for code, row in found if area.startswith(row.area)]


def contests_below(state: Reader, area: str, contest: str | None) -> list[tuple[str, str]]:
    """(contest, where in it) of every contest with stations in ``area``: the area itself, or the contest's own area within it.
    ``BadInput`` ``area-unknown``."""
    require_area(state, area)
    found: list[tuple[str, str]] = []
    for key, row in state.under(CONTESTS):
        code = key.decode()
        if contest in (None, code) and (area.startswith(row.area) or row.area.startswith(area)):
            found.append((code, area if area.startswith(row.area) else row.area))
    return found


def area_name(state: Reader, code: str) -> str:
    """The area's listed name, or its code."""
    row = state.get(AREAS, code.encode())
    return row.name if row is not None else code


def station_area(state: Reader, station: str) -> Area:
    """A station's row.  ``BadInput`` ``station-unknown``."""
    row = state.get(AREAS, station.encode())
    if row is None or not election_of(state).is_station(station):
        raise BadInput("station-unknown", "no such station is listed", station=station)
    return row


# --- slots -------------------------------------------------------------------------------------------------------------------


class Placed(NamedTuple):
    """A slot with its station and round."""

    station: str
    round: int
    slot: Slot


def rounds_of(state: Reader, contest: str, station: str) -> list[Placed]:
    """All rounds of a station, in order.  ``BadInput`` ``station-unknown``."""
    found = [Placed(*slot_parts(key)[1:], slot) for key, slot in state.under(SLOTS, area_key(contest, station) + b"/")]
    if not found:
        raise BadInput("station-unknown", "no such station holds this contest", station=station, contest=contest)
    return found


def current_slot(state: Reader, contest: str, station: str) -> Placed:
    """The round that holds at a station; of one that was cancelled or merged the last.  ``BadInput`` ``station-unknown``."""
    found = rounds_of(state, contest, station)
    return next((placed for placed in found if not placed.slot.annulled), found[-1])


def placed_below(state: Reader, contest: str, area: str) -> Iterator[Placed]:
    """The slot of the round that holds, of every station below ``area``, in code order."""
    for key, slot in state.under(SLOTS, area_key(contest, area)):
        if not slot.annulled:
            _, station, round_ = slot_parts(key)
            yield Placed(station, round_, slot)


def absence(slot: Slot) -> tuple[str, int]:
    """Why nothing stands in a slot, with the entry that says so (-1 for none): ``awaiting`` a revote's form, ``postponed``,
    ``withdrawn`` (the later of the two), or ``missing``."""
    if slot.order:
        return "awaiting", slot.order
    if slot.postponed or slot.withdrawn:
        return ("postponed", slot.postponed) if slot.postponed > slot.withdrawn else ("withdrawn", slot.withdrawn)
    return "missing", -1


def frame(state: Reader, contest: str) -> Frame:
    """What a contest's totals are made with.  ``BadInput`` ``contest-unknown``."""
    if state.get(CONTESTS, contest.encode()) is None:
        raise BadInput("contest-unknown", "no such contest is listed", contest=contest)
    return frame_of(state, contest)
