"""The bulk protocol (design 6): a chunk of rows is applied exactly once, or not at all.

The owner of the rows applies one chunk in one transaction: fence, receipt, rows, counts. A chunk that comes again
waits for the first and gets its receipt. Closing the fence of a job waits for what is being applied; after that no
chunk of the job is applied any more, so the receipts are the truth.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Integer, LargeBinary, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.errors import Conflict

VOID = "void"
KEPT = "attributes."  # what stands before the name of a column that feeds no field and is kept
SEEN = "_seen"  # the column of a chunk with what `_liaison` told: the versions that a row of an export shows
COUNTS = ("created", "updated", "unchanged", "skipped", "failed")
UNDO_COUNTS = ("removed", "restored", "kept", "gone")


@dataclass(frozen=True)
class Refusal:
    """One row that was refused. `row` is its number in the file (1 is the first record), `line` its physical line.

    `column` is the field at fault, or KEPT and the name of a column that is kept.
    """

    row: int
    line: int
    column: str | None
    code: str
    message: str


@dataclass
class ChunkResult:
    """What became of the rows of a chunk; the five counts add up to its rows.

    `fields` counts for each field the rows that changed it; None where an owner does not tell. `created_ids` holds the
    ids of created records, 16 bytes each, for undo. `left_out` are the numbers of the skipped rows.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    fields: Counter[str] | None = None
    created_ids: bytes = b""
    left_out: list[int] = field(default_factory=list)

    def skips(self, rows: Iterable[int]) -> None:
        """Count rows, by their numbers, that the job's mode leaves out."""
        before = len(self.left_out)
        self.left_out.extend(rows)
        self.skipped += len(self.left_out) - before

    def changes(self, names: Iterable[str]) -> None:
        """Note a row that changed these fields."""
        if self.fields is not None:
            self.fields.update(list(names))

    def to_json(self) -> dict[str, Any]:
        """Return the answer that the worker gets."""
        answer = asdict(self)
        del answer["created_ids"], answer["left_out"]
        if self.fields is None:
            del answer["fields"]
        else:
            answer["fields"] = dict(self.fields)
        return answer


@dataclass(frozen=True)
class Kept:
    """Something that an undo leaves as it is, and why.

    `label` is what people call the record and `url` where it is; `field` is None when the whole record stays.
    """

    record: str
    label: str
    url: str
    field: str | None
    reason: str
    message: str


