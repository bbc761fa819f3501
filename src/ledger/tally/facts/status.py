"""The states of a tally in the words of people, as one machine (docs/STATES.md).

The fold keeps what it needs to decide (``rows.Slot``); people ask for one word.  ``slot_status`` gives it, from a slot and the
certificates of the areas above.  ``TRANSITIONS`` is the machine that these words make: which act leads from which to which.  An act
that it does not list for a state is void or refused there, and leaves the state.  Late events are no state: they are void, stand
beside the tally and are counted (``late_events``).  How far a recap has come is in ``progress``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple, get_args

from ledger.errors import BadInput
from ledger.tally.acts.case import certificates_above
from ledger.tally.facts.wording import STATES, Said, level_label, said
from ledger.tally.projection import PENDING_WORD, VERSIONS, version_prefix
from ledger.tally.rows import Certificate, Slot
from ledger.tally.rules import Language
from ledger.tally.state import ELECTION, SINGLE, SLOTS, Reader, slot_key

__all__ = [
    "ACTS",
    "TRANSITIONS",
    "WHEN",
    "Status",
    "StatusWord",
    "Transition",
    "late_events",
    "slot_status",
    "status_at",
    "status_text",
]

# --- a tally ---------------------------------------------------------------------------------------------------------------------

StatusWord = Literal[
    "none", "submitted", "confirmed", "differing", "corrected", "held", "withdrawn", "annulled", "read", "certified"
]


class Status(NamedTuple):
    """A tally's state, and what stands beside it.

    ``certified_by``: the highest area whose certificate binds what stands ('' where none does).  ``corrected_over``: the highest
    area whose certificate binds figures that a level above has since replaced.  ``awaiting``: of a revote whose form is not in;
    ``postponed``: continued on another day or held later.  ``still_held``: withdrawn while held; the next form comes in held.
    """

    word: StatusWord
    certified_by: str
    corrected_over: str
    awaiting: bool
    postponed: bool
    still_held: bool


def slot_status(station: str, slot: Slot, above: Iterable[tuple[str, Certificate]]) -> Status:
    """The state of ``station``'s tally.  ``above``: (area, certificate) of the areas that it lies in, of its contest, in any order.

    A certificate binds a tally that it does not name as missing, came to be before it, and for which it was not reopened.  It
    certifies what stands if that stood already when it was made: a later event over it is a correction by a level above.
    """
    certified_by = corrected_over = ""
    standing = slot.standing
    latest = max((each.index for each in standing), default=0)
    for area, certificate in sorted(above, key=lambda each: each[0]):
        if certificate.binds(station, slot.opened) and not station.startswith(certificate.missing):
            if standing and latest < certificate.index:
                certified_by = certified_by or area
            else:
                corrected_over = corrected_over or area
    word = _word(slot, certified=bool(certified_by))
    if word != "certified":
        certified_by = ""
    empty = not standing and not slot.annulled
    return Status(word, certified_by, corrected_over, bool(slot.order) and empty, bool(slot.postponed), bool(slot.held) and empty)


_PLAIN: Final[dict[str, StatusWord]] = {
    "single": "submitted",
    "confirmed": "confirmed",
    "differing": "differing",
    "corrected": "corrected",
    "held": "held",
    "annulled": "annulled",
}


def _word(slot: Slot, *, certified: bool) -> StatusWord:
    state = slot.state
    if state == "none":
        return "withdrawn" if slot.withdrawn else "none"
    if state not in ("annulled", "held", "differing"):
        if certified:
            return "certified"
        if slot.read:
            return "read"
    return _PLAIN[state]


def status_text(status: Status, lang: Language, *, level: Callable[[str], str] = lambda _area: "") -> str:
    """The state in words.  ``level``: the level's code of an area, for "disahkan kota"."""
    words = said(STATES[status.word], lang)
    if status.certified_by and level(status.certified_by):
        words += " " + level_label(level(status.certified_by), lang, area=status.certified_by)
    if status.awaiting:
        words += said((", menunggu PSU", ", awaiting the revote"), lang)
    if status.postponed:
        words += said((", pemungutan lanjutan atau susulan", ", the vote goes on or is held on another day"), lang)
    if status.still_held:
        words += said((", penahanan belum dilepas", ", the hold is not released"), lang)
    if status.corrected_over and status.word not in ("certified", "annulled"):
        name = level_label(level(status.corrected_over), lang, area=status.corrected_over)
        words += said((f" setelah pengesahan {name}", f" over the certificate of the {name}"), lang).rstrip()
    return words


