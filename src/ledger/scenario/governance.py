"""The rules of a governed election, as its entry 0 says them: registrars, powers, second seats, cut-off and deadlines.

Defaults for a local election (design: events and authority; domain.md 2.3 to 2.7 for who does what, and when).  They are data of
the manifest: another election may say others, and ``election.amended`` may tighten them.

- Who counts is enrolled by the commission, who watches by bodies of their own: two registrar seats each, because enrolment waits
  for a second seat.
- Numbers change at the plenaries' levels alone; revotes and postponed votes are ordered from the city up; what goes back into the
  totals names the document that it rests on.
- What waits for a second seat: certificates and their reopening, revotes, candidates, areas, enrolment.  Holding a form and
  revoking a key act at once.

Left to others: keys and signatures (``founding``), what an act needs beyond this (``ledger.tally.acts``).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Final, NamedTuple

from ledger.tally.events import Cutoff, Deadline, Level, Power, Role

__all__ = [
    "AGENT_ROLES",
    "COMMISSION_ROLES",
    "DEFAULT_POWERS",
    "DEFAULT_SECOND_SEATS",
    "SUPERVISOR_ROLES",
    "UNGOVERNED",
    "Body",
    "Rules",
    "default_cutoffs",
    "default_deadlines",
    "governed",
    "powers_for",
]

COMMISSION_ROLES: Final[tuple[Role, ...]] = ("administrator", "importer", "officer", "operator", "registrar")
"""What the commission enrols; ``registrar``: districts that may replace an operator's key on the day."""
SUPERVISOR_ROLES: Final[tuple[Role, ...]] = ("supervisor",)
AGENT_ROLES: Final[tuple[Role, ...]] = ("agent",)

_PLENARY: Final = ("province", "city", "district")
_CITY_UP: Final = ("province", "city")

DEFAULT_POWERS: Final[tuple[Power, ...]] = (
    Power("candidate.changed", _CITY_UP, 1),
    Power("recap.certified", _PLENARY, 0),
    Power("recap.read", _PLENARY, 0),
    Power("recap.reopened", _PLENARY, 1),
    Power("recommendation.answered", _PLENARY, 0),
    Power("revote.ordered", _CITY_UP, 1),
    Power("revote.withdrawn", _CITY_UP, 1),
    Power("tally.corrected", _PLENARY, 0),
    Power("tally.held", _PLENARY, 0),
    Power("tally.released", _PLENARY, 1),
    Power("tally.submitted", _PLENARY, 0),
    Power("tally.withdrawn", _PLENARY, 0),
    Power("vote.postponed", _CITY_UP, 1),
)
"""Act, levels, whether a basis is asked for.  ``objection.settled`` is not here: the fold gives it to the office of the level at
which the objection is open, and its withdrawal to who raised it, at whatever level that is."""

DEFAULT_SECOND_SEATS: Final = (
    "candidate.changed",
    "jurisdictions.amended",
    "keys.enrolled",
    "recap.certified",
    "recap.reopened",
    "revote.ordered",
    "revote.withdrawn",
)

_WINDOWS: Final[dict[str, tuple[int, int]]] = {"district": (1, 6), "city": (2, 9), "province": (3, 12)}
"""Days after the voting day on which a level's recapitulation begins and must be done: 28 November to 3 December, 29 November to
6 December, 30 November to 9 December 2024 (domain.md 2.7)."""

_WIB: Final = datetime.timezone(datetime.timedelta(hours=7))  # the commission's timetable is in the capital's time
_FIRST_WINDOW: Final = "district"


class Body(NamedTuple):
    """A registrar body of one key: its name, and the roles that it enrols, everywhere in the election."""

    name: str
    roles: tuple[Role, ...]


class Rules(NamedTuple):
    """What entry 0 says of authority.  Without ``powers`` and ``second_seats`` it says nothing of plenaries."""

    bodies: tuple[Body, ...]
    second_seats: tuple[str, ...]
    powers: tuple[Power, ...]
    cutoffs: tuple[Cutoff, ...]
    deadlines: tuple[Deadline, ...]

    @property
    def governed(self) -> bool:
        """Whether there are plenary rules."""
        return bool(self.powers or self.second_seats)


UNGOVERNED: Final = Rules((Body("commission", ("administrator", "importer", "officer", "operator")),), (), (), (), ())
"""One registrar, no second seat, every officer at every level: for imports."""


def governed(*, levels: Sequence[Level], day: str, pairs: Sequence[str]) -> Rules:
    """The defaults for an election on ``day`` (YYYY-MM-DD) with these levels.

    ``pairs``: labels of the candidate pairs that enrol agents, e.g. ``mayor-1``; each gets two registrar seats, ``mayor-1-a`` and
    ``mayor-1-b``.  The commission has ``commission-1`` and ``commission-2``, the supervisors ``bawaslu-1`` and ``bawaslu-2``.
    """
    bodies = [Body(f"commission-{number}", COMMISSION_ROLES) for number in (1, 2)]
    bodies += [Body(f"bawaslu-{number}", SUPERVISOR_ROLES) for number in (1, 2)]
    bodies += [Body(f"{pair}-{seat}", AGENT_ROLES) for pair in pairs for seat in ("a", "b")]
    deadlines = default_deadlines(day, levels)
    return Rules(tuple(bodies), DEFAULT_SECOND_SEATS, powers_for(levels), default_cutoffs(deadlines), deadlines)


def powers_for(levels: Sequence[Level]) -> tuple[Power, ...]:
    """The default powers with the levels that this election has.  Where it has none of those that a power names, the highest level
    may do the act: somebody must be able to."""
    known = [level.code for level in levels]
    return tuple(
        Power(power.act, tuple(code for code in known if code in power.levels) or (known[0],), power.basis)
        for power in DEFAULT_POWERS
    )


def default_deadlines(day: str, levels: Sequence[Level]) -> tuple[Deadline, ...]:
    """When each level's recapitulation opens (begin of a day) and closes (end of a day), ms since 1970."""
    voting = datetime.datetime.fromisoformat(day).replace(tzinfo=_WIB)
    return tuple(
        Deadline(level.code, _day(voting, _WINDOWS[level.code][0]), _day(voting, _WINDOWS[level.code][1] + 1) - 1)
        for level in levels
        if level.code in _WINDOWS
    )


def default_cutoffs(deadlines: Sequence[Deadline]) -> tuple[Cutoff, ...]:
    """Operators may send and correct until the districts must be done; after that an office enters a late form."""
    return tuple(Cutoff("operator", deadline.closes) for deadline in deadlines if deadline.level == _FIRST_WINDOW)


def _day(voting: datetime.datetime, after: int) -> int:
    """The begin of the day ``after`` days from the voting day (ms since 1970)."""
    return int((voting + datetime.timedelta(days=after)).timestamp()) * 1000
