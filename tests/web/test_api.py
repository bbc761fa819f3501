"""The API as a device and a stranger meet it: answers, receipts, and a problem document for everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack
import pytest

from ledger.device.receipts import check_receipt
from ledger.errors import Broken, Waiting
from ledger.proof.checkpoint import open_checkpoint
from ledger.proof.merkle import check_consistency
from ledger.proof.tlogproof import parse_proof
from ledger.tally.keychain import open_chain
from ledger.tally.signing import open_entry
from ledger.web.limits import KeyLimits, Limit

from ..world import ORIGIN, STATIONS, World, held, season, submissions_of, submitted
from .stage import MESSAGEPACK, Served, served


def told(response: Any) -> tuple[int, str]:
    """Status and code of a problem document."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    said = response.json()
    assert said["status"] == response.status_code
    assert said["title"] == said["code"]
    return response.status_code, said["code"]


def test_a_submission_is_appended_and_answered_with_its_receipt(here: Served, world: World) -> None:
    """201; the same bytes again 200 with the same place; the receipt proves the device's own bytes."""
    sent = world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0]))
    first = here.post([sent.submission])
    assert first.status_code == 201
    (answer,) = first.json()["answers"]
    assert (answer["outcome"], answer["index"], answer["code"], answer["before"]) == ("appended", 9, "", False)
    assert answer["event"] == sent.event_id.hex()
    checked = check_receipt(sent.submission, answer["receipt"].encode(), vkey=world.signer.vkey, origin=ORIGIN)
    assert (checked.index, checked.tree.size) == (9, first.json()["size"])
    again = here.post([sent.submission])
    assert again.status_code == 200
    assert again.json()["answers"][0] | {"receipt": None} == answer | {"before": True, "receipt": None}


def test_a_batch_has_an_answer_for_each(here: Served, world: World) -> None:
    """Appended, refused, waiting and void, in their order; what is refused hinders nobody."""
    good = world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0]))
    void = world.sign("officer", held(STATIONS[2]))
    skipped = world.sign(f"{STATIONS[1]}/1", submitted(STATIONS[1]))
    ahead = world.sign(f"{STATIONS[1]}/1", submitted(STATIONS[1]))
    assert skipped.submission
    response = here.post([good.submission, b"\x90", ahead.submission, void.submission])
    assert response.status_code == 200
    answers = response.json()["answers"]
    assert [answer["outcome"] for answer in answers] == ["appended", "refused", "waiting", "appended"]
    assert [bool(answer["code"]) for answer in answers] == [False, True, True, True]
    assert "receipt" not in answers[1]
    assert here.node.head().size == 11


@pytest.mark.parametrize(("which", "status"), [("refused", 422), ("waiting", 409)])
def test_a_lone_submission_has_the_status_of_its_answer(here: Served, world: World, which: str, status: int) -> None:
    """So that a simple client need not read the body."""
    world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0]))
    ahead = world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0])).submission
    response = here.post([ahead if which == "waiting" else b"\x90"])
    assert response.status_code == status
    assert response.json()["answers"][0]["outcome"] == which


def test_the_consistency_from_what_the_device_saw_comes_with_the_answer(here: Served, world: World) -> None:
    """From its size to that of the receipts."""
    seen = here.node.head()
    sent = [each.submission for each in season(world)]
    said = here.post(sent, seen=seen.size).json()
    path = [bytes.fromhex(step) for step in said["consistency"]]
    old, new = (open_checkpoint(note, [world.signer.key], ORIGIN) for note in (seen.checkpoint, here.node.head().checkpoint))
    check_consistency(old=old.size, new=new.size, old_root=old.root, new_root=new.root, path=path)
    assert said["size"] == new.size


def test_to_ask_what_would_become_of_something_appends_nothing(here: Served, world: World) -> None:
    """The answers are those that follow."""
    sent = [each.submission for each in season(world)]
    size = here.node.head().size
    foretold = here.post(sent, "check").json()["answers"]
    assert here.node.head().size == size
    answers = here.post(sent).json()["answers"]
    assert [answer["code"] for answer in foretold] == [answer["code"] for answer in answers]
    assert [answer["outcome"] for answer in foretold] == [answer["outcome"] for answer in answers]


