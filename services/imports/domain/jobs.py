"""What a person does with a job: make it, look at it, start it, cancel it."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from services.imports.domain.mapping import Mapping as ColumnMapping
from services.imports.domain.mapping import validate
from services.imports.domain.progress import AT_WORK, FINAL
from services.imports.domain.promise import forget_check, stage_again
from services.imports.domain.sniffing import Sniffed
from services.imports.domain.target import Target
from services.imports.domain.uploads import Received
from services.imports.errors import (
    JobChecking,
    JobEnded,
    JobNotFound,
    JobStarted,
    JobUndoing,
    NoErrorFile,
    NotMapped,
    UploadKeyReused,
)
from services.imports.models import Job, Refusal
from shared.errors import DomainError, FeatureOff, Forbidden, Stale
from shared.observe import request_id

SHORT_FILE = 2_000_000
DEADLINE = timedelta(hours=24)
WAITING = ("uploaded", "mapped", "ready")
ACTIVE = (*AT_WORK, "undoing")


@dataclass(frozen=True)
class Viewer:
    """Who looks: a person sees their own jobs, with `sees_all` everybody's.

    `off` has the kinds of which nothing is shown or done now, and the part of Liaison that is switched off for each.
    Jobs of the kinds `hidden` are not there for this person. `barred` has, by kind, the fields that this person may not
    feed now, and why.
    """

    user_id: uuid.UUID
    name: str
    sees_all: bool = False
    off: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    barred: Mapping[str, Mapping[str, DomainError]] = field(default_factory=dict)

    def sees(self, job: Job) -> bool:
        """Tell whether this person may see a job."""
        return job.kind not in self.hidden and (self.sees_all or job.created_by == self.user_id)

    @property
    def unlisted(self) -> list[str]:
        """The kinds of which no list shows anything to this person now."""
        return sorted({*self.hidden, *self.off})

    def must_have(self, kind: str) -> None:
        """Raise FeatureOff where a kind belongs to a part that is switched off."""
        if kind in self.off:
            raise FeatureOff(self.off[kind])

    def must_have_choices(self, kind: str, mapping: Mapping[str, Any] | None, options: "Options | None") -> None:
        """Raise FeatureOff or Forbidden where this person may not feed a field now, or may not create associates."""
        if options is not None and options.create_associates and "associates" in self.hidden:
            raise Forbidden("You do not have the permission to create associates. Ask an administrator.")
        barred = self.barred.get(kind)
        if not barred or not mapping:
            return
        told = ColumnMapping.from_json(dict(mapping))
        for name in (*told.columns.values(), *told.constants):
            if name in barred:
                raise barred[name]


@dataclass(frozen=True)
class Options:
    """How the rows are to be applied.

    `repeated` says what becomes of a row whose key came before in the file: refuse it, or fold it, which applies the
    rows of a key one after the other, blank cells of the later ones keeping what is there. `newer` says whether a row
    of an export may overwrite what others changed since: refuse it, or overwrite. `associates` says whether those that
    rows of customers name come to the others (add) or replace them, `create_associates` whether unknown ones are made.
    """

    mode: str = "both"
    match: str = "code"
    blank: str = "keep"
    repeated: str = "refuse"
    newer: str = "refuse"
    associates: str = "add"
    create_associates: bool = False


def options_of(job: Job) -> Options:
    """Return how the rows of a job are applied."""
    return Options(**{one.name: getattr(job, one.name) for one in fields(Options)})


def check_start(mapping: ColumnMapping, header: Sequence[str], target: Target, options: Options) -> None:
    """Raise MappingRefused unless a job can run with this mapping and these options."""
    validate(mapping, header, target, match=options.match, mode=options.mode, repeated=options.repeated)


def create_job(
    session: Session,
    viewer: Viewer,
    kind: str,
    file_name: str,
    received: Received,
    form: Sniffed,
    upload_key: str | None = None,
    constants: dict[str, str] | None = None,
) -> Job:
    """Make the job of a file that was received; its columns are yet to be matched.

    `constants` are values for fields that are known before: the account whose contacts these are.
    """
    job = Job(
        id=received.job_id,
        kind=kind,
        file_name=file_name,
        file_path=received.path,
        file_size=received.size,
        file_digest=received.digest,
        upload_key=upload_key,
        mapping=_only_constants(constants or {}),
        queue="short" if received.size < SHORT_FILE else "long",
        chunk_rows=_chunk_rows(received.size, form),
        created_by=viewer.user_id,
        created_by_name=viewer.name,
        **_form_values(form),
    )
    session.add(job)
    session.flush()
    return job


def uploaded_before(session: Session, viewer: Viewer, upload_key: str, digest: bytes | None) -> Job | None:
    """Return the job that this person made under an idempotency key; raise UploadKeyReused for another file."""
    job = session.execute(
        select(Job).where(Job.created_by == viewer.user_id, Job.upload_key == upload_key)
    ).scalar_one_or_none()
    if job is not None and digest is not None and job.file_digest != digest:
        raise UploadKeyReused
    return job


def form_key(key: str, content: bytes) -> str | None:
    """Return the idempotency key of what a form of this `key` asks for; the same form with another content has another.

    So a repeat after a lost answer is the same job, and what a person has changed in the form meanwhile is done.
    """
    return f"{key}:{hashlib.sha256(content).hexdigest()}" if key else None


def get_job(session: Session, viewer: Viewer, job_id: uuid.UUID) -> Job:
    """Return a job that `viewer` may see; raise JobNotFound otherwise, FeatureOff where its part is switched off."""
    job = _seen_job(session, viewer, job_id)
    viewer.must_have(job.kind)
    return job


def _seen_job(session: Session, viewer: Viewer, job_id: uuid.UUID) -> Job:
    job = session.get(Job, job_id)
    if job is None or not viewer.sees(job):
        raise JobNotFound
    return job


def list_jobs(
    session: Session,
    viewer: Viewer,
    *,
    mine: bool = False,
    states: Sequence[str] = (),
    after: uuid.UUID | None = None,
    limit: int = 50,
) -> list[Job]:
    """Return up to `limit` jobs that `viewer` may see, the newest first, older than the job `after`."""
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    if mine or not viewer.sees_all:
        query = query.where(Job.created_by == viewer.user_id)
    if viewer.unlisted:
        query = query.where(Job.kind.not_in(viewer.unlisted))
    if states:
        query = query.where(Job.state.in_(states))
    if after is not None:
        query = query.where(Job.id < after)
    return list(session.execute(query).scalars())


def change_form(session: Session, viewer: Viewer, job_id: uuid.UUID, seen_version: int | None, form: Sniffed) -> Job:
    """Read the file another way (encoding, delimiter, header or not); the matching starts anew."""
    job = _changeable(session, viewer, job_id, seen_version)
    for name, value in _form_values(form).items():
        setattr(job, name, value)
    job.mapping = _only_constants(ColumnMapping.from_json(job.mapping or {}).constants)
    job.state = "uploaded"
    session.flush()
    return job


def change_mapping(
    session: Session,
    viewer: Viewer,
    job_id: uuid.UUID,
    seen_version: int | None,
    *,
    mapping: dict[str, Any] | None = None,
    options: Options | None = None,
) -> Job:
    """Set which column feeds which field, how rows are applied, or both; the mapping was checked by the caller.

    Raises FeatureOff or Forbidden for what this person may not choose now.
    """
    job = _changeable(session, viewer, job_id, seen_version)
    viewer.must_have_choices(job.kind, mapping, options)
    if mapping is not None:
        job.mapping = mapping
        job.state = "mapped"
    if options is not None:
        for one in fields(Options):
            setattr(job, one.name, getattr(options, one.name))
    session.flush()
    return job


def _changeable(session: Session, viewer: Viewer, job_id: uuid.UUID, seen_version: int | None) -> Job:
    get_job(session, viewer, job_id)
    job = locked_job(session, job_id)
    if seen_version is not None and job.version != seen_version:
        raise Stale("This import")
    must_wait(job)
    forget_check(session, job)
    job.version += 1
    return job


def must_wait(job: Job) -> None:
    """Raise JobEnded, JobChecking or JobStarted for a job that is no longer waiting for its choices."""
    if job.state in FINAL:
        raise JobEnded
    if job.state == "checking":
        raise JobChecking
    if job.state not in WAITING:
        raise JobStarted


def start_job(session: Session, viewer: Viewer, job_id: uuid.UUID, seen_version: int | None = None) -> Job:
    """Queue a mapped job; one that is at work already stays as it is.

    One that was checked goes on from the chunks that are staged, and what the check told stays as its promise.
    """
    get_job(session, viewer, job_id)
    job = locked_job(session, job_id)
    if job.state == "checking":
        raise JobChecking
    if job.state in AT_WORK:
        return job
    viewer.must_have_choices(job.kind, job.mapping, options_of(job))
    if job.state in (*FINAL, "undoing"):
        raise JobEnded
    if seen_version is not None and job.version != seen_version:
        raise Stale("This import")
    if job.state not in ("mapped", "ready") or not job.mapping:
        raise NotMapped
    staged: dict[str, Any] = {"state": "queued"}
    if job.state == "ready":
        stage_again(session, job)
        staged = {"state": "running", "started_at": func.now()}
    session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(
            **staged,
            queued_at=func.now(),
            deadline_at=func.now() + DEADLINE,
            request_id=request_id(),
            version=Job.version + 1,
        )
    )
    session.refresh(job)
    return job


def request_cancel(session: Session, viewer: Viewer, job_id: uuid.UUID) -> Job:
    """Ask a job to stop; asking twice changes nothing.

    One that has not begun or is only checked ends at once, the others as soon as their owner has said what was applied.
    What runs can be stopped at any time, also while its part of Liaison is switched off.
    """
    _seen_job(session, viewer, job_id)
    job = locked_job(session, job_id)
    if job.state in FINAL:
        raise JobEnded
    if job.state == "undoing":
        raise JobUndoing
    values: dict[str, Any] = {}
    if job.state in (*WAITING, "checking"):  # nothing was applied
        forget_check(session, job)
        values = {"state": "cancelled", "finished_at": func.now(), "cancel_requested_at": func.now()}
    elif job.cancel_requested_at is None:
        values = {"cancel_requested_at": func.now(), **_TO_ITS_END}
    if values:
        session.execute(update(Job).where(Job.id == job_id).values(**values, version=Job.version + 1))
        session.refresh(job)
    return job


def fail_job(session: Session, job_id: uuid.UUID, code: str, sentence: str) -> None:
    """Stop a job that cannot go on; what was applied stays, the rest is not tried any more."""
    session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state.in_(AT_WORK), Job.cancel_requested_at.is_(None))
        .values(failure_code=code, failure=sentence, cancel_requested_at=func.now(), **_TO_ITS_END)
    )


UNHEARD = ("owner_gone", "owner_refused")  # how jobs fail whose owner may have applied more than is counted


_TO_ITS_END: dict[str, Any] = {  # a reader finds its lease gone; one who ends the job keeps it
    "lease_token": case((Job.read_at.is_(None), None), else_=Job.lease_token),
    "lease_until": case((Job.read_at.is_(None), None), else_=Job.lease_until),
    "resume_at": None,
    "waiting": None,
    "waits": 0,
    "attempts": 0,
}


def list_refusals(
    session: Session, viewer: Viewer, job_id: uuid.UUID, *, after: int = 0, limit: int = 50
) -> list[Refusal]:
    """Return up to `limit` refused rows of a job behind row number `after`, in the order of the file."""
    get_job(session, viewer, job_id)
    query = select(Refusal).where(Refusal.job_id == job_id, Refusal.row > after).order_by(Refusal.row).limit(limit)
    return list(session.execute(query).scalars())


def retries_of(session: Session, job: Job) -> list[Job]:
    """Return the jobs of the corrected rows of `job`, the newest first."""
    return list(session.execute(select(Job).where(Job.retry_of == job.id).order_by(Job.id.desc()).limit(20)).scalars())


def get_error_file(session: Session, viewer: Viewer, job_id: uuid.UUID) -> Job:
    """Return the job whose error file may be read; raise NoErrorFile when there is none."""
    job = get_job(session, viewer, job_id)
    if job.error_file is None:
        raise NoErrorFile
    return job


def _only_constants(constants: dict[str, str]) -> dict[str, Any] | None:
    return ColumnMapping(constants=constants).to_json() if constants else None


def locked_job(session: Session, job_id: uuid.UUID) -> Job:
    """Return a job that nobody else changes until the transaction ends."""
    return session.execute(
        select(Job).where(Job.id == job_id).with_for_update(key_share=True).execution_options(populate_existing=True)
    ).scalar_one()


def _form_values(form: Sniffed) -> dict[str, Any]:
    return {
        "encoding": form.encoding,
        "bom": form.bom,
        "delimiter": form.delimiter,
        "has_header": form.has_header,
        "header": form.header,
        "sample": form.sample_rows,
        "warnings": form.warnings,
    }


def _chunk_rows(size: int, form: Sniffed) -> int:
    """Return how many rows a chunk has: 10,000, fewer in a small file so that its bar moves."""
    rows = form.sample_rows
    width = 2 if form.encoding.startswith("utf-16") else 1
    bytes_per_row = width * sum(len(cell) + 1 for row in rows for cell in row) / max(len(rows), 1)
    return max(200, min(10_000, int(size / max(bytes_per_row, 1) / 20)))
