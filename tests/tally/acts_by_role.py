"""Table 1, the acts: every event type, in a scene where those who may do it can, with data that anybody could sign.

The answers are in ``acts_by_role.toml``.  An act is named by its type, and by what it is about where that matters.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

from ledger.tally import events as e
from ledger.tally.acts.keys import voting_day_began
from ledger.tally.state import ELECTION, KEYS, SINGLE

from ..governed import CITY, DISTRICT_A, DISTRICT_B, PROVINCE, reading
from ..rekeying import LOG_2, SEALER_2, rekeying
from ..world import FORM, GOOD, START_MS, contest_row, corrected, submitted
from .act_scenes import BASIS, DAY_MS, FOUR, NOBODY, ONE, OTHER, THREE, TWO, WRONG, Made, Scene


class RoleAct(NamedTuple):
    """An act: the scene it is tried in, what it says, and whether it is tried before the voting day."""

    scene: str
    made: Made
    before_the_day: bool = False


# --- scenes --------------------------------------------------------------------------------------------------------------------


@cache
def scene(name: str) -> Scene:
    """The scene of that name, built once."""
    return SCENES[name]()


def _in() -> Scene:
    """One form is in, from the first operator; it breaks a rule."""
    made = Scene()
    return made.did("form", made.log.send(ONE, WRONG))


def _held() -> Scene:
    return _in().does("held", "chair-a", e.TallyHeld(contest="mayor", station=ONE, round=0, reason="under-review"))


def _postponed() -> Scene:
    return Scene().does("postponed", "chair-city", postponed())


def _seat_empty() -> Scene:
    """The second operator's key of station ONE was revoked: its seat had a key and has none."""
    made = Scene()
    return made.did("revoked", made.log.append(made.world.revoke(f"{ONE}/2", by="commission-1")))


def _objected(name: str = "agent-1", code: str = ONE) -> Scene:
    return Scene().does("objection", name, e.ObjectionRaised(contest="mayor", code=code, ground="late-opening", photos=()))


def _recommended() -> Scene:
    return Scene().does("recommendation", "supervisor", recommended())


def _ordered() -> Scene:
    made = _in()
    return made.did("order", made.log.propose("chair-city", ordered()))


def _read(contest: str = "mayor") -> Scene:
    """Every form of both districts is in and read."""
    made = Scene()
    for station in (ONE, TWO, THREE, FOUR):
        made.log.send(station, contest=contest)
    made.log.read("chair-a", contest, DISTRICT_A)
    made.log.read("chair-b", contest, DISTRICT_B)
    return made


def _districts(contest: str = "mayor") -> Scene:
    """Both districts have certified."""
    made = _read(contest)
    made.did("certificate-a", made.log.certify("chair-a", contest, DISTRICT_A))
    return made.did("certificate-b", made.log.certify("chair-b", contest, DISTRICT_B))


def _city_read(contest: str = "mayor") -> Scene:
    made = _districts(contest)
    made.log.read("chair-city", contest, CITY)
    return made


def _city(contest: str = "mayor") -> Scene:
    made = _city_read(contest)
    return made.did("certificate-city", made.log.certify("chair-city", contest, CITY))


def _province_read() -> Scene:
    made = _city("governor")
    made.log.read("chair-province", "governor", PROVINCE)
    return made


def _province() -> Scene:
    made = _province_read()
    return made.did("certificate-province", made.log.certify("chair-province", "governor", PROVINCE))


def _pending_recap() -> Scene:
    made = _read()
    return made.does("pending", "chair-a", made.certificate("mayor", DISTRICT_A))


def _pending_keys() -> Scene:
    made = Scene()
    return made.does("pending", "commission-1", officer_enrolled(made, ""))


def _pending_amendment() -> Scene:
    return Scene().does("pending", "root-2", amended())


def _pending_rekeying() -> Scene:
    made = Scene()
    return made.does("pending", "root-2", rekeyed(made))


def _pending_over() -> Scene:
    """The city corrects over the certificate of a district: it waits for a second seat whatever the election says."""
    made = _districts("governor")
    over = corrected(ONE, made.log.standing(ONE, "governor"), OTHER, contest="governor", basis=BASIS)
    return made.does("pending", "chair-city", over)


