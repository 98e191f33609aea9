"""What associates tells: who there is, and who looks after which accounts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

LinksOfOne = tuple[str, str, list[str]]
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
class LinksChangedV1:
    """As `LinksChanged`, at first each link by itself: [account_id, associate_id, role]. No longer told, still read."""

    name: ClassVar[str] = "associates.links_changed.v1"

    ended: list[list[str]]
    begun: list[list[str]]


@dataclass(frozen=True)
class LinksChanged:
    """Links of accounts with associates ended, then others began, by associate and role.

    Each is [associate_id, role, [account_id, ...]] (`gather_links`, `each_link`). Bulk work tells one of these per
    chunk of thousands, so what they have in common is said once.
    """

    name: ClassVar[str] = "associates.links_changed.v2"

    ended: list[LinksOfOne]
    begun: list[LinksOfOne]


def gather_links(links: Iterable[tuple[str, str, str]]) -> list[LinksOfOne]:
    """Return links, each (account id, associate id, role), as an event tells them."""
    gathered: dict[tuple[str, str], list[str]] = {}
    for account, associate, role in links:
        gathered.setdefault((associate, role), []).append(account)
    return [(associate, role, accounts) for (associate, role), accounts in gathered.items()]


def each_link(told: Iterable[LinksOfOne]) -> Iterator[tuple[str, str, str]]:
    """Give (account id, associate id, role) of each link that an event tells."""
    for associate, role, accounts in told:
        for account in accounts:
            yield account, associate, role
