"""What every appending verb does: unlock the device, ask what would become of the event, sign, send, show the receipt."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger.cli.app import App, clock
from ledger.cli.language import messages, text
from ledger.cli.output import emit, line
from ledger.cli.program import option
from ledger.errors import BadInput, LedgerError, Refused, Usage, Waiting

if TYPE_CHECKING:
    from ledger.device.folder import Delivery, Device
    from ledger.node import Node
    from ledger.tally.events import EventData

__all__ = [
    "EVENT_SHOWN_DIGITS",
    "PASSPHRASE_LIMIT_BYTES",
    "REFUSED",
    "WAITING",
    "Foretold",
    "Signing",
    "append",
    "confirm",
    "meet",
    "passphrase_from",
    "passphrase_options",
    "show_deliveries",
    "show_dry_run",
    "signing_options",
    "unlock",
    "warn_of_void",
]

PASSPHRASE_LIMIT_BYTES: Final = 1_024
REFUSED: Final = 3
WAITING: Final = 4
EVENT_SHOWN_DIGITS: Final = 16
"""So many hex digits of an event's id are shown; they name it."""


class Foretold(NamedTuple):
    """What an event would get now: a void code or '', and whether it would wait for a second seat."""

    void: str
    pending: bool


class Signing(NamedTuple):
    """How an appending verb was asked to go about it."""

    passphrase_file: str | None
    passphrase_fd: int | None
    yes: bool
    dry_run: bool
    queue: bool = False


def passphrase_options(function: Any) -> Any:
    """--passphrase-file and --passphrase-fd: never the passphrase itself."""
    file = option("--passphrase-file", metavar="FILE", ind="Berkas berisi frasa sandi", eng="A file that holds the passphrase")
    descriptor = option(
        "--passphrase-fd",
        type=int,
        metavar="N",
        ind="Deskriptor berkas frasa sandi",
        eng="A descriptor to read the passphrase from",
    )
    return file(descriptor(function))


def signing_options(function: Callable[..., int | None]) -> Any:
    """The options of every verb that appends; it is given a ``Signing`` after the app."""

    def called(
        app: App,
        *args: Any,
        passphrase_file: str | None,
        passphrase_fd: int | None,
        yes: bool,
        dry_run: bool,
        queue: bool,
        **kwargs: Any,
    ) -> int | None:
        if queue:
            app.assume_outbox()
        return function(app, Signing(passphrase_file, passphrase_fd, yes, dry_run, queue), *args, **kwargs)

    called.__name__ = function.__name__
    called.__doc__ = function.__doc__
    called.__dict__.update(function.__dict__)  # options that stand below this decorator
    decorated = option("--dry-run", is_flag=True, ind="Hanya memeriksa; tidak ada yang dicatat", eng="Only check; append nothing")(
        called
    )
    decorated = option(
        "--queue",
        is_flag=True,
        ind="Tanda tangani ke outbox saja; kirim nanti: ledger send",
        eng="Only sign into the outbox; deliver later: ledger send",
    )(decorated)
    decorated = option("--yes", "-y", is_flag=True, ind="Tanpa bertanya", eng="Do not ask")(decorated)
    return passphrase_options(decorated)


def passphrase_from(app: App, *, file: str | None, descriptor: int | None, new: bool, label: str) -> bytes:
    """The passphrase, from a descriptor, a file or a prompt; the last line feed does not belong to it."""
    if descriptor is not None:
        try:
            with os.fdopen(os.dup(descriptor), "rb") as stream:
                data = stream.read(PASSPHRASE_LIMIT_BYTES + 1)
        except OSError as problem:
            raise Usage("passphrase-unreadable", str(problem.strerror), option=f"--passphrase-fd {descriptor}") from None
    elif file is not None:
        from ledger.files import Files

        data = Files().read(Path(file), PASSPHRASE_LIMIT_BYTES)
    elif app.asks:
        return _prompted(label, new=new)
    else:
        raise Usage("passphrase-needed", "nobody is there to ask", option="--passphrase-file")
    if len(data) > PASSPHRASE_LIMIT_BYTES:
        raise BadInput("file-too-large", "a passphrase has at most 1,024 bytes", path=file or f"fd {descriptor}")
    return data.removesuffix(b"\n").removesuffix(b"\r")


