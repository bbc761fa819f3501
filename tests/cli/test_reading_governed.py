"""The reading verbs over a governed season: every screen in both languages, JSON, exit statuses, and the words they may not say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ledger.cli.language import set_language
from ledger.cli.speaking import act_word, facts_text
from ledger.recap.progress import Progress
from ledger.recap.reasons import Why, WhyStation
from ledger.recap.telling import tell
from ledger.recap.worklists import Task
from ledger.tally.facts.wording import FORBIDDEN
from ledger.tally.signing import reopen_entry
from tests.cli.conftest import Run
from tests.governed import CITY, DISTRICT_A, FOUR, ONE, TWO, submissions
from tests.recap.shown import first, key_of, season, size, state_at
from tests.world import make_node


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger folder with the whole season in it."""
    folder = tmp_path_factory.mktemp("governed") / "l"
    with make_node(folder, season().world) as node:
        node.submit(submissions(season().entries))
        assert node.head().size == size()
    return folder


@pytest.fixture
def see(governed: Path, run: Run) -> Run:
    """Runs a verb on it."""

    def look(*words: str, **more: object) -> object:
        return run(*words, "--ledger", str(governed), **more)

    return look  # type: ignore[return-value]


SCREENS = [
    ("recap",),
    ("recap", CITY, "--contest", "mayor", "--figures", "--result"),
    ("recap", "1771011001", "--contest", "mayor"),
    ("recap", ONE, "--contest", "mayor"),
    ("history", ONE, "--contest", "mayor"),
    ("history", FOUR),
    ("history", DISTRICT_A),
    ("history", CITY, "--below"),
    ("history", "--key", key_of("chair-a")[:12]),
    ("findings",),
    ("diff", "75", str(size())),
    ("why", CITY, "1", "--contest", "mayor"),
    ("why", DISTRICT_A, "valid", "--contest", "mayor", "--stations"),
    ("why", ONE, "1", "--contest", "mayor"),
    ("worklist", DISTRICT_A, "--role", "officer"),
    ("worklist", "--role", "supervisor", "--area", CITY),
    ("worklist", "--role", "registrar"),
    ("status",),
    ("keys",),
    ("keys", DISTRICT_A, "--role", "officer", "--all"),
    ("log", "--last", "20"),
    ("show", "76"),
]


@pytest.mark.parametrize("words", SCREENS, ids=" ".join)
def test_every_screen_speaks_both_languages_and_json(see: Run, words: tuple[str, ...]) -> None:
    """Status 0; the two languages differ; no word that the law has taken; with --json nothing but objects, each line one."""
    indonesian, english = see(*words, "--lang", "id"), see(*words, "--lang", "en")
    assert (indonesian.status, english.status) == (0, 0), indonesian.err + english.err
    assert indonesian.out.startswith("SINTETIS - bukan hasil resmi\n")
    assert english.out.startswith("SYNTHETIC - not official results\n")
    assert indonesian.out != english.out
    said = set(re.findall(r"[a-z]+", (indonesian.out + indonesian.err).lower()))
    assert not said & set(FORBIDDEN)
    objects = see(*words, "--json")
    assert objects.status == 0
    assert all(isinstance(row, dict) for row in objects.rows)


@pytest.mark.parametrize("words", [screen for screen in SCREENS if screen[0] not in ("diff", "log", "show")], ids=" ".join)
def test_time_travel_shows_what_a_shorter_log_showed(see: Run, words: tuple[str, ...]) -> None:
    """``--at`` the whole size is the same; at a third of it every verb still answers."""
    assert see(*words, "--at", str(size()), "--json").out == see(*words, "--json").out
    assert see(*words, "--at", str(first("recap.certified"))).status == 0


def test_a_recap_tells_what_it_holds_and_what_it_lacks(see: Run) -> None:
    """Words of the screen before the plenaries, and after the result is determined."""
    early = see("recap", CITY, "--contest", "mayor", "--at", str(first("tally.attested")), "--lang", "id").out
    assert "4 TPS; 3 masuk; 1 dua akun berbeda" in early
    assert f"Dua akun berbeda: {TWO}" in early
    assert f"Belum masuk: {FOUR}" in early
    assert "Status: sementara" in early
    late = see("recap", CITY, "--contest", "mayor", "--lang", "id").out
    assert "ditetapkan, BA 1771/mayor" in late
    assert "Keberatan terbuka: 1" in late
    assert "PM 2/2024" in late
    out = see("recap", CITY, "--contest", "mayor", "--at", str(first("candidate.changed") + 2)).out
    assert "2 B: disqualified (BA 7/2024); 200 votes, counted as invalid" in out


def test_a_station_that_voted_again_reads_well(see: Run) -> None:
    """The rounds, who proposed and who approved, late evidence, a copy of an older version."""
    said = see("history", ONE, "--contest", "mayor").out
    for words in (
        "first vote: annulled; revote 1: annulled; revote 2: in.",
        "without effect: key-revoked (late evidence) - correction",
        "own copy agrees (of an older version)",
        "votes-1: form 120, copy 121",
        "correction, approved by the second seat",
        "proposed at #76 by officer 1771 / chair",
        "--- revote 2 ---",
        "result determined, Kota (1771), approved by the second seat",
    ):
        assert words in said, words
    assert "entered at the district by an officer" in see("history", FOUR, "--contest", "mayor").out
    assert "difference in Votes 1: paper 121, ledger 120 (slip-of-the-pen)" in see("history", FOUR, "--contest", "mayor").out


