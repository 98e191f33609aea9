"""Events of customers that concern links: an account is gone, or back."""

import uuid
from typing import Any

from sqlalchemy.orm import Session

from services.associates.domain.links import end_links_of_account, reopen_links_of_account
from shared.events.customers import AccountDeleted, AccountRestored
from shared.feed import Handler
from shared.history import Actor


def end_links(session: Session, event: dict[str, Any]) -> None:
    """An account was deleted."""
    payload = event["payload"]
    actor = Actor(uuid.UUID(payload["actor_id"]), payload["actor_name"], payload["ip"])
    end_links_of_account(session, actor, uuid.UUID(payload["account_id"]))


def reopen_links(session: Session, event: dict[str, Any]) -> None:
    """A deleted account was brought back."""
    reopen_links_of_account(session, uuid.UUID(event["payload"]["account_id"]))


FEEDS: dict[str, dict[str, Handler]] = {
    "customers": {AccountDeleted.name: end_links, AccountRestored.name: reopen_links},
}
