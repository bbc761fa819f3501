"""Proofs of totals: one file that leads from rows of figures to a signed checkpoint, checked with nothing but keys.

The way (docs/FORMATS.md section 8.6): station rows -> area rows -> the contest's top -> the root of the recap -> the seal that says
it -> the tree -> the checkpoint.  Nothing in the file is believed but what leads there from the log's key, or from the ledger's id.

    proven = check_total(data, vkey=..., ledger=None)

It shows what the sealer's key sealed and the log's key signed.  That the seal is right about the log's entries is the audit's
business: an audit folds all of them again.  Left to others: making the file (``ledger.recap.proving``).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Final, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from ledger.errors import BadInput, LedgerError, NotVerified, Refused
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.proof.merkle import PATH_LIMIT_HASHES, check_inclusion, leaf_hash
from ledger.proof.note import NOTE_LIMIT_BYTES, open_note, parse_note, parse_vkey
from ledger.proof.policy import Policy, judge, require_quorum
from ledger.tally.canonical import Code, Digest, Uint, decode, encode, tagged_hash
from ledger.tally.events import (
    FIGURES_MAX,
    Approved,
    ContestRow,
    ContestsListed,
    ElectionOpened,
    FormsDefined,
    LogRekeyed,
    RecapSealed,
)
from ledger.tally.keychain import CHAIN_MAX, Keychain, Stated, follow_keys
from ledger.tally.pages import AREA_TAG, ROOT_TAG, STATION_TAG
from ledger.tally.rollup import COUNTS, Sums
from ledger.tally.rows import log_key_at
from ledger.tally.rules import CompiledForm, compile_form
from ledger.tally.signing import OpenedEntry, open_entry

__all__ = [
    "TOTAL_PROOF_LIMIT_BYTES",
    "AreaRow",
    "PagePart",
    "ProvenTotal",
    "StationRow",
    "TotalProof",
    "check_total",
    "checkpoint_in",
    "station_sums",
]

TOTAL_PROOF_LIMIT_BYTES: Final = 64_000_000
PAGES_MAX: Final = 100_000
PAGE_ROWS_MAX: Final = 100_000
STATED: Final = 4
"""Entry 0, the contest, the form, the seal; and beside them the rekeyings."""

AWAITING: Final = COUNTS.index("awaiting")

_T = TypeVar("_T")

Path = Annotated[tuple[Digest, ...], Meta(max_length=PATH_LIMIT_HASHES)]
PlaceCode = Annotated[str, Meta(pattern=r"\A[0-9]{0,16}\Z")]
Vector = Annotated[tuple[Uint, ...], Meta(max_length=FIGURES_MAX)]


class _Row(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class AreaRow(_Row, frozen=True):
    """An area's row as it is hashed (docs/FORMATS.md section 7.3)."""

    contest: Code
    code: PlaceCode
    sums: Vector
    present: Vector
    counts: Annotated[tuple[Uint, ...], Meta(min_length=len(COUNTS), max_length=len(COUNTS))]
    children: Uint
    children_hash: Digest


class StationRow(_Row, frozen=True):
    """A station's row as it is hashed (section 7.2)."""

    contest: Code
    code: PlaceCode
    round: Uint
    standing: tuple[Digest, ...]
    state: Code
    figures: Annotated[tuple[Uint | Literal["x", "-"] | None, ...], Meta(max_length=FIGURES_MAX)]
    findings: tuple[Code, ...]
    changes: Uint


class PagePart(_Row, frozen=True):
    """An area's code and the rows of what lies directly in it."""

    area: PlaceCode
    rows: Annotated[tuple[Raw, ...], Meta(min_length=1, max_length=PAGE_ROWS_MAX)]


class TotalProof(_Row, frozen=True):
    """The file.  ``tops``: how many contests the root of the recap is over, the place of this one, the path, and the tree's root.
    ``top``: the row of the contest's top area.  ``pages``: of areas on the way to ``area``, of itself, and of areas in it; in code
    order."""

    version: Literal[1]
    checkpoint: Annotated[bytes, Meta(max_length=NOTE_LIMIT_BYTES)]
    stated: Annotated[tuple[Stated, ...], Meta(min_length=STATED, max_length=STATED + CHAIN_MAX)]
    contests: Uint
    place: Uint
    path: Path
    root: Digest
    area: PlaceCode
    top: Raw
    pages: Annotated[tuple[PagePart, ...], Meta(min_length=1, max_length=PAGES_MAX)]


