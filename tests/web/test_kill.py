"""kill -9 of a serving node under load: nothing acknowledged is lost, doubled or out of place, whatever it was doing.

Clients send, each its own stream, and send the same bytes again until they hold a receipt that checks. Meanwhile the node is killed
at random moments and started again.  At the end every receipt's entry is the client's event, no event stands twice, nothing stands
that nobody sent, and live totals, a replay and the second verifier agree.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from ..world import STATIONS, World, make_node, submissions_of
from .clients import Client, check_nothing_lost
from .processes import Process


@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.campaign)])
def test_a_killed_node_loses_nothing(tmp_path: Path, kills: int) -> None:
    """Over SQLite, with an anchor and a publication that follows."""
    world, dice = World(), random.Random(kills)
    ledger = tmp_path / "ledger"
    with make_node(ledger, world) as node:
        node.submit(submissions_of(world.founding()))
        founded = node.head().size
        (tmp_path / "elsewhere").mkdir()
        node.set_anchor(tmp_path / "elsewhere" / "anchor")
    end = threading.Event()
    with Process(ledger, "--publish-seconds", "1") as served:
        clients = [Client([served], world, station, "1", end) for station in STATIONS]
        for client in clients:
            client.start()
        for _ in range(kills):
            time.sleep(dice.uniform(0.0, 0.4))
            served.kill()
            served.start()
        end.set()
        for client in clients:
            client.join()
        assert served.stop() == 0
    held = check_nothing_lost(ledger, clients, founded=founded)
    assert held > kills
    print(f"{kills} kills, {held} events acknowledged, {sum(client.tries for client in clients)} tries")
