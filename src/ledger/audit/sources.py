"""Where the bytes to verify come from: a published folder, or a ledger's own entries; archive.py and remote.py add two more.

A source gives bytes and vouches for nothing.  It raises ``NotVerified`` with the place where what it should have is missing or
malformed, and ``BadInput`` where the place cannot be read at all (no such folder, no permission): that is no finding about a
ledger. A source is read by one thread, the caller's, and counts what it read.

``FolderSource`` reads what ``ledger.log.publish`` writes, or a copy of it.  It follows no symbolic link, opens nothing but plain
files and reads no more of them than its caller can use.  Copy a folder that is being published to before you verify it: files
that appear meanwhile are found as stray.
"""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Final, Protocol

from ledger.errors import BadInput, LedgerError, NotVerified
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import NOTE_LIMIT_BYTES, parse_note
from ledger.proof.tiles import ENTRY_LIMIT_BYTES, TILE_WIDTH, decode_bundle, entries_path

__all__ = ["BUNDLE_LIMIT_BYTES", "CHECKPOINT", "EntriesSource", "FolderSource", "PublishedSource", "Source", "printable"]

FILES_LIMIT: Final = 20_000_000
FOLDER_DEPTH_LIMIT_LEVELS: Final = 16
BUNDLE_LIMIT_BYTES: Final = TILE_WIDTH * (ENTRY_LIMIT_BYTES + 2)

CHECKPOINT: Final = "checkpoint"

# Without O_NONBLOCK a named pipe in the folder would hold the auditor for ever.  Systems without these flags lack such dangers too.
_OPEN_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Source(Protocol):
    """Bytes to verify."""

    bytes_read: int
    """How many bytes of content were read so far."""

    @property
    def name(self) -> str:
        """How the report calls this source."""

    @property
    def listed(self) -> bool:
        """Whether ``paths`` are all files that are there; if not, those that a log of the shown size has, and what else there may
        be cannot be seen."""

    def checkpoint(self) -> bytes:
        """The signed checkpoint's bytes."""

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """The entries' bytes, ``start`` to ``stop - 1``, in order."""

    def place(self, index: int) -> str:
        """Where an entry stands: the path of its bundle, or ``entries/<index>``."""

    def paths(self) -> Set[str] | None:
        """The relative paths of all published files, or None where the source has none but its entries."""

    def read(self, path: str, limit_bytes: int) -> bytes:
        """A published file; ``NotVerified`` ``file-missing``, ``file-too-large``, ``file-not-plain``."""


class EntriesSource:
    """A checkpoint and the entries that a ledger gives; no files.

    ``entries(start, stop)`` gives the entries' bytes in order; it is asked for up to 256 at a time.  What it raises as ``Broken``
    (rows that are not there) is a finding.
    """

    def __init__(self, checkpoint: bytes, entries: Callable[[int, int], Iterator[bytes]], *, name: str) -> None:
        self.name: Final = name
        self.listed: Final = True
        self.bytes_read = len(checkpoint)
        self._checkpoint = checkpoint
        self._entries = entries

    def checkpoint(self) -> bytes:
        """As given; ``NotVerified`` ``log-empty`` where the ledger has none yet."""
        if not self._checkpoint:
            raise NotVerified("log-empty", "a log without an entry has no checkpoint")
        return self._checkpoint

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """``NotVerified`` ``entry-missing`` where fewer come than were asked for."""
        index = start
        try:
            for index, entry in enumerate(self._entries(start, stop), start + 1):
                self.bytes_read += len(entry)
                yield entry
                if index == stop:
                    return
        except LedgerError as problem:
            if problem.code != "store-damaged":
                raise
        raise NotVerified("entry-missing", "the ledger does not give this entry", path=self.place(index))

    def place(self, index: int) -> str:
        """``entries/<index>``."""
        return f"entries/{index}"

    def paths(self) -> None:
        """None: there are no files."""

    def read(self, path: str, limit_bytes: int) -> bytes:  # noqa: ARG002
        """There are no files."""
        raise NotVerified("file-missing", "the source has no files", path=printable(path))


