"""``ledger demo --scenario governor``: the real difference, told from the log; and the rules that look across, explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Run


def test_the_difference_is_told_with_station_event_document_and_key(tmp_path: Path, run: Run) -> None:
    """Both totals are the real ones; four stations make up what lies between, each with its acts, documents and keys."""
    ran = run("demo", tmp_path / "made", "--scenario", "governor", "--lang", "en")
    assert ran.status == 0
    words = " ".join(ran.out.split())
    assert "616,328 616,469 +141" in words
    assert "502,469 502,477 +8" in words
    assert "Two forms of Lebong that were not on the site: +132 / +50" in words
    assert "The rest, which nobody could explain: +9 / -42" in words
    assert "TPS 001 Taba Lagan (1709112008001): +5 / -42" in words
    assert "revote ordered, this round is annulled; reason: voted-twice; basis: SK 210/PL.02.6/1709/2024 (rekaan)" in words
    assert "entered by the district officer 170712 / chair" in words
    assert "correction; reason: misread-digit; basis: BA 14/PPK-RA/2024 (rekaan) officer 177106 / chair" in words
    assert "Invented: how votes fall on stations" in words
    assert words.endswith("seconds.")

    shown = run("diff", "3508", "3959", "--ledger", tmp_path / "made", "--json").json
    assert {each["station"]: each["delta"] for each in shown["differences"]} == {
        "1707129000011": [70, 21],
        "1707129000012": [62, 29],
        "1709112008001": [5, -42],
        "1771069000007": [4, 0],
    }


@pytest.mark.parametrize(("code", "word"), [("r15-list", "daftar"), ("r18", "salinan"), ("p-turnout-over", "pengguna")])
def test_rules_that_look_across_are_explained_for_every_role(code: str, word: str, run: Run) -> None:
    """What it says, and what operator, officer, watcher and public are to do."""
    ran = run("explain", code, "--lang", "id")
    assert ran.status == 0
    assert word in ran.out.lower()
    assert "masyarakat: " in ran.out
    assert set(run("explain", code, "--json").json["do"]) == {"operator", "officer", "watcher", "public"}
