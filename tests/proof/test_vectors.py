"""Proofs that others published, with their verdicts, put to both of our checkers (tests/golden/transparency-dev-merkle.json)."""

from __future__ import annotations

import json
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import NotVerified
from ledger.proof.merkle import EMPTY_ROOT, check_consistency, check_inclusion

ROOT = Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "tests" / "golden" / "transparency-dev-merkle.json").read_text())
HASHES = [bytes.fromhex(text) for text in VECTORS["hashes"]]
Row = tuple[str, int, int, int | None, int | None, list[int], bool]


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


def hash_at(place: int | None) -> bytes:
    """A hash of the list; a vector without one gives no bytes."""
    return b"" if place is None else HASHES[place]


def test_the_vectors_are_all_there() -> None:
    """98 of each kind, of which some hold."""
    assert [len(VECTORS[kind]) for kind in ("inclusion", "consistency")] == [98, 98]
    assert [sum(row[-1] for row in VECTORS[kind]) for kind in ("inclusion", "consistency")] == [6, 6]


def are_hashes(*values: bytes) -> bool:
    """Some vectors have other texts in the place of hashes, which theirs lets pass where it does not look at them; ours never."""
    return all(len(value) == 32 for value in values)


@pytest.mark.parametrize("row", VECTORS["inclusion"], ids=lambda row: row[0])
def test_inclusion(row: Row) -> None:
    """An entry in a tree."""
    _, index, size, leaf, root, path, wanted = row
    steps = [HASHES[at] for at in path]
    there = are_hashes(hash_at(leaf), hash_at(root), *steps)
    assert holds(check_inclusion, index=index, size=size, leaf=hash_at(leaf), path=steps, root=hash_at(root)) is (wanted and there)
    if there:
        assert holds(second()["check_inclusion"], hash_at(leaf), index, size, steps, hash_at(root)) is wanted


@pytest.mark.parametrize("row", VECTORS["consistency"], ids=lambda row: row[0])
def test_consistency(row: Row) -> None:
    """A tree that extends another; the second verifier asks for such only between two sizes, of which the smaller is not 0."""
    _, old, new, old_root, new_root, path, wanted = row
    steps = [HASHES[at] for at in path]
    there = are_hashes(hash_at(old_root), hash_at(new_root), *steps) and (old > 0 or hash_at(old_root) == EMPTY_ROOT)
    given = {"old": old, "new": new, "old_root": hash_at(old_root), "new_root": hash_at(new_root)}
    assert holds(check_consistency, **given, path=steps) is (wanted and there)
    if there and 0 < old < new:
        assert holds(second()["check_consistency"], old, hash_at(old_root), new, hash_at(new_root), steps) is wanted
