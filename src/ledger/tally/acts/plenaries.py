"""The plenaries: ``recap.read``, ``recap.certified``, ``recap.reopened``; and ``recap.sealed``.

A recap is certified by its own level's office with two seats, over what was read there.  The first level reads forms, station by
station; the levels above read the certificates of the level below, and forms by exception.  A certificate says what the log gave
(total and commitment at a tree size) and what the signed paper says, figure by figure where the two differ, and names what is not
in the totals.  It binds what it names and locks it for its level and all below, until it is reopened, or a revote makes another
necessary; that is the counter-act.
"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, structs

from ledger.errors import Refused
from ledger.tally.acts.case import (
    Act,
    Case,
    Digits,
    Put,
    above_needs,
    certificates_above,
    effect,
    locks,
    no_more,
    no_places,
    require_contest,
    require_scope,
    void,
)
from ledger.tally.events import ReadRow, RecapCertified, RecapRead, RecapReopened, RecapSealed
from ledger.tally.recaps import RECAPS, Gaps, Recapped, current_root, gaps, recap_needs
from ledger.tally.rows import Certificate, Contest, Election, Reopening, Seal
from ledger.tally.state import (
    CERTIFICATES,
    CONTESTS,
    ELECTION,
    FORMS,
    SEALS,
    SINGLE,
    SLOTS,
    Change,
    Need,
    Range,
    SlotChange,
    View,
    area_key,
    area_place,
    slot_key,
)

__all__ = ["RECAP_CERTIFIED", "RECAP_READ", "RECAP_REOPENED", "RECAP_SEALED", "certifying_lengths", "descend", "unfinished"]


def certifying_lengths(election: Election, contest: Contest) -> tuple[int, ...]:
    """The code lengths of the levels that certify the contest, the deciding one among them, highest first."""
    codes = {*contest.certifying, contest.deciding}
    return tuple(level.digits for level in election.opened.levels if level.code in codes)


# --- reading ---------------------------------------------------------------------------------------------------------------------


def _read_needs(data: RecapRead, digits: Digits) -> tuple[Need, ...]:
    needs: dict[Need, None] = {(CONTESTS, data.contest.encode()): None}
    for row in data.rows:
        if len(row.code) in digits[-1:]:  # a station's form, else an area's recap
            needs[SLOTS, slot_key(data.contest, row.code, row.round)] = None
        needs |= dict.fromkeys(above_needs(data.contest, row.code, digits))
    return tuple(needs)


def _read_places(view: View, data: RecapRead) -> tuple[bytes, ...]:
    election = view.get(ELECTION, SINGLE)
    return tuple(
        slot_key(data.contest, row.code, row.round)
        if election is not None and election.is_station(row.code)
        else area_place(data.contest, row.code)
        for row in data.rows
    )


def _read(view: View, data: RecapRead, case: Case) -> Change:
    """All rows or none: what does not agree is corrected first and read then."""
    contest = require_contest(view, data.contest)
    codes = [row.code for row in data.rows]
    if codes != sorted(set(codes)):
        raise Refused("rows-order", "rows ascend by code, each once")
    puts: list[Put] = []
    slots: list[SlotChange] = []
    fault = ""
    for row in data.rows:
        require_scope(case, row.code)
        if case.election.is_station(row.code):
            made, why = _read_form(view, case, contest, (data.contest, row))
            slots += made
        else:
            area, why = _read_recap(view, case, contest, (data.contest, row))
            puts += area
        fault = fault or why
    if fault:
        return void(fault)
    return effect(*puts, *((SLOTS, slot.key, slot.after) for slot in slots), slots=tuple(slots))


def _read_form(view: View, case: Case, contest: Contest, what: tuple[str, ReadRow]) -> tuple[list[SlotChange], str]:
    code, row = what
    key = slot_key(code, row.code, row.round)
    slot = view.get(SLOTS, key)
    if slot is None:
        raise Refused("station-unknown", "no such station holds this contest in this round", station=row.code, contest=code)
    if slot.annulled:
        return [], "round-annulled"
    if locks(view, case, contest, (code, row.code), slot).locked:
        return [], "locked"
    if row.event not in [standing.event for standing in slot.standing]:
        return [], "stale"
    if slot.state in ("held", "differing"):
        return [], "not-readable"
    return [SlotChange(key, slot, structs.replace(slot, read=case.at.index))], ""


def _read_recap(view: View, case: Case, contest: Contest, what: tuple[str, ReadRow]) -> tuple[list[Put], str]:
    code, row = what
    lengths = certifying_lengths(case.election, contest)
    if len(row.code) not in lengths or row.round or case.level >= len(row.code):
        raise Refused("level-not-certifying", "a recap is read by a level above the one that certified it", area=row.code)
    next_above = max((length for length in lengths if length < len(row.code)), default=-1)
    for area, certificate in certificates_above(view, case.election, code, row.code):
        if area == row.code:
            if certificate.event != row.event:
                return [], "stale"
            if not certificate.in_force:
                return [], "certificate-not-in-force"
            if case.level != next_above:  # by exception: it is in the history, and does not stand for the reading below
                return [], ""
            key = area_key(code, row.code)
            return [(CERTIFICATES, key, structs.replace(certificate, read=case.at.index))], ""
    return [], "certificate-unknown"


# --- certifying ------------------------------------------------------------------------------------------------------------------


def _certified_needs(data: RecapCertified, digits: Digits) -> tuple[Need, ...]:
    return (
        (CONTESTS, data.contest.encode()),
        *above_needs(data.contest, data.area, digits),
        *recap_needs(data.contest, data.area),
        Range(CERTIFICATES, area_key(data.contest, data.area)),
    )


def _area_places(_view: View, data: RecapCertified | RecapReopened) -> tuple[bytes, ...]:
    return (area_place(data.contest, data.area),)


def _certify(view: View, data: RecapCertified, case: Case) -> Change:
    """1 the office, 2 what the paper says in itself, 3 what is certified already, 4 the replay, 5 what is missing, 6 what was
    read."""
    contest = require_contest(view, data.contest)
    _require_office(case, contest, data.area)  # 1
    if data.agents is not UNSET and len(data.agents) != len(contest.candidates):
        raise Refused("agents-count", "one mark for each candidate's agent, in ballot order", agents=len(data.agents))
    _check_paper(data)  # 2
    for area, certificate in certificates_above(view, case.election, data.contest, data.area):  # 3
        if certificate.in_force:
            return void("already-certified" if area == data.area else "locked")
    recapped = view.get(RECAPS, area_key(data.contest, data.area))  # 4
    if recapped is None or not recapped.commitment:
        return void("nothing-to-certify")
    if len(data.sums) != len(recapped.sums.figures):
        raise Refused("figures-count", "the form has another number of figures", figures=len(data.sums))
    if data.size > case.at.index:
        return void("size-beyond-log")
    if recapped.changed >= data.size:
        return void("stale")
    if (data.sums, data.commitment) != (recapped.sums.figures, recapped.commitment):
        return void("certificate-differs")
    found = unfinished(view, case.election, contest, area_key(data.contest, data.area))
    if tuple(row.code for row in data.missing) != found.missing:  # 5
        return void("missing-differs")
    if found.unread:  # 6
        return void("not-read")
    certificate = Certificate(
        case.event.event_id,
        case.at.index,
        case.at.time,
        data.size,
        data.commitment,
        data.sums,
        data.paper,
        tuple((row.figure, row.reason) for row in data.differences),
        tuple(row.code for row in data.missing),
        data.document,
        data.held_at,
        case.key.seat,
        0,
        0,
        0,
        (),
    )
    return effect((CERTIFICATES, area_key(data.contest, data.area), certificate))


def _require_office(case: Case, contest: Contest, area: str) -> None:
    """The office of the very area, of a level that certifies the contest."""
    require_scope(case, area)
    if case.level != len(area):
        raise Refused("level-not-entitled", "a recap is its own level's to certify and to reopen", scope=case.key.scope, area=area)
    if len(area) not in certifying_lengths(case.election, contest) or not area.startswith(contest.area):
        raise Refused("level-not-certifying", "this level does not certify the contest", area=area)


def _check_paper(data: RecapCertified) -> None:
    """What the certificate says of itself: one figure of the paper for each sum, differences exactly where they differ, in
    order."""
    if len(data.paper) != len(data.sums):
        raise Refused("figures-count", "the paper's figures are as many as the sums", figures=len(data.paper))
    differing = [index for index, (total, paper) in enumerate(zip(data.sums, data.paper, strict=True)) if total != paper]
    if [row.figure for row in data.differences] != differing:
        raise Refused("differences-wrong", "every figure in which paper and replay differ is explained, and no other")
    codes = [row.code for row in data.missing]
    if codes != sorted(set(codes)):
        raise Refused("rows-order", "what is missing ascends by code, each once")


def unfinished(view: View, election: Election, listed: Contest, key: bytes) -> Gaps:
    """What a certificate at ``key`` (``area_key``) has to name as missing, and what is still to be read before there can be one:
    stations at the first level that certifies, above it areas of the level below.

    An area that nobody certified can be missing only while none of its numbers is in the totals: else its forms would be certified
    here, unread.
    """
    contest, _, area = key.decode().partition("/")
    below = next((length for length in certifying_lengths(election, listed) if length > len(area)), 0)
    if not below:
        return gaps(view, contest, area)
    missing: list[str] = []
    unread: list[str] = []
    for lower in descend(view, contest, area, below):
        certificate = view.get(CERTIFICATES, area_key(contest, lower))
        certified = certificate is not None and certificate.in_force
        if not certified and not _has_numbers(view, contest, lower):
            missing.append(lower)
        elif not certified or (certificate is not None and not certificate.read):
            unread.append(lower)
    return Gaps(tuple(missing), tuple(unread))


def _has_numbers(view: View, contest: str, area: str) -> bool:
    """Whether any figure of a station there is in the totals."""
    recapped = view.get(RECAPS, area_key(contest, area))
    return recapped is not None and any(recapped.sums.present)


def descend(view: View, contest: str, area: str, length: int) -> list[str]:
    """The areas of a level below ``area`` that have stations of the contest, in code order."""
    codes = [area]
    while codes and len(codes[0]) < length:
        found: list[Recapped | None] = [view.get(RECAPS, area_key(contest, code)) for code in codes]
        codes = [code for recapped in found if recapped is not None for code in recapped.below]
    return codes


# --- reopening -------------------------------------------------------------------------------------------------------------------


def _reopened_needs(data: RecapReopened, digits: Digits) -> tuple[Need, ...]:
    return ((CONTESTS, data.contest.encode()), *above_needs(data.contest, data.area, digits))


def _reopen(view: View, data: RecapReopened, case: Case) -> Change:
    contest = require_contest(view, data.contest)
    _require_office(case, contest, data.area)
    if list(data.stations) != sorted(set(data.stations)) or any(not code.startswith(data.area) for code in data.stations):
        raise Refused("rows-order", "stations lie in the area and ascend, each once")
    for area, certificate in certificates_above(view, case.election, data.contest, data.area):
        if area != data.area:
            if certificate.in_force:
                return void("locked")
        elif certificate.event != data.certificate:
            return void("stale")
        elif certificate.reopened:
            return void("already-reopened")
        else:
            reopening = Reopening(case.at.index, data.stations, data.reason, data.basis)
            after = structs.replace(certificate, reopened=(reopening,), read=0)
            return effect((CERTIFICATES, area_key(data.contest, data.area), after))
    return void("certificate-unknown")


# --- sealing ---------------------------------------------------------------------------------------------------------------------


def _sealed_needs(_data: RecapSealed, _digits: Digits) -> tuple[Need, ...]:
    return Range(CONTESTS, b""), Range(FORMS, b""), Range(SLOTS, b""), Range(RECAPS, b"")


def _seal(view: View, data: RecapSealed, case: Case) -> Change:
    """The log's own act; it is made in the append transaction, so anything else than the truth is refused."""
    if data.size != case.at.index:
        raise Refused("seal-size", "a seal covers exactly the entries before it", size=data.size)
    if data.root != current_root(view, size=data.size):
        raise Refused("seal-differs", "the seal is not the root over the recaps of these entries", size=data.size)
    return effect((SEALS, SINGLE, Seal(case.at.index, case.at.time, data.size, data.root)))


_OFFICER: Final = frozenset({"officer"})

RECAP_READ: Final = Act(_OFFICER, _read_needs, no_more, _read, _read_places)
RECAP_CERTIFIED: Final = Act(_OFFICER, _certified_needs, no_more, _certify, _area_places)
RECAP_REOPENED: Final = Act(_OFFICER, _reopened_needs, no_more, _reopen, _area_places)
RECAP_SEALED: Final = Act(frozenset({"sealer"}), _sealed_needs, no_more, _seal, no_places)
