"""A governed election through the verbs: second seats, plenaries, certificates, objections, revotes, keys; in both languages."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from ledger.cli.attachments import stored_text
from tests.cli.conftest import QUICK_ROUNDS, Run, converse, invoke
from tests.cli.governing import (
    CITY,
    CONTEST,
    FOUR,
    ONE,
    SIGN,
    STATIONS,
    THREE,
    TWO,
    A,
    B,
    act,
    both,
    certify,
    device,
    make_governed,
    submit,
)

HERE = ("--ledger", "l")


@pytest.fixture(scope="module")
def made(quick_keys: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The election with the forms of three stations in, made once."""
    place = tmp_path_factory.mktemp("governed") / "g"
    place.mkdir()
    with chdir(place):
        make_governed()
        for station in (ONE, TWO, THREE):
            submit(station)
    return place


@pytest.fixture(scope="module")
def made_certified(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both districts and the city certified; the last station is missing, and a figure of district B's paper differs."""
    place = Path(shutil.copytree(made, tmp_path_factory.mktemp("certified") / "g"))
    with chdir(place):
        act("chair-a", "read", A)
        certify(A, "a")
        act("member-b", "read", B, "--village", f"{B}0001")
        Path("kertas.csv").write_text(_paper("b", **{"suara-1": "6"}))
        certify(B, "b", "--paper", "kertas.csv", "--differs", "suara-1:salah-tulis", "--missing", f"{FOUR}:banjir:BPBD 7")
        act("chair-city", "read", CITY)
        certify(CITY, "city")
    return place


def _paper(name: str, **other: str) -> str:
    """The CSV of a paper recap that says what the ledger says, but for some figures."""
    area = B if name == "b" else A
    figures = invoke("recap", area, *HERE, "--json").json["figures"]
    rows = [f"{row['code']},{other.get(row['code'], row['total'])}" for row in figures]
    return "\n".join(["figure,value", *rows, ""])


@pytest.fixture
def governed(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, and the working folder in it."""
    place = Path(shutil.copytree(made, tmp_path / "g"))
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def certified(made_certified: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, and the working folder in it."""
    place = Path(shutil.copytree(made_certified, tmp_path / "g"))
    monkeypatch.chdir(place)
    return place


def code_of(run: Run, name: str, *words: str, yes: bool = True) -> str:
    """What became of an act that does not take effect: the error's or the void code; the status must be 2, 3 or 4."""
    ran = run(*words, *HERE, *device(name), *(SIGN if yes else (*SIGN[:2], "--dry-run")), "--json")
    said = ran.rows[-1]
    assert ran.status in (2, 3, 4), (words, ran.out)
    return str(said["error"]["code"] if "error" in said else said["void"] or said["waiting"])


# --- to the certified city ---------------------------------------------------------------------------------------------------


def test_an_election_from_init_to_the_certified_city(certified: Path, run: Run) -> None:
    """Certificates of both levels stand, the recaps are sealed, all verifies and replays, and a certified number is locked."""
    entries = run("log", *HERE, "--json").rows
    types = [entry["type"] for entry in entries]
    assert types.count("recap.certified") == 3
    assert types[-1] == "recap.sealed"
    assert run("replay", *HERE, "--json").json["same"] is True
    assert run("publish", *HERE).status == 0
    assert run("verify", "l/public", "--json").json["ok"] is True
    certificate = next(e for e in entries if e["type"] == "recap.certified" and e["area"] == B)
    said = run("show", certificate["event_id"], *HERE, "--json").json["data"]
    assert said["missing"] == [[FOUR, "banjir", ["BPBD 7"]]]
    assert [reason for _, reason in said["differences"]] == ["salah-tulis"]
    late = ("correct", ONE, "--set", "suara-1=6", "--reason", "salah-baca")
    assert code_of(run, "chair-a", *late, yes=False) == "locked"
    assert code_of(run, f"op-{ONE}", *late, yes=False) == "locked"


@pytest.mark.parametrize(
    ("language", "waits", "pending"),
    [
        ("id", "Menunggu persetujuan kursi kedua: ledger approve ", "baru berlaku"),
        ("en", "Waits for a second seat's approval: ledger approve ", "takes effect only"),
    ],
)
def test_an_act_that_waits_says_so_and_what_to_type(governed: Path, run: Run, language: str, waits: str, pending: str) -> None:
    """Before signing and after it; the approval shows the whole act first; --dry-run foretells it and appends nothing."""
    act("chair-a", "read", A)
    words = ("certify", A, "--same", "--document", "BA 1", "--held-at", "2024-12-01T16:30", *HERE, "--lang", language)
    size = len(run("log", *HERE, "--json").rows)
    dry = run(*words, *device("chair-a"), *SIGN, "--dry-run", "--json")
    assert dry.status == 0, dry.err
    assert (dry.rows[0]["sums"]["suara-1"], dry.rows[0]["missing"]) == (10, {})
    assert dry.rows[1] == {"dry_run": True, "type": "recap.certified", "events": 1, "void": "", "pending": True}
    assert len(run("log", *HERE, "--json").rows) == size
    ran = run(*words, *device("chair-a"), *SIGN)
    assert ran.status == 0, ran.err
    assert pending in ran.err
    assert "suara-1" in ran.err
    name = next(line for line in ran.out.splitlines() if waits in line).rpartition(" ")[2]
    listed = run("approve", *HERE, "--json").rows
    assert [(row["event"][:16], row["type"], row["by"]) for row in listed] == [(name, "recap.certified", f"officer {A} / ketua")]
    assert name in run("approve", *HERE, "--lang", language).out
    shown = run("approve", name, *HERE, *device("member-a"), *SIGN, "--lang", language)
    assert shown.status == 0, shown.err
    assert "BA 1" in shown.err
    assert "suara-2" in shown.err
    assert run("approve", *HERE, "--json").rows == []
    assert run("recap", A, *HERE, "--json").json["certificates"], "the certificate holds now"


def test_who_may_not_approve_is_told(governed: Path, run: Run) -> None:
    """The proposer itself, another district, an agent, an act that is not there, one that is approved already."""
    act("chair-a", "read", A)
    told = act("chair-a", "certify", A, "--same", "--document", "BA 1", "--held-at", "2024-12-01T16:30").rows[-1]
    event = told["event"]
    assert code_of(run, "chair-a", "approve", event, yes=False) == "self-approval"
    assert code_of(run, "chair-b", "approve", event, yes=False) == "approver-not-entitled"
    assert code_of(run, "agent", "approve", event, yes=False) in ("approver-not-entitled", "role-not-entitled")
    assert code_of(run, "member-a", "approve", "deadbeefdeadbeef") == "event-not-found"
    assert code_of(run, "member-a", "approve", "dead") == "event-not-found"
    assert code_of(run, "member-a", "approve", "99999") == "event-not-found"
    act("member-a", "approve", str(told["index"]))
    assert code_of(run, "member-a", "approve", event) == "already-approved"
    again = ("certify", A, "--same", "--document", "BA 2", "--held-at", "2024-12-01T17:00")
    assert code_of(run, "chair-a", *again, yes=False) == "already-certified"


# --- reading -----------------------------------------------------------------------------------------------------------------


def test_reading_says_what_is_read_and_what_not_and_why(governed: Path, run: Run) -> None:
    """A dry run lists every station; part by part, from a file, from stdin; what was read is not read again."""
    dry = run("read", B, *HERE, *device("chair-b"), *SIGN, "--dry-run", "--json")
    assert dry.status == 0
    assert [(row["code"], row["why"]) for row in dry.rows[:-1]] == [(THREE, ""), (FOUR, "not-in")]
    assert dry.rows[0]["remarks"] == [], dry.rows[0]
    shown = run("read", B, *HERE, *device("chair-b"), *SIGN, "--dry-run", "--lang", "id").err
    assert f"{FOUR} TPS 2: belum masuk" in shown
    act("chair-a", "hold", TWO, "--reason", "cek")
    Path("baris.csv").write_text(f"code,contest\n{ONE},{CONTEST}\n{TWO},\n")
    read = run("read", A, "--rows", "baris.csv", *HERE, *device("member-a"), *SIGN)
    assert read.status == 0, read.err
    assert f"{TWO} TPS 2: held" in read.err
    assert "1 to be read (0 with remarks), 1 not" in read.err
    again = run("read", A, "--rows", "-", *HERE, *device("chair-a"), *SIGN, stdin=f"code\n{ONE}\n")
    assert (again.status, "nothing to read" in again.err) == (0, True)
    assert run("log", *HERE, "--json", "--last", "1").json["type"] == "recap.read"
    other = run("read", A, "--rows", "-", *HERE, *device("chair-a"), *SIGN, "--json", stdin=f"code,event\n{ONE},{'0' * 64}\n")
    assert other.status == 0
    assert code_of(run, "chair-city", "read", CITY, "--contest", "gubernur") == "contest-unknown"
    assert code_of(run, "chair-a", "read", A, "--village", f"{B}0001") == "area-unknown"
    assert code_of(run, f"op-{ONE}", "read", ONE) == "level-not-certifying"


def test_a_district_enters_a_form_reads_it_and_certifies_all(governed: Path, run: Run) -> None:
    """An office submits for a station that could not; the log says at which level; nothing is missing then."""
    said = run("submit", FOUR, "--set", "suara-1=7", "--crew", "5", "--agents", "signed,refused", *HERE, *device("chair-b"), *SIGN)
    assert said.status == 0, said.err
    assert f"Entered by the office of {B}" in said.err
    last = run("log", *HERE, "--json", "--last", "1").json
    assert (last["role"], last["scope"], last["station"]) == ("officer", B, FOUR)
    refused = ("certify", B, "--same", "--document", "BA 1", "--held-at", "2024-12-01T16:30")
    assert code_of(run, "chair-b", *refused) == "not-read"
    act("chair-b", "read", B)
    certify(B, "b")
    assert run("recap", B, *HERE, "--json").json["candidates"][0]["votes"] == 12


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--document", "BA 1", "--held-at", "2024-12-01T16:30"), "paper-missing"),
        (("--same", "--document", "BA 1", "--held-at", "2024-12-01T16:30"), "reason-missing"),
        (("--same", "--document", "BA 1", "--held-at", "yesterday"), "time-invalid"),
        (("--same", "--held-at", "2024-12-01T16:30"), "argument-missing"),
        (("--same", "--set", "suara-9=1", "--document", "BA", "--held-at", "2024-12-01T16:30"), "figure-unknown"),
        (("--same", "--set", "suara-1=-4", "--document", "BA", "--held-at", "2024-12-01T16:30"), "figure-invalid"),
        (("--same", "--set", "suara-1=8", "--missing", f"{FOUR}:banjir", "--document", "BA", "--held-at", "2024-12-01T16:30"),
         "reason-missing"),
        (("--same", "--missing", f"{THREE}:banjir", "--document", "BA", "--held-at", "2024-12-01T16:30"), "argument-invalid"),
        (("--same", "--missing", f"{FOUR}", "--document", "BA", "--held-at", "2024-12-01T16:30"), "argument-invalid"),
        (("--paper", "tiada.csv", "--document", "BA", "--held-at", "2024-12-01T16:30"), "cannot-read"),
        (("--paper", "dua.csv", "--document", "BA", "--held-at", "2024-12-01T16:30"), "bad-row"),
        (("--same", "--missing", f"{FOUR}:banjir", "--photo", "x", "--document", "BA", "--held-at", "2024-12-01T16:30"),
         "photo-invalid"),
        (("--same", "--missing", f"{FOUR}:banjir", "--document", "BA é", "--held-at", "2024-12-01T16:30"), "bad-value"),
        (("--same", "--missing", "*:banjir", "--agents", "signed", "--document", "BA", "--held-at", "2024-12-01T16:30",
          "--contest", "x"), "contest-unknown"),
    ],
)  # fmt: skip
def test_a_certificate_that_cannot_be_is_told_before_signing(read_b: Path, run: Run, words: tuple[str, ...], code: str) -> None:
    """One code each; nothing is signed."""
    (read_b / "dua.csv").write_text("figure,value\nsuara-1,1\nsuara-1,2\n")
    size = len(run("log", *HERE, "--json").rows)
    assert code_of(run, "chair-b", "certify", B, *words) == code
    assert len(run("log", *HERE, "--json").rows) == size
    assert run("key", "show", *device("chair-b"), "--json").json["outbox"] == []


