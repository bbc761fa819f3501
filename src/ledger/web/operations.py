"""What the contract says of each operation, before it is written as OpenAPI: requests, answers, errors (``contract.py``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ledger.errors import BadInput, Broken, LedgerError
from ledger.web.queries import NUMBER_DIGITS_MAX

__all__ = [
    "BEYOND",
    "BINARY",
    "BYTES",
    "DECIMAL",
    "FLAG",
    "HTML",
    "JSON",
    "NUMBER",
    "QUERY",
    "STORE",
    "TEXT",
    "WORDS",
    "Answer",
    "Operation",
    "ref",
]

JSON: Final = "application/json"
TEXT: Final = "text/plain"
BYTES: Final = "application/octet-stream"
HTML: Final = "text/html"


class Answer(NamedTuple):
    """One status with which an operation answers as it should; ``example`` is the body as it is written in JSON; ``leads``: what
    can be asked with what it holds, and where that stands."""

    status: int
    words: str
    kind: str = ""
    schema: Mapping[str, Any] = {}
    example: object = None
    headers: tuple[str, ...] = ()
    leads: Mapping[str, Mapping[str, str]] = {}


class Operation(NamedTuple):
    """``errors``: one of each code with which it can fail, besides what every request meets."""

    method: str
    path: str
    name: str
    title: str
    words: str
    answers: tuple[Answer, ...]
    parameters: tuple[str, ...] = ()
    errors: tuple[LedgerError, ...] = ()
    body: bool = False


def ref(answer: type) -> dict[str, str]:
    """The schema of a type that is sent."""
    return {"$ref": f"#/components/schemas/{answer.__name__}"}


NUMBER: Final = BadInput("number-invalid", "a number is decimal, without sign or leading zero", argument="index")
QUERY: Final = BadInput("query-unknown", "not in this query, or twice", argument="from")
BEYOND: Final = BadInput("size-beyond-log", "the log has no such entry", index=99, size=48)
STORE: Final = (
    Broken("log-rolled-back", "the log is shorter than what it signed", signed=48, size=40),
    Broken("internal", "a fault of the program; the log has it under 51bb4e5c9e2f4c0a"),
)
"""What every operation that asks the log can meet."""

BINARY: Final = {"type": "string", "format": "binary"}
WORDS: Final = {"type": "string"}
DECIMAL: Final = {"type": "integer", "minimum": 0, "maximum": 10**NUMBER_DIGITS_MAX - 1}
FLAG: Final = {"type": "integer", "enum": [0, 1]}
