"""Evidence of a fork: every fork of small logs has its file, no honest log has one, and no byte of a file can change."""

from __future__ import annotations

import pytest

from ledger.errors import BadInput, NotVerified
from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.merkle import EMPTY_ROOT
from ledger.witness.evidence import EVIDENCE_LIMIT_BYTES, check_fork, fork_by_path, fork_by_tiles

from ..proof.models import raising
from .stage import FORKED_AT, LOG, ORIGIN, OTHER_KEY, cosigner, history, note, path, tiles_of

KEY = LOG.key


def fork(theirs: int, ours: int) -> bytes:
    """Evidence of somebody who was shown the true log, from one who holds the second history."""
    made = fork_by_tiles(KEY, theirs=note(theirs), ours=note(ours, forked=True), tiles=tiles_of(history(ours, forked=True)))
    assert made is not None
    return made


def test_every_fork_of_small_logs_is_proven() -> None:
    """All pairs of sizes up to 20 on both sides of the fork, powers of two among them; within the common part there is none."""
    for theirs in range(1, 21):
        for ours in range(theirs, 21):
            tiles = tiles_of(history(ours, forked=True))
            made = fork_by_tiles(KEY, theirs=note(theirs), ours=note(ours, forked=True), tiles=tiles)
            assert (made is not None) == (theirs > FORKED_AT), (theirs, ours)
            if made is not None:
                shown = check_fork(made, key=KEY)
                assert {shown.first.size, shown.second.size} == {theirs, ours}
                assert (shown.root is None) == (theirs == ours)


def test_an_honest_log_is_never_accused() -> None:
    """All pairs of sizes of one history, by tiles and by every path of it."""
    for old in range(1, 17):
        for new in range(old, 17):
            assert fork_by_tiles(KEY, theirs=note(old), ours=note(new), tiles=tiles_of(history(new))) is None
            assert fork_by_path(KEY, old=note(old), new=note(new), path=path(old, new)) is None
            if old < new:
                assert fork_by_path(KEY, old=note(old), new=note(new), path=path(old, new, forked=True)) is None


def test_the_larger_tree_of_others_cannot_be_judged() -> None:
    """Its tiles only they hold."""
    assert fork_by_tiles(KEY, theirs=note(9), ours=note(7, forked=True), tiles=tiles_of(history(7, forked=True))) is None


def test_one_fork_of_one_size_has_one_file() -> None:
    """Whoever of the two makes it."""
    one = fork_by_path(KEY, old=note(9), new=note(9, forked=True), path=())
    assert one == fork_by_path(KEY, old=note(9, forked=True), new=note(9), path=()) == fork(9, 9)


def test_a_signed_empty_tree_with_a_root_convicts() -> None:
    """Size 0 has one root; a log that signed another is convicted by any tree of its own."""
    lie = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG)
    made = fork_by_tiles(KEY, theirs=lie, ours=note(5), tiles=tiles_of(history(5)))
    assert made is not None
    assert check_fork(made, key=KEY).root == EMPTY_ROOT


@pytest.mark.parametrize("sizes", [(9, 9), (6, 9), (8, 13)])
def test_no_byte_can_change(sizes: tuple[int, int]) -> None:
    """Each byte of a file flipped, in its lowest bit and in the bit of case; cut anywhere; with a byte too many."""
    good = fork(*sizes)
    for at in range(len(good)):
        for bit in (1, 32):
            with pytest.raises((BadInput, NotVerified)):
                check_fork(good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :], key=KEY)
        with pytest.raises((BadInput, NotVerified)):
            check_fork(good[:at], key=KEY)
    for more in (b"\n", b"x"):
        for wrong in (good + more, more + good):
            with pytest.raises((BadInput, NotVerified)):
                check_fork(wrong, key=KEY)


def test_files_that_prove_nothing() -> None:
    """Two that agree, of one size and of two; another log's key; a note that another key signed; the wrong order."""
    vkey = KEY.vkey.encode()

    def file(first: bytes, second: bytes, *lines: bytes, key: bytes = vkey) -> bytes:
        return b"\n".join([b"tally-ledger/fork/v1", b"log " + key, b"first %d" % len(first), *lines, b"", first + second])

    good = fork(6, 9)
    root_and_path = good.split(b"\n\n")[0].split(b"\n")[3:]
    with raising(NotVerified, "evidence-void"):
        check_fork(file(note(9), note(9)), key=KEY)
    honest = fork_by_tiles(KEY, theirs=note(6, forked=True), ours=note(9, forked=True), tiles=tiles_of(history(9, forked=True)))
    assert honest is None
    with raising(NotVerified, "evidence-void"):
        check_fork(file(note(6, forked=True), note(9, forked=True), *root_and_path), key=KEY)
    with raising(NotVerified, "proof-invalid"):
        check_fork(file(note(6), note(9), *root_and_path), key=KEY)
    with raising(NotVerified, "evidence-other-log"):
        check_fork(good, key=OTHER_KEY.key)
    for key in (OTHER_KEY.vkey.encode(), cosigner(1).vkey.encode()):
        with raising(NotVerified, "note-unsigned"):
            check_fork(file(note(6), note(9, forked=True), *root_and_path, key=key), key=None)
    for wrong in (
        file(note(9, forked=True), note(6), *root_and_path),
        file(note(6), note(9, forked=True)),
        file(note(9), note(9, forked=True), *root_and_path),
        b"x" * (EVIDENCE_LIMIT_BYTES + 1),
    ):
        with raising(BadInput, "bad-evidence"):
            check_fork(wrong, key=KEY)
    assert check_fork(good, key=None).key == KEY
