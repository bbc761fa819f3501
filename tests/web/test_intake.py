"""Group commit: order, room, faults, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Broken, LedgerError, Refused, Waiting
from ledger.log.append import BATCH_EVENTS, Appended
from ledger.node import Node
from ledger.tally.signing import Opened
from ledger.web.intake import Intake, Outcome
from ledger.web.limits import KeyLimits, Limit
from ledger.web.metrics import Metrics

from ..world import STATIONS, World, held, make_node, released, submissions_of, submitted


class Stage:
    """A founded ledger behind an intake, whose transactions can be held up: ``batches`` are their sizes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **room: Any) -> None:
        self.world = World()
        self.node: Node = make_node(folder, self.world)
        self.node.submit(submissions_of(self.world.founding()))
        self.batches: list[int] = []
        self.fatal: list[Broken] = []
        self.entered = threading.Event()  # a transaction has begun
        self.go = threading.Event()
        self.go.set()
        self.fault: Exception | None = None
        true = self.node.append

        def append(events: Sequence[Opened | Refused]) -> Any:
            self.entered.set()
            self.go.wait(30)
            self.batches.append(len(events))
            if self.fault is not None:
                raise self.fault
            return true(events)

        monkeypatch.setattr(self.node, "append", append)
        self.intake = Intake(self.node, fatal=self.fatal.append, **room)
        self.intake.start()

    def events(self, count: int) -> list[bytes]:
        """Of one stream, in order."""
        acts = (held(STATIONS[0]) if at % 2 == 0 else released(STATIONS[0]) for at in range(count))
        return [self.world.sign("officer", act).submission for act in acts]

    def close(self) -> None:
        """All that was taken is through."""
        self.go.set()
        self.intake.stop()
        self.node.close()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """One with little room."""
    made = Stage(tmp_path / "ledger", monkeypatch, events=40, bytes_=100_000)
    yield made
    made.close()


def indices(outcomes: Sequence[Outcome]) -> list[int]:
    """Where they stand."""
    return [outcome.answer.index for outcome in outcomes if isinstance(outcome.answer, Appended)]


async def waiting_for(stage: Stage, events: int) -> None:
    """Until so many are between arriving and being answered."""
    for _ in range(1_000):
        if stage.intake.load[0] == events:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(stage.intake.load)


async def begun(stage: Stage) -> None:
    """Until the writer has taken its batch."""
    while not stage.entered.is_set():
        await asyncio.sleep(0.005)


def test_what_waits_goes_into_one_transaction_in_order(stage: Stage) -> None:
    """While one is held up, all others gather; each has its own answers, with receipts that are the store's."""
    sent = stage.events(30)

    async def run() -> list[list[Outcome]]:
        stage.go.clear()
        first = asyncio.create_task(stage.intake.take(sent[:1]))
        await begun(stage)
        others = []
        for at in range(1, 30):
            others.append(asyncio.create_task(stage.intake.take([sent[at]])))
            await asyncio.sleep(0)
        await waiting_for(stage, 30)
        stage.go.set()
        return list(await asyncio.gather(first, *others))

    answers = asyncio.run(run())
    assert [indices(each) for each in answers] == [[9 + at] for at in range(30)]
    assert stage.batches == [1, 29]
    assert stage.intake.load == (0, 0)
    for (outcome,) in answers[1:]:
        assert isinstance(outcome.answer, Appended)
        assert outcome.receipt == stage.node.receipt(outcome.answer.index)


def test_what_does_not_fit_is_told_before_anything_is_done(stage: Stage) -> None:
    """By events and by bytes; a request larger than the room is taken where nothing else waits; then there is room again."""
    sent = stage.events(41)

    async def run() -> None:
        stage.go.clear()
        first = asyncio.create_task(stage.intake.take(sent[:40]))
        await waiting_for(stage, 40)
        for more in (sent[40:], [bytes(100_000)]):
            with pytest.raises(Waiting, match="queue-full"):
                await stage.intake.take(more)
        stage.go.set()
        assert len(await first) == 40
        (outcome,) = await stage.intake.take(sent[40:])
        assert isinstance(outcome.answer, Appended)
        (large,) = await stage.intake.take([bytes(200_000)])
        assert isinstance(large.answer, Refused)

    asyncio.run(run())


