"""The words that every screen shares, in Indonesian and English: states, recaps, rounds, levels (docs/GLOSSARY.md, docs/STATES.md).

A pair of texts is always (Indonesian, English).  Some words mean something else in Indonesian election law, and are kept from
screens: ``FORBIDDEN`` lists them, and a test holds that no table here has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ledger.tally.rules import Language

__all__ = [
    "ABBREVIATIONS",
    "FORBIDDEN",
    "LEVELS",
    "RECAPS",
    "STATES",
    "VOTER_KINDS",
    "Said",
    "grouped",
    "level_label",
    "round_label",
    "said",
]

Said = tuple[str, str]
"""A text in Indonesian and in English."""

STATES: Final[Mapping[str, Said]] = {
    "none": ("belum masuk", "not in yet"),
    "submitted": ("masuk dari satu akun", "in from one seat"),
    "confirmed": ("masuk, sama dari dua akun", "in, confirmed by the second seat"),
    "differing": ("masuk, dua akun berbeda", "in, the two seats differ"),
    "corrected": ("masuk, ada pembetulan", "in, corrected"),
    "held": ("ditahan, di luar jumlah", "held, not in the totals"),
    "withdrawn": ("ditarik, belum masuk lagi", "withdrawn, not in again yet"),
    "annulled": ("dibatalkan", "annulled"),
    "read": ("sudah dibacakan di pleno", "read in the plenary"),
    "certified": ("disahkan", "certified"),
}
"""The states of a tally (``ledger.tally.facts.status``), in the order of docs/STATES.md."""

RECAPS: Final[Mapping[str, Said]] = {
    "provisional": ("sementara", "provisional"),
    "complete": ("lengkap", "complete"),
    "certified": ("disahkan {level}", "certified by the {level}"),
    "certified-counting": ("disahkan {level} {n}/{of}", "certified by {n} of {of} ({level})"),
    "determined": ("ditetapkan", "determined"),
    "at-court": ("digugat ke MK", "before the Constitutional Court"),
    "elected": ("calon terpilih ditetapkan", "candidate-elect determined"),
    "reopened": ("dibuka kembali", "reopened"),
    "renewal": ("perlu disahkan ulang", "to be certified again"),
    "corrected-above": ("disahkan, dibetulkan di {level}", "certified, corrected by the {level}"),
    "paper-differs": ("disahkan dengan selisih", "certified with a difference"),
    "court-ordered": ("ada putusan MK", "the Constitutional Court has ruled"),
}
"""The words for a recap (``ledger.tally.facts.status``)."""

VOTER_KINDS: Final[Mapping[str, Said]] = {
    "dpt": ("pemilih dalam DPT", "registered voters"),
    "pindahan": ("pemilih pindahan", "moved voters"),
    "tambahan": ("pemilih tambahan", "added voters"),
}
"""Written in full: the abbreviations changed their meaning over the years."""

LEVELS: Final[Mapping[str, Said]] = {
    "nation": ("nasional", "nation"),
    "province": ("provinsi", "province"),
    "city": ("kabupaten/kota", "regency or city"),
    "regency": ("kabupaten", "regency"),
    "district": ("kecamatan", "district"),
    "village": ("kelurahan/desa", "village"),
    "station": ("TPS", "polling station"),
}

FORBIDDEN: Final[Mapping[str, str]] = {
    "temuan": "catatan pemeriksaan",
    "laporan": "catatan pemeriksaan",
    "sengketa": "keberatan",
    "ditunda": "ditahan",
    "revisi": "pembetulan",
    "pemenang": "suara terbanyak",
    "winner": "most votes",
    "dispute": "objection",
    "witness": "party agent",
}
"""A word that screens do not say, and what they say instead."""

ABBREVIATIONS: Final = ("DPTb", "DPPh", "DPK")
"""Kinds of voters that labels name in full."""

_CITIES_FROM: Final = 71
"""Codes of regencies end in 01 to 70, those of cities in 71 to 99 (the ministry's area codes, which KPU uses)."""


def said(pair: Said, lang: Language) -> str:
    """The one of the two in ``lang``."""
    return pair[0] if lang == "id" else pair[1]


def grouped(number: int, lang: Language) -> str:
    """Thousands apart: 1.223 in Indonesian, 1,223 in English."""
    plain = f"{number:,}"
    return plain.replace(",", ".") if lang == "id" else plain


def round_label(round_: int, lang: Language, *, court: bool = False) -> str:
    """``pemungutan awal`` for round 0, ``PSU ke-n`` for the n-th revote; ``court``: ordered by the court."""
    if not round_:
        return said(("pemungutan awal", "first vote"), lang)
    mark = said((" (putusan MK)", " (by order of the Constitutional Court)"), lang) if court else ""
    return said((f"PSU ke-{round_}", f"revote {round_}"), lang) + mark


def level_label(level: str, lang: Language, *, area: str = "") -> str:
    """A level's name; of one ``area`` whether it is a regency or a city.  A level that we do not know has its own code as name."""
    if level == "city" and len(area) == 4 and area.isdecimal():
        city = int(area[2:]) >= _CITIES_FROM
        return said(("kota", "city") if city else LEVELS["regency"], lang)
    return said(LEVELS.get(level, (level, level)), lang)
