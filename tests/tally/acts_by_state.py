"""Table 2, the states and the acts: what an act does in each state that the thing it is about can be in.

The answers are in ``acts_by_state.toml``.  A group is a kind of thing: a tally, a certificate, an objection and so on.  ``by`` in
an act's name says whose key tries it.  The tallies and certificates are of the governor's contest, which districts and the city
certify and the province decides, so that every level has one below and one above.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from ledger.device.stream import EventStream
from ledger.proof.note import NoteCosigner
from ledger.tally import events as e
from ledger.tally.recaps import current_root
from ledger.tally.signing import rotation_digest
from ledger.tally.state import SLOTS, slot_key

from ..governed import CITY, DISTRICT_A, DISTRICT_B, PROVINCE
from ..rekeying import LOG_2, LOG_3, SEALER_2, SEALER_3, log_private, log_signer, rekey, rekeying
from ..world import GOOD, START_MS, corrected, submitted
from .act_scenes import BASIS, FOUR, NOBODY, ONE, OTHER, THREE, TWO, WRONG, Made, Scene
from .acts_by_role import (
    added,
    amended,
    approved,
    candidate,
    ordered,
    postponed,
    recommended,
    rekeyed,
    settled,
)

CONTEST: Final = "governor"
CUT_OFF: Final = START_MS + 10**7
HOURS_25_MS: Final = 25 * 3_600_000
OPERATOR: Final = f"{ONE}/1"
SECOND: Final = f"{ONE}/2"
DISTRICT: Final = "chair-a"
CITY_OFFICE: Final = "chair-city"
PROVINCE_OFFICE: Final = "chair-province"

Tried = Callable[[Scene], str]
"""An act tried in a scene: the fold's answer."""


class Group(NamedTuple):
    """What can be tried, and the states to try it in."""

    acts: dict[str, Tried]
    states: dict[str, Callable[[], Scene]]


def by(name: str, made: Made) -> Tried:
    """The act of a key."""
    return lambda scene: scene.answer(name, made(scene, name))


# --- tallies: the states of station ONE ------------------------------------------------------------------------------------------


def _form(figures: e.Figures = WRONG, **world: Any) -> Scene:
    made = Scene(**world)
    return made.did("form", made.log.send(ONE, figures, contest=CONTEST))


def _two(figures: e.Figures) -> Scene:
    made = _form()
    return made.did("second form", made.log.send(ONE, figures, contest=CONTEST, seat="2"))


def _decided() -> Scene:
    made = _form()
    return made.does("correction", DISTRICT, corrected(ONE, made.log.standing(ONE, CONTEST), WRONG, contest=CONTEST, basis=BASIS))


def _held() -> Scene:
    return _form().does("hold", DISTRICT, e.TallyHeld(contest=CONTEST, station=ONE, round=0, reason="under-review"))


def _withdrawn() -> Scene:
    made = _form()
    gone = tuple(made.log.standing(ONE, CONTEST))
    return made.does(
        "withdrawal", OPERATOR, e.TallyWithdrawn(contest=CONTEST, station=ONE, round=0, withdraws=gone, reason="wrong-station")
    )


def _postponed() -> Scene:
    return Scene().does("postponed", CITY_OFFICE, postponed(contest=CONTEST))


def _read_form() -> Scene:
    made = _form()
    made.log.read(DISTRICT, CONTEST, DISTRICT_A)
    return made


def _late() -> Scene:
    made = _form(cutoffs=(e.Cutoff("operator", CUT_OFF),))
    made.log.time = CUT_OFF
    return made


def districts_in(*, one: bool) -> Scene:
    """The forms of both districts are in (that of ONE if so asked), all read."""
    made = _form() if one else Scene()
    for station in (TWO, THREE, FOUR):
        made.log.send(station, contest=CONTEST)
    made.log.read(DISTRICT, CONTEST, DISTRICT_A)
    made.log.read("chair-b", CONTEST, DISTRICT_B)
    return made


def _certified(*, one: bool = True) -> Scene:
    made = districts_in(one=one)
    made.did("certificate", made.log.certify(DISTRICT, CONTEST, DISTRICT_A))
    return made.did("certificate-b", made.log.certify("chair-b", CONTEST, DISTRICT_B))


def _read_above() -> Scene:
    made = _certified()
    made.log.read(CITY_OFFICE, CONTEST, CITY)
    return made


def _certified_city() -> Scene:
    made = _read_above()
    return made.did("certificate-city", made.log.certify(CITY_OFFICE, CONTEST, CITY))


def _certified_province() -> Scene:
    made = _certified_city()
    made.log.read(PROVINCE_OFFICE, CONTEST, PROVINCE)
    return made.did("certificate-province", made.log.certify(PROVINCE_OFFICE, CONTEST, PROVINCE))


