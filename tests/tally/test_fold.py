"""What each act does in each state, by whom: tables with the answers written by hand.

Every decision here is made over a view that refuses reads which the fold did not name, and is checked to change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import ledger.tally.fold
from ledger.device.stream import EventStream
from ledger.proof.note import NoteSigner
from ledger.tally.events import (
    DATA_TYPES,
    AreaRow,
    Candidate,
    ContestsListed,
    Cutoff,
    ElectionOpened,
    FormRef,
    FormsDefined,
    JurisdictionsListed,
    KeyRevoked,
    KeyRotated,
    KeyRow,
    KeysEnrolled,
    Level,
    Power,
    Registrar,
    Root,
)
from ledger.tally.forms import Block, FigureDefinition, RuleDefinition
from ledger.tally.rows import Key, Revocation, Slot
from ledger.tally.signing import draft_digest, possession_digest, root_digest, rotation_digest, sign_event
from ledger.tally.state import KEYS, SEATS, SLOTS, seat_key, slot_key

from ..world import (
    FORM,
    GOOD,
    START_MS,
    STATIONS,
    MemoryLog,
    World,
    code_of,
    contest_row,
    corrected,
    held,
    released,
    rows_of,
    station_row,
    submitted,
)
from .examples import EXAMPLES

ONE, TWO, THREE, FOUR = STATIONS
NAME_OF = {data_type: name for name, data_type in DATA_TYPES.items()}
OTHER = (300, 121, 100, 221, 5, 307)
NOBODY = bytes(32)
LATE_MS = START_MS + 3_600_000


class Scene:
    """A ledger after its founding, and the ids of labelled acts."""

    def __init__(self, **world: Any) -> None:
        self.world = World(**world)
        self.log = MemoryLog(self.world.founding())
        self.ids: dict[str, bytes] = {}

    def act(self, label: str, who: str, data: Any) -> str:
        """Signs and takes; data may be a function of the scene."""
        signed = self.world.peek(who, data(self) if callable(data) else data)
        answer = code_of(self.log.take(signed.submission, watched=True))
        if answer == "ok" or answer.startswith("void"):
            self.world.sign(who, data(self) if callable(data) else data)
        self.ids[label] = signed.event_id
        return answer

    def slot(self, station: str, contest: str = "mayor") -> Slot:
        """The tally of a station."""
        slot = self.log.state.get(SLOTS, slot_key(contest, station, 0))
        assert slot is not None
        return slot


# --- states x acts -----------------------------------------------------------------------------------------------------------

S1, S2 = f"{ONE}/1", f"{ONE}/2"
BEFORE: dict[str, list[tuple[str, str, Any]]] = {
    "none": [],
    "one": [("a", S1, submitted(ONE))],
    "two": [("b", S2, submitted(ONE))],
    "same": [("a", S1, submitted(ONE)), ("b", S2, submitted(ONE))],
    "differ": [("b", S2, submitted(ONE, OTHER)), ("a", S1, submitted(ONE))],
    "own-corr": [("a0", S1, submitted(ONE)), ("a", S1, lambda s: corrected(ONE, [s.ids["a0"]], OTHER))],
    "entered": [("o", "officer", submitted(ONE))],
    "imported": [("o", "importer", submitted(ONE, source="import"))],
    "decided": [("a", S1, submitted(ONE)), ("o", "officer", lambda s: corrected(ONE, [s.ids["a"]], OTHER))],
    "held": [("a", S1, submitted(ONE)), ("h", "officer", held(ONE))],
    "held-2": [("a", S1, submitted(ONE)), ("b", S2, submitted(ONE, OTHER)), ("h", "officer", held(ONE))],
    "held-dec": [("o", "officer", submitted(ONE)), ("h", "officer", held(ONE))],
    "released": [("a", S1, submitted(ONE)), ("h", "officer", held(ONE)), ("r", "officer", released(ONE))],
}


def _standing(scene: Scene, *seats: str) -> list[bytes]:
    return [s.event for s in scene.slot(ONE).standing if not seats or s.seat in seats] or [NOBODY]


ACTS: dict[str, tuple[str, Any]] = {
    "submit-1": (S1, submitted(ONE)),
    "submit-2": (S2, submitted(ONE)),
    "enter": ("officer", submitted(ONE)),
    "correct-1": (S1, lambda s: corrected(ONE, _standing(s, "1"), OTHER)),
    "correct-2": (S2, lambda s: corrected(ONE, _standing(s, "2"), OTHER)),
    "decide": ("officer", lambda s: corrected(ONE, _standing(s), OTHER)),
    "blind": ("officer", corrected(ONE, [NOBODY], OTHER)),
    "hold": ("officer", held(ONE)),
    "release": ("officer", released(ONE)),
}

# Rows: the state before.  Columns: the act.  A cell: the state after, or (abbreviated) the void code.
#   SUB already-submitted  DEC already-decided  NTC nothing-to-correct  NTH nothing-to-hold  AH already-held  NH not-held
GRID = """
            submit-1  submit-2   enter    correct-1  correct-2  decide     blind   hold  release
