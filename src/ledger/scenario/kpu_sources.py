"""What KPU published of the presidential election of 2024, as versions of stations: tables and KPU's own documents.

Two kinds of files, plain or gzipped, told apart by their names:

- ``*.csv``: tables ``tps_versions_*`` and ``tps_corrections_*`` with the columns of ``COLUMNS``, one row a version;
- ``*.jsonl``: one JSON object a line, with KPU's verbatim document in ``kpu`` and the station's code in ``tps`` or ``path``.

Rules: an empty cell or a null is blank and never zero; votes of which the table says ``zero_txt`` are blank (nobody saw KPU show
them); times are ``kpu_ts`` in WIB, else ``seen_at``; a photo is the last part of its address.  A row that breaks a rule becomes a
``BadRow`` with its line and does not stop the rest; a file that cannot be read as what its name says raises ``BadInput``.

Left to others: what follows from a version (``kpu``).
"""

from __future__ import annotations

import csv
import datetime
import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Final, NamedTuple

import msgspec

from ledger.errors import BadInput
from ledger.tally.events import FIGURE_MAX, PHOTOS_MAX

__all__ = ["COLUMNS", "FIGURES", "VOTES", "WIB", "BadRow", "Version", "file_digest", "read_area_names", "read_versions"]

LINE_LIMIT_BYTES: Final = 65_536
FILE_LIMIT_BYTES: Final = 4 * 2**30
"""Of a file as read, hence after decompression."""
FILE_LIMIT_LINES: Final = 8_000_000
VERSION_MAX: Final = 99_999
DETAIL_LIMIT_CHARACTERS: Final = 80
AREA_NAME_LIMIT_CHARACTERS: Final = 120

WIB: Final = datetime.timezone(datetime.timedelta(hours=7))
_EARLIEST: Final = datetime.datetime(2000, 1, 1, tzinfo=WIB)
_LATEST: Final = datetime.datetime(2100, 1, 1, tzinfo=WIB)

_VOTE_COLUMNS: Final = ("suara_01", "suara_02", "suara_03")
_FORM_COLUMNS: Final = (
    *(f"{line}_{sex}" for line in ("dpt", "pengguna_dpt", "pengguna_dptb", "pengguna_dpk", "pengguna_total") for sex in "lpj"),
    "suara_sah",
    "suara_tidak_sah",
    "suara_total",
)
COLUMNS: Final = ("tps", "version", "seen_at", "commit", "kpu_ts", *_VOTE_COLUMNS, "votes_src", *_FORM_COLUMNS, "photos")
"""The header of a table."""

_CHART_IDS: Final = ("100025", "100026", "100027")
_JSON_NAMES: Final = {"dpt": "pemilih_dpt", "pengguna_dpk": "pengguna_non_dpt"}
_JSON_KEYS: Final = tuple(
    "_".join((_JSON_NAMES.get(line, line), last)) for line, _, last in (column.rpartition("_") for column in _FORM_COLUMNS)
)

_FIGURE_LINES: Final = {"pengguna_dptb": "pengguna_pindahan", "pengguna_dpk": "pengguna_tambahan"}
FIGURES: Final = (
    "suara-1",
    "suara-2",
    "suara-3",
    *(
        "_".join((_FIGURE_LINES.get(line, line), last)).replace("_", "-")
        for line, _, last in (column.rpartition("_") for column in _FORM_COLUMNS)
    ),
)
"""The form's codes of a version's figures, in their order: the votes first."""

VOTES: Final = len(_VOTE_COLUMNS)

