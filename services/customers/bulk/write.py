"""Writing changes of records that are there, with their history, a chunk at a time."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl
from psycopg import sql

from services.customers.bulk.create import CONTACT_COLUMNS, by_job
from services.customers.bulk.job import ImportJob
from services.customers.bulk.known import ACCOUNT_KEYS, CONTACT_KEYS
from services.customers.bulk.merge import ACCOUNT_CHANGES, CONTACT_CHANGES, Record
from services.customers.bulk.tables import Cursor, array_literal, copy_in, new_ids

SET_ACCOUNT = (*ACCOUNT_CHANGES, *(key for key in ACCOUNT_KEYS if key != "code_key"), "search")
SET_CONTACT = (*CONTACT_CHANGES, *CONTACT_KEYS)

# One row of history per changed record, of what really changed, from PostgreSQL's own before and after.
UPDATE = sql.SQL(
    "WITH changed AS (UPDATE {table} t SET ({columns}) = ROW({staged}), version = t.version + s.bump,"
    " updated_at = CASE WHEN s.bump = 1 THEN now() ELSE t.updated_at END"
    " FROM {stage} s WHERE t.id = s.id"
    " RETURNING {account_id} AS account_id, {contact_id} AS contact_id, new.version,"
    " (SELECT jsonb_object_agg(f.name, jsonb_build_array(f.before, f.after)) FROM (VALUES {fields})"
    " AS f (name, before, after) WHERE f.before IS DISTINCT FROM f.after) AS fields)"
    " INSERT INTO change (account_id, contact_id, actor_id, actor_name, job_id, action, fields, version)"
    " SELECT account_id, contact_id, %s, %s, %s, 'updated', fields, version FROM changed WHERE fields IS NOT NULL"
)


def update_accounts(cursor: Cursor, job: ImportJob, accounts: Sequence[Record]) -> None:
    """Write accounts of `merge`, locked before, and their history."""
    frame = pl.DataFrame(
        {
            "id": _texts(accounts, "id"),
            **{name: _texts(accounts, name) for name in SET_ACCOUNT if name != "tags"},
            "tags": pl.Series([account["tags"] for account in accounts], dtype=pl.List(pl.String)),
            "bump": [account["bump"] for account in accounts],
        }
    ).with_columns(tags=array_literal(pl.col("tags")))
    _update(cursor, job, "account", SET_ACCOUNT, ACCOUNT_CHANGES, frame)


def update_contacts(cursor: Cursor, job: ImportJob, contacts: Sequence[Record]) -> None:
    """Write contacts of `merge`, locked before, and their history."""
    frame = pl.DataFrame(
        {
            "id": _texts(contacts, "id"),
            **{name: _texts(contacts, name) for name in SET_CONTACT},
            "bump": [contact["bump"] for contact in contacts],
        }
    )
    _update(cursor, job, "contact", SET_CONTACT, CONTACT_CHANGES, frame)


def add_contacts(cursor: Cursor, job: ImportJob, contacts: Sequence[Record]) -> pl.Series:
    """Write new contacts of accounts that are there; return their ids."""
    ids = new_ids(len(contacts))
    columns = {name: _texts(contacts, name) for name in CONTACT_COLUMNS if name != "id"}
    copy_in(cursor, "contact", pl.DataFrame({"id": ids, **columns}).with_columns(by_job(job)))
    return ids


def _update(
    cursor: Cursor, job: ImportJob, table: str, columns: Sequence[str], shown: Sequence[str], frame: pl.DataFrame
) -> None:
    if not frame.height:
        return
    stage = f"{table}_stage"
    names = [sql.Identifier(name) for name in columns]
    cursor.execute(
        sql.SQL(
            "CREATE TEMP TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS AS SELECT id, {}, 0 AS bump FROM {} WITH NO DATA"
        ).format(sql.Identifier(stage), sql.SQL(", ").join(names), sql.Identifier(table))
    )
    cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(stage)))
    copy_in(cursor, stage, frame)
    fields = [
        sql.SQL("({}, to_jsonb(old.{}), to_jsonb(new.{}))").format(name, sql.Identifier(name), sql.Identifier(name))
        for name in shown
    ]
    command = UPDATE.format(
        table=sql.Identifier(table),
        stage=sql.Identifier(stage),
        columns=sql.SQL(", ").join(names),
        staged=sql.SQL(", ").join(sql.SQL("s.{}").format(name) for name in names),
        account_id=sql.SQL("new.id" if table == "account" else "new.account_id"),
        contact_id=sql.SQL("NULL::uuid" if table == "account" else "new.id"),
        fields=sql.SQL(", ").join(fields),
    )
    cursor.execute(command, [job.actor_id, job.actor_name, job.id])


def _texts(records: Sequence[Record], name: str) -> pl.Series:
    return pl.Series([_text(record[name]) for record in records], dtype=pl.String)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
