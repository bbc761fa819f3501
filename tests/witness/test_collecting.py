"""Collecting: two witnesses and a quorum of two on loopback, and witnesses that lie, dawdle or hold another history."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from ledger.errors import BadInput, LedgerError, Moved, NotVerified
from ledger.files import Files
from ledger.proof.note import parse_note
from ledger.proof.policy import Policy, judge, parse_policy
from ledger.witness.collecting import Collected, cosign_folder
from ledger.witness.evidence import check_fork

from ..proof.models import raising
from .stage import LOG, NOW, Talk, answering, cosigner, make_witness, note, publish, serving, standing_in


def policy_of(urls: dict[int, str], quorum: str) -> Policy:
    """Witnesses w1, w2, ... at these addresses; the quorum is all of them, any of them, or a number."""
    lines = [f"log {LOG.vkey}", *(f"witness w{at} {cosigner(at).vkey} {url}" for at, url in urls.items())]
    names = " ".join(f"w{at}" for at in urls)
    return parse_policy("\n".join([*lines, f"group g {quorum} {names}", "quorum g", ""]).encode())


def collected(folder: Path, policy: Policy, *, seconds: float = 10) -> Collected:
    """The folder cosigned, as far as the witnesses are willing."""
    return cosign_folder(folder, policy=policy, files=Files(), seconds=seconds, clock=lambda: NOW)


def codes(done: Collected) -> dict[str, str]:
    """Witness -> its error's code, '' where it cosigned."""
    return {outcome.witness: outcome.error.code if outcome.error else "" for outcome in done.outcomes}


class Pair:
    """Two witnesses on loopback, each of which can be stopped and started."""

    def __init__(self, place: Path, *, later: bool) -> None:
        self.places = {at: make_witness(place / f"w{at}", at) for at in (1, 2)}
        self._later = later
        self._open = {at: ExitStack() for at in self.places}
        self.urls: dict[int, str] = {}

    def start(self, at: int) -> None:
        server = self._open[at].enter_context(serving(self.places[at], later=self._later))
        self.urls[at] = server.url

    def stop(self, at: int) -> None:
        self._open[at].close()

    def policy(self, quorum: str = "all") -> Policy:
        return policy_of(dict(sorted(self.urls.items())), quorum)

    def __enter__(self) -> Pair:
        for at in self.places:
            self.start(at)
        return self

    def __exit__(self, *_: object) -> None:
        for at in self.places:
            self.stop(at)


@pytest.mark.parametrize("later", [False, True])
def test_two_witnesses_and_a_quorum_of_two(tmp_path: Path, later: bool) -> None:
    """A log grows and both cosign each checkpoint; the published note verifies with the log's key and the quorum."""
    folder = tmp_path / "public"
    with Pair(tmp_path, later=later) as pair:
        for size in (1, 4, 5, 255, 256, 300):
            publish(folder, size)
            done = collected(folder, pair.policy())
            assert (done.met, codes(done)) == (True, {"w1": "", "w2": ""}), size
            shown = judge(pair.policy(), (folder / "checkpoint").read_bytes())
            assert (shown.checkpoint.size, sorted(shown.cosigned), shown.met) == (size, ["w1", "w2"], True)
            assert [outcome.time for outcome in done.outcomes] == [NOW, NOW]


def test_one_killed(tmp_path: Path) -> None:
    """The checkpoint is unwitnessed and not a byte of it changes; with the witness back it is cosigned; a quorum of one never
    lacked anything."""
    folder = publish(tmp_path / "public", 5)
    with Pair(tmp_path, later=False) as pair:
        assert collected(folder, pair.policy()).met
        publish(folder, 9)
        pair.stop(2)
        done = collected(folder, pair.policy())
        assert (done.met, codes(done)) == (False, {"w1": "", "w2": "witness-unreachable"})
        assert (folder / "checkpoint").read_bytes() == note(9) == done.note
        pair.start(2)
        assert collected(folder, pair.policy()).met
        pair.stop(2)
        publish(folder, 12)
        assert collected(folder, pair.policy("any")).met
        assert len(parse_note((folder / "checkpoint").read_bytes()).lines) == 2


