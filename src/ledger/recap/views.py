"""What the read side shows, as plain structures that become a table or JSON; the doors take them from here.

All functions read a ``Reader``: the stored projection, or a replay of a prefix in memory.  Numbers come with what they hold and
miss: a total never stands without its counts.  One module a subject: ``totals``, ``certificates``, ``matters``, ``histories``,
``chronicles``, ``findings``, ``keyring``, ``progress``, ``worklists``, ``diffs``, ``reasons``, ``comparing``.
"""

from __future__ import annotations

from ledger.recap.entries import EntryView, entry_view
from ledger.recap.findings import FindingRow, findings
from ledger.recap.histories import History, Version, history
from ledger.recap.places import EntryReader, area_name, contests_of, election_of
from ledger.recap.totals import AreaRecap, CandidateVotes, ChildRecap, FigureTotal, recap

__all__ = [
    "AreaRecap",
    "CandidateVotes",
    "ChildRecap",
    "EntryReader",
    "EntryView",
    "FigureTotal",
    "FindingRow",
    "History",
    "Version",
    "area_name",
    "contests_of",
    "election_of",
    "entry_view",
    "findings",
    "history",
    "recap",
]
