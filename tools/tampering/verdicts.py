"""Both verifiers on one input, their findings in one form.

The first is ``ledger.audit`` with its companions for single files; the second is ``tools/verify_ledger.py``, run as a program in
this process (or, where a test asks for it, in one of its own).  Both are told the same from elsewhere.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from ledger.audit.earlier import Receipt
from ledger.audit.heads import Known
from ledger.audit.sources import FolderSource, printable
from ledger.audit.verify import verify
from ledger.errors import BadInput, LedgerError
from ledger.proof.note import parse_vkey
from ledger.tally.totalproof import check_total
from ledger.witness.evidence import check_fork

__all__ = ["FOLD", "INPUT", "Asked", "Finding", "Verdict", "first", "second", "second_in_its_own_process"]

ROOT: Final = Path(__file__).resolve().parents[2]
SECOND: Final = ROOT / "tools" / "verify_ledger.py"

INPUT: Final = 0
"""Instead of a step: the file that was named cannot be read as what it should be, or, of a single file, does not hold."""
FOLD: Final = frozenset({6, 7, 8})
"""Under which of these a report lists a broken rule of the fold is its own affair (docs/FORMATS.md section 9)."""

How = Literal["folder", "total", "fork"]


class Asked(NamedTuple):
    """What the verifiers are told from elsewhere, and what they are given.  ``seen`` and ``receipt``: the bytes of such a file."""

    how: How = "folder"
    ledger_id: str = ""
    log_vkey: str = ""
    seen: bytes = b""
    receipt: bytes = b""


class Finding(NamedTuple):
    """One thing that is wrong.  ``index``: the entry, None where none is told; ``file``: its path; ``seen`` or ``receipt`` for
    what was kept from earlier."""

    step: int
    code: str
    index: int | None
    file: str


class Verdict(NamedTuple):
    """What a verifier says.  ``steps``: a letter each, p passed, f failed, n not evaluated; empty of a single file."""

    ok: bool
    steps: str
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> frozenset[int]:
        """The steps that failed, at whatever place."""
        return frozenset(finding.step for finding in self.findings)


def first(place: Path, asked: Asked) -> Verdict:
    """The package's own.  ``place``: the published folder, or the single file."""
    try:
        if asked.how == "total":
            ledger = bytes.fromhex(asked.ledger_id) if asked.ledger_id else None
            check_total(place.read_bytes(), vkey=asked.log_vkey or None, ledger=ledger)
        elif asked.how == "fork":
            check_fork(place.read_bytes(), key=parse_vkey(asked.log_vkey))
        else:
            return _first_of_folder(place, asked)
    except LedgerError as problem:
        return Verdict(False, "", (Finding(INPUT, problem.code, None, ""),))
    return Verdict(True, "", ())


def _first_of_folder(place: Path, asked: Asked) -> Verdict:
    report = verify(
        FolderSource(place),
        ledger_id=bytes.fromhex(asked.ledger_id) if asked.ledger_id else None,
        executor=None,
        progress=None,
        known=Known.from_note(asked.seen) if asked.seen else None,
        receipts=[Receipt.from_bytes("receipt", asked.receipt)] if asked.receipt else [],
        log_key=parse_vkey(asked.log_vkey) if asked.log_vkey else None,
    )
    kept = {"known checkpoint": "seen", "receipt receipt": "receipt"}
    findings = (Finding(each.step, each.code, each.index, kept.get(each.place, each.place)) for each in report.failures)
    return Verdict(report.ok, "".join(step.outcome[0] for step in report.steps), tuple(findings))


def second(place: Path, asked: Asked) -> Verdict:
    """The stand-alone one."""
    with _options(place, asked) as options:
        said = io.StringIO()
        saved, sys.argv = sys.argv, [SECOND.name, *options]
        try:
            with contextlib.redirect_stdout(said):
                status = _program()()
        finally:
            sys.argv = saved
        return _read(status, said.getvalue(), options)


def second_in_its_own_process(place: Path, asked: Asked) -> Verdict:
    """The same as a program of its own, as an auditor runs it."""
    with _options(place, asked) as options:
        done = subprocess.run([sys.executable, str(SECOND), *options], capture_output=True, text=True, check=False, timeout=600)
        return _read(done.returncode, done.stdout, options)


@functools.cache
def _program() -> Callable[[], int]:
    spec = importlib.util.spec_from_file_location("verify_ledger", SECOND)
    if spec is None or spec.loader is None:
        raise BadInput("cannot-read", "the second verifier is not there", path=str(SECOND))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main  # type: ignore[no-any-return]


@contextlib.contextmanager
def _options(place: Path, asked: Asked) -> Iterator[list[str]]:
    """Its command line; what was kept from earlier in files of their own."""
    with tempfile.TemporaryDirectory() as folder:
        options = [str(place)] if asked.how == "folder" else [f"--{asked.how}", str(place)]
        options += ["--ledger-id", asked.ledger_id] if asked.ledger_id else []
        options += ["--log-vkey", asked.log_vkey] if asked.log_vkey else []
        for name, data in (("seen", asked.seen), ("receipt", asked.receipt)):
            if data:
                file = Path(folder) / name
                file.write_bytes(data)
                options += [f"--{name}", str(file)]
        yield [*options, "--json"]


def _read(status: int, said: str, options: list[str]) -> Verdict:
    """Its report.  Its exit status and what it says must agree."""
    whole: dict[str, Any] = json.loads(said)
    if "steps" not in whole:
        agrees = status == (4 if whole.get("code") == "cannot-read" else int(not whole["verified"]))
        findings = () if whole["verified"] else (Finding(INPUT, whole["code"], None, ""),)
        verdict = Verdict(whole["verified"], "", findings)
    else:
        agrees = status == int(not whole["verified"])
        kept = {options[at + 1]: name.removeprefix("--") for at, name in enumerate(options) if name in ("--seen", "--receipt")}
        findings = tuple(
            Finding(step["step"], each["code"], each["entry"], kept.get(each["path"], printable(each["path"])))
            for step in whole["steps"]
            for each in step["failures"]
        )
        verdict = Verdict(whole["verified"], "".join(step["verdict"][0] for step in whole["steps"]), findings)
    if not agrees:
        raise ValueError(f"status {status} with {said}")
    return verdict
