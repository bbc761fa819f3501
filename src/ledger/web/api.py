"""The HTTP API under ``/api/v1``: what devices send and are given, what anybody may ask of the log.

    POST submissions              a MessagePack array of 1 to 500 submissions: one answer each, with its receipt
    POST check                    the same, and nothing is appended: what would become of them now
    GET  checkpoint               the newest signed checkpoint, as a note
    GET  entries/{index}          an entry's bytes
    GET  entries/{index}/receipt  its tlog-proof up to the newest checkpoint
    GET  events/{event id}        where an event stands, or 404
    GET  consistency?old&new      the hashes that show that the log of ``new`` entries extends that of ``old``
    GET  key-chain                the entries that lead from entry 0 to the log's key in force

Sending the same bytes again is always right: the answer names the place that they have.  Every answer that depends on the log says
its tree size, in ``ETag`` where nothing else decides it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ledger.errors import BadInput, Refused, Waiting
from ledger.log.append import Answer as Decided
from ledger.log.append import Appended
from ledger.node import Node
from ledger.web.answers import (
    EVENTS_MAX,
    Answer,
    AppendedAnswer,
    CheckAnswer,
    ConsistencyAnswer,
    EventAnswer,
    RefusedAnswer,
    SubmissionsAnswer,
    WaitingAnswer,
)
from ledger.web.intake import Intake, Outcome
from ledger.web.problems import where_of
from ledger.web.queries import number_of, query_of

__all__ = ["BODY_LIMIT_BYTES", "BODY_SECONDS", "EVENT_PATTERN", "MESSAGEPACK", "routes"]

BODY_LIMIT_BYTES: Final = 8_000_000
BODY_SECONDS: Final = 30

MESSAGEPACK: Final = ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")
BYTES: Final = "application/octet-stream"
TEXT: Final = "text/plain; charset=utf-8"

EVENT_PATTERN: Final = "[0-9a-fA-F]{64}"
_EVENT: Final = re.compile(EVENT_PATTERN)

_submissions: Final = msgspec.msgpack.Decoder(list[bytes])


def routes(node: Node, intake: Intake) -> list[Route]:
    """The routes of the API, over a node and the door to its log."""
    return [
        Route("/api/v1/submissions", partial(_submit, node, intake), methods=["POST"]),
        Route("/api/v1/check", partial(_check, node), methods=["POST"]),
        Route("/api/v1/checkpoint", _read(node, _checkpoint)),
        Route("/api/v1/entries/{index}", _read(node, _entry)),
        Route("/api/v1/entries/{index}/receipt", _read(node, _receipt)),
        Route("/api/v1/events/{event}", _read(node, _event)),
        Route("/api/v1/consistency", _read(node, _consistency, "old", "new")),
        Route("/api/v1/key-chain", _read(node, _key_chain)),
    ]


# --- sending ---------------------------------------------------------------------------------------------------------------------


async def _submit(node: Node, intake: Intake, request: Request) -> Response:
    query = query_of(request, ("seen",))
    submissions = await _sent(request)
    seen = number_of(query, "seen", 0)
    outcomes = await intake.take(submissions)
    answers = [_answer(*outcome) for outcome in outcomes]
    size = max((_size(outcome.receipt) for outcome in outcomes if outcome.receipt is not None), default=0)
    proof = await run_in_threadpool(node.consistency, seen, size) if 0 < seen < size else []
    said = SubmissionsAnswer(answers, size, [step.hex() for step in proof])
    return _json(said, _status(outcomes))


async def _check(node: Node, request: Request) -> Response:
    query_of(request, ())
    answers = await run_in_threadpool(node.foretell, await _sent(request))
    return _json(CheckAnswer([_answer(answer, None) for answer in answers]))


def _status(outcomes: Sequence[Outcome]) -> int:
    """That of a lone submission says what became of it; a batch's answers do so each."""
    if len(outcomes) != 1:
        return 200
    match outcomes[0].answer:
        case Appended(before=before):
            return 200 if before else 201
        case Refused():
            return 422
        case Waiting():
            return 409


