"""``demo`` and ``import kpu``: a ledger to look at, made in one go."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ledger.cli.app import App, clock
from ledger.cli.language import grouped, text
from ledger.cli.output import emit, heading, line, progress, table
from ledger.cli.program import argument, command, option
from ledger.errors import BadInput, Usage

if TYPE_CHECKING:
    from ledger.node import Node
    from ledger.scenario.demo import DemoReport
    from ledger.scenario.kpu import ImportReport

__all__ = ["demo", "import_kpu"]

DEMO_FOLDER: Final = "demo-bengkulu"
DEMOS_MAX: Final = 100
DIFFERENT: Final = 1

_STEPS: Final = {
    "read": ("Membaca berkas", "Reading files"),
    "enrol": ("Mendaftarkan TPS dan kunci", "Listing stations and keys"),
    "submit": ("Mencatat", "Appending"),
}


@contextmanager
def _steps() -> Iterator[Any]:
    """A bar for each step that a scenario tells of: (step, done, total)."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        current: dict[str, Any] = {"step": None, "done": None}

        def tell(step: str, done: int, total: int) -> None:
            if step != current["step"]:
                stack.close()
                words = text(*_STEPS.get(step, (step, step)))
                current.update(step=step, done=stack.enter_context(progress(words, total)))
            current["done"](done)

        yield tell


def _next_free() -> Path:
    """``demo-bengkulu``, or ``demo-bengkulu-2``, ... where there is one already."""
    names = (DEMO_FOLDER, *(f"{DEMO_FOLDER}-{number}" for number in range(2, DEMOS_MAX)))
    return next((Path(name) for name in names if not Path(name).exists()), Path(DEMO_FOLDER))


def require_empty(place: Path) -> None:
    """Raises ``BadInput`` ``folder-not-empty``."""
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise BadInput("folder-not-empty", "a ledger is made in a new or empty folder", path=str(place))


@command(examples=("ledger demo", "ledger demo coba --seed 7", "ledger demo --scenario governor"))
@argument("folder", required=False, default=None, metavar="[DIR]")
@option("--seed", type=int, default=1, metavar="N", ind="Benih; benih sama, akar sama", eng="The seed; one seed, one root")
@option(
    "--scenario",
    type=click.Choice(["city", "governor"]),
    default="city",
    ind="city: satu kota penuh; governor: selisih nyata satu provinsi",
    eng="city: a whole city; governor: the real difference of a province",
)
def demo(app: App, folder: str | None, seed: int, scenario: str) -> int:
    """A whole synthetic election: built, summed, published and verified."""
    from ledger.node import Node
    from ledger.scenario.demo import build_demo

    place = _next_free() if folder is None else Path(folder)
    require_empty(place)
    if scenario == "governor":
        from ledger.cli.demo_difference import show_difference

        return show_difference(app, place, _steps, program_name())
    started = time.monotonic()
    with _steps() as tell:
        report = build_demo(place, seed=seed, progress=tell)
    with Node.open(place, clock=clock) as node:
        node.publish(place / "public")
        verified = _verified(place / "public", report.ledger)
        different = sum(pair.votes != pair.official for contest in report.contests for pair in contest.pairs)
        seconds = round(time.monotonic() - started, 1)
        if app.json:
            emit({"report": report, "differences": different, "verified": verified, "seconds": seconds, "folder": str(place)})
        else:
            _show_demo(app, node, report, verified=verified, seconds=seconds)
            _show_next(place, report)
    return 0 if verified and not different else DIFFERENT


def _verified(public: Path, ledger: str) -> bool:
    from ledger.cli.auditing import verified_quietly

    return verified_quietly(public, bytes.fromhex(ledger))


