"""Which rows surely change nothing: the quick way through a file that comes again.

Accept-only, like `shared.fastcheck`: a row that this is not sure of goes through `merge`, which decides.
"""

import json

import polars as pl

from services.customers.bulk.keyed import with_contact_keys
from services.customers.bulk.known import TAGS_BETWEEN, read_contacts
from services.customers.bulk.merge import CLEARED, CONTACT_CHANGES, CONTACT_CLEARED, OF_CONTACT
from services.customers.bulk.rows import FIRST, SECOND
from shared.importing.job import ImportJob
from shared.importing.rows import ATTRIBUTES
from shared.importing.tables import Cursor

PLAIN = tuple(name for name in CLEARED if name != "tags")


def surely_unchanged(
    cursor: Cursor, job: ImportJob, rows: pl.DataFrame, accounts: pl.DataFrame, mapped: frozenset[str]
) -> pl.Series:
    """Tell for each row (with `account_id`) whether it surely changes neither its account nor a contact.

    `accounts` has what the accounts hold (`known.read_accounts`).
    """
    ids = rows["account_id"]
    both = rows.join(accounts, on="account_id", how="left", maintain_order="left")
    same = [_same_account(job, mapped), _same_attributes(both)]
    spoken = [prefix for prefix, fields in OF_CONTACT.items() if not mapped.isdisjoint(fields)]
    if spoken:
        contacts = read_contacts(cursor, ids)
    for prefix in spoken:
        both = _with_contacts(both, contacts, prefix)
        same.append(_same_contact(job, mapped, prefix))
    if len(spoken) > 1:
        same.append(pl.col(f"{FIRST}key").ne_missing(pl.col(f"{SECOND}key")))
    return both.select(pl.all_horizontal(pl.col("old_code").is_not_null(), *same).fill_null(value=False)).to_series()


def _same_account(job: ImportJob, mapped: frozenset[str]) -> pl.Expr:
    tags = pl.col("tags").list.join(TAGS_BETWEEN)
    mapped -= {job.match}
    return pl.all_horizontal(
        pl.lit(value=True),
        *(_same(pl.col(name), pl.col(f"old_{name}"), clears=job.clears(name)) for name in PLAIN if name in mapped),
        *(_same(pl.col(name), pl.col(f"old_{name}"), clears=False) for name in ("name", "kind") if name in mapped),
        *([_same(tags, pl.col("old_tags"), clears=job.clears("tags"))] if "tags" in mapped else []),
        *(_same_role(role) for role in ("customer", "vendor") if "roles" in mapped),
        *([pl.col("roles").is_not_null() | (pl.col("old_is_vendor") == "t")] if job.kind == "vendors" else []),
    )


def _same(new: pl.Expr, old: pl.Expr, *, clears: bool) -> pl.Expr:
    """Blank keeps or clears; a value is the same as what is there."""
    blank = old.is_null() | (old == "") if clears else pl.lit(value=True)
    return pl.when(new.is_null()).then(blank).otherwise(new.eq_missing(old))


def _same_role(role: str) -> pl.Expr:
    has = pl.col("roles").str.contains(role)
    return pl.col("roles").is_null() | (has == (pl.col(f"old_is_{role}") == "t"))


def _same_attributes(rows: pl.DataFrame) -> pl.Expr:
    """The attributes of a row are among those that are there."""
    places = rows[ATTRIBUTES].is_not_null().arg_true()
    pairs = rows[places].select(ATTRIBUTES, "old_attributes").rows()
    same = [old is not None and json.loads(new).items() <= json.loads(old).items() for new, old in pairs]
    flags = pl.repeat(value=True, n=rows.height, dtype=pl.Boolean, eager=True)
    return pl.lit(flags.scatter(places, same) if same else flags)


def _clears(job: ImportJob, name: str, prefix: str) -> bool:
    return name.removeprefix(prefix) in CONTACT_CLEARED and job.clears(name)


def _with_contacts(rows: pl.DataFrame, contacts: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """Add the key of the contact in the columns that begin with `prefix`, and the contact that has it, to each row."""
    country = rows.select(pl.coalesce("country", "old_country")).to_series()
    theirs = with_contact_keys(
        rows.select(pl.col(name).alias(name.removeprefix(prefix)) for name in OF_CONTACT[prefix]), country
    )
    key = f"{prefix}key"
    known = contacts.select(
        "account_id",
        pl.col("contact_key").alias(key),
        *(pl.col(f"old_{FIRST}{name}").alias(f"old_{prefix}{name}") for name in CONTACT_CHANGES),
    )
    rows = rows.with_columns(theirs["contact_key"].alias(key))
    return rows.join(known, on=("account_id", key), how="left", maintain_order="left")


def _same_contact(job: ImportJob, mapped: frozenset[str], prefix: str) -> pl.Expr:
    told = OF_CONTACT[prefix]
    fields = [
        _same(pl.col(name), pl.col(f"old_{name}"), clears=_clears(job, name, prefix)) for name in told if name in mapped
    ]
    same = pl.all_horizontal(pl.col(f"old_{prefix}last_name").is_not_null(), *fields)
    return pl.when(pl.any_horizontal(pl.col(told).is_not_null())).then(same).otherwise(pl.lit(value=True))
