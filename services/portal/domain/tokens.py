"""Personal access tokens: how programs act for a person."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.portal.domain import audit
from services.portal.domain.actor import Actor
from services.portal.domain.secret import ACCESS_TOKEN_START, digest, new_token
from services.portal.errors import TokenNameTaken, TokenNotFound
from services.portal.models import AccessToken
from shared.keys import clean, name_key

LONGEST_DAYS = 366
SHOWN = len(ACCESS_TOKEN_START) + 6


def list_tokens(session: Session, user_id: uuid.UUID) -> Sequence[AccessToken]:
    """Return a user's tokens, newest first, those that ran out included."""
    query = select(AccessToken).where(AccessToken.user_id == user_id)
    return session.scalars(query.order_by(AccessToken.created_at.desc(), AccessToken.id.desc())).all()


def create_token(
    session: Session, actor: Actor, name: str, days: int, *, owner: audit.Subject
) -> tuple[AccessToken, str]:
    """Return a new token of `owner` and its secret, which is told this once.

    The name is unique among a user's tokens. That makes a repeated request harmless, so it needs no idempotency key,
    which would have to keep the secret.
    """
    secret = new_token(ACCESS_TOKEN_START)
    token = AccessToken(
        token_hash=digest(secret),
        user_id=owner.id,
        name=clean(name),
        name_key=name_key(name),
        prefix=secret[:SHOWN],
        expires_at=func.now() + timedelta(days=days),
    )
    session.add(token)
    try:
        session.flush()
    except IntegrityError as error:
        raise TokenNameTaken(token.name) from error
    session.refresh(token)
    audit.note(session, "token_created", actor, owner, {"name": token.name, "prefix": token.prefix, "days": days})
    return token, secret


def revoke_token(session: Session, actor: Actor, token_id: uuid.UUID) -> None:
    """Revoke one of the actor's own tokens; raise TokenNotFound for anybody else's."""
    mine = (AccessToken.id == token_id, AccessToken.user_id == actor.user_id)
    gone = session.execute(delete(AccessToken).where(*mine).returning(AccessToken.name, AccessToken.prefix)).first()
    if gone is None:
        raise TokenNotFound
    details = {"name": gone.name, "prefix": gone.prefix}
    audit.note(session, "token_revoked", actor, audit.Subject("user", actor.user_id, actor.name), details)


def end_tokens(session: Session, user_id: uuid.UUID) -> int:
    """Delete all tokens of a user, so that none ever works again; return how many still worked."""
    gone = delete(AccessToken).where(AccessToken.user_id == user_id).returning(AccessToken.expires_at > func.now())
    return sum(session.scalars(gone))


def count_tokens(session: Session, user_id: uuid.UUID) -> int:
    """Return how many tokens of a user work."""
    works = (AccessToken.user_id == user_id, AccessToken.expires_at > func.now())
    return session.scalar(select(func.count()).select_from(AccessToken).where(*works)) or 0


def free_name(session: Session, user_id: uuid.UUID, name: str) -> str:
    """Return `name`, or "name 2" and so on, whichever no token of this user has; those that ran out make room."""
    session.execute(delete(AccessToken).where(AccessToken.user_id == user_id, AccessToken.expires_at < func.now()))
    taken = set(session.scalars(select(AccessToken.name_key).where(AccessToken.user_id == user_id)))
    number = 1
    while name_key(found := name if number == 1 else f"{name} {number}") in taken:
        number += 1
    return found
