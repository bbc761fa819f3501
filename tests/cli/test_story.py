"""A whole story, from ``init --example`` to ``verify``, and the shapes of all JSON on the way."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import stat
from pathlib import Path

import pytest

from ledger.cli.example import CONTEST, OFFICER, STATIONS
from ledger.recap.views import AreaRecap, EntryView, FindingRow, History
from tests.cli.conftest import OFFICER_DEVICE, OPERATOR_DEVICE, PASSPHRASE, STATION, Ran, Run

SIGN = (*PASSPHRASE, "--yes")
SYNTHETIC = "SYNTHETIC - not official results"


def test_the_commands_that_init_prints_work_as_they_stand(
    made_example: tuple[Path, Ran], example: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line that is printed to be typed next ends with status 0, in the order in which it stands."""
    lines = [line.strip() for line in made_example[1].err.splitlines() if line.startswith("  ")]
    assert lines.pop(0).startswith("cd ")
    assert [line.split()[1] for line in lines] == ["submit", "recap", "correct", "history", "publish", "verify"]
    monkeypatch.chdir(example)
    for line in lines:
        ran = run(*shlex.split(line)[1:])
        assert ran.status == 0, (line, ran.err)
    assert "Verified" in ran.out


def test_a_number_and_its_correction_are_seen_from_every_side(submitted: Path, run: Run) -> None:
    """Submit, correct, hold, release; recap, history, findings, log, show at each height."""
    changed = ("--set", "suara-1=121", "--set", "suara-2=93")
    assert run("correct", STATION, *changed, "--reason", "salah-baca", *OFFICER_DEVICE, *SIGN).status == 0
    recap = run("recap", "9901", "--json").json
    assert [(row["number"], row["votes"]) for row in recap["candidates"]] == [(1, 121), (2, 93)]
    assert {name: recap["counts"][name] for name in ("expected", "in", "corrected", "with_findings")} == {
        "expected": 4,
        "in": 1,
        "corrected": 1,
        "with_findings": 1,
    }
    before = run("recap", "9901", "--json", "--at", "7").json
    assert [row["votes"] for row in before["candidates"]] == [120, 95]
    assert before["size"] == 7
    history = run("history", STATION, "--json").json
    assert [version["state"] for version in history["versions"]] == ["submitted", "corrected"]
    assert history["versions"][1]["changed"] == [["suara-1", 120, 121], ["suara-2", 95, 93]]
    assert history["versions"][1]["entry"]["reason"] == "salah-baca"
    assert [row["rule"] for row in run("findings", "--json").rows] == ["r5"]
    assert run("hold", STATION, "--reason", "cek", *OFFICER_DEVICE, *SIGN).status == 0
    assert [row["votes"] for row in run("recap", "9901", "--json").json["candidates"]] == [0, 0]
    assert "held (not in the totals)" in run("recap", "9901").out
    assert run("release", STATION, "--reason", "cek-selesai", *OFFICER_DEVICE, *SIGN).status == 0
    assert [row["votes"] for row in run("recap", "9901", "--json").json["candidates"]] == [121, 93]
    entries = run("log", "--json").rows
    assert [entry["index"] for entry in entries] == list(range(10))
    assert run("show", entries[7]["event_id"], "--json").json["data"]["reason"] == "salah-baca"
    assert run("replay", "--json").json["same"] is True


def test_zero_is_not_the_same_as_not_in_yet(submitted: Path, run: Run) -> None:
    """A station that has not sent shows no numbers, and says so; in JSON its votes are null."""
    village = run("recap", STATION[:10], "--json").json
    assert [(child["code"], child["votes"], child["state"]) for child in village["children"]] == [
        (STATION, [120, 95], "single"),
        (STATIONS[1], [None, None], "none"),
    ]
    assert "not in yet" in run("recap", STATION[:10]).out
    assert "not in yet" in run("recap", STATIONS[1]).out
    assert "Nothing has come in yet" in run("history", STATIONS[1]).out


