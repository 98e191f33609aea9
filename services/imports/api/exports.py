"""Exports: ask for one, look how far it is, take its file."""

import uuid
from typing import Any

from flask import Response, current_app
from flask_smorest import Blueprint

from services.imports.caller import current_viewer
from services.imports.domain import exports as domain
from services.imports.domain.export_progress import export_progress
from services.imports.domain.exports import Wish
from services.imports.exporting import ask_for, take, target_of
from services.imports.schemas import ExportIn, ExportOut, ExportPage, ExportQuery, ExportTargetOut, ExportTargetsOut
from services.imports.stream import events_of
from shared.db import read_only, unit_of_work
from shared.web import encode_cursor, id_place, idempotent, requires
from shared.web.described import IDEMPOTENCY_KEY, refusal

blp = Blueprint("exports", __name__, description="Lists taken out as files.")
Values = dict[str, Any]
_PLAIN = (
    "id", "kind", "filter", "columns", "delimiter", "bom", "state", "file_name", "file_size", "expires_at",
    "created_at", "started_at", "finished_at",
)  # fmt: skip


def shown(export: Any) -> Values:
    """Return an export with its progress, for `ExportOut`."""
    progress = export_progress(export)
    return {
        **{name: getattr(export, name) for name in _PLAIN},
        "progress": progress.to_json(),
        "failure": {"code": export.failure_code, "sentence": export.failure} if export.failure_code else None,
        "file": f"/api/imports/v1/exports/{export.id}/file" if progress.ready else None,
        "created_by": {"id": export.created_by, "name": export.created_by_name},
    }


@blp.route("/export-targets", methods=["GET"])
@requires("export")
@blp.response(200, ExportTargetsOut)
def list_export_targets() -> Values:
    """List what can be exported, with the columns and filters that there are."""
    owners = current_app.extensions["imports.export_owners"]
    return {"items": [owners.of(kind).target() for kind in owners.kinds]}


@blp.route("/export-targets/<kind>", methods=["GET"])
@requires("export")
@blp.response(200, ExportTargetOut)
def get_export_target(kind: str) -> Any:
    """Read what an export of this kind may contain."""
    return target_of(kind)


@blp.route("/exports", methods=["POST"])
@requires("export")
@idempotent
@blp.doc(parameters=[IDEMPOTENCY_KEY])
@blp.arguments(ExportIn)
@blp.response(202, ExportOut, description="The new export; `Location` in the headers.")
@refusal(blp, 404, "`unknown_kind`: nothing of this kind can be exported.")
@refusal(blp, 422, "`export_refused`: `errors` names each column, filter or value that there is not.")
def create_export(values: Values) -> tuple[Values, Values]:
    """Ask for all that a list shows as a CSV file.

    It is written by a worker; look at the export until `progress.ready`, then take its `file`, within 24 hours. Cells
    that a spreadsheet would run are defused by an apostrophe; an import of the file takes them off again.
    """
    export = ask_for(Wish(**values))
    return shown(export), {"Location": f"/api/imports/v1/exports/{export.id}"}


@blp.route("/exports", methods=["GET"])
@requires("export", "jobs.all")
@blp.arguments(ExportQuery, location="query")
@blp.response(200, ExportPage)
def list_exports(query: Values) -> Values:
    """List exports, the newest first: your own, and with the permission `jobs.all` everybody's."""
    after = id_place(query["cursor"])
    with read_only() as session:
        found = domain.list_exports(
            session, current_viewer(), mine=query["mine"], after=after, limit=query["limit"] + 1
        )
    items = found[: query["limit"]]
    return {
        "items": [shown(export) for export in items],
        "next": encode_cursor([items[-1].id]) if len(found) > len(items) else None,
    }


@blp.route("/exports/<uuid:export_id>", methods=["GET"])
@requires("export", "jobs.all")
@blp.response(200, ExportOut)
def get_export(export_id: uuid.UUID) -> Values:
    """Read an export, with how far it is."""
    with read_only() as session:
        return shown(domain.get_export(session, current_viewer(), export_id))


@blp.route("/exports/<uuid:export_id>/cancel", methods=["POST"])
@requires("export", "jobs.all")
@blp.response(200, ExportOut)
@refusal(blp, 409, "`export_ended`.")
def cancel_export(export_id: uuid.UUID) -> Values:
    """Stop an export; there will be no file."""
    with unit_of_work() as session:
        return shown(domain.cancel_export(session, current_viewer(), export_id))


@blp.route("/exports/<uuid:export_id>/file", methods=["GET"])
@requires("export")
@blp.response(200, content_type="text/csv", description="The file.")
@refusal(blp, 409, "`export_not_ready`: it is still being written, or never will be.")
@refusal(blp, 410, "`export_expired`: the file was kept for 24 hours and is gone.")
def get_export_file(export_id: uuid.UUID) -> Response:
    """Take the file of an export."""
    return take(export_id)


@blp.route("/exports/<uuid:export_id>/events", methods=["GET"])
@requires("export", "jobs.all")
@blp.response(200, content_type="text/event-stream", description="`progress` events, then `end`.")
def watch_export(export_id: uuid.UUID) -> Response:
    """Watch an export as it goes (server-sent events): `progress` with JSON on each change, `end` when it is over."""
    viewer = current_viewer()
    return events_of(lambda session: export_progress(domain.get_export(session, viewer, export_id)))
