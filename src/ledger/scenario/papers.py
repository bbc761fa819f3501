"""A sound paper: the figures of a form that keep all its rules, from who came and how they voted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger.tally.forms import FormDefinition

__all__ = ["Sexes", "Turnout", "sound_paper"]

Sexes = tuple[int, int]
"""Men and women."""


class Turnout(NamedTuple):
    """Who is registered at a station, and who came: of those listed, moved in from elsewhere, added on the day; and the disabled
    among them."""

    registered: Sexes
    listed: Sexes
    moved: Sexes
    added: Sexes
    disabled: Sexes = (0, 0)

    @property
    def users(self) -> Sexes:
        """All who voted."""
        return self.listed[0] + self.moved[0] + self.added[0], self.listed[1] + self.moved[1] + self.added[1]


def sound_paper(form: FormDefinition, turnout: Turnout, votes: Sequence[int], *, returned: int = 0) -> dict[str, int]:
    """The figures by code, in the form's order.  A station receives a paper for each registered voter and 2.5 per cent more,
    rounded up; what is neither used nor returned is left over; a user's vote for nobody is invalid."""
    lines = {
        "dpt": turnout.registered,
        "pengguna-dpt": turnout.listed,
        "pengguna-pindahan": turnout.moved,
        "pengguna-tambahan": turnout.added,
        "pengguna-total": turnout.users,
        "disabilitas": turnout.disabled,
    }
    by_code: dict[str, int] = {}
    for line, (men, women) in lines.items():
        by_code |= {f"{line}-l": men, f"{line}-p": women, f"{line}-j": men + women}
    registered, users = sum(turnout.registered), sum(turnout.users)
    received = max(registered + -(-registered * 25 // 1000), users + returned)
    by_code |= {
        "surat-suara-diterima": received,
        "surat-suara-digunakan": users,
        "surat-suara-dikembalikan": returned,
        "surat-suara-tidak-digunakan": received - users - returned,
        "suara-sah": sum(votes),
        "suara-tidak-sah": users - sum(votes),
        "suara-total": users,
    }
    by_code |= {f"suara-{number}": pair_votes for number, pair_votes in enumerate(votes, 1)}
    return {figure.code: by_code[figure.code] for figure in form.figures}
