"""The tables, and the triggers that keep the log append-only, for SQLite and PostgreSQL alike."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Dialect, Integer, LargeBinary, MetaData, String, Table, event
from sqlalchemy.schema import DDL

from ledger.tally.projection import PROJECTION

__all__ = ["APPLICATION_ID", "ENTRIES", "HEAD", "META", "METADATA", "PROJECTION_TABLES", "SCHEMA_VERSION", "SUBTREES"]

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x54414C59  # "TALY": how a SQLite file says that it is a ledger

METADATA: Final = MetaData()


class _Bytes(LargeBinary):
    """Bytes as both drivers take and give them: nothing to convert on the way, a million times a replay."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """None: the driver takes bytes."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """None: the driver gives bytes."""


_Index: Final = BigInteger().with_variant(Integer, "sqlite")

META: Final = Table(
    "meta",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("value", String(400), nullable=False),
    comment="schema version and origin",
)

ENTRIES: Final = Table(
    "entries",
    METADATA,
    Column("idx", _Index, primary_key=True, autoincrement=False),
    Column("event_id", _Bytes(32), nullable=False, unique=True),
    Column("leaf", _Bytes(32), nullable=False),
    Column("entry", _Bytes, nullable=False),
    comment="the log: never changed, never deleted",
)

HEAD: Final = Table(
    "head",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("size", _Index, nullable=False),
    Column("chain", _Bytes(32), nullable=False),
    Column("frontier", _Bytes, nullable=False),
    Column("sequenced_at", _Index, nullable=False),
    Column("checkpoint", _Bytes, nullable=False),
    comment="one row: where the log stands; the compare-and-swap of every append",
)

SUBTREES: Final = Table(
    "subtrees",
    METADATA,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", _Index, primary_key=True, autoincrement=False),
    Column("hash", _Bytes(32), nullable=False),
    comment="roots of full tiles: item `number` of tile level `level` >= 1; level 0 is the entries' own leaf hashes",
)

PROJECTION_TABLES: Final = {
    table.name: Table(
        table.name,
        METADATA,
        Column("key", _Bytes, primary_key=True),
        Column("row", _Bytes, nullable=False),
        sqlite_with_rowid=False,
        comment="projection: dropped and rebuilt by replay",
    )
    for table in PROJECTION
}

for _table, _word in ((ENTRIES, "the log is append-only"), (SUBTREES, "full subtrees never change")):
    for _act in ("UPDATE", "DELETE"):
        event.listen(
            _table,
            "after_create",
            DDL(  # type: ignore[no-untyped-call]
                f"CREATE TRIGGER {_table.name}_no_{_act.lower()} BEFORE {_act} ON {_table.name} "
                f"BEGIN SELECT RAISE(ABORT, '{_word}'); END"
            ).execute_if(dialect="sqlite"),
        )
    event.listen(
        _table,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"CREATE FUNCTION {_table.name}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_word}'; END $$"
        ).execute_if(dialect="postgresql"),
    )
    event.listen(
        _table,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"CREATE TRIGGER {_table.name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {_table.name} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {_table.name}_refuse()"
        ).execute_if(dialect="postgresql"),
    )
