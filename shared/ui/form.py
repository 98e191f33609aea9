"""What forms show about wrong input."""

from collections.abc import Mapping
from typing import Any


def messages(errors: Any, name: str) -> list[str]:
    """Return the messages for one field out of `{field: [message]}`.

    `name` may be dotted ("address.city") for errors of nested schemas; a plain list or text is
    taken as the field's own messages.
    """
    found = errors
    if isinstance(errors, Mapping):
        found = errors.get(name)
        if found is None and "." in name:
            first, rest = name.split(".", 1)
            return messages(errors[first], rest) if isinstance(errors.get(first), Mapping) else []
    return _flat(found)


def _flat(found: Any) -> list[str]:
    if not found:
        return []
    if isinstance(found, str):
        return [found]
    parts = found.values() if isinstance(found, Mapping) else found
    return [text for part in parts for text in _flat(part)]
