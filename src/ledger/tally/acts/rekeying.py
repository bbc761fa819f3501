"""``log.rekeyed``: the log's or the sealer's key is lost or stolen, and two root keys name another one.

The origin, the ledger's id and every past entry stay.  What the thief signs with the old key from here on is no word of this log;
what was signed before the approval stays good, whoever signed it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import UNSET, structs

from ledger.errors import LedgerError, Refused
from ledger.proof.note import ED25519, parse_vkey
from ledger.tally.acts.case import Act, Case, Digits, Put, effect, no_places, void
from ledger.tally.acts.keys import predecessor_needs, succession
from ledger.tally.events import LogRekeyed
from ledger.tally.rows import LogKey
from ledger.tally.signing import Opened
from ledger.tally.state import ELECTION, KEYS, SEATS, SINGLE, Change, Need, View, seat_key

__all__ = ["LOG_REKEYED", "REKEYINGS_MAX", "SEALER_SEAT", "rekeying_fault"]

REKEYINGS_MAX: Final = 8
"""So often the log's key is replaced, and so often the sealer's."""

SEALER_SEAT: Final = seat_key("sealer", "", "sealer")
"""Never vacant: no key may revoke the sealer's."""


def rekeying_fault(data: LogRekeyed, origin: str) -> str:
    """What is wrong with the event by itself, for the log ``origin``; '' where nothing is."""
    if data.log_key is UNSET and data.sealer is UNSET:
        return "it names neither a key of the log nor one of the sealer"
    if data.log_key is UNSET:
        return ""
    try:
        key = parse_vkey(data.log_key)
    except LedgerError as problem:
        return f"the log's key: {problem}"
    return "" if key.kind == ED25519 and key.name == origin else "the log's key is Ed25519 and bears the origin's name"


def _needs(data: LogRekeyed, _digits: Digits) -> tuple[Need, ...]:
    return () if data.sealer is UNSET else ((KEYS, data.sealer.point), (SEATS, SEALER_SEAT))


def _more(view: View, event: Opened) -> Iterator[tuple[Need, ...]]:
    """The sealer's key, then those before it."""
    live = view.get(SEATS, SEALER_SEAT) if isinstance(event.data, LogRekeyed) and event.data.sealer is not UNSET else None
    if live is not None:
        yield ((KEYS, live),)
        yield from predecessor_needs(view, live)


def _rekey(view: View, data: LogRekeyed, case: Case) -> Change:
    """Two root keys, whatever the election says of second seats."""
    fault = rekeying_fault(data, case.election.opened.origin)  # 1
    if fault:
        raise Refused("rekey-invalid", fault)
    puts: list[Put] = []
    if data.log_key is not UNSET:
        if len(case.election.rekeyed) >= REKEYINGS_MAX:  # 2
            return void("rekeyings-limit")
        rekeyed = (*case.election.rekeyed, LogKey(case.at.index + 1, data.log_key))
        puts.append((ELECTION, SINGLE, structs.replace(case.election, rekeyed=rekeyed)))
    live = b""
    if data.sealer is not UNSET:
        live = view.get(SEATS, SEALER_SEAT) or b""
        key = view.get(KEYS, live)
        if key is not None and len(key.before) >= REKEYINGS_MAX:  # 2
            return void("rekeyings-limit")
    if any(key.vkey == data.log_key for key in case.election.log_keys):  # 3
        return void("log-key-used")
    if data.sealer is not UNSET:
        if view.get(KEYS, data.sealer.point) is not None:  # 4
            return void("point-enrolled")
        puts += succession(view, live, data.sealer.point, case.at.index)
    return effect(*puts, second="always")  # 5


LOG_REKEYED: Final = Act(frozenset({"root"}), _needs, _more, _rekey, no_places)
