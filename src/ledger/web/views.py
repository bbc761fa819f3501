"""What anybody may ask of the recaps: how things stand, how each number came to be, what waits; as JSON, CSV or JSON lines.

    GET recap/{area}              totals, states and certificates of an area or station, a contest each; of all contests for `all`
    GET stations/{station}/history  how a station's number came to be
    GET areas/{area}/history      what happened at an area
    GET diff/{area}               every number that is another at one height than at another
    GET why/{area}/{figure}       of which stations and acts a total is made; stations/{station}/why/{figure} likewise
    GET findings/{area}           remarks of the rules
    GET worklist/{role}           what waits for a role
    GET keys                      who holds or held a key
    GET progress                  how far the election has come
    GET log                       the entries, a line each
    GET totals/{area}             a file that proves a total (docs/FORMATS.md 8.6)

Every answer names the tree size that it shows, which is its ``ETag`` too: who asks again is told 304 as long as the log has not
grown.  ``at`` freezes a recap at an earlier size, by a replay.  Lists come a page at a time: ``after`` is how many rows to pass
over, ``next`` what to say for the page after.  ``.csv`` and ``.jsonl`` behind the path give a list's rows so.
"""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ledger.errors import BadInput, Waiting
from ledger.node import Node, Snapshot
from ledger.recap.chronicles import Act, area_history
from ledger.recap.diffs import Diff, diff
from ledger.recap.entries import EntryView, entry_view
from ledger.recap.findings import FindingRow, findings
from ledger.recap.histories import History, history
from ledger.recap.keyring import KeyView, keys_of
from ledger.recap.places import contests_of, election_of, require_area
from ledger.recap.progress import Progress, progress
from ledger.recap.reasons import Why, WhyStation, why, why_station
from ledger.recap.totals import AreaRecap, recap
from ledger.recap.worklists import Task, worklist
from ledger.tally.signing import reopen_entry
from ledger.tally.state import CONTESTS
from ledger.web.queries import number_of, query_of

__all__ = ["ROWS_MAX", "VIEWS", "WORDS", "View", "view_routes"]

ROWS_MAX: Final = 1_000
"""Rows of a page."""
ALL: Final = "all"
"""In the place of an area's code: the whole country."""
FORMATS: Final = ("csv", "jsonl")
WORDS: Final = {
    "area": "[0-9]{1,16}|all",
    "station": "[0-9]{1,16}",
    "figure": "[a-z0-9-]{1,32}",
    "role": "[a-z]{1,16}",
    "contest": "[a-z0-9-]{1,32}",
}
"""How the words of a path or query are written, whole."""
PAGING: Final = ("after", "limit")


class Asked(NamedTuple):
    """What a request says: the words of its path and query; ``size``: the tree size that the answer shows."""

    words: dict[str, str]
    node: Node
    snapshot: Snapshot

    @property
    def area(self) -> str:
        """The area's code; '' for the whole country."""
        code = self.words.get("area", ALL)
        return "" if code == ALL else code

    @property
    def contest(self) -> str | None:
        """The contest's code, where one is named; ``BadInput`` ``contest-unknown`` where none is listed so."""
        code = self.words.get("contest")
        if code is not None and self.snapshot.state.get(CONTESTS, code.encode()) is None:
            raise BadInput("contest-unknown", "no such contest is listed", contest=code[:40])
        return code

    def number(self, name: str, default: int) -> int:
        """A number of the query."""
        return number_of(self.words, name, default)

    def flag(self, name: str) -> bool:
        """Whether the query says 1; 0 and silence are no."""
        if self.words.get(name, "0") not in ("0", "1"):
            raise BadInput("number-invalid", "0 or 1", argument=name)
        return self.words.get(name) == "1"


class View(NamedTuple):
    """One question.  ``path`` below ``/api/v1/``; ``query``: what its query may say beside ``after`` and ``limit``; ``heavy``: it
    replays the log, so that one is answered at a time; ``kind``: of what it answers, or of each row; bytes are a file."""

    path: str
    words: str
    query: tuple[str, ...]
    rows: bool
    heavy: bool
    kind: type
    answer: Callable[[Asked], Any]

    @property
    def asks(self) -> tuple[str, ...]:
        """Every name that its query may say."""
        return (*self.query, *(PAGING if self.rows else ()))

    @property
    def forms(self) -> tuple[str, ...]:
        """The other formats that it comes in, behind its path and a dot."""
        return FORMATS if self.rows else ()


