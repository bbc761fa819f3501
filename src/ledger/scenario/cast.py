"""Who plays which part in the demo: the stations at which something goes wrong, drawn from the seed.

INVENTED, all of it: in November 2024 nothing of this was reported of these stations, and KPU said that the city had no revote.
Every part needs a station without a slip, so that each trouble stands for itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from ledger.scenario.split import StationForms

__all__ = ["Cast", "Draw", "casting"]

CONFIRMED: Final = 6
"""Stations of which the second seat sends the same figures."""


class Draw:
    """Chance from a seed and a label: no state, so that one more draw changes no other."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, low: int, high: int, *label: object) -> int:
        """An integer from low to high, both included."""
        text = "/".join(["demo", str(self._seed), *map(str, label)])
        return low + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % (high - low + 1)


class Cast(NamedTuple):
    """A station for each part.

    ``differing``: its two operators send different figures.  ``broken_phone``: could not send, entered by the district; its key is
    revoked, and the phone's events arrive later.  ``wrong_form``: sent the form of ``neighbour``.  ``replaced``: the key was
    replaced on the day.  ``accepted``, ``rejected``, ``carried``: with an objection that ended so; ``carried`` is corrected by the
    city, and is the one whose story is told.  ``continued``: the vote was interrupted (PSL).  ``again``: it was repeated (PSU).
    ``late``: the governor's form was missing when the district certified.  ``explained``: the paper itself does not add up.
    ``refused``, ``unanswered``: with a recommendation that was refused, or never answered.
    """

    confirmed: tuple[str, ...]
    differing: StationForms
    broken_phone: StationForms
    wrong_form: StationForms
    neighbour: StationForms
    replaced: StationForms
    accepted: StationForms
    rejected: StationForms
    carried: StationForms
    continued: StationForms
    again: StationForms
    late: StationForms
    explained: StationForms
    refused: StationForms
    unanswered: StationForms


_DISTRICTS: Final = {
    "differing": "177106",
    "broken_phone": "177103",
    "replaced": "177102",
    "accepted": "177107",
    "rejected": "177102",
    "carried": "177101",
    "continued": "177105",
    "again": "177109",
    "late": "177108",
    "explained": "177109",
    "refused": "177106",
    "unanswered": "177104",
}
"""In which district each part is played; each has its own plenary day."""

_WRONG_FORM_DISTRICT: Final = "177104"


def casting(stations: Sequence[StationForms], draw: Draw) -> Cast:
    """A part for each of so many stations; none plays two."""
    clean = [row for row in stations if not row.slips and not row.special]
    shuffled = sorted(clean, key=lambda row: draw(0, 2**60, "part", row.station))
    free = {row.station: row for row in shuffled}
    parts: dict[str, StationForms] = {}
    for part, district in _DISTRICTS.items():
        parts[part] = free.pop(next(code for code, row in free.items() if row.district == district))
    neighbours = [
        (one, other)
        for one in free.values()
        if one.district == _WRONG_FORM_DISTRICT
        for other in free.values()
        if int(other.station) == int(one.station) + 1
    ]
    one, other = neighbours[0]
    del free[one.station], free[other.station]
    confirmed = tuple(sorted(list(free)[:CONFIRMED]))
    return Cast(confirmed, wrong_form=one, neighbour=other, **parts)
