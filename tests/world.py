"""A small election, built by hand: what most tests stand on.

``World`` holds the keys (derived from their names), their streams and the data of entry 0; it signs events and hands out bytes.
``MemoryLog`` appends them to a log in memory: it decides as intake, replay and audit do, over a view that refuses every read
that the fold did not name beforehand, and checks that a decision changed nothing.  ``make_node`` makes a ledger folder for them.

The form has six figures in three blocks and two rules: small enough to add up in the head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.device.stream import EventStream, Signed
from ledger.errors import Refused, Waiting
from ledger.node import Node
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.merkle import leaf_hash
from ledger.proof.note import NoteSigner, parse_note
from ledger.tally.events import (
    AreaRow,
    Candidate,
    ContestRow,
    ContestsListed,
    Cutoff,
    ElectionOpened,
    EventData,
    Figures,
    FormRef,
    FormsDefined,
    JurisdictionsListed,
    KeyRevoked,
    KeyRow,
    KeysEnrolled,
    Level,
    Registrar,
    Root,
    StationRow,
    TallyCorrected,
    TallyHeld,
    TallyReleased,
    TallySubmitted,
)
from ledger.tally.fold import decide, more, needs
from ledger.tally.forms import Block, FigureDefinition, FormDefinition, RuleDefinition, check_form
from ledger.tally.memory import Memory
from ledger.tally.projection import PROJECTION, SUMS, digest, sums_key, trace
from ledger.tally.rollup import roll_up
from ledger.tally.signing import (
    Opened,
    SigningKey,
    draft_digest,
    encode_entry,
    open_entry,
    open_submission,
    possession_digest,
    root_digest,
)
from ledger.tally.state import ELECTION, SINGLE, At, Change, Need, Range, Table

from .proof.models import tree_root

ORIGIN = "test.example/ledger"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"log").digest())
START_MS = 1_732_700_000_000

LEVELS = (Level("province", 2), Level("city", 4), Level("district", 6), Level("village", 10), Level("station", 13))
AREAS = (
    AreaRow("17", "Provinsi"),
    AreaRow("1771", "Kota"),
    AreaRow("177101", "Kecamatan A"),
    AreaRow("177102", "Kecamatan B"),
    AreaRow("1771011001", "Kelurahan A1"),
    AreaRow("1771011002", "Kelurahan A2"),
    AreaRow("1771021001", "Kelurahan B1"),
)
STATIONS = ("1771011001001", "1771011001002", "1771011002001", "1771021001001")
"""Two in one village, one in the next, one in another district."""

FORM = check_form(
    FormDefinition(
        code="small",
        version=1,
        title_id="Formulir kecil",
        title_en="Small form",
        blocks=(Block("voters", "Pemilih", "Voters"), Block("votes", "Suara", "Votes"), Block("ballots", "Surat", "Ballots")),
        figures=(
            FigureDefinition("dpt", 0, 0, 3, "DPT", "Registered"),
            FigureDefinition("votes-1", 1, 1, 3, "Suara 1", "Votes 1"),
            FigureDefinition("votes-2", 1, 2, 3, "Suara 2", "Votes 2"),
            FigureDefinition("valid", 1, 0, 3, "Sah", "Valid"),
            FigureDefinition("invalid", 2, 0, 3, "Tidak sah", "Invalid"),
            FigureDefinition("received", 2, 0, 3, "Diterima", "Received"),
        ),
        rules=(
            RuleDefinition("r5", "error", ((1, 1), (1, 2)), "=", ((1, 3),)),
            RuleDefinition("r9", "warning", ((1, 3), (1, 4)), "<=", ((1, 5),)),
        ),
    )
)
BLOCK_OF = (0, 1, 1, 1, 2, 2)
GOOD: Figures = (300, 120, 100, 220, 5, 307)
"""Figures that keep every rule."""

CANDIDATES = (Candidate(1, "A", "candidate"), Candidate(2, "B", "candidate"))


def contest_row(code: str, area: str, *, form: FormDefinition = FORM, deciding: str = "city") -> ContestRow:
    """A contest of two pairs on the small form."""
    return ContestRow(code, code.title(), code.title(), form.code, form.version, area, CANDIDATES, ("district",), deciding)


def station_row(code: str, *, contests: tuple[str, ...] = ("mayor", "governor")) -> StationRow:
    """A station of the small election."""
    return StationRow(code, f"TPS {code[-3:]}", "Asia/Jakarta", 150, 150, contests)


def submitted(station: str, figures: Figures = GOOD, *, contest: str = "mayor", **other: Any) -> TallySubmitted:
    """``tally.submitted`` of the small form; ``other`` fields replace the usual ones."""
    usual: dict[str, Any] = {"round": 0, "form": FormRef(FORM.code, FORM.version), "source": "plano", "photos": ()}
    return TallySubmitted(contest=contest, station=station, figures=figures, **{**usual, **other})


def corrected(
    station: str, supersedes: Iterable[bytes], figures: Figures = GOOD, *, contest: str = "mayor", **other: Any
) -> TallyCorrected:
    """``tally.corrected``; the superseded events in ascending order."""
    usual: dict[str, Any] = {"round": 0, "form": FormRef(FORM.code, FORM.version), "source": "plano", "photos": ()}
    usual |= {"supersedes": tuple(sorted(supersedes)), "reason": "typing-error"}
    return TallyCorrected(contest=contest, station=station, figures=figures, **{**usual, **other})


def held(station: str, *, contest: str = "mayor", round_: int = 0) -> TallyHeld:
    """``tally.held``."""
    return TallyHeld(contest=contest, station=station, round=round_, reason="under-review")


def released(station: str, *, contest: str = "mayor", round_: int = 0) -> TallyReleased:
    """``tally.released``."""
    return TallyReleased(contest=contest, station=station, round=round_, reason="reviewed")


class World:
    """Keys, streams and entry 0 of one election.  Names: ``root-1``, ``root-2``, ``sealer``, ``commission`` and ``watchdog``
    (registrars), ``administrator``, ``officer`` (the city), ``officer-b`` (district 177102), ``importer``, ``supervisor``, and the
    operators ``<station>/1`` and ``<station>/2``."""

    def __init__(
        self,
        *,
        stations: Sequence[str] = STATIONS,
        cutoffs: tuple[Cutoff, ...] = (),
        origin: str = ORIGIN,
        log_key: Ed25519PrivateKey = LOG_KEY,
        name: str = "Pemilihan uji",
    ) -> None:
        self.stations = tuple(stations)
        self.origin = origin
        self.log_key = log_key
        self.signer = NoteSigner(origin, log_key)
        self.streams: dict[str, EventStream] = {}
        self.opening = self._opening(cutoffs, name)
        self._first = EventStream(self.key("root-1"), ledger=b"").sign(self.opening, claimed_at=START_MS)
        self.ledger = self._first.event_id

    def key(self, name: str) -> SigningKey:
        """The key of that name, on this election's every run the same."""
        return _key(name)

    def stream(self, name: str) -> EventStream:
        """The stream of the key of that name."""
        if name not in self.streams:
            first = (1, self.ledger) if name == "root-1" else (0, None)
            self.streams[name] = EventStream(self.key(name), ledger=self.ledger, position=first[0], previous=first[1])
        return self.streams[name]

    def sign(self, name: str, data: EventData) -> Signed:
        """The next event of that key's stream."""
        return self.stream(name).sign(data, claimed_at=START_MS)

    def peek(self, name: str, data: EventData) -> Signed:
        """As ``sign``, but the stream stays where it is: for acts that will be refused."""
        at = self.stream(name)
        return EventStream(at.key, ledger=at.ledger, position=at.position, previous=at.previous).sign(data, claimed_at=START_MS)

    def _opening(self, cutoffs: tuple[Cutoff, ...], name: str) -> ElectionOpened:
        blank = bytes(64)
        names = ("root-1", "root-2", "commission", "watchdog", "sealer")
        draft = draft_digest(self._founders(dict.fromkeys(names, blank), cutoffs, name))
        signatures = {key: self.key(key).sign(root_digest(draft)) for key in names[:2]}
        for key in ("commission", "watchdog"):
            signatures[key] = self._prove(draft, key, "registrar", "", key)
        signatures["sealer"] = self._prove(draft, "sealer", "sealer", "", "sealer")
        return self._founders(signatures, cutoffs, name)

    def _founders(self, signatures: dict[str, bytes], cutoffs: tuple[Cutoff, ...], name: str) -> ElectionOpened:
        def point(key: str) -> bytes:
            return self.key(key).point

        return ElectionOpened(
            name=name,
            kind="synthetic",
            day="2024-11-27",
            zones=("Asia/Jakarta", "Asia/Jayapura"),
            levels=LEVELS,
            origin=self.origin,
            log_key=self.signer.vkey,
            sealer=Root(point("sealer"), signatures["sealer"]),
            witnesses=(),
            quorum=0,
            roots=tuple(Root(point(key), signatures[key]) for key in ("root-1", "root-2")),
            registrars=(
                Registrar(
                    "commission",
                    point("commission"),
                    "",
                    ("administrator", "operator", "officer", "importer"),
                    signatures["commission"],
                ),
                Registrar("watchdog", point("watchdog"), "", ("supervisor",), signatures["watchdog"]),
            ),
            second_seats=(),
            cutoffs=cutoffs,
        )

    def _prove(self, ledger: bytes, name: str, role: str, scope: str, seat: str) -> bytes:
        key = self.key(name)
        return key.sign(possession_digest(ledger, point=key.point, role=role, scope=scope, seat=seat))

    def key_row(self, name: str, role: str, scope: str, seat: str, *, valid_until: int = 0) -> KeyRow:
        """A row of ``keys.enrolled``, with its proof of possession unless the key is an operator's."""
        proof = () if role == "operator" else (self._prove(self.ledger, name, role, scope, seat),)
        return KeyRow(self.key(name).point, role, scope, seat, valid_until, proof)  # type: ignore[arg-type]

    def operator_row(self, station: str, seat: str, *, valid_until: int = 0) -> KeyRow:
        """The row that enrols ``<station>/<seat>``."""
        return self.key_row(f"{station}/{seat}", "operator", station, seat, valid_until=valid_until)

    @property
    def first(self) -> Signed:
        """Entry 0."""
        return self._first

    def enrol(self, *rows: KeyRow, by: str = "commission") -> Signed:
        """``keys.enrolled``."""
        return self.sign(by, KeysEnrolled(keys=rows))

    def revoke(self, name: str, *, by: str = "commission", **marks: int) -> Signed:
        """``key.revoked``; ``marks``: suspect_since, last_good."""
        return self.sign(by, KeyRevoked(key=self.key(name).point, reason="lost", **marks))

    def founding(self) -> list[Signed]:
        """Entry 0 and everything up to the first tally, 9 events, in order."""
        return [
            self.first,
            self.enrol(self.key_row("administrator", "administrator", "", "admin")),
            self.sign("administrator", FormsDefined(forms=(FORM,))),
            self.sign(
                "administrator",
                ContestsListed(contests=(contest_row("mayor", "1771"), contest_row("governor", "17", deciding="province"))),
            ),
            self.sign("administrator", JurisdictionsListed(areas=AREAS, stations=())),
            self.sign(
                "administrator",
                JurisdictionsListed(areas=(), stations=tuple(station_row(code) for code in self.stations)),
            ),
            self.enrol(
                self.key_row("officer", "officer", "1771", "city-1"),
                self.key_row("officer-b", "officer", "177102", "district-1"),
                self.key_row("importer", "importer", "17", "import"),
            ),
            self.enrol(self.key_row("supervisor", "supervisor", "1771", "bawaslu-1"), by="watchdog"),
            self.enrol(*(self.operator_row(code, seat) for code in self.stations for seat in ("1", "2"))),
        ]


