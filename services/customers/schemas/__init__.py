"""What the API and the forms take in and give out."""

from services.customers.schemas.accounts import AccountIn, AccountOut, AccountPatch, AccountQuery, StatusIn
from services.customers.schemas.contacts import ContactIn, ContactOut, ContactPatch

__all__ = [
    "AccountIn",
    "AccountOut",
    "AccountPatch",
    "AccountQuery",
    "ContactIn",
    "ContactOut",
    "ContactPatch",
    "StatusIn",
]
