"""What the description of the API says alike in many places."""

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint

from shared.web.app import Problem

IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "example": '"3"',
    "description": "The ETag of the version that you read.",
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 200},
    "description": "A text of your own; a repeat within 24 hours gets the first answer and creates nothing.",
}


def refusal(blp: Blueprint, status: int, description: str) -> Callable[[Any], Any]:
    """Describe an answer that refuses, by its stable `code`s."""
    described: Callable[[Any], Any] = blp.alt_response(
        status, schema=Problem, content_type="application/problem+json", description=description
    )
    return described


def needs_version(blp: Blueprint) -> Callable[[Any], Any]:
    """Describe a change that takes the version it was made from in If-Match. Stands right below the access rule."""

    def describe(view: Any) -> Any:
        view = blp.doc(parameters=[{**IF_MATCH, "required": True}])(view)
        view = refusal(blp, 412, "`stale`: it was changed since the version in `If-Match`.")(view)
        return refusal(blp, 428, "`precondition_required`: send `If-Match`.")(view)

    return describe
