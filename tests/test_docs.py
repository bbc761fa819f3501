"""The documents say what the code does: examples byte for byte, lists both ways.

The fenced blocks of docs/FORMATS.md whose first line names an example (```` ```hex entry-example ````) are made here from seeds and
compared.  After a change of bytes that was meant, rewrite them with

    LEDGER_WRITE_DOCS=1 pytest tests/test_docs.py

and read the difference before you keep it: an outsider's verifier reads those bytes.
"""

from __future__ import annotations

import ast
import base64
import os
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Final, get_args

import msgspec
import pytest

from ledger.proof.merkle import check_inclusion, leaf_hash
from ledger.proof.tlogproof import check_proof, parse_proof
from ledger.scenario.governance import DEFAULT_POWERS, DEFAULT_SECOND_SEATS
from ledger.tally import events as e
from ledger.tally.acts.setup import NEVER_SECOND
from ledger.tally.eventdata import words
from ledger.tally.fold import ACTS
from tests.docs_blocks import annotated, blocks, data_of, receipt
from tests.docs_example import ORIGIN, example

ROOT: Final = Path(__file__).parent.parent
DOCS: Final = ROOT / "docs"
SOURCES: Final = ROOT / "src" / "ledger"

WRITE: Final = bool(os.environ.get("LEDGER_WRITE_DOCS"))


# --- the documents' examples ---------------------------------------------------------------------------------------------------

