"""From standing tallies to totals: what one slot contributes, and how contributions add up the area tree (design.md section 8).

A total says of every figure how many stations' numbers are in it (``present``), and of the stations how many are expected, in, held
back and so on (``counts``).  Blank, illegible and not applicable figures are skipped and so counted.  While two seats differ, the
blocks of the form in which they differ are left out.  A held tally contributes to the counts alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec import Struct

from ledger.tally.events import FIGURES_MAX, Figures
from ledger.tally.rules import CompiledForm
from ledger.tally.state import CONTESTS, ELECTION, FORMS, SINGLE, SLOTS, Contest, Memory, Slot, View, form_key, slot_parts

__all__ = ["COUNTS", "Sums", "ancestors", "contest_form", "contribution", "levels_of", "roll_up", "standing_figures"]

COUNTS: Final = ("expected", "in", "held", "differing", "confirmed", "corrected", "with_findings", "awaiting")
"""The fixed order of a total's counts (docs/FORMATS.md).

``expected``: stations listed for the contest.  ``in``: with a standing tally, held ones included.  ``held``, ``differing``,
``confirmed``: stations in that state.  ``corrected``: stations of which a correction changed a number at least once.
``with_findings``: stations of which a standing form breaks a rule.  ``awaiting``: stations awaiting a revote (none yet).
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
        return cls((0,) * figures, (0,) * figures, (0,) * len(COUNTS))


def standing_figures(slot: Slot, form: CompiledForm) -> Figures:
    """The figures that stand for the slot, held or not: those of differing blocks are None; () where nothing stands."""
    standing = slot.standing
    if not standing:
        return ()
    first = standing[0].figures
    if len(standing) == 1 or all(other.figures == first for other in standing):
        return first
    differing = {
        form.block_of[index]
        for other in standing[1:]
        for index, figure in enumerate(other.figures)
        if figure != first[index]
    }
    return tuple(None if form.block_of[index] in differing else figure for index, figure in enumerate(first))


def contribution(slot: Slot, form: CompiledForm) -> Sums:
    """What one listed slot adds to every total above it."""
    state = slot.state
    if state == "none":
        return _nothing_in(form.figure_count)
    counts = (
        1,
        1,
        int(state == "held"),
        int(state == "differing"),
        int(state == "confirmed"),
        int(slot.changes > 0),
        int(any([standing.broken for standing in slot.standing])),
        0,
    )
    if state == "held":
        zeros = (0,) * form.figure_count
        return Sums(zeros, zeros, counts)
    figures = standing_figures(slot, form)
    return Sums(
        tuple([figure if type(figure) is int else 0 for figure in figures]),
        tuple([1 if type(figure) is int else 0 for figure in figures]),
        counts,
    )


@lru_cache(maxsize=FIGURES_MAX)
def _nothing_in(figures: int) -> Sums:
    """A listed station without a tally: expected, and nothing else."""
    return Sums((0,) * figures, (0,) * figures, (1, *(0,) * (len(COUNTS) - 1)))


def ancestors(code: str, contest: Contest, digits: tuple[int, ...]) -> tuple[str, ...]:
    """The areas above a station (or area) that have totals in this contest, lowest first, down from the contest's own area.

    ``digits``: the code length of every level of the area tree, highest first.
    """
    top = len(contest.area)
    return tuple(code[:length] for length in reversed(digits) if top <= length < len(code))


def contest_form(view: View, contest: Contest) -> CompiledForm:
    """The form of a listed contest."""
    form = view.get(FORMS, form_key(contest.form, contest.version))
    if form is None:
        raise KeyError(contest.form)  # the fold lists no contest without its form
    return form


def levels_of(view: View) -> tuple[int, ...]:
    """The code length of every level of the area tree, highest first; () before the election is opened."""
    election = view.get(ELECTION, SINGLE)
    return () if election is None else tuple(level.digits for level in election.opened.levels)


def roll_up(state: Memory) -> dict[tuple[str, str], Sums]:
    """Every total of every contest: (contest, area) -> Sums, from a whole state.

    Stations are added to their village, then level by level: each contribution is touched once.
    """
    digits = levels_of(state)
    lowest: dict[tuple[str, str], Sums] = {}
    contests = {key.decode(): contest for key, contest in state.under(CONTESTS)}
    forms = {code: contest_form(state, contest) for code, contest in contests.items()}
    for key, slot in state.under(SLOTS):
        code, station, _round = slot_parts(key)
        above = ancestors(station, contests[code], digits)
        if above:
            _add(lowest, (code, above[0]), contribution(slot, forms[code]))
    totals = dict(lowest)
    level = lowest
    while level:
        upper: dict[tuple[str, str], Sums] = {}
        for (code, area), sums in level.items():
            above = ancestors(area, contests[code], digits)
            if above:
                _add(upper, (code, above[0]), sums)
        for place, sums in upper.items():
            _add(totals, place, sums)
        level = upper
    return totals


def _add(totals: dict[tuple[str, str], Sums], place: tuple[str, str], sums: Sums) -> None:
    known = totals.get(place)
    totals[place] = sums if known is None else known.plus(sums)
