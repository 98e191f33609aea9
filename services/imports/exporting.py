"""Asking for an export and taking its file, for the API and the screens alike."""

import uuid
from typing import Any

from flask import Response, current_app

from services.imports.caller import current_viewer
from services.imports.domain import exports
from services.imports.domain.export_owners import ExportOwners, ExportTarget
from services.imports.domain.exports import Wish
from services.imports.downloads import export_file_response
from services.imports.wakeups import wake_writer
from shared.db import after_commit, read_only, unit_of_work
from shared.errors import Forbidden
from shared.web import client_ip, current_identity
from shared.web.features import PARTNER_MANAGEMENT, must_be_on


def target_of(kind: str) -> ExportTarget:
    """Return what an export of this kind may contain; raise Forbidden for who may not see such records."""
    target = _owners().of(kind).target()
    if not current_identity().may(target.permission):
        raise Forbidden(f"You may not see {target.label.lower()}, so you cannot export them.")
    return target


def take(export_id: uuid.UUID) -> Response:
    """Give out the file of an export, and note who took it; raise Forbidden for who may not see such records."""
    viewer = current_viewer()
    with read_only() as session:
        kind = exports.get_export(session, viewer, export_id).kind
    target_of(kind)
    with unit_of_work() as session:
        export = exports.take_file(session, viewer, export_id, client_ip())
    return export_file_response(current_app.extensions["liaison.storage"], export)


def ask_for(wish: Wish) -> Any:
    """Check the wish of the person who asks, note it, and have it done; return the export. Raise ExportRefused."""
    must_be_on(PARTNER_MANAGEMENT, wish.filter.get("associate"), wish.filter.get("associate_role"))
    target_of(wish.kind)
    _owners().of(wish.kind).check(wish)
    with unit_of_work() as session:
        export = exports.create_export(session, current_viewer(), wish, client_ip())
        after_commit(session, lambda: wake_writer(export.id, export.queue))
    return export


def _owners() -> ExportOwners:
    found: ExportOwners = current_app.extensions["imports.export_owners"]
    return found
