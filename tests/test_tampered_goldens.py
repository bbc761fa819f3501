"""Spoiled publications kept as bytes: both verifiers find each, for ever, whatever the tool that once made them has become.

``golden/tampered*.tar.xz`` hold one publication of every kind of attack and some changed bits of every region of every file, with
the step, entry and file at which each must be found.  Nobody writes them anew: ``tamper.py table --goldens tests/golden`` puts
another one beside them, with what is new.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tools.tampering.goldens import Golden, read
from tools.tampering.kinds import KINDS, write
from tools.tampering.verdicts import first, second

FOLDER = Path(__file__).parent / "golden"
ARCHIVES = sorted(path.name for path in FOLDER.glob("*.tar.xz"))
PARTS = 8
"""An eighth of them is tried in the usual run."""
LIMIT_BYTES = 1_000_000


@cache
def goldens(archive: str) -> list[Golden]:
    """All of an archive."""
    return list(read(FOLDER / archive))


def some() -> Iterator[object]:
    """Archives and parts of them."""
    for archive in ARCHIVES:
        for part in range(PARTS):
            yield pytest.param(archive, part, marks=() if part == 0 else (pytest.mark.campaign,))


@pytest.mark.parametrize(("archive", "part"), list(some()))
def test_both_verifiers_find_every_golden(archive: str, part: int, tmp_path: Path) -> None:
    """At the step, entry and file that stand in the archive's list."""
    for number, golden in enumerate(goldens(archive)[part::PARTS]):
        place = write(tmp_path / str(number), golden.spoiled)
        one, other = first(place, golden.spoiled.asked), second(place, golden.spoiled.asked)
        assert golden.spoiled.must.met(one), (golden.name, golden.spoiled.must, one)
        assert golden.spoiled.must.met(other), (golden.name, golden.spoiled.must, other)


def test_the_goldens_are_small_and_many() -> None:
    """One of each kind that there is, no name twice, in less than a megabyte."""
    assert ARCHIVES
    assert sum((FOLDER / archive).stat().st_size for archive in ARCHIVES) < LIMIT_BYTES
    names = [golden.name for archive in ARCHIVES for golden in goldens(archive)]
    assert len(set(names)) == len(names)
    assert set(KINDS) <= set(names)
