"""What changed and why: diffs, sums step by step, comparisons with an outside recap, work lists and progress."""

from __future__ import annotations

import random

import pytest

from ledger.errors import BadInput
from ledger.recap.comparing import Cell, OutsideCell, compare
from ledger.recap.diffs import Diff, diff, size_at
from ledger.recap.places import current_slot
from ledger.recap.progress import progress
from ledger.recap.reasons import why, why_station
from ledger.recap.views import recap
from ledger.recap.worklists import ROLES, worklist
from ledger.tally import events as e
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.rollup import frame_of, standing_figures
from ledger.tally.signing import reopen_entry
from ledger.tally.state import SLOTS, slot_parts

from ..governed import BASIS, CITY, DISTRICT_A, DISTRICT_B, FOUR, ONE, PROVINCE, THREE, TWO, Governed, GovernedLog, certificate
from ..world import BLOCK_OF, GOOD, START_MS
from .shown import first, read, season, size, state_at

FOUNDED = first("tally.submitted")


# --- diff ------------------------------------------------------------------------------------------------------------------------


def changed(before: int, after: int, *, contest: str | None = None, area: str = "") -> Diff:
    return diff(season().entries[:after], read, before=before, after=after, contest=contest, area=area)


def figures_at(at: int) -> dict[tuple[str, str], tuple[object, ...]]:
    """What stands at each station, of the round that holds."""
    state = state_at(at)
    found: dict[tuple[str, str], tuple[object, ...]] = {}
    for key, slot in state.under(SLOTS):
        contest, station, _ = slot_parts(key)
        if not slot.annulled:
            found[contest, station] = standing_figures(slot, frame_of(state, contest).form) or (None,) * 6
    return found


@pytest.mark.parametrize("seed", range(12))
def test_a_diff_names_every_number_that_is_another_and_its_deltas_are_those_of_the_totals(seed: int) -> None:
    """Between two heights drawn by lot: held against what stands at each, figure by figure."""
    draw = random.Random(seed)
    before, after = sorted(draw.sample(range(FOUNDED, size() + 1), 2))
    found = changed(before, after)
    old, new = figures_at(before), figures_at(after)
    named = {(each.contest, each.station): each for each in found.differences}
    for place in new:
        was = old.get(place, (None,) * 6)
        if was != new[place]:
            numbers = named[place].votes + named[place].administration
            assert len(numbers) == sum(a != b for a, b in zip(was, new[place], strict=True))
            assert named[place].kind == ("votes" if was[1:4] != new[place][1:4] else "administration")
        elif place in named:
            assert (named[place].votes, named[place].administration) == ((), ())
    for total in found.totals:
        key = sums_key(total.contest, CITY if total.contest == "mayor" else PROVINCE)
        sums = [state_at(at).get(SUMS, key) for at in (before, after)]
        assert sums[0] is not None
        assert sums[1] is not None
        assert total.delta == sums[1].figures[total.number] - sums[0].figures[total.number]
    assert BLOCK_OF[1:4] == (1, 1, 1)


def test_a_diff_says_by_whom_and_why() -> None:
    """The city's correction over the district's certificate: who proposed, who approved, the basis."""
    at = first("recap.reopened")
    found = changed(at - 2, at, contest="mayor", area="1771")
    assert [each.station for each in found.differences] == [ONE]
    [step] = found.differences[0].steps
    assert [(change.code, change.before, change.after) for change in step.votes] == [("votes-1", 120, 121), ("valid", 220, 221)]
    assert (step.act.word, step.act.entry.seat, dict(step.act.facts)["basis"]) == ("corrected", "member", BASIS)
    assert step.act.approves is not None
    assert step.act.approves.seat == "chair"
    assert [total.delta for total in found.totals] == [1, 0]


def test_photos_alone_and_states_alone_are_apart_from_numbers() -> None:
    """A correction with the same figures added photos; a hold changes the total and no figure."""
    from ..world import corrected

    log = GovernedLog(Governed())
    form = log.send(ONE)
    log.send(TWO)
    start = len(log.entries)
    photo = e.Photo(1, bytes(32), 10)
    log.act(f"{ONE}/1", corrected(ONE, [form.event_id], GOOD, photos=(photo,)))
    log.act("chair-a", e.TallyHeld(contest="mayor", station=TWO, round=0, reason="x"))
    found = diff(log.entries, log.entries.__getitem__, before=start, after=len(log.entries), contest=None, area="")
    assert [(each.station, each.kind) for each in found.differences] == [(ONE, "photos"), (TWO, "state")]
    assert found.differences[0].steps[0].photos
    assert found.differences[1].delta == (-120, -100)
    assert diff(log.entries, log.entries.__getitem__, before=2, after=2, contest=None, area="").differences == ()
    with pytest.raises(BadInput, match="sizes-order"):
        diff(log.entries, log.entries.__getitem__, before=3, after=2, contest=None, area="")


