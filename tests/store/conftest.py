"""Both databases: every test of the store runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ledger.node import Node

from ..world import Clock, World, make_node, submissions_of


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where a ledger's database may be made: a path that is not there yet, or an empty PostgreSQL database."""
    if request.param == "sqlite":
        return tmp_path / "ledger.db"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def clock() -> Clock:
    """The ledger's clock."""
    return Clock()


@pytest.fixture
def make(database: str | Path, tmp_path: Path, clock: Clock) -> Iterator[Callable[[World], Node]]:
    """Makes the ledger of a world on ``database``; closed afterwards."""
    with ExitStack() as stack:

        def made(world: World) -> Node:
            address = database if isinstance(database, str) else None
            return stack.enter_context(make_node(tmp_path / "ledger", world, clock=clock, database=address))

        yield made


@pytest.fixture
def world() -> World:
    """An election."""
    return World()


@pytest.fixture
def node(make: Callable[[World], Node], world: World) -> Node:
    """A ledger with its founding in it."""
    ledger = make(world)
    ledger.submit(submissions_of(world.founding()))
    return ledger
