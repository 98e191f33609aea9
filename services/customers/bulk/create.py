"""Rows that become new accounts, each with its contacts."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from services.customers.bulk.keyed import with_account_keys, with_contact_keys
from services.customers.bulk.merge import CONTACT_CHANGES
from services.customers.bulk.rows import CONTACT_FIELDS, FIRST, SECOND, SECOND_FIELDS, has_second
from services.customers.domain.search_text import SearchedContactColumns, search_text_expression
from shared.importing.job import ImportJob
from shared.importing.rows import ATTRIBUTES
from shared.importing.tables import array_literal, new_ids

ACCOUNT_COLUMNS = (
    *("id", "code", "code_key", "name", "name_key", "kind", "is_customer", "is_vendor"),
    *("email", "email_key", "phone", "phone_key", "phone2", "phone2_key", "website", "tax_id"),
    *("street", "city", "region", "postal_code", "country", "tags", "source", "attributes", "notes", "search"),
)
CONTACT_COLUMNS = (
    *("id", "account_id", "first_name", "last_name", "name_key", "job_title", "email", "email_key"),
    *("phone", "phone_key", "phone2", "phone2_key", "is_primary", "contact_key"),
)


@dataclass
class NewRecords:
    """Rows of the tables `account` and `contact`, in the order of codes; `ids` has the account of each `_row`."""

    accounts: pl.DataFrame
    contacts: pl.DataFrame
    ids: pl.DataFrame


def named(rows: pl.DataFrame) -> pl.DataFrame:
    """Give every row what follows from others: a person's name, kind, and a contact's last name.

    A row without name is the person that its contact is, unless it says company. A contact with a first name only has
    it as last name; one without any name is the account itself, if that is a person.
    """
    full_name = pl.concat_str("contact_first_name", "contact_last_name", separator=" ", ignore_nulls=True)
    is_person = pl.col("name").is_null() & (full_name != "") & (pl.col("kind").is_null() | (pl.col("kind") == "person"))
    rows = rows.with_columns(
        name=pl.when(is_person).then(full_name).otherwise("name"),
        kind=pl.when(is_person).then(pl.lit("person")).otherwise(pl.col("kind").fill_null("company")),
        has_contact=pl.any_horizontal(pl.col(CONTACT_FIELDS).is_not_null()),
    )
    only_first = pl.col("contact_last_name").is_null() & pl.col("contact_first_name").is_not_null()
    nameless = pl.col("contact_last_name").is_null() & pl.col("contact_first_name").is_null()
    return rows.with_columns(
        contact_first_name=pl.when(~only_first).then("contact_first_name"),
        contact_last_name=pl.when(only_first)
        .then("contact_first_name")
        .when(nameless & pl.col("has_contact") & (pl.col("kind") == "person"))
        .then("name")
        .otherwise("contact_last_name"),
        **(_named_second() if has_second(rows.columns) else {}),
    )


def _named_second() -> dict[str, pl.Expr]:
    first, last = pl.col(f"{SECOND}first_name"), pl.col(f"{SECOND}last_name")
    return {
        "has_second": pl.any_horizontal(pl.col(SECOND_FIELDS).is_not_null()),
        f"{SECOND}first_name": pl.when(last.is_not_null()).then(first),
        f"{SECOND}last_name": pl.coalesce(last, first),
    }


def same_contact(rows: pl.DataFrame) -> pl.Series:
    """Tell for each row that went through `named` whether its two contacts are one."""
    first, second = (
        with_contact_keys(rows.select(_told(prefix)), rows["country"])["contact_key"] for prefix in (FIRST, SECOND)
    )
    return (first == second) & rows["has_contact"] & rows["has_second"]


def new_records(job: ImportJob, rows: pl.DataFrame) -> NewRecords:
    """Return the records of rows that went through `named` and have a code, a name, and named contacts."""
    usual = "vendor" if job.kind == "vendors" else "customer"
    rows = with_account_keys(rows).sort("code_key")
    rows = rows.with_columns(new_ids(rows.height).alias("id"))
    contacts = {"new_": _contacts(rows, FIRST, "has_contact", pl.lit(value=True))}
    if has_second(rows.columns):
        contacts["other_"] = _contacts(rows, SECOND, "has_second", ~pl.col("has_contact"))
    accounts = rows
    for begins, theirs in contacts.items():
        accounts = accounts.join(
            theirs.select("account_id", pl.exclude("account_id").name.prefix(begins)),
            left_on="id",
            right_on="account_id",
            how="left",
            maintain_order="left",
        )
    accounts = accounts.with_columns(
        is_customer=pl.col("roles").fill_null(usual).str.contains("customer"),
        is_vendor=pl.col("roles").fill_null(usual).str.contains("vendor"),
        tags=array_literal(pl.col("tags")).fill_null("{}"),
        attributes=pl.col(ATTRIBUTES).fill_null("{}"),
        search=_search(contacts),
    )
    return NewRecords(
        accounts.select(*ACCOUNT_COLUMNS, *by_job(job)),
        pl.concat(contacts.values()).select(*CONTACT_COLUMNS, *by_job(job)),
        rows.select("_row", "id"),
    )


def by_job(job: ImportJob) -> list[pl.Expr]:
    """Return the columns that tell who created a record."""
    return [
        pl.lit(str(job.actor_id)).alias("created_by"),
        pl.lit(job.actor_name).alias("created_by_name"),
        pl.lit(str(job.id)).alias("created_job"),
    ]


def _contacts(rows: pl.DataFrame, prefix: str, present: str, is_primary: pl.Expr) -> pl.DataFrame:
    """Return the contacts of those rows that have one, the flag `present`, in columns that begin with `prefix`."""
    theirs = rows.filter(present)
    contacts = theirs.select(
        pl.col("id").alias("account_id"), *_told(prefix), is_primary.alias("is_primary")
    ).with_columns(new_ids(theirs.height).alias("id"))
    return with_contact_keys(contacts, theirs["country"])


def _told(prefix: str) -> list[pl.Expr]:
    return [pl.col(f"{prefix}{name}").alias(name) for name in CONTACT_CHANGES]


def _search(prefixes: Iterable[str]) -> pl.Expr:
    return search_text_expression(
        name=pl.col("name"),
        code_key=pl.col("code_key"),
        city=pl.col("city"),
        email_key=pl.col("email_key"),
        phone_keys=(pl.col("phone_key"), pl.col("phone2_key")),
        contacts=[
            SearchedContactColumns(
                pl.col(f"{begins}first_name"),
                pl.col(f"{begins}last_name"),
                pl.col(f"{begins}email_key"),
                (pl.col(f"{begins}phone_key"), pl.col(f"{begins}phone2_key")),
            )
            for begins in prefixes
        ],
    )
