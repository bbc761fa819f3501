"""Publish, restore, publish: identical bytes; and a publication that is not whole gives no ledger."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.audit.sources import FolderSource
from ledger.errors import BadInput, Broken
from ledger.log import restore as restoring
from ledger.log.append import Appended
from ledger.node import Node
from ledger.proof.note import NoteSigner

from ..governed import Governed, submissions, whole_season
from ..world import STATIONS, Clock, World, check_log, held, make_node, season, submissions_of
from .test_publish import contents


class Published:
    """A ledger, its publication, and who may sign in it."""

    def __init__(self, place: Path, *, governed: bool) -> None:
        self.world = Governed() if governed else World()
        if governed:
            log = whole_season(self.world)
            sent = submissions(log.entries)
        else:
            sent = submissions_of([*self.world.founding(), *season(self.world)])
        self.node = make_node(place / "ledger", self.world)
        self.node.submit(sent)
        self.node.publish(place / "public")
        self.folder = place / "public"

    def restored(self, place: Path, *, key: bool = True, folder: Path | None = None, database: str | None = None) -> Node:
        """The ledger made again at ``place``."""
        source = FolderSource(folder or self.folder)
        return Node.restore(
            place,
            source.entries(0, self.node.head().size),
            note=source.checkpoint(),
            key=self.node.signer.key,
            present=self.node.signer.key,
            log_key=self.world.log_key if key else None,
            sealer=None,
            clock=Clock(),
            database=database,
            anchor=None,
        )


@pytest.fixture(scope="module", params=["part 1", "governed"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """An election by part 1's rules, and a governed one with every event type; tests only read them."""
    made = Published(tmp_path_factory.mktemp("published"), governed=request.param == "governed")
    yield made
    made.node.close()


