"""Postponed and repeated votes: ``vote.postponed``, ``revote.ordered``, ``revote.withdrawn``.

A continued (PSL) or delayed (PSS) vote is the same round; only a revote annuls a round, at once and in the totals, and opens the
next one.  A certificate above then needs renewal; it goes on binding everything else.  An order that is withdrawn lets the old
round stand again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import structs

from ledger.errors import Refused
from ledger.tally.acts.case import (
    Act,
    Case,
    Digits,
    Put,
    above_needs,
    certificates_above,
    effect,
    no_more,
    require_contest,
    require_scope,
    void,
)
from ledger.tally.events import ROUND_MAX, RevoteOrdered, RevoteWithdrawn, VotePostponed
from ledger.tally.rows import Contest, Revote, Slot
from ledger.tally.signing import Opened
from ledger.tally.state import (
    CERTIFICATES,
    CONTESTS,
    ELECTION,
    REVOTES,
    SINGLE,
    SLOTS,
    Change,
    Need,
    SlotChange,
    View,
    area_key,
    slot_key,
)

__all__ = ["REVOTE_ORDERED", "REVOTE_WITHDRAWN", "VOTE_POSTPONED"]

ROUNDS: Final = range(ROUND_MAX + 1)


def _station_needs(data: RevoteOrdered | VotePostponed, digits: Digits) -> tuple[Need, ...]:
    needs: dict[Need, None] = {(CONTESTS, data.contest.encode()): None}
    for station in data.stations:
        needs |= dict.fromkeys((SLOTS, slot_key(data.contest, station, round_)) for round_ in ROUNDS)
        needs |= dict.fromkeys(above_needs(data.contest, station, digits))
    return tuple(needs)


def _rounds(view: View, contest: str, station: str) -> dict[int, Slot]:
    """The slots of a station by round."""
    found = {round_: view.get(SLOTS, slot_key(contest, station, round_)) for round_ in ROUNDS}
    return {round_: slot for round_, slot in found.items() if slot is not None}


def _stations(view: View, data: RevoteOrdered | VotePostponed, case: Case) -> list[tuple[str, int, dict[int, Slot]]]:
    """(station, its round that holds, all its slots); a gone station has round -1."""
    if list(data.stations) != sorted(set(data.stations)):
        raise Refused("rows-order", "stations ascend, each once")
    found: list[tuple[str, int, dict[int, Slot]]] = []
    for station in data.stations:
        require_scope(case, station)
        slots = _rounds(view, data.contest, station)
        if not slots:
            raise Refused("station-unknown", "no such station holds this contest", station=station, contest=data.contest)
        found.append((station, next((round_ for round_, slot in slots.items() if not slot.annulled), -1), slots))
    return found


def _station_places(view: View, data: RevoteOrdered | VotePostponed) -> tuple[bytes, ...]:
    """In the history of the round that holds before the event."""
    places: list[bytes] = []
    for station in data.stations:
        slots = _rounds(view, data.contest, station)
        current = next((round_ for round_, slot in slots.items() if not slot.annulled), None)
        if current is not None:
            places.append(slot_key(data.contest, station, current))
    return tuple(places)


def _check_day(day: str) -> None:
    try:
        datetime.date.fromisoformat(day)
    except ValueError:
        raise Refused("day-invalid", "there is no such day in the calendar", day=day) from None


# --- postponed -------------------------------------------------------------------------------------------------------------------


def _postpone(view: View, data: VotePostponed, case: Case) -> Change:
    _check_day(data.until)
    require_contest(view, data.contest)
    slots: list[SlotChange] = []
    fault = ""
    for station, current, rounds in _stations(view, data, case):
        slot = rounds.get(current)
        if slot is None:
            fault = fault or "round-annulled"
        elif data.kind == "resumed":
            fault = fault or ("" if slot.postponed else "not-postponed")
        elif slot.standing:
            fault = fault or "already-submitted"
        if slot is not None:
            mark = 0 if data.kind == "resumed" else case.at.index
            slots.append(SlotChange(slot_key(data.contest, station, current), slot, structs.replace(slot, postponed=mark)))
    return void(fault) if fault else _slots(slots)


def _slots(slots: list[SlotChange], *more: Put) -> Change:
    return effect(*((SLOTS, slot.key, slot.after) for slot in slots), *more, slots=tuple(slots))


# --- ordered ---------------------------------------------------------------------------------------------------------------------


def _order(view: View, data: RevoteOrdered, case: Case) -> Change:
    _check_day(data.day)
    contest = require_contest(view, data.contest)
    index = case.at.index
    slots: list[SlotChange] = []
    rounds: list[tuple[str, int]] = []
    fault = ""
    for station, current, known in _stations(view, data, case):
        new = max(known) + 1
        if new > ROUND_MAX:
            raise Refused("round-limit", f"a station votes at most {ROUND_MAX} times again", station=station)
        slot = known.get(current)
        if slot is None:
            fault = fault or "round-annulled"
            continue
        if slot.order and not slot.standing:
            fault = fault or "already-ordered"
        fault = fault or _bound_above(view, data, case, (contest, station))
        slots.append(
            SlotChange(slot_key(data.contest, station, current), slot, structs.replace(slot, annulled=index, changed=index))
        )
        slots.append(SlotChange(slot_key(data.contest, station, new), None, Slot.empty(index, order=index)))
        rounds.append((station, new))
    if fault:
        return void(fault)
    revote = Revote(index, case.key.scope, data.contest, tuple(rounds), data.kind, data.day, data.basis, 0)
    renewed = _renew(view, case, data.contest, data.stations, lambda _bound: 1)
    return _slots(slots, (REVOTES, case.event.event_id, revote), *renewed)


def _bound_above(view: View, data: RevoteOrdered, case: Case, at: tuple[Contest, str]) -> str:
    """An office does not annul what an office above it has certified, nor anybody what is determined, unless the court says so."""
    if data.kind == "psu-mk":
        return ""
    contest, station = at
    above = certificates_above(view, case.election, data.contest, station)
    bound = any(certificate.in_force and (len(area) < case.level or area == contest.area) for area, certificate in above)
    return "locked" if bound else ""


def _renew(view: View, case: Case, contest: str, stations: tuple[str, ...], step: Callable[[int], int]) -> tuple[Put, ...]:
    """Every certificate above the stations counts one outstanding revote more (or fewer): ``step`` of its index."""
    puts: dict[bytes, Put] = {}
    for station in stations:
        for area, certificate in certificates_above(view, case.election, contest, station):
            key = area_key(contest, area)
            if key not in puts:
                renew = max(0, certificate.renew + step(certificate.index))
                puts[key] = (CERTIFICATES, key, structs.replace(certificate, renew=renew))
    return tuple(puts.values())


# --- withdrawn -------------------------------------------------------------------------------------------------------------------


def _withdrawn_needs(data: RevoteWithdrawn, _digits: Digits) -> tuple[Need, ...]:
    return ((REVOTES, data.order),)


def _withdrawn_more(view: View, event: Opened) -> Iterator[tuple[Need, ...]]:
    election = view.get(ELECTION, SINGLE)
    revote = view.get(REVOTES, event.data.order) if isinstance(event.data, RevoteWithdrawn) else None
    if revote is None or election is None:
        return
    needs: dict[Need, None] = {}
    for station, _ in revote.rounds:
        needs |= dict.fromkeys((SLOTS, slot_key(revote.contest, station, round_)) for round_ in ROUNDS)
        needs |= dict.fromkeys(above_needs(revote.contest, station, election.digits))
    yield tuple(needs)


def _withdrawn_places(view: View, data: RevoteWithdrawn) -> tuple[bytes, ...]:
    revote = view.get(REVOTES, data.order)
    return () if revote is None else tuple(slot_key(revote.contest, station, round_) for station, round_ in revote.rounds)


def _withdraw(view: View, data: RevoteWithdrawn, case: Case) -> Change:
    revote = view.get(REVOTES, data.order)
    if revote is None:
        return void("referent-unknown")
    index = case.at.index
    slots: list[SlotChange] = []
    if not revote.scope.startswith(case.key.scope):  # an office takes back what it, or one below it, has ordered
        return void("beyond-scope")
    for station, round_ in revote.rounds:
        rounds = _rounds(view, revote.contest, station)
        new = rounds[round_]
        if revote.withdrawn:
            return void("already-withdrawn")
        if new.annulled:
            return void("round-annulled")
        above = certificates_above(view, case.election, revote.contest, station)
        if any(certificate.in_force and certificate.index > revote.index for _, certificate in above):
            return void("locked")
        old = max(before for before, slot in rounds.items() if before < round_ and slot.annulled == revote.index)
        for at, annulled in ((old, 0), (round_, index)):
            slot = rounds[at]
            after = structs.replace(slot, annulled=annulled, changed=index)
            slots.append(SlotChange(slot_key(revote.contest, station, at), slot, after))
    stations = tuple(station for station, _ in revote.rounds)
    renewed = _renew(view, case, revote.contest, stations, lambda bound: -1 if bound < revote.index else 1)
    return _slots(slots, (REVOTES, data.order, structs.replace(revote, withdrawn=index)), *renewed)


_OFFICER: Final = frozenset({"officer"})

VOTE_POSTPONED: Final = Act(_OFFICER, _station_needs, no_more, _postpone, _station_places)
REVOTE_ORDERED: Final = Act(_OFFICER, _station_needs, no_more, _order, _station_places)
REVOTE_WITHDRAWN: Final = Act(_OFFICER, _withdrawn_needs, _withdrawn_more, _withdraw, _withdrawn_places)
