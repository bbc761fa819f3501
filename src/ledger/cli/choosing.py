"""What a person names on the command line, found in the ledger: contests, stations with their round, earlier acts, times."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger.cli.app import App
from ledger.cli.completing import complete_contest
from ledger.cli.entries import find_entry
from ledger.cli.language import parse_time
from ledger.cli.program import option
from ledger.cli.speaking import known_contest
from ledger.cli.tables import near, read_source
from ledger.errors import BadInput, Usage, Waiting
from ledger.recap.places import Placed, current_slot, election_of, frame, require_area
from ledger.tally.events import ReadRow
from ledger.tally.rows import Contest, Key, Slot
from ledger.tally.rules import CompiledForm
from ledger.tally.state import AREAS, CONTESTS, KEYS, SLOTS, Reader, Table, area_key

if TYPE_CHECKING:
    from ledger.device.folder import Device

__all__ = [
    "Tally",
    "acting_key",
    "basis_option",
    "chosen_contest",
    "chosen_tally",
    "contest_option",
    "day_of",
    "event_named",
    "find_act",
    "moment_of",
    "needed_basis_option",
    "one_of",
    "reason_option",
    "standing_row",
    "stations_named",
]

ID_PREFIX_MIN: Final = 8
"""So many hex digits of an event id name it, at the least; fewer digits are an entry's number."""
CODES_MAX: Final = 100_000

contest_option: Final = option(
    "--contest",
    shell_complete=complete_contest,
    metavar="CODE",
    ind="Kontes, bila di sana ada lebih dari satu",
    eng="The contest, where more than one is held there",
)
reason_option: Final = option(
    "--reason", required=True, metavar="CODE", ind="Alasan, satu kata kode (a-z, 0-9, -)", eng="The reason, a code (a-z, 0-9, -)"
)
_BASIS: Final = {"metavar": "NUMBER", "ind": "Nomor dokumen dasar", "eng": "Number of the document it rests on"}
basis_option: Final = option("--basis", **_BASIS)
needed_basis_option: Final = option("--basis", required=True, **_BASIS)


# --- words -----------------------------------------------------------------------------------------------------------------------


def one_of(said: str, known: Sequence[str], argument: str, command: str) -> Any:
    """``said`` where it is one of the known words, typed as the caller's literal.  ``Usage`` ``argument-invalid``."""
    if said not in known:
        detail = f"one of {', '.join(known)}"
        raise Usage("argument-invalid", detail, command=f"ledger {command}", argument=argument, did_you_mean=near(said, known))
    return said


# --- contests and stations -------------------------------------------------------------------------------------------------------


def chosen_contest(state: Reader, code: str, contest: str | None) -> str:
    """The contest that is meant at an area or station: the one named, or the only one with stations there.

    Raises ``BadInput`` ``contest-unknown``, ``area-unknown``, ``station-unknown``, ``Usage`` ``contest-ambiguous``.
    """
    station = election_of(state).is_station(code)
    known_contest(state, contest)
    if not station:
        require_area(state, code)
    wanted = [key.decode() for key, _ in state.under(CONTESTS) if contest in (None, key.decode())]
    held = [each for each in wanted if next(state.under(SLOTS, area_key(each, code)), None) is not None]
    if not held:
        raise BadInput("station-unknown", "no such station holds this contest", station=code, contest=contest or "-")
    if len(held) > 1:
        raise Usage("contest-ambiguous", "say which contest", area=code, did_you_mean=", ".join(held))
    return held[0]


class Tally(NamedTuple):
    """Where a station's tally is: contest and code, form, the round that holds and its slot."""

    code: str
    contest: Contest
    form: CompiledForm
    round: int
    slot: Slot


def chosen_tally(state: Reader, station: str, contest: str | None) -> Tally:
    """The tally of a station, in the only contest there unless one is named.  Raises as ``chosen_contest`` does."""
    code = chosen_contest(state, station, contest)
    placed = current_slot(state, code, station)
    made = frame(state, code)
    return Tally(code, made.contest, made.form, placed.round, placed.slot)


