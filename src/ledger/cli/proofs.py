"""``prove``, ``receipt check`` and ``receipt upgrade``: proofs that an entry is in the log, made, checked, and led further."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from ledger.cli.app import App
from ledger.cli.auditing import published_source
from ledger.cli.entries import find_entry
from ledger.cli.language import local_time, printable, text
from ledger.cli.output import emit, line
from ledger.cli.program import argument, command, option
from ledger.cli.publishing import read_policy
from ledger.device.receipts import CheckedReceipt, check_receipt, upgrade_receipt
from ledger.errors import BadInput, NotVerified, Usage
from ledger.files import Files
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.note import NOTE_LIMIT_BYTES, NoteKey, open_note, parse_note, parse_vkey
from ledger.proof.policy import Judged, Policy, judge, require_quorum
from ledger.proof.tiles import published_tiles
from ledger.proof.tlogproof import PROOF_LIMIT_BYTES, parse_proof
from ledger.tally.events import ENTRY_LIMIT_BYTES
from ledger.tally.rows import LogKey, log_key_at

__all__ = ["checkpoint_option", "policy_option", "prove", "read_checkpoint", "receipt_check", "receipt_upgrade", "whose"]

checkpoint_option: Final = option(
    "--checkpoint",
    metavar="FILE",
    ind="Sampai ke checkpoint ini (misalnya yang diteguhkan), bukan ke ujung log",
    eng="Up to this checkpoint (such as a cosigned one), not to the head",
)
policy_option: Final = option(
    "--policy",
    metavar="FILE",
    ind="Log dan peneguh yang dipercaya; kuorumnya harus terpenuhi",
    eng="The logs and witnesses trusted; its quorum must be met",
)
_vkey_option: Final = option(
    "--log-vkey",
    metavar="VKEY",
    ind="Kunci log (semula: dari perangkat atau ledger)",
    eng="The log's verifier key (default: the device's or ledger's)",
)


@command(
    examples=(
        "ledger prove 17",
        "ledger prove 3f2a...c9 --out bukti.tlog-proof",
        "ledger prove 17 --checkpoint public/checkpoint",
    )
)
@argument("entry", metavar="EVENT|INDEX")
@option("--out", metavar="FILE", ind="Tulis ke berkas ini, bukan ke stdout", eng="Write to this file, not to stdout")
@checkpoint_option
def prove(app: App, entry: str, out: str | None, checkpoint: str | None) -> None:
    """A tlog-proof of an entry, up to the log's head unless told."""
    node = app.node
    index = find_entry(node, entry)
    proof = node.receipt(index, read_checkpoint(checkpoint))
    shown = parse_checkpoint(parse_note(parse_proof(proof).checkpoint).text)
    if out is not None:
        Files().write(Path(out), proof)
    if app.json:
        said = {"index": index, "size": shown.size, "root": shown.root.hex()}
        emit({**said, "proof": out if out is not None else proof.decode()})
    elif out is None:
        line(proof.decode().removesuffix("\n"))
    else:
        line(
            text(
                f"Bukti entri {index} dalam log {shown.size} entri: {out}",
                f"Proof of entry {index} in a log of {shown.size}: {out}",
            )
        )


@command(
    examples=(
        "ledger receipt check receipts/0000000007.tlog-proof --device perangkat",
        "ledger receipt check bukti.tlog-proof --submission kirim.submission --log-vkey NAME+1234abcd+AbCd...",
        "ledger receipt check bukti.tlog-proof --policy kebijakan.txt",
    )
)
@argument("file", metavar="FILE")
@option(
    "--submission",
    metavar="FILE",
    ind="Kiriman yang dibuktikan (semula: di samping tanda terima)",
    eng="The submission it proves (default: beside the receipt)",
)
@_vkey_option
@policy_option
def receipt_check(app: App, file: str, submission: str | None, log_vkey: str | None, policy: str | None) -> None:
    """Checks a receipt offline, against the device's own bytes; exit status 1 where it does not prove them."""
    files = Files()
    receipt = files.read(Path(file), PROOF_LIMIT_BYTES)
    sent = files.read(Path(submission) if submission else Path(file).with_suffix(".submission"), ENTRY_LIMIT_BYTES)
    note = parse_proof(receipt).checkpoint
    log = whose(app, log_vkey, policy)
    key = log.key_of(note)
    checked = check_receipt(sent, receipt, vkey=key.vkey, origin=key.name)
    judged = None if policy is None else _judged(policy, note)
    _show_checked(app, checked, judged, origin=key.name, source=log.source)


