"""The stage of the demo: an agenda of acts in the order of time, and what each kind of act needs to be signed.

``Agenda`` runs acts by their time; those of one minute go in together.  ``Stage`` knows what stands of every tally, since a
correction names what it corrects, and asks the ledger itself what an office can read and certify.

Left to others: who plays which part (``cast``), what happens when (``evening``, ``plenary_days``).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from msgspec import UNSET

from ledger.node import Node, Snapshot
from ledger.scenario.bengkulu import CONTESTS, PAIRS
from ledger.scenario.cast import Draw
from ledger.scenario.founding import Sender
from ledger.scenario.people import Actor, People
from ledger.scenario.split import form_for
from ledger.tally.drafts import certificate_draft, readable
from ledger.tally.events import (
    AgentMark,
    DifferenceRow,
    Figures,
    FormRef,
    MissingRow,
    ObjectionRaised,
    ObjectionSettled,
    ReadRow,
    RecapRead,
    TallyAttested,
    TallyCorrected,
    TallyHeld,
    TallyReleased,
    TallySubmitted,
    TallyWithdrawn,
)

__all__ = ["BATCH_MS", "MINUTE", "Agenda", "Paper", "Progress", "Stage", "agent_marks"]

MINUTE: Final = 60_000
BATCH_MS: Final = MINUTE
"""Devices' events of so long a time go in together and bear the time of the last of them."""

CREW: Final = 7
"""All of a station's crew signed (domain.md 5.1)."""

_OFFICE: Final = "office"

Progress = Callable[[str, int, int], None]
"""Told ("submit", acts done, of how many)."""

Scene = Callable[[int], None]
"""What happens at a time (ms since 1970)."""


class Agenda:
    """Scenes by time; of those at one time the first that was entered comes first."""

    def __init__(self) -> None:
        self._scenes: list[tuple[int, int, Scene]] = []
        self._entered = 0

    def at(self, moment: int, scene: Scene) -> None:
        """``scene`` happens at ``moment``; a scene may enter later ones."""
        self._entered += 1
        heapq.heappush(self._scenes, (moment, self._entered, scene))

    def play(self, sender: Sender, tell: Progress) -> None:
        """All scenes, in the order of time."""
        began, done = 0, 0
        while self._scenes:
            moment, _, scene = heapq.heappop(self._scenes)
            if moment - began > BATCH_MS:
                sender.send()
                tell("submit", done, self._entered)
                began = moment
            scene(moment)
            done += 1
        sender.send()
        tell("submit", done, done)


class Paper(NamedTuple):
    """The signed paper recap of an area: its number; the agents' marks in ballot order; figures, by code, in which it says another
    number than the ledger, each with that number and why; what is not in the totals, each with reason and basis."""

    document: str
    agents: tuple[AgentMark, ...]
    other: Mapping[str, tuple[Callable[[int], int], str]] = {}
    missing: Mapping[str, tuple[str, str]] = {}


Slot = tuple[str, str, int]
"""Contest, station, round."""


