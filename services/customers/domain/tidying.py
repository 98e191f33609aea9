"""What the tables want after a job that changed much. Nothing is wrong without it, only slower."""

from sqlalchemy import text
from sqlalchemy.orm import Session

TASK = "customers.tidy_up"
SEARCH_INDEX = "account_search"


def tidy_up(session: Session) -> None:
    """Merge the search index and inform the planner."""
    session.execute(text("SELECT gin_clean_pending_list(CAST(:name AS regclass))"), {"name": SEARCH_INDEX})
    session.execute(text("ANALYZE account, contact"))
