"""SYNTHETIC: a seeded generator of whole elections at any size, up to the local elections of a nation, without holding one in
memory.

The nation's counts are those of Pilkada 2024 (domain.md 5.1): 38 provinces, 514 cities and regencies, 7,288 districts, 435,296
stations, 545 contests (one province votes for no governor, one for no regents), 849,779 forms, two operator keys a station.  Who
got how many votes is invented, and so is every name; that the counts of stations fall on districts and villages evenly is too.

An election is walked in the order of its codes as often as needed: ``SHARES`` times in the night, so that forms come in from all
over the country at once.  Nothing is kept but the stack of the walk.  What an office reads and certifies depends on what stands by
then, so ``events`` asks the state that the events are folded into.  Keys are derived from the seed: everything is reproducible,
nothing is secret.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final, Literal, NamedTuple, TypeVar

from ledger.device.stream import EventStream, Signed
from ledger.scenario.founding import Founding, found
from ledger.scenario.governance import governed
from ledger.scenario.papers import Turnout, sound_paper
from ledger.tally.drafts import certificate_draft, readable
from ledger.tally.events import (
    ROWS_MAX,
    Approved,
    AreaRow,
    Candidate,
    ContestRow,
    ContestsListed,
    EventData,
    Figures,
    FormRef,
    FormsDefined,
    KeyRow,
    Level,
    MissingRow,
    RecapRead,
    RecapSealed,
    StationRow,
    TallyAttested,
    TallyCorrected,
    TallySubmitted,
    type_of,
)
from ledger.tally.forms import FormDefinition, shipped_form
from ledger.tally.recaps import current_root
from ledger.tally.signing import SigningKey
from ledger.tally.state import CONTESTS, SLOTS, STREAMS, Reader, slot_key

__all__ = ["NATION", "Nation", "Shape", "shape_of"]

LEVELS: Final = tuple(
    Level(code, digits) for code, digits in (("province", 2), ("city", 4), ("district", 6), ("village", 10), ("station", 13))
)
SHARES: Final = 8
"""How many times the night walks the country; each station sends in one of them."""

ZONE: Final = "Asia/Jakarta"
DAY: Final = "2024-11-27"
_DAY_MS: Final = int(datetime.datetime(2024, 11, 27, 13, tzinfo=datetime.timezone(datetime.timedelta(hours=7))).timestamp()) * 1000
_HOUR: Final = 3_600_000

CORRECTED_PER_1000: Final = 50
"""Forms of which a number is corrected: three in five by the operator, two by the district's plenary."""
BROKEN_PER_1000: Final = 100
"""Forms that break a rule as the paper says, and stay so (domain.md 1.4: about one in ten breaks R8)."""

T = TypeVar("T")

Seated = Literal["agent", "officer", "operator", "sealer"]
"""Who acts in a generated election."""


class Shape(NamedTuple):
    """How many there are in one province, and which of the two contests it holds."""

    code: str
    cities: int
    districts: int
    villages: int
    stations: int
    governor: bool
    regents: bool


def _draw(seed: int, low: int, high: int, *label: object) -> int:
    """An integer from low to high, both included, from the seed and a label."""
    text = "/".join(map(str, (seed, *label)))
    return low + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % (high - low + 1)


