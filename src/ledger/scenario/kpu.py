"""The import of what KPU published: every version of every station becomes what it would have been in a ledger.

- A station's first version is a submission by the key of its operator's seat; what comes later is done by the key of the office
  (kab/kota) with the role importer.  The importer makes all keys from the files' hashes: nobody at a station signed anything, and
  entry 0, roles and sources say so.
- A later version is a correction: ``source-completed`` where blanks became numbers, ``source-changed`` otherwise (the author was
  not published), ``photo-added`` or ``photo-removed`` where no figure changed.  What changed nothing is no event.
- Votes withdrawn, or a version with neither votes nor figures: a hold; withdrawn while other figures changed: a correction with
  blank votes, then the hold.  A return: the correction if figures differ, then the release.
- Times are the sources'; the log's clock follows them.  Events stand in the order of their times, those of a station in its order.

The way: 1 read all files and spool their versions; 2 put the versions in order; 3 open the election; 4 walk the versions and
submit.  Memory holds a few numbers a version and 41 bytes a station.

Left to others: the files' formats (``kpu_sources``), words and progress bars (``cli``).
"""

from __future__ import annotations

import datetime
import gc
import hashlib
import itertools
import operator
import os
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Literal, NamedTuple

import msgspec

from ledger.errors import BadInput, Broken
from ledger.node import Node
from ledger.scenario.founding import Founding, Sender, SteppedClock, found
from ledger.scenario.kpu_sources import FIGURES, VOTES, WIB, BadRow, Version, file_digest, read_area_names, read_versions
from ledger.tally.events import (
    AreaRow,
    Candidate,
    ContestRow,
    EventData,
    FormRef,
    KeyRow,
    Level,
    Photo,
    StationRow,
    TallyCorrected,
    TallyHeld,
    TallyReleased,
    TallySubmitted,
    type_of,
)
from ledger.tally.forms import FormDefinition, shipped_form

__all__ = ["BAD_ROWS_SHOWN", "CONTEST", "ImportReport", "Progress", "SourceFile", "Step", "import_kpu", "steps"]

FILES_MAX: Final = 1_000
STATIONS_MAX: Final = 1_000_000
BAD_ROWS_SHOWN: Final = 100
TELL_EVERY: Final = 1_000
GC_THRESHOLD_OBJECTS: Final = 200_000

CONTEST: Final = "president"
ORIGIN: Final = "import.ledger.example/pilpres2024"
ELECTION_NAME: Final = "Pemilu Presiden 2024, impor dari data KPU (import of KPU's data; no official ledger)"
ELECTION_DAY: Final = "2024-02-14"
NATION_NAME: Final = "INDONESIA"
_DAY_BEGINS: Final = int(datetime.datetime(2024, 2, 14, tzinfo=WIB).timestamp()) * 1000

LEVELS: Final = tuple(
    Level(code, digits)
    for code, digits in (("nation", 0), ("province", 2), ("city", 4), ("district", 6), ("village", 10), ("station", 13))
)
_OFFICE_DIGITS: Final = 4
_STATION_DIGITS: Final = 13
_SPECIAL_NUMBER: Final = 901

CANDIDATES: Final = (
    Candidate(1, "Anies Rasyid Baswedan - A. Muhaimin Iskandar", "candidate"),
    Candidate(2, "Prabowo Subianto - Gibran Rakabuming Raka", "candidate"),
    Candidate(3, "Ganjar Pranowo - Moh. Mahfud MD", "candidate"),
)

ZONES: Final = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")
_ZONE_OF: Final = {
    **dict.fromkeys(("51", "52", "53", "63", "64", "65", "71", "72", "73", "74", "75", "76"), "Asia/Makassar"),
    **dict.fromkeys(("81", "82", "91", "92", "93", "94", "95", "96"), "Asia/Jayapura"),
}
"""By province; all others keep WIB.  So do the stations overseas (99): each has its own zone, which the sources do not say."""

Progress = Callable[[str, int, int], None]
"""Told (step, done, of how many): ``read`` in files, ``enrol`` in stations, ``submit`` in versions."""


class SourceFile(msgspec.Struct, frozen=True):
    """A file that was read: its name, SHA-256 in hex, and the versions in it."""

    name: str
    sha256: str
    versions: int


class ImportReport(msgspec.Struct, frozen=True):
    """What an import made.  ``bad_rows``: the first 100 of ``bad_row_count``.  ``events`` by type, all entries of the log;
    ``reasons`` of corrections, holds and releases.  ``root`` and ``ledger`` in hex."""

    files: tuple[SourceFile, ...]
    versions: int
    bad_row_count: int
    bad_rows: tuple[BadRow, ...]
    stations: int
    events: dict[str, int]
    reasons: dict[str, int]
    entries: int
    seconds: float
    events_per_second: float
    root: str
    ledger: str


