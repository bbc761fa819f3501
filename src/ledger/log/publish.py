"""Publishing: the log as a folder of files that any web server can serve and any C2SP reader can read (docs/FORMATS.md section 8).

    checkpoint                         the signed tree head
    tile/<level>/<number>[.p/<width>]  hashes of the tree
    tile/entries/<number>[.p/<width>]  the entries
    recap/<size>/recap_root            the commitment of all recaps at that size
    recap/<size>/<contest>/<area>      a recap page
    README.txt                         for people who find the folder; not authenticated

Every file but ``checkpoint`` is written once and never changed; the checkpoint comes last, so a reader who holds it finds all that
it implies.  Publishing again writes what is new.  A folder whose checkpoint this log cannot be an extension of is refused.  Two
publishers of one folder take turns; a crash at any step is cured by publishing again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection

from ledger.errors import Broken
from ledger.files import Files
from ledger.log.anchor import Anchor
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.merkle import Tiles, root_at
from ledger.proof.note import parse_note
from ledger.proof.tiles import encode_bundle, entries_path, new_tiles, tile_path
from ledger.store.engine import Database
from ledger.store.entries import read_entries, read_head, tile_reader
from ledger.store.rows import Rows
from ledger.tally.pages import Page, page_path, recap_pages, recap_root
from ledger.tally.rows import Election, log_key_at
from ledger.tally.state import ELECTION, SINGLE

__all__ = ["Cosign", "Published", "publish"]

Cosign = Callable[[bytes, Tiles], bytes]
"""Given a checkpoint's note and the log's tiles: the note with the cosignatures that it got, if it got any.  What it raises ends
the publication before a file is written."""

CHECKPOINT_LIMIT_BYTES: Final = 1_000_000

README: Final = """\
Folder ini adalah log yang terbit dari sebuah buku hasil pemilihan: {name}, {day}{label}.
Isinya dapat diperiksa tanpa mempercayai server asalnya. Yang dikatakannya tentang dirinya, untuk DIBANDINGKAN dengan yang dicetak
penyelenggara (berkas ini sendiri tidak diteguhkan apa pun):

This folder is the published log of an election tally ledger: {name}, {day}{label}.
Everything in it can be checked without trusting the server that you had it from. What it says of itself, to be COMPARED with what
the commission printed (this file itself is authenticated by nothing):

  id ledger / ledger id   {ledger}
  asal / origin           {origin}
  kunci log / log key     {log_key}
{witnesses}
  checkpoint   jumlah entri dan akar pohon Merkle, ditandatangani / how many entries and the root of their Merkle tree, signed
  tile/        pohon dan entri / the tree and the entries themselves (C2SP tlog-tiles)
  recap/       jumlah suara menurut entri, per wilayah / the totals that these entries give, page by page

  ledger verify FOLDER --ledger-id ID
  python3 verify_ledger.py FOLDER --ledger-id ID      (satu berkas, untuk dibaca sendiri / one file, to be read yourself)
