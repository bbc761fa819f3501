"""The plenaries: forms and recaps read aloud, recaps certified and reopened, and the seal over all recaps."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.tally.canonical import Code, Digest, Uint
from ledger.tally.eventdata.words import (
    BATCH_STATIONS_MAX,
    FIGURES_MAX,
    ROWS_MAX,
    AgentMark,
    AreaCode,
    DocumentNumber,
    Map,
    Note,
    Photos,
    Round,
    Row,
    StationCode,
)

__all__ = ["DifferenceRow", "MissingRow", "ReadRow", "RecapCertified", "RecapRead", "RecapReopened", "RecapSealed", "Total"]

Total = Uint | Literal["x", "-"] | None
"""A figure of a paper recap: as a form's, and as large as a nation's."""


class ReadRow(Row, frozen=True):
    """A station's standing event (at its round), or a lower area's certificate (round 0), found to agree with the paper."""

    code: AreaCode
    round: Round
    event: Digest


class RecapRead(Map, frozen=True):
    """Read aloud in the plenary and found to agree; rows ascend by code."""

    contest: Code
    rows: Annotated[tuple[ReadRow, ...], Meta(min_length=1, max_length=ROWS_MAX)]
    note: Note | UnsetType = UNSET


class DifferenceRow(Row, frozen=True):
    """A figure (by its place in the form) in which the paper recap says another number than the replay, and why."""

    figure: Annotated[int, Meta(ge=0, le=FIGURES_MAX - 1)]
    reason: Code


class MissingRow(Row, frozen=True):
    """A station (or lower area) whose figures are not in the totals, and why."""

    code: AreaCode
    reason: Code
    basis: Annotated[tuple[DocumentNumber, ...], Meta(max_length=1)]


class RecapCertified(Map, frozen=True):
    """The recap of ``area`` as the log gave it after its first ``size`` entries, and as the signed paper says.

    ``sums``: the total of every figure; ``commitment``: the area's hash; both must be the replay's.  ``paper``: the paper recap's
    own figures; ``differences``: exactly those in which the two differ.  ``missing``: exactly what is not in the totals.
    ``held_at``: when the plenary certified (ms since 1970, as the paper says).
    """

    contest: Code
    area: AreaCode
    size: Uint
    commitment: Digest
    sums: Annotated[tuple[Uint, ...], Meta(max_length=FIGURES_MAX)]
    paper: Annotated[tuple[Total, ...], Meta(max_length=FIGURES_MAX)]
    differences: Annotated[tuple[DifferenceRow, ...], Meta(max_length=FIGURES_MAX)]
    missing: Annotated[tuple[MissingRow, ...], Meta(max_length=ROWS_MAX)]
    document: DocumentNumber
    held_at: Uint
    photos: Photos
    agents: Annotated[tuple[AgentMark, ...], Meta(max_length=99)] | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class RecapReopened(Map, frozen=True):
    """A certificate holds no more for these stations (none named: for all) until the area is certified again."""

    contest: Code
    area: AreaCode
    certificate: Digest
    stations: Annotated[tuple[StationCode, ...], Meta(max_length=BATCH_STATIONS_MAX)]
    reason: Code
    basis: DocumentNumber
    note: Note | UnsetType = UNSET


class RecapSealed(Map, frozen=True):
    """The root over all recaps as the first ``size`` entries give them; those are the entries before this one."""

    size: Uint
    root: Digest
