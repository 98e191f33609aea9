"""The tables of customers. `domain`, `bulk` and the migrations read and write them, nobody else.

Keys (`*_key`) come from `shared.keys` only. Key columns compare byte by byte (collation C), so that one plain btree
serves equality, prefixes and the order of lists.
"""

import uuid
from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.bulk import FenceTable, ReceiptTable, UndoReceiptTable
from shared.db import CreatedAt, UuidPk, metadata
from shared.history import ChangeTable
from shared.idempotency import IdempotencyTable
from shared.mail_queue import MailQueueTable, queue_constraints
from shared.outbox import CursorTable, InboxTable, OutboxTable

Key = Annotated[str, mapped_column(Text(collation="C"))]
Words = Annotated[str, mapped_column(Text)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]


class Base(DeclarativeBase):
    """The base of the tables of customers."""

    metadata = metadata()


code_sequence = Sequence("code_sequence", start=10001, metadata=Base.metadata)


class Account(Base):
    """A company or person that buys or rents from us (customer), that we buy from (vendor), or both.

    `search` is what live search looks through; `domain.search.search_text` says what is in it. Accounts made by an
    import carry its id in `created_job`; everything later stands in `Change`.
    """

    __tablename__ = "account"

    id: Mapped[UuidPk]
    code: Mapped[Words]
    code_key: Mapped[Key]
    name: Mapped[Words]
    name_key: Mapped[Key]
    kind: Mapped[Words] = mapped_column(server_default="company")
    is_customer: Mapped[bool] = mapped_column(server_default="true")
    is_vendor: Mapped[bool] = mapped_column(server_default="false")
    email: Mapped[Words | None]
    email_key: Mapped[Key | None]
    phone: Mapped[Words | None]
    phone_key: Mapped[Key | None]
    phone2: Mapped[Words | None]
    phone2_key: Mapped[Key | None]
    website: Mapped[Words | None]
    tax_id: Mapped[Words | None]
    street: Mapped[Words | None]
    city: Mapped[Words | None]
    region: Mapped[Words | None]
    postal_code: Mapped[Words | None]
    country: Mapped[Words | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    source: Mapped[Words | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    notes: Mapped[Words | None]
    status: Mapped[Words] = mapped_column(server_default="active")
    status_reason: Mapped[Words | None]
    status_at: Mapped[Moment | None]
    status_by: Mapped[uuid.UUID | None]
    status_by_name: Mapped[Words | None]
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    search: Mapped[Words] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]
    created_by: Mapped[uuid.UUID]
    created_by_name: Mapped[Words]
    created_job: Mapped[uuid.UUID | None]
    updated_at: Mapped[Moment] = mapped_column(server_default=func.now())

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        UniqueConstraint("code_key"),
        Index(None, "email_key"),  # imports find accounts by it
        CheckConstraint("kind IN ('company', 'person')", "kind"),
        CheckConstraint("status IN ('active', 'inactive')", "status"),
        CheckConstraint("is_customer OR is_vendor", "role"),
        # Who pastes codes from a spreadsheet has lost their zeros.
        Index("account_zeros_ix", text("ltrim(code_key, '0')"), postgresql_where=text("code_key LIKE '0%'")),
        # Made by migrations.search_ddl, which tells what they are for (and collates the first, which is not seen here).
        Index("account_sorted", "status", text("left(search, 40)"), "id"),
        Index(
            "account_search",
            "search",
            text("account_facets(tags, kind, status, is_customer, is_vendor)"),
            postgresql_using="gin",
            postgresql_ops={"search": "gin_trgm_ops"},
        ),
        {"postgresql_with": {"fillfactor": 85}},
    )


class Contact(Base):
    """A person or firm at an account; a firm's name is its `last_name`.

    `contact_key` (from `domain.natural_keys.contact_key`) tells duplicates within the account, inactive ones included.
    """

    __tablename__ = "contact"

    id: Mapped[UuidPk]
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    kind: Mapped[Words] = mapped_column(server_default="person")
    first_name: Mapped[Words | None]
    last_name: Mapped[Words]
    name_key: Mapped[Key]
    job_title: Mapped[Words | None]
    email: Mapped[Words | None]
    email_key: Mapped[Key | None]
    phone: Mapped[Words | None]
    phone_key: Mapped[Key | None]
    phone2: Mapped[Words | None]
    phone2_key: Mapped[Key | None]
    is_primary: Mapped[bool] = mapped_column(server_default="false")
    contact_key: Mapped[Key]
    status: Mapped[Words] = mapped_column(server_default="active")
    status_reason: Mapped[Words | None]
    status_at: Mapped[Moment | None]
    status_by: Mapped[uuid.UUID | None]
    status_by_name: Mapped[Words | None]
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_at: Mapped[CreatedAt]
    created_by: Mapped[uuid.UUID]
    created_by_name: Mapped[Words]
    created_job: Mapped[uuid.UUID | None]
    updated_at: Mapped[Moment] = mapped_column(server_default=func.now())

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        UniqueConstraint("account_id", "contact_key"),
        Index(None, "email_key"),  # imports find accounts by their primary contact's
        Index("contact_one_primary_ix", "account_id", unique=True, postgresql_where=text("is_primary")),
        Index("contact_others_ix", "account_id", postgresql_where=text("NOT is_primary")),
        CheckConstraint("kind IN ('person', 'firm')", "kind"),
        CheckConstraint("status IN ('active', 'inactive')", "status"),
        {"postgresql_with": {"fillfactor": 85}},
    )


