"""Forbidden acts of a governed election, forced into the log past intake: what the auditor says of each, and at which step.

Whoever holds the log's key and a key of one role can append anything.  Each row of ``FORBIDDEN`` is one such act at the end of a
whole season: intake refuses it, replay cannot fold it, and the auditor names the entry with the same code.  Acts that the log may
hold but that are void are in ``test_void_acts.py``.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from msgspec import structs

from ledger.audit.record import STEP_OF_CODE
from ledger.device.stream import EventStream, Signed
from ledger.errors import Broken
from ledger.recap.replay import replay
from ledger.tally import events as e
from ledger.tally.recaps import current_root
from ledger.tally.signing import rotation_digest
from ledger.tally.state import CERTIFICATES, area_key

from ..governed import (
    BASIS,
    CITY,
    DISTRICT_A,
    DISTRICT_B,
    FOUR,
    ONE,
    OTHER,
    PROVINCE,
    THREE,
    TWO,
    Governed,
    GovernedLog,
    certificate,
    whole_season,
)
from ..rekeying import rekeying
from ..world import FORM, GOOD, START_MS, code_of, corrected, held, released, submitted
from .conftest import SIGNER
from .forger import part, parts_of, publication, relink
from .test_tampering import check, outcomes, told

SIGNATURES, STREAMS, AUTHORITY, REFERENCES = range(5, 9)
NOWHERE: Final = "1871011001001"
"""A station of another province."""
ELSEWHERE: Final = "1771011001009"
"""A station's code that no list has, within everybody's area."""
SOME: Final = bytes(32)

Act = Callable[[GovernedLog], Signed]


class Forbidden(NamedTuple):
    """One act, with the code and the step that ``verify`` must give."""

    name: str
    act: Act
    code: str
    step: int


def by(name: str, data: e.EventData) -> Act:
    """The next event of that key's stream."""
    return lambda log: log.world.sign(name, data)


def row(name: str, role: str, scope: str, seat: str, **other: Any) -> Callable[[GovernedLog], e.KeyRow]:
    """A row of an enrolment, with its proof of possession."""
    return lambda log: structs.replace(log.world.key_row(name, role, scope, seat), **other)


def enrols(name: str, made: Callable[[GovernedLog], e.KeyRow]) -> Act:
    """``keys.enrolled`` of one row."""
    return lambda log: log.world.sign(name, e.KeysEnrolled(keys=(made(log),)))


def revokes(name: str, whom: str) -> Act:
    """``key.revoked``."""
    return lambda log: log.world.revoke(whom, by=name)


def certifies(name: str, contest: str, area: str, **other: Any) -> Act:
    """A certificate that is true but for ``other``."""
    return lambda log: log.world.sign(name, certificate(log.state, len(log.entries), contest, area, **other))


def with_paper(change: Callable[[tuple[int, ...]], dict[str, Any]]) -> Act:
    """The city's certificate with what ``change`` makes of its sums."""

    def act(log: GovernedLog) -> Signed:
        true = certificate(log.state, len(log.entries), "mayor", CITY)
        return log.world.sign("chair-city", structs.replace(true, **change(true.sums)))

    return act


def province_certifies_the_mayor(log: GovernedLog) -> Signed:
    """The level above the one that decides."""
    true = certificate(log.state, len(log.entries), "mayor", CITY)
    return log.world.sign("chair-province", structs.replace(true, area=PROVINCE))


def certificate_of_fewer_figures(log: GovernedLog) -> Signed:
    """The city's recap is reopened and certified again, with a figure too few on both sides."""
    signed = log.append(reopens("chair-city", "mayor", CITY)(log))
    log.append(log.world.approve("member-city", signed.event_id))
    return with_paper(lambda sums: {"sums": sums[1:], "paper": sums[1:]})(log)


def reopens(name: str, contest: str, area: str, **other: Any) -> Act:
    """The reopening of the certificate that stands there."""

    def act(log: GovernedLog) -> Signed:
        standing = log.state.get(CERTIFICATES, area_key(contest, area))
        assert standing is not None
        usual: dict[str, Any] = {"certificate": standing.event, "stations": (), "reason": "error", "basis": BASIS}
        return log.world.sign(name, e.RecapReopened(contest=contest, area=area, **usual | other))

    return act