def _key(name: str) -> SigningKey:
    if name not in _KEYS:
        _KEYS[name] = SigningKey.derive(name.encode())
    return _KEYS[name]


_KEYS: dict[str, SigningKey] = {}


class Unnamed(AssertionError):
    """A decision read a row that it had not named."""


class Named:
    """A view over ``state`` that answers for the named rows alone."""

    def __init__(self, state: Memory, event: Opened) -> None:
        self._state = state
        self._named: set[tuple[str, bytes]] = set()
        self._ranges: list[tuple[str, bytes]] = []
        election = state.get(ELECTION, SINGLE)
        self._name(needs(event, () if election is None else election.digits))
        for named in more(self, event):
            self._name(named)

    def _name(self, named: Iterable[Need]) -> None:
        for need in named:
            if isinstance(need, Range):
                self._ranges.append((need.table.name, need.prefix))
            else:
                self._named.add((need[0].name, need[1]))

    def get(self, table: Table[Any], key: bytes, /) -> Any:
        """The row, if it was named."""
        if (table.name, key) not in self._named and not self._within(table, key):
            raise Unnamed(f"{table.name} {key!r}")
        return self._state.get(table, key)

    def under(self, table: Table[Any], prefix: bytes = b"") -> Iterator[tuple[bytes, Any]]:
        """The rows below, if the range was named."""
        if not self._within(table, prefix):
            raise Unnamed(f"{table.name} from {prefix!r}")
        return self._state.under(table, prefix)

    def _within(self, table: Table[Any], key: bytes) -> bool:
        return any(name == table.name and key.startswith(prefix) for name, prefix in self._ranges)


