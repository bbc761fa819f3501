"""The contract of the command line: exit status, languages, codes, options, what is on stdout, and how fast help comes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ledger.cli.explaining import find_message
from ledger.cli.failing import EXIT_CODES, error_object, status_of
from ledger.cli.language import choose_language, iso_time, local_time, messages, printable, set_language
from ledger.cli.registry import GROUPS, VERBS
from ledger.errors import BadInput, Broken, Moved, NotVerified, Refused, Usage, Waiting
from ledger.tally.forms import SHIPPED_FORMS, shipped_form
from tests.cli.codes import raised_codes
from tests.cli.conftest import OFFICER_DEVICE, OPERATOR_DEVICE, PASSPHRASE, STATION, Run, converse, program

SIGN = (*PASSPHRASE, "--yes")

# --- codes and languages -------------------------------------------------------------------------------------------------------


def test_every_code_has_its_words_in_both_languages() -> None:
    """Whatever the sources can raise, void or find stands in the catalogue; each with what it means and what to do."""
    known = messages()
    missing = {code: place for code, place in raised_codes().items() if code not in known}
    assert not missing
    for code, message in known.items():
        for language in ("id", "en"):
            set_language(language)
            for words in (message.what, message.do):
                assert words, code
                assert not words.endswith("."), code
        assert message.who in {"user", "device", "official", "registrar", "administrator", "auditor", "nobody"}
        assert message.kind in {"error", "refused", "waiting", "void", "rule", "finding"}


def test_every_rule_of_every_shipped_form_is_explained() -> None:
    """With its column or pair, and without."""
    for name in SHIPPED_FORMS:
        for rule in shipped_form(name, 5).rules:
            assert find_message(rule.code) is not None, rule.code
            assert find_message(rule.code).kind == "rule"  # type: ignore[union-attr]
    assert find_message("r99") is None
    assert find_message("no-such") is None


def test_screens_avoid_the_words_that_mean_something_else() -> None:
    """temuan, laporan, sengketa and ditunda are taken by the law; a correction is pembetulan."""
    set_language("id")
    for message in messages().values():
        for words in (message.what.lower(), message.do.lower()):
            assert not {"temuan", "sengketa", "ditunda", "koreksi"} & set(words.replace(",", " ").split()), message.code
    for verb in VERBS.values():
        assert not {"temuan", "laporan", "sengketa", "ditunda", "koreksi"} & set(verb.id.lower().split())


@pytest.mark.parametrize(
    ("flag", "environment", "chosen"),
    [
        ("en", {"LEDGER_LANG": "id"}, "en"),
        (None, {"LEDGER_LANG": "en", "LANG": "id_ID.UTF-8"}, "en"),
        (None, {"LANG": "en_US.UTF-8"}, "en"),
        (None, {"LC_ALL": "id_ID.UTF-8", "LANG": "en_US.UTF-8"}, "id"),
        (None, {"LANG": "C.UTF-8"}, "id"),
        (None, {"LANG": "fr_FR.UTF-8"}, "id"),
        ("klingon", {}, "id"),
        (None, {}, "id"),
    ],
)
def test_the_language_is_the_flags_then_the_environments_then_indonesian(
    flag: str | None, environment: dict[str, str], chosen: str
) -> None:
    """--lang, LEDGER_LANG, locale, Indonesian."""
    assert choose_language(flag, environment) == chosen


def test_both_languages_speak_before_and_after_the_verb(example: Path, run: Run) -> None:
    """--lang anywhere, help and errors included."""
    assert "stations are not in yet" in run("recap", "--lang", "en").out
    assert "TPS belum masuk" in run("--lang", "id", "recap").out
    assert run("recap", "--lang=id").out.startswith("SINTETIS - bukan hasil resmi\n")
    assert run("recap", "77", "--lang", "id").err.startswith("Galat: Wilayah itu tidak terdaftar [area-unknown]\n")
    assert "Cara pakai:" in run("recap", "--help", "--lang", "id").out
    assert "Usage:" in run("recap", "--help", "--lang", "en").out
    assert "tidak ada" in run("recpa", "--lang", "id").err


def test_times_are_those_of_the_place() -> None:
    """WIB, WITA and WIT for people, an offset for programs; a device may claim any time."""
    set_language("id")
    moment = 1_732_687_500_000
    assert local_time(moment, "Asia/Jakarta") == "27 Nov 2024 13.05.00 WIB"
    assert local_time(moment, "Asia/Makassar") == "27 Nov 2024 14.05.00 WITA"
    assert local_time(moment, "Asia/Jayapura") == "27 Nov 2024 15.05.00 WIT"
    assert iso_time(moment, "Asia/Jakarta") == "2024-11-27T13:05:00.000+07:00"
    assert "9999" in local_time(2**53 - 1, "Asia/Jakarta")


# --- exit status and errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (NotVerified("proof-invalid"), 1),
        (Usage("usage"), 2),
        (Refused("schema"), 3),
        (Waiting("busy"), 4),
        (BadInput("no-ledger"), 4),
        (Moved("head-moved"), 4),
        (Broken("disk-full"), 4),
        (FileNotFoundError(2, "none"), 4),
        (RuntimeError("a bug"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_branch_has_its_status(problem: BaseException, status: int) -> None:
    """Who must act decides."""
    assert status_of(problem) == status
    assert status in {number for number, *_ in EXIT_CODES}


def test_an_error_is_three_lines_and_with_json_a_whole_object_too(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What, where, what to do next; nothing on stdout without --json."""
    monkeypatch.chdir(tmp_path)
    plain = run("recap")
    assert plain.status == 4
    assert plain.out == ""
    assert [line.partition(":")[0] for line in plain.err.splitlines()] == ["Error", "At", "Next"]
    told = run("recap", "--json").json["error"]
    assert set(told) == {"code", "message", "at", "next", "detail", "where", "exit"}
    assert (told["code"], told["exit"], told["where"]) == ("no-ledger", 4, {"path": str(tmp_path)})


