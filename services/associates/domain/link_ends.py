"""Links end with their account or their associate, and come back with it."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Uuid, and_, cast, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.orm import Session, aliased

from services.associates.domain.link_locks import lock_accounts, share_accounts, until_unhindered
from services.associates.domain.links import record_links
from services.associates.models import Associate, GoneAccount, Link
from shared.history import Actor

NOTE_GONE = "INSERT INTO gone_account (account_id) SELECT unnest(CAST(:accounts AS uuid[])) ON CONFLICT DO NOTHING"


def end_links_of_associate(session: Session, actor: Actor, associate_id: uuid.UUID) -> None:
    """End all links of an associate that is being deleted."""
    _end_all(session, actor, Link.associate_id == associate_id, "associate_deleted")


def reopen_links_of_associate(session: Session, associate_id: uuid.UUID) -> None:
    """Take back that an associate's links ended with it; where the account is gone, they wait for that."""
    share_accounts(session)
    gone = exists().where(GoneAccount.account_id == Link.account_id)
    theirs = (Link.associate_id == associate_id) & (Link.cause == "associate_deleted")
    _call(session, theirs & gone, "account_deleted")
    _reopen_all(session, theirs, "associate_deleted")


def end_links_of_accounts(session: Session, actor: Actor, account_ids: Sequence[uuid.UUID]) -> None:
    """Note that accounts were deleted, which ends their links."""
    if not account_ids:
        return
    lock_accounts(session)
    session.execute(text(NOTE_GONE), {"accounts": list(account_ids)})
    these = func.any(cast(list(account_ids), ARRAY(Uuid)))
    _end_all(session, actor, Link.account_id == these, "account_deleted")


def reopen_links_of_account(session: Session, account_id: uuid.UUID) -> None:
    """Note that an account is back, and with it the links that ended when it was deleted.

    Where the associate is gone, they wait for that.
    """
    lock_accounts(session)
    if gone := session.get(GoneAccount, account_id):
        session.delete(gone)
        session.flush()
    there = exists().where(Associate.id == Link.associate_id)
    its = (Link.account_id == account_id) & (Link.cause == "account_deleted")
    # Nobody deletes their associates meanwhile; locked before links, as who deletes does, in the order of imports.
    theirs = select(Associate.id).where(Associate.id.in_(select(Link.associate_id).where(its)))
    session.execute(theirs.order_by(Associate.code_key).with_for_update(read=True))
    _call(session, its & ~there, "associate_deleted")
    _reopen_all(session, its, "account_deleted")


def _end_all(session: Session, actor: Actor, which: ColumnElement[bool], cause: str) -> None:
    ended = session.execute(
        update(Link)
        .where(which, Link.ended_at.is_(None))
        .values(ended_at=func.now(), ended_by=actor.id, ended_by_name=actor.name, cause=cause)
        .returning(Link.account_id, Link.associate_id, Link.role)
        .execution_options(synchronize_session=False)
    ).all()
    record_links(session, ended=ended)


def _reopen_all(session: Session, which: ColumnElement[bool], cause: str) -> None:
    """Open the newest of each link that ended for this cause, but for those that were given again since.

    Where the account got another primary associate since, that one stays it.
    """
    other = aliased(Link)
    is_meant = and_(which, Link.ended_at.is_not(None), Link.cause == cause)
    link = (Link.account_id, Link.associate_id, Link.role)
    newest_first = (Link.ended_at.desc(), Link.id.desc())
    meant = select(Link.id).where(is_meant).correlate(None)
    newest = meant.ext(distinct_on(*link)).order_by(*link, *newest_first)
    first = meant.where(Link.is_primary).ext(distinct_on(link[0])).order_by(link[0], *newest_first)
    is_open = and_(other.account_id == Link.account_id, other.ended_at.is_(None))
    twin = exists().where(is_open, other.associate_id == Link.associate_id, other.role == Link.role)
    leads = Link.id.in_(first) & ~exists().where(is_open, other.is_primary)
    reopen = (
        update(Link)
        .where(Link.id.in_(newest), ~twin)
        .values(ended_at=None, ended_by=None, ended_by_name=None, cause=None, ended_job=None, is_primary=leads)
        .returning(*link)
        .execution_options(synchronize_session=False)
    )
    reopened = until_unhindered(session, lambda: session.execute(reopen).all())
    _call(session, is_meant, "undone")
    record_links(session, begun=reopened)


def _call(session: Session, which: ColumnElement[bool], cause: str) -> None:
    """Say that links ended for another cause."""
    session.execute(
        update(Link).where(which).values(cause=cause, ended_job=None).execution_options(synchronize_session=False)
    )