def rows_of(state: Memory) -> dict[str, dict[bytes, Any]]:
    """Every row of a state in memory, copied: rows are immutable, so this is a picture of the moment."""
    return {table.name: dict(state.under(table)) for table in PROJECTION}


def copied(state: Memory) -> Memory:
    """A state of its own with the same rows; what was derived from them is derived afresh."""
    copy = Memory()
    for table in PROJECTION:
        for key, row in state.under(table):
            copy.put(table, key, row)
    return copy


def digest_of(state: Memory) -> str:
    """The digest of a projection in memory, totals included."""
    full = copied(state)
    for (contest, area), sums in roll_up(state).items():
        full.put(SUMS, sums_key(contest, area), sums)
    return digest((table.name, key, table.encode(row)) for table in PROJECTION for key, row in full.under(table))


class MemoryLog:
    """A log in memory, as an auditor would fold it.  ``time`` is the clock; ``entries`` the bytes; ``codes`` all codes seen."""

    def __init__(self, founding: Iterable[Signed] = ()) -> None:
        self.state = Memory()
        self.entries: list[bytes] = []
        self.indexes: dict[bytes, int] = {}
        self.time = START_MS
        self.codes: set[str] = set()
        for signed in founding:
            self.append(signed)

    def decide(self, submission: bytes, *, watched: bool = True) -> Change | Refused | Waiting:
        """What the submission would do next; the state stays what it was, and only named rows are read."""
        try:
            event = open_submission(submission)
        except Refused as refusal:
            return self._seen(refusal)
        before = rows_of(self.state) if watched else {}
        answer = decide(Named(self.state, event), event, At(len(self.entries), self.time))
        if watched:
            assert rows_of(self.state) == before, "a decision changed the state"
        return self._seen(answer)

    def take(self, submission: bytes, *, watched: bool = False) -> Change | Refused | Waiting:
        """Decides and, where the answer is a change, appends."""
        answer = self.decide(submission, watched=watched)
        if isinstance(answer, Change):
            event = open_submission(submission)
            index = len(self.entries)
            chain = leaf_hash(self.entries[-1]) if self.entries else bytes(32)
            self.entries.append(
                encode_entry(index=index, chain=chain, sequenced_at=self.time, payload=event.payload, signature=event.signature)
            )
            self.indexes[event.event_id] = index
            self.state.apply(answer)
            for table, key, row in trace(index, answer):
                self.state.put(table, key, row)
        return answer

    def append(self, signed: Signed) -> Signed:
        """Appends an event that must take effect."""
        answer = self.take(signed.submission)
        assert code_of(answer) == "ok", answer
        return signed

    def _seen(self, answer: Change | Refused | Waiting) -> Change | Refused | Waiting:
        self.codes.add(answer.void if isinstance(answer, Change) else answer.code)
        return answer


