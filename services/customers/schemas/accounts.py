"""What comes in and goes out about accounts."""

import marshmallow as ma

from shared.events.associates import LINK_ROLES
from shared.fields import (
    Attributes,
    Choice,
    Code,
    Country,
    Email,
    Name,
    Phone,
    Tags,
    Text,
    Website,
)
from shared.web import PageQuery

KINDS = ("company", "person")
STATUSES = ("active", "inactive")
ROLES = ("customer", "vendor")
EXAMPLE = {"name": "Cobalt Labs", "code": "00417", "email": "office@cobalt.example", "country": "FR"}


class AccountIn(ma.Schema):
    """A new account. Without `code` it gets an automatic one."""

    code = Code(
        64,
        metadata={
            "description": "Business code: unique in any case, leading zeros kept. Blank: one is given.",
            "example": "00417",
        },
    )
    name = Name(500, required=True, metadata={"example": "Cobalt Labs"})
    kind = Choice(KINDS, metadata={"description": "company (default) or person", "example": "company"})
    is_customer = ma.fields.Boolean(metadata={"description": "Buys or rents from us. Default true."})
    is_vendor = ma.fields.Boolean(metadata={"description": "We buy from them. Default false."})
    email = Email(254, metadata={"example": "office@cobalt.example"})
    phone = Phone(64, metadata={"description": "Read by the rules of `country`.", "example": "+33 4 72 00 00 00"})
    phone2 = Phone(64)
    website = Website(500, metadata={"example": "https://www.cobalt.example"})
    tax_id = Text(64, metadata={"example": "FR 12 345 678 901"})
    street = Text(500, metadata={"example": "12 rue des Tanneurs"})
    city = Text(200, metadata={"example": "Lyon"})
    region = Text(200)
    postal_code = Text(32, metadata={"example": "69001"})
    country = Country(
        100,
        metadata={
            "description": "ISO 3166 alpha-2 code, or a name in one of many languages; an unknown one is kept.",
            "example": "FR",
        },
    )
    tags = Tags(metadata={"example": ["key account", "wholesale"]})
    source = Text(200, metadata={"description": "Where the account came from.", "example": "Trade fair 2026"})
    attributes = Attributes(
        metadata={"description": "Fields of your own, as texts by name.", "example": {"Shoe size": "43"}}
    )
    notes = Text(20_000, lines=True, metadata={"example": "Prefers deliveries before ten."})


class AccountPatch(AccountIn):
    """Changes of an account: a field that is left out stays; `tags` and `attributes` are replaced as a whole."""

    code = Code(64, allow_none=False, metadata={"example": "00417"})
    name = Name(500, allow_none=False, metadata={"example": "Cobalt Labs"})


class AccountOut(ma.Schema):
    """An account. `version` is also its ETag."""

    id = ma.fields.UUID()
    code = ma.fields.String(metadata={"example": "00417"})
    name = ma.fields.String(metadata={"example": "Cobalt Labs"})
    kind = ma.fields.String(validate=ma.validate.OneOf(KINDS))
    is_customer = ma.fields.Boolean()
    is_vendor = ma.fields.Boolean()
    email = ma.fields.String(allow_none=True)
    phone = ma.fields.String(allow_none=True)
    phone2 = ma.fields.String(allow_none=True)
    website = ma.fields.String(allow_none=True)
    tax_id = ma.fields.String(allow_none=True)
    street = ma.fields.String(allow_none=True)
    city = ma.fields.String(allow_none=True)
    region = ma.fields.String(allow_none=True)
    postal_code = ma.fields.String(allow_none=True)
    country = ma.fields.String(allow_none=True)
    tags = ma.fields.List(ma.fields.String())
    source = ma.fields.String(allow_none=True)
    attributes = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    notes = ma.fields.String(allow_none=True)
    status = ma.fields.String(validate=ma.validate.OneOf(STATUSES))
    status_reason = ma.fields.String(allow_none=True)
    status_at = ma.fields.DateTime(allow_none=True)
    status_by_name = ma.fields.String(allow_none=True)
    version = ma.fields.Integer()
    created_at = ma.fields.DateTime()
    created_by_name = ma.fields.String()
    created_job = ma.fields.UUID(allow_none=True, metadata={"description": "The import that brought it."})
    updated_at = ma.fields.DateTime()


class AccountQuery(PageQuery):
    """What to list. Without `q` the accounts come by name."""

    q = Text(
        200,
        load_default="",
        metadata={
            "description": "Beginnings or parts of name, contact's name, e-mail, phone, code or city.",
            "example": "cobalt lyon",
        },
    )
    code = Code(64, metadata={"description": "Exactly this code; other filters are left aside.", "example": "00417"})
    status = Choice((*STATUSES, "all"), load_default="all")
    kind = Choice(KINDS)
    role = Choice(ROLES)
    tag = Text(64, metadata={"description": "Only accounts that carry this tag."})
    associate = Text(
        64,
        metadata={
            "description": "Accounts that this associate looks after: its id or its code.",
            "example": "A10001",
        },
    )
    associate_role = Choice(LINK_ROLES, metadata={"description": "... in this role; goes with `associate`."})


class FoundAccountOut(ma.Schema):
    """An account in a list, with its primary contact."""

    id = ma.fields.UUID()
    code = ma.fields.String(metadata={"example": "00417"})
    name = ma.fields.String(metadata={"example": "Cobalt Labs"})
    kind = ma.fields.String(validate=ma.validate.OneOf(KINDS))
    is_customer = ma.fields.Boolean()
    is_vendor = ma.fields.Boolean()
    email = ma.fields.String(allow_none=True)
    phone = ma.fields.String(allow_none=True)
    city = ma.fields.String(allow_none=True)
    country = ma.fields.String(allow_none=True)
    tags = ma.fields.List(ma.fields.String())
    status = ma.fields.String(validate=ma.validate.OneOf(STATUSES))
    version = ma.fields.Integer()
    contact_id = ma.fields.UUID(allow_none=True)
    contact_first_name = ma.fields.String(allow_none=True)
    contact_last_name = ma.fields.String(allow_none=True)
    contact_email = ma.fields.String(allow_none=True)
    contact_phone = ma.fields.String(allow_none=True)


class AccountPage(ma.Schema):
    """A page of accounts."""

    items = ma.fields.List(ma.fields.Nested(FoundAccountOut))
    next = ma.fields.String(allow_none=True, metadata={"description": "Goes into `cursor` for the next page."})
    count = ma.fields.Integer(allow_none=True, metadata={"description": "How many there are; on the first page only."})
    capped = ma.fields.Boolean(metadata={"description": "There are more than `count`; counting ended there."})


class LookedAfterQuery(PageQuery):
    """Which customers of an associate."""

    q = Text(
        200,
        load_default="",
        metadata={"description": "Beginnings or parts of name, contact's name, e-mail, phone, code or city."},
    )
