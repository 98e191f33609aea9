"""The tables of associates. Only `domain` and the migrations read and write them."""

import uuid
from datetime import datetime
from typing import Annotated

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    Sequence,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.bulk import FenceTable, ReceiptTable, UndoReceiptTable
from shared.db import CreatedAt, UuidPk, metadata
from shared.history import ChangeTable
from shared.idempotency import IdempotencyTable
from shared.outbox import CursorTable, InboxTable, OutboxTable

Key = Annotated[str, mapped_column(Text(collation="C"))]
Words = Annotated[str, mapped_column(Text)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]


class Base(DeclarativeBase):
    """The base of the tables of associates."""

    metadata = metadata()


code_sequence = Sequence("code_sequence", start=10001, metadata=Base.metadata)


class Associate(Base):
    """A dealer, partner or colleague, a person or a firm, who looks after accounts or brings them in.

    `status` says whether it may be given work, `can_login` whether its users may sign in (A6): a colleague without
    sign-in may well look after customers. `search` is what live search looks through (`shared.words.searched`).
    """

    __tablename__ = "associate"

    id: Mapped[UuidPk]
    code: Mapped[Words]
    code_key: Mapped[Key]
    name: Mapped[Words]
    kind: Mapped[Words] = mapped_column(server_default="employee")
    is_firm: Mapped[bool] = mapped_column(server_default="false")
    email: Mapped[Words | None]
    email_key: Mapped[Key | None]
    phone: Mapped[Words | None]
    phone2: Mapped[Words | None]
    street: Mapped[Words | None]
    city: Mapped[Words | None]
    region: Mapped[Words | None]
    postal_code: Mapped[Words | None]
    country: Mapped[Words | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    notes: Mapped[Words | None]
    can_login: Mapped[bool] = mapped_column(server_default="false")
    status: Mapped[Words] = mapped_column(server_default="active")
    status_reason: Mapped[Words | None]
    status_at: Mapped[Moment | None]
    status_by: Mapped[uuid.UUID | None]
    status_by_name: Mapped[Words | None]
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    search: Mapped[Key] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]
    created_by: Mapped[uuid.UUID]
    created_by_name: Mapped[Words]
    updated_at: Mapped[Moment] = mapped_column(server_default=func.now())

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        UniqueConstraint("code_key"),
        CheckConstraint("kind IN ('dealer', 'partner', 'employee', 'other')", "kind"),
        CheckConstraint("status IN ('active', 'inactive')", "status"),
        Index("associate_email_key_ix", "email_key", postgresql_where=text("email_key IS NOT NULL")),
        Index("associate_search_ix", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
    )


class Link(Base):
    """That an associate looks after an account, as what: from when, by whom, and until when (A3, A11).

    A link that ended stays; `cause` says what ended it: removed, role_changed, account_deleted, associate_deleted or
    undone. `ended_job` is the mass change that ended it, while that can still be taken back. `since_by_name` is who
    mended since when it is. The account is another service's, so only its id is known here.
    """

    __tablename__ = "link"

    id: Mapped[UuidPk]
    account_id: Mapped[uuid.UUID]
    associate_id: Mapped[uuid.UUID]
    role: Mapped[Words]
    is_primary: Mapped[bool] = mapped_column(server_default="false")
    begun_at: Mapped[CreatedAt]
    begun_by: Mapped[uuid.UUID]
    begun_by_name: Mapped[Words]
    since_by_name: Mapped[Words | None]
    ended_at: Mapped[Moment | None]
    ended_by: Mapped[uuid.UUID | None]
    ended_by_name: Mapped[Words | None]
    cause: Mapped[Words | None]
    ended_job: Mapped[uuid.UUID | None]

    __table_args__ = (
        # The three names of an open link, and the order in which customers' copy is compared with it.
        Index(
            "link_open_ix",
            "account_id",
            "associate_id",
            "role",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("link_associate_ix", "associate_id", "role", "account_id", postgresql_where=text("ended_at IS NULL")),
        Index("link_account_ix", "account_id", postgresql_where=text("ended_at IS NOT NULL")),
        Index(
            "link_one_primary_ix",
            "account_id",
            unique=True,
            postgresql_where=text("is_primary AND ended_at IS NULL"),
        ),
        Index("link_ended_ix", "associate_id", postgresql_where=text("ended_at IS NOT NULL")),
    )


class GoneAccount(Base):
    """An account that customers told was deleted: nobody can be linked with it until it is brought back."""

    __tablename__ = "gone_account"

    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class Change(ChangeTable, Base):
    """Who changed what and when, of an associate and its links."""

    associate_id: Mapped[uuid.UUID]

    __table_args__ = (
        Index("change_associate_id_id_ix", "associate_id", "id"),
        Index("change_job_id_ix", "job_id", postgresql_where=text("job_id IS NOT NULL")),
    )


class Outbox(OutboxTable, Base):
    """Facts for other services."""


class Inbox(InboxTable, Base):
    """Events of others that were applied here."""


class FeedCursor(CursorTable, Base):
    """How far the feeds of others were read."""


class IdempotencyKey(IdempotencyTable, Base):
    """Answers of POSTs that carried an Idempotency-Key."""


class Receipt(ReceiptTable, Base):
    """Chunks of mass changes and imports that were applied."""


class UndoReceipt(UndoReceiptTable, Base):
    """Chunks of mass changes and imports that were taken back."""


class JobFence(FenceTable, Base):
    """Mass changes and imports whose chunks may, or may no longer, be applied."""
