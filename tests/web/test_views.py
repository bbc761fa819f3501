"""What anybody may ask of the recaps over HTTP: each answer is the view's own, at a named size, in each format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest

from ledger.recap.diffs import diff
from ledger.recap.findings import findings
from ledger.recap.histories import history
from ledger.recap.keyring import keys_of
from ledger.recap.progress import progress
from ledger.recap.replay import replay
from ledger.recap.totals import recap
from ledger.recap.worklists import worklist
from ledger.tally.totalproof import check_total
from ledger.web.views import VIEWS, View

from ..governed import CITY, STATIONS, Governed, submissions, whole_season
from ..world import make_node
from .stage import Served, serving
from .test_api import told
from .test_contract import documented


@cache
def entries() -> tuple[bytes, ...]:
    """The governed season's log."""
    return tuple(whole_season().entries)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The season behind its application."""
    with make_node(tmp_path_factory.mktemp("views") / "ledger", Governed()) as node:
        for submission in submissions(entries()):
            node.submit([submission])
        with serving(node) as made:
            yield made


def ask(here: Served, path: str, **query: object) -> Any:
    """The JSON of an answer, which is good and says its size."""
    response = here.client.get(f"/api/v1/{path}", params={name: str(value) for name, value in query.items()})
    assert response.status_code == 200, response.text
    said = response.json()
    assert response.headers["etag"] == f'"{said["size"]}"'
    return said


def plain(value: object) -> Any:
    """As JSON gives it back."""
    return json.loads(msgspec.json.encode(value))


def test_recaps_are_the_views_own_now_and_at_every_height(here: Served) -> None:
    """Of the city, and of all contests of the country; frozen at a size it is that of the prefix."""
    size = here.node.head().size
    with here.node.snapshot() as snapshot:
        wanted = plain(recap(snapshot.state, "mayor", CITY, size=size))
    assert ask(here, f"recap/{CITY}", contest="mayor")["rows"] == [wanted]
    assert {row["contest"] for row in ask(here, "recap/all")["rows"]} == {"mayor", "governor"}
    for at in (30, 64):
        said = ask(here, f"recap/{CITY}", contest="mayor", at=at)
        assert (said["size"], said["rows"]) == (at, [plain(recap(replay(list(entries())[:at]), "mayor", CITY, size=at))])


def test_each_other_view(here: Served) -> None:
    """History, findings, work lists, keys, progress, differences, the log, proofs of totals."""
    node, size = here.node, here.node.head().size
    with node.snapshot() as snapshot:
        state, read = snapshot.state, snapshot.entry
        assert ask(here, f"stations/{STATIONS[0]}/history", contest="mayor")["answer"] == plain(
            history(state, read, "mayor", STATIONS[0], size=size)
        )
        assert ask(here, f"findings/{CITY}")["rows"] == plain(list(findings(state, CITY, None, not_evaluated=False)))
        assert ask(here, "worklist/officer", area=CITY)["rows"] == plain(worklist(state, read, "officer", CITY, None, size=size))
        assert ask(here, "keys", role="officer")["rows"] == plain(list(keys_of(state, read, role="officer")))
        assert ask(here, "progress")["answer"] == plain(progress(state, read, size=size))
        with node.entries() as rows:
            every = (row.entry for row in rows)
            wanted = plain(diff(every, read, before=40, after=size, contest=None, area=CITY))
    assert ask(here, f"diff/{CITY}", before=40)["answer"] == wanted
    log = ask(here, "log")["rows"]
    assert [row["index"] for row in log] == list(range(size))
    assert ask(here, f"why/{CITY}/1", contest="mayor")["answer"]["size"] == size
    assert ask(here, f"areas/{CITY}/history", contest="mayor")["rows"]
    proof = here.client.get(f"/api/v1/totals/{CITY}", params={"contest": "mayor"})
    assert check_total(proof.content, vkey=node.key.vkey, ledger=node.ledger_id()).row.code == CITY


def test_a_list_comes_a_page_at_a_time(here: Served) -> None:
    """Every row once, in the same order, whatever the page's length."""
    for path in ("log", "keys"):
        whole = ask(here, path)
        assert whole["next"] is None
        for limit in (1, 7, len(whole["rows"])):
            rows: list[Any] = []
            after: int | None = 0
            while after is not None:
                page = ask(here, path, after=after, limit=limit)
                assert len(page["rows"]) <= limit
                rows += page["rows"]
                after = page["next"]
            assert rows == whole["rows"]


