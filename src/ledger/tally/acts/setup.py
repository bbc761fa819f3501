"""How an election is set up: ``election.opened``, ``forms.defined``, ``contests.listed``, ``jurisdictions.listed``."""

from __future__ import annotations

import datetime
from typing import Any, Final

from ledger.errors import LedgerError, Refused
from ledger.proof.note import parse_vkey
from ledger.tally.acts.case import Act, Case, effect, no_needs, require_scope
from ledger.tally.events import ContestRow, ContestsListed, ElectionOpened, FormsDefined, JurisdictionsListed, StationRow
from ledger.tally.forms import check_form
from ledger.tally.rules import compile_form
from ledger.tally.signing import Opened
from ledger.tally.state import (
    AREAS,
    CONTESTS,
    ELECTION,
    EMPTY_SLOT,
    FORMS,
    KEYS,
    SEATS,
    SINGLE,
    SLOTS,
    Area,
    At,
    Change,
    Contest,
    Election,
    Key,
    Need,
    SlotChange,
    Table,
    View,
    form_key,
    seat_key,
    slot_key,
)

__all__ = ["CONTESTS_LISTED", "FORMS_DEFINED", "JURISDICTIONS_LISTED", "open_election"]

VKEY_ED25519: Final = 0x01
VKEY_COSIGNATURE: Final = 0x04

Put = tuple[Table[Any], bytes, Any]


def open_election(event: Opened, data: ElectionOpened, at: At) -> Change:
    """Entry 0: the election's row, the root, registrar and sealer keys and their seats.  Raises ``Refused``."""
    _check_opening(event, data)
    puts: list[Put] = [(ELECTION, SINGLE, Election(event.event_id, data))]
    founders = [(root.point, "root", "", f"root-{number}", ()) for number, root in enumerate(data.roots, 1)]
    founders += [(body.point, "registrar", body.scope, body.body, body.roles) for body in data.registrars]  # type: ignore[misc]
    founders.append((data.sealer.point, "sealer", "", "sealer", ()))
    for point, role, scope, seat, roles in founders:
        puts.append((KEYS, point, Key(role, scope, seat, 0, at.index, roles, ())))
        puts.append((SEATS, seat_key(role, scope, seat), point))
    return effect(*puts)


def _check_opening(event: Opened, data: ElectionOpened) -> None:
    """What the types of entry 0 cannot say."""
    digits = [level.digits for level in data.levels]
    points = [root.point for root in data.roots] + [body.point for body in data.registrars] + [data.sealer.point]
    seats = [(body.scope, body.body) for body in data.registrars]
    try:
        datetime.date.fromisoformat(data.day)
        log_key = parse_vkey(data.log_key)
        witnesses = [parse_vkey(vkey) for vkey in data.witnesses]
    except (ValueError, LedgerError) as problem:
        raise Refused("opening-invalid", f"day or verifier key: {problem}") from None
    for holds, detail in (
        (event.key in points[: len(data.roots)], "the signer is not one of the root keys"),
        (event.position == 0, "entry 0 begins its signer's stream"),
        (digits == sorted(set(digits)), "each level's codes are longer than those of the level above"),
        (len({level.code for level in data.levels}) == len(data.levels), "two levels have one name"),
        (len(set(points)) == len(points), "a key is named twice"),
        (len(set(seats)) == len(seats), "a registrar is named twice"),
        (len(set(data.zones)) == len(data.zones), "a time zone is named twice"),
        (len({cutoff.role for cutoff in data.cutoffs}) == len(data.cutoffs), "a role has two cut-offs"),
        (log_key.kind == VKEY_ED25519 and log_key.name == data.origin, "the log's key is Ed25519 and bears the origin's name"),
        (all(witness.kind == VKEY_COSIGNATURE for witness in witnesses), "a witness's key is one for cosignatures"),
        (len(set(data.witnesses)) == len(data.witnesses), "a witness is named twice"),
        (data.quorum <= len(data.witnesses), "the quorum is larger than the number of witnesses"),
        (not data.second_seats, "acts that need a second seat come with a later version"),
    ):
        if not holds:
            raise Refused("opening-invalid", detail)


# --- forms and contests --------------------------------------------------------------------------------------------------------


def _forms_needs(data: FormsDefined) -> tuple[Need, ...]:
    return tuple((FORMS, form_key(form.code, form.version)) for form in data.forms)


def _define_forms(view: View, data: FormsDefined, _case: Case) -> Change:
    puts: dict[bytes, Put] = {}
    for form in data.forms:
        key = form_key(form.code, form.version)
        if key in puts or view.get(FORMS, key) is not None:
            raise Refused("form-exists", "a defined form never changes; define a new version", form=form.code)
        puts[key] = (FORMS, key, compile_form(check_form(form)))
    return effect(*puts.values())


def _contests_needs(data: ContestsListed) -> tuple[Need, ...]:
    return tuple((CONTESTS, row.code.encode()) for row in data.contests) + tuple(
        dict.fromkeys((FORMS, form_key(row.form, row.version)) for row in data.contests)
    )


