"""``rotate``: a seat passes to a new key, by the signature of the old one.

The new device is made first: a device whose key no ledger knows harms nobody, an enrolled key that was lost would cost the seat.
"""

from __future__ import annotations

from pathlib import Path

from ledger.cli.app import App
from ledger.cli.choosing import acting_key, reason_option
from ledger.cli.language import text
from ledger.cli.opening import make_device
from ledger.cli.program import argument, command, option
from ledger.cli.signing import Signing, append, passphrase_from, signing_options
from ledger.cli.tables import checked
from ledger.errors import BadInput, Usage
from ledger.tally.events import KeyRotated
from ledger.tally.signing import SigningKey, key_id, rotation_digest

__all__ = ["rotate"]


@command(
    examples=(
        "ledger rotate perangkat-baru --reason ponsel-diganti --device perangkat",
        "ledger rotate ppk-baru --reason pergantian-jabatan --new-passphrase-file sandi-baru.txt --device ppk",
    )
)
@argument("folder", metavar="DIR")
@reason_option
@option(
    "--new-passphrase-file",
    metavar="FILE",
    ind="Frasa sandi perangkat baru (semula: yang lama)",
    eng="The new device's passphrase (default: the old one's)",
)
@signing_options
def rotate(app: App, signing: Signing, folder: str, reason: str, new_passphrase_file: str | None) -> int:
    """Makes a device with a new key and passes this device's seat to it; the old key acts no more."""
    place = Path(folder)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise BadInput("folder-not-empty", "a device is made in a new or empty folder", path=folder)
    if signing.passphrase_fd is not None and new_passphrase_file is None:  # a descriptor is read once
        raise Usage("passphrase-needed", "the new device needs its own", option="--new-passphrase-file")
    device = app.device()
    ledger = app.node.ledger_id()
    if ledger is None:
        raise BadInput("election-not-open", "the ledger has no entry yet", path=str(app.folder))
    with app.node.snapshot() as snapshot:
        seat = acting_key(snapshot.state, device).seat
    key = SigningKey.generate()
    proof = key.sign(rotation_digest(ledger, old=device.state.point, new=key.point, seat=seat))
    data = checked(KeyRotated(point=key.point, seat=seat, proof=proof, reason=reason))

    def make(_ledger: Path) -> None:
        file, descriptor = signing.passphrase_file, signing.passphrase_fd
        if new_passphrase_file is not None:
            file, descriptor = new_passphrase_file, None
        label = text(f"perangkat baru {folder}", f"the new device {folder}")
        passphrase = passphrase_from(app, file=file, descriptor=descriptor, new=True, label=label)
        with make_device(place, key, passphrase) as made:
            made.adopt(ledger, origin=app.node.key.name, vkey=app.node.key.vkey)
        app.say(f"Perangkat baru: {place}", f"New device: {place}")

    short = key_id(key.point).hex()[:16]
    question = (
        f"Serahkan kursi {seat} kepada kunci baru {short}? Kunci lama tidak berlaku lagi.",
        f"Pass seat {seat} to the new key {short}? The old key will act no more.",
    )
    return append(app, signing, device, [data], ask=question, keep=make)
