"""How much one address and one key may ask of a node: buckets that fill up with time, and a daily count of acts without effect.

A bucket holds ``burst`` and fills at ``rate`` a second; what is taken from an empty one is refused until it has filled again.  All
is in memory and of bounded size: what was not seen for longest is forgotten first, which only ever gives somebody more.  The limits
keep one client from starving the others; they are no rule of the log, and a node that starts again knows nothing of them.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

from ledger.errors import Waiting

__all__ = ["ADDRESS", "KEY", "VOIDS_A_DAY", "Buckets", "DailyCount", "KeyLimits", "Limit"]

KNOWN_MAX: Final = 100_000
DAY_SECONDS: Final = 86_400
VOIDS_A_DAY: Final = 64
"""So many acts without effect a key and day."""


class Limit(NamedTuple):
    """``rate`` a second in the long run, ``burst`` at once."""

    rate: float
    burst: float


ADDRESS: Final = Limit(rate=200, burst=2_000)
"""Requests of one address: an office of a hundred devices behind one, and its readers."""
KEY: Final = Limit(rate=5, burst=600)
"""Events of one key: more than people can sign, and a whole outbox at once."""


class Buckets:
    """A bucket for each name.  ``clock``: seconds that never go back.  Not for several threads at once."""

    def __init__(self, limit: Limit, clock: Callable[[], float], *, known: int = KNOWN_MAX) -> None:
        self._limit = limit
        self._clock = clock
        self._known = known
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, name: Hashable, count: float = 1) -> float:
        """Takes ``count`` where there is as much, else nothing.  0, or the seconds until there would be (a whole burst at most)."""
        now = self._clock()
        level, then = self._levels.pop(name, (self._limit.burst, now))
        level = min(self._limit.burst, level + (now - then) * self._limit.rate)
        wanted = min(count, self._limit.burst)
        taken = level >= wanted
        self._levels[name] = (level - wanted if taken else level, now)
        if len(self._levels) > self._known:
            self._levels.popitem(last=False)
        return 0 if taken else (wanted - level) / self._limit.rate


class DailyCount:
    """A count a name and day.  ``clock``: seconds since 1970."""

    def __init__(self, most: int, clock: Callable[[], float], *, known: int = KNOWN_MAX) -> None:
        self._most = most
        self._clock = clock
        self._known = known
        self._day = -1
        self._counts: OrderedDict[Hashable, int] = OrderedDict()

    def add(self, name: Hashable) -> None:
        """One more today."""
        self._turn()
        self._counts[name] = self._counts.pop(name, 0) + 1
        if len(self._counts) > self._known:
            self._counts.popitem(last=False)

    def left(self, name: Hashable) -> int:
        """How many more there may be today; 0 where none."""
        self._turn()
        return max(0, self._most - self._counts.get(name, 0))

    def seconds_to_tomorrow(self) -> int:
        """Until all counts begin anew."""
        return DAY_SECONDS - int(self._clock()) % DAY_SECONDS

    def _turn(self) -> None:
        day = int(self._clock()) // DAY_SECONDS
        if day != self._day:
            self._day = day
            self._counts.clear()


class KeyLimits:
    """What a key may send, for the threads of an intake."""

    def __init__(self, limit: Limit = KEY, *, voids: int = VOIDS_A_DAY, clock: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._events = Buckets(limit, time.monotonic if clock is time.time else clock)
        self._voids = DailyCount(voids, clock)

    def judge(self, key: bytes) -> Waiting | None:
        """None where an event of this key may go on; else ``rate-exceeded`` or ``voids-exceeded``, with the ``seconds`` to wait."""
        with self._lock:
            if not self._voids.left(key):
                words = "too many acts without effect today"
                return Waiting("voids-exceeded", words, seconds=self._voids.seconds_to_tomorrow())
            seconds = self._events.take(key)
        return Waiting("rate-exceeded", "more events of one key than people sign", seconds=math.ceil(seconds)) if seconds else None

    def void(self, key: bytes) -> None:
        """An event of this key was appended without effect."""
        with self._lock:
            self._voids.add(key)
