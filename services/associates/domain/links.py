"""Who looks after which account, as what (A3): begin, change role or start, make primary, end, take back (A11)."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.associates.domain.history import record_change
from services.associates.domain.link_locks import lock_account, until_unhindered
from services.associates.errors import (
    AccountNotFound,
    AssociateInactive,
    AssociateNotFound,
    BeginsLater,
    LinkExists,
    LinkGoesOn,
    LinkNotFound,
)
from services.associates.models import Associate, GoneAccount, Link, Outbox
from shared.db import uuid7
from shared.events.associates import LINK_ROLES, LinksChanged, gather_links
from shared.history import Actor
from shared.outbox import record
from shared.records import Changes
from shared.scope import associate_of

ROLES = LINK_ROLES
TOLD_AT_ONCE = 5000


@dataclass(frozen=True)
class AccountFacts:
    """What customers says of an account just now."""

    id: uuid.UUID
    code: str
    name: str

    def __str__(self) -> str:
        """Return how history calls it."""
        return f"{self.name} ({self.code})"


class LinkOfAccount(NamedTuple):
    """A link, and the associate as it is now (None for a deleted one)."""

    link: Link
    associate: Associate | None


def links_of_account(session: Session, account_id: uuid.UUID) -> list[LinkOfAccount]:
    """Return who looks after an account, the primary one first, then by name.

    Raises AccountNotFound where somebody sees only their own links and has none here.
    """
    rows = session.execute(
        select(Link, Associate)
        .join(Associate, Associate.id == Link.associate_id)
        .where(Link.account_id == account_id, Link.ended_at.is_(None))
        .order_by(Link.is_primary.desc(), Associate.search, Link.role)
    )
    found = [LinkOfAccount(link, associate) for link, associate in rows]
    if not found and associate_of(session) is not None:
        raise AccountNotFound(account_id)
    return found


def former_links(session: Session, account_id: uuid.UUID, limit: int = 50) -> list[LinkOfAccount]:
    """Return who looked after an account before, the latest first."""
    rows = session.execute(
        select(Link, Associate)
        .outerjoin(Associate, Associate.id == Link.associate_id)
        .where(Link.account_id == account_id, Link.ended_at.is_not(None))
        .order_by(Link.ended_at.desc(), Link.id.desc())
        .limit(limit)
    )
    return [LinkOfAccount(link, associate) for link, associate in rows]


def links_of_associate(
    session: Session, associate_id: uuid.UUID, limit: int, after: uuid.UUID | None = None
) -> tuple[Sequence[Link], uuid.UUID | None]:
    """Return a page of the links of an associate in the order of accounts, and where the next one begins.

    An account with several roles is never cut apart by a page. Raises AssociateNotFound.
    """
    if session.get(Associate, associate_id) is None:
        raise AssociateNotFound(associate_id)
    mine = (Link.associate_id == associate_id, Link.ended_at.is_(None))
    accounts = select(Link.account_id).where(*mine).distinct().order_by(Link.account_id).limit(limit + 1)
    ids = session.scalars(accounts if after is None else accounts.where(Link.account_id > after)).all()
    page = ids[:limit]
    links = session.scalars(
        select(Link).where(*mine, Link.account_id.in_(page)).order_by(Link.account_id, Link.role)
    ).all()
    return links, page[-1] if len(ids) > limit else None


def count_accounts(session: Session, associate_id: uuid.UUID) -> tuple[int, dict[str, int]]:
    """Return how many accounts an associate looks after (A4), and how many by role."""
    mine = (Link.associate_id == associate_id, Link.ended_at.is_(None))
    by_role = session.execute(select(Link.role, func.count()).where(*mine).group_by(Link.role)).all()
    ordered = {row[0]: row[1] for row in sorted(by_role, key=lambda row: ROLES.index(row[0]))}
    if len(ordered) <= 1:
        return sum(ordered.values()), ordered
    return session.scalar(select(func.count(Link.account_id.distinct())).where(*mine)) or 0, ordered


def begin_link(
    session: Session,
    actor: Actor,
    account: AccountFacts,
    associate_id: uuid.UUID,
    role: str,
    *,
    primary: bool = False,
    since: date | None = None,
) -> Link:
    """Let an associate look after an account in a role, from now on or `since` a day that was.

    Raises AccountNotFound, AssociateNotFound, AssociateInactive, LinkExists, BeginsLater.
    """
    lock_account(session, account.id)
    if session.get(GoneAccount, account.id) is not None:
        raise AccountNotFound(account.id)
    associate = _associate(session, associate_id)
    if associate.status != "active":
        raise AssociateInactive(associate.name)
    link = _begin(session, actor, account.id, associate, role, primary=primary, since=since)
    first: Changes = {"primary": [None, True]} if primary else {}
    changes: Changes = {"customer": [None, str(account)], "role": [None, role], **first}
    record_change(session, actor, associate, "linked", changes)
    record_links(session, begun=[link])
    return link


def change_role(session: Session, actor: Actor, account: AccountFacts, link_id: uuid.UUID, role: str | None) -> Link:
    """Let an associate look after the account in another role from now on; the former link ends.

    Raises LinkNotFound, LinkExists. Nothing happens for the role that it has, or for none.
    """
    former, associate = _open_link(session, account.id, link_id)
    if role is None or role == former.role:
        return former
    _end(former, actor, "role_changed")
    session.flush()
    link = _begin(session, actor, account.id, associate, role, primary=former.is_primary)
    changes: Changes = {"customer": [None, str(account)], "role": [former.role, role]}
    record_change(session, actor, associate, "role", changes)
    record_links(session, ended=[former], begun=[link])
    return link


def change_since(session: Session, actor: Actor, account: AccountFacts, link_id: uuid.UUID, since: date) -> Link:
    """Say since which day an associate looks after the account. Raises LinkNotFound, BeginsLater."""
    link, associate = _open_link(session, account.id, link_id)
    before = link.begun_at.astimezone(UTC).date()
    if since != before:
        link.begun_at, link.since_by_name = _moment(since), actor.name
        session.flush()
        days = [before.isoformat(), since.isoformat()]
        record_change(session, actor, associate, "role", {"customer": [None, str(account)], "since": days})
    return link


def make_primary(session: Session, actor: Actor, account: AccountFacts, link_id: uuid.UUID) -> Link:
    """Make this the associate to turn to first; the former one steps back. Raises LinkNotFound."""
    link, associate = _open_link(session, account.id, link_id)
    if not link.is_primary:
        until_unhindered(session, lambda: _lead(session, link))
        changes: Changes = {"customer": [None, str(account)], "primary": [None, True]}
        record_change(session, actor, associate, "role", changes)
    return link


def end_link(session: Session, actor: Actor, account: AccountFacts, link_id: uuid.UUID) -> Link:
    """Let an associate look after an account no longer in this role. Raises LinkNotFound."""
    link, associate = _open_link(session, account.id, link_id)
    _end(link, actor, "removed")
    session.flush()
    record_change(session, actor, associate, "unlinked", {"customer": [str(account), None], "role": [link.role, None]})
    record_links(session, ended=[link])
    return link


def reopen_link(session: Session, actor: Actor, account: AccountFacts, link_id: uuid.UUID) -> Link:
    """Take back that a link ended. Raises LinkNotFound, LinkGoesOn, AccountNotFound, AssociateNotFound, LinkExists."""
    lock_account(session, account.id)
    link, associate = _lock_link(session, account.id, link_id)
    if link.ended_at is None:
        raise LinkGoesOn
    if session.get(GoneAccount, account.id) is not None:
        raise AccountNotFound(account.id)
    if associate is None:
        raise AssociateNotFound(link.associate_id)
    until_unhindered(session, lambda: _reopen(session, link, associate))
    record_change(session, actor, associate, "linked", {"customer": [None, str(account)], "role": [None, link.role]})
    record_links(session, begun=[link])
    return link


def working_associates(session: Session, ids: Sequence[uuid.UUID], *, also_inactive: bool = False) -> list[Associate]:
    """Return these associates, in this order; nobody deletes them before this transaction ends.

    Raises AssociateNotFound, and AssociateInactive unless they may be inactive.
    """
    query = select(Associate).where(Associate.id.in_(ids)).order_by(Associate.id).with_for_update(read=True)
    found = {one.id: one for one in session.scalars(query.execution_options(populate_existing=True))}
    for one in ids:
        if one not in found:
            raise AssociateNotFound(one)
        if found[one].status != "active" and not also_inactive:
            raise AssociateInactive(found[one].name)
    return [found[one] for one in ids]


def _moment(since: date | None) -> datetime:
    """Return when what begins on that day, or now, begins: at noon, that day nearly everywhere; today at once."""
    now = datetime.now(UTC)
    if since is None or now.date() <= since <= now.date() + timedelta(1):  # where it is tomorrow already
        return now
    if since > now.date():
        raise BeginsLater
    return datetime.combine(since, time(12), UTC)


def _associate(session: Session, associate_id: uuid.UUID) -> Associate:
    """Return an associate that nobody deletes before this transaction ends."""
    associate = session.get(Associate, associate_id, with_for_update={"read": True}, populate_existing=True)
    if associate is None:
        raise AssociateNotFound(associate_id)
    return associate


def _open_link(session: Session, account_id: uuid.UUID, link_id: uuid.UUID) -> tuple[Link, Associate]:
    lock_account(session, account_id)
    link, associate = _lock_link(session, account_id, link_id)
    if link.ended_at is not None:
        raise LinkNotFound(link_id)
    if associate is None:
        raise AssociateNotFound(link.associate_id)
    return link, associate


def _lock_link(session: Session, account_id: uuid.UUID, link_id: uuid.UUID) -> tuple[Link, Associate | None]:
    """Lock a link with all open ones of its account, in the order of jobs; raise LinkNotFound.

    Its associate is locked before, as who deletes that does.
    """
    whose = select(Link.associate_id).where(Link.id == link_id, Link.account_id == account_id)
    theirs = select(Associate).where(Associate.id == whose.scalar_subquery()).with_for_update(read=True)
    associate = session.scalars(theirs.execution_options(populate_existing=True)).one_or_none()
    around = select(Link.id).where(Link.account_id == account_id, Link.ended_at.is_(None))
    session.execute(around.order_by(Link.associate_id, Link.role).with_for_update())
    link = session.get(Link, link_id, with_for_update=True, populate_existing=True)
    if link is None or link.account_id != account_id:
        raise LinkNotFound(link_id)
    return link, associate


def _begin(
    session: Session,
    actor: Actor,
    account_id: uuid.UUID,
    associate: Associate,
    role: str,
    *,
    primary: bool,
    since: date | None = None,
) -> Link:
    def begin() -> Link:
        _must_be_new(session, account_id, associate, role)
        if primary:
            _step_back(session, account_id)
        link = Link(
            id=uuid7(),
            account_id=account_id,
            associate_id=associate.id,
            role=role,
            is_primary=primary,
            begun_at=_moment(since),
            begun_by=actor.id,
            begun_by_name=actor.name,
        )
        session.add(link)
        session.flush()
        return link

    return until_unhindered(session, begin)


def _lead(session: Session, link: Link) -> None:
    _step_back(session, link.account_id)
    link.is_primary = True
    session.flush()


def _reopen(session: Session, link: Link, associate: Associate) -> None:
    _must_be_new(session, link.account_id, associate, link.role)
    link.is_primary = link.is_primary and not _has_primary(session, link.account_id)
    link.ended_at = link.ended_by = link.ended_by_name = link.cause = link.ended_job = None
    session.flush()


def _must_be_new(session: Session, account_id: uuid.UUID, associate: Associate, role: str) -> None:
    twin = session.scalars(
        select(Link).where(
            Link.account_id == account_id,
            Link.associate_id == associate.id,
            Link.role == role,
            Link.ended_at.is_(None),
        )
    ).first()
    if twin is not None:
        raise LinkExists(twin.id, associate.name)


def _has_primary(session: Session, account_id: uuid.UUID) -> bool:
    primary = select(Link.id).where(Link.account_id == account_id, Link.is_primary, Link.ended_at.is_(None))
    return session.scalars(primary).first() is not None


def _step_back(session: Session, account_id: uuid.UUID) -> None:
    """Let the primary link of the account be an ordinary one."""
    session.execute(
        update(Link)
        .where(Link.account_id == account_id, Link.is_primary, Link.ended_at.is_(None))
        .values(is_primary=False)
    )


def _end(link: Link, actor: Actor, cause: str) -> None:
    link.ended_at, link.ended_by, link.ended_by_name, link.cause = datetime.now(UTC), actor.id, actor.name, cause


def record_links(session: Session, *, ended: Iterable[Any] = (), begun: Iterable[Any] = ()) -> None:
    """Record what ended and begun, some thousands an event."""
    told = [(0, link) for link in ended] + [(1, link) for link in begun]
    for start in range(0, len(told), TOLD_AT_ONCE):
        sides: tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]] = ([], [])
        for side, link in told[start : start + TOLD_AT_ONCE]:
            sides[side].append((str(link.account_id), str(link.associate_id), link.role))
        record(session, Outbox, LinksChanged(ended=gather_links(sides[0]), begun=gather_links(sides[1])))
