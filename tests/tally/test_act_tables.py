"""The act tables, written by hand, against the fold: who may do what (act x role x level), and what an act does in each state
(act x by whom x state).

Each table's product has no hole and no member with two answers, each row names its source, and every answer is the fold's.  A
last test ties the whole to the sources: every code that the fold can give is in a table, or in a short list with the reason.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from ledger.tally.events import DATA_TYPES

from .act_scenes import LEVELS, ROLES, combinations, expanded, key_name
from .acts_by_role import ROLE_ACTS, before_the_day, scene
from .acts_by_state import GROUPS as STATE_GROUPS
from .acts_wrong import WRONG_IN_ITSELF

GROUPS: Final = {**STATE_GROUPS, "act": WRONG_IN_ITSELF}
HERE: Final = Path(__file__).resolve().parent
SOURCE: Final = re.compile(r"(domain\.md [1-6]\.\d|design\.md 6)[ :;(]")
ANSWER: Final = re.compile(r"ok|pending|(void|refused|waiting) [a-z0-9-]+")
ROWS_MAX: Final = 330


Rows = list[dict[str, str]]


def tables(name: str, axes: tuple[str, ...]) -> dict[str, Rows]:
    """The tables of a file, each with its rows: the axes, the answer and the source."""
    read = tomllib.loads((HERE / name).read_text())
    fields = (*axes, "answer", "source")
    return {group: [dict(zip(fields, row, strict=True)) for row in rows] for group, rows in read.items()}


BY_ROLE: Final = tables("acts_by_role.toml", ("act", "role", "level"))["rows"]
BY_STATE: Final = tables("acts_by_state.toml", ("act", "state"))
ROLE_AXES: Final = {"act": list(ROLE_ACTS), "role": ROLES, "level": list(LEVELS)}
ROLE_PRODUCT: Final = [(act, role, level) for act in ROLE_ACTS for role, level in combinations()]
ROLE_ANSWERS, ROLE_FAULTS = expanded(BY_ROLE, ROLE_AXES, ROLE_PRODUCT)


def test_every_row_has_an_answer_and_a_source() -> None:
    """Rows cite domain.md or section 6 of design.md, and there are few enough to read."""
    rows = [*BY_ROLE, *(row for group in BY_STATE.values() for row in group)]
    for row in rows:
        assert SOURCE.match(row["source"]), row
        assert ANSWER.fullmatch(row["answer"]), row
    assert len(rows) <= ROWS_MAX


def test_who_may_do_what_has_no_hole() -> None:
    """Every act of every role at every level has exactly one row, and every event type but entry 0 is an act."""
    assert not ROLE_FAULTS
    assert {act.partition(" ")[0] for act in ROLE_ACTS} == set(DATA_TYPES) - {"election.opened"}


@pytest.mark.parametrize("act", ROLE_ACTS)
def test_the_fold_lets_do_what_the_table_says(act: str) -> None:
    """By every role at every level."""
    tried, found, wanted = ROLE_ACTS[act], {}, {}
    here = scene(tried.scene)
    time = here.log.time
    here.log.time = time + (before_the_day(here) if tried.before_the_day else 0)
    for role, level in combinations():
        name = key_name(role, level)
        found[role, level] = here.answer(name, tried.made(here, name))
        wanted[role, level] = ROLE_ANSWERS[act, role, level]
    here.log.time = time
    assert found == wanted


def _expanded_states(group: str) -> tuple[dict[tuple[str, ...], str], list[str]]:
    known = GROUPS[group]
    axes = {"act": list(known.acts), "state": list(known.states)}
    return expanded(BY_STATE[group], axes, [(act, name) for act in known.acts for name in known.states])


@pytest.mark.parametrize("group", GROUPS)
def test_what_an_act_does_in_a_state_has_no_hole(group: str) -> None:
    """Every act of a group has exactly one row for each of the group's states."""
    assert set(BY_STATE) == set(GROUPS)
    assert not _expanded_states(group)[1]


@pytest.mark.parametrize("group", GROUPS)
def test_the_fold_does_in_each_state_what_the_table_says(group: str) -> None:
    """Every act of the group, tried in a scene of each state."""
    wanted, _ = _expanded_states(group)
    scenes = {name: make() for name, make in GROUPS[group].states.items()}
    found = {(act, name): GROUPS[group].acts[act](scenes[name]) for act, name in wanted}
    assert found == wanted


# --- every code of the fold ----------------------------------------------------------------------------------------------

ROOT: Final = HERE.parent.parent
FOLD: Final = (*sorted((ROOT / "src/ledger/tally/acts").glob("*.py")), ROOT / "src/ledger/tally/fold.py")
KEBAB: Final = re.compile(r"[a-z]+(-[a-z]+)+")
NO_CODES: Final = {"as-said"}
"""Words with a hyphen that stand among the fold's codes and are none."""
ELSEWHERE: Final = {
    "opening-invalid": "entry 0 has no state and nobody's power before it: test_fold.py has a table of its own for it",
}
"""Codes that no row gives, and why."""


def codes_of(text: str) -> set[str]:
    """The codes that a module can give: what ``Refused``, ``Waiting`` and ``void`` are called with, and words with a hyphen that
    are returned, kept as a fault, or joined by ``or``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        places: list[ast.AST] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Refused", "Waiting", "void"):
            found |= {each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant) and type(each.value) is str}
        elif isinstance(node, ast.Return | ast.Assign | ast.AugAssign) and node.value is not None:
            places = [node.value]
        elif isinstance(node, ast.BoolOp):
            places = list(node.values)
        for place in places:
            words = {each.value for each in ast.walk(place) if isinstance(each, ast.Constant) and type(each.value) is str}
            found |= {word for word in words if KEBAB.fullmatch(word)}
    return found - NO_CODES


def test_every_code_of_the_fold_is_in_a_table() -> None:
    """What the sources can answer, the tables have asked for; and the tables know no code that the sources do not have."""
    given = set().union(*(codes_of(path.read_text()) for path in FOLD))
    answers = {*ROLE_ANSWERS.values(), *(row["answer"] for group in BY_STATE.values() for row in group)}
    told = {answer.partition(" ")[2] for answer in answers} - {""}
    assert not told & set(ELSEWHERE)
    assert told | set(ELSEWHERE) == given


def test_the_scan_finds_codes_wherever_they_are_given() -> None:
    """In calls, in returns, in faults that are kept for later."""
    text = """
def decide(slot, why):
    if slot.a:
        raise Refused("one", "a detail - no code")
    fault = why or ("" if slot.b else "two-b")
    if slot.c:
        return void("stale" if slot.d else "three")
    return [], "four-d"
"""
    assert codes_of(text) == {"one", "two-b", "stale", "three", "four-d"}
