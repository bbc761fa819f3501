"""Connections that would be held for nothing, against a server in this process whose times are short."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ledger.web.protocol import Protocol

WAITS_SECONDS = 30
LARGE = bytes(40_000_000)


class Impatient(Protocol):
    """Short times, few connections."""

    head_seconds = 0.3
    request_seconds = 1.0
    address_connections_max = 5
    head_limit_bytes = 2_000
    uncounted = frozenset[str]()
    addresses: ClassVar[Counter[str]] = Counter()


async def echo(request: Request) -> Response:
    """What came."""
    return Response(await request.body())


async def large(_request: Request) -> Response:
    """More than any buffer between takes."""
    return Response(LARGE)


@contextmanager
def server(protocol: Any) -> Iterator[int]:
    """The port of a server in a thread."""
    app = Starlette(routes=[Route("/echo", echo, methods=["POST"]), Route("/large", large)])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=protocol, ws="none", log_config=None, timeout_keep_alive=1)
    made = uvicorn.Server(config)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        while not made.started:
            thread.join(0.01)
        yield made.servers[0].sockets[0].getsockname()[1]
    finally:
        made.should_exit = True
        thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    """Of an impatient one."""
    with server(Impatient) as number:
        yield number


def connected(port: int) -> socket.socket:
    """A connection on which nothing is waited for longer than a test may last."""
    made = socket.create_connection(("127.0.0.1", port), timeout=WAITS_SECONDS)
    made.settimeout(WAITS_SECONDS)
    return made


def post(connection: socket.socket, body: bytes, *, rest: bytes = b"") -> bytes:
    """The answer to a request on a connection that stays open."""
    connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body + rest)
    answer = b""
    while b"\r\n\r\n" not in answer or not answer.endswith(body):
        part = connection.recv(65_536)
        assert part, answer
        answer += part
    return answer


def is_cut(connection: socket.socket) -> bool:
    """Whether the server ends it, rather than wait for ever."""
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("sent", [b"", b"P", b"POST /echo HTTP/1.1\r\nHost: x\r\n", b"\r\n"])
def test_half_a_head_is_cut(port: int, sent: bytes) -> None:
    """Nothing at all, a letter, lines without an end."""
    with connected(port) as connection:
        connection.sendall(sent)
        assert is_cut(connection)


def test_a_head_that_drips_is_cut_at_its_deadline(port: int) -> None:
    """However often a byte comes."""
    with connected(port) as connection:
        sent = 0
        with suppress(ConnectionError):
            while sent < 1_000:
                connection.sendall(b"x")
                sent += 1
                threading.Event().wait(0.02)
        assert sent < 1_000


@pytest.mark.parametrize(
    "head",
    [
        b"GET /large HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 2_000 + b"\r\n\r\n",
        b"GET /large?" + b"x" * 2_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /large HTTP/1.1\r\n" + b"X: x\r\n" * 700 + b"\r\n",
        b"GET /large HTTP/1.1\r\nX: " + b"x" * 100_000,
        b"\r\n" * 2_000,
    ],
)
def test_a_head_has_a_length(port: int, head: bytes) -> None:
    """One header, the address, many headers, one without an end, empty lines."""
    with connected(port) as connection:
        with suppress(ConnectionError):
            connection.sendall(head)
            assert b"200" not in connection.recv(65_536)
        assert is_cut(connection)
    with connected(port) as good:
        assert post(good, b"x" * 100_000).startswith(b"HTTP/1.1 200")  # a body may be longer


def test_half_a_body_is_cut(port: int) -> None:
    """After the time of a request."""
    with connected(port) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        assert is_cut(connection)


def test_who_does_not_take_the_answer_is_cut(port: int) -> None:
    """The rest of a large one is never sent."""
    with connected(port) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        threading.Event().wait(2.0)
        taken = 0
        try:
            while part := connection.recv(1_000_000):
                taken += len(part)
        except ConnectionError:
            pass
        assert taken < len(LARGE)


def test_others_are_served_meanwhile_and_again_and_again(port: int) -> None:
    """Several requests on a connection; the times begin anew with each; two at once are both answered."""
    with connected(port) as slow, connected(port) as good:
        slow.sendall(b"POST /echo HTTP/1.1\r\n")
        for number in range(40):
            assert post(good, b"hello %d" % number).startswith(b"HTTP/1.1 200")
            threading.Event().wait(0.05)
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
        good.sendall(head + b"a" + head + b"b")
        said = b""
        while not said.endswith(b"b") or said.count(b"200 OK") < 2:
            said += good.recv(65_536)
        assert is_cut(slow)


def test_one_address_has_so_many_connections(port: int) -> None:
    """One more is cut; when one has ended there is room again."""
    held = [connected(port) for _ in range(5)]
    for connection in held:
        post(connection, b"x")
    with connected(port) as more:
        assert is_cut(more)
    held.pop().close()
    for _ in range(200):
        with connected(port) as again:
            try:
                post(again, b"x")
            except (AssertionError, ConnectionError):
                threading.Event().wait(0.02)
                continue
            break
    else:
        raise AssertionError("no room again")
    for connection in held:
        connection.close()
