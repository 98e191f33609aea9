"""How associates' fields, roles and changes read on the screens."""

from typing import Any

from shared.history import Entry
from shared.ui import records

FIELD_LABELS = {
    "code": "Code",
    "name": "Name",
    "kind": "Kind",
    "is_firm": "Firm",
    "can_login": "May sign in",
    "email": "E-mail",
    "phone": "Phone",
    "phone2": "Second phone",
    "street": "Street",
    "city": "City",
    "region": "Region",
    "postal_code": "Postal code",
    "country": "Country",
    "tags": "Tags",
    "notes": "Notes",
    "status": "Status",
    "status_reason": "Reason",
    "reason": "Reason",
    "customer": "Customer",
    "customers": "Customers",
    "role": "Role",
    "since": "Since",
    "primary": "Primary",
    "associate_id": "Associate",
}
KINDS = {"employee": "Colleague", "dealer": "Dealer", "partner": "Partner", "other": "Other"}
ROLES = {
    "manages": "Manages",
    "lead_source": "Lead source",
    "sales": "Sales",
    "collections": "Collections",
    "service": "Service",
}
CAUSES = {
    "removed": "removed",
    "role_changed": "got another role",
    "account_deleted": "the customer was deleted",
    "associate_deleted": "the associate was deleted",
    "undone": "undone",
}
DEEDS = {
    **records.DEEDS,
    "linked": ("gave {} a customer", "link", "success"),
    "unlinked": ("took a customer from {}", "ban", "warning"),
    "role": ("changed what {} does for a customer", "replace", "info"),
    "linked_many": ("gave {} customers", "users", "success"),
    "unlinked_many": ("took customers from {}", "users", "warning"),
    "undone_many": ("took back what was done to customers of {}", "arrow-back-up", "warning"),
}


def timeline_entry(entry: Entry) -> dict[str, Any]:
    """Return a line of history as `ui.timeline` takes it."""
    job = "a change of many" if entry.action.endswith("_many") else "an import"
    line = records.timeline_entry(entry, "this associate", FIELD_LABELS, DEEDS, job)
    line["changes"] = [(label, _role(label, old), _role(label, new)) for label, old, new in line["changes"]]
    return line


def _role(label: str, value: str) -> str:
    return ROLES.get(value, value) if label == FIELD_LABELS["role"] else value
