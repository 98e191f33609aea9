"""Forms: what was typed, as a schema takes it; and what others changed meanwhile, taken over where that is safe."""

from collections.abc import Iterable, Mapping
from typing import Any

import marshmallow as ma
from werkzeug.datastructures import MultiDict

from shared.errors import Invalid
from shared.ui.records import label, shown
from shared.web.problems import flat_messages

Raw = dict[str, Any]


def status_typed(values: MultiDict[str, str]) -> Raw:
    """Return the status that was asked for, and why."""
    return {field: values[field] for field in ("status", "reason") if field in values}


def seen_in(form: MultiDict[str, str]) -> int:
    """Return the version that the form was made from; 0, which no record has, for nonsense."""
    version = form.get("version", "")
    return int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0


def load_form(schema: ma.Schema, raw: Raw) -> dict[str, Any]:
    """Return the values of a form; raise Invalid with a message per field."""
    try:
        values: dict[str, Any] = schema.load(raw)
    except ma.ValidationError as error:
        messages = flat_messages({"": error.messages})
        fields = {field.split(".")[0]: words for field, words in messages.items()}
        raise Invalid("Some fields are not right.", fields=fields) from error
    return values


def as_typed(record: Any, fields: Iterable[str]) -> Raw:
    """Return the fields of a record as a form shows them."""
    raw = {field: getattr(record, field) for field in fields}
    if "tags" in raw:
        raw["tags"] = ", ".join(raw["tags"])
    return raw


def merge_typed(
    raw: Raw, values: Mapping[str, Any], now: Raw, changes: Iterable[Mapping[str, Any]], labels: Mapping[str, str]
) -> tuple[Raw, dict[str, list[str]]]:
    """Return the form with what others changed taken over where this person changed nothing, and where both did.

    `values` is what was typed, loaded; `now` the record as a form shows it; `changes` as in `RecordChanged`;
    `labels` what fields are called.
    """
    merged, both = {**raw, "attributes": dict(raw.get("attributes", {}))}, {}
    first: dict[str, Mapping[str, Any]] = {}
    last: dict[str, Mapping[str, Any]] = {}
    for change in changes:  # newest first
        first[change["field"]] = change
        last.setdefault(change["field"], change)
    for field, change in last.items():
        group, _, name = field.partition(".")
        if group not in now:
            continue
        typed = (values.get("attributes") or {}).get(name) if name else values.get(field)
        if _same(typed, change["now"]):
            continue
        if not _same(typed, first[field]["was"]):
            both[group] = [
                f"{change['actor_name']} changed {label(field, labels)} to “{shown(field, change['now'])}” meanwhile."
            ]
        elif name:
            merged["attributes"] = _with(merged["attributes"], name, change["now"])
        else:
            merged[field] = now[field]
    return merged, both


def _with(attributes: Mapping[str, str], name: str, text: str | None) -> dict[str, str]:
    return {**attributes, name: text} if text else {other: kept for other, kept in attributes.items() if other != name}


def _same(one: Any, other: Any) -> bool:
    return (one or None) == (other or None)
