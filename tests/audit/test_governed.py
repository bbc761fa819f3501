"""No false alarm over a governed election: every ledger of ``governed`` is accepted whole, as files and from its own folder.

Also what the report says of certificates, seals and acts that wait, and that recomputing them stays bounded.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.audit import signatures
from ledger.audit.report import Report
from ledger.audit.sources import EntriesSource, FolderSource
from ledger.audit.verify import Known, verify
from ledger.log.append import Appended
from ledger.node import Node
from ledger.tally import events as e
from ledger.tally import recaps
from ledger.tally.events import DATA_TYPES
from ledger.tally.projection import PROJECTION
from ledger.tally.signing import reopen_entry

from ..governed import BASIS, THREE, Governed, GovernedLog, first_night, submissions, whole_season
from ..world import LOG_KEY, ORIGIN, START_MS, check_log, held, released
from .conftest import SIGNER
from .forger import checkpoint_of, publication, state_of
from .liar import of_a_ledger, view_of
from .test_flips_stored import verify_ledger
from .test_tampering import check, outcomes, told

ROUNDS = 40
MANY = tuple(f"{village}{number:03}" for village in ("1771011001", "1771011002", "1771021001") for number in range(1, 31))


def types_in(entries: list[bytes]) -> Counter[str]:
    """How many entries there are of each type."""
    return Counter(reopen_entry(entry).event.type for entry in entries)


def accepted(report: Report, size: int) -> None:
    """Nothing found, and every step carried out to its end."""
    assert (told(report), outcomes(report), report.ok, report.size) == ([], "ppppppppp", True, size)


# --- accepted whole -----------------------------------------------------------------------------------------------------------


def test_a_season_of_all_acts_is_accepted(tmp_path: Path) -> None:
    """Every event type is in it; the report counts what it recomputed."""
    log = whole_season()
    types = types_in(log.entries)
    assert set(types) == set(DATA_TYPES) - {"log.rekeyed"}
    report = check(tmp_path, publication(log.entries, SIGNER, older=(19, 64)), ledger_id=log.world.ledger)
    accepted(report, len(log.entries))
    assert report.events == dict(sorted(types.items()))
    assert (report.certificates, report.seals) == (types["recap.certified"], types["recap.sealed"])
    assert min(report.certificates, report.seals) > 1
    assert (report.void, report.voids, report.pending) == (1, {"key-revoked": 1}, 0)
    assert report.steps[8].detail == f"recomputed: certificates {report.certificates}, seals {report.seals}"
    assert report.steps[7].detail == "void: 1, pending: 0"


def test_every_seventh_prefix_of_the_season_is_accepted(tmp_path: Path) -> None:
    """Between a proposal and its approval too: then one act is pending.  The largest is verified with each as the known tree."""
    log = whole_season()
    waiting = 0
    for size in range(1, len(log.entries) + 1, 7):
        entries = log.entries[:size]
        report = check(tmp_path / str(size), publication(entries, SIGNER))
        accepted(report, size)
        waiting += report.pending
        known = Known.from_note(checkpoint_of(entries, SIGNER))
        assert check(tmp_path / "all", publication(log.entries, SIGNER), known=known).ok
    assert waiting > 0


@pytest.mark.parametrize(
    "more",
    [
        {"second_seats": ()},
        {"powers": ()},
        {"second_seats": (), "powers": ()},
        {"deadlines": (e.Deadline("city", START_MS, START_MS + 1),), "cutoffs": (e.Cutoff("operator", START_MS + 1),)},
    ],
    ids=["no second seats", "no powers", "neither", "deadlines and a cut-off"],
)
def test_elections_with_other_rules_are_accepted(more: dict[str, Any], tmp_path: Path) -> None:
    """The first night under what else entry 0 may say."""
    log = GovernedLog(Governed(**more))
    first_night(log)
    accepted(check(tmp_path, publication(log.entries, SIGNER)), len(log.entries))


def test_a_nodes_own_folder_and_what_it_publishes_are_accepted(tmp_path: Path) -> None:
    """The season through intake, one batch; every standing row is compared."""
    log = whole_season()
    with Node.create(tmp_path / "ledger", origin=ORIGIN, log_key=LOG_KEY, clock=lambda: START_MS) as node:
        answers = node.submit(submissions(log.entries))
        assert [answer.index for answer in answers if isinstance(answer, Appended)] == list(range(len(log.entries)))
        report = verify_ledger(node)
        accepted(report, len(log.entries))
        assert report.steps[8].checked > len(log.entries)
        assert report.certificates > 1
        assert check_log(node) == log.entries
        node.publish(tmp_path / "public")
    published = verify(FolderSource(tmp_path / "public"), ledger_id=log.world.ledger, executor=None, progress=None, known=None)
    accepted(published, len(log.entries))
    assert published.contests == report.contests


def test_the_seals_that_a_node_makes_are_accepted(tmp_path: Path) -> None:
    """A node with the sealer's key seals by itself, at its own heights; the season's own seals are left out."""
    world = Governed()
    log = GovernedLog(world)
    first_night(log)
    with Node.create(
        tmp_path / "ledger", origin=ORIGIN, log_key=LOG_KEY, clock=lambda: START_MS, sealer=world.key("sealer")
    ) as node:
        node.submit(submissions(log.entries))
        report = verify_ledger(node)
        accepted(report, len(log.entries) + 1)
        assert (report.seals, report.events["recap.sealed"]) == (1, 1)
        node.publish(tmp_path / "public")
    accepted(
        verify(FolderSource(tmp_path / "public"), ledger_id=None, executor=None, progress=None, known=None), len(log.entries) + 1
    )


# --- what the report says -----------------------------------------------------------------------------------------------------


def test_acts_that_wait_are_counted_until_another_seat_has_approved(tmp_path: Path) -> None:
    """One that is never approved stays counted, long after its time."""
    log = whole_season()
    ordered = e.RevoteOrdered(contest="mayor", stations=(THREE,), kind="psu-mk", day="2024-12-07", reason="x", basis=BASIS)
    signed = log.act("chair-city", ordered)
    log.time += 10**9
    log.act("administrator", e.JurisdictionsListed(areas=(e.AreaRow("177103", "Kecamatan C"),), stations=()))
    waiting = check(tmp_path / "waiting", publication(log.entries, SIGNER))
    assert (waiting.ok, waiting.pending, waiting.void) == (True, 1, 1)
    late = log.world.approve("member-city", signed.event_id)
    log.take(late.submission)
    after = check(tmp_path / "late", publication(log.entries, SIGNER))
    assert (after.ok, after.pending, after.voids) == (True, 1, {"approval-late": 1, "key-revoked": 1})


def test_an_act_sent_again_is_told_to_wait_only_while_it_can_be_approved(tmp_path: Path) -> None:
    """To the millisecond."""
    log = whole_season()
    ordered = e.RevoteOrdered(contest="mayor", stations=(THREE,), kind="psu-mk", day="2024-12-07", reason="x", basis=BASIS)
    pending = log.act("chair-city", ordered)
    now = [START_MS]
    with Node.create(
        tmp_path / "ledger", origin=ORIGIN, log_key=LOG_KEY, clock=lambda: now[0], sealer=log.world.key("sealer")
    ) as node:
        node.submit(submissions(log.entries))

        def again() -> tuple[bool, bool]:
            (answer,) = node.submit([pending.submission])
            assert isinstance(answer, Appended)
            return answer.before, answer.pending

        now[0] += 24 * 60 * 60 * 1000
        assert again() == (True, True)
        now[0] += 1
        assert again() == (True, False)


def test_void_acts_are_counted_by_code(tmp_path: Path) -> None:
    """The same code twice, another once."""
    log = whole_season()
    for name in ("chair-city", "member-city"):
        log.take(log.world.sign(name, held(THREE)).submission)
    log.take(log.world.approve("member-city", bytes(32)).submission)
    report = check(tmp_path, publication(log.entries, SIGNER))
    assert (report.ok, report.void, report.voids) == (True, 4, {"key-revoked": 1, "locked": 2, "referent-unknown": 1})


def test_a_row_of_each_table_is_compared_and_its_place_can_be_read() -> None:
    """The first and the last row of every table changed, taken away, added: found, and nothing else is."""
    log = whole_season()
    lists: dict[str, Any] = dict.fromkeys(("areas", "added", "merged", "cancelled", "corrected"), ())
    voters = (e.VotersRow(THREE, "mayor", 100, 101),)
    log.propose("administrator", e.JurisdictionsAmended(reason="list", basis=BASIS, voters=voters, **lists))
    truth = view_of(state_of(log.entries))
    rows: dict[str, list[bytes]] = {}
    for table, key in truth:
        rows.setdefault(table, []).append(key)
    assert list(rows) == [table.name for table in PROJECTION]
    places: dict[str, str] = {}
    for table, keys in rows.items():
        for key in dict.fromkeys((keys[0], keys[-1])):
            changed = of_a_ledger(log.entries, truth | {(table, key): truth[table, key] + b"\0"})
            assert [(failure.step, failure.code) for failure in changed.failures] == [(9, "projection-differs")]
            missing = of_a_ledger(log.entries, {each: row for each, row in truth.items() if each != (table, key)})
            assert [(failure.step, failure.code) for failure in missing.failures] == [(9, "projection-missing")]
            assert changed.failures[0].place == missing.failures[0].place
            places[table] = changed.failures[0].place
    assert all(place.isprintable() and place.isascii() for place in places.values())
    for table in ("incidents", "objections", "pending", "recommendations", "revotes"):
        assert places[table] == f"{table}/{rows[table][-1].hex()[:16]}"
    assert places["certificates"] == "certificates/mayor/177102"
    assert places["seats"].startswith("seats/supervisor/1771/")


# --- signatures inside events -------------------------------------------------------------------------------------------------


def holds_signatures(kind: Any) -> bool:
    """Whether a type has 64 bytes anywhere inside, which only signatures have."""
    match kind:
        case msgspec.inspect.BytesType(min_length=64, max_length=64):
            return True
        case msgspec.inspect.StructType(fields=fields):
            return any(holds_signatures(field.type) for field in fields)
        case msgspec.inspect.VarTupleType(item_type=item):
            return holds_signatures(item)
        case msgspec.inspect.UnionType(types=types):
            return any(holds_signatures(each) for each in types)
    return False


def test_events_with_signatures_inside_are_opened_whole() -> None:
    """Held against the types: whoever adds an event with a proof in it is told."""
    found = {name for name, data in DATA_TYPES.items() if holds_signatures(msgspec.inspect.type_info(data))}
    assert found == {name for name, data in DATA_TYPES.items() if data in signatures.SIGNED_INSIDE}
    assert found == {"election.amended", "election.opened", "key.rotated", "keys.enrolled", "log.rekeyed"}


# --- bounded ------------------------------------------------------------------------------------------------------------------


def test_seals_cost_what_changed_and_not_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ninety stations, two contests, forty seals: each looks at the stations of one village again."""
    log = GovernedLog(Governed(stations=MANY))
    log.send(MANY[0])
    log.seal()
    for number in range(ROUNDS):
        log.act("chair-a", held(MANY[0]) if number % 2 == 0 else released_with_basis())
        log.seal()
    looked: Counter[str] = Counter()
    honest = recaps.station_row

    def counted(contest: str, *more: Any) -> Any:
        looked[contest] += 1
        return honest(contest, *more)

    monkeypatch.setattr(recaps, "station_row", counted)
    report = verify_entries(log.entries)
    assert (report.ok, report.seals) == (True, ROUNDS + 1)
    assert looked == {"mayor": len(MANY) + ROUNDS * 30, "governor": len(MANY)}


def released_with_basis() -> e.TallyReleased:
    """A release, with its document."""
    return msgspec.structs.replace(released(MANY[0]), basis=BASIS)


def verify_entries(entries: list[bytes]) -> Report:
    """The report on entries alone."""
    source = EntriesSource(checkpoint_of(entries, SIGNER), lambda start, stop: iter(entries[start:stop]), name="a ledger")
    return verify(source, ledger_id=None, executor=None, progress=None, known=None)