_FENCE: Final = re.compile(r"^```((?:hex|text) [a-z0-9.-]+-example)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_example_in_formats_is_what_the_code_makes() -> None:
    """The bytes that outsiders read are the bytes that the code writes."""
    path = DOCS / "FORMATS.md"
    text = path.read_text()
    made = dict(blocks())
    if WRITE:
        text = _FENCE.sub(lambda match: f"```{match[1]}\n{made[match[1]]}\n```", text)
        path.write_text(text)
    found = {match[1]: match[2].rstrip("\n") for match in _FENCE.finditer(text)}
    assert sorted(found) == sorted(made), "FORMATS.md must hold each example once: add or remove its fenced block"
    for name, block in made.items():
        assert found[name] == block, f"{name} differs; if meant: LEDGER_WRITE_DOCS=1 pytest tests/test_docs.py"


@pytest.mark.parametrize("name", sorted(e.DATA_TYPES))
def test_annotated_hex_is_the_bytes_it_shows(name: str) -> None:
    """Taking the comments away leaves the value, so the examples can be fed to another program."""
    data = data_of(example().row(name))
    assert bytes.fromhex("".join(line.split("#")[0].strip() for line in annotated(data, "data"))) == data


def test_the_example_receipt_verifies() -> None:
    """The receipt in FORMATS.md is one: its path leads from the entry to the checkpoint's root."""
    made = example()
    for index, row in enumerate(made.rows):
        proof = parse_proof(receipt(made, index))
        checkpoint = check_proof(proof, leaf=leaf_hash(row.entry), keys=[made.signer.key], origin=ORIGIN)
        check_inclusion(index=index, size=len(made.rows), leaf=leaf_hash(row.entry), path=proof.path, root=checkpoint.root)


def test_the_example_is_the_same_twice() -> None:
    """Keys from seeds and deterministic signatures: the documents do not change by themselves."""
    once = example().checkpoint
    example.cache_clear()
    assert example().checkpoint == once


def test_the_example_shows_what_the_text_says_of_it() -> None:
    """Two void events, seven that waited for a second seat, and every event type."""
    made = example()
    assert [row.word for row in made.rows if row.word and row.word != "pending"] == ["stale", "key-revoked"]
    assert sum(row.word == "pending" for row in made.rows) == sum(row.type == "approved" for row in made.rows) == 7
    assert base64.b64encode(made.root).decode() in made.checkpoint.decode()
    assert {row.type for row in made.rows} == set(e.DATA_TYPES)


# --- lists that must be whole --------------------------------------------------------------------------------------------------


def _section(document: str, title: str) -> str:
    """The part of a document under a heading that begins with ``title``, up to the next of its rank."""
    text = (DOCS / document).read_text()
    match = re.search(rf"^(#+) {re.escape(title)}.*?$(.*?)(?=^\1 |^#{{1,2}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"{document} has no section '{title}'"
    return match[2]


def _column(text: str, number: int = 0) -> list[str]:
    """The code spans in one column of the tables in ``text``."""
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [span for row in rows if len(row) > number for span in re.findall(r"`([^`]+)`", row[number])]


def test_every_event_type_is_in_every_list() -> None:
    """ARCHITECTURE.md, "Adding an event type": the places that a type must stand in."""
    headings = re.findall(r"^#+ .*`([a-z.]+)`", (DOCS / "FORMATS.md").read_text(), re.MULTILINE)
    acts = _column(_section("RULES.md", "Who may do what"))
    formats_acts = _column(_section("FORMATS.md", "6. The fold"))
    for name, data_type in e.DATA_TYPES.items():
        assert data_type in ACTS or name == "election.opened", f"{name} has no act in fold.ACTS"
        assert name in headings, f"FORMATS.md section 5 has no heading with `{name}`"
        assert name in acts, f"RULES.md, 'Who may do what', has no row for `{name}`"
        assert name in formats_acts, f"FORMATS.md section 6 has no row for `{name}`"
    assert set(ACTS) | {e.ElectionOpened} == set(e.DATA_TYPES.values())
    assert set(_column(_section("RULES.md", "Later event types"))) == e.LATER_TYPES
    assert set(_column(_section("FORMATS.md", "5.32 Later types"))) == e.LATER_TYPES


def _keys(name: str) -> dict[str, bool]:
    """Key -> whether it is optional, as FORMATS.md section 5 says of an event type."""
    heading = re.search(rf"^### (5\.\d+ `{re.escape(name)}`)", (DOCS / "FORMATS.md").read_text(), re.MULTILINE)
    assert heading, f"FORMATS.md section 5 has no heading with `{name}`"
    text = _section("FORMATS.md", heading[1])
    also = re.search(r"^The keys of `([a-z.]+)`", text, re.MULTILINE)
    found = _keys(also[1]) if also else {}
    table = text.partition("| key | type | meaning |")[2].partition("\n\n")[0]
    return found | {match[1]: bool(match[2]) for match in re.finditer(r"^\| `([a-z_]+)`( \?)? \|", table, re.MULTILINE)}


@pytest.mark.parametrize("name", sorted(e.DATA_TYPES))
def test_the_tables_of_section_5_are_the_types(name: str) -> None:
    """Every key of an event's data, and whether it may be absent; each example holds keys of its table."""
    fields = {field.name: not field.required for field in msgspec.structs.fields(e.DATA_TYPES[name])}
    assert _keys(name) == fields


def test_who_may_do_what_is_what_the_code_says() -> None:
    """RULES.md names the roles of each act, and the levels, bases and second seats that a governed election has by default."""
    powers = {power.act: power for power in DEFAULT_POWERS}
    for line in _section("RULES.md", "Who may do what").splitlines():
        if not line.startswith("| `") or line.count("|") < 8:
            continue
        act, roles, levels, basis, second = [cell.strip() for cell in line.split("|")[1:6]]
        act = act.strip("`")
        if act in e.DATA_TYPES and act != "election.opened":
            named = {role for role in (*get_args(e.Role), "root", "sealer") if re.search(rf"\b{role}\b", roles)}
            assert named == ACTS[e.DATA_TYPES[act]].roles, f"{act}: {sorted(ACTS[e.DATA_TYPES[act]].roles)}"
        power = powers.get(act)
        said = set(re.findall(r"\b(?:province|city|district)\b", levels))
        assert said == (set() if power is None else set(power.levels)), f"{act}: levels"
        assert (basis == "yes") == (power is not None and power.basis == 1), f"{act}: basis"
        always = "never" if act in NEVER_SECOND else "always" if act in ("election.amended", "log.rekeyed") else ""
        asked = "yes" if act in DEFAULT_SECOND_SEATS else "no"
        assert second.split(";")[0] == (always or asked), f"{act}: second seat"


def test_the_limits_table_is_the_code() -> None:
    """FORMATS.md section 10 gives the constants that the code has."""
    table = _section("FORMATS.md", "10. Limits")
    assert f"{e.ENTRY_LIMIT_BYTES:,}" in table
    for constant in [name for name in words.__all__ if name.endswith("_MAX")]:
        assert re.search(rf"\b{getattr(words, constant):,}\b", table), f"section 10 lacks {constant}"


def test_every_document_link_leads_somewhere() -> None:
    """Links between the documents are to files that are there."""
    for path in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_session_in_the_readme_runs(tmp_path: Path) -> None:
    """Its commands run, and every line shown under one is in what it says, in that order."""
    block = re.search(r"^```console\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert block, "README.md has no session"
    here, said = tmp_path, ""
    settings = {"LEDGER_LANG": "en", "COLUMNS": "100", "PYTHONPATH": str(ROOT / "src"), "PATH": os.environ.get("PATH", "")}
    for line in block[1].splitlines():
        if line.startswith("$ cd "):
            here = here / line.removeprefix("$ cd ")
        elif line.startswith("$ ledger "):
            program = [sys.executable, "-c", "from ledger.cli import main; main()", *line.split()[2:]]
            ran = subprocess.run(program, cwd=here, env=settings, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, f"{line}: {ran.stderr}"
            said = ran.stdout
        else:
            assert line.strip() in said, f"README.md shows a line that the program does not say (here): {line}"
            said = said[said.index(line.strip()) + len(line.strip()) :]


# --- codes ---------------------------------------------------------------------------------------------------------------------

_BRANCHES: Final = {
    "Refused": "refused",
    "Waiting": "waiting",
    "NotVerified": "not-verified",
    "BadInput": "bad-input",
    "Broken": "broken",
    "Usage": "usage",
    "Moved": "moved",
    "void": "void",
    "Difference": "not-verified",
    "_row_differs": "not-verified",
}
_FAILURES: Final = ("fail", "_fail_entry")
"""How an audit notes a failure: (step, "code", ...)."""

_CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class _Codes(ast.NodeVisitor):
    """The codes in one module: (branch, code).  A code that is a variable is looked up in its function, then in the module's
    ``code=`` arguments; what cannot be found is in ``unresolved``."""

    def __init__(self, path: Path, tree: ast.Module) -> None:
        self.found: set[tuple[str, str]] = set()
        self.unresolved: list[str] = []
        self._path = path
        self._functions: list[ast.FunctionDef] = []
        self._names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        self._passed = {
            text
            for node in ast.walk(tree)
            if isinstance(node, ast.keyword) and node.arg == "code"
            for text in _constants(node.value)
        }
        self._tables = {
            target.id: [text for item in node.value.values for text in _constants(item)]
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Functions nest; a variable is looked up in the innermost."""
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    def visit_Return(self, node: ast.Return) -> None:
        """In the acts, a function that gives back a code gives a void code."""
        if self._path.parent.name == "acts" and node.value:
            self.found |= {("void", text) for text in self._texts(node.value)}
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """In the acts, ``code`` and ``fault`` gather void codes."""
        names = {getattr(target, "id", getattr(target, "attr", "")) for target in node.targets}
        if self._path.parent.name == "acts" and names & {"code", "fault", "why"}:
            self.found |= {("void", text) for text in self._texts(node.value)}
        self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """Tables of (..., Branch, "code", ...)."""
        for left, right in zip(node.elts, node.elts[1:], strict=False):
            if (
                isinstance(left, ast.Name)
                and left.id in _BRANCHES
                and isinstance(right, ast.Constant)
                and isinstance(right.value, str)
            ):
                self.found.add((_BRANCHES[left.id], str(right.value)))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """``Branch("code", ...)``."""
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        named = name in _BRANCHES and (name != "Difference" or self._path.parent.name == "audit")  # recap has another of that name
        if named and node.args:
            texts = _constants(node.args[0]) or self._looked_up(node.args[0])
            passed_on = any(function.name in _BRANCHES for function in self._functions)  # its callers say the code
            if self._path.parent.name == "acts" and name == "void":
                passed_on = passed_on or self._is_code(node.args[0])
            if not texts and not passed_on and not isinstance(node.args[0], ast.Attribute):  # an error's own code is no new one
                self.unresolved.append(f"{self._path.relative_to(SOURCES)}:{node.lineno}")
            self.found |= {(_BRANCHES[name], text) for text in texts if text}
        if name in _FAILURES and len(node.args) > 1:
            self.found |= {("not-verified", text) for text in _constants(node.args[1])}
        self.generic_visit(node)

    def _texts(self, value: ast.expr) -> set[str]:
        """The codes among an expression's values: constants, either side of a condition, items of a pair."""
        if isinstance(value, ast.Tuple):
            return {text for item in value.elts for text in self._texts(item)}
        if isinstance(value, ast.BoolOp):
            return {text for item in value.values for text in self._texts(item)}
        return {text for text in _constants(value) if _CODE.fullmatch(text)}

    def _is_code(self, value: ast.expr) -> bool:
        """Whether a name holds what ``visit_Return`` or ``visit_Assign`` found: the value of a function of the module, or of a
        name that gathers codes."""
        if not isinstance(value, ast.Name):
            return False
        assigned = [node for node in ast.walk(self._functions[-1]) if isinstance(node, ast.Assign)]
        values = [node.value for node in assigned if any(getattr(target, "id", "") == value.id for target in node.targets)]
        calls = [item for item in values if isinstance(item, ast.Call) and isinstance(item.func, ast.Name)]
        return value.id == "fault" or any(call.func.id in self._names for call in calls if isinstance(call.func, ast.Name))

    def _looked_up(self, value: ast.expr) -> list[str]:
        if isinstance(value, ast.Attribute) and value.attr == "code":
            return self._compared(value)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and isinstance(value.func.value, ast.Name):
            return self._tables.get(value.func.value.id, []) + [text for item in value.args for text in _constants(item)]
        if not isinstance(value, ast.Name):
            return []
        for function in reversed(self._functions):
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == value.id for t in node.targets):
                    return _constants(node.value)
        return sorted(self._passed) or _OUTSIDE.get(self._path.name, [])

    def _compared(self, value: ast.Attribute) -> list[str]:
        """The codes that a function compares the caught error's code with before it raises it as another's."""
        nodes = [node for node in ast.walk(self._functions[-1]) if isinstance(node, ast.Compare)]
        return [text for node in nodes if ast.dump(node.left) == ast.dump(value) for text in _constants(node.comparators[0])]


def _constants(value: ast.expr) -> list[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return [value.value]
    if isinstance(value, ast.IfExp):
        return _constants(value.body) + _constants(value.orelse)
    return []


@cache
def _codes() -> tuple[dict[str, set[str]], list[str]]:
    """Code -> branches, from all sources; and the calls whose code nobody could find."""
    by_code: defaultdict[str, set[str]] = defaultdict(set)
    unresolved: list[str] = []
    for path in sorted(SOURCES.rglob("*.py")):
        codes = _Codes(path, ast.parse(path.read_text()))
        unresolved += codes.unresolved
        for branch, code in codes.found:
            by_code[code].add(branch)
    return dict(by_code), unresolved


_OUTSIDE: Final = {"lines.py": ["bad-note", "bad-checkpoint", "bad-proof", "bad-vkey"]}
"""Modules whose callers say the code."""


def test_every_code_is_in_the_table_and_the_other_way_round() -> None:
    """RULES.md lists each code with its branches, and lists none that the code does not give."""
    codes, unresolved = _codes()
    assert not unresolved, f"these calls give a code that this test cannot find: {unresolved}"
    listed: dict[str, set[str]] = {}
    width = 0
    for line in _section("RULES.md", "Refusals, waiting answers and void codes").splitlines():
        if line.startswith("| code |"):  # the events' table gives an example of each
            width = line.count("|") - 1
        elif line.startswith("| `"):
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            assert [bool(cell) for cell in cells] == [True] * width, f"a row of {width} cells, all filled: {line}"
            code = cells[0].strip("`")
            assert code not in listed, f"{code} stands twice"
            listed[code] = set(cells[1].split(", "))
    missing = {code: branches for code, branches in codes.items() if listed.get(code) != branches}
    assert not missing, f"RULES.md lacks these codes, or their branches differ: {missing}"
    assert not set(listed) - set(codes), f"no source gives these codes of RULES.md: {sorted(set(listed) - set(codes))}"


def _reasons() -> set[str]:
    """The reason codes that the program gives: ``reason="..."``, the importer's ``Step(act, reason)``, the demo's ``_REASONS``."""
    found: set[str] = set()
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "reason":
                found |= set(_constants(node.value))
            elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "_REASONS":
                assert isinstance(node.value, ast.Dict)
                texts = [item for row in node.value.values for item in ast.walk(row)]
                found |= {str(item.value) for item in texts if isinstance(item, ast.Constant)}
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Step":
                found |= {text for argument in node.args[1:2] for text in _constants(argument)}
    return found - {""}


def test_every_reason_code_that_the_program_gives_is_listed() -> None:
    """People may give any code; those that imports and the demo give have their meaning in RULES.md."""
    listed = set(_column(_section("RULES.md", "Reason codes")))
    assert _reasons() <= listed, f"RULES.md, 'Reason codes', lacks {sorted(_reasons() - listed)}"


def test_every_test_module_that_the_documents_name_is_there() -> None:
    """ARCHITECTURE.md and THREATS.md name the module that holds each promise."""
    for name in ("ARCHITECTURE.md", "THREATS.md"):
        for module in re.findall(r"`(tests/[a-z_/]+\.py)`", (DOCS / name).read_text()):
            assert (ROOT / module).is_file(), f"{name} names {module}"
