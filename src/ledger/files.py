"""The one file layer: whatever must be durable outside the database is written here (docs/ARCHITECTURE.md, crash table).

A file is written to a temporary name in its own folder, synced, renamed or linked, and the folder synced: after ``write`` returns
the content survives a power cut; before, there is the old content or the new, never a torn one.  The system calls come in through
one seam, ``Calls``, so that tests/test_files.py can replay every prefix of them with unsynced writes dropped: a kill alone cannot
show a missing fsync.

Left to others: which files there are and when (log.publish, device, node).  Errors: ``Broken`` ``disk-full``, ``disk-failed``,
``file-exists-different``; ``BadInput`` ``cannot-read``, ``cannot-write``, ``file-too-large``; ``Waiting`` ``folder-busy``.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ledger.errors import BadInput, Broken, Waiting

__all__ = ["Calls", "Files"]

PUBLIC_MODE: Final = 0o644
PRIVATE_MODE: Final = 0o600
LOCK_SECONDS: Final = 5
LOCK_LOOKS_SECONDS: Final = 0.002

_TEMPORARY: Final = re.compile(r"\..+\.([0-9]{1,9})-[0-9]{1,9}\.tmp")
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Calls:
    """The system calls that change a disk, one method each."""

    def create(self, path: str, mode: int) -> int:
        """A new, empty file open for writing; ``FileExistsError`` where there is one."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)

    def write(self, fd: int, data: bytes) -> int:
        """How many bytes were taken."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """The file's content is durable."""
        os.fsync(fd)

    def close(self, fd: int) -> None:
        """The descriptor is given back."""
        os.close(fd)

    def rename(self, old: str, new: str) -> None:
        """``new`` is what ``old`` was, in one step."""
        os.rename(old, new)

    def link(self, old: str, new: str) -> None:
        """``new`` is ``old`` as well; ``FileExistsError`` where there is one."""
        os.link(old, new)

    def unlink(self, path: str) -> None:
        """The name is gone."""
        os.unlink(path)

    def make_folder(self, path: str) -> None:
        """A new folder."""
        os.mkdir(path)

    def lock(self, path: str) -> int:
        """A descriptor that holds the folder's lock until it is closed; ``BlockingIOError`` where another has it."""
        import fcntl

        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def remove_folder(self, path: str) -> None:
        """An empty folder is gone."""
        os.rmdir(path)

    def sync_folder(self, path: str) -> None:
        """The folder's names are durable."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class Files:
    """Durable files on this machine's disk."""

    def __init__(self, calls: Calls | None = None) -> None:
        self._calls = calls or Calls()
        self._made = 0

    def write(self, path: Path, data: bytes, *, private: bool = False) -> None:
        """``path`` now holds ``data``, durably; ``private`` files are readable by their owner alone."""
        with self._told(path), self._temporary(path, data, private=private) as temporary:
            self._calls.rename(temporary, str(path))
            self._calls.sync_folder(str(path.parent))

    def create(self, path: Path, data: bytes) -> bool:
        """As ``write``, but never overwrites: False where ``path`` holds just this already.

        Raises ``Broken`` ``file-exists-different`` where it holds something else.
        """
        with self._told(path):
            if not path.exists():
                with self._temporary(path, data, private=False) as temporary, suppress(FileExistsError):
                    self._calls.link(temporary, str(path))
                    self._calls.unlink(temporary)
                    self._calls.sync_folder(str(path.parent))
                    return True
            if path.read_bytes() != data:
                raise Broken("file-exists-different", "a file that never changes is there with other bytes", path=str(path))
            self._calls.sync_folder(str(path.parent))  # who made it may have died before this
            return False

    def make_folder(self, path: Path) -> None:
        """``path`` is a folder, durably, and so are those above it that had to be made."""
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        there = missing[-1].parent if missing else path
        with self._told(path):
            try:
                self._calls.sync_folder(str(there.parent))  # who made it may have died before this
            except PermissionError:
                if not missing:
                    raise
            for folder in reversed(missing):
                with suppress(FileExistsError):
                    self._calls.make_folder(str(folder))
                self._calls.sync_folder(str(folder.parent))
            if not path.is_dir():
                raise BadInput("cannot-write", "something else is where a folder should be", path=str(path))

    def remove(self, path: Path) -> None:
        """The file is gone, durably; no error where it was."""
        with self._told(path), suppress(FileNotFoundError):
            self._calls.unlink(str(path))
            self._calls.sync_folder(str(path.parent))

    def remove_tree(self, path: Path) -> None:
        """The folder and all in it are gone; links are removed, not followed.  No error where it was.

        It loses its name first, in one step: nobody meets a folder that is half there.
        """
        if not path.is_dir() or path.is_symlink():
            return
        with self._told(path):
            nameless = self._temporary_name(path)
            self._calls.rename(str(path), nameless)
            self._calls.sync_folder(str(path.parent))
            self._clear(Path(nameless))

    def sweep(self, folder: Path) -> None:
        """What dead processes left below ``folder`` under temporary names is gone."""
        with self._told(folder):
            for path in sorted(folder.rglob(".*.tmp")):
                match = _TEMPORARY.fullmatch(path.name)
                if match is None or _is_alive(int(match[1])):
                    continue
                if path.is_dir() and not path.is_symlink():
                    self._clear(path)
                else:
                    with suppress(FileNotFoundError):
                        self._calls.unlink(str(path))

    @contextmanager
    def locked(self, folder: Path, *, wait: bool) -> Iterator[None]:
        """One process, and one thread of it, at a time in ``folder``; the system gives the lock back when the process dies, and no
        file of it is left.  Where another holds it: waits up to 5 s with ``wait``, then raises ``Waiting`` ``folder-busy``: whoever
        was stopped keeps it.
        """
        if sys.platform == "win32":  # no locks on folders there: docs/ARCHITECTURE.md says so
            yield
            return
        with self._told(folder):
            ends = time.monotonic() + (LOCK_SECONDS if wait else 0)
            while True:
                try:
                    fd = self._calls.lock(str(folder))
                    break
                except BlockingIOError:
                    if time.monotonic() >= ends:
                        raise Waiting("folder-busy", "another process writes to this folder", path=str(folder)) from None
                time.sleep(LOCK_LOOKS_SECONDS)
        try:
            yield
        finally:
            with self._told(folder):
                self._calls.close(fd)

    def _clear(self, folder: Path) -> None:
        for child in sorted(folder.iterdir()):
            if child.is_dir() and not child.is_symlink():
                self._clear(child)
            else:
                self._calls.unlink(str(child))
        self._calls.remove_folder(str(folder))

    def read(self, path: Path, limit_bytes: int) -> bytes:
        """The content; ``BadInput`` ``cannot-read``, or ``file-too-large`` beyond ``limit_bytes``."""
        try:
            with path.open("rb") as file:
                data = file.read(limit_bytes + 1)
        except OSError as problem:
            raise BadInput("cannot-read", _words(problem), path=str(path)) from problem
        if len(data) > limit_bytes:
            raise BadInput("file-too-large", f"more than {limit_bytes:,} bytes", path=str(path))
        return data

    @contextmanager
    def _temporary(self, path: Path, data: bytes, *, private: bool) -> Iterator[str]:
        """A synced file with ``data`` beside ``path``; gone afterwards, whatever happens to the process's own steps."""
        temporary = self._temporary_name(path)
        with suppress(FileNotFoundError):
            self._calls.unlink(temporary)  # left by a dead process of the same number
        fd = self._calls.create(temporary, PRIVATE_MODE if private else PUBLIC_MODE)
        try:
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[self._calls.write(fd, bytes(rest)) :]
                self._calls.sync(fd)
            finally:
                self._calls.close(fd)
            yield temporary
        finally:
            with suppress(FileNotFoundError):
                self._calls.unlink(temporary)

    def _temporary_name(self, path: Path) -> str:
        self._made += 1
        return str(path.with_name(f".{path.name}.{os.getpid()}-{self._made}.tmp"))

    @contextmanager
    def _told(self, path: Path) -> Iterator[None]:
        """System errors in the ledger's own words."""
        try:
            yield
        except OSError as problem:
            if problem.errno in _FULL:
                raise Broken("disk-full", "the disk is full", path=str(path)) from problem
            if problem.errno == errno.EIO:
                raise Broken("disk-failed", "the disk failed; what it holds is not known", path=str(path)) from problem
            raise BadInput("cannot-write", _words(problem), path=str(path)) from problem


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _words(problem: OSError) -> str:
    return problem.strerror or type(problem).__name__
