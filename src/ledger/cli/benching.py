"""``bench fold``: how fast this machine replays a synthetic election of any size, and what limits it."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path
from typing import Final

from ledger.cli.app import App
from ledger.cli.language import grouped, text
from ledger.cli.output import emit, heading, line, progress
from ledger.cli.program import command, option
from ledger.errors import BadInput

__all__ = ["bench_fold"]

NATION_STATIONS: Final = 435_296
TARGET_PER_SECOND: Final = 80_000
"""The target of the project for a replay without signatures on one core."""
_EVENTS_PER_STATION: Final = 6


@command(examples=("ledger bench fold", "ledger bench fold --stations 435296"))
@option(
    "--stations",
    type=int,
    default=2_000,
    metavar="N",
    ind="Banyaknya TPS; 435296: seluruh negeri",
    eng="How many stations; 435296 is the nation",
)
@option("--seed", type=int, default=1, metavar="N", ind="Benih", eng="The seed")
def bench_fold(app: App, stations: int, seed: int) -> None:
    """Generates a synthetic election and replays it in a process of its own; prints rate, memory and the serial part."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from ledger.scenario.foldbench import generate, replay_file

    if not 1 <= stations <= NATION_STATIONS:
        raise BadInput("stations-out-of-range", f"1 to {NATION_STATIONS:,} stations", stations=stations)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "entries"
        with progress(text("Membuat", "Generating"), stations * _EVENTS_PER_STATION) as done:
            made = generate(path, stations=stations, seed=seed, progress=lambda _name, size: done(size))
        app.say("Menghitung ulang dalam proses tersendiri.", "Replaying in a process of its own.")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            replayed = pool.submit(replay_file, path).result()
    rate = replayed.entries / replayed.seconds
    serial = replayed.fold_seconds / replayed.entries
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    if app.json:
        emit(
            {
                "machine": machine,
                "stations": stations,
                "generated": made,
                "replayed": replayed,
                "events_per_second": round(rate),
                "decode_alone_per_second": round(replayed.entries / replayed.decode_seconds),
                "serial_microseconds": round(serial * 1e6, 2),
                "cap_of_many_cores_per_second": round(1 / serial),
                "target_per_second": TARGET_PER_SECOND,
                "same_root": made.root == replayed.root,
            }
        )
        return
    heading("synthetic")
    line(machine)
    for name, count in made.events.items():
        line(f"  {name:<24} {grouped(count):>12}")
    rows = (
        ("entri", "entries", grouped(replayed.entries)),
        ("sertifikat rekap", "certificates", grouped(replayed.certificates)),
        ("dibuat dan dihitung sekali, detik", "generated and folded once, seconds", f"{made.seconds:.1f}"),
        ("hitung ulang, detik", "replay, seconds", f"{replayed.seconds:.1f}"),
        ("hitung ulang, entri per detik", "replay, entries per second", grouped(round(rate))),
        ("sasaran, entri per detik", "target, entries per second", grouped(TARGET_PER_SECOND)),
        (
            "acuan: membaca saja, entri per detik",
            "reference: decoding alone, entries per second",
            grouped(round(replayed.entries / replayed.decode_seconds)),
        ),
        ("bagian berurutan, mikrodetik per entri", "serial part, microseconds an entry", f"{serial * 1e6:.1f}"),
        ("  batasnya dengan banyak inti, per detik", "  its cap with many cores, per second", grouped(round(1 / serial))),
        ("jumlah akhir, detik", "totals at the end, seconds", f"{replayed.totals_seconds:.1f}"),
        ("memori tertinggi, MiB", "memory at its highest, MiB", grouped(round(replayed.peak_mib))),
    )
    for indonesian, english, value in rows:
        line(f"{text(indonesian, english):<48} {value:>14}")
    same = made.root == replayed.root
    line(text("akar semua rekap sama", "the root over all recaps is the same") if same else text("AKAR BERBEDA", "ROOTS DIFFER"))
