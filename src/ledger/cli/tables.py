"""Files that people write for us: CSV, TOML and JSON, read strictly, with the line and column of what is wrong.  ``-`` is stdin."""

from __future__ import annotations

import csv
import io
import json
import sys
import tomllib
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec

from ledger.errors import BadInput, Refused
from ledger.files import Files
from ledger.tally.canonical import encode
from ledger.tally.events import DATA_TYPES, EventData, type_of

__all__ = ["FILE_LIMIT_BYTES", "batches", "checked", "near", "read_csv", "read_document", "read_source"]

FILE_LIMIT_BYTES: Final = 50_000_000
BATCH_BYTES: Final = 48_000
"""How large the rows of one batch may be; an entry holds 65,535 bytes."""

_decoders: Final = {name: msgspec.msgpack.Decoder(data_type) for name, data_type in DATA_TYPES.items()}


def read_source(source: str) -> str:
    """The text of a file, or of stdin for ``-``.  ``BadInput`` ``not-text`` where it is no UTF-8."""
    if source == "-":
        data = sys.stdin.buffer.read(FILE_LIMIT_BYTES + 1)
        if len(data) > FILE_LIMIT_BYTES:
            raise BadInput("file-too-large", "more than 50 MB", path="-")
    else:
        data = Files().read(Path(source), FILE_LIMIT_BYTES)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadInput("not-text", f"no UTF-8 at byte {problem.start}", path=source) from None


def read_document(source: str) -> Any:
    """The value of a TOML or JSON file (by its name; stdin: by its first character).  ``BadInput`` ``bad-document``."""
    words = read_source(source)
    as_json = source.endswith(".json") or (source == "-" and words.lstrip()[:1] in ("{", "["))
    try:
        return json.loads(words) if as_json else tomllib.loads(words)
    except (ValueError, RecursionError) as problem:
        raise BadInput("bad-document", str(problem), path=source) from None


def read_csv(source: str, *, needed: Sequence[str], optional: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row) of a CSV file with a header.  ``BadInput``: ``column-missing``, ``column-unknown``, ``bad-row``."""
    reader = csv.DictReader(io.StringIO(read_source(source)), restkey="\0more", restval="\0less", strict=True)
    try:
        columns = [column.strip() for column in reader.fieldnames or ()]
        reader.fieldnames = columns
        for column in needed:
            if column not in columns:
                raise BadInput("column-missing", "the header lacks it", path=source, column=column)
        for column in columns:
            if column not in needed and column not in optional:
                mean = near(column, [*needed, *optional])
                raise BadInput("column-unknown", "no such column is read", path=source, column=column, did_you_mean=mean)
        for row in reader:
            if "\0more" in row or "\0less" in row.values():
                raise BadInput("bad-row", "another number of cells than the header", path=source, line=reader.line_num)
            yield reader.line_num, {name: (cell or "").strip() for name, cell in row.items()}
    except csv.Error as problem:
        raise BadInput("bad-row", str(problem), path=source, line=reader.line_num) from None


def near(typed: str, known: Sequence[str]) -> str:
    """The known words that look like what was typed, joined by commas."""
    return ", ".join(get_close_matches(typed, known, cutoff=0.5))


def checked(data: EventData, **where: object) -> EventData:
    """The event's data, as a ledger will read it.  ``BadInput`` ``bad-value`` for what its schema refuses, before signing."""
    try:
        return _decoders[type_of(data)].decode(encode(data))
    except (msgspec.ValidationError, Refused, UnicodeEncodeError) as problem:
        raise BadInput("bad-value", str(problem), **where) from None


def batches(rows: Sequence[Any], *, most: int) -> Iterator[tuple[Any, ...]]:
    """``rows`` in order, in batches that fit an entry each."""
    batch: list[Any] = []
    size = 0
    for row in rows:
        length = len(encode(row))
        if batch and (len(batch) == most or size + length > BATCH_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield tuple(batch)
