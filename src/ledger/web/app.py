"""The application: the API and its contract, the published files, health; what wraps every request.

Each request has an id (``X-Request-Id``).  An error of the tree becomes a problem document; anything else is a fault of ours: a
problem document that says so and no more, and the whole story in the log.
"""

from __future__ import annotations

import logging
import math
import os
import time
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
from ledger.errors import BadInput, Broken, LedgerError, Waiting
from ledger.node import PUBLIC, Node
from ledger.web.api import routes
from ledger.web.contract import contract_routes
from ledger.web.intake import Intake
from ledger.web.limits import Buckets
from ledger.web.metrics import METRICS_TYPE, Metrics
from ledger.web.problems import problem, unsupported
from ledger.web.protocol import Protocol
from ledger.web.published import published
from ledger.web.views import view_routes

__all__ = ["make_app"]

LOG: Final = logging.getLogger("ledger.web")


def make_app(
    node: Node,
    intake: Intake,
    *,
    running: Callable[[], AbstractContextManager[None]],
    metrics: Metrics | None = None,
    addresses: Buckets | None = None,
) -> ASGIApp:
    """The ASGI application.  ``running``: what runs from before the first request until after the last: intake, publisher.
    ``metrics``: what is counted, and shown at ``/metrics``; ``addresses``: how much one address may ask."""
    counted = Metrics() if metrics is None else metrics
    counted.gauge("queue_events", "Events between arriving and being answered.", lambda: intake.load[0])
    counted.gauge("queue_bytes", "Their bytes.", lambda: intake.load[1])
    counted.gauge("tree_size", "Entries of the log.", lambda: node.head().size)

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

    async def numbers(_request: Request) -> Response:
        return Response(await run_in_threadpool(counted.text), headers={"Content-Type": METRICS_TYPE})

    app = Starlette(
        routes=[
            *routes(node, intake),
            Route("/healthz", alive),
            Route("/readyz", ready),
            Route("/metrics", numbers),
            *view_routes(node),
            *contract_routes(),
        ],
        lifespan=lifespan,
        exception_handlers={404: _unknown, 405: _unsupported, LedgerError: _told, Exception: _fault},
    )
    app.router.redirect_slashes = False  # an address is right or it is not; a redirection would believe the Host header
    app.router.default = request_response(file)  # after the routes: another method of theirs is told as such
    return _Wrapped(app, counted, addresses)


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
    """An id for every request, a limit for its address, its numbers, and a line in the log where a fault of ours comes out."""

    def __init__(self, app: ASGIApp, metrics: Metrics, addresses: Buckets | None) -> None:
        self._app = app
        self._metrics = metrics
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = os.urandom(8).hex()
        scope["ledger.request"], scope["ledger.started"] = request_id, time.monotonic()
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_headers(request_id)]
            await send(message)

        try:
            exceeded = self._exceeded(scope)
            if exceeded is None:
                await self._app(scope, receive, sending)
            else:
                await problem(exceeded, {"Retry-After": str(exceeded.where["seconds"])})(scope, receive, sending)
        except Exception:
            LOG.exception("internal", extra={"said": _said(scope)})
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.request(scope["method"], route, status, time.monotonic() - scope["ledger.started"])

    def _exceeded(self, scope: Scope) -> Waiting | None:
        """What an address is told that asks too much; one on this machine, such as a proxy's, may ask as it likes."""
        address = scope["client"][0] if scope.get("client") else ""
        if self._addresses is None or address in Protocol.uncounted:
            return None
        seconds = self._addresses.take(address)
        return Waiting("rate-exceeded", "more requests than one address may send", seconds=math.ceil(seconds)) if seconds else None


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
