"""From what a list is asked for to what search takes; cursors in and out."""

import uuid
from collections.abc import Mapping
from typing import Any

from services.customers.domain.search import MOST, SearchQuery
from shared.errors import Invalid
from shared.web import decode_cursor, encode_cursor

FOREIGN = "Not a cursor that this list gave out."


def search_query(values: Mapping[str, Any]) -> SearchQuery:
    """Return the query of a loaded `AccountQuery` or `ExportFilter`; raise Invalid for a cursor of something else."""
    return SearchQuery(
        text=values["q"] or "",
        status=values["status"],
        kind=values.get("kind"),
        role=values.get("role"),
        tag=values.get("tag"),
        limit=values.get("limit", MOST),
        after=_place(values["cursor"]) if values.get("cursor") else None,
    )


def _place(cursor: str) -> list[Any]:
    rank, order, account_id = decode_cursor(cursor, 3)
    is_text = isinstance(order, str) and not any(sign == "\x00" or "\ud800" <= sign <= "\udfff" for sign in order)
    if not isinstance(rank, int) or not 0 <= rank < 10 or not is_text:
        raise Invalid("This page address is not complete.", fields={"cursor": [FOREIGN]})
    return [rank, order, str(_id(account_id))]


def history_place(cursor: str | None) -> uuid.UUID | None:
    """Return where a page of history begins; raise Invalid for a cursor of something else."""
    return _id(decode_cursor(cursor, 1)[0]) if cursor else None


def next_cursor(place: Any) -> str | None:
    """Return the cursor of the next page, None after the last one."""
    if place is None:
        return None
    return encode_cursor(place if isinstance(place, list) else [place])


def _id(value: Any) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise Invalid("This page address is not complete.", fields={"cursor": [FOREIGN]}) from error
