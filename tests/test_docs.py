"""The documents say what the code does: examples byte for byte, lists both ways.

The fenced blocks of docs/FORMATS.md whose first line names an example (```` ```hex entry-example ````) are made here from seeds and
compared.  After a change of bytes that was meant, rewrite them with

    LEDGER_WRITE_DOCS=1 pytest tests/test_docs.py

and read the difference before you keep it: an outsider's verifier reads those bytes.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import msgpack
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs

from ledger.errors import Refused, Waiting
from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.merkle import Frontier, check_inclusion, leaf_hash
from ledger.proof.note import NoteCosigner, NoteSigner
from ledger.proof.tlogproof import TlogProof, check_proof, encode_proof, parse_proof
from ledger.tally import events as e
from ledger.tally import forms as f
from ledger.tally.canonical import encode, tagged_hash
from ledger.tally.fold import ACTS, decide
from ledger.tally.memory import Memory
from ledger.tally.pages import AREA_TAG, STATION_TAG, recap_pages, recap_root
from ledger.tally.projection import SUMS, sums_key, trace
from ledger.tally.rollup import roll_up
from ledger.tally.signing import (
    SigningKey,
    draft_digest,
    encode_entry,
    open_entry,
    open_submission,
    possession_digest,
    root_digest,
    sign_event,
)
from ledger.tally.state import At

ROOT: Final = Path(__file__).parent.parent
DOCS: Final = ROOT / "docs"
SOURCES: Final = ROOT / "src" / "ledger"

WRITE: Final = bool(os.environ.get("LEDGER_WRITE_DOCS"))
BYTES_A_LINE: Final = 32
COMMENT_COLUMN: Final = 40


# --- the example: a whole ledger from seeds ------------------------------------------------------------------------------------

ORIGIN: Final = "ledger.example/docs"
START_MS: Final = 1_732_690_800_000
CITY, VILLAGE = "1771", "1771011001"
FIRST, SECOND = "1771011001001", "1771011001002"
CONTEST: Final = "wali-kota"


class Row(NamedTuple):
    """An entry of the example, with its void code."""

    name: str
    type: str
    submission: bytes
    event_id: bytes
    payload: bytes
    entry: bytes
    void: str


class Example(NamedTuple):
    """The example ledger."""

    rows: list[Row]
    draft: bytes
    root: bytes
    checkpoint: bytes
    signer: NoteSigner
    memory: Memory
    administrator: e.KeyRow

    def row(self, name: str) -> Row:
        """The entry of that name."""
        return next(row for row in self.rows if row.name == name)


def _key(seed: str) -> SigningKey:
    return SigningKey.derive(f"docs/{seed}".encode())


def _form() -> f.FormDefinition:
    """Five figures and two rules: the smallest form that shows everything."""
    figures = [("suara-1", 0, 1), ("suara-2", 0, 2), ("suara-sah", 1, 0), ("suara-tidak-sah", 1, 0), ("suara-total", 1, 0)]
    return f.FormDefinition(
        "c-contoh",
        1,
        "Formulir contoh",
        "Example form",
        (f.Block("votes", "Perolehan suara", "Votes"), f.Block("totals", "Jumlah", "Totals")),
        tuple(f.FigureDefinition(code, block, candidate, 3, code, code) for code, block, candidate in figures),
        (
            f.RuleDefinition("r5", "error", ((1, 0), (1, 1)), "=", ((1, 2),)),
            f.RuleDefinition("r6", "error", ((1, 2), (1, 3)), "=", ((1, 4),)),
        ),
    )


def _opening(log_key: NoteSigner, witness: NoteCosigner) -> e.ElectionOpened:
    """Entry 0's data, signed by everyone it names."""
    roots, body, sealer = [_key("root-1"), _key("root-2")], _key("registrar"), _key("sealer")
    data = e.ElectionOpened(
        name="Pemilihan Wali Kota Contoh",
        kind="synthetic",
        day="2024-11-27",
        zones=("Asia/Jakarta",),
        levels=(e.Level("city", 4), e.Level("village", 10), e.Level("station", 13)),
        origin=ORIGIN,
        log_key=log_key.vkey,
        sealer=e.Root(sealer.point, bytes(64)),
        witnesses=(witness.vkey,),
        quorum=0,
        roots=tuple(e.Root(root.point, bytes(64)) for root in roots),
        registrars=(e.Registrar("commission", body.point, "", ("administrator", "officer", "operator"), bytes(64)),),
        second_seats=(),
        cutoffs=(e.Cutoff("operator", START_MS + 86_400_000),),
    )
    draft = draft_digest(data)
    body_digest = possession_digest(draft, point=body.point, role="registrar", scope="", seat="commission")
    sealer_digest = possession_digest(draft, point=sealer.point, role="sealer", scope="", seat="sealer")
    return structs.replace(
        data,
        roots=tuple(e.Root(root.point, root.sign(root_digest(draft))) for root in roots),
        registrars=(structs.replace(data.registrars[0], signature=body.sign(body_digest)),),
        sealer=e.Root(sealer.point, sealer.sign(sealer_digest)),
    )


