"""The API said for machines: the OpenAPI 3.1 document at ``/openapi.json``, and for people the page at ``/docs``.

Schemas come from the types that are sent (``answers.py``), limits from the code that holds them, statuses from the errors
themselves.  What stands here is what no type says: words, and which errors an operation has.  tests/web/test_contract.py holds the
document against the application.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ledger import __version__
from ledger.errors import BadInput, Broken, LedgerError, Waiting
from ledger.web.answers import (
    EVENTS_MAX,
    AppendedAnswer,
    CheckAnswer,
    ConsistencyAnswer,
    EventAnswer,
    Problem,
    RefusedAnswer,
    SubmissionsAnswer,
    WaitingAnswer,
)
from ledger.web.api import BODY_LIMIT_BYTES, BODY_SECONDS, EVENT_PATTERN, MESSAGEPACK
from ledger.web.contract_page import PAGE_POLICY, page
from ledger.web.contract_views import VIEW_KINDS, VIEW_PARAMETERS, view_operations
from ledger.web.operations import (
    BEYOND,
    BINARY,
    BYTES,
    DECIMAL,
    HTML,
    JSON,
    NUMBER,
    QUERY,
    STORE,
    TEXT,
    WORDS,
    Answer,
    Operation,
    ref,
)
from ledger.web.problems import PROBLEM_TYPE, problem_of, status_of
from ledger.web.queries import NUMBER_DIGITS_MAX

__all__ = ["contract_routes", "document", "document_bytes"]


ANSWERS: Final = (SubmissionsAnswer, CheckAnswer, EventAnswer, ConsistencyAnswer, Problem)


def contract_routes() -> list[Route]:
    """The routes of the document and its page."""
    return [
        Route("/openapi.json", _kept(document_bytes(), JSON, {"Access-Control-Allow-Origin": "*"})),
        Route("/docs", _kept(page(document()), f"{HTML}; charset=utf-8", PAGE_POLICY)),
    ]


def _kept(content: bytes, kind: str, headers: Mapping[str, str]) -> Callable[[Request], Awaitable[Response]]:
    """Bytes that do not change while the program runs."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    sent = {"ETag": tag, "Cache-Control": "no-cache", **headers}

    async def endpoint(request: Request) -> Response:
        known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
        if tag in known or "*" in known:
            return Response(status_code=304, headers=sent)
        return Response(content, media_type=kind, headers=sent)

    return endpoint


# --- the operations --------------------------------------------------------------------------------------------------------------


# The examples are of the ledger in docs/FORMATS.md: its event 8 with the receipt, and the path from 32 entries to all 48.
_EVENT: Final = "a9e52ec71c2cc25c3c8e8b00b6038590ad856d62eef93da0bdf84fe846db1adf"
_STEP: Final = "8712bb38356fc3461ed97e23321367d34b0ac1c9d73353feb54817c15badc2a0"

_RECEIPT: Final = """\
c2sp.org/tlog-proof@v1
extra k8Qghkcj4GQ6ENJnwsS8WSvTBCQlJE4TsdY5eviRJRvDZbLPAAABk2xywIDEQDUrl15WxXBsdryrtr75V71IT+8KTdqoq+dySb1HRLN8BXAFUdWJRN4uDgfuYjVi\
/RUtRgvwiD/RrsHnknNkYtg=
index 8
bYryb9iB7wtVhBSGFPUG3IYDod5+oZntlck8R4w+57E=
ECnv0i1eXfZSDW+IdIFb7KCd5MiD48DEErewotESAVs=
C8Z78s7ElwuYwndx2dqtHlHPNhyrIwMSOYkjoPc57q4=
o8JykJqglKHcmm7M31Kh7WzvjdRPAo7rhHs/sCaAoQk=
mbgz1MisskERls6xXJgAcyX4SAXG8lYladYSvjEbMzU=
hxK7ODVvw0Ye2X4jMhNn00sKwcnXM1P+tUgXwVutwqA=

ledger.example/docs
48
TRSHWmxccQfzQ4M1NhTcObqP1cf4vLL1k3t9cw5Kyq4=

— ledger.example/docs DsZ2H6QNvEwHA+uTBEPA6KgjFZfMFmnHF5N1C31BYxK0VjRVtJBWMmic7X0xm5qjeeiGDMNZVJY9TEUFOJOdLitS+wA=
"""
_CHECKPOINT: Final = _RECEIPT.partition("\n\n")[2]

