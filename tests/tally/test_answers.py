"""The answers of a governed election: every code that plenaries, revotes, matters, approvals and amendments can give.

Codes of part 1's acts are in ``test_fold.py``; act by role and level, and act by state, in ``test_act_tables.py``.  With
``test_fold.py`` nothing is left: the last test reads the codes from the sources.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import ledger.tally.fold
from ledger.tally import events as e
from ledger.tally.acts.approvals import APPROVAL_LIMIT_MS
from ledger.tally.acts.keys import ROTATIONS_MAX
from ledger.tally.rows import Certificate
from ledger.tally.state import CERTIFICATES, area_key

from ..governed import BASIS, CITY, DISTRICT_A, DISTRICT_B, PROVINCE, Governed, GovernedLog, certificate, reading
from ..rekeying import rekey, rekeying
from ..world import STATIONS, corrected, submitted
from . import test_fold

ONE, TWO, THREE, FOUR = STATIONS
OTHER = (300, 121, 100, 221, 5, 307)
WRONG = (300, 120, 100, 222, 5, 307)
NOBODY = bytes(32)


# --- scenes ------------------------------------------------------------------------------------------------------------------


def empty() -> GovernedLog:
    """Nothing is in."""
    return GovernedLog(Governed())


def all_in() -> GovernedLog:
    """Both districts' mayor forms are in; nothing was read."""
    log = empty()
    for station in STATIONS:
        log.send(station)
    return log


def a_certified() -> GovernedLog:
    """District A has certified the mayor's contest."""
    log = all_in()
    log.read("chair-a", "mayor", DISTRICT_A)
    log.certify("chair-a", "mayor", DISTRICT_A)
    return log


def city_certified() -> GovernedLog:
    """Both districts and the city have."""
    log = a_certified()
    log.read("chair-b", "mayor", DISTRICT_B)
    log.certify("chair-b", "mayor", DISTRICT_B)
    log.read("chair-city", "mayor", CITY)
    log.certify("chair-city", "mayor", CITY)
    return log


def bound(log: GovernedLog, area: str, contest: str = "mayor") -> Certificate:
    """The certificate of an area."""
    found = log.state.get(CERTIFICATES, area_key(contest, area))
    assert found is not None
    return found


# --- acts --------------------------------------------------------------------------------------------------------------------


def withdrawal(station: str, *ids: bytes) -> e.TallyWithdrawn:
    return e.TallyWithdrawn(contest="mayor", station=station, round=0, withdraws=tuple(sorted(ids)), reason="test")


def held(station: str) -> e.TallyHeld:
    return e.TallyHeld(contest="mayor", station=station, round=0, reason="under-review")


def read_row(code: str, event: bytes, round_: int = 0) -> e.RecapRead:
    return e.RecapRead(contest="mayor", rows=(e.ReadRow(code, round_, event),))


def reopening(log: GovernedLog, area: str, **other: Any) -> e.RecapReopened:
    usual: dict[str, Any] = {"contest": "mayor", "area": area, "stations": (), "reason": "misread", "basis": BASIS}
    usual["certificate"] = other.pop("certificate", None) or bound(log, area).event
    return e.RecapReopened(**{**usual, **other})


def order(*stations: str, **other: Any) -> e.RevoteOrdered:
    usual = {"contest": "mayor", "kind": "psu", "day": "2024-12-01", "reason": "voted-twice", "basis": BASIS}
    return e.RevoteOrdered(stations=stations, **{**usual, **other})


def taken_back(event: bytes) -> e.RevoteWithdrawn:
    return e.RevoteWithdrawn(order=event, reason="court", basis=BASIS)


def postponed(*stations: str, kind: str = "psl") -> e.VotePostponed:
    return e.VotePostponed(contest="mayor", stations=stations, kind=kind, until="2024-12-01", reason="flood", basis=BASIS)


