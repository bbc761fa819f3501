"""Signed notes: a text, a blank line, and lines of signatures, each by a named key.

    example.com/log                                            the text: any lines, here a checkpoint
    2
    +sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=

    — example.com/log m+XTxv8vMrv5...                          base64 of the key's 4-byte id and the signature

- One note has one spelling: bytes are parsed strictly, split at the last blank line, base64 is canonical.
- A ``Note`` from ``parse_note`` is what somebody wrote; a ``Note`` from ``open_note`` holds verified lines only, one a key.
- A key is known by name and id together.  The id is four bytes and no security: an unknown pair is passed over even if one
  half is known, and a known pair that fails condemns the note.
- Two kinds of keys: ``ED25519`` signs the text; ``COSIGNATURE`` signs a time and the text (C2SP tlog-cosignature/v1).

Left to others: what the text means (checkpoint.py), how many cosigners are enough (policy.py), where secrets are kept
(ledger.log, ledger.device).  Spec: C2SP signed-note v1.0.0, tlog-cosignature v1.0.1.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import BadInput, NotVerified
from ledger.proof.ed25519 import PUBLIC_BYTES, check_point, open_signature
from ledger.proof.lines import decode_base64, decode_text

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "NOTE_LIMIT_BYTES",
    "NOTE_LIMIT_SIGNATURES",
    "TIME_LIMIT_SECONDS",
    "VKEY_LIMIT_CHARACTERS",
    "Note",
    "NoteCosigner",
    "NoteKey",
    "NoteSigner",
    "SignatureLine",
    "cosign_message",
    "cosigned_at",
    "encode_note",
    "open_note",
    "parse_note",
    "parse_vkey",
]

NOTE_LIMIT_BYTES = 1_000_000
NOTE_LIMIT_SIGNATURES = 100
VKEY_LIMIT_CHARACTERS = 1_024
TIME_LIMIT_SECONDS = 2**63 - 1

ED25519 = 0x01
COSIGNATURE = 0x04

_KINDS = (ED25519, COSIGNATURE)
_ID_BYTES = 4
_TIME_BYTES = 8
_PREFIX = "\N{EM DASH} "
_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key with its name and kind, fit to open notes.

    ``name`` is not empty and has no white space, control characters or ``+``; ``kind`` is ED25519 or COSIGNATURE; ``public``
    is 32 bytes, canonical and not of small order.  Raises ``BadInput`` ``bad-vkey`` for anything else.
    """

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        _check_name(self.name, code="bad-vkey")
        if self.kind not in _KINDS:
            raise BadInput("bad-vkey", "a kind of key that is not supported", kind=self.kind)
        try:
            check_point(self.public)
        except NotVerified as error:
            raise BadInput("bad-vkey", error.detail, key=self.name) from None

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256 over name, LF, kind and public key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as text: ``<name>+<id in hex>+<base64 of kind and public key>``."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"


def parse_vkey(text: str) -> NoteKey:
    """The key whose ``vkey`` is exactly ``text``; ``BadInput`` ``bad-vkey`` if there is none, the id being wrong included."""
    if len(text) > VKEY_LIMIT_CHARACTERS:
        raise BadInput("bad-vkey", "too long", characters=len(text))
    name, _, rest = text.partition("+")
    encoded = rest.partition("+")[2]
    if not encoded.isascii():
        raise BadInput("bad-vkey", "not base64")
    data = decode_base64(encoded.encode(), code="bad-vkey")
    if len(data) != 1 + PUBLIC_BYTES:
        raise BadInput("bad-vkey", "not one byte of kind and 32 of key")
    key = NoteKey(name, data[0], data[1:])
    if key.vkey != text:
        raise BadInput("bad-vkey", "the id is not that of this name and key", key=name)
    return key


class _Signer:
    """A secret and the ``key`` that opens what it signs.  The secret shows in no repr."""

    __slots__ = ("_private", "key")
    _kind: ClassVar[int]

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.key = NoteKey(name, self._kind, private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.vkey!r})"

    @property
    def vkey(self) -> str:
        """The public key as text, for ``parse_vkey``."""
        return self.key.vkey


class NoteSigner(_Signer):
    """A log's key: signs the texts of notes as ``name``; ``BadInput`` ``bad-vkey`` for a name that cannot be a key's."""

    __slots__ = ()
    _kind = ED25519

    def sign(self, text: bytes) -> bytes:
        """One signature line over ``text``, with its LF; ``BadInput`` ``bad-note`` if the text cannot be a note's."""
        _check_text(text)
        return _encode_line(self.key, self._private.sign(text))


class NoteCosigner(_Signer):
    """A witness's key: signs times with texts of notes as ``name``; ``BadInput`` ``bad-vkey`` as ``NoteSigner``."""

    __slots__ = ()
    _kind = COSIGNATURE

    def sign(self, text: bytes, *, timestamp: int) -> bytes:
        """One signature line over ``text`` at ``timestamp`` (POSIX seconds), with its LF.  Errors as ``cosign_message``."""
        signature = self._private.sign(cosign_message(timestamp, text))
        return _encode_line(self.key, timestamp.to_bytes(_TIME_BYTES, "big") + signature)


