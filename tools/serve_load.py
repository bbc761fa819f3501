"""A served ledger under a load of signed submissions from another process: ``tools/serve-load FOLDER``.

    tools/serve-load FOLDER [--stations 8000] [--connections 64,256] [--database ADDRESS] [--nodes 1]

1. a synthetic election is set up in FOLDER; every operator signs one form (a fresh key each, so none waits for another)
2. the reference: the same server (uvicorn, starlette, the same parsing) that checks the signature and echoes, and appends nothing
3. ``ledger serve`` (``--nodes`` of them on one PostgreSQL database, each with a folder of its own and one anchor for all), and the
   same requests: one submission each, over so many connections that are kept open; each answer must be a receipt
4. every receipt is checked as a device does, the address is verified as an auditor does, and nothing is missing
5. on PostgreSQL, what the database alone could do: the rows of the entries that the load made, by COPY in one transaction into a
   table of the same columns and keys

Rates are answers in seconds of wall clock, latencies from a request's first byte to its answer's last, as the client sees them; the
client is a process of its own on the same machine.  Exit status 1 where anything did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from sqlalchemy import create_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ledger.device.receipts import check_receipt
from ledger.device.stream import EventStream
from ledger.log.append import BATCH_EVENTS, Appended, admit
from ledger.node import CONFIG_NAME, Node, system_clock
from ledger.scenario.founding import office_key
from ledger.scenario.nation import Nation, Station, _form_name, shape_of
from ledger.tally.events import Approved, ElectionAmended, FormRef, TallySubmitted
from ledger.tally.signing import Opened

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 3_600
SEED = 1


class Failed(Exception):
    """Something did not hold."""


def told(name: str, *values: object) -> None:
    """A line of the result."""
    print(f"{name:<52} {'  '.join(map(str, values))}", flush=True)


# --- the election ----------------------------------------------------------------------------------------------------------------


def found(folder: Path, nation: Nation, database: str | None) -> None:
    """The ledger with everything up to the first form."""
    founding = nation.founding
    with Node.create(
        folder,
        origin=founding.opened.origin,
        log_key=founding.log_key,
        clock=system_clock,
        sealer=founding.sealer,
        database=database,
    ) as node:
        coming = [signed.submission for _, signed, _ in nation.opening()]
        # The generator's election was in 2024 and its operators' time is over: two root keys say that it is not.
        amended = founding.root.sign(ElectionAmended(reason="load-test", basis="-", cutoffs=()), claimed_at=0)
        second = EventStream(office_key(founding.seed, "root/2"), ledger=founding.ledger)
        coming += [amended.submission, second.sign(Approved(event=amended.event_id), claimed_at=0).submission]
        for start in range(0, len(coming), BATCH_EVENTS):
            for answer in node.submit(coming[start : start + BATCH_EVENTS]):
                if not isinstance(answer, Appended) or answer.void:
                    raise Failed(f"the opening is not taken: {answer}")


def node_folder(ledger: Path, place: Path) -> Path:
    """The folder of one more node on the same PostgreSQL database (docs/ARCHITECTURE.md, "Several nodes"): ``ledger.toml``, which
    names database and anchor, and the keys."""
    place.mkdir()
    for path in (ledger / CONFIG_NAME, *sorted(ledger.glob("*.pem"))):
        shutil.copy2(path, place)
    return place


def forms(nation: Nation) -> Iterator[bytes]:
    """One form of every operator, by that operator's own key."""
    ledger = nation.founding.ledger
    for station in nation.walk():
        if isinstance(station, Station):
            contest = station.contests[0]
            figures, _ = nation.figures(contest, station.code)
            form = FormRef(*_form_name(contest, len(figures)))
            for seat in ("1", "2"):
                stream = EventStream(nation.key("operator", station.code, seat), ledger=ledger)
                data = TallySubmitted(
                    contest=contest, station=station.code, round=0, form=form, source="plano", figures=figures, photos=()
                )
                yield stream.sign(data, claimed_at=0).submission


# --- the client ------------------------------------------------------------------------------------------------------------------


