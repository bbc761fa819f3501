"""Which rules of its form a set of figures breaks (docs/RULES.md, part Findings).

Rules yield findings and never refuse: about one real form in five breaks a rule, and the paper is the evidence.  A rule of which
any figure is blank, illegible or not applicable is *not evaluated*, which is not the same as kept.

``evaluate`` runs for every form at intake, replay and audit, so ``compile_form`` lays the rules out for it once.  Many rules have
the same shape (so many terms left, so many right); those of one shape are computed together, term by term, in columns.

Left to others: rules between forms (R14 to R18 of the domain), which are computed on reading; and what a finding does to a tally.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, cast

from ledger.errors import BadInput
from ledger.tally.events import Figures
from ledger.tally.forms import BOXES_CODE, FormDefinition, RuleDefinition, Side

__all__ = ["CompiledForm", "Findings", "Language", "compile_form", "evaluate", "explain_rule"]

Language = Literal["en", "id"]
Numbers = tuple[int, ...]

_EQUATION_TERMS: Final = 3
"""Left sides of equations are filled up with zeros to so many terms: one wide set of columns is faster than three narrow ones."""


class Findings(NamedTuple):
    """Codes of the rules that are broken (in the form's order, ``r13`` last) and of those that could not be evaluated."""

    broken: tuple[str, ...]
    not_evaluated: tuple[str, ...]


_CLEAN: Final = Findings((), ())


_Holds = Callable[[int, int], bool]


class _Linear(NamedTuple):
    """One side of a rule: constant + the sum of coefficient * figure."""

    constant: int
    coefficients: Numbers
    figures: Numbers


class _Rule(NamedTuple):
    code: str
    left: _Linear
    holds: _Holds
    right: _Linear


_Getter = Callable[[Numbers], Numbers]


class _Columns(NamedTuple):
    """Rules of one shape, side by side: the k-th getter of a side fetches, for every rule, the k-th value of that side."""

    positions: Numbers
    left: tuple[_Getter, ...]
    holds: _Holds
    right: tuple[_Getter, ...]


class _Single(NamedTuple):
    """A rule of a shape of its own: the getter of a side fetches all its values."""

    position: int
    left: _Getter
    holds: _Holds
    right: _Getter


class _Plan(NamedTuple):
    """How all rules are computed when all figures are numbers.

    The *values* are the figures, then ``coefficients`` times what ``multiplied`` fetches, then ``constants``: so each side of each
    rule is a sum of values.  ``constants`` begins with a zero, which fills up sides that are too short.
    """

    multiplied: _Getter
    coefficients: Numbers
    constants: Numbers
    columns: tuple[_Columns, ...]
    singles: tuple[_Single, ...]


@dataclass(frozen=True, slots=True)
class CompiledForm:
    """A form definition, laid out for ``evaluate``; two are equal if their definitions are.

    ``candidate_figures``: figure indexes in ballot order.  ``block_of``: each figure's block.  ``digit_limits``: the largest number
    that each figure's boxes hold.  ``rules_of``: positions of the rules that read each figure.
    """

    form: FormDefinition
    figure_count: int = field(compare=False)
    candidate_figures: Numbers = field(compare=False)
    block_of: Numbers = field(compare=False)
    digit_limits: Numbers = field(compare=False)
    rules: tuple[_Rule, ...] = field(compare=False, repr=False)
    rules_of: tuple[Numbers, ...] = field(compare=False, repr=False)
    plan: _Plan = field(compare=False, repr=False)


def compile_form(form: FormDefinition, /) -> CompiledForm:
    """The form, ready for ``evaluate``.  ``form`` has passed ``check_form``."""
    rules = tuple(_compile_rule(rule) for rule in form.rules)
    named = sorted((figure.candidate, index) for index, figure in enumerate(form.figures) if figure.candidate)
    return CompiledForm(
        form=form,
        figure_count=len(form.figures),
        candidate_figures=tuple(index for _, index in named),
        block_of=tuple(figure.block for figure in form.figures),
        digit_limits=tuple(10**figure.digits - 1 for figure in form.figures),
        rules=rules,
        rules_of=tuple(
            tuple(position for position, rule in enumerate(rules) if index in rule.left.figures + rule.right.figures)
            for index in range(len(form.figures))
        ),
        plan=_compile_plan(rules, len(form.figures)),
    )


def _compile_rule(rule: RuleDefinition) -> _Rule:
    left, right = _linear(rule.left), _linear(rule.right)
    holds: _Holds = operator.eq if rule.op == "=" else operator.le
    return _Rule(rule.code, left, holds, right)


def _linear(side: Side) -> _Linear:
    multiples = [term for term in side if len(term) == 2]
    return _Linear(
        constant=sum(term[0] for term in side if len(term) == 1),
        coefficients=tuple(coefficient for coefficient, _ in multiples),
        figures=tuple(figure for _, figure in multiples),
    )


def _compile_plan(rules: tuple[_Rule, ...], figure_count: int) -> _Plan:
    sides = [side for rule in rules for side in (rule.left, rule.right)]
    products = sorted({pair for side in sides for pair in zip(side.coefficients, side.figures, strict=True) if pair[0] != 1})
    constants = (0, *sorted({side.constant for side in sides if side.constant}))
    zero = figure_count + len(products)
    at_product = {pair: figure_count + place for place, pair in enumerate(products)}
    at_constant = {constant: zero + place for place, constant in enumerate(constants)}

    def values(side: _Linear, width: int = 1) -> Numbers:
        """Indexes among the values whose sum is the side, at least ``width`` of them."""
        pairs = zip(side.coefficients, side.figures, strict=True)
        terms = tuple(pair[1] if pair[0] == 1 else at_product[pair] for pair in pairs)
        if side.constant:
            terms += (at_constant[side.constant],)
        return terms + (zero,) * (width - len(terms))

    laid_out = [
        (values(rule.left, _EQUATION_TERMS if rule.holds is operator.eq else 1), rule.holds, values(rule.right)) for rule in rules
    ]
    shapes: dict[tuple[object, int, int], list[int]] = {}
    for position, (left, holds, right) in enumerate(laid_out):
        shapes.setdefault((holds, len(left), len(right)), []).append(position)
    return _Plan(
        multiplied=_getter([figure for _, figure in products], 0),
        coefficients=tuple(coefficient for coefficient, _ in products),
        constants=constants,
        columns=tuple(
            _Columns(
                tuple(positions),
                tuple(operator.itemgetter(*column) for column in zip(*(laid_out[at][0] for at in positions), strict=True)),
                laid_out[positions[0]][1],
                tuple(operator.itemgetter(*column) for column in zip(*(laid_out[at][2] for at in positions), strict=True)),
            )
            for positions in shapes.values()
            if len(positions) > 1
        ),
        singles=tuple(
            _Single(at, _getter(laid_out[at][0], zero), laid_out[at][1], _getter(laid_out[at][2], zero))
            for (at, *others) in shapes.values()
            if not others
        ),
    )


def _getter(indexes: Sequence[int], filler: int) -> _Getter:
    """An itemgetter that always returns a tuple: of fewer than two indexes it would return none."""
    return operator.itemgetter(*indexes, *[filler] * max(0, 2 - len(indexes)))


# --- evaluation ----------------------------------------------------------------------------------------------------------------


def evaluate(compiled: CompiledForm, figures: Figures) -> Findings:
    """What the figures, one for each of the form's, break.  ``r13`` looks at the numbers that are there."""
    numbers = cast("Numbers", figures)
    try:
        too_long = list(map(operator.gt, numbers, compiled.digit_limits))
    except TypeError:  # None and texts do not compare with numbers
        return _evaluate_with_gaps(compiled, figures)
    broken = _broken_rules(compiled, numbers)
    if broken or True in too_long:
        return Findings(_codes(compiled, broken, boxes=True in too_long), ())
    return _CLEAN


def _evaluate_with_gaps(compiled: CompiledForm, figures: Figures) -> Findings:
    """As ``evaluate``, where some figures are no numbers: those are taken as 0, and what their rules then say is set aside."""
    gaps = [index for index, figure in enumerate(figures) if not isinstance(figure, int)]
    numbers = tuple(figure if isinstance(figure, int) else 0 for figure in figures)
    unknown = {position for index in gaps for position in compiled.rules_of[index]}
    broken = [position for position in _broken_rules(compiled, numbers) if position not in unknown]
    too_long = any(map(operator.gt, numbers, compiled.digit_limits))
    return Findings(_codes(compiled, broken, boxes=too_long), _codes(compiled, unknown, boxes=False))


def _codes(compiled: CompiledForm, positions: Iterable[int], *, boxes: bool) -> tuple[str, ...]:
    codes = tuple(compiled.rules[position].code for position in sorted(positions))
    return (*codes, BOXES_CODE) if boxes else codes


def _broken_rules(compiled: CompiledForm, numbers: Numbers) -> list[int]:
    """The positions of the form's rules that are broken, in no order; all figures are numbers."""
    plan = compiled.plan
    values = (*numbers, *map(operator.mul, plan.coefficients, plan.multiplied(numbers)), *plan.constants)
    broken: list[int] = []
    for positions, left, holds, right in plan.columns:
        kept = list(map(holds, _sums(left, values), _sums(right, values)))
        if False in kept:
            broken += [position for position, keeps in zip(positions, kept, strict=True) if not keeps]
    for position, left_of, holds, right_of in plan.singles:
        if not holds(sum(left_of(values)), sum(right_of(values))):
            broken.append(position)
    return broken


def _sums(getters: tuple[_Getter, ...], values: Numbers) -> Iterable[int]:
    """For each rule of the columns the sum of one side."""
    total: Iterable[int] = getters[0](values)
    for getter in getters[1:]:
        total = map(operator.add, total, getter(values))
    return total


def _value(side: _Linear, numbers: Numbers) -> int:
    terms = zip(side.coefficients, side.figures, strict=True)
    return side.constant + sum(coefficient * numbers[figure] for coefficient, figure in terms)


# --- one sentence for people ---------------------------------------------------------------------------------------------------

_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "says": '"{label}" says {number}',
        "bound": '"{label}" ({number})',
        "limit": "the limit of {number}",
        "equal": "{left}, and {right}",
        "differs": "{left}, but {right}",
        "within": "{left}, not more than {right}",
        "exceeds": "{left}, more than {right}",
        "open": 'cannot be checked, because "{label}" is {state}',
        "boxes": '"{label}" says {number}, but the paper has {digits} digit boxes',
        "boxes-kept": "every number fits its digit boxes",
        "": "blank",
        "x": "illegible",
        "-": "not applicable",
    },
    "id": {
        "says": '"{label}" tertulis {number}',
        "bound": '"{label}" ({number})',
        "limit": "batas {number}",
        "equal": "{left}, dan {right}",
        "differs": "{left}, tetapi {right}",
        "within": "{left}, tidak lebih dari {right}",
        "exceeds": "{left}, lebih dari {right}",
        "open": 'tidak dapat diperiksa, karena "{label}" {state}',
        "boxes": '"{label}" tertulis {number}, tetapi di kertas hanya ada {digits} kotak angka',
        "boxes-kept": "setiap angka muat dalam kotaknya",
        "": "kosong",
        "x": "tidak terbaca",
        "-": "tidak berlaku",
    },
}
_TIMES: Final = "\N{MULTIPLICATION SIGN}"


