"""A ledger on this machine: wires log, recap and store together from its folder.

Clock, randomness and keys enter the program here (and in ``cli`` for devices), nowhere else.  The folder:

    ledger.toml     origin, verifier key, where the database and the anchor are (docs/FORMATS.md section 8.5)
    ledger.db       the log and its projections (or a PostgreSQL address in ledger.toml)
    log-key.pem     the log's Ed25519 key, readable by its owner alone; log-key-<id>.pem of a rekeying
    sealer-key.pem  the sealer's P-256 key, likewise; without it the log makes no seals
    photos/, texts/ what lies beside the log, under the hashes that it holds
    public/         what ``publish`` writes, unless told another place

``vkey`` in ledger.toml is the log's first key, which entry 0 names; the one in force is in the log (``log.rekeyed``).

The anchor lies outside.  A ledger restored without the log's key says ``read_only = true`` in its ledger.toml: it shows, verifies
and publishes what it has, and takes nothing.  ``seals = "manual"`` there (imports) keeps the log from sealing by itself.
"""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from ledger.errors import BadInput, Broken, Refused
from ledger.files import Files
from ledger.log.anchor import Anchor
from ledger.log.append import Answer, Appended, Log, admit
from ledger.log.publish import Cosign, Published, publish
from ledger.log.receipts import receipt_of
from ledger.log.restore import Restored, restore
from ledger.log.signers import Signers
from ledger.proof.merkle import prove_consistency, prove_inclusion
from ledger.proof.note import NoteKey, NoteSigner, parse_vkey
from ledger.recap.proving import MadeTotalProof, prove_total
from ledger.recap.rekeyings import key_chain
from ledger.recap.replay import Replayed, rebuild, replay, replay_store
from ledger.store.engine import Database
from ledger.store.entries import Head, StoredEntry, find_events, read_entries, read_head, tile_reader
from ledger.store.rows import Rows
from ledger.tally.rows import LogKey, Stream
from ledger.tally.signing import Opened, OpenedEntry, SigningKey, reopen_entry
from ledger.tally.state import ELECTION, SINGLE, STREAMS, Reader

__all__ = ["CONFIG_NAME", "Node", "Snapshot", "system_clock"]

CONFIG_NAME: Final = "ledger.toml"
PUBLIC: Final = "public"
MANUAL: Final = "manual"
CONFIG_LIMIT_BYTES: Final = 100_000
THREADS: Final = max(1, os.cpu_count() or 1)

Clock = Callable[[], int]


def system_clock() -> int:
    """Milliseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1_000_000


def _quoted(text: str) -> str:
    """A basic string of TOML; names of logs and addresses of databases may hold quotes and backslashes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _anchor(folder: Path, path: Path | None, signers: Signers, files: Files) -> Anchor:
    """``BadInput`` ``anchor-inside`` for a path inside the ledger folder: a backup of the one would hold the other."""
    if path is not None:
        path = (folder / path).resolve()
        if path.is_relative_to(folder.resolve()):
            raise BadInput("anchor-inside", "the anchor lies inside the ledger folder", path=str(path))
    return Anchor(path, published=folder / PUBLIC, key=signers.first, files=files, held=signers.held)


def _write_config(
    folder: Path,
    files: Files,
    *,
    origin: str,
    vkey: str,
    database: str | None,
    anchor: Path | None = None,
    read_only: bool = False,
    automatic: bool = True,
) -> None:
    lines = ["# A tally ledger (see README).", f"origin = {_quoted(origin)}", f"vkey = {_quoted(vkey)}"]
    if database:
        lines.append(f"database = {_quoted(database)}")
    if anchor is not None:
        lines.append(f"anchor = {_quoted(str(anchor))}")
    if read_only:
        lines.append("read_only = true  # the log's key is elsewhere")
    if not automatic:
        lines.append(f'seals = "{MANUAL}"  # by `ledger seal` alone')
    files.write(folder / CONFIG_NAME, "".join(f"{line}\n" for line in lines).encode())


class Snapshot:
    """The ledger at one tree size, for reading: ``state`` to walk, ``entry`` to fetch."""

    def __init__(self, state: Reader, size: int, read: Callable[[int], bytes]) -> None:
        self.state: Final = state
        self.size: Final = size
        self.entry: Final = read


