"""``amend``, ``candidate``, ``area amend``: what changes of the election once it is open.  None of it touches a number."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from ledger.cli.app import App
from ledger.cli.choosing import moment_of, needed_basis_option, one_of, reason_option
from ledger.cli.keys import hex_bytes
from ledger.cli.program import argument, command, option
from ledger.cli.setup import ADMINISTRATOR, voters_cell
from ledger.cli.signing import Signing, append, signing_options
from ledger.cli.speaking import known_contest
from ledger.cli.tables import checked, near, read_csv, read_document
from ledger.errors import BadInput
from ledger.recap.places import election_of
from ledger.tally.events import (
    AreaRow,
    CandidateChanged,
    Cutoff,
    Deadline,
    ElectionAmended,
    JurisdictionsAmended,
    MergedRow,
    Power,
    Registrar,
    StationRow,
    VotersRow,
)
from ledger.tally.state import AREAS, CONTESTS, Reader

__all__ = ["amend", "area_amend", "candidate"]

ROOT: Final = "root-1"
CHANGES: Final = ("withdrawn", "disqualified", "replaced", "restored")


# --- the manifest ----------------------------------------------------------------------------------------------------------------

_MANIFEST_KEYS: Final = ("reason", "basis", "cutoffs", "powers", "deadlines", "second_seats", "registrars")
_TABLES: Final = {
    "cutoffs": ("role", "time"),
    "powers": ("act", "levels", "basis"),
    "deadlines": ("level", "opens", "closes"),
    "registrars": ("request", "roles"),
}


@command(examples=("ledger amend perubahan.toml --device root-1", "ledger amend perubahan.toml --dry-run --device root-1"))
@argument("file", metavar="FILE.toml")
@signing_options
def amend(app: App, signing: Signing, file: str) -> int:
    """Says anew what entry 0 said: cut-offs, powers, deadlines, second seats, further registrars.  What is absent stays."""
    said = read_document(file)
    if not isinstance(said, dict):
        raise BadInput("bad-document", "a table is expected", path=file)
    _known_keys(said, _MANIFEST_KEYS, file)
    for key in ("reason", "basis"):
        if key not in said:
            raise BadInput("column-missing", "the table lacks it", path=file, column=key)
    tables = {name: _tables(said, name, file) for name in _TABLES}
    with app.node.snapshot() as snapshot:
        state = snapshot.state
        cutoffs = tuple(Cutoff(row["role"], _time(state, row["time"], file)) for row in tables["cutoffs"])
        deadlines = tuple(
            Deadline(row["level"], _time(state, row["opens"], file), _time(state, row["closes"], file))
            for row in tables["deadlines"]
        )
    powers = tuple(Power(row["act"], tuple(row["levels"]), int(bool(row["basis"]))) for row in tables["powers"])  # type: ignore[arg-type]
    data = ElectionAmended(
        reason=said["reason"],
        basis=said["basis"],
        cutoffs=cutoffs if "cutoffs" in said else UNSET,
        powers=powers if "powers" in said else UNSET,
        deadlines=deadlines if "deadlines" in said else UNSET,
        second_seats=tuple(said["second_seats"]) if "second_seats" in said else UNSET,
        registrars=tuple(_registrar(row, file) for row in tables["registrars"]) if "registrars" in said else UNSET,
    )
    changed = ", ".join(key for key in _MANIFEST_KEYS[2:] if key in said)
    question = (f"Ubah aturan pemilihan: {changed}?", f"Amend the election: {changed}?")
    return append(app, signing, app.device(ROOT), [checked(data, path=file)], ask=question)


def _known_keys(said: Mapping[str, Any], known: Sequence[str], path: str) -> None:
    for key in said:
        if key not in known:
            raise BadInput("column-unknown", "no such key is read", path=path, column=key, did_you_mean=near(key, known))


def _tables(said: Mapping[str, Any], name: str, path: str) -> list[dict[str, Any]]:
    """``[[name]]``: tables that each have exactly the keys of their kind."""
    rows = said.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput("bad-document", f"[[{name}]] are tables", path=path)
    for row in rows:
        _known_keys(row, _TABLES[name], path)
        for key in _TABLES[name]:
            if key not in row:
                raise BadInput("column-missing", f"a table of {name} lacks it", path=path, column=key)
            if key in ("levels", "roles") and not isinstance(row[key], list):
                raise BadInput("bad-value", "a list of words is expected", path=path, column=key)
    return rows


def _time(state: Reader, said: Any, path: str) -> int:
    """A moment in ms since 1970: a TOML time, or YYYY-MM-DDTHH:MM in the election's zone."""
    if isinstance(said, datetime.datetime):
        said = said.isoformat()
    if not isinstance(said, str):
        raise BadInput("bad-value", "write a time as YYYY-MM-DDTHH:MM", path=path)
    return moment_of(state, said, path)


