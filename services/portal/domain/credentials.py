"""Passwords of users: set by an administrator, or changed by themselves (P3)."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.portal.domain import access, audit, passwords, tokens
from services.portal.domain.actor import Actor
from services.portal.domain.secret import new_password
from services.portal.domain.sign_in import forget_tries
from services.portal.domain.users import lock_user, own_words, subject_of
from services.portal.errors import NotYourself, PasswordRefused, UserNotFound, WrongCurrentPassword
from services.portal.models import User

TEMPORARY_HOURS = 24


@dataclass(frozen=True)
class PasswordSet:
    """A password that was set for somebody else; `generated` is told this once, and `until` is when it runs out."""

    user: User
    generated: str | None
    until: datetime | None


def set_password(
    session: Session, actor: Actor, user_id: uuid.UUID, password: str | None, *, temporary: bool = True
) -> PasswordSet:
    """Give a user a password, a generated one when `password` is None; their sessions and access tokens end at once.

    It has to be changed at the first sign-in, within 24 hours, unless `temporary` is false. A generated one always has.
    Raises NotYourself for a temporary one of one's own, with which the last administrator could be lost.
    """
    is_temporary = temporary or password is None
    if is_temporary and user_id == actor.user_id:
        raise NotYourself("You can't give yourself a temporary password.")
    user = lock_user(session, actor, user_id)
    generated = new_password() if password is None else None
    if password is not None:
        passwords.check_new(password, own_words(user))
    _store(session, user, generated or password or "", temporary=is_temporary)
    details = {
        "generated": generated is not None,
        "temporary": user.password_is_temporary,
        "sessions_ended": access.end_sessions(session, user.id),
        "tokens_ended": tokens.end_tokens(session, user.id),
    }
    forget_tries(session, user.username)
    audit.note(session, "password_set", actor, subject_of(user), details)
    session.flush()
    return PasswordSet(user, generated, user.temporary_until)


def change_own_password(
    session: Session, actor: Actor, current: str, new: str, *, user_agent: str, end_tokens: bool = False
) -> access.NewSession | PasswordRefused:
    """Change the actor's own password after `sign_in.count_try`; all sessions end, and this browser gets a new one.

    Access tokens end with `end_tokens` only: programs that use them may be the actor's own. A refused new password is
    returned, not raised, so that the try is forgotten: the current one was right.
    """
    user = session.scalar(select(User).where(User.id == actor.user_id).with_for_update())
    if user is None:
        raise UserNotFound
    if not passwords.is_right(user.password_hash, current):
        raise WrongCurrentPassword
    forget_tries(session, user.username, actor.ip)
    try:
        _check_own(user, new)
    except PasswordRefused as refusal:
        return refusal
    _store(session, user, new, temporary=False)
    details = {
        "sessions_ended": access.end_sessions(session, user.id),
        "tokens_ended": tokens.end_tokens(session, user.id) if end_tokens else 0,
    }
    forget_tries(session, user.username)
    audit.note(session, "password_changed", actor, subject_of(user), details)
    return access.open_session(session, user.id, ip=actor.ip, user_agent=user_agent)


def _check_own(user: User, new: str) -> None:
    if passwords.is_right(user.password_hash, new):
        raise PasswordRefused("This is your current password. Choose another one.", "new_password")
    passwords.check_new(new, own_words(user), "new_password")


def _store(session: Session, user: User, password: str, *, temporary: bool) -> None:
    now = session.scalar(select(func.now()))
    assert now is not None
    user.password_hash = passwords.hash_password(password)
    user.password_set_at = user.updated_at = now
    user.password_is_temporary = temporary
    user.temporary_until = now + timedelta(hours=TEMPORARY_HOURS) if temporary else None
