"""``ledger serve``: the node in one process, until it is told to stop or must.

SIGTERM and SIGINT end it in order: no new connection, requests in hand are answered, what intake took is appended and published.
A transaction whose outcome nobody knows ends it at once with status 4, unless the database settles it (``Node.resume``): whoever
starts it again reads what is on the disk.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import uvicorn

from ledger.errors import Broken, LedgerError
from ledger.node import PUBLIC, Node
from ledger.web.app import make_app
from ledger.web.intake import Intake
from ledger.web.limits import ADDRESS, Buckets, KeyLimits
from ledger.web.metrics import Metrics
from ledger.web.protocol import Protocol

__all__ = ["Options", "serve"]

LOG: Final = logging.getLogger("ledger.web")
STOP_SECONDS: Final = 30
KEEP_ALIVE_SECONDS: Final = 15
CONNECTIONS_MAX: Final = 2_000


class Options(NamedTuple):
    """``publish_seconds``: the published folder follows the log at most so often; 0: it does not.  ``certificate``, ``key``: files
    in PEM for TLS."""

    host: str
    port: int
    publish_seconds: int
    certificate: str | None = None
    key: str | None = None


def serve(node: Node, options: Options) -> int:
    """Serves until it ends; the exit status: 0, or 4 where it had to."""
    _log_as_json()
    failed: list[Broken] = []

    def fatal(problem: Broken) -> None:
        failed.append(problem)
        LOG.critical(problem.code, extra={"said": {"detail": problem.detail}})
        server.should_exit = True

    metrics = Metrics()
    intake = Intake(node, fatal=fatal, limits=KeyLimits(), metrics=metrics)
    publisher = _Publisher(node, options.publish_seconds, metrics)

    @contextmanager
    def running() -> Iterator[None]:
        intake.start()
        publisher.start()
        try:
            yield
        finally:
            intake.stop()
            publisher.stop()

    server = _Server(
        uvicorn.Config(
            make_app(node, intake, running=running, metrics=metrics, addresses=Buckets(ADDRESS, time.monotonic)),
            host=options.host,
            port=options.port,
            ssl_certfile=options.certificate,
            ssl_keyfile=options.key,
            http=Protocol,
            loop="asyncio",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )
    server.run()
    return 4 if failed or not server.started else 0


class _Server(uvicorn.Server):
    """Ends in order at a signal, with status 0: the library would raise the signal once more in the end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """While it serves, SIGINT and SIGTERM ask it to end; a second one at once."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Publisher:
    """A thread that brings the published folder up to the head where that moved, and once more at the end."""

    def __init__(self, node: Node, seconds: int, metrics: Metrics) -> None:
        self._node = node
        self._metrics = metrics
        self._seconds = seconds
        self._end = threading.Event()
        self._shown = -1
        self._thread = threading.Thread(target=self._run, name="publisher")

    def start(self) -> None:
        if self._seconds:
            self._thread.start()

    def stop(self) -> None:
        self._end.set()
        if self._seconds:
            self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            self._publish()
            self._end.wait(self._seconds)
        self._publish()

    def _publish(self) -> None:
        """A failure is told and tried again: intake does not wait for it."""
        started = time.monotonic()
        try:
            size = self._node.head().size
            if size in (0, self._shown):
                return
            done = self._node.publish(self._node.folder / PUBLIC)
        except (LedgerError, OSError) as problem:
            code = problem.code if isinstance(problem, LedgerError) else "cannot-write"
            self._metrics.failure(code)
            why = "" if problem.__cause__ is None else str(problem.__cause__).partition("\n")[0]
            LOG.error(code, extra={"said": {"detail": str(problem), "cause": why, "doing": "publish"}})
            return
        self._shown = done.size
        self._metrics.published(done.size)
        LOG.info(
            "published", extra={"said": {"size": done.size, "files": done.files, "seconds": round(time.monotonic() - started, 3)}}
        )


class _Lines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {"time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), "level": record.levelname.lower()}
        said |= {"event": record.getMessage(), **getattr(record, "said", {})}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    for name, level in (("ledger.web", logging.INFO), ("uvicorn", logging.WARNING), ("uvicorn.error", logging.INFO)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
