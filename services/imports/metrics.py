"""Measures of the queues for Prometheus, read from the tables at each scrape of /internal/metrics.

Every process of imports tells the same, so one of them is enough to be scraped.
"""

from collections.abc import Iterable

from flask import Flask
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from services.imports.domain.operations import QUEUES, queue_states
from shared.db import read_only
from shared.worker import waiting_tasks

MEASURES = {
    "due_chunks": "Chunks that could be sent now",
    "leased_chunks": "Chunks that workers are sending",
    "oldest_due_seconds": "How long the chunk, file or export that waits longest waits for a worker; scale on it",
    "rows_per_second": "Rows whose chunk was done in the last half minute, a second",
    "running_jobs": "Imports, mass changes and exports that were begun",
    "waiting_jobs": "Imports, mass changes and exports that no worker has begun",
    "expired_leases": "Leases of the last day that ran out: workers that died or stood still with a chunk",
}


class _Queues(Collector):
    app: Flask | None = None

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        if self.app is None:
            return
        try:
            with self.app.app_context(), read_only() as session:
                states = queue_states(session)
        except SQLAlchemyError:
            return  # what this process tells of itself is still wanted
        for name, meaning in MEASURES.items():
            family = GaugeMetricFamily(f"imports_{name}", meaning, labels=["queue"])
            for state in states:
                family.add_metric([state.name], getattr(state, name))
            yield family
        depth = GaugeMetricFamily("imports_queue_depth", "Messages that wait in the broker", labels=["queue"])
        celery = self.app.extensions["liaison.celery"]
        for queue, waiting in (waiting_tasks(celery, [f"imports.{name}" for name in QUEUES]) or {}).items():
            depth.add_metric([queue.removeprefix("imports.")], waiting)
        yield depth


_queues = _Queues()
REGISTRY.register(_queues)


def measure(app: Flask) -> None:
    """Have the queues of this app measured (of the last one, where a process has several)."""
    _queues.app = app
