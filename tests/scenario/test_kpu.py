"""Every rule of the import, on tables and documents made by hand: what becomes an event, by whom, when, and what is reported."""

from __future__ import annotations

import csv
import datetime
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger.errors import BadInput
from ledger.node import Node, system_clock
from ledger.scenario import kpu
from ledger.scenario.kpu import BAD_ROWS_SHOWN, CONTEST, SHOWN, VOTES_WITHDRAWN, WITHDRAWN, ImportReport, Seen, import_kpu, steps
from ledger.scenario.kpu_sources import COLUMNS, FIGURES, BadRow, read_versions
from ledger.tally.events import StationRow
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.state import AREAS, ELECTION, KEYS, SINGLE

TPS = "1771011001001"
OTHER = "1771011001002"
FORM = {
    **{"dpt_l": 118, "dpt_p": 115, "dpt_j": 233, "pengguna_dpt_l": 89, "pengguna_dpt_p": 95, "pengguna_dpt_j": 184},
    **{"pengguna_dptb_l": 2, "pengguna_dptb_p": 0, "pengguna_dptb_j": 2, "pengguna_dpk_l": 0, "pengguna_dpk_p": 0},
    **{"pengguna_dpk_j": 0, "pengguna_total_l": 91, "pengguna_total_p": 95, "pengguna_total_j": 186},
    **{"suara_sah": 184, "suara_tidak_sah": 2, "suara_total": 186},
}
VOTES = (20, 144, 20)


def row(
    tps: str = TPS, version: int = 1, votes: Iterable[int] | None = VOTES, form: Any = FORM, **cells: object
) -> dict[str, object]:
    """A row of a table; ``votes`` or ``form`` None: blank cells."""
    found: dict[str, object] = dict.fromkeys(COLUMNS, "")
    found |= {"tps": tps, "version": version, "seen_at": "2024-03-13T15:14:56+00:00", "commit": "812c3b42e4"}
    found |= {"kpu_ts": f"2024-02-15 {version:02}:00:00", "votes_src": "table" if votes else "none"}
    found |= dict(zip(("suara_01", "suara_02", "suara_03"), votes or ("", "", ""), strict=True)) | (form or {})
    return found | cells


def table(path: Path, rows: Iterable[dict[str, object]], *, header: Iterable[str] = COLUMNS) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(header), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0) if path.suffix == ".gz" else text.getvalue().encode())
    return path


def document(tps: str = TPS, votes: Iterable[int] | None = VOTES, form: Any = FORM, ts: str | None = None, **line: object) -> str:
    """A line of KPU's own documents."""
    names = {"dpt": "pemilih_dpt", "pengguna_dpk": "pengguna_non_dpt"}
    administration = {
        "_".join((names.get(name.rpartition("_")[0], name.rpartition("_")[0]), name.rpartition("_")[2])): number
        for name, number in (form or {}).items()
    }
    chart = None if votes is None else {"null": None, **dict(zip(("100025", "100026", "100027"), votes, strict=True))}
    kpu = {"mode": "hhcw", "chart": chart, "images": [None, f"https://x.example/a/{tps}-1.jpg"], "psu": None, "status_suara": False}
    kpu |= {"administrasi": administration if form else None, "ts": ts or "2024-02-15 12:00:28"}
    return json.dumps({"tps": tps, "kpu": kpu} | line)


class Told(NamedTuple):
    """An event of a tally, as the tests compare it."""

    type: str
    station: str
    reason: str
    role: str
    scope: str
    hour: str


