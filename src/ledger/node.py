"""A ledger on this machine: wires log, recap and store together from its folder.

Clock, randomness and keys enter the program here (and in ``cli`` for devices), nowhere else.  The folder:

    ledger.toml     origin, verifier key, ledger id once opened, where the database is
    ledger.db       the log and its projections (or a PostgreSQL address in ledger.toml)
    log-key.pem     the log's Ed25519 key, readable by its owner alone
    sealer-key.pem  the sealer's P-256 key, likewise; without it the log makes no seals
    photos/, texts/ what lies beside the log, under the hashes that it holds
    public/         what ``publish`` writes, unless told another place
"""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ledger.errors import BadInput, Broken
from ledger.files import Files
from ledger.log.append import Answer, Log
from ledger.log.publish import Published, publish
from ledger.proof.merkle import prove_consistency, prove_inclusion
from ledger.proof.note import NoteSigner
from ledger.proof.tlogproof import TlogProof, encode_proof
from ledger.recap.replay import Replayed, rebuild, replay, replay_store
from ledger.store.engine import Database
from ledger.store.entries import Head, StoredEntry, find_events, read_entries, read_head, tile_reader
from ledger.store.rows import Rows
from ledger.tally.canonical import encode
from ledger.tally.rows import Stream
from ledger.tally.signing import OpenedEntry, SigningKey, reopen_entry
from ledger.tally.state import ELECTION, SINGLE, STREAMS, Reader

__all__ = ["CONFIG_NAME", "Node", "Snapshot", "system_clock"]

CONFIG_NAME: Final = "ledger.toml"
SEALER_NAME: Final = "sealer-key.pem"
CONFIG_LIMIT_BYTES: Final = 100_000
THREADS: Final = max(1, os.cpu_count() or 1)

Clock = Callable[[], int]


def system_clock() -> int:
    """Milliseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1_000_000


def _quoted(text: str) -> str:
    """A basic string of TOML; names of logs and addresses of databases may hold quotes and backslashes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _sealer(folder: Path, files: Files) -> SigningKey | None:
    """The sealer's key, where the folder has one."""
    path = folder / SEALER_NAME
    if not path.is_file():
        return None
    try:
        key = load_pem_private_key(files.read(path, CONFIG_LIMIT_BYTES), None)
    except (TypeError, ValueError) as problem:
        raise BadInput("bad-config", f"{SEALER_NAME} cannot be read: {problem}", path=str(path)) from None
    if not isinstance(key, EllipticCurvePrivateKey):
        raise BadInput("bad-config", f"{SEALER_NAME} holds no P-256 key", path=str(path))
    return SigningKey(key)


class Snapshot:
    """The ledger at one tree size, for reading: ``state`` to walk, ``entry`` to fetch."""

    def __init__(self, state: Reader, size: int, read: Callable[[int], bytes]) -> None:
        self.state: Final = state
        self.size: Final = size
        self.entry: Final = read