def _spread(total: int, parts: int, seed: int, label: str) -> list[int]:
    """``total`` over ``parts``, at least one each, uneven by half; needs total >= parts."""
    weights = [_draw(seed, 50, 150, "weight", label, part) for part in range(parts)]
    free, sum_ = total - parts, sum(weights)
    shares = [1 + free * weight // sum_ for weight in weights]
    for part in range(total - sum(shares)):
        shares[part % parts] += 1
    return shares


def shape_of(*, stations: int, seed: int) -> tuple[Shape, ...]:
    """The nation's shape, or with fewer stations one like it: fewer provinces first, then fewer of everything."""
    if stations >= NATION_STATIONS:
        return NATION
    provinces = max(1, 38 * stations // NATION_STATIONS)
    shapes = []
    for number, count in enumerate(_spread(stations, provinces, seed, "provinces"), 11):
        cities = max(1, min(count, 514 * count // NATION_STATIONS))
        districts = max(cities, min(count, 7_288 * count // NATION_STATIONS))
        villages = max(districts, min(count, 83_731 * count // NATION_STATIONS))
        shapes.append(Shape(str(number), cities, districts, villages, count, True, True))
    return tuple(shapes)


NATION_STATIONS: Final = 435_296


def _nation() -> tuple[Shape, ...]:
    """36 provinces with both contests; one (as Yogyakarta) elects no governor, one (as Jakarta) no regents: 429,318 forms for
    governors and 420,461 for regents and mayors."""
    without_governor = Shape("34", 5, 78, 438, 5_978, False, True)
    without_regents = Shape("31", 6, 44, 267, 14_835, True, False)
    rest = NATION_STATIONS - without_governor.stations - without_regents.stations
    codes = [str(code) for code in range(11, 49) if code not in (31, 34)]
    counts = [
        _spread(total, len(codes), 0, label)
        for total, label in ((503, "cities"), (7_166, "districts"), (83_026, "villages"), (rest, "stations"))
    ]
    both = [
        Shape(code, cities, max(cities, districts), max(cities, districts, villages), stations, True, True)
        for code, cities, districts, villages, stations in zip(codes, *counts, strict=True)
    ]
    return tuple(sorted([*both, without_governor, without_regents]))


NATION: Final = _nation()


class Station(NamedTuple):
    """A station on the walk; ``contests`` in the order in which its forms are sent."""

    code: str
    contests: tuple[str, ...]


class Walked(NamedTuple):
    """An area on the walk, before what lies in it."""

    code: str
    level: Literal["province", "city", "district", "village"]


class Contest(NamedTuple):
    """A contest: its code, area, kind, and how many pairs stand."""

    code: str
    area: str
    governor: bool
    pairs: int


class Nation:
    """One election.  ``events`` gives everything, in the order in which it is to be appended."""

    def __init__(self, shapes: tuple[Shape, ...], *, seed: int) -> None:
        self.shapes: Final = shapes
        self.seed: Final = seed
        self.founding: Final[Founding] = found(
            f"tally-ledger/nation/v1/{seed}".encode(),
            name="Pilkada serentak, SINTETIS (synthetic nation)",
            kind="synthetic",
            day=DAY,
            zones=(ZONE,),
            levels=LEVELS,
            origin=f"nation.ledger.example/{seed}",
            opened_at=_DAY_MS - 30 * 24 * _HOUR,
            rules=governed(levels=LEVELS, day=DAY, pairs=("pair-1", "pair-2")),
        )
        self._keys = functools.lru_cache(maxsize=1_024)(self.founding.key)

    def key(self, role: Seated, scope: str, seat: str) -> SigningKey:
        """The key of a seat; the last 1,024 are kept."""
        return self.founding.sealer if role == "sealer" else self._keys(role, scope, seat)

    # --- the walk ----------------------------------------------------------------------------------------------------------------

    def walk(self) -> Iterator[Walked | Station]:
        """Every area and station in code order."""
        for shape in self.shapes:
            yield Walked(shape.code, "province")
            districts = _spread(shape.districts, shape.cities, self.seed, f"{shape.code}/districts")
            villages = _spread(shape.villages, shape.districts, self.seed, f"{shape.code}/villages")
            stations = _spread(shape.stations, shape.villages, self.seed, f"{shape.code}/stations")
            district_at = village_at = 0
            for city_number, district_count in enumerate(districts, 1):
                city = f"{shape.code}{city_number:02}"
                contests = tuple(contest.code for contest in self.contests_at(shape, city))
                yield Walked(city, "city")
                for district_number in range(1, district_count + 1):
                    district = f"{city}{district_number:02}"
                    yield Walked(district, "district")
                    for village_number in range(1, villages[district_at] + 1):
                        village = f"{district}{1000 + village_number}"
                        yield Walked(village, "village")
                        for number in range(1, stations[village_at] + 1):
                            yield Station(f"{village}{number:03}", contests)
                        village_at += 1
                    district_at += 1

    def contests_at(self, shape: Shape, city: str) -> Iterator[Contest]:
        """The contests held in a city."""
        if shape.governor:
            yield self._contest(f"governor-{shape.code}", shape.code, governor=True)
        if shape.regents:
            yield self._contest(f"regent-{city}", city, governor=False)

    def _contest(self, code: str, area: str, *, governor: bool) -> Contest:
        return Contest(code, area, governor, _draw(self.seed, 2, 4, "pairs", code))

    def contests(self) -> Iterator[Contest]:
        """Every contest of the election, each once."""
        for shape in self.shapes:
            if shape.governor:
                yield self._contest(f"governor-{shape.code}", shape.code, governor=True)
            for number in range(1, shape.cities + 1):
                city = f"{shape.code}{number:02}"
                yield from (contest for contest in self.contests_at(shape, city) if not contest.governor)

    # --- figures -----------------------------------------------------------------------------------------------------------------

    def figures(self, contest: str, station: str) -> tuple[Figures, Figures]:
        """What a station sends first, and what it should have sent; equal for most.  In the form's order."""
        pairs = _draw(self.seed, 2, 4, "pairs", contest)
        digest = hashlib.sha512(f"{self.seed}/figures/{contest}/{station}".encode()).digest()
        roll = [int.from_bytes(digest[at : at + 2]) for at in range(0, 40, 2)]
        voters = 300 + roll[0] % 301
        men = voters * (48 + roll[1] % 5) // 100
        listed = voters * (55 + roll[2] % 35) // 100
        listed_men = min(men, listed // 2)
        moved, added = roll[3] % 4, roll[4] % 6
        votes = _votes(listed + moved + added - roll[5] % 20, pairs, roll[6:])
        turnout = Turnout(
            (men, voters - men),
            (listed_men, listed - listed_men),
            (moved // 2, moved - moved // 2),
            (added // 2, added - added // 2),
        )
        form = _form(contest.startswith("governor"), pairs)
        stated = sound_paper(form, turnout, votes)
        if roll[18] % 1000 < BROKEN_PER_1000:
            stated["suara-total"] += 1
        true = tuple(stated.values())
        if roll[19] % 1000 >= CORRECTED_PER_1000:
            return true, true
        return tuple(count + (100 if code == "suara-1" else 0) for code, count in stated.items()), true

    # --- events ------------------------------------------------------------------------------------------------------------------

    def events(self, state: Reader, size: Callable[[], int]) -> Iterator[tuple[str, Signed, int]]:
        """(type, event, its time in ms since 1970) of the whole election.  Each must be folded into ``state`` before the next is
        asked for; ``size``: the tree size that ``state`` shows.  Times never go back."""
        people = _People(self, state)
        nights = (self._night(people, share) for share in range(SHARES))
        latest = 0
        for name, signed, moment in chain(self.opening(), chain.from_iterable(nights), self._plenaries(people, state, size)):
            latest = max(latest, moment)
            yield name, signed, latest

    def opening(self) -> Iterator[tuple[str, Signed, int]]:
        """Entry 0, forms, contests, areas, stations, and all keys."""
        founding, moment = self.founding, _DAY_MS - 14 * 24 * _HOUR
        yield "election.opened", founding.opening, moment
        for name, signed in founding.enrol(founding.administrator_rows, claimed_at=moment):
            yield name, signed, moment
        for governor in (True, False):
            forms = FormsDefined(forms=tuple(_form(governor, pairs) for pairs in (2, 3, 4)))
            yield "forms.defined", founding.administrator.sign(forms, claimed_at=moment), moment
        for rows in _chunks(map(_contest_row, self.contests()), 100):
            listed = founding.administrator.sign(ContestsListed(contests=tuple(rows)), claimed_at=moment)
            yield "contests.listed", listed, moment
        for signed in founding.list_areas(self._area_rows(), self._station_rows(), claimed_at=moment):
            yield "jurisdictions.listed", signed, moment
        for bodies, keys in ((None, self._commission_keys()), (("pair-1-a", "pair-1-b"), self._agent_keys())):
            for name, signed in founding.enrol(keys, claimed_at=moment, by=bodies):
                yield name, signed, moment

    def _area_rows(self) -> Iterator[AreaRow]:
        return (AreaRow(each.code, f"Wilayah {each.code}") for each in self.walk() if isinstance(each, Walked))

    def _station_rows(self) -> Iterator[StationRow]:
        for each in self.walk():
            if isinstance(each, Station):
                yield StationRow(each.code, f"TPS {each.code[-3:]}", ZONE, None, None, each.contests)

    def _commission_keys(self) -> Iterator[KeyRow]:
        for each in self.walk():
            if isinstance(each, Station):
                yield from (self.founding.key_row("operator", each.code, seat) for seat in ("1", "2"))
            elif each.level != "village":
                yield from (self.founding.key_row("officer", each.code, seat) for seat in ("chair", "member"))

    def _agent_keys(self) -> Iterator[KeyRow]:
        for each in self.walk():
            if isinstance(each, Walked) and each.level == "district":
                yield from (self.founding.key_row("agent", each.code, seat) for seat in ("agent-1", "agent-2"))

    def _night(self, people: _People, share: int) -> Iterator[tuple[str, Signed, int]]:
        """The forms of one share of the stations, each attested twice; three in five slips are corrected by who sent them."""
        moment = _DAY_MS + 2 * _HOUR + share * _HOUR
        for each in self.walk():
            if not isinstance(each, Station) or _draw(self.seed, 0, SHARES - 1, "share", each.code) != share:
                continue
            operator = people.stream("operator", each.code, "1")
            for contest in each.contests:
                sent, true = self.figures(contest, each.code)
                form = FormRef(*_form_name(contest, len(sent)))
                data = TallySubmitted(
                    contest=contest, station=each.code, round=0, form=form, source="plano", figures=sent, photos=()
                )
                signed = operator.sign(data, claimed_at=moment)
                yield "tally.submitted", signed, moment
                if sent != true and self._by_operator(contest, each.code):
                    corrected = _correction(data, signed.event_id, true)
                    signed = operator.sign(corrected, claimed_at=moment)
                    yield "tally.corrected", signed, moment
                for seat in ("agent-1", "agent-2"):
                    said = TallyAttested(contest=contest, station=each.code, round=0, event=signed.event_id, photos=())
                    yield people.sign("agent", each.code[:6], seat, said, moment)

    def _by_operator(self, contest: str, station: str) -> bool:
        return _draw(self.seed, 0, 4, "who-corrects", contest, station) < 3

    def _plenaries(self, people: _People, state: Reader, size: Callable[[], int]) -> Iterator[tuple[str, Signed, int]]:
        """Districts in code order, each city behind its districts, each province behind its cities."""
        for shape in self.shapes:
            city = district = ""
            stations: list[Station] = []
            for each in (each for each in self.walk() if each[0].startswith(shape.code)):
                if isinstance(each, Station):
                    stations.append(each)
                elif each.level in ("district", "city"):
                    if stations:
                        yield from self._district(people, state, size, (district, stations))
                        stations = []
                    if each.level == "city" and city:
                        yield from self._upper(people, state, size, city, 10)
                    city, district = (each.code, "") if each.level == "city" else (city, each.code)
            yield from self._district(people, state, size, (district, stations))
            yield from self._upper(people, state, size, city, 10)
            if shape.governor:
                yield from self._certify(people, state, size, (f"governor-{shape.code}", shape.code, 12))

    def _district(
        self, people: _People, state: Reader, size: Callable[[], int], place: tuple[str, list[Station]]
    ) -> Iterator[tuple[str, Signed, int]]:
        """A district's plenary: it corrects what the operators left, reads and certifies."""
        district, stations = place
        moment = _DAY_MS + 48 * _HOUR
        for contest in stations[0].contests:
            for station in stations:
                sent, true = self.figures(contest, station.code)
                slot = state.get(SLOTS, slot_key(contest, station.code, 0))
                if sent != true and slot is not None and slot.standing[0].figures != true:
                    form = FormRef(*_form_name(contest, len(sent)))
                    data = TallySubmitted(
                        contest=contest, station=station.code, round=0, form=form, source="plano", figures=sent, photos=()
                    )
                    corrected = _correction(data, slot.standing[0].event, true)
                    yield people.sign("officer", district, "chair", corrected, moment)
            yield from self._certify(people, state, size, (contest, district, 48))

    def _upper(
        self, people: _People, state: Reader, size: Callable[[], int], area: str, days: int
    ) -> Iterator[tuple[str, Signed, int]]:
        """A city's plenary over the recaps of its districts."""
        shape = next(shape for shape in self.shapes if shape.code == area[:2])
        for contest in self.contests_at(shape, area):
            yield from self._certify(people, state, size, (contest.code, area, 24 * days))

    def _certify(
        self, people: _People, state: Reader, size: Callable[[], int], place: tuple[str, str, int]
    ) -> Iterator[tuple[str, Signed, int]]:
        """Reads what is to be read and certifies, chair and member; the paper says the same."""
        contest, area, hours = place
        moment = _DAY_MS + hours * _HOUR
        for rows in _chunks(readable(state, contest, area), ROWS_MAX):
            yield people.sign("officer", area, "member", RecapRead(contest=contest, rows=tuple(rows)), moment)
        draft = certificate_draft(state, contest, area, size=size())
        missing = tuple(MissingRow(code, "not-in", ()) for code in draft.missing)
        certified = draft.certificate(f"BA {area}", moment, missing=missing)
        name, signed, _ = people.sign("officer", area, "chair", certified, moment)
        yield name, signed, moment
        yield people.sign("officer", area, "member", Approved(event=signed.event_id), moment)
        listed = state.get(CONTESTS, contest.encode())
        if listed is not None and listed.area == area:  # determined: the log seals
            sealed = RecapSealed(size=size(), root=current_root(state, size=size()))
            yield people.sign("sealer", "", "sealer", sealed, moment)


class _People:
    """Streams of any seat, at the position that the state shows."""

    def __init__(self, nation: Nation, state: Reader) -> None:
        self._nation = nation
        self._state = state

    def stream(self, role: Seated, scope: str, seat: str) -> EventStream:
        key = self._nation.key(role, scope, seat)
        at = self._state.get(STREAMS, key.point)
        ledger = self._nation.founding.ledger
        return (
            EventStream(key, ledger=ledger)
            if at is None
            else EventStream(key, ledger=ledger, position=at.position, previous=at.previous)
        )

    def sign(self, role: Seated, scope: str, seat: str, data: EventData, moment: int) -> tuple[str, Signed, int]:
        return type_of(data), self.stream(role, scope, seat).sign(data, claimed_at=moment), moment


# --- rows ------------------------------------------------------------------------------------------------------------------------


def _votes(valid: int, pairs: int, roll: list[int]) -> list[int]:
    """Valid votes over the pairs."""
    weights = [1 + roll[pair] % 9 for pair in range(pairs)]
    shares = [valid * weight // sum(weights) for weight in weights]
    shares[0] += valid - sum(shares)
    return shares


@functools.cache
def _form(governor: bool, pairs: int) -> FormDefinition:
    return shipped_form("kwk-gubernur" if governor else "kwk-bupati", pairs)


@functools.cache
def _form_name(contest: str, figures: int) -> tuple[str, int]:
    """Code and version of the form with so many figures."""
    for pairs in (2, 3, 4):
        form = _form(contest.startswith("governor"), pairs)
        if len(form.figures) == figures:
            return form.code, form.version
    raise LookupError(contest)


def _contest_row(contest: Contest) -> ContestRow:
    form = _form(contest.governor, contest.pairs)
    candidates = tuple(Candidate(number, f"Pasangan {number}", "candidate") for number in range(1, contest.pairs + 1))
    names = (f"Gubernur {contest.area}", f"Governor {contest.area}")
    if not contest.governor:
        names = (f"Bupati atau Wali Kota {contest.area}", f"Regent or mayor {contest.area}")
    levels = ("city", "district", "province") if contest.governor else ("city", "district")
    deciding = "province" if contest.governor else "city"
    return ContestRow(contest.code, *names, form.code, form.version, contest.area, candidates, levels, deciding)


def _correction(data: TallySubmitted, superseded: bytes, figures: Figures) -> TallyCorrected:
    return TallyCorrected(
        contest=data.contest,
        station=data.station,
        round=0,
        form=data.form,
        source="plano",
        figures=figures,
        photos=(),
        supersedes=(superseded,),
        reason="misread-digit",
    )


def _chunks(rows: Iterable[T], most: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for row in rows:
        batch.append(row)
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch
