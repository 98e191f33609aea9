"""Saved matchings: another name, or none at all."""

import uuid

from flask import Blueprint, Response, make_response, render_template, request

from services.imports.caller import current_viewer
from services.imports.domain import saved_mappings as domain
from services.imports.errors import MappingNameTaken
from shared.db import read_only, unit_of_work
from shared.web import go_to, requires

blueprint = Blueprint("saved_mappings", __name__)

MAX_NAME = 100


@blueprint.get("/mappings/<uuid:mapping_id>/rename")
@requires("import")
def ask_name(mapping_id: uuid.UUID) -> str:
    """Ask for another name."""
    return _form(mapping_id)


@blueprint.post("/mappings/<uuid:mapping_id>/rename")
@requires("import")
def rename(mapping_id: uuid.UUID) -> Response:
    """Give a saved matching another name."""
    name = request.form.get("name", "").strip()[:MAX_NAME]
    if not name:
        return make_response(_form(mapping_id, {"name": ["Give it a name."]}), 422)
    try:
        with unit_of_work() as session:
            domain.rename_mapping(session, current_viewer(), mapping_id, seen_in_form() or 0, name)
    except MappingNameTaken as refusal:
        return make_response(_form(mapping_id, refusal.fields), refusal.status)
    return go_to(_back(), "The saved matching was renamed.")


@blueprint.post("/mappings/<uuid:mapping_id>/delete")
@requires("import")
def forget(mapping_id: uuid.UUID) -> Response:
    """Forget a saved matching."""
    with unit_of_work() as session:
        domain.delete_mapping(session, current_viewer(), mapping_id, seen_in_form() or 0)
    return go_to(_back(), "The saved matching was deleted.")


def seen_in_form() -> int | None:
    """Return the version that the form shows."""
    version = request.form.get("version", "")
    return int(version) if version.isdigit() else None


def _form(mapping_id: uuid.UUID, errors: dict[str, list[str]] | None = None) -> str:
    with read_only() as session:
        saved = domain.get_mapping(session, current_viewer(), mapping_id)
    name = request.form.get("name", saved.name)
    return render_template(
        "imports/mapping_rename.html", saved=saved, name=name, errors=errors or {}, back=request.values.get("back", "")
    )


def _back() -> str:
    back = request.form.get("back", "")
    return back if back.startswith("/imports/") else "/imports"
