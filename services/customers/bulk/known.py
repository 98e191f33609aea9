"""Which accounts the rows of a chunk speak of, and what those accounts hold now."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from psycopg import sql
from psycopg.rows import dict_row

from services.customers.domain.records import ACCOUNT_FIELDS, CONTACT_FIELDS
from shared.importing.tables import Cursor, copy_out

TAGS_BETWEEN = "\x1f"

BY_CODE = sql.SQL("SELECT code_key, id, code, code_key FROM account WHERE code_key = ANY(%s)")
WHOLE_BY_CODE = sql.SQL("SELECT code_key, id, code, code_key, {} FROM account WHERE code_key = ANY(%s)")
BY_EMAIL = sql.SQL(
    "SELECT email_key, id, code, code_key FROM account WHERE email_key = ANY(%s)"
    " UNION SELECT c.email_key, a.id, a.code, a.code_key FROM contact c JOIN account a ON a.id = c.account_id"
    " WHERE c.is_primary AND c.email_key = ANY(%s)"
)
ACCOUNTS = sql.SQL("SELECT id::text, version, search, {} FROM account WHERE id = ANY(%s::uuid[]) ORDER BY code_key")
CONTACTS = sql.SQL(
    "SELECT id::text, account_id::text, version, status, {} FROM contact WHERE account_id = ANY(%s::uuid[])"
    " ORDER BY account_id, is_primary DESC, name_key, id"
)
LOCKED = sql.SQL(" FOR NO KEY UPDATE")
Record = dict[str, Any]
FOUND = ("key", "account_id", "account_code", "account_code_key")
ACCOUNT_KEYS = ("code_key", "name_key", "email_key", "phone_key", "phone2_key")
OLD_FIELDS = tuple(f"old_{name}" for name in ACCOUNT_FIELDS)
CONTACT_KEYS = ("name_key", "email_key", "phone_key", "phone2_key", "contact_key")


@dataclass
class Known:
    """An account as it is, with all its contacts: the primary one first, then by name."""

    account: Record
    contacts: list[Record] = field(default_factory=list)


def find_accounts(cursor: Cursor, match: str, keys: pl.Series) -> pl.DataFrame:
    """Return key, account_id, account_code and account_code_key of all accounts with one of `keys`.

    By e-mail an account is found by its own and by its primary contact's.
    """
    wanted = keys.drop_nulls().to_list()
    if match == "code":
        return copy_out(cursor, BY_CODE, [wanted], FOUND)
    return copy_out(cursor, BY_EMAIL, [wanted, wanted], FOUND)


def read_accounts_by_code(cursor: Cursor, keys: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what `find_accounts` does, and what `read_accounts` does of those found, in one go."""
    query = WHOLE_BY_CODE.format(_as_text())
    both = copy_out(cursor, query, [keys.drop_nulls().to_list()], (*FOUND, *OLD_FIELDS))
    return both.select(FOUND), both.select("account_id", *OLD_FIELDS)


def read_accounts(cursor: Cursor, ids: pl.Series) -> pl.DataFrame:
    """Return the fields of accounts as text columns `old_...`, without locking them; tags by TAGS_BETWEEN."""
    query = sql.SQL("SELECT id, {} FROM account WHERE id = ANY(%s::uuid[])").format(_as_text())
    return copy_out(cursor, query, [ids.to_list()], ("account_id", *OLD_FIELDS))


def _as_text() -> sql.Composable:
    special = {
        "tags": sql.SQL("array_to_string(tags, {})").format(TAGS_BETWEEN),
        "attributes": sql.SQL("attributes::text"),
    }
    return sql.SQL(", ").join(special.get(name, sql.Identifier(name)) for name in ACCOUNT_FIELDS)


def read_contacts(cursor: Cursor, ids: pl.Series) -> pl.DataFrame:
    """Return the contacts of accounts as text columns `old_...`, without locking them."""
    names = ("first_name", "last_name", "job_title", "email", "phone", "phone2")
    wanted = sql.SQL(", ").join(map(sql.Identifier, names))
    query = sql.SQL("SELECT account_id, contact_key, {} FROM contact WHERE account_id = ANY(%s::uuid[])").format(wanted)
    columns = ("account_id", "contact_key", *(f"old_contact_{name}" for name in names))
    return copy_out(cursor, query, [ids.to_list()], columns)


def lock_known(cursor: Cursor, ids: Iterable[str]) -> dict[str, Known]:
    """Return accounts with their contacts, by id, kept from changes by others; those deleted meanwhile are missing.

    Locks in the order of codes, so that two imports of the same accounts wait for each other instead of both.
    """
    return _known(cursor, ids, LOCKED)


def read_known(cursor: Cursor, ids: Iterable[str]) -> dict[str, Known]:
    """Return accounts with their contacts, by id, without locking them; those that are gone are missing."""
    return _known(cursor, ids, sql.SQL(""))


def _known(cursor: Cursor, ids: Iterable[str], locked: sql.SQL) -> dict[str, Known]:
    wanted = list(ids)
    rows = cursor.connection.cursor(row_factory=dict_row)
    accounts = ACCOUNTS.format(_columns((*ACCOUNT_FIELDS, *ACCOUNT_KEYS))) + locked
    known = {account["id"]: Known(account) for account in rows.execute(accounts, [wanted])}
    contacts = CONTACTS.format(_columns((*CONTACT_FIELDS, *CONTACT_KEYS))) + locked
    for contact in rows.execute(contacts, [wanted]):
        if contact["account_id"] in known:  # unlocked, one may come between
            known[contact["account_id"]].contacts.append(contact)
    return known


def _columns(names: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))
