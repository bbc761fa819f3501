"""How an election is set up: ``election.opened``, ``forms.defined``, ``contests.listed``, ``jurisdictions.listed``."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET

from ledger.errors import LedgerError, Refused
from ledger.proof.note import parse_vkey
from ledger.tally.acts.case import (
    Act,
    Case,
    Digits,
    Put,
    above_needs,
    certificates_above,
    effect,
    no_more,
    no_places,
    require_scope,
    void,
)
from ledger.tally.events import (
    DATA_TYPES,
    AreaRow,
    ContestRow,
    ContestsListed,
    Cutoff,
    ElectionOpened,
    FormsDefined,
    JurisdictionsListed,
    Power,
    Registrar,
    StationRow,
    VotersRow,
)
from ledger.tally.forms import check_form
from ledger.tally.rows import Area, Contest, Election, Governance, Key, Slot, VotersOf
from ledger.tally.rules import compile_form
from ledger.tally.signing import Opened
from ledger.tally.state import (
    AREAS,
    CONTESTS,
    ELECTION,
    FORMS,
    KEYS,
    SEATS,
    SINGLE,
    SLOTS,
    VOTERS,
    At,
    Change,
    Need,
    SlotChange,
    View,
    area_key,
    form_key,
    seat_key,
    slot_key,
)

__all__ = [
    "CONTESTS_LISTED",
    "FORMS_DEFINED",
    "JURISDICTIONS_LISTED",
    "Listing",
    "check_governance",
    "jurisdiction_needs",
    "open_election",
    "registrar_puts",
    "registrars_fault",
]

VKEY_ED25519: Final = 0x01
VKEY_COSIGNATURE: Final = 0x04

NEVER_SECOND: Final = frozenset(
    {"approved", "election.opened", "key.revoked", "key.rotated", "recap.sealed", "tally.held", "tally.submitted"}
)
"""Acts that no manifest may make wait for a second seat: those that must act at once, those of one seat alone, and the approval."""

_WITH_BASIS: Final = frozenset(name for name, data in DATA_TYPES.items() if "basis" in data.__struct_fields__)

_COUNTS: Final = frozenset({"administrator", "importer", "officer", "operator", "registrar"})
_WATCHES: Final = frozenset({"agent", "supervisor"})


def open_election(event: Opened, data: ElectionOpened, at: At) -> Change:
    """Entry 0: the election's row, the root, registrar and sealer keys and their seats.  Raises ``Refused``."""
    _check_opening(event, data)
    now = Governance(
        data.second_seats,
        data.cutoffs,
        () if data.powers is UNSET else data.powers,
        () if data.deadlines is UNSET else data.deadlines,
    )
    puts: list[Put] = [(ELECTION, SINGLE, Election(event.event_id, data, now))]
    founders = [(root.point, "root", f"root-{number}") for number, root in enumerate(data.roots, 1)]
    founders.append((data.sealer.point, "sealer", "sealer"))
    for point, role, seat in founders:
        puts.append((KEYS, point, Key(role, "", seat, 0, at.index, (), (), "", (), (), 0, "")))
        puts.append((SEATS, seat_key(role, "", seat), point))
    return effect(*puts, *registrar_puts(data.registrars, at.index))


def registrar_puts(registrars: Sequence[Registrar], index: int) -> tuple[Put, ...]:
    """The keys and seats of registrars that entry 0 or an amendment names."""
    puts: list[Put] = []
    for body in registrars:
        key = Key("registrar", body.scope, body.body, 0, index, tuple(body.roles), (), "", (), (), 0, "")
        puts += [(KEYS, body.point, key), (SEATS, seat_key("registrar", body.scope, body.body), body.point)]
    return tuple(puts)


