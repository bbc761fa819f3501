"""Findings: every rule broken alone, the domain's examples, R9 against exact arithmetic, and the fast way against a naive one."""

from __future__ import annotations

import pickle
import re
from fractions import Fraction
from math import ceil
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadInput
from ledger.tally.events import Figure, Figures
from ledger.tally.forms import SHIPPED_FORMS, Block, FigureDefinition, FormDefinition, RuleDefinition, check_form, shipped_form
from ledger.tally.rules import CompiledForm, Findings, Language, compile_form, evaluate, explain_rule

FORMS = {(name, n): compile_form(shipped_form(name, n)) for name in SHIPPED_FORMS for n in range(1, 7)}
MAYOR = FORMS["kwk-wali-kota", 3]
PRESIDENT = FORMS["ppwp-2024", 3]

SOUND = """dpt-l=140 dpt-p=143 dpt-j=283 pengguna-dpt-l=100 pengguna-dpt-p=105 pengguna-dpt-j=205 pengguna-pindahan-l=2
    pengguna-pindahan-p=1 pengguna-pindahan-j=3 pengguna-tambahan-l=1 pengguna-tambahan-p=2 pengguna-tambahan-j=3
    pengguna-total-l=103 pengguna-total-p=108 pengguna-total-j=211 surat-suara-digunakan=211 surat-suara-dikembalikan=1
    disabilitas-l=1 disabilitas-p=2 disabilitas-j=3 suara-1=71 suara-2=64 suara-3=51 suara-sah=186 suara-tidak-sah=25
    suara-total=211"""
"""A sound form of three pairs; received and unused ballots depend on the reserve."""


def index_of(compiled: CompiledForm) -> dict[str, int]:
    return {figure.code: index for index, figure in enumerate(compiled.form.figures)}


def form_of(compiled: CompiledForm, fill: Figure = None, /, **figures: Figure) -> Figures:
    """Figures by code, with underscores for hyphens; the others are ``fill``."""
    by_code = {code.replace("_", "-"): figure for code, figure in figures.items()}
    assert by_code.keys() <= index_of(compiled).keys()
    return tuple(by_code.get(figure.code, fill) for figure in compiled.form.figures)


def sound(compiled: CompiledForm, **changes: Figure) -> Figures:
    """SOUND with the ballots that the form's reserve asks for (291 or 289) and with ``changes``."""
    received = 291 if compiled is MAYOR else 289
    figures: dict[str, Figure] = {word.split("=")[0].replace("-", "_"): int(word.split("=")[1]) for word in SOUND.split()}
    ballots: dict[str, Figure] = {"surat_suara_diterima": received, "surat_suara_tidak_digunakan": received - 212}
    return form_of(compiled, **{**figures, **ballots, **changes})


def naive(form: FormDefinition, figures: Figures) -> Findings:
    """The definition, word by word."""
    broken: list[str] = []
    open_rules: list[str] = []
    for rule in form.rules:
        sides: list[int | None] = []
        for side in (rule.left, rule.right):
            total: int | None = 0
            for term in side:
                figure = figures[term[1]] if len(term) == 2 else 1
                total = total + term[0] * figure if isinstance(figure, int) and isinstance(total, int) else None
            sides.append(total)
        left, right = sides
        if left is None or right is None:
            open_rules.append(rule.code)
        elif (left != right) if rule.op == "=" else (left > right):
            broken.append(rule.code)
    if any(isinstance(figure, int) and len(str(figure)) > box.digits for figure, box in zip(figures, form.figures, strict=True)):
        broken.append("r13")
    return Findings(tuple(broken), tuple(open_rules))


# --- each rule -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [MAYOR, PRESIDENT], ids=["kwk", "ppwp"])
def test_a_sound_form_has_no_findings(compiled: CompiledForm) -> None:
    assert evaluate(compiled, sound(compiled)) == Findings((), ())


def breaking(compiled: CompiledForm, rule: RuleDefinition) -> Figures:
    """Figures of this one rule that break it; the rest of the paper is blank."""
    figures: list[Figure] = [None] * compiled.figure_count
    for side, number in ((rule.left, 900 if rule.code == "r11-dpt" else 290), (rule.right, 1)):
        for term in side:
            if len(term) == 2:
                figures[term[1]] = number
    return tuple(figures)


