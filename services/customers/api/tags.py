"""Conditional requests (RFC 9110 13): what If-Match and If-None-Match ask for, where they may be left out."""

from flask import Response, request

from shared.web import etag_of, seen_version


def given_version() -> int | None:
    """Return the version in If-Match, None without one."""
    return seen_version() if request.headers.get("If-Match", "").strip() else None


def unchanged(version: int) -> Response | None:
    """Return the answer "not modified" if the caller has this version already."""
    known = request.if_none_match
    if not known.contains_weak(str(version)):
        return None
    return Response(status=304, headers={"ETag": etag_of(version)})
