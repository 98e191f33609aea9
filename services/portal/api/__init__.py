"""The JSON API of portal."""

from services.portal.api import audit, me, operations, roles, settings, sign_in, users
from services.portal.api.blueprint import blueprint

__all__ = ["audit", "blueprint", "me", "operations", "roles", "settings", "sign_in", "users"]
