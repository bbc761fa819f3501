"""Whatever is given instead of what should be: a code, a status, and never a traceback."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import OFFICER_DEVICE, OPERATOR_DEVICE, PASSPHRASE, STATION, Run

GARBAGE = bytes(range(256)) * 20
SIGN = (*PASSPHRASE, "--yes")

READERS = (("recap",), ("history", STATION), ("findings",), ("log",), ("show", "0"), ("replay",), ("publish",), ("prove", "0"))


def foreign(path: Path) -> None:
    """An ordinary SQLite database of somebody else's."""
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE entries (idx INTEGER)")
    connection.commit()
    connection.close()


def wiped(path: Path) -> None:
    """Every page after the first is zeros."""
    data = path.read_bytes()
    path.write_bytes(data[:4096] + bytes(len(data) - 4096))


LEDGERS: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "no database": (lambda place: (place / "ledger.db").unlink(), {"store-missing"}),
    "garbage for a database": (lambda place: (place / "ledger.db").write_bytes(GARBAGE), {"store-foreign"}),
    "an empty database": (lambda place: (place / "ledger.db").write_bytes(b""), {"store-foreign"}),
    "a truncated database": (
        lambda place: (place / "ledger.db").write_bytes((place / "ledger.db").read_bytes()[:10_000]),
        {"store-damaged", "store-foreign", "disk-full"},
    ),
    "a wiped database": (lambda place: wiped(place / "ledger.db"), {"store-damaged", "store-foreign", "store-failed"}),
    "a foreign database": (lambda place: foreign(place / "ledger.db"), {"store-foreign"}),
    "a folder for a database": (
        lambda place: ((place / "ledger.db").unlink(), (place / "ledger.db").mkdir()),
        {"store-missing"},
    ),
    "garbage for a log key": (lambda place: (place / "log-key.pem").write_bytes(GARBAGE), {"bad-config"}),
    "a device's key for a log key": (
        lambda place: shutil.copy(place / "devices" / "root-1" / "key.pem", place / "log-key.pem"),
        {"bad-config"},
    ),
    "garbage for a configuration": (lambda place: (place / "ledger.toml").write_bytes(GARBAGE), {"bad-config"}),
    "an empty configuration": (lambda place: (place / "ledger.toml").write_bytes(b""), {"bad-config"}),
    "a folder for a configuration": (
        lambda place: ((place / "ledger.toml").unlink(), (place / "ledger.toml").mkdir()),
        {"no-ledger", "bad-config", "cannot-read"},
    ),
    "another database address": (
        lambda place: (place / "ledger.toml").write_text((place / "ledger.toml").read_text() + 'database = "oracle://x"\n'),
        {"database-unsupported", "bad-config"},
    ),
}


@pytest.mark.parametrize("name", LEDGERS)
def test_a_ledger_that_is_not_whole_is_told(submitted: Path, run: Run, name: str) -> None:
    """Every reading verb, doctor and an appending verb."""
    spoil, codes = LEDGERS[name]
    for beside in submitted.glob("ledger.db-*"):
        beside.unlink()
    spoil(submitted)
    here = ("--ledger", str(submitted))
    for words in READERS:
        ran = run(*words, *here, "--json")
        assert ran.status == 4, (words, ran.out, ran.err)
        assert ran.rows[-1]["error"]["code"] in codes, words
    assert run("hold", STATION, "--reason", "x", *OFFICER_DEVICE, *SIGN, *here).status == 4
    assert run("doctor", *here).status in (0, 4)
    assert run("verify", str(submitted)).status in (1, 4)


def test_a_ledger_without_its_log_key_can_be_read_and_takes_nothing(submitted: Path, run: Run) -> None:
    """So that it can be rekeyed; doctor says what is missing."""
    (submitted / "log-key.pem").unlink()
    here = ("--ledger", str(submitted))
    for words in READERS:
        assert run(*words, *here, "--json").status == 0, words
    refused = run("hold", STATION, "--reason", "x", *OFFICER_DEVICE, *SIGN, *here)
    assert (refused.status, refused.code) == (4, "log-key-absent")
    assert run("doctor", *here).status == 4
    assert run("verify", str(submitted)).status == 0


FILES: dict[str, Callable[[Path], object]] = {
    "missing": lambda _path: None,
    "folder": lambda path: path.mkdir(),
    "garbage": lambda path: path.write_bytes(GARBAGE),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("this, is\nnot what, was, asked for\n"),
    "deep": lambda path: path.write_text("[" * 100_000),
    "number": lambda path: path.write_text("7"),
    "null": lambda path: path.write_text("null"),
    "quotes": lambda path: path.write_text('code,name\n"17,x\n'),
}