none        single    single     single   NTC        NTC        NTC        NTC     NTH   NH
one         SUB       confirmed  SUB      corrected  NTC        corrected  stale   held  NH
two         confirmed SUB        SUB      NTC        corrected  corrected  stale   held  NH
same        SUB       SUB        SUB      differing  differing  corrected  stale   held  NH
differ      SUB       SUB        SUB      confirmed  differing  corrected  stale   held  NH
own-corr    SUB       differing  SUB      corrected  NTC        corrected  stale   held  NH
entered     DEC       DEC        DEC      DEC        DEC        corrected  stale   held  NH
imported    DEC       DEC        DEC      DEC        DEC        corrected  stale   held  NH
decided     DEC       DEC        DEC      DEC        DEC        corrected  stale   held  NH
held        SUB       held       SUB      held       NTC        held       stale   AH    single
held-2      SUB       SUB        SUB      held       held       held       stale   AH    differing
held-dec    DEC       DEC        DEC      DEC        DEC        held       stale   AH    single
released    SUB       confirmed  SUB      corrected  NTC        corrected  stale   held  NH
"""
SHORT = {
    "SUB": "already-submitted", "DEC": "already-decided", "NTC": "nothing-to-correct", "NTH": "nothing-to-hold",
    "AH": "already-held", "NH": "not-held", "stale": "stale",
}  # fmt: skip
_HEAD, *_LINES = [line.split() for line in GRID.strip().splitlines()]
CELLS = [(line[0], act, cell) for line in _LINES for act, cell in zip(_HEAD, line[1:], strict=True)]


def play(before: str, act: str) -> tuple[Scene, Slot, str]:
    """The scene after the act, the slot as it was before, the answer."""
    scene = Scene()
    for label, who, data in BEFORE[before]:
        assert scene.act(label, who, data) == "ok"
    slot = scene.slot(ONE)
    return scene, slot, scene.act("act", *ACTS[act])


@pytest.mark.parametrize("before", list(BEFORE))
def test_states_and_acts(before: str) -> None:
    """Each act on a tally in each state: the state that it leads to, or the code with which it is void and changes nothing."""
    assert [line[0] for line in _LINES] == list(BEFORE)
    assert list(ACTS) == _HEAD
    for state, act, cell in CELLS:
        if state == before:
            scene, slot, answer = play(before, act)
            if cell in SHORT:
                assert (answer, scene.slot(ONE)) == (f"void {SHORT[cell]}", slot), (before, act)
            else:
                assert (answer, scene.slot(ONE).state) == ("ok", cell), (before, act)
                assert scene.slot(ONE) != slot


def test_what_stands_is_what_the_last_act_said() -> None:
    """Standing events carry author, figures and findings; corrections that change a number are counted, photo additions are not."""
    scene = Scene()
    scene.act("a", S1, submitted(ONE, (300, 120, 100, 999, 5, 307)))
    (standing,) = scene.slot(ONE).standing
    assert (standing.event, standing.role, standing.seat, standing.broken) == (scene.ids["a"], "operator", "1", ("r5", "r9"))
    scene.act("b", S1, lambda s: corrected(ONE, [s.ids["a"]], (300, 120, 100, 999, 5, 307)))
    assert (scene.slot(ONE).changes, scene.slot(ONE).state) == (0, "single")
    scene.act("c", S1, lambda s: corrected(ONE, [s.ids["b"]], GOOD))
    assert (scene.slot(ONE).changes, scene.slot(ONE).state, scene.slot(ONE).standing[0].broken) == (1, "corrected", ())
    scene.act("d", "officer", lambda s: corrected(ONE, [s.ids["c"]], GOOD))
    assert (scene.slot(ONE).changes, scene.slot(ONE).state, scene.slot(ONE).seats) == (1, "corrected", ())
    assert scene.slot(ONE).standing[0].role == "officer"


# --- who may do what ---------------------------------------------------------------------------------------------------------

# Columns: roles.  A dot: refused as role-not-entitled, whatever the act says.  Who may do it where, and who of the watchers, is in
# test_act_tables.py.
ENTITLED = """
                        root sealer registrar administrator importer officer operator supervisor
