"""The rows that the fold keeps: arrays in canonical MessagePack, immutable (docs/FORMATS.md section 6.1 says what each means)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from ledger.tally.eventdata.election import Candidate, Cutoff, Deadline, ElectionOpened, Power
from ledger.tally.eventdata.words import Figures, Voters

__all__ = [
    "Area",
    "Attestation",
    "CandidateChange",
    "Certificate",
    "Contest",
    "Election",
    "Explanation",
    "Governance",
    "Incident",
    "Key",
    "LogKey",
    "Objection",
    "Pending",
    "Recommendation",
    "Reopening",
    "Revocation",
    "Revote",
    "Seal",
    "Slot",
    "Standing",
    "State",
    "StateRow",
    "Stream",
    "VotersOf",
    "log_key_at",
]


class StateRow(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """A row of state: an array in canonical MessagePack."""


# --- the election ------------------------------------------------------------------------------------------------------------


class Governance(StateRow, frozen=True):
    """What entry 0 and its amendments say of who may do what and until when, as it is now."""

    second_seats: tuple[str, ...]
    cutoffs: tuple[Cutoff, ...]
    powers: tuple[Power, ...]
    deadlines: tuple[Deadline, ...]


class LogKey(StateRow, frozen=True):
    """The log's verifier key of the trees from ``size`` on, up to the size of the next such row."""

    size: int
    vkey: str


def log_key_at(keys: Sequence[LogKey], size: int) -> str:
    """The verifier key whose word the checkpoint of a tree of ``size`` is: that of the last of ``keys`` from that size or below.
    ``keys`` ascend, and the first is of size 0."""
    return next(key.vkey for key in reversed(keys) if key.size <= size)


class Election(StateRow, frozen=True):
    """What entry 0 said, with the ledger's id, and what holds now.  ``rekeyed``: the log's keys after entry 0's, in order; a row
    without any is written without the field, as it was before there was such an event."""

    ledger: bytes
    opened: ElectionOpened
    now: Governance
    rekeyed: tuple[LogKey, ...] = ()

    @property
    def log_keys(self) -> tuple[LogKey, ...]:
        """All keys that the log has had, the one in force last."""
        return (LogKey(0, self.opened.log_key), *self.rekeyed)

    @property
    def digits(self) -> tuple[int, ...]:
        """The code length of every level, highest first; the last is the polling stations'."""
        return tuple(level.digits for level in self.opened.levels)

    def level_of(self, code: str) -> str:
        """The level, by its code in entry 0, of the area that ``code`` names; '' where no level has codes of this length."""
        return next((level.code for level in self.opened.levels if level.digits == len(code)), "")

    def is_station(self, code: str) -> bool:
        """Whether ``code`` has the length of a polling station's."""
        return len(code) == self.opened.levels[-1].digits


class Area(StateRow, frozen=True):
    """A jurisdiction of the tree: its level (index into the election's levels), and for stations zone, voters and contests.

    ``gone``: '' while it is there, ``cancelled``, or the code of the station into which it was merged.
    """

    name: str
    level: int
    zone: str
    voters_male: Voters
    voters_female: Voters
    contests: tuple[str, ...]
    gone: str


class VotersOf(StateRow, frozen=True):
    """Registered voters of one contest at a station where they are others than the station's."""

    male: Voters
    female: Voters


class Contest(StateRow, frozen=True):
    """A contest as listed, with how it is won and the population there (0: not said)."""

    name_id: str
    name_en: str
    form: str
    version: int
    area: str
    candidates: tuple[Candidate, ...]
    certifying: tuple[str, ...]
    deciding: str
    rule: str
    population: int


class CandidateChange(StateRow, frozen=True):
    """The last change of a candidate: ``withdrawn``, ``disqualified``, ``replaced`` or ``restored``; ``name`` where replaced."""

    index: int
    change: str
    name: str
    reason: str
    basis: str


# --- keys --------------------------------------------------------------------------------------------------------------------


class Revocation(StateRow, frozen=True):
    """When (log index), why, and up to which position acts still come in as void evidence; a list of none or one each."""

    index: int
    reason: str
    suspect_since: tuple[int, ...]
    last_good: tuple[int, ...]


class Key(StateRow, frozen=True):
    """An enrolled key.

    ``roles``: what a registrar may enrol.  ``revoked``: none or one revocation.  ``by``, ``second``: the seats of the registrars
    that enrolled it and approved that ('' for those of entry 0).  ``before``, ``after``: the points that had, and have had since,
    its seat by rotation, oldest first; a key with an ``after`` acts no more.  ``alone``: 1 while a replacement made by one seat
    alone waits for review.
    """

    role: str
    scope: str
    seat: str
    valid_until: int
    enrolled: int
    roles: tuple[str, ...]
    revoked: tuple[Revocation, ...]
    by: str
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    alone: int
    second: str


class Stream(StateRow, frozen=True):
    """The head of a key's stream: the position that comes next, and the event id before it."""

    position: int
    previous: bytes | None


class Pending(StateRow, frozen=True):
    """An act that a second seat approves: when and by which key it was proposed, and what it says.

    ``state``: ``open``; ``review`` (in effect already, to be looked at by another seat); ``done``, with ``data`` dropped.
    """

    index: int
    time: int
    key: bytes
    type: str
    data: bytes
    state: Literal["open", "review", "done"]


# --- tallies -----------------------------------------------------------------------------------------------------------------