@pytest.fixture
def read_b(governed: Path) -> Path:
    """District B's form is read; one station is missing there."""
    act("chair-b", "read", B)
    return governed


def test_on_a_terminal_every_difference_and_everything_missing_is_asked(read_b: Path, run: Run) -> None:
    """The paper's figures with the ledger's in brackets, a reason for the one that differs and for what is missing; then all."""
    code = (
        "import sys, ledger.device.keyfile as keyfile\n"
        f"keyfile.KDF_ROUNDS = {QUICK_ROUNDS}\nfrom ledger.cli import main\nmain(sys.argv[1:])"
    )
    figures = [row["code"] for row in run("recap", B, *HERE, "--json").json["figures"]]
    answers = ["" if name != "suara-1" else "6" for name in figures]
    answers = [*answers, "salah-tulis", "banjir:BPBD 7", "frasa sandi uji", "y"]
    words = ("certify", B, "--document", "BA 1", "--held-at", "2024-12-01T16:30", *HERE, *device("chair-b"))
    terminal, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), "LEDGER_LANG": "id", "TERM": "dumb"}
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdin=slave,
        stderr=slave,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        os.close(slave)
        shown = converse(terminal, answers)
        assert process.stdout is not None
        out = process.stdout.read().decode()
        assert process.wait() == 0, shown
    os.close(terminal)
    assert "suara-1: ledger 5, kertas 6. Alasan:" in shown
    assert f"Tidak ikut: {FOUR} TPS 2: banjir BPBD 7" in shown
    assert "Disahkan dengan selisih: 1 angka" in shown
    assert "Menunggu persetujuan kursi kedua" in out


