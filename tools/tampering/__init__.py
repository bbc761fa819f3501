"""Spoiled publications, made from good ones: what ``tools/tamper.py`` stands on.

    good.py         good publications: the few that attacks begin from, and the many that nobody may find fault with
    kinds.py        what a kind of attack is; the list of them; how a holder of the log's key signs a false log
    verdicts.py     both verifiers, and what each of them says in the same words
    flips.py        the regions of every file, and one bit changed in them
    table.py        docs/DETECTION.md
    goldens.py      spoiled publications kept as bytes

The attacks: checkpoints.py, witnessed.py, files.py, entries.py, bodies.py, acts.py, totals.py, earlier.py, proofs.py.

The good ledgers, the keys of their people and the forger that signs with them are those of the tests (``tests/governed.py``,
``tests/audit/forger.py``); this folder imports them, and they import nothing from here.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ATTACKS"]

ATTACKS: Final = ("checkpoints", "witnessed", "earlier", "rekeyings", "files", "entries", "bodies", "acts", "totals", "proofs")
"""The modules that add kinds, in the order of the table."""