def import_kpu(files: Sequence[Path], into: Path, *, areas: Path | None, progress: Progress | None = None) -> ImportReport:
    """A new ledger in ``into`` (a new or empty folder) from KPU's files.  The same files in the same order give the same root.

    ``areas``: the table of area names; None: ``../wilayah/kpu2024_wilayah.csv.gz`` beside the first file, and without that the
    codes are the names.  Raises ``BadInput`` for files that cannot be read (then nothing was made), ``Broken`` for the store.
    """
    started = time.perf_counter()
    tell = progress or _tell_nobody
    if not 0 < len(files) <= FILES_MAX:
        raise BadInput("sources-count", f"an import reads 1 to {FILES_MAX:,} files", files=len(files))
    areas = areas or _areas_beside(files[0])
    with _collector_at_ease(), _spool() as spool:
        versions = _Versions(spool)
        for number, path in enumerate(files):
            tell("read", number, len(files))
            versions.read(path)
        tell("read", len(files), len(files))
        order = versions.in_order()
        if not order:
            raise BadInput("sources-empty", "the files hold no version of any station", bad_rows=versions.bad_rows)
        importer = _Importer(into, versions, areas, tell)
        with importer.node:
            importer.open_election()
            importer.walk(order)
            head = importer.node.head()
    seconds = time.perf_counter() - started
    return ImportReport(
        tuple(versions.files),
        len(order),
        versions.bad_rows,
        tuple(versions.shown),
        len(versions.stations),
        dict(sorted(importer.events.items())),
        dict(sorted(importer.reasons.items())),
        head.size,
        round(seconds, 3),
        round(head.size / seconds, 1),
        head.frontier.root().hex(),
        importer.founding.ledger.hex(),
    )


def _tell_nobody(_step: str, _done: int, _total: int) -> None:
    pass


