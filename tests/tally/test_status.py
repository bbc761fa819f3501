"""The states of tallies and recaps for people: the drawing, the table and a real fold agree."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import pytest

from ledger.device.stream import EventStream
from ledger.errors import BadInput
from ledger.tally import events as e
from ledger.tally.acts.case import certificates_above
from ledger.tally.facts.recapstatus import NOTHING_OUTSIDE, Outside, recap_status, recap_text
from ledger.tally.facts.status import ACTS, TRANSITIONS, WHEN, StatusWord, late_events, slot_status, status_at, status_text
from ledger.tally.facts.wording import ABBREVIATIONS, FORBIDDEN, RECAPS, STATES, VOTER_KINDS, level_label, round_label
from ledger.tally.memory import Memory
from ledger.tally.projection import PROJECTION
from ledger.tally.rows import Slot
from ledger.tally.state import CERTIFICATES, ELECTION, REVOTES, SINGLE, SLOTS, area_key, slot_key, slot_parts

from ..governed import BASIS, CITY, DISTRICT_A, DISTRICT_B, Governed, GovernedLog, certificate, second_of
from ..world import GOOD, STATIONS, code_of, corrected, submitted

DOCS = Path(__file__).parents[2] / "docs"
ONE, TWO, THREE, FOUR = STATIONS
OTHER: Final[e.Figures] = (300, 121, 100, 221, 5, 307)
THIRD: Final[e.Figures] = (300, 122, 100, 222, 5, 307)
DECIDING: Final = "city"
LEVEL_OF: Final = {4: "city", 6: "district", 2: "province"}

# --- the machine over a real fold ------------------------------------------------------------------------------------------------


class Scene:
    """A governed election in which station FOUR, alone in its district, goes through its states."""

    def __init__(self, log: GovernedLog) -> None:
        self.log = log

    def branch(self) -> Scene:
        """The same moment again, free to go another way."""
        world = copy(self.log.world)
        world.streams = {
            name: EventStream(each.key, ledger=each.ledger, position=each.position, previous=each.previous)
            for name, each in self.log.world.streams.items()
        }
        log = copy(self.log)
        log.world, log.entries, log.indexes, log.codes = world, list(log.entries), dict(log.indexes), set()
        log.state = Memory()
        for table in PROJECTION:
            for key, row in self.log.state.under(table):
                log.state.put(table, key, row)
        return Scene(log)

    def slots(self) -> dict[int, Slot]:
        """FOUR's slots of the mayor's contest by round."""
        return {slot_parts(key)[2]: slot for key, slot in self.log.state.under(SLOTS, area_key("mayor", FOUR))}

    def words(self) -> dict[int, StatusWord]:
        """Their states."""
        return {round_: status_at(self.log.state, "mayor", FOUR, round_).word for round_ in self.slots()}

    def round(self) -> int:
        """The round that holds; the last, where none does."""
        slots = self.slots()
        return next((round_ for round_, slot in slots.items() if not slot.annulled), max(slots))

    def events(self, seat: str = "") -> list[bytes]:
        """What stands there (of a seat), ascending; a stranger where nothing does."""
        standing = self.slots()[self.round()].standing
        return sorted(each.event for each in standing if not seat or (each.role, each.seat) == ("operator", seat)) or [bytes(32)]

    def do(self, name: str) -> str:
        """The act of MOVES; with its approval where it is put down for a second seat.  The answer."""
        _act, who, make = MOVES[name]
        data = make(self)
        if data is None:
            return "nothing"
        signed = self.log.world.peek(who, data)
        answer = self.log.take(signed.submission)
        if code_of(answer).startswith(("refused", "waiting")):
            return code_of(answer)
        self.log.world.sign(who, data)
        if getattr(answer, "pending", False):
            approval = self.log.world.approve(second_of(who), signed.event_id)
            return code_of(self.log.take(approval.submission))
        return code_of(answer)


Make = Callable[[Scene], Any]


def _submit(figures: e.Figures) -> Make:
    return lambda s: submitted(FOUR, figures, round=s.round())


def _correct(figures: e.Figures, seat: str = "") -> Make:
    return lambda s: corrected(FOUR, s.events(seat), figures, round=s.round(), basis=BASIS)


def _withdraw(seat: str = "") -> Make:
    return lambda s: e.TallyWithdrawn(
        contest="mayor", station=FOUR, round=s.round(), withdraws=tuple(s.events(seat)), reason="wrong-station"
    )


def _held(scene: Scene) -> e.EventData:
    return e.TallyHeld(contest="mayor", station=FOUR, round=scene.round(), reason="under-review")


def _released(scene: Scene) -> e.EventData:
    return e.TallyReleased(contest="mayor", station=FOUR, round=scene.round(), reason="reviewed", basis=BASIS)


def _read(scene: Scene) -> e.EventData:
    return e.RecapRead(contest="mayor", rows=(e.ReadRow(FOUR, scene.round(), scene.events()[0]),))


def _read_district(scene: Scene) -> e.EventData | None:
    row = scene.log.state.get(CERTIFICATES, area_key("mayor", DISTRICT_B))
    return row and e.RecapRead(contest="mayor", rows=(e.ReadRow(DISTRICT_B, 0, row.event),))


def _certify(area: str) -> Make:
    return lambda s: certificate(s.log.state, len(s.log.entries), "mayor", area)


def _reopen(area: str) -> Make:
    def make(scene: Scene) -> e.EventData | None:
        row = scene.log.state.get(CERTIFICATES, area_key("mayor", area))
        return row and e.RecapReopened(
            contest="mayor", area=area, certificate=row.event, stations=(), reason="sum-wrong", basis=BASIS
        )

    return make


def _order(_scene: Scene) -> e.EventData:
    return e.RevoteOrdered(contest="mayor", stations=(FOUR,), kind="psu", day="2024-12-05", reason="voted-twice", basis=BASIS)


def _restore(scene: Scene) -> e.EventData | None:
    orders = [key for key, row in scene.log.state.under(REVOTES) if not row.withdrawn]
    return e.RevoteWithdrawn(order=orders[-1], reason="no-ground", basis=BASIS) if orders else None


def _cancel(_scene: Scene) -> e.EventData:
    none: Any = ()
    return e.JurisdictionsAmended(
        reason="flooded", basis=BASIS, areas=none, added=none, merged=none, cancelled=(FOUR,), corrected=none, voters=none
    )


S1, S2 = f"{FOUR}/1", f"{FOUR}/2"
MOVES: Final[dict[str, tuple[str, str, Make]]] = {
    "submit-1": ("submit", S1, _submit(GOOD)),
    "submit-2": ("submit", S2, _submit(GOOD)),
    "submit-2-other": ("submit", S2, _submit(OTHER)),
    "enter": ("enter", "chair-b", _submit(GOOD)),
    "enter-city": ("enter", "chair-city", _submit(OTHER)),
    "correct-1": ("correct", S1, _correct(GOOD, "1")),
    "correct-1-other": ("correct", S1, _correct(OTHER, "1")),
    "correct-2": ("correct", S2, _correct(GOOD, "2")),
    "decide": ("decide", "chair-b", _correct(GOOD)),
    "decide-other": ("decide", "chair-b", _correct(THIRD)),
    "decide-city": ("decide", "chair-city", _correct(GOOD)),
    "decide-city-other": ("decide", "chair-city", _correct(OTHER)),
    "withdraw-1": ("withdraw", S1, _withdraw("1")),
    "withdraw-2": ("withdraw", S2, _withdraw("2")),
    "take-out": ("take-out", "chair-b", _withdraw()),
    "take-out-city": ("take-out", "chair-city", _withdraw()),
    "hold": ("hold", "chair-b", _held),
    "hold-city": ("hold", "chair-city", _held),
    "release": ("release", "chair-b", _released),
    "release-city": ("release", "chair-city", _released),
    "read": ("read", "chair-b", _read),
    "read-city": ("read", "chair-city", _read),
    "read-district": ("", "chair-city", _read_district),
    "certify": ("certify", "chair-b", _certify(DISTRICT_B)),
    "certify-city": ("certify", "chair-city", _certify(CITY)),
    "reopen": ("reopen", "chair-b", _reopen(DISTRICT_B)),
    "reopen-city": ("reopen", "chair-city", _reopen(CITY)),
    "order": ("order", "chair-city", _order),
    "restore": ("restore", "chair-city", _restore),
    "cancel": ("cancel", "administrator", _cancel),
    "postpone": (
        "",
        "chair-city",
        lambda s: e.VotePostponed(contest="mayor", stations=(FOUR,), kind="psl", until="2024-11-29", reason="flood", basis=BASIS),
    ),
    "attest": (
        "",
        "agent-1",
        lambda s: e.TallyAttested(contest="mayor", station=FOUR, round=s.round(), event=s.events()[0], photos=()),
    ),
}
"""Every act, by who does it: its word in ACTS ('' for those that move no tally), who, and what it says."""

DIRECT: Final = frozenset(ACTS) - {"certify", "reopen", "order", "restore", "cancel"}
"""Acts on the one round that holds."""

PATHS: Final = """
submit-1 submit-2 correct-1-other correct-1 correct-2 withdraw-2 correct-1-other withdraw-1 submit-2
submit-1 submit-2-other correct-2 withdraw-1 take-out
submit-1 hold submit-2-other release take-out enter decide decide-other hold release order restore
submit-1 correct-1-other submit-2 take-out
submit-1 correct-1-other submit-2-other order restore withdraw-2 hold release read hold release order restore
submit-1 correct-1-other submit-2-other withdraw-2 read certify
submit-1 submit-2-other correct-1-other withdraw-1
submit-1 submit-2-other hold order restore release order restore withdraw-1
submit-1 correct-1-other submit-2 withdraw-2 order restore
submit-1 hold withdraw-1 submit-2 release order restore take-out order restore
submit-1 hold withdraw-1 enter release
submit-1 hold take-out release cancel
submit-1 hold submit-2 withdraw-1 order restore
submit-1 submit-2 order restore read decide-other read decide read take-out
submit-1 submit-2 decide hold decide-other
submit-1 submit-2-other decide-other
submit-1 read certify read-district certify-city reopen-city reopen
submit-1 read certify reopen certify read-district decide-city certify-city reopen-city decide-city-other certify-city reopen-city
submit-1 read certify take-out-city
submit-1 read certify order restore decide-city-other
submit-1 read certify order submit-1 submit-2-other restore
submit-1 read certify order submit-1 submit-2 restore
submit-1 read certify order submit-1 correct-1-other restore
submit-1 read certify order submit-1 hold restore
submit-1 read certify order submit-1 withdraw-1 restore
submit-1 read certify order submit-1 read restore
submit-1 read certify order submit-1 restore
submit-1 read certify order submit-1 read certify reopen restore
submit-1 read certify order submit-1 read certify order
order restore cancel
certify read-district enter-city certify-city reopen-city
submit-1 submit-2-other certify decide-city
submit-1 hold certify decide-city-other
"""


@cache
def base() -> Scene:
    """The other district is certified and read by the city; nothing came from FOUR.  To be branched off, never acted on."""
    log = GovernedLog(Governed())
    for station in (ONE, TWO, THREE):
        log.send(station)
    log.read("chair-a", "mayor", DISTRICT_A)
    log.certify("chair-a", "mayor", DISTRICT_A)
    log.read("chair-city", "mayor", CITY)
    return Scene(log)


def _moments() -> Iterator[Scene]:
    """Every moment on PATHS, the beginning of a path that was gone already not again."""
    known: dict[tuple[str, ...], Scene] = {(): base().branch()}
    yield known[()]
    for line in PATHS.strip().splitlines():
        path: tuple[str, ...] = ()
        for name in line.split():
            before, path = known[path], (*path, name)
            if path not in known:
                known[path] = before.branch()
                assert known[path].do(name) == "ok", path
                yield known[path]


class Seen(NamedTuple):
    """What one act did to one slot."""

    before: str
    act: str
    after: str


@pytest.fixture(scope="module")
def seen() -> dict[str, set[Seen]]:
    """Every act at every moment: what it moved; what took effect elsewhere and left this state; what was void and left it."""
    found: dict[str, set[Seen]] = {"moved": set(), "stayed": set(), "left": set()}
    for moment in _moments():
        for name in MOVES:
            for kind, row in watched(moment.branch(), name):
                found[kind].add(row)
    return found


def watched(scene: Scene, name: str) -> Iterator[tuple[str, Seen]]:
    """Does the act and says for each slot what it did."""
    act = MOVES[name][0]
    before, at = scene.words(), scene.round()
    answer = scene.do(name)
    after = scene.words()
    for round_, word in before.items():
        if answer != "ok":
            assert after[round_] == word, f"{name} was {answer} and moved {word} to {after[round_]}"
            yield "left", Seen(word, act, word)
        elif after[round_] != word or (act in DIRECT and round_ == at):
            yield "moved", Seen(word, act, after[round_])
        else:
            yield "stayed", Seen(word, act, word)


TABLE: Final = {Seen(row.before, row.act, row.after) for row in TRANSITIONS}


def test_every_act_at_every_moment_does_what_the_table_says(seen: dict[str, set[Seen]]) -> None:
    """No act of a fold moves a tally as the table does not say; the ones that are not in it were void or refused."""
    assert not seen["moved"] - TABLE


WALKS: Final = 30


@pytest.mark.parametrize("walk", range(WALKS))
def test_no_walk_leaves_the_table(walk: int) -> None:
    """Acts in any order, drawn from a seed: also those moments that nobody thought of."""
    chance = random.Random(walk)
    scene = base().branch()
    for _ in range(30):
        for kind, row in watched(scene, chance.choice(list(MOVES))):
            assert kind != "moved" or row in TABLE, row


def test_every_row_of_the_table_was_seen(seen: dict[str, set[Seen]]) -> None:
    """The table promises nothing that a fold does not do; what takes more than one station to show is shown below."""
    assert TABLE - seen["moved"] - seen["stayed"] == {Seen("certified", "restore", "annulled")}


def test_acts_outside_the_table_leave_the_state(seen: dict[str, set[Seen]]) -> None:
    """For every state and every act that the table does not have there, the fold was asked and the state stayed."""
    asked = {(row.before, row.act) for rows in seen.values() for row in rows}
    for state in get_args(StatusWord):
        for act in ACTS:
            assert (state, act) in asked, (state, act)


def test_the_words_of_a_table_are_known() -> None:
    """Every act and state is used, every condition said, and no row stands twice."""
    assert len(TABLE) <= len(TRANSITIONS) == len(set(TRANSITIONS))
    assert {row.act for row in TRANSITIONS} == set(ACTS)
    assert {row.when for row in TRANSITIONS} == set(WHEN)
    assert {row.before for row in TRANSITIONS} == {row.after for row in TRANSITIONS} == set(get_args(StatusWord)) == set(STATES)


# --- the drawing -----------------------------------------------------------------------------------------------------------------


def _document(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def drawn() -> Iterator[str]:
    """The drawing that the table asks for: an arrow for each pair of states, with its acts."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in TRANSITIONS:
        if row.act not in arrows[row.before, row.after]:
            arrows[row.before, row.after].append(row.act)
    yield "    [*] --> none"
    for (before, after), acts in arrows.items():
        yield f"    {before} --> {after} : {', '.join(acts)}"


