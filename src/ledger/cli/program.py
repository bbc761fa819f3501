"""The program: finds the verb, gives it what it asks for, and turns whatever happens into an exit status.

    0  good                       3  refused by the ledger, or appended without effect
    1  not verified, or different 4  input, output or network (a broken store too)
    2  usage                      130  interrupted

Options that every verb has may stand before or after it.  A failure is three lines on stderr (what, where, what to do next) and
with ``--json`` a whole JSON object on stdout as well.  A traceback only with ``--debug``.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, Final

import click
from click.shell_completion import shell_complete

from ledger.cli.app import App
from ledger.cli.failing import closed_pipe, report, status_of
from ledger.cli.language import choose_language, set_language, text
from ledger.cli.registry import GROUPS, VERBS, Verb
from ledger.errors import Usage

__all__ = ["Program", "VerbCommand", "argument", "command", "main", "option"]

COMPLETION_VARIABLE: Final = "_LEDGER_COMPLETE"


# --- commands and options in two languages ----------------------------------------------------------------------------------


class _Option(click.Option):
    """An option whose help is written in both languages."""

    def __init__(self, *args: Any, ind: str = "", eng: str = "", common: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._help_texts = (ind, eng)
        self.common = common

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        self.help = text(*self._help_texts)
        record = super().get_help_record(ctx)
        return None if record is None else (record[0], record[1].replace("[required]", text("[wajib]", "[required]")))


def option(*names: str, ind: str, eng: str, **kwargs: Any) -> Callable[[Any], Any]:
    """``click.option`` with its help in Indonesian and English."""
    return click.option(*names, cls=_Option, ind=ind, eng=eng, **kwargs)


argument = click.argument


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Common options are kept in the app; given after the verb, they win."""
    if value is not None and param.name is not None:
        setattr(ctx.find_root().obj, param.name, value)


def _common_options() -> list[click.Parameter]:
    def flag(name: str, ind: str, eng: str) -> _Option:
        return _Option(
            [f"--{name}"], is_flag=True, default=None, expose_value=False, callback=_remember, ind=ind, eng=eng, common=True
        )

    def value(name: str, variable: str, metavar: str, ind: str, eng: str) -> _Option:
        return _Option(
            [f"--{name}", variable], metavar=metavar, expose_value=False, callback=_remember, ind=ind, eng=eng, common=True
        )

    return [
        value("ledger", "ledger_flag", "DIR", "Folder ledger (atau LEDGER_DIR)", "The ledger's folder (or LEDGER_DIR)"),
        value("device", "device_flag", "DIR", "Folder perangkat (atau LEDGER_DEVICE)", "The device's folder (or LEDGER_DEVICE)"),
        value("anchor", "anchor_flag", "FILE", "Jangkar log (atau LEDGER_ANCHOR)", "The log's anchor (or LEDGER_ANCHOR)"),
        value("lang", "lang_flag", "id|en", "Bahasa (atau LEDGER_LANG)", "Language (or LEDGER_LANG)"),
        flag("json", "JSON di stdout", "JSON on stdout"),
        flag("no-color", "Tanpa warna", "No colour"),
        flag("debug", "Tampilkan traceback bila gagal", "Show a traceback on failure"),
    ]