def test_a_time_gives_the_tree_size_at_that_time() -> None:
    """The number of entries sequenced by then, at the very moment and a millisecond beside it."""
    log = GovernedLog(Governed())
    upto = len(log.entries)
    log.time += 5_000
    log.send(ONE)
    read_log = log.entries.__getitem__
    sizes = [size_at(read_log, len(log.entries), START_MS + step) for step in (-1, 0, 4_999, 5_000, 10**9)]
    assert sizes == [0, upto, upto, upto + 1, upto + 1]


# --- why -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", ["1", "2", "dpt", "valid"])
@pytest.mark.parametrize("area", [CITY, DISTRICT_A, "1771011001"])
def test_at_every_height_the_steps_add_up_and_every_station_is_in_the_sum_or_named(area: str, figure: str) -> None:
    """Steps and stations each give the total; what is not counted has its reason."""
    for at in range(FOUNDED, size() + 1, 3):
        found = why(state_at(at), "mayor", area, figure, size=at, every=True)
        inside = [step for step in found.stations if step.counted]
        assert sum(step.figure for step in inside if isinstance(step.figure, int)) == found.total
        assert (len(inside), len(found.stations)) == (found.counted, found.expected)
        assert all(step.why for step in found.stations if not step.counted)
        assert all(step.entry for step in inside)
        if found.steps:
            assert sum(step.total for step in found.steps) == found.total
            assert sum(step.stations for step in found.steps) == found.counted
        few = why(state_at(at), "mayor", area, figure, size=at, every=False)
        if found.steps:
            assert few.stations == tuple(step for step in found.stations if not step.counted)


def test_why_a_station_is_not_in_the_sum() -> None:
    """Not in, withdrawn, differing in this very block, held, awaiting a revote: each says so."""
    reasons = {
        step.why
        for at in range(FOUNDED, size() + 1)
        for step in why(state_at(at), "mayor", CITY, "1", size=at, every=True).stations
    }
    assert reasons == {"", "not-in", "withdrawn", "differing", "held", "awaiting-revote", "postponed"}
    differing = first("tally.withdrawn")
    dpt = why(state_at(differing), "mayor", DISTRICT_A, "dpt", size=differing, every=True)
    assert all(step.counted for step in dpt.stations if step.entry)  # the seats differ in the votes alone


def test_why_a_station_has_its_figure() -> None:
    """The chain of one figure: first form, the correction that two seats made, orders and the form of the new round."""
    found = why_station(state_at(size()), read, "mayor", ONE, "1", size=size())
    assert [version.state for version in found.chain] == [
        "submitted", "corrected", "revote-ordered", "revote-withdrawn", "revote-ordered", "submitted",
    ]  # fmt: skip
    assert [entry.index for entry in found.standing] == [found.step.entry]
    assert (found.candidate, found.step.figure, found.step.round) == ("A", 120, 2)
    with pytest.raises(BadInput, match="figure-unknown"):
        why_station(state_at(size()), read, "mayor", ONE, "9", size=size())


# --- compare ---------------------------------------------------------------------------------------------------------------------


def cells(*rows: tuple[str, str, int]) -> list[Cell]:
    said = [OutsideCell("mayor", area, figure, value, line) for line, (area, figure, value) in enumerate(rows, 2)]
    return list(compare(state_at(size()), said))


