"""What customers keeps of associates: their names, and who looks after which account.

Associates owns both; its feed brings every change here, in the order in which they were made. `shared.copies` tells
how a copy is compared with its owner, and made anew.
"""
# ruff: noqa: S608 - put together from what stands here; every value is bound

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select, text, tuple_
from sqlalchemy.orm import Session

from services.customers.errors import AssociateMissing, UnknownAssociate
from services.customers.models import AccountAssociate, AssociateName
from shared.copies import Row
from shared.keys import code_key

TOLD = """
unnest(CAST(:accounts AS uuid[]), CAST(:associates AS uuid[]), CAST(:roles AS text[]))
    AS told(account_id, associate_id, role)
"""
END = f"""
DELETE FROM account_associate AS a USING {TOLD}
WHERE a.account_id = told.account_id AND a.associate_id = told.associate_id AND a.role = told.role
"""
SAVE = """
INSERT INTO associate_name (associate_id, code, name, active, email)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:codes AS text[]), CAST(:names AS text[]), CAST(:active AS bool[]),
    CAST(:emails AS text[]))
ON CONFLICT (associate_id) DO UPDATE
SET code = excluded.code, name = excluded.name, active = excluded.active, email = excluded.email
"""
BEGIN = f"INSERT INTO account_associate (account_id, associate_id, role) SELECT * FROM {TOLD} ON CONFLICT DO NOTHING"


def save_associate(
    session: Session, associate_id: uuid.UUID, code: str, name: str, *, active: bool, email: str | None = None
) -> None:
    """Note how an associate is called and reached now, and whether it may be given work."""
    save_associates(session, [(associate_id, code, name, active, email)])


def save_associates(session: Session, associates: Sequence[tuple[uuid.UUID, str, str, bool, str | None]]) -> None:
    """Note how associates are now: id, code, name, whether it may be given work, e-mail. None of them comes twice."""
    if not associates:
        return
    ids, codes, names, active, emails = (list(column) for column in zip(*associates, strict=True))
    values = {"ids": ids, "codes": codes, "names": names, "active": active, "emails": emails}
    session.execute(text(SAVE), values)


def associate_meant(session: Session, text: str | None, role: str | None = None) -> uuid.UUID | None:
    """Return the id of the associate that `text` means, its id or its code, None for nothing.

    Raises UnknownAssociate, and AssociateMissing for a role of nobody.

    An id is taken as it is: who bookmarked an associate that was deleted since finds that it looks after nobody.
    """
    if not text:
        if role:
            raise AssociateMissing
        return None
    try:
        return uuid.UUID(text)
    except ValueError:
        key = code_key(text)
    # As keys are made: codes differ in more than case. Some thousands are usual, and only programs ask by code.
    rows = session.execute(select(AssociateName.associate_id, AssociateName.code))
    found = next((associate_id for associate_id, code in rows if code_key(code) == key), None)
    if found is None:
        raise UnknownAssociate(text)
    return found


def name_of_associate(session: Session, associate_id: uuid.UUID | None) -> str:
    """Return how an associate is called, nothing for one that is not known."""
    known = session.get(AssociateName, associate_id) if associate_id else None
    return known.name if known else ""


def forget_associates(session: Session, ids: Sequence[uuid.UUID]) -> None:
    """Forget associates that are gone."""
    session.execute(delete(AssociateName).where(AssociateName.associate_id.in_(ids)))


def change_links(session: Session, ended: Iterable[Sequence[str]], begun: Iterable[Sequence[str]]) -> None:
    """End links, then begin others; each is (account id, associate id, role). What stands so already stays."""
    for statement, links in ((END, ended), (BEGIN, begun)):
        columns = dict(zip(("accounts", "associates", "roles"), map(_array, zip(*links, strict=True)), strict=False))
        if columns:
            session.execute(text(statement), columns)


def _array(words: Iterable[str]) -> str:
    """Return ids or roles as PostgreSQL writes an array: a driver that looks at each of thousands takes far longer."""
    return f"{{{','.join(words)}}}"


def load_names(session: Session, rows: Sequence[Row]) -> None:
    """Take over a page of associates, as `some_names` gives them."""
    told = [(uuid.UUID(one), code, name, status == "active", email or None) for one, code, name, status, email in rows]
    save_associates(session, told)


def load_links(session: Session, rows: Sequence[Row]) -> None:
    """Take over a page of links, as `some_links` gives them."""
    change_links(session, (), rows)


def _link(link: Sequence[str]) -> tuple[uuid.UUID, uuid.UUID, str]:
    return uuid.UUID(link[0]), uuid.UUID(link[1]), link[2]


def some_links(session: Session, after: Row | None, until: Row | None, limit: int | None) -> list[Row]:
    """Return links as texts, in order, behind `after`, up to `until`."""
    key = tuple_(AccountAssociate.account_id, AccountAssociate.associate_id, AccountAssociate.role)
    query = select(AccountAssociate.account_id, AccountAssociate.associate_id, AccountAssociate.role).order_by(key)
    if after:
        query = query.where(key > _link(after))
    if until:
        query = query.where(key <= _link(until))
    return [(str(row[0]), str(row[1]), row[2]) for row in session.execute(query.limit(limit))]


def some_names(session: Session, after: Row | None, until: Row | None, limit: int | None) -> list[Row]:
    """Return associates as (id, code, name, "active" or "inactive", e-mail), behind `after`, up to `until`."""
    query = select(AssociateName).order_by(AssociateName.associate_id)
    if after:
        query = query.where(AssociateName.associate_id > uuid.UUID(after[0]))
    if until:
        query = query.where(AssociateName.associate_id <= uuid.UUID(until[0]))
    return [
        (str(one.associate_id), one.code, one.name, "active" if one.active else "inactive", one.email or "")
        for one in session.scalars(query.limit(limit))
    ]


def clear_copies(session: Session) -> None:
    """Forget all that came from associates, to be told it anew."""
    session.execute(delete(AccountAssociate))
    session.execute(delete(AssociateName))
