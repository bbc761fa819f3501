"""The demo: the evening of 27 November 2024 in Kota Bengkulu, and the days after, as a ledger would have seen them.

SYNTHETIC below the districts (``split``), and so are all times, keys, slips and reasons here; the election's name and kind say so.
The totals are the official ones, exactly.  Every station sends the governor's form, then the mayor's; the forms with a slip are set
right afterwards, half by the operator who sent them and half by the district's officer, who kept the worst out of the totals until
then.  One operator loses the device and gets a new key; at two stations the second seat confirms.  There are no photos: none exist.

The way: ``_plan`` writes down all acts with their times, ``_Evening`` signs and submits them in the order of time.
"""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET

from ledger.device.stream import EventStream
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
from ledger.scenario.founding import Founding, Sender, SteppedClock, found
from ledger.scenario.split import Slip, StationForms, form_for, split
from ledger.tally.events import (
    AreaRow,
    Candidate,
    ContestRow,
    EventData,
    Figures,
    FormRef,
    KeyRevoked,
    KeyRow,
    Level,
    Role,
    StationRow,
    TallyCorrected,
    TallyHeld,
    TallyReleased,
    TallySubmitted,
    type_of,
)
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.rollup import COUNTS, Sums

__all__ = ["ContestCheck", "DemoReport", "PairCheck", "build_demo"]

SEED_MAX: Final = 2**53 - 1
BATCH_MS: Final = 60_000
"""Devices' events of so long a time go in together and bear the time of the last of them."""

NAME: Final = "Pilkada 2024 Kota Bengkulu, CONTOH SINTETIS (synthetic demo)"
ZONE: Final = "Asia/Jakarta"
WIB: Final = datetime.timezone(datetime.timedelta(hours=7))
LEVELS: Final = tuple(
    Level(code, digits) for code, digits in (("province", 2), ("city", 4), ("district", 6), ("village", 10), ("station", 13))
)

HELD: Final = 4
SECOND_SEATS: Final = 2

_MINUTE: Final = 60_000
_EVENING: Final = datetime.datetime(2024, 11, 27, 15, tzinfo=WIB)
_EVENING_MS: Final = int(_EVENING.timestamp()) * 1000
_LAST_GOVERNOR_MS: Final = _EVENING_MS + 505 * _MINUTE  # 23:25
_LAST_MAYOR_MS: Final = _EVENING_MS + 535 * _MINUTE  # 23:55
_OPENED_MS: Final = _EVENING_MS - 7 * 24 * 60 * _MINUTE
_PLENARY_MS: Final = _EVENING_MS + 18 * 60 * _MINUTE  # 28 November, 09:00
_PLENARY_DAYS: Final = 3
_PLENARY_MINUTES: Final = 450

_REASONS: Final[dict[str, tuple[str, ...]]] = {
    "digit-misread": ("misread-digit", "typing"),
    "leading-digit": ("misread-digit",),
    "columns-do-not-add": ("sum-wrong", "typing"),
    "users-differ": ("own-paper-check", "typing"),
    "valid-not-sum": ("sum-wrong",),
    "pairs-swapped": ("rows-swapped",),
    "left-blank": ("left-blank",),
}
"""Why a slip was set right, by its kind."""

_NAMES: Final = {"governor": ("Gubernur Bengkulu", "Governor of Bengkulu"), "mayor": ("Wali Kota Bengkulu", "Mayor of Bengkulu")}
_CONTEST_AREAS: Final = {"governor": (PROVINCE_CODE, "province"), "mayor": (CITY_CODE, "city")}

Progress = Callable[[str, int, int], None]
"""Told ("submit", events done, of how many)."""


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

    ``told_station`` and ``told_contest``: a form with a telling history (sent with a slip, held, corrected by the district,
    released).  ``replaced_station``: where a key was replaced.  ``events`` by type; ``root`` and ``ledger`` in hex.
    """

    area: str
    area_name: str
    contests: tuple[ContestCheck, ...]
    told_station: str
    told_contest: str
    replaced_station: str
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
    stations = list(split(seed))
    plan = _plan(stations, _Draw(seed))
    founding = found(
        f"tally-ledger/demo/v1/{seed}".encode(),
        name=NAME,
        kind="synthetic",
        day=VOTING_DAY,
        zones=(ZONE,),
        levels=LEVELS,
        origin=f"demo.ledger.example/kota-bengkulu-{seed}",
        opened_at=_OPENED_MS,
    )
    clock = SteppedClock(_OPENED_MS)
    with Node.create(into, origin=founding.opened.origin, log_key=founding.log_key, clock=clock) as node:
        sender = Sender(node, clock)
        evening = _Evening(founding, sender)
        evening.open(stations, plan.second_seats)
        evening.play(plan.acts, progress or _tell_nobody)
        with node.snapshot() as snapshot:
            contests = tuple(_check(snapshot, contest) for contest in CONTESTS)
        head = node.head()
    return DemoReport(
        area=CITY_CODE,
        area_name=CITY_NAME,
        contests=contests,
        told_station=plan.told[0],
        told_contest=plan.told[1],
        replaced_station=plan.replaced,
        stations=len(stations),
        events=dict(sorted(sender.events.items())),
        entries=head.size,
        seconds=round(time.perf_counter() - started, 3),
        root=head.frontier.root().hex(),
        ledger=founding.ledger.hex(),
    )


def _tell_nobody(_step: str, _done: int, _total: int) -> None:
    pass


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


# --- the plan --------------------------------------------------------------------------------------------------------------------

Actor = tuple[Role, str, str]
"""Role, scope, seat."""


class _Act(NamedTuple):
    """One act: when (ms since 1970), by whom, what.  ``replace`` revokes the actor's key and enrols another for the seat."""

    time: int
    kind: Literal["submit", "correct", "hold", "release", "replace"]
    actor: Actor
    contest: str
    station: str
    figures: Figures = ()
    reason: str = ""
    basis: str = ""


