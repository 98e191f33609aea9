"""Passwords: argon2id (RFC 9106; parameters as OWASP advises), and one look at every sign-in, known name or not."""

from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.portal.domain import strength
from services.portal.domain.secret import new_token
from services.portal.errors import PasswordRefused

HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    """Return what is stored of `password`."""
    return HASHER.hash(strength.normal_form(password))


def is_right(stored: str | None, password: str) -> bool:
    """Tell whether `password` is the one behind `stored`; takes as long when there is nothing stored."""
    if len(password) > strength.MAX_LENGTH * 4:
        password = ""  # no hash is worth the work
    try:
        HASHER.verify(stored or _nobodys(), strength.normal_form(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Tell whether `stored` was made with other parameters than today's."""
    return HASHER.check_needs_rehash(stored)


def check_new(password: str, own: Iterable[str], field: str = "password") -> None:
    """Raise PasswordRefused for a password that is too short or too easy to guess."""
    if problem := strength.judge(password, own).problem:
        raise PasswordRefused(problem, field)


@cache
def _nobodys() -> str:
    return HASHER.hash(new_token())