approved                yes  yes    yes       yes           yes      yes     yes      yes
candidate.changed       .    .      .         .             .        yes     .        .
contests.listed         .    .      .         yes           .        .       .        .
election.amended        yes  .      .         .             .        .       .        .
finding.explained       .    .      .         .             .        yes     yes      .
forms.defined           .    .      .         yes           .        .       .        .
incident.recorded       .    .      .         .             .        yes     yes      yes
jurisdictions.amended   .    .      .         yes           .        .       .        .
jurisdictions.listed    .    .      .         yes           .        .       .        .
key.revoked             yes  .      yes       .             .        .       .        .
key.rotated             .    .      yes       yes           yes      yes     yes      yes
keys.enrolled           .    .      yes       .             .        .       .        .
log.rekeyed             yes  .      .         .             .        .       .        .
objection.raised        .    .      .         .             .        .       .        yes
objection.settled       .    .      .         .             .        yes     .        yes
recap.certified         .    .      .         .             .        yes     .        .
recap.read              .    .      .         .             .        yes     .        .
recap.reopened          .    .      .         .             .        yes     .        .
recap.sealed            .    yes    .         .             .        .       .        .
recommendation.answered .    .      .         .             .        yes     .        .
recommendation.issued   .    .      .         .             .        .       .        yes
revote.ordered          .    .      .         .             .        yes     .        .
revote.withdrawn        .    .      .         .             .        yes     .        .
tally.attested          .    .      .         .             .        .       .        yes
tally.corrected         .    .      .         .             yes      yes     yes      .
tally.held              .    .      .         .             yes      yes     .        .
tally.released          .    .      .         .             yes      yes     .        .
tally.submitted         .    .      .         .             yes      yes     yes      .
tally.withdrawn         .    .      .         .             yes      yes     yes      .
vote.postponed          .    .      .         .             .        yes     .        .
"""
ACTORS = dict(
    zip(
        ENTITLED.split("approved")[0].split(),
        ("root-1", "sealer", "commission", "administrator", "importer", "officer", S1, "supervisor"),
        strict=True,
    )
)


def _ample(scene: Scene, kind: str, who: str) -> Any:
    """Data of the type that is in order as far as the bytes go."""
    if (kind, who) == ("objection.settled", "supervisor"):  # who raises objections withdraws them, and settles none
        return msgspec.structs.replace(EXAMPLES[kind], outcome="withdrawn", corrections=())
    if kind == "key.rotated":
        key = scene.world.key("next")
        proof = key.sign(rotation_digest(scene.world.ledger, old=scene.world.key(who).point, new=key.point, seat="x"))
        return KeyRotated(point=key.point, seat="x", proof=proof, reason="planned")
    return EXAMPLES[kind]


@pytest.mark.parametrize("line", ENTITLED.strip().splitlines()[1:], ids=lambda line: line.split()[0])
def test_roles(line: str) -> None:
    """Each event type by a key of each role: the entitled are not refused for their role, all others are."""
    kind, *cells = line.split()
    for (role, who), cell in zip(ACTORS.items(), cells, strict=True):
        scene = Scene()
        answer = scene.act("x", who, _ample(scene, kind, who))
        assert (answer == "refused role-not-entitled") == (cell == "."), (kind, role, answer)


def test_every_type_is_in_the_table() -> None:
    """The table of roles has a line for each event type that the fold takes beside ``election.opened``, whose cells agree with the
    acts' own roles (of the roles that have a column)."""
    lines = {line.split()[0]: line.split()[1:] for line in ENTITLED.strip().splitlines()[1:]}
    assert {*lines, "election.opened"} == set(DATA_TYPES)
    assert len(lines) == len(ledger.tally.fold.ACTS)
    for data_type, act in ledger.tally.fold.ACTS.items():
        cells = dict(zip(ACTORS, lines[NAME_OF[data_type]], strict=True))
        assert act.roles - {"agent"} == {role for role, cell in cells.items() if cell == "yes"}, data_type


# --- every other answer ------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """Acts before (each must be appended), then one act and its answer."""

    name: str
    before: tuple[tuple[str, str, Any], ...]
    who: str
    data: Any
    answer: str
    world: dict[str, Any] = {}  # noqa: RUF012
    at: int = START_MS


def _areas(*codes: str, stations: tuple[Any, ...] = ()) -> JurisdictionsListed:
    return JurisdictionsListed(areas=tuple(AreaRow(code, code) for code in codes), stations=stations)


def _contest(**changes: Any) -> ContestsListed:
    return ContestsListed(contests=(msgspec.structs.replace(contest_row("new", "1771"), **changes),))


def _form(**changes: Any) -> FormsDefined:
    return FormsDefined(forms=(msgspec.structs.replace(FORM, code="new", **changes),))


def _rows(*rows: tuple[str, str, str, str]) -> Callable[[Scene], KeysEnrolled]:
    return lambda s: KeysEnrolled(keys=tuple(s.world.key_row(*row) for row in rows))


def _revoke(name: str, **marks: int) -> Callable[[Scene], KeyRevoked]:
    return lambda s: KeyRevoked(key=s.world.key(name).point, reason="lost", **marks)


def _operator(valid_until: int) -> Callable[[Scene], KeysEnrolled]:
    return lambda s: KeysEnrolled(keys=(s.world.key_row("short", "operator", ONE, "1", valid_until=valid_until),))


def _named(*superseded: bytes) -> Any:
    return msgspec.structs.replace(corrected(ONE, ()), supersedes=superseded)


