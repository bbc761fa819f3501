"""A ledger that part 1's code made, kept as bytes: what stood in it then stands in it now.

``golden/part-1.json`` was written by the code before plenaries, second seats and revotes came in: the ledger's id, the answer to
each of its entries, and every published file in hex.  Nobody writes it anew; a change that cannot read it needs a new version of
the formats.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from ledger.audit.report import STEPS
from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.log.append import Appended
from ledger.proof.tiles import decode_bundle
from ledger.recap.replay import replay
from ledger.tally.pages import page_path, recap_pages
from ledger.tally.projection import VOIDS
from ledger.tally.signing import open_entry

from ..world import MemoryLog, World, code_of, make_node
from .forger import publication, write

GOLDEN = Path(__file__).parent.parent / "golden" / "part-1.json"


class Golden(NamedTuple):
    """The ledger's id, the answers, the published files, and the entries among them."""

    ledger: bytes
    answers: list[str]
    files: dict[str, bytes]
    entries: list[bytes]


@pytest.fixture(scope="module")
def golden() -> Golden:
    """The ledger as it was written."""
    told = json.loads(GOLDEN.read_text())
    files = {path: bytes.fromhex(data) for path, data in told["files"].items()}
    bundle = next(data for path, data in files.items() if path.startswith("tile/entries/"))
    return Golden(bytes.fromhex(told["ledger"]), told["answers"], files, decode_bundle(bundle, len(told["answers"])))


def submissions(golden: Golden) -> list[bytes]:
    """What devices sent."""
    return [msgspec.msgpack.encode(msgspec.msgpack.decode(entry)[4]) for entry in golden.entries]


def pages(files: dict[str, bytes]) -> dict[str, bytes]:
    """The recap's files."""
    return {path: data for path, data in files.items() if path.startswith("recap/")}


def test_the_auditor_accepts_it_whole(golden: Golden, tmp_path: Path) -> None:
    """Verified by its id: nine steps passed, no failure, as many void events as there were."""
    source = FolderSource(write(tmp_path, golden.files))
    report = verify(source, ledger_id=golden.ledger, executor=None, progress=None, known=None)
    assert [(step.name, step.outcome) for step in report.steps] == [(name, "passed") for name in STEPS]
    assert (report.ok, report.failures, report.identity, report.size) == (True, (), "checked", len(golden.answers))
    assert report.void == sum(answer.startswith("void") for answer in golden.answers) > 5
    assert (report.pending, report.certificates, report.seals) == (0, 0, 0)


def test_the_fold_gives_every_answer_again(golden: Golden) -> None:
    """Taken by a log in memory, watched: each entry the answer of then, and the same bytes; replayed: the same pages."""
    log = MemoryLog()
    for entry, submission, answer in zip(golden.entries, submissions(golden), golden.answers, strict=True):
        log.time = open_entry(entry).sequenced_at
        assert code_of(log.take(submission, watched=True)) == answer
    assert log.entries == golden.entries
    memory = replay(golden.entries)
    voids = {int.from_bytes(key): f"void {code}" for key, code in memory.under(VOIDS)}
    assert voids == {index: answer for index, answer in enumerate(golden.answers) if answer != "ok"}
    size = len(golden.entries)
    made = {f"recap/{size}/{page_path(page.contest, page.area)}": page.data for page in recap_pages(memory, size)}
    assert made == {path: data for path, data in pages(golden.files).items() if not path.endswith("recap_root")}
    assert len(made) == 13


def test_a_node_takes_and_publishes_the_same_bytes(golden: Golden, tmp_path: Path) -> None:
    """The submissions sent to a new ledger with the clock of then: the same answers, the same publication byte for byte, checkpoint
    and all; and the forger's tools, which stand for the auditor's tests, make the same."""
    world = World()
    assert world.ledger == golden.ledger
    times = iter([open_entry(entry).sequenced_at for entry in golden.entries])
    with make_node(tmp_path / "ledger", world, clock=lambda: next(times)) as node:
        for index, (submission, answer) in enumerate(zip(submissions(golden), golden.answers, strict=True)):
            (told,) = node.submit([submission])
            assert isinstance(told, Appended)
            assert (code_of(told), told.index, told.pending) == (answer, index, False)
        replayed = node.replay(rebuilding=False)
        assert replayed.digest == replayed.standing, replayed.differences
        node.publish(tmp_path / "public")
    folder = tmp_path / "public"
    made = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path: data for path, data in made.items() if path != "README.txt"} == {
        path: data for path, data in golden.files.items() if path != "README.txt"
    }
    assert pages(publication(golden.entries, world.signer)) == pages(golden.files)
