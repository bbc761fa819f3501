"""Verification by address: from any static file server, and past servers that are slow, endless, cut off, wrong or elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import msgspec
import pytest

from ledger import http as way
from ledger.audit.remote import USUAL, Limits, UrlSource
from ledger.audit.report import Report
from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.errors import BadInput
from ledger.proof.note import NOTE_LIMIT_BYTES

from . import servers
from .conftest import SIGNER, Honest
from .forger import Files, publication, write
from .servers import Answer, Hostile, good, static
from .test_tampering import long_ledger, outcomes, told

QUICK = Limits(file_seconds=0.3, seconds=5, files=1_000, bytes=2**24)
BOUND_SECONDS = 10
"""No verification of a handful of files, each with 0.3 s, takes longer on any machine."""


def by_url(url: str, limits: Limits = USUAL) -> Report:
    with UrlSource(url, limits) as source:
        return verify(source, ledger_id=None, executor=None, progress=None, known=None)


def refused(answer: Answer, limits: Limits = QUICK) -> str:
    """The code with which a verification of a hostile server ends; it ends in time."""
    started = time.monotonic()
    with Hostile(answer) as server, pytest.raises(BadInput) as caught:
        by_url(server.url, limits)
    assert time.monotonic() - started < BOUND_SECONDS
    return caught.value.code


def serving(files: Files, hostile: dict[str, Callable[[bytes], Iterator[bytes]]]) -> Answer:
    """Honest but for some files."""

    def answer(path: str, _number: int) -> Iterator[bytes]:
        if path in hostile:
            yield from hostile[path](files.get(path, b""))
        elif path in files:
            yield good(files[path])
        else:
            yield good(b"", status=b"404 Not Found")

    return answer


# --- honest servers -----------------------------------------------------------------------------------------------------------


def test_a_static_server_is_enough(honest: Honest, tmp_path: Path) -> None:
    """The same report as of the folder, but for what a folder shows and an address does not."""
    folder = write(tmp_path, honest.files)
    with static(folder) as url:
        report = by_url(url)
    here = verify(FolderSource(folder), ledger_id=None, executor=None, progress=None, known=None)
    assert report.ok
    assert outcomes(report) == "ppppppppp"
    assert (report.contests, report.events, report.root) == (here.contests, here.events, here.root)
    assert (report.unseen, here.unseen) == (("unlisted", "unwitnessed"), ("unwitnessed",))
    assert "not evaluated: files beside those that the checkpoint implies" in report.sentence("en")
    assert "tidak dievaluasi" in report.sentence("id")
    needed = {path for path in honest.files if "9" not in path.split("/") and path != "README.txt" and ".p/9" not in path}
    assert report.bytes_read == sum(len(honest.files[path]) for path in needed)


def test_a_governed_election_that_a_node_publishes(tmp_path: Path) -> None:
    """Several bundles and all acts, by address with and without the last stroke."""
    write(tmp_path, publication(long_ledger(600), SIGNER))
    with static(tmp_path) as url:
        for address in (url, url.rstrip("/")):
            report = by_url(address)
            assert (report.ok, report.size) == (True, 600)


def test_stray_files_cannot_be_seen_and_others_are(honest: Honest, tmp_path: Path) -> None:
    """A false page is found at its place; a file that nobody asks for is not."""
    files = honest.files | {"stray": b"x"}
    path = next(path for path in files if path.startswith("recap/38/mayor/"))
    files[path] = files[path][:-1] + bytes([files[path][-1] ^ 1])
    with static(write(tmp_path, files)) as url:
        assert [(step, code, place) for step, code, _, place in told(by_url(url))] == [(9, "recap-differs", path)]


def test_a_file_that_is_gone_is_a_finding(honest: Honest) -> None:
    """404 in the middle while the checkpoint still stands."""
    files = dict(honest.files)
    del files["tile/0/000.p/38"]
    with Hostile(serving(files, {})) as server:
        report = by_url(server.url, QUICK)
    assert told(report) == [(4, "file-missing", 0, "tile/0/000.p/38")]


def test_a_log_that_is_published_anew_meanwhile_is_read_again(honest: Honest) -> None:
    """The recap of the size that was read is gone since; that is no finding, and no verdict."""
    files = {path: data for path, data in honest.files.items() if not path.startswith("recap/38/")}

    def answer(path: str, number: int) -> Iterator[bytes]:
        if path == "checkpoint" and number > 1:
            yield good(honest.files[path].replace(b"\n38\n", b"\n39\n"))
        else:
            yield from serving(files, {})(path, number)

    assert refused(answer) == "source-changed"


def test_a_checkpoint_that_changes_at_every_request_is_read_once(honest: Honest) -> None:
    """What is verified is what was read first."""

    def answer(path: str, number: int) -> Iterator[bytes]:
        changed = path == "checkpoint" and number > 1
        yield good(b"%d" % number) if changed else next(serving(honest.files, {})(path, number))

    with Hostile(answer) as server:
        assert by_url(server.url, QUICK).ok
    assert server.asked.count("checkpoint") == 1


def test_no_path_is_asked_for_that_no_publication_has(honest: Honest) -> None:
    """Only what the checkpoint and the entries imply, each once."""
    with Hostile(serving(honest.files, {})) as server:
        assert by_url(server.url, QUICK).ok
    assert set(server.asked) < set(honest.files)
    assert len(server.asked) == len(set(server.asked))


# --- hostile servers ----------------------------------------------------------------------------------------------------------

PLACES = ["checkpoint", "tile/entries/000.p/38", "tile/0/000.p/38", "recap/38/recap_root"]


def endless(_: bytes) -> Iterator[bytes]:
    """No length, no end."""
    yield b"HTTP/1.1 200 OK\r\n\r\n"
    for _ in range(10_000):
        yield b"x" * 65_536


def endless_chunks(_: bytes) -> Iterator[bytes]:
    """The same in chunks."""
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(10_000):
        yield b"10000\r\n" + b"x" * 65_536 + b"\r\n"


def endless_length(_: bytes) -> Iterator[bytes]:
    """A length that is none of such a file; not a byte of it is waited for."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("body", [endless, endless_chunks, endless_length])
