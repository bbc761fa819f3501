"""The one way to a server of somebody else's: within a time and a length, to that server alone.

The server is a stranger's: it may be slow, cut off, stream for ever, lie about lengths or point elsewhere.  So every request has
one deadline from its first byte to the answer's last, an answer has a limit in bytes, no redirection is followed, and nothing but
the answer as it is (no compression) is taken.  One connection is kept open for the next request, and made anew where the server has
closed it meanwhile.

What goes wrong on the way is ``BadInput``: ``server-unreachable``, ``server-slow``, ``server-cut``, ``answer-too-large``,
``answer-encoded``; ``bad-url``.  What a status means, and that a redirection is refused, is for who asked.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from ledger.errors import BadInput

__all__ = ["Reply", "Server"]

URL_LIMIT_CHARACTERS: Final = 2_000
PART_BYTES: Final = 65_536
WORDS_LIMIT: Final = 200
WORDS_LIMIT_BYTES: Final = 65_536
"""So much is read of an answer that is no good one."""

_GOOD: Final = range(200, 300)
_CUT: Final = (HTTPException, ConnectionError, ValueError)


class Reply(NamedTuple):
    """An answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Server:
    """The addresses below ``url``, asked one after the other; use as a context manager or ``close`` it.  ``agent``: what it calls
    itself.  Raises ``BadInput`` ``bad-url`` for anything but http or https, a host and a path."""

    def __init__(self, url: str, *, agent: str) -> None:
        parts = _split(url)
        make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection: Any = make(parts.hostname or "", parts.port)
        self._folder = parts.path.rstrip("/") + "/"
        self._headers = {"Accept-Encoding": "identity", "User-Agent": agent}

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The connection is given back."""
        self._connection.close()

    def get(self, path: str, *, limit_bytes: int, ends: float) -> Reply:
        """``request`` without a body."""
        return self.request("GET", path, None, {}, limit_bytes=limit_bytes, ends=ends)

    def request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], *, limit_bytes: int, ends: float
    ) -> Reply:
        """The answer to one request; ``path`` is below the url and quoted here but for ``/?&=``; ``ends`` is by ``time.monotonic``.

        A request is sent once more where the server had closed a connection that it kept open for us.
        """
        with self._told():
            used = self._connection.sock is not None
            try:
                response = self._ask(method, path, body, headers, ends)
            except ConnectionError:
                if not used:
                    raise
                self._connection.close()
                response = self._ask(method, path, body, headers, ends)
            with closing(response):
                read = _body(response, limit_bytes)
                read_up = response.isclosed()
            if not read_up:
                self._connection.close()
            return Reply(response.status, {name.lower(): said for name, said in response.getheaders()}, read)

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], ends: float) -> HTTPResponse:
        """The answer's head, before the deadline."""
        connection: Any = self._connection
        if not connection.sock:
            connection.timeout = max(ends - time.monotonic(), 0.001)
            connection.connect()
            connection.sock = _Timed(connection.sock)
        connection.sock.deadline = ends
        connection.request(method, self._folder + quote(path, safe="/?&="), body=body, headers={**self._headers, **headers})
        response: HTTPResponse = connection.getresponse()
        return response

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong on the way, in the ledger's own words; the connection is not used again."""
        try:
            yield
        except BadInput:
            self._connection.close()
            raise
        except (OSError, HTTPException, ValueError) as problem:
            self._connection.close()
            words = (getattr(problem, "strerror", None) or str(problem) or type(problem).__name__)[:WORDS_LIMIT]
            if isinstance(problem, TimeoutError):
                raise BadInput("server-slow", "no whole answer in time") from None
            if isinstance(problem, (ssl.SSLError, ConnectionRefusedError)) or not isinstance(problem, _CUT):
                raise BadInput("server-unreachable", words) from None
            raise BadInput("server-cut", f"the answer broke off, or is none: {words}") from None


def _body(response: HTTPResponse, limit_bytes: int) -> bytes:
    """The whole body of a good answer; of any other as much as is worth reading."""
    good = response.status in _GOOD
    limit = limit_bytes if good else WORDS_LIMIT_BYTES
    if response.getheader("Content-Encoding", "identity") != "identity":
        if not good:
            return b""
        raise BadInput("answer-encoded", "an encoding that was not asked for", status=response.status)
    if good and response.length is not None and response.length > limit:
        raise BadInput("answer-too-large", f"more than {limit:,} bytes", status=response.status)
    data = bytearray()
    while len(data) <= limit:
        part = response.read(min(PART_BYTES, limit + 1 - len(data)))
        if not part:
            break
        data += part
    if len(data) > limit and good:
        raise BadInput("answer-too-large", f"more than {limit:,} bytes", status=response.status)
    if response.length and good:
        raise IncompleteRead(bytes(data), response.length)
    return bytes(data[:limit])


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


def _split(url: str) -> SplitResult:
    """http or https, a host, a path, and nothing else: no name and password, no query."""
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
        raise BadInput("bad-url", "not an http or https address of a folder", url=ascii(url[:URL_LIMIT_CHARACTERS])[1:-1])
    return parts
