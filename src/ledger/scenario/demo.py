"""The demo: the election of 27 November 2024 in Kota Bengkulu, from the enrolment of keys to the determined mayor.

SYNTHETIC below the districts (``split``), and so are all keys, times, slips and troubles here: nothing of what goes wrong was
reported of these stations, and KPU said that the city had no revote.  The election's name and kind say so.  The final totals are
the official ones, exactly.  There are no photos: none exist.

The way: ``cast`` gives each trouble a station, ``evening`` and ``plenary_days`` enter what happens into the agenda of ``stage``,
which signs and submits it in the order of time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from ledger.errors import BadInput
from ledger.node import Node, Snapshot
from ledger.scenario.bengkulu import (
    CITY_CODE,
    CITY_NAME,
    CONTESTS,
    DISTRICTS,
    PAIRS,
    PROVINCE_CODE,
    PROVINCE_NAME,
    VOTING_DAY,
)
from ledger.scenario.cast import Cast, Draw, casting
from ledger.scenario.evening import Evening, clock_time
from ledger.scenario.founding import Sender, SteppedClock, found, governed
from ledger.scenario.people import People
from ledger.scenario.plenary_days import PAPER_DISTRICT, PlenaryDays
from ledger.scenario.roster import PAIR_LABELS, agents, officers, operator, supervisors
from ledger.scenario.split import StationForms, form_for, split
from ledger.scenario.stage import Progress, Stage
from ledger.tally.events import AreaRow, Candidate, ContestRow, Level, StationRow
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.rollup import COUNTS, Sums

__all__ = ["ContestCheck", "DemoReport", "PairCheck", "build_demo"]

SEED_MAX: Final = 2**53 - 1

NAME: Final = "Pilkada 2024 Kota Bengkulu, CONTOH SINTETIS dengan masalah rekaan (synthetic demo, invented troubles)"
ZONE: Final = "Asia/Jakarta"
LEVELS: Final = tuple(
    Level(code, digits) for code, digits in (("province", 2), ("city", 4), ("district", 6), ("village", 10), ("station", 13))
)

_OPENED_MS: Final = clock_time(11, 20, 9)

_NAMES: Final = {"governor": ("Gubernur Bengkulu", "Governor of Bengkulu"), "mayor": ("Wali Kota Bengkulu", "Mayor of Bengkulu")}
_CONTEST_AREAS: Final = {"governor": (PROVINCE_CODE, "province"), "mayor": (CITY_CODE, "city")}


class PairCheck(msgspec.Struct, frozen=True):
    """A pair's votes in the ledger beside the official ones."""

    number: int
    name: str
    votes: int
    official: int


class ContestCheck(msgspec.Struct, frozen=True):
    """The recap of the city in one contest; ``counts`` as in every recap."""

    contest: str
    name_id: str
    name_en: str
    pairs: tuple[PairCheck, ...]
    counts: dict[str, int]


class DemoReport(msgspec.Struct, frozen=True):
    """What the demo made.

    ``told_station`` and ``told_contest``: the form whose story is worth telling (two rows exchanged on the paper; objected to,
    carried upward, corrected by the city over the district's certificate).  ``parts``: the station of every trouble, by what it
    shows (``cast.Cast``), and as ``paper_differs`` the district whose paper recap does.  ``events`` by type; ``root`` and
    ``ledger`` in hex.
    """

    area: str
    area_name: str
    contests: tuple[ContestCheck, ...]
    told_station: str
    told_contest: str
    parts: dict[str, str]
    stations: int
    events: dict[str, int]
    entries: int
    seconds: float
    root: str
    ledger: str