"""


class Published(NamedTuple):
    """What a call of ``publish`` did; ``note``: the checkpoint that the folder shows now."""

    note: bytes
    size: int
    root: bytes
    files: int
    bytes: int


def publish(database: Database, folder: Path, files: Files, *, anchor: Anchor | None, cosign: Cosign | None = None) -> Published:
    """Brings ``folder`` up to the log's head.  1 lock the folder, then read one snapshot, 2 compare with what is there, 3 the note
    of the head into the anchor, then to the witnesses, 4 tiles and bundles, 5 recap, 6 checkpoint, 7 remove recaps older than the
    one before.  Between 3 and 4 goes what another left of a recap never shown.

    Raises ``Broken`` ``publication-diverges``, ``log-rolled-back``, ``log-empty``; ``Waiting`` ``folder-busy``.
    """
    with database.reading() as connection:
        if not read_head(connection).size:
            raise Broken("log-empty", "there is nothing to publish before the election is opened")
    files.make_folder(folder)
    with files.locked(folder, wait=False):  # 1: a snapshot from before the lock could be behind what another published
        return _publish(database, folder, files, anchor, cosign)


def _publish(database: Database, folder: Path, files: Files, anchor: Anchor | None, cosign: Cosign | None) -> Published:
    seen = () if anchor is None else anchor.read()  # before the head: it may be newer, never older
    with database.reading() as connection:
        head = read_head(connection)
        old = _published_size(connection, folder, files, head.size)  # 2
        if anchor is not None:
            anchor.check(connection, head, seen)
            anchor.advance(head.checkpoint)  # 3
        note = head.checkpoint if cosign is None else cosign(head.checkpoint, tile_reader(connection))
        if note == head.checkpoint and old == head.size:
            note = _shown_note(folder, files, note)
        _remove_unshown_recaps(folder, files, old, head.size)
        _write_readme(folder, files, Rows(connection).get(ELECTION, SINGLE), head.size)
        written = 0
        count = 0
        for path, data in _everything_new(connection, old, head.size):  # 4, 5
            files.make_folder((folder / path).parent)
            files.create(folder / path, data)
            written += len(data)
            count += 1
    files.write(folder / "checkpoint", note)  # 6
    _remove_old_recaps(folder, files)  # 7
    return Published(note, head.size, head.frontier.root(), count + 1, written + len(note))


def _write_readme(folder: Path, files: Files, election: Election | None, size: int) -> None:
    """Words for whoever finds the folder.  They change where the log is rekeyed."""
    if election is None:
        return
    opened, path = election.opened, folder / "README.txt"
    quorum = f"  kuorum / quorum         {opened.quorum} / {len(opened.witnesses)}\n" if opened.witnesses else ""
    words = README.format(
        name=opened.name,
        day=opened.day,
        label="" if opened.kind == "official" else f" [{opened.kind}: BUKAN hasil resmi / NOT official results]",
        ledger=election.ledger.hex(),
        origin=opened.origin,
        log_key=log_key_at(election.log_keys, size),
        witnesses="".join(f"  peneguh / witness       {vkey}\n" for vkey in opened.witnesses) + quorum,
    ).encode()
    there = path.is_file() and path.stat().st_size == len(words) and files.read(path, len(words)) == words
    if not there:
        files.write(path, words)


def _shown_note(folder: Path, files: Files, note: bytes) -> bytes:
    """The note that the folder shows, where it is ``note`` with lines after it: cosignatures that were collected since."""
    shown = files.read(folder / "checkpoint", CHECKPOINT_LIMIT_BYTES)
    return shown if shown.startswith(note) else note


def _published_size(connection: Connection, folder: Path, files: Files, size: int) -> int:
    """The tree size that the folder shows; 0 for a new folder.  It must be a prefix of this log."""
    path = folder / "checkpoint"
    files.sweep(folder)
    if not path.exists():
        return 0
    shown = parse_checkpoint(parse_note(files.read(path, CHECKPOINT_LIMIT_BYTES)).text)
    if shown.size > size or root_at(shown.size, tile_reader(connection)) != shown.root:
        raise Broken(
            "publication-diverges",
            "the folder shows a log that this one does not extend; was an old backup restored?",
            published=shown.size,
            log=size,
        )
    return shown.size


def _everything_new(connection: Connection, old: int, size: int) -> Iterator[tuple[str, bytes]]:
    tiles = tile_reader(connection)
    for tile in new_tiles(old, size):
        if tile.level is None:
            first = tile.number * 256
            entries = [row.entry for row in read_entries(connection, first, first + tile.width)]
            yield entries_path(tile.number, tile.width), encode_bundle(entries)
        else:
            yield tile_path(tile.level, tile.number, tile.width), tiles(tile.level, tile.number, tile.width)
    if old != size:
        rows = Rows(connection)
        election = rows.get(ELECTION, SINGLE)
        tops: list[tuple[str, bytes]] = []
        page: Page | None = None
        for page in recap_pages(rows, size):
            if page.top:
                tops.append((page.contest, page.commitment))
            yield f"recap/{size}/{page_path(page.contest, page.area)}", page.data
        if election is not None:
            yield f"recap/{size}/recap_root", recap_root(ledger=election.ledger, size=size, tops=tops)


def _remove_unshown_recaps(folder: Path, files: Files, shown: int, size: int) -> None:
    """What a publication that broke off left of a recap that no checkpoint implied, and that is not the one to be written now."""
    for old in _recaps(folder):
        if old > shown and old != size:
            files.remove_tree(folder / "recap" / str(old))


def _remove_old_recaps(folder: Path, files: Files) -> None:
    """Older recaps can be made again from the entries; the one before stays for readers who hold the checkpoint before.

    Also where the checkpoint did not move: whoever moved it may have failed before this.
    """
    for old in _recaps(folder)[:-2]:
        files.remove_tree(folder / "recap" / str(old))


def _recaps(folder: Path) -> list[int]:
    """The sizes of the recaps that are there, ascending."""
    recaps = folder / "recap"
    if not recaps.is_dir():
        return []
    names = [path.name for path in recaps.iterdir()]
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal() and name == str(int(name)))