class ProvenTotal(NamedTuple):
    """A total that a checkpoint proves.

    ``log_key``: the log's verifier key at the checkpoint's size.  ``row``: an area's or a station's.  ``sums``: its total;
    ``awaiting`` of a station's is None, its row does not say.
    ``size``: the tree size whose recap was sealed, by the entry ``seal``.  ``pages``, ``stations``: how many pages in the area and
    station rows in them were added up; ``whole``: the total was added up from the rows of all its stations.
    """

    ledger: bytes
    opened: ElectionOpened
    log_key: str
    contest: ContestRow
    form: CompiledForm
    row: AreaRow | StationRow
    size: int
    seal: int
    checkpoint: Checkpoint
    witnesses: tuple[str, ...]
    pages: int
    stations: int
    whole: bool


_proof_decoder: Final = msgspec.msgpack.Decoder(TotalProof)
_area_decoder: Final = msgspec.msgpack.Decoder(AreaRow)
_station_decoder: Final = msgspec.msgpack.Decoder(StationRow)


def checkpoint_in(data: bytes) -> bytes:
    """The note in a proof of a total, of which nothing is verified.  Raises ``BadInput`` ``bad-total-proof``."""
    if len(data) > TOTAL_PROOF_LIMIT_BYTES:
        raise BadInput("bad-total-proof", "too long", bytes=len(data))
    return _read(data, _proof_decoder, "file").checkpoint


def check_total(data: bytes, *, vkey: str | None, ledger: bytes | None, policy: Policy | None = None) -> ProvenTotal:
    """The total that ``data`` proves of the log with the verifier key ``vkey``, or the ledger with the id ``ledger``, or both.
    With a ``policy`` its logs and its quorum are asked of the checkpoint as well.

    1. read the file   2. the entries, by their own signatures; which keys the log and the sealer had
    3. the checkpoint, and the entries in its tree   4. who sealed   5. the contest's top in the sealed root
    6. every page, from the top down

    Raises ``BadInput`` ``bad-total-proof`` for what is no such file; ``NotVerified`` ``total-not-proven``, ``proof-invalid``,
    ``note-unsigned``, ... for what does not hold.  ``where`` names the part.
    """
    if vkey is None and ledger is None and policy is None:
        raise BadInput("bad-total-proof", "no log key, ledger id or policy to hold it against")
    if len(data) > TOTAL_PROOF_LIMIT_BYTES:
        raise BadInput("bad-total-proof", "too long", bytes=len(data))
    proof = _read(data, _proof_decoder, "file")  # 1
    entries = [_open(stated.entry, at) for at, stated in enumerate(proof.stated)]  # 2
    opening = entries[0].event
    opened = opening.data
    if not isinstance(opened, ElectionOpened) or entries[0].index != 0:
        raise _not("the first entry does not open an election", "entry 0")
    if ledger is not None and opening.event_id != ledger:
        raise _not("another ledger", "ledger id", found=opening.event_id.hex())
    rekeyings = [entry for entry in entries[1:] if isinstance(entry.event.data, LogRekeyed | Approved)]
    others = [entry for entry in entries[1:] if not isinstance(entry.event.data, LogRekeyed | Approved)]
    with _part("rekeyings"):
        _require_order(entries)
        keys = follow_keys(opened, rekeyings)
    with _part("checkpoint"):  # 3
        log_key = log_key_at(keys.log_keys, parse_checkpoint(parse_note(proof.checkpoint).text).size)
        if vkey is not None and log_key != vkey:
            raise _not("the log of another key", "log key", found=log_key)
        checkpoint, witnesses = _checkpoint(proof.checkpoint, opened, log_key, policy)
    for stated, entry in zip(proof.stated, entries, strict=True):
        with _part(f"path of entry {entry.index}"):
            check_inclusion(index=entry.index, size=checkpoint.size, leaf=entry.leaf, path=stated.path, root=checkpoint.root)
    if any(entry.event.ledger != opening.event_id for entry in entries[1:]):
        raise _not("an entry of another ledger", "entries")
    contest, form, seal = _sealed(keys, others, contest=_read(bytes(proof.top), _area_decoder, "top").contest)  # 4
    if seal.root != tagged_hash(ROOT_TAG, encode([opening.event_id, seal.size, proof.contests, proof.root])):
        raise _not("the seal is over another root", "recap root")
    leaf = leaf_hash(tagged_hash(AREA_TAG, bytes(proof.top)))  # 5
    with _part("top"):
        check_inclusion(index=proof.place, size=proof.contests, leaf=leaf, path=proof.path, root=proof.root)
    descent = _Descent(contest, form, tuple(level.digits for level in opened.levels), proof)
    row = descent.walk()  # 6
    return ProvenTotal(
        opening.event_id,
        opened,
        log_key,
        contest,
        form,
        row,
        seal.size,
        others[-1].index,
        checkpoint,
        witnesses,
        descent.below,
        descent.stations,
        isinstance(row, StationRow) or not descent.open_below(),
    )


