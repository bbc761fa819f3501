"""``restore`` and ``anchor``: a ledger made again from what was published, and the memory of what its log signed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.cli.app import App, clock
from ledger.cli.language import grouped, text
from ledger.cli.output import emit, line, progress
from ledger.cli.program import argument, command, option
from ledger.errors import BadInput, NotVerified, Usage
from ledger.files import Files
from ledger.node import Node
from ledger.proof.note import parse_vkey
from ledger.tally.events import ElectionOpened
from ledger.tally.signing import SigningKey, reopen_entry

if TYPE_CHECKING:
    from ledger.audit.report import Report

__all__ = ["anchor", "restore"]

KEY_LIMIT_BYTES: Final = 10_000
ID_BYTES: Final = 32
TOLERATED: Final = ("quorum-short",)
"""Findings about who has looked at the publication, not about what it holds."""


@command(examples=("ledger anchor /srv/anchor/pilkada", "ledger anchor /mnt/usb/anchor --ledger pilkada"))
@argument("file", metavar="FILE")
def anchor(app: App, file: str) -> None:
    """From now on the log remembers there what it signed; the file lies on other storage than ledger, database and backups."""
    app.node.set_anchor(Path(file))
    size = app.node.head().size
    if app.json:
        emit({"anchor": str(app.node.anchor.path), "size": size})
    else:
        line(text(f"Jangkar: {file}, {grouped(size)} entri.", f"Anchor: {file}, {grouped(size)} entries."))
        app.say("Jangan ikutkan berkas ini dalam cadangan ledger.", "Keep this file out of the ledger's backups.")


@command(
    examples=(
        "ledger restore public --into baru --ledger-id a634347b12b6... --log-key log-key.pem",
        "ledger restore public --into salinan",
        "ledger restore public --into baru --key-lost    # lalu: ledger rekey --log --second DIR",
        "ledger restore public --append-to pilkada",
    )
)
@argument("folder", metavar="FOLDER")
@option("--into", metavar="DIR", ind="Folder ledger baru", eng="A new ledger folder")
@option(
    "--append-to",
    metavar="DIR",
    ind="Ledger yang tertinggal: catat lagi yang kurang",
    eng="A ledger that fell behind: append what it lacks",
)
@option("--ledger-id", metavar="HEX", ind="Ledger id dari lembaran resmi", eng="The ledger id as gazetted")
@option(
    "--log-key",
    metavar="FILE",
    ind="Kunci log; tanpa ini hanya bisa dibaca",
    eng="The log's key; without it the ledger is read-only",
)
@option(
    "--key-lost",
    is_flag=True,
    ind="Kunci log hilang; ledger menunggu ledger rekey",
    eng="The log's key is lost; the ledger waits for ledger rekey",
)
@option("--sealer-key", metavar="FILE", ind="Kunci penyegel", eng="The sealer's key")
@option("--database", metavar="ADDRESS", ind="Alamat PostgreSQL", eng="The address of a PostgreSQL database")
def restore(
    app: App,
    folder: str,
    into: str | None,
    append_to: str | None,
    ledger_id: str | None,
    log_key: str | None,
    key_lost: bool,
    sealer_key: str | None,
    database: str | None,
) -> None:
    """Verifies a published folder, then appends its very entries again, byte for byte."""
    if (into is None) == (append_to is None):
        raise Usage("argument-missing", "one of the two is needed", command="ledger restore", argument="--into, --append-to")
    if key_lost and log_key:
        raise Usage("argument-invalid", "a key that is given is not lost", command="ledger restore", argument="--key-lost")
    if append_to is not None and (log_key or key_lost or sealer_key or database):
        raise Usage("argument-invalid", "keys and database go with --into", command="ledger restore", argument="--append-to")
    source = FolderSource(Path(folder))
    report = _verified(source, None if ledger_id is None else _ledger_id(ledger_id))
    size = report.size or 0
    entries = source.entries(0, size)
    if append_to is not None:
        with Node.open(Path(append_to), clock=clock, anchor=app.anchor, curing=True) as node:
            done = node.append_missing(entries, note=source.checkpoint())
            _tell(app, Path(append_to), report, appended=done.size - done.before, read_only=node.read_only)
        return
    opening = reopen_entry(next(source.entries(0, 1))).event.data
    if not isinstance(opening, ElectionOpened):
        raise NotVerified("publication-unverified", "entry 0 opens no election", path=folder)
    place = Path(into or "")
    with Node.restore(
        place,
        entries,
        note=source.checkpoint(),
        key=parse_vkey(opening.log_key),
        present=parse_vkey(report.log_vkey or opening.log_key),
        log_key=None if log_key is None else _log_key(Path(log_key)),
        sealer=None if sealer_key is None else _sealer_key(Path(sealer_key)),
        clock=clock,
        database=database,
        anchor=app.anchor,
        lost=key_lost,
    ) as node:
        _tell(app, place, report, appended=size, read_only=node.read_only)


def _ledger_id(said: str) -> bytes:
    try:
        data = bytes.fromhex(said)
    except ValueError:
        data = b""
    if len(data) != ID_BYTES:
        raise BadInput("bad-hex", "64 hex digits are expected", argument="--ledger-id")
    return data


def _verified(source: FolderSource, ledger_id: bytes | None) -> Report:
    """The report on a publication that is in order; ``NotVerified`` ``publication-unverified`` with the first thing that is not."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads, progress(text("Memeriksa", "Verifying"), None) as done:
        report = verify(source, ledger_id=ledger_id, executor=threads, progress=lambda checked, _total: done(checked), known=None)
    wrong = [failure for failure in report.failures if failure.code not in TOLERATED]
    if wrong or not report.size:
        first = f"{wrong[0].code}: {wrong[0].place}" if wrong else "no entry"
        raise NotVerified("publication-unverified", first, path=source.name)
    return report


def _log_key(path: Path) -> Ed25519PrivateKey:
    key = _key(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput("key-file-invalid", "this is no Ed25519 key", path=str(path))
    return key


def _sealer_key(path: Path) -> SigningKey:
    key = _key(path)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise BadInput("key-file-invalid", "this is no P-256 key", path=str(path))
    return SigningKey(key)


def _key(path: Path) -> object:
    try:
        return load_pem_private_key(Files().read(path, KEY_LIMIT_BYTES), None)
    except (TypeError, ValueError) as problem:
        raise BadInput("key-file-invalid", str(problem), path=str(path)) from None


def _tell(app: App, place: Path, report: Report, *, appended: int, read_only: bool) -> None:
    if app.json:
        said = {"folder": str(place), "size": report.size, "root": report.root, "appended": appended}
        emit({**said, "ledger_id": report.ledger_id, "identity": report.identity, "read_only": read_only})
        return
    line(
        text(
            f"{place}: {grouped(appended)} entri dicatat lagi; terbitan memuat {grouped(report.size or 0)} entri.",
            f"{place}: {grouped(appended)} entries appended again; the publication holds {grouped(report.size or 0)}.",
        )
    )
    line(text(f"akar {report.root}", f"root {report.root}"))
    if report.identity != "checked":
        app.say("Identitas tidak diperiksa: beri --ledger-id.", "Identity not checked: give --ledger-id.")
    if read_only:
        app.say("Tanpa kunci log: hanya bisa dibaca.", "Without the log's key: read-only.")
    app.say(
        "Foto dan catatan tidak ada dalam terbitan; ambil dari cadangan.",
        "Photos and texts are not published; take them from a backup.",
    )
