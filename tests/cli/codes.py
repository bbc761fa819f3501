"""Finds every code that the sources can raise, by reading their syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import ledger

SOURCE = Path(ledger.__file__).parent
BRANCHES = {"Broken", "BadInput", "Moved", "NotVerified", "Refused", "Usage", "Waiting"}
FINDINGS = {"Difference", "fail", "fail_entry", "fail_state"}
"""How the auditor's findings are made."""
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
COMPOUND = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
NO_CODES = {"as-said", "psu-mk"}
"""Words of the acts with a hyphen that are no codes."""


def raised_codes() -> dict[str, str]:
    """Code -> the module where it stands: ``Branch("code", ...)``, ``void("code")``, ``code="..."``, tables of codes, and the codes
    that acts return."""
    found: dict[str, str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for code in _codes_of(node):
                found.setdefault(code, str(path.relative_to(SOURCE)))
            if path.parent.name == "acts":  # what an act's own functions hand back as a code
                for code in _constants(node):
                    if COMPOUND.fullmatch(code) and code not in NO_CODES:
                        found.setdefault(code, str(path.relative_to(SOURCE)))
    return found


def _codes_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if (name in BRANCHES or name == "void") and node.args:
            yield from _constants(node.args[0])
        for keyword in node.keywords:
            if keyword.arg == "code":
                yield from _constants(keyword.value)
        if name.lstrip("_") in FINDINGS:
            for argument in node.args:
                if isinstance(argument, ast.Constant) and "-" in str(argument.value):
                    yield from _constants(argument)
    # Tables of (..., Branch, "code", ...) and of errno -> "code".
    if isinstance(node, ast.Tuple):
        for before, after in zip(node.elts, node.elts[1:], strict=False):
            if isinstance(before, ast.Name) and before.id in BRANCHES:
                yield from _constants(after)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Attribute) and isinstance(key.value, ast.Name) and key.value.id == "errno":
                yield from _constants(value)


def _constants(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
        yield node.value
