"""Result facts of a contest: what the totals say of who has how many votes, with the arithmetic shown (domain.md 2.6).

Facts are no verdict.  Before the deciding level's certificate is in force ``final`` is false, and no word here says that anybody
has won; after it the court may still rule.  All arithmetic is in whole numbers.

Votes are those of the candidates who stand.  Of one who is out (withdrawn, disqualified) the votes stay as the papers say, count as
invalid and are shown apart.  So ``valid`` is the sum over who stands, and not the forms' own line of valid votes, which is told
beside it where it says another number.

Whether what is not in the totals could change the outcome is bounded by the registered voters of those stations; moved and added
voters come on top of them.  Where a list is not known the answer is unknown, not no.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from ledger.errors import BadInput
from ledger.tally.facts.recapstatus import deciding_certificate
from ledger.tally.rollup import Sums, contest_form, contribution, standing_figures
from ledger.tally.rows import Contest, Election, Slot
from ledger.tally.rules import CompiledForm
from ledger.tally.state import (
    AREAS,
    CANDIDATES,
    CONTESTS,
    ELECTION,
    SINGLE,
    SLOTS,
    VOTERS,
    Reader,
    area_key,
    candidate_key,
    slot_parts,
)

__all__ = [
    "GAPS",
    "CandidateResult",
    "CourtMargin",
    "Gap",
    "Outcome",
    "Result",
    "contest_result",
    "court_limit_per_mille",
    "registered_voters",
    "standing_candidates",
]

Outcome = Literal["no-votes", "nobody-stands", "tie", "most-votes", "over-half", "not-over-half", "second-round"]
"""What the votes come to under the contest's rule.

``most-votes``: one candidate has more than any other.  ``over-half``, ``not-over-half``: of a single candidate against the empty
box (UU 10/2016 art. 54D: more than half of the valid votes, else the election is held again).  ``over-half``, ``second-round``: of
a two-round contest (Jakarta); the second round is a contest of its own.  ``tie``: several have the most votes; how the law breaks a
tie is not computed.
"""

GapKind = Literal["missing", "awaiting", "held", "differing", "blank"]

GAPS: Final[tuple[GapKind, ...]] = ("missing", "awaiting", "held", "differing", "blank")
"""Why a station's votes are not in: no form; no form of the revote; held; two seats differ in votes; a figure is no number."""


class CandidateResult(NamedTuple):
    """A candidate's votes; ``out`` is ``withdrawn`` or ``disqualified`` where they count as invalid, else ''."""

    number: int
    name: str
    empty_box: bool
    votes: int
    out: str


class Gap(NamedTuple):
    """Stations whose votes are not, or not all, in the totals for one reason; their registered voters, as far as lists are known,
    and how many stations have no known list."""

    kind: GapKind
    stations: tuple[str, ...]
    voters: int
    unlisted: int


class CourtMargin(NamedTuple):
    """Within which margin the Constitutional Court takes a petition (UU 10/2016 art. 158).

    ``unknown``: why it is not evaluated (``population``, ``level``, ``votes``), else ''.  ``per_mille`` of the valid votes is the
    limit; ``within`` whether 1000 * margin <= per_mille * valid.
    """

    unknown: str
    population: int
    per_mille: int
    within: bool


class Result(NamedTuple):
    """The facts of a contest.

    ``final``: the deciding level's certificate is in force, with ``document`` and ``held_at`` (ms since 1970).  ``whole`` of
    ``expected`` stations have all votes in.  ``leaders``: ballot numbers with the most votes; ``second``: those next after a single
    leader; ``margin``: between them.  ``valid_on_forms``, ``invalid_on_forms``: the forms' own lines, None where the form has none.
    ``needed``: how many votes, all for one of them, would change ``outcome``, its leader or who goes on to the second round;
    ``can_change``: whether the registered voters of the gaps are as many, None where that is not known.  ``paper``: (ballot number,
    figure) where the signed paper of the deciding certificate says other votes.
    """

    contest: str
    rule: Literal["plurality", "two-round", "empty-box"]
    final: bool
    document: str
    held_at: int
    expected: int
    whole: int
    candidates: tuple[CandidateResult, ...]
    valid: int
    out_votes: int
    valid_on_forms: int | None
    invalid_on_forms: int | None
    leaders: tuple[int, ...]
    second: tuple[int, ...]
    margin: int
    outcome: Outcome
    gaps: tuple[Gap, ...]
    needed: int
    can_change: bool | None
    court: CourtMargin
    paper: tuple[tuple[int, int | str | None], ...]

    def votes(self, number: int) -> int:
        """The votes of the candidate with this ballot number."""
        return next(each.votes for each in self.candidates if each.number == number)