class Change(ChangeTable, Base):
    """Who changed what and when. `contact_id` is null when the account itself changed.

    The row of a job (`job_id`, `chunk_no`) is at the same time the before-image for the job's undo.
    """

    account_id: Mapped[uuid.UUID]
    contact_id: Mapped[uuid.UUID | None]
    chunk_no: Mapped[int | None] = mapped_column(Integer)

    __table_args__ = (
        Index("change_account_id_id_ix", "account_id", "id"),
        Index("change_job_id_chunk_no_ix", "job_id", "chunk_no", postgresql_where=text("job_id IS NOT NULL")),
    )


class AssociateName(Base):
    """A copy of what associates tells of an associate; only `domain.copies` writes it."""

    __tablename__ = "associate_name"

    associate_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code: Mapped[Words]
    name: Mapped[Words]
    email: Mapped[Words | None]
    active: Mapped[bool]


class AccountAssociate(Base):
    """A copy of who looks after which account, as what; only `domain.copies` writes it.

    Without foreign keys: the feeds of both services may be some seconds apart.
    """

    __tablename__ = "account_associate"

    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    associate_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    role: Mapped[Words] = mapped_column(primary_key=True)

    __table_args__ = (Index("account_associate_associate_ix", "associate_id", "account_id", "role"),)


class Selection(Base):
    """Customers that are meant together: pasted codes, what a list was asked for (`chosen`), or ticked rows.

    Of pasted codes each stands once, as written in `codes`, with its key and how many times it came.
    """

    __tablename__ = "selection"

    id: Mapped[UuidPk]
    source: Mapped[Words]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    codes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    keys: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    times: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    chosen: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    account_ids: Mapped[list[uuid.UUID] | None] = mapped_column(ARRAY(Uuid))
    created_at: Mapped[CreatedAt]
    created_by: Mapped[uuid.UUID]
    created_by_name: Mapped[Words]

    __table_args__ = (CheckConstraint("source IN ('codes', 'list', 'ticked')", "source"),)


class SelectionSnapshot(Base):
    """The customers of a selection at one moment, active and inactive ones, and what was told of it."""

    __tablename__ = "selection_snapshot"

    id: Mapped[UuidPk]
    selection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("selection.id", ondelete="CASCADE"))
    made_at: Mapped[CreatedAt]
    active: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), deferred=True)
    inactive: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), deferred=True)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Message(MailQueueTable, Base):
    """A mail that somebody wrote to a customer (A7), and how far it has come.

    Like history it outlives the account, so it has no foreign key to it and knows what that was called.
    """

    __tablename__ = "message"

    account_id: Mapped[uuid.UUID]
    account_name: Mapped[Words]
    template: Mapped[Words]
    subject: Mapped[Words]
    body: Mapped[Words]
    reply_to: Mapped[Words | None]
    created_at: Mapped[CreatedAt]
    created_by: Mapped[uuid.UUID]
    created_by_name: Mapped[Words]

    __table_args__ = (
        *queue_constraints("message"),
        Index("message_account_id_id_ix", "account_id", "id"),
        Index("message_created_by_id_ix", "created_by", "id"),
        Index("message_unsent_ix", "id", postgresql_where=text("state <> 'sent'")),
    )


class Recipient(Base):
    """Whom a mail is for: the account itself, a contact of it (`record_id`), or an associate, who gets a copy.

    `state` is waiting, accepted (by the mail server), or refused, for the reason in `refusal`.
    """

    __tablename__ = "message_recipient"

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    email: Mapped[Words] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[Words]
    record_id: Mapped[uuid.UUID]
    name: Mapped[Words]
    state: Mapped[Words] = mapped_column(server_default="waiting")
    refusal: Mapped[Words | None]

    __table_args__ = (
        CheckConstraint("kind IN ('account', 'contact', 'associate')", "kind"),
        CheckConstraint("state IN ('waiting', 'accepted', 'refused')", "state"),
    )


class Inbox(InboxTable, Base):
    """Events of others that were applied here."""


class FeedCursor(CursorTable, Base):
    """How far the feeds of others were read."""


class Outbox(OutboxTable, Base):
    """Facts for other services."""


class IdempotencyKey(IdempotencyTable, Base):
    """Answers of POSTs that carried an Idempotency-Key."""


class Receipt(ReceiptTable, Base):
    """Chunks of jobs that were applied."""


class UndoReceipt(UndoReceiptTable, Base):
    """Chunks of jobs that were taken back."""


class JobFence(FenceTable, Base):
    """Jobs whose chunks may, or may no longer, be applied."""
