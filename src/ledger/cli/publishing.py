"""``publish`` and ``cosign``: the log as a folder of files, and the cosignatures on its checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from ledger.cli.app import App, clock
from ledger.cli.failing import error_object
from ledger.cli.language import grouped, local_time, printable, text
from ledger.cli.output import emit, heading, line
from ledger.cli.program import argument, command, option
from ledger.errors import Usage, Waiting
from ledger.files import Files
from ledger.log.publish import Published
from ledger.proof.merkle import Tiles
from ledger.proof.policy import POLICY_LIMIT_BYTES, Policy, judge, parse_policy
from ledger.recap.views import election_of
from ledger.witness.collecting import Collected, Outcome, collect, cosign_folder

__all__ = ["clock_seconds", "cosign", "publish", "read_policy"]

UNWITNESSED: Final = 1
SECONDS_MOST: Final = 600

_seconds_option: Final = option(
    "--seconds",
    type=click.IntRange(1, SECONDS_MOST),
    default=10,
    metavar="N",
    ind="Waktu untuk semua peneguh bersama",
    eng="Time for all witnesses together",
)
_evidence_option: Final = option(
    "--evidence", metavar="FILE", ind="Tulis bukti percabangan ke sini", eng="Write evidence of a fork here"
)


def clock_seconds() -> int:
    """POSIX seconds by this machine's clock."""
    return clock() // 1_000


def read_policy(path: str) -> Policy:
    """A policy's file; ``BadInput`` ``cannot-read``, ``bad-policy``."""
    return parse_policy(Files().read(Path(path), POLICY_LIMIT_BYTES))


@command(
    examples=(
        "ledger publish",
        "ledger publish /srv/www/tally",
        "ledger publish --policy kebijakan.txt",
        "ledger publish --policy kebijakan.txt --only-witnessed",
    )
)
@argument("folder", required=False, metavar="[DIR]")
@option("--policy", metavar="FILE", ind="Minta tanda tangan peneguh log dahulu", eng="Ask these log witnesses to cosign first")
@option(
    "--only-witnessed",
    is_flag=True,
    ind="Jangan terbitkan sebelum kuorum terpenuhi",
    eng="Publish nothing unless the quorum is met",
)
@_seconds_option
@_evidence_option
def publish(app: App, folder: str | None, policy: str | None, only_witnessed: bool, seconds: int, evidence: str | None) -> int:
    """Brings a folder of static files up to the log's head; public/ in the ledger folder unless told.  Exit status 1 where a policy
    was given and its quorum is not met: the checkpoint is then published unwitnessed."""
    if only_witnessed and policy is None:
        raise Usage("argument-missing", "say which witnesses", option="--policy")
    node = app.node
    place = Path(folder) if folder is not None else node.folder / "public"
    if policy is None:
        _show_published(app, place, node.publish(place), None, None)
        return 0
    asking = _Asking(read_policy(policy), seconds, only_witnessed=only_witnessed)
    try:
        done = node.publish(place, asking.cosign)
    finally:
        kept = None if asking.collected is None else _keep_fork(asking.collected, evidence)
    met = judge(asking.policy, done.note).met  # also by cosignatures of an earlier call, which the folder kept
    _show_published(app, place, done, asking.collected, kept, met=met)
    return 0 if met else UNWITNESSED


class _Asking:
    """What ``publish`` asks of a policy's witnesses, and what came of it."""

    def __init__(self, policy: Policy, seconds: int, *, only_witnessed: bool) -> None:
        self.policy = policy
        self._seconds = seconds
        self._only_witnessed = only_witnessed
        self.collected: Collected | None = None

    def cosign(self, note: bytes, tiles: Tiles) -> bytes:
        """The note with its cosignatures where the quorum is met, else as it is; ``Waiting`` ``witnesses-short`` if that is not to
        be published."""
        done = self.collected = collect(note, policy=self.policy, tiles=tiles, seconds=self._seconds, clock=clock_seconds)
        if not done.met and self._only_witnessed:
            told = ", ".join(f"{each.witness} {each.error.code if each.error else 'cosigned'}" for each in done.outcomes)
            raise Waiting("witnesses-short", f"the quorum is not met: {told or 'no witness has an address'}")
        return done.note


