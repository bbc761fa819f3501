"""A witness as a small HTTP server: ``POST /add-checkpoint``, and with the later text ``GET /<SHA-256 of origin>/checkpoint``.

The clients are strangers: a body has a limit in bytes, a request one in headers, a connection one in seconds from its first byte to
its last (a time-out for each receipt alone would let a client drip for ever), and there are only so many connections at once.  One
request a connection.

``respond`` is the way of a request without HTTP: decide over what is remembered, make it durable in place of just that, answer.
Where another request was first, it is decided again.

Left to others: TLS and public addresses (a reverse proxy), the clock.  Spec: C2SP tlog-witness v1.0.0.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import BoundedSemaphore, Timer
from typing import Any, Final

from ledger.errors import BadInput, LedgerError, Moved
from ledger.witness.deciding import NEVER, REQUEST_LIMIT_BYTES, TEXT_TYPE, Answer, decide, parse_request
from ledger.witness.folder import WitnessFolder

__all__ = ["CONNECTION_LIMIT_SECONDS", "WitnessServer", "respond"]

HEADERS_LIMIT: Final = 40
CONNECTIONS_LIMIT: Final = 64
CONNECTION_LIMIT_SECONDS: Final = 20
ATTEMPTS_LIMIT: Final = 8
LENGTH_LIMIT_DIGITS: Final = 9

Tell = Callable[[str], None]
"""Takes a line for whoever watches the server."""


def respond(folder: WitnessFolder, body: bytes, *, now_seconds: int, later: bool, tell: Tell) -> Answer:
    """What ``add-checkpoint`` answers to ``body``; a cosignature in it is durable in the folder.  Raises as ``WitnessFolder.swap``
    and ``recorded``: then nothing may be answered but that the witness is out of order."""
    try:
        request = parse_request(body)
    except BadInput as problem:
        return Answer(400, f"{problem.code}\n".encode(), TEXT_TYPE)
    origin = request.checkpoint.origin
    keys = folder.policy.keys_of(origin)
    for _ in range(ATTEMPTS_LIMIT):
        recorded = folder.recorded(origin) if keys else NEVER
        step = decide(request, keys=keys, recorded=recorded, cosigner=folder.cosigner, now_seconds=now_seconds, later=later)
        if step.fork is not None:
            tell(f"FORK of {origin}: {folder.keep_fork(step.fork)}")
        if step.recorded is None:
            return step.answer
        try:
            folder.swap(origin, expected=recorded, new=step.recorded)
        except Moved:
            continue
        return step.answer
    return Answer(503, b"too many requests at once\n", TEXT_TYPE)


class WitnessServer(ThreadingHTTPServer):
    """Serves ``folder`` at ``host`` and ``port`` (0: any free one) until ``shutdown``.  ``clock`` gives POSIX seconds."""

    daemon_threads = True

    def __init__(
        self,
        folder: WitnessFolder,
        *,
        host: str,
        port: int,
        clock: Callable[[], int],
        later: bool,
        connection_seconds: float,
        tell: Tell,
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.later = later
        self.connection_seconds = connection_seconds
        self.tell = tell
        self._places = BoundedSemaphore(CONNECTIONS_LIMIT)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as problem:
            raise BadInput("witness-address", str(problem), host=host, port=port) from None

    @property
    def url(self) -> str:
        """The submission prefix."""
        host = str(self.server_address[0])
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}"

    def server_bind(self) -> None:
        """As the parent's, without asking the name service for this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """A connection beyond the limit is closed at once."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection, within its time."""
        timer = Timer(self.connection_seconds, _cut, [request])
        timer.daemon = True
        timer.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            timer.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's trouble."""


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    server_version = "tally-ledger-witness"
    sys_version = ""
    timeout = CONNECTION_LIMIT_SECONDS

    def do_POST(self) -> None:
        """``add-checkpoint``."""
        body = self._body()
        if isinstance(body, bytes):
            self._answered(
                lambda: respond(
                    self.server.folder,
                    body,
                    now_seconds=self.server.clock(),
                    later=self.server.later,
                    tell=self.server.tell,
                )
            )
        else:
            self._send(body)

    def do_GET(self) -> None:
        """The note that was last cosigned, with the later text only."""
        if self._is_crowded():
            self._send(Answer(431, b"too many headers\n", TEXT_TYPE))
            return
        folder = self.server.folder
        for log in folder.policy.logs if self.server.later else ():
            if self.path == f"/{hashlib.sha256(log.key.name.encode()).hexdigest()}/checkpoint":
                self._answered(partial(_shown, folder, log.key.name))
                return
        self._send(Answer(404, b"nothing is here\n", TEXT_TYPE))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Who asked what is not written down."""

    def _body(self) -> bytes | Answer:
        """The body, or why it is not taken."""
        if self._is_crowded():
            return Answer(431, b"too many headers\n", TEXT_TYPE)
        if self.path != "/add-checkpoint":
            return Answer(404, b"nothing is here\n", TEXT_TYPE)
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or len(lengths) != 1:
            return Answer(411, b"a body of one stated length is expected\n", TEXT_TYPE)
        if not (lengths[0].isascii() and lengths[0].isdigit() and len(lengths[0]) <= LENGTH_LIMIT_DIGITS):
            return Answer(400, b"the length is no number\n", TEXT_TYPE)
        length = int(lengths[0])
        if length > REQUEST_LIMIT_BYTES:
            return Answer(413, b"the body is too long\n", TEXT_TYPE)
        body = self.rfile.read(length)
        return body if len(body) == length else Answer(400, b"the body broke off\n", TEXT_TYPE)

    def _is_crowded(self) -> bool:
        return len(self.headers) > HEADERS_LIMIT

    def _answered(self, make: Callable[[], Answer]) -> None:
        """The answer, or that the witness is out of order; no other word leaves where its memory failed."""
        try:
            answer = make()
        except (LedgerError, OSError) as problem:
            self.server.tell(str(problem))
            answer = Answer(503, b"the witness is out of order\n", TEXT_TYPE)
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)


def _shown(folder: WitnessFolder, origin: str) -> Answer:
    note = folder.recorded(origin).note
    return Answer(200, note, TEXT_TYPE) if note else Answer(404, b"nothing was cosigned yet\n", TEXT_TYPE)
