"""The paths of new leaves, from the frontier and these leaves alone, are the definition's."""

from __future__ import annotations

import pytest

from ledger.errors import BadInput
from ledger.proof.growth import Growth
from ledger.proof.merkle import Frontier, check_inclusion

from .models import inclusion_path, leaves, raising, tree_root

EVERY = leaves(140)


@pytest.mark.parametrize("old", range(70))
def test_every_new_leaf(old: int) -> None:
    """Of every growth by one to seventy leaves."""
    before = Frontier.EMPTY.extend(EVERY[:old])
    for new in range(1, 71):
        growth = Growth(before, EVERY[old : old + new])
        tree = EVERY[: old + new]
        assert growth.frontier == Frontier.EMPTY.extend(tree)
        root = tree_root(tree)
        for index in {old, old + new // 2, old + new - 1}:
            path = growth.path(index)
            assert path == inclusion_path(index, tree)
            check_inclusion(index=index, size=len(tree), leaf=tree[index], path=path, root=root)


def test_others_are_refused() -> None:
    """An old leaf's path is not here, and there is none beyond the end."""
    growth = Growth(Frontier.EMPTY.extend(EVERY[:9]), EVERY[9:12])
    for index in (-1, 0, 8, 12):
        with raising(BadInput, "bad-tree-size"):
            growth.path(index)
    with raising(BadInput, "bad-frontier"):
        Growth(Frontier.EMPTY, [bytes(31)])