class Imported:
    """A ledger folder after an import, read through its node."""

    def __init__(self, report: ImportReport, folder: Path) -> None:
        self.report = report
        with Node.open(folder, clock=system_clock) as node, node.snapshot() as snapshot:
            self.entries = [node.entry(index) for index in range(snapshot.size)]
            self.keys = dict(snapshot.state.under(KEYS, b""))
            self.areas = {key.decode(): area for key, area in snapshot.state.under(AREAS, b"")}
            self.sums = {key.decode(): sums for key, sums in snapshot.state.under(SUMS, b"")}
            self.election = snapshot.state.get(ELECTION, SINGLE)
            assert not node.replay(rebuilding=False).differences

    @property
    def tallies(self) -> list[Any]:
        return [entry.event for entry in self.entries if entry.event.type.startswith("tally.")]

    def told(self) -> list[Told]:
        """All tally events in log order, with the WIB hour that they claim."""
        rows = []
        for event in self.tallies:
            key = self.keys[event.key]
            moment = datetime.datetime.fromtimestamp(event.claimed_at / 1000, datetime.UTC) + datetime.timedelta(hours=7)
            reason = getattr(event.data, "reason", "")
            rows.append(Told(event.type[6:], event.data.station, reason, key.role, key.scope, moment.strftime("%d %H:%M:%S")))
        return rows

    def short(self) -> list[tuple[str, str]]:
        return [(told.type, told.reason) for told in self.told()]

    def figures(self, at: int) -> dict[str, Any]:
        """The figures of the ``at``-th tally event by the form's codes."""
        form = next(entry.event.data.forms[0] for entry in self.entries if entry.event.type == "forms.defined")
        return dict(zip((figure.code for figure in form.figures), self.tallies[at].data.figures, strict=True))

    def total(self, area: str) -> tuple[int, ...]:
        form = next(entry.event.data.forms[0] for entry in self.entries if entry.event.type == "forms.defined")
        sums = self.sums[sums_key(CONTEST, area).decode()]
        return tuple(number for figure, number in zip(form.figures, sums.figures, strict=True) if figure.candidate)


Importing = Callable[..., Imported]


@pytest.fixture
def importing(tmp_path: Path) -> Importing:
    """Imports rows as one table, or the given files."""

    def run(*sources: Path | dict[str, object], areas: Path | None = None) -> Imported:
        rows = [source for source in sources if isinstance(source, dict)]
        files = [source for source in sources if isinstance(source, Path)]
        if rows:
            files.append(table(tmp_path / "tps_versions_17.csv.gz", rows))
        folder = tmp_path / "ledger"
        return Imported(import_kpu(files, folder, areas=areas), folder)

    return run


# --- what follows from a version -------------------------------------------------------------------------------------------------


def seen(votes: Any = VOTES, form: Any = FORM, photos: str = "") -> Seen:
    numbers = (*(votes or (None,) * 3), *(form.values() if form else (None,) * 18))
    return Seen(numbers, tuple((page, name.encode()) for page, name in enumerate(photos, 1)))


