"""``recap``, ``history``, ``findings``: totals, how they came to be, and what the rules remark."""

from __future__ import annotations

from collections import Counter
from textwrap import wrap
from typing import Any, Final

import msgspec

from ledger.cli.app import App
from ledger.cli.completing import complete_area, complete_contest
from ledger.cli.language import grouped, iso_time, local_time, text
from ledger.cli.output import emit, figure_text, heading, line, state_word, table
from ledger.cli.program import argument, command, option
from ledger.cli.tables import near
from ledger.errors import BadInput
from ledger.node import Snapshot
from ledger.recap.views import (
    AreaRecap,
    EntryView,
    FindingRow,
    History,
    Version,
    area_name,
    contests_of,
    election_of,
)
from ledger.recap.views import (
    findings as findings_of,
)
from ledger.recap.views import (
    history as history_of,
)
from ledger.recap.views import (
    recap as recap_of,
)
from ledger.tally.state import AREAS, CONTESTS, Reader

__all__ = ["entry_object", "findings", "history", "recap", "show_station_history", "who", "zone_of"]

WIDTH: Final = 110

COUNT_WORDS: Final = {
    "expected": ("TPS", "stations"),
    "in": ("masuk", "in"),
    "held": ("ditahan (tidak masuk jumlah)", "held (not in the totals)"),
    "differing": ("dua akun berbeda", "differing"),
    "confirmed": ("sama dari dua akun", "confirmed"),
    "corrected": ("ada pembetulan", "corrected"),
    "with_findings": ("ada catatan pemeriksaan", "with remarks"),
    "awaiting": ("menunggu pemungutan ulang", "awaiting a revote"),
}

at_option = option(
    "--at", type=int, metavar="N", ind="Seperti setelah N entri pertama", eng="As it stood after the first N entries"
)
contest_option = option(
    "--contest", shell_complete=complete_contest, metavar="CODE", ind="Hanya kontes ini", eng="This contest alone"
)


def known_contest(state: Reader, contest: str | None) -> None:
    """Raises ``BadInput`` ``contest-unknown`` with what may have been meant."""
    if contest is not None and state.get(CONTESTS, contest.encode()) is None:
        codes = [key.decode() for key, _ in state.under(CONTESTS)]
        mean = near(contest, codes) or ", ".join(codes[:8])
        raise BadInput("contest-unknown", "no such contest is listed", contest=contest, did_you_mean=mean)


def zone_of(state: Reader, station: str) -> str:
    """A station's time zone, or the election's first."""
    area = state.get(AREAS, station.encode()) if station else None
    return (area.zone if area else "") or election_of(state).opened.zones[0]


# --- recap ------------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger recap",
        "ledger recap 177101 --contest wali-kota",
        "ledger recap 17 --json --at 1200",
    )
)
@argument("area", required=False, metavar="[AREA]", shell_complete=complete_area)
@contest_option
@at_option
@option("--figures", is_flag=True, ind="Semua angka formulir", eng="All figures of the form")
def recap(app: App, area: str | None, contest: str | None, at: int | None, figures: bool) -> None:
    """The recap of an area or station; of every contest's own area where none is named."""
    with app.node.snapshot(at) as snapshot:
        state = snapshot.state
        election_of(state)
        known_contest(state, contest)
        if area is None:
            wanted = [(key.decode(), row.area) for key, row in state.under(CONTESTS) if contest in (None, key.decode())]
        else:
            wanted = [(code, area) for code, _ in contests_of(state, area, contest)]
        if not wanted:
            raise BadInput("area-outside-contest", "no contest has totals there", area=area or "-", contest=contest or "-")
        for code, place in wanted:
            found = recap_of(state, code, place, size=snapshot.size)
            if app.json:
                emit(found)
            else:
                _show_recap(app, found, figures=figures)


def _show_recap(app: App, found: AreaRecap, *, figures: bool) -> None:
    name = text(found.contest_name_id, found.contest_name_en)
    place = f"{found.name} ({found.area})" if found.area else found.name
    heading(found.kind, f"{found.election}: {name} [{found.contest}]", place)
    line(text(f"Setelah {grouped(found.size)} entri.", f"After {grouped(found.size)} entries."))
    if found.counts:
        shown = {name: count for name, count in found.counts.items() if count or name in ("expected", "in")}
        line("; ".join(f"{grouped(count)} {text(*COUNT_WORDS[name])}" for name, count in shown.items()) + ".")
        missing = found.counts["expected"] - found.counts["in"]
        if missing:
            line(text(f"{grouped(missing)} TPS belum masuk.", f"{grouped(missing)} stations are not in yet."))
    else:
        line(state_word(found.state) + ".")
        if found.findings:
            line(text("Catatan pemeriksaan: ", "Remarks: ") + ", ".join(found.findings))
    nothing_in = found.state == "none"
    votes = [
        (str(candidate.number), candidate.name, "-" if nothing_in else figure_text(candidate.votes))
        for candidate in found.candidates
    ]
    line()
    table(app, (text("No.", "No."), text("Pasangan calon", "Candidates"), text("Suara", "Votes")), votes, numbers=(0, 2))
    if figures:
        _show_figures(app, found, nothing_in=nothing_in)
    if found.children:
        _show_children(app, found)
    line()


