"""What associates tells: who there is, and who looks after which accounts."""

from dataclasses import dataclass
from typing import ClassVar

LINK_ROLES = ("manages", "lead_source", "sales", "collections", "service")


@dataclass(frozen=True)
class AssociateSaved:
    """An associate was added, changed or brought back; the fields say how it is now."""

    name: ClassVar[str] = "associates.associate_saved.v1"

    associate_id: str
    code: str
    associate_name: str
    active: bool
    can_login: bool = False
    email: str | None = None


@dataclass(frozen=True)
class AssociatesSaved:
    """A chunk of an import added or changed associates: how each is now.

    Each is [id, code, name, active, may sign in, e-mail]; the first ones that were told lack the e-mail.
    """

    name: ClassVar[str] = "associates.associates_saved.v1"

    associates: list[list[str | bool | None]]


@dataclass(frozen=True)
class AssociatesRemoved:
    """Associates that an import had added are gone with it: each is [id, code, name]. None of them had customers."""

    name: ClassVar[str] = "associates.associates_removed.v1"

    associates: list[list[str]]


@dataclass(frozen=True)
class AssociateStatusChanged:
    """An associate was made active or inactive; `reason` is what the person said, `ip` where they sat."""

    name: ClassVar[str] = "associates.associate_status_changed.v1"

    associate_id: str
    code: str
    associate_name: str
    active: bool
    reason: str
    actor_id: str
    actor_name: str
    at: str
    ip: str = ""


@dataclass(frozen=True)
class AssociateDeleted:
    """An associate was deleted; that its links ended is told apart."""

    name: ClassVar[str] = "associates.associate_deleted.v1"

    associate_id: str
    code: str
    associate_name: str
    actor_id: str
    actor_name: str
    at: str
    ip: str = ""


@dataclass(frozen=True)
class LinksChanged:
    """Links of accounts with associates ended, then others began: each is [account_id, associate_id, role].

    Bulk work tells one of these per chunk.
    """

    name: ClassVar[str] = "associates.links_changed.v1"

    ended: list[list[str]]
    begun: list[list[str]]
