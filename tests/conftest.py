"""What all tests share: where the real data is, a real PostgreSQL, and the rule that in CI nothing is skipped."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
REQUIRE_ALL = os.environ.get("LEDGER_REQUIRE_ALL") == "1"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

settings.register_profile("ledger", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("LEDGER_HYPOTHESIS", "ledger"))


def cannot_run(reason: str) -> NoReturn:
    """Skips the test, visibly; with LEDGER_REQUIRE_ALL=1 fails it."""
    if REQUIRE_ALL:
        pytest.fail(f"LEDGER_REQUIRE_ALL=1, and this cannot run: {reason}")
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With LEDGER_REQUIRE_ALL=1 every skip is a failure, whoever asked for it."""
    return _nothing_skipped((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module (importorskip)."""
    return _nothing_skipped((yield))


def _nothing_skipped(report: Report) -> Report:
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"LEDGER_REQUIRE_ALL=1, and this was skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real election data, beside the checkout (or where LEDGER_SHARED_DATA says)."""
    folder = Path(os.environ.get("LEDGER_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        cannot_run(f"the real election data is not at {folder}")
    return folder


# --- PostgreSQL ------------------------------------------------------------------------------------------------------------------


def _postgres_program(name: str) -> str | None:
    found = shutil.which(name)
    if found and Path(found).resolve().parent.name != "bin":
        found = None
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(places[0]) if places else found


class PostgresServer:
    """A throw-away PostgreSQL server, reached by a socket in its own folder; run as another user when the tests run as root."""

    def __init__(self, folder: Path) -> None:
        initdb, pg_ctl = _postgres_program("initdb"), _postgres_program("pg_ctl")
        if initdb is None or pg_ctl is None:
            cannot_run("no PostgreSQL server's programs are on this machine")
        self._folder, self._pg_ctl = folder, pg_ctl
        self._user = {"user": "nobody"} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(folder, "nobody")
        self._run(initdb, "-D", str(folder / "data"), "-A", "trust", "-U", "ledger", "-E", "UTF8", "--locale=C")
        self.start()

    def url(self, database: str) -> str:
        """The address of a database of it."""
        return f"postgresql+psycopg://ledger@/{database}?host={self._folder}"

    def start(self) -> None:
        """From nothing, or after it was stopped; it then recovers first."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c max_connections=60"
        self._run(self._pg_ctl, "-D", str(self._folder / "data"), "-l", str(self._folder / "log"), "-o", options, "-w", "start")

    def stop(self) -> None:
        """At once, as by a power cut of its processes."""
        self._run(self._pg_ctl, "-D", str(self._folder / "data"), "-m", "immediate", "stop")

    def _run(self, *command: str) -> None:
        # Output goes to no pipe: the server would keep it open, and reading it would never end.
        done = subprocess.run(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, **self._user
        )
        if done.returncode:
            log = self._folder / "log"
            told = log.read_text() if log.exists() else "no log"
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {told}")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a server's first database: LEDGER_TEST_POSTGRES, or a server of our own."""
    given = os.environ.get("LEDGER_TEST_POSTGRES")
    if given:
        yield given
        return
    with _postgres_server() as server:
        yield server.url("postgres")


@contextmanager
def _postgres_server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="ledger-pg-", ignore_cleanup_errors=True) as name:
        server = PostgresServer(Path(name))
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    """A server of the test's own, which it may stop and start; at the end it runs."""
    with _postgres_server() as server:
        yield server


_numbers = itertools.count(1)


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """A fresh PostgreSQL database's address; dropped afterwards."""
    import sqlalchemy

    name = f"ledger_{os.getpid()}_{next(_numbers)}"
    server = sqlalchemy.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()
