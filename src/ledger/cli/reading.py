"""``recap`` and ``findings``: totals with what they hold and what they lack, and what the rules remark."""

from __future__ import annotations

from collections import Counter
from textwrap import wrap
from typing import Final

import msgspec

from ledger.cli.app import App
from ledger.cli.completing import complete_area
from ledger.cli.histories import certificate_lines, history, show_station_history
from ledger.cli.language import grouped, language, local_time, text
from ledger.cli.output import emit, figure_text, heading, line, state_word, table
from ledger.cli.program import argument, command, option
from ledger.cli.speaking import (
    WIDTH,
    at_option,
    codes_text,
    contest_option,
    entry_object,
    known_contest,
    level_word,
    role_word,
    who,
    zone_of,
)
from ledger.errors import BadInput
from ledger.recap.findings import across
from ledger.recap.places import contests_below
from ledger.recap.views import (
    AreaRecap,
    ChildRecap,
    FindingRow,
    area_name,
    contests_of,
    election_of,
)
from ledger.recap.views import (
    findings as findings_of,
)
from ledger.recap.views import (
    recap as recap_of,
)
from ledger.tally.facts.recapstatus import recap_status, recap_text
from ledger.tally.facts.results import contest_result
from ledger.tally.facts.resultwords import explain_result
from ledger.tally.facts.status import status_at, status_text
from ledger.tally.facts.wording import round_label
from ledger.tally.state import CONTESTS, Reader

__all__ = ["entry_object", "findings", "history", "known_contest", "recap", "show_station_history", "who", "zone_of"]

STATUS_STATIONS_MAX: Final = 20_000
"""Of so many stations at most the status of a recap is told level by level, which looks at each; of more in a word."""

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
@option(
    "--result", is_flag=True, ind="Fakta hasil kontes, dengan hitungannya", eng="The contest's result facts, with the arithmetic"
)
def recap(app: App, area: str | None, contest: str | None, at: int | None, figures: bool, result: bool) -> None:
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
            facts = contest_result(state, code) if result else None
            if app.json:
                emit(found if facts is None else {**msgspec.to_builtins(found), "result": _plain(facts)})
                continue
            _show_recap(app, state, found, figures=figures)
            for said in () if facts is None else explain_result(facts, language()):
                line(said + ".")