def orders(name: str, *stations: str, contest: str = "mayor", day: str = "2024-12-07") -> Act:
    """``revote.ordered``."""
    return by(name, e.RevoteOrdered(contest=contest, stations=stations, kind="psu-mk", day=day, reason="x", basis=BASIS))


def settles(name: str, outcome: str, **other: Any) -> Act:
    """An objection of the first agent, raised now, is settled."""

    def act(log: GovernedLog) -> Signed:
        raised = log.act("agent-1", e.ObjectionRaised(contest="mayor", code=ONE, ground="late", photos=()))
        usual: dict[str, Any] = {"objection": raised.event_id, "outcome": outcome, "corrections": (), "reason": "heard"}
        return log.world.sign(name, e.ObjectionSettled(**usual | other))

    return act


def answers(name: str, answer: str, *events: bytes) -> Act:
    """A recommendation, issued now, is answered."""

    def act(log: GovernedLog) -> Signed:
        issued = log.act("supervisor", recommended(ONE))
        data = e.RecommendationAnswered(recommendation=issued.event_id, answer=answer, events=events, reason="r")  # type: ignore[arg-type]
        return log.world.sign(name, data)

    return act


def recommended(*codes: str, contest: str = "mayor") -> e.RecommendationIssued:
    """A recommendation to vote again."""
    return e.RecommendationIssued(contest=contest, kind="psu", number="PM 3", ground="g", codes=codes, deadline=START_MS)


def rotates(name: str, new: str, **other: Any) -> Act:
    """``key.rotated``, in order but for ``other``."""

    def act(log: GovernedLog) -> Signed:
        old, point = log.world.key(name).point, log.world.key(new).point
        usual: dict[str, Any] = {"point": point, "seat": "chair", "reason": "planned"}
        data = usual | {key: value for key, value in other.items() if key != "signer"}
        digest = rotation_digest(log.world.ledger, old=old, new=point, seat=data["seat"])
        return log.world.sign(name, e.KeyRotated(**data, proof=log.world.key(other.get("signer", new)).sign(digest)))

    return act


def rotated_too_often(log: GovernedLog) -> Signed:
    """The ninth successor in one seat."""
    names = ["chair-b", *(f"chair-b-{number}" for number in range(1, 10))]
    made = [rotates(old, new)(log) for old, new in itertools.pairwise(names)]
    for signed in made[:8]:
        log.append(signed)
    return made[8]


def after_its_revocation(log: GovernedLog) -> Signed:
    """Position 2 is the last that the revocation let in, as void; this is position 3."""
    name = f"{ONE}/2"
    last = log.told(name, corrected(ONE, [SOME], OTHER))
    assert (last, log.world.stream(name).position) == ("void key-revoked", 3)
    return log.world.sign(name, corrected(ONE, [SOME], OTHER))


def successor_of_a_revoked_key(log: GovernedLog) -> Signed:
    """A thief rotated the stolen key before it was revoked: the successor falls with it."""
    log.append(rotates("chair-b", "thief")(log))
    log.append(log.world.revoke("chair-b", by="commission-1"))
    return log.world.sign("thief", held(FOUR))


def expired(log: GovernedLog) -> Signed:
    """A member for one evening, the morning after."""
    rows = (structs.replace(log.world.key_row("evening", "officer", CITY, "evening"), valid_until=log.time + 10),)
    log.propose("commission-1", e.KeysEnrolled(keys=rows))
    log.time += 11
    return log.world.sign("evening", held(ONE))


def stolen_proof(log: GovernedLog) -> e.KeyRow:
    """The thief's proof beside the victim's point."""
    return structs.replace(log.world.key_row("thief", "officer", CITY, "x"), point=log.world.key("victim").point)


def second_branch(log: GovernedLog) -> Signed:
    """The city's first event once more, with other words."""
    return EventStream(log.world.key("chair-city"), ledger=log.world.ledger).sign(held(ONE), claimed_at=1)


def dropped_before(log: GovernedLog) -> Signed:
    """An event of the city never came."""
    log.world.sign("chair-city", held(ONE))
    return log.world.sign("chair-city", released(ONE))


def other_before(log: GovernedLog) -> Signed:
    """The event before was exchanged."""
    at = log.world.stream("chair-city")
    return EventStream(at.key, ledger=at.ledger, position=at.position, previous=SOME).sign(held(ONE), claimed_at=1)


