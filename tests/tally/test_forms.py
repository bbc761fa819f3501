"""Form definitions: what the types refuse, what ``check_form`` refuses, and the shipped forms."""

from __future__ import annotations

import msgspec
import pytest

from ledger.errors import BadInput, Refused
from ledger.tally.canonical import decode, encode
from ledger.tally.forms import SHIPPED_FORMS, Block, FigureDefinition, FormDefinition, RuleDefinition, check_form, shipped_form

DECODER = msgspec.msgpack.Decoder(FormDefinition)

SMALL = FormDefinition(
    code="small",
    version=1,
    title_id="Kecil",
    title_en="Small",
    blocks=(Block("votes", "Suara", "Votes"),),
    figures=(
        FigureDefinition("suara-1", 0, 1, 3, "Suara 1", "Votes 1"),
        FigureDefinition("suara-2", 0, 2, 3, "Suara 2", "Votes 2"),
        FigureDefinition("suara-sah", 0, 0, 3, "Suara sah", "Valid votes"),
    ),
    rules=(RuleDefinition("r5", "error", ((1, 0), (1, 1)), "=", ((1, 2),)),),
)

PAPER = [
    "dpt-l", "dpt-p", "dpt-j", "pengguna-dpt-l", "pengguna-dpt-p", "pengguna-dpt-j", "pengguna-pindahan-l",
    "pengguna-pindahan-p", "pengguna-pindahan-j", "pengguna-tambahan-l", "pengguna-tambahan-p", "pengguna-tambahan-j",
    "pengguna-total-l", "pengguna-total-p", "pengguna-total-j", "surat-suara-diterima", "surat-suara-digunakan",
    "surat-suara-dikembalikan", "surat-suara-tidak-digunakan", "disabilitas-l", "disabilitas-p", "disabilitas-j", "suara-1",
    "suara-2", "suara-3", "suara-sah", "suara-tidak-sah", "suara-total",
]  # fmt: skip

RULES = [
    "r1-dpt", "r1-pengguna-dpt", "r1-pengguna-pindahan", "r1-pengguna-tambahan", "r1-pengguna-total", "r1-disabilitas",
    "r2-l", "r2-p", "r2-j", "r3-l", "r3-p", "r3-j", "r4", "r5", "r6", "r7", "r8", "r9-low", "r9-high", "r10", "r11-dpt",
    "r11-suara-1", "r11-suara-2", "r11-suara-3", "r11-sah", "r11-tidak-sah", "r11-total", "r12-l", "r12-p", "r12-j",
]  # fmt: skip


@pytest.mark.parametrize("candidates", range(1, 7))
@pytest.mark.parametrize("name", SHIPPED_FORMS)
def test_shipped_forms_are_valid_and_travel_unchanged(name: str, candidates: int) -> None:
    form = shipped_form(name, candidates)
    assert check_form(form) is form
    data = encode(form)
    assert decode(data, DECODER) == form
    assert encode(decode(data, DECODER)) == data
    assert len(data) < 16_000, "two forms and more fit one entry"
    assert [figure.candidate for figure in form.figures if figure.candidate] == list(range(1, candidates + 1))
    assert len(form.figures) == 25 + candidates
    assert len(form.rules) == 27 + candidates
    assert {figure.digits for figure in form.figures} == {3}


def test_the_largest_shipped_form_keeps_the_limits() -> None:
    form = shipped_form("kwk-bupati", 64)
    assert decode(encode(form), DECODER) == form


def test_figures_and_rules_stand_in_the_order_of_the_paper() -> None:
    form = shipped_form("ppwp-2024", 3)
    assert [figure.code for figure in form.figures] == PAPER
    assert [rule.code for rule in form.rules] == RULES
    assert [form.blocks[figure.block].code for figure in form.figures] == (
        ["voters"] * 15 + ["ballots"] * 4 + ["disability"] * 3 + ["votes"] * 3 + ["totals"] * 3
    )
    assert [rule.code for rule in form.rules if rule.severity == "warning"] == ["r9-low", "r9-high", "r11-dpt"]


@pytest.mark.parametrize(
    ("name", "code", "title"),
    [
        ("kwk-gubernur", "c-hasil-kwk-gubernur-2", "MODEL C.HASIL-KWK-GUBERNUR"),
        ("kwk-bupati", "c-hasil-kwk-bupati-2", "MODEL C.HASIL-KWK-BUPATI"),
        ("kwk-wali-kota", "c-hasil-kwk-wali-kota-2", "MODEL C.HASIL-KWK-WALIKOTA"),
        ("ppwp-2024", "c-hasil-ppwp-2", "MODEL C.HASIL-PPWP"),
    ],
)
def test_shipped_forms_bear_the_names_of_the_paper(name: str, code: str, title: str) -> None:
    form = shipped_form(name, 2)
    assert (form.code, form.version) == (code, 1)
    assert form.title_id.startswith(title)


