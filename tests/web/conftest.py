"""A founded ledger behind its application, and the keys that sign for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..world import World
from .stage import Served, served


@pytest.fixture
def world() -> World:
    """Whose keys sign."""
    return World()


@pytest.fixture
def here(tmp_path: Path, world: World) -> Iterator[Served]:
    """A founded ledger."""
    with served(tmp_path / "ledger", world) as made:
        yield made
