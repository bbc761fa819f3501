"""What becomes of a tally: ``tally.submitted``, ``tally.corrected``, ``tally.held``, ``tally.released``.

A tally is a function of a set: one standing event for each operator's seat, or the one event of an officer that took their place.
A seat's own events depend on nothing but that seat's, so every interleaving of two seats' streams ends equal; an officer's
correction names all events that it saw standing, and is void as stale if others stand by then.  Figures are never refused for not
adding up: rules yield findings, and the paper is the evidence.
"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from ledger.errors import Refused
from ledger.tally.acts.case import Act, Case, effect, no_needs, require_scope, void
from ledger.tally.events import TallyCorrected, TallyHeld, TallyReleased, TallySubmitted
from ledger.tally.rules import evaluate
from ledger.tally.state import (
    CONTESTS,
    FORMS,
    SLOTS,
    Change,
    Need,
    Slot,
    SlotChange,
    Standing,
    View,
    form_key,
    slot_key,
)

__all__ = ["TALLY_CORRECTED", "TALLY_HELD", "TALLY_RELEASED", "TALLY_SUBMITTED"]


def _form_needs(data: TallySubmitted | TallyCorrected) -> tuple[Need, ...]:
    return (
        (SLOTS, slot_key(data.contest, data.station, data.round)),
        (CONTESTS, data.contest.encode()),
        (FORMS, form_key(data.form.code, data.form.version)),
    )


def _state_needs(data: TallyHeld | TallyReleased) -> tuple[Need, ...]:
    return ((SLOTS, slot_key(data.contest, data.station, data.round)), (CONTESTS, data.contest.encode()))


def _slot(view: View, data: TallySubmitted | TallyCorrected | TallyHeld | TallyReleased, case: Case) -> tuple[bytes, Slot]:
    """The tally's place, within the key's area.  Stations have their slots from the day they are listed."""
    require_scope(case, data.station)
    key = slot_key(data.contest, data.station, data.round)
    slot = view.get(SLOTS, key)
    if slot is not None:
        return key, slot
    if view.get(CONTESTS, data.contest.encode()) is None:
        raise Refused("contest-unknown", "no such contest is listed", contest=data.contest)
    if data.round:
        raise Refused("round-unknown", "no revote was ordered", station=data.station, round=data.round)
    raise Refused("station-unknown", "no such station holds this contest", station=data.station, contest=data.contest)


def _standing(view: View, data: TallySubmitted | TallyCorrected, case: Case, corrects: int) -> Standing:
    """The event as one that stands, with the findings of its form; refuses figures that are not this form's."""
    contest = view.get(CONTESTS, data.contest.encode())
    if contest is None or (data.form.code, data.form.version) != (contest.form, contest.version):
        raise Refused("form-other", "the contest has another form", contest=data.contest, form=data.form.code)
    form = view.get(FORMS, form_key(data.form.code, data.form.version))
    if form is None or len(data.figures) != form.figure_count:
        raise Refused("figures-count", "the form has another number of figures", figures=len(data.figures))
    if data.agents is not UNSET and len(data.agents) != len(contest.candidates):
        raise Refused("agents-count", "one mark for each candidate's agent, in ballot order", agents=len(data.agents))
    broken = evaluate(form, data.figures).broken
    return Standing(case.event.event_id, case.at.index, case.key.role, case.key.seat, corrects, data.figures, broken)


def _past_cutoff(case: Case) -> bool:
    return any(cutoff.role == case.key.role and case.at.time >= cutoff.time for cutoff in case.election.opened.cutoffs)


def _put(key: bytes, before: Slot, after: Slot) -> Change:
    return effect((SLOTS, key, after), slots=(SlotChange(key, before, after),))


def _submit(view: View, data: TallySubmitted, case: Case) -> Change:
    key, slot = _slot(view, data, case)
    standing = _standing(view, data, case, 0)
    if _past_cutoff(case):
        return void("past-cut-off")
    if slot.decided:
        return void("already-decided")
    if case.key.role == "operator":
        if any(other.seat == standing.seat for other in slot.seats):
            return void("already-submitted")
        seats = (*slot.seats, standing)
        seats = seats if len(seats) == 1 or seats[0].seat < seats[1].seat else seats[::-1]
        return _put(key, slot, Slot(seats, (), slot.held, slot.changes))
    if slot.seats:
        return void("already-submitted")
    return _put(key, slot, Slot((), (standing,), slot.held, slot.changes))


def _correct(view: View, data: TallyCorrected, case: Case) -> Change:
    key, slot = _slot(view, data, case)
    if list(data.supersedes) != sorted(set(data.supersedes)):
        raise Refused("supersedes-order", "superseded events are named once each, in ascending order")
    own = case.key.role == "operator"
    replaced = tuple(s for s in slot.seats if s.seat == case.key.seat) if own else slot.standing
    changed = any(standing.figures != data.figures for standing in replaced)
    corrects = int(changed or any(standing.corrects for standing in replaced))
    standing = _standing(view, data, case, corrects)
    if _past_cutoff(case):
        return void("past-cut-off")
    if own and slot.decided:
        return void("already-decided")
    if not replaced:
        return void("nothing-to-correct")
    if data.supersedes != tuple(sorted(s.event for s in replaced)):
        return void("stale")
    changes = slot.changes + changed
    if own:
        seats = tuple(standing if s.seat == standing.seat else s for s in slot.seats)
        return _put(key, slot, Slot(seats, (), slot.held, changes))
    return _put(key, slot, Slot((), (standing,), slot.held, changes))


def _hold(view: View, data: TallyHeld, case: Case) -> Change:
    key, slot = _slot(view, data, case)
    if not slot.standing:
        return void("nothing-to-hold")
    if slot.held:
        return void("already-held")
    return _put(key, slot, Slot(slot.seats, slot.decided, 1, slot.changes))


def _release(view: View, data: TallyReleased, case: Case) -> Change:
    key, slot = _slot(view, data, case)
    if not slot.held:
        return void("not-held")
    return _put(key, slot, Slot(slot.seats, slot.decided, 0, slot.changes))


_SENDERS: Final = frozenset({"operator", "officer", "importer"})
_OFFICES: Final = frozenset({"officer", "importer"})

TALLY_SUBMITTED: Final = Act(_SENDERS, _form_needs, no_needs, _submit)
TALLY_CORRECTED: Final = Act(_SENDERS, _form_needs, no_needs, _correct)
TALLY_HELD: Final = Act(_OFFICES, _state_needs, no_needs, _hold)
TALLY_RELEASED: Final = Act(_OFFICES, _state_needs, no_needs, _release)
