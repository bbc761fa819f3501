"""``replay`` and ``publish``: the administrator's work on a ledger that stands."""

from __future__ import annotations

from pathlib import Path

from ledger.cli.app import App
from ledger.cli.language import grouped, text
from ledger.cli.output import emit, heading, line, progress
from ledger.cli.program import argument, command, option
from ledger.recap.views import election_of

__all__ = ["publish", "replay"]

DIFFERENT = 1


@command(examples=("ledger replay", "ledger replay --rebuild"))
@option("--rebuild", is_flag=True, ind="Pasang hasil hitung ulang sebagai gantinya", eng="Put the replayed projection in its place")
def replay(app: App, rebuild: bool) -> int:
    """Folds the whole log again and compares the projection byte for byte; exit status 1 where it differs."""
    node = app.node
    with progress(text("Menghitung ulang", "Replaying"), node.head().size) as done:
        made = node.replay(rebuilding=rebuild, progress=done)
    same = made.digest == made.standing
    if app.json:
        emit(
            {
                "size": made.size,
                "digest": made.digest,
                "standing": made.standing,
                "same": same,
                "rebuilt": rebuild,
                "differences": list(made.differences),
            }
        )
    else:
        line(text(f"{grouped(made.size)} entri dihitung ulang.", f"{grouped(made.size)} entries replayed."))
        line(text(f"hasil hitung ulang  {made.digest}", f"replayed  {made.digest}"))
        line(text(f"yang berdiri        {made.standing}", f"standing  {made.standing}"))
        if same:
            line(text("Sama, bita demi bita.", "The same, byte for byte."))
        elif rebuild:
            line(text("Berbeda; hasil hitung ulang sudah dipasang.", "They differed; the replayed one is in place now."))
        else:
            line(text("BERBEDA. Baris yang berbeda:", "DIFFERENT. Rows that differ:"))
            for difference in made.differences:
                line(f"  {difference}")
            app.say("Lanjut: ledger replay --rebuild", "Next: ledger replay --rebuild")
    return 0 if same or rebuild else DIFFERENT


@command(examples=("ledger publish", "ledger publish /srv/www/tally"))
@argument("folder", required=False, metavar="[DIR]")
def publish(app: App, folder: str | None) -> None:
    """Brings a folder of static files up to the log's head; public/ in the ledger folder unless told."""
    node = app.node
    place = Path(folder) if folder is not None else node.folder / "public"
    done = node.publish(place)
    ledger = (node.ledger_id() or b"").hex()
    if app.json:
        emit(
            {
                "folder": str(place),
                "size": done.size,
                "root": done.root.hex(),
                "files": done.files,
                "bytes": done.bytes,
                "ledger_id": ledger,
            }
        )
        return
    with node.snapshot() as snapshot:
        heading(election_of(snapshot.state).opened.kind)
    line(text(f"Terbit di {place}: {grouped(done.size)} entri.", f"Published in {place}: {grouped(done.size)} entries."))
    line(
        text(
            f"{grouped(done.files)} berkas baru, {grouped(done.bytes)} bita.",
            f"{grouped(done.files)} new files, {grouped(done.bytes)} bytes.",
        )
    )
    line(text(f"akar {done.root.hex()}", f"root {done.root.hex()}"))
    app.say(f"Lanjut: ledger verify {place} --ledger-id {ledger}", f"Next: ledger verify {place} --ledger-id {ledger}")
