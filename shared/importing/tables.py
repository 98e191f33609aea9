"""Moving frames into and out of PostgreSQL by COPY.

In a frame all columns of a table are text (uuid, jsonb and text[] as PostgreSQL writes them), null is NULL.
"""

import io
from collections.abc import Sequence
from typing import Any

import polars as pl
import psycopg
from psycopg import sql
from sqlalchemy.orm import Session

from shared.db import uuid7_texts

Cursor = psycopg.Cursor[Any]


def cursor_of(session: Session) -> Cursor:
    """Return a cursor of the session's own connection, in its transaction; after `begin_nested`, in the savepoint.

    SQLAlchemy sets the savepoint when it is asked for the connection, so an older cursor would be outside.
    """
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection.cursor()


def copy_in(cursor: Cursor, table: str, frame: pl.DataFrame) -> None:
    """Append the rows of `frame` to `table`; columns without any value take the table's default."""
    if not frame.height:
        return
    names = [name for name in frame.columns if frame[name].null_count() < frame.height]
    buffer = io.BytesIO()
    frame.select(names).write_csv(buffer, include_header=False)  # null is nothing, an empty text ""
    command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with cursor.copy(command) as copy:
        copy.write(buffer.getbuffer())


def copy_out(cursor: Cursor, query: sql.Composable, parameters: Sequence[Any], columns: Sequence[str]) -> pl.DataFrame:
    """Return the rows of `query` as text columns. A NULL and an empty text are both null."""
    command = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)
    with cursor.copy(command, parameters) as copy:
        data = b"".join(bytes(part) for part in copy)
    if not data:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    return pl.read_csv(io.BytesIO(data), has_header=False, new_columns=list(columns), infer_schema=False)


def new_ids(count: int) -> pl.Series:
    """Return `count` fresh ids in ascending order, as text."""
    return pl.Series(uuid7_texts(count), dtype=pl.String)


def packed_ids(ids: pl.Series) -> bytes:
    """Return ids as 16 bytes each."""
    return bytes.fromhex("".join(ids).replace("-", ""))


def array_literal(texts: pl.Expr) -> pl.Expr:
    """Return lists of text as PostgreSQL writes text[]."""
    quoted = texts.list.eval(
        pl.concat_str(
            pl.lit('"'),
            pl.element().str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True),
            pl.lit('"'),
        )
    )
    return pl.concat_str(pl.lit("{"), quoted.list.join(","), pl.lit("}"))
