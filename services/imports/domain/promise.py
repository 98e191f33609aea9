"""What a check told of a file: kept as a promise for its import, or thrown away with all that was staged."""

import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from services.imports.domain.chunks import sum_of_chunks
from services.imports.domain.leases import Lease, hold_lease
from services.imports.models import Chunk, Job, Refusal
from shared.bulk import COUNTS
from shared.forecast import MOST_ROWS, first_rows

MOST_FIELDS = 5
REFUSAL = ("row", "line", "column", "code", "message")
_UNDONE: dict[str, Any] = {
    **dict.fromkeys(COUNTS, 0),
    "attempts": 0,
    "forecast": None,
    "last_error": None,
    "lease_token": None,
    "lease_until": None,
}


def keep_promise(session: Session, held: Lease, error_file: str | None) -> Job:
    """Make ready a job all of whose chunks were checked; what they told together is its promise."""
    job = hold_lease(session, held)
    counts = sum_of_chunks(session, job.id)
    counts["failed"] += job.read_failed
    rows = max(job.rows or 0, sum(counts[name] for name in COUNTS))
    counts["skipped"] += rows - sum(counts[name] for name in COUNTS)
    job.promise = {
        "at": datetime.now(UTC).isoformat(),
        "counts": {"rows": rows, **{name: counts[name] for name in COUNTS}},
        **_foretold(session, job.id),
    }
    job.state, job.error_file = "ready", error_file
    job.version += 1
    _let_rest(job)
    session.execute(update(Chunk).where(Chunk.job_id == job.id).values(forecast=None))
    return job


def _foretold(session: Session, job_id: uuid.UUID) -> dict[str, Any]:
    """Return what would change, field by field, the most frequent first; and the first rows of each sort."""
    fields: Counter[str] = Counter()
    created: list[dict[str, Any]] = []
    updated: list[dict[str, Any]] = []
    newer = 0
    query = select(Chunk.forecast).where(Chunk.job_id == job_id, Chunk.forecast.is_not(None)).order_by(Chunk.no)
    for told in session.execute(query.execution_options(yield_per=20)).scalars():
        fields.update(told["fields"])
        newer += told.get("newer", 0)
        created = first_rows([*created, *told["sample"]["created"]])
        updated = first_rows([*updated, *told["sample"]["updated"]])
    first = select(Refusal).where(Refusal.job_id == job_id).order_by(Refusal.row).limit(MOST_ROWS)
    refused = [{name: getattr(one, name) for name in REFUSAL} for one in session.execute(first).scalars()]
    return {
        "newer": newer,
        "fields": [{"field": name, "rows": rows} for name, rows in fields.most_common()],
        "sample": {"created": created, "updated": updated, "refused": refused},
    }


def stage_again(session: Session, job: Job) -> None:
    """Let all chunks of a checked job be due, as if nobody had looked at them; the caller holds the job's row."""
    checked = (Chunk.job_id == job.id, Chunk.state.in_(("done", "failed")))
    session.execute(update(Chunk).where(*checked).values(state="due", due_at=func.now(), finished_at=None, **_UNDONE))
    _forget_refusals(session, job.id)
    job.error_file = None


def forget_check(session: Session, job: Job) -> None:
    """Throw away what a check of the job staged and told, if there is any; the caller holds the job's row.

    What stays is how its columns are matched. Staged files are swept later: a later reading never meets them.
    """
    if job.state not in ("checking", "ready"):
        return
    session.execute(delete(Chunk).where(Chunk.job_id == job.id))  # first: it waits for who is noting refusals
    session.execute(delete(Refusal).where(Refusal.job_id == job.id))
    job.state, job.promise, job.error_file = "mapped", None, None
    job.reading += 1
    job.rows = job.read_at = job.cancel_requested_at = job.failure_code = job.failure = None
    job.read_rows = job.read_bytes = job.read_failed = 0
    _let_rest(job)


def break_off(session: Session, held: Lease) -> None:
    """Close the chunks of a check that cannot be done: none of their rows was applied, so they count as skipped."""
    job_id = hold_lease(session, held).id
    session.execute(
        update(Chunk)
        .where(Chunk.job_id == job_id, Chunk.state != "void")
        .values(state="cancelled", finished_at=func.clock_timestamp(), **{**_UNDONE, "skipped": Chunk.rows})
    )
    _forget_refusals(session, job_id)


def difference(job: Job) -> str | None:
    """Say in a sentence how an import that was done differs from what its check had told; None if it does not."""
    if not job.promise or job.state not in ("completed", "completed_with_errors"):
        return None
    told = job.promise["counts"]
    names = [name for name in COUNTS if told[name] != getattr(job, name)]
    if names:
        before = _listed([f"{told[name]:,} {_WORDS[name]}" for name in names])
        after = _listed([f"{getattr(job, name):,} {_WORDS[name]}" for name in names])
    elif "became" in job.promise:
        foretold = {one["field"]: one["rows"] for one in job.promise["fields"]}
        became = job.promise["became"]
        fields = [name for name in {**foretold, **became} if foretold.get(name) != became.get(name)][:MOST_FIELDS]
        before, after = (_listed([_in_rows(name, of.get(name, 0)) for name in fields]) for of in (foretold, became))
    else:
        return None
    return f"The check had told {before}; it became {after}, probably because records were changed in between."


def kept_or_not(session: Session, job: Job) -> dict[str, Any] | None:
    """Return the promise of a job whose chunks are done, with what `became` of its fields where that is otherwise."""
    if not job.promise:
        return None
    done = (Chunk.job_id == job.id, Chunk.state == "done")
    if session.execute(select(Chunk.no).where(*done, Chunk.forecast.is_(None)).limit(1)).first():
        return job.promise  # its owner does not tell
    became: Counter[str] = Counter()
    query = select(Chunk.forecast).where(*done).execution_options(yield_per=20)
    for told in session.execute(query).scalars():
        became.update(told["fields"] if told else {})
    same = dict(became) == {one["field"]: one["rows"] for one in job.promise["fields"]}
    return job.promise if same else {**job.promise, "became": dict(became)}


def _in_rows(name: str, rows: int) -> str:
    return f"{name.removeprefix('attributes.').replace('_', ' ')} changed in {rows:,} {'row' if rows == 1 else 'rows'}"


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _forget_refusals(session: Session, job_id: uuid.UUID) -> None:
    session.execute(delete(Refusal).where(Refusal.job_id == job_id, Refusal.foretold))


def _let_rest(job: Job) -> None:
    job.lease_token = job.lease_until = job.waiting = job.resume_at = None
    job.queued_at = job.started_at = job.deadline_at = None
    job.attempts = job.waits = 0


_WORDS = {**{name: name for name in COUNTS}, "failed": "refused"}