def test_one_rolled_back(tmp_path: Path) -> None:
    """A witness whose folder is an old copy says an old size; it is given the proof from there and goes on."""
    folder = publish(tmp_path / "public", 5)
    with Pair(tmp_path, later=False) as pair:
        assert collected(folder, pair.policy()).met
        pair.stop(2)
        shutil.copytree(pair.places[2], tmp_path / "backup")
        pair.start(2)
        publish(folder, 9)
        assert collected(folder, pair.policy()).met
        pair.stop(2)
        shutil.rmtree(pair.places[2])
        (tmp_path / "backup").rename(pair.places[2])
        pair.start(2)
        publish(folder, 13)
        done = collected(folder, pair.policy())
        assert (done.met, codes(done)) == (True, {"w1": "", "w2": ""})


def test_a_log_rolled_back(tmp_path: Path) -> None:
    """The log shows less than its witnesses have seen: none cosigns, and each says so."""
    folder = publish(tmp_path / "public", 9)
    with Pair(tmp_path, later=False) as pair:
        assert collected(folder, pair.policy()).met
        done = collected(publish(tmp_path / "old", 6), pair.policy())
        assert (done.met, codes(done)) == (False, {"w1": "witness-ahead", "w2": "witness-ahead"})
        assert (tmp_path / "old" / "checkpoint").read_bytes() == note(6)


@pytest.mark.parametrize("size", [9, 12])
@pytest.mark.parametrize("later", [False, True])
def test_one_shown_a_fork(tmp_path: Path, later: bool, size: int) -> None:
    """The second witness was shown the second history: the first one's log does not get its cosignature.  With the later text the
    client ends with a file that convicts the log; by v1.0.0 it knows that something is wrong, and no more."""
    with Pair(tmp_path, later=later) as pair:
        one = policy_of({2: pair.urls[2]}, "any")
        assert collected(publish(tmp_path / "second", 9, forked=True), one).met
        folder = publish(tmp_path / "public", size)
        done = collected(folder, pair.policy())
        assert (done.met, codes(done)) == (False, {"w1": "", "w2": "witness-differs"})
        assert (folder / "checkpoint").read_bytes() == note(size)
        fork = done.outcomes[1].fork
        assert (fork is not None) == later
        if fork is not None:
            proven = check_fork(fork, key=LOG.key)
            assert {proven.first.size, proven.second.size} == {9, size}
        kept = list((pair.places[2] / "forks").iterdir())
        assert len(kept) == 1  # the witness itself has evidence, of both kinds: 9 is no power of two
        assert check_fork(kept[0].read_bytes(), key=LOG.key).key == LOG.key


def test_cosignatures_that_are_there_are_kept(tmp_path: Path) -> None:
    """One came yesterday and its witness is gone today: both count."""
    folder = publish(tmp_path / "public", 9)
    with Pair(tmp_path, later=False) as pair:
        assert collected(folder, policy_of({1: pair.urls[1]}, "any")).met
        pair.stop(1)
        done = collected(folder, pair.policy())
        assert (done.met, codes(done)) == (True, {"w1": "witness-unreachable", "w2": ""})
        assert sorted(judge(pair.policy(), (folder / "checkpoint").read_bytes()).cosigned) == ["w1", "w2"]


# --- witnesses that are not what they should be ---------------------------------------------------------------------------------


def line_of(number: int, data: bytes, at: int = NOW) -> bytes:
    """A cosignature of that witness over a note's text."""
    return cosigner(number).sign(parse_note(data).text, timestamp=at)


def forever(first: bytes, part: bytes) -> Talk:
    """Says ``first``, then ``part`` until the client has enough."""

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(part)

    return talk


def silent(connection: socket.socket, _: bytes) -> None:
    """Takes the request and says nothing until the client goes away."""
    connection.recv(1)


def gone(connection: socket.socket, _: bytes) -> None:
    """Closes at once."""


LONGER = note(9) + b"x\n\n"
"""Our note, and what makes a longer text of it when signature lines follow: its own text ends where ours had its lines."""

