"""One bit changed in each authenticated region of each kind of file.

A *region* is what has a meaning of its own: a field of an entry, a row of a page, a line of a note.  Not among them is what
docs/FORMATS.md section 8 lists as not authenticated.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgpack
from tools.tampering import singles
from tools.tampering.good import base
from tools.tampering.kinds import Must, Spoiled, write
from tools.tampering.verdicts import INPUT, Asked, Verdict, first, second

from ledger.proof.tiles import TILE_WIDTH, entries_path, tile_path
from ledger.tally.canonical import encode

__all__ = ["Flip", "Region", "Tally", "flips_of", "regions", "spoiled_by", "tallied", "tried"]

Spans = list[tuple[int, int]]
"""Ranges of bytes, end excluded."""
ANYWHERE: Final = Must(INPUT)


class Region(NamedTuple):
    """``spans`` of ``file`` in the files that ``good`` makes; ``kind`` of file, ``name`` of the region."""

    kind: str
    name: str
    base: str
    file: str
    spans: Spans
    asked: Asked
    data: bytes


class Flip(NamedTuple):
    """One bit of one byte of a region."""

    region: Region
    at: int
    bit: int

    @property
    def data(self) -> bytes:
        """The file with that bit changed."""
        data = self.region.data
        return data[: self.at] + bytes([data[self.at] ^ 1 << self.bit]) + data[self.at + 1 :]


class Tally(NamedTuple):
    """How many were tried, and how many each verifier found at the right place."""

    tried: int
    first: int
    second: int


# --- where regions are ----------------------------------------------------------------------------------------------------------


def fields(at: int, values: Iterable[Any]) -> Iterator[tuple[int, int]]:
    """The spans of values that follow each other in canonical MessagePack."""
    for value in values:
        end = at + len(encode(value))
        yield at, end
        at = end


def map_fields(at: int, value: dict[str, Any]) -> Iterator[tuple[str, int, int]]:
    """The spans of a map's keys (as ``keys``) and of its values (by their keys)."""
    at += 1
    for key in sorted(value):
        middle = at + len(encode(key))
        yield "keys", at, middle
        at = middle + len(encode(value[key]))
        yield key, middle, at


def entry_regions(bundle: bytes) -> dict[str, Spans]:
    """Every field of every entry of a bundle."""
    found: dict[str, Spans] = {}
    at = 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + 2], "big")
        start = at + 2
        version, index, chain, time, (payload, signature) = msgpack.unpackb(bundle[start : start + length])
        spans = [*fields(start + 1, (version, index, chain, time))]
        inner = spans[-1][1] + 1
        heads = [*fields(inner, (payload, signature))]
        body = heads[0][1] - len(payload)
        found.setdefault("length of an entry", []).append((at, start))
        found.setdefault("frame of an entry", []).extend(
            [(start, start + 1), spans[0], (inner - 1, body), (heads[1][0], heads[1][1] - 64)]
        )
        for name, span in zip(("index", "chain", "time"), spans[1:], strict=True):
            found.setdefault(name, []).append(span)
        for name, low, high in map_fields(body, msgpack.unpackb(payload)):
            found.setdefault("payload: map keys" if name == "keys" else f"payload: {name}", []).append((low, high))
        found.setdefault("signature", []).append((heads[1][1] - 64, heads[1][1]))
        at = start + length
    return found


def page_regions(page: bytes) -> dict[str, Spans]:
    """The parts of a recap page."""
    version, size, row, rows = msgpack.unpackb(page)
    head, of_size, of_row, of_rows = fields(1, (version, size, row, rows))
    parts = [*fields(of_row[0] + 1, row)]
    names = ("contest and code", "contest and code", "sums", "present", "counts", "children", "hash of the children")
    found: dict[str, Spans] = {"version and size": [(0, 1), head, of_size], "rows of the children": [of_rows]}
    for name, span in zip(names, parts, strict=True):
        found.setdefault(name, []).append(span)
    return found


