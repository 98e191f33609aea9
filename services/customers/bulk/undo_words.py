"""How the report of an undo reads: what stays as it is, and why."""

from services.customers.domain.records import contact_name
from shared.bulk import Kept

CHANGED, STATUS, CONTACT, BROUGHT_BACK = "changed", "status_changed", "contacts_changed", "brought_back"
LOOKED_AFTER, LINKS_GONE = "looked_after", "links_gone"
ROLE, DUPLICATE = "role_missing", "duplicate_contact"

_OF_ACCOUNT = {
    "updated": (CHANGED, "{} changed it since."),
    "status": (STATUS, "{} made it active or inactive since."),
    "deleted": (BROUGHT_BACK, "{} deleted it, and it was brought back."),
    "restored": (BROUGHT_BACK, "{} brought it back after it was deleted."),
    "linked": (LOOKED_AFTER, "{} looks after it."),
    "wrote": (CHANGED, "{} wrote to it since."),
}
_OF_CONTACTS = {
    "created": (CONTACT, "{} added a contact since."),
    "deleted": (CONTACT, "{} removed a contact since."),
    "restored": (CONTACT, "{} brought a contact back since."),
}
_CONFLICTS = {
    ROLE: "Without it, this would be neither customer nor vendor.",
    DUPLICATE: "With it, two contacts of this customer would be the same.",
}


def left_account(account: str, code: str, name: str, action: str, by: str, of_contact: bool, by_job: bool) -> Kept:
    """Return the line for a customer that the import created and that stays."""
    if of_contact:
        reason, words = _OF_CONTACTS.get(action, (CONTACT, "{} changed a contact since."))
    else:
        reason, words = _OF_ACCOUNT.get(action, (CHANGED, "{} changed it since."))
    return Kept("customer", f"{code} {name}", _url(account), None, reason, words.format(_who(by, by_job=by_job)))


def left_alone(account: str, code: str, name: str) -> Kept:
    """Return the line for a customer that stays, but without the links that the import asked for."""
    told = "By this import, nobody looks after it any longer."
    return Kept("customer", f"{code} {name}", _url(account), None, LINKS_GONE, told)


def left_contact(
    account: str, code: str, name: str, first: str | None, last: str, action: str, by: str, *, by_job: bool
) -> Kept:
    """Return the line for a contact that the import added and that stays."""
    reason, words = _OF_ACCOUNT.get(action, (CHANGED, "{} changed it since."))
    label = f"{contact_name(first, last)} ({code} {name})"
    return Kept("contact", label, _url(account), None, reason, words.format(_who(by, by_job=by_job)))


def left_field(
    account: str, label: str, field: str, reason: str, by: str | None, *, of_contact: bool, by_job: bool
) -> Kept:
    """Return the line for a field that keeps its value."""
    words = _CONFLICTS.get(reason) or f"{_who(by, by_job=by_job)} changed it since."
    return Kept("contact" if of_contact else "customer", label, _url(account), field, reason, words)


def _who(by: str | None, *, by_job: bool) -> str:
    if by is None:
        return "Somebody"
    return f"Another import by {by}" if by_job else by


def _url(account: str) -> str:
    return f"/customers/{account}"
