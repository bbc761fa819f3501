"""A node as a process of its own: ``ledger serve`` on a port of this machine."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STARTS_SECONDS = 60
PORTS = (20_000, 32_000)
PORT_TRIES_MAX = 100


def free_port() -> int:
    """One that nobody has, and that the system gives to no client and no other test: a node that was killed finds it free
    again, and whoever calls it meanwhile meets nobody."""
    for _ in range(PORT_TRIES_MAX):
        port = random.SystemRandom().randrange(*PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


class Process:
    """``ledger serve`` over the ledger in ``folder``; ``start`` returns once it is ready, or raises with what it said."""

    def __init__(self, folder: Path, *words: str, port: int | None = None) -> None:
        self.folder = folder
        self.port = free_port() if port is None else port
        self.url = f"http://127.0.0.1:{self.port}/"
        self._words = words
        self._log = folder.parent / f"serve-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Process:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """From nothing, or after it ended."""
        command = [sys.executable, "-c", "from ledger.cli import main; main()", "serve", "--port", str(self.port), "--ledger"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "LEDGER_LANG": "en"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([*command, str(self.folder), *self._words], stderr=log, stdout=log, env=environment)
        ends = time.monotonic() + STARTS_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise AssertionError(f"the node does not serve:\n{self.said()}")
            time.sleep(0.02)

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> int:
        """In order; its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def pause(self) -> None:
        """It stands still, with all that it holds."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """At once."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(60)

    @property
    def ended(self) -> bool:
        """Whether it is not running."""
        return self._process is None or self._process.poll() is not None

    def wait(self) -> int:
        """Until it ends by itself."""
        assert self._process is not None
        return self._process.wait(60)

    def said(self) -> str:
        """Its log."""
        return self._log.read_text()