def _check_opening(event: Opened, data: ElectionOpened) -> None:
    """What the types of entry 0 cannot say."""
    digits = [level.digits for level in data.levels]
    points = [root.point for root in data.roots] + [body.point for body in data.registrars] + [data.sealer.point]
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
        (len(set(data.zones)) == len(data.zones), "a time zone is named twice"),
        (log_key.kind == VKEY_ED25519 and log_key.name == data.origin, "the log's key is Ed25519 and bears the origin's name"),
        (all(witness.kind == VKEY_COSIGNATURE for witness in witnesses), "a witness's key is one for cosignatures"),
        (len(set(data.witnesses)) == len(data.witnesses), "a witness is named twice"),
        (data.quorum <= len(data.witnesses), "the quorum is larger than the number of witnesses"),
    ):
        if not holds:
            raise Refused("opening-invalid", detail)
    powers = () if data.powers is UNSET else data.powers
    fault = registrars_fault(data.registrars) or check_governance(
        second_seats=data.second_seats, cutoffs=data.cutoffs, powers=powers, levels=[level.code for level in data.levels]
    )
    if fault:
        raise Refused("opening-invalid", fault)


def registrars_fault(registrars: Sequence[Registrar]) -> str:
    """Nobody who enrols those who count may enrol those who watch them, and each has a seat of its own; '' where all keep to
    it."""
    if len({(body.scope, body.body) for body in registrars}) != len(registrars):
        return "a registrar is named twice"
    for body in registrars:
        if not _COUNTS.isdisjoint(body.roles) and not _WATCHES.isdisjoint(body.roles):
            return "a registrar of operators or officers may not enrol agents or supervisors"
        if "registrar" in body.roles and "operator" not in body.roles:
            return "only who enrols operators can delegate that"
    return ""


def check_governance(
    *, second_seats: Sequence[str], cutoffs: Sequence[Cutoff], powers: Sequence[Power], levels: Sequence[str]
) -> str:
    """What is wrong with rules on who may do what; '' where nothing is."""
    known = set(DATA_TYPES) - {"log.rekeyed"}  # two root keys, always: no manifest has a say in that
    for holds, detail in (
        (len({cutoff.role for cutoff in cutoffs}) == len(cutoffs), "a role has two cut-offs"),
        (list(second_seats) == sorted(set(second_seats)), "acts that need a second seat ascend, each once"),
        (set(second_seats) <= known - NEVER_SECOND, "an act that needs a second seat is unknown, or must act at once"),
        ([power.act for power in powers] == sorted({power.act for power in powers}), "powers ascend by act, each once"),
        ({power.act for power in powers} <= known - {"election.opened", "approved"}, "a power is of an unknown act"),
        ({level for power in powers for level in power.levels} <= set(levels), "a power names an unknown level"),
        ({power.act for power in powers if power.basis} <= _WITH_BASIS, "a power asks for a basis where the act has none"),
    ):
        if not holds:
            return detail
    return ""


# --- forms and contests --------------------------------------------------------------------------------------------------------


def _forms_needs(data: FormsDefined, _digits: Digits) -> tuple[Need, ...]:
    return tuple((FORMS, form_key(form.code, form.version)) for form in data.forms)


def _define_forms(view: View, data: FormsDefined, _case: Case) -> Change:
    puts: dict[bytes, Put] = {}
    for form in data.forms:
        key = form_key(form.code, form.version)
        if key in puts or view.get(FORMS, key) is not None:
            raise Refused("form-exists", "a defined form never changes; define a new version", form=form.code)
        puts[key] = (FORMS, key, compile_form(check_form(form)))
    return effect(*puts.values())


def _contests_needs(data: ContestsListed, _digits: Digits) -> tuple[Need, ...]:
    return tuple((CONTESTS, row.code.encode()) for row in data.contests) + tuple(
        dict.fromkeys((FORMS, form_key(row.form, row.version)) for row in data.contests)
    )


