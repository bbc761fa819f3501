"""The history of an area (its own acts and, on request, those of everything below) and the history of a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from ledger.errors import BadInput
from ledger.recap.entries import EntryView, approved_entry, entry_at, entry_view, marked_late
from ledger.recap.histories import expired, indexes_of
from ledger.recap.keyring import KeyView, find_key, key_view
from ledger.recap.places import EntryReader, require_area
from ledger.recap.telling import Facts, tell
from ledger.tally.events import Approved
from ledger.tally.signing import OpenedEntry, reopen_entry
from ledger.tally.state import CONTESTS, KEYS, Reader, area_place

__all__ = ["Act", "KeyHistory", "area_history", "key_history", "told_act"]


class Act(Struct, frozen=True):
    """One entry in a chronicle: who did it, what in a word, its facts, and the places that it concerns.

    ``word`` is ``void`` or ``proposed`` where the act had no effect (``act`` says what it was); ``approves``: the entry
    whose act an approval gave effect.
    """

    entry: EntryView
    word: str
    act: str
    facts: Facts
    places: tuple[str, ...]
    approves: EntryView | None


def told_act(
    state: Reader,
    read: EntryReader,
    entry: OpenedEntry,
    *,
    now: int,
    places: tuple[str, ...] = (),
    times: dict[int, int] | None = None,
) -> Act:
    """An entry as an act; ``now``: the time of the last entry shown (ms since 1970).  ``times``: of entries read
    before."""
    view = expired(entry_view(state, entry), now)
    view = marked_late(state, read, view, entry.event.key, {} if times is None else times)
    data = entry.event.data
    approves: EntryView | None = None
    if isinstance(data, Approved):
        inner = approved_entry(state, read, data)
        if inner is not None:
            approves, data = entry_view(state, inner), inner.event.data
    told = tell(state, data)
    word = "void" if view.void else "proposed" if view.pending in ("waits", "approved", "expired") else told.word
    return Act(view, word, told.word, told.facts, places, approves)


def _now(read: EntryReader, size: int) -> int:
    return entry_at(read, size - 1).sequenced_at if size else 0


def area_history(state: Reader, read: EntryReader, area: str, contest: str | None, *, size: int, below: bool) -> Iterator[Act]:
    """The acts on ``area`` in log order; with ``below`` those on every area and station in it too.  ``BadInput``
    ``area-unknown``."""
    require_area(state, area)
    codes = [contest] if contest else [key.decode() for key, _ in state.under(CONTESTS)]
    places: dict[int, dict[str, None]] = {}
    for code in ("", *codes):
        prefix = area_place(code, area)
        wanted = prefix[:-2] if below else prefix + b"/"
        for index, place in indexes_of(state, wanted):
            places.setdefault(index, {})[place.decode().split("/")[1]] = None
    now, times = _now(read, size), dict[int, int]()
    for index in sorted(places):
        yield told_act(state, read, entry_at(read, index), now=now, places=tuple(places[index]), times=times)


# --- a key's ----------------------------------------------------------------------------------------------------------------------


class KeyHistory(Struct, frozen=True):
    """A key with those that had its seat before and have it after (by rotation), and every act of each of them in log order."""

    key: KeyView
    before: tuple[KeyView, ...]
    after: tuple[KeyView, ...]
    acts: tuple[Act, ...]


def key_history(state: Reader, read: EntryReader, entries: Iterable[bytes], said: str, *, size: int) -> KeyHistory:
    """``said``: a key id or its beginning.  ``entries``: the whole log up to ``size``, which is walked once.  ``BadInput``
    ``key-not-found``, ``key-ambiguous``."""
    point = find_key(state, said)
    key = state.get(KEYS, point)
    if key is None:
        raise BadInput("key-not-found", "no key of this id is enrolled", key=said)
    points = {point, *key.before, *key.after}
    now, times = _now(read, size), dict[int, int]()
    acts: list[Act] = []
    for data in entries:
        if any(each in data for each in points):
            entry = reopen_entry(data)
            if entry.event.key in points:
                acts.append(told_act(state, read, entry, now=now, places=_places(entry), times=times))
    views = {each: key_view(state, each, read) for each in points}
    return KeyHistory(
        views[point],
        tuple(views[each] for each in key.before),
        tuple(views[each] for each in key.after),
        tuple(acts),
    )


def _places(entry: OpenedEntry) -> tuple[str, ...]:
    data = entry.event.data
    for name in ("station", "area", "code"):
        place = getattr(data, name, "")
        if isinstance(place, str) and place:
            return (place,)
    return ()