def _reopened(*stations: str) -> Scene:
    made = _certified()
    opened = e.RecapReopened(
        contest=CONTEST, area=DISTRICT_A, certificate=made.ids["certificate"], stations=stations, reason="form-came", basis=BASIS
    )
    return made.did("reopening", made.log.propose(DISTRICT, opened))


def _corrected_above() -> Scene:
    made = _certified()
    over = corrected(ONE, made.log.standing(ONE, CONTEST), OTHER, contest=CONTEST, basis=BASIS)
    return made.did("correction", made.log.propose(CITY_OFFICE, over))


def _ordered() -> Scene:
    """A revote at ONE was ordered over the district's certificate."""
    made = _certified()
    return made.did("order", made.log.propose(CITY_OFFICE, ordered(contest=CONTEST)))


def _revote_in() -> Scene:
    made = _ordered()
    return made.did("form", made.log.send(ONE, WRONG, contest=CONTEST, round=1))


def _cancelled() -> Scene:
    made = Scene()
    return made.did("cancelled", made.log.propose("administrator", added(added=(), cancelled=(ONE,))))


def _in_round(made: Scene, round_: int) -> Scene:
    made.ids["round"] = bytes([round_])
    return made


TALLY_STATES: Final[dict[str, Callable[[], Scene]]] = {
    "none": Scene,
    "single": _form,
    "confirmed": lambda: _two(WRONG),
    "differing": lambda: _two(OTHER),
    "corrected": _decided,
    "held": _held,
    "withdrawn": _withdrawn,
    "postponed": _postponed,
    "past cut-off": _late,
    "read": _read_form,
    "certified district": _certified,
    "certified district without it": lambda: _certified(one=False),
    "certified city": _certified_city,
    "certified province": _certified_province,
    "corrected above": _corrected_above,
    "reopened": _reopened,
    "reopened for another": lambda: _reopened(TWO),
    "annulled": _ordered,
    "awaiting revote": lambda: _in_round(_ordered(), 1),
    "revote in": lambda: _in_round(_revote_in(), 1),
    "cancelled": _cancelled,
}


# --- tallies: acts ---------------------------------------------------------------------------------------------------------------


def _place(scene: Scene) -> dict[str, Any]:
    return {"contest": CONTEST, "station": ONE, "round": scene.ids.get("round", b"\0")[0]}


def _stands(scene: Scene, name: str) -> tuple[bytes, ...]:
    """What the key sees standing: an operator the own seat's, an officer all; nobody's id where nothing is."""
    slot = scene.log.state.get(SLOTS, slot_key(CONTEST, ONE, _place(scene)["round"]))
    assert slot is not None
    seats = slot.seats if name in (OPERATOR, SECOND) else slot.standing
    own = [each.event for each in seats if name not in (OPERATOR, SECOND) or each.seat == name[-1]]
    return tuple(sorted(own)) or (NOBODY,)


def _submit(scene: Scene, _name: str) -> e.TallySubmitted:
    return submitted(ONE, GOOD, contest=CONTEST, round=_place(scene)["round"])


def _correct(scene: Scene, name: str, **more: Any) -> e.TallyCorrected:
    return corrected(ONE, _stands(scene, name), OTHER, contest=CONTEST, round=_place(scene)["round"], **more)


def _correct_stale(scene: Scene, _name: str) -> e.TallyCorrected:
    return corrected(ONE, [NOBODY], OTHER, contest=CONTEST, round=_place(scene)["round"], basis=BASIS)


def _withdraw(scene: Scene, name: str) -> e.TallyWithdrawn:
    return e.TallyWithdrawn(**_place(scene), withdraws=_stands(scene, name), reason="wrong-station", basis=BASIS)


def _hold(scene: Scene, _name: str) -> e.TallyHeld:
    return e.TallyHeld(**_place(scene), reason="under-review")


def _release(scene: Scene, _name: str) -> e.TallyReleased:
    return e.TallyReleased(**_place(scene), reason="reviewed", basis=BASIS)


def _read(scene: Scene, name: str) -> e.RecapRead:
    return e.RecapRead(contest=CONTEST, rows=(e.ReadRow(ONE, _place(scene)["round"], _stands(scene, name)[0]),))


def _explain(scene: Scene, name: str) -> e.FindingExplained:
    event = _stands(scene, name)[0]
    return e.FindingExplained(**_place(scene), event=event, findings=("r5",), reason="paper-says-so")


def _attest(scene: Scene, _name: str) -> e.TallyAttested:
    return e.TallyAttested(**_place(scene), event=NOBODY, photos=(), figures=OTHER)


def _object(_scene: Scene, _name: str) -> e.ObjectionRaised:
    return e.ObjectionRaised(contest=CONTEST, code=ONE, ground="late-opening", photos=())