def of_another_election(_log: GovernedLog) -> Signed:
    """A good event of an election with the same people."""
    return Governed(name="Pemilihan lain").sign("member-b", held(FOUR))


def two_agents_marks(log: GovernedLog) -> Signed:
    """Three marks for two pairs."""
    return log.world.sign(f"{ONE}/1", submitted(ONE, round=1, agents=("signed", "absent", "refused")))


def attests(name: str, **other: Any) -> Act:
    """``tally.attested``."""
    usual: dict[str, Any] = {"contest": "mayor", "station": THREE, "round": 0, "event": SOME, "photos": ()}
    return by(name, e.TallyAttested(**usual | other))


def candidate(name: str, **other: Any) -> Act:
    """``candidate.changed``."""
    usual: dict[str, Any] = {"contest": "mayor", "number": 1, "change": "withdrawn", "reason": "x", "basis": BASIS}
    return by(name, e.CandidateChanged(**usual | other))


def amended_lists(**other: Any) -> Act:
    """``jurisdictions.amended``."""
    usual: dict[str, Any] = dict.fromkeys(("areas", "added", "merged", "cancelled", "corrected", "voters"), ())
    return by("administrator", e.JurisdictionsAmended(reason="x", basis=BASIS, **usual | other))


def voted_too_often(log: GovernedLog) -> Signed:
    """Round 9 at one station, and then another order."""
    ordered = orders("chair-city", ONE)
    for round_ in range(3, 10):  # the first order of the season was withdrawn, the second opened round 2
        signed = log.append(ordered(log))
        log.append(log.world.approve("member-city", signed.event_id))
        log.send(ONE, round=round_)
    return ordered(log)


def seals(by_name: str = "sealer", *, more: int = 0, root: bytes = b"") -> Act:
    """A seal that is true but for its size or root."""

    def act(log: GovernedLog) -> Signed:
        size = len(log.entries) + more
        return log.world.sign(by_name, e.RecapSealed(size=size, root=root or current_root(log.state, size=size)))

    return act


WITHOUT_A_BASIS: Final = e.TallyReleased(contest="mayor", station=FOUR, round=0, reason="reviewed")
WAITING_APPROVALS: Final = e.ElectionAmended(reason="x", basis=BASIS, second_seats=("approved",))
TWO_CUTOFFS: Final = e.ElectionAmended(reason="x", basis=BASIS, cutoffs=(e.Cutoff("operator", 1), e.Cutoff("operator", 2)))

