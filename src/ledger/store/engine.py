"""Engines: how a ledger's database is made, opened, checked and talked to.

Create and open are different acts: opening never makes a table, creating never touches one that is there.  On SQLite there is one
writing engine (BEGIN IMMEDIATE, WAL, synchronous=FULL, asserted) and one for readers (deferred, query_only).  On PostgreSQL the
server must run with fsync, full_page_writes and synchronous_commit on; connections that were lost are made anew, and a writer waits
for another's lock as long as on SQLite.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from ledger.errors import BadInput, Broken, LedgerError, Waiting
from ledger.store.entries import first_head
from ledger.store.schema import APPLICATION_ID, META, METADATA, SCHEMA_VERSION

__all__ = ["BUSY_TIMEOUT_MS", "Database"]

BUSY_TIMEOUT_MS: Final = 5_000
"""So long a writer waits for another."""

IDLE_TIMEOUT_MS: Final = 60_000
"""PostgreSQL ends a session that holds the head and has said nothing for so long: a node that was stopped, or its machine cut off,
does not hold up the others for ever."""

CONNECT_SECONDS: Final = 5
_REACHED: Final = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""libpq's parameters, unless the address says others: a server that has gone without a word is found out within half a minute."""


class Database:
    """A ledger's database: ``reading()`` and ``writing()`` give connections inside a transaction."""

    def __init__(self, url: URL) -> None:
        self.dialect: Final = url.get_backend_name()
        if self.dialect == "sqlite":
            self._path: Path | None = Path(url.database or "")
            self._writer = _sqlite_engine(url, begin="BEGIN IMMEDIATE", pragmas=_WRITER_PRAGMAS)
            self._reader = _sqlite_engine(url, begin="BEGIN", pragmas=_READER_PRAGMAS)
        elif self.dialect == "postgresql":
            self._path = None
            patience = {"lock_timeout": BUSY_TIMEOUT_MS, "idle_in_transaction_session_timeout": IDLE_TIMEOUT_MS}
            self._writer = _postgres_engine(url, isolation="READ COMMITTED", writing=patience)
            self._reader = _postgres_engine(url, isolation="REPEATABLE READ", writing=None)
        else:
            raise BadInput("database-unsupported", "a ledger lives in SQLite or PostgreSQL", dialect=self.dialect)

    @classmethod
    def create(cls, address: str | Path, *, origin: str) -> Database:
        """A new, empty ledger database.  Raises ``Broken`` ``store-not-empty`` where there is one already."""
        database = cls(_url(address))
        with database._closed_on_error(), _errors_told(opening=True):
            if database._path is not None and database._path.exists():
                raise Broken("store-not-empty", "there is a database already", path=str(address))
            with database._writer.begin() as connection:
                if database.dialect == "sqlite":
                    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
                elif connection.dialect.has_table(connection, "entries"):
                    raise Broken("store-not-empty", "the database holds a ledger already")
                METADATA.create_all(connection)
                first_head(connection)
                connection.execute(
                    insert(META),
                    [{"name": "schema", "value": str(SCHEMA_VERSION)}, {"name": "origin", "value": origin}],
                )
            database._check_durability()
        return database

    @classmethod
    def open(cls, address: str | Path) -> Database:
        """An existing ledger database.  Raises ``Broken``: ``store-missing``, ``store-foreign``, ``store-version``, ..."""
        database = cls(_url(address))
        if database._path is not None and not database._path.is_file():
            raise Broken("store-missing", "there is no ledger database here", path=str(address))
        with database._closed_on_error(), _errors_told(opening=True):
            with database._reader.connect() as connection:
                if database.dialect == "sqlite":
                    found = connection.exec_driver_sql("PRAGMA application_id").scalar()
                    if found != APPLICATION_ID:
                        raise Broken("store-foreign", "this database is not a ledger's", path=str(address))
                elif not connection.dialect.has_table(connection, "entries"):
                    raise Broken("store-missing", "the database holds no ledger")
                version = connection.execute(select(META.c.value).where(META.c.name == "schema")).scalar()
            if version != str(SCHEMA_VERSION):
                raise Broken("store-version", f"the store has schema {version}, this program {SCHEMA_VERSION}")
            database._check_durability()
        return database

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot: what is read inside belongs to one moment."""
        with _errors_told(), self._reader.connect() as connection, connection.begin():
            yield connection

    @property
    def settles(self) -> bool:
        """Whether who next holds the head's lock reads what became of a commit that nobody knew the end of, for good.

        So on PostgreSQL: the session that was committing holds the lock until its commit is durable and seen, or undone; the next
        one waits for it.  On SQLite a commit fails by the disk, and what a disk kept shows only when the file is opened anew.
        """
        return self.dialect == "postgresql"

    @contextmanager
    def writing(self, *, long: bool = False) -> Iterator[Connection]:
        """A writing transaction, committed at the end; an error rolls it back.  It waits up to 5 s for another writer, then raises
        ``Waiting`` ``busy``; ``store-away`` where the connection was lost before the commit.  ``long``: it may compute for more
        than a minute between two statements.  Raises ``Broken`` ``commit-unknown`` where the commit itself failed: whether it took
        place is then known to nobody, whatever the database says."""
        with _errors_told(), self._writer.connect() as connection:
            transaction = connection.begin()
            try:
                if long and self.dialect == "postgresql":
                    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
                yield connection
            except BaseException:
                try:
                    transaction.rollback()
                except DBAPIError:  # the first error says what it was
                    connection.invalidate()
                raise
            try:
                transaction.commit()
            except DBAPIError as problem:
                connection.invalidate()  # it may hold locks, and nobody knows what it would do next
                if _sqlstate(problem) in _UNDONE:
                    raise
                raise Broken("commit-unknown", f"the commit failed: {_words(problem)}; send the same bytes again") from problem

    def close(self) -> None:
        """Gives the connections back."""
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        """Whoever is refused a store holds no connection to it."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _check_durability(self) -> None:
        """Raises ``Broken`` ``store-unsafe`` where a committed entry could be lost by a power cut.  On PostgreSQL every connection
        that writes is looked at when it is made: a server may come back with other settings."""
        with _errors_told(), self._writer.connect() as connection:
            if self.dialect == "sqlite":
                _require(_SQLITE_SAFE, lambda name: connection.exec_driver_sql(f"PRAGMA {name}").scalar())


