"""The walks of the documents as they stand.  docs/WITNESSES.md: two witnesses as processes on loopback and a quorum of two; one is
killed, one is put back, both are shown a fork, and the evidence convinces both verifiers.  docs/AUDITING.md: a log verified from
folder and address, by both verifiers, again later, an event, a total, and a witness's word.  docs/KEYS.md: the log's key is stolen,
and lost.  docs/SERVING.md: a node, a device without network.

A shell of its own runs the commands one after the other.  Ports are other ones; a server's words go to a file.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import parse_note, parse_vkey
from ledger.witness.evidence import check_fork

ROOT = Path(__file__).resolve().parents[2]
SECOND = ROOT / "tools" / "verify_ledger.py"
STARTS = 600
END = "-- the command ended --"


class Shell:
    """A bash that is fed one command at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, command: str) -> str:
        """What it says, on both streams."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\necho; echo '{END}'\n")
        self._process.stdin.flush()
        said = ""
        while not said.endswith(f"{END}\n"):
            line = self._process.stdout.readline()
            assert line, f"the shell ended: {said}"
            said += line
        return said.removesuffix(f"{END}\n")


@contextmanager
def shell(place: Path) -> Iterator[Shell]:
    """In ``place``, with a ``ledger`` that is this source tree's; at the end all that it started is gone."""
    programs = place / "bin"
    programs.mkdir()
    (programs / "ledger").write_text(f"#!/bin/sh\nexec '{sys.executable}' -c 'from ledger.cli import main; main()' \"$@\"\n")
    (programs / "ledger").chmod(0o755)
    (programs / "python3").write_text(f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n")
    (programs / "python3").chmod(0o755)
    settings = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "LEDGER_LANG": "en",
        "COLUMNS": "200",
        "LC_ALL": "C.UTF-8",
    }
    process = subprocess.Popen(
        ["bash", "--norc"],
        cwd=place,
        env=settings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield Shell(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def listening(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as trial:
        trial.settimeout(20)
        return trial.connect_ex(("127.0.0.1", port)) == 0


def started(session: Shell, port: int) -> None:
    """Returns once the server that was started takes connections."""
    for _ in range(STARTS):
        if listening(port):
            return
        session.run("sleep 0.1")
    raise AssertionError(session.run("cat served.log ../served.log"))


def walk(document: str, place: Path, *shown_ports: str) -> None:
    """Every command of the document runs and says what is shown, in that order."""
    text = (ROOT / "docs" / document).read_text()
    lines = [
        line for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) for line in block.splitlines()
    ]
    assert len(lines) > 20
    ports = dict(zip(shown_ports, map(str, free_ports(len(shown_ports))), strict=True))
    said = ""
    with shell(place) as session:
        for line in lines:
            if not line.startswith("$ "):
                assert line in said, f"the walk shows a line that the program does not say (here): {line}\n{said}"
                said = said[said.index(line) + len(line) :]
                continue
            command = line.removeprefix("$ ")
            for shown, port in ports.items():
                command = command.replace(shown, port)
            said = session.run(command.replace(" &", " >> served.log 2>&1 &"))
            assert not re.search(r"^(Error|Usage|Traceback)|command not found|No such file", said, re.MULTILINE), (
                f"{command}\n{said}"
            )
            for port in ports.values():
                if port in command and command.partition(" &")[1]:
                    started(session, int(port))


def test_the_walk_with_a_node(tmp_path: Path) -> None:
    """A device without network delivers when it is back."""
    walk("SERVING.md", tmp_path, "8700")


def test_the_walk_with_keys(tmp_path: Path) -> None:
    """Stolen, and lost: both times the log goes on under another key."""
    walk("KEYS.md", tmp_path)


def test_the_walk_with_witnesses(tmp_path: Path) -> None:
    """At the end the evidence convicts the log."""
    walk("WITNESSES.md", tmp_path, "8701", "8702")
    convicted(tmp_path)


def test_the_walk_of_an_auditor(tmp_path: Path) -> None:
    """At the end nothing is left beside what the document says."""
    (tmp_path / "verify_ledger.py").write_bytes(SECOND.read_bytes())
    walk("AUDITING.md", tmp_path, "8701", "8703")
    kept = {path.name for path in tmp_path.iterdir()}
    assert {"log.state", "checkpoint-before", "grown", "form.tlog-proof", "mayor", "mayor-2"} <= kept
    assert not {name for name in kept if name.startswith("log.state.")}


def convicted(place: Path) -> None:
    """What the walk left: evidence in three files and in the witness's own folder, good by both verifiers; a log that went on."""
    vkey = str(tomllib.loads((place / "contoh" / "ledger.toml").read_text())["vkey"])
    kept = [place / "fork", place / "fork-2", place / "fork-3", *(place / "univ" / "forks").iterdir()]
    assert len(kept) > 3
    for file in kept:
        fork = check_fork(file.read_bytes(), key=parse_vkey(vkey))
        assert (fork.first.size, fork.second.size) == (8, 9 if file.name == "fork-3" else 8)
        command = [sys.executable, str(SECOND), "--fork", str(file), "--log-vkey", vkey]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert parse_checkpoint(parse_note((place / "contoh" / "public" / "checkpoint").read_bytes()).text).size == 9