def _order(kind: str) -> Made:
    return lambda _scene, _name: ordered(contest=CONTEST, kind=kind)


def _postpone(kind: str) -> Made:
    return lambda _scene, _name: postponed(contest=CONTEST, kind=kind)


TALLY_ACTS: Final[dict[str, Tried]] = {
    "submitted by operator": by(OPERATOR, _submit),
    "submitted by second operator": by(SECOND, _submit),
    "submitted by district": by(DISTRICT, _submit),
    "submitted by city": by(CITY_OFFICE, _submit),
    "corrected by operator": by(OPERATOR, _correct),
    "corrected by district": by(DISTRICT, _correct),
    "corrected by city": by(CITY_OFFICE, partial(_correct, basis=BASIS)),
    "corrected by city without basis": by(CITY_OFFICE, _correct),
    "corrected by province": by(PROVINCE_OFFICE, partial(_correct, basis=BASIS)),
    "corrected (not standing) by operator": by(OPERATOR, _correct_stale),
    "corrected (not standing) by district": by(DISTRICT, _correct_stale),
    "withdrawn by operator": by(OPERATOR, _withdraw),
    "withdrawn by district": by(DISTRICT, _withdraw),
    "withdrawn by city": by(CITY_OFFICE, _withdraw),
    "held by district": by(DISTRICT, _hold),
    "held by city": by(CITY_OFFICE, _hold),
    "released by district": by(DISTRICT, _release),
    "read by district": by(DISTRICT, _read),
    "read by city": by(CITY_OFFICE, _read),
    "explained by district": by(DISTRICT, _explain),
    "attested by agent": by("agent-1", _attest),
    "objected to by supervisor": by("supervisor", _object),
    "revote ordered by city": by(CITY_OFFICE, _order("psu")),
    "revote ordered by the court": by(CITY_OFFICE, _order("psu-mk")),
    "postponed by city": by(CITY_OFFICE, _postpone("psl")),
    "resumed by city": by(CITY_OFFICE, _postpone("resumed")),
}


# --- certificates: of district A, and of the city above it -----------------------------------------------------------------------


def _unread() -> Scene:
    made = Scene()
    for station in (ONE, TWO, THREE, FOUR):
        made.log.send(station, contest=CONTEST)
    return made


def _empty_district() -> Scene:
    """Every station of district A was cancelled."""
    made = Scene()
    gone = added(added=(), cancelled=(ONE, TWO, THREE))
    return made.did("cancelled", made.log.propose("administrator", gone))


def _differing_read() -> Scene:
    """One station differs, the others are read."""
    made = _two(OTHER)
    for station in (TWO, THREE):
        made.log.send(station, contest=CONTEST)
    made.log.read(DISTRICT, CONTEST, DISTRICT_A)
    return made


def _revote_read() -> Scene:
    made = _revote_in()
    made.log.read(DISTRICT, CONTEST, DISTRICT_A)
    return made


def _certify(area: str, **other: Any) -> Made:
    """As the state asks, but for ``other`` fields."""
    return lambda scene, _name: _whole(scene.certificate(CONTEST, area, **other))


def _whole(made: e.RecapCertified) -> e.RecapCertified:
    """An area without stations has no commitment; a certificate of it names nobody's."""
    return made if made.commitment else replace(made, commitment=NOBODY)


def certify_wrongly(fault: str) -> Made:
    def made(scene: Scene, _name: str) -> e.RecapCertified:
        true = _whole(scene.certificate(CONTEST, DISTRICT_A))
        more = (true.sums[0] + 1, *true.sums[1:])
        faults: dict[str, dict[str, Any]] = {
            "old size": {"size": 1},
            "size beyond the log": {"size": true.size + 1},
            "other total": {"sums": more, "paper": more},
            "other commitment": {"commitment": NOBODY},
            "other missing": {"missing": (e.MissingRow("1771011001999", "not-in", ()),)},
            "paper's difference": {"paper": more, "differences": (e.DifferenceRow(0, "slip-of-the-pen"),)},
            "paper's difference not explained": {"paper": more},
            "paper of another form": {"paper": more[1:]},
            "figures of another form": {"sums": more[1:], "paper": more[1:]},
            "missing out of order": {"missing": tuple(e.MissingRow(code, "not-in", ()) for code in (TWO, ONE))},
        }
        return replace(true, **faults[fault])

    return made


def reopen(area: str, label: str, **other: Any) -> Made:
    usual: dict[str, Any] = {"stations": (), "reason": "form-came", "basis": BASIS}
    return lambda scene, _name: e.RecapReopened(
        contest=CONTEST, area=area, certificate=scene.ids.get(label, NOBODY), **{**usual, **other}
    )


