"""``rekey``: the log's or the sealer's key is lost or stolen; two root keys name another, which this folder holds from then on.

The new key is on the disk before anybody signs for it.  Where the log's key is lost, nothing can be appended until the approval is
in, so both acts are sent together: both root devices are then at this machine (--second).  What an earlier run signed and did not
send goes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import UNSET

from ledger.cli.app import App, clock
from ledger.cli.choosing import basis_option, reason_option
from ledger.cli.language import text
from ledger.cli.output import emit, line
from ledger.cli.program import command, option
from ledger.cli.signing import (
    Foretold,
    Signing,
    append,
    confirm,
    foretold,
    meet,
    passphrase_from,
    show_deliveries,
    show_dry_run,
    signing_options,
    unlock,
    warn_of_void,
)
from ledger.cli.tables import checked
from ledger.errors import BadInput, Broken, Refused, Usage, Waiting
from ledger.proof.note import NoteSigner
from ledger.tally.events import Approved, LogRekeyed, Root
from ledger.tally.signing import SigningKey, key_id, open_submission, sealer_digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from ledger.device.folder import AppendedLike, Device
    from ledger.node import Node

__all__ = ["rekey"]

ROOT: Final = "root-1"


class _NewKeys(NamedTuple):
    """Private keys that nobody uses yet."""

    log: Ed25519PrivateKey | None
    sealer: SigningKey | None


@command(
    examples=(
        "ledger rekey --log --reason key-stolen --device root-1",
        "ledger rekey --log --sealer --reason server-lost --second devices/root-2",
    )
)
@option("--log", is_flag=True, ind="Kunci log yang baru", eng="A new key of the log")
@option("--sealer", is_flag=True, ind="Kunci penyegel yang baru", eng="A new key of the sealer")
@reason_option
@basis_option
@option(
    "--second",
    metavar="DIR",
    ind="Perangkat kunci akar kedua, yang menyetujui sekarang juga",
    eng="The second root key's device, which approves at once",
)
@option(
    "--second-passphrase-file",
    metavar="FILE",
    ind="Frasa sandi perangkat kedua (semula: yang sama)",
    eng="The second device's passphrase (default: the same)",
)
@signing_options
def rekey(
    app: App,
    signing: Signing,
    log: bool,
    sealer: bool,
    reason: str,
    basis: str | None,
    second: str | None,
    second_passphrase_file: str | None,
) -> int:
    """Makes a new key of the log or of the sealer and has two root keys put it in the place of one that is lost or stolen."""
    if not (log or sealer):
        raise Usage("rekey-nothing", "neither a key of the log nor one of the sealer", option="--log")
    node, device = app.node, app.device(ROOT)
    if node.read_only:
        raise Broken("ledger-read-only", "this ledger was restored without the log's key", path=str(node.folder))
    approver = None if second is None else _second(app, signing, device, second, second_passphrase_file)
    if approver is None and node.signers.of_log(node.key.vkey) is None:
        raise Usage("second-needed", "without the log's key, proposal and approval come together", option="--second")
    keys, data = _proposed(node, log=log, sealer=sealer, reason=reason, basis=basis)
    told = _words(node, data)
    app.say(told, told)
    question = ("Ganti kunci itu?", "Replace that key?")

    def keep(_folder: Path) -> None:
        if keys.log is not None:
            node.signers.keep_log_key(keys.log)
        if keys.sealer is not None:
            node.signers.keep_sealer(keys.sealer)

    if approver is None:
        return append(app, signing, device, [data], ask=question, keep=keep)
    meet(device, node)
    unlock(app, device, signing)
    if not signing.dry_run and _unsent(device, approver):
        app.say("Mengirim yang ditandatangani dahulu dan belum terkirim.", "Sending what was signed before and not sent.")
        return _send_together(app, device, approver)
    void = foretold(app, device, data).void
    warn_of_void(app, void)
    if signing.dry_run:
        return show_dry_run(app, [data], Foretold(void, pending=True))
    confirm(app, signing, question)
    keep(node.folder)
    device.sign(data, claimed_at=clock())
    return _send_together(app, device, approver)


def _second(app: App, signing: Signing, first: Device, folder: str, passphrase_file: str | None) -> Device:
    """The other root key's device, met and unlocked."""
    if signing.passphrase_fd is not None and passphrase_file is None:  # a descriptor is read once
        raise Usage("passphrase-needed", "the second device needs its own", option="--second-passphrase-file")
    device = app.device_at(Path(folder))
    if device.state.point == first.state.point:
        raise Usage("second-needed", "the second device is the first", option="--second")
    meet(device, app.node)
    file = signing.passphrase_file if passphrase_file is None else passphrase_file
    label = text(f"perangkat {device.folder}", f"device {device.folder}")
    device.unlock(passphrase_from(app, file=file, descriptor=None, new=False, label=label))
    return device