@dataclass
class UndoResult:
    """What became of the records that a chunk had created or changed.

    Each record with all that belongs to it counts once: `removed`; `restored`, when it has again what it had; `kept`,
    when any of it stays (`left` tells what); `gone`, when somebody had deleted it before.
    """

    removed: int = 0
    restored: int = 0
    kept: int = 0
    gone: int = 0
    left: list[Kept] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the answer that the worker gets."""
        return asdict(self)


class FenceTable:
    """Mixin: `class JobFence(FenceTable, Base)`."""

    __tablename__ = "job_fence"

    job_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    closed: Mapped[bool] = mapped_column(server_default="false")


class ReceiptTable:
    """Mixin: `class Receipt(ReceiptTable, Base)`: one row per applied chunk, never changed by a repeat."""

    __tablename__ = "receipt"

    job_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    chunk_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    checksum: Mapped[str]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_ids: Mapped[bytes | None] = mapped_column(LargeBinary)
    applied_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class UndoReceiptTable:
    """Mixin: `class UndoReceipt(UndoReceiptTable, Base)`: one row per chunk that was taken back, never changed."""

    __tablename__ = "undo_receipt"

    job_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    chunk_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    undone_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class FenceClosed(Conflict):
    """The job was cancelled: none of its chunks is applied any more."""

    code = "fence_closed"


class ChecksumMismatch(Conflict):
    """Another content came under the number of a chunk that was applied."""

    code = "chunk_checksum_mismatch"


def open_fence(session: Session, fences: type[FenceTable], job_id: uuid.UUID) -> None:
    """Make the fence of a job, in a transaction of its own before the job's first chunk.

    Without it chunks are applied rightly too, but all wait for the first, whose transaction then makes the fence.
    """
    if session.get(fences, job_id) is None:
        session.execute(insert(fences).values(job_id=job_id).on_conflict_do_nothing())


def apply_chunk(
    session: Session,
    fences: type[FenceTable],
    receipts: type[ReceiptTable],
    job_id: uuid.UUID,
    chunk_no: int,
    checksum: str,
    apply: Callable[[Session], ChunkResult],
) -> dict[str, Any]:
    """Apply a chunk once and return its answer (`ChunkResult.to_json` plus `repeated`).

    Raises FenceClosed when the job was cancelled before the chunk was applied, ChecksumMismatch when the number was
    used for another content. Commits nothing: the caller's unit of work does.
    """
    closed = _share_fence(session, fences, job_id)
    if not closed:
        fresh = session.execute(
            insert(receipts)
            .values(job_id=job_id, chunk_no=chunk_no, checksum=checksum)
            .on_conflict_do_nothing()
            .returning(receipts.chunk_no)
        ).first()  # waits here for a twin that is being applied
        if fresh is not None:
            result = apply(session)
            receipt = session.get_one(receipts, (job_id, chunk_no))
            receipt.answer = result.to_json()
            receipt.created_ids = result.created_ids or None
            session.flush()
            return {**result.to_json(), "repeated": False}
    receipt = session.get(receipts, (job_id, chunk_no))  # type: ignore[assignment]
    if receipt is None:
        raise FenceClosed("This job was cancelled.")
    if receipt.checksum != checksum:
        raise ChecksumMismatch(f"Chunk {chunk_no} was applied with another content.")
    return {**(receipt.answer or {}), "repeated": True}


def close_fence(
    session: Session, fences: type[FenceTable], receipts: type[ReceiptTable], job_id: uuid.UUID
) -> list[int]:
    """Let no further chunk of the job be applied, after waiting for those at work; return the numbers of the applied.

    What became of one of them, `void_chunk` tells: all refusals of a job at once may be a million.
    """
    session.execute(
        insert(fences)
        .values(job_id=job_id, closed=True)
        .on_conflict_do_update(index_elements=["job_id"], set_={"closed": True})
    )
    applied = select(receipts.chunk_no).where(receipts.job_id == job_id, receipts.checksum != VOID)
    return list(session.execute(applied.order_by(receipts.chunk_no)).scalars())


def _share_fence(session: Session, fences: type[FenceTable], job_id: uuid.UUID) -> bool:
    session.execute(insert(fences).values(job_id=job_id).on_conflict_do_nothing())
    return bool(
        session.execute(select(fences.closed).where(fences.job_id == job_id).with_for_update(read=True)).scalar_one()
    )


def void_chunk(
    session: Session, fences: type[FenceTable], receipts: type[ReceiptTable], job_id: uuid.UUID, chunk_no: int
) -> dict[str, Any] | None:
    """Let this chunk never be applied any more; return its answer if it was applied already, else None.

    Used before a chunk is split, so that its rows cannot come twice, and to ask again for an answer that was lost.
    """
    _share_fence(session, fences, job_id)
    session.execute(
        insert(receipts).values(job_id=job_id, chunk_no=chunk_no, checksum=VOID).on_conflict_do_nothing()
    )  # waits here for one that is being applied
    receipt = session.get_one(receipts, (job_id, chunk_no))
    return None if receipt.checksum == VOID else receipt.answer


def undo_chunk(
    session: Session,
    receipts: type[ReceiptTable],
    undo_receipts: type[UndoReceiptTable],
    job_id: uuid.UUID,
    chunk_no: int,
    undo: Callable[[Session, bytes], UndoResult],
) -> dict[str, Any]:
    """Take back once what a chunk did, and return the answer (`UndoResult.to_json` plus `repeated`).

    `undo` gets the ids that the chunk created. A chunk that was never applied never will be after this, and there is
    nothing to take back. Commits nothing: the caller's unit of work does.
    """
    fresh = session.execute(
        insert(undo_receipts)
        .values(job_id=job_id, chunk_no=chunk_no)
        .on_conflict_do_nothing()
        .returning(undo_receipts.chunk_no)
    ).first()  # waits here for a twin that is at it
    own = session.get_one(undo_receipts, (job_id, chunk_no))
    if fresh is None:
        return {**(own.answer or {}), "repeated": True}
    session.execute(
        insert(receipts).values(job_id=job_id, chunk_no=chunk_no, checksum=VOID).on_conflict_do_nothing()
    )  # waits here for one that is being applied
    receipt = session.get_one(receipts, (job_id, chunk_no))
    result = UndoResult() if receipt.checksum == VOID else undo(session, receipt.created_ids or b"")
    own.answer = result.to_json()
    session.flush()
    return {**result.to_json(), "repeated": False}
