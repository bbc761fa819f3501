"""How ``init`` opens a ledger: its folder, the offices' devices, entry 0, and the administrator enrolled.

The offices' keys are made here, on one machine, and belong on five: the verb says so at its end.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.cli.app import DEVICES, App, clock
from ledger.cli.language import text
from ledger.cli.output import emit, heading, line
from ledger.errors import BadInput, LedgerError, Usage

if TYPE_CHECKING:
    from ledger.device.folder import Device
    from ledger.device.stream import EventStream
    from ledger.node import Node
    from ledger.scenario.founding import Founding
    from ledger.tally.signing import SigningKey

__all__ = ["DEFAULT_LEVELS", "DEFAULT_ZONE", "KINDS", "Opened", "deliver", "make_device", "open_ledger", "show_opened"]

DEFAULT_LEVELS: Final = "province:2,city:4,district:6,village:10,station:13"
DEFAULT_ZONE: Final = "Asia/Jakarta"
KINDS: Final = ("official", "rehearsal", "synthetic")


class Opened:
    """A ledger that was just made, with its offices' devices open and unlocked."""

    def __init__(self, node: Node, founding: Founding, devices: dict[str, Device]) -> None:
        self.node = node
        self.founding = founding
        self.devices = devices

    def close(self) -> None:
        """Gives devices and ledger back."""
        for device in self.devices.values():
            device.close()
        self.node.close()


def open_ledger(
    folder: Path, *, name: str, kind: str, day: str, zones: tuple[str, ...], levels: str, origin: str, passphrase: bytes
) -> Opened:
    """1 keys from fresh randomness that is kept nowhere else, 2 the folder, 3 the devices, 4 entry 0, 5 the administrator."""
    from ledger.device.keyfile import check_passphrase
    from ledger.node import Node
    from ledger.scenario.founding import found
    from ledger.tally.events import KeysEnrolled
    from ledger.tally.fold import decide
    from ledger.tally.memory import Memory
    from ledger.tally.signing import open_submission
    from ledger.tally.state import At

    check_passphrase(passphrase)
    founding = found(  # 1
        os.urandom(32),
        name=name,
        kind=kind,  # type: ignore[arg-type]  # one of KINDS, as click checked; the schema checks it again below
        day=day,
        zones=zones,
        levels=parse_levels(levels),
        origin=origin,
        opened_at=clock(),
    )
    answer = decide(Memory(), open_submission(founding.opening.submission), At(0, clock()))
    if isinstance(answer, LedgerError):
        raise answer  # an election that cannot be opened leaves no folder behind
    node = Node.create(folder, origin=origin, log_key=founding.log_key, clock=clock)  # 2
    made = Opened(node, founding, {})
    for seat, stream in offices(founding).items():  # 3
        device = make_device(folder / DEVICES / seat, stream.key, passphrase)
        made.devices[seat] = device
        device.adopt(b"" if seat == "root-1" else founding.ledger, origin=origin, vkey=node.signer.vkey)
    made.devices["root-1"].take(founding.opening)  # 4
    deliver(made.devices["root-1"], node)
    made.devices["commission"].sign(KeysEnrolled((founding.administrator_row,)), claimed_at=clock())  # 5
    deliver(made.devices["commission"], node)
    return made


def offices(founding: Founding) -> dict[str, EventStream]:
    """The devices of the offices by seat."""
    from ledger.device.stream import EventStream
    from ledger.scenario.founding import office_key

    return {
        "root-1": founding.root,
        "root-2": EventStream(office_key(founding.seed, "root/2"), ledger=founding.ledger),
        "commission": founding.registrar,
        "administrator": founding.administrator,
        "sealer": EventStream(office_key(founding.seed, "sealer"), ledger=founding.ledger),
    }


def make_device(folder: Path, key: SigningKey, passphrase: bytes) -> Device:
    """A new device folder with this key, open and unlocked."""
    from ledger.device.folder import Device
    from ledger.files import Files

    return Device.create(folder, key=key, passphrase=passphrase, files=Files())


def deliver(device: Device, node: Node) -> None:
    """Sends, and raises whatever kept an event from taking effect."""
    for delivery in device.send(node):
        if delivery.error is not None:
            raise delivery.error
        if delivery.code:
            raise BadInput("event-void", "an event of the founding took no effect", code=delivery.code)
    if device.outbox():
        raise BadInput("outbox-waiting", "an event of the founding still waits", path=str(device.folder))


def parse_levels(said: str) -> tuple[Level, ...]:
    """``province:2,city:4`` as levels.  Raises ``Usage`` ``levels-invalid``."""
    from ledger.tally.events import Level

    try:
        pairs = [part.strip().split(":") for part in said.split(",")]
        return tuple(Level(code, int(digits)) for code, digits in pairs)
    except ValueError:
        raise Usage("levels-invalid", "levels are NAME:DIGITS, joined by commas", option="--levels", found=said) from None


if TYPE_CHECKING:
    from ledger.tally.events import Level


def show_opened(app: App, place: Path, made: Opened, *, official: bool) -> None:
    """The ledger id, and for an election that is more than an example what must be done with the keys."""
    opened = made.founding.opened
    if app.json:
        emit(
            {
                "ledger_id": made.founding.ledger.hex(),
                "folder": str(place),
                "kind": opened.kind,
                "origin": opened.origin,
                "vkey": opened.log_key,
                "devices": [str(place / DEVICES / seat) for seat in made.devices],
            }
        )
        return
    heading(opened.kind)
    line(text(f"Ledger dibuat di {place}.", f"The ledger is in {place}."))
    line(f"ledger id: {made.founding.ledger.hex()}")
    if not official:
        return
    app.say(
        "Umumkan ledger id itu di lembaran resmi dan formulir cetak: dengan itu siapa pun memeriksa bahwa log ini yang asli.\n"
        f"Pindahkan {place / DEVICES / 'root-1'} dan root-2 ke komputer lain yang terpisah, lalu hapus dari sini.\n"
        "Lanjut: ledger form add, contest add, area add, enrol",
        "Gazette that ledger id and print it on the forms: by it anyone checks that this log is the true one.\n"
        f"Move {place / DEVICES / 'root-1'} and root-2 to other machines, and remove them from this one.\n"
        "Next: ledger form add, contest add, area add, enrol",
    )
