"""Associates as records: which fields may change, what a new one has, and what is kept right beside them."""

from collections.abc import Mapping
from typing import Any

from services.associates.models import Associate
from shared.countries import phone_region
from shared.keys import code_key, email_key, phone_key
from shared.words import searched, spread_email

FIELDS = (
    "code",
    "name",
    "kind",
    "is_firm",
    "email",
    "phone",
    "phone2",
    "street",
    "city",
    "region",
    "postal_code",
    "country",
    "tags",
    "notes",
    "can_login",
)
DEFAULTS = {"kind": "employee", "is_firm": False, "can_login": False}


def keep_right(associate: Associate) -> None:
    """Set the keys and the search text of an associate from what it says."""
    for name, value in derived({name: getattr(associate, name) for name in FIELDS}).items():
        setattr(associate, name, value)


def derived(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys and the search text of an associate from its fields."""
    region = phone_region(record["country"])
    phones = [phone_key(number, region)[0] for number in (record["phone"], record["phone2"]) if number]
    email = email_key(record["email"]) if record["email"] else None
    code = code_key(record["code"])
    search = searched(record["name"], [code, record["city"], spread_email(email), *phones])
    return {"code_key": code, "email_key": email, "search": search}
