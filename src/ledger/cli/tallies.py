"""``submit``, ``correct``, ``hold``, ``release``: what operators and officers sign about a station's tally."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any, Final

from msgspec import UNSET

from ledger.cli.app import App
from ledger.cli.completing import complete_area, complete_contest
from ledger.cli.figures import ask_figures, given_figures, show_findings
from ledger.cli.output import figure_text
from ledger.cli.program import argument, command, option
from ledger.cli.reading import known_contest
from ledger.cli.signing import Signing, append, signing_options
from ledger.cli.tables import checked
from ledger.errors import BadInput, Refused, Usage
from ledger.files import Files
from ledger.recap.views import contests_of, election_of
from ledger.tally.events import (
    PHOTOS_MAX,
    Figure,
    Figures,
    FormRef,
    Photo,
    TallyCorrected,
    TallyHeld,
    TallyReleased,
    TallySubmitted,
)
from ledger.tally.rollup import contest_form
from ledger.tally.rows import Contest, Slot, Standing
from ledger.tally.rules import CompiledForm
from ledger.tally.signing import reopen_entry
from ledger.tally.state import KEYS, SLOTS, Reader, slot_key

__all__ = ["correct", "hold", "release", "submit"]

PHOTO_LIMIT_BYTES: Final = 50_000_000


def _place(state: Reader, station: str, contest: str | None) -> tuple[str, Contest, CompiledForm, Slot]:
    """Contest code, contest, form and slot.  Without --contest the station's only one is meant."""
    election_of(state)
    known_contest(state, contest)
    found = contests_of(state, station, contest)
    held = [(code, row, slot) for code, row in found if (slot := state.get(SLOTS, slot_key(code, station, 0))) is not None]
    if not held:
        raise BadInput("station-unknown", "no such station holds this contest", station=station, contest=contest or "-")
    if len(held) > 1:
        raise Usage("contest-ambiguous", "say which contest", station=station, did_you_mean=", ".join(code for code, *_ in held))
    code, row, slot = held[0]
    return code, row, contest_form(state, row), slot


def _figure_options(function: Any) -> Any:
    for decorate in (
        option(
            "--photo",
            "photos",
            multiple=True,
            metavar="PAGE:FILE",
            ind="Foto halaman formulir; boleh berulang",
            eng="Photo of a page of the form; may be repeated",
        ),
        option(
            "--source",
            default=None,
            metavar="plano|copy",
            ind="Dibaca dari plano atau salinan (semula: plano)",
            eng="Read from the plano or a copy (default: plano)",
        ),
        option(
            "--set",
            "settings",
            multiple=True,
            metavar="CODE=VALUE",
            ind="Satu angka; boleh berulang. Kosong, x, -",
            eng="One figure; may be repeated. Empty, x, -",
        ),
        option("--figures", metavar="FILE|-", ind="Angka dari TOML atau JSON", eng="Figures from TOML or JSON"),
        option(
            "--contest",
            shell_complete=complete_contest,
            metavar="CODE",
            ind="Kontes, bila TPS ini punya lebih dari satu",
            eng="The contest, where the station holds more than one",
        ),
    ):
        function = decorate(function)
    return function


@command(
    examples=(
        "ledger submit 1771010001001 --figures c-hasil.toml --photo 1:hal1.jpg --device perangkat",
        "ledger submit 1771010001001 --set dpt-l=120 --set suara-1=80 --device perangkat --yes",
    )
)
@argument("station", metavar="STATION", shell_complete=complete_area)
@_figure_options
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
) -> int:
    """Sends in the figures of one form."""
    with app.node.snapshot() as snapshot:
        code, row, form, _ = _place(snapshot.state, station, contest)
    given = _given(app, form, figures, settings, before=())
    values = tuple(given.get(figure.code) for figure in form.form.figures)
    held = _photos(photos)
    broken = show_findings(app, form, values)
    data = TallySubmitted(
        contest=code,
        station=station,
        round=0,
        form=FormRef(row.form, row.version),
        source=source or "plano",  # type: ignore[arg-type]  # `checked` holds it against the schema
        figures=values,
        photos=tuple(photo for photo, _ in held),
    )
    event = checked(data, station=station)
    device = app.device()
    _keep_photos(app, signing, held)
    blank = sum(value is None for value in values)
    question = (
        f"Kirim formulir TPS {station} ({blank} angka kosong, {broken} catatan pemeriksaan)?",
        f"Send the form of station {station} ({blank} blank figures, {broken} remarks)?",
    )
    return append(app, signing, device, [event], ask=question)