def test_what_anybody_may_read(here: Served, world: World) -> None:
    """Checkpoint, entries, receipts, events, consistency, the key chain: each is what it says."""
    head = here.node.head()
    checkpoint = here.client.get("/api/v1/checkpoint")
    assert (checkpoint.content, checkpoint.headers["etag"]) == (head.checkpoint, f'"{head.size}"')
    entry = here.client.get("/api/v1/entries/3")
    opened = open_entry(entry.content)
    assert opened.index == 3
    assert "immutable" in entry.headers["cache-control"]
    assert parse_proof(here.client.get("/api/v1/entries/3/receipt").content).index == 3
    assert here.client.get(f"/api/v1/events/{opened.event.event_id.hex()}").json()["index"] == 3
    path = here.client.get("/api/v1/consistency", params={"old": "4", "new": "9"}).json()["path"]
    assert path == [step.hex() for step in here.node.consistency(4, 9)]
    assert open_chain(here.client.get("/api/v1/key-chain").content, ledger=world.ledger).log_keys[0].vkey == world.signer.vkey


BAD_READS = {
    "/nothing": (404, "path-unknown"),
    "/api/v1/nothing": (404, "path-unknown"),
    "/checkpoint": (404, "file-missing"),
    "/tile/0/../../ledger.toml": (404, "path-unknown"),
    "/%2e%2e/ledger.toml": (404, "path-unknown"),
    "/tile/0/000.p/0": (404, "path-unknown"),
    "/tile/64/000": (404, "path-unknown"),
    "/recap/09/recap_root": (404, "path-unknown"),
    "/api/v1/entries/9": (404, "entry-unknown"),
    "/api/v1/entries/-1": (400, "number-invalid"),
    "/api/v1/entries/01": (400, "number-invalid"),
    "/api/v1/entries/1_0": (400, "number-invalid"),
    "/api/v1/entries/\u0661": (400, "number-invalid"),
    "/api/v1/entries/99999999999999999": (400, "number-invalid"),
    "/api/v1/entries/99/receipt": (404, "size-beyond-log"),
    "/api/v1/events/00": (400, "bad-hex"),
    f"/api/v1/events/{'0' * 64}": (404, "event-not-found"),
    f"/api/v1/events/{'zz' * 32}": (400, "bad-hex"),
    "/api/v1/consistency": (400, "number-invalid"),
    "/api/v1/consistency?old=5&new=4": (404, "size-beyond-log"),
    "/api/v1/consistency?old=0&new=4": (404, "size-beyond-log"),
    "/api/v1/consistency?old=1&new=99": (404, "size-beyond-log"),
    "/api/v1/consistency?old=+1&new=2": (400, "number-invalid"),
    "/api/v1/consistency?old=1&new=2&from=3": (400, "query-unknown"),
    "/api/v1/consistency?old=1&old=1&new=2": (400, "query-unknown"),
}


@pytest.mark.parametrize("path", BAD_READS)
def test_a_bad_question_is_told(here: Served, path: str) -> None:
    """By status and code, and nothing of the machine's paths."""
    response = here.client.get(path)
    assert told(response) == BAD_READS[path]
    assert str(here.node.folder) not in response.text


def test_what_a_limit_holds_back_is_waiting_and_not_refused(tmp_path: Path, world: World) -> None:
    """A device sends such bytes again; it would set refused ones aside for ever."""
    limits = KeyLimits(Limit(rate=0.001, burst=2), clock=lambda: 1_000.0)
    with served(tmp_path / "limited", world, limits=limits) as made:
        sent = [world.sign("officer", held(STATIONS[0])).submission for _ in range(4)]
        batch = made.post(sent[:3])
        assert [each["outcome"] for each in batch.json()["answers"]] == ["appended", "appended", "waiting"]
        lone = made.post(sent[2:3])
        (answer,) = lone.json()["answers"]
        assert (batch.status_code, lone.status_code, answer["outcome"], answer["code"]) == (200, 409, "waiting", "rate-exceeded")
        assert answer["where"]["seconds"] > 0


