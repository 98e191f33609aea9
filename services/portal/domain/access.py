"""Sessions of browsers, and who a cookie or an access token stands for."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.orm import Session

from services.portal.domain import audit
from services.portal.domain.actor import Actor
from services.portal.domain.permissions import permitted
from services.portal.domain.secret import ACCESS_TOKEN_START, digest, new_token
from services.portal.domain.switches import PARTNER_MANAGEMENT
from services.portal.errors import SessionNotFound
from services.portal.models import AccessToken, BrowserSession

SESSION_DAYS = 7
IDLE_HOURS = 12
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Known:
    """Who a cookie or token stands for; with `must_change` they may only change their password."""

    user_id: uuid.UUID
    name: str
    kind: str
    permissions: frozenset[str]
    must_change: bool
    is_stale: bool
    features: frozenset[str] = frozenset()
    associate_id: uuid.UUID | None = None


def cookie_name(public_url: str) -> str:
    """Return the name of the session cookie: one that other hosts can't set, where there is TLS."""
    return "__Host-liaison" if public_url.startswith("https://") else "liaison"


# What `permissions.permitted` asks for.
_RIGHTS = """
  ARRAY(SELECT DISTINCT p FROM user_role JOIN role ON role.id = role_id, unnest(permissions) p
        WHERE user_role.user_id = u.id) AS given,
  EXISTS (SELECT FROM user_role JOIN role ON role.id = role_id
          WHERE user_role.user_id = u.id AND role.is_administrator) AS is_administrator,
  ARRAY(SELECT name FROM setting WHERE value = 'true') AS features, u.associate_id
"""
# Whoever is tied to an associate that may not sign in is nobody, from the moment at which that is known here.
_MAY_COME_IN = "LEFT JOIN tied_associate a ON a.id = u.associate_id"
_BY_SESSION = text(f"""
SELECT u.id, u.name, u.kind, u.password_is_temporary, {_RIGHTS}, s.last_seen_at < now() - :every AS is_stale
FROM browser_session s JOIN portal_user u ON u.id = s.user_id {_MAY_COME_IN}
WHERE s.token_hash = :digest AND s.expires_at > now() AND s.last_seen_at > now() - :idle AND u.active
  AND (u.kind <> 'associate' OR a.can_login)
""")  # noqa: S608 (nothing but the constant above)
_BY_TOKEN = text(f"""
SELECT u.id, u.name, u.kind, u.password_is_temporary, {_RIGHTS},
  coalesce(t.last_used_at < now() - :every, true) AS is_stale
FROM personal_access_token t JOIN portal_user u ON u.id = t.user_id {_MAY_COME_IN}
WHERE t.token_hash = :digest AND t.expires_at > now() AND u.active AND (u.kind <> 'associate' OR a.can_login)
""")  # noqa: S608


def who_has_session(session: Session, token: str) -> Known | None:
    """Return who is signed in with this cookie, None for nobody; one query."""
    values = {"every": SEEN_EVERY, "digest": digest(token), "idle": timedelta(hours=IDLE_HOURS)}
    return _known(session.execute(_BY_SESSION, values).one_or_none())


def who_has_token(session: Session, token: str) -> Known | None:
    """Return whose access token this is, None for nobody's; one query."""
    if not token.startswith(ACCESS_TOKEN_START):
        return None
    return _known(session.execute(_BY_TOKEN, {"every": SEEN_EVERY, "digest": digest(token)}).one_or_none())


def _known(row: Row[Any] | None) -> Known | None:
    if row is None:
        return None
    features = frozenset(row.features)
    permissions = permitted(
        row.kind,
        row.given,
        is_administrator=row.is_administrator,
        partner_management=PARTNER_MANAGEMENT in features,
    )
    return Known(
        row.id,
        row.name,
        row.kind,
        permissions,
        row.password_is_temporary,
        row.is_stale,
        features,
        row.associate_id,
    )


