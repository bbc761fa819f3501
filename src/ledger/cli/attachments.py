"""What lies beside the log: photos of papers under their own hash, free texts under their salted hash.

The log holds hashes alone.  A photo is ``photos/ab/<SHA-256 of its bytes>``; a text is ``texts/ab/<hash>``, a file of 16 bytes of
salt and the text, whose name is the hash that the event gives as its note (docs/FORMATS.md section 2).  Without the salt nobody
finds a short text by trying; with the file anyone checks it.  A file whose event never comes harms nobody.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import UNSET, UnsetType

from ledger.cli.program import option
from ledger.errors import BadInput, LedgerError, Usage
from ledger.files import Files
from ledger.tally.events import PHOTOS_MAX, Photo
from ledger.tally.signing import note_digest

__all__ = ["PHOTOS", "TEXTS", "Attached", "attach", "note_option", "photo_option", "stored_text"]

PHOTOS: Final = "photos"
TEXTS: Final = "texts"
PHOTO_LIMIT_BYTES: Final = 50_000_000
TEXT_LIMIT_BYTES: Final = 4_000
SALT_BYTES: Final = 16

photo_option: Final = option(
    "--photo",
    "photos",
    multiple=True,
    metavar="PAGE:FILE",
    ind="Foto halaman kertas; boleh berulang",
    eng="Photo of a page of the paper; may be repeated",
)
note_option: Final = option(
    "--note-text",
    metavar="TEXT|@FILE",
    ind="Keterangan bebas; log hanya memuat sidik teksnya",
    eng="Free text; the log holds its salted hash alone",
)


class Attached(NamedTuple):
    """What an event says of photos and text, and the files (folder, name, bytes) to keep beside the log."""

    photos: tuple[Photo, ...]
    note: bytes | UnsetType
    files: tuple[tuple[str, str, bytes], ...]

    def keep(self, folder: Path) -> None:
        """All files lie in the ledger's folder, durably."""
        files = Files()
        for kind, name, data in self.files:
            place = folder / kind / name[:2]
            files.make_folder(place)
            files.create(place / name, data)


def attach(photos: tuple[str, ...], note_text: str | None = None) -> Attached:
    """Photos as ``PAGE:FILE`` and a text (``@FILE``: the text of a file), read.

    Raises ``Usage`` ``photo-invalid``, ``BadInput`` ``text-too-long``, ``not-text`` and where a file cannot be read.
    """
    if len(photos) > PHOTOS_MAX:
        raise Usage("photo-invalid", f"at most {PHOTOS_MAX} photos", option="--photo")
    said: list[Photo] = []
    files: list[tuple[str, str, bytes]] = []
    for words in photos:
        page, colon, name = words.partition(":")
        if not colon or not page.isdecimal() or not 1 <= int(page) <= 99:
            raise Usage("photo-invalid", "write PAGE:FILE", option="--photo", found=words)
        data = Files().read(Path(name), PHOTO_LIMIT_BYTES)
        digest = hashlib.sha256(data).digest()
        said.append(Photo(int(page), digest, len(data)))
        files.append((PHOTOS, digest.hex(), data))
    if note_text is None:
        return Attached(tuple(said), UNSET, tuple(files))
    words = _text(note_text)
    salt = os.urandom(SALT_BYTES)
    note = note_digest(salt, words)
    return Attached(tuple(said), note, (*files, (TEXTS, note.hex(), salt + words.encode())))


def _text(said: str) -> str:
    source = said[1:] if said.startswith("@") else "--note-text"
    try:
        words = Files().read(Path(source), TEXT_LIMIT_BYTES + 1).decode() if said.startswith("@") else said
        length = len(words.encode())
    except UnicodeError as problem:
        raise BadInput("not-text", str(problem), path=source) from None
    if length > TEXT_LIMIT_BYTES:
        raise BadInput("text-too-long", f"a text has at most {TEXT_LIMIT_BYTES:,} bytes", bytes=length)
    return words


def stored_text(folder: Path, note: Any) -> str | None:
    """The text of an event's note, checked against its hash; None where it gives none, or the text is not here."""
    if not isinstance(note, bytes):
        return None
    name = note.hex()
    try:
        data = Files().read(folder / TEXTS / name[:2] / name, SALT_BYTES + TEXT_LIMIT_BYTES)
        words = data[SALT_BYTES:].decode()
        return words if note_digest(data[:SALT_BYTES], words) == note else None
    except (LedgerError, UnicodeDecodeError):
        return None
