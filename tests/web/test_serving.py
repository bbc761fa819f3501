"""``ledger serve`` as a process: devices over HTTP, an audit of the live address, an orderly end, and restarts."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.device.folder import Delivery, Device
from ledger.device.remote import RemoteNode
from ledger.errors import BadInput
from ledger.files import Files
from ledger.node import Node

from ..cli.conftest import invoke
from ..world import STATIONS, Clock, World, corrected, make_node, submissions_of, submitted
from .processes import Process, free_port

PASSPHRASE = b"a passphrase of tests"


@pytest.fixture
def world() -> World:
    """Whose keys sign."""
    return World()


@pytest.fixture
def ledger(tmp_path: Path, world: World) -> Path:
    """A founded ledger's folder."""
    with make_node(tmp_path / "ledger", world) as node:
        node.submit(submissions_of(world.founding()))
    return tmp_path / "ledger"


@pytest.fixture
def node(ledger: Path) -> Iterator[Process]:
    """It, served."""
    with Process(ledger, "--no-anchor", "--publish-seconds", "1") as made:
        yield made


def device(place: Path, world: World, name: str) -> Device:
    """A device of this person, bound to the ledger."""
    made = Device.create(place / name.replace("/", "-"), key=world.key(name), passphrase=PASSPHRASE, files=Files())
    made.adopt(world.ledger, origin=world.origin, vkey=world.signer.vkey)
    return made


def outcomes(deliveries: list[Delivery]) -> list[tuple[str, int | None]]:
    """What became of each."""
    return [(delivery.outcome, delivery.index) for delivery in deliveries]


def test_a_device_sends_over_http_and_keeps_checked_receipts(node: Process, tmp_path: Path, world: World) -> None:
    """Its outbox in order, the log grown consistently between; another device's events stand between its own."""
    with (
        device(tmp_path, world, f"{STATIONS[0]}/1") as one,
        device(tmp_path, world, f"{STATIONS[1]}/1") as two,
        RemoteNode(node.url) as door,
    ):
        sent = one.sign(submitted(STATIONS[0]), claimed_at=0)
        assert outcomes(one.send(door)) == [("appended", 9)]
        two.sign(submitted(STATIONS[1]), claimed_at=0)
        assert outcomes(two.send(door)) == [("appended", 10)]
        one.sign(corrected(STATIONS[0], [sent.event_id]), claimed_at=0)
        assert outcomes(one.send(door)) == [("appended", 11)]
        assert one.outbox() == []
        assert one.state.seen.size == 12
        assert len(list((one.folder / "receipts").glob("*.tlog-proof"))) == 2


def test_a_live_node_is_verified_by_its_address(node: Process, world: World) -> None:
    """The published folder follows the log; what is served is that of a static server."""
    with RemoteNode(node.url) as door:
        door.submit([world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0])).submission])
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        told = invoke("verify", node.url, "--ledger-id", world.ledger.hex(), "--json")
        if told.status == 0 and told.json["size"] == 10:
            return
        time.sleep(0.2)
    raise AssertionError(told.out)


def test_it_ends_in_order(node: Process, world: World, ledger: Path) -> None:
    """Status 0; what was answered is there and published; the log lines are JSON; the port is free again."""
    with RemoteNode(node.url) as door:
        door.submit([world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0])).submission])
    assert node.stop() == 0
    with Node.open(ledger, clock=Clock()) as opened:
        assert opened.head().size == 10
    assert b"\n10\n" in (ledger / "public" / "checkpoint").read_bytes()
    lines = [line for line in node.said().splitlines() if line.startswith("{")]
    assert {json.loads(line)["level"] for line in lines} == {"info"}
    node.start()
    assert node.stop() == 0


def test_requests_in_hand_are_answered_before_it_ends(node: Process, world: World) -> None:
    """A body that is still coming when the signal comes is taken."""
    submission = world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0])).submission
    body = b"\x91\xc5" + len(submission).to_bytes(2, "big") + submission
    with socket.create_connection(("127.0.0.1", node.port)) as connection:
        head = "POST /api/v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:100])
        time.sleep(0.3)
        ended: list[int] = []
        stopping = threading.Thread(target=lambda: ended.append(node.stop()))
        stopping.start()
        time.sleep(0.3)
        connection.sendall(body[100:])
        answer = connection.makefile("rb").read()
        stopping.join()
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert ended == [0]


def test_a_node_that_is_away_costs_nothing(tmp_path: Path, world: World, ledger: Path) -> None:
    """What was signed stays in the outbox; once the node is there it is delivered."""
    port = free_port()
    with device(tmp_path, world, f"{STATIONS[0]}/1") as one:
        one.sign(submitted(STATIONS[0]), claimed_at=0)
        with RemoteNode(f"http://127.0.0.1:{port}/") as door, pytest.raises(BadInput, match="server-unreachable"):
            one.send(door)
        assert len(one.outbox()) == 1
        with Process(ledger, "--no-anchor", "--publish-seconds", "0", port=port), RemoteNode(f"http://127.0.0.1:{port}/") as door:
            assert outcomes(one.send(door)) == [("appended", 9)]


def test_what_is_no_node_is_told(tmp_path: Path, world: World, ledger: Path) -> None:
    """A file server, a port that answers noise, a node's other page."""
    with Process(ledger, "--no-anchor", "--publish-seconds", "0") as node:
        with RemoteNode(node.url + "tile/") as door:
            for act in (lambda: door.submit([b"x"]), lambda: door.receipt(0), door.key_chain, lambda: door.consistency(1, 2)):
                with pytest.raises(BadInput, match="node-answered"):
                    act()
        with RemoteNode(node.url) as door, pytest.raises(BadInput, match="size-beyond-log"):
            door.receipt(99)
    with pytest.raises(BadInput, match="bad-url"):
        RemoteNode("ftp://x/")


def test_its_numbers(node: Process, world: World) -> None:
    """Requests under their routes, submissions by what became of them, the log's size."""
    with RemoteNode(node.url) as door:
        door.submit([world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0])).submission])
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)
    for path in ("/nothing", "/tile/0/000", "/metrics"):
        connection.request("GET", path)
        text = connection.getresponse().read().decode()
    for line in (
        'ledger_requests_total{method="POST",route="/api/v1/submissions",status="201"} 1.0',
        'ledger_requests_total{method="",route="other",status="404"} 2.0',
        'ledger_submissions_total{outcome="appended"} 1.0',
        "ledger_tree_size 10.0",
        "ledger_queue_events 0.0",
    ):
        assert line in text
    connection.close()


def test_serving_asks_for_what_it_needs(ledger: Path, tmp_path: Path) -> None:
    """An anchor, both files of TLS, a port that is free and one."""
    here = ("--ledger", str(ledger))
    assert invoke("serve", *here).code == "anchor-needed"
    assert invoke("serve", *here, "--no-anchor", "--key", "k").code == "argument-missing"
    assert invoke("serve", *here, "--no-anchor", "--port", "70000").code == "argument-invalid"
    (ledger / "log-key.pem").rename(tmp_path / "kept")
    assert invoke("serve", *here, "--no-anchor").code == "log-key-absent"
