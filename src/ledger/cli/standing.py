"""``withdraw``, ``finding explain``, ``attest``: what is said of a form that stands already."""

from __future__ import annotations

from msgspec import UNSET

from ledger.cli.app import App
from ledger.cli.attachments import attach, note_option, photo_option
from ledger.cli.choosing import (
    Tally,
    basis_option,
    chosen_tally,
    contest_option,
    event_named,
    reason_option,
    standing_row,
)
from ledger.cli.completing import complete_area
from ledger.cli.figures import figure_options, given_figures
from ledger.cli.output import figure_text
from ledger.cli.program import argument, command, option
from ledger.cli.signing import Signing, append, signing_options
from ledger.cli.tables import checked
from ledger.cli.tallies import own_standing
from ledger.errors import Refused, Usage
from ledger.tally.events import Figures, FindingExplained, TallyAttested, TallyWithdrawn
from ledger.tally.rows import Standing
from ledger.tally.state import KEYS

__all__ = ["attest", "finding_explain", "withdraw"]


@command(examples=("ledger withdraw 1771010001001 --reason tps-tertukar --device perangkat",))
@argument("station", metavar="STATION", shell_complete=complete_area)
@contest_option
@reason_option
@basis_option
@note_option
@signing_options
def withdraw(
    app: App, signing: Signing, station: str, contest: str | None, reason: str, basis: str | None, note_text: str | None
) -> int:
    """Takes a form back that was sent for the wrong station or contest, twice, or as a test."""
    device = app.device()
    with app.node.snapshot() as snapshot:
        place = chosen_tally(snapshot.state, station, contest)
        standing = own_standing(place.slot.standing, snapshot.state.get(KEYS, device.state.point))
    if not standing:
        raise Refused("nothing-to-withdraw", "nothing stands that this key could withdraw", station=station, contest=place.code)
    attached = attach((), note_text)
    data = TallyWithdrawn(
        contest=place.code,
        station=station,
        round=place.round,
        withdraws=tuple(sorted(one.event for one in standing)),
        reason=reason,
        basis=UNSET if basis is None else basis,
        note=attached.note,
    )
    question = (
        f"Tarik formulir TPS {station}, kontes {place.code}, yang tercatat sebagai entri {_entries(standing)}?",
        f"Withdraw the form of station {station}, contest {place.code}, that stands as entry {_entries(standing)}?",
    )
    event = checked(data, station=station)
    return append(app, signing, device, [event], ask=question, keep=attached.keep)


def _entries(standing: list[Standing]) -> str:
    return ", ".join(str(one.index) for one in standing)


# --- findings --------------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger finding explain 1771010001001 r8 --reason tertulis-di-kertas --device perangkat",
        "ledger finding explain 1771010001001 r5 r8 --reason tertulis-di-kertas --basis 12/BA/2024 --device ppk",
    )
)
@argument("station", metavar="STATION", shell_complete=complete_area)
@argument("rules", nargs=-1, metavar="RULE...")
@contest_option
@reason_option
@basis_option
@note_option
@signing_options
def finding_explain(
    app: App,
    signing: Signing,
    station: str,
    rules: tuple[str, ...],
    contest: str | None,
    reason: str,
    basis: str | None,
    note_text: str | None,
) -> int:
    """Says of remarks that it stands so on the paper; of all remarks on the form where none is named."""
    device = app.device()
    with app.node.snapshot() as snapshot:
        place = chosen_tally(snapshot.state, station, contest)
        standing = own_standing(place.slot.standing, snapshot.state.get(KEYS, device.state.point))
    broken = list(dict.fromkeys(code for one in standing for code in one.broken))
    wanted = tuple(rules) or tuple(broken)
    meant = next((one for one in standing if wanted and set(wanted) <= set(one.broken)), None)
    if meant is None:
        raise Refused("finding-unknown", "no form of this key's has these remarks", station=station, did_you_mean=", ".join(broken))
    attached = attach((), note_text)
    data = FindingExplained(
        contest=place.code,
        station=station,
        round=place.round,
        event=meant.event,
        findings=wanted,
        reason=reason,
        basis=UNSET if basis is None else basis,
        note=attached.note,
    )
    shown = ", ".join(wanted)
    question = (
        f"Nyatakan bahwa {shown} di TPS {station} memang demikian di kertas?",
        f"Say that {shown} at station {station} stands so on the paper?",
    )
    event = checked(data, station=station)
    return append(app, signing, device, [event], ask=question, keep=attached.keep)


# --- attestations ----------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger attest 1771010001001 --agree --photo 1:salinan.jpg --device saksi",
        "ledger attest 1771010001001 --set suara-1=81 --device saksi",
    )
)
@argument("station", metavar="STATION", shell_complete=complete_area)
@contest_option
@option("--agree", is_flag=True, ind="Salinan sendiri sama dengan yang tercatat", eng="The own copy says the same")
@figure_options
@option("--event", metavar="ENTRY", ind="Entri yang dimaksud, bila bukan yang berlaku", eng="The entry meant, if not what stands")
@photo_option
@note_option
@signing_options
def attest(
    app: App,
    signing: Signing,
    station: str,
    contest: str | None,
    agree: bool,
    figures: str | None,
    settings: tuple[str, ...],
    event: str | None,
    photos: tuple[str, ...],
    note_text: str | None,
) -> int:
    """An agent or supervisor: the own copy says the same, or these other figures; what is not given is as it stands."""
    given = figures is not None or bool(settings)
    if agree == given:
        raise Usage("attestation-unclear", "say --agree, or give the own copy's figures", option="--agree")
    with app.node.snapshot() as snapshot:
        place = chosen_tally(snapshot.state, station, contest)
        named = event_named(app, event) if event else standing_row(snapshot.state, place.code, station).event
    own = _own_copy(app, place, named, figures, settings) if given else ()
    attached = attach(photos, note_text)
    data = TallyAttested(
        contest=place.code,
        station=station,
        round=place.round,
        event=named,
        photos=attached.photos,
        figures=own or UNSET,
        note=attached.note,
    )
    question = (
        f"Nyatakan salinan Anda untuk TPS {station} {'sama' if agree else 'BERBEDA'} dengan yang tercatat?",
        f"Say that your copy for station {station} is {'the same as' if agree else 'OTHER than'} what is recorded?",
    )
    said = checked(data, station=station)
    return append(app, signing, app.device(), [said], ask=question, keep=attached.keep)


def _own_copy(app: App, place: Tally, event: bytes, source: str | None, settings: tuple[str, ...]) -> Figures:
    """All figures of the own copy; what is not given is taken from the event, where that stands.  Shows what differs."""
    given = given_figures(place.form, source, settings)
    if not given:
        raise Usage("figures-missing", "the file names no figure", option="--figures")
    before = next((one.figures for one in place.slot.standing if one.event == event), ())
    codes = [figure.code for figure in place.form.form.figures]
    values = tuple(given.get(code, before[index] if before else None) for index, code in enumerate(codes))
    for index, code in enumerate(codes):
        was = before[index] if before else None
        if values[index] != was:
            app.say(
                f"  {code}: tercatat {figure_text(was)}, salinan {figure_text(values[index])}",
                f"  {code}: recorded {figure_text(was)}, copy {figure_text(values[index])}",
            )
    return values
