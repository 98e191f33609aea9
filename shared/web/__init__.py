"""The web side of a service: base app, access rules, errors, paging, concurrency, htmx."""

from shared.web.access import (
    check_origin,
    client_ip,
    current_actor,
    current_identity,
    identity_or_none,
    internal,
    public,
    requires,
    signed_in,
    unmarked_routes,
)
from shared.web.app import create_app
from shared.web.concurrency import etag_of, given_version, idempotent, seen_version, unchanged
from shared.web.htmx import go_to, is_htmx, toast
from shared.web.paging import (
    PageQuery,
    decode_cursor,
    encode_cursor,
    id_place,
    next_cursor,
    page_of,
    pages_beside,
)
from shared.web.problems import answer, flat_messages

__all__ = [
    "PageQuery",
    "answer",
    "check_origin",
    "client_ip",
    "create_app",
    "current_actor",
    "current_identity",
    "decode_cursor",
    "encode_cursor",
    "etag_of",
    "flat_messages",
    "given_version",
    "go_to",
    "id_place",
    "idempotent",
    "identity_or_none",
    "internal",
    "is_htmx",
    "next_cursor",
    "page_of",
    "pages_beside",
    "public",
    "requires",
    "seen_version",
    "signed_in",
    "toast",
    "unchanged",
    "unmarked_routes",
]
