"""Who may act: ``keys.enrolled`` and ``key.revoked``."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from ledger.errors import Refused
from ledger.tally.acts.case import Act, Case, effect, no_needs, require_scope, void
from ledger.tally.events import KeyRevoked, KeyRow, KeysEnrolled
from ledger.tally.state import AREAS, KEYS, SEATS, Change, Election, Key, Need, Revocation, Table, View, seat_key

__all__ = ["KEYS_ENROLLED", "KEY_REVOKED", "STATION_SEATS"]

STATION_SEATS: Final = ("1", "2")
"""A station has two operators' seats (domain: two accounts a station)."""

VACANT: Final = b""


def _enrolled_needs(data: KeysEnrolled) -> tuple[Need, ...]:
    needs: dict[Need, None] = {}
    for row in data.keys:
        needs[KEYS, row.point] = None
        needs[SEATS, seat_key(row.role, row.scope, row.seat)] = None
        needs[AREAS, row.scope.encode()] = None
    return tuple(needs)


def _enrol(view: View, data: KeysEnrolled, case: Case) -> Change:
    """A point is enrolled at most once, ever; a seat has at most one live key."""
    puts: dict[bytes, tuple[Table[Any], bytes, Any]] = {}
    seats: dict[bytes, tuple[Table[Any], bytes, Any]] = {}
    for row in data.keys:
        _check_row(view, row, case)
        seat = seat_key(row.role, row.scope, row.seat)
        if row.point in puts or view.get(KEYS, row.point) is not None:
            raise Refused("point-enrolled", "a key is enrolled once, ever", seat=row.seat, scope=row.scope)
        if seat in seats or view.get(SEATS, seat) not in (None, VACANT):
            raise Refused("seat-taken", "the seat has a live key; revoke that one first", seat=row.seat, scope=row.scope)
        puts[row.point] = (
            KEYS,
            row.point,
            Key(row.role, row.scope, row.seat, row.valid_until, case.at.index, (), ()),
        )
        seats[seat] = (SEATS, seat, row.point)
    return effect(*puts.values(), *seats.values())


def _check_row(view: View, row: KeyRow, case: Case) -> None:
    """The registrar's own roles and area; the area exists; an operator sits at a station; others prove possession."""
    if row.role not in case.key.roles:
        raise Refused("registrar-other-role", "this registrar may not enrol keys of this role", role=row.role)
    require_scope(case, row.scope)
    if row.scope and view.get(AREAS, row.scope.encode()) is None:
        raise Refused("area-unknown", "the key's area is not listed", area=row.scope)
    if row.role == "operator":
        if not _is_station(row.scope, case.election) or row.seat not in STATION_SEATS or row.proof:
            raise Refused("operator-seat", "an operator has seat 1 or 2 of one station, and no proof", scope=row.scope)
    elif not row.proof:
        raise Refused("proof-missing", "a key of this role comes with its proof of possession", role=row.role)


def _is_station(scope: str, election: Election) -> bool:
    return len(scope) == election.opened.levels[-1].digits


def _revoked_needs(data: KeyRevoked) -> tuple[Need, ...]:
    return ((KEYS, data.key),)


def _revoked_more(view: View, data: KeyRevoked) -> tuple[Need, ...]:
    target = view.get(KEYS, data.key)
    return () if target is None else ((SEATS, seat_key(target.role, target.scope, target.seat)),)


def _revoke(view: View, data: KeyRevoked, case: Case) -> Change:
    target = view.get(KEYS, data.key)
    if target is None:
        return void("key-not-enrolled")
    if target.role not in case.key.roles:
        raise Refused("registrar-other-role", "this registrar may not revoke keys of this role", role=target.role)
    require_scope(case, target.scope)
    if target.revoked:
        return void("key-already-revoked")
    revocation = Revocation(
        case.at.index,
        data.reason,
        () if data.suspect_since is UNSET else (data.suspect_since,),
        () if data.last_good is UNSET else (data.last_good,),
    )
    revoked = Key(target.role, target.scope, target.seat, target.valid_until, target.enrolled, target.roles, (revocation,))
    seat = seat_key(target.role, target.scope, target.seat)
    puts: list[tuple[Table[Any], bytes, Any]] = [(KEYS, data.key, revoked)]
    if view.get(SEATS, seat) == data.key:
        puts.append((SEATS, seat, VACANT))
    return effect(*puts)


_REGISTRAR: Final = frozenset({"registrar"})

KEYS_ENROLLED: Final = Act(_REGISTRAR, _enrolled_needs, no_needs, _enrol)
KEY_REVOKED: Final = Act(_REGISTRAR, _revoked_needs, _revoked_more, _revoke)
