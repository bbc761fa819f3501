"""Database calls that fail at a chosen place, before or after they took effect: what the fault tables of append stand on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from ledger.store.engine import Database

CALLS: Final = ("do_execute", "do_executemany", "do_commit")
"""How SQLAlchemy's dialects name them."""

TOLD, LOST = "told", "lost"
"""The driver tells an error and the connection lives; or the connection breaks (PostgreSQL alone)."""

BEFORE, AFTER, UNDERWAY = "before", "after", "underway"
"""When: nothing was done; all was done; the call was sent and nobody waited for its end (``LOST`` alone)."""


class Failing:
    """Call number ``at`` of the writing connections fails (0: none).  ``count``: calls so far; ``failed``: the name of the one
    that failed, '' so far none; ``names`` of all calls."""

    def __init__(self, at: int, *, how: str, when: str) -> None:
        self.at = at
        self.count = 0
        self.failed = ""
        self.names: list[str] = []
        self.how, self.when = how, when


@contextmanager
def failing(database: Database, at: int, *, how: str = TOLD, when: str = BEFORE) -> Iterator[Failing]:
    """Within, the writer of ``database`` fails so."""
    dialect = database._writer.dialect
    plan = Failing(at, how=how, when=when)

    def counted(name: str, true: Any) -> Any:
        def call(target: Any, *args: Any, **more: Any) -> None:
            plan.count += 1
            plan.names.append(name)
            if plan.count != plan.at:
                true(target, *args, **more)
                return
            plan.failed = name
            if when == AFTER:
                true(target, *args, **more)
            _fail(dialect, target.dbapi_connection if name == "do_commit" else target.connection, plan)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(dialect, name, counted(name, getattr(dialect, name)))
        yield plan


def _fail(dialect: Any, raw: Any, plan: Failing) -> None:
    if plan.how == LOST:
        if plan.when == UNDERWAY:
            raw.pgconn.send_query(b"COMMIT")
            raw.pgconn.flush()
        raw.close()
        raise dialect.dbapi.OperationalError("server closed the connection unexpectedly")
    if dialect.name == "sqlite":
        raise dialect.dbapi.OperationalError("disk I/O error")
    raise dialect.dbapi.errors.InternalError_("as the test wants")