def _show_demo(app: App, node: Node, report: DemoReport, *, verified: bool, seconds: float) -> None:
    from ledger.cli.demo_story import tell_story

    heading(
        "synthetic",
        text(
            f"{report.area_name}, dari pendaftaran kunci sampai penetapan: {grouped(report.stations)} TPS, "
            f"{grouped(report.entries)} entri, {len(report.events)} jenis peristiwa.",
            f"{report.area_name}, from the enrolment of keys to the determined result: {grouped(report.stations)} stations, "
            f"{grouped(report.entries)} entries, {len(report.events)} kinds of events.",
        ),
        text(
            "Jumlah per kecamatan resmi; angka TPS dan semua masalahnya rekaan. Sebenarnya tidak ada PSU di kota ini.",
            "The districts' totals are the official ones; the stations' figures and all their troubles are invented. In truth the "
            "city had no revote.",
        ),
    )
    for contest in report.contests:
        line()
        line(text(contest.name_id, contest.name_en))
        rows = [
            (str(pair.number), pair.name, grouped(pair.votes), grouped(pair.official), grouped(pair.votes - pair.official))
            for pair in contest.pairs
        ]
        columns = (
            text("No.", "No."),
            text("Pasangan calon", "Candidates"),
            text("Ledger", "Ledger"),
            text("Resmi", "Official"),
            text("Selisih", "Difference"),
        )
        table(app, columns, rows, numbers=(0, 2, 3, 4))
    line()
    with node.snapshot() as snapshot:
        tell_story(snapshot, report.told_contest, report.told_station)
    _show_parts(app, report)
    line()
    line(
        text(
            "Terverifikasi: setiap tanda tangan, kaitan, wewenang dan jumlah.",
            "Verified: every signature, link, authority and total.",
        )
        if verified
        else text("TIDAK terverifikasi.", "NOT verified.")
    )
    line(f"ledger id {report.ledger}")
    line(text(f"{seconds} detik.", f"{seconds} seconds."))


_PARTS: Final = {
    "differing": ("dua operator mengirim angka berbeda; pleno memilih", "two operators sent different figures; the plenary chose"),
    "wrong_form": ("formulir TPS tetangga terkirim, lalu ditarik", "the next station's form was sent, and taken back"),
    "broken_phone": (
        "ponsel rusak: dimasukkan kecamatan; kiriman ponsel itu datang terlambat dan tidak berlaku",
        "a broken phone: entered by the district; the phone's own forms came late and have no effect",
    ),
    "replaced": (
        "kunci diganti pada hari itu oleh kecamatan sendiri, ditinjau keesokan paginya",
        "a key replaced on the day by the district alone, reviewed the next morning",
    ),
    "accepted": ("keberatan saksi diterima, angka dibetulkan", "an agent's objection accepted, the figures corrected"),
    "rejected": ("keberatan saksi ditolak", "an agent's objection rejected"),
    "explained": ("formulir kertasnya sendiri tidak cocok jumlahnya; dijelaskan", "the paper itself does not add up; explained"),
    "continued": ("banjir: pemungutan lanjutan dua hari kemudian (PSL)", "a flood: the vote continued two days later (PSL)"),
    "late": (
        "formulir gubernur belum ada saat kecamatan mengesahkan; dibuka kembali, lalu disahkan lagi",
        "the governor's form missing when the district certified; reopened for it, and certified again",
    ),
    "paper_differs": (
        "rekap kertas gubernur berbeda satu angka; disahkan dengan selisih yang dijelaskan",
        "the governor's paper recap differs in one figure; certified, with the difference explained",
    ),
    "again": (
        "pemungutan suara ulang (PSU) atas rekomendasi pengawas; pengesahan diperbarui",
        "the vote repeated (PSU) on the supervisor's recommendation; the certificate renewed",
    ),
    "refused": ("rekomendasi PSU dijawab: tidak dilaksanakan", "a recommended revote: answered, and refused"),
    "unanswered": ("rekomendasi yang tidak pernah dijawab", "a recommendation that nobody answered"),
}
"""What else happens, by the part that its station plays (``DemoReport.parts``)."""


