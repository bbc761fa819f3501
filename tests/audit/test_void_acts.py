"""Acts that the log may hold and that take no effect: a log with them is good, and who shows them as having taken effect is found.

Each row of ``VOID`` is an act that is void (or, with one seat alone, pending) for what others did.  ``liar.py`` puts what it would
have done into the ledger's views and into the published pages, and takes back the word that says void.  ``verify`` finds every row
of that, at step 9.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from msgspec import structs

from ledger.tally import events as e
from ledger.tally.canonical import encode
from ledger.tally.projection import PENDING_WORD, VERSIONS, VOIDS, version_prefix
from ledger.tally.rows import CandidateChange
from ledger.tally.state import (
    AREAS,
    CANDIDATES,
    CERTIFICATES,
    CONTESTS,
    ELECTION,
    KEYS,
    OBJECTIONS,
    PENDING,
    RECOMMENDATIONS,
    REVOTES,
    SEATS,
    SINGLE,
    SLOTS,
    At,
    Change,
    area_key,
    candidate_key,
    seat_key,
    slot_key,
)

from ..governed import (
    BASIS,
    CITY,
    DISTRICT_A,
    DISTRICT_B,
    FOUR,
    ONE,
    PROVINCE,
    THREE,
    TWO,
    Governed,
    reading,
)
from ..rekeying import LOG_2, rekey, rekeying
from ..world import START_MS, code_of, corrected, held, submitted
from .conftest import SIGNER
from .forger import publication, recap_files, state_of
from .liar import (
    ABOVE_A,
    ABOVE_B,
    ADDED,
    CUTOFFS,
    DAY_LATE_MS,
    DISTRICT_C,
    NEW_STATION,
    ORDER,
    RELEASES,
    REVOTE,
    SOME,
    WITHDRAWS,
    Void,
    acts,
    amends,
    annulled_at,
    answers,
    approves,
    at_once,
    by,
    certificate_anew,
    certifies,
    changes,
    claimed,
    closing,
    corrects,
    differing,
    evening,
    explains,
    gone,
    like_the_last,
    lists,
    lying,
    named,
    new_body,
    now,
    of_a_certificate,
    of_a_district_without_stations,
    of_a_ledger,
    only_named,
    orders,
    passes,
    pending,
    person,
    postpones,
    proposes,
    reads,
    reopens,
    revokes,
    row_read,
    season,
    settles,
    slot,
    slots_emptied,
    standing_of,
    still_ordered,
    third_district,
    too_much,
    truly,
    uncertified,
    view_of,
    with_row,
    withdrawn_twice,
)
from .test_tampering import check, told

VOID: Final = (
    # figures
    Void(
        "a correction after the reading",
        evening,
        by(f"{ONE}/1", corrects(ONE, contest="governor"), reads("chair-a", "governor", DISTRICT_A)),
        "already-read",
        f"slots/governor/{ONE}/0",
        slot("governor", ONE, read=0),
    ),
    Void(
        "a correction after the certificate",
        season,
        by(f"{THREE}/1", corrects(THREE)),
        "locked",
        f"slots/mayor/{THREE}/0",
        at_once(ABOVE_A, slot("mayor", THREE, read=0)),
    ),
    Void(
        "a district's correction of what the city certified",
        season,
        by("chair-b", corrects(FOUR)),
        "locked",
        f"slots/mayor/{FOUR}/0",
        ABOVE_B,
    ),
    Void(
        "a correction after the cut-off",
        closing,
        by(f"{THREE}/1", corrects(THREE), passes(10)),
        "past-cut-off",
        f"slots/mayor/{THREE}/0",
        now(cutoffs=()),
    ),
    Void(
        "a correction in an annulled round",
        season,
        by("member-city", lambda log: corrected(ONE, annulled_at(log, ONE), basis=BASIS)),
        "round-annulled",
        f"slots/mayor/{ONE}/0",
        at_once(ABOVE_A, slot("mayor", ONE, annulled=0)),
    ),
    Void(
        "a correction of one of two that differ",
        evening,
        by("chair-a", lambda log: corrected(TWO, log.standing(TWO)[:1])),
        "stale",
        f"slots/mayor/{TWO}/0",
        only_named,
    ),
    Void(
        "a second form by one seat",
        evening,
        by(f"{THREE}/1", submitted(THREE)),
        "already-submitted",
        f"slots/mayor/{THREE}/0",
        slot("mayor", THREE, seats=()),
    ),
    Void(
        "a form after the officer's decision",
        evening,
        by(f"{TWO}/1", submitted(TWO), lambda log: log.act("chair-a", corrects(TWO)(log))),
        "already-decided",
        f"slots/mayor/{TWO}/0",
        slot("mayor", TWO, decided=()),
    ),
    Void(
        "a correction of nothing",
        evening,
        by(f"{FOUR}/1", corrected(FOUR, [SOME])),
        "nothing-to-correct",
        f"slots/mayor/{FOUR}/0",
        standing_of("mayor", THREE, event=SOME),
    ),
    Void(
        "a city's correction before any plenary, without a basis",
        evening,
        by("chair-city", corrects(ONE)),
        "basis-missing",
        f"slots/mayor/{ONE}/0",
        now(powers=()),
    ),
    Void(
        "a withdrawal of nothing",
        evening,
        by("chair-b", WITHDRAWS),
        "nothing-to-withdraw",
        f"slots/mayor/{FOUR}/0",
        standing_of("mayor", THREE, event=SOME),
    ),
    Void(
        "a hold of what is held",
        evening,
        by("chair-a", held(THREE), acts("chair-a", held(THREE))),
        "already-held",
        f"slots/mayor/{THREE}/0",
        slot("mayor", THREE, held=0),
    ),
    Void(
        "a hold of nothing",
        evening,
        by("chair-b", held(FOUR)),
        "nothing-to-hold",
        f"slots/mayor/{FOUR}/0",
        standing_of("mayor", THREE),
    ),
    Void("a hold of what is certified", season, by("chair-b", held(FOUR)), "locked", f"slots/mayor/{FOUR}/0", ABOVE_B),
    Void(
        "a release of what is not held",
        evening,
        by("chair-a", RELEASES),
        "not-held",
        f"slots/mayor/{THREE}/0",
        slot("mayor", THREE, held=1),
    ),
    Void(
        "another seat's finding explained",
        evening,
        explains(f"{THREE}/2", THREE),
        "not-own-form",
        f"explanations/mayor/{THREE}/0/r5",
        person(f"{THREE}/2", seat="1"),
    ),
    Void(
        "a finding that is none",
        evening,
        explains("chair-a", ONE),
        "finding-unknown",
        f"explanations/mayor/{ONE}/0/r5",
        slot("mayor", ONE, seats=lambda row: tuple(structs.replace(each, broken=("r5",)) for each in row.seats)),
    ),
    Void(
        "late evidence of a revoked key",
        evening,
        by(f"{ONE}/2", submitted(ONE, contest="governor"), revokes("commission-1", f"{ONE}/2", last_good=9)),
        "key-revoked",
        f"slots/governor/{ONE}/0",
    ),
    # the second seat
    Void(
        "a chair approves the own order",
        season,
        approves("chair-city", REVOTE),
        "self-approval",
        f"slots/mayor/{THREE}/0",
        named(PENDING, "event", key=Governed().key("member-city").point),
    ),
    Void(
        "an order approved twice",
        season,
        approves("member-city", proposes("chair-city", changes("withdrawn")), proposes("chair-city", changes("restored"))),
        "already-approved",
        "candidates/mayor/01",
        named(PENDING, "event", state="open", data=encode(changes("withdrawn"))),
    ),
    Void(
        "an approval the day after",
        season,
        approves("member-city", REVOTE, passes(DAY_LATE_MS)),
        "approval-late",
        f"slots/mayor/{THREE}/0",
        named(PENDING, "event", time=START_MS + DAY_LATE_MS),
    ),
    Void(
        "an order approved by a district",
        season,
        approves("chair-b", acts("chair-city", orders(FOUR))),
        "approver-not-entitled",
        f"slots/mayor/{FOUR}/0",
        person("chair-b", scope=CITY, seat="x"),
    ),
    Void(
        "an order approved by an operator",
        season,
        approves(f"{ONE}/1", REVOTE),
        "approver-not-entitled",
        f"slots/mayor/{THREE}/0",
        person(f"{ONE}/1", scope=CITY, role="officer", seat="x"),
    ),
    Void(
        "an order whose proposer is revoked",
        season,
        approves("member-city", REVOTE, revokes("commission-1", "chair-city")),
        "proposer-revoked",
        f"slots/mayor/{THREE}/0",
        person("chair-city", revoked=()),
    ),
    Void(
        "an approval of nothing",
        season,
        by("member-city", e.Approved(event=SOME)),
        "referent-unknown",
        f"slots/mayor/{THREE}/0",
        pending,
    ),
    Void(
        "a certificate approved after a number changed",
        evening,
        approves(
            "member-b",
            lambda log: (reads("chair-b", "governor", DISTRICT_B)(log), log.act("chair-b", certifies("governor", DISTRICT_B)(log)))[
                1
            ],
            lambda log: log.act("chair-b", corrects(FOUR, contest="governor")(log)),
        ),
        "stale",
        f"certificates/governor/{DISTRICT_B}",
        certificate_anew,
    ),
    # plenaries
    Void(
        "a certificate that differs from the replay",
        evening,
        by("chair-b", too_much, reads("chair-b", "governor", DISTRICT_B)),
        "certificate-differs",
        f"certificates/governor/{DISTRICT_B}",
        data=truly,
    ),
    Void(
        "a certificate that names nothing missing",
        evening,
        by("chair-b", certifies("mayor", DISTRICT_B, missing=())),
        "missing-differs",
        f"certificates/mayor/{DISTRICT_B}",
        data=truly,
    ),
    Void(
        "a certificate of what was not read",
        evening,
        by("chair-b", certifies("governor", DISTRICT_B)),
        "not-read",
        f"certificates/governor/{DISTRICT_B}",
        slot("governor", FOUR, read=1),
    ),
    Void(
        "a certificate of an earlier hour",
        evening,
        by("chair-b", certifies("governor", DISTRICT_B, size=19), reads("chair-b", "governor", DISTRICT_B)),
        "stale",
        f"certificates/governor/{DISTRICT_B}",
        data=truly,
    ),
    Void(
        "a certificate of a later hour",
        evening,
        by("chair-b", certifies("governor", DISTRICT_B, size=9_999), reads("chair-b", "governor", DISTRICT_B)),
        "size-beyond-log",
        f"certificates/governor/{DISTRICT_B}",
        data=truly,
    ),
    Void(
        "a certificate over one that holds",
        season,
        by("member-city", certifies("mayor", CITY)),
        "already-certified",
        f"certificates/mayor/{CITY}",
        uncertified("mayor", CITY),
    ),
    Void(
        "a certificate below one that holds",
        season,
        by("chair-b", certifies("mayor", DISTRICT_B)),
        "locked",
        f"certificates/mayor/{DISTRICT_B}",
        ABOVE_B,
    ),
    Void(
        "a reopening below one that holds",
        season,
        by("chair-b", reopens(DISTRICT_B)),
        "locked",
        f"certificates/mayor/{DISTRICT_B}",
        uncertified("mayor", CITY),
    ),
    Void(
        "a second reopening",
        season,
        by("member-city", reopens(CITY), lambda log: log.propose("chair-city", reopens(CITY)(log))),
        "already-reopened",
        f"certificates/mayor/{CITY}",
        with_row(CERTIFICATES, area_key("mayor", CITY), reopened=()),
    ),
    Void(
        "a reopening of another certificate",
        season,
        by("chair-city", reopens(CITY, event=SOME)),
        "stale",
        f"certificates/mayor/{CITY}",
        with_row(CERTIFICATES, area_key("mayor", CITY), event=SOME),
    ),
    Void(
        "a reopening of no certificate",
        evening,
        by(
            "chair-b",
            e.RecapReopened(contest="governor", area=DISTRICT_B, certificate=SOME, stations=(), reason="x", basis=BASIS),
            reads("chair-a", "governor", DISTRICT_A),
            lambda log: log.certify("chair-a", "governor", DISTRICT_A),
        ),
        "certificate-unknown",
        f"certificates/governor/{DISTRICT_B}",
        like_the_last(CERTIFICATES, area_key("governor", DISTRICT_B), event=SOME),
    ),
    Void(
        "a certificate of a district without stations",
        evening,
        by("chair-c", of_a_district_without_stations, third_district),
        "nothing-to-certify",
        f"certificates/governor/{DISTRICT_C}",
        like_the_last(SLOTS, slot_key("governor", "1771031001001", 0)),
        truly,
    ),
    Void(
        "a reading of what does not stand",
        evening,
        by("chair-b", row_read("governor", FOUR, SOME)),
        "stale",
        f"slots/governor/{FOUR}/0",
        data=lambda state, _data, _size: reading(state, "governor", DISTRICT_B),
    ),
    Void(
        "a reading of what differs",
        evening,
        by("chair-a", row_read("mayor", TWO)),
        "not-readable",
        f"slots/mayor/{TWO}/0",
        only_named,
    ),
    Void(
        "a reading of a reopened recap",
        season,
        by(
            "chair-city",
            of_a_certificate(DISTRICT_B),
            lambda log: log.propose("chair-city", reopens(CITY)(log)),
            lambda log: log.propose("chair-b", reopens(DISTRICT_B)(log)),
        ),
        "certificate-not-in-force",
        f"certificates/mayor/{DISTRICT_B}",
        with_row(CERTIFICATES, area_key("mayor", DISTRICT_B), reopened=()),
    ),
    # revotes
    Void(
        "a revote ordered twice",
        season,
        by("member-city", ORDER, proposes("chair-city", ORDER)),
        "already-ordered",
        f"slots/mayor/{THREE}/1",
        slot("mayor", THREE, 1, order=0),
    ),
    Void(
        "a city's revote of what the province certified",
        season,
        by("chair-city", orders(THREE, contest="governor", kind="psu")),
        "locked",
        f"slots/governor/{THREE}/0",
        uncertified("governor", PROVINCE),
    ),
    Void(
        "an unknown order withdrawn",
        season,
        by("chair-city", e.RevoteWithdrawn(order=SOME, reason="x", basis=BASIS)),
        "referent-unknown",
        "revotes/0000000000000000",
        at_once(ABOVE_A, lambda state, _data: {(REVOTES, SOME): next(row for _, row in state.under(REVOTES) if not row.withdrawn)}),
    ),
    Void(
        "an order withdrawn after the certificate",
        season,
        by(
            "chair-city",
            lambda log: e.RevoteWithdrawn(
                order=next(key for key, row in log.state.under(REVOTES) if not row.withdrawn), reason="x", basis=BASIS
            ),
        ),
        "locked",
        "revotes/",
        ABOVE_A,
    ),
    Void("an order withdrawn twice", evening, withdrawn_twice, "already-withdrawn", "revotes/", still_ordered),
    Void(
        "a vote held later where it was held",
        evening,
        by("chair-city", postpones(THREE, "pss")),
        "already-submitted",
        f"slots/mayor/{THREE}/0",
        slot("mayor", THREE, seats=()),
    ),
    Void(
        "a vote resumed that was not postponed",
        evening,
        by("chair-city", postpones(FOUR, "resumed")),
        "not-postponed",
        "voids/",
        slot("mayor", FOUR, postponed=1),
    ),
    # matters
    Void(
        "another agent's objection withdrawn",
        season,
        settles("agent-2", "withdrawn", ONE),
        "not-own-objection",
        "objections/",
        person("agent-2", seat="agent-1"),
    ),
    Void(
        "an objection settled twice",
        season,
        settles("member-a", "rejected", ONE, times=2),
        "already-settled",
        "objections/",
        named(OBJECTIONS, "objection", outcome=""),
    ),
    Void(
        "an objection settled by another level",
        season,
        settles("chair-city", "rejected", ONE),
        "objection-other-level",
        "objections/",
        named(OBJECTIONS, "objection", level=4),
    ),
    Void(
        "an objection settled by another district",
        season,
        settles("chair-b", "rejected", ONE),
        "beyond-scope",
        "objections/",
        person("chair-b", scope=DISTRICT_A),
    ),
    Void(
        "an objection accepted with what does not stand",
        season,
        settles("member-a", "accepted", THREE, corrections=(e.ReadRow(THREE, 0, SOME),)),
        "stale",
        "objections/",
        slot("mayor", THREE, seats=lambda row: tuple(structs.replace(each, event=SOME) for each in row.standing)),
    ),
    Void(
        "an objection carried above the last level",
        season,
        settles("chair-city", "carried", CITY),
        "no-level-above",
        "objections/",
        with_row(CONTESTS, b"mayor", certifying=("city", "district", "province")),
    ),
    Void(
        "an unknown objection settled",
        season,
        by("member-a", e.ObjectionSettled(objection=SOME, outcome="rejected", corrections=(), reason="x")),
        "referent-unknown",
        "objections/0000000000000000",
        like_the_last(OBJECTIONS, SOME, outcome="", code=ONE, level=6),
    ),
    Void(
        "a recommendation answered twice",
        season,
        answers("chair-city", ONE, times=2),
        "already-answered",
        "recommendations/",
        named(RECOMMENDATIONS, "recommendation", answer=""),
    ),
    Void(
        "a recommendation answered by another district",
        season,
        answers("chair-b", ONE),
        "beyond-scope",
        "recommendations/",
        person("chair-b", scope=DISTRICT_A),
    ),
    # keys, lists, the manifest
    Void(
        "a key revoked twice",
        season,
        by("commission-1", lambda log: e.KeyRevoked(key=log.world.key(f"{ONE}/2").point, reason="lost")),
        "key-already-revoked",
        "keys/",
        person(f"{ONE}/2", revoked=()),
    ),
    Void(
        "an unknown key revoked",
        season,
        by("commission-1", lambda log: e.KeyRevoked(key=log.world.key("stranger").point, reason="lost")),
        "key-not-enrolled",
        "keys/",
        lambda state, _data: {(KEYS, Governed().key("stranger").point): state.get(KEYS, Governed().key("chair-b").point)},
    ),
    Void(
        "a candidate restored who is in place",
        season,
        by("chair-city", changes("restored")),
        "candidate-unchanged",
        "candidates/mayor/01",
        lambda _state, _data: {(CANDIDATES, candidate_key("mayor", 1)): CandidateChange(1, "withdrawn", "", "x", "x")},
    ),
    Void(
        "an amendment of nothing",
        season,
        by("root-1", amends(second_seats=Governed().second_seats)),
        "amendment-empty",
        "voids/",
        now(second_seats=()),
    ),
    Void(
        "an amendment for fewer approvals",
        season,
        by("root-1", amends(second_seats=(), cutoffs=CUTOFFS)),
        "approvals-fewer",
        "election/",
        now(second_seats=()),
    ),
    Void(
        "a registrar with an enrolled key",
        season,
        by("root-1", new_body("pair-3", "chair-b")),
        "point-enrolled",
        "keys/",
        lambda _state, _data: {(KEYS, Governed().key("chair-b").point): None},
    ),
    Void(
        "a registrar in a taken seat",
        season,
        by("root-1", new_body("pair-1", "new-body")),
        "seat-taken",
        "seats/registrar//pair-1",
        gone(SEATS, seat_key("registrar", "", "pair-1")),
    ),
    Void(
        "a station cancelled that has a tally",
        evening,
        by("administrator", lists(cancelled=(THREE,))),
        "station-has-tally",
        f"areas/{THREE}",
        slots_emptied,
    ),
    Void(
        "a station merged that is gone",
        season,
        by("administrator", lists(merged=(e.MergedRow(ADDED, FOUR),))),
        "station-gone",
        f"areas/{ADDED}",
        with_row(AREAS, ADDED.encode(), gone=""),
    ),
    Void(
        "a station added under a certificate",
        season,
        by("administrator", lists(added=(NEW_STATION,))),
        "locked",
        f"areas/{NEW_STATION.code}",
        uncertified("governor", DISTRICT_B, CITY, PROVINCE),
    ),
    Void(
        "the log's own key named once more",
        season,
        by("root-1", lambda log: rekeying(log.world, log_key=log.world.signer.vkey)),
        "log-key-used",
        "election/",
        with_row(ELECTION, SINGLE, opened=lambda election: structs.replace(election.opened, log_key="another")),
    ),
    Void(
        "the sealer's key replaced a ninth time",
        season,
        by(
            "root-1",
            lambda log: rekeying(log.world, sealer="sealer-9"),
            *(lambda log, name=f"sealer-{number}": rekey(log, sealer=name) for number in range(1, 9)),  # type: ignore[misc]
        ),
        "rekeyings-limit",
        "keys/",
        with_row(KEYS, Governed().key("sealer-8").point, before=()),
    ),
    # one seat alone
    Void("a revote ordered by one seat", evening, by("chair-city", ORDER), PENDING_WORD, f"slots/mayor/{THREE}/0"),
    Void(
        "a recap certified by one seat",
        evening,
        by("chair-b", certifies("governor", DISTRICT_B), reads("chair-b", "governor", DISTRICT_B)),
        PENDING_WORD,
        f"certificates/governor/{DISTRICT_B}",
    ),
    Void("a certificate reopened by one seat", season, by("chair-city", reopens(CITY)), PENDING_WORD, f"certificates/mayor/{CITY}"),
    Void(
        "a certified number changed by one seat",
        evening,
        by(
            "chair-city",
            corrects(FOUR, contest="governor", basis=BASIS),
            reads("chair-b", "governor", DISTRICT_B),
            lambda log: log.certify("chair-b", "governor", DISTRICT_B),
        ),
        PENDING_WORD,
        f"slots/governor/{FOUR}/0",
    ),
    Void("the manifest amended by one root key", evening, by("root-1", amends(cutoffs=CUTOFFS)), PENDING_WORD, "election/"),
    Void(
        "an officer enrolled by one body",
        evening,
        by("commission-1", lambda log: e.KeysEnrolled(keys=(log.world.key_row("new", "officer", CITY, "new"),))),
        PENDING_WORD,
        "keys/",
    ),
    Void(
        "the log rekeyed by one root key",
        evening,
        by("root-1", lambda log: rekeying(log.world, log=LOG_2)),
        PENDING_WORD,
        "election/",
    ),
    Void("a candidate out by one seat", evening, by("chair-city", changes("disqualified")), PENDING_WORD, "candidates/mayor/01"),
    Void(
        "a station cancelled by one seat",
        evening,
        by("administrator", lists(cancelled=(FOUR,))),
        "station-has-tally",
        f"areas/{FOUR}",
        slot("governor", FOUR, seats=()),
    ),
)


def test_the_table_leaves_no_code_out() -> None:
    """Every code that docs/RULES.md calls void has its row, and no row is there twice."""
    rules = (Path(__file__).resolve().parents[2] / "docs" / "RULES.md").read_text()
    said = {
        code for code, kinds in re.findall(r"^\| `([a-z-]+)` \| ([a-z, -]+) \|", rules, re.MULTILINE) if "void" in kinds.split(", ")
    }
    assert {each.code for each in VOID} == said | {PENDING_WORD}
    assert len(said) > 45
    assert max(Counter(each.name for each in VOID).values()) == 1


@pytest.mark.parametrize("void", VOID, ids=lambda each: each.name)
def test_a_void_act_is_in_order_and_its_effect_is_a_lie(void: Void, tmp_path: Path) -> None:
    """The log is good with it; views and pages that show an effect, and the word that is gone, are each found at step 9."""
    log = void.start()
    signed = void.act(log)
    index, before = len(log.entries), state_of(log.entries)
    answer = log.take(signed.submission)
    assert isinstance(answer, Change), answer
    assert (PENDING_WORD if answer.pending else answer.void) == void.code, code_of(answer)

    entries, honest = log.entries, state_of(log.entries)
    files, truth = publication(entries, SIGNER), view_of(honest)
    good = check(tmp_path / "good", files)
    assert (good.failures, good.ok, of_a_ledger(entries, truth).ok) == ((), True, True)
    assert (good.pending if answer.pending else good.voids[void.code]) > 0

    change = claimed(void, before, signed, At(index, log.time))
    state = lying(honest, change, answer.places, signed, index)
    report = of_a_ledger(entries, view_of(state))
    wrong = differing(truth, view_of(state))
    assert {step for step, _, _, _ in told(report)} == {9}
    assert len(told(report)) == len(wrong)
    places = [place for _, _, _, place in told(report)]
    assert any(place.startswith(void.place) for place in places), places
    assert answer.pending or f"voids/{index}" in places
    assert len([place for place in places if place.startswith("versions/")]) == len(answer.places)

    pages = recap_files(entries, state)
    recap = {path: data for path, data in files.items() if path.startswith("recap/")}
    shown = check(tmp_path / "shown", {path: data for path, data in files.items() if path not in recap} | pages)
    assert {(step, place) for step, _, _, place in told(shown)} == {(9, path) for path in differing(recap, pages)}
    assert shown.ok == (recap == pages)


@pytest.mark.parametrize("name", ["a correction of nothing", "a certificate over one that holds", "a revote ordered by one seat"])
def test_the_word_that_says_void_cannot_lie(name: str, tmp_path: Path) -> None:
    """A view that keeps every row and changes the word alone: void as effective, pending as effective, one code as another."""
    void = next(each for each in VOID if each.name == name)
    log = void.start()
    answer = log.take(void.act(log).submission)
    assert isinstance(answer, Change)
    index, truth = len(log.entries) - 1, view_of(state_of(log.entries))
    (place,) = answer.places
    version = (VERSIONS.name, version_prefix(place) + index.to_bytes(8))
    told_as = f"versions/{place.decode()}/{index}"
    for word in ("", "superseded"):
        report = of_a_ledger(log.entries, truth | {version: VERSIONS.encode(word)})
        assert told(report) == [(9, "projection-differs", None, told_as)]
    if answer.void:
        row = (VOIDS.name, index.to_bytes(8))
        other = of_a_ledger(log.entries, truth | {row: VOIDS.encode("superseded")})
        assert told(other) == [(9, "projection-differs", None, f"voids/{index}")]
        del truth[row]
        assert told(of_a_ledger(log.entries, truth)) == [(9, "projection-missing", None, f"voids/{index}")]
