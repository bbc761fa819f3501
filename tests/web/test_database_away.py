"""What a node on PostgreSQL does when its database is away, slow, or held by another: 503 with a code, and then it goes on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgpack
import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url

from ledger.device.receipts import check_receipt
from ledger.errors import Waiting
from ledger.http import Server
from ledger.node import Node
from ledger.store import engine
from ledger.store.entries import lock_head, read_head

from ..conftest import PostgresServer
from ..database_faults import AFTER, LOST, failing
from ..world import STATIONS, Clock, World, check_log, make_node, submissions_of, submitted
from .processes import Process
from .stage import MESSAGEPACK, Served, serving

pytestmark = pytest.mark.postgres

WAITS_SECONDS = 60
ONE, TWO, THREE, FOUR = STATIONS


def until(true: Callable[[], bool]) -> None:
    """Waits for it."""
    ends = time.monotonic() + WAITS_SECONDS
    while not true():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)


@pytest.fixture
def world() -> World:
    """Whose keys sign."""
    return World()


@contextmanager
def served_over(address: str, place: Path, world: World) -> Iterator[Served]:
    """A founded ledger with an anchor behind its application, over this database."""
    with make_node(place / "ledger", world, database=address) as node:
        node.submit(submissions_of(world.founding()))
        (place / "elsewhere").mkdir()
        node.set_anchor(place / "elsewhere" / "anchor")
        with serving(node) as made:
            yield made


@pytest.fixture
def served(postgres_database: str, tmp_path: Path, world: World) -> Iterator[Served]:
    """One with the limits of every day."""
    with served_over(postgres_database, tmp_path, world) as made:
        yield made


@pytest.fixture
def other(postgres_database: str) -> Iterator[Engine]:
    """Another session's way to the same database, as the administrator of the server."""
    made = create_engine(postgres_database)
    yield made
    made.dispose()


def of(world: World, station: str) -> bytes:
    """A form of this station."""
    return world.sign(f"{station}/1", submitted(station)).submission


def told(response: Any) -> tuple[int, str]:
    """Status and code of a problem; of what was appended, '' for its code."""
    return _told(response.status_code, response.headers, response.json())


def _told(status: int, headers: Mapping[str, str], said: Any) -> tuple[int, str]:
    if "answers" in said:
        (said,) = said["answers"]
        assert said["receipt"]
    elif status == 503:
        assert headers["retry-after"]
    return status, said["code"]


def asked(node: Process, path: str, body: bytes | None = None) -> tuple[int, str]:
    """The same of a node that is a process; '' too where it answers in plain text."""
    with closing(Server(node.url, agent="tests")) as server:
        method, headers = ("GET", {}) if body is None else ("POST", MESSAGEPACK)
        reply = server.request(method, path, body, headers, limit_bytes=1_000_000, ends=time.monotonic() + WAITS_SECONDS)
    if reply.headers["content-type"].startswith("text/plain"):
        return reply.status, ""
    return _told(reply.status, reply.headers, json.loads(reply.body))


def posting(served: Served, submission: bytes) -> tuple[threading.Thread, list[tuple[int, str]]]:
    """A request under way, and where its answer will be."""
    answers: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: answers.append(told(served.post([submission]))))
    thread.start()
    return thread, answers


@pytest.fixture
def administrator(other: Engine) -> Iterator[Connection]:
    """Who sees all sessions, at every look anew."""
    with other.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


SESSIONS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def waiting(administrator: Connection) -> set[int]:
    """The sessions of this database that wait for a lock."""
    return set(administrator.execute(text(f"SELECT pid {SESSIONS} AND wait_event_type = 'Lock'")).scalars())


def terminate(administrator: Connection, pids: set[int]) -> None:
    """Ends these sessions."""
    for pid in pids:
        assert administrator.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid}).scalar_one()


# --- away --------------------------------------------------------------------------------------------------------------------