@pytest.mark.parametrize(
    ("words", "code", "mean"),
    [
        (("recpa",), "command-unknown", "recap"),
        (("reciept", "check", "x"), "command-unknown", "receipt"),
        (("key", "shwo"), "command-unknown", "key show"),
        (("recap", "--jsn"), "option-unknown", "--json"),
        (("submit",), "argument-missing", ""),
        (("key",), "command-missing", ""),
        (("form", "add", "kwk-wali-kota", "--candidates", "many"), "argument-invalid", ""),
        (("hold", STATION), "argument-missing", ""),
        (("recap", "1", "2", "3"), "usage", ""),
        (("help", "recpa"), "command-unknown", "recap"),
        (("completion", "cmd"), "shell-unknown", ""),
        (("submit", STATION, "--set", "dpt-l=1"), "device-missing", ""),
        (("submit", STATION, "--set", "dptl=1", *OPERATOR_DEVICE), "figure-unknown", "dpt-l"),
        (("submit", STATION, "--set", "dpt-l=1,5", *OPERATOR_DEVICE), "figure-invalid", ""),
        (("submit", STATION, "--set", "dpt-l=1000000", *OPERATOR_DEVICE), "figure-invalid", ""),
        (("submit", STATION, "--set", "dpt-l=²", *OPERATOR_DEVICE), "figure-invalid", ""),
        (("submit", STATION, "--photo", "hal1.jpg", "--set", "dpt-l=1", *OPERATOR_DEVICE), "photo-invalid", ""),
        (("submit", STATION, "--source", "guess", "--set", "dpt-l=1", *OPERATOR_DEVICE), "bad-value", ""),
        (("submit", STATION, "--contest", "walikota", "--set", "dpt-l=1", *OPERATOR_DEVICE), "contest-unknown", "wali-kota"),
        (("recap", "--contest", "walikota"), "contest-unknown", "wali-kota"),
        (("submit", STATION, *OPERATOR_DEVICE), "figures-missing", ""),
        (("submit", STATION, "--set", "dpt-l=1", *OPERATOR_DEVICE), "passphrase-needed", ""),
        (("submit", STATION, "--set", "dpt-l=1", *OPERATOR_DEVICE, *PASSPHRASE), "confirmation-needed", ""),
        (("hold", STATION, "--reason", "not a code", *OFFICER_DEVICE, *SIGN), "bad-value", ""),
        (("enrol",), "argument-missing", ""),
        (("enrol", "--point", "04", "--role", "operator", "--seat", "1"), "bad-hex", ""),
        (("revoke", "deadbeef", "--reason", "x"), "key-not-found", ""),
        (("form", "add", "kwk-walikota", "--candidates", "2"), "shipped-form-unknown", "kwk-wali-kota"),
        (("form", "add", "kwk-wali-kota", "--candidates", "0"), "candidates-out-of-range", ""),
        (("explain", "stael"), "code-unknown", "stale"),
        (("show", "999"), "entry-unknown", ""),
        (("show", "zz"), "entry-unknown", ""),
        (("recap", "--at", "999"), "size-beyond-log", ""),
        (("prove", "0", "--consistency", "0"), "option-unknown", ""),
        (("prove-consistency", "0"), "size-beyond-log", ""),
        (("prove-consistency", "3", "2"), "size-beyond-log", ""),
        (("verify", "https://user@hasil.example/"), "bad-url", ""),
        (("import", "kpu", "none.csv", "--into", "b17"), "import-source-missing", ""),
        (("init", "x", "--name", "N"), "argument-missing", ""),
        (("init", "x", "--name", "N", "--day", "yesterday", "--origin", "o"), "argument-invalid", ""),
        (("init", "x", "--name", "N", "--day", "2024-11-27", "--origin", "o", "--levels", "a", *PASSPHRASE), "levels-invalid", ""),
        (("init", "x", "--name", "N", "--day", "2024-11-27", "--origin", "o o", *PASSPHRASE), "bad-vkey", ""),
        (
            ("init", "x", "--name", "N", "--day", "2024-11-27", "--origin", "o", "--levels", "a:5,b:3", *PASSPHRASE),
            "opening-invalid",
            "",
        ),
        (("init", "x", "--name", "", "--day", "2024-11-27", "--origin", "o", *PASSPHRASE), "argument-missing", ""),
        (
            ("init", "x", "--name", "N", "--day", "2024-11-27", "--origin", "o", "--passphrase-file", "short.txt"),
            "passphrase-short",
            "",
        ),
        (("init", ".", "--example"), "folder-not-empty", ""),
        (("demo", "."), "folder-not-empty", ""),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else None,
)
def test_mistakes_are_told_with_what_may_have_been_meant(
    example: Path, run: Run, words: tuple[str, ...], code: str, mean: str
) -> None:
    """One code each, a suggestion where there is one, and nothing half done."""
    (example / "short.txt").write_text("1234567\n")
    ran = run(*words, "--json")
    told = ran.json["error"]
    assert (told["code"], ran.code) == (code, code)
    assert ran.status == told["exit"] != 0
    if mean:
        assert mean in told["next"]
    assert not (example / "x").exists()


def test_errors_cannot_steer_a_terminal() -> None:
    """Control characters of what was typed are shown as replaced."""
    set_language("en")
    told = error_object(BadInput("area-unknown", "", area="17\x1b[2J\u202e"))
    assert "\x1b" not in told["at"]
    assert "\u202e" not in told["at"]
    assert printable("TPS 001 Sentosa") == "TPS 001 Sentosa"


def test_a_bug_is_told_without_a_traceback(example: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code ``internal``, status 4; with --debug the exception itself comes through."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("ledger.cli.reading.recap_of", broken)
    ran = run("recap")
    assert (ran.status, ran.code) == (4, "internal")
    with pytest.raises(RuntimeError, match="boom"):
        run("recap", "--debug")


def test_an_interrupt_has_its_own_status(example: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C anywhere: 130, and with --json a whole object."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ledger.cli.reading.recap_of", interrupted)
    assert run("recap").status == 130
    assert run("recap", "--json").json["error"] == {"code": "interrupted", "exit": 130}


def test_what_waits_in_the_outbox_goes_first(submitted: Path, run: Run) -> None:
    """An event that a dying process had signed is sent by the next command; a refused one is set aside."""
    from ledger.device.folder import Device
    from ledger.files import Files
    from ledger.tally.events import TallyHeld

    passphrase = (submitted / PASSPHRASE[1]).read_bytes().strip()
    for station, stays in ((STATION, ""), ("9901021001001", "set aside")):
        with Device.open(submitted / OFFICER_DEVICE[1], files=Files()) as device:
            device.unlock(passphrase)
            device.sign(TallyHeld(contest="wali-kota", station=station, round=0, reason="cek"), claimed_at=0)
        ran = run("release", STATION, "--reason", "cek", *OFFICER_DEVICE, *SIGN)
        assert ran.status in (0, 3), ran.err
        assert "still waits" in ran.err
        assert stays in ran.err
    assert [entry["type"] for entry in run("log", "--json", "--last", "3").rows] == [
        "tally.held",
        "tally.released",
        "tally.released",
    ]


# --- help ----------------------------------------------------------------------------------------------------------------------


def test_help_groups_the_verbs_by_who_uses_them(run: Run) -> None:
    """All verbs, in the registry's groups; six lines where nothing was asked."""
    shown = run("--help").out
    for heading in GROUPS.values():
        assert f"{heading[1]}:" in shown
    assert all(verb.en in shown for verb in VERBS.values())
    assert len(run().out.splitlines()) == 6
    assert run().status == 0


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_that_leads_with_an_example(run: Run, name: str) -> None:
    """In both languages; ``help VERB`` is the same."""
    for language in ("id", "en"):
        ran = run(*name.split(" "), "--help", "--lang", language)
        assert ran.status == 0, ran.err
        example = f"ledger {name}"
        assert ran.out.index(example, ran.out.index("Example" if language == "en" else "Contoh")) < ran.out.index("--json")
    assert run("help", *name.split(" ")).out.splitlines()[-1] == run(*name.split(" "), "--help").out.splitlines()[-1]


def test_help_is_quick_and_imports_nothing_heavy(tmp_path: Path) -> None:
    """The best of five runs, start of Python included."""
    code = (
        "import sys\nfrom ledger.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({name.split('.')[0] if 'ledger' not in name else name for name in sys.modules}), file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        seconds.append(time.perf_counter() - start)
    loaded = set(eval(done.stderr))  # noqa: S307  a list that our own process printed
    assert not loaded & {"sqlalchemy", "rich", "cryptography", "msgpack", "ledger.node", "ledger.tally", "ledger.audit"}
    assert min(seconds) < 0.4  # 0.13 s on a quiet machine; the limit allows for a busy one


def test_completion_scripts_are_printed(run: Run) -> None:
    """For each shell that click knows."""
    for shell in ("bash", "zsh", "fish"):
        assert "_LEDGER_COMPLETE" in run("completion", shell).out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ledger recap 990101", "9901011001"),
        ("ledger history Contoh", ""),
        ("ledger history TPS", STATION),
        ("ledger recap --contest wa", "wali-kota"),
        ("ledger explain already-s", "already-submitted"),
        ("ledger ke", "key"),
        ("ledger --ledger nowhere recap 99", ""),
    ],
)
def test_the_shell_completes_codes_and_names(submitted: Path, words: str, found: str) -> None:
    """Verbs, options, codes of areas by code and by name, contests, error codes; and no noise where there is no ledger."""
    settings = {"_LEDGER_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = program(cwd=submitted, env=settings)
    assert found in done.stdout
    assert done.stderr == ""


# --- processes -----------------------------------------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_no_traceback(submitted: Path) -> None:
    """``ledger log | head -0``: quiet, whatever is still to be written."""
    code = "from ledger.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", code, "log"], cwd=submitted, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait() == 4
    assert said == b""


def test_the_ledger_is_found_by_flag_by_environment_and_from_within(submitted: Path, tmp_path: Path) -> None:
    """--ledger wins over LEDGER_DIR, which wins over the folder one stands in."""
    inside = submitted / "public" / "deep"
    inside.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for cwd, words, env in (
        (inside, (), {}),
        (elsewhere, ("--ledger", str(submitted)), {}),
        (elsewhere, (), {"LEDGER_DIR": str(submitted)}),
        (elsewhere, ("--ledger", str(submitted)), {"LEDGER_DIR": "/nowhere"}),
    ):
        done = program("recap", "9901", "--json", *words, cwd=cwd, env=env)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["area"] == "9901"
        assert done.stderr == ""
    assert program("recap", cwd=elsewhere).returncode == 4


def test_other_encodings_break_nothing(submitted: Path) -> None:
    """A terminal that knows ASCII alone: tables, JSON and errors still come out."""
    for words in (("recap",), ("recap", "--json"), ("recap", "77"), ("--help",)):
        done = program(*words, cwd=submitted, env={"PYTHONIOENCODING": "ascii"})
        assert "Traceback" not in done.stderr
        assert done.stdout.isascii()


def test_the_passphrase_may_come_from_a_descriptor(submitted: Path) -> None:
    """--passphrase-fd N, and an unreadable one is told."""
    passphrase = (submitted / PASSPHRASE[1]).open("rb")
    words = ("hold", STATION, "--reason", "cek", *OFFICER_DEVICE, "--yes", "--passphrase-fd")
    with passphrase:
        done = program(*words, str(passphrase.fileno()), cwd=submitted, pass_fds=(passphrase.fileno(),))
    assert done.returncode == 0, done.stderr
    assert program(*words, "99", "--json", cwd=submitted).returncode == 2


def test_on_a_terminal_the_form_is_asked_block_by_block(example: Path) -> None:
    """Figures in the order of the paper, remarks before signing, the passphrase unseen, then a question; status 0."""
    form = shipped_form("kwk-wali-kota", 2)
    answers = ["1"] * (len(form.figures) - 2) + ["x", "-"]
    passphrase = (example / PASSPHRASE[1]).read_text().strip()
    terminal, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), "LEDGER_LANG": "en", "TERM": "dumb"}
    with subprocess.Popen(
        [sys.executable, "-c", "from ledger.cli import main; main()", "submit", STATION, *OPERATOR_DEVICE],
        cwd=example,
        stdin=slave,
        stderr=slave,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        os.close(slave)
        shown = converse(terminal, [*answers, passphrase, "y"])
        assert process.stdout is not None
        out = process.stdout.read().decode()
        assert process.wait() == 0, shown
    os.close(terminal)
    assert "Appended as entry 6" in out
    assert shown.index(form.blocks[0].label_en) < shown.index(form.blocks[-1].label_en) < shown.index("Remark ")
    assert passphrase not in shown
