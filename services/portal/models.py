"""The tables of portal. Only `domain`, seed and the migrations touch them.

Secrets are never stored: a password as its argon2id hash, a session or an access token as the SHA-256 of its 256 random
bits (a slow hash adds nothing to those).
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
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from shared.bulk import FenceTable, ReceiptTable, UndoReceiptTable
from shared.db import CreatedAt, UuidPk, metadata
from shared.idempotency import IdempotencyTable
from shared.outbox import CursorTable, InboxTable, OutboxTable

Words = Annotated[str, mapped_column(Text)]
Key = Annotated[str, mapped_column(Text(collation="C"))]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Digest = Annotated[bytes, mapped_column(LargeBinary)]
Owner = Annotated[uuid.UUID, mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"))]


class Base(DeclarativeBase):
    """The base of the tables of portal."""

    metadata = metadata()


class UserRole(Base):
    """A user has a role."""

    __tablename__ = "user_role"

    user_id: Mapped[Owner] = mapped_column(primary_key=True)
    role_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("role.id"), primary_key=True, index=True)


class Role(Base):
    """A named set of permissions. The administrator role always has all of them and can't be deleted."""

    __tablename__ = "role"

    id: Mapped[UuidPk]
    name: Mapped[Words]
    name_key: Mapped[Key]
    description: Mapped[Words] = mapped_column(server_default="")
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    is_administrator: Mapped[bool] = mapped_column(server_default="false")
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[CreatedAt]

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        UniqueConstraint("name_key"),
        Index("role_administrator_ix", "is_administrator", unique=True, postgresql_where=text("is_administrator")),
    )


class TiedAssociate(Base):
    """What portal keeps of an associate that users may be tied to (A6); the feed of associates keeps it right.

    One that was deleted stays here as `is_gone`, so that nobody gets in by a tie of before.
    """

    __tablename__ = "tied_associate"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code: Mapped[Words]
    name: Mapped[Words]
    can_login: Mapped[bool]
    is_gone: Mapped[bool] = mapped_column(server_default="false")


class User(Base):
    """Somebody who can sign in. Keys come from `shared.keys`; `search` is what live search looks through.

    Without a password hash nobody can sign in as this user. A temporary password works until `temporary_until` and must
    be changed first.
    """

    __tablename__ = "portal_user"

    id: Mapped[UuidPk]
    username: Mapped[Words]
    username_key: Mapped[Key]
    name: Mapped[Words]
    name_key: Mapped[Key]
    email: Mapped[Words | None]
    kind: Mapped[Words] = mapped_column(server_default="employee")
    code: Mapped[Words | None]
    code_key: Mapped[Key | None]
    associate_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tied_associate.id"), index=True)
    search: Mapped[Words] = mapped_column(server_default="")
    active: Mapped[bool] = mapped_column(server_default="true")
    password_hash: Mapped[Words | None]
    password_set_at: Mapped[Moment | None]
    password_is_temporary: Mapped[bool] = mapped_column(server_default="false")
    temporary_until: Mapped[Moment | None]
    last_sign_in_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=func.now())

    roles: Mapped[list[Role]] = relationship(secondary="user_role", order_by=Role.name_key, lazy="selectin")
    associate: Mapped[TiedAssociate | None] = relationship(lazy="selectin")

    __mapper_args__ = {"version_id_col": version, "eager_defaults": True}  # noqa: RUF012
    __table_args__ = (
        UniqueConstraint("username_key"),
        UniqueConstraint("code_key"),
        CheckConstraint("kind IN ('employee', 'customer', 'vendor', 'associate')", "kind"),
        CheckConstraint("(kind = 'associate') = (associate_id IS NOT NULL)", "tied"),
        CheckConstraint("NOT password_is_temporary OR temporary_until IS NOT NULL", "temporary"),
        Index("portal_user_name_key_id_ix", "name_key", "id"),
        Index("portal_user_search_ix", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
    )

    @property
    def has_password(self) -> bool:
        """Tell whether this user could sign in."""
        return self.password_hash is not None


class BrowserSession(Base):
    """A browser that is signed in."""

    __tablename__ = "browser_session"

    id: Mapped[UuidPk]
    token_hash: Mapped[Digest] = mapped_column(unique=True)
    user_id: Mapped[Owner] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[Moment] = mapped_column(server_default=func.now())
    expires_at: Mapped[Moment] = mapped_column(index=True)
    ip: Mapped[Words]
    user_agent: Mapped[Words]


class AccessToken(Base):
    """A personal access token for programs; `prefix` is what its owner knows it by."""

    __tablename__ = "personal_access_token"

    id: Mapped[UuidPk]
    token_hash: Mapped[Digest] = mapped_column(unique=True)
    user_id: Mapped[Owner]
    name: Mapped[Words]
    name_key: Mapped[Key]
    prefix: Mapped[Words]
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[Moment | None]
    expires_at: Mapped[Moment]

    __table_args__ = (UniqueConstraint("user_id", "name_key"),)


class SignInTries(Base):
    """Failed sign-ins under one name, whether there is such a user or not, so that both look alike from outside.

    `place` is the address that they came from, "" for all of them.
    """

    __tablename__ = "sign_in_tries"

    username_digest: Mapped[Digest] = mapped_column(primary_key=True)
    place: Mapped[Key] = mapped_column(primary_key=True)
    failed: Mapped[int]
    last_at: Mapped[Moment] = mapped_column(index=True)
    locked_until: Mapped[Moment | None]


class AuditEntry(Base):
    """Who did what, when, from where. Rows are only ever added: a trigger refuses anything else."""

    __tablename__ = "audit_entry"

    id: Mapped[UuidPk]
    at: Mapped[Moment] = mapped_column(server_default=text("clock_timestamp()"))
    action: Mapped[Words]
    actor_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[Words]
    ip: Mapped[Words] = mapped_column(server_default="")
    subject_kind: Mapped[Words] = mapped_column(server_default="")
    subject_id: Mapped[uuid.UUID | None]
    subject_name: Mapped[Words] = mapped_column(server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    search: Mapped[Words] = mapped_column(server_default="")

    __table_args__ = (
        Index("audit_entry_search_ix", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
        Index("audit_entry_at_id_ix", "at", "id"),
        Index("audit_entry_subject_id_ix", "subject_id", "at"),
        Index("audit_entry_actor_id_ix", "actor_id", "at"),
    )


class JobFence(FenceTable, Base):
    """Whether chunks of a job are still applied."""


class Receipt(ReceiptTable, Base):
    """What became of a chunk of users."""


class UndoReceipt(UndoReceiptTable, Base):
    """What became of a chunk of users when it was taken back."""


class ImportedUser(Base):
    """What a chunk of an import found of a user, nothing of one whom it added, and what it left: for its undo."""

    __tablename__ = "imported_user"

    job_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    chunk_no: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)


class IdempotencyKey(IdempotencyTable, Base):
    """Answers to repeated POSTs."""


class Setting(Base):
    """A setting of this installation, by name."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    updated_at: Mapped[CreatedAt]


class Outbox(OutboxTable, Base):
    """Events of portal."""


class Inbox(InboxTable, Base):
    """Events of others that were applied here."""


class FeedCursor(CursorTable, Base):
    """How far each feed was read."""
