"""A device as a folder: its key, its stream, what it has signed and not yet sent, and its receipts.

    key.pem                     the P-256 key, encrypted (``keyfile``)
    stream                      TOML: the key's point, the ledger, where the stream stands, the tree last seen
    lock                        held by the one process that has the device open
    outbox/0000000007.submission            signed, no receipt yet; the number is the position in the stream
    outbox/refused/0000000007-<id>.*        what the ledger refused, with the reason
    receipts/0000000007.submission, .tlog-proof     what is in the log, with its checked receipt

The device signs one stream and never a second branch, so signing and sending have a fixed order.  If we die

- before the submission is in the outbox: nothing was signed that anybody has seen;
- after that, before ``stream`` is written: opening finds the event in the outbox and moves the stream forward;
- after that, before or while it is sent, or before the answer came: it is still in the outbox; the same bytes are sent again, and
  the log answers with the place that they have;
- after an answer, at any step of taking it in: the outbox file goes last, so the same bytes are sent again and all steps repeated;
- while a refusal is taken in: the copy in ``refused`` is there before the stream goes back, and the stream goes back before the
  outbox is emptied, from its end; opening moves the stream forward over what is left there, and the next sending is refused again.

A refusal is for ever ("these bytes never will be appended"), so the position is free again.  Events signed after a refused one name
it and can never be appended either: they are set aside with it, to be signed again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from ledger.device.keyfile import KEY_FILE_LIMIT_BYTES, decode_key, encode_key
from ledger.device.lock import FolderLock
from ledger.device.receipts import CheckedReceipt, Seen, check_extension, check_receipt, tree_size
from ledger.device.stream import EventStream, Signed
from ledger.errors import BadInput, LedgerError, NotVerified, Refused, Usage, Waiting
from ledger.files import Files
from ledger.tally.events import ENTRY_LIMIT_BYTES, EventData
from ledger.tally.keychain import open_chain
from ledger.tally.rows import LogKey, log_key_at
from ledger.tally.signing import Opened, SigningKey, open_submission

__all__ = ["AppendedLike", "Delivery", "Device", "DeviceState", "Door"]

STREAM_LIMIT_BYTES: Final = 10_000
SEND_EVENTS: Final = 500
"""So many submissions go out in one call."""

_SUBMISSION: Final = re.compile(r"(?P<position>[0-9]{10})\.submission")
_UNSEEN: Final = Seen(0, b"")


class AppendedLike(Protocol):
    """The answer for an appended event."""

    @property
    def index(self) -> int:
        """Where it stands."""

    @property
    def void(self) -> str:
        """Why it takes no effect; '' where it does."""

    @property
    def pending(self) -> bool:
        """Whether it waits for a second seat's approval."""


class Door(Protocol):
    """A ledger as a device meets it: a node on this machine, or one behind a network."""

    def submit(self, submissions: Sequence[bytes], /) -> Sequence[AppendedLike | Refused | Waiting]:
        """One answer for each submission, in order."""

    def receipt(self, index: int, /) -> bytes:
        """The receipt of an entry."""

    def consistency(self, old: int, new: int, /) -> Sequence[bytes]:
        """The proof that the tree of size ``new`` extends that of size ``old``."""

    def key_chain(self) -> bytes:
        """The key chain up to the log's head (docs/FORMATS.md section 8.4)."""


class DeviceState(Struct, frozen=True, kw_only=True):
    """What ``stream`` says.  ``ledger``, ``origin`` and ``log_keys`` are empty until the device has adopted a ledger.

    ``log_keys``: the log's verifier keys as far as the device knows, each from its tree size on; the first is the one that it was
    bound under, whatever the size was.
    """

    point: bytes
    ledger: bytes
    origin: str
    log_keys: tuple[LogKey, ...]
    position: int
    previous: bytes | None
    seen: Seen


