"""The published files at the root of the address, so that ``ledger verify URL`` reads a node as it reads any file server.

What is served is what lies in the publication folder: complete at every moment, because its checkpoint is written last.  All but
the checkpoint and the README never change.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ledger.errors import BadInput
from ledger.web.problems import unsupported

__all__ = ["PUBLISHED", "published"]

PUBLISHED: Final = re.compile(
    r"checkpoint|README\.txt"
    r"|tile/(?:entries|0|[1-9]|[1-5][0-9]|6[0-3])(?:/x[0-9]{3}){0,6}/[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?"
    r"|recap/[1-9][0-9]{0,15}/(?:recap_root|[a-z0-9-]{1,32}/[0-9]{1,16}|[a-z0-9-]{1,32}/all)"
)
"""Every path that a publication can have, and no other."""

METHODS: Final = ("GET", "HEAD")
CHANGING: Final = ("checkpoint", "README.txt")
FOR_EVER: Final = "public, max-age=31536000, immutable"
FOR_NOW: Final = "no-cache"


async def published(request: Request, folder: Path) -> Response:
    """One file.  Raises ``BadInput`` ``path-unknown``, ``file-missing`` where this folder lacks it."""
    path = request.scope["path"].removeprefix("/")
    if not PUBLISHED.fullmatch(path):
        raise BadInput("path-unknown", "nothing has this address", address=path[:100])
    if request.method not in METHODS:
        return unsupported(request.method, METHODS)
    place = folder / path
    if not place.is_file():
        raise BadInput("file-missing", "the publication has no such file", address=path)
    kept = FOR_NOW if path in CHANGING else FOR_EVER
    kind = "text/plain; charset=utf-8" if path in CHANGING else "application/octet-stream"
    return FileResponse(place, headers={"Cache-Control": kept, "Access-Control-Allow-Origin": "*"}, media_type=kind)