def test_an_outside_recap_in_a_file(see: Run, tmp_path: Path) -> None:
    """Equal: status 0; one cell off: status 1, with the difference and where to look; what cannot be read: status 4."""
    good = tmp_path / "good.csv"
    good.write_text("contest,area,figure,value\nmayor,1771,1,481\nmayor,1771,votes-2,400\n")
    assert see("compare", str(good)).status == 0
    bad = tmp_path / "bad.csv"
    bad.write_text("area,figure,value\n1771,1,480\n1771,2,400\n")
    ran = see("compare", str(bad), "--contest", "mayor")
    assert ran.status == 1
    assert "+1" in ran.out
    assert ONE in ran.out
    assert [(row["outcome"], row["difference"]) for row in see("compare", str(bad), "--contest", "mayor", "--json").rows] == [
        ("differs", 1)
    ]
    assert len(see("compare", str(bad), "--contest", "mayor", "--json", "--all").rows) == 2
    for text, code in (
        ("area,figure,value\n1771,1,x\n", "bad-row"),
        ("area,figure,value\n1771,1,1.5\n", "bad-row"),
        ("area,figure\n1771,1\n", "column-missing"),
        ("area,figure,value\n1771,1,3\n", "column-missing"),
        ("contest,area,figure,value\nmayor,1771,1,3\nmayor,1771,1,3\n", "bad-row"),
    ):
        bad.write_text(text)
        ran = see("compare", str(bad))
        assert (ran.status, ran.code) == (4, code), text


def test_diff_takes_sizes_and_local_times(see: Run) -> None:
    """A time without a zone is local; a size beyond the log and words that are neither are told."""
    rows = see("diff", "75", str(size()), "--json").json
    assert (rows["before"], rows["after"]) == (75, size())
    assert see("diff", "2024-11-27T00:00", "2024-11-28T00:00", "--json").code == "sizes-order"
    assert see("diff", str(size()), "2024-11-28T00:00", "--json").json["differences"] == []
    assert see("diff", "1", "99999").code == "size-beyond-log"
    assert (see("diff", "1", "yesterday").status, see("diff", "1", "yesterday").code) == (2, "argument-invalid")
    assert see("diff", "9", "3").code == "sizes-order"


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("history",), 2, "argument-missing"),
        (("history", ONE, "--key", "abcd"), 2, "argument-missing"),
        (("history", "9999999999999"), 4, "station-unknown"),
        (("history", "99"), 4, "area-unknown"),
        (("history", "--key", "abcd"), 4, "key-not-found"),
        (("why", "99", "1"), 4, "area-unknown"),
        (("why", CITY, "77"), 4, "figure-unknown"),
        (("worklist", CITY), 2, "argument-missing"),
        (("worklist", "--role", "voter"), 2, "argument-invalid"),
        (("worklist", "99", "--role", "officer"), 4, "area-unknown"),
        (("findings", "99"), 4, "area-unknown"),
        (("keys", "99"), 4, "area-unknown"),
        (("keys", "--role", "voter"), 2, "argument-invalid"),
        (("diff", "1", "9", "--area", "99"), 4, "area-unknown"),
        (("compare", "no-such.csv", "--contest", "mayor"), 4, "cannot-read"),
        (("recap", CITY, "--contest", "senate"), 4, "contest-unknown"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_shown_is_told_by_its_code(see: Run, words: tuple[str, ...], status: int, code: str) -> None:
    """Exit status and code, in text and with --json."""
    ran = see(*words)
    assert (ran.status, ran.code) == (status, code)
    assert see(*words, "--json").json["error"]["code"] == code


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        (("why", CITY, "1", "--contest", "mayor"), set(Why.__struct_fields__)),
        (("why", ONE, "1", "--contest", "mayor"), set(WhyStation.__struct_fields__)),
        (("worklist", CITY, "--role", "officer"), set(Task.__struct_fields__)),
        (("status",), {*Progress.__struct_fields__, "time_iso"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_json_of_the_views_has_their_fields(see: Run, words: tuple[str, ...], shape: set[str]) -> None:
    """Field names are part of the promise."""
    rows = see(*words, "--json").rows
    assert rows
    assert all(set(row) == shape for row in rows)


def test_every_act_of_a_season_has_its_words() -> None:
    """No screen shows a bare event type: each act, and each fact that it tells, has words in both languages."""
    state, types = state_at(size()), set()
    for data in season().entries:
        event = reopen_entry(data).event
        types.add(event.type)
        told = tell(state, event.data)
        for language in ("id", "en"):
            set_language(language)  # type: ignore[arg-type]
            assert act_word(told.word) != told.word, told.word
            assert not [said for said in facts_text(told.facts, "Asia/Jakarta") if "_" in said.partition(":")[0]]
    assert len(types) >= 27
