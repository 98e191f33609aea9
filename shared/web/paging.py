"""Keyset paging: `?limit=50&cursor=...` in, `{"items": [...], "next": "..."}` out."""

import base64
import json
from typing import Any

import marshmallow as ma

from shared.errors import Invalid

MAX_LIMIT = 200


def encode_cursor(values: list[Any]) -> str:
    """Return the opaque cursor of the last row's sort values."""
    return (
        base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":"), default=str).encode()).decode().rstrip("=")
    )


def decode_cursor(cursor: str, length: int) -> list[Any]:
    """Return the sort values in `cursor`; raise Invalid for anything that is not such a cursor of `length` values."""
    try:
        values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except ValueError:
        values = None
    if not isinstance(values, list) or len(values) != length:
        raise Invalid(
            "This page address is not complete.", fields={"cursor": ["Not a cursor that this list gave out."]}
        )
    return values


class PageQuery(ma.Schema):
    """The paging part of a list's query."""

    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(1, MAX_LIMIT))
    cursor = ma.fields.String(load_default=None, allow_none=True, validate=ma.validate.Length(max=2000))


def page_of(items: type[ma.Schema]) -> type[ma.Schema]:
    """Return the schema of a page of `items`."""
    return ma.Schema.from_dict(
        {"items": ma.fields.List(ma.fields.Nested(items)), "next": ma.fields.String(allow_none=True)},
        name=f"{items.__name__.removesuffix('Out')}Page",
    )
