"""Appending: from submitted bytes to entries, state, totals and a signed checkpoint that change together or not at all.

The steps of ``Log.append``, and what a crash there leaves (docs/ARCHITECTURE.md has the table):

1. open: canonical bytes, schema, signature, in parallel; nothing held                   -- nothing happened
2. lock the head; read everything else after it                                          -- nothing happened
3. known events: the same event id, under any valid signature, is answered with its place
   The log extends all that left it before, by the anchor and by what is published; else ``log-rolled-back``
4. load every row that the batch's decisions read, set-wise
5. decide one event after the other; a refusal leaves no trace.  Where a seal is due, it is the batch's last entry
6. write entries, full subtrees, state and totals; sign the checkpoint; move the head    -- rolled back
7. commit                                                                                -- all or nothing
8. the checkpoint is durable in the anchor                                               -- step 3 answers; the anchor follows
9. answer.  Whoever got no answer sends the same bytes again                             -- step 3 answers

A commit that failed is one whose outcome nobody knows, and an anchor that could not be synced is as bad: the log then takes nothing
more until it is opened again, and its only answer is to send the same bytes again.  Where the database settles such a commit
(``Database.settles``), opening it again is making a new ``Log``: its step 2 waits for the outcome, step 3 reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct
from sqlalchemy import Connection

from ledger.errors import Broken, Refused, Waiting
from ledger.log.anchor import Anchor
from ledger.log.receipts import encode_receipt
from ledger.log.signers import Signers
from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.growth import Growth
from ledger.proof.merkle import leaf_hash
from ledger.proof.note import NoteSigner
from ledger.store.engine import Database
from ledger.store.entries import Head, StoredEntry, find_events, lock_head, read_head, write_entries
from ledger.store.rows import Batch
from ledger.tally.acts.approvals import waits
from ledger.tally.acts.rekeying import SEALER_SEAT
from ledger.tally.events import ElectionOpened, RecapSealed
from ledger.tally.fold import decide, more, needs
from ledger.tally.projection import VOIDS, trace
from ledger.tally.recaps import Recaps, current_root
from ledger.tally.rows import Seal, log_key_at
from ledger.tally.signing import Opened, encode_entry, open_submission, sign_event
from ledger.tally.state import CERTIFICATES, CONTESTS, ELECTION, PENDING, SEALS, SEATS, SINGLE, STREAMS, At, Change

__all__ = ["BATCH_EVENTS", "SEAL_ENTRIES", "SEAL_MS", "Answer", "Appended", "Log", "Work", "admit"]

BATCH_EVENTS: Final = 1_000
"""The most events that one transaction appends, a seal not counted."""

SEAL_MS: Final = 15 * 60 * 1_000
SEAL_ENTRIES: Final = 50_000
"""A seal is due when so much time, or so many entries, lie behind the last one; and with each certificate of a deciding level."""

UNKNOWN_OUTCOMES: Final = ("commit-unknown", "anchor-failed")
"""Codes after which nobody knows what is on the disk: the log stops."""

_OPEN_CHUNK: Final = 64


class Appended(Struct, frozen=True, gc=False):
    """The event stands at ``index`` (entry 0 is the first).  ``void`` is its code where it takes no effect, '' where it does;
    ``before`` is True where it stood there before this call; ``late`` where the clock had gone back, so that the entry bears the
    time of the one before; ``pending`` where it waits for a second seat's approval."""

    event_id: bytes
    index: int
    void: str
    before: bool
    late: bool
    pending: bool


Answer = Appended | Refused | Waiting
_Made = TypeVar("_Made")


class _Kept(NamedTuple):
    """What the last batch knew of the recaps, good while the log ends as it did then."""

    chain: bytes
    recaps: Recaps


class _Latest(NamedTuple):
    """The last transaction, for its receipts: its checkpoint's note, its tree, its time; of its entries from ``first`` on the chain
    and the event's signature."""

    note: bytes
    growth: Growth
    time: int
    first: int
    bindings: Sequence[tuple[bytes, bytes]]