# --- after the certificate ---------------------------------------------------------------------------------------------------


def test_a_recap_is_reopened_for_a_late_form_and_certified_again(certified: Path, run: Run) -> None:
    """From the top down: the city reopens, then the district for one station; two seats each."""
    assert code_of(run, "chair-b", "reopen", B, "--reason", "susulan", "--basis", "BA 9", yes=False) == "locked"
    both("chair-city", "member-city", "reopen", CITY, "--reason", "susulan", "--basis", "BA 9")
    over = act("chair-city", "correct", ONE, "--set", "suara-1=6", "--reason", "pleno", "--basis", "BA 8").json
    assert over["pending"], "over the district's certificate one key changes nothing"
    shown = run("approve", over["event"], *HERE, *device("member-city"), *SIGN, "--dry-run")
    assert (shown.status, "suara-1: 5 -> 6" in shown.err) == (0, True)
    both("chair-b", "member-b", "reopen", B, "--reason", "susulan", "--basis", "BA 9", "--station", FOUR)
    submit(FOUR)
    act("chair-b", "read", B)
    certify(B, "b")
    act("chair-city", "read", CITY)
    certify(CITY, "city")
    assert run("recap", CITY, *HERE, "--json").json["candidates"][0]["votes"] == 20
    assert code_of(run, "chair-b", "reopen", B, "--reason", "susulan", "--station", "9", "--basis", "x") == "station-unknown"
    assert code_of(run, "chair-b", "certify", A, "--same", "--document", "B", "--held-at", "2024-12-01T10:00", yes=False) in (
        "beyond-scope",
        "already-certified",
    )


