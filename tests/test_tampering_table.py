"""docs/DETECTION.md is what the tool makes: both verifiers find every kind of attack where it is, and every changed bit.

The usual run tries a third of the kinds, a sample of the document's flipped bits, and good ledgers of every size that is quick; the
campaign makes the whole document again, and runs the second verifier as a program of its own.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tools.tampering import ATTACKS, table
from tools.tampering.flips import Flip, Region, flips_of, regions, tallied
from tools.tampering.good import base
from tools.tampering.kinds import KINDS, write
from tools.tampering.totals import added, commitment
from tools.tampering.unspoiled import UNSPOILED, WITHOUT_EFFECT
from tools.tampering.verdicts import Asked, Verdict, second_in_its_own_process

for _name in ATTACKS:
    importlib.import_module(f"tools.tampering.{_name}")

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "DETECTION.md"
TOOL = ROOT / "tools" / "tamper.py"
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
    for group in dict.fromkeys(kind.group for kind in table.in_order()):
        yield from lines_of(group)


def test_the_document_names_every_kind_once() -> None:
    """At least seventy, in the order of the tool's list, and each found by both."""
    told = [re.split(r" (?<!\\)\| ", line.removeprefix("| ").removesuffix(" |")) for line in kind_lines()]
    ordered = [
        kind.name for group in dict.fromkeys(k.group for k in table.in_order()) for kind in table.in_order() if kind.group == group
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
    return any(line.startswith(f"| {region.kind} | {region.name} | ") for line in lines_of(table.BITS))


def test_a_sample_of_changed_bits_is_found_by_both() -> None:
    """Of each region that the document has."""
    for region in regions():
        assert _told(region), (region.kind, region.name)
        tallied(flips_of(region, SAMPLE, table.SEED), nothing_missed)


def good_ledgers() -> Iterator[object]:
    """Good publications; most of the logs with a void act at their end, and what is slow, for the campaign."""
    quick = [name for name, ledger in UNSPOILED.items() if not ledger.slow]
    void = [name for name in quick if name.startswith(WITHOUT_EFFECT)]
    for name in UNSPOILED:
        thinned = name in void and void.index(name) % EVERY != 0
        yield pytest.param(name, marks=(pytest.mark.campaign,) if thinned or name not in quick else ())


@pytest.mark.parametrize("name", list(good_ledgers()))
def test_neither_verifier_finds_anything_in_a_good_ledger(name: str) -> None:
    """All nine steps pass, and the document says so."""
    alarms = table.alarms_of(UNSPOILED[name])
    assert alarms == (False, False)
    if not name.startswith(WITHOUT_EFFECT):
        assert table.good_line(name, [alarms]) in lines_of(table.UNSPOILT)


def test_there_are_fifty_good_ledgers_of_the_sizes_that_tiles_make_interesting() -> None:
    """Not counting those that differ in a void act alone."""
    others = [name for name in UNSPOILED if not name.startswith(WITHOUT_EFFECT)]
    assert len(others) >= 50
    for size in ("0", "1", "255", "256", "257", "65,536"):
        assert [name for name in others if re.search(rf"\b{size} entries", name)], size


CARRIED = [name for name in KINDS if name.endswith(", carried up") and not name.startswith("total: ")]


@pytest.mark.parametrize("name", CARRIED)
def test_a_lie_that_is_carried_up_agrees_with_itself(name: str) -> None:
    """Every page's rows hash to what it says of them, and it stands so in the page above: only the entries contradict it."""
    good = base("season")
    files = KINDS[name].make(good).files
    assert files != good.files
    pages = {page[2][1]: page for path in good.pages() if "/mayor/" in path for page in [msgpack.unpackb(files[path])]}
    for area, page in pages.items():
        row, below = page[2], page[3]
        assert row[5:] == [len(below), hashlib.sha256(b"".join(map(commitment, below))).digest()], area
        if len(below[0]) == 8:
            assert [*row[2:4], row[4][:7]] == added(below), area
        else:
            assert all(child == pages[child[1]][2] for child in below), area
            for part in (2, 3, 4):
                assert row[part] == [sum(column) for column in zip(*(child[part] for child in below), strict=True)], area


def run(*words: object) -> subprocess.CompletedProcess[str]:
    """The tool as people run it."""
    command = [sys.executable, str(TOOL), *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)


def test_the_tool_spoils_any_good_folder_as_far_as_it_has_the_keys(tmp_path: Path) -> None:
    """One of the tests' own, with all keys; a stranger's with the folder alone, and with the log's key when it is given."""
    listed = run("list")
    assert listed.stdout.count("\n  ") == len(KINDS)
    assert run("good", "season", tmp_path / "season").returncode == 0
    for kind in ("missing tile", "dropped entry", "an operator holds a tally"):
        made = run("make", kind, tmp_path / "season", tmp_path / kind)
        assert "must be found: step" in made.stdout, made.stderr
        assert not table.second(tmp_path / kind, Asked()).ok
    spoiled = UNSPOILED["the example of FORMATS.md, cosigned"].make()
    stranger = write(tmp_path / "stranger", spoiled)
    assert "must be found: step 4" in run("make", "missing tile", stranger, tmp_path / "1").stdout
    resigned = ("make", "re-signed checkpoint with another root", stranger)
    assert "log-key-missing" in run(*resigned, tmp_path / "2").stderr
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"docs/log").digest())
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert "must be found: step 4" in run(*resigned, tmp_path / "3", "--log-key", tmp_path / "key.pem").stdout
    assert 4 in table.first(tmp_path / "3", Asked()).failed
    assert "keys-missing" in run("make", "an operator holds a tally", stranger, tmp_path / "4").stderr
    assert run("make", "no such kind", stranger, tmp_path / "5").returncode != 0
    assert "is not empty" in run("make", "missing tile", stranger, tmp_path / "3").stderr


@pytest.mark.campaign
def test_the_document_is_what_the_tool_makes() -> None:
    """Word for word; if a difference was meant: tools/tamper.py table --out docs/DETECTION.md"""
    made = table.try_all(flips=table.FLIPS, seed=table.SEED, missed=nothing_missed)
    assert table.document(made, seed=table.SEED) == DOCUMENT.read_text()


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [2, 3])
def test_more_changed_bits_are_found_by_both(seed: int) -> None:
    """Other seeds."""
    for region in regions():
        tallied(flips_of(region, table.FLIPS, seed), nothing_missed)


@pytest.mark.campaign
@pytest.mark.parametrize("name", KINDS)
def test_the_second_verifier_says_the_same_as_a_program_of_its_own(name: str, tmp_path: Path) -> None:
    """As an auditor runs it."""
    spoiled = KINDS[name].make(base(KINDS[name].base))
    place = write(tmp_path, spoiled)
    assert second_in_its_own_process(place, spoiled.asked) == table.second(place, spoiled.asked)
