"""A log that is rekeyed while it runs: which key signs which head, and what follows it: anchor, publication, restore, audit."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.audit.earlier import Receipt
from ledger.audit.report import Report
from ledger.audit.resuming import State
from ledger.audit.sources import FolderSource
from ledger.audit.verify import Known, verify
from ledger.errors import LedgerError, NotVerified
from ledger.log.append import Appended
from ledger.log.signers import log_key_name, sealer_key_name
from ledger.node import Node
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from ledger.proof.note import NoteSigner, parse_note
from ledger.tally.rows import LogKey

from ..audit.forger import parts_of, publication, relink, write
from ..governed import Governed, GovernedLog, first_night, keys_and_lists, submissions, witnesses
from ..rekeying import LOG_2, LOG_3, SEALER_2, log_private, log_signer, rekey, rekeyed
from ..world import ORIGIN, Clock


class Rekeyed:
    """A ledger with an anchor, and beside it the same log in memory, which knows what comes next."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.anchor = place / "elsewhere" / "anchor"
        self.log = GovernedLog(Governed())
        self.world = self.log.world
        self.node = Node.create(
            place / "l",
            origin=ORIGIN,
            log_key=self.world.log_key,
            clock=Clock(),
            sealer=self.world.key("sealer"),
            automatic=False,
        )
        self.sent = 0
        self.stage(first_night)
        self.anchor.parent.mkdir()
        self.node.set_anchor(self.anchor)

    def stage(self, act: Callable[[GovernedLog], object]) -> int:
        """Something happens, and the node takes all of it; the size then."""
        act(self.log)
        return self.catch_up()

    def catch_up(self) -> int:
        """The node takes what the log in memory has more."""
        for submission in submissions(self.log.entries[self.sent :]):
            answers = self.node.submit([submission])
            assert all(isinstance(each, Appended) for each in answers), answers
        self.sent = len(self.log.entries)
        assert self.node.head().size == self.sent
        return self.sent

    def rekey(self, **keys: Any) -> int:
        """The private keys lie in the folder before anybody is asked; the size from which they sign."""
        if "log" in keys:
            self.node.signers.keep_log_key(log_private(keys["log"]))
        if "sealer" in keys:
            self.node.signers.keep_sealer(self.world.key(keys["sealer"]))
        return self.stage(lambda log: rekey(log, **keys))

    def reopen(self) -> Node:
        """The node anew."""
        self.node.close()
        self.node = Node.open(self.place / "l", clock=Clock())
        return self.node

    def publish(self, name: str) -> Path:
        """A copy of the publication as it is now."""
        self.node.publish(self.place / "public")
        return Path(shutil.copytree(self.place / "public", self.place / name))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Rekeyed]:
    """One."""
    made = Rekeyed(tmp_path)
    yield made
    made.node.close()


def signed_by(note: bytes, *signers: NoteSigner) -> list[bool]:
    """Which of them signed it."""
    found = []
    for signer in signers:
        try:
            open_checkpoint(note, [signer.key], ORIGIN)
        except NotVerified:
            found.append(False)
        else:
            found.append(True)
    return found


def audited(folder: Path, **more: Any) -> Report:
    """``verify`` of a published folder."""
    usual: dict[str, Any] = {"ledger_id": None, "executor": None, "progress": None, "known": None}
    return verify(FolderSource(folder), **{**usual, **more})


def told(report: Report) -> list[tuple[int, str]]:
    """(step, code) of each failure."""
    return [(failure.step, failure.code) for failure in report.failures]


def code(act: Callable[[], object]) -> str:
    """The code that it raises."""
    with pytest.raises(LedgerError) as caught:
        act()
    return caught.value.code


# --- which key signs -----------------------------------------------------------------------------------------------------------


def test_the_new_key_signs_the_head_that_holds_the_approval(ledger: Rekeyed) -> None:
    """Until then the old one, also over the proposal; from then on the new one, also in a process that was started anew."""
    old, new = ledger.world.signer, log_signer(LOG_2)
    ledger.node.signers.keep_log_key(log_private(LOG_2))
    proposal, approval = rekeyed(ledger.world, log=LOG_2)
    assert signed_by(ledger.node.head().checkpoint, old, new) == [True, False]
    ledger.log.append(proposal)
    ledger.catch_up()
    assert signed_by(ledger.node.head().checkpoint, old, new) == [True, False]
    ledger.log.append(approval)
    ledger.catch_up()
    assert signed_by(ledger.node.head().checkpoint, old, new) == [False, True]
    assert ledger.node.log_keys() == (LogKey(0, old.vkey), LogKey(ledger.sent, new.vkey))
    assert ledger.reopen().key == new.key
    ledger.stage(keys_and_lists)
    assert signed_by(ledger.node.head().checkpoint, old, new) == [False, True]


