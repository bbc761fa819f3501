"""Random acts of any key over a governed election as it stands: plausible ones, most of which would take effect if allowed.

``MOVES`` has a maker for every event type but entry 0; each looks at the log and draws what it needs from a seeded ``Random``.
``fork`` gives a log that can be played on without touching the one it came from.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any, Final

from ledger.device.stream import EventStream
from ledger.tally import events as e
from ledger.tally.memory import Memory
from ledger.tally.recaps import current_root
from ledger.tally.signing import open_submission, possession_digest, rotation_digest
from ledger.tally.state import (
    CERTIFICATES,
    KEYS,
    OBJECTIONS,
    PENDING,
    RECOMMENDATIONS,
    REVOTES,
    SLOTS,
    TABLES,
    Change,
    slot_key,
    slot_parts,
)

from ..governed import CITY, DISTRICT_A, DISTRICT_B, PROVINCE, SECOND_SEATS, GovernedLog, certificate, reading
from ..rekeying import rekeying
from ..world import FORM, GOOD, START_MS, STATIONS, contest_row, corrected, submitted

BASIS: Final = "BA 7/2024"
CONTESTS: Final = ("mayor", "governor")
AREAS: Final = (DISTRICT_A, DISTRICT_B, CITY, PROVINCE)
FIGURES: Final[tuple[e.Figures, ...]] = (GOOD, (300, 121, 100, 221, 5, 307), (300, 0, 220, 220, 5, 307), (1, None, "x", 9, 5, 999))
NOBODY: Final = bytes(32)

Move = Callable[[GovernedLog, str, Random], e.EventData]
"""What a key (by name) would say, over the log as it is."""


def fork(log: GovernedLog) -> GovernedLog:
    """The same log, to be played on: rows are immutable, so the tables are copied and the rows are shared."""
    other = copy.copy(log)
    other.state = Memory()
    for table in TABLES:
        for key, row in log.state.under(table):
            other.state.put(table, key, row)
    other.entries, other.indexes, other.codes = list(log.entries), dict(log.indexes), set()
    other.world = copy.copy(log.world)
    other.world.streams = {
        name: EventStream(each.key, ledger=each.ledger, position=each.position, previous=each.previous)
        for name, each in log.world.streams.items()
    }
    return other


def play(log: GovernedLog, name: str, data: e.EventData, *, only_pending: bool = False) -> str:
    """An act, appended where it is a change (``only_pending``: where it is put down to be approved); '' or its code."""
    signed = log.world.peek(name, data)
    answer = log.decide(signed.submission, watched=False)
    if not isinstance(answer, Change):
        return str(answer.code)
    if answer.pending or not only_pending:
        log.take(log.world.sign(name, data).submission)
    return answer.void


# --- drawing -------------------------------------------------------------------------------------------------------------------


def _place(log: GovernedLog, name: str, draw: Random) -> tuple[str, str, int]:
    """Contest, station and mostly the round that holds; an operator's own station mostly."""
    station = name.partition("/")[0] if "/" in name and draw.random() < 0.9 else draw.choice(STATIONS)
    contest = draw.choice(CONTESTS)
    rounds = [slot_parts(key)[2] for key, slot in log.state.under(SLOTS, f"{contest}/{station}/".encode()) if not slot.annulled]
    return contest, station, rounds[-1] if rounds and draw.random() < 0.9 else draw.randrange(3)


def _stands(log: GovernedLog, name: str, place: tuple[str, str, int]) -> tuple[bytes, ...]:
    slot = log.state.get(SLOTS, slot_key(*place))
    found = () if slot is None else slot.seats if "/" in name and not slot.decided else slot.standing
    seat = name.partition("/")[2][:1]
    return tuple(sorted(each.event for each in found if "/" not in name or each.seat == seat)) or (NOBODY,)


def _known(log: GovernedLog, table: Any, draw: Random) -> bytes:
    keys = [key for key, _ in log.state.under(table)]
    return draw.choice(keys) if keys and draw.random() < 0.95 else NOBODY


def _some_event(log: GovernedLog, draw: Random) -> bytes:
    return draw.choice([*log.indexes, NOBODY])


def _slot_fields(place: tuple[str, str, int]) -> dict[str, Any]:
    return {"contest": place[0], "station": place[1], "round": place[2]}


def _stations(draw: Random) -> tuple[str, ...]:
    return tuple(sorted(draw.sample(STATIONS, draw.randint(1, 2))))


# --- moves ---------------------------------------------------------------------------------------------------------------------


