"""``submit``, ``correct``, ``hold``, ``release``: what operators and officers sign about a station's tally.

All act on the round that holds: after a revote was ordered the next form is that of the new round.
"""

from __future__ import annotations

import sys
from typing import Any

from msgspec import UNSET, UnsetType

from ledger.cli.app import App
from ledger.cli.attachments import attach, note_option, photo_option
from ledger.cli.choosing import basis_option, chosen_tally, contest_option, reason_option
from ledger.cli.completing import complete_area
from ledger.cli.figures import chosen_figures, figure_options, show_findings
from ledger.cli.output import figure_text
from ledger.cli.program import argument, command, option
from ledger.cli.signing import Signing, append, signing_options
from ledger.cli.tables import checked
from ledger.errors import BadInput, Refused, Usage
from ledger.tally.events import (
    AgentMark,
    Figure,
    Figures,
    FormRef,
    TallyCorrected,
    TallyHeld,
    TallyReleased,
    TallySubmitted,
)
from ledger.tally.rows import Key, Standing
from ledger.tally.rules import CompiledForm
from ledger.tally.signing import reopen_entry
from ledger.tally.state import KEYS, Reader

__all__ = ["agent_marks", "correct", "hold", "own_standing", "release", "submit"]


def _form_options(function: Any) -> Any:
    for decorate in (
        option(
            "--agents",
            metavar="MARK,...",
            ind="Saksi tiap calon: signed, refused, absent",
            eng="Each candidate's agent: signed, refused, absent",
        ),
        option(
            "--crew", type=int, metavar="N", ind="Banyaknya KPPS yang menandatangani", eng="How many of the station's crew signed"
        ),
        photo_option,
        option(
            "--source",
            default=None,
            metavar="plano|copy",
            ind="Dibaca dari plano atau salinan (semula: plano)",
            eng="Read from the plano or a copy (default: plano)",
        ),
        figure_options,
        contest_option,
    ):
        function = decorate(function)
    return function


def agent_marks(said: str | None) -> tuple[AgentMark, ...] | UnsetType:
    """The marks in ballot order; the schema holds their words, the ledger their number."""
    return UNSET if said is None else tuple(mark.strip() for mark in said.split(","))  # type: ignore[misc]


@command(
    examples=(
        "ledger submit 1771010001001 --figures c-hasil.toml --photo 1:hal1.jpg --device perangkat",
        "ledger submit 1771010001001 --set dpt-l=120 --set suara-1=80 --device perangkat --yes",
    )
)
@argument("station", metavar="STATION", shell_complete=complete_area)
@_form_options
@signing_options
def submit(
    app: App,
    signing: Signing,
    station: str,
    contest: str | None,
    figures: str | None,
    settings: tuple[str, ...],
    source: str | None,
    photos: tuple[str, ...],
    crew: int | None,
    agents: str | None,
) -> int:
    """Sends in the figures of one form; by an officer, for a station that could not."""
    with app.node.snapshot() as snapshot:
        place = chosen_tally(snapshot.state, station, contest)
    form = place.form
    given = chosen_figures(app, form, figures, settings, before=())
    values = tuple(given.get(figure.code) for figure in form.form.figures)
    attached = attach(photos)
    broken = show_findings(app, form, values)
    data = TallySubmitted(
        contest=place.code,
        station=station,
        round=place.round,
        form=FormRef(place.contest.form, place.contest.version),
        source=source or "plano",  # type: ignore[arg-type]  # `checked` holds it against the schema
        figures=values,
        photos=attached.photos,
        crew=UNSET if crew is None else crew,
        agents=agent_marks(agents),
    )
    event = checked(data, station=station)
    device = app.device()
    with app.node.snapshot() as snapshot:
        key = snapshot.state.get(KEYS, device.state.point)
    if key is not None and key.role == "officer":
        app.say(
            f"Dimasukkan oleh petugas {key.scope}, bukan oleh operator TPS; log menandainya demikian.",
            f"Entered by the office of {key.scope}, not by the station's operator; the log says so.",
        )
    blank = sum(value is None for value in values)
    question = (
        f"Kirim formulir TPS {station} ({blank} angka kosong, {broken} catatan pemeriksaan)?",
        f"Send the form of station {station} ({blank} blank figures, {broken} remarks)?",
    )
    return append(app, signing, device, [event], ask=question, keep=attached.keep)


