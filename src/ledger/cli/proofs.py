"""``prove`` and ``receipt check``: proofs that an entry is in the log, made and checked."""

from __future__ import annotations

import base64
import tomllib
from pathlib import Path
from typing import Final

from ledger.cli.app import App
from ledger.cli.entries import find_entry
from ledger.cli.language import local_time, text
from ledger.cli.output import emit, line
from ledger.cli.program import argument, command, option
from ledger.device.receipts import CheckedReceipt, check_receipt
from ledger.errors import BadInput, Usage
from ledger.files import Files
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import parse_note, parse_vkey
from ledger.proof.tlogproof import PROOF_LIMIT_BYTES
from ledger.tally.events import ENTRY_LIMIT_BYTES

__all__ = ["log_key", "prove", "receipt_check"]

CONFIG_LIMIT_BYTES: Final = 100_000


@command(examples=("ledger prove 17", "ledger prove 3f2a...c9 --out bukti.tlog-proof", "ledger prove 17 --consistency 12"))
@argument("entry", metavar="EVENT|INDEX")
@option("--out", metavar="FILE", ind="Tulis ke berkas ini, bukan ke stdout", eng="Write to this file, not to stdout")
@option(
    "--consistency",
    "old",
    type=int,
    metavar="OLD",
    ind="Juga bukti bahwa log memperpanjang ukuran ini",
    eng="Also prove that the log extends this size",
)
def prove(app: App, entry: str, out: str | None, old: int | None) -> None:
    """A tlog-proof of an entry at the log's head."""
    node = app.node
    index = find_entry(node, entry)
    proof = node.receipt(index)
    checkpoint = parse_checkpoint(parse_note(node.head().checkpoint).text)
    path = None if old is None else node.consistency(old, checkpoint.size)
    if out is not None:
        Files().write(Path(out), proof)
    if app.json:
        said: dict[str, object] = {"index": index, "size": checkpoint.size, "root": checkpoint.root.hex()}
        said["proof"] = out if out is not None else proof.decode()
        if path is not None:
            said["consistency"] = {"old": old, "new": checkpoint.size, "path": [step.hex() for step in path]}
        emit(said)
        return
    if out is not None:
        line(
            text(
                f"Bukti entri {index} dalam log {checkpoint.size} entri: {out}",
                f"Proof of entry {index} in a log of {checkpoint.size}: {out}",
            )
        )
    else:
        line(proof.decode().removesuffix("\n"))
    if path is not None:
        line()
        line(text(f"konsistensi {old} -> {checkpoint.size}", f"consistency {old} -> {checkpoint.size}"))
        for step in path:
            line(base64.b64encode(step).decode())


@command(
    examples=(
        "ledger receipt check receipts/0000000007.tlog-proof --device perangkat",
        "ledger receipt check bukti.tlog-proof --submission kirim.submission --log-vkey NAME+1234abcd+AbCd...",
    )
)
@argument("file", metavar="FILE")
@option(
    "--submission",
    metavar="FILE",
    ind="Kiriman yang dibuktikan (semula: di samping tanda terima)",
    eng="The submission it proves (default: beside the receipt)",
)
@option(
    "--log-vkey",
    metavar="VKEY",
    ind="Kunci log (semula: dari perangkat atau ledger)",
    eng="The log's verifier key (default: the device's or ledger's)",
)
def receipt_check(app: App, file: str, submission: str | None, log_vkey: str | None) -> None:
    """Checks a receipt offline, against the device's own bytes; exit status 1 where it does not prove them."""
    files = Files()
    receipt = files.read(Path(file), PROOF_LIMIT_BYTES)
    sent = files.read(Path(submission) if submission else Path(file).with_suffix(".submission"), ENTRY_LIMIT_BYTES)
    vkey, origin, source = log_key(app, log_vkey)
    checked = check_receipt(sent, receipt, vkey=vkey, origin=origin)
    _show_checked(app, checked, origin=origin, source=source)


def log_key(app: App, given: str | None) -> tuple[str, str, str]:
    """The log's verifier key, its origin, and where they are from: the option, the device's stream, the ledger's configuration."""
    if given is not None:
        return given, parse_vkey(given).name, "--log-vkey"
    if app.device_flag is not None:
        state = app.device().state
        if not state.vkey:
            raise BadInput("device-unbound", "the device has not met a ledger yet", path=app.device_flag)
        return state.vkey, state.origin, app.device_flag
    if not app.has_ledger():
        raise Usage("log-key-missing", "say whose log the receipt is from", option="--log-vkey")
    path = app.folder / "ledger.toml"
    try:
        config = tomllib.loads(Files().read(path, CONFIG_LIMIT_BYTES).decode())
        return str(config["vkey"]), str(config["origin"]), str(path)
    except (ValueError, KeyError) as problem:
        raise BadInput("bad-config", f"ledger.toml cannot be read: {problem}", path=str(path)) from None


def _show_checked(app: App, checked: CheckedReceipt, *, origin: str, source: str) -> None:
    if app.json:
        emit(
            {
                "verified": True,
                "event": checked.event_id.hex(),
                "index": checked.index,
                "size": checked.tree.size,
                "root": checked.tree.root.hex(),
                "sequenced_at": checked.sequenced_at,
                "origin": origin,
                "key_from": source,
            }
        )
        return
    line(
        text(
            f"Benar: peristiwa {checked.event_id.hex()} ada di log {origin} sebagai entri {checked.index}.",
            f"Verified: event {checked.event_id.hex()} is in the log {origin} as entry {checked.index}.",
        )
    )
    line(text(f"Masuk log {local_time(checked.sequenced_at, 'Asia/Jakarta')}; pohon {checked.tree.size} entri.",
              f"Sequenced {local_time(checked.sequenced_at, 'Asia/Jakarta')}; tree of {checked.tree.size} entries."))  # fmt: skip
    line(text(f"Kunci log dari {source}.", f"Log key from {source}."))