SCENES: Final = {
    "founded": Scene,
    "form in": _in,
    "held": _held,
    "postponed": _postponed,
    "seat empty": _seat_empty,
    "objected": _objected,
    "objected by agent@city": lambda: _objected("agent@city"),
    "recommended": _recommended,
    "revote ordered": _ordered,
    "forms read": _read,
    "districts certified": _districts,
    "districts certified (governor)": lambda: _districts("governor"),
    "districts read": _city_read,
    "city certified": _city,
    "city certified (governor)": lambda: _city("governor"),
    "city read (governor)": _province_read,
    "province certified (governor)": _province,
    "certificate proposed": _pending_recap,
    "keys proposed": _pending_keys,
    "amendment proposed": _pending_amendment,
    "rekeying proposed": _pending_rekeying,
    "correction proposed over a certificate": _pending_over,
}


# --- what acts say -------------------------------------------------------------------------------------------------------------


def approved(made: Scene, _name: str) -> e.Approved:
    """Of what is pending in the scene."""
    return e.Approved(event=made.ids["pending"])


def candidate(made: Scene | None = None, _name: str = "", **other: Any) -> e.CandidateChanged:
    """Candidate 2 for mayor is out."""
    usual: dict[str, Any] = {"contest": "mayor", "number": 2, "change": "disqualified", "reason": "ruling", "basis": BASIS}
    return e.CandidateChanged(**{**usual, **other})


def amended(made: Scene | None = None, _name: str = "") -> e.ElectionAmended:
    """A cut-off for operators."""
    return e.ElectionAmended(reason="longer-evening", basis=BASIS, cutoffs=(e.Cutoff("operator", START_MS + 10**9),))


def rekeyed(made: Scene, _name: str = "") -> e.LogRekeyed:
    """The log and the sealer have other keys."""
    return rekeying(made.world, log=LOG_2, sealer=SEALER_2)


def added(made: Scene | None = None, _name: str = "", *, code: str = "1771011001009", **other: Any) -> e.JurisdictionsAmended:
    """One station more; ``other`` fields replace the usual ones."""
    row = e.StationRow(code, "TPS 9", "Asia/Jakarta", 100, 100, ("mayor",))
    usual: dict[str, Any] = {"areas": (), "added": (row,), "merged": (), "cancelled": (), "corrected": (), "voters": ()}
    return e.JurisdictionsAmended(reason="new-list", basis=BASIS, **{**usual, **other})


def officer_enrolled(made: Scene, _name: str) -> e.KeysEnrolled:
    """A clerk of the district."""
    return e.KeysEnrolled(keys=(made.world.key_row("clerk", "officer", DISTRICT_A, "clerk"),))


def operator_enrolled(made: Scene, _name: str) -> e.KeysEnrolled:
    """A new key for the second operator of station ONE."""
    return e.KeysEnrolled(keys=(made.world.key_row(f"{ONE}/2b", "operator", ONE, "2"),))


def revoked(name: str) -> Made:
    """The key of that name."""
    return lambda made, _name: e.KeyRevoked(key=made.world.key(name).point, reason="lost")


def rotated(made: Scene, name: str) -> e.KeyRotated:
    """The key's own seat passes on."""
    from ledger.tally.signing import rotation_digest

    old, new = made.world.key(name).point, made.world.key(f"{name} anew")
    row = made.log.state.get(KEYS, old)
    assert row is not None
    proof = new.sign(rotation_digest(made.world.ledger, old=old, new=new.point, seat=row.seat))
    return e.KeyRotated(point=new.point, seat=row.seat, proof=proof, reason="planned")


def settled(outcome: str) -> Made:
    """The scene's objection."""
    return lambda made, _name: e.ObjectionSettled(
        objection=made.ids["objection"],
        outcome=outcome,  # type: ignore[arg-type]
        corrections=(),
        reason="heard",
    )


def certified(contest: str, area: str) -> Made:
    """As the state asks."""
    return lambda made, _name: made.certificate(contest, area)


def read(contest: str, area: str) -> Made:
    """All that is to be read there."""
    return lambda made, _name: reading(made.log.state, contest, area)


def reopened(contest: str, area: str, label: str) -> Made:
    """The certificate of that label."""
    return lambda made, _name: e.RecapReopened(
        contest=contest, area=area, certificate=made.ids.get(label, NOBODY), stations=(), reason="form-came", basis=BASIS
    )