@contextmanager
def _collector_at_ease() -> Iterator[None]:
    """Events are made and dropped without cycles; looking for some after every 700 objects costs a sixth of an import."""
    thresholds = gc.get_threshold()
    gc.set_threshold(GC_THRESHOLD_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


@contextmanager
def _spool() -> Iterator[IO[bytes]]:
    """A temporary file that is gone afterwards; ``Broken`` ``disk-full`` where it cannot be written."""
    try:
        with tempfile.TemporaryFile() as spool:
            yield spool
    except OSError as problem:
        raise Broken("disk-full", f"the import's temporary file: {problem.strerror}", path=tempfile.gettempdir()) from problem


def _areas_beside(first: Path) -> Path | None:
    path = first.resolve().parent.parent / "wilayah" / "kpu2024_wilayah.csv.gz"
    return path if path.is_file() else None


# --- what follows from a version -------------------------------------------------------------------------------------------------


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What a version shows: figures in the order of ``FIGURES``, and photos as (page, hash of the name)."""

    figures: tuple[int | None, ...]
    photos: tuple[tuple[int, bytes], ...]


class Step(NamedTuple):
    """One act that follows from a version, with its reason ('' for a submission)."""

    act: Literal["submit", "correct", "hold", "release"]
    reason: str


SHOWN, WITHDRAWN, VOTES_WITHDRAWN = range(3)
"""Whether a station is held, and until what returns: anything, or votes."""


def steps(standing: Seen | None, held: int, now: Seen) -> tuple[tuple[Step, ...], bool, int]:
    """What follows from a version, whether its figures stand from then on, and whether the station is held.

    ``standing``: the version whose figures stand; None before the first with any.
    """
    empty = now.figures.count(None) == len(now.figures)
    if standing is None:
        return ((), False, held) if empty else ((Step("submit", ""),), True, held)
    had_votes = held == VOTES_WITHDRAWN or _has_votes(standing)
    if had_votes and not _has_votes(now):
        hold = () if held else (Step("hold", "source-withdrawn"),)
        if empty or (_has_votes(standing) and now.figures[VOTES:] == standing.figures[VOTES:]):
            return hold, False, VOTES_WITHDRAWN
        change = _change(standing, now)
        return (*change, *hold), bool(change), VOTES_WITHDRAWN
    if empty:
        return (() if held else (Step("hold", "source-withdrawn"),)), False, WITHDRAWN
    change = _change(standing, now)
    release = (Step("release", "source-returned"),) if held else ()
    return (*change, *release), bool(change), SHOWN


def _has_votes(seen: Seen) -> bool:
    return seen.figures[:VOTES].count(None) < VOTES


def _change(standing: Seen, now: Seen) -> tuple[Step, ...]:
    """The correction that leads from one version to the other, if any; photos are known by their names, whatever their page."""
    if now.figures != standing.figures:
        changed = [old for old, new in zip(standing.figures, now.figures, strict=True) if old != new]
        return (Step("correct", "source-completed" if changed.count(None) == len(changed) else "source-changed"),)
    before, after = ({name for _, name in seen.photos} for seen in (standing, now))
    if before == after:
        return ()
    return (Step("correct", "photo-added" if after - before else "photo-removed"),)


# --- the versions of all files ---------------------------------------------------------------------------------------------------


class _Versions:
    """All versions: their contents in a spool on disk, their order in arrays, stations as indexes into ``stations``."""

    def __init__(self, spool: IO[bytes]) -> None:
        self.files: list[SourceFile] = []
        self.bad_rows = 0
        self.shown: list[BadRow] = []
        self.stations = array("Q")
        self.station = array("Q")  # of each version: its code, after ``in_order`` its index
        self.time = array("Q")
        self._file = array("H")
        self._order = array("Q")
        self._end = array("Q", [0])
        self._spool = spool
        self._decode = msgspec.msgpack.Decoder(Seen).decode

    def read(self, path: Path) -> None:
        """Adds a file's versions."""
        encode = msgspec.msgpack.Encoder().encode
        before, end = len(self.time), self._end[-1]
        for row in read_versions(path):
            if isinstance(row, BadRow):
                self.bad_rows += 1
                if len(self.shown) < BAD_ROWS_SHOWN:
                    self.shown.append(row)
                continue
            end += self._spool.write(encode(Seen(row.figures, row.photos)))
            self._add(row, end)
        self.files.append(SourceFile(path.name, file_digest(path), len(self.time) - before))

    def _add(self, row: Version, end: int) -> None:
        self.station.append(row.station)
        self.time.append(row.time)
        self._file.append(len(self.files))
        self._order.append(row.order)
        self._end.append(end)

    def in_order(self) -> array[int]:
        """The versions' indexes in the order of time, station, file, version.

        Inside a file a station's versions keep their order: one whose time is before the last one's takes that time.
        """
        self._spool.flush()
        station, file, order, moment = self.station, self._file, self._order, self.time
        ranked = sorted(range(len(moment)), key=lambda at: station[at] << 64 | file[at] << 48 | order[at])
        last = (-1, -1)
        latest = 0
        for at in ranked:
            if (station[at], file[at]) != last:
                last, latest = (station[at], file[at]), 0
            latest = moment[at] = max(moment[at], latest)
        for code, group in itertools.groupby(ranked, key=station.__getitem__):
            index = len(self.stations)
            self.stations.append(code)
            for at in group:
                station[at] = index
        if len(self.stations) > STATIONS_MAX:
            raise BadInput("stations-too-many", f"an import takes at most {STATIONS_MAX:,} stations", stations=len(self.stations))
        ranked.sort(key=lambda at: moment[at] << 64 | station[at])
        return array("Q", ranked)

    def seen(self, at: int) -> Seen:
        """What a version shows."""
        return self._decode(os.pread(self._spool.fileno(), self._end[at + 1] - self._end[at], self._end[at]))


# --- the election ----------------------------------------------------------------------------------------------------------------


class _Importer:
    """An import on its way: the node, the keys, and for each station what stands."""

    def __init__(self, into: Path, versions: _Versions, areas: Path | None, tell: Progress) -> None:
        form = shipped_form("ppwp-2024", len(CANDIDATES))
        codes = [figure.code for figure in form.figures]
        blank = len(FIGURES)  # where the figures that KPU did not publish come from
        self._arrange = operator.itemgetter(*(FIGURES.index(code) if code in FIGURES else blank for code in codes))
        self._form = form
        self._ref = FormRef(form.code, form.version)
        self._versions = versions
        self._tell = tell
        wanted = {code for level in LEVELS[1:-1] for code in self._areas(level.digits)}
        self._names = {} if areas is None else read_area_names(areas, wanted)
        self._opened_at = min(_DAY_BEGINS, min(versions.time))
        self.founding = _founding(versions.files, areas, self._opened_at)
        clock = SteppedClock(self._opened_at)
        self.node = Node.create(
            into,
            origin=self.founding.opened.origin,
            log_key=self.founding.log_key,
            clock=clock,
            sealer=self.founding.sealer,
            automatic=False,  # the same files make the same root; `ledger seal` when a total is to be proven
        )
        self._sender = Sender(self.node, clock)
        self.events = self._sender.events
        self.reasons: Counter[str] = Counter()
        self._offices = {code: self.founding.stream("importer", code, "import") for code in self._areas(_OFFICE_DIGITS)}
        stations = len(versions.stations)
        self._standing_id = bytearray(32 * stations)
        self._standing_at = array("q", [-1]) * stations
        self._held = bytearray(stations)

    def _areas(self, digits: int) -> list[str]:
        """The codes of a level's areas, ascending."""
        unit = 10 ** (_STATION_DIGITS - digits)
        return [f"{code:0{digits}}" for code, _ in itertools.groupby(code // unit for code in self._versions.stations)]

    def open_election(self) -> None:
        """The founders, the form and the contest, all areas and stations, and a key for each station and office."""
        for name, signed in self.founding.setup(
            forms=[self._form],
            contests=[_contest(self._form)],
            areas=self._area_rows(),
            stations=self._station_rows(),
            keys=self._key_rows(),
            claimed_at=self._opened_at,
        ):
            self._sender.take(name, signed.submission, self._opened_at)
        self._sender.send()

    def _area_rows(self) -> Iterator[AreaRow]:
        yield AreaRow("", NATION_NAME)
        for level in LEVELS[1:-1]:
            for code in self._areas(level.digits):
                yield AreaRow(code, self._names.get(code, code))

    def _station_rows(self) -> Iterator[StationRow]:
        for number in self._versions.stations:
            code = f"{number:013}"
            special = " (khusus)" if number % 1000 >= _SPECIAL_NUMBER else ""
            zone = _ZONE_OF.get(code[:2], ZONES[0])
            yield StationRow(code, f"TPS {code[-3:]}{special}", zone, None, None, (CONTEST,))

    def _key_rows(self) -> Iterator[KeyRow]:
        for code, office in self._offices.items():
            yield self.founding.key_row("importer", code, "import", key=office.key)
        total = len(self._versions.stations)
        for done, number in enumerate(self._versions.stations):
            if done % TELL_EVERY == 0:
                self._tell("enrol", done, total)
            yield self.founding.key_row("operator", f"{number:013}", "1")
        self._tell("enrol", total, total)

    # --- the walk -----------------------------------------------------------------------------------------------------------------

    def walk(self, order: array[int]) -> None:
        """Every version in order, each becoming the acts that follow from it."""
        for done, at in enumerate(order):
            if done % TELL_EVERY == 0:
                self._tell("submit", done, len(order))
            station = self._versions.station[at]
            now = self._versions.seen(at)
            before = self._standing_at[station]
            standing = None if before < 0 else self._versions.seen(before)
            acts, stands, self._held[station] = steps(standing, self._held[station], now)
            for step in acts:
                self._act(step, station, now, self._versions.time[at])
            if stands:
                self._standing_at[station] = at
        self._sender.send()
        self._tell("submit", len(order), len(order))

    def _act(self, step: Step, station: int, now: Seen, moment: int) -> None:
        code = f"{self._versions.stations[station]:013}"
        data = self._event(step, station, code, now)
        stream = self.founding.stream("operator", code, "1") if step.act == "submit" else self._offices[code[:_OFFICE_DIGITS]]
        signed = stream.sign(data, claimed_at=moment)
        if step.act in ("submit", "correct"):
            self._standing_id[32 * station : 32 * station + 32] = signed.event_id
        if step.reason:
            self.reasons[step.reason] += 1
        self._sender.take(type_of(data), signed.submission, moment)

    def _event(self, step: Step, station: int, code: str, now: Seen) -> EventData:
        match step.act:
            case "hold":
                return TallyHeld(contest=CONTEST, station=code, round=0, reason=step.reason)
            case "release":
                return TallyReleased(contest=CONTEST, station=code, round=0, reason=step.reason)
            case "submit" | "correct":
                shown: dict[str, Any] = {
                    "contest": CONTEST,
                    "station": code,
                    "round": 0,
                    "form": self._ref,
                    "source": "import",
                    "figures": self._arrange((*now.figures, None)),
                    "photos": tuple(Photo(page, name, 0) for page, name in now.photos),
                }
                if step.act == "submit":
                    return TallySubmitted(**shown)
                stood = bytes(self._standing_id[32 * station : 32 * station + 32])
                return TallyCorrected(**shown, supersedes=(stood,), reason=step.reason)


def _founding(files: Sequence[SourceFile], areas: Path | None, opened_at: int) -> Founding:
    """The election, with keys from the hashes of all that is read: other files make another ledger, in id, keys and origin."""
    digests = [file.sha256 for file in files]
    if areas is not None:
        digests.append(file_digest(areas))
    seed = hashlib.sha256("\n".join(("tally-ledger/import/kpu/v1", *digests)).encode()).digest()
    return found(
        seed,
        name=ELECTION_NAME,
        kind="import",
        day=ELECTION_DAY,
        zones=ZONES,
        levels=LEVELS,
        origin=f"{ORIGIN}-{seed.hex()[:8]}",
        opened_at=opened_at,
    )


def _contest(form: FormDefinition) -> ContestRow:
    return ContestRow(
        CONTEST,
        "Presiden dan Wakil Presiden",
        "President and Vice President",
        form.code,
        form.version,
        "",
        CANDIDATES,
        ("nation", "province", "city", "district"),
        "nation",
    )
