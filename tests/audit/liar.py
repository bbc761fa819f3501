"""Whoever holds the server and shows that an act took effect which is void: the acts, and how the liar comes to an effect.

A void act is folded over a state in which its obstacle is not (a *lift*: rows to be taken for true); what comes of it goes into the
ledger's views, and the word that says void goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from msgspec import structs

from ledger.audit.report import Report
from ledger.audit.sources import EntriesSource
from ledger.audit.verify import verify
from ledger.device.stream import Signed
from ledger.tally import events as e
from ledger.tally.acts.approvals import APPROVAL_LIMIT_MS
from ledger.tally.acts.case import Case
from ledger.tally.canonical import encode
from ledger.tally.fold import ACTS
from ledger.tally.memory import Memory
from ledger.tally.projection import PROJECTION, SUMS, VERSIONS, VOIDS, sums_key, version_prefix
from ledger.tally.rollup import roll_up
from ledger.tally.rows import Pending
from ledger.tally.signing import open_submission
from ledger.tally.state import (
    CERTIFICATES,
    ELECTION,
    KEYS,
    PENDING,
    REVOTES,
    SINGLE,
    SLOTS,
    At,
    Change,
    Table,
    area_key,
    slot_key,
)

from ..governed import (
    BASIS,
    CITY,
    DISTRICT_A,
    DISTRICT_B,
    FOUR,
    OTHER,
    THREE,
    TWO,
    Governed,
    GovernedLog,
    certificate,
    first_night,
    whole_season,
)
from ..world import START_MS, corrected
from .conftest import SIGNER
from .forger import checkpoint_of

SOME: Final = bytes(32)
DISTRICT_C: Final = "177103"
ADDED: Final = "1771021001002"
"""The station that the season adds and cancels."""

Act = Callable[[GovernedLog], Signed]
Rows = dict[tuple[Table[Any], bytes], Any]
"""Rows to be taken for true; None for one that is not there."""
Lift = Callable[[Memory, e.EventData], Rows]


class Void(NamedTuple):
    """An act with its void code (``pending`` where it waits), the row that a lying view shows, how the liar comes to it, and what
    the liar takes the act to say where that is other than it does."""

    name: str
    start: Callable[[], GovernedLog]
    act: Act
    code: str
    place: str
    lift: Lift = lambda _state, _data: {}
    data: Callable[[Memory, e.EventData, int], e.EventData] | None = None


# --- where the acts begin -----------------------------------------------------------------------------------------------------


def evening(**more: Any) -> GovernedLog:
    """After the first night: at station 2 two seats differ, station 4 has withdrawn its form, nothing is read."""
    log = GovernedLog(Governed(**more))
    first_night(log)
    return log


def season() -> GovernedLog:
    """After the last certificate."""
    return whole_season()


def closing() -> GovernedLog:
    """An election in which operators have ten milliseconds."""
    return evening(cutoffs=(e.Cutoff("operator", START_MS + 10),))


# --- acts ---------------------------------------------------------------------------------------------------------------------


def by(name: str, made: e.EventData | Callable[[GovernedLog], e.EventData], *before: Callable[[GovernedLog], object]) -> Act:
    """The next event of that key's stream, after what comes ``before``."""

    def act(log: GovernedLog) -> Signed:
        for each in before:
            each(log)
        return log.world.sign(name, made(log) if callable(made) else made)

    return act


def approves(name: str, first: Callable[[GovernedLog], Signed], *then: Callable[[GovernedLog], object]) -> Act:
    """The approval of the ``first`` act, after what came ``then``."""

    def act(log: GovernedLog) -> Signed:
        signed = first(log)
        for each in then:
            each(log)
        return log.world.approve(name, signed.event_id)

    return act


def acts(name: str, data: e.EventData) -> Callable[[GovernedLog], Signed]:
    """An act that must take effect, or be pending."""
    return lambda log: log.act(name, data)


def proposes(name: str, data: e.EventData) -> Callable[[GovernedLog], Signed]:
    """The same with its second seat."""
    return lambda log: log.propose(name, data)


def reads(name: str, contest: str, area: str) -> Callable[[GovernedLog], Signed]:
    """All that can be read there."""
    return lambda log: log.read(name, contest, area)


def passes(milliseconds: int) -> Callable[[GovernedLog], None]:
    """Time goes on."""

    def act(log: GovernedLog) -> None:
        log.time += milliseconds

    return act


def revokes(name: str, whom: str, **marks: int) -> Callable[[GovernedLog], Signed]:
    """A revocation that takes effect."""
    return lambda log: log.append(log.world.revoke(whom, by=name, **marks))


