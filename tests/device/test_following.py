"""A device follows its log to a new key by the key chain alone, and by no other (docs/FORMATS.md, 8.4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from ledger.device.folder import Device
from ledger.errors import BadInput, NotVerified
from ledger.files import Files
from ledger.tally import events as e
from ledger.tally.acts.approvals import APPROVAL_LIMIT_MS
from ledger.tally.keychain import CHAIN_MAX, open_chain
from ledger.tally.signing import encode_entry, open_submission
from tests.governed import Governed, GovernedLog
from tests.rekeying import LOG_2, LOG_3, SEALER_2, log_signer, rekey, rekeying
from tests.world import START_MS

WORLD = Governed()
OLD = WORLD.signer.vkey


@cache
def chain() -> tuple[bytes, ...]:
    """Entry 0, and two rekeyings of the log with their approvals."""
    log = GovernedLog(Governed())
    rekey(log, log=LOG_2)
    rekey(log, log=LOG_3, sealer=SEALER_2)
    return (log.entries[0], *log.entries[-4:])


def entry(name: str, data: e.EventData, *, index: int, time: int, world: Governed | None = None) -> bytes:
    """An entry as a server could make it, of whatever somebody signed."""
    event = open_submission((world or Governed()).sign(name, data).submission)
    return encode_entry(index=index, chain=bytes(32), sequenced_at=time, payload=event.payload, signature=event.signature)


def acts(first: str = "root-1", second: str = "root-2", *, between: int = 0, **keys: str) -> tuple[bytes, ...]:
    """A rekeying and an approval as nobody's fold saw them."""
    world = Governed()
    world.founding()
    proposed = world.sign(first, rekeying(world, **keys))
    event = open_submission(proposed.submission)
    made = encode_entry(index=70, chain=bytes(32), sequenced_at=START_MS, payload=event.payload, signature=event.signature)
    approved = e.Approved(event=proposed.event_id)
    return made, entry(second, approved, index=71, time=START_MS + between, world=world)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    """Bound under the first key."""
    made = Device.create(tmp_path / "d", key=WORLD.key("root-1"), passphrase=b"a passphrase of tests", files=Files())
    made.adopt(open_submission(WORLD.founding()[0].submission).event_id, origin=WORLD.origin, vkey=OLD)
    return made


def test_it_follows_and_remembers(device: Device) -> None:
    """Key by key or at once; a chain that ends where it is, or before, changes nothing; both outlive the process."""
    with device:
        assert not device.follow(chain()[:1])
        assert device.follow(chain()[:3])
        assert [key.vkey for key in device.state.log_keys] == [OLD, log_signer(LOG_2).vkey]
        assert not device.follow(chain()[:3])
        assert device.follow(chain())
        known = device.state.log_keys
        assert [key.vkey for key in known] == [OLD, log_signer(LOG_2).vkey, log_signer(LOG_3).vkey]
        with pytest.raises(NotVerified, match="the key that this device knows"):
            device.follow(chain()[:3])
    with Device.open(device.folder, files=Files()) as again:
        assert again.state.log_keys == known


def test_a_device_that_met_no_ledger_follows_none(tmp_path: Path) -> None:
    """It has nothing to follow from."""
    made = Device.create(tmp_path / "d", key=WORLD.key("root-1"), passphrase=b"a passphrase of tests", files=Files())
    with made, pytest.raises(BadInput, match="device-unbound"):
        made.follow(chain())


WRONG: dict[str, Callable[[], tuple[bytes, ...]]] = {
    "nothing": tuple,
    "without entry 0": lambda: chain()[1:],
    "a rekeying without its approval": lambda: chain()[:2],
    "an approval of nothing": lambda: (chain()[0], chain()[2]),
    "out of order": lambda: (chain()[0], chain()[2], chain()[1]),
    "twice": lambda: (*chain()[:3], *chain()[1:3]),
    "approved by the proposer": lambda: (chain()[0], *acts(second="root-1", log=LOG_2)),
    "proposed by an office": lambda: (chain()[0], *acts("commission-1", log=LOG_2)),
    "approved by an office": lambda: (chain()[0], *acts(second="commission-1", log=LOG_2)),
    "approved too late": lambda: (chain()[0], *acts(between=APPROVAL_LIMIT_MS + 1, log=LOG_2)),
    "to the key that it had": lambda: (*chain()[:3], *acts(log=LOG_2)),
    "too long": lambda: chain()[:1] * (CHAIN_MAX + 2),
    "a flipped bit": lambda: (chain()[0], chain()[1][:-1] + bytes([chain()[1][-1] ^ 1]), chain()[2]),
    "no entry": lambda: (chain()[0], b"\x90"),
}


@pytest.mark.parametrize("name", WRONG)
def test_no_other_chain_leads_anywhere(device: Device, name: str) -> None:
    """The device keeps the key that it knew."""
    with device:
        with pytest.raises(NotVerified, match="key-chain-broken"):
            device.follow(WRONG[name]())
        assert [key.vkey for key in device.state.log_keys] == [OLD]


def test_what_the_wrong_ones_change_is_what_makes_them_wrong(device: Device) -> None:
    """The same acts by two root keys in time are followed."""
    with device:
        assert device.follow((chain()[0], *acts(between=APPROVAL_LIMIT_MS, log=LOG_2)))
        ledger = device.state.ledger
    assert open_chain((chain()[0], *acts(sealer=SEALER_2)), ledger=ledger).sealers[-1][0] == 72
    with pytest.raises(NotVerified, match="entry 0"):
        open_chain(chain(), ledger=bytes(32))
