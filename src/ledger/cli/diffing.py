"""``diff``, ``why``, ``compare``: which numbers changed between two heights, how a total comes to be, and how an outside recap
differs."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Final

from ledger.cli.app import App
from ledger.cli.completing import complete_area
from ledger.cli.histories import show_act
from ledger.cli.language import grouped, language, local_time, text
from ledger.cli.output import emit, figure_text, heading, line, state_word, table
from ledger.cli.program import argument, command, option
from ledger.cli.speaking import WIDTH, act_word, at_option, codes_text, contest_option, known_contest, who, zone_of
from ledger.cli.tables import read_csv
from ledger.errors import BadInput, Usage
from ledger.node import Snapshot
from ledger.recap.comparing import Cell, OutsideCell
from ledger.recap.comparing import compare as compare_with
from ledger.recap.diffs import Diff, Difference, NumberChange, StepChange, size_at
from ledger.recap.diffs import diff as diff_of
from ledger.recap.places import contests_of, election_of, require_area
from ledger.recap.reasons import StationStep, Why, WhyStation, why_station
from ledger.recap.reasons import why as why_of
from ledger.tally.facts.wording import round_label
from ledger.tally.signing import reopen_entry

__all__ = ["compare", "diff", "why"]

DIFFERENT: Final = 1
TERMS_SHOWN: Final = 12
"""Summands written out in one line; the table has them all."""

_OFFSETS: Final = {"Asia/Jakarta": 7, "Asia/Pontianak": 7, "Asia/Makassar": 8, "Asia/Jayapura": 9}


# --- diff ----------------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger diff 1093 1126",
        "ledger diff 2024-11-28T01:00 2024-11-28T10:15 --contest wali-kota",
        "ledger diff 1 1126 --area 177101 --json",
    )
)
@argument("before", metavar="A")
@argument("after", metavar="B")
@contest_option
@option("--area", default="", metavar="CODE", ind="Hanya wilayah ini", eng="This area alone", shell_complete=complete_area)
def diff(app: App, before: str, after: str, contest: str | None, area: str) -> None:
    """Every number that changed between two heights (tree sizes, or local times): by whom, why, in which entry."""
    with app.node.snapshot() as snapshot:
        state = snapshot.state
        election_of(state)
        known_contest(state, contest)
        require_area(state, area)
        low, high = (_size(snapshot, said) for said in (before, after))
        with app.node.entries(0, high) as rows:
            entries = (row.entry for row in rows)
            found = diff_of(entries, snapshot.entry, before=low, after=high, contest=contest, area=area)
        if app.json:
            emit(found)
        else:
            _show_diff(app, snapshot, found)


def _size(snapshot: Snapshot, said: str) -> int:
    """A tree size, or the size at a time: ISO 8601, in the election's first zone where it names none."""
    if said.isascii() and said.isdecimal() and len(said) < 16:
        if int(said) > snapshot.size:
            raise BadInput("size-beyond-log", "the log is not that long", at=int(said), size=snapshot.size)
        return int(said)
    try:
        moment = datetime.datetime.fromisoformat(said)
    except ValueError:
        raise Usage(
            "argument-invalid", "a tree size, or a time such as 2024-11-28T01:00", command="ledger diff", argument="A B"
        ) from None
    if moment.tzinfo is None:
        hours = _OFFSETS.get(zone_of(snapshot.state, ""), 0)
        moment = moment.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=hours)))
    return size_at(snapshot.entry, snapshot.size, int(moment.timestamp() * 1000))


_KINDS: Final = (
    ("votes", "Suara", "Votes"),
    ("administration", "Administrasi", "Administration"),
    ("photos", "Foto saja", "Photos alone"),
    ("state", "Keadaan saja", "State alone"),
)


def _show_diff(app: App, snapshot: Snapshot, found: Diff) -> None:
    opened = election_of(snapshot.state).opened
    zone = zone_of(snapshot.state, "")
    times = [local_time(reopen_entry(snapshot.entry(size - 1)).sequenced_at, zone) for size in (found.before, found.after)]
    low, high = grouped(found.before), grouped(found.after)
    heading(opened.kind, opened.name)
    line(
        text(
            f"Dari {low} entri ({times[0]}) sampai {high} entri ({times[1]}).",
            f"From {low} entries ({times[0]}) to {high} entries ({times[1]}).",
        )
    )
    if not found.differences:
        line(text("Tidak ada angka yang berubah.", "No number changed."))
        return
    counts = Counter(each.kind for each in found.differences)
    line("; ".join(f"{text(ind, eng)}: {grouped(counts[kind])} TPS" for kind, ind, eng in _KINDS if counts[kind]) + ".")
    rows = [(row.contest, str(row.number), row.name, _signed(row.delta)) for row in found.totals]
    line()
    columns = (text("Kontes", "Contest"), text("No.", "No."), text("Pasangan calon", "Candidates"), text("Selisih", "Difference"))
    table(app, columns, rows, numbers=(1, 3))
    for kind, ind, eng in _KINDS:
        those = [each for each in found.differences if each.kind == kind]
        if those:
            line()
            line(f"== {text(ind, eng)} ==")
        for each in those:
            _show_difference(snapshot, each)


