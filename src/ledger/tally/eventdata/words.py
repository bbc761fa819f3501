"""The scalar types and limits that event data is made of, and its two shapes: maps and rows (docs/FORMATS.md sections 1 and 10)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from ledger.tally.canonical import Digest

__all__ = [
    "AREAS_MAX",
    "BATCH_STATIONS_MAX",
    "FIGURES_MAX",
    "FIGURE_MAX",
    "KEYS_MAX",
    "LIST_MAX",
    "PHOTOS_MAX",
    "ROUND_MAX",
    "ROWS_MAX",
    "SUPERSEDES_MAX",
    "TYPE_PATTERN",
    "AgentMark",
    "AreaCode",
    "Bit",
    "Day",
    "DocumentNumber",
    "Figure",
    "Figures",
    "Map",
    "Note",
    "Origin",
    "Photo",
    "Photos",
    "Role",
    "Round",
    "Row",
    "Seat",
    "StationCode",
    "TypeName",
    "Vkey",
    "Voters",
    "Zone",
]

FIGURE_MAX: Final = 999_999
FIGURES_MAX: Final = 128
PHOTOS_MAX: Final = 12
SUPERSEDES_MAX: Final = 8
LIST_MAX: Final = 32
KEYS_MAX: Final = 200
AREAS_MAX: Final = 1_000
BATCH_STATIONS_MAX: Final = 200
"""Stations of one order, one postponement, one reopening."""
ROWS_MAX: Final = 500
"""Rows of one reading, stations or areas missing from one certificate."""
ROUND_MAX: Final = 9

TYPE_PATTERN: Final = r"\A[a-z.]{1,40}\Z"

AreaCode = Annotated[str, Meta(pattern=r"\A[0-9]{0,16}\Z")]
StationCode = Annotated[str, Meta(pattern=r"\A[0-9]{1,16}\Z")]
Seat = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,32}\Z")]
Day = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Vkey = Annotated[str, Meta(pattern=r"\A[\x21-\x7e]{1,255}\Z")]
Origin = Annotated[str, Meta(pattern=r"\A[\x21-\x2a\x2c-\x7e]{1,128}\Z")]
Zone = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9+_/-]{1,40}\Z")]
DocumentNumber = Annotated[str, Meta(pattern=r"\A[\x20-\x7e]{1,64}\Z")]
TypeName = Annotated[str, Meta(pattern=TYPE_PATTERN)]
Round = Annotated[int, Meta(ge=0, le=ROUND_MAX)]
Bit = Literal[0, 1]

Figure = Annotated[int, Meta(ge=0, le=FIGURE_MAX)] | Literal["x", "-"] | None
"""A number 0..999,999, None (blank), "x" (illegible) or "-" (not applicable).  Zero is not blank."""
Figures = Annotated[tuple[Figure, ...], Meta(max_length=FIGURES_MAX)]

Voters = Annotated[int, Meta(ge=0, le=FIGURE_MAX)] | None
"""Registered voters; None where the list is not known."""

Role = Literal["administrator", "agent", "importer", "officer", "operator", "registrar", "supervisor"]
"""Roles that a registrar may enrol.  An enrolled ``registrar`` is a delegate: it enrols operators alone.  ``root`` and ``sealer``
are named by entry 0 alone."""

AgentMark = Literal["signed", "refused", "absent"]
"""Of a candidate's agent on a paper: present and signed, present and refused, absent."""

Note = Digest
"""The salted hash of a text that lies beside the log (docs/FORMATS.md section 2)."""


class Map(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A map with the schema's words as keys."""


class Row(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """A row of a batch: an array."""


class Photo(Row, frozen=True):
    """A photo of a form's page: SHA-256 and length in bytes of the file.

    ``length`` 0 says that the bytes were never seen: then ``sha256`` is that of the name under which the photo was published
    (imports only), and proves which name was meant and nothing about the picture.
    """

    page: Annotated[int, Meta(ge=1, le=99)]
    sha256: Digest
    length: Annotated[int, Meta(ge=0, le=2**40)]


Photos = Annotated[tuple[Photo, ...], Meta(max_length=PHOTOS_MAX)]