@pytest.mark.parametrize(
    ("compiled", "rule"),
    [pytest.param(form, rule, id=f"{form.form.code}-{rule.code}") for form in (MAYOR, PRESIDENT) for rule in form.form.rules],
)
def test_every_rule_can_be_broken_alone(compiled: CompiledForm, rule: RuleDefinition) -> None:
    """Several rules follow from others on a filled form (R10 from R2, R4, R7 and R8), so what the rule does not read is blank."""
    findings = evaluate(compiled, breaking(compiled, rule))
    assert findings.broken == (rule.code,)
    assert rule.code not in findings.not_evaluated
    assert findings.not_evaluated == naive(compiled.form, breaking(compiled, rule)).not_evaluated


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"dpt_l": 141}, ["r1-dpt"]),
        ({"pengguna_dpt_j": 204}, ["r1-pengguna-dpt", "r2-j"]),
        ({"pengguna_pindahan_j": 2, "pengguna_tambahan_j": 4}, ["r1-pengguna-pindahan", "r1-pengguna-tambahan"]),
        ({"pengguna_total_l": 104}, ["r1-pengguna-total", "r2-l"]),
        ({"disabilitas_l": 2}, ["r1-disabilitas"]),
        ({"pengguna_dpt_l": 101, "pengguna_dpt_p": 104}, ["r2-l", "r2-p"]),
        ({"dpt_l": 90, "dpt_p": 193}, ["r3-l"]),
        ({"surat_suara_dikembalikan": 2}, ["r4"]),
        ({"suara_2": 614}, ["r5", "r11-suara-2"]),
        ({"suara_2": 65}, ["r5"]),
        ({"suara_tidak_sah": 26}, ["r6"]),
        ({"surat_suara_digunakan": 210, "surat_suara_dikembalikan": 2}, ["r7"]),
        ({"suara_tidak_sah": 27, "suara_total": 213}, ["r7", "r8"]),
        ({"surat_suara_diterima": 290, "surat_suara_tidak_digunakan": 78}, ["r9-low"]),
        ({"surat_suara_diterima": 292, "surat_suara_tidak_digunakan": 80}, ["r9-high"]),
        ({"dpt_l": 300, "dpt_p": 301, "dpt_j": 601}, ["r9-low", "r11-dpt"]),
        ({"disabilitas_l": 104, "disabilitas_j": 106}, ["r12-l"]),
        ({"suara_1": 71, "suara_2": 1064}, ["r5", "r11-suara-2", "r13"]),
        ({"suara_1": 64, "suara_2": 71}, []),
    ],
    ids=str,
)
def test_slips_on_a_whole_form(changes: dict[str, Figure], broken: list[str]) -> None:
    assert list(evaluate(MAYOR, sound(MAYOR, **changes)).broken) == broken


@pytest.mark.parametrize(
    ("figures", "broken"),
    [
        ({"suara_1": 71, "suara_2": 641, "suara_3": 511, "suara_sah": 185}, ("r5",)),
        ({"suara_1": 83, "suara_2": 105, "suara_3": 23, "suara_sah": 215}, ("r5",)),
        (
            {"suara_1": 80, "suara_2": 101, "suara_3": 34, "suara_sah": 215, "suara_total": 215, "pengguna_total_j": 0, "dpt_j": 0},
            ("r8",),
        ),
    ],
)
def test_misreads_seen_in_2024(figures: dict[str, Figure], broken: tuple[str, ...]) -> None:
    """Examples of domain.md 1.4, from published records of Jakarta; what the example does not tell is blank."""
    assert evaluate(PRESIDENT, form_of(PRESIDENT, **figures)).broken == broken


def test_a_digit_too_many_is_found_on_any_figure() -> None:
    for index in range(MAYOR.figure_count):
        blank: list[Figure] = [None] * MAYOR.figure_count
        blank[index] = 999
        assert "r13" not in evaluate(MAYOR, tuple(blank)).broken
        blank[index] = 1000
        assert evaluate(MAYOR, tuple(blank)).broken[-1:] == ("r13",)


# --- what is no number ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [None, "x", "-"])
def test_a_rule_with_a_gap_is_not_evaluated_and_never_kept(gap: Figure) -> None:
    for index, definition in enumerate(MAYOR.form.figures):
        figures = list(sound(MAYOR))
        figures[index] = gap
        reading = tuple(r.code for r in MAYOR.form.rules if any(t[1:] == (index,) for t in (*r.left, *r.right)))
        assert evaluate(MAYOR, tuple(figures)) == Findings((), reading), definition.code


def test_a_blank_form_breaks_nothing_and_keeps_nothing() -> None:
    blank: Figures = (None,) * MAYOR.figure_count
    assert evaluate(MAYOR, blank) == Findings((), tuple(rule.code for rule in MAYOR.form.rules))


