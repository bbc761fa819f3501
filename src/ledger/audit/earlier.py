"""What was kept from earlier: a checkpoint that must be a prefix of this log, receipts whose entries must stand in it.

A receipt is a tlog-proof.  Its checkpoint must be the log's own word, its tree a prefix of this one, and its path must lead from
this log's entry at that index to that tree's root.  Its ``extra`` is of no use here: this log's own entry is at hand.

Left to others: what the log's key is (heads.py), how a device checks a receipt against its own bytes (``ledger.device``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from ledger.audit.heads import Known, open_head, parse_head
from ledger.audit.published import Difference
from ledger.errors import BadInput, NotVerified
from ledger.proof.merkle import check_inclusion
from ledger.proof.tlogproof import TlogProof, parse_proof
from ledger.tally.events import ElectionOpened
from ledger.tally.rows import LogKey

__all__ = ["RECEIPTS_LIMIT", "Earlier", "Receipt"]

RECEIPTS_LIMIT: Final = 10_000
"""How many are checked in one verification."""


class Receipt(Struct, frozen=True):
    """A receipt and what to call it, such as its file's name."""

    name: str
    proof: TlogProof

    @classmethod
    def from_bytes(cls, name: str, data: bytes) -> Receipt:
        """Nothing verified; ``BadInput`` ``bad-proof``, ``bad-note``, ``bad-checkpoint`` for anything that is no receipt."""
        proof = parse_proof(data)
        if proof.index >= parse_head(proof.checkpoint).size:
            raise BadInput("bad-proof", "an index beyond its own tree", index=proof.index)
        return cls(name, proof)


class _Claim(Struct, frozen=True):
    """A tree that must be a prefix; ``proof`` where a leaf of it must be this log's too."""

    place: str
    tree: Known
    proof: TlogProof | None


class Earlier:
    """The trees known from before, beside the one that grows from the entries."""

    def __init__(self, known: Known | None, receipts: Sequence[Receipt]) -> None:
        if len(receipts) > RECEIPTS_LIMIT:
            raise BadInput("receipts-too-many", f"more than {RECEIPTS_LIMIT:,} receipts", receipts=len(receipts))
        self._claims = [] if known is None else [_Claim("known checkpoint", known, None)]
        self._claims += [_Claim(f"receipt {each.name}", Known.from_note(each.proof.checkpoint), each.proof) for each in receipts]
        self._roots: dict[int, bytes | None] = dict.fromkeys(claim.tree.size for claim in self._claims)
        self._leaves: dict[int, bytes | None] = dict.fromkeys(each.proof.index for each in receipts)
        self._unsigned: set[str] = set()
        self._included: list[str] = []

    @property
    def receipts_found(self) -> int:
        """Receipts whose entry stands in this log, by this log's own word."""
        return sum(place not in self._unsigned for place in self._included)

    def add(self, tree: Known, place: str) -> None:
        """One more tree that must be a prefix."""
        self._claims.append(_Claim(place, tree, None))
        self._roots.setdefault(tree.size, None)

    def reaches_below(self, size: int) -> bool:
        """Whether anything is asked of the first ``size`` entries' own trees and leaves."""
        return any(each < size for each in (*self._roots, *self._leaves))

    def open(self, election: ElectionOpened, log_keys: Sequence[LogKey]) -> Iterator[tuple[str, BadInput | NotVerified]]:
        """The checkpoints that are not the log's word, by its key at their sizes, with their places."""
        for claim in self._claims:
            if claim.tree.note:
                try:
                    open_head(claim.tree.note, election, log_keys)
                except (BadInput, NotVerified) as problem:
                    self._unsigned.add(claim.place)
                    yield claim.place, problem

    def see(self, first: int, leaves: Sequence[bytes], root: Callable[[Sequence[bytes]], bytes]) -> None:
        """The next bundle's leaf hashes; ``root(more)``: of the tree before it and some of them."""
        for size in self._roots:
            if 0 <= size - first < len(leaves):
                self._roots[size] = root(leaves[: size - first])
        for index in self._leaves:
            if 0 <= index - first < len(leaves):
                self._leaves[index] = leaves[index - first]

    def beyond(self, size: int) -> Iterator[Difference]:
        """Trees that were larger than this one."""
        for claim in self._claims:
            if claim.tree.size > size:
                detail = f"{claim.tree.size} entries were known, the checkpoint shows {size}"
                detail += "" if claim.proof is None else f" ({claim.place})"
                yield Difference("log-truncated", size, "checkpoint", detail)

    def judge(self, size: int, root: bytes) -> Iterator[Difference]:
        """Trees that are no prefix of this one, and receipts whose entry is not in it."""
        self._roots[size] = root
        for claim in self._claims:
            if claim.tree.size > size:
                continue
            if self._roots[claim.tree.size] != claim.tree.root:
                detail = f"the first {claim.tree.size} entries are not those that were known before"
                yield Difference("history-rewritten", None, claim.place, detail)
            elif claim.proof is not None:
                yield from self._judge_receipt(claim, claim.proof)

    def _judge_receipt(self, claim: _Claim, proof: TlogProof) -> Iterator[Difference]:
        leaf = self._leaves[proof.index] or b""
        try:
            check_inclusion(index=proof.index, size=claim.tree.size, leaf=leaf, path=proof.path, root=claim.tree.root)
        except NotVerified as problem:
            detail = f"the entry at {proof.index} is not the receipt's: {problem.detail}"
            yield Difference("receipt-not-included", None, claim.place, detail)
            return
        self._included.append(claim.place)
