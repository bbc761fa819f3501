"""What changed between two heights of the log: every station whose numbers are others, with each act that changed one.

The log is folded once, up to the later height, with the very functions that intake decides with; what the slots were at the earlier
height and what they are at the later one is compared figure by figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from msgspec import Struct

from ledger.errors import BadInput, Broken, LedgerError
from ledger.recap.chronicles import Act, told_act
from ledger.recap.places import EntryReader, Placed, area_name, current_slot, frame
from ledger.tally.events import Figures
from ledger.tally.fold import decide, uncollected
from ledger.tally.memory import Memory
from ledger.tally.projection import trace
from ledger.tally.rollup import contribution, standing_figures
from ledger.tally.rows import Slot
from ledger.tally.rules import CompiledForm
from ledger.tally.signing import OpenedEntry, reopen_entry
from ledger.tally.state import At, Change, SlotChange, slot_parts

__all__ = ["CandidateDelta", "Diff", "Difference", "NumberChange", "StepChange", "diff", "size_at"]


class NumberChange(Struct, frozen=True):
    """A figure before and after."""

    code: str
    before: int | str | None
    after: int | str | None


class StepChange(Struct, frozen=True):
    """One act on the station and the figures that changed by it; ``photos``: photos were added and no number changed."""

    act: Act
    votes: tuple[NumberChange, ...]
    administration: tuple[NumberChange, ...]
    photos: bool


class Difference(Struct, frozen=True):
    """A station of which something changed: what stands at the earlier and at the later height, and each act between.

    ``kind``: ``votes`` where a figure of a block with candidates is another, else ``administration``, ``photos``, or ``state``
    (held, withdrawn, annulled and back: no figure of the form is another).  ``delta``: what the station adds to every total above,
    by candidate in ballot order.
    """

    contest: str
    station: str
    name: str
    kind: str
    before_state: str
    after_state: str
    before_round: int
    after_round: int
    votes: tuple[NumberChange, ...]
    administration: tuple[NumberChange, ...]
    delta: tuple[int, ...]
    steps: tuple[StepChange, ...]


class CandidateDelta(Struct, frozen=True):
    """What all differences add to a candidate's total."""

    contest: str
    number: int
    name: str
    delta: int


class Diff(Struct, frozen=True):
    """All differences between two tree sizes, by contest and station."""

    before: int
    after: int
    differences: tuple[Difference, ...]
    totals: tuple[CandidateDelta, ...]


