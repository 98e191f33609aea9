"""What comes in and goes out about associates."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from services.associates.domain.search import Query
from shared.errors import Invalid
from shared.fields import Choice, Code, Country, Email, Name, Phone, Tags, Text
from shared.web import PageQuery, current_identity, decode_cursor
from shared.web.paging import FOREIGN, as_id, as_order

KINDS = ("dealer", "partner", "employee", "other")
STATUSES = ("active", "inactive")


class AssociateIn(ma.Schema):
    """A new associate. Without `code` it gets an automatic one."""

    code = Code(
        64,
        metadata={"description": "Business code: unique in any case. Blank: one is given.", "example": "D-07"},
    )
    name = Name(300, required=True, metadata={"example": "Dana Dealer"})
    kind = Choice(KINDS, metadata={"description": "dealer, partner, employee (default) or other", "example": "dealer"})
    is_firm = ma.fields.Boolean(metadata={"description": "A firm, not a person. Default false."})
    email = Email(254, metadata={"example": "dana@dealer.example"})
    phone = Phone(64, metadata={"description": "Read by the rules of `country`.", "example": "+33 4 72 00 00 00"})
    phone2 = Phone(64)
    street = Text(500)
    city = Text(200, metadata={"example": "Lyon"})
    region = Text(200)
    postal_code = Text(32)
    country = Country(100, metadata={"description": "ISO 3166 alpha-2 code, or a name.", "example": "FR"})
    tags = Tags(metadata={"example": ["north"]})
    notes = Text(20_000, lines=True)
    can_login = ma.fields.Boolean(metadata={"description": "Its users may sign in. Default false."})


class AssociatePatch(AssociateIn):
    """Changes of an associate: a field that is left out stays; `tags` are replaced as a whole."""

    code = Code(64, allow_none=False, metadata={"example": "D-07"})
    name = Name(300, allow_none=False, metadata={"example": "Dana Dealer"})


OF_STAFF = ("notes", "status_reason")


class AssociateOut(ma.Schema):
    """An associate. `version` is also its ETag. What staff wrote about an associate is null for its own users."""

    id = ma.fields.UUID()
    code = ma.fields.String(metadata={"example": "A10001"})
    name = ma.fields.String(metadata={"example": "Dana Dealer"})
    kind = ma.fields.String(validate=ma.validate.OneOf(KINDS))
    is_firm = ma.fields.Boolean()
    email = ma.fields.String(allow_none=True)
    phone = ma.fields.String(allow_none=True)
    phone2 = ma.fields.String(allow_none=True)
    street = ma.fields.String(allow_none=True)
    city = ma.fields.String(allow_none=True)
    region = ma.fields.String(allow_none=True)
    postal_code = ma.fields.String(allow_none=True)
    country = ma.fields.String(allow_none=True)
    tags = ma.fields.List(ma.fields.String())
    notes = ma.fields.String(allow_none=True)
    can_login = ma.fields.Boolean()
    status = ma.fields.String(validate=ma.validate.OneOf(STATUSES))
    status_reason = ma.fields.String(allow_none=True)
    status_at = ma.fields.DateTime(allow_none=True)
    status_by_name = ma.fields.String(allow_none=True)
    version = ma.fields.Integer()
    created_at = ma.fields.DateTime()
    created_by_name = ma.fields.String()
    updated_at = ma.fields.DateTime()

    @ma.post_dump
    def keep_to_staff(self, told: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Leave out what an associate's user shall not read about it."""
        return told if current_identity().sees_all else told | dict.fromkeys(OF_STAFF)


class AssociatePage(ma.Schema):
    """A page of associates."""

    items = ma.fields.List(ma.fields.Nested(AssociateOut))
    next = ma.fields.String(allow_none=True, metadata={"description": "Goes into `cursor` for the next page."})
    count = ma.fields.Integer(allow_none=True, metadata={"description": "How many there are; on the first page only."})


class AssociateQuery(PageQuery):
    """What to list. Without `q` they come by name."""

    q = Text(
        200,
        load_default="",
        metadata={"description": "Beginnings or parts of name, e-mail, phone, code or city.", "example": "dana"},
    )
    status = Choice((*STATUSES, "all"), load_default="all")
    kind = Choice(KINDS)


class FieldChangeOut(ma.Schema):
    """One field before and after."""

    field = ma.fields.String(metadata={"example": "city"})
    old = ma.fields.Raw(allow_none=True)
    new = ma.fields.Raw(allow_none=True)


class ChangeOut(ma.Schema):
    """Who did what to the associate, or gave and took which customer."""

    id = ma.fields.UUID()
    at = ma.fields.DateTime()
    actor_id = ma.fields.UUID()
    actor_name = ma.fields.String(metadata={"example": "Ines Moreau"})
    job_id = ma.fields.UUID(allow_none=True)
    action = ma.fields.String(
        metadata={
            "description": "created, updated, status, deleted, restored, linked, role, unlinked; by a job linked_many, "
            "unlinked_many or undone_many."
        }
    )
    version = ma.fields.Integer(metadata={"description": "The associate's version after it."})
    changes = ma.fields.List(ma.fields.Nested(FieldChangeOut))


def search_query(values: Mapping[str, Any]) -> Query:
    """Return the query of a loaded `AssociateQuery`; raise Invalid for a cursor of something else."""
    after = None
    if values["cursor"]:
        rank, order, associate_id = decode_cursor(values["cursor"], 3)
        if not isinstance(rank, int) or not 0 <= rank < 10:
            raise Invalid("This page address is not complete.", fields={"cursor": [FOREIGN]})
        after = (int(rank), as_order(order), as_id(associate_id))
    return Query(
        text=values["q"] or "", status=values["status"], kind=values.get("kind"), limit=values["limit"], after=after
    )
