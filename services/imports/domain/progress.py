"""How far a job is: a sum over its chunks, never a counter."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from services.imports.models import Chunk, Job
from shared.bulk import COUNTS, UNDO_COUNTS

AT_WORK = ("queued", "running", "checking")
FINAL = ("completed", "completed_with_errors", "cancelled", "failed", "undone", "partly_undone")
LATELY = timedelta(seconds=15)


@dataclass(frozen=True)
class Progress:
    """What a bar shows. `rows` is None until the file was read to its end; `expected` is the best guess until then.

    While a job is only checked, the counts tell what would become of its rows. While it is taken back, `done` counts
    the rows of the chunks that are; `removed`, `restored`, `kept` and `gone` tell what became of its records.
    `rate` is in rows a second over the last 15 seconds; `seconds_left` is None while nothing can be said about it.
    """

    state: str
    step: str
    final: bool
    rows: int | None
    expected: int | None
    done: int
    percent: float
    created: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    removed: int
    restored: int
    kept: int
    gone: int
    rate: float | None
    seconds_left: int | None
    waiting: str | None
    failure: str | None
    error_file: bool
    version: int

    def to_json(self) -> dict[str, Any]:
        """Return it as it goes over the wire."""
        return asdict(self)


def job_progress(session: Session, job: Job) -> Progress:
    """Return how far `job` is, in one query for a job at work and none for others."""
    return progress_of(session, [job])[job.id]


def progress_of(session: Session, jobs: Sequence[Job]) -> dict[uuid.UUID, Progress]:
    """Return how far each of `jobs` is, in one query for all those at work."""
    at_work = [job.id for job in jobs if job.state in AT_WORK]
    sums = {row.job_id: row for row in session.execute(_sums(at_work))} if at_work else {}
    undoing = [job.id for job in jobs if job.state == "undoing"]
    undone = {row.job_id: row for row in session.execute(_undo_sums(undoing))} if undoing else {}
    return {
        job.id: _undo_progress(job, undone.get(job.id)) if job.state == "undoing" else _progress(job, sums.get(job.id))
        for job in jobs
    }


def _progress(job: Job, sums: Any) -> Progress:
    counts = {name: getattr(job, name) for name in COUNTS}
    rate = None
    if sums is not None:
        counts = {name: int(getattr(sums, name)) for name in COUNTS}
        rate = _rate(int(sums.lately), float(sums.seconds))
    if job.state in AT_WORK:
        counts["failed"] += job.read_failed
    final = job.state in FINAL
    done = (job.rows or 0) if job.state == "ready" else sum(counts.values())
    expected = job.rows if job.rows is not None else _expected_rows(job)
    if job.rows is not None and done >= job.rows:
        rate = None  # nothing is left that it could be the rate of
    percent = 100.0 if final or job.state == "ready" else _percent(done, expected)
    left = round((expected - done) / rate) if rate and expected is not None else None
    return Progress(
        state=job.state,
        step=_step(job, done),
        final=final,
        rows=job.rows,
        expected=expected,
        done=done,
        percent=percent,
        **counts,
        **{name: getattr(job, name) for name in UNDO_COUNTS},
        rate=rate,
        seconds_left=left,
        waiting=None if final else job.waiting,
        failure=job.failure,
        error_file=job.error_file is not None,
        version=job.version,
    )


def _sums(job_ids: list[uuid.UUID]) -> Any:
    """Per job: counts so far, and the rows of the last seconds with the time that they took."""
    started = func.coalesce(func.min(Job.started_at), func.now())
    recent = Chunk.finished_at > func.now() - LATELY
    seconds = func.extract("epoch", func.least(LATELY, func.clock_timestamp() - started))
    return (
        select(
            Chunk.job_id,
            *(func.coalesce(func.sum(getattr(Chunk, name)), 0).label(name) for name in COUNTS),
            func.coalesce(func.sum(Chunk.rows).filter(recent, Chunk.state == "done"), 0).label("lately"),
            seconds.label("seconds"),
        )
        .join(Job)
        .where(Chunk.job_id.in_(job_ids))
        .group_by(Chunk.job_id)
    )


def _undo_progress(job: Job, sums: Any) -> Progress:
    now = replace(_progress(job, None), done=0, expected=None, percent=0.0, rate=None, seconds_left=None)
    if sums is None:
        return now
    done, expected = int(sums.done), int(sums.expected)
    rate = _rate(int(sums.lately), float(sums.seconds)) if done < expected else None
    step = "waiting" if job.waiting else "ending" if done >= expected else "undoing"
    counts: dict[str, Any] = {name: int(getattr(sums, name)) for name in UNDO_COUNTS}
    return replace(
        now,
        step=step,
        done=done,
        expected=expected,
        percent=_percent(done, expected),
        rate=rate,
        seconds_left=round((expected - done) / rate) if rate else None,
        **counts,
    )


def _undo_sums(job_ids: list[uuid.UUID]) -> Any:
    """Per job that is taken back: rows of the chunks to take back, of those that are, and the counts so far."""
    undone = Chunk.undone_at.is_not(None)
    seconds = func.extract("epoch", func.least(LATELY, func.clock_timestamp() - func.min(Job.undo_requested_at)))
    return (
        select(
            Chunk.job_id,
            *(func.sum(getattr(Chunk, name)).label(name) for name in UNDO_COUNTS),
            func.sum(Chunk.rows).label("expected"),
            func.coalesce(func.sum(Chunk.rows).filter(undone), 0).label("done"),
            func.coalesce(func.sum(Chunk.rows).filter(Chunk.undone_at > func.now() - LATELY), 0).label("lately"),
            seconds.label("seconds"),
        )
        .join(Job)
        .where(Chunk.job_id.in_(job_ids), or_(undone, Chunk.state.in_(("due", "leased"))))
        .group_by(Chunk.job_id)
    )


def _rate(rows: int, seconds: float) -> float | None:
    return round(rows / seconds, 1) if rows and seconds > 0.2 else None


def _expected_rows(job: Job) -> int | None:
    if not job.read_rows or not job.read_bytes:
        return None
    return max(job.read_rows, round(job.read_rows * job.file_size / job.read_bytes))


def _percent(done: int, expected: int | None) -> float:
    return min(99.9, round(100 * done / expected, 1)) if expected else 0.0


def _step(job: Job, done: int) -> str:
    """Return in one word what a job at work is doing: waiting, cancelling, reading, writing or ending."""
    if job.state != "running":
        return "cancelling" if job.state in AT_WORK and job.cancel_requested_at else job.state
    if job.cancel_requested_at:
        return "cancelling"
    if job.waiting:
        return "waiting"
    if job.read_at is None and not done:
        return "reading"
    return "ending" if job.rows is not None and done >= job.rows else "writing"