def _registrar(row: dict[str, Any], path: str) -> Registrar:
    """A further registrar body, from the request that ``ledger key new --role registrar`` wrote: its proof is over this ledger."""
    said = read_document(str(row["request"]))
    if not isinstance(said, dict) or said.get("role") != "registrar":
        raise BadInput("bad-value", "a request of a key of role registrar is expected", path=str(row["request"]))
    point, proof = hex_bytes(said.get("point"), 65, path), hex_bytes(said.get("proof"), 64, path)
    return Registrar(str(said.get("seat")), point, str(said.get("scope", "")), tuple(row["roles"]), proof)


# --- candidates ------------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger candidate wali-kota 2 disqualified --reason putusan --basis 88/KPU/2024 --device kpu",
        "ledger candidate wali-kota 2 replaced --name 'Pasangan Baru' --reason wafat --basis 89/KPU/2024 --device kpu",
    )
)
@argument("contest", metavar="CONTEST")
@argument("number", type=int, metavar="NUMBER")
@argument("change", metavar="CHANGE")
@option("--name", metavar="TEXT", ind="Nama pengganti (replaced)", eng="Who stands in the place (replaced)")
@reason_option
@needed_basis_option
@signing_options
def candidate(app: App, signing: Signing, contest: str, number: int, change: str, name: str | None, reason: str, basis: str) -> int:
    """A candidate is withdrawn, disqualified, replaced, or restored; the votes stay as the papers say."""
    one_of(change, CHANGES, "CHANGE", "candidate")
    with app.node.snapshot() as snapshot:
        known_contest(snapshot.state, contest)
        listed = snapshot.state.get(CONTESTS, contest.encode())
    who = next((each.name for each in listed.candidates if each.number == number), "-") if listed is not None else "-"
    data = CandidateChanged(
        contest=contest,
        number=number,
        change=change,  # type: ignore[arg-type]  # one of CHANGES
        reason=reason,
        basis=basis,
        name=UNSET if name is None else name,
    )
    question = (f"Catat calon {number} ({who}): {change}?", f"Record candidate {number} ({who}): {change}?")
    return append(app, signing, app.device(), [checked(data, contest=contest)], ask=question)


# --- areas and stations ----------------------------------------------------------------------------------------------------------

_ACTIONS: Final = ("add", "merge", "cancel", "correct", "voters")
_COLUMNS: Final = ("name", "zone", "voters_male", "voters_female", "contests", "into")


