"""What becomes of a tally: submitted, corrected, withdrawn, held, released; and its findings explained.

A tally is a function of a set: one standing event for each operator's seat, or the one event of an officer that took their place.
A seat's own events depend on nothing but that seat's, so every interleaving of two seats' streams ends equal; an officer's
correction names all events that it saw standing, and is void as stale if others stand by then.  Figures are never refused for not
adding up: rules yield findings, and the paper is the evidence.

Who may still change a number: an operator the own form, until it is read in the plenary or a cut-off has passed; an officer until
the own level or one above has certified; a level above over a lower certificate, with a second seat.  No single key changes a
certified number.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from msgspec import UNSET, structs

from ledger.errors import Refused
from ledger.tally.acts.case import (
    Act,
    Case,
    Digits,
    Locks,
    above_needs,
    effect,
    locks,
    mark_corrected,
    no_more,
    require_contest,
    require_scope,
    void,
)
from ledger.tally.events import (
    FindingExplained,
    TallyAttested,
    TallyCorrected,
    TallyHeld,
    TallyReleased,
    TallySubmitted,
    TallyWithdrawn,
)
from ledger.tally.rows import Contest, Explanation, Slot, Standing
from ledger.tally.rules import evaluate
from ledger.tally.state import (
    CONTESTS,
    EXPLANATIONS,
    FORMS,
    SLOTS,
    Change,
    Need,
    SlotChange,
    View,
    explanation_key,
    form_key,
    slot_key,
)

__all__ = [
    "FINDING_EXPLAINED",
    "TALLY_CORRECTED",
    "TALLY_HELD",
    "TALLY_RELEASED",
    "TALLY_SUBMITTED",
    "TALLY_WITHDRAWN",
    "find_slot",
    "slot_needs",
    "slot_places",
]

_Form = TallySubmitted | TallyCorrected
_Named = _Form | TallyWithdrawn | TallyHeld | TallyReleased | TallyAttested | FindingExplained


def slot_needs(data: _Named, digits: Digits) -> tuple[Need, ...]:
    """The slot, its contest, and the certificates above."""
    return (
        (SLOTS, slot_key(data.contest, data.station, data.round)),
        (CONTESTS, data.contest.encode()),
        *above_needs(data.contest, data.station, digits),
    )


def slot_places(_view: View, data: _Named) -> tuple[bytes, ...]:
    """The slot's history."""
    return (slot_key(data.contest, data.station, data.round),)


def _form_needs(data: _Form, digits: Digits) -> tuple[Need, ...]:
    return (*slot_needs(data, digits), (FORMS, form_key(data.form.code, data.form.version)))


def find_slot(view: View, case: Case, contest: str, station: str, round_: int) -> tuple[bytes, Contest, Slot]:
    """The tally's place, within the key's area, and its contest.  Stations have their slots from the day they are listed."""
    require_scope(case, station)
    listed = require_contest(view, contest)
    key = slot_key(contest, station, round_)
    slot = view.get(SLOTS, key)
    if slot is not None:
        return key, listed, slot
    if round_:
        raise Refused("round-unknown", "no revote was ordered", station=station, round=round_)
    raise Refused("station-unknown", "no such station holds this contest", station=station, contest=contest)


class _Found(NamedTuple):
    """The slot that an act names, its contest, and what certificates say to the act."""

    key: bytes
    code: str
    contest: Contest
    slot: Slot
    locks: Locks


def _find(view: View, data: _Named, case: Case) -> _Found:
    key, contest, slot = find_slot(view, case, data.contest, data.station, data.round)
    return _Found(key, data.contest, contest, slot, locks(view, case, contest, (data.contest, data.station), slot))