def test_a_revote_annuls_at_once_and_its_form_is_of_the_next_round(certified: Path, run: Run) -> None:
    """Ordered with two seats and a list from stdin; the next submission is round 1; withdrawn, the old round stands again."""
    words = ("revote", "order", "--stations", "-", "--day", "2024-12-07", "--reason", "putusan", "--basis", "1/PHPU")
    plain = run(*words, *HERE, *device("chair-city"), *SIGN, "--dry-run", "--json", stdin=f"{ONE}\n")
    assert (plain.status, plain.json["void"]) == (3, "locked"), "what is determined only the court annuls"
    words = (*words, "--kind", "psu-mk")
    ran = run(*words, *HERE, *device("chair-city"), *SIGN, "--json", stdin=f"{ONE}\n{TWO}\n")
    assert (ran.status, ran.json["pending"]) == (0, True), ran.err
    act("member-city", "approve", ran.json["event"])
    assert run("recap", CITY, *HERE, "--json").json["candidates"][0]["votes"] == 5
    submit(ONE, "suara-1=9", "suara-sah=9")
    last = run("log", *HERE, "--json", "--last", "1").json
    assert run("show", str(last["index"]), *HERE, "--json").json["data"]["round"] == 1
    assert run("recap", CITY, *HERE, "--json").json["candidates"][0]["votes"] == 14
    both("chair-city", "member-city", "revote", "withdraw", ran.json["event"], "--reason", "putusan", "--basis", "46/KPU")
    assert run("recap", CITY, *HERE, "--json").json["candidates"][0]["votes"] == 15
    order = ("revote", "order", ONE, "--reason", "x", "--basis", "y", "--day")
    assert code_of(run, "chair-city", *order, "besok") == "time-invalid"
    assert code_of(run, "chair-city", *order, "2024-12-07", "--kind", "psl") == "argument-invalid"
    assert (
        code_of(run, "chair-city", "revote", "order", "--day", "2024-12-07", "--reason", "x", "--basis", "y") == "argument-missing"
    )
    assert code_of(run, "chair-city", "revote", "withdraw", "ffffffffff", "--reason", "x", "--basis", "y") == "event-not-found"
    assert code_of(run, "chair-a", *order, "2024-12-07") == "level-not-entitled"