def _proposed(node: Node, *, log: bool, sealer: bool, reason: str, basis: str | None) -> tuple[_NewKeys, LogRekeyed]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    ledger = node.ledger_id()
    if ledger is None:
        raise BadInput("election-not-open", "the ledger has no entry yet", path=str(node.folder))
    keys = _NewKeys(Ed25519PrivateKey.generate() if log else None, SigningKey.generate() if sealer else None)
    data = LogRekeyed(
        reason=reason,
        basis=UNSET if basis is None else basis,
        log_key=UNSET if keys.log is None else NoteSigner(node.key.name, keys.log).vkey,
        sealer=UNSET if keys.sealer is None else _possession(keys.sealer, ledger),
    )
    return keys, checked(data)  # type: ignore[return-value]


def _possession(key: SigningKey, ledger: bytes) -> Root:
    return Root(key.point, key.sign(sealer_digest(ledger, key.point)))


def _words(node: Node, data: LogRekeyed) -> str:
    """The keys, as the second root key's holder compares them."""
    parts = [] if data.log_key is UNSET else [text(f"Kunci log:  {node.key.vkey}", f"Log key:    {node.key.vkey}")]
    parts += [] if data.log_key is UNSET else [text(f"diganti:    {data.log_key}", f"replaced by {data.log_key}")]
    sealer = "" if data.sealer is UNSET else key_id(data.sealer.point).hex()
    parts += [text(f"Penyegel:   {sealer}", f"New sealer: {sealer}")] if sealer else []
    return "\n".join(parts)


# --- both at once ----------------------------------------------------------------------------------------------------------------


class _Together:
    """The ledger's door, through which a root's rekeyings go with the other root's approvals, in one batch."""

    def __init__(self, node: Node, approver: Device) -> None:
        self._node = node
        self._approver = approver
        self.receipt = node.receipt
        self.consistency = node.consistency
        self.key_chain = node.key_chain

    def submit(self, submissions: Sequence[bytes], /) -> Sequence[AppendedLike | Refused | Waiting]:
        """Of the first root's events; those of the other go along, and their answers come when its outbox is sent."""
        approved = [event.data.event for event in self._approver.outbox() if isinstance(event.data, Approved)]
        for submission in submissions:
            event = open_submission(submission)
            if isinstance(event.data, LogRekeyed) and event.event_id not in approved:
                self._approver.sign(Approved(event=event.event_id), claimed_at=clock())
        answers = self._node.submit([*submissions, *self._approver.unsent()])
        return answers[: len(submissions)]


def _unsent(device: Device, approver: Device) -> bool:
    return bool(device.outbox() or approver.outbox())


def _send_together(app: App, device: Device, approver: Device) -> int:
    node = app.node
    status = show_deliveries(app, device.send(_Together(node, approver)))
    status = max(status, show_deliveries(app, approver.send(node)))
    keys = node.log_keys()
    if app.json:
        emit({"log_key": keys[-1].vkey, "from_size": keys[-1].size})
        return status
    line(
        text(
            f"Kunci log sejak {keys[-1].size} entri: {keys[-1].vkey}",
            f"The log's key from {keys[-1].size} entries on: {keys[-1].vkey}",
        )
    )
    app.say(
        "Lanjut: umumkan kunci itu, beri tahu peneguh log (ledger witness add-log), lalu ledger publish",
        "Next: announce that key, tell the witnesses (ledger witness add-log), then ledger publish",
    )
    return status
