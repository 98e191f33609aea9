"""The chunks of a job: leased to a worker, sent to their owner, and closed with the owner's own counts.

Whoever needs a job's row and its chunks' takes the job's first, so that no two ever wait for each other.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import and_, case, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.imports.domain.mapping import Mapping
from services.imports.models import Chunk, Job, Refusal
from shared.bulk import COUNTS
from shared.bulk import Refusal as RefusedRow

WINDOW = 4
MOST_ATTEMPTS = 3
FIRST_HALF = 1_000_000_000
KILLS_WORKER = "row_kills_worker"
DONE = ("fields",)
FORETOLD = ("fields", "sample", "newer")
log = structlog.get_logger("chunks")


@dataclass(frozen=True)
class Claim:
    """A chunk that is ours until the lease ends, with all that its owner has to know.

    One that is to be split is nobody's and has no `token`: whoever is first splits it. `checks` tells that the job is
    only checked, `undoes` that the chunk is to be taken back.
    """

    job_id: uuid.UUID
    no: int
    token: uuid.UUID | None
    rows: int
    path: str
    checksum: str
    kind: str
    about: dict[str, Any]
    request_id: str
    checks: bool = False
    undoes: bool = False


def claim_chunk(session: Session, queue: str, lease: timedelta) -> Claim | None:
    """Lease the next due chunk of `queue`, the job that waited longest first; None when nothing is due."""
    for _ in range(4):
        job_id = session.execute(_next_job(queue)).scalar_one_or_none()
        if job_id is None:
            return None
        job = session.execute(_served(job_id)).scalar_one_or_none()
        if job is None:
            continue
        next_no = (
            select(Chunk.no)
            .where(Chunk.job_id == job.id, claimable())
            .order_by(Chunk.no)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        chunk = session.execute(
            update(Chunk)
            .where(Chunk.job_id == job.id, Chunk.no == next_no.scalar_subquery())
            .values(state="leased", lease_token=uuid.uuid4(), lease_until=func.now() + lease)
            .returning(Chunk.no, Chunk.lease_token, Chunk.rows, Chunk.path, Chunk.checksum)
        ).one_or_none()
        if chunk is not None:
            return _claim(job, chunk, chunk.lease_token)
    return None


def _claim(job: Job, chunk: Any, token: uuid.UUID | None) -> Claim:
    checks, undoes = job.state == "checking", job.state == "undoing"
    about = _about_undo(job) if undoes else about_rows(job)
    path, checksum, request_id = chunk.path, chunk.checksum, job.request_id or ""
    return Claim(job.id, chunk.no, token, chunk.rows, path, checksum, job.kind, about, request_id, checks, undoes)


def _served(job_id: uuid.UUID) -> Any:
    """Lock a job and note that it has its turn, if it still may: what is to be done may have changed until then."""
    return (
        update(Job)
        .where(Job.id == job_id, open_job())
        .values(served_at=func.clock_timestamp())
        .returning(Job)
        .execution_options(populate_existing=True)
    )


def _next_job(queue: str) -> Any:
    of_job = Chunk.job_id == Job.id
    leased = select(func.count()).where(of_job, Chunk.state == "leased").scalar_subquery()
    return (
        select(Job.id)
        .where(Job.queue == queue, open_job(), exists().where(of_job, claimable()), leased < WINDOW)
        .order_by(Job.served_at.nulls_first(), Job.id)
        .limit(1)
    )


def open_job() -> Any:
    """The condition of a job whose chunks may be sent now."""
    return and_(
        Job.state.in_(("running", "checking", "undoing")),
        Job.cancel_requested_at.is_(None),
        or_(Job.resume_at.is_(None), Job.resume_at <= func.now()),
    )


def claimable() -> Any:
    """The condition of a chunk that may be leased now."""
    return and_(Chunk.state == "due", Chunk.due_at <= func.now(), Chunk.attempts < MOST_ATTEMPTS)


def about_rows(job: Job) -> dict[str, Any]:
    """Return what the owner of a job's rows is told about it, beside the rows."""
    return {
        "kind": job.kind,
        "mode": job.mode,
        "match": job.match,
        "blank": job.blank,
        "blanks": Mapping.from_json(job.mapping or {}).blank_fields(job.header),
        "repeated": job.repeated,
        "newer": job.newer,
        "associates": job.associates,
        "create_associates": job.create_associates,
        "actor_id": str(job.created_by),
        "actor_name": job.created_by_name,
        "file_name": job.file_name,
        **({"change": job.change} if job.change else {}),
    }


