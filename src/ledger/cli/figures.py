"""The figures of a form as people give them: a file, ``--set code=value``, or block by block in the order of the paper.

A value is a number; empty (or null) for blank, ``x`` for illegible, ``-`` for not applicable.  Zero is not blank.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ledger.cli.app import App
from ledger.cli.language import language, text
from ledger.cli.output import figure_text
from ledger.cli.program import option
from ledger.cli.tables import near, read_document
from ledger.errors import BadInput, Usage
from ledger.tally.events import FIGURE_MAX, Figure, Figures
from ledger.tally.rules import CompiledForm, evaluate, explain_rule

__all__ = ["ask_figures", "chosen_figures", "figure_options", "given_figures", "parse_figure", "show_findings"]


def figure_options(function: Any) -> Any:
    """--figures and --set."""
    settings = option(
        "--set",
        "settings",
        multiple=True,
        metavar="CODE=VALUE",
        ind="Satu angka; boleh berulang. Kosong, x, -",
        eng="One figure; may be repeated. Empty, x, -",
    )
    file = option("--figures", metavar="FILE|-", ind="Angka dari TOML atau JSON", eng="Figures from TOML or JSON")
    return file(settings(function))


def chosen_figures(
    app: App, form: CompiledForm, source: str | None, settings: Sequence[str], *, before: Figures
) -> dict[str, Figure]:
    """The figures as the options give them; asked for on a terminal where none are given.

    Raises what ``given_figures`` does, and ``Usage`` ``figures-missing``.
    """
    if source is not None or settings:
        given = given_figures(form, source, settings)
        if not given and not before:
            raise Usage("figures-missing", "the file names no figure", option="--figures")
        return given
    if app.asks:
        return ask_figures(app, form, before)
    if before:
        return {}
    raise Usage("figures-missing", "no figures were given", option="--figures")


def parse_figure(said: object, code: str) -> Figure:
    """One figure.  ``BadInput`` ``figure-invalid``."""
    if said is None or said == "":
        return None
    if said in ("x", "X"):
        return "x"
    if said == "-":
        return "-"
    if isinstance(said, str) and said.isascii() and said.isdecimal():
        said = int(said)
    if isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= FIGURE_MAX:
        return said
    raise BadInput("figure-invalid", f"a number from 0 to {FIGURE_MAX:,}, empty, x or -", figure=code, found=str(said)[:40])


def given_figures(form: CompiledForm, source: str | None, settings: Sequence[str]) -> dict[str, Figure]:
    """Code -> figure, of those that the file and the ``--set`` options name; an option wins over the file.

    Raises ``BadInput``: ``figure-unknown``, ``figure-invalid``, ``bad-document``, ``figures-count``.
    """
    codes = [figure.code for figure in form.form.figures]
    said: dict[str, Any] = {}
    if source is not None:
        document = read_document(source)
        if isinstance(document, dict) and isinstance(document.get("figures"), dict | list):
            document = document["figures"]
        if isinstance(document, list):
            if len(document) != len(codes):
                raise BadInput(
                    "figures-count", "a list has one figure for each of the form's", figures=len(document), expected=len(codes)
                )
            document = dict(zip(codes, document, strict=True))
        if not isinstance(document, Mapping):
            raise BadInput("bad-document", "figures are a table of code and value", path=source)
        said.update(document)
    for setting in settings:
        code, equals, value = setting.partition("=")
        if not equals:
            raise BadInput("figure-invalid", "write CODE=VALUE", figure=setting)
        said[code.strip()] = value.strip()
    for code in said:
        if code not in codes:
            raise BadInput(
                "figure-unknown", "the form has no such figure", figure=code, form=form.form.code, did_you_mean=near(code, codes)
            )
    return {code: parse_figure(value, code) for code, value in said.items()}


def ask_figures(app: App, form: CompiledForm, before: Figures) -> dict[str, Figure]:
    """Every figure, block by block in the order of the paper; an empty line keeps what stands (nothing: blank)."""
    given: dict[str, Figure] = {}
    block = -1
    for index, figure in enumerate(form.form.figures):
        if figure.block != block:
            block = figure.block
            heading = form.form.blocks[block]
            sys.stderr.write("\n" + text(heading.label_id, heading.label_en) + "\n")
        label = figure.label_id if language() == "id" else figure.label_en
        standing = before[index] if before else None
        shown = f" [{figure_text(standing)}]" if before else ""
        while True:
            answer = app.ask(f"  {label}{shown}:", f"  {label}{shown}:")
            if not answer:
                given[figure.code] = standing
                break
            try:
                given[figure.code] = parse_figure(answer, figure.code)
                break
            except BadInput:
                app.say(
                    "    Tulis angka, kosong, x (tidak terbaca) atau - (tidak berlaku).",
                    "    Write a number, nothing, x (illegible) or - (not applicable).",
                )
    return given


def show_findings(app: App, form: CompiledForm, figures: Figures) -> int:
    """The rules that the figures break, one sentence each, on stderr; how many they are."""
    found = evaluate(form, figures)
    for code in found.broken:
        sys.stderr.write(text("Catatan pemeriksaan ", "Remark ") + explain_rule(form, code, figures, language()) + ".\n")
    if found.not_evaluated:
        app.say(
            f"{len(found.not_evaluated)} aturan tidak dapat diperiksa karena ada angka kosong, tidak terbaca atau tidak berlaku.",
            f"{len(found.not_evaluated)} rules cannot be checked because figures are blank, illegible or not applicable.",
        )
    if found.broken:
        app.say(
            "Bila kertasnya memang demikian, kirim apa adanya: formulir tidak pernah ditolak karena tidak cocok.",
            "If the paper says so, send it as it is: a form is never refused for not adding up.",
        )
    return len(found.broken)
