"""SYNTHETIC: the official district results of Kota Bengkulu, split to stations that never reported these numbers.

Real are the districts, the villages and, per district, registered voters, the number of stations and the votes of each pair
(``bengkulu``).  Everything below a district is invented: how many stations a village has, who is registered where, users, invalid
votes, ballots, and of course the slips.  Two things hold exactly: every true form keeps all rules of its form, and the true forms
of a district add up to its official table.

A *slip* is what the station sends first where it errs: the kinds and their shares follow the records of 2024 that broke a rule
(domain.md 1.4).  A correction sets each one right, so the corrected totals are the official ones.

One seed, one result, on every machine: integers only, and of ``random.Random`` only ``getrandbits``.
"""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from ledger.scenario.bengkulu import CITY_REGISTERED, CITY_STATIONS, CONTESTS, DISTRICTS, PAIRS, TURNOUT_PER_10_000, District
from ledger.scenario.papers import Sexes, Turnout, sound_paper
from ledger.tally.events import Figure, Figures
from ledger.tally.forms import FormDefinition, shipped_form

__all__ = ["SLIP_KINDS", "Slip", "StationForms", "form_for", "split"]

STATION_VOTERS_MAX: Final = 600
TURNOUT_MAX_PER_CENT: Final = 95
FIRST_SPECIAL_NUMBER: Final = 901

# Stations at special locations by village.  Records of February 2024 have 901 and 902 at Malabero, 901 to 903 at Bentiring and 901
# at Kandang Limun; that the five of November were those of the first two villages is INVENTED.
_SPECIAL: Final = {"1771031014": 2, "1771041002": 3}

T = TypeVar("T")

_FORM_NAMES: Final = {"governor": "kwk-gubernur", "mayor": "kwk-wali-kota"}


class Slip(NamedTuple):
    """What a station sends first for a contest, with the kind of its error (``SLIP_KINDS``)."""

    contest: str
    kind: str
    figures: Figures


class StationForms(NamedTuple):
    """A synthetic station: codes of 13, 10 and 6 digits, registered voters, and per contest the true figures in the form's order.

    For each contest that ``slips`` names, the slip's figures are submitted first and the true ones correct them.
    """

    station: str
    village: str
    district: str
    special: bool
    dpt_l: int
    dpt_p: int
    figures: Mapping[str, tuple[int, ...]]
    slips: tuple[Slip, ...]


@functools.cache
def form_for(contest: str) -> FormDefinition:
    """The shipped form of "governor" or "mayor", in whose order the figures stand."""
    return shipped_form(_FORM_NAMES[contest], len(PAIRS[contest]))


def split(seed: int) -> Iterator[StationForms]:
    """All 516 stations in the order of their codes."""
    users = _apportion(
        CITY_REGISTERED * TURNOUT_PER_10_000 // 10_000,
        [sum(district.mayor) for district in DISTRICTS],
        [district.registered for district in DISTRICTS],
    )
    erring = _erring_forms(_Dice(seed, "slips"))
    form_number = 0
    for district, district_users in zip(DISTRICTS, users, strict=True):
        for place, people, figures in _district(district, district_users, _Dice(seed, district.code)):
            slips = []
            for contest in CONTESTS:
                if form_number in erring:
                    slips.append(_slip(contest, figures[contest], _Dice(seed, f"{place.station}/{contest}")))
                form_number += 1
            yield StationForms(
                station=place.station,
                village=place.village,
                district=district.code,
                special=place.special,
                dpt_l=people.registered[0],
                dpt_p=people.registered[1],
                figures={contest: tuple(figures[contest].values()) for contest in CONTESTS},
                slips=tuple(slips),
            )


