"""What the service counts, for Prometheus; shared by all workers through a directory when there are several."""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

SHARED_DIR_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client's own; set before the workers start."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

_requests = Counter("leafcraft_requests", "Requests answered.", ["operation", "status"])
_seconds = Histogram(
    "leafcraft_request_seconds", "Time to answer a request.", ["operation"], buckets=_SECONDS
)
transactions = Counter("leafcraft_transactions", "Write transactions committed.")
commands = Counter("leafcraft_commands", "Commands committed, many to a transaction.")
queued = Gauge(
    "leafcraft_queued_commands",
    "Commands that wait for a transaction.",
    multiprocess_mode="livesum",
)
cache_hits = Counter("leafcraft_cache_hits", "Reads answered from memory.")
cache_misses = Counter("leafcraft_cache_misses", "Reads answered from the database.")

_by_status: dict[tuple[str, int], Counter] = {}
_by_operation: dict[str, Histogram] = {}


def observe(operation: str, status: int, seconds: float) -> None:
    """Counts one request. The labelled children are kept: looking one up costs more than counting."""
    counter = _by_status.get((operation, status))
    if counter is None:
        counter = _by_status[operation, status] = _requests.labels(operation, str(status))
        _by_operation[operation] = _seconds.labels(operation)
    counter.inc()
    _by_operation[operation].observe(seconds)


def exposition() -> tuple[bytes, str]:
    """The metrics as text, and its content type."""
    if SHARED_DIR_VARIABLE not in os.environ:
        return generate_latest(), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
