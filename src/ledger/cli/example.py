"""``init --example``: two villages, four stations, one contest with two invented candidates, and devices that are ready to sign."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Final

from ledger.cli.app import DEVICES, App, clock
from ledger.cli.language import text
from ledger.cli.opening import DEFAULT_LEVELS, deliver, make_device, open_ledger, show_opened
from ledger.files import Files
from ledger.tally.events import (
    AreaRow,
    Candidate,
    ContestRow,
    ContestsListed,
    EventData,
    FormsDefined,
    JurisdictionsListed,
    KeyRow,
    KeysEnrolled,
    StationRow,
)
from ledger.tally.forms import shipped_form
from ledger.tally.signing import SigningKey, possession_digest

__all__ = ["CONTEST", "OFFICER", "OPERATOR", "PASSPHRASE_NAME", "STATIONS", "make_example"]

PASSPHRASE_NAME: Final = "PASSPHRASE-EXAMPLE.txt"  # noqa: S105  for the example's throw-away keys
PASSPHRASE: Final = b"contoh saja, bukan rahasia"
CONTEST: Final = "wali-kota"
CITY: Final = "9901"
DISTRICT: Final = "990101"
VILLAGES: Final = (("9901011001", "Contoh Hilir"), ("9901011002", "Contoh Hulu"))
STATIONS: Final = tuple(f"{village}{number:03d}" for village, _ in VILLAGES for number in (1, 2))
OPERATOR: Final = f"operator-{STATIONS[0]}"
OFFICER: Final = f"ppk-{DISTRICT}"
FIGURES_NAME: Final = "contoh-angka.toml"

FIGURES: Final = """\
# Angka formulir C.Hasil untuk dicoba; yang tidak disebut dianggap kosong.  Example figures; what is not named is blank.
dpt-l = 140
dpt-p = 152
dpt-j = 292
pengguna-dpt-l = 100
pengguna-dpt-p = 118
pengguna-dpt-j = 218
pengguna-pindahan-l = 1
pengguna-pindahan-p = 0
pengguna-pindahan-j = 1
pengguna-tambahan-l = 2
pengguna-tambahan-p = 1
pengguna-tambahan-j = 3
pengguna-total-l = 103
pengguna-total-p = 119
pengguna-total-j = 222
surat-suara-diterima = 300
surat-suara-digunakan = 222
surat-suara-dikembalikan = 1
surat-suara-tidak-digunakan = 77
disabilitas-l = 0
disabilitas-p = 2
disabilitas-j = 2
suara-1 = 120
suara-2 = 95
suara-sah = 215
suara-tidak-sah = 7
suara-total = 222
"""


def make_example(app: App, place: Path) -> None:
    """The folder, everything listed and enrolled; ends with the next commands to type."""
    made = open_ledger(
        place,
        name="Pemilihan Contoh",
        kind="synthetic",
        day=datetime.datetime.fromtimestamp(clock() / 1000, datetime.UTC).date().isoformat(),
        zones=("Asia/Jakarta",),
        levels=DEFAULT_LEVELS,
        origin="example.invalid/contoh",
        passphrase=PASSPHRASE,
    )
    try:
        files = Files()
        files.write(place / DEVICES / PASSPHRASE_NAME, PASSPHRASE + b"\n", private=True)
        files.write(place / FIGURES_NAME, FIGURES.encode())
        administrator = made.devices["administrator"]
        for data in _listed():
            administrator.sign(data, claimed_at=clock())
        deliver(administrator, made.node)
        operator, officer = SigningKey.generate(), SigningKey.generate()
        digest = possession_digest(made.founding.ledger, point=officer.point, role="officer", scope=DISTRICT, seat="ppk-ketua")
        rows = (
            KeyRow(operator.point, "operator", STATIONS[0], "1", 0, ()),
            KeyRow(officer.point, "officer", DISTRICT, "ppk-ketua", 0, (officer.sign(digest),)),
        )
        made.devices["commission"].sign(KeysEnrolled(rows), claimed_at=clock())
        deliver(made.devices["commission"], made.node)
        for name, key in ((OPERATOR, operator), (OFFICER, officer)):
            made.devices[name] = make_device(place / DEVICES / name, key, PASSPHRASE)
            made.devices[name].adopt(made.founding.ledger, origin=made.founding.opened.origin, vkey=made.node.key.vkey)
    finally:
        made.close()
    show_opened(app, place, made, official=False)
    _show_next(place)


def _listed() -> tuple[EventData, ...]:
    form = shipped_form("kwk-wali-kota", 2)
    candidates = (Candidate(1, "Pasangan Contoh Satu", "candidate"), Candidate(2, "Pasangan Contoh Dua", "candidate"))
    contest = ContestRow(
        CONTEST,
        "Pemilihan Wali Kota Contoh",
        "Election of the example city's mayor",
        form.code,
        form.version,
        CITY,
        candidates,
        (),
        "city",
    )
    areas = (AreaRow("99", "Provinsi Contoh"), AreaRow(CITY, "Kota Contoh"), AreaRow(DISTRICT, "Kecamatan Contoh"))
    villages = tuple(AreaRow(code, name) for code, name in VILLAGES)
    names = dict(VILLAGES)
    stations = tuple(
        StationRow(code, f"TPS {code[-3:]} {names[code[:10]]}", "Asia/Jakarta", 140, 152, (CONTEST,)) for code in STATIONS
    )
    return FormsDefined((form,)), ContestsListed((contest,)), JurisdictionsListed((*areas, *villages), stations)


def _show_next(place: Path) -> None:
    """The next commands to type; they work as they stand."""
    key = f"--passphrase-file {DEVICES}/{PASSPHRASE_NAME}"
    station = STATIONS[0]
    commands = (
        f"cd {place}",
        f"ledger submit {station} --figures {FIGURES_NAME} --device {DEVICES}/{OPERATOR} {key} --yes",
        f"ledger recap {CITY}",
        f"ledger correct {station} --set suara-1=121 --set suara-2=94 --reason salah-baca --device {DEVICES}/{OFFICER} {key} --yes",
        f"ledger history {station}",
        "ledger publish",
        "ledger verify public",
    )
    sys.stderr.write(text("Ketik berikutnya:", "Type next:") + "\n" + "".join(f"  {words}\n" for words in commands))
