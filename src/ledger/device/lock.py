"""One process at a time: an exclusive lock on a device's folder, given back by the system when the process dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ledger.errors import BadInput

__all__ = ["FolderLock"]


class FolderLock:
    """Held from its making until ``release``.  Raises ``BadInput`` ``device-busy`` where another process holds it."""

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as problem:
            raise BadInput("cannot-write", str(problem), path=str(path)) from None
        try:
            _lock(self._descriptor)
        except OSError:
            self.release()
            raise BadInput("device-busy", "another process has this device open", path=str(path.parent)) from None

    def release(self) -> None:
        """Lets others in; may be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # An open-file lock: a second opening in the same process is kept out as well.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
