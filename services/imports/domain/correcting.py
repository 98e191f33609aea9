"""Refused rows that a person corrects on the screen: a new job of those rows, by the same mapping and options (I9)."""

import csv
import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from sqlalchemy.orm import Session

from services.imports.domain.careful import CODES, column_at_fault
from services.imports.domain.jobs import (
    Viewer,
    change_mapping,
    create_job,
    form_key,
    get_error_file,
    list_refusals,
    locked_job,
    options_of,
    uploaded_before,
)
from services.imports.domain.jobs import start_job as start
from services.imports.domain.mapping import Mapping as ColumnMapping
from services.imports.domain.mapping import own_columns
from services.imports.domain.sniffing import ERROR_COLUMNS, sniff_file
from services.imports.domain.uploads import receive_file
from services.imports.errors import NothingCorrected, OnlyChecked, RowNotRefused
from services.imports.models import Job, Refusal
from shared.cells import MARK, defuse, is_ours, restore
from shared.storage import Storage

MOST = 1_000
Cells = Mapping[int, str]


@dataclass(frozen=True)
class RefusedRow:
    """A refused row as it was; `at` is the place of the wrong cell in `cells`, None where no single one is.

    `mark` tells which versions a row of an export shows.
    """

    row: int
    line: int
    code: str
    message: str
    at: int | None
    cells: list[str]
    mark: str | None = None


@dataclass(frozen=True)
class RefusedRows:
    """The first refused rows of a job; `others` cannot be corrected cell by cell, or are too many."""

    columns: list[str]
    rows: list[RefusedRow]
    others: int

    def row(self, number: int) -> RefusedRow:
        """Return the row with this number; raise RowNotRefused."""
        found = next((one for one in self.rows if one.row == number), None)
        if found is None:
            raise RowNotRefused(number)
        return found

    def corrected(self, changes: Mapping[int, Cells]) -> list[list[str]]:
        """Return the rows of which a cell is other than it was, as they are now; raise RowNotRefused.

        Marks stay with them, and why they were refused: by that a row is known that still has the key of another.
        """
        made = []
        for number, cells in sorted(changes.items()):
            row = self.row(number)
            was = row.cells
            now = [_one_end(cells.get(at, cell)) for at, cell in enumerate(was)]
            if now != [_one_end(cell) for cell in was]:
                mark = [] if row.mark is None else [row.mark]
                made.append([*now, *mark, str(row.line), "", row.code, row.message])
        return made


def refused_rows(session: Session, storage: Storage, viewer: Viewer, job_id: uuid.UUID) -> RefusedRows:
    """Return the first refused rows of a job that has ended; raise JobNotFound, NoErrorFile, OnlyChecked."""
    job = get_error_file(session, viewer, job_id)
    if job.finished_at is None:
        raise OnlyChecked
    if job.change:  # customers that were deleted cannot be corrected
        return RefusedRows([], [], job.failed)
    own = own_columns(job.header)
    columns = [name for name in job.header if name not in own]
    there = [name for name in job.header if name not in own or name == MARK]
    marked = there.index(MARK) if MARK in there else None
    refusals = {one.line: one for one in list_refusals(session, viewer, job_id, limit=MOST)}
    column_of = ColumnMapping.from_json(job.mapping or {}).column_of(job.header)
    rows = []
    for cells in _rows_of(storage, job):
        line, kept = cells[-len(ERROR_COLUMNS)], cells[: -len(ERROR_COLUMNS)]
        mark = kept.pop(marked) if marked is not None and len(kept) > marked else None
        refusal = refusals.get(int(line)) if line.isdigit() else None
        if refusal and refusal.code not in CODES and len(kept) == len(columns):
            rows.append(_refused_row(refusal, kept, columns, column_of, mark))
    return RefusedRows(columns, rows, max(job.failed - len(rows), 0))


def try_again(
    session: Session, storage: Storage, viewer: Viewer, job_id: uuid.UUID, changes: Mapping[int, Cells], key: str = ""
) -> Job:
    """Start a job of the corrected rows; raise NothingCorrected, RowNotRefused, and as `refused_rows` does.

    The same corrections with the same `key` give the same job again.
    """
    refused = refused_rows(session, storage, viewer, job_id)
    rows = refused.corrected(changes)
    if not rows:
        raise NothingCorrected
    first = get_error_file(session, viewer, job_id)
    mark = [MARK] if is_ours(first.header) else []
    header = [*refused.columns, *mark, *ERROR_COLUMNS]
    body = _file_of(header, rows, first.delimiter)
    upload_key = form_key(key, body)
    locked_job(session, first.id)  # a twin of this waits here
    if upload_key and (known := uploaded_before(session, viewer, upload_key, None)):
        return known
    form = sniff_file(io.BytesIO(body), encoding="utf-8", delimiter=first.delimiter, has_header=True)
    form = replace(form, header=header)  # as the matching names its columns
    received = receive_file(storage, io.BytesIO(body), len(body))
    name = f"{PurePath(first.file_name).stem[:180]} – corrected.csv"
    job = create_job(session, viewer, first.kind, name, received, form, upload_key)
    job.retry_of = first.id
    change_mapping(session, viewer, job.id, None, mapping=first.mapping, options=options_of(first))
    return start(session, viewer, job.id)


def _refused_row(
    refusal: Refusal, cells: list[str], columns: Sequence[str], column_of: Mapping[str, str], mark: str | None
) -> RefusedRow:
    name = column_at_fault(refusal.code, refusal.column, column_of)
    at = columns.index(name) if name in columns else None
    return RefusedRow(refusal.row, refusal.line, refusal.code, refusal.message, at, cells, mark)


def _rows_of(storage: Storage, job: Job) -> Iterator[list[str]]:
    """Give the first rows of a job's error file; those that are not whole text are left out."""
    with storage.open(job.error_file or "") as file:
        lines = io.TextIOWrapper(file, encoding=job.encoding, errors="replace", newline="")
        reader = csv.reader(lines, delimiter=job.delimiter, strict=True)
        try:
            for number, cells in enumerate(reader):
                if number > MOST:
                    return
                if number and len(cells) > len(ERROR_COLUMNS) and "\ufffd" not in "".join(cells):
                    yield [restore(cell) for cell in cells]
        except csv.Error:
            return


def _file_of(columns: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([defuse(cell) for cell in row] for row in (columns, *rows))
    return text.getvalue().encode()


def _one_end(text: str) -> str:
    """Return a cell with LF as its line ends: a browser sends them otherwise than they were."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
