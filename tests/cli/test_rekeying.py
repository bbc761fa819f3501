"""The log's key is stolen, or lost, and replaced through the verbs: by two devices in turn, or by both at once."""

from __future__ import annotations

import shutil
import stat
from contextlib import chdir
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import UNSET

from ledger.cli import rekeying
from ledger.device.folder import Device
from ledger.files import Files
from ledger.node import Node
from ledger.proof.checkpoint import parse_checkpoint, sign_checkpoint
from ledger.proof.note import NoteSigner, parse_note
from ledger.tally import events as e
from tests.cli.conftest import Ran, Run
from tests.cli.governing import CITY, FOUR, ONE, SIGN, THREE, TWO, A, act, both, device, make_governed, submit

HERE = ("--ledger", "l")
STOLEN = ("rekey", "--log", "--reason", "key-stolen")


@pytest.fixture(scope="module")
def made(quick_keys: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The election with two forms in, made once."""
    place = tmp_path_factory.mktemp("rekeying") / "g"
    place.mkdir()
    with chdir(place):
        make_governed()
        submit(ONE)
        submit(TWO)
    return place


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, in which the test runs."""
    place = Path(shutil.copytree(made, tmp_path / "g"))
    monkeypatch.chdir(place)
    monkeypatch.setenv("LEDGER_LANG", "en")
    return place


def key() -> str:
    """The log's key in force."""
    with Node.open(Path("l"), clock=lambda: 0) as node:
        return node.key.vkey


def together(run: Run, *words: str) -> Ran:
    """By both root keys' devices at once."""
    return run("rekey", "--reason", "lost", *words, *HERE, *device("root-1"), "--second", "l/devices/root-2", *SIGN, "--json")


def outcome(run: Run, name: str) -> str:
    """What ``doctor`` says of it."""
    return str(next(row["outcome"] for row in run("doctor", *HERE, "--json").rows if row["name"] == name))


def test_a_stolen_key_is_replaced_by_two_devices_in_turn(here: Path, run: Run) -> None:
    """The approver sees both keys; from then on everybody follows: devices, receipts, proofs, publication, audit."""
    old = key()
    receipt = f"op-{ONE}/receipts/0000000000.tlog-proof"
    with Node.open(Path("l"), clock=lambda: 0) as node:
        ledger = (node.ledger_id() or b"").hex()
    proposed = act("root-1", *STOLEN).rows[-1]
    assert proposed["pending"]
    assert key() == old
    shown = run("approve", proposed["event"][:16], *HERE, *device("root-2"), *SIGN)
    assert shown.status == 0, shown.err
    new = key()
    assert new != old
    assert old in shown.err
    assert f"replaced by {new}" in shown.err
    (file,) = Path("l").glob("log-key-*.pem")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert outcome(run, "log-key") == "OK"

    submit(THREE)
    assert run("receipt", "check", receipt, *device(f"op-{ONE}")).status == 0  # of before, by the key of before
    later = f"op-{THREE}/receipts/0000000000.tlog-proof"
    assert run("receipt", "check", later, *device(f"op-{THREE}")).status == 0  # it met the ledger after
    other = (later, *device(f"op-{TWO}"))
    assert run("receipt", "check", *other).code == "note-unsigned"  # this device has not met the ledger since
    act(f"op-{TWO}", "correct", TWO, "--reason", "salah-ketik", "--set", "suara-1=6", "--set", "suara-2=3")
    assert new in (here / f"op-{TWO}" / "stream").read_text()
    assert (
        run("receipt", "check", later, *device(f"op-{TWO}"), "--submission", later.replace("tlog-proof", "submission")).status == 0
    )
    for vkey, status in ((old, 0), (new, 1)):
        assert run("receipt", "check", receipt, "--log-vkey", vkey).status == status
    assert run("receipt", "check", receipt, *HERE).status == 0

    assert run("publish", *HERE).status == 0
    assert run("receipt", "upgrade", receipt, "l/public", *HERE, "--out", "led").status == 0
    good = run("verify", "l/public", "--ledger-id", ledger, "--log-vkey", new, "--receipt", receipt)
    assert good.status == 0, good.out
    assert run("verify", "l/public", "--ledger-id", ledger, "--log-vkey", old).status == 1


def test_a_lost_key_is_replaced_by_both_at_once(here: Path, run: Run) -> None:
    """Without it nothing can be appended, so one batch has proposal and approval; afterwards all goes on."""
    Path("l/log-key.pem").rename("lost")
    assert outcome(run, "log-key") == "FAIL"
    refused = run("submit", THREE, "--set", "suara-1=5", *HERE, *device(f"op-{THREE}"), *SIGN)
    assert refused.status != 0
    alone = run(*STOLEN, *HERE, *device("root-1"), *SIGN)
    assert (alone.status, alone.code) == (2, "second-needed")
    assert together(run, "--log", "--dry-run").status == 0
    assert not list(Path("l").glob("log-key-*.pem"))
    same = run(*STOLEN, *HERE, *device("root-1"), "--second", "l/devices/root-1", *SIGN)
    assert same.status != 0
    done = together(run, "--log", "--sealer")
    assert done.status == 0, done.err
    assert done.rows[-1]["log_key"] == key()
    assert [row["pending"] for row in done.rows[:-1]] == [True, False]
    assert (outcome(run, "log-key"), outcome(run, "sealer-key")) == ("OK", "OK")
    submit(FOUR)
    assert run("seal", *HERE).status == 0
    proof = run("prove-total", CITY, *HERE, "--output", "bukti")
    assert proof.status == 0, proof.err
    checked = run("check-total", "bukti", *HERE, "--json")
    assert (checked.status, checked.json["log_key"]) == (0, key())
    for name in ("root-1", "root-2"):
        assert run("key", "show", *device(name), "--json").json["outbox"] == []


def test_what_was_signed_and_not_sent_is_sent_by_the_next_run(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power fails after the first signature: the same key is proposed, not a second one, and the approval is signed then."""
    Path("l/log-key.pem").unlink()

    def fails(*_: object) -> int:
        raise OSError(5, "power")

    with monkeypatch.context() as patch:
        patch.setattr(rekeying, "_send", fails)
        assert together(run, "--log").status == 4
    (file,) = Path("l").glob("log-key-*.pem")
    assert len(run("key", "show", *device("root-1"), "--json").json["outbox"]) == 1
    done = together(run, "--log")
    assert done.status == 0, done.err
    assert list(Path("l").glob("log-key-*.pem")) == [file]
    assert file.name == f"log-key-{key().split('+')[1]}.pem"
    again = together(run, "--log")
    assert again.status == 0, again.err
    assert len(list(Path("l").glob("log-key-*.pem"))) == 2


def propose(log: bool = True) -> tuple[e.LogRekeyed, Ed25519PrivateKey]:
    """What somebody signs with the first root key and does not send: a key that nobody was shown."""
    private = Ed25519PrivateKey.generate()
    with Node.open(Path("l"), clock=lambda: 0) as node, Device.open(Path("l/devices/root-1"), files=Files()) as root:
        data = e.LogRekeyed(reason="x", log_key=NoteSigner(node.key.name, private).vkey if log else UNSET)
        root.unlock(b"frasa sandi uji")
        root.follow(node.key_chain())
        root.sign(data, claimed_at=0)
        node.signers.keep_log_key(private)
    return data, private


def test_the_second_approves_what_it_was_shown_and_nothing_else(here: Path, run: Run) -> None:
    """Not another key that waited in the first one's outbox.  One that waited and whose key is here is the one that is shown."""
    hidden, _ = propose()
    (Path("l") / f"log-key-{hidden.log_key.split('+')[1]}.pem").unlink()
    old = key()
    asked = run("rekey", "--log", "--reason", "lost", *HERE, *device("root-1"), "--second", "l/devices/root-2", *SIGN[:2])
    assert asked.code == "confirmation-needed"
    assert str(hidden.log_key) not in asked.err
    assert "Sent along from l/devices/root-1: log.rekeyed, position 1" in asked.err
    assert run("key", "show", *device("root-2"), "--json").json["outbox"] == []
    done = together(run, "--log")
    assert (done.status, done.rows[-1]["replaced"]) == (0, True), done.err
    assert key() not in (old, hidden.log_key)
    with Node.open(Path("l"), clock=lambda: 0) as node:
        assert str(hidden.log_key) not in {each.vkey for each in node.log_keys()}

    held, _ = propose()
    asked = run("rekey", "--log", "--reason", "lost", *HERE, *device("root-1"), "--second", "l/devices/root-2", *SIGN[:2])
    assert asked.code == "confirmation-needed"
    assert str(held.log_key) in asked.err
    assert together(run, "--log").status == 0
    assert key() == held.log_key


@pytest.mark.parametrize("before", ["the sealer alone", "another act", "a proposal whose key is lost", "an act that is refused"])
def test_nothing_in_an_outbox_stands_in_the_way_of_a_lost_key(here: Path, run: Run, before: str) -> None:
    """Without the log's key nobody signs what cannot be appended; what was signed all the same goes along, or aside."""
    if before == "a proposal whose key is lost":
        data, _ = propose()
        (Path("l") / f"log-key-{data.log_key.split('+')[1]}.pem").unlink()
    elif before == "an act that is refused":
        propose(log=False)  # of nothing
        with Device.open(Path("l/devices/root-1"), files=Files()) as root:
            root.unlock(b"frasa sandi uji")
            root.sign(e.ElectionAmended(reason="x", basis="1"), claimed_at=0)
    Path("l/log-key.pem").unlink()
    if before == "the sealer alone":
        refused = together(run, "--sealer")
        assert (refused.status, refused.json["error"]["code"]) == (4, "log-key-absent")
    elif before == "another act":
        refused = run("revoke", f"officer/{A}/ketua", "--reason", "x", *HERE, *device("root-1"), *SIGN)
        assert refused.code == "log-key-absent"
    if before in ("the sealer alone", "another act"):
        assert run("key", "show", *device("root-1"), "--json").json["outbox"] == []
    done = together(run, "--log")
    assert (done.status, done.rows[-1]["replaced"]) == (0, True), (done.out, done.err)
    submit(THREE)
    assert (before == "an act that is refused") == bool(list(Path("l/devices/root-1/outbox/refused").iterdir()))


def test_a_replacement_that_did_not_come_about_is_no_success(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was sent instead."""
    old = key()
    with monkeypatch.context() as patch:
        patch.setattr(rekeying._Together, "submit", lambda self, submissions: self._node.submit(submissions))
        told = together(run, "--log")
        assert told.status == 3
        assert (told.rows[-1]["replaced"], told.rows[-1]["log_key"]) == (False, old)
    assert key() == old


def test_a_ledger_that_was_lost_with_its_disk_is_restored_and_rekeyed(here: Path, run: Run) -> None:
    """From its publication, without the log's key: it signs nothing before that."""
    assert run("publish", *HERE).status == 0
    shutil.move("l/devices", "devices")
    assert run("restore", "l/public", "--into", "n", "--key-lost", "--log-key", "l/log-key.pem").code == "argument-invalid"
    assert run("restore", "l/public", "--into", "n", "--key-lost").status == 0
    shutil.rmtree("l")
    shutil.move("n", "l")
    shutil.move("devices", "l/devices")
    assert run("submit", THREE, "--set", "suara-1=5", *HERE, *device(f"op-{THREE}"), *SIGN).code == "log-key-absent"
    assert together(run, "--log", "--sealer").status == 0
    submit(THREE)
    assert run("publish", *HERE).status == 0
    assert run("verify", "l/public", "--log-vkey", key()).status == 0


def test_a_damaged_sealers_key_is_replaced(here: Path, run: Run) -> None:
    """The log goes on without seals meanwhile."""
    Path("l/sealer-key.pem").write_bytes(b"garbage")
    submit(THREE)
    assert outcome(run, "sealer-key") == "FAIL"
    assert together(run, "--sealer").status == 0
    assert outcome(run, "sealer-key") == "OK"
    assert run("seal", *HERE).status == 0


def test_what_is_not_asked_rightly_is_told(here: Path, run: Run) -> None:
    """Nothing to replace; an office that may not; a proposal that ran out of keys is no concern of the command line."""
    for words, code in (
        (("rekey", "--reason", "x"), "rekey-nothing"),
        ((*STOLEN, "--second", "tiada"), "no-device"),
        ((*STOLEN, "--second", "chair-a"), "second-needed"),
        ((*STOLEN, "--second", "l/devices/root-1"), "device-busy"),
    ):
        assert run(*words, *HERE, *device("root-1"), *SIGN).code == code
    assert run(*STOLEN, *HERE, *device("commission-1"), *SIGN).code == "role-not-entitled"
    assert not list(Path("l").glob("log-key-*.pem"))
    dry = run(*STOLEN, *HERE, *device("root-1"), "--dry-run", *SIGN)
    assert (dry.status, dry.out) == (0, "Dry run: nothing was appended.\n")


def test_a_thief_of_the_old_key_convinces_no_device(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers under the old key at a new size are no receipts; the event stays in the outbox."""
    with Node.open(Path("l"), clock=lambda: 0) as node:
        thief = node.signer
    both("root-1", "root-2", *STOLEN)
    true = Node.receipt

    def forged(self: Node, index: int, checkpoint: bytes | None = None) -> bytes:
        receipt = true(self, index, checkpoint)
        head, _, note = receipt.partition(b"\n\n")
        return head + b"\n\n" + sign_checkpoint(parse_checkpoint(parse_note(note).text), thief)

    assert isinstance(thief, NoteSigner)
    with monkeypatch.context() as patch:
        patch.setattr(Node, "receipt", forged)
        told = run("submit", THREE, "--set", "suara-1=5", *HERE, *device(f"op-{THREE}"), *SIGN, "--json")
        assert told.status == 1, told.err
        assert told.json["error"]["code"] == "note-unsigned"
    assert len(run("key", "show", *device(f"op-{THREE}"), "--json").json["outbox"]) == 1
