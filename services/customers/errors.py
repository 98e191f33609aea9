"""The refusals of customers."""

import uuid
from collections.abc import Sequence

from shared.errors import Conflict, Invalid, NotFound, Unavailable


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


class AssociateNotFound(NotFound):
    """There is no such associate, or none that this person may see."""

    code = "associate_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such associate. Perhaps it was deleted.")


class UnknownAssociate(Invalid):
    """A list is filtered by an associate that there is not."""

    code = "unknown_associate"

    def __init__(self, text: str) -> None:
        words = f"There is no associate with the code “{text[:60]}”."
        super().__init__(words, fields={"associate": [words]})


class AssociateMissing(Invalid):
    """A list is filtered by a role, but not by whom."""

    code = "associate_missing"

    def __init__(self) -> None:
        words = "Say which associate has this role."
        super().__init__(words, fields={"associate": [words]})


class UnknownAccount(Invalid):
    """An export is asked for of an account that there is not."""

    code = "unknown_account"

    def __init__(self, text: str) -> None:
        words = f"There is no customer with the code “{text[:60]}”."
        super().__init__(words, fields={"account": [words]})


class RoleMissing(Invalid):
    """An account would be neither customer nor vendor."""

    code = "role_missing"

    def __init__(self) -> None:
        super().__init__(
            "Choose whether this is a customer, a vendor, or both.",
            fields={"is_customer": ["Choose customer, vendor, or both."]},
        )


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


class TooManyAttributes(Invalid):
    """The customers of an export have more further fields than go into one file."""

    code = "too_many_attributes"

    def __init__(self, most: int) -> None:
        sentence = (
            f"These customers have more than {most:,} further fields, which is the most that go into one file. Export"
            " fewer customers, or leave the further fields out."
        )
        super().__init__(sentence, fields={"columns": [sentence]})


class NoAttributes(Invalid):
    """An export would have no column at all: only further fields were chosen, and there are none."""

    code = "no_attributes"

    def __init__(self) -> None:
        sentence = "None of these customers has further fields. Choose other columns."
        super().__init__(sentence, fields={"columns": [sentence]})


class SelectionNotFound(NotFound):
    """There is no such selection."""

    code = "selection_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such selection of customers.")


class SnapshotNotFound(NotFound):
    """What was shown of a selection is not kept any more."""

    code = "snapshot_not_found"

    def __init__(self) -> None:
        super().__init__("This was looked up more than a week ago. Open the selection again to see it as it is now.")


class NoCodes(Invalid):
    """Nothing that could be a code was pasted."""

    code = "no_codes"

    def __init__(self) -> None:
        super().__init__("Paste at least one code.", fields={"codes": ["Paste at least one code."]})


class TooManyCodes(Invalid):
    """More codes were pasted than are taken at once."""

    code = "too_many_codes"

    def __init__(self, most: int) -> None:
        sentence = f"These are more than {most:,} codes. Paste them in parts."
        super().__init__(sentence, fields={"codes": [sentence]})


class NothingTicked(Invalid):
    """No row was ticked."""

    code = "nothing_ticked"

    def __init__(self) -> None:
        super().__init__("Tick at least one customer.", fields={"account_ids": ["Tick at least one customer."]})


class TooManyTicked(Invalid):
    """More rows were given one by one than are taken at once."""

    code = "too_many_ticked"

    def __init__(self, most: int) -> None:
        sentence = f"These are more than {most:,} customers. Use a filter, or their codes."
        super().__init__(sentence, fields={"account_ids": [sentence]})


class MessageNotFound(NotFound):
    """There is no such mail, or none that this person may see."""

    code = "message_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such mail.")


class MessageTaken(Conflict):
    """Another mail has this id already."""

    code = "message_taken"

    def __init__(self) -> None:
        super().__init__("This mail was begun by somebody else. Begin it anew.")


class MessageSent(Conflict):
    """A mail was changed after it had been sent, and is sent again under the same id."""

    code = "message_sent"

    def __init__(self, message_id: uuid.UUID) -> None:
        super().__init__("This mail was sent already; begin a new one.", extra={"existing": {"id": str(message_id)}})


class NoRecipient(Invalid):
    """A mail is for nobody."""

    code = "no_recipient"

    def __init__(self) -> None:
        words = "Tick at least one person, or the customer itself."
        super().__init__(words, fields={"to": [words]})


class UnknownRecipient(Invalid):
    """A mail is for somebody who cannot get it: removed or inactive since, without an address, of another customer."""

    code = "unknown_recipient"

    def __init__(self, field: str) -> None:
        words = "Somebody whom you ticked cannot be written to any more. Look at the ticks again."
        super().__init__(words, fields={field: [words]})


class MessageNotUnsent(Conflict):
    """A mail should be tried again that waits to be sent, or has reached everybody."""

    code = "message_not_unsent"

    def __init__(self, state: str) -> None:
        words = {"queued": "This mail is on its way already."}
        super().__init__(words.get(state, "This mail has been sent."), extra={"state": state})


class LinksNotTakenBack(Unavailable):
    """A chunk is to be taken back, and associates was not told yet to take back the links that it asked for."""

    code = "links_not_taken_back"

    def __init__(self) -> None:
        super().__init__("What this part of the import asked of associates is not taken back yet. Ask again.")
