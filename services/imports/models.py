"""The tables of imports: jobs, their chunks, refused rows, and saved mappings.

What a job did stands in its chunks and refusals and nowhere else; the counts on `job` are copied from them once, at
the end. A lease says who works on a job's file or on a chunk; its token guards every write made under it.
"""

import uuid
from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.db import CreatedAt, UuidPk, metadata
from shared.idempotency import IdempotencyTable
from shared.outbox import OutboxTable

Words = Annotated[str, mapped_column(Text)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Count = Annotated[int, mapped_column(Integer, server_default="0")]

JOB_STATES = (
    "uploaded",
    "mapped",
    "checking",
    "ready",
    "queued",
    "running",
    "completed",
    "completed_with_errors",
    "cancelled",
    "failed",
    "undoing",
    "undone",
    "partly_undone",
)
AT_WORK = "state IN ('queued', 'running', 'checking', 'undoing')"
EXPORT_STATES = ("queued", "running", "completed", "cancelled", "failed")
CHUNK_STATES = ("due", "leased", "done", "failed", "void", "cancelled")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Base(DeclarativeBase):
    """The base of the tables of imports."""

    metadata = metadata()


class Job(Base):
    """One import: the file, how it is to be read, how far it is, and what came of it.

    `lease_until`/`lease_token` belong to whoever reads the file or brings the job to its end (never both at once);
    `attempts` counts how often that was begun since it last got any further, waits for others left out.
    `version` counts what people change; the engine's own writes leave it alone. `request_id` is that of the request
    which started it; all that is done for the job is logged under it. `promise` is what a check told; `reading` counts
    the readings of the file that were thrown away with theirs. `removed`, `restored`, `kept` and `gone` tell what
    became of its records when it was taken back; `undo_failure` why that ended before all of it was. `change` is what a
    mass change does to its rows, which are customers.
    """

    __tablename__ = "job"

    id: Mapped[UuidPk]
    kind: Mapped[Words]
    state: Mapped[Words] = mapped_column(server_default="uploaded")

    file_name: Mapped[Words]
    file_path: Mapped[Words]
    file_size: Mapped[int] = mapped_column(BigInteger)
    file_digest: Mapped[bytes] = mapped_column(LargeBinary)
    upload_key: Mapped[Words | None]
    retry_of: Mapped[uuid.UUID | None] = mapped_column(index=True)
    encoding: Mapped[Words]
    bom: Mapped[bool] = mapped_column(server_default="false")
    delimiter: Mapped[Words]
    has_header: Mapped[bool] = mapped_column(server_default="true")
    header: Mapped[list[str]] = mapped_column(JSONB)
    sample: Mapped[list[list[str]]] = mapped_column(JSONB, server_default="[]")
    warnings: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")

    mapping: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    mode: Mapped[Words] = mapped_column(server_default="both")
    match: Mapped[Words] = mapped_column(server_default="code")
    blank: Mapped[Words] = mapped_column(server_default="keep")
    repeated: Mapped[Words] = mapped_column(server_default="refuse")
    newer: Mapped[Words] = mapped_column(server_default="refuse")
    associates: Mapped[Words] = mapped_column(server_default="add")
    create_associates: Mapped[bool] = mapped_column(server_default="false")
    queue: Mapped[Words] = mapped_column(server_default="short")
    chunk_rows: Mapped[int] = mapped_column(server_default="5000")

    rows: Mapped[int | None]
    read_rows: Mapped[Count]
    read_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    read_failed: Mapped[Count]
    read_at: Mapped[Moment | None]
    reading: Mapped[Count]
    lease_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[Moment | None]
    attempts: Mapped[Count]
    served_at: Mapped[Moment | None]
    waits: Mapped[Count]
    waiting: Mapped[Words | None]
    resume_at: Mapped[Moment | None]

    created: Mapped[Count]
    updated: Mapped[Count]
    unchanged: Mapped[Count]
    skipped: Mapped[Count]
    failed: Mapped[Count]
    promise: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    change: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error_file: Mapped[Words | None]
    failure_code: Mapped[Words | None]
    failure: Mapped[Words | None]

    created_by: Mapped[uuid.UUID]
    created_by_name: Mapped[Words]
    created_at: Mapped[CreatedAt]
    queued_at: Mapped[Moment | None]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]
    cancel_requested_at: Mapped[Moment | None]
    undo_by: Mapped[uuid.UUID | None]
    undo_by_name: Mapped[Words | None]
    undo_ip: Mapped[Words | None]
    undo_requested_at: Mapped[Moment | None]
    undone_at: Mapped[Moment | None]
    undo_failure: Mapped[Words | None]
    removed: Mapped[Count]
    restored: Mapped[Count]
    kept: Mapped[Count]
    gone: Mapped[Count]
    deadline_at: Mapped[Moment | None]
    request_id: Mapped[Words | None]
    version: Mapped[int] = mapped_column(server_default="1")

    __table_args__ = (
        CheckConstraint(_one_of("state", JOB_STATES), name="state"),
        CheckConstraint(_one_of("mode", ("create", "update", "both")), name="mode"),
        CheckConstraint(_one_of("blank", ("keep", "clear")), name="blank"),
        CheckConstraint(_one_of("repeated", ("refuse", "fold")), name="repeated"),
        CheckConstraint(_one_of("newer", ("refuse", "overwrite")), name="newer"),
        CheckConstraint(_one_of("queue", ("short", "long")), name="queue"),
        CheckConstraint(
            "finished_at IS NULL OR rows IS NULL OR created + updated + unchanged + skipped + failed = rows",
            name="counts_add_up",
        ),
        UniqueConstraint("created_by", "upload_key"),
        Index("job_created_by_id_ix", "created_by", "id"),
        Index("job_open_ix", "queue", "served_at", postgresql_where=text(AT_WORK)),
    )
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy reads it as it is