def corrects(station: str, *, contest: str = "mayor", **other: Any) -> Callable[[GovernedLog], e.EventData]:
    """A correction of all that stands."""
    return lambda log: corrected(station, log.standing(station, contest), OTHER, contest=contest, **other)


def annulled_at(log: GovernedLog, station: str) -> list[bytes]:
    """The events that stand in a station's round 0."""
    found = log.state.get(SLOTS, slot_key("mayor", station, 0))
    assert found is not None
    return [each.event for each in found.standing]


def certifies(contest: str, area: str, **other: Any) -> Callable[[GovernedLog], e.EventData]:
    """The certificate that the state asks for, but for ``other``."""
    return lambda log: structs.replace(certificate(log.state, len(log.entries), contest, area), **other)


def too_much(log: GovernedLog) -> e.EventData:
    """A certificate with a vote more, on the paper too."""
    true = certificate(log.state, len(log.entries), "governor", DISTRICT_B)
    more = (*true.sums[:1], true.sums[1] + 1, *true.sums[2:])
    return structs.replace(true, sums=more, paper=more)


def truly(state: Memory, data: e.EventData, size: int) -> e.EventData:
    """The certificate as it would be good."""
    assert isinstance(data, e.RecapCertified)
    return certificate(state, size, data.contest, data.area)


def reopens(area: str, *, contest: str = "mayor", event: bytes = b"") -> Callable[[GovernedLog], e.EventData]:
    """The reopening of the certificate that stands there."""

    def made(log: GovernedLog) -> e.EventData:
        standing = log.state.get(CERTIFICATES, area_key(contest, area))
        assert standing is not None
        return e.RecapReopened(
            contest=contest, area=area, certificate=event or standing.event, stations=(), reason="error", basis=BASIS
        )

    return made


def third_district(log: GovernedLog) -> None:
    """A district without a station, and its officer."""
    log.act("administrator", e.JurisdictionsListed(areas=(e.AreaRow(DISTRICT_C, "Kecamatan C"),), stations=()))
    log.propose("commission-1", e.KeysEnrolled(keys=(log.world.key_row("chair-c", "officer", DISTRICT_C, "chair"),)))


def of_a_district_without_stations(log: GovernedLog) -> e.EventData:
    """The other district's certificate under its name."""
    return structs.replace(certificate(log.state, len(log.entries), "governor", DISTRICT_B), area=DISTRICT_C)


def withdrawn_twice(log: GovernedLog) -> Signed:
    """An order of a revote is withdrawn, and withdrawn again."""
    ordered = log.propose("chair-city", ORDER)
    data = e.RevoteWithdrawn(order=ordered.event_id, reason="x", basis=BASIS)
    log.propose("chair-city", data)
    return log.world.sign("member-city", data)


def orders(*stations: str, contest: str = "mayor", kind: str = "psu-mk") -> e.RevoteOrdered:
    """``revote.ordered``."""
    return e.RevoteOrdered(contest=contest, stations=stations, kind=kind, day="2024-12-07", reason="x", basis=BASIS)  # type: ignore[arg-type]


def postpones(station: str, kind: str) -> e.VotePostponed:
    """``vote.postponed``."""
    return e.VotePostponed(contest="mayor", stations=(station,), kind=kind, until="2024-11-29", reason="x", basis=BASIS)  # type: ignore[arg-type]


def row_read(contest: str, station: str, event: bytes | None = None) -> Callable[[GovernedLog], e.EventData]:
    """One form is read; ``event``: another than the first that stands there."""
    return lambda log: e.RecapRead(contest=contest, rows=(e.ReadRow(station, 0, event or log.standing(station, contest)[0]),))


def of_a_certificate(area: str) -> Callable[[GovernedLog], e.EventData]:
    """A lower recap is read."""

    def made(log: GovernedLog) -> e.EventData:
        standing = log.state.get(CERTIFICATES, area_key("mayor", area))
        assert standing is not None
        return e.RecapRead(contest="mayor", rows=(e.ReadRow(area, 0, standing.event),))

    return made


def objects(code: str) -> Callable[[GovernedLog], Signed]:
    """The first agent objects."""
    return acts("agent-1", e.ObjectionRaised(contest="mayor", code=code, ground="late", photos=()))


def settles(name: str, outcome: str, code: str, *, times: int = 1, corrections: tuple[e.ReadRow, ...] = ()) -> Act:
    """The first agent objects, and it is settled, so often."""

    def act(log: GovernedLog) -> Signed:
        raised = objects(code)(log)
        data = e.ObjectionSettled(objection=raised.event_id, outcome=outcome, corrections=corrections, reason="heard")  # type: ignore[arg-type]
        for _ in range(times - 1):
            log.act(name, data)
        return log.world.sign(name, data)

    return act


