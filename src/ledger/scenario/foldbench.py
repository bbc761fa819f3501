"""How fast the fold is on this machine: a synthetic nation is written to a file once, then replayed from it in a process of its
own.

What is measured is a replay without signatures, as ``ledger replay`` does it: decode an entry, decide, apply, trace; at the end the
totals.  Beside it, over the same entries in the same process, the reference: what decoding alone costs.  Times are wall times of
one run; quote their ratio.

The part that is serial by nature is ``decide`` and ``apply``: an event is decided over the state that all before it left.  Decoding
and, for an audit, signatures can be done ahead by other cores.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from ledger.errors import Broken
from ledger.proof.merkle import leaf_hash
from ledger.scenario.nation import Nation, shape_of
from ledger.tally.fold import decide, uncollected
from ledger.tally.memory import Memory
from ledger.tally.projection import trace
from ledger.tally.recaps import current_root
from ledger.tally.rollup import roll_up
from ledger.tally.signing import OpenedEntry, encode_entry, reopen_entry
from ledger.tally.state import CERTIFICATES, At, Change

__all__ = ["Generated", "Replayed", "fold_entry", "generate", "read_chunks", "replay_file"]

CHUNK_ENTRIES: Final = 2_048
_LENGTH_BYTES: Final = 4
_KIB: Final = 1_024


class Generated(Struct, frozen=True):
    """What was written: entries by type, bytes, seconds, the root over all recaps in hex."""

    events: dict[str, int]
    entries: int
    bytes: int
    seconds: float
    root: str


class Replayed(Struct, frozen=True):
    """A replay of the file.  Seconds of each part; memory in MiB at its highest; ``root`` as in ``Generated``."""

    entries: int
    decode_seconds: float
    fold_seconds: float
    totals_seconds: float
    certificates: int
    totals: int
    peak_mib: float
    root: str

    @property
    def seconds(self) -> float:
        """All parts together."""
        return self.decode_seconds + self.fold_seconds + self.totals_seconds


def generate(path: Path, *, stations: int, seed: int, progress: Callable[[str, int], None]) -> Generated:
    """Writes the entries of a synthetic election (length and bytes, one after the other); ``progress`` is told (type, entries)."""
    started = time.perf_counter()
    nation, memory = Nation(shape_of(stations=stations, seed=seed), seed=seed), Memory()
    events: Counter[str] = Counter()
    chain, written = bytes(32), 0
    with path.open("wb") as file, uncollected():
        for name, signed, moment in nation.events(memory, events.total):
            payload, signature = msgspec.msgpack.decode(signed.submission)
            size = events.total()
            data = encode_entry(index=size, chain=chain, sequenced_at=moment, payload=payload, signature=signature)
            fold_entry(memory, reopen_entry(data), size)
            file.write(len(data).to_bytes(_LENGTH_BYTES) + data)
            events[name] += 1
            chain, written = leaf_hash(data), written + len(data)
            if size % CHUNK_ENTRIES == 0:
                progress(name, size)
    size = events.total()
    root = current_root(memory, size=size).hex()
    return Generated(dict(sorted(events.items())), size, written, time.perf_counter() - started, root)


def fold_entry(memory: Memory, entry: OpenedEntry, index: int) -> None:
    """Decides and applies an entry that must take effect; ``Broken`` ``scenario-refused``."""
    change = decide(memory, entry.event, At(index, entry.sequenced_at))
    if not isinstance(change, Change) or change.void:
        raise Broken("scenario-refused", f"the fold did not take an event of the generator: {change}", index=index)
    memory.apply(change)
    for table, key, row in trace(index, change):
        memory.put(table, key, row)


def replay_file(path: Path) -> Replayed:
    """Replays the file in this process.  Raises ``Broken`` where an entry cannot be folded."""
    memory = Memory()
    decoding = folding = 0.0
    size = 0
    with path.open("rb") as file, uncollected():
        for chunk in read_chunks(file):
            started = time.perf_counter()
            opened = [reopen_entry(data) for data in chunk]
            decoded = time.perf_counter()
            for entry in opened:
                fold_entry(memory, entry, size)
                size += 1
            decoding += decoded - started
            folding += time.perf_counter() - decoded
        started = time.perf_counter()
        totals = roll_up(memory)
        summing = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB
    certificates = sum(1 for _ in memory.under(CERTIFICATES))
    root = current_root(memory, size=size).hex()
    unit = _KIB if sys.platform == "darwin" else 1
    return Replayed(size, decoding, folding, summing, certificates, len(totals), peak / unit, root)


def read_chunks(file: BinaryIO) -> Iterator[list[bytes]]:
    """The entries of a file that ``generate`` wrote, up to ``CHUNK_ENTRIES`` at a time."""
    chunk: list[bytes] = []
    while head := file.read(_LENGTH_BYTES):
        chunk.append(file.read(int.from_bytes(head)))
        if len(chunk) == CHUNK_ENTRIES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
