"""The JSON API of customers: everything that its screens do."""

from services.customers.api.accounts import blp as accounts
from services.customers.api.contacts import blp as contacts

blueprints = (accounts, contacts)

__all__ = ["blueprints"]
