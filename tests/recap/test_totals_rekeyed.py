"""Proofs of totals of a log that was rekeyed: the file leads from entry 0 to the key in force, and neither verifier takes a gap."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.errors import BadInput, NotVerified
from ledger.proof.checkpoint import parse_checkpoint, sign_checkpoint
from ledger.proof.merkle import prove_inclusion
from ledger.proof.note import parse_note
from ledger.tally.signing import reopen_entry
from ledger.tally.totalproof import ProvenTotal, check_total

from ..governed import CITY, submissions, whole_season
from ..proof.models import TileStore
from ..rekeying import LOG_2, LOG_3, SEALER_2, SEALER_3, log_private, log_signer, rekey, rekeying
from ..world import make_node

ROOT = Path(__file__).resolve().parents[2]


class Scene:
    """A season, then: the log rekeyed, a seal; a rekeying to a key that was used (void); log and sealer rekeyed, a seal by the new
    sealer; the sealer rekeyed; a rekeying proposed and not approved.  ``notes``: the checkpoint at every size."""

    def __init__(self, folder: Path) -> None:
        log = whole_season()
        self.world = log.world
        self.node = make_node(folder, log.world)
        for name in (LOG_2, LOG_3):
            self.node.signers.keep_log_key(log_private(name))
        self.notes: dict[int, bytes] = {}
        self.season = len(log.entries)
        rekey(log, log=LOG_2)
        self.first = len(log.entries)
        log.seal()
        self.void = len(log.entries)
        assert log.told("root-1", rekeying(log.world, log=LOG_2)) == "void log-key-used"
        rekey(log, log=LOG_3, sealer=SEALER_2)
        self.second = len(log.entries)
        log.seal(by=SEALER_2)
        rekey(log, sealer=SEALER_3)
        self.third = len(log.entries)
        self.proposed = len(log.entries)
        log.act("root-1", rekeying(log.world, log="log-4"))
        for submission in submissions(log.entries):
            self.node.submit([submission])
            head = self.node.head()
            self.notes[head.size] = head.checkpoint
        with self.node.entries() as rows:
            self.entries = [row.entry for row in rows]

    def prove(self, note: bytes | None = None, **more: Any) -> bytes:
        """A total, up to the checkpoint."""
        return self.node.prove_total(contest="mayor", area=CITY, checkpoint=note, **more).data

    def stated(self, index: int, size: int) -> list[Any]:
        """The entry with its path in the tree of this size."""
        leaves = [reopen_entry(entry).leaf for entry in self.entries[:size]]
        return [self.entries[index], list(prove_inclusion(index, size, TileStore(leaves).fresh()))]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One."""
    made = Scene(tmp_path_factory.mktemp("rekeyed") / "ledger")
    yield made
    made.node.close()


def check(data: bytes, vkey: str | None = None, *, ledger: bytes | None = None) -> ProvenTotal:
    """By the package's checker."""
    return check_total(data, vkey=vkey, ledger=ledger)