def objection(code: str, contest: str = "mayor") -> e.ObjectionRaised:
    return e.ObjectionRaised(contest=contest, code=code, ground="copy-differs", photos=())


def settled(event: bytes, outcome: str, *rows: e.ReadRow) -> e.ObjectionSettled:
    return e.ObjectionSettled(objection=event, outcome=outcome, corrections=rows, reason="heard")


def recommendation(*codes: str) -> e.RecommendationIssued:
    return e.RecommendationIssued(contest="mayor", kind="psu", number="PM 1", ground="voted-twice", codes=codes, deadline=1)


def answered(event: bytes, answer: str = "refused", *done: bytes) -> e.RecommendationAnswered:
    return e.RecommendationAnswered(recommendation=event, answer=answer, events=done, reason="no-ground")


def candidate(change: str, number: int = 2, **more: Any) -> e.CandidateChanged:
    return e.CandidateChanged(contest="mayor", number=number, change=change, reason="ruling", basis=BASIS, **more)


def areas(**what: Any) -> e.JurisdictionsAmended:
    none: dict[str, Any] = dict.fromkeys(("areas", "added", "merged", "cancelled", "corrected", "voters"), ())
    return e.JurisdictionsAmended(reason="list", basis=BASIS, **{**none, **what})


def amendment(**what: Any) -> e.ElectionAmended:
    return e.ElectionAmended(reason="r", basis=BASIS, **what)


def rotation(log: GovernedLog, name: str, new: str, seat: str) -> e.KeyRotated:
    old, key = log.world.key(name), log.world.key(new)
    proof = key.sign(test_fold.rotation_digest(log.world.ledger, old=old.point, new=key.point, seat=seat))
    return e.KeyRotated(point=key.point, seat=seat, proof=proof, reason="planned")


def registrar(log: GovernedLog, key: str, body: str) -> e.Registrar:
    proof = log.world.key(key).sign(
        test_fold.possession_digest(log.world.ledger, point=log.world.key(key).point, role="registrar", scope="", seat=body)
    )
    return e.Registrar(body, log.world.key(key).point, "", ("agent",), proof)


# --- answers -----------------------------------------------------------------------------------------------------------------

TABLE: dict[str, tuple[str, Callable[[], str]]] = {}


def row(name: str, expected: str) -> Callable[[Callable[[], str]], Callable[[], str]]:
    """Puts a case into the table."""

    def put(case: Callable[[], str]) -> Callable[[], str]:
        assert name not in TABLE
        TABLE[name] = (expected, case)
        return case

    return put


def simple(name: str, expected: str, scene: Callable[[], GovernedLog], who: str, data: Any) -> None:
    """One act in a scene; data may be a function of the log."""

    @row(name, expected)
    def _() -> str:
        log = scene()
        return log.told(who, data(log) if callable(data) else data)


# readings
simple("read a strange event", "void stale", all_in, "chair-a", read_row(ONE, NOBODY))
simple("read what is not in", "void stale", empty, "chair-a", read_row(ONE, NOBODY))
simple("read a district that has not certified", "void certificate-unknown", all_in, "chair-city", read_row(DISTRICT_A, NOBODY))
simple("read another certificate", "void stale", a_certified, "chair-city", read_row(DISTRICT_A, NOBODY))
simple("read a recap of the own level", "refused level-not-certifying", a_certified, "chair-a", read_row(DISTRICT_A, NOBODY))
simple("read a village", "refused level-not-certifying", a_certified, "chair-a", read_row("1771011001", NOBODY))
simple("read again what is certified", "void locked", a_certified, "chair-a", lambda log: read_row(ONE, log.standing(ONE)[0]))
simple("read in disorder", "refused rows-order", all_in, "chair-a", lambda log: e.RecapRead(
    contest="mayor", rows=tuple(e.ReadRow(code, 0, log.standing(code)[0]) for code in (TWO, ONE))))  # fmt: skip


