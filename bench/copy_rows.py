"""Put a generated CSV of right rows straight into the tables of customers by COPY: the floor of an import.

Keys, ids and search text are made beforehand and not part of the time.
"""

import time
import uuid
from pathlib import Path

import polars as pl
import psycopg
from psycopg import sql

from services.customers.domain.search import SearchedContactColumns, search_text_expression
from shared.db import uuid7s
from shared.keys import code_keys, email_keys, name_keys, phone_keys

ACTOR = uuid.UUID(int=0)
ROWS_AT_ONCE = 50_000


def read_accounts(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The accounts and their primary contacts of a file of `bench.generate --clean`, ready to be copied."""
    rows = pl.read_csv(path, infer_schema=False)
    batches = [_with_keys(rows[start : start + ROWS_AT_ONCE]) for start in range(0, len(rows), ROWS_AT_ONCE)]
    frame = pl.concat(batches)
    accounts = frame.select(
        *("id", "code", "code_key", "name", "name_key", "kind", "is_vendor", "email", "email_key"),
        *("phone", "phone_key", "website", "street", "city", "region", "postal_code", "country", "tags", "notes"),
        *("search", "created_by", "created_by_name"),
    )
    contacts = frame.select(
        account_id="id",
        first_name="contact_first_name",
        last_name="contact_last_name",
        name_key="contact_name_key",
        email="contact_email",
        email_key="contact_email_key",
        phone="contact_phone",
        phone_key="contact_phone_key",
        is_primary=pl.lit("t"),
        contact_key=pl.coalesce("e:" + pl.col("contact_email_key"), "n:" + pl.col("contact_name_key")),
        created_by="created_by",
        created_by_name="created_by_name",
    )
    return accounts, contacts


def _with_keys(rows: pl.DataFrame) -> pl.DataFrame:
    full_names = (rows["contact_first_name"] + " " + rows["contact_last_name"]).alias("full_name")
    rows = rows.with_columns(
        id=pl.Series([str(id_) for id_ in uuid7s(len(rows))]),
        code_key=code_keys(rows["code"]),
        name_key=name_keys(rows["name"]),
        email_key=email_keys(rows["email"]),
        phone_key=phone_keys(rows["phone"], rows["country"]),
        contact_name_key=name_keys(full_names),
        contact_email_key=email_keys(rows["contact_email"]),
        contact_phone_key=phone_keys(rows["contact_phone"], rows["country"]),
        is_vendor=pl.when(pl.int_range(pl.len()) % 50 == 0).then(pl.lit("t")).otherwise(pl.lit("f")),
        tags=pl.concat_str(
            pl.lit("{"), pl.col("tags").fill_null("").str.split(";").list.drop_nulls().list.join(","), pl.lit("}")
        ),
        created_by=pl.lit(str(ACTOR)),
        created_by_name=pl.lit("Bench"),
    )
    column = pl.col
    contact = SearchedContactColumns(
        column("contact_first_name"),
        column("contact_last_name"),
        column("contact_email_key"),
        [column("contact_phone_key")],
    )
    return rows.with_columns(
        search=search_text_expression(
            name=column("name"),
            code_key=column("code_key"),
            city=column("city"),
            email_key=column("email_key"),
            phone_keys=[column("phone_key")],
            contacts=[contact],
        )
    )


def copy(connection: psycopg.Connection, table: str, frame: pl.DataFrame) -> float:
    """COPY the frame into the table in one transaction; answer the seconds."""
    blocks = [
        frame[start : start + ROWS_AT_ONCE].write_csv(include_header=False, quote_style="necessary").encode()
        for start in range(0, len(frame), ROWS_AT_ONCE)
    ]
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier(table), columns)
    started = time.monotonic()
    with connection.transaction(), connection.cursor() as cursor, cursor.copy(statement) as writer:
        for block in blocks:
            writer.write(block)
    return time.monotonic() - started
