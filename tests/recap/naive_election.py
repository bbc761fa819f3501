"""A second opinion on a governed election: what is known and shown.  What acts do is in ``naive_acts.py``.

Plain objects, every total and commitment made from scratch by looking at every station; nothing shared with src but the names of
fields.  Written from design.md sections 6 and 8 and docs/FORMATS.md section 7.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgpack

from ..world import BLOCK_OF, STATIONS

FIGURES = len(BLOCK_OF)
LEVELS = {2: "province", 4: "city", 6: "district", 10: "village", 13: "station"}
"""Code length of a level: its name."""

CONTESTS: dict[str, dict[str, Any]] = {
    "mayor": {"area": "1771", "certify": (4, 6), "decides": 4},
    "governor": {"area": "17", "certify": (2, 4, 6), "decides": 2},
}
FIRST_PLENARY = 6
LISTED_AT = 6
"""The entry of the founding that lists the stations."""


@dataclass
class Person:
    """A key.  ``enrols``: roles that a registrar enrols; ``last_good``: position up to which a revoked key may still send."""

    role: str
    scope: str
    seat: str
    enrols: tuple[str, ...] = ()
    by: str = ""
    second: str = ""
    revoked: bool = False
    last_good: int | None = None
    before: list[bytes] = field(default_factory=list)
    after: list[bytes] = field(default_factory=list)

    @property
    def chair(self) -> tuple[str, str, str]:
        return self.role, self.scope, self.seat

    @property
    def level(self) -> int:
        return len(self.scope)


@dataclass
class Form:
    """A standing event."""

    id: bytes
    figures: tuple[Any, ...]
    role: str
    seat: str
    corrects: bool


@dataclass
class Round:
    """A tally of a station in one round; numbers are log indexes, 0 for never."""

    opened: int
    changed: int
    order: bool = False
    seats: dict[str, Form] = field(default_factory=dict)
    office: Form | None = None
    held: bool = False
    changes: int = 0
    read: bool = False
    annulled: int = 0
    postponed: bool = False

    def standing(self) -> list[Form]:
        """The forms that stand, seat 1 first."""
        return [self.office] if self.office else [self.seats[seat] for seat in sorted(self.seats)]

    def state(self) -> str:
        """The word for it."""
        forms = self.standing()
        if self.annulled:
            return "annulled"
        if not forms:
            return "none"
        if self.held:
            return "held"
        if len(forms) == 2:
            return "confirmed" if forms[0].figures == forms[1].figures else "differing"
        return "corrected" if forms[0].corrects else "single"

    def figures(self) -> list[Any]:
        """What stands of the form: the blocks in which two seats differ are blank."""
        forms = [form.figures for form in self.standing()]
        if not forms:
            return []
        doubted = {BLOCK_OF[i] for form in forms for i in range(FIGURES) if form[i] != forms[0][i]}
        return [None if BLOCK_OF[i] in doubted else forms[0][i] for i in range(FIGURES)]


@dataclass
class Signed:
    """A certificate.  ``reopened``: None while it is not, else the stations for which it is (none named: all)."""

    id: bytes
    index: int
    read: bool = False
    corrected: int = 0
    renew: int = 0
    reopened: tuple[str, ...] | None = None

    @property
    def holds(self) -> bool:
        return self.reopened is None and not self.renew

    def binds(self, station: str, opened: int) -> bool:
        if opened > self.index:
            return False
        return self.reopened is None or (len(self.reopened) > 0 and station not in self.reopened)


@dataclass
class Matter:
    """An objection (``level`` at which it is open) or a recommendation; ``done``: outcome or answer."""

    by: tuple[str, str, str]
    contest: str
    codes: tuple[str, ...]
    level: int = 0
    done: str = ""


@dataclass
class Order:
    """A revote order: (station, the round that it opened)."""

    index: int
    scope: str
    contest: str
    rounds: list[tuple[str, int]]
    withdrawn: bool = False


@dataclass
class Waiting:
    """An act that a second seat approves.  ``state``: open, review, done."""

    by: bytes
    kind: str
    data: Any
    time: int
    state: str = "open"


class Shown:
    """What the election knows, and what it shows of it."""

    def __init__(self) -> None:
        self.now = 0
        self.time = 0
        self.approver = ""
        self.people: dict[bytes, Person] = {}
        self.stations: dict[str, tuple[str, ...]] = {}
        self.gone: set[str] = set()
        self.rounds: dict[tuple[str, str], list[Round]] = {}
        self.certificates: dict[tuple[str, str], Signed] = {}
        self.objections: dict[bytes, Matter] = {}
        self.recommendations: dict[bytes, Matter] = {}
        self.orders: dict[bytes, Order] = {}
        self.waiting: dict[bytes, Waiting] = {}
        self.candidates: dict[tuple[str, int], str] = {}
        self.cutoff: int | None = None
        for station in STATIONS:
            self.add_station(station, ("mayor", "governor"), LISTED_AT)

    def add_station(self, station: str, contests: tuple[str, ...], index: int) -> None:
        self.stations[station] = contests
        for contest in contests:
            self.rounds[contest, station] = [Round(index, index)]

    def live(self, contest: str, area: str) -> list[tuple[str, int, Round]]:
        """(station, number, round) of the rounds that hold below an area, in code order; never two of a station."""
        found: list[tuple[str, int, Round]] = []
        for station in sorted(self.stations):
            if station.startswith(area):
                rounds = enumerate(self.rounds.get((contest, station), []))
                found += [(station, number, each) for number, each in rounds if not each.annulled]
        return found

    def above(self, contest: str, code: str) -> list[tuple[str, Signed]]:
        """Certificates of the areas that a code lies in, itself included, highest first."""
        places = [(contest, code[:length]) for length in sorted(LEVELS) if length < 13 and length <= len(code)]
        return [(place[1], self.certificates[place]) for place in places if place in self.certificates]

    def total(self, contest: str, area: str) -> tuple[list[int], list[int], list[int]]:
        """Sums, stations in each sum, and counts: expected, in, held, differing, confirmed, corrected, with findings, awaiting."""
        sums, present, counts = [0] * FIGURES, [0] * FIGURES, [0] * 8
        for _, _, each in self.live(contest, area):
            state = each.state()
            marks = [
                True,
                state != "none",
                *(state == word for word in ("held", "differing", "confirmed")),
                state != "none" and each.changes > 0,
                any(broken(form.figures) for form in each.standing()),
                state == "none" and each.order,
            ]
            counts = [count + mark for count, mark in zip(counts, marks, strict=True)]
            for i, figure in enumerate(each.figures() if state != "held" else []):
                if isinstance(figure, int):
                    sums[i] += figure
                    present[i] += 1
        return sums, present, counts

    def areas_below(self, contest: str, area: str, length: int) -> list[str]:
        """Areas of a level with a round that holds."""
        return sorted({station[:length] for station, _, _ in self.live(contest, area)})

    def commitment(self, contest: str, area: str) -> bytes:
        """The area's hash: of its total and the hashes of what lies directly in it."""
        return _hash("area", self._row(contest, area))

    def _row(self, contest: str, area: str) -> list[Any]:
        length = min(each for each in LEVELS if each > len(area))
        if length == 13:
            hashes = [_hash("station", _station(contest, *found)) for found in self.live(contest, area)]
        else:
            hashes = [self.commitment(contest, code) for code in self.areas_below(contest, area, length)]
        return [contest, area, *self.total(contest, area), len(hashes), hashlib.sha256(b"".join(hashes)).digest()]

    def next_above(self, contest: str, code: str) -> int:
        """The code length of the certifying level directly above an area."""
        return max((length for length in CONTESTS[contest]["certify"] if length < len(code)), default=-1)

    def missing(self, contest: str, area: str) -> tuple[list[str], bool]:
        """What a certificate of the area must name, and whether anything else was not read."""
        lower = [length for length in CONTESTS[contest]["certify"] if length > len(area)]
        if lower:
            codes = self.areas_below(contest, area, min(lower))
            held = {code: self.certificates.get((contest, code)) for code in codes}
            good = [each for each in held.values() if each and each.holds]
            open_ = [code for code, each in held.items() if not (each and each.holds)]
            gaps = [code for code in open_ if not any(self.total(contest, code)[1])]
            return gaps, len(gaps) < len(open_) or any(not each.read for each in good)
        found = self.live(contest, area)
        gaps = [station for station, _, each in found if each.state() not in ("single", "confirmed", "corrected")]
        return gaps, any(not each.read for station, _, each in found if station not in gaps)


def _station(contest: str, station: str, number: int, each: Round) -> list[Any]:
    """A station's row on the page."""
    findings = sorted({code for form in each.standing() for code in broken(form.figures)})
    ids = [form.id for form in each.standing()]
    return [contest, station, number, ids, each.state(), each.figures(), findings, each.changes]


def _hash(kind: str, row: list[Any]) -> bytes:
    return hashlib.sha256(f"tally-ledger/recap/{kind}/v1\n".encode() + msgpack.packb(row, use_bin_type=True)).digest()


def broken(figures: Any) -> list[str]:
    """votes-1 + votes-2 = valid (r5); valid + invalid <= received (r9); three digit boxes each (r13).  What is no number breaks
    nothing."""
    _, first, second, valid, invalid, received = figures

    def numbers(*values: Any) -> bool:
        return all(isinstance(value, int) for value in values)

    found = {
        "r5": numbers(first, second, valid) and first + second != valid,
        "r9": numbers(valid, invalid, received) and valid + invalid > received,
        "r13": any(isinstance(value, int) and value > 999 for value in figures),
    }
    return [code for code, holds in found.items() if holds]
