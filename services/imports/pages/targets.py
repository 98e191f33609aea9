"""What can be imported, for its labels."""

from typing import Any

from flask import current_app

from shared.errors import DomainError


def target_of(kind: str) -> Any:
    """Return the target for its labels, or None while its owner is away: a job can be read all the same."""
    try:
        return current_app.extensions["imports.owners"].of(kind).target()
    except DomainError:
        return None
