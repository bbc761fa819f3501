"""``doctor``: what this machine and this ledger lack, each with what to do.  It writes one probe file, and removes it."""

from __future__ import annotations

import datetime
import os
import platform
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

from ledger.cli.app import DEVICES, App
from ledger.cli.language import local_time, text
from ledger.cli.output import emit, line
from ledger.cli.program import command
from ledger.errors import LedgerError

__all__ = ["Check", "doctor"]

PYTHON_MIN: Final = (3, 11)
SQLITE_MIN: Final = (3, 35)
DISK_MIN_BYTES: Final = 1_000_000_000
CLOCK_FORWARD_MS: Final = 10 * 60 * 1000
BUILT: Final = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
"""No clock that is right shows an earlier time."""
FAILED: Final = 4

Outcome = Literal["OK", "WARN", "FAIL", "NOT-EVALUATED"]


class Check(NamedTuple):
    """One thing looked at: its name, how it is, what was found, what to do ('' where nothing)."""

    name: str
    outcome: Outcome
    found: str
    do: str


@command(examples=("ledger doctor", "ledger doctor --ledger pilkada --json"))
def doctor(app: App) -> int:
    """Looks at Python, SQLite, clock, keys, disk and the ledger; exit status 4 where something fails."""
    checks = list(_checks(app))
    for check in checks:
        if app.json:
            emit(check._asdict())
        else:
            line(f"{check.outcome:<13}  {check.name:<16} {check.found}")
            if check.do:
                line(f"{'':<15}{text('Langkah', 'Do')}: {check.do}")
    return FAILED if any(check.outcome == "FAIL" for check in checks) else 0


def _checks(app: App) -> Iterator[Check]:
    yield _python()
    yield _sqlite()
    yield _cryptography()
    yield _clock()
    yield _encoding()
    if not app.has_ledger():
        do = text("Jalankan di dalam folder ledger, atau beri --ledger", "Run it inside a ledger's folder, or give --ledger")
        yield Check("ledger", "NOT-EVALUATED", text("tidak ada ledger di sini", "no ledger here"), do)
        return
    yield Check("ledger", "OK", str(app.folder), "")
    yield _guarded("database", lambda: _database(app))
    yield _guarded("anchor", lambda: _anchor(app))
    yield _guarded("log-clock", lambda: _log_clock(app))
    yield _guarded("log-key", lambda: _log_key(app))
    yield _guarded("sealer-key", lambda: _sealer(app))
    yield from _keys(app.folder)
    yield _disk(app.folder)
    yield _writable(app.folder)


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except (LedgerError, OSError) as problem:
        from ledger.cli.failing import error_object, told

        said = error_object(told(problem))
        return Check(name, "FAIL", f"{said['message']} [{said['code']}]", said["next"])


def _python() -> Check:
    good = sys.version_info >= PYTHON_MIN
    return Check("python", "OK" if good else "FAIL", platform.python_version(), "" if good else "Python >= 3.11")


def _sqlite() -> Check:
    good = sqlite3.sqlite_version_info >= SQLITE_MIN
    return Check("sqlite", "OK" if good else "FAIL", sqlite3.sqlite_version, "" if good else "SQLite >= 3.35")


def _cryptography() -> Check:
    import cryptography
    from cryptography.hazmat.backends.openssl.backend import backend

    return Check("cryptography", "OK", f"{cryptography.__version__}, {backend.openssl_version_text()}", "")


def _clock() -> Check:
    now = datetime.datetime.now(datetime.UTC)
    shown = local_time(int(now.timestamp() * 1000), "Asia/Jakarta")
    if now < BUILT:
        return Check("clock", "FAIL", shown, text("Setel jam komputer ini", "Set this machine's clock"))
    return Check("clock", "OK", shown, "")


def _encoding() -> Check:
    encoding = (sys.stdout.encoding or "ascii").lower()
    if encoding.replace("-", "") == "utf8":
        return Check("stdout", "OK", encoding, "")
    return Check("stdout", "WARN", encoding, text("Pakai UTF-8: PYTHONIOENCODING=utf-8", "Use UTF-8: PYTHONIOENCODING=utf-8"))


def _database(app: App) -> Check:
    head = app.node.head()
    return Check(
        "database",
        "OK",
        text(f"{app.node.database.dialect}, {head.size} entri", f"{app.node.database.dialect}, {head.size} entries"),
        "",
    )


def _anchor(app: App) -> Check:
    """What the log signed is remembered outside its folder; opening the ledger has compared the two."""
    path = app.node.anchor.path
    if app.node.read_only:
        return Check("anchor", "OK", text("tanpa kunci log: hanya dibaca", "without the log's key: read-only"), "")
    if path is None:
        do = text(
            "ledger anchor FILE, di disk lain: agar cadangan lama tidak melanjutkan log",
            "ledger anchor FILE, on another disk: so that no old backup continues the log",
        )
        return Check("anchor", "WARN", text("tidak ada", "none"), do)
    app.node.check_anchor()
    return Check("anchor", "OK", str(path), "")


