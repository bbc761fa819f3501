"""``rekey``: the log's or the sealer's key is lost or stolen; two root keys name another, which this folder holds from then on.

The new key is on the disk before anybody signs for it.  Where the log's key is lost, nothing can be appended before the approval is
in: so both acts, and whatever else waits in the outboxes of both devices, are sent as one batch, and the new key signs its head
(--second).  A run that broke off is taken up by the next: what was proposed and not sent is proposed again where its key is here.
The second root key approves what its holder was shown, and nothing else.
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
    REFUSED,
    Foretold,
    Signing,
    append,
    confirm,
    meet,
    passphrase_from,
    show_deliveries,
    show_dry_run,
    signing_options,
    unlock,
    warn_of_void,
)
from ledger.cli.tables import checked
from ledger.errors import BadInput, LedgerError, Refused, Usage, Waiting
from ledger.proof.note import NoteSigner
from ledger.tally.acts.rekeying import SEALER_SEAT
from ledger.tally.events import Approved, LogRekeyed, Root, type_of
from ledger.tally.signing import SigningKey, key_id, sealer_digest
from ledger.tally.state import KEYS, SEATS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from ledger.device.folder import AppendedLike, Device
    from ledger.node import Node

__all__ = ["rekey"]

ROOT: Final = "root-1"


QUESTION: Final = ("Ganti kunci itu?", "Replace that key?")
REFUSALS_MAX: Final = 1_000


class _Asked(NamedTuple):
    """What is to be replaced, and why."""

    log: bool
    sealer: bool
    reason: str
    basis: str | None


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
    if node.read_only or not log:
        node.signer  # noqa: B018  without it nothing can be appended: told before anything is signed
    approver = None if second is None else _second(app, signing, device, second, second_passphrase_file)
    if approver is None and node.signers.of_log(node.key.vkey) is None:
        raise Usage("second-needed", "without the log's key, proposal and approval come together", option="--second")
    if approver is not None:
        return _both(app, signing, device, approver, _Asked(log, sealer, reason, basis))
    keys, data = _new(node, _Asked(log, sealer, reason, basis))
    app.say(_words(node, data), _words(node, data))
    return append(app, signing, device, [data], ask=QUESTION, keep=lambda _: _keep(node, keys))


def _second(app: App, signing: Signing, first: Device, folder: str, passphrase_file: str | None) -> Device:
    """The other root key's device, met and unlocked."""
    if signing.passphrase_fd is not None and passphrase_file is None:  # a descriptor is read once
        raise Usage("passphrase-needed", "the second device needs its own", option="--second-passphrase-file")
    device = app.device_at(Path(folder))
    if device.state.point == first.state.point:
        raise Usage("second-needed", "the second device is the first", option="--second")
    meet(device, app.node)
    with app.node.snapshot() as snapshot:
        key = snapshot.state.get(KEYS, device.state.point)
    if key is None or key.role != "root":
        raise Usage("second-needed", "the second device holds no root key", option="--second")
    file = signing.passphrase_file if passphrase_file is None else passphrase_file
    label = text(f"perangkat {device.folder}", f"device {device.folder}")
    device.unlock(passphrase_from(app, file=file, descriptor=None, new=False, label=label))
    return device


