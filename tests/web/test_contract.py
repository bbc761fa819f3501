"""The OpenAPI document says what the application does: routes, parameters, statuses, schemas, codes, examples; and the page says
the document.  tests/web/test_contract_run.py lets a generator of requests loose on both."""

from __future__ import annotations

import ast
import asyncio
import base64
import copy
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import msgpack
import pytest
import schemathesis
from starlette.routing import Route

from ledger.errors import Broken, Waiting
from ledger.proof.merkle import Frontier, check_consistency, leaf_hash
from ledger.tally.signing import open_entry
from ledger.web import api
from ledger.web.contract import document, document_bytes
from ledger.web.contract_page import page

from ..docs_blocks import receipt
from ..docs_example import example
from ..world import STATIONS, World, held, season, submitted
from .stage import MESSAGEPACK, Served, served

ROOT: Final = Path(__file__).resolve().parents[2]
WEB: Final = ROOT / "src" / "ledger" / "web"

Operations = dict[tuple[str, str], dict[str, Any]]


def operations() -> Operations:
    """(method, path) -> operation, as the document has them."""
    return {(method.upper(), path): said for path, methods in document()["paths"].items() for method, said in methods.items()}


def own() -> Operations:
    """Those that api.py answers; the views' (views.py) are tried in test_views.py."""
    return {operation: said for operation, said in operations().items() if not said["operationId"].startswith("ask")}


FILL: Final = {"index": "3", "event": "0" * 64, "area": "1771", "station": STATIONS[0], "figure": "1", "role": "officer"}


def fits(value: object, schema: dict[str, Any]) -> None:
    """The value is as a schema of the document says."""
    jsonschema_rs.validator_for({**schema, "components": document()["components"]}).validate(value)


# --- the document ----------------------------------------------------------------------------------------------------------------


def test_the_document_is_valid() -> None:
    """Against the OpenAPI 3.1 schema, its own schemas against JSON Schema 2020-12; and what is wrong does not pass."""
    schemathesis.openapi.from_dict(document()).validate()
    assert document()["openapi"] == "3.1.0"
    for schema in document()["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    wrong = copy.deepcopy(document())
    wrong["paths"]["/docs"]["get"]["responses"]["200"].pop("description")
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(wrong).validate()


def test_the_document_has_every_route_and_no_other(here: Served) -> None:
    """Compared with the application's own routes; operation ids are one each."""
    routes = [route for route in here.client.app._app.routes if isinstance(route, Route)]  # type: ignore[attr-defined]
    assert len(routes) == len(here.client.app._app.routes)  # type: ignore[attr-defined]
    served_ones = {(method, route.path) for route in routes for method in route.methods or () if method != "HEAD"}
    assert set(operations()) == served_ones
    names = [said["operationId"] for said in operations().values()]
    assert len(set(names)) == len(names)


def test_every_parameter_of_a_path_is_described() -> None:
    """And those of a query or header are not in it."""
    for (_, path), said in operations().items():
        named = {each["name"] for each in said.get("parameters", ()) if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))