FORBIDDEN: Final = (
    # role
    Forbidden("an agent corrects a tally", by("agent-1", corrected(ONE, [SOME])), "role-not-entitled", AUTHORITY),
    Forbidden("a supervisor holds a tally", by("supervisor", held(ONE)), "role-not-entitled", AUTHORITY),
    Forbidden("an operator holds a tally", by(f"{ONE}/1", held(ONE)), "role-not-entitled", AUTHORITY),
    Forbidden("an administrator enters a form", by("administrator", submitted(FOUR)), "role-not-entitled", AUTHORITY),
    Forbidden("a root key certifies", certifies("root-1", "mayor", CITY), "role-not-entitled", AUTHORITY),
    Forbidden("a supervisor orders a revote", orders("supervisor", ONE), "role-not-entitled", AUTHORITY),
    Forbidden(
        "an officer objects",
        by("chair-b", e.ObjectionRaised(contest="mayor", code=FOUR, ground="g", photos=())),
        "role-not-entitled",
        AUTHORITY,
    ),
    Forbidden("an officer recommends", by("chair-b", recommended(FOUR)), "role-not-entitled", AUTHORITY),
    Forbidden("an officer attests", attests("chair-city"), "role-not-entitled", AUTHORITY),
    Forbidden("an agent settles an objection", settles("agent-2", "rejected"), "role-not-entitled", AUTHORITY),
    Forbidden("an officer withdraws an objection", settles("member-a", "withdrawn"), "role-not-entitled", AUTHORITY),
    Forbidden("an officer seals", seals("chair-city"), "role-not-entitled", AUTHORITY),
    Forbidden("one registrar amends the manifest", by("commission-1", TWO_CUTOFFS), "role-not-entitled", AUTHORITY),
    Forbidden("an officer enrols", enrols("chair-city", row("new", "officer", CITY, "x")), "role-not-entitled", AUTHORITY),
    Forbidden("an officer revokes", revokes("chair-city", "agent-1"), "role-not-entitled", AUTHORITY),
    Forbidden(
        "an officer amends the lists",
        by("chair-city", e.JurisdictionsListed(areas=(), stations=())),
        "role-not-entitled",
        AUTHORITY,
    ),
    # area
    Forbidden("an operator enters another station's form", by(f"{ONE}/1", submitted(TWO)), "beyond-scope", AUTHORITY),
    Forbidden("a district holds another's station", by("chair-b", held(ONE)), "beyond-scope", AUTHORITY),
    Forbidden(
        "a district reads another's forms",
        by("chair-b", e.RecapRead(contest="mayor", rows=(e.ReadRow(ONE, 0, SOME),))),
        "beyond-scope",
        AUTHORITY,
    ),
    Forbidden("a district certifies another's recap", certifies("chair-b", "mayor", DISTRICT_A), "beyond-scope", AUTHORITY),
    Forbidden("an agent attests in another province", attests("agent-1", station=NOWHERE), "beyond-scope", AUTHORITY),
    Forbidden("a supervisor recommends elsewhere", by("supervisor", recommended(NOWHERE)), "beyond-scope", AUTHORITY),
    Forbidden("a city orders a revote elsewhere", orders("chair-city", NOWHERE), "beyond-scope", AUTHORITY),
    Forbidden(
        "a district's registrar enrols in another",
        enrols("registrar-a", lambda log: log.world.operator_row(FOUR, "2")),
        "beyond-scope",
        AUTHORITY,
    ),
    # level and basis
    Forbidden("a district orders a revote", orders("chair-b", FOUR), "level-not-entitled", AUTHORITY),
    Forbidden("a province enters a form", by("chair-province", submitted(FOUR)), "level-not-entitled", AUTHORITY),
    Forbidden("a city certifies a district's recap", certifies("chair-city", "mayor", DISTRICT_B), "level-not-entitled", AUTHORITY),
    Forbidden("a city reopens a district's recap", reopens("chair-city", "mayor", DISTRICT_B), "level-not-entitled", AUTHORITY),
    Forbidden("a district changes a candidate", candidate("chair-b"), "level-not-entitled", AUTHORITY),
    Forbidden("a province certifies what the city decides", province_certifies_the_mayor, "level-not-certifying", AUTHORITY),
    Forbidden(
        "a district reads its own recap as a lower one's",
        by("chair-b", e.RecapRead(contest="mayor", rows=(e.ReadRow(DISTRICT_B, 0, SOME),))),
        "level-not-certifying",
        AUTHORITY,
    ),
    Forbidden("a release without a basis", by("chair-b", WITHOUT_A_BASIS), "basis-missing", AUTHORITY),
    # registrars and keys
    Forbidden(
        "the commission enrols a supervisor",
        enrols("commission-1", row("new", "supervisor", CITY, "x")),
        "registrar-other-role",
        AUTHORITY,
    ),
    Forbidden("a pair enrols an officer", enrols("pair-1", row("new", "officer", CITY, "x")), "registrar-other-role", AUTHORITY),
    Forbidden(
        "a delegated registrar enrols an officer",
        enrols("registrar-a", row("new", "officer", DISTRICT_A, "x")),
        "registrar-other-role",
        AUTHORITY,
    ),
    Forbidden("the commission revokes a supervisor", revokes("commission-1", "supervisor"), "registrar-other-role", AUTHORITY),
    Forbidden("a root key revokes an officer", revokes("root-1", "chair-city"), "registrar-other-role", AUTHORITY),
    Forbidden("a third operator", enrols("commission-1", lambda log: log.world.operator_row(ONE, "3")), "operator-seat", AUTHORITY),
    Forbidden(
        "an officer without a proof", enrols("commission-1", row("new", "officer", CITY, "x", proof=())), "proof-missing", AUTHORITY
    ),
    Forbidden("a second chair", enrols("commission-1", row("new", "officer", CITY, "chair")), "seat-taken", AUTHORITY),
    Forbidden("a key enrolled twice", enrols("commission-1", row("chair-b", "officer", CITY, "x")), "point-enrolled", AUTHORITY),
    Forbidden("an area that is not listed", enrols("commission-1", row("new", "officer", "1772", "x")), "area-unknown", AUTHORITY),
    Forbidden("a rotation into another seat", rotates("chair-b", "new", seat="member"), "seat-other", AUTHORITY),
    Forbidden("a rotation to an enrolled key", rotates("chair-b", "member-b"), "point-enrolled", AUTHORITY),
    Forbidden("a retired key", by("chair-a", held(ONE)), "key-retired", AUTHORITY),
    Forbidden("a revoked key beyond its last good act", after_its_revocation, "key-revoked", AUTHORITY),
    Forbidden("a revoked key's successor", successor_of_a_revoked_key, "key-revoked", AUTHORITY),
    Forbidden("a key after its time", expired, "key-expired", AUTHORITY),
    Forbidden("a key that nobody enrolled", by("stranger", held(ONE)), "key-unknown", AUTHORITY),
    Forbidden("an event of another election", of_another_election, "other-ledger", AUTHORITY),
    Forbidden("a second entry 0", lambda _log: Governed(name="Pemilihan lain").first, "already-opened", AUTHORITY),
    Forbidden("an amendment with two cut-offs for a role", by("root-1", TWO_CUTOFFS), "amendment-invalid", AUTHORITY),
    Forbidden("approvals that wait for approval", by("root-1", WAITING_APPROVALS), "amendment-invalid", AUTHORITY),
    # what certificates, readings and seals say of themselves
    Forbidden("a certificate with a figure too few", certificate_of_fewer_figures, "figures-count", REFERENCES),
    Forbidden("a paper with a figure too few", with_paper(lambda sums: {"paper": sums[1:]}), "figures-count", REFERENCES),
    Forbidden(
        "a difference that is not explained",
        with_paper(lambda sums: {"paper": (sums[0] + 1, *sums[1:])}),
        "differences-wrong",
        REFERENCES,
    ),
    Forbidden(
        "an explanation of no difference",
        with_paper(lambda _: {"differences": (e.DifferenceRow(2, "slip"),)}),
        "differences-wrong",
        REFERENCES,
    ),
    Forbidden(
        "what is missing, twice", with_paper(lambda _: {"missing": (e.MissingRow(FOUR, "x", ()),) * 2}), "rows-order", REFERENCES
    ),
    Forbidden(
        "a reading out of order",
        by("chair-b", e.RecapRead(contest="mayor", rows=(e.ReadRow(FOUR, 0, SOME),) * 2)),
        "rows-order",
        REFERENCES,
    ),
    Forbidden(
        "a reading of an unknown station",
        by("chair-b", e.RecapRead(contest="mayor", rows=(e.ReadRow("1771021001009", 0, SOME),))),
        "station-unknown",
        REFERENCES,
    ),
    Forbidden(
        "a reopening of stations elsewhere", reopens("chair-b", "mayor", DISTRICT_B, stations=(ONE,)), "rows-order", REFERENCES
    ),
    Forbidden("a seal of another size", seals(more=1), "seal-size", REFERENCES),
    Forbidden("a seal with a wrong root", seals(root=SOME), "seal-differs", REFERENCES),
    # what acts name
    Forbidden("a revote at an unknown station", orders("chair-city", ELSEWHERE), "station-unknown", REFERENCES),
    Forbidden("a revote of an unknown contest", orders("chair-city", ONE, contest="regent"), "contest-unknown", REFERENCES),
    Forbidden("a revote's stations out of order", orders("chair-city", TWO, ONE), "rows-order", REFERENCES),
    Forbidden("a revote on a day that is none", orders("chair-city", ONE, day="2024-12-32"), "day-invalid", REFERENCES),
    Forbidden("a form of a round that nobody ordered", by(f"{THREE}/1", submitted(THREE, round=3)), "round-unknown", REFERENCES),
    Forbidden("a form of an unknown contest", by(f"{THREE}/1", submitted(THREE, contest="regent")), "contest-unknown", REFERENCES),
    Forbidden("a form with a figure too many", by(f"{THREE}/1", submitted(THREE, (*GOOD, 1))), "figures-count", REFERENCES),
    Forbidden(
        "a form of another version", by(f"{THREE}/1", submitted(THREE, form=e.FormRef(FORM.code, 2))), "form-other", REFERENCES
    ),
    Forbidden("marks of three agents for two pairs", two_agents_marks, "agents-count", REFERENCES),
    Forbidden("a copy with a figure too few", attests("agent-1", figures=GOOD[1:]), "figures-count", REFERENCES),
    Forbidden(
        "a correction that names an event twice", by("chair-b", corrected(FOUR, [SOME, SOME])), "supersedes-order", REFERENCES
    ),
    Forbidden("an unknown candidate", candidate("chair-city", number=3), "candidate-unknown", REFERENCES),
    Forbidden("a replacement without a name", candidate("chair-city", change="replaced"), "candidate-name", REFERENCES),
    Forbidden("an objection accepted without a correction", settles("member-a", "accepted"), "corrections-wrong", REFERENCES),
    Forbidden("an answer without the events", answers("chair-city", "executed"), "events-wrong", REFERENCES),
    Forbidden(
        "an incident in an unknown area",
        by("supervisor", e.IncidentRecorded(code=ELSEWHERE, kind="flood", photos=())),
        "area-unknown",
        AUTHORITY,
    ),
    Forbidden("recommended stations out of order", by("supervisor", recommended(TWO, ONE)), "rows-order", REFERENCES),
    Forbidden("an amendment of nothing", amended_lists(), "batch-empty", REFERENCES),
    Forbidden("an unknown station cancelled", amended_lists(cancelled=(ELSEWHERE,)), "station-unknown", REFERENCES),
    Forbidden("an area listed twice", amended_lists(areas=(e.AreaRow(DISTRICT_A, "A"),)), "area-exists", REFERENCES),
    Forbidden("a tenth revote", voted_too_often, "round-limit", REFERENCES),
    Forbidden("the ninth rotation of a seat", rotated_too_often, "rotations-limit", REFERENCES),
    Forbidden("a rekeying of nothing", lambda log: log.world.sign("root-1", rekeying(log.world)), "rekey-invalid", AUTHORITY),
    # signatures inside
    Forbidden("a rotation with another key's proof", rotates("chair-b", "new", signer="member-b"), "signature-invalid", SIGNATURES),
    Forbidden("an enrolment with another key's proof", enrols("commission-1", stolen_proof), "signature-invalid", SIGNATURES),
    # streams
    Forbidden("a second branch of a stream", second_branch, "stream-position", STREAMS),
    Forbidden("an event after a dropped one", dropped_before, "stream-gap", STREAMS),
    Forbidden("an event after another one", other_before, "stream-previous", STREAMS),
)