def _new(node: Node, asked: _Asked) -> tuple[_NewKeys, LogRekeyed]:
    """Keys that nobody has seen, and the act that names them."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    ledger = node.ledger_id()
    if ledger is None:
        raise BadInput("election-not-open", "the ledger has no entry yet", path=str(node.folder))
    keys = _NewKeys(Ed25519PrivateKey.generate() if asked.log else None, SigningKey.generate() if asked.sealer else None)
    data = LogRekeyed(
        reason=asked.reason,
        basis=UNSET if asked.basis is None else asked.basis,
        log_key=UNSET if keys.log is None else NoteSigner(node.key.name, keys.log).vkey,
        sealer=UNSET if keys.sealer is None else _possession(keys.sealer, ledger),
    )
    return keys, checked(data)  # type: ignore[return-value]


def _keep(node: Node, keys: _NewKeys) -> None:
    if keys.log is not None:
        node.signers.keep_log_key(keys.log)
    if keys.sealer is not None:
        node.signers.keep_sealer(keys.sealer)


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


def _both(app: App, signing: Signing, device: Device, approver: Device, asked: _Asked) -> int:
    """1 what the log would refuse is set aside, 2 the proposal: one that waits here with its key, or a new one, 3 both holders see
    it and all that goes along, 4 the key on the disk, the proposal signed, 5 the approval, and all is sent at once, 6 in force?"""
    node = app.node
    meet(device, node)
    unlock(app, device, signing)
    if not signing.dry_run:
        _set_refused_aside(app, device, approver)  # 1
    waiting = next((event for event in device.outbox() if _does(node, event.data, asked)), None)  # 2
    keys, data = _NewKeys(None, None), waiting.data if waiting is not None else None
    if not isinstance(data, LogRekeyed):
        keys, data = _new(node, asked)
        _foretell(app, device, data)
    for each in (device, approver):  # 3
        for event in each.outbox():
            if event.data != data:
                app.say(f"Ikut terkirim dari {each.folder}: {type_of(event.data)}, posisi {event.position}",
                        f"Sent along from {each.folder}: {type_of(event.data)}, position {event.position}")  # fmt: skip
    app.say(_words(node, data), _words(node, data))
    if signing.dry_run:
        return show_dry_run(app, [data], Foretold("", pending=True))
    confirm(app, signing, QUESTION)
    if waiting is None:
        _keep(node, keys)  # 4
        wanted = device.sign(data, claimed_at=clock()).event_id
    else:
        wanted = waiting.event_id
    return _send(app, device, approver, wanted, data)  # 5, 6


def _does(node: Node, data: object, asked: _Asked) -> bool:
    """Whether an act in the outbox does what is asked, with keys that this folder holds."""
    if not isinstance(data, LogRekeyed) or (data.log_key is not UNSET, data.sealer is not UNSET) != (asked.log, asked.sealer):
        return False
    log = data.log_key is UNSET or node.signers.of_log(data.log_key) is not None
    return log and (data.sealer is UNSET or node.signers.sealer(data.sealer.point) is not None)


def _set_refused_aside(app: App, *devices: Device) -> None:
    """What the log would refuse is refused without a signature of the log; what comes after it is signed again."""
    for _ in range(REFUSALS_MAX):
        waiting = [(device, event) for device in devices for event in device.outbox()]
        answers = app.node.foretell([submission for device in devices for submission in device.unsent()])
        refused = [(*each, answer) for each, answer in zip(waiting, answers, strict=False) if isinstance(answer, Refused)]
        if not refused:
            return
        device, event, answer = refused[0]
        device.set_aside(event, answer)
        place = device.folder / "outbox" / "refused"
        app.say(f"Peristiwa di posisi {event.position} ditolak ({answer.code}) dan disisihkan di {place}.",
                f"The event at position {event.position} was refused ({answer.code}) and set aside in {place}.")  # fmt: skip


def _foretell(app: App, device: Device, data: LogRekeyed) -> None:
    """Raises what the proposal would meet, after what waits before it; nothing is signed then."""
    draft = device.draft(data, claimed_at=clock())
    answer = app.node.foretell([*device.unsent(), draft.submission])[-1]
    if isinstance(answer, LedgerError):
        raise answer
    warn_of_void(app, answer.void)


class _Together:
    """The ledger's door, through which the proposal goes with the other root's approval, and all that waits, in one batch."""

    def __init__(self, node: Node, approver: Device, wanted: bytes) -> None:
        self._node = node
        self._approver = approver
        self._wanted = wanted
        self.receipt = node.receipt
        self.consistency = node.consistency
        self.key_chain = node.key_chain

    def submit(self, submissions: Sequence[bytes], /) -> Sequence[AppendedLike | Refused | Waiting]:
        """Of the first root's events; those of the other go along, and their answers come when its outbox is sent."""
        approved = any(isinstance(event.data, Approved) and event.data.event == self._wanted for event in self._approver.outbox())
        if not approved:
            self._approver.sign(Approved(event=self._wanted), claimed_at=clock())
        answers = self._node.submit([*submissions, *self._approver.unsent()])
        return answers[: len(submissions)]


def _send(app: App, device: Device, approver: Device, wanted: bytes, data: LogRekeyed) -> int:
    node = app.node
    deliveries = [*device.send(_Together(node, approver, wanted)), *approver.send(node)]  # both, whatever became of the first
    status = show_deliveries(app, deliveries)
    key = node.log_keys()[-1]
    with node.snapshot() as snapshot:
        sealer = snapshot.state.get(SEATS, SEALER_SEAT)
    done = data.log_key in (UNSET, key.vkey) and (data.sealer is UNSET or data.sealer.point == sealer)
    if app.json:
        emit({"replaced": done, "log_key": key.vkey, "from_size": key.size})
        return status if done else max(status, REFUSED)
    line(text(f"Kunci log sejak {key.size} entri: {key.vkey}", f"The log's key from {key.size} entries on: {key.vkey}"))
    if not done:
        line(text("TIDAK DIGANTI: lihat jawaban di atas.", "NOT REPLACED: see the answers above."))
        return max(status, REFUSED)
    app.say(
        "Lanjut: umumkan kunci itu, beri tahu peneguh log (ledger witness add-log), lalu ledger publish",
        "Next: announce that key, tell the witnesses (ledger witness add-log), then ledger publish",
    )
    return status
