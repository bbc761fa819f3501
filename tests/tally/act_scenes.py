"""What the act tables are expanded against: elections in the states that the tables name, and an act to try there.

A *scene* is a governed election brought to some state; nothing is appended once it stands, acts are only decided.  Beside the
people of ``governed`` it has a key of every role at every level above station ``ONE``, named ``<role>@<level>``.  ``answer`` says
what the fold would do with an act: ``ok``, ``pending``, ``void <code>``, ``refused <code>`` or ``waiting <code>``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from ledger.device.stream import Signed
from ledger.tally import events as e
from ledger.tally.state import Change

from ..governed import CITY, DISTRICT_A, PROVINCE, Governed, GovernedLog, certificate
from ..world import STATIONS, code_of

ONE, TWO, THREE, FOUR = STATIONS
LEVELS: Final[dict[str, str]] = {
    "station": ONE,
    "village": ONE[:10],
    "district": DISTRICT_A,
    "city": CITY,
    "province": PROVINCE,
    "country": "",
}
"""Level: the scope of the keys that act there."""
ROLES: Final = ("operator", "officer", "agent", "supervisor", "administrator", "registrar", "importer", "root", "sealer")
BODY: Final = {"agent": "pair-1", "supervisor": "watchdog-1"}
BASIS: Final = "BA 7/2024"
OTHER: Final[e.Figures] = (300, 121, 100, 221, 5, 307)
WRONG: Final[e.Figures] = (300, 120, 100, 222, 5, 307)
"""Breaks r5."""
NOBODY: Final = bytes(32)
DAY_MS: Final = 24 * 60 * 60 * 1000


def combinations() -> list[tuple[str, str]]:
    """(role, level) wherever a key of that role can be: operators at stations, roots and sealer for the country."""
    found = [("operator", "station")]
    found += [(role, level) for role in ROLES[1:7] for level in LEVELS]
    return [*found, ("root", "country"), ("sealer", "country")]


def key_name(role: str, level: str) -> str:
    """The key of a role at a level.  For the country registrars and roots are those of entry 0."""
    fixed = {"operator": f"{ONE}/1", "root": "root-1", "sealer": "sealer"}
    if role in fixed:
        return fixed[role]
    return "commission-1" if (role, level) == ("registrar", "country") else f"{role}@{level}"


class Scene:
    """An election, what its labelled events are called, and the time at which acts are tried."""

    def __init__(self, **world: Any) -> None:
        self.world = Governed(**world)
        self.log = GovernedLog(self.world)
        self.ids: dict[str, bytes] = {}
        rows: dict[str, list[e.KeyRow]] = {}
        for role, level in combinations():
            name = key_name(role, level)
            if name == f"{role}@{level}":
                row = self.world.key_row(name, role, LEVELS[level], f"{role}-{level}")
                rows.setdefault(BODY.get(role, "commission-1"), []).append(row)
        for body, keys in rows.items():
            self.enrol(body, keys)

    def enrol(self, body: str, keys: Iterable[e.KeyRow]) -> None:
        """Keys, by a registrar and the second of its side."""
        second = {"commission-1": "commission-2", "watchdog-1": "watchdog-2"}.get(body, f"{body}-b")
        signed = self.log.act(body, e.KeysEnrolled(keys=tuple(keys)))
        self.log.append(self.world.approve(second, signed.event_id))

    def does(self, label: str, name: str, data: e.EventData) -> Scene:
        """An act that takes effect or is pending, under a label."""
        return self.did(label, self.log.act(name, data))

    def did(self, label: str, signed: Signed) -> Scene:
        """What was appended, under a label."""
        self.ids[label] = signed.event_id
        return self

    def approved(self, name: str, label: str) -> Scene:
        """The second seat's word on a labelled act."""
        self.log.append(self.world.approve(name, self.ids[label]))
        return self

    def certificate(self, contest: str, area: str, **other: Any) -> e.RecapCertified:
        """What the state asks a certificate to say."""
        return certificate(self.log.state, len(self.log.entries), contest, area, **other)

    def answer(self, name: str, data: e.EventData) -> str:
        """What the fold would do with this act of this key, over a view that answers for named rows alone."""
        answer = self.log.decide(self.world.peek(name, data).submission, watched=False)
        return "pending" if isinstance(answer, Change) and answer.pending else code_of(answer)


Made = Callable[[Scene, str], e.EventData]
"""The data of an act, for a scene and the name of the key that is to sign it."""


# --- the tables ----------------------------------------------------------------------------------------------------------------


def _chosen(pattern: str, values: Sequence[str]) -> list[str]:
    """``*``, ``a, b``, or ``! a, b`` (all but these).  A name that ends in ``*`` stands for all that begin so."""
    negated = pattern.startswith("!")
    found: list[str] = []
    for part in pattern.removeprefix("!").split(","):
        name = part.strip()
        matching = [value for value in values if value == name or (name.endswith("*") and value.startswith(name[:-1]))]
        assert matching, f"{name!r} is none of {list(values)}"
        found += matching
    return [value for value in values if (value in found) != negated]


def expanded(
    rows: Sequence[dict[str, str]], axes: dict[str, Sequence[str]], product: Iterable[tuple[str, ...]]
) -> tuple[dict[tuple[str, ...], str], list[str]]:
    """The answer of every member of ``product``; and what is wrong: holes, and members that two rows answer."""
    wanted = dict.fromkeys(product, "")
    faults: list[str] = []
    for row in rows:
        cells: list[tuple[str, ...]] = [()]
        for axis, values in axes.items():
            cells = [(*cell, value) for cell in cells for value in _chosen(row[axis], values)]
        met = [cell for cell in cells if cell in wanted]
        if not met:
            faults.append(f"no combination is meant by {row}")
        for cell in met:
            if wanted[cell]:
                faults.append(f"{cell} is answered twice, at last by {row}")
            wanted[cell] = row["answer"]
    faults += [f"{cell} has no row" for cell, answer in wanted.items() if not answer]
    return wanted, faults