def status_at(state: Reader, contest: str, station: str, round_: int) -> Status:
    """The state of one tally.  ``BadInput``: ``station-unknown``, ``election-not-open``."""
    election = state.get(ELECTION, SINGLE)
    if election is None:
        raise BadInput("election-not-open", "the ledger has no entry yet")
    slot = state.get(SLOTS, slot_key(contest, station, round_))
    if slot is None:
        raise BadInput("station-unknown", "no such station holds this contest", station=station, contest=contest)
    return slot_status(station, slot, certificates_above(state, election, contest, station))


def late_events(state: Reader, slot: bytes) -> int:
    """How many void events name the tally of this slot key."""
    return sum(1 for _, word in state.under(VERSIONS, version_prefix(slot)) if word not in ("", PENDING_WORD))


# --- the machine -----------------------------------------------------------------------------------------------------------------

ACTS: Final[dict[str, Said]] = {
    "submit": ("operator mengirim", "an operator submits"),
    "enter": ("petugas rekapitulasi memasukkan", "an officer enters the form"),
    "correct": ("operator membetulkan kirimannya", "an operator corrects the own form"),
    "decide": ("petugas rekapitulasi membetulkan atau memilih", "an officer corrects or chooses"),
    "withdraw": ("operator menarik kirimannya", "an operator withdraws the own form"),
    "take-out": ("petugas rekapitulasi menarik semua kiriman", "an officer withdraws all forms"),
    "hold": ("ditahan", "held"),
    "release": ("penahanan dilepas", "released"),
    "read": ("dibacakan di pleno", "read in the plenary"),
    "certify": ("disahkan", "certified"),
    "reopen": ("pengesahan dibuka kembali", "the certificate is reopened"),
    "order": ("PSU diperintahkan", "a revote is ordered"),
    "restore": ("perintah PSU dicabut", "the order is withdrawn"),
    "cancel": ("TPS dibatalkan atau digabung", "the station is cancelled or merged"),
}
"""What moves a tally, in the order of docs/STATES.md: in Indonesian and English."""

WHEN: Final[dict[str, Said]] = {
    "": ("", ""),
    "same": ("angka sama", "same figures"),
    "other": ("angka berbeda", "other figures"),
    "was-same": ("angka tidak berubah, misalnya foto ditambah", "figures unchanged, as when photos are added"),
    "one-left": ("kiriman akun lain tetap berlaku", "the other seat's form stands on"),
    "one-left-corrected": ("kiriman akun lain, yang pernah dibetulkan, tetap berlaku", "the other seat's corrected form stands on"),
    "last": ("tidak ada lagi yang berlaku", "nothing stands any more"),
    "still-held": ("penahanan belum dilepas", "it was held and not released"),
    "as-before": ("kembali seperti sebelumnya", "as it was before"),
    "above": ("oleh tingkat di atasnya, dengan dua kursi", "by a level above, with a second seat"),
    "above-same": ("oleh tingkat di atasnya, angka tidak berubah", "by a level above, figures unchanged"),
    "own-correction": ("yang dibetulkan di tingkat itu sendiri", "of what that level itself corrected"),
    "below-stands": ("pengesahan di bawahnya tetap berlaku", "the certificate below stands on"),
    "new-round": ("putaran yang dibuka perintah itu", "the round that the order opened"),
}