def rows() -> Iterator[str]:
    """The table of transitions as the document has it."""
    for row in TRANSITIONS:
        act, when = ACTS[row.act], WHEN[row.when]
        yield f"| {row.before} | `{row.act}` | {row.after} | {act[0]} | {act[1]} | {when[0]} | {when[1]} |"


def test_the_drawing_is_the_table() -> None:
    """docs/STATES.md: the arrows of the drawing, the table's rows and the states' words are those of the code."""
    text = _document("STATES.md")
    drawing = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", text, re.DOTALL)
    assert drawing is not None
    assert drawing[1].splitlines() == list(drawn())
    table = text.partition("\n## Table\n")[2].partition("\n## ")[0]
    assert [line for line in table.splitlines() if "`" in line and line.startswith("| ")] == list(rows())
    states = text.partition("\n## States\n")[2].partition("\n## ")[0]
    listed = [line.split(" | ")[:3] for line in states.splitlines() if line.startswith("| `")]
    assert listed == [[f"| `{word}`", *STATES[word]] for word in STATES]
    recaps = text.partition("\n## Recaps\n")[2].partition("\n## ")[0]
    listed = [line.split(" | ")[:3] for line in recaps.splitlines() if line.startswith("| `")]
    assert listed == [[f"| `{word}`", *RECAPS[word]] for word in RECAPS]