CHANGED = FORM | {"suara_total": 187}
STEPS: list[tuple[str, Seen | None, int, Seen, list[tuple[str, str]], bool, int]] = [
    ("first with all", None, SHOWN, seen(), [("submit", "")], True, SHOWN),
    ("first with votes alone", None, SHOWN, seen(form=None), [("submit", "")], True, SHOWN),
    ("first with figures alone", None, SHOWN, seen(None), [("submit", "")], True, SHOWN),
    ("first with photos alone", None, SHOWN, seen(None, None, "ab"), [], False, SHOWN),
    ("the same", seen(), SHOWN, seen(), [], False, SHOWN),
    ("blank to number", seen(None), SHOWN, seen(), [("correct", "source-completed")], True, SHOWN),
    ("number to number", seen(), SHOWN, seen((21, 144, 20)), [("correct", "source-changed")], True, SHOWN),
    ("number to blank", seen(), SHOWN, seen(form=None), [("correct", "source-changed")], True, SHOWN),
    ("blank to number and another", seen(None), SHOWN, seen(form=CHANGED), [("correct", "source-changed")], True, SHOWN),
    ("zero is no blank", seen((0, 0, 0)), SHOWN, seen(None), [("hold", "source-withdrawn")], False, VOTES_WITHDRAWN),
    ("blank to zero", seen(None), SHOWN, seen((0, 0, 0)), [("correct", "source-completed")], True, SHOWN),
    ("photos more", seen(photos="a"), SHOWN, seen(photos="ab"), [("correct", "photo-added")], True, SHOWN),
    ("photos others", seen(photos="a"), SHOWN, seen(photos="b"), [("correct", "photo-added")], True, SHOWN),
    ("photos fewer", seen(photos="ab"), SHOWN, seen(photos="a"), [("correct", "photo-removed")], True, SHOWN),
    ("photos on other pages", seen(photos="ab"), SHOWN, seen(photos="ba"), [], False, SHOWN),
    ("votes gone", seen(), SHOWN, seen(None), [("hold", "source-withdrawn")], False, VOTES_WITHDRAWN),
    ("all gone", seen(), SHOWN, seen(None, None), [("hold", "source-withdrawn")], False, VOTES_WITHDRAWN),
    ("figures gone, never votes", seen(None), SHOWN, seen(None, None), [("hold", "source-withdrawn")], False, WITHDRAWN),
    (
        "votes gone, others changed",
        seen(),
        SHOWN,
        seen(None, CHANGED),
        [("correct", "source-changed"), ("hold", "source-withdrawn")],
        True,
        VOTES_WITHDRAWN,
    ),
    ("still gone", seen(), VOTES_WITHDRAWN, seen(None), [], False, VOTES_WITHDRAWN),
    ("now all gone", seen(), VOTES_WITHDRAWN, seen(None, None), [], False, VOTES_WITHDRAWN),
    (
        "still gone, others changed",
        seen(),
        VOTES_WITHDRAWN,
        seen(None, CHANGED),
        [("correct", "source-changed")],
        True,
        VOTES_WITHDRAWN,
    ),
    (
        "blanked, photos more",
        seen(None),
        VOTES_WITHDRAWN,
        seen(None, FORM, "a"),
        [("correct", "photo-added")],
        True,
        VOTES_WITHDRAWN,
    ),
    ("back as it was", seen(), VOTES_WITHDRAWN, seen(), [("release", "source-returned")], False, SHOWN),
    (
        "back with other figures",
        seen(),
        VOTES_WITHDRAWN,
        seen((1, 2, 3)),
        [("correct", "source-changed"), ("release", "source-returned")],
        True,
        SHOWN,
    ),
    (
        "back after blank votes",
        seen(None),
        VOTES_WITHDRAWN,
        seen(),
        [("correct", "source-completed"), ("release", "source-returned")],
        True,
        SHOWN,
    ),
    ("back without ever votes", seen(None), WITHDRAWN, seen(None), [("release", "source-returned")], False, SHOWN),
    ("still nothing", seen(None), WITHDRAWN, seen(None, None), [], False, WITHDRAWN),
]


@pytest.mark.parametrize(
    ("standing", "held", "now", "acts", "stands", "after"), [case[1:] for case in STEPS], ids=[case[0] for case in STEPS]
)
def test_what_follows_from_a_version(
    standing: Seen | None, held: int, now: Seen, acts: list[tuple[str, str]], stands: bool, after: int
) -> None:
    """The table of acts: what stood and what is seen now decide, and nothing else."""
    found, found_stands, found_after = steps(standing, held, now)
    assert [tuple(step) for step in found] == acts
    assert (found_stands, found_after) == (stands, after)


# --- whole imports ---------------------------------------------------------------------------------------------------------------


def test_a_first_version_is_a_submission_and_a_later_one_a_correction_by_the_office(importing: Importing) -> None:
    """The station's own key submits, the key of its kab/kota corrects, at the times of the source."""
    done = importing(row(), row(version=2, votes=(20, 145, 20)))
    assert done.told() == [
        Told("submitted", TPS, "", "operator", TPS, "15 01:00:00"),
        Told("corrected", TPS, "source-changed", "importer", "1771", "15 02:00:00"),
    ]
    submitted, corrected = done.tallies
    assert corrected.data.supersedes == (submitted.event_id,)
    assert submitted.data.source == corrected.data.source == "import"
    assert done.total("17") == (20, 145, 20)
    assert [key.seat for key in done.keys.values() if key.role in ("operator", "importer")].count("1") == 1