def _read(data: bytes, decoder: msgspec.msgpack.Decoder[_T], part: str) -> _T:
    try:
        return decode(data, decoder)
    except Refused as problem:
        raise BadInput("bad-total-proof", f"{problem.code}: {problem.detail}", part=part) from None


def _open(data: bytes, at: int) -> OpenedEntry:
    try:
        return open_entry(data)
    except LedgerError as problem:
        raise NotVerified("total-not-proven", f"{problem.code}: {problem.detail}", part=f"entry no. {at} of the file") from None


@contextmanager
def _part(name: str) -> Iterator[None]:
    """What fails inside says that it is of this part of the file."""
    try:
        yield
    except LedgerError as problem:
        problem.where.setdefault("part", name)
        raise


def _not(detail: str, part: str, **where: object) -> NotVerified:
    return NotVerified("total-not-proven", detail, part=part, **where)


def _require_order(entries: Sequence[OpenedEntry]) -> None:
    """By index, each once."""
    for before, entry in itertools.pairwise(entries):
        if entry.index <= before.index:
            raise _not("the entries are not in the log's order", f"entry {entry.index}")


def _checkpoint(data: bytes, opened: ElectionOpened, log_key: str, policy: Policy | None) -> tuple[Checkpoint, tuple[str, ...]]:
    """The checkpoint, signed by the log, by as many witnesses as entry 0 asks for and by the policy's quorum, with the names of all
    who cosigned; and by nobody else."""
    log = parse_vkey(log_key)
    named = [parse_vkey(vkey) for vkey in opened.witnesses]
    trusted = [] if policy is None else [witness.key for witness in policy.witnesses]
    keys = list(dict.fromkeys([log, *named, *trusted]))
    checkpoint = open_checkpoint(data, keys, opened.origin)
    lines = open_note(data, keys).lines
    if len(lines) != len(parse_note(data).lines):
        raise _not("a signature line by a key that neither entry 0 nor a policy names", "checkpoint")
    first = {(key.name, key.key_id) for key in named}
    cosigned = [line for line in lines if (line.name, line.key_id) != (log.name, log.key_id)]
    needed = sum((line.name, line.key_id) in first for line in cosigned)
    if needed < opened.quorum:
        raise _not(f"{needed} of the {opened.quorum} cosignatures that entry 0 asks for", "checkpoint")
    if policy is not None:
        require_quorum(policy, judge(policy, data))
    return checkpoint, tuple(line.name for line in cosigned)


def _sealed(keys: Keychain, entries: Sequence[OpenedEntry], *, contest: str) -> tuple[ContestRow, CompiledForm, RecapSealed]:
    """The contest as it was listed, its form, and the seal, by the sealer's key in force there; ``entries`` are these three."""
    row: ContestRow | None = None
    forms: FormsDefined | None = None
    for entry in entries[:-1]:
        part, data = f"entry {entry.index}", entry.event.data
        if isinstance(data, FormsDefined) and forms is None:
            forms = data
        elif isinstance(data, ContestsListed) and row is None:
            row = next((each for each in data.contests if each.code == contest), None)
            if row is None:
                raise _not("it does not list the contest", part, contest=contest)
        else:
            raise _not("it has no business in this proof", part)
    if not entries or row is None or forms is None:
        raise _not("the contest or its form is missing", "entries")
    index, seal = entries[-1].index, entries[-1].event
    if not isinstance(seal.data, RecapSealed) or seal.data.size != index:
        raise _not("the last entry is no seal over the entries before it", f"entry {index}")
    if seal.key != keys.sealer_at(index):
        raise _not("not sealed by the sealer", f"entry {index}")
    form = next((each for each in forms.forms if (each.code, each.version) == (row.form, row.version)), None)
    if form is None:
        raise _not("the form is another than the contest's", "entries", form=row.form)
    return row, compile_form(form), seal.data


