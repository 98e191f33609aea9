"""ETag and If-Match over `version` (RFC 9110 13.1), and idempotency keys on POSTs that create."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, cast

from flask import Response, current_app, make_response, request
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from shared.db import joined_by_inner, unit_of_work
from shared.errors import DomainError, Invalid
from shared.idempotency import IdempotencyTable
from shared.web.access import View, current_identity

KEPT = timedelta(hours=24)


class PreconditionRequired(DomainError):
    """A change came without the version that it was made from."""

    status = 428
    code = "precondition_required"


class KeyReused(Invalid):
    """An idempotency key came again with another body."""

    code = "idempotency_key_reused"


def etag_of(version: int) -> str:
    """Return the entity tag of a version."""
    return f'"{version}"'


def seen_version() -> int:
    """Return the version in If-Match; raise PreconditionRequired without one."""
    tag = request.headers.get("If-Match", "").strip()
    if not tag:
        raise PreconditionRequired(
            "Send the version that you changed in the If-Match header (the ETag of your last GET)."
        )
    number = tag.removeprefix("W/").strip('"')
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise Invalid("If-Match must be the ETag of this record.", fields={"If-Match": ["Not an ETag of this record."]})
    return int(number)


def given_version() -> int | None:
    """Return the version in If-Match, None without one."""
    return seen_version() if request.headers.get("If-Match", "").strip() else None


def unchanged(version: int) -> Response | None:
    """Return the answer "not modified" (RFC 9110 13.1.2) if the caller has this version already."""
    known = request.if_none_match
    if not known.contains_weak(str(version)):
        return None
    return Response(status=304, headers={"ETag": etag_of(version)})


def idempotent(view: View) -> View:
    """Answer a repeated POST with the first one's answer, when both carry the same Idempotency-Key header.

    The stored answer commits together with the change. Kept 24 hours, per user. Stands right below the access rule,
    above `arguments` and `response`.
    """

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if not key:
            return make_response(view(*args, **kwargs))
        if len(key) > 200:
            raise Invalid("The Idempotency-Key header is too long (200 characters at most).")
        table = current_app.extensions["liaison.idempotency"]
        return _once(table, key, lambda: make_response(view(*args, **kwargs)))

    return cast("View", once)


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        self.response = response


def _once(table: type[IdempotencyTable], key: str, call: Callable[[], Response]) -> Response:
    user = current_identity().user_id
    digest = hashlib.sha256(
        request.method.encode() + b" " + request.path.encode() + b"\n" + request.get_data()
    ).digest()
    try:
        with unit_of_work() as session:
            session.execute(
                delete(table).where(table.user_id == user, table.key == key, table.created_at < func.now() - KEPT)
            )
            fresh = session.execute(
                insert(table).values(user_id=user, key=key, digest=digest).on_conflict_do_nothing().returning(table.key)
            ).first()  # waits here for a twin that is still at work
            if fresh is None:
                stored = session.execute(select(table).where(table.user_id == user, table.key == key)).scalar_one()
                if stored.digest != digest:
                    raise KeyReused("This Idempotency-Key was used for another request. Take a new key.")
                return Response(stored.body, stored.status, {**(stored.headers or {}), "Idempotency-Replayed": "true"})
            with joined_by_inner(session):
                response = call()
            if response.status_code >= 400:
                raise _Refused(response)
            row = session.execute(select(table).where(table.user_id == user, table.key == key)).scalar_one()
            row.status = response.status_code
            row.body = response.get_data()
            row.headers = {
                name: value for name, value in response.headers if name in ("Content-Type", "ETag", "Location")
            }
            return response
    except _Refused as refused:
        return refused.response
