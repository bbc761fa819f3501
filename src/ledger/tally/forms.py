"""Tally forms as data: what figures a paper form has, in its own order, and which rules hold between them (docs/FORMATS.md).

A ``FormDefinition`` is what ``forms.defined`` puts into the log, so a ledger explains its own figures for ever.  The types say what
a decoder can check; ``check_form`` says the rest.  Whether a set of figures keeps the rules is decided in ``rules``, not here.

The forms of 2024 are shipped as TOML in ``forms_data``: one sheet with blocks, figures and rules, and for each family of forms a
file that extends it.  ``shipped_form`` writes one out for a number of pairs.  These files are ours and are read without mercy: what
is wrong in them shows at the first call, and the tests call every form.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from ledger.errors import BadInput, Refused
from ledger.tally.canonical import Code, Text

__all__ = [
    "BOXES_CODE",
    "CANDIDATES_MAX",
    "SHIPPED_FORMS",
    "Block",
    "FigureDefinition",
    "FormDefinition",
    "RuleDefinition",
    "Side",
    "Term",
    "check_form",
    "shipped_form",
]

BLOCKS_MAX: Final = 32
FIGURES_MAX: Final = 128
RULES_MAX: Final = 128
TERMS_MAX: Final = 64
COEFFICIENT_MAX: Final = 10**7
CANDIDATES_MAX: Final = 64
"""Pairs on a shipped form: their votes are one side of R5."""

BOXES_CODE: Final = "r13"
"""The finding that follows from each figure's digit boxes; no rule of a form may bear this code."""

_FILES: Final = {
    "kwk-bupati": "kwk-2024",
    "kwk-gubernur": "kwk-2024",
    "kwk-wali-kota": "kwk-2024",
    "ppwp-2024": "ppwp-2024",
}

SHIPPED_FORMS: Final = tuple(_FILES)
"""The names that ``shipped_form`` knows."""