class _Plan(NamedTuple):
    """All acts in the order of time, and who plays a part of their own; ``told`` is (station, contest)."""

    acts: tuple[_Act, ...]
    second_seats: tuple[str, ...]
    replaced: str
    told: tuple[str, str]


class _Draw:
    """Chance from a seed and a label: no state, so that one more draw changes no other."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, low: int, high: int, *label: object) -> int:
        """An integer from low to high, both included."""
        text = "/".join(["demo", str(self._seed), *map(str, label)])
        return low + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % (high - low + 1)


class _Sent(NamedTuple):
    """A form with a slip, and when it was sent."""

    station: StationForms
    slip: Slip
    time: int

    @property
    def label(self) -> str:
        """For draws."""
        return f"{self.station.station}/{self.slip.contest}"


def _plan(stations: Sequence[StationForms], draw: _Draw) -> _Plan:
    """Who does what when."""
    clean = sorted((row.station for row in stations if not row.slips), key=lambda code: draw(0, 2**60, "clean", code))
    replaced, second_seats = clean[0], tuple(sorted(clean[1 : 1 + SECOND_SEATS]))
    acts: list[_Act] = []
    slips: list[_Sent] = []
    for row in stations:
        times = _arrivals(row, draw)
        first = {slip.contest: slip for slip in row.slips}
        for contest in CONTESTS:
            slip = first.get(contest)
            figures = slip.figures if slip else row.figures[contest]
            acts.append(_Act(times[contest], "submit", _operator(row.station), contest, row.station, figures))
            if slip:
                slips.append(_Sent(row, slip, times[contest]))
        if row.station in second_seats:
            later = times["mayor"] + draw(3, 25, "second", row.station) * _MINUTE
            seat = _operator(row.station, "2")
            acts.append(_Act(later, "submit", seat, "mayor", row.station, row.figures["mayor"]))
        if row.station == replaced:  # between its two forms
            middle = (times["governor"] + times["mayor"]) // 2
            acts.append(_Act(middle, "replace", _operator(replaced), "", replaced, reason="device-lost"))
    # The worst slips wait for the officer: half of all, and of those the first are kept out of the totals until then.
    slips.sort(key=lambda sent: (sent.slip.kind != "leading-digit", sent.slip.contest != "mayor", draw(0, 2**60, sent.label)))
    half = len(slips) // 2
    for number, sent in enumerate(slips):
        acts += _by_officer(sent, number, draw) if number < half else [_by_operator(sent, draw)]
    told = (slips[0].station.station, slips[0].slip.contest)
    return _Plan(tuple(sorted(acts, key=lambda act: act.time)), second_seats, replaced, told)


def _operator(station: str, seat: str = "1") -> Actor:
    return ("operator", station, seat)


def _arrivals(row: StationForms, draw: _Draw) -> dict[str, int]:
    """When a station's forms come in.  Counting ends in the afternoon at the earliest; most forms are in by 19:00, all of the
    governor's by 23:30 and all of the mayor's by midnight, as that night was (domain.md 5.4)."""
    code = row.station
    minutes = draw(0, 150, "early", code) + draw(0, 120, "late", code)
    if draw(1, 100, "straggler", code) <= 14:
        minutes += draw(40, 235, "delay", code)
    governor = min(_EVENING_MS + minutes * _MINUTE, _LAST_GOVERNOR_MS) + 1000 * draw(0, 59, "second", code)
    mayor = min(governor + draw(12, 55, "mayor", code) * _MINUTE, _LAST_MAYOR_MS) + 1000 * draw(0, 59, "mayor-second", code)
    return {"governor": governor, "mayor": mayor}


def _by_operator(sent: _Sent, draw: _Draw) -> _Act:
    """The operator looks at the paper again, within minutes or an hour."""
    return _correction(sent, sent.time + draw(4, 60, "own", sent.label) * _MINUTE, _operator(sent.station.station), draw)


def _by_officer(sent: _Sent, number: int, draw: _Draw) -> Iterator[_Act]:
    """The district's officer sets it right in the plenary of the next days; the first are held the same night and released then."""
    actor: Actor = ("officer", sent.station.district, "ppk-ketua")
    station, contest = sent.station.station, sent.slip.contest
    day, minute = draw(0, _PLENARY_DAYS - 1, "day", sent.label), draw(0, _PLENARY_MINUTES, "minute", sent.label)
    corrected = _PLENARY_MS + (day * 24 * 60 + minute) * _MINUTE
    basis = f"SINTETIS/PPK-{sent.station.district}/{number + 1:03}"
    if number < HELD:
        held = sent.time + draw(20, 50, "hold", sent.label) * _MINUTE
        yield _Act(held, "hold", actor, contest, station, reason="figures-implausible")
        released = corrected + draw(2, 9, "release", sent.label) * _MINUTE
        yield _Act(released, "release", actor, contest, station, reason="paper-read", basis=basis)
    yield _correction(sent, corrected, actor, draw)._replace(basis=basis)