def test_the_examples_are_what_they_claim() -> None:
    """Each fits its schema; receipt, checkpoint and consistency path are those of the ledger in docs/FORMATS.md."""
    count = 0
    rules = (ROOT / "docs" / "RULES.md").read_text()
    for said in operations().values():
        for status, answer in said["responses"].items():
            for content in answer.get("content", {}).values():
                values = [content["example"]] if "example" in content else []
                values += [each["value"] for each in content.get("examples", {}).values()]
                for value in values:
                    fits(value, content["schema"])
                    count += 1
                    if "code" in value:
                        assert value["status"] == int(status)
        for parameter in said.get("parameters", ()):
            if "example" in parameter:
                fits(parameter["example"], parameter["schema"])
    assert count > 50
    made = example()
    submissions = document()["paths"]["/api/v1/submissions"]["post"]["responses"]["201"]["content"]["application/json"]["example"]
    (answer,) = submissions["answers"]
    batch = document()["paths"]["/api/v1/submissions"]["post"]["responses"]["200"]["content"]["application/json"]["example"]
    assert [each["outcome"] for each in batch["answers"]] == ["appended", "refused", "waiting"]
    for each in batch["answers"][1:]:
        assert f"\n| `{each['code']}` | {each['outcome']} |" in rules
    assert answer["receipt"].rstrip("\n") == receipt(made, 8).decode().rstrip("\n")
    assert (answer["event"], answer["index"]) == (made.rows[8].event_id.hex(), 8)
    consistency = document()["paths"]["/api/v1/consistency"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    leaves = [leaf_hash(row.entry) for row in made.rows]
    check_consistency(
        old=consistency["old"],
        new=consistency["new"],
        old_root=Frontier.EMPTY.extend(leaves[: consistency["old"]]).root(),
        new_root=made.root,
        path=[bytes.fromhex(step) for step in consistency["path"]],
    )


# --- what the application answers ------------------------------------------------------------------------------------------------


def documented(response: Any, method: str, path: str) -> Any:
    """The response is one that the document has for this operation: status, content type, headers, schema.  Its JSON, if it is."""
    answers = operations()[method, path]["responses"]
    assert str(response.status_code) in answers, response.text
    answer = answers[str(response.status_code)]
    for name in answer["headers"]:
        said = document()["components"]["headers"][name]["schema"]
        value = response.headers[name]
        fits(int(value) if said["type"] == "integer" else value, said)
    if "content" not in answer:
        assert not response.content
        return None
    kind = response.headers["content-type"].partition(";")[0]
    assert kind in answer["content"]
    if not kind.endswith("json"):
        return None
    fits(response.json(), answer["content"][kind]["schema"])
    return response.json()


def test_answers_to_submissions_fit(here: Served, world: World) -> None:
    """Appended, void, before, refused, waiting, alone and in a batch, with every key of the schema and none besides."""
    path = "/api/v1/submissions"
    good = world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0])).submission
    ahead = [world.sign(f"{STATIONS[1]}/1", submitted(STATIONS[1])) for _ in range(2)][1].submission
    void = world.sign("officer", held(STATIONS[2])).submission
    forecast = documented(here.post([good, b"\x90", ahead, void], "check"), "POST", "/api/v1/check")
    batch = documented(here.post([good, b"\x90", ahead, void], seen=here.node.head().size), "POST", path)
    assert [answer["outcome"] for answer in batch["answers"]] == ["appended", "refused", "waiting", "appended"]
    assert batch["consistency"]
    assert batch["answers"][3]["code"]
    schemas = document()["components"]["schemas"]
    for answer in [*batch["answers"], *forecast["answers"]]:
        assert set(answer) == set(schemas[f"{answer['outcome'].title()}Answer"]["properties"])
    alone = {}
    new = world.sign(f"{STATIONS[0]}/2", submitted(STATIONS[0])).submission
    for submission in (new, new, b"\x90", ahead):
        response = here.post([submission])
        documented(response, "POST", path)
        alone[response.status_code] = response.json()["answers"][0]["outcome"]
    assert alone == {201: "appended", 200: "appended", 422: "refused", 409: "waiting"}


def test_what_is_read_fits(here: Served, world: World) -> None:
    """Every GET, with its good status; HEAD says the same without the body."""
    here.post([each.submission for each in season(world)])
    fill = {"index": "3", "event": open_entry(here.client.get("/api/v1/entries/3").content).event.event_id.hex()}
    asked = 0
    for method, path in own():
        if method != "GET":
            continue
        url = path.format(**fill) + ("?old=3&new=9" if path.endswith("consistency") else "")
        response = here.client.get(url)
        assert response.status_code == 200
        said = documented(response, "GET", path)
        assert not said or "event" not in said or said == {"event": fill["event"], "index": 3}
        head = here.client.head(url)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == response.headers["content-type"]
        asked += 1
    assert asked == 11


def test_any_other_method_is_told_which_there_are(here: Served) -> None:
    """405, a problem document, ``Allow`` (RFC 9110, 15.5.6): for routes and published files; 404 where there is nothing."""
    for path, methods in document()["paths"].items():
        allowed = {method.upper() for method in methods} | ({"HEAD"} if "get" in methods else set())
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
            if method not in allowed:
                response = here.client.request(method, path.format(**FILL))
                assert response.status_code == 405
                assert set(response.headers["allow"].split(", ")) == allowed
                if method != "HEAD":
                    fits(response.json(), {"$ref": "#/components/schemas/Problem"})
    for path, status in (("/checkpoint", 405), ("/tile/0/000", 405), ("/nothing", 404)):
        response = here.client.post(path)
        assert response.status_code == status
        assert response.headers.get("allow") == ("GET, HEAD" if status == 405 else None)


def test_nothing_redirects(here: Served) -> None:
    """An address with a slash too many is none: a redirection would go where the ``Host`` header says."""
    for path in document()["paths"]:
        url = path.format(**FILL)
        assert here.client.get(url + "/", headers={"Host": "elsewhere.example"}, follow_redirects=False).status_code == 404


# --- codes -----------------------------------------------------------------------------------------------------------------------


def documented_codes() -> dict[tuple[str, str], set[str]]:
    """(method, path) -> codes of its problem documents."""
    found: dict[tuple[str, str], set[str]] = {}
    for operation, said in own().items():
        found[operation] = set().union(*map(codes_of, said["responses"].values()))
    return found