def _log_clock(app: App) -> Check:
    from ledger.cli.app import clock

    head = app.node.head()
    if head.sequenced_at > clock() + CLOCK_FORWARD_MS:
        do = text(
            "Jam ini tertinggal dari log, atau log dicatat dengan jam yang salah",
            "This clock is behind the log, or the log was kept by a wrong one",
        )
        return Check("log-clock", "WARN", local_time(head.sequenced_at, "Asia/Jakarta"), do)
    return Check("log-clock", "OK", local_time(head.sequenced_at, "Asia/Jakarta") if head.size else "-", "")


def _log_key(app: App) -> Check:
    """The log's key in force is there; which one that is, entry 0 and the rekeyings say."""
    node = app.node
    if node.read_only:
        return Check("log-key", "OK", text("hanya dibaca; tidak menandatangani", "read-only; it signs nothing"), "")
    if node.signers.of_log(node.key.vkey) is None:
        name = node.signers.log_key_path(node.key.vkey).name
        do = text(f"Ambil {name} dari cadangan, atau: ledger rekey --log --second DIR",
                  f"Take {name} from a backup, or: ledger rekey --log --second DIR")  # fmt: skip
        return Check("log-key", "FAIL", text("tidak ada", "missing"), do)
    return Check("log-key", "OK", node.key.vkey, "")


def _sealer(app: App) -> Check:
    """The key that seals the recaps is there, and is the one in force.  A simple election makes no seals."""
    from ledger.tally.acts.rekeying import SEALER_SEAT
    from ledger.tally.signing import key_id
    from ledger.tally.state import ELECTION, SEATS, SINGLE

    with app.node.snapshot() as snapshot:
        election, point = snapshot.state.get(ELECTION, SINGLE), snapshot.state.get(SEATS, SEALER_SEAT)
    if app.node.read_only:
        return Check("sealer-key", "OK", text("hanya dibaca; tidak menyegel", "read-only; it seals nothing"), "")
    if election is None or point is None:
        return Check("sealer-key", "NOT-EVALUATED", text("pemilihan belum dibuka", "the election is not open"), "")
    if app.node.signers.sealer(point) is not None:
        return Check("sealer-key", "OK", key_id(point).hex(), "")
    if any(app.folder.glob("sealer-key*.pem")):
        do = text("Pakai kunci yang berlaku (entri 0, log.rekeyed); dengan yang ini log tidak menyegel",
                  "Use the key in force (entry 0, log.rekeyed); with this one the recaps are not sealed")  # fmt: skip
        return Check("sealer-key", "FAIL", text("kunci lain", "another key"), do)
    if not election.now.powers and not election.now.second_seats:
        return Check("sealer-key", "OK", text("tidak ada; log ini tidak membuat segel", "none; this log makes no seals"), "")
    do = text("Ambil kunci penyegel dari cadangan: rekap tidak disegel", "Take it from a backup: the recaps are not sealed")
    return Check("sealer-key", "FAIL", text("tidak ada", "missing"), do)


def _keys(folder: Path) -> Iterator[Check]:
    if os.name == "nt":
        yield Check("key-files", "NOT-EVALUATED", text("tidak di Windows", "not on Windows"), "")
        return
    for path in sorted([*folder.glob("log-key*.pem"), *folder.glob("sealer-key*.pem"), *(folder / DEVICES).glob("*/key.pem")]):
        name = str(path.relative_to(folder))
        mode = stat.S_IMODE(path.stat().st_mode)
        good = not mode & 0o077
        yield Check("key-files", "OK" if good else "FAIL", f"{name} {mode:o}", "" if good else f"chmod 600 {path}")
    roots = [path.parent.name for path in sorted((folder / DEVICES).glob("root-*/key.pem"))]
    if roots:
        do = text("Pindahkan ke komputer lain yang terpisah", "Move them to other machines")
        yield Check("root-keys", "WARN", ", ".join(roots), do)


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB"
    if free < DISK_MIN_BYTES:
        return Check("disk", "WARN", found, text("Kosongkan ruang disk", "Free some space"))
    return Check("disk", "OK", found, "")


def _writable(folder: Path) -> Check:
    from ledger.files import Files

    probe = folder / ".doctor-probe"
    files = Files()

    def look() -> Check:
        files.write(probe, b"probe\n", private=True)
        files.remove(probe)
        return Check("writable", "OK", str(folder), "")

    return _guarded("writable", look)