def _about_undo(job: Job) -> dict[str, Any]:
    who = {"actor_id": str(job.undo_by), "actor_name": job.undo_by_name}
    return {"kind": job.kind, **who, "file_name": job.file_name}


def due_chunks(session: Session, queue: str) -> int:
    """Return how many chunks of `queue` could be sent now; the measure for scaling its workers."""
    return session.execute(
        select(func.count()).select_from(Chunk).join(Job).where(Job.queue == queue, open_job(), claimable())
    ).scalar_one()


def complete_chunk(session: Session, claim: Claim, answer: dict[str, Any]) -> bool:
    """Close a chunk with its owner's answer; False when the lease had passed to somebody else meanwhile."""
    session.execute(
        update(Job)
        .where(Job.id == claim.job_id, Job.waiting.is_not(None))
        .values(waiting=None, waits=0, resume_at=None)
    )
    done = session.execute(
        update(Chunk)
        .where(_held(claim))
        .values(
            state="done",
            **_counts(answer, claim.rows),
            forecast=_told(answer, FORETOLD if claim.checks else DONE),
            finished_at=func.clock_timestamp(),
            **_FREE,
        )
        .returning(Chunk.no)
    ).first()
    if done is None:
        return False
    refuse_rows(session, claim.job_id, answer["refusals"], foretold=claim.checks)
    return True


def give_back(session: Session, claim: Claim, trouble: str) -> None:
    """Hand a chunk back that could not be applied; it counts, because the chunk itself may be the reason."""
    session.execute(
        update(Chunk)
        .where(_held(claim))
        .values(
            state="due",
            attempts=Chunk.attempts + 1,
            due_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, func.power(2, Chunk.attempts)),
            last_error=trouble[:500],
            **_FREE,
        )
    )


def wait_for_owner(session: Session, claim: Claim, sentence: str) -> None:
    """Hand a chunk back for what is not its fault, its owner being away; the job waits, longer each time.

    Nothing is written where the chunk is somebody else's by now.
    """
    if holds(session, claim):
        session.execute(update(Job).where(Job.id == claim.job_id).values(**put_off(sentence)))
        session.execute(update(Chunk).where(_held(claim)).values(state="due", **_FREE))


def put_off(sentence: str) -> dict[str, Any]:
    """Return what lets a job rest for 1, 2, 4 ... 30 seconds and tells people why; another reason is counted anew."""
    waits = case((Job.waiting == sentence, Job.waits), else_=0)
    pause = func.least(30, func.power(2, func.least(waits, 5)))
    resume_at = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, pause)
    return {"waits": waits + 1, "waiting": sentence, "resume_at": resume_at}


def holds(session: Session, claim: Claim) -> bool:
    """Tell whether the chunk is still what was claimed, and keep it so to the end of the transaction."""
    session.execute(select(Job.id).where(Job.id == claim.job_id).with_for_update(key_share=True))
    return session.execute(select(Chunk.no).where(_held(claim)).with_for_update()).first() is not None


