"""Who does something, and from where."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from services.portal.errors import BeyondYourPermissions


@dataclass(frozen=True)
class Actor:
    """The person behind a change; `user_id` is None for the command line. `via` tells what acts for them: an import."""

    user_id: uuid.UUID | None
    name: str
    permissions: frozenset[str] = frozenset()
    ip: str = ""
    via: str = ""

    def must_have(self, permissions: Iterable[str]) -> None:
        """Raise BeyondYourPermissions unless this person has all of `permissions`."""
        if missing := sorted(set(permissions) - self.permissions):
            raise BeyondYourPermissions(missing)