@row("read what differs", "void not-readable")
def _() -> str:
    log = all_in()
    log.send(ONE, OTHER, seat="2")
    return log.told("chair-a", read_row(ONE, log.standing(ONE)[0]))


@row("read an annulled round", "void round-annulled")
def _() -> str:
    log = all_in()
    event = log.standing(ONE)[0]
    log.propose("chair-city", order(ONE))
    return log.told("chair-a", read_row(ONE, event))


@row("read a reopened certificate", "void certificate-not-in-force")
def _() -> str:
    log = a_certified()
    log.propose("chair-a", reopening(log, DISTRICT_A))
    return log.told("chair-city", read_row(DISTRICT_A, bound(log, DISTRICT_A).event))


@row("correct the own form after its reading", "void already-read")
def _() -> str:
    log = all_in()
    log.read("chair-a", "mayor", DISTRICT_A)
    return log.told(f"{ONE}/1", corrected(ONE, log.standing(ONE), OTHER))


# certificates
def _certificate(area: str, contest: str = "mayor", **other: Any) -> Callable[[GovernedLog], e.RecapCertified]:
    size = other.pop("size", None)
    return lambda log: certificate(log.state, len(log.entries) if size is None else size, contest, area, **other)


def _a_read() -> GovernedLog:
    log = all_in()
    log.read("chair-a", "mayor", DISTRICT_A)
    return log


PAPER = (900, 361, 300, 660, 15, 921)
DIFFERENCES = (e.DifferenceRow(1, "slip"),)
simple("certify", "ok", _a_read, "chair-a", _certificate(DISTRICT_A))
simple("certify with a difference", "ok", _a_read, "chair-a", _certificate(DISTRICT_A, paper=PAPER, differences=DIFFERENCES))
simple(
    "certify with a difference unexplained", "refused differences-wrong", _a_read, "chair-a", _certificate(DISTRICT_A, paper=PAPER)
)
simple("certify with a difference that is none", "refused differences-wrong", _a_read, "chair-a",
       _certificate(DISTRICT_A, differences=DIFFERENCES))  # fmt: skip
simple("certify short paper", "refused figures-count", _a_read, "chair-a", _certificate(DISTRICT_A, paper=PAPER[:5]))
simple("certify short sums", "refused figures-count", _a_read, "chair-a",
       _certificate(DISTRICT_A, paper=(900,), sums=(900,)))  # fmt: skip
simple("certify other sums", "void certificate-differs", _a_read, "chair-a",
       _certificate(DISTRICT_A, sums=(900, 361, 300, 661, 15, 921), paper=(900, 361, 300, 661, 15, 921)))  # fmt: skip
simple("certify another commitment", "void certificate-differs", _a_read, "chair-a", _certificate(DISTRICT_A, commitment=NOBODY))
simple("certify an old size", "void stale", _a_read, "chair-a", _certificate(DISTRICT_A, size=20))
simple("certify the future", "void size-beyond-log", _a_read, "chair-a", _certificate(DISTRICT_A, size=10**6))
simple("certify what was not read", "void not-read", all_in, "chair-a", _certificate(DISTRICT_A))
simple("certify without what is missing", "void missing-differs", empty, "chair-a", _certificate(DISTRICT_A, missing=()))
simple("certify missing in disorder", "refused rows-order", empty, "chair-a", _certificate(
    DISTRICT_A, missing=tuple(e.MissingRow(code, "late", ()) for code in (TWO, ONE))))  # fmt: skip
simple("certify another's area", "refused beyond-scope", _a_read, "chair-b", _certificate(DISTRICT_A))
simple("certify from above", "refused level-not-entitled", _a_read, "chair-city", _certificate(DISTRICT_A))
simple("certify above the deciding level", "refused level-not-certifying", all_in, "chair-province",
       lambda log: e.RecapCertified(contest="mayor", area=PROVINCE, size=1, commitment=NOBODY, sums=(), paper=(), differences=(),
                                    missing=(), document="x", held_at=0, photos=()))  # fmt: skip
