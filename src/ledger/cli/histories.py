"""``history``: how a station's numbers came to be, what was done in an area, and what a key did."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import msgspec

from ledger.cli.app import App
from ledger.cli.completing import complete_area
from ledger.cli.language import grouped, iso_time, language, local_time, text
from ledger.cli.output import emit, figure_text, heading, line, state_word
from ledger.cli.program import argument, command, option
from ledger.cli.speaking import (
    WIDTH,
    act_word,
    at_option,
    change_lines,
    contest_option,
    entry_object,
    facts_text,
    known_contest,
    level_word,
    marks_text,
    role_word,
    said_lines,
    who,
    zone_of,
)
from ledger.errors import BadInput, Usage
from ledger.node import Snapshot
from ledger.recap.certificates import CertificateView
from ledger.recap.chronicles import Act, KeyHistory, area_history, key_history
from ledger.recap.keyring import KeyView
from ledger.recap.places import area_name, election_of, station_area
from ledger.recap.views import EntryView, History, Version
from ledger.recap.views import history as history_of
from ledger.tally.facts.status import status_at, status_text
from ledger.tally.facts.wording import round_label

__all__ = ["certificate_lines", "history", "show_act", "show_station_history"]


@command(
    examples=(
        "ledger history 1771010001001",
        "ledger history 1771010001001 --contest wali-kota --json",
        "ledger history 177101 --below",
        "ledger history --key 2fdd268409f5",
    )
)
@argument("place", required=False, metavar="[STATION|AREA]", shell_complete=complete_area)
@contest_option
@option("--key", metavar="KEYID", ind="Semua perbuatan satu kunci dan penggantinya", eng="Every act of a key and its successors")
@option("--below", is_flag=True, ind="Juga semua di bawah wilayah itu", eng="Everything below the area too")
@at_option
def history(app: App, place: str | None, contest: str | None, key: str | None, below: bool, at: int | None) -> None:
    """Every event that named a station's tally; the acts of an area; the acts of a key: who, when, what changed, why."""
    if (place is None) == (key is None):
        raise Usage("argument-missing", "a station or area, or --key", command="ledger history", argument="[STATION|AREA]")
    with app.node.snapshot(at) as snapshot:
        election = election_of(snapshot.state)
        known_contest(snapshot.state, contest)
        if key is not None:
            _key(app, snapshot, key)
        elif place is not None and election.is_station(place):
            _station(app, snapshot, place, contest)
        elif place is not None:
            _area(app, snapshot, place, contest, below=below)


# --- a station ---------------------------------------------------------------------------------------------------------------


def _station(app: App, snapshot: Snapshot, station: str, contest: str | None) -> None:
    held = station_area(snapshot.state, station)
    if contest is not None and contest not in held.contests:
        raise BadInput("station-unknown", "no such station holds this contest", station=station, contest=contest)
    for code in held.contests:
        if contest in (None, code):
            found = history_of(snapshot.state, snapshot.entry, code, station, size=snapshot.size)
            if app.json:
                _emit_history(snapshot, found)
            else:
                _show_history(snapshot, found)


def show_station_history(snapshot: Snapshot, contest: str, station: str) -> None:
    """The history of one tally, for people."""
    _show_history(snapshot, history_of(snapshot.state, snapshot.entry, contest, station, size=snapshot.size))


def _emit_history(snapshot: Snapshot, found: History) -> None:
    plain: dict[str, Any] = msgspec.to_builtins(found)
    zone = zone_of(snapshot.state, found.station)
    for version, said in zip(found.versions, plain["versions"], strict=True):
        said["entry"] = entry_object(version.entry, zone)
    emit({"kind": election_of(snapshot.state).opened.kind, **plain})


def _show_history(snapshot: Snapshot, found: History) -> None:
    state = snapshot.state
    opened = election_of(state).opened
    zone = zone_of(state, found.station)
    status = status_at(state, found.contest, found.station, found.round)
    words = status_text(status, language(), level=election_of(snapshot.state).level_of)
    heading(opened.kind, f"{found.name} ({found.station}), {found.contest}", words)
    if len(found.rounds) > 1:
        said = (f"{round_label(round_, language())}: {state_word(word) or word}" for round_, word in found.rounds)
        line("; ".join(said).replace("annulled", text("dibatalkan", "annulled")) + ".")
    line(text(f"Setelah {grouped(found.size)} entri.", f"After {grouped(found.size)} entries."))
    for certificate in found.certificates:
        certificate_lines(certificate, zone)
    if not found.versions:
        line(text("Belum ada yang masuk.", "Nothing has come in yet."))
    last_round = 0
    for version in found.versions:
        if version.entry.pending == "approved":  # told where it took effect, with who proposed it
            continue
        if version.round > last_round:
            last_round = version.round
            line()
            line(f"--- {round_label(last_round, language())} ---")
        line()
        _show_version(snapshot, version, zone)


