"""Codes that Liaison gives to records which came without one, and the refusal of one that another record has."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Sequence, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.errors import CodeTaken
from shared.keys import code_key
from shared.records import violates

MAX_TRIES = 20
Made = TypeVar("Made")


def free_codes(
    session: Session, count: int, letter: str, sequence: Sequence, taken: InstrumentedAttribute[str]
) -> list[str]:
    """Return `count` automatic codes (C10001, C10002, ...) that no record has; those taken by hand are passed over.

    Somebody may still type the same code before this transaction ends; the unique index then refuses the later one.
    """
    codes: list[str] = []
    while missing := count - len(codes):
        numbers = session.scalars(select(sequence.next_value()).select_from(func.generate_series(1, missing)))
        fresh = [f"{letter}{number}" for number in numbers]
        keys = [code_key(code) for code in fresh]
        known = set(session.scalars(select(taken).where(taken.in_(keys))))
        codes += [code for code, key in zip(fresh, keys, strict=True) if key not in known]
    return codes


def with_free_code(next_code: Callable[[], str], make: Callable[[str], Made]) -> Made:
    """Return what `make` makes with an automatic code; again where somebody types the same one at that moment."""
    for _ in range(MAX_TRIES):
        try:
            return make(next_code())
        except CodeTaken as taken:
            last = taken
    raise last


@contextmanager
def one_code(session: Session, constraint: str, owner_of: Callable[[], Any]) -> Iterator[None]:
    """Save what the block does; turn the refusal of the unique index `constraint` into CodeTaken."""
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        if not violates(error, constraint):
            raise
        owner = owner_of()
        if owner is None:  # given back a moment ago
            raise
        raise CodeTaken(owner.code, owner.id, owner.name) from error
