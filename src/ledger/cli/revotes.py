"""``revote order``, ``revote withdraw``, ``postpone``: votes that are held again, or later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ledger.cli.app import App
from ledger.cli.attachments import attach, note_option
from ledger.cli.choosing import (
    chosen_contest,
    contest_option,
    day_of,
    find_act,
    needed_basis_option,
    one_of,
    reason_option,
    stations_named,
)
from ledger.cli.completing import complete_area
from ledger.cli.program import argument, command, option
from ledger.cli.signing import Signing, append, signing_options
from ledger.cli.tables import checked
from ledger.tally.eventdata.words import BATCH_STATIONS_MAX
from ledger.tally.events import EventData, RevoteOrdered, RevoteWithdrawn, VotePostponed
from ledger.tally.rows import Revote
from ledger.tally.state import REVOTES

__all__ = ["postpone", "revote_order", "revote_withdraw"]

POSTPONEMENTS: Final = ("psl", "pss", "resumed")
REVOTES_KINDS: Final = ("psu", "psu-mk")

_stations_option: Final = option(
    "--stations",
    "stations_file",
    metavar="FILE|-",
    ind="Daftar TPS, satu kode per baris",
    eng="A list of stations, one code a line",
)


def _chosen(app: App, codes: tuple[str, ...], source: str | None, contest: str | None) -> tuple[str, tuple[str, ...]]:
    """The contest, and all stations that were named, in code order."""
    with app.node.snapshot() as snapshot:
        stations = stations_named(snapshot.state, codes, source)
        return chosen_contest(snapshot.state, stations[0], contest), stations


def _batched(stations: tuple[str, ...], made: Callable[[tuple[str, ...]], EventData]) -> list[EventData]:
    """One event for up to 200 stations."""
    return [checked(made(stations[start : start + BATCH_STATIONS_MAX])) for start in range(0, len(stations), BATCH_STATIONS_MAX)]


@command(
    examples=(
        "ledger revote order 1771010001001 --day 2024-12-07 --reason memilih-dua-kali --basis 45/KPU/2024 --device kpu",
        "ledger revote order --stations tps.txt --kind psu-mk --day 2025-03-22 --reason putusan --basis 1/PHPU/2025 --device kpu",
    )
)
@argument("stations", nargs=-1, metavar="[STATION...]", shell_complete=complete_area)
@_stations_option
@contest_option
@option("--kind", default="psu", metavar="psu|psu-mk", ind="PSU, atau perintah MK", eng="A revote, or by the court's order")
@option("--day", required=True, metavar="YYYY-MM-DD", ind="Hari pemungutan ulang", eng="The day of the revote")
@reason_option
@needed_basis_option
@note_option
@signing_options
def revote_order(
    app: App,
    signing: Signing,
    stations: tuple[str, ...],
    stations_file: str | None,
    contest: str | None,
    kind: str,
    day: str,
    reason: str,
    basis: str,
    note_text: str | None,
) -> int:
    """Annuls the vote at stations and orders it again: the old round leaves the totals at once."""
    word = one_of(kind, REVOTES_KINDS, "--kind", "revote order")
    when = day_of(day, "--day")
    code, named = _chosen(app, stations, stations_file, contest)
    attached = attach((), note_text)

    def made(some: tuple[str, ...]) -> EventData:
        return RevoteOrdered(contest=code, stations=some, kind=word, day=when, reason=reason, basis=basis, note=attached.note)

    question = (
        f"Perintahkan pemungutan suara ulang {code} di {len(named)} TPS pada {when}?",
        f"Order the vote for {code} at {len(named)} stations again on {when}?",
    )
    events = _batched(named, made)
    return append(app, signing, app.device(), events, ask=question, keep=attached.keep, independent=True)


@command(examples=("ledger revote withdraw 3f2a9c01d4e5 --reason putusan-diubah --basis 46/KPU/2024 --device kpu",))
@argument("order", metavar="ENTRY|EVENT")
@reason_option
@needed_basis_option
@note_option
@signing_options
def revote_withdraw(app: App, signing: Signing, order: str, reason: str, basis: str, note_text: str | None) -> int:
    """Withdraws an order: the round that it annulled stands again."""
    with app.node.snapshot() as snapshot:
        event = find_act(snapshot.state, REVOTES, order)
        row = snapshot.state.get(REVOTES, event)
    count = len(row.rounds) if isinstance(row, Revote) else 0
    attached = attach((), note_text)
    data = RevoteWithdrawn(order=event, reason=reason, basis=basis, note=attached.note)
    question = (
        f"Tarik perintah pemungutan suara ulang di {count} TPS?",
        f"Withdraw the order of a revote at {count} stations?",
    )
    said = checked(data, order=order)
    return append(app, signing, app.device(), [said], ask=question, keep=attached.keep)


@command(
    examples=(
        "ledger postpone 1771010001004 --kind pss --until 2024-12-04 --reason banjir --basis 44/KPU/2024 --device kpu",
        "ledger postpone 1771010001004 --kind resumed --until 2024-12-04 --reason selesai --basis 47/KPU/2024 --device kpu",
    )
)
@argument("stations", nargs=-1, metavar="[STATION...]", shell_complete=complete_area)
@_stations_option
@contest_option
@option(
    "--kind",
    required=True,
    metavar="psl|pss|resumed",
    ind="Lanjutan (psl), susulan (pss), atau berjalan lagi",
    eng="Continued (psl), held later (pss), or resumed",
)
@option("--until", required=True, metavar="YYYY-MM-DD", ind="Hari pemungutannya", eng="The day on which it is held")
@reason_option
@needed_basis_option
@note_option
@signing_options
def postpone(
    app: App,
    signing: Signing,
    stations: tuple[str, ...],
    stations_file: str | None,
    contest: str | None,
    kind: str,
    until: str,
    reason: str,
    basis: str,
    note_text: str | None,
) -> int:
    """Says that a vote is continued or held on another day; it stays the same round."""
    word = one_of(kind, POSTPONEMENTS, "--kind", "postpone")
    day = day_of(until, "--until")
    code, named = _chosen(app, stations, stations_file, contest)
    attached = attach((), note_text)

    def made(some: tuple[str, ...]) -> EventData:
        return VotePostponed(contest=code, stations=some, kind=word, until=day, reason=reason, basis=basis, note=attached.note)

    question = (f"Catat {word} {code} di {len(named)} TPS, {day}?", f"Record {word} of {code} at {len(named)} stations, {day}?")
    events = _batched(named, made)
    return append(app, signing, app.device(), events, ask=question, keep=attached.keep, independent=True)