def note_regions(note: bytes, start: int = 0) -> dict[str, Spans]:
    """The lines of a signed checkpoint."""
    text, _, lines = note.partition(b"\n\n")
    found: dict[str, Spans] = {}
    at = start
    for name, line in zip(("origin", "size", "root"), text.split(b"\n"), strict=True):
        found[name] = [(at, at + len(line))]
        at += len(line) + 1
    found["line feeds"] = [(at - 1, at + 1)]
    at += 1
    for number, line in enumerate(lines.splitlines()):
        words = re.fullmatch(b"(\xe2\x80\x94 )([^ ]+)( )([^ ]+)", line)
        if words is None:
            raise ValueError("not a signature line")
        whose = "log's line" if number == 0 else "cosignature"
        found.setdefault(f"{whose}: name", []).append((at, at + words.end(3)))
        found.setdefault(f"{whose}: id and signature", []).append((at + words.start(4), at + words.end(4)))
        at += len(line) + 1
    return found


def receipt_regions(receipt: bytes) -> dict[str, Spans]:
    """The lines of a receipt but its ``extra``."""
    head, _, note = receipt.partition(b"\n\n")
    header, extra, index, *path = head.split(b"\n")
    at = len(header) + 1 + len(extra) + 1
    after = at + len(index) + 1
    found: dict[str, Spans] = {"header": [(0, len(header))], "index": [(at, after - 1)], "path": [(after, len(head))]}
    if not path:
        raise ValueError("a receipt without a path")
    return found | {f"checkpoint's {name}": spans for name, spans in note_regions(note, len(head) + 2).items()}


def fork_regions(evidence: bytes) -> dict[str, Spans]:
    """The lines of evidence, and its notes."""
    head, _, _notes = evidence.partition(b"\n\n")
    at, found = 0, {}
    for line in head.split(b"\n"):
        name = {b"tally-ledger/fork/v1": "header", b"log": "log's key", b"first": "length", b"root": "root"}.get(
            line.split(b" ")[0], "path"
        )
        found.setdefault(name, []).append((at, at + len(line)))
        at += len(line) + 1
    length = int(re.findall(rb"^first (\d+)$", head, re.MULTILINE)[0])
    start = len(head) + 2
    return found | {"first checkpoint": [(start, start + length)], "second checkpoint": [(start + length, len(evidence))]}


def total_regions(proof: bytes) -> dict[str, Spans]:
    """The fields of a proof of a total."""
    value = msgpack.unpackb(proof)
    names = ("version", "checkpoint", "entries and their paths", *["place of the contest"] * 3, "root", "area", "top row", "pages")
    found: dict[str, Spans] = {}
    for name, span in zip(names, fields(1, value), strict=True):
        found.setdefault(name, []).append(span)
    return found


def whole(data: bytes) -> Spans:
    """Every byte."""
    return [(0, len(data))]


# --- all of them ----------------------------------------------------------------------------------------------------------------


def _in_folder(kind: str, base_name: str, file: str, parts: dict[str, Spans] | None = None) -> Iterator[Region]:
    good = base(base_name)
    data = good.files[file]
    for name, spans in (parts or {"any byte": whole(data)}).items():
        yield Region(kind, name, base_name, file, spans, Asked(), data)


