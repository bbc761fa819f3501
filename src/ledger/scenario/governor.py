"""The difference that nobody could explain: Bengkulu's governor, official minus Sirekap, as a ledger would have shown it.

Fact (domain.md 6.4): on 28 November 2024 the commission's site showed 616,328 and 502,469 votes with two of Lebong's stations
missing; the recapitulation of 7 December has 616,469 and 502,477.  With Lebong's two stations put in, +9 and -42 remain, which lie
somewhere in Bengkulu Tengah or the city, and the public data cannot say where or why.

Real here: districts, their stations, what the site showed for each, the official total, that a revote was recommended at TPS 01
Taba Lagan and that a paper's sum for Ratu Agung is four above the site's.  INVENTED: how votes fall on stations, that these two
acts are what makes up the difference and with which figures, every document, time and key.  So this proves nothing about the real
count; it shows what would have been there to read.

    ``site``       tree size at which the ledger shows what the site showed
    ``certified``  tree size at which the province has certified
"""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from ledger.errors import Broken
from ledger.node import Node
from ledger.scenario.founding import Sender, SteppedClock, found
from ledger.scenario.governance import governed
from ledger.scenario.governor_facts import CITIES, DISTRICTS, OFFICIAL, PAIRS, PROVINCE, DistrictResult
from ledger.scenario.papers import Turnout, sound_paper
from ledger.scenario.people import Actor, People
from ledger.tally.drafts import certificate_draft, readable
from ledger.tally.events import (
    ROWS_MAX,
    AreaRow,
    Candidate,
    ContestRow,
    Figures,
    FormRef,
    Level,
    ObjectionRaised,
    ObjectionSettled,
    ReadRow,
    RecapRead,
    RecommendationAnswered,
    RecommendationIssued,
    RevoteOrdered,
    StationRow,
    TallyAttested,
    TallyCorrected,
    TallySubmitted,
)
from ledger.tally.forms import shipped_form
from ledger.tally.projection import SUMS, sums_key

__all__ = ["CONTEST", "RATU_AGUNG", "TABA_LAGAN", "DifferenceReport", "build_difference"]

CONTEST: Final = "governor"
FORM: Final = shipped_form("kwk-gubernur", len(PAIRS))
LEVELS: Final = tuple(Level(code, digits) for code, digits in (("province", 2), ("city", 4), ("district", 6), ("station", 13)))
ZONE: Final = "Asia/Jakarta"
DAY: Final = "2024-11-27"
_WIB: Final = datetime.timezone(datetime.timedelta(hours=7))
_START: Final = int(datetime.datetime(2024, 11, 27, 14, tzinfo=_WIB).timestamp()) * 1000
_MINUTE: Final = 60_000
_DAY: Final = 24 * 60 * _MINUTE

TABA_LAGAN: Final = "1709112008001"
"""TPS 01 Taba Lagan, by the commission's code; every other station's number is invented."""
RATU_AGUNG: Final = "1771069000007"
_REVOTE: Final = (5, -42)
"""How the revote differs from the annulled vote.  INVENTED, as is that it took place."""
_MISREAD: Final = (4, 0)
"""How the paper differs from what was sent for Ratu Agung."""

_LATE: Final = "170712"
"""The district of Lebong whose two missing forms its plenary entered."""
_LATE_VOTES: Final = ((70, 21), (62, 29))
"""Their votes: together what Lebong's recapitulation has more than the site (132 and 50); the split is INVENTED."""


class DifferenceReport(msgspec.Struct, frozen=True):
    """What was made: the two heights, what each shows, the stations that make up the difference."""

    stations: int
    entries: int
    site: int
    site_votes: tuple[int, int]
    certified: int
    certified_votes: tuple[int, int]
    official: tuple[int, int]
    changed: tuple[str, ...]
    late: tuple[str, ...]
    seconds: float
    root: str
    ledger: str


class _Form(NamedTuple):
    """A station's form as sent in the night; none where it was not sent."""

    station: str
    district: str
    votes: tuple[int, int]
    sent: bool


