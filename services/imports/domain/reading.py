"""Records of a CSV file in flat memory: a block at a time, each as a polars frame.

A block that is in order (checked by counting, or by a grammar where there are quotes) is taken apart by polars. Any
oddity sends that one block to `careful`, which finds the line of each fault; both give the same rows (a property test
holds that).
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import polars as pl

from services.imports.domain.careful import MAX_CELL, WHITE, CarefulReader, Reading, RowFault
from services.imports.domain.decoding import decoder
from services.imports.domain.header import behind_first_line, first_record, hint_length
from services.imports.domain.sniffing import is_defused
from shared.cells import restore, restore_frame

BLOCK = 1 << 20  # bytes that are read at once
MAX_LINE = 2_000_000  # characters; a longer line is refused without being kept
MAX_BACK = 200  # line ends that are tried for a block's end outside quotes
ROW, LINE = "_row", "_line"


@dataclass
class Batch:
    """Some consecutive records.

    `frame` has `_row` (UInt32, number of the record), `_line` (UInt32, physical line where it begins) and a String
    column "0", "1", ... per column of the file; `faults` are the records between that can't be imported; `blank`
    records were left out.
    """

    frame: pl.DataFrame
    faults: list[RowFault] = field(default_factory=list)
    blank: int = 0


class Records:
    """The records of `file`, from its first byte on. Iterate once; memory stays flat whatever the file's size.

    Cells of a file that we wrote are given as they were before they were defused.

    After (and while) iterating: `rows` counts records (faulty ones too, blank ones not), `blank` those left out,
    `bytes_read` tells how far it is.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        encoding: str,
        delimiter: str,
        columns: Sequence[str],
        has_header: bool = True,
        block: int = BLOCK,
    ) -> None:
        self.file = file
        self.decoder = decoder(encoding)
        self.delimiter = delimiter
        self.columns = list(columns)
        self.has_header = has_header
        self.defused = has_header and is_defused(columns)
        self.block = block
        self.careful = CarefulReader(columns, delimiter, encoding)
        self.grammar = _grammar(delimiter, len(self.columns))
        self.rows = 0
        self.blank = 0
        self.bytes_read = 0
        self._line = 1
        self._at_start = True

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._batches():
            yield _restored(batch) if self.defused else batch

    def _batches(self) -> Iterator[Batch]:
        carry, final = "", False
        while not final:
            data = self.file.read(self.block)
            self.bytes_read += len(data)
            final = not data
            text = carry + self.decoder.decode(data, final)
            cut = len(text) if final else _behind_last_line(text)
            if not cut:
                if len(text) > MAX_LINE:
                    batch, carry, final = self._skip_line(text)
                    yield batch
                else:
                    carry = text
                continue
            block, carry = text[:cut], text[cut:]
            if self._at_start:
                used = self._length_of_header(block, final=final or len(block) >= BLOCK)
                if used is None and not final:
                    carry = block + carry
                    continue
                block = self._behind_header(block, used or 0)
            batch, unread = self._read_block(block, final)
            carry = unread + carry
            if batch.frame.height or batch.faults:
                yield batch

    def _length_of_header(self, block: str, *, final: bool) -> int | None:
        """Return the length of what is passed over at the start; None if the header is not here yet."""
        if not self.has_header:
            return hint_length(block)
        used, cells = first_record(block, self.delimiter, final=final)
        return used if cells else None

    def _behind_header(self, block: str, used: int) -> str:
        self._at_start = False
        self._line += line_count(block[:used])
        return block[used:]

    def _read_block(self, block: str, final: bool) -> tuple[Batch, str]:
        cut = len(block) if final else _outside_quotes(block)
        head, tail = block[:cut], block[cut:]
        batch = self._quick(head)
        if batch is not None:
            return batch, tail
        return self._slow(block, final)

    def _quick(self, block: str) -> Batch | None:
        """Return the batch of a block that is in order, None for any other."""
        lines = block.count("\n")
        quoted = '"' in block
        if not self._looks_plain(block, lines) or not self._has_right_shape(block, lines, quoted=quoted):
            return None
        try:
            frame = _parse(block, self.delimiter, len(self.columns), quoted=quoted)
        except (UnicodeEncodeError, pl.exceptions.PolarsError):
            return None
        if frame.height > lines or (not quoted and frame.height != lines) or _has_blank_rows(frame):
            return None
        starts = pl.int_range(self._line, self._line + frame.height, dtype=pl.UInt32, eager=True)
        if frame.height != lines:
            if _longest(frame) > MAX_CELL:
                return None
            starts = (starts + _newlines_before(frame)).cast(pl.UInt32).rechunk()
        batch = Batch(self._numbered(frame, starts))
        self._line += lines
        return batch

    def _looks_plain(self, block: str, lines: int) -> bool:
        """Tell whether the block may be taken apart by counting: no NUL, no CR alone, no giant line, whole lines."""
        if not lines or "\0" in block or block[0] == "\ufeff" or block[-1] != "\n":
            return False
        if "\r" in block and block.count("\r") != block.count("\r\n"):
            return False
        return len(block) <= MAX_CELL or max(map(len, block.split("\n"))) <= MAX_CELL

    def _has_right_shape(self, block: str, lines: int, *, quoted: bool) -> bool:
        if quoted:
            return self.grammar.fullmatch(block) is not None
        return block.count(self.delimiter) == (len(self.columns) - 1) * lines

    def _numbered(self, frame: pl.DataFrame, starts: pl.Series) -> pl.DataFrame:
        numbers = pl.int_range(self.rows + 1, self.rows + 1 + frame.height, dtype=pl.UInt32, eager=True)
        self.rows += frame.height
        return frame.select(numbers.alias(ROW), starts.alias(LINE), pl.all())

    def _slow(self, block: str, final: bool) -> tuple[Batch, str]:
        lines = list(io.StringIO(block, newline=""))
        found = self.careful.read(lines, line=self._line, row=self.rows + 1, final=final)
        self._line += found.unread
        return self._batch_of(found), "".join(lines[found.unread :])

    def _batch_of(self, found: Reading) -> Batch:
        columns = list(zip(*found.rows, strict=True)) or [()] * len(self.columns)
        frame = pl.DataFrame(
            {ROW: found.numbers, LINE: found.lines, **{str(at): column for at, column in enumerate(columns)}},
            schema={ROW: pl.UInt32, LINE: pl.UInt32, **{str(at): pl.String for at in range(len(columns))}},
        )
        self.rows += len(found.rows) + len(found.faults)
        self.blank += found.blank
        return Batch(frame, found.faults, found.blank)

    def _skip_line(self, text: str) -> tuple[Batch, str, bool]:
        """Leave out a line that is too long to be kept; return its fault, what follows it, and whether that is all."""
        raw, rest, final = text[:MAX_CELL], "", False
        while not final:
            data = self.file.read(self.block)
            self.bytes_read += len(data)
            final = not data
            rest = self.decoder.decode(data, final)
            if end := behind_first_line(rest):
                rest = rest[end:]
                break
            rest = ""
        self.rows += 1
        message = f"This line is longer than {MAX_LINE:,} characters."
        fault = RowFault(self.rows, self._line, None, "line_too_long", message, raw)
        self._line += 1
        return Batch(self._batch_of(Reading()).frame, [fault]), rest, final


