"""One example of every event type with every field that it can have, and strategies for all types, made from the types."""

from __future__ import annotations

import types
import typing
from functools import lru_cache

import msgspec
from hypothesis import strategies as st
from msgspec import Meta, Struct, UnsetType

from ledger.tally.events import (
    DATA_TYPES,
    EventData,
    FormsDefined,
    JurisdictionsListed,
    KeyRevoked,
    KeysEnrolled,
    Photo,
    StationRow,
    TallyHeld,
    TallyReleased,
)

from ..world import AREAS, FORM, GOOD, STATIONS, World, contest_row, corrected, submitted

ID = bytes(range(32))
PHOTO = Photo(1, ID, 123_456)
WORLD = World()

EXAMPLES: dict[str, EventData] = {
    "contests.listed": DATA_TYPES["contests.listed"](contests=(contest_row("mayor", "1771"),)),  # type: ignore[call-arg]
    "election.opened": WORLD.opening,
    "forms.defined": FormsDefined(forms=(FORM,)),
    "jurisdictions.listed": JurisdictionsListed(
        areas=AREAS[:2], stations=(StationRow(STATIONS[0], "TPS 1", "Asia/Jakarta", 0, None, ("mayor",)),)
    ),
    "key.revoked": KeyRevoked(
        key=WORLD.key("officer").point, reason="lost", suspect_since=7, last_good=2**53 - 1, note=ID
    ),
    "keys.enrolled": KeysEnrolled(
        keys=(WORLD.operator_row(STATIONS[0], "1"), WORLD.key_row("officer", "officer", "1771", "city-1", valid_until=1))
    ),
    "tally.corrected": corrected(
        STATIONS[0], [ID, ID[::-1]], (0, 999_999, None, "x", "-", 1), photos=(PHOTO,), crew=7, agents=("signed", "absent"),
        basis="12/BA/2024", note=ID,
    ),
    "tally.held": TallyHeld(contest="mayor", station=STATIONS[0], round=0, reason="r", basis="No. 1", note=ID),
    "tally.released": TallyReleased(contest="mayor", station=STATIONS[0], round=0, reason="r", basis="No. 1", note=ID),
    "tally.submitted": submitted(STATIONS[0], GOOD, photos=(PHOTO, PHOTO), crew=0, agents=("refused",)),
}  # fmt: skip


@lru_cache
def events_of(name: str) -> st.SearchStrategy[EventData]:
    """Any data of the event type."""
    return _of(DATA_TYPES[name])


def _of(kind: typing.Any) -> st.SearchStrategy[typing.Any]:
    """Values of a type: structures field by field, the others with the limits that their annotations set."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        hints = typing.get_type_hints(kind, include_extras=True)
        return st.builds(kind, **{name: _of(hint) for name, hint in hints.items()})
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        inner, meta = typing.get_args(kind)
        return _limited(inner, meta)
    if origin is typing.Literal:
        return st.sampled_from(typing.get_args(kind))
    if origin is tuple:
        return st.lists(_of(typing.get_args(kind)[0]), max_size=3).map(tuple)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([_of(part) for part in typing.get_args(kind)])
    if kind is type(None):
        return st.none()
    if kind is UnsetType:
        return st.just(msgspec.UNSET)
    if kind is str:
        return st.text(st.characters(codec="utf-8"), max_size=9)
    raise TypeError(kind)


def _limited(inner: typing.Any, meta: Meta) -> st.SearchStrategy[typing.Any]:
    if inner is int:
        top = meta.le if meta.le is not None else None if meta.lt is None else meta.lt - 1
        return st.integers(meta.ge, top) | st.sampled_from([meta.ge, top])
    if inner is str:
        return st.from_regex(meta.pattern, fullmatch=True, alphabet=st.characters(codec="utf-8"))
    if inner is bytes:
        return st.binary(min_size=meta.min_length or 0, max_size=meta.max_length)
    if typing.get_origin(inner) is tuple:
        low = meta.min_length or 0
        return st.lists(_of(typing.get_args(inner)[0]), min_size=low, max_size=max(low, min(3, meta.max_length))).map(tuple)
    raise TypeError(inner)
