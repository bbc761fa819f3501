"""The process that tests/log/test_kill.py kills: appends batches for ever, and tells of an event after ``submit`` returned."""

from __future__ import annotations

import random
from multiprocessing.connection import Connection
from pathlib import Path

from ledger.device.stream import EventStream
from ledger.log.append import Appended
from ledger.node import Node
from ledger.tally.events import EventData

from ..world import GOOD, STATIONS, Clock, World, corrected, held, released, submitted

WHO = ("officer", "importer", *(f"{station}/{seat}" for station in STATIONS for seat in ("1", "2")))
BATCH_MOST = 40


def run(folder: str, seed: int, acknowledged: Connection) -> None:
    """Never returns.  ``acknowledged`` gets each event id, 32 bytes, once it is known to be in the log."""
    chance = random.Random(seed)
    world = World()
    node = Node.open(Path(folder), clock=Clock())
    streams: dict[str, EventStream] = {}
    for name in WHO:
        point = world.key(name).point
        position, previous = node.stream(point).position, node.stream(point).previous
        streams[name] = EventStream(world.key(name), ledger=world.ledger, position=position, previous=previous)
    while True:
        batch = [one_event(chance, streams) for _ in range(chance.randint(1, BATCH_MOST))]
        for answer in node.submit(batch):
            if isinstance(answer, Appended):
                acknowledged.send_bytes(answer.event_id)


def liar(folder: str, seed: int, acknowledged: Connection) -> None:
    """Acknowledges before it appends, and is killed in between: what the check must notice."""
    world = World()
    with Node.open(Path(folder), clock=Clock()) as node:
        stream = EventStream(world.key("officer"), ledger=world.ledger, position=node.head().size)
        acknowledged.send_bytes(stream.sign(held(STATIONS[seed % 4]), claimed_at=0).event_id)
        acknowledged.recv_bytes()  # nobody sends: waits to be killed


def one_event(chance: random.Random, streams: dict[str, EventStream]) -> bytes:
    """A signed event of somebody; many are void, all are appended."""
    name = chance.choice(WHO)
    stream = streams[name]
    station = name.partition("/")[0] if "/" in name else chance.choice(STATIONS)
    figures = (300, chance.randint(0, 300), 100, 220, 5, 307)
    kinds: list[EventData] = [submitted(station, figures), submitted(station, GOOD, contest="governor")]
    kinds.append(corrected(station, [stream.previous or bytes(32)], figures))
    if "/" not in name:
        kinds += [held(station), released(station)]
    return stream.sign(chance.choice(kinds), claimed_at=0).submission


def publisher(folder: str, seed: int, told: Connection) -> None:
    """Never returns.  Appends, publishes into ``public`` beside the ledger folder, and tells of each publication's size."""
    chance = random.Random(seed)
    world = World()
    place = Path(folder)
    node = Node.open(place, clock=Clock())
    point = world.key("officer").point
    position, previous = node.stream(point).position, node.stream(point).previous
    stream = EventStream(world.key("officer"), ledger=world.ledger, position=position, previous=previous)
    while True:
        node.submit(
            [stream.sign(held(chance.choice(STATIONS)), claimed_at=0).submission for _ in range(chance.randint(1, BATCH_MOST))]
        )
        told.send_bytes(node.publish(place.parent / "public").size.to_bytes(32))