NEW_STATION = "1771011001003"
FIG, BLOCKS = FORM.figures, FORM.blocks
SUB, GONE = ("a", S1, submitted(ONE)), ("k", "commission", _revoke(S1))
TABLE = [
    # forms and contests
    Row("new form", (), "administrator", _form(), "ok"),
    Row("new version", (), "administrator", FormsDefined(forms=(msgspec.structs.replace(FORM, version=2),)), "ok"),
    Row("form again", (), "administrator", FormsDefined(forms=(FORM,)), "refused form-exists"),
    Row("form twice in a batch", (), "administrator", FormsDefined(forms=_form().forms * 2), "refused form-exists"),
    Row("two blocks of a code", (), "administrator", _form(blocks=(*BLOCKS, Block("voters", "x", "x"))), "refused form-invalid"),
    Row("two figures of a code", (), "administrator", _form(figures=(*FIG, FIG[0])), "refused form-invalid"),
    Row("two rules of a code", (), "administrator", _form(rules=FORM.rules * 2), "refused form-invalid"),
    Row("block that is not there", (), "administrator", _form(blocks=BLOCKS[:2]), "refused form-invalid"),
    Row("ballot numbers with a gap", (), "administrator",
        _form(figures=(*FIG, FigureDefinition("votes-4", 1, 4, 3, "x", "x"))), "refused form-invalid"),
    Row("rule on no figure", (), "administrator",
        _form(rules=(RuleDefinition("r1", "error", ((1, 6),), "=", ((0,),)),)), "refused form-invalid"),
    Row("rule called r13", (), "administrator",
        _form(rules=(RuleDefinition("r13", "error", ((1, 0),), "=", ((0,),)),)), "refused form-invalid"),
    Row("new contest", (), "administrator", _contest(), "ok"),
    Row("contest of a later area", (), "administrator", _contest(area="1799"), "ok"),
    Row("contest again", (), "administrator", _contest(code="mayor"), "refused contest-exists"),
    Row("contest twice in a batch", (), "administrator",
        ContestsListed(contests=_contest().contests * 2), "refused contest-exists"),
    Row("contest on no form", (), "administrator", _contest(form="other"), "refused form-unknown"),
    Row("contest on no version", (), "administrator", _contest(version=2), "refused form-unknown"),
    Row("a pair too few", (), "administrator",
        _contest(candidates=(Candidate(1, "A", "candidate"),)), "refused candidates-mismatch"),
    Row("pairs out of order", (), "administrator",
        _contest(candidates=(Candidate(2, "B", "candidate"), Candidate(1, "A", "candidate"))), "refused candidates-mismatch"),
    Row("unknown deciding level", (), "administrator", _contest(deciding="country"), "refused level-unknown"),
    Row("unknown certifying level", (), "administrator", _contest(certifying=("city", "country")), "refused level-unknown"),
    Row("area of no level", (), "administrator", _contest(area="177"), "refused level-unknown"),
    Row("contest of a single station", (), "administrator", _contest(area=ONE), "refused level-unknown"),
    # areas and stations
    Row("areas, parents first", (), "administrator", _areas("1772", "177201"), "ok"),
    Row("areas, children first", (), "administrator", _areas("177201", "1772"), "refused area-unknown"),
    Row("village and its station", (), "administrator",
        _areas("1771011003", stations=(station_row("1771011003001"),)), "ok"),
    Row("area without its parent", (), "administrator", _areas("177201"), "refused area-unknown"),
    Row("area again", (), "administrator", _areas("1771"), "refused area-exists"),
    Row("area twice in a batch", (), "administrator", _areas("1772", "1772"), "refused area-exists"),
    Row("area of no level", (), "administrator", _areas("177"), "refused area-code"),
    Row("station among areas", (), "administrator", _areas(NEW_STATION), "refused area-code"),
    Row("village among stations", (), "administrator", _areas(stations=(station_row("1771011003"),)), "refused area-code"),
    Row("nothing at all", (), "administrator", _areas(), "refused batch-empty"),
    Row("new station", (), "administrator", _areas(stations=(station_row(NEW_STATION),)), "ok"),
    Row("station again", (), "administrator", _areas(stations=(station_row(ONE),)), "refused area-exists"),
    Row("station without village", (), "administrator", _areas(stations=(station_row("1771011009001"),)), "refused area-unknown"),
    Row("zone of another country", (), "administrator",
        _areas(stations=(msgspec.structs.replace(station_row(NEW_STATION), zone="Europe/Rome"),)), "refused zone-unknown"),
    Row("contest twice at a station", (), "administrator",
        _areas(stations=(station_row(NEW_STATION, contests=("mayor", "mayor")),)), "refused contest-twice"),
    Row("station with an unlisted contest", (), "administrator",
        _areas(stations=(station_row(NEW_STATION, contests=("other",)),)), "refused contest-unknown"),
    Row("contest held elsewhere", (("c", "administrator", _contest(area="1772")),), "administrator",
        _areas(stations=(station_row(NEW_STATION, contests=("new",)),)), "refused contest-unknown"),
    # keys
    Row("an officer", (), "commission", _rows(("o2", "officer", "1771", "city-2")), "ok"),
    Row("an officer for all", (), "commission", _rows(("o2", "officer", "", "country-1")), "ok"),
    Row("two in a batch", (), "commission", _rows(("o2", "officer", "17", "p-1"), ("o3", "officer", "17", "p-2")), "ok"),
    Row("a point again", (), "commission", _rows(("officer", "officer", "1771", "city-2")), "refused point-enrolled"),
    Row("a point of the registrar", (), "commission", _rows(("commission", "officer", "1771", "x")), "refused point-enrolled"),
    Row("a point twice in a batch", (), "commission",
        _rows(("o2", "officer", "17", "p-1"), ("o2", "officer", "17", "p-2")), "refused point-enrolled"),
    Row("a revoked point again", (GONE,), "commission", _rows((S1, "operator", ONE, "1")), "refused point-enrolled"),
    Row("a taken seat", (), "commission", _rows(("o2", "officer", "1771", "city-1")), "refused seat-taken"),
    Row("a seat twice in a batch", (), "commission",
        _rows(("o2", "officer", "17", "p-1"), ("o3", "officer", "17", "p-1")), "refused seat-taken"),
    Row("a vacated seat", (GONE,), "commission", _rows(("next", "operator", ONE, "1")), "ok"),
    Row("another registrar's role", (), "watchdog", _rows(("o2", "officer", "1771", "city-2")), "refused registrar-other-role"),
    Row("an area that is not listed", (), "commission", _rows(("o2", "officer", "1772", "x")), "refused area-unknown"),
    Row("an operator of a village", (), "commission", _rows(("x", "operator", "1771011001", "1")), "refused operator-seat"),
    Row("an operator's third seat", (("k", "administrator", _areas(stations=(station_row(NEW_STATION),))),), "commission",
        _rows(("x", "operator", NEW_STATION, "3")), "refused operator-seat"),
    Row("an operator with a proof", (GONE,), "commission",
        lambda s: KeysEnrolled(keys=(KeyRow(s.world.key("x").point, "operator", ONE, "1", 0, (
            s.world.key("x").sign(possession_digest(s.world.ledger, point=s.world.key("x").point, role="operator", scope=ONE,
                                                    seat="1")),)),)), "refused operator-seat"),
    Row("an officer without proof", (), "commission",
        lambda s: KeysEnrolled(keys=(KeyRow(s.world.key("x").point, "officer", "", "x", 0, ()),)), "refused proof-missing"),
    Row("revoking", (), "commission", _revoke(S1), "ok"),
    Row("revoking with marks", (), "commission", _revoke(S1, suspect_since=3, last_good=0), "ok"),
    Row("revoking nobody", (), "commission", _revoke("nobody"), "void key-not-enrolled"),
    Row("revoking twice", (GONE,), "commission", _revoke(S1), "void key-already-revoked"),
    Row("another registrar's key", (), "watchdog", _revoke(S1), "refused registrar-other-role"),
    Row("revoking a root", (), "commission", _revoke("root-2"), "refused registrar-other-role"),
    Row("revoking oneself", (), "commission", _revoke("commission"), "refused registrar-other-role"),
    # the life of a key
    Row("nobody submits", (), "nobody", submitted(ONE), "waiting key-unknown"),
    Row("a revoked key", (GONE,), S1, submitted(ONE), "refused key-revoked"),
    Row("a revoked key's last good", (("k", "commission", _revoke(S1, last_good=0)),), S1, submitted(ONE), "void key-revoked"),
    Row("beyond the last good", (SUB, ("k", "commission", _revoke(S1, last_good=0))), S1,
        lambda s: corrected(ONE, [s.ids["a"]]), "refused key-revoked"),
    Row("last moment of a key", (GONE, ("k", "commission", _operator(START_MS))), "short", submitted(ONE), "ok"),
    Row("after a key's end", (GONE, ("k", "commission", _operator(START_MS - 1))), "short", submitted(ONE), "refused key-expired"),
    # tallies: place and shape
    Row("another station", (), S1, submitted(TWO), "refused beyond-scope"),
    Row("another district", (), "officer-b", submitted(ONE), "refused beyond-scope"),
    Row("another district, corrected", (SUB,), "officer-b", lambda s: corrected(ONE, [s.ids["a"]]), "refused beyond-scope"),
    Row("another district, held", (SUB,), "officer-b", held(ONE), "refused beyond-scope"),
    Row("another district, released", (SUB,), "officer-b", released(ONE), "refused beyond-scope"),
    Row("own district", (), "officer-b", submitted(FOUR), "ok"),
    Row("no such contest", (), S1, submitted(ONE, contest="other"), "refused contest-unknown"),
    Row("no such contest, held", (), "officer", held(ONE, contest="other"), "refused contest-unknown"),
    Row("contest not held there", (("c", "administrator", _contest(area="17", deciding="province")),), S1,
        submitted(ONE, contest="new"), "refused station-unknown"),
    Row("no such station", (), "officer", submitted(NEW_STATION), "refused station-unknown"),
    Row("no revote", (), S1, submitted(ONE, round=1), "refused round-unknown"),
    Row("no revote, released", (), "officer", released(ONE, round_=1), "refused round-unknown"),
    Row("another form", (), S1, submitted(ONE, form=FormRef("other", 1)), "refused form-other"),
    Row("another version", (), S1, submitted(ONE, form=FormRef("small", 2)), "refused form-other"),
    Row("a figure short", (), S1, submitted(ONE, GOOD[:5]), "refused figures-count"),
    Row("a figure more", (), S1, submitted(ONE, (*GOOD, 1)), "refused figures-count"),
    Row("no figures", (), S1, submitted(ONE, ()), "refused figures-count"),
    Row("figures that break every rule", (), S1, submitted(ONE, (0, 999_999, 999_999, 1, 1, 0)), "ok"),
    Row("a form left blank", (), S1, submitted(ONE, (None,) * 6), "ok"),
    Row("agents for each pair", (), S1, submitted(ONE, agents=("signed", "absent")), "ok"),
    Row("agents for one pair of two", (), S1, submitted(ONE, agents=("signed",)), "refused agents-count"),
    Row("superseded twice", (SUB,), S1, lambda s: _named(s.ids["a"], s.ids["a"]), "refused supersedes-order"),
    Row("superseded in disorder", (SUB,), "officer",
        lambda s: _named(s.ids["a"], NOBODY), "refused supersedes-order"),
    Row("one of two named", (SUB, ("b", S2, submitted(ONE))), "officer", lambda s: corrected(ONE, [s.ids["a"]]), "void stale"),
    Row("more than stands named", (SUB,), "officer", lambda s: corrected(ONE, [s.ids["a"], NOBODY]), "void stale"),
    Row("the other seat named", (SUB, ("b", S2, submitted(ONE))), S1, lambda s: corrected(ONE, [s.ids["b"]]), "void stale"),
    Row("both seats named by a seat", (SUB, ("b", S2, submitted(ONE))), S1,
        lambda s: corrected(ONE, [s.ids["a"], s.ids["b"]]), "void stale"),
    Row("the seat's next key corrects", (SUB, GONE, ("k", "commission", _rows(("next", "operator", ONE, "1")))), "next",
        lambda s: corrected(ONE, [s.ids["a"]], OTHER), "ok"),
    Row("the seat's next key submits again", (SUB, GONE, ("k", "commission", _rows(("next", "operator", ONE, "1")))), "next",
        submitted(ONE), "void already-submitted"),
    # cut-offs
    Row("before the cut-off", (), S1, submitted(ONE), "ok", {"cutoffs": (Cutoff("operator", LATE_MS),)}, LATE_MS - 1),
    Row("at the cut-off", (), S1, submitted(ONE), "void past-cut-off", {"cutoffs": (Cutoff("operator", LATE_MS),)}, LATE_MS),
    Row("corrected at the cut-off", (SUB,), S1, lambda s: corrected(ONE, [s.ids["a"]]), "void past-cut-off",
        {"cutoffs": (Cutoff("operator", LATE_MS),)}, LATE_MS),
    Row("another role's cut-off", (), "officer", submitted(ONE), "ok", {"cutoffs": (Cutoff("operator", LATE_MS),)}, LATE_MS),
    Row("holding has no cut-off", (SUB,), "officer", held(ONE), "ok", {"cutoffs": (Cutoff("officer", LATE_MS),)}, LATE_MS),
]  # fmt: skip


