"""Records that people change: what differs, what is kept of a deleted one, which constraint refused it."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

STATUS_FIELDS = ("status", "status_reason", "status_at", "status_by", "status_by_name")
ORIGIN_FIELDS = ("created_at", "created_by", "created_by_name", "created_job")
EMPTY: tuple[Any, ...] = (None, "", [], {})

Changes = dict[str, list[Any]]


def changes_of(record: Any, values: Mapping[str, Any], fields: Iterable[str]) -> Changes:
    """Return {field: [old, new]} for the `fields` in `values` that differ from what `record` has."""
    return {
        field: [getattr(record, field), values[field]]
        for field in fields
        if field in values and getattr(record, field) != values[field]
    }


def first_values(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Changes:
    """Return {field: [None, value]} for what was said of a new record beyond its defaults."""
    return {field: [None, value] for field, value in given.items() if defaults.get(field) != value}


def apply_changes(record: Any, changes: Changes) -> None:
    """Give `record` the new values of `changes`."""
    for field, (_, new) in changes.items():
        setattr(record, field, new)


def snapshot(record: Any, fields: Iterable[str]) -> dict[str, Any]:
    """Return the fields of `record` that hold something, as JSON values."""
    return {field: as_json(value) for field in fields if (value := getattr(record, field)) not in EMPTY}


def from_snapshot(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return column values of what `snapshot` made."""
    moments = {field: datetime.fromisoformat(values[field]) for field in ("status_at", "created_at") if field in values}
    ids = {
        field: uuid.UUID(values[field]) for field in ("id", "status_by", "created_by", "created_job") if field in values
    }
    return {**values, **moments, **ids}


def as_json(value: Any) -> Any:
    """Return `value` as the JSON that history keeps."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def violates(error: IntegrityError, constraint: str) -> bool:
    """Tell whether the database refused because of `constraint`."""
    diagnosis = getattr(error.orig, "diag", None)
    return diagnosis is not None and diagnosis.constraint_name == constraint
