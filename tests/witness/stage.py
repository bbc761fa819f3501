"""A log with two histories, witnesses, and servers on loopback that answer whatever a test wants."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Thread

from ledger.files import Files
from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.merkle import Tiles
from ledger.proof.note import NoteCosigner, NoteSigner
from ledger.proof.tiles import tile_layout
from ledger.witness.deciding import encode_request
from ledger.witness.folder import WitnessFolder
from ledger.witness.serving import WitnessServer

from ..proof.models import consistency_path, leaves, private_key, tree_root

ORIGIN = "example.com/log"
LOG = NoteSigner(ORIGIN, private_key(1))
OTHER_KEY = NoteSigner(ORIGIN, private_key(2))
STRANGER = NoteSigner("example.com/stranger", private_key(3))
NOW = 1_760_000_000
FORKED_AT = 4
"""The second history has the first so many leaves in common with the true one."""


@cache
def history(count: int, *, forked: bool = False) -> tuple[bytes, ...]:
    """The leaf hashes of a log of so many entries, in its true or its second history."""
    true = leaves(count)
    return (*true[:FORKED_AT], *((at + 1).to_bytes(32, "big") for at in range(count - FORKED_AT))) if forked else true


@cache
def note(size: int, *, forked: bool = False, signer: NoteSigner = LOG, origin: str = ORIGIN) -> bytes:
    """The signed checkpoint of that size."""
    return sign_checkpoint(Checkpoint(origin, size, tree_root(history(size, forked=forked))), signer)


def path(old: int, new: int, *, forked: bool = False) -> list[bytes]:
    """The consistency proof between two sizes of one history."""
    return consistency_path(old, history(new, forked=forked)) if 0 < old < new else []


def request(old: int, new: int, *, forked: bool = False) -> bytes:
    """An honest request of a client that has this history."""
    return encode_request(old=old, path=path(old, new, forked=forked), note=note(new, forked=forked))


def tiles_of(of: tuple[bytes, ...]) -> Tiles:
    """The tiles of a tree over these leaf hashes."""

    def read(level: int, number: int, width: int) -> bytes:
        span = 256**level
        return b"".join(tree_root(of[at * span : (at + 1) * span]) for at in range(number * 256, number * 256 + width))

    return read


def publish(folder: Path, size: int, *, forked: bool = False) -> Path:
    """A published folder as far as witnesses look at one: checkpoint and tiles."""
    tiles = tiles_of(history(size, forked=forked))
    for tile in tile_layout(size):
        place = folder / tile.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(tiles(tile.level or 0, tile.number, tile.width))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checkpoint").write_bytes(note(size, forked=forked))
    return folder


def cosigner(number: int) -> NoteCosigner:
    """The key of a witness."""
    return NoteCosigner(f"witness.example/w{number}", private_key(100 + number))


def make_witness(place: Path, number: int = 1, *, files: Files | None = None) -> Path:
    """A witness's folder that knows the log."""
    made = files or Files()
    WitnessFolder.create(place, name=cosigner(number).key.name, private=private_key(100 + number), files=made)
    with WitnessFolder.open(place, files=made) as folder:
        folder.add_log(LOG.key)
    return place


@contextmanager
def serving(place: Path, *, later: bool = False, seconds: float = 20) -> Iterator[WitnessServer]:
    """The witness in ``place``, on loopback, until the block ends."""
    with WitnessFolder.open(place, files=Files()) as folder:
        server = WitnessServer(
            folder,
            host="127.0.0.1",
            port=0,
            clock=lambda: NOW,
            later=later,
            connection_seconds=seconds,
            tell=lambda _: None,
        )
        with server:
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join()


Talk = Callable[[socket.socket, bytes], None]
"""What a stand-in does with a connection after it has read the request."""


@contextmanager
def standing_in(talk: Talk) -> Iterator[str]:
    """The address of something that takes connections and then does as it likes."""
    listening = socket.create_server(("127.0.0.1", 0))
    done = False

    def run() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            if done:
                connection.close()
                return
            Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client had enough
            talk(connection, read_request(connection))

    thread = Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        done = True
        socket.create_connection(listening.getsockname()).close()
        thread.join()
        listening.close()


def read_request(connection: socket.socket) -> bytes:
    """One request's body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return body


def answering(status: int, body: bytes, *headers: str) -> Talk:
    """Gives this answer to whatever is asked."""

    def talk(connection: socket.socket, _: bytes) -> None:
        head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
        connection.sendall("\r\n".join(head).encode() + body)

    return talk
