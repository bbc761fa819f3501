"""The processes of tests/log/test_races.py: each opens a ledger by itself and starts every round together with the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TypeVar

from ledger.device.stream import EventStream
from ledger.errors import Broken, Moved, Waiting
from ledger.files import Files
from ledger.log.append import Appended
from ledger.node import Node
from ledger.proof.policy import parse_policy
from ledger.witness.collecting import cosign_folder

from ..world import STATIONS, Clock, World, held

START_SECONDS = 120
ATTEMPTS = 20_000

Made = TypeVar("Made")


def in_turn(act: Callable[[], Made]) -> Made:
    """Does it again as long as another has the folder or the database."""
    for _ in range(ATTEMPTS):
        try:
            return act()
        except Waiting:
            time.sleep(0.001)
    raise AssertionError("never its turn")


def append_and_publish(folder: Path, public: Path, name: str, rounds: int, gate: Barrier, told: Connection) -> None:
    """Each round: a few events of the key of that name, then a publication.  Tells the event ids that were acknowledged, then the
    size that it published, and at the end b''."""
    world = World()
    with Node.open(folder, clock=Clock()) as node:
        at = node.stream(world.key(name).point)
        stream = EventStream(world.key(name), ledger=world.ledger, position=at.position, previous=at.previous)
        for number in range(rounds):
            batch = [stream.sign(held(STATIONS[number % 4]), claimed_at=0).submission for _ in range(1 + number % 3)]
            gate.wait(START_SECONDS)
            answers = in_turn(lambda batch=batch: node.submit(batch))  # type: ignore[misc]
            told.send_bytes(b"".join(answer.event_id for answer in answers if isinstance(answer, Appended)))
            told.send_bytes(in_turn(lambda: node.publish(public)).size.to_bytes(8))
    told.send_bytes(b"")


def publish_each(folder: Path, place: Path, rounds: int, gate: Barrier, told: Connection) -> None:
    """Each round: the ledger as it stands, into a folder that is new in that round.  Tells the size, or the refusal's code."""
    with Node.open(folder, clock=Clock()) as node:
        for number in range(rounds):
            gate.wait(START_SECONDS)
            try:
                said = b"%d" % in_turn(lambda number=number: node.publish(place / str(number))).size  # type: ignore[misc]
            except Broken as problem:
                said = problem.code.encode()
            told.send_bytes(said)
    told.send_bytes(b"")


def cosign_each(public: Path, policy: bytes, rounds: int, gate: Barrier, told: Connection) -> None:
    """Each round: the folder's checkpoint, while it is being published.  Tells the size that was cosigned, b'moved' if it was
    published anew meanwhile."""
    rules = parse_policy(policy)
    for _ in range(rounds):
        gate.wait(START_SECONDS)
        try:
            done = in_turn(lambda: cosign_folder(public, policy=rules, files=Files(), seconds=30, clock=lambda: int(time.time())))
            told.send_bytes(b"%d" % done.judged.checkpoint.size if done.met else b"unwitnessed")
        except Moved:
            told.send_bytes(b"moved")
    told.send_bytes(b"")