def test_zero_is_a_number() -> None:
    assert evaluate(MAYOR, (0,) * MAYOR.figure_count) == Findings((), ())


# --- R9 ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compiled", "reserve"), [(MAYOR, Fraction(25, 1000)), (PRESIDENT, Fraction(2, 100))], ids=["pilkada", "pemilu"]
)
def test_r9_is_registered_plus_reserve_rounded_up(compiled: CompiledForm, reserve: Fraction) -> None:
    """For every number of registered voters: one number of ballots keeps R9, the next ones on both sides do not."""
    for registered in range(801):
        expected = registered + ceil(registered * reserve)
        for received, rule in ((expected - 1, ["r9-low"]), (expected, []), (expected + 1, ["r9-high"])):
            if received < 0:
                continue
            broken = evaluate(compiled, form_of(compiled, dpt_j=registered, surat_suara_diterima=received)).broken
            assert [code for code in broken if code.startswith("r9")] == rule, (registered, received)


# --- the fast way and the naive one --------------------------------------------------------------------------------------------

numbers = st.integers(0, 3) | st.integers(0, 600) | st.integers(0, 999_999)
gaps: st.SearchStrategy[Figure] = st.sampled_from((None, "x", "-"))
any_figure = numbers | gaps


@st.composite
def forms(draw: st.DrawFn) -> FormDefinition:
    """Any form that may be defined, not only the shipped ones."""
    count = draw(st.integers(1, 8))
    term = st.tuples(st.integers(0, 3) | st.just(10**7), st.integers(0, count - 1)) | st.tuples(st.integers(0, 5))
    unit = st.tuples(st.just(1), st.integers(0, count - 1))
    side = st.lists(unit, min_size=1, max_size=4).map(tuple) | st.lists(term, min_size=1, max_size=5).map(tuple)
    rules = draw(st.lists(st.tuples(st.sampled_from(["error", "warning"]), side, st.sampled_from(["=", "<="]), side), max_size=12))
    plain = [
        "any", 1, "Apa saja", "Any",
        [["one", "satu", "one"]],
        [[f"f{at}", 0, 0, draw(st.integers(1, 6)), "angka", "figure"] for at in range(count)],
        [[f"r{at}", *rule] for at, rule in enumerate(rules, 100)],
    ]  # fmt: skip
    return check_form(msgspec.convert(plain, FormDefinition))


@given(forms(), st.data())
def test_any_form_agrees_with_the_naive_way(form: FormDefinition, data: st.DataObject) -> None:
    compiled = compile_form(form)
    for choice in (numbers, any_figure):
        figures = tuple(data.draw(choice) for _ in form.figures)
        assert evaluate(compiled, figures) == naive(form, figures)


@given(st.sampled_from(sorted(FORMS)), st.data())
def test_shipped_forms_agree_with_the_naive_way(key: tuple[str, int], data: st.DataObject) -> None:
    compiled = FORMS[key]
    for choice in (numbers, any_figure):
        figures = tuple(data.draw(st.lists(choice, min_size=compiled.figure_count, max_size=compiled.figure_count)))
        assert evaluate(compiled, figures) == naive(compiled.form, figures)


@given(st.dictionaries(st.sampled_from([figure.code for figure in MAYOR.form.figures]), any_figure, max_size=3))
def test_nearly_sound_forms_agree_with_the_naive_way(changes: dict[str, Figure]) -> None:
    figures = sound(MAYOR, **{code.replace("-", "_"): figure for code, figure in changes.items()})
    assert evaluate(MAYOR, figures) == naive(MAYOR.form, figures)


# --- the compiled form ---------------------------------------------------------------------------------------------------------


def test_a_compiled_form_says_what_a_roll_up_needs() -> None:
    figure = FigureDefinition("suara-2", 1, 2, 2, "Suara 2", "Votes 2")
    other = FigureDefinition("suara-1", 0, 1, 6, "Suara 1", "Votes 1")
    blocks = (Block("a", "a", "a"), Block("b", "b", "b"))
    compiled = compile_form(check_form(FormDefinition("odd", 1, "Ganjil", "Odd", blocks, (figure, other), ())))
    assert (compiled.figure_count, compiled.candidate_figures, compiled.block_of) == (2, (1, 0), (1, 0))
    assert compiled.digit_limits == (99, 999_999)
    assert evaluate(compiled, (100, 100)) == Findings(("r13",), ())


def test_a_compiled_form_goes_to_other_processes() -> None:
    copy = pickle.loads(pickle.dumps(MAYOR))
    assert copy == MAYOR
    assert evaluate(copy, sound(MAYOR, suara_1=1)) == evaluate(MAYOR, sound(MAYOR, suara_1=1))


