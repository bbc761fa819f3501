"""The example ledger as the documents show it: bytes for people, and every fenced block of docs/FORMATS.md.

Nothing here knows the documents; ``tests/test_docs.py`` compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgpack

from ledger.proof.merkle import Frontier, leaf_hash
from ledger.proof.tlogproof import TlogProof, encode_proof
from ledger.tally import events as e
from ledger.tally import forms as f
from ledger.tally.canonical import encode, tagged_hash
from ledger.tally.pages import AREA_TAG, STATION_TAG, recap_pages, recap_root
from ledger.tally.signing import note_digest, open_entry, possession_digest, root_digest, rotation_digest
from tests.docs_example import CONTEST, NOTE_TEXT, SALT, Example, Row, example, signing_key

BYTES_A_LINE: Final = 32
COMMENT_COLUMN: Final = 40


def _fields(row: type) -> tuple[str, ...]:
    return row.__struct_fields__  # type: ignore[attr-defined, no-any-return]


_STATION_ROW: Final = ("contest", "code", "round", "standing", "state", "figures", "findings", "changes")
_AREA_ROW: Final = ("contest", "code", "sums", "present", "counts", "children", "children_hash")

_ROW_FIELDS: Final = {
    "form": _fields(e.FormRef),
    "sealer": _fields(e.Root),
    "page": ("version", "size", "row", "child_rows"),
    "row": _AREA_ROW,
    "station": _STATION_ROW,
    "area": _AREA_ROW,
}
"""An array of this name is a row with these fields."""

_ITEM_FIELDS: Final = {
    "areas": _fields(e.AreaRow),
    "added": _fields(e.StationRow),
    "blocks": _fields(f.Block),
    "candidates": _fields(e.Candidate),
    "child_rows": _AREA_ROW,
    "contests": _fields(e.ContestRow),
    "corrected": _fields(e.StationRow),
    "corrections": _fields(e.ReadRow),
    "cutoffs": _fields(e.Cutoff),
    "deadlines": _fields(e.Deadline),
    "differences": _fields(e.DifferenceRow),
    "facts": _fields(e.ContestFacts),
    "figures": _fields(f.FigureDefinition),
    "forms": _fields(f.FormDefinition),
    "keys": _fields(e.KeyRow),
    "levels": _fields(e.Level),
    "merged": _fields(e.MergedRow),
    "missing": _fields(e.MissingRow),
    "photos": _fields(e.Photo),
    "powers": _fields(e.Power),
    "registrars": _fields(e.Registrar),
    "roots": _fields(e.Root),
    "rows": _fields(e.ReadRow),
    "rules": _fields(f.RuleDefinition),
    "stations": _fields(e.StationRow),
    "voters": _fields(e.VotersRow),
}
"""The arrays inside an array of this name are rows with these fields."""


def _line(data: bytes, depth: int, comment: str) -> Iterator[str]:
    """``data`` in hex, so many bytes a line, the comment at the first."""
    pieces = [data[at : at + BYTES_A_LINE].hex() for at in range(0, len(data), BYTES_A_LINE)] or [""]
    indent = "  " * depth
    yield f"{indent + pieces[0]:<{COMMENT_COLUMN}} # {comment}"
    yield from (f"{indent}{piece}" for piece in pieces[1:])


def annotated(data: bytes, name: str) -> Iterator[str]:
    """Canonical MessagePack, one value a line; joined again, the hex is ``data``."""
    end, lines = _annotate(data, 0, 0, name, _ROW_FIELDS.get(name, ()))
    assert end == len(data)
    yield from lines


def _head(data: bytes, at: int) -> tuple[str, int, int]:
    """Kind, value or length, and head's length of the value at ``at``."""
    byte = data[at]
    for low, high, kind in ((0x00, 0x7F, "uint"), (0x80, 0x8F, "map"), (0x90, 0x9F, "array"), (0xA0, 0xBF, "text")):
        if low <= byte <= high:
            return kind, byte - low, 1
    wide = {0xC4: ("bin", 1), 0xC5: ("bin", 2), 0xCC: ("uint", 1), 0xCD: ("uint", 2), 0xCE: ("uint", 4), 0xCF: ("uint", 8)}
    wide |= {0xD9: ("text", 1), 0xDA: ("text", 2), 0xDC: ("array", 2), 0xDE: ("map", 2)}
    if byte == 0xC0:
        return "nil", 0, 1
    kind, length = wide[byte]
    return kind, int.from_bytes(data[at + 1 : at + 1 + length]), 1 + length


