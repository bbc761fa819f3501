"""Receipts: what proves an event to be in the log, and every way in which one could prove less."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.device.receipts import Seen, check_extension, check_receipt
from ledger.errors import LedgerError, NotVerified
from ledger.node import Node
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import NoteSigner, parse_note
from ledger.proof.tlogproof import TlogProof, encode_proof, parse_proof
from tests.world import LOG_KEY, ORIGIN, World, make_node, submissions_of

WORLD = World()
FOUNDING = submissions_of(WORLD.founding())
VKEY = NoteSigner(ORIGIN, LOG_KEY).vkey


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A founded ledger."""
    with make_node(Path(tmp_path_factory.mktemp("receipts")) / "ledger", WORLD) as made:
        made.submit(FOUNDING)
        yield made


def test_every_entry_has_a_receipt_that_checks(node: Node) -> None:
    """Index, tree and time are those of the log."""
    for index, submission in enumerate(FOUNDING):
        checked = check_receipt(submission, node.receipt(index), vkey=VKEY, origin=ORIGIN)
        entry = node.entry(index)
        assert (checked.index, checked.sequenced_at, checked.event_id) == (index, entry.sequenced_at, entry.event.event_id)
        assert checked.tree == Seen(len(FOUNDING), node.head().frontier.root())


def test_a_receipt_proves_its_own_event_and_no_other(node: Node) -> None:
    """Every pairing of a receipt with another submission fails."""
    receipts = [node.receipt(index) for index in range(len(FOUNDING))]
    for index, submission in enumerate(FOUNDING):
        for other, receipt in enumerate(receipts):
            if index != other:
                with pytest.raises(NotVerified):
                    check_receipt(submission, receipt, vkey=VKEY, origin=ORIGIN)


def test_another_log_or_key_is_told(node: Node) -> None:
    """The right proof under another key or name proves nothing."""
    other = NoteSigner("other.example/log", LOG_KEY).vkey
    for vkey, origin in ((other, ORIGIN), (VKEY, "other.example/log"), (other, "other.example/log")):
        with pytest.raises(NotVerified):
            check_receipt(FOUNDING[1], node.receipt(1), vkey=vkey, origin=origin)


def test_every_changed_byte_of_a_receipt_is_noticed(node: Node) -> None:
    """No flip in a receipt checks; each gives an error of the tree.  Bytes that nobody signs are the note's unknown lines alone."""
    receipt = node.receipt(4)
    for at in range(len(receipt)):
        changed = bytearray(receipt)
        changed[at] ^= 1
        with pytest.raises(LedgerError):
            check_receipt(FOUNDING[4], bytes(changed), vkey=VKEY, origin=ORIGIN)


def test_a_receipt_without_its_extra_data_is_incomplete(node: Node) -> None:
    """Other proofs of the same entry have none."""
    proof = parse_proof(node.receipt(2))
    for extra in (None, b"\x93", b"\xc0"):
        bare = encode_proof(TlogProof(proof.index, proof.path, proof.checkpoint, extra))
        with pytest.raises(LedgerError, match="receipt-incomplete"):
            check_receipt(FOUNDING[2], bare, vkey=VKEY, origin=ORIGIN)


def test_the_log_only_grows(node: Node) -> None:
    """Consistency from every earlier tree; a smaller tree, another tree of one size and a false path are told."""
    head = parse_checkpoint(parse_note(node.head().checkpoint).text)
    now = Seen(head.size, head.root)
    check_extension(Seen(0, b""), now, ())
    check_extension(now, now, ())
    with pytest.raises(NotVerified, match="log-shrank"):
        check_extension(Seen(head.size + 1, head.root), now, ())
    with pytest.raises(NotVerified, match="proof-invalid"):
        check_extension(Seen(head.size, bytes(32)), now, ())
    with pytest.raises(NotVerified, match="proof-invalid"):
        check_extension(Seen(3, bytes(32)), now, node.consistency(3, head.size))
