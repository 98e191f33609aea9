"""The screens of associates."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from services.associates.pages import associates, changes, lists, tab
from shared.errors import FeatureOff
from shared.web import answer, identity_or_none, is_htmx

blueprint = Blueprint("pages", __name__, url_prefix="/associates")
for part in (lists, associates, tab, changes):
    blueprint.register_blueprint(part.blueprint)


@blueprint.errorhandler(FeatureOff)
def say_that_it_is_off(error: FeatureOff) -> ResponseReturnValue:
    """Show a page that tells where partner management is switched on; a part of a page gets a toast."""
    if is_htmx() or identity_or_none() is None:
        return answer(error)
    return render_template("associates/off.html"), error.status


__all__ = ["blueprint"]
