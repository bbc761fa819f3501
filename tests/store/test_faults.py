"""Each database call of one append fails, before and after it took effect, on both databases: the log is good, the answer says what
``Log.append`` promises, and the same bytes sent again are in the log once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.errors import Broken, LedgerError, Waiting
from ledger.log.append import Answer, Appended
from ledger.node import Node
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import parse_note

from ..database_faults import AFTER, BEFORE, CALLS, LOST, TOLD, UNDERWAY, failing
from ..world import STATIONS, Clock, World, check_log, held, released

FOUNDED = 9
EVENTS = 250  # with the founding more than 256 entries, so that a full subtree is written as well
NOTHING_DONE = {("sqlite", TOLD): "disk-full", ("postgresql", TOLD): "store-failed", ("postgresql", LOST): "store-away"}
"""What a call before the commit is told as."""

BOTH = pytest.mark.parametrize("when", [BEFORE, AFTER])
POSTGRESQL = pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)


@pytest.fixture
def anchored(node: Node, tmp_path: Path) -> Node:
    """A ledger with its founding in it, and an anchor."""
    node.set_anchor(tmp_path / "elsewhere" / "anchor")
    return node


def anchored_size(node: Node) -> int:
    """The tree size of the anchor's note."""
    assert node.anchor.path is not None
    return parse_checkpoint(parse_note(node.anchor.path.read_bytes()).text).size


def many(world: World) -> list[bytes]:
    """Of one stream, in order."""
    acts = (held(STATIONS[0]) if at % 2 == 0 else released(STATIONS[0]) for at in range(EVENTS))
    return [world.sign("officer", act).submission for act in acts]


def refusal(node: Node, submissions: Sequence[bytes]) -> LedgerError:
    """What an append fails with."""
    with pytest.raises((Broken, Waiting)) as caught:
        node.submit(submissions)
    return caught.value


def places(answers: Sequence[Answer]) -> list[tuple[int, bool]]:
    """Where each stands, and whether it stood there before."""
    return [(answer.index, answer.before) for answer in answers if isinstance(answer, Appended)]


def in_once(node: Node, submissions: Sequence[bytes], *, before: bool) -> None:
    """The same bytes, sent again, and again: each in its place, once."""
    assert places(node.submit(submissions)) == [(FOUNDED + at, before) for at in range(EVENTS)]
    assert places(node.submit(submissions)) == [(FOUNDED + at, True) for at in range(EVENTS)]
    assert len(check_log(node)) == FOUNDED + EVENTS == anchored_size(node)


def fail_each_call(node: Node, submissions: Sequence[bytes], how: str, when: str) -> None:
    """One append after the other, each with a later call failing, up to the commit."""
    entries, head = check_log(node), node.head()
    failed: list[str] = []
    for at in itertools.count(1):
        with failing(node.database, at, how=how, when=when) as plan:
            problem = refusal(node, submissions)
        failed.append(plan.failed)
        assert anchored_size(node) == FOUNDED
        if plan.failed == "do_commit":
            break
        assert problem.code == NOTHING_DONE[node.database.dialect, how], (at, problem)
        assert node.head() == head
        assert check_log(node) == entries
    assert set(failed) == set(CALLS)
    assert problem.code == "commit-unknown"
    assert refusal(node, submissions).code == "log-stopped"
    assert node.head().size == FOUNDED + (EVENTS if when == AFTER else 0)


@BOTH
def test_a_call_that_fails(anchored: Node, world: World, when: str) -> None:
    """An error of the database: nothing is appended and the log goes on; where it is the commit's, the next log reads what became
    of it: on PostgreSQL in the same process."""
    submissions = many(world)
    fail_each_call(anchored, submissions, TOLD, when)
    if anchored.database.dialect == "sqlite":
        assert not anchored.resume(Broken("commit-unknown"))
        with Node.open(anchored.folder, clock=Clock()) as again:
            in_once(again, submissions, before=when == AFTER)
    else:
        assert not anchored.resume(Broken("anchor-failed"))
        assert anchored.resume(Broken("commit-unknown"))
        in_once(anchored, submissions, before=when == AFTER)


@POSTGRESQL
@BOTH
def test_a_connection_that_breaks(anchored: Node, world: World, when: str) -> None:
    """The same, where the connection goes with the call: the next append has a new one."""
    submissions = many(world)
    fail_each_call(anchored, submissions, LOST, when)
    assert anchored.resume(Broken("commit-unknown"))
    in_once(anchored, submissions, before=when == AFTER)


@POSTGRESQL
def test_a_commit_that_was_sent_and_not_waited_for(anchored: Node, world: World) -> None:
    """The server is still at it when the log goes on: the next transaction waits for it, and reads the end of it."""
    submissions = many(world)
    with failing(anchored.database, 0) as plan:
        anchored.submit([world.sign("importer", held(STATIONS[1])).submission])
    for number in range(20):
        part = submissions[number * 10 : number * 10 + 10]
        with failing(anchored.database, plan.count, how=LOST, when=UNDERWAY) as cut:
            assert refusal(anchored, part).code == "commit-unknown"
        assert cut.failed == "do_commit"
        assert anchored.resume(Broken("commit-unknown"))
        first = FOUNDED + 1 + number * 10
        assert [index for index, _ in places(anchored.submit(part))] == list(range(first, first + 10))
    assert len(check_log(anchored)) == FOUNDED + 1 + 200 == anchored_size(anchored)