@command(
    examples=(
        "ledger correct 1771010001001 --set suara-1=81 --reason salah-baca --device perangkat",
        "ledger correct 1771010001001 --figures pleno.toml --reason pleno-kecamatan --basis 12/BA/2024 --device ppk",
    )
)
@argument("station", metavar="STATION", shell_complete=complete_area)
@_form_options
@note_option
@reason_option
@basis_option
@signing_options
def correct(
    app: App,
    signing: Signing,
    station: str,
    contest: str | None,
    figures: str | None,
    settings: tuple[str, ...],
    source: str | None,
    photos: tuple[str, ...],
    crew: int | None,
    agents: str | None,
    reason: str,
    basis: str | None,
    note_text: str | None,
) -> int:
    """Sends a correction: figures given change, the rest is taken from what stands."""
    device = app.device()
    with app.node.snapshot() as snapshot:
        place = chosen_tally(snapshot.state, station, contest)
        standing = own_standing(place.slot.standing, _key(snapshot.state, device.state.point))
        if not standing:
            raise Refused("nothing-to-correct", "nothing stands that this key could correct", station=station, contest=place.code)
        said = reopen_entry(snapshot.entry(standing[0].index)).event.data
    if not isinstance(said, TallySubmitted | TallyCorrected):
        raise BadInput("entry-not-tally", "this entry is no act on a tally", index=standing[0].index)
    form, before = place.form, standing[0].figures
    given = chosen_figures(app, form, figures, settings, before=before)
    _require_differing(form, standing, given)
    values = tuple(given.get(figure.code, was) for figure, was in zip(form.form.figures, before, strict=True))
    attached = attach(photos, note_text)
    data = TallyCorrected(
        contest=place.code,
        station=station,
        round=place.round,
        form=FormRef(place.contest.form, place.contest.version),
        source=source or said.source,  # type: ignore[arg-type]  # `checked` holds it against the schema
        figures=values,
        photos=attached.photos or said.photos,
        supersedes=tuple(sorted(one.event for one in standing)),
        reason=reason,
        crew=said.crew if crew is None else crew,
        agents=said.agents if agents is None else agent_marks(agents),
        basis=UNSET if basis is None else basis,
        note=attached.note,
    )
    event = checked(data, station=station)
    _show_changes(form, before, values)
    show_findings(app, form, values)
    changed = sum(was != now for was, now in zip(before, values, strict=True))
    question = (
        f"Kirim pembetulan TPS {station} ({changed} angka berubah)?",
        f"Send the correction of station {station} ({changed} figures changed)?",
    )
    return append(app, signing, device, [event], ask=question, keep=attached.keep)


def _key(state: Reader, point: bytes) -> Key | None:
    return state.get(KEYS, point)


def own_standing(standing: tuple[Standing, ...], key: Key | None) -> list[Standing]:
    """What this key may correct or withdraw: an operator the own seat's, every other key all that stands."""
    own = key is not None and key.role == "operator"
    return [one for one in standing if not own or (key is not None and one.seat == key.seat)]


def _require_differing(form: CompiledForm, standing: list[Standing], given: dict[str, Figure]) -> None:
    """Where two seats differ, whoever corrects says which figure is right; nothing is chosen silently."""
    open_codes = [
        figure.code
        for index, figure in enumerate(form.form.figures)
        if figure.code not in given and len({repr(one.figures[index]) for one in standing}) > 1
    ]
    if open_codes:
        raise Usage("figures-differing", "the two seats differ here; give the right figure", figures=", ".join(open_codes))


def _show_changes(form: CompiledForm, before: Figures, after: Figures) -> None:
    for figure, was, now in zip(form.form.figures, before, after, strict=True):
        if was != now:
            sys.stderr.write(f"  {figure.code}: {figure_text(was)} -> {figure_text(now)}\n")


# --- hold and release -------------------------------------------------------------------------------------------------------


def _hold_options(function: Any) -> Any:
    for decorate in (note_option, basis_option, reason_option, contest_option):
        function = decorate(function)
    return function


@command(examples=("ledger hold 1771010001001 --reason foto-tidak-terbaca --device ppk",))
@argument("station", metavar="STATION", shell_complete=complete_area)
@_hold_options
@signing_options
def hold(
    app: App, signing: Signing, station: str, contest: str | None, reason: str, basis: str | None, note_text: str | None
) -> int:
    """Keeps a tally out of the totals."""
    question = (f"Tahan hasil TPS {station} (tidak masuk jumlah)?", f"Keep station {station} out of the totals?")
    return _hold_or_release(app, signing, TallyHeld, (station, contest), (reason, basis, note_text), question)


@command(examples=("ledger release 1771010001001 --reason sudah-dicocokkan --basis 12/BA/2024 --device ppk",))
@argument("station", metavar="STATION", shell_complete=complete_area)
@_hold_options
@signing_options
def release(
    app: App, signing: Signing, station: str, contest: str | None, reason: str, basis: str | None, note_text: str | None
) -> int:
    """Puts a held tally back into the totals."""
    question = (f"Masukkan lagi hasil TPS {station} ke jumlah?", f"Put station {station} back into the totals?")
    return _hold_or_release(app, signing, TallyReleased, (station, contest), (reason, basis, note_text), question)


def _hold_or_release(
    app: App,
    signing: Signing,
    act: type[TallyHeld] | type[TallyReleased],
    where: tuple[str, str | None],
    why: tuple[str, str | None, str | None],
    question: tuple[str, str],
) -> int:
    """``where``: station and contest; ``why``: reason, basis, text."""
    station, contest = where
    reason, basis, note_text = why
    with app.node.snapshot() as snapshot:
        place = chosen_tally(snapshot.state, station, contest)
    attached = attach((), note_text)
    data = act(
        contest=place.code,
        station=station,
        round=place.round,
        reason=reason,
        basis=UNSET if basis is None else basis,
        note=attached.note,
    )
    event = checked(data, station=station)
    return append(app, signing, app.device(), [event], ask=question, keep=attached.keep)
