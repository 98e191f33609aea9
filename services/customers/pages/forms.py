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
    return {
        **{field: form.get(field, "") for field in ACCOUNT_TEXTS},
        "is_customer": "is_customer" in form,
        "is_vendor": "is_vendor" in form,
        "attributes": _attributes_typed(form),
    }


def _attributes_typed(form: MultiDict[str, str]) -> dict[str, str]:
    """Return the rows of further fields; a name that comes again has a space behind it, so that none is lost here."""
    rows: dict[str, str] = {}
    for name, text in zip(form.getlist("attribute_name"), form.getlist("attribute_text"), strict=False):
        if name.strip() or text.strip():
            while name in rows:
                name += " "  # noqa: PLW2901 - tells it from the row before; the schema drops it, and refuses both
            rows[name] = text
    return rows


def contact_typed(form: MultiDict[str, str]) -> Raw:
    """Return what stands in the form of a contact."""
    return {**{field: form.get(field, "") for field in CONTACT_TEXTS}, "is_primary": "is_primary" in form}
