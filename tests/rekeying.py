"""Rekeying in tests: keys from their names, what ``log.rekeyed`` says, and an election of every event type that was rekeyed."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.device.stream import Signed
from ledger.proof.note import NoteSigner
from ledger.tally import events as e
from ledger.tally.signing import sealer_digest
from ledger.tally.state import ELECTION, SINGLE

from .governed import BASIS, GovernedLog, whole_season
from .world import ORIGIN, World

LOG_2, LOG_3 = "log-2", "log-3"
SEALER_2, SEALER_3 = "sealer-2", "sealer-3"


def log_private(name: str) -> Ed25519PrivateKey:
    """A log's private key, from its name."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def log_signer(name: str, origin: str = ORIGIN) -> NoteSigner:
    """The log's key of that name."""
    return NoteSigner(origin, log_private(name))


def sealer_of(world: World, name: str, *, ledger: bytes | None = None) -> e.Root:
    """A sealer's key with its proof of possession."""
    key = world.key(name)
    return e.Root(key.point, key.sign(sealer_digest(world.ledger if ledger is None else ledger, key.point)))


def rekeying(world: World, *, log: str | None = None, sealer: str | None = None, **other: Any) -> e.LogRekeyed:
    """``log.rekeyed`` with the keys of these names; ``other`` fields replace the usual ones."""
    usual: dict[str, Any] = {
        "reason": "key-stolen",
        "log_key": msgspec.UNSET if log is None else log_signer(log, world.origin).vkey,
        "sealer": msgspec.UNSET if sealer is None else sealer_of(world, sealer),
    }
    return e.LogRekeyed(**{**usual, **other})


def rekeyed(world: World, *, log: str | None = None, sealer: str | None = None, **other: Any) -> list[Signed]:
    """The proposal by the first root key, and its approval by the second."""
    proposed = world.sign("root-1", rekeying(world, log=log, sealer=sealer, **other))
    return [proposed, world.sign("root-2", e.Approved(event=proposed.event_id))]


def rekey(log: GovernedLog, /, **keys: Any) -> int:
    """Rekeys a log in memory; the size from which the new key signs."""
    for signed in rekeyed(log.world, **keys):
        log.append(signed)
    return len(log.entries)


def log_key_of(log: GovernedLog) -> str:
    """The verifier key of the log in force."""
    election = log.state.get(ELECTION, SINGLE)
    assert election is not None
    return election.log_keys[-1].vkey


def rekeyed_season() -> GovernedLog:
    """``whole_season``, then the log and the sealer rekeyed, and a seal by the new sealer: every event type there is."""
    log = whole_season()
    rekey(log, log=LOG_2, sealer=SEALER_2, basis=BASIS)
    log.seal(by=SEALER_2)
    return log
