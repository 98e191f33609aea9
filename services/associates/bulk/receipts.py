"""Chunks of jobs, each applied exactly once (`shared.bulk`), and the history of what a whole job did to links."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from services.associates.models import Associate, Change, JobFence, Receipt, UndoReceipt
from shared import bulk
from shared.db import after_commit, uuid7
from shared.outbox import nudge_readers
from shared.records import Changes

DEEDS = {True: "linked_many", False: "unlinked_many"}
UNDONE = "undone_many"


def open_fence(session: Session, job_id: uuid.UUID) -> None:
    """Let chunks of a job be applied side by side from the first on."""
    bulk.open_fence(session, JobFence, job_id)


def apply_chunk(
    session: Session, job_id: uuid.UUID, chunk_no: int, checksum: str, apply: Callable[[Session], bulk.ChunkResult]
) -> dict[str, Any]:
    """Apply a chunk, or answer what became of it before. Raises FenceClosed, ChecksumMismatch."""
    return bulk.apply_chunk(session, JobFence, Receipt, job_id, chunk_no, checksum, apply)


def undo_chunk(
    session: Session, job_id: uuid.UUID, chunk_no: int, undo: Callable[[Session, bytes], bulk.UndoResult]
) -> dict[str, Any]:
    """Take back what a chunk did, or answer what became of that before."""
    return bulk.undo_chunk(session, Receipt, UndoReceipt, job_id, chunk_no, undo)


def void_chunk(session: Session, job_id: uuid.UUID, chunk_no: int) -> dict[str, Any] | None:
    """Let a chunk never be applied; return its answer if it was already."""
    return bulk.void_chunk(session, JobFence, Receipt, job_id, chunk_no)


def close_fence(session: Session, job_id: uuid.UUID) -> list[int]:
    """Let no further chunk of a job be applied; return the numbers of those that were."""
    return bulk.close_fence(session, JobFence, Receipt, job_id)


def finish_job(session: Session, job_id: uuid.UUID) -> None:
    """Write into the history of each associate how many customers the job gave and took, and nudge who reads of links.

    Asked again, what came since is added, and a line that is there stays what it is and when it was. A job that was
    about associates themselves wrote its lines with each chunk.
    """
    after_commit(session, nudge_readers)
    for receipts, is_undo in ((Receipt, False), (UndoReceipt, True)):
        answer = receipts.answer  # of which the refusals stay where they are: they may be many
        told = session.execute(select(answer["links"], answer["by"]).where(receipts.job_id == job_id))
        _write_history(session, job_id, told, is_undo=is_undo)


class Line(NamedTuple):
    """Which line of history tells what a job did."""

    associate: uuid.UUID
    role: str
    action: str


def _write_history(session: Session, job_id: uuid.UUID, told: Iterable[Any], *, is_undo: bool) -> None:
    """Write the lines of all associates at once: an import of assignments may be about many thousands."""
    sums: Counter[Line] = Counter()
    by = None
    for each, who in told:
        for associate, role, begun, links in each or ():
            sums[Line(uuid.UUID(associate), role, UNDONE if is_undo else DEEDS[begun])] += links
            by = who
    if by is None:
        return
    rows = select(Change.id, Change.associate_id, Change.action, Change.fields).where(Change.job_id == job_id)
    known = {
        Line(row.associate_id, row.fields["role"][1], row.action): row
        for row in session.execute(rows.where(Change.action.in_((UNDONE,) if is_undo else DEEDS.values())))
    }
    grown = [
        {"id": row.id, "fields": _fields(line, sums[line])}
        for line, row in known.items()
        if row.fields["customers"][1] != sums[line]
    ]
    if grown:
        session.execute(update(Change), grown)
    _add_lines(session, job_id, {line: links for line, links in sums.items() if line not in known}, by)


def _add_lines(session: Session, job_id: uuid.UUID, sums: Mapping[Line, int], by: Sequence[str]) -> None:
    whom = select(Associate.id, Associate.version).where(Associate.id.in_({line.associate for line in sums}))
    versions = {row.id: row.version for row in session.execute(whom)} if sums else {}
    lines = [
        {
            "id": uuid7(),
            "associate_id": line.associate,
            "actor_id": uuid.UUID(by[0]),
            "actor_name": by[1],
            "job_id": job_id,
            "action": line.action,
            "fields": _fields(line, links),
            "version": versions[line.associate],
        }
        for line, links in sorted(sums.items())
        if line.associate in versions
    ]
    if lines:
        session.execute(insert(Change), lines)


def _fields(line: Line, links: int) -> Changes:
    return {"customers": [None, links], "role": [None, line.role]}
