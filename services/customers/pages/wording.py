"""How customers' fields and changes read on the screens."""

from typing import Any

from markupsafe import Markup

from services.customers.domain.history import Entry
from shared.events import associates
from shared.ui import records

FIELD_LABELS = {
    "code": "Code",
    "name": "Name",
    "kind": "Kind",
    "is_customer": "Customer",
    "is_vendor": "Vendor",
    "email": "E-mail",
    "phone": "Phone",
    "phone2": "Second phone",
    "website": "Website",
    "tax_id": "Tax id",
    "street": "Street",
    "city": "City",
    "region": "Region",
    "postal_code": "Postal code",
    "country": "Country",
    "tags": "Tags",
    "source": "Source",
    "attributes": "Further fields",
    "notes": "Notes",
    "first_name": "First name",
    "last_name": "Last name",
    "job_title": "Job title",
    "is_primary": "Primary contact",
    "status": "Status",
    "status_reason": "Reason",
    "reason": "Reason",
}
LINK_ROLES = [(role, role.replace("_", " ").capitalize()) for role in associates.LINK_ROLES]
CONTACT_DEEDS = {**records.DEEDS, "deleted": ("removed {}", "trash", "danger")}


def timeline_entry(entry: Entry) -> dict[str, Any]:
    """Return a line of history as `ui.timeline` takes it."""
    if entry.contact_id is None:
        return records.timeline_entry(entry, "this customer", FIELD_LABELS)
    contact = Markup("contact <bdi>{}</bdi>").format(entry.contact_name)
    return records.timeline_entry(entry, contact, FIELD_LABELS, CONTACT_DEEDS)
