"""A new import: how the file must be, a sample, and taking it in."""

from flask import Blueprint, Response, jsonify, render_template, request

from services.imports.caller import importable_target
from services.imports.domain.mapping import MAX_CONSTANT
from services.imports.domain.sample import csv_of
from services.imports.uploading import most_bytes, receive_upload
from shared.errors import DomainError
from shared.web import requires

blueprint = Blueprint("uploads", __name__)


@blueprint.get("/new/<kind>")
@requires("import")
def how_to(kind: str) -> str:
    """Show how a file of this kind must be, field by field."""
    target = importable_target(kind)
    known = {name: value for name, value in request.args.items() if name in target.by_name and value.strip()}
    return render_template("imports/new.html", target=target, known=known, most_bytes=most_bytes())


@blueprint.get("/new/<kind>/sample.csv")
@requires("import")
def sample(kind: str) -> Response:
    """Give out a sample file, whose columns are matched without help."""
    body = csv_of(importable_target(kind))
    headers = {"Content-Disposition": f'attachment; filename="{kind}-sample.csv"'}
    return Response(body, content_type="text/csv; charset=utf-8", headers=headers)


@blueprint.post("/files")
@requires("import")
def upload() -> Response:
    """Take in a file (`shared/ui/static/upload.js` sends it as the body) and say where its screen is."""
    try:
        job = receive_upload(request.args.get("kind", ""), constants=_constants())
    except DomainError as refusal:
        response = jsonify(code=refusal.code, detail=refusal.sentence)
        response.status_code = refusal.status
        return response
    response = jsonify(location=f"/imports/{job.id}")
    response.status_code = 201
    return response


def _constants() -> dict[str, str]:
    """Return what the page knew before there was a file: `constant.<field>=<value>`."""
    told = {name[9:]: value.strip() for name, value in request.args.items() if name.startswith("constant.")}
    return {name: value for name, value in told.items() if value and len(name + value) <= MAX_CONSTANT}
