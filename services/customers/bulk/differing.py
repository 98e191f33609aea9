"""What a row changes, by the names of fields, as people are told it."""

from collections.abc import Mapping
from typing import Any

from services.customers.bulk.merge import ACCOUNT_CHANGES, CONTACT_CHANGES, Merged
from services.customers.bulk.rows import FIRST, SECOND

ROLES = ("customer", "vendor")


def differing(merged: Merged) -> dict[str, tuple[Any, Any]]:
    """Return what a row would change, by the names of fields: {field: (old, new)}."""
    old, new = merged.account.old, merged.account.new
    changes = {name: (old[name], new[name]) for name in ACCOUNT_CHANGES if name in new}
    if any(changes.pop(f"is_{role}", None) for role in ROLES):
        changes["roles"] = (_roles(old), _roles(old | new))
    if (attributes := changes.pop("attributes", None)) is not None:
        before, after = (as_fields(one) for one in attributes)
        changes |= {name: (before.get(name), after[name]) for name in after if after[name] != before.get(name)}
    for contact in merged.contacts:
        prefix = SECOND if contact is merged.second else FIRST
        changes |= {
            f"{prefix}{name}": (contact.old[name], contact.new[name]) for name in CONTACT_CHANGES if name in contact.new
        }
    for prefix, added in merged.new_contacts.items():
        changes |= {f"{prefix}{name}": (None, added[name]) for name in CONTACT_CHANGES if added[name] is not None}
    return changes


def as_fields(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes by the names that they have as fields."""
    return {f"attributes.{name}": value for name, value in attributes.items()}


def _roles(account: Mapping[str, Any]) -> str:
    return ";".join(role for role in ROLES if account[f"is_{role}"])