def admit(submissions: Sequence[bytes], executor: Executor | None) -> list[Opened | Refused]:
    """Opens submissions, over the executor's threads where there is one; the order is kept."""
    if executor is None or len(submissions) < 2 * _OPEN_CHUNK:
        return _open_all(submissions)
    chunks = [submissions[at : at + _OPEN_CHUNK] for at in range(0, len(submissions), _OPEN_CHUNK)]
    return [opened for chunk in executor.map(_open_all, chunks) for opened in chunk]


def _open_all(submissions: Sequence[bytes]) -> list[Opened | Refused]:
    opened: list[Opened | Refused] = []
    for submission in submissions:
        try:
            opened.append(open_submission(submission))
        except Refused as refusal:
            opened.append(refusal)
    return opened


class Log:
    """A ledger's log, open for appending.  ``clock`` gives ms since 1970; ``signers`` holds the log's Ed25519 keys and those that
    seal the recaps: where the sealer's in force is not there, the log makes no seals; ``anchor`` what it signed before, None for a
    log without; ``automatic`` is False for a log that seals only when told (``seal``)."""

    def __init__(
        self,
        database: Database,
        *,
        signers: Signers,
        clock: Callable[[], int],
        anchor: Anchor | None = None,
        automatic: bool = True,
    ) -> None:
        self._database = database
        self._signers = signers
        self._clock = clock
        self._anchor = anchor
        self._automatic = automatic
        self._stopped: Broken | None = None
        self._recaps: _Kept | None = None
        self._latest: _Latest | None = None

    def append(self, submissions: Sequence[bytes], *, executor: Executor | None = None) -> list[Answer]:
        """One answer for each submission, in order.  Appends at most ``BATCH_EVENTS`` of them a transaction.

        Each transaction's head is signed by the log's key at that size.  Where the folder lacks it nothing is appended (``Broken``
        ``log-key-absent``): so a key that is lost is replaced by proposal and approval sent together.

        Raises ``Broken`` (disk full, damaged store, ...) or ``Waiting`` (another writer) when a transaction fails as a whole;
        sending the same bytes again is right then, whatever became of it.  After ``commit-unknown`` and ``anchor-failed`` this
        object raises ``log-stopped`` for ever; a new one looks at what is on the disk.
        """
        return self.append_opened(admit(submissions, executor))  # 1

    def append_opened(self, opened: Sequence[Opened | Refused]) -> list[Answer]:
        """The same for submissions that ``admit`` has opened."""
        self._require_running()
        answers: list[Answer] = []
        for start in range(0, len(opened), BATCH_EVENTS):
            batch = opened[start : start + BATCH_EVENTS]
            answers += self._transaction(partial(self._take, batch))
        return answers  # 9

    def latest_receipt(self, index: int) -> bytes | None:
        """The receipt of an entry of this object's last transaction, up to that one's checkpoint, without a look at the store; None
        for any other entry."""
        latest = self._latest
        if latest is None:
            return None
        at = index - latest.first
        if not 0 <= at < len(latest.bindings):
            return None
        chain, signature = latest.bindings[at]
        return encode_receipt(index, chain, latest.time, signature, latest.growth.path(index), latest.note)

    def foretell(self, submissions: Sequence[bytes]) -> list[Answer]:
        """What ``append`` would answer now, one after the other; nothing is written, signed or locked, so another writer may be
        first.  At most ``BATCH_EVENTS``."""
        with self._database.reading() as connection:
            return self.imagine(connection, submissions)[1]

    def imagine(self, connection: Connection, submissions: Sequence[bytes]) -> tuple[Work, list[Answer]]:
        """The log as it would be with these submissions, and the answers to them: state and entries in memory, nothing written.  At
        most ``BATCH_EVENTS``."""
        batch = Batch(connection)
        work, answers = self._take(admit(submissions[:BATCH_EVENTS], None), connection, batch, read_head(connection))
        batch.carry_up()
        return work, answers

    def seal(self) -> Appended:
        """Appends a seal now, whether or not one is due.  Raises ``Refused`` ``sealer-missing`` where the folder lacks the
        sealer's key in force; else as ``append``."""
        self._require_running()
        return self._transaction(self._seal_now)

    def _require_running(self) -> None:
        if self._stopped is not None:
            raise Broken("log-stopped", "an earlier failure left open what is on the disk", after=self._stopped.code)

    def _transaction(self, make: Callable[[Connection, Batch, Head], tuple[Work, _Made]]) -> _Made:
        """What ``make`` has made over the locked head, once it is on the disk and the anchor has its checkpoint."""
        recaps, self._recaps = self._recaps, None  # what a failed transaction knew is of a state that never was
        try:
            with self._database.writing() as connection:  # 7: commits at the end
                head = lock_head(connection)  # 2
                if self._anchor is not None:
                    self._anchor.check(connection, head, self._anchor.read())
                known = recaps.recaps if recaps is not None and recaps.chain == head.chain else None
                work, made = make(connection, Batch(connection, known), head)
                latest = self._write(connection, head, work) if work.entries else None  # 6
            note = head.checkpoint if latest is None else latest.note
            self._recaps = _Kept(work.chain, work.batch.recaps)
            if self._anchor is not None:
                self._anchor.advance(note)  # 8
            self._latest = latest
        except Broken as problem:
            if problem.code in UNKNOWN_OUTCOMES:
                self._stopped = problem
            raise
        return made

    def _take(
        self, opened: Sequence[Opened | Refused], connection: Connection, batch: Batch, head: Head
    ) -> tuple[Work, list[Answer]]:
        """The entries of one batch, a seal last where one is due, and an answer for each event."""
        events = [event for event in opened if isinstance(event, Opened)]
        known = find_events(connection, [event.event_id for event in events])  # 3
        election = batch.get(ELECTION, SINGLE)
        digits = () if election is None else election.digits
        batch.load(need for event in events if event.event_id not in known for need in needs(event, digits))  # 4
        now = self._clock()
        work = Work(batch, head, max(head.sequenced_at, now))
        answers: list[Answer] = []
        for event in opened:  # 5
            if not isinstance(event, Opened):
                answers.append(event)
            elif event.event_id in known:
                index = known[event.event_id]
                void = batch.get(VOIDS, index.to_bytes(8)) or ""
                pending = batch.get(PENDING, event.event_id)
                still = pending is not None and waits(pending, work.time)
                answers.append(Appended(event.event_id, index, void, True, False, still))
            else:
                answer = self._refuse_other_log(event) or work.take(event, late=work.time > now)
                if isinstance(answer, Appended):
                    known[event.event_id] = answer.index
                answers.append(answer)
        if work.entries and self._automatic:
            self._seal(work, now=False)
        return work, answers

    def _seal_now(self, _connection: Connection, batch: Batch, head: Head) -> tuple[Work, Appended]:
        work = Work(batch, head, max(head.sequenced_at, self._clock()))
        made = self._seal(work, now=True)
        if made is None:
            raise Refused("sealer-missing", "this ledger does not hold the sealer's key in force")
        return work, made

    def _seal(self, work: Work, *, now: bool) -> Appended | None:
        """Appends a seal where one is due (or ``now``) and the sealer's key in force is at hand."""
        election, point = work.batch.get(ELECTION, SINGLE), work.batch.get(SEATS, SEALER_SEAT)
        if election is None or point is None or not (now or work.seal_due()):
            return None
        sealer = self._signers.sealer(point)
        if sealer is None:
            return None
        stream = work.batch.get(STREAMS, point)
        submission, _ = sign_event(
            sealer,
            RecapSealed(size=work.size, root=current_root(work.batch, size=work.size)),
            ledger=election.ledger,
            position=0 if stream is None else stream.position,
            previous=None if stream is None else stream.previous,
            claimed_at=work.time,
        )
        answer = work.take(open_submission(submission), late=False)
        if not isinstance(answer, Appended) or answer.void:
            raise Broken("seal-refused", f"the log's own seal was not taken: {answer}")
        return answer

    def _refuse_other_log(self, event: Opened) -> Refused | None:
        """Entry 0 names the key of the log that it opens; it is not for another log."""
        if isinstance(event.data, ElectionOpened) and event.data.log_key != self._signers.first.vkey:
            return Refused("log-key-other", "entry 0 names the key of another log")
        return None

    def _write(self, connection: Connection, head: Head, work: Work) -> _Latest:
        growth = Growth(head.frontier, [entry.leaf for entry in work.entries])
        frontier = growth.frontier
        checkpoint = Checkpoint(self._signers.origin, frontier.size, frontier.root())
        new = Head(
            frontier.size, work.chain, frontier, work.time, sign_checkpoint(checkpoint, self._signer_at(work, frontier.size))
        )
        work.batch.flush()
        write_entries(connection, head, new, work.entries)
        return _Latest(new.checkpoint, growth, work.time, head.size, work.bindings)

    def _signer_at(self, work: Work, size: int) -> NoteSigner:
        """The log's key at ``size``, over the state as this batch leaves it."""
        election = work.batch.get(ELECTION, SINGLE)
        vkey = self._signers.first.vkey if election is None else log_key_at(election.log_keys, size)
        signer = self._signers.of_log(vkey)
        if signer is None:
            raise Broken("log-key-absent", "this ledger does not hold the log's key in force", key=vkey)
        return signer