def _recaps(asked: Asked) -> Iterator[Struct]:
    state = asked.snapshot.state
    election_of(state)
    if not asked.area and asked.contest is None:
        wanted = [(key.decode(), row.area) for key, row in state.under(CONTESTS)]
    else:
        wanted = [(code, asked.area) for code, _ in contests_of(state, asked.area, asked.contest)]
    if not wanted:
        raise BadInput("area-outside-contest", "no contest has totals there", area=asked.area or ALL)
    for code, place in wanted:
        yield recap(state, code, place, size=asked.snapshot.size)


def _history(asked: Asked) -> Struct:
    state, station = asked.snapshot.state, asked.words["station"]
    named = asked.contest
    held = [code for code, _ in contests_of(state, station, named)]
    if named is None and len(held) != 1:
        raise BadInput(
            "contest-ambiguous", "the station holds several contests, or none", station=station, contests=", ".join(held)
        )
    return history(state, asked.snapshot.entry, named or held[0], station, size=asked.snapshot.size)


def _area_history(asked: Asked) -> Iterable[Struct]:
    require_area(asked.snapshot.state, asked.area)
    below = asked.flag("below")
    return area_history(
        asked.snapshot.state, asked.snapshot.entry, asked.area, asked.contest, size=asked.snapshot.size, below=below
    )


def _diff(asked: Asked) -> Struct:
    require_area(asked.snapshot.state, asked.area)
    size = asked.snapshot.size
    before, after = asked.number("before", 0), asked.number("until", size)
    if after > size:
        raise BadInput("size-beyond-log", "the log is not that long", at=after, size=size)
    with asked.node.entries(0, after) as rows:
        entries = (row.entry for row in rows)
        return diff(entries, asked.snapshot.entry, before=before, after=after, contest=asked.contest, area=asked.area)


def _why(asked: Asked) -> Struct:
    state = asked.snapshot.state
    held = [code for code, _ in contests_of(state, asked.area, asked.contest)]
    if len(held) != 1:
        raise BadInput("contest-ambiguous", "several contests have totals there, or none", area=asked.area or ALL)
    if election_of(state).is_station(asked.area):
        raise BadInput("area-unknown", "that is a station", area=asked.area)
    return why(state, held[0], asked.area, asked.words["figure"], size=asked.snapshot.size, every=asked.flag("every"))


def _why_station(asked: Asked) -> Struct:
    state, station = asked.snapshot.state, asked.words["station"]
    held = [code for code, _ in contests_of(state, station, asked.contest)]
    if len(held) != 1:
        raise BadInput("contest-ambiguous", "the station holds several contests, or none", contests=", ".join(held))
    if not election_of(state).is_station(station):
        raise BadInput("station-unknown", "that is an area", station=station)
    return why_station(state, asked.snapshot.entry, held[0], station, asked.words["figure"], size=asked.snapshot.size)


def _findings(asked: Asked) -> Iterable[Struct]:
    require_area(asked.snapshot.state, asked.area)
    return findings(asked.snapshot.state, asked.area, asked.contest, not_evaluated=asked.flag("not-evaluated"))


def _worklist(asked: Asked) -> Iterable[Struct]:
    snapshot = asked.snapshot
    return worklist(snapshot.state, snapshot.entry, asked.words["role"], asked.area, asked.contest, size=snapshot.size)


def _keys(asked: Asked) -> Iterable[Struct]:
    state = asked.snapshot.state
    return keys_of(state, asked.snapshot.entry, role=asked.words.get("role"), area=asked.area, marked=asked.flag("marked"))


def _progress(asked: Asked) -> Struct:
    return progress(asked.snapshot.state, asked.snapshot.entry, size=asked.snapshot.size)


def _total(asked: Asked) -> bytes:
    """Up to the newest checkpoint, from the last seal at or below ``at``."""
    held = [code for code, _ in contests_of(asked.snapshot.state, asked.area, asked.contest)]
    if len(held) != 1:
        raise BadInput("contest-ambiguous", "several contests have totals there, or none", area=asked.area or ALL)
    at = asked.number("height", asked.snapshot.size)
    return asked.node.prove_total(contest=held[0], area=asked.area, at=at, stations=asked.flag("stations")).data


def _log(asked: Asked) -> Iterator[Struct]:
    """From ``after`` on: the page's own entries are read, and no others."""
    start = asked.number("after", 0)
    for index in range(start, min(start + ROWS_MAX + 1, asked.snapshot.size)):
        yield entry_view(asked.snapshot.state, reopen_entry(asked.snapshot.entry(index)))


