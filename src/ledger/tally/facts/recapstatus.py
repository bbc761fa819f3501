"""How far a recap has come, in the words of Indonesian practice: sementara, lengkap, disahkan kecamatan n/9, disahkan kota,
ditetapkan (docs/STATES.md, docs/GLOSSARY.md).

Whether a petition is before the Constitutional Court, and who was declared elected, are acts of others that no event tells: they
are given from outside (``Outside``).  What the log does know of the court is a revote or a settlement that names its decision
(``RecapStatus.ruled``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from ledger.errors import BadInput
from ledger.tally.acts.plenaries import certifying_lengths
from ledger.tally.facts.wording import RECAPS, grouped, level_label, said
from ledger.tally.rows import Certificate, Contest, Election
from ledger.tally.rules import Language
from ledger.tally.state import CERTIFICATES, CONTESTS, ELECTION, OBJECTIONS, REVOTES, SINGLE, SLOTS, Reader, area_key, slot_parts

__all__ = [
    "NOTHING_OUTSIDE",
    "LevelStatus",
    "Outside",
    "RecapStatus",
    "RecapWord",
    "deciding_certificate",
    "recap_status",
    "recap_text",
]


class Outside(NamedTuple):
    """What the log cannot know of a contest: the court's registration number of a petition ('' for none) and whether it is decided
    by now, and the number of the decree that declared who is elected ('' before that)."""

    petition: str
    decided: bool
    elected: str


NOTHING_OUTSIDE: Final = Outside("", decided=False, elected="")

RecapWord = Literal["provisional", "complete", "certified", "determined", "at-court", "elected"]


class LevelStatus(NamedTuple):
    """How far a certifying level has come: ``certified`` certificates in force ``of`` so many areas with stations of the contest.

    XX"""

    level: str
    certified: int
    of: int
    reopened: tuple[str, ...]
    renewal: tuple[str, ...]
    corrected: tuple[tuple[str, str], ...]
    paper_differs: tuple[str, ...]
    of_area: str
    deciding: bool


class RecapStatus(NamedTuple):
    """How far the recap of a contest and area has come.

    ``expected`` stations, ``whole`` of them in the totals with every block.  ``levels``: the certifying levels that matter here,
    lowest first.  ``document``, ``held_at`` (ms since 1970) of the deciding level's certificate, '' and 0 before it is in force.
    ``ruled``: an event names a decision of the court.
    """

    word: RecapWord
    expected: int
    whole: int
    levels: tuple[LevelStatus, ...]
    document: str
    held_at: int
    ruled: bool
    outside: Outside


def recap_status(state: Reader, contest: str, area: str, outside: Outside = NOTHING_OUTSIDE) -> RecapStatus:
    """One pass over the slots below ``area``.

    Raises ``BadInput``: ``contest-unknown``, ``area-outside-contest``, ``election-not-open``.
    """
    election, row = state.get(ELECTION, SINGLE), state.get(CONTESTS, contest.encode())
    if election is None:
        raise BadInput("election-not-open", "the ledger has no entry yet")
    if row is None:
        raise BadInput("contest-unknown", "no such contest is listed", contest=contest)
    if not area.startswith(row.area):
        raise BadInput("area-outside-contest", "the contest is not held there", contest=contest, area=area)
    expected, whole, areas = _pass(state, contest, area, certifying_lengths(election, row))
    where = _Where(state, election, contest, row, area)
    certificates = _certificates(where)
    levels = tuple(_level(where, codes, certificates) for codes in areas if codes)
    decided = deciding_certificate(state, contest, row, area)
    ruled = _ruled(state, contest, area)
    word: RecapWord = "complete" if expected and whole == expected else "provisional"
    if any(level.certified == level.of for level in levels):
        word = "certified"
    if decided is not None:
        word = "determined"
        if outside.elected:
            word = "elected"
        elif outside.petition and not outside.decided:
            word = "at-court"
    document, held_at = ("", 0) if decided is None else (decided.document, decided.held_at)
    return RecapStatus(word, expected, whole, levels, document, held_at, ruled, outside)


def _pass(state: Reader, contest: str, area: str, lengths: tuple[int, ...]) -> tuple[int, int, list[list[str]]]:
    """Stations expected and wholly in; and for each certifying level, lowest first, its areas at, in or around ``area``."""
    expected = whole = 0
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for key, slot in state.under(SLOTS, area_key(contest, area)):
        if slot.annulled:
            continue
        station = slot_parts(key)[1]
        expected += 1
        whole += slot.state in ("single", "confirmed", "corrected")
        for length in lengths:
            found[length][station[:length]] = None
    return expected, whole, [list(found[length]) for length in sorted(lengths, reverse=True)]


class _Where(NamedTuple):
    """The recap that is asked for."""

    state: Reader
    election: Election
    contest: str
    row: Contest
    area: str


def _certificates(where: _Where) -> dict[str, Certificate]:
    """Those of the areas at, below and above the recap's, by area; not those above that name it as missing."""
    state, contest, area = where.state, where.contest, where.area
    found = {key.decode().partition("/")[2]: row for key, row in state.under(CERTIFICATES, area_key(contest, area))}
    for length in certifying_lengths(where.election, where.row):
        if length < len(area):
            row = state.get(CERTIFICATES, area_key(contest, area[:length]))
            if row is not None and not area.startswith(row.missing):
                found[area[:length]] = row
    return found


