"""Where a person came from, to send them back there."""

from urllib.parse import urlsplit

from flask import request

LIST = "/customers"


def back_url(default: str = LIST) -> str:
    """Return the address of the page that sent this request, if it is one of customers', else `default`."""
    came_from = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    if came_from.path != LIST and not came_from.path.startswith(f"{LIST}/"):
        return default
    return f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path


def back_to_list() -> str:
    """Return the address of the list as the person left it."""
    url = back_url()
    return url if urlsplit(url).path == LIST else LIST
