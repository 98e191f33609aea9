"""What the tests of assignments share: whom there is."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from services.associates.domain.links import AccountFacts
from services.associates.models import Associate
from tests.associates.conftest import KnownAccounts

Made = Callable[..., Any]


@pytest.fixture
def people(
    app: Flask, known: KnownAccounts, make_associate: Made
) -> tuple[dict[str, AccountFacts], dict[str, Associate]]:
    """Two customers, C1 and C2; Dana, Ben and Eve."""
    accounts = {code: known.add(f"Customer {code}", code) for code in ("C1", "C2")}
    made = {
        name: make_associate(name.capitalize(), code=name, email=f"{name}@x.example") for name in ("dana", "ben", "eve")
    }
    return accounts, made
