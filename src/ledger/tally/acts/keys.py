"""Who may act: ``keys.enrolled``, ``key.rotated`` and ``key.revoked``.

A point is enrolled at most once, ever, and a seat has at most one live key.  Each registrar enrols and revokes keys of its own
roles alone; a delegated one (a key of role ``registrar``) operators' alone.  Revocation acts at once and covers every key that
took over by rotation.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, Final

from msgspec import UNSET, structs

from ledger.errors import Refused
from ledger.tally.acts.case import Act, Case, Digits, Put, effect, no_more, no_places, require_scope, void
from ledger.tally.canonical import encode
from ledger.tally.events import KeyRevoked, KeyRotated, KeyRow, KeysEnrolled
from ledger.tally.rows import Election, Key, Pending, Revocation
from ledger.tally.signing import Opened
from ledger.tally.state import AREAS, KEYS, PENDING, SEATS, Change, Need, Table, View, seat_key

__all__ = [
    "DELEGATED",
    "KEYS_ENROLLED",
    "KEY_REVOKED",
    "KEY_ROTATED",
    "STATION_SEATS",
    "VACANT",
    "predecessor_needs",
    "succession",
    "voting_day_began",
]

STATION_SEATS: Final = ("1", "2")
"""A station has two operators' seats (domain: two accounts a station)."""

DELEGATED: Final = ("operator",)
"""What a delegated registrar enrols."""

ROTATIONS_MAX: Final = 8

VACANT: Final = b""

_EARLIEST_ZONE: Final = datetime.timezone(datetime.timedelta(hours=9))  # WIT: a day begins there first


def voting_day_began(election: Election) -> int:
    """When the voting day begins in the country's earliest zone (ms since 1970)."""
    day = datetime.date.fromisoformat(election.opened.day)
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=_EARLIEST_ZONE).timestamp() * 1000)


# --- enrolment -------------------------------------------------------------------------------------------------------------------


def _enrolled_needs(data: KeysEnrolled, _digits: Digits) -> tuple[Need, ...]:
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
    alone = _is_replacement(view, data, case)
    for row in data.keys:
        _check_row(view, row, case)
        seat = seat_key(row.role, row.scope, row.seat)
        if row.point in puts or view.get(KEYS, row.point) is not None:
            raise Refused("point-enrolled", "a key is enrolled once, ever", seat=row.seat, scope=row.scope)
        if seat in seats or view.get(SEATS, seat) not in (None, VACANT):
            raise Refused("seat-taken", "the seat has a live key; revoke that one first", seat=row.seat, scope=row.scope)
        roles = DELEGATED if row.role == "registrar" else ()
        key = Key(
            row.role,
            row.scope,
            row.seat,
            row.valid_until,
            case.at.index,
            roles,
            (),
            case.key.seat,
            (),
            (),
            int(alone),
            case.approver,
        )
        puts[row.point] = (KEYS, row.point, key)
        seats[seat] = (SEATS, seat, row.point)
    if not alone:
        return effect(*puts.values(), *seats.values())
    review = Pending(case.at.index, case.at.time, case.event.key, case.event.type, encode(data), "review")
    return effect(*puts.values(), *seats.values(), (PENDING, case.event.event_id, review), second="never")


def _is_replacement(view: View, data: KeysEnrolled, case: Case) -> bool:
    """Where enrolment needs a second seat: whether this one does not, because from the voting day on it puts new keys into
    operators' seats that had one before.  It is marked, and reviewed later."""
    if case.approver or case.event.type not in case.election.now.second_seats or case.at.time < voting_day_began(case.election):
        return False
    return all(row.role == "operator" and view.get(SEATS, seat_key(row.role, row.scope, row.seat)) is not None for row in data.keys)


def _check_row(view: View, row: KeyRow, case: Case) -> None:
    """The registrar's own roles and area; the area exists; an operator sits at a station; others prove possession."""
    if row.role not in case.key.roles:
        raise Refused("registrar-other-role", "this registrar may not enrol keys of this role", role=row.role)
    require_scope(case, row.scope)
    if row.scope and view.get(AREAS, row.scope.encode()) is None:
        raise Refused("area-unknown", "the key's area is not listed", area=row.scope)
    if row.role == "operator":
        if not case.election.is_station(row.scope) or row.seat not in STATION_SEATS or row.proof:
            raise Refused("operator-seat", "an operator has seat 1 or 2 of one station, and no proof", scope=row.scope)
    elif not row.proof:
        raise Refused("proof-missing", "a key of this role comes with its proof of possession", role=row.role)


# --- rotation --------------------------------------------------------------------------------------------------------------------


def _rotated_needs(data: KeyRotated, _digits: Digits) -> tuple[Need, ...]:
    return ((KEYS, data.point),)