def _read_recap(scene: Scene, _name: str) -> e.RecapRead:
    return e.RecapRead(contest=CONTEST, rows=(e.ReadRow(DISTRICT_A, 0, scene.ids.get("certificate", NOBODY)),))


def _read_other_recap(_scene: Scene, _name: str) -> e.RecapRead:
    return e.RecapRead(contest=CONTEST, rows=(e.ReadRow(DISTRICT_A, 0, NOBODY),))


def _add(scene: Scene, _name: str) -> e.JurisdictionsAmended:
    row = e.StationRow("1771011001009", "TPS 9", "Asia/Jakarta", 100, 100, (CONTEST,))
    return added(added=(row,))


def _list(scene: Scene, _name: str) -> e.JurisdictionsListed:
    row = e.StationRow("1771011001009", "TPS 9", "Asia/Jakarta", 100, 100, (CONTEST,))
    return e.JurisdictionsListed(areas=(), stations=(row,))


CERTIFICATES: Final = Group(
    {
        "certified by district": by(DISTRICT, _certify(DISTRICT_A)),
        "certified by district (old size)": by(DISTRICT, certify_wrongly("old size")),
        "certified by district (size beyond the log)": by(DISTRICT, certify_wrongly("size beyond the log")),
        "certified by district (other total)": by(DISTRICT, certify_wrongly("other total")),
        "certified by district (other commitment)": by(DISTRICT, certify_wrongly("other commitment")),
        "certified by district (other missing)": by(DISTRICT, certify_wrongly("other missing")),
        "certified by district (paper's difference)": by(DISTRICT, certify_wrongly("paper's difference")),
        "certified by city": by(CITY_OFFICE, _certify(CITY)),
        "reopened by district": by(DISTRICT, reopen(DISTRICT_A, "certificate")),
        "reopened by district (another certificate)": by(DISTRICT, reopen(DISTRICT_A, "none")),
        "read by city": by(CITY_OFFICE, _read_recap),
        "read by city (another certificate)": by(CITY_OFFICE, _read_other_recap),
        "station added by administrator": by("administrator", _add),
        "station listed by administrator": by("administrator", _list),
    },
    {
        "no station": _empty_district,
        "unread": _unread,
        "all read": lambda: districts_in(one=True),
        "one missing": lambda: districts_in(one=False),
        "one differing": _differing_read,
        "certified": _certified,
        "read above": _read_above,
        "certified above": _certified_city,
        "corrected above": _corrected_above,
        "reopened": _reopened,
        "revote awaited": _ordered,
        "revote in": _revote_in,
        "revote read": _revote_read,
    },
)


# --- objections and recommendations ----------------------------------------------------------------------------------------------


def _objected() -> Scene:
    made = Scene()
    made.did("form", made.log.send(ONE, WRONG))
    return made.does("objection", "agent-1", e.ObjectionRaised(contest="mayor", code=ONE, ground="sum-wrong", photos=()))


def _settled(*outcomes: tuple[str, str]) -> Scene:
    """Settled so, by so."""
    made = _objected()
    for name, outcome in outcomes:
        made.does(outcome, name, settled(outcome)(made, name))
    return made


def unknown(label: str) -> Scene:
    made = Scene()
    made.ids[label] = NOBODY
    return made


def _accept(scene: Scene, _name: str) -> e.ObjectionSettled:
    return _accepting(scene, ONE, scene.ids.get("form", NOBODY))


def _accepting(scene: Scene, station: str, event: bytes) -> e.ObjectionSettled:
    return e.ObjectionSettled(
        objection=scene.ids["objection"], outcome="accepted", corrections=(e.ReadRow(station, 0, event),), reason="paper-read"
    )


OBJECTIONS: Final = Group(
    {
        "rejected by district": by(DISTRICT, settled("rejected")),
        "rejected by another district": by("chair-b", settled("rejected")),
        "rejected by city": by(CITY_OFFICE, settled("rejected")),
        "accepted by district": by(DISTRICT, _accept),
        "accepted by district (not standing)": by(DISTRICT, lambda scene, _name: _accepting(scene, ONE, NOBODY)),
        "accepted by district (another station)": by(DISTRICT, lambda scene, _name: _accepting(scene, TWO, NOBODY)),
        "procedure repaired by district": by(DISTRICT, settled("repaired")),
        "court decision by city": by(CITY_OFFICE, settled("court")),
        "carried by district": by(DISTRICT, settled("carried")),
        "carried by city": by(CITY_OFFICE, settled("carried")),
        "withdrawn by its agent": by("agent-1", settled("withdrawn")),
        "withdrawn by another agent": by("agent-2", settled("withdrawn")),
    },
    {
        "unknown": lambda: unknown("objection"),
        "open": _objected,
        "carried": lambda: _settled((DISTRICT, "carried")),
        "settled": lambda: _settled((DISTRICT, "rejected")),
        "settled above": lambda: _settled((DISTRICT, "carried"), (CITY_OFFICE, "rejected")),
        "withdrawn": lambda: _settled(("agent-1", "withdrawn")),
    },
)