def _annotate(data: bytes, at: int, depth: int, name: str, fields: tuple[str, ...]) -> tuple[int, list[str]]:
    """The end of the value at ``at``, and its lines; ``fields`` are its items' names where it is a row."""
    kind, value, head = _head(data, at)
    start, at = at, at + head
    label = f"{name}: " if name else ""
    if kind in ("uint", "nil"):
        text = f"{value:,}" if kind == "uint" else "nil"
        return at, [*_line(data[start:at], depth, label + text)]
    if kind in ("text", "bin"):
        end = at + value
        text = f'"{data[at:end].decode()}"' if kind == "text" else f"{value} bytes"
        return end, [*_line(data[start:end], depth, label + text)]
    lines = [*_line(data[start:at], depth, f"{label}{kind} of {value}")]
    for item in range(value):
        if kind == "map":
            word, at = _word(data, at)
            lines += _line(data[at - 1 - len(word) : at], depth + 1, f'key "{word}"')
            at, inner = _annotate(data, at, depth + 1, word, _ROW_FIELDS.get(word, ()))
        elif fields:
            at, inner = _annotate(data, at, depth + 1, fields[item], _ROW_FIELDS.get(fields[item], ()))
        else:
            at, inner = _annotate(data, at, depth + 1, f"{name}[{item}]", _ITEM_FIELDS.get(name, ()))
        lines += inner
    return at, lines


def _word(data: bytes, at: int) -> tuple[str, int]:
    kind, length, head = _head(data, at)
    assert (kind, head) == ("text", 1)
    return data[at + 1 : at + 1 + length].decode(), at + 1 + length


def _wrapped(data: bytes) -> Iterator[str]:
    yield from (data[at : at + 48].hex() for at in range(0, len(data), 48))


def data_of(row: Row) -> bytes:
    """The bytes of ``data`` inside a payload."""
    return encode(msgpack.unpackb(row.payload)["data"])


def _submission_lines(submission: bytes, payload: bytes, depth: int) -> Iterator[str]:
    head = submission[1 : submission.index(payload)]
    yield from _line(b"\x92", depth, "submission: array of 2")
    yield from _line(head, depth + 1, f"payload: {len(payload)} bytes, as above")
    yield "  " * (depth + 1) + "<payload>"
    yield from _line(submission[len(head) + 1 + len(payload) :], depth + 1, "signature: 64 bytes, r then s")


def _canonical_lines() -> Iterator[str]:
    values: tuple[tuple[object, str], ...] = (
        (0, "0"),
        (127, "127"),
        (128, "128"),
        (256, "256"),
        (65_536, "65,536"),
        (2**53 - 1, "2^53 - 1, the largest"),
        (None, "nil"),
        ("x", '"x"'),
        ("a" * 32, "32 letters a"),
        (b"\x01\x02", "2 bytes"),
        ([], "an empty array"),
        (list(range(16)), "an array of 16"),
        ({"b": 1, "a": 2}, "a map with keys b and a: a comes first"),
    )
    for value, comment in values:
        yield from _line(encode(value), 0, comment)


def blocks() -> Iterator[tuple[str, str]]:
    """Every example block of FORMATS.md: (kind and name, text)."""
    made = example()
    submitted = made.row("tally.submitted")
    ledger = made.rows[0].event_id
    yield "hex canonical-example", "\n".join(_canonical_lines())
    yield "hex payload-example", "\n".join(annotated(submitted.payload, "payload"))
    yield "hex event-id-example", submitted.event_id.hex()
    yield "hex submission-example", "\n".join(_submission_lines(submitted.submission, submitted.payload, 0))
    yield "hex entry-example", "\n".join(_entry_lines(submitted, made.rows.index(submitted)))
    yield "hex leaf-hash-example", leaf_hash(submitted.entry).hex()
    yield "hex root-string-example", "\n".join(_root_lines(made))
    yield "hex possession-example", "\n".join(_possession_lines(ledger, made.administrator))
    yield "hex rotation-example", "\n".join(_rotation_lines(ledger))
    yield "hex text-example", "\n".join(_text_lines())
    for name in e.DATA_TYPES:
        yield f"hex {name}-example", "\n".join(annotated(data_of(made.row(name)), "data"))
    yield from _recap_blocks(made, ledger)
    yield "text checkpoint-example", made.checkpoint.decode().rstrip("\n")
    yield "text receipt-example", receipt(made, made.rows.index(submitted)).decode().rstrip("\n")
    yield "text log-key-example", made.first_signer.vkey
    yield "text ledger-example", "\n".join(_ledger_lines(made))


def _entry_lines(row: Row, index: int) -> Iterator[str]:
    entry = open_entry(row.entry)
    yield from _line(b"\x95", 0, "entry: array of 5")
    yield from _line(b"\x01", 1, "version")
    yield from _line(encode(index), 1, "index")
    yield from _line(encode(entry.chain), 1, "chain: leaf hash of the entry before")
    yield from _line(encode(entry.sequenced_at), 1, f"sequenced_at: {entry.sequenced_at:,}")
    yield from _submission_lines(row.submission, row.payload, 1)


