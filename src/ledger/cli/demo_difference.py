"""``demo --scenario governor``: a difference that nobody could explain in 2024, and what a ledger would have had to say of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledger.cli.app import App, clock
from ledger.cli.language import grouped, local_time, text
from ledger.cli.output import emit, heading, line, table

if TYPE_CHECKING:
    from ledger.recap.diffs import Diff, Difference
    from ledger.scenario.governor import DifferenceReport

__all__ = ["show_difference"]

DIFFERENT: Final = 1
ZONE: Final = "Asia/Jakarta"


def show_difference(app: App, place: Path, steps: Callable[[], AbstractContextManager[Any]], program: str) -> int:
    """Builds, publishes and verifies the ledger, and tells which stations, events, documents and keys make up the difference."""
    from ledger.cli.auditing import verified_quietly
    from ledger.node import Node
    from ledger.recap.diffs import diff
    from ledger.scenario.governor import CONTEST, build_difference

    started = time.monotonic()
    with steps() as tell:
        report = build_difference(place, progress=tell)
    with Node.open(place, clock=clock) as node:
        node.publish(place / "public")
        with node.snapshot() as snapshot, node.entries(0, report.certified) as rows:
            entries = (row.entry for row in rows)
            found = diff(entries, snapshot.entry, before=report.site, after=report.certified, contest=CONTEST, area="")
    verified = verified_quietly(place / "public", bytes.fromhex(report.ledger))
    seconds = round(time.monotonic() - started, 1)
    if app.json:
        emit({"report": report, "diff": found, "verified": verified, "seconds": seconds, "folder": str(place)})
    else:
        _show(app, report, found)
        line()
        line(text("Terverifikasi.", "Verified.") if verified else text("TIDAK terverifikasi.", "NOT verified."))
        line(text(f"{seconds} detik.", f"{seconds} seconds."))
        _show_next(place, report, program)
    return 0 if verified and report.certified_votes == report.official else DIFFERENT


def _show(app: App, report: DifferenceReport, found: Diff) -> None:
    heading(
        "synthetic",
        text(
            f"Gubernur Bengkulu 2024: {grouped(report.stations)} TPS, {grouped(report.entries)} entri.",
            f"Governor of Bengkulu 2024: {grouped(report.stations)} stations, {grouped(report.entries)} entries.",
        ),
        text(
            "Nyata: jumlah tiap kecamatan di situs pada 28 November dan hasil resmi 7 Desember. Rekaan: pembagian ke TPS, "
            "dan bahwa perbuatan di bawah inilah sebabnya. Data umum tidak dapat mengatakannya.",
            "Real: the districts' totals on the site on 28 November and the official result of 7 December. Invented: how "
            "votes fall on stations, and that the acts below are the reason. The public data cannot tell.",
        ),
    )
    line()
    columns = (
        text("Pasangan calon", "Candidates"),
        text("Situs", "Site"),
        text("Resmi", "Official"),
        text("Selisih", "Difference"),
    )
    rows = [
        (total.name, grouped(site), grouped(official), _signed(official - site))
        for total, site, official in zip(found.totals, report.site_votes, report.certified_votes, strict=True)
    ]
    table(app, columns, rows, numbers=(1, 2, 3))
    line()
    line(text("Selisih itu terdiri dari:", "That difference is made up of:"))
    late = [each for each in found.differences if each.station in report.late]
    others = [each for each in found.differences if each.station not in report.late]
    for title, those in (
        (text("Dua formulir Lebong yang belum ada di situs", "Two forms of Lebong that were not on the site"), late),
        (text("Sisanya, yang tidak dapat dijelaskan siapa pun", "The rest, which nobody could explain"), others),
    ):
        line()
        sums = [sum(column) for column in zip(*(each.delta for each in those), strict=True)]
        line(f"{title}: {' / '.join(map(_signed, sums))}")
        for each in those:
            _show_station(each)


def _show_station(each: Difference) -> None:
    from ledger.cli.speaking import act_word, who

    line(f"  {each.name} ({each.station}): {' / '.join(map(_signed, each.delta))}")
    for step in each.steps:
        view, by = step.act.entry, step.act.approves
        said = view if by is None else by
        basis = f"; {text('dasar', 'basis')}: {said.basis}" if said.basis else ""
        reason = f"; {text('alasan', 'reason')}: {said.reason}" if said.reason else ""
        entered = view.role == "officer" and view.type == "tally.submitted"
        word = text("dimasukkan oleh kecamatan", "entered by the district") if entered else act_word(step.act.word)
        line(f"    #{view.index}  {local_time(view.sequenced_at, ZONE)}  {word}{reason}{basis}")
        if by is not None:
            line(f"      {text('diusulkan', 'proposed')} #{by.index}: {who(by)}")
        line(f"      {who(view)}")


def _signed(number: int) -> str:
    return f"+{grouped(number)}" if number > 0 else grouped(number)


def _show_next(place: Path, report: DifferenceReport, program: str) -> None:
    commands = (
        f"cd {place}",
        f"{program} diff {report.site} {report.certified}",
        f"{program} history {report.changed[0]}",
        f"{program} recap 17",
        f"{program} verify public --ledger-id {report.ledger}",
    )
    sys.stderr.write(text("Ketik berikutnya:", "Type next:") + "\n" + "".join(f"  {words}\n" for words in commands))
