"""kill -9 of a witness at random moments: whatever it answered it still knows, and it never cosigned two histories."""

from __future__ import annotations

import contextlib
import http.client
import multiprocessing
import os
import random
import signal
from pathlib import Path
from threading import Event, Thread

import pytest

from ledger.files import Files
from ledger.proof.note import open_note
from ledger.witness.deciding import parse_request
from ledger.witness.folder import WitnessFolder

from . import killed
from .stage import FORKED_AT, ORIGIN, cosigner, make_witness, request

CONTEXT = multiprocessing.get_context("spawn")


def post(port: int, body: bytes) -> tuple[int, bytes]:
    """One request; (0, b'') where the witness died meanwhile."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/add-checkpoint", body=body)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


class Client:
    """Asks for one size after the other, in one history, until the witness is gone; remembers the largest that was cosigned."""

    def __init__(self, *, forked: bool) -> None:
        self.forked = forked
        self.size = 0
        self.cosigned: list[int] = []

    def run(self, port: int, answered: Event) -> None:
        while True:
            new = self.size + 1
            body = request(self.size, new, forked=self.forked)
            status, said = post(port, body)
            answered.set()
            if status == 200:
                # Verified, so that a line that was torn by the kill does not count as one.
                open_note(parse_request(body).note + said, [cosigner(1).key])
                self.cosigned.append(new)
                self.size = new
            elif status == 409 and said.endswith(b"\n"):
                self.size = max(int(said), 1) if self.forked else int(said)
            elif status != 422:
                return
            if status == 422 or (self.forked and self.size >= FORKED_AT and status == 409):
                self.size = FORKED_AT


def rounds(tmp_path: Path, *, seed: int, kills: int) -> int:
    """Kills the witness again and again while an honest log and its second history are pressed on it; the size it ends at."""
    chance = random.Random(seed)
    place = make_witness(tmp_path / "w")
    honest, forked = Client(forked=False), Client(forked=True)
    for _ in range(kills):
        ours, theirs = CONTEXT.Pipe(duplex=False)
        child = CONTEXT.Process(target=killed.run, args=(place, theirs))
        child.start()
        theirs.close()
        assert ours.poll(60), "the witness did not start after a kill"
        port = int(ours.recv_bytes().rpartition(b":")[2])
        answered = Event()
        threads = [Thread(target=client.run, args=(port, answered)) for client in (honest, forked)]
        for thread in threads:
            thread.start()
        answered.wait(60)
        for _ in range(chance.randrange(40)):  # so many more requests of ours, then the end: no clock decides when
            post(port, request(0, 1))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        for thread in threads:
            thread.join()
        ours.close()
        with WitnessFolder.open(place, files=Files()) as folder:
            recorded = folder.recorded(ORIGIN)
        common = [size for size in forked.cosigned if size <= FORKED_AT]
        assert recorded.size >= max([0, *honest.cosigned, *common])
        beyond = [client for client in (honest, forked) if any(size > FORKED_AT for size in client.cosigned)]
        assert len(beyond) <= 1, "both histories were cosigned"
        for client in beyond:  # and what is recorded is of that history
            size = recorded.size
            assert recorded.root == parse_request(request(size, size, forked=client.forked)).checkpoint.root
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
