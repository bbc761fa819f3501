"""``verify``: a whole log, from a published folder or a ledger folder; trusts nothing but the ledger id that it is given."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ledger.audit.report import Report, identity_words, outcome_words, step_title
from ledger.audit.sources import EntriesSource, FolderSource
from ledger.audit.verify import Known
from ledger.audit.verify import verify as verify_source
from ledger.cli.app import CONFIG_NAME, App
from ledger.cli.language import grouped, language, messages, printable, text
from ledger.cli.output import emit, heading, line, progress
from ledger.cli.program import argument, command, option
from ledger.errors import BadInput
from ledger.files import Files
from ledger.proof.note import NOTE_LIMIT_BYTES

__all__ = ["verified_quietly", "verify"]

NOT_VERIFIED: Final = 1

Progress = Callable[[int, int], None]


@command(
    examples=(
        "ledger verify public --ledger-id a634347b12b6...",
        "ledger verify public --known checkpoint-kemarin --json",
        "ledger verify pilkada",
    )
)
@argument("source", metavar="FOLDER")
@option("--ledger-id", metavar="HEX", ind="Ledger id dari lembaran resmi", eng="The ledger id as gazetted")
@option(
    "--known",
    metavar="FILE",
    ind="Checkpoint yang disimpan dahulu; harus awalan log ini",
    eng="A checkpoint kept from before; must be a prefix",
)
def verify(app: App, source: str, ledger_id: str | None, known: str | None) -> int:
    """Checks every signature, link, authority and total; exit status 1 where anything is wrong."""
    wanted = None if ledger_id is None else _ledger_id(ledger_id)
    kept = None if known is None else Known.from_note(Files().read(Path(known), NOTE_LIMIT_BYTES))
    report = _verify(app, source, wanted, kept)
    if app.json:
        emit(report)
    else:
        _show_report(report)
    return 0 if report.ok else NOT_VERIFIED


def verified_quietly(folder: Path, ledger_id: bytes) -> bool:
    """Whether a published folder is in order and of this ledger."""
    with _executor() as executor:
        report = verify_source(FolderSource(folder), ledger_id=ledger_id, executor=executor, progress=None, known=None)
    return report.ok


def _ledger_id(said: str) -> bytes:
    try:
        data = bytes.fromhex(said)
    except ValueError:
        data = b""
    if len(data) != 32:
        raise BadInput("bad-hex", "64 hex digits are expected", argument="--ledger-id")
    return data


@contextmanager
def _executor() -> Iterator[Executor | None]:
    """Threads for the signatures, where there is more than one core."""
    cores = os.cpu_count() or 1
    if cores == 1:
        yield None
        return
    with ThreadPoolExecutor(cores) as executor:
        yield executor


def _verify(app: App, source: str, ledger_id: bytes | None, known: Known | None) -> Report:
    if "://" in source:
        raise BadInput("source-remote", "copy the published folder first, e.g. with wget --mirror", path=source)
    folder = Path(source)
    with _executor() as executor, progress(text("Memeriksa", "Verifying"), None) as done:

        def tell(checked: int, _total: int) -> None:
            done(checked)

        if (folder / CONFIG_NAME).is_file():
            return _verify_ledger(app, folder, ledger_id, known, executor, tell)
        return verify_source(FolderSource(folder), ledger_id=ledger_id, executor=executor, progress=tell, known=known)


def _verify_ledger(
    app: App, folder: Path, ledger_id: bytes | None, known: Known | None, executor: Executor | None, tell: Progress
) -> Report:
    """A ledger's own entries, and beside them what its store keeps: totals, states, ids and leaf hashes."""
    from ledger.store.entries import read_entries, read_head
    from ledger.store.rows import projection_rows

    app.ledger_flag = str(folder)
    with app.node.database.reading() as connection:
        head = read_head(connection)
        source = EntriesSource(
            head.checkpoint,
            lambda start, stop: (row.entry for row in read_entries(connection, start, stop)),
            name=str(folder),
        )
        return verify_source(
            source,
            ledger_id=ledger_id,
            executor=executor,
            progress=tell,
            known=known,
            projection=projection_rows(connection),
            stored=((row.index, row.event_id, row.leaf) for row in read_entries(connection, 0, head.size)),
        )


# --- for people -------------------------------------------------------------------------------------------------------------


def _show_acts(report: Report) -> None:
    """What a reader should know beside the totals: certificates and seals recomputed, acts without effect or still pending."""
    if report.certificates or report.seals or report.void or report.pending:
        line()
    if report.certificates or report.seals:
        line(
            text(
                f"{grouped(report.certificates)} pengesahan rekap dan {grouped(report.seals)} segel dihitung ulang.",
                f"{grouped(report.certificates)} certificates and {grouped(report.seals)} seals recomputed.",
            )
        )
    if report.pending:
        line(
            text(
                f"{grouped(report.pending)} tindakan menunggu kursi kedua, belum berlaku.",
                f"{grouped(report.pending)} acts wait for a second seat, without effect.",
            )
        )
    if report.void:
        codes = ", ".join(f"{code} {grouped(count)}" for code, count in sorted(report.voids.items()))
        line(
            text(
                f"{grouped(report.void)} entri tercatat tetapi tidak berlaku: {codes}.",
                f"{grouped(report.void)} entries stand without effect: {codes}.",
            )
        )


def _show_report(report: Report) -> None:
    lang = language()
    heading(report.election_kind or "", printable(report.election_name or "-"), printable(report.source))
    line(f"ledger id  {report.ledger_id or '-'} ({identity_words(report.identity, lang)})")
    line(text("log        ", "log        ") + printable(report.origin or "-"))
    if report.size is not None:
        line(
            text(
                f"ukuran     {grouped(report.size)} entri, akar {report.root}",
                f"size       {grouped(report.size)} entries, root {report.root}",
            )
        )
    line()
    for step in report.steps:
        detail = f"  ({printable(step.detail)})" if step.detail and step.outcome != "passed" else ""
        title, outcome = step_title(step.number, lang), outcome_words(step.outcome, lang)
        line(f"{step.number}. {title:<44} {outcome:<16} {grouped(step.checked):>10}{detail}")
    for failure in report.failures:
        line()
        at = "-" if failure.index is None else grouped(failure.index)
        line(text(f"Langkah {failure.step}, entri {at}: {failure.code}", f"Step {failure.step}, entry {at}: {failure.code}"))
        message = messages().get(failure.code)
        if message is not None:
            line(f"  {message.what}")
        line(f"  {printable(failure.place)}: {printable(failure.detail)}")
    _show_acts(report)
    for contest in report.contests:
        line()
        name = printable(text(contest.name_id, contest.name_en))
        came = f"{grouped(contest.counts.get('in', 0))}/{grouped(contest.counts.get('expected', 0))}"
        line(f"{name} [{contest.code}] {contest.area}: {came} TPS")
        for candidate in contest.candidates:
            line(f"  {candidate.number:>2}  {grouped(candidate.votes):>12}  {printable(candidate.name)}")
    line()
    line(report.sentence(lang))
    if report.ok and report.identity != "checked":
        line(
            text(
                "Beri --ledger-id dari lembaran resmi untuk memeriksa identitasnya.",
                "Give --ledger-id from the gazette to check the identity.",
            )
        )