@pytest.mark.parametrize("batch", [1_000, 7])
def test_publish_restore_publish_gives_identical_bytes(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Every file, the signature included, in batches of any size; entries, head, projection and digest are the same, and what is
    derived replays to itself."""
    monkeypatch.setattr(restoring, "BATCH_EVENTS", batch)
    with published.restored(tmp_path / "again") as again:
        again.publish(tmp_path / "public")
        assert contents(tmp_path / "public") == contents(published.folder)
        assert check_log(again) == check_log(published.node)
        assert again.head() == published.node.head()
        assert again.replay(rebuilding=False).standing == published.node.replay(rebuilding=False).standing
        before = contents(published.folder)
        again.publish(published.folder)
        assert contents(published.folder) == before


@pytest.mark.postgres
def test_a_publication_restored_into_postgresql_is_the_same(published: Published, tmp_path: Path, postgres_database: str) -> None:
    """The other database: the same bytes."""
    with published.restored(tmp_path / "again", database=postgres_database) as again:
        again.publish(tmp_path / "public")
        assert contents(tmp_path / "public") == contents(published.folder)
        assert check_log(again) == check_log(published.node)


def test_the_restored_log_signs_as_the_old_one_would_have(tmp_path: Path) -> None:
    """The same event at the same time: the same checkpoint, byte for byte (Ed25519 is deterministic)."""
    made = Published(tmp_path / "made", governed=False)
    late = made.world.sign("officer", held(STATIONS[0])).submission
    now = made.node.head().sequenced_at + 1
    with made.node as old, made.restored(tmp_path / "again") as again:
        for node in (old, again):
            assert node._log is not None
            node._log._clock = lambda: now
            (answer,) = node.submit([late])
            assert isinstance(answer, Appended)
        assert old.head() == again.head()
    with Node.open(tmp_path / "again", clock=Clock()) as reopened:
        assert not reopened.read_only
        assert check_log(reopened)[-1:] != []


def test_without_the_logs_key_the_ledger_is_read_only(published: Published, tmp_path: Path) -> None:
    """It shows, proves and publishes the very same; it takes nothing, and says why; also after it is opened again."""
    published.restored(tmp_path / "again", key=False).close()
    assert not (tmp_path / "again" / "log-key.pem").exists()
    with Node.open(tmp_path / "again", clock=Clock()) as again:
        assert again.read_only
        again.publish(tmp_path / "public")
        assert contents(tmp_path / "public") == contents(published.folder)
        assert again.receipt(3) == published.node.receipt(3)
        for act in (lambda: again.submit([b""]), lambda: again.signer):
            with pytest.raises(Broken, match="ledger-read-only"):
                act()
        check_log(again)


def test_another_key_a_full_folder_or_an_anchor_that_is_not_there(published: Published, tmp_path: Path) -> None:
    """Each is told before anything is made."""
    other = NoteSigner(published.world.origin, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    full = tmp_path / "full"
    full.mkdir()
    (full / "note.txt").write_text("mine")
    source = FolderSource(published.folder)
    size = published.node.head().size
    for place, key, anchor, code in (
        (tmp_path / "a", other.key, None, "log-key-other"),
        (full, published.node.signer.key, None, "folder-not-empty"),
        (tmp_path / "c", published.node.signer.key, tmp_path / "none" / "anchor", "anchor-missing"),
        (tmp_path / "d", published.node.signer.key, tmp_path / "d" / "anchor", "anchor-inside"),
    ):
        with pytest.raises((BadInput, Broken)) as caught:
            Node.restore(
                place,
                source.entries(0, size),
                note=source.checkpoint(),
                key=key,
                present=key,
                log_key=published.world.log_key,
                sealer=None,
                clock=Clock(),
                database=None,
                anchor=anchor,
            )
        assert caught.value.code == code
        assert not place.exists() or place == full
    assert [path.name for path in full.iterdir()] == ["note.txt"]


def test_entries_that_are_not_the_checkpoints_change_nothing(published: Published, tmp_path: Path) -> None:
    """Fewer, another last one, or one out of its place: refused as a whole, and what is left is no ledger."""
    source = FolderSource(published.folder)
    entries = list(source.entries(0, published.node.head().size))
    swapped = [*entries[:-2], entries[-1], entries[-2]]
    for at, wrong in enumerate((entries[:-1], [], [*entries[:-1], entries[-2]], swapped)):
        place = tmp_path / str(at)
        with pytest.raises(Broken) as caught:
            Node.restore(
                place,
                wrong,
                note=source.checkpoint(),
                key=published.node.signer.key,
                present=published.node.signer.key,
                log_key=published.world.log_key,
                sealer=None,
                clock=Clock(),
                database=None,
                anchor=None,
            )
        assert caught.value.code in ("restore-differs", "entry-not-foldable")
        with pytest.raises(BadInput, match="no-ledger"):
            Node.open(place, clock=Clock())


def test_a_restore_that_breaks_off_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash after any batch: nothing is appended; the next run appends all that is missing, and one more finds nothing to do."""
    made = Published(tmp_path / "made", governed=False)
    world = World()
    with make_node(tmp_path / "behind", world) as behind:
        source = FolderSource(made.folder)
        size = made.node.head().size
        monkeypatch.setattr(restoring, "BATCH_EVENTS", 5)
        write, calls = restoring.write_entries, 0
        for last in (1, 3, 6):

            def dies(*args: object, last: int = last) -> None:
                nonlocal calls
                write(*args)  # type: ignore[arg-type]
                calls += 1
                if calls == last:
                    raise KeyboardInterrupt

            calls = 0
            with monkeypatch.context() as patched:
                patched.setattr(restoring, "write_entries", dies)
                with pytest.raises(KeyboardInterrupt):
                    behind.append_missing(source.entries(0, size), note=source.checkpoint())
            assert behind.head().size == 0
        assert behind.append_missing(source.entries(0, size), note=source.checkpoint()) == (0, size)
        assert check_log(behind) == check_log(made.node)
        assert behind.append_missing(source.entries(0, size), note=source.checkpoint()) == (size, size)
        chance = random.Random(1)
        late = [made.world.sign("officer", held(chance.choice(STATIONS))).submission for _ in range(3)]
        behind.submit(late)
        assert behind.append_missing(source.entries(0, size), note=source.checkpoint()) == (size + 3, size + 3)
        assert len(check_log(behind)) == size + 3
    made.node.close()
