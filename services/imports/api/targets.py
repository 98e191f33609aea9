"""What can be imported, and a sample file for each."""

from typing import Any

from flask import Response, current_app
from flask_smorest import Blueprint

from services.imports.domain.sample import csv_of
from services.imports.schemas import TargetOut, TargetsOut
from shared.web import requires

blp = Blueprint("targets", __name__, description="What can be imported.")
Values = dict[str, Any]


@blp.route("/targets", methods=["GET"])
@requires("import")
@blp.response(200, TargetsOut)
def list_targets() -> Values:
    """List what can be imported, with the fields that columns may feed."""
    owners = current_app.extensions["imports.owners"]
    return {"items": [owners.of(kind).target() for kind in owners.kinds]}


@blp.route("/targets/<kind>", methods=["GET"])
@requires("import")
@blp.response(200, TargetOut)
def get_target(kind: str) -> Any:
    """Read what an import of this kind takes."""
    return current_app.extensions["imports.owners"].importable(kind).target()


@blp.route("/targets/<kind>/sample.csv", methods=["GET"])
@requires("import")
@blp.response(200, content_type="text/csv")
def get_sample(kind: str) -> Response:
    """Download a sample file, whose columns are matched without help."""
    body = csv_of(current_app.extensions["imports.owners"].importable(kind).target())
    headers = {"Content-Disposition": f'attachment; filename="{kind}-sample.csv"'}
    return Response(body, content_type="text/csv; charset=utf-8", headers=headers)
