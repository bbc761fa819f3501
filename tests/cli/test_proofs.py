"""Proofs up to a cosigned checkpoint, receipts led further, and what a policy asks of each, as people run it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.proof.note import NoteCosigner, parse_note
from ledger.proof.tlogproof import encode_proof, parse_proof
from tests.cli.conftest import OFFICER_DEVICE, OPERATOR_DEVICE, PASSPHRASE, STATION, Run

SIGN = (*PASSPHRASE, "--yes")
WITNESSES = [NoteCosigner(f"w{at}.example/w", Ed25519PrivateKey.from_private_bytes(bytes([at]) * 32)) for at in (1, 2)]
HELD = ("--reason", "cek", *OFFICER_DEVICE, *SIGN)


def cosign(path: Path, *witnesses: NoteCosigner) -> None:
    """The published checkpoint with lines by these."""
    note = path.read_bytes()
    path.write_bytes(note + b"".join(each.sign(parse_note(note).text, timestamp=1_732_700_000) for each in witnesses))


def write_policy(path: Path, log: str, quorum: str) -> Path:
    """Both witnesses, of whom so many are asked for."""
    lines = [f"log {log}", *(f"witness w{at} {each.vkey}" for at, each in enumerate(WITNESSES))]
    path.write_text("\n".join([*lines, f"group both {quorum} w0 w1", "quorum both", ""]))
    return path


def log_of(folder: Path) -> str:
    """The log's key as its configuration names it."""
    return str(tomllib.loads((folder / "ledger.toml").read_text())["vkey"])


def test_a_receipt_is_led_to_a_cosigned_checkpoint(submitted: Path, run: Run, tmp_path: Path) -> None:
    """The device's receipt has the log's word alone; led to the publication's checkpoint it meets the policy, and still proves the
    same event.  Led to another log, or to one that is no extension, it stays as it was."""
    kept = submitted / "devices" / OPERATOR_DEVICE[1].split("/")[1] / "receipts" / "0000000000.tlog-proof"
    policy = write_policy(tmp_path / "policy", log_of(submitted), "all")
    words = ("--policy", policy)
    alone = run("receipt", "check", kept, *words)
    assert (alone.status, alone.code) == (1, "quorum-short")
    assert "not evaluated" in run("receipt", "check", kept, *OPERATOR_DEVICE).out
    before = kept.read_bytes()
    assert run("publish").status == 0
    assert run("receipt", "upgrade", kept, "public", *words).code == "quorum-short"
    assert kept.read_bytes() == before

    assert run("hold", STATION, *HELD).status == 0
    assert run("publish").status == 0
    cosign(submitted / "public" / "checkpoint", *WITNESSES)
    led = run("receipt", "upgrade", kept, "public", *words, "--json")
    assert (led.status, led.json["from"], led.json["size"], led.json["cosigned"]) == (0, 7, 8, ["w0", "w1"]), led.err
    checked = run("receipt", "check", kept, *words, "--json")
    assert (checked.status, checked.json["index"], checked.json["size"]) == (0, 6, 8)
    assert checked.json["cosigned"] == ["w0", "w1"]
    assert checked.json["key_from"] == str(policy)
    assert parse_proof(kept.read_bytes()).extra == parse_proof(before).extra
    told = run("receipt", "upgrade", kept, "public", "--out", tmp_path / "again", *OPERATOR_DEVICE)
    assert "from the tree of 8 to that of 8 entries" in told.out
    assert (tmp_path / "again").read_bytes() == kept.read_bytes()
    assert run("verify", "public", "--receipt", kept).status == 0

    kept.write_bytes(before)
    proof = parse_proof(before)
    (tmp_path / "other").write_bytes(encode_proof(type(proof)(5, proof.path, proof.checkpoint, proof.extra)))
    false = run("receipt", "upgrade", tmp_path / "other", "public", *OPERATOR_DEVICE)
    assert (false.status, false.code) == (1, "proof-invalid")
    assert run("init", tmp_path / "elsewhere", "--example").status == 0
    assert run("publish", "--ledger", tmp_path / "elsewhere").status == 0
    foreign = run("receipt", "upgrade", kept, tmp_path / "elsewhere" / "public", *OPERATOR_DEVICE)
    assert (foreign.status, foreign.code) == (1, "note-unsigned")
    assert kept.read_bytes() == before


def test_a_receipt_is_not_led_backwards(submitted: Path, run: Run, tmp_path: Path) -> None:
    """A publication that is older than the receipt."""
    assert run("publish").status == 0
    assert run("hold", STATION, *HELD).status == 0
    receipt = tmp_path / "held.tlog-proof"
    assert run("prove", "7", "--out", receipt).status == 0
    led = run("receipt", "upgrade", receipt, "public")
    assert (led.status, led.code) == (1, "log-shrank")


