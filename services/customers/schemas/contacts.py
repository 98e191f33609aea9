"""What comes in and goes out about contacts."""

import marshmallow as ma

from services.customers.schemas.accounts import STATUSES
from shared.fields import Choice, Email, Name, Phone, Text

CONTACT_KINDS = ("person", "firm")


class ContactIn(ma.Schema):
    """A new contact. A firm's name is its `last_name`."""

    kind = Choice(CONTACT_KINDS, metadata={"description": "person (default) or firm", "example": "person"})
    first_name = Text(200, metadata={"example": "Chloé"})
    last_name = Name(
        300, required=True, metadata={"description": "Last name, or the name of the firm.", "example": "Petrov"}
    )
    job_title = Text(200, metadata={"example": "Head of purchasing"})
    email = Email(254, metadata={"example": "chloe.petrov@cobalt.example"})
    phone = Phone(64, metadata={"example": "+33 4 72 00 00 01"})
    phone2 = Phone(64)
    is_primary = ma.fields.Boolean(
        metadata={"description": "The one to turn to first; the former one steps back. The first contact is it anyway."}
    )


class ContactPatch(ContactIn):
    """Changes of a contact: a field that is left out stays."""

    last_name = Name(300, allow_none=False, metadata={"example": "Petrov"})


class ContactOut(ma.Schema):
    """A contact of an account. `version` is also its ETag."""

    id = ma.fields.UUID()
    account_id = ma.fields.UUID()
    kind = ma.fields.String(validate=ma.validate.OneOf(CONTACT_KINDS))
    first_name = ma.fields.String(allow_none=True)
    last_name = ma.fields.String()
    job_title = ma.fields.String(allow_none=True)
    email = ma.fields.String(allow_none=True)
    phone = ma.fields.String(allow_none=True)
    phone2 = ma.fields.String(allow_none=True)
    is_primary = ma.fields.Boolean()
    status = ma.fields.String(validate=ma.validate.OneOf(STATUSES))
    status_reason = ma.fields.String(allow_none=True)
    status_at = ma.fields.DateTime(allow_none=True)
    status_by_name = ma.fields.String(allow_none=True)
    version = ma.fields.Integer()
    created_at = ma.fields.DateTime()
    created_by_name = ma.fields.String()
    created_job = ma.fields.UUID(allow_none=True)
    updated_at = ma.fields.DateTime()
