"""The demo's offices: which seats there are, at which area, and which body enrols each.  INVENTED, as the keys are; the kinds of
office and what they may do are those of an Indonesian local election (domain.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.scenario.bengkulu import CITY_CODE, CONTESTS, DISTRICTS, PAIRS
from ledger.scenario.people import Actor

__all__ = [
    "BAWASLU",
    "COMMISSION",
    "KPU_CHAIR",
    "KPU_MEMBER",
    "PAIR_LABELS",
    "agent",
    "agents",
    "chair",
    "district_table",
    "officers",
    "operator",
    "readers",
    "registrar",
    "supervisor",
    "supervisors",
]

KPU_CHAIR: Final[Actor] = ("officer", CITY_CODE, "kpu-ketua")
KPU_MEMBER: Final[Actor] = ("officer", CITY_CODE, "kpu-anggota-1")
BAWASLU: Final[Actor] = ("supervisor", CITY_CODE, "bawaslu-ketua")
COMMISSION: Final[tuple[Actor, Actor]] = (("registrar", "", "commission-1"), ("registrar", "", "commission-2"))

PAIR_LABELS: Final = tuple(f"{contest}-{pair.number}" for contest in CONTESTS for pair in PAIRS[contest])
"""``governor-1`` and so on: each is a body of two registrar seats that enrols the pair's agents."""

_DISTRICT_SEATS: Final = ("ppk-ketua", "ppk-anggota-1", "ppk-anggota-2")


def operator(station: str, seat: str = "1") -> Actor:
    """An operator of a station."""
    return ("operator", station, seat)


def chair(district: str) -> Actor:
    """The chair of a district's plenary."""
    return ("officer", district, _DISTRICT_SEATS[0])


def district_table(district: str) -> tuple[Actor, Actor]:
    """Chair and one member, who certify."""
    return chair(district), ("officer", district, _DISTRICT_SEATS[1])


def readers(district: str) -> tuple[Actor, ...]:
    """Those who read a district's forms side by side, village by village."""
    return tuple(("officer", district, seat) for seat in _DISTRICT_SEATS)


def registrar(district: str) -> Actor:
    """Who may put a new key into an operator's seat on the day."""
    return ("registrar", district, "ppk-registrar")


def supervisor(district: str) -> Actor:
    """The district's supervisor."""
    return ("supervisor", district, "panwaslu")


def agent(label: str, district: str) -> Actor:
    """A pair's agent at a district (``label`` of PAIR_LABELS)."""
    return ("agent", district, f"saksi-{label}")


def officers() -> Iterator[Actor]:
    """All whom the commission enrols but the operators."""
    yield from (KPU_CHAIR, KPU_MEMBER)
    for district in DISTRICTS:
        yield from readers(district.code)
        yield registrar(district.code)


def supervisors() -> Iterator[Actor]:
    """All whom the supervisors' bodies enrol."""
    yield BAWASLU
    for district in DISTRICTS:
        yield supervisor(district.code)


def agents(label: str) -> Iterator[Actor]:
    """A pair's agents."""
    return (agent(label, district.code) for district in DISTRICTS)