class Work:
    """The entries that a batch has made so far, over the state as they left it."""

    def __init__(self, batch: Batch, head: Head, time: int) -> None:
        self.batch = batch
        self.time = time
        self.chain = head.chain
        self.entries: list[StoredEntry] = []
        self.bindings: list[tuple[bytes, bytes]] = []
        """Of each entry its chain and its event's signature."""
        self._start = head.size
        self._tallied = False
        self._decided = False

    @property
    def size(self) -> int:
        """The tree size with what this batch has appended."""
        return self._start + len(self.entries)

    def take(self, event: Opened, *, late: bool) -> Answer:
        """Decides one event at the next index; what is refused leaves no trace."""
        index = self.size
        for further in more(self.batch, event):
            self.batch.load(further)
        change = decide(self.batch, event, At(index, self.time))
        if isinstance(change, Refused | Waiting):
            return change
        try:
            data = encode_entry(
                index=index,
                chain=self.chain,
                sequenced_at=self.time,
                payload=event.payload,
                signature=event.signature,
            )
        except Refused as refusal:
            return refusal
        self._note_what_changed(change)
        self.batch.apply(change)
        for table, key, row in trace(index, change):
            self.batch.put(table, key, row)
        self.bindings.append((self.chain, event.signature))
        self.chain = leaf_hash(data)
        self.entries.append(StoredEntry(index, event.event_id, self.chain, data))
        return Appended(event.event_id, index, change.void, False, late, change.pending)

    def _note_what_changed(self, change: Change) -> None:
        """Whether tallies changed, and whether the level that decides a contest has certified it."""
        self._tallied = self._tallied or bool(change.slots)
        for table, key, row in change.puts:
            if table is CERTIFICATES and row.index == self.size:
                contest, _, area = key.decode().partition("/")
                listed = self.batch.get(CONTESTS, contest.encode())
                self._decided = self._decided or (listed is not None and area == listed.area)

    def seal_due(self) -> bool:
        """Whether the recaps are to be sealed now: the deciding level certified, or enough time or entries since the last seal."""
        if self._decided:
            return True
        last = self.batch.get(SEALS, SINGLE) or Seal(0, 0, 0, b"")
        return self._tallied and (self.time - last.time >= SEAL_MS or self.size - last.size >= SEAL_ENTRIES)
