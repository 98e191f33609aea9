"""Associates on a database of its own."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from services.associates.app import create_app
from shared.settings import Settings
from shared.testing import outer_transaction


@pytest.fixture(scope="session")
def associates_app(make_database: Callable[[str], str], make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    app = create_app(make_settings("associates", make_database("associates")))
    yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture
def app(associates_app: Flask) -> Iterator[Flask]:
    with outer_transaction(associates_app):
        yield associates_app
