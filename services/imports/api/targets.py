"""What can be imported, and a sample file for each."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from services.imports.caller import importable_kinds, importable_target
from services.imports.domain.sample import csv_of
from services.imports.schemas import TargetOut, TargetsOut
from shared.web import requires
from shared.web.described import refusal

blp = Blueprint("targets", __name__, description="What can be imported.")
Values = dict[str, Any]
OFF = "`partner_management_off`: associates and assignments need it."


@blp.route("/targets", methods=["GET"])
@requires("import")
@blp.response(200, TargetsOut)
def list_targets() -> Values:
    """List what can be imported now, with the fields that columns may feed."""
    return {"items": [importable_target(kind) for kind in importable_kinds()]}


@blp.route("/targets/<kind>", methods=["GET"])
@requires("import")
@blp.response(200, TargetOut)
@refusal(blp, 409, OFF)
def get_target(kind: str) -> Any:
    """Read what an import of this kind takes."""
    return importable_target(kind)


@blp.route("/targets/<kind>/sample.csv", methods=["GET"])
@requires("import")
@blp.response(200, content_type="text/csv")
@refusal(blp, 409, OFF)
def get_sample(kind: str) -> Response:
    """Download a sample file, whose columns are matched without help."""
    body = csv_of(importable_target(kind))
    headers = {"Content-Disposition": f'attachment; filename="{kind}-sample.csv"'}
    return Response(body, content_type="text/csv; charset=utf-8", headers=headers)
