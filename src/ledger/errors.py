"""Every error of the ledger: one tree, a branch for each who must act.

    LedgerError
    +-- Refused        the sender repairs: the log appended nothing and will not append these bytes
    +-- Waiting        the sender waits and sends the same bytes again; no receipt yet
    +-- NotVerified    an auditor raises the alarm: what was published is not what it claims to be
    +-- BadInput       whoever gave us this file, address or folder looks at it
    +-- Usage          whoever typed the command looks at its help
    +-- Moved          another writer moved the log first; the caller reads the head again
    +-- Broken         the administrator acts: the ledger's own store is damaged, foreign, locked or full

Every error carries a stable ``code`` (kebab-case, listed in docs/RULES.md) and ``where``: names and numbers that say which
thing is meant.  The words for people are not here but in the message catalogue of ``ledger.cli``, by code, in two languages;
``str(error)`` is the English of a log line.  A ``ValueError`` that leaves a room is a bug.
"""

from __future__ import annotations

__all__ = ["BadInput", "Broken", "LedgerError", "Moved", "NotVerified", "Refused", "Usage", "Waiting"]


class LedgerError(Exception):
    """The root of the tree; only its branches are raised.

    ``code`` is stable and documented; ``detail`` is one English clause without a final stop; ``where`` holds what identifies the
    place (index, file, station, ...), never a secret.
    """

    def __init__(self, code: str, detail: str = "", /, **where: object) -> None:
        self.code = code
        self.detail = detail
        self.where = where
        super().__init__(code, detail)

    def __str__(self) -> str:
        place = ", ".join(f"{name} {value}" for name, value in self.where.items())
        return "".join([self.code, f": {self.detail}" if self.detail else "", f" ({place})" if place else ""])


class Refused(LedgerError):
    """The sender repairs: nothing was appended and these bytes never will be."""


class Waiting(LedgerError):
    """The sender sends the very same bytes again later: right whatever became of them meanwhile (a log takes them once)."""


class NotVerified(LedgerError):
    """An auditor raises the alarm: a check failed."""


class BadInput(LedgerError):
    """A file, a folder or an address cannot be read as what it should be."""


class Usage(LedgerError):
    """The command cannot be carried out as it was typed."""


class Moved(LedgerError):
    """Another writer moved the log between reading its head and writing."""


class Broken(LedgerError):
    """The ledger's own store is damaged, foreign, locked or full; intake stops."""
