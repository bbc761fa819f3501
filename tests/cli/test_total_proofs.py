"""``seal``, ``prove-total`` and ``check-total`` as people run them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import STATION, Run
from tests.governed import CITY, ONE, submissions
from tests.recap.shown import season
from tests.world import make_node


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger folder with the whole season in it, seals and all; the sealer's key is not in it."""
    folder = tmp_path_factory.mktemp("proofs") / "l"
    with make_node(folder, season().world) as node:
        node.submit(submissions(season().entries))
    return folder


def test_a_total_is_proven_and_checked_elsewhere(governed: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file goes to a place without a ledger; there the id is enough, and another id is refused with status 1."""
    monkeypatch.chdir(tmp_path)
    made = run("prove-total", CITY, "--contest", "mayor", "--ledger", governed, "--json", "--output", "proof")
    assert made.status == 0, made.err
    assert made.json["bytes"] == len(Path("proof").read_bytes())
    ledger = made.json["ledger_id"]
    shown = run("recap", CITY, "--contest", "mayor", "--at", made.json["size"], "--ledger", governed, "--json").json
    assert run("check-total", "proof", "--ledger", governed).status == 0  # beside the ledger: by its own key
    checked = run("check-total", "proof", "--ledger-id", ledger, "--json")
    assert checked.status == 0, checked.err
    assert [row["votes"] for row in checked.json["candidates"]] == [row["votes"] for row in shown["candidates"]]
    assert (checked.json["area"], checked.json["ledger_id"]) == (CITY, ledger)
    assert checked.json["size"] == made.json["size"] == checked.json["seal"]
    told = run("check-total", "proof", "--ledger-id", ledger)
    assert "Proven." in told.out
    assert ledger in told.out
    other = run("check-total", "proof", "--ledger-id", "0" * 64)
    assert (other.status, other.code) == (1, "total-not-proven")
    assert run("check-total", "proof").code == "log-key-missing"
    assert run("check-total", "proof", "--ledger-id", "17").code == "bad-hex"


def test_a_station_is_proven_and_a_broken_file_is_told(
    governed: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The station's figures and state; a file that is none."""
    monkeypatch.chdir(tmp_path)
    made = run("prove-total", ONE, "--contest", "mayor", "--ledger", governed)
    assert made.status == 0, made.err
    name = f"{ONE}-mayor.total-proof"
    told = run("check-total", name, "--ledger", governed, "--lang", "id")
    assert "Terbukti." in told.out
    assert "Keadaan TPS" in told.out
    Path(name).write_bytes(Path(name).read_bytes()[:-1])
    assert run("check-total", name, "--ledger", governed).code == "bad-total-proof"


def test_before_the_first_seal_there_is_no_proof(example: Path, run: Run) -> None:
    """It says what to do; a ledger without the sealer's key cannot, and says that."""
    assert run("prove-total", STATION).code == "total-not-sealed"
    made = run("seal")
    assert (made.status, made.code) == (3, "sealer-missing")


@pytest.mark.data
def test_bengkulu_is_proven_down_to_its_stations(
    shared_data: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The imported province: KPU's published total, added up from 6,210 stations in over 140 areas."""
    monkeypatch.chdir(tmp_path)
    source = shared_data / "pilpres2024" / "tps_versions_17_bengkulu.csv.gz"
    assert run("import", "kpu", str(source), "--into", "b17").status == 0
    words = ("prove-total", "17", "--contest", "president", "--ledger", "b17", "--json", "--output")
    assert run(*words, "none").code == "total-not-sealed"
    assert run("seal", "--ledger", "b17").status == 0
    short, long = run(*words, "short"), run(*words, "long", "--stations")
    assert (short.status, long.status) == (0, 0)
    for name, whole in (("short", False), ("long", True)):
        checked = run("check-total", name, "--ledger-id", short.json["ledger_id"], "--json")
        assert checked.status == 0, checked.err
        assert [row["votes"] for row in checked.json["candidates"]] == [218_396, 844_549, 140_187]
        assert (checked.json["whole"], checked.json["stations_added_up"]) == (whole, 6_210 if whole else 0)
    data = bytearray((tmp_path / "long").read_bytes())
    for at in range(0, len(data), len(data) // 20):
        changed = bytearray(data)
        changed[at] ^= 1
        (tmp_path / "changed").write_bytes(changed)
        assert run("check-total", "changed", "--ledger-id", short.json["ledger_id"]).status in (1, 4), at