simple("certify no such contest", "refused contest-unknown", all_in, "chair-a",
       lambda log: e.RecapCertified(contest="x", area=DISTRICT_A, size=1, commitment=NOBODY, sums=(), paper=(), differences=(),
                                    missing=(), document="x", held_at=0, photos=()))  # fmt: skip
simple("certify again", "void already-certified", a_certified, "chair-a", _certificate(DISTRICT_A))
simple("certify under the city's", "void locked", lambda: _without_a(), "chair-a", _certificate(DISTRICT_A))
simple("the city over forms that no district certified", "void not-read", all_in, "chair-city", _certificate(CITY))
simple("the city without reading", "void not-read", a_certified, "chair-city", _certificate(CITY))
simple("correct under the own certificate", "void locked", a_certified, "chair-a",
       lambda log: corrected(ONE, log.standing(ONE), OTHER))  # fmt: skip
simple("hold from above what is certified", "void locked", a_certified, "chair-city", held(ONE))


def _without_a() -> GovernedLog:
    """Nothing came from district A; the city certified without it, named as missing: nothing below may change now."""
    log = empty()
    log.send(FOUR)
    log.read("chair-b", "mayor", DISTRICT_B)
    log.certify("chair-b", "mayor", DISTRICT_B)
    log.read("chair-city", "mayor", CITY)
    log.certify("chair-city", "mayor", CITY)
    return log


@row("certify an area without stations", "void nothing-to-certify")
def _() -> str:
    log = empty()
    log.propose("administrator", areas(cancelled=(FOUR,)))
    none = (0,) * 6
    data = e.RecapCertified(
        contest="mayor", area=DISTRICT_B, size=1, commitment=NOBODY, sums=none, paper=none, differences=(), missing=(),
        document="x", held_at=0, photos=(),
    )  # fmt: skip
    return log.told("chair-b", data)


# reopening
simple("reopen", "ok", a_certified, "chair-a", lambda log: reopening(log, DISTRICT_A))
simple("reopen another certificate", "void stale", a_certified, "chair-a",
       lambda log: reopening(log, DISTRICT_A, certificate=b"x" * 32))  # fmt: skip
simple("reopen nothing", "void certificate-unknown", all_in, "chair-a",
       lambda log: reopening(log, DISTRICT_A, certificate=b"x" * 32))  # fmt: skip
simple("reopen under the city's", "void locked", city_certified, "chair-a", lambda log: reopening(log, DISTRICT_A))
simple("reopen for stations elsewhere", "refused rows-order", a_certified, "chair-a",
       lambda log: reopening(log, DISTRICT_A, stations=(FOUR,)))  # fmt: skip


@row("reopen twice", "void already-reopened")
def _() -> str:
    log = a_certified()
    log.propose("chair-a", reopening(log, DISTRICT_A))
    return log.told("chair-a", reopening(log, DISTRICT_A))


# seals
simple("seal another size", "refused seal-size", empty, "sealer", e.RecapSealed(size=1, root=NOBODY))
simple("seal another root", "refused seal-differs", empty, "sealer", lambda log: e.RecapSealed(size=len(log.entries), root=NOBODY))

# approvals
simple("approve nothing", "void referent-unknown", empty, "chair-city", e.Approved(event=NOBODY))


def _approval(proposer: str, approver: str, **how: Any) -> str:
    log = all_in()
    event = log.act(proposer, order(ONE)).event_id
    if how.get("revoked"):
        log.append(log.world.revoke(proposer, by="commission-1"))
    if how.get("twice"):
        log.append(log.world.approve("member-city", event))
    log.time += how.get("later", 0)
    return log.told(approver, e.Approved(event=event))