def _rotated_more(view: View, event: Opened) -> Iterator[tuple[Need, ...]]:
    yield from predecessor_needs(view, event.key)


def predecessor_needs(view: View, point: bytes) -> Iterator[tuple[Need, ...]]:
    """One round: the keys that had the seat of ``point`` before, where there are any."""
    key = view.get(KEYS, point)
    if key is not None and key.before:
        yield tuple((KEYS, before) for before in key.before)


def _rotate(view: View, data: KeyRotated, case: Case) -> Change:
    """The new key sits where the old one sat, with what it was given and no more."""
    old, key = case.event.key, case.key
    if data.seat != key.seat:
        raise Refused("seat-other", "a rotation names the seat of the key that signs it", seat=data.seat)
    if view.get(KEYS, data.point) is not None:
        raise Refused("point-enrolled", "a key is enrolled once, ever", seat=key.seat, scope=key.scope)
    if len(key.before) == ROTATIONS_MAX:
        raise Refused("rotations-limit", f"a seat's key is rotated {ROTATIONS_MAX} times at most; enrol a new one", seat=key.seat)
    return effect(*succession(view, old, data.point, case.at.index))


def succession(view: View, old: bytes, new: bytes, index: int) -> list[Put]:
    """The seat of the enrolled key ``old`` passes to ``new``, which has all that it had; each key before knows of it."""
    key = view.get(KEYS, old)
    if key is None:
        return []
    successor = structs.replace(key, enrolled=index, before=(*key.before, old))
    puts: list[Put] = [(KEYS, new, successor), (SEATS, seat_key(key.role, key.scope, key.seat), new)]
    for point in (*key.before, old):
        earlier = key if point == old else view.get(KEYS, point)
        if earlier is not None:
            puts.append((KEYS, point, structs.replace(earlier, after=(*earlier.after, new))))
    return puts


# --- revocation ------------------------------------------------------------------------------------------------------------------


def _revoked_needs(data: KeyRevoked, _digits: Digits) -> tuple[Need, ...]:
    return ((KEYS, data.key),)


def _revoked_more(view: View, event: Opened) -> Iterator[tuple[Need, ...]]:
    target = view.get(KEYS, event.data.key) if isinstance(event.data, KeyRevoked) else None
    if target is not None:
        yield (SEATS, seat_key(target.role, target.scope, target.seat)), *((KEYS, point) for point in target.after)


def _revoke(view: View, data: KeyRevoked, case: Case) -> Change:
    """The key and its successors."""
    target = view.get(KEYS, data.key)
    if target is None:
        return void("key-not-enrolled")
    if not _may_revoke(case.key, target):
        raise Refused("registrar-other-role", "this key may not revoke keys of this role", role=target.role)
    require_scope(case, target.scope)
    if target.revoked:
        return void("key-already-revoked")
    first = Revocation(
        case.at.index,
        data.reason,
        () if data.suspect_since is UNSET else (data.suspect_since,),
        () if data.last_good is UNSET else (data.last_good,),
    )
    puts: list[Put] = [(KEYS, data.key, structs.replace(target, revoked=(first,)))]
    for point in target.after:  # what a thief rotated to has no good position
        successor = view.get(KEYS, point)
        if successor is not None and not successor.revoked:
            puts.append((KEYS, point, structs.replace(successor, revoked=(structs.replace(first, last_good=()),))))
    seat = seat_key(target.role, target.scope, target.seat)
    live = view.get(SEATS, seat)
    if live is not None and live in (data.key, *target.after):
        puts.append((SEATS, seat, VACANT))
    return effect(*puts)


def _may_revoke(key: Key, target: Key) -> bool:
    """The root keys revoke registrars; a registrar keys of the roles that it enrols, of its delegates, not of a body that the
    manifest named: else the commission could silence those who watch it.  An agent's key only who enrolled it or approved that:
    else one candidate's body could silence another's agents."""
    if key.role == "root":
        return target.role == "registrar"
    if target.role == "agent" and key.seat not in (target.by, target.second):
        return False
    return target.role in key.roles and (target.role != "registrar" or target.by != "")


_REGISTRAR: Final = frozenset({"registrar"})
_ROTATING: Final = frozenset({"administrator", "agent", "importer", "officer", "operator", "registrar", "supervisor"})

KEYS_ENROLLED: Final = Act(_REGISTRAR, _enrolled_needs, no_more, _enrol, no_places)
KEY_ROTATED: Final = Act(_ROTATING, _rotated_needs, _rotated_more, _rotate, no_places)
KEY_REVOKED: Final = Act(_REGISTRAR | {"root"}, _revoked_needs, _revoked_more, _revoke, no_places)
