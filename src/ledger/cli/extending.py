"""``prove-consistency`` and ``check-consistency``: that the log at a later size holds all that it held at an earlier one."""

from __future__ import annotations

from pathlib import Path

from ledger.cli.app import App
from ledger.cli.language import grouped, printable, text
from ledger.cli.output import emit, line
from ledger.cli.program import argument, command, option
from ledger.cli.proofs import whose
from ledger.cli.publishing import read_policy
from ledger.errors import NotVerified
from ledger.files import Files
from ledger.proof.checkpoint import Checkpoint, open_checkpoint
from ledger.proof.consistency import CONSISTENCY_LIMIT_BYTES, ConsistencyProof, encode_consistency, parse_consistency
from ledger.proof.note import NOTE_LIMIT_BYTES
from ledger.proof.policy import judge, require_quorum

__all__ = ["check_consistency", "prove_consistency"]


@command(examples=("ledger prove-consistency 1200", "ledger prove-consistency 1200 5000 --output bukti.consistency"))
@argument("old", metavar="OLD", type=int)
@argument("new", metavar="[NEW]", type=int, required=False)
@option("--output", metavar="FILE", ind="Tulis ke berkas ini, bukan ke stdout", eng="Write to this file, not to stdout")
def prove_consistency(app: App, old: int, new: int | None, output: str | None) -> None:
    """Between any two tree sizes, up to the head unless told; whoever holds the two checkpoints can check it."""
    node = app.node
    upto = node.head().size if new is None else new
    path = node.consistency(old, upto)
    data = encode_consistency(ConsistencyProof(old, upto, tuple(path)))
    if output is not None:
        Files().write(Path(output), data)
    if app.json:
        emit({"old": old, "new": upto, "path": [step.hex() for step in path], "proof": output or data.decode()})
    elif output is None:
        line(data.decode().removesuffix("\n"))
    else:
        line(text(f"Bukti bahwa {grouped(upto)} entri memperpanjang {grouped(old)}: {output}",
                  f"Proof that {grouped(upto)} entries extend {grouped(old)}: {output}"))  # fmt: skip


@command(examples=("ledger check-consistency bukti.consistency --old kemarin --new public/checkpoint",))
@argument("file", metavar="FILE")
@option("--old", required=True, metavar="FILE", ind="Checkpoint yang disimpan dahulu", eng="The checkpoint kept from before")
@option("--new", required=True, metavar="FILE", ind="Checkpoint yang lebih baru", eng="The later checkpoint")
@option("--log-vkey", metavar="VKEY", ind="Kunci log (semula: dari ledger)", eng="The log's verifier key (default: the ledger's)")
@option(
    "--policy",
    metavar="FILE",
    ind="Log dan peneguh yang dipercaya; kuorumnya ditanyakan pada keduanya",
    eng="The logs and witnesses trusted; its quorum is asked of both",
)
def check_consistency(app: App, file: str, old: str, new: str, log_vkey: str | None, policy: str | None) -> None:
    """Checks offline that the later checkpoint holds all entries of the earlier one, in their places; exit status 1 where not."""
    files = Files()
    proof = parse_consistency(files.read(Path(file), CONSISTENCY_LIMIT_BYTES))
    trusted = None if policy is None else read_policy(policy)
    log = whose(app, log_vkey) if trusted is None or log_vkey is not None else None
    found = list[Checkpoint]()
    for path in (old, new):
        note = files.read(Path(path), NOTE_LIMIT_BYTES)
        try:
            if trusted is not None:
                found.append(require_quorum(trusted, judge(trusted, note)).checkpoint)
            if log is not None:
                key = log.key_of(note)
                found.append(open_checkpoint(note, [key], key.name))
        except NotVerified as problem:
            problem.where.setdefault("path", path)
            raise
    first, second = found[0], found[-1]
    proof.check(first, second)
    if app.json:
        emit({"verified": True, "origin": first.origin, "old": first.size, "new": second.size, "root": second.root.hex()})
        return
    origin, before, after = printable(first.origin), grouped(first.size), grouped(second.size)
    line(text(f"Benar: log {origin} dengan {after} entri memuat {before} entri yang dahulu, tak satu pun berubah.",
              f"Verified: the log {origin} with {after} entries holds the {before} of before, none of them changed."))  # fmt: skip
