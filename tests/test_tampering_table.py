"""docs/DETECTION.md is what the tool makes: both verifiers find every kind of attack where it is, and every changed bit.

The usual run tries a third of the kinds, a sample of the document's flipped bits, and good ledgers of every size that is quick; the
campaign makes the whole document again, and runs the second verifier as a program of its own.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.tampering import ATTACKS, table
from tools.tampering.flips import Flip, Region, flips_of, regions, tallied
from tools.tampering.good import base
from tools.tampering.kinds import KINDS, write
from tools.tampering.unspoiled import UNSPOILED
from tools.tampering.verdicts import Verdict, second_in_its_own_process

for _name in ATTACKS:
    importlib.import_module(f"tools.tampering.{_name}")

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "DETECTION.md"
EVERY = 3
"""Every third kind is tried in the usual run, all of them in the campaign."""
SAMPLE = 1
"""Flips of each region in the usual run: the first of the document's."""


def nothing_missed(flip: Flip, one: Verdict, other: Verdict) -> None:
    """For ``tallied``: a flip that was not found is told with what both verifiers said."""
    raise AssertionError(f"{flip.region.kind}, {flip.region.name}, byte {flip.at}, bit {flip.bit}: {one}; {other}")


def lines_of(heading: str) -> list[str]:
    """The lines of a section of the document that are rows of tables."""
    section = DOCUMENT.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def kind_lines() -> Iterator[str]:
    """The document's lines of attacks, in its order."""
    for group in dict.fromkeys(kind.group for kind in KINDS.values()):
        yield from lines_of(group)


def test_the_document_names_every_kind_once() -> None:
    """At least seventy, in the order of the tool's list, and each found by both."""
    told = [re.split(r" (?<!\\)\| ", line.removeprefix("| ").removesuffix(" |")) for line in kind_lines()]
    ordered = [
        kind.name for group in dict.fromkeys(k.group for k in KINDS.values()) for kind in KINDS.values() if kind.group == group
    ]
    assert [cells[0] for cells in told] == ordered
    assert len(ordered) >= 70
    assert {cells[-1] for cells in told} == {"both"}


def some() -> Iterator[object]:
    """All kinds, most of them for the campaign."""
    for number, name in enumerate(KINDS):
        yield pytest.param(name, marks=() if number % EVERY == 0 else (pytest.mark.campaign,))


@pytest.mark.parametrize("name", list(some()))
def test_both_verifiers_find_it_where_it_is(name: str) -> None:
    """Refused by each, at the step, entry and file at which it must be, and as the document says."""
    row = table.tried(KINDS[name])
    assert row.must.met(row.first), row
    assert row.must.met(row.second), row
    assert table.kind_line(row) in lines_of(row.kind.group)


def _told(region: Region) -> bool:
    return any(line.startswith(f"| {region.kind} | {region.name} | ") for line in lines_of("One bit changed"))


def test_a_sample_of_changed_bits_is_found_by_both() -> None:
    """Of each region that the document has."""
    for region in regions():
        assert _told(region), (region.kind, region.name)
        tallied(flips_of(region, SAMPLE, table.SEED), nothing_missed)


def good_ledgers() -> Iterator[object]:
    """Good publications; most of the logs with a void act at their end, and what is slow, for the campaign."""
    quick = [name for name, ledger in UNSPOILED.items() if not ledger.slow]
    void = [name for name in quick if name.startswith("without effect")]
    for name in UNSPOILED:
        thinned = name in void and void.index(name) % EVERY != 0
        yield pytest.param(name, marks=(pytest.mark.campaign,) if thinned or name not in quick else ())


@pytest.mark.parametrize("name", list(good_ledgers()))
def test_neither_verifier_finds_anything_in_a_good_ledger(name: str) -> None:
    """All nine steps pass, and the document says so."""
    assert table.accepted(UNSPOILED[name])
    assert table.line([name, "none"]) in lines_of(table.UNSPOILT)


def test_there_are_fifty_good_ledgers_of_the_sizes_that_tiles_make_interesting() -> None:
    """Not counting those that differ in a void act alone."""
    others = [name for name in UNSPOILED if not name.startswith("without effect")]
    assert len(others) >= 50
    for size in ("0", "1", "255", "256", "257", "65,536"):
        assert [name for name in others if re.search(rf"\b{size} entries", name)], size


@pytest.mark.campaign
def test_the_document_is_what_the_tool_makes() -> None:
    """Word for word; if a difference was meant: tools/tamper.py table --out docs/DETECTION.md"""
    assert table.document(flips=table.FLIPS, seed=table.SEED, missed=nothing_missed) == DOCUMENT.read_text()


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_more_changed_bits_are_found_by_both(seed: int) -> None:
    """Other seeds."""
    for region in regions():
        tallied(flips_of(region, 3 * table.FLIPS, seed), nothing_missed)


@pytest.mark.campaign
@pytest.mark.parametrize("name", KINDS)
def test_the_second_verifier_says_the_same_as_a_program_of_its_own(name: str, tmp_path: Path) -> None:
    """As an auditor runs it."""
    spoiled = KINDS[name].make(base(KINDS[name].base))
    place = write(tmp_path, spoiled)
    assert second_in_its_own_process(place, spoiled.asked) == table.second(place, spoiled.asked)
