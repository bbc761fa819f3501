"""``worklist``, ``status``, ``keys``: what waits for whom, how far the election has come, and who holds which key."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import click
import msgspec

from ledger.cli.app import App
from ledger.cli.completing import complete_area
from ledger.cli.language import grouped, iso_time, local_time, text
from ledger.cli.output import emit, heading, line, table
from ledger.cli.program import argument, command, option
from ledger.cli.reading import COUNT_WORDS
from ledger.cli.speaking import ROLES as KEY_ROLES
from ledger.cli.speaking import (
    at_option,
    codes_text,
    contest_option,
    facts_text,
    known_contest,
    level_word,
    marks_text,
    role_word,
    who,
    zone_of,
)
from ledger.recap.keyring import KeyView, keys_of
from ledger.recap.places import area_name, election_of, require_area
from ledger.recap.progress import ContestProgress, Progress
from ledger.recap.progress import progress as progress_of
from ledger.recap.worklists import ROLES, Task
from ledger.recap.worklists import worklist as worklist_of

__all__ = ["keys", "status", "worklist"]

TASKS_SHOWN: Final = 30
"""Tasks of one kind on a screen; ``--all`` shows every one."""


# --- worklist ------------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger worklist 177101 --role officer",
        "ledger worklist --role supervisor --contest wali-kota",
        "ledger worklist 1771 --role agent --json",
    )
)
@argument("area", required=False, default="", metavar="[AREA]", shell_complete=complete_area)
@option("--role", type=click.Choice(ROLES), required=True, ind="Daftar kerja siapa", eng="Whose work list")
@option("--area", "named", metavar="CODE", ind="Wilayahnya", eng="Its area", shell_complete=complete_area)
@contest_option
@at_option
@option("--all", "every", is_flag=True, ind="Semua baris", eng="Every row")
def worklist(app: App, area: str, role: str, named: str | None, contest: str | None, at: int | None, every: bool) -> None:
    """What waits for a role in an area, in the order in which it is best done."""
    place = named or area
    with app.node.snapshot(at) as snapshot:
        state = snapshot.state
        opened = election_of(state).opened
        known_contest(state, contest)
        tasks = worklist_of(state, snapshot.entry, role, place, contest, size=snapshot.size)
        if app.json:
            for task in tasks:
                emit(task)
            return
        where = f"{area_name(state, place)} ({place})" if place else opened.name
        heading(opened.kind, f"{role_word(role)}: {where}")
        line(text(f"Setelah {grouped(snapshot.size)} entri.", f"After {grouped(snapshot.size)} entries."))
        if not tasks:
            line(text("Tidak ada yang menunggu.", "Nothing waits."))
        _show_tasks(app, tasks, zone_of(state, ""), role=role, every=every)


_TASKS: Final = {
    "pending": ("Menunggu persetujuan kursi kedua", "Waits for a second seat's approval"),
    "replaced": ("Kunci pengganti, belum ditinjau", "Replaced keys, not reviewed yet"),
    "missing": ("Belum masuk", "Not in yet"),
    "withdrawn": ("Kiriman ditarik, belum masuk lagi", "Withdrawn, not in yet again"),
    "awaiting": ("Menunggu hasil PSU", "Awaiting the revote's form"),
    "postponed": ("PSL atau PSS: belum masuk", "Postponed: not in yet"),
    "differing": ("Dua akun berbeda: pilih atau betulkan", "Two seats differ: choose or correct"),
    "held": ("Ditahan: betulkan atau lepas", "Held: correct or release"),
    "finding": ("Catatan pemeriksaan belum dijelaskan", "Remarks not explained"),
    "objection": ("Keberatan terbuka", "Open objections"),
    "recommendation": ("Rekomendasi belum dijawab", "Unanswered recommendations"),
    "read": ("Belum dibacakan di pleno", "Not read in the plenary yet"),
    "lower-recap": ("Rekap di bawahnya belum disahkan", "Recaps of the level below without a certificate"),
    "read-recap": ("Rekap di bawahnya belum dibacakan", "Recaps of the level below not read yet"),
    "certify": ("Perlu disahkan", "To be certified"),
    "late": ("Bukti terlambat, tidak berlaku", "Late evidence, without effect"),
    "attest": ("Belum dicocokkan dengan salinan sendiri", "Not held against the own copy yet"),
    "other-figures": ("Salinan menyebut angka lain", "A copy says other figures"),
}

_COMMANDS: Final = {
    ("officer", "pending"): "ledger approve",
    ("registrar", "pending"): "ledger approve",
    ("registrar", "replaced"): "ledger approve",
    ("administrator", "pending"): "ledger approve",
    ("officer", "differing"): "ledger correct",
    ("officer", "held"): "ledger release",
    ("officer", "objection"): "ledger settle",
    ("officer", "recommendation"): "ledger answer",
    ("officer", "read"): "ledger read",
    ("officer", "read-recap"): "ledger read",
    ("officer", "certify"): "ledger certify",
    ("agent", "attest"): "ledger attest",
    ("supervisor", "attest"): "ledger attest",
}
"""The command that does a task, for the role whose task it is."""


def _show_tasks(app: App, tasks: list[Task], zone: str, *, role: str, every: bool) -> None:
    kinds = dict.fromkeys(task.kind for task in tasks)
    for kind in kinds:
        those = [task for task in tasks if task.kind == kind]
        line()
        hint = _COMMANDS.get((role, kind), "")
        line(f"{text(*_TASKS[kind])}{f' ({hint})' if hint else ''}: {grouped(len(those))}")
        shown = those if every else those[:TASKS_SHOWN]
        rows = []
        for task in shown:
            facts = facts_text(task.facts, zone, without=("overdue",), area=task.code[:4])
            if task.deadline:
                late = ("overdue", "1") in task.facts
                due = text("LEWAT BATAS ", "OVERDUE ") if late else text("batas ", "due ")
                facts.append(due + local_time(task.deadline, zone))
            entry = f"#{task.entry}" if task.entry >= 0 else ""
            name = task.name if task.name != task.code else ""
            rows.append((task.code, name, task.contest, entry, "; ".join(facts)))
        columns = (text("Kode", "Code"), text("Nama", "Name"), text("Kontes", "Contest"), text("Entri", "Entry"), "")
        table(app, columns, rows)
        if len(those) > len(shown):
            more = grouped(len(those) - len(shown))
            line(text(f"  dan {more} lagi (--all)", f"  and {more} more (--all)"))


# --- status --------------------------------------------------------------------------------------------------------------------


@command(examples=("ledger status", "ledger status --json", "ledger status --at 1200"))
@at_option
def status(app: App, at: int | None) -> None:
    """How far the election has come: stations in and read, certificates by level, what waits, deadlines."""
    from ledger.cli.app import clock

    with app.node.snapshot(at) as snapshot:
        state = snapshot.state
        now = clock() if at is None and election_of(state).opened.kind in ("official", "rehearsal") else None
        found = progress_of(state, snapshot.entry, size=snapshot.size, now=now)
        if app.json:
            emit({**msgspec.to_builtins(found), "time_iso": iso_time(found.time, zone_of(state, ""))})
            return
        zone = zone_of(state, "")
        heading(found.kind, found.election)
        last = local_time(found.time, zone)
        line(text(f"{grouped(found.size)} entri, yang terakhir {last}.", f"{grouped(found.size)} entries, the last {last}."))
        for contest in found.contests:
            _show_contest(app, contest)
        line()
        _show_waiting(found, zone)
        _show_deadlines(app, found, zone)


def _show_contest(app: App, contest: ContestProgress) -> None:
    line()
    done = text("; ditetapkan", "; determined") if contest.determined else ""
    line(f"{text(contest.name_id, contest.name_en)} [{contest.contest}], {contest.area or '-'}{done}")
    shown = {name: count for name, count in contest.counts.items() if count or name in ("expected", "in")}
    line("  " + "; ".join(f"{grouped(count)} {text(*COUNT_WORDS[name])}" for name, count in shown.items()) + ".")
    line(text(f"  {grouped(contest.read)} dibacakan di pleno.", f"  {grouped(contest.read)} read in a plenary."))
    if not contest.levels:
        return
    rows = [
        (
            level_word(level.level, contest.area[:4] if len(contest.area) >= 4 else ""),
            f"{grouped(level.certified)}/{grouped(level.areas)}",
            grouped(level.read),
            grouped(level.corrected),
            grouped(level.reopened),
            grouped(level.renewal),
        )
        for level in contest.levels
    ]
    columns = (
        text("Tingkat", "Level"),
        text("disahkan", "certified"),
        text("dibacakan di atas", "read above"),
        text("dibetulkan di atas", "corrected above"),
        text("dibuka kembali", "reopened"),
        text("perlu disahkan ulang", "to renew"),
    )
    table(app, columns, rows, numbers=(1, 2, 3, 4, 5))


def _show_waiting(found: Progress, zone: str) -> None:
    if found.seal is None:
        line(text("Rekap belum pernah disegel.", "The recaps were never sealed."))
    else:
        when = local_time(found.seal.time, zone)
        line(
            text(
                f"Segel terakhir: #{found.seal.index}, {when}; {grouped(found.seal.since)} entri sesudahnya.",
                f"Last seal: #{found.seal.index}, {when}; {grouped(found.seal.since)} entries since.",
            )
        )
    waits = [view for view in found.pending if view.pending == "waits"]
    line(text(f"Menunggu kursi kedua: {len(waits)}", f"Waiting for a second seat: {len(waits)}"))
    for view in found.pending:
        words = {"waits": ("menunggu", "waits"), "expired": ("kedaluwarsa", "expired"), "review": ("perlu ditinjau", "to review")}
        line(f"  #{view.index} {view.type} {view.contest} {view.area or view.station}: {text(*words[view.pending])}; {who(view)}")
    line(text(f"Keberatan terbuka: {found.objections}", f"Open objections: {found.objections}"))
    line(
        text(
            f"Rekomendasi belum dijawab: {len(found.recommendations)}", f"Unanswered recommendations: {len(found.recommendations)}"
        )
    )
    for row in found.recommendations[:10]:
        line(f"  #{row.index} {row.number} ({row.kind}): {codes_text(row.codes)}; " + local_time(row.deadline, zone))
    if found.voids:
        said = ", ".join(f"{code} {grouped(count)}" for code, count in sorted(found.voids.items()))
        line(text("Bukti terlambat, tidak berlaku: ", "Late evidence, without effect: ") + said)


_DEADLINES: Final = {
    "not-yet": ("belum mulai", "not begun"),
    "running": ("berjalan", "running"),
    "done": ("selesai", "done"),
    "late": ("TERLAMBAT", "LATE"),
}


def _show_deadlines(app: App, found: Progress, zone: str) -> None:
    if not found.deadlines:
        return
    line()
    rows = [
        (
            level_word(row.level),
            local_time(row.opens, zone),
            local_time(row.closes, zone),
            text(*_DEADLINES[row.state]),
            ", ".join(f"{contest} {grouped(areas)}" for contest, areas in row.late),
        )
        for row in found.deadlines
    ]
    columns = (
        text("Rekapitulasi", "Recapitulation"),
        text("mulai", "opens"),
        text("selesai", "closes"),
        "",
        text("belum disahkan", "not certified"),
    )
    table(app, columns, rows)


# --- keys ----------------------------------------------------------------------------------------------------------------------


@command(examples=("ledger keys", "ledger keys 177101 --role operator --all", "ledger keys --role registrar --json"))
@argument("area", required=False, default="", metavar="[AREA]", shell_complete=complete_area)
@option("--role", type=click.Choice(KEY_ROLES), ind="Hanya peran ini", eng="This role alone")
@option("--all", "every", is_flag=True, ind="Juga kunci yang biasa saja", eng="Keys of which nothing is remarkable too")
@at_option
def keys(app: App, area: str, role: str | None, every: bool, at: int | None) -> None:
    """All keys: counts by role, then those of which something is to be known (or all)."""
    with app.node.snapshot(at) as snapshot:
        state = snapshot.state
        opened = election_of(state).opened
        zone = zone_of(state, "")
        require_area(state, area)
        views = list(keys_of(state, snapshot.entry, role=role, area=area))
        if app.json:
            for view in views:
                emit(_key_object(view, zone))
            return
        heading(opened.kind, opened.name, f"{area_name(state, area)} ({area})" if area else "")
        _count_keys(app, views)
        shown = [view for view in views if every or view.late or view.alone or view.state != "live"]
        line()
        if not shown:
            line(text("Tidak ada kunci yang perlu diperhatikan.", "Nothing is to be known of any key."))
            return
        _show_keys(app, shown, zone)
        app.say("Semua perbuatan satu kunci: ledger history --key KUNCI", "Every act of a key: ledger history --key KEY")


def _key_object(view: KeyView, zone: str) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(view)
    return {**plain, "enrolled_time": iso_time(view.enrolled_at, zone)}


def _count_keys(app: App, views: list[KeyView]) -> None:
    counts: dict[str, Counter[str]] = {}
    for view in views:
        counts.setdefault(view.role, Counter())[view.state] += 1
        counts[view.role]["late"] += view.late
        counts[view.role]["alone"] += view.alone
        counts[view.role]["acts"] += view.acts
    names = ("live", "rotated", "revoked", "late", "alone", "acts")
    rows = [(role_word(role), *(grouped(count[name]) for name in names)) for role, count in sorted(counts.items())]
    columns = (
        text("Peran", "Role"),
        text("berlaku", "live"),
        text("beralih", "rotated"),
        text("dicabut", "revoked"),
        text("setelah dibuka", "after opening"),
        text("perlu ditinjau", "to review"),
        text("perbuatan", "acts"),
    )
    table(app, columns, rows, numbers=(1, 2, 3, 4, 5, 6))


def _show_keys(app: App, views: list[KeyView], zone: str) -> None:
    rows = []
    for view in views:
        marks = [mark for mark, on in (("late", view.late), ("alone", view.alone), ("rotated", bool(view.after))) if on]
        said = marks_text(tuple(marks))
        if view.revoked:
            revoked = text(f"dicabut #{view.revoked} ({view.revoked_reason})", f"revoked #{view.revoked} ({view.revoked_reason})")
            since = text(f", dicurigai sejak #{view.suspect_since}", f", suspect since #{view.suspect_since}")
            said = "; ".join(part for part in (said, revoked + (since if view.suspect_since >= 0 else "")) if part)
        by = view.by or text("entri 0", "entry 0")
        when = f"#{view.enrolled} {local_time(view.enrolled_at, zone)}"
        rows.append((view.key[:12], role_word(view.role), view.scope or "-", view.seat, by, when, grouped(view.acts), said))
    columns = (
        text("Kunci", "Key"),
        text("Peran", "Role"),
        text("Wilayah", "Scope"),
        text("Kursi", "Seat"),
        text("oleh", "by"),
        text("terdaftar", "enrolled"),
        text("perbuatan", "acts"),
        "",
    )
    table(app, columns, rows, numbers=(6,))