def explain_rule(compiled: CompiledForm, code: str, figures: Figures, lang: Language) -> str:
    """One sentence with the arithmetic of a rule, without a final stop: "R5: 71 + 641 + 511 = 1,223, but ... says 185".

    Raises ``BadInput`` with code ``rule-unknown``.
    """
    if code == BOXES_CODE:
        return f"{code.upper()}: {_explain_boxes(compiled, figures, lang)}"
    rule = next((rule for rule in compiled.rules if rule.code == code), None)
    if rule is None:
        raise BadInput("rule-unknown", "the form has no such rule", form=compiled.form.code, rule=code)
    return f"{code.upper()}: {_explain_linear(compiled, rule, figures, lang)}"


def _explain_boxes(compiled: CompiledForm, figures: Figures, lang: Language) -> str:
    sentences = [
        _WORDS[lang]["boxes"].format(
            label=_label(compiled, index, lang), number=_grouped(figure, lang), digits=compiled.form.figures[index].digits
        )
        for index, figure in enumerate(figures)
        if isinstance(figure, int) and figure > compiled.digit_limits[index]
    ]
    return "; ".join(sentences) or _WORDS[lang]["boxes-kept"]


def _explain_linear(compiled: CompiledForm, rule: _Rule, figures: Figures, lang: Language) -> str:
    words = _WORDS[lang]
    for index in rule.left.figures + rule.right.figures:
        figure = figures[index]
        if not isinstance(figure, int):
            return words["open"].format(label=_label(compiled, index, lang), state=words[figure or ""])
    numbers = cast("Numbers", figures)
    keeps = rule.holds(_value(rule.left, numbers), _value(rule.right, numbers))
    if rule.holds is operator.eq:
        sentence, right = words["equal" if keeps else "differs"], _phrase(compiled, rule.right, numbers, lang, alone="says")
    else:
        sentence, right = words["within" if keeps else "exceeds"], _phrase(compiled, rule.right, numbers, lang, alone="bound")
    return sentence.format(left=_phrase(compiled, rule.left, numbers, lang, alone="says"), right=right)