def end_leases(session: Session) -> int:
    """Make those chunks due again whose worker did not report in time; return how many.

    That counts, because a row may be the reason; not when the chunk is being taken back, which brings no rows.
    """
    undoing = exists().where(Job.id == Chunk.job_id, Job.state == "undoing")
    ended = session.execute(
        update(Chunk)
        .where(Chunk.state == "leased", Chunk.lease_until < func.now())
        .values(
            state="due",
            attempts=Chunk.attempts + case((undoing, 0), else_=1),
            expired_leases=Chunk.expired_leases + 1,
            last_error="The worker did not report back.",
            **_FREE,
        )
        .returning(Chunk.no)
    ).all()
    return len(ended)


def refuse_rows(session: Session, job_id: uuid.UUID, refusals: list[dict[str, Any]], *, foretold: bool = False) -> None:
    """Note refused rows; a row that is noted already stays as it is."""
    for start in range(0, len(refusals), 1_000):
        rows = [{"job_id": job_id, "foretold": foretold, **refusal} for refusal in refusals[start : start + 1_000]]
        session.execute(insert(Refusal).on_conflict_do_nothing(), rows)


@dataclass(frozen=True)
class Half:
    """One part of a chunk that is split: its file is written already."""

    rows: int
    path: str
    checksum: str


def poisoned_chunks(session: Session) -> list[tuple[uuid.UUID, int]]:
    """Return the chunks that failed so often that one of their rows must be the reason."""
    return [
        (row.job_id, row.no)
        for row in session.execute(
            select(Chunk.job_id, Chunk.no)
            .join(Job)
            .where(open_job(), Chunk.state == "due", Chunk.attempts >= MOST_ATTEMPTS)
            .limit(20)
        )
    ]


def get_poisoned(session: Session, job_id: uuid.UUID, no: int) -> Claim | None:
    """Return such a chunk, None when somebody dealt with it already."""
    row = session.execute(
        select(Chunk, Job)
        .join(Job)
        .where(Chunk.job_id == job_id, Chunk.no == no, Chunk.state == "due", Chunk.attempts >= MOST_ATTEMPTS)
    ).one_or_none()
    if row is None:
        return None
    chunk, job = row
    return _claim(job, chunk, None)


def settle_applied(session: Session, job_id: uuid.UUID, no: int, answer: dict[str, Any]) -> None:
    """Close a chunk of which the owner says that it was applied, whoever holds it."""
    rows = session.execute(
        select(Chunk.rows).where(Chunk.job_id == job_id, Chunk.no == no, _open()).with_for_update()
    ).scalar_one_or_none()
    if rows is None:
        return
    session.execute(
        update(Chunk)
        .where(Chunk.job_id == job_id, Chunk.no == no)
        .values(
            state="done",
            **_counts(answer, rows),
            forecast=_told(answer, DONE),
            finished_at=func.clock_timestamp(),
            **_FREE,
        )
    )
    refuse_rows(session, job_id, answer["refusals"])


def open_chunks(session: Session, job_id: uuid.UUID) -> list[int]:
    """Return the numbers of the chunks whose end is not known here."""
    open_ones = select(Chunk.no).where(Chunk.job_id == job_id, _open()).order_by(Chunk.no)
    return list(session.execute(open_ones).scalars())


def voided_chunks(session: Session, job_id: uuid.UUID) -> int:
    """Return how many chunks of the job were split."""
    return session.execute(
        select(func.count()).select_from(Chunk).where(Chunk.job_id == job_id, Chunk.state == "void")
    ).scalar_one()


def none_leased(session: Session, job_id: uuid.UUID) -> bool:
    """Tell whether nobody is sending a chunk of this job."""
    return (
        session.execute(select(Chunk.no).where(Chunk.job_id == job_id, Chunk.state == "leased").limit(1)).first()
        is None
    )


