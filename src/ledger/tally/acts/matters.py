"""The paper's witnesses: ``tally.attested``, objections, recommendations and incidents.

What party agents and supervisors say is kept, counted and shown, and can neither change a total nor make another's act fail.  An
open objection blocks nothing.  So nothing here reads what a tally is, beyond that it exists, and nothing elsewhere reads the rows
of this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import UNSET, structs

from ledger.errors import Refused
from ledger.tally.acts.case import Act, Case, Digits, effect, no_more, require_contest, require_scope, void
from ledger.tally.acts.plenaries import certifying_lengths
from ledger.tally.acts.tallies import find_slot, slot_needs, slot_places
from ledger.tally.events import (
    IncidentRecorded,
    ObjectionRaised,
    ObjectionSettled,
    RecommendationAnswered,
    RecommendationIssued,
    TallyAttested,
)
from ledger.tally.rows import Attestation, Contest, Election, Incident, Objection, Recommendation
from ledger.tally.signing import Opened
from ledger.tally.state import (
    AREAS,
    ATTESTATIONS,
    CONTESTS,
    ELECTION,
    FORMS,
    INCIDENTS,
    OBJECTIONS,
    RECOMMENDATIONS,
    SINGLE,
    SLOTS,
    Change,
    Need,
    View,
    area_place,
    attestation_key,
    form_key,
    slot_key,
)

__all__ = [
    "INCIDENT_RECORDED",
    "OBJECTION_RAISED",
    "OBJECTION_SETTLED",
    "RECOMMENDATION_ANSWERED",
    "RECOMMENDATION_ISSUED",
    "TALLY_ATTESTED",
]


# --- attested --------------------------------------------------------------------------------------------------------------------


def _attested_more(view: View, event: Opened) -> Iterator[tuple[Need, ...]]:
    data = event.data
    contest = view.get(CONTESTS, data.contest.encode()) if isinstance(data, TallyAttested) else None
    if contest is not None:
        yield ((FORMS, form_key(contest.form, contest.version)),)


def _attest(view: View, data: TallyAttested, case: Case) -> Change:
    """The last word of each attester on a tally.  The event it names may be superseded by now, or be none of this tally's: views
    say so, for it is no fault that others acted meanwhile."""
    key, contest, _slot = find_slot(view, case, data.contest, data.station, data.round)
    figures = () if data.figures is UNSET else data.figures
    form = view.get(FORMS, form_key(contest.form, contest.version))
    if data.figures is not UNSET and (form is None or len(figures) != form.figure_count):
        raise Refused("figures-count", "the form has another number of figures", figures=len(figures))
    who = case.key
    said = Attestation(case.at.index, data.event, who.role, who.by, figures)
    return effect((ATTESTATIONS, attestation_key(key, who.role, who.scope, who.seat), said))


# --- objections ------------------------------------------------------------------------------------------------------------------


def _place_needs(data: ObjectionRaised | IncidentRecorded, _digits: Digits) -> tuple[Need, ...]:
    contest = "" if data.contest is UNSET else data.contest
    return (AREAS, data.code.encode()), (CONTESTS, contest.encode())


def _place_of(election: Election | None, contest: str, code: str) -> bytes:
    """A station's matters are in the history of its tally, whatever its round; an area's in the area's."""
    if election is not None and contest and election.is_station(code):
        return slot_key(contest, code, 0)
    return area_place(contest, code)


def _raised_places(view: View, data: ObjectionRaised | IncidentRecorded) -> tuple[bytes, ...]:
    return (_place_of(view.get(ELECTION, SINGLE), "" if data.contest is UNSET else data.contest, data.code),)


def _require_place(view: View, case: Case, contest: str, code: str) -> Contest:
    listed = require_contest(view, contest)
    _require_area(view, case, code)
    if not code.startswith(listed.area):
        raise Refused("contest-unknown", "the contest is not held there", contest=contest, area=code)
    return listed


def _require_area(view: View, case: Case, code: str) -> None:
    require_scope(case, code)
    if code and view.get(AREAS, code.encode()) is None:
        raise Refused("area-unknown", "no such area or station is listed", area=code)


def _raise(view: View, data: ObjectionRaised, case: Case) -> Change:
    """It is settled first at the level that certifies the place: for a station the first plenary's."""
    contest = _require_place(view, case, data.contest, data.code)
    lengths = certifying_lengths(case.election, contest)
    level = max(
        length for length in lengths if length <= len(data.code)
    )  # there is one: the deciding level is the contest's area's
    who = case.key
    event = () if data.event is UNSET else (data.event,)
    raised = Objection(
        case.at.index,
        data.contest,
        data.code,
        event,
        data.ground,
        who.role,
        who.scope,
        who.seat,
        who.by,
        level,
        "",
        0,
    )
    return effect((OBJECTIONS, case.event.event_id, raised))


def _settled_needs(data: ObjectionSettled, _digits: Digits) -> tuple[Need, ...]:
    return ((OBJECTIONS, data.objection),)


def _settled_more(view: View, event: Opened) -> Iterator[tuple[Need, ...]]:
    data = event.data
    objection = view.get(OBJECTIONS, data.objection) if isinstance(data, ObjectionSettled) else None
    if objection is None or not isinstance(data, ObjectionSettled):
        return
    slots = ((SLOTS, slot_key(objection.contest, row.code, row.round)) for row in data.corrections)
    yield (CONTESTS, objection.contest.encode()), *slots


def _settled_places(view: View, data: ObjectionSettled) -> tuple[bytes, ...]:
    objection = view.get(OBJECTIONS, data.objection)
    return () if objection is None else (_place_of(view.get(ELECTION, SINGLE), objection.contest, objection.code),)


