"""``approve``: the second seat's word on an act that waits for it.

The act is shown in full before anything is asked: an approval is worth as much as what was looked at.  Without a name it lists what
waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ledger.cli.app import App, clock
from ledger.cli.attachments import stored_text
from ledger.cli.certifying import certificate_lines
from ledger.cli.choosing import chosen_tally, find_act
from ledger.cli.language import iso_time, local_time, printable, text
from ledger.cli.output import emit, figure_text, line
from ledger.cli.program import argument, command
from ledger.cli.signing import EVENT_SHOWN_DIGITS, Signing, append, signing_options
from ledger.cli.tables import checked
from ledger.errors import BadInput
from ledger.node import Snapshot
from ledger.recap.places import area_name, election_of
from ledger.tally.acts.approvals import APPROVAL_LIMIT_MS, waits
from ledger.tally.events import Approved, EventData, KeysEnrolled, LogRekeyed, RecapCertified, TallyCorrected, TallySubmitted
from ledger.tally.rollup import standing_figures
from ledger.tally.rows import Key, Pending
from ledger.tally.signing import key_id, reopen_entry
from ledger.tally.state import KEYS, PENDING

__all__ = ["approve"]

LISTED_MAX: Final = 20
"""Rows of a batch that are shown one by one."""


@command(
    examples=(
        "ledger approve",
        "ledger approve 3f2a9c01d4e5b6f7 --device ppk-anggota",
    )
)
@argument("event", required=False, default=None, metavar="[ENTRY|EVENT]")
@signing_options
def approve(app: App, signing: Signing, event: str | None) -> int:
    """Gives effect to an act that waits for a second seat; shows all of it first."""
    with app.node.snapshot() as snapshot:
        election_of(snapshot.state)
        if event is None:
            return _list(app, snapshot)
        event_id = find_act(snapshot.state, PENDING, event)
        pending = snapshot.state.get(PENDING, event_id)
        if pending is None:
            raise BadInput("event-not-found", "nothing waits under this id", argument=event)
        data = reopen_entry(snapshot.entry(pending.index)).event.data
        if app.json:
            if signing.dry_run:
                emit({**_object(snapshot, event_id, pending), "data": plain(data)})
        else:
            for words in _lines(app, snapshot, (event_id, pending), data):
                app.say(words, words)
    name = event_id.hex()[:EVENT_SHOWN_DIGITS]
    question = (f"Setujui {pending.type} {name}?", f"Approve {pending.type} {name}?")
    return append(app, signing, app.device(), [checked(Approved(event=event_id))], ask=question)


# --- what waits ------------------------------------------------------------------------------------------------------------------


def _list(app: App, snapshot: Snapshot) -> int:
    now = clock()
    waiting = [(event_id, row) for event_id, row in snapshot.state.under(PENDING) if row.state == "review" or waits(row, now)]
    for event_id, row in sorted(waiting, key=lambda each: each[1].index):
        said = _object(snapshot, event_id, row)
        if app.json:
            emit(said)
        else:
            line(f"#{row.index}  {said['event'][:EVENT_SHOWN_DIGITS]}  {row.type}  {said['by']}  {_until(snapshot, row)}")
    if not waiting and not app.json:
        line(text("Tidak ada yang menunggu kursi kedua.", "Nothing waits for a second seat."))
    return 0


def _until(snapshot: Snapshot, row: Pending) -> str:
    if row.state == "review":
        return text("sudah berlaku; perlu diperiksa kursi lain", "in effect; another seat should look at it")
    moment = local_time(row.time + APPROVAL_LIMIT_MS, election_of(snapshot.state).opened.zones[0])
    return text(f"sampai {moment}", f"until {moment}")


def _object(snapshot: Snapshot, event_id: bytes, row: Pending) -> dict[str, Any]:
    zone = election_of(snapshot.state).opened.zones[0]
    return {
        "event": event_id.hex(),
        "index": row.index,
        "type": row.type,
        "by": _by(snapshot.state.get(KEYS, row.key)),
        "state": row.state,
        "until": iso_time(row.time + APPROVAL_LIMIT_MS, zone),
    }


def _by(key: Key | None) -> str:
    return "-" if key is None else f"{key.role} {key.scope or '-'} / {key.seat}"


# --- what would be approved ------------------------------------------------------------------------------------------------------


def _lines(app: App, snapshot: Snapshot, what: tuple[bytes, Pending], data: EventData) -> Iterator[str]:
    event_id, row = what
    yield f"{row.type}  {event_id.hex()}"
    by = _by(snapshot.state.get(KEYS, row.key))
    yield text(f"Diajukan oleh {by}, entri {row.index}; {_until(snapshot, row)}",
               f"Proposed by {by}, entry {row.index}; {_until(snapshot, row)}")  # fmt: skip
    match data:
        case RecapCertified():
            yield from certificate_lines(snapshot.state, data, None)
        case KeysEnrolled():
            yield from _keys(snapshot, data)
        case TallySubmitted() | TallyCorrected():
            yield from _figures(snapshot, data)
        case LogRekeyed():
            yield from _rekeying(snapshot, data)
        case _:
            for name, value in plain(data).items():
                yield from _field(name, value)
    note = stored_text(app.folder, getattr(data, "note", None))
    if note is not None:
        yield text("Keterangan: ", "Text: ") + printable(note)


def _rekeying(snapshot: Snapshot, data: LogRekeyed) -> Iterator[str]:
    """The key in force and the one that would be, to compare with what the proposer read out."""
    present = election_of(snapshot.state).log_keys[-1].vkey
    if data.log_key is not msgspec.UNSET:
        yield text(f"  Kunci log:  {present}", f"  Log key:    {present}")
        yield text(f"  diganti:    {data.log_key}", f"  replaced by {data.log_key}")
    if data.sealer is not msgspec.UNSET:
        sealer = key_id(data.sealer.point).hex()
        yield text(f"  Penyegel:   {sealer}", f"  New sealer: {sealer}")
    yield text(f"  Alasan:     {data.reason}", f"  Reason:     {data.reason}")
    if data.basis is not msgspec.UNSET:
        yield text(f"  Dasar:      {data.basis}", f"  Basis:      {data.basis}")


def _keys(snapshot: Snapshot, data: KeysEnrolled) -> Iterator[str]:
    """Every key of the batch: who would sit where, until when, and the key's id to compare with the device's."""
    zone = election_of(snapshot.state).opened.zones[0]
    for row in data.keys:
        until = local_time(row.valid_until, zone) if row.valid_until else "-"
        name = area_name(snapshot.state, row.scope) if row.scope else "-"
        yield f"  {row.role} {row.scope or '-'} ({name}) / {row.seat}  {key_id(row.point).hex()[:EVENT_SHOWN_DIGITS]}  {until}"


def _figures(snapshot: Snapshot, data: TallySubmitted | TallyCorrected) -> Iterator[str]:
    """What a form would change of what stands, figure by figure; then the rest of what it says."""
    place = chosen_tally(snapshot.state, data.station, data.contest)
    before = standing_figures(place.slot, place.form)
    for index, figure in enumerate(place.form.form.figures):
        was, now = (before[index] if before else None), data.figures[index]
        if was != now:
            yield f"  {figure.code}: {figure_text(was)} -> {figure_text(now)}"
    for name, value in plain(data).items():
        if name != "figures":
            yield from _field(name, value)


def _field(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list) or not value:
        yield f"  {name}: {printable(value)}"
        return
    yield f"  {name}: {len(value)}"
    for each in value[:LISTED_MAX]:
        yield f"    {printable(each)}"
    if len(value) > LISTED_MAX:
        yield text(
            f"    ... dan {len(value) - LISTED_MAX} lagi: ledger show", f"    ... and {len(value) - LISTED_MAX} more: ledger show"
        )


def plain(data: EventData) -> dict[str, Any]:
    """Event data as JSON can say it: bytes in hex."""

    def walk(part: Any) -> Any:
        match part:
            case bytes():
                return part.hex()
            case dict():
                return {name: walk(each) for name, each in part.items()}
            case list() | tuple():
                return [walk(each) for each in part]
            case _:
                return part

    made: dict[str, Any] = walk(msgspec.to_builtins(data, builtin_types=(bytes,)))
    return made