class _Row(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """An array in the log."""


class Block(_Row, frozen=True):
    """A block of the paper; where two seats differ, the block in which they differ is out of the totals."""

    code: Code
    label_id: Text
    label_en: Text


class FigureDefinition(_Row, frozen=True):
    """A figure of the paper: index of its block, ballot number (0: no pair's votes) and the digit boxes printed for it."""

    code: Code
    block: Annotated[int, Meta(ge=0, lt=BLOCKS_MAX)]
    candidate: Annotated[int, Meta(ge=0, le=99)]
    digits: Annotated[int, Meta(ge=1, le=6)]
    label_id: Text
    label_en: Text


Term = Annotated[tuple[Annotated[int, Meta(ge=0, le=COEFFICIENT_MAX)], ...], Meta(min_length=1, max_length=2)]
"""[coefficient, figure index] or [constant]."""
Side = Annotated[tuple[Term, ...], Meta(min_length=1, max_length=TERMS_MAX)]


class RuleDefinition(_Row, frozen=True):
    """A linear rule in integers: the sum of the terms on the left equals, or is at most, that on the right."""

    code: Code
    severity: Literal["error", "warning"]
    left: Side
    op: Literal["=", "<="]
    right: Side


class FormDefinition(_Row, frozen=True):
    """A form as it stands in the log; with its version it never changes."""

    code: Code
    version: Annotated[int, Meta(ge=1, le=999)]
    title_id: Text
    title_en: Text
    blocks: Annotated[tuple[Block, ...], Meta(min_length=1, max_length=BLOCKS_MAX)]
    figures: Annotated[tuple[FigureDefinition, ...], Meta(min_length=1, max_length=FIGURES_MAX)]
    rules: Annotated[tuple[RuleDefinition, ...], Meta(max_length=RULES_MAX)]


def check_form(form: FormDefinition, /) -> FormDefinition:
    """The form, when it is also right in what its types cannot say; raises ``Refused`` with code ``form-invalid``."""
    named = [figure.candidate for figure in form.figures if figure.candidate]
    terms = [term for rule in form.rules for term in (*rule.left, *rule.right) if len(term) == 2]
    for holds, detail in (
        (_distinct(form.blocks), "two blocks have one code"),
        (_distinct(form.figures), "two figures have one code"),
        (_distinct(form.rules), "two rules have one code"),
        (all(figure.block < len(form.blocks) for figure in form.figures), "a figure lies in a block that is not there"),
        (sorted(named) == list(range(1, len(named) + 1)), "ballot numbers must be 1 to the last, each once"),
        (all(term[1] < len(form.figures) for term in terms), "a rule names a figure that is not there"),
        (all(rule.code != BOXES_CODE for rule in form.rules), f"{BOXES_CODE} follows from the digit boxes, not from a rule"),
    ):
        if not holds:
            raise Refused("form-invalid", detail, form=form.code)
    return form


def _distinct(rows: tuple[Block, ...] | tuple[FigureDefinition, ...] | tuple[RuleDefinition, ...]) -> bool:
    return len({row.code for row in rows}) == len(rows)


# --- the forms of 2024 -------------------------------------------------------------------------------------------------------


def shipped_form(name: str, candidates: int) -> FormDefinition:
    """A form that comes with the package (``SHIPPED_FORMS``), for pairs 1 to ``candidates``; it has passed ``check_form``.

    Raises ``BadInput`` with code ``shipped-form-unknown`` or ``candidates-out-of-range``.
    """
    if name not in _FILES:
        raise BadInput("shipped-form-unknown", f"the forms are {', '.join(SHIPPED_FORMS)}", form=name)
    if not 1 <= candidates <= CANDIDATES_MAX:
        raise BadInput("candidates-out-of-range", f"a form is written for 1 to {CANDIDATES_MAX} pairs", candidates=candidates)
    return _instance(name, candidates)


class _FigureTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    block: str
    label_id: str
    label_en: str


class _RuleTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    severity: Literal["error", "warning"]
    formula: str


class _BlockTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    label_id: str
    label_en: str


class _Sheet(Struct, frozen=True, forbid_unknown_fields=True):
    lists: dict[str, tuple[str, ...]]
    columns: dict[str, tuple[str, str]]
    blocks: tuple[_BlockTemplate, ...]
    figures: tuple[_FigureTemplate, ...]
    rules: tuple[_RuleTemplate, ...]


class _Variant(Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    title_id: str
    title_en: str


class _Family(Struct, frozen=True, forbid_unknown_fields=True):
    sheet: str
    version: int
    digits: int
    parameters: dict[str, int]
    variants: dict[str, _Variant]


def _read(name: str) -> bytes:
    return resources.files("ledger.tally").joinpath("forms_data", f"{name}.toml").read_bytes()


@functools.cache
def _instance(name: str, candidates: int) -> FormDefinition:
    """The form, written out from its TOML; cached, since it never changes and there are few."""
    family = msgspec.toml.decode(_read(_FILES[name]), type=_Family)
    sheet = msgspec.toml.decode(_read(family.sheet), type=_Sheet)
    variant = family.variants[name]
    lists = {**sheet.lists, "candidate": tuple(str(number) for number in range(1, candidates + 1))}
    figures = tuple(_figures(sheet, lists, family.digits))
    names: dict[str, object] = {
        **family.parameters,
        "every_pair": " + ".join(figure.code for figure in figures if figure.candidate),
    }
    form = FormDefinition(
        code=f"{variant.code}-{candidates}",
        version=family.version,
        title_id=variant.title_id,
        title_en=variant.title_en,
        blocks=tuple(Block(block.code, block.label_id, block.label_en) for block in sheet.blocks),
        figures=figures,
        rules=tuple(_rules(sheet, lists, names, {figure.code: index for index, figure in enumerate(figures)})),
    )
    # Structures that are built are not validated; those that are decoded are.
    return check_form(msgspec.convert(msgspec.to_builtins(form), FormDefinition))


def _each(template: str, lists: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    """One set of names for each row that a code with a placeholder stands for."""
    for name, values in lists.items():
        if f"{{{name}}}" in template:
            yield from ({name: value} for value in values)
            return
    yield {}


def _figures(sheet: _Sheet, lists: Mapping[str, tuple[str, ...]], digits: int) -> Iterator[FigureDefinition]:
    blocks = [block.code for block in sheet.blocks]
    for row in sheet.figures:
        for names in _each(row.code, lists):
            column_id, column_en = sheet.columns.get(names.get("column", ""), ("", ""))
            yield FigureDefinition(
                code=row.code.format_map(names),
                block=blocks.index(row.block),
                candidate=int(names.get("candidate", "0")),
                digits=digits,
                label_id=row.label_id.format_map({**names, "column_id": column_id}),
                label_en=row.label_en.format_map({**names, "column_en": column_en}),
            )


def _rules(
    sheet: _Sheet, lists: Mapping[str, tuple[str, ...]], names: Mapping[str, object], index: Mapping[str, int]
) -> Iterator[RuleDefinition]:
    for row in sheet.rules:
        for own in _each(row.code, lists):
            left, op, right = row.formula.format_map({**names, **own}).partition(" <= " if " <= " in row.formula else " = ")
            yield RuleDefinition(
                code=row.code.format_map(own),
                severity=row.severity,
                left=_side(left, index),
                op="<=" if op == " <= " else "=",
                right=_side(right, index),
            )


def _side(text: str, index: Mapping[str, int]) -> tuple[tuple[int, ...], ...]:
    """The terms of one side of a formula: "code", "number code" or "number", joined by " + "."""
    return tuple(_term(part.split(), index) for part in text.split(" + "))


def _term(words: list[str], index: Mapping[str, int]) -> tuple[int, ...]:
    if len(words) == 1:
        return (int(words[0]),) if words[0].isdecimal() else (1, index[words[0]])
    number, code = words
    return (int(number), index[code])
