"""Seals made at intake: each is the truth about the entries before it, whatever happened between two of them, and costs what
changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from ledger.errors import Broken, LedgerError
from ledger.log import append
from ledger.log.append import SEAL_MS
from ledger.node import Node
from ledger.recap.replay import replay
from ledger.store import rows
from ledger.tally.events import RecapSealed, TallyCorrected, TallySubmitted
from ledger.tally.recaps import current_root
from ledger.tally.signing import open_submission, reopen_entry
from ledger.tally.state import SLOTS

from ..governed import Governed, submissions, whole_season
from ..world import Clock


def season() -> list[bytes]:
    """What came in during the governed season, without its seals."""
    log = whole_season()
    sent = zip(log.entries, submissions(log.entries), strict=True)
    return [submission for entry, submission in sent if not isinstance(reopen_entry(entry).event.data, RecapSealed)]


def made(folder: Path, *, clock: Clock | None = None, automatic: bool = False) -> Node:
    """A ledger that seals when told, or by itself."""
    world = Governed()
    return Node.create(
        folder,
        origin=world.origin,
        log_key=world.log_key,
        clock=clock or Clock(),
        sealer=world.key("sealer"),
        automatic=automatic,
    )


def seals(node: Node) -> Iterator[tuple[bytes, bytes]]:
    """(root sealed, root of a replay from the first entry on) of every seal in the log."""
    with node.entries() as stored:
        entries = [row.entry for row in stored]
    for index, entry in enumerate(entries):
        data = reopen_entry(entry).event.data
        if isinstance(data, RecapSealed):
            assert data.size == index
            yield data.root, current_root(replay(entries[:index]), size=index)


def test_a_seal_after_every_event_is_what_a_replay_gives(tmp_path: Path) -> None:
    """Forms, corrections, revotes, stations added: what the log remembers from seal to seal is never out of date."""
    with made(tmp_path / "l") as node:
        sent = season()
        node.submit(sent[:1])
        for submission in sent[1:]:
            node.submit([submission])
            node.seal()
        found = list(seals(node))
        assert len(found) == len(sent) - 1
        assert len(set(found)) > 60
        assert all(sealed == replayed for sealed, replayed in found)


def test_what_failed_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch is rolled back once, after it and a seal over it were decided; the next seal is over the log without it."""
    clock = Clock()
    with made(tmp_path / "l", clock=clock, automatic=True) as node:
        for submission in season():
            clock.now += SEAL_MS
            with monkeypatch.context() as patch:
                patch.setattr(append, "write_entries", failing)
                with pytest.raises(LedgerError, match="disk-full"):
                    node.submit([submission])
            if node.head().size:
                node.seal()
            node.submit([submission])
        found = list(seals(node))
        assert len(set(found)) > 60
        assert all(sealed == replayed for sealed, replayed in found)


def test_what_another_process_wrote_is_not_missed(tmp_path: Path) -> None:
    """The same ledger, open twice: one takes what comes in, the other seals."""
    with made(tmp_path / "l") as node, Node.open(tmp_path / "l", clock=Clock()) as other:
        for submission in season():
            other.submit([submission])
            node.seal()
        found = list(seals(node))
        assert len(set(found)) > 60
        assert all(sealed == replayed for sealed, replayed in found)


def failing(*_: object) -> None:
    """The disk is full when the entries are written: after all was decided."""
    raise Broken("disk-full")


def test_a_seal_reads_what_changed_since_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first walks every slot; one after a form reads the slots of that form's own area; one after nothing, none."""
    read = 0
    true = rows.scan

    def counted(connection: Connection, name: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        nonlocal read
        for row in true(connection, name, prefix):
            read += name == SLOTS.name
            yield row

    def cost(act: Any) -> int:
        nonlocal read
        read = 0
        act()
        return read

    costs: list[int] = []
    monkeypatch.setattr(rows, "scan", counted)
    with made(tmp_path / "l") as node:
        sent = season()
        node.submit(sent[:1])
        for submission in sent[1:]:
            form = isinstance(open_submission(submission).data, TallySubmitted | TallyCorrected)
            node.submit([submission])
            spent = cost(node.seal)
            assert cost(node.seal) == 0
            costs += [spent] * form
        with node.database.reading() as connection:
            slots = [key for key, _ in true(connection, SLOTS.name)]
    of_one_area = Counter(key.rpartition(b"/")[0][:-3] for key in slots)
    assert len(costs) > 10
    assert max(costs) <= max(of_one_area.values()) < len(slots)
    with Node.open(tmp_path / "l", clock=Clock()) as again:
        assert cost(again.seal) >= len(slots)