_STATION: Final = re.compile(r"[0-9]{13}", re.ASCII)
_STATION_PATH: Final = re.compile(r"(?:.*/)?([0-9]{13})\.json", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
_WIB_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_PHOTO_NAME: Final = re.compile(r"[\x21-\x7e]{1,200}")  # characters, printable ASCII


class Version(NamedTuple):
    """A station as a source showed it once.

    ``order``: its place among the file's versions of the station (a table's version number, a document's time).  ``time``: ms since
    1970.  ``figures``: as ``FIGURES``, None where blank.  ``photos``: (page, SHA-256 of the published name).
    """

    station: int
    order: int
    time: int
    figures: tuple[int | None, ...]
    photos: tuple[tuple[int, bytes], ...]


class BadRow(msgspec.Struct, frozen=True):
    """A row that was left out: file, line from 1, the cause as a code, and what stood there."""

    file: str
    line: int
    cause: str
    detail: str


class _Bad(Exception):
    """A row's fault, on its way to a ``BadRow``."""

    def __init__(self, cause: str, detail: object = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.detail = str(detail)[:DETAIL_LIMIT_CHARACTERS]


def read_versions(path: Path) -> Iterator[Version | BadRow]:
    """Every version in a file, in its order, and every bad row.

    Raises ``BadInput``: ``source-unknown`` (by its name), ``bad-header``, ``cannot-read``, ``file-damaged``, ``file-truncated``,
    ``file-too-large``.
    """
    name = path.name.removesuffix(".gz")
    parse: Callable[[str], Version]
    with _lines(path) as lines:
        if name.endswith(".csv"):
            _check_header(path, lines, COLUMNS)
            parse = _parse_row
        elif name.endswith(".jsonl"):
            parse = _parse_document
        else:
            raise BadInput("source-unknown", "sources are .csv and .jsonl files, plain or .gz", file=path.name)
        for number, line in lines:
            try:
                yield parse(_decoded(line))
            except _Bad as bad:
                yield BadRow(path.name, number, bad.cause, bad.detail)


def read_area_names(path: Path, wanted: set[str]) -> dict[str, str]:
    """The names of the wanted area codes, from a table ``kode,nama,...``; an odd row gives no name.  ``BadInput`` as above."""
    names: dict[str, str] = {}
    with _lines(path) as lines:
        _check_header(path, lines, ("kode", "nama"))
        for _, line in lines:
            try:
                code, name = _cells(_decoded(line))[:2]
            except (_Bad, ValueError):
                continue
            if code in wanted and 0 < len(name) <= AREA_NAME_LIMIT_CHARACTERS and name.isprintable():
                names[code] = name
    return names


def file_digest(path: Path) -> str:
    """SHA-256 of a file as it lies there, in hex.  Raises ``BadInput`` ``cannot-read``."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as problem:
        raise BadInput("cannot-read", problem.strerror or "the file cannot be read", file=path.name) from None


# --- lines ---------------------------------------------------------------------------------------------------------------------


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[tuple[int, bytes | None]]]:
    """(number from 1, line without its end) of a file; None for a line that is too long."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield _numbered(path, stream)
    except EOFError:
        raise BadInput("file-truncated", "the compressed file breaks off", file=path.name) from None
    except (gzip.BadGzipFile, zlib.error) as problem:
        raise BadInput("file-damaged", f"the compressed file cannot be read: {problem}", file=path.name) from None
    except OSError as problem:
        raise BadInput("cannot-read", problem.strerror or "the file cannot be read", file=path.name) from None


def _numbered(path: Path, stream: IO[bytes] | gzip.GzipFile) -> Iterator[tuple[int, bytes | None]]:
    read_bytes = 0
    for number in range(1, FILE_LIMIT_LINES + 1):
        line = stream.readline(LINE_LIMIT_BYTES)
        if not line:
            return
        read_bytes += len(line)
        whole = len(line) < LINE_LIMIT_BYTES or line.endswith(b"\n")
        while len(line) == LINE_LIMIT_BYTES and not line.endswith(b"\n") and read_bytes <= FILE_LIMIT_BYTES:
            line = stream.readline(LINE_LIMIT_BYTES)
            read_bytes += len(line)
        if read_bytes > FILE_LIMIT_BYTES:
            raise BadInput("file-too-large", f"a source has at most {FILE_LIMIT_BYTES:,} bytes", file=path.name)
        yield number, line.rstrip(b"\r\n") if whole else None
    if stream.readline(1):
        raise BadInput("file-too-large", f"a source has at most {FILE_LIMIT_LINES:,} lines", file=path.name)


def _check_header(path: Path, lines: Iterator[tuple[int, bytes | None]], expected: tuple[str, ...]) -> None:
    """The first columns are the expected ones."""
    first = b"".join(line or b"" for _, line in islice(lines, 1))
    try:
        found = tuple(_cells(_decoded(first)))
    except _Bad:
        found = ()
    if found[: len(expected)] != expected:
        raise BadInput("bad-header", f"the first line must begin with {','.join(expected[:5])}", file=path.name)


def _decoded(line: bytes | None) -> str:
    if line is None:
        raise _Bad("line-too-long", f"over {LINE_LIMIT_BYTES:,} bytes")
    try:
        return line.decode()
    except UnicodeDecodeError as problem:
        raise _Bad("not-utf8", f"byte {problem.start + 1}") from None


def _cells(text: str) -> list[str]:
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as problem:
        raise _Bad("bad-quotes", problem) from None


# --- rows and documents ----------------------------------------------------------------------------------------------------------

_AT_VOTES: Final = COLUMNS.index(_VOTE_COLUMNS[0])
_AT_SOURCE: Final = COLUMNS.index("votes_src")
_AT_PHOTOS: Final = COLUMNS.index("photos")


def _parse_row(text: str) -> Version:
    cells = _cells(text)
    if len(cells) != len(COLUMNS):
        raise _Bad("columns", f"{len(cells)} instead of {len(COLUMNS)}")
    station, version, seen_at, _, kpu_ts = cells[:_AT_VOTES]
    if not _NUMBER.fullmatch(version) or not 1 <= int(version) <= VERSION_MAX:
        raise _Bad("bad-version", version)
    votes = _numbers(cells, _AT_VOTES, _AT_SOURCE)
    match cells[_AT_SOURCE]:
        case "table":
            pass
        case "zero_txt":  # known from a side file alone: nobody saw KPU show these zeros
            votes = (None,) * VOTES
        case "none" if not any(cells[_AT_VOTES:_AT_SOURCE]):
            pass
        case other:
            raise _Bad("bad-votes-source", other)
    figures = votes + _numbers(cells, _AT_SOURCE + 1, _AT_PHOTOS)
    return Version(_station(station), int(version), _time(kpu_ts, seen_at), figures, _photos(cells[_AT_PHOTOS].split()))


def _numbers(cells: list[str], start: int, stop: int) -> tuple[int | None, ...]:
    numbers: list[int | None] = []
    for at in range(start, stop):
        cell = cells[at]
        if not cell:
            numbers.append(None)
        elif _NUMBER.fullmatch(cell):
            numbers.append(int(cell))
        else:
            raise _Bad("bad-number", f"{COLUMNS[at]}: {cell}")
    return tuple(numbers)


class _Tps(msgspec.Struct):
    """KPU's document of a station, as far as it is read."""

    chart: dict[str, int | None] | None
    administrasi: dict[str, int | None] | None
    images: list[str | None] | None = None
    ts: str | None = None


class _Line(msgspec.Struct):
    kpu: _Tps
    tps: str = ""
    path: str = ""
    seen_at: str = ""


_decode_line: Final = msgspec.json.Decoder(_Line).decode


def _parse_document(text: str) -> Version:
    try:
        line = _decode_line(text)
    except (msgspec.DecodeError, RecursionError) as problem:  # a document of another shape is a DecodeError too
        raise _Bad("bad-document", problem) from None
    kpu = line.kpu
    found = _STATION_PATH.fullmatch(line.path)
    station = _station(line.tps or (found[1] if found else line.path))
    chart = kpu.chart or {}
    unknown = chart.keys() - {"null", *_CHART_IDS}
    if unknown:
        raise _Bad("candidate-unknown", sorted(unknown)[0])
    values = [(key, chart.get(key)) for key in _CHART_IDS]
    values += [(key, (kpu.administrasi or {}).get(key)) for key in _JSON_KEYS]
    for key, value in values:
        if value is not None and not 0 <= value <= FIGURE_MAX:
            raise _Bad("bad-number", f"{key}: {value}")
    time = _time(kpu.ts or "", line.seen_at)
    return Version(station, time, time, tuple(value for _, value in values), _photos(kpu.images or []))


def _station(code: str) -> int:
    if not _STATION.fullmatch(code):
        raise _Bad("bad-station", code)
    return int(code)


def _time(kpu_ts: str, seen_at: str) -> int:
    """Milliseconds since 1970 of what KPU said (WIB, without a zone), else of when somebody saw it (with its zone)."""
    text = kpu_ts or seen_at
    if not text:
        raise _Bad("time-missing")
    try:
        if kpu_ts and not _WIB_TIME.fullmatch(kpu_ts):
            raise ValueError(kpu_ts)
        moment = datetime.datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=WIB) if kpu_ts else moment
        if not _EARLIEST <= moment < _LATEST:  # TypeError without a zone
            raise ValueError(text)
    except (ValueError, TypeError):
        raise _Bad("bad-time", text) from None
    return int(moment.timestamp()) * 1000


def _photos(addresses: list[str | None] | list[str]) -> tuple[tuple[int, bytes], ...]:
    """(page, hash of the name) of the photos that are there; an address that is null leaves its page out."""
    if len(addresses) > PHOTOS_MAX:
        raise _Bad("photos-too-many", len(addresses))
    photos = []
    for page, address in enumerate(addresses, 1):
        if address is None:
            continue
        name = address.rpartition("/")[2]
        if not _PHOTO_NAME.fullmatch(name):
            raise _Bad("bad-photo", address)
        photos.append((page, hashlib.sha256(name.encode("ascii")).digest()))
    return tuple(photos)
