"""Clients of nodes that are killed: each sends the same bytes until it holds a receipt that checks; and what holds at the end."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from ledger.device.receipts import CheckedReceipt, check_receipt
from ledger.device.remote import Placed, RemoteNode
from ledger.device.stream import Signed
from ledger.errors import BadInput, Waiting
from ledger.node import Node
from ledger.tally.signing import reopen_entry

from ..world import Clock, World, check_log, corrected, submitted
from .processes import ROOT, Process

ON_THE_WAY = ("server-unreachable", "server-slow", "server-cut", "node-answered")
GIVES_UP_SECONDS = 120


class Client(threading.Thread):
    """One operator: a form, then corrections of it, one after the other, for as long as it is let; each try at the next node.
    ``codes``: all that it was told instead of a receipt."""

    def __init__(self, nodes: Sequence[Process], world: World, station: str, seat: str, end: threading.Event) -> None:
        super().__init__(name=f"{station}/{seat}")
        self.world, self.station = world, station
        self.held: list[tuple[Signed, CheckedReceipt]] = []
        self.tries = 0
        self.codes: set[str] = set()
        self.failure: BaseException | None = None
        self._nodes, self._end = itertools.cycle(nodes), end

    def run(self) -> None:
        try:
            standing: bytes | None = None
            while not self._end.is_set():
                data = submitted(self.station) if standing is None else corrected(self.station, [standing])
                signed = self.world.sign(self.name, data)
                self.held.append((signed, self._deliver(signed)))
                standing = signed.event_id
        except BaseException as problem:  # whoever started it looks at it
            self.failure = problem

    def _deliver(self, signed: Signed) -> CheckedReceipt:
        """The same bytes until there is a receipt, which is checked."""
        ends = time.monotonic() + GIVES_UP_SECONDS
        while time.monotonic() < ends:
            self.tries += 1
            try:
                with RemoteNode(next(self._nodes).url, seconds=20) as door:
                    (answer,) = door.submit([signed.submission])
                    if isinstance(answer, Placed):
                        assert answer.void == "", answer
                        receipt = door.receipt(answer.index)
                        return check_receipt(signed.submission, receipt, vkey=self.world.signer.vkey, origin=self.world.origin)
                    assert isinstance(answer, Waiting), answer
                    self.codes.add(answer.code)
            except Waiting as problem:
                self.codes.add(problem.code)
            except BadInput as problem:
                assert problem.code in ON_THE_WAY, problem
                self.codes.add(str(problem) if problem.code == "node-answered" else problem.code)
            time.sleep(0.02)
        raise AssertionError(f"no receipt in {GIVES_UP_SECONDS} s")


def check_nothing_lost(ledger: Path, clients: Sequence[Client], *, founded: int) -> int:
    """Of all that the clients hold a receipt for, nothing is lost, doubled or out of place, and nothing else is in the log; live
    totals, a replay and the second verifier, over ``public`` of this ledger, agree.  How many events that are."""
    assert not [client.failure for client in clients if client.failure is not None]
    world = clients[0].world
    held = [each for client in clients for each in client.held]
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
    return len(held)
