"""Writing changes of records that are there, with their history, a chunk at a time."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl
from psycopg import sql

from services.customers.bulk.create import CONTACT_COLUMNS, by_job
from services.customers.bulk.known import ACCOUNT_KEYS, CONTACT_KEYS, Record
from services.customers.bulk.merge import ACCOUNT_CHANGES, CONTACT_CHANGES, Changed
from shared.importing.job import ImportJob, UndoJob
from shared.importing.tables import Cursor, array_literal, copy_in, new_ids

SHOWN = {"account": ACCOUNT_CHANGES, "contact": CONTACT_CHANGES}
DERIVED = {"account": (*ACCOUNT_KEYS, "search"), "contact": CONTACT_KEYS}

# One row of history per record that people see changed, from PostgreSQL's own before and after.
UPDATE = sql.SQL(
    "WITH changed AS (UPDATE {table} t SET ({columns}) = ROW({staged}), version = t.version + s.bump,"
    " updated_at = CASE WHEN s.bump = 1 THEN now() ELSE t.updated_at END"
    " FROM {stage} s WHERE t.id = s.id"
    " RETURNING {account_id} AS account_id, {contact_id} AS contact_id, new.version, s.bump, {fields} AS fields)"
    " INSERT INTO change (account_id, contact_id, actor_id, actor_name, job_id, chunk_no, action, fields, version)"
    " SELECT account_id, contact_id, %s, %s, %s, %s, %s, fields, version FROM changed WHERE bump = 1"
)
FIELD = sql.SQL(
    "CASE WHEN old.{column} IS DISTINCT FROM new.{column} THEN"
    " jsonb_build_object({name}, jsonb_build_array(to_jsonb(old.{column}), to_jsonb(new.{column}))) ELSE '{{}}' END"
)


def update_records(cursor: Cursor, job: ImportJob, table: str, records: Sequence[Changed]) -> None:
    """Write the changed accounts or contacts among `records`, locked before, and their history."""
    changed = [record for record in records if record.new]
    if not changed:
        return
    columns = [name for name in (*SHOWN[table], *DERIVED[table]) if any(name in record.new for record in changed)]
    shown = [name for name in columns if name in SHOWN[table]]
    write_frame(cursor, job, table, _frame(changed, columns, shown))


def write_frame(
    cursor: Cursor, job: ImportJob | UndoJob, table: str, frame: pl.DataFrame, action: str = "updated"
) -> None:
    """Give accounts or contacts, locked before, the values of `frame`: text columns, `id`, and `bump`.

    Rows with `bump` 1 get a new version and a line of history, called `action`; the others only derived columns.
    """
    if not frame.height:
        return
    columns = [name for name in frame.columns if name not in ("id", "bump")]
    shown = [name for name in columns if name in SHOWN[table]]
    stage = sql.Identifier(f"{table}_stage")
    _stage(cursor, table)
    copy_in(cursor, f"{table}_stage", frame)
    names = [sql.Identifier(name) for name in columns]
    command = UPDATE.format(
        table=sql.Identifier(table),
        stage=stage,
        columns=sql.SQL(", ").join(names),
        staged=sql.SQL(", ").join(sql.SQL("s.{}").format(name) for name in names),
        account_id=sql.SQL("new.id" if table == "account" else "new.account_id"),
        contact_id=sql.SQL("NULL::uuid" if table == "account" else "new.id"),
        fields=sql.SQL(" || ").join(FIELD.format(column=sql.Identifier(name), name=sql.Literal(name)) for name in shown)
        if shown
        else sql.SQL("NULL::jsonb"),
    )
    cursor.execute(command, [job.actor_id, job.actor_name, job.id, job.chunk_no, action])


def add_contacts(cursor: Cursor, job: ImportJob, contacts: Sequence[Record]) -> pl.Series:
    """Write new contacts of accounts that are there; return their ids."""
    ids = new_ids(len(contacts))
    columns = {name: [contact[name] for contact in contacts] for name in CONTACT_COLUMNS if name != "id"}
    copy_in(cursor, "contact", pl.DataFrame({"id": ids, **columns}).with_columns(by_job(job)))
    return ids


def _stage(cursor: Cursor, table: str) -> None:
    """Make the session's stage of a table, or empty it."""
    names = [sql.Identifier(name) for name in (*SHOWN[table], *DERIVED[table])]
    cursor.execute(
        sql.SQL(
            "CREATE TEMP TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS"
            " AS SELECT id, {names}, 0 AS bump FROM {table} WITH NO DATA"
        ).format(stage=sql.Identifier(f"{table}_stage"), names=sql.SQL(", ").join(names), table=sql.Identifier(table))
    )
    cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(f"{table}_stage")))


def _frame(changed: Sequence[Changed], columns: Sequence[str], shown: Sequence[str]) -> pl.DataFrame:
    visible = frozenset(shown)
    frame = pl.DataFrame(
        {
            "id": [record.old["id"] for record in changed],
            **{name: _column([record.value(name) for record in changed], name) for name in columns},
            "bump": [int(not visible.isdisjoint(record.new)) for record in changed],
        }
    )
    return frame.with_columns(tags=array_literal(pl.col("tags"))) if "tags" in columns else frame


def _column(values: list[Any], name: str) -> pl.Series:
    if name == "tags":
        return pl.Series(values, dtype=pl.List(pl.String))
    if name == "attributes":
        values = [json.dumps(value, ensure_ascii=False) for value in values]
    return pl.Series(values, dtype=pl.Boolean if name in ("is_customer", "is_vendor") else pl.String)