def _settle(view: View, data: ObjectionSettled, case: Case) -> Change:
    """By the office of the level at which it is open; withdrawn by the seat that raised it, and by nobody else.  A withdrawal binds
    that seat alone: the office may settle all the same, or the one who withdraws could make its act void."""
    if (data.outcome == "accepted") != bool(data.corrections):
        raise Refused("corrections-wrong", "an accepted objection names the events that correct, any other outcome none")
    if (data.outcome == "withdrawn") == (case.key.role == "officer"):
        raise Refused("role-not-entitled", "who raised an objection withdraws it, an officer settles it", role=case.key.role)
    objection = view.get(OBJECTIONS, data.objection)
    if objection is None:
        return void("referent-unknown")
    who = case.key
    if objection.outcome and (objection.outcome != "withdrawn" or who.role != "officer"):
        return void("already-settled")
    if data.outcome == "withdrawn":
        if (who.role, who.scope, who.seat) != (objection.role, objection.scope, objection.seat):
            return void("not-own-objection")
        return _closed(data, case, objection)
    if not objection.code.startswith(who.scope):
        return void("beyond-scope")
    if case.level != objection.level:
        return void("objection-other-level")
    for row in data.corrections:
        slot = view.get(SLOTS, slot_key(objection.contest, row.code, row.round))
        if slot is None or not row.code.startswith(objection.code):
            return void("referent-unknown")
        if row.event not in [standing.event for standing in slot.standing]:
            return void("stale")
    if data.outcome != "carried":
        return _closed(data, case, objection)
    contest = view.get(CONTESTS, objection.contest.encode())
    lengths = () if contest is None else certifying_lengths(case.election, contest)
    above = max((length for length in lengths if length < objection.level), default=-1)
    if above < 0:
        return void("no-level-above")
    return effect((OBJECTIONS, data.objection, structs.replace(objection, level=above)))


def _closed(data: ObjectionSettled, case: Case, objection: Objection) -> Change:
    settled = structs.replace(objection, outcome=data.outcome, settled=case.at.index)
    return effect((OBJECTIONS, data.objection, settled))


# --- recommendations -------------------------------------------------------------------------------------------------------------


def _issued_needs(data: RecommendationIssued, _digits: Digits) -> tuple[Need, ...]:
    return (CONTESTS, data.contest.encode()), *((AREAS, code.encode()) for code in data.codes)


def _issued_places(view: View, data: RecommendationIssued) -> tuple[bytes, ...]:
    election = view.get(ELECTION, SINGLE)
    return tuple(_place_of(election, data.contest, code) for code in dict.fromkeys(data.codes))


def _issue(view: View, data: RecommendationIssued, case: Case) -> Change:
    if list(data.codes) != sorted(set(data.codes)):
        raise Refused("rows-order", "stations and areas ascend, each once")
    for code in data.codes:
        _require_place(view, case, data.contest, code)
    issued = Recommendation(
        case.at.index,
        data.contest,
        data.kind,
        data.number,
        data.ground,
        data.codes,
        data.deadline,
        case.key.scope,
        case.key.seat,
        "",
        0,
    )
    return effect((RECOMMENDATIONS, case.event.event_id, issued))


def _answered_needs(data: RecommendationAnswered, _digits: Digits) -> tuple[Need, ...]:
    return ((RECOMMENDATIONS, data.recommendation),)


def _answered_places(view: View, data: RecommendationAnswered) -> tuple[bytes, ...]:
    issued = view.get(RECOMMENDATIONS, data.recommendation)
    if issued is None:
        return ()
    election = view.get(ELECTION, SINGLE)
    return tuple(_place_of(election, issued.contest, code) for code in issued.codes)


def _answer(view: View, data: RecommendationAnswered, case: Case) -> Change:
    """By an office that all of the stations lie under."""
    if (data.answer == "executed") != bool(data.events):
        raise Refused("events-wrong", "an executed recommendation names the events that carry it out, a refused one none")
    issued = view.get(RECOMMENDATIONS, data.recommendation)
    if issued is None:
        return void("referent-unknown")
    if issued.answer:
        return void("already-answered")
    if any(not code.startswith(case.key.scope) for code in issued.codes):
        return void("beyond-scope")
    answered = structs.replace(issued, answer=data.answer, answered=case.at.index)
    return effect((RECOMMENDATIONS, data.recommendation, answered))


# --- incidents -------------------------------------------------------------------------------------------------------------------


def _record(view: View, data: IncidentRecorded, case: Case) -> Change:
    contest = "" if data.contest is UNSET else data.contest
    if contest:
        _require_place(view, case, contest, data.code)
    else:
        _require_area(view, case, data.code)
    who = case.key
    return effect((INCIDENTS, case.event.event_id, Incident(contest, data.code, data.kind, who.role, who.scope, who.seat)))


_WATCHERS: Final = frozenset({"agent", "supervisor"})
_OFFICER: Final = frozenset({"officer"})
_ANYBODY: Final = _WATCHERS | {"officer", "operator"}

TALLY_ATTESTED: Final = Act(_WATCHERS, slot_needs, _attested_more, _attest, slot_places)
OBJECTION_RAISED: Final = Act(_WATCHERS, _place_needs, no_more, _raise, _raised_places)
OBJECTION_SETTLED: Final = Act(_WATCHERS | _OFFICER, _settled_needs, _settled_more, _settle, _settled_places)
RECOMMENDATION_ISSUED: Final = Act(frozenset({"supervisor"}), _issued_needs, no_more, _issue, _issued_places)
RECOMMENDATION_ANSWERED: Final = Act(_OFFICER, _answered_needs, no_more, _answer, _answered_places)
INCIDENT_RECORDED: Final = Act(_ANYBODY, _place_needs, no_more, _record, _raised_places)
