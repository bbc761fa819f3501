"""A station's evening by the command line against a node: signed while offline, corrected, delivered when the network is back."""

from __future__ import annotations

import shutil
import threading
from contextlib import chdir
from pathlib import Path

import pytest

from tests.cli.conftest import Run, invoke
from tests.cli.governing import CITY, ONE, SIGN, THREE, TWO, act, device, make_governed
from tests.web.processes import Process, free_port


@pytest.fixture(scope="module")
def made(quick_keys: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A governed election before its first form, and a published copy of it."""
    place = tmp_path_factory.mktemp("evening") / "g"
    place.mkdir()
    with chdir(place):
        make_governed()
        assert invoke("publish", "--ledger", "l").status == 0
        assert invoke("restore", "l/public", "--into", "copy").status == 0
    return place


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, in which the test runs; the node is away."""
    place = Path(shutil.copytree(made, tmp_path / "g"))
    monkeypatch.chdir(place)
    monkeypatch.setenv("LEDGER_LANG", "en")
    return place


VOTES = (
    "--set",
    "suara-1=5",
    "--set",
    "suara-2=4",
    "--set",
    "suara-sah=9",
    "--set",
    "suara-tidak-sah=1",
    "--set",
    "suara-total=10",
)


def queued(run: Run, station: str, *words: str) -> None:
    """Signed into the outbox over the copy, without any network."""
    done = run(*words, "--ledger", "copy", *device(f"op-{station}"), *SIGN, "--queue", "--json")
    assert (done.status, done.json["outcome"]) == (0, "queued"), (done.out, done.err)


def waiting(run: Run, name: str) -> list[str]:
    """The types in its outbox."""
    return [row["type"] for row in run("outbox", *device(name), "--json").rows]


def test_signed_offline_and_delivered_when_the_network_is_back(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two forms of two devices; in order; receipts checked; a second sending delivers nothing; the recap is right."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    monkeypatch.setenv("LEDGER_NODE", url)
    queued(run, ONE, "submit", ONE, *VOTES)
    queued(run, TWO, "submit", TWO, *VOTES)
    assert waiting(run, f"op-{ONE}") == ["tally.submitted"]
    away = run("send", *device(f"op-{ONE}"))
    assert (away.status, away.code) == (4, "server-unreachable")
    assert waiting(run, f"op-{ONE}") == ["tally.submitted"]
    with Process(here / "l", "--no-anchor", "--publish-seconds", "0", port=port):
        for station in (ONE, TWO):
            sent = run("send", *device(f"op-{station}"), "--json")
            assert (sent.status, sent.json["outcome"], sent.json["void"]) == (0, "appended", ""), sent.err
            assert waiting(run, f"op-{station}") == []
            receipt = f"op-{station}/receipts/0000000000.tlog-proof"
            assert run("receipt", "check", receipt, *device(f"op-{station}")).status == 0
        assert "All is delivered." in run("send", *device(f"op-{ONE}")).out
    recap = run("recap", CITY, "--ledger", "l", "--json").json
    assert recap["counts"]["in"] == 2


def test_a_correction_rests_on_what_was_signed_before_it_and_not_on_the_copy_alone(here: Path, run: Run) -> None:
    """Offline on one's own form, sent or unsent; the copy never hears of any of it."""
    queued(run, ONE, "submit", ONE, *VOTES)
    fixed = ("correct", ONE, "--reason", "salah-ketik", "--set", "suara-1=6", "--set", "suara-2=3")
    queued(run, ONE, *fixed)
    with Process(here / "l", "--no-anchor", "--publish-seconds", "0") as node:
        sent = run("send", *device(f"op-{ONE}"), "--node", node.url, "--json")
        assert [(row["outcome"], row["void"]) for row in sent.rows] == [("appended", ""), ("appended", "")]
        queued(run, ONE, "correct", ONE, "--reason", "salah-ketik", "--set", "suara-1=4", "--set", "suara-2=5")
        queued(run, ONE, "withdraw", ONE, "--reason", "tps-tertukar")
        again = run("submit", ONE, *VOTES, "--ledger", "copy", *device(f"op-{ONE}"), *SIGN, "--queue", "--dry-run")
        assert again.status == 0, again.err
        assert waiting(run, f"op-{ONE}") == ["tally.corrected", "tally.withdrawn"]
        sent = run("send", *device(f"op-{ONE}"), "--node", node.url, "--json")
        assert [(row["outcome"], row["void"]) for row in sent.rows] == [("appended", ""), ("appended", "")]
    acts = [row["type"] for row in run("log", "--ledger", "l", "--json").rows if row["type"].startswith("tally.")]
    assert sorted(acts) == ["tally.corrected", "tally.corrected", "tally.submitted", "tally.withdrawn"]
    assert run("recap", CITY, "--ledger", "l", "--json").json["counts"]["in"] == 0


def test_an_event_without_effect_in_the_middle_stops_nobody(here: Path, run: Run) -> None:
    """Three of one outbox, of which the second is void: each has its receipt."""
    queued(run, THREE, "submit", THREE, *VOTES)
    queued(run, THREE, "submit", THREE, *VOTES)  # the seat's form is in by then: void
    with Process(here / "l", "--no-anchor", "--publish-seconds", "0") as node:
        sent = run("send", *device(f"op-{THREE}"), "--node", node.url, "--json")
        assert [row["outcome"] for row in sent.rows] == ["appended", "appended"]
        assert [bool(row["void"]) for row in sent.rows] == [False, True]
        assert sent.status == 3
        assert len(list(Path(f"op-{THREE}/receipts").glob("*.tlog-proof"))) == 2
        assert run("verify", node.url).status == 0


def test_it_goes_on_trying_as_long_as_it_is_told(here: Path, run: Run) -> None:
    """The node comes while it tries."""
    port = free_port()
    queued(run, ONE, "submit", ONE, *VOTES)
    node = Process(here / "l", "--no-anchor", "--publish-seconds", "0", port=port)
    late = threading.Timer(1.5, node.start)
    late.start()
    try:
        sent = run("send", *device(f"op-{ONE}"), "--node", node.url, "--seconds", "60", "--json")
        assert (sent.status, sent.json["outcome"]) == (0, "appended")
        assert "trying again" in sent.err
    finally:
        late.join()
        node.kill()


def test_without_a_node_the_ledger_here_is_sent_to(here: Path, run: Run) -> None:
    """As every appending verb does by itself."""
    queued(run, ONE, "submit", ONE, *VOTES)
    sent = run("send", *device(f"op-{ONE}"), "--ledger", "l", "--json")
    assert (sent.status, sent.json["outcome"]) == (0, "appended")
    assert "The outbox is empty." in run("outbox", *device(f"op-{ONE}")).out
    assert act("chair-a", "hold", ONE, "--reason", "cek").status == 0