def _enrolled(ledger: bytes, seed: str, role: str, scope: str, seat: str) -> e.KeyRow:
    key = _key(seed)
    digest = possession_digest(ledger, point=key.point, role=role, scope=scope, seat=seat)
    proof = () if role == "operator" else (key.sign(digest),)
    return e.KeyRow(key.point, role, scope, seat, 0, proof)  # type: ignore[arg-type]


class _Ledger:
    """Signs as devices do and appends as the log does, in memory."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.rows: list[Row] = []
        self.ledger: bytes | None = None
        self._streams: dict[str, tuple[int, bytes | None]] = {}
        self._chain = bytes(32)

    def append(self, name: str, seed: str, data: e.EventData) -> bytes:
        """Signs, opens, decides and appends; returns the event id."""
        index = len(self.rows)
        time = START_MS + 60_000 * index
        position, previous = self._streams.get(seed, (0, None))
        submission, event_id = sign_event(
            _key(seed), data, ledger=self.ledger, position=position, previous=previous, claimed_at=time - 5_000
        )
        event = open_submission(submission)
        change = decide(self.memory, event, At(index, time))
        assert not isinstance(change, Refused | Waiting), change
        self.memory.apply(change)
        for table, key, row in trace(index, change):
            self.memory.put(table, key, row)
        entry = encode_entry(index=index, chain=self._chain, sequenced_at=time, payload=event.payload, signature=event.signature)
        self._streams[seed] = position + 1, event_id
        self._chain = leaf_hash(entry)
        self.ledger = self.ledger or event_id
        self.rows.append(Row(name, event.type, submission, event_id, event.payload, entry, change.void))
        return event_id


@cache
def example() -> Example:
    """Thirteen entries: every event type of part 1, and one void event."""
    signer = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"docs/log").digest()))
    witness = NoteCosigner("witness.example", Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"docs/witness").digest()))
    log = _Ledger()
    opening = _opening(signer, witness)
    ledger = log.append("election.opened", "root-1", opening)
    administrator = _enrolled(ledger, "administrator", "administrator", "", "adm-1")
    officer = _enrolled(ledger, "officer", "officer", CITY, "officer-7")
    log.append("keys.enrolled", "registrar", e.KeysEnrolled(keys=(administrator,)))
    log.append("forms.defined", "administrator", e.FormsDefined(forms=(_form(),)))
    pairs = (e.Candidate(1, "Ani dan Budi", "candidate"), e.Candidate(2, "Kolom kosong", "empty-box"))
    contest = e.ContestRow(CONTEST, "Wali Kota", "Mayor", "c-contoh", 1, CITY, pairs, ("city",), "city")
    log.append("contests.listed", "administrator", e.ContestsListed(contests=(contest,)))
    areas = (e.AreaRow(CITY, "Contoh"), e.AreaRow(VILLAGE, "Desa Satu"))
    stations = (
        e.StationRow(FIRST, "TPS 001", "Asia/Jakarta", 140, 150, (CONTEST,)),
        e.StationRow(SECOND, "TPS 002", "Asia/Jakarta", None, None, (CONTEST,)),
    )
    log.append("jurisdictions.listed", "administrator", e.JurisdictionsListed(areas=areas, stations=stations))
    seats = tuple(_enrolled(ledger, f"operator-{seat}", "operator", FIRST, seat) for seat in ("1", "2"))
    log.append("keys.enrolled-2", "registrar", e.KeysEnrolled(keys=(*seats, officer)))

    photo = e.Photo(1, hashlib.sha256(b"docs/photo").digest(), 204_800)
    good, typo = (150, 60, 210, None, 217), (150, 66, 210, None, 217)
    form = e.FormRef("c-contoh", 1)
    submitted = e.TallySubmitted(
        contest=CONTEST, station=FIRST, round=0, form=form, source="plano", figures=good, photos=(photo,), crew=7
    )
    first = log.append("tally.submitted", "operator-1", submitted)
    second = log.append("tally.submitted-2", "operator-2", structs.replace(submitted, figures=typo, photos=()))
    corrected = e.TallyCorrected(
        contest=CONTEST,
        station=FIRST,
        round=0,
        form=form,
        source="plano",
        figures=good,
        photos=(),
        supersedes=(second,),
        reason="typing-error",
    )
    log.append("tally.corrected", "operator-2", corrected)
    held = e.TallyHeld(contest=CONTEST, station=FIRST, round=0, reason="photo-unreadable")
    log.append("tally.held", "officer", held)
    log.append("tally.released", "officer", e.TallyReleased(contest=CONTEST, station=FIRST, round=0, reason="photo-checked"))
    stale = structs.replace(corrected, figures=typo, supersedes=tuple(sorted((first, second))))
    log.append("tally.corrected-void", "officer", stale)
    log.append("key.revoked", "registrar", e.KeyRevoked(key=seats[0].point, reason="device-lost", suspect_since=7, last_good=0))

    for (code, area), sums in roll_up(log.memory).items():
        log.memory.put(SUMS, sums_key(code, area), sums)
    frontier = Frontier.EMPTY.extend([leaf_hash(row.entry) for row in log.rows])
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()), signer)
    return Example(log.rows, draft_digest(opening), frontier.root(), checkpoint, signer, log.memory, administrator)


# --- bytes for people ----------------------------------------------------------------------------------------------------------


def _fields(row: type) -> tuple[str, ...]:
    return row.__struct_fields__  # type: ignore[attr-defined, no-any-return]


_STATION_ROW: Final = ("contest", "code", "round", "standing", "state", "figures", "findings", "changes")
_AREA_ROW: Final = ("contest", "code", "sums", "present", "counts", "children", "children_hash")

_ROW_FIELDS: Final = {
    "form": _fields(e.FormRef),
    "sealer": _fields(e.Root),
    "page": ("version", "size", "row", "rows"),
    "row": _AREA_ROW,
    "station": _STATION_ROW,
    "area": _AREA_ROW,
}
"""An array of this name is a row with these fields."""

_ITEM_FIELDS: Final = {
    "areas": _fields(e.AreaRow),
    "blocks": _fields(f.Block),
    "candidates": _fields(e.Candidate),
    "contests": _fields(e.ContestRow),
    "cutoffs": _fields(e.Cutoff),
    "figures": _fields(f.FigureDefinition),
    "forms": _fields(f.FormDefinition),
    "keys": _fields(e.KeyRow),
    "levels": _fields(e.Level),
    "photos": _fields(e.Photo),
    "registrars": _fields(e.Registrar),
    "roots": _fields(e.Root),
    "rows": _AREA_ROW,
    "rules": _fields(f.RuleDefinition),
    "stations": _fields(e.StationRow),
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


def _data_of(row: Row) -> bytes:
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


def _blocks() -> Iterator[tuple[str, str]]:
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
    for name in e.DATA_TYPES:
        yield f"hex {name}-example", "\n".join(annotated(_data_of(made.row(name)), "data"))
    yield from _recap_blocks(made, ledger)
    yield "text checkpoint-example", made.checkpoint.decode().rstrip("\n")
    yield "text receipt-example", _receipt(made, made.rows.index(submitted)).decode().rstrip("\n")
    yield "text log-key-example", made.signer.vkey
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


def _possession_lines(ledger: bytes, row: e.KeyRow) -> Iterator[str]:
    array = encode([ledger, row.point, row.role, row.scope, row.seat])
    digest = possession_digest(ledger, point=row.point, role=row.role, scope=row.scope, seat=row.seat)
    yield from _line(b"tally-ledger/possession/v1\n", 0, '"tally-ledger/possession/v1" and a line feed')
    names = ("ledger", "point", "role", "scope", "seat")
    assert array[0] == 0x95
    yield from _line(array[:1], 0, "array of 5")
    at = 1
    for name in names:
        at, lines = _annotate(array, at, 1, name, ())
        yield from lines
    yield from _line(digest, 0, "SHA-256 of all of it: what the key signs")


def _recap_blocks(made: Example, ledger: bytes) -> Iterator[tuple[str, str]]:
    pages = list(recap_pages(made.memory, len(made.rows)))
    village, city = pages
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


def _receipt(made: Example, index: int) -> bytes:
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
        yield f"entry {index}, {row.type}{f', void: {row.void}' if row.void else ''}"
        yield from (f"  {line}" for line in _wrapped(row.entry))
        yield f"  event id  {row.event_id.hex()}"
        yield f"  leaf hash {leaf.hex()}"
        yield f"  tree root {frontier.root().hex()} of size {frontier.size}"


# --- the documents' examples ---------------------------------------------------------------------------------------------------

_FENCE: Final = re.compile(r"^```((?:hex|text) [a-z0-9.-]+-example)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_example_in_formats_is_what_the_code_makes() -> None:
    """The bytes that outsiders read are the bytes that the code writes."""
    path = DOCS / "FORMATS.md"
    text = path.read_text()
    made = dict(_blocks())
    if WRITE:
        text = _FENCE.sub(lambda match: f"```{match[1]}\n{made[match[1]]}\n```", text)
        path.write_text(text)
    found = {match[1]: match[2].rstrip("\n") for match in _FENCE.finditer(text)}
    assert sorted(found) == sorted(made), "FORMATS.md must hold each example once: add or remove its fenced block"
    for name, block in made.items():
        assert found[name] == block, f"{name} differs; if meant: LEDGER_WRITE_DOCS=1 pytest tests/test_docs.py"


@pytest.mark.parametrize("name", sorted(e.DATA_TYPES))
def test_annotated_hex_is_the_bytes_it_shows(name: str) -> None:
    """Taking the comments away leaves the value, so the examples can be fed to another program."""
    data = _data_of(example().row(name))
    assert bytes.fromhex("".join(line.split("#")[0].strip() for line in annotated(data, "data"))) == data


def test_the_example_receipt_verifies() -> None:
    """The receipt in FORMATS.md is one: its path leads from the entry to the checkpoint's root."""
    made = example()
    for index, row in enumerate(made.rows):
        proof = parse_proof(_receipt(made, index))
        checkpoint = check_proof(proof, leaf=leaf_hash(row.entry), keys=[made.signer.key], origin=ORIGIN)
        check_inclusion(index=index, size=len(made.rows), leaf=leaf_hash(row.entry), path=proof.path, root=checkpoint.root)