def mark_seen(session: Session, token: str) -> None:
    """Note that this cookie or token was used just now, if that was not noted in the last minute."""
    now = func.now()
    for table, seen in ((BrowserSession, BrowserSession.last_seen_at), (AccessToken, AccessToken.last_used_at)):
        session.execute(
            update(table)
            .where(table.token_hash == digest(token), seen.is_(None) | (seen < now - SEEN_EVERY))
            .values({seen.key: now})
        )


@dataclass(frozen=True)
class NewSession:
    """What the browser gets: the cookie's value, and how long it lasts."""

    token: str
    seconds: int


def open_session(
    session: Session, user_id: uuid.UUID, *, ip: str, user_agent: str, until: datetime | None = None
) -> NewSession:
    """Sign a browser in; `until` cuts the session short (a temporary password)."""
    token = new_token()
    over = select(BrowserSession.id).where(BrowserSession.expires_at < func.now()).limit(100)
    session.execute(delete(BrowserSession).where(BrowserSession.id.in_(over.with_for_update(skip_locked=True))))
    fresh = BrowserSession(
        token_hash=digest(token),
        user_id=user_id,
        expires_at=func.least(func.now() + timedelta(days=SESSION_DAYS), until),
        ip=ip[:64],
        user_agent=user_agent[:300],
    )
    session.add(fresh)
    session.flush()
    return NewSession(token, int((fresh.expires_at - fresh.created_at).total_seconds()))


def forget_session(session: Session, token: str) -> None:
    """Drop the session that this browser had before it signed in anew."""
    session.execute(delete(BrowserSession).where(BrowserSession.token_hash == digest(token)))


def close_session(session: Session, actor: Actor, token: str) -> None:
    """Sign this browser out."""
    gone = session.execute(
        delete(BrowserSession).where(BrowserSession.token_hash == digest(token)).returning(BrowserSession.user_id)
    ).first()
    if gone:
        audit.note(session, "signed_out", actor, audit.Subject("user", gone.user_id, actor.name))


def end_sessions(session: Session, user_id: uuid.UUID) -> int:
    """End all sessions of a user at once; return how many there were."""
    gone = session.execute(delete(BrowserSession).where(BrowserSession.user_id == user_id).returning(BrowserSession.id))
    return len(gone.all())


def list_sessions(session: Session, user_id: uuid.UUID) -> Sequence[BrowserSession]:
    """Return where a user is signed in, last used first."""
    alive = (
        BrowserSession.expires_at > func.now(),
        BrowserSession.last_seen_at > func.now() - timedelta(hours=IDLE_HOURS),
    )
    return session.scalars(
        select(BrowserSession)
        .where(BrowserSession.user_id == user_id, *alive)
        .order_by(BrowserSession.last_seen_at.desc())
    ).all()


def id_of(session: Session, token: str) -> uuid.UUID | None:
    """Return which session a cookie belongs to."""
    return session.scalar(select(BrowserSession.id).where(BrowserSession.token_hash == digest(token)))


def revoke_session(session: Session, actor: Actor, session_id: uuid.UUID) -> None:
    """End one of the actor's own sessions; raise SessionNotFound for anybody else's."""
    gone = session.execute(
        delete(BrowserSession)
        .where(BrowserSession.id == session_id, BrowserSession.user_id == actor.user_id)
        .returning(BrowserSession.user_agent)
    ).first()
    if gone is None:
        raise SessionNotFound
    subject = audit.Subject("user", actor.user_id, actor.name)
    audit.note(session, "sessions_ended", actor, subject, {"sessions": 1, "user_agent": gone.user_agent})


def revoke_other_sessions(session: Session, actor: Actor, token: str | None) -> int:
    """End the actor's sessions but the one of `token`; return how many."""
    gone = session.execute(
        delete(BrowserSession)
        .where(BrowserSession.user_id == actor.user_id, BrowserSession.token_hash != digest(token or ""))
        .returning(BrowserSession.id)
    ).all()
    if gone:
        subject = audit.Subject("user", actor.user_id, actor.name)
        audit.note(session, "sessions_ended", actor, subject, {"sessions": len(gone)})
    return len(gone)