class Standing(StateRow, frozen=True):
    """One event that stands for a slot.  ``corrects`` is 1 where it changed figures of one before; ``broken`` the rule findings.
    ``scope`` is its key's: an officer's tells at which level it was entered."""

    event: bytes
    index: int
    role: str
    scope: str
    seat: str
    corrects: int
    figures: Figures
    broken: tuple[str, ...]


State = Literal["none", "single", "confirmed", "differing", "corrected", "held", "annulled"]


class Slot(StateRow, frozen=True):
    """A tally's place: one (contest, station, round).

    ``seats`` holds the standing event of each operator's seat, in seat order; ``decided`` the event of an officer (or importer)
    that took their place, alone.  ``held`` is 1 while out of the totals.  ``changes`` counts the acts that changed a number that
    was shown.  The rest are log indexes, 0 for never: ``opened`` when the slot came to be, ``changed`` the last event that changed
    what totals or commitments get of it, ``read`` when the plenary read what stands now, ``annulled``, ``postponed``,
    ``withdrawn`` (while nothing has come in since), ``order`` of the revote that opened it.
    """

    seats: tuple[Standing, ...]
    decided: tuple[Standing, ...]
    held: int
    changes: int
    opened: int
    changed: int
    read: int
    annulled: int
    postponed: int
    withdrawn: int
    order: int

    @property
    def standing(self) -> tuple[Standing, ...]:
        """The events that stand: the decided one, or those of the seats."""
        return self.decided or self.seats

    @property
    def state(self) -> State:
        """The slot's state in the words of commitments (docs/FORMATS.md section 6.5); ``tally.facts.status`` has those for
        people."""
        if self.annulled:
            return "annulled"
        standing = self.decided or self.seats
        if not standing:
            return "none"
        if self.held:
            return "held"
        if len(standing) > 1:
            first = standing[0].figures
            return "confirmed" if all(other.figures == first for other in standing) else "differing"
        return "corrected" if standing[0].corrects else "single"

    @classmethod
    def empty(cls, index: int, *, order: int = 0) -> Slot:
        """A slot that came to be at a log index; ``order``: by the revote that was ordered there."""
        return cls((), (), 0, 0, index, index, 0, 0, 0, 0, order)


class Attestation(StateRow, frozen=True):
    """What one attester last said of a tally: of which event, and the own copy's figures; none where it agrees."""

    index: int
    event: bytes
    role: str
    by: str
    figures: Figures


class Explanation(StateRow, frozen=True):
    """A finding of a standing event, explained by who answers for the figures."""

    index: int
    event: bytes
    role: str
    scope: str
    seat: str
    reason: str


# --- plenaries ---------------------------------------------------------------------------------------------------------------


class Reopening(StateRow, frozen=True):
    """When, why, and for which stations (none: all) a certificate was reopened."""

    index: int
    stations: tuple[str, ...]
    reason: str
    basis: str


class Certificate(StateRow, frozen=True):
    """The certificate of (contest, area), the last one.

    ``paper`` and ``differences`` as it says; ``missing``: the codes that it names.  ``seat``: who proposed it.
    ``read``: log index at which the level above read it.  ``corrected``: how many acts of higher levels changed a number below
    since. ``renew``: revotes ordered (less those withdrawn) since, that make a new one necessary.
    """

    event: bytes
    index: int
    time: int
    size: int
    commitment: bytes
    sums: tuple[int, ...]
    paper: tuple[int | str | None, ...]
    differences: tuple[tuple[int, str], ...]
    missing: tuple[str, ...]
    document: str
    held_at: int
    seat: str
    read: int
    corrected: int
    renew: int
    reopened: tuple[Reopening, ...]

    @property
    def in_force(self) -> bool:
        """Whether it holds: neither reopened nor to be renewed."""
        return not self.reopened and not self.renew

    def binds(self, station: str, opened: int) -> bool:
        """Whether it locks the slot of ``station`` that came to be at log index ``opened``: not one of a later round, and not one
        for which it was reopened."""
        if opened > self.index:
            return False
        return all(reopening.stations and station not in reopening.stations for reopening in self.reopened)


class Seal(StateRow, frozen=True):
    """The last seal over all recaps."""

    index: int
    time: int
    size: int
    root: bytes


# --- matters -------------------------------------------------------------------------------------------------------------------


class Objection(StateRow, frozen=True):
    """An objection.  ``level``: the code length of the level at which it is to be settled; ``outcome`` '' while it is open."""

    index: int
    contest: str
    code: str
    event: tuple[bytes, ...]
    ground: str
    role: str
    scope: str
    seat: str
    by: str
    level: int
    outcome: str
    settled: int


class Recommendation(StateRow, frozen=True):
    """A supervisor's recommendation; ``answer`` '' while there is none."""

    index: int
    contest: str
    kind: str
    number: str
    ground: str
    codes: tuple[str, ...]
    deadline: int
    scope: str
    seat: str
    answer: str
    answered: int


class Revote(StateRow, frozen=True):
    """An order to vote again: (station, the round that it opened); ``scope`` is that of who ordered; ``withdrawn`` the log index, 0
    while it holds."""

    index: int
    scope: str
    contest: str
    rounds: tuple[tuple[str, int], ...]
    kind: str
    day: str
    basis: str
    withdrawn: int


class Incident(StateRow, frozen=True):
    """A special incident."""

    contest: str
    code: str
    kind: str
    role: str
    scope: str
    seat: str
