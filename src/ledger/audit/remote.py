"""A published folder on a web server, read file by file over HTTP; nothing is written to this machine's disk.

The server is a stranger's: it may be slow, cut off, stream for ever, lie about lengths or point elsewhere.  So every file has a
limit in bytes and one in time (from the request to the last byte, headers included), the whole has limits too, no redirection is
followed at all, and no listing is asked for.  Which files there are follows from the size that the checkpoint shows and from the
entries; a file that nobody asks for cannot be seen, and ``listed`` says so.

A failure of the way (unreachable, slow, cut, redirected, another answer than the file) is no finding about a ledger: ``BadInput``
``source-unreachable``, ``source-slow``, ``source-cut``, ``source-redirected``, ``source-answered``, ``source-too-large``,
``source-changed``.  A file that is not there while the checkpoint still stands is one: ``NotVerified`` ``file-missing``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ledger.audit.sources import CHECKPOINT, PublishedSource, printable
from ledger.errors import BadInput, NotVerified
from ledger.http import Server
from ledger.proof.note import NOTE_LIMIT_BYTES
from ledger.proof.tiles import entry_layout, tile_layout

__all__ = ["USUAL", "Limits", "UrlSource"]

ENTRIES_LIMIT: Final = 100_000_000
"""What the checkpoint shows is anybody's word until entry 0 is read."""

_OK: Final = 200
_REDIRECTIONS: Final = range(300, 400)
_GONE: Final = (404, 410)


class Limits(Struct, frozen=True, kw_only=True):
    """What a server may cost.  ``file_seconds``: from a request to its last byte; ``seconds``, ``files`` and ``bytes``: in all."""

    file_seconds: float
    seconds: float
    files: int
    bytes: int


USUAL: Final = Limits(file_seconds=60, seconds=24 * 3600, files=20_000_000, bytes=64 * 2**30)
"""For one who reads a nation over a slow line."""


class UrlSource(PublishedSource):
    """The publication below ``url``; use as a context manager or ``close`` it."""

    def __init__(self, url: str, limits: Limits) -> None:
        self._server = Server(url, agent="tally-ledger-verify")
        super().__init__(url, listed=False)
        self._limits = limits
        self._ends = time.monotonic() + limits.seconds
        self._requests = 0
        self._open()
        if isinstance(self._checkpoint, NotVerified) and self._checkpoint.code == "file-missing":
            self.close()
            raise BadInput("no-publication", "there is no checkpoint at this address", url=printable(url))
        if self._size:
            self._paths = frozenset(self._implied())

    def __enter__(self) -> UrlSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The connection is given back."""
        self._server.close()

    def _implied(self) -> Iterator[str]:
        yield CHECKPOINT
        if self._size > ENTRIES_LIMIT:
            raise BadInput("source-too-large", "the checkpoint shows more entries than can be fetched", entries=self._size)
        for layout in (tile_layout(self._size), entry_layout(self._size)):
            for tile in layout:
                yield tile.path

    def _read(self, path: str, limit_bytes: int) -> bytes:
        data = self._fetch(path, limit_bytes)
        if data is not None:
            return data
        # What a log has at one size may be gone once it was published anew twice; then it is time to begin again, no finding.
        if isinstance(self._checkpoint, bytes) and self._fetch(CHECKPOINT, NOTE_LIMIT_BYTES) not in (None, self._checkpoint):
            raise BadInput("source-changed", "the log was published anew while it was read", file=printable(path))
        raise NotVerified("file-missing", "the server does not have the file", path=printable(path))

    def _fetch(self, path: str, limit_bytes: int) -> bytes | None:
        """One file; None where the server says that it has none."""
        self._requests += 1
        if self._requests > self._limits.files:
            raise BadInput("source-too-large", f"more than {self._limits.files:,} files", url=printable(self.name))
        where: dict[str, object] = {"url": printable(self.name), "file": printable(path)}
        ends = min(time.monotonic() + self._limits.file_seconds, self._ends)
        try:
            status, _, data = self._server.get(path, limit_bytes=limit_bytes, ends=ends)
        except BadInput as problem:
            words, more = printable(problem.detail), {**where, **problem.where}
            match problem.code:
                case "answer-too-large":
                    words = f"longer than the {limit_bytes:,} bytes that it can have"
                    raise NotVerified("file-too-large", words, path=printable(path)) from None
                case "answer-encoded":
                    raise BadInput("source-answered", "the server gives something else than the file", **more) from None
                case "server-slow":
                    raise BadInput("source-slow", "the server did not give the file in time", **more) from None
                case "server-unreachable":
                    raise BadInput("source-unreachable", words, **more) from None
                case _:
                    raise BadInput("source-cut", words, **more) from None
        if status in _REDIRECTIONS:
            raise BadInput("source-redirected", "the server points elsewhere, which is not followed", **where, status=status)
        if status in _GONE:
            return None
        if status != _OK:
            raise BadInput("source-answered", "the server gives something else than the file", **where, status=status)
        if self.bytes_read + len(data) > self._limits.bytes:
            raise BadInput("source-too-large", f"more than {self._limits.bytes:,} bytes", url=printable(self.name))
        return data