class Chunk(Base):
    """Some thousand rows of a job, sorted by key, that their owner applies at once or not at all.

    Numbers count from 0 in the order of the file; the halves of a split chunk (`parent_no`) have numbers from
    1,000,000,000. The five counts are the owner's answer, copied; until the job ends, `forecast` has the
    rest of it. The last four are its answer to the undo, which was done at `undone_at`.
    """

    __tablename__ = "chunk"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    parent_no: Mapped[int | None]
    state: Mapped[Words] = mapped_column(server_default="due")
    rows: Mapped[int]
    path: Mapped[Words]
    checksum: Mapped[Words]
    due_at: Mapped[Moment] = mapped_column(server_default=func.now())
    lease_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[Moment | None]
    attempts: Mapped[Count]
    expired_leases: Mapped[Count]
    last_error: Mapped[Words | None]
    created: Mapped[Count]
    updated: Mapped[Count]
    unchanged: Mapped[Count]
    skipped: Mapped[Count]
    failed: Mapped[Count]
    forecast: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    finished_at: Mapped[Moment | None]
    undone_at: Mapped[Moment | None]
    removed: Mapped[Count]
    restored: Mapped[Count]
    kept: Mapped[Count]
    gone: Mapped[Count]

    __table_args__ = (
        CheckConstraint(_one_of("state", CHUNK_STATES), name="state"),
        CheckConstraint(
            "state NOT IN ('done', 'failed', 'cancelled') OR created + updated + unchanged + skipped + failed = rows",
            name="counts_add_up",
        ),
        Index("chunk_open_ix", "job_id", "no", postgresql_where=text("state IN ('due', 'leased')")),
        Index("chunk_lease_ix", "lease_until", postgresql_where=text("state = 'leased'")),
    )


class Refusal(Base):
    """A row that was refused, by the reader or by the owner. `row` counts records from 1, `line` physical lines.

    `foretold` rows were refused while the job was only checked.
    """

    __tablename__ = "refusal"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int]
    column: Mapped[Words | None]
    code: Mapped[Words]
    message: Mapped[Words]
    foretold: Mapped[bool] = mapped_column(server_default="false")


class Kept(Base):
    """Something that stays as it is although its import was taken back, and why; as its owner told it."""

    __tablename__ = "kept"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    record: Mapped[Words]
    label: Mapped[Words]
    url: Mapped[Words]
    field: Mapped[Words | None]
    reason: Mapped[Words]
    message: Mapped[Words]

    __table_args__ = (Index("kept_job_id_id_ix", "job_id", "id"),)


class SavedMapping(Base):
    """A mapping kept by name; one whose header is the file's own is offered first."""

    __tablename__ = "saved_mapping"

    id: Mapped[UuidPk]
    kind: Mapped[Words]
    name: Mapped[Words]
    header_hash: Mapped[bytes] = mapped_column(LargeBinary)
    header: Mapped[list[str]] = mapped_column(JSONB)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[uuid.UUID]
    created_by_name: Mapped[Words]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    version: Mapped[int] = mapped_column(server_default="1")

    __table_args__ = (
        UniqueConstraint("kind", "name"),
        Index("saved_mapping_kind_header_hash_ix", "kind", "header_hash"),
    )
    __mapper_args__ = {"version_id_col": version, "eager_defaults": True}  # noqa: RUF012 - SQLAlchemy reads it as it is


class Export(Base):
    """A list that a person takes out as a file: what was asked for, how far it is, and where the file is.

    `filter` is what the list was asked for, in the owner's words. `expected` is how many rows there were at the start;
    `rows` are those written so far, in the end all. The file is gone some time after `expires_at`.
    """

    __tablename__ = "export"

    id: Mapped[UuidPk]
    kind: Mapped[Words]
    state: Mapped[Words] = mapped_column(server_default="queued")
    filter: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    columns: Mapped[list[str]] = mapped_column(JSONB)
    delimiter: Mapped[Words] = mapped_column(server_default=",")
    bom: Mapped[bool] = mapped_column(server_default="true")
    queue: Mapped[Words] = mapped_column(server_default="short")

    expected: Mapped[int | None]
    rows: Mapped[Count]
    file_name: Mapped[Words]
    file_path: Mapped[Words | None]
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    expires_at: Mapped[Moment | None]

    lease_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[Moment | None]
    attempts: Mapped[Count]
    waits: Mapped[Count]
    waiting: Mapped[Words | None]
    resume_at: Mapped[Moment | None]
    failure_code: Mapped[Words | None]
    failure: Mapped[Words | None]

    created_by: Mapped[uuid.UUID]
    created_by_name: Mapped[Words]
    created_ip: Mapped[Words] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]

    __table_args__ = (
        CheckConstraint(_one_of("state", EXPORT_STATES), name="state"),
        CheckConstraint(_one_of("queue", ("short", "long")), name="queue"),
        CheckConstraint("(state IN ('queued', 'running')) = (finished_at IS NULL)", name="finished"),
        Index("export_created_by_id_ix", "created_by", "id"),
        Index("export_open_ix", "id", postgresql_where=text("state IN ('queued', 'running')")),
    )
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy reads it as it is


class Outbox(OutboxTable, Base):
    """Facts about jobs, for whoever pulls the feed."""


class IdempotencyKey(IdempotencyTable, Base):
    """Answers to creating POSTs that may be repeated."""