def test_a_vote_is_held_later(governed: Path, run: Run) -> None:
    """Postponed by the city and resumed; the district may not."""
    words = ("postpone", FOUR, "--until", "2024-12-04", "--reason", "banjir", "--basis", "44/KPU", "--kind")
    act("chair-city", *words, "pss")
    act("chair-city", *words, "resumed")
    assert code_of(run, "chair-city", *words, "resumed", yes=False) == "not-postponed"
    assert code_of(run, "chair-b", *words, "pss") == "level-not-entitled"
    assert code_of(run, "chair-city", *words, "later") == "argument-invalid"
    assert code_of(run, "chair-city", "postpone", "123", *words[2:], "pss") == "station-unknown"


# --- operators, agents, supervisors ------------------------------------------------------------------------------------------


def test_an_operator_withdraws_and_explains(governed: Path, run: Run) -> None:
    """A form of the wrong station goes, and comes again; what the paper says wrong is explained, by the own seat alone."""
    act(f"op-{THREE}", "withdraw", THREE, "--reason", "tps-tertukar", "--note-text", "tertukar dengan TPS sebelah")
    assert run("recap", THREE, *HERE, "--json").json["state"] == "none"
    assert code_of(run, f"op-{THREE}", "withdraw", THREE, "--reason", "x") == "nothing-to-withdraw"
    submit(THREE, "suara-1=5", "suara-2=5", "suara-sah=9")
    assert code_of(run, f"op-{THREE}", "finding", "explain", THREE, "r1", "--reason", "x") == "finding-unknown"
    act(f"op-{THREE}", "finding", "explain", THREE, "r5", "--reason", "tertulis-di-kertas")
    last = run("log", *HERE, "--json", "--last", "1").json
    assert run("show", str(last["index"]), *HERE, "--json").json["data"]["findings"] == ["r5"]


def test_agents_and_supervisors_say_what_their_copies_show(governed: Path, run: Run) -> None:
    """An agreeing and a differing attestation; unclear ones are told; no total moves."""
    act("agent", "attest", ONE, "--agree")
    ran = run("attest", ONE, "--set", "suara-1=6", *HERE, *device("supervisor"), *SIGN)
    assert ran.status == 0, ran.err
    assert "suara-1: recorded 5, copy 6" in ran.err
    shown = run("show", str(len(run("log", *HERE, "--json").rows) - 1), *HERE, "--json").json["data"]
    assert 6 in shown["figures"]
    assert run("recap", A, *HERE, "--json").json["candidates"][0]["votes"] == 10
    assert code_of(run, "agent", "attest", ONE) == "attestation-unclear"
    assert code_of(run, "agent", "attest", ONE, "--agree", "--set", "suara-1=6") == "attestation-unclear"
    assert code_of(run, "agent", "attest", FOUR, "--agree") == "nothing-stands"
    assert code_of(run, "agent", "attest", ONE, "--agree", "--event", "9999") == "entry-unknown"
    assert code_of(run, "chair-a", "attest", ONE, "--agree") == "role-not-entitled"


