"""What one verification leaves for the next, so that only what is new is read again.

    tally-ledger/audit-state/v1        a line
    32 bytes                           SHA-256 of what follows
    a State as MessagePack             the fold's rows, the tree's right edge, the last leaf, counts, the checkpoint

It is taken at the last whole bundle of a log in which nothing was wrong; the entries after it are read again next time, and so is
the old root recomputed.  The price is a file of the size of all rows, and the time to read and write it; in return no entry,
signature or tile before it is looked at again, and a report that rests on it says since when.

The file is its owner's own memory.  The digest shows damage by accident; whoever can write to the file can make its owner
believe anything, so it is kept where the checkpoint would be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from ledger.errors import BadInput
from ledger.proof.merkle import HASH_BYTES
from ledger.proof.tiles import TILE_WIDTH
from ledger.tally.memory import Memory
from ledger.tally.state import TABLES, Table

__all__ = ["STATE_LIMIT_BYTES", "STATE_PLACE", "State", "decode_state", "encode_state", "restore_rows", "rows_of"]

STATE_LIMIT_BYTES: Final = 4 * 2**30
STATE_PLACE: Final = "the state of the earlier verification"
"""How a report calls the tree that was verified before."""

_HEADER: Final = b"tally-ledger/audit-state/v1\n"
_START: Final = len(_HEADER) + HASH_BYTES

Rows = dict[str, list[tuple[bytes, bytes]]]
_TABLES: Final[dict[str, Table[Any]]] = {table.name: table for table in TABLES}


class State(Struct, frozen=True, kw_only=True):
    """A verification that stood at ``size`` entries (a multiple of 256) of the log whose ``checkpoint`` it then verified whole.

    ``opening``: entry 0's bytes.  ``tiles``: the unfinished tile of each level, ``finished``: how many tiles of each level are
    finished.  ``leaf`` and ``time``: of the last entry.  ``rows``: table -> (key, row bytes), in key order.
    ``verified_at``: ms since 1970; ``since``: when the first of the verifications that this one rests on ended.
    """

    size: int
    checkpoint: bytes
    opening: bytes
    tiles: list[list[bytes]]
    finished: list[int]
    leaf: bytes
    time: int
    events: dict[str, int]
    voids: dict[str, int]
    certificates: int
    seals: int
    rows: Rows
    verified_at: int
    since: int


_decoder: Final = msgspec.msgpack.Decoder(State)


def encode_state(state: State) -> bytes:
    """The file's bytes."""
    body = msgspec.msgpack.encode(state)
    return b"".join([_HEADER, hashlib.sha256(body).digest(), body])


def decode_state(data: bytes) -> State:
    """The state whose file this is; ``BadInput`` ``bad-state`` for anything else."""
    body = data[_START:]
    if not data.startswith(_HEADER) or hashlib.sha256(body).digest() != data[len(_HEADER) : _START]:
        raise BadInput("bad-state", "no state of a verification, or a damaged one")
    try:
        state = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise BadInput("bad-state", f"of another version: {problem}") from None
    if state.size % TILE_WIDTH or state.size < 0 or len(state.tiles) != len(state.finished) or not set(state.rows) <= set(_TABLES):
        raise BadInput("bad-state", "of another version: its parts do not fit")
    return state


def rows_of(memory: Memory) -> Rows:
    """All rows of the fold's state in their canonical bytes."""
    return {table.name: [(key, table.encode(row)) for key, row in memory.under(table)] for table in TABLES}


def restore_rows(rows: Rows) -> Memory:
    """The state of these rows; ``BadInput`` ``bad-state`` where they are of another version."""
    memory = Memory()
    try:
        for table, key, row in _decoded(rows):
            memory.put(table, key, row)
    except (BadInput, msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise BadInput("bad-state", f"of another version: {problem}") from None
    return memory


def _decoded(rows: Rows) -> Iterator[tuple[Table[Any], bytes, Any]]:
    for name, pairs in rows.items():
        table = _TABLES[name]
        for key, data in pairs:
            yield table, key, table.decode(data)