# --- what stands beside a state --------------------------------------------------------------------------------------------------


@pytest.fixture
def certified() -> Scene:
    """Both districts have certified and been read by the city."""
    *_, last = _walk("submit-1 read certify read-district")
    return last


def _walk(path: str) -> Iterator[Scene]:
    scene = base().branch()
    for name in path.split():
        scene = scene.branch()
        assert scene.do(name) == "ok", name
        yield scene


def test_the_highest_certificate_is_named(certified: Scene) -> None:
    state = certified.log.state
    assert status_at(state, "mayor", FOUR, 0).certified_by == DISTRICT_B
    assert certified.do("certify-city") == "ok"
    assert status_at(certified.log.state, "mayor", FOUR, 0).certified_by == CITY
    words = status_at(certified.log.state, "mayor", FOUR, 0)
    assert status_text(words, "id", level=lambda code: LEVEL_OF[len(code)]) == "disahkan kota"


def test_what_a_reopened_certificate_bound_is_certified_by_the_one_below(certified: Scene) -> None:
    assert certified.do("certify-city") == "ok"
    assert certified.do("reopen-city") == "ok"
    assert status_at(certified.log.state, "mayor", FOUR, 0)[:2] == ("certified", DISTRICT_B)


def test_a_correction_over_a_certificate_names_what_it_corrects(certified: Scene) -> None:
    assert certified.do("decide-city-other") == "ok"
    status = status_at(certified.log.state, "mayor", FOUR, 0)
    assert (status.word, status.certified_by, status.corrected_over) == ("corrected", "", DISTRICT_B)
    told = {lang: status_text(status, lang, level=lambda code: LEVEL_OF[len(code)]) for lang in ("id", "en")}  # type: ignore[arg-type]
    assert told == {
        "id": "masuk, ada pembetulan setelah pengesahan kecamatan",
        "en": "in, corrected over the certificate of the district",
    }