def _submitted(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    contest, station, round_ = _place(log, name, draw)
    return submitted(station, draw.choice(FIGURES), contest=contest, round=round_)


def _corrected(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    place = _place(log, name, draw)
    stands = _stands(log, name, place)
    return corrected(place[1], stands, draw.choice(FIGURES), contest=place[0], round=place[2], basis=BASIS)


def _withdrawn(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    place = _place(log, name, draw)
    return e.TallyWithdrawn(**_slot_fields(place), withdraws=_stands(log, name, place), reason="twice", basis=BASIS)


def _held(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    return e.TallyHeld(**_slot_fields(_place(log, name, draw)), reason="under-review")


def _released(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    return e.TallyReleased(**_slot_fields(_place(log, name, draw)), reason="reviewed", basis=BASIS)


def _explained(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    place = _place(log, name, draw)
    event = draw.choice(_stands(log, name, place))
    return e.FindingExplained(**_slot_fields(place), event=event, findings=("r5",), reason="paper-says-so")


def _attested(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    event = _some_event(log, draw)
    return e.TallyAttested(**_slot_fields(_place(log, name, draw)), event=event, photos=(), figures=draw.choice(FIGURES))


def _read(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    found = reading(log.state, draw.choice(CONTESTS), draw.choice(AREAS))
    if found.rows:
        return found
    place = _place(log, name, draw)
    return e.RecapRead(contest=place[0], rows=(e.ReadRow(place[1], place[2], _stands(log, name, place)[0]),))


def _certified(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    contest, area = draw.choice(CONTESTS), draw.choice(AREAS)
    return certificate(log.state, len(log.entries), contest, CITY if (contest, area) == ("mayor", PROVINCE) else area)


def _reopened(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    key = _known(log, CERTIFICATES, draw)
    found = log.state.get(CERTIFICATES, key)
    contest, _, area = ("mayor", "", CITY) if found is None else key.decode().partition("/")
    event = NOBODY if found is None else found.event
    stations = () if draw.random() < 0.7 else tuple(code for code in _stations(draw) if code.startswith(area))
    return e.RecapReopened(contest=contest, area=area, certificate=event, stations=stations, reason="form-came", basis=BASIS)


def _sealed(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    size = len(log.entries)
    return e.RecapSealed(size=size, root=current_root(log.state, size=size))


def _raised(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    code = draw.choice((*STATIONS, *AREAS))
    return e.ObjectionRaised(contest=draw.choice(CONTESTS), code=code, ground="late-opening", photos=())


def _settled(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    outcomes = ("accepted", "repaired", "rejected", "carried", "withdrawn", "court")
    outcome: Any = draw.choice((*outcomes, "withdrawn", "withdrawn"))
    place = _place(log, name, draw)
    rows = (e.ReadRow(place[1], place[2], _stands(log, "", place)[0]),) if outcome == "accepted" else ()
    return e.ObjectionSettled(
        objection=_known(log, OBJECTIONS, draw), outcome=outcome, corrections=rows, reason="heard", basis=BASIS
    )


def _issued(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    return e.RecommendationIssued(
        contest=draw.choice(CONTESTS), kind="psu", number="PM 9", ground="voted-twice", codes=_stations(draw), deadline=START_MS
    )


def _answered(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    return e.RecommendationAnswered(
        recommendation=_known(log, RECOMMENDATIONS, draw), answer="refused", events=(), reason="no-ground", basis=BASIS
    )


def _incident(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    return e.IncidentRecorded(code=draw.choice((*STATIONS, *AREAS)), kind="power-cut", photos=())


def _postponed(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    kind: Any = draw.choice(("psl", "pss", "resumed"))
    return e.VotePostponed(
        contest=draw.choice(CONTESTS), stations=_stations(draw), kind=kind, until="2024-11-29", reason="flood", basis=BASIS
    )


def _ordered(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    kind: Any = draw.choice(("psu", "psu-mk"))
    return e.RevoteOrdered(
        contest=draw.choice(CONTESTS), stations=_stations(draw), kind=kind, day="2024-12-05", reason="court", basis=BASIS
    )


def _order_withdrawn(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    return e.RevoteWithdrawn(order=_known(log, REVOTES, draw), reason="court", basis=BASIS)


def _candidate(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    change: Any = draw.choice(("withdrawn", "disqualified", "restored"))
    number = draw.randint(1, 2)
    return e.CandidateChanged(contest=draw.choice(CONTESTS), number=number, change=change, reason="ruling", basis=BASIS)


def _approved(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    waiting = [key for key, row in log.state.under(PENDING) if row.state != "done"]
    return e.Approved(event=draw.choice(waiting) if waiting else _known(log, PENDING, draw))


def _enrolled(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    """A key that the one who acts may well hold: named after it."""
    role, scope = draw.choice(
        (("operator", draw.choice(STATIONS)), ("officer", DISTRICT_A), ("officer", CITY), ("registrar", ""), ("agent", CITY))
    )
    seat = draw.choice(("1", "2")) if role == "operator" else f"seat-{draw.randrange(9)}"
    point = f"{scope}/{seat}x{draw.randrange(99)}" if role == "operator" else f"new-{name}-{role}-{draw.randrange(99)}"
    return e.KeysEnrolled(keys=(log.world.key_row(point, role, scope, seat),))


def _revoked(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    key = _known(log, KEYS, draw)
    return e.KeyRevoked(key=log.world.key("nobody").point if key == NOBODY else key, reason="lost", last_good=1)


def rotated(log: GovernedLog, name: str, draw: Random) -> e.KeyRotated:
    """The seat passes to the key named ``<name>~``."""
    old, new = log.world.key(name).point, log.world.key(f"{name}~")
    row = log.state.get(KEYS, old)
    seat = "1" if row is None else row.seat
    proof = new.sign(rotation_digest(log.world.ledger, old=old, new=new.point, seat=seat))
    return e.KeyRotated(point=new.point, seat=seat, proof=proof, reason="planned")


def _amended(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    said: dict[str, Any] = {}
    match draw.randrange(4):
        case 0:
            said["cutoffs"] = (e.Cutoff("operator", START_MS + draw.randrange(10**6)),)
        case 1:
            levels = ("city", "district", "province")
            said["powers"] = tuple(e.Power(act, levels, 0) for act in ("revote.ordered", "tally.corrected", "tally.submitted"))
        case 2:
            more = tuple(sorted({*SECOND_SEATS, "vote.postponed"}))
            said["second_seats"] = draw.choice((("keys.enrolled",), more))
        case _:
            seat = f"body-{draw.randrange(9)}"
            key = log.world.key(f"new-{name}-{seat}")
            digest = possession_digest(log.world.ledger, point=key.point, role="registrar", scope="", seat=seat)
            said["registrars"] = (e.Registrar(seat, key.point, "", ("operator", "officer"), key.sign(digest)),)
    return e.ElectionAmended(reason="decree", basis=BASIS, **said)


def _rekeyed(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    """Keys of the log and the sealer, new ones and old ones."""
    keys = {"log": f"log-{draw.randrange(2, 6)}", "sealer": f"sealer-{draw.randrange(2, 6)}"}
    return rekeying(log.world, **{what: keys[what] for what in draw.choice((("log",), ("sealer",), ("log", "sealer"), ()))})


def _defined(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    from msgspec.structs import replace

    return e.FormsDefined(forms=(replace(FORM, version=draw.randrange(1, 5)),))


def _contests(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    return e.ContestsListed(contests=(contest_row(draw.choice(("council", "mayor")), CITY),))


def _row(draw: Random, code: str | None = None) -> e.StationRow:
    new = f"17710{draw.choice(('11001', '21001'))}{draw.randrange(900, 905)}"
    contests = draw.choice((CONTESTS, ("mayor",), ("governor",)))
    return e.StationRow(code or new, "TPS", "Asia/Jakarta", draw.randrange(400), 100, contests)


def _listed(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    return e.JurisdictionsListed(areas=(), stations=(_row(draw),))


def _changed(log: GovernedLog, name: str, draw: Random) -> e.EventData:
    what: dict[str, Any] = {"areas": (), "added": (), "merged": (), "cancelled": (), "corrected": (), "voters": ()}
    match draw.randrange(4):
        case 0:
            what["added"] = (_row(draw),)
        case 1:
            what["cancelled"] = _stations(draw)
        case 2:
            what["corrected"] = (_row(draw, draw.choice(STATIONS)),)
        case _:
            one, into = draw.sample(STATIONS, 2)
            what["merged"] = (e.MergedRow(one, into),)
    return e.JurisdictionsAmended(reason="new-list", basis=BASIS, **what)


MOVES: Final[dict[str, Move]] = {
    "approved": _approved,
    "candidate.changed": _candidate,
    "contests.listed": _contests,
    "election.amended": _amended,
    "finding.explained": _explained,
    "forms.defined": _defined,
    "incident.recorded": _incident,
    "jurisdictions.amended": _changed,
    "jurisdictions.listed": _listed,
    "key.revoked": _revoked,
    "key.rotated": rotated,
    "keys.enrolled": _enrolled,
    "log.rekeyed": _rekeyed,
    "objection.raised": _raised,
    "objection.settled": _settled,
    "recap.certified": _certified,
    "recap.read": _read,
    "recap.reopened": _reopened,
    "recap.sealed": _sealed,
    "recommendation.answered": _answered,
    "recommendation.issued": _issued,
    "revote.ordered": _ordered,
    "revote.withdrawn": _order_withdrawn,
    "tally.attested": _attested,
    "tally.corrected": _corrected,
    "tally.held": _held,
    "tally.released": _released,
    "tally.submitted": _submitted,
    "tally.withdrawn": _withdrawn,
    "vote.postponed": _postponed,
}


def role_of(log: GovernedLog, submission: bytes) -> str:
    """The role of the key that signed, '' where it has none."""
    row = log.state.get(KEYS, open_submission(submission).key)
    return "" if row is None else row.role