def _root_lines(made: Example) -> Iterator[str]:
    yield from _line(made.draft, 0, "draft digest")
    yield from _line(root_digest(made.draft), 0, 'SHA-256("tally-ledger/root/v1\\n" || draft digest)')


def _string_lines(tag: str, array: bytes, names: tuple[str, ...]) -> Iterator[str]:
    """A tag, and an array of named items."""
    yield from _line(f"{tag}\n".encode(), 0, f'"{tag}" and a line feed')
    assert array[0] == 0x90 + len(names)
    yield from _line(array[:1], 0, f"array of {len(names)}")
    at = 1
    for name in names:
        at, lines = _annotate(array, at, 1, name, ())
        yield from lines


def _possession_lines(ledger: bytes, row: e.KeyRow) -> Iterator[str]:
    array = encode([ledger, row.point, row.role, row.scope, row.seat])
    yield from _string_lines("tally-ledger/possession/v1", array, ("ledger", "point", "role", "scope", "seat"))
    digest = possession_digest(ledger, point=row.point, role=row.role, scope=row.scope, seat=row.seat)
    yield from _line(digest, 0, "SHA-256 of all of it: what the key signs")


def _rotation_lines(ledger: bytes) -> Iterator[str]:
    old, new = signing_key("operator-1").point, signing_key("operator-1b").point
    yield from _string_lines("tally-ledger/rotation/v1", encode([ledger, old, new, "1"]), ("ledger", "old", "new", "seat"))
    yield from _line(rotation_digest(ledger, old=old, new=new, seat="1"), 0, "SHA-256 of all of it: what the new key signs")


def _text_lines() -> Iterator[str]:
    tag = "tally-ledger/text/v1"
    yield from _line(f"{tag}\n".encode(), 0, f'"{tag}" and a line feed')
    yield from _line(SALT, 0, "salt: 16 bytes")
    yield from _line(NOTE_TEXT.encode(), 0, f'text: "{NOTE_TEXT}"')
    yield from _line(note_digest(SALT, NOTE_TEXT), 0, "SHA-256 of all of it: the note")


def _recap_blocks(made: Example, ledger: bytes) -> Iterator[tuple[str, str]]:
    pages = list(recap_pages(made.memory, len(made.rows)))
    village, _district, city = pages
    _, _, village_row, stations = msgpack.unpackb(village.data)
    for name, tag, row in (
        ("station-row", STATION_TAG, stations[0]),
        ("station-row-none", STATION_TAG, stations[1]),
        ("area-row", AREA_TAG, village_row),
    ):
        data = encode(row)
        yield (
            f"hex {name}-example",
            "\n".join([*annotated(data, name.split("-")[0]), *_line(tagged_hash(tag, data), 0, "its commitment")]),
        )
    yield "hex page-example", "\n".join(annotated(city.data, "page"))
    root = recap_root(ledger=ledger, size=len(made.rows), tops=[(CONTEST, city.commitment)])
    top = [*_line(city.commitment, 0, "commitment of the contest's top area"), *_line(root, 0, "recap_root")]
    yield "hex recap-root-example", "\n".join(top)


def receipt(made: Example, index: int) -> bytes:
    """A receipt, its path by the recursive definition of RFC 6962: nothing of the prover's."""
    leaves = [leaf_hash(row.entry) for row in made.rows]

    def path(at: int, nodes: list[bytes]) -> list[bytes]:
        if len(nodes) == 1:
            return []
        middle = 1 << (len(nodes) - 1).bit_length() - 1
        here, there = (nodes[:middle], nodes[middle:]) if at < middle else (nodes[middle:], nodes[:middle])
        return [*path(at if at < middle else at - middle, here), Frontier.EMPTY.extend(there).root()]

    entry = open_entry(made.rows[index].entry)
    extra = encode([entry.chain, entry.sequenced_at, entry.event.signature])
    return encode_proof(TlogProof(index, tuple(path(index, leaves)), made.checkpoint, extra))


def _ledger_lines(made: Example) -> Iterator[str]:
    frontier = Frontier.EMPTY
    for index, row in enumerate(made.rows):
        leaf = leaf_hash(row.entry)
        frontier = frontier.append(leaf)
        yield f"entry {index}, {row.type}{_said(row.word)}"
        yield from (f"  {line}" for line in _wrapped(row.entry))
        yield f"  event id  {row.event_id.hex()}"
        yield f"  leaf hash {leaf.hex()}"
        yield f"  tree root {frontier.root().hex()} of size {frontier.size}"


def _said(word: str) -> str:
    return {"": "", "pending": ", pending"}.get(word, f", void: {word}")
