"""What imports tells other services."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, current_app

from services.imports.domain.operations import queue_states
from shared.db import read_only
from shared.web import internal
from shared.worker import waiting_tasks, workers_alive

blueprint = Blueprint("internal", __name__)
CELERY_QUEUES = ("imports.short", "imports.long", "portal.events")


@blueprint.get("/internal/operations")
@internal()
def operations() -> dict[str, Any]:
    """Tell what waits, what moves, and which workers answer. Takes two seconds: as long as workers are listened for."""
    celery = current_app.extensions["liaison.celery"]
    with read_only() as session:
        queues = queue_states(session)
    waiting = waiting_tasks(celery, CELERY_QUEUES)
    return {
        "queues": [asdict(queue) for queue in queues],
        "broker": {"answers": waiting is not None, "waiting": waiting or {}},
        "workers": [asdict(worker) for worker in workers_alive(celery)] if waiting is not None else [],
    }