@command(
    examples=(
        "ledger area amend perubahan.csv --reason daftar-baru --basis 21/KPU/2024",
        "ledger area amend - --reason tps-digabung --basis 22/KPU/2024 < perubahan.csv",
    )
)
@argument("file", metavar="FILE.csv|FILE.toml")
@reason_option
@needed_basis_option
@signing_options
def area_amend(app: App, signing: Signing, file: str, reason: str, basis: str) -> int:
    """Adds, merges, cancels and corrects areas and stations: action,code[,name,zone,voters_male,voters_female,contests,into].

    ``voters`` gives registered voters of one contest at a station.  A correction's empty cells stay as they are.
    """
    rows = list(_rows(file))
    if not rows:
        raise BadInput("file-empty", "no area and no station", path=file)
    with app.node.snapshot() as snapshot:
        made = _Amendment(snapshot.state, file)
        for line, row in rows:
            made.take(line, row)
    data = JurisdictionsAmended(
        reason=reason,
        basis=basis,
        areas=tuple(sorted(made.areas, key=lambda area: (len(area.code), area.code))),
        added=tuple(made.added),
        merged=tuple(made.merged),
        cancelled=tuple(made.cancelled),
        corrected=tuple(made.corrected),
        voters=tuple(made.voters),
    )
    question = (f"Catat {len(rows)} perubahan wilayah dan TPS?", f"Record {len(rows)} changes of areas and stations?")
    return append(app, signing, app.device(ADMINISTRATOR), [checked(data, path=file)], ask=question)


def _rows(file: str) -> list[tuple[int, dict[str, str]]]:
    """(line, row) of a CSV file, or (number, row) of a TOML file's [[rows]]."""
    if not file.endswith((".toml", ".json")):
        return list(read_csv(file, needed=("action", "code"), optional=_COLUMNS))
    said = read_document(file)
    rows = said.get("rows") if isinstance(said, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and {"action", "code"} <= set(row) for row in rows):
        raise BadInput("bad-document", "[[rows]] with action and code are expected", path=file)
    for row in rows:
        _known_keys(row, ("action", "code", *_COLUMNS), file)
    return [(number, {name: _cell(cell) for name, cell in row.items()}) for number, row in enumerate(rows, 1)]


def _cell(said: Any) -> str:
    return " ".join(str(each) for each in said) if isinstance(said, list) else str(said)


class _Amendment:
    """The rows of a file, by what they change.  ``BadInput`` names the line of what is wrong."""

    def __init__(self, state: Reader, path: str) -> None:
        self._state = state
        self._path = path
        self._opened = election_of(state).opened
        self.areas: list[AreaRow] = []
        self.added: list[StationRow] = []
        self.merged: list[MergedRow] = []
        self.cancelled: list[str] = []
        self.corrected: list[StationRow] = []
        self.voters: list[VotersRow] = []

    def take(self, line: int, row: dict[str, str]) -> None:
        """One row."""
        action, code = row["action"], row["code"]
        match action:
            case "add" if len(code) != self._opened.levels[-1].digits:
                self.areas.append(AreaRow(code, row.get("name", "")))
            case "add":
                self.added.append(self._station(line, row))
            case "merge":
                self.merged.append(MergedRow(code, row.get("into", "")))
            case "cancel":
                self.cancelled.append(code)
            case "correct":
                self.corrected.append(self._station(line, row))
            case "voters":
                male, female = (voters_cell(row, column, self._path, line) for column in ("voters_male", "voters_female"))
                self.voters.append(VotersRow(code, row.get("contests", ""), male, female))
            case _:
                detail = f"an action is one of {', '.join(_ACTIONS)}"
                raise BadInput("bad-row", detail, path=self._path, line=line, column="action", did_you_mean=near(action, _ACTIONS))

    def _station(self, line: int, row: dict[str, str]) -> StationRow:
        """A station's whole row; what is empty is as it stands, for a new station the election's first zone and every contest
        there."""
        code = row["code"]
        before = self._state.get(AREAS, code.encode())
        contests = tuple(row["contests"].split()) if row.get("contests") else ()
        male, female = (voters_cell(row, column, self._path, line) for column in ("voters_male", "voters_female"))
        if before is not None:
            male = before.voters_male if male is None else male
            female = before.voters_female if female is None else female
        else:
            listed = ((key.decode(), contest) for key, contest in self._state.under(CONTESTS))
            contests = contests or tuple(each for each, contest in listed if code.startswith(contest.area))
        return StationRow(
            code,
            row.get("name") or (before.name if before is not None else ""),
            row.get("zone") or (before.zone if before is not None else self._opened.zones[0]),
            male,
            female,
            contests or (before.contests if before is not None else ()),
        )
