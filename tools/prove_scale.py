"""A large synthetic log, published and verified in every way that a stranger has: ``tools/prove-scale FOLDER``.

    tools/prove-scale FOLDER [--entries 100000] [--more 1000]

1. a seeded election of that many entries is appended by a node and published
2. ``ledger verify`` of the folder, of ``http://127.0.0.1:PORT/`` on Python's own file server, with a state file; the second
   verifier; the readers of tools/readers, with proofs of four entries
3. ``--more`` entries are appended and published; ``ledger verify --state`` again, from folder and address: what it read

What was measured is printed, with the machine; times are of one run, wall clock, of whole commands.  The reference beside them is
SHA-256 over all published entries in the same process.  Exit status 1 where anything did not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec

from ledger.log.append import BATCH_EVENTS, Appended
from ledger.node import Node
from ledger.proof.consistency import ConsistencyProof, encode_consistency
from ledger.proof.merkle import leaf_hash
from ledger.scenario.foldbench import fold_entry
from ledger.scenario.founding import SteppedClock
from ledger.scenario.nation import Nation, shape_of
from ledger.tally.fold import uncollected
from ledger.tally.memory import Memory
from ledger.tally.signing import encode_entry, reopen_entry

ROOT = Path(__file__).resolve().parent.parent
ENTRIES_PER_STATION = 5
SECONDS = 3_600


class Failed(Exception):
    """Something did not hold."""


def told(name: str, *values: object) -> None:
    """A line of the result."""
    print(f"{name:<52} {'  '.join(map(str, values))}", flush=True)


def submissions(nation: Nation) -> Iterator[tuple[bytes, int]]:
    """(submission, its time) of the whole election, each folded into a state of its own, which decides what comes next."""
    memory, leaves = Memory(), [bytes(32)]
    for _, signed, moment in nation.events(memory, lambda: len(leaves) - 1):
        yield signed.submission, moment
        payload, signature = msgspec.msgpack.decode(signed.submission)
        index = len(leaves) - 1
        data = encode_entry(index=index, chain=leaves[-1], sequenced_at=moment, payload=payload, signature=signature)
        fold_entry(memory, reopen_entry(data), index)
        leaves.append(leaf_hash(data))


def append(node: Node, clock: SteppedClock, coming: Iterator[tuple[bytes, int]], count: int) -> None:
    """The next ``count`` events, in batches; all of them take effect."""
    while count:
        batch = list(islice(coming, min(count, BATCH_EVENTS)))
        if not batch:
            raise Failed("the election has fewer entries")
        clock.now = batch[-1][1]
        for answer in node.submit([submission for submission, _ in batch]):
            if not isinstance(answer, Appended) or answer.void:
                raise Failed(f"not appended: {answer}")
        count -= len(batch)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder as ``python3 -m http.server`` serves it, on this machine alone."""
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def ran(name: str, *words: object) -> str:
    """A command that must end with 0; its output.  Its time is told."""
    started = time.perf_counter()
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        raise Failed(f"{name}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    told(name, f"{time.perf_counter() - started:.1f} s")
    return done.stdout


def ledger(name: str, *words: object) -> dict[str, Any]:
    """``ledger ... --json``; its one object."""
    return dict(json.loads(ran(name, ROOT / ".venv" / "bin" / "ledger", *words, "--json")))


def verified(name: str, *words: object) -> None:
    """``ledger verify``, and what it read."""
    report = ledger(name, "verify", *words)
    resumed = report["resumed_size"]
    more = "" if resumed is None else f", {resumed:,} entries verified earlier"
    told("", f"{report['size']:,} entries, {report['bytes_read']:,} bytes read{more}")


def proofs(node: Node, folder: Path, old: int, note: bytes) -> list[object]:
    """What the readers are given beside the folder."""
    words: list[object] = []
    size = node.head().size
    for index in (0, size // 3, old - 1, size - 1):
        path = folder / f"{index}.tlog-proof"
        path.write_bytes(node.receipt(index))
        words += ["--proof", path]
    (folder / "grown").write_bytes(encode_consistency(ConsistencyProof(old, size, tuple(node.consistency(old, size)))))
    (folder / "known").write_bytes(note)
    return [*words, "--consistency", folder / "grown", "--known", folder / "known"]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tools/prove-scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--more", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    try:
        with uncollected():
            run(given.folder, given.entries, given.more, given.seed)
    except Failed as problem:
        print(f"DID NOT HOLD: {problem}", file=sys.stderr)
        return 1
    told("all of it held")
    return 0


def run(folder: Path, entries: int, more: int, seed: int) -> None:
    """All steps."""
    folder.mkdir(parents=True, exist_ok=False)
    told("machine", platform.machine(), f"{os.cpu_count()} cores", f"Python {platform.python_version()}")
    nation = Nation(shape_of(stations=(entries + more) // ENTRIES_PER_STATION + 20, seed=seed), seed=seed)
    founding, clock, public = nation.founding, SteppedClock(0), folder / "public"
    coming = submissions(nation)
    with Node.create(folder / "ledger", origin=founding.opened.origin, log_key=founding.log_key, clock=clock) as node:
        started = time.perf_counter()
        append(node, clock, coming, entries)
        told(f"{entries:,} entries made, decided, appended", f"{time.perf_counter() - started:.1f} s")
        started = time.perf_counter()
        done = node.publish(public)
        told("published", f"{time.perf_counter() - started:.1f} s", f"{done.files:,} files", f"{done.bytes:,} bytes")
        started = time.perf_counter()
        data = b"".join(path.read_bytes() for path in sorted((public / "tile" / "entries").rglob("*")) if path.is_file())
        hashlib.sha256(data)
        told("reference: SHA-256 of all bundles", f"{time.perf_counter() - started:.2f} s", f"{len(data):,} bytes")
        words = ["--ledger-id", founding.ledger.hex(), "--log-vkey", node.signer.vkey]
        verified("ledger verify FOLDER --state", public, *words, "--state", folder / "of-folder")
        with served(public) as url:
            verified("ledger verify http://127.0.0.1/ --state", url, *words, "--state", folder / "of-address")
        second = [sys.executable, ROOT / "tools" / "verify_ledger.py"]
        ran("tools/verify_ledger.py FOLDER", *second, public, "--ledger-id", founding.ledger.hex())
        note = (public / "checkpoint").read_bytes()
        append(node, clock, coming, more)
        done = node.publish(public)
        told(f"{more:,} entries more, published", f"{done.files:,} files", f"{done.bytes:,} bytes")
        verified("ledger verify FOLDER --state, again", public, *words, "--state", folder / "of-folder")
        with served(public) as url:
            verified("ledger verify http://127.0.0.1/ --state, again", url, *words, "--state", folder / "of-address")
        ran("tools/verify_ledger.py FOLDER, again", *second, public, "--ledger-id", founding.ledger.hex())
        given = proofs(node, folder, entries, note)
        print(ran("other people's readers", ROOT / "tools" / "readers" / "run", public, "--log-vkey", node.signer.vkey, *given))


if __name__ == "__main__":
    sys.exit(main())
