"""The rules' remarks: on standing forms, with who explained which; and those of the rules that look across, apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ledger.recap.places import Placed, area_name, contests_below, contests_of, current_slot, election_of, frame, placed_below
from ledger.tally.facts.crosschecks import Remark, crosschecks, explain_remark
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.rules import evaluate
from ledger.tally.state import AREAS, EXPLANATIONS, Reader, explanation_key, slot_key

__all__ = ["WHOLE_STATIONS_MAX", "FindingRow", "across", "findings", "findings_at"]

WHOLE_STATIONS_MAX: Final = 20_000
"""Areas with more stations are looked at district by district, hence without the recaps above the districts."""


class FindingRow(Struct, frozen=True):
    """A station of which a standing form breaks a rule, or could not be held against it.

    ``explained``: the entry in which who answers for the standing form said that it stands so on the paper, 0 for none; with the
    reason and the seat.  ``kind``: ``form``, or ``across`` for rules between contests, copies, neighbours and recaps, whose
    sentence with the numbers is in ``said_id`` and ``said_en`` (``station`` is then a station or an area).
    """

    contest: str
    station: str
    name: str
    rule: str
    severity: str
    outcome: str
    round: int
    explained: int
    explained_reason: str
    explained_by: str
    kind: str
    said_id: str
    said_en: str


def findings(state: Reader, area: str, contest: str | None, *, not_evaluated: bool) -> Iterator[FindingRow]:
    """Every finding on the standing forms below ``area``, in station order; with those that could not be evaluated if asked.

    Of a station that votes again, on the round that holds.
    """
    for code, _row in contests_of(state, area, contest):
        for placed in placed_below(state, code, area):
            yield from findings_at(state, code, placed, not_evaluated=not_evaluated)


def findings_at(state: Reader, contest: str, placed: Placed, *, not_evaluated: bool = False) -> Iterator[FindingRow]:
    """Those of one slot."""
    standing = placed.slot.standing
    if not standing:
        return
    form = frame(state, contest).form
    severities = {rule.code: rule.severity for rule in form.form.rules}
    outcomes: dict[tuple[str, str], None] = {}
    for each in standing:
        outcomes.update(dict.fromkeys((rule, "broken") for rule in each.broken))
        if not_evaluated:
            outcomes.update(dict.fromkeys((rule, "not-evaluated") for rule in evaluate(form, each.figures).not_evaluated))
    slot = slot_key(contest, placed.station, placed.round)
    for rule, outcome in outcomes:
        said = state.get(EXPLANATIONS, explanation_key(slot, rule)) if outcome == "broken" else None
        stands = said is not None and any(each.event == said.event for each in standing)
        yield FindingRow(
            contest,
            placed.station,
            area_name(state, placed.station),
            rule,
            severities.get(rule, "error"),
            outcome,
            placed.round,
            said.index if said is not None and stands else 0,
            said.reason if said is not None and stands else "",
            f"{said.role} {said.scope} / {said.seat}" if said is not None and stands else "",
            "form",
            "",
            "",
        )


# --- rules that look across ---------------------------------------------------------------------------------------------------


def across(state: Reader, area: str, contest: str | None, *, not_evaluated: bool) -> Iterator[FindingRow]:
    """What the rules that look across remark at and below ``area``, by place; they are computed here, and block nothing."""
    for place in _portions(state, area, contest):
        for remark in crosschecks(state, place, contest):
            if remark.outcome == "broken" or (not_evaluated and remark.outcome == "not-evaluated"):
                yield _remarked(state, remark)


def _portions(state: Reader, area: str, contest: str | None) -> list[str]:
    """The area itself, or its districts where it has too many stations to be held at once."""
    digits = election_of(state).digits
    sums = [state.get(SUMS, sums_key(code, place)) for code, place in contests_below(state, area, contest)]
    expected = max((each.counts[0] for each in sums if each is not None), default=0)
    if expected <= WHOLE_STATIONS_MAX or len(digits) < 3 or len(area) >= digits[-3]:
        return [area]
    return [key.decode() for key, _ in state.under(AREAS, area.encode()) if len(key) == digits[-3]]


def _remarked(state: Reader, remark: Remark) -> FindingRow:
    form = frame(state, remark.contest).form
    station = election_of(state).is_station(remark.place)
    round_ = current_slot(state, remark.contest, remark.place).round if station else 0
    return FindingRow(
        remark.contest,
        remark.place,
        area_name(state, remark.place),
        remark.code,
        remark.severity,
        remark.outcome,
        round_,
        0,
        "",
        "",
        "across",
        explain_remark(remark, form, "id"),
        explain_remark(remark, form, "en"),
    )