class Delivery(Struct, frozen=True):
    """What became of one submission.

    appended: ``index`` is its place, ``code`` the void code or '', ``receipt`` the checked receipt's path.  refused: ``code`` says
    why, ``error`` holds the refusal; the bytes lie in ``outbox/refused``.  waiting: ``code`` says for what; it stays in the outbox.
    ``pending``: it is in the log and waits there for a second seat's approval.
    """

    position: int
    event_id: bytes
    outcome: Literal["appended", "refused", "waiting"]
    code: str
    index: int | None
    receipt: Path | None
    error: Refused | Waiting | None
    pending: bool = False


class Device:
    """A device folder, open and locked.  Close it, or use it as a context manager."""

    def __init__(self, folder: Path, files: Files, lock: FolderLock) -> None:
        self.folder: Final = folder
        self._files = files
        self._lock = lock
        self._key: SigningKey | None = None
        self._state: DeviceState | None = None

    @classmethod
    def create(cls, folder: Path, *, key: SigningKey, passphrase: bytes, files: Files) -> Device:
        """A new device, open and unlocked.  Raises ``BadInput`` ``folder-not-empty``, ``passphrase-short``."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput("folder-not-empty", "a device is made in a new or empty folder", path=str(folder))
        pem = encode_key(key, passphrase)
        for name in ("outbox/refused", "receipts"):
            files.make_folder(folder / name)
        folder.chmod(0o700)
        files.write(folder / "key.pem", pem, private=True)
        device = cls(folder, files, FolderLock(folder / "lock"))
        device._key = key
        # The stream comes last: a folder without it is no device yet.
        device._write(DeviceState(point=key.point, ledger=b"", origin="", log_keys=(), position=0, previous=None, seen=_UNSEEN))
        return device

    @classmethod
    def open(cls, folder: Path, *, files: Files) -> Device:
        """An existing device, locked for this process; ``unlock`` it to sign.

        Raises ``BadInput``: ``no-device``, ``device-busy`` (another process has it open), ``device-damaged``.
        """
        if not (folder / "stream").is_file() or not (folder / "key.pem").is_file():
            raise BadInput("no-device", "there is no device in this folder", path=str(folder))
        device = cls(folder, files, FolderLock(folder / "lock"))
        try:
            device.state  # noqa: B018  read and recovered at once
        except BaseException:
            device.close()
            raise
        return device

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forgets the key and lets others open the device."""
        self._key = None
        self._lock.release()

    # --- what it knows -----------------------------------------------------------------------------------------------------------

    @property
    def state(self) -> DeviceState:
        """The stream file, moved forward over events that are in the outbox already."""
        if self._state is None:
            self._state = self._recover(self._read())
        return self._state

    def outbox(self) -> list[Opened]:
        """The events that have no receipt yet, in stream order."""
        return [self._open_file(position, path) for position, path in self._numbered("outbox")]

    def unsent(self) -> list[bytes]:
        """The submissions of these events."""
        return [self._read_file(self._path("outbox", event.position)) for event in self.outbox()]

    def signed_since(self, position: int) -> list[bytes]:
        """The submissions of this stream from ``position`` on that are still here: delivered ones and those that wait."""
        kept = dict(self._numbered("receipts")) | dict(self._numbered("outbox"))
        return [self._read_file(kept[at]) for at in sorted(kept) if at >= position]

    def unlock(self, passphrase: bytes) -> None:
        """Opens the key file.  Raises ``BadInput``: ``passphrase-wrong``, ``key-file-weak``, ``device-damaged``."""
        key = decode_key(self._files.read(self.folder / "key.pem", KEY_FILE_LIMIT_BYTES), passphrase)
        if key.point != self.state.point:
            raise self._damaged("key.pem is not the key of this stream", "key.pem")
        self._key = key

    @property
    def key(self) -> SigningKey:
        """The unlocked key.  Raises ``Usage`` ``device-locked``."""
        if self._key is None:
            raise Usage("device-locked", "the device's key was not unlocked", path=str(self.folder))
        return self._key

    def adopt(self, ledger: bytes, *, origin: str, vkey: str) -> None:
        """Binds the device to a ledger and to the log's key in force, once.

        Raises ``BadInput`` ``device-other-ledger`` where it is bound to another, or to a key from which no rekeying that it was
        shown (``follow``) leads to this one.
        """
        state = self.state
        known = [key.vkey for key in state.log_keys] or [vkey]
        if (state.ledger or ledger, state.origin or origin) != (ledger, origin) or vkey not in known:
            raise BadInput("device-other-ledger", "the device signs for another ledger", path=str(self.folder), origin=state.origin)
        if not (state.ledger and state.log_keys):
            self._write(replace(state, ledger=ledger, origin=origin, log_keys=(LogKey(0, vkey),)))

    def follow(self, chain: bytes) -> bool:
        """Takes over the keys that the log has had since the one the device knows last; whether there were any.

        ``chain``: a key chain file; nothing else is believed.  Raises ``NotVerified`` ``key-chain-broken`` where it does not lead
        from this ledger's entry 0 past all the keys that the device knows, and as ``open_chain``.
        """
        state = self.state
        if not state.log_keys:
            raise BadInput("device-unbound", "the device has not met a ledger yet", path=str(self.folder))
        keys = open_chain(chain, ledger=state.ledger).log_keys
        bound, *others = state.log_keys
        place = next((at for at, key in enumerate(keys) if key.vkey == bound.vkey), None)
        if place is None or keys[place + 1 :][: len(others)] != tuple(others):
            raise NotVerified("key-chain-broken", "it is not of the keys that this device knows", path=str(self.folder))
        later = keys[place + 1 + len(others) :]
        if later:
            self._write(replace(state, log_keys=(*state.log_keys, *later)))
        return bool(later)

    def check_position(self, position: int, previous: bytes | None) -> None:
        """The stream as the ledger has it must be a prefix of the device's own.

        Raises ``BadInput`` ``stream-elsewhere`` where it is not: a copy of this key has signed, or the folder is an old backup.
        """
        known = {event.position: event.previous for event in self.outbox()}
        known[self.state.position] = self.state.previous
        if position in known and known[position] == previous:
            return
        raise BadInput("stream-elsewhere", "the ledger has events of this key that are not here", path=str(self.folder))

    # --- signing -----------------------------------------------------------------------------------------------------------------

    def draft(self, data: EventData, *, claimed_at: int) -> Signed:
        """The event that ``sign`` would make, kept nowhere: for asking what would become of it.  Never send it."""
        state = self.state
        stream = EventStream(self.key, ledger=state.ledger, position=state.position, previous=state.previous)
        signed = stream.sign(data, claimed_at=claimed_at)
        open_submission(signed.submission)  # what no ledger could open is not signed: refused here, with its code
        return signed

    def sign(self, data: EventData, *, claimed_at: int) -> Signed:
        """The next event of the stream, durably in the outbox.  1 sign, 2 outbox, 3 stream.

        ``claimed_at``: ms since 1970 by the device's clock, which decides nothing.  Raises ``Refused`` with the code of the first
        check that a ledger would fail on the bytes alone; nothing was signed then.
        """
        state = self.state
        signed = self.draft(data, claimed_at=claimed_at)  # 1
        with self._changing():
            self._files.write(self._path("outbox", state.position), signed.submission, private=True)  # 2
            ledger = state.ledger or signed.event_id
            self._write(replace(state, ledger=ledger, position=state.position + 1, previous=signed.event_id))  # 3
        return signed

    def take(self, signed: Signed) -> None:
        """Puts into the outbox an event that was signed with this very key elsewhere, as the next of the stream.

        Raises ``BadInput`` ``device-damaged`` where it is not.
        """
        event = open_submission(signed.submission)
        state = self.state
        if (event.key, event.position, event.previous) != (state.point, state.position, state.previous):
            raise self._damaged("the event does not continue the stream", "outbox")
        with self._changing():
            self._files.write(self._path("outbox", event.position), signed.submission, private=True)
            ledger = state.ledger or event.ledger or event.event_id
            self._write(replace(state, ledger=ledger, position=state.position + 1, previous=event.event_id))

    # --- sending -----------------------------------------------------------------------------------------------------------------

    def send(self, door: Door) -> list[Delivery]:
        """Sends the outbox, in order, and takes the answers in.  Events that wait stay for the next time.

        Raises ``NotVerified`` where a receipt does not check or the log is no longer the one that this device saw: the events stay
        in the outbox, and somebody should raise the alarm.  Whatever ``door`` raises passes through.
        """
        deliveries: list[Delivery] = []
        pending = self.outbox()
        for start in range(0, len(pending), SEND_EVENTS):
            chunk = pending[start : start + SEND_EVENTS]
            answers = door.submit([self._read_file(self._path("outbox", event.position)) for event in chunk])
            for event, answer in zip(chunk, answers, strict=True):
                if isinstance(answer, Refused):
                    return [*deliveries, *self.set_aside(event, answer)]
                if isinstance(answer, Waiting):
                    deliveries.append(Delivery(event.position, event.event_id, "waiting", answer.code, None, None, answer))
                else:
                    deliveries.append(self._take_receipt(event, answer, door))
        return deliveries

    def _take_receipt(self, event: Opened, answer: AppendedLike, door: Door) -> Delivery:
        """1 check the receipt, 2 that the log extends what was seen, 3 keep both, 4 the tree seen, 5 empty the outbox."""
        path = self._path("outbox", event.position)
        submission = self._read_file(path)
        receipt = door.receipt(answer.index)
        checked = self._check(submission, receipt, door)  # 1
        state = self.state
        grown = checked.tree.size > state.seen.size > 0
        check_extension(state.seen, checked.tree, door.consistency(state.seen.size, checked.tree.size) if grown else ())  # 2
        kept = self._path("receipts", event.position)
        with self._changing():
            self._files.write(kept, submission, private=True)  # 3
            self._files.write(kept.with_suffix(".tlog-proof"), receipt, private=True)
            if checked.tree != state.seen:
                self._write(replace(state, seen=checked.tree))  # 4
            self._files.remove(path)  # 5
        proof = kept.with_suffix(".tlog-proof")
        return Delivery(event.position, event.event_id, "appended", answer.void, checked.index, proof, None, pending=answer.pending)

    def _check(self, submission: bytes, receipt: bytes, door: Door) -> CheckedReceipt:
        """The receipt, by the log's key at its size; if that is none that the device knows, the log may have been rekeyed."""
        try:
            return check_receipt(submission, receipt, vkey=self._key_of(receipt), origin=self.state.origin)
        except NotVerified as problem:
            if problem.code != "note-unsigned" or not self.follow(door.key_chain()):
                raise
        return check_receipt(submission, receipt, vkey=self._key_of(receipt), origin=self.state.origin)

    def _key_of(self, receipt: bytes) -> str:
        return log_key_at(self.state.log_keys, tree_size(receipt))

    def set_aside(self, event: Opened, refusal: Refused) -> list[Delivery]:
        """An event of the outbox that the log refuses, and all after it, go to ``refused``: 1 copies, 2 the stream back, 3 the
        outbox, from its end."""
        after = Refused("event-before-refused", "the event before it in the stream was refused", before=event.position)
        fallen = [(other, refusal if other == event else after) for other in self.outbox() if other.position >= event.position]
        with self._changing():
            for other, reason in fallen:  # 1
                stem = self.folder / "outbox" / "refused" / f"{other.position:010d}-{other.event_id.hex()[:16]}"
                submission = self._read_file(self._path("outbox", other.position))
                self._files.write(stem.with_suffix(".submission"), submission, private=True)
                self._files.write(stem.with_suffix(".reason"), f"{reason}\n".encode(), private=True)
            # An opening event that was refused opened nothing: the device is free for another ledger.
            ledger = self.state.ledger if event.position or event.ledger else b""
            self._write(replace(self.state, ledger=ledger, position=event.position, previous=event.previous))  # 2
            for other, _ in reversed(fallen):  # 3
                self._files.remove(self._path("outbox", other.position))
        return [Delivery(other.position, other.event_id, "refused", why.code, None, None, why) for other, why in fallen]

    # --- its files ---------------------------------------------------------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """After a failed write nobody knows what the disk holds: the state is read and recovered again before the next step."""
        try:
            yield
        except BaseException:
            self._state = None
            raise

    def _write(self, state: DeviceState) -> None:
        rekeyed = ", ".join(f'[{key.size}, "{key.vkey}"]' for key in state.log_keys[1:])
        lines = (
            "# Where this device's stream of signed events stands.  Written by the program alone.",
            f'point = "{state.point.hex()}"',
            f'ledger = "{state.ledger.hex()}"',
            f'origin = "{state.origin}"',
            f'vkey = "{state.log_keys[0].vkey if state.log_keys else ""}"',
            f"rekeyed = [{rekeyed}]",
            f"position = {state.position}",
            f'previous = "{(state.previous or b"").hex()}"',
            f"seen_size = {state.seen.size}",
            f'seen_root = "{state.seen.root.hex()}"',
        )
        self._files.write(self.folder / "stream", "\n".join((*lines, "")).encode(), private=True)
        self._state = state

    def _read(self) -> DeviceState:
        try:
            said = tomllib.loads(self._files.read(self.folder / "stream", STREAM_LIMIT_BYTES).decode())
            state = DeviceState(
                point=bytes.fromhex(said["point"]),
                ledger=bytes.fromhex(said["ledger"]),
                origin=str(said["origin"]),
                log_keys=(LogKey(0, str(said["vkey"])), *(LogKey(int(size), str(vkey)) for size, vkey in said.get("rekeyed", ())))
                if said["vkey"]
                else (),
                position=int(said["position"]),
                previous=bytes.fromhex(said["previous"]) or None,
                seen=Seen(int(said["seen_size"]), bytes.fromhex(said["seen_root"])),
            )
        except (ValueError, KeyError, TypeError):  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
            raise self._damaged("the stream file cannot be read", "stream") from None
        if state.position < 0 or (state.position == 0) != (state.previous is None):
            raise self._damaged("the stream file contradicts itself", "stream")
        return state

    def _recover(self, state: DeviceState) -> DeviceState:
        """Moves the stream forward over signed events that it does not know of yet, each naming the one before."""
        for position, path in sorted([*self._numbered("receipts"), *self._numbered("outbox")]):
            if position < state.position:
                continue
            event = self._open_file(position, path)
            if (event.key, event.position, event.previous) != (state.point, state.position, state.previous):
                raise self._damaged("an event there does not continue the stream", path.name)
            ledger = state.ledger or event.ledger or event.event_id
            state = replace(state, ledger=ledger, position=position + 1, previous=event.event_id)
        return state

    def _numbered(self, name: str) -> list[tuple[int, Path]]:
        folder = self.folder / name
        found = [(match, path) for path in folder.glob("*.submission") if (match := _SUBMISSION.fullmatch(path.name))]
        return sorted((int(match["position"]), path) for match, path in found)

    def _path(self, name: str, position: int) -> Path:
        return self.folder / name / f"{position:010d}.submission"

    def _read_file(self, path: Path) -> bytes:
        return self._files.read(path, ENTRY_LIMIT_BYTES)

    def _open_file(self, position: int, path: Path) -> Opened:
        try:
            event = open_submission(self._read_file(path))
        except LedgerError:
            raise self._damaged("a submission cannot be read", path.name) from None
        if event.position != position:
            raise self._damaged("a submission stands in another's place", path.name)
        return event

    def _damaged(self, detail: str, name: str) -> BadInput:
        return BadInput("device-damaged", detail, path=str(self.folder), file=name)
