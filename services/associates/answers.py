"""What other services ask associates: the rows of their copies, page by page."""

import uuid
from typing import Any

from flask import Blueprint, request

from services.associates.domain import copies
from services.associates.domain.associates import get_associate
from shared.copies import after_of
from shared.db import read_only
from shared.web import internal

blueprint = Blueprint("answers", __name__)


@blueprint.get("/internal/associates/<uuid:associate_id>")
@internal()
def one_associate(associate_id: uuid.UUID) -> dict[str, Any]:
    """Tell how an associate is called, and whether its users may sign in."""
    with read_only() as session:
        associate = get_associate(session, associate_id)
    return {"code": associate.code, "name": associate.name, "can_login": associate.can_login}


@blueprint.get("/internal/copies/associates")
@internal()
def copy_of_associates() -> dict[str, Any]:
    """Tell a page of associates."""
    with read_only() as session:
        return {"rows": copies.some_associates(session, after_of(request.args.get("after")))}


@blueprint.get("/internal/copies/sign-ins")
@internal()
def copy_of_sign_ins() -> dict[str, Any]:
    """Tell a page of associates, and whether their users may sign in."""
    with read_only() as session:
        return {"rows": copies.some_sign_ins(session, after_of(request.args.get("after")))}


@blueprint.get("/internal/copies/links")
@internal()
def copy_of_links() -> dict[str, Any]:
    """Tell a page of who looks after whom."""
    with read_only() as session:
        return {"rows": copies.some_links(session, after_of(request.args.get("after")))}