def _show_version(snapshot: Snapshot, version: Version, zone: str) -> None:
    entry = version.entry
    line(f"{local_time(entry.sequenced_at, zone)}  #{entry.index}  {_version_word(snapshot, version)}")
    line(f"  {who(entry)}")
    if version.approves is not None:
        line(_proposed_by(version.approves))
    said_lines(facts_text(version.facts, zone))
    first = version.state == "submitted" or dict(version.facts).get("act") == "submitted"
    if first and not entry.void:
        given = [(code, after) for code, _, after in version.changed if after is not None]
        said = ", ".join(f"{code} {figure_text(after)}" for code, after in given)
        for words in wrap(said, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False):
            line(words)
    elif version.entry.type == "tally.attested":
        for code, form, copy in version.changed:
            said = text(
                f"formulir {figure_text(form)}, salinan {figure_text(copy)}", f"form {figure_text(form)}, copy {figure_text(copy)}"
            )
            line(f"  {code}: {said}")
    else:
        change_lines(version.changed)
    if version.photos_changed:
        line(text("  foto berganti", "  photos changed"))
    if version.findings:
        line(text("  catatan pemeriksaan: ", "  remarks: ") + ", ".join(version.findings))


def _version_word(snapshot: Snapshot, version: Version) -> str:
    entry = version.entry
    act = dict(version.facts).get("act", "")
    match version.state:
        case "void":
            late = text(f"tidak berlaku: {entry.void} (bukti terlambat)", f"without effect: {entry.void} (late evidence)")
            return f"{late} - {act_word(act)}" if act else late
        case "proposed":
            return _pending_word(entry) + ": " + act_word(act)
        case word:
            said = act_word(word)
    if version.entered_at:
        level = level_word(version.entered_at, entry.scope)
        said += text(f", dimasukkan di {level} oleh petugas", f", entered at the {level} by an officer")
    if version.of == "older":
        said += text(" (tentang versi lama)", " (of an older version)")
    elif version.of == "unknown":
        said += text(" (tentang peristiwa yang tidak ada pada hasil ini)", " (of an event that is none of this tally's)")
    if version.place:
        said += f", {area_name(snapshot.state, version.place)} ({version.place})"
    if version.approves is not None:
        said += text(", disetujui kursi kedua", ", approved by the second seat")
    return said


def _pending_word(entry: EntryView) -> str:
    match entry.pending:
        case "approved":
            return text("diusulkan, kemudian disetujui", "proposed, approved later")
        case "expired":
            return text("diusulkan, kedaluwarsa tanpa persetujuan", "proposed, expired without approval")
        case _:
            return text("diusulkan, menunggu kursi kedua", "proposed, waits for a second seat")


def _proposed_by(proposal: EntryView) -> str:
    return text(f"  diusulkan di #{proposal.index} oleh ", f"  proposed at #{proposal.index} by ") + who(proposal)


def certificate_lines(certificate: CertificateView, zone: str) -> None:
    """A certificate in a line, and a line for each figure in which the paper says otherwise."""
    level = level_word(certificate.level, certificate.area)
    states = {
        "in-force": ("berlaku", "in force"),
        "corrected": ("berlaku, dibetulkan di tingkat atas", "in force, corrected at a higher level"),
        "reopened": ("dibuka kembali", "reopened"),
        "renewal": ("perlu disahkan ulang", "to be certified again"),
    }
    word = text("ditetapkan", "determined") if certificate.deciding else text("disahkan", "certified")
    when = local_time(certificate.held_at, zone)
    line(
        f"{word} {level} {certificate.area}: {certificate.document}, {when}; "
        f"{text(*states[certificate.state])}; #{certificate.index}"
    )
    if certificate.reopened:
        stations = ", ".join(certificate.reopened_stations) or text("semua TPS", "all stations")
        line(f"  #{certificate.reopened}: {certificate.reopened_reason}, {certificate.reopened_basis}; {stations}")
    for each in certificate.differences:
        label = text(each.label_id, each.label_en)
        paper, ledger = figure_text(each.paper), figure_text(each.log)
        line(text(f"  selisih {label}: kertas {paper}, ledger {ledger} ({each.reason})",
                  f"  difference in {label}: paper {paper}, ledger {ledger} ({each.reason})"))  # fmt: skip
    if certificate.missing:
        line(text("  tanpa ", "  without ") + ", ".join(certificate.missing))