def test_figures_go_to_their_places_and_what_kpu_did_not_publish_is_blank(importing: Importing) -> None:
    """Each column has its figure; ballots and disability are blank."""
    numbers = {name: at for at, name in enumerate(FORM, 100)}
    figures = importing(row(votes=(1, 2, 3), form=numbers)).figures(0)
    renamed = {"pengguna_dptb": "pengguna_pindahan", "pengguna_dpk": "pengguna_tambahan"}
    expected = {}
    for name, number in numbers.items():
        line, _, last = name.rpartition("_")
        expected[f"{renamed.get(line, line)}_{last}".replace("_", "-")] = number
    expected |= {"suara-1": 1, "suara-2": 2, "suara-3": 3}
    assert {code: number for code, number in figures.items() if number is not None} == expected
    assert set(figures) - set(expected) == {
        *(f"disabilitas-{sex}" for sex in "lpj"),
        *(f"surat-suara-{word}" for word in ("diterima", "digunakan", "dikembalikan", "tidak-digunakan")),
    }


def test_zero_txt_is_blank_and_a_zero_is_a_zero(importing: Importing) -> None:
    """Votes known as zeros from a side file alone are blank, also as a change: none -> zero_txt is no event."""
    done = importing(
        row(votes=None),
        row(version=2, votes=(0, 0, 0), votes_src="zero_txt"),
        row(OTHER, votes=(0, 0, 0), form=FORM | {"pengguna_dpk_j": ""}),
    )
    assert done.short() == [("submitted", ""), ("submitted", "")]
    assert [done.figures(0)[f"suara-{number}"] for number in (1, 2, 3)] == [None, None, None]
    assert [done.figures(1)[f"suara-{number}"] for number in (1, 2, 3)] == [0, 0, 0]
    assert (done.figures(1)["pengguna-tambahan-l"], done.figures(1)["pengguna-tambahan-j"]) == (0, None)


def test_a_withdrawal_holds_and_a_return_releases(importing: Importing) -> None:
    """Out of the totals while KPU showed nothing, back with the figures that KPU then showed."""
    withdrawn = [row(), row(version=2, votes=None)]
    done = importing(*withdrawn, row(OTHER))
    assert done.short() == [("submitted", ""), ("submitted", ""), ("held", "source-withdrawn")]
    assert done.total("17") == VOTES


def test_a_return_with_other_figures_is_corrected_before_its_release(importing: Importing) -> None:
    """The totals never show the old figures again."""
    done = importing(row(), row(version=2, votes=None, form=None), row(version=3, votes=(1, 2, 3)))
    assert done.short() == [
        ("submitted", ""),
        ("held", "source-withdrawn"),
        ("corrected", "source-changed"),
        ("released", "source-returned"),
    ]
    assert done.total("") == (1, 2, 3)


def test_votes_gone_with_other_changes_are_blanked_and_held(importing: Importing) -> None:
    """The correction says what KPU then showed, with blank votes; a return completes it."""
    done = importing(row(), row(version=2, votes=None, form=CHANGED), row(version=3, form=CHANGED))
    assert done.short() == [
        ("submitted", ""),
        ("corrected", "source-changed"),
        ("held", "source-withdrawn"),
        ("corrected", "source-completed"),
        ("released", "source-returned"),
    ]
    assert (done.figures(1)["suara-1"], done.figures(1)["suara-total"]) == (None, 187)


def test_new_photos_are_a_photo_added_and_change_no_number(importing: Importing) -> None:
    """Names are hashed, lengths 0: nobody saw the bytes."""
    first, second = f"{TPS}-a.jpg", f"{TPS}-b.jpg"
    done = importing(
        row(photos=f"b483/{first}"),
        row(version=2, photos=f"b483/{first} b483/{second}"),
        row(version=3, photos=f"c000/{second} b483/{first}"),
    )
    assert done.short() == [("submitted", ""), ("corrected", "photo-added")]
    photos = done.tallies[1].data.photos
    assert [(photo.page, photo.sha256, photo.length) for photo in photos] == [
        (page, hashlib.sha256(name.encode()).digest(), 0) for page, name in enumerate((first, second), 1)
    ]
    assert done.sums["president/17"].counts[5] == 0, "a photo corrects no number"


def test_a_station_without_any_figure_is_expected_and_nothing_more(importing: Importing) -> None:
    """It is listed with a key, and has no event, photos or not."""
    done = importing(row(), row(OTHER, votes=None, form=None, photos="a/x.jpg"))
    assert done.short() == [("submitted", "")]
    assert done.sums["president/1771"].counts[:2] == (2, 1)
    assert done.report.stations == 2


