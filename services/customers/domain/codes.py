"""Codes that Liaison gives to accounts which came without one."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.customers.models import Account, code_sequence
from shared.keys import code_key


def next_codes(session: Session, count: int) -> list[str]:
    """Return `count` automatic codes (C10001, C10002, ...) that no account has; those taken by hand are passed over.

    Somebody may still type the same code before this transaction ends; the unique index then refuses the later one.
    """
    codes: list[str] = []
    while missing := count - len(codes):
        numbers = session.scalars(select(code_sequence.next_value()).select_from(func.generate_series(1, missing)))
        fresh = [f"C{number}" for number in numbers]
        keys = [code_key(code) for code in fresh]
        taken = set(session.scalars(select(Account.code_key).where(Account.code_key.in_(keys))))
        codes += [code for code, key in zip(fresh, keys, strict=True) if key not in taken]
    return codes
