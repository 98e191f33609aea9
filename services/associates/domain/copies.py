"""What others keep of associates, told in pages; and which accounts that are linked here are gone."""

import uuid
from collections.abc import Iterator, Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from services.associates.models import Associate, Link
from shared.copies import PAGE, Row


def some_associates(session: Session, after: Row | None) -> list[Row]:
    """Return a page of associates: id, code, name, active or inactive, e-mail ("" for none)."""
    query = select(Associate).order_by(Associate.id).limit(PAGE)
    if after:
        query = query.where(Associate.id > uuid.UUID(after[0]))
    return [(str(one.id), one.code, one.name, one.status, one.email or "") for one in session.scalars(query)]


def some_sign_ins(session: Session, after: Row | None) -> list[Row]:
    """Return a page of associates: id, code, name, and "yes" where its users may sign in."""
    query = select(Associate).order_by(Associate.id).limit(PAGE)
    if after:
        query = query.where(Associate.id > uuid.UUID(after[0]))
    return [(str(one.id), one.code, one.name, "yes" if one.can_login else "no") for one in session.scalars(query)]


def some_links(session: Session, after: Row | None) -> list[Row]:
    """Return a page of open links: account, associate, role."""
    key = tuple_(Link.account_id, Link.associate_id, Link.role)
    query = select(Link.account_id, Link.associate_id, Link.role).where(Link.ended_at.is_(None))
    if after:
        query = query.where(key > (uuid.UUID(after[0]), uuid.UUID(after[1]), after[2]))
    rows = session.execute(query.order_by(key).limit(PAGE))
    return [(str(account), str(associate), role) for account, associate, role in rows]


def linked_accounts(session: Session) -> Iterator[Sequence[uuid.UUID]]:
    """Yield the accounts that somebody looks after, a page at a time."""
    after: uuid.UUID | None = None
    while True:
        query = select(Link.account_id).where(Link.ended_at.is_(None)).distinct().order_by(Link.account_id).limit(PAGE)
        ids = session.scalars(query if after is None else query.where(Link.account_id > after)).all()
        if not ids:
            return
        yield ids
        after = ids[-1]
