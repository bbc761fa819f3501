"""From standing tallies to totals: what one slot contributes, and how contributions add up the area tree (design.md section 8).

A total says of every figure how many stations' numbers are in it (``present``), and of the stations how many are expected, in, held
back and so on (``counts``).  Blank, illegible and not applicable figures are skipped and so counted.  While two seats differ, the
blocks of the form in which they differ are left out.  A held tally contributes to the counts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct

from ledger.errors import Broken
from ledger.tally.events import FIGURES_MAX, Figures
from ledger.tally.rows import Contest, Slot
from ledger.tally.rules import CompiledForm
from ledger.tally.state import CONTESTS, ELECTION, FORMS, SINGLE, SLOTS, Reader, View, form_key, slot_parts

__all__ = [
    "COUNTS",
    "Frame",
    "Sums",
    "Totals",
    "add_to",
    "carry_up",
    "contest_form",
    "contribution",
    "frame_of",
    "roll_up",
    "standing_figures",
]

COUNTS: Final = ("expected", "in", "held", "differing", "confirmed", "corrected", "with_findings", "awaiting")
"""The fixed order of a total's counts (docs/FORMATS.md).

``expected``: stations listed for the contest.  ``in``: with a standing tally, held ones included.  ``held``, ``differing``,
``confirmed``: stations in that state.  ``corrected``: stations of which an act changed a number that was shown at least once.
``with_findings``: stations of which a standing form breaks a rule.  ``awaiting``: stations of which a revote was ordered whose
form is not in.  An annulled slot is in no count: its station's is that of the round that holds.
"""

Vector = tuple[int, ...]


class Sums(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A total: for each figure of the form the sum and the number of stations in it, then the counts in the order of COUNTS."""

    figures: Vector
    present: Vector
    counts: Vector

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(
            tuple(map(int.__add__, self.figures, other.figures)),
            tuple(map(int.__add__, self.present, other.present)),
            tuple(map(int.__add__, self.counts, other.counts)),
        )

    def minus(self, other: Sums) -> Sums:
        """This without the other."""
        return Sums(
            tuple(map(int.__sub__, self.figures, other.figures)),
            tuple(map(int.__sub__, self.present, other.present)),
            tuple(map(int.__sub__, self.counts, other.counts)),
        )

    @classmethod
    def zero(cls, figures: int) -> Sums:
        """The total of nothing, for a form with so many figures."""
        return _zero(figures)

    @classmethod
    def together(cls, parts: Sequence[Sums], figures: int) -> Sums:
        """All of them; column by column is quicker than one after the other."""
        if len(parts) < 2:
            return parts[0] if parts else _zero(figures)
        columns = zip(*((part.figures, part.present, part.counts) for part in parts), strict=True)
        return cls(*(tuple(map(sum, zip(*column, strict=True))) for column in columns))


@lru_cache(maxsize=FIGURES_MAX + 1)
def _zero(figures: int) -> Sums:
    return Sums((0,) * figures, (0,) * figures, (0,) * len(COUNTS))


def standing_figures(slot: Slot, form: CompiledForm) -> Figures:
    """The figures that stand for the slot, held or not: those of differing blocks are None; () where nothing stands."""
    standing = slot.standing
    if not standing:
        return ()
    first = standing[0].figures
    if len(standing) == 1 or all(other.figures == first for other in standing):
        return first
    differing = {
        form.block_of[index] for other in standing[1:] for index, figure in enumerate(other.figures) if figure != first[index]
    }
    return tuple(None if form.block_of[index] in differing else figure for index, figure in enumerate(first))