def test_a_station_that_the_certificate_names_as_missing_is_not_certified() -> None:
    """Held and named as missing: it stays held, whatever is certified above."""
    *_, scene = _walk("submit-1 hold certify read-district certify-city")
    assert status_at(scene.log.state, "mayor", FOUR, 0)[:3] == ("held", "", "")
    assert scene.do("release") == "void locked"


def test_a_district_that_the_city_names_as_missing_is_not_certified() -> None:
    """The city certifies without a district of which nothing is in: its stations are not certified by that, and locked.  Over forms
    that are in and that no district certified it does not certify."""
    *_, scene = _walk("certify-city")
    assert status_at(scene.log.state, "mayor", FOUR, 0).word == "none"
    assert status_at(scene.log.state, "mayor", ONE, 0).certified_by == CITY
    assert scene.do("submit-1") == "void locked"
    *_, scene = _walk("submit-1 read")
    assert scene.do("certify-city") == "void not-read"
    assert status_at(scene.log.state, "mayor", FOUR, 0).word == "read"


def test_a_certificate_reopened_for_one_station_certifies_the_others_still() -> None:
    *_, scene = _walk("submit-1 read certify")
    state = scene.log.state
    row = state.get(CERTIFICATES, area_key("mayor", DISTRICT_A))
    assert row is not None
    scene.log.propose(
        "chair-a",
        e.RecapReopened(contest="mayor", area=DISTRICT_A, certificate=row.event, stations=(ONE,), reason="r", basis=BASIS),
    )
    assert [status_at(state, "mayor", station, 0).word for station in (ONE, TWO)] == ["read", "certified"]


