"""What comes in and goes out about who looks after whom."""

from typing import Any

import marshmallow as ma

from services.associates.domain.links import ROLES
from services.associates.schemas.associates import KINDS, AssociateOut
from shared.fields import Choice, Email, Name

ROLE = {"description": "manages (default), lead_source, sales, collections or service", "example": "manages"}

NO_DAY: dict[str, Any] = {"invalid": "Choose a day, or write it as 2026-12-31."}


class LinkIn(ma.Schema):
    """Let an associate look after an account."""

    associate_id = ma.fields.UUID(required=True, error_messages={"invalid_uuid": "Choose an associate."})
    role = Choice(ROLES, load_default="manages", metadata=ROLE)
    is_primary = ma.fields.Boolean(
        load_default=False, metadata={"description": "The one to turn to first; the former one steps back."}
    )
    since = ma.fields.Date(
        load_default=None,
        allow_none=True,
        error_messages=NO_DAY,
        metadata={"description": "The day it began, if not today; none to come.", "example": "2026-01-31"},
    )


class ColleagueIn(ma.Schema):
    """An associate created on the spot, where somebody is chosen."""

    name = Name(300, required=True)
    kind = Choice(KINDS, load_default="employee")
    email = Email(254)


class RolePatch(ma.Schema):
    """Another role, the first place, or another beginning. What is left out stays."""

    role = Choice(ROLES, metadata=ROLE)
    is_primary = ma.fields.Boolean(
        validate=ma.validate.Equal(comparable=True, error="Make another one primary instead."),
        metadata={"description": "Only true: the former one steps back by itself."},
    )
    since = ma.fields.Date(
        error_messages=NO_DAY,
        metadata={"description": "The day since when it has this role; none to come.", "example": "2026-01-31"},
    )


class LinkOut(ma.Schema):
    """That an associate looks after an account, since when, by whom; until when, if it ended, and why."""

    id = ma.fields.UUID()
    account_id = ma.fields.UUID()
    associate_id = ma.fields.UUID()
    role = ma.fields.String(validate=ma.validate.OneOf(ROLES))
    is_primary = ma.fields.Boolean()
    begun_at = ma.fields.DateTime()
    begun_by_name = ma.fields.String()
    ended_at = ma.fields.DateTime(allow_none=True)
    ended_by_name = ma.fields.String(allow_none=True)
    cause = ma.fields.String(
        allow_none=True,
        metadata={"description": "What ended it: removed, role_changed, account_deleted, associate_deleted or undone."},
    )


class LinkWithAssociateOut(ma.Schema):
    """A link, and the associate as it is now; null for one that was deleted."""

    link = ma.fields.Nested(LinkOut)
    associate = ma.fields.Nested(AssociateOut, allow_none=True)


class LinksOut(ma.Schema):
    """Who looks after an account, and who did before (the latest fifty)."""

    items = ma.fields.List(ma.fields.Nested(LinkWithAssociateOut))
    former = ma.fields.List(ma.fields.Nested(LinkWithAssociateOut))


class AssociateLinkPage(ma.Schema):
    """A page of what an associate looks after."""

    items = ma.fields.List(ma.fields.Nested(LinkOut))
    next = ma.fields.String(allow_none=True)


class WorkOut(ma.Schema):
    """How many accounts an associate looks after, and how many by role.

    One with two roles counts once in `accounts`.
    """

    accounts = ma.fields.Integer()
    by_role = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer())