class Node:
    """One ledger folder, open.  Close it, or use it as a context manager."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        signers: Signers,
        *,
        clock: Clock,
        files: Files,
        anchor: Anchor,
        automatic: bool = True,
    ) -> None:
        self._automatic = automatic
        self.folder: Final = folder
        self.database: Final = database
        self.files: Final = files
        self.anchor = anchor
        self.signers: Final = signers
        self._clock = clock
        self._log = self._writer()
        self._assumed: tuple[bytes, ...] = ()
        self._executor = ThreadPoolExecutor(THREADS) if THREADS > 1 else None

    def _writer(self) -> Log | None:
        if self.read_only:
            return None
        return Log(self.database, signers=self.signers, clock=self._clock, anchor=self.anchor, automatic=self._automatic)

    def _require_log(self) -> Log:
        if self._log is None:
            raise Broken("ledger-read-only", "this ledger was restored without the log's key", path=str(self.folder))
        return self._log

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
        automatic: bool = True,
    ) -> Node:
        """Makes the folder and an empty log; with a ``sealer`` it seals its recaps, by itself or (not ``automatic``) when told.
        Raises ``BadInput`` ``folder-not-empty``."""
        if folder.exists() and any(folder.iterdir()):
            raise BadInput("folder-not-empty", "a ledger is made in a new or empty folder", path=str(folder))
        files = Files()
        files.make_folder(folder)
        signers = Signers(folder, NoteSigner(origin, log_key).key, files)
        signers.keep_log_key(log_key)
        if sealer is not None:
            signers.keep_sealer(sealer, first=True)
        store = Database.create(database or folder / "ledger.db", origin=origin)
        _write_config(folder, files, origin=origin, vkey=signers.first.vkey, database=database, automatic=automatic)
        anchor = _anchor(folder, None, signers, files)
        return cls(folder, store, signers, clock=clock, files=files, anchor=anchor, automatic=automatic)

    @classmethod
    def open(cls, folder: Path, *, clock: Clock, anchor: Path | None = None, curing: bool = False) -> Node:
        """Opens a ledger folder.  ``anchor``: where it is, if not where ledger.toml says.  ``curing``: a log that was rolled back
        is opened all the same, for ``restore``.  A log whose key in force is not in the folder can be read, and rekeyed.

        Raises ``BadInput`` ``no-ledger``, ``bad-config``; ``Broken`` for its store, ``log-rolled-back``, ``anchor-missing``, and
        ``log-key-other`` for a key file with another key in it.
        """
        files = Files()
        path = folder / CONFIG_NAME
        if not path.is_file():
            raise BadInput("no-ledger", "there is no ledger.toml in this folder", path=str(folder))
        try:
            config = tomllib.loads(files.read(path, CONFIG_LIMIT_BYTES).decode())
            signers = Signers(folder, parse_vkey(str(config["vkey"])), files, read_only=config.get("read_only") is True)
        except (tomllib.TOMLDecodeError, KeyError, TypeError, UnicodeDecodeError, ValueError) as problem:
            raise BadInput("bad-config", f"ledger.toml cannot be read: {problem}", path=str(path)) from None
        if signers.origin != str(config.get("origin")):
            raise BadInput("bad-config", "ledger.toml names another origin than its verifier key", path=str(path))
        named = Path(str(config["anchor"])) if "anchor" in config else None
        kept = _anchor(folder, named if anchor is None else anchor.absolute(), signers, files)
        store = Database.open(str(config["database"]) if "database" in config else folder / "ledger.db")
        automatic = config.get("seals") != MANUAL
        node = cls(folder, store, signers, clock=clock, files=files, anchor=kept, automatic=automatic)
        try:
            signers.of_log(node.key.vkey)  # a file that holds another key, or none, is told now
            if not curing:
                node.check_anchor()
        except BaseException:
            node.close()
            raise
        return node

    @classmethod
    def restore(
        cls,
        folder: Path,
        entries: Iterable[bytes],
        *,
        note: bytes,
        key: NoteKey,
        present: NoteKey,
        log_key: Ed25519PrivateKey | None,
        sealer: SigningKey | None,
        clock: Clock,
        database: str | None,
        anchor: Path | None,
        lost: bool = False,
    ) -> Node:
        """A new ledger folder from a verified publication: its ``entries``, its checkpoint ``note``, the log's public ``key`` that
        entry 0 names, and the one in force at the end (``present``; the same without a rekeying), whose private part is
        ``log_key``.  Without it the ledger is read-only, or where it is ``lost``, can be rekeyed and until then signs nothing.
        ``anchor`` is one that is there already.

        ledger.toml comes last: what a crash leaves is no ledger.  Raises as ``create`` and ``ledger.log.restore``; ``Broken``
        ``log-key-other`` for a key that is not the log's.
        """
        if folder.exists() and any(folder.iterdir()):
            raise BadInput("folder-not-empty", "a ledger is made in a new or empty folder", path=str(folder))
        if log_key is not None and NoteSigner(key.name, log_key).vkey != present.vkey:
            raise Broken("log-key-other", "that key is not the log's in force", key=present.vkey)
        files = Files()
        read_only = log_key is None and not lost
        signers = Signers(folder, key, files, read_only=read_only)
        kept = _anchor(folder, None if anchor is None else anchor.absolute(), signers, files)
        kept.read()  # a missing one is told before anything is made
        files.make_folder(folder)
        if log_key is not None:
            signers.keep_log_key(log_key)
        if sealer is not None:
            signers.keep_sealer(sealer, first=True)
        store = Database.create(database or folder / "ledger.db", origin=key.name)
        try:
            restore(store, entries, note=note, anchor=kept)
        except BaseException:
            store.close()
            raise
        _write_config(folder, files, origin=key.name, vkey=key.vkey, database=database, anchor=kept.path, read_only=read_only)
        return cls(folder, store, signers, clock=clock, files=files, anchor=kept)

    @property
    def read_only(self) -> bool:
        """Whether this ledger lacks the log's key."""
        return self.signers.read_only

    @property
    def key(self) -> NoteKey:
        """The log's public key in force."""
        return parse_vkey(self.log_keys()[-1].vkey)

    @property
    def signer(self) -> NoteSigner:
        """Who signs with the log's key in force; ``Broken`` ``ledger-read-only`` where this ledger signs nothing,
        ``log-key-absent`` where it should."""
        self._require_log()
        signer = self.signers.of_log(self.key.vkey)
        if signer is None:
            raise Broken("log-key-absent", "this ledger does not hold the log's key in force", key=self.key.vkey)
        return signer

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
        return self.append(self.admit(submissions))

    def admit(self, submissions: Sequence[bytes]) -> list[Opened | Refused]:
        """Opens submissions, in parallel: what can be said of them without the log.  Safe beside everything else."""
        return admit(submissions, self._executor)

    def append(self, opened: Sequence[Opened | Refused]) -> list[Answer]:
        """As ``submit``, for submissions that were opened.  One call at a time."""
        return self._require_log().append_opened(opened)

    def resume(self, problem: Broken) -> bool:
        """After ``append`` raised ``problem``: whether the stopped log was replaced by one that takes more.  So after a
        ``commit-unknown`` of a database that settles it (``Database.settles``): the next transaction reads what became of that one,
        under the head's lock and against the anchor.  Not after ``anchor-failed``: that is a disk's matter."""
        if problem.code != "commit-unknown" or not self.database.settles:
            return False
        self._log = self._writer()
        return True

    def foretell(self, submissions: Sequence[bytes]) -> list[Answer]:
        """What ``submit`` would answer now; nothing is written (``ledger.log.append``)."""
        return self._require_log().foretell(submissions)

    def seal(self) -> Appended:
        """Seals the recaps as they stand, now.  ``Refused`` ``sealer-missing``; ``Broken`` ``ledger-read-only``."""
        return self._require_log().seal()

    def publish(self, folder: Path, cosign: Cosign | None = None) -> Published:
        """Brings a published folder up to the head, cosigned on the way if ``cosign`` is given."""
        return publish(self.database, folder, self.files, anchor=self.anchor, cosign=cosign)

    def append_missing(self, entries: Iterable[bytes], *, note: bytes) -> Restored:
        """What the log lacks of a verified publication is appended, byte for byte (``ledger.log.restore``)."""
        return restore(self.database, entries, note=note, anchor=self.anchor)

    def set_anchor(self, path: Path) -> None:
        """From now on the log has its anchor at ``path``: a new file, or one that is there and that the log extends.

        Raises ``BadInput`` ``anchor-inside``; ``Broken`` ``anchor-exists`` where ledger.toml names one, ``log-rolled-back``.
        """
        config = self.files.read(self.folder / CONFIG_NAME, CONFIG_LIMIT_BYTES)
        if "anchor" in tomllib.loads(config.decode()):
            raise Broken("anchor-exists", "ledger.toml names an anchor already", path=str(self.anchor.path))
        made = _anchor(self.folder, path.absolute(), self.signers, self.files)
        if not path.absolute().exists():
            made.create(self.head().checkpoint)
        self.anchor = made
        self.check_anchor()
        made.advance(self.head().checkpoint)
        self._log = self._writer()
        line = f"anchor = {_quoted(str(made.path))}\n".encode()
        self.files.write(self.folder / CONFIG_NAME, config + (b"" if config.endswith(b"\n") else b"\n") + line)

    def check_anchor(self) -> Head:
        """The log extends what left it before; ``Broken`` ``log-rolled-back``, ``anchor-missing``, ``anchor-damaged``."""
        seen = self.anchor.read()  # before the head: it may be newer, never older
        with self.database.reading() as connection:
            head = read_head(connection)
            self.anchor.check(connection, head, seen)
        return head

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

    def log_keys(self) -> tuple[LogKey, ...]:
        """The log's keys so far, with the size from which each is in force."""
        with self.database.reading() as connection:
            election = Rows(connection).get(ELECTION, SINGLE)
        return (LogKey(0, self.signers.first.vkey),) if election is None else election.log_keys

    def stream(self, point: bytes) -> Stream:
        """The next position of a key's stream and the event before it."""
        with self.database.reading() as connection:
            return Rows(connection).get(STREAMS, point) or Stream(0, None)

    def assume(self, submissions: Sequence[bytes]) -> None:
        """From now on ``snapshot`` shows the ledger as if these submissions had been appended: what a device has signed and this
        ledger does not know.  Nothing is written.  At most a transaction's worth."""
        self._assumed = tuple(submissions)

    @contextmanager
    def snapshot(self, at: int | None = None) -> Iterator[Snapshot]:
        """The ledger as it stands, with what is assumed; or as it stood after its first ``at`` entries, by a replay of these."""
        if at is None and self._assumed:
            with self._imagined() as snapshot:
                yield snapshot
            return
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
    def _imagined(self) -> Iterator[Snapshot]:
        log = Log(self.database, signers=self.signers, clock=self._clock, automatic=False)
        with self.database.reading() as connection:
            work, _ = log.imagine(connection, self._assumed)
            new = {entry.index: entry.entry for entry in work.entries}

            def read(index: int) -> bytes:
                return new[index] if index in new else next(read_entries(connection, index, index + 1)).entry

            yield Snapshot(work.batch, work.size, read)

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

    def receipt(self, index: int, checkpoint: bytes | None = None) -> bytes:
        """A tlog-proof of the entry, at the log's head or at a ``checkpoint`` that this log signed before (a note; its cosignatures
        stay).  Its ``extra`` holds what the device needs to rebuild the entry from its own payload: [chain, sequenced_at,
        signature] in canonical MessagePack (docs/FORMATS.md section 8).  Raises as ``_leading_to``; ``size-beyond-log``."""
        with self._leading_to(checkpoint) as (connection, note, size):
            if not 0 <= index < size:
                raise BadInput("size-beyond-log", "the log has no such entry", index=index, size=size)
            entry = next(read_entries(connection, index, index + 1)).entry
            return receipt_of(entry, prove_inclusion(index, size, tile_reader(connection)), note)

    def latest_receipt(self, index: int) -> bytes:
        """The receipt of an entry of this node's last transaction, up to that one's checkpoint; of any other as ``receipt``."""
        made = None if self._log is None else self._log.latest_receipt(index)
        return self.receipt(index) if made is None else made

    def prove_total(
        self,
        *,
        contest: str,
        area: str,
        at: int | None = None,
        stations: bool = False,
        checkpoint: bytes | None = None,
        witnesses: Sequence[NoteKey] = (),
    ) -> MadeTotalProof:
        """The proof of a sealed total up to the log's head, or to a ``checkpoint`` of before (``ledger.recap.proving``)."""
        with self._leading_to(checkpoint) as (connection, note, _):
            return prove_total(connection, note, contest=contest, area=area, at=at, stations=stations, witnesses=witnesses)

    @contextmanager
    def _leading_to(self, checkpoint: bytes | None) -> Iterator[tuple[Connection, bytes, int]]:
        """One snapshot to prove in, and the checkpoint that the proof leads to with its size: the head's unless told.  When the
        block ends, that checkpoint may leave the process.

        Raises ``NotVerified`` for a checkpoint that is not this log's word; ``Broken`` ``log-rolled-back`` where the log does not
        extend what it signed.
        """
        seen = self.anchor.read()
        with self.database.reading() as connection:
            head = read_head(connection)
            note, size = head.checkpoint, head.size
            if checkpoint is not None:
                given = self.anchor.open(connection, head, checkpoint)
                note, size, seen = checkpoint, given.checkpoint.size, (*seen, given)
            self.anchor.check(connection, head, seen)
            yield connection, note, size
        self.anchor.advance(note)

    def key_chain(self, checkpoint: bytes | None = None) -> bytes:
        """The entries that lead from entry 0 to the log's key in force at its head, or at a ``checkpoint`` that it signed before,
        with their paths there (docs/FORMATS.md section 8.4).  Raises as ``receipt``."""
        with self._leading_to(checkpoint) as (connection, note, _):
            return key_chain(connection, note)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the log at size ``new`` (its head, unless told) extends the log at size ``old``."""
        with self.database.reading() as connection:
            size = read_head(connection).size
            upto = size if new is None else new
            if not 0 < old <= upto <= size:
                raise BadInput("size-beyond-log", "no two sizes of this log, the smaller first", old=old, new=upto, size=size)
            return prove_consistency(old, upto, tile_reader(connection))

    # --- replaying ---------------------------------------------------------------------------------------------------------------

    def replay(self, *, rebuilding: bool, progress: Callable[[int], None] | None = None) -> Replayed:
        """Replays the log and compares with the projection, or puts the result in its place."""
        done = (rebuild if rebuilding else replay_store)(self.database, progress=progress)
        if rebuilding:
            self._log = self._writer()  # what the old one knew came from rows that are gone
        return done
