"""Two languages: which one is spoken, how numbers and times are written in it, and the message catalogue.

Words of screens stand where they are used, both languages side by side: ``text("belum masuk", "not in yet")``.  What every code
means, who must act and what to do stands in ``messages.toml``.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

__all__ = [
    "Language",
    "Message",
    "choose_language",
    "grouped",
    "iso_time",
    "language",
    "local_time",
    "messages",
    "parse_time",
    "printable",
    "set_language",
    "text",
]

Language = Literal["id", "en"]

_spoken: list[Language] = ["id"]


def language() -> Language:
    """The language of this run."""
    return _spoken[0]


def set_language(chosen: Language) -> None:
    """From now on."""
    _spoken[0] = chosen


def text(indonesian: str, english: str) -> str:
    """The one of the two that is spoken."""
    return indonesian if language() == "id" else english


def choose_language(flag: str | None, environment: Mapping[str, str]) -> Language:
    """``--lang``, LEDGER_LANG, the locale, else Indonesian.  An unknown language falls through to the next."""
    candidates = (flag, environment.get("LEDGER_LANG"), environment.get("LC_ALL"), environment.get("LC_MESSAGES"))
    for candidate in (*candidates, environment.get("LANG")):
        match re.split(r"[^a-z]", (candidate or "").lower())[0]:
            case "id" | "in" | "indonesian":
                return "id"
            case "en" | "english":
                return "en"
    return "id"


def grouped(number: int) -> str:
    """Thousands apart: 1.234 in Indonesian, 1,234 in English."""
    plain = f"{number:,}"
    return plain.replace(",", ".") if language() == "id" else plain


def printable(value: object) -> str:
    """``value`` as text that cannot steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value))


# --- time -------------------------------------------------------------------------------------------------------------------

_ZONES: Final = {
    "Asia/Jakarta": ("WIB", 7),
    "Asia/Pontianak": ("WIB", 7),
    "Asia/Makassar": ("WITA", 8),
    "Asia/Jayapura": ("WIT", 9),
}
_MONTHS: Final = {
    "id": ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _moment(milliseconds: int, zone: str) -> tuple[datetime.datetime, str]:
    name, hours = _ZONES.get(zone, ("UTC", 0))
    offset = datetime.timezone(datetime.timedelta(hours=hours))
    try:
        return (_EPOCH + datetime.timedelta(milliseconds=milliseconds)).astimezone(offset), name
    except OverflowError:  # a device may claim any time up to 2^53 ms
        return datetime.datetime.max.replace(tzinfo=offset), name


def local_time(milliseconds: int, zone: str) -> str:
    """For people: ``27 Nov 2024 13.05.00 WIB``.  Zones of Indonesia have names, others are shown in UTC."""
    moment, name = _moment(milliseconds, zone)
    clock = moment.strftime("%H.%M.%S" if language() == "id" else "%H:%M:%S")
    return f"{moment.day} {_MONTHS[language()][moment.month - 1]} {moment.year} {clock} {name}"


def parse_time(said: str, zone: str) -> int | None:
    """Milliseconds since 1970 of ``YYYY-MM-DDTHH:MM`` (with seconds and offset or without; then the zone's), else None."""
    try:
        moment = datetime.datetime.fromisoformat(said)
    except ValueError:
        return None
    if len(said) < len("YYYY-MM-DDTHH:MM"):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=_ZONES.get(zone, ("UTC", 0))[1])))
    milliseconds = (moment - _EPOCH) // datetime.timedelta(milliseconds=1)
    return milliseconds if milliseconds >= 0 else None


def iso_time(milliseconds: int, zone: str) -> str:
    """For programs: ISO 8601 with offset and milliseconds."""
    return _moment(milliseconds, zone)[0].isoformat(timespec="milliseconds")


# --- the catalogue ----------------------------------------------------------------------------------------------------------


class Message:
    """What a code means.  ``who`` must act; ``detailed``: the error's own clause says more."""

    def __init__(self, code: str, said: Mapping[str, Any]) -> None:
        self.code: Final = code
        self.kind: Final[str] = said.get("kind", "error")
        self.who: Final[str] = said["who"]
        self.detailed: Final[bool] = said.get("detail", False)
        self._said: Final = said

    @property
    def what(self) -> str:
        """What is wrong, one line."""
        return str(self._said[language()][0])

    @property
    def do(self) -> str:
        """What to do next, one line."""
        return str(self._said[language()][1])


@cache
def messages() -> dict[str, Message]:
    """Every code: errors, refusals, voids, and the rules of the forms."""
    data = resources.files("ledger.cli").joinpath("messages.toml").read_bytes()
    return {code: Message(code, said) for code, said in tomllib.loads(data.decode()).items()}
