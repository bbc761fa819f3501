"""The JSON that the API answers with, as types: what is sent, and what ``/openapi.json`` describes (docs/FORMATS.md 8.10)."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

__all__ = [
    "EVENTS_MAX",
    "Answer",
    "AppendedAnswer",
    "CheckAnswer",
    "ConsistencyAnswer",
    "EventAnswer",
    "Problem",
    "RefusedAnswer",
    "SubmissionsAnswer",
    "WaitingAnswer",
]

EVENTS_MAX: Final = 500
"""So many submissions may stand in one body."""

_Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="32 bytes in hex")]
_Index = Annotated[int, Meta(ge=0, lt=2**53, description="a place in the log; entry 0 is the first")]
_Size = Annotated[int, Meta(ge=0, lt=2**53, description="a number of entries")]
_Code = Annotated[str, Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", description="stable; docs/RULES.md lists all")]
_Void = Annotated[
    str, Meta(pattern="^([a-z0-9]+(-[a-z0-9]+)*)?$", description="why the event is void; empty where it takes effect")
]
_Detail = Annotated[str, Meta(description="one English clause for people; may change")]
_Where = Annotated[dict[str, int | str], Meta(description="numbers and names that say which thing is meant")]
_Path = Annotated[list[_Hash], Meta(max_length=128, description="a consistency path (RFC 9162, 2.1.4)")]


class AppendedAnswer(Struct, frozen=True, tag_field="outcome", tag="appended"):
    """The event stands in the log, for good."""

    event: Annotated[_Hash, Meta(description="the event's id in hex")]
    index: _Index
    code: _Void
    pending: Annotated[bool, Meta(description="it waits for a second seat's approval")]
    before: Annotated[bool, Meta(description="it stood there before this request")]
    late: Annotated[bool, Meta(description="the clock had gone back: the entry bears the time of the one before")]
    receipt: Annotated[str | None, Meta(description="the tlog-proof (docs/FORMATS.md 8.4); null in what is only foretold")]


class RefusedAnswer(Struct, frozen=True, tag_field="outcome", tag="refused"):
    """Nothing was appended, and these bytes never will be."""

    code: _Code
    detail: _Detail
    where: _Where


class WaitingAnswer(Struct, frozen=True, tag_field="outcome", tag="waiting"):
    """No receipt yet; the very same bytes may be sent again later, whatever became of them (a log takes them once)."""

    code: _Code
    detail: _Detail
    where: _Where


Answer = AppendedAnswer | RefusedAnswer | WaitingAnswer
_Answers = Annotated[list[Answer], Meta(min_length=1, max_length=EVENTS_MAX, description="one for each submission, in their order")]


class SubmissionsAnswer(Struct, frozen=True):
    """What became of the submissions."""

    answers: _Answers
    size: Annotated[_Size, Meta(description="the largest tree size of the receipts; 0 where there is none")]
    consistency: Annotated[
        _Path, Meta(description="from a tree of `seen` entries to one of `size`; empty where there is nothing to show")
    ]


class CheckAnswer(Struct, frozen=True):
    """What would become of the submissions now."""

    answers: _Answers


class EventAnswer(Struct, frozen=True):
    """Where an event stands."""

    event: Annotated[_Hash, Meta(description="the event's id in hex")]
    index: _Index


class ConsistencyAnswer(Struct, frozen=True):
    """What shows that the log of ``new`` entries extends that of ``old``."""

    old: _Size
    new: _Size
    path: _Path


class Problem(Struct, frozen=True):
    """A request that failed (RFC 9457)."""

    type: Annotated[str, Meta(pattern="^about:blank#[a-z0-9]+(-[a-z0-9]+)*$", description="`about:blank#` and the code")]
    title: Annotated[_Code, Meta(description="the code")]
    status: Annotated[int, Meta(ge=400, le=599, description="the answer's HTTP status")]
    code: _Code
    detail: _Detail
    where: _Where