def answering(answer: str, events: tuple[bytes, ...]) -> Made:
    return lambda scene, _name: e.RecommendationAnswered(
        recommendation=scene.ids["recommendation"],
        answer=answer,  # type: ignore[arg-type]
        events=events,
        reason="heard",
        basis=BASIS,
    )


def _recommended() -> Scene:
    return Scene().does("recommendation", "supervisor", recommended())


def _answered() -> Scene:
    made = _recommended()
    return made.does("answer", CITY_OFFICE, answering("refused", ())(made, CITY_OFFICE))


RECOMMENDATIONS: Final = Group(
    {
        "refused by city": by(CITY_OFFICE, answering("refused", ())),
        "executed by city": by(CITY_OFFICE, answering("executed", (NOBODY,))),
        "refused by another district": by("chair-b", answering("refused", ())),
    },
    {"unknown": lambda: unknown("recommendation"), "open": _recommended, "answered": _answered},
)


# --- revotes: an order for station ONE -------------------------------------------------------------------------------------------


def _proposed_order() -> Scene:
    return _certified().does("order", CITY_OFFICE, ordered(contest=CONTEST))


def _certified_since() -> Scene:
    made = _revote_read()
    return made.did("certificate", made.log.certify(DISTRICT, CONTEST, DISTRICT_A))


def _ordered_again() -> Scene:
    made = _revote_in()
    return made.did("second order", made.log.propose(CITY_OFFICE, ordered(contest=CONTEST)))


def _order_withdrawn() -> Scene:
    made = _ordered()
    gone = e.RevoteWithdrawn(order=made.ids["order"], reason="court", basis=BASIS)
    return made.did("withdrawal", made.log.propose(CITY_OFFICE, gone))


def _withdraw_order(scene: Scene, _name: str) -> e.RevoteWithdrawn:
    return e.RevoteWithdrawn(order=scene.ids["order"], reason="court", basis=BASIS)


def _submit_in(round_: int) -> Made:
    return lambda _scene, _name: submitted(ONE, GOOD, contest=CONTEST, round=round_)


REVOTES: Final = Group(
    {
        "withdrawn by city": by(CITY_OFFICE, _withdraw_order),
        "ordered by city": by(CITY_OFFICE, _order("psu")),
        "round 1 submitted by operator": by(OPERATOR, _submit_in(1)),
        "round 2 submitted by operator": by(OPERATOR, _submit_in(2)),
    },
    {
        "unknown": lambda: unknown("order"),
        "proposed": _proposed_order,
        "ordered": _ordered,
        "form in": _revote_in,
        "certified since": _certified_since,
        "ordered again": _ordered_again,
        "withdrawn": _order_withdrawn,
    },
)

# --- pending acts: the certificate of district A, proposed by its chair ----------------------------------------------------------


def _proposed() -> Scene:
    made = districts_in(one=True)
    return made.does("pending", DISTRICT, made.certificate(CONTEST, DISTRICT_A))


def _expired() -> Scene:
    made = _proposed()
    made.log.time += HOURS_25_MS
    return made


def _proposer_revoked() -> Scene:
    made = _proposed()
    return made.did("revoked", made.log.append(made.world.revoke(DISTRICT, by="commission-1")))


def _proposer_rotated() -> Scene:
    made = _proposed()
    return made.did("rotated", made.log.append(made.world.rotate(DISTRICT, "chair-a-new")))


def _overtaken() -> Scene:
    """A form of the district was corrected after the proposal."""
    made = _proposed()
    return made.does("correction", DISTRICT, corrected(ONE, made.log.standing(ONE, CONTEST), OTHER, contest=CONTEST))


def _proposed_again() -> Scene:
    """The member proposed the same certificate, and the chair approved that one."""
    made = _proposed()
    made.does("second", "member-a", made.certificate(CONTEST, DISTRICT_A))
    return made.approved(DISTRICT, "second")


PENDING: Final = Group(
    {
        "approved by member": by("member-a", approved),
        "approved by proposer's seat": lambda scene: scene.answer(
            "chair-a-new" if "rotated" in scene.ids else DISTRICT, approved(scene, "")
        ),
        "approved by another district": by("chair-b", approved),
        "approved by city": by(CITY_OFFICE, approved),
        "approved by operator": by(OPERATOR, approved),
        "approved by supervisor": by("supervisor", approved),
    },
    {
        "unknown": lambda: unknown("pending"),
        "open": _proposed,
        "approved": lambda: _proposed().approved("member-a", "pending"),
        "expired": _expired,
        "overtaken": _overtaken,
        "proposed twice": _proposed_again,
        "rotated": _proposer_rotated,
        "revoked": _proposer_revoked,
    },
)


