"""The file of a job: its stages, its rows, and the file of those that were refused."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.imports.domain import error_file, mapping
from services.imports.domain.careful import RowFault
from services.imports.domain.kept_rows import KeptRows
from services.imports.domain.leases import Lease
from services.imports.domain.mapping import Mapping
from services.imports.domain.reading import BLOCK, Batch, Records
from services.imports.domain.staging import MappedRows, Stage, stage_rows
from services.imports.domain.target import Target
from services.imports.domain.together import Parts, stage_together
from services.imports.domain.uploads import folder_of, room_for_it, work_of
from services.imports.models import Job
from services.imports.models import Refusal as RefusedRow
from shared.bulk import Refusal
from shared.errors import DomainError
from shared.storage import Storage


class FileReader:
    """The stages of a job's file. `rows` is how many rows it has, once all stages were taken.

    What was read is kept in `storage` until the job ends.
    """

    def __init__(self, job: Job, target: Target, file: BinaryIO, storage: Storage) -> None:
        self.kept = kept_rows_of(storage, job)
        self.job = job
        self.target = target
        self.mapping = Mapping.from_json(job.mapping or {})
        self.records = records_of(job, file)

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self.records.rows

    def stages(self) -> Iterator[Stage]:
        """Give the stages of the file; the same ones each time it is read."""
        key = self.target.key(self.job.match)
        assert key is not None  # the mapping was checked against the target
        chunk_rows = min(self.job.chunk_rows, self.target.chunk_rows)
        if self.job.repeated == "fold" or key.together:
            parts = Parts(self.kept.storage, f"{work_of(self.job.id, self.job.reading)}/parts", self.job.file_size)
            return stage_together(self._mapped(), key, chunk_rows, parts)
        return stage_rows(self._mapped(), key, chunk_rows)

    def _mapped(self) -> Iterator[MappedRows]:
        for batch in self.records:
            self.kept.keep(batch, self.records.rows)
            yield mapped_rows(batch, self.mapping, self.job.header, self.target, self.records.bytes_read)


def mapped_rows(batch: Batch, chosen: Mapping, header: Sequence[str], target: Target, position: int) -> MappedRows:
    """Return the rows of a batch as the mapping makes them, and those that could not be read."""
    frame = mapping.apply(batch.frame, chosen, header, target)
    return MappedRows(frame, [_refusal(fault) for fault in batch.faults], position, mapping.told(batch.frame, header))


def records_of(job: Job, file: BinaryIO, block: int = BLOCK) -> Records:
    """Return the records of a job's file, of which so many bytes are read at once."""
    return Records(
        file,
        encoding=job.encoding,
        delimiter=job.delimiter,
        columns=job.header,
        has_header=job.has_header,
        block=block,
    )


def kept_rows_of(storage: Storage, job: Job) -> KeptRows:
    """Return the rows of a job's file as far as they were read."""
    return KeptRows(storage, f"{work_of(job.id, job.reading)}/rows", job.header, job.delimiter)


def count_rows(storage: Storage, job: Job) -> int:
    """Return how many rows the file of a job has, or as many as can be read of it."""
    if not storage.exists(job.file_path):  # it was lost, or that of a mass change never came
        return max(int((job.change or {}).get("customers", 0)), job.read_rows)
    with storage.open(job.file_path) as file:
        records = records_of(job, file)
        with suppress(DomainError):
            for _ in records:
                pass
        return max(records.rows, job.read_rows)


def write_error_file(session: Session, storage: Storage, held: Lease) -> str:
    """Write the refused rows of a job to its error file and return where that is."""
    job = held.job
    path = f"{folder_of(job.id)}/errors-{held.token}.csv"  # two that end a job never write the same file
    refusals = session.execute(
        select(RefusedRow)
        .where(RefusedRow.job_id == job.id)
        .order_by(RefusedRow.row)
        .execution_options(yield_per=2_000)
    ).scalars()
    columns = Mapping.from_json(job.mapping or {}).column_of(job.header)
    with room_for_it(), storage.writing(path) as out:
        rows = kept_rows_of(storage, job)
        error_file.write(rows, refusals, out, encoding=job.encoding, bom=job.bom, column_of=columns)
    return path


def _refusal(fault: RowFault) -> Refusal:
    return Refusal(fault.row, fault.line, fault.column, fault.code, fault.message)