_APPENDED: Final = AppendedAnswer(_EVENT, 8, "", pending=False, before=False, late=False, receipt=_RECEIPT)
_REFUSED: Final = RefusedAnswer("signature-invalid", "the signature is not this key's over these bytes", {})
_WAITING: Final = WaitingAnswer("stream-gap", "an earlier event of this key has not arrived", {"position": 3, "next": 2})
_FORETOLD: Final = msgspec.structs.replace(_APPENDED, receipt=None)


_PLACE: Final = {"index": "/answers/0/index"}
_FOUND: Final = {"entry": {"index": "/index"}, "receipt": {"index": "/index"}}


_BUSY: Final = Waiting("busy", "another process writes; send the same bytes again")
_BODY: Final = (
    BadInput("body-invalid", f"1 to {EVENTS_MAX} submissions are taken at once", submissions=EVENTS_MAX + 1),
    QUERY,
    BadInput("body-slow", "the body did not come in its time", seconds=BODY_SECONDS),
    BadInput("body-too-large", "a body has a limit", limit=BODY_LIMIT_BYTES),
    BadInput("type-unsupported", "send application/msgpack, as it is", found=JSON),
    *STORE,
)
_NOTE: Final = {"type": "string", "description": "a signed note (C2SP)"}
_PROOF: Final = {"type": "string", "description": "a tlog-proof (C2SP)"}