def test_endless_bodies_are_cut_off(body: Callable[[bytes], Iterator[bytes]], place: str, honest: Honest) -> None:
    """The file is too large, which is a finding about what is published; no more is read than it can have."""
    with Hostile(serving(honest.files, {place: body})) as server:
        report = by_url(server.url, USUAL)
    assert [(code, where) for _, code, _, where in told(report)] == [("file-too-large", place)]
    assert report.bytes_read < 2**25 + NOTE_LIMIT_BYTES


def silent(_: bytes) -> Iterator[bytes]:
    """Takes the request and says nothing; the server is freed when the asker has hung up."""
    yield from waiting()


def drip_head(_: bytes) -> Iterator[bytes]:
    """A byte of a header now and then, for ever: each receipt is in time."""
    yield b"HTTP/1.1 200 OK\r\nX: "
    for _ in waiting():
        yield b"x"


def drip_body(data: bytes) -> Iterator[bytes]:
    """The same in the body."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data)
    for _ in waiting():
        yield b"x"


def interim(_: bytes) -> Iterator[bytes]:
    """Interim answers without end."""
    for _ in waiting():
        yield b"HTTP/1.1 100 Continue\r\n\r\n"


def waiting() -> Iterator[bytes]:
    """Two seconds in ticks of 20 ms, nothing sent by itself."""
    never = Event()
    for _ in range(100):
        never.wait(0.02)
        yield b""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("body", [silent, drip_head, drip_body, interim])
def test_slow_servers_are_left(body: Callable[[bytes], Iterator[bytes]], place: str, honest: Honest) -> None:
    """The time is of the whole file, not of each receipt."""
    assert refused(serving(honest.files, {place: body})) == "source-slow"


def too_long(data: bytes) -> Iterator[bytes]:
    """More was announced than comes."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data[:-1]


def cut_chunk(data: bytes) -> Iterator[bytes]:
    """A chunk that breaks off."""
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc"


def no_http(_: bytes) -> Iterator[bytes]:
    """Another protocol."""
    yield b"SSH-2.0-x\r\n\r\n"


def nothing(_: bytes) -> Iterator[bytes]:
    """Hangs up."""
    yield b""


def many_headers(_: bytes) -> Iterator[bytes]:
    """More headers than anybody reads."""
    yield b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5_000 + b"\r\n"