OK = b"HTTP/1.1 200 OK\r\n"
LIARS: dict[str, tuple[Talk, str]] = {
    "wrong key": (answering(200, line_of(3, note(9))), "note-unsigned"),
    "the log's own line": (answering(200, LOG.sign(parse_note(note(9)).text)), "note-unsigned"),
    "right key over another tree": (answering(200, line_of(2, note(8))), "note-signature-invalid"),
    "right key over a longer text": (answering(200, b"x\n\n" + line_of(2, LONGER + line_of(3, note(9)))), "witness-answered"),
    "time ahead": (answering(200, line_of(2, note(9), NOW + 301)), "cosignature-time"),
    "time behind": (answering(200, line_of(2, note(9), NOW - 86_401)), "cosignature-time"),
    "time 0": (answering(200, line_of(2, note(9), 0)), "cosignature-time"),
    "time at its limit": (answering(200, line_of(2, note(9), 2**63 - 1)), "cosignature-time"),
    "garbage": (answering(200, b"\xff\x00garbage"), "witness-answered"),
    "words": (answering(200, b"fine by me\n"), "witness-answered"),
    "nothing": (answering(200, b""), "note-unsigned"),
    "half a line": (answering(200, line_of(2, note(9))[:-1]), "witness-answered"),
    "no HTTP": (forever(b"SSH-2.0-OpenSSH\r\n", b""[:0] + b"x" * 65_536), "witness-answered"),
    "an endless body": (forever(OK + b"\r\n", b"x" * 65_536), "witness-answered"),
    "an endless body after a good line": (forever(OK + b"\r\n" + line_of(2, note(9)), b"\n" * 65_536), "witness-answered"),
    "endless headers": (forever(OK, b"X: y\r\n"), "witness-answered"),
    "endless interim answers": (forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "witness-slow"),
    "a length that is a lie": (forever(OK + b"Content-Length: 99999999999\r\n\r\n", b"x" * 1_000), "witness-answered"),
    "broken off": (answering(200, b"abc", "Content-Length: 5"), "witness-answered"),
    "silence": (silent, "witness-slow"),
    "gone": (gone, "witness-answered"),
    "500": (answering(500, b"oops"), "witness-answered"),
    "404": (answering(404, b""), "witness-answered"),
    "429": (answering(429, b""), "witness-answered"),
    "204": (answering(204, b""), "witness-answered"),
    "409 without a size": (answering(409, b""), "witness-answered"),
    "409 with a sign": (answering(409, b"+5\n"), "witness-answered"),
    "409 beyond": (answering(409, b"10\n"), "witness-ahead"),
    "409 with what was asked": (answering(409, b"0\n"), "witness-differs"),
    "422 at once": (answering(422, b""), "witness-differs"),
}


@pytest.mark.parametrize("name", LIARS)
def test_a_liar_is_told_and_stops_nobody(tmp_path: Path, name: str) -> None:
    """Beside each kind an honest witness, whose cosignature is kept; the liar's code is said, and no line of it is published."""
    talk, code = LIARS[name]
    folder = publish(tmp_path / "public", 9)
    seconds = 0.4 if code == "witness-slow" else 10
    with serving(make_witness(tmp_path / "w1")) as honest, standing_in(talk) as url:
        policy = policy_of({1: honest.url, 2: url}, "any")
        started = time.monotonic()
        done = collected(folder, policy, seconds=seconds)
        assert time.monotonic() - started < seconds + 5
        assert (done.met, codes(done)) == (True, {"w1": "", "w2": code})
        assert [line.name for line in parse_note((folder / "checkpoint").read_bytes()).lines] == [
            LOG.key.name,
            cosigner(1).key.name,
        ]
        assert done.outcomes[1].fork is None


def test_one_that_names_another_size_each_time(tmp_path: Path) -> None:
    """It is asked a few times and no more."""
    asked = []

    def talk(connection: socket.socket, _: bytes) -> None:
        asked.append(1)
        answering(409, b"%d\n" % len(asked))(connection, b"")

    with standing_in(talk) as url:
        done = collected(publish(tmp_path / "public", 9), policy_of({1: url}, "any"))
    assert (codes(done), len(asked)) == ({"w1": "witness-answered"}, 4)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirection_is_followed(tmp_path: Path, status: int) -> None:
    """Not even to a witness that would cosign: it is never asked."""
    asked = []

    def target(connection: socket.socket, _: bytes) -> None:
        asked.append(1)
        answering(200, line_of(1, note(9)))(connection, b"")

    with standing_in(target) as there, standing_in(answering(status, b"", f"Location: {there}/add-checkpoint")) as url:
        done = collected(publish(tmp_path / "public", 9), policy_of({1: url}, "any"))
    assert (codes(done), asked) == ({"w1": "witness-answered"}, [])


