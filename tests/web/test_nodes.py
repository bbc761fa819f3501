"""Several nodes on one PostgreSQL database, each killed at random moments, and the server too: nothing acknowledged is lost.

Each node has a ledger folder of its own, with the same keys and one anchor for all (docs/ARCHITECTURE.md, "Several nodes").
Clients send each try to the next node.  A node that is killed is started again, as a supervisor does; one whose database goes
away goes on.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from tools.serve_load import node_folder

from ledger.node import Node

from ..conftest import PostgresServer
from ..world import STATIONS, Clock, World, make_node, submissions_of
from .clients import Client, check_nothing_lost
from .processes import Process

pytestmark = pytest.mark.postgres

REVIVALS_MAX = 30
"""A node that is started while the database is away ends with status 4, and is started again."""


def founded_folders(place: Path, world: World, address: str, count: int) -> list[Path]:
    """A founded ledger over ``address``, with an anchor, and folders for so many nodes."""
    first = place / "node-1"
    with make_node(first, world, database=address) as node:
        node.submit(submissions_of(world.founding()))
        (place / "elsewhere").mkdir()
        node.set_anchor(place / "elsewhere" / "anchor")
    return [first, *(node_folder(first, place / f"node-{number}") for number in range(2, count + 1))]


def revive(node: Process) -> None:
    """Starts it, again and again, as its supervisor does."""
    for _ in range(REVIVALS_MAX):
        try:
            node.start()
        except AssertionError:
            time.sleep(0.1)
        else:
            return
    node.start()


def restart_the_server(server: PostgresServer, nodes: Sequence[Process], victim: Process) -> None:
    """The server is gone, and one node dies meanwhile; the others live on."""
    server.stop()
    victim.kill()
    time.sleep(0.5)
    reviving = threading.Thread(target=revive, args=(victim,))
    reviving.start()
    server.start()
    reviving.join()
    assert not [node.port for node in nodes if node.ended]


@pytest.mark.parametrize(
    ("count", "kills", "restarts"), [(2, 5, 1), pytest.param(4, 60, 3, marks=pytest.mark.campaign)], ids=["smoke", "campaign"]
)
def test_killed_nodes_and_a_restarted_server_lose_nothing(
    postgres_server: PostgresServer, tmp_path: Path, count: int, kills: int, restarts: int
) -> None:
    """Whatever each was doing; and every node's publication verifies."""
    world, dice, end = World(), random.Random(kills), threading.Event()
    folders = founded_folders(tmp_path, world, postgres_server.url("postgres"), count)
    with Node.open(folders[0], clock=Clock()) as node:
        founded = node.head().size
    with ExitStack() as stack:
        nodes = [stack.enter_context(Process(folder, "--publish-seconds", "1")) for folder in folders]
        clients = [Client(nodes, world, station, "1", end) for station in STATIONS]
        for client in clients:
            client.start()
        try:
            for number in range(1, kills + restarts + 1):
                victim = dice.choice(nodes)
                time.sleep(dice.uniform(0.0, 0.4))
                assert not [each.said() for each in nodes if each.ended]
                if number % (kills // restarts + 1) == 1 + kills // restarts // 2:
                    restart_the_server(postgres_server, nodes, victim)
                else:
                    if number % 3 == 0:  # with the head's lock, perhaps, or the anchor's
                        victim.pause()
                        time.sleep(0.5)
                    victim.kill()
                    revive(victim)
            time.sleep(0.5)
        finally:
            end.set()
            for client in clients:
                client.join()
        assert [each.stop() for each in nodes] == [0] * count
    held = [check_nothing_lost(folder, clients, founded=founded) for folder in folders]
    assert held[0] > kills
    codes = set().union(*(client.codes for client in clients))
    assert not [code for code in codes if code.startswith(("internal", "node-answered"))], codes
    assert not [line for each in nodes for line in each.said().splitlines() if '"internal"' in line]
    print(
        f"{count} nodes, {kills} kills, {restarts} restarts of the server; {held[0]} events acknowledged, "
        f"{sum(client.tries for client in clients)} tries; told meanwhile: {', '.join(sorted(codes))}"
    )
