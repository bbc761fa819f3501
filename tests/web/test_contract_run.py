"""A generator of requests (schemathesis) reads the OpenAPI document and tries the application: every answer must be documented.

It makes good and bad parameters, other methods, requests without what they need, and follows links.  Bodies of MessagePack it is
taught here, and which events and sizes there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgpack
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from ledger.tally.signing import open_entry
from ledger.web.contract import document

from ..world import STATIONS, World, held, submitted
from .stage import MESSAGEPACK, Served, served
from .test_contract import documented

SMOKE_EXAMPLES: Final = 10
CAMPAIGN_EXAMPLES: Final = 1_000
RANDOM_BODIES: Final = 200

KNOWN: Final = {
    "area": ["all", "17", "1771", STATIONS[0]],
    "station": list(STATIONS),
    "figure": ["1", "2"],
    "role": ["officer", "operator", "registrar"],
    "contest": ["mayor"],
}
"""Words of the ledger that is asked; any others are nearly always unknown."""

SENDING: Final = "^/api/v1/(submissions|check)$"


@pytest.fixture(scope="module")
def world() -> World:
    """Whose keys sign."""
    return World()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, world: World) -> Iterator[Served]:
    """A founded ledger, to which all these requests go."""
    with served(tmp_path_factory.mktemp("run") / "ledger", world) as made:
        yield made


@pytest.fixture(scope="module")
def submissions(world: World) -> list[bytes]:
    """Good ones, in their order: appended or, before their turn, waiting; and one that is void."""
    seats = [f"{station}/{seat}" for station in STATIONS for seat in "12"]
    signed = [world.sign(seat, submitted(seat.partition("/")[0])) for seat in seats for _ in range(2)]
    return [each.submission for each in [*signed, world.sign("officer", held(STATIONS[2]))]]


def bodies(submissions: list[bytes]) -> st.SearchStrategy[bytes]:
    """As the document describes them in words: arrays of byte strings, some of which are submissions, some nearly."""
    spoiled = st.builds(
        lambda sent, at, byte: sent[: at % len(sent)] + bytes([byte]) + sent[at % len(sent) + 1 :],
        st.sampled_from(submissions),
        st.integers(0, 10_000),
        st.integers(0, 255),
    )
    each = st.one_of(st.sampled_from(submissions), spoiled, st.binary(max_size=40))
    return st.lists(each, min_size=1, max_size=6).map(msgpack.packb)


def run(here: Served, submissions: list[bytes], examples: int) -> tuple[Counter[tuple[str, int]], list[str]]:
    """(operation, status) -> how often it was answered so; and what was found."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await here.client.app(scope, receive, send)
        else:  # the stage has started it
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})

    schemathesis.openapi.media_type("application/msgpack", bodies(submissions))
    ids = [open_entry(here.client.get(f"/api/v1/entries/{index}").content).event.event_id.hex() for index in range(9)]
    config = SchemathesisConfig.from_dict(
        {
            "seed": 2024,
            "generation": {"max-examples": examples, "database": "none"},
            "dictionaries": {
                "sizes": {"values": [*range(1, 13)]},
                "events": {"values": ids},
                **{name: {"values": known} for name, known in KNOWN.items()},
            },
            "parameters": {
                "path.event": {"dictionary": "events", "probability": 0.5},
                "path.index": {"dictionary": "sizes", "probability": 0.5},
                "query.old": {"dictionary": "sizes", "probability": 0.7},
                "query.new": {"dictionary": "sizes", "probability": 0.7},
                "query.at": {"dictionary": "sizes", "probability": 0.7},
                "query.before": {"dictionary": "sizes", "probability": 0.7},
                "query.until": {"dictionary": "sizes", "probability": 0.7},
                **{f"path.{name}": {"dictionary": name, "probability": 0.8} for name in ("area", "station", "figure", "role")},
                **{f"query.{name}": {"dictionary": name, "probability": 0.8} for name in ("contest", "area", "role")},
            },
            # what a body must hold no schema says: bytes that are no submission are refused, with 422
            "operations": [{"include-path-regex": SENDING, "checks": {"positive_data_acceptance": {"enabled": False}}}],
        }
    )
    answered: Counter[tuple[str, int]] = Counter()
    found: list[str] = []
    for event in from_schema(schemathesis.openapi.from_asgi("/openapi.json", application, config=config)).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found.append(repr(event))
        elif isinstance(event, events.ScenarioFinished):
            for number, interaction in event.recorder.interactions.items():
                assert interaction.response is not None
                answered[event.recorder.cases[number].value.operation.label, interaction.response.status_code] += 1
            for checks in event.recorder.checks.values():
                failed = [check.failure_info for check in checks if check.failure_info]
                found += [
                    f"{event.recorder.label}: {info.failure.title}: {info.failure.message}\n{info.code_sample}" for info in failed
                ]
    return answered, found


def hold(here: Served, submissions: list[bytes], examples: int) -> None:
    """Nothing is found, and the run was worth it: every operation answered as it should, and refused, more than once."""
    answered, found = run(here, submissions, examples)
    assert not found, "\n\n".join(found[:5])
    for path, methods in document()["paths"].items():
        for method, said in methods.items():
            if path == "/openapi.json":  # the generator reads it and leaves it alone
                continue
            label = f"{method.upper()} {path}"
            statuses = {status for asked, status in answered if asked == label}
            assert {200, 405} <= statuses or path.startswith("/api/v1/totals/"), label  # no seal, no total
            said_wrong = [each for each in said.get("parameters", ()) if each["in"] != "header"]
            assert 400 in statuses or not said_wrong or not path.startswith("/api/v1"), label
            assert 415 in statuses or method != "post", label
    assert ("POST /api/v1/submissions", 201) in answered
    assert ("POST /api/v1/submissions", 422) in answered
    assert not [asked for asked in answered if asked[1] >= 500]
    assert not here.fatal


def test_no_request_finds_an_answer_that_is_not_documented(here: Served, submissions: list[bytes]) -> None:
    """Some hundreds of requests, the same each time."""
    hold(here, submissions, SMOKE_EXAMPLES)


@pytest.mark.campaign
def test_no_request_of_many_finds_one(here: Served, submissions: list[bytes]) -> None:
    """As long as it takes."""
    hold(here, submissions, CAMPAIGN_EXAMPLES)


_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=9) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("path", ["/api/v1/submissions", "/api/v1/check"])
@settings(max_examples=RANDOM_BODIES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=st.one_of(st.binary(max_size=200), _VALUES.map(msgpack.packb)))
def test_any_bytes_are_answered_as_documented(here: Served, path: str, body: bytes) -> None:
    """Noise, and MessagePack of any shape: 400, or refused where it is an array of byte strings by chance; nothing is appended."""
    size = here.node.head().size
    response = here.client.post(path, content=body, headers=MESSAGEPACK)
    said = documented(response, "POST", path)
    assert response.status_code in (200, 400, 422)
    assert response.status_code == 400 or {answer["outcome"] for answer in said["answers"]} == {"refused"}
    assert here.node.head().size == size