def _show_figures(app: App, found: AreaRecap, *, nothing_in: bool) -> None:
    line()
    columns = [text("Angka", "Figure"), "", text("Jumlah", "Total")]
    rows = [
        [figure.code, text(figure.label_id, figure.label_en), "-" if nothing_in else figure_text(figure.total)]
        for figure in found.figures
    ]
    if found.counts:
        columns.append(text("dari TPS", "of stations"))
        for row, figure in zip(rows, found.figures, strict=True):
            row.append(grouped(figure.stations))
    table(app, columns, rows, numbers=(2, 3) if found.counts else (2,))


def _show_children(app: App, found: AreaRecap) -> None:
    line()
    numbers = [str(candidate.number) for candidate in found.candidates]
    stations = not found.children[0].counts
    status = text("Keadaan", "State") if stations else text("Masuk", "In")
    rows = []
    for child in found.children:
        empty = child.state == "none" or (not stations and not child.counts["in"])
        votes = ["-" if empty else figure_text(vote) for vote in child.votes]
        said = state_word(child.state) if stations else f"{grouped(child.counts['in'])}/{grouped(child.counts['expected'])}"
        rows.append([child.code, child.name, *votes, said])
    table(app, [text("Kode", "Code"), text("Nama", "Name"), *numbers, status], rows, numbers=range(2, 2 + len(numbers)))


# --- history ----------------------------------------------------------------------------------------------------------------


@command(examples=("ledger history 1771010001001", "ledger history 1771010001001 --contest wali-kota --json"))
@argument("station", metavar="STATION", shell_complete=complete_area)
@contest_option
@at_option
def history(app: App, station: str, contest: str | None, at: int | None) -> None:
    """Every event that named the station's tally: who, when, what changed, why."""
    with app.node.snapshot(at) as snapshot:
        state = snapshot.state
        election_of(state)
        known_contest(state, contest)
        held = state.get(AREAS, station.encode())
        if held is None or not held.contests:
            raise BadInput("station-unknown", "no such station is listed", station=station)
        if contest is not None and contest not in held.contests:
            raise BadInput("station-unknown", "no such station holds this contest", station=station, contest=contest)
        for code in held.contests:
            if contest in (None, code):
                found = history_of(state, snapshot.entry, code, station, size=snapshot.size)
                if app.json:
                    _emit_history(snapshot, found)
                else:
                    _show_history(snapshot, found)


def show_station_history(snapshot: Snapshot, contest: str, station: str) -> None:
    """The history of one tally, for people."""
    _show_history(snapshot, history_of(snapshot.state, snapshot.entry, contest, station, size=snapshot.size))


def entry_object(view: EntryView, zone: str) -> dict[str, Any]:
    """An entry as JSON: the view's fields, and the time in ISO 8601."""
    plain: dict[str, Any] = msgspec.to_builtins(view)
    return {**plain, "time": iso_time(view.sequenced_at, zone)}


def _emit_history(snapshot: Snapshot, found: History) -> None:
    plain: dict[str, Any] = msgspec.to_builtins(found)
    zone = zone_of(snapshot.state, found.station)
    for version, said in zip(found.versions, plain["versions"], strict=True):
        said["entry"] = entry_object(version.entry, zone)
    emit({"kind": election_of(snapshot.state).opened.kind, **plain})


_VERSION_WORDS: Final = {
    "submitted": ("masuk", "sent in"),
    "confirmed": ("operator kedua: angka sama", "second operator: same figures"),
    "differs": ("operator kedua: angka berbeda", "second operator: different figures"),
    "corrected": ("pembetulan", "correction"),
    "photo-added": ("foto ditambahkan, angka sama", "photo added, same figures"),
    "held": ("ditahan (tidak masuk jumlah)", "held (not in the totals)"),
    "released": ("dilepas, masuk jumlah lagi", "released, in the totals again"),
}


def who(view: EntryView) -> str:
    """Role, scope, seat and the key's short id."""
    role = view.role or text("kunci tidak terdaftar", "key not enrolled")
    return f"{role} {view.scope or '-'} / {view.seat or '-'} ({view.key[:12]})"