def _answer(answer: Decided, receipt: bytes | None) -> Answer:
    if isinstance(answer, Appended):
        return AppendedAnswer(
            event=answer.event_id.hex(),
            index=answer.index,
            code=answer.void,
            pending=answer.pending,
            before=answer.before,
            late=answer.late,
            receipt=None if receipt is None else receipt.decode(),
        )
    kind = WaitingAnswer if isinstance(answer, Waiting) else RefusedAnswer
    return kind(code=answer.code, detail=answer.detail, where=where_of(answer))


async def _sent(request: Request) -> list[bytes]:
    """The submissions in the body.  Raises ``BadInput``: ``type-unsupported``, ``body-too-large``, ``body-slow``, ..."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in MESSAGEPACK or request.headers.get("content-encoding", "identity") != "identity":
        raise BadInput("type-unsupported", "send application/msgpack, as it is", found=kind[:80])
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _body(request)
        submissions = _submissions.decode(body)
    except TimeoutError:
        raise BadInput("body-slow", "the body did not come in its time", seconds=BODY_SECONDS) from None
    except ClientDisconnect:
        raise BadInput("body-cut", "the connection ended before the body") from None
    except (msgspec.DecodeError, RecursionError) as problem:
        raise BadInput("body-invalid", f"not an array of submissions: {problem}") from None
    if not 1 <= len(submissions) <= EVENTS_MAX:
        raise BadInput("body-invalid", "1 to 500 submissions are taken at once", submissions=len(submissions))
    return submissions


async def _body(request: Request) -> bytes:
    """Read as it comes, and no further than the limit."""
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > BODY_LIMIT_BYTES:
            raise BadInput("body-too-large", "a body has a limit", limit=BODY_LIMIT_BYTES)
        parts.append(part)
    return b"".join(parts)


def _size(receipt: bytes) -> int:
    """The tree size in a receipt that we have made."""
    return int(receipt.rpartition(b"\n\n")[0].rpartition(b"\n\n")[2].split(b"\n")[1])


# --- asking ----------------------------------------------------------------------------------------------------------------------

_Ask = Callable[[Node, Mapping[str, str]], Response]


def _read(node: Node, ask: _Ask, *names: str) -> Callable[[Request], Awaitable[Response]]:
    """Reads run in threads: the event loop, and with it intake, never waits for one.  ``names``: what the query may say."""

    async def endpoint(request: Request) -> Response:
        query = query_of(request, names)
        return await run_in_threadpool(ask, node, {**query, **request.path_params})

    return endpoint


def _checkpoint(node: Node, _words: Mapping[str, str]) -> Response:
    head = node.head()
    if not head.size:
        raise BadInput("entry-unknown", "the log has no entry yet")
    return Response(head.checkpoint, media_type=TEXT, headers=_tagged(head.size))


def _entry(node: Node, words: Mapping[str, str]) -> Response:
    index = number_of(words, "index")
    with node.snapshot() as snapshot:
        if index >= snapshot.size:
            raise BadInput("entry-unknown", "the log has no such entry", index=index, size=snapshot.size)
        return Response(snapshot.entry(index), media_type=BYTES, headers={"Cache-Control": "public, max-age=31536000, immutable"})


def _receipt(node: Node, words: Mapping[str, str]) -> Response:
    return Response(node.receipt(number_of(words, "index")), media_type=TEXT)


def _event(node: Node, words: Mapping[str, str]) -> Response:
    said = words["event"]
    if not _EVENT.fullmatch(said):
        raise BadInput("bad-hex", "64 hex digits are expected", argument="event")
    event_id = bytes.fromhex(said)
    index = node.find(event_id)
    if index is None:
        raise BadInput("event-not-found", "no entry holds this event", event=event_id.hex())
    return _json(EventAnswer(event_id.hex(), index))


def _consistency(node: Node, words: Mapping[str, str]) -> Response:
    old, new = number_of(words, "old"), number_of(words, "new")
    return _json(ConsistencyAnswer(old, new, [step.hex() for step in node.consistency(old, new)]))


def _key_chain(node: Node, _words: Mapping[str, str]) -> Response:
    if not node.head().size:
        raise BadInput("entry-unknown", "the log has no entry yet")
    return Response(node.key_chain(), media_type=BYTES)


def _tagged(size: int) -> dict[str, str]:
    return {"ETag": f'"{size}"', "Cache-Control": "no-cache"}


def _json(said: msgspec.Struct, status: int = 200) -> Response:
    return Response(msgspec.json.encode(said), status, media_type="application/json")