def _list_contests(view: View, data: ContestsListed, case: Case) -> Change:
    puts: dict[bytes, Put] = {}
    for row in data.contests:
        key = row.code.encode()
        require_scope(case, row.area)
        if key in puts or view.get(CONTESTS, key) is not None:
            raise Refused("contest-exists", "a listed contest never changes", contest=row.code)
        _check_contest(view, row, case.election)
        puts[key] = (
            CONTESTS,
            key,
            Contest(row.name_id, row.name_en, row.form, row.version, row.area, row.candidates, row.certifying, row.deciding),
        )
    return effect(*puts.values())


def _check_contest(view: View, row: ContestRow, election: Election) -> None:
    form = view.get(FORMS, form_key(row.form, row.version))
    if form is None:
        raise Refused("form-unknown", "the contest's form is not defined", contest=row.code, form=row.form)
    if [candidate.number for candidate in row.candidates] != list(range(1, len(form.candidate_figures) + 1)):
        raise Refused("candidates-mismatch", "ballot numbers must run from 1 to the form's last", contest=row.code)
    levels = {level.code: level.digits for level in election.opened.levels}
    unknown = [code for code in (*row.certifying, row.deciding) if code not in levels]
    above_stations = [level.digits for level in election.opened.levels[:-1]]
    if unknown or len(row.area) not in above_stations:  # totals and pages begin at the area above the stations
        raise Refused("level-unknown", "levels and area must be of the area tree, the area above its stations", contest=row.code)


# --- areas and stations ----------------------------------------------------------------------------------------------------------


def _jurisdictions_needs(data: JurisdictionsListed) -> tuple[Need, ...]:
    """Each row's own key, that of every area that could be its parent, and the contests that stations name."""
    codes = [row.code for row in data.areas] + [row.code for row in data.stations]
    parents = {code[:length] for code in {code[:-1] for code in codes if code} for length in range(len(code) + 1)}
    contests = {contest for row in data.stations for contest in row.contests}
    return tuple((AREAS, code.encode()) for code in sorted(parents.union(codes))) + tuple(
        (CONTESTS, contest.encode()) for contest in sorted(contests)
    )


def _list_jurisdictions(view: View, data: JurisdictionsListed, case: Case) -> Change:
    if not (data.areas or data.stations):
        raise Refused("batch-empty", "a batch lists at least one area or station")
    opened = case.election.opened
    digits = [level.digits for level in opened.levels]
    puts: dict[bytes, Put] = {}
    slots: list[SlotChange] = []

    def place(code: str) -> int:
        """The level of a new code; its parent must be listed."""
        require_scope(case, code)
        if len(code) not in digits:
            raise Refused("area-code", "no level of the area tree has codes of this length", area=code)
        level = digits.index(len(code))
        key = code.encode()
        if key in puts or view.get(AREAS, key) is not None:
            raise Refused("area-exists", "the area is listed already", area=code)
        parent = code[: digits[level - 1]].encode()
        if level and parent not in puts and view.get(AREAS, parent) is None:
            raise Refused("area-unknown", "the area above must be listed first", area=code)
        return level

    for row in data.areas:
        level = place(row.code)
        if level == len(digits) - 1:
            raise Refused("area-code", "a code of this length is a station's", area=row.code)
        puts[row.code.encode()] = (AREAS, row.code.encode(), Area(row.name, level, "", None, None, ()))
    for station in data.stations:
        if place(station.code) != len(digits) - 1:
            raise Refused("area-code", "a station's code has the last level's length", area=station.code)
        _check_station(view, station, opened)
        puts[station.code.encode()] = (
            AREAS,
            station.code.encode(),
            Area(
                station.name,
                len(digits) - 1,
                station.zone,
                station.voters_male,
                station.voters_female,
                station.contests,
            ),
        )
        slots += [SlotChange(slot_key(contest, station.code, 0), None, EMPTY_SLOT) for contest in station.contests]
    return effect(*puts.values(), *((SLOTS, slot.key, slot.after) for slot in slots), slots=tuple(slots))


def _check_station(view: View, row: StationRow, opened: ElectionOpened) -> None:
    if row.zone not in opened.zones:
        raise Refused("zone-unknown", "the election names no such time zone", area=row.code, zone=row.zone)
    if len(set(row.contests)) != len(row.contests):
        raise Refused("contest-twice", "a station holds a contest once", area=row.code)
    for code in row.contests:
        contest = view.get(CONTESTS, code.encode())
        if contest is None or not row.code.startswith(contest.area):
            raise Refused("contest-unknown", "the contest is not listed, or not held here", area=row.code, contest=code)


_ADMINISTRATOR: Final = frozenset({"administrator"})

FORMS_DEFINED: Final = Act(_ADMINISTRATOR, _forms_needs, no_needs, _define_forms)
CONTESTS_LISTED: Final = Act(_ADMINISTRATOR, _contests_needs, no_needs, _list_contests)
JURISDICTIONS_LISTED: Final = Act(_ADMINISTRATOR, _jurisdictions_needs, no_needs, _list_jurisdictions)