def test_objections_run_to_their_outcomes(governed: Path, run: Run) -> None:
    """Accepted with the correction, rejected, carried upward, withdrawn by who raised it."""
    raised = [act("agent", "object", ONE, "--ground", ground).json["event"] for ground in ("selisih", "salah", "naik", "tarik")]
    act("chair-a", "correct", ONE, "--set", "suara-1=6", "--reason", "pleno")
    act("chair-a", "settle", raised[0], "accepted", "--station", ONE, "--reason", "dibetulkan")
    act("chair-a", "settle", raised[1], "rejected", "--reason", "tidak-terbukti")
    act("chair-a", "settle", raised[2], "carried", "--reason", "di-luar-wewenang")
    act("chair-city", "settle", raised[2][:12], "repaired", "--reason", "prosedur-diperbaiki")
    act("agent", "settle", raised[3], "--withdraw", "--reason", "sudah-jelas")
    assert code_of(run, "chair-a", "settle", raised[1], "rejected", "--reason", "x") == "already-settled"
    assert code_of(run, "chair-a", "settle", raised[1], "accepted", "--reason", "x") == "corrections-wrong"
    assert code_of(run, "chair-a", "settle", raised[1], "maybe", "--reason", "x") == "argument-invalid"
    assert code_of(run, "chair-a", "settle", raised[1], "--reason", "x") == "argument-missing"
    assert code_of(run, "chair-a", "settle", "5" * 12, "rejected", "--reason", "x") == "event-not-found"
    assert code_of(run, "chair-a", "object", ONE, "--ground", "x") == "role-not-entitled"
    assert code_of(run, "agent", "object", "8888", "--ground", "x") == "area-unknown"


def test_recommendations_are_answered_and_incidents_recorded(governed: Path, run: Run) -> None:
    """Refused and executed, each once; an incident with a text that the log holds only the hash of."""
    words = ("--kind", "psu", "--ground", "memilih-dua-kali", "--deadline", "2024-12-03T23:59", "--number")
    first = act("supervisor", "recommend", ONE, *words, "12/PM").json["event"]
    second = act("supervisor", "recommend", A, ONE, *words, "13/PM").json["event"]
    act("chair-city", "answer", first, "refused", "--reason", "tidak-memenuhi", "--basis", "30/KPU")
    held = act("chair-a", "hold", ONE, "--reason", "cek").json["index"]
    act("chair-city", "answer", second, "executed", "--event", str(held), "--reason", "dijalankan")
    assert code_of(run, "chair-city", "answer", first, "refused", "--reason", "x") == "already-answered"
    assert code_of(run, "chair-city", "answer", first, "executed", "--reason", "x") == "events-wrong"
    assert code_of(run, "supervisor", "recommend", ONE, "--kind", "x", *words[2:], "1") == "argument-invalid"
    assert code_of(run, "agent", "recommend", ONE, *words, "1") == "role-not-entitled"
    secret = "Kotak suara dibuka sebelum pukul tujuh"
    told = act(f"op-{ONE}", "incident", ONE, "--kind", "kotak-dibuka", "--note-text", secret).json
    data = run("show", str(told["index"]), *HERE, "--json").json
    note = bytes.fromhex(data["data"]["note"])
    assert secret.encode().hex() not in data["entry"]
    assert stored_text(governed / "l", note) == secret
    kept = governed / "l" / "texts" / note.hex()[:2] / note.hex()
    kept.write_bytes(kept.read_bytes() + b"!")
    assert stored_text(governed / "l", note) is None, "a changed text is not shown as the one that was signed"
    assert code_of(run, f"op-{ONE}", "incident", ONE, "--kind", "x", "--note-text", "a" * 4_001) == "text-too-long"


