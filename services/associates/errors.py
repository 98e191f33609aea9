"""The refusals of associates."""

import uuid

from shared.errors import Conflict, Invalid, NotFound


class AssociateNotFound(NotFound):
    """There is no such associate (any more)."""

    code = "associate_not_found"

    def __init__(self, associate_id: uuid.UUID) -> None:
        super().__init__(
            "There is no such associate. Perhaps it was deleted.", extra={"associate_id": str(associate_id)}
        )


class AccountNotFound(NotFound):
    """There is no such account (any more)."""

    code = "account_not_found"

    def __init__(self, account_id: uuid.UUID) -> None:
        super().__init__("There is no such customer. Perhaps it was deleted.", extra={"account_id": str(account_id)})


class LinkNotFound(NotFound):
    """The account has no such associate (any more)."""

    code = "link_not_found"

    def __init__(self, link_id: uuid.UUID) -> None:
        super().__init__("This associate does not look after this customer any more.", extra={"link_id": str(link_id)})


class AssociateInactive(Conflict):
    """An inactive associate is given work."""

    code = "associate_inactive"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is inactive, so nothing can be given to them.",
            fields={"associate_id": ["Is inactive. Choose somebody else."]},
        )


class LinkExists(Conflict):
    """The associate has this role at this account already."""

    code = "link_exists"

    def __init__(self, link_id: uuid.UUID, name: str) -> None:
        super().__init__(
            f"{name} has this role at this customer already.",
            fields={"associate_id": ["Has this role here already."]},
            extra={"existing": {"id": str(link_id)}},
        )


class BeginsLater(Invalid):
    """A link should begin on a day to come."""

    def __init__(self) -> None:
        super().__init__("The day is to come. Choose today, or one that was.", fields={"since": ["Is to come."]})


class LinkGoesOn(Conflict):
    """A link that should be brought back did not end."""

    code = "not_removed"

    def __init__(self) -> None:
        super().__init__("This was not removed, so there is nothing to bring back.")