def _list_contests(view: View, data: ContestsListed, case: Case) -> Change:
    puts: dict[bytes, Put] = {}
    facts = {} if data.facts is UNSET else {row.contest: row for row in data.facts}
    if data.facts is not UNSET and (len(facts) != len(data.facts) or not set(facts) <= {row.code for row in data.contests}):
        raise Refused("contest-unknown", "facts are of the contests listed with them, once each")
    for row in data.contests:
        key = row.code.encode()
        require_scope(case, row.area)
        if key in puts or view.get(CONTESTS, key) is not None:
            raise Refused("contest-exists", "a listed contest never changes", contest=row.code)
        _check_contest(view, row, case.election)
        said = facts.get(row.code)
        listed = Contest(
            row.name_id,
            row.name_en,
            row.form,
            row.version,
            row.area,
            row.candidates,
            row.certifying,
            row.deciding,
            "plurality" if said is None else said.rule,
            0 if said is None else said.population,
        )
        puts[key] = (CONTESTS, key, listed)
    return effect(*puts.values())


def _check_contest(view: View, row: ContestRow, election: Election) -> None:
    form = view.get(FORMS, form_key(row.form, row.version))
    if form is None:
        raise Refused("form-unknown", "the contest's form is not defined", contest=row.code, form=row.form)
    if [candidate.number for candidate in row.candidates] != list(range(1, len(form.candidate_figures) + 1)):
        raise Refused("candidates-mismatch", "ballot numbers must run from 1 to the form's last", contest=row.code)
    levels = {level.code: level.digits for level in election.opened.levels[:-1]}  # totals begin at the area above the stations
    if len(row.area) not in levels.values() or any(levels.get(code, -1) < len(row.area) for code in row.certifying):
        raise Refused("level-unknown", "who certifies is a level of the area tree above its stations", contest=row.code)
    if levels.get(row.deciding) != len(row.area):
        raise Refused("level-unknown", "the level that decides a contest is that of its own area", contest=row.code)


# --- areas and stations ----------------------------------------------------------------------------------------------------------


def jurisdiction_needs(areas: Sequence[AreaRow], stations: Sequence[StationRow], voters: Sequence[VotersRow]) -> tuple[Need, ...]:
    """Each row's own key, that of every area that could be its parent, and the contests that stations name."""
    codes = [row.code for row in areas] + [row.code for row in stations]
    parents = {code[:length] for code in {code[:-1] for code in codes if code} for length in range(len(code) + 1)}
    contests = {contest for row in stations for contest in row.contests}
    return (
        *((AREAS, code.encode()) for code in sorted(parents.union(codes).union(row.station for row in voters))),
        *((CONTESTS, contest.encode()) for contest in sorted(contests)),
    )


def _listed_needs(data: JurisdictionsListed, digits: Digits) -> tuple[Need, ...]:
    certificates: dict[Need, None] = {}
    for row in data.stations:
        for contest in row.contests:
            certificates |= dict.fromkeys(above_needs(contest, row.code, digits))
    return (*jurisdiction_needs(data.areas, data.stations, () if data.voters is UNSET else data.voters), *certificates)