def _signed(number: int) -> str:
    return f"+{grouped(number)}" if number > 0 else grouped(number)


def _show_difference(snapshot: Snapshot, each: Difference) -> None:
    zone = zone_of(snapshot.state, each.station)
    line()
    line(f"{each.name} ({each.station}), {each.contest}: {_state(each, before=True)} -> {_state(each, before=False)}")
    _show_numbers(each.votes)
    _show_numbers(each.administration)
    for step in each.steps:
        _show_step(step, zone, whole=each.votes + each.administration)


def _state(each: Difference, *, before: bool) -> str:
    state, round_ = (each.before_state, each.before_round) if before else (each.after_state, each.after_round)
    said = text("dibatalkan", "annulled") if state == "annulled" else state_word(state)
    return f"{said} ({round_label(round_, language())})" if round_ else said


def _blank(figures: Iterable[int | str | None]) -> bool:
    return all(figure is None for figure in figures)


def _show_numbers(changes: tuple[NumberChange, ...], indent: str = "  ") -> None:
    """One a line; a form that came whole, or went, on as few lines as fit."""
    if len(changes) > 1 and (_blank(change.before for change in changes) or _blank(change.after for change in changes)):
        gone = _blank(change.after for change in changes)
        given = ((change.code, change.before if gone else change.after) for change in changes)
        words = ", ".join(f"{code} {figure_text(figure)}" for code, figure in given)
        label = text("tidak lagi: ", "no more: ") if gone else text("masuk: ", "in: ")
        for said in wrap(label + words, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False):
            line(said)
        return
    for change in changes:
        step = ""
        if isinstance(change.before, int) and isinstance(change.after, int):
            step = f"  ({_signed(change.after - change.before)})"
        line(f"{indent}{change.code}: {figure_text(change.before)} -> {figure_text(change.after)}{step}")


_WHOLE_FORM: Final = ("withdrawn", "held", "released", "revote-ordered", "revote-withdrawn", "areas-amended")
"""Acts that take a whole form out of what stands, or put it back: the figures are those before or after it."""


def _show_step(step: StepChange, zone: str, *, whole: tuple[NumberChange, ...]) -> None:
    """The act; its own numbers only where they are not the whole difference."""
    show_act(step.act, zone, "    ")
    own = step.votes + step.administration
    if own != whole and step.act.act not in _WHOLE_FORM:
        _show_numbers(own, "        ")
    if step.photos:
        line(text("        foto ditambahkan, angka sama", "        photos added, same figures"))


# --- why -----------------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger why 177101 3",
        "ledger why 1771061002001 5 --contest wali-kota",
        "ledger why 1771 suara-sah --stations --json",
    )
)
@argument("area", metavar="AREA", shell_complete=complete_area)
@argument("candidate", metavar="CANDIDATE|FIGURE")
@contest_option
@at_option
@option("--stations", is_flag=True, ind="Semua TPS, bukan hanya yang tidak masuk", eng="All stations, not those left out alone")
def why(app: App, area: str, candidate: str, contest: str | None, at: int | None, stations: bool) -> None:
    """How a total comes to be: its sum step by step, the stations in it and their entries, those not in it and why."""
    with app.node.snapshot(at) as snapshot:
        state = snapshot.state
        election = election_of(state)
        known_contest(state, contest)
        codes = [code for code, _ in contests_of(state, area, contest)]
        if not codes:
            raise BadInput("area-outside-contest", "no contest has totals there", area=area, contest=contest or "-")
        for code in codes:
            if election.is_station(area):
                told = why_station(state, snapshot.entry, code, area, candidate, size=snapshot.size)
                emit(told) if app.json else _show_why_station(snapshot, told)
            else:
                found = why_of(state, code, area, candidate, size=snapshot.size, every=stations)
                emit(found) if app.json else _show_why(app, snapshot, found)