class _Helping(click.Command):
    """Help that leads with examples, in the language of the run."""

    examples: Sequence[str] = ()
    verb: Verb | None = None

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        pieces = super().collect_usage_pieces(ctx)
        return [text("[PILIHAN]", "[OPTIONS]") if piece == "[OPTIONS]" else piece for piece in pieces]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        prefix = text("Cara pakai: ", "Usage: ")
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), prefix)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        if self.verb is not None:
            with formatter.indentation():
                formatter.write_paragraph()
                formatter.write_text(text(self.verb.id, self.verb.en) + ".")
        if self.examples:
            with formatter.section(text("Contoh", "Example")):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")

    def format_arguments(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Arguments show in the usage line and in the examples."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None or isinstance(param, click.Argument):
                continue
            if not isinstance(param, _Option):  # click's own --help
                record = (record[0], text("Tampilkan bantuan ini", "Show this help"))
            (common if getattr(param, "common", False) or not isinstance(param, _Option) else own).append(record)
        if own:
            with formatter.section(text("Pilihan", "Options")):
                formatter.write_dl(own)
        with formatter.section(text("Pilihan di semua perintah", "Options of every command")):
            formatter.write_dl(common)


class VerbCommand(_Helping):
    """One verb."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.params += _common_options()


def command(*, examples: Sequence[str]) -> Callable[[Any], VerbCommand]:
    """Makes a function a verb; it is given the app, then what its options say.  What it returns is its exit status (None: 0)."""

    def made(function: Any) -> VerbCommand:
        return click.command(cls=VerbCommand, examples=tuple(examples))(click.pass_obj(function))

    return made


# --- finding the verb -------------------------------------------------------------------------------------------------------


class VerbGroup(_Helping, click.Group):
    """Verbs that begin with ``prefix``; their modules are imported when they are asked for."""

    def __init__(self, name: str, *, prefix: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.prefix = prefix
        self.params += _common_options()

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        names = (name.removeprefix(self.prefix) for name in VERBS if name.startswith(self.prefix))
        return list(dict.fromkeys(name.split(" ")[0] for name in names))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        verb = VERBS.get(self.prefix + name)
        if verb is not None:
            return _load(verb)
        below = f"{self.prefix}{name} "
        if any(other.startswith(below) for other in VERBS):
            return VerbGroup(name, prefix=below, no_args_is_help=False)
        return None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        found = self.get_command(ctx, args[0])
        if found is None and not ctx.resilient_parsing:
            if args[0].startswith("-"):
                self.parse_args(ctx, args)
            raise Usage(
                "command-unknown",
                "there is no such command",
                command=self.prefix + args[0],
                did_you_mean=_close(self.prefix + args[0], self.prefix),
            )
        return (args[0] if found else None), found, args[1:]

    def invoke(self, ctx: click.Context) -> Any:
        if not ctx._protected_args and not ctx.args:
            raise Usage("command-missing", "a second word is missing", command=self.prefix.strip() or "ledger")
        return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Verbs by who uses them, from the registry alone."""
        for group, heading in GROUPS.items():
            rows = [(verb.name, text(verb.id, verb.en)) for verb in VERBS.values() if verb.group == group]
            rows = [row for row in rows if row[0].startswith(self.prefix)]
            if rows:
                with formatter.section(text(*heading)):
                    formatter.write_dl(rows, col_max=16)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


def _load(verb: Verb) -> VerbCommand:
    module, _, function = verb.place.partition(":")
    found: VerbCommand = getattr(importlib.import_module(f"ledger.cli.{module}"), function)
    found.verb = verb
    found.name = verb.name.split(" ")[-1]
    return found


def _close(typed: str, prefix: str) -> str:
    known = [name for name in VERBS if name.startswith(prefix)]
    near = get_close_matches(typed, [*known, *(name.split(" ")[0] for name in known)], cutoff=0.5)
    return ", ".join(dict.fromkeys(near))


# --- the whole --------------------------------------------------------------------------------------------------------------


class Program(VerbGroup):
    """``ledger``."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.indentation():
            formatter.write_paragraph()
            formatter.write_text(
                text(
                    "Buku besar perolehan suara: setiap angka bertanda tangan, setiap pembetulan berjejak.",
                    "An election tally ledger: every number is signed, every correction leaves its trace.",
                )
            )

    def main(  # type: ignore[override]  # ends the process in every mode
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002
        **_: Any,
    ) -> Any:
        """Runs, and ends the process with the exit status."""
        words = list(sys.argv[1:] if args is None else args)
        instruction = os.environ.get(COMPLETION_VARIABLE)
        if instruction:
            sys.exit(shell_complete(self, {"obj": App()}, "ledger", COMPLETION_VARIABLE, instruction))
        sys.exit(self.run(words))

    def run(self, words: list[str]) -> int:
        """Runs and returns the exit status."""
        app = App()
        app.foresee(words)
        try:
            set_language(choose_language(app.lang_flag, os.environ))
            try:
                with app, self.make_context("ledger", words, obj=app) as ctx:
                    status = self.invoke(ctx)
                sys.stdout.flush()
                return int(status or 0)
            except click.exceptions.Exit as done:
                sys.stdout.flush()
                return done.exit_code
        except BrokenPipeError:
            return closed_pipe()
        except BaseException as problem:
            if isinstance(problem, SystemExit):
                raise
            if app.debug and not isinstance(problem, KeyboardInterrupt):
                raise
            try:
                report(problem, as_json=bool(app.json))
            except BrokenPipeError:
                closed_pipe()
            return status_of(problem)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(_six_lines())
            ctx.exit(0)
        return super().parse_args(ctx, args)


def _six_lines() -> str:
    return text(
        """\
Buku besar perolehan suara. Mulai dari sini:
  ledger demo                     satu pemilihan lengkap dalam satu folder
  ledger init DIR --example       pemilihan kecil untuk dicoba sendiri
  ledger recap                    rekap; ledger history TPS: asal-usul angka
  ledger verify FOLDER            periksa semuanya tanpa percaya pada server
  ledger --help                   semua perintah, menurut pemakainya""",
        """\
An election tally ledger. Begin here:
  ledger demo                     a whole election in a folder
  ledger init DIR --example       a small election to play with
  ledger recap                    totals; ledger history STATION: how numbers came to be
  ledger verify FOLDER            check everything without trusting the server
  ledger --help                   all commands, by who uses them""",
    )


main = Program("ledger", prefix="")