def standing_row(state: Reader, contest: str, station: str) -> ReadRow:
    """What stands at a station now: the round that holds and the one event, or the first of two that agree.

    Raises ``BadInput`` ``station-unknown``, ``nothing-stands``, ``Usage`` ``figures-differing``.
    """
    placed: Placed = current_slot(state, contest, station)
    standing = placed.slot.standing
    if not standing:
        raise BadInput("nothing-stands", "no form of this station is in", station=station, contest=contest)
    if placed.slot.state == "differing":
        raise Usage("figures-differing", "the two seats differ; name the event that is meant", station=station)
    return ReadRow(station, placed.round, standing[0].event)


def stations_named(state: Reader, codes: Sequence[str], source: str | None) -> tuple[str, ...]:
    """Stations from the command line and from a file with one a line, in code order, each once; all of them are listed.

    Raises ``BadInput`` ``station-unknown``, ``Usage`` ``argument-missing``.
    """
    lines = [] if source is None else [line.strip() for line in read_source(source).splitlines()]
    found = sorted({code for code in (*codes, *lines) if code})
    if not found:
        raise Usage("argument-missing", "name at least one station", argument="STATION")
    election = election_of(state)
    for code in found[:CODES_MAX]:
        if not election.is_station(code) or state.get(AREAS, code.encode()) is None:
            raise BadInput("station-unknown", "no such station is listed", station=code)
    return tuple(found)


# --- keys and acts ---------------------------------------------------------------------------------------------------------------


def acting_key(state: Reader, device: Device) -> Key:
    """The device's key as it is enrolled.  ``Waiting`` ``key-unknown`` where it is not yet."""
    key = state.get(KEYS, device.state.point)
    if key is None:
        raise Waiting("key-unknown", "the device's key is not enrolled yet", path=str(device.folder))
    return key


def find_act(state: Reader, table: Table[Any], said: str) -> bytes:
    """The event id of an act that has a row in ``table``: by entry number, or by the first 8 hex digits or more of its id.

    Raises ``BadInput`` ``event-not-found``, ``event-ambiguous``.
    """
    low = said.lower()
    by_index = low.isascii() and low.isdecimal() and len(low) < ID_PREFIX_MIN
    if not by_index and len(low) < ID_PREFIX_MIN:
        raise BadInput("event-not-found", f"write the entry's number, or {ID_PREFIX_MIN} hex digits", argument=said)
    found = [key for key, row in state.under(table) if (row.index == int(low) if by_index else key.hex().startswith(low))]
    if len(found) > 1:
        raise BadInput("event-ambiguous", "more than one event begins so", argument=said)
    if not found:
        raise BadInput("event-not-found", f"none of the {table.name} has this number or id", argument=said)
    return found[0]


def event_named(app: App, said: str) -> bytes:
    """The id of any event of the log, by entry number or whole id.  ``BadInput`` ``entry-unknown``."""
    return app.node.entry(find_entry(app.node, said)).event.event_id


# --- times -----------------------------------------------------------------------------------------------------------------------


def moment_of(state: Reader, said: str, option_name: str) -> int:
    """A moment (ms since 1970) as YYYY-MM-DDTHH:MM in the election's first zone.  ``Usage`` ``time-invalid``."""
    moment = parse_time(said, election_of(state).opened.zones[0])
    if moment is None:
        raise Usage("time-invalid", "write YYYY-MM-DDTHH:MM", option=option_name, found=said)
    return moment


def day_of(said: str, option_name: str) -> str:
    """A day as YYYY-MM-DD.  ``Usage`` ``time-invalid``."""
    try:
        return datetime.date.fromisoformat(said).isoformat()
    except ValueError:
        raise Usage("time-invalid", "write YYYY-MM-DD", option=option_name, found=said) from None