def bad_chunk(_: bytes) -> Iterator[bytes]:
    """A chunk whose length is no number."""
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("body", [too_long, cut_chunk, no_http, nothing, many_headers, bad_chunk])
def test_answers_that_break_off_are_no_findings(body: Callable[[bytes], Iterator[bytes]], place: str, honest: Honest) -> None:
    """A bad line accuses nobody."""
    assert refused(serving(honest.files, {place: body})) == "source-cut"


def test_a_length_that_is_too_short_is_a_finding_or_a_bad_line(honest: Honest) -> None:
    """What is missing of the file then differs; the rest is never taken for the next answer."""

    def short(data: bytes) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + data

    with Hostile(serving(honest.files, {"tile/0/000.p/38": short})) as server:
        assert told(by_url(server.url, QUICK)) == [(4, "tile-differs", 2, "tile/0/000.p/38")]


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See", b"307 Again", b"308 For ever", b"300 Choose"])
@pytest.mark.parametrize("place", PLACES)
def test_redirections_are_not_followed(status: bytes, place: str, honest: Honest, tmp_path: Path) -> None:
    """To another host, or to the same: the honest file behind it is never asked for."""
    write(tmp_path, honest.files)
    with static(tmp_path) as elsewhere:
        location = b"Location: " + elsewhere.encode() + place.encode()
        answer = serving(honest.files, {place: lambda _: iter([good(b"", location, status=status)])})
        assert refused(answer) == "source-redirected"


@pytest.mark.parametrize(
    "answer",
    [
        good(b"", status=b"500 Broken"),
        good(b"", status=b"403 No"),
        good(b"", status=b"206 Part"),
        good(b"", b"Content-Encoding: gzip"),
    ],
)
def test_other_answers_are_no_findings(answer: bytes, honest: Honest) -> None:
    """An error page, a part, an encoding that was not asked for."""
    assert refused(serving(honest.files, {"tile/0/000.p/38": lambda _: iter([answer])})) == "source-answered"


def test_the_whole_has_limits(honest: Honest) -> None:
    """Files, bytes, time."""
    answer = serving(honest.files, {})
    assert refused(answer, msgspec.structs.replace(QUICK, files=3)) == "source-too-large"
    assert refused(answer, msgspec.structs.replace(QUICK, bytes=3_000)) == "source-too-large"
    assert refused(answer, msgspec.structs.replace(QUICK, seconds=0)) == "source-slow"


def test_a_checkpoint_that_claims_a_monstrous_size(honest: Honest) -> None:
    """Nothing is laid out for it."""
    files = honest.files | {"checkpoint": honest.files["checkpoint"].replace(b"\n38\n", b"\n%d\n" % 2**50)}
    assert refused(serving(files, {})) == "source-too-large"


def test_an_address_without_a_publication(tmp_path: Path) -> None:
    """No alarm over an address mistyped, nor over one where nobody listens."""
    with static(tmp_path) as url, pytest.raises(BadInput) as caught:
        by_url(url + "nowhere/")
    assert caught.value.code == "no-publication"
    with pytest.raises(BadInput) as caught:
        by_url(url)
    assert caught.value.code == "source-unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/",
        "http://",
        "http:///log",
        "http://user@example.com/",
        "http://a:b@example.com/",
        "http://example.com/?q",
        "http://example.com/#f",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://[::1/",
        "http://exämple.com/",
        "http://example.com/a b",
        "http://example.com/\r\nX: y",
        "http://example.com/" + "a" * 2_000,
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    """Refused before anything is asked."""
    with pytest.raises(BadInput) as caught:
        by_url(url)
    assert caught.value.code == "bad-url"


def test_a_connection_that_the_server_keeps_open_is_used_again(
    honest: Honest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP/1.1 with several answers on one connection, and a server that closed it meanwhile."""
    monkeypatch.setattr(servers._Quiet, "protocol_version", "HTTP/1.1")
    made: list[object] = []
    real = way._Timed.__init__

    def counted(self: way._Timed, inner: object) -> None:
        made.append(inner)
        real(self, inner)  # type: ignore[arg-type]

    monkeypatch.setattr(way._Timed, "__init__", counted)
    with static(write(tmp_path, honest.files)) as url, UrlSource(url, USUAL) as source:
        report = verify(source, ledger_id=None, executor=None, progress=None, known=None)
    assert (report.ok, len(made)) == (True, 1)
