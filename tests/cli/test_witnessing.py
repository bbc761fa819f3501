"""``cosign`` and the verbs of a log witness as people run them, over the example's own publication."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.proof.note import parse_note
from ledger.witness.evidence import fork_by_tiles
from tests.cli.conftest import Run
from tests.witness.stage import LOG, OTHER_KEY, history, note, publish, serving, tiles_of


@contextmanager
def served(folder: Path, *words: str) -> Iterator[dict[str, object]]:
    """``ledger witness serve`` as a process; what it says of itself."""
    code = "from ledger.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    command = [sys.executable, "-c", code, "witness", "serve", str(folder), "--port", "0", "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def witness_of(run: Run, folder: Path, name: str, log: str) -> str:
    """A witness that knows the log; its vkey."""
    made = run("witness", "init", folder, "--name", name, "--json")
    assert made.status == 0, made.err
    added = run("witness", "add-log", folder, log, "--json")
    assert (added.status, added.json["vkey"]) == (0, log)
    return str(made.json["vkey"])


def test_a_publication_is_cosigned(example: Path, run: Run, tmp_path: Path) -> None:
    """Two witnesses served, a quorum of two: the publication bears both lines and verifies as before; then one is gone."""
    assert run("publish").status == 0
    log = tomllib.loads(Path("ledger.toml").read_text())["vkey"]
    before = Path("public/checkpoint").read_bytes()
    names = ["univ.example/peneguh", "pers.example/peneguh"]
    vkeys = [witness_of(run, tmp_path / f"w{at}", name, log) for at, name in enumerate(names)]
    with served(tmp_path / "w0") as one, served(tmp_path / "w1", "--later") as two:
        assert one["vkey"] == vkeys[0]
        assert two["logs"] == [log]
        lines = [f"log {log}", f"witness univ {vkeys[0]} {one['url']}", f"witness pers {vkeys[1]} {two['url']}"]
        policy = tmp_path / "policy"
        policy.write_text("\n".join([*lines, "group both all univ pers", "quorum both", ""]))
        done = run("cosign", "public", "--policy", policy, "--json")
        assert (done.status, done.json["witnessed"], done.json["evidence"]) == (0, True, None), done.err
        assert [row["witness"] for row in done.json["witnesses"]] == ["univ", "pers"]
        assert all(row["error"] is None for row in done.json["witnesses"])
        shown = Path("public/checkpoint").read_bytes()
        assert shown.startswith(before)
        assert [line.name for line in parse_note(shown).lines][1:] == names
        again = run("cosign", "public", "--policy", policy)
        assert "Witnessed: the checkpoint" in again.out
        busy = run("witness", "add-log", tmp_path / "w0", log)
        assert (busy.status, busy.code) == (4, "folder-busy")
    assert run("verify", "public").status == 0
    Path("public/checkpoint").write_bytes(before)  # as of a folder whose checkpoint nobody cosigned
    alone = run("cosign", "public", "--policy", policy)
    assert alone.status == 1
    assert "UNWITNESSED" in alone.out
    assert "witness-unreachable" in alone.out
    assert "BELUM DITEGUHKAN" in run("cosign", "public", "--policy", policy, "--lang", "id").out


def test_publishing_asks_the_witnesses_first(example: Path, run: Run, tmp_path: Path) -> None:
    """With them the checkpoint is shown cosigned at once, and a publication of the same size keeps their lines; without them it is
    shown unwitnessed, or not at all where that was asked for."""
    log = tomllib.loads(Path("ledger.toml").read_text())["vkey"]
    vkey = witness_of(run, tmp_path / "w", "univ.example/peneguh", log)
    policy = tmp_path / "policy"
    with served(tmp_path / "w") as one:
        policy.write_text(f"log {log}\nwitness univ {vkey} {one['url']}\nquorum univ\n")
        done = run("publish", "--policy", policy, "--json")
        assert (done.status, done.json["witnessed"]) == (0, True), done.err
    cosigned = Path("public/checkpoint").read_bytes()
    assert [line.name for line in parse_note(cosigned).lines][1:] == ["univ.example/peneguh"]
    checked = run("verify", "public", "--policy", policy, "--json")
    assert (checked.status, checked.json["cosigned"]) == (0, ["univ"])
    assert run("publish").status == 0
    assert Path("public/checkpoint").read_bytes() == cosigned
    again = run("publish", "--policy", policy, "--json")  # the witness is gone, its word of this size is not
    assert (again.status, again.json["witnesses"][0]["error"]["code"]) == (0, "witness-unreachable")
    held = run("publish", "elsewhere", "--policy", policy, "--only-witnessed")
    assert (held.status, held.code) == (4, "witnesses-short"), held.err
    assert not Path("elsewhere/checkpoint").exists()
    alone = run("publish", "elsewhere", "--policy", policy)
    assert alone.status == 1
    assert "UNWITNESSED" in alone.out
    assert Path("elsewhere/checkpoint").read_bytes() != cosigned
    assert run("verify", "elsewhere").status == 0
    assert run("publish", "--only-witnessed").code == "argument-missing"


def test_a_fork_ends_in_a_file_that_anyone_can_check(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A witness that was shown a second history: status 1, the file is written, and its verb says what it proves."""
    monkeypatch.chdir(tmp_path)
    vkey = witness_of(run, tmp_path / "w", "univ.example/peneguh", LOG.vkey)
    with serving(tmp_path / "w", later=True) as server:
        server.clock = lambda: int(time.time())
        policy = tmp_path / "policy"
        policy.write_text(f"log {LOG.vkey}\nwitness univ {vkey} {server.url}\nquorum univ\n")
        publish(tmp_path / "second", 6, forked=True)
        assert run("cosign", "second", "--policy", policy).status == 0
        publish(tmp_path / "public", 9)
        done = run("cosign", "public", "--policy", policy)
        assert done.status == 1
        assert "FORKED" in done.out
        told = run("cosign", "public", "--policy", policy, "--evidence", "kept", "--json").json
        assert told["evidence"] == "kept"
        assert told["witnesses"][0]["error"]["code"] == "witness-differs"
    assert Path("kept").read_bytes() == Path("fork-9.evidence").read_bytes()
    proven = run("witness", "evidence", "kept", "--log-vkey", LOG.vkey, "--json")
    assert (proven.status, proven.json["proven"], proven.json["key_checked"]) == (0, True, True)
    assert [side["size"] for side in proven.json["checkpoints"]] == [6, 9]
    plain = run("witness", "evidence", "kept")
    assert "cannot both be true" in plain.out
    assert "compare it" in plain.err
    assert "tidak mungkin benar" in run("witness", "evidence", "kept", "--lang", "id").out