def test_events_stand_in_the_order_of_time_and_of_versions(importing: Importing) -> None:
    """kpu_ts is WIB; without it seen_at counts, with its own zone; a version never stands before the one it follows."""
    done = importing(
        row(OTHER, kpu_ts="2024-02-15 03:00:00"),
        row(OTHER, 2, votes=(1, 1, 1), kpu_ts="2024-02-15 01:30:00"),  # an earlier time than the version before
        row(TPS, kpu_ts="", seen_at="2024-02-14T20:30:00+00:00"),  # 03:30 WIB
        row(TPS, 2, votes=(2, 2, 2), kpu_ts="", seen_at="2024-02-15T03:45:00+07:00"),
        row("1771011001003", kpu_ts="2024-02-14 21:46:01"),
    )
    assert [(told.station, told.hour) for told in done.told()] == [
        ("1771011001003", "14 21:46:01"),
        (OTHER, "15 03:00:00"),
        (OTHER, "15 03:00:00"),
        (TPS, "15 03:30:00"),
        (TPS, "15 03:45:00"),
    ]
    times = [entry.sequenced_at for entry in done.entries]
    assert times == sorted(times)
    assert times[-1] == done.tallies[-1].claimed_at, "the log's clock is the data's"


def test_versions_are_ordered_by_their_number_not_by_their_line(importing: Importing) -> None:
    """A table that is not sorted says the same."""
    done = importing(row(version=2, votes=(9, 9, 9)), row())
    assert [done.figures(at)["suara-1"] for at in (0, 1)] == [20, 9]


def test_files_that_share_stations_are_merged_in_time_order(tmp_path: Path, importing: Importing) -> None:
    """Documents and a table tell one history; what both say is said once, and at one time the first file goes first."""
    documents = tmp_path / "raw_kpu_json_x.jsonl"
    later = document(votes=(7, 7, 7), ts="2024-02-15 05:00:00")
    first = document(ts="2024-02-15 01:00:00", form=FORM)
    documents.write_text("\n".join((later, first)) + "\n")
    photos = f"a/{TPS}-1.jpg"
    source = table(
        tmp_path / "tps_versions_17.csv",
        [row(photos=photos), row(version=3, votes=(5, 5, 5), photos=photos), row(version=5, votes=(6, 6, 6), photos=photos)],
    )
    done = importing(documents, source)
    assert [(done.figures(at)["suara-1"], told.hour) for at, told in enumerate(done.told())] == [
        (20, "15 01:00:00"),
        (5, "15 03:00:00"),
        (7, "15 05:00:00"),
        (6, "15 05:00:00"),
    ]
    assert [file.versions for file in done.report.files] == [2, 3]


def test_kpu_documents_say_what_tables_say(tmp_path: Path, importing: Importing) -> None:
    """The station is in ``tps`` or in the path; a null chart is blank whatever the flags say; a null photo leaves its page out."""
    path = f"pemilu/hhcw/ppwp/17/1771/177101/1771011001/{OTHER}.json"
    lines = [document(), document("", None, FORM, path=path)]
    with gzip.open(tmp_path / "raw_kpu_json_x.jsonl.gz", "wt") as stream:
        stream.write("\n".join(lines) + "\n")
    done = importing(tmp_path / "raw_kpu_json_x.jsonl.gz")
    assert [(event.data.station, event.data.photos[0].page) for event in done.tallies] == [(TPS, 2), (OTHER, 2)]
    assert done.figures(0)["pengguna-tambahan-j"] == FORM["pengguna_dpk_j"]
    assert done.figures(0)["dpt-j"] == FORM["dpt_j"]
    assert done.figures(1)["suara-1"] is None
    assert done.total("17") == VOTES


def test_the_election_says_that_it_is_an_import(importing: Importing) -> None:
    """Kind, name, levels, contest, and keys from the files: other files make another ledger."""
    done = importing(row())
    assert done.election is not None
    opened = done.election.opened
    assert (opened.kind, opened.day) == ("import", "2024-02-14")
    assert "import" in opened.name
    assert opened.origin.startswith("import.ledger.example/pilpres2024-")
    assert [level.digits for level in opened.levels] == [0, 2, 4, 6, 10, 13]
    assert done.areas[""].name == "INDONESIA"
    assert done.entries[0].sequenced_at < done.tallies[0].claimed_at


