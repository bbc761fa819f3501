"""What a shell may complete beyond words and options: codes of areas and stations, contests, error codes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

import click
from click.shell_completion import CompletionItem

from ledger.cli.app import App
from ledger.cli.language import messages, text
from ledger.errors import LedgerError

__all__ = ["complete_area", "complete_code", "complete_contest"]

ITEMS_MAX: Final = 200


def complete_area(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Codes that begin so, each with its name; a name's beginning finds its code."""
    from ledger.tally.state import AREAS

    def found() -> Iterator[CompletionItem]:
        with _app(ctx).node.snapshot() as snapshot:
            for key, row in snapshot.state.under(AREAS, typed.encode() if typed.isdecimal() else b""):
                if typed.isdecimal() or row.name.lower().startswith(typed.lower()):
                    yield CompletionItem(key.decode(), help=row.name)

    return _quietly(found())


def complete_contest(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Codes of contests."""
    from ledger.tally.state import CONTESTS

    def found() -> Iterator[CompletionItem]:
        with _app(ctx).node.snapshot() as snapshot:
            for key, row in snapshot.state.under(CONTESTS, typed.encode()):
                yield CompletionItem(key.decode(), help=row.name_id)

    return _quietly(found())


def complete_code(_ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """Codes of errors and rules."""
    from ledger.tally.facts.crosswords import CHECKS

    known = [(code, message.what) for code, message in messages().items()] + [(each.code, text(*each.rule)) for each in CHECKS]
    return [CompletionItem(code, help=what) for code, what in known if code.startswith(typed)]


def _app(ctx: click.Context) -> App:
    app: App = ctx.find_root().obj
    return app


def _quietly(found: Iterator[CompletionItem]) -> list[CompletionItem]:
    """Whoever presses the tabulator wants no error."""
    try:
        return list(islice(found, ITEMS_MAX))
    except (LedgerError, OSError):
        return []
