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

import io
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any, Final
from urllib.parse import quote, urlsplit

from msgspec import Struct

from ledger.audit.sources import CHECKPOINT, PublishedSource, printable
from ledger.errors import BadInput, NotVerified
from ledger.proof.note import NOTE_LIMIT_BYTES
from ledger.proof.tiles import entry_layout, tile_layout

__all__ = ["USUAL", "Limits", "UrlSource"]

URL_LIMIT_CHARACTERS: Final = 2_000
ENTRIES_LIMIT: Final = 100_000_000
"""What the checkpoint shows is anybody's word until entry 0 is read."""
PART_BYTES: Final = 65_536

_OK: Final = 200
_REDIRECTIONS: Final = range(300, 400)
_GONE: Final = (404, 410)
_CUT: Final = (HTTPException, ConnectionError, ValueError)
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": "tally-ledger-verify"}


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
        parts = _split(url)
        super().__init__(url, listed=False)
        self._limits = limits
        self._folder = parts.path.rstrip("/") + "/"
        make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection: Any = make(parts.hostname or "", parts.port, timeout=limits.file_seconds)
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
        self._connection.close()

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
        with self._told(path):
            used = self._connection.sock is not None
            try:
                response = self._ask(path)
            except ConnectionError:
                if not used:  # else the server may just have closed a connection that it kept open for us
                    raise
                self._connection.close()
                response = self._ask(path)
            with closing(response):
                data = self._body(response, path, limit_bytes)
                read_up = response.isclosed()
            if not read_up:
                self._connection.close()
            return data

    def _ask(self, path: str) -> HTTPResponse:
        """The answer's head, within the time of one file."""
        deadline = min(time.monotonic() + self._limits.file_seconds, self._ends)
        connection: Any = self._connection
        if not connection.sock:
            connection.timeout = max(deadline - time.monotonic(), 0.001)
            connection.connect()
            connection.sock = _Timed(connection.sock)
        connection.sock.deadline = deadline
        connection.request("GET", self._folder + quote(path), headers=_HEADERS)
        response: HTTPResponse = connection.getresponse()
        return response

    def _body(self, response: HTTPResponse, path: str, limit_bytes: int) -> bytes | None:
        where = {"url": printable(self.name), "file": printable(path), "status": response.status}
        if response.status in _REDIRECTIONS:
            raise BadInput("source-redirected", "the server points elsewhere, which is not followed", **where)
        if response.status in _GONE:
            return None
        if response.status != _OK or response.getheader("Content-Encoding", "identity") != "identity":
            raise BadInput("source-answered", "the server gives something else than the file", **where)
        if response.length is not None and response.length > limit_bytes:
            raise NotVerified("file-too-large", f"longer than the {limit_bytes:,} bytes that it can have", path=printable(path))
        data = bytearray()
        while len(data) <= limit_bytes:
            part = response.read(min(PART_BYTES, limit_bytes + 1 - len(data)))
            if not part:
                break
            data += part
        if response.length:
            raise IncompleteRead(bytes(data), response.length)
        if self.bytes_read + len(data) > self._limits.bytes:
            raise BadInput("source-too-large", f"more than {self._limits.bytes:,} bytes", url=printable(self.name))
        return bytes(data)

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """What goes wrong on the way, in the ledger's own words; the connection is not used again."""
        where = {"url": printable(self.name), "file": printable(path)}
        try:
            yield
        except (BadInput, NotVerified):
            self._connection.close()
            raise
        except (OSError, HTTPException, ValueError) as problem:
            self._connection.close()
            words = printable(getattr(problem, "strerror", None) or str(problem) or type(problem).__name__)
            if isinstance(problem, TimeoutError):
                raise BadInput("source-slow", "the server did not give the file in time", **where) from None
            if isinstance(problem, (ssl.SSLError, ConnectionRefusedError)) or not isinstance(problem, _CUT):
                raise BadInput("source-unreachable", words, **where) from None
            raise BadInput("source-cut", f"the answer broke off, or is none: {words}", **where) from None


class _Timed:
    """A socket whose every receipt ends by one deadline: a time-out for each alone would let a server drip for ever.

    As with a socket, who reads from ``makefile`` may go on after ``close``.
    """

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._readers = 0
        self._closed = False
        self.deadline = 0.0

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """What ``HTTPResponse`` reads from."""
        self._readers += 1
        return io.BufferedReader(_Receiver(self))

    def sendall(self, data: bytes) -> None:
        """Sends all, or raises ``TimeoutError``."""
        self._inner.settimeout(self._left())
        self._inner.sendall(data)

    def receive(self, buffer: Any) -> int:
        """As ``recv_into``."""
        self._inner.settimeout(self._left())
        return self._inner.recv_into(buffer)

    def close(self) -> None:
        """The socket is closed, after its last reader."""
        self._closed = True
        self.released(0)

    def released(self, readers: int) -> None:
        """So many readers are done."""
        self._readers -= readers
        if self._closed and self._readers <= 0:
            self._inner.close()

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Receiver(io.RawIOBase):
    def __init__(self, timed: _Timed) -> None:
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._timed.receive(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._timed.released(1)


def _split(url: str) -> Any:
    """The address of a folder: http or https, a host, a path, and nothing else (no name and password, no query)."""
    try:
        parts = urlsplit(url)
        good = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and not (parts.username or parts.password or parts.query or parts.fragment)
            and url.isascii()
            and url.isprintable()
            and " " not in url
            and len(url) <= URL_LIMIT_CHARACTERS
            and parts.port != 0
        )
    except ValueError:
        good = False
    if not good:
        raise BadInput("bad-url", "not the http or https address of a folder", url=printable(url[:URL_LIMIT_CHARACTERS]))
    return parts
