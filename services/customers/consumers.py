"""Events of associates: who there is, and who looks after which account."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from services.customers.domain import copies
from shared.events.associates import (
    AssociateDeleted,
    AssociateSaved,
    AssociatesRemoved,
    AssociatesSaved,
    LinksChanged,
    LinksChangedV1,
    each_link,
)
from shared.feed import Handler


def save_associate(session: Session, event: dict[str, Any]) -> None:
    """An associate was added or changed."""
    payload = event["payload"]
    copies.save_associate(
        session,
        uuid.UUID(payload["associate_id"]),
        payload["code"],
        payload["associate_name"],
        active=payload["active"],
        email=payload.get("email"),
    )


def save_associates(session: Session, event: dict[str, Any]) -> None:
    """An import added or changed associates."""
    told = [
        (uuid.UUID(one), code, name, active, *(email or [None]))
        for one, code, name, active, _, *email in event["payload"]["associates"]
    ]
    copies.save_associates(session, told)


def forget_associates(session: Session, event: dict[str, Any]) -> None:
    """Associates of an import are gone with it."""
    copies.forget_associates(session, [uuid.UUID(one) for one, *_ in event["payload"]["associates"]])


def forget_associate(session: Session, event: dict[str, Any]) -> None:
    """An associate was deleted."""
    copies.forget_associates(session, [uuid.UUID(event["payload"]["associate_id"])])


def change_links(session: Session, event: dict[str, Any]) -> None:
    """Links ended and began."""
    copies.change_links(session, each_link(event["payload"]["ended"]), each_link(event["payload"]["begun"]))


def change_single_links(session: Session, event: dict[str, Any]) -> None:
    """Links ended and began, as they were told at first: one by one, and then together under the same name."""
    told = (event["payload"][name] for name in ("ended", "begun"))
    ended, begun = ([link for one in links for link in _single(one)] for links in told)
    copies.change_links(session, ended, begun)


def _single(one: Any) -> Iterable[Sequence[str]]:
    return each_link([one]) if isinstance(one[2], list) else [one]


FEEDS: dict[str, dict[str, Handler]] = {
    "associates": {
        AssociateSaved.name: save_associate,
        AssociatesSaved.name: save_associates,
        AssociateDeleted.name: forget_associate,
        AssociatesRemoved.name: forget_associates,
        LinksChanged.name: change_links,
        LinksChangedV1.name: change_single_links,
    }
}
