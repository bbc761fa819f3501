"""Makes the proof of a total: pages of a sealed recap, the seal, and what the checker must know of the log, in one file.

The height is that of the last seal at or below the one wanted: a recap that nobody sealed is proven by nothing but a replay.  The
checker is ``ledger.tally.totalproof``; the file is in docs/FORMATS.md section 8.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw
from sqlalchemy import Connection

from ledger.errors import BadInput, Broken, Waiting
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.merkle import leaf_hash, node_hash
from ledger.proof.note import NoteKey, encode_note, open_note, parse_note, parse_vkey
from ledger.recap.rekeyings import rekeyings_below, state_entries
from ledger.recap.replay import replay
from ledger.store.entries import read_entries
from ledger.store.rows import Rows
from ledger.tally.events import ContestsListed, ElectionOpened, FormsDefined, RecapSealed
from ledger.tally.pages import PAGE_VERSION, recap_pages
from ledger.tally.rows import Contest, log_key_at
from ledger.tally.signing import OpenedEntry, reopen_entry
from ledger.tally.state import CONTESTS, ELECTION, SINGLE
from ledger.tally.totalproof import TOTAL_PROOF_LIMIT_BYTES, AreaRow, PagePart, TotalProof

__all__ = ["MadeTotalProof", "prove_total"]

_WANTED: Final = (b"contests.listed", b"forms.defined", b"recap.sealed")
"""Entries that hold none of these words are not opened."""

_encode: Final = msgspec.msgpack.Encoder().encode
_page_decoder: Final = msgspec.msgpack.Decoder(tuple[int, int, Raw, tuple[Raw, ...]])
_row_decoder: Final = msgspec.msgpack.Decoder(AreaRow)


class MadeTotalProof(NamedTuple):
    """The file; the tree size whose recap is proven and the seal's index; the checkpoint's size."""

    data: bytes
    size: int
    seal: int
    checkpoint: int


class _Tops(NamedTuple):
    """The tops of all contests at the seal: contest codes in order, and the leaves of the root of the recap."""

    codes: list[str]
    leaves: list[bytes]


def prove_total(
    connection: Connection,
    note: bytes,
    *,
    contest: str,
    area: str,
    at: int | None = None,
    stations: bool = False,
    witnesses: Sequence[NoteKey] = (),
) -> MadeTotalProof:
    """The proof of the total of ``area`` (or of a station's row) in ``contest``.

    ``note``: a checkpoint of this log.  ``at``: the tree size wanted, the checkpoint's unless told.  ``stations``: with the rows of
    all stations in the area, however deep; else with the rows directly in it.  ``witnesses``: whose lines go along beside those of
    entry 0's.  Raises ``BadInput`` ``size-beyond-log``, ``total-not-sealed``, ``contest-unknown``, ``area-unknown``,
    ``total-proof-long``; ``Waiting`` ``checkpoint-unwitnessed`` where nobody could check it: entry 0 asks for more cosignatures.
    """
    tree = parse_checkpoint(parse_note(note).text).size
    wanted = tree if at is None else at
    if not 0 < wanted <= tree:
        raise BadInput("size-beyond-log", "the log is not that long", at=wanted, size=tree)
    first, others = _opened(connection, tree)
    opened = first.event.data
    if not isinstance(opened, ElectionOpened):
        raise Broken("store-damaged", "entry 0 opens no election")
    rekeyings, log_key = _rekeyings(connection, tree)
    shown = _known_lines(note, opened, [parse_vkey(log_key), *witnesses])
    seal = next(
        (entry for entry in reversed(others) if isinstance(entry.event.data, RecapSealed) and entry.event.data.size <= wanted), None
    )
    if seal is None:
        raise BadInput("total-not-sealed", "no seal is at or below this size", at=wanted)
    state = replay(row.entry for row in read_entries(connection, 0, seal.index))
    listed = state.get(CONTESTS, contest.encode())
    if listed is None or state.get(ELECTION, SINGLE) is None:
        raise BadInput("contest-unknown", "no such contest is listed", contest=contest)
    stated = sorted({0, *_chosen(others, listed, seal, contest=contest), seal.index, *rekeyings})
    tops, pages, top = _Tops([], []), list[PagePart](), b""
    for page in recap_pages(state, seal.index):
        if page.top:
            tops.codes.append(page.contest)
            tops.leaves.append(leaf_hash(page.commitment))
        inside = page.area == area or (stations and page.area.startswith(area))
        if page.contest != contest or not (page.top or inside or area.startswith(page.area)):
            continue
        version, _, row, rows = _page_decoder.decode(page.data)
        if version != PAGE_VERSION:
            raise Broken("store-damaged", "a page of another version")
        if page.top:
            top = bytes(row)
        if inside or area.startswith(page.area):
            pages.append(PagePart(page.area, rows))
    pages.sort(key=lambda page: page.area)
    if not top or not _leads_to(area, pages, top):
        raise BadInput("area-unknown", "no station of the contest is there", area=area, contest=contest)
    place = tops.codes.index(contest)
    data = _encode(
        TotalProof(
            1,
            shown,
            state_entries(connection, stated, tree),
            len(tops.codes),
            place,
            tuple(_path(tops.leaves, place)),
            _root(tops.leaves),
            area,
            Raw(top),
            tuple(pages),
        )
    )
    if len(data) > TOTAL_PROOF_LIMIT_BYTES:
        raise BadInput(
            "total-proof-long", "the proof with all stations is too long", bytes=len(data), limit=TOTAL_PROOF_LIMIT_BYTES
        )
    return MadeTotalProof(data, seal.index, seal.index, tree)


def _opened(connection: Connection, size: int) -> tuple[OpenedEntry, list[OpenedEntry]]:
    """Entry 0, and those others that list contests, define forms, or seal."""
    rows = read_entries(connection, 0, size)
    first = reopen_entry(next(rows).entry)
    return first, [reopen_entry(row.entry) for row in rows if any(word in row.entry for word in _WANTED)]


def _rekeyings(connection: Connection, size: int) -> tuple[list[int], str]:
    """Below this size: the indices of the rekeyings that took effect and of their approvals; the log's key at it."""
    election = Rows(connection).get(ELECTION, SINGLE)
    if election is None:
        raise Broken("store-damaged", "entry 0 is not in the projection")
    return rekeyings_below(connection, size), log_key_at(election.log_keys, size)


def _chosen(entries: list[OpenedEntry], listed: Contest, seal: OpenedEntry, *, contest: str) -> list[int]:
    """Where the contest's listing and its form's stand."""
    found: list[int] = []
    form = listing = False
    for entry in entries:
        data = entry.event.data
        if entry.index >= seal.index:
            break
        if isinstance(data, FormsDefined) and not form:
            form = any((each.code, each.version) == (listed.form, listed.version) for each in data.forms)
            found += [entry.index] * form
        elif isinstance(data, ContestsListed) and not listing:
            listing = any(each.code == contest for each in data.contests)
            found += [entry.index] * listing
    return found


def _known_lines(note: bytes, opened: ElectionOpened, others: Sequence[NoteKey]) -> bytes:
    """The checkpoint with the lines that entry 0's witnesses and these others made, and no more: the checker takes no more."""
    named = [parse_vkey(vkey) for vkey in opened.witnesses]
    known = open_note(note, list(dict.fromkeys([*others, *named])))
    pairs = {(key.name, key.key_id) for key in named}
    cosigned = sum((line.name, line.key_id) in pairs for line in known.lines)
    if cosigned < opened.quorum:
        words = f"{cosigned} of the {opened.quorum} cosignatures that entry 0 asks for"
        raise Waiting("checkpoint-unwitnessed", words, size=parse_checkpoint(known.text).size)
    return encode_note(known.text, [line.raw for line in known.lines])


def _leads_to(area: str, pages: list[PagePart], top: bytes) -> bool:
    """Whether the area is the top, or has a row in one of the pages."""
    if _row_decoder.decode(top).code == area:
        return True
    above = max((page for page in pages if page.area != area and area.startswith(page.area)), default=None, key=_length)
    codes = msgspec.msgpack.Decoder(tuple[object, ...])
    return above is not None and any(codes.decode(row)[1] == area for row in above.rows)


def _length(page: PagePart) -> int:
    return len(page.area)


# --- a small tree ----------------------------------------------------------------------------------------------------------------


def _split(leaves: list[bytes]) -> int:
    """Where RFC 6962 splits: the largest power of two below their number."""
    return 1 << (len(leaves) - 1).bit_length() - 1


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    half = _split(leaves)
    return node_hash(_root(leaves[:half]), _root(leaves[half:]))


def _path(leaves: list[bytes], place: int) -> list[bytes]:
    """The inclusion path of a leaf, its sibling first (RFC 9162, 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    half = _split(leaves)
    if place < half:
        return [*_path(leaves[:half], place), _root(leaves[half:])]
    return [*_path(leaves[half:], place - half), _root(leaves[:half])]
