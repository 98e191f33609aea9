"""Mails that are due: kept in PostgreSQL with what they tell, sent by a worker, tried again with growing waits.

A worker takes a mail by lease, so that no two send the same one; a worker that dies loses its lease. SMTP itself gives
no more than "at least once": who dies between the server's answer and our commit sends the mail again, under the same
Message-ID.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from flask import Flask, current_app, has_app_context
from sqlalchemy import CheckConstraint, DateTime, Index, Integer, Text, and_, func, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.db import UuidPk, after_commit
from shared.mail import STEP_SECONDS, WHOLE_SECONDS
from shared.worker import make_celery, nudge

STATES = ("queued", "sent", "partly_sent", "failed", "kept")
WAITS = tuple(
    timedelta(minutes=minutes) for minutes in (0.5, 2, 5, 15, 30, 60, 120, 240, 480)
)  # some sixteen hours in all
LEASE = timedelta(seconds=WHOLE_SECONDS + 6 * STEP_SECONDS)
DIED = "The program that sends mails ended again and again while it sent this one."


class MailQueueTable:
    """Mixin: `class Message(MailQueueTable, Base)`.

    `state` is queued, sent, partly_sent (not to everybody), failed, or kept (there was no mail server). `error` says
    why it waits or failed, in words for a person.
    """

    id: Mapped[UuidPk]
    state: Mapped[str] = mapped_column(Text, server_default="queued")
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer, server_default="1")


def queue_constraints(table: str) -> tuple[CheckConstraint, Index]:
    """Return what belongs into `__table_args__` of a queue of this name."""
    states = ", ".join(f"'{state}'" for state in STATES)
    return (
        CheckConstraint(f"state IN ({states})", "state"),
        Index(f"{table}_due_ix", "due_at", postgresql_where=text("state = 'queued'")),
    )


Queued = TypeVar("Queued", bound=MailQueueTable)


def claim(session: Session, table: type[Queued], lease: timedelta = LEASE) -> Queued | None:
    """Return the mail that has been due longest, leased to the caller; None when nothing is due.

    What killed its worker at every try is given up.
    """
    is_free = and_(
        table.state == "queued",
        table.due_at <= func.clock_timestamp(),
        or_(table.lease_until.is_(None), table.lease_until < func.clock_timestamp()),
    )
    oldest = select(table.id).where(is_free).order_by(table.due_at).limit(1).with_for_update(skip_locked=True)
    while (mail_id := session.scalar(oldest)) is not None:
        mail = session.get_one(table, mail_id, populate_existing=True)
        if mail.attempts > len(WAITS):
            end(mail, "failed", DIED)
            session.flush()
            continue
        mail.attempts += 1
        mail.lease_token = uuid.uuid4()
        session.flush()
        session.execute(update(table).where(table.id == mail_id).values(lease_until=func.clock_timestamp() + lease))
        return mail
    return None


def held(session: Session, table: type[Queued], mail_id: uuid.UUID, token: uuid.UUID | None) -> Queued | None:
    """Return a mail, locked, whose lease is still ours by its token; None when it has passed to somebody else."""
    query = select(table).where(table.id == mail_id, table.lease_token == token, table.state == "queued")
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


def end(mail: MailQueueTable, state: str, error: str | None = None) -> None:
    """Give a mail its final state."""
    mail.state, mail.error, mail.ended_at = state, error, datetime.now(UTC)
    mail.lease_token = mail.lease_until = None
    mail.version += 1


def put_off(mail: MailQueueTable, error: str) -> bool:
    """Let a mail wait longer than the last time; False when it has been tried often enough."""
    if mail.attempts > len(WAITS):
        return False
    mail.due_at = datetime.now(UTC) + WAITS[mail.attempts - 1]
    mail.error = error
    mail.lease_token = mail.lease_until = None
    mail.version += 1
    return True


def queue_again(session: Session, mail: MailQueueTable) -> None:
    """Try a mail anew that came to its end unsent, or not sent to everybody."""
    mail.state, mail.error, mail.ended_at, mail.attempts = "queued", None, None, 0
    mail.due_at = datetime.now(UTC)
    mail.version += 1
    wake_sender(session)


def wake_sender(session: Session) -> None:
    """Have the worker look for due mails once this is committed; lost, it costs some seconds."""
    after_commit(session, _wake)


def _wake() -> None:
    if has_app_context() and (wake := current_app.extensions.get("liaison.wake_mail")):
        wake()


def wake_after_commit(app: Flask) -> None:
    """Let `app`, after a commit that queued a mail, wake its service's `<service>.send_mail` in `<service>.mail`."""
    service = app.extensions["liaison.settings"].service
    celery = app.extensions.get("liaison.celery") or make_celery(app)
    app.extensions["liaison.wake_mail"] = lambda: nudge(
        celery, f"{service}.send_mail", queue=f"{service}.mail", expires=30
    )