def test_a_node_outlives_its_server(postgres_server: PostgresServer, tmp_path: Path, world: World) -> None:
    """While the server is away: 503 and not ready, alive; the same process takes the same bytes when it is back."""
    ledger = tmp_path / "ledger"
    with make_node(ledger, world, database=postgres_server.url("postgres")) as node:
        node.submit(submissions_of(world.founding()))
    first, second = msgpack.packb([of(world, ONE)]), msgpack.packb([of(world, TWO)])
    send = "api/v1/submissions"
    with Process(ledger, "--no-anchor", "--publish-seconds", "1") as served:
        assert asked(served, send, first) == (201, "")
        postgres_server.stop()
        try:
            assert asked(served, send, second) == (503, "store-away")
            assert asked(served, "readyz") == (503, "store-away")
            assert asked(served, "api/v1/checkpoint") == (503, "store-away")
            assert asked(served, "healthz") == (200, "")
        finally:
            postgres_server.start()
        until(lambda: asked(served, "readyz") == (200, ""))
        assert asked(served, send, second) == (201, "")
        assert asked(served, send, first) == (200, "")
        assert not served.ended
        assert served.stop() == 0
        assert '"internal"' not in served.said()
    with Node.open(ledger, clock=Clock()) as node:
        assert len(check_log(node)) == 11


def test_connections_that_were_ended_are_made_anew(served: Served, administrator: Connection, world: World) -> None:
    """Idle ones: nobody notices."""
    for station in STATIONS:
        assert told(served.post([of(world, station)])) == (201, "")
        assert served.client.get("/readyz").status_code == 200
        sessions = set(administrator.execute(text(f"SELECT pid {SESSIONS}")).scalars())
        assert sessions
        terminate(administrator, sessions)
    assert served.client.get("/readyz").status_code == 200
    assert len(check_log(served.node)) == 13


def test_a_transaction_that_is_ended_is_tried_again(served: Served, other: Engine, administrator: Connection, world: World) -> None:
    """Twice before its commit; the sender is answered with its place, once."""
    with other.connect() as holder:
        holder.execute(text("SELECT * FROM head FOR UPDATE"))
        thread, answers = posting(served, of(world, ONE))
        until(lambda: bool(waiting(administrator)))
        first = waiting(administrator)
        terminate(administrator, first)
        until(lambda: bool(waiting(administrator) - first))
        terminate(administrator, waiting(administrator) - first)
        holder.rollback()
        thread.join()
    assert answers == [(201, "")]
    assert served.fatal == []
    assert len(check_log(served.node)) == 10


def test_a_server_that_comes_back_unsafe(served: Served, administrator: Connection, postgres_database: str, world: World) -> None:
    """Its settings could lose what is committed: nothing is appended until they are mended; reading goes on."""
    name = make_url(postgres_database).database
    form = of(world, ONE)
    for act, told_ in (("SET synchronous_commit = off", (503, "store-unsafe")), ("RESET synchronous_commit", (201, ""))):
        administrator.exec_driver_sql(f"ALTER DATABASE {name} {act}")
        terminate(administrator, set(administrator.execute(text(f"SELECT pid {SESSIONS}")).scalars()))
        assert told(served.post([form])) == told_
        assert served.client.get("/readyz").status_code == 200
    assert len(check_log(served.node)) == 10


# --- held --------------------------------------------------------------------------------------------------------------------