def _show_parts(app: App, report: DemoReport) -> None:
    line()
    line(text("Yang juga terjadi (lihat: ledger history KODE):", "What else happens (see: ledger history CODE):"))
    rows = [(report.parts[part], text(*words)) for part, words in _PARTS.items()]
    table(app, (text("Kode", "Code"), ""), rows)


def _show_next(place: Path, report: DemoReport) -> None:
    ledger = program_name()
    commands = (
        f"cd {place}",
        f"{ledger} recap {report.area}",
        f"{ledger} history {report.told_station} --contest {report.told_contest}",
        f"{ledger} why {report.area} {_winner(report)} --contest {report.told_contest}",
        f"{ledger} status",
        f"{ledger} keys",
        f"{ledger} log --last 20",
        f"{ledger} verify public --ledger-id {report.ledger}",
    )
    sys.stderr.write(text("Ketik berikutnya:", "Type next:") + "\n" + "".join(f"  {words}\n" for words in commands))


def _winner(report: DemoReport) -> int:
    """The ballot number with the most votes in the told contest."""
    pairs = next(contest.pairs for contest in report.contests if contest.contest == report.told_contest)
    return max(pairs, key=lambda pair: pair.votes).number


def program_name() -> str:
    """How to call this program from anywhere: by its name where that is on the path, else by where it is."""
    here = Path(sys.argv[0])
    found = shutil.which("ledger")
    return "ledger" if found is not None or not here.is_file() else str(here.absolute())


# --- import -----------------------------------------------------------------------------------------------------------------


@command(examples=("ledger import kpu hhcw_ppwp_*.csv.gz --into b17",))
@argument("files", nargs=-1, required=True, metavar="FILE...")
@option("--into", required=True, metavar="DIR", ind="Folder ledger yang baru", eng="The new ledger's folder")
@option("--areas", metavar="FILE", ind="Tabel nama wilayah", eng="The table of area names")
def import_kpu(app: App, files: tuple[str, ...], into: str, areas: str | None) -> None:
    """A ledger from files as KPU published them; nobody knows who changed what, and the ledger says so."""
    from ledger.scenario.kpu import import_kpu as run

    place = Path(into)
    require_empty(place)
    for file in files:
        if not Path(file).is_file():
            raise Usage("import-source-missing", "there is no such file", path=file)
    with _steps() as tell:
        report = run([Path(file) for file in files], place, areas=Path(areas) if areas else None, progress=tell)
    if app.json:
        emit({"folder": into, "report": report})
        return
    _show_import(into, report)
    app.say(f"Lanjut: {program_name()} recap --ledger {into}", f"Next: {program_name()} recap --ledger {into}")


def _show_import(into: str, report: ImportReport) -> None:
    heading("import", text(f"Ledger dibuat di {into}.", f"The ledger is in {into}."))
    for source in report.files:
        line(f"  {source.name}: {grouped(source.versions)} " + text("versi", "versions") + f", sha256 {source.sha256[:16]}")
    line(
        text(
            f"{grouped(report.versions)} versi dari {grouped(report.stations)} TPS",
            f"{grouped(report.versions)} versions of {grouped(report.stations)} stations",
        )
    )
    line(text(f"{grouped(report.entries)} entri: ", f"{grouped(report.entries)} entries: ") + _counted(report.events))
    if report.reasons:
        line(text("alasan: ", "reasons: ") + _counted(report.reasons))
    line(text(f"{grouped(report.bad_row_count)} baris tidak terbaca", f"{grouped(report.bad_row_count)} rows could not be read"))
    rate = grouped(round(report.events_per_second))
    line(text(f"{report.seconds} detik, {rate} peristiwa per detik", f"{report.seconds} seconds, {rate} events per second"))
    line(f"ledger id {report.ledger}")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {grouped(count)}" for name, count in counts.items())
