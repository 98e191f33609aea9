"""Accounts and contacts as records: which fields may change, and what a new one has."""

ACCOUNT_FIELDS = (
    "code",
    "name",
    "kind",
    "is_customer",
    "is_vendor",
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
    "attributes",
    "notes",
)
CONTACT_FIELDS = (
    "kind",
    "first_name",
    "last_name",
    "job_title",
    "email",
    "phone",
    "phone2",
    "is_primary",
)

# What a new record has where nothing was said; history does not repeat it.
DEFAULTS = {"kind": "company", "is_customer": True, "is_vendor": False}
CONTACT_DEFAULTS = {"kind": "person", "is_primary": False}


def contact_name(first_name: str | None, last_name: str | None) -> str:
    """Return the name of a contact as one text."""
    return " ".join(part for part in (first_name, last_name) if part)
