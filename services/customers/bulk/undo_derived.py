"""Keys and search words of accounts and contacts as they will be after an undo, by columns."""

import polars as pl

from services.customers.bulk.keyed import with_account_keys, with_contact_keys
from services.customers.domain.search_text import SearchedContactColumns, contact_phrases, search_text_expression

# The fields from which keys and words follow.
ACCOUNT_BASE = ("name", "email", "phone", "phone2", "city", "country")
CONTACT_BASE = ("first_name", "last_name", "email", "phone", "phone2")
_OF_ACCOUNT = {"name": "name", "email_key": "email_key", "phone_key": "phone_key", "phone2_key": "phone2_key"}


def contacts_with_keys(contacts: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Add their keys to contacts; their phones are read by the rules of the account's country."""
    country = contacts.join(
        accounts.select("id", "country"), left_on="account_id", right_on="id", how="left", maintain_order="left"
    )["country"]
    return with_contact_keys(contacts, country)


def accounts_with_search(accounts: pl.DataFrame, contacts: pl.DataFrame) -> pl.DataFrame:
    """Add their keys and words to accounts, all of whose contacts are given with keys."""
    accounts = with_account_keys(accounts)
    owner = accounts.select("id", *(pl.col(name).alias(f"account_{name}") for name in _OF_ACCOUNT))
    contacts = contacts.join(owner, left_on="account_id", right_on="id", how="left")
    phrases = contact_phrases(
        SearchedContactColumns(
            pl.col("first_name"), pl.col("last_name"), pl.col("email_key"), (pl.col("phone_key"), pl.col("phone2_key"))
        ),
        name=pl.col("account_name"),
        email_key=pl.col("account_email_key"),
        phone_keys=(pl.col("account_phone_key"), pl.col("account_phone2_key")),
    )
    words = (
        contacts.with_columns(words=pl.concat_str([phrase.fill_null("") for phrase in phrases], separator=" "))
        .sort(pl.col("is_primary") != "t", "name_key", "id")
        .group_by("account_id", maintain_order=True)
        .agg(pl.col("words").str.join(" "))
    )
    accounts = accounts.join(words, left_on="id", right_on="account_id", how="left", maintain_order="left")
    return accounts.with_columns(
        search=search_text_expression(
            name=pl.col("name"),
            code_key=pl.col("code_key"),
            city=pl.col("city"),
            email_key=pl.col("email_key"),
            phone_keys=(pl.col("phone_key"), pl.col("phone2_key")),
            contact_words=pl.col("words"),
        )
    )
