"""What htmx pages need: is it a partial request, a toast, a redirect."""

import json
from urllib.parse import quote

from flask import Response, make_response, redirect, request

TOAST_COOKIE = "liaison_toast"


def is_htmx() -> bool:
    """Tell whether htmx asks."""
    return request.headers.get("HX-Request") == "true"


def toast(response: Response, text: str, *, tone: str = "success", undo_url: str | None = None) -> Response:
    """Let the page show `text` for a few seconds; tone is success, warning or danger."""
    message = {"text": text, "tone": tone, **({"undo_url": undo_url} if undo_url else {})}
    if is_htmx():
        response.headers["HX-Trigger"] = json.dumps({"liaison:toast": message})
    else:  # the next page shows it, then clears the cookie
        response.set_cookie(TOAST_COOKIE, quote(json.dumps(message)), max_age=30, samesite="Lax")
    return response


def go_to(url: str, text: str | None = None, *, undo_url: str | None = None, tone: str = "success") -> Response:
    """Send the browser to `url`, for htmx and plain forms alike; `text` is shown there as a toast, with an undo.

    `tone` is success, warning or danger.
    """
    if is_htmx():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
    else:
        response = make_response(redirect(url, 303))
    if text:
        message = {"text": text, "tone": tone, **({"undo_url": undo_url} if undo_url else {})}
        response.set_cookie(TOAST_COOKIE, quote(json.dumps(message)), max_age=30, samesite="Lax")
    return response
