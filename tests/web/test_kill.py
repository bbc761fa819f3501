"""kill -9 of a serving node under load: nothing acknowledged is lost, doubled or out of place, whatever it was doing.

Clients send, each its own stream, and send the same bytes again until they hold a receipt that checks. Meanwhile the node is killed
at random moments and started again.  At the end every receipt's entry is the client's event, no event stands twice, nothing stands
that nobody sent, and live totals, a replay and the second verifier agree.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ledger.device.receipts import CheckedReceipt, check_receipt
from ledger.device.remote import Placed, RemoteNode
from ledger.device.stream import Signed
from ledger.errors import BadInput, Waiting
from ledger.node import Node
from ledger.tally.signing import reopen_entry

from ..world import STATIONS, Clock, World, check_log, corrected, make_node, submissions_of, submitted
from .processes import ROOT, Process

ON_THE_WAY = ("server-unreachable", "server-slow", "server-cut", "node-answered")
GIVES_UP_SECONDS = 120


class Client(threading.Thread):
    """One operator: a form, then corrections of it, one after the other, for as long as it is let."""

    def __init__(self, node: Process, world: World, station: str, seat: str, end: threading.Event) -> None:
        super().__init__(name=f"{station}/{seat}")
        self.world, self.station = world, station
        self.held: list[tuple[Signed, CheckedReceipt]] = []
        self.tries = 0
        self.failure: BaseException | None = None
        self._node, self._end = node, end

    def run(self) -> None:
        try:
            standing: bytes | None = None
            while not self._end.is_set():
                data = submitted(self.station) if standing is None else corrected(self.station, [standing])
                signed = self.world.sign(self.name, data)
                self.held.append((signed, self._deliver(signed)))
                standing = signed.event_id
        except BaseException as problem:  # the test looks at it
            self.failure = problem

    def _deliver(self, signed: Signed) -> CheckedReceipt:
        """The same bytes until there is a receipt, which is checked."""
        ends = time.monotonic() + GIVES_UP_SECONDS
        while time.monotonic() < ends:
            self.tries += 1
            try:
                with RemoteNode(self._node.url, seconds=20) as door:
                    (answer,) = door.submit([signed.submission])
                    if isinstance(answer, Placed):
                        assert answer.void == "", answer
                        receipt = door.receipt(answer.index)
                        return check_receipt(signed.submission, receipt, vkey=self.world.signer.vkey, origin=self.world.origin)
                    assert isinstance(answer, Waiting), answer
            except Waiting:
                pass
            except BadInput as problem:
                assert problem.code in ON_THE_WAY, problem
            time.sleep(0.02)
        raise AssertionError(f"no receipt in {GIVES_UP_SECONDS} s")


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
        clients = [Client(served, world, station, "1", end) for station in STATIONS]
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
    assert not [client.failure for client in clients if client.failure is not None]
    held = [each for client in clients for each in client.held]
    assert len(held) > kills
    assert len({receipt.index for _, receipt in held}) == len(held)
    with Node.open(ledger, clock=Clock()) as node:
        entries = check_log(node)  # chain, tree, signatures, and a replay that is what stands
        assert len(entries) == founded + len(held)
        for signed, receipt in held:
            assert reopen_entry(entries[receipt.index]).event.event_id == signed.event_id
    second = [sys.executable, str(ROOT / "tools" / "verify_ledger.py"), str(ledger / "public"), "--ledger-id", world.ledger.hex()]
    done = subprocess.run(second, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout
    assert f"of {len(entries)} entries" in done.stdout
    print(f"{kills} kills, {len(held)} events acknowledged, {sum(client.tries for client in clients)} tries")
