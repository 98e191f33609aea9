"""The web side of a service: base app, access rules, errors, paging, concurrency, htmx."""

from shared.web.access import (
    check_origin,
    client_ip,
    current_identity,
    identity_or_none,
    internal,
    public,
    requires,
    signed_in,
    unmarked_routes,
)
from shared.web.app import create_app
from shared.web.concurrency import etag_of, idempotent, seen_version
from shared.web.htmx import go_to, is_htmx, toast
from shared.web.paging import PageQuery, decode_cursor, encode_cursor, page_of
from shared.web.problems import answer, flat_messages

__all__ = [
    "PageQuery",
    "answer",
    "check_origin",
    "client_ip",
    "create_app",
    "current_identity",
    "decode_cursor",
    "encode_cursor",
    "etag_of",
    "flat_messages",
    "go_to",
    "idempotent",
    "identity_or_none",
    "internal",
    "is_htmx",
    "page_of",
    "public",
    "requires",
    "seen_version",
    "signed_in",
    "toast",
    "unmarked_routes",
]