def test_an_outside_recap_is_compared_cell_by_cell() -> None:
    """Equal, different by how much, missing on either side; where it differs, the stations to look at first."""
    whole = recap(state_at(size()), "mayor", CITY, size=size())
    exact = [(CITY, str(row.number), int(row.votes or 0)) for row in whole.candidates]
    exact += [(child.code, str(n), int(v or 0)) for child in whole.children for n, v in enumerate(child.votes, 1)]
    assert {cell.outcome for cell in cells(*exact)} == {"equal"}
    area, figure, value = exact[0]
    different = cells((area, figure, value - 7), *exact[1:])
    [cell] = [cell for cell in different if cell.outcome != "equal"]
    assert (cell.outcome, cell.difference, cell.ledger, cell.line) == ("differs", 7, value, 2)
    assert set(cell.changed) == {ONE, TWO, THREE, FOUR}
    assert cell.with_findings == (THREE,)
    left_out = cells(*exact[:-1])
    assert [(c.outcome, c.area, c.figure) for c in left_out if c.outcome != "equal"] == [("not-in-file", DISTRICT_B, "votes-2")]
    assert [c.outcome for c in cells(("99", "1", 1), (CITY, "9", 1))][:2] == ["not-in-ledger"] * 2
    with pytest.raises(BadInput, match="bad-row"):
        cells((CITY, "1", 1), (CITY, "votes-1", 1))


def test_a_sibling_that_the_file_leaves_out_is_missing_there() -> None:
    """Two stations of a village are named in the file: the third of the district is in another village; the second district is
    asked for once two of its siblings are named."""
    found = cells((DISTRICT_A, "1", 0), ("1771011001", "1", 0), ("1771011002", "1", 0), (ONE, "valid", 220))
    missing = {(cell.area, cell.figure) for cell in found if cell.outcome == "not-in-file"}
    assert (DISTRICT_B, "votes-1") not in missing
    assert (TWO, "votes-1") not in missing
    assert (ONE, "votes-1") in missing


# --- work lists -------------------------------------------------------------------------------------------------------------------


def kinds(role: str, area: str, at: int, contest: str | None = "mayor") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for task in worklist(state_at(at), read, role, area, contest, size=at):
        found.setdefault(task.kind, []).append(task.code)
    return found


def test_an_officers_work_list_follows_the_evening_and_the_plenary() -> None:
    """Missing and differing forms, remarks, objections at the own level, forms to read, the recap to certify; then nothing."""
    raised = first("objection.raised", nth=3) + 1
    night = kinds("officer", DISTRICT_A, raised)
    assert night["differing"] == [TWO]
    assert night["finding"] == [TWO]  # station three's is explained
    assert night["objection"] == [TWO, ONE, THREE, DISTRICT_A]
    assert night["read"] == [ONE, THREE]
    assert night["certify"] == [DISTRICT_A]
    assert night["late"] == [ONE]
    assert kinds("officer", DISTRICT_B, raised)["withdrawn"] == [FOUR]
    done = kinds("officer", DISTRICT_A, size())
    assert set(done) == {"late"}


def test_the_level_above_reads_the_recaps_of_the_level_below() -> None:
    """The city sees districts without a certificate, then certificates to read, then its own recap to certify."""
    reading = first("recap.read")
    assert kinds("officer", CITY, reading)["lower-recap"] == [DISTRICT_A, DISTRICT_B]
    both = first("vote.postponed") + 3  # district B certified without its flooded station
    assert kinds("officer", CITY, both)["read-recap"] == [DISTRICT_A, DISTRICT_B]
    assert kinds("officer", CITY, both)["certify"] == [CITY]
    assert kinds("officer", CITY, both)["postponed"] == [FOUR]
    assert kinds("officer", CITY, both)["objection"] == [THREE]  # carried upward


def test_what_waits_for_a_second_seat_is_on_the_list_of_that_office_until_a_day_went_by() -> None:
    """A proposed certificate, and not on another office's list; after 24 hours it is on none."""
    log = GovernedLog(Governed())
    for station in (ONE, TWO, THREE):
        log.send(station)
    log.read("chair-a", "mayor", DISTRICT_A)
    log.act("chair-a", certificate(log.state, len(log.entries), "mayor", DISTRICT_A))

    def pending(area: str, now: int | None = None) -> list[str]:
        tasks = worklist(log.state, log.entries.__getitem__, "officer", area, "mayor", size=len(log.entries), now=now)
        return [task.code for task in tasks if task.kind == "pending"]

    assert pending(DISTRICT_A) == [DISTRICT_A]
    assert pending(CITY) == pending(DISTRICT_B) == []
    assert pending(DISTRICT_A, log.time + 25 * 60 * 60 * 1000) == []