def code_of(answer: object) -> str:
    """How an answer reads in a table: ``ok``, ``void <code>``, ``refused <code>`` or ``waiting <code>``."""
    match answer:
        case Refused(code=code):
            return f"refused {code}"
        case Waiting(code=code):
            return f"waiting {code}"
        case _:
            code = answer.void  # type: ignore[attr-defined]
            return f"void {code}" if code else "ok"


class Clock:
    """A clock that goes on by a second at each look, and can be set."""

    def __init__(self, now: int = START_MS, step: int = 1_000) -> None:
        self.now = now
        self.step = step

    def __call__(self) -> int:
        self.now += self.step
        return self.now


def make_node(folder: Path, world: World, *, clock: Any = None, database: str | None = None) -> Node:
    """A new, empty ledger folder for ``world``."""
    return Node.create(folder, origin=world.origin, log_key=world.log_key, clock=clock or Clock(), database=database)


def check_log(node: Node) -> list[bytes]:
    """The whole log, found good: indexes, chain, tree, signed checkpoint, signatures, times, and a replay equal to what stands."""
    head = node.head()
    with node.entries() as rows:
        stored = list(rows)
    chain, time = bytes(32), 0
    for index, row in enumerate(stored):
        entry = open_entry(row.entry)
        assert (row.index, entry.index, entry.chain) == (index, index, chain)
        assert (row.leaf, row.event_id) == (entry.leaf, entry.event.event_id)
        assert entry.sequenced_at >= time
        chain, time = entry.leaf, entry.sequenced_at
    assert (head.size, head.chain, head.sequenced_at) == (len(stored), chain, time)
    leaves = [row.leaf for row in stored]
    assert head.frontier.root() == tree_root(leaves)
    checkpoint = parse_checkpoint(parse_note(head.checkpoint).text)
    assert (checkpoint.size, checkpoint.root) == (head.size, head.frontier.root())
    assert len({row.event_id for row in stored}) == len(stored)
    replayed = node.replay(rebuilding=False)
    assert replayed.digest == replayed.standing, replayed.differences
    return [row.entry for row in stored]


