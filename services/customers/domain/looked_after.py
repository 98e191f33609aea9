"""The customers that an associate looks after (A4): a list that is searched, from the copy of the links."""

import uuid
from dataclasses import replace

from sqlalchemy.orm import Session

from services.customers.domain.search import Found, SearchQuery, find_accounts
from services.customers.errors import AssociateNotFound
from shared.scope import associate_of


def find_looked_after(session: Session, associate_id: uuid.UUID, query: SearchQuery) -> Found:
    """Return a page of the accounts of an associate, in any role, that match.

    Raises AssociateNotFound for whoever sees only the accounts of another one.
    """
    if associate_of(session) not in (None, associate_id):
        raise AssociateNotFound
    return find_accounts(session, replace(query, associate=associate_id, associate_role=None))