def _prompted(label: str, *, new: bool) -> bytes:
    from getpass import getpass

    first = getpass(text(f"Frasa sandi {label}: ", f"Passphrase of {label}: "))
    if new and getpass(text("Sekali lagi: ", "Once more: ")) != first:
        raise Usage("passphrase-differs", "the two passphrases differ")
    return first.encode()


# --- appending --------------------------------------------------------------------------------------------------------------


def append(
    app: App,
    signing: Signing,
    device: Device,
    events: Sequence[EventData],
    *,
    ask: tuple[str, str] | None,
    keep: Callable[[Path], None] | None = None,
    independent: bool = False,
) -> int:
    """Signs and sends ``events`` and shows what became of them; the exit status.

    1 adopt the ledger, 2 unlock, 3 send what still waits, 4 ask what would become of the first (of each, where they are
    ``independent`` of one another), 5 ask the person, 6 keep what lies beside the log (``keep``), 7 sign, 8 send.  With --dry-run
    it ends after 4.  With --queue the ledger here is a copy to look things up in, shown as if all that the device has signed had
    been appended: nothing is sent.
    """
    node = app.node
    if not (signing.dry_run or signing.queue):
        node.signer  # noqa: B018  a log that cannot sign takes nothing: told before the device signs
    meet(device, node, copy=signing.queue)  # 1
    unlock(app, device, signing)  # 2
    if not (signing.dry_run or signing.queue) and device.outbox():  # 3
        app.say("Mengirim yang masih menunggu di outbox.", "Sending what still waits in the outbox.")
        _send_waiting(app, device)
    told = [_foretold(app, device, data) for data in (events if independent else events[:1])]  # 4
    void = next((each.void for each in told if each.void), "")
    pending = any(each.pending for each in told)
    warn_of_void(app, void)
    if pending:
        app.say("Tindakan ini baru berlaku setelah disetujui kursi kedua (dalam 24 jam).",
                "This act takes effect only once a second seat has approved it (within 24 hours).")  # fmt: skip
    if signing.dry_run:
        return show_dry_run(app, events, Foretold(void, pending))
    if signing.queue:
        return _queue(app, signing, device, events, ask=ask, keep=keep)
    if ask is not None:
        confirm(app, signing, ask)  # 5
    if keep is not None:
        keep(app.folder)  # 6
    for data in events:  # 7
        device.sign(data, claimed_at=clock())
    return show_deliveries(app, device.send(node))  # 8


def _queue(
    app: App,
    signing: Signing,
    device: Device,
    events: Sequence[EventData],
    *,
    ask: tuple[str, str] | None,
    keep: Callable[[Path], None] | None,
) -> int:
    """Signs into the outbox, durably, and sends nothing."""
    if ask is not None:
        confirm(app, signing, ask)
    if keep is not None:
        keep(app.folder)
    for data in events:
        signed = device.sign(data, claimed_at=clock())
        position = device.state.position - 1
        if app.json:
            emit({"event": signed.event_id.hex(), "outcome": "queued", "position": position})
        else:
            line(
                text(
                    f"Ditandatangani; menunggu di outbox, posisi {position}.",
                    f"Signed; it waits in the outbox, position {position}.",
                )
            )
    app.say("Lanjut: ledger send --node ALAMAT", "Next: ledger send --node ADDRESS")
    return 0


def meet(device: Device, node: Node, *, copy: bool = False) -> None:
    """The device adopts the ledger, or follows it where it was rekeyed; its stream there is a prefix of its own.  A ``copy`` of a
    ledger may be older than what the device has delivered."""
    ledger, state = node.ledger_id(), device.state
    if ledger is None:
        raise BadInput("election-not-open", "the ledger has no entry yet", path=str(node.folder))
    if state.ledger == ledger and state.log_keys and state.log_keys[-1].vkey != node.key.vkey:
        device.follow(node.key_chain())
    device.adopt(ledger, origin=node.key.name, vkey=node.key.vkey)
    stream = node.stream(state.point)
    if not (copy and stream.position < state.position):
        device.check_position(stream.position, stream.previous)


def _send_waiting(app: App, device: Device) -> None:
    """What an earlier run signed and could not send.  A refused event was set aside and its position is free again."""
    for delivery in device.send(app.node):
        if delivery.outcome == "waiting":
            raise Waiting("outbox-waiting", "earlier events of this device still wait", path=str(device.folder))
        if delivery.outcome == "refused":
            app.say(
                f"Peristiwa lama di posisi {delivery.position} ditolak ({delivery.code}) dan disisihkan di outbox/refused.",
                f"The earlier event at position {delivery.position} was refused ({delivery.code}) and set aside in outbox/refused.",
            )


