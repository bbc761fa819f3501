"""What a witness keeps on its disk.

    witness.toml         vkey: its name and public key
    witness-key.pem      its Ed25519 key, readable by its owner alone
    policy               the logs that it knows, as a tlog-policy without a quorum
    logs/<SHA-256>       per origin (hashed, lower hex): the note that it last cosigned; empty before the first
    forks/<SHA-256>      evidence against logs (evidence.py), by the hash of the file

- A cosignature leaves only after the note with it is durable here.  A new note takes the place of the very one that was decided on
  (``swap``), never of a larger tree's, nor of one with another root.
- Making a state and opening one are different acts: a missing file of a known log is an error, never a new state.  A witness that
  forgot would cosign a second history.
- One process at a time.  After a write that failed nobody knows what the disk holds: this process then writes nothing more.

Not noticed: an older copy of the whole folder put back.  Left to others: what is cosigned (deciding.py).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ledger.errors import BadInput, Broken, Moved, NotVerified
from ledger.files import Files
from ledger.proof.note import NOTE_LIMIT_BYTES, NoteCosigner, NoteKey
from ledger.proof.policy import POLICY_LIMIT_BYTES, Policy, parse_policy
from ledger.witness.deciding import Recorded, open_recorded

__all__ = ["FORKS_LIMIT_FILES", "WitnessFolder"]

CONFIG_LIMIT_BYTES: Final = 10_000
FORKS_LIMIT_FILES: Final = 1_000
"""Only a log's own key can make forks of it; a log gone mad shall not fill a witness's disk."""

_CONFIG: Final = "witness.toml"
_KEY: Final = "witness-key.pem"
_POLICY: Final = "policy"
_LOGS: Final = "logs"
_FORKS: Final = "forks"


class WitnessFolder:
    """A witness's memory, held by this process alone; made by ``create`` or ``open``."""

    def __init__(self, path: Path, *, cosigner: NoteCosigner, policy: Policy, files: Files) -> None:
        self.path: Final = path
        self.cosigner: Final = cosigner
        self.policy = policy
        self._files = files
        self._turn = Lock()
        self._stopped = False

    @staticmethod
    def create(path: Path, *, name: str, private: Ed25519PrivateKey, files: Files) -> NoteKey:
        """A new witness in a new or empty folder; its public key.  ``witness.toml`` comes last: without it there is no witness.

        Raises ``BadInput`` ``folder-not-empty``, or ``bad-vkey`` for a name that cannot be a key's.
        """
        cosigner = NoteCosigner(name, private)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise BadInput("folder-not-empty", "a witness is made in a new or empty folder", path=str(path))
        files.make_folder(path / _LOGS)
        files.make_folder(path / _FORKS)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.write(path / _KEY, pem, private=True)
        files.write(path / _POLICY, b"quorum none\n")
        files.write(path / _CONFIG, f"vkey = '{cosigner.vkey}'\n".encode())
        return cosigner.key

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, files: Files) -> Iterator[WitnessFolder]:
        """The witness in ``path``, until the block ends.  Raises ``BadInput`` ``bad-witness``, ``bad-policy``; ``Waiting``
        ``folder-busy`` while another process has it open; ``Broken`` as ``recorded``, for any of its logs."""
        if not (path / _CONFIG).is_file():
            raise BadInput("bad-witness", "no witness.toml is there", path=str(path))
        with files.locked(path, wait=False):
            cosigner = _cosigner(path, files)
            policy = parse_policy(files.read(path / _POLICY, POLICY_LIMIT_BYTES))
            files.sweep(path)
            folder = cls(path, cosigner=cosigner, policy=policy, files=files)
            for log in policy.logs:
                folder.recorded(log.key.name)
            yield folder

    def add_log(self, key: NoteKey, *, instead_of: NoteKey | None = None) -> None:
        """From now on the witness knows the log of ``key``.  Raises ``BadInput`` ``bad-policy`` where it does already.

        A second key of a known origin joins the first, or takes the place of ``instead_of`` (``BadInput`` ``log-unknown`` where the
        witness does not know that key of this origin); what is remembered of the origin stays.
        """
        known = [log.key for log in self.policy.logs]
        if instead_of is not None and (instead_of not in known or instead_of.name != key.name or instead_of == key):
            raise BadInput("log-unknown", "the witness knows no such key of this log", path=str(self.path), key=instead_of.vkey)
        lines = [f"log {each.vkey}\n" for each in (*known, key) if each != instead_of]
        data = "".join([*lines, "quorum none\n"]).encode()
        policy = parse_policy(data)
        if not self.policy.keys_of(key.name) and not self._state(key.name).exists():
            self._files.create(self._state(key.name), b"")  # before the policy: a known log without a state is an error
        self._files.write(self.path / _POLICY, data)
        self.policy = policy

    def recorded(self, origin: str) -> Recorded:
        """What is remembered of a known log.  Raises ``Broken`` ``witness-state-missing``, ``witness-state-damaged``."""
        path = self._state(origin)
        if not path.is_file():
            raise Broken("witness-state-missing", "what was cosigned of a known log is not there", path=str(path), origin=origin)
        try:
            return open_recorded(self._files.read(path, NOTE_LIMIT_BYTES), key=self.cosigner.key, origin=origin)
        except (BadInput, NotVerified) as problem:
            raise Broken("witness-state-damaged", str(problem), path=str(path), origin=origin) from None

    def swap(self, origin: str, *, expected: Recorded, new: Recorded) -> None:
        """``new``, decided on over ``expected``, is durable in its place.

        Raises ``Moved`` ``witness-moved`` where something else is remembered by now; ``Broken`` ``witness-rollback`` for a smaller
        tree or another root of one size; ``witness-stopped`` after a failed write, and whatever the write itself raises.
        """
        with self._turn:
            if self._stopped:
                raise Broken("witness-stopped", "an earlier write failed; start again", path=str(self.path))
            if self.recorded(origin) != expected:
                raise Moved("witness-moved", "another request was first", origin=origin)
            if new.size < expected.size or (new.size == expected.size and new.root != expected.root):
                raise Broken("witness-rollback", "no witness forgets what it cosigned", origin=origin, size=expected.size)
            self._stopped = True  # until the write is known to have come through
            self._files.write(self._state(origin), new.note)
            self._stopped = False

    def keep_fork(self, data: bytes) -> Path | None:
        """Where the evidence is, durably; None where there is no room for more."""
        folder = self.path / _FORKS
        path = folder / hashlib.sha256(data).hexdigest()
        with self._turn:
            if not path.exists() and sum(1 for _ in folder.iterdir()) >= FORKS_LIMIT_FILES:
                return None
            self._files.create(path, data)
        return path

    def _state(self, origin: str) -> Path:
        return self.path / _LOGS / hashlib.sha256(origin.encode()).hexdigest()


def _cosigner(path: Path, files: Files) -> NoteCosigner:
    """The key of ``witness-key.pem`` under the name of ``witness.toml``."""
    try:
        said = str(tomllib.loads(files.read(path / _CONFIG, CONFIG_LIMIT_BYTES).decode())["vkey"])
        private = load_pem_private_key(files.read(path / _KEY, CONFIG_LIMIT_BYTES), None)
    except (ValueError, KeyError, TypeError, UnsupportedAlgorithm) as problem:
        raise BadInput("bad-witness", f"{type(problem).__name__}: {problem}", path=str(path)) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise BadInput("bad-witness", "witness-key.pem holds no Ed25519 key", path=str(path))
    cosigner = NoteCosigner(said.partition("+")[0], private)
    if cosigner.vkey != said:
        raise BadInput("bad-witness", "witness-key.pem is not the key that witness.toml names", path=str(path))
    return cosigner
