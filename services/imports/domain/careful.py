"""Read records one by one, so that whatever is wrong is found with its line, and costs only its own rows.

A file that is in order never comes here (`reading` takes it block by block); a block with anything odd in it does.
"""

import csv
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.imports.domain.decoding import label_of
from shared.bulk import KEPT

MAX_CELL = 100_000  # characters in one cell; below the csv module's own limit of 131,072
MAX_PIECES = 10  # lines that carriage returns in the cells of one record may make of it
MAX_LINES = 1_000  # lines of one record; more means that a quote was never closed
CODES = frozenset(  # what is refused here names the file's own column, not a field
    ["too_few_cells", "too_many_cells", "open_quote", "stray_quote", "lone_carriage_return", "nul_byte", "bad_encoding",
     "cell_too_large", "line_too_long"]
)  # fmt: skip
WHITE = " \t\n\r\x0b\x0c\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


@dataclass(frozen=True)
class RowFault:
    """One record that can't be imported, and why.

    `row` counts records (1 is the first behind the header), `line` is the physical line where the record begins.
    `cells` is None when the record could not be taken apart; `raw` is its text as it was.
    """

    row: int
    line: int
    column: str | None
    code: str
    message: str
    raw: str
    cells: list[str] | None = None


@dataclass
class Reading:
    """What was read out of some lines; `unread` is the first line that was not used."""

    rows: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    blank: int = 0
    unread: int = 0


class CarefulReader:
    """Takes lines (with their ends) apart as RFC 4180 says, strictly, and goes on after each fault.

    Lines end with CR LF, LF or CR. Records whose cells are all blank are no rows: they are only counted.
    """

    def __init__(self, columns: Sequence[str], delimiter: str, encoding: str) -> None:
        self.columns = list(columns)
        self.delimiter = delimiter
        self.encoding = encoding

    def read(self, lines: list[str], *, line: int, row: int, final: bool) -> Reading:
        """Read `lines`; the first of them is physical line `line`, the first record is number `row`.

        Unless `final`, a record that may go on behind the last line is left unread.
        """
        found = Reading()
        feed = _Feed(lines, final=final)
        reader = csv.reader(feed, delimiter=self.delimiter, strict=True)
        while feed.at < len(lines):
            start = feed.begin()
            number = row + len(found.rows) + len(found.faults)
            try:
                cells = next(reader)
            except csv.Error as error:
                if feed.may_go_on:
                    feed.at = start
                    break
                feed.at, fault = self._unreadable(feed, start, str(error), number, line + start)
                found.faults.append(fault)
                continue
            if not "".join(cells).strip(WHITE):
                found.blank += 1
                continue
            if len(cells) != len(self.columns):
                cells = self._without_blank_surplus(cells)
            if len(cells) != len(self.columns):
                end = self._end_of_ragged(feed, len(cells))
                if end is None:
                    feed.at = start
                    break
                found.faults.append(self._ragged(feed, start, end, len(cells), number, line + start))
                continue
            fault_found = self._fault_of(feed, start, cells, number, line + start)
            if fault_found:
                found.faults.append(fault_found)
                continue
            found.rows.append(cells)
            found.numbers.append(number)
            found.lines.append(line + start)
        found.unread = feed.at
        return found

    def _without_blank_surplus(self, cells: list[str]) -> list[str]:
        """Drop blank cells beyond the last column: a delimiter at the end of a line loses nothing."""
        count = len(self.columns)
        return cells[:count] if len(cells) > count and not "".join(cells[count:]).strip(WHITE) else cells

    def _fault_of(self, feed: "_Feed", start: int, cells: list[str], number: int, line: int) -> RowFault | None:
        joined = "".join(cells)
        if "\0" in joined:
            return self._in_cell(feed, start, cells, number, line, "nul_byte", _has_nul, "a NUL character stands")
        if not _encodable(joined):
            where = f"some characters are not valid {label_of(self.encoding)}"
            return self._in_cell(feed, start, cells, number, line, "bad_encoding", _is_broken, where)
        if len(joined) > MAX_CELL and max(map(len, cells)) > MAX_CELL:
            where = f"the text is longer than {MAX_CELL:,} characters"
            return self._in_cell(feed, start, cells, number, line, "cell_too_large", _is_too_large, where)
        return None

    def _in_cell(
        self, feed: "_Feed", start: int, cells: list[str], number: int, line: int, code: str, test: "_Test", what: str
    ) -> RowFault:
        column = next(name for name, cell in zip(self.columns, cells, strict=True) if test(cell))
        return RowFault(
            number, line, column, code, f'In column "{column}" {what}.', feed.text(start, feed.at), list(cells)
        )

    def _end_of_ragged(self, feed: "_Feed", count: int) -> int | None:
        """Return the line behind a record with `count` cells, together with what a CR in a cell cut off from it.

        None if that can't be told before the lines that follow are here.
        """
        end, most = feed.at, feed.at + MAX_PIECES
        while count < len(self.columns) and end < most and feed.lines[end - 1].endswith("\r"):
            if end == len(feed.lines):
                return feed.at if feed.final else None
            count += self._width(feed.lines[end]) - 1
            end += 1
        return end if count == len(self.columns) else feed.at

    def _ragged(self, feed: "_Feed", start: int, end: int, count: int, number: int, line: int) -> RowFault:
        """Say that the number of cells is wrong, and do not let the record swallow whole ones behind its first line."""
        code, message = self._count_fault(count)
        if self._whole_ones(feed.lines, start + 1, feed.at):
            end = start + 1
            code, message = "open_quote", OPEN_QUOTE
        elif end > feed.at:
            code, message = "lone_carriage_return", LONE_CR
        feed.at = end
        return RowFault(number, line, None, code, message, feed.text(start, end))

    def _count_fault(self, count: int) -> tuple[str, str]:
        expected = len(self.columns)
        code = "too_few_cells" if count < expected else "too_many_cells"
        cells = "1 cell" if count == 1 else f"{count:,} cells"
        return code, f"This row has {cells}; the header has {expected:,}."

    def _unreadable(self, feed: "_Feed", start: int, error: str, number: int, line: int) -> tuple[int, RowFault]:
        """Return where to go on after a record that can't be taken apart, and its fault."""
        end = feed.at
        if feed.stopped:
            code, message = "open_quote", OPEN_QUOTE
        elif error.startswith("field larger"):
            code, message = "cell_too_large", f"A cell of this row is longer than {MAX_CELL:,} characters."
            end = feed.end_of_quote(end) if end - start > 1 else end
        elif end - start > 1:  # the quote that closed it is more likely the opening one of a later row
            return start + 1, RowFault(number, line, None, "open_quote", OPEN_QUOTE, feed.text(start, start + 1))
        else:
            code, message = "stray_quote", STRAY_QUOTE
        if self._whole_ones(feed.lines, start + 1, feed.at):
            end = start + 1
            code, message = "open_quote", OPEN_QUOTE
        return end, RowFault(number, line, None, code, message, feed.text(start, end))

    def _whole_ones(self, lines: list[str], start: int, end: int) -> bool:
        """Tell whether one of these lines is a whole record by itself."""
        return any(self._is_whole(line) for line in lines[start:end])

    def _is_whole(self, line: str) -> bool:
        return self._width(line) == len(self.columns) > 1

    def _width(self, line: str) -> int:
        """Return how many cells a line has by itself; 0 if it is no record by itself."""
        try:
            return len(next(csv.reader([line], delimiter=self.delimiter, strict=True), []))
        except csv.Error:
            return 0


