"""The file layer: what survives a power cut after every single system call, and what the errors say."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import BadInput, Broken
from ledger.files import Calls, Files

OLD, NEW = b"old content", b"new content, longer"


class Recorder(Calls):
    """Makes the calls and notes each, so that the disk after a power cut at any point can be worked out."""

    def __init__(self) -> None:
        self.log: list[tuple[str, ...] | tuple[str, str, bytes]] = []
        self._names: dict[int, str] = {}

    def create(self, path: str, mode: int) -> int:
        fd = super().create(path, mode)
        self._names[fd] = path
        self.log.append(("create", path))
        return fd

    def write(self, fd: int, data: bytes) -> int:
        taken = super().write(fd, data)
        self.log.append(("write", self._names[fd], data[:taken]))
        return taken

    def sync(self, fd: int) -> None:
        super().sync(fd)
        self.log.append(("sync", self._names[fd]))

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self.log.append(("rename", old, new))

    def link(self, old: str, new: str) -> None:
        super().link(old, new)
        self.log.append(("link", old, new))

    def unlink(self, path: str) -> None:
        super().unlink(path)
        self.log.append(("unlink", path))

    def make_folder(self, path: str) -> None:
        super().make_folder(path)
        self.log.append(("make_folder", path))

    def sync_folder(self, path: str) -> None:
        super().sync_folder(path)
        self.log.append(("sync_folder", path))


def after_power_cut(before: dict[str, bytes], calls: list) -> dict[str, bytes | None]:
    """The worst disk after ``calls`` and a power cut: names not synced by their folder and content not synced are lost.

    Returns path -> content, None where the name survived and its content did not.
    """
    live: dict[str, list] = {path: [data, data] for path, data in before.items()}  # name -> [content, synced content]
    durable: dict[str, list] = dict(live)  # names that the disk is sure to have
    for call, path, *rest in calls:
        if call == "create":
            live[path] = [b"", None]
        elif call == "write":
            live[path][0] += rest[0]
        elif call == "sync":
            live[path][1] = live[path][0]
        elif call == "rename":
            live[rest[0]] = live.pop(path)
        elif call == "link":
            live[rest[0]] = live[path]
        elif call == "unlink":
            live.pop(path)
        elif call == "sync_folder":
            inside = {name for name in {*live, *durable} if str(Path(name).parent) == path}
            for name in inside:
                if name in live:
                    durable[name] = live[name]
                else:
                    durable.pop(name)
    return {name: inode[1] for name, inode in durable.items()}


def also_if_it_reached_the_disk(before: dict[str, bytes], calls: list) -> dict[str, bytes | None]:
    """The other worst disk: every name reached the disk at once, content only where it was synced."""
    with_syncs = []
    for call in calls:
        with_syncs.append(call)
        for path in call[1:3]:
            if isinstance(path, str):
                with_syncs.append(("sync_folder", str(Path(path).parent)))
    return after_power_cut(before, with_syncs)


def every_cut(act: Callable[[Files], object], target: Path, before: dict[str, bytes]) -> list[bytes | str | None]:
    """What ``target`` holds after a power cut behind each call that ``act`` makes; "absent" where the name is not there."""
    recorder = Recorder()
    act(Files(recorder))
    found: list[bytes | str | None] = []
    for end in range(len(recorder.log) + 1):
        for disk in (after_power_cut, also_if_it_reached_the_disk):
            found.append(disk(before, recorder.log[:end]).get(str(target), "absent"))
    return found


def test_write_is_old_or_new_after_every_call_and_new_at_the_end(tmp_path: Path) -> None:
    """A power cut behind any call leaves the old content or the new one, and behind the last the new one."""
    target = tmp_path / "checkpoint"
    target.write_bytes(OLD)
    found = every_cut(lambda files: files.write(target, NEW), target, {str(target): OLD})
    assert set(found) == {OLD, NEW}
    assert found[-2:] == [NEW, NEW]


def test_create_is_absent_or_whole_after_every_call(tmp_path: Path) -> None:
    """A file that is made once is not there or whole, never torn."""
    target = tmp_path / "tile"
    found = every_cut(lambda files: files.create(target, NEW), target, {})
    assert set(found) == {"absent", NEW}
    assert found[-2:] == [NEW, NEW]


@pytest.mark.parametrize("forgotten", ["sync", "sync_folder"])
def test_a_forgotten_sync_is_caught(tmp_path: Path, forgotten: str) -> None:
    """The test above can fail: without either kind of sync some power cut loses or tears the file."""
    target = tmp_path / "checkpoint"
    target.write_bytes(OLD)
    recorder = Recorder()
    Files(recorder).write(target, NEW)
    calls = [call for call in recorder.log if call[0] != forgotten]
    before = {str(target): OLD}
    ends = [disk(before, calls).get(str(target)) for disk in (after_power_cut, also_if_it_reached_the_disk)]
    assert ends != [NEW, NEW]


def test_new_folders_are_synced_into_the_folder_above(tmp_path: Path) -> None:
    """Each folder that had to be made is followed by a sync of the one above it."""
    recorder = Recorder()
    Files(recorder).make_folder(tmp_path / "a" / "b")
    assert recorder.log[0] == ("sync_folder", str(tmp_path.parent))  # who made that one may have died before syncing its name
    assert [call[0] for call in recorder.log[1:]] == ["make_folder", "sync_folder"] * 2
    assert [Path(call[1]).name for call in recorder.log[1:]] == ["a", tmp_path.name, "b", "a"]


def test_a_folder_that_was_there_is_synced_again(tmp_path: Path) -> None:
    """Whoever made the folder may have died before syncing its name, so the next writer does it."""
    recorder = Recorder()
    Files(recorder).make_folder(tmp_path)
    assert recorder.log == [("sync_folder", str(tmp_path.parent))]


def test_create_never_overwrites(tmp_path: Path) -> None:
    """The same content again is fine and says so; other content is refused and the first stays."""
    target = tmp_path / "tile"
    files = Files()
    assert files.create(target, NEW) is True
    assert files.create(target, NEW) is False
    with pytest.raises(Broken) as told:
        files.create(target, OLD)
    assert told.value.code == "file-exists-different"
    assert target.read_bytes() == NEW


class Failing(Calls):
    """Fails one kind of call with an error number."""

    def __init__(self, call: str, number: int) -> None:
        def fail(*_: object) -> None:
            raise OSError(number, "as the test wants")

        setattr(self, call, fail)


@pytest.mark.parametrize("call", ["create", "write", "sync", "rename", "sync_folder"])
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk-full"),
        (errno.EDQUOT, "disk-full"),
        (errno.EIO, "disk-failed"),
        (errno.EACCES, "cannot-write"),
    ],
)
def test_a_failed_call_is_told_and_leaves_no_temporary_file(tmp_path: Path, call: str, number: int, code: str) -> None:
    """Every failing call ends in a coded error; the old content or the new stands, and nothing else lies about."""
    target = tmp_path / "checkpoint"
    target.write_bytes(OLD)
    with pytest.raises((Broken, BadInput)) as told:
        Files(Failing(call, number)).write(target, NEW)
    assert told.value.code == code
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
    assert target.read_bytes() in (OLD, NEW)


def test_private_files_are_their_owners_alone(tmp_path: Path) -> None:
    """A key file's mode is 0600 from its first moment."""
    Files().write(tmp_path / "key.pem", b"secret", private=True)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_reading_has_a_limit_and_coded_errors(tmp_path: Path) -> None:
    """A file over its limit, a folder and a missing file are told apart from content."""
    (tmp_path / "long").write_bytes(b"x" * 11)
    codes = []
    for name in ("long", "missing", "."):
        with pytest.raises(BadInput) as told:
            Files().read(tmp_path / name, 10)
        codes.append(told.value.code)
    assert codes == ["file-too-large", "cannot-read", "cannot-read"]


def test_remove_tree_follows_no_link(tmp_path: Path) -> None:
    """Removing a folder removes links in it and leaves what they point to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "file").write_bytes(b"gone")
    (tmp_path / "tree" / "link").symlink_to(outside)
    Files().remove_tree(tmp_path / "tree")
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert (outside / "kept").read_bytes() == b"kept"


def test_sweeping_removes_what_dead_processes_left_and_nothing_else(tmp_path: Path) -> None:
    """Temporary files and half-removed folders of dead processes go; those of live ones and other files stay."""
    dead = 2**22 + 1  # above the largest process number that Linux gives
    (tmp_path / "tile").mkdir()
    (tmp_path / "tile" / f".000.{dead}-1.tmp").write_bytes(b"torn")
    (tmp_path / f".12.{dead}-7.tmp" / "mayor").mkdir(parents=True)
    kept = [tmp_path / "tile" / f".000.{os.getpid()}-1.tmp", tmp_path / "tile" / "000", tmp_path / ".notes.tmp"]
    for path in kept:
        path.write_bytes(b"kept")
    Files().sweep(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    assert not (tmp_path / f".12.{dead}-7.tmp").exists()