def _standing(view: View, data: _Form, case: Case, contest: Contest, corrects: int) -> Standing:
    """The event as one that stands, with the findings of its form; refuses figures that are not this form's."""
    if (data.form.code, data.form.version) != (contest.form, contest.version):
        raise Refused("form-other", "the contest has another form", contest=data.contest, form=data.form.code)
    form = view.get(FORMS, form_key(data.form.code, data.form.version))
    if form is None or len(data.figures) != form.figure_count:
        raise Refused("figures-count", "the form has another number of figures", figures=len(data.figures))
    if data.agents is not UNSET and len(data.agents) != len(contest.candidates):
        raise Refused("agents-count", "one mark for each candidate's agent, in ballot order", agents=len(data.agents))
    key = case.key
    return Standing(
        case.event.event_id,
        case.at.index,
        key.role,
        key.scope,
        key.seat,
        corrects,
        data.figures,
        evaluate(form, data.figures).broken,
    )


def _closed(case: Case, found: _Found) -> str:
    """Why the slot takes no more figures from this key; '' where it does."""
    slot = found.slot
    if slot.annulled:
        return "round-annulled"
    if not (slot.order or slot.postponed) and any(
        cutoff.role == case.key.role and case.at.time >= cutoff.time for cutoff in case.election.now.cutoffs
    ):  # a revote and a postponed vote have days of their own
        return "past-cut-off"
    if found.locks.locked:
        return "locked"
    if slot.read and case.key.role == "operator":
        return "already-read"
    return ""


def _put(case: Case, found: _Found, **changes: Any) -> Change:
    """The slot with ``changes``, as it is from now on.  Over a lower certificate only with a second seat."""
    after = structs.replace(found.slot, changed=case.at.index, **changes)
    over = found.locks.over
    return effect(
        (SLOTS, found.key, after),
        *mark_corrected(found.code, over),
        slots=(SlotChange(found.key, found.slot, after),),
        second="always" if over else "as-said",
    )


def _with_seat(slot: Slot, standing: Standing) -> tuple[Standing, ...]:
    """The seats' events with this one in its seat's place."""
    others = [other for other in slot.seats if other.seat != standing.seat]
    return tuple(sorted((*others, standing), key=lambda each: each.seat))


def _submit(view: View, data: TallySubmitted, case: Case) -> Change:
    found = _find(view, data, case)
    slot = found.slot
    standing = _standing(view, data, case, found.contest, 0)
    closed = _closed(case, found)
    if closed:
        return void(closed)
    if slot.decided:
        return void("already-decided")
    if case.key.role == "operator":
        if any(other.seat == standing.seat for other in slot.seats):
            return void("already-submitted")
        return _put(case, found, seats=_with_seat(slot, standing), withdrawn=0)
    if slot.seats:
        return void("already-submitted")
    return _put(case, found, decided=(standing,), withdrawn=0, read=0)


def _correct(view: View, data: TallyCorrected, case: Case) -> Change:
    found = _find(view, data, case)
    slot = found.slot
    if list(data.supersedes) != sorted(set(data.supersedes)):
        raise Refused("supersedes-order", "superseded events are named once each, in ascending order")
    own = case.key.role == "operator"
    replaced = tuple(s for s in slot.seats if s.seat == case.key.seat) if own else slot.standing
    changed = any(standing.figures != data.figures for standing in replaced)
    corrects = int(changed or any(standing.corrects for standing in replaced))
    standing = _standing(view, data, case, found.contest, corrects)
    closed = _closed(case, found)
    if closed:
        return void(closed)
    if own and slot.decided:
        return void("already-decided")
    if not replaced:
        return void("nothing-to-correct")
    if data.supersedes != tuple(sorted(s.event for s in replaced)):
        return void("stale")
    if _lacks_basis(data, case, found):
        return void("basis-missing")
    changes = slot.changes + changed
    if own:
        return _put(case, found, seats=_with_seat(slot, standing), changes=changes)
    return _put(case, found, seats=(), decided=(standing,), changes=changes, read=0)