OPEN_QUOTE = 'A quote (") opens in this row and is not closed.'
STRAY_QUOTE = 'A quote (") stands in the middle of a quoted cell. Write two ("") for one.'
LONE_CR = "A carriage return stands in the middle of this row."


class _Feed(Iterator[str]):
    """Hands lines to csv.reader, one record's worth at most, and knows how far it came."""

    def __init__(self, lines: list[str], *, final: bool) -> None:
        self.lines = lines
        self.final = final
        self.at = 0
        self.start = 0
        self.stopped = False  # the record wanted more lines than there are, or than a record may have
        self._quoted: list[int] | None = None

    def begin(self) -> int:
        """Begin a record and return its first line."""
        self.start = self.at
        self.stopped = False
        return self.at

    @property
    def may_go_on(self) -> bool:
        """Tell whether the record broke off only because its other lines are not here yet."""
        return self.stopped and not self.final and self.start + MAX_LINES > len(self.lines)

    def __next__(self) -> str:
        if self.at >= len(self.lines) or (self.at > self.start and not self._quote_ahead()):
            self.stopped = True
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]

    def _quote_ahead(self) -> bool:
        """Tell whether any line that the record may still take has a quote, which alone could close its cell."""
        return self._next_quoted(self.at) < self.start + MAX_LINES

    def _next_quoted(self, at: int) -> int:
        if self._quoted is None:
            self._quoted = [number for number, line in enumerate(self.lines) if '"' in line]
        position = bisect_left(self._quoted, at)
        return self._quoted[position] if position < len(self._quoted) else self.start + MAX_LINES

    def end_of_quote(self, at: int) -> int:
        """Return the line behind the next one with a quote."""
        return min(self._next_quoted(at) + 1, len(self.lines))

    def text(self, start: int, end: int) -> str:
        """Return these lines as they were, without the last line end."""
        return "".join(self.lines[start:end]).rstrip("\r\n")


def column_at_fault(code: str, name: str | None, column_of: Mapping[str, str]) -> str:
    """Return the column of the file that a refusal is about, "" for none; `column_of` tells the one of each field."""
    if name is None or code in CODES:
        return name or ""
    if name.startswith(KEPT):
        return column_of.get(name, name.removeprefix(KEPT))
    return column_of.get(name, name)


_Test = Callable[[str], bool]


def _has_nul(cell: str) -> bool:
    return "\0" in cell


def _is_broken(cell: str) -> bool:
    return not _encodable(cell)


def _is_too_large(cell: str) -> bool:
    return len(cell) > MAX_CELL


def _encodable(text: str) -> bool:
    """Tell whether all of it was valid in the file's encoding (see `decoding.mark`)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
