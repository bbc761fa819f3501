"""Buckets and daily counts, by a clock of their own."""

from __future__ import annotations

import random

import pytest

from ledger.web.limits import DAY_SECONDS, Buckets, DailyCount, Limit


class Time:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    """And says how long to wait; another name's is its own."""
    time = Time()
    buckets = Buckets(Limit(rate=2, burst=10), time)
    assert [buckets.take("a") for _ in range(10)] == [0] * 10
    assert buckets.take("a") == 0.5
    assert buckets.take("b", 10) == 0
    time.now += 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    time.now += 1_000
    assert buckets.take("a", 10) == 0
    assert buckets.take("a") > 0


def test_more_than_a_burst_at_once_needs_a_full_bucket() -> None:
    """So that a large request is not refused for ever."""
    time = Time()
    buckets = Buckets(Limit(rate=1, burst=10), time)
    assert buckets.take("a", 500) == 0
    assert buckets.take("a", 500) == 10
    time.now += 10
    assert buckets.take("a", 500) == 0


def test_what_is_refused_takes_nothing() -> None:
    """A client that goes on asking is let in as soon as one that waited."""
    time = Time()
    buckets = Buckets(Limit(rate=1, burst=1), time)
    assert buckets.take("a") == 0
    for _ in range(9):
        time.now += 0.1
        assert buckets.take("a") > 0
    time.now += 0.2
    assert buckets.take("a") == 0


@pytest.mark.parametrize("seed", range(5))
def test_no_history_gives_more_than_burst_and_rate(seed: int) -> None:
    """Over any stretch of time, whatever is asked when."""
    dice, time = random.Random(seed), Time()
    buckets = Buckets(Limit(rate=3, burst=7), time)
    taken: list[tuple[float, int]] = []
    for _ in range(2_000):
        time.now += dice.expovariate(4)
        count = dice.randrange(1, 5)
        if buckets.take("a", count) == 0:
            taken.append((time.now, count))
    for first in range(0, len(taken), 17):
        whole = 0
        for at, count in taken[first:]:
            whole += count
            assert whole <= 7 + 3 * (at - taken[first][0]) + 1e-6


def test_memory_is_bounded() -> None:
    """Who was not seen for longest is forgotten, who comes often is not."""
    buckets = Buckets(Limit(rate=0.001, burst=1), Time(), known=10)
    assert buckets.take("often") == 0
    for name in range(1_000):
        assert buckets.take(name) == 0
        assert buckets.take("often") > 0
    counts = DailyCount(1, Time(), known=10)
    for name in range(1_000):
        counts.add(name)
    assert [counts.left(name) for name in (0, 999)] == [1, 0]


def test_a_daily_count_begins_anew_with_the_day() -> None:
    """At midnight UTC."""
    time = Time()
    time.now = 5 * DAY_SECONDS + 100
    counts = DailyCount(2, time)
    for left in (2, 1, 0, 0):
        assert counts.left("a") == left
        counts.add("a")
    assert counts.seconds_to_tomorrow() == DAY_SECONDS - 100
    time.now = 6 * DAY_SECONDS - 1
    assert counts.left("a") == 0
    time.now += 1
    assert counts.left("a") == 2