def answers(name: str, code: str, *, times: int = 1) -> Act:
    """A recommendation is issued and refused, so often."""

    def act(log: GovernedLog) -> Signed:
        issued = e.RecommendationIssued(contest="mayor", kind="psu", number="PM 9", ground="g", codes=(code,), deadline=START_MS)
        signed = log.act("supervisor", issued)
        data = e.RecommendationAnswered(recommendation=signed.event_id, answer="refused", events=(), reason="r", basis=BASIS)
        for _ in range(times - 1):
            log.act(name, data)
        return log.world.sign(name, data)

    return act


def explains(name: str, station: str) -> Act:
    """Rule r5 of the form that stands there."""
    return by(
        name,
        lambda log: e.FindingExplained(
            contest="mayor", station=station, round=0, event=log.standing(station)[0], findings=("r5",), reason="paper"
        ),
    )


def amends(**other: Any) -> e.ElectionAmended:
    """``election.amended``."""
    return e.ElectionAmended(reason="x", basis=BASIS, **other)


def new_body(body: str, name: str) -> Callable[[GovernedLog], e.EventData]:
    """A further registrar by amendment."""

    def made(log: GovernedLog) -> e.EventData:
        world = log.world
        proof = world._prove(world.ledger, name, "registrar", "", body)
        return amends(registrars=(e.Registrar(body, world.key(name).point, "", ("agent",), proof),))

    return made


def lists(**other: Any) -> e.JurisdictionsAmended:
    """``jurisdictions.amended``."""
    usual: dict[str, Any] = dict.fromkeys(("areas", "added", "merged", "cancelled", "corrected", "voters"), ())
    return e.JurisdictionsAmended(reason="x", basis=BASIS, **usual | other)


def changes(change: str) -> e.CandidateChanged:
    """``candidate.changed``."""
    return e.CandidateChanged(contest="mayor", number=1, change=change, reason="x", basis=BASIS)  # type: ignore[arg-type]


# --- how a liar comes to the effect --------------------------------------------------------------------------------------------


def at_once(*lifts: Lift) -> Lift:
    """All of them."""
    return lambda state, data: {key: row for lift in lifts for key, row in lift(state, data).items()}


def gone(table: Table[Any], *keys: bytes) -> Lift:
    """Rows that are not there."""
    return lambda _state, _data: {(table, key): None for key in keys}


def uncertified(contest: str, *areas: str) -> Lift:
    """Areas without a certificate."""
    return gone(CERTIFICATES, *(area_key(contest, area) for area in areas))


def with_row(table: Table[Any], key: bytes, /, **other: Any) -> Lift:
    """The row with other fields; a callable is given the row."""

    def lift(state: Memory, _data: e.EventData) -> Rows:
        row = state.get(table, key)
        assert row is not None
        made = {name: value(row) if callable(value) else value for name, value in other.items()}
        return {(table, key): structs.replace(row, **made)}

    return lift


def slot(contest: str, station: str, round_: int = 0, **other: Any) -> Lift:
    """The slot with other fields."""
    return with_row(SLOTS, slot_key(contest, station, round_), **other)


def person(name: str, /, **other: Any) -> Lift:
    """The key with other fields."""
    return with_row(KEYS, Governed().key(name).point, **other)


def now(**other: Any) -> Lift:
    """Other rules."""
    return with_row(ELECTION, SINGLE, now=lambda election: structs.replace(election.now, **other))


def named(table: Table[Any], field: str, /, **other: Any) -> Lift:
    """The row that the act names, with other fields."""
    return lambda state, data: with_row(table, getattr(data, field), **other)(state, data)


def like_the_last(table: Table[Any], key: bytes, **other: Any) -> Lift:
    """A row that is not there, made after the last of its table."""

    def lift(state: Memory, _data: e.EventData) -> Rows:
        rows = [row for _, row in state.under(table)]
        return {(table, key): structs.replace(rows[-1], **other)}

    return lift


def only_named(state: Memory, data: e.EventData) -> Rows:
    """At station 2, as if nothing stood but what the act names."""
    assert isinstance(data, e.TallyCorrected | e.RecapRead)
    events = data.supersedes if isinstance(data, e.TallyCorrected) else [row.event for row in data.rows]
    return slot("mayor", TWO, seats=lambda row: tuple(each for each in row.seats if each.event in events))(state, data)


def standing_of(contest: str, station: str, **other: Any) -> Lift:
    """At station 4, a form like the one that stands elsewhere."""

    def lift(state: Memory, data: e.EventData) -> Rows:
        found = state.get(SLOTS, slot_key(contest, station, 0))
        assert found is not None
        return slot("mayor", FOUR, seats=(structs.replace(found.standing[0], **other),))(state, data)

    return lift


