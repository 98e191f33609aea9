"""What comes in and goes out about selections of customers."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from services.customers.domain.accounts import account_meant
from services.customers.domain.copies import associate_meant
from services.customers.domain.search import SearchQuery
from services.customers.schemas.exports import ExportFilter
from services.customers.schemas.search import search_query

SOURCES = ("codes", "list", "ticked")


class SelectionIn(ma.Schema):
    """Which customers: exactly one of the three."""

    codes = ma.fields.String(
        metadata={
            "description": "Codes as pasted: apart by tab, line, comma, semicolon or pipe; up to 100,000.",
            "example": "00417\n00418",
        }
    )
    filter = ma.fields.Nested(ExportFilter, metadata={"description": "All that the list of accounts gives for this."})
    account_ids = ma.fields.List(ma.fields.UUID(), metadata={"description": "These; up to 10,000."})

    @ma.validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ma.ValidationError("Give exactly one of codes, filter and account_ids.")


class SelectionOut(ma.Schema):
    """A selection. The same one made again has the same id."""

    id = ma.fields.UUID()
    source = ma.fields.String(validate=ma.validate.OneOf(SOURCES))
    codes = ma.fields.List(
        ma.fields.String(), allow_none=True, metadata={"description": "Each once, as written first."}
    )
    filter = ma.fields.Dict(attribute="chosen", allow_none=True)
    account_ids = ma.fields.List(ma.fields.UUID(), allow_none=True)
    created_at = ma.fields.DateTime()
    created_by_name = ma.fields.String()


class MatchedOut(ma.Schema):
    """A customer that is meant."""

    id = ma.fields.UUID()
    code = ma.fields.String()
    name = ma.fields.String()


class RepeatedOut(ma.Schema):
    """A code that came more than once."""

    given = ma.fields.String()
    times = ma.fields.Integer()


class ZerosOut(ma.Schema):
    """A code that differs in leading zeros only from that of one customer."""

    given = ma.fields.String()
    code = ma.fields.String()
    name = ma.fields.String()


class MissingOut(ma.Schema):
    """A code that no customer has."""

    given = ma.fields.String()


class FirstOut(ma.Schema):
    """The first of each sort: ten that matched, a hundred of the others."""

    matched = ma.fields.List(ma.fields.Nested(MatchedOut))
    inactive = ma.fields.List(ma.fields.Nested(MatchedOut))
    repeated = ma.fields.List(ma.fields.Nested(RepeatedOut))
    zeros = ma.fields.List(ma.fields.Nested(ZerosOut))
    missing = ma.fields.List(ma.fields.Nested(MissingOut))


class ReportOut(ma.Schema):
    """What a selection is now. `given` = `matched` + `repeated` + `missing` + `deleted`."""

    given = ma.fields.Integer(metadata={"description": "How many codes or rows were given, repeated ones too."})
    matched = ma.fields.Integer()
    active = ma.fields.Integer(metadata={"description": "Of the matched ones."})
    inactive = ma.fields.Integer(metadata={"description": "Of the matched ones."})
    repeated = ma.fields.Integer(metadata={"description": "Codes that had come before."})
    missing = ma.fields.Integer(metadata={"description": "Codes that no customer has."})
    zeros = ma.fields.Integer(metadata={"description": "Of the missing ones: they differ in leading zeros only."})
    deleted = ma.fields.Integer(metadata={"description": "Ticked ones that were deleted since."})
    first = ma.fields.Nested(FirstOut)


class SnapshotOut(ma.Schema):
    """The customers of a selection as they are now, kept for a week under this id."""

    id = ma.fields.UUID()
    selection_id = ma.fields.UUID()
    made_at = ma.fields.DateTime()
    report = ma.fields.Nested(ReportOut)


def listed_query(session: Session, chosen: Mapping[str, Any]) -> SearchQuery:
    """Return the query of what was asked for, as a selection keeps it; raise UnknownAssociate, UnknownAccount."""
    associate = associate_meant(session, chosen.get("associate"), chosen.get("associate_role"))
    account = account_meant(session, chosen.get("account"))
    return search_query({"q": "", "status": "all", **chosen}, associate, account)
