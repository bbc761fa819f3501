"""Restoring: a verified publication turned back into a ledger, and the cure of a log that was rolled back.

The very entries are appended again, byte for byte: index, chain, time and submission are those that were published, so the tree is
the same and no second history can come of it.  All of it is one transaction; each entry is decided afresh by the functions that
intake decides with, so the projection is the one that intake would have made.  The steps:

1. lock the head
2. the store is a prefix of the publication: its root is that of the first so many published entries
3. each further entry: decided, encoded, compared with the published bytes
4. the root at the end is the published checkpoint's; the head holds that very note
5. the log extends all that left it before (anchor)
6. commit; then the anchor

A crash before 6 leaves the store as it was; after it, restoring again finds nothing to append.  The signatures inside the entries
are not checked here: the caller has verified the publication (``ledger.audit``), and the root ties the entries to what it verified.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from ledger.errors import Broken
from ledger.log.anchor import Anchor
from ledger.log.append import BATCH_EVENTS, Appended, Work
from ledger.proof.checkpoint import Checkpoint, parse_checkpoint
from ledger.proof.merkle import Frontier, leaf_hash, root_at
from ledger.proof.note import parse_note
from ledger.store.engine import Database
from ledger.store.entries import Head, lock_head, tile_reader, write_entries
from ledger.store.rows import Batch
from ledger.tally.fold import needs
from ledger.tally.signing import OpenedEntry, reopen_entry
from ledger.tally.state import ELECTION, SINGLE

__all__ = ["Restored", "restore"]


class Restored(NamedTuple):
    """The log's size before and after; the entries between were appended again."""

    before: int
    size: int


def restore(database: Database, entries: Iterable[bytes], *, note: bytes, anchor: Anchor | None) -> Restored:
    """Appends what the store lacks of ``entries``, all of a verified publication in order; ``note`` is its checkpoint.

    A store that is longer already, and holds the publication, stays as it is.  Raises ``Broken`` ``store-not-prefix`` where the
    store is another log, ``restore-differs`` where the entries are not those of ``note``, ``log-rolled-back`` where the publication
    is itself behind what the log signed, ``entry-not-foldable``; the store is then as it was.
    """
    shown = parse_checkpoint(parse_note(note).text)
    source = iter(entries)
    with database.writing(long=True) as connection:
        head = lock_head(connection)  # 1
        seen = () if anchor is None else anchor.read()
        common = min(head.size, shown.size)
        if _root_of(itertools.islice(source, common), common) != _root_at(connection, head, common):  # 2
            raise Broken("store-not-prefix", "the store holds another log than the publication", size=head.size)
        made = _append(connection, head, source, note, shown) if shown.size > head.size else head  # 3, 4
        if anchor is not None:
            anchor.check(connection, made, seen)  # 5
    if anchor is not None:
        anchor.advance(made.checkpoint)  # 6
    return Restored(head.size, made.size)


def _root_of(entries: Iterator[bytes], size: int) -> bytes:
    """The root over ``size`` entries; ``Broken`` ``restore-differs`` where fewer come."""
    frontier = Frontier.EMPTY
    while chunk := [leaf_hash(entry) for entry in itertools.islice(entries, BATCH_EVENTS)]:
        frontier = frontier.extend(chunk)
    if frontier.size != size:
        raise Broken("restore-differs", "the publication gives fewer entries than it has", index=frontier.size)
    return frontier.root()


def _root_at(connection: Connection, head: Head, size: int) -> bytes:
    return head.frontier.root() if size == head.size else root_at(size, tile_reader(connection))


def _append(connection: Connection, head: Head, source: Iterator[bytes], note: bytes, shown: Checkpoint) -> Head:
    """The head after all entries that ``source`` still gives.  Heads between are seen by nobody, so they bear no note."""
    while head.size < shown.size:
        chunk = list(itertools.islice(source, min(BATCH_EVENTS, shown.size - head.size)))
        if not chunk:
            raise Broken("restore-differs", "the publication gives fewer entries than it has", index=head.size)
        work = _decided(connection, head, chunk)
        frontier = head.frontier.extend([entry.leaf for entry in work.entries])
        last = frontier.size == shown.size
        if last and frontier.root() != shown.root:
            raise Broken("restore-differs", "the entries do not give the checkpoint's root", index=shown.size)
        new = Head(frontier.size, work.chain, frontier, work.time, note if last else b"")
        work.batch.flush()
        write_entries(connection, head, new, work.entries)
        head = new
    return head


def _decided(connection: Connection, head: Head, chunk: list[bytes]) -> Work:
    """``chunk`` as intake would have appended it, byte for byte."""
    opened: list[OpenedEntry] = [reopen_entry(entry) for entry in chunk]
    batch = Batch(connection)
    election = batch.get(ELECTION, SINGLE)
    digits = () if election is None else election.digits
    batch.load(need for entry in opened for need in needs(entry.event, digits))
    work = Work(batch, head, head.sequenced_at)
    for data, entry in zip(chunk, opened, strict=True):
        index = work.size
        work.time = entry.sequenced_at
        answer = work.take(entry.event, late=False)
        if not isinstance(answer, Appended):
            raise Broken("entry-not-foldable", str(answer), index=index)
        if work.entries[-1].entry != data:
            raise Broken("restore-differs", "appended again, an entry has other bytes", index=index)
    return work