def sealed(made: Scene, _name: str) -> e.RecapSealed:
    """The truth."""
    from ledger.tally.recaps import current_root

    size = len(made.log.entries)
    return e.RecapSealed(size=size, root=current_root(made.log.state, size=size))


def recommended(made: Scene | None = None, _name: str = "") -> e.RecommendationIssued:
    """To vote again at station ONE."""
    return e.RecommendationIssued(
        contest="mayor", kind="psu", number="PM 1/2024", ground="voted-twice", codes=(ONE,), deadline=START_MS + DAY_MS
    )


def recommendation_answered(made: Scene, _name: str) -> e.RecommendationAnswered:
    """Refused."""
    return e.RecommendationAnswered(
        recommendation=made.ids["recommendation"], answer="refused", events=(), reason="no-ground", basis=BASIS
    )


def ordered(made: Scene | None = None, _name: str = "", **other: Any) -> e.RevoteOrdered:
    """Station ONE votes again."""
    usual: dict[str, Any] = {"contest": "mayor", "stations": (ONE,), "kind": "psu", "day": "2024-12-05"}
    return e.RevoteOrdered(**{**usual, "reason": "voted-twice", "basis": BASIS, **other})


def order_withdrawn(made: Scene, _name: str) -> e.RevoteWithdrawn:
    """The scene's order."""
    return e.RevoteWithdrawn(order=made.ids["order"], reason="court", basis=BASIS)


def postponed(made: Scene | None = None, _name: str = "", **other: Any) -> e.VotePostponed:
    """Station ONE votes on."""
    usual: dict[str, Any] = {"contest": "mayor", "stations": (ONE,), "kind": "psl", "until": "2024-11-29", "reason": "flood"}
    return e.VotePostponed(**{**usual, "basis": BASIS, **other})


def objected(made: Scene, _name: str) -> e.ObjectionRaised:
    """At station ONE."""
    return e.ObjectionRaised(contest="mayor", code=ONE, ground="late-opening", photos=())


def form_correction(made: Scene, _name: str) -> e.TallyCorrected:
    """Other figures for what stands at station ONE, with a basis."""
    return corrected(ONE, made.log.standing(ONE), OTHER, basis=BASIS)


def over_correction(made: Scene, _name: str) -> e.TallyCorrected:
    """The same, of the governor's form."""
    return corrected(ONE, made.log.standing(ONE, "governor"), OTHER, contest="governor", basis=BASIS)


def form_withdrawn(made: Scene, _name: str) -> e.TallyWithdrawn:
    """What stands at station ONE."""
    return e.TallyWithdrawn(
        contest="mayor", station=ONE, round=0, withdraws=tuple(made.log.standing(ONE)), reason="wrong-station", basis=BASIS
    )


def explained(made: Scene, _name: str) -> e.FindingExplained:
    """The rule that the form of station ONE breaks."""
    event = made.log.standing(ONE)[0]
    return e.FindingExplained(contest="mayor", station=ONE, round=0, event=event, findings=("r5",), reason="paper-says-so")


def attested(made: Scene, _name: str) -> e.TallyAttested:
    """The own copy says the same."""
    return e.TallyAttested(contest="mayor", station=ONE, round=0, event=made.log.standing(ONE)[0], photos=())


def contests(made: Scene, _name: str) -> e.ContestsListed:
    """A contest of the city."""
    return e.ContestsListed(contests=(contest_row("council", CITY),))


def listed(made: Scene, _name: str) -> e.JurisdictionsListed:
    """A station in the village of ONE."""
    row = e.StationRow("1771011001009", "TPS 9", "Asia/Jakarta", 100, 100, ("mayor",))
    return e.JurisdictionsListed(areas=(), stations=(row,))


def _forms(made: Scene, _name: str) -> e.FormsDefined:
    from msgspec.structs import replace

    return e.FormsDefined(forms=(replace(FORM, version=2),))


def before_the_day(made: Scene) -> int:
    """How long from the scene's time to an hour before the voting day (ms, negative)."""
    election = made.log.state.get(ELECTION, SINGLE)
    assert election is not None
    return voting_day_began(election) - 3_600_000 - made.log.time


SLOT: Final[dict[str, Any]] = {"contest": "mayor", "station": ONE, "round": 0}

