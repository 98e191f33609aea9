"""Signing in, and the growing waits after failed tries.

A try is counted, and the count committed, **before** the password is looked at; so a burst of tries at once is no way
round the wait. A right password takes the count away again. It is counted under the name and the address it came from,
so that a stranger's tries are not the owner's; and, with a lax limit, under the name alone.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, delete, func, select, text, tuple_, update
from sqlalchemy.orm import Session

from services.portal.domain import access, audit, passwords
from services.portal.domain.actor import Actor
from services.portal.domain.secret import digest
from services.portal.errors import SignInFailed, SignInLocked, TemporaryPasswordExpired
from services.portal.models import SignInTries, User
from shared.errors import DomainError
from shared.keys import code_key

FORGOTTEN_AFTER = timedelta(days=1)

Refusal = TypeVar("Refusal", bound=DomainError)


@dataclass(frozen=True)
class Limit:
    """How many tries are free, and how long the next has to wait after them; each wait is twice the one before."""

    free_tries: int
    first_wait: timedelta
    longest_wait: timedelta


FROM_ONE_PLACE = Limit(5, timedelta(seconds=30), timedelta(hours=1))
# Holds back who has many addresses. Lax, or anybody who knows a name could lock its owner out.
FROM_ANYWHERE = Limit(100, timedelta(seconds=30), timedelta(minutes=1))
ANYWHERE = ""

_COUNT = text("""
INSERT INTO sign_in_tries AS t (username_digest, place, failed, last_at) VALUES (:digest, :place, 1, now())
ON CONFLICT (username_digest, place) DO UPDATE SET last_at = now(),
  failed = CASE WHEN t.last_at < now() - :forgotten THEN 1 ELSE t.failed + 1 END,
  locked_until = CASE WHEN t.last_at >= now() - :forgotten AND t.failed + 1 >= :free
    THEN now() + least(:first * power(2, least(t.failed + 1 - :free, 20)), :longest) END
WHERE t.locked_until IS NULL OR t.locked_until <= now()
RETURNING failed
""")


def count_try(session: Session, username: str, ip: str) -> None:
    """Count a try under this name and address; raise SignInLocked while either has to wait, and count nothing then.

    Commit before looking at the password.
    """
    # In the order of places, as `forget_tries` locks them, or two of one name could wait for each other.
    for place, limit in ((ANYWHERE, FROM_ANYWHERE), (_place(ip), FROM_ONE_PLACE)):
        values = {
            "digest": _digest(username),
            "place": place,
            "free": limit.free_tries,
            "first": limit.first_wait,
            "longest": limit.longest_wait,
            "forgotten": FORGOTTEN_AFTER,
        }
        if session.execute(_COUNT, values).first() is None:
            raise SignInLocked(seconds_to_wait(session, username, ip))
    key = tuple_(SignInTries.username_digest, SignInTries.place)
    old = select(SignInTries.username_digest, SignInTries.place)
    old = old.where(SignInTries.last_at < func.now() - FORGOTTEN_AFTER).limit(100).with_for_update(skip_locked=True)
    session.execute(delete(SignInTries).where(key.in_(old)))


def seconds_to_wait(session: Session, username: str, ip: str | None = None) -> int:
    """Return how long this name has to wait at an address, or wherever it is longest; 0 for not at all."""
    until = select(func.extract("epoch", func.max(SignInTries.locked_until) - func.now()))
    wait = session.scalar(until.where(*_tries(username, ip)))
    return max(0, math.ceil(wait)) if wait is not None else 0


def forget_tries(session: Session, username: str, ip: str | None = None) -> None:
    """Take the count of failed tries away: at an address, where the password was right, or for a new one everywhere."""
    which = _tries(username, ip)
    in_order = select(SignInTries.place).where(*which).order_by(SignInTries.place).with_for_update()
    session.execute(delete(SignInTries).where(*which, SignInTries.place.in_(in_order)))


def _tries(username: str, ip: str | None) -> list[ColumnElement[bool]]:
    mine = [SignInTries.username_digest == _digest(username)]
    return mine if ip is None else [*mine, SignInTries.place.in_((ANYWHERE, _place(ip)))]


def _place(ip: str) -> str:
    """Return what tries from `ip` are counted under. A host with IPv6 has 2^64 addresses for itself: they are one."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip or "unknown"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Network((int(address), 64), strict=False))
    return str(address)


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
        return _refused(session, user, "wrong password", SignInFailed(seconds_to_wait(session, username, ip)), ip)
    if not user.active:
        return _refused(session, user, "switched off", SignInFailed(seconds_to_wait(session, username, ip)), ip)
    if user.associate is not None and not user.associate.can_login:
        refusal = SignInFailed(seconds_to_wait(session, username, ip))
        return _refused(session, user, "associate may not sign in", refusal, ip)
    now = session.scalar(select(func.now()))
    if user.password_is_temporary and user.temporary_until <= now:  # type: ignore[operator]
        return _refused(session, user, "temporary password ran out", TemporaryPasswordExpired(), ip)
    values: dict[str, Any] = {"last_sign_in_at": now}
    if passwords.is_outdated(user.password_hash or ""):
        values["password_hash"] = passwords.hash_password(password)
    # By when it was set: another sign-in may just be hashing the same password anew.
    is_same = User.password_set_at.is_not_distinct_from(user.password_set_at)
    as_seen = (User.id == user.id, is_same, User.active)
    written = update(User).where(*as_seen).values(values).returning(User.id)  # not an edit: the version stays
    if session.execute(written).first() is None:
        refusal = SignInFailed(seconds_to_wait(session, username, ip))
        return _refused(session, user, "changed at that moment", refusal, ip)
    forget_tries(session, username, ip)
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