_OPERATIONS: Final = (
    Operation(
        "post",
        "/api/v1/submissions",
        "submit",
        "Append submissions",
        "Each submission gets its answer; one that is refused hinders no other. An answer `appended` leaves when the entry is "
        "durable, and carries its receipt. Sending the same bytes again is always right: they get the place that they have. A lone "
        "submission's status says what became of it; a batch's is 200.",
        (
            Answer(
                200,
                "A batch's answers, or those of a lone submission that stood in the log before",
                JSON,
                ref(SubmissionsAnswer),
                SubmissionsAnswer([_APPENDED, _REFUSED, _WAITING], 48, [_STEP]),
            ),
            Answer(
                201,
                "A lone submission was appended",
                JSON,
                ref(SubmissionsAnswer),
                SubmissionsAnswer([_APPENDED], 48, []),
                leads={"event": {"event": "/answers/0/event"}, "entry": _PLACE, "receipt": _PLACE},
            ),
            Answer(409, "A lone submission is waiting", JSON, ref(SubmissionsAnswer), SubmissionsAnswer([_WAITING], 0, [])),
            Answer(422, "A lone submission was refused", JSON, ref(SubmissionsAnswer), SubmissionsAnswer([_REFUSED], 0, [])),
        ),
        ("seen",),
        (
            *_BODY,
            BadInput("number-invalid", "a number is decimal, without sign or leading zero", argument="seen"),
            Waiting("queue-full", "more arrives than is appended", events=10_000),
            Waiting("node-stopping", "the node takes nothing more"),
            _BUSY,
            Broken("disk-full", "the disk is full; nothing was appended"),
            Broken("commit-unknown", "the commit failed; send the same bytes again"),
        ),
        body=True,
    ),
    Operation(
        "post",
        "/api/v1/check",
        "check",
        "Ask what would become of submissions",
        "As `/api/v1/submissions` would answer now, without receipts; nothing is appended.",
        (Answer(200, "The answers", JSON, ref(CheckAnswer), CheckAnswer([_FORETOLD, _REFUSED, _WAITING])),),
        errors=(*_BODY, _BUSY),
        body=True,
    ),
    Operation(
        "get",
        "/api/v1/checkpoint",
        "checkpoint",
        "The newest checkpoint",
        "It may be ahead of the published one.",
        (Answer(200, "The checkpoint", TEXT, _NOTE, _CHECKPOINT, ("ETag", "Cache-Control")),),
        errors=(QUERY, BadInput("entry-unknown", "the log has no entry yet"), *STORE),
    ),
    Operation(
        "get",
        "/api/v1/entries/{index}",
        "entry",
        "An entry's bytes",
        "Canonical MessagePack (docs/FORMATS.md, section 4). They never change.",
        (Answer(200, "The entry", BYTES, BINARY, None, ("Cache-Control",)),),
        ("index",),
        (QUERY, NUMBER, BadInput("entry-unknown", "the log has no such entry", index=99, size=48), *STORE),
    ),
    Operation(
        "get",
        "/api/v1/entries/{index}/receipt",
        "receipt",
        "An entry's receipt",
        "Up to the newest checkpoint.",
        (Answer(200, "The receipt", TEXT, _PROOF, _RECEIPT),),
        ("index",),
        (QUERY, NUMBER, BEYOND, *STORE),
    ),
    Operation(
        "get",
        "/api/v1/events/{event}",
        "event",
        "Where an event stands",
        "By its id. Whoever wants to know more than the node says asks for the entry's receipt.",
        (Answer(200, "Its place", JSON, ref(EventAnswer), EventAnswer(_EVENT, 8), leads=_FOUND),),
        ("event",),
        (
            QUERY,
            BadInput("bad-hex", "64 hex digits are expected", argument="event"),
            BadInput("event-not-found", "no entry holds this event", event=_EVENT),
            *STORE,
        ),
    ),
    Operation(
        "get",
        "/api/v1/consistency",
        "consistency",
        "A consistency proof",
        "What shows that the log of `new` entries extends that of `old`, from 1 on; `new` is at most the log's size.",
        (Answer(200, "The proof", JSON, ref(ConsistencyAnswer), ConsistencyAnswer(32, 48, [_STEP])),),
        ("old", "new"),
        (
            QUERY,
            BadInput("number-invalid", "a number is needed", argument="old"),
            BadInput("size-beyond-log", "no two sizes of this log, the smaller first", old=32, new=99, size=48),
            *STORE,
        ),
    ),
    Operation(
        "get",
        "/api/v1/key-chain",
        "keyChain",
        "The key chain",
        "The entries that lead from entry 0 to the log's key in force at the newest checkpoint (docs/FORMATS.md 8.4).",
        (Answer(200, "The key chain file", BYTES, BINARY),),
        errors=(QUERY, BadInput("entry-unknown", "the log has no entry yet"), *STORE),
    ),
    Operation("get", "/healthz", "alive", "Does the process answer", "", (Answer(200, "It does", TEXT, WORDS, "ok\n"),)),
    Operation(
        "get",
        "/readyz",
        "ready",
        "Does the node take submissions",
        "The log is read, and held against its anchor.",
        (Answer(200, "It does", TEXT, WORDS, "ready\n"),),
        errors=(Broken("log-stopped", "the node is about to end"), *STORE),
    ),
    Operation(
        "get",
        "/metrics",
        "metrics",
        "The node's own numbers",
        "In Prometheus's text format.",
        (Answer(200, "The numbers", TEXT, WORDS),),
    ),
    Operation(
        "get",
        "/openapi.json",
        "contract",
        "This document",
        "",
        (
            Answer(200, "An OpenAPI 3.1 document", JSON, {"type": "object"}, None, ("ETag", "Cache-Control")),
            Answer(304, "It has not changed", headers=("ETag", "Cache-Control")),
        ),
        ("If-None-Match",),
    ),
    Operation(
        "get",
        "/docs",
        "page",
        "This document for people",
        "",
        (
            Answer(200, "A page", HTML, WORDS, None, ("ETag", "Cache-Control", "Content-Security-Policy")),
            Answer(304, "It has not changed", headers=("ETag", "Cache-Control")),
        ),
        ("If-None-Match",),
    ),
)

_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "index": {"in": "path", "required": True, "schema": DECIMAL, "example": 8, "description": "the entry's place"},
    "event": {
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": f"^{EVENT_PATTERN}$"},
        "example": _EVENT,
        "description": "the event's id in hex",
    },
    "seen": {
        "in": "query",
        "schema": DECIMAL | {"default": 0},
        "example": 32,
        "description": "the largest tree size that the sender has a checkpoint of: the answer shows that the log extends it",
    },
    "old": {"in": "query", "required": True, "schema": DECIMAL, "example": 32, "description": "the smaller tree size"},
    "new": {"in": "query", "required": True, "schema": DECIMAL, "example": 48, "description": "the larger tree size"},
    "If-None-Match": {"in": "header", "schema": {"type": "string"}, "description": "the `ETag` of what the reader has"},
}

_KNOWN: Final = _PARAMETERS | VIEW_PARAMETERS

_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {
        "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "description": "its name in the node's log",
    },
    "Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "come back after so many seconds"},
    "ETag": {"schema": {"type": "string", "pattern": '^"[0-9a-f]+"$'}, "description": "changes when the answer does"},
    "Cache-Control": {"schema": {"type": "string"}, "description": "how long the answer may be kept"},
    "X-Tree-Size": {"schema": {"type": "integer", "minimum": 0}, "description": "the tree size that is shown"},
    "Content-Security-Policy": {"schema": {"type": "string"}, "description": "nothing but the page's own style"},
}


