"""The application: the API and its contract, the published files, health; what wraps every request.

Each request has an id (``X-Request-Id``).  An error of the tree becomes a problem document; anything else is a fault of ours: a
problem document that says so and no more, and the whole story in the log.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, request_response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger import __version__
from ledger.errors import BadInput, Broken, LedgerError
from ledger.node import PUBLIC, Node
from ledger.web.api import routes
from ledger.web.contract import contract_routes
from ledger.web.intake import Intake
from ledger.web.problems import problem, unsupported
from ledger.web.published import published

__all__ = ["make_app"]

LOG: Final = logging.getLogger("ledger.web")


def make_app(node: Node, intake: Intake, *, running: Callable[[], AbstractContextManager[None]]) -> ASGIApp:
    """The ASGI application.  ``running``: what runs from before the first request until after the last: intake, publisher."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        manager = running()
        await run_in_threadpool(manager.__enter__)
        try:
            yield
        finally:
            await run_in_threadpool(manager.__exit__, None, None, None)

    async def file(request: Request) -> Response:
        return await published(request, node.folder / PUBLIC)

    async def alive(_request: Request) -> Response:
        return Response(b"ok\n", media_type="text/plain")

    async def ready(_request: Request) -> Response:
        await run_in_threadpool(node.check_anchor)
        if intake.stopping:
            raise Broken("log-stopped", "the node is about to end")
        return Response(b"ready\n", media_type="text/plain")

    app = Starlette(
        routes=[
            Route("/healthz", alive),
            Route("/readyz", ready),
            *routes(node, intake),
            *contract_routes(),
        ],
        lifespan=lifespan,
        exception_handlers={404: _unknown, 405: _unsupported, LedgerError: _told, Exception: _fault},
    )
    app.router.redirect_slashes = False  # an address is right or it is not; a redirection would believe the Host header
    app.router.default = request_response(file)  # after the routes: another method of theirs is told as such
    return _Wrapped(app)


async def _unknown(request: Request, _error: Exception) -> Response:
    return problem(BadInput("path-unknown", "nothing has this address", address=request.scope["path"][:100]))


async def _unsupported(request: Request, error: Exception) -> Response:
    allowed = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
    return unsupported(request.method, sorted(allowed.split(", ")))


async def _told(request: Request, error: Exception) -> Response:
    if not isinstance(error, LedgerError):
        raise error
    LOG.warning(error.code, extra={"said": {**_said(request.scope), "detail": error.detail}})
    return problem(error)


async def _fault(request: Request, _error: Exception) -> Response:
    """The error itself goes on to ``_Wrapped``, which writes it down."""
    return problem(Broken("internal", f"a fault of the program; the log has it under {request.scope['ledger.request']}"))


class _Wrapped:
    """An id for every request, and a line in the log where a fault of ours comes out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex[:16]
        scope["ledger.request"], scope["ledger.started"] = request_id, time.monotonic()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_headers(request_id)]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            LOG.exception("internal", extra={"said": _said(scope)})


def _headers(request_id: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-request-id", request_id.encode()),
        (b"server", f"tally-ledger/{__version__}".encode()),
        (b"x-content-type-options", b"nosniff"),
    ]


def _said(scope: Scope) -> dict[str, Any]:
    return {
        "request": scope["ledger.request"],
        "method": scope["method"],
        "path": scope["path"][:200],
        "seconds": round(time.monotonic() - scope["ledger.started"], 4),
    }
