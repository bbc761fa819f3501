"""Web servers on loopback: a plain static one, and ones whose every answer a test writes byte by byte."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

Answer = Callable[[str, int], Iterator[bytes]]
"""(path, number of the request) -> the bytes of the answer, piece by piece; the connection is closed after the last."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@contextmanager
def static(folder: Path) -> Iterator[str]:
    """A static file server; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class Hostile:
    """A server that answers as it is told; ``asked`` are the paths asked for."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[str] = []
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/log/"
        self._thread = Thread(target=self._serve)

    def __enter__(self) -> Hostile:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                head = b""
                while b"\r\n\r\n" not in head and (part := connection.recv(4096)):
                    head += part
                if not head:
                    continue
                path = head.split(b" ", 2)[1].decode().removeprefix("/log/")
                self.asked.append(path)
                for piece in self._answer(path, len(self.asked)):
                    connection.sendall(piece)


def good(data: bytes, *more: bytes, status: bytes = b"200 OK") -> bytes:
    """An honest answer; ``more``: header lines."""
    return b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Length: %d" % len(data), b"Connection: close", *more, b"", data])
