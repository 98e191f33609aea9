"""The web app of associates."""

from flask import Flask

from services.associates import config, pages
from services.associates.api import blueprint as api
from shared.settings import Settings
from shared.web import create_app as create_base


def create_app(settings: Settings | None = None) -> Flask:
    """Return the Flask app; without `settings`, from the environment."""
    return create_base(settings or config.load(), title="Associates", pages=[pages.blueprint], apis=[api])
