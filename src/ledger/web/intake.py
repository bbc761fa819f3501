"""Group commit: what many clients send at once goes into the log in few transactions.

Two threads.  The opener takes what waits, checks bytes and signatures (in parallel, where the library lets go of the interpreter)
and hands it on; the writer takes all that is opened, up to one transaction's worth, and appends it.  Neither waits for more to
come: under load the batches grow by themselves, without load an event is on its way at once.

    take -> [waiting] -> opener -> [opened] -> writer -> answers, with receipts

A request goes as a whole into one transaction, and the requests of a client that waits for its answers keep their order.  The room
is bounded: what does not fit is answered ``queue-full`` before anything of it is done.  An answer leaves after the commit and the
anchor.  Where a transaction failed so that nobody knows what became of it, everybody in it is told to send the same bytes again. On
PostgreSQL the next transaction reads what did (``Node.resume``); else the process must end: ``fatal`` says so to whoever runs it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, TypeVar

from ledger.errors import Broken, LedgerError, Refused, Waiting
from ledger.log.append import BATCH_EVENTS, UNKNOWN_OUTCOMES, Answer, Appended
from ledger.node import Node
from ledger.tally.signing import Opened
from ledger.web.limits import KeyLimits
from ledger.web.metrics import Metrics

__all__ = ["ROOM_BYTES", "ROOM_EVENTS", "Intake", "Outcome"]

_T = TypeVar("_T")

ROOM_EVENTS: Final = 10_000
ROOM_BYTES: Final = 64_000_000
"""So much may be between arriving and being answered."""

BUSY_ATTEMPTS: Final = 3
"""Another process that writes (another node, an administrator's command) is waited for so often, each time as long as the store
does; a connection that was lost before the commit is made anew."""


class Outcome(NamedTuple):
    """The answer to one submission; the receipt where it is in the log."""

    answer: Answer
    receipt: bytes | None


class _Request(NamedTuple):
    submissions: Sequence[bytes]
    length: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[list[Outcome]]


class _Opened(NamedTuple):
    """``Waiting``: what its key may not send now."""

    request: _Request
    events: Sequence[Opened | Refused | Waiting]


class Intake:
    """The door to a node's log, for the event loops of one process.  ``start``, then ``stop``, which lets everything through that
    was taken."""

    def __init__(
        self,
        node: Node,
        *,
        fatal: Callable[[Broken], None],
        events: int = ROOM_EVENTS,
        bytes_: int = ROOM_BYTES,
        limits: KeyLimits | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._node = node
        self._fatal = fatal
        self._limits = limits
        self._metrics = metrics
        self._room_events = events
        self._room_bytes = bytes_
        self._changed = threading.Condition()
        self._waiting: deque[_Request] = deque()
        self._opened: deque[_Opened] = deque()
        self._events = 0
        self._bytes = 0
        self._stopping = False
        self._opener_done = False
        self._threads = [threading.Thread(target=self._open, name="opener"), threading.Thread(target=self._write, name="writer")]

    def start(self) -> None:
        """Begins to take."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Takes nothing more, and returns when all that was taken is answered."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def stopping(self) -> bool:
        """Whether it takes nothing more."""
        return self._stopping

    @property
    def load(self) -> tuple[int, int]:
        """Events and bytes between arriving and being answered."""
        return self._events, self._bytes

    async def take(self, submissions: Sequence[bytes]) -> list[Outcome]:
        """One outcome for each submission, in order, once all that were appended are durable.

        Raises ``Waiting`` ``queue-full``, ``node-stopping``; and what the transaction failed with: ``Broken`` or ``Waiting``.
        """
        loop = asyncio.get_running_loop()
        length = sum(map(len, submissions))
        request = _Request(submissions, length, loop, loop.create_future())
        with self._changed:
            if self._stopping:
                raise Waiting("node-stopping", "the node takes nothing more")
            if self._events and (self._events + len(submissions) > self._room_events or self._bytes + length > self._room_bytes):
                raise Waiting("queue-full", "more arrives than is appended", events=self._events)
            self._events += len(submissions)
            self._bytes += length
            self._waiting.append(request)
            self._changed.notify_all()
        return await request.future

    # --- the two threads ---------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                if not self._waiting:
                    self._opener_done = True
                    self._changed.notify_all()
                    return
                requests = _first(self._waiting, lambda request: len(request.submissions))
            admitted = self._node.admit([each for request in requests for each in request.submissions])  # raises nothing
            events = [self._judged(event) for event in admitted]
            start = 0
            opened: list[_Opened] = []
            for request in requests:
                opened.append(_Opened(request, events[start : start + len(request.submissions)]))
                start += len(request.submissions)
            with self._changed:
                self._opened.extend(opened)
                self._changed.notify_all()

    def _judged(self, event: Opened | Refused) -> Opened | Refused | Waiting:
        """What its key may send goes on."""
        if self._limits is None or isinstance(event, Refused):
            return event
        return self._limits.judge(event.key) or event

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._opened or self._opener_done)
                if not self._opened:
                    return
                batch = _first(self._opened, lambda each: len(each.events))
            self._append(batch)

    def _append(self, batch: Sequence[_Opened]) -> None:
        """One transaction; where it fails in a way that may be one request's doing, each request in its own."""
        events = [event for each in batch for event in each.events]
        try:
            answers = self._answers(events)
            outcomes = [Outcome(answer, self._receipt(answer)) for answer in answers]
        except LedgerError as problem:
            if isinstance(problem, Broken) and problem.code in UNKNOWN_OUTCOMES and not self._node.resume(problem):
                self._fatal(problem)
            self._answer(batch, problem)
            return
        except Exception as problem:  # a fault of ours: it shall hit as few as it can
            if len(batch) > 1:
                for each in batch:
                    self._append([each])
            else:
                self._answer(batch, Broken("internal", f"{type(problem).__name__}: {problem}"))
            return
        self._count(events, answers)
        self._answer(batch, outcomes)

    def _answers(self, events: Sequence[Opened | Refused | Waiting]) -> list[Answer]:
        """An answer for each; those that wait by their key's limit go no further."""
        taken = [event for event in events if not isinstance(event, Waiting)]
        started = time.monotonic()
        try:
            given = iter(self._try(taken) if taken else ())
        finally:
            if self._metrics is not None:
                self._metrics.transaction(len(taken), time.monotonic() - started)
        return [event if isinstance(event, Waiting) else next(given) for event in events]

    def _count(self, events: Sequence[Opened | Refused | Waiting], answers: Sequence[Answer]) -> None:
        """For limits and metrics."""
        for event, answer in zip(events, answers, strict=True):
            void = isinstance(answer, Appended) and bool(answer.void) and not answer.before
            if void and self._limits is not None and isinstance(event, Opened):
                self._limits.void(event.key)
            if self._metrics is not None:
                self._metrics.outcome(_kind(answer))

    def _try(self, events: Sequence[Opened | Refused]) -> list[Answer]:
        for _ in range(BUSY_ATTEMPTS - 1):
            try:
                return self._node.append(events)
            except Waiting:
                continue
        return self._node.append(events)

    def _receipt(self, answer: Answer) -> bytes | None:
        return self._node.latest_receipt(answer.index) if isinstance(answer, Appended) else None

    def _answer(self, batch: Sequence[_Opened], outcomes: Sequence[Outcome] | LedgerError) -> None:
        """Wakes each event loop once, with all that is for it."""
        start = 0
        loops: dict[asyncio.AbstractEventLoop, list[tuple[_Request, list[Outcome] | LedgerError]]] = {}
        for each in batch:
            count = len(each.events)
            part = outcomes if isinstance(outcomes, LedgerError) else list(outcomes[start : start + count])
            loops.setdefault(each.request.loop, []).append((each.request, part))
            start += count
        with self._changed:
            self._events -= start
            self._bytes -= sum(each.request.length for each in batch)
        for loop, answers in loops.items():
            with suppress(RuntimeError):  # that loop has ended, and with it all who asked there
                loop.call_soon_threadsafe(_resolve, answers)


def _first(queue: deque[_T], count: Callable[[_T], int]) -> list[_T]:
    """Takes whole requests from the queue: one, and as many more as fit into one transaction."""
    taken = [queue.popleft()]
    events = count(taken[0])
    while queue and events + count(queue[0]) <= BATCH_EVENTS:
        events += count(queue[0])
        taken.append(queue.popleft())
    return taken


def _kind(answer: Answer) -> str:
    match answer:
        case Appended(void=""):
            return "pending" if answer.pending else "appended"
        case Appended():
            return "void"
        case Refused():
            return "refused"
        case _:
            return "waiting"


def _resolve(answers: Sequence[tuple[_Request, list[Outcome] | LedgerError]]) -> None:
    for request, answer in answers:
        if request.future.done():  # whoever asked has gone
            continue
        if isinstance(answer, LedgerError):
            request.future.set_exception(answer)
        else:
            request.future.set_result(answer)