def test_a_false_accusation_is_not_kept(tmp_path: Path) -> None:
    """A witness that refuses a good proof and then shows a note that the log did not sign, or one that agrees."""
    for shown in (note(9), b"garbage", line_of(1, note(9))):

        def talk(connection: socket.socket, body: bytes, shown: bytes = shown) -> None:
            (answering(422, b"") if body else answering(200, shown))(connection, body)

        with standing_in(talk) as url:
            done = collected(publish(tmp_path / "public", 9), policy_of({1: url}, "any"))
        assert (codes(done), done.outcomes[0].fork) == ({"w1": "witness-differs"}, None)


# --- the folder ----------------------------------------------------------------------------------------------------------------


def test_a_checkpoint_published_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """While a witness is asked the folder moves on: nothing is written, and it is told."""
    folder = publish(tmp_path / "public", 9)

    def talk(connection: socket.socket, _: bytes) -> None:
        (folder / "checkpoint").write_bytes(note(12))
        answering(200, line_of(1, note(9)))(connection, b"")

    with standing_in(talk) as url, raising(Moved, "checkpoint-moved"):
        collected(folder, policy_of({1: url}, "any"))
    assert (folder / "checkpoint").read_bytes() == note(12)


def spoil_tile(folder: Path) -> None:
    """One hash of the tile is another."""
    tile = folder / "tile" / "0" / "000.p" / "9"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])


def drop_tile(folder: Path) -> None:
    """The tile is gone."""
    (folder / "tile" / "0" / "000.p" / "9").unlink()


def cut_tile(folder: Path) -> None:
    """The tile is too short."""
    tile = folder / "tile" / "0" / "000.p" / "9"
    tile.write_bytes(tile.read_bytes()[:-1])


def spoil_note(folder: Path) -> None:
    """The checkpoint's signature is of another one."""
    (folder / "checkpoint").write_bytes(note(8).replace(b"\n8\n", b"\n9\n"))


@pytest.mark.parametrize(
    ("spoil", "branch", "code"),
    [
        (spoil_tile, NotVerified, "root-differs"),
        (drop_tile, BadInput, "cannot-read"),
        (cut_tile, BadInput, "bad-tile"),
        (spoil_note, NotVerified, "note-signature-invalid"),
    ],
)
def test_nobody_is_asked_for_a_folder_that_is_not_in_order(
    tmp_path: Path, spoil: Callable[[Path], None], branch: type[LedgerError], code: str
) -> None:
    """The tiles must give the checkpoint's root, and the log have signed it."""
    asked = []
    folder = publish(tmp_path / "public", 9)
    spoil(folder)
    before = (folder / "checkpoint").read_bytes()
    with standing_in(lambda *_: asked.append(1)) as url, raising(branch, code):
        collected(folder, policy_of({1: url}, "any"))
    assert (asked, (folder / "checkpoint").read_bytes()) == ([], before)


@pytest.mark.parametrize(
    "url", ["ftp://w/", "http://", "http://a@b/", "http://w/?q", "http://w:0/", "w", "http://w:99999/", "http://\u00e9/"]
)
def test_an_address_that_is_none(tmp_path: Path, url: str) -> None:
    """Told for the witness that has it; the run goes on."""
    done = collected(publish(tmp_path / "public", 9), policy_of({1: url}, "any"))
    assert (done.met, codes(done)) == (False, {"w1": "bad-url"})


def test_a_witness_without_an_address_is_not_asked(tmp_path: Path) -> None:
    """A policy for verifiers has no addresses."""
    done = collected(publish(tmp_path / "public", 9), policy_of({1: ""}, "any"))
    assert (done.met, done.outcomes) == (False, ())
