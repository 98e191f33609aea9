"""The JSON API of portal."""

from services.portal.api import audit, me, operations, roles, users
from services.portal.api.blueprint import blueprint

__all__ = ["audit", "blueprint", "me", "operations", "roles", "users"]
