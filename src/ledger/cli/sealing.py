"""``seal``, ``prove-total`` and ``check-total``: totals that a checkpoint proves, made and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ledger.cli.app import App
from ledger.cli.choosing import chosen_contest, contest_option
from ledger.cli.completing import complete_area
from ledger.cli.language import grouped, text
from ledger.cli.output import emit, heading, line
from ledger.cli.program import argument, command, option
from ledger.cli.proofs import checkpoint_option, policy_option, read_checkpoint, whose
from ledger.cli.publishing import read_policy
from ledger.errors import BadInput
from ledger.files import Files
from ledger.proof.policy import judge, require_quorum
from ledger.recap.places import election_of
from ledger.tally.rollup import COUNTS
from ledger.tally.totalproof import TOTAL_PROOF_LIMIT_BYTES, ProvenTotal, StationRow, checkpoint_in
from ledger.tally.totalproof import check_total as checked_total

__all__ = ["check_total", "prove_total", "seal"]

ID_HEX_DIGITS: Final = 64


@command(examples=("ledger seal",))
def seal(app: App) -> None:
    """Appends a seal over all recaps as they stand; most ledgers seal by themselves."""
    made = app.node.seal()
    if app.json:
        emit({"index": made.index, "size": made.index, "event": made.event_id.hex()})
        return
    line(text(f"Rekap {grouped(made.index)} entri disegel: entri {made.index}.",
              f"The recaps of {grouped(made.index)} entries are sealed: entry {made.index}."))  # fmt: skip
    app.say("Lanjut: ledger prove-total WILAYAH", "Next: ledger prove-total AREA")


@command(
    examples=(
        "ledger prove-total 17 --contest president",
        "ledger prove-total 1771 --stations --output bukti.total-proof",
        "ledger prove-total 17 --checkpoint public/checkpoint --policy kebijakan.txt",
    )
)
@argument("area", metavar="AREA", shell_complete=complete_area)
@contest_option
@option("--at", type=int, metavar="SIZE", ind="Segel terakhir pada ukuran ini", eng="The last seal at this tree size")
@option("--stations", is_flag=True, ind="Sampai ke baris semua TPS", eng="Down to the rows of all stations")
@option(
    "--output",
    metavar="FILE",
    ind="Berkas hasil (semula: WILAYAH-KONTES.total-proof)",
    eng="The file to write (default: AREA-CONTEST.total-proof)",
)
@checkpoint_option
@policy_option
def prove_total(
    app: App,
    area: str,
    contest: str | None,
    at: int | None,
    stations: bool,
    output: str | None,
    checkpoint: str | None,
    policy: str | None,
) -> None:
    """Writes one file that proves the total of an area (or a station's row) from a sealed recap."""
    node = app.node
    with node.snapshot() as snapshot:
        kind = election_of(snapshot.state).opened.kind
        code = chosen_contest(snapshot.state, area, contest)
    note = read_checkpoint(checkpoint)
    trusted = None if policy is None else read_policy(policy)
    if trusted is not None:
        require_quorum(trusted, judge(trusted, node.head().checkpoint if note is None else note))
    witnesses = [] if trusted is None else [witness.key for witness in trusted.witnesses]
    made = node.prove_total(contest=code, area=area, at=at, stations=stations, checkpoint=note, witnesses=witnesses)
    place = Path(output if output is not None else f"{area or 'all'}-{code}.total-proof")
    Files().write(place, made.data)
    ledger = (node.ledger_id() or b"").hex()
    if app.json:
        emit(
            {
                "proof": str(place),
                "bytes": len(made.data),
                "contest": code,
                "area": area,
                "size": made.size,
                "seal": made.seal,
                "checkpoint": made.checkpoint,
                "ledger_id": ledger,
            }
        )
        return
    heading(kind)
    line(text(f"Bukti jumlah {area or 'semua'}, {code}: {place} ({grouped(len(made.data))} bita).",
              f"Proof of the total of {area or 'all'}, {code}: {place} ({grouped(len(made.data))} bytes)."))  # fmt: skip
    line(_as_of(made.size, made.seal, made.checkpoint))
    app.say(f"Lanjut: ledger check-total {place} --ledger-id {ledger}", f"Next: ledger check-total {place} --ledger-id {ledger}")


@command(
    examples=(
        "ledger check-total 17-president.total-proof --ledger-id 3f2a...c9",
        "ledger check-total bukti.total-proof --log-vkey NAME+1234abcd+AbCd...",
    )
)
@argument("file", metavar="FILE")
@option("--log-vkey", metavar="VKEY", ind="Kunci log (semula: dari ledger)", eng="The log's verifier key (default: the ledger's)")
@option("--ledger-id", metavar="HEX", ind="Id ledger", eng="The ledger's id")
@policy_option
def check_total(app: App, file: str, log_vkey: str | None, ledger_id: str | None, policy: str | None) -> None:
    """Checks the proof of a total with nothing but the key, id or policy given; exit status 1 where it does not hold."""
    data = Files().read(Path(file), TOTAL_PROOF_LIMIT_BYTES)
    ledger = None if ledger_id is None else _id(ledger_id)
    trusted = None if policy is None else read_policy(policy)
    vkey = log_vkey
    if vkey is None and ledger is None and trusted is None:
        vkey = whose(app, None).key_of(checkpoint_in(data)).vkey
    proven = checked_total(data, vkey=vkey, ledger=ledger, policy=trusted)
    if app.json:
        emit(_plain(proven))
    else:
        _show(proven)


def _as_of(size: int, seal: int, tree: int) -> str:
    """Which state it is, and how many entries the checkpoint has beyond the seal."""
    after = tree - seal - 1
    came = "no entry came" if not after else "1 entry came" if after == 1 else f"{grouped(after)} entries came"
    later = f"{grouped(after)} entri" if after else "tidak ada entri"
    return text(f"Keadaan pada {grouped(size)} entri, disegel entri {seal}; {later} sesudahnya.",
                f"As of {grouped(size)} entries, sealed by entry {seal}; {came} after it.")  # fmt: skip


def _id(said: str) -> bytes:
    try:
        found = bytes.fromhex(said) if len(said) == ID_HEX_DIGITS else b""
    except ValueError:
        found = b""
    if not found:
        raise BadInput("bad-hex", "64 hex digits are expected", argument="--ledger-id")
    return found


def _counts(proven: ProvenTotal) -> dict[str, int]:
    if isinstance(proven.row, StationRow):
        return {}
    return dict(zip(COUNTS, proven.row.counts, strict=True))


def _votes(proven: ProvenTotal) -> list[int | str | None]:
    figures = proven.row.figures if isinstance(proven.row, StationRow) else proven.row.sums
    return [figures[at] if figures else None for at in proven.form.candidate_figures]


def _plain(proven: ProvenTotal) -> dict[str, object]:
    counts = _counts(proven)
    return {
        "verified": True,
        "election": proven.opened.name,
        "kind": proven.opened.kind,
        "ledger_id": proven.ledger.hex(),
        "contest": proven.contest.code,
        "area": proven.row.code,
        "candidates": [
            {"number": candidate.number, "name": candidate.name, "votes": votes}
            for candidate, votes in zip(proven.contest.candidates, _votes(proven), strict=True)
        ],
        "counts": counts,
        "state": proven.row.state if isinstance(proven.row, StationRow) else None,
        "size": proven.size,
        "seal": proven.seal,
        "checkpoint": {"size": proven.checkpoint.size, "root": proven.checkpoint.root.hex(), "origin": proven.checkpoint.origin},
        "log_key": proven.log_key,
        "witnesses": list(proven.witnesses),
        "stations_added_up": proven.stations,
        "whole": proven.whole,
    }


def _show(proven: ProvenTotal) -> None:
    heading(proven.opened.kind)
    line(text("Terbukti.", "Proven.") + f" {proven.opened.name}")
    line(
        f"{text(proven.contest.name_id, proven.contest.name_en)} ({proven.contest.code}), {proven.row.code or text('semua', 'all')}"
    )
    for candidate, votes in zip(proven.contest.candidates, _votes(proven), strict=True):
        shown = grouped(votes) if isinstance(votes, int) else votes or "-"
        line(f"  {candidate.number:>2} {candidate.name}  {shown}")
    counts = _counts(proven)
    if counts:
        number = {name: grouped(count) for name, count in counts.items()}
        missing = grouped(counts["expected"] - counts["in"])
        line(text(f"TPS: {number['in']} masuk dari {number['expected']}, {missing} belum ada.",
                  f"Stations: {number['in']} of {number['expected']} in, {missing} missing."))  # fmt: skip
        line(text(f"{number['held']} ditahan, {number['awaiting']} menunggu pemungutan ulang, {number['differing']} berbeda, "
                  f"{number['with_findings']} dengan catatan pemeriksaan.",
                  f"{number['held']} held, {number['awaiting']} awaiting a revote, {number['differing']} differing, "
                  f"{number['with_findings']} with findings."))  # fmt: skip
    if isinstance(proven.row, StationRow):
        line(text(f"Keadaan TPS: {proven.row.state}", f"State of the station: {proven.row.state}"))
    elif proven.whole:
        line(
            text(
                f"Dijumlahkan dari baris {grouped(proven.stations)} TPS.",
                f"Added up from the rows of {grouped(proven.stations)} stations.",
            )
        )
    else:
        line(text("Dijumlahkan dari wilayah langsung di bawahnya.", "Added up from the areas directly below."))
    line(_as_of(proven.size, proven.seal, proven.checkpoint.size))
    root = proven.checkpoint.root.hex()
    line(text(f"checkpoint {proven.checkpoint.size}, akar {root}", f"checkpoint {proven.checkpoint.size}, root {root}"))
    line(text(f"kunci log {proven.log_key}", f"log key {proven.log_key}"))
    line(text(f"peneguh log: {', '.join(proven.witnesses) or 'tidak ada'}", f"witnesses: {', '.join(proven.witnesses) or 'none'}"))
    line(text(f"id ledger {proven.ledger.hex()}", f"ledger id {proven.ledger.hex()}"))
