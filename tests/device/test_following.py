"""A device follows its log to a new key by the key chain alone, and by no other (docs/FORMATS.md, 8.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.device.folder import Device
from ledger.errors import BadInput, NotVerified
from ledger.files import Files
from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.merkle import leaf_hash, prove_inclusion
from ledger.proof.note import NoteSigner
from ledger.tally import events as e
from ledger.tally.acts.approvals import APPROVAL_LIMIT_MS
from ledger.tally.keychain import CHAIN_MAX, open_chain
from ledger.tally.rows import LogKey
from ledger.tally.signing import encode_entry, open_submission
from tests.device.test_folder import PASSPHRASE
from tests.governed import Governed, GovernedLog
from tests.proof.models import TileStore, tree_root
from tests.rekeying import LOG_2, LOG_3, SEALER_2, log_signer, rekey, rekeying
from tests.world import START_MS

WORLD = Governed()
FIRST, SECOND, THIRD = WORLD.signer, log_signer(LOG_2), log_signer(LOG_3)


@cache
def log() -> tuple[bytes, ...]:
    """A log that was rekeyed twice; the rekeyings are its last four entries."""
    made = GovernedLog(Governed())
    rekey(made, log=LOG_2)
    rekey(made, log=LOG_3, sealer=SEALER_2)
    return tuple(made.entries)


SIZE = len(log())
AT_SECOND = SIZE - 2
"""From this size on the second key signs; the third from the end on."""


def chain(entries: Iterable[bytes], indices: Iterable[int], signer: NoteSigner, **other: Any) -> bytes:
    """A key chain file over this log, that states these entries; ``other`` fields replace the right ones."""
    whole = list(entries)
    leaves = [leaf_hash(entry) for entry in whole]
    note = sign_checkpoint(Checkpoint(signer.key.name, len(whole), tree_root(leaves)), signer)
    stated = [[whole[at], prove_inclusion(at, len(whole), TileStore(leaves).fresh())] for at in indices]
    return msgspec.msgpack.encode([1, other.get("note", note), other.get("stated", stated)])


def true(size: int = SIZE) -> bytes:
    """What the log gives at this size."""
    signer = FIRST if size < AT_SECOND else SECOND if size < SIZE else THIRD
    pairs = [at for end in (AT_SECOND, SIZE) for at in (end - 2, end - 1) if end <= size]
    return chain(log()[:size], [0, *pairs], signer)


def acts(first: str = "root-1", second: str = "root-2", *, between: int = 0, **keys: str) -> list[bytes]:
    """The log before it was rekeyed, then a rekeying and an approval, as a server could put them there."""
    world = Governed()
    world.founding()
    proposed = world.sign(first, rekeying(world, **keys))
    approved = world.sign(second, e.Approved(event=proposed.event_id))
    made = list(log()[: SIZE - 4])
    for signed, time in ((proposed, START_MS), (approved, START_MS + between)):
        event = open_submission(signed.submission)
        made.append(
            encode_entry(index=len(made), chain=bytes(32), sequenced_at=time, payload=event.payload, signature=event.signature)
        )
    return made


def ended(signer: NoteSigner = SECOND, **how: Any) -> bytes:
    """The chain over ``acts``."""
    return chain(made := acts(**how), [0, len(made) - 2, len(made) - 1], signer)


def moved(by: int, signer: NoteSigner) -> bytes:
    """The true rekeying and approval at other indices: neither is bound by a signature."""
    *entries, proposal, approval = log()[:AT_SECOND]
    for entry in (proposal, approval):
        _, _, _, time, (payload, signature) = msgspec.msgpack.decode(entry)
        entries.append(
            encode_entry(index=len(entries) + by, chain=bytes(32), sequenced_at=time, payload=payload, signature=signature)
        )
    return chain(entries, [0, len(entries) - 2, len(entries) - 1], signer)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    """Bound under the first key."""
    made = Device.create(tmp_path / "d", key=WORLD.key("root-1"), passphrase=PASSPHRASE, files=Files())
    made.adopt(open_submission(Governed().founding()[0].submission).event_id, origin=WORLD.origin, vkey=FIRST.vkey)
    return made


def test_it_follows_and_remembers(device: Device) -> None:
    """Key by key or at once; a chain that ends where it is changes nothing, one that ends before is none."""
    with device:
        assert not device.follow(true(9))
        assert not device.follow(true(AT_SECOND - 1))
        assert device.follow(true(AT_SECOND))
        assert device.state.log_keys == (LogKey(0, FIRST.vkey), LogKey(AT_SECOND, SECOND.vkey))
        assert not device.follow(true(AT_SECOND + 1))
        assert device.follow(true())
        known = device.state.log_keys
        assert known[1:] == (LogKey(AT_SECOND, SECOND.vkey), LogKey(SIZE, THIRD.vkey))
        with pytest.raises(NotVerified, match="not of the keys that this device knows"):
            device.follow(true(AT_SECOND))
    with Device.open(device.folder, files=Files()) as again:
        assert again.state.log_keys == known


def test_a_device_bound_under_a_later_key_follows_from_there(tmp_path: Path) -> None:
    """It knows nothing of before, and needs not."""
    with Device.create(tmp_path / "d", key=WORLD.key("root-2"), passphrase=PASSPHRASE, files=Files()) as made:
        with pytest.raises(BadInput, match="device-unbound"):
            made.follow(true())
        ledger = open_submission(Governed().founding()[0].submission).event_id
        made.adopt(ledger, origin=WORLD.origin, vkey=SECOND.vkey)
        assert made.follow(true())
        assert made.state.log_keys == (LogKey(0, SECOND.vkey), LogKey(SIZE, THIRD.vkey))


REKEYED = (SIZE - 4, SIZE - 3)
WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "key-chain-broken"),
    "no entry": (lambda: chain(log(), [], THIRD), "key-chain-broken"),
    "without entry 0": (lambda: chain(log(), REKEYED, SECOND), "key-chain-broken"),
    "a rekeying without its approval": (lambda: chain(log(), (0, REKEYED[0]), SECOND), "key-chain-broken"),
    "an approval of nothing": (lambda: chain(log(), (0, REKEYED[1]), SECOND), "key-chain-broken"),
    "out of order": (lambda: chain(log(), (0, REKEYED[1], REKEYED[0]), SECOND), "key-chain-broken"),
    "twice": (lambda: chain(log(), (0, *REKEYED, *REKEYED), SECOND), "key-chain-broken"),
    "another act": (lambda: chain(log(), (0, 1), FIRST), "key-chain-broken"),
    "approved by the proposer": (lambda: ended(second="root-1", log=LOG_2), "key-chain-broken"),
    "proposed by an office": (lambda: ended(first="commission-1", log=LOG_2), "key-chain-broken"),
    "approved by an office": (lambda: ended(second="commission-1", log=LOG_2), "key-chain-broken"),
    "approved too late": (lambda: ended(between=APPROVAL_LIMIT_MS + 1, log=LOG_2), "key-chain-broken"),
    "too long": (lambda: chain(log(), [0] * (CHAIN_MAX + 2), FIRST), "key-chain-broken"),
    "two notes": (lambda: chain(log(), [0], FIRST, note=b"\n\n"), "key-chain-broken"),
    "the checkpoint by the key before": (lambda: chain(log(), (0, *range(SIZE - 4, SIZE)), SECOND), "note-unsigned"),
    "the checkpoint by the key after": (lambda: chain(log()[:-1], (0, *REKEYED), THIRD), "note-unsigned"),
    "the rekeying left out": (lambda: chain(log()[:AT_SECOND], [0], SECOND), "note-unsigned"),
    "paths of another tree": (
        lambda: chain(log()[:-1], (0, *REKEYED), SECOND, stated=msgspec.msgpack.decode(true())[2][:3]),
        "proof-invalid",
    ),
    "a flipped bit": (
        lambda: chain(log(), [0], FIRST, stated=[[log()[0][:-1] + bytes([log()[0][-1] ^ 1]), []]]),
        "key-chain-broken",
    ),
    "indices that are too high": (lambda: moved(5, FIRST), "proof-invalid"),
    "indices that are too low": (lambda: moved(-3, SECOND), "proof-invalid"),
}


@pytest.mark.parametrize("name", WRONG)
def test_no_other_chain_leads_anywhere(device: Device, name: str) -> None:
    """The device keeps the key that it knew."""
    made, code = WRONG[name]
    with device:
        with pytest.raises(NotVerified) as caught:
            device.follow(made())
        assert caught.value.code == code, caught.value
        assert device.state.log_keys == (LogKey(0, FIRST.vkey),)


def test_what_the_wrong_ones_change_is_what_makes_them_wrong(device: Device) -> None:
    """The same acts by two root keys in time are followed."""
    with device:
        assert device.follow(ended(between=APPROVAL_LIMIT_MS, log=LOG_2))
        ledger = device.state.ledger
    assert open_chain(ended(FIRST, sealer=SEALER_2), ledger=ledger).sealers[-1][0] == SIZE - 2
    with pytest.raises(NotVerified, match="entry 0"):
        open_chain(true(), ledger=bytes(32))
