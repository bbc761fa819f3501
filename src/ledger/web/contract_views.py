"""The questions about the recaps in the contract: an operation for each view and format, from the table that answers them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ledger.errors import BadInput, Waiting
from ledger.web.operations import (
    BEYOND,
    BINARY,
    BYTES,
    DECIMAL,
    FLAG,
    JSON,
    NUMBER,
    QUERY,
    STORE,
    Answer,
    Operation,
    ref,
)
from ledger.web.views import ROWS_MAX, VIEWS, WORDS, View

__all__ = ["VIEW_KINDS", "VIEW_PARAMETERS", "view_operations"]

VIEW_KINDS: Final = tuple(view.kind for view in VIEWS if view.kind is not bytes)
"""The types that views answer."""

_ASKED: Final = (
    QUERY,
    NUMBER,
    BadInput("word-invalid", "nothing can be called so", argument="area"),
    BadInput("area-unknown", "no area or station has this code", area="9"),
    BadInput("contest-unknown", "no such contest is listed", contest="x"),
    BadInput("contest-ambiguous", "several contests have totals there, or none", area="17"),
    BadInput("area-outside-contest", "no contest has totals there", area="17"),
    BadInput("station-unknown", "no such station holds this contest", station="1771010001001", contest="x"),
    BadInput("election-not-open", "the ledger has no entry yet"),
    BadInput("figure-unknown", "no candidate has this number, and no figure this code", figure="x"),
    BadInput("role-unknown", "a work list is of one of these roles", role="x"),
    BadInput("sizes-order", "the earlier height comes first, and is at least 1", before=9, after=8),
    BadInput("total-not-sealed", "no seal is at or below this size", at=8),
    BEYOND,
    Waiting("node-busy", "another replay is under way"),
    Waiting("checkpoint-unwitnessed", "0 of the 2 cosignatures that entry 0 asks for", size=48),
    *STORE,
)
"""What a question can meet; which of them one does meet, its words say."""


def view_operations() -> Iterator[Operation]:
    """Of each view, in each format that it comes in."""
    for view in VIEWS:
        path = f"/api/v1/{view.path}"
        name = "".join(part.title() for part in view.path.replace("{", "").replace("}", "").replace("/", " ").split())
        parameters = (*_path_words(view), *(f"?{each}" for each in view.asks), "If-None-Match")
        unchanged = Answer(304, "The log has not grown", headers=("ETag", "Cache-Control"))
        sent = ("ETag", "Cache-Control")
        if view.kind is bytes:
            answers = (Answer(200, "The file (docs/FORMATS.md 8.6)", BYTES, BINARY, None, sent), unchanged)
        else:
            answers = (Answer(200, "As of the size that it names", JSON, _shown(view), None, sent), unchanged)
        yield Operation("get", path, f"ask{name}", view.words, "", answers, parameters, _ASKED)
        for form in view.forms:
            kind = {"csv": "text/csv", "jsonl": "application/jsonl"}[form]
            rows = Answer(200, "The rows alone; the size in `ETag`", kind, {"type": "string"}, None, (*sent, "X-Tree-Size"))
            yield Operation(
                "get", f"{path}.{form}", f"ask{name}{form.title()}", view.words, "", (rows, unchanged), parameters, _ASKED
            )


def _path_words(view: View) -> list[str]:
    return [part[1:-1] for part in view.path.split("/") if part.startswith("{")]


def _shown(view: View) -> dict[str, Any]:
    size: dict[str, Any] = {"size": {"type": "integer", "minimum": 0}}
    if not view.rows:
        return {"type": "object", "required": ["size", "answer"], "properties": size | {"answer": ref(view.kind)}}
    rows: dict[str, Any] = {"rows": {"type": "array", "items": ref(view.kind)}}
    following = {"next": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}
    return {"type": "object", "required": ["size", "rows", "next"], "properties": size | rows | following}


def _word(name: str) -> dict[str, str]:
    return {"type": "string", "pattern": f"^({WORDS[name]})$"}


VIEW_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "area": {
        "in": "path",
        "required": True,
        "schema": _word("area"),
        "example": "1771",
        "description": "the code of an area or station; `all`: the whole country",
    },
    "station": {
        "in": "path",
        "required": True,
        "schema": _word("station"),
        "example": "1771010001001",
        "description": "a station's code",
    },
    "figure": {
        "in": "path",
        "required": True,
        "schema": _word("figure"),
        "example": "1",
        "description": "a candidate's number, or the code of a figure of the form",
    },
    "role": {
        "in": "path",
        "required": True,
        "schema": _word("role"),
        "example": "officer",
        "description": "whose work list it is",
    },
    "?contest": {"in": "query", "schema": _word("contest"), "description": "a contest's code"},
    "?area": {"in": "query", "schema": _word("area"), "description": "in this area"},
    "?role": {"in": "query", "schema": _word("role"), "description": "of this role alone"},
    "?at": {"in": "query", "schema": DECIMAL, "description": "as of this tree size, by a replay; the log's unless said"},
    "?height": {"in": "query", "schema": DECIMAL, "description": "the last seal at or below this tree size"},
    "?before": {"in": "query", "schema": DECIMAL, "description": "the earlier tree size, at least 1"},
    "?until": {"in": "query", "schema": DECIMAL, "description": "the later tree size; the log's unless said"},
    "?after": {
        "in": "query",
        "schema": DECIMAL,
        "description": "how many rows to pass over; of the log, which entry is the first",
    },
    "?limit": {
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": ROWS_MAX},
        "description": "how many rows at most",
    },
    "?below": {"in": "query", "schema": FLAG, "description": "1: and in all areas below"},
    "?every": {"in": "query", "schema": FLAG, "description": "1: stations that add nothing too"},
    "?marked": {"in": "query", "schema": FLAG, "description": "1: those alone of which something is to be known"},
    "?stations": {"in": "query", "schema": FLAG, "description": "1: down to the rows of all stations"},
    "?not-evaluated": {"in": "query", "schema": FLAG, "description": "1: rules that could not be evaluated too"},
}
"""By name; those of a query begin with a question mark, as a path's may be called the same."""