def _show_history(snapshot: Snapshot, found: History) -> None:
    state = snapshot.state
    opened = election_of(state).opened
    heading(opened.kind, f"{found.name} ({found.station}), {found.contest}", state_word(found.state))
    line(text(f"Setelah {grouped(found.size)} entri.", f"After {grouped(found.size)} entries."))
    if not found.versions:
        line(text("Belum ada yang masuk.", "Nothing has come in yet."))
    for version in found.versions:
        line()
        _show_version(version, zone_of(state, found.station))


def _show_version(version: Version, zone: str) -> None:
    entry = version.entry
    if entry.void:
        word = text(f"tidak berlaku: {entry.void} (bukti terlambat)", f"without effect: {entry.void} (late evidence)")
    else:
        word = text(*_VERSION_WORDS[version.state])
    line(f"{local_time(entry.sequenced_at, zone)}  #{entry.index}  {word}")
    line(f"  {who(entry)}")
    if entry.reason:
        line(text(f"  alasan: {entry.reason}", f"  reason: {entry.reason}"))
    if version.state != "submitted" or entry.void:
        for code, before, after in version.changed:
            line(f"  {code}: {figure_text(before)} -> {figure_text(after)}")
    else:
        given = [(code, after) for code, _, after in version.changed if after is not None]
        said = ", ".join(f"{code} {figure_text(after)}" for code, after in given)
        for words in wrap(said, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False):
            line(words)
    if version.photos_changed:
        line(text("  foto berganti", "  photos changed"))
    if version.findings:
        line(text("  catatan pemeriksaan: ", "  remarks: ") + ", ".join(version.findings))


# --- findings ---------------------------------------------------------------------------------------------------------------


@command(examples=("ledger findings", "ledger findings 177101 --by-rule", "ledger findings --json --not-evaluated"))
@argument("area", required=False, default="", metavar="[AREA]", shell_complete=complete_area)
@contest_option
@at_option
@option("--by-rule", is_flag=True, ind="Hanya jumlah per aturan", eng="Only the counts by rule")
@option("--not-evaluated", is_flag=True, ind="Juga aturan yang tidak dapat diperiksa", eng="Also rules that could not be checked")
def findings(app: App, area: str, contest: str | None, at: int | None, by_rule: bool, not_evaluated: bool) -> None:
    """Remarks of the rules on standing forms: counts by rule, then the stations."""
    with app.node.snapshot(at) as snapshot:
        state = snapshot.state
        opened = election_of(state).opened
        known_contest(state, contest)
        rows = list(_findings_below(state, area, contest, not_evaluated=not_evaluated))
        counts = Counter((row.contest, row.rule, row.outcome, row.severity) for row in rows)
        if app.json:
            if by_rule:
                for (code, rule, outcome, severity), stations in sorted(counts.items()):
                    emit({"contest": code, "rule": rule, "severity": severity, "outcome": outcome, "stations": stations})
            else:
                for row in rows:
                    emit(row)
            return
        heading(opened.kind, opened.name, area_name(state, area) if area else "")
        if not rows:
            line(text("Tidak ada catatan pemeriksaan.", "No remarks."))
            return
        _show_counts(app, counts)
        if not by_rule:
            line()
            cells = [(row.station, row.name, row.contest, row.rule, _outcome(row.outcome)) for row in rows]
            table(app, ("TPS", text("Nama", "Name"), text("Kontes", "Contest"), text("Aturan", "Rule"), ""), cells)
        app.say("Arti suatu aturan: ledger explain r5", "What a rule means: ledger explain r5")


def _findings_below(state: Reader, area: str, contest: str | None, *, not_evaluated: bool) -> list[FindingRow]:
    """The findings of every contest that has stations below the area, contests of areas within it included."""
    if area:
        contests_of(state, area, contest)  # says that the area is unknown
    found: list[FindingRow] = []
    for key, row in state.under(CONTESTS):
        code = key.decode()
        if contest in (None, code) and (area.startswith(row.area) or row.area.startswith(area)):
            place = area if area.startswith(row.area) else row.area
            found += findings_of(state, place, code, not_evaluated=not_evaluated)
    return found


def _show_counts(app: App, counts: Counter[tuple[str, str, str, str]]) -> None:
    cells = [
        (code, rule, _severity(severity), _outcome(outcome), grouped(stations))
        for (code, rule, outcome, severity), stations in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    columns = (text("Kontes", "Contest"), text("Aturan", "Rule"), text("Berat", "Severity"), "", "TPS")
    table(app, columns, cells, numbers=(4,))


def _severity(severity: str) -> str:
    return text("kesalahan", "error") if severity == "error" else text("peringatan", "warning")


def _outcome(outcome: str) -> str:
    return text("tidak terpenuhi", "broken") if outcome == "broken" else text("tidak dapat diperiksa", "not evaluated")