def _replaced() -> Scene:
    """On the day, a registrar alone replaced an operator's key."""
    made = Scene()
    made.log.append(made.world.revoke(SECOND, by="commission-1"))
    row = made.world.key_row(f"{ONE}/2b", "operator", ONE, "2")
    return made.does("pending", "registrar-a", e.KeysEnrolled(keys=(row,)))


REPLACEMENTS: Final = Group(
    {
        "approved by commission": by("commission-2", approved),
        "approved by proposer": by("registrar-a", approved),
        "approved by watchdog": by("watchdog-1", approved),
        "approved by officer": by(DISTRICT, approved),
    },
    {"in review": _replaced, "reviewed": lambda: _replaced().approved("commission-2", "pending")},
)


# --- keys: the clerk of district A -----------------------------------------------------------------------------------------------

CLERK: Final = "clerk"
SUCCESSOR: Final = "clerk-new"


def _clerk(*, valid_until: int = 0) -> Scene:
    made = Scene()
    made.enrol("commission-1", [made.world.key_row(CLERK, "officer", DISTRICT_A, "clerk", valid_until=valid_until)])
    return made


def rotation(scene: Scene, name: str, *, seat: str = "clerk", to: str = SUCCESSOR) -> e.KeyRotated:
    old, new = scene.world.key(name).point, scene.world.key(to)
    proof = new.sign(rotation_digest(scene.world.ledger, old=old, new=new.point, seat=seat))
    return e.KeyRotated(point=new.point, seat=seat, proof=proof, reason="planned")


def _retired() -> Scene:
    made = _clerk()
    return made.does("rotation", CLERK, rotation(made, CLERK))


def _revoked_clerk(**marks: int) -> Scene:
    made = _clerk()
    return made.did("revoked", made.log.append(made.world.revoke(CLERK, by="commission-1", **marks)))


def _expired_clerk() -> Scene:
    made = _clerk(valid_until=START_MS + 1)
    made.log.time = START_MS + 2
    return made


def _revoke(scene: Scene, _name: str) -> e.KeyRevoked:
    return e.KeyRevoked(key=scene.world.key(CLERK).point, reason="lost")


def _enrol(name: str, seat: str) -> Made:
    return lambda scene, _name: e.KeysEnrolled(keys=(scene.world.key_row(name, "officer", DISTRICT_A, seat),))


def incident(_scene: Scene, _name: str) -> e.IncidentRecorded:
    return e.IncidentRecorded(code=ONE, kind="power-cut", photos=())


KEYS: Final = Group(
    {
        "used": by(CLERK, incident),
        "rotated": by(CLERK, lambda scene, name: rotation(scene, name, to="clerk-other")),
        "revoked by its registrar": by("commission-2", _revoke),
        "enrolled again in another seat": by("commission-2", _enrol(CLERK, "clerk-2")),
        "its seat given to another key": by("commission-2", _enrol("clerk-other", "clerk")),
    },
    {
        "not enrolled": Scene,
        "live": _clerk,
        "expired": _expired_clerk,
        "retired": _retired,
        "revoked": _revoked_clerk,
        "revoked but good up to here": lambda: _revoked_clerk(last_good=0),
    },
)


def _successor(scene: Scene, _name: str) -> str:
    return scene.answer(SUCCESSOR, incident(scene, SUCCESSOR))


def _retired_revoked() -> Scene:
    """The retired key was revoked, by which its successor is."""
    made = _retired()
    return made.did("revoked", made.log.append(made.world.revoke(CLERK, by="commission-1", last_good=0)))


SUCCESSORS: Final = Group(
    {"used": by(SUCCESSOR, incident)},
    {"before the rotation": _clerk, "after the rotation": _retired, "the old key revoked since": _retired_revoked},
)


def _elsewhere_in_the_stream(position: int, previous: bytes | None) -> Tried:
    """An act of an agent whose stream stands at position 1."""

    def tried(scene: Scene) -> str:
        at = scene.world.stream("agent-1")
        before = at.previous if previous is None and position else previous
        stream = EventStream(at.key, ledger=at.ledger, position=position, previous=before)
        return _answer_to(scene, stream, incident(scene, "agent-1"))

    return tried


def _answer_to(scene: Scene, stream: EventStream, data: e.EventData) -> str:
    from ..world import code_of

    return code_of(scene.log.decide(stream.sign(data, claimed_at=START_MS).submission, watched=False))


def _acted_once() -> Scene:
    return Scene().does("incident", "agent-1", e.IncidentRecorded(code=ONE, kind="power-cut", photos=()))