def test_a_certified_revote_whose_certificate_is_to_be_renewed_can_be_taken_back() -> None:
    """Two revotes in one district: the second order makes the certificate need renewal, so the first can still be withdrawn."""
    scene = base().branch()
    log = scene.log
    order = log.propose(
        "chair-city",
        e.RevoteOrdered(contest="mayor", stations=(ONE,), kind="psu", day="2024-12-05", reason="voted-twice", basis=BASIS),
    )
    log.send(ONE, round=1)
    log.read("chair-a", "mayor", DISTRICT_A)
    log.certify("chair-a", "mayor", DISTRICT_A)
    log.propose(
        "chair-city",
        e.RevoteOrdered(contest="mayor", stations=(TWO,), kind="psu", day="2024-12-05", reason="voted-twice", basis=BASIS),
    )
    assert status_at(log.state, "mayor", ONE, 1).word == "certified"
    log.propose("chair-city", e.RevoteWithdrawn(order=order.event_id, reason="no-ground", basis=BASIS))
    assert [status_at(log.state, "mayor", ONE, round_).word for round_ in (0, 1)] == ["certified", "annulled"]


def test_what_stands_beside_a_state() -> None:
    """Awaiting, postponed, and late events are told and are no states."""
    *_, scene = _walk("postpone")
    status = status_at(scene.log.state, "mayor", FOUR, 0)
    assert (status.word, status.postponed, status.awaiting) == ("none", True, False)
    *_, scene = _walk("order")
    status = status_at(scene.log.state, "mayor", FOUR, 1)
    assert (status.word, status.awaiting) == ("none", True)
    assert status_text(status, "id") == "belum masuk, menunggu PSU"
    *_, scene = _walk("submit-1 hold withdraw-1")
    status = status_at(scene.log.state, "mayor", FOUR, 0)
    assert (status.word, status.still_held) == ("withdrawn", True)
    assert status_text(status, "en") == "withdrawn, not in again yet, the hold is not released"
    *_, scene = _walk("submit-1")
    assert late_events(scene.log.state, slot_key("mayor", FOUR, 0)) == 0
    assert scene.do("submit-1") == "void already-submitted"
    assert scene.do("release") == "void not-held"
    assert late_events(scene.log.state, slot_key("mayor", FOUR, 0)) == 2
    assert scene.words() == {0: "submitted"}