def _show_published(
    app: App, place: Path, done: Published, collected: Collected | None, fork: str | None, *, met: bool = False
) -> None:
    node = app.node
    ledger = (node.ledger_id() or b"").hex()
    if app.json:
        said: dict[str, object] = {"folder": str(place), "size": done.size, "root": done.root.hex()}
        said |= {"files": done.files, "bytes": done.bytes, "ledger_id": ledger, "log_key": node.key.vkey}
        if collected is not None:
            said |= {"witnessed": met, "witnesses": _plain_outcomes(collected), "evidence": fork}
        emit(said)
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
    line(text(f"kunci log {node.key.vkey}", f"log key {node.key.vkey}"))
    if collected is not None:
        _show_witnesses(collected)
        if met:
            line(text("Diteguhkan: kuorum kebijakan terpenuhi.", "Witnessed: the policy's quorum is met."))
        else:
            line(
                text(
                    "BELUM DITEGUHKAN: terbit tanpa kuorum; ulangi kemudian: ledger cosign",
                    "UNWITNESSED: published without the quorum; later again: ledger cosign",
                )
            )
        _show_fork(app, fork)
    app.say(f"Lanjut: ledger verify {place} --ledger-id {ledger}", f"Next: ledger verify {place} --ledger-id {ledger}")


@command(examples=("ledger cosign public --policy kebijakan.txt", "ledger cosign /srv/www/tally --policy kebijakan.txt --json"))
@argument("folder", metavar="FOLDER")
@option("--policy", required=True, metavar="FILE", ind="Log, peneguh, kuorum (C2SP tlog-policy)", eng="The C2SP tlog-policy")
@_seconds_option
@_evidence_option
def cosign(app: App, folder: str, policy: str, seconds: int, evidence: str | None) -> int:
    """Asks the policy's witnesses to cosign a published checkpoint; exit status 1 where the quorum is not met."""
    done = cosign_folder(Path(folder), policy=read_policy(policy), files=Files(), seconds=seconds, clock=clock_seconds)
    _show_collected(app, folder, done, _keep_fork(done, evidence))
    return 0 if done.met else UNWITNESSED


def _keep_fork(done: Collected, evidence: str | None) -> str | None:
    """Where the evidence of a fork was written to, if a witness gave any."""
    fork = next((outcome.fork for outcome in done.outcomes if outcome.fork is not None), None)
    if fork is None:
        return None
    place = evidence or f"fork-{done.judged.checkpoint.size}.evidence"
    Files().write(Path(place), fork)
    return place


def _plain_outcomes(done: Collected) -> list[dict[str, object]]:
    return [
        {
            "witness": printable(outcome.witness),
            "cosigned_at": outcome.time,
            "error": None if outcome.error is None else error_object(outcome.error),
        }
        for outcome in done.outcomes
    ]


def _show_witnesses(done: Collected) -> None:
    for outcome in done.outcomes:
        line(f"  {printable(outcome.witness)}: {_outcome_words(outcome)}")


def _show_fork(app: App, fork: str | None) -> None:
    if fork is not None:
        line(text(f"Log ini BERCABANG; buktinya di {fork}.", f"This log FORKED; the evidence is in {fork}."))
        app.say(f"Lanjut: ledger witness evidence {fork}", f"Next: ledger witness evidence {fork}")


def _show_collected(app: App, folder: str, done: Collected, fork: str | None) -> None:
    checkpoint = done.judged.checkpoint
    if app.json:
        said = {"folder": folder, "size": checkpoint.size, "root": checkpoint.root.hex(), "origin": checkpoint.origin}
        emit({**said, "witnessed": done.met, "witnesses": _plain_outcomes(done), "evidence": fork})
        return
    _show_witnesses(done)
    size = grouped(checkpoint.size)
    if done.met:
        line(
            text(f"Diteguhkan: checkpoint {size} entri memenuhi kuorum.", f"Witnessed: the checkpoint of {size} meets the quorum.")
        )
    else:
        line(
            text(
                f"BELUM DITEGUHKAN: checkpoint {size} entri tidak memenuhi kuorum; folder tidak diubah.",
                f"UNWITNESSED: the checkpoint of {size} does not meet the quorum; the folder was not changed.",
            )
        )
    _show_fork(app, fork)


def _outcome_words(outcome: Outcome) -> str:
    if outcome.error is None:
        moment = local_time((outcome.time or 0) * 1_000, "Asia/Jakarta")
        return text(f"meneguhkan, {moment}", f"cosigned, {moment}")
    said = error_object(outcome.error)
    return f"{said['message']} [{said['code']}]; {said['detail']}"