TABLE["approve in time"] = ("ok", lambda: _approval("chair-city", "member-city", later=APPROVAL_LIMIT_MS))
TABLE["approve late"] = ("void approval-late", lambda: _approval("chair-city", "member-city", later=APPROVAL_LIMIT_MS + 1))
TABLE["approve oneself"] = ("void self-approval", lambda: _approval("chair-city", "chair-city"))
TABLE["approve twice"] = ("void already-approved", lambda: _approval("chair-city", "chair-province", twice=True))
TABLE["approve below"] = ("void approver-not-entitled", lambda: _approval("chair-city", "chair-a"))
TABLE["approve from elsewhere"] = ("void approver-not-entitled", lambda: _approval("chair-city", "supervisor"))
TABLE["approve a revoked one's"] = ("void proposer-revoked", lambda: _approval("chair-city", "member-city", revoked=True))


@row("approve what is stale by now", "void already-ordered")
def _() -> str:
    log = all_in()
    first, second = (log.act(name, order(ONE)).event_id for name in ("chair-city", "chair-province"))
    log.append(log.world.approve("member-city", first))
    return log.told("member-province", e.Approved(event=second))


# tallies
simple("withdraw nothing", "void nothing-to-withdraw", empty, f"{ONE}/1", withdrawal(ONE, NOBODY))
simple("withdraw the other seat's", "void nothing-to-withdraw", all_in, f"{ONE}/2", lambda log: withdrawal(ONE, *log.standing(ONE)))
simple("withdraw another event", "void stale", all_in, f"{ONE}/1", withdrawal(ONE, NOBODY))
simple("withdraw what is certified", "void locked", a_certified, f"{ONE}/1", lambda log: withdrawal(ONE, *log.standing(ONE)))
simple("withdraw the same twice", "refused supersedes-order", all_in, f"{ONE}/1",
       lambda log: e.TallyWithdrawn(contest="mayor", station=ONE, round=0, withdraws=tuple(log.standing(ONE)) * 2,
                                    reason="test"))  # fmt: skip
simple("an office corrects early without a basis", "void basis-missing", all_in, "chair-city",
       lambda log: corrected(ONE, log.standing(ONE), OTHER))  # fmt: skip
simple("release without a basis", "refused basis-missing", all_in, "chair-a",
       e.TallyReleased(contest="mayor", station=ONE, round=0, reason="reviewed"))  # fmt: skip
simple("enter at the province", "refused level-not-entitled", empty, "chair-province", submitted(ONE))


def _explained(who: str, *codes: str, event: bytes | None = None) -> str:
    log = empty()
    sent = log.send(ONE, WRONG).event_id
    data = e.FindingExplained(contest="mayor", station=ONE, round=0, event=event or sent, findings=codes, reason="paper")
    return log.told(who, data)


TABLE["explain"] = ("ok", lambda: _explained(f"{ONE}/1", "r5"))
TABLE["explain by an officer"] = ("ok", lambda: _explained("chair-a", "r5"))
TABLE["explain another's form"] = ("void not-own-form", lambda: _explained(f"{ONE}/2", "r5"))
TABLE["explain no finding"] = ("void finding-unknown", lambda: _explained(f"{ONE}/1", "r5", "r9"))
TABLE["explain another event"] = ("void stale", lambda: _explained(f"{ONE}/1", "r5", event=b"x" * 32))

# revotes
simple("order", "ok", all_in, "chair-city", order(ONE, TWO))
simple("order at the district", "refused level-not-entitled", all_in, "chair-a", order(ONE))
simple("order over what is determined", "void locked", city_certified, "chair-city", order(ONE))
simple("order over it, by the court", "ok", city_certified, "chair-city", order(ONE, kind="psu-mk"))
simple("order in disorder", "refused rows-order", all_in, "chair-city", order(TWO, ONE))
simple("order for no day", "refused day-invalid", all_in, "chair-city", order(ONE, day="2024-02-30"))
simple(
    "postpone to no day",
    "refused day-invalid",
    empty,
    "chair-city",
    e.VotePostponed(contest="mayor", stations=(ONE,), kind="psl", until="2024-13-01", reason="flood", basis=BASIS),
)
simple("order for no such station", "refused station-unknown", all_in, "chair-city", order("1771011001009"))
simple("order elsewhere", "refused beyond-scope", all_in, "chair-city", order("1871011001009"))
simple("take back nothing", "void referent-unknown", all_in, "chair-city", taken_back(NOBODY))
simple("postpone", "ok", empty, "chair-city", postponed(ONE))
simple("postpone what is in", "void already-submitted", all_in, "chair-city", postponed(ONE))
simple("resume what goes on", "void not-postponed", all_in, "chair-city", postponed(ONE, kind="resumed"))