class Stage:
    """Signs acts by kind.  Every ``moment`` is in ms since 1970."""

    def __init__(self, people: People, sender: Sender, node: Node, draw: Draw) -> None:
        self.people = people
        self._draw = draw
        self.agenda = Agenda()
        self._sender = sender
        self._node = node
        self._standing: dict[Slot, dict[str, bytes]] = {}
        self._figures: dict[Slot, Figures] = {}
        self._forms = {contest: FormRef(form_for(contest).code, form_for(contest).version) for contest in CONTESTS}

    def standing(self, contest: str, station: str, *, round_: int = 0) -> tuple[bytes, ...]:
        """The events that stand, as a correction names them."""
        return tuple(sorted(self._standing.get((contest, station, round_), {}).values()))

    def last_figures(self, contest: str, station: str) -> Figures:
        """The figures of the last form that took effect."""
        return self._figures[contest, station, 0]

    @contextmanager
    def look(self) -> Iterator[Snapshot]:
        """The ledger as it is, with everything that was signed so far."""
        self._sender.send()
        with self._node.snapshot() as snapshot:
            yield snapshot

    # --- tallies -----------------------------------------------------------------------------------------------------------------

    def submit(self, actor: Actor, contest: str, station: str, figures: Figures, moment: int, *, round_: int = 0) -> bytes:
        """A form, from the paper on the wall."""
        event = self.people.sign(actor, self.form(contest, station, figures, round_=round_), moment)
        self._stands(actor, (contest, station, round_), event, figures)
        return event

    def form(self, contest: str, station: str, figures: Figures, *, round_: int = 0) -> TallySubmitted:
        """What a form says."""
        return TallySubmitted(
            contest=contest,
            station=station,
            round=round_,
            form=self._forms[contest],
            source="plano",
            figures=figures,
            photos=(),
            crew=CREW,
            agents=agent_marks(self._draw, contest, station),
        )

    def correct(self, actor: Actor, contest: str, station: str, figures: Figures, moment: int, *, reason: str, basis: str) -> bytes:
        """A correction that takes effect at once; ``basis`` '' for none."""
        event = self.people.sign(actor, self.correction(actor, contest, station, figures, reason=reason, basis=basis), moment)
        self._stands(actor, (contest, station, 0), event, figures)
        return event

    def correction(self, actor: Actor, contest: str, station: str, figures: Figures, *, reason: str, basis: str) -> TallyCorrected:
        """What a correction says: an operator supersedes the own seat's form, an officer all that stands."""
        seats = self._standing[contest, station, 0]
        own = (seats[actor[2]],) if actor[0] == "operator" else tuple(sorted(seats.values()))
        return TallyCorrected(
            contest=contest,
            station=station,
            round=0,
            form=self._forms[contest],
            source="plano",
            figures=figures,
            photos=(),
            supersedes=own,
            reason=reason,
            crew=CREW,
            agents=agent_marks(self._draw, contest, station),
            basis=basis or UNSET,
        )

    def took_effect(self, actor: Actor, contest: str, station: str, figures: Figures, *, event: bytes) -> None:
        """A correction that waited stands now."""
        self._stands(actor, (contest, station, 0), event, figures)

    def _stands(self, actor: Actor, slot: Slot, event: bytes, figures: Figures) -> None:
        self._figures[slot] = figures
        seats = self._standing.setdefault(slot, {})
        if actor[0] == "operator":
            seats[actor[2]] = event
        else:
            seats.clear()
            seats[_OFFICE] = event

    def withdraw(self, actor: Actor, contest: str, station: str, moment: int, *, reason: str) -> None:
        """An operator takes the own form back."""
        gone = self._standing[contest, station, 0].pop(actor[2])
        data = TallyWithdrawn(contest=contest, station=station, round=0, withdraws=(gone,), reason=reason)
        self.people.sign(actor, data, moment)

    def hold(self, actor: Actor, contest: str, station: str, moment: int, *, reason: str, basis: str) -> None:
        """Out of the totals."""
        data = TallyHeld(contest=contest, station=station, round=0, reason=reason, basis=basis)
        self.people.sign(actor, data, moment)

    def release(self, actor: Actor, contest: str, station: str, moment: int, *, reason: str, basis: str) -> None:
        """Back into the totals."""
        data = TallyReleased(contest=contest, station=station, round=0, reason=reason, basis=basis)
        self.people.sign(actor, data, moment)

    # --- the paper's witnesses ---------------------------------------------------------------------------------------------------

    def attest(self, actor: Actor, contest: str, station: str, moment: int, *, figures: Figures | None = None) -> None:
        """The own copy says the same as the form that stands, or ``figures``."""
        event = self.standing(contest, station)[0]
        said = UNSET if figures is None else figures
        data = TallyAttested(contest=contest, station=station, round=0, event=event, photos=(), figures=said)
        self.people.sign(actor, data, moment)

    def object(self, actor: Actor, contest: str, station: str, moment: int, *, ground: str) -> bytes:
        """An objection to the form that stands."""
        event = self.standing(contest, station)[0]
        data = ObjectionRaised(contest=contest, code=station, ground=ground, photos=(), event=event)
        return self.people.sign(actor, data, moment)

    def settle(self, actor: Actor, data: ObjectionSettled, moment: int) -> None:
        """What became of an objection."""
        self.people.sign(actor, data, moment)

    # --- plenaries ---------------------------------------------------------------------------------------------------------------

    def read(self, actor: Actor, contests: Sequence[str], area: str, moment: int, *, within: str | None = None) -> None:
        """All that the plenary of ``area`` has still to read (in ``within``, a village), one batch for each contest."""
        with self.look() as snapshot:
            batches = {contest: readable(snapshot.state, contest, area, within=within) for contest in contests}
        for contest, rows in batches.items():
            if rows:
                self.people.sign(actor, RecapRead(contest=contest, rows=rows), moment)

    def read_station(self, actor: Actor, contest: str, station: str, moment: int) -> None:
        """One form, by exception: a level above looks at it."""
        event = self.standing(contest, station)[0]
        self.people.sign(actor, RecapRead(contest=contest, rows=(ReadRow(station, 0, event),)), moment)

    def certify(self, seats: tuple[Actor, Actor], contest: str, area: str, moment: int, *, paper: Paper) -> bytes:
        """The recap of an area by two seats at one table, beside what the signed paper says."""
        form = form_for(contest)
        with self.look() as snapshot:
            draft = certificate_draft(snapshot.state, contest, area, size=snapshot.size)
        said = {figure.code: total for figure, total in zip(form.figures, draft.sums.figures, strict=True)}
        said |= {code: change(said[code]) for code, (change, _) in paper.other.items()}
        differences = [
            DifferenceRow(at, paper.other[figure.code][1]) for at, figure in enumerate(form.figures) if figure.code in paper.other
        ]
        data = draft.certificate(
            paper.document,
            moment,
            paper=tuple(said.values()),
            differences=tuple(differences),
            missing=tuple(MissingRow(code, *_why(paper.missing, code)) for code in draft.missing),
            agents=paper.agents,
        )
        return self.people.both(*seats, data, moment)


def _why(missing: Mapping[str, tuple[str, str]], code: str) -> tuple[str, tuple[str, ...]]:
    """Reason and basis of what is missing; a scenario that did not foresee it fails here."""
    reason, basis = missing[code]
    return reason, (basis,)


def agent_marks(draw: Draw, contest: str, place: str) -> tuple[AgentMark, ...]:
    """What each pair's agent did with a paper: most signed, some were absent, few refused."""
    marks: list[AgentMark] = []
    for pair in PAIRS[contest]:
        drawn = draw(1, 40, "mark", contest, place, pair.number)
        marks.append("refused" if drawn == 1 else "absent" if drawn <= 5 else "signed")
    return tuple(marks)
