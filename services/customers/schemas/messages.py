"""What comes in and goes out about mails to customers."""

import marshmallow as ma

from services.customers.domain.mail_templates import TEMPLATES
from shared.events.associates import LINK_ROLES
from shared.fields import Choice, Email, Text
from shared.mail_queue import STATES
from shared.web import PageQuery

NAMES = tuple(template.name for template in TEMPLATES)
KINDS = ("account", "contact", "associate")
MOST = 50
TO = {"description": "Whether the account's own address gets it.", "example": True}


class MessageIn(ma.Schema):
    """A mail to a customer. It goes to records, not to addresses; at least one of the account and its contacts."""

    template = Choice(NAMES, required=True, metadata={"description": "What it is about.", "example": "reminder"})
    subject = Text(200, required=True, metadata={"example": "Reminder: invoice 4711"})
    text = Text(20_000, lines=True, required=True, metadata={"example": "Dear Chloé Petrov,\n\n..."})
    to_account = ma.fields.Boolean(load_default=False, metadata=TO)
    contact_ids = ma.fields.List(
        ma.fields.UUID(),
        load_default=list,
        validate=ma.validate.Length(max=MOST, error="At most {max} contacts."),
        metadata={"description": "Active contacts of the account, with an e-mail."},
    )
    associate_ids = ma.fields.List(
        ma.fields.UUID(),
        load_default=list,
        validate=ma.validate.Length(max=MOST, error="At most {max} associates."),
        metadata={"description": "Associates who look after the account today; each gets a copy."},
    )
    reply_to = Email(
        254,
        load_default=None,
        metadata={"description": "Where answers go; else to the sender's address.", "example": "ines@example.com"},
    )


class DraftQuery(ma.Schema):
    """What the mail is about, and whom it addresses."""

    template = Choice(NAMES, load_default="free_text")
    contact_id = ma.fields.UUID(
        load_default=None, allow_none=True, metadata={"description": "Address this contact, not the primary one."}
    )


class ReachableOut(ma.Schema):
    """Somebody who can get the mail."""

    kind = ma.fields.String(validate=ma.validate.OneOf(KINDS))
    id = ma.fields.UUID()
    name = ma.fields.String()
    email = ma.fields.String()
    suggested = ma.fields.Boolean(metadata={"description": "Of an associate: the role fits what the mail is about."})
    roles = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf(LINK_ROLES)))


class DraftOut(ma.Schema):
    """What a mail begins with, and whom it can go to."""

    template = ma.fields.String()
    subject = ma.fields.String()
    text = ma.fields.String()
    reply_to = ma.fields.String(allow_none=True)
    recipients = ma.fields.List(ma.fields.Nested(ReachableOut))
    copies = ma.fields.List(ma.fields.Nested(ReachableOut))
    unreachable = ma.fields.List(
        ma.fields.String(), metadata={"description": "Names of active contacts without an address to write to."}
    )


class RecipientOut(ma.Schema):
    """Whom a mail is for; `refusal` is what the mail server said."""

    kind = ma.fields.String(validate=ma.validate.OneOf(KINDS))
    record_id = ma.fields.UUID()
    name = ma.fields.String()
    email = ma.fields.String()
    state = ma.fields.String(validate=ma.validate.OneOf(("waiting", "accepted", "refused")))
    refusal = ma.fields.String(allow_none=True)


class MessageOut(ma.Schema):
    """A mail and how far it has come. `version` is also its ETag.

    States: queued; sent; partly_sent, not to everybody; failed; kept, as there is no mail server.
    """

    id = ma.fields.UUID(attribute="message.id")
    account_id = ma.fields.UUID(attribute="message.account_id")
    account_name = ma.fields.String(attribute="message.account_name")
    template = ma.fields.String(attribute="message.template")
    subject = ma.fields.String(attribute="message.subject")
    text = ma.fields.String(attribute="message.body")
    reply_to = ma.fields.String(attribute="message.reply_to", allow_none=True)
    to = ma.fields.List(ma.fields.Nested(RecipientOut))
    copies = ma.fields.List(ma.fields.Nested(RecipientOut))
    state = ma.fields.String(attribute="message.state", validate=ma.validate.OneOf(STATES))
    attempts = ma.fields.Integer(attribute="message.attempts")
    error = ma.fields.String(attribute="message.error", allow_none=True)
    due_at = ma.fields.DateTime(attribute="message.due_at", metadata={"description": "When it is tried next."})
    created_at = ma.fields.DateTime(attribute="message.created_at")
    created_by = ma.fields.UUID(attribute="message.created_by")
    created_by_name = ma.fields.String(attribute="message.created_by_name")
    ended_at = ma.fields.DateTime(attribute="message.ended_at", allow_none=True)
    version = ma.fields.Integer(attribute="message.version")


class MessageQuery(PageQuery):
    """Which mails."""

    state = Choice(STATES, load_default=None, allow_none=True)
