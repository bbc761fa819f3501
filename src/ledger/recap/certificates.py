"""Certificates as screens show them, and how far each level has come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from ledger.recap.places import area_name, election_of
from ledger.tally.acts.plenaries import certifying_lengths
from ledger.tally.projection import SUMS
from ledger.tally.rollup import COUNTS, contest_form
from ledger.tally.rows import Certificate, Contest, Election
from ledger.tally.state import CERTIFICATES, CONTESTS, Reader, area_key

__all__ = [
    "CertificateState",
    "CertificateView",
    "LevelProgress",
    "PaperDifference",
    "areas_to_certify",
    "certificate_state",
    "certificate_view",
    "certificates_at",
    "certificates_below",
    "level_progress",
]

CertificateState = Literal["", "in-force", "reopened", "renewal", "corrected"]


class PaperDifference(Struct, frozen=True):
    """A figure in which the signed paper recap says another number than the log gave, and why."""

    code: str
    label_id: str
    label_en: str
    log: int
    paper: int | str | None
    reason: str


class CertificateView(Struct, frozen=True):
    """The last certificate of an area.

    ``state``: ``in-force``; ``corrected``: in force, and a higher level has corrected below it since (``corrections`` times);
    ``reopened``, with reason, basis and the stations concerned (none: all); ``renewal``: revotes were ordered since, ``renew`` of
    them outstanding.  ``document`` and ``held_at`` (ms since 1970) as the paper says; ``read``: entry at which the level above
    read it, 0 for not yet.
    """

    contest: str
    area: str
    name: str
    level: str
    deciding: bool
    state: str
    event_id: str
    index: int
    time: int
    size: int
    commitment: str
    document: str
    held_at: int
    seat: str
    differences: tuple[PaperDifference, ...]
    missing: tuple[str, ...]
    read: int
    corrections: int
    renew: int
    reopened: int
    reopened_reason: str
    reopened_basis: str
    reopened_stations: tuple[str, ...]


def certificate_state(certificate: Certificate | None) -> CertificateState:
    """In one word; '' where there is none."""
    if certificate is None:
        return ""
    if certificate.reopened:
        return "reopened"
    if certificate.renew:
        return "renewal"
    return "corrected" if certificate.corrected else "in-force"


def certificate_view(state: Reader, code: str, contest: Contest, area: str, certificate: Certificate) -> CertificateView:
    """A certificate row for people."""
    election = election_of(state)
    figures = contest_form(state, contest).form.figures
    reopening = certificate.reopened[0] if certificate.reopened else None
    level = election.level_of(area)
    return CertificateView(
        code,
        area,
        area_name(state, area),
        level,
        area == contest.area,
        certificate_state(certificate),
        certificate.event.hex(),
        certificate.index,
        certificate.time,
        certificate.size,
        certificate.commitment.hex(),
        certificate.document,
        certificate.held_at,
        certificate.seat,
        tuple(
            PaperDifference(
                figures[index].code,
                figures[index].label_id,
                figures[index].label_en,
                certificate.sums[index],
                certificate.paper[index],
                reason,
            )
            for index, reason in certificate.differences
        ),
        certificate.missing,
        certificate.read,
        certificate.corrected,
        certificate.renew,
        reopening.index if reopening else 0,
        reopening.reason if reopening else "",
        reopening.basis if reopening else "",
        reopening.stations if reopening else (),
    )


def certificates_at(state: Reader, code: str, place: str) -> Iterator[CertificateView]:
    """Those of every area that ``place`` lies in, itself included, highest first."""
    contest = state.get(CONTESTS, code.encode())
    if contest is None:
        return
    for length in election_of(state).digits[:-1]:
        if len(contest.area) <= length <= len(place):
            certificate = state.get(CERTIFICATES, area_key(code, place[:length]))
            if certificate is not None:
                yield certificate_view(state, code, contest, place[:length], certificate)


def certificates_below(state: Reader, code: str, area: str) -> Iterator[CertificateView]:
    """Those of the areas in ``area`` (itself not), in code order."""
    contest = state.get(CONTESTS, code.encode())
    if contest is None:
        return
    for key, certificate in state.under(CERTIFICATES, area_key(code, area)):
        place = key.decode().partition("/")[2]
        if place != area:
            yield certificate_view(state, code, contest, place, certificate)


# --- progress ----------------------------------------------------------------------------------------------------------------


class LevelProgress(Struct, frozen=True):
    """Of the areas of a certifying level: how many there are, certificates in force, reopened, to be renewed, corrected above."""

    level: str
    areas: int
    certified: int
    reopened: int
    renewal: int
    corrected: int
    read: int


def level_progress(state: Reader, code: str, contest: Contest, area: str) -> tuple[LevelProgress, ...]:
    """How far the certifying levels at and below ``area`` have come, lowest first."""
    election = election_of(state)
    found: list[LevelProgress] = []
    for length in sorted(certifying_lengths(election, contest), reverse=True):
        if length < len(area):
            continue
        rows = [certificate for _, certificate in _certificates(state, election, code, area, length)]
        states = [certificate_state(row) for row in rows]
        held = states.count("in-force") + states.count("corrected")
        found.append(
            LevelProgress(
                election.level_of("0" * length),
                len(rows),
                held,
                states.count("reopened"),
                states.count("renewal"),
                states.count("corrected"),
                sum(1 for row in rows if row is not None and row.read),
            )
        )
    return tuple(found)


def areas_to_certify(state: Reader, code: str, contest: Contest, area: str, length: int) -> Iterator[tuple[str, str]]:
    """(area, why) of the areas of a level that lack a certificate in force: ``none``, ``reopened`` or ``renewal``."""
    election = election_of(state)
    if length not in certifying_lengths(election, contest):
        return
    for place, certificate in _certificates(state, election, code, area, length):
        if certificate is None or not certificate.in_force:
            yield place, certificate_state(certificate) or "none"


def _certificates(state: Reader, election: Election, code: str, area: str, length: int) -> Iterator[tuple[str, Certificate | None]]:
    """Every area of a level at or below ``area`` that has a station of the contest, with its certificate."""
    if length == election.digits[-1]:
        return
    expected = COUNTS.index("expected")
    for key, sums in state.under(SUMS, area_key(code, area)):
        place = key.decode().partition("/")[2]
        if len(place) == length and sums.counts[expected]:
            yield place, state.get(CERTIFICATES, key)
        if length == len(area):  # the area itself comes first
            return
