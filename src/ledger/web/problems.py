"""Errors as problem documents (RFC 9457): our code, the status that says who must act, and when to come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from starlette.responses import Response

from ledger.errors import BadInput, LedgerError, Moved, NotVerified, Refused, Usage, Waiting
from ledger.web.answers import Problem

__all__ = ["PROBLEM_TYPE", "problem", "problem_of", "status_of", "unsupported", "where_of"]

PROBLEM_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 2

_STATUS: Final = {
    "body-too-large": 413,
    "body-slow": 408,
    "length-required": 411,
    "type-unsupported": 415,
    "method-unsupported": 405,
    "path-unknown": 404,
    "entry-unknown": 404,
    "event-not-found": 404,
    "area-unknown": 404,
    "area-outside-contest": 404,
    "contest-unknown": 404,
    "figure-unknown": 404,
    "role-unknown": 404,
    "station-unknown": 404,
    "total-not-sealed": 404,
    "contest-ambiguous": 409,
    "election-not-open": 409,
    "sizes-order": 409,
    "size-beyond-log": 404,
    "file-missing": 404,
    "rate-exceeded": 429,
    "voids-exceeded": 429,
}
"""By code, where the branch of the error tree does not say it."""


def status_of(error: LedgerError) -> int:
    """The HTTP status of an error."""
    if error.code in _STATUS:
        return _STATUS[error.code]
    match error:
        case Refused():
            return 422
        case Waiting() | Moved():
            return 503
        case BadInput() | Usage():
            return 400
        case NotVerified():
            return 500
        case _:  # the store; the same bytes may be sent again
            return 503


def where_of(error: LedgerError) -> dict[str, int | str]:
    """Numbers and names of the request, never a path of this machine."""
    return {name: value for name, value in error.where.items() if name != "path" and isinstance(value, int | str)}


def problem_of(error: LedgerError) -> Problem:
    """The document of an error."""
    return Problem(
        type=f"about:blank#{error.code}",
        title=error.code,
        status=status_of(error),
        code=error.code,
        detail=error.detail,
        where=where_of(error),
    )


def problem(error: LedgerError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that failed."""
    status = status_of(error)
    sent = dict(headers or {})
    if status in (429, 503):
        sent.setdefault("Retry-After", str(RETRY_SECONDS))
    return Response(msgspec.json.encode(problem_of(error)), status, sent, PROBLEM_TYPE)


def unsupported(method: str, allowed: Iterable[str]) -> Response:
    """The answer to a method that an address does not have; ``Allow`` names those that it has (RFC 9110, 15.5.6)."""
    return problem(BadInput("method-unsupported", "not with this method", method=method[:20]), {"Allow": ", ".join(allowed)})