def test_a_proof_leads_to_the_checkpoint_that_is_given(submitted: Path, run: Run, tmp_path: Path) -> None:
    """With its cosignatures; an entry after it, and a checkpoint that the log did not sign, are told."""
    assert run("publish").status == 0
    cosign(submitted / "public" / "checkpoint", WITNESSES[0])
    assert run("hold", STATION, *HELD).status == 0
    words = ("--checkpoint", submitted / "public" / "checkpoint")
    made = run("prove", "6", *words, "--json")
    assert (made.status, made.json["size"]) == (0, 7), made.err
    assert parse_proof(made.json["proof"].encode()).checkpoint == (submitted / "public" / "checkpoint").read_bytes()
    assert run("prove", "6", "--json").json["size"] == 8
    assert run("prove", "7", *words).code == "size-beyond-log"
    false = tmp_path / "false"
    false.write_bytes((submitted / "public" / "checkpoint").read_bytes().replace(b"\n7\n", b"\n6\n"))
    assert run("prove", "5", "--checkpoint", false).code == "note-signature-invalid"


def test_two_checkpoints_are_shown_to_be_of_one_growing_log(submitted: Path, run: Run, tmp_path: Path) -> None:
    """By a file that anyone checks with the two alone; swapped, or with another file's sizes, it is refused."""
    assert run("publish").status == 0
    old = tmp_path / "old"
    old.write_bytes((submitted / "public" / "checkpoint").read_bytes())
    assert run("hold", STATION, *HELD).status == 0
    assert run("publish").status == 0
    new = submitted / "public" / "checkpoint"
    made = run("prove-consistency", "7", "--output", tmp_path / "grown")
    assert (made.status, made.out) == (0, f"Proof that 8 entries extend 7: {tmp_path / 'grown'}\n")
    assert run("prove-consistency", "7", "8").out == (tmp_path / "grown").read_text()
    key = ("--log-vkey", log_of(submitted))
    words = ("check-consistency", tmp_path / "grown", "--old", old, "--new", new)
    checked = run(*words, *key, "--json")
    assert (checked.status, checked.json["old"], checked.json["new"]) == (0, 7, 8)
    assert "none of them changed" in run(*words).out
    swapped = run("check-consistency", tmp_path / "grown", "--old", new, "--new", old, *key)
    assert (swapped.status, swapped.code) == (1, "consistency-other")
    policy = write_policy(tmp_path / "policy", log_of(submitted), "any")
    cosign(new, WITNESSES[1])
    short = run(*words, "--policy", policy)
    assert (short.status, short.code) == (1, "quorum-short")
    assert str(old) in short.err
    cosign(old, WITNESSES[0])
    assert run(*words, "--policy", policy).status == 0
    assert run(*words, "--policy", policy, "--log-vkey", WITNESSES[0].vkey).code == "note-unsigned"
    assert run("check-consistency", policy, "--old", old, "--new", new, *key).code == "bad-consistency"
    (tmp_path / "three").write_text(run("prove-consistency", "3", "8").out)
    assert run("check-consistency", tmp_path / "three", "--old", old, "--new", new).code == "consistency-other"


@pytest.fixture
def witnessed(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An election whose entry 0 asks for one of two witnesses, and one seal."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pass").write_text("correct horse battery staple\n")
    named = [word for each in WITNESSES for word in ("--witness", each.vkey)]
    words = ("--name", "Pemilihan", "--day", "2024-11-27", "--origin", "hasil.example/log", "--passphrase-file", "pass")
    assert run("init", "l", *words, *named, "--quorum", "3", "--kind", "synthetic").code == "opening-invalid"
    made = run("init", "l", *words, *named, "--quorum", "1", "--kind", "synthetic")
    assert made.status == 0, made.err
    return tmp_path / "l"


def test_an_election_that_asks_for_witnesses(witnessed: Path, run: Run) -> None:
    """Without them its publication does not verify; with one it does."""
    assert run("publish", "--ledger", witnessed).status == 0
    short = run("verify", witnessed / "public", "--json")
    assert (short.status, [each["code"] for each in short.json["failures"]]) == (1, ["quorum-short"])
    cosign(witnessed / "public" / "checkpoint", WITNESSES[1])
    good = run("verify", witnessed / "public", "--json")
    assert (good.status, good.json["witnesses"], good.json["quorum"]) == (0, 1, 1)
