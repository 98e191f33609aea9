"""Who waits for whom where links change.

Changes of the links of one account come one after the other (`lock_account`). They, and mass changes, share one lock
for all accounts (`share_accounts`), which the deletion of accounts waits for (`lock_accounts`), so that a link never
begins at an account whose deletion was told meanwhile. All of these are held to the end of the transaction. Between
single and mass changes stand the unique indexes of open and of primary links; where another is quicker with the same
link, all is decided and done again (`until_unhindered`). Associates are locked before their links.
"""

import uuid
from collections.abc import Callable
from typing import TypeVar

from psycopg import errors
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

ALL_ACCOUNTS, REPLACING = 0x6C69_0004, 0x6C69_0006
TRIES = 5
CONFLICTS = (errors.UniqueViolation, errors.DeadlockDetected)
Made = TypeVar("Made")


def until_unhindered(session: Session, do: Callable[[], Made]) -> Made:
    """Return what `do` makes in a savepoint; again where another transaction was quicker with the same record."""
    for left in reversed(range(TRIES)):
        try:
            with session.begin_nested():
                return do()
        except DBAPIError as error:
            if not left or not isinstance(error.orig, CONFLICTS):
                raise
    raise AssertionError("unreachable")


def share_accounts(session: Session) -> None:
    """Let no account be noted as deleted, or as back, before this transaction ends; many may do this side by side."""
    session.execute(select(func.pg_advisory_xact_lock_shared(ALL_ACCOUNTS)))


def replace_alone(session: Session) -> None:
    """Let nobody else replace associates before this transaction ends.

    Of two that replace the same one side by side, neither would see whom the other began, and both would stay.
    """
    session.execute(select(func.pg_advisory_xact_lock(REPLACING)))


def lock_accounts(session: Session) -> None:
    """Let no link begin or come back, of any account, while some are noted as deleted, or as back."""
    session.execute(select(func.pg_advisory_xact_lock(ALL_ACCOUNTS)))


def lock_account(session: Session, account_id: uuid.UUID) -> None:
    """Let nobody else change links of this account, and note no account as deleted or back."""
    share_accounts(session)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(account_id), 0))))
