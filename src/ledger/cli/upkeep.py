"""``replay``: the projection made again from the log."""

from __future__ import annotations

from ledger.cli.app import App
from ledger.cli.language import grouped, text
from ledger.cli.output import emit, line, progress
from ledger.cli.program import command, option

__all__ = ["replay"]

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
