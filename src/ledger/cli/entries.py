"""``log`` and ``show``: the entries themselves."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.cli.app import App
from ledger.cli.language import local_time, text
from ledger.cli.output import emit, heading, line
from ledger.cli.program import argument, command, option
from ledger.cli.speaking import act_word, entry_object, facts_text, who, zone_of
from ledger.errors import BadInput, Usage
from ledger.node import Node
from ledger.recap.telling import tell
from ledger.recap.views import EntryView, election_of, entry_view
from ledger.tally.signing import OpenedEntry, reopen_entry
from ledger.tally.state import PENDING, Reader

__all__ = ["find_entry", "log", "show"]


@command(examples=("ledger log", "ledger log --from 100 --to 200 --json", "ledger log --last 20"))
@option("--from", "start", type=int, default=0, metavar="N", ind="Mulai entri ini", eng="Begin at this entry")
@option("--to", "stop", type=int, metavar="N", ind="Sebelum entri ini", eng="End before this entry")
@option("--last", type=int, metavar="N", ind="Hanya N entri terakhir", eng="The last N entries alone")
def log(app: App, start: int, stop: int | None, last: int | None) -> None:
    """One line an entry: index, time, what, who, where."""
    if start < 0 or (stop is not None and stop < 0) or (last is not None and last < 0):
        raise Usage("argument-invalid", "entries are counted from 0", command="ledger log", argument="--from, --to, --last")
    with app.node.snapshot() as snapshot:
        state = snapshot.state
        opened = election_of(state).opened
        if last is not None:
            start = max(start, snapshot.size - last)
        if not app.json:
            heading(opened.kind, opened.name)
        with app.node.entries(start, min(snapshot.size, snapshot.size if stop is None else stop)) as rows:
            for row in rows:
                view = entry_view(state, reopen_entry(row.entry))
                zone = zone_of(state, view.station)
                if app.json:
                    emit(entry_object(view, zone))
                else:
                    line(_entry_line(state, view, zone))


def _entry_line(state: Reader, view: EntryView, zone: str) -> str:
    where = view.station or view.area
    place = "".join(f" {part}" for part in (where, view.contest) if part)
    if view.approves:
        proposal = state.get(PENDING, bytes.fromhex(view.approves))
        place += "" if proposal is None else f" #{proposal.index} {proposal.type}"
    reason = f" [{view.reason}]" if view.reason else ""
    void = text(f" TIDAK BERLAKU: {view.void}", f" WITHOUT EFFECT: {view.void}") if view.void else ""
    waits = f" {pending_text(view)}" if view.pending and not void else ""
    return f"{view.index:>7}  {local_time(view.sequenced_at, zone)}  {view.type}{place}{reason}  {who(view)}{void}{waits}"


def pending_text(view: EntryView) -> str:
    """Where an act stands that a second seat approves or looks at."""
    words = {
        "waits": ("[menunggu kursi kedua]", "[waits for a second seat]"),
        "approved": ("[disetujui kursi kedua]", "[approved by a second seat]"),
        "expired": ("[kedaluwarsa]", "[expired]"),
        "review": ("[berlaku, perlu ditinjau]", "[in effect, to be reviewed]"),
    }
    return text(*words[view.pending]) if view.pending in words else ""


def find_entry(node: Node, said: str) -> int:
    """An index or an event id (64 hex digits).  ``BadInput`` ``entry-unknown``."""
    if said.isascii() and said.isdecimal() and len(said) < 20:
        size = node.head().size
        if int(said) < size:
            return int(said)
        raise BadInput("entry-unknown", "the log is not that long", index=said, size=size)
    try:
        event_id = bytes.fromhex(said)
    except ValueError:
        event_id = b""
    index = node.find(event_id) if len(event_id) == 32 else None
    if index is None:
        raise BadInput("entry-unknown", "no entry has this index or event id", argument=said)
    return index


@command(examples=("ledger show 17", "ledger show 3f2a...c9 --json"))
@argument("entry", metavar="INDEX|EVENT")
def show(app: App, entry: str) -> None:
    """One entry: its place, its signer, what it says, and its bytes in hex."""
    index = find_entry(app.node, entry)
    with app.node.snapshot() as snapshot:
        state = snapshot.state
        data = snapshot.entry(index)
        opened = reopen_entry(data)
        view = entry_view(state, opened)
        zone = zone_of(state, view.station)
        if app.json:
            emit(_entry_in_full(view, zone, opened, data))
            return
        _show_entry(state, view, zone, opened, data)


def _entry_in_full(view: EntryView, zone: str, opened: OpenedEntry, data: bytes) -> dict[str, Any]:
    return {
        **entry_object(view, zone),
        "chain": opened.chain.hex(),
        "leaf": opened.leaf.hex(),
        "previous": None if opened.event.previous is None else opened.event.previous.hex(),
        "signature": opened.event.signature.hex(),
        "data": _plain(opened.event.data),
        "entry": data.hex(),
    }


def _plain(value: object) -> Any:
    """Event data as JSON: bytes in hex."""
    plain = msgspec.to_builtins(value, builtin_types=(bytes,))

    def walk(part: Any) -> Any:
        if isinstance(part, bytes):
            return part.hex()
        if isinstance(part, dict):
            return {name: walk(item) for name, item in part.items()}
        if isinstance(part, list | tuple):
            return [walk(item) for item in part]
        return part

    return walk(plain)


def _effect(view: EntryView) -> str:
    if view.void:
        return text(f"TIDAK: {view.void}", f"NONE: {view.void}")
    if view.pending == "waits":
        return text("belum: menunggu kursi kedua", "not yet: waits for a second seat")
    if view.pending == "approved" and view.type != "keys.enrolled":
        return text("melalui persetujuan kursi kedua", "by the second seat's approval")
    return text("ya", "yes")


def _show_entry(state: Reader, view: EntryView, zone: str, opened: OpenedEntry, data: bytes) -> None:
    election = election_of(state).opened
    heading(election.kind, election.name)
    event = opened.event
    rows = (
        (text("entri", "entry"), str(view.index)),
        (text("jenis", "type"), view.type),
        (text("masuk log", "sequenced"), local_time(view.sequenced_at, zone)),
        (text("jam perangkat", "device clock"), local_time(view.claimed_at, zone)),
        (text("oleh", "by"), who(view)),
        (text("kunci", "key"), view.key),
        (text("posisi", "position"), str(view.position)),
        (text("sebelumnya", "previous"), "-" if event.previous is None else event.previous.hex()),
        (text("id peristiwa", "event id"), view.event_id),
        (text("rantai", "chain"), opened.chain.hex()),
        (text("daun", "leaf"), opened.leaf.hex()),
        (text("tanda tangan", "signature"), event.signature.hex()),
        (text("berlaku", "effect"), _effect(view)),
    )
    for name, value in rows:
        line(f"{name:<14} {value}")
    told = tell(state, event.data)
    line()
    line(act_word(told.word))
    for said in facts_text(told.facts, zone):
        line(f"  {said}")
    line()
    line(msgspec.json.format(msgspec.json.encode(_plain(event.data)), indent=2).decode())
    line()
    text_hex = data.hex()
    for at in range(0, len(text_hex), 96):
        line(text_hex[at : at + 96])
