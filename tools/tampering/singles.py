"""Good single files: a receipt, a proof of a total, evidence of a fork.  What proofs.py and flips.py spoil."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from tests.audit.forger import Files, checkpoint_of, parts_of, relink, tree_files
from tests.governed import CITY, Governed, submissions, whole_season
from tests.world import make_node
from tools.tampering.good import Good

from ledger.proof.merkle import Tiles, prove_inclusion
from ledger.proof.note import NoteSigner
from ledger.proof.tiles import tile_path
from ledger.proof.tlogproof import TlogProof, encode_proof
from ledger.tally.canonical import encode
from ledger.tally.signing import reopen_entry
from ledger.witness.evidence import fork_by_tiles

__all__ = ["fork", "receipt", "rewritten", "total"]


def tiles_of(files: Files) -> Tiles:
    """Published tiles as proofs read them."""
    return lambda level, number, width: files[tile_path(level, number, width)]


def receipt(entries: list[bytes], index: int, signer: NoteSigner) -> bytes:
    """What a device was given for its event when the log had these entries."""
    entry = reopen_entry(entries[index])
    path = prove_inclusion(index, len(entries), tiles_of(tree_files(entries)))
    extra = encode([entry.chain, entry.sequenced_at, entry.event.signature])
    return encode_proof(TlogProof(index, tuple(path), checkpoint_of(entries, signer), extra))


def rewritten(good: Good, at: int) -> list[bytes]:
    """A second history: from ``at`` on every entry a millisecond later, good in itself."""
    parts = parts_of(good.entries)
    return relink([*parts[:at], *(part._replace(time=part.time + 1) for part in parts[at:])])


@functools.cache
def total(*, stations: bool = True) -> tuple[bytes, str, str]:
    """The proof of the city's total, with the ledger's id in hex and the log's verifier key."""
    with tempfile.TemporaryDirectory() as folder, make_node(Path(folder) / "ledger", Governed()) as node:
        for submission in submissions(whole_season().entries):
            node.submit([submission])
        data = node.prove_total(contest="mayor", area=CITY, stations=stations).data
        return data, (node.ledger_id() or b"").hex(), node.signer.vkey


def fork(good: Good, *, same_size: bool = False) -> bytes:
    """Evidence against a log that signed two histories, of two sizes or of one."""
    ours = rewritten(good, good.size // 2)
    theirs = good.entries if same_size else good.entries[: good.size // 2 + 3]
    made = fork_by_tiles(
        good.signer.key,
        theirs=checkpoint_of(theirs, good.signer),
        ours=checkpoint_of(ours, good.signer),
        tiles=tiles_of(tree_files(ours[: len(theirs)]) | tree_files(ours)),
    )
    if made is None:
        raise ValueError("two histories that do not differ")
    return made