def test_late_evidence_is_shown_and_has_its_own_status(submitted: Path, run: Run) -> None:
    """The same seat's second form is appended without effect: status 3, said plainly, and in the history."""
    again = run("submit", STATION, "--set", "suara-1=1", *OPERATOR_DEVICE, *SIGN)
    assert again.status == 3
    assert "WITHOUT EFFECT (already-submitted)" in again.out
    assert "without effect: already-submitted (late evidence)" in run("history", STATION).out
    assert run("recap", "9901", "--json").json["candidates"][0]["votes"] == 120


def test_a_dry_run_appends_nothing(submitted: Path, run: Run) -> None:
    """Good, void and refused are foretold with the same status; the log and the device stay as they are."""
    size = len(run("log", "--json").rows)
    good = run("hold", STATION, "--reason", "cek", *OFFICER_DEVICE, *PASSPHRASE, "--dry-run", "--json")
    assert (good.status, good.json) == (0, {"dry_run": True, "type": "tally.held", "events": 1, "void": "", "pending": False})
    void = run("hold", STATIONS[1], "--reason", "cek", *OFFICER_DEVICE, *PASSPHRASE, "--dry-run", "--json")
    assert (void.status, void.json["void"]) == (3, "nothing-to-hold")
    refused = run("hold", STATION, "--reason", "cek", *OPERATOR_DEVICE, *PASSPHRASE, "--dry-run", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (3, "role-not-entitled")
    assert len(run("log", "--json").rows) == size
    assert run("key", "show", *OFFICER_DEVICE, "--json").json["position"] == 0


def test_figures_come_from_a_file_from_json_from_stdin_and_from_options(example: Path, run: Run) -> None:
    """Empty is blank, x illegible, - not applicable, 0 a number; what is not named is blank."""
    (example / "angka.json").write_text(json.dumps({"figures": {"suara-1": 0, "suara-2": None, "dpt-l": "x", "dpt-p": "-"}}))
    for words, stdin in (
        (("--figures", "angka.json"), None),
        (("--figures", "-"), '{"suara-1": "0", "suara-2": "", "dpt-l": "x", "dpt-p": "-"}'),
        (("--figures", "-"), 'suara-1 = 0\nsuara-2 = ""\ndpt-l = "x"\ndpt-p = "-"'),
        (("--set", "suara-1=0", "--set", "suara-2=", "--set", "dpt-l=x", "--set", "dpt-p=-"), None),
    ):
        ran = run("submit", STATION, *words, *OPERATOR_DEVICE, *PASSPHRASE, "--dry-run", stdin=stdin)
        assert ran.status == 0, ran.err
    assert run("submit", STATION, "--figures", "angka.json", *OPERATOR_DEVICE, *SIGN).status == 0
    figures = {row["code"]: row["total"] for row in run("recap", STATION, "--json").json["figures"]}
    assert [figures[code] for code in ("suara-1", "suara-2", "dpt-l", "dpt-p", "suara-sah")] == [0, None, "x", "-", None]
    shown = run("recap", STATION, "--figures").out
    assert "illegible" in shown
    assert "not applicable" in shown


def test_a_photo_is_kept_under_its_hash_beside_the_log(example: Path, run: Run) -> None:
    """The log holds page, hash and length; the file lies in photos/."""
    (example / "hal1.jpg").write_bytes(b"\xff\xd8 not quite a photo")
    ran = run("submit", STATION, "--figures", "contoh-angka.toml", "--photo", "1:hal1.jpg", *OPERATOR_DEVICE, *SIGN)
    assert ran.status == 0, ran.err
    digest = hashlib.sha256((example / "hal1.jpg").read_bytes()).hexdigest()
    assert (example / "photos" / digest[:2] / digest).read_bytes() == (example / "hal1.jpg").read_bytes()
    assert run("show", "6", "--json").json["data"]["photos"] == [[1, digest, 20]]


def test_receipts_and_proofs_check_offline(submitted: Path, run: Run, tmp_path: Path) -> None:
    """By the ledger's configuration, by the device, by a key on the command line; and not for another event."""
    kept = submitted / "devices" / OPERATOR_DEVICE[1].split("/")[1] / "receipts" / "0000000000.tlog-proof"
    vkey = run("show", "0", "--json").json["data"]["log_key"]
    for words in ((), OPERATOR_DEVICE, ("--log-vkey", vkey)):
        checked = run("receipt", "check", str(kept), *words, "--json")
        assert (checked.status, checked.json["index"], checked.json["verified"]) == (0, 6, True)
    assert run("prove", "2", "--out", str(tmp_path / "bukti")).status == 0
    other = run("receipt", "check", str(tmp_path / "bukti"), "--submission", str(kept.with_suffix(".submission")), "--json")
    assert (other.status, other.json["error"]["code"]) == (1, "receipt-other-entry")


def test_verify_says_yes_and_says_no_with_the_place(submitted: Path, run: Run) -> None:
    """A published folder, the ledger's own folder, another ledger id, an earlier checkpoint, a changed byte."""
    ledger_id = run("publish", "--json").json["ledger_id"]
    kept = submitted / "kept-checkpoint"
    kept.write_bytes((submitted / "public" / "checkpoint").read_bytes())
    assert run("hold", STATION, "--reason", "cek", *OFFICER_DEVICE, *SIGN).status == 0
    assert run("publish").status == 0
    good = run("verify", "public", "--ledger-id", ledger_id, "--known", str(kept), "--json")
    assert (good.status, good.json["ok"], good.json["identity"], good.json["known_size"]) == (0, True, "checked", 7)
    assert run("verify", ".", "--ledger-id", ledger_id, "--json").json["ok"] is True
    shown = run("verify", "public")
    assert shown.status == 0
    assert shown.out.startswith(SYNTHETIC)
    assert "identity not checked" in shown.out
    other = run("verify", "public", "--ledger-id", "00" * 32, "--json")
    assert (other.status, other.json["failures"][0]["code"]) == (1, "ledger-id-other")
    bundles = [path for path in (submitted / "public" / "tile" / "entries").rglob("*") if path.is_file()]
    bundle = max(bundles, key=lambda path: int(path.name))
    data = bytearray(bundle.read_bytes())
    data[-40] ^= 1
    bundle.write_bytes(data)
    bad = run("verify", "public", "--json")
    assert bad.status == 1
    assert bad.json["ok"] is False
    assert bad.json["failures"][0]["index"] == 7
    assert "NOT verified" in run("verify", "public").out


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        (("recap", "9901"), set(AreaRecap.__struct_fields__)),
        (("history", STATION), {"kind", *History.__struct_fields__}),
        (("findings",), set(FindingRow.__struct_fields__)),
        (("findings", "--by-rule"), {"contest", "rule", "severity", "outcome", "stations"}),
        (("log",), {*EntryView.__struct_fields__, "time"}),
        (("show", "3"), {*EntryView.__struct_fields__, "time", "chain", "leaf", "previous", "signature", "data", "entry"}),
        (("replay",), {"size", "digest", "standing", "same", "rebuilt", "differences"}),
        (("publish",), {"folder", "size", "root", "files", "bytes", "ledger_id", "log_key"}),
        (("prove", "3"), {"index", "size", "root", "proof"}),
        (("doctor",), {"name", "outcome", "found", "do"}),
        (("explain", "stale"), {"code", "kind", "meaning", "who", "do"}),
        (("help", "exit-codes"), {"exit", "meaning"}),
        (
            ("key", "show", *OFFICER_DEVICE),
            {"device", "key", "point", "ledger_id", "origin", "position", "previous", "outbox", "seen_size"},
        ),
        (
            ("hold", STATION, "--reason", "cek", *OFFICER_DEVICE, *SIGN),
            {"event", "outcome", "index", "void", "waiting", "receipt", "pending"},
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_json_has_the_promised_fields(submitted: Path, run: Run, words: tuple[str, ...], shape: set[str]) -> None:
    """Field names are part of the promise; every line of stdout is an object, and stdout holds nothing else."""
    assert run("correct", STATION, "--set", "suara-1=121", "--reason", "x", *OFFICER_DEVICE, *SIGN).status == 0
    ran = run(*words, "--json")
    assert ran.status == 0, ran.err
    assert ran.rows
    assert all(set(row) == shape for row in ran.rows)


def test_the_promised_fields_of_a_recap_are_these() -> None:
    """The names themselves, so that a rename in the views shows here."""
    assert AreaRecap.__struct_fields__ == (
        "election",
        "kind",
        "size",
        "contest",
        "contest_name_id",
        "contest_name_en",
        "area",
        "name",
        "level",
        "counts",
        "candidates",
        "figures",
        "state",
        "findings",
        "children",
        "status",
        "round",
        "read",
        "votes_out",
        "stations",
        "objections",
        "recommendations",
        "certificates",
        "progress",
        "copies",
    )


def test_an_election_from_nothing(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """init, form, contest, areas, keys, enrolment by request and by list, a second seat, revocation: with own files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sandi").write_text("frasa sandi uji\n")
    sandi = ("--passphrase-file", "sandi")
    made = run("init", "l", "--name", "Uji", "--day", "2024-11-27", "--origin", "uji.example/log", "--simple", *sandi, "--json")
    assert made.status == 0, made.err
    assert stat.S_IMODE((tmp_path / "l" / "devices" / "root-1" / "key.pem").stat().st_mode) == 0o600
    here = ("--ledger", "l", *sandi, "--yes")
    (tmp_path / "kontes.toml").write_text(
        'code = "wali"\nname_id = "Wali Kota"\nform = "c-hasil-kwk-wali-kota-2"\narea = "1771"\n'
        'candidates = ["Satu", {name = "Kolom kosong", kind = "empty-box"}]\ndeciding = "city"\n'
    )
    (tmp_path / "wilayah.csv").write_text(
        "code,name,voters_male,voters_female\n1771010001001,TPS 1,100,120\n1771,Kota,,\n"
        "17,Provinsi,,\n177101,Kec,,\n1771010001,Kel,,\n"
    )
    for words in (
        ("form", "add", "kwk-wali-kota", "--candidates", "2"),
        ("contest", "add", "kontes.toml"),
        ("area", "add", "wilayah.csv"),
    ):
        ran = run(*words, *here)
        assert ran.status == 0, (words, ran.err)
    station = "1771010001001"
    assert run("key", "new", "op", "--role", "operator", "--scope", station, "--seat", "1", "--ledger", "l", *sandi).status == 0
    ppk = run("key", "new", "ppk", "--role", "officer", "--scope", "177101", "--seat", "ketua", "--ledger", "l", *sandi, "--json")
    assert ppk.status == 0, ppk.err
    early = run("submit", station, "--set", "suara-1=5", "--device", "op", *here, "--json")
    assert (early.status, early.json["error"]["code"]) == (4, "key-unknown")
    assert run("enrol", "op/enrolment.toml", ppk.json["request"], *here).status == 0
    assert run("submit", station, "--set", "suara-1=5", "--device", "op", *here).status == 0
    again = run("enrol", "op/enrolment.toml", *here, "--json")
    assert (again.status, again.json["error"]["code"]) == (3, "point-enrolled")
    assert run("key", "new", "op2", "--role", "operator", "--scope", station, "--seat", "2", *sandi).status == 0
    point = re.search(r'point = "(.*)"', (tmp_path / "op2" / "enrolment.toml").read_text())
    assert point is not None
    (tmp_path / "kunci.csv").write_text(f"point,role,scope,seat\n{point[1]},operator,{station},2\n")
    assert run("enrol", "kunci.csv", *here).status == 0
    assert run("submit", station, "--set", "suara-1=6", "--device", "op2", *here).status == 0
    recap = run("recap", station, "--ledger", "l", "--json").json
    assert (recap["state"], recap["candidates"][0]["votes"]) == ("differing", None)
    silent = run("correct", station, "--reason", "pleno", "--device", "ppk", *here, "--json")
    assert (silent.status, silent.json["error"]["code"]) == (2, "figures-differing")
    chosen = run("correct", station, "--set", "suara-1=6", "--reason", "pleno", "--device", "ppk", *here)
    assert chosen.status == 0, chosen.err
    assert run("revoke", f"operator/{station}/2", "--reason", "hilang", *here).status == 0
    gone = run("submit", station, "--set", "suara-1=7", "--device", "op2", *here, "--json")
    assert (gone.status, gone.json["error"]["code"]) == (3, "key-revoked")
    other = run("hold", station, "--reason", "cek", "--device", "op", *here, "--json")
    assert (other.status, other.json["error"]["code"]) == (3, "role-not-entitled")
    assert "official" not in run("recap", "--ledger", "l").out.splitlines()[0]


def test_the_officer_device_is_named_after_its_area() -> None:
    """What the next test fixtures rely on."""
    assert OFFICER == "ppk-990101"
    assert CONTEST == "wali-kota"


def test_the_demo_ends_verified_and_equal_to_the_official_totals(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a new folder ./demo-bengkulu; what it prints to be typed next works; it never overwrites."""
    monkeypatch.chdir(tmp_path)
    ran = run("demo")
    assert ran.status == 0, ran.err
    assert ran.out.startswith(SYNTHETIC)
    assert "Verified: every signature" in ran.out
    assert "invented" in ran.out.splitlines()[2]
    commands = [shlex.split(line)[1:] for line in ran.err.splitlines() if line.startswith("  ") and "cd " not in line]
    assert [command[0] for command in commands] == ["recap", "history", "why", "status", "keys", "log", "verify"]
    assert run("demo", "demo-bengkulu").code == "folder-not-empty"
    monkeypatch.chdir(tmp_path / "demo-bengkulu")
    for words in commands:
        assert run(*words).status == 0, words
    assert [(row["number"], row["votes"]) for row in run("recap", "1771", "--contest", "mayor", "--json").json["candidates"]] == [
        (1, 34_414),
        (2, 31_181),
        (3, 50_377),
        (4, 7_912),
        (5, 68_979),
    ]


@pytest.mark.data
def test_an_import_is_labelled_and_read_by_its_folder(
    shared_data: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``ledger import kpu``, then ``ledger recap 99 --json --ledger b99`` exactly so."""
    monkeypatch.chdir(tmp_path)
    source = shared_data / "pilpres2024" / "tps_versions_99_luar-negeri.csv.gz"
    ran = run("import", "kpu", str(source), "--into", "b99", "--lang", "id")
    assert ran.status == 0, ran.err
    assert ran.out.startswith("IMPOR dari publikasi KPU, pengubah tidak diketahui")
    recap = run("recap", "99", "--json", "--ledger", "b99").json
    assert (recap["kind"], recap["area"], recap["counts"]["expected"]) == ("import", "99", 87)
    assert run("recap", "--ledger", "b99", "--lang", "id").out.startswith("IMPOR dari publikasi KPU")
    assert run("verify", "b99").status == 0


def test_a_second_demo_finds_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the demo twice without naming a folder gets two."""
    from ledger.cli.trial import _next_free

    monkeypatch.chdir(tmp_path)
    assert _next_free() == Path("demo-bengkulu")
    (tmp_path / "demo-bengkulu").mkdir()
    assert _next_free() == Path("demo-bengkulu-2")