# --- the administrator's -----------------------------------------------------------------------------------------------------


def test_the_list_of_stations_is_amended(governed: Path, run: Run) -> None:
    """Added, corrected and cancelled, with two administrators; what has a tally stays; wrong tables are told."""
    columns = "action,code,name,voters_male,voters_female,into"
    Path("ubah.csv").write_text(f"{columns}\nadd,{A}0001003,TPS 3,90,91,\ncorrect,{ONE},TPS 01,,,\ncancel,{FOUR},,,,\n")
    why = ("--reason", "daftar-baru", "--basis", "21/KPU")
    both("administrator", "administrator-2", "area", "amend", "ubah.csv", *why)
    assert run("recap", ONE, *HERE, "--json").json["name"] == "TPS 01"
    assert run("recap", A, *HERE, "--json").json["counts"]["expected"] == 3
    assert run("recap", B, *HERE, "--json").json["counts"]["expected"] == 1
    Path("ubah.toml").write_text(f'[[rows]]\naction = "merge"\ncode = "{TWO}"\ninto = "{ONE}"\n')
    assert code_of(run, "administrator", "area", "amend", "ubah.toml", *why, yes=False) == "station-has-tally"
    for table, code in (
        ("action,code\nremove,1\n", "bad-row"),
        ("code\n1\n", "column-missing"),
        ("action,code\n", "file-empty"),
        (f"action,code\ncancel,{CITY}9999\n", "station-unknown"),
        (f"action,code,voters_male\ncorrect,{ONE},many\n", "bad-row"),
    ):
        Path("salah.csv").write_text(table)
        assert code_of(run, "administrator", "area", "amend", "salah.csv", *why) == code


def test_the_rules_are_amended_by_two_roots_and_never_loosened(governed: Path, run: Run) -> None:
    """A further registrar and another cut-off; fewer second seats are void; wrong files are told."""
    new = ("key", "new", "pasangan", "--role", "registrar", "--scope", "", "--seat", "wali-2")
    assert run(*new, *HERE, "--passphrase-file", "sandi").status == 0
    Path("ubah.toml").write_text(
        'reason = "perpanjangan"\nbasis = "5/KPU"\n[[cutoffs]]\nrole = "operator"\ntime = "2099-12-01T16:00"\n'
        '[[registrars]]\nrequest = "pasangan/enrolment.toml"\nroles = ["agent"]\n'
    )
    both("root-1", "root-2", "amend", "ubah.toml")
    agent = ("key", "new", "saksi-2", "--role", "agent", "--scope", CITY, "--seat", "saksi-2")
    assert run(*agent, *HERE, "--passphrase-file", "sandi").status == 0
    both("pasangan", "wali-1-a", "enrol", "saksi-2/enrolment.toml")
    for said, code in (
        ('reason = "x"\nbasis = "y"\nsecond_seats = []\n', "approvals-fewer"),
        ('reason = "x"\nbasis = "y"\n', "amendment-empty"),
        ('basis = "y"\n', "column-missing"),
        ('reason = "x"\nbasis = "y"\nwat = 1\n', "column-unknown"),
        ('reason = "x"\nbasis = "y"\n[[cutoffs]]\nrole = "operator"\ntime = "soon"\n', "time-invalid"),
        ('reason = "x"\nbasis = "y"\n[[powers]]\nact = "recap.read"\nlevels = "city"\nbasis = true\n', "bad-value"),
        ('reason = "x"\nbasis = "y"\n[[powers]]\nact = "recap.read"\nlevels = ["moon"]\nbasis = true\n', "amendment-invalid"),
        ("[", "bad-document"),
    ):
        Path("salah.toml").write_text(said)
        assert code_of(run, "root-1", "amend", "salah.toml", yes=False) == code, said


