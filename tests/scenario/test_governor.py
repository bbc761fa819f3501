"""The real difference of Bengkulu's governor, made traceable: who changed what, where, by which document and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.node import Node
from ledger.scenario.governor import CONTEST, FORM, RATU_AGUNG, TABA_LAGAN, DifferenceReport, build_difference
from ledger.scenario.governor_facts import CITIES, DISTRICTS, LEBONG_OFFICIAL, OFFICIAL
from ledger.tally.events import RevoteOrdered, TallyCorrected, TallySubmitted
from ledger.tally.projection import VERSIONS, version_index, version_prefix
from ledger.tally.state import CERTIFICATES, KEYS, SLOTS, area_key, slot_key

from ..world import Clock

SITE = (616_328, 502_469)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DifferenceReport]:
    """The ledger, once for all."""
    folder = tmp_path_factory.mktemp("difference") / "ledger"
    return folder, build_difference(folder)


def test_the_table_is_what_the_site_showed() -> None:
    """Districts add up to the cities' and the province's published totals (domain.md 6.4)."""
    assert len(DISTRICTS) == 129
    assert tuple(map(sum, zip(*(district.votes for district in DISTRICTS), strict=True))) == SITE
    assert (sum(d.stations for d in DISTRICTS), sum(d.reported for d in DISTRICTS)) == (3_452, 3_450)
    by_city = {code: tuple(map(sum, zip(*(d.votes for d in DISTRICTS if d.code.startswith(code)), strict=True))) for code in CITIES}
    assert by_city["1707"] == (34_847, 33_006)
    assert by_city["1709"] == (44_549, 25_426)
    assert by_city["1771"] == (110_315, 78_653)


def test_both_heights_show_the_real_totals(built: tuple[Path, DifferenceReport]) -> None:
    """At one height what the site showed, at the other what was determined; between them the real difference."""
    _, report = built
    assert report.site_votes == SITE
    assert report.certified_votes == OFFICIAL == report.official
    lebong = (LEBONG_OFFICIAL[0] - 34_847, LEBONG_OFFICIAL[1] - 33_006)
    assert lebong == (132, 50)
    left = tuple(new - old - late for new, old, late in zip(OFFICIAL, SITE, lebong, strict=True))
    assert left == (9, -42)


def test_the_ledger_names_what_makes_up_the_difference(built: tuple[Path, DifferenceReport]) -> None:
    """Every slot that stands otherwise at the second height: four stations, with event, document, author and key; nothing else."""
    folder, report = built
    pair = [index for index, figure in enumerate(FORM.figures) if figure.candidate]
    with Node.open(folder, clock=Clock()) as node:
        with node.snapshot(report.site) as before:
            old = {key: slot for key, slot in before.state.under(SLOTS)}  # noqa: C416 - a picture of the moment
        with node.snapshot() as after:
            state = after.state
            changed: dict[str, list[int]] = {}
            for key, slot in state.under(SLOTS):
                station = key.decode().split("/")[1]
                was = old[key].standing if key in old else ()
                now = () if slot.annulled else slot.standing
                if [s.event for s in was] != [s.event for s in now]:
                    delta = changed.setdefault(station, [0, 0])
                    for place, index in enumerate(pair):
                        delta[place] += sum(s.figures[index] for s in now) - sum(s.figures[index] for s in was)  # type: ignore[misc]
            assert set(changed) == {TABA_LAGAN, RATU_AGUNG, *report.late}
            assert changed[TABA_LAGAN] == [5, -42]
            assert changed[RATU_AGUNG] == [4, 0]
            assert [sum(column) for column in zip(*(changed[code] for code in report.late), strict=True)] == [132, 50]
            assert all(code.startswith("170712") for code in report.late)
            # each of them names its act, its document and its key
            told = {}
            for station, round_ in ((TABA_LAGAN, 0), (RATU_AGUNG, 0), (report.late[0], 0), (TABA_LAGAN, 1)):
                prefix = version_prefix(slot_key(CONTEST, station, round_))
                entries = [node.entry(version_index(key)) for key, _ in state.under(VERSIONS, prefix)]
                told[station, round_] = [entry.event for entry in entries]
            ordered = next(event for event in told[TABA_LAGAN, 0] if isinstance(event.data, RevoteOrdered))
            assert isinstance(ordered.data, RevoteOrdered)
            assert "1709" in ordered.data.basis
            officer = state.get(KEYS, ordered.key)
            assert officer is not None
            assert (officer.role, officer.scope, officer.seat) == ("officer", "1709", "chair")
            corrected = next(event for event in told[RATU_AGUNG, 0] if isinstance(event.data, TallyCorrected))
            assert isinstance(corrected.data, TallyCorrected)
            assert (corrected.data.reason, corrected.data.basis) == ("misread-digit", "BA 14/PPK-RA/2024 (rekaan)")
            entered = told[report.late[0], 0][0]
            assert isinstance(entered.data, TallySubmitted)
            key = state.get(KEYS, entered.key)
            assert key is not None
            assert (key.role, key.scope) == ("officer", "170712")


def test_the_province_is_certified_and_replays(built: tuple[Path, DifferenceReport]) -> None:
    """Certificates at all three levels; the projection is the replay, byte for byte."""
    folder, report = built
    with Node.open(folder, clock=Clock()) as node:
        replayed = node.replay(rebuilding=False)
        assert (replayed.digest, replayed.differences) == (replayed.standing, ())
        with node.snapshot() as snapshot:
            rows = [row for _, row in snapshot.state.under(CERTIFICATES)]
            certificate = snapshot.state.get(CERTIFICATES, area_key(CONTEST, "17"))
    assert len(rows) == 129 + 10 + 1
    assert all(row.in_force for row in rows)
    assert certificate is not None
    assert tuple(certificate.sums[index] for index, figure in enumerate(FORM.figures) if figure.candidate) == report.official
