"""The command line: one contract for all verbs (design.md section 11).

stdout carries data, stderr carries words; ``--json`` gives one object for a verdict and one line an item for lists; the exit status
says who must act.  Nothing heavy is imported before the verb that needs it runs.
"""

from ledger.cli.program import main

__all__ = ["main"]