def codes_of(answer: dict[str, Any]) -> set[str]:
    """The codes of a response, where it is a problem document."""
    return set(answer.get("content", {}).get("application/problem+json", {}).get("examples", ()))


OF_NO_OPERATION: Final = {
    *("path-unknown", "method-unsupported", "file-missing", "body-cut"),
    *("rate-exceeded", "voids-exceeded"),
}
"""Addresses and methods that no operation has; whoever cut the body hears no answer; limits that any request may meet."""


def test_every_code_that_the_room_raises_is_in_the_document() -> None:
    """Those of the intake and of requests; docs/RULES.md lists them too (tests/test_docs.py)."""
    raised = set()
    for path in WEB.glob("*.py"):
        if path.name in ("contract.py", "contract_views.py", "operations.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("BadInput", "Waiting", "Broken", "Refused"):
                (code, *_) = node.args
                assert isinstance(code, ast.Constant)
                raised.add(code.value)
    assert len(raised) > 15
    told = {code for said in operations().values() for answer in said["responses"].values() for code in codes_of(answer)}
    assert raised - OF_NO_OPERATION <= told
    assert raised >= OF_NO_OPERATION
    rules = (ROOT / "docs" / "RULES.md").read_text()
    for code in set().union(*documented_codes().values()) | OF_NO_OPERATION:
        assert f"\n| `{code}` |" in rules


POST: Final = [("POST", "/api/v1/submissions"), ("POST", "/api/v1/check")]
READ: Final = [operation for operation in own() if operation[0] == "GET" and operation[1].startswith("/api/v1/")]

BAD_REQUESTS: Final[dict[str, tuple[int, str]]] = {
    "/api/v1/entries/03": (400, "number-invalid"),
    "/api/v1/entries/99": (404, "entry-unknown"),
    "/api/v1/entries/03/receipt": (400, "number-invalid"),
    "/api/v1/entries/99/receipt": (404, "size-beyond-log"),
    "/api/v1/events/00": (400, "bad-hex"),
    "/api/v1/events/" + "%20" * 64: (400, "bad-hex"),
    "/api/v1/events/" + "0" * 64: (404, "event-not-found"),
    "/api/v1/consistency?new=3": (400, "number-invalid"),
    "/api/v1/consistency?old=3&new=99": (404, "size-beyond-log"),
}


def operation_of(url: str) -> tuple[str, str]:
    """The operation that a GET of this URL is."""
    bare = url.partition("?")[0]
    for method, path in READ:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), bare):
            return method, path
    raise AssertionError(url)


def test_every_code_of_the_document_is_given_where_it_says(tmp_path: Path, here: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is provoked at each operation that has it, but the store's own (503), of which the next test gives every one."""
    got: dict[tuple[str, str], set[str]] = {operation: set() for operation in own()}

    def note(operation: tuple[str, str], response: Any, expected: tuple[int, str]) -> None:
        said = documented(response, *operation)
        assert (response.status_code, said["code"]) == expected
        got[operation].add(said["code"])

    for url, expected in BAD_REQUESTS.items():
        note(operation_of(url), here.client.get(url), expected)
    for method, path in [*POST, *READ]:
        url = path.format(**FILL)
        note((method, path), here.client.request(method, url, params={"x": "1"}), (400, "query-unknown"))
    for method, path in POST:
        bodies: list[tuple[bytes, dict[str, str], tuple[int, str]]] = [
            (b"\x90", MESSAGEPACK, (400, "body-invalid")),
            (bytes(api.BODY_LIMIT_BYTES + 1), MESSAGEPACK, (413, "body-too-large")),
            (b"\x90", {}, (415, "type-unsupported")),
        ]
        for body, headers, expected in bodies:
            note((method, path), here.client.request(method, path, content=body, headers=headers), expected)
        with monkeypatch.context() as patched:
            patched.setattr(api, "BODY_SECONDS", 0)
            status, code = slow(here, path)
            assert (status, code) == (408, "body-slow")
            got[method, path].add(code)
    good = msgpack.packb([b"\x90"])
    response = here.client.post("/api/v1/submissions?seen=-1", content=good, headers=MESSAGEPACK)
    note(POST[0], response, (400, "number-invalid"))
    with served(tmp_path / "empty", World(), founded=False) as empty:
        for path in ("/api/v1/checkpoint", "/api/v1/key-chain"):
            note(("GET", path), empty.client.get(path), (404, "entry-unknown"))
    stores = {operation: codes_of(said["responses"].get("503", {})) for operation, said in own().items()}
    assert {operation: codes - stores[operation] for operation, codes in documented_codes().items()} == got


def test_what_the_store_fails_with_is_told_as_documented(here: Served, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every code of a 503, at every operation that has it: with ``Retry-After``, and no other word of it."""
    doors = ("append", "foretell", "head", "snapshot", "receipt", "find", "consistency", "key_chain", "check_anchor")
    body = msgpack.packb([world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0])).submission])
    asked = 0
    for (method, path), said in own().items():
        for code in codes_of(said["responses"].get("503", {})):
            kind = Waiting if code in ("busy", "queue-full", "node-stopping") else Broken

            def failing(*_: object, kind: type[Broken | Waiting] = kind, code: str = code) -> None:
                raise kind(code, "for the test", path="/nowhere", number=3)

            with monkeypatch.context() as patched:
                for door in doors:
                    patched.setattr(here.node, door, failing)
                url = path.format(**FILL) + ("?old=1&new=2" if path.endswith("consistency") else "")
                response = here.client.request(method, url, content=body if method == "POST" else None, headers=MESSAGEPACK)
            told = documented(response, method, path)
            assert (response.status_code, told["code"], told["where"]) == (503, code, {"number": 3})
            asked += 1
    assert asked == 25
    assert [problem.code for problem in here.fatal] == ["commit-unknown"]


def slow(here: Served, path: str) -> tuple[int, str]:
    """Status and code of the answer to a body that never comes."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("nothing sets it")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-type", b"application/msgpack")],
    }
    asyncio.run(here.client.app(scope, receive, send))  # type: ignore[arg-type, func-returns-value]
    said = json.loads(next(message["body"] for message in sent if message["type"] == "http.response.body"))
    fits(said, {"$ref": "#/components/schemas/Problem"})
    return sent[0]["status"], said["code"]