def _stations(district: DistrictResult) -> Iterator[str]:
    """Codes in order: the district and an invented number; Taba Lagan has its own."""
    if district.code == TABA_LAGAN[:6]:
        yield TABA_LAGAN
    count = district.stations - (district.code == TABA_LAGAN[:6])
    yield from (f"{district.code}9{number:06}" for number in range(1, count + 1))


def _split(district: DistrictResult) -> Iterator[_Form]:
    """SYNTHETIC: the district's votes on its stations, unevenly, adding up exactly."""
    codes = list(_stations(district))
    sending, late = codes[: district.reported], codes[district.reported :]
    weights = [60 + hashlib.sha256(f"weight/{code}".encode()).digest()[0] % 81 for code in sending]
    shares = [_shares(total, weights) for total in district.votes]
    for code, first, second in zip(sending, *shares, strict=True):
        yield _Form(code, district.code, (first, second), sent=True)
    for code, votes in zip(late, _LATE_VOTES, strict=False):
        yield _Form(code, district.code, votes, sent=False)


def _shares(total: int, weights: list[int]) -> list[int]:
    shares = [total * weight // sum(weights) for weight in weights]
    for place in range(total - sum(shares)):
        shares[place] += 1
    return shares


def _paper(station: str, votes: tuple[int, int]) -> Figures:
    """A whole form with these votes that keeps every rule; all else is INVENTED."""
    roll = hashlib.sha256(f"paper/{station}".encode()).digest()
    invalid, moved, added = roll[0] % 25, roll[1] % 3, roll[2] % 4
    listed = sum(votes) + invalid - moved - added
    voters = max(min(600, listed + listed * (20 + roll[3] % 30) // 100 + 1), listed)
    turnout = Turnout(_halves(voters), _halves(listed), (moved, 0), (0, added))
    return tuple(sound_paper(FORM, turnout, votes).values())


def _halves(people: int) -> tuple[int, int]:
    return people // 2, people - people // 2


def build_difference(into: Path, *, progress: Callable[[str, int, int], None] | None = None) -> DifferenceReport:
    """A new ledger in ``into``.  Deterministic.  Raises ``BadInput`` ``folder-not-empty``."""
    started = time.perf_counter()
    founding = found(
        b"tally-ledger/difference/v1",
        name="Pilgub Bengkulu 2024, CONTOH: pembagian ke TPS rekaan (station split invented)",
        kind="synthetic",
        day=DAY,
        zones=(ZONE,),
        levels=LEVELS,
        origin="difference.ledger.example/bengkulu",
        opened_at=_START - 14 * _DAY,
        rules=governed(levels=LEVELS, day=DAY, pairs=("pair-1", "pair-2")),
    )
    clock = SteppedClock(_START - 14 * _DAY)
    node = Node.create(into, origin=founding.opened.origin, log_key=founding.log_key, clock=clock, sealer=founding.sealer)
    with node:
        story = _Story(node, People(founding, sender := Sender(node, clock)), sender, progress or _tell_nobody)
        story.open()
        story.night()
        site = node.head().size
        story.days()
        head = node.head()
        return DifferenceReport(
            stations=sum(district.stations for district in DISTRICTS),
            entries=head.size,
            site=site,
            site_votes=story.votes(at=site),
            certified=head.size,
            certified_votes=story.votes(at=head.size),
            official=OFFICIAL,
            changed=(TABA_LAGAN, RATU_AGUNG),
            late=story.late,
            seconds=round(time.perf_counter() - started, 3),
            root=head.frontier.root().hex(),
            ledger=founding.ledger.hex(),
        )


def _tell_nobody(_step: str, _done: int, _total: int) -> None:
    pass


def _office(area: str, seat: str = "chair") -> Actor:
    return ("officer", area, seat)


class _Story:
    """The acts, in the order of time."""

    def __init__(self, node: Node, people: People, sender: Sender, tell: Callable[[str, int, int], None]) -> None:
        self._node = node
        self._people = people
        self._sender = sender
        self._tell = tell
        self._forms = [form for district in DISTRICTS for form in _split(district)]
        self._ref = FormRef(FORM.code, FORM.version)
        self._ids: dict[str, bytes] = {}
        self.late = tuple(form.station for form in self._forms if not form.sent)
        self._moment = _START - 13 * _DAY

    def votes(self, *, at: int) -> tuple[int, int]:
        """The province's votes as the first ``at`` entries give them."""
        with self._node.snapshot(at) as snapshot:
            sums = snapshot.state.get(SUMS, sums_key(CONTEST, PROVINCE[0]))
        if sums is None:
            raise Broken("store-damaged", "the province has no total", contest=CONTEST)
        by_pair = {figure.candidate: total for figure, total in zip(FORM.figures, sums.figures, strict=True) if figure.candidate}
        return by_pair[1], by_pair[2]

    def open(self) -> None:
        """Areas, stations, keys."""
        areas = [AreaRow(*PROVINCE), *(AreaRow(code, name) for code, name in CITIES.items())]
        areas += [AreaRow(district.code, district.name) for district in DISTRICTS]
        contest = ContestRow(
            CONTEST,
            "Gubernur Bengkulu",
            "Governor of Bengkulu",
            FORM.code,
            FORM.version,
            PROVINCE[0],
            tuple(Candidate(number, name, "candidate") for number, name in enumerate(PAIRS, 1)),
            ("province", "city", "district"),
            "province",
        )
        places = [PROVINCE[0], *CITIES, *(district.code for district in DISTRICTS)]
        seats: list[Actor] = [_office(place, seat) for place in places for seat in ("chair", "member")]
        seats += [("operator", form.station, "1") for form in self._forms]
        for name, signed in self._people.founding.setup(
            forms=(FORM,),
            contests=(contest,),
            areas=areas,
            stations=(self._row(form) for form in self._forms),
            keys=self._people.seats(seats),
            claimed_at=self._moment,
        ):
            self._sender.take(name, signed.submission, self._moment)
        self._people.enrol((("supervisor", "1709", "bawaslu-1"),), self._moment, by=("bawaslu-1", "bawaslu-2"))
        self._people.enrol((("agent", "177106", "agent-1"),), self._moment, by=("pair-1-a", "pair-1-b"))
        self._sender.send()

    @staticmethod
    def _row(form: _Form) -> StationRow:
        name = "TPS 001 Taba Lagan" if form.station == TABA_LAGAN else f"TPS {form.station[-3:]} (nomor rekaan)"
        return StationRow(form.station, name, ZONE, None, None, (CONTEST,))

    def night(self) -> None:
        """27 November: every form but two comes in, one of them misread."""
        sent = [form for form in self._forms if form.sent]
        for number, form in enumerate(sent):
            self._moment = _START + number * 7_000
            self._ids[form.station] = self._people.sign(
                ("operator", form.station, "1"), self._submitted(form.station, form.votes), self._moment
            )
            if number % 500 == 0:
                self._tell("submit", number, len(sent))
        self._tell("submit", len(sent), len(sent))
        self._sender.send()

    def _submitted(self, station: str, votes: tuple[int, int], *, round_: int = 0) -> TallySubmitted:
        return TallySubmitted(
            contest=CONTEST,
            station=station,
            round=round_,
            form=self._ref,
            source="plano",
            figures=_paper(station, votes),
            photos=(),
        )

    def _voted(self, station: str) -> tuple[int, int]:
        return next(form.votes for form in self._forms if form.station == station)

    def days(self) -> None:
        """28 November to 8 December: recommendation and revote, the late forms, the plenaries up to the province."""
        self._revote()
        self._late_forms()
        self._objection()
        for day, places in ((3, [district.code for district in DISTRICTS]), (8, list(CITIES)), (10, [PROVINCE[0]])):
            self._moment = _START + day * _DAY
            for place in places:
                self._certify(place)

    def _revote(self) -> None:
        """Taba Lagan votes again, on the supervisor's recommendation, by order of the city's office."""
        self._moment = _START + _DAY
        recommended = self._people.sign(
            ("supervisor", "1709", "bawaslu-1"),
            RecommendationIssued(
                contest=CONTEST,
                kind="psu",
                number="012/PM.00.02/BT/2024 (rekaan)",
                ground="voted-twice",
                codes=(TABA_LAGAN,),
                deadline=_START + 10 * _DAY,
            ),
            self._moment,
        )
        self._sender.send()
        ordered = self._people.both(
            _office("1709"),
            _office("1709", "member"),
            RevoteOrdered(
                contest=CONTEST,
                stations=(TABA_LAGAN,),
                kind="psu",
                day="2024-11-30",
                reason="voted-twice",
                basis="SK 210/PL.02.6/1709/2024 (rekaan)",
            ),
            self._moment + 60 * _MINUTE,
        )
        answer = RecommendationAnswered(recommendation=recommended, answer="executed", events=(ordered,), reason="revote-ordered")
        self._sender.send()
        self._people.sign(_office("1709"), answer, self._moment + 70 * _MINUTE)
        self._sender.send()
        first, second = self._voted(TABA_LAGAN)
        votes = (first + _REVOTE[0], second + _REVOTE[1])
        self._moment = _START + 2 * _DAY
        self._people.sign(("operator", TABA_LAGAN, "1"), self._submitted(TABA_LAGAN, votes, round_=1), self._moment)
        self._sender.send()

    def _late_forms(self) -> None:
        """Lebong's two missing forms, entered by the district that has the papers."""
        self._moment = _START + 2 * _DAY + 60 * _MINUTE
        for station in self.late:
            self._people.sign(_office(_LATE), self._submitted(station, self._voted(station)), self._moment)
        self._sender.send()

    def _objection(self) -> None:
        """Ratu Agung: an agent's copy says four votes more; the plenary reads the paper and corrects."""
        self._moment = _START + 2 * _DAY + 120 * _MINUTE
        first, second = self._voted(RATU_AGUNG)
        right = _paper(RATU_AGUNG, (first + _MISREAD[0], second + _MISREAD[1]))
        agent: Actor = ("agent", "177106", "agent-1")
        said = TallyAttested(contest=CONTEST, station=RATU_AGUNG, round=0, event=self._ids[RATU_AGUNG], photos=(), figures=right)
        self._people.sign(agent, said, self._moment)
        raised = self._people.sign(
            agent, ObjectionRaised(contest=CONTEST, code=RATU_AGUNG, ground="copy-differs", photos=()), self._moment
        )
        self._sender.send()
        corrected = self._people.sign(
            _office("177106"),
            TallyCorrected(
                contest=CONTEST,
                station=RATU_AGUNG,
                round=0,
                form=self._ref,
                source="plano",
                figures=right,
                photos=(),
                supersedes=(self._ids[RATU_AGUNG],),
                reason="misread-digit",
                basis="BA 14/PPK-RA/2024 (rekaan)",
            ),
            self._moment + 30 * _MINUTE,
        )
        settled = ObjectionSettled(
            objection=raised, outcome="accepted", corrections=(ReadRow(RATU_AGUNG, 0, corrected),), reason="paper-read"
        )
        self._people.sign(_office("177106"), settled, self._moment + 31 * _MINUTE)
        self._sender.send()

    def _certify(self, area: str) -> None:
        """Reads and certifies, chair and member; the signed paper says what the replay gives."""
        with self._node.snapshot() as snapshot:
            rows = readable(snapshot.state, CONTEST, area)
        for start in range(0, len(rows), ROWS_MAX):
            self._people.sign(
                _office(area, "member"), RecapRead(contest=CONTEST, rows=rows[start : start + ROWS_MAX]), self._moment
            )
        self._sender.send()
        with self._node.snapshot() as snapshot:
            draft = certificate_draft(snapshot.state, CONTEST, area, size=snapshot.size)
        certified = draft.certificate(f"BA {area}/PL.02.6/2024 (rekaan)", self._moment)
        self._people.both(_office(area), _office(area, "member"), certified, self._moment + 30 * _MINUTE)
        self._sender.send()
        self._moment += 2 * _MINUTE