def contest_result(state: Reader, contest: str) -> Result:
    """The facts as ``state`` gives them; one pass over the contest's slots.

    Raises ``BadInput``: ``contest-unknown``, ``election-not-open``.
    """
    election, row = state.get(ELECTION, SINGLE), state.get(CONTESTS, contest.encode())
    if election is None:
        raise BadInput("election-not-open", "the ledger has no entry yet")
    if row is None:
        raise BadInput("contest-unknown", "no such contest is listed", contest=contest)
    form = contest_form(state, row)
    outs = _outs(state, contest, row)
    standing_at = standing_candidates(state, contest, row, form)
    sums, expected, gaps = _pass(state, contest, form, standing_at)
    candidates = tuple(
        CandidateResult(candidate.number, candidate.name, candidate.kind == "empty-box", sums.figures[index], out)
        for candidate, index, out in zip(row.candidates, form.candidate_figures, outs, strict=True)
    )
    standing = [candidate for candidate in candidates if not candidate.out]
    valid = sum(candidate.votes for candidate in standing)
    rule = _rule(row)
    ranks = _ranks(standing)
    outcome, needed = _outcome(rule, standing, ranks, valid)
    margin = ranks[0][0] - ranks[1][0] if len(ranks) > 1 and len(ranks[0][1]) == 1 else 0
    certificate = deciding_certificate(state, contest, row, row.area)
    paper = () if certificate is None else certificate.paper
    return Result(
        contest=contest,
        rule=rule,
        final=certificate is not None,
        document="" if certificate is None else certificate.document,
        held_at=0 if certificate is None else certificate.held_at,
        expected=expected,
        whole=expected - sum(len(gap.stations) for gap in gaps),
        candidates=candidates,
        valid=valid,
        out_votes=sum(candidate.votes for candidate in candidates if candidate.out),
        valid_on_forms=_line(form, sums, "suara-sah"),
        invalid_on_forms=_line(form, sums, "suara-tidak-sah"),
        leaders=ranks[0][1] if valid else (),
        second=ranks[1][1] if valid and len(ranks) > 1 and len(ranks[0][1]) == 1 else (),
        margin=margin,
        outcome=outcome,
        gaps=gaps,
        needed=needed,
        can_change=_can_change(gaps, needed),
        court=_court(election, row, valid, margin, rivals=len(standing)),
        paper=tuple(
            (candidate.number, paper[index])
            for candidate, index in zip(candidates, form.candidate_figures, strict=True)
            if paper and paper[index] != candidate.votes
        ),
    )


_OUT: Final = frozenset({"withdrawn", "disqualified"})


def _outs(state: Reader, contest: str, row: Contest) -> list[str]:
    """Of each candidate in ballot order how it is out, '' where it stands."""
    changes = (state.get(CANDIDATES, candidate_key(contest, candidate.number)) for candidate in row.candidates)
    return [change.change if change is not None and change.change in _OUT else "" for change in changes]


def standing_candidates(state: Reader, contest: str, row: Contest, form: CompiledForm) -> tuple[int, ...]:
    """The figure indexes of the candidates who stand, in ballot order."""
    outs = _outs(state, contest, row)
    return tuple(index for index, out in zip(form.candidate_figures, outs, strict=True) if not out)


def _rule(row: Contest) -> Literal["plurality", "two-round", "empty-box"]:
    if any(candidate.kind == "empty-box" for candidate in row.candidates):
        return "empty-box"
    return "two-round" if row.rule == "two-round" else "plurality"


def _line(form: CompiledForm, sums: Sums, code: str) -> int | None:
    """A line of the forms by its code; None where the form has no such figure or no station gives a number."""
    index = next((index for index, figure in enumerate(form.form.figures) if figure.code == code), -1)
    return sums.figures[index] if index >= 0 and sums.present[index] else None


# --- stations --------------------------------------------------------------------------------------------------------------------


def registered_voters(state: Reader, contest: str, station: str) -> int | None:
    """The voters registered at a station for a contest, as listed; None where the list is not known."""
    own = state.get(VOTERS, area_key(contest, station))
    area = state.get(AREAS, station.encode())
    male, female = (None, None)
    if own is not None:
        male, female = own.male, own.female
    elif area is not None:
        male, female = area.voters_male, area.voters_female
    return None if male is None or female is None else male + female


def _pass(state: Reader, contest: str, form: CompiledForm, votes_at: tuple[int, ...]) -> tuple[Sums, int, tuple[Gap, ...]]:
    """The total of the contest, the stations expected, and those whose votes (figures ``votes_at``) are not all in."""
    total, expected = Sums.zero(form.figure_count), 0
    found: dict[GapKind, list[str]] = {kind: [] for kind in GAPS}
    for key, slot in state.under(SLOTS, area_key(contest, "")):
        if slot.annulled:
            continue
        expected += 1
        sums = contribution(slot, form)
        total = total.plus(sums)
        if not all(sums.present[index] for index in votes_at):
            found[_why(slot, form, votes_at)].append(slot_parts(key)[1])
    gaps: list[Gap] = []
    for kind, stations in found.items():
        voters = [registered_voters(state, contest, station) for station in stations]
        known = [number for number in voters if number is not None]
        if stations:
            gaps.append(Gap(kind, tuple(stations), sum(known), len(voters) - len(known)))
    return total, expected, tuple(gaps)