def contribution(slot: Slot, form: CompiledForm) -> Sums:
    """What one listed slot adds to every total above it; an annulled one nothing."""
    state = slot.state
    if state == "annulled":
        return Sums.zero(form.figure_count)
    if state == "none":
        return _nothing_in(form.figure_count, awaiting=int(slot.order > 0))
    counts = (
        1,
        1,
        int(state == "held"),
        int(state == "differing"),
        int(state == "confirmed"),
        int(slot.changes > 0),
        int(any(standing.broken for standing in slot.standing)),
        0,
    )
    if state == "held":
        zeros = (0,) * form.figure_count
        return Sums(zeros, zeros, counts)
    figures = standing_figures(slot, form)
    try:
        sum(figures)  # type: ignore[arg-type]  # quicker than looking at each: blanks and marks do not add
    except TypeError:
        pass
    else:
        return Sums(figures, _all_present(len(figures)), counts)  # type: ignore[arg-type]
    return Sums(
        tuple([figure if type(figure) is int else 0 for figure in figures]),
        tuple([1 if type(figure) is int else 0 for figure in figures]),
        counts,
    )


@lru_cache(maxsize=FIGURES_MAX + 1)
def _all_present(figures: int) -> Vector:
    return (1,) * figures


@lru_cache(maxsize=2 * FIGURES_MAX)
def _nothing_in(figures: int, *, awaiting: int) -> Sums:
    """A listed station without a tally: expected, and perhaps awaiting a revote."""
    return Sums((0,) * figures, (0,) * figures, (1, *(0,) * (len(COUNTS) - 2), awaiting))


Totals = dict[tuple[str, str], Sums]
"""(contest, area) -> the total."""


class Frame(NamedTuple):
    """What a contest's totals are made with.  ``digits``: the code length of every level of the area tree, highest first."""

    contest: Contest
    form: CompiledForm
    digits: tuple[int, ...]

    def above(self, code: str) -> str | None:
        """The area directly above a station or area, as far up as the contest's own area; None above that."""
        top = len(self.contest.area)
        length = max((digits for digits in self.digits if top <= digits < len(code)), default=None)
        return None if length is None else code[:length]


def contest_form(view: View, contest: Contest) -> CompiledForm:
    """The form of a listed contest; ``Broken`` ``store-damaged`` where it is missing."""
    form = view.get(FORMS, form_key(contest.form, contest.version))
    if form is None:
        raise Broken("store-damaged", "a contest's form is missing", form=contest.form)
    return form


def frame_of(view: View, code: str) -> Frame:
    """The frame of a listed contest; ``Broken`` ``store-damaged`` where the state lacks what the fold puts there."""
    contest, election = view.get(CONTESTS, code.encode()), view.get(ELECTION, SINGLE)
    if contest is None or election is None:
        raise Broken("store-damaged", "a contest or the election is missing", contest=code)
    return Frame(contest, contest_form(view, contest), election.digits)


def add_to(totals: Totals, place: tuple[str, str], sums: Sums) -> None:
    """Adds ``sums`` to the total of ``place``."""
    known = totals.get(place)
    totals[place] = sums if known is None else known.plus(sums)


def carry_up(lowest: Totals, frame: Callable[[str], Frame]) -> Totals:
    """``lowest``, the totals of the areas directly above stations (or what is to be added to them), with all areas above, level by
    level."""
    totals, level = dict(lowest), lowest
    while level:
        upper: Totals = {}
        for (code, area), sums in level.items():
            above = frame(code).above(area)
            if above is not None:
                add_to(upper, (code, above), sums)
        for place, sums in upper.items():
            add_to(totals, place, sums)
        level = upper
    return totals


def roll_up(state: Reader) -> Totals:
    """Every total of every contest from a whole state; each contribution is touched once."""
    frames = {key.decode(): frame_of(state, key.decode()) for key, _ in state.under(CONTESTS)}
    parts: dict[tuple[str, str], list[Sums]] = {}
    for key, slot in state.under(SLOTS):
        code, station, _round = slot_parts(key)
        above = frames[code].above(station)
        if above is not None:
            parts.setdefault((code, above), []).append(contribution(slot, frames[code].form))
    lowest = {place: Sums.together(found, frames[place[0]].form.figure_count) for place, found in parts.items()}
    return carry_up(lowest, frames.__getitem__)
