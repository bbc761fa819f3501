"""Acts that intake refuses, forced into the log by whoever holds its key and the key of the person who signs.

The acts are those of ``tests/audit/test_forbidden.py``, one kind each: role, area, level, registrars, certificates, references,
signatures inside events, streams, signed by the key's own holder and appended to the whole season.
"""

from __future__ import annotations

from tests.audit.forger import part, parts_of
from tests.audit.test_forbidden import FORBIDDEN, Forbidden
from tools.tampering.good import Good
from tools.tampering.kinds import Kind, Must, Spoiled, add, resigned

from ledger.audit.record import STEP_OF_CODE

__all__: list[str] = []

GROUPS = {
    5: "Signatures inside events",
    6: "Streams of devices",
    7: "Acts beyond one's powers",
    8: "Acts that name what is not there",
}


def forced(good: Good, forbidden: Forbidden) -> Spoiled:
    """The act at the end of the log, after what it needs before itself; all hashed and signed."""
    log = good.people
    begun = len(log.entries)
    submission = forbidden.act(log).submission
    index, last = len(log.entries), parts_of(good.entries)[-1].time
    later = [each._replace(time=last + each.time - parts_of(log.entries[:1])[0].time) for each in parts_of(log.entries[begun:])]
    act = part(submission, last + log.time - parts_of(log.entries[:1])[0].time)
    files = resigned(good, [*parts_of(good.entries), *later, act])
    return Spoiled(dict(files), Must(STEP_OF_CODE[forbidden.code], index, f"tile/entries/000.p/{index + 1}"))


def _kind(forbidden: Forbidden) -> Kind:
    def make(good: Good) -> Spoiled:
        return forced(good, forbidden)

    story = f"forced into the log past intake, which says `{forbidden.code}`"
    return Kind(forbidden.name, GROUPS[forbidden.step], "device keys", "season", story, make)


for _forbidden in sorted(FORBIDDEN, key=lambda forbidden: forbidden.step):
    add(_kind(_forbidden))
