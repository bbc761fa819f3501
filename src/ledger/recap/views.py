"""What the read side shows: recaps, histories, findings and entries, as plain structures that become a table or JSON.

All functions read a ``Reader``: the stored projection, or a replay of a prefix in memory.  Numbers come with what they hold and
miss: a total never stands without its counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from ledger.errors import BadInput
from ledger.tally.events import Figures, TallyCorrected, TallyHeld, TallyReleased, TallySubmitted
from ledger.tally.projection import SUMS, VERSIONS, VOIDS, sums_key, version_index, version_prefix
from ledger.tally.rollup import COUNTS, Sums, contest_form, standing_figures
from ledger.tally.rows import Contest, Election, Slot
from ledger.tally.rules import CompiledForm, evaluate
from ledger.tally.signing import OpenedEntry, key_id, reopen_entry
from ledger.tally.state import AREAS, CONTESTS, ELECTION, KEYS, SINGLE, SLOTS, Reader, slot_key, slot_parts

__all__ = [
    "AreaRecap",
    "CandidateVotes",
    "ChildRecap",
    "EntryView",
    "FigureTotal",
    "FindingRow",
    "History",
    "Version",
    "area_name",
    "contests_of",
    "election_of",
    "entry_view",
    "findings",
    "history",
    "recap",
]

EntryReader = Callable[[int], bytes]


class FigureTotal(Struct, frozen=True):
    """A figure of the form: its sum (at a station: the figure itself, None if blank) and of how many stations."""

    code: str
    label_id: str
    label_en: str
    total: int | str | None
    stations: int


class CandidateVotes(Struct, frozen=True):
    """A candidate's votes in an area."""

    number: int
    name: str
    votes: int | str | None


class ChildRecap(Struct, frozen=True):
    """One row of the next level: its counts, its candidates' votes in ballot order, and its state where it is a station."""

    code: str
    name: str
    votes: tuple[int | str | None, ...]
    counts: dict[str, int]
    state: str


class AreaRecap(Struct, frozen=True):
    """The recap of one area in one contest at one tree size."""

    election: str
    kind: str
    size: int
    contest: str
    contest_name_id: str
    contest_name_en: str
    area: str
    name: str
    level: str
    counts: dict[str, int]
    candidates: tuple[CandidateVotes, ...]
    figures: tuple[FigureTotal, ...]
    state: str
    findings: tuple[str, ...]
    children: tuple[ChildRecap, ...]


def election_of(state: Reader) -> Election:
    """The opened election; ``BadInput`` ``election-not-open`` before entry 0."""
    election = state.get(ELECTION, SINGLE)
    if election is None:
        raise BadInput("election-not-open", "the ledger has no entry yet")
    return election


def contests_of(state: Reader, area: str, contest: str | None) -> list[tuple[str, Contest]]:
    """The contests that have totals at ``area`` (or the one asked for).  ``BadInput`` ``contest-unknown``, ``area-unknown``."""
    if area and state.get(AREAS, area.encode()) is None:
        raise BadInput("area-unknown", "no such area or station is listed", area=area)
    found = [(key.decode(), row) for key, row in state.under(CONTESTS, b"") if contest in (None, key.decode())]
    if not found:
        raise BadInput("contest-unknown", "no such contest is listed", contest=contest)
    return [(code, row) for code, row in found if area.startswith(row.area)]


def area_name(state: Reader, code: str) -> str:
    """The area's listed name, or its code."""
    row = state.get(AREAS, code.encode())
    return row.name if row is not None else code


def recap(state: Reader, contest: str, area: str, *, size: int) -> AreaRecap:
    """The recap of ``area`` (an area or a station) in ``contest``.  ``size`` is the tree size that ``state`` shows."""
    election = election_of(state)
    rows = contests_of(state, area, contest)
    if not rows:
        raise BadInput("area-outside-contest", "the contest is not held there", contest=contest, area=area)
    code, row = rows[0]
    form = contest_form(state, row)
    levels = election.opened.levels
    level = next((level for level in levels if level.digits == len(area)), None)
    if level is None:
        raise BadInput("area-unknown", "no level has codes of this length", area=area)
    if level is levels[-1]:
        return _station_recap(state, election, code, row, form, area, size)
    sums = state.get(SUMS, sums_key(code, area)) or Sums.zero(form.figure_count)
    return AreaRecap(
        election.opened.name,
        election.opened.kind,
        size,
        code,
        row.name_id,
        row.name_en,
        area,
        area_name(state, area),
        level.code,
        _counts(sums),
        _candidates(row, form, sums.figures),
        tuple(
            FigureTotal(figure.code, figure.label_id, figure.label_en, sums.figures[index], sums.present[index])
            for index, figure in enumerate(form.form.figures)
        ),
        "",
        (),
        tuple(_children(state, election, code, form, area)),
    )