def test_who_left_harms_nobody(stage: Stage) -> None:
    """What was taken is appended all the same."""
    sent = stage.events(3)

    async def run() -> None:
        stage.go.clear()
        gone, stayed = (asyncio.create_task(stage.intake.take([each])) for each in sent[:2])
        await waiting_for(stage, 2)
        gone.cancel()
        stage.go.set()
        assert indices(await stayed) == [10]

    asyncio.run(run())
    assert asyncio.run(stage.intake.take(sent[2:]))[0].answer.index == 11  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fault", "code", "tries"),
    [(Broken("disk-full"), "disk-full", 1), (Waiting("busy"), "busy", 3), (Broken("commit-unknown"), "commit-unknown", 1)],
)
def test_a_transaction_that_fails_is_told_to_all_in_it(stage: Stage, fault: LedgerError, code: str, tries: int) -> None:
    """Another writer is waited for a few times; what nobody knows the end of ends the process."""
    sent = stage.events(2)
    stage.fault = fault

    async def run() -> list[Any]:
        stage.go.clear()
        tasks = [asyncio.create_task(stage.intake.take([each])) for each in sent]
        await waiting_for(stage, 2)
        stage.go.set()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    assert {str(each.code) for each in asyncio.run(run())} == {code}
    assert sum(stage.batches) == 2 * tries
    assert [problem.code for problem in stage.fatal][:1] == (["commit-unknown"] if code == "commit-unknown" else [])
    stage.fault = None
    assert stage.intake.load == (0, 0)


def test_a_fault_of_ours_hits_as_few_as_it_can(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """One poisoned request in a batch fails alone."""
    sent = stage.events(4)
    true = stage.node.append
    poison: list[bytes] = []

    def append(events: Sequence[Opened | Refused]) -> Any:
        if any(isinstance(event, Opened) and event.event_id in poison for event in events):
            raise ZeroDivisionError
        return true(events)

    monkeypatch.setattr(stage.node, "append", append)
    poison.append(stage.node.admit(sent[3:])[0].event_id)  # type: ignore[union-attr]

    async def run() -> list[Any]:
        stage.go.clear()
        tasks = [asyncio.create_task(stage.intake.take([each])) for each in sent]
        await waiting_for(stage, 4)
        stage.go.set()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    *good, bad = asyncio.run(run())
    assert [indices(each) for each in good] == [[9], [10], [11]]
    assert (bad.code, isinstance(bad, Broken)) == ("internal", True)
    assert not stage.fatal


def test_at_the_end_all_that_was_taken_is_answered(stage: Stage) -> None:
    """And nothing more is taken."""
    sent = stage.events(5)

    async def run() -> list[Outcome]:
        stage.go.clear()
        task = asyncio.create_task(stage.intake.take(sent))
        await waiting_for(stage, 5)
        ending = threading.Thread(target=stage.intake.stop)
        ending.start()
        while not stage.intake.stopping:
            await asyncio.sleep(0.005)
        with pytest.raises(Waiting, match="node-stopping"):
            await stage.intake.take(sent)
        stage.go.set()
        outcomes = await task
        ending.join()
        return outcomes

    assert indices(asyncio.run(run())) == [9, 10, 11, 12, 13]


def test_a_transaction_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole requests, as many as fit."""
    stage = Stage(tmp_path / "large", monkeypatch)
    sent = stage.events(BATCH_EVENTS + 400)

    async def run() -> None:
        stage.go.clear()
        tasks = [asyncio.create_task(stage.intake.take(sent[:1]))]
        await begun(stage)
        tasks += [asyncio.create_task(stage.intake.take(sent[at : at + 300])) for at in range(1, len(sent), 300)]
        await waiting_for(stage, len(sent))
        await asyncio.sleep(0.5)  # all are opened
        stage.go.set()
        await asyncio.gather(*tasks)

    with closing(stage):
        asyncio.run(run())
    assert stage.batches == [1, 900, len(sent) - 901]


def test_a_key_has_its_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many at once, so many without effect a day: what is beyond waits, others go on, and later it is taken."""
    now = [1_000.0]
    limits = KeyLimits(Limit(rate=1, burst=5), voids=3, clock=lambda: now[0])
    metrics = Metrics()
    stage = Stage(tmp_path / "limited", monkeypatch, limits=limits, metrics=metrics)
    sent = stage.events(8)  # all of them void: nothing stands there
    other = stage.world.sign(f"{STATIONS[1]}/1", submitted(STATIONS[1])).submission

    def take(*submissions: bytes) -> list[str]:
        outcomes = asyncio.run(stage.intake.take(submissions))
        return [outcome.answer.code if isinstance(outcome.answer, LedgerError) else "appended" for outcome in outcomes]

    with closing(stage):
        assert take(*sent[:2], other) == ["appended"] * 3
        assert take(*sent[2:5]) == ["appended"] * 3
        assert take(sent[5]) == ["voids-exceeded"]
        now[0] += 86_400
        assert take(*sent[5:7]) == ["appended"] * 2
        assert take(sent[7], sent[7], sent[7], sent[7]) == ["appended", "appended", "appended", "rate-exceeded"]
    text = metrics.text().decode()
    for line in ('outcome="void"} 10.0', 'outcome="appended"} 1.0', 'outcome="waiting"} 2.0', "ledger_transaction_events_count"):
        assert line in text