class PublishedSource(ABC):
    """Published files, wherever they are.  ``_open`` comes first: what the checkpoint implies was published before it."""

    def __init__(self, name: str, *, listed: bool) -> None:
        self.name: Final = name
        self.listed: Final = listed
        self.bytes_read = 0
        self._paths: Set[str] = frozenset()
        self._checkpoint: bytes | NotVerified = NotVerified("file-missing", "the file is not there", path=CHECKPOINT)
        self._size = 0

    def _open(self) -> None:
        """Reads the checkpoint and takes the size that it shows, signed or not; 0 where it shows none."""
        try:
            self._checkpoint = self._counted(CHECKPOINT, NOTE_LIMIT_BYTES)
            self._size = parse_checkpoint(parse_note(self._checkpoint).text).size
        except NotVerified as problem:
            self._checkpoint = problem
        except BadInput as problem:
            if problem.code not in ("bad-note", "bad-checkpoint"):
                raise

    def checkpoint(self) -> bytes:
        """The file ``checkpoint``, as it was when this source was made."""
        if isinstance(self._checkpoint, NotVerified):
            raise self._checkpoint
        return self._checkpoint

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """From the bundles that a log of the shown size has; ``NotVerified`` ``bad-bundle``, and as ``read``."""
        for number in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
            first = number * TILE_WIDTH
            width = min(TILE_WIDTH, self._size - first)
            path = entries_path(number, width)
            data = self.read(path, BUNDLE_LIMIT_BYTES)
            try:
                bundle = decode_bundle(data, width)
            except BadInput as problem:
                raise NotVerified("bad-bundle", problem.detail, path=path) from None
            yield from bundle[max(start - first, 0) : stop - first]

    def place(self, index: int) -> str:
        """The path of the bundle."""
        number = index // TILE_WIDTH
        return entries_path(number, max(1, min(TILE_WIDTH, self._size - number * TILE_WIDTH)))

    def paths(self) -> Set[str]:
        """All files that are there, or where they cannot be listed, all that the shown size implies but for recap pages."""
        return self._paths

    def read(self, path: str, limit_bytes: int) -> bytes:
        """A published file, refused beyond ``limit_bytes``; one that is not in the listing is missing."""
        if self.listed and path not in self._paths:
            raise NotVerified("file-missing", "the file is not there", path=printable(path))
        return self._counted(path, limit_bytes)

    def _counted(self, path: str, limit_bytes: int) -> bytes:
        data = self._read(path, limit_bytes)
        if len(data) > limit_bytes:
            raise NotVerified("file-too-large", f"longer than the {limit_bytes:,} bytes that it can have", path=printable(path))
        self.bytes_read += len(data)
        return data

    @abstractmethod
    def _read(self, path: str, limit_bytes: int) -> bytes:
        """The file's bytes, up to ``limit_bytes`` and one more."""


class FolderSource(PublishedSource):
    """A published folder.  Raises ``BadInput`` ``no-publication`` where there is none."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), listed=True)
        self._folder = folder
        if not (folder / CHECKPOINT).exists() and not (folder / "tile").is_dir():
            raise BadInput("no-publication", "the folder has neither a checkpoint nor tiles", path=str(folder))
        self._open()
        self._paths = frozenset(self._list())

    def _read(self, path: str, limit_bytes: int) -> bytes:
        try:
            descriptor = os.open(self._folder / path, _OPEN_FLAGS)
        except FileNotFoundError:
            raise NotVerified("file-missing", "the file is not there", path=printable(path)) from None
        except OSError as problem:
            if (self._folder / path).is_symlink():
                raise NotVerified("file-not-plain", "a symbolic link is not followed", path=printable(path)) from None
            raise BadInput("cannot-read", str(problem), path=printable(path)) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotVerified("file-not-plain", "this is not a plain file", path=printable(path))
        with os.fdopen(descriptor, "rb") as file:
            return file.read(limit_bytes + 1)

    def _list(self) -> Iterator[str]:
        """Every path below the folder that is not itself a folder, and folders that lie deeper than any publication's."""
        folders = [""]
        count = 0
        while folders:
            folder = folders.pop()
            try:
                found = list(os.scandir(self._folder / folder))
            except OSError as problem:
                raise BadInput("cannot-read", str(problem), path=printable(folder)) from None
            for item in found:
                path = f"{folder}/{item.name}" if folder else item.name
                count += 1
                if count > FILES_LIMIT:
                    raise BadInput("folder-too-large", f"more than {FILES_LIMIT:,} files", path=self.name)
                if item.is_dir(follow_symlinks=False) and path.count("/") < FOLDER_DEPTH_LIMIT_LEVELS:
                    folders.append(path)
                else:
                    yield path


def printable(text: str) -> str:
    """``text`` with everything escaped that could move a terminal's cursor, reorder a line or break its encoding."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