def _counts(sums: Sums) -> dict[str, int]:
    return dict(zip(COUNTS, sums.counts, strict=True))


def _candidates(row: Contest, form: CompiledForm, figures: Figures) -> tuple[CandidateVotes, ...]:
    return tuple(
        CandidateVotes(candidate.number, candidate.name, figures[index] if figures else None)
        for candidate, index in zip(row.candidates, form.candidate_figures, strict=True)
    )


def _children(state: Reader, election: Election, code: str, form: CompiledForm, area: str) -> Iterator[ChildRecap]:
    digits = [level.digits for level in election.opened.levels]
    below = digits[digits.index(len(area)) + 1]
    if below == digits[-1]:
        for key, slot in state.under(SLOTS, f"{code}/{area}".encode()):
            _, station, round_ = slot_parts(key)
            if round_ == 0:
                figures = standing_figures(slot, form)
                votes = tuple(figures[index] if figures else None for index in form.candidate_figures)
                yield ChildRecap(station, area_name(state, station), votes, {}, slot.state)
        return
    for key, sums in state.under(SUMS, sums_key(code, area)):
        child = key.decode().rpartition("/")[2]
        if len(child) == below:
            votes = tuple(sums.figures[index] for index in form.candidate_figures)
            yield ChildRecap(child, area_name(state, child), votes, _counts(sums), "")


def _station_recap(
    state: Reader, election: Election, code: str, row: Contest, form: CompiledForm, station: str, size: int
) -> AreaRecap:
    slot = _slot(state, code, station)
    figures = standing_figures(slot, form)
    broken = sorted({finding for standing in slot.standing for finding in standing.broken})
    return AreaRecap(
        election.opened.name,
        election.opened.kind,
        size,
        code,
        row.name_id,
        row.name_en,
        station,
        area_name(state, station),
        election.opened.levels[-1].code,
        {},
        _candidates(row, form, figures),
        tuple(
            FigureTotal(
                figure.code,
                figure.label_id,
                figure.label_en,
                figures[index] if figures else None,
                int(bool(figures) and type(figures[index]) is int),
            )
            for index, figure in enumerate(form.form.figures)
        ),
        slot.state,
        tuple(broken),
        (),
    )


def _slot(state: Reader, contest: str, station: str) -> Slot:
    slot = state.get(SLOTS, slot_key(contest, station, 0))
    if slot is None:
        raise BadInput("station-unknown", "no such station holds this contest", station=station, contest=contest)
    return slot


# --- findings ----------------------------------------------------------------------------------------------


class FindingRow(Struct, frozen=True):
    """A station of which a standing form breaks a rule, or could not be held against it."""

    contest: str
    station: str
    name: str
    rule: str
    severity: str
    outcome: str


def findings(state: Reader, area: str, contest: str | None, *, not_evaluated: bool) -> Iterator[FindingRow]:
    """Every finding on the standing forms below ``area``, in station order; with those that could not be evaluated if asked."""
    for code, row in contests_of(state, area, contest):
        form = contest_form(state, row)
        severities = {rule.code: rule.severity for rule in form.form.rules}
        for key, slot in state.under(SLOTS, f"{code}/{area}".encode()):
            _, station, _round = slot_parts(key)
            outcomes: dict[tuple[str, str], None] = {}
            for standing in slot.standing:
                outcomes.update(dict.fromkeys((rule, "broken") for rule in standing.broken))
                if not_evaluated:
                    blank = evaluate(form, standing.figures).not_evaluated
                    outcomes.update(dict.fromkeys((rule, "not-evaluated") for rule in blank))
            for rule, outcome in outcomes:
                yield FindingRow(code, station, area_name(state, station), rule, severities.get(rule, "error"), outcome)


