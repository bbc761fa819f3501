"""Good and spoiled proofs of small trees, made by RFC 6962's definitions, put to both of our checkers: they never differ."""

from __future__ import annotations

import runpy
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import NotVerified
from ledger.proof.merkle import check_consistency, check_inclusion

from .models import consistency_path, inclusion_path, leaves, tree_root

ROOT = Path(__file__).resolve().parents[2]
LEAVES = leaves(33)
ROOTS = [tree_root(LEAVES[:size]) for size in range(34)]
OTHER = bytes(32)


@cache
def second() -> dict[str, Any]:
    """The second verifier's functions."""
    return runpy.run_path(str(ROOT / "tools" / "verify_ledger.py"), run_name="second")


def holds(check: Any, *given: Any, **named: Any) -> bool:
    """Whether a checker takes it; what it raises is its own refusal and nothing else."""
    try:
        check(*given, **named)
    except (NotVerified, second()["Broken"]):
        return False
    return True


def spoiled_paths(path: Sequence[bytes], root: bytes) -> Iterator[list[bytes]]:
    """A path cut, lengthened at either end, turned round, with a hash put in, left out, doubled or another's."""
    good = list(path)
    for bad in ([], good[1:], good[:-1], good[::-1], [*good, root], [root, *good], [*good, OTHER], [OTHER, *good], good + good):
        if bad != good:
            yield bad
    for at in range(len(good)):
        yield [*good[:at], OTHER, *good[at + 1 :]]
        yield [*good[:at], OTHER, *good[at:]]
        yield [*good[: at + 1], *good[at:]]


@pytest.mark.parametrize("size", range(1, 34))
def test_inclusion(size: int) -> None:
    """Of every entry of the tree: its own proof holds; of another index, twice the size, half of it, another leaf or root, none."""
    root = ROOTS[size]
    for index, leaf in enumerate(LEAVES[:size]):
        path = inclusion_path(index, LEAVES[:size])
        spoiled = [(index, size, leaf, bad, root) for bad in spoiled_paths(path, root)]
        spoiled += [(at, size, leaf, path, root) for at in {index + 1, index ^ 2, index * 2, size, size + index} - {index}]
        spoiled += [(index, size * 2, leaf, path, root), (index, size // 2, leaf, path, root), (index, 0, leaf, path, root)]
        spoiled += [(index, size, OTHER, path, root), (index, size, leaf, path, OTHER), (index, size, OTHER, path, OTHER)][
            : 2 + bool(path)
        ]
        spoiled += [(index, size, root, path, leaf)] * (root != leaf)
        for wanted, claims in ((True, [(index, size, leaf, path, root)]), (False, spoiled)):
            for at, of, claimed, steps, top in claims:
                assert holds(check_inclusion, index=at, size=of, leaf=claimed, path=steps, root=top) is wanted, (at, of, steps)
                assert holds(second()["check_inclusion"], claimed, at, of, steps, top) is wanted, (at, of, steps)


@pytest.mark.parametrize("new", range(2, 34))
def test_consistency(new: int) -> None:
    """Between every two trees, of which the smaller has an entry: theirs holds; of other sizes or roots, none."""
    for old in range(1, new):
        path = consistency_path(old, LEAVES[:new])
        spoiled = [(old, new, ROOTS[old], ROOTS[new], bad) for bad in spoiled_paths(path, ROOTS[new])]
        spoiled += [
            (old, new, first, last, path) for first, last in ((ROOTS[new], ROOTS[old]), (OTHER, ROOTS[new]), (ROOTS[old], OTHER))
        ]
        spoiled += [(old, new * 2, ROOTS[old], ROOTS[new], path)]
        for wanted, claims in ((True, [(old, new, ROOTS[old], ROOTS[new], path)]), (False, spoiled)):
            for less, more, first, last, steps in claims:
                given = {"old": less, "new": more, "old_root": first, "new_root": last}
                assert holds(check_consistency, **given, path=steps) is wanted, (less, more, steps)
                assert holds(second()["check_consistency"], less, first, more, last, steps) is wanted, (less, more, steps)
