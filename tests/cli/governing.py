"""A small governed election made through the verbs alone: two districts, four stations, offices of two seats, an agent and a
supervisor.

``make_governed`` takes about ten seconds, so a module makes it once and copies it for each test.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from tests.cli.conftest import Ran, invoke

CONTEST = "wali"
CITY = "1771"
A, B = "177101", "177102"
ONE, TWO, THREE, FOUR = (f"{district}0001{number:03d}" for district in (A, B) for number in (1, 2))
STATIONS = (ONE, TWO, THREE, FOUR)
VOTES = ("suara-1=5", "suara-2=4", "suara-sah=9", "suara-tidak-sah=1", "suara-total=10")

PEOPLE: dict[str, tuple[str, str, str]] = {
    "chair-a": ("officer", A, "ketua"),
    "member-a": ("officer", A, "anggota"),
    "chair-b": ("officer", B, "ketua"),
    "member-b": ("officer", B, "anggota"),
    "chair-city": ("officer", CITY, "ketua"),
    "member-city": ("officer", CITY, "anggota"),
    **{f"op-{station}": ("operator", station, "1") for station in STATIONS},
}
SIGN = ("--passphrase-file", "sandi", "--yes")

AREAS = f"""code,name,voters_male,voters_female
17,Provinsi,,
{CITY},Kota,,
{A},Kecamatan A,,
{B},Kecamatan B,,
{A}0001,Kelurahan A,,
{B}0001,Kelurahan B,,
{ONE},TPS 1,100,100
{TWO},TPS 2,100,100
{THREE},TPS 1,100,100
{FOUR},TPS 2,100,100
"""
CONTESTS = """code = "wali"
name_id = "Wali Kota"
form = "c-hasil-kwk-wali-kota-2"
area = "1771"
candidates = ["Satu", "Dua"]
certifying = ["district"]
deciding = "city"
"""


def device(name: str) -> tuple[str, str]:
    """The option that names a person's device, or an office's inside the ledger."""
    return "--device", name if Path(name).is_dir() else f"l/devices/{name}"


def act(name: str, *words: str) -> Ran:
    """One act that must be appended with effect, or to be approved."""
    ran = invoke(*words, "--ledger", "l", *device(name), *SIGN, "--json")
    assert ran.status == 0, (words, ran.out, ran.err)
    return ran


def both(first: str, second: str, *words: str) -> str:
    """An act that waits, and its approval by another device; the act's event id."""
    told = act(first, *words).rows[-1]
    assert told["pending"], told
    approved = act(second, "approve", told["event"][:16]).rows[-1]
    assert (approved["pending"], approved["void"]) == (False, "")
    return str(told["event"])


def submit(station: str, *settings: str) -> Ran:
    """An operator's form."""
    given = [word for setting in settings or VOTES for word in ("--set", setting)]
    return act(f"op-{station}", "submit", station, *given)


def certify(district: str, name: str, *words: str) -> str:
    """The recap of an area, by chair and member."""
    said = ("--document", f"BA/{district}", "--held-at", "2024-12-01T16:30")
    return both(f"chair-{name}", f"member-{name}", "certify", district, *said, *(words or ("--same",)))


def make_governed() -> None:
    """In the working folder: the ledger ``l``, one folder a device, everything enrolled; no form yet."""
    Path("sandi").write_text("frasa sandi uji\n")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    named = ("--name", "Uji", "--day", today, "--origin", "uji.example/log", "--kind", "synthetic", "--pair", "wali-1")
    made = invoke("init", "l", *named, "--passphrase-file", "sandi", "--json")
    assert made.status == 0, made.err
    Path("kontes.toml").write_text(CONTESTS)
    Path("wilayah.csv").write_text(AREAS)
    act("administrator", "form", "add", "kwk-wali-kota", "--candidates", "2")
    act("administrator", "contest", "add", "kontes.toml")
    act("administrator", "area", "add", "wilayah.csv")
    people = {**PEOPLE, "agent": ("agent", CITY, "saksi-1"), "supervisor": ("supervisor", CITY, "panwaslu")}
    for name, (role, scope, seat) in people.items():
        new = invoke(
            *("key", "new", name, "--role", role, "--scope", scope, "--seat", seat),
            *("--ledger", "l", "--passphrase-file", "sandi", "--json"),
        )
        assert new.status == 0, new.err
    requests = [f"{name}/enrolment.toml" for name in PEOPLE]
    told = invoke("enrol", *requests, "--ledger", "l", *SIGN, "--json")  # the commission's own device, unnamed
    shown = invoke("approve", told.json["event"], "--ledger", "l", *device("commission-2"), *SIGN)
    assert f"officer {A} (Kecamatan A) / ketua" in shown.err, shown.err
    both("bawaslu-1", "bawaslu-2", "enrol", "supervisor/enrolment.toml")
    both("wali-1-a", "wali-1-b", "enrol", "agent/enrolment.toml")
