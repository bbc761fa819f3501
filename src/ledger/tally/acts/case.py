"""What every act is given, and what it gives back: the door between ``fold`` and the acts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, NamedTuple

from msgspec import UNSET, structs

from ledger.errors import Refused
from ledger.tally.events import EventData
from ledger.tally.rows import Certificate, Contest, Election, Key, Slot
from ledger.tally.signing import Opened
from ledger.tally.state import CERTIFICATES, CONTESTS, At, Change, Need, SlotChange, Table, View, area_key

__all__ = [
    "Act",
    "Case",
    "Digits",
    "Locks",
    "Put",
    "above_needs",
    "certificates_above",
    "check_power",
    "effect",
    "locks",
    "mark_corrected",
    "no_more",
    "no_places",
    "require_contest",
    "require_scope",
    "void",
]

Digits = tuple[int, ...]
"""The code length of every level of the election, highest first; empty before it is opened."""

Put = tuple[Table[Any], bytes, Any]


class Case(NamedTuple):
    """An event whose key, stream and role were found in order.  ``data`` is the event's, typed by the act that takes it."""

    event: Opened
    key: Key
    election: Election
    at: At
    approver: str = ""
    """The seat that approves it here; '' where it is proposed."""

    @property
    def level(self) -> int:
        """The code length of the level at which the key acts."""
        return len(self.key.scope)


class Act(NamedTuple):
    """One event type: who may do it, which rows its decision reads (beyond election, key and stream), and the decision.

    ``more`` names, round by round, the rows that only show once those before are loaded.  ``decide`` returns a ``Change`` without
    the stream's row, which the fold adds, or raises ``Refused``. ``places`` says whose history the event belongs to, void or not.
    """

    roles: frozenset[str]
    needs: Callable[[Any, Digits], tuple[Need, ...]]
    more: Callable[[View, Opened], Iterable[tuple[Need, ...]]]
    decide: Callable[[View, Any, Case], Change]
    places: Callable[[View, Any], tuple[bytes, ...]]


def no_more(_view: View, _event: Opened) -> Iterable[tuple[Need, ...]]:
    """For the acts whose first round of rows is all they read."""
    return ()


def no_places(_view: View, _data: EventData) -> tuple[bytes, ...]:
    """For the acts that are in nobody's history."""
    return ()


def effect(*puts: Put, slots: tuple[SlotChange, ...] = (), second: Literal["as-said", "always", "never"] = "as-said") -> Change:
    """The event takes effect: at once, or where it needs a second seat when that has approved it."""
    return Change(puts, slots, "", second)


_VOIDS: Final[dict[str, Change]] = {}


def void(code: str) -> Change:
    """The event is appended and stands nowhere; what it lacked depended on others' acts."""
    return _VOIDS.setdefault(code, Change((), (), code))


# --- authority -----------------------------------------------------------------------------------------------------------------


def require_contest(view: View, code: str) -> Contest:
    """The contest as listed.  Raises ``Refused`` ``contest-unknown``."""
    contest = view.get(CONTESTS, code.encode())
    if contest is None:
        raise Refused("contest-unknown", "no such contest is listed", contest=code)
    return contest


def require_scope(case: Case, code: str) -> None:
    """Raises ``Refused`` ``beyond-scope`` unless ``code`` lies in the area of the case's key."""
    if not code.startswith(case.key.scope):
        raise Refused("beyond-scope", "the key may act in its own area alone", scope=case.key.scope, area=code)


_UNRESTRICTED: Final = frozenset({"operator", "root", "sealer"})


def check_power(case: Case, data: EventData, name: str) -> None:
    """What entry 0 says of who may do this: the level of the key, and a basis.  Raises ``Refused`` ``level-not-entitled``,
    ``basis-missing``.  Operators answer for their own form and need neither, nor does who withdraws the own objection."""
    if case.key.role in _UNRESTRICTED or (name == "objection.settled" and case.key.role != "officer"):
        return
    for power in case.election.now.powers:
        if power.act == name:
            if case.election.level_of(case.key.scope) not in power.levels:
                raise Refused("level-not-entitled", "the election gives this act to other levels", type=name, scope=case.key.scope)
            if power.basis and getattr(data, "basis", UNSET) is UNSET:
                raise Refused("basis-missing", "the election asks for a basis: the number of a document", type=name)
            return


# --- what certificates lock ------------------------------------------------------------------------------------------------------


def above_needs(contest: str, code: str, digits: Digits) -> tuple[Need, ...]:
    """The certificates of the areas that ``code`` lies in, itself included."""
    return tuple((CERTIFICATES, area_key(contest, code[:length])) for length in digits[:-1] if length <= len(code))


def certificates_above(view: View, election: Election, contest: str, code: str) -> list[tuple[str, Certificate]]:
    """(area, certificate) of every area that ``code`` lies in, itself included, highest first."""
    found: list[tuple[str, Certificate]] = []
    whole, before = area_key(contest, code), len(contest) + 1
    for level in election.opened.levels[:-1]:
        length = level.digits
        if length <= len(code):
            certificate = view.get(CERTIFICATES, whole[: before + length])
            if certificate is not None:
                found.append((code[:length], certificate))
    return found


class Locks(NamedTuple):
    """What certificates say to an act on a slot: whether it is locked, and the certificates of lower levels that it would
    correct."""

    locked: bool
    over: tuple[tuple[str, Certificate], ...]


_FREE: Final = Locks(False, ())


def locks(view: View, case: Case, contest: Contest, place: tuple[str, str], slot: Slot) -> Locks:
    """A certificate locks what it binds for its own level and all below; that of the contest's own area, which decides it, for
    everybody.  ``place``: contest code and station."""
    over: list[tuple[str, Certificate]] = []
    for area, certificate in certificates_above(view, case.election, *place):
        if certificate.binds(place[1], slot.opened):
            if len(area) <= case.level or area == contest.area:
                return Locks(True, ())
            over.append((area, certificate))
    return Locks(False, tuple(over)) if over else _FREE


def mark_corrected(contest: str, over: tuple[tuple[str, Certificate], ...]) -> tuple[Put, ...]:
    """The lower certificates with one more act of a higher level counted: they stay, as corrected there."""
    return tuple(
        (CERTIFICATES, area_key(contest, area), structs.replace(certificate, corrected=certificate.corrected + 1))
        for area, certificate in over
    )
