"""The JSON API of customers: everything that its screens do."""

from services.customers.api.accounts import blp as accounts
from services.customers.api.contacts import blp as contacts
from services.customers.api.looked_after import blp as looked_after
from services.customers.api.messages import blp as messages
from services.customers.api.selections import blp as selections

blueprints = (accounts, contacts, looked_after, messages, selections)

__all__ = ["blueprints"]
