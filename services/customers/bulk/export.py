"""Exports: the accounts that a list shows, or their contacts, as a stream of CSV (I12).

One statement gives all rows, so they are of one moment; they flow through in blocks, so memory does not grow. While
PostgreSQL sends the next block, the one before is defused (`shared.cells`): its lines go through as PostgreSQL wrote
them, but for those in which a cell may have to be changed.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import polars as pl
from psycopg import sql
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from services.customers.bulk.export_target import MOST_ATTRIBUTES, ExportTarget, export_target
from services.customers.domain.search import SearchQuery, all_accounts
from services.customers.errors import NoAttributes, TooManyAttributes
from shared.attribute_columns import ALL_ATTRIBUTES, attribute_columns
from shared.cells import defuse, defuse_frame, defuse_lines

BLOCK_ROWS = 4_000
BOM = b"\xef\xbb\xbf"
LINE_END = "\r\n"
SLOWEST_MINUTES = 120


@dataclass(frozen=True)
class ExportForm:
    """How the file is written: which columns, in which order, and between what."""

    columns: Sequence[str]
    delimiter: str = ","
    bom: bool = True


def count_export(session: Session, kind: str, query: SearchQuery) -> int:
    """Return how many rows an export would have now."""
    target = export_target(kind)
    found, values = all_accounts(query)
    statement = f"SELECT count(*) FROM ({found}) AS found {target.join if target.rows_by_join else ''}"  # noqa: S608
    return int(session.execute(text(statement), values).scalar_one())


def stream_export(session: Session, kind: str, query: SearchQuery, form: ExportForm) -> Iterator[bytes]:
    """Give the file piece by piece, its header first.

    Raises UnknownColumns before anything is read, TooManyAttributes and NoAttributes before the first piece. Which
    attributes there are is a query of its own: the session must be one of `read_only(one_moment=True)`.
    """
    target = export_target(kind)
    chosen = target.chosen(form.columns)
    session.execute(text(f"SET LOCAL statement_timeout = '{SLOWEST_MINUTES}min'"))
    attributes = find_attributes(session, query) if ALL_ATTRIBUTES in chosen else {}
    columns = [column for name in chosen for column in (attributes.values() if name == ALL_ATTRIBUTES else [name])]
    if not columns:
        raise NoAttributes
    yield _header(columns, form)
    statement, values = export_statement(target, query, chosen, attributes)
    dialect = session.connection().dialect
    connection = session.connection().connection.driver_connection
    assert connection is not None
    command = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, DELIMITER {})").format(
        sql.SQL(str(statement.compile(dialect=dialect))), sql.Literal(form.delimiter)
    )
    write = partial(_written, names=columns, delimiter=form.delimiter)
    with connection.cursor() as cursor, cursor.copy(command, values) as rows, ThreadPoolExecutor(1) as writer:
        before: Future[bytes] | None = None
        for block in _blocks(iter(rows)):
            now = writer.submit(write, block)
            if before is not None:
                yield before.result()
            before = now
        if before is not None:
            yield before.result()


def find_attributes(session: Session, query: SearchQuery) -> dict[str, str]:
    """Return {name: column} of the attributes that any of these accounts has, by name; raise TooManyAttributes."""
    found, values = all_accounts(query)
    statement = (
        f"SELECT DISTINCT jsonb_object_keys(attributes) FROM ({found}) AS found WHERE attributes <> '{{}}'"  # noqa: S608
        f" LIMIT {MOST_ATTRIBUTES + 1}"
    )
    names = session.execute(text(statement), values).scalars().all()
    if len(names) > MOST_ATTRIBUTES:
        raise TooManyAttributes(MOST_ATTRIBUTES)
    return attribute_columns(names)


def export_statement(
    target: ExportTarget, query: SearchQuery, columns: Sequence[str], attributes: Iterable[str] = ()
) -> tuple[TextClause, dict[str, Any]]:
    """Return the SELECT of an export, and what it binds; `attributes` stand where ALL_ATTRIBUTES does."""
    found, values = all_accounts(query)
    bound = {f"attribute{number}": name for number, name in enumerate(attributes)}
    values |= bound
    pieces = {**target.expressions, ALL_ATTRIBUTES: ", ".join(f"found.attributes ->> :{name}" for name in bound)}
    chosen = ", ".join(piece for name in columns if (piece := pieces[name]))
    statement = f'SELECT {chosen} FROM ({found}) AS found {target.join} ORDER BY rank, "order", {target.order}'  # noqa: S608
    return text(statement), values


def _header(columns: Sequence[str], form: ExportForm) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=form.delimiter, lineterminator=LINE_END).writerow(map(defuse, columns))
    return (BOM if form.bom else b"") + line.getvalue().encode()


def _blocks(rows: Iterator[bytes | memoryview]) -> Iterator[list[bytes]]:
    """Give some thousand rows at a time."""
    lines = map(bytes, rows)
    while block := list(islice(lines, BLOCK_ROWS)):
        yield block


def _written(block: list[bytes], names: Sequence[str], delimiter: str) -> bytes:
    """Return lines of PostgreSQL's CSV as they go into the file."""
    lines = defuse_lines(pl.Series(block, dtype=pl.Binary).cast(pl.String), delimiter)
    if lines.null_count():
        apart = lines.is_null().arg_true()
        lines = lines.scatter(apart, _taken_apart([block[at] for at in apart], names, delimiter))
    whole: str = lines.str.strip_suffix("\n").str.join(LINE_END).item()
    return (whole + LINE_END).encode()


def _taken_apart(lines: Sequence[bytes], names: Sequence[str], delimiter: str) -> list[str]:
    """Return lines whose cells were defused one by one."""
    frame = pl.read_csv(
        b"".join(lines), has_header=False, separator=delimiter, new_columns=list(names), infer_schema=False
    )
    out = defuse_frame(frame).write_csv(include_header=False, separator=delimiter, line_terminator="\n\0")
    return out.removesuffix("\0").split("\0")