def _restored(batch: Batch) -> Batch:
    """Take the apostrophes off that we put before what a spreadsheet would run."""
    faults = [
        replace(fault, raw=restore(fault.raw), cells=fault.cells and [restore(cell) for cell in fault.cells])
        for fault in batch.faults
    ]
    return Batch(restore_frame(batch.frame), faults, batch.blank)


def line_count(text: str) -> int:
    """Return how many line ends there are: CR LF, LF or CR."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _behind_last_line(text: str) -> int:
    """Return where the last whole line ends; 0 if there is none."""
    return text.rfind("\n") + 1 or text.rfind("\r", 0, max(len(text) - 1, 0)) + 1


def _outside_quotes(block: str) -> int:
    """Return where the last line ends that is likely not inside a quoted cell."""
    quotes = block.count('"')
    end = len(block)
    for _ in range(MAX_BACK):
        if quotes % 2 == 0:
            return end
        start = block.rfind("\n", 0, end - 1) + 1
        quotes -= block.count('"', start, end)
        if not start:
            break
        end = start
    return len(block)


def _grammar(delimiter: str, columns: int) -> re.Pattern[str]:
    """Return the pattern of whole records with exactly this many cells (RFC 4180)."""
    sign = re.escape(delimiter)
    cell = f'(?:"[^"]*+(?:""[^"]*+)*+"|[^"\\r\\n{sign}]*+)'
    return re.compile(f"(?:(?:{cell}{sign}){{{columns - 1}}}{cell}\\r?\\n)*+")


def _parse(block: str, delimiter: str, columns: int, *, quoted: bool) -> pl.DataFrame:
    return pl.read_csv(
        block.encode(),
        has_header=False,
        separator=delimiter,
        quote_char='"' if quoted else None,
        schema={str(at): pl.String for at in range(columns)},
        infer_schema=False,
    ).fill_null("")


def _has_blank_rows(frame: pl.DataFrame) -> bool:
    blank = frame.filter(frame["0"].str.strip_chars(WHITE) == "")
    if not blank.height:
        return False
    return not blank.select(pl.any_horizontal(pl.all().str.strip_chars(WHITE) != "").all()).item()


def _longest(frame: pl.DataFrame) -> int:
    return int(frame.select(pl.max_horizontal(pl.all().str.len_chars().max())).item() or 0)


def _newlines_before(frame: pl.DataFrame) -> pl.Series:
    """Return for each record how many line ends stand inside the cells of those before it."""
    inside = frame.select(pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True))).to_series()
    return inside.cum_sum().shift(1, fill_value=0)
