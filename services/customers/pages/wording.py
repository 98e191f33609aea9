"""How customers' fields and changes read on the screens."""

from typing import Any

from markupsafe import Markup

from services.customers.domain.history import Entry
from services.customers.domain.messages import Sent
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
# Of a mail: its words and tone.
STATE_WORDS = {
    "queued": ("On its way", "info"),
    "sent": ("Sent", "success"),
    "partly_sent": ("Not sent to all", "warning"),
    "failed": ("Not sent", "danger"),
    "kept": ("Kept, not sent", "neutral"),
}
CONTACT_DEEDS = {**records.DEEDS, "deleted": ("removed {}", "trash", "danger")}


def timeline_entry(entry: Entry) -> dict[str, Any]:
    """Return a line of history as `ui.timeline` takes it."""
    if entry.mail is not None:
        return _mail_entry(entry, entry.mail)
    if entry.contact_id is None:
        return records.timeline_entry(entry, "this customer", FIELD_LABELS)
    contact = Markup("contact <bdi>{}</bdi>").format(entry.contact_name)
    return records.timeline_entry(entry, contact, FIELD_LABELS, CONTACT_DEEDS)


def _mail_entry(entry: Entry, mail: Sent) -> dict[str, Any]:
    """Return the line of a mail that was written: what about, to whom, and how far it has come."""
    message = mail.message
    words, tone = STATE_WORDS[message.state]
    url = f"/customers/{message.account_id}/messages/{message.id}"
    text = Markup('wrote to this customer: <a href="{}" dir="auto">{}</a>').format(url, message.subject)
    people = [("To", mail.to), ("Copies to", mail.copies)]
    changes = [(label, None, ", ".join(f"{one.name} ({one.email})" for one in some)) for label, some in people if some]
    state = f"{words}: {message.error}" if message.error else words
    changes.append(("State", None, state))
    tone = "info" if message.state == "sent" else tone
    return {
        "when": entry.at, "who": entry.actor_name, "text": text, "icon": "mail", "tone": tone, "changes": changes,
    }  # fmt: skip
