"""kill -9 of a witness at random moments: whatever it answered it still knows, and it never cosigned two histories."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import multiprocessing
import os
import random
import signal
import time
from functools import cache
from pathlib import Path
from threading import Event, Thread

import pytest

from ledger.files import Files
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import open_note
from ledger.witness.deciding import parse_request
from ledger.witness.folder import WitnessFolder

from ..proof.models import tree_root
from . import killed
from .stage import FORKED_AT, ORIGIN, cosigner, history, make_witness, request

CONTEXT = multiprocessing.get_context("spawn")


def post(port: int, body: bytes) -> tuple[int, bytes]:
    """One ``add-checkpoint``; (0, b'') where the witness died meanwhile."""
    return talk(port, "POST", "/add-checkpoint", body)


def talk(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """One request; (0, b'') where the witness died meanwhile, also in the middle of its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body=body)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


class Client:
    """Asks for one size after the other, in one history, until the witness is gone."""

    def __init__(self, heard: Statements, *, forked: bool) -> None:
        self._heard = heard
        self.forked = forked
        self.size = 0

    def run(self, port: int, answered: Event) -> None:
        while True:
            new = self.size + 1
            body = request(self.size, new, forked=self.forked)
            status, said = post(port, body)
            answered.set()
            if status == 200:
                self._heard.hear(parse_request(body).note + said, self._heard.cosigned)
                self.size = new
            elif status == 409 and said.endswith(b"\n"):
                self.size = max(int(said), 1) if self.forked else int(said)
            elif status != 422:
                return
            if status == 422:
                self.size = FORKED_AT


@cache
def root_of(size: int, *, forked: bool) -> bytes:
    """The root of so many entries of one history."""
    return tree_root(history(size, forked=forked))


class Statements:
    """What a witness was heard to say, from all its processes: in cosignatures, and in the notes that it shows (later text)."""

    def __init__(self) -> None:
        self.cosigned: list[tuple[int, bytes]] = []
        self.shown: list[tuple[int, bytes]] = []
        self.pairs = 0

    def hear(self, note: bytes, heard: list[tuple[int, bytes]]) -> None:
        """A note that bears its line, which is verified."""
        checkpoint = parse_checkpoint(open_note(note, [cosigner(1).key]).text)
        heard.append((checkpoint.size, checkpoint.root))

    def contradictions(self) -> list[tuple[int, int]]:
        """Every two that no log can have: of one size with two roots, or where neither history has both."""
        said = sorted({*self.cosigned, *self.shown})
        found = []
        for at, (size, root) in enumerate(said):
            for larger, other in said[at + 1 :]:
                self.pairs += 1
                if not any(
                    (root, other) == (root_of(size, forked=forked), root_of(larger, forked=forked)) for forked in (False, True)
                ):
                    found.append((size, larger))
        return found

    def watch(self, port: int) -> None:
        """Reads what it shows until it is gone; a size never falls."""
        place = f"/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
        while True:
            status, said = talk(port, "GET", place)
            if status == 200:
                self.hear(said, self.shown)
            elif status != 404:
                return


def rounds(tmp_path: Path, *, seed: int, kills: int) -> int:
    """Kills the witness again and again while an honest log and its second history are pressed on it and a reader looks at what it
    shows; by v1.0.0 and by the later text in turn.  No two things that it ever said contradict each other.  The size it ends at."""
    chance = random.Random(seed)
    place = make_witness(tmp_path / "w")
    heard = Statements()
    honest, forked = Client(heard, forked=False), Client(heard, forked=True)
    for number in range(kills):
        ours, theirs = CONTEXT.Pipe(duplex=False)
        child = CONTEXT.Process(target=killed.run, args=(place, theirs), kwargs={"later": number % 2 == 1})
        child.start()
        theirs.close()
        assert ours.poll(60), "the witness did not start after a kill"
        port = int(ours.recv_bytes().rpartition(b":")[2])
        answered = Event()
        threads = [Thread(target=client.run, args=(port, answered)) for client in (honest, forked)]
        threads.append(Thread(target=heard.watch, args=(port,)))
        for thread in threads:
            thread.start()
        answered.wait(60)
        for _ in range(chance.randrange(40)):  # so many more requests of ours, and a moment: it may be anywhere
            post(port, request(0, 1))
        time.sleep(chance.random() / 50)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        for thread in threads:
            thread.join()
        ours.close()
        with WitnessFolder.open(place, files=Files()) as folder:
            recorded = folder.recorded(ORIGIN)
        if recorded.size:
            heard.hear(recorded.note, heard.shown)
        assert recorded.size == max([0, *(size for size, _ in (*heard.cosigned, *heard.shown))])
        assert heard.shown == sorted(heard.shown)
        assert heard.contradictions() == []
    print(
        f"witness: kills {kills}; cosignatures {len(heard.cosigned)} and notes {len(heard.shown)} seen, different "
        f"{len({*heard.cosigned, *heard.shown})}, pairs compared {heard.pairs}, inconsistent 0; size {recorded.size}"
    )
    return recorded.size


def test_a_killed_witness(tmp_path: Path) -> None:
    """A smoke of the campaign below."""
    assert rounds(tmp_path, seed=1, kills=4) > 0


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_witness_killed_two_hundred_times(tmp_path: Path, seed: int) -> None:
    """Twenty kills in each of ten folders."""
    assert rounds(tmp_path, seed=seed, kills=20) > 0


def test_the_check_can_fail(tmp_path: Path) -> None:
    """A witness whose memory was put back between two kills cosigns both histories: that is what the campaign looks for."""
    place = make_witness(tmp_path / "w")
    histories = []
    for forked in (False, True):
        with contextlib.ExitStack() as stack:
            ours, theirs = CONTEXT.Pipe(duplex=False)
            child = CONTEXT.Process(target=killed.run, args=(place, theirs))
            child.start()
            stack.callback(child.join)
            stack.callback(child.kill)
            assert ours.poll(60)
            port = int(ours.recv_bytes().rpartition(b":")[2])
            histories.append(post(port, request(0, 9, forked=forked))[0])
        for state in (place / "logs").iterdir():
            state.write_bytes(b"")
    assert histories == [200, 200]
    heard = Statements()
    for forked in (False, True):
        heard.cosigned.append((9, root_of(9, forked=forked)))
    heard.cosigned += [(3, root_of(3, forked=False)), (12, root_of(12, forked=False))]
    assert heard.contradictions() == [(9, 9), (9, 12)]
