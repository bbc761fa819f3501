"""What the tests kill: a witness that is served in a process of its own, told by a pipe where it listens."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path

from ledger.files import Files
from ledger.witness.folder import WitnessFolder
from ledger.witness.serving import WitnessServer


def run(place: Path, told: Connection, *, later: bool = False) -> None:
    """Serves until it is killed."""
    with WitnessFolder.open(place, files=Files()) as folder:
        server = WitnessServer(
            folder,
            host="127.0.0.1",
            port=0,
            clock=lambda: int(time.time()),
            later=later,
            connection_seconds=20,
            tell=lambda _: None,
        )
        told.send_bytes(server.url.encode())
        server.serve_forever()
