"""The demo customers: always the same ones, once."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.customers.demo import add_demo
from services.customers.domain.search import SearchQuery, find_accounts
from services.customers.models import Account, Change, Contact


def test_demo_when_added_is_lively_and_there_once(session: Session) -> None:
    assert add_demo(session, 30) == 30
    assert session.scalar(select(func.count()).select_from(Account)) == 30
    assert session.scalar(select(func.count()).select_from(Contact)) > 30
    assert {"created", "updated"} <= set(session.scalars(select(Change.action)))
    assert find_accounts(session, SearchQuery(text="d0001")).items[0].code == "D0001"
    assert add_demo(session, 30) == 0
