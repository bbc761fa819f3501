"""A second opinion on a governed election: what acts on tallies and recaps are told and do.  Written from design.md section 6.

``Acts.answer`` predicts: ``ok``, ``pending``, ``void ...``, ``refused ...`` or ``waiting ...``, and follows what it said.  Each
``on_<type>`` gives either such a word or an ``Effect``, which changes nothing until it is taken: so that an act can be tried by
its proposer, and again by who approves it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from ..governed import POWERS, SECOND_SEATS
from .naive_election import CONTESTS, FIRST_PLENARY, LEVELS, Form, Order, Person, Round, Shown, Signed, Waiting, broken

OFFICER = ("officer",)
SENDERS = ("importer", "officer", "operator")
ROLES = {
    "tally_submitted": SENDERS,
    "tally_corrected": SENDERS,
    "tally_withdrawn": SENDERS,
    "tally_held": ("importer", "officer"),
    "tally_released": ("importer", "officer"),
    "finding_explained": ("officer", "operator"),
    "tally_attested": ("agent", "supervisor"),
    "objection_raised": ("agent", "supervisor"),
    "objection_settled": ("agent", "officer", "supervisor"),
    "recommendation_issued": ("supervisor",),
    "recommendation_answered": OFFICER,
    "incident_recorded": ("agent", "officer", "operator", "supervisor"),
    "recap_read": OFFICER,
    "recap_certified": OFFICER,
    "recap_reopened": OFFICER,
    "revote_ordered": OFFICER,
    "revote_withdrawn": OFFICER,
    "vote_postponed": OFFICER,
    "candidate_changed": OFFICER,
    "jurisdictions_amended": ("administrator",),
    "keys_enrolled": ("registrar",),
    "key_rotated": ("administrator", "agent", "importer", "officer", "operator", "registrar", "supervisor"),
    "key_revoked": ("registrar", "root"),
    "election_amended": ("root",),
    "approved": ("administrator", "agent", "importer", "officer", "operator", "registrar", "root", "supervisor"),
}


@dataclass
class Effect:
    """What an act would do.  ``second``: as the manifest ``said``, ``always``, ``never``."""

    take: Callable[[], None]
    second: str = "said"


Plan = Effect | str


class Acts(Shown):
    """``answer`` predicts what an act will be told, and follows it."""

    def answer(self, point: bytes, position: int, event: bytes, data: Any) -> str:
        """For an act that is the next of its stream, at index ``now``."""
        person = self.people.get(point)
        if person is None:
            return "waiting key-unknown"
        dead = self.dead(point, position)
        if dead:
            return dead
        if person.revoked:
            return "void key-revoked"
        kind = _kind(data)
        refused = self._powers(person, kind, data)
        if refused:
            return refused
        plan = self._plan(kind, person, point, event, data)
        if isinstance(plan, str):
            return plan
        said = person.role != "operator" and kind.replace("_", ".") in SECOND_SEATS
        if plan.second == "always" or (plan.second == "said" and said):
            self.waiting[event] = Waiting(point, kind, data, self.time)
            return "pending"
        plan.take()
        return "ok"

    def dead(self, point: bytes, position: int) -> str:
        """Why the key's events are refused whatever they say; '' where they are not."""
        person = self.people.get(point)
        if person is not None and person.revoked:
            return "" if person.last_good is not None and position <= person.last_good else "refused key-revoked"
        return "refused key-retired" if person is not None and person.after else ""

    @staticmethod
    def _powers(person: Person, kind: str, data: Any) -> str:
        if person.role not in ROLES[kind]:
            return "refused role-not-entitled"
        if person.role in ("operator", "root") or (kind == "objection_settled" and person.role != "officer"):
            return ""
        for act, levels, basis in ((power.act, power.levels, power.basis) for power in POWERS):
            if act == kind.replace("_", "."):
                if LEVELS.get(person.level) not in levels:
                    return "refused level-not-entitled"
                if basis and getattr(data, "basis", msgspec.UNSET) is msgspec.UNSET:
                    return "refused basis-missing"
        return ""

    def _plan(self, kind: str, person: Person, point: bytes, event: bytes, data: Any) -> Plan:
        plan: Plan = getattr(self, f"on_{kind}")(person, point, event, data)
        return plan

    # --- tallies -------------------------------------------------------------------------------------------------------------

    def _round(self, person: Person, data: Any) -> Round | str:
        if not data.station.startswith(person.scope):
            return "refused beyond-scope"
        rounds = self.rounds.get((data.contest, data.station), [])
        if data.round < len(rounds):
            return rounds[data.round]
        return "refused round-unknown" if data.round else "refused station-unknown"

    def _locks(self, person: Person, contest: str, station: str, each: Round) -> tuple[bool, list[Signed]]:
        """Whether a certificate locks it for this person; if not, the lower certificates over which the act would be."""
        over: list[Signed] = []
        for area, signed in self.above(contest, station):
            if signed.binds(station, each.opened):
                if len(area) <= person.level or len(area) == CONTESTS[contest]["decides"]:
                    return True, []
                over.append(signed)
        return False, over

    def _closed(self, person: Person, each: Round, locked: bool) -> str:
        if each.annulled:
            return "void round-annulled"
        own_day = each.order or each.postponed
        if person.role == "operator" and self.cutoff is not None and self.time >= self.cutoff and not own_day:
            return "void past-cut-off"
        if locked:
            return "void locked"
        return "void already-read" if each.read and person.role == "operator" else ""

    def _change(self, over: list[Signed], each: Round, take: Callable[[], None]) -> Effect:
        def effect() -> None:
            take()
            each.changed = self.now
            for signed in over:
                signed.corrected += 1

        return Effect(effect, "always" if over else "said")

    def on_tally_submitted(self, person: Person, _point: bytes, event: bytes, data: Any) -> Plan:
        each = self._round(person, data)
        if isinstance(each, str):
            return each
        locked, over = self._locks(person, data.contest, data.station, each)
        closed = self._closed(person, each, locked)
        if closed:
            return closed
        if each.office:
            return "void already-decided"
        form = Form(event, data.figures, person.role, person.seat, corrects=False)
        if person.role == "operator":
            if person.seat in each.seats:
                return "void already-submitted"
            return self._change(over, each, lambda: each.seats.update({person.seat: form}))
        if each.seats:
            return "void already-submitted"

        def enter() -> None:
            each.office, each.read = form, False

        return self._change(over, each, enter)

    def on_tally_corrected(self, person: Person, _point: bytes, event: bytes, data: Any) -> Plan:
        each = self._round(person, data)
        if isinstance(each, str):
            return each
        own = person.role == "operator"
        old = [form for form in each.seats.values() if form.seat == person.seat] if own else each.standing()
        locked, over = self._locks(person, data.contest, data.station, each)
        closed = self._closed(person, each, locked)
        if closed:
            return closed
        if own and each.office:
            return "void already-decided"
        if not old:
            return "void nothing-to-correct"
        if {form.id for form in old} != set(data.supersedes):
            return "void stale"
        early = not any(signed is self.certificates.get((data.contest, data.station[:FIRST_PLENARY])) for signed in over)
        if person.role != "operator" and person.level < FIRST_PLENARY and early and data.basis is msgspec.UNSET:
            return "void basis-missing"
        numbers = any(form.figures != data.figures for form in old)
        form = Form(event, data.figures, person.role, person.seat, corrects=numbers or any(each.corrects for each in old))

        def correct() -> None:
            each.changes += numbers
            if own:
                each.seats[person.seat] = form
            else:
                each.seats, each.office, each.read = {}, form, False

        return self._change(over, each, correct)

    def on_tally_withdrawn(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        each = self._round(person, data)
        if isinstance(each, str):
            return each
        locked, over = self._locks(person, data.contest, data.station, each)
        closed = self._closed(person, each, locked)
        if closed:
            return closed
        own = person.role == "operator"
        if own and each.office:
            return "void already-decided"
        gone = [form for form in each.seats.values() if form.seat == person.seat] if own else each.standing()
        if not gone:
            return "void nothing-to-withdraw"
        if {form.id for form in gone} != set(data.withdraws):
            return "void stale"

        def withdraw() -> None:
            each.seats = {seat: form for seat, form in each.seats.items() if form not in gone}
            each.office, each.read = None, False
            each.changes += 1

        return self._change(over, each, withdraw)

    def on_tally_held(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        return self._hold(person, data, held=True)

    def on_tally_released(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        return self._hold(person, data, held=False)

    def _hold(self, person: Person, data: Any, *, held: bool) -> Plan:
        each = self._round(person, data)
        if isinstance(each, str):
            return each
        if each.annulled:
            return "void round-annulled"
        locked, over = self._locks(person, data.contest, data.station, each)
        if locked or over:
            return "void locked"
        if held and not each.standing():
            return "void nothing-to-hold"
        if held == each.held:
            return "void already-held" if held else "void not-held"
        return self._change([], each, lambda: setattr(each, "held", held))

    def on_finding_explained(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        each = self._round(person, data)
        if isinstance(each, str):
            return each
        form = next((form for form in each.standing() if form.id == data.event), None)
        if form is None:
            return "void stale"
        if person.role == "operator" and (form.role, form.seat) != ("operator", person.seat):
            return "void not-own-form"
        return Effect(_nothing) if set(data.findings) <= set(broken(form.figures)) else "void finding-unknown"

    # --- plenaries -----------------------------------------------------------------------------------------------------------

    def on_recap_read(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        marks: list[Round | Signed] = []
        fault = ""
        for row in data.rows:
            if not row.code.startswith(person.scope):
                return "refused beyond-scope"
            read = self._read_form if len(row.code) == 13 else self._read_recap
            found = read(person, data.contest, row)
            if isinstance(found, str) and found.startswith("refused"):
                return found
            if isinstance(found, str):
                fault = fault or found
            elif isinstance(found, Round) or person.level == self.next_above(data.contest, row.code):
                marks.append(found)
        return fault or Effect(lambda: [setattr(mark, "read", True) for mark in marks] and None)

    def _read_form(self, person: Person, contest: str, row: Any) -> Round | str:
        rounds = self.rounds.get((contest, row.code), [])
        if row.round >= len(rounds):
            return "refused station-unknown"
        each = rounds[row.round]
        if each.annulled:
            return "void round-annulled"
        if self._locks(person, contest, row.code, each)[0]:
            return "void locked"
        if row.event not in [form.id for form in each.standing()]:
            return "void stale"
        return "void not-readable" if each.state() in ("held", "differing") else each

    def _read_recap(self, person: Person, contest: str, row: Any) -> Signed | str:
        if len(row.code) not in CONTESTS[contest]["certify"] or person.level >= len(row.code):
            return "refused level-not-certifying"
        signed = self.certificates.get((contest, row.code))
        if signed is None:
            return "void certificate-unknown"
        if signed.id != row.event:
            return "void stale"
        return signed if signed.holds else "void certificate-not-in-force"

    def _office(self, person: Person, data: Any) -> str:
        if not data.area.startswith(person.scope):
            return "refused beyond-scope"
        if person.level != len(data.area):
            return "refused level-not-entitled"
        certifies = len(data.area) in CONTESTS[data.contest]["certify"] and data.area.startswith(CONTESTS[data.contest]["area"])
        return "" if certifies else "refused level-not-certifying"

    def on_recap_certified(self, person: Person, _point: bytes, event: bytes, data: Any) -> Plan:
        refused = self._office(person, data)
        if refused:
            return refused
        for area, signed in self.above(data.contest, data.area):
            if signed.holds:
                return "void already-certified" if area == data.area else "void locked"
        rounds = [each for key, each in self.rounds.items() if key[0] == data.contest and key[1].startswith(data.area)]
        if not self.live(data.contest, data.area):
            return "void nothing-to-certify"
        if data.size > self.now:
            return "void size-beyond-log"
        if max(one.changed for each in rounds for one in each) >= data.size:
            return "void stale"
        sums = self.total(data.contest, data.area)[0]
        if list(data.sums) != sums or data.commitment != self.commitment(data.contest, data.area):
            return "void certificate-differs"
        missing, unread = self.missing(data.contest, data.area)
        if [row.code for row in data.missing] != missing:
            return "void missing-differs"
        if unread:
            return "void not-read"
        return Effect(lambda: self.certificates.update({(data.contest, data.area): Signed(event, self.now)}))

    def on_recap_reopened(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        refused = self._office(person, data)
        if refused:
            return refused
        if any(signed.holds for area, signed in self.above(data.contest, data.area) if area != data.area):
            return "void locked"
        signed = self.certificates.get((data.contest, data.area))
        if signed is None:
            return "void certificate-unknown"
        if signed.id != data.certificate:
            return "void stale"
        if signed.reopened is not None:
            return "void already-reopened"

        def reopen() -> None:
            signed.reopened, signed.read = data.stations, False

        return Effect(reopen)

    # --- revotes -------------------------------------------------------------------------------------------------------------

    def _stations(self, person: Person, data: Any) -> str:
        for station in data.stations:
            if not station.startswith(person.scope):
                return "refused beyond-scope"
            if (data.contest, station) not in self.rounds:
                return "refused station-unknown"
        return ""

    def _current(self, contest: str, station: str) -> Round | None:
        return next((each for each in self.rounds[contest, station] if not each.annulled), None)

    def on_vote_postponed(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        refused = self._stations(person, data)
        if refused:
            return refused
        rounds = [self._current(data.contest, station) for station in data.stations]
        for each in rounds:
            if each is None:
                return "void round-annulled"
            if data.kind == "resumed" and not each.postponed:
                return "void not-postponed"
            if data.kind != "resumed" and each.standing():
                return "void already-submitted"
        return Effect(lambda: [setattr(each, "postponed", data.kind != "resumed") for each in rounds] and None)

    def on_revote_ordered(self, person: Person, _point: bytes, event: bytes, data: Any) -> Plan:
        refused = self._stations(person, data)
        if refused:
            return refused
        fault = ""
        for station in data.stations:
            if len(self.rounds[data.contest, station]) == 10:
                return "refused round-limit"
            each = self._current(data.contest, station)
            if each is None:
                fault = fault or "void round-annulled"
                continue
            if each.order and not each.standing():
                fault = fault or "void already-ordered"
            bound = [area for area, signed in self.above(data.contest, station) if signed.holds]
            top = CONTESTS[data.contest]["decides"]
            if data.kind == "psu" and any(len(area) < person.level or len(area) == top for area in bound):
                fault = fault or "void locked"
        if fault:
            return fault

        def order() -> None:
            opened = []
            for station in data.stations:
                each = self._current(data.contest, station)
                assert each is not None
                each.annulled = each.changed = self.now
                rounds = self.rounds[data.contest, station]
                opened.append((station, len(rounds)))
                rounds.append(Round(self.now, self.now, order=True))
            self.orders[event] = Order(self.now, person.scope, data.contest, opened)
            self._renew(self.orders[event], lambda _signed: 1)

        return Effect(order)

    def _renew(self, order: Order, step: Callable[[Signed], int]) -> None:
        """Every certificate above any of the stations, once each."""
        found = {area: signed for station, _ in order.rounds for area, signed in self.above(order.contest, station)}
        for signed in found.values():
            signed.renew = max(0, signed.renew + step(signed))

    def on_revote_withdrawn(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        order = self.orders.get(data.order)
        if order is None:
            return "void referent-unknown"
        if not order.scope.startswith(person.scope):
            return "void beyond-scope"
        for station, number in order.rounds:
            if order.withdrawn:
                return "void already-withdrawn"
            if self.rounds[order.contest, station][number].annulled:
                return "void round-annulled"
            if any(signed.holds and signed.index > order.index for _, signed in self.above(order.contest, station)):
                return "void locked"

        def withdraw() -> None:
            order.withdrawn = True
            for station, number in order.rounds:
                rounds = self.rounds[order.contest, station]
                old = [each for each in rounds[:number] if each.annulled == order.index][-1]
                old.annulled, rounds[number].annulled = 0, self.now
                old.changed = rounds[number].changed = self.now
            self._renew(order, lambda signed: -1 if signed.index < order.index else 1)

        return Effect(withdraw)


def _nothing() -> None:
    """What is said and changes nothing that this model shows."""


def _kind(data: Any) -> str:
    """``TallySubmitted`` -> ``tally_submitted``."""
    name = type(data).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
