"""Structured logs and metrics. One request id goes through gateway, services and workers."""

import logging
import sys

import structlog
from prometheus_client import Counter, Histogram
from structlog.contextvars import get_contextvars
from structlog.typing import Processor

REQUEST_ID = "X-Request-Id"
REQUESTS = Histogram("http_request_seconds", "Time to answer", ["service", "method", "route", "status"])
TASKS = Counter("tasks_total", "Tasks that ended", ["task", "state"])

_before: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def request_id() -> str:
    """Return the id under which what happens now is logged, "" outside of any request or task."""
    return str(get_contextvars().get("request_id", ""))


def set_up_logs(log_format: str) -> None:
    """Write one line per event to standard output: JSON, or `console` for people."""
    structlog.configure(
        processors=[*_before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    last: Processor = (
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        if log_format == "console"
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([] if log_format == "console" else [structlog.processors.format_exc_info]),
                last,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
