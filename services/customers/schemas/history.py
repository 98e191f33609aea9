"""What goes out about changes."""

import marshmallow as ma

from shared.web import PageQuery


class HistoryQuery(PageQuery):
    """Which part of a history."""


class FieldChangeOut(ma.Schema):
    """One field before and after. An attribute's name begins with `attributes.`."""

    field = ma.fields.String(metadata={"example": "city"})
    old = ma.fields.Raw(allow_none=True, metadata={"example": "Ghent"})
    new = ma.fields.Raw(allow_none=True, metadata={"example": "Lyon"})


class ChangeOut(ma.Schema):
    """Who did what to the account or to one of its contacts; `job_id` tells the import that did it."""

    id = ma.fields.UUID()
    at = ma.fields.DateTime()
    actor_id = ma.fields.UUID()
    actor_name = ma.fields.String(metadata={"example": "Ines Moreau"})
    job_id = ma.fields.UUID(allow_none=True)
    action = ma.fields.String(
        validate=ma.validate.OneOf(("created", "updated", "status", "deleted", "restored", "undone", "wrote")),
        metadata={"description": "What was done; undone: what an import did was taken back; wrote: a mail."},
    )
    contact_id = ma.fields.UUID(allow_none=True)
    contact_name = ma.fields.String(allow_none=True)
    message_id = ma.fields.UUID(allow_none=True, metadata={"description": "The mail that was written."})
    version = ma.fields.Integer(metadata={"description": "The record's version after it."})
    changes = ma.fields.List(ma.fields.Nested(FieldChangeOut))