def test_a_lost_key_is_replaced_by_proposal_and_approval_together(ledger: Rekeyed) -> None:
    """Without its key the log shows what it has and takes nothing; the two acts in one batch are signed by the new one."""
    (ledger.place / "l" / "log-key.pem").rename(ledger.place / "lost")
    node = ledger.reopen()
    size = node.head().size
    acts = [signed.submission for signed in rekeyed(ledger.world, log=LOG_2)]
    for batch in (acts[:1], acts):  # nobody holds the new key either
        assert code(lambda batch=batch: node.submit(batch)) == "log-key-absent"  # type: ignore[misc]
    node.signers.keep_log_key(log_private(LOG_2))
    assert code(lambda: node.submit(acts[:1])) == "log-key-absent"
    assert node.head().size == size
    assert code(lambda: node.signer) == "log-key-absent"
    assert [type(each) for each in node.submit(acts)] == [Appended, Appended]
    assert signed_by(node.head().checkpoint, log_signer(LOG_2)) == [True]
    assert node.signer.vkey == log_signer(LOG_2).vkey


def test_an_approval_waits_for_the_key_that_it_names(ledger: Rekeyed) -> None:
    """Where the folder does not hold it, nothing is appended; once it does, the same bytes are."""
    proposal, approval = rekeyed(ledger.world, log=LOG_2)
    ledger.log.append(proposal)
    size = ledger.catch_up()
    assert code(lambda: ledger.node.submit([approval.submission])) == "log-key-absent"
    assert ledger.node.head().size == size
    ledger.node.signers.keep_log_key(log_private(LOG_2))
    assert isinstance(ledger.node.submit([approval.submission])[0], Appended)


def test_a_key_file_with_another_key_is_told_at_once(ledger: Rekeyed) -> None:
    """On opening, before anything is signed."""
    ledger.rekey(log=LOG_2)
    path = ledger.place / "l" / log_key_name(log_signer(LOG_2).key)
    other = ledger.place / "l" / "log-key.pem"
    path.write_bytes(other.read_bytes())
    ledger.node.close()
    assert code(lambda: Node.open(ledger.place / "l", clock=Clock())) == "log-key-other"
    path.write_bytes(b"nothing")
    assert code(lambda: Node.open(ledger.place / "l", clock=Clock())) == "bad-config"


def test_the_new_sealer_seals_and_the_old_ones_file_is_of_no_use(ledger: Rekeyed) -> None:
    """Its own stream begins at 0; without its file there are no seals."""
    assert ledger.node.entry(ledger.node.seal().index).event.key == ledger.world.key("sealer").point
    answers = ledger.node.submit([signed.submission for signed in rekeyed(ledger.world, sealer=SEALER_2)])
    assert [type(each) for each in answers] == [Appended, Appended]
    assert code(ledger.node.seal) == "sealer-missing"
    new = ledger.world.key(SEALER_2)
    ledger.node.signers.keep_sealer(new)
    made = ledger.node.seal()
    entry = ledger.node.entry(made.index)
    assert (entry.event.key, entry.event.position) == (new.point, 0)
    assert (ledger.place / "l" / sealer_key_name(new.point)).is_file()
    assert ledger.reopen().seal().index == made.index + 1


# --- what left the log before ----------------------------------------------------------------------------------------------------


def test_the_anchor_goes_on_under_the_new_key(ledger: Rekeyed) -> None:
    """Its note is by the new key; a database from before is told as such, though it has never heard of that key."""
    database = ledger.place / "l" / "ledger.db"
    ledger.node.close()
    shutil.copy(database, ledger.place / "backup")
    ledger.node = Node.open(ledger.place / "l", clock=Clock())
    ledger.rekey(log=LOG_2)
    assert signed_by(ledger.anchor.read_bytes(), log_signer(LOG_2)) == [True]
    assert ledger.reopen().head().size == ledger.sent
    ledger.node.close()
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (ledger.place / "l" / name).unlink(missing_ok=True)
    shutil.copy(ledger.place / "backup", database)
    assert code(lambda: Node.open(ledger.place / "l", clock=Clock())) == "log-rolled-back"


