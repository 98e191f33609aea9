"""What imports tells other services."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, current_app

from services.imports.domain.operations import QUEUES, queue_states
from services.imports.domain.unfinished import Work, unfinished_work
from shared.db import read_only
from shared.web import internal
from shared.worker import WorkerSeen, waiting_tasks, workers_alive

blueprint = Blueprint("internal", __name__)
CELERY_QUEUES = ("imports.short", "imports.long", "portal.events")


@blueprint.get("/internal/operations")
@internal()
def operations() -> dict[str, Any]:
    """Tell what waits and why, what moves, and which workers answer.

    Takes two seconds: as long as workers are listened for. `needs` are the permissions to open the page of some work.
    """
    celery = current_app.extensions["liaison.celery"]
    waiting = waiting_tasks(celery, CELERY_QUEUES)
    workers = workers_alive(celery) if waiting is not None else []
    with read_only() as session:
        queues = queue_states(session)
        work = unfinished_work(session, _idle(waiting is not None, workers))
    return {
        "queues": [asdict(queue) for queue in queues],
        "work": [{**one.to_json(), "needs": _needs(one)} for one in work],
        "broker": {"answers": waiting is not None, "waiting": waiting or {}},
        "workers": [asdict(worker) for worker in workers],
    }


def _idle(broker_answers: bool, workers: list[WorkerSeen]) -> dict[str, str]:
    """Return the queues from which nobody takes work now, and why."""
    if not broker_answers:
        return dict.fromkeys(QUEUES, "Redis does not answer. It goes on by itself once it is back.")
    served = {queue for worker in workers for queue in worker.queues}
    missing = [queue for queue in QUEUES if f"imports.{queue}" not in served]
    return {queue: f"No worker of the queue imports.{queue} answers." for queue in missing}


def _needs(work: Work) -> list[str]:
    needed = current_app.extensions["imports.owners"].needs.get(work.kind)
    return ["jobs.all", *([needed] if needed and work.what != "export" else [])]