# --- the document ----------------------------------------------------------------------------------------------------------------

_DESCRIPTION: Final = f"""\
An event-sourced ledger of election tallies. Nothing in an answer is to be believed: what it claims, receipts, paths and key chains
show.

The log's published files stand at the root of the same address (`/checkpoint`, `/tile/...`, `/recap/...`; docs/FORMATS.md 7, 8.3) \
and are no part of this document.

Whatever fails is told by a problem document (RFC 9457) with a stable `code`; docs/RULES.md has all of them. Any request may be \
answered 429 with `Retry-After` where its address or a key asks too much. Numbers are decimal, \
of at most {NUMBER_DIGITS_MAX} digits, without sign or leading zeros. Under `/api/v1` a name in a query that is not listed, or \
that comes twice, is refused. HEAD answers where GET does; any other method is answered 405 with `Allow`; an address that nothing \
has, 404."""

_BODY_WORDS: Final = f"""\
A MessagePack array of 1 to {EVENTS_MAX} submissions, each a byte string (`bin`): the very bytes that a device signed \
(docs/FORMATS.md, section 3). At most {BODY_LIMIT_BYTES:,} bytes, within {BODY_SECONDS} seconds, without `Content-Encoding`. \
{" and ".join(f"`{kind}`" for kind in MESSAGEPACK[1:])} mean the same."""


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document.  Callers leave it as it is."""
    _, schemas = msgspec.json.schema_components((*ANSWERS, *VIEW_KINDS), ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in (*_OPERATIONS, *view_operations()):
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tally-ledger",
            "summary": "What devices send to a ledger's node, and what anybody may ask of it",
            "description": _DESCRIPTION,
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": {name: {"required": True, **said} for name, said in _HEADERS.items()},
        },
    }


@cache
def document_bytes() -> bytes:
    """As it is served: the same bytes from the same program."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=1)


def _operation(operation: Operation) -> dict[str, Any]:
    said: dict[str, Any] = {"operationId": operation.name, "summary": operation.title}
    if operation.words:
        said["description"] = operation.words
    if operation.parameters:
        said["parameters"] = [{"name": name.removeprefix("?"), **_KNOWN[name]} for name in operation.parameters]
    if operation.body:
        body = {"schema": BINARY | {"maxLength": BODY_LIMIT_BYTES}}
        said["requestBody"] = {"description": _BODY_WORDS, "required": True, "content": {MESSAGEPACK[0]: body}}
    said["responses"] = {str(status): answer for status, answer in sorted([*_answers(operation), *_problems(operation)])}
    return said


def _answers(operation: Operation) -> Iterator[tuple[int, dict[str, Any]]]:
    for answer in operation.answers:
        said: dict[str, Any] = {"description": answer.words, "headers": _headers(*answer.headers)}
        if answer.kind:
            content: dict[str, Any] = {"schema": dict(answer.schema)}
            if answer.example is not None:
                content["example"] = msgspec.to_builtins(answer.example)
            said["content"] = {answer.kind: content}
        if answer.leads:
            said["links"] = {name: _link(name, where) for name, where in answer.leads.items()}
        yield answer.status, said


def _link(name: str, where: Mapping[str, str]) -> dict[str, Any]:
    return {"operationId": name, "parameters": {parameter: f"$response.body#{place}" for parameter, place in where.items()}}


def _problems(operation: Operation) -> Iterator[tuple[int, dict[str, Any]]]:
    by_status: dict[int, dict[str, LedgerError]] = {}
    for error in operation.errors:
        by_status.setdefault(status_of(error), {})[error.code] = error
    for status, errors in by_status.items():
        codes = ", ".join(f"`{code}`" for code in errors)
        more = ", or another code of the node's store; send the same again" if status == 503 else ""
        examples = {code: {"value": msgspec.to_builtins(problem_of(error))} for code, error in errors.items()}
        yield (
            status,
            {
                "description": codes + more,
                "headers": _headers("Retry-After") if status == 503 else _headers(),
                "content": {PROBLEM_TYPE: {"schema": ref(Problem), "examples": examples}},
            },
        )


def _headers(*names: str) -> dict[str, dict[str, str]]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}
