"""Events of customers that concern links: an account is gone, or back; an import says who looks after its accounts."""

import uuid
from typing import Any

from sqlalchemy.orm import Session

from services.associates.bulk.wishes import Wish, fulfil_wish
from services.associates.domain.link_ends import end_links_of_accounts, reopen_links_of_account
from shared.events.customers import AccountDeleted, AccountRestored, AccountsTakenBack, AssignmentsWished
from shared.feed import Alone, Handler
from shared.history import Actor


def end_links(session: Session, event: dict[str, Any]) -> None:
    """An account was deleted."""
    payload = event["payload"]
    actor = Actor(uuid.UUID(payload["actor_id"]), payload["actor_name"], payload["ip"])
    end_links_of_accounts(session, actor, [uuid.UUID(payload["account_id"])])


def end_links_of_import(session: Session, event: dict[str, Any]) -> None:
    """An import was taken back, and the accounts that it had created are gone."""
    payload = event["payload"]
    actor = Actor(uuid.UUID(payload["actor_id"]), payload["actor_name"])
    end_links_of_accounts(session, actor, [uuid.UUID(one) for one in payload["removed"]])


def reopen_links(session: Session, event: dict[str, Any]) -> None:
    """A deleted account was brought back."""
    reopen_links_of_account(session, uuid.UUID(event["payload"]["account_id"]))


def give_associates(session: Session, event: dict[str, Any]) -> None:
    """Rows of an import say who looks after their accounts."""
    fulfil_wish(session, Wish.from_event(event["payload"]))


FEEDS: dict[str, dict[str, Handler]] = {
    "customers": {
        AccountDeleted.name: end_links,
        AccountsTakenBack.name: end_links_of_import,
        AccountRestored.name: reopen_links,
        AssignmentsWished.name: Alone(give_associates),
    },
}
