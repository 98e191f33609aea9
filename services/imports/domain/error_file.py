"""The file of refused rows: each as it was, in the delimiter and encoding of its file, with why it was refused.

Cells that a spreadsheet would run are defused (`shared.cells`), and restored when the file comes back.

Once a person has corrected it, it can be uploaded as it is: the four columns that say why are no data (`own_columns`),
and by them the job is found whose choices apply again (`earlier.job_of_error_file`).
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Protocol

import polars as pl

from services.imports.domain.careful import RowFault, column_at_fault
from services.imports.domain.decoding import BOMS, encode
from services.imports.domain.mapping import own_columns
from services.imports.domain.reading import ROW, Batch
from services.imports.domain.sniffing import ERROR_COLUMNS
from shared.cells import MARK, defuse


class Refused(Protocol):
    """Why a row was refused; `shared.bulk.Refusal` and the stored refusals are such."""

    @property
    def row(self) -> int:
        """Its number."""

    @property
    def line(self) -> int:
        """The physical line where it begins."""

    @property
    def column(self) -> str | None:
        """The field or column that is at fault."""

    @property
    def code(self) -> str:
        """The reason, for programs."""

    @property
    def message(self) -> str:
        """The reason, for people."""


class Rows(Protocol):
    """The records of a file, batch by batch; `rows` is the number of the last one given. `Records` are such."""

    columns: list[str]
    delimiter: str
    rows: int

    def __iter__(self) -> Iterator[Batch]:
        """Give the batches in the order of the file."""


def write(
    records: Rows,
    refusals: Iterable[Refused],
    out: BinaryIO,
    *,
    encoding: str,
    bom: bool = False,
    column_of: Mapping[str, str] | None = None,
) -> int:
    """Write the rows of `records` that `refusals` (sorted by row) name to `out`; return how many there were.

    Of an export, the versions that its rows show stay with them. A record that could not be taken apart stands in the
    first column as it was. `column_of` tells the file's own column for a field. Memory stays flat.
    """
    own = own_columns(records.columns)
    kept = [at for at, name in enumerate(records.columns) if name not in own or name == MARK]
    if bom:
        out.write(next((sign for sign, name in BOMS if name == encoding), b""))
    waiting = _Waiting(refusals)
    columns = column_of or {}
    count = 0
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=records.delimiter, lineterminator="\r\n")
    writer.writerow([*(defuse(records.columns[at]) for at in kept), *ERROR_COLUMNS])
    for batch in records:
        for cells, why in _refused_rows(batch, waiting.up_to(records.rows), kept):
            named = [column_at_fault(one.code, one.column, columns) for one in why]
            reasons = [
                why[0].line,
                _joined(named),
                _joined(one.code for one in why),
                _joined(one.message for one in why),
            ]
            writer.writerow([defuse(str(cell)) for cell in (*cells, *reasons)])
            count += 1
        out.write(encode(text.getvalue(), encoding))
        text.seek(0)
        text.truncate()
    out.write(encode(text.getvalue(), encoding))
    return count


def _refused_rows(
    batch: Batch, reasons: Mapping[int, list[Refused]], kept: Sequence[int]
) -> Iterator[tuple[Sequence[str], list[Refused]]]:
    """Return the cells of the refused rows of `batch`, in the order of the file."""
    if not reasons:
        return
    cells: dict[int, Sequence[str]] = {fault.row: _cells_of(fault, kept) for fault in batch.faults}
    rows = batch.frame.filter(pl.col(ROW).is_in(list(reasons)))
    cells.update({row[0]: [row[2 + at] for at in kept] for row in rows.iter_rows()})
    for row in sorted(reasons):
        if row in cells:
            yield cells[row], reasons[row]


def _cells_of(fault: RowFault, kept: Sequence[int]) -> Sequence[str]:
    if fault.cells is None:
        return [fault.raw, *[""] * (len(kept) - 1)]
    return [fault.cells[at] if at < len(fault.cells) else "" for at in kept]


def _joined(texts: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(text for text in texts if text))


class _Waiting:
    """Refusals, handed out up to a row at a time."""

    def __init__(self, refusals: Iterable[Refused]) -> None:
        self._refusals = iter(refusals)
        self._next = next(self._refusals, None)

    def up_to(self, row: int) -> dict[int, list[Refused]]:
        """Return what is next, up to and with `row`, by row."""
        found: dict[int, list[Refused]] = {}
        while self._next is not None and self._next.row <= row:
            found.setdefault(self._next.row, []).append(self._next)
            self._next = next(self._refusals, None)
        return found
