"""``verify``: a whole log, from a published folder, its address or archive, or a ledger folder; trusts nothing but the ledger id
that it is given and its own state file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from ledger.audit.archive import ArchiveSource
from ledger.audit.heads import parse_head
from ledger.audit.remote import USUAL, UrlSource
from ledger.audit.report import Report, identity_words, outcome_words, step_title
from ledger.audit.resuming import STATE_LIMIT_BYTES, STATE_PLACE, decode_state, encode_state
from ledger.audit.sources import EntriesSource, FolderSource, PublishedSource
from ledger.audit.verify import Known, Receipt, State
from ledger.audit.verify import verify as verify_source
from ledger.cli.app import CONFIG_NAME, App
from ledger.cli.language import grouped, language, messages, printable, text
from ledger.cli.output import emit, heading, line, progress
from ledger.cli.program import argument, command, option
from ledger.cli.publishing import read_policy
from ledger.errors import BadInput, NotVerified, Usage
from ledger.files import Files
from ledger.proof.note import NOTE_LIMIT_BYTES, NoteKey, parse_vkey
from ledger.proof.policy import Policy
from ledger.proof.tiles import published_tiles
from ledger.proof.tlogproof import PROOF_LIMIT_BYTES
from ledger.tally.events import ElectionOpened
from ledger.tally.signing import open_entry
from ledger.witness.evidence import fork_by_tiles

__all__ = ["published_source", "verified_quietly", "verify"]

NOT_VERIFIED: Final = 1
FORKS: Final = frozenset({("history-rewritten", STATE_PLACE), ("not-an-extension", "checkpoint")})
"""Failures by which a log is not the continuation of the one that was verified before."""
NOBODYS_WORD: Final = frozenset({"checkpoint-other-origin", "note-signature-invalid", "note-unsigned"})
"""A checkpoint that the log did not sign convicts nobody."""

Progress = Callable[[int, int], None]


@command(
    examples=(
        "ledger verify public --ledger-id a634347b12b6...",
        "ledger verify https://hasil.example/log/ --state log.state",
        "ledger verify public.zip --known checkpoint-kemarin --receipt tanda-terima.tlog-proof --json",
        "ledger verify https://hasil.example/log/ --policy kebijakan.txt --log-vkey hasil.example/log+c5c06916+AeQo...",
        "ledger verify pilkada",
    )
)
@argument("source", metavar="SOURCE")
@option("--ledger-id", metavar="HEX", ind="Ledger id dari lembaran resmi", eng="The ledger id as gazetted")
@option("--log-vkey", metavar="VKEY", ind="Kunci log dari lembaran resmi", eng="The log's verifier key as gazetted")
@option(
    "--policy",
    metavar="FILE",
    ind="Log dan peneguh yang dipercaya (C2SP tlog-policy)",
    eng="The logs and witnesses trusted (C2SP tlog-policy)",
)
@option(
    "--known",
    metavar="FILE",
    ind="Checkpoint yang disimpan dahulu; harus awalan log ini",
    eng="A checkpoint kept from before; must be a prefix",
)
@option(
    "--receipt",
    "receipts",
    metavar="FILE",
    multiple=True,
    ind="Tanda terima yang entrinya harus ada di log ini; dapat diulang",
    eng="A receipt whose entry must stand in this log; repeatable",
)
@option(
    "--state",
    metavar="FILE",
    ind="Ingatan pemeriksaan; yang sudah diperiksa tidak dibaca ulang",
    eng="What a verification remembers; what was verified is not read again",
)
def verify(
    app: App,
    source: str,
    ledger_id: str | None,
    log_vkey: str | None,
    policy: str | None,
    known: str | None,
    receipts: tuple[str, ...],
    state: str | None,
) -> int:
    """Checks every signature, link, authority and total of a published folder, its URL or .zip, or of a ledger; exit status 1
    where anything is wrong."""
    files = Files()
    asked = _Asked(
        ledger_id=None if ledger_id is None else _ledger_id(ledger_id),
        log_key=None if log_vkey is None else parse_vkey(log_vkey),
        policy=None if policy is None else read_policy(policy),
        known=None if known is None else Known.from_note(files.read(Path(known), NOTE_LIMIT_BYTES)),
        receipts=tuple(Receipt.from_bytes(Path(name).name, files.read(Path(name), PROOF_LIMIT_BYTES)) for name in receipts),
        memory=None if state is None else _Remembered(Path(state), files),
    )
    report = _verify(app, source, asked)
    if app.json:
        emit(report)
    else:
        _show_report(report)
        _show_kept(asked.memory)
    return 0 if report.ok else NOT_VERIFIED


class _Remembered:
    """A state file: read at the start, written anew once all was found good; beside it what shows that the log was changed.

    ``fork``: the file of evidence that convicts the log (docs/FORMATS.md section 8.7); ``pair``: both checkpoints, where no proof
    could be had, such as from a server that shows less than before.
    """

    def __init__(self, path: Path, files: Files) -> None:
        self._path, self._files = path, files
        self.state = decode_state(files.read(path, STATE_LIMIT_BYTES)) if path.exists() else None
        self.fork: Path | None = None
        self.pair: Path | None = None

    def keep(self, state: State) -> None:
        """The next verification goes on from here; the file is replaced in one step."""
        self._files.write(self._path, encode_state(state), private=True)

    def finish(self, report: Report, source: PublishedSource) -> None:
        """Where the log is no extension of what was verified, writes what shows it."""
        if self.state is None or NOBODYS_WORD & {failure.code for failure in report.failures}:
            return
        shrunk = parse_head(self.state.checkpoint).size > (report.size or 0)
        told = {(failure.code, failure.place) for failure in report.failures}
        if not shrunk and not told & FORKS:
            return
        note = source.checkpoint()
        evidence = None if shrunk else self._evidence(self.state, note, source, report.log_vkey)
        if evidence is not None:
            self.fork = self._path.with_name(f"{self._path.name}.fork")
            self._files.write(self.fork, evidence)
        else:
            self.pair = self._path.with_name(f"{self._path.name}.checkpoints")
            self._files.write(self.pair, b"\n".join([self.state.checkpoint, note]))

    def _evidence(self, state: State, note: bytes, source: PublishedSource, vkey: str | None) -> bytes | None:
        """From the tiles that are published now; they may be as false as the rest.  Both checkpoints have to be by the one key."""
        opened = open_entry(state.opening).event.data
        if not isinstance(opened, ElectionOpened):
            return None
        try:
            tiles = published_tiles(parse_head(note).size, source.read)
            key = parse_vkey(vkey or opened.log_key)
            return fork_by_tiles(key, theirs=state.checkpoint, ours=note, tiles=tiles)
        except (BadInput, NotVerified):
            return None


class _Asked(NamedTuple):
    """What a verification is to be told beside its source."""

    ledger_id: bytes | None
    log_key: NoteKey | None
    policy: Policy | None
    known: Known | None
    receipts: tuple[Receipt, ...]
    memory: _Remembered | None


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


def _verify(app: App, source: str, asked: _Asked) -> Report:
    with _executor() as executor, progress(text("Memeriksa", "Verifying"), None) as done, ExitStack() as stack:

        def tell(checked: int, _total: int) -> None:
            done(checked)

        if (Path(source) / CONFIG_NAME).is_file():
            if asked.memory is not None:
                raise Usage("state-of-publication", "a ledger's own folder is always read whole", path=source)
            if asked.policy is not None:
                raise Usage("policy-of-publication", "a ledger's own head goes to witnesses only when it is published", path=source)
            return _verify_ledger(app, Path(source), asked, executor, tell)
        published = published_source(source, stack)
        memory = asked.memory
        report = verify_source(
            published,
            ledger_id=asked.ledger_id,
            executor=executor,
            progress=tell,
            known=asked.known,
            receipts=asked.receipts,
            state=None if memory is None else memory.state,
            keep=None if memory is None else memory.keep,
            now=time.time_ns() // 1_000_000,
            log_key=asked.log_key,
            policy=asked.policy,
        )
        if memory is not None:
            memory.finish(report, published)
        return report


def published_source(source: str, stack: ExitStack) -> PublishedSource:
    """An address, an archive or a folder; ``stack`` gives back what it holds."""
    if "://" in source:
        return stack.enter_context(UrlSource(source, USUAL))
    if source.lower().endswith(".zip") and not Path(source).is_dir():
        return stack.enter_context(ArchiveSource(Path(source)))
    return FolderSource(Path(source))


def _verify_ledger(app: App, folder: Path, asked: _Asked, executor: Executor | None, tell: Progress) -> Report:
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
            ledger_id=asked.ledger_id,
            executor=executor,
            progress=tell,
            known=asked.known,
            receipts=asked.receipts,
            log_key=asked.log_key,
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


def _show_kept(memory: _Remembered | None) -> None:
    if memory is None:
        return
    if memory.fork is not None:
        line(text(f"Log ini BERCABANG; buktinya di {memory.fork}.", f"This log FORKED; the evidence is in {memory.fork}."))
        line(text(f"Siapa saja dapat memeriksanya: ledger witness evidence {memory.fork} --log-vkey VKEY",
                  f"Anyone can check it: ledger witness evidence {memory.fork} --log-vkey VKEY"))  # fmt: skip
    if memory.pair is not None:
        line(text(f"Kedua checkpoint disimpan: {memory.pair}", f"Both checkpoints are kept: {memory.pair}"))


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
    read = grouped(report.bytes_read)
    line(text(f"dibaca     {read} byte", f"read       {read} bytes"))
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
    if report.ok and report.size and report.identity != "checked":
        line(
            text(
                "Beri --ledger-id dari lembaran resmi untuk memeriksa identitasnya.",
                "Give --ledger-id from the gazette to check the identity.",
            )
        )
