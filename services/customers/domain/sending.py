"""Sending the mails that are due (A7): one is claimed, handed to the mail server, and its outcome written down."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.customers.models import Account, Message, Recipient
from shared import mail_queue
from shared.mail import Mail, Mailbox, Outcome

GONE = "The customer was deleted before this mail could be sent."
NOBODY = "The mail server refused everybody."
GIVEN_UP = "We gave up after many tries. {}"


@dataclass(frozen=True)
class Claim:
    """A mail that is ours to send, as long as its lease lasts; `waiting` are the addresses that do not have it yet."""

    message: Message
    token: uuid.UUID | None
    to: Sequence[Mailbox]
    copies: Sequence[Mailbox]
    waiting: Sequence[str]

    def as_mail(self, sender: str) -> Mail:
        """Return the mail, which comes from the address `sender` under the name of who wrote it."""
        message = self.message
        return Mail(
            message_id=f"{message.id}@{sender.rpartition('@')[2]}",
            at=message.created_at,
            sender=Mailbox(message.created_by_name, sender),
            to=self.to,
            copies=self.copies,
            reply_to=message.reply_to,
            subject=message.subject,
            text=message.body,
        )


def claim_message(session: Session) -> Claim | None:
    """Return the mail that has been due longest, leased; None when nothing is due. Mails to nobody any more fail."""
    while (message := mail_queue.claim(session, Message)) is not None:
        if session.get(Account, message.account_id) is None:
            mail_queue.end(message, "failed", GONE)
            session.flush()
            continue
        people = _people(session, message.id)
        return Claim(
            message,
            message.lease_token,
            [Mailbox(one.name, one.email) for one in people if one.kind != "associate"],
            [Mailbox(one.name, one.email) for one in people if one.kind == "associate"],
            [one.email for one in people if one.state == "waiting"],
        )
    return None


def settle_message(session: Session, claim: Claim, outcome: Outcome) -> bool:
    """Write down what a try came to; False when the lease has passed to another worker, who tells it."""
    message = mail_queue.held(session, Message, claim.message.id, claim.token)
    if message is None:
        return False
    people = _people(session, message.id)
    for one in people:
        if one.email in outcome.accepted:
            one.state = "accepted"
        elif one.email in outcome.refused:
            one.state, one.refusal = "refused", outcome.refused[one.email]
    states = {one.state for one in people}
    if "waiting" in states and mail_queue.put_off(message, outcome.delayed):
        return True
    if states == {"accepted"}:
        mail_queue.end(message, "sent")
    elif "accepted" in states:
        mail_queue.end(message, "partly_sent", GIVEN_UP.format(outcome.delayed) if "waiting" in states else None)
    else:
        mail_queue.end(message, "failed", GIVEN_UP.format(outcome.delayed) if "waiting" in states else NOBODY)
    return True


def keep_messages(session: Session) -> int:
    """Keep all mails that are due here, as there is no mail server; return how many."""
    values = {"state": "kept", "ended_at": func.now(), "version": Message.version + 1}
    kept = session.execute(update(Message).where(Message.state == "queued").values(values).returning(Message.id))
    return len(kept.all())


def _people(session: Session, message_id: uuid.UUID) -> Sequence[Recipient]:
    query = select(Recipient).where(Recipient.message_id == message_id).order_by(Recipient.position)
    return session.scalars(query).all()
