"""``outbox`` and ``send``: what a device has signed and not yet delivered, and delivering it to a node over the network."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from ledger.cli.app import App
from ledger.cli.language import text
from ledger.cli.output import emit, line
from ledger.cli.program import command, option
from ledger.cli.signing import WAITING, meet, show_deliveries
from ledger.errors import BadInput, Usage, Waiting
from ledger.tally.events import type_of

if TYPE_CHECKING:
    from ledger.device.folder import Device, Door

__all__ = ["outbox", "send"]

FIRST_SECONDS: Final = 0.5
MOST_SECONDS: Final = 30.0
ON_THE_WAY: Final = ("server-unreachable", "server-slow", "server-cut")
"""Failures after which the same bytes are sent again: whatever became of them, they get one place."""


@command(examples=("ledger outbox --device perangkat",))
def outbox(app: App) -> None:
    """Lists what the device has signed and not yet delivered, in the order of its stream."""
    device = app.device()
    for event in device.outbox():
        if app.json:
            emit({"position": event.position, "event": event.event_id.hex(), "type": type_of(event.data)})
        else:
            line(f"{event.position:>6}  {event.event_id.hex()[:16]}  {type_of(event.data)}")
    if not device.outbox() and not app.json:
        line(text("Outbox kosong.", "The outbox is empty."))


@command(
    examples=(
        "ledger send --device perangkat --node https://hasil.example/",
        "ledger send --device perangkat --node https://hasil.example/ --seconds 3600",
        "ledger send --device perangkat    # ke ledger di folder ini",
    )
)
@option(
    "--node",
    metavar="URL",
    ind="Alamat node (semula: LEDGER_NODE, lalu ledger di sini)",
    eng="The node (default: LEDGER_NODE, then the ledger here)",
)
@option("--seconds", type=int, default=0, metavar="N", ind="Coba terus selama N detik", eng="Go on trying for N seconds")
def send(app: App, node: str | None, seconds: int) -> int:
    """Delivers the outbox in the order of the stream, and keeps the checked receipts; what cannot be delivered stays there."""
    if seconds < 0:
        raise Usage("argument-invalid", "out of range", command="ledger send", argument="--seconds")
    device = app.device()
    with ExitStack() as stack:
        url = node if node is not None else app.node_flag
        door: Door
        if url is None:
            meet(device, app.node)
            door = app.node
        else:
            from ledger.device.remote import RemoteNode

            door = stack.enter_context(RemoteNode(url))
        return _deliver(app, device, door, time.monotonic() + seconds)


def _deliver(app: App, device: Device, door: Door, ends: float) -> int:
    """Again and again until all is delivered or the time is over, each time a while later (and a little at random, so that not all
    stations come back at once)."""
    pause, status = FIRST_SECONDS, 0
    while True:
        try:
            deliveries = device.send(door)
        except (BadInput, Waiting) as problem:
            if time.monotonic() + pause > ends or not (isinstance(problem, Waiting) or problem.code in ON_THE_WAY):
                raise
            app.say(f"{problem.code}: dicoba lagi.", f"{problem.code}: trying again.")
        else:
            done = [delivery for delivery in deliveries if delivery.outcome != "waiting"]
            status = max(status, show_deliveries(app, done))
            waiting = [delivery for delivery in deliveries if delivery.outcome == "waiting"]
            if not waiting:
                break
            if time.monotonic() + pause > ends:
                show_deliveries(app, waiting)
                return max(status, WAITING)
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret
        pause = min(2 * pause, MOST_SECONDS)
    if not app.json and not device.outbox():
        line(text("Semua terkirim.", "All is delivered."))
    return status
