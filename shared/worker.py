"""Celery for every service: it starts work and spreads it; PostgreSQL keeps every promise (design 6).

A lost message costs time, never work: what is due stands in a table, and beat looks there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from celery import Celery, Task, signals
from flask import Flask
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError
from structlog.contextvars import bind_contextvars, clear_contextvars

from shared.observe import TASKS, request_id

SOFT_SECONDS = 90
HARD_SECONDS = 120
log = structlog.get_logger("tasks")


def make_celery(app: Flask) -> Celery:
    """Return the Celery app of `app`'s service, whose tasks run inside the Flask app's context.

    The default queue is the service's name; visibility timeout exceeds twice the hard time limit, so a task that is
    merely slow is not handed out twice.
    """
    settings = app.extensions["liaison.settings"]
    service = settings.service

    class ContextTask(Task):  # type: ignore[misc]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            with app.app_context():
                return self.run(*args, **kwargs)

    celery = Celery(service, broker=settings.redis_url, task_cls=ContextTask, set_as_current=False)
    celery.conf.update(
        task_default_queue=service,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_publish_retry=False,
        task_soft_time_limit=SOFT_SECONDS,
        task_time_limit=HARD_SECONDS,
        task_create_missing_queues=True,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_hijack_root_logger=False,
        worker_soft_shutdown_timeout=10,
        worker_enable_soft_shutdown_on_idle=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": 300,
            "unacked_restore_interval": 15,
            "unacked_mutex_expire": 60,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "max_retries": 0,  # of publishing: a nudge gives up at once (the default keeps a request waiting 6 s)
            "unacked_key": f"unacked.{service}",
            "unacked_index_key": f"unacked_index.{service}",
            "unacked_mutex_key": f"unacked_mutex.{service}",
        },
    )
    celery.flask = app
    app.extensions["liaison.celery"] = celery
    return celery


def nudge(celery: Celery, task: str, *args: Any, queue: str, expires: float | None = 60) -> bool:
    """Send a task if the broker is there; tell whether it was. Whoever calls this must not depend on it."""
    try:
        celery.send_task(task, args=args, queue=queue, expires=expires, retry=False)
    except (BrokerAway, RedisError, OSError) as error:
        log.warning("nudge not sent", task=task, error=str(error))
        return False
    return True


@dataclass(frozen=True)
class WorkerSeen:
    """A worker that answered: `slots` is how many tasks it does at once."""

    name: str
    queues: list[str]
    slots: int


def waiting_tasks(celery: Celery, queues: Iterable[str]) -> dict[str, int] | None:
    """Return how many messages wait in each queue; None when the broker is away.

    A measure of the broker alone: what is due stands in tables, and a lost message is sent again.
    """
    try:
        with celery.connection_for_read() as connection:
            client = connection.default_channel.client
            return {queue: int(client.llen(queue)) for queue in queues}
    except (BrokerAway, RedisError, OSError):
        return None


def workers_alive(celery: Celery, seconds: float = 1.0) -> list[WorkerSeen]:
    """Return the workers of all services that answer within `seconds`, by name; none when the broker is away.

    A worker with a pool answers while it works; a `solo` one does not, so a silent one need not be dead.
    """
    inspect = celery.control.inspect(timeout=seconds)
    try:
        queues, stats = inspect.active_queues() or {}, inspect.stats() or {}
    except (BrokerAway, RedisError, OSError):
        return []
    return [
        WorkerSeen(
            name,
            sorted(queue["name"] for queue in queues[name]),
            int(stats.get(name, {}).get("pool", {}).get("max-concurrency") or 1),
        )
        for name in sorted(queues)
    ]


@signals.before_task_publish.connect  # type: ignore[untyped-decorator]
def _carry_request_id(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None:
        headers["request_id"] = request_id()


@signals.task_prerun.connect  # type: ignore[untyped-decorator]
def _start(task: Any = None, task_id: str = "", **_: Any) -> None:
    clear_contextvars()
    carried = (getattr(task.request, "request_id", None) or "") if task else ""
    bind_contextvars(task=task.name if task else "", task_id=task_id, request_id=carried or task_id)


@signals.task_postrun.connect  # type: ignore[untyped-decorator]
def _end(task: Any = None, state: str | None = None, **_: Any) -> None:
    TASKS.labels(task.name if task else "?", state or "?").inc()
