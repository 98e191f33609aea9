"""Keys of whole columns of accounts and contacts: the twins of `domain.keeping`, by `shared.keys`."""

import polars as pl

from shared.countries import phone_region
from shared.keys import code_keys, email_keys, name_keys, phone_keys


def regions(country: pl.Series) -> pl.Series:
    """Return `phone_region` of each country."""
    different = country.unique().drop_nulls().to_list()
    return country.replace_strict(different, list(map(phone_region, different)), default=None, return_dtype=pl.String)


def with_account_keys(rows: pl.DataFrame) -> pl.DataFrame:
    """Add code_key, name_key, email_key, phone_key and phone2_key to accounts."""
    region = regions(rows["country"])
    return rows.with_columns(
        code_keys(rows["code"]).alias("code_key"),
        name_keys(rows["name"]).alias("name_key"),
        email_keys(rows["email"]).alias("email_key"),
        phone_keys(rows["phone"], region).alias("phone_key"),
        phone_keys(rows["phone2"], region).alias("phone2_key"),
    )


def with_contact_keys(rows: pl.DataFrame, country: pl.Series) -> pl.DataFrame:
    """Add name_key, email_key, phone_key, phone2_key and contact_key to contacts of accounts in `country`."""
    region = regions(country)
    full_name = rows.select(pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True)).to_series()
    return rows.with_columns(
        name_keys(full_name).alias("name_key"),
        email_keys(rows["email"]).alias("email_key"),
        phone_keys(rows["phone"], region).alias("phone_key"),
        phone_keys(rows["phone2"], region).alias("phone2_key"),
    ).with_columns(contact_key=contact_key_expression())


def contact_key_expression() -> pl.Expr:
    """Return `domain.natural_keys.contact_key` of a frame with email_key, name_key and phone_key."""
    return (
        pl.when(pl.col("email_key").is_not_null())
        .then(pl.concat_str(pl.lit("e:"), "email_key"))
        .when(pl.col("phone_key").is_not_null())
        .then(pl.concat_str(pl.lit("p:"), "phone_key", pl.lit(":"), "name_key"))
        .otherwise(pl.concat_str(pl.lit("n:"), "name_key"))
    )