@command(
    examples=(
        "ledger receipt upgrade receipts/0000000007.tlog-proof https://hasil.example/log/ --device perangkat",
        "ledger receipt upgrade bukti.tlog-proof public --policy kebijakan.txt --out diteguhkan.tlog-proof",
    )
)
@argument("file", metavar="FILE")
@argument("source", metavar="SOURCE")
@option("--out", metavar="FILE", ind="Berkas hasil (semula: berkas itu sendiri)", eng="The file to write (default: the same file)")
@_vkey_option
@policy_option
def receipt_upgrade(app: App, file: str, source: str, out: str | None, log_vkey: str | None, policy: str | None) -> None:
    """Leads a receipt (or any tlog-proof) to the checkpoint of a publication, with the cosignatures there; exit status 1 where the
    log there is not the receipt's, grown."""
    receipt = Files().read(Path(file), PROOF_LIMIT_BYTES)
    before = parse_proof(receipt)
    with ExitStack() as stack:
        published = published_source(source, stack)
        note = published.checkpoint()
        after = parse_checkpoint(parse_note(note).text)
        judged = None if policy is None else _judged(policy, note)
        log = whose(app, log_vkey, policy)
        old, new = log.key_of(before.checkpoint), log.key_of(note)
        tiles = published_tiles(after.size, published.read)
        upgraded = upgrade_receipt(receipt, note, tiles, vkeys=(old.vkey, new.vkey), origin=old.name)
    place = file if out is None else out
    Files().write(Path(place), upgraded)
    size = parse_checkpoint(parse_note(before.checkpoint).text).size
    cosigned = None if judged is None else list(judged.cosigned)
    if app.json:
        emit({"proof": place, "index": before.index, "from": size, "size": after.size, "cosigned": cosigned})
        return
    line(text(f"Tanda terima entri {before.index}: dari pohon {size} ke {after.size} entri: {place}",
              f"Receipt of entry {before.index}: from the tree of {size} to that of {after.size} entries: {place}"))  # fmt: skip
    _show_cosigned(judged)


def read_checkpoint(path: str | None) -> bytes | None:
    """The note that a proof is to lead to, where one was named."""
    return None if path is None else Files().read(Path(path), NOTE_LIMIT_BYTES)


def _judged(policy: str, note: bytes) -> Judged:
    read = read_policy(policy)
    return require_quorum(read, judge(read, note))


class Whose(NamedTuple):
    """The keys that a log may have, and where they are from; ``keys``: each from its tree size on, or those of a ``policy``."""

    source: str
    keys: tuple[LogKey, ...]
    policy: Policy | None = None

    def key_of(self, note: bytes) -> NoteKey:
        """The log's key at the size of this checkpoint.  A policy may list a log that was rekeyed with all its keys: the one that
        signed is taken; ``NotVerified`` ``note-unsigned`` where it has none of this origin."""
        checkpoint = parse_checkpoint(parse_note(note).text)
        if self.policy is None:
            return parse_vkey(log_key_at(self.keys, checkpoint.size))
        keys = self.policy.keys_of(checkpoint.origin)
        if not keys:
            raise NotVerified("note-unsigned", "the policy has no log of this origin", path=self.source)
        signed = {(each.name, each.key_id) for each in open_note(note, keys).lines}
        return next(each for each in keys if (each.name, each.key_id) in signed)


def whose(app: App, given: str | None, policy: str | None = None) -> Whose:
    """Whose log it is, by what says so first: the option, the device's stream, the policy, the ledger.

    Raises ``Usage`` ``log-key-missing`` where nothing does; ``BadInput`` ``device-unbound``.
    """
    if given is not None:
        return Whose("--log-vkey", (LogKey(0, given),))
    if app.device_flag is not None:
        known = app.device().state.log_keys
        if not known:
            raise BadInput("device-unbound", "the device has not met a ledger yet", path=app.device_flag)
        return Whose(app.device_flag, known)
    if policy is not None:
        return Whose(policy, (), read_policy(policy))
    if not app.has_ledger():
        raise Usage("log-key-missing", "say whose log the receipt is from", option="--log-vkey")
    return Whose(str(app.folder / "ledger.toml"), app.node.log_keys())


def _show_checked(app: App, checked: CheckedReceipt, judged: Judged | None, *, origin: str, source: str) -> None:
    if app.json:
        emit(
            {
                "verified": True,
                "event": checked.event_id.hex(),
                "index": checked.index,
                "size": checked.tree.size,
                "root": checked.tree.root.hex(),
                "sequenced_at": checked.sequenced_at,
                "origin": origin,
                "key_from": source,
                "cosigned": None if judged is None else list(judged.cosigned),
            }
        )
        return
    line(
        text(
            f"Benar: peristiwa {checked.event_id.hex()} ada di log {origin} sebagai entri {checked.index}.",
            f"Verified: event {checked.event_id.hex()} is in the log {origin} as entry {checked.index}.",
        )
    )
    line(text(f"Masuk log {local_time(checked.sequenced_at, 'Asia/Jakarta')}; pohon {checked.tree.size} entri.",
              f"Sequenced {local_time(checked.sequenced_at, 'Asia/Jakarta')}; tree of {checked.tree.size} entries."))  # fmt: skip
    line(text(f"Kunci log dari {source}.", f"Log key from {source}."))
    _show_cosigned(judged)


def _show_cosigned(judged: Judged | None) -> None:
    if judged is None:
        line(text("Peneguh log: tidak diperiksa (--policy).", "Witnesses: not evaluated (--policy)."))
    else:
        names = printable(", ".join(judged.cosigned)) or "-"
        line(text(f"Peneguh log: kuorum terpenuhi; {names}.", f"Witnesses: the quorum is met; {names}."))