@pytest.mark.parametrize(
    ("name", "candidates", "code"),
    [
        ("kwk-lurah", 2, "shipped-form-unknown"),
        ("../c-hasil", 2, "shipped-form-unknown"),
        ("ppwp-2024", 0, "candidates-out-of-range"),
        ("ppwp-2024", 65, "candidates-out-of-range"),
    ],
)
def test_shipped_form_knows_its_names_and_numbers(name: str, candidates: int, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        shipped_form(name, candidates)
    assert caught.value.code == code


def _with_figure(at: int, **changes: object) -> FormDefinition:
    figures = list(SMALL.figures)
    figures[at] = msgspec.structs.replace(figures[at], **changes)
    return msgspec.structs.replace(SMALL, figures=tuple(figures))


def _with_rules(*rules: RuleDefinition) -> FormDefinition:
    return msgspec.structs.replace(SMALL, rules=rules)


RULE = SMALL.rules[0]


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(_with_figure(0, block=1), id="block-not-there"),
        pytest.param(_with_figure(0, code="suara-2"), id="figure-twice"),
        pytest.param(_with_figure(0, candidate=2), id="candidate-twice"),
        pytest.param(_with_figure(1, candidate=3), id="candidate-missing"),
        pytest.param(msgspec.structs.replace(SMALL, blocks=SMALL.blocks * 2), id="block-twice"),
        pytest.param(_with_rules(RULE, RULE), id="rule-twice"),
        pytest.param(_with_rules(msgspec.structs.replace(RULE, left=((1, 3),))), id="left-figure-not-there"),
        pytest.param(_with_rules(msgspec.structs.replace(RULE, right=((0,), (1, 3)))), id="right-figure-not-there"),
        pytest.param(_with_rules(msgspec.structs.replace(RULE, code="r13")), id="code-of-the-boxes"),
    ],
)
def test_check_form_refuses_what_types_cannot_say(form: FormDefinition) -> None:
    decode(encode(form), DECODER)
    with pytest.raises(Refused) as caught:
        check_form(form)
    assert caught.value.code == "form-invalid"
    assert caught.value.where == {"form": "small"}


def test_check_form_takes_pairs_in_any_place() -> None:
    """The ballot number says the order, not the place on the paper."""
    figures = (SMALL.figures[1], SMALL.figures[0], SMALL.figures[2])
    form = msgspec.structs.replace(SMALL, figures=figures)
    assert check_form(form) is form


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param((0,), "Small", id="code-capital"),
        pytest.param((0,), "x" * 33, id="code-too-long"),
        pytest.param((0,), "small\n", id="code-line-feed"),
        pytest.param((1,), 0, id="version-0"),
        pytest.param((2,), "", id="title-empty"),
        pytest.param((2,), "x" * 121, id="title-too-long"),
        pytest.param((4,), [], id="no-blocks"),
        pytest.param((5,), [], id="no-figures"),
        pytest.param((5,), [["a", 0, 0, 3, "a", "a"]] * 129, id="figures-129"),
        pytest.param((6,), [["a", "error", [[1]], "=", [[1]]]] * 129, id="rules-129"),
        pytest.param((5, 0, 1), -1, id="block-negative"),
        pytest.param((5, 0, 3), 0, id="digits-0"),
        pytest.param((5, 0, 3), 7, id="digits-7"),
        pytest.param((6, 0, 1), "fatal", id="severity"),
        pytest.param((6, 0, 3), ">=", id="operator"),
        pytest.param((6, 0, 2), [], id="side-empty"),
        pytest.param((6, 0, 2), [[1, 0]] * 65, id="terms-65"),
        pytest.param((6, 0, 2), [[]], id="term-empty"),
        pytest.param((6, 0, 2), [[1, 0, 0]], id="term-of-three"),
        pytest.param((6, 0, 2), [[10**7 + 1, 0]], id="coefficient-too-large"),
        pytest.param((6, 0, 2), [[-1, 0]], id="coefficient-negative"),
        pytest.param((6, 0), ["r5", "error", [[1, 0]], "=", [[1, 0]], 1], id="rule-with-more"),
    ],
)
def test_the_types_refuse(path: tuple[int, ...], value: object) -> None:
    plain = msgspec.msgpack.decode(encode(SMALL))
    *way, last = path
    row = plain
    for step in way:
        row = row[step]
    row[last] = value
    with pytest.raises(Refused) as caught:
        decode(msgspec.msgpack.encode(plain), DECODER)
    assert caught.value.code == "schema"
