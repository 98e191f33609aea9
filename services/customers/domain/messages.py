"""The mails to customers (A7): read, listed, and tried again."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers.errors import AccountNotFound, MessageNotFound, MessageNotUnsent
from services.customers.models import Account, Message, Recipient
from shared.mail_queue import queue_again

UNSENT = ("partly_sent", "failed", "kept")


@dataclass(frozen=True)
class Sent:
    """A mail with those whom it is for, as far as the reader may know of them."""

    message: Message
    to: Sequence[Recipient]
    copies: Sequence[Recipient]

    @property
    def people(self) -> list[Recipient]:
        """Everybody, in order."""
        return [*self.to, *self.copies]


def get_message(session: Session, message_id: uuid.UUID, account_id: uuid.UUID | None = None) -> Sent:
    """Return a mail (to this customer); raise MessageNotFound. A mail outlives its customer."""
    message = session.get(Message, message_id)
    if message is None or account_id not in (None, message.account_id):
        raise MessageNotFound
    return with_recipients(session, [message])[0]


def list_messages(
    session: Session,
    limit: int,
    before: uuid.UUID | None = None,
    *,
    account_id: uuid.UUID | None = None,
    state: str | None = None,
) -> tuple[list[Sent], uuid.UUID | None]:
    """Return a page of mails, newest first, and where the next begins. Raises AccountNotFound."""
    if account_id is not None and session.get(Account, account_id) is None:
        raise AccountNotFound(account_id)
    query = select(Message).order_by(Message.id.desc()).limit(limit + 1)
    if account_id is not None:
        query = query.where(Message.account_id == account_id)
    if state:
        query = query.where(Message.state == state)
    if before is not None:
        query = query.where(Message.id < before)
    found = session.scalars(query).all()
    return with_recipients(session, found[:limit]), found[limit - 1].id if len(found) > limit else None


def with_recipients(session: Session, messages: Sequence[Message]) -> list[Sent]:
    """Return these mails with their recipients; one query."""
    ids = [one.id for one in messages]
    query = select(Recipient).where(Recipient.message_id.in_(ids)).order_by(Recipient.message_id, Recipient.position)
    people = session.scalars(query).all() if ids else []
    return [
        Sent(
            message,
            [one for one in people if one.message_id == message.id and one.kind != "associate"],
            [one for one in people if one.message_id == message.id and one.kind == "associate"],
        )
        for message in messages
    ]


def retry_message(session: Session, message_id: uuid.UUID) -> Sent:
    """Try a mail anew that did not reach everybody; who has it does not get it again.

    Raises MessageNotFound, MessageNotUnsent, and AccountNotFound where the customer was deleted since.
    """
    message = session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if message is None:
        raise MessageNotFound
    if message.state not in UNSENT:
        raise MessageNotUnsent(message.state)
    if session.get(Account, message.account_id) is None:
        raise AccountNotFound(message.account_id)
    for one in session.scalars(
        select(Recipient).where(Recipient.message_id == message_id, Recipient.state == "refused")
    ):
        one.state, one.refusal = "waiting", None
    queue_again(session, message)
    session.flush()
    return with_recipients(session, [message])[0]
