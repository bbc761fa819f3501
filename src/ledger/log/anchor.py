"""The anchor: what the log's signer remembers outside its database (docs/FORMATS.md section 8.5; docs/ARCHITECTURE.md: crashes).

A database can be put back to an older state; whoever then signs on signs a second history.  So the newest checkpoint that may have
left the process stands in a small file outside the ledger folder, the database and the backups of both: the signed note itself, and
an empty file for a log without an entry.  The rules:

1. A note leaves the process only after the commit, and after it, or one of a larger tree, is durable in the anchor (``advance``).
2. Before signing, and when a ledger is opened, the log's size is not below the anchor's, and its root at that size, computed again
   from the store, is the anchor's (``check``).  The same is asked of the checkpoint published in the ledger folder, if any.
   Whose word the note is the log's key at its size says; a note beyond the log may be by a key that the store has not heard of.
3. Making an anchor and opening one are different acts: a missing file is an error, never a new anchor.

``read`` comes before the head is read, or while the head is locked; so another process's newer note is not mistaken for a rollback.

Left to others: that the path lies on other storage than the database (an administrator's matter), and the cure (log.restore).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection

from ledger.errors import BadInput, Broken, LedgerError, NotVerified, Waiting
from ledger.files import Files
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.proof.merkle import root_at
from ledger.proof.note import NOTE_LIMIT_BYTES, NoteKey, parse_note, parse_vkey
from ledger.store.entries import Head, tile_reader
from ledger.store.rows import Rows
from ledger.tally.rows import LogKey, log_key_at
from ledger.tally.state import ELECTION, SINGLE

__all__ = ["Anchor", "Seen"]

JUDGED_MAX: Final = 8


class Seen(NamedTuple):
    """A checkpoint that left the log earlier, the note that says so, and its file, None where somebody brings it; whose word it is,
    ``Anchor.check`` asks."""

    checkpoint: Checkpoint
    note: bytes
    path: Path | None


class Anchor:
    """A log's memory of what it signed.  ``path``: the anchor's file, None for a log that has none (then the published checkpoint
    alone is remembered); ``published``: the ledger's own publication folder; ``key``: the log's first one; its name is the origin;
    ``held``: the keys whose private part is at hand, of which the store may not know yet."""

    def __init__(
        self, path: Path | None, *, published: Path, key: NoteKey, files: Files, held: Callable[[], Sequence[NoteKey]] = tuple
    ) -> None:
        self.path: Final = path
        self._published = published / "checkpoint"
        self._key = key
        self._files = files
        self._held = held
        self._durable = 0  # the size that this process knows to be on the disk
        self._judged: set[bytes] = set()  # notes found to be this log's word, where the log had at least their size

    def create(self, note: bytes) -> None:
        """Makes the file; ``note`` is the head's, b'' for an empty log.  Raises ``Broken`` ``anchor-exists`` where there is one."""
        if self.path is None:
            raise BadInput("anchor-missing", "no path is told")
        self._files.make_folder(self.path.parent)
        with self._files.locked(self.path.parent, wait=True):
            if self.path.exists():
                raise Broken("anchor-exists", "there is an anchor already; it is never replaced", path=str(self.path))
            self._files.write(self.path, note)

    def read(self) -> tuple[Seen, ...]:
        """What left this log earlier.  Raises ``Broken`` ``anchor-missing``, ``anchor-damaged``."""
        anchored, published = self._anchored(), self._shown()
        return tuple(seen for seen in (anchored, published) if seen is not None)

    def open(self, connection: Connection, head: Head, note: bytes) -> Seen:
        """A checkpoint that somebody brings, now known to be this log's word; raises as ``open_checkpoint``."""
        seen = self._seen(note, None)
        fault = self._fault(connection, head, seen)
        if fault is not None:
            raise fault
        return seen

    def check(self, connection: Connection, head: Head, seen: tuple[Seen, ...]) -> None:
        """The log up to ``head`` extends everything ``seen``; else ``Broken`` ``log-rolled-back``, which only re-appending the
        entries that are missing cures, byte for byte (``ledger restore``).  ``Broken`` ``anchor-damaged`` for an anchor that this
        log did not sign; what is published is ``publish``'s to refuse then."""
        for each in seen:
            checkpoint, _, path = each
            size, place = checkpoint.size, {} if path is None else {"path": str(path)}
            fault = self._fault(connection, head, each)
            if size > head.size and (fault is None or self._by_a_later_key(each, fault)):
                raise Broken("log-rolled-back", "the log is shorter than what it signed", signed=size, size=head.size, **place)
            if fault is not None and path == self.path:
                raise Broken("anchor-damaged", f"not a checkpoint of this log: {fault}", path=str(path))
            if fault is not None:
                continue
            root = head.frontier.root() if size == head.size else root_at(size, tile_reader(connection))
            if root != checkpoint.root:
                raise Broken("log-rolled-back", "the log is not the one that it signed", signed=size, size=head.size, **place)

    def _fault(self, connection: Connection, head: Head, seen: Seen) -> BadInput | NotVerified | None:
        """None where the log's key at its size signed it: for a size beyond the store's, the last that the store knows, or one that
        is held."""
        if seen.note in self._judged and seen.checkpoint.size <= head.size:
            return None  # which key is the log's at a size that it has never changes
        election = Rows(connection).get(ELECTION, SINGLE)
        known = (LogKey(0, self._key.vkey),) if election is None else election.log_keys
        if seen.checkpoint.size <= head.size:
            keys = [parse_vkey(log_key_at(known, seen.checkpoint.size))]
        else:
            keys = [parse_vkey(known[-1].vkey), *self._held()]
        fault: BadInput | NotVerified | None = None
        for key in keys:
            try:
                open_checkpoint(seen.note, [key], self._key.name)
            except (BadInput, NotVerified) as problem:
                fault = fault or problem
            else:
                if seen.checkpoint.size <= head.size:
                    self._remember(seen.note)
                return None
        return fault

    def _remember(self, note: bytes) -> None:
        if len(self._judged) >= JUDGED_MAX:
            self._judged.clear()
        self._judged.add(note)

    def _by_a_later_key(self, seen: Seen, fault: BadInput | NotVerified) -> bool:
        """Whether a note beyond the log bears a line under the log's name by a key that nobody here knows: as after a rekeying."""
        return fault.code == "note-unsigned" and any(line.name == self._key.name for line in parse_note(seen.note).lines)

    def advance(self, note: bytes) -> None:
        """``note``, checked and committed, may leave the process: it, or that of a larger tree, is durable in the file.

        Raises ``Waiting`` ``folder-busy`` where another process keeps the anchor's folder, and ``Broken`` ``anchor-failed`` where
        it is not known whether the note is durable; then no answer may be given but to send the same bytes again.
        """
        if self.path is None or not note:
            return
        size = parse_checkpoint(parse_note(note).text).size
        if size <= self._durable:
            return
        self._remember(note)
        try:
            with self._files.locked(self.path.parent, wait=True):  # an older note never replaces a newer one
                seen = self._anchored()
                if seen is not None and seen.checkpoint.size > size:
                    size, note = seen.checkpoint.size, self._files.read(self.path, NOTE_LIMIT_BYTES)
                self._files.write(self.path, note)  # also what is there: who wrote it may have died before it was synced
        except Waiting:
            raise
        except (LedgerError, OSError) as problem:
            raise Broken("anchor-failed", f"{problem}; send the same bytes again", path=str(self.path)) from problem
        self._durable = size

    def _anchored(self) -> Seen | None:
        """None for no anchor and for one of an empty log."""
        if self.path is None:
            return None
        if not self.path.exists():
            raise Broken("anchor-missing", "the anchor's file is not there", path=str(self.path))
        note = self._files.read(self.path, NOTE_LIMIT_BYTES)
        if not note:
            return None
        try:
            return self._seen(note, self.path)
        except BadInput as problem:
            raise Broken("anchor-damaged", f"not a checkpoint of this log: {problem}", path=str(self.path)) from None

    def _shown(self) -> Seen | None:
        """What the publication folder shows."""
        if not self._published.is_file():
            return None
        try:
            return self._seen(self._files.read(self._published, NOTE_LIMIT_BYTES), self._published)
        except BadInput:
            return None

    def _seen(self, note: bytes, path: Path | None) -> Seen:
        """What the note says; ``BadInput`` where it is no checkpoint, or of another origin."""
        checkpoint = parse_checkpoint(parse_note(note).text)
        if checkpoint.origin != self._key.name:
            raise BadInput("bad-checkpoint", "of another log", found=checkpoint.origin)
        return Seen(checkpoint, note, path)
