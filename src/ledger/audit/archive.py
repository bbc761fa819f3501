"""A published folder packed as one ``.zip``, read in place: nothing is unpacked, so no path in it can lead anywhere.

The archive is a stranger's.  Its directory is refused whole where a name is written twice, leads out of the archive or is no plain
path, where it holds too many files or too many bytes, or where bytes are packed tighter than a publication can be (a bomb).  The
files may lie at the top or in the archive's one folder.  Left to others: what the files should hold (published.py).

Errors: ``BadInput`` ``bad-archive``, ``archive-too-large``, ``archive-unsafe``, ``no-publication``, ``cannot-read``; of one file
``NotVerified`` as in sources.py.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Final

from ledger.audit.sources import CHECKPOINT, PublishedSource, printable
from ledger.errors import BadInput, NotVerified

__all__ = ["ArchiveSource"]

ARCHIVE_FILES_LIMIT: Final = 500_000
CONTENT_LIMIT_BYTES: Final = 64 * 2**30
READ_LIMIT_BYTES: Final = 64 * 2**20
"""The most that is read at one stroke: the directory of about half a million files."""
RATIO_LIMIT_TIMES: Final = 200
RATIO_FREE_BYTES: Final = 1_000_000
"""Files below this may be packed as tightly as they like."""
PATH_LIMIT_CHARACTERS: Final = 200

_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 1
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)
"""What the standard library raises over bytes that are no archive of ours."""


class _Bounded(FileIO):
    """A file of which nobody reads more at once than the largest directory: a directory's length is the archive's own claim."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > READ_LIMIT_BYTES:
            raise BadInput("archive-too-large", "its directory is longer than that of any publication", bytes=size)
        return super().read(size) or b""


class ArchiveSource(PublishedSource):
    """A packed publication; use as a context manager or ``close`` it."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), listed=True)
        try:
            self._file = _Bounded(path)
        except OSError as problem:
            raise BadInput("cannot-read", problem.strerror or "", path=str(path)) from None
        try:
            self._archive = zipfile.ZipFile(self._file)
            self._members = _members(self._archive.infolist())
            self._paths = frozenset(self._members)
            if CHECKPOINT not in self._paths and not any(name.startswith("tile/") for name in self._paths):
                raise BadInput("no-publication", "the archive has neither a checkpoint nor tiles", path=str(path))
            self._open()
        except _BROKEN as problem:
            self._file.close()
            raise BadInput("bad-archive", str(problem), path=str(path)) from None
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> ArchiveSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The file is given back."""
        self._archive.close()
        self._file.close()

    def _read(self, path: str, limit_bytes: int) -> bytes:
        member = self._members.get(path)
        if member is None:
            raise NotVerified("file-missing", "the file is not there", path=printable(path))
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise NotVerified("file-not-plain", "this is not a plain file", path=printable(path))
        try:
            with self._archive.open(member) as file:
                return file.read(limit_bytes + 1)
        except _BROKEN as problem:
            raise BadInput("bad-archive", str(problem), path=self.name, file=printable(path)) from None
        except OSError as problem:
            raise BadInput("cannot-read", problem.strerror or "", path=self.name) from None


def _members(listed: Sequence[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Relative path -> member, without the folders, and without the one folder that all may lie in."""
    if len(listed) > ARCHIVE_FILES_LIMIT:
        raise BadInput("archive-too-large", f"more than {ARCHIVE_FILES_LIMIT:,} files", files=len(listed))
    total = 0
    members: dict[str, zipfile.ZipInfo] = {}
    for member in listed:
        name = member.orig_filename  # zipfile itself cuts names at a NUL and turns separators
        _check_name(name)
        total += member.file_size
        if total > CONTENT_LIMIT_BYTES:
            raise BadInput("archive-too-large", f"more than {CONTENT_LIMIT_BYTES:,} bytes unpacked")
        if member.file_size > RATIO_FREE_BYTES and member.file_size > RATIO_LIMIT_TIMES * member.compress_size:
            raise BadInput("archive-unsafe", "packed tighter than a publication can be", file=printable(name))
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
            raise BadInput("bad-archive", "encrypted, or packed by another method than deflate", file=printable(name))
        if name.rstrip("/") in members:
            raise BadInput("archive-unsafe", "one name stands twice", file=printable(name))
        members[name.rstrip("/")] = member
    files = {name: member for name, member in members.items() if not member.orig_filename.endswith("/")}
    tops = {name.partition("/")[0] for name in files}
    if CHECKPOINT in files or len(tops) != 1 or tops == {"tile"}:
        return files
    return {name.partition("/")[2]: member for name, member in files.items() if "/" in name}


def _check_name(name: str) -> None:
    parts = name.removesuffix("/").split("/")
    if (
        len(name) > PATH_LIMIT_CHARACTERS
        or "\\" in name
        or "\0" in name
        or ":" in name
        or any(part in ("", ".", "..") for part in parts)
    ):
        raise BadInput("archive-unsafe", "no plain path within the archive", file=printable(name[:PATH_LIMIT_CHARACTERS]))
