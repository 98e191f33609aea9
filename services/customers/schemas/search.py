"""From what a list is asked for to what search takes."""

import uuid
from collections.abc import Mapping
from typing import Any

from services.customers.domain.search import MOST, SearchQuery
from shared.errors import Invalid
from shared.web.paging import FOREIGN, as_id, as_order, decode_cursor


def search_query(
    values: Mapping[str, Any], associate: uuid.UUID | None = None, account: uuid.UUID | None = None
) -> SearchQuery:
    """Return the query of a loaded `AccountQuery` or `ExportFilter`; raise Invalid for a cursor of something else.

    `associate` is whom `values["associate"]` means (`copies.associate_meant`), `account` which one `values["account"]`
    does (`accounts.account_meant`).
    """
    return SearchQuery(
        text=values["q"] or "",
        status=values["status"],
        kind=values.get("kind"),
        role=values.get("role"),
        tag=values.get("tag"),
        associate=associate,
        associate_role=values.get("associate_role"),
        account=account,
        limit=values.get("limit", MOST),
        after=_place(values["cursor"]) if values.get("cursor") else None,
    )


def _place(cursor: str) -> list[Any]:
    rank, order, account_id = decode_cursor(cursor, 3)
    if not isinstance(rank, int) or not 0 <= rank < 10:
        raise Invalid("This page address is not complete.", fields={"cursor": [FOREIGN]})
    return [rank, as_order(order), str(as_id(account_id))]