def pending(state: Memory, data: e.EventData) -> Rows:
    """An order of the city that waits, where none does."""
    assert isinstance(data, e.Approved)
    row = Pending(1, START_MS, Governed().key("chair-city").point, "revote.ordered", encode(orders(THREE)), "open")
    return {(PENDING, data.event): row}


def certificate_anew(state: Memory, data: e.EventData) -> Rows:
    """The pending certificate as it should have been, and its correction read."""
    assert isinstance(data, e.Approved)
    row = state.get(PENDING, data.event)
    assert row is not None
    read = slot("governor", FOUR, read=1)(state, data)
    size = max(seen.changed for _, seen in state.under(SLOTS)) + 1
    true = certificate(state, size, "governor", DISTRICT_B)
    return read | {(PENDING, data.event): structs.replace(row, data=encode(true))}


def still_ordered(state: Memory, data: e.EventData) -> Rows:
    """The order at station 3 as it was before it was withdrawn."""
    assert isinstance(data, e.RevoteWithdrawn)
    row = state.get(REVOTES, data.order)
    assert row is not None
    slots = at_once(slot("mayor", THREE, 0, annulled=row.index), slot("mayor", THREE, 1, annulled=0))
    return slots(state, data) | {(REVOTES, data.order): structs.replace(row, withdrawn=0)}


def slots_emptied(state: Memory, data: e.EventData) -> Rows:
    """Station 3 as if nothing had come in."""
    return at_once(*(slot(contest, THREE, seats=(), decided=()) for contest in ("mayor", "governor")))(state, data)


ABOVE_A: Final = uncertified("mayor", DISTRICT_A, CITY)
ABOVE_B: Final = uncertified("mayor", DISTRICT_B, CITY)
ORDER: Final = orders(THREE)
REVOTE: Final = acts("chair-city", ORDER)
DAY_LATE_MS: Final = APPROVAL_LIMIT_MS + 1
NEW_STATION: Final = e.StationRow("1771021001003", "TPS 3", "Asia/Jakarta", 100, 100, ("governor",))
CUTOFFS: Final = (e.Cutoff("operator", START_MS + 5),)
WITHDRAWS: Final = e.TallyWithdrawn(contest="mayor", station=FOUR, round=0, withdraws=(SOME,), reason="test")
RELEASES: Final = e.TallyReleased(contest="mayor", station=THREE, round=0, reason="reviewed", basis=BASIS)


# --- the lie, and what is found ------------------------------------------------------------------------------------------------


def replaced(state: Memory, rows: Rows) -> Memory:
    """Another state, with these rows instead."""
    other = Memory()
    for table in PROJECTION:
        for key, row in state.under(table):
            if (table, key) not in rows:
                other.put(table, key, row)
    for (table, key), row in rows.items():
        if row is not None:
            other.put(table, key, row)
    return other


def claimed(void: Void, before: Memory, signed: Signed, at: At) -> Change:
    """What the act would have done, as the liar has it."""
    event = open_submission(signed.submission)
    lifted = replaced(before, void.lift(before, event.data))
    data = event.data if void.data is None else void.data(lifted, event.data, at.index)
    election, key = lifted.get(ELECTION, SINGLE), lifted.get(KEYS, event.key)
    assert election is not None
    assert key is not None
    change = ACTS[type(data)].decide(lifted, data, Case(event, key, election, at))
    assert not change.void, change.void
    return change


def lying(honest: Memory, change: Change, places: Iterable[bytes], signed: Signed, index: int) -> Memory:
    """The views with that effect, and without the word that says otherwise."""
    rows: Rows = {(table, key): row for table, key, row in change.puts}
    rows |= {(VERSIONS, version_prefix(place) + index.to_bytes(8)): "" for place in places}
    rows[VOIDS, index.to_bytes(8)] = None
    rows[PENDING, signed.event_id] = None
    state = replaced(honest, rows)
    for (contest, area), sums in roll_up(state).items():
        state.put(SUMS, sums_key(contest, area), sums)
    return state


def view_of(state: Memory) -> dict[tuple[str, bytes], bytes]:
    """The projection's rows, in its order."""
    return {(table.name, key): table.encode(row) for table in PROJECTION for key, row in state.under(table)}


def of_a_ledger(entries: list[bytes], view: dict[tuple[str, bytes], bytes]) -> Report:
    """The auditor's report on a ledger's own folder with these views."""
    source = EntriesSource(checkpoint_of(entries, SIGNER), lambda start, stop: iter(entries[start:stop]), name="a ledger")
    rows = ((table, key, row) for (table, key), row in view.items())
    return verify(source, ledger_id=None, executor=None, progress=None, known=None, projection=rows)


def differing(one: dict[Any, bytes], other: dict[Any, bytes]) -> set[Any]:
    """Keys of which the two say different things."""
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
