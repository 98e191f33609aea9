"""Events of associates: who there is, and who looks after which account."""

import uuid
from typing import Any

from sqlalchemy.orm import Session

from services.customers.domain import copies
from shared.events.associates import AssociateDeleted, AssociateSaved, LinksChanged
from shared.feed import Handler


def save_associate(session: Session, event: dict[str, Any]) -> None:
    """An associate was added or changed."""
    payload = event["payload"]
    name = payload["associate_name"]
    copies.save_associate(session, uuid.UUID(payload["associate_id"]), payload["code"], name, active=payload["active"])


def forget_associate(session: Session, event: dict[str, Any]) -> None:
    """An associate was deleted."""
    copies.forget_associate(session, uuid.UUID(event["payload"]["associate_id"]))


def change_links(session: Session, event: dict[str, Any]) -> None:
    """Links ended and began."""
    copies.change_links(session, event["payload"]["ended"], event["payload"]["begun"])


FEEDS: dict[str, dict[str, Handler]] = {
    "associates": {
        AssociateSaved.name: save_associate,
        AssociateDeleted.name: forget_associate,
        LinksChanged.name: change_links,
    }
}