def _plain(value: object) -> object:
    """A named tuple as an object, at any depth."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value


def _show_recap(app: App, state: Reader, found: AreaRecap, *, figures: bool) -> None:
    name = text(found.contest_name_id, found.contest_name_en)
    place = f"{found.name} ({found.area})" if found.area else found.name
    heading(found.kind, f"{found.election}: {name} [{found.contest}]", place)
    line(text(f"Setelah {grouped(found.size)} entri.", f"After {grouped(found.size)} entries."))
    if found.counts:
        shown = {name: count for name, count in found.counts.items() if count or name in ("expected", "in")}
        line("; ".join(f"{grouped(count)} {text(*COUNT_WORDS[name])}" for name, count in shown.items()) + ".")
        missing = found.counts["expected"] - found.counts["in"] - found.counts["awaiting"]
        if missing:
            line(text(f"{grouped(missing)} TPS belum masuk.", f"{grouped(missing)} stations are not in yet."))
    _show_status(state, found)
    _show_stations(found)
    _show_matters(state, found)
    line()
    _show_votes(app, found)
    if figures:
        _show_figures(app, found, nothing_in=found.state == "none")
    if found.children:
        _show_children(app, found)
    line()


def _show_status(state: Reader, found: AreaRecap) -> None:
    """What is certified and what is not: in words, then the certificates at and above with their differences."""
    zone = zone_of(state, found.area if not found.counts else "")
    election = election_of(state)
    if not found.counts:
        status = status_at(state, found.contest, found.area, found.round)
        words = status_text(status, language(), level=election.level_of)
        line((f"{round_label(found.round, language())}: " if found.round else "") + words + ".")
        _show_copies(found.copies)
        if found.findings:
            line(text("Catatan pemeriksaan: ", "Remarks: ") + ", ".join(found.findings))
    elif found.counts["expected"] <= STATUS_STATIONS_MAX and election.now.powers:
        told = recap_text(recap_status(state, found.contest, found.area), language(), hour=lambda moment: local_time(moment, zone))
        line(text("Status: ", "Status: ") + "; ".join(told) + ".")
    for certificate in found.certificates:
        certificate_lines(certificate, zone)


def _show_copies(copies: dict[str, int]) -> None:
    words = {
        "agrees": ("sama", "agree"),
        "differs": ("menyebut angka lain", "say other figures"),
        "older": ("tentang versi lama", "of an older version"),
    }
    said = [f"{grouped(copies[name])} {text(*pair)}" for name, pair in words.items() if copies.get(name)]
    if said:
        line(text("Salinan saksi dan pengawas: ", "Copies of agents and supervisors: ") + "; ".join(said) + ".")


def _show_stations(found: AreaRecap) -> None:
    """The stations behind the counts."""
    lists = found.stations
    for label, codes, count in (
        (text("Belum masuk", "Not in yet"), lists.missing, None),
        (text("Menunggu PSU", "Awaiting the revote"), lists.awaiting, found.counts.get("awaiting")),
        (text("Ditahan", "Held"), lists.held, found.counts.get("held")),
        (text("Dua akun berbeda", "Differing"), lists.differing, found.counts.get("differing")),
        (text("Ditarik", "Withdrawn"), lists.withdrawn, None),
        (text("PSL atau PSS", "Postponed"), lists.postponed, None),
        (text("Ada pembetulan", "Corrected"), lists.corrected, found.counts.get("corrected")),
        (text("Ada catatan pemeriksaan", "With remarks"), lists.with_findings, found.counts.get("with_findings")),
    ):
        if codes:
            line(f"  {label}: {codes_text(codes, count)}")


def _show_matters(state: Reader, found: AreaRecap) -> None:
    if found.objections:
        count = grouped(len(found.objections))
        line(text(f"Keberatan terbuka: {count}", f"Open objections: {count}"))
        for row in found.objections[:10]:
            place = row.code if row.code == row.name else f"{row.name} ({row.code})"
            by = f"{role_word(row.role)} / {row.seat}"
            level = level_word(row.level, found.area[:4])
            line(f"  #{row.index} {place}: {row.ground}; {by}; " + text(f"di tingkat {level}", f"at the {level}"))
    if found.recommendations:
        count = grouped(len(found.recommendations))
        line(text(f"Rekomendasi belum dijawab: {count}", f"Unanswered recommendations: {count}"))
        for issued in found.recommendations[:10]:
            due = local_time(issued.deadline, zone_of(state, ""))
            codes = codes_text(issued.codes)
            line(f"  #{issued.index} {issued.number} ({issued.kind}, {issued.ground}): {codes}; " + text("batas ", "due ") + due)


_CHANGES: Final = {
    "withdrawn": ("mengundurkan diri", "withdrawn"),
    "disqualified": ("dibatalkan", "disqualified"),
    "replaced": ("diganti pada putaran berikut", "replaced from the next round on"),
}


def _show_votes(app: App, found: AreaRecap) -> None:
    """Candidates in ballot order; those who are out apart, since their votes count as invalid."""
    nothing_in = found.state in ("none", "annulled") and not found.counts
    columns = (text("No.", "No."), text("Pasangan calon", "Candidates"), text("Suara", "Votes"))
    votes = [
        (str(candidate.number), candidate.name, "-" if nothing_in else figure_text(candidate.votes))
        for candidate in found.candidates
        if not candidate.out
    ]
    table(app, columns, votes, numbers=(0, 2))
    out = [candidate for candidate in found.candidates if candidate.change]
    if out:
        line()
        line(text("Calon yang berubah:", "Candidates that changed:"))
    for candidate in out:
        said = f"  {candidate.number} {candidate.name}: {text(*_CHANGES[candidate.change])} ({candidate.basis})"
        if candidate.out:
            figure = "-" if nothing_in else figure_text(candidate.votes)
            said += text(f"; {figure} suara, dihitung tidak sah", f"; {figure} votes, counted as invalid")
        line(said)


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


_CERTIFICATES: Final = {
    "": ("", ""),
    "in-force": ("disahkan", "certified"),
    "corrected": ("disahkan, dibetulkan di atas", "certified, corrected above"),
    "reopened": ("dibuka kembali", "reopened"),
    "renewal": ("perlu disahkan ulang", "to be certified again"),
}


def _show_children(app: App, found: AreaRecap) -> None:
    line()
    numbers = [str(candidate.number) for candidate in found.candidates]
    stations = not found.children[0].counts
    status = text("Keadaan", "State") if stations else text("Masuk", "In")
    remarked = any(_child_remark(child, stations=stations) for child in found.children)
    rows = []
    for child in found.children:
        empty = child.state == "none" or (not stations and not child.counts["in"])
        votes = ["-" if empty else figure_text(vote) for vote in child.votes]
        said = state_word(child.state) if stations else f"{grouped(child.counts['in'])}/{grouped(child.counts['expected'])}"
        remark = [_child_remark(child, stations=stations)] if remarked else []
        rows.append([child.code, child.name, *votes, said, *remark])
    more = [text("Catatan", "Remarks")] if remarked else []
    table(app, [text("Kode", "Code"), text("Nama", "Name"), *numbers, status, *more], rows, numbers=range(2, 2 + len(numbers)))


def _child_remark(child: ChildRecap, *, stations: bool) -> str:
    said: list[str] = []
    if child.round:
        said.append(round_label(child.round, language()))
    if stations and child.read:
        said.append(text("dibacakan", "read"))
    if child.certificate:
        said.append(text(*_CERTIFICATES[child.certificate]))
    for name in ("awaiting", "held", "differing"):
        if child.counts.get(name):
            said.append(f"{grouped(child.counts[name])} {text(*COUNT_WORDS[name])}")
    if child.objections:
        said.append(text(f"{child.objections} keberatan", f"objections: {child.objections}"))
    if child.findings:
        said.append(", ".join(child.findings))
    return "; ".join(said)


# --- findings ---------------------------------------------------------------------------------------------------------------


@command(examples=("ledger findings", "ledger findings 177101 --by-rule", "ledger findings --json --not-evaluated"))
@argument("area", required=False, default="", metavar="[AREA]", shell_complete=complete_area)
@contest_option
@at_option
@option("--by-rule", is_flag=True, ind="Hanya jumlah per aturan", eng="Only the counts by rule")
@option("--not-evaluated", is_flag=True, ind="Juga aturan yang tidak dapat diperiksa", eng="Also rules that could not be checked")
@option("--form-only", is_flag=True, ind="Tanpa aturan lintas TPS", eng="Without the rules that look across")
def findings(app: App, area: str, contest: str | None, at: int | None, by_rule: bool, not_evaluated: bool, form_only: bool) -> None:
    """Remarks of the rules: counts by rule, the stations, and apart what the rules that look across say."""
    with app.node.snapshot(at) as snapshot:
        state = snapshot.state
        opened = election_of(state).opened
        known_contest(state, contest)
        rows = [
            row
            for code, place in contests_below(state, area, contest)
            for row in findings_of(state, place, code, not_evaluated=not_evaluated)
        ]
        rows += [] if form_only else across(state, area, contest, not_evaluated=not_evaluated)
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
            cells = [
                (row.station, row.name, row.contest, row.rule, _outcome(row.outcome), _explained(row))
                for row in rows
                if row.kind == "form"
            ]
            columns = ("TPS", text("Nama", "Name"), text("Kontes", "Contest"), text("Aturan", "Rule"), "", "")
            if cells:
                table(app, columns, cells)
            _show_across([row for row in rows if row.kind == "across"])
        app.say("Arti suatu aturan: ledger explain r5", "What a rule means: ledger explain r5")


def _show_across(rows: list[FindingRow]) -> None:
    """One sentence each, with the numbers."""
    if rows:
        line()
        line(text("Aturan lintas TPS, kontes, salinan dan rekap:", "Rules that look across stations, contests, copies and recaps:"))
    for row in rows:
        said = f"{row.name} ({row.station}), {row.contest}: {text(row.said_id, row.said_en)}."
        for words in wrap(said, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False):
            line(words)


def _explained(row: FindingRow) -> str:
    if not row.explained:
        return ""
    said = f"{row.explained_reason} (#{row.explained}, {row.explained_by})"
    return text("dijelaskan: ", "explained: ") + said


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
