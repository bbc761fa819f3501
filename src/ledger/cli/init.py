"""``init``: a new ledger, of one's own or the example."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.cli.app import App
from ledger.cli.choosing import one_of
from ledger.cli.example import make_example
from ledger.cli.language import text
from ledger.cli.opening import DEFAULT_LEVELS, DEFAULT_ZONE, KINDS, open_ledger, parse_levels, show_opened
from ledger.cli.program import argument, command, option
from ledger.cli.signing import passphrase_from, passphrase_options
from ledger.errors import BadInput, Usage

if TYPE_CHECKING:
    from ledger.scenario.founding import Rules

__all__ = ["init"]

PAIR: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
PAIR_MAX: Final = 28
"""Of 32 in a seat's label; the two seats add theirs."""


@command(
    examples=(
        "ledger init pilkada --name 'Pilkada 2024' --day 2024-11-27 --origin tally.kpu-bengkulukota.example/2024",
        "ledger init pilwako --name Pilwako --day 2024-11-27 --origin tally.example/2024 --pair wali-kota-1 --pair wali-kota-2",
        "ledger init coba --example",
    )
)
@argument("folder", metavar="DIR")
@option("--name", metavar="TEXT", ind="Nama pemilihan", eng="The election's name")
@option("--day", metavar="YYYY-MM-DD", ind="Hari pemungutan suara", eng="Polling day")
@option(
    "--origin",
    metavar="NAME",
    ind="Nama log di dunia, misalnya alamat tanpa https://",
    eng="The log's name in the world, e.g. an address without https://",
)
@option("--kind", default="official", metavar="KIND", ind=f"Jenis: {', '.join(KINDS)}", eng=f"Kind: {', '.join(KINDS)}")
@option(
    "--levels",
    default=DEFAULT_LEVELS,
    metavar="NAME:N,...",
    ind="Tingkat wilayah dan panjang kodenya",
    eng="Levels of the area tree and their code lengths",
)
@option("--zone", "zones", multiple=True, metavar="ZONE", ind="Zona waktu; boleh lebih dari satu", eng="Time zone; may be repeated")
@option(
    "--pair",
    "pairs",
    multiple=True,
    metavar="LABEL",
    ind="Pasangan calon yang mendaftarkan saksinya sendiri; boleh berulang",
    eng="Candidate pair that enrols its own agents; may be repeated",
)
@option(
    "--simple",
    is_flag=True,
    ind="Satu kantor pendaftar, tanpa kursi kedua dan aturan pleno",
    eng="One registrar, no second seats and no plenary rules",
)
@option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="VKEY",
    ind="Kunci peneguh log yang disebut entri 0; boleh berulang",
    eng="A log witness's key that entry 0 names; may be repeated",
)
@option(
    "--quorum",
    type=int,
    default=0,
    metavar="N",
    ind="Berapa di antaranya yang wajib meneguhkan setiap checkpoint",
    eng="How many of them must cosign every checkpoint",
)
@option("--example", is_flag=True, ind="Pemilihan kecil yang siap dicoba", eng="A small election, ready to play with")
@passphrase_options
def init(
    app: App,
    folder: str,
    name: str | None,
    day: str | None,
    origin: str | None,
    kind: str,
    levels: str,
    zones: tuple[str, ...],
    pairs: tuple[str, ...],
    simple: bool,
    witnesses: tuple[str, ...],
    quorum: int,
    example: bool,
    passphrase_file: str | None,
    passphrase_fd: int | None,
) -> None:
    """Makes a ledger."""
    place = Path(folder)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise BadInput("folder-not-empty", "a ledger is made in a new or empty folder", path=folder)
    if example:
        make_example(app, place)
        return
    for value, flag in ((name, "--name"), (day, "--day"), (origin, "--origin")):
        if not value:
            raise Usage("argument-missing", "a new election needs it", command="ledger init", argument=flag)
    one_of(kind, KINDS, "--kind", "init")
    try:
        datetime.date.fromisoformat(str(day))
    except ValueError:
        raise Usage("argument-invalid", "a day is YYYY-MM-DD", command="ledger init", argument="--day") from None
    for pair in pairs:
        if not PAIR.fullmatch(pair) or len(pair) > PAIR_MAX:
            detail = "a label has 1 to 28 of a-z, 0-9 and -"
            raise Usage("argument-invalid", detail, command="ledger init", argument=f"--pair {pair}")
    rules = None if simple else _rules(levels, str(day), pairs)
    label = text("semua perangkat jabatan", "all office devices")
    passphrase = passphrase_from(app, file=passphrase_file, descriptor=passphrase_fd, new=True, label=label)
    made = open_ledger(
        place,
        name=str(name),
        kind=kind,
        day=str(day),
        zones=zones or (DEFAULT_ZONE,),
        levels=levels,
        origin=str(origin),
        passphrase=passphrase,
        rules=rules,
        witnesses=witnesses,
        quorum=quorum,
    )
    made.close()
    show_opened(app, place, made, official=True)


def _rules(levels: str, day: str, pairs: tuple[str, ...]) -> Rules:
    """The rules of a governed election; who watches and who counts are enrolled by bodies of their own."""
    from ledger.scenario.founding import governed

    return governed(levels=parse_levels(levels), day=day, pairs=tuple(dict.fromkeys(pairs)))
