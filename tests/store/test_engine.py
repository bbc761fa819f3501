"""Making and opening a store are different acts, and a store that is not right says what is wrong."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text, update
from sqlalchemy.engine import make_url

from ledger.errors import BadInput, Broken, LedgerError, Waiting
from ledger.store import engine
from ledger.store.engine import Database
from ledger.store.entries import read_head
from ledger.store.schema import APPLICATION_ID, META, SCHEMA_VERSION

from ..world import ORIGIN, World, make_node, submissions_of


def refusal(address: str | Path, *, create: bool = False) -> LedgerError:
    """How creating or opening fails."""
    with pytest.raises((Broken, BadInput, Waiting)) as caught:
        Database.create(address, origin=ORIGIN) if create else Database.open(address)
    return caught.value


def made(address: str | Path) -> None:
    """A store with the head of an empty log."""
    Database.create(address, origin=ORIGIN).close()


def test_create_then_open(database: str | Path) -> None:
    """A made store opens, with an empty log; what was made once is not made again, and stays as it is."""
    assert refusal(database).code == "store-missing"
    made(database)
    assert refusal(database, create=True).code == "store-not-empty"
    opened = Database.open(database)
    try:
        with opened.reading() as connection:
            assert read_head(connection).size == 0
            assert connection.execute(META.select().order_by(META.c.name)).all() == [
                ("origin", ORIGIN),
                ("schema", str(SCHEMA_VERSION)),
            ]
    finally:
        opened.close()


def test_opening_makes_nothing(tmp_path: Path) -> None:
    """Opening where nothing is leaves nothing behind; creating in a folder that is not there is told as well."""
    assert refusal(tmp_path / "none.db").code == "store-missing"
    assert list(tmp_path.iterdir()) == []
    assert refusal(tmp_path / "no" / "folder" / "x.db", create=True).code == "store-missing"
    assert refusal(tmp_path).code == "store-missing"


def test_another_version_is_not_opened(database: str | Path) -> None:
    """A store of another schema is not touched."""
    made(database)
    opened = Database.open(database)
    with opened.writing() as connection:
        connection.execute(update(META).where(META.c.name == "schema").values(value="2"))
    opened.close()
    assert refusal(database).code == "store-version"


@pytest.mark.postgres
def test_an_empty_or_foreign_postgresql_is_not_opened(postgres_database: str) -> None:
    """A PostgreSQL database without a ledger has none; one with a ledger's tables is not made again."""
    assert refusal(postgres_database).code == "store-missing"
    other = create_engine(postgres_database)
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE entries (something int)"))
    other.dispose()
    assert refusal(postgres_database, create=True).code == "store-not-empty"
    assert refusal(postgres_database).code in ("store-foreign", "store-failed", "store-damaged")


@pytest.mark.postgres
def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """No server at the address: told with what the driver says, not raised from below."""
    problem = refusal(f"postgresql+psycopg://nobody@/none?host={tmp_path}")
    assert (problem.code, str(tmp_path) in problem.detail) == ("store-away", True)


@pytest.mark.postgres
def test_a_server_that_lets_nobody_in(postgres_url: str) -> None:
    """It is there, and waiting would not help: a database that it has not."""
    assert refusal(make_url(postgres_url).set(database="nowhere").render_as_string(hide_password=False)).code == "store-failed"


