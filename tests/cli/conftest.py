"""One example ledger, made once by ``ledger init --example`` and copied for each test, and a way to run the program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from ledger.cli import main
from ledger.cli.example import OFFICER, OPERATOR, PASSPHRASE_NAME, STATIONS

PASSPHRASE = ("--passphrase-file", f"devices/{PASSPHRASE_NAME}")
STATION = STATIONS[0]
OPERATOR_DEVICE = ("--device", f"devices/{OPERATOR}")
OFFICER_DEVICE = ("--device", f"devices/{OFFICER}")


class Ran(NamedTuple):
    """What a run gave."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[Any]:
        """The objects on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def code(self) -> str:
        """The error's code in square brackets on stderr."""
        first = next(line for line in self.err.splitlines() if line.startswith(("Galat: ", "Error: ")))
        return first.rpartition("[")[2].rstrip("]")


Run = Callable[..., Ran]


def invoke(*words: str, stdin: str | bytes | None = None) -> Ran:
    """Runs the program in this process, and never lets a traceback pass."""
    result = CliRunner().invoke(main, [str(word) for word in words], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.stderr
    return Ran(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests, and English unless a test says otherwise."""
    for name in ("LEDGER_DIR", "LEDGER_DEVICE", "LEDGER_ANCHOR", "LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEDGER_LANG", "en")


@pytest.fixture
def run() -> Run:
    """Runs the program in this process."""
    return invoke


def program(*words: str, cwd: Path, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Runs the program as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), **settings.pop("env", {})}
    code = "from ledger.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=cwd, capture_output=True, text=True, check=False, env=environment, **settings
    )


def converse(terminal: int, answers: list[str]) -> str:
    """Answers each prompt (a colon or bracket at the end of what was shown) and returns all that was shown."""
    shown = ""
    while True:
        try:
            read = os.read(terminal, 4096).decode()
        except OSError:  # the other end is closed
            return shown
        if not read:
            return shown
        shown += read
        if answers and shown.rstrip(" ").endswith((":", "[y/n]", "[y/t]")):
            os.write(terminal, (answers.pop(0) + "\n").encode())


QUICK_ROUNDS = 1_000


@pytest.fixture(scope="module")
def quick_keys() -> Iterator[None]:
    """Key files of few rounds, for a module that unlocks devices some hundred times; other tests do it with all the rounds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.device.keyfile.KDF_ROUNDS", QUICK_ROUNDS)
        patch.setenv("LEDGER_LANG", "en")
        yield


@pytest.fixture(scope="session")
def made_example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    """``ledger init DIR --example`` and what it said."""
    place = tmp_path_factory.mktemp("example") / "contoh"
    os.environ["LEDGER_LANG"] = "en"
    ran = invoke("init", str(place), "--example")
    assert ran.status == 0, ran.err
    return place, ran


@pytest.fixture
def example(made_example: tuple[Path, Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, and the working folder in it."""
    place = Path(shutil.copytree(made_example[0], tmp_path / "contoh"))
    monkeypatch.chdir(place)
    return place


@pytest.fixture(scope="session")
def made_submitted(made_example: tuple[Path, Ran], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example after the first station's form came in, made once."""
    place = Path(shutil.copytree(made_example[0], tmp_path_factory.mktemp("submitted") / "contoh"))
    done = program("submit", STATION, "--figures", "contoh-angka.toml", *OPERATOR_DEVICE, *PASSPHRASE, "--yes", cwd=place)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def submitted(made_submitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, and the working folder in it."""
    place = Path(shutil.copytree(made_submitted, tmp_path / "contoh"))
    monkeypatch.chdir(place)
    return place
