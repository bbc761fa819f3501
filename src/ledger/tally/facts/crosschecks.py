"""The rules that look across: between contests, copies, recaps and neighbours (docs/RULES.md, "Rules that look across").

They are computed on reading, from a state, and never when a submission is decided: they block nothing and change no total.  Each is
*kept*, *broken* or *not evaluated* with a reason; where a form has no such figure, or the figure is no number, nobody knows, and
that is never "kept".

``crosschecks`` passes once over the slots of an area (and of its district, for neighbours), and sorts votes once per village and
district.  It holds the stations of that area in memory, so whoever looks at a province goes district by district.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from ledger.errors import BadInput
from ledger.tally.acts.plenaries import certifying_lengths
from ledger.tally.facts.crossrules import (
    STATION_CHECKS,
    Detail,
    Sheet,
    SheetRow,
    Verdict,
    against,
    beside,
    no_fewer_users,
    same_as_children,
    same_as_copies,
    same_list,
    same_voters,
)
from ledger.tally.facts.crosswords import CHECKS, REASONS, check_of
from ledger.tally.facts.wording import grouped, said
from ledger.tally.rollup import Sums, contribution
from ledger.tally.rows import Attestation, Election
from ledger.tally.rules import CompiledForm, Language
from ledger.tally.state import AREAS, ATTESTATIONS, CERTIFICATES, CONTESTS, ELECTION, SINGLE, Reader, area_key

__all__ = ["Detail", "Remark", "crosschecks", "explain_remark"]


class Remark(NamedTuple):
    """What became of a rule at a station or area.  ``reason``: of REASONS, where it was not evaluated."""

    code: str
    outcome: Literal["broken", "kept", "not-evaluated"]
    contest: str
    place: str
    reason: str
    details: tuple[Detail, ...]

    @property
    def severity(self) -> str:
        """``error`` or ``warning``."""
        check = check_of(self.code)
        return "" if check is None else check.severity


def crosschecks(state: Reader, area: str, contest: str | None = None) -> list[Remark]:
    """Every rule at every station and certified recap at or below ``area``, whatever came of it: by place, contest, and the order
    of CHECKS.  ``contest``: of that one alone (the others are still looked at).

    Raises ``BadInput``: ``election-not-open``, ``area-unknown``, ``contest-unknown``.
    """
    election = state.get(ELECTION, SINGLE)
    if election is None:
        raise BadInput("election-not-open", "the ledger has no entry yet")
    if area and state.get(AREAS, area.encode()) is None:
        raise BadInput("area-unknown", "no such area or station is listed", area=area)
    if contest is not None and state.get(CONTESTS, contest.encode()) is None:
        raise BadInput("contest-unknown", "no such contest is listed", contest=contest)
    district = election.digits[-3] if len(election.digits) > 2 else 0
    around = area[:district]
    areas = {key.decode(): row for key, row in state.under(AREAS, around.encode())}
    sheets: list[Sheet] = []
    for key, listed in state.under(CONTESTS):
        if listed.area.startswith(area) or area.startswith(listed.area):
            sheet = Sheet(state, key.decode(), listed)
            sheet.load(state, around, areas)
            sheets.append(sheet)
    remarks: list[Remark] = []
    for sheet in sheets:
        remarks += _stations(sheet, area)
        remarks += _neighbours(sheet, area, election.digits)
        remarks += _copies(state, sheet, area)
        remarks += _recaps(state, election, sheet, area)
    remarks += _between(sheets, area)
    wanted = (remark for remark in remarks if contest in (None, remark.contest))
    return sorted(wanted, key=lambda remark: (remark.place, remark.contest, _ORDER[remark.code]))


_ORDER: Final = {check.code: place for place, check in enumerate(CHECKS)}


def _remark(code: str, contest: str, place: str, verdict: Verdict) -> Remark:
    if isinstance(verdict, str):
        return Remark(code, "not-evaluated", contest, place, verdict, ())
    return Remark(code, "broken" if verdict else "kept", contest, place, "", verdict)


# --- one station in one contest --------------------------------------------------------------------------------------------------


def _stations(sheet: Sheet, area: str) -> Iterator[Remark]:
    for station, row in sheet.rows.items():
        if station.startswith(area):
            for code, check in STATION_CHECKS.items():
                yield _remark(code, sheet.code, station, check(sheet, row))


# --- between contests ------------------------------------------------------------------------------------------------------------


def _between(sheets: list[Sheet], area: str) -> Iterator[Remark]:
    """R15 and R16 at stations with several contests, wider ones first: R15 against the first that has the same list, R16 against
    the widest."""
    held: dict[str, list[tuple[Sheet, SheetRow]]] = defaultdict(list)
    for sheet in sorted(sheets, key=lambda sheet: (len(sheet.contest.area), sheet.code)):
        for station, row in sheet.rows.items():
            if station.startswith(area):
                held[station].append((sheet, row))
    for station, contests in held.items():
        wide, first = contests[0]
        for place, (sheet, row) in enumerate(contests[1:], 1):
            alike = next((each for each in contests[:place] if same_list(row, each[1])), contests[0])
            yield _remark("r15-contests", sheet.code, station, same_voters(alike, (sheet, row)))
            if len(sheet.contest.area) > len(wide.contest.area):
                yield _remark("r16", wide.code, station, no_fewer_users((wide, first), (sheet, row)))


# --- neighbours ------------------------------------------------------------------------------------------------------------------


def _neighbours(sheet: Sheet, area: str, digits: tuple[int, ...]) -> Iterator[Remark]:
    """Votes against the median of the other stations of the village, or of the district where those are fewer than five."""
    total = sheet.at.get("suara-total")
    indexes = [*sheet.votes_at, *([] if total is None else [total])]
    lengths = digits[-2:-4:-1]
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for station, row in sheet.rows.items():
        for index in indexes if row.figures else ():
            number = row.figures[index]
            if isinstance(number, int):
                for length in lengths:
                    groups[station[:length], index].append(number)
    for numbers in groups.values():
        numbers.sort()
    for station, row in sheet.rows.items():
        if station.startswith(area):
            around = [station[:length] for length in lengths]
            yield _remark("p-neighbours", sheet.code, station, beside(sheet, row, indexes, (around, groups)))


# --- copies ----------------------------------------------------------------------------------------------------------------------


def _copies(state: Reader, sheet: Sheet, area: str) -> Iterator[Remark]:
    """What stands against what attesters said, one remark for a station."""
    said_of: dict[str, list[tuple[str, Attestation]]] = defaultdict(list)
    for key, attestation in state.under(ATTESTATIONS, area_key(sheet.code, area)):
        _, station, round_, role, _scope, seat = key.decode().split("/")
        if station in sheet.rows and sheet.rows[station].round == int(round_):
            said_of[station].append((f"{role} {seat}", attestation))
    for station, row in sheet.rows.items():
        if station.startswith(area):
            yield _remark("r18", sheet.code, station, same_as_copies(sheet, row, said_of.get(station, [])))


# --- recaps ----------------------------------------------------------------------------------------------------------------------


def _recaps(state: Reader, election: Election, sheet: Sheet, area: str) -> Iterator[Remark]:
    """R17 of every certificate in force at or below ``area``."""
    found = {key.decode().partition("/")[2]: row for key, row in state.under(CERTIFICATES, area_key(sheet.code, area))}
    in_force = {code: row for code, row in found.items() if row.in_force}
    if not in_force:
        return
    lengths = certifying_lengths(election, sheet.contest)
    lower = dict(itertools.pairwise(lengths))
    totals: dict[str, Sums] = {code: Sums.zero(sheet.form.figure_count) for code in in_force}
    below: dict[str, dict[str, None]] = defaultdict(dict)
    for station, row in sheet.rows.items():
        if station.startswith(area):
            sums = contribution(row.slot, sheet.form)
            for length in lengths:
                code = station[:length]
                if code in totals:
                    totals[code] = totals[code].plus(sums)
                    if length in lower:
                        below[code][station[: lower[length]]] = None
    for code, certificate in in_force.items():
        paper = against(sheet, certificate.paper, certificate.sums, dict(certificate.differences))
        yield _remark("r17-paper", sheet.code, code, paper)
        yield _remark("r17-since", sheet.code, code, against(sheet, totals[code].figures, certificate.sums, {}))
        if below[code]:
            children = same_as_children(sheet, certificate, [in_force.get(each) for each in below[code]])
            yield _remark("r17-children", sheet.code, code, children)


# --- words -----------------------------------------------------------------------------------------------------------------------


def explain_remark(remark: Remark, form: CompiledForm, lang: Language) -> str:
    """One sentence with the numbers, without a final stop, as ``rules.explain_rule`` has it; of a rule that was not evaluated, why.
    ``form``: the contest's, for the names of figures."""
    check = check_of(remark.code)
    if check is None:
        raise BadInput("rule-unknown", "there is no such rule", rule=remark.code)
    if remark.outcome == "not-evaluated":
        why = said(REASONS[remark.reason], lang)
        return f"{remark.code.upper()}: " + said(
            (f"tidak dapat diperiksa, karena {why}", f"cannot be checked, because {why}"), lang
        )
    if remark.outcome == "kept":
        return f"{remark.code.upper()}: " + said(check.rule, lang).rstrip(".")
    labels = {figure.code: (figure.label_id, figure.label_en) for figure in form.form.figures}
    told = (
        said(check.sentence, lang).format(
            figure=f'"{said(labels[detail.figure], lang)}"',
            here=grouped(detail.here, lang),
            there=grouped(detail.there, lang),
            other=detail.other,
        )
        for detail in remark.details
    )
    return f"{remark.code.upper()}: {'; '.join(told)}"