def test_what_the_verbs_refuse(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One code and status each."""
    monkeypatch.chdir(tmp_path)
    made = fork_by_tiles(LOG.key, theirs=note(6), ours=note(9, forked=True), tiles=tiles_of(history(9, forked=True)))
    assert made is not None
    Path("fork").write_bytes(made)
    Path("spoiled").write_bytes(made[:-2])
    Path("none").write_bytes(b"none\n")
    Path("policy").write_text("quorum none")
    assert run("witness", "init", "w", "--name", "w").status == 0
    publish(tmp_path / "public", 9)
    for words, status, code in (
        (("witness", "evidence", "fork", "--log-vkey", OTHER_KEY.vkey), 1, "evidence-other-log"),
        (("witness", "evidence", "fork", "--log-vkey", "x"), 4, "bad-vkey"),
        (("witness", "evidence", "spoiled"), 4, "bad-note"),
        (("witness", "evidence", "none"), 4, "bad-evidence"),
        (("witness", "init", "w", "--name", "w"), 4, "folder-not-empty"),
        (("witness", "init", "x", "--name", "two words"), 4, "bad-vkey"),
        (("witness", "add-log", "public", LOG.vkey), 4, "bad-witness"),
        (("witness", "serve", "public"), 4, "bad-witness"),
        (("witness", "serve", "w", "--host", "256.0.0.1"), 4, "witness-address"),
        (("cosign", "public", "--policy", "policy"), 4, "bad-policy"),
        (("cosign", "public", "--policy", "missing"), 4, "cannot-read"),
        (("cosign", "public"), 2, "argument-missing"),
        (("cosign", "public", "--policy", "policy", "--seconds", "0"), 2, "argument-invalid"),
    ):
        ran = run(*words)
        assert (ran.status, ran.code) == (status, code), words
    Path("policy").write_text("quorum none\n")
    assert run("cosign", "public", "--policy", "policy").code == "note-unsigned"