class _Dice:
    """Chance, from a seed and a name."""

    def __init__(self, seed: int, name: str) -> None:
        self._random = random.Random(int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()))

    def between(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + (self._random.getrandbits(32) * (high - low + 1) >> 32)

    def choose(self, options: Sequence[T]) -> T:
        """One of the options, each as likely."""
        return options[self.between(0, len(options) - 1)]


def _apportion(total: int, weights: Sequence[int], ceilings: Sequence[int]) -> list[int]:
    """``total`` in integers by weight, with the largest remainders rounded up, none above its ceiling.

    ``total`` is at most the sum of the ceilings of positive weight.
    """
    shares = [0] * len(weights)
    open_places = list(range(len(weights)))
    while True:
        weight = sum(weights[at] for at in open_places)
        full = [at for at in open_places if total * weights[at] > ceilings[at] * weight]
        if not full:
            break
        for at in full:
            shares[at] = ceilings[at]
        total -= sum(ceilings[at] for at in full)
        open_places = [at for at in open_places if at not in full]
    for at in open_places:
        shares[at] = total * weights[at] // weight
    left = total - sum(shares[at] for at in open_places)
    for at in sorted(open_places, key=lambda at: (-(total * weights[at] % weight), at))[:left]:
        shares[at] += 1
    return shares


# --- stations and people -------------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    station: str
    village: str
    special: bool


class _People(NamedTuple):
    """Who is registered and who came.  ``governor_only``: moved voters from another city of the province, who get one ballot."""

    registered: Sexes
    listed: Sexes
    moved: Sexes
    added: Sexes
    governor_only: Sexes
    disabled: Sexes

    def turnout(self, contest: str) -> Turnout:
        """Who voted in the contest."""
        moved = self.moved
        if contest != "governor":
            moved = moved[0] - self.governor_only[0], moved[1] - self.governor_only[1]
        return Turnout(self.registered, self.listed, moved, self.added, self.disabled)


def _places(district: District) -> list[_Place]:
    """The district's official number of stations over its villages, by their stations in February 2024; that
    leaves each at least one."""
    special = sum(_SPECIAL.get(village.code, 0) for village in district.villages)
    weights = [village.stations_in_february for village in district.villages]
    shares = _apportion(district.stations - special, weights, [district.stations] * len(weights))
    places = []
    for village, share in zip(district.villages, shares, strict=True):
        numbers = [*range(1, share + 1), *(FIRST_SPECIAL_NUMBER + at for at in range(_SPECIAL.get(village.code, 0)))]
        places += [_Place(f"{village.code}{number:03}", village.code, number >= FIRST_SPECIAL_NUMBER) for number in numbers]
    return places


def _district(district: District, users: int, dice: _Dice) -> Iterator[tuple[_Place, _People, dict[str, dict[str, int]]]]:
    """The district's stations, each with its people and its true figures by contest and code."""
    places = _places(district)
    weights = [dice.between(45, 60) if place.special else dice.between(90, 108) for place in places]
    registered = _apportion(district.registered, weights, [STATION_VOTERS_MAX] * len(places))
    came = _apportion(
        users,
        [number * dice.between(92, 108) for number in registered],
        [number * TURNOUT_MAX_PER_CENT // 100 for number in registered],
    )
    people = [_people(place, listed, voted, dice) for place, listed, voted in zip(places, registered, came, strict=True)]
    votes = {contest: _votes(contest, district.votes(contest), people, dice) for contest in CONTESTS}
    for at, place in enumerate(places):
        figures = {
            contest: sound_paper(form_for(contest), people[at].turnout(contest), votes[contest][at], returned=dice.between(0, 2))
            for contest in CONTESTS
        }
        yield place, people[at], figures


def _people(place: _Place, registered: int, came: int, dice: _Dice) -> _People:
    male = registered * (dice.between(900, 970) if place.special else dice.between(475, 535)) // 1000
    female = registered - male
    moved = (dice.between(0, 15), dice.between(0, 1)) if place.special else (dice.between(0, 2), dice.between(0, 2))
    added = (0, 0) if place.special else (dice.between(0, 6), dice.between(0, 6))
    listed = came - sum(moved) - sum(added)
    listed_male = min(male, max(0, listed - female, listed * male // registered - dice.between(0, 8)))
    governor_only = (dice.between(0, moved[0]), dice.between(0, moved[1]))
    disabled = (min(dice.between(0, 3), listed_male), min(dice.between(0, 3), listed - listed_male))
    return _People((male, female), (listed_male, listed - listed_male), moved, added, governor_only, disabled)


# --- votes ---------------------------------------------------------------------------------------------------------------------


def _votes(contest: str, official: Sequence[int], people: Sequence[_People], dice: _Dice) -> list[list[int]]:
    """Votes of each pair at each station; they add up to the official ones, and at each station to no more than its users."""
    users = [sum(station.turnout(contest).users) for station in people]
    invalid = _apportion(
        sum(users) - sum(official), [number * dice.between(60, 140) for number in users], [number // 3 for number in users]
    )
    rest = list(official)
    table = []
    for valid in (number - lost for number, lost in zip(users, invalid, strict=True)):
        row = _apportion(valid, rest, rest)
        rest = [left - taken for left, taken in zip(rest, row, strict=True)]
        table.append(row)
    _stir(table, dice)
    return table


def _stir(table: list[list[int]], dice: _Dice) -> None:
    """Strongholds: pairs of stations exchange votes of pairs of candidates, so that no row or column changes its sum."""
    for _ in range(6 * len(table)):
        one, other = dice.between(0, len(table) - 1), dice.between(0, len(table) - 2)
        gains, loses = dice.between(0, len(table[0]) - 1), dice.between(0, len(table[0]) - 2)
        other += other >= one
        loses += loses >= gains
        moved = dice.between(0, min(table[one][loses], table[other][gains]) // 5)
        table[one][gains] += moved
        table[one][loses] -= moved
        table[other][gains] -= moved
        table[other][loses] += moved


# --- slips ---------------------------------------------------------------------------------------------------------------------

_Changes = Mapping[str, Figure]


def _erring_forms(dice: _Dice) -> frozenset[int]:
    """Which of all forms (stations in code order, contests in order) are first sent with a slip: 6.3 to 7.7 per cent."""
    forms = list(range(CITY_STATIONS * len(CONTESTS)))
    count = len(forms) * dice.between(63, 77) // 1000
    for at in range(count):
        other = dice.between(at, len(forms) - 1)
        forms[at], forms[other] = forms[other], forms[at]
    return frozenset(forms[:count])


def _pair_codes(true: Mapping[str, int]) -> list[str]:
    return [code for code in true if code.removeprefix("suara-").isdecimal()]


def _digit_misread(true: Mapping[str, int], dice: _Dice) -> _Changes:
    """A 3 is read as 8, or a 2 as 7."""
    readings = [
        (code, int(digits[:at] + {"2": "7", "3": "8"}[digit] + digits[at + 1 :]))
        for code in (*_pair_codes(true), "suara-tidak-sah")
        for digits in (str(true[code]),)
        for at, digit in enumerate(digits)
        if digit in "23"
    ]
    return dict([dice.choose(readings)]) if readings else {}


def _leading_digit(true: Mapping[str, int], dice: _Dice) -> _Changes:
    """A stroke before the number becomes its first digit: 71 is read as 871, 171 as 1171."""
    code = dice.choose(_pair_codes(true))
    return {code: true[code] + (100 * dice.between(8, 9) if true[code] < 100 else 1000 * dice.between(1, 2))}


def _columns_do_not_add(true: Mapping[str, int], dice: _Dice) -> _Changes:
    """Men and women do not add up to the total."""
    code = dice.choose(["dpt-l", "pengguna-dpt-l", "disabilitas-l"])
    return {code: true[code] + dice.between(1, 9)}


def _users_differ(true: Mapping[str, int], dice: _Dice) -> _Changes:
    """The users' block is sound in itself, but its total is not that of the votes; more often too small than too large."""
    column = "l" if true["pengguna-dpt-l"] > true["pengguna-dpt-p"] else "p"
    difference = dice.between(1, 9) * (-1 if dice.between(1, 50) <= 29 else 1)
    codes = (f"pengguna-dpt-{column}", "pengguna-dpt-j", f"pengguna-total-{column}", "pengguna-total-j")
    return {code: true[code] + difference for code in codes}


def _valid_not_sum(true: Mapping[str, int], dice: _Dice) -> _Changes:
    """The valid votes were summed up wrongly."""
    return {"suara-sah": true["suara-sah"] + dice.between(1, 10) * dice.choose([-1, 1])}


def _pairs_swapped(true: Mapping[str, int], dice: _Dice) -> _Changes:
    """Two pairs' votes changed places: no rule sees it, only the photo does."""
    codes = _pair_codes(true)
    one = dice.choose(codes)
    others = [code for code in codes if true[code] != true[one]]
    if not others:
        return {}
    other = dice.choose(others)
    return {one: true[other], other: true[one]}


def _left_blank(true: Mapping[str, int], dice: _Dice) -> _Changes:
    """A figure was not filled in."""
    others = ("suara-tidak-sah", "surat-suara-dikembalikan", "pengguna-tambahan-j", "disabilitas-j")
    return {dice.choose([*_pair_codes(true), *others]): None}


_SLIPS: Final[dict[str, tuple[int, Callable[[Mapping[str, int], _Dice], _Changes]]]] = {
    "digit-misread": (22, _digit_misread),
    "leading-digit": (8, _leading_digit),
    "columns-do-not-add": (12, _columns_do_not_add),
    "users-differ": (36, _users_differ),
    "valid-not-sum": (10, _valid_not_sum),
    "pairs-swapped": (6, _pairs_swapped),
    "left-blank": (6, _left_blank),
}
"""Kind to its share in per cent and how it comes about.  In the sample of 2024, totals differing from users were half of all."""

SLIP_KINDS: Final = tuple(_SLIPS)


def _slip(contest: str, true: Mapping[str, int], dice: _Dice) -> Slip:
    kind = dice.choose([name for name, (share, _) in _SLIPS.items() for _ in range(share)])
    changes = _SLIPS[kind][1](true, dice)
    if not changes:  # no digit to misread, or all pairs level
        kind, changes = "valid-not-sum", _valid_not_sum(true, dice)
    return Slip(contest, kind, tuple(changes.get(code, number) for code, number in true.items()))
