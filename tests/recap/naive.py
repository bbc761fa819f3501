"""A second opinion on the fold: plain dictionaries, every total summed from scratch, nothing shared with src but field names.

Written from design.md section 6: a tally has one slot for each operator's seat, or one officer's event in their place.  It is
*single*, *confirmed*, *differing*, *corrected* or *held*.  What differs leaves its whole block out of the totals; held tallies
leave all.
"""

from __future__ import annotations

from typing import Any

from ..world import BLOCK_OF, STATIONS

Id = bytes
FIGURES = len(BLOCK_OF)


def new_tally() -> dict[str, Any]:
    return {"seats": {}, "office": None, "held": False, "changed": 0}


class Naive:
    """``answer`` predicts what an act will be told, and follows it."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.hire("commission", "registrar", "", "commission", rules=("administrator", "operator", "officer", "importer"))
        self.hire("watchdog", "registrar", "", "watchdog", rules=("supervisor",))
        self.hire("administrator", "administrator", "", "admin")
        self.hire("officer", "officer", "1771", "city-1")
        self.hire("officer-b", "officer", "177102", "district-1")
        self.hire("importer", "importer", "17", "import")
        self.hire("supervisor", "supervisor", "1771", "bawaslu-1")
        for station in STATIONS:
            for seat in ("1", "2"):
                self.hire(f"{station}/{seat}", "operator", station, seat)
        self.tallies = {(contest, station): new_tally() for station in STATIONS for contest in ("mayor", "governor")}

    def hire(self, name: str, role: str, scope: str, seat: str, rules: tuple[str, ...] = ()) -> None:
        self.people[name] = {"role": role, "scope": scope, "seat": seat, "rules": rules, "revoked": False, "last_good": None}

    def is_dead(self, who: str, position: int) -> bool:
        """Whether the person's key is revoked and may not even send late evidence at that position."""
        person = self.people.get(who)
        if person is None or not person["revoked"]:
            return False
        return person["last_good"] is None or position > person["last_good"]

    # --- answers -------------------------------------------------------------------------------------------------------------

    def answer(self, who: str, position: int, act: dict[str, Any]) -> str:
        """``ok``, ``void ...``, ``refused ...`` or ``waiting ...`` for an act that is the next of its stream."""
        person = self.people.get(who)
        if person is None:
            return "waiting key-unknown"
        if person["revoked"]:
            return "refused key-revoked" if self.is_dead(who, position) else "void key-revoked"
        kind = act["kind"]
        allowed = {
            "submit": ("operator", "officer", "importer"),
            "correct": ("operator", "officer", "importer"),
            "hold": ("officer", "importer"),
            "release": ("officer", "importer"),
            "revoke": ("registrar",),
            "enrol": ("registrar",),
            "list": ("administrator",),
        }
        if person["role"] not in allowed[kind]:
            return "refused role-not-entitled"
        return str(getattr(self, f"_{kind}")(person, act))

    def _enrol(self, person: dict[str, Any], act: dict[str, Any]) -> str:
        if act["role"] not in person["rules"]:
            return "refused registrar-other-role"
        if act["name"] in self.people:
            return "refused point-enrolled"
        for other in self.people.values():
            if (other["role"], other["scope"], other["seat"]) == (act["role"], act["scope"], act["seat"]) and not other["revoked"]:
                return "refused seat-taken"
        self.hire(act["name"], act["role"], act["scope"], act["seat"])
        return "ok"

    def _revoke(self, person: dict[str, Any], act: dict[str, Any]) -> str:
        target = self.people.get(act["name"])
        if target is None:
            return "void key-not-enrolled"
        if target["role"] not in person["rules"]:
            return "refused registrar-other-role"
        if target["revoked"]:
            return "void key-already-revoked"
        target["revoked"], target["last_good"] = True, act["last_good"]
        return "ok"

    def _list(self, _person: dict[str, Any], act: dict[str, Any]) -> str:
        if ("mayor", act["station"]) in self.tallies:
            return "refused area-exists"
        for contest in ("mayor", "governor"):
            self.tallies[contest, act["station"]] = new_tally()
        return "ok"

    def _place(self, person: dict[str, Any], act: dict[str, Any]) -> str:
        if not act["station"].startswith(person["scope"]):
            return "refused beyond-scope"
        return "" if (act["contest"], act["station"]) in self.tallies else "refused station-unknown"

    def _submit(self, person: dict[str, Any], act: dict[str, Any]) -> str:
        misplaced = self._place(person, act)
        if misplaced:
            return misplaced
        tally = self.tallies[act["contest"], act["station"]]
        if tally["office"]:
            return "void already-decided"
        mine = {"id": act["id"], "figures": act["figures"], "corrects": False}
        if person["role"] != "operator":
            if tally["seats"]:
                return "void already-submitted"
            tally["office"] = mine
        else:
            if person["seat"] in tally["seats"]:
                return "void already-submitted"
            tally["seats"][person["seat"]] = mine
        return "ok"

    def _correct(self, person: dict[str, Any], act: dict[str, Any]) -> str:
        misplaced = self._place(person, act)
        if misplaced:
            return misplaced
        tally = self.tallies[act["contest"], act["station"]]
        seat = person["seat"] if person["role"] == "operator" else None
        if seat and tally["office"]:
            return "void already-decided"
        standing = [tally["seats"][seat]] if seat in tally["seats"] else [] if seat else self.standing(tally)
        if not standing:
            return "void nothing-to-correct"
        if {one["id"] for one in standing} != set(act["names"]):
            return "void stale"
        numbers = any(one["figures"] != act["figures"] for one in standing)
        tally["changed"] += numbers
        mine = {
            "id": act["id"],
            "figures": act["figures"],
            "corrects": numbers or any(one["corrects"] for one in standing),
        }
        if seat:
            tally["seats"][seat] = mine
        else:
            tally["seats"], tally["office"] = {}, mine
        return "ok"

    def _hold(self, person: dict[str, Any], act: dict[str, Any]) -> str:
        misplaced = self._place(person, act)
        tally = self.tallies.get((act["contest"], act["station"]))
        if misplaced or tally is None:
            return misplaced
        if not self.standing(tally):
            return "void nothing-to-hold"
        if tally["held"]:
            return "void already-held"
        tally["held"] = True
        return "ok"

    def _release(self, person: dict[str, Any], act: dict[str, Any]) -> str:
        misplaced = self._place(person, act)
        tally = self.tallies.get((act["contest"], act["station"]))
        if misplaced or tally is None:
            return misplaced
        if not tally["held"]:
            return "void not-held"
        tally["held"] = False
        return "ok"

    # --- what is shown -------------------------------------------------------------------------------------------------------

    @staticmethod
    def standing(tally: dict[str, Any]) -> list[dict[str, Any]]:
        """The events that stand, seat 1 first."""
        if tally["office"]:
            return [tally["office"]]
        return [tally["seats"][seat] for seat in sorted(tally["seats"])]

    def state(self, tally: dict[str, Any]) -> str:
        """The word for it."""
        standing = self.standing(tally)
        if not standing:
            return "none"
        if tally["held"]:
            return "held"
        if len(standing) == 2:
            return "confirmed" if standing[0]["figures"] == standing[1]["figures"] else "differing"
        return "corrected" if standing[0]["corrects"] else "single"

    def total(self, contest: str, area: str) -> tuple[list[int], list[int], list[int]]:
        """Sums, stations in each sum, and counts of all stations below ``area``, one station after the other."""
        sums, present = [0] * FIGURES, [0] * FIGURES
        counts = dict.fromkeys(("expected", "in", "held", "differing", "confirmed", "corrected", "with_findings", "awaiting"), 0)
        for (other, station), tally in self.tallies.items():
            if other != contest or not station.startswith(area):
                continue
            state, standing = self.state(tally), self.standing(tally)
            counts["expected"] += 1
            counts["in"] += state != "none"
            for name in ("held", "differing", "confirmed"):
                counts[name] += state == name
            counts["corrected"] += tally["changed"] > 0
            counts["with_findings"] += any(breaks_a_rule(one["figures"]) for one in standing)
            if state in ("none", "held"):
                continue
            forms = [one["figures"] for one in standing]
            doubted = {BLOCK_OF[i] for form in forms for i in range(FIGURES) if form[i] != forms[0][i]}
            for i in range(FIGURES):
                if BLOCK_OF[i] not in doubted and isinstance(forms[0][i], int):
                    sums[i] += forms[0][i]
                    present[i] += 1
        return sums, present, list(counts.values())


def breaks_a_rule(figures: Any) -> bool:
    """votes-1 + votes-2 = valid; valid + invalid <= received; three digit boxes each.  What is no number breaks nothing."""
    _, first, second, valid, invalid, received = figures

    def numbers(*values: Any) -> bool:
        return all(isinstance(value, int) for value in values)

    return (
        (numbers(first, second, valid) and first + second != valid)
        or (numbers(valid, invalid, received) and valid + invalid > received)
        or any(isinstance(value, int) and value > 999 for value in figures)
    )
