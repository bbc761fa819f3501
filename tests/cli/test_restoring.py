"""``restore`` and ``anchor`` as people type them."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from ..log.test_publish import contents
from .conftest import OFFICER_DEVICE, PASSPHRASE, STATION, Ran, Run

FLIPS = 30


def code_of(ran: Ran) -> str:
    """The code of a failure."""
    return str(ran.json["error"]["code"])


@pytest.fixture
def published(submitted: Path, run: Run) -> Path:
    """The example after its first form, published; the working folder is the ledger's."""
    assert run("publish", "../public").status == 0
    return submitted.parent / "public"


def test_a_ledger_lost_and_made_again(published: Path, submitted: Path, run: Run) -> None:
    """Restored from the publication and the log's key, published again: identical bytes; its own verification passes."""
    ledger_id = run("verify", "../public", "--json").json["ledger_id"]
    words = ("restore", "../public", "--into", "../baru", "--ledger-id", ledger_id)
    ran = run(*words, "--log-key", "log-key.pem", "--sealer-key", "sealer-key.pem", "--json")
    if not (submitted / "sealer-key.pem").exists():
        assert code_of(ran) == "cannot-read"
        ran = run(*words, "--log-key", "log-key.pem", "--json")
    assert ran.status == 0, ran.err
    assert (ran.json["identity"], ran.json["read_only"], ran.json["appended"]) == ("checked", False, ran.json["size"])
    assert run("publish", "../lagi", "--ledger", "../baru").status == 0
    assert contents(submitted.parent / "lagi") == contents(published)
    assert run("verify", "../baru").status == 0
    assert run("recap", "--ledger", "../baru", "--json").out == run("recap", "--json").out


def test_a_copy_for_reading(published: Path, run: Run) -> None:
    """Without the key it reads and verifies; what it says, it says in words."""
    ran = run("restore", "../public", "--into", "../salinan")
    assert ran.status == 0, ran.err
    assert "read-only" in ran.err
    assert "Identity not checked" in ran.err
    assert run("recap", "--ledger", "../salinan").status == 0
    keys = [check for check in run("doctor", "--json", "--ledger", "../salinan").rows if check["name"] == "key-files"]
    assert all(check["outcome"] != "FAIL" for check in keys)
    assert published.is_dir()


def test_any_byte_changed_in_the_publication_gives_no_ledger(published: Path, run: Run) -> None:
    """Thirty seeded flips over all authenticated files: refused, and nothing is made."""
    chance = random.Random(7)
    files = [path for path in sorted(published.rglob("*")) if path.is_file() and path.name != "README.txt"]
    for _ in range(FLIPS):
        path = chance.choice(files)
        good = path.read_bytes()
        at = chance.randrange(len(good))
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << chance.randrange(8)]) + good[at + 1 :])
        ran = run("restore", "../public", "--into", "../baru", "--json")
        assert (ran.status, code_of(ran)) == (1, "publication-unverified"), (path, at)
        assert not (published.parent / "baru").exists()
        path.write_bytes(good)
    assert run("restore", "../public", "--into", "../baru").status == 0


def test_a_backup_put_back_is_told_and_cured(submitted: Path, run: Run) -> None:
    """An anchor, a backup, an event more, the backup put back: whatever opens the ledger says so, restoring cures it."""
    place = submitted.parent
    assert {check["outcome"] for check in run("doctor", "--json").rows if check["name"] == "anchor"} == {"WARN"}
    assert run("anchor", "../anchor", "--json").json["anchor"] == str(place / "anchor")
    assert code_of(run("anchor", "../second", "--json")) == "anchor-exists"
    shutil.copy(submitted / "ledger.db", place / "backup.db")
    assert run("hold", STATION, "--reason", "x", *OFFICER_DEVICE, *PASSPHRASE, "--yes").status == 0
    assert run("publish", "../public").status == 0
    note = (place / "anchor").read_bytes()
    assert note == (place / "public" / "checkpoint").read_bytes()
    for left in submitted.glob("ledger.db*"):
        left.unlink()
    shutil.copy(place / "backup.db", submitted / "ledger.db")
    for words in (("release", STATION, "--reason", "x", *OFFICER_DEVICE, *PASSPHRASE, "--yes"), ("publish", "../zwei"), ("recap",)):
        ran = run(*words, "--json")
        assert (ran.status, code_of(ran)) == (4, "log-rolled-back"), words
    assert {check["outcome"] for check in run("doctor", "--json").rows if check["name"] == "anchor"} == {"FAIL"}
    assert run("restore", "../public", "--append-to", ".", "--json").json["appended"] == 1
    assert run("release", STATION, "--reason", "x", *OFFICER_DEVICE, *PASSPHRASE, "--yes").status == 0
    assert run("publish", "../public").status == 0
    assert (place / "anchor").read_bytes() == (place / "public" / "checkpoint").read_bytes() != note
    assert run("verify", "../public").status == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "argument-missing"),
        (("--into", "../a", "--append-to", "."), "argument-missing"),
        (("--append-to", ".", "--log-key", "log-key.pem"), "argument-invalid"),
        (("--into", "../a", "--ledger-id", "12"), "bad-hex"),
        (("--into", "../a", "--log-key", "ledger.toml"), "key-file-invalid"),
        (("--into", "../a", "--log-key", f"{OFFICER_DEVICE[1]}/key.pem"), "key-file-invalid"),
        (("--into", "../a", "--sealer-key", "log-key.pem"), "key-file-invalid"),
        (("--into", "."), "folder-not-empty"),
    ],
)
def test_words_that_restore_cannot_use(published: Path, run: Run, words: tuple[str, ...], code: str) -> None:
    """Each is told, and nothing is made."""
    assert code_of(run("restore", str(published), *words, "--json")) == code
    assert not (published.parent / "a").exists()
