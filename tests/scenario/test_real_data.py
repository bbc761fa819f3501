"""The real data of 2024: official totals, and findings that equal a count over the table which uses none of our code."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.node import Node, system_clock
from ledger.recap.views import findings, recap
from ledger.scenario.kpu import ImportReport, import_kpu
from ledger.tally.state import SLOTS, slot_parts

pytestmark = pytest.mark.data


class Province(NamedTuple):
    """A province whose totals in the data are exactly those that KPU published on 17 March 2024 (README of the data)."""

    code: str
    table: str
    versions: int
    stations: int
    votes: tuple[int, int, int]


BENGKULU = Province("17", "tps_versions_17_bengkulu.csv.gz", 6_223, 6_210, (218_396, 844_549, 140_187))
JAKARTA = Province("31", "tps_versions_31_dki-jakarta.csv.gz", 61_594, 30_766, (1_936_408, 1_956_503, 824_937))


class Imported(NamedTuple):
    """An imported province."""

    province: Province
    source: Path
    folder: Path
    report: ImportReport


@pytest.fixture(scope="module", params=[BENGKULU, JAKARTA], ids=lambda province: province.code)
def imported(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """A province's ledger, imported once."""
    province: Province = request.param
    source = shared_data / "pilpres2024" / province.table
    folder = tmp_path_factory.mktemp("import") / "ledger"
    return Imported(province, source, folder, import_kpu([source], folder, areas=None))


def test_the_totals_are_those_that_kpu_published(imported: Imported) -> None:
    """Votes summed over the stations equal the official ones exactly, and every station is expected."""
    province = imported.province
    with Node.open(imported.folder, clock=system_clock) as node, node.snapshot() as snapshot:
        for area in (province.code, ""):
            found = recap(snapshot.state, "president", area, size=snapshot.size)
            assert tuple(candidate.votes for candidate in found.candidates) == province.votes
            assert found.counts["expected"] == province.stations
    assert imported.report.versions == province.versions
    assert imported.report.stations == province.stations
    assert imported.report.bad_row_count == 0


LINES = ("dpt", "pengguna_dpt", "pengguna_dptb", "pengguna_dpk", "pengguna_total")
RENAMED = {"pengguna_dptb": "pengguna-pindahan", "pengguna_dpk": "pengguna-tambahan"}


def direct_count(source: Path) -> tuple[Counter[str], set[str]]:
    """Broken rules over the last version of every station, and the stations that KPU had withdrawn by then; plain csv and ints."""
    last: dict[str, dict[str, str]] = {}
    votes_seen: set[str] = set()
    anything_seen: set[str] = set()
    names = [f"{line}_{sex}" for line in LINES for sex in "lpj"] + ["suara_sah", "suara_tidak_sah", "suara_total"]
    pairs = ["suara_01", "suara_02", "suara_03"]
    with gzip.open(source, "rt", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["votes_src"] != "table":
                row.update(dict.fromkeys(pairs, ""))
            last[row["tps"]] = row
            if any(row[name] for name in pairs):
                votes_seen.add(row["tps"])
            if any(row[name] for name in pairs + names):
                anything_seen.add(row["tps"])
    broken: Counter[str] = Counter()
    withdrawn: set[str] = set()
    for tps, row in last.items():
        number = {name: int(row[name]) for name in pairs + names if row[name]}
        if (tps in votes_seen and not any(row[name] for name in pairs)) or (tps in anything_seen and not number):
            withdrawn.add(tps)
            continue

        def fails(left: list[str], right: str, *, most: bool = False, number: dict[str, int] = number) -> bool:
            if not all(name in number for name in [*left, right]):
                return False
            total = sum(number[name] for name in left)
            return total > number[right] if most else total != number[right]

        for line in LINES:
            broken[f"r1-{RENAMED.get(line, line).replace('_', '-')}"] += fails([f"{line}_l", f"{line}_p"], f"{line}_j")
        for sex in "lpj":
            broken[f"r2-{sex}"] += fails([f"{line}_{sex}" for line in LINES[1:4]], f"pengguna_total_{sex}")
            broken[f"r3-{sex}"] += fails([f"pengguna_dpt_{sex}"], f"dpt_{sex}", most=True)
        broken["r5"] += fails(pairs, "suara_sah")
        broken["r6"] += fails(["suara_sah", "suara_tidak_sah"], "suara_total")
        broken["r8"] += fails(["suara_total"], "pengguna_total_j")
        broken["r11-dpt"] += number.get("dpt_j", 0) > 300
        broken["r13"] += any(figure > 999 for figure in number.values())
    return +broken, withdrawn


def test_findings_by_rule_equal_a_direct_count(imported: Imported) -> None:
    """On the stations that stand; those held are the very ones that KPU had withdrawn."""
    broken, withdrawn = direct_count(imported.source)
    with Node.open(imported.folder, clock=system_clock) as node, node.snapshot() as snapshot:
        held = {slot_parts(key)[1] for key, slot in snapshot.state.under(SLOTS, b"") if slot.held}
        rows = list(findings(snapshot.state, imported.province.code, None, not_evaluated=False))
    assert held == withdrawn
    assert Counter(row.rule for row in rows if row.station not in held) == broken
    assert {"r1-dpt", "r2-j", "r3-j", "r5", "r6", "r8", "r11-dpt"} <= broken.keys()


def test_what_stands_is_what_replay_gives(imported: Imported) -> None:
    """The projection that intake kept is the replayed one."""
    with Node.open(imported.folder, clock=system_clock) as node:
        assert not node.replay(rebuilding=False).differences


def test_the_same_files_give_the_same_root(imported: Imported, tmp_path: Path) -> None:
    """Bengkulu once more."""
    if imported.province is BENGKULU:
        again = import_kpu([imported.source], tmp_path / "ledger", areas=None)
        assert (again.root, again.ledger, again.events) == (imported.report.root, imported.report.ledger, imported.report.events)


def test_kpu_documents_and_tables_of_jakarta_tell_one_history(shared_data: Path, tmp_path: Path) -> None:
    """1,053 of KPU's own documents of 1,000 stations: all are read, and every station is expected."""
    source = shared_data / "pilpres2024" / "raw_kpu_json_dki_202402.jsonl.gz"
    report = import_kpu([source, source.with_name("raw_kpu_json_samples_zakiego.jsonl")], tmp_path / "ledger", areas=None)
    assert (report.bad_row_count, report.versions, report.stations) == (0, 1_056, 1_002)
    assert report.events["tally.held"] == 1, "KPU withdrew the votes of one of the samples"