ELSEWHERE_TESTED: Final = frozenset(
    """area-code candidates-mismatch contest-exists contest-twice form-exists form-invalid form-unknown level-unknown not-opened
    opening-invalid point-invalid zone-unknown""".split()
)
"""Refusals of setting up an election: in ``tests/tally``."""


def test_the_table_leaves_no_code_out() -> None:
    """At least forty acts, and every refusal of an open election among them; the step is the one that the code belongs to."""
    assert len(FORBIDDEN) >= 40
    assert max(Counter(each.name for each in FORBIDDEN).values()) == 1
    assert set(STEP_OF_CODE) - {each.code for each in FORBIDDEN} == ELSEWHERE_TESTED
    assert [each for each in FORBIDDEN if STEP_OF_CODE[each.code] != each.step] == []


@pytest.mark.parametrize("forbidden", FORBIDDEN, ids=lambda each: each.name)
def test_a_forbidden_act_fails_where_it_stands(forbidden: Forbidden, tmp_path: Path) -> None:
    """Intake, replay and auditor give one code; nothing else is found, and no step beyond it is said to be passed."""
    log = whole_season()
    submission = forbidden.act(log).submission
    index = len(log.entries)
    assert code_of(log.decide(submission)) in {f"refused {forbidden.code}", f"waiting {forbidden.code}"}

    entries = relink([*parts_of(log.entries), part(submission, log.time)])
    report = check(tmp_path, publication(entries, SIGNER))
    assert told(report) == [(forbidden.step, forbidden.code, index, f"tile/entries/000.p/{index + 1}")]
    after = "".join("f" if number == forbidden.step else "n" for number in range(6, 10))
    assert outcomes(report) == ("ppppf" if forbidden.step == SIGNATURES else "ppppp") + after
    assert (report.ok, report.contests) == (False, ())
    assert [step.checked for step in report.steps[5:8]] == [index] * 3

    if forbidden.step != SIGNATURES:  # a replay is of entries whose signatures intake has checked
        with pytest.raises(Broken) as caught:
            replay(entries)
        assert (caught.value.code, caught.value.where["index"]) == ("entry-not-foldable", index)
        assert forbidden.code in caught.value.detail