def size_at(read: EntryReader, size: int, time: int) -> int:
    """How many entries the log had at ``time`` (ms since 1970); entries' times never fall."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if reopen_entry(read(middle)).sequenced_at <= time:
            low = middle + 1
        else:
            high = middle
    return low


class _Step(NamedTuple):
    entry: OpenedEntry
    slots: tuple[SlotChange, ...]


def diff(entries: Iterable[bytes], read: EntryReader, *, before: int, after: int, contest: str | None, area: str) -> Diff:
    """Every number that is another at tree size ``after`` than at ``before``, below ``area``.  ``entries``: the log's,
    ``after`` of them at least.  Raises ``BadInput`` ``sizes-order``; ``Broken`` ``entry-not-foldable``."""
    if not 0 < before <= after:
        raise BadInput("sizes-order", "the earlier height comes first, and is at least 1", before=before, after=after)
    memory = Memory()
    was: dict[tuple[str, str], Placed | None] = {}
    steps: dict[tuple[str, str], list[_Step]] = {}
    with uncollected():
        for index, data in enumerate(islice(entries, after)):
            entry, change = _next(memory, index, data)
            if index >= before:
                touched = _touched(change, contest, area)
                for place, slots in touched.items():
                    if place not in was:
                        was[place] = _current(memory, place)
                    steps.setdefault(place, []).append(_Step(entry, tuple(slots)))
            memory.apply(change)
            for table, key, row in trace(index, change):
                memory.put(table, key, row)
    now = reopen_entry(read(after - 1)).sequenced_at
    found = [_difference(memory, read, place, was[place], steps[place], now) for place in sorted(was)]
    differences = tuple(each for each in found if each is not None)
    return Diff(before, after, differences, _totals(memory, differences))


def _next(memory: Memory, index: int, data: bytes) -> tuple[OpenedEntry, Change]:
    try:
        entry = reopen_entry(data)
        change = decide(memory, entry.event, At(index, entry.sequenced_at))
    except LedgerError as problem:
        raise Broken("entry-not-foldable", str(problem), index=index) from problem
    if not isinstance(change, Change):
        raise Broken("entry-not-foldable", str(change), index=index)
    return entry, change


def _touched(change: Change, contest: str | None, area: str) -> dict[tuple[str, str], list[SlotChange]]:
    found: dict[tuple[str, str], list[SlotChange]] = {}
    for slot in change.slots:
        code, station, _ = slot_parts(slot.key)
        if contest in (None, code) and station.startswith(area) and _speaks(slot):
            found.setdefault((code, station), []).append(slot)
    return found


def _speaks(change: SlotChange) -> bool:
    """Whether more than a mark (read, postponed) changed."""
    before, after = change.before, change.after
    if before is None:
        return True
    return (before.standing, before.held, before.annulled) != (after.standing, after.held, after.annulled)


def _current(memory: Memory, place: tuple[str, str]) -> Placed | None:
    try:
        return current_slot(memory, *place)
    except BadInput:  # listed later than that
        return None


def _numbers(form: CompiledForm, before: Figures, after: Figures) -> tuple[tuple[NumberChange, ...], tuple[NumberChange, ...]]:
    """Changed figures: those of the blocks that hold candidates, and the others.  Absent forms are blank."""
    blank: Figures = (None,) * form.figure_count
    blocks = {form.block_of[index] for index in form.candidate_figures}
    votes: list[NumberChange] = []
    others: list[NumberChange] = []
    for index, (old, new) in enumerate(zip(before or blank, after or blank, strict=True)):
        if old != new:
            change = NumberChange(form.form.figures[index].code, old, new)
            (votes if form.block_of[index] in blocks else others).append(change)
    return tuple(votes), tuple(others)


def _figures(slot: Slot | None, form: CompiledForm) -> Figures:
    return () if slot is None or slot.annulled else standing_figures(slot, form)


def _difference(
    memory: Memory, read: EntryReader, place: tuple[str, str], was: Placed | None, steps: list[_Step], now: int
) -> Difference | None:
    contest, station = place
    form = frame(memory, contest).form
    is_now = current_slot(memory, contest, station)
    old = None if was is None else was.slot
    votes, others = _numbers(form, _figures(old, form), _figures(is_now.slot, form))
    times: dict[int, int] = {}
    told = tuple(_step(memory, read, form, step, (now, times)) for step in steps)
    before_state = "none" if old is None else old.state
    if votes:
        kind = "votes"
    elif others:
        kind = "administration"
    elif any(step.photos for step in told) and before_state == is_now.slot.state:
        kind = "photos"
    elif before_state != is_now.slot.state or any(step.votes or step.administration for step in told):
        kind = "state"
    else:
        return None
    added = contribution(is_now.slot, form).figures
    taken = (0,) * form.figure_count if old is None else contribution(old, form).figures
    return Difference(
        contest,
        station,
        area_name(memory, station),
        kind,
        before_state,
        is_now.slot.state,
        0 if was is None else was.round,
        is_now.round,
        votes,
        others,
        tuple(added[index] - taken[index] for index in form.candidate_figures),
        told,
    )


def _step(memory: Memory, read: EntryReader, form: CompiledForm, step: _Step, clock: tuple[int, dict[int, int]]) -> StepChange:
    act = told_act(memory, read, step.entry, now=clock[0], times=clock[1])
    votes: tuple[NumberChange, ...] = ()
    others: tuple[NumberChange, ...] = ()
    for slot in step.slots:
        more = _numbers(form, _figures(slot.before, form), _figures(slot.after, form))
        votes, others = votes + more[0], others + more[1]
    photos = act.act == "corrected" and not votes and not others
    return StepChange(act, votes, others, photos)


def _totals(memory: Memory, differences: tuple[Difference, ...]) -> tuple[CandidateDelta, ...]:
    sums: dict[str, list[int]] = {}
    for each in differences:
        known = sums.setdefault(each.contest, [0] * len(each.delta))
        for index, delta in enumerate(each.delta):
            known[index] += delta
    return tuple(
        CandidateDelta(contest, candidate.number, candidate.name, delta)
        for contest, deltas in sorted(sums.items())
        for candidate, delta in zip(frame(memory, contest).contest.candidates, deltas, strict=True)
    )