def answer_of(row: Row) -> str:
    """Plays a row."""
    scene = Scene(**row.world)
    for label, who, data in row.before:
        assert scene.act(label, who, data) == "ok", label
    scene.log.time = row.at
    before = rows_of(scene.log.state)
    answer = scene.act("act", row.who, row.data)
    if answer.startswith(("refused", "waiting")):
        assert rows_of(scene.log.state) == before
    return answer


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name.replace(" ", "-").replace(",", ""))
def test_answers(row: Row) -> None:
    """The act after the acts before it has the answer in the table."""
    assert answer_of(row) == row.answer


def test_the_tables_stay_small() -> None:
    """Tables that nobody reads hold nothing."""
    assert len(TABLE) + len(_LINES) <= 125


# --- streams -----------------------------------------------------------------------------------------------------------------


def _at_position(scene: Scene, position: int, previous: bytes | None, *, ledger: bytes | None = None) -> str:
    submission, _ = sign_event(
        scene.world.key(S1),
        submitted(ONE),
        ledger=ledger or scene.world.ledger,
        position=position,
        previous=previous,
        claimed_at=0,
    )
    return code_of(scene.log.decide(submission))


STREAM_ANSWERS = {
    "gap at the start": (0, 1, "x", "waiting stream-gap"),
    "gap": (1, 2, "x", "waiting stream-gap"),
    "taken": (2, 1, "first", "refused stream-position"),
    "begun anew": (1, 0, None, "refused stream-position"),
    "fork": (1, 1, "x", "refused stream-previous"),
    "next": (1, 1, "first", "void already-submitted"),
}


