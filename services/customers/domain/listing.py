"""What lists show beside what search finds."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers.domain.records import contact_name
from services.customers.domain.search import FoundAccount, SearchQuery, find_accounts
from services.customers.models import Contact
from shared.keys import code_key
from shared.words import fold


def accounts_with_code(session: Session, code: str) -> list[FoundAccount]:
    """Return the account with exactly this code, in any case, as a list of one or none."""
    found = find_accounts(session, SearchQuery(text=code, status="all", limit=1)).items
    return [account for account in found if code_key(account.code) == code_key(code)]


def matched_contacts(session: Session, found: Sequence[FoundAccount], text: str) -> dict[uuid.UUID, str]:
    """Return, for accounts that were found by a contact of theirs, that contact as "Name, e-mail".

    One query for a whole page; none where everything typed stands in the accounts themselves.
    """
    words = fold(text).split()
    missing = {account.id: words_left for account in found if (words_left := _missing(words, _own_words(account)))}
    if not missing:
        return {}
    contacts = session.scalars(
        select(Contact)
        .where(Contact.account_id.in_(missing))
        .order_by(Contact.is_primary.desc(), Contact.name_key, Contact.id)
    )
    best: dict[uuid.UUID, tuple[int, str]] = {}
    for contact in contacts:
        name = contact_name(contact.first_name, contact.last_name)
        its_words = fold(" ".join(filter(None, (name, contact.email, contact.phone_key, contact.phone2_key))))
        left = len(_missing(missing[contact.account_id], its_words))
        limit = best.get(contact.account_id, (len(missing[contact.account_id]), ""))[0]
        if left < limit:
            best[contact.account_id] = (left, ", ".join(filter(None, (name, contact.email or contact.phone))))
    return {account_id: line for account_id, (_, line) in best.items()}


def _own_words(account: FoundAccount) -> str:
    return fold(" ".join(filter(None, (account.name, account.code, account.city, account.email, account.phone))))


def _missing(words: list[str], text: str) -> list[str]:
    return [word for word in words if word not in text]
