"""What the API and the forms take in and give out."""

from services.customers.schemas.accounts import (
    AccountIn,
    AccountOut,
    AccountPage,
    AccountPatch,
    AccountQuery,
    FoundAccountOut,
    LookedAfterQuery,
)
from services.customers.schemas.contacts import ContactIn, ContactOut, ContactPatch
from services.customers.schemas.history import ChangeOut, HistoryQuery

__all__ = [
    "AccountIn",
    "AccountOut",
    "AccountPage",
    "AccountPatch",
    "AccountQuery",
    "ChangeOut",
    "ContactIn",
    "ContactOut",
    "ContactPatch",
    "FoundAccountOut",
    "HistoryQuery",
    "LookedAfterQuery",
]
