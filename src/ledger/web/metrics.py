"""What a node tells of itself to whoever watches it: ``/metrics`` in Prometheus's text format.

Counters begin at nought with the process.  A request is counted under its route's pattern, never under its path: a stranger's paths
would make numbers without end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["METRICS_TYPE", "Metrics"]

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_EVENTS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000)


class Metrics:
    """One node's numbers, in a registry of its own."""

    def __init__(self) -> None:
        own = self._registry = CollectorRegistry()
        by = ("method", "route", "status")
        self._requests = Counter("ledger_requests", "Requests answered.", by, registry=own)
        told = "From a request's head to its answer."
        self._seconds = Histogram("ledger_request_seconds", told, ("route",), buckets=_SECONDS, registry=own)
        self._outcomes = Counter("ledger_submissions", "What became of submissions.", ("outcome",), registry=own)
        self._batches = Histogram("ledger_transaction_events", "Events of a transaction.", buckets=_EVENTS, registry=own)
        self._appends = Histogram("ledger_transaction_seconds", "A transaction and its commit.", buckets=_SECONDS, registry=own)
        self._published = Gauge("ledger_published_size", "Entries that the published folder shows.", registry=own)
        self._failures = Counter("ledger_failures", "Errors told to clients or in the log.", ("code",), registry=own)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered.  ``route``: its pattern, or ``other``, for which any method of a stranger's is one."""
        method = "" if route == "other" else method
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def outcome(self, kind: str, count: int = 1) -> None:
        """``appended``, ``void``, ``pending``, ``refused`` or ``waiting``."""
        self._outcomes.labels(kind).inc(count)

    def transaction(self, events: int, seconds: float) -> None:
        """A transaction went through or failed."""
        self._batches.observe(events)
        self._appends.observe(seconds)

    def failure(self, code: str) -> None:
        """An error of the tree, by its code."""
        self._failures.labels(code).inc()

    def published(self, size: int) -> None:
        """What the published folder shows now."""
        self._published.set(size)

    def gauge(self, name: str, words: str, value: Callable[[], float]) -> None:
        """A number that is asked for whenever the metrics are."""
        Gauge(f"ledger_{name}", words, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """The page."""
        return generate_latest(self._registry)