@pytest.mark.postgres
def test_all_connections_in_use(postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More readers at once than connections: told as busy after a while, and there is room again."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 100)
    made(postgres_database)
    opened = Database.open(postgres_database)
    try:
        with ExitStack() as stack:
            for _ in range(15):
                stack.enter_context(opened.reading())
            with pytest.raises(Waiting, match="busy"):
                stack.enter_context(opened.reading())
        with opened.reading() as connection:
            assert read_head(connection).size == 0
    finally:
        opened.close()


@pytest.mark.parametrize("address", ["mysql://localhost/x", "oracle://localhost/x"])
def test_other_databases_are_not_supported(address: str) -> None:
    """SQLite or PostgreSQL, nothing else."""
    assert refusal(address).code == "database-unsupported"


# --- SQLite files that are no ledgers ----------------------------------------------------------------------------------------


def _foreign(path: Path) -> None:
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE entries (x)")
    raw.commit()
    raw.close()


FILES = {
    "noise": lambda path: path.write_bytes(b"this is no database at all\n" * 400),
    "empty": lambda path: path.write_bytes(b""),
    "another program's": _foreign,
    "a header alone": lambda path: path.write_bytes(b"SQLite format 3\x00" + bytes(84)),
}


@pytest.mark.parametrize("kind", FILES)
def test_foreign_files_are_told(tmp_path: Path, kind: str) -> None:
    """Files that are no ledger's database are refused, and left byte for byte."""
    path = tmp_path / "ledger.db"
    FILES[kind](path)
    before = path.read_bytes()
    assert refusal(path).code in ("store-foreign", "store-damaged")
    assert refusal(path, create=True).code == "store-not-empty"
    assert path.read_bytes() == before


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_database_is_told(tmp_path: Path, keep: float) -> None:
    """A ledger's file cut short: opening, reading, replaying or appending says so with a code; nothing escapes, nothing is new."""
    world = World()
    folder = tmp_path / "ledger"
    with make_node(folder, world) as node:
        node.submit(submissions_of(world.founding()))
    path = folder / "ledger.db"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(Broken) as caught:
        _use(path)
    assert caught.value.code == "store-damaged"


def _use(path: Path) -> None:
    from ledger.recap.replay import replay_store

    database = Database.open(path)
    try:
        replayed = replay_store(database)
        if replayed.digest != replayed.standing or replayed.size != 9:
            raise Broken("store-damaged", "the projection is another")
        with database.writing() as connection:
            connection.exec_driver_sql("PRAGMA integrity_check").all()
            connection.execute(update(META).values(value="x"))
    finally:
        database.close()


# --- durability --------------------------------------------------------------------------------------------------------------


def test_sqlite_runs_durably(tmp_path: Path) -> None:
    """The writing connection, and it alone, is WAL with synchronous FULL and recursive triggers; readers cannot write."""
    database = Database.create(tmp_path / "x.db", origin=ORIGIN)
    try:
        with database.writing() as connection:
            names = ("synchronous", "journal_mode", "recursive_triggers")
            found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
            assert found == [2, "wal", 1]
            assert connection.exec_driver_sql("PRAGMA application_id").scalar() == APPLICATION_ID
        with database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA query_only").scalar() == 1
        with pytest.raises(Broken, match="store-readonly"), database.reading() as connection:
            connection.execute(update(META).values(value="x"))
    finally:
        database.close()


@pytest.mark.parametrize("pragma", ["synchronous = NORMAL", "synchronous = OFF", "recursive_triggers = OFF"])
def test_an_unsafe_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pragma: str) -> None:
    """The durability check looks at the connection itself: set up otherwise, neither create nor open goes on."""
    made(tmp_path / "good.db")
    monkeypatch.setattr(engine, "_WRITER_PRAGMAS", (*engine._WRITER_PRAGMAS, f"PRAGMA {pragma}"))
    assert refusal(tmp_path / "good.db").code == "store-unsafe"
    assert refusal(tmp_path / "new.db", create=True).code == "store-unsafe"


@pytest.mark.postgres
@pytest.mark.parametrize("value", ["off", "local", "remote_write"])
def test_an_unsafe_postgresql_is_refused(postgres_database: str, value: str) -> None:
    """A database whose commits may be lost by a power cut is not opened (a real setting of a real server)."""
    made(postgres_database)
    name = postgres_database.rpartition("/")[2].partition("?")[0]
    server = create_engine(postgres_database, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = {value}"))
    server.dispose()
    assert refusal(postgres_database).code == "store-unsafe"


@pytest.mark.parametrize(("name", "origin"), [("quotes", 'a"b/c'), ("backslash", "a\\b/c"), ("plain", "a.example/x")])
def test_a_ledger_folder_opens_again_whatever_its_log_is_called(tmp_path: Path, name: str, origin: str) -> None:
    """ledger.toml holds the origin of any log that entry 0 can name."""
    from ledger.node import Node

    world = World(origin=origin)
    with make_node(tmp_path / name, world) as node:
        node.submit(submissions_of(world.founding()))
        head = node.head()
    with Node.open(tmp_path / name, clock=lambda: 0) as again:
        assert (again.head(), again.signer.vkey) == (head, world.signer.vkey)
