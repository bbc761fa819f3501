"""The key chain of a log: the entries that a reader follows from entry 0 to the key in force (``ledger.tally.keychain``)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection

from ledger.errors import Broken
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.merkle import prove_inclusion
from ledger.proof.note import parse_note
from ledger.store.entries import find_events, read_entries, tile_reader
from ledger.store.rows import Rows
from ledger.tally.acts.rekeying import SEALER_SEAT
from ledger.tally.events import Approved
from ledger.tally.keychain import KeyChainFile, Stated
from ledger.tally.signing import reopen_entry
from ledger.tally.state import ELECTION, KEYS, SEATS, SINGLE

__all__ = ["key_chain", "rekeyings_below", "state_entries"]


def rekeyings_below(connection: Connection, size: int) -> list[int]:
    """Where the rekeyings that took effect below this tree size stand, and their approvals: ascending indices."""
    rows = Rows(connection)
    election, live = rows.get(ELECTION, SINGLE), rows.get(SEATS, SEALER_SEAT)
    sealer = None if live is None else rows.get(KEYS, live)
    if election is None or live is None or sealer is None:
        raise Broken("store-damaged", "the projection has no election or no sealer")
    sealers = [rows.get(KEYS, point) for point in (*sealer.before, live)]
    effective = {key.size - 1 for key in election.rekeyed} | {key.enrolled for key in sealers[1:] if key is not None}
    approvals = sorted(index for index in effective if index < size)
    return sorted({*approvals, *(_proposal(connection, index) for index in approvals)})


def _proposal(connection: Connection, approval: int) -> int:
    """Where the rekeying stands that the entry at ``approval`` gave effect."""
    data = reopen_entry(_entry(connection, approval)).event.data
    found = find_events(connection, [data.event]) if isinstance(data, Approved) else {}
    for index in found.values():
        return index
    raise Broken("store-damaged", "the projection names a rekeying that is not in the log", index=approval)


def key_chain(connection: Connection, note: bytes) -> bytes:
    """The key chain up to the tree of this checkpoint of the log: a file as ``ledger.tally.keychain.open_chain`` reads it."""
    size = parse_checkpoint(parse_note(note).text).size
    stated = state_entries(connection, [0, *rekeyings_below(connection, size)], size)
    return msgspec.msgpack.encode(KeyChainFile(1, note, stated))


def state_entries(connection: Connection, indices: Iterable[int], size: int) -> tuple[Stated, ...]:
    """These entries with their paths in the tree of this size."""
    tiles = tile_reader(connection)
    return tuple(Stated(_entry(connection, index), tuple(prove_inclusion(index, size, tiles))) for index in indices)


def _entry(connection: Connection, index: int) -> bytes:
    return next(read_entries(connection, index, index + 1)).entry