def _ordered(again: Callable[[GovernedLog, bytes], str]) -> Callable[[], str]:
    def case() -> str:
        log = all_in()
        return again(log, log.propose("chair-city", order(ONE)).event_id)

    return case


def _twice_back(log: GovernedLog, event: bytes) -> str:
    log.propose("chair-city", taken_back(event))
    return log.told("chair-city", taken_back(event))


def _rounds_to_the_last(log: GovernedLog, _event: bytes) -> str:
    for number in range(1, e.ROUND_MAX + 1):
        log.send(ONE, round=number)
        if number < e.ROUND_MAX:
            log.propose("chair-city", order(ONE))
    return log.told("chair-city", order(ONE))


def _back_after_another(log: GovernedLog, event: bytes) -> str:
    log.send(ONE, round=1)
    log.propose("chair-city", order(ONE))
    return log.told("chair-city", taken_back(event))


def _back_under_a_certificate(log: GovernedLog, event: bytes) -> str:
    log.send(ONE, round=1)
    log.read("chair-a", "mayor", DISTRICT_A)
    log.certify("chair-a", "mayor", DISTRICT_A)
    return log.told("chair-city", taken_back(event))


TABLE["order twice"] = ("void already-ordered", _ordered(lambda log, _: log.told("chair-city", order(ONE))))
TABLE["into the annulled round"] = ("void round-annulled", _ordered(lambda log, _: log.told(f"{ONE}/2", submitted(ONE))))
TABLE["take back twice"] = ("void already-withdrawn", _ordered(_twice_back))
TABLE["take back after the next"] = ("void round-annulled", _ordered(_back_after_another))
TABLE["take back under a certificate"] = ("void locked", _ordered(_back_under_a_certificate))
TABLE["the tenth revote"] = ("refused round-limit", _ordered(_rounds_to_the_last))
TABLE["into round 2"] = ("refused round-unknown", _ordered(lambda log, _: log.told(f"{ONE}/1", submitted(ONE, round=2))))


@row("take back the province's order", "void beyond-scope")
def _() -> str:
    log = all_in()
    tree = tuple(e.AreaRow(code, code) for code in ("1772", "177201", "1772011001"))
    station = e.StationRow("1772011001001", "T", "Asia/Jakarta", 1, 1, ("governor",))
    log.act("administrator", e.JurisdictionsListed(areas=tree, stations=(station,)))
    event = log.propose("chair-province", order("1772011001001", contest="governor")).event_id
    return log.told("chair-city", taken_back(event))


# matters
def _raised(again: Callable[[GovernedLog, bytes], str], *, code: str = ONE, contest: str = "mayor") -> Callable[[], str]:
    def case() -> str:
        log = all_in()
        return again(log, log.act("agent-1", objection(code, contest)).event_id)

    return case


def _settled_twice(log: GovernedLog, event: bytes) -> str:
    log.act("chair-a", settled(event, "rejected"))
    return log.told("chair-a", settled(event, "rejected"))


def _carried_to_the_top(log: GovernedLog, event: bytes) -> str:
    log.act("chair-a", settled(event, "carried"))
    return log.told("chair-city", settled(event, "carried"))


