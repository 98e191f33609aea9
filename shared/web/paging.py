"""Keyset paging: `?limit=50&cursor=...` in, `{"items": [...], "next": "..."}` out."""

import base64
import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import marshmallow as ma

from shared.errors import Invalid

MAX_LIMIT = 200
LONGEST_TRAIL = 30
FOREIGN = "Not a cursor that this list gave out."


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
        raise Invalid("This page address is not complete.", fields={"cursor": [FOREIGN]})
    return values


def next_cursor(place: Any) -> str | None:
    """Return the cursor of the next page, which begins behind `place` (one value or a list); None after the last."""
    if place is None:
        return None
    return encode_cursor(place if isinstance(place, list) else [place])


def id_place(cursor: str | None) -> uuid.UUID | None:
    """Return where a page ordered by id begins; raise Invalid for a cursor of something else."""
    return as_id(decode_cursor(cursor, 1)[0]) if cursor else None


def as_order(value: Any) -> str:
    """Return a text out of a cursor; raise Invalid for what no database holds."""
    if not isinstance(value, str) or any(sign == "\x00" or "\ud800" <= sign <= "\udfff" for sign in value):
        raise Invalid("This page address is not complete.", fields={"cursor": [FOREIGN]})
    return value


def as_id(value: Any) -> uuid.UUID:
    """Return an id out of a cursor; raise Invalid for anything else."""
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise Invalid("This page address is not complete.", fields={"cursor": [FOREIGN]}) from error


def pages_beside(
    url: str, chosen: Mapping[str, str], cursor: str | None, trail: str, following: str | None
) -> dict[str, Any]:
    """Return `prev_url`, `next_url` and `is_first` of the page at `cursor`; `chosen` are the list's filters.

    Keysets only go forward, so the way back is in the address: `trail` (parameter `back`) has the cursors before.
    """
    before = [one for one in trail.split(".") if one]

    def address(parameters: Mapping[str, str]) -> str:
        return f"{url}?{urlencode(parameters)}" if parameters else url

    next_url = prev_url = None
    if following:
        behind = {"back": ".".join([*before, cursor][-LONGEST_TRAIL:])} if cursor else {}
        next_url = address({**chosen, "cursor": following, **behind})
    if cursor:
        back = {"cursor": before[-1], "back": ".".join(before[:-1])} if before else {}
        prev_url = address({**chosen, **{name: text for name, text in back.items() if text}})
    return {"prev_url": prev_url, "next_url": next_url, "is_first": not cursor}


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