# --- an area and a key ----------------------------------------------------------------------------------------------------------


def _area(app: App, snapshot: Snapshot, area: str, contest: str | None, *, below: bool) -> None:
    state = snapshot.state
    acts = area_history(state, snapshot.entry, area, contest, size=snapshot.size, below=below)
    zone = zone_of(state, "")
    if app.json:
        for act in acts:
            emit(_act_object(act, zone))
        return
    heading(election_of(state).opened.kind, f"{area_name(state, area)} ({area})")
    line(text(f"Setelah {grouped(snapshot.size)} entri.", f"After {grouped(snapshot.size)} entries."))
    nothing = True
    for act in acts:
        if act.entry.pending == "approved" and act.word == "proposed":  # told where it took effect
            continue
        nothing = False
        line()
        show_act(act, zone)
    if nothing:
        line(text("Belum ada perbuatan di wilayah ini sendiri.", "Nothing was done in this area itself yet."))
    if not below:
        app.say("Juga semua di bawahnya: --below", "Everything below it too: --below")


def _act_object(act: Act, zone: str) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(act)
    return {**plain, "time": iso_time(act.entry.sequenced_at, zone)}


def show_act(act: Act, zone: str, indent: str = "") -> None:
    """An act in a few lines: when and what, who, its facts."""
    entry = act.entry
    match act.word:
        case "void":
            word = text(f"tidak berlaku: {entry.void}", f"without effect: {entry.void}") + f" - {act_word(act.act)}"
        case "proposed":
            word = f"{_pending_word(entry)}: {act_word(act.act)}"
        case _:
            word = act_word(act.act)
    if act.approves is not None and act.word not in ("void", "proposed"):
        word += text(", disetujui kursi kedua", ", approved by the second seat")
    contest = entry.contest or (act.approves.contest if act.approves is not None else "")
    places = ", ".join(act.places[:6]) + (" ..." if len(act.places) > 6 else "")
    where = "  ".join(part for part in (places, contest) if part)
    line(f"{indent}{local_time(entry.sequenced_at, zone)}  #{entry.index}  {word}" + (f"  {where}" if where else ""))
    line(f"{indent}  {who(entry)}")
    if act.approves is not None:
        line(indent + _proposed_by(act.approves))
    said_lines(facts_text(act.facts, zone), indent + "  ")


def _key(app: App, snapshot: Snapshot, said: str) -> None:
    state = snapshot.state
    zone = zone_of(state, "")
    with app.node.entries(0, snapshot.size) as rows:
        found = key_history(state, snapshot.entry, (row.entry for row in rows), said, size=snapshot.size)
    if app.json:
        emit({"kind": election_of(state).opened.kind, **msgspec.to_builtins(found)})
        return
    heading(election_of(state).opened.kind)
    _show_key(found.key, zone)
    _show_line_of_keys(found, zone)
    for act in found.acts:
        line()
        show_act(act, zone)


def _show_line_of_keys(found: KeyHistory, zone: str) -> None:
    for view in found.before:
        line(text("Sebelumnya:", "Before it:"))
        _show_key(view, zone, "  ")
    for view in found.after:
        line(text("Sesudahnya:", "After it:"))
        _show_key(view, zone, "  ")
    line(text(f"{grouped(len(found.acts))} perbuatan.", f"{grouped(len(found.acts))} acts."))


def _show_key(view: KeyView, zone: str, indent: str = "") -> None:
    line(f"{indent}{view.key}")
    line(f"{indent}  {role_word(view.role)} {view.scope or '-'} / {view.seat}")
    enrolled = f"#{view.enrolled} {local_time(view.enrolled_at, zone)}"
    by = view.by or text("entri 0", "entry 0")
    line(indent + text(f"  didaftarkan {enrolled} oleh {by}", f"  enrolled {enrolled} by {by}"))
    marks = [mark for mark, on in (("late", view.late), ("alone", view.alone), ("rotated", bool(view.after))) if on]
    if marks:
        line(f"{indent}  {marks_text(tuple(marks))}")
    if view.revoked:
        since = text(f", dicurigai sejak #{view.suspect_since}", f", suspect since #{view.suspect_since}")
        revoked = text(f"  dicabut #{view.revoked}: ", f"  revoked #{view.revoked}: ") + view.revoked_reason
        line(indent + revoked + (since if view.suspect_since >= 0 else ""))
