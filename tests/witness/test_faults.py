"""The fault tables of the witnesses' side: every file call of an act fails once, having taken effect or not; then it is done again.

Of a witness's memory: a log is added, a cosignature is made, evidence is kept, and a witness is made.  Of the client: cosignatures
are put into a published folder.  The end is that of one that never failed, byte for byte.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import BadInput, LedgerError
from ledger.files import Files
from ledger.proof.note import parse_note
from ledger.proof.policy import parse_policy
from ledger.witness.collecting import cosign_folder
from ledger.witness.folder import WitnessFolder
from ledger.witness.serving import respond

from ..disk_faults import Crash, Failing, as_if_dead
from ..proof.models import private_key, raising
from .stage import LOG, NOW, ORIGIN, STRANGER, cosigner, make_witness, note, publish, request, serving

HOWS = pytest.mark.parametrize("how", [OSError(errno.EIO, "bad disk"), Crash()], ids=["fails", "dies"])
STORED = pytest.mark.parametrize("stored", [False, True], ids=["not stored", "stored"])

Act = Callable[[WitnessFolder], object]


def contents(folder: Path) -> dict[str, bytes]:
    """Path -> bytes of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def asked(folder: WitnessFolder, old: int, new: int, *, forked: bool = False) -> int:
    """The status of one request, as the server takes it."""
    return respond(folder, request(old, new, forked=forked), now_seconds=NOW, later=False, tell=lambda _: None).status


def add_log(folder: WitnessFolder) -> None:
    """A second log becomes known, unless it is."""
    if not folder.policy.keys_of(STRANGER.key.name):
        folder.add_log(STRANGER.key)
    assert folder.recorded(STRANGER.key.name).size == 0


def cosign(folder: WitnessFolder) -> None:
    """The checkpoint of 9, by a client that knows where the witness stands."""
    assert asked(folder, folder.recorded(ORIGIN).size, 9) == 200


def keep_fork(folder: WitnessFolder) -> None:
    """The second history is refused, and what convicts the log is kept."""
    assert asked(folder, 5, 9, forked=True) == 422


ACTS: dict[str, Act] = {"a log is added": add_log, "a cosignature": cosign, "evidence is kept": keep_fork}


@HOWS
@STORED
@pytest.mark.parametrize("name", list(ACTS))
def test_every_file_call_of_a_witness_fails_once(tmp_path: Path, name: str, how: BaseException, stored: bool) -> None:
    """From the opening of its folder to the closing: a coded error, no answer; opened again and asked again, it ends with the very
    files of one that never failed, and cosigns no second history."""
    act = ACTS[name]
    start = make_witness(tmp_path / "start")
    with WitnessFolder.open(start, files=Files()) as folder:
        assert asked(folder, 0, 5) == 200
    whole = Path(shutil.copytree(start, tmp_path / "whole"))
    counting = Failing(0, Crash(), stored=True)
    with WitnessFolder.open(whole, files=Files(counting)) as folder:
        act(folder)
    failed = set()
    for at in range(1, counting.count + 1):
        place = Path(shutil.copytree(start, tmp_path / str(at)))
        failing = Failing(at, how, stored=stored)
        with pytest.raises((LedgerError, Crash)), WitnessFolder.open(place, files=Files(failing)) as folder:
            act(folder)
        failing.forget()
        failed.add(failing.failed)
        with as_if_dead(), WitnessFolder.open(place, files=Files()) as folder:
            assert folder.recorded(ORIGIN).size in (5, 9)
            act(folder)
            size = folder.recorded(ORIGIN).size
        assert contents(place) == contents(whole), (at, failing.failed)
        with WitnessFolder.open(place, files=Files()) as folder:
            assert asked(folder, size, size, forked=True) == 409
            assert folder.recorded(ORIGIN).size == size
    assert {"lock", "create", "write", "sync", "close", "sync_folder"} <= failed


@HOWS
@STORED
def test_every_file_call_of_the_making_of_a_witness_fails_once(tmp_path: Path, how: BaseException, stored: bool) -> None:
    """What is left is no witness, or the whole one where only the end was not told; its folder is cleared and it is made."""

    def make(place: Path, files: Files) -> None:
        WitnessFolder.create(place, name=cosigner(1).key.name, private=private_key(101), files=files)

    counting = Failing(0, Crash(), stored=True)
    make(tmp_path / "whole", Files(counting))
    whole, left = contents(tmp_path / "whole"), set()
    for at in range(1, counting.count + 1):
        place = tmp_path / str(at)
        with pytest.raises((LedgerError, Crash)):
            make(place, Files(Failing(at, how, stored=stored)))
        is_whole = (place / "witness.toml").exists()
        left.add(is_whole)
        if is_whole:
            with as_if_dead(), WitnessFolder.open(place, files=Files()) as folder:
                assert folder.policy.logs == ()
        else:
            with raising(BadInput, "bad-witness"), WitnessFolder.open(place, files=Files()):
                pass
            if place.exists():
                shutil.rmtree(place)
            make(place, Files())
        assert contents(place) == whole
    assert left == {False, True}


@HOWS
@STORED
def test_every_file_call_of_cosigning_a_folder_fails_once(tmp_path: Path, how: BaseException, stored: bool) -> None:
    """The folder shows the checkpoint as it was or with the quorum's lines, whole; asked again, with them, written once more."""
    with serving(make_witness(tmp_path / "w1", 1)) as one, serving(make_witness(tmp_path / "w2", 2)) as two:
        lines = [f"witness w{at} {cosigner(at).vkey} {server.url}" for at, server in ((1, one), (2, two))]
        policy = parse_policy("\n".join([f"log {LOG.vkey}", *lines, "group g all w1 w2", "quorum g", ""]).encode())

        def run(folder: Path, calls: Failing) -> None:
            assert cosign_folder(folder, policy=policy, files=Files(calls), seconds=20, clock=lambda: NOW).met

        whole = publish(tmp_path / "whole", 9)
        counting = Failing(0, Crash(), stored=True)
        run(whole, counting)
        good, shown = contents(whole), set()
        assert len(parse_note(good["checkpoint"]).lines) == 3
        for at in range(1, counting.count + 1):
            folder = publish(tmp_path / str(at), 9)
            failing = Failing(at, how, stored=stored)
            with pytest.raises((LedgerError, Crash)):
                run(folder, failing)
            failing.forget()
            between = (folder / "checkpoint").read_bytes()
            assert between in (note(9), good["checkpoint"])
            shown.add(between)
            again = Failing(0, Crash(), stored=True)
            run(folder, again)
            assert "sync_folder" in [name for name, _ in again.made]
            with as_if_dead():
                Files().sweep(folder)
            assert contents(folder) == good
        assert shown == {note(9), good["checkpoint"]}
