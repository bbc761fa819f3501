"""An entry for people: who did what when and where, whether it took effect, and what is to be known of its key."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET, Struct, structs

from ledger.recap.places import EntryReader, election_of
from ledger.tally.acts.keys import voting_day_began
from ledger.tally.events import Approved, EventData
from ledger.tally.projection import VOIDS
from ledger.tally.rows import Key, Pending
from ledger.tally.signing import OpenedEntry, key_id, reopen_entry
from ledger.tally.state import KEYS, PENDING, Reader

__all__ = [
    "POLLS_OPEN_MS",
    "EntryView",
    "approved_entry",
    "basis_of",
    "enrolled_late",
    "entry_at",
    "entry_view",
    "key_marks",
    "marked_late",
    "pending_of",
    "polls_opened",
    "stations_named",
]

POLLS_OPEN_MS = 7 * 60 * 60 * 1000
"""Polling stations open at 07:00 local time (domain.md 2.1)."""


class EntryView(Struct, frozen=True):
    """An entry for people: who did what when, and whether it took effect.

    ``void`` is its code where it stands nowhere.  ``pending``: '' or ``waits``, ``approved``, ``expired`` for an act of which a
    second seat has the last word, ``review`` for one in effect that is still to be looked at.  ``approves``: the event id that an
    approval names.  ``marks``: what is to be known of the key: ``alone`` (``key_marks``), ``late``
    (in histories: enrolled after the polls opened), ``suspect`` where this very act is marked.
    """

    index: int
    type: str
    event_id: str
    sequenced_at: int
    claimed_at: int
    key: str
    role: str
    scope: str
    seat: str
    position: int
    void: str
    contest: str
    station: str
    reason: str
    area: str
    basis: str
    pending: str
    approves: str
    marks: tuple[str, ...]


def entry_at(read: EntryReader, index: int) -> OpenedEntry:
    """The entry at an index."""
    return reopen_entry(read(index))


def entry_view(state: Reader, entry: OpenedEntry) -> EntryView:
    """An entry with its signer's seat, and its void code."""
    event = entry.event
    key = state.get(KEYS, event.key)
    data = event.data
    reason = getattr(data, "reason", "")
    station = getattr(data, "station", "")
    area = getattr(data, "area", getattr(data, "code", ""))
    contest = getattr(data, "contest", "")
    return EntryView(
        entry.index,
        event.type,
        event.event_id.hex(),
        entry.sequenced_at,
        event.claimed_at,
        key_id(event.key).hex(),
        key.role if key else "",
        key.scope if key else "",
        key.seat if key else "",
        event.position,
        state.get(VOIDS, entry.index.to_bytes(8)) or "",
        contest if isinstance(contest, str) else "",
        station if isinstance(station, str) else "",
        reason if isinstance(reason, str) else "",
        area if isinstance(area, str) else "",
        basis_of(data),
        pending_of(state, event.event_id),
        data.event.hex() if isinstance(data, Approved) else "",
        () if key is None else _marks_of_act(key, entry.index),
    )


def basis_of(data: EventData) -> str:
    """The number of the document that an act rests on; '' where it names none."""
    said = getattr(data, "basis", UNSET)
    return said if isinstance(said, str) else ""


def pending_of(state: Reader, event_id: bytes) -> str:
    """Where an act stands that a second seat approves (or reviews); '' for every other."""
    row = state.get(PENDING, event_id)
    if row is None:
        return ""
    return {"open": "waits", "done": "approved", "review": "review"}[row.state]


def approved_entry(state: Reader, read: EntryReader, data: Approved) -> OpenedEntry | None:
    """The entry that an approval names; None where there is no such act."""
    row: Pending | None = state.get(PENDING, data.event)
    return None if row is None else entry_at(read, row.index)


def stations_named(data: EventData) -> Iterator[str]:
    """The stations that one act names beside its own: of a reading, an order, a postponement."""
    for row in getattr(data, "rows", ()):
        yield row.code
    yield from (code for code in getattr(data, "stations", ()) if isinstance(code, str))
    yield from (code for code in getattr(data, "codes", ()) if isinstance(code, str))


# --- keys --------------------------------------------------------------------------------------------------------------------


def polls_opened(state: Reader) -> int:
    """When the polls opened in the zone where they open first (ms since 1970)."""
    return voting_day_began(election_of(state)) + POLLS_OPEN_MS


def enrolled_late(state: Reader, read: EntryReader, key: Key, times: dict[int, int]) -> bool:
    """Whether the key was enrolled after the polls opened; one that took over a seat by rotation is no new key.  ``times``: of
    entries that were read before."""
    if key.before:
        return False
    if key.enrolled not in times:
        times[key.enrolled] = entry_at(read, key.enrolled).sequenced_at
    return times[key.enrolled] >= polls_opened(state)


def marked_late(state: Reader, read: EntryReader, view: EntryView, point: bytes, times: dict[int, int]) -> EntryView:
    """The entry with ``late`` among its marks where its key was enrolled after the polls opened."""
    key = state.get(KEYS, point)
    if key is None or not enrolled_late(state, read, key, times):
        return view
    return structs.replace(view, marks=("late", *view.marks))


def key_marks(key: Key) -> tuple[str, ...]:
    """``alone``: a replacement that one seat made alone and nobody has looked at; ``rotated`` away; ``revoked``; ``suspect``: the
    revocation says since when."""
    marks: list[str] = []
    if key.alone:
        marks.append("alone")
    if key.after:
        marks.append("rotated")
    if key.revoked:
        marks.append("revoked")
        if any(revocation.suspect_since for revocation in key.revoked):
            marks.append("suspect")
    return tuple(marks)


def _marks_of_act(key: Key, index: int) -> tuple[str, ...]:
    """Of the key's marks those that touch the act at ``index``: a key that was revoked later was good then."""
    marks = [mark for mark in key_marks(key) if mark == "alone"]
    if any(index >= since for revocation in key.revoked for since in revocation.suspect_since):
        marks.append("suspect")
    return tuple(marks)
