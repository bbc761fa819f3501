"""What an office would read and certify, from the state as it is: the drafts that a person then looks at and signs.

The fold decides by itself whether a reading or a certificate holds (``acts.plenaries``); these are the same questions asked
beforehand, for the command line, the demo and the generator.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger.errors import BadInput
from ledger.tally.acts.plenaries import certifying_lengths, unfinished
from ledger.tally.events import ReadRow, RecapCertified
from ledger.tally.recaps import RECAPS
from ledger.tally.rollup import Sums
from ledger.tally.rows import Contest, Election
from ledger.tally.state import CERTIFICATES, CONTESTS, ELECTION, SINGLE, SLOTS, Reader, area_key, slot_parts

__all__ = ["CertificateDraft", "certificate_draft", "readable"]


class CertificateDraft(NamedTuple):
    """What a certificate would have to say now.

    ``missing``: stations (at the first level that certifies) or areas of the level below that are to be named with a reason.
    ``unread``: what is still to be read (at the levels above the first also: to be certified below) before it can be certified.
    """

    contest: str
    area: str
    size: int
    sums: Sums
    commitment: bytes
    missing: tuple[str, ...]
    unread: tuple[str, ...]

    def certificate(self, document: str, held_at: int, **said: Any) -> RecapCertified:
        """The certificate under this document's number, for the plenary held at ``held_at`` (ms since 1970).  ``said``: other
        fields of the event; without them the paper says what the replay gives, nothing is missing and there is no photo."""
        usual: dict[str, Any] = {"paper": self.sums.figures, "differences": (), "missing": (), "photos": ()}
        return RecapCertified(
            contest=self.contest,
            area=self.area,
            size=self.size,
            commitment=self.commitment,
            sums=self.sums.figures,
            document=document,
            held_at=held_at,
            **(usual | said),
        )


def _certifying(state: Reader, contest: str, area: str) -> tuple[Election, Contest, int]:
    """The election, the contest, and the code length of the certifying level directly below ``area``; 0 where forms are read."""
    election, listed = state.get(ELECTION, SINGLE), state.get(CONTESTS, contest.encode())
    if election is None or listed is None:
        raise BadInput("contest-unknown", "no such contest is listed", contest=contest)
    lengths = certifying_lengths(election, listed)
    if len(area) not in lengths or not area.startswith(listed.area):
        raise BadInput("level-not-certifying", "this level does not certify the contest", area=area, contest=contest)
    return election, listed, next((length for length in lengths if length > len(area)), 0)


def readable(state: Reader, contest: str, area: str, *, within: str | None = None) -> tuple[ReadRow, ...]:
    """What the plenary of ``area`` has still to read, in code order: forms that stand and agree, or certificates of the level below
    that hold.  ``within``: a part of the area (a village), so that several officers read side by side."""
    _, _, below = _certifying(state, contest, area)
    prefix = area_key(contest, area if within is None else within)
    if below:
        found = ((key.decode().partition("/")[2], row) for key, row in state.under(CERTIFICATES, prefix))
        return tuple(ReadRow(code, 0, row.event) for code, row in found if len(code) == below and row.in_force and not row.read)
    rows: list[ReadRow] = []
    for key, slot in state.under(SLOTS, prefix):
        if slot.state in ("single", "confirmed", "corrected") and not slot.read:
            _, station, round_ = slot_parts(key)
            rows.append(ReadRow(station, round_, slot.standing[0].event))
    return tuple(rows)


def certificate_draft(state: Reader, contest: str, area: str, *, size: int) -> CertificateDraft:
    """What a certificate of ``area`` would have to say; ``size``: the tree size that ``state`` shows.

    Raises ``BadInput`` ``contest-unknown``, ``level-not-certifying``, ``nothing-to-certify``.
    """
    election, listed, _ = _certifying(state, contest, area)
    recapped = state.get(RECAPS, area_key(contest, area))
    if recapped is None or not recapped.commitment:
        raise BadInput("nothing-to-certify", "no station of the contest is there", area=area, contest=contest)
    found = unfinished(state, election, listed, area_key(contest, area))
    return CertificateDraft(contest, area, size, recapped.sums, recapped.commitment, found.missing, found.unread)
