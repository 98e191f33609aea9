"""The refusals of customers."""

import uuid
from collections.abc import Sequence
from typing import Any

from shared.errors import Conflict, Invalid, NotFound, Stale


class AccountNotFound(NotFound):
    """There is no such account (any more)."""

    code = "account_not_found"

    def __init__(self, account_id: uuid.UUID) -> None:
        super().__init__("There is no such customer. Perhaps it was deleted.", extra={"account_id": str(account_id)})


class ContactNotFound(NotFound):
    """The account has no such contact (any more)."""

    code = "contact_not_found"

    def __init__(self, contact_id: uuid.UUID) -> None:
        super().__init__(
            "This customer has no such contact. Perhaps it was removed.", extra={"contact_id": str(contact_id)}
        )


class CodeTaken(Conflict):
    """Another account has this code."""

    code = "code_taken"

    def __init__(self, account_code: str, owner_id: uuid.UUID, owner_name: str) -> None:
        super().__init__(
            f"The code {account_code} already belongs to {owner_name}.",
            fields={"code": [f"Already belongs to {owner_name}."]},
            extra={"existing": {"id": str(owner_id), "code": account_code, "name": owner_name}},
        )


class RoleMissing(Invalid):
    """An account would be neither customer nor vendor."""

    code = "role_missing"

    def __init__(self) -> None:
        super().__init__(
            "Choose whether this is a customer, a vendor, or both.",
            fields={"is_customer": ["Choose customer, vendor, or both."]},
        )


class ReasonMissing(Invalid):
    """Something is made inactive without saying why."""

    code = "reason_missing"

    def __init__(self) -> None:
        super().__init__("Say why it becomes inactive.", fields={"reason": ["Say why."]})


class DuplicateContact(Conflict):
    """The account has this contact already; an inactive one can be made active again."""

    code = "duplicate_contact"

    def __init__(self, contact_id: uuid.UUID, name: str, email: str | None, status: str, field: str) -> None:
        inactive = status == "inactive"
        whom = f"{name} ({email})" if email else name
        ending = " It is inactive: make it active again instead." if inactive else ""
        super().__init__(
            f"{whom} is already a contact of this customer.{ending}",
            fields={field: [f"{whom} is already a contact here{', but inactive' if inactive else ''}."]},
            extra={
                "existing": {"id": str(contact_id), "name": name, "email": email, "status": status},
                "can_reactivate": inactive,
            },
        )


class RecordChanged(Stale):
    """Somebody else changed the record since it was read.

    `extra` tells its version now and, newest first, each field that changed: who, when, what it was, what it became.
    """

    def __init__(self, what: str, version: int, changes: Sequence[dict[str, Any]]) -> None:
        super().__init__(what)
        self.extra = {"version": version, "changes": list(changes)}


class NotDeleted(Conflict):
    """What should be brought back is there."""

    code = "not_deleted"

    def __init__(self, what: str) -> None:
        super().__init__(f"This {what} is not deleted, so there is nothing to bring back.")


class UnknownExport(NotFound):
    """Nothing of this kind can be exported."""

    code = "unknown_export"

    def __init__(self, kind: str) -> None:
        super().__init__(f"“{kind[:60]}” cannot be exported. What can be: customers, contacts.")


class UnknownColumns(Invalid):
    """An export has no such columns."""

    code = "unknown_columns"

    def __init__(self, unknown: Sequence[str], known: Sequence[str]) -> None:
        sentence = f"There is no column “{unknown[0][:60]}”. There are: {', '.join(known)}."
        super().__init__(sentence, fields={"columns": [sentence]})
