"""Associates as records: which fields may change, what a new one has, and what is kept right beside them."""

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
    """Set the key and the search text of an associate from what it says."""
    region = phone_region(associate.country)
    phones = [phone_key(number, region)[0] for number in (associate.phone, associate.phone2) if number]
    email = email_key(associate.email) if associate.email else None
    associate.code_key = code_key(associate.code)
    associate.search = searched(associate.name, [associate.code_key, associate.city, spread_email(email), *phones])