_SQLITE_SAFE: Final = {"synchronous": (2, 3), "journal_mode": ("wal",), "recursive_triggers": (1,)}
_POSTGRES_SAFE: Final = {"fsync": ("on",), "full_page_writes": ("on",), "synchronous_commit": ("on", "remote_apply")}


def _require(wanted: Mapping[str, tuple[object, ...]], found: Callable[[str], object]) -> None:
    for name, values in wanted.items():
        value = found(name)
        if value not in values:
            raise Broken("store-unsafe", f"the database runs with {name} = {value}", needed=values[0])


_WRITER_PRAGMAS: Final = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA recursive_triggers = ON",
    "PRAGMA foreign_keys = ON",
)
_READER_PRAGMAS: Final = (f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}", "PRAGMA query_only = ON")


def _url(address: str | Path) -> URL:
    if isinstance(address, str) and "://" in address:
        return make_url(address)
    return URL.create("sqlite", database=str(address))


def _sqlite_engine(url: URL, *, begin: str, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(url, poolclass=NullPool if begin == "BEGIN" else None)

    def connected(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None  # the driver begins no transaction of its own; `begun` does
        for pragma in pragmas:
            raw.execute(pragma)

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    listeners: tuple[tuple[str, Callable[..., Any]], ...] = (("connect", connected), ("begin", begun))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    return engine


def _postgres_engine(url: URL, *, isolation: str, writing: Mapping[str, int] | None) -> Engine:
    """``writing``: settings of a session that writes; None for one that reads."""
    reached = {name: value for name, value in _REACHED.items() if name not in url.query}
    engine = create_engine(
        url, isolation_level=isolation, pool_pre_ping=True, pool_timeout=BUSY_TIMEOUT_MS // 1_000, connect_args=reached
    )

    def connected(raw: Any, _record: object) -> None:
        try:
            _require(_POSTGRES_SAFE, lambda name: raw.execute(f"SHOW {name}").fetchone()[0])
            for name, value in (writing or {}).items():
                raw.execute(f"SET {name} = {value}")
            raw.commit()
        except BaseException:
            raw.close()
            raise

    if writing is not None:
        event.listen(engine, "connect", connected)
    return engine


@contextmanager
def _errors_told(*, opening: bool = False) -> Iterator[None]:
    """Database errors in the ledger's own words; while ``opening``, the administrator reads why there is no connection."""
    try:
        yield
    except LedgerError:
        raise
    except DBAPIError as problem:
        raise _told(problem, opening=opening) from problem
    except PoolTimeoutError as problem:
        raise Waiting("busy", "all connections to the database are in use; send the same bytes again") from problem


_SQLITE_TOLD: Final = (
    ("disk is full", Broken, "disk-full", "the disk is full; nothing was appended"),
    ("disk I/O error", Broken, "disk-full", "the disk failed or is full; nothing was appended"),
    ("database is locked", Waiting, "busy", "another writer holds the log; send the same bytes again"),
    ("not a database", Broken, "store-foreign", "this file is not a ledger's database"),
    ("malformed", Broken, "store-damaged", "the database file is damaged"),
    ("unable to open", Broken, "store-missing", "the database cannot be opened"),
    ("readonly", Broken, "store-readonly", "the database cannot be written"),
    ("append-only", Broken, "log-immutable", "entries are never changed or deleted"),
    ("never change", Broken, "log-immutable", "full subtrees are never changed or deleted"),
    ("No space left", Broken, "disk-full", "the database's disk is full; nothing was appended"),
    ("no such table", Broken, "store-damaged", "a table is missing from the database"),
)


_POSTGRES_TOLD: Final = (
    ("40001", Waiting, "busy", "two writers met in the database; send the same bytes again"),
    ("40P01", Waiting, "busy", "two writers waited for each other; send the same bytes again"),
    ("55P03", Waiting, "busy", "another writer holds the log; send the same bytes again"),
    ("57014", Waiting, "busy", "the database broke the statement off; send the same bytes again"),
    ("25P03", Waiting, "store-away", "the database ended a transaction that stood still; send the same bytes again"),
    ("08", Waiting, "store-away", "the database is away; send the same bytes again"),
    ("53300", Waiting, "store-away", "the database takes no more connections; send the same bytes again"),
    ("57P", Waiting, "store-away", "the database is away; send the same bytes again"),
    ("53100", Broken, "disk-full", "the database's disk is full; nothing was appended"),
    ("25006", Broken, "store-readonly", "the database cannot be written"),
)
"""By SQLSTATE, or how it begins."""

_UNDONE: Final = ("40001", "40P01")
"""SQLSTATEs with which a commit says that it undid the transaction."""

_UNWELCOME: Final = ("authentication failed", "does not exist", "no pg_hba.conf entry")
"""A server that is there and does not let us in; while one connects, libpq gives no SQLSTATE."""


def _sqlstate(problem: DBAPIError) -> str:
    """'' on SQLite, and where the driver and not the server failed."""
    return getattr(problem.orig, "sqlstate", None) or ""


def _words(problem: DBAPIError) -> str:
    lines = str(problem.orig).splitlines()
    return lines[0] if lines else type(problem).__name__


def _told(problem: DBAPIError, *, opening: bool) -> LedgerError:
    text, state = str(problem.orig), _sqlstate(problem)
    for begins, branch, code, detail in _POSTGRES_TOLD:
        if state.startswith(begins):
            return branch(code, detail)
    for needle, branch, code, detail in _SQLITE_TOLD:
        if needle in text:
            return branch(code, detail)
    if isinstance(problem, IntegrityError):
        return Broken("store-conflict", f"a row is there already: {_words(problem)}")
    unreached = type(problem.orig).__module__.startswith("psycopg") and not state and not any(word in text for word in _UNWELCOME)
    if isinstance(problem, OperationalError) and (problem.connection_invalidated or unreached):
        why = f": {_words(problem)}" if opening else "; send the same bytes again"
        return Waiting("store-away", f"the database is away{why}")
    return Broken("store-failed", _words(problem))
