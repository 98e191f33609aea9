"""The rule book of one row of a customers file, and how a chunk's rows are held against it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
import polars as pl

from services.customers.bulk.cells import AttributesCell, Roles, Synonym, TagsCell
from services.customers.bulk.columns import LOADERS
from services.customers.bulk.target import LABELS
from services.customers.bulk.words import KINDS, ROLES
from shared.bulk import SEEN, Refusal
from shared.fastcheck import Messages, load_rows
from shared.fields import Code, Country, Email, Name, Phone, Text, Website
from shared.keys import clean_texts

ATTRIBUTES = "_attributes"
PLACE = ("_row", "_line")


class CustomerRow(ma.Schema):
    """A customer with its primary contact and a second one. Blank cells come as None; the job says what they do."""

    code = Code(64)
    name = Name(500)
    kind = Synonym(KINDS, "company or person")
    roles = Roles(ROLES, "customer, vendor or both")
    email = Email(254)
    phone = Phone(64)
    phone2 = Phone(64)
    website = Website(500)
    tax_id = Text(64)
    street = Text(500)
    city = Text(200)
    region = Text(200)
    postal_code = Text(32)
    country = Country(100)
    tags = TagsCell()
    source = Text(200)
    notes = Text(20_000, lines=True)
    contact_first_name = Text(200)
    contact_last_name = Name(300)
    contact_job_title = Text(200)
    contact_email = Email(254)
    contact_phone = Phone(64)
    contact_phone2 = Phone(64)
    second_contact_first_name = Text(200)
    second_contact_last_name = Name(300)
    second_contact_job_title = Text(200)
    second_contact_email = Email(254)
    second_contact_phone = Phone(64)
    second_contact_phone2 = Phone(64)
    _attributes = AttributesCell()


class ContactRow(ma.Schema):
    """A contact of the account with this code."""

    account_code = Code(64)
    first_name = Text(200)
    last_name = Name(300)
    job_title = Text(200)
    email = Email(254)
    phone = Phone(64)
    phone2 = Phone(64)


CUSTOMER_ROW = CustomerRow()
CONTACT_ROW = ContactRow()
FIELDS = tuple(name for name in CUSTOMER_ROW.fields if name != ATTRIBUTES)
FIRST, SECOND = "contact_", "second_contact_"  # what the columns of a row's contacts begin with
CONTACT_FIELDS = tuple(name for name in FIELDS if name.startswith(FIRST))
SECOND_FIELDS = tuple(name for name in FIELDS if name.startswith(SECOND))


@dataclass
class CheckedRows:
    """Rows that hold the rule book, and the refusals of the others. `mapped` names the columns the file gave.

    `rows` has every field as a column, null where it was not mapped or blank; those of a second contact only if the
    file gives one. Rows of an export have SEEN, too.
    """

    rows: pl.DataFrame
    mapped: frozenset[str]
    refusals: list[Refusal]


def check_rows(
    frame: pl.DataFrame, schema: ma.Schema = CUSTOMER_ROW, labels: Mapping[str, str] = LABELS
) -> CheckedRows:
    """Clean the cells of a chunk and hold each row against the rule book of its kind."""
    mapped = [name for name in frame.columns if name in schema.fields]
    cells = frame.select(
        *(pl.col(name).cast(pl.UInt32) for name in PLACE),
        *(pl.col(name).cast(pl.String) for name in (SEEN,) if name in frame.columns),
        *(clean_texts(frame[name].cast(pl.String)).alias(name) for name in mapped),
    )
    loaded = load_rows(schema, cells, LOADERS)
    places = cells.select(PLACE)
    refusals = [refusal(places.row(at), "invalid", words, labels) for at, words in sorted(loaded.faults.items())]
    left_out = {*mapped, *(() if has_second(mapped) else SECOND_FIELDS)}
    missing = [
        pl.lit(None, dtype=pl.List(pl.String) if name == "tags" else pl.String).alias(name)
        for name in schema.fields
        if name not in left_out
    ]
    return CheckedRows(loaded.rows.with_columns(missing), frozenset(mapped), refusals)


def has_second(columns: Iterable[str]) -> bool:
    """Tell whether a file has a column for a second contact; most have none, and none of the work for it."""
    return any(name.startswith(SECOND) for name in columns)


def refusal(place: tuple[int, ...], code: str, messages: Messages, labels: Mapping[str, str] = LABELS) -> Refusal:
    """Return the refusal of the row at `place` (row, line): its first faulty column, messages behind labels."""
    order = list(labels)
    columns = sorted(messages, key=lambda name: order.index(name) if name in order else len(order))
    words = " ".join(f"{labels.get(column, 'Attributes')}: {' '.join(_flat(messages[column]))}" for column in columns)
    row, line = place
    return Refusal(row, line, None if columns[0] == ATTRIBUTES else columns[0], code, words)


def _flat(messages: Any) -> list[str]:
    """Return marshmallow's messages, nested ones of lists and objects too, each once."""
    if isinstance(messages, dict):
        return list(dict.fromkeys(word for inner in messages.values() for word in _flat(inner)))
    return [str(word) for word in messages]