def test_other_files_make_another_ledger_and_the_same_files_the_same(tmp_path: Path) -> None:
    """The same root twice; with one figure changed, not even the ledger's id is the same."""
    roots = []
    for number, votes in enumerate((VOTES, VOTES, (20, 144, 21))):
        source = table(tmp_path / "tps_versions_17.csv.gz", [row(votes=votes), row(version=2, votes=(1, 1, 1))])
        report = import_kpu([source], tmp_path / str(number), areas=None)
        roots.append((report.root, report.ledger))
    assert roots[0] == roots[1]
    assert roots[0][1] != roots[2][1]


def test_areas_are_those_of_the_codes_with_their_names(tmp_path: Path, importing: Importing) -> None:
    """Only what occurs is listed; special stations say so; each province has its zone, overseas keeps WIB."""
    names = tmp_path / "wilayah.csv"
    names.write_text("kode,nama,level\n17,BENGKULU,provinsi\n1771,KOTA BENGKULU,kabupaten_kota\n18,LAMPUNG,provinsi\n,,\n")
    codes = {"1771011001901": "Asia/Jakarta", "5101011001001": "Asia/Makassar", "9101011001001": "Asia/Jayapura"}
    codes["9907010001001"] = "Asia/Jakarta"
    done = importing(*(row(code) for code in codes), areas=names)
    assert {code: done.areas[code].zone for code in codes} == codes
    assert done.areas["1771011001901"].name == "TPS 901 (khusus)"
    assert done.areas["5101011001001"].name == "TPS 001"
    assert done.areas["17"].name == "BENGKULU"
    assert done.areas["177101"].name == "177101", "without a name the code is shown"
    assert "18" not in done.areas
    stations = [
        station for entry in done.entries if entry.event.type == "jurisdictions.listed" for station in entry.event.data.stations
    ]
    assert {(type(station), station.voters_male) for station in stations} == {(StationRow, None)}


def test_area_names_are_found_beside_the_data(tmp_path: Path) -> None:
    """../wilayah/kpu2024_wilayah.csv.gz, seen from the first file's folder."""
    for name in ("pilpres2024", "wilayah"):
        (tmp_path / name).mkdir()
    (tmp_path / "wilayah" / "kpu2024_wilayah.csv.gz").write_bytes(gzip.compress(b"kode,nama,level\n17,BENGKULU,provinsi\n"))
    source = table(tmp_path / "pilpres2024" / "tps_versions_17.csv", [row()])
    done = Imported(import_kpu([source], tmp_path / "ledger", areas=None), tmp_path / "ledger")
    assert done.areas["17"].name == "BENGKULU"


def test_progress_and_report(tmp_path: Path) -> None:
    """The callback hears the three steps to their ends; the report counts what the log holds."""
    told: dict[str, tuple[int, int]] = {}
    source = table(tmp_path / "tps_versions_17.csv", [row(), row(version=2, votes=(1, 1, 1)), row(OTHER)])
    report = import_kpu([source], tmp_path / "ledger", areas=None, progress=lambda step, *done: told.update({step: done}))
    assert told == {"read": (1, 1), "enrol": (2, 2), "submit": (3, 3)}
    assert report.versions == 3
    assert report.reasons == {"source-changed": 1}
    assert report.entries == sum(report.events.values())
    assert report.events["tally.submitted"] == 2
    assert report.files[0].sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    with Node.open(tmp_path / "ledger", clock=system_clock) as node:
        head, ledger = node.head(), node.ledger_id()
        assert ledger is not None
        assert (head.size, head.frontier.root().hex(), ledger.hex()) == (report.entries, report.root, report.ledger)


# --- what cannot be read ---------------------------------------------------------------------------------------------------------