TAKERS: dict[str, tuple[str, ...]] = {
    "submit": ("submit", STATION, "--figures", "{}.json", *OPERATOR_DEVICE, *SIGN),
    "submit toml": ("submit", STATION, "--figures", "{}.toml", *OPERATOR_DEVICE, *SIGN),
    "photo": ("correct", STATION, "--reason", "x", "--photo", "1:{}.json", *OFFICER_DEVICE, *PASSPHRASE, "--dry-run"),
    "area": ("area", "add", "{}.csv", *SIGN),
    "contest": ("contest", "add", "{}.toml", *SIGN),
    "contest json": ("contest", "add", "{}.json", *SIGN),
    "enrol": ("enrol", "{}.toml", *SIGN),
    "enrol json": ("enrol", "{}.json", *SIGN),
    "enrol csv": ("enrol", "{}.csv", *SIGN),
    "amend": ("amend", "{}.toml", "--device", "devices/root-1", *SIGN),
    "area amend": ("area", "amend", "{}.csv", "--reason", "x", "--basis", "y", *SIGN),
    "area amend toml": ("area", "amend", "{}.toml", "--reason", "x", "--basis", "y", *SIGN),
    "read": ("read", "990101", "--rows", "{}.csv", *OFFICER_DEVICE, *SIGN),
    "attest": ("attest", STATION, "--figures", "{}.json", *OFFICER_DEVICE, *SIGN),
    "incident": ("incident", STATION, "--kind", "x", "--note-text", "@{}.json", *OFFICER_DEVICE, *PASSPHRASE, "--dry-run"),
    "revote": (
        *("revote", "order", "--stations", "{}.csv", "--day", "2024-12-07", "--reason", "x", "--basis", "y"),
        *(*OFFICER_DEVICE, *SIGN),
    ),
    "receipt": ("receipt", "check", "{}.tlog-proof", "--submission", "{}.submission"),
    "known": ("verify", ".", "--known", "{}.json"),
    "source": ("verify", "{}.json"),
    "passphrase": ("hold", STATION, "--reason", "x", *OFFICER_DEVICE, "--yes", "--passphrase-file", "{}.json"),
    "device": ("key", "show", "--device", "{}.json"),
    "ledger": ("recap", "--ledger", "{}.json"),
    "import": ("import", "kpu", "{}.csv", "--into", "b17"),
    "publish": ("publish", "{}.json/deeper"),
    "prove": ("prove", "0", "--out", "{}.json/deeper"),
}
MAY_WORK = {("photo", "garbage"), ("photo", "text"), ("photo", "empty"), ("publish", "missing"), ("publish", "folder")}
MAY_WORK |= {("photo", name) for name in FILES} | {("prove", "folder")}
MAY_WORK |= {("incident", name) for name in ("empty", "text", "number", "null", "quotes")}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("taker", TAKERS)
def test_files_that_are_not_what_was_asked_for(submitted: Path, run: Run, taker: str, kind: str) -> None:
    """A code and a status other than 0; nothing is appended."""
    for suffix in (".json", ".toml", ".csv", ".tlog-proof", ".submission"):
        FILES[kind](submitted / f"given{suffix}")
    ran = run(*[word.format("given") for word in TAKERS[taker]], "--json")
    if ran.status == 0:
        assert (taker, kind) in MAY_WORK
    else:
        assert ran.status in (1, 2, 4)
        error = ran.rows[-1].get("error") or ran.rows[-1]
        assert error.get("code") != "internal", ran.err
    assert len(run("log", "--json").rows) == 7


@pytest.mark.parametrize(
    "table",
    [
        "code\n17\n",
        "code,name,zone,wat\n17,x,,\n",
        "code,name\n17\n",
        "code,name\n17,x,y\n",
        "code,name\n99,again\n",
        "code,name\n123,odd\n",
        "code,name\n88,Provinsi\x1b[2J\n",
        "code,name\n88," + "x" * 200 + "\n",
        "code,name\n8801,Kota tanpa provinsi\n",
        "code,name,voters_male\n9901011001009,TPS,many\n",
        "code,name,contests\n9901011001009,TPS,tidak-ada\n",
        "code,name,zone\n9901011001009,TPS,Asia/Tokyo\n",
        "code,name\n",
    ],
)
def test_area_tables_that_are_wrong(example: Path, run: Run, table: str) -> None:
    """Told before anything is signed where it can be, refused by the ledger else; the log stays as it was."""
    (example / "wilayah.csv").write_text(table)
    ran = run("area", "add", "wilayah.csv", *SIGN, "--json")
    assert ran.status in (3, 4)
    assert ran.json["error"]["code"] != "internal"
    assert len(run("log", "--json").rows) == 6
    assert run("key", "show", "--device", "devices/administrator", "--json").json["outbox"] == []


def test_a_folder_that_cannot_be_written_is_told(submitted: Path, run: Run) -> None:
    """Below a file nobody can make a folder; in a folder without the right to write only the superuser can."""
    assert run("publish", "ledger.toml/public").status == 4
    submitted.chmod(0o500)
    try:
        statuses = (run("publish").status, run("doctor").status)
        assert statuses == ((0, 0) if os.geteuid() == 0 else (4, 4))
    finally:
        submitted.chmod(0o700)


def test_a_device_in_use_is_told(submitted: Path, run: Run) -> None:
    """Two processes cannot sign with one key at once."""
    from ledger.device.folder import Device
    from ledger.files import Files

    with Device.open(submitted / OFFICER_DEVICE[1], files=Files()):
        ran = run("hold", STATION, "--reason", "x", *OFFICER_DEVICE, *SIGN, "--json")
        assert (ran.status, ran.json["error"]["code"]) == (4, "device-busy")


def test_another_ledgers_device_is_told(submitted: Path, run: Run, tmp_path: Path) -> None:
    """A device signs for the ledger that it was made for."""
    assert run("init", str(tmp_path / "other"), "--example").status == 0
    device = ("--device", str(tmp_path / "other" / OFFICER_DEVICE[1]))
    ran = run("hold", STATION, "--reason", "x", *device, *SIGN, "--json")
    assert (ran.status, ran.json["error"]["code"]) == (4, "device-other-ledger")
