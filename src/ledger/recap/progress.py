"""How far the election has come: stations in and read, certificates by level, what waits, what is late."""

from __future__ import annotations

from msgspec import Struct

from ledger.recap.certificates import LevelProgress, certificate_state, level_progress
from ledger.recap.entries import EntryView, entry_at, entry_view
from ledger.recap.histories import expired
from ledger.recap.matters import RecommendationRow, objections_below, recommendations_below
from ledger.recap.places import EntryReader, election_of, placed_below
from ledger.tally.acts.plenaries import certifying_lengths
from ledger.tally.facts.recapstatus import deciding_certificate
from ledger.tally.projection import SUMS, VOIDS, sums_key
from ledger.tally.rollup import COUNTS, Sums, contest_form
from ledger.tally.rows import Contest, Election
from ledger.tally.state import CERTIFICATES, CONTESTS, PENDING, SEALS, SINGLE, Reader

__all__ = ["ContestProgress", "DeadlineRow", "Progress", "SealRow", "pending_acts", "progress"]


class ContestProgress(Struct, frozen=True):
    """A contest: the counts of its own area, stations whose standing form was read at a plenary, and its levels, lowest first."""

    contest: str
    name_id: str
    name_en: str
    area: str
    counts: dict[str, int]
    read: int
    levels: tuple[LevelProgress, ...]
    determined: bool


class SealRow(Struct, frozen=True):
    """The last seal over all recaps; ``since``: entries after it."""

    index: int
    time: int
    size: int
    root: str
    since: int


class DeadlineRow(Struct, frozen=True):
    """When a level's recapitulation begins and must be done; ``late``: contests of which areas of the level lack a certificate
    though the time is over, as (contest, areas)."""

    level: str
    opens: int
    closes: int
    state: str
    late: tuple[tuple[str, int], ...]


class Progress(Struct, frozen=True):
    """The whole at one tree size; ``time`` of the last entry (ms since 1970).  ``pending``: acts that wait for a second seat, and
    replacements to be looked at; ``voids``: late evidence, by code."""

    election: str
    kind: str
    size: int
    time: int
    contests: tuple[ContestProgress, ...]
    seal: SealRow | None
    pending: tuple[EntryView, ...]
    objections: int
    recommendations: tuple[RecommendationRow, ...]
    voids: dict[str, int]
    deadlines: tuple[DeadlineRow, ...]


def progress(state: Reader, read: EntryReader, *, size: int, now: int | None = None) -> Progress:
    """``now``: the time against which deadlines are held (ms since 1970); that of the last entry where it is not said."""
    election = election_of(state)
    last = entry_at(read, size - 1).sequenced_at if size else 0
    moment = last if now is None else now
    contests = tuple(_contest(state, election, key.decode(), row) for key, row in state.under(CONTESTS))
    seal = state.get(SEALS, SINGLE)
    voids: dict[str, int] = {}
    for _, code in state.under(VOIDS):
        voids[code] = voids.get(code, 0) + 1
    return Progress(
        election.opened.name,
        election.opened.kind,
        size,
        last,
        contests,
        None if seal is None else SealRow(seal.index, seal.time, seal.size, seal.root.hex(), size - seal.index - 1),
        tuple(pending_acts(state, read, now=moment)),
        sum(1 for _ in objections_below(state, "", still_open=True)),
        tuple(recommendations_below(state, "", unanswered=True)),
        voids,
        _deadlines(election, contests, moment),
    )


def _contest(state: Reader, election: Election, code: str, row: Contest) -> ContestProgress:
    sums = state.get(SUMS, sums_key(code, row.area)) or Sums.zero(contest_form(state, row).figure_count)
    levels = level_progress(state, code, row, row.area)
    determined = deciding_certificate(state, code, row, row.area) is not None
    counts = dict(zip(COUNTS, sums.counts, strict=True))
    return ContestProgress(code, row.name_id, row.name_en, row.area, counts, _read(state, election, code, row), levels, determined)


def _read(state: Reader, election: Election, code: str, row: Contest) -> int:
    """Stations whose standing form was read.  Below a certificate of the first level that holds, everything that is in was."""
    lengths = certifying_lengths(election, row)
    first = max(lengths, default=0)
    certified: dict[str, bool] = {}
    found = 0
    at_in, at_held, at_differing = (COUNTS.index(name) for name in ("in", "held", "differing"))
    for key, sums in state.under(SUMS, sums_key(code, row.area)):
        place = key.decode().partition("/")[2]
        if len(place) == first:
            certificate = state.get(CERTIFICATES, key)
            certified[place] = certificate_state(certificate) == "in-force"
            if certified[place]:
                found += sums.counts[at_in] - sums.counts[at_held] - sums.counts[at_differing]
            elif sums.counts[at_in]:
                found += sum(1 for placed in placed_below(state, code, place) if placed.slot.read and placed.slot.standing)
    return found


def _deadlines(election: Election, contests: tuple[ContestProgress, ...], now: int) -> tuple[DeadlineRow, ...]:
    found: list[DeadlineRow] = []
    for deadline in election.now.deadlines:
        left = tuple(
            (contest.contest, level.areas - level.certified)
            for contest in contests
            for level in contest.levels
            if level.level == deadline.level and level.areas > level.certified
        )
        over = now > deadline.closes
        state = "not-yet" if now < deadline.opens else "done" if not left else "late" if over else "running"
        found.append(DeadlineRow(deadline.level, deadline.opens, deadline.closes, state, left if over else ()))
    return tuple(found)


def pending_acts(state: Reader, read: EntryReader, *, now: int) -> list[EntryView]:
    """Acts that wait for a second seat (expired ones too, marked so) and replacements to be looked at, in log order."""
    found = [
        expired(entry_view(state, entry_at(read, row.index)), now)
        for _, row in state.under(PENDING)
        if row.state in ("open", "review")
    ]
    return sorted(found, key=lambda view: view.index)
