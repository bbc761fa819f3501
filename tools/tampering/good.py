"""Good publications: the few that attacks begin from.

Each is deterministic: keys from seeds, deterministic signatures, a clock in the data.  ``season`` has every event type, and was
published before in the midst of its plenaries; ``long`` has full tiles; ``witnessed`` asks for two cosignatures; ``rekeyed`` is the
season, then another key of the log and of the sealer, and a seal by that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.audit.forger import Files, parts_of, publication, relink
from tests.governed import Governed, GovernedLog, whole_season
from tests.rekeying import LOG_2, log_signer, rekeyed_season
from tests.world import STATIONS, MemoryLog, World, held, released, submitted

from ledger.errors import Usage
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import NoteCosigner, NoteSigner, parse_note
from ledger.proof.tiles import TILE_WIDTH, decode_bundle, entries_path, parse_path, tile_path
from ledger.tally.events import ElectionOpened
from ledger.tally.signing import reopen_entry

__all__ = ["BASES", "COSIGNED_AT", "P256_ORDER", "Good", "Needs", "Witnessed", "base", "other_s", "read", "witnesses_of"]

Needs = Literal["folder", "log key", "device keys"]
"""What an attacker holds: the published folder; the log's signing key too; keys of people as well."""

COSIGNED_AT: Final = 1_732_700_000
QUORUM: Final = 2
SECOND_MS: Final = 1_000
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Good(NamedTuple):
    """A good publication.  ``older``: sizes at which it was published before; ``log``: makes the log in memory with its people's
    keys, None where they are not known; ``signer`` is the log's."""

    files: Files
    entries: list[bytes]
    older: tuple[int, ...]
    key: NoteSigner | None
    log: Callable[[], GovernedLog] | None

    @property
    def signer(self) -> NoteSigner:
        """The log's key; ``Usage`` where it is not known."""
        if self.key is None:
            raise Usage("log-key-missing", "this attack signs with the log's key: give it with --log-key")
        return self.key

    @property
    def people(self) -> GovernedLog:
        """A log of its own, with the keys of all its people; ``Usage`` where they are not known."""
        if self.log is None:
            raise Usage("keys-missing", "this attack signs with people's keys: it needs the folder that 'good season' makes")
        return self.log()

    @property
    def size(self) -> int:
        """Of the tree."""
        return len(self.entries)

    @property
    def opening(self) -> ElectionOpened:
        """What entry 0 says."""
        data = reopen_entry(self.entries[0]).event.data
        if not isinstance(data, ElectionOpened):
            raise Usage("no-publication", "entry 0 opens no election")
        return data

    @property
    def ledger(self) -> str:
        """The ledger's id in hex."""
        return reopen_entry(self.entries[0]).event.event_id.hex()

    def bundle(self, index: int) -> str:
        """The path of the bundle that holds this entry."""
        number = index // TILE_WIDTH
        return entries_path(number, min(TILE_WIDTH, self.size - number * TILE_WIDTH))

    def tile(self, index: int) -> str:
        """The path of the tile of level 0 that holds this entry's hash."""
        number = index // TILE_WIDTH
        return tile_path(0, number, min(TILE_WIDTH, self.size - number * TILE_WIDTH))

    def pages(self, size: int | None = None) -> list[str]:
        """The recap pages of a size; without one, of the newest."""
        under = f"recap/{self.size if size is None else size}/"
        return sorted(path for path in self.files if path.startswith(under) and not path.endswith("/recap_root"))


def other_s(signature: bytes) -> bytes:
    """(r, n - s): valid wherever (r, s) is."""
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + (P256_ORDER - s).to_bytes(32, "big")


def timed(entries: Iterable[bytes]) -> list[bytes]:
    """The same log with a second between its entries; in the tests' logs the clock stands still."""
    return relink([part._replace(time=part.time + index * SECOND_MS) for index, part in enumerate(parts_of(entries))])


def _season() -> Good:
    log = whole_season()
    older, entries = (64,), timed(log.entries)
    return Good(publication(entries, log.world.signer, older=older), entries, older, log.world.signer, whole_season)


def _long() -> Good:
    """300 entries: founding, one form, which an officer holds and releases again and again."""
    world = World()
    log = MemoryLog(world.founding())
    log.append(world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0])))
    while len(log.entries) < 300:
        act = held(STATIONS[0]) if len(log.entries) % 2 == 0 else released(STATIONS[0])
        log.append(world.sign("officer", act))
    older, entries = (270,), timed(log.entries)
    return Good(publication(entries, world.signer, older=older), entries, older, world.signer, None)


class Witnessed(Governed):
    """A governed election that asks for two cosignatures of its three witnesses."""

    cosigners: Final = tuple(
        NoteCosigner(f"witness-{number}.example", Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))
        for number in (1, 2, 3)
    )

    def _founders(self, *arguments: Any) -> ElectionOpened:
        vkeys = tuple(cosigner.vkey for cosigner in self.cosigners)
        return msgspec.structs.replace(super()._founders(*arguments), witnesses=vkeys, quorum=QUORUM)


def witnesses_of(good: Good) -> tuple[NoteCosigner, ...]:
    """The witnesses that entry 0 names, where their keys are known."""
    if good.opening.witnesses != tuple(cosigner.vkey for cosigner in Witnessed.cosigners):
        raise Usage("keys-missing", "this attack needs the folder that 'good witnessed' makes")
    return Witnessed.cosigners


def _witnessed() -> Good:
    log = GovernedLog(Witnessed())
    entries = timed(log.entries)
    files = publication(entries, log.world.signer)
    note = files["checkpoint"]
    text = note.partition(b"\n\n")[0] + b"\n"
    lines = [cosigner.sign(text, timestamp=COSIGNED_AT) for cosigner in Witnessed.cosigners[:QUORUM]]
    files["checkpoint"] = note + b"".join(lines)
    return Good(files, entries, (), log.world.signer, lambda: GovernedLog(Witnessed()))


def _rekeyed() -> Good:
    log = rekeyed_season()
    entries = timed(log.entries)
    return Good(publication(entries, log_signer(LOG_2)), entries, (), log_signer(LOG_2), None)


BASES: Final[dict[str, Callable[[], Good]]] = {"season": _season, "long": _long, "witnessed": _witnessed, "rekeyed": _rekeyed}


@functools.cache
def base(name: str) -> Good:
    """One of ``BASES``, made once."""
    return BASES[name]()


def read(folder: Path, *, key: Ed25519PrivateKey | None) -> Good:
    """A good publication from disk, with what is known of its keys; ``key``: the log's."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    size = parse_checkpoint(parse_note(files["checkpoint"]).text).size
    entries: list[bytes] = []
    for first in range(0, size, TILE_WIDTH):
        width = min(TILE_WIDTH, size - first)
        entries += decode_bundle(files[entries_path(first // TILE_WIDTH, width)], width)
    tiles = [parse_path(path) for path in files]
    older = {tile.number * TILE_WIDTH + tile.width for tile in tiles if tile is not None and tile.level is None} - {size}
    recaps = {int(path.split("/")[1]) for path in files if path.startswith("recap/")} - {size}
    good = Good(files, entries, tuple(sorted(size for size in older | recaps if size % TILE_WIDTH or size in recaps)), None, None)
    for name in BASES:
        known = base(name)
        if known.entries[: len(entries)] == entries:
            good = good._replace(key=known.key, log=known.log if known.size == len(entries) else None)
            break
    return good if key is None else good._replace(key=NoteSigner(good.opening.origin, key))