_WHY_NOT: Final = {
    "not-in": ("belum masuk", "not in yet"),
    "withdrawn": ("kiriman ditarik", "withdrawn"),
    "postponed": ("PSL atau PSS", "postponed"),
    "awaiting-revote": ("menunggu PSU", "awaiting the revote"),
    "held": ("ditahan", "held"),
    "differing": ("dua akun berbeda pada bagian ini", "the two seats differ in this block"),
    "annulled": ("dibatalkan", "annulled"),
    "blank": ("kosong di kertas", "blank on the paper"),
    "illegible": ("tidak terbaca", "illegible"),
    "not-applicable": ("tidak berlaku", "not applicable"),
}


def _what(number: int, candidate: str, label_id: str, label_en: str) -> str:
    return f"{number} {candidate}" if number else text(label_id, label_en)


def _show_why(app: App, snapshot: Snapshot, found: Why) -> None:
    opened = election_of(snapshot.state).opened
    what = _what(found.number, found.candidate, found.label_id, found.label_en)
    heading(opened.kind, f"{found.name} ({found.area}), {found.contest}: {what}")
    line(text(f"Setelah {grouped(found.size)} entri.", f"After {grouped(found.size)} entries."))
    counted, expected = grouped(found.counted), grouped(found.expected)
    line(
        text(
            f"{grouped(found.total)}, dari {counted} di antara {expected} TPS.",
            f"{grouped(found.total)}, from {counted} of {expected} stations.",
        )
    )
    terms = [step.total for step in found.steps] or [
        step.figure for step in found.stations if step.counted and isinstance(step.figure, int)
    ]
    if terms and len(terms) <= TERMS_SHOWN:
        line(f"  {' + '.join(grouped(term) for term in terms)} = {grouped(sum(terms))}")
    if found.steps:
        line()
        columns = (text("Kode", "Code"), text("Nama", "Name"), text("Jumlah", "Total"), "TPS")
        rows = [
            (step.code, step.name, grouped(step.total), f"{grouped(step.stations)}/{grouped(step.expected)}")
            for step in found.steps
        ]
        table(app, columns, rows, numbers=(2, 3))
    _show_why_stations(app, found)


def _show_why_stations(app: App, found: Why) -> None:
    inside = [step for step in found.stations if step.counted]
    outside = [step for step in found.stations if not step.counted]
    if inside:
        line()
        line(text("TPS yang masuk jumlah:", "Stations in the sum:"))
        _station_table(app, inside)
    if outside:
        line()
        line(text("TPS yang tidak masuk jumlah:", "Stations not in the sum:"))
        _station_table(app, outside)
    elif not inside and found.counted < found.expected:
        line(text("Lihat TPS-nya: --stations", "To see the stations: --stations"))


def _station_table(app: App, steps: list[StationStep]) -> None:
    rows = []
    for step in steps:
        changed = text(f"{step.changes} kali dibetulkan", f"changed {step.changes} times") if step.changes else ""
        reason = text(*_WHY_NOT[step.why]) if step.why else changed
        entry = f"#{step.entry}" if step.entry else "-"
        round_ = round_label(step.round, language()) if step.round else ""
        figure = "-" if step.why in ("not-in", "withdrawn", "postponed", "awaiting-revote") else figure_text(step.figure)
        rows.append((step.station, step.name, figure, entry, round_, reason))
    columns = ("TPS", text("Nama", "Name"), text("Angka", "Figure"), text("Entri", "Entry"), "", "")
    table(app, columns, rows, numbers=(2, 3))


def _show_why_station(snapshot: Snapshot, found: WhyStation) -> None:
    opened = election_of(snapshot.state).opened
    zone = zone_of(snapshot.state, found.station)
    what = _what(found.number, found.candidate, found.label_id, found.label_en)
    heading(opened.kind, f"{found.name} ({found.station}), {found.contest}: {what}")
    line(text(f"Setelah {grouped(found.size)} entri.", f"After {grouped(found.size)} entries."))
    if found.step.why:
        reason = text(*_WHY_NOT[found.step.why])
        line(text(f"Tidak masuk jumlah: {reason}.", f"Not in the sum: {reason}."))
    else:
        line(figure_text(found.step.figure))
    for entry in found.standing:
        when = local_time(entry.sequenced_at, zone)
        line(text(f"Berlaku menurut #{entry.index}, {when}", f"It stands by #{entry.index}, {when}"))
        line(f"  {who(entry)}")
    for version in found.chain:
        entry = version.entry
        line(f"  #{entry.index} {local_time(entry.sequenced_at, zone)}  {act_word(version.state)}")
        line(f"    {who(entry)}")
        if version.approves is not None:
            proposal = version.approves.index
            line(text(f"    diusulkan di #{proposal} oleh ", f"    proposed at #{proposal} by ") + who(version.approves))
        for code, before, after in version.changed:
            if code == found.figure:
                line(f"    {figure_text(before)} -> {figure_text(after)}")
        reason = dict(version.facts).get("reason", "")
        if reason:
            line(text("    alasan: ", "    reason: ") + reason)