ROLE_ACTS: Final[dict[str, RoleAct]] = {
    "approved (certificate of the district)": RoleAct("certificate proposed", approved),
    "approved (correction over a certificate)": RoleAct("correction proposed over a certificate", approved),
    "approved (election amended)": RoleAct("amendment proposed", approved),
    "approved (log rekeyed)": RoleAct("rekeying proposed", approved),
    "approved (keys enrolled)": RoleAct("keys proposed", approved),
    "candidate.changed": RoleAct("founded", candidate),
    "contests.listed": RoleAct("founded", contests),
    "election.amended": RoleAct("founded", amended),
    "finding.explained": RoleAct("form in", explained),
    "forms.defined": RoleAct("founded", _forms),
    "incident.recorded": RoleAct("founded", lambda _made, _name: e.IncidentRecorded(code=ONE, kind="power-cut", photos=())),
    "jurisdictions.amended": RoleAct("founded", added),
    "jurisdictions.listed": RoleAct("founded", listed),
    "key.revoked (agent)": RoleAct("founded", revoked("agent-2")),
    "key.revoked (delegated registrar)": RoleAct("founded", revoked("registrar-a")),
    "key.revoked (officer)": RoleAct("founded", revoked("chair-a")),
    "key.revoked (operator)": RoleAct("founded", revoked(f"{ONE}/2")),
    "key.revoked (registrar of the supervisors)": RoleAct("founded", revoked("watchdog-1")),
    "key.revoked (root)": RoleAct("founded", revoked("root-2")),
    "key.rotated": RoleAct("founded", rotated),
    "keys.enrolled (officer)": RoleAct("founded", officer_enrolled),
    "keys.enrolled (operator before the day)": RoleAct("seat empty", operator_enrolled, before_the_day=True),
    "keys.enrolled (operator replaced on the day)": RoleAct("seat empty", operator_enrolled),
    "log.rekeyed": RoleAct("founded", rekeyed),
    "objection.raised": RoleAct("founded", objected),
    "objection.settled (rejected)": RoleAct("objected", settled("rejected")),
    "objection.settled (withdrawn)": RoleAct("objected by agent@city", settled("withdrawn")),
    "recap.certified (city)": RoleAct("districts read", certified("mayor", CITY)),
    "recap.certified (district)": RoleAct("forms read", certified("mayor", DISTRICT_A)),
    "recap.certified (province)": RoleAct("city read (governor)", certified("governor", PROVINCE)),
    "recap.certified (village)": RoleAct("forms read", certified("mayor", ONE[:10])),
    "recap.read (forms)": RoleAct("form in", read("mayor", DISTRICT_A)),
    "recap.read (recap of a city)": RoleAct("city certified (governor)", read("governor", PROVINCE)),
    "recap.read (recaps of districts)": RoleAct("districts certified", read("mayor", CITY)),
    "recap.reopened (city)": RoleAct("city certified", reopened("mayor", CITY, "certificate-city")),
    "recap.reopened (district)": RoleAct("districts certified", reopened("mayor", DISTRICT_A, "certificate-a")),
    "recap.reopened (province)": RoleAct("province certified (governor)", reopened("governor", PROVINCE, "certificate-province")),
    "recap.sealed": RoleAct("form in", sealed),
    "recommendation.answered": RoleAct("recommended", recommendation_answered),
    "recommendation.issued": RoleAct("founded", recommended),
    "revote.ordered": RoleAct("form in", ordered),
    "revote.withdrawn": RoleAct("revote ordered", order_withdrawn),
    "tally.attested": RoleAct("form in", attested),
    "tally.corrected": RoleAct("form in", form_correction),
    "tally.corrected (over a district's certificate)": RoleAct("districts certified (governor)", over_correction),
    "tally.held": RoleAct("form in", lambda _made, _name: e.TallyHeld(reason="under-review", **SLOT)),
    "tally.released": RoleAct("held", lambda _made, _name: e.TallyReleased(reason="reviewed", basis=BASIS, **SLOT)),
    "tally.submitted": RoleAct("founded", lambda _made, _name: submitted(ONE, GOOD)),
    "tally.withdrawn": RoleAct("form in", form_withdrawn),
    "vote.postponed": RoleAct("founded", postponed),
}
