"""A device folder: one stream and never a second branch, whatever fails and wherever the process dies."""

from __future__ import annotations

import copy
import errno
import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger.device.folder import AppendedLike, Delivery, Device
from ledger.errors import BadInput, Broken, LedgerError, NotVerified, Refused, Usage, Waiting
from ledger.files import Calls, Files
from ledger.log.append import Appended
from ledger.node import Node
from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.merkle import leaf_hash, prove_consistency, prove_inclusion, root_at
from ledger.proof.tlogproof import TlogProof, encode_proof
from ledger.tally.canonical import encode
from ledger.tally.events import EventData
from ledger.tally.rows import Stream
from ledger.tally.signing import SigningKey, open_submission, reopen_entry
from ledger.tally.state import STREAMS
from tests.disk_faults import Crash, Failing
from tests.world import GOOD, START_MS, STATIONS, MemoryLog, World, copied, corrected, make_node, submissions_of, submitted

PASSPHRASE = b"a passphrase of tests"
STATION = STATIONS[0]
WORLD = World()
KEY = WORLD.key(f"{STATION}/1")


@pytest.fixture(scope="session")
def made_device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh device of the first station's operator, made once."""
    folder = tmp_path_factory.mktemp("device") / "operator"
    with Device.create(folder, key=KEY, passphrase=PASSPHRASE, files=Files()) as device:
        device.adopt(WORLD.ledger, origin=WORLD.origin, vkey=WORLD.signer.vkey)
    return folder


