"""What the tests of imports of users share: who imports."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from services.portal.models import Role, User

Make = Callable[..., User]


@pytest.fixture
def boss(make_user: Make) -> User:
    """An administrator, who imports."""
    return make_user("Administrator", name="Carla Chief")


@pytest.fixture
def helpdesk(session: Session, make_user: Make) -> User:
    """Somebody who may manage users and import, but not everything."""
    role = Role(name="Helpdesk", name_key="helpdesk", permissions=["users.manage", "import", "undo", "customers.view"])
    session.add(role)
    session.commit()
    return make_user("Helpdesk", name="Hal")