# --- how both are served ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_document_and_page_are_known_by_their_tag(here: Served, path: str) -> None:
    """The same bytes each time; whoever has them is told so."""
    first = here.client.get(path)
    tag = first.headers["etag"]
    assert here.client.get(path).content == first.content
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = here.client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert here.client.get(path, headers={"If-None-Match": '"other"'}).content == first.content
    if path == "/openapi.json":
        assert first.content == document_bytes()
        assert first.json() == document()


class Page(HTMLParser):
    """Tags, attributes and words of a page; raises where a tag is not closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Void elements stay out of the order."""
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The last one that is open."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """All text."""
        self.words.append(data)


def test_the_page_says_the_document(here: Served) -> None:
    """Every route with its words, parameters, statuses and codes; every link leads to a place of the page or to the document."""
    response = here.client.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    read = Page(response.text)
    text = " ".join(" ".join(read.words).split())
    for (method, path), said in operations().items():
        assert f"{method} {path}" in text
        assert said["summary"] in text
        for parameter in said.get("parameters", ()):
            assert parameter["name"] in read.words
            assert parameter["description"].partition("`")[0] in text
        for status, answer in said["responses"].items():
            assert status in read.words
            assert set(answer.get("content", ())) <= set(read.words)
            assert codes_of(answer) <= set(read.words)
    places = {attributes["id"] for _, attributes in read.tags if "id" in attributes}
    links = {str(attributes["href"]) for tag, attributes in read.tags if tag == "a"}
    assert links - {"/openapi.json"} == {f"#{place}" for place in places}


def test_the_page_may_do_nothing(here: Served) -> None:
    """No script, nothing loaded; the policy allows its own style by hash and nothing besides."""
    response = here.client.get("/docs")
    read = Page(response.text)
    assert {tag for tag, _ in read.tags} <= set(
        "html head meta title style body main h1 h2 p a code section table caption tr th td pre".split()
    )
    assert not [name for _, attributes in read.tags for name in attributes if name in ("src", "style") or name.startswith("on")]
    style = response.text.partition("<style>")[2].partition("</style>")[0]
    expected = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = response.headers["content-security-policy"].split("; ")
    assert policy == [
        "default-src 'none'",
        f"style-src 'sha256-{expected}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]


def test_the_page_escapes_what_it_is_given() -> None:
    """Every text of a document, wherever it stands, comes out as text."""
    bad = "<script>alert(\"'1'\")</script>&amp;"

    def spoiled(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: spoiled(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [spoiled(each, key) for each in value]
        return value + bad if isinstance(value, str) and key not in ("$ref", "type") else value

    spoilt = spoiled(document())
    spoilt["paths"] = {path + bad: methods for path, methods in spoilt["paths"].items()}
    read = Page(page(spoilt).decode())
    assert "script" not in {tag for tag, _ in read.tags}
    assert " ".join(read.words).count(bad) > 100