def test_the_order_of_the_certificates_does_not_matter(certified: Scene) -> None:
    assert certified.do("certify-city") == "ok"
    state = certified.log.state
    election, slot = state.get(ELECTION, SINGLE), state.get(SLOTS, slot_key("mayor", FOUR, 0))
    assert election is not None
    assert slot is not None
    above = certificates_above(state, election, "mayor", FOUR)
    assert len(above) == 2
    assert slot_status(FOUR, slot, above) == slot_status(FOUR, slot, above[::-1])
    assert slot_status(FOUR, slot, ()).word == "read"


def test_a_tally_that_is_not_there_has_no_state() -> None:
    for state, code in ((Memory(), "election-not-open"), (base().branch().log.state, "station-unknown")):
        with pytest.raises(BadInput) as caught:
            status_at(state, "mayor", FOUR, 3)
        assert caught.value.code == code


# --- recaps ----------------------------------------------------------------------------------------------------------------------


def told(scene: Scene, area: str = CITY, outside: Outside = NOTHING_OUTSIDE) -> tuple[str, tuple[str, ...]]:
    status = recap_status(scene.log.state, "mayor", area, outside)
    return status.word, recap_text(status, "id", hour=lambda _ms: "27 Nov 2024 16.33 WIB")


def test_a_recap_goes_from_provisional_to_determined() -> None:
    """The city's recap after each step, in the words of the screens."""
    scene = base().branch()
    assert told(scene) == ("provisional", ("disahkan kecamatan 1/2", "sementara, 3 dari 4 TPS"))
    scene.do("submit-1")
    assert told(scene) == ("complete", ("disahkan kecamatan 1/2", "lengkap, 4 dari 4 TPS"))
    assert told(scene, DISTRICT_A)[1] == ("disahkan kecamatan", "lengkap, 3 dari 3 TPS")
    assert told(scene, DISTRICT_B) == ("complete", ("lengkap, 1 dari 1 TPS",))
    scene.do("read")
    scene.do("certify")
    assert told(scene) == ("certified", ("disahkan kecamatan 2/2", "lengkap, 4 dari 4 TPS"))
    scene.do("read-district")
    scene.do("certify-city")
    determined = f"ditetapkan, BA {CITY}/mayor, 27 Nov 2024 16.33 WIB"
    assert told(scene) == ("determined", (determined, "disahkan kecamatan 2/2"))
    assert told(scene, DISTRICT_B)[1] == (determined, "disahkan kecamatan")
    petition = Outside("102/PAN.MK/e-AP3/12/2024", decided=False, elected="")
    assert told(scene, CITY, petition)[0] == "at-court"
    assert told(scene, CITY, petition)[1][0] == "digugat ke MK (102/PAN.MK/e-AP3/12/2024)"
    assert told(scene, CITY, petition._replace(decided=True))[0] == "determined"
    elected = Outside("", decided=False, elected="SK 1/2025")
    assert told(scene, CITY, elected)[1][0] == "calon terpilih ditetapkan (SK 1/2025)"


