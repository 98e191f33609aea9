"""What was typed into the forms of customers and contacts, as their schemas take it."""

from werkzeug.datastructures import MultiDict

from shared.web.forms import Raw

ACCOUNT_TEXTS = (
    "code",
    "name",
    "kind",
    "email",
    "phone",
    "phone2",
    "website",
    "tax_id",
    "street",
    "city",
    "region",
    "postal_code",
    "country",
    "tags",
    "source",
    "notes",
)
CONTACT_TEXTS = ("kind", "first_name", "last_name", "job_title", "email", "phone", "phone2")


def account_typed(form: MultiDict[str, str]) -> Raw:
    """Return what stands in the form of an account."""
    pairs = zip(form.getlist("attribute_name"), form.getlist("attribute_text"), strict=False)
    return {
        **{field: form.get(field, "") for field in ACCOUNT_TEXTS},
        "is_customer": "is_customer" in form,
        "is_vendor": "is_vendor" in form,
        "attributes": {name: text for name, text in pairs if name.strip() or text.strip()},
    }


def contact_typed(form: MultiDict[str, str]) -> Raw:
    """Return what stands in the form of a contact."""
    return {**{field: form.get(field, "") for field in CONTACT_TEXTS}, "is_primary": "is_primary" in form}