def test_agents_and_supervisors_see_what_they_have_not_attested_and_where_copies_say_otherwise() -> None:
    """Also that their word was of an older version."""
    attested = first("tally.attested", nth=1) + 1
    assert kinds("supervisor", CITY, attested)["other-figures"] == [ONE]
    assert kinds("agent", CITY, attested)["attest"] == [TWO, THREE]
    revoted = [task for task in worklist(state_at(size()), read, "agent", CITY, "mayor", size=size()) if task.kind == "attest"]
    assert [task.code for task in revoted] == [ONE, TWO, THREE, FOUR]
    assert {task.round for task in revoted} == {0, 2}
    corrected = first("recap.reopened")
    older = worklist(state_at(corrected), read, "supervisor", CITY, "mayor", size=corrected)
    assert next(task.facts for task in older if task.code == ONE and task.kind == "attest") == (("why", "older-version"),)


def test_a_registrar_sees_replacements_to_look_at_and_every_role_has_a_list() -> None:
    """Until the second seat has looked; an unknown role is told which there are."""
    alone = next(at for at in range(1, size()) if "replaced" in kinds("registrar", "", at, None))
    assert kinds("registrar", "", alone, None)["replaced"] == [ONE]
    assert "replaced" not in kinds("registrar", "", alone + 1, None)
    for role in ROLES:
        assert isinstance(worklist(state_at(size()), read, role, CITY, None, size=size()), list)
    with pytest.raises(BadInput, match="role-unknown"):
        worklist(state_at(size()), read, "voter", CITY, None, size=size())


def test_a_recommendation_is_overdue_after_its_deadline() -> None:
    """Unanswered and past its time; the answered one is on no list."""
    issued = first("recommendation.issued", nth=1)
    for now, overdue in ((START_MS, False), (START_MS + 2, True)):
        tasks = worklist(state_at(issued + 1), read, "officer", CITY, "mayor", size=issued + 1, now=now)
        [task] = [task for task in tasks if task.kind == "recommendation"]
        assert (task.code, ("overdue", "1") in task.facts, task.deadline) == (FOUR, overdue, START_MS + 1)


# --- progress ---------------------------------------------------------------------------------------------------------------------


def test_progress_counts_what_is_in_read_and_certified_by_level() -> None:
    """Read stations are counted alike whether their area is certified or not."""
    for at in range(FOUNDED, size() + 1, 2):
        state = state_at(at)
        for contest in progress(state, read, size=at).contests:
            slots = [current_slot(state, contest.contest, station) for station in (ONE, TWO, THREE, FOUR)]
            assert contest.read == sum(1 for each in slots if each.slot.read and each.slot.standing), at
            assert contest.counts["in"] == sum(1 for each in slots if each.slot.standing)
    found = progress(state_at(size()), read, size=size())
    levels = {each.contest: [(level.level, level.certified, level.areas) for level in each.levels] for each in found.contests}
    assert levels == {
        "mayor": [("district", 2, 2), ("city", 1, 1)],
        "governor": [("district", 2, 2), ("city", 1, 1), ("province", 1, 1)],
    }
    assert all(each.determined for each in found.contests)
    assert found.seal is not None
    assert found.seal.index + found.seal.since + 1 == size()
    assert (found.voids, found.objections, len(found.recommendations)) == ({"key-revoked": 1}, 1, 1)


def test_deadlines_say_what_is_late() -> None:
    """Before, during, after, and once it is done."""
    deadline = e.Deadline("district", START_MS + 10, START_MS + 20)
    log = GovernedLog(Governed(deadlines=(deadline,)))
    for station in (ONE, TWO, THREE, FOUR):
        log.send(station)

    def state(now: int) -> tuple[str, tuple[tuple[str, int], ...]]:
        row = progress(log.state, log.entries.__getitem__, size=len(log.entries), now=now).deadlines[0]
        return row.state, row.late

    from ledger.recap.replay import replay

    log.state = replay(log.entries)
    assert state(START_MS) == ("not-yet", ())
    assert state(START_MS + 15) == ("running", ())
    assert state(START_MS + 21) == ("late", (("governor", 2), ("mayor", 2)))


def test_a_pending_act_shows_in_the_progress() -> None:
    """Proposed and not yet approved."""
    at = first("recap.certified") + 1
    pending = progress(state_at(at), read, size=at).pending
    assert [(view.type, view.area, view.pending) for view in pending] == [("recap.certified", DISTRICT_A, "waits")]
    assert progress(state_at(at + 1), read, size=at + 1).pending == ()
    assert reopen_entry(read(at)).event.type == "approved"
