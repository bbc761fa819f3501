"""A node behind its HTTP application, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
from starlette.testclient import TestClient

from ledger.errors import Broken
from ledger.node import Node
from ledger.web.app import make_app
from ledger.web.intake import Intake

from ..world import World, make_node, submissions_of

MESSAGEPACK = {"Content-Type": "application/msgpack"}


class Served:
    """``client`` speaks to ``node``; ``fatal`` holds what would have ended the process."""

    def __init__(self, node: Node, client: TestClient, intake: Intake, fatal: list[Broken]) -> None:
        self.node = node
        self.client = client
        self.intake = intake
        self.fatal = fatal

    def post(self, submissions: Sequence[bytes], path: str = "submissions", **query: object) -> Any:
        """The response to a batch."""
        parameters = {name: str(value) for name, value in query.items()}
        body = msgpack.packb(list(submissions))
        return self.client.post(f"/api/v1/{path}", content=body, headers=MESSAGEPACK, params=parameters)


@contextmanager
def served(folder: Path, world: World, *, founded: bool = True, **room: Any) -> Iterator[Served]:
    """A new ledger behind its application; ``room`` as ``Intake`` takes it."""
    with make_node(folder, world) as node:
        if founded:
            node.submit(submissions_of(world.founding()))
        with serving(node, **room) as made:
            yield made


@contextmanager
def serving(node: Node, **room: Any) -> Iterator[Served]:
    """An open node behind its application."""
    fatal: list[Broken] = []
    intake = Intake(node, fatal=fatal.append, **room)

    @contextmanager
    def running() -> Iterator[None]:
        intake.start()
        try:
            yield
        finally:
            intake.stop()

    with TestClient(make_app(node, intake, running=running), raise_server_exceptions=False) as client:
        yield Served(node, client, intake, fatal)
