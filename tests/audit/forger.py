"""Whoever holds the log's key and the server: makes entries, checkpoints and files that are sound in themselves and false.

Intake refuses forbidden acts, so the only way to see that an auditor refuses them too is to write them into a log past intake.
``relink`` makes a chain of any events; ``publication`` makes every file of a published folder from any entries, with pages as a
fold gives them that passes over what it refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.merkle import Frontier, leaf_hash, subtree_root
from ledger.proof.note import NoteSigner
from ledger.proof.tiles import TILE_WIDTH, encode_bundle, entry_layout, tile_layout
from ledger.tally.fold import decide
from ledger.tally.memory import Memory
from ledger.tally.pages import page_path, recap_pages, recap_root
from ledger.tally.projection import SUMS, sums_key, trace
from ledger.tally.rollup import roll_up
from ledger.tally.signing import encode_entry, reopen_entry
from ledger.tally.state import ELECTION, SINGLE, At, Change

Files = dict[str, bytes]


class Part(NamedTuple):
    """An entry without its place in the chain.  ``index``: what the entry is to say, None for the truth."""

    payload: bytes
    signature: bytes
    time: int
    index: int | None = None


def parts_of(entries: Iterable[bytes]) -> list[Part]:
    """What the entries are made of."""
    opened = [reopen_entry(entry) for entry in entries]
    return [Part(entry.event.payload, entry.event.signature, entry.sequenced_at) for entry in opened]


def part(submission: bytes, time: int) -> Part:
    """A submission's bytes as an entry to be."""
    payload, signature = msgspec.msgpack.decode(submission)
    return Part(payload, signature, time)


def relink(parts: Iterable[Part]) -> list[bytes]:
    """Entries of these parts, each chained to the one before."""
    entries: list[bytes] = []
    chain = bytes(32)
    for number, each in enumerate(parts):
        index = number if each.index is None else each.index
        entries.append(
            encode_entry(index=index, chain=chain, sequenced_at=each.time, payload=each.payload, signature=each.signature)
        )
        chain = leaf_hash(entries[-1])
    return entries


def root_of(entries: Sequence[bytes]) -> bytes:
    """The root of the tree over the entries."""
    return Frontier.EMPTY.extend([leaf_hash(entry) for entry in entries]).root()


def state_of(entries: Iterable[bytes]) -> Memory:
    """The state after the entries, those passed over that the fold refuses or that cannot be read."""
    memory = Memory()
    for index, data in enumerate(entries):
        try:
            entry = reopen_entry(data)
        except Exception:  # noqa: S112 - whatever it is, a forger goes on
            continue
        change = decide(memory, entry.event, At(index, entry.sequenced_at))
        if isinstance(change, Change):
            memory.apply(change)
            for table, key, row in trace(index, change):
                memory.put(table, key, row)
    for (contest, area), sums in roll_up(memory).items():
        memory.put(SUMS, sums_key(contest, area), sums)
    return memory


def tree_files(entries: Sequence[bytes]) -> Files:
    """Every tile and bundle of a log of these entries."""
    levels = [[leaf_hash(entry) for entry in entries]]
    while len(levels[-1]) >= TILE_WIDTH:
        hashes = levels[-1]
        whole = len(hashes) // TILE_WIDTH * TILE_WIDTH
        levels.append([subtree_root(hashes[at : at + TILE_WIDTH]) for at in range(0, whole, TILE_WIDTH)])
    files: Files = {}
    for tile in tile_layout(len(entries)):
        first = tile.number * TILE_WIDTH
        files[tile.path] = b"".join(levels[tile.level or 0][first : first + tile.width])
    for tile in entry_layout(len(entries)):
        first = tile.number * TILE_WIDTH
        files[tile.path] = encode_bundle(entries[first : first + tile.width])
    return files


def recap_files(entries: Sequence[bytes], state: Memory | None = None) -> Files:
    """Every page of the recap of these entries; ``state``: what they are to be taken to give."""
    size = len(entries)
    state = state or state_of(entries)
    pages = list(recap_pages(state, size))
    files = {f"recap/{size}/{page_path(page.contest, page.area)}": page.data for page in pages}
    election = state.get(ELECTION, SINGLE)
    tops = [(page.contest, page.commitment) for page in pages if page.top]
    if election is not None:
        files[f"recap/{size}/recap_root"] = recap_root(ledger=election.ledger, size=size, tops=tops)
    return files


def checkpoint_of(entries: Sequence[bytes], signer: NoteSigner, *, root: bytes | None = None) -> bytes:
    """The signed checkpoint; ``root``: another one than the entries'."""
    return sign_checkpoint(Checkpoint(signer.key.name, len(entries), root or root_of(entries)), signer)


def publication(entries: Sequence[bytes], signer: NoteSigner, *, older: Iterable[int] = ()) -> Files:
    """Every file of a published folder; ``older``: sizes at which it was published before, of which the last keeps its recap."""
    files: Files = {"README.txt": b"anything\n"}
    for size in older:
        files |= tree_files(entries[:size])
        last = recap_files(entries[:size])
    if older:
        files |= last
    return files | tree_files(entries) | recap_files(entries) | {"checkpoint": checkpoint_of(entries, signer)}


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The files on disk."""
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return folder
