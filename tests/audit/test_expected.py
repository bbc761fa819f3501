"""What the reader knows from elsewhere, the log's key or a policy of witnesses; and all that can be said of an empty log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.audit.report import Report
from ledger.audit.verify import Known
from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.note import NoteCosigner, NoteSigner
from ledger.proof.policy import Policy, parse_policy

from ..cli.conftest import invoke
from ..world import LOG_KEY, ORIGIN
from .conftest import SIGNER, Honest
from .forger import checkpoint_of, write
from .test_earlier import receipt_of
from .test_tampering import check, outcomes, told

OTHER = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32))
WITNESSES = [
    NoteCosigner(f"w{number}.example/w", Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)) for number in (1, 2, 3)
]


def policy_text(quorum: str = "all", log: str = SIGNER.vkey) -> str:
    """Three witnesses, of which so many are asked for."""
    lines = [f"witness w{number} {witness.vkey}" for number, witness in enumerate(WITNESSES)]
    return "\n".join([f"log {log}", *lines, f"group them {quorum} w0 w1 w2", "quorum them", ""])


def policy(quorum: str = "all", log: str = SIGNER.vkey) -> Policy:
    """As the program reads it."""
    return parse_policy(policy_text(quorum, log).encode())


def cosigned(note: bytes, *numbers: int) -> bytes:
    """The note with lines by these witnesses."""
    text = note.partition(b"\n\n")[0] + b"\n"
    return note + b"".join(WITNESSES[number].sign(text, timestamp=1_732_700_000) for number in numbers)


def with_policy(folder: Path, honest: Honest, *numbers: int, quorum: str = "all", log: str = SIGNER.vkey) -> Report:
    """The report on the honest ledger cosigned by these, under the policy."""
    files = honest.files | {"checkpoint": cosigned(honest.files["checkpoint"], *numbers)}
    return check(folder, files, policy=policy(quorum, log))


def test_a_policy_is_asked_of_the_checkpoint(honest: Honest, tmp_path: Path) -> None:
    """Its quorum, whatever entry 0 says, which here names no witness at all."""
    short = [(1, "quorum-short", None, "checkpoint")]
    assert told(with_policy(tmp_path, honest, 0, 1)) == short
    assert told(with_policy(tmp_path, honest, quorum="any")) == short
    good = with_policy(tmp_path, honest, 2, 0, quorum="2")
    assert (good.ok, good.cosigned, good.unseen) == (True, ("w2", "w0"), ())
    assert "cosigned by witnesses of the policy: 2, enough for its quorum." in good.sentence("en")
    assert "diteguhkan peneguh log dari kebijakan: 2" in good.sentence("id")


def test_a_policy_of_another_log_and_a_false_line(honest: Honest, tmp_path: Path) -> None:
    """Both are said of step 1; a policy without a quorum asks for no witness, and then it is said that nobody vouched."""
    assert told(with_policy(tmp_path, honest, 0, 1, 2, log=OTHER.vkey)) == [(1, "note-unsigned", None, "checkpoint")]
    note = honest.files["checkpoint"]
    false = note + WITNESSES[1].sign(b"another text\n", timestamp=1)
    report = check(tmp_path, honest.files | {"checkpoint": false}, policy=policy("any"))
    assert told(report) == [(1, "note-signature-invalid", None, "checkpoint")]
    lax = parse_policy(f"log {SIGNER.vkey}\nquorum none\n".encode())
    report = check(tmp_path, honest.files, policy=lax)
    assert (report.ok, report.cosigned, report.unseen) == (True, (), ("unwitnessed",))
    assert "not evaluated: whether others are shown this same log" in report.sentence("en")


def test_the_logs_key_as_given(honest: Honest, tmp_path: Path) -> None:
    """Entry 0 names its own key; who knows the key need not believe it."""
    report = check(tmp_path, honest.files, log_key=SIGNER.key)
    assert (report.ok, report.log_key) == (True, "checked")
    assert "the log's key is the one given" in report.sentence("en")
    report = check(tmp_path, honest.files, log_key=OTHER.key)
    assert (told(report), report.log_key) == ([(1, "note-unsigned", None, "checkpoint")], "other")
    elsewhere = NoteSigner("another.example/log", LOG_KEY)
    assert told(check(tmp_path, honest.files, log_key=elsewhere.key))[0][1] in ("note-unsigned", "checkpoint-other-origin")
    assert check(tmp_path, honest.files).log_key == "not-checked"


# --- size 0 -----------------------------------------------------------------------------------------------------------------


def empty(folder: Path, note: bytes | None = None, /, **more: Any) -> Report:
    """The report on a publication that is a checkpoint of no entry."""
    files = {"checkpoint": checkpoint_of([], SIGNER) if note is None else note, "README.txt": b""}
    return check(folder, files | more.pop("files", {}), **more)


def test_an_empty_log_with_a_known_key(tmp_path: Path) -> None:
    """Its signature is all there is to check; every step has been, over nothing."""
    for more in ({"log_key": SIGNER.key}, {"policy": parse_policy(f"log {SIGNER.vkey}\nquorum none\n".encode())}):
        report = empty(tmp_path, **more)
        assert (report.ok, outcomes(report), report.size, report.identity) == (True, "ppppppppp", 0, "unknown")
        assert report.sentence("en").startswith(f"Verified: the log {ORIGIN} is signed by a key known for it and has no entry yet")
        assert report.sentence("id").startswith(f"Terverifikasi: log {ORIGIN} ditandatangani")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [(1, "log-empty")]),
        ({"policy": policy("any", NoteSigner("b.example", LOG_KEY).vkey)}, [(1, "log-empty")]),
        ({"log_key": OTHER.key}, [(1, "note-unsigned")]),
        ({"log_key": SIGNER.key, "ledger_id": bytes(32)}, [(1, "log-empty")]),
        ({"log_key": SIGNER.key, "policy": policy("any")}, [(1, "quorum-short")]),
        ({"log_key": SIGNER.key, "files": {"tile/0/000.p/1": bytes(32)}}, [(4, "file-beyond-checkpoint")]),
        ({"log_key": SIGNER.key, "files": {"recap/0/recap_root": bytes(32)}}, [(4, "file-stray")]),
        ({"log_key": SIGNER.key, "known": Known.from_head(3, bytes(32))}, [(4, "log-truncated")]),
    ],
    ids=["no key", "policy of another log", "another key", "an id", "quorum", "a tile", "a recap", "a known tree"],
)  # fmt: skip
def test_an_empty_log_that_is_not_verified(more: dict[str, Any], expected: list[tuple[int, str]], tmp_path: Path) -> None:
    """Without a key nobody's word; with more than its checkpoint, or less than was known, no empty log."""
    report = empty(tmp_path, **more)
    assert not report.ok
    assert [(step, code) for step, code, _, _ in told(report)] == expected


