"""One honest ledger for the whole room: 38 entries, published at 9 and at 38."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from ledger.proof.note import NoteSigner

from ..world import LOG_KEY, ORIGIN, MemoryLog, World, season
from .forger import Files, publication

SIGNER = NoteSigner(ORIGIN, LOG_KEY)


class Honest(NamedTuple):
    """The world as the last entry left it, the entries, the published files."""

    world: World
    entries: list[bytes]
    files: Files


@pytest.fixture(scope="session")
def honest() -> Honest:
    """Founding and season.  Whoever signs more with this world's keys uses ``peek``."""
    world = World()
    log = MemoryLog(world.founding())
    for signed in season(world):
        log.take(signed.submission)
    return Honest(world, log.entries, publication(log.entries, SIGNER, older=(9,)))