class Listing:
    """Areas and stations as a batch lists them; what an earlier row of the batch lists counts as there.  ``code``: why the batch is
    void; '' while it is not."""

    def __init__(self, view: View, case: Case) -> None:
        self.puts: dict[bytes, Put] = {}
        self.slots: list[SlotChange] = []
        self.voters: dict[bytes, Put] = {}
        self.code = ""
        self._view = view
        self._case = case
        self._opened = case.election.opened
        self._digits = case.election.digits

    def area(self, row: AreaRow) -> None:
        """An area, above the stations."""
        level = self._place(row.code)
        if level == len(self._digits) - 1:
            raise Refused("area-code", "a code of this length is a station's", area=row.code)
        self.puts[row.code.encode()] = (AREAS, row.code.encode(), Area(row.name, level, "", None, None, (), ""))

    def station(self, row: StationRow) -> None:
        """A station, with an empty slot for each of its contests: never under a certificate that holds."""
        if self._place(row.code) != len(self._digits) - 1:
            raise Refused("area-code", "a station's code has the last level's length", area=row.code)
        self.puts[row.code.encode()] = (AREAS, row.code.encode(), self.checked(row))
        index = self._case.at.index
        for contest in row.contests:
            self.lock(contest, row.code)
            self.slots.append(SlotChange(slot_key(contest, row.code, 0), None, Slot.empty(index)))

    def lock(self, contest: str, code: str) -> None:
        """A certificate above that holds stops it all: its recap would change."""
        if any(certificate.in_force for _, certificate in certificates_above(self._view, self._case.election, contest, code)):
            self.code = self.code or "locked"

    def checked(self, row: StationRow) -> Area:
        """The row of a station, if zone and contests are in order."""
        if row.zone not in self._opened.zones:
            raise Refused("zone-unknown", "the election names no such time zone", area=row.code, zone=row.zone)
        if len(set(row.contests)) != len(row.contests):
            raise Refused("contest-twice", "a station holds a contest once", area=row.code)
        for code in row.contests:
            contest = self._view.get(CONTESTS, code.encode())
            if contest is None or not row.code.startswith(contest.area):
                raise Refused("contest-unknown", "the contest is not listed, or not held here", area=row.code, contest=code)
        return Area(row.name, len(self._digits) - 1, row.zone, row.voters_male, row.voters_female, row.contests, "")

    def voters_of(self, row: VotersRow) -> None:
        """Other voters for one contest of a station."""
        require_scope(self._case, row.station)
        put = self.puts.get(row.station.encode())
        station = put[2] if put is not None else self._view.get(AREAS, row.station.encode())
        if station is None or row.contest not in station.contests:
            raise Refused("station-unknown", "no such station holds this contest", station=row.station, contest=row.contest)
        key = area_key(row.contest, row.station)
        self.voters[key] = (VOTERS, key, VotersOf(row.male, row.female))

    def _place(self, code: str) -> int:
        """The level of a new code; its parent must be listed."""
        require_scope(self._case, code)
        if len(code) not in self._digits:
            raise Refused("area-code", "no level of the area tree has codes of this length", area=code)
        level = self._digits.index(len(code))
        key = code.encode()
        if key in self.puts or self._view.get(AREAS, key) is not None:
            raise Refused("area-exists", "the area is listed already", area=code)
        parent = code[: self._digits[level - 1]].encode()
        if level and parent not in self.puts and self._view.get(AREAS, parent) is None:
            raise Refused("area-unknown", "the area above must be listed first", area=code)
        return level

    def effect(self, *more: Put) -> Change:
        """All of it."""
        slots: tuple[Any, ...] = tuple((SLOTS, slot.key, slot.after) for slot in self.slots)
        return effect(*self.puts.values(), *self.voters.values(), *slots, *more, slots=tuple(self.slots))


def _list_jurisdictions(view: View, data: JurisdictionsListed, case: Case) -> Change:
    if not (data.areas or data.stations):
        raise Refused("batch-empty", "a batch lists at least one area or station")
    listing = Listing(view, case)
    for row in data.areas:
        listing.area(row)
    for station in data.stations:
        listing.station(station)
    for voters in () if data.voters is UNSET else data.voters:
        listing.voters_of(voters)
    return void(listing.code) if listing.code else listing.effect()


_ADMINISTRATOR: Final = frozenset({"administrator"})

FORMS_DEFINED: Final = Act(_ADMINISTRATOR, _forms_needs, no_more, _define_forms, no_places)
CONTESTS_LISTED: Final = Act(_ADMINISTRATOR, _contests_needs, no_more, _list_contests, no_places)
JURISDICTIONS_LISTED: Final = Act(_ADMINISTRATOR, _listed_needs, no_more, _list_jurisdictions, no_places)