def split_chunk(session: Session, claim: Claim, halves: list[Half]) -> None:
    """Put two halves in the place of a chunk that its owner has voided."""
    session.execute(select(Job.id).where(Job.id == claim.job_id).with_for_update(key_share=True))
    if not _void(session, claim, state="void", failed=0):
        return
    highest = session.execute(select(func.max(Chunk.no)).where(Chunk.job_id == claim.job_id)).scalar_one()
    first = max(FIRST_HALF, highest + 1)
    session.add_all(
        Chunk(
            job_id=claim.job_id,
            no=first + at,
            parent_no=claim.no,
            rows=half.rows,
            path=half.path,
            checksum=half.checksum,
            attempts=MOST_ATTEMPTS - 1 if half.rows > 1 else 0,  # search quickly, but be sure before a row is refused
        )
        for at, half in enumerate(halves)
    )
    session.flush()


def refuse_rest(session: Session, claim: Claim, places: list[tuple[int, int]]) -> None:
    """Refuse the rows of a chunk that cannot be split any more: one, or those of one key."""
    if _void(session, claim, state="failed", failed=len(places)):
        this = "This row stops" if len(places) == 1 else "The rows of this key stop"
        sentence = f"{this} the program that reads it. Everything else of the file was dealt with."
        refused = [RefusedRow(row, line, None, KILLS_WORKER, sentence) for row, line in places]
        refuse_rows(session, claim.job_id, [asdict_of(one) for one in refused], foretold=claim.checks)


def asdict_of(refusal: RefusedRow) -> dict[str, Any]:
    """Return a refusal as a row of the table."""
    return {name: getattr(refusal, name) for name in ("row", "line", "column", "code", "message")}


def _void(session: Session, claim: Claim, *, state: str, failed: int) -> bool:
    changed = session.execute(
        update(Chunk)
        .where(_held(claim))
        .values(state=state, failed=failed, finished_at=func.clock_timestamp())
        .returning(Chunk.no)
    ).first()
    return changed is not None


def cancel_open(session: Session, job_id: uuid.UUID) -> None:
    """Close what was not applied; its rows count as skipped. The owner's fence must be closed already."""
    session.execute(
        update(Chunk)
        .where(Chunk.job_id == job_id, _open())
        .values(
            state="cancelled", skipped=Chunk.rows, created=0, updated=0, unchanged=0, failed=0,
            finished_at=func.clock_timestamp(), **_FREE,
        )
    )  # fmt: skip


def _open() -> Any:
    return Chunk.state.in_(("due", "leased"))


def _held(claim: Claim) -> Any:
    if claim.token is None:
        ours = and_(Chunk.state == "due", Chunk.attempts >= MOST_ATTEMPTS)
    else:
        ours = and_(Chunk.state == "leased", Chunk.lease_token == claim.token)
    return and_(Chunk.job_id == claim.job_id, Chunk.no == claim.no, ours)


_FREE: dict[str, Any] = {"lease_token": None, "lease_until": None}


def _counts(answer: dict[str, Any], rows: int) -> dict[str, int]:
    """Return the five counts of an answer, which must add up to `rows`; an owner that miscounts must not hang a job."""
    counts = {}
    left = rows
    for name in COUNTS:
        counts[name] = min(int(answer[name]), left)
        left -= counts[name]
    if left or sum(int(answer[name]) for name in COUNTS) != rows:
        log.error("an owner's counts do not add up", rows=rows, answer={name: answer[name] for name in COUNTS})
        counts["skipped"] += left
    return counts


def _told(answer: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any] | None:
    """Return what an owner told beyond the counts; None for one that tells nothing."""
    return {name: answer[name] for name in names if name in answer} or None


def sum_of_chunks(session: Session, job_id: uuid.UUID) -> dict[str, int]:
    """Return the five counts over all chunks of a job, and `rows` of those that are closed."""
    sums = [func.coalesce(func.sum(getattr(Chunk, name)), 0).label(name) for name in COUNTS]
    closed = func.coalesce(func.sum(Chunk.rows).filter(Chunk.state.in_(("done", "failed", "cancelled"))), 0)
    row = session.execute(select(*sums, closed.label("rows")).where(Chunk.job_id == job_id)).one()
    return {name: int(value) for name, value in row._mapping.items()}