@pytest.fixture(scope="session")
def made_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded ledger, made once."""
    folder = tmp_path_factory.mktemp("ledger") / "ledger"
    with make_node(folder, WORLD) as node:
        assert not [answer for answer in node.submit(submissions_of(World().founding())) if isinstance(answer, LedgerError)]
    return folder


@pytest.fixture
def node(made_ledger: Path, tmp_path: Path) -> Iterator[Node]:
    """A copy of the ledger, open."""
    shutil.copytree(made_ledger, tmp_path / "ledger")
    with Node.open(tmp_path / "ledger", clock=lambda: START_MS + 1_000_000) as opened:
        yield opened


@pytest.fixture
def folder(made_device: Path, tmp_path: Path) -> Path:
    """A copy of the device."""
    return Path(shutil.copytree(made_device, tmp_path / "operator"))


def opened(folder: Path, *, calls: Calls | None = None) -> Device:
    """The device, open and unlocked without its passphrase (the key file's own tests use real ones)."""
    device = Device.open(folder, files=Files(calls))
    device._key = KEY
    return device


def outcomes(deliveries: Sequence[Delivery]) -> list[str]:
    return [f"{delivery.outcome} {delivery.code}".strip() for delivery in deliveries]


# --- the usual way ----------------------------------------------------------------------------------------------------------


def test_an_event_is_signed_sent_and_receipted(folder: Path, node: Node) -> None:
    """The receipt is checked, kept beside the submission, and the outbox is empty."""
    with opened(folder) as device:
        signed = device.sign(submitted(STATION), claimed_at=START_MS)
        assert [event.event_id for event in device.outbox()] == [signed.event_id]
        (delivery,) = device.send(node)
        assert (delivery.outcome, delivery.code, delivery.event_id) == ("appended", "", signed.event_id)
        assert delivery.receipt is not None
        assert delivery.receipt.is_file()
        assert delivery.receipt.with_suffix(".submission").read_bytes() == signed.submission
        assert device.outbox() == []
        assert device.state.seen.size == node.head().size
    with opened(folder) as again:
        assert (again.state.position, again.state.previous) == (1, signed.event_id)
        stream = node.stream(KEY.point)
        again.check_position(stream.position, stream.previous)


def test_a_void_event_is_receipted_too(folder: Path, node: Node) -> None:
    """It stands in the log as late evidence, and the stream goes on."""
    with opened(folder) as device:
        device.sign(submitted(STATION), claimed_at=START_MS)
        device.sign(submitted(STATION), claimed_at=START_MS + 1)
        assert outcomes(device.send(node)) == ["appended", "appended already-submitted"]
        assert device.state.position == node.stream(KEY.point).position == 2


def test_the_same_bytes_sent_twice_have_one_place(folder: Path, node: Node) -> None:
    """The answer was lost; sending again gives the receipt and appends nothing."""
    with opened(folder) as device:
        signed = device.sign(submitted(STATION), claimed_at=START_MS)
        node.submit([signed.submission])
        size = node.head().size
        assert outcomes(device.send(node)) == ["appended"]
        assert node.head().size == size


def test_waiting_events_stay(folder: Path, tmp_path: Path) -> None:
    """A ledger that does not know the key yet changes nothing; once it does, the same bytes go in."""
    world = World()
    founding = world.founding()
    with make_node(tmp_path / "young", world) as young:
        young.submit(submissions_of(founding[:-1]))
        with opened(folder) as device:
            device.sign(submitted(STATION), claimed_at=START_MS)
            assert outcomes(device.send(young)) == ["waiting key-unknown"]
            assert len(device.outbox()) == 1
            young.submit(submissions_of(founding[-1:]))
            assert outcomes(device.send(young)) == ["appended"]


def test_a_refused_event_frees_its_position_and_takes_those_after_it_along(folder: Path, node: Node) -> None:
    """Both are set aside with the reason; the next event takes the first one's position."""
    with opened(folder) as device:
        device.sign(submitted(STATIONS[1]), claimed_at=START_MS)  # another station: beyond its scope
        device.sign(submitted(STATION), claimed_at=START_MS)
        assert outcomes(device.send(node)) == ["refused beyond-scope", "refused event-before-refused"]
        assert (device.state.position, device.state.previous) == (0, None)
        assert device.outbox() == []
        reasons = sorted(path.read_text().split(":")[0] for path in (folder / "outbox" / "refused").glob("*.reason"))
        assert reasons == ["beyond-scope", "event-before-refused"]
        device.sign(submitted(STATION), claimed_at=START_MS)
        assert outcomes(device.send(node)) == ["appended"]


def test_what_no_ledger_could_open_is_never_signed(folder: Path) -> None:
    """The device opens its own draft first; the stream stays where it was."""
    with opened(folder) as device:
        with pytest.raises(Refused) as caught:
            device.sign(submitted("no station"), claimed_at=START_MS)
        assert caught.value.code == "schema"
        assert (device.state.position, device.outbox()) == (0, [])


# --- keys, locks, ledgers ---------------------------------------------------------------------------------------------------


def test_a_device_is_private_and_opens_with_its_passphrase_alone(made_device: Path, folder: Path) -> None:
    """Modes, the wrong passphrase, the right one, and a key file of another device."""
    assert {path.stat().st_mode & 0o077 for path in (made_device / "key.pem", made_device / "stream")} == {0}
    with Device.open(folder, files=Files()) as device:
        with pytest.raises(Usage, match="device-locked"):
            device.sign(submitted(STATION), claimed_at=START_MS)
        with pytest.raises(BadInput, match="passphrase-wrong"):
            device.unlock(b"another passphrase")
        device.unlock(PASSPHRASE)
        assert device.key.point == KEY.point
    other = folder.with_name("other")
    Device.create(other, key=SigningKey.derive(b"other"), passphrase=PASSPHRASE, files=Files()).close()
    shutil.copy(other / "key.pem", folder / "key.pem")
    with Device.open(folder, files=Files()) as device, pytest.raises(BadInput, match="device-damaged"):
        device.unlock(PASSPHRASE)


def test_two_cannot_have_a_device_open(folder: Path) -> None:
    """Not twice in a process, not from another process; and free again after closing."""
    with opened(folder):
        with pytest.raises(BadInput, match="device-busy"):
            Device.open(folder, files=Files())
        program = (
            "import sys; from pathlib import Path; from ledger.device.folder import Device; from ledger.files import Files\n"
            "try: Device.open(Path(sys.argv[1]), files=Files())\nexcept Exception as problem: print(problem.code)"
        )
        done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
        assert done.stdout == "device-busy\n"
    opened(folder).close()


def test_a_device_signs_for_one_ledger(folder: Path) -> None:
    """Another id, origin or log key is refused."""
    with opened(folder) as device:
        device.adopt(WORLD.ledger, origin=WORLD.origin, vkey=WORLD.signer.vkey)
        for ledger, origin in ((bytes(32), WORLD.origin), (WORLD.ledger, "other.example")):
            with pytest.raises(BadInput, match="device-other-ledger"):
                device.adopt(ledger, origin=origin, vkey=WORLD.signer.vkey)


def test_a_copy_of_the_key_that_has_signed_is_noticed(folder: Path, made_device: Path, tmp_path: Path, node: Node) -> None:
    """The ledger has an event that this folder does not know: nothing is signed on."""
    twin = Path(shutil.copytree(made_device, tmp_path / "twin"))
    with opened(twin) as device:
        device.sign(submitted(STATION), claimed_at=START_MS)
        device.send(node)
    stream = node.stream(KEY.point)
    with opened(folder) as device, pytest.raises(BadInput, match="stream-elsewhere"):
        device.check_position(stream.position, stream.previous)
    with opened(twin) as device:
        device.check_position(stream.position, stream.previous)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "stream").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "stream").write_text("position = 1"),
        lambda folder: (folder / "stream").write_text((folder / "stream").read_text().replace("position = 0", "position = 3")),
        lambda folder: (folder / "outbox" / "0000000000.submission").write_bytes(b"garbage"),
        lambda folder: (folder / "outbox" / "0000000004.submission").write_bytes(
            World().sign(f"{STATION}/1", submitted(STATION)).submission
        ),
    ],
)
def test_a_damaged_device_does_not_sign(folder: Path, spoil: Callable[[Path], object]) -> None:
    """What contradicts itself is told at opening, and the lock is free afterwards."""
    spoil(folder)
    for _ in range(2):
        with pytest.raises(BadInput, match="device-damaged"):
            Device.open(folder, files=Files())