def _stream_answer(name: str) -> str:
    acts, position, previous, _ = STREAM_ANSWERS[name]
    scene = Scene()
    for _ in range(acts):
        scene.act("first" if "first" not in scene.ids else "later", S1, submitted(ONE))
    id_ = None if previous is None else scene.ids.get(previous, NOBODY)
    return _at_position(scene, position, id_)


@pytest.mark.parametrize("name", STREAM_ANSWERS)
def test_a_key_signs_one_stream(name: str) -> None:
    """Gaps wait, taken positions and other branches are refused, the next position is appended, void or not."""
    assert _stream_answer(name) == STREAM_ANSWERS[name][3]


def test_another_ledger() -> None:
    """An event for another ledger is refused though the key is enrolled in this one."""
    assert _at_position(Scene(), 0, None, ledger=NOBODY) == "refused other-ledger"


# --- entry 0 -----------------------------------------------------------------------------------------------------------------


def resigned(data: ElectionOpened, world: World) -> ElectionOpened:
    """The data with the founders' signatures made again."""
    names = ("root-1", "root-2", "root-3", "sealer", "commission", "watchdog")
    keys = {world.key(name).point: world.key(name) for name in names}
    draft = draft_digest(data)

    def possession(point: bytes, role: str, scope: str, seat: str) -> bytes:
        return keys[point].sign(possession_digest(draft, point=point, role=role, scope=scope, seat=seat))

    return msgspec.structs.replace(
        data,
        roots=tuple(Root(root.point, keys[root.point].sign(root_digest(draft))) for root in data.roots),
        sealer=Root(data.sealer.point, possession(data.sealer.point, "sealer", "", "sealer")),
        registrars=tuple(
            msgspec.structs.replace(row, signature=possession(row.point, "registrar", row.scope, row.body))
            for row in data.registrars
        ),
    )


