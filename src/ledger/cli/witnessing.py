"""The verbs of a log witness: ``witness init``, ``witness add-log``, ``witness serve``, ``witness evidence``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.cli.app import App
from ledger.cli.language import grouped, printable, text
from ledger.cli.output import emit, line
from ledger.cli.program import argument, command, option
from ledger.cli.publishing import clock_seconds
from ledger.cli.serving import PORT_MAX, host_option
from ledger.files import Files
from ledger.proof.note import NoteKey, parse_vkey
from ledger.witness.evidence import EVIDENCE_LIMIT_BYTES, Fork, check_fork
from ledger.witness.folder import WitnessFolder
from ledger.witness.serving import CONNECTION_LIMIT_SECONDS, WitnessServer

__all__ = ["witness_add_log", "witness_evidence", "witness_init", "witness_serve"]


@command(examples=("ledger witness init peneguh --name universitas.example/peneguh",))
@argument("folder", metavar="DIR")
@option(
    "--name",
    required=True,
    metavar="NAME",
    ind="Nama kunci, sebaiknya alamat tanpa skema",
    eng="The key's name, best a URL without scheme",
)
def witness_init(app: App, folder: str, name: str) -> None:
    """A witness with a new key, which knows no log yet."""
    key = WitnessFolder.create(Path(folder), name=name, private=Ed25519PrivateKey.generate(), files=Files())
    if app.json:
        emit({"folder": folder, "vkey": key.vkey})
        return
    line(text(f"Peneguh log dibuat di {folder}. Kunci publiknya:", f"The log witness is in {folder}. Its public key:"))
    line(key.vkey)
    app.say(f"Lanjut: ledger witness add-log {folder} VKEY", f"Next: ledger witness add-log {folder} VKEY")


@command(
    examples=(
        "ledger witness add-log peneguh hasil.example/log+c5c06916+AeQo...",
        "ledger witness add-log peneguh hasil.example/log+0a1b2c3d+AbCd... --instead-of hasil.example/log+c5c06916+AeQo...",
    )
)
@argument("folder", metavar="DIR")
@argument("vkey", metavar="VKEY")
@option(
    "--instead-of",
    metavar="VKEY",
    ind="Kunci lama log itu, yang tidak berlaku lagi (ledger rekey)",
    eng="The log's old key, which is no longer in force (ledger rekey)",
)
def witness_add_log(app: App, folder: str, vkey: str, instead_of: str | None) -> None:
    """From now on the witness cosigns this log; its key's name is its origin.  Not while the witness is being served."""
    key = parse_vkey(vkey)
    with WitnessFolder.open(Path(folder), files=Files()) as witness:
        witness.add_log(key, instead_of=None if instead_of is None else parse_vkey(instead_of))
    if app.json:
        emit({"folder": folder, "origin": key.name, "vkey": vkey})
        return
    line(text(f"Log {key.name} dikenal.", f"The log {key.name} is known."))
    app.say(f"Lanjut: ledger witness serve {folder}", f"Next: ledger witness serve {folder}")


@command(examples=("ledger witness serve peneguh", "ledger witness serve peneguh --port 8701 --later"))
@argument("folder", metavar="DIR")
@host_option
@option(
    "--port", type=click.IntRange(0, PORT_MAX), default=8701, metavar="N", ind="Porta; 0: yang bebas", eng="Port; 0: a free one"
)
@option("--later", is_flag=True, ind="Menurut teks spesifikasi sesudah v1.0.0", eng="By the specification's text after v1.0.0")
def witness_serve(app: App, folder: str, host: str, port: int, later: bool) -> None:
    """Cosigns until it is interrupted."""
    with WitnessFolder.open(Path(folder), files=Files()) as witness:
        server = WitnessServer(
            witness,
            host=host,
            port=port,
            clock=clock_seconds,
            later=later,
            connection_seconds=CONNECTION_LIMIT_SECONDS,
            tell=lambda words: app.say(printable(words), printable(words)),
        )
        with server:
            if app.json:
                emit({"url": server.url, "vkey": witness.cosigner.vkey, "logs": [log.key.vkey for log in witness.policy.logs]})
            else:
                line(text(f"Peneguh log mendengarkan di {server.url}", f"The witness listens at {server.url}"))
                line(witness.cosigner.vkey)
            sys.stdout.flush()
            server.serve_forever()


@command(examples=("ledger witness evidence fork-120.evidence --log-vkey hasil.example/log+c5c06916+AeQo...",))
@argument("file", metavar="FILE")
@option("--log-vkey", metavar="VKEY", ind="Kunci log yang dituduh", eng="The key of the accused log")
def witness_evidence(app: App, file: str, log_vkey: str | None) -> None:
    """Says what a file of evidence proves; exit status 1 where it proves nothing."""
    key = None if log_vkey is None else parse_vkey(log_vkey)
    fork = check_fork(Files().read(Path(file), EVIDENCE_LIMIT_BYTES), key=key)
    if app.json:
        sides = [{"size": side.size, "root": side.root.hex()} for side in (fork.first, fork.second)]
        said = {"proven": True, "origin": fork.key.name, "vkey": fork.key.vkey, "key_checked": key is not None}
        emit({**said, "checkpoints": sides, "root_there": None if fork.root is None else fork.root.hex()})
        return
    _show_fork(app, fork, key)


def _show_fork(app: App, fork: Fork, key: NoteKey | None) -> None:
    first, second = fork.first, fork.second
    line(
        text(
            f"Terbukti: log {fork.key.name} menandatangani dua riwayat yang tidak mungkin benar keduanya.",
            f"Proven: the log {fork.key.name} signed two histories that cannot both be true.",
        )
    )
    line(
        text(f"  {grouped(first.size)} entri: akar {first.root.hex()}", f"  {grouped(first.size)} entries: root {first.root.hex()}")
    )
    line(
        text(
            f"  {grouped(second.size)} entri: akar {second.root.hex()}",
            f"  {grouped(second.size)} entries: root {second.root.hex()}",
        )
    )
    if fork.root is not None:
        line(
            text(
                f"  tetapi {grouped(first.size)} entri pertama dari yang kedua: akar {fork.root.hex()}",
                f"  but the first {grouped(first.size)} entries of the second: root {fork.root.hex()}",
            )
        )
    line(fork.key.vkey)
    if key is None:
        app.say(
            "Kunci diambil dari berkas itu sendiri: bandingkan dengan kunci log yang sebenarnya (--log-vkey).",
            "The key is the file's own: compare it with the log's true key (--log-vkey).",
        )
