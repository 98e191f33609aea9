"""One table of errors: what the domain raises, or Flask, becomes problem+json (RFC 9457), a page, or a toast."""

import http
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from marshmallow import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from shared.errors import DomainError, Invalid, Stale, Unavailable
from shared.web.htmx import is_htmx, toast

log = structlog.get_logger("errors")

SENTENCES = {
    400: "The request could not be read.",
    404: "There is nothing at this address.",
    405: "This address does not take this kind of request.",
    406: "This answer is not available in the form that was asked for.",
    408: "The request took too long to arrive.",
    413: "This is larger than we can take.",
    415: "This kind of content is not understood here.",
    429: "That was too often in a short time. Wait a moment, then try again.",
    500: "Something went wrong on our side. It was recorded; try again in a moment.",
}
CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}


def wants_json() -> bool:
    """Tell whether the caller is a program."""
    return request.path.startswith(("/api/", "/internal/"))


def answer(error: DomainError, status: int | None = None) -> Response:
    """Return the answer for `error`: problem+json for programs, a toast for htmx, a page for people."""
    status = status or error.status
    if wants_json():
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": http.HTTPStatus(status).phrase,
            "status": status,
            "code": error.code,
            "detail": error.sentence,
            "instance": request.path,
            "request_id": g.get("request_id"),
            **error.extra,
        }
        if error.fields:
            body["errors"] = error.fields
        response = jsonify(body)
        response.content_type = "application/problem+json"
    elif is_htmx():
        response = make_response("")
        response.headers["HX-Reswap"] = "none"
        toast(response, error.sentence, tone="danger")
    else:
        response = make_response(
            render_template(
                "error.html", status=status, sentence=error.sentence, fields=error.fields, advice=error.advice
            )
        )
    response.status_code = status
    return response


def _from_http(error: HTTPException) -> Response:
    if error.response is not None:  # a redirect, or an answer that was made already
        return make_response(error.response)
    status = error.code or 500
    data: dict[str, Any] = getattr(error, "data", None) or {}
    if messages := data.get("messages"):  # webargs: {location: {field: [...]}}
        return answer(Invalid("Some values are not right.", fields=flat_messages(messages)), status)
    problem = DomainError(SENTENCES.get(status, error.description or "The request was refused."))
    problem.code = CODES.get(status, error.name.lower().replace(" ", "_"))  # type: ignore[misc]
    response = answer(problem, status)
    if status == 405 and (methods := getattr(error, "valid_methods", None)):
        response.headers["Allow"] = ", ".join(sorted(methods))
    return response


def flat_messages(messages: Any) -> dict[str, list[str]]:
    """Return marshmallow's nested messages as {path: [message]}; a location such as `json` is left out."""
    flat: dict[str, list[str]] = {}

    def walk(path: str, node: Any) -> None:
        if isinstance(node, dict):
            for name, inner in node.items():
                walk(f"{path}.{name}" if path else str(name), inner)
        else:
            flat.setdefault(path, []).extend(str(word) for word in (node if isinstance(node, list) else [node]))

    if isinstance(messages, dict):
        for location, inner in messages.items():
            walk("" if location in ("json", "query", "form", "headers", "files", "path") else str(location), inner)
    else:
        walk("", messages)
    return flat


def register(app: Flask) -> None:
    """Let `app` answer every error by this table."""
    app.register_error_handler(DomainError, answer)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(StaleDataError, lambda _: answer(Stale()))
    app.register_error_handler(
        ValidationError,
        lambda error: answer(Invalid("Some values are not right.", fields=flat_messages({"": error.messages}))),
    )

    @app.errorhandler(OperationalError)
    def database_is_away(error: OperationalError) -> Response:
        log.error("database is away", error=str(error.orig))
        return answer(Unavailable("The database does not answer just now. Nothing was changed; try again in a moment."))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("unexpected error", path=request.path, exc_info=error)
        problem = DomainError(SENTENCES[500])
        problem.code = "internal_error"  # type: ignore[misc]
        return answer(problem, 500)
