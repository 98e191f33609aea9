"""What the tests of writing to customers share: who writes, whom there is, and who looks after them."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from services.customers.domain import copies
from services.customers.models import Account
from shared.db import unit_of_work
from shared.testing import SignedClient, client_as

ON = frozenset({"partner_management"})
WRITER = ("customers.view", "write_to_customers", "associates.view")
DANA, EVE, CARL = (uuid.UUID(int=number) for number in (1, 2, 3))
BODY = {"template": "reminder", "subject": "Invoice 4711", "text": "Dear Chloé,\nplease pay.", "to_account": True}
Make = Callable[..., Any]


def url_of(account: Account) -> str:
    return f"/api/customers/v1/accounts/{account.id}/messages"


def draft_of(client: SignedClient, account: Account, **query: str) -> Any:
    return client.get(f"/api/customers/v1/accounts/{account.id}/message-draft", query_string=query)


@pytest.fixture
def ines(app: Flask) -> SignedClient:
    """Ines, who may write to customers and see associates."""
    return client_as(app, *WRITER, name="Ines Moreau", features=ON)


@pytest.fixture
def admin(app: Flask) -> SignedClient:
    return client_as(app, "settings.manage", "customers.view", name="Ada Admin")


@pytest.fixture
def linked(app: Flask) -> Callable[..., None]:
    """linked(account, DANA, "sales", name="Dana") lets her look after the account."""

    def link(
        account: Account,
        associate: uuid.UUID,
        *roles: str,
        name: str = "Dana Dealer",
        active: bool = True,
        email: str | None = "dana@dealer.example",
    ) -> None:
        with unit_of_work() as session:
            copies.save_associate(session, associate, f"A{associate.int}", name, active=active, email=email)
            copies.change_links(session, [], [[str(account.id), str(associate), role] for role in roles])

    return link


@pytest.fixture
def cobalt(make_account: Make, make_contact: Make) -> Account:
    """Cobalt Labs, with an address, a primary contact, and one without an address."""
    account: Account = make_account("Cobalt Labs", code="00417", email="office@cobalt.example")
    make_contact(account, "Petrov", first_name="Chloé", email="chloe@cobalt.example")
    make_contact(account, "Silent")
    return account