def build_demo(into: Path, *, seed: int, progress: Progress | None = None) -> DemoReport:
    """A new ledger in ``into`` (a new or empty folder).  One seed, one root.

    Raises ``BadInput`` ``seed-out-of-range``, ``folder-not-empty``.
    """
    if not 0 <= seed <= SEED_MAX:
        raise BadInput("seed-out-of-range", f"a seed is a number from 0 to {SEED_MAX:,}", seed=seed)
    started = time.perf_counter()
    stations, draw = list(split(seed)), Draw(seed)
    cast = casting(stations, draw)
    founding = found(
        f"tally-ledger/demo/v2/{seed}".encode(),
        name=NAME,
        kind="synthetic",
        day=VOTING_DAY,
        zones=(ZONE,),
        levels=LEVELS,
        origin=f"demo.ledger.example/kota-bengkulu-{seed}",
        opened_at=_OPENED_MS,
        rules=governed(levels=LEVELS, day=VOTING_DAY, pairs=PAIR_LABELS),
    )
    clock = SteppedClock(_OPENED_MS)
    with Node.create(into, origin=founding.opened.origin, log_key=founding.log_key, clock=clock, sealer=founding.sealer) as node:
        sender = Sender(node, clock)
        people = People(founding, sender)
        _open(people, sender, stations, cast)
        stage = Stage(people, sender, node, draw)
        evening = Evening(stage, stations, cast, draw)
        evening.enter()
        PlenaryDays(stage, stations, cast, draw).enter(evening.fixes)
        stage.agenda.play(sender, progress or _tell_nobody)
        with node.snapshot() as snapshot:
            contests = tuple(_check(snapshot, contest) for contest in CONTESTS)
        head = node.head()
    return DemoReport(
        area=CITY_CODE,
        area_name=CITY_NAME,
        contests=contests,
        told_station=cast.carried.station,
        told_contest="mayor",
        parts=_parts(cast),
        stations=len(stations),
        events=dict(sorted(sender.events.items())),
        entries=head.size,
        seconds=round(time.perf_counter() - started, 3),
        root=head.frontier.root().hex(),
        ledger=founding.ledger.hex(),
    )


def _parts(cast: Cast) -> dict[str, str]:
    stations = {part: row.station for part, row in cast._asdict().items() if isinstance(row, StationForms)}
    return {**stations, "paper_differs": PAPER_DISTRICT}


def _tell_nobody(_step: str, _done: int, _total: int) -> None:
    pass


def _open(people: People, sender: Sender, stations: Sequence[StationForms], cast: Cast) -> None:
    """A week before: founders, forms, contests, areas, stations; then all keys, each by its own body and a second one."""
    second = [operator(station, "2") for station in (*cast.confirmed, cast.differing.station)]
    operators = [operator(row.station) for row in stations]
    for name, signed in people.founding.setup(
        forms=[form_for(contest) for contest in CONTESTS],
        contests=[_contest(contest) for contest in CONTESTS],
        areas=_areas(),
        stations=map(_station_row, stations),
        keys=people.seats([*officers(), *operators, *second]),
        claimed_at=_OPENED_MS,
    ):
        sender.take(name, signed.submission, _OPENED_MS)
    people.enrol(supervisors(), _OPENED_MS, by=("bawaslu-1", "bawaslu-2"))
    for label in PAIR_LABELS:
        people.enrol(agents(label), _OPENED_MS, by=(f"{label}-a", f"{label}-b"))
    sender.send()


def _check(snapshot: Snapshot, contest: str) -> ContestCheck:
    form = form_for(contest)
    sums = snapshot.state.get(SUMS, sums_key(contest, CITY_CODE)) or Sums.zero(len(form.figures))
    votes = {figure.candidate: total for figure, total in zip(form.figures, sums.figures, strict=True) if figure.candidate}
    official = [sum(column) for column in zip(*(getattr(district, contest) for district in DISTRICTS), strict=True)]
    return ContestCheck(
        contest,
        *_NAMES[contest],
        tuple(
            PairCheck(pair.number, pair.name, votes[pair.number], total)
            for pair, total in zip(PAIRS[contest], official, strict=True)
        ),
        dict(zip(COUNTS, sums.counts, strict=True)),
    )


def _contest(contest: str) -> ContestRow:
    form = form_for(contest)
    area, deciding = _CONTEST_AREAS[contest]
    return ContestRow(
        contest,
        *_NAMES[contest],
        form.code,
        form.version,
        area,
        tuple(Candidate(pair.number, pair.name, "candidate") for pair in PAIRS[contest]),
        ("district", "city") if deciding == "city" else ("district", "city", "province"),
        deciding,
    )


def _areas() -> Iterator[AreaRow]:
    yield AreaRow(PROVINCE_CODE, PROVINCE_NAME)
    yield AreaRow(CITY_CODE, CITY_NAME)
    for district in DISTRICTS:
        yield AreaRow(district.code, district.name)
        for village in district.villages:
            yield AreaRow(village.code, village.name)


def _station_row(row: StationForms) -> StationRow:
    special = " (khusus)" if row.special else ""
    return StationRow(row.station, f"TPS {row.station[-3:]}{special}", ZONE, row.dpt_l, row.dpt_p, CONTESTS)