@command(
    examples=(
        "ledger correct 1771010001001 --set suara-1=81 --reason salah-baca --device perangkat",
        "ledger correct 1771010001001 --figures pleno.toml --reason pleno-kecamatan --basis 12/BA/2024 --device ppk",
    )
)
@argument("station", metavar="STATION", shell_complete=complete_area)
@_figure_options
@option(
    "--reason", required=True, metavar="CODE", ind="Alasan, satu kata kode (a-z, 0-9, -)", eng="The reason, a code (a-z, 0-9, -)"
)
@option("--basis", metavar="NUMBER", ind="Nomor dokumen dasar", eng="Number of the document it rests on")
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
    reason: str,
    basis: str | None,
) -> int:
    """Sends a correction: figures given change, the rest is taken from what stands."""
    device = app.device()
    with app.node.snapshot() as snapshot:
        state = snapshot.state
        code, row, form, slot = _place(state, station, contest)
        key = state.get(KEYS, device.state.point)
        own = key is not None and key.role == "operator"
        standing = [one for one in slot.standing if not own or (key is not None and one.seat == key.seat)]
        if not standing:
            raise Refused("nothing-to-correct", "nothing stands that this key could correct", station=station, contest=code)
        said = reopen_entry(snapshot.entry(standing[0].index)).event.data
    if not isinstance(said, TallySubmitted | TallyCorrected):
        raise BadInput("entry-not-tally", "this entry is no act on a tally", index=standing[0].index)
    before = standing[0].figures
    given = _given(app, form, figures, settings, before=before)
    _require_differing(form, standing, given)
    values = tuple(given.get(figure.code, was) for figure, was in zip(form.form.figures, before, strict=True))
    held = _photos(photos)
    data = TallyCorrected(
        contest=code,
        station=station,
        round=0,
        form=FormRef(row.form, row.version),
        source=source or said.source,  # type: ignore[arg-type]  # `checked` holds it against the schema
        figures=values,
        photos=tuple(photo for photo, _ in held) or said.photos,
        supersedes=tuple(sorted(one.event for one in standing)),
        reason=reason,
        crew=said.crew,
        agents=said.agents,
        basis=UNSET if basis is None else basis,
    )
    event = checked(data, station=station)
    _show_changes(form, before, values)
    show_findings(app, form, values)
    _keep_photos(app, signing, held)
    changed = sum(was != now for was, now in zip(before, values, strict=True))
    question = (
        f"Kirim pembetulan TPS {station} ({changed} angka berubah)?",
        f"Send the correction of station {station} ({changed} figures changed)?",
    )
    return append(app, signing, device, [event], ask=question)


def _given(app: App, form: CompiledForm, source: str | None, settings: tuple[str, ...], *, before: Figures) -> dict[str, Figure]:
    """The figures as the options give them; asked for on a terminal where none are given."""
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


# --- photos -----------------------------------------------------------------------------------------------------------------


def _photos(said: tuple[str, ...]) -> list[tuple[Photo, bytes]]:
    """Page, hash and bytes of each photo.  ``Usage`` ``photo-invalid``; ``BadInput`` where a file cannot be read."""
    if len(said) > PHOTOS_MAX:
        raise Usage("photo-invalid", f"at most {PHOTOS_MAX} photos", option="--photo")
    held = []
    for words in said:
        page, colon, name = words.partition(":")
        if not colon or not page.isdecimal() or not 1 <= int(page) <= 99:
            raise Usage("photo-invalid", "write PAGE:FILE", option="--photo", found=words)
        data = Files().read(Path(name), PHOTO_LIMIT_BYTES)
        held.append((Photo(int(page), hashlib.sha256(data).digest(), len(data)), data))
    return held


def _keep_photos(app: App, signing: Signing, held: list[tuple[Photo, bytes]]) -> None:
    """Photos lie beside the log under their own hash; a photo whose event never comes harms nobody."""
    if signing.dry_run:
        return
    files = Files()
    for photo, data in held:
        name = photo.sha256.hex()
        folder = app.folder / "photos" / name[:2]
        files.make_folder(folder)
        files.create(folder / name, data)


# --- hold and release -------------------------------------------------------------------------------------------------------


def _hold_options(function: Any) -> Any:
    for decorate in (
        option("--basis", metavar="NUMBER", ind="Nomor dokumen dasar", eng="Number of the document it rests on"),
        option(
            "--reason",
            required=True,
            metavar="CODE",
            ind="Alasan, satu kata kode (a-z, 0-9, -)",
            eng="The reason, a code (a-z, 0-9, -)",
        ),
        option(
            "--contest",
            shell_complete=complete_contest,
            metavar="CODE",
            ind="Kontes, bila TPS ini punya lebih dari satu",
            eng="The contest, where the station holds more than one",
        ),
    ):
        function = decorate(function)
    return function


@command(examples=("ledger hold 1771010001001 --reason foto-tidak-terbaca --device ppk",))
@argument("station", metavar="STATION", shell_complete=complete_area)
@_hold_options
@signing_options
def hold(app: App, signing: Signing, station: str, contest: str | None, reason: str, basis: str | None) -> int:
    """Keeps a tally out of the totals."""
    question = (f"Tahan hasil TPS {station} (tidak masuk jumlah)?", f"Keep station {station} out of the totals?")
    return _hold_or_release(app, signing, TallyHeld, station, contest, reason, basis, question)


@command(examples=("ledger release 1771010001001 --reason sudah-dicocokkan --device ppk",))
@argument("station", metavar="STATION", shell_complete=complete_area)
@_hold_options
@signing_options
def release(app: App, signing: Signing, station: str, contest: str | None, reason: str, basis: str | None) -> int:
    """Puts a held tally back into the totals."""
    question = (f"Masukkan lagi hasil TPS {station} ke jumlah?", f"Put station {station} back into the totals?")
    return _hold_or_release(app, signing, TallyReleased, station, contest, reason, basis, question)


def _hold_or_release(
    app: App,
    signing: Signing,
    act: type[TallyHeld] | type[TallyReleased],
    station: str,
    contest: str | None,
    reason: str,
    basis: str | None,
    question: tuple[str, str],
) -> int:
    with app.node.snapshot() as snapshot:
        code, *_ = _place(snapshot.state, station, contest)
    data = act(contest=code, station=station, round=0, reason=reason, basis=UNSET if basis is None else basis)
    return append(app, signing, app.device(), [checked(data, station=station)], ask=question)