@pytest.mark.parametrize("path", ["keys", f"findings/{CITY}", "log", f"recap/{CITY}"])
def test_the_other_formats_hold_the_same_rows(here: Served, path: str) -> None:
    """JSON lines as they are; CSV with a column for each field, what is nested as JSON in its cell."""
    rows = ask(here, path)["rows"]
    assert rows
    lines = here.client.get(f"/api/v1/{path}.jsonl")
    assert lines.headers["content-type"] == "application/jsonl"
    assert [json.loads(line) for line in lines.text.splitlines()] == rows
    table = here.client.get(f"/api/v1/{path}.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    read = list(csv.DictReader(io.StringIO(table.text)))
    assert [list(row) for row in read] == [list(row) for row in rows]
    for shown, row in zip(read, rows, strict=True):
        for name, value in row.items():
            plainly = "" if value is None else str(value)
            assert shown[name] == plainly if isinstance(value, str | int | None) else json.loads(shown[name]) == value


def test_an_unchanged_answer_is_a_304(here: Served) -> None:
    """As long as the log has not grown; at a fixed height for ever."""
    for path in ("progress", f"recap/{CITY}?at=30"):
        tag = here.client.get(f"/api/v1/{path}").headers["etag"]
        again = here.client.get(f"/api/v1/{path}", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert here.client.get(f"/api/v1/{path}", headers={"If-None-Match": '"1"'}).status_code == 200
    assert here.client.get("/api/v1/progress").headers["access-control-allow-origin"] == "*"


BAD = {
    "recap/999999": (404, "area-unknown"),
    f"recap/{CITY}?contest=senator": (404, "contest-unknown"),
    f"recap/{CITY}?at=99999": (404, "size-beyond-log"),
    f"recap/{CITY}?at=-1": (400, "number-invalid"),
    f"recap/{CITY}.xml": (400, "word-invalid"),
    f"recap/{CITY}?when=30": (400, "query-unknown"),
    f"recap/{CITY}?at=30&at=31": (400, "query-unknown"),
    f"stations/{STATIONS[0]}/history": (409, "contest-ambiguous"),
    "stations/1/history?contest=mayor": (404, "area-unknown"),
    f"diff/{CITY}": (409, "sizes-order"),
    f"diff/{CITY}?before=2&until=99999": (404, "size-beyond-log"),
    "log.xml": (404, "path-unknown"),
    f"why/{CITY}/nothing?contest=mayor": (404, "figure-unknown"),
    f"why/{STATIONS[0]}/1?contest=mayor": (404, "area-unknown"),
    "worklist/nobody": (404, "role-unknown"),
    "keys?limit=0": (400, "number-invalid"),
    "keys?limit=1001": (400, "number-invalid"),
    "keys?after=01": (400, "number-invalid"),
    "keys?marked=yes": (400, "number-invalid"),
    f"totals/{CITY}": (409, "contest-ambiguous"),
    f"totals/{CITY}?contest=mayor&height=1": (404, "total-not-sealed"),
}


@pytest.mark.parametrize("path", BAD)
def test_a_bad_question_is_told(here: Served, path: str) -> None:
    """By its code, as the contract has it."""
    response = here.client.get(f"/api/v1/{path}")
    assert told(response) == BAD[path]
    place = next((view for view in VIEWS if view.path.partition("/")[0] == path.partition("/")[0].partition("?")[0]), None)
    if place is not None:
        documented(response, "GET", f"/api/v1/{place.path}")


GOOD = {
    "recap/{area}": {"contest": "mayor"},
    "stations/{station}/history": {"contest": "mayor"},
    "diff/{area}": {"before": "40"},
    "why/{area}/{figure}": {"contest": "mayor"},
    "totals/{area}": {"contest": "mayor"},
    "stations/{station}/why/{figure}": {"contest": "mayor"},
}
WORDS = {"area": CITY, "station": STATIONS[0], "figure": "1", "role": "officer"}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.path)
def test_each_answer_is_what_the_contract_says(here: Served, view: View) -> None:
    """In each format; a 304 too."""
    for form in ("", *(f".{each}" for each in view.forms)):
        response = here.client.get(f"/api/v1/{view.path.format(**WORDS)}{form}", params=GOOD.get(view.path))
        assert response.status_code == 200, response.text
        documented(response, "GET", f"/api/v1/{view.path}{form}")
        again = here.client.get(response.request.url, headers={"If-None-Match": response.headers["etag"]})
        documented(again, "GET", f"/api/v1/{view.path}{form}")
        assert again.status_code == 304


def test_replays_are_answered_one_at_a_time(here: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is told to come back; what needs none is answered meanwhile."""
    inner: list[tuple[int, str]] = []
    true = here.node.entries

    def entries_(*arguments: Any) -> Any:
        if not inner:
            inner.append((0, ""))
            inner.append(told(here.client.get(f"/api/v1/diff/{CITY}", params={"before": "40"})))
            assert here.client.get("/api/v1/progress").status_code == 200
        return true(*arguments)

    monkeypatch.setattr(here.node, "entries", entries_)
    assert ask(here, f"diff/{CITY}", before=40)["answer"]["before"] == 40
    assert inner[1] == (503, "node-busy")


def test_every_view_was_asked() -> None:
    """What the tests above rely on."""
    assert {view.path.partition("/")[0] for view in VIEWS} == {
        *("recap", "stations", "areas", "diff", "why", "findings", "worklist", "keys", "progress", "totals", "log"),
    }
