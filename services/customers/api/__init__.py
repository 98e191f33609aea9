"""The JSON API of customers: everything that its screens do."""

from services.customers.api.accounts import blp as accounts
from services.customers.api.contacts import blp as contacts
from services.customers.api.looked_after import blp as looked_after

blueprints = (accounts, contacts, looked_after)

__all__ = ["blueprints"]