def _phrase(compiled: CompiledForm, side: _Linear, numbers: Numbers, lang: Language, *, alone: str) -> str:
    """A side in figures: one figure (in the words of ``alone``), a limit, or a sum written out."""
    if not side.figures:
        return _WORDS[lang]["limit"].format(number=_grouped(side.constant, lang))
    if side.coefficients == (1,) and not side.constant:
        index = side.figures[0]
        return _WORDS[lang][alone].format(label=_label(compiled, index, lang), number=_grouped(numbers[index], lang))
    terms = [
        _grouped(numbers[index], lang)
        if coefficient == 1
        else f'{_grouped(coefficient, lang)} {_TIMES} {_grouped(numbers[index], lang)} ("{_label(compiled, index, lang)}")'
        for coefficient, index in zip(side.coefficients, side.figures, strict=True)
    ]
    if side.constant:
        terms.append(_grouped(side.constant, lang))
    return f"{' + '.join(terms)} = {_grouped(_value(side, numbers), lang)}"


def _label(compiled: CompiledForm, index: int, lang: Language) -> str:
    figure = compiled.form.figures[index]
    return figure.label_id if lang == "id" else figure.label_en


def _grouped(number: int, lang: Language) -> str:
    """Thousands apart: 1.223 in Indonesian, 1,223 in English."""
    grouped = f"{number:,}"
    return grouped.replace(",", ".") if lang == "id" else grouped