def second(folder: Path, data: bytes, *given: str) -> int:
    """The second verifier's exit status."""
    (folder / "proof").write_bytes(data)
    command = [sys.executable, str(ROOT / "tools" / "verify_ledger.py"), "--total", str(folder / "proof"), *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def entries_of(data: bytes) -> list[int]:
    """Which entries a proof states."""
    return [reopen_entry(entry).index for entry, _ in msgspec.msgpack.decode(data)[2]]


def test_the_chain_is_as_long_as_the_checkpoint_asks_and_the_key_is_the_one_there(scene: Scene, tmp_path: Path) -> None:
    """Whatever the sealed recap's height.  What took no effect is not in it."""
    keys = [scene.world.signer, log_signer(LOG_2), log_signer(LOG_3)]
    ledger = scene.node.ledger_id() or b""
    for size, note in sorted(scene.notes.items()):
        if size < scene.season:
            continue
        chain = [index for end in (scene.first, scene.second, scene.third) for index in (end - 2, end - 1) if end <= size]
        key = keys[(size >= scene.first) + (size >= scene.second)].vkey
        data = scene.prove(note)
        assert [index for index in entries_of(data) if index >= scene.season and index in chain] == chain
        assert len(entries_of(data)) == 4 + len(chain)
        for proven in (check(data, key), check(data, ledger=ledger), check(data, key, ledger=ledger)):
            assert (proven.log_key, proven.checkpoint.size) == (key, size)
        for other in keys:
            if other.vkey != key:
                with pytest.raises(NotVerified, match="the log of another key"):
                    check(data, other.vkey)
        assert second(tmp_path, data, "--log-vkey", key, "--ledger-id", ledger.hex()) == 0, size
        assert second(tmp_path, data, "--ledger-id", ledger.hex()) == 0, size
    assert scene.void not in entries_of(data)
    assert scene.proposed not in entries_of(data)
    assert second(tmp_path, data, "--log-vkey", keys[0].vkey) == 1


def test_a_seal_of_before_stays_good_under_the_new_keys(scene: Scene, tmp_path: Path) -> None:
    """Each seal is the sealer's that was in force there."""
    for at in (scene.season, scene.first, scene.second):
        data = scene.prove(at=at)
        assert check(data, log_signer(LOG_3).vkey).size <= at
        assert second(tmp_path, data, "--log-vkey", log_signer(LOG_3).vkey) == 0


def without(*indices: int) -> Callable[[Scene, list[Any]], None]:
    """The file without these entries."""
    return lambda _, plain: plain.__setitem__(2, [each for each in plain[2] if reopen_entry(each[0]).index not in indices])


def added(index: Callable[[Scene], int]) -> Callable[[Scene, list[Any]], None]:
    """The file with one more of the log's own entries, in its place."""

    def change(scene: Scene, plain: list[Any]) -> None:
        stated = [*plain[2], scene.stated(index(scene), len(scene.entries))]
        plain[2] = sorted(stated, key=lambda each: reopen_entry(each[0]).index)

    return change


def dropped(which: Callable[[Scene], tuple[int, ...]]) -> Callable[[Scene, list[Any]], None]:
    """The file without these."""
    return lambda scene, plain: without(*which(scene))(scene, plain)


def old_key(scene: Scene, plain: list[Any]) -> None:
    """The very tree, signed by the key before: what its thief can do."""
    plain[1] = sign_checkpoint(parse_checkpoint(parse_note(plain[1]).text), log_signer(LOG_2))


def old_key_and_no_rekeying(scene: Scene, plain: list[Any]) -> None:
    """The same, and the rekeyings left out: whoever holds the present key finds it, whoever has the id alone cannot."""
    old_key(scene, plain)
    without(*range(scene.void, scene.third + 2))(scene, plain)


SPOILED: list[tuple[Callable[[Scene, list[Any]], None], str]] = [
    (dropped(lambda scene: (scene.first - 2,)), "key-chain-broken"),
    (dropped(lambda scene: (scene.first - 1,)), "key-chain-broken"),
    (dropped(lambda scene: (scene.second - 1,)), "key-chain-broken"),
    (dropped(lambda scene: (scene.second - 2, scene.second - 1)), "total-not-proven"),
    (added(lambda scene: scene.void), "key-chain-broken"),
    (added(lambda scene: scene.proposed), "key-chain-broken"),
    (added(lambda _: 5), "total-not-proven"),
    (old_key, "note-unsigned"),
    (old_key_and_no_rekeying, "total-not-proven"),
]


@pytest.mark.parametrize(("change", "told"), SPOILED)
def test_a_gap_or_an_entry_too_many_is_refused(
    scene: Scene, tmp_path: Path, change: Callable[[Scene, list[Any]], None], told: str
) -> None:
    """With the key in force and the ledger's id given, by both."""
    plain = msgspec.msgpack.decode(scene.prove(at=scene.first + 1))
    change(scene, plain)
    data = msgspec.msgpack.encode(plain)
    key, ledger = log_signer(LOG_3).vkey, scene.node.ledger_id() or b""
    with pytest.raises((BadInput, NotVerified)) as caught:
        check(data, key, ledger=ledger)
    assert caught.value.code == told, caught.value
    assert second(tmp_path, data, "--log-vkey", key, "--ledger-id", ledger.hex()) in (1, 4)


def test_a_rekeying_left_out_that_another_followed_changes_nothing(scene: Scene, tmp_path: Path) -> None:
    """No checker can miss it: the key in force at the checkpoint, and the sealer's at the seal, are what they are without it."""
    plain = msgspec.msgpack.decode(scene.prove())
    without(scene.first - 2, scene.first - 1)(scene, plain)
    data = msgspec.msgpack.encode(plain)
    assert check(data, log_signer(LOG_3).vkey).log_key == log_signer(LOG_3).vkey
    assert second(tmp_path, data, "--log-vkey", log_signer(LOG_3).vkey) == 0


def test_who_has_the_id_alone_cannot_see_that_the_last_rekeying_was_left_out(scene: Scene, tmp_path: Path) -> None:
    """Said in docs/FORMATS.md, 8.6: the thief of a key that was replaced deceives who does not know the key in force."""
    plain = msgspec.msgpack.decode(scene.prove(at=scene.first + 1))
    old_key_and_no_rekeying(scene, plain)
    data = msgspec.msgpack.encode(plain)
    assert check(data, ledger=scene.node.ledger_id()).log_key == log_signer(LOG_2).vkey
    assert second(tmp_path, data, "--ledger-id", (scene.node.ledger_id() or b"").hex()) == 0