def _correction(sent: _Sent, moment: int, actor: Actor, draw: _Draw) -> _Act:
    reasons = _REASONS[sent.slip.kind]
    reason = reasons[draw(0, len(reasons) - 1, "reason", sent.label)]
    station, contest = sent.station.station, sent.slip.contest
    return _Act(moment, "correct", actor, contest, station, sent.station.figures[contest], reason)


# --- the evening -----------------------------------------------------------------------------------------------------------------


class _Evening:
    """Signs acts with their actors' streams and submits them."""

    def __init__(self, founding: Founding, sender: Sender) -> None:
        self._founding = founding
        self._sender = sender
        self._streams: dict[Actor, EventStream] = {}
        self._standing: dict[tuple[str, str], bytes] = {}
        self._forms = {contest: FormRef(form_for(contest).code, form_for(contest).version) for contest in CONTESTS}

    def open(self, stations: Sequence[StationForms], second_seats: Sequence[str]) -> None:
        """A week before: the founders, forms, contests, areas, stations, and all keys."""
        for name, signed in self._founding.setup(
            forms=[form_for(contest) for contest in CONTESTS],
            contests=[_contest(contest) for contest in CONTESTS],
            areas=_areas(),
            stations=map(_station_row, stations),
            keys=self._key_rows(stations, second_seats),
            claimed_at=_OPENED_MS,
        ):
            self._sender.take(name, signed.submission, _OPENED_MS)
        self._sender.send()

    def _key_rows(self, stations: Sequence[StationForms], second_seats: Sequence[str]) -> Iterator[KeyRow]:
        actors: list[Actor] = [("officer", district.code, "ppk-ketua") for district in DISTRICTS]
        actors += [_operator(row.station) for row in stations]
        actors += [_operator(station, "2") for station in second_seats]
        for actor in actors:
            stream = self._streams[actor] = self._founding.stream(*actor)
            yield self._founding.key_row(*actor, key=stream.key)

    def play(self, acts: Sequence[_Act], tell: Progress) -> None:
        """All acts, in the order of time; those of a few minutes go in together."""
        began = 0
        for done, act in enumerate(acts):
            if act.time - began > BATCH_MS:
                self._sender.send()
                tell("submit", done, len(acts))
                began = act.time
            if act.kind == "replace":
                self._replace(act)
            else:
                self._sign(act)
        self._sender.send()
        tell("submit", len(acts), len(acts))

    def _sign(self, act: _Act) -> None:
        data = self._event(act)
        signed = self._streams[act.actor].sign(data, claimed_at=act.time)
        self._sender.take(type_of(data), signed.submission, act.time)
        if isinstance(data, TallySubmitted | TallyCorrected):
            self._standing[act.contest, act.station] = signed.event_id

    def _event(self, act: _Act) -> EventData:
        basis = act.basis or UNSET
        match act.kind:
            case "submit":
                return TallySubmitted(
                    contest=act.contest,
                    station=act.station,
                    round=0,
                    form=self._forms[act.contest],
                    source="plano",
                    figures=act.figures,
                    photos=(),
                )
            case "correct":
                return TallyCorrected(
                    contest=act.contest,
                    station=act.station,
                    round=0,
                    form=self._forms[act.contest],
                    source="plano",
                    figures=act.figures,
                    photos=(),
                    supersedes=(self._standing[act.contest, act.station],),
                    reason=act.reason,
                    basis=basis,
                )
            case "hold":
                return TallyHeld(contest=act.contest, station=act.station, round=0, reason=act.reason, basis=basis)
            case _:
                return TallyReleased(contest=act.contest, station=act.station, round=0, reason=act.reason, basis=basis)

    def _replace(self, act: _Act) -> None:
        """The key of a lost device is revoked, and another enrolled for its seat."""
        role, scope, seat = act.actor
        lost = self._streams[act.actor]
        revoked = KeyRevoked(key=lost.key.point, reason=act.reason, last_good=lost.position - 1)
        signed = self._founding.registrar.sign(revoked, claimed_at=act.time)
        self._sender.take("key.revoked", signed.submission, act.time)
        stream = self._streams[act.actor] = self._founding.stream(role, scope, f"{seat}/replacement")
        row = self._founding.key_row(role, scope, seat, key=stream.key)
        for signed in self._founding.enrol([row], claimed_at=act.time):
            self._sender.take("keys.enrolled", signed.submission, act.time)


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