def _why(slot: Slot, form: CompiledForm, votes_at: tuple[int, ...]) -> GapKind:
    match slot.state:
        case "none":
            return "awaiting" if slot.order else "missing"
        case "held":
            return "held"
        case "differing":
            # A differing block is out as a whole; a figure that is no number in both forms alike is a blank one.
            shown = standing_figures(slot, form)
            gone = any(shown[index] is None and slot.standing[0].figures[index] is not None for index in votes_at)
            return "differing" if gone else "blank"
        case _:
            return "blank"


# --- the rule --------------------------------------------------------------------------------------------------------------------

_Ranks = list[tuple[int, tuple[int, ...]]]


def _ranks(standing: list[CandidateResult]) -> _Ranks:
    """(votes, ballot numbers with so many), most first."""
    found: dict[int, list[int]] = {}
    for candidate in standing:
        found.setdefault(candidate.votes, []).append(candidate.number)
    return [(votes, tuple(found[votes])) for votes in sorted(found, reverse=True)]


def _outcome(rule: str, standing: list[CandidateResult], ranks: _Ranks, valid: int) -> tuple[Outcome, int]:
    """What the votes come to, and how many votes more, all for one of them, would make it something else (0: nothing could)."""
    pairs = [candidate for candidate in standing if not candidate.empty_box]
    if not pairs:
        return "nobody-stands", 0
    if not valid:
        return "no-votes", 1
    top, leaders = ranks[0]
    if rule == "empty-box":
        for_pair = pairs[0].votes
        box = valid - for_pair
        return ("over-half", for_pair - box) if 2 * for_pair > valid else ("not-over-half", box - for_pair + 1)
    behind = top - ranks[1][0] if len(ranks) > 1 else 0
    if rule == "two-round":
        return _two_rounds(ranks, valid, len(standing))
    if len(leaders) > 1:
        return "tie", 1
    return "most-votes", behind if len(ranks) > 1 else 0


def _two_rounds(ranks: _Ranks, valid: int, standing: int) -> tuple[Outcome, int]:
    """More than half, or a second round between the first two: then it changes by half being reached, or by the third passing the
    second, or (of a tie for the last place) by any vote."""
    top = ranks[0][0]
    if 2 * top > valid:
        return "over-half", 2 * top - valid if standing > 1 else 0
    order = [votes for votes, numbers in ranks for _ in numbers]
    half = valid - 2 * top + 1
    if standing > 2:
        return "second-round", min(half, max(1, order[1] - order[2]))
    return "second-round", half


def _can_change(gaps: tuple[Gap, ...], needed: int) -> bool | None:
    """Whether the registered voters of the gaps are as many as needed."""
    if not gaps or not needed:
        return False
    if sum(gap.voters for gap in gaps) >= needed:
        return True
    return None if any(gap.unlisted for gap in gaps) else False


# --- the court's margin ----------------------------------------------------------------------------------------------------------

_PER_MILLE: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "province": ((2_000_000, 20), (6_000_000, 15), (12_000_000, 10)),
    "city": ((250_000, 20), (500_000, 15), (1_000_000, 10)),
}
"""(up to so many people, per mille of the valid votes); 5 above.  UU 10/2016 art. 158 (1) and (2)."""
_PER_MILLE_ABOVE: Final = 5
_SAME_LIMITS: Final = {"regency": "city"}


def court_limit_per_mille(level: str, population: int) -> int | None:
    """The court's margin at a level (its code in entry 0) with so many people, in thousandths of the valid votes; None where the
    law has none for the level."""
    steps = _PER_MILLE.get(_SAME_LIMITS.get(level, level))
    if steps is None:
        return None
    return next((per_mille for people, per_mille in steps if population <= people), _PER_MILLE_ABOVE)


def _court(election: Election, row: Contest, valid: int, margin: int, *, rivals: int) -> CourtMargin:
    level = election.level_of(row.area)
    per_mille = court_limit_per_mille(level, row.population)
    unknown = "level" if per_mille is None else "population" if not row.population else "votes" if not valid or rivals < 2 else ""
    if unknown or per_mille is None:
        return CourtMargin(unknown, row.population, 0, within=False)
    return CourtMargin("", row.population, per_mille, within=1000 * margin <= per_mille * valid)