@pytest.mark.parametrize("anchored", [True, False])
def test_an_old_backup_that_knows_nothing_of_the_new_key_is_told_as_such(ledger: Rekeyed, anchored: bool) -> None:
    """Database and keys of before the rekeying: the anchor, or the own publication, is by a key that nobody there knows."""
    folder = ledger.place / "l"
    ledger.node.close()
    if not anchored:
        config = folder / "ledger.toml"
        config.write_text("".join(line for line in config.read_text().splitlines(True) if not line.startswith("anchor")))
    shutil.copytree(folder, ledger.place / "backup")
    ledger.node = Node.open(folder, clock=Clock())
    ledger.rekey(log=LOG_2)
    published = ledger.publish("published")
    ledger.node.publish(folder / "public")
    ledger.node.close()
    shutil.move(folder / "public", ledger.place / "public-of-the-ledger")
    shutil.rmtree(folder)
    shutil.copytree(ledger.place / "backup", folder)
    if not anchored:
        shutil.move(ledger.place / "public-of-the-ledger", folder / "public")
    assert code(lambda: Node.open(folder, clock=Clock())) == "log-rolled-back"
    with Node.open(folder, clock=Clock(), curing=True) as node:
        source = FolderSource(published)
        node.append_missing(source.entries(0, ledger.sent), note=source.checkpoint())
    ledger.node = Node.open(folder, clock=Clock())
    assert ledger.node.head().size == ledger.sent


def test_a_sealers_file_that_cannot_be_read_stops_no_intake(ledger: Rekeyed) -> None:
    """Whether it is that of the one in force, or of the one before."""
    folder = ledger.place / "l"
    (folder / "sealer-key.pem").write_bytes(b"garbage")
    ledger.reopen()
    assert code(ledger.node.seal) == "sealer-missing"
    ledger.rekey(sealer=SEALER_2)
    assert ledger.node.seal().index == ledger.sent
    assert ledger.reopen().seal().index == ledger.sent + 1


def test_an_anchor_by_the_old_key_at_a_new_size_is_damaged(ledger: Rekeyed) -> None:
    """A thief of the old key cannot move it."""
    ledger.rekey(log=LOG_2)
    head = parse_checkpoint(parse_note(ledger.node.head().checkpoint).text)
    ledger.anchor.write_bytes(sign_checkpoint(head, ledger.world.signer))
    assert code(ledger.node.check_anchor) == "anchor-damaged"


def test_a_proof_up_to_a_checkpoint_of_before(ledger: Rekeyed) -> None:
    """By the key at its size; not by the old key at a size of the new one, nor the other way round."""
    before = ledger.node.head().checkpoint
    ledger.rekey(log=LOG_2)
    assert ledger.node.receipt(3, before)
    now, old = parse_checkpoint(parse_note(ledger.node.head().checkpoint).text), parse_checkpoint(parse_note(before).text)
    for checkpoint, signer in ((now, ledger.world.signer), (old, log_signer(LOG_2))):
        note = sign_checkpoint(checkpoint, signer)
        assert code(lambda note=note: ledger.node.receipt(3, note)) == "note-unsigned"  # type: ignore[misc]


# --- published and restored ------------------------------------------------------------------------------------------------------


def test_a_publication_over_two_rekeyings_is_verified_with_all_that_was_kept(ledger: Rekeyed) -> None:
    """Every checkpoint and receipt of before is by the key at its size; the key given is the one in force."""
    kept: list[Known] = []
    receipts: list[Receipt] = []
    states: list[State] = []
    folders = []
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: ledger.rekey(log=LOG_2),
        lambda: ledger.stage(keys_and_lists),
        lambda: ledger.rekey(log=LOG_3, sealer=SEALER_2),
        lambda: ledger.stage(witnesses),
    ]
    for number, act in enumerate(steps):
        act()
        folders.append(ledger.publish(f"public-{number}"))
        kept.append(Known.from_note((folders[-1] / "checkpoint").read_bytes()))
        receipts.append(Receipt.from_bytes(f"r{number}", ledger.node.receipt(ledger.sent - 1)))
        keys = [ledger.world.signer, log_signer(LOG_2), log_signer(LOG_3)]
        right = (0, 1, 1, 2, 2)[number]
        for at, signer in enumerate(keys):
            report = audited(folders[-1], log_key=signer.key)
            assert told(report) == ([] if at == right else [(1, "note-unsigned")]), (number, at)
            assert report.log_vkey == keys[right].vkey
        for known in kept:
            report = audited(folders[-1], known=known, receipts=receipts)
            assert (told(report), report.receipts) == ([], number + 1)
        for state in states:
            assert told(audited(folders[-1], state=state)) == []
        assert audited(folders[-1], keep=states.append).ok