class Transition(NamedTuple):
    """An act that leads from one state to another (or leaves it, taking effect); ``when``: a key of WHEN."""

    before: StatusWord
    act: str
    after: StatusWord
    when: str


_TABLE: Final = """
none       submit    submitted
none       enter     submitted
none       order     annulled
none       restore   annulled   new-round
none       cancel    annulled

submitted  submit    confirmed  same
submitted  submit    differing  other
submitted  correct   submitted  was-same
submitted  correct   corrected  other
submitted  decide    submitted  was-same
submitted  decide    corrected  other
submitted  withdraw  withdrawn
submitted  take-out  withdrawn
submitted  hold      held
submitted  read      read
submitted  certify   certified  own-correction
submitted  order     annulled
submitted  restore   annulled   new-round

confirmed  correct   confirmed  was-same
confirmed  correct   differing  other
confirmed  decide    submitted  was-same
confirmed  decide    corrected  other
confirmed  withdraw  submitted  one-left
confirmed  withdraw  corrected  one-left-corrected
confirmed  take-out  withdrawn
confirmed  hold      held
confirmed  read      read
confirmed  order     annulled
confirmed  restore   annulled   new-round

differing  correct   confirmed  same
differing  correct   differing  other
differing  decide    corrected
differing  withdraw  submitted  one-left
differing  withdraw  corrected  one-left-corrected
differing  take-out  withdrawn
differing  hold      held
differing  order     annulled
differing  restore   annulled   new-round

corrected  submit    confirmed  same
corrected  submit    differing  other
corrected  correct   corrected
corrected  decide    corrected
corrected  withdraw  withdrawn
corrected  take-out  withdrawn
corrected  hold      held
corrected  read      read
corrected  certify   certified  own-correction
corrected  order     annulled
corrected  restore   annulled   new-round

held       submit    held
held       correct   held
held       decide    held
held       withdraw  held       one-left
held       withdraw  withdrawn  last
held       take-out  withdrawn
held       release   submitted  as-before
held       release   confirmed  as-before
held       release   differing  as-before
held       release   corrected  as-before
held       release   read       as-before
held       order     annulled
held       restore   annulled   new-round

withdrawn  submit    submitted
withdrawn  submit    held       still-held
withdrawn  enter     submitted
withdrawn  enter     held       still-held
withdrawn  release   withdrawn
withdrawn  order     annulled
withdrawn  restore   annulled   new-round
withdrawn  cancel    annulled

annulled   restore   none       as-before
annulled   restore   submitted  as-before
annulled   restore   confirmed  as-before
annulled   restore   differing  as-before
annulled   restore   corrected  as-before
annulled   restore   held       as-before
annulled   restore   withdrawn  as-before
annulled   restore   read       as-before
annulled   restore   certified  as-before

read       decide    submitted  was-same
read       decide    corrected  other
read       take-out  withdrawn
read       hold      held
read       read      read
read       certify   certified
read       order     annulled
read       restore   annulled   new-round

certified  decide    corrected  above
certified  decide    submitted  above-same
certified  take-out  withdrawn  above
certified  read      certified  above
certified  certify   certified  above
certified  reopen    read
certified  reopen    certified  below-stands
certified  reopen    corrected  own-correction
certified  reopen    submitted  own-correction
certified  order     annulled
certified  restore   annulled   new-round
"""

_WORDS: Final[dict[str, StatusWord]] = {word: word for word in get_args(StatusWord)}

TRANSITIONS: Final[tuple[Transition, ...]] = tuple(
    Transition(_WORDS[words[0]], words[1], _WORDS[words[2]], words[3] if len(words) > 3 else "")
    for words in (line.split() for line in _TABLE.splitlines())
    if words
)
"""Every act that takes effect on a tally in each state.  Attestations, objections, explanations, recommendations, incidents and
postponements take effect in any state and move none."""