def _accept(code: str, event: Callable[[GovernedLog], bytes]) -> Callable[[GovernedLog, bytes], str]:
    return lambda log, objected: log.told("chair-a", settled(objected, "accepted", e.ReadRow(code, 0, event(log))))


TABLE["accept"] = ("ok", _raised(_accept(ONE, lambda log: log.standing(ONE)[0])))
TABLE["accept with what does not stand"] = ("void stale", _raised(_accept(ONE, lambda _log: NOBODY)))
TABLE["accept with another station's"] = ("void referent-unknown", _raised(_accept(TWO, lambda log: log.standing(TWO)[0])))
TABLE["accept with nothing"] = ("refused corrections-wrong", _raised(lambda log, i: log.told("chair-a", settled(i, "accepted"))))
TABLE["settle twice"] = ("void already-settled", _raised(_settled_twice))
TABLE["settle elsewhere"] = ("void beyond-scope", _raised(lambda log, i: log.told("chair-b", settled(i, "rejected"))))
TABLE["settle above"] = ("void objection-other-level", _raised(lambda log, i: log.told("chair-city", settled(i, "rejected"))))
TABLE["carry beyond the top"] = ("void no-level-above", _raised(_carried_to_the_top))
TABLE["withdraw another's"] = ("void not-own-objection", _raised(lambda log, i: log.told("agent-2", settled(i, "withdrawn"))))
TABLE["withdraw by an officer"] = (
    "refused role-not-entitled",
    _raised(lambda log, i: log.told("chair-a", settled(i, "withdrawn"))),
)
TABLE["reject by an agent"] = ("refused role-not-entitled", _raised(lambda log, i: log.told("agent-1", settled(i, "rejected"))))
simple("settle nothing", "void referent-unknown", empty, "chair-a", settled(NOBODY, "rejected"))
simple("object nowhere", "refused area-unknown", empty, "agent-1", objection("177109"))
simple("object elsewhere", "refused beyond-scope", empty, "agent-1", objection("1871"))
simple("recommend in disorder", "refused rows-order", empty, "supervisor", recommendation(TWO, ONE))
simple("answer nothing", "void referent-unknown", empty, "chair-city", answered(NOBODY))
simple("answer that it is done, and name nothing", "refused events-wrong", empty, "chair-city", answered(NOBODY, "executed"))
simple("answer no and name events", "refused events-wrong", empty, "chair-city", answered(NOBODY, "refused", NOBODY))


@row("answer twice", "void already-answered")
def _() -> str:
    log = empty()
    event = log.act("supervisor", recommendation(ONE)).event_id
    log.act("chair-city", answered(event))
    return log.told("chair-city", answered(event))


@row("answer for another district", "void beyond-scope")
def _() -> str:
    log = empty()
    return log.told("chair-b", answered(log.act("supervisor", recommendation(ONE)).event_id))


# keys
simple("rotate another seat", "refused seat-other", empty, "chair-a", lambda log: rotation(log, "chair-a", "new", "member"))
simple(
    "rotate to a known key", "refused point-enrolled", empty, "chair-a", lambda log: rotation(log, "chair-a", "chair-b", "chair")
)


@row("a retired key acts", "refused key-retired")
def _() -> str:
    log = all_in()
    log.append(log.world.rotate("chair-a", "chair-a-2"))
    return log.told("chair-a", held(ONE))


@row("the ninth rotation", "refused rotations-limit")
def _() -> str:
    log = empty()
    names = ["chair-a", *(f"chair-a-{number}" for number in range(ROTATIONS_MAX + 1))]
    for old, new in pairwise(names[:-1]):
        log.act(old, rotation(log, old, new, "chair"))
    return log.told(names[-2], rotation(log, names[-2], names[-1], "chair"))


# the keys of the log and the sealer
simple("rekey nothing", "refused rekey-invalid", empty, "root-1", lambda log: rekeying(log.world))
simple("rekey to the key in force", "void log-key-used", empty, "root-1",
       lambda log: rekeying(log.world, log_key=log.world.signer.vkey))  # fmt: skip
