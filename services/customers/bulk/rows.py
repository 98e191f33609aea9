"""The rule books of one row of a customers file and of a contacts file."""

import re
from collections.abc import Iterable
from typing import Any

import marshmallow as ma
import polars as pl

from services.customers.bulk.words import KINDS, ROLES
from shared.fastcheck import Column, Loader
from shared.fields import Code, Country, Email, Name, Phone, Text, Website
from shared.importing.cells import AttributesCell, Synonym, TagsCell
from shared.importing.columns import LOADERS as USUAL
from shared.importing.columns import load_synonym
from shared.importing.rows import ATTRIBUTES

SEVERAL_END = ";"
MOST_VALUES = 20
_ROLE_ENDS = re.compile(r"[;,/+&|]|\band\b")


class Roles(Synonym):
    """Several values of a Synonym with signs between them, as one text: sorted, `;` between."""

    def tidy(self, text: str) -> str:
        """Return the values of the names."""
        names = [name for name in _ROLE_ENDS.split(Text.tidy(self, text).lower()) if name.strip()]
        values = [super(Roles, self).tidy(name).split(";") for name in names]
        if not values:
            raise self.make_error("choice", choices=self.choices)
        return ";".join(sorted({role for one in values for role in one}))


class Several(Text):
    """Several values in one cell, each by the rule of `one`; a value may be blank. Loaded as text with `;` between."""

    default_error_messages = {"several": "Has {count} values: at most {most}."}  # noqa: RUF012

    def __init__(self, one: Text, **more: Any) -> None:
        super().__init__(20_000, **more)
        self.one = one

    def tidy(self, text: str) -> str:
        """Return the values as they are loaded; only blank ones are none."""
        values = text.split(SEVERAL_END)
        if len(values) > MOST_VALUES:
            raise self.make_error("several", count=len(values), most=MOST_VALUES)
        tidied = [self.one.deserialize(value) or "" for value in values]
        return SEVERAL_END.join(tidied) if any(tidied) else ""


def load_several(field: Several, cells: pl.Series) -> Column:
    """Load each different cell once: a few associates look after many customers."""
    loaded = {}
    for text in cells.unique().drop_nulls().to_list():
        try:
            loaded[text] = field.deserialize(text)
        except ma.ValidationError:
            loaded[text] = None
    values = cells.replace_strict(list(loaded), list(loaded.values()), return_dtype=pl.String)
    return Column(values, values.is_not_null())


LOADERS: dict[type, Loader] = {**USUAL, Roles: load_synonym, Several: load_several}


class CustomerRow(ma.Schema):
    """A customer with its primary contact, a second one, and who looks after it.

    Blank cells come as None; the job says what they do.
    """

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
    associate_code = Several(Code(64))
    associate_name = Several(Name(300))
    associate_email = Several(Email(254))
    associate_role = Several(Text(100))
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
ASSOCIATE_FIELDS = tuple(name for name in FIELDS if name.startswith("associate_"))  # code, name, e-mail, role


def has_second(columns: Iterable[str]) -> bool:
    """Tell whether a file has a column for a second contact; most have none, and none of the work for it."""
    return any(name.startswith(SECOND) for name in columns)