class Node:
    """One ledger folder, open.  Close it, or use it as a context manager."""

    def __init__(
        self, folder: Path, database: Database, signer: NoteSigner, *, clock: Clock, files: Files, sealer: SigningKey | None
    ) -> None:
        self.folder: Final = folder
        self.database: Final = database
        self.signer: Final = signer
        self.files: Final = files
        self._log = Log(database, signer=signer, clock=clock, sealer=sealer)
        self._executor = ThreadPoolExecutor(THREADS) if THREADS > 1 else None

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        origin: str,
        log_key: Ed25519PrivateKey,
        clock: Clock,
        database: str | None = None,
        sealer: SigningKey | None = None,
    ) -> Node:
        """Makes the folder and an empty log; with a ``sealer`` it seals its recaps.  Raises ``BadInput`` ``folder-not-empty``."""
        if folder.exists() and any(folder.iterdir()):
            raise BadInput("folder-not-empty", "a ledger is made in a new or empty folder", path=str(folder))
        files = Files()
        files.make_folder(folder)
        signer = NoteSigner(origin, log_key)
        files.write(folder / "log-key.pem", _pem(log_key), private=True)
        if sealer is not None:
            files.write(folder / SEALER_NAME, _pem(sealer.private), private=True)
        store = Database.create(database or folder / "ledger.db", origin=origin)
        address = f"database = {_quoted(database)}\n" if database else ""
        config = f"# A tally ledger (see README).\norigin = {_quoted(origin)}\nvkey = {_quoted(signer.vkey)}\n{address}"
        files.write(folder / CONFIG_NAME, config.encode())
        return cls(folder, store, signer, clock=clock, files=files, sealer=sealer)

    @classmethod
    def open(cls, folder: Path, *, clock: Clock) -> Node:
        """Opens a ledger folder.  Raises ``BadInput`` ``no-ledger``, ``bad-config``; ``Broken`` for its store."""
        files = Files()
        path = folder / CONFIG_NAME
        if not path.is_file():
            raise BadInput("no-ledger", "there is no ledger.toml in this folder", path=str(folder))
        try:
            config = tomllib.loads(files.read(path, CONFIG_LIMIT_BYTES).decode())
            origin, vkey = str(config["origin"]), str(config["vkey"])
            key = load_pem_private_key(files.read(folder / "log-key.pem", CONFIG_LIMIT_BYTES), None)
        except (tomllib.TOMLDecodeError, KeyError, TypeError, UnicodeDecodeError, ValueError) as problem:
            raise BadInput("bad-config", f"ledger.toml or log-key.pem cannot be read: {problem}", path=str(path)) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadInput("bad-config", "log-key.pem holds no Ed25519 key", path=str(folder))
        signer = NoteSigner(origin, key)
        if signer.vkey != vkey:
            raise Broken("log-key-other", "log-key.pem is not the key that ledger.toml names", path=str(folder))
        store = Database.open(str(config["database"]) if "database" in config else folder / "ledger.db")
        return cls(folder, store, signer, clock=clock, files=files, sealer=_sealer(folder, files))

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives database and threads back."""
        if self._executor is not None:
            self._executor.shutdown()
        self.database.close()

    # --- writing -----------------------------------------------------------------------------------------------------------------

    def submit(self, submissions: Sequence[bytes]) -> list[Answer]:
        """One answer for each submission, in order (``ledger.log.append``)."""
        return self._log.append(submissions, executor=self._executor)

    def publish(self, folder: Path) -> Published:
        """Brings a published folder up to the head."""
        return publish(self.database, folder, self.files)

    # --- reading -----------------------------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """Where the log stands."""
        with self.database.reading() as connection:
            return read_head(connection)

    def ledger_id(self) -> bytes | None:
        """The event id of entry 0; None before the election is opened."""
        with self.database.reading() as connection:
            election = Rows(connection).get(ELECTION, SINGLE)
        return None if election is None else election.ledger

    def stream(self, point: bytes) -> Stream:
        """The next position of a key's stream and the event before it."""
        with self.database.reading() as connection:
            return Rows(connection).get(STREAMS, point) or Stream(0, None)

    @contextmanager
    def snapshot(self, at: int | None = None) -> Iterator[Snapshot]:
        """The ledger as it stands, or as it stood after its first ``at`` entries (a replay of that prefix)."""
        with self.database.reading() as connection:
            size = read_head(connection).size
            if at is not None and not 0 <= at <= size:
                raise BadInput("size-beyond-log", "the log is not that long", at=at, size=size)

            def read(index: int) -> bytes:
                return next(read_entries(connection, index, index + 1)).entry

            if at is None or at == size:
                yield Snapshot(Rows(connection), size, read)
            else:
                yield Snapshot(replay(row.entry for row in read_entries(connection, 0, at)), at, read)

    @contextmanager
    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Iterator[StoredEntry]]:
        """Rows of the log, streamed inside one snapshot."""
        with self.database.reading() as connection:
            size = read_head(connection).size
            yield read_entries(connection, start, size if stop is None else min(stop, size))

    def find(self, event_id: bytes) -> int | None:
        """The index of an event; None where it is not in the log."""
        with self.database.reading() as connection:
            return find_events(connection, [event_id]).get(event_id)

    def entry(self, index: int) -> OpenedEntry:
        """One entry.  ``BadInput`` ``size-beyond-log``."""
        with self.database.reading() as connection:
            if not 0 <= index < read_head(connection).size:
                raise BadInput("size-beyond-log", "the log has no such entry", index=index)
            return reopen_entry(next(read_entries(connection, index, index + 1)).entry)

    # --- proving -----------------------------------------------------------------------------------------------------------------

    def receipt(self, index: int) -> bytes:
        """A tlog-proof of the entry at the log's head.  Its ``extra`` holds what the device needs to rebuild the entry from its own
        payload: [chain, sequenced_at, signature] in canonical MessagePack (docs/FORMATS.md section 8)."""
        with self.database.reading() as connection:
            head = read_head(connection)
            if not 0 <= index < head.size:
                raise BadInput("size-beyond-log", "the log has no such entry", index=index)
            entry = reopen_entry(next(read_entries(connection, index, index + 1)).entry)
            path = prove_inclusion(index, head.size, tile_reader(connection))
        extra = encode([entry.chain, entry.sequenced_at, entry.event.signature])
        return encode_proof(TlogProof(index, tuple(path), head.checkpoint, extra))

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the log at size ``new`` (its head, unless told) extends the log at size ``old``."""
        with self.database.reading() as connection:
            size = read_head(connection).size
            upto = size if new is None else new
            if not 0 < old <= upto <= size:
                raise BadInput("size-beyond-log", "a consistency proof begins at a size from 1 to the log's", old=old, size=size)
            return prove_consistency(old, upto, tile_reader(connection))

    # --- replaying ---------------------------------------------------------------------------------------------------------------

    def replay(self, *, rebuilding: bool, progress: Callable[[int], None] | None = None) -> Replayed:
        """Replays the log and compares with the projection, or puts the result in its place."""
        return (rebuild if rebuilding else replay_store)(self.database, progress=progress)