def test_no_device_is_told(tmp_path: Path) -> None:
    """A missing folder, an empty one, a file."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for name in ("missing", "empty", "file"):
        with pytest.raises(BadInput, match="no-device"):
            Device.open(tmp_path / name, files=Files())
    with pytest.raises(BadInput, match="folder-not-empty"):
        Device.create(tmp_path, key=KEY, passphrase=PASSPHRASE, files=Files())


# --- a ledger that lies -----------------------------------------------------------------------------------------------------


class Lying:
    """A node whose receipts or proofs are not what they should be."""

    def __init__(self, node: Node, **lies: Callable[..., Any]) -> None:
        self._node = node
        self._lies = lies

    def submit(self, submissions: Sequence[bytes], /) -> Sequence[AppendedLike | Refused | Waiting]:
        return self._lies.get("submit", self._node.submit)(submissions)  # type: ignore[no-any-return]

    def receipt(self, index: int, /) -> bytes:
        return self._lies.get("receipt", self._node.receipt)(index)  # type: ignore[no-any-return]

    def consistency(self, old: int, new: int, /) -> Sequence[bytes]:
        return self._lies.get("consistency", self._node.consistency)(old, new)  # type: ignore[no-any-return]


def test_no_receipt_means_not_delivered(folder: Path, node: Node) -> None:
    """Another entry's receipt, no receipt, a false consistency proof: the event stays in the outbox."""
    with opened(folder) as device:
        device.sign(submitted(STATION), claimed_at=START_MS)
        with pytest.raises(NotVerified, match="receipt-other-entry"):
            device.send(Lying(node, receipt=lambda _index: node.receipt(3)))
        with pytest.raises(BadInput, match="bad-proof"):
            device.send(Lying(node, receipt=lambda _index: b""))
        assert len(device.outbox()) == 1
        device.send(node)
        device.sign(corrected(STATION, [device.state.previous or b""]), claimed_at=START_MS)
        with pytest.raises(NotVerified, match="proof-invalid"):
            device.send(Lying(node, consistency=lambda _old, _new: [bytes(32)]))
        assert len(device.outbox()) == 1
        assert outcomes(device.send(node)) == ["appended"]


def test_a_log_that_was_rolled_back_is_noticed(folder: Path, made_ledger: Path, tmp_path: Path, node: Node) -> None:
    """The device saw a longer log: an old backup's receipt is not taken."""
    backup = Path(shutil.copytree(made_ledger, tmp_path / "backup"))
    other = World()
    other.founding()
    node.submit([other.sign(f"{STATIONS[1]}/1", submitted(STATIONS[1])).submission])
    with opened(folder) as device:
        device.sign(submitted(STATION), claimed_at=START_MS)
        device.send(node)
        device.sign(corrected(STATION, [device.state.previous or b""]), claimed_at=START_MS)
        first = (folder / "receipts" / "0000000000.submission").read_bytes()
        with Node.open(backup, clock=lambda: START_MS + 2_000_000) as rolled_back:
            rolled_back.submit([first])
            with pytest.raises(NotVerified) as caught:
                device.send(rolled_back)
        assert caught.value.code in ("log-shrank", "proof-invalid")
        assert len(device.outbox()) == 1


# --- crash points -----------------------------------------------------------------------------------------------------------


