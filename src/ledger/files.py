"""The one file layer: whatever must be durable outside the database is written here (docs/ARCHITECTURE.md, crash table).

A file is written to a temporary name in its own folder, synced, renamed, and the folder synced: after ``write`` returns the content
survives a power cut; before, there is the old content or the new, never a torn one.  The system calls come in through one seam, so
that a test can replay every prefix of them with unsynced writes dropped.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from ledger.errors import BadInput, Broken

__all__ = ["DiskFiles", "Files"]


class DiskFiles:
    """Files on this machine's disk."""

    def write(self, path: Path, data: bytes, *, private: bool = False) -> None:
        """``path`` now holds ``data``, durably."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644)
            try:
                os.write(fd, data)
                os.fsync(fd)
            finally:
                os.close(fd)
            os.rename(temporary, path)
            self._sync_folder(path.parent)
        except OSError as problem:
            raise _told(problem, path) from problem

    def create(self, path: Path, data: bytes) -> bool:
        """As ``write``, but never overwrites: False where ``path`` holds just this already; ``Broken`` where it holds another."""
        if path.exists():
            if path.read_bytes() == data:
                return False
            raise Broken("file-exists-different", "an immutable file is there with other bytes", path=str(path))
        self.write(path, data)
        return True

    def make_folder(self, path: Path) -> None:
        """``path`` is a folder, durably."""
        path.mkdir(parents=True, exist_ok=True)

    def remove(self, path: Path) -> None:
        """``path`` is gone."""
        path.unlink()

    def read(self, path: Path, limit_bytes: int) -> bytes:
        """The content, refused beyond ``limit_bytes``."""
        try:
            data = path.read_bytes()
        except OSError as problem:
            raise _told(problem, path) from problem
        if len(data) > limit_bytes:
            raise BadInput("file-too-large", "the file is longer than such a file can be", path=str(path))
        return data

    def _sync_folder(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


Files = DiskFiles

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def _told(problem: OSError, path: Path) -> BadInput | Broken:
    if problem.errno in _FULL:
        return Broken("disk-full", "the disk is full", path=str(path))
    return BadInput("cannot-write", str(problem), path=str(path))
