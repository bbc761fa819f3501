"""``certify``: an office signs the recap of its area.

Sums, commitment and tree size come from the replay; the signed paper's own figures come from the office.  Where the two differ the
certificate says so, figure by figure, with a reason; and it names everything that is not in the totals, each with a reason.  All of
it is shown before anything is signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ledger.cli.app import App
from ledger.cli.attachments import attach, note_option, photo_option
from ledger.cli.choosing import chosen_contest, contest_option, moment_of
from ledger.cli.completing import complete_area
from ledger.cli.language import grouped, local_time, text
from ledger.cli.output import emit, figure_text
from ledger.cli.program import argument, command, option
from ledger.cli.signing import Signing, append, signing_options
from ledger.cli.tables import checked, near, read_csv
from ledger.cli.tallies import agent_marks
from ledger.errors import BadInput, Refused, Usage
from ledger.recap.places import area_name, election_of, frame
from ledger.tally.drafts import CertificateDraft, certificate_draft
from ledger.tally.events import DifferenceRow, MissingRow, RecapCertified, Total
from ledger.tally.rollup import COUNTS
from ledger.tally.rules import CompiledForm
from ledger.tally.state import Reader

__all__ = ["certificate_lines", "certify"]

TOTAL_MAX: Final = 2**53 - 1
SHOWN_MAX: Final = 40
EVERY: Final = "*"


class Paper(NamedTuple):
    """The paper recap: its figures by code, and the reasons given for those in which it differs."""

    figures: dict[str, Total]
    reasons: dict[str, str]


def _paper_options(function: Any) -> Any:
    for decorate in (
        option(
            "--missing",
            multiple=True,
            metavar="CODE:REASON[:BASIS]",
            ind="Mengapa suatu TPS atau wilayah tidak ikut; * untuk semua yang lain",
            eng="Why a station or area is not in it; * for all others",
        ),
        option(
            "--differs",
            multiple=True,
            metavar="FIGURE:REASON",
            ind="Mengapa angka kertas berbeda; boleh berulang",
            eng="Why the paper's figure differs; may be repeated",
        ),
        option("--same", is_flag=True, ind="Angka lain di kertas sama", eng="All other figures of the paper are the same"),
        option(
            "--set",
            "settings",
            multiple=True,
            metavar="FIGURE=VALUE",
            ind="Satu angka di kertas rekap; boleh berulang",
            eng="One figure of the paper recap; may be repeated",
        ),
        option(
            "--paper",
            metavar="FILE.csv|-",
            ind="Angka kertas rekap: figure,value[,reason]",
            eng="The paper recap's figures: figure,value[,reason]",
        ),
    ):
        function = decorate(function)
    return function


@command(
    examples=(
        "ledger certify 177101 --same --document 7/BA/2024 --held-at 2024-12-01T16:30 --photo 1:d-hasil.jpg --device ppk",
        "ledger certify 177101 --paper d-hasil.csv --missing 1771010001004:banjir --document 7/BA/2024"
        " --held-at 2024-12-01T16:30 --device ppk",
    )
)
@argument("area", metavar="AREA", shell_complete=complete_area)
@contest_option
@_paper_options
@option("--document", required=True, metavar="NUMBER", ind="Nomor berita acara", eng="Number of the minutes")
@option("--held-at", required=True, metavar="YYYY-MM-DDTHH:MM", ind="Saat pleno mengesahkan", eng="When the plenary certified")
@option(
    "--agents",
    metavar="MARK,...",
    ind="Saksi tiap calon: signed, refused, absent",
    eng="Each candidate's agent: signed, refused, absent",
)
@photo_option
@note_option
@signing_options
def certify(
    app: App,
    signing: Signing,
    area: str,
    contest: str | None,
    paper: str | None,
    settings: tuple[str, ...],
    same: bool,
    differs: tuple[str, ...],
    missing: tuple[str, ...],
    document: str,
    held_at: str,
    agents: str | None,
    photos: tuple[str, ...],
    note_text: str | None,
) -> int:
    """Certifies the recap of an area: what the ledger sums, and what the signed paper says."""
    device = app.device()
    with app.node.snapshot() as snapshot:
        state = snapshot.state
        code = chosen_contest(state, area, contest)
        draft = certificate_draft(state, code, area, size=snapshot.size)
        form = frame(state, code).form
        moment = moment_of(state, held_at, "--held-at")
        if draft.unread:
            raise Refused("not-read", "these were not read in the plenary", area=area, contest=code, unread=_listed(draft.unread))
        figures, reasons = _paper(app, form, draft, (paper, settings, same))
        figure_reasons = reasons | _reasons(differs, "--differs", [figure.code for figure in form.form.figures])
        totals = tuple(figures[figure.code] for figure in form.form.figures)
        attached = attach(photos, note_text)
        data = draft.certificate(
            document,
            moment,
            paper=totals,
            differences=_differences(app, form, draft, totals, figure_reasons),
            missing=_missing(app, state, draft, missing),
            photos=attached.photos,
            agents=agent_marks(agents),
            note=attached.note,
        )
        event = checked(data, area=area)
        lines = certificate_lines(state, data, draft)
    if not app.json:
        for words in lines:
            app.say(words, words)
    elif signing.dry_run:
        emit(_object(form, data, draft))
    question = (f"Sahkan rekap {code} wilayah {area}?", f"Certify the recap {code} of {area}?")
    return append(app, signing, device, [event], ask=question, keep=attached.keep)


# --- the paper's figures ---------------------------------------------------------------------------------------------------------


def _paper(app: App, form: CompiledForm, draft: CertificateDraft, said: tuple[str | None, tuple[str, ...], bool]) -> Paper:
    """Every figure of the paper: from a file (all of them), with ``--set`` over it; the rest as the ledger's where ``--same`` says
    so, or asked for on a terminal.

    Raises ``Usage`` ``paper-missing``, ``BadInput`` ``figure-unknown``, ``figure-invalid``.
    """
    source, settings, same = said
    codes = [figure.code for figure in form.form.figures]
    given: dict[str, Total] = {}
    reasons: dict[str, str] = {}
    if source is not None:
        for line, row in read_csv(source, needed=("figure", "value"), optional=("reason",)):
            if row["figure"] in given:
                raise BadInput("bad-row", "the figure stands there twice", path=source, line=line)
            given[_known(row["figure"], codes, form)] = _total(row["value"], row["figure"])
            if row.get("reason"):
                reasons[row["figure"]] = row["reason"]
    for setting in settings:
        code, equals, value = setting.partition("=")
        if not equals:
            raise BadInput("figure-invalid", "write FIGURE=VALUE", figure=setting)
        given[_known(code.strip(), codes, form)] = _total(value.strip(), code)
    absent = [code for code in codes if code not in given]
    if absent and not same:
        if not app.asks:
            raise Usage("paper-missing", "say what the paper recap shows", figures=_listed(absent), option="--paper")
        given |= _ask_paper(app, form, draft, absent)
    sums = dict(zip(codes, draft.sums.figures, strict=True))
    return Paper({code: given.get(code, sums[code]) for code in codes}, reasons)


def _known(code: str, codes: Sequence[str], form: CompiledForm) -> str:
    if code not in codes:
        raise BadInput(
            "figure-unknown", "the form has no such figure", figure=code, form=form.form.code, did_you_mean=near(code, codes)
        )
    return code


def _total(said: str, code: str) -> Total:
    """A figure of a paper recap: as a form's, and as large as a nation's."""
    if said == "":
        return None
    if said in ("x", "X"):
        return "x"
    if said == "-":
        return "-"
    plain = said.replace(".", "") if "." in said and "," not in said else said
    if plain.isascii() and plain.isdecimal() and int(plain) <= TOTAL_MAX:
        return int(plain)
    raise BadInput("figure-invalid", "a whole number, empty, x or -", figure=code, found=said[:40])


def _ask_paper(app: App, form: CompiledForm, draft: CertificateDraft, codes: Sequence[str]) -> dict[str, Total]:
    """On a terminal, figure by figure; an empty line says that the paper shows the same."""
    given: dict[str, Total] = {}
    app.say(
        "Tulis angka kertas rekap; baris kosong: sama dengan ledger.",
        "Type the paper recap's figures; an empty line: the same as the ledger's.",
    )
    for index, figure in enumerate(form.form.figures):
        while figure.code in codes and figure.code not in given:
            shown = grouped(draft.sums.figures[index])
            answer = app.ask(f"  {figure.label_id} [{shown}]:", f"  {figure.label_en} [{shown}]:")
            try:
                given[figure.code] = _total(answer, figure.code) if answer else draft.sums.figures[index]
            except BadInput:
                app.say("    Tulis bilangan bulat, x atau -.", "    Write a whole number, x or -.")
    return given


# --- differences and what is missing ---------------------------------------------------------------------------------------------


def _reasons(said: tuple[str, ...], name: str, known: Sequence[str]) -> dict[str, str]:
    """Code -> reason (and basis behind a further colon) of options like ``CODE:REASON``.  ``Usage`` ``argument-invalid``."""
    found: dict[str, str] = {}
    for words in said:
        code, colon, reason = words.partition(":")
        if not colon or not reason:
            raise Usage("argument-invalid", "write CODE:REASON", command="ledger certify", argument=f"{name} {words}")
        if code not in known and code != EVERY:
            raise Usage(
                "argument-invalid",
                "that one needs no reason",
                command="ledger certify",
                argument=name,
                did_you_mean=near(code, known),
            )
        found[code] = reason
    return found


def _reason_for(app: App, code: str, given: Mapping[str, str], asked: tuple[str, str], name: str) -> str:
    """The reason that was given, or is asked for.  ``Usage`` ``reason-missing`` where nobody can be asked."""
    reason = given.get(code, given.get(EVERY, ""))
    while not reason:
        if not app.asks:
            raise Usage("reason-missing", "give the reason", code=code, option=name)
        reason = app.ask(*asked)
    return reason


def _differences(
    app: App, form: CompiledForm, draft: CertificateDraft, paper: Sequence[Total], given: Mapping[str, str]
) -> tuple[DifferenceRow, ...]:
    rows = []
    for index, figure in enumerate(form.form.figures):
        total = draft.sums.figures[index]
        if total != paper[index]:
            asked = (
                f"  {figure.code}: ledger {grouped(total)}, kertas {figure_text(paper[index])}. Alasan:",
                f"  {figure.code}: ledger {grouped(total)}, paper {figure_text(paper[index])}. Reason:",
            )
            rows.append(DifferenceRow(index, _reason_for(app, figure.code, given, asked, "--differs")))
    return tuple(rows)


def _missing(app: App, state: Reader, draft: CertificateDraft, said: tuple[str, ...]) -> tuple[MissingRow, ...]:
    given = _reasons(said, "--missing", draft.missing)
    rows = []
    for code in draft.missing:
        name = area_name(state, code)
        asked = (f"  {code} {name} tidak ikut. Alasan:", f"  {code} {name} is not in it. Reason:")
        reason, _, basis = _reason_for(app, code, given, asked, "--missing").partition(":")
        rows.append(MissingRow(code, reason, (basis,) if basis else ()))
    return tuple(rows)


def _listed(codes: Sequence[str]) -> str:
    more = f" +{len(codes) - SHOWN_MAX}" if len(codes) > SHOWN_MAX else ""
    return ", ".join(codes[:SHOWN_MAX]) + more


# --- shown before it is signed ---------------------------------------------------------------------------------------------------


def certificate_lines(state: Reader, data: RecapCertified, draft: CertificateDraft | None) -> list[str]:
    """The certificate in full for whoever signs or approves it.  ``draft``: for the counts, where it is at hand."""
    form = frame(state, data.contest).form
    zone = election_of(state).opened.zones[0]
    lines = [
        text("Rekap", "Recap") + f" {data.contest}, {area_name(state, data.area)} ({data.area})",
        text("Berita acara", "Minutes") + f" {data.document}, {local_time(data.held_at, zone)}",
        text(f"Setelah {grouped(data.size)} entri; komitmen {data.commitment.hex()}",
             f"After {grouped(data.size)} entries; commitment {data.commitment.hex()}"),
    ]  # fmt: skip
    if draft is not None:
        counts = dict(zip(COUNTS, draft.sums.counts, strict=True))
        lines.append(
            text(
                f"{grouped(counts['in'])} dari {grouped(counts['expected'])} TPS masuk, {grouped(counts['held'])} ditahan, "
                f"{grouped(counts['awaiting'])} menunggu pemungutan ulang.",
                f"{grouped(counts['in'])} of {grouped(counts['expected'])} stations in, {grouped(counts['held'])} held, "
                f"{grouped(counts['awaiting'])} awaiting a revote.",
            )
        )
    reasons = {row.figure: row.reason for row in data.differences}
    for index, figure in enumerate(form.form.figures):
        label = text(figure.label_id, figure.label_en)
        words = f"  {figure.code:<28} {grouped(data.sums[index]):>12}  {label}"
        if index in reasons:
            words += text("  KERTAS ", "  PAPER ") + f"{figure_text(data.paper[index])} ({reasons[index]})"
        lines.append(words)
    if data.differences:
        lines.append(text(f"Disahkan dengan selisih: {len(data.differences)} angka.",
                          f"Certified with differences: {len(data.differences)} figures."))  # fmt: skip
    for row in data.missing:
        lines.append(
            text("Tidak ikut: ", "Not in it: ") + f"{row.code} {area_name(state, row.code)}: {row.reason} {''.join(row.basis)}"
        )
    return lines


def _object(form: CompiledForm, data: RecapCertified, draft: CertificateDraft) -> dict[str, Any]:
    codes = [figure.code for figure in form.form.figures]
    return {
        "contest": data.contest,
        "area": data.area,
        "size": data.size,
        "commitment": data.commitment.hex(),
        "sums": dict(zip(codes, data.sums, strict=True)),
        "paper": dict(zip(codes, data.paper, strict=True)),
        "counts": dict(zip(COUNTS, draft.sums.counts, strict=True)),
        "differences": {codes[row.figure]: row.reason for row in data.differences},
        "missing": {row.code: row.reason for row in data.missing},
        "document": data.document,
        "held_at": data.held_at,
    }