async def load(urls: Sequence[tuple[str, int]], bodies: Sequence[bytes], connections: int) -> dict[str, Any]:
    """All bodies, each a request; connections go round the nodes.  Latencies in seconds, answers in the order of the bodies."""
    answers: list[bytes] = [b""] * len(bodies)
    seconds = [0.0] * len(bodies)
    coming = iter(range(len(bodies)))

    async def one(host: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for at in coming:
            body = bodies[at]
            head = f"POST /api/v1/submissions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/msgpack\r\n"
            began = time.perf_counter()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answered = await reader.readuntil(b"\r\n\r\n")
            length = int(answered.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            said = await reader.readexactly(length)
            seconds[at] = time.perf_counter() - began
            answers[at] = answered[9:12] + said
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(*urls[number % len(urls)]) for number in range(connections)))
    whole = time.perf_counter() - began
    ordered = sorted(seconds)
    return {
        "rate": len(bodies) / whole,
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[len(ordered) * 99 // 100],
        "answers": answers,
    }


def client(urls: str, source: Path, connections: int, target: Path) -> None:
    """The process: bodies from a file, what came of them into another."""
    bodies = msgspec.msgpack.decode(source.read_bytes(), type=list[bytes])
    places = [(host, int(port)) for host, port in (each.rsplit(":", 1) for each in urls.split(","))]
    target.write_bytes(msgspec.msgpack.encode(asyncio.run(load(places, bodies, connections))))


def loaded(folder: Path, ports: Sequence[int], submissions: Sequence[bytes], connections: int) -> dict[str, Any]:
    """The client as a process of its own."""
    source, target = folder / "bodies", folder / "answers"
    source.write_bytes(msgspec.msgpack.encode([msgspec.msgpack.encode([each]) for each in submissions]))
    urls = ",".join(f"127.0.0.1:{port}" for port in ports)
    command = [sys.executable, str(Path(__file__)), "--client", urls, str(source), str(connections), str(target)]
    subprocess.run(command, check=True, timeout=SECONDS)
    return msgspec.msgpack.decode(target.read_bytes())  # type: ignore[no-any-return]


# --- the servers -----------------------------------------------------------------------------------------------------------------


def echo(port: int) -> None:
    """The reference: what is the same for any server that checks a signature."""

    async def submit(request: Request) -> Response:
        submissions = msgspec.msgpack.decode(await request.body(), type=list[bytes])
        (event,) = admit(submissions, None)
        if not isinstance(event, Opened):
            return Response(status_code=422)
        said = {"answers": [{"outcome": "checked", "event": event.event_id.hex(), "receipt": "x" * 1_000}]}
        return Response(msgspec.json.encode(said), 201, media_type="application/json")

    app = Starlette(routes=[Route("/api/v1/submissions", submit, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=port, http="httptools", loop="asyncio", ws="none", log_config=None, access_log=False)


@contextmanager
def running(command: Sequence[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server process, from when it takes connections; ended in order."""
    with log.open("ab") as said:
        process = subprocess.Popen([sys.executable, *command], stdout=said, stderr=said, env={**os.environ, "LEDGER_LANG": "en"})
    try:
        for _ in range(600):
            with socket.socket() as trial:
                trial.settimeout(5)
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise Failed(f"it does not serve: {log.read_text()}")
            time.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(120)


def free_port() -> int:
    """One that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def serving(ledger: Path, port: int) -> list[str]:
    """The command of a node."""
    code = "from ledger.cli import main; main()"
    return ["-c", code, "serve", "--ledger", str(ledger), "--port", str(port), "--publish-seconds", "0"]


# --- the run ---------------------------------------------------------------------------------------------------------------------


def checked(nation: Nation, submissions: Sequence[bytes], answers: Sequence[bytes]) -> set[int]:
    """Every receipt, as its device checks it; where the events stand."""
    vkey = nation.founding.opened.log_key
    places: set[int] = set()
    for submission, answer in zip(submissions, answers, strict=True):
        if answer[:3] != b"201":
            raise Failed(f"not a receipt: {answer[:300]!r}")
        (said,) = json.loads(answer[3:])["answers"]
        if said["code"]:
            raise Failed(f"an event without effect: {said}")
        places.add(check_receipt(submission, said["receipt"].encode(), vkey=vkey, origin=nation.founding.opened.origin).index)
    return places


def run(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.folder
    folder.mkdir(parents=True)
    nation = Nation(shape_of(stations=arguments.stations, seed=SEED), seed=SEED)
    told("machine", platform.machine(), f"{os.cpu_count()} cores", f"Python {platform.python_version()}")
    connections = [int(each) for each in arguments.connections.split(",")]
    signed = list(forms(nation))
    share = len(signed) // len(connections)
    told("submissions", f"{len(signed):,}", f"{sum(map(len, signed)) // len(signed)} bytes each, of as many keys")
    ledger = folder / "ledger"
    found(ledger, nation, arguments.database)
    anchor = folder / "anchor" / "anchor"
    with Node.open(ledger, clock=system_clock) as node:
        start = node.head().size
        node.set_anchor(anchor)
    told("ledger set up", f"{start:,} entries", arguments.database or "SQLite")
    folders = [ledger, *(node_folder(ledger, folder / f"node-{number}") for number in range(2, arguments.nodes + 1))]
    port = free_port()
    references: dict[int, float] = {}
    with running([str(Path(__file__)), "--echo", str(port)], port, folder / "echo.log"):
        for at, number in enumerate(connections):
            found_ = loaded(folder, [port], signed[at * share : (at + 1) * share], number)
            references[number] = found_["rate"]
            told(f"reference, {number} connections: verify and echo", rated(found_))
    ports = [free_port() for _ in folders]
    places: list[int] = []
    rates: dict[int, float] = {}
    with ExitStack() as stack:
        for port, own in zip(ports, folders, strict=True):
            stack.enter_context(running(serving(own, port), port, folder / f"serve-{port}.log"))
        for at, number in enumerate(connections):
            part = signed[at * share : (at + 1) * share]
            found_ = loaded(folder, ports, part, number)
            rates[number] = found_["rate"]
            told(
                f"ledger serve x {arguments.nodes}, {number} connections",
                rated(found_),
                f"{found_['rate'] / references[number]:.2f} of the reference",
            )
            places += sorted(checked(nation, part, found_["answers"]))
    if len(set(places)) != share * len(connections):
        raise Failed("two events at one place")
    told("receipts checked, none missing", f"{len(places):,}")
    with Node.open(ledger, clock=system_clock) as node:
        size = node.head().size
        node.publish(ledger / "public")
    port = ports[0]
    with running(serving(ledger, port), port, folder / "again.log"):
        began = time.monotonic()
        command = ["-c", "from ledger.cli import main; main()", "verify", f"http://127.0.0.1:{port}/", "--json"]
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, timeout=SECONDS)
        if done.returncode or json.loads(done.stdout)["size"] != size:
            raise Failed(done.stdout + done.stderr)
        told("ledger verify http://127.0.0.1/", f"{size:,} entries", f"{time.monotonic() - began:.1f} s", "verified")
    seals = size - start - len(places)
    told("entries beside the forms (seals)", seals)
    if arguments.database:
        copied = copy_rate(arguments.database, start, size)
        told("COPY of the same rows, one transaction", f"{copied:,.0f}/s")
        for number, rate in rates.items():
            told(f"ledger serve x {arguments.nodes}, {number} connections", f"{rate / copied:.4f} of COPY")


def copy_rate(address: str, start: int, stop: int) -> float:
    """Rows a second, the commit included, of entries ``start`` to ``stop - 1`` copied into a table of their shape."""
    engine = create_engine(address)
    try:
        with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            cursor.execute(
                "SELECT idx, event_id, leaf, entry FROM entries WHERE idx >= %s AND idx < %s ORDER BY idx", (start, stop)
            )
            rows = cursor.fetchall()
            cursor.execute("CREATE TABLE copied (LIKE entries INCLUDING ALL)")
            raw.commit()
            began = time.perf_counter()
            with cursor.copy("COPY copied (idx, event_id, leaf, entry) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["int8", "bytea", "bytea", "bytea"])
                for row in rows:
                    copy.write_row(row)
            raw.commit()
            seconds = time.perf_counter() - began
            cursor.execute("SELECT count(*) FROM copied")
            counted = cursor.fetchone()
            cursor.execute("DROP TABLE copied")
            raw.commit()
    finally:
        engine.dispose()
    if counted != (stop - start,):
        raise Failed(f"COPY took {counted} rows of {stop - start}")
    return (stop - start) / seconds


def rated(found_: dict[str, Any]) -> str:
    """A line of rates."""
    return f"{found_['rate']:,.0f}/s  p50 {found_['p50'] * 1000:.1f} ms  p99 {found_['p99'] * 1000:.1f} ms"


def main() -> int:
    """Exit status 1 where anything did not hold."""
    if sys.argv[1:2] == ["--client"]:
        client(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
        return 0
    if sys.argv[1:2] == ["--echo"]:
        echo(int(sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description="A served ledger under load, beside a reference.")
    parser.add_argument("folder", type=Path, help="a new folder")
    parser.add_argument("--stations", type=int, default=8_000)
    parser.add_argument("--connections", default="64,256")
    parser.add_argument("--database", help="a PostgreSQL address")
    parser.add_argument("--nodes", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.nodes > 1 and not arguments.database:
        parser.error("several nodes need one PostgreSQL database")
    try:
        run(arguments)
    except (Failed, subprocess.SubprocessError) as problem:
        print(f"DID NOT HOLD: {problem}", file=sys.stderr)
        return 1
    told("all of it held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