class _Descent:
    """From the top down: every page is of an area whose row is known by then, and makes the rows in it known."""

    def __init__(self, contest: ContestRow, form: CompiledForm, digits: tuple[int, ...], proof: TotalProof) -> None:
        self._contest = contest
        self._form = form
        self._digits = digits
        self._proof = proof
        self._area = proof.area
        self._pending: dict[str, AreaRow] = {}
        self._found: AreaRow | StationRow | None = None
        self.below = 0
        self.stations = 0

    def walk(self) -> AreaRow | StationRow:
        """The row that is proven."""
        top = _read(bytes(self._proof.top), _area_decoder, "top")
        if top.code != self._contest.area:
            raise _not("the top row is not of the contest's own area", "top", area=top.code)
        self._learn(top)
        for page in self._proof.pages:
            self._page(page)
        if self._found is None:
            raise _not("no page leads to the area", "pages", area=self._area)
        if isinstance(self._found, AreaRow) and self._area in self._pending:
            raise _not("the area's own page is missing", "pages", area=self._area)
        return self._found

    def open_below(self) -> bool:
        """Whether there are areas in the proven one whose page is not in the file."""
        return any(code.startswith(self._area) for code in self._pending)

    def _learn(self, row: AreaRow | StationRow) -> None:
        if row.code == self._area:
            self._found = row
        if isinstance(row, AreaRow):
            self._pending[row.code] = row

    def _page(self, page: PagePart) -> None:
        part = f"page {page.area or 'all'}"
        parent = self._pending.pop(page.area, None)
        inside = page.area.startswith(self._area)
        if parent is None or not (inside or self._area.startswith(page.area)):
            raise _not("the page is of no area on the way, or is there twice, or is out of order", part)
        length = min((digits for digits in self._digits if digits > len(page.area)), default=0)
        lowest = length == self._digits[-1]
        tag = STATION_TAG if lowest else AREA_TAG
        rows: list[AreaRow | StationRow] = [
            _read(bytes(raw), _station_decoder, where) if lowest else _read(bytes(raw), _area_decoder, where)
            for at, raw in enumerate(page.rows)
            for where in (f"{part}, row no. {at}",)
        ]
        hashes = b"".join(tagged_hash(tag, bytes(raw)) for raw in page.rows)
        if parent.children != len(rows) or parent.children_hash != hashlib.sha256(hashes).digest():
            raise _not("the rows are not those that the area's row is over", part)
        before = ""
        for row in rows:
            code = row.code
            if row.contest != self._contest.code or len(code) != length or not code.startswith(page.area) or code <= before:
                raise _not("a row is of another contest or place, or out of order", part, row=code)
            before = code
        self._add_up(parent, rows, part)
        self.below += inside
        self.stations += len(rows) if lowest and inside else 0
        for row in rows:
            self._learn(row)

    def _add_up(self, parent: AreaRow, rows: Sequence[AreaRow | StationRow], part: str) -> None:
        figures = self._form.figure_count
        parts = [self._sums(row, part) for row in rows]
        total = Sums.together(parts, figures)
        said = _sums_of(parent)
        if any(isinstance(row, StationRow) for row in rows):
            # A station's row does not say whether a revote is awaited; at most those where nothing stands can be.
            most = sum(isinstance(row, StationRow) and not row.standing for row in rows)
            if said.counts[AWAITING] > most:
                raise _not("more stations await a revote than have no form", part)
            total = Sums(total.figures, total.present, (*total.counts[:AWAITING], said.counts[AWAITING]))
        if total != said:
            raise _not("the rows do not add up to the area's", part)

    def _sums(self, row: AreaRow | StationRow, part: str) -> Sums:
        figures = self._form.figure_count
        sums = _sums_of(row) if isinstance(row, AreaRow) else station_sums(row, figures)
        if len(sums.figures) != figures or len(sums.present) != figures:
            raise _not("a row has another number of figures than the form", part, row=row.code)
        return sums


def _sums_of(row: AreaRow) -> Sums:
    return Sums(row.sums, row.present, row.counts)


def station_sums(row: StationRow, figures: int) -> Sums:
    """What a station's row adds to its area, as far as the row says; awaiting is 0."""
    taken = row.figures if row.standing and row.state != "held" else (None,) * figures
    numbers = [value if isinstance(value, int) else None for value in taken]
    counts = (
        1,
        int(bool(row.standing)),
        int(row.state == "held"),
        int(row.state == "differing"),
        int(row.state == "confirmed"),
        int(row.changes > 0),
        int(bool(row.findings)),
        0,
    )
    return Sums(tuple(value or 0 for value in numbers), tuple(int(value is not None) for value in numbers), counts)
