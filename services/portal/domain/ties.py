"""Users of associates (A6): to whom they are tied, and what follows when that associate may no longer sign in.

Portal keeps what it needs to know of an associate beside its users (`TiedAssociate`), so that no request has to ask
another service who may come in. It is asked for once, when a user is tied, and from then on the feed keeps it right:
a row that the feed wrote meanwhile is never overwritten by the older answer.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.portal.domain import access, tokens
from services.portal.errors import AssociateMissing
from services.portal.models import TiedAssociate, User
from shared.copies import Row


@dataclass(frozen=True)
class AssociateFacts:
    """What associates says of one of theirs just now."""

    code: str
    name: str
    can_login: bool


def knows_associate(session: Session, associate_id: uuid.UUID) -> bool:
    """Tell whether it was asked for before."""
    return session.get(TiedAssociate, associate_id) is not None


def learn_associate(session: Session, associate_id: uuid.UUID, facts: AssociateFacts) -> None:
    """Keep what was answered, unless the feed has told something meanwhile."""
    values = {"code": facts.code, "name": facts.name, "can_login": facts.can_login}
    session.execute(insert(TiedAssociate).values(id=associate_id, **values).on_conflict_do_nothing())


def tie_user(session: Session, user: User, associate_id: uuid.UUID | None) -> None:
    """Tie a user of the kind associate to one, and no user of another kind. Raises AssociateMissing."""
    if user.kind != "associate":
        user.associate = None
        return
    associate = session.get(TiedAssociate, associate_id) if associate_id else None
    if associate is None or associate.is_gone:
        raise AssociateMissing
    user.associate = associate


def keep_associates(session: Session, associates: Mapping[uuid.UUID, AssociateFacts]) -> None:
    """Note how associates are now; where one may not sign in, sessions and access tokens of its users end for good."""
    if not associates:
        return
    told = [
        {"id": one, "code": facts.code, "name": facts.name, "can_login": facts.can_login, "is_gone": False}
        for one, facts in associates.items()
    ]
    statement = insert(TiedAssociate)
    now = {name: statement.excluded[name] for name in ("code", "name", "can_login", "is_gone")}
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=now), told)
    _lock_out(session, [one for one, facts in associates.items() if not facts.can_login])


def forget_associates(session: Session, ids: Sequence[uuid.UUID]) -> None:
    """Note that associates are gone: their users are locked out until they are brought back."""
    values = {"can_login": False, "is_gone": True}
    session.execute(update(TiedAssociate).where(TiedAssociate.id.in_(ids)).values(**values))
    _lock_out(session, ids)


def some_sign_ins(session: Session, after: Row | None, until: Row | None, limit: int | None) -> list[Row]:
    """Return associates that are there, in order, as (id, code, name, "yes" or "no" for sign-in)."""
    query = select(TiedAssociate).where(~TiedAssociate.is_gone).order_by(TiedAssociate.id)
    if after:
        query = query.where(TiedAssociate.id > uuid.UUID(after[0]))
    if until:
        query = query.where(TiedAssociate.id <= uuid.UUID(until[0]))
    return [
        (str(one.id), one.code, one.name, "yes" if one.can_login else "no")
        for one in session.scalars(query.limit(limit))
    ]


def load_sign_ins(session: Session, rows: Sequence[Row]) -> None:
    """Take over a page of associates, as `some_sign_ins` gives them; who may no longer sign in is out at once."""
    told = {uuid.UUID(one): AssociateFacts(code, name, may == "yes") for one, code, name, may in rows}
    keep_associates(session, told)


def doubt_all(session: Session) -> None:
    """Take all associates for deleted, until their owner tells them again. Nobody is signed out by this alone."""
    session.execute(update(TiedAssociate).values(is_gone=True))


def lock_out_of_gone(session: Session) -> None:
    """End sessions and access tokens of users whose associate is deleted."""
    forget_associates(session, session.scalars(select(TiedAssociate.id).where(TiedAssociate.is_gone)).all())


def _lock_out(session: Session, associate_ids: Sequence[uuid.UUID]) -> None:
    for user_id in session.scalars(select(User.id).where(User.associate_id.in_(associate_ids))).all():
        access.end_sessions(session, user_id)
        tokens.end_tokens(session, user_id)
