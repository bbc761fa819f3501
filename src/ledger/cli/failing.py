"""Failures: the exit status of each branch of the error tree, and the three lines that people see."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import Any, Final

import click

from ledger.cli.language import messages, printable, text
from ledger.errors import BadInput, Broken, LedgerError, NotVerified, Refused, Usage

__all__ = ["EXIT_CODES", "closed_pipe", "error_object", "report", "status_of"]

GOOD: Final = 0
NOT_VERIFIED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
INPUT: Final = 4
INTERRUPTED: Final = 130

EXIT_CODES: Final = (
    (GOOD, "baik", "good"),
    (NOT_VERIFIED, "tidak terverifikasi, atau berbeda", "not verified, or different"),
    (USAGE, "perintah salah ketik", "usage: the command was typed wrongly"),
    (REFUSED, "ditolak ledger, atau tercatat tetapi tidak berlaku", "refused by the ledger, or appended without effect"),
    (
        INPUT,
        "masukan, keluaran, jaringan, atau penyimpanan; coba lagi bisa berhasil",
        "input, output, network or store; may be tried again",
    ),
    (INTERRUPTED, "dihentikan", "interrupted"),
)


def status_of(problem: BaseException) -> int:
    """The exit status; waiting is 4, since the same command may succeed later."""
    if isinstance(problem, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    match told(problem):
        case NotVerified():
            return NOT_VERIFIED
        case Usage():
            return USAGE
        case Refused():
            return REFUSED
        case _:
            return INPUT


def told(problem: BaseException) -> LedgerError:
    """Any exception as one of the tree."""
    if isinstance(problem, LedgerError):
        return problem
    if isinstance(problem, click.UsageError):
        return _told_usage(problem)
    if isinstance(problem, OSError):
        return _told_os(problem)
    return Broken("internal", f"{type(problem).__name__}: {problem}")


def _told_usage(problem: click.UsageError) -> Usage:
    command = problem.ctx.command_path if problem.ctx is not None else "ledger"
    match problem:
        case click.NoSuchOption():
            mean = ", ".join(problem.possibilities or ())
            return Usage("option-unknown", problem.message, command=command, option=problem.option_name, did_you_mean=mean)
        case click.MissingParameter():
            name = problem.param.make_metavar(problem.ctx) if problem.param and problem.ctx else ""
            if isinstance(problem.param, click.Option):
                name = problem.param.opts[0]
            return Usage("argument-missing", "something is missing", command=command, argument=name)
        case click.BadParameter():
            name = problem.param.opts[0] if problem.param is not None else ""
            return Usage("argument-invalid", problem.message, command=command, argument=name)
        case _:
            return Usage("usage", problem.format_message(), command=command)


_OS_CODES: Final = {
    errno.ENOENT: "file-missing",
    errno.EACCES: "file-forbidden",
    errno.EPERM: "file-forbidden",
    errno.EROFS: "file-forbidden",
    errno.EISDIR: "file-is-folder",
    errno.ENOTDIR: "folder-is-file",
    errno.ENOSPC: "disk-full",
    errno.EDQUOT: "disk-full",
}


def _told_os(problem: OSError) -> BadInput:
    where = {} if problem.filename is None else {"path": problem.filename}
    return BadInput(_OS_CODES.get(problem.errno or 0, "io-failed"), problem.strerror or str(problem), **where)


# --- what people and programs see -------------------------------------------------------------------------------------------

_WHERE_ID: Final = {
    "agents": "tanda saksi",
    "area": "wilayah",
    "argument": "argumen",
    "at": "pada",
    "code": "kode",
    "candidates": "jumlah calon",
    "column": "kolom",
    "command": "perintah",
    "contest": "kontes",
    "expected": "seharusnya",
    "figure": "angka",
    "figures": "banyaknya angka",
    "file": "berkas",
    "form": "formulir",
    "found": "ditemukan",
    "index": "entri",
    "line": "baris",
    "option": "pilihan",
    "path": "berkas",
    "position": "posisi",
    "role": "peran",
    "rule": "aturan",
    "scope": "wilayah kunci",
    "seat": "kursi",
    "size": "ukuran log",
    "unread": "belum dibacakan",
    "station": "TPS",
    "zone": "zona waktu",
}
_QUIET: Final = ("did_you_mean",)


def report(problem: BaseException, *, as_json: bool) -> None:
    """Three lines on stderr; with ``as_json`` a JSON object on stdout as well."""
    if isinstance(problem, KeyboardInterrupt | click.Abort):
        sys.stderr.write("\n" + text("Dihentikan.", "Interrupted.") + "\n")
        said: dict[str, Any] = {"code": "interrupted", "exit": INTERRUPTED}
    else:
        said = error_object(told(problem))
        for label, line in zip(
            (text("Galat", "Error"), text("Di", "At"), text("Lanjut", "Next")),
            (f"{said['message']} [{said['code']}]", said["at"], said["next"]),
            strict=True,
        ):
            sys.stderr.write(f"{label}: {line}\n")
    if as_json:
        sys.stdout.write(json.dumps({"error": said}, ensure_ascii=True) + "\n")
        sys.stdout.flush()


def error_object(error: LedgerError) -> dict[str, Any]:
    """The error as JSON: code, message, at, next, detail, where, exit."""
    message = messages().get(error.code)
    mean = printable(error.where.get("did_you_mean", "") or "")
    do = message.do if message else text("Jalankan lagi dengan --debug", "Run again with --debug")
    if mean:
        do = text(f"Maksudnya: {mean}? {do}", f"Did you mean: {mean}? {do}")
    where = {name: value for name, value in error.where.items() if name not in _QUIET}
    names = _WHERE_ID if text("id", "en") == "id" else {}
    place = ", ".join(f"{names.get(name, name.replace('_', ' '))} {printable(value)}" for name, value in where.items())
    detail = printable(error.detail)
    return {
        "code": error.code,
        "message": message.what if message else detail,
        "at": "; ".join(part for part in (place, detail if message is None or message.detailed else "") if part) or "-",
        "next": do,
        "detail": detail,
        "where": {name: value if isinstance(value, int | str) else str(value) for name, value in where.items()},
        "exit": status_of(error),
    }


def closed_pipe() -> int:
    """The reader of stdout went away: quiet, and nothing more is written at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(devnull, sys.stdout.fileno())
    except (OSError, ValueError):
        pass
    finally:
        os.close(devnull)
    return INPUT