# --- history and entries ----------------------------------------------------------------------------------------------


class EntryView(Struct, frozen=True):
    """An entry for people: who did what when, and whether it took effect."""

    index: int
    type: str
    event_id: str
    sequenced_at: int
    claimed_at: int
    key: str
    role: str
    scope: str
    seat: str
    position: int
    void: str
    contest: str
    station: str
    reason: str


class Version(Struct, frozen=True):
    """One event in a tally's history: the entry, what it was, and each figure that it gave otherwise [code, before, after].

    ``state``: submitted (the first form), confirmed or differs (the other seat's), corrected, photo-added, held, released, void.
    """

    entry: EntryView
    state: str
    changed: tuple[tuple[str, int | str | None, int | str | None], ...]
    photos_changed: bool
    findings: tuple[str, ...]


class History(Struct, frozen=True):
    """How a station's number in one contest came to be."""

    contest: str
    station: str
    name: str
    size: int
    state: str
    versions: tuple[Version, ...]


def entry_view(state: Reader, entry: OpenedEntry) -> EntryView:
    """An entry with its signer's seat, and its void code."""
    event = entry.event
    key = state.get(KEYS, event.key)
    data = event.data
    reason = getattr(data, "reason", "")
    return EntryView(
        entry.index,
        event.type,
        event.event_id.hex(),
        entry.sequenced_at,
        event.claimed_at,
        key_id(event.key).hex(),
        key.role if key else "",
        key.scope if key else "",
        key.seat if key else "",
        event.position,
        state.get(VOIDS, entry.index.to_bytes(8)) or "",
        getattr(data, "contest", ""),
        getattr(data, "station", ""),
        reason if isinstance(reason, str) else "",
    )


def history(state: Reader, read: EntryReader, contest: str, station: str, *, size: int) -> History:
    """Every event that named the tally, in log order, with what each changed; void ones included.

    The states between are found by folding the tally's own events again; ``read`` gives an entry's bytes by index.
    """
    rows = contests_of(state, station, contest)
    if not rows:
        raise BadInput("station-unknown", "no such station holds this contest", station=station, contest=contest)
    code, row = rows[0]
    form = contest_form(state, row)
    slot = _slot(state, code, station)
    key = slot_key(code, station, 0)
    versions: list[Version] = []
    forms: dict[str, _FormSent] = {}
    for version_key, _void in state.under(VERSIONS, version_prefix(key)):
        entry = reopen_entry(read(version_index(version_key)))
        versions.append(_version(entry_view(state, entry), entry, form, forms))
    return History(code, station, area_name(state, station), size, slot.state, tuple(versions))


_FormSent = TallySubmitted | TallyCorrected
_ANYBODY: Final = ""


def _version(view: EntryView, entry: OpenedEntry, form: CompiledForm, forms: dict[str, _FormSent]) -> Version:
    """One act, compared with what was there before it: a seat's correction with that seat's own form, everything else with the last
    form that took effect.  ``forms``: those, by seat; the act's own is put there where it took effect."""
    data = entry.event.data
    if isinstance(data, TallyHeld | TallyReleased):
        word = "held" if isinstance(data, TallyHeld) else "released"
        return Version(view, "void" if view.void else word, (), False, ())
    if not isinstance(data, _FormSent):
        raise BadInput("entry-not-tally", "this entry is no act on a tally", index=entry.index)
    seat = f"{view.role}/{view.seat}"
    own = forms.get(seat) if view.role == "operator" and isinstance(data, TallyCorrected) else None
    before = own or forms.get(_ANYBODY)
    codes = [figure.code for figure in form.form.figures]
    old = before.figures if before is not None else (None,) * len(codes)
    changed = tuple((code, was, now) for code, was, now in zip(codes, old, data.figures, strict=True) if was != now)
    photos_changed = False
    if isinstance(data, TallyCorrected):
        word = "corrected" if changed else "photo-added"
        photos_changed = before is not None and data.photos != before.photos
    else:
        word = "submitted" if before is None else "differs" if changed else "confirmed"
    if not view.void:
        forms[seat] = forms[_ANYBODY] = data
    return Version(view, "void" if view.void else word, changed, photos_changed, evaluate(form, data.figures).broken)
