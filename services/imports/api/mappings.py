"""Saved mappings: kept by name, found again by the columns of a file."""

import uuid
from typing import Any

from flask_smorest import Blueprint

from services.imports.caller import current_viewer, importable
from services.imports.domain import saved_mappings as domain
from services.imports.domain.mapping import Mapping
from services.imports.schemas import (
    SavedMappingEdit,
    SavedMappingIn,
    SavedMappingName,
    SavedMappingOut,
    SavedMappingPage,
    SavedMappingQuery,
)
from shared.db import read_only, unit_of_work
from shared.web import decode_cursor, encode_cursor, etag_of, idempotent, requires, seen_version
from shared.web.described import needs_version
from shared.web.paging import as_id, as_order

blp = Blueprint("mappings", __name__, description="Mappings kept by name.")
Values = dict[str, Any]


@blp.route("/mappings", methods=["GET"])
@requires("import")
@blp.arguments(SavedMappingQuery, location="query")
@blp.response(200, SavedMappingPage)
def list_mappings(query: Values) -> Values:
    """List saved mappings by name; `name` finds the one that is called so."""
    after = _place(query["cursor"]) if query["cursor"] else None
    with read_only() as session:
        found = domain.list_mappings(
            session, current_viewer(), query["kind"], name=query["name"], after=after, limit=query["limit"] + 1
        )
    items = found[: query["limit"]]
    return {"items": items, "next": encode_cursor([items[-1].name, items[-1].id]) if len(found) > len(items) else None}


@blp.route("/mappings", methods=["POST"])
@requires("import")
@idempotent
@blp.arguments(SavedMappingIn)
@blp.response(201, SavedMappingOut)
@blp.alt_response(409, description="`mapping_name_taken`; `partner_management_off`.")
def save_mapping(values: Values) -> tuple[Any, Values]:
    """Keep a mapping under a name. A file with the same columns is matched by it from then on."""
    importable(values["kind"])
    with unit_of_work() as session:
        saved = domain.save_mapping(
            session, current_viewer(), values["kind"], values["name"], values["header"], _stored(values["mapping"])
        )
    return saved, {"Location": f"/api/imports/v1/mappings/{saved.id}", "ETag": etag_of(saved.version)}


@blp.route("/mappings/<uuid:mapping_id>", methods=["GET"])
@requires("import")
@blp.response(200, SavedMappingOut)
def get_mapping(mapping_id: uuid.UUID) -> tuple[Any, Values]:
    """Read a saved mapping."""
    with read_only() as session:
        saved = domain.get_mapping(session, current_viewer(), mapping_id)
    return saved, {"ETag": etag_of(saved.version)}


@blp.route("/mappings/<uuid:mapping_id>", methods=["PUT"])
@requires("import")
@needs_version(blp)
@blp.arguments(SavedMappingEdit)
@blp.response(200, SavedMappingOut)
@blp.alt_response(409, description="`mapping_name_taken`; `partner_management_off`.")
def change_mapping(values: Values, mapping_id: uuid.UUID) -> tuple[Any, Values]:
    """Change a saved mapping."""
    seen = seen_version()
    with unit_of_work() as session:
        saved = domain.change_mapping(
            session,
            current_viewer(),
            mapping_id,
            seen,
            name=values["name"],
            header=values["header"],
            mapping=_stored(values["mapping"]),
        )
    return saved, {"ETag": etag_of(saved.version)}


@blp.route("/mappings/<uuid:mapping_id>", methods=["PATCH"])
@requires("import")
@needs_version(blp)
@blp.arguments(SavedMappingName)
@blp.response(200, SavedMappingOut)
@blp.alt_response(409, description="`mapping_name_taken`.")
def rename_mapping(values: Values, mapping_id: uuid.UUID) -> tuple[Any, Values]:
    """Rename a saved mapping."""
    seen = seen_version()
    with unit_of_work() as session:
        saved = domain.rename_mapping(session, current_viewer(), mapping_id, seen, values["name"])
    return saved, {"ETag": etag_of(saved.version)}


@blp.route("/mappings/<uuid:mapping_id>", methods=["DELETE"])
@requires("import")
@needs_version(blp)
@blp.response(204)
def delete_mapping(mapping_id: uuid.UUID) -> None:
    """Forget a saved mapping."""
    seen = seen_version()
    with unit_of_work() as session:
        domain.delete_mapping(session, current_viewer(), mapping_id, seen)


def _place(cursor: str) -> tuple[str, uuid.UUID]:
    name, last = decode_cursor(cursor, 2)
    return as_order(name), as_id(last)


def _stored(values: Values) -> Values:
    return Mapping.from_json(values).to_json()
