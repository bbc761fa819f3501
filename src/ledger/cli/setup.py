"""``form add``, ``contest add``, ``area add``: what the administrator lists, from files."""

from __future__ import annotations

from typing import Any, Final

from ledger.cli.app import App
from ledger.cli.program import argument, command, option
from ledger.cli.signing import Signing, append, signing_options
from ledger.cli.tables import batches, checked, near, read_csv, read_document
from ledger.errors import BadInput
from ledger.recap.views import election_of
from ledger.tally.events import (
    AreaRow,
    Candidate,
    ContestRow,
    ContestsListed,
    EventData,
    FormsDefined,
    JurisdictionsListed,
    StationRow,
)
from ledger.tally.forms import SHIPPED_FORMS, shipped_form
from ledger.tally.rows import Contest
from ledger.tally.state import CONTESTS

__all__ = ["ADMINISTRATOR", "area_add", "contest_add", "form_add", "voters_cell"]

ADMINISTRATOR: Final = "administrator"
BATCH_AREAS: Final = 1_000


@command(examples=("ledger form add kwk-wali-kota --candidates 5",))
@argument("name", metavar="NAME")
@option("--candidates", type=int, required=True, metavar="N", ind="Banyaknya pasangan calon", eng="Number of candidates")
@signing_options
def form_add(app: App, signing: Signing, name: str, candidates: int) -> int:
    """Defines a shipped form."""
    if name not in SHIPPED_FORMS:
        mean = near(name, SHIPPED_FORMS) or ", ".join(SHIPPED_FORMS)
        raise BadInput("shipped-form-unknown", "there is no such form", form=name, did_you_mean=mean)
    form = shipped_form(name, candidates)
    question = (
        f"Tetapkan formulir {form.code} ({len(form.figures)} angka, {len(form.rules)} aturan)?",
        f"Define form {form.code} ({len(form.figures)} figures, {len(form.rules)} rules)?",
    )
    return append(app, signing, app.device(ADMINISTRATOR), [checked(FormsDefined((form,)))], ask=question)


@command(examples=("ledger contest add kontes.toml", "ledger contest add - < kontes.toml"))
@argument("file", metavar="FILE.toml")
@signing_options
def contest_add(app: App, signing: Signing, file: str) -> int:
    """Lists contests: one table, or [[contests]]."""
    said = read_document(file)
    if not isinstance(said, dict):
        raise BadInput("bad-document", "a table is expected", path=file)
    tables = said.get("contests", [said])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise BadInput("bad-document", "[[contests]] are tables", path=file)
    rows = [_contest(table, file) for table in tables]
    events = [checked(ContestsListed(batch), path=file) for batch in batches(rows, most=200)]
    question = (f"Daftarkan {len(rows)} kontes?", f"List {len(rows)} contests?")
    return append(app, signing, app.device(ADMINISTRATOR), events, ask=question)


_CONTEST_KEYS: Final = ("code", "name_id", "name_en", "form", "version", "area", "candidates", "certifying", "deciding")


def _contest(table: dict[str, Any], path: str) -> ContestRow:
    for key in table:
        if key not in _CONTEST_KEYS:
            raise BadInput("column-unknown", "no such key is read", path=path, column=key, did_you_mean=near(key, _CONTEST_KEYS))
    for key in ("code", "name_id", "form", "area", "candidates", "deciding"):
        if key not in table:
            raise BadInput("column-missing", "the table lacks it", path=path, column=key)
    candidates = table["candidates"]
    if not isinstance(candidates, list):
        raise BadInput("bad-value", "candidates are a list of names or tables", path=path, column="candidates")
    return ContestRow(
        table["code"],
        table["name_id"],
        table.get("name_en", table["name_id"]),
        table["form"],
        table.get("version", 1),
        table["area"],
        tuple(_candidate(number, candidate, path) for number, candidate in enumerate(candidates, 1)),
        tuple(table.get("certifying", ())),
        table["deciding"],
    )


def _candidate(number: int, said: Any, path: str) -> Candidate:
    if isinstance(said, str):
        return Candidate(number, said, "candidate")
    if not isinstance(said, dict) or not set(said) <= {"number", "name", "kind"} or "name" not in said:
        raise BadInput("bad-value", "a candidate is a name, or a table of number, name and kind", path=path, column="candidates")
    return Candidate(said.get("number", number), said["name"], said.get("kind", "candidate"))


# --- areas ------------------------------------------------------------------------------------------------------------------


@command(examples=("ledger area add wilayah.csv --yes", "cat tps.csv | ledger area add - --yes"))
@argument("file", metavar="FILE.csv")
@signing_options
def area_add(app: App, signing: Signing, file: str) -> int:
    """Lists areas and stations: code,name[,zone,voters_male,voters_female,contests]."""
    with app.node.snapshot() as snapshot:
        opened = election_of(snapshot.state).opened
        contests = {key.decode(): contest for key, contest in snapshot.state.under(CONTESTS)}
    areas: list[AreaRow] = []
    stations: list[StationRow] = []
    optional = ("zone", "voters_male", "voters_female", "contests")
    for line, row in read_csv(file, needed=("code", "name"), optional=optional):
        if len(row["code"]) != opened.levels[-1].digits:
            areas.append(AreaRow(row["code"], row["name"]))
            continue
        stations.append(
            StationRow(
                row["code"],
                row["name"],
                row.get("zone") or opened.zones[0],
                voters_cell(row, "voters_male", file, line),
                voters_cell(row, "voters_female", file, line),
                tuple(row["contests"].split()) if row.get("contests") else _contests_at(contests, row["code"]),
            )
        )
    if not areas and not stations:
        raise BadInput("file-empty", "no area and no station", path=file)
    areas.sort(key=lambda area: (len(area.code), area.code))  # an area stands before what lies in it
    events: list[EventData] = [checked(JurisdictionsListed(batch, ()), path=file) for batch in batches(areas, most=BATCH_AREAS)]
    events += [checked(JurisdictionsListed((), batch), path=file) for batch in batches(stations, most=BATCH_AREAS)]
    question = (
        f"Daftarkan {len(areas)} wilayah dan {len(stations)} TPS?",
        f"List {len(areas)} areas and {len(stations)} polling stations?",
    )
    return append(app, signing, app.device(ADMINISTRATOR), events, ask=question)


def voters_cell(row: dict[str, str], column: str, path: str, line: int) -> int | None:
    """Registered voters in a cell; None where it is empty.  ``BadInput`` ``bad-row``."""
    said = row.get(column, "")
    if not said:
        return None
    if not said.isdecimal():
        raise BadInput("bad-row", "registered voters are a number", path=path, line=line, column=column)
    return int(said)


def _contests_at(contests: dict[str, Contest], station: str) -> tuple[str, ...]:
    """Every listed contest whose area holds the station."""
    return tuple(code for code, contest in contests.items() if station.startswith(contest.area))