VIEWS: Final = (
    View("recap/{area}", "Totals, states and certificates, a contest each", ("contest", "at"), True, False, AreaRecap, _recaps),
    View("stations/{station}/history", "How a station's number came to be", ("contest",), False, False, History, _history),
    View("areas/{area}/history", "What happened at an area", ("contest", "below"), True, False, Act, _area_history),
    View("diff/{area}", "Numbers that differ between two heights", ("contest", "before", "until"), False, True, Diff, _diff),
    View("why/{area}/{figure}", "Of what a total is made", ("contest", "every"), False, False, Why, _why),
    View("stations/{station}/why/{figure}", "Why a station shows a number", ("contest",), False, False, WhyStation, _why_station),
    View("findings/{area}", "Remarks of the rules", ("contest", "not-evaluated"), True, False, FindingRow, _findings),
    View("worklist/{role}", "What waits for a role", ("contest", "area"), True, False, Task, _worklist),
    View("keys", "Who holds or held a key", ("role", "area", "marked"), True, False, KeyView, _keys),
    View("progress", "How far the election has come", (), False, False, Progress, _progress),
    View("totals/{area}", "A file that proves a total", ("contest", "height", "stations"), False, True, bytes, _total),
    View("log", "The entries, a line each", (), True, False, EntryView, _log),
)


def view_routes(node: Node) -> list[Route]:
    """The routes of all views over a node."""
    turn = threading.BoundedSemaphore(1)
    rows = [Route(f"/api/v1/{view.path}.{form}", _endpoint(node, view, turn, form)) for view in VIEWS for form in view.forms]
    return [*rows, *(Route(f"/api/v1/{view.path}", _endpoint(node, view, turn, "")) for view in VIEWS)]


def _endpoint(node: Node, view: View, turn: threading.BoundedSemaphore, form: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_answer, node, view, turn, request, form)

    return endpoint


def _answer(node: Node, view: View, turn: threading.BoundedSemaphore, request: Request, form: str) -> Response:
    words = _words(view, request)
    size = node.head().size
    at = number_of(words, "at", size) if "at" in view.query else size
    tag = f'"{at}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "no-cache" if at == size else "public, max-age=3600",
        "Access-Control-Allow-Origin": "*",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    with _in_turn(turn, heavy=view.heavy or at != size), node.snapshot(at if "at" in words else None) as snapshot:
        headers["ETag"] = f'"{snapshot.size}"'
        asked = Asked(words, node, snapshot)
        answer = view.answer(asked)
        if isinstance(answer, bytes):
            return Response(answer, headers=headers, media_type="application/octet-stream")
        if not view.rows:
            return _json({"size": snapshot.size, "answer": answer}, headers)
        start = asked.number("after", 0)
        limit = asked.number("limit", ROWS_MAX)
        if not 1 <= limit <= ROWS_MAX:
            raise BadInput("number-invalid", f"1 to {ROWS_MAX:,} rows a page", argument="limit")
        passed = 0 if view.answer is _log else start
        page = list(islice(answer, passed, passed + limit + 1))
        following = start + limit if len(page) > limit else None
        return _listed(page[:limit], following, snapshot.size, form, headers)


@contextmanager
def _in_turn(turn: threading.BoundedSemaphore, *, heavy: bool) -> Iterator[None]:
    """What replays the log is done one at a time: a second is told to come back."""
    if not heavy:
        yield
        return
    if not turn.acquire(blocking=False):
        raise Waiting("node-busy", "another replay is under way")
    try:
        yield
    finally:
        turn.release()


def _words(view: View, request: Request) -> dict[str, str]:
    """The words of path and query."""
    words = {**query_of(request, view.asks), **request.path_params}
    for name, word in words.items():
        if name in WORDS and not re.fullmatch(WORDS[name], word):
            raise BadInput("word-invalid", "nothing can be called so", argument=name)
    return words


def _listed(rows: list[Any], following: int | None, size: int, form: str, headers: dict[str, str]) -> Response:
    """A page in its format; the tree size, and where the next page begins, in headers too."""
    headers |= {"X-Tree-Size": str(size)} | ({} if following is None else {"X-Next-After": str(following)})
    if not form:
        return _json({"size": size, "rows": rows, "next": following}, headers)
    if form == "jsonl":
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        return Response(lines, headers=headers, media_type="application/jsonl")
    out = io.StringIO()
    writer = csv.writer(out)
    plain = [msgspec.to_builtins(row) for row in rows]
    names = list(plain[0]) if plain else []
    writer.writerow(names)
    for row in plain:
        writer.writerow([_cell(row[name]) for name in names])
    return Response(out.getvalue().encode(), headers=headers, media_type="text/csv; charset=utf-8")


def _cell(value: Any) -> Any:
    """Plain values as they are, others as JSON."""
    return value if isinstance(value, str | int) else "" if value is None else msgspec.json.encode(value).decode()


def _json(said: object, headers: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(said), headers=headers, media_type="application/json")