@pytest.mark.parametrize("later", [0, 1, 5])
def test_the_old_key_is_nobodys_from_the_new_ones_size_on(ledger: Rekeyed, later: int) -> None:
    """What a thief signs with it: a whole publication, at the first size of the new key or beyond; and the new key before."""
    begins = ledger.rekey(log=LOG_2)
    ledger.stage(keys_and_lists)
    entries = ledger.log.entries[: begins + later]
    old, new = ledger.world.signer, log_signer(LOG_2)
    for at, signer in ((len(entries), old), (begins - 1, new), (begins - 2, new)):
        report = audited(write(ledger.place / f"{at}-{later}", publication(ledger.log.entries[:at], signer)))
        assert told(report) == [(1, "note-unsigned")]
    assert audited(write(ledger.place / f"good-{later}", publication(entries, new))).ok
    assert audited(write(ledger.place / f"before-{later}", publication(entries[: begins - 1], old))).ok


def test_a_kept_checkpoint_by_the_wrong_key_is_no_word_of_the_log(ledger: Rekeyed) -> None:
    """The right tree, signed by the old key where the new one was in force."""
    begins = ledger.rekey(log=LOG_2)
    root = parse_checkpoint(parse_note(ledger.node.head().checkpoint).text).root
    ledger.stage(keys_and_lists)
    false = Known.from_note(sign_checkpoint(Checkpoint(ORIGIN, begins, root), ledger.world.signer))
    true = Known.from_note(sign_checkpoint(Checkpoint(ORIGIN, begins, root), log_signer(LOG_2)))
    folder = ledger.publish("grown")
    assert told(audited(folder, known=false)) == [(4, "note-unsigned")]
    assert told(audited(folder, known=true)) == []


@pytest.mark.parametrize("spoiled", ["proposal", "approval"])
def test_a_rekeying_that_the_roots_did_not_sign_changes_no_key(ledger: Rekeyed, spoiled: str) -> None:
    """A forger with a key of their own puts it into the log: the signature fails, and so does the checkpoint by that key."""
    size = ledger.sent
    ledger.rekey(log=LOG_2)
    parts = parts_of(ledger.log.entries)
    at = size if spoiled == "proposal" else size + 1
    parts[at] = parts[at]._replace(signature=parts[at - 3].signature)
    entries = relink(parts)
    report = audited(write(ledger.place / "forged", publication(entries, log_signer(LOG_2))))
    assert told(report) == [(1, "note-unsigned"), (5, "signature-invalid")]
    assert report.log_vkey == ledger.world.signer.vkey
    honest = audited(write(ledger.place / "old", publication(entries, ledger.world.signer)))
    assert told(honest) == [(5, "signature-invalid")]


def test_restored_with_the_key_in_force_or_without_one(ledger: Rekeyed) -> None:
    """Read-only without it; with it, it signs on; the old key is refused."""
    ledger.rekey(log=LOG_2)
    folder = ledger.publish("grown")

    def restored(name: str, key: str | None) -> Node:
        source = FolderSource(folder)
        private = {None: None, "old": ledger.world.log_key, "new": log_private(LOG_2)}[key]
        return Node.restore(
            ledger.place / name,
            source.entries(0, ledger.sent),
            note=source.checkpoint(),
            key=ledger.world.signer.key,
            present=log_signer(LOG_2).key,
            log_key=private,
            sealer=None,
            clock=Clock(),
            database=None,
            anchor=None,
        )

    assert code(lambda: restored("old", "old")) == "log-key-other"
    with restored("without", None) as node:
        assert (node.read_only, node.key) == (True, log_signer(LOG_2).key)
        assert code(lambda: node.submit([])) == "ledger-read-only"
        node.publish(ledger.place / "again")
    assert (ledger.place / "again" / "checkpoint").read_bytes() == (folder / "checkpoint").read_bytes()
    with restored("with", "new") as node:
        sent = ledger.sent
        keys_and_lists(ledger.log)
        node.submit(submissions(ledger.log.entries[sent:]))
        assert signed_by(node.head().checkpoint, log_signer(LOG_2)) == [True]
    with Node.open(ledger.place / "with", clock=Clock()) as node:
        assert node.signer.vkey == log_signer(LOG_2).vkey