def test_the_document_lists_every_rule_with_its_severity() -> None:
    """docs/RULES.md, part Findings, against the shipped forms; the pairs' own rules stand as r11-suara-N."""
    text = (Path(__file__).parents[2] / "docs" / "RULES.md").read_text(encoding="utf-8")
    findings = text.partition("\n## Findings\n")[2].partition("\n## ")[0]
    listed = {}
    for line in findings.splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            assert len(cells) == 7
            assert all(cells)
            listed.update(dict.fromkeys(re.findall("`([^`]+)`", cells[0]), cells[1]))
    rules = {re.sub(r"^r11-suara-\d+$", "r11-suara-N", rule.code): rule.severity for rule in MAYOR.form.rules}
    assert listed == {**rules, "r13": "error"}


# --- one sentence --------------------------------------------------------------------------------------------------------------

TIMES = "\N{MULTIPLICATION SIGN}"
MISREAD = form_of(PRESIDENT, suara_1=71, suara_2=641, suara_3=511, suara_sah=185)


@pytest.mark.parametrize(
    ("code", "figures", "lang", "sentence"),
    [
        ("r5", MISREAD, "en", 'R5: 71 + 641 + 511 = 1,223, but "All valid votes" says 185'),
        ("r5", MISREAD, "id", 'R5: 71 + 641 + 511 = 1.223, tetapi "Jumlah seluruh suara sah" tertulis 185'),
        ("r5", sound(PRESIDENT), "en", 'R5: 71 + 64 + 51 = 186, and "All valid votes" says 186'),
        (
            "r7",
            sound(PRESIDENT, surat_suara_digunakan=210),
            "id",
            'R7: "Jumlah seluruh suara sah dan suara tidak sah" tertulis 211, tetapi "Surat suara yang digunakan" tertulis 210',
        ),
        (
            "r3-l",
            sound(PRESIDENT, dpt_l=90),
            "en",
            'R3-L: "Registered voters who voted, male" says 100, more than "Registered voters (DPT), male" (90)',
        ),
        ("r11-dpt", form_of(PRESIDENT, dpt_j=301), "id", 'R11-DPT: "Pemilih dalam DPT, jumlah" tertulis 301, lebih dari batas 300'),
        (
            "r11-dpt",
            form_of(PRESIDENT, dpt_j=300),
            "en",
            'R11-DPT: "Registered voters (DPT), total" says 300, not more than the limit of 300',
        ),
        (
            "r9-high",
            form_of(MAYOR, dpt_j=200, surat_suara_diterima=206),
            "en",
            (
                f'R9-HIGH: 1,000 {TIMES} 206 ("Ballots received, reserve included") = 206,000, '
                f'more than 1,025 {TIMES} 200 ("Registered voters (DPT), total") + 999 = 205,999'
            ),
        ),
        ("r6", MISREAD, "id", 'R6: tidak dapat diperiksa, karena "Jumlah suara tidak sah" kosong'),
        ("r8", form_of(PRESIDENT, "x"), "en", 'R8: cannot be checked, because "All valid and invalid votes" is illegible'),
        ("r4", form_of(PRESIDENT, "-"), "id", 'R4: tidak dapat diperiksa, karena "Surat suara yang digunakan" tidak berlaku'),
        ("r13", form_of(PRESIDENT, suara_2=1641), "en", 'R13: "Votes of pair 2" says 1,641, but the paper has 3 digit boxes'),
        ("r13", sound(PRESIDENT), "id", "R13: setiap angka muat dalam kotaknya"),
    ],
)  # fmt: skip
def test_a_rule_is_explained_in_one_sentence(code: str, figures: Figures, lang: Language, sentence: str) -> None:
    compiled = MAYOR if code == "r9-high" else PRESIDENT
    assert explain_rule(compiled, code, figures, lang) == sentence


def test_every_rule_has_a_sentence_in_both_languages() -> None:
    for rule in MAYOR.form.rules:
        for figures in (sound(MAYOR), breaking(MAYOR, rule)):
            texts = {explain_rule(MAYOR, rule.code, figures, "en"), explain_rule(MAYOR, rule.code, figures, "id")}
            assert len(texts) == 2
            assert all(text.startswith(f"{rule.code.upper()}: ") for text in texts)


def test_an_unknown_rule_is_not_explained() -> None:
    with pytest.raises(BadInput) as caught:
        explain_rule(MAYOR, "r99", sound(MAYOR), "en")
    assert caught.value.code == "rule-unknown"