BAD_ROWS = [
    ({"tps": "177101100100"}, "bad-station"),
    ({"tps": "177101100100x"}, "bad-station"),
    ({"version": "0"}, "bad-version"),
    ({"version": "one"}, "bad-version"),
    ({"suara_01": "-1"}, "bad-number"),
    ({"suara_01": "1.0"}, "bad-number"),
    ({"dpt_j": "1000000"}, "bad-number"),
    ({"dpt_j": "\u0661"}, "bad-number"),
    ({"votes_src": "guess"}, "bad-votes-source"),
    ({"votes_src": "none"}, "bad-votes-source"),
    ({"kpu_ts": "", "seen_at": ""}, "time-missing"),
    ({"kpu_ts": "2024-02-30 00:00:00"}, "bad-time"),
    ({"kpu_ts": "2024-02-15T00:00:00+07:00"}, "bad-time"),
    ({"kpu_ts": "1024-02-15 00:00:00"}, "bad-time"),
    ({"kpu_ts": "", "seen_at": "2024-03-13T15:14:56"}, "bad-time"),
    ({"photos": " ".join(f"a/{number}.jpg" for number in range(13))}, "photos-too-many"),
    ({"photos": "a/caf\u00e9.jpg"}, "bad-photo"),
    ({"photos": "a/"}, "bad-photo"),
]


@pytest.mark.parametrize(("cells", "cause"), BAD_ROWS)
def test_a_bad_row_is_reported_and_does_not_stop_the_rest(tmp_path: Path, cells: dict[str, object], cause: str) -> None:
    """With its file, line and cause; the rows around it are read."""
    source = table(tmp_path / "tps_versions_17.csv", [row(), row(OTHER) | cells, row("1771011001003")])
    first, bad, last = read_versions(source)
    assert isinstance(bad, BadRow)
    assert (bad.file, bad.line, bad.cause) == ("tps_versions_17.csv", 3, cause)
    assert not isinstance(first, BadRow)
    assert not isinstance(last, BadRow)


def test_lines_that_are_no_rows(tmp_path: Path) -> None:
    """Not UTF-8, too long, too few columns, a quote left open: each has its cause, and the line numbers stay right."""
    good = b",".join(str(row()[column]).encode() for column in COLUMNS)
    lines = [",".join(COLUMNS).encode(), b"\xff" + good, b"9" * 70_000, b"a,b", b'"' + good, good, b"9" * 65_536 + good]
    (tmp_path / "tps_versions_17.csv").write_bytes(b"\n".join(lines))
    *found, version, last = read_versions(tmp_path / "tps_versions_17.csv")
    assert [(bad.line, bad.cause) for bad in (*found, last) if isinstance(bad, BadRow)] == [
        (2, "not-utf8"),
        (3, "line-too-long"),
        (4, "columns"),
        (5, "bad-quotes"),
        (7, "line-too-long"),
    ]
    assert not isinstance(version, BadRow)


BAD_DOCUMENTS = [
    ("{", "bad-document"),
    ("[]", "bad-document"),
    (json.dumps({"tps": TPS, "kpu": {"chart": None}}), "bad-document"),
    (json.dumps({"tps": TPS, "kpu": {"chart": {"100025": 1.5}, "administrasi": None}}), "bad-document"),
    (document(votes=(-1, 2, 3)), "bad-number"),
    (document(form=FORM | {"suara_sah": 10**30}), "bad-number"),
    (document(form=FORM | {"suara_sah": 1_000_000}), "bad-number"),
    (document("", path="a/b.json"), "bad-station"),
    (
        json.dumps({"tps": TPS, "kpu": {"chart": {"100099": 1}, "administrasi": None, "ts": "2024-02-15 00:00:00"}}),
        "candidate-unknown",
    ),
    (json.dumps({"tps": TPS, "kpu": {"chart": None, "administrasi": None}}), "time-missing"),
    ("[" * 60_000, "bad-document"),
]


@pytest.mark.parametrize(("line", "cause"), BAD_DOCUMENTS, ids=range(len(BAD_DOCUMENTS)))
def test_a_bad_document_is_reported(tmp_path: Path, line: str, cause: str) -> None:
    """As bad rows are."""
    (tmp_path / "x.jsonl").write_text(f"{line}\n{document()}\n")
    bad, version = read_versions(tmp_path / "x.jsonl")
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.cause) == (1, cause)
    assert not isinstance(version, BadRow)


