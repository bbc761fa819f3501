"""What a verification has found so far: failures with their steps, how far it came, and what becomes of each step in the end.

The rule of the fold's end is kept here: what was said of a state (steps 6 to 9) counts only as far as every entry before it was
good, and that may be known later than it was said.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from ledger.audit.report import FAILURES_SHOWN, STEPS, Failure, Outcome, Step
from ledger.audit.sources import printable
from ledger.errors import LedgerError

__all__ = [
    "AUTHORITY",
    "CHAIN",
    "CHECKPOINT",
    "ENTRIES",
    "REFERENCES",
    "SIGNATURES",
    "STEP_OF_CODE",
    "STREAMS",
    "TOTALS",
    "TREE",
    "Record",
    "clause",
]

CHECKPOINT, ENTRIES, CHAIN, TREE, SIGNATURES, STREAMS, AUTHORITY, REFERENCES, TOTALS = range(1, len(STEPS) + 1)

_CODES: Final = {
    STREAMS: "stream-gap stream-position stream-previous",
    AUTHORITY: """already-opened amendment-invalid area-unknown basis-missing beyond-scope key-expired key-retired key-revoked
        key-unknown level-not-certifying level-not-entitled not-opened opening-invalid operator-seat other-ledger point-enrolled
        proof-missing registrar-other-role rekey-invalid role-not-entitled seat-other seat-taken""",
    REFERENCES: """agents-count area-code area-exists batch-empty candidate-name candidate-unknown candidates-mismatch
        contest-exists contest-twice contest-unknown corrections-wrong day-invalid differences-wrong events-wrong figures-count
        form-exists form-invalid form-other form-unknown level-unknown rotations-limit round-limit round-unknown rows-order
        seal-differs seal-size station-unknown supersedes-order zone-unknown""",
    SIGNATURES: "point-invalid signature-invalid",
}
STEP_OF_CODE: Final = {code: step for step, codes in _CODES.items() for code in codes.split()}
"""The step that a code of the fold belongs to; the bytes of an entry that cannot be opened belong to step 2.

What an act says of itself that does not fit (a certificate with figures too few, a seal of another size than its index, a seal of
another root than the replay's) is a matter of references.  A certificate that differs from the replay stands in the log as void
(``certificate-differs``), so it fails no step; to show it as one that holds does, at step 9.
"""


class Record:
    """Failures and counts; ``broken`` is the first entry that is not in order, None while there is none."""

    def __init__(self) -> None:
        self._failures: list[Failure] = []
        self._of_states: list[tuple[int, Failure]] = []
        self.broken: int | None = None
        self.checked: Counter[int] = Counter()
        self.details: dict[int, str] = {}
        self.evaluated: set[int] = set()
        """Steps that were carried out to their end."""

    @property
    def full(self) -> bool:
        """Whether there are as many failures as a report shows."""
        return len(self._failures) + len(self._of_states) >= FAILURES_SHOWN

    def fail(self, step: int, code: str, index: int | None, place: str, detail: str) -> None:
        """A failure that is one whatever comes before it."""
        self._failures.append(Failure(step=step, code=code, index=index, place=place, detail=detail))

    def fail_state(self, after: int, step: int, code: str, index: int | None, place: str, detail: str) -> None:
        """A failure of something that follows from the first ``after`` entries; counts only if all of those are good."""
        failure = Failure(step=step, code=code, index=index, place=place, detail=detail)
        self._of_states.append((after, failure))

    def break_at(self, index: int) -> None:
        """Entry ``index`` is not in order; nothing after it is folded."""
        if self.broken is None or index < self.broken:
            self.broken = index

    def failures(self, size: int) -> tuple[Failure, ...]:
        """All that count, step 1 first, the others in the order of their place in the log, at most FAILURES_SHOWN."""
        broken = size if self.broken is None else self.broken
        found = self._failures + [failure for after, failure in self._of_states if after <= broken]
        found.sort(key=lambda failure: (failure.step > 1, size if failure.index is None else failure.index, failure.step))
        return tuple(found[:FAILURES_SHOWN])

    def steps(self, failures: tuple[Failure, ...]) -> tuple[Step, ...]:
        """All nine steps, given the failures that count."""
        failed = {failure.step for failure in failures}
        return tuple(
            Step(
                number=number,
                name=name,
                outcome=self._outcome(number, failed),
                checked=self.checked[number],
                detail=self._detail(number),
            )
            for number, name in enumerate(STEPS, 1)
        )

    def _outcome(self, number: int, failed: set[int]) -> Outcome:
        if number in failed:
            return "failed"
        ended = number in self.evaluated and (number <= SIGNATURES or self.broken is None)
        return "passed" if ended else "not-evaluated"

    def _detail(self, number: int) -> str:
        if number > SIGNATURES and self.broken is not None:
            return f"up to entry {self.broken}, where the entries cease to be in order"
        return self.details.get(number, "")


def clause(problem: LedgerError) -> str:
    """An error's detail with the names and numbers that say which thing is meant, but for its path, which is the place."""
    where = ", ".join(f"{name} {printable(str(value))}" for name, value in problem.where.items() if name != "path")
    return f"{problem.detail} ({where})" if where else problem.detail
