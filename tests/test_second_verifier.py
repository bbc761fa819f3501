"""The second verifier (tools/verify_ledger.py), which shares no code with the package: both must say the same of every ledger.

It was written from docs/ alone.  Here both look at good publications of several shapes and at spoiled ones, and at acts that were
forced into a log past intake.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.tally import events as e

from .audit.forger import Files, part, parts_of, publication, relink, write
from .governed import GovernedLog, whole_season
from .world import MemoryLog, World, season

ROOT = Path(__file__).resolve().parent.parent
SECOND = ROOT / "tools" / "verify_ledger.py"
GOLDEN = Path(__file__).parent / "golden" / "part-1.json"


def second(folder: Path, *more: str) -> tuple[int, str]:
    """Exit status and what it printed."""
    done = subprocess.run(
        [sys.executable, str(SECOND), str(folder), *more], capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def first(folder: Path) -> bool:
    """Whether the package's own auditor accepts the folder."""
    return verify(FolderSource(folder), ledger_id=None, executor=None, progress=None, known=None).ok


@pytest.fixture(scope="module")
def governed() -> tuple[Files, GovernedLog]:
    """A publication with every event type."""
    log = whole_season()
    return publication(log.entries, log.world.signer), log


def test_it_shares_no_code_and_needs_two_packages() -> None:
    """Nothing of the package, and from outside cryptography and msgpack alone."""
    tree = ast.parse(SECOND.read_text())
    named = {alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert named - set(sys.stdlib_module_names) == {"cryptography", "msgpack"}


def test_both_accept_good_ledgers_of_every_kind(tmp_path: Path, governed: tuple[Files, GovernedLog]) -> None:
    """Every event type, part 1's golden ledger, a season without powers; with the id that it is to have."""
    files, log = governed
    golden = json.loads(GOLDEN.read_text())
    world = World()
    plain = MemoryLog(world.founding())
    for signed in season(world):
        plain.take(signed.submission)
    for name, made, ledger in (
        ("governed", files, log.world.ledger.hex()),
        ("golden", {path: bytes.fromhex(data) for path, data in golden["files"].items()}, golden["ledger"]),
        ("plain", publication(plain.entries, world.signer), world.ledger.hex()),
    ):
        folder = write(tmp_path / name, made)
        assert first(folder)
        status, words = second(folder, "--ledger-id", ledger)
        assert status == 0, words
        assert second(folder, "--ledger-id", "00" * 32)[0] == 1


@pytest.mark.parametrize("size", [1, 20, 60, 90])
def test_both_accept_prefixes(tmp_path: Path, governed: tuple[Files, GovernedLog], size: int) -> None:
    """Any prefix of the log is a log."""
    _, log = governed
    folder = write(tmp_path / "prefix", publication(log.entries[:size], log.world.signer))
    assert first(folder)
    status, words = second(folder)
    assert status == 0, words


def _flipped(path: str, at: int) -> Callable[[Files], Files]:
    def spoil(files: Files) -> Files:
        data = bytearray(files[path])
        data[at % len(data)] ^= 1
        return files | {path: bytes(data)}

    return spoil


def _without(path: str) -> Callable[[Files], Files]:
    return lambda files: {name: data for name, data in files.items() if name != path}


BUNDLE, LEVEL = "tile/entries/000.p/109", "tile/0/000.p/109"
PAGE, ROOT_FILE = "recap/109/mayor/1771", "recap/109/recap_root"
SPOILED: dict[str, Callable[[Files], Files]] = {
    "a byte of the checkpoint": _flipped("checkpoint", 30),
    "a byte of its signature": _flipped("checkpoint", -10),
    "a byte of a tile": _flipped(LEVEL, 500),
    "a byte of the page": _flipped(PAGE, 40),
    "a byte of the recap root": _flipped(ROOT_FILE, 3),
    "a tile less": _without(LEVEL),
    "a bundle less": _without(BUNDLE),
    "a page less": _without(PAGE),
    "no recap root": _without(ROOT_FILE),
    "a stray file": lambda files: files | {"tile/0/001.p/1": bytes(32)},
    "a stray page": lambda files: files | {"recap/109/mayor/1772": files[PAGE]},
    "two pages exchanged": lambda files: files | {PAGE: files["recap/109/governor/1771"]},
    "a bundle cut short": lambda files: files | {BUNDLE: files[BUNDLE][:-1]},
    "a bundle with a byte more": lambda files: files | {BUNDLE: files[BUNDLE] + b"\0"},
    **{f"byte {at} of the entries": _flipped(BUNDLE, at) for at in range(700, 60_000, 2_341)},
}


@pytest.mark.parametrize("kind", SPOILED)
def test_both_find_what_was_spoiled(tmp_path: Path, governed: tuple[Files, GovernedLog], kind: str) -> None:
    """Whoever holds the server and no key."""
    folder = write(tmp_path / "spoiled", SPOILED[kind](governed[0]))
    assert not first(folder)
    status, words = second(folder)
    assert status == 1, words


FORBIDDEN: dict[str, tuple[str, e.EventData]] = {
    "a seal with another root": ("sealer", e.RecapSealed(size=109, root=bytes(32))),
    "a seal of another size": ("sealer", e.RecapSealed(size=7, root=bytes(32))),
    "an administrator holds": ("administrator", e.TallyHeld(contest="mayor", station="1771011001002", round=0, reason="r")),
    "a district orders a revote": (
        "chair-b",
        e.RevoteOrdered(contest="mayor", stations=("1771021001001",), kind="psu", day="2024-12-05", reason="r", basis="BA 1"),
    ),
    "a release without its basis": (
        "chair-b",
        e.TallyReleased(contest="mayor", station="1771021001001", round=0, reason="r"),
    ),
    "beyond the scope": (
        "chair-b",
        e.TallyHeld(contest="mayor", station="1771011001002", round=0, reason="r"),
    ),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_both_refuse_forbidden_acts_forced_into_a_log(tmp_path: Path, name: str) -> None:
    """The forger holds the log's key; the act is signed by a key's holder and was never allowed."""
    log = whole_season()
    who, data = FORBIDDEN[name]
    signed = log.world.peek(who, data)
    entries = relink([*parts_of(log.entries), part(signed.submission, log.time)])
    folder = write(tmp_path / "forced", publication(entries, log.world.signer))
    assert not first(folder)
    status, words = second(folder)
    assert status == 1, words
    assert "109" in words
