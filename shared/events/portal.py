"""What portal tells: people who can sign in."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class UserChanged:
    """A portal user was added or edited, or switched on or off; the fields say how it is now."""

    name: ClassVar[str] = "portal.user_changed.v1"

    user_id: str
    username: str
    user_name: str
    email: str
    kind: str
    code: str
    active: bool
    version: int


@dataclass(frozen=True)
class UserRemoved:
    """A portal user who never signed in was removed again."""

    name: ClassVar[str] = "portal.user_removed.v1"

    user_id: str
    username: str
