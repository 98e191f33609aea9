"""Where a person came from, to send them back there."""

from urllib.parse import urlsplit

from flask import request


def back_url(home: str) -> str:
    """Return the address of the page that sent this request, if it is `home` or below it, else `home`."""
    came_from = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    if came_from.path != home and not came_from.path.startswith(f"{home}/"):
        return home
    return f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path


def back_to_list(home: str) -> str:
    """Return the address of the list `home` as the person left it."""
    url = back_url(home)
    return url if urlsplit(url).path == home else home
