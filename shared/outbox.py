"""Events recorded with the change, and the tables of both ends of a feed (design 5)."""

import dataclasses
import uuid
from datetime import datetime
from typing import Any, ClassVar, Protocol

from flask import current_app, has_app_context
from sqlalchemy import BigInteger, DateTime, Identity, Index, String, func, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from shared.db import after_commit, uuid7


class Event(Protocol):
    """A fact: a frozen dataclass whose `name` is `<owner>.<what_happened>.v<version>`; its fields are JSON values."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


class OutboxTable:
    """Mixin: `class Outbox(OutboxTable, Base)`.

    `seq` is the order in which events were recorded: of two changes that waited for each other, the later one's is
    higher, whatever the clocks of their machines say. `pos` is the order in which they are read.
    """

    __tablename__ = "outbox"

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    pos: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))

    @declared_attr.directive
    def __table_args__(cls) -> Any:  # noqa: N805
        return (Index("outbox_unplaced_ix", "event_id", postgresql_where=text("pos IS NULL")),)


class InboxTable:
    """Mixin: `class Inbox(InboxTable, Base)`: the events that were applied here."""

    __tablename__ = "inbox"

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    applied_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class CursorTable:
    """Mixin: `class FeedCursor(CursorTable, Base)`: how far each owner's feed was read."""

    __tablename__ = "feed_cursor"

    owner: Mapped[str] = mapped_column(primary_key=True)
    pos: Mapped[int] = mapped_column(BigInteger, server_default="0")


def record(session: Session, outbox: type[OutboxTable], event: Event) -> None:
    """Record `event` in the transaction of the change; once that is committed, its readers are nudged."""
    session.execute(insert(outbox).values(event_id=uuid7(), name=event.name, payload=dataclasses.asdict(event)))
    after_commit(session, nudge_readers)


def nudge_readers() -> None:
    """Tell those who read this service's feed that there is something new, where the process knows them."""
    if has_app_context() and (nudge := current_app.extensions.get("liaison.nudge_readers")):
        nudge()