def _lacks_basis(data: TallyCorrected, case: Case, found: _Found) -> bool:
    """Whether an office of a level above the first plenary corrects what that plenary has not certified, and names no basis: then
    there is no reading to rest on, so the photo or another document must be named.  A new round, and what was reopened, is not
    certified."""
    if not case.election.now.powers or case.key.role == "operator" or data.basis is not UNSET:
        return False
    first = max((level.digits for level in case.election.opened.levels if level.code in found.contest.certifying), default=0)
    return case.level < first and all(area != data.station[:first] for area, _ in found.locks.over)


def _withdraw(view: View, data: TallyWithdrawn, case: Case) -> Change:
    found = _find(view, data, case)
    slot = found.slot
    if list(data.withdraws) != sorted(set(data.withdraws)):
        raise Refused("supersedes-order", "withdrawn events are named once each, in ascending order")
    closed = _closed(case, found)
    if closed:
        return void(closed)
    own = case.key.role == "operator"
    if own and slot.decided:
        return void("already-decided")
    gone = tuple(s for s in slot.seats if s.seat == case.key.seat) if own else slot.standing
    if not gone:
        return void("nothing-to-withdraw")
    if data.withdraws != tuple(sorted(s.event for s in gone)):
        return void("stale")
    left = tuple(s for s in slot.seats if s not in gone)
    withdrawn = 0 if left else case.at.index
    return _put(case, found, seats=left, decided=(), changes=slot.changes + 1, read=0, withdrawn=withdrawn)


def _hold(view: View, data: TallyHeld, case: Case) -> Change:
    found = _find(view, data, case)
    stopped = _stopped(found)
    if stopped:
        return void(stopped)
    if not found.slot.standing:
        return void("nothing-to-hold")
    if found.slot.held:
        return void("already-held")
    return _put(case, found, held=1)


def _release(view: View, data: TallyReleased, case: Case) -> Change:
    found = _find(view, data, case)
    stopped = _stopped(found)
    if stopped:
        return void(stopped)
    if not found.slot.held:
        return void("not-held")
    return _put(case, found, held=0)


def _stopped(found: _Found) -> str:
    """Holding acts at once and alone, so it never reaches what is certified, at whatever level."""
    if found.slot.annulled:
        return "round-annulled"
    return "locked" if found.locks.locked or found.locks.over else ""


# --- findings explained ----------------------------------------------------------------------------------------------------------


def _explain_needs(data: FindingExplained, digits: Digits) -> tuple[Need, ...]:
    slot = slot_key(data.contest, data.station, data.round)
    return (*slot_needs(data, digits), *((EXPLANATIONS, explanation_key(slot, code)) for code in data.findings))


def _explain(view: View, data: FindingExplained, case: Case) -> Change:
    key, _contest, slot = find_slot(view, case, data.contest, data.station, data.round)
    standing = next((s for s in slot.standing if s.event == data.event), None)
    if standing is None:
        return void("stale")
    own = case.key.role == "operator"
    if own and (standing.role, standing.seat) != ("operator", case.key.seat):
        return void("not-own-form")
    if any(code not in standing.broken for code in data.findings):
        return void("finding-unknown")
    said = Explanation(case.at.index, data.event, case.key.role, case.key.scope, case.key.seat, data.reason)
    return effect(*((EXPLANATIONS, explanation_key(key, code), said) for code in dict.fromkeys(data.findings)))


_SENDERS: Final = frozenset({"operator", "officer", "importer"})
_OFFICES: Final = frozenset({"officer", "importer"})

TALLY_SUBMITTED: Final = Act(_SENDERS, _form_needs, no_more, _submit, slot_places)
TALLY_CORRECTED: Final = Act(_SENDERS, _form_needs, no_more, _correct, slot_places)
TALLY_WITHDRAWN: Final = Act(_SENDERS, slot_needs, no_more, _withdraw, slot_places)
TALLY_HELD: Final = Act(_OFFICES, slot_needs, no_more, _hold, slot_places)
TALLY_RELEASED: Final = Act(_OFFICES, slot_needs, no_more, _release, slot_places)
FINDING_EXPLAINED: Final = Act(frozenset({"operator", "officer"}), _explain_needs, no_more, _explain, slot_places)