def cosign_message(timestamp: int, text: bytes) -> bytes:
    """What a cosigner signs: a header, ``timestamp`` (POSIX seconds) and the whole text of the note.

    Raises ``BadInput`` ``bad-note`` if the text cannot be a note's or the time is not 0..TIME_LIMIT_SECONDS.
    """
    _check_text(text)
    if not 0 <= timestamp <= TIME_LIMIT_SECONDS:
        raise BadInput("bad-note", "the time of a cosignature is out of range", timestamp=timestamp)
    return b"cosignature/v1\ntime %d\n" % timestamp + text


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature line.  ``signature`` is what follows the 4-byte ``key_id``; ``raw`` is the whole line with its LF."""

    name: str
    key_id: bytes
    signature: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note: ``text`` ends in LF and is what is signed; ``lines`` are its signatures, in order."""

    text: bytes
    lines: tuple[SignatureLine, ...]


def encode_note(text: bytes, lines: Sequence[bytes]) -> bytes:
    """The note of ``text`` and whole signature lines, as signers and ``SignatureLine.raw`` give them.

    Raises ``BadInput`` ``bad-note`` for what ``parse_note`` would not give back.
    """
    data = text + b"\n" + b"".join(lines)
    note = parse_note(data)
    if note.text != text or [line.raw for line in note.lines] != list(lines):
        raise BadInput("bad-note", "the text or a line would be read as something else")
    return data


@lru_cache(maxsize=8)  # a checkpoint is looked at again for each receipt that leads to it
def parse_note(data: bytes) -> Note:
    """The note that ``data`` spells, nothing verified; ``BadInput`` ``bad-note`` for anything but one canonical note."""
    if len(data) > NOTE_LIMIT_BYTES:
        raise BadInput("bad-note", "too long", bytes=len(data))
    decode_text(data, code="bad-note")
    before, blank, after = data.rpartition(b"\n\n")
    if not blank or not after.endswith(b"\n"):
        raise BadInput("bad-note", "not a text, a blank line and signature lines")
    lines = after[:-1].split(b"\n")
    if len(lines) > NOTE_LIMIT_SIGNATURES:
        raise BadInput("bad-note", "too many signatures", lines=len(lines))
    return Note(before + b"\n", tuple(_parse_line(line) for line in lines))


def open_note(data: bytes, keys: Sequence[NoteKey]) -> Note:
    """The note in ``data`` with those of its lines that ``keys`` verify: the first line of each key that signed.

    Lines of other (name, id) pairs are left out.  Every line of a known pair is verified, repeated ones too.

    Raises ``BadInput`` ``bad-note`` as ``parse_note``; ``BadInput`` ``bad-vkey`` if two different keys share name and id;
    ``NotVerified`` ``note-signature-invalid`` if a known pair's signature fails; ``NotVerified`` ``note-unsigned`` if no line
    is of a known pair.
    """
    known = _by_name_and_id(keys)
    note = parse_note(data)
    verified: dict[tuple[str, bytes], SignatureLine] = {}
    for line in note.lines:
        pair = line.name, line.key_id
        if pair in known:
            _open_line(known[pair], note.text, line)
            verified.setdefault(pair, line)
    if not verified:
        raise NotVerified("note-unsigned", "no signature of a known key")
    return Note(note.text, tuple(verified.values()))


def cosigned_at(line: SignatureLine) -> int:
    """The time (POSIX seconds) in a verified line of a COSIGNATURE key; meaningless for any other line."""
    return int.from_bytes(line.signature[:_TIME_BYTES], "big")


def _by_name_and_id(keys: Sequence[NoteKey]) -> dict[tuple[str, bytes], NoteKey]:
    known: dict[tuple[str, bytes], NoteKey] = {}
    for key in keys:
        # Ids of four bytes can be made to collide; then nobody can say whose signature a line is.
        if known.setdefault((key.name, key.key_id), key) != key:
            raise BadInput("bad-vkey", "two keys with one name and id", key=key.name)
    return known


def _open_line(key: NoteKey, text: bytes, line: SignatureLine) -> None:
    """Raises ``NotVerified`` ``note-signature-invalid`` unless the line is the key's signature over the text."""
    message, signature = text, line.signature
    if key.kind == COSIGNATURE:
        if len(signature) < _TIME_BYTES or cosigned_at(line) > TIME_LIMIT_SECONDS:
            raise NotVerified("note-signature-invalid", "a cosignature without a valid time", key=key.name)
        message, signature = cosign_message(cosigned_at(line), text), signature[_TIME_BYTES:]
    try:
        open_signature(public=key.public, message=message, signature=signature)
    except NotVerified as error:
        raise NotVerified("note-signature-invalid", error.detail, key=key.name) from None


def _parse_line(raw: bytes) -> SignatureLine:
    """The signature line ``raw``, without its LF, known to be UTF-8."""
    line = raw.decode()
    name, space, encoded = line.removeprefix(_PREFIX).partition(" ")
    if not line.startswith(_PREFIX) or not space:
        raise BadInput("bad-note", "not a signature line")
    _check_name(name, code="bad-note")
    data = decode_base64(encoded.encode(), code="bad-note")
    if len(data) <= _ID_BYTES:
        raise BadInput("bad-note", "a signature line without a signature")
    return SignatureLine(name, data[:_ID_BYTES], data[_ID_BYTES:], raw + b"\n")


def _encode_line(key: NoteKey, signature: bytes) -> bytes:
    return f"{_PREFIX}{key.name} {base64.b64encode(key.key_id + signature).decode()}\n".encode()


def _check_name(name: str, *, code: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadInput(code, "a key name is empty or holds a space, a control character, a plus or half a character")


def _check_text(text: bytes) -> None:
    decode_text(text, code="bad-note")
    if not text.endswith(b"\n"):
        raise BadInput("bad-note", "the text does not end in a line feed")