def test_the_example_is_the_same_twice() -> None:
    """Keys from seeds and deterministic signatures: the documents do not change by themselves."""
    once = example().checkpoint
    example.cache_clear()
    assert example().checkpoint == once


def test_the_example_shows_what_the_text_says_of_it() -> None:
    """One void event, and the states that sections 6 and 7 walk through."""
    made = example()
    assert [row.void for row in made.rows if row.void] == ["stale"]
    assert base64.b64encode(made.root).decode() in made.checkpoint.decode()
    assert {row.type for row in made.rows} == set(e.DATA_TYPES)


# --- lists that must be whole --------------------------------------------------------------------------------------------------


def _section(document: str, title: str) -> str:
    """The part of a document under a heading that begins with ``title``, up to the next of its rank."""
    text = (DOCS / document).read_text()
    match = re.search(rf"^(#+) {re.escape(title)}.*?$(.*?)(?=^\1 |^#{{1,2}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"{document} has no section '{title}'"
    return match[2]


def _column(text: str, number: int = 0) -> list[str]:
    """The code spans in one column of the tables in ``text``."""
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [span for row in rows if len(row) > number for span in re.findall(r"`([^`]+)`", row[number])]


def test_every_event_type_is_in_every_list() -> None:
    """ARCHITECTURE.md, "Adding an event type": the places that a type must stand in."""
    headings = re.findall(r"^#+ .*`([a-z.]+)`", (DOCS / "FORMATS.md").read_text(), re.MULTILINE)
    acts = _column(_section("RULES.md", "Who may do what"))
    formats_acts = _column(_section("FORMATS.md", "6. The fold"))
    for name, data_type in e.DATA_TYPES.items():
        assert data_type in ACTS or name == "election.opened", f"{name} has no act in fold.ACTS"
        assert name in headings, f"FORMATS.md section 5 has no heading with `{name}`"
        assert name in acts, f"RULES.md, 'Who may do what', has no row for `{name}`"
        assert name in formats_acts, f"FORMATS.md section 6 has no row for `{name}`"
    assert set(ACTS) | {e.ElectionOpened} == set(e.DATA_TYPES.values())
    assert set(_column(_section("RULES.md", "Later event types"))) == e.LATER_TYPES
    assert set(_column(_section("FORMATS.md", "5.11 Later types"))) == e.LATER_TYPES


def test_the_limits_table_is_the_code() -> None:
    """FORMATS.md section 10 gives the constants that the code has."""
    table = _section("FORMATS.md", "10. Limits")
    for constant in ("ENTRY_LIMIT_BYTES", "FIGURE_MAX", "FIGURES_MAX", "PHOTOS_MAX", "SUPERSEDES_MAX", "KEYS_MAX", "AREAS_MAX"):
        assert f"{getattr(e, constant):,}" in table, f"section 10 lacks {constant}"


def test_every_document_link_leads_somewhere() -> None:
    """Links between the documents are to files that are there."""
    for path in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_session_in_the_readme_runs(tmp_path: Path) -> None:
    """Its commands run, and every line shown under one is in what it says, in that order."""
    block = re.search(r"^```console\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert block, "README.md has no session"
    here, said = tmp_path, ""
    settings = {"LEDGER_LANG": "en", "COLUMNS": "100", "PYTHONPATH": str(ROOT / "src"), "PATH": os.environ.get("PATH", "")}
    for line in block[1].splitlines():
        if line.startswith("$ cd "):
            here = here / line.removeprefix("$ cd ")
        elif line.startswith("$ ledger "):
            program = [sys.executable, "-c", "from ledger.cli import main; main()", *line.split()[2:]]
            ran = subprocess.run(program, cwd=here, env=settings, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, f"{line}: {ran.stderr}"
            said = ran.stdout
        else:
            assert line.strip() in said, f"README.md shows a line that the program does not say (here): {line}"
            said = said[said.index(line.strip()) + len(line.strip()) :]


# --- codes ---------------------------------------------------------------------------------------------------------------------

_BRANCHES: Final = {
    "Refused": "refused",
    "Waiting": "waiting",
    "NotVerified": "not-verified",
    "BadInput": "bad-input",
    "Broken": "broken",
    "Usage": "usage",
    "Moved": "moved",
    "void": "void",
    "Difference": "not-verified",
    "_row_differs": "not-verified",
}
_FAILURES: Final = ("fail", "_fail_entry")
"""How an audit notes a failure: (step, "code", ...)."""

_CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class _Codes(ast.NodeVisitor):
    """The codes in one module: (branch, code).  A code that is a variable is looked up in its function, then in the module's
    ``code=`` arguments; what cannot be found is in ``unresolved``."""

    def __init__(self, path: Path, tree: ast.Module) -> None:
        self.found: set[tuple[str, str]] = set()
        self.unresolved: list[str] = []
        self._path = path
        self._functions: list[ast.FunctionDef] = []
        self._passed = {
            text
            for node in ast.walk(tree)
            if isinstance(node, ast.keyword) and node.arg == "code"
            for text in _constants(node.value)
        }
        self._tables = {
            target.id: [text for item in node.value.values for text in _constants(item)]
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Functions nest; a variable is looked up in the innermost."""
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    def visit_Return(self, node: ast.Return) -> None:
        """In the fold, a function that gives back a code gives a void code."""
        if self._path.parts[-2] in ("tally", "acts") and self._path.name not in ("forms.py", "rules.py", "state.py", "pages.py"):
            texts = _constants(node.value) if node.value else []
            self.found |= {("void", text) for text in texts if "-" in text and _CODE.fullmatch(text)}
        self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """Tables of (..., Branch, "code", ...)."""
        for left, right in zip(node.elts, node.elts[1:], strict=False):
            if isinstance(left, ast.Name) and left.id in _BRANCHES and isinstance(right, ast.Constant):
                self.found.add((_BRANCHES[left.id], str(right.value)))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """``Branch("code", ...)``."""
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in _BRANCHES and node.args:
            texts = _constants(node.args[0]) or self._looked_up(node.args[0])
            passed_on = any(function.name in _BRANCHES for function in self._functions)  # its callers say the code
            if not texts and not passed_on and not isinstance(node.args[0], ast.Attribute):  # an error's own code is no new one
                self.unresolved.append(f"{self._path.relative_to(SOURCES)}:{node.lineno}")
            self.found |= {(_BRANCHES[name], text) for text in texts}
        if name in _FAILURES and len(node.args) > 1:
            self.found |= {("not-verified", text) for text in _constants(node.args[1])}
        self.generic_visit(node)

    def _looked_up(self, value: ast.expr) -> list[str]:
        if isinstance(value, ast.Attribute) and value.attr == "code":
            return self._compared(value)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and isinstance(value.func.value, ast.Name):
            return self._tables.get(value.func.value.id, []) + [text for item in value.args for text in _constants(item)]
        if not isinstance(value, ast.Name):
            return []
        for function in reversed(self._functions):
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == value.id for t in node.targets):
                    return _constants(node.value)
        return sorted(self._passed) or _OUTSIDE.get(self._path.name, [])

    def _compared(self, value: ast.Attribute) -> list[str]:
        """The codes that a function compares the caught error's code with before it raises it as another's."""
        nodes = [node for node in ast.walk(self._functions[-1]) if isinstance(node, ast.Compare)]
        return [text for node in nodes if ast.dump(node.left) == ast.dump(value) for text in _constants(node.comparators[0])]


def _constants(value: ast.expr) -> list[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return [value.value]
    if isinstance(value, ast.IfExp):
        return _constants(value.body) + _constants(value.orelse)
    return []


@cache
def _codes() -> tuple[dict[str, set[str]], list[str]]:
    """Code -> branches, from all sources; and the calls whose code nobody could find."""
    by_code: defaultdict[str, set[str]] = defaultdict(set)
    unresolved: list[str] = []
    for path in sorted(SOURCES.rglob("*.py")):
        codes = _Codes(path, ast.parse(path.read_text()))
        unresolved += codes.unresolved
        for branch, code in codes.found:
            by_code[code].add(branch)
    return dict(by_code), unresolved


_OUTSIDE: Final = {"lines.py": ["bad-note", "bad-checkpoint", "bad-proof", "bad-vkey"]}
"""Modules whose callers say the code."""


def test_every_code_is_in_the_table_and_the_other_way_round() -> None:
    """RULES.md lists each code with its branches, and lists none that the code does not give."""
    codes, unresolved = _codes()
    assert not unresolved, f"these calls give a code that this test cannot find: {unresolved}"
    listed: dict[str, set[str]] = {}
    for line in _section("RULES.md", "Refusals, waiting answers and void codes").splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            assert [bool(cell) for cell in cells] == [True] * 5, f"a row of five cells, all filled: {line}"
            code = cells[0].strip("`")
            assert code not in listed, f"{code} stands twice"
            listed[code] = set(cells[1].split(", "))
    missing = {code: branches for code, branches in codes.items() if listed.get(code) != branches}
    assert not missing, f"RULES.md lacks these codes, or their branches differ: {missing}"
    assert not set(listed) - set(codes), f"no source gives these codes of RULES.md: {sorted(set(listed) - set(codes))}"


def _reasons() -> set[str]:
    """The reason codes that the program gives: ``reason="..."``, the importer's ``Step(act, reason)``, the demo's ``_REASONS``."""
    found: set[str] = set()
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "reason":
                found |= set(_constants(node.value))
            elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "_REASONS":
                assert isinstance(node.value, ast.Dict)
                texts = [item for row in node.value.values for item in ast.walk(row)]
                found |= {str(item.value) for item in texts if isinstance(item, ast.Constant)}
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Step":
                found |= {text for argument in node.args[1:2] for text in _constants(argument)}
    return found - {""}


def test_every_reason_code_that_the_program_gives_is_listed() -> None:
    """People may give any code; those that imports and the demo give have their meaning in RULES.md."""
    listed = set(_column(_section("RULES.md", "Reason codes")))
    assert _reasons() <= listed, f"RULES.md, 'Reason codes', lacks {sorted(_reasons() - listed)}"


def test_every_test_module_that_the_documents_name_is_there() -> None:
    """ARCHITECTURE.md and THREATS.md name the module that holds each promise."""
    for name in ("ARCHITECTURE.md", "THREATS.md"):
        for module in re.findall(r"`(tests/[a-z_/]+\.py)`", (DOCS / name).read_text()):
            assert (ROOT / module).is_file(), f"{name} names {module}"