def unlock(app: App, device: Device, signing: Signing) -> None:
    """Opens the device's key with the passphrase as the options say."""
    label = text(f"perangkat {device.folder}", f"device {device.folder}")
    device.unlock(passphrase_from(app, file=signing.passphrase_file, descriptor=signing.passphrase_fd, new=False, label=label))


def confirm(app: App, signing: Signing, question: tuple[str, str]) -> None:
    """Asks, unless --yes said so already.  Raises ``Usage`` ``confirmation-needed`` where nobody can answer."""
    if signing.yes:
        return
    if not app.asks:
        raise Usage("confirmation-needed", "nobody is there to ask", option="--yes")
    answer = app.ask(question[0] + " [y/t]", question[1] + " [y/n]").lower()
    if answer not in ("y", "ya", "yes"):
        raise KeyboardInterrupt


def _foretold(app: App, device: Device, data: EventData) -> Foretold:
    """What the event would get now.  Raises the refusal that it would meet; nothing is signed then."""
    from ledger.tally.fold import decide
    from ledger.tally.signing import open_submission
    from ledger.tally.state import At

    draft = device.draft(data, claimed_at=clock())
    with app.node.snapshot() as snapshot:
        change = decide(snapshot.state, open_submission(draft.submission), At(snapshot.size, clock()))
    if isinstance(change, LedgerError):
        raise change
    return Foretold(change.void, change.pending)


def show_dry_run(app: App, events: Sequence[EventData], told: Foretold) -> int:
    from ledger.tally.events import type_of

    if app.json:
        said = {"dry_run": True, "type": type_of(events[0]), "events": len(events)}
        emit({**said, "void": told.void, "pending": told.pending})
    else:
        line(text("Uji coba: tidak ada yang dicatat.", "Dry run: nothing was appended."))
    return REFUSED if told.void else 0


def show_deliveries(app: App, deliveries: Sequence[Delivery]) -> int:
    """One line or object each, and the worst exit status: a refusal is raised."""
    status = 0
    for delivery in deliveries:
        if delivery.outcome == "refused" and isinstance(delivery.error, Refused):
            raise delivery.error
        if delivery.outcome == "waiting":
            status = max(status, WAITING)
        elif delivery.code:
            status = max(status, REFUSED)
        _show_delivery(app, delivery)
    return status


def _show_delivery(app: App, delivery: Delivery) -> None:
    if app.json:
        emit(
            {
                "event": delivery.event_id.hex(),
                "outcome": delivery.outcome,
                "index": delivery.index,
                "void": delivery.code if delivery.outcome == "appended" else "",
                "waiting": delivery.code if delivery.outcome == "waiting" else "",
                "receipt": None if delivery.receipt is None else str(delivery.receipt),
                "pending": delivery.pending,
            }
        )
    elif delivery.outcome == "waiting":
        line(
            text(
                f"Menunggu di outbox ({delivery.code}): {_meaning(delivery.code)}",
                f"Waits in the outbox ({delivery.code}): {_meaning(delivery.code)}",
            )
        )
    else:
        line(text(f"Tercatat sebagai entri {delivery.index}.", f"Appended as entry {delivery.index}."))
        if delivery.code:
            line(
                text(
                    f"TIDAK BERLAKU ({delivery.code}): {_meaning(delivery.code)}",
                    f"WITHOUT EFFECT ({delivery.code}): {_meaning(delivery.code)}",
                )
            )
        if delivery.pending:
            name = delivery.event_id.hex()[:EVENT_SHOWN_DIGITS]
            line(
                text(
                    f"Menunggu persetujuan kursi kedua: ledger approve {name}",
                    f"Waits for a second seat's approval: ledger approve {name}",
                )
            )
        line(text(f"Tanda terima: {delivery.receipt}", f"Receipt: {delivery.receipt}"))


def warn_of_void(app: App, void: str) -> None:
    """Says why an act would take no effect, where it would not."""
    if void:
        app.say(f"Peringatan: akan tercatat tetapi TIDAK BERLAKU ({void}): {_meaning(void)}",
                f"Warning: it would be appended WITHOUT EFFECT ({void}): {_meaning(void)}")  # fmt: skip


def _meaning(code: str) -> str:
    message = messages().get(code)
    return message.what if message else code
