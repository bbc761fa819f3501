"""``read`` and ``reopen``: the plenary of an office.

``read`` states that what stands in the ledger was read aloud and agrees with the paper.  The first level that certifies reads
forms, the levels above read the certificates of the level below, and single forms by exception.  It signs one event a contest (a
further one after 500 rows), and says of everything else in the area why it is not read.  Several officers of one office read side
by side, each some villages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ledger.cli.app import App
from ledger.cli.attachments import Attached, attach, note_option
from ledger.cli.choosing import (
    acting_key,
    chosen_contest,
    contest_option,
    needed_basis_option,
    reason_option,
    stations_named,
)
from ledger.cli.completing import complete_area
from ledger.cli.language import grouped, text
from ledger.cli.output import emit
from ledger.cli.program import argument, command, option
from ledger.cli.signing import Signing, append, signing_options
from ledger.cli.speaking import known_contest
from ledger.cli.tables import checked, read_csv
from ledger.errors import BadInput, Refused
from ledger.recap.places import area_name, current_slot, election_of, placed_below, require_area
from ledger.tally.acts.plenaries import certifying_lengths, descend
from ledger.tally.events import ROWS_MAX, EventData, ReadRow, RecapRead, RecapReopened
from ledger.tally.rows import Certificate, Contest, Election, Slot
from ledger.tally.state import CERTIFICATES, CONTESTS, SLOTS, Reader, area_key

__all__ = ["read", "reopen"]

SHOWN_MAX: Final = 40
"""So many skipped rows are shown to people one by one; --json and --dry-run show all."""

_WHY: Final = {
    "not-in": ("belum masuk", "not in yet"),
    "held": ("ditahan", "held"),
    "differing": ("dua akun berbeda", "the two seats differ"),
    "already-read": ("sudah dibacakan", "read already"),
    "locked": ("sudah disahkan", "certified"),
    "stale": ("bukan lagi yang berlaku", "no longer what stands"),
    "not-certified": ("belum disahkan", "not certified"),
    "not-in-force": ("sertifikatnya tidak berlaku lagi", "its certificate is not in force"),
}


class Readable(Struct, frozen=True):
    """A form or a lower recap: the event to be read, and why it is not (''  where it is).  ``remarks``: rules that the form
    breaks."""

    contest: str
    code: str
    name: str
    round: int
    event: str
    why: str
    remarks: tuple[str, ...]


@command(
    examples=(
        "ledger read 177101 --device ppk --dry-run",
        "ledger read 177101 --village 1771010001 --village 1771010002 --device ppk-2 --yes",
        "ledger read 177101 --rows dibacakan.csv --device ppk",
    )
)
@argument("area", metavar="AREA", shell_complete=complete_area)
@option("--contest", metavar="CODE", ind="Hanya kontes ini", eng="This contest alone")
@option(
    "--village",
    "villages",
    multiple=True,
    metavar="CODE",
    ind="Hanya bagian ini; boleh berulang",
    eng="Only this part of the area; may be repeated",
)
@option("--rows", metavar="FILE|-", ind="CSV code[,contest][,event]: hanya ini", eng="CSV code[,contest][,event]: these alone")
@note_option
@signing_options
def read(
    app: App,
    signing: Signing,
    area: str,
    contest: str | None,
    villages: tuple[str, ...],
    rows: str | None,
    note_text: str | None,
) -> int:
    """States that what stands was read in the plenary and agrees with the paper."""
    device = app.device()
    with app.node.snapshot() as snapshot:
        state = snapshot.state
        election = election_of(state)
        require_area(state, area)
        known_contest(state, contest)
        scope = acting_key(state, device).scope
        named = None if rows is None else list(_named_rows(state, rows))
        found: list[Readable] = []
        for code, listed in _contests(state, election, scope, contest):
            for place in villages or (area,):
                if not place.startswith(area):
                    raise BadInput("area-unknown", "the part lies outside the area", area=place)
                require_area(state, place)
                found += _Reading(state, election, (code, listed), scope).below(place, named)
        found = [_with_name(state, row) for row in found]
    wanted = sorted({(row.contest, row.code): row for row in found if not row.why}.items())
    attached = attach((), note_text)
    events = list(_events([row for _, row in wanted], attached))
    _show(app, found, everything=signing.dry_run)
    if not events:
        app.say("Tidak ada yang dapat dibacakan.", "There is nothing to read.")
        return 0
    question = (
        f"Nyatakan {grouped(len(wanted))} hasil ini sudah dibacakan dan sama dengan kertas?",
        f"Say that these {grouped(len(wanted))} results were read and agree with the paper?",
    )
    return append(app, signing, device, events, ask=question, keep=attached.keep, independent=True)


def _contests(state: Reader, election: Election, scope: str, contest: str | None) -> list[tuple[str, Contest]]:
    """The contests whose plenary the office of ``scope`` holds.  ``BadInput`` ``level-not-certifying`` where there is none."""
    found = [
        (key.decode(), row)
        for key, row in state.under(CONTESTS)
        if contest in (None, key.decode()) and scope.startswith(row.area) and len(scope) in certifying_lengths(election, row)
    ]
    if not found:
        raise BadInput("level-not-certifying", "this office certifies no such contest", scope=scope, contest=contest or "-")
    return found


def _named_rows(state: Reader, source: str) -> Iterator[tuple[str, str, str]]:
    """(code, contest or '', event or '') of a CSV file, or of a list with one code a line."""
    for line, row in read_csv(source, needed=("code",), optional=("contest", "event")):
        if row["code"] == "":
            raise BadInput("bad-row", "the code is missing", path=source, line=line)
        require_area(state, row["code"])
        known_contest(state, row.get("contest") or None)
        yield row["code"], row.get("contest", ""), row.get("event", "").lower()


class _Reading:
    """What an office may read of one contest."""

    def __init__(self, state: Reader, election: Election, contest: tuple[str, Contest], scope: str) -> None:
        self.state = state
        self.code, self.contest = contest
        self.scope = scope
        self.is_station = election.is_station
        self.lower = next((length for length in certifying_lengths(election, self.contest) if length > len(scope)), 0)
        lengths = [length for length in election.digits[:-1] if length <= len(scope)]
        self.bound = [row for length in lengths if (row := self._certificate(scope[:length])) is not None]

    def below(self, place: str, named: list[tuple[str, str, str]] | None) -> Iterator[Readable]:
        """Everything to be read below ``place``, or of it what is ``named``."""
        if named is not None:
            for code, contest, event in named:
                if code.startswith(place) and contest in ("", self.code):
                    row = self._form_at(code) if self.is_station(code) else self._recap(code)
                    if row is not None:
                        yield row if not event or row.event.startswith(event) else _because(row, "stale")
        elif self.is_station(place):
            row = self._form_at(place)
            if row is not None:
                yield row
        elif self.lower == 0 or len(place) > self.lower:
            for placed in placed_below(self.state, self.code, place):
                yield self._form(placed.station, placed.round, placed.slot)
        elif next(self.state.under(SLOTS, area_key(self.code, place)), None) is not None:
            for code in descend(self.state, self.code, place, self.lower):
                yield self._recap(code)

    def _certificate(self, area: str) -> Certificate | None:
        return self.state.get(CERTIFICATES, area_key(self.code, area))

    def _form_at(self, station: str) -> Readable | None:
        if next(self.state.under(SLOTS, area_key(self.code, station)), None) is None:
            return None
        placed = current_slot(self.state, self.code, station)
        return self._form(station, placed.round, placed.slot)

    def _form(self, station: str, round_: int, slot: Slot) -> Readable:
        remarks = tuple(dict.fromkeys(code for one in slot.standing for code in one.broken))
        event = slot.standing[0].event.hex() if slot.standing else ""
        return Readable(self.code, station, "", round_, event, self._why(station, slot), remarks)

    def _why(self, station: str, slot: Slot) -> str:
        state = slot.state
        if state in ("none", "annulled"):
            return "not-in"
        if state in ("held", "differing"):
            return state
        if any(certificate.binds(station, slot.opened) for certificate in self.bound):
            return "locked"
        return "already-read" if slot.read else ""

    def _recap(self, area: str) -> Readable:
        certificate = self._certificate(area)
        if certificate is None:
            return Readable(self.code, area, "", 0, "", "not-certified", ())
        why = "" if certificate.in_force else "not-in-force"
        return Readable(self.code, area, "", 0, certificate.event.hex(), why or ("already-read" if certificate.read else ""), ())


def _because(row: Readable, why: str) -> Readable:
    return Readable(row.contest, row.code, row.name, row.round, row.event, why, row.remarks)


def _with_name(state: Reader, row: Readable) -> Readable:
    return Readable(row.contest, row.code, area_name(state, row.code), row.round, row.event, row.why, row.remarks)


def _events(rows: list[Readable], attached: Attached) -> Iterator[EventData]:
    """One event a contest and 500 rows; rows ascend by code."""
    for contest in dict.fromkeys(row.contest for row in rows):
        of = [ReadRow(row.code, row.round, bytes.fromhex(row.event)) for row in rows if row.contest == contest]
        for start in range(0, len(of), ROWS_MAX):
            yield checked(RecapRead(contest=contest, rows=tuple(of[start : start + ROWS_MAX]), note=attached.note))


def _show(app: App, found: list[Readable], *, everything: bool) -> None:
    """Rows as JSON; or for people how many are read, with remarks, and what is not and why.  On stderr: stdout has what became of
    the act."""
    if app.json:
        if everything:
            for row in found:
                emit(row)
        return
    for contest in dict.fromkeys(row.contest for row in found):
        rows = [row for row in found if row.contest == contest]
        ready = [row for row in rows if not row.why]
        counts = [grouped(count) for count in (len(ready), sum(bool(row.remarks) for row in ready), len(rows) - len(ready))]
        app.say(
            f"{contest}: {counts[0]} dibacakan ({counts[1]} dengan catatan pemeriksaan), {counts[2]} tidak.",
            f"{contest}: {counts[0]} to be read ({counts[1]} with remarks), {counts[2]} not.",
        )
        shown = rows if everything else [row for row in rows if row.why]
        for row in shown if everything else shown[:SHOWN_MAX]:
            remarks = f" [{', '.join(row.remarks)}]" if row.remarks else ""
            word = text(*_WHY[row.why]) if row.why else text("dibacakan", "to be read")
            app.say(f"  {row.code} {row.name}: {word}{remarks}", f"  {row.code} {row.name}: {word}{remarks}")
        if len(shown) > SHOWN_MAX and not everything:
            rest = grouped(len(shown) - SHOWN_MAX)
            app.say(f"  ... dan {rest} lagi; lihat semua: --dry-run", f"  ... and {rest} more; see all: --dry-run")


# --- reopening -------------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger reopen 177101 --reason formulir-menyusul --basis 14/BA/2024 --station 1771010001004 --device ppk",
        "ledger reopen 1771 --contest wali-kota --reason salah-jumlah --basis 20/BA/2024 --device kpu",
    )
)
@argument("area", metavar="AREA", shell_complete=complete_area)
@contest_option
@option(
    "--station",
    "stations",
    multiple=True,
    metavar="CODE",
    ind="Hanya TPS ini dibuka; boleh berulang (semula: semua)",
    eng="Open this station alone; may be repeated (default: all)",
)
@reason_option
@needed_basis_option
@note_option
@signing_options
def reopen(
    app: App,
    signing: Signing,
    area: str,
    contest: str | None,
    stations: tuple[str, ...],
    reason: str,
    basis: str,
    note_text: str | None,
) -> int:
    """Opens a certified recap again, for some stations or for all; it must be certified anew."""
    with app.node.snapshot() as snapshot:
        code = chosen_contest(snapshot.state, area, contest)
        certificate = snapshot.state.get(CERTIFICATES, area_key(code, area))
        named = stations_named(snapshot.state, stations, None) if stations else ()
        name = area_name(snapshot.state, area)
    if certificate is None:
        raise Refused("certificate-unknown", "the recap was not certified", area=area, contest=code)
    attached = attach((), note_text)
    data = RecapReopened(
        contest=code,
        area=area,
        certificate=certificate.event,
        stations=named,
        reason=reason,
        basis=basis,
        note=attached.note,
    )
    which = (f"untuk {len(named)} TPS", f"for {len(named)} stations") if named else ("untuk semua TPS", "for all stations")
    question = (
        f"Buka lagi rekap {code} {name} yang disahkan dengan {certificate.document}, {which[0]}?",
        f"Reopen the recap {code} of {name}, certified by {certificate.document}, {which[1]}?",
    )
    event = checked(data, area=area)
    return append(app, signing, app.device(), [event], ask=question, keep=attached.keep)
