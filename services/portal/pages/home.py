"""The first page: what is going on, and what one may want to do next."""

from flask import Blueprint, render_template

from shared.web import signed_in

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@signed_in()
def overview() -> str:
    """Greet, offer the usual next steps, and let the other services tell what is going on."""
    return render_template("portal/home.html")
