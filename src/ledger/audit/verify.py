"""The verification of a whole log, by somebody who trusts none of it: one straight line of nine numbered steps.

1. *Checkpoint*: it is one canonical note, signed by the log key that entry 0 names, or that rekeyings made of it by this size, of
   the origin that entry 0 names; lines by the witnesses that it names verify, and in a publication they are as many as the quorum.
   The ledger's id, the log's key and the policy are the ones given.  A log without an entry is judged by key or policy alone;
   nothing else is to be checked then.
2. *Entries*: each is the canonical bytes of what it says, bears its own index, and time does not go backwards.
3. *Chain*: each holds the leaf hash of the one before.
4. *Tree*: the root over the leaf hashes is the checkpoint's; an earlier known tree is a prefix; every published tile and bundle
   is what the entries give, and no file is missing or stray.
5. *Signatures*: each event's, and those inside entry 0, amendments of it, enrolments, rotations and rekeyings.
6. *Streams*: each key signed one stream.
7. *Authority*: each act was its key's to do, at that height: role, area, level, basis.
8. *References*: each act names what was there; what names something that had ceased to stand is void.  Every seal is the root over
   the recaps that the entries before it give.
9. *Totals*: the recap of the entries is, byte for byte, the published one, at every published height; a ledger's own views are the
   rows that the entries give.

A certificate's sums and commitment are recomputed by the fold as well, at the entry that gives it effect (its own, or that of the
second seat's approval).  One that differs from the replay is void, as is every act that depended on what others did: a log that
holds it is good, and a view or a page that shows it as standing differs at step 9.

A failure does not end the verification; ``FAILURES_SHOWN`` of them do.  Steps 2 to 5 look at every entry that can be read.  Steps
6 to 8 are the fold's ``decide``.  The fold ends at the first entry that is not in order, by steps 2, 3, 5 or by the fold itself:
what comes after stands on sand, so steps 6 to 9 are *not evaluated* from there on, and no consequence is reported as a finding.
Signatures are checked beside the fold, so what the fold said beyond the first bad one is taken back in the end.

Left to others: reading (sources.py), the comparisons themselves (heads.py, tree.py, totals.py), what a reader concludes from it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor

import msgspec

from ledger.audit.chain import Chain
from ledger.audit.columns import Columns
from ledger.audit.earlier import Earlier, Receipt
from ledger.audit.heads import Expected, Head, Known, parse_head
from ledger.audit.published import Difference, Published
from ledger.audit.record import (
    AUTHORITY,
    CHAIN,
    CHECKPOINT,
    ENTRIES,
    REFERENCES,
    SIGNATURES,
    STEP_OF_CODE,
    STREAMS,
    TOTALS,
    TREE,
    Record,
    clause,
)
from ledger.audit.report import ContestTotal, Identity, Report
from ledger.audit.resuming import STATE_PLACE, State, restore_rows, rows_of
from ledger.audit.signatures import Invalid, Signatures
from ledger.audit.sources import Source, printable
from ledger.audit.totals import Totalled, compare_projection, compare_recap, contest_totals
from ledger.audit.tree import Tree
from ledger.errors import BadInput, LedgerError, NotVerified, Refused, Waiting
from ledger.proof.merkle import EMPTY_ROOT, leaf_hash
from ledger.proof.note import NoteKey
from ledger.proof.policy import Policy
from ledger.proof.tiles import TILE_WIDTH
from ledger.tally.events import ElectionOpened
from ledger.tally.fold import decide, uncollected
from ledger.tally.memory import Memory
from ledger.tally.projection import trace
from ledger.tally.rows import LogKey
from ledger.tally.signing import OpenedEntry, reopen_entry
from ledger.tally.state import CERTIFICATES, ELECTION, PENDING, SINGLE, At, Change

__all__ = ["Known", "Receipt", "State", "verify"]


def verify(
    source: Source,
    *,
    ledger_id: bytes | None,
    executor: Executor | None,
    progress: Callable[[int, int], None] | None,
    known: Known | None,
    projection: Iterator[tuple[str, bytes, bytes]] | None = None,
    stored: Iterator[tuple[int, bytes, bytes]] | None = None,
    receipts: Sequence[Receipt] = (),
    state: State | None = None,
    keep: Callable[[State], None] | None = None,
    now: int = 0,
    log_key: NoteKey | None = None,
    policy: Policy | None = None,
) -> Report:
    """The report on ``source``; what is wrong with the ledger is in the report and never raised.

    ``ledger_id``: the id that the ledger must have; ``log_key``: the log's key; ``policy``: the logs and witnesses that the caller
    trusts, of a published source; None where the caller does not know it.  ``executor``: where signatures are
    checked, threads or processes; None: here.  ``progress(entries done, entries in all)``.  For a ledger's own folder:
    ``projection``, its standing views as (table, key, row bytes) in the projection's order; ``stored``, the columns that repeat
    what is in the entries, as (index, event id, leaf hash).

    ``receipts``: their entries must stand in this log.  ``state``: where an earlier verification ended, to go on from; it is left
    aside where something older is asked for.  ``keep`` is given the next such state, once everything was found good, with ``now``
    (ms since 1970) as its time.  Only for published sources.

    Raises ``BadInput`` where the source cannot be read at all.
    """
    started = time.monotonic()
    expected = Expected(ledger_id, log_key, policy)
    run = _Verification(source, expected, known, receipts, stored, tracing=projection is not None)
    with uncollected(), Signatures(executor) as signatures:
        size = run.parse_checkpoint()  # 1
        if size:
            run.list_files()  # 4
            start = run.resume(state)
            for first in range(start, size, TILE_WIDTH):
                if keep is not None and first + TILE_WIDTH >= size:
                    run.mark()
                entries = run.read(first)  # 2
                opened, leaves = run.open(first, entries)  # 2, 3
                if first == 0:
                    run.identify(opened)  # 1
                run.grow_tree(first, entries, leaves)  # 4
                run.take_signatures(signatures.add(opened, entries, first))  # 5
                run.fold(first, opened)  # 6, 7, 8, and 9 at older heights
                if progress is not None:
                    progress(min(first + TILE_WIDTH, size), size)
                if run.record.full:
                    break
            run.close_tree()  # 4
            run.compare_totals(projection)  # 9
            run.take_signatures(signatures.finish())  # 5
            run.check_heads()  # 1, 4
        else:
            run.check_empty()  # 1
        run.close(signatures.checked)
    report = run.report(time.monotonic() - started)
    if keep is not None and report.ok and run.marked is not None:
        keep(msgspec.structs.replace(run.marked, verified_at=now, since=report.resumed_since or now))
    return report


class _Verification:
    """One verification under way; each method is a step or part of one."""

    def __init__(
        self,
        source: Source,
        expected: Expected,
        known: Known | None,
        receipts: Sequence[Receipt],
        stored: Iterator[tuple[int, bytes, bytes]] | None,
        *,
        tracing: bool,
    ) -> None:
        self.record = Record()
        self._source = source
        self._expected = expected
        self.head: Head | None = None
        self._known = known
        self._earlier = Earlier(known, receipts)
        self._resumed: State | None = None
        self._opening = b""
        self.marked: State | None = None
        self._columns = Columns(stored, self.record)
        self._tracing = tracing
        self._size = 0
        self._published: Published | None = None
        self._tree: Tree | None = Tree(None)
        self._recaps: set[int] = set()
        self._chain = Chain(self.record, source.place)
        self._start = self._seen = self._opened = 0
        self._memory = Memory()
        self._folded = 0
        self._ledger_id: bytes | None = None
        self._election: ElectionOpened | None = None
        self._events: Counter[str] = Counter()
        self._voids: Counter[str] = Counter()
        self._certificates = self._seals = self._pending = 0
        self._contests: tuple[ContestTotal, ...] = ()

    # --- 1 checkpoint and identity -----------------------------------------------------------------------------------------------

    def parse_checkpoint(self) -> int:
        """The tree size that the checkpoint shows, nothing verified; 0 where it shows nothing that could be verified."""
        try:
            note = self._source.checkpoint()
        except NotVerified as problem:
            self._fail(CHECKPOINT, problem, None, "checkpoint")
            return 0
        try:
            self.head = Head(note, self._expected, published=self._source.paths() is not None)
        except BadInput as problem:
            self._fail(CHECKPOINT, problem, None, "checkpoint")
            return 0
        self._size = self.head.shown.size
        return self._size

    def check_empty(self) -> None:
        """A log without an entry: its head, and that it shows nothing else.  All that there is has then been checked."""
        if self.head is None:
            return
        for problem in self.head.judge_empty():
            self._fail(CHECKPOINT, problem, None, "checkpoint")
        if self.head.anybodys:
            return
        self.list_files()
        if self.head.shown.root != EMPTY_ROOT:
            detail = "no entry is shown, and the root is not that of an empty tree"
            self.record.fail(TREE, "root-differs", None, "checkpoint", detail)
        self._differ(TREE, self._earlier.beyond(0))
        self.record.evaluated |= set(range(CHECKPOINT, TOTALS + 1))
        self.record.checked[CHECKPOINT] = 1

    def identify(self, opened: Sequence[OpenedEntry | None]) -> None:
        """The ledger's id and what entry 0 says of the log; not evaluated where entry 0 cannot be read."""
        entry = opened[0] if opened else None
        if entry is None or not isinstance(entry.event.data, ElectionOpened):
            self.record.details[CHECKPOINT] = "entry 0, which names the log's key, cannot be read"
            return
        self._election = entry.event.data
        self._ledger_id = found = entry.event.event_id
        self.record.evaluated.add(CHECKPOINT)
        expected = self._expected.ledger_id
        if expected is not None and expected != found:
            detail = f"entry 0 opens ledger {found.hex()}, not {expected.hex()}"
            self.record.fail(CHECKPOINT, "ledger-id-other", 0, self._source.place(0), detail)

    def check_heads(self) -> None:
        """Whose word the checkpoint is, and those that were kept: by the log's keys as far as all was in order, the witnesses that
        entry 0 names, and what the reader expected."""
        election, head = self._election, self.head
        if election is None or head is None:
            return
        keys = self._log_keys(election)
        problems = list(head.judge(election, keys))
        for problem in problems:
            self._fail(CHECKPOINT, problem, None, "checkpoint")
        for place, unsigned in self._earlier.open(election, keys):
            self._fail(TREE, unsigned, None, place)
        if any(problem.code != "quorum-short" for problem in problems):
            return
        self.record.checked[CHECKPOINT] = 1 + head.witnesses
        self.record.details[CHECKPOINT] = f"cosignatures {head.witnesses}, quorum {election.quorum}"

    def _log_keys(self, election: ElectionOpened) -> tuple[LogKey, ...]:
        """What the fold made of them, without what it did beyond the first entry that is not in order."""
        row, broken = self._memory.get(ELECTION, SINGLE), self.record.broken
        known = (LogKey(0, election.log_key),) if row is None else row.log_keys
        return tuple(key for key in known if key.size == 0 or broken is None or key.size <= broken)

    # --- going on from an earlier verification -----------------------------------------------------------------------------------

    def resume(self, state: State | None) -> int:
        """Where to begin: at the state's size, with all that it knows; at 0 without one, or where something older is asked for."""
        tree = self._tree
        if state is None or tree is None:
            return 0
        shown = parse_head(state.checkpoint)
        self._earlier.add(Known(shown.size, shown.root, b""), STATE_PLACE)
        if state.size == 0 or shown.size > self._size or self._earlier.reaches_below(state.size):
            return 0
        self._memory = restore_rows(state.rows)
        tree.go_on_from(state.size, state.tiles, state.finished)
        self._chain.leaf, self._chain.time, self._resumed = state.leaf, state.time, state
        self._start = self._seen = self._folded = state.size
        self._events, self._voids = Counter(state.events), Counter(state.voids)
        self._certificates, self._seals = state.certificates, state.seals
        self._recaps = {size for size in self._recaps if size > state.size and size != shown.size}  # that one was compared
        self._opening = state.opening
        self.identify([self._open_one(0, state.opening)])
        return state.size

    def mark(self) -> None:
        """Keeps what the next verification needs, as it stands before the last bundle, if all is well so far."""
        head, tree, leaf = self.head, self._tree, self._chain.leaf
        if head is None or tree is None or leaf is None or self.record.broken is not None or self._folded != tree.size:
            return
        tiles, finished = tree.parts()
        self.marked = State(
            size=tree.size,
            checkpoint=head.note,
            opening=self._opening,
            tiles=tiles,
            finished=finished,
            leaf=leaf,
            time=self._chain.time,
            events=dict(self._events),
            voids=dict(self._voids),
            certificates=self._certificates,
            seals=self._seals,
            rows=rows_of(self._memory),
            verified_at=0,
            since=0,
        )

    # --- 2 entries, 3 chain ------------------------------------------------------------------------------------------------------

    def read(self, first: int) -> list[bytes]:
        """The entries of one bundle; fewer, and a failure, where the source has not all of them."""
        stop = min(first + TILE_WIDTH, self._size)
        entries: list[bytes] = []
        try:
            entries.extend(self._source.entries(first, stop))
        except NotVerified as problem:
            index = first + len(entries)
            self._fail(ENTRIES, problem, index, str(problem.where.get("path", self._source.place(index))))
            self.record.break_at(index)
            self._tree = None
            self._columns.stop()
        if first == 0 and entries:
            self._opening = entries[0]
        return entries

    def open(self, first: int, entries: Sequence[bytes]) -> tuple[list[OpenedEntry | None], list[bytes]]:
        """The entries opened, None for those that cannot be, with their leaf hashes; signatures come later."""
        opened: list[OpenedEntry | None]
        try:
            opened = [reopen_entry(data) for data in entries]
        except Refused:
            opened = [self._open_one(index, data) for index, data in enumerate(entries, first)]
        leaves = [leaf_hash(data) if entry is None else entry.leaf for entry, data in zip(opened, entries, strict=True)]
        self._chain.check(first, opened, leaves)
        self._columns.check(first, opened, leaves)
        self._events.update([entry.event.type for entry in opened if entry is not None])
        self._seen += len(entries)
        self._opened += sum(entry is not None for entry in opened)
        if len(entries) < min(TILE_WIDTH, self._size - first):
            self._chain.leaf = None  # the next bundle's first entry has nothing to be chained to
        return opened, leaves

    def _open_one(self, index: int, data: bytes) -> OpenedEntry | None:
        try:
            return reopen_entry(data)
        except Refused as refusal:
            self._fail_entry(ENTRIES, refusal.code, index, refusal.detail)
            return None

    # --- 4 tree ------------------------------------------------------------------------------------------------------------------

    def list_files(self) -> None:
        """Sorts the published paths; what no log of this size has is a failure."""
        paths = self._source.paths()
        if paths is None:
            return
        self._published = Published(paths, self._size, self._source.read)
        self._tree = Tree(self._published)
        self._recaps = set(self._published.recaps) - {self._size}
        self._differ(TREE, self._published.wrong)

    def grow_tree(self, first: int, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        """One bundle's leaves, and the root at the known size if it lies within."""
        if self._tree is None or self.record.full:
            return
        self._earlier.see(first, leaves, self._tree.root)
        self._differ(TREE, self._tree.add(entries, leaves))

    def close_tree(self) -> None:
        """The last tiles, the root, the known tree."""
        self._differ(TREE, self._earlier.beyond(self._size))
        if self._tree is None or self._tree.size != self._size or self.head is None:
            self.record.details[TREE] = "not all entries could be read"
            return
        self._differ(TREE, self._tree.finish())
        root = self._tree.root()
        shown = self.head.shown.root
        if root != shown:
            detail = f"the entries give the root {root.hex()}, the checkpoint shows {shown.hex()}"
            if self._resumed is not None:
                self.record.fail(TREE, "not-an-extension", None, "checkpoint", f"after those verified earlier, {detail}")
            else:
                self.record.fail(TREE, "root-differs", None, "checkpoint", detail)
        self._differ(TREE, self._earlier.judge(self._size, root))
        self.record.evaluated.add(TREE)
        files = 0 if self._published is None else self._published.compared - self.record.checked[TOTALS]
        self.record.checked[TREE] = 1 + files
        self.record.details[TREE] = "the root, tiles and bundles" if self._published else "the root; the source has no files"
        if not self._source.listed:
            self.record.details[TREE] += "; not evaluated: files beside those that the checkpoint implies"

    # --- 5 signatures ------------------------------------------------------------------------------------------------------------

    def take_signatures(self, invalid: Iterable[Invalid]) -> None:
        """What the executor found by now."""
        for each in invalid:
            self.record.checked[SIGNATURES] -= 1
            self._fail_entry(SIGNATURES, each.code, each.index, each.detail)

    # --- 6 streams, 7 authority, 8 references ------------------------------------------------------------------------------------

    def fold(self, first: int, opened: Sequence[OpenedEntry | None]) -> None:
        """Folds entries as long as all before them are in order; at the heights of older recaps, compares those."""
        memory, recaps = self._memory, self._recaps
        stop = self._size if self.record.broken is None else self.record.broken
        for index, entry in enumerate(opened, first):
            if entry is None or index >= stop:
                return
            change = decide(memory, entry.event, At(index, entry.sequenced_at))
            if not isinstance(change, Change):
                self._refused(index, change)
                return
            memory.apply(change)
            self._count(index, entry.event.type, change)
            if self._tracing:
                for table, key, row in trace(index, change):
                    memory.put(table, key, row)
            self._folded = index + 1
            if self._folded in recaps:
                self._compare_recap(Totalled(memory))

    def _count(self, index: int, name: str, change: Change) -> None:
        """For the report.  A certificate is in force from the entry that gives it effect: its own, or an approval."""
        if change.void:
            self._voids[change.void] += 1
        elif name == "recap.sealed":
            self._seals += 1
        elif name in ("approved", "recap.certified"):
            self._certificates += sum(table is CERTIFICATES and row.index == index for table, _, row in change.puts)

    def _refused(self, index: int, answer: Refused | Waiting) -> None:
        step = STEP_OF_CODE.get(answer.code, REFERENCES)
        self.record.fail_state(index, step, answer.code, index, printable(self._source.place(index)), clause(answer))
        self.record.break_at(index)

    # --- 9 totals ----------------------------------------------------------------------------------------------------------------

    def compare_totals(self, projection: Iterator[tuple[str, bytes, bytes]] | None) -> None:
        """The totals of all entries, where they could all be folded, beside the published recap and a ledger's own views."""
        if self._folded != self._size or not self._size:
            return
        state = Totalled(self._memory)
        self._contests = contest_totals(state)
        if self._published is not None:
            self._compare_recap(state)
        if projection is not None:
            self._differ(TOTALS, compare_projection(state, projection))
        recomputed = f"recomputed: certificates {self._certificates}, seals {self._seals}"
        if self._published is None and projection is None:
            self.record.details[TOTALS] = f"{recomputed}; the source shows no totals to compare with"
            return
        self.record.details[TOTALS] = recomputed
        if not self.record.full:
            self.record.evaluated.add(TOTALS)

    def _compare_recap(self, state: Totalled) -> None:
        if self._published is not None:
            before = self._published.compared
            self._differ(TOTALS, compare_recap(state, self._folded, self._published))
            self.record.checked[TOTALS] += self._published.compared - before

    # --- the end -----------------------------------------------------------------------------------------------------------------

    def close(self, signatures: int) -> None:
        """How far each step came; ``signatures``: of how many entries they were checked."""
        record, whole = self.record, self._seen == self._size > 0
        if whole:
            self._columns.finish(self._size)
            record.evaluated.add(ENTRIES)
        if whole and self._start + self._opened == self._size:
            record.evaluated.add(CHAIN)
        if self._start + signatures == self._size > 0:
            record.evaluated.add(SIGNATURES)
        if self._folded == self._size > 0:
            record.evaluated |= {STREAMS, AUTHORITY, REFERENCES}
        record.checked[SIGNATURES] += signatures
        good = self._folded if record.broken is None else min(self._folded, record.broken)
        for step in (STREAMS, AUTHORITY, REFERENCES):
            record.checked[step] = good - self._start
        self._pending = sum(row.state == "open" for _, row in self._memory.under(PENDING))
        record.details[REFERENCES] = f"void: {self._voids.total()}, pending: {self._pending}"
        if record.broken is not None:
            record.checked[TOTALS] = 0
            self._contests = ()

    def report(self, seconds: float) -> Report:
        """What was found."""
        failures = self.record.failures(self._size)
        steps = self.record.steps(failures)
        election, head = self._election, self.head
        shown = None if head is None else head.shown
        return Report(
            ok=not failures and all(step.outcome == "passed" for step in steps[:-1]),
            source=self._source.name,
            ledger_id=None if self._ledger_id is None else self._ledger_id.hex(),
            identity=self._identity(),
            origin=None if shown is None else shown.origin,
            size=None if shown is None else shown.size,
            root=None if shown is None else shown.root.hex(),
            election_name=None if election is None else election.name,
            election_kind=None if election is None else election.kind,
            election_day=None if election is None else election.day,
            witnesses=0 if head is None else head.witnesses,
            quorum=0 if election is None else election.quorum,
            cosigned=None if head is None else head.cosigned,
            log_key="not-checked" if head is None else head.key,
            log_vkey=None if head is None else head.vkey or None,
            known_size=None if self._known is None else self._known.size,
            events=dict(sorted(self._events.items())),
            void=self._voids.total(),
            voids=dict(sorted(self._voids.items())),
            pending=self._pending,
            certificates=self._certificates,
            seals=self._seals,
            steps=steps,
            failures=failures,
            stopped=self.record.full,
            contests=self._contests,
            seconds=round(seconds, 3),
            bytes_read=self._source.bytes_read,
            receipts=self._earlier.receipts_found,
            resumed_size=None if self._resumed is None else self._resumed.size,
            resumed_since=None if self._resumed is None else self._resumed.since,
            unseen=self._unseen(),
        )

    def _unseen(self) -> tuple[str, ...]:
        unlisted = () if self._source.listed else ("unlisted",)
        return (*unlisted, "unwitnessed") if self.head is not None and self.head.unwitnessed else unlisted

    def _identity(self) -> Identity:
        if self._ledger_id is None:
            return "unknown"
        if self._expected.ledger_id is None:
            return "not-checked"
        return "checked" if self._expected.ledger_id == self._ledger_id else "other"

    def _fail(self, step: int, problem: LedgerError, index: int | None, place: str) -> None:
        self.record.fail(step, problem.code, index, printable(place), clause(problem))

    def _fail_entry(self, step: int, code: str, index: int, detail: str) -> None:
        """Something is wrong with an entry itself, so what follows is not folded."""
        self.record.fail(step, code, index, printable(self._source.place(index)), detail)
        self.record.break_at(index)

    def _differ(self, step: int, differences: Iterable[Difference | None]) -> None:
        """Records differences, until there are enough; None stands for something that was compared and is right."""
        for difference in differences:
            if difference is None:
                self.record.checked[step] += 1
                continue
            told = (step, difference.code, difference.index, printable(difference.place), difference.detail)
            if step == TOTALS:
                self.record.fail_state(self._folded, *told)
            else:
                self.record.fail(*told)
            if self.record.full:
                return