# --- compare ---------------------------------------------------------------------------------------------------------------------


@command(
    examples=("ledger compare rekap.csv", "ledger compare rekap.csv --contest wali-kota --json", "ledger compare - < rekap.csv")
)
@argument("file", metavar="FILE")
@contest_option
@at_option
@option("--all", "every", is_flag=True, ind="Juga sel yang sama", eng="Cells that are equal too")
def compare(app: App, file: str, contest: str | None, at: int | None, every: bool) -> int:
    """An outside recap (CSV with the columns area, figure, value, and contest unless --contest says it; figure is a candidate's
    number or a figure's code), cell by cell."""
    with app.node.snapshot(at) as snapshot:
        state = snapshot.state
        opened = election_of(state).opened
        known_contest(state, contest)
        cells = list(compare_with(state, _outside(file, contest)))
        different = [cell for cell in cells if cell.outcome != "equal"]
        if app.json:
            for cell in cells:
                if every or cell.outcome != "equal":
                    emit(cell)
            return DIFFERENT if different else 0
        heading(opened.kind, opened.name)
        counts = Counter(cell.outcome for cell in cells)
        line("; ".join(f"{text(*said)}: {grouped(counts[word])}" for word, said in _OUTCOMES.items() if counts[word]) + ".")
        shown = cells if every else different
        if shown:
            line()
            _show_cells(app, shown)
        for cell in different:
            _show_look(cell)
        return DIFFERENT if different else 0


_OUTCOMES: Final = {
    "equal": ("sama", "equal"),
    "differs": ("berbeda", "differs"),
    "not-in-ledger": ("tidak ada di ledger", "not in the ledger"),
    "not-in-file": ("tidak ada di berkas", "not in the file"),
}


_NUMBER: Final = re.compile(r"[0-9]{1,15}|[0-9]{1,3}(\.[0-9]{3}){1,4}|[0-9]{1,3}(,[0-9]{3}){1,4}")
"""Plain, or with thousands apart in one way or the other."""


def _outside(file: str, contest: str | None) -> Iterator[OutsideCell]:
    for number, row in read_csv(file, needed=("area", "figure", "value"), optional=("contest",)):
        if not _NUMBER.fullmatch(row["value"]):
            raise BadInput("bad-row", "value is a number", path=file, line=number, found=row["value"][:40])
        named = row.get("contest") or contest
        if not named:
            raise BadInput("column-missing", "say the contest in a column or with --contest", path=file, column="contest")
        if contest in (None, named):
            yield OutsideCell(named, row["area"], row["figure"], int(re.sub("[.,]", "", row["value"])), number)


def _show_cells(app: App, cells: list[Cell]) -> None:
    rows = [
        (
            cell.contest,
            cell.area,
            cell.name,
            cell.figure,
            "-" if cell.outside is None else grouped(cell.outside),
            "-" if cell.ledger is None else grouped(cell.ledger),
            _signed(cell.difference) if cell.outcome == "differs" else "",
            text(*_OUTCOMES[cell.outcome]),
        )
        for cell in cells
    ]
    columns = (
        text("Kontes", "Contest"),
        text("Kode", "Code"),
        text("Nama", "Name"),
        text("Angka", "Figure"),
        text("Berkas", "File"),
        text("Ledger", "Ledger"),
        text("Selisih", "Difference"),
        "",
    )
    table(app, columns, rows, numbers=(4, 5, 6))


def _show_look(cell: Cell) -> None:
    """Where to look first."""
    for codes, ind, eng in (
        (cell.changed, "angkanya pernah berubah", "a number was changed"),
        (cell.with_findings, "ada catatan pemeriksaan", "with remarks"),
        (cell.not_in, "tidak masuk jumlah", "not in the sum"),
    ):
        if codes:
            line(f"{cell.name} ({cell.area}), {cell.figure}: {text(ind, eng)}: {codes_text(codes)}")
