"""The witness over HTTP: statuses and headers as the specification has them, and what strangers may cost."""

from __future__ import annotations

import hashlib
import http.client
import socket
from pathlib import Path

import pytest

from ledger.errors import BadInput
from ledger.files import Files
from ledger.proof.note import open_note
from ledger.witness.deciding import REQUEST_LIMIT_BYTES
from ledger.witness.folder import WitnessFolder
from ledger.witness.serving import WitnessServer

from ..proof.models import raising
from .stage import LOG, NOW, ORIGIN, STRANGER, cosigner, make_witness, note, request, serving

SHOWN = f"/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"


def talk(server: WitnessServer, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str | None, bytes]:
    """One request: status, content type, body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), response.read()
    finally:
        connection.close()


def raw(server: WitnessServer, data: bytes) -> bytes:
    """Everything that comes back for these very bytes, until the server ends the connection."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(data)
        got = b""
        try:
            while part := connection.recv(65_536):
                got += part
        except ConnectionResetError:
            pass
        return got


def test_a_conversation(tmp_path: Path) -> None:
    """404, 403, 200, 409, 200, 422, 400: the bodies and types of v1.0.0."""
    with serving(make_witness(tmp_path / "w")) as server:
        first = talk(server, "POST", "/add-checkpoint", request(0, 5))
        assert first[0] == 200
        open_note(note(5) + first[2], [cosigner(1).key])
        assert talk(server, "POST", "/add-checkpoint", request(0, 9)) == (409, "text/x.tlog.size", b"5\n")
        assert talk(server, "POST", "/add-checkpoint", request(5, 9))[0] == 200
        assert talk(server, "POST", "/add-checkpoint", request(9, 9, forked=True)) == (409, "text/x.tlog.size", b"9\n")
        assert talk(server, "POST", "/add-checkpoint", request(9, 12, forked=True))[0] == 422
        assert talk(server, "POST", "/add-checkpoint", b"old 09\n\n" + note(9))[0] == 400
        unknown = note(5, signer=STRANGER, origin="example.com/stranger")
        assert talk(server, "POST", "/add-checkpoint", b"old 0\n\n" + unknown)[0] == 404
        impostor = note(5, signer=STRANGER)
        assert talk(server, "POST", "/add-checkpoint", b"old 9\n\n" + impostor)[0] == 403
        assert talk(server, "GET", SHOWN)[0] == 404
        assert talk(server, "GET", "/")[0] == 404
        assert talk(server, "POST", "/", request(9, 9))[0] == 404
        assert talk(server, "PUT", "/add-checkpoint", request(9, 9))[0] == 501


def test_the_later_text(tmp_path: Path) -> None:
    """One size with two roots is 422, and the last note is shown: with the log's line and the witness's."""
    with serving(make_witness(tmp_path / "w"), later=True) as server:
        assert talk(server, "GET", SHOWN)[0] == 404
        assert talk(server, "POST", "/add-checkpoint", request(0, 5))[0] == 200
        assert talk(server, "POST", "/add-checkpoint", request(5, 5, forked=True))[0] == 422
        status, _, body = talk(server, "GET", SHOWN)
        assert status == 200
        assert len(open_note(body, [LOG.key, cosigner(1).key]).lines) == 2
        assert talk(server, "GET", SHOWN.replace("checkpoint", "other"))[0] == 404


def test_a_witness_out_of_order_cosigns_nothing(tmp_path: Path) -> None:
    """Its memory is gone while it runs: 503, and no cosignature."""
    place = make_witness(tmp_path / "w")
    with serving(place, later=True) as server:
        for state in (place / "logs").iterdir():
            state.unlink()
        status, _, body = talk(server, "POST", "/add-checkpoint", request(0, 5))
        assert (status, "—" in body.decode()) == (503, False)
        assert talk(server, "GET", SHOWN)[0] == 503


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (f"Content-Length: {REQUEST_LIMIT_BYTES + 1}", b"", 413),
        ("Content-Length: 999999999999999999999", b"", 400),
        ("Content-Length: -1", b"", 400),
        ("Content-Length: +5", b"", 400),
        ("Content-Length: 1_0", b"", 400),
        ("Content-Length: 5\r\nContent-Length: 5", b"old 0", 411),
        ("X: y", b"", 411),
        ("Transfer-Encoding: chunked", b"0\r\n\r\n", 411),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", b"old 0", 411),
        ("\r\n".join(f"X-{at}: y" for at in range(60)), b"", 431),
        ("\r\n".join(f"X-{at}: y" for at in range(200)), b"", 431),
        ("X: " + "y" * 70_000, b"", 431),
    ],
)
def test_what_a_request_may_cost(tmp_path: Path, head: str, body: bytes, status: int) -> None:
    """Limits on lengths and headers, before a body is read."""
    with serving(make_witness(tmp_path / "w")) as server:
        got = raw(server, f"POST /add-checkpoint HTTP/1.1\r\n{head}\r\n\r\n".encode() + body)
        assert got.startswith(b"HTTP/1.0 %d " % status)
        assert talk(server, "POST", "/add-checkpoint", request(0, 5))[0] == 200


@pytest.mark.parametrize("sent", [b"", b"POST /add-check", b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 500\r\n\r\nold 0\n"])
def test_a_client_that_stops_talking_is_cut(tmp_path: Path, sent: bytes) -> None:
    """However much it has sent, its connection ends by itself."""
    with serving(make_witness(tmp_path / "w"), seconds=0.2) as server:
        assert b"200" not in raw(server, sent)


def test_connections_beyond_the_limit_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two silent ones fill the house; the third is closed at once; when they are gone there is room again."""
    monkeypatch.setattr("ledger.witness.serving.CONNECTIONS_LIMIT", 2)
    with serving(make_witness(tmp_path / "w")) as server:
        silent = [socket.create_connection(("127.0.0.1", server.server_port), timeout=20) for _ in range(2)]
        assert raw(server, b"") == b""
        for connection in silent:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.0 404")
            while connection.recv(100):
                pass
            connection.close()
        for _ in range(200):  # its thread may end a little after its connection
            try:
                assert talk(server, "POST", "/add-checkpoint", request(0, 5))[0] in (200, 409)
                break
            except (http.client.HTTPException, ConnectionError):
                continue
        else:
            pytest.fail("the places were not given back")


def test_an_address_that_is_taken_is_told(tmp_path: Path) -> None:
    """One code for an address in use and for one that is none."""
    with serving(make_witness(tmp_path / "w")) as server, WitnessFolder.open(make_witness(tmp_path / "x"), files=Files()) as folder:
        assert server.url == f"http://127.0.0.1:{server.server_port}"
        for host, port in (("127.0.0.1", server.server_port), ("256.0.0.1", 0)):
            with raising(BadInput, "witness-address"):
                WitnessServer(
                    folder, host=host, port=port, clock=lambda: NOW, later=False, connection_seconds=1, tell=lambda _: None
                )