def submissions_of(signed: Iterable[Signed]) -> list[bytes]:
    """The bytes to send."""
    return [each.submission for each in signed]


def season(world: World) -> Iterator[Signed]:
    """About thirty acts after the founding, among them void ones: every kind of standing, on every station of STATIONS."""
    one, two, three, four = STATIONS
    other: Figures = (300, 121, 100, 221, 5, 307)
    blank: Figures = (300, None, 100, 220, "x", "-")
    a = world.sign(f"{one}/1", submitted(one))
    yield a
    yield world.sign(f"{one}/2", submitted(one))
    b = world.sign(f"{two}/1", submitted(two, (300, 120, 100, 999, 5, 307)))
    yield b
    c = world.sign(f"{two}/2", submitted(two, GOOD))
    yield c
    d = world.sign(f"{three}/1", submitted(three, blank))
    yield d
    yield world.sign(f"{three}/1", submitted(three, GOOD))  # void: already-submitted
    yield world.sign("importer", submitted(four, GOOD, contest="governor", source="import"))
    yield world.sign(f"{four}/1", submitted(four, other, contest="governor"))  # void: already-decided
    yield world.sign(f"{four}/1", submitted(four, other))
    yield world.sign("officer-b", held(four))
    yield world.sign("officer-b", held(four))  # void: already-held
    yield world.sign(f"{four}/2", submitted(four, other))
    yield world.sign("officer-b", released(four))
    yield world.sign("officer-b", released(four))  # void: not-held
    e = world.sign("officer", corrected(two, [b.event_id, c.event_id], other))
    yield e
    yield world.sign(f"{two}/1", corrected(two, [b.event_id], GOOD))  # void: already-decided
    yield world.sign("officer", corrected(two, [b.event_id], GOOD))  # void: stale
    f = world.sign(f"{three}/1", corrected(three, [d.event_id], GOOD))
    yield f
    yield world.sign(f"{three}/1", corrected(three, [d.event_id], other))  # void: stale
    yield world.sign(f"{one}/1", corrected(one, [a.event_id], other))
    yield world.revoke(f"{one}/2", suspect_since=9, last_good=1)
    yield world.sign(f"{one}/2", corrected(one, [a.event_id], other))  # void: key-revoked
    yield world.enrol(world.key_row(f"{one}/2b", "operator", one, "2"))
    yield world.revoke(f"{one}/2", suspect_since=9)  # void: key-already-revoked
    yield world.sign(f"{one}/2b", submitted(one, other, contest="governor"))
    yield world.sign("officer", held(one))
    yield world.sign(f"{three}/2", submitted(three, other))
    yield world.sign(f"{two}/1", submitted(two, other, contest="governor"))
    yield world.sign("importer", corrected(two, [e.event_id], GOOD, source="import"))
