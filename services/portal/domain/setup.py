"""What stands in a fresh installation: the standard roles, and one administrator."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.portal.domain import credentials, users
from services.portal.domain.actor import Actor
from services.portal.domain.permissions import ALL, STANDARD_ROLES, in_order
from services.portal.domain.secret import new_password
from services.portal.models import Role, User
from shared.keys import name_key

SEED_LOCK = 0x6C69_0010
FIRST_ADMIN = "admin"
SYSTEM = Actor(None, "Liaison", ALL)


def prepare(session: Session) -> str | None:
    """Add the standard roles and the first administrator where missing; return the latter's password if made now.

    Roles that people changed or deleted later are left as they are; the administrator's gets new permissions.
    """
    session.execute(select(func.pg_advisory_xact_lock(SEED_LOCK)))
    administrator = session.scalar(select(Role).where(Role.is_administrator))
    if administrator is None:
        for place, (name, description, permissions) in enumerate(STANDARD_ROLES):
            role = Role(name=name, name_key=name_key(name), description=description, is_administrator=place == 0)
            role.permissions = in_order(permissions)
            session.add(role)
            administrator = administrator or role
        session.flush()
    assert administrator is not None
    if set(administrator.permissions) != ALL:
        administrator.permissions = in_order(ALL)
    if session.scalar(select(User.id).limit(1)) is not None:
        return None
    values = {"username": FIRST_ADMIN, "name": "Administrator", "roles": [administrator.id]}
    admin = users.create_user(session, SYSTEM, values)
    password = new_password()
    credentials.set_password(session, SYSTEM, admin.id, password, temporary=False)
    return password
