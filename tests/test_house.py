"""The house keeps its shape: which room may import which, how large things may be, and what no file may hold."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "ledger"

ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "http": {"errors"},
    "proof": {"errors"},
    "tally": {"errors", "proof"},
    "store": {"errors", "proof", "tally"},
    "device": {"errors", "files", "http", "proof", "tally"},
    "audit": {"errors", "http", "proof", "tally"},
    "witness": {"errors", "files", "http", "proof"},
    "log": {"errors", "files", "proof", "tally", "store"},
    "recap": {"errors", "proof", "tally", "store"},
    "node": {"errors", "files", "proof", "tally", "store", "log", "recap"},
    "scenario": {"errors", "files", "proof", "tally", "device", "node"},
    "web": {"errors", "files", "proof", "tally", "log", "recap", "node"},
    "cli": {"errors", "files", "proof", "tally", "store", "device", "audit", "log", "recap", "node", "scenario", "witness", "web"},
}
"""Each room and the rooms that it may import (docs/ARCHITECTURE.md); every one may import itself and the package's version."""

OUTSIDE: dict[str, set[str]] = {
    "errors": set(),
    "files": set(),
    "http": set(),
    "proof": {"cryptography"},
    "tally": {"cryptography", "msgpack", "msgspec"},
    "store": {"msgspec", "sqlalchemy"},
    "device": {"cryptography", "msgspec"},
    "audit": {"msgspec"},
    "witness": {"cryptography"},
    "log": {"cryptography", "msgspec", "sqlalchemy"},
    "recap": {"msgspec", "sqlalchemy"},
    "node": {"cryptography", "msgspec", "sqlalchemy"},
    "scenario": {"cryptography", "msgspec"},
    "web": {"msgspec", "prometheus_client", "starlette", "uvicorn"},
    "cli": {"click", "cryptography", "msgspec", "rich", "sqlalchemy"},
}
"""The packages from outside that each room may import; log, recap and node name SQLAlchemy's ``Connection`` as a type alone."""

LINES_PER_MODULE = 550
LINES_PER_FUNCTION = 80
FORBIDDEN_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "models", "shared", "util", "utils"}

MODULES = sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> list[tuple[str, ast.stmt]]:
    """Every imported module's dotted name, with its statement."""
    found: list[tuple[str, ast.stmt]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(name.name, node) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module == "ledger":
                found += [(f"ledger.{name.name}", node) for name in node.names if name.name != "__version__"]
            elif node.module != "__future__":
                found.append((str(node.module), node))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    """Imports run one way: no room reaches up, and each uses the outside packages that it is for."""
    room = room_of(path)
    if room == "__init__":
        return
    assert room in ROOMS, f"a new room {room}: say in ROOMS and docs/ARCHITECTURE.md what it may import"
    tree = ast.parse(path.read_text())
    wrong = []
    for name, node in imports(tree):
        top, _, rest = name.partition(".")
        if top == "ledger":
            other = rest.partition(".")[0]
            if other and other != room and other not in ROOMS[room]:
                wrong.append(f"line {node.lineno}: {room} may not import {name}")
        elif top not in sys.stdlib_module_names and top not in OUTSIDE[room]:
            wrong.append(f"line {node.lineno}: {room} may not import {name}")
        elif top == "sqlalchemy" and room in ("log", "recap", "node"):
            names = [alias.name for alias in node.names] if name == top and isinstance(node, ast.ImportFrom) else []
            if names != ["Connection"]:
                wrong.append(f"line {node.lineno}: {room} names SQLAlchemy's Connection and uses nothing else of it")
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules_and_functions_are_of_a_readable_size_and_say_what_they_are_for(path: Path) -> None:
    """A docstring on every module, a limit on lines, no drawer for odds and ends, nothing left to do later."""
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module opens with what it is for"
    assert text.count("\n") <= LINES_PER_MODULE
    assert not {part.removesuffix(".py") for part in path.relative_to(SOURCE).parts} & FORBIDDEN_NAMES
    long = [
        f"{node.name} ({node.end_lineno - node.lineno} lines)"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > LINES_PER_FUNCTION
    ]
    assert not long
    assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text)
    guards = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not guards, "assert never guards"


def test_no_decision_reads_what_is_computed_on_reading() -> None:
    """Nothing of the fold imports ``tally.facts`` or ``tally.drafts``: what they say can change no answer."""
    fold = [path for path in MODULES if room_of(path) == "tally" and "facts" not in path.parts and path.name != "drafts.py"]
    named = {path.name: {name for name, _ in imports(ast.parse(path.read_text()))} for path in fold}
    assert len(named) > 20
    assert not [
        path for path, names in named.items() if any(n.startswith(("ledger.tally.facts", "ledger.tally.drafts")) for n in names)
    ]


def tracked() -> list[Path]:
    """Files that git tracks, or all files of an unpacked source archive."""
    try:
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_names_a_machine() -> None:
    """No path of somebody's machine and no package registry's host stands in a file."""
    parts = ["/wo" + "rk/", "(?<![a-z])/ro" + "ot/", "/tmp/ve" + "nv", "pypi" + r"\.org", "files\\.python" + "hosted"]
    needles = re.compile("|".join(parts))
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in needles.finditer(text)]
    assert not found


def run_fresh(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)


def test_help_loads_neither_the_database_nor_the_tables() -> None:
    """``ledger --help`` imports neither SQLAlchemy nor rich nor any room that needs them."""
    done = run_fresh(
        "import sys\nfrom ledger.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'rich', 'cryptography', 'ledger.store', 'ledger.node', 'ledger.audit', 'ledger.scenario'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    assert "loaded: []" in done.stderr
    assert "verify" in done.stdout


def test_audit_works_where_the_database_and_the_command_line_are_not_installed() -> None:
    """The stranger needs neither SQLAlchemy nor click nor rich: with them unimportable the room still loads."""
    done = run_fresh(
        "import sys\nfor name in ('sqlalchemy', 'click', 'rich', 'psycopg'):\n    sys.modules[name] = None\n"
        "import ledger.audit.verify\nprint('whole')"
    )
    assert done.stdout == "whole\n", done.stderr