def test_an_empty_log_with_a_root(honest: Honest, tmp_path: Path) -> None:
    """Size 0 has one root.  A receipt of it shows that there was an entry."""
    lie = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), SIGNER)
    assert told(empty(tmp_path, lie, log_key=SIGNER.key)) == [(4, "root-differs", None, "checkpoint")]
    report = empty(tmp_path, log_key=SIGNER.key, receipts=[receipt_of(honest.entries, 3)])
    assert [code for _, code, _, _ in told(report)] == ["log-truncated"]


def test_by_command(honest: Honest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The options, and that a ledger's own folder takes no policy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGER_LANG", "en")
    write(tmp_path / "public", honest.files | {"checkpoint": cosigned(honest.files["checkpoint"], 0, 2)})
    Path("policy").write_text(policy_text("2"))
    ran = invoke("verify", "public", "--policy", "policy", "--log-vkey", SIGNER.vkey, "--json")
    assert (ran.status, ran.json["cosigned"], ran.json["log_key"]) == (0, ["w0", "w2"], "checked")
    Path("policy").write_text(policy_text("all"))
    ran = invoke("verify", "public", "--policy", "policy")
    assert ran.status == 1
    assert "quorum-short" in ran.out
    Path("ledger").mkdir()
    Path("ledger/ledger.toml").write_text("")
    ran = invoke("verify", "ledger", "--policy", "policy")
    assert (ran.status, ran.code) == (2, "policy-of-publication")
