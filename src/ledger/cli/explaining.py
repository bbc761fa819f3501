"""``explain``, ``completion``, ``help``: what a code means, and how the program is used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import get_completion_class

from ledger.cli.app import App
from ledger.cli.completing import complete_code
from ledger.cli.failing import EXIT_CODES
from ledger.cli.language import Message, language, messages, text
from ledger.cli.output import emit, line
from ledger.cli.program import COMPLETION_VARIABLE, argument, command
from ledger.cli.registry import VERBS
from ledger.errors import BadInput, Usage

if TYPE_CHECKING:
    from ledger.tally.facts.crosswords import Check

__all__ = ["completion", "explain", "help_"]

_WHO: Final = {
    "user": ("Yang mengetik perintah", "Whoever typed the command"),
    "device": ("Pemegang perangkat", "The holder of the device"),
    "official": ("Petugas rekapitulasi di wilayah itu", "The recap officer of that area"),
    "registrar": ("Kantor pendaftar kunci", "The registrar's office"),
    "administrator": ("Administrator ledger", "The ledger's administrator"),
    "auditor": ("Pemeriksa: bunyikan alarm", "The auditor: raise the alarm"),
    "nobody": ("Tidak ada; ini keterangan", "Nobody; this is for your information"),
}
_KINDS: Final = {
    "error": ("galat", "error"),
    "refused": ("ditolak, tidak dicatat", "refused, nothing appended"),
    "waiting": ("menunggu, kirim lagi bita yang sama", "waiting, send the same bytes again"),
    "void": ("tercatat, tidak berlaku (bukti terlambat)", "appended without effect (late evidence)"),
    "rule": ("aturan formulir: catatan pemeriksaan, tidak pernah menolak", "rule of the form: a remark, never a refusal"),
    "finding": ("hasil pemeriksaan log", "finding of a verification"),
}


def find_message(code: str) -> Message | None:
    """The message of a code; of a rule's family where the rule has columns or pairs (r1-dpt, r11-suara-3)."""
    known = messages()
    while code:
        if code in known:
            return known[code]
        if not re.fullmatch(r"r[0-9]+(-[a-z0-9-]+)?", code):
            return None
        code = code.rpartition("-")[0]
    return None


@command(examples=("ledger explain stale", "ledger explain r5"))
@argument("code", metavar="CODE", shell_complete=complete_code)
def explain(app: App, code: str) -> None:
    """What a code means, who must act, and what to do."""
    from difflib import get_close_matches

    from ledger.tally.facts.crosswords import CHECKS, check_of

    across = check_of(code.strip().lower())
    if across is not None:
        _explain_across(app, across)
        return
    found = find_message(code.strip().lower())
    if found is None:
        known = [*messages(), *(check.code for check in CHECKS)]
        mean = ", ".join(get_close_matches(code.lower(), known, cutoff=0.5))
        raise BadInput("code-unknown", "there is no such code", code=code, did_you_mean=mean)
    if app.json:
        emit({"code": code.lower(), "kind": found.kind, "meaning": found.what, "who": found.who, "do": found.do})
        return
    line(f"{code.lower()}  ({text(*_KINDS[found.kind])})")
    line(found.what)
    line(text("Yang bertindak: ", "Who acts: ") + text(*_WHO[found.who]))
    line(text("Langkah: ", "What to do: ") + found.do)


def _explain_across(app: App, check: Check) -> None:
    """A rule that looks across forms: what it says, and what each role is to do."""
    from ledger.tally.facts.crosswords import ROLES, advice

    steps = {role: advice(check, role, language()) for role in ROLES}
    if app.json:
        emit({"code": check.code, "kind": "across", "meaning": text(*check.rule), "severity": check.severity, "do": steps})
        return
    kind = text("aturan antarformulir: catatan, tidak pernah menolak", "rule across forms: a remark, never a refusal")
    line(f"{check.code}  ({kind})")
    line(text(*check.rule))
    line(text("Langkah:", "What to do:"))
    for role, words in ROLES.items():
        line(f"  {text(*words)}: {steps[role]}")


@command(examples=("ledger completion bash > ~/.local/share/bash-completion/completions/ledger",))
@argument("shell", metavar="bash|zsh|fish")
def completion(_app: App, shell: str) -> None:
    """Prints the script that completes commands, options and codes."""
    made = get_completion_class(shell)
    if made is None:
        raise Usage("shell-unknown", "scripts are made for bash, zsh and fish", argument=shell)
    line(made(click.Command("ledger"), {}, "ledger", COMPLETION_VARIABLE).source())


@command(examples=("ledger help recap", "ledger help exit-codes"))
@argument("topic", nargs=-1, metavar="[COMMAND|exit-codes]")
def help_(app: App, topic: tuple[str, ...]) -> None:
    """The help of a command, or the exit status."""
    if topic == ("exit-codes",):
        for number, indonesian, english in EXIT_CODES:
            if app.json:
                emit({"exit": number, "meaning": text(indonesian, english)})
            else:
                line(f"{number:>4}  {text(indonesian, english)}")
        return
    ctx: Any = click.get_current_context().find_root()
    found: click.Command = ctx.command
    for word in topic:
        below = found.get_command(ctx, word) if isinstance(found, click.Group) else None
        if below is None:
            from difflib import get_close_matches

            mean = ", ".join(get_close_matches(" ".join(topic), [*VERBS, "exit-codes"], cutoff=0.5))
            raise Usage("command-unknown", "there is no such command", command=" ".join(topic), did_you_mean=mean)
        ctx = click.Context(below, info_name=word, parent=ctx)
        found = below
    line(found.get_help(ctx))