def test_a_city_that_names_a_district_as_missing_does_not_certify_it() -> None:
    """The city's certificate is in force; the district's own recap is not certified by it, the other one is."""
    *_, scene = _walk("certify-city")
    status = recap_status(scene.log.state, "mayor", DISTRICT_B)
    assert (status.word, [(level.level, level.certified) for level in status.levels]) == (
        "provisional",
        [("district", 0), ("city", 0)],
    )
    assert told(scene, DISTRICT_A)[0] == told(scene)[0] == "determined"


def test_nobody_is_elected_or_before_the_court_while_nothing_is_determined() -> None:
    outside = Outside("102", decided=False, elected="SK 1/2025")
    assert told(base().branch(), CITY, outside)[0] == "provisional"


def test_a_recap_says_what_happened_to_its_certificates(certified: Scene) -> None:
    """Corrected above, reopened, to be renewed, with a difference on paper, ordered by the court."""
    corrected_above = certified.branch()
    corrected_above.do("decide-city-other")
    assert f"disahkan, dibetulkan di kota: kecamatan {DISTRICT_B}" in told(corrected_above)[1]
    reopened = certified.branch()
    reopened.do("reopen")
    assert told(reopened)[1][:2] == ("disahkan kecamatan 1/2", f"dibuka kembali: kecamatan {DISTRICT_B}")
    renewal = certified.branch()
    renewal.log.propose(
        "chair-city",
        e.RevoteOrdered(contest="mayor", stations=(FOUR,), kind="psu-mk", day="2024-12-05", reason="court", basis=BASIS),
    )
    status = recap_status(renewal.log.state, "mayor", CITY)
    assert (status.ruled, status.whole, status.levels[0].renewal) == (True, 3, (DISTRICT_B,))
    assert told(renewal)[1][0] == "ada putusan MK"
    assert not recap_status(renewal.log.state, "mayor", DISTRICT_A).ruled
    *_, differing = _walk("submit-1 read")
    paper = certificate(
        differing.log.state,
        len(differing.log.entries),
        "mayor",
        DISTRICT_B,
        paper=(300, 121, 100, 220, 5, 307),
        differences=(e.DifferenceRow(1, "slip-of-the-pen"),),
    )
    differing.log.propose("chair-b", paper)
    assert f"disahkan dengan selisih: kecamatan {DISTRICT_B}" in told(differing)[1]


def test_a_recap_that_is_not_there_has_no_status(certified: Scene) -> None:
    for contest, area, code in (("mayor", "17", "area-outside-contest"), ("nobody", "17", "contest-unknown")):
        with pytest.raises(BadInput) as caught:
            recap_status(certified.log.state, contest, area)
        assert caught.value.code == code


# --- words -----------------------------------------------------------------------------------------------------------------------


def test_rounds_and_levels_have_names() -> None:
    assert [round_label(n, "id") for n in (0, 1, 2)] == ["pemungutan awal", "PSU ke-1", "PSU ke-2"]
    assert [round_label(n, "en") for n in (0, 1)] == ["first vote", "revote 1"]
    assert round_label(1, "id", court=True) == "PSU ke-1 (putusan MK)"
    names = [level_label("city", "id", area=code) for code in ("1701", "1771", "")]
    assert names == ["kabupaten", "kota", "kabupaten/kota"]
    assert level_label("ward", "id") == "ward"


def test_screens_say_no_forbidden_word_and_the_glossary_lists_each() -> None:
    tables = (STATES, RECAPS, VOTER_KINDS, ACTS, WHEN)
    words = " ".join(text for table in tables for pair in table.values() for text in pair)
    for word in (*FORBIDDEN, *ABBREVIATIONS):
        assert not re.search(rf"\b{word}\b", words), word
    forbidden = " ".join(line.rpartition(" | ")[2] for line in _document("GLOSSARY.md").splitlines() if line.startswith("|"))
    for word in (*FORBIDDEN, *ABBREVIATIONS):
        assert word in forbidden, f"GLOSSARY.md does not forbid {word}"


def test_the_glossary_has_every_status_word() -> None:
    text = _document("GLOSSARY.md")
    for word in ("sementara", "lengkap", "disahkan", "ditetapkan", "digugat ke MK", "calon terpilih", *VOTER_KINDS):
        assert word in text
