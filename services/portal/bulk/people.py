"""Who imports, whom the rows of a chunk speak of, and what of a user an import may change."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from services.portal.domain import users
from services.portal.domain.actor import Actor
from services.portal.models import Role, TiedAssociate, User
from shared.keys import code_key, email_key, name_key

Image = dict[str, Any]
IMAGE = ("username", "name", "email", "kind", "code", "associate", "roles", "active")


def acting(session: Session, user_id: uuid.UUID, name: str, via: str) -> Actor:
    """Return the person behind a chunk with what they may do now, which may be less than when the job began."""
    user = session.get(User, user_id, populate_existing=True)
    may = users.permissions_now(session, user) if user is not None and user.active else frozenset()
    return Actor(user_id, name, may, via=via)


def image_of(user: User) -> Image:
    """Return what an import may change of a user, as JSON: ids of roles and of the associate."""
    return {
        **{name: getattr(user, name) for name in ("username", "name", "email", "kind", "code", "active")},
        "associate": str(user.associate.id) if user.associate else None,
        "roles": sorted(str(role.id) for role in user.roles),
    }


class Directory:
    """The users that rows may mean, by their key, and roles and associates by what people call them."""

    def __init__(self, session: Session, match: str, keys: Iterable[str]) -> None:
        self.session = session
        self.match = match
        self.ids: dict[str, set[uuid.UUID]] = {}
        self._look(sorted(set(keys)))
        self.roles = {role.name_key: role for role in session.scalars(select(Role))}
        self._associates: dict[str, TiedAssociate] | None = None

    def _look(self, wanted: Sequence[str]) -> None:
        key = User.username_key if self.match == "username" else func.lower(func.normalize(User.email, text("NFKC")))
        found = select(User.id, User.username, User.email).where(key.in_(wanted))
        for user_id, username, email in self.session.execute(found):
            self._put(user_id, username, email)

    def look_again(self, key: str) -> bool:
        """Tell whether somebody added a user with this key since."""
        if key in self.ids:
            return False
        self._look([key])
        return key in self.ids

    def find(self, key: str) -> set[uuid.UUID]:
        """Return the users with this key."""
        return self.ids.get(key, set())

    def put(self, user: User) -> None:
        """Note a user as it is now."""
        for ids in self.ids.values():
            ids.discard(user.id)
        self._put(user.id, user.username, user.email)

    def _put(self, user_id: uuid.UUID, username: str, email: str | None) -> None:
        key = code_key(username) if self.match == "username" else email_key(email or "")
        if key:
            self.ids.setdefault(key, set()).add(user_id)

    def role(self, name: str) -> Role | None:
        """Return the role of this name, in any case."""
        return self.roles.get(name_key(name))

    def associate(self, code: str) -> TiedAssociate | None:
        """Return the associate with this code, if users may be tied to it."""
        if self._associates is None:
            known = self.session.scalars(select(TiedAssociate).where(~TiedAssociate.is_gone))
            self._associates = {code_key(one.code): one for one in known}
        return self._associates.get(code_key(code))
