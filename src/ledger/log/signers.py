"""The private keys that a ledger's folder holds: the log's and the sealer's, those that it was made with and those made since.

    log-key.pem, sealer-key.pem                        the first ones, as entry 0 names them
    log-key-<id>.pem, sealer-key-<id>.pem              made for a rekeying; id: the first 8 hex digits of the key id

Which of them is in force the log says (``log.rekeyed``); here lies only what can be signed with.  Files are looked for when a key
is asked for, so a process that runs on finds what another has made since.  A key that is not there is no error here: the log's may
be lost, and the ledger is opened all the same so that it can be rekeyed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ledger.errors import BadInput, Broken
from ledger.files import Files
from ledger.proof.note import NoteKey, NoteSigner, parse_vkey
from ledger.tally.signing import SigningKey, key_id

__all__ = ["LOG_KEY_NAME", "SEALER_KEY_NAME", "Signers", "log_key_name", "sealer_key_name"]

LOG_KEY_NAME: Final = "log-key.pem"
SEALER_KEY_NAME: Final = "sealer-key.pem"

PEM_LIMIT_BYTES: Final = 100_000
HELD_KEYS_MAX: Final = 100
"""So many key files of a folder are looked at; a log has nine keys at most, and proposals that came to nothing leave some."""


def log_key_name(key: NoteKey) -> str:
    """The file of a log's key that was made for a rekeying."""
    return f"log-key-{key.key_id.hex()}.pem"


def sealer_key_name(point: bytes) -> str:
    """The file of a sealer's key that was made for a rekeying."""
    return f"sealer-key-{key_id(point).hex()[:8]}.pem"


class Signers:
    """The keys in ``folder``.  ``first``: the log's key that entry 0 names (or will); ``read_only``: a ledger that signs nothing,
    whatever lies there."""

    def __init__(self, folder: Path, first: NoteKey, files: Files, *, read_only: bool = False) -> None:
        self.first: Final = first
        self.read_only: Final = read_only
        self._folder = folder
        self._files = files
        self._log: dict[str, NoteSigner] = {}
        self._sealers: dict[bytes, SigningKey] = {}

    @property
    def origin(self) -> str:
        """The log's name, which all its keys bear."""
        return self.first.name

    def log_key_path(self, vkey: str) -> Path:
        """Where the log's key ``vkey`` lies, or would."""
        return self._folder / (LOG_KEY_NAME if vkey == self.first.vkey else log_key_name(parse_vkey(vkey)))

    def of_log(self, vkey: str) -> NoteSigner | None:
        """Who signs as the log's key ``vkey``; None where the folder does not hold it.  ``BadInput`` ``bad-config`` for a file that
        cannot be read; ``Broken`` ``log-key-other`` for one that holds another key than it should."""
        if self.read_only:
            return None
        if vkey not in self._log:
            path = self.log_key_path(vkey)
            if not path.is_file():
                return None
            signer = self._load_log(path)
            if signer.vkey != vkey:
                raise Broken("log-key-other", f"{path.name} is not the key that its log names", path=str(path))
            self._log[vkey] = signer
        return self._log[vkey]

    def sealer(self, point: bytes) -> SigningKey | None:
        """The sealer's key with this point; None where the folder does not hold it, or where its file cannot be read: the log goes
        on without seals then."""
        if self.read_only:
            return None
        for name in (sealer_key_name(point), SEALER_KEY_NAME):
            path = self._folder / name
            if point not in self._sealers and path.is_file():
                try:
                    key = self._load_sealer(path)
                except BadInput:
                    continue
                self._sealers[key.point] = key
        return self._sealers.get(point)

    def held(self) -> list[NoteKey]:
        """The public keys of all that lie there as keys of this log, in force or not; what cannot be read is passed over."""
        found: list[NoteKey] = []
        for path in sorted(self._folder.glob("log-key*.pem"))[:HELD_KEYS_MAX]:
            try:
                found.append(self._load_log(path).key)
            except BadInput:
                continue
        return found

    def keep_log_key(self, key: Ed25519PrivateKey) -> NoteSigner:
        """Writes a key of the log, durably, readable by its owner alone."""
        signer = NoteSigner(self.origin, key)
        name = LOG_KEY_NAME if signer.vkey == self.first.vkey else log_key_name(signer.key)
        self._files.write(self._folder / name, _pem(key), private=True)
        return signer

    def keep_sealer(self, key: SigningKey, *, first: bool = False) -> None:
        """Writes a sealer's key, durably, readable by its owner alone.  ``first``: the one that the ledger is made with."""
        name = SEALER_KEY_NAME if first else sealer_key_name(key.point)
        self._files.write(self._folder / name, _pem(key.private), private=True)

    def _load_log(self, path: Path) -> NoteSigner:
        key = self._load(path)
        if not isinstance(key, Ed25519PrivateKey):
            raise BadInput("bad-config", f"{path.name} holds no Ed25519 key", path=str(path))
        return NoteSigner(self.origin, key)

    def _load_sealer(self, path: Path) -> SigningKey:
        key = self._load(path)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise BadInput("bad-config", f"{path.name} holds no P-256 key", path=str(path))
        return SigningKey(key)

    def _load(self, path: Path) -> object:
        try:
            return load_pem_private_key(self._files.read(path, PEM_LIMIT_BYTES), None)
        except (TypeError, ValueError) as problem:
            raise BadInput("bad-config", f"{path.name} cannot be read: {problem}", path=str(path)) from None


def _pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
