"""How a station's number came to be: every event that named its tally, in log order, all rounds, with what each changed.

The projection keeps for each place (a slot, an area) the indexes of the events that named it, void and pending ones included; the
figures between are found by folding the tally's own forms again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import UNSET, Struct, structs

from ledger.errors import BadInput
from ledger.recap.certificates import CertificateView, certificates_at
from ledger.recap.entries import EntryView, approved_entry, entry_at, entry_view, marked_late
from ledger.recap.places import EntryReader, area_name, contests_of, current_slot, election_of, rounds_of
from ledger.recap.telling import Facts, tell
from ledger.tally.acts.approvals import APPROVAL_LIMIT_MS
from ledger.tally.events import (
    Approved,
    EventData,
    Figures,
    RecapCertified,
    RecapRead,
    RecapReopened,
    RevoteOrdered,
    TallyAttested,
    TallyCorrected,
    TallySubmitted,
    TallyWithdrawn,
)
from ledger.tally.projection import VERSIONS, version_index
from ledger.tally.rollup import contest_form
from ledger.tally.rules import CompiledForm, evaluate
from ledger.tally.signing import OpenedEntry
from ledger.tally.state import Reader, area_key, area_place

__all__ = ["Changed", "History", "Version", "expired", "history", "indexes_of"]

Changed = tuple[tuple[str, int | str | None, int | str | None], ...]


class Version(Struct, frozen=True):
    """One event in a tally's history: the entry, what it was, and each figure that it gave otherwise [code, before, after].

    ``state``: a word of ``telling.tell``, and for forms submitted (the first), confirmed or differs (the other seat's), corrected,
    photo-added; ``void`` for what took no effect (late evidence), ``proposed`` while it waits for a second seat.  ``facts``: what
    else it said.  ``round``: of the slot that it named, -1 for an act on the whole station or on an area above (``place``).
    ``approves``: what an approval approved.  Of an attestation ``changed`` compares the form that it names with the own copy, and
    ``of`` says of which: ``standing``, ``older`` or ``unknown``.  ``entered_at``: the level at which an officer entered the form.
    """

    entry: EntryView
    state: str
    changed: Changed
    photos_changed: bool
    findings: tuple[str, ...]
    facts: Facts
    round: int
    place: str
    approves: EntryView | None
    of: str
    entered_at: str


class History(Struct, frozen=True):
    """How a station's number in one contest came to be; ``round`` is the one that holds, ``certificates`` those above it now."""

    contest: str
    station: str
    name: str
    size: int
    state: str
    versions: tuple[Version, ...]
    round: int
    rounds: tuple[tuple[int, str], ...]
    certificates: tuple[CertificateView, ...]


def indexes_of(state: Reader, prefix: bytes) -> list[tuple[int, bytes]]:
    """(log index, place) of every event in the history of the places that begin with ``prefix``, in log order."""
    found = [(version_index(key), key[:-9]) for key, _ in state.under(VERSIONS, prefix)]
    return sorted(found)


def expired(entry: EntryView, now: int) -> EntryView:
    """A proposal as it stands at ``now`` (ms since 1970): after 24 hours it waits no more."""
    late = entry.pending == "waits" and now - entry.sequenced_at > APPROVAL_LIMIT_MS
    return structs.replace(entry, pending="expired") if late else entry


def history(state: Reader, read: EntryReader, contest: str, station: str, *, size: int) -> History:
    """Every event that named the tally, in log order, with what each changed; void ones included.

    ``read`` gives an entry's bytes by index.  Raises ``BadInput`` ``station-unknown``, ``contest-unknown``, ``area-unknown``.
    """
    rows = contests_of(state, station, contest)
    if not rows:
        raise BadInput("station-unknown", "no such station holds this contest", station=station, contest=contest)
    code, row = rows[0]
    rounds = rounds_of(state, code, station)
    placed = current_slot(state, code, station)
    telling = _Telling(state, read, contest_form(state, row), code, size)
    for index, place in _mentions(state, code, station):
        telling.tell(index, place)
    return History(
        code,
        station,
        area_name(state, station),
        size,
        placed.slot.state,
        tuple(telling.versions),
        placed.round,
        tuple((each.round, each.slot.state) for each in rounds),
        tuple(certificates_at(state, code, station)),
    )


def _mentions(state: Reader, contest: str, station: str) -> Iterable[tuple[int, bytes]]:
    """The acts on the station's slots, on the station itself, and on the areas above it, each once."""
    found: dict[int, bytes] = {}
    for index, place in indexes_of(state, area_key(contest, station) + b"/"):
        found[index] = place
    for index, place in indexes_of(state, area_place("", station) + b"/"):
        found.setdefault(index, place)
    for length in election_of(state).digits[:-1]:
        for index, place in indexes_of(state, area_place(contest, station[:length]) + b"/"):
            found.setdefault(index, place)
    return sorted(found.items())


_FormSent = TallySubmitted | TallyCorrected
_ANYBODY: Final = ""
_ABOVE: Final = (RecapCertified, RecapReopened, RecapRead)
"""Acts on an area above that concern each station in it."""


class _Telling:
    """Folds the tally's own events again.  ``forms``: by round, the last form of each seat and of anybody that took effect."""

    def __init__(self, state: Reader, read: EntryReader, form: CompiledForm, contest: str, size: int) -> None:
        self.state = state
        self.read = read
        self.form = form
        self.contest = contest
        self.versions: list[Version] = []
        self.forms: dict[int, dict[str, _FormSent]] = {}
        self.times: dict[int, int] = {}
        self.sent: dict[bytes, Figures] = {}
        self.now = entry_at(read, size - 1).sequenced_at if size else 0

    def tell(self, index: int, place: bytes) -> None:
        """The next event of the history."""
        entry = entry_at(self.read, index)
        view = expired(entry_view(self.state, entry), self.now)
        view = marked_late(self.state, self.read, view, entry.event.key, self.times)
        contest, code, round_ = place.decode().split("/")
        data = entry.event.data
        by: EntryView = view
        approves: EntryView | None = None
        event_id = entry.event.event_id
        if isinstance(data, Approved):
            inner = approved_entry(self.state, self.read, data)
            if inner is not None:
                approves, data, event_id = entry_view(self.state, inner), inner.event.data, inner.event.event_id
                by = approves
        own = round_ != "-"
        if not own and contest != "*" and not isinstance(data, _ABOVE):
            return  # what was raised against an area above stands in that area's history
        version = self._version(entry, view, by, data, int(round_) if own else -1, event_id)
        place_code = "" if own else code
        self.versions.append(_with(version, place=place_code, approves=approves))

    def _version(
        self, entry: OpenedEntry, view: EntryView, by: EntryView, data: EventData, round_: int, event_id: bytes
    ) -> Version:
        told = tell(self.state, data)
        word = told.word
        acts = not view.void and view.pending not in ("waits", "approved", "expired")
        if entry.event.data is not data:  # an approval
            acts = not view.void
        waits = view.pending in ("waits", "approved", "expired") and entry.event.data is data
        if isinstance(data, _FormSent):
            version = self._form(view, by, data, round_, acts=acts)
        elif isinstance(data, TallyAttested):
            changed, of = self._attested(data)
            version = Version(view, word, changed, False, (), (), round_, "", None, of, "")
        else:
            if acts and isinstance(data, TallyWithdrawn):
                self._withdrawn(by, round_)
            version = Version(view, word, (), False, (), (), round_, "", None, "", "")
        if acts and isinstance(data, _FormSent):
            self.sent[event_id] = data.figures
        elif isinstance(data, _FormSent):
            self.sent.setdefault(event_id, data.figures)
        state = "void" if view.void else "proposed" if waits else version.state
        facts = told.facts
        if state in ("void", "proposed"):
            facts = (("act", version.state), *facts)
        if isinstance(data, RevoteOrdered):
            facts = tuple(fact for fact in facts if fact[0] != "stations") + (("stations", str(len(data.stations))),)
        return _with(version, state=state, facts=facts)

    def _form(self, view: EntryView, by: EntryView, data: _FormSent, round_: int, *, acts: bool) -> Version:
        """Compared with what was there before: a seat's correction with that seat's own form, everything else with the last form
        that took effect."""
        forms = self.forms.setdefault(round_, {})
        seat = f"{by.role}/{by.seat}"
        own = forms.get(seat) if by.role == "operator" and isinstance(data, TallyCorrected) else None
        before = own or forms.get(_ANYBODY)
        codes = [figure.code for figure in self.form.form.figures]
        old = before.figures if before is not None else (None,) * len(codes)
        changed = tuple((code, was, now) for code, was, now in zip(codes, old, data.figures, strict=True) if was != now)
        photos_changed = False
        if isinstance(data, TallyCorrected):
            word = "corrected" if changed else "photo-added"
            photos_changed = before is not None and data.photos != before.photos
        else:
            word = "submitted" if before is None else "differs" if changed else "confirmed"
        if acts:
            forms[seat] = forms[_ANYBODY] = data
        entered = ""
        if isinstance(data, TallySubmitted) and by.role == "officer":
            entered = election_of(self.state).level_of(by.scope)
        findings = evaluate(self.form, data.figures).broken
        return Version(view, word, changed, photos_changed, findings, (), round_, "", None, "", entered)

    def _withdrawn(self, by: EntryView, round_: int) -> None:
        """What the seat sent is gone (an officer: all of it)."""
        forms = self.forms.get(round_, {})
        forms.pop(_ANYBODY, None)
        if by.role == "operator":
            forms.pop(f"{by.role}/{by.seat}", None)
            left = list(forms.values())
            if left:
                forms[_ANYBODY] = left[-1]
        else:
            forms.clear()

    def _attested(self, data: TallyAttested) -> tuple[Changed, str]:
        """How the own copy differs from the form that it names, and whether that form stands (now: at the height shown)."""
        figures = self.sent.get(data.event)
        slot = current_slot(self.state, self.contest, data.station).slot
        standing = any(each.event == data.event for each in slot.standing)
        of = "standing" if standing else "unknown" if figures is None else "older"
        if data.figures is UNSET or figures is None:
            return (), of
        codes = [figure.code for figure in self.form.form.figures]
        return tuple((code, was, now) for code, was, now in zip(codes, figures, data.figures, strict=True) if was != now), of


def _with(version: Version, **fields: object) -> Version:
    return structs.replace(version, **fields)