simple("rekey the sealer to a known key", "void point-enrolled", empty, "root-1", lambda log: rekeying(log.world, sealer="chair-a"))


@row("the ninth rekeying", "void rekeyings-limit")
def _() -> str:
    log = empty()
    for number in range(8):
        rekey(log, log=f"log-{number}")
    return log.told("root-1", rekeying(log.world, log="log-9"))


# amendments
simple("amend nothing", "void amendment-empty", empty, "root-1", amendment())
simple("amend away a second seat", "void approvals-fewer", empty, "root-1", amendment(second_seats=("recap.certified",)))
simple("amend away all powers", "void approvals-fewer", empty, "root-1", amendment(powers=()))
simple(
    "amend in disorder", "refused amendment-invalid", empty, "root-1", amendment(second_seats=("recap.certified", "keys.enrolled"))
)
simple("amend in a known key", "void point-enrolled", empty, "root-1",
       lambda log: amendment(registrars=(registrar(log, "chair-a", "pair-3"),)))  # fmt: skip
simple("amend in a second key of a body", "void seat-taken", empty, "root-1",
       lambda log: amendment(registrars=(registrar(log, "new", "pair-1"),)))  # fmt: skip
simple("change no candidate", "refused candidate-unknown", empty, "chair-city", candidate("withdrawn", 3))
simple("replace by nobody", "refused candidate-name", empty, "chair-city", candidate("replaced"))
simple("restore who is there", "void candidate-unchanged", empty, "chair-city", candidate("restored"))
simple("change a candidate at the district", "refused level-not-entitled", empty, "chair-a", candidate("withdrawn"))
simple("cancel a station that has a tally", "void station-has-tally", all_in, "administrator", areas(cancelled=(ONE,)))
simple("cancel twice at once", "void station-gone", empty, "administrator", areas(cancelled=(ONE, ONE)))
simple("cancel no station", "refused station-unknown", empty, "administrator", areas(cancelled=("1771011001009",)))
simple("merge into itself", "refused station-unknown", empty, "administrator", areas(merged=(e.MergedRow(ONE, ONE),)))
simple("amend no area", "refused batch-empty", empty, "administrator", areas())
simple("add a station under a certificate", "void locked", a_certified, "administrator",
       areas(added=(e.StationRow("1771011001009", "T", "Asia/Jakarta", 1, 1, ("mayor",)),)))  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_answers(name: str) -> None:
    """Each case ends in the answer that the table says."""
    expected, case = TABLE[name]
    assert case() == expected


def test_reading_is_what_offices_read() -> None:
    """The reading that ``governed`` makes names what stands, so that the cases above stand on plausible plenaries."""
    rows = reading(all_in().state, "mayor", DISTRICT_A).rows
    assert [read.code for read in rows] == [ONE, TWO, THREE]


# --- completeness ------------------------------------------------------------------------------------------------------------

NO_CODES = {"as-said", "psu-mk", "two-round", "root-"}
"""Words with a hyphen that are no codes."""
PLAIN = {"stale", "locked"}
"""Codes without a hyphen."""


def _words(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_code_of_the_acts_is_hit() -> None:
    """Each code that fold and acts can give, however it is written there, is an answer of this table or of ``test_fold``'s, and
    there are no others."""
    room = Path(ledger.tally.fold.__file__).parent
    words = {word for path in [room / "fold.py", *sorted((room / "acts").glob("*.py"))] for word in _words(path)}
    wanted = {word for word in words if word in PLAIN or ("-" in word and test_fold.CODE.fullmatch(word))} - NO_CODES
    seen = {case().partition(" ")[2] for _, case in TABLE.values()} | {answer.partition(" ")[2] for answer in test_fold.answers()}
    assert len(wanted) > 90
    assert seen - {"", "form-invalid", "schema"} == wanted
