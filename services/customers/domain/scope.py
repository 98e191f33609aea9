"""Whom a session is for: an associate's user sees the accounts linked with the associate now, and no other (A6).

The links are the local copy that the feed of associates keeps (`copies.py`), so a link that ended is out of sight with
the first request after its event was read here. Every read of the ORM is narrowed by `limit_session`; what is written
as text puts `and_mine` behind its own condition. Row-level security stands behind both (migration 0004).
"""

import uuid
from functools import partial
from typing import Any

from sqlalchemy import false, or_, select
from sqlalchemy.orm import Session, with_loader_criteria

from services.customers.models import Account, AccountAssociate, AssociateName, Change, Contact, Message, Recipient
from shared import scope
from shared.databases import SCOPED
from shared.errors import Forbidden
from shared.scope import NOBODY, associate_of

AND_MINE = " AND EXISTS (SELECT FROM account_associate WHERE account_id = account.id AND associate_id = :mine)"


def limit_session(session: Session, associate_id: uuid.UUID | None) -> None:
    """Let `session` see the accounts of this associate, with what belongs to them; None sees nothing."""
    mine = associate_id or NOBODY
    linked = select(AccountAssociate.account_id).where(AccountAssociate.associate_id == mine)
    narrowed = partial(with_loader_criteria, include_aliases=True)
    criteria = (
        narrowed(Account, Account.id.in_(linked)),
        narrowed(Contact, Contact.account_id.in_(linked)),
        narrowed(Change, Change.account_id.in_(linked)),
        narrowed(AccountAssociate, AccountAssociate.associate_id == mine),
        narrowed(AssociateName, AssociateName.associate_id == mine if associate_id else false()),
        narrowed(Message, Message.account_id.in_(linked)),
        # Which other associates got a copy of a mail is not for them.
        narrowed(Recipient, or_(Recipient.kind != "associate", Recipient.record_id == mine)),
    )
    scope.limit_session(session, SCOPED["customers"], mine, criteria)


def and_mine(session: Session) -> tuple[str, dict[str, Any]]:
    """Return what a statement as text must ask of `account` besides, and what that binds."""
    mine = associate_of(session)
    return ("", {}) if mine is None else (AND_MINE, {"mine": mine})


def must_see_all(session: Session, sentence: str) -> None:
    """Raise Forbidden for who sees only a part of the accounts."""
    if associate_of(session) is not None:
        raise Forbidden(sentence)
