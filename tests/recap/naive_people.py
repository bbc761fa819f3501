"""A second opinion on a governed election: approvals, keys, what watchers say, and what changes of the election itself."""

from __future__ import annotations

from typing import Any

import msgspec

from ..governed import BODIES, PEOPLE, SECOND_OF, Governed
from ..world import AREAS, STATIONS
from .naive_acts import Acts, Effect, Plan
from .naive_election import CONTESTS, Matter, Person, Waiting

DAY_MS = 24 * 60 * 60 * 1000
ROTATIONS = 8
CODES = {area.code for area in AREAS}


class Naive(Acts):
    """The whole model, after the founding of ``governed``."""

    def __init__(self, world: Governed) -> None:
        super().__init__()

        def hire(name: str, person: Person) -> None:
            self.people[world.key(name).point] = person

        for name in ("root-1", "root-2"):
            hire(name, Person("root", "", name))
        for body, roles in BODIES.items():
            hire(body, Person("registrar", "", body, enrols=roles))
        for body in ("pair-1-b", "pair-2-b"):
            hire(body, Person("registrar", "", body, enrols=("agent",)))
        for name, (role, scope, seat, by) in PEOPLE.items():
            enrols = ("operator",) if role == "registrar" else ()
            hire(name, Person(role, scope, seat, enrols=enrols, by=by, second=SECOND_OF.get(by, f"{by}-b")))
        for station in STATIONS:
            for seat in ("1", "2"):
                hire(f"{station}/{seat}", Person("operator", station, seat, by="commission-1"))

    # --- approvals -----------------------------------------------------------------------------------------------------------

    def on_approved(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        waiting = self.waiting.get(data.event)
        if waiting is None:
            return "void referent-unknown"
        if waiting.state == "done":
            return "void already-approved"
        proposer = self.people[waiting.by]
        if person.chair == proposer.chair:
            return "void self-approval"
        if waiting.state == "review":
            return self._review(person, waiting)
        if self.time - waiting.time > DAY_MS:
            return "void approval-late"
        own: Plan = self._powers(person, waiting.kind, waiting.data)
        own = own or self._plan(waiting.kind, person, waiting.by, data.event, waiting.data)
        if isinstance(own, str) and own.startswith("refused"):
            return "void approver-not-entitled"
        if proposer.revoked:
            return "void proposer-revoked"
        plan = self._plan(waiting.kind, proposer, waiting.by, data.event, waiting.data)
        if isinstance(plan, str):
            return plan.replace("refused", "void")
        if isinstance(own, str):
            return "void approver-not-entitled"
        effect = plan

        def approve() -> None:
            self.approver = person.seat
            effect.take()
            self.approver = ""
            waiting.state = "done"

        return Effect(approve, "never")

    def _review(self, person: Person, waiting: Waiting) -> Plan:
        """A replacement made by one seat alone: looked at by another that could have made it."""
        rows = waiting.data.keys
        if person.role != "registrar" or not all(row.role in person.enrols and row.scope.startswith(person.scope) for row in rows):
            return "void approver-not-entitled"
        return Effect(lambda: setattr(waiting, "state", "done"), "never")

    # --- keys ----------------------------------------------------------------------------------------------------------------

    def _sitting(self, chair: tuple[str, str, str]) -> list[Person]:
        """Who has, or had, the seat."""
        return [other for other in self.people.values() if other.chair == chair]

    def on_keys_enrolled(self, person: Person, point: bytes, event: bytes, data: Any) -> Plan:
        """One row; from the voting day on a replaced operator's key acts at once and is reviewed later."""
        (row,) = data.keys
        chair = (row.role, row.scope, row.seat)
        if row.role not in person.enrols:
            return "refused registrar-other-role"
        if not row.scope.startswith(person.scope):
            return "refused beyond-scope"
        if row.scope and row.scope not in CODES | set(self.stations):
            return "refused area-unknown"
        if row.point in self.people:
            return "refused point-enrolled"
        if any(not other.revoked and not other.after for other in self._sitting(chair)):
            return "refused seat-taken"
        replacement = row.role == "operator" and bool(self._sitting(chair))

        def enrol() -> None:
            self.people[row.point] = Person(*chair, enrols=("operator",) if row.role == "registrar" else (), by=person.seat)
            self.people[row.point].second = self.approver
            if replacement:
                self.waiting[event] = Waiting(point, "keys_enrolled", data, self.time, "review")

        return Effect(enrol, "never" if replacement else "said")

    def on_key_rotated(self, person: Person, point: bytes, _event: bytes, data: Any) -> Plan:
        if data.seat != person.seat:
            return "refused seat-other"
        if data.point in self.people:
            return "refused point-enrolled"
        if len(person.before) == ROTATIONS:
            return "refused rotations-limit"

        def rotate() -> None:
            new = Person(*person.chair, enrols=person.enrols, by=person.by, second=person.second, before=[*person.before, point])
            for earlier in new.before:
                self.people[earlier].after.append(data.point)
            self.people[data.point] = new

        return Effect(rotate)

    def on_key_revoked(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        target = self.people.get(data.key)
        if target is None:
            return "void key-not-enrolled"
        delegate = target.role == "registrar" and target.by != ""
        may = target.role == "registrar" if person.role == "root" else target.role in person.enrols
        may = may and (target.role != "agent" or person.seat in (target.by, target.second))
        if not may or (person.role != "root" and target.role == "registrar" and not delegate):
            return "refused registrar-other-role"
        if not target.scope.startswith(person.scope):
            return "refused beyond-scope"
        if target.revoked:
            return "void key-already-revoked"

        def revoke() -> None:
            target.revoked = True
            target.last_good = data.last_good if isinstance(data.last_good, int) else None
            for point in target.after:
                self.people[point].revoked = True

        return Effect(revoke)

    # --- what watchers say ---------------------------------------------------------------------------------------------------

    def on_tally_attested(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        each = self._round(person, data)
        return each if isinstance(each, str) else Effect(lambda: None)

    def _place(self, person: Person, contest: Any, code: str) -> str:
        if not code.startswith(person.scope):
            return "refused beyond-scope"
        if code and code not in CODES and code not in self.stations:
            return "refused area-unknown"
        elsewhere = contest is not msgspec.UNSET and not code.startswith(CONTESTS[contest]["area"])
        return "refused contest-unknown" if elsewhere else ""

    def on_incident_recorded(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        return self._place(person, data.contest, data.code) or Effect(lambda: None)

    def on_objection_raised(self, person: Person, _point: bytes, event: bytes, data: Any) -> Plan:
        levels = CONTESTS[data.contest]["certify"]
        level = max((length for length in levels if length <= len(data.code)), default=0)
        raised = Matter(person.chair, data.contest, (data.code,), level)
        return self._place(person, data.contest, data.code) or Effect(lambda: self.objections.update({event: raised}))

    def on_objection_settled(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        if (data.outcome == "accepted") != bool(data.corrections):
            return "refused corrections-wrong"
        if (data.outcome == "withdrawn") == (person.role == "officer"):
            return "refused role-not-entitled"
        matter = self.objections.get(data.objection)
        if matter is None:
            return "void referent-unknown"
        if matter.done:
            return "void already-settled"
        settle = Effect(lambda: setattr(matter, "done", data.outcome))
        if data.outcome == "withdrawn":
            return settle if person.chair == matter.by else "void not-own-objection"
        (code,) = matter.codes
        if not code.startswith(person.scope):
            return "void beyond-scope"
        if person.level != matter.level:
            return "void objection-other-level"
        for row in data.corrections:
            rounds = self.rounds.get((matter.contest, row.code), [])
            if row.round >= len(rounds) or not row.code.startswith(code):
                return "void referent-unknown"
            if row.event not in [form.id for form in rounds[row.round].standing()]:
                return "void stale"
        if data.outcome != "carried":
            return settle
        above = [length for length in CONTESTS[matter.contest]["certify"] if length < matter.level]
        return Effect(lambda: setattr(matter, "level", max(above))) if above else "void no-level-above"

    def on_recommendation_issued(self, person: Person, _point: bytes, event: bytes, data: Any) -> Plan:
        for code in data.codes:
            refused = self._place(person, data.contest, code)
            if refused:
                return refused
        issued = Matter(person.chair, data.contest, data.codes)
        return Effect(lambda: self.recommendations.update({event: issued}))

    def on_recommendation_answered(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        if (data.answer == "executed") != bool(data.events):
            return "refused events-wrong"
        matter = self.recommendations.get(data.recommendation)
        if matter is None:
            return "void referent-unknown"
        if matter.done:
            return "void already-answered"
        if any(not code.startswith(person.scope) for code in matter.codes):
            return "void beyond-scope"
        return Effect(lambda: setattr(matter, "done", data.answer))

    # --- what changes of the election ----------------------------------------------------------------------------------------

    def on_candidate_changed(self, person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        contest = CONTESTS[data.contest]
        if data.number > 2:
            return "refused candidate-unknown"
        if person.level != contest["decides"] or not person.scope.startswith(contest["area"]):
            return "refused level-not-entitled"
        place = (data.contest, data.number)
        if self.candidates.get(place, "restored") == data.change:
            return "void candidate-unchanged"
        return Effect(lambda: self.candidates.update({place: data.change}))

    def on_jurisdictions_amended(self, _person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        """Stations added, then stations cancelled."""
        fault = ""
        for row in data.added:
            if row.code in self.stations:
                return "refused area-exists"
            if any(signed.holds for contest in row.contests for _, signed in self.above(contest, row.code)):
                fault = fault or "void locked"
        for code in data.cancelled:
            if code not in self.stations:
                return "refused station-unknown"
            if code in self.gone:
                fault = fault or "void station-gone"
            for contest in self.stations[code]:
                fault = fault or self._not_to_be_cancelled(contest, code)

        def amend() -> None:
            for row in data.added:
                self.add_station(row.code, row.contests, self.now)
            for code in data.cancelled:
                self.gone.add(code)
                for contest in self.stations[code]:
                    for each in self.rounds[contest, code]:
                        if not each.annulled:
                            each.annulled = each.changed = self.now

        return fault or Effect(amend)

    def _not_to_be_cancelled(self, contest: str, code: str) -> str:
        """In the order of rounds: a tally, even of a round that was annulled, or a certificate above one that holds."""
        for each in self.rounds[contest, code]:
            if each.standing():
                return "void station-has-tally"
            if not each.annulled and any(signed.holds for _, signed in self.above(contest, code)):
                return "void locked"
        return ""

    def on_election_amended(self, _person: Person, _point: bytes, _event: bytes, data: Any) -> Plan:
        """A cut-off for operators, by two root keys."""
        (cutoff,) = data.cutoffs
        if self.cutoff == cutoff.time:
            return "void amendment-empty"
        return Effect(lambda: setattr(self, "cutoff", cutoff.time), "always")