def _other_ledger(scene: Scene) -> str:
    stream = EventStream(scene.world.key("agent-1"), ledger=NOBODY, position=0, previous=None)
    return _answer_to(scene, stream, incident(scene, "agent-1"))


def _opened_again(scene: Scene) -> str:
    from ..world import code_of

    return code_of(scene.log.decide(scene.world.first.submission, watched=False))


def _nothing() -> Scene:
    """No entry at all."""
    from ..world import MemoryLog

    made = Scene()
    made.log.__dict__.update(MemoryLog().__dict__)
    return made


STREAMS: Final = Group(
    {
        "in its turn": by("agent-1", incident),
        "at a position that is taken": _elsewhere_in_the_stream(0, None),
        "two positions ahead": _elsewhere_in_the_stream(2, NOBODY),
        "after another event than the last": _elsewhere_in_the_stream(1, NOBODY),
        "for another ledger": _other_ledger,
        "opening the election": _opened_again,
    },
    {"before entry 0": _nothing, "one act of the key": _acted_once},
)


# --- stations: station ONE and its place in the tree -----------------------------------------------------------------------------

NEW: Final = "1771011001009"


def new_station(code: str, contests: tuple[str, ...]) -> e.StationRow:
    return e.StationRow(code, "TPS", "Asia/Jakarta", 100, 100, contests)


def _station(scene: Scene) -> str:
    """The station that the state is about."""
    return NEW if "unlisted" in scene.ids else ONE


def _amending(what: Callable[[str], dict[str, Any]]) -> Tried:
    return by("administrator", lambda scene, _name: added(**{"added": (), **what(_station(scene))}))


def _merged() -> Scene:
    made = Scene()
    return made.did("merged", made.log.propose("administrator", added(added=(), merged=(e.MergedRow(ONE, TWO),))))


STATIONS_GROUP: Final = Group(
    {
        "listed": by(
            "administrator",
            lambda scene, _name: e.JurisdictionsListed(areas=(), stations=(new_station(_station(scene), ("mayor", CONTEST)),)),
        ),
        "added": _amending(lambda code: {"added": (new_station(code, ("mayor", CONTEST)),)}),
        "given other voters": _amending(lambda code: {"corrected": (new_station(code, ("mayor", CONTEST)),)}),
        "given the mayor's contest alone": _amending(lambda code: {"corrected": (new_station(code, ("mayor",)),)}),
        "cancelled": _amending(lambda code: {"cancelled": (code,)}),
        "merged into another": _amending(lambda code: {"merged": (e.MergedRow(code, TWO),)}),
    },
    {
        "not listed": lambda: unknown("unlisted"),
        "without a tally": Scene,
        "with a tally": _form,
        "missing in a certificate": lambda: _certified(one=False),
        "awaiting a revote": _ordered,
        "cancelled": _cancelled,
        "merged": _merged,
    },
)


# --- candidates and the manifest -------------------------------------------------------------------------------------------------


def _out(change: str) -> Scene:
    name = {"name": "C"} if change == "replaced" else {}
    made = Scene()
    return made.did("change", made.log.propose(CITY_OFFICE, candidate(change=change, **name)))


def _change(change: str, **other: Any) -> Tried:
    return by(CITY_OFFICE, lambda scene, _name: candidate(number=9 if "unlisted" in scene.ids else 2, change=change, **other))


CANDIDATES: Final = Group(
    {
        "withdrawn": _change("withdrawn"),
        "disqualified": _change("disqualified"),
        "replaced": _change("replaced", name="D"),
        "replaced by nobody": _change("replaced"),
        "restored": _change("restored"),
    },
    {
        "not on the ballot": lambda: unknown("unlisted"),
        "standing": Scene,
        "withdrawn": lambda: _out("withdrawn"),
        "disqualified": lambda: _out("disqualified"),
        "replaced": lambda: _out("replaced"),
    },
)


def _amend(**said: Any) -> Tried:
    return by("root-1", lambda scene, _name: e.ElectionAmended(reason="decree", basis=BASIS, **said))


def _registrar(name: str, seat: str, roles: tuple[str, ...] = ("agent",)) -> Tried:
    from ledger.tally.signing import possession_digest

    def made(scene: Scene, _name: str) -> e.ElectionAmended:
        key = scene.world.key(name)
        proof = key.sign(possession_digest(scene.world.ledger, point=key.point, role="registrar", scope="", seat=seat))
        body = e.Registrar(seat, key.point, "", roles, proof)  # type: ignore[arg-type]
        return e.ElectionAmended(reason="decree", basis=BASIS, registrars=(body,))

    return by("root-1", made)


def _amended() -> Scene:
    made = Scene()
    return made.did("amended", made.log.propose("root-1", amended()))