def test_a_candidate_is_out_and_back(governed: Path, run: Run) -> None:
    """By the office that decides, with two seats; a replacement has a name."""
    words = ("candidate", CONTEST, "2", "--reason", "putusan", "--basis", "88/KPU")
    both("chair-city", "member-city", *words[:3], "disqualified", *words[3:])
    assert code_of(run, "chair-city", *words[:3], "disqualified", *words[3:], yes=False) == "candidate-unchanged"
    both("chair-city", "member-city", *words[:3], "replaced", "--name", "Tiga", *words[3:])
    assert code_of(run, "chair-city", *words[:3], "replaced", *words[3:]) == "candidate-name"
    assert code_of(run, "chair-city", *words[:3], "died", *words[3:]) == "argument-invalid"
    assert code_of(run, "chair-city", "candidate", CONTEST, "9", "withdrawn", *words[3:]) == "candidate-unknown"
    assert code_of(run, "chair-a", *words[:3], "withdrawn", *words[3:]) == "level-not-entitled"


def test_a_seat_passes_to_a_new_key(governed: Path, run: Run) -> None:
    """The new device acts, the old one no more; a dry run makes no folder."""
    words = ("rotate", "baru", "--reason", "ponsel-diganti", *HERE, *device("chair-a"), "--passphrase-file", "sandi")
    assert run(*words, "--dry-run").status == 0
    assert not Path("baru").exists()
    assert run(*words, "--yes").status == 0
    act("baru", "hold", ONE, "--reason", "cek")
    assert code_of(run, "chair-a", "release", ONE, "--reason", "x", "--basis", "y") == "key-retired"
    assert code_of(run, "baru", "rotate", "l", "--reason", "x") == "folder-not-empty"
    assert code_of(run, "baru", "rotate", "lagi", "--reason", "x", "--new-passphrase-file", "tiada") == "cannot-read"
    assert not Path("lagi").exists()
    assert run("key", "show", *device("baru"), "--json").json["outbox"] == []
    act("commission-2", "revoke", f"officer/{A}/ketua", "--reason", "hilang", "--note-text", "di pasar")


def test_doctor_looks_at_the_sealers_key(governed: Path, run: Run) -> None:
    """Good, missing, another's."""

    def outcome() -> str:
        return str(next(row["outcome"] for row in run("doctor", *HERE, "--json").rows if row["name"] == "sealer-key"))

    assert outcome() == "OK"
    key = Path("l/sealer-key.pem")
    kept = key.read_bytes()
    key.unlink()
    assert outcome() == "FAIL"
    key.write_bytes(kept)
    made = invoke(
        *("init", "m", "--name", "x", "--day", "2024-11-27", "--origin", "m.example/log", "--passphrase-file", "sandi", "--json")
    )
    assert [Path(place).name for place in made.json["devices"]] == [
        *("root-1", "root-2", "commission-1", "commission-2", "bawaslu-1", "bawaslu-2", "administrator", "administrator-2"),
    ]
    key.write_bytes(Path("m/sealer-key.pem").read_bytes())
    assert outcome() == "FAIL"
    key.write_bytes(b"garbage")
    assert run("doctor", *HERE).status == 4


def test_init_of_a_governed_election_says_what_belongs_to_whom(tmp_path: Path, run: Run) -> None:
    """Two seats a body; a label of a pair that cannot be is told."""
    sandi = tmp_path / "sandi"
    sandi.write_text("frasa sandi uji\n")
    words = ("--name", "x", "--day", "2024-11-27", "--origin", "m.example/log", "--passphrase-file", str(sandi))
    for language, said in (("id", "dua kursi (commission-1, commission-2,"), ("en", "two seats (commission-1, commission-2,")):
        ran = run("init", str(tmp_path / language), *words, "--lang", language)
        assert ran.status == 0, ran.err
        assert said in ran.err
    opened = run("show", "0", "--ledger", str(tmp_path / "en"), "--json").json["data"]
    assert "recap.certified" in opened["second_seats"]
    wrong = run("init", str(tmp_path / "w"), *words, "--pair", "Wali Kota", "--json")
    assert (wrong.status, wrong.json["error"]["code"]) == (2, "argument-invalid")
    assert not (tmp_path / "w").exists()
    assert json.loads(json.dumps(opened))["powers"]


def test_every_station_was_named() -> None:
    """What the fixtures rely on."""
    assert STATIONS == (ONE, TWO, THREE, FOUR)
    assert len({len(code) for code in STATIONS}) == 1
