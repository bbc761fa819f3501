"""What every act is given, and what it gives back: the door between ``fold`` and the acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ledger.errors import Refused
from ledger.tally.events import EventData
from ledger.tally.signing import Opened
from ledger.tally.state import At, Change, Election, Key, Need, SlotChange, Table, View

__all__ = ["Act", "Case", "effect", "no_needs", "require_scope", "void"]


class Case(NamedTuple):
    """An event whose key, stream and role were found in order.  ``data`` is the event's, typed by the act that takes it."""

    event: Opened
    key: Key
    election: Election
    at: At


class Act(NamedTuple):
    """One event type: who may do it, which rows its decision reads (beyond election, key and stream), and the decision.

    ``more`` names the rows that only show once the first are loaded; two rounds are the limit.  ``decide`` returns a ``Change``
    without the stream's row, which the fold adds, or raises ``Refused``.
    """

    roles: frozenset[str]
    needs: Callable[[Any], tuple[Need, ...]]
    more: Callable[[View, Any], tuple[Need, ...]]
    decide: Callable[[View, Any, Case], Change]


def no_needs(_view: View, _data: EventData) -> tuple[Need, ...]:
    """For the acts whose first round of rows is all they read."""
    return ()


def effect(*puts: tuple[Table[Any], bytes, Any], slots: tuple[SlotChange, ...] = ()) -> Change:
    """The event takes effect."""
    return Change(puts, slots, "")


_VOIDS: Final[dict[str, Change]] = {}


def void(code: str) -> Change:
    """The event is appended and stands nowhere; what it lacked depended on others' acts."""
    return _VOIDS.setdefault(code, Change((), (), code))


def require_scope(case: Case, code: str) -> None:
    """Raises ``Refused`` ``beyond-scope`` unless ``code`` lies in the area of the case's key."""
    if not code.startswith(case.key.scope):
        raise Refused("beyond-scope", "the key may act in its own area alone", scope=case.key.scope, area=code)