def test_a_lock_that_is_not_given_back(
    postgres_database: str, other: Engine, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer waits so long and no longer; reading goes on."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 200)
    form = of(world, ONE)
    world_ = World()
    with served_over(postgres_database, tmp_path, world_) as served:
        with other.connect() as holder:
            holder.execute(text("SELECT * FROM head FOR UPDATE"))
            assert told(served.post([form])) == (503, "busy")
            assert served.client.get("/readyz").status_code == 200
            holder.rollback()
        assert told(served.post([form])) == (201, "")
        assert len(check_log(served.node)) == 10


def test_a_node_that_stands_still_with_the_lock(served: Served, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one whose machine was cut off: its transaction is ended, the others go on, and nothing of it is left."""
    monkeypatch.setattr(engine, "IDLE_TIMEOUT_MS", 500)
    with Node.open(served.node.folder, clock=Clock()) as still:

        def stand() -> None:
            with still.database.writing() as connection:
                lock_head(connection)
                connection.execute(text("UPDATE head SET sequenced_at = sequenced_at + 1"))
                assert told(served.post([of(world, ONE)])) == (201, "")
                read_head(connection)

        with pytest.raises(Waiting, match="store-away"):
            stand()
        assert [type(answer).__name__ for answer in still.submit([of(world, TWO)])] == ["Appended"]
        assert len(check_log(still)) == 11


def test_two_that_wait_for_each_other(served: Served, other: Engine, administrator: Connection, world: World) -> None:
    """A deadlock with another program's session: the node gives way, tries again, and is through."""
    with other.connect() as holder:
        holder.execute(text("SET LOCAL deadlock_timeout = '60s'"))  # so the server breaks off the node's transaction
        holder.execute(text("LOCK TABLE streams IN ACCESS EXCLUSIVE MODE"))
        thread, answers = posting(served, of(world, ONE))
        until(lambda: bool(waiting(administrator)))
        holder.execute(text("SELECT * FROM head FOR UPDATE"))
        holder.rollback()
        thread.join()
    assert answers == [(201, "")]
    assert len(check_log(served.node)) == 10


REFUSING = """
CREATE SEQUENCE tries;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'as the test wants' USING ERRCODE = '{state}'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON head FOR EACH ROW EXECUTE FUNCTION refuse();
"""

DYING = """
CREATE SEQUENCE tries;
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('tries') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON head DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die();
"""


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
@pytest.mark.parametrize("times", [2, 3])
def test_what_the_database_breaks_off(served: Served, other: Engine, world: World, state: str, times: int) -> None:
    """Serialization failure, deadlock, lock not given: tried again, and told as busy after that; never a fault of the program."""
    with other.begin() as connection:
        connection.exec_driver_sql(REFUSING.format(times=times, state=state))
    form = of(world, ONE)
    assert told(served.post([form])) == ((201, "") if times == 2 else (503, "busy"))
    assert told(served.post([form])) == ((200, "") if times == 2 else (201, ""))
    assert served.fatal == []
    assert len(check_log(served.node)) == 10


# --- a commit whose end nobody saw -------------------------------------------------------------------------------------------


def test_a_session_that_dies_in_its_commit(served: Served, other: Engine, world: World) -> None:
    """The server ended it before it took place: told as not known; sent again it is in, once, and the node goes on."""
    with other.begin() as connection:
        connection.exec_driver_sql(DYING)
    form = of(world, ONE)
    assert told(served.post([form])) == (503, "commit-unknown")
    assert served.node.head().size == 9
    assert told(served.post([form])) == (201, "")
    assert served.fatal == []
    assert len(check_log(served.node)) == 10


def test_a_commit_whose_answer_is_lost(served: Served, world: World) -> None:
    """It took place: told as not known, and nobody was shown it; sent again it has its place and a receipt that checks."""
    with failing(served.node.database, 0) as plan:
        assert told(served.post([of(world, ONE)])) == (201, "")
    form = of(world, TWO)
    with failing(served.node.database, plan.count, how=LOST, when=AFTER) as cut:
        assert told(served.post([form])) == (503, "commit-unknown")
    assert cut.failed == "do_commit"
    assert told(served.post([of(world, THREE)])) == (201, "")
    response = served.post([form])
    assert told(response) == (200, "")
    receipt = response.json()["answers"][0]["receipt"].encode()
    assert check_receipt(form, receipt, vkey=world.signer.vkey, origin=world.origin).index == 10
    assert served.fatal == []
    assert len(check_log(served.node)) == 12