class InMemory:
    """A founded ledger in memory, as a door.  Remembers every event that it was ever shown, by position, and what it refused."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = copy.copy(log)
        self.log.state, self.log.entries, self.log.indexes = copied(log.state), log.entries.copy(), log.indexes.copy()
        self.shown: dict[int, set[bytes]] = {}
        self.refused: set[bytes] = set()

    def submit(self, submissions: Sequence[bytes], /) -> Sequence[AppendedLike | Refused | Waiting]:
        return [self._take(submission) for submission in submissions]

    def _take(self, submission: bytes) -> AppendedLike | Refused | Waiting:
        event = open_submission(submission)
        self.shown.setdefault(event.position, set()).add(event.event_id)
        if event.event_id in self.log.indexes:
            return Appended(event.event_id, self.log.indexes[event.event_id], "", True, False, False)
        answer = self.log.take(submission)
        if isinstance(answer, Refused):
            assert not answer.code.startswith("stream-"), answer
            self.refused.add(event.event_id)
        if isinstance(answer, Refused | Waiting):
            return answer
        return Appended(event.event_id, self.log.indexes[event.event_id], answer.void, False, False, answer.pending)

    def receipt(self, index: int, /) -> bytes:
        size = len(self.log.entries)
        entry = reopen_entry(self.log.entries[index])
        root = root_at(size, self._tiles)
        checkpoint = sign_checkpoint(Checkpoint(WORLD.origin, size, root), WORLD.signer)
        extra = encode([entry.chain, entry.sequenced_at, entry.event.signature])
        return encode_proof(TlogProof(index, tuple(prove_inclusion(index, size, self._tiles)), checkpoint, extra))

    def consistency(self, old: int, new: int, /) -> Sequence[bytes]:
        return prove_consistency(old, new, self._tiles)

    def _tiles(self, level: int, number: int, width: int) -> bytes:
        assert (level, number) == (0, 0)
        return b"".join(leaf_hash(entry) for entry in self.log.entries[:width])

    def stream(self) -> Stream:
        return self.log.state.get(STREAMS, KEY.point) or Stream(0, None)


ACTS: dict[str, tuple[EventData, ...]] = {
    "one": (submitted(STATION),),
    "two": (submitted(STATION), submitted(STATION, (300, 121, 100, 221, 5, 307), contest="governor")),
    "refused": (submitted(STATION), submitted(STATIONS[1]), submitted(STATION, contest="governor")),
}


FOUNDED = MemoryLog(World().founding())


def play(folder: Path, door: InMemory, acts: Sequence[EventData], calls: Calls) -> None:
    with opened(folder, calls=calls) as device:
        for number, act in enumerate(acts):
            device.sign(act, claimed_at=START_MS + number)
        device.send(door)


@pytest.mark.parametrize("name", ACTS)
def test_no_failure_and_no_death_makes_a_second_branch(name: str, made_device: Path, tmp_path: Path) -> None:
    """Every file call fails once, or is the last before death, before or after it took effect.  Then the device opens again
    and goes on: no position is ever shown with two events but after a refusal, no event is lost that ``sign`` returned, and
    the device ends where the ledger is."""
    acts = ACTS[name]
    counting = Failing(0, Crash(), stored=False)
    play(Path(shutil.copytree(made_device, tmp_path / "count")), InMemory(FOUNDED), acts, counting)
    assert counting.count > 10
    for n, after, error in itertools.product(range(1, counting.count + 1), (False, True), (OSError(errno.EIO, "failed"), Crash())):
        folder = Path(shutil.copytree(made_device, tmp_path / f"{n}-{after}-{type(error).__name__}"))
        door = InMemory(FOUNDED)
        with pytest.raises((Crash, BadInput, Broken)):
            play(folder, door, acts, Failing(n, error, stored=after))
        _goes_on(folder, door)
        shutil.rmtree(folder)


def _goes_on(folder: Path, door: InMemory) -> None:
    with opened(folder) as device:
        pending = {event.event_id for event in device.outbox()}
        device.send(door)
        assert all(event in door.log.indexes or event in _set_aside(folder) for event in pending)
        device.sign(submitted(STATION, contest="governor"), claimed_at=START_MS + 99)
        assert set(outcomes(device.send(door))) <= {"appended", "appended already-submitted"}
        stream = door.stream()
        assert (device.state.position, device.state.previous) == (stream.position, stream.previous)
        assert device.outbox() == []
    for event_ids in door.shown.values():
        standing = {event_id for event_id in event_ids if event_id in door.log.indexes}
        assert len(standing) <= 1
        assert event_ids - standing <= door.refused | _set_aside(folder)


def _set_aside(folder: Path) -> set[bytes]:
    return {open_submission(path.read_bytes()).event_id for path in (folder / "outbox" / "refused").glob("*.submission")}


def test_a_failed_write_does_not_stop_the_device(folder: Path, node: Node) -> None:
    """The disk was full for a moment: the same open device reads its state again and signs on the same stream."""
    calls = Failing(1, OSError(errno.ENOSPC, "full"), stored=False)
    with opened(folder, calls=calls) as device:
        with pytest.raises(Broken, match="disk-full"):
            device.sign(submitted(STATION, GOOD), claimed_at=START_MS)
        device.sign(submitted(STATION, GOOD), claimed_at=START_MS)
        assert outcomes(device.send(node)) == ["appended"]
