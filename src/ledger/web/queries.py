"""What a request says in its query, read strictly: a slip must not pass for an answer.

A name that the operation does not read, or that comes twice, is refused; a number is canonical decimal.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

from starlette.requests import Request

from ledger.errors import BadInput
from ledger.proof.lines import decode_decimal

__all__ = ["NUMBER_DIGITS_MAX", "decimal", "number_of", "query_of"]

NUMBER_DIGITS_MAX: Final = 16


def query_of(request: Request, known: Container[str]) -> dict[str, str]:
    """The query's words by name.  Raises ``BadInput`` ``query-unknown`` where a name is not ``known``, or comes twice."""
    words: dict[str, str] = {}
    for name, word in request.query_params.multi_items():
        if name not in known or name in words:
            raise BadInput("query-unknown", "not in this query, or twice", argument=name[:40])
        words[name] = word
    return words


def number_of(words: Mapping[str, str], name: str, default: int | None = None) -> int:
    """The number that is called so.  Raises ``BadInput`` ``number-invalid``, also where it is absent without a ``default``."""
    said = words.get(name)
    if said is not None:
        return decimal(said, name)
    if default is None:
        raise BadInput("number-invalid", "a number is needed", argument=name)
    return default


def decimal(said: str, name: str) -> int:
    """0 to sixteen nines, in ASCII digits without sign or leading zero; else ``BadInput`` ``number-invalid``."""
    try:
        return decode_decimal(said.encode("utf-8", "replace"), limit=10**NUMBER_DIGITS_MAX - 1, code="number-invalid")
    except BadInput:
        raise BadInput("number-invalid", "a number is decimal, without sign or leading zero", argument=name) from None
