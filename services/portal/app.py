"""The web app of portal."""

from collections.abc import Callable
from pathlib import Path

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter

from services.portal import config
from services.portal.api import blueprint as api
from services.portal.internal import bulk, identity
from services.portal.models import FeedCursor, IdempotencyKey, Outbox
from services.portal.pages import account, audit, home, operations, roles, sales, sign_in, users, wording
from shared.feed import feed_blueprint
from shared.settings import Settings
from shared.web import client_ip
from shared.web import create_app as create_base

SIGN_IN = ("sign_in.enter", "portal.sign_in")  # the screen and the API
PAGES = (home, sign_in, account, users, roles, sales, audit, operations)


def create_app(settings: Settings | None = None, first_sign_in_file: Path | None = None) -> Flask:
    """Return the Flask app; without `settings`, from the environment."""
    app = create_base(
        settings or config.load(),
        title="Portal",
        pages=[module.blueprint for module in PAGES],
        apis=[api],
        internals=[identity.blueprint, bulk.blueprint, feed_blueprint(Outbox, FeedCursor)],
        idempotency=IdempotencyKey,
    )
    app.config["FIRST_SIGN_IN_FILE"] = first_sign_in_file or config.first_sign_in_file()
    app.add_template_filter(wording.browser)
    app.add_template_filter(wording.told)
    app.add_template_filter(operations.work_name)
    _limit_sign_in(app)
    return app


def _limit_sign_in(app: Flask) -> None:
    """Limit tries per address. Counted in Redis; where that is away, in this process alone."""
    limiter = Limiter(
        client_ip,
        app=app,
        storage_uri=app.extensions["liaison.settings"].redis_url,
        storage_options={"socket_connect_timeout": 1, "socket_timeout": 1},
        in_memory_fallback_enabled=True,
        key_prefix="portal",
        request_identifier=lambda: request.endpoint if request.endpoint in SIGN_IN else "",  # looks at no other
    )
    limited = limiter.shared_limit(lambda: str(app.config.get("SIGN_IN_LIMIT", sign_in.LIMIT)), scope="sign_in")
    for endpoint in SIGN_IN:
        view: Callable[..., ResponseReturnValue] = app.view_functions[endpoint]  # type: ignore[assignment] # none is async
        app.view_functions[endpoint] = limited(view)
