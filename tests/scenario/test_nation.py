"""The generator of whole elections: exact at the nation's size, reproducible, and every event of it takes effect."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ledger.audit.sources import EntriesSource
from ledger.audit.verify import verify
from ledger.proof.note import NoteSigner
from ledger.scenario.foldbench import generate, read_chunks, replay_file
from ledger.scenario.nation import NATION, Nation, Station, Walked, shape_of
from ledger.tally.fold import decide
from ledger.tally.memory import Memory
from ledger.tally.rollup import roll_up
from ledger.tally.signing import open_submission
from ledger.tally.state import CERTIFICATES, CONTESTS, FORMS, At, Change, form_key

from ..audit.forger import checkpoint_of


def quiet(_name: str, _size: int) -> None:
    """Nobody is told."""


def test_the_nation_has_the_counts_of_2024() -> None:
    """Domain 5.1: 514 cities and regencies, 7,288 districts, 435,296 stations, 545 contests, 849,779 forms, 870,592 operators."""
    assert sum(shape.cities for shape in NATION) == 514
    assert sum(shape.districts for shape in NATION) == 7_288
    assert sum(shape.villages for shape in NATION) == 83_731
    assert sum(shape.stations for shape in NATION) == 435_296
    assert sum(shape.stations for shape in NATION if shape.governor) == 429_318
    assert sum(shape.stations for shape in NATION if shape.regents) == 420_461
    contests = list(Nation(NATION, seed=1).contests())
    assert Counter(contest.governor for contest in contests) == {True: 37, False: 508}
    assert len({contest.code for contest in contests}) == 545


@pytest.mark.parametrize("stations", [1, 7, 300, 20_000])
def test_the_walk_has_as_many_as_the_shape_says(stations: int) -> None:
    """Every area once, in code order, and as many stations as asked for, none in a village that was not walked."""
    nation = Nation(shape_of(stations=stations, seed=3), seed=3)
    village, counts, codes = "", Counter[str](), []
    for each in nation.walk():
        codes.append(each.code)
        if isinstance(each, Walked):
            counts[each.level] += 1
            village = each.code if each.level == "village" else village
        else:
            assert isinstance(each, Station)
            counts["station"] += 1
            assert each.code.startswith(village)
    assert codes == sorted(set(codes))
    wanted = [sum(column) for column in list(zip(*nation.shapes, strict=True))[1:5]]
    assert [counts[level] for level in ("city", "district", "village", "station")] == wanted
    assert wanted[-1] == stations


def test_every_event_opens_and_takes_effect_and_every_level_certifies() -> None:
    """Signatures are real; nothing is refused or void; each contest ends certified where it is decided, with the true figures."""
    nation = Nation(shape_of(stations=60, seed=5), seed=5)
    memory, events = Memory(), Counter[str]()
    for name, signed, moment in nation.events(memory, events.total):
        event = open_submission(signed.submission)
        change = decide(memory, event, At(events.total(), moment))
        assert isinstance(change, Change), (name, change)
        assert not change.void
        memory.apply(change)
        events[name] += 1
    stations = [each for each in nation.walk() if isinstance(each, Station)]
    forms = sum(len(each.contests) for each in stations)
    assert (events["tally.submitted"], events["tally.attested"]) == (forms, 2 * forms)
    totals = roll_up(memory)
    for contest in nation.contests():
        certificate = memory.get(CERTIFICATES, f"{contest.code}/{contest.area}".encode())
        assert certificate is not None
        assert certificate.in_force
        held = [each.code for each in stations if contest.code in each.contests]
        true = [nation.figures(contest.code, code)[1] for code in held]
        assert certificate.sums == totals[contest.code, contest.area].figures == tuple(map(sum, zip(*true, strict=True)))  # type: ignore[arg-type]
        listed = memory.get(CONTESTS, contest.code.encode())
        assert listed is not None
        assert memory.get(FORMS, form_key(listed.form, listed.version)) is not None


def test_one_seed_one_election(tmp_path: Path) -> None:
    """The same bytes twice, other bytes from another seed; and a replay of the file gives the root that the generator saw."""
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    made = generate(first, stations=12, seed=1, progress=quiet)
    assert generate(again, stations=12, seed=1, progress=quiet).root == made.root
    assert first.read_bytes() == again.read_bytes()
    assert generate(other, stations=12, seed=2, progress=quiet).root != made.root
    replayed = replay_file(first)
    assert (replayed.root, replayed.entries) == (made.root, made.entries)
    assert replayed.certificates == made.events["recap.certified"]


def test_a_twentieth_of_the_forms_is_corrected() -> None:
    """Five in a hundred, by the operator or by the plenary."""
    nation = Nation(shape_of(stations=1_500, seed=2), seed=2)
    pairs = [nation.figures(contest, each.code) for each in nation.walk() if isinstance(each, Station) for contest in each.contests]
    corrected = sum(sent != true for sent, true in pairs)
    assert len(pairs) * 4 // 100 < corrected < len(pairs) * 6 // 100


def test_a_stranger_verifies_the_generated_log(tmp_path: Path) -> None:
    """Signatures, chain, times, authority, certificates and seals: an audit of the generated entries passes."""
    generate(tmp_path / "entries", stations=40, seed=1, progress=quiet)
    with (tmp_path / "entries").open("rb") as file:
        entries = [entry for chunk in read_chunks(file) for entry in chunk]
    nation = Nation(shape_of(stations=40, seed=1), seed=1)
    signer = NoteSigner(nation.founding.opened.origin, nation.founding.log_key)
    source = EntriesSource(checkpoint_of(entries, signer), lambda start, stop: iter(entries[start:stop]), name="a nation")
    report = verify(source, ledger_id=nation.founding.ledger, executor=None, progress=None, known=None)
    assert not report.failures
    assert report.seals == len(list(nation.contests()))
    assert report.certificates > report.seals