def _level(where: _Where, codes: list[str], certificates: dict[str, Certificate]) -> LevelStatus:
    """Of the areas of one level."""
    name = where.election.level_of(codes[0])
    made = [(code, certificates[code]) for code in codes if code in certificates]
    in_force = [(code, row) for code, row in made if row.in_force]
    return LevelStatus(
        name,
        len(in_force),
        len(codes),
        tuple(code for code, row in made if row.reopened),
        tuple(code for code, row in made if row.renew and not row.reopened),
        tuple((code, _corrected_at(where, code, row)) for code, row in in_force if row.corrected),
        tuple(code for code, row in in_force if row.differences),
        codes[0] if len(codes) == 1 else "",
        name == where.row.deciding,
    )


def _corrected_at(where: _Where, area: str, certificate: Certificate) -> str:
    """The level whose office last changed what the certificate binds, by what stands there now."""
    later = [
        (standing.index, standing.scope)
        for _, slot in where.state.under(SLOTS, area_key(where.contest, area))
        for standing in slot.decided
        if standing.index > certificate.index > slot.opened and len(standing.scope) < len(area)
    ]
    return where.election.level_of(max(later)[1]) if later else ""


def deciding_certificate(state: Reader, contest: str, row: Contest, area: str) -> Certificate | None:
    """The certificate of the contest's own area, which decides it, in force and not naming ``area``, in it, as missing."""
    certificate = state.get(CERTIFICATES, area_key(contest, row.area))
    if certificate is None or not certificate.in_force or (area != row.area and area.startswith(certificate.missing)):
        return None
    return certificate


def _ruled(state: Reader, contest: str, area: str) -> bool:
    """Whether a revote was ordered, or an objection settled, by decision of the court."""
    revotes = (row for _, row in state.under(REVOTES) if row.contest == contest and row.kind == "psu-mk" and not row.withdrawn)
    if any(station.startswith(area) for row in revotes for station, _ in row.rounds):
        return True
    return any(
        row.contest == contest and row.outcome == "court" and (row.code.startswith(area) or area.startswith(row.code))
        for _, row in state.under(OBJECTIONS)
    )


def recap_text(status: RecapStatus, lang: Language, *, hour: Callable[[int], str]) -> tuple[str, ...]:
    """The recap's status in words, most telling first.  ``hour`` writes a time (ms since 1970) as the screen does."""
    lines: list[str] = []
    if status.outside.elected and status.word == "elected":
        lines.append(f"{said(RECAPS['elected'], lang)} ({status.outside.elected})")
    elif status.word == "at-court":
        lines.append(f"{said(RECAPS['at-court'], lang)} ({status.outside.petition})")
    if status.document:
        head = said(RECAPS["determined"], lang)
        lines.append(head + said((f", {status.document}, {hour(status.held_at)}",) * 2, lang))
    if status.ruled:
        lines.append(said(RECAPS["court-ordered"], lang))
    for level in reversed(status.levels):
        lines += _level_text(level, lang)
    if not status.document:
        lines.append(_stations_text(status, lang))
    return tuple(lines)


def _stations_text(status: RecapStatus, lang: Language) -> str:
    whole, expected = grouped(status.whole, lang), grouped(status.expected, lang)
    word = "complete" if status.expected and status.whole == status.expected else "provisional"
    return said(RECAPS[word], lang) + said((f", {whole} dari {expected} TPS", f", {whole} of {expected} stations"), lang)


def _level_text(level: LevelStatus, lang: Language) -> list[str]:
    name = level_label(level.level, lang, area=level.of_area)
    counting = {"level": name, "n": grouped(level.certified, lang), "of": grouped(level.of, lang)}
    lines: list[str] = []
    # The deciding level's certificate determines: that is said already, with document and hour.
    if level.of_area and level.certified and not level.deciding:
        lines.append(said(RECAPS["certified"], lang).format(level=name))
    elif level.certified and not level.deciding:
        lines.append(said(RECAPS["certified-counting"], lang).format(**counting))
    for key, codes in (("reopened", level.reopened), ("renewal", level.renewal), ("paper-differs", level.paper_differs)):
        if codes:
            lines.append(f"{said(RECAPS[key], lang)}: {name} {', '.join(codes)}")
    for code, level_above in level.corrected:
        above = level_label(level_above, lang, area=code[:4]) if level_above else said(("tingkat di atasnya", "level above"), lang)
        lines.append(f"{said(RECAPS['corrected-above'], lang).format(level=above)}: {name} {code}")
    return lines
