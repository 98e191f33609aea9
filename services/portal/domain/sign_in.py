"""Signing in, and the growing waits after failed tries.

A try is counted, and the count committed, **before** the password is looked at; so a burst of tries at once is no way
round the wait. A right password takes the count away again.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from services.portal.domain import access, audit, passwords
from services.portal.domain.actor import Actor
from services.portal.domain.secret import digest
from services.portal.errors import SignInFailed, SignInLocked, TemporaryPasswordExpired
from services.portal.models import SignInTries, User
from shared.errors import DomainError
from shared.keys import code_key

FREE_TRIES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(days=1)

Refusal = TypeVar("Refusal", bound=DomainError)

_COUNT = text("""
INSERT INTO sign_in_tries AS t (username_digest, failed, last_at) VALUES (:digest, 1, now())
ON CONFLICT (username_digest) DO UPDATE SET last_at = now(),
  failed = CASE WHEN t.last_at < now() - :forgotten THEN 1 ELSE t.failed + 1 END,
  locked_until = CASE WHEN t.last_at >= now() - :forgotten AND t.failed + 1 >= :free
    THEN now() + least(:first * power(2, least(t.failed + 1 - :free, 20)), :longest) END
WHERE t.locked_until IS NULL OR t.locked_until <= now()
RETURNING failed
""")


def count_try(session: Session, username: str) -> None:
    """Count a try under this name; raise SignInLocked while it has to wait. Commit before looking at the password."""
    old = select(SignInTries.username_digest).where(SignInTries.last_at < func.now() - FORGOTTEN_AFTER)
    old = old.limit(100).with_for_update(skip_locked=True)
    session.execute(delete(SignInTries).where(SignInTries.username_digest.in_(old)))
    values = {
        "digest": _digest(username),
        "free": FREE_TRIES,
        "first": FIRST_WAIT,
        "longest": LONGEST_WAIT,
        "forgotten": FORGOTTEN_AFTER,
    }
    if session.execute(_COUNT, values).first() is None:
        raise SignInLocked(seconds_to_wait(session, username))


def seconds_to_wait(session: Session, username: str) -> int:
    """Return how long this name has to wait; 0 for not at all."""
    wait = session.scalar(
        select(func.extract("epoch", SignInTries.locked_until - func.now())).where(
            SignInTries.username_digest == _digest(username)
        )
    )
    return max(0, math.ceil(wait)) if wait is not None else 0


def forget_tries(session: Session, username: str) -> None:
    """Take the count of failed tries away: the password was right, or somebody set a new one."""
    session.execute(delete(SignInTries).where(SignInTries.username_digest == _digest(username)))


@dataclass(frozen=True)
class SignedIn:
    """A user who just signed in."""

    user: User
    browser: access.NewSession


def sign_in(
    session: Session, username: str, password: str, *, ip: str, user_agent: str
) -> SignedIn | SignInFailed | TemporaryPasswordExpired:
    """Sign in after `count_try`. A refusal is returned, not raised, so that its audit entry is kept."""
    user = session.scalar(select(User).where(User.username_key == _key(username)))
    if not passwords.is_right(user.password_hash if user else None, password) or user is None:
        return _refused(session, user, "wrong password", SignInFailed(seconds_to_wait(session, username)), ip)
    if not user.active:
        return _refused(session, user, "switched off", SignInFailed(seconds_to_wait(session, username)), ip)
    if user.associate is not None and not user.associate.can_login:
        refusal = SignInFailed(seconds_to_wait(session, username))
        return _refused(session, user, "associate may not sign in", refusal, ip)
    now = session.scalar(select(func.now()))
    if user.password_is_temporary and user.temporary_until <= now:  # type: ignore[operator]
        return _refused(session, user, "temporary password ran out", TemporaryPasswordExpired(), ip)
    forget_tries(session, username)
    values = {"last_sign_in_at": now}
    if passwords.is_outdated(user.password_hash or ""):
        values["password_hash"] = passwords.hash_password(password)
    session.execute(update(User).where(User.id == user.id).values(values))  # not an edit: the version stays
    browser = access.open_session(session, user.id, ip=ip, user_agent=user_agent, until=user.temporary_until)
    audit.note(session, "signed_in", Actor(user.id, user.name, ip=ip), audit.Subject("user", user.id, user.name))
    return SignedIn(user, browser)


def _refused(session: Session, user: User | None, why: str, refusal: Refusal, ip: str) -> Refusal:
    """Note a failed try. What was typed as an unknown name is not kept: people type passwords there."""
    subject = audit.Subject("user", user.id, user.name) if user else audit.Subject("user", None, "unknown name")
    audit.note(
        session, "sign_in_failed", Actor(None, "Somebody", ip=ip), subject, {"reason": why if user else "unknown name"}
    )
    return refusal


def _key(username: str) -> str:
    return code_key(username).replace("\0", "\ufffd")  # PostgreSQL has no NUL


def _digest(username: str) -> bytes:
    return digest(_key(username))
