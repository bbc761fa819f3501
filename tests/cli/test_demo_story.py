"""The story that the demo prints: every step with who, when, why and its entry, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ledger.cli.demo_story import tell_story
from ledger.cli.language import set_language
from ledger.cli.trial import _PARTS
from ledger.errors import BadInput
from ledger.node import Node, system_clock
from ledger.scenario.demo import DemoReport, build_demo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("telling") / "ledger"


@pytest.fixture(scope="module")
def report(folder: Path) -> DemoReport:
    """The demo, built once."""
    return build_demo(folder, seed=5)


def told(folder: Path, station: str, contest: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is printed, on one line."""
    with Node.open(folder, clock=system_clock) as node, node.snapshot() as snapshot:
        tell_story(snapshot, contest, station)
    return " ".join(capsys.readouterr().out.split())


ENGLISH = (
    "The station's operator sends the figures of the paper on the wall: no. 4 = ",
    "The copies of the supervisor of Selebar, the agent of pair no. 3 and the agent of pair no. 5 say otherwise: no. 4 = ",
    "The agent of pair no. 5 objects: the rows of two pairs have changed places. (#",
    " reads the form aloud in the plenary; the figures are those of the paper. (#",
    "The chair of PPK Selebar carries the objection to the level above: the paper and the copies disagree. (#",
    "The chair of PPK Selebar certifies the recap of Selebar, and a member approves (document SINTETIS/D-177101/mayor/1). (#",
    "4 Dec 09:40 The chair of KPU Kota Bengkulu proposes a correction: no. 4 = ",
    "so no single key can change it. (#",
    "4 Dec 09:46 A member of KPU Kota Bengkulu approves it with another key. From now on the new figures count. (#",
    "The chair of KPU Kota Bengkulu accepts the objection: the ballots were counted again. (#",
    "The chair of KPU Kota Bengkulu determines the result of Kota Bengkulu, and a member approves (document SINTETIS/D-1771",
)
INDONESIAN = (
    "Operator TPS mengirim angka dari plano: nomor 4 = ",
    "Menurut salinan pada pengawas Selebar, saksi pasangan nomor 3 dan saksi pasangan nomor 5, angkanya lain: nomor 4 = ",
    "Saksi pasangan nomor 5 mengajukan keberatan: baris dua pasangan tertukar. (#",
    " membacakan formulir ini dalam pleno; angkanya sama dengan formulir kertas. (#",
    "Ketua PPK Selebar membawa keberatan itu ke tingkat di atasnya: plano dan salinan tidak sama. (#",
    "Ketua PPK Selebar mengesahkan rekap Selebar, dan anggota menyetujui (dokumen SINTETIS/D-177101/mayor/1). (#",
    "4 Des 09.40 Ketua KPU Kota Bengkulu mengusulkan pembetulan: nomor 4 = ",
    "maka satu kunci saja tidak dapat mengubahnya. (#",
    "4 Des 09.46 Anggota KPU Kota Bengkulu menyetujuinya dengan kunci lain. Sejak saat ini angka baru itu yang dihitung. (#",
    "Ketua KPU Kota Bengkulu menerima keberatan itu: surat suara dihitung ulang. (#",
    "Ketua KPU Kota Bengkulu menetapkan hasil Kota Bengkulu, dan anggota menyetujui (dokumen SINTETIS/D-1771",
)


@pytest.mark.parametrize(("language", "steps"), [("en", ENGLISH), ("id", INDONESIAN)])
def test_the_story_is_told_in_order(
    language: str, steps: tuple[str, ...], report: DemoReport, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step stands after the one before it."""
    set_language(language)  # type: ignore[arg-type]  # "id" or "en"
    said = told(folder, report.told_station, report.told_contest, capsys)
    at = 0
    for step in steps:
        assert step in said[at:], step
        at = said.index(step, at) + len(step)
    assert ("invented" if language == "en" else "rekaan") in said


def test_before_and_now_are_the_figures_exchanged(report: DemoReport, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last lines give what was first sent and what stands; every entry that is named comes later than the one before it."""
    set_language("en")
    said = told(folder, report.told_station, report.told_contest, capsys)
    before = re.search(r"Before: no\. 4 = (\d+), no\. 5 = (\d+)", said)
    now = re.search(r"Now: no\. 4 = (\d+), no\. 5 = (\d+)", said)
    assert before is not None
    assert now is not None
    assert before.groups() == now.groups()[::-1] != now.groups()
    entries = [int(number) for number in re.findall(r"#(\d+)", said)]
    assert entries == sorted(entries)
    assert max(entries) < report.entries


def test_other_stations_can_be_told_too(report: DemoReport, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A correction that takes effect at once, and acts that have no words of their own, which show their type."""
    set_language("en")
    accepted = told(folder, report.parts["accepted"], "mayor", capsys)
    assert "The chair of PPK Ratu Samban corrects: no. 5 = " in accepted
    withdrawn = told(folder, report.parts["wrong_form"], "mayor", capsys)
    assert "The station's operator: tally.withdrawn (wrong-station)." in withdrawn


def test_a_station_that_is_not_listed_has_no_story(folder: Path, report: DemoReport) -> None:
    """``station-unknown``."""
    assert report.stations
    with Node.open(folder, clock=system_clock) as node, node.snapshot() as snapshot, pytest.raises(BadInput) as caught:
        tell_story(snapshot, "mayor", "9999999999999")
    assert caught.value.code == "station-unknown"


def test_every_trouble_is_named_on_the_screen(report: DemoReport) -> None:
    """Each part of the cast but the told one, and the neighbour, whose form it was."""
    assert set(_PARTS) == set(report.parts) - {"carried", "neighbour"}