BAD_BODIES: dict[str, tuple[bytes, dict[str, str], tuple[int, str]]] = {
    "nothing": (b"", MESSAGEPACK, (400, "body-invalid")),
    "no array": (b"\xc0", MESSAGEPACK, (400, "body-invalid")),
    "an empty array": (b"\x90", MESSAGEPACK, (400, "body-invalid")),
    "an array of numbers": (b"\x91\x01", MESSAGEPACK, (400, "body-invalid")),
    "text": (msgpack.packb(["x"]), MESSAGEPACK, (400, "body-invalid")),
    "bytes after it": (msgpack.packb([b"x"]) + b"\x00", MESSAGEPACK, (400, "body-invalid")),
    "a length that lies": (b"\xdd\xff\xff\xff\xff", MESSAGEPACK, (400, "body-invalid")),
    "deep": (b"\x91" * 100_000, MESSAGEPACK, (400, "body-invalid")),
    "too many": (msgpack.packb([b"x"] * 501), MESSAGEPACK, (400, "body-invalid")),
    "too long": (bytes(8_000_001), MESSAGEPACK, (413, "body-too-large")),
    "JSON": (b"[]", {"Content-Type": "application/json"}, (415, "type-unsupported")),
    "no type": (b"\x90", {}, (415, "type-unsupported")),
    "compressed": (b"\x90", MESSAGEPACK | {"Content-Encoding": "gzip"}, (415, "type-unsupported")),
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("path", ["submissions", "check"])
def test_a_bad_body_is_told(here: Served, name: str, path: str) -> None:
    """Nothing of it is appended."""
    body, headers, expected = BAD_BODIES[name]
    size = here.node.head().size
    assert told(here.client.post(f"/api/v1/{path}", content=body, headers=headers)) == expected
    assert here.node.head().size == size


def test_other_methods_are_told(here: Served) -> None:
    """405 as a problem document."""
    assert told(here.client.delete("/api/v1/entries/3")) == (405, "method-unsupported")
    assert told(here.client.get("/api/v1/submissions")) == (405, "method-unsupported")


def test_a_store_that_fails_is_told_and_the_same_bytes_may_come_again(
    here: Served, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with when to come back; then it goes on.  What nobody knows the end of ends the process."""
    sent = world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0]))

    def failing(error: Exception) -> None:
        def append(_events: object) -> None:
            raise error

        monkeypatch.setattr(here.node, "append", append)

    for error, code in ((Broken("disk-full"), "disk-full"), (Waiting("busy"), "busy"), (RuntimeError("x"), "internal")):
        with monkeypatch.context():
            failing(error)
            response = here.post([sent.submission])
            assert told(response) == (503, code)
            assert int(response.headers["retry-after"]) > 0
        monkeypatch.undo()
    assert not here.fatal
    assert here.post([sent.submission]).status_code == 201
    failing(Broken("commit-unknown"))
    assert told(here.post([sent.submission])) == (503, "commit-unknown")
    assert [problem.code for problem in here.fatal] == ["commit-unknown"]


def test_health(here: Served) -> None:
    """Alive, ready; not ready where the log was rolled back."""
    assert here.client.get("/healthz").text == "ok\n"
    assert here.client.get("/readyz").text == "ready\n"
    assert len(here.client.get("/healthz").headers["x-request-id"]) == 16


def test_the_published_files_are_at_the_root(here: Served, world: World) -> None:
    """All of them, byte for byte, and what never changes says so."""
    here.post(submissions_of(season(world)))
    folder = here.node.folder / "public"
    here.node.publish(folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        response = here.client.get(f"/{path.relative_to(folder).as_posix()}")
        assert response.content == path.read_bytes()
        kept = "no-cache" if path.name in ("checkpoint", "README.txt") else "immutable"
        assert kept in response.headers["cache-control"]