MANIFEST: Final = Group(
    {
        "given the cut-off": by("root-1", amended),
        "given fewer acts with a second seat": _amend(second_seats=("keys.enrolled",)),
        "given no powers": _amend(powers=()),
        "given a power of an unknown level": _amend(powers=(e.Power("tally.held", ("moon",), 0),)),
        "given a registrar": _registrar("pair-3", "pair-3"),
        "given a registrar whose key is enrolled": _registrar("agent-1", "pair-3"),
        "given a second registrar in one seat": _registrar("pair-3", "pair-1"),
        "given a registrar of operators and agents": _registrar("pair-3", "pair-3", ("agent", "operator")),
    },
    {"as opened": Scene, "amended": _amended},
)


# --- the keys of the log and the sealer ------------------------------------------------------------------------------------------


def _rekeyed(times: int = 1, **keys: str) -> Scene:
    """So often, each time with other keys; the last one is that of the name."""
    made = Scene()
    for number in range(times, 0, -1):
        rekey(made.log, **{what: name if number == 1 else f"{name}-{number}" for what, name in keys.items()})
    return made


def _both() -> Scene:
    return _rekeyed(log=LOG_2, sealer=SEALER_2)


def _rekey(log: str | None = None, sealer: str | None = None, **other: Any) -> Tried:
    return by("root-1", lambda scene, _name: rekeying(scene.world, log=log, sealer=sealer, **other))


def _rekey_to_the_first(scene: Scene, _name: str) -> e.LogRekeyed:
    return rekeying(scene.world, log_key=scene.world.signer.vkey)


def _seal(scene: Scene, name: str) -> e.RecapSealed:
    size = len(scene.log.entries)
    return e.RecapSealed(size=size, root=current_root(scene.log.state, size=size))


def _proposed_rekeying(ago: int) -> Scene:
    made = Scene()
    made.does("pending", "root-2", rekeyed(made))
    made.log.time += ago
    return made


def _rekeyed_otherwise() -> Scene:
    """Two proposals of the same keys; one was approved."""
    made = _proposed_rekeying(0)
    other = made.log.act("root-1", rekeying(made.world, log=LOG_2, sealer=SEALER_2))
    made.log.append(made.world.approve("root-2", other.event_id))
    return made


def witness_key(origin: str) -> str:
    """A key of the right name and of another kind."""
    return NoteCosigner(origin, log_private("witness")).vkey


REKEYED: Final = Group(
    {
        "both keys new": by("root-1", lambda scene, _name: rekeying(scene.world, log=LOG_3, sealer=SEALER_3)),
        "the log's key new": _rekey(log=LOG_3),
        "the sealer's key new": _rekey(sealer=SEALER_3),
        "the log's first key again": by("root-1", _rekey_to_the_first),
        "the log's second key": _rekey(log=LOG_2),
        "the sealer's second key": _rekey(sealer=SEALER_2),
        "the sealer's first key again": _rekey(sealer="sealer"),
        "an office's key for the sealer": _rekey(sealer="chair-a"),
        "neither key": _rekey(),
        "a key of another log": by("root-1", lambda scene, _name: rekeying(scene.world, log_key=log_signer(LOG_3, "other").vkey)),
        "a witness's key": by("root-1", lambda scene, _name: rekeying(scene.world, log_key=witness_key(scene.world.origin))),
        "no verifier key": _rekey(log_key="log.example+12345678+AAAA"),
        "a seal by the first sealer": by("sealer", _seal),
        "a seal by the second sealer": by(SEALER_2, _seal),
        "approved by another root key": by("root-1", lambda scene, _name: e.Approved(event=scene.ids.get("pending", NOBODY))),
        "approved by the same root key": by("root-2", lambda scene, _name: e.Approved(event=scene.ids.get("pending", NOBODY))),
    },
    {
        "first keys": Scene,
        "proposed": lambda: _proposed_rekeying(0),
        "proposed a day ago": lambda: _proposed_rekeying(HOURS_25_MS),
        "both rekeyed": _both,
        "overtaken": _rekeyed_otherwise,
        "log rekeyed eight times": lambda: _rekeyed(8, log=LOG_2),
        "sealer rekeyed eight times": lambda: _rekeyed(8, sealer=SEALER_2),
    },
)


GROUPS: Final[dict[str, Group]] = {
    "tally": Group(TALLY_ACTS, TALLY_STATES),
    "certificate": CERTIFICATES,
    "objection": OBJECTIONS,
    "recommendation": RECOMMENDATIONS,
    "revote": REVOTES,
    "pending": PENDING,
    "replacement": REPLACEMENTS,
    "key": KEYS,
    "successor": SUCCESSORS,
    "stream": STREAMS,
    "station": STATIONS_GROUP,
    "candidate": CANDIDATES,
    "manifest": MANIFEST,
    "rekeying": REKEYED,
}
