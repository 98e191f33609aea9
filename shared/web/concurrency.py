"""ETag and If-Match over `version` (RFC 9110 13.1), and idempotency keys: programs' and forms' POSTs that create."""

import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, cast

from flask import Response, current_app, make_response, request
from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.db import joined_by_inner, unit_of_work
from shared.errors import Conflict, DomainError, Invalid
from shared.idempotency import IdempotencyTable
from shared.web.access import View, current_identity

KEPT = timedelta(hours=24)
SWEPT = 20  # more than one, so that what is kept shrinks again after a busy day


class PreconditionRequired(DomainError):
    """A change came without the version that it was made from."""

    status = 428
    code = "precondition_required"


class KeyReused(Invalid):
    """An idempotency key came again with another body."""

    code = "idempotency_key_reused"

    def __init__(self, location: str) -> None:
        super().__init__("This Idempotency-Key was used for another request. Take a new key.")
        self.location = location  # of what it made then


class FormSentBefore(Conflict):
    """A form is sent again that led to something already, and something else stands in it now."""

    code = "form_sent_before"

    def __init__(self, location: str) -> None:
        super().__init__("This form was sent already.", extra={"location": location})


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
        sent = request.method.encode() + b" " + request.path.encode() + b"\n" + request.get_data()
        return _once(key, sent, lambda: make_response(view(*args, **kwargs)))

    return cast("View", once)


def once_per_form(call: Callable[[], Response]) -> Response:
    """Do what a form asks once: sent again, after a lost answer, it leads to what it made the first time.

    The form says by a hidden `form_id` which one it is. Raises FormSentBefore where something else stands in it now.
    """
    form_id = request.form.get("form_id", type=uuid.UUID)
    if form_id is None:
        return call()
    sent = json.dumps([request.path, *request.form.items(multi=True)]).encode()
    try:
        return _once(f"form {form_id}", sent, call)
    except KeyReused as reused:
        raise FormSentBefore(reused.location) from reused


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        self.response = response


def _once(key: str, sent: bytes, call: Callable[[], Response]) -> Response:
    table: type[IdempotencyTable] = current_app.extensions["liaison.idempotency"]
    user = current_identity().user_id
    digest = hashlib.sha256(sent).digest()
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
                    raise KeyReused((stored.headers or {}).get("Location", ""))
                return Response(stored.body, stored.status, {**(stored.headers or {}), "Idempotency-Replayed": "true"})
            _sweep(session, table)
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


def _sweep(session: Session, table: type[IdempotencyTable]) -> None:
    """Forget a few of anybody's keys that are older than `KEPT`; those that somebody else is at are left to them."""
    old = (
        select(table.user_id, table.key)
        .where(table.created_at < func.now() - KEPT)
        .order_by(table.created_at)
        .limit(SWEPT)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(table).where(tuple_(table.user_id, table.key).in_(old)))