def test_all_bad_rows_are_counted_and_the_first_hundred_shown(importing: Importing) -> None:
    """The report stays small."""
    done = importing(row(), *(row(version=number, suara_sah="x") for number in range(2, 252)))
    assert done.report.bad_row_count == 250
    assert len(done.report.bad_rows) == BAD_ROWS_SHOWN
    assert done.report.bad_rows[-1].line == 102


def whole(path: Path) -> bytes:
    return table(path, [row(f"1771011001{number:03}", photos=f"a/{number * 7919}.jpg") for number in range(1, 900)]).read_bytes()


def truncated(path: Path) -> None:
    path.write_bytes(whole(path)[:-2000])


def damaged(path: Path) -> None:
    data = bytearray(whole(path))
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    path.write_bytes(data)


def no_gzip(path: Path) -> None:
    path.write_text("tps,version\n")


def other_header(path: Path) -> None:
    table(path, [], header=[*COLUMNS[:-1], "foto"])


def empty(path: Path) -> None:
    path.write_bytes(gzip.compress(b""))


def missing(path: Path) -> None:
    assert not path.exists()


UNREADABLE: list[tuple[Callable[[Path], None], set[str]]] = [
    (truncated, {"file-truncated"}),
    (damaged, {"file-damaged", "file-truncated"}),
    (no_gzip, {"file-damaged"}),
    (other_header, {"bad-header"}),
    (empty, {"bad-header"}),
    (missing, {"cannot-read"}),
]


@pytest.mark.parametrize(("make", "codes"), UNREADABLE, ids=["truncated", "damaged", "no-gzip", "header", "empty", "missing"])
def test_a_file_that_cannot_be_read_ends_the_import_before_anything_is_made(
    tmp_path: Path, make: Callable[[Path], None], codes: set[str]
) -> None:
    """``BadInput`` with the file's name, and no ledger."""
    path = tmp_path / "tps_versions_17.csv.gz"
    make(path)
    with pytest.raises(BadInput) as caught:
        import_kpu([path], tmp_path / "ledger", areas=None)
    assert caught.value.code in codes
    assert caught.value.where["file"] == path.name
    assert not (tmp_path / "ledger").exists()


def test_an_area_table_that_cannot_be_read_ends_the_import_before_anything_is_made(tmp_path: Path) -> None:
    """Missing, or with another header."""
    source = table(tmp_path / "tps_versions_17.csv", [row()])
    (tmp_path / "names.csv").write_text("code,name\n")
    for areas, code in ((tmp_path / "none.csv", "cannot-read"), (tmp_path / "names.csv", "bad-header")):
        with pytest.raises(BadInput) as caught:
            import_kpu([source], tmp_path / "ledger", areas=areas)
        assert (caught.value.code, caught.value.where["file"]) == (code, areas.name)
        assert not (tmp_path / "ledger").exists()


def test_files_of_another_kind_or_without_versions_are_no_sources(tmp_path: Path) -> None:
    """Told by their names; and an import of nothing is none."""
    (tmp_path / "x.xlsx").write_bytes(b"")
    for files, code in (
        ([tmp_path / "x.xlsx"], "source-unknown"),
        ([table(tmp_path / "a.csv", [])], "sources-empty"),
        ([], "sources-count"),
    ):
        with pytest.raises(BadInput) as caught:
            import_kpu(files, tmp_path / "ledger", areas=None)
        assert caught.value.code == code


def test_every_figure_of_the_sources_is_one_of_the_form() -> None:
    """No figure of a version is lost on the way into the form."""
    assert len(FIGURES) == len(set(FIGURES)) == 21


def test_area_names_are_found_from_wherever_the_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files named from their own folder and from elsewhere are the same import."""
    data = tmp_path / "pilpres2024"
    data.mkdir()
    names = tmp_path / "wilayah" / "kpu2024_wilayah.csv.gz"
    names.parent.mkdir()
    names.write_bytes(b"")
    monkeypatch.chdir(data)
    assert kpu._areas_beside(Path("tps_versions_17.csv.gz")) == names
    assert kpu._areas_beside(data / "tps_versions_17.csv.gz") == names
