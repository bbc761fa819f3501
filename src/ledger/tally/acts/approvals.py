"""The second seat: an act that needs one is put down as pending, and ``approved`` gives it effect.

A pending act has no effect and locks nothing.  It is decided when proposed, so that what could never take effect is told at once,
and decided afresh when approved, over the state of that height: for the approver, who must be entitled to the act, and for the
proposer, whose act it is.  Seats approve, not keys: a rotated key of the proposer's seat is the proposer.  After 24 hours it
expires.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import structs

from ledger.errors import Refused
from ledger.tally.acts.case import Act, Case, Digits, Put, check_power, effect, void
from ledger.tally.canonical import encode
from ledger.tally.events import Approved, EventData, KeysEnrolled, decode_data
from ledger.tally.rows import Key, Pending
from ledger.tally.signing import Opened
from ledger.tally.state import ELECTION, KEYS, PENDING, SINGLE, Change, Need, View

__all__ = ["APPROVAL_LIMIT_MS", "approving", "pend", "waits"]

APPROVAL_LIMIT_MS: Final = 24 * 60 * 60 * 1000


def pend(event: Opened, change: Change, case: Case) -> Change:
    """The event put down to be approved, in the place of its effect."""
    row = Pending(case.at.index, case.at.time, event.key, event.type, encode(event.data), "open")
    return Change(((PENDING, event.event_id, row),), (), "", change.second, pending=True)


def waits(pending: Pending, now: int) -> bool:
    """Whether the act can still be approved at ``now`` (ms since 1970)."""
    return pending.state == "open" and now - pending.time <= APPROVAL_LIMIT_MS


def _inner(pending: Pending, event_id: bytes, ledger: bytes | None) -> Opened | None:
    """The pending event, as it was opened; None where it was approved and dropped."""
    data = decode_data(pending.type, pending.data) if pending.data else None
    if data is None:
        return None
    return Opened(event_id, ledger, pending.key, 0, None, 0, pending.type, data, b"", b"")


def approving(acts: Mapping[type[EventData], Act]) -> Act:
    """The act ``approved``, over the other acts."""

    def needs(data: Approved, _digits: Digits) -> tuple[Need, ...]:
        return ((PENDING, data.event),)

    def more(view: View, event: Opened) -> Iterator[tuple[Need, ...]]:
        """The proposer's key, and what the pending act reads: its own rounds follow the first."""
        pending = view.get(PENDING, event.data.event) if isinstance(event.data, Approved) else None
        election = view.get(ELECTION, SINGLE)
        if pending is None or election is None:
            return
        inner = _inner(pending, b"", None)
        if inner is None:
            yield ((KEYS, pending.key),)
            return
        act = acts[type(inner.data)]
        yield (KEYS, pending.key), *act.needs(inner.data, election.digits)
        yield from act.more(view, inner)

    def decide(view: View, data: Approved, case: Case) -> Change:
        """1 there is such an act, 2 another seat, 3 in time, 4 the approver is entitled, 5 the proposer still is, 6 the act, 7 it
        would take effect as the approver's own too: what is locked for the approver is not the approver's to approve."""
        pending = view.get(PENDING, data.event)
        if pending is None:  # 1
            return void("referent-unknown")
        inner = _inner(pending, data.event, case.event.ledger)
        proposer = view.get(KEYS, pending.key)
        if pending.state == "done" or inner is None or proposer is None:
            return void("already-approved")
        if _seat(case.key) == _seat(proposer):  # 2
            return void("self-approval")
        if pending.state == "review":
            return _review(view, pending, inner, (data.event, case))
        if not waits(pending, case.at.time):  # 3
            return void("approval-late")
        act = acts[type(inner.data)]
        own = _own(view, act, inner, case)
        if own is None:  # 4
            return void("approver-not-entitled")
        if proposer.revoked or 0 < proposer.valid_until < case.at.time:  # 5
            return void("proposer-revoked")
        proposed = Case(inner, proposer, case.election, case.at, approver=case.key.seat)
        try:  # 6
            check_power(proposed, inner.data, inner.type)
            change = act.decide(view, inner.data, proposed)
        except Refused as refusal:
            return void(refusal.code)
        if change.void:
            return change
        if own.void:  # 7
            return void("approver-not-entitled")
        done: Put = (PENDING, data.event, structs.replace(pending, state="done", data=b""))
        return Change((*change.puts, done), change.slots, "", "never")

    def places(view: View, data: Approved) -> tuple[bytes, ...]:
        pending = view.get(PENDING, data.event)
        inner = None if pending is None else _inner(pending, data.event, None)
        return () if inner is None else acts[type(inner.data)].places(view, inner.data)

    roles = frozenset(role for act in acts.values() for role in act.roles)
    return Act(roles, needs, more, decide, places)


def _seat(key: Key) -> tuple[str, str, str]:
    return key.role, key.scope, key.seat


def _own(view: View, act: Act, inner: Opened, case: Case) -> Change | None:
    """What the act would be as the approver's own, here and now; None where it would be refused."""
    if case.key.role not in act.roles:
        return None
    try:
        check_power(case, inner.data, inner.type)
        return act.decide(view, inner.data, Case(inner, case.key, case.election, case.at, approver=case.key.seat))
    except Refused:
        return None


def _review(view: View, pending: Pending, inner: Opened, of: tuple[bytes, Case]) -> Change:
    """A replacement that one seat made alone, looked at by another that may enrol there: the marks go."""
    event_id, case = of
    data = inner.data
    keys = data.keys if isinstance(data, KeysEnrolled) else ()
    if case.key.role != "registrar" or any(
        row.role not in case.key.roles or not row.scope.startswith(case.key.scope) for row in keys
    ):
        return void("approver-not-entitled")
    puts: list[Put] = [(PENDING, event_id, structs.replace(pending, state="done", data=b""))]
    for row in keys:
        key = view.get(KEYS, row.point)
        if key is not None:
            puts.append((KEYS, row.point, structs.replace(key, alone=0)))
    return effect(*puts, second="never")
