"""How ``init`` opens a ledger: its folder, the offices' devices, entry 0, and the administrators enrolled.

A governed election (the default of ``init``) has registrars of two seats for each body, a second administrator, and the sealer's
key in the ledger's folder.  A simple one has one registrar, no second seats, and makes no seals.

The offices' keys are made here, on one machine, and belong on as many: the verb says so at its end.
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
    from ledger.scenario.founding import Founding, Rules
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
    folder: Path,
    *,
    name: str,
    kind: str,
    day: str,
    zones: tuple[str, ...],
    levels: str,
    origin: str,
    passphrase: bytes,
    rules: Rules | None = None,
    witnesses: tuple[str, ...] = (),
    quorum: int = 0,
) -> Opened:
    """1 keys from fresh randomness that is kept nowhere else, 2 the folder, 3 the devices, 4 entry 0, 5 the administrators.

    ``rules``: what entry 0 says of authority; None for a simple election.  ``witnesses``, ``quorum``: the log witnesses' verifier
    keys that entry 0 names, and how many of them a verifier asks for.
    """
    from ledger.device.keyfile import check_passphrase
    from ledger.node import Node
    from ledger.scenario.founding import UNGOVERNED, found
    from ledger.tally.events import Approved, KeysEnrolled
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
        rules=rules or UNGOVERNED,
        witnesses=witnesses,
        quorum=quorum,
    )
    answer = decide(Memory(), open_submission(founding.opening.submission), At(0, clock()))
    if isinstance(answer, LedgerError):
        raise answer  # an election that cannot be opened leaves no folder behind
    sealer = None if rules is None else founding.sealer
    node = Node.create(folder, origin=origin, log_key=founding.log_key, clock=clock, sealer=sealer)  # 2
    made = Opened(node, founding, {})
    for seat, stream in offices(founding, sealing=sealer is not None).items():  # 3
        device = make_device(folder / DEVICES / seat, stream.key, passphrase)
        made.devices[seat] = device
        device.adopt(b"" if seat == "root-1" else founding.ledger, origin=origin, vkey=node.key.vkey)
    made.devices["root-1"].take(founding.opening)  # 4
    deliver(made.devices["root-1"], node)
    first, *others = founding.registrars  # 5
    enrolled = made.devices[first].sign(KeysEnrolled(founding.administrator_rows), claimed_at=clock())
    deliver(made.devices[first], node)
    if "keys.enrolled" in founding.opened.second_seats:
        made.devices[others[0]].sign(Approved(event=enrolled.event_id), claimed_at=clock())
        deliver(made.devices[others[0]], node)
    return made


def offices(founding: Founding, *, sealing: bool) -> dict[str, EventStream]:
    """The devices of the offices by seat.  ``sealing``: the sealer's key is in the ledger's folder, where the log signs with it."""
    from ledger.device.stream import EventStream
    from ledger.scenario.founding import office_key

    made = {
        "root-1": founding.root,
        "root-2": EventStream(office_key(founding.seed, "root/2"), ledger=founding.ledger),
        **founding.registrars,
        "administrator": founding.administrator,
    }
    if len(founding.administrator_rows) > 1:
        made["administrator-2"] = founding.stream("administrator", "", "admin-2")
    if not sealing:
        made["sealer"] = EventStream(founding.sealer, ledger=founding.ledger)
    return made


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
        f"{_second(made)[0]}"
        "Lanjut: ledger form add, contest add, area add, enrol",
        "Gazette that ledger id and print it on the forms: by it anyone checks that this log is the true one.\n"
        f"Move {place / DEVICES / 'root-1'} and root-2 to other machines, and remove them from this one.\n"
        f"{_second(made)[1]}"
        "Next: ledger form add, contest add, area add, enrol",
    )


def _second(made: Opened) -> tuple[str, str]:
    """Where acts wait for second seats: that each device belongs to another person."""
    if not made.founding.opened.second_seats:
        return "", ""
    bodies = ", ".join(made.founding.registrars)
    return (
        f"Tiap kantor pendaftar punya dua kursi ({bodies}): serahkan kepada orang yang berbeda; yang satu mengajukan, "
        "yang lain menyetujui (ledger approve).\n",
        f"Each registrar has two seats ({bodies}): give them to different people; one proposes, the other approves "
        "(ledger approve).\n",
    )