PLAIN = World()
REG = PLAIN.opening.registrars
OTHER_LOG = NoteSigner("other.example", Ed25519PrivateKey.from_private_bytes(bytes(32)))
OPENINGS: dict[str, tuple[dict[str, Any], str]] = {
    "as it is": ({}, "ok"),
    "no such day": ({"day": "2024-02-30"}, "opening-invalid"),
    "levels that shrink": ({"levels": PLAIN.opening.levels[::-1]}, "opening-invalid"),
    "levels of one length": ({"levels": (Level("a", 2), Level("b", 2))}, "opening-invalid"),
    "levels of one name": ({"levels": (Level("a", 2), Level("a", 4))}, "opening-invalid"),
    "a country level": ({"levels": (Level("country", 0), *PLAIN.opening.levels)}, "ok"),
    "a root twice": ({"roots": (PLAIN.opening.roots[0],) * 2}, "opening-invalid"),
    "a root as sealer": ({"sealer": PLAIN.opening.roots[0]}, "opening-invalid"),
    "a registrar twice": (
        {"registrars": (REG[0], Registrar("commission", PLAIN.key("root-3").point, "", ("officer",), bytes(64)))},
        "opening-invalid",
    ),
    "a registrar for an area": ({"registrars": (msgspec.structs.replace(REG[0], scope="1771"),)}, "ok"),
    "a zone twice": ({"zones": ("Asia/Jakarta",) * 2}, "opening-invalid"),
    "two cut-offs of a role": ({"cutoffs": (Cutoff("operator", 1), Cutoff("operator", 2))}, "opening-invalid"),
    "no vkey": ({"log_key": "x"}, "opening-invalid"),
    "another origin's vkey": ({"log_key": OTHER_LOG.vkey}, "opening-invalid"),
    "a log's key as witness": ({"witnesses": (OTHER_LOG.vkey,)}, "opening-invalid"),
    "a witness that is none": ({"witnesses": ("x",)}, "opening-invalid"),
    "a quorum of nobody": ({"quorum": 1}, "opening-invalid"),
    # part 1 refused any second seat; now entry 0 may ask for them, but not for acts that must be at once, nor of unknown ones
    "second seats": ({"second_seats": ("keys.enrolled", "recap.certified")}, "ok"),
    "second seats out of order": ({"second_seats": ("recap.certified", "keys.enrolled")}, "opening-invalid"),
    "a second seat twice": ({"second_seats": ("recap.certified",) * 2}, "opening-invalid"),
    "a second seat for nothing known": ({"second_seats": ("recap.invented",)}, "opening-invalid"),
    "a second seat for a revocation": ({"second_seats": ("key.revoked",)}, "opening-invalid"),
    "a second seat for a hold": ({"second_seats": ("tally.held",)}, "opening-invalid"),
    "a second seat for an approval": ({"second_seats": ("approved",)}, "opening-invalid"),
    "a second seat for a seal": ({"second_seats": ("recap.sealed",)}, "opening-invalid"),
    "powers": ({"powers": (Power("tally.held", ("city",), 0), Power("tally.released", ("city", "district"), 1))}, "ok"),
    "powers out of order": ({"powers": (Power("tally.released", (), 0), Power("tally.held", (), 0))}, "opening-invalid"),
    "a power twice": ({"powers": (Power("tally.held", (), 0),) * 2}, "opening-invalid"),
    "a power of nothing known": ({"powers": (Power("tally.invented", (), 0),)}, "opening-invalid"),
    "a power over approvals": ({"powers": (Power("approved", (), 0),)}, "opening-invalid"),
    "a power of no level": ({"powers": (Power("tally.held", ("country",), 0),)}, "opening-invalid"),
    "who counts enrols who watches": (
        {"registrars": (REG[0], msgspec.structs.replace(REG[1], roles=("officer", "supervisor")))},
        "opening-invalid",
    ),
    "a delegate without what it delegates": (
        {"registrars": (REG[0], msgspec.structs.replace(REG[1], roles=("registrar",)))},
        "opening-invalid",
    ),
}


def _opening_answer(name: str) -> str:
    world = World()
    data = resigned(msgspec.structs.replace(world.opening, **OPENINGS[name][0]), world)
    signed = EventStream(world.key("root-1"), ledger=b"").sign(data, claimed_at=0)
    return code_of(MemoryLog().take(signed.submission, watched=True))


@pytest.mark.parametrize("name", OPENINGS)
def test_openings(name: str) -> None:
    """What the types of entry 0 cannot say is checked when it is decided."""
    expected = OPENINGS[name][1]
    assert _opening_answer(name) == (expected if expected == "ok" else f"refused {expected}")


def _opening_cases() -> dict[str, tuple[str, str]]:
    world = World()
    by_stranger = sign_event(world.key("commission"), world.opening, ledger=None, position=0, previous=None, claimed_at=0)
    at_one = sign_event(world.key("root-1"), world.opening, ledger=None, position=1, previous=NOBODY, claimed_at=0)
    early = world.peek("administrator", _form())
    founded = MemoryLog([world.first])
    return {
        "by a registrar": (code_of(MemoryLog().decide(by_stranger[0])), "refused opening-invalid"),
        "at position 1": (code_of(MemoryLog().decide(at_one[0])), "refused opening-invalid"),
        "twice": (code_of(founded.decide(world.first.submission)), "refused already-opened"),
        "anything before it": (code_of(MemoryLog().decide(early.submission)), "refused not-opened"),
    }


