"""Which associate a row of a file means: by the code where it has one, else by the e-mail, else by the name."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.associates.models import Associate, Change
from shared.keys import code_key, email_key, name_key

FOUND, UNKNOWN, AMBIGUOUS, OTHER_CODE = "found", "unknown", "ambiguous", "other_code"


class Called(NamedTuple):
    """How a row calls an associate, with None for what it does not say."""

    code: str | None
    name: str | None
    email: str | None


@dataclass(frozen=True)
class One:
    """An associate as it is found."""

    id: uuid.UUID
    code: str
    name: str
    active: bool


@dataclass(frozen=True)
class Meant:
    """Whom a row means: `those` is the one that was found; those among whom nobody can choose; or nobody.

    Where nobody has the code, but others have the e-mail, the verdict is `other_code`: one of the two is wrong.
    """

    verdict: str
    those: Sequence[One] = ()


def find_called(session: Session, called: Sequence[Called], job_id: uuid.UUID | None = None) -> list[Meant]:
    """Return whom each of `called` means.

    One that the job `job_id` itself has made is found by its e-mail even where another row gave it no code, or another:
    the same e-mail in a file is the same associate.
    """
    by_code, by_email, by_name = _known(session, called)
    own = _made_by(session, job_id, [one.id for those in by_email.values() for one in those]) if job_id else set()

    def meant(one: Called) -> Meant:
        if one.code:
            if found := by_code.get(code_key(one.code)):
                return Meant(FOUND, found)
            alike = by_email.get(email_key(one.email), []) if one.email else []
            made = [other for other in alike if other.id in own]
            return Meant(FOUND, made[:1]) if made else Meant(OTHER_CODE if alike else UNKNOWN, alike)
        found = by_email.get(email_key(one.email)) if one.email else by_name.get(name_key(one.name or ""))
        if not found:
            return Meant(UNKNOWN)
        return Meant(FOUND if len(found) == 1 else AMBIGUOUS, found)

    return [meant(one) for one in called]


Found = dict[str, list[One]]


def _known(session: Session, called: Sequence[Called]) -> tuple[Found, Found, Found]:
    """Return the associates that may be meant by code, e-mail and name."""
    codes = {code_key(one.code) for one in called if one.code}
    emails = {email_key(one.email) for one in called if one.email}
    columns = (Associate.id, Associate.code, Associate.name, Associate.status, Associate.code_key, Associate.email_key)
    query: Any = select(*columns).order_by(Associate.code_key)
    has_names = any(one.name and not one.code and not one.email for one in called)
    if not has_names:  # names have no key of their own: there are some thousands of associates, so all are looked at
        query = query.where(or_(Associate.code_key.in_(codes), Associate.email_key.in_(emails)))
    by_code, by_email, by_name = Found(), defaultdict[str, list[One]](list), defaultdict[str, list[One]](list)
    for row in session.execute(query):
        one = One(row.id, row.code, row.name, row.status == "active")
        by_code[row.code_key] = [one]
        if row.email_key:
            by_email[row.email_key].append(one)
        if has_names:
            by_name[name_key(row.name)].append(one)
    return by_code, by_email, by_name


def _made_by(session: Session, job_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of these associates whom a job created."""
    made = select(Change.associate_id).where(
        Change.job_id == job_id, Change.action == "created", Change.associate_id.in_(ids)
    )
    return set(session.scalars(made)) if ids else set()
