"""What changes of the election itself once it is open: ``election.amended``, ``candidate.changed``, ``jurisdictions.amended``.

None of these touches a number.  A station with a tally, or under a certificate that holds, is neither cancelled nor merged nor
given other contests; a candidate who is out keeps the votes that the papers say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import UNSET, structs

from ledger.errors import Refused
from ledger.tally.acts.case import (
    Act,
    Case,
    Digits,
    above_needs,
    effect,
    no_more,
    no_places,
    require_scope,
    void,
)
from ledger.tally.acts.setup import Listing, check_governance, jurisdiction_needs, registrar_puts, registrars_fault
from ledger.tally.events import CandidateChanged, ElectionAmended, JurisdictionsAmended, StationRow
from ledger.tally.rows import Area, CandidateChange, Governance, Slot
from ledger.tally.signing import Opened
from ledger.tally.state import (
    AREAS,
    CANDIDATES,
    CONTESTS,
    ELECTION,
    KEYS,
    SEATS,
    SINGLE,
    SLOTS,
    Change,
    Need,
    SlotChange,
    View,
    area_place,
    candidate_key,
    seat_key,
    slot_key,
)

__all__ = ["CANDIDATE_CHANGED", "ELECTION_AMENDED", "JURISDICTIONS_AMENDED"]


# --- the manifest ----------------------------------------------------------------------------------------------------------------


def _amended_needs(data: ElectionAmended, _digits: Digits) -> tuple[Need, ...]:
    needs: list[Need] = []
    for body in () if data.registrars is UNSET else data.registrars:
        needs += [(KEYS, body.point), (SEATS, seat_key("registrar", body.scope, body.body))]
    return tuple(needs)


def _amend(view: View, data: ElectionAmended, case: Case) -> Change:
    """Two root keys, whatever the election says of second seats."""
    now = case.election.now
    said = Governance(
        now.second_seats if data.second_seats is UNSET else data.second_seats,
        now.cutoffs if data.cutoffs is UNSET else data.cutoffs,
        now.powers if data.powers is UNSET else data.powers,
        now.deadlines if data.deadlines is UNSET else data.deadlines,
    )
    registrars = () if data.registrars is UNSET else data.registrars
    if said == now and not registrars:
        return void("amendment-empty")
    levels = [level.code for level in case.election.opened.levels]
    fault = registrars_fault(registrars) or check_governance(
        second_seats=said.second_seats, cutoffs=said.cutoffs, powers=said.powers, levels=levels
    )
    if fault:
        raise Refused("amendment-invalid", fault)
    if not set(now.second_seats) <= set(said.second_seats):
        return void("approvals-fewer")
    if now.powers and not said.powers:
        return void("approvals-fewer")
    points = [body.point for body in registrars]
    if len(set(points)) != len(points) or any(view.get(KEYS, point) is not None for point in points):
        return void("point-enrolled")
    taken = [view.get(SEATS, seat_key("registrar", body.scope, body.body)) for body in registrars]
    if any(taken):
        return void("seat-taken")
    election = structs.replace(case.election, now=said)
    return effect((ELECTION, SINGLE, election), *registrar_puts(registrars, case.at.index), second="always")


# --- candidates ------------------------------------------------------------------------------------------------------------------


def _candidate_needs(data: CandidateChanged, _digits: Digits) -> tuple[Need, ...]:
    return ((CONTESTS, data.contest.encode()), (CANDIDATES, candidate_key(data.contest, data.number)))


def _change_candidate(view: View, data: CandidateChanged, case: Case) -> Change:
    """By the office that decides the contest."""
    contest = view.get(CONTESTS, data.contest.encode())
    if contest is None or data.number > len(contest.candidates):
        raise Refused("candidate-unknown", "the contest has no candidate of this number", contest=data.contest, number=data.number)
    if case.key.scope != contest.area:
        raise Refused("level-not-entitled", "the office that decides the contest may do this", contest=data.contest)
    if (data.change == "replaced") != (data.name is not UNSET):
        raise Refused("candidate-name", "who is replaced by whom needs a name, any other change none", number=data.number)
    key = candidate_key(data.contest, data.number)
    before = view.get(CANDIDATES, key)
    if (before.change if before is not None else "restored") == data.change and data.change != "replaced":
        return void("candidate-unchanged")
    name = "" if data.name is UNSET else data.name
    return effect((CANDIDATES, key, CandidateChange(case.at.index, data.change, name, data.reason, data.basis)))


def _candidate_places(view: View, data: CandidateChanged) -> tuple[bytes, ...]:
    contest = view.get(CONTESTS, data.contest.encode())
    return () if contest is None else (area_place(data.contest, contest.area),)


# --- areas and stations ----------------------------------------------------------------------------------------------------------


def _touched(data: JurisdictionsAmended) -> list[str]:
    """Stations that are there already."""
    return [*data.cancelled, *(code for row in data.merged for code in (row.station, row.into)), *(r.code for r in data.corrected)]


def _jurisdictions_needs(data: JurisdictionsAmended, _digits: Digits) -> tuple[Need, ...]:
    listed = jurisdiction_needs(data.areas, (*data.added, *data.corrected), data.voters)
    return (*listed, *((AREAS, code.encode()) for code in _touched(data)))


def _jurisdictions_more(view: View, event: Opened) -> Iterator[tuple[Need, ...]]:
    """The slots of every station that is to change, and the certificates above all."""
    data, election = event.data, view.get(ELECTION, SINGLE)
    if not isinstance(data, JurisdictionsAmended) or election is None:
        return
    needs: dict[Need, None] = {}
    corrected = {row.code: row.contests for row in data.corrected}
    for code in _touched(data):
        area = view.get(AREAS, code.encode())
        for contest in dict.fromkeys((*(area.contests if area is not None else ()), *corrected.get(code, ()))):
            needs |= dict.fromkeys(above_needs(contest, code, election.digits))
            needs |= dict.fromkeys((SLOTS, slot_key(contest, code, round_)) for round_ in range(10))
    for row in data.added:
        for contest in row.contests:
            needs |= dict.fromkeys(above_needs(contest, row.code, election.digits))
    yield tuple(needs)


class _Amending(Listing):
    """A listing that also takes away."""

    def __init__(self, view: View, case: Case) -> None:
        super().__init__(view, case)
        self.view = view
        self.case = case

    def known(self, code: str) -> Area:
        """A station that is there."""
        require_scope(self.case, code)
        station = self.view.get(AREAS, code.encode())
        if station is None or not self.case.election.is_station(code):
            raise Refused("station-unknown", "no such station is listed", station=code)
        if station.gone or code.encode() in self.puts:
            self.code = self.code or "station-gone"
        return station

    def close(self, code: str, contests: Iterable[str]) -> None:
        """The station's empty slots are annulled.  A tally, even of an annulled round, or a certificate above stops it all: who
        waits to vote again is not struck off the list."""
        for contest in contests:
            for round_ in range(10):
                key = slot_key(contest, code, round_)
                slot = self.view.get(SLOTS, key)
                if slot is None:
                    continue
                if slot.standing:
                    self.code = self.code or "station-has-tally"
                if slot.annulled:
                    continue
                self.lock(contest, code)
                index = self.case.at.index
                self.slots.append(SlotChange(key, slot, structs.replace(slot, annulled=index, changed=index)))

    def open(self, code: str, contests: Iterable[str]) -> None:
        """New slots at a station that is there."""
        for contest in contests:
            taken = [round_ for round_ in range(10) if self.view.get(SLOTS, slot_key(contest, code, round_)) is not None]
            if len(taken) == 10:
                raise Refused("round-limit", "there is no further round", station=code)
            self.lock(contest, code)
            key = slot_key(contest, code, max(taken) + 1 if taken else 0)
            self.slots.append(SlotChange(key, None, Slot.empty(self.case.at.index)))


def _amend_jurisdictions(view: View, data: JurisdictionsAmended, case: Case) -> Change:
    if not (data.areas or data.added or data.merged or data.cancelled or data.corrected or data.voters):
        raise Refused("batch-empty", "an amendment changes at least one area or station")
    listing = _Amending(view, case)
    for area in data.areas:
        listing.area(area)
    for row in data.added:
        listing.station(row)
    for row in data.corrected:
        _correct_station(listing, row)
    for code, into in (*((code, "cancelled") for code in data.cancelled), *((row.station, row.into) for row in data.merged)):
        station = listing.known(code)
        if into != "cancelled":
            listing.known(into)
            if into == code:
                raise Refused("station-unknown", "a station is merged into another one", station=into)
        listing.close(code, station.contests)
        listing.puts[code.encode()] = (AREAS, code.encode(), structs.replace(station, gone=into))
    for voters in data.voters:
        listing.voters_of(voters)
    return void(listing.code) if listing.code else listing.effect()


def _correct_station(listing: _Amending, row: StationRow) -> None:
    """The whole row anew; contests that are gone close, new ones open."""
    before = listing.known(row.code)
    after = listing.checked(row)
    listing.close(row.code, [contest for contest in before.contests if contest not in row.contests])
    listing.open(row.code, [contest for contest in row.contests if contest not in before.contests])
    listing.puts[row.code.encode()] = (AREAS, row.code.encode(), after)


def _jurisdictions_places(_view: View, data: JurisdictionsAmended) -> tuple[bytes, ...]:
    codes = dict.fromkeys([*_touched(data), *(row.code for row in data.added), *(row.code for row in data.areas)])
    return tuple(area_place("", code) for code in codes)


ELECTION_AMENDED: Final = Act(frozenset({"root"}), _amended_needs, no_more, _amend, no_places)
CANDIDATE_CHANGED: Final = Act(frozenset({"officer"}), _candidate_needs, no_more, _change_candidate, _candidate_places)
JURISDICTIONS_AMENDED: Final = Act(
    frozenset({"administrator"}), _jurisdictions_needs, _jurisdictions_more, _amend_jurisdictions, _jurisdictions_places
)