@pytest.mark.parametrize("name", ["by a registrar", "at position 1", "twice", "anything before it"])
def test_the_ledger_is_opened_once_by_a_root(name: str) -> None:
    """Entry 0 begins a root's stream, comes before all and comes once."""
    answer, expected = _opening_cases()[name]
    assert answer == expected


def test_founders_have_their_keys_and_seats() -> None:
    """After entry 0 the roots, registrars and sealer are enrolled at index 0, and nobody else."""
    world = World()
    state = MemoryLog([world.first]).state
    names = ("root-1", "root-2", "commission", "watchdog", "sealer")
    assert {key for key, _ in state.under(KEYS)} == {world.key(name).point for name in names}
    assert state.get(KEYS, world.key("watchdog").point) == Key(
        "registrar", "", "watchdog", 0, 0, ("supervisor",), (), by="", before=(), after=(), alone=0, second=""
    )
    assert state.get(SEATS, seat_key("root", "", "root-2")) == world.key("root-2").point


def test_a_registrar_of_an_area_stays_in_it() -> None:
    """A registrar whose scope is an area enrols and revokes there alone."""
    world = World()
    district = msgspec.structs.replace(REG[1], scope="177102", roles=("officer",))
    data = resigned(msgspec.structs.replace(world.opening, registrars=(REG[0], district)), world)
    stream = EventStream(world.key("root-1"), ledger=b"")
    log = MemoryLog([stream.sign(data, claimed_at=0)])
    world.ledger = stream.ledger
    for signed in world.founding()[1:7]:
        log.append(signed)
    world.streams.pop("watchdog")  # its event was not appended
    inside = world.peek("watchdog", KeysEnrolled(keys=(world.key_row("x", "officer", "177102", "d-2"),)))
    outside = world.peek("watchdog", KeysEnrolled(keys=(world.key_row("x", "officer", "177101", "d-2"),)))
    above = world.peek("watchdog", KeysEnrolled(keys=(world.key_row("x", "officer", "", "d-2"),)))
    revoking = world.peek("watchdog", KeyRevoked(key=world.key("officer").point, reason="lost"))
    answers = [code_of(log.decide(signed.submission)) for signed in (inside, outside, above, revoking)]
    assert answers == ["ok"] + ["refused beyond-scope"] * 3


def test_a_revocation_stands_in_the_key_and_empties_the_seat() -> None:
    """Reason, marks and index are kept for views; the seat can be given to another key."""
    scene = Scene()
    scene.act("k", "commission", _revoke(S1, suspect_since=4, last_good=2))
    key = scene.log.state.get(KEYS, scene.world.key(S1).point)
    assert key is not None
    assert key.revoked == (Revocation(9, "lost", (4,), (2,)),)
    assert scene.log.state.get(SEATS, seat_key("operator", ONE, "1")) == b""


# --- completeness ------------------------------------------------------------------------------------------------------------


CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
PART_1 = ("setup.py", "keys.py", "tallies.py")


def answers() -> set[str]:
    """Every answer that this module's tables end in."""
    seen = {answer_of(row) for row in TABLE} | {_stream_answer(name) for name in STREAM_ANSWERS}
    seen |= {_opening_answer(name) for name in OPENINGS} | {answer for answer, _ in _opening_cases().values()}
    seen |= {play(state, act)[2] for state, act, _ in CELLS} | {_at_position(Scene(), 0, None, ledger=NOBODY)}
    return seen | {Scene().act("x", "supervisor", submitted(ONE))}


def test_every_refusal_of_the_first_acts_is_hit() -> None:
    """Each refusal and waiting code of fold, setup, keys, tallies and form definitions is given somewhere in the tables above, but
    for those of rotation.  The rest, and that nothing is left, is in ``test_answers.py``."""
    room = Path(ledger.tally.fold.__file__).parent
    text = "".join(path.read_text() for path in [room / "fold.py", *(room / "acts" / name for name in PART_1)])
    text += "".join(re.findall(r"^def check_form.*?^def ", (room / "forms.py").read_text(), re.DOTALL | re.MULTILINE))
    wanted = {f"refused {code}" for code in re.findall(r'Refused\(\s*"([a-z0-9-]+)"', text)}
    wanted |= {f"waiting {code}" for code in re.findall(r'Waiting\(\s*"([a-z0-9-]+)"', text)}
    wanted -= {"refused key-retired", "refused seat-other", "refused rotations-limit"}
    seen = {answer for answer in answers() if not answer.startswith(("ok", "void"))}
    assert len(wanted) > 30
    assert seen == wanted | {"refused beyond-scope"}


def test_a_revoked_key_is_refused_even_ahead_of_its_stream() -> None:
    """Waiting for an earlier event of a key that may send none any more would wedge the device's queue for ever."""
    scene = Scene()
    assert scene.act("k", "commission", _revoke(S1)) == "ok"
    stream = EventStream(scene.world.key(S1), ledger=scene.world.ledger, position=5, previous=bytes(32))
    ahead = stream.sign(submitted(ONE), claimed_at=START_MS)
    assert code_of(scene.log.take(ahead.submission, watched=True)) == "refused key-revoked"
