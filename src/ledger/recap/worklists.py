"""What waits for whom: one list of tasks for each role, each with where it is and what is known of it.

The tasks are read from what stands; a list that is empty is a duty that is done.  Screens say the command that does each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from ledger.errors import BadInput
from ledger.recap.certificates import areas_to_certify
from ledger.recap.entries import EntryView, entry_at, entry_view
from ledger.recap.findings import findings_at
from ledger.recap.keyring import keys_of
from ledger.recap.matters import objections_below, recommendations_below
from ledger.recap.places import EntryReader, Placed, absence, area_name, contests_below, election_of, placed_below
from ledger.recap.progress import pending_acts
from ledger.recap.telling import Facts
from ledger.tally.acts.plenaries import certifying_lengths
from ledger.tally.projection import VOIDS
from ledger.tally.rollup import frame_of
from ledger.tally.rows import Attestation, Contest
from ledger.tally.state import ATTESTATIONS, CERTIFICATES, CONTESTS, Reader, area_key, slot_key

__all__ = ["ROLES", "Task", "worklist"]


class Task(Struct, frozen=True):
    """One thing to do or to look at.

    ``kind``: ``missing``, ``withdrawn``, ``awaiting``, ``postponed``, ``differing``, ``held``, ``finding``, ``objection``,
    ``recommendation``, ``late``, ``pending``, ``review``, ``read``, ``read-recap``, ``certify``, ``attest``, ``other-figures``.
    ``facts``: (name, value) of codes and numbers; ``deadline`` in ms since 1970, 0 for none; ``entry``: the entry that it is
    about, -1 for none.
    """

    kind: str
    contest: str
    code: str
    name: str
    round: int
    facts: Facts
    deadline: int
    entry: int


class _Ask:
    """One question: the state, whose area, which contest, at which time."""

    def __init__(self, state: Reader, read: EntryReader, area: str, contest: str | None, now: int) -> None:
        self.state = state
        self.read = read
        self.area = area
        self.contest = contest
        self.now = now

    def contests(self) -> list[tuple[str, str]]:
        return contests_below(self.state, self.area, self.contest)

    def placed(self) -> Iterator[tuple[str, Placed]]:
        for code, area in self.contests():
            for placed in placed_below(self.state, code, area):
                yield code, placed

    def task(self, kind: str, contest: str, placed: Placed, facts: Facts = (), entry: int = -1) -> Task:
        name = area_name(self.state, placed.station)
        return Task(kind, contest, placed.station, name, placed.round, facts, 0, entry)


def worklist(
    state: Reader, read: EntryReader, role: str, area: str, contest: str | None, *, size: int, now: int | None = None
) -> list[Task]:
    """The tasks of a role for an area (its level is the area's), in the order in which they are best done.

    Raises ``BadInput``: ``area-unknown``; ``role-unknown``.
    """
    last = entry_at(read, size - 1).sequenced_at if size else 0
    lister = _LISTS.get(role)
    if lister is None:
        raise BadInput("role-unknown", "a work list is of one of these roles", role=role, did_you_mean=", ".join(ROLES))
    election_of(state)
    return list(lister(_Ask(state, read, area, contest, last if now is None else now)))


# --- stations -----------------------------------------------------------------------------------------------------------------


def _stations(ask: _Ask) -> Iterator[Task]:
    """What is missing, held, differing, and remarks that nobody has explained."""
    for contest, placed in ask.placed():
        slot = placed.slot
        match slot.state:
            case "none":
                kind, mark = absence(slot)
                yield ask.task(kind, contest, placed, entry=mark)
            case "held":
                yield ask.task("held", contest, placed, entry=slot.changed)
            case "differing":
                yield ask.task("differing", contest, placed, (("figures", _figures_apart(ask, contest, placed)),), slot.changed)
            case _:
                pass
        yield from _remarks(ask, contest, placed)


def _figures_apart(ask: _Ask, contest: str, placed: Placed) -> str:
    """The codes of the figures in which the two seats differ, with both numbers."""
    form = frame_of(ask.state, contest).form.form
    first, *others = placed.slot.standing
    said = [
        f"{figure.code} {_shown(first.figures[index])}/{_shown(other.figures[index])}"
        for other in others
        for index, figure in enumerate(form.figures)
        if other.figures[index] != first.figures[index]
    ]
    return ", ".join(said)


def _shown(figure: int | str | None) -> str:
    return "?" if figure is None else str(figure)


def _remarks(ask: _Ask, contest: str, placed: Placed) -> Iterator[Task]:
    open_ones = [row.rule for row in findings_at(ask.state, contest, placed) if not row.explained]
    if open_ones:
        latest = max(each.index for each in placed.slot.standing)
        yield ask.task("finding", contest, placed, (("findings", ", ".join(open_ones)),), latest)


# --- plenaries ----------------------------------------------------------------------------------------------------------------


def _plenary(ask: _Ask) -> Iterator[Task]:
    """Forms to read, recaps of the level below to read, and the recap to certify: for the level of the area itself."""
    for contest, area in ask.contests():
        row = ask.state.get(CONTESTS, contest.encode())
        if row is None or area != ask.area:
            continue
        lengths = certifying_lengths(election_of(ask.state), row)
        if len(area) not in lengths:
            continue
        own = ask.state.get(CERTIFICATES, area_key(contest, area))
        if own is not None and own.in_force:
            continue
        below = [length for length in lengths if length > len(area)]
        yield from _forms_to_read(ask, contest) if not below else _recaps_to_read(ask, contest, row, below[0])
        for place, why in areas_to_certify(ask.state, contest, row, area, len(area)):
            yield _area_task(ask, "certify", contest, place, (("why", why),))


def _forms_to_read(ask: _Ask, contest: str) -> Iterator[Task]:
    for placed in placed_below(ask.state, contest, ask.area):
        if placed.slot.state in ("single", "confirmed", "corrected") and not placed.slot.read:
            yield ask.task("read", contest, placed, entry=max(each.index for each in placed.slot.standing))


def _recaps_to_read(ask: _Ask, contest: str, row: Contest, length: int) -> Iterator[Task]:
    waiting = dict(areas_to_certify(ask.state, contest, row, ask.area, length))
    for place, why in waiting.items():
        yield _area_task(ask, "lower-recap", contest, place, (("why", why),))
    for key, certificate in ask.state.under(CERTIFICATES, area_key(contest, ask.area)):
        place = key.decode().partition("/")[2]
        if len(place) == length and place not in waiting and not certificate.read:
            yield _area_task(ask, "read-recap", contest, place, (("document", certificate.document),), certificate.index)


def _area_task(ask: _Ask, kind: str, contest: str, place: str, facts: Facts, entry: int = -1) -> Task:
    return Task(kind, contest, place, area_name(ask.state, place), 0, facts, 0, entry)


# --- matters ------------------------------------------------------------------------------------------------------------------


def _objections(ask: _Ask, *, level: str = "") -> Iterator[Task]:
    for row in objections_below(ask.state, ask.area, ask.contest, still_open=True):
        if level in ("", row.level):
            by = f"{row.scope or '-'} / {row.seat}"
            facts = (("ground", row.ground), ("role", row.role), ("by", by), ("level", row.level))
            yield Task("objection", row.contest, row.code, row.name, 0, facts, 0, row.index)


def _recommendations(ask: _Ask) -> Iterator[Task]:
    for row in recommendations_below(ask.state, ask.area, ask.contest, unanswered=True):
        facts: Facts = (("number", row.number), ("kind", row.kind), ("ground", row.ground))
        if row.deadline and ask.now > row.deadline:
            facts = (*facts, ("overdue", "1"))
        for code in row.codes:
            if code.startswith(ask.area):
                yield Task("recommendation", row.contest, code, area_name(ask.state, code), 0, facts, row.deadline, row.index)


def _late(ask: _Ask) -> Iterator[Task]:
    """Void events that name something in the area."""
    for key, code in ask.state.under(VOIDS):
        view = entry_view(ask.state, entry_at(ask.read, int.from_bytes(key)))
        place = view.station or view.area
        if place.startswith(ask.area) and (place or not ask.area) and ask.contest in (None, view.contest):
            yield Task(
                "late", view.contest, place, area_name(ask.state, place), 0, (("kind", view.type), ("void", code)), 0, view.index
            )


def _pending(ask: _Ask, wanted: Callable[[EntryView], bool]) -> Iterator[Task]:
    for view in pending_acts(ask.state, ask.read, now=ask.now):
        if wanted(view):
            place = view.station or view.area or view.scope
            kind = "review" if view.pending == "review" else "pending"
            by = f"{view.scope or '-'} / {view.seat}"
            facts = (("kind", view.type), ("role", view.role), ("by", by))
            yield Task(kind, view.contest, place, area_name(ask.state, place), 0, facts, 0, view.index)


# --- by role ------------------------------------------------------------------------------------------------------------------


def _officer(ask: _Ask) -> Iterator[Task]:
    election = election_of(ask.state)
    level = election.level_of(ask.area)
    yield from _pending(ask, lambda view: view.role == "officer" and view.scope == ask.area and view.pending == "waits")
    yield from _stations(ask)
    yield from _objections(ask, level=level)
    yield from _recommendations(ask)
    yield from _plenary(ask)
    yield from _late(ask)


def _operator(ask: _Ask) -> Iterator[Task]:
    yield from _stations(ask)
    yield from _late(ask)


def _agent(ask: _Ask) -> Iterator[Task]:
    """Forms that no party agent of these attested, copies that say otherwise, own objections that are open."""
    yield from _attestations(ask, "agent")
    yield from _remarks_everywhere(ask)
    yield from _objections(ask)


def _supervisor(ask: _Ask) -> Iterator[Task]:
    yield from _attestations(ask, "supervisor")
    yield from _remarks_everywhere(ask)
    yield from _objections(ask)
    yield from _recommendations(ask)
    yield from _late(ask)


def _remarks_everywhere(ask: _Ask) -> Iterator[Task]:
    for contest, placed in ask.placed():
        yield from _remarks(ask, contest, placed)


def _attestations(ask: _Ask, role: str) -> Iterator[Task]:
    """Standing forms that nobody of the role has attested, and attested ones where the own copy says otherwise."""
    for contest, placed in ask.placed():
        if not placed.slot.standing:
            continue
        standing = {each.event for each in placed.slot.standing}
        prefix = slot_key(contest, placed.station, placed.round) + f"/{role}/".encode()
        said: list[Attestation] = [row for _, row in ask.state.under(ATTESTATIONS, prefix)]
        if not any(row.event in standing for row in said):
            facts: Facts = (("why", "older-version"),) if said else ()
            yield ask.task("attest", contest, placed, facts, max(each.index for each in placed.slot.standing))
        for row in said:
            if row.figures and row.event in standing and row.figures not in [each.figures for each in placed.slot.standing]:
                yield ask.task("other-figures", contest, placed, (("role", row.role), ("by", row.by)), row.index)


def _registrar(ask: _Ask) -> Iterator[Task]:
    """Enrolments to approve, replacements to look at, and keys that were revoked as suspect."""
    yield from _pending(ask, lambda view: view.role == "registrar" and view.pending == "waits")
    for view in keys_of(ask.state, ask.read, area=ask.area, marked=True):
        if view.alone:
            facts = (("key", view.key[:12]), ("role", view.role), ("by", view.by))
            yield Task("replaced", "", view.scope, area_name(ask.state, view.scope), 0, facts, 0, view.enrolled)


def _administrator(ask: _Ask) -> Iterator[Task]:
    offices = ("administrator", "root")
    yield from _pending(ask, lambda view: view.role in offices and view.pending == "waits")
    yield from _late(ask)


_LISTS: Final[dict[str, Callable[[_Ask], Iterator[Task]]]] = {
    "officer": _officer,
    "operator": _operator,
    "agent": _agent,
    "supervisor": _supervisor,
    "registrar": _registrar,
    "administrator": _administrator,
}

ROLES: Final = tuple(_LISTS)
