"""Codes that Liaison gives to accounts which came without one."""

from sqlalchemy.orm import Session

from services.customers.models import Account, code_sequence
from shared.codes import free_codes


def next_codes(session: Session, count: int) -> list[str]:
    """Return `count` automatic codes (C10001, C10002, ...) that no account has; those taken by hand are passed over."""
    return free_codes(session, count, "C", code_sequence, Account.code_key)