def regions() -> Iterator[Region]:
    """Every region, in the order of the table."""
    season, long, witnessed = base("season"), base("long"), base("witnessed")
    note = witnessed.files["checkpoint"]
    yield from _in_folder("checkpoint", "witnessed", "checkpoint", note_regions(note))
    bundle = season.bundle(season.size - 1)
    yield from _in_folder("bundle", "season", bundle, entry_regions(season.files[bundle]))
    older = season.older[-1]
    yield from _in_folder("bundle of an earlier size", "season", entries_path(0, older))
    yield from _in_folder("full bundle", "long", entries_path(0))
    yield from _in_folder("partial tile", "season", season.tile(0))
    yield from _in_folder("partial tile of an earlier size", "season", tile_path(0, 0, older))
    yield from _in_folder("full tile", "long", tile_path(0, 0))
    yield from _in_folder("tile of level 1", "long", tile_path(1, 0, long.size // TILE_WIDTH))
    page = f"recap/{season.size}/mayor/177101"
    yield from _in_folder("recap page", "season", page, page_regions(season.files[page]))
    yield from _in_folder("recap page of stations", "season", f"recap/{season.size}/mayor/1771011001")
    yield from _in_folder("recap root", "season", f"recap/{season.size}/recap_root")
    yield from _in_folder("recap page of an earlier size", "season", f"recap/{older}/mayor/177101")
    yield from _in_folder("recap root of an earlier size", "season", f"recap/{older}/recap_root")
    receipt = singles.receipt(season.entries[:100], 24, season.signer)
    for name, spans in receipt_regions(receipt).items():
        yield Region("receipt", name, "season", "receipt", spans, Asked(receipt=receipt), receipt)
    for name, spans in note_regions(seen := singles.checkpoint_of(season.entries[:100], season.signer)).items():
        yield Region("earlier checkpoint", name, "season", "seen", spans, Asked(seen=seen), seen)
    proof, ledger, _ = singles.total()
    for name, spans in total_regions(proof).items():
        yield Region("proof of a total", name, "", "total", spans, Asked("total", ledger_id=ledger), proof)
    evidence = singles.fork(season)
    for name, spans in fork_regions(evidence).items():
        yield Region("evidence of a fork", name, "", "fork", spans, Asked("fork", log_vkey=season.signer.vkey), evidence)


def flips_of(region: Region, count: int, seed: int) -> list[Flip]:
    """So many different flips of a region, drawn by the seed; fewer where it has not so many bits."""
    dice = random.Random(f"{seed}/{region.kind}/{region.name}")  # noqa: S311 - seeded, so that the document can be made again
    bits = sum(high - low for low, high in region.spans) * 8
    drawn = dice.sample(range(bits), min(count, bits))
    return [Flip(region, _placed(region.spans, number // 8), number % 8) for number in drawn]


def _placed(spans: Spans, offset: int) -> int:
    for low, high in spans:
        if offset < high - low:
            return low + offset
        offset -= high - low
    raise ValueError("beyond the region")


def spoiled_by(flip: Flip) -> Spoiled:
    """The publication, or the single file, with that bit changed."""
    region, asked = flip.region, flip.region.asked
    files = {**base(region.base).files} if region.base else {}
    if region.file == "seen":
        asked = asked._replace(seen=flip.data)
    elif region.file == "receipt":
        asked = asked._replace(receipt=flip.data)
    else:
        files[region.file] = flip.data
    return Spoiled(dict(files), ANYWHERE, asked)


def tried(flip: Flip) -> tuple[Verdict, Verdict]:
    """What both verifiers say."""
    spoiled = spoiled_by(flip)
    with tempfile.TemporaryDirectory() as folder:
        place = write(Path(folder), spoiled)
        return first(place, spoiled.asked), second(place, spoiled.asked)


def named(flip: Flip, verdict: Verdict) -> bool:
    """Whether a verdict names the place: the file; or the entry, by its number or its tile; of another size in the checkpoint the
    bundles that are not there."""
    if verdict.ok:
        return False
    if flip.region.file in ("total", "fork"):
        return True
    for finding in verdict.findings:
        if finding.step == INPUT or finding.file == flip.region.file:
            return True
        if flip.region.file in ("checkpoint", "seen", "receipt"):
            if finding.file.startswith("tile/entries/") or finding.code in ("log-truncated", "log-shrank"):
                return True
        elif flip.region.kind in ("bundle", "full bundle"):
            good = base(flip.region.base)
            index = _entry_at(flip)
            if finding.index == index or finding.file == good.tile(index):
                return True
    return False


def _entry_at(flip: Flip) -> int:
    at = count = 0
    while (end := at + 2 + int.from_bytes(flip.region.data[at : at + 2], "big")) <= flip.at:
        at, count = end, count + 1
    return int(flip.region.file.split("/")[2][:3]) * TILE_WIDTH + count


def tallied(flips: Iterable[Flip], missed: Callable[[Flip, Verdict, Verdict], None]) -> Tally:
    """How many were found; ``missed`` is told of each that was not found by both."""
    count = by_first = by_second = 0
    for flip in flips:
        one, other = tried(flip)
        count += 1
        by_first += named(flip, one)
        by_second += named(flip, other)
        if not (named(flip, one) and named(flip, other)):
            missed(flip, one, other)
    return Tally(count, by_first, by_second)
