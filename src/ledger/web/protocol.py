"""Connections that cannot be held for nothing: a time for a request's head and for its whole, a number for each address.

The server's own time-out is for a connection that rests between two requests.  One that sends half a head, or reads its answer a
byte at a time, would hold its place for ever; here it has so many seconds, and a head so many bytes, which the parser does not
count.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, ClassVar, Final, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["ADDRESS_CONNECTIONS_MAX", "HEAD_LIMIT_BYTES", "HEAD_SECONDS", "REQUEST_SECONDS", "Protocol"]

HEAD_LIMIT_BYTES: Final = 32_768
"""Of the address and all headers of a request."""
HEAD_SECONDS: Final = 20.0
"""From the connection, or a request's first byte, to the end of its head."""
REQUEST_SECONDS: Final = 300.0
"""From the end of the head to the answer's last byte taken."""
ADDRESS_CONNECTIONS_MAX: Final = 500
"""Open at once from one address: an office behind one, or a proxy, which should say so with a limit of its own."""

Part = Literal["rest", "head", "request"]


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as the server speaks it, with these limits.  The constants may be set on a subclass."""

    head_seconds: ClassVar[float] = HEAD_SECONDS
    request_seconds: ClassVar[float] = REQUEST_SECONDS
    address_connections_max: ClassVar[int] = ADDRESS_CONNECTIONS_MAX
    head_limit_bytes: ClassVar[int] = HEAD_LIMIT_BYTES
    uncounted: ClassVar[frozenset[str]] = frozenset({"127.0.0.1", "::1"})
    """A proxy on this machine has the connections of all its clients."""
    addresses: ClassVar[Counter[str]] = Counter()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._part: Part = "rest"
        self._timer: asyncio.TimerHandle | None = None
        self._address = ""
        self._watched: object = None
        self._head_bytes = 0  # of the request whose head is coming
        self._coming = 0  # of data since then, parsed or not

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Counted by its address; one too many is cut at once."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self.addresses[self._address] += 1
        if self._address not in self.uncounted and self.addresses[self._address] > self.address_connections_max:
            transport.abort()
            return
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """No longer counted, nor watched."""
        super().connection_lost(exc)
        self._turn("rest", 0)
        self.addresses[self._address] -= 1
        if self.addresses[self._address] <= 0:
            del self.addresses[self._address]

    def data_received(self, data: bytes) -> None:
        """A part of a head, a whole one, or of a body."""
        super().data_received(data)
        self._coming = 0 if self._busy() else self._coming + len(data)
        if self._coming > self.head_limit_bytes:
            self.transport.abort()
        self._look()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of its address."""
        self._head_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        self._head_bytes += len(name) + len(value) + 4  # with what stands between and behind them
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A head that is too long asks for nothing."""
        if self._head_bytes > self.head_limit_bytes:
            self.transport.abort()
        else:
            super().on_headers_complete()

    def on_response_complete(self) -> None:
        """At rest, or with the next request that had come meanwhile."""
        super().on_response_complete()
        self._look()

    def _look(self) -> None:
        """Which part of a request the connection is in; each has one deadline, however often something comes."""
        if self._busy():
            if self.cycle is not self._watched:  # each request has its own time, however close they come
                self._watched, self._part = self.cycle, "head"
            self._turn("request", self.request_seconds)
        elif self.timeout_keep_alive_task is not None:
            self._turn("rest", 0)
        else:
            self._turn("head", self.head_seconds)

    def _turn(self, part: Part, seconds: float) -> None:
        if part == self._part:
            return
        self._part = part
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds:
            self._timer = self.loop.call_later(seconds, self._late)

    def _busy(self) -> bool:
        """A request is in hand, or its answer not yet taken: what the server has written may still lie in this process."""
        if self.cycle is None:
            return False
        return not self.cycle.response_complete or self.transport.get_write_buffer_size() > 0

    def _late(self) -> None:
        self._timer = None
        if self._part == "request" and not self._busy():  # the last bytes went without a word
            self._part = "rest"
            return
        self.transport.abort()
