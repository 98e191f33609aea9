"""Exports: the question what to take out and how, the list, how far one is, and its file."""

import uuid
from typing import Any

from flask import Blueprint, Response, render_template, request

from services.imports.caller import current_viewer
from services.imports.domain import exports as domain
from services.imports.domain.export_owners import ExportTarget
from services.imports.domain.export_progress import export_progress
from services.imports.domain.exports import Wish
from services.imports.exporting import ask_for, take, target_of
from services.imports.stream import events_of
from shared.db import read_only, unit_of_work
from shared.web import encode_cursor, go_to, id_place, is_htmx, requires

blueprint = Blueprint("exports", __name__, url_prefix="/exports")

PAGE = 20
FILTER = "filter."
DELIMITERS = [(",", "Comma (,)"), (";", "Semicolon (;)"), ("\t", "Tab")]


@blueprint.get("")
@requires("export", "jobs.all")
def list_exports() -> str:
    """Show the exports, the newest first."""
    cursor = request.args.get("cursor") or None
    found = exports_shown(PAGE, id_place(cursor))
    wants_list = is_htmx() and request.headers.get("HX-Target", "").endswith("export-list")
    return render_template(f"imports/exports/{'list' if wants_list else 'index'}.html", cursor=cursor, **found)


@blueprint.get("/new/<kind>")
@requires("export")
def ask(kind: str) -> str:
    """Ask which columns, and how they are written; the filter is that of the list from which this was opened."""
    target = target_of(kind)
    with read_only() as session:
        last = domain.last_wish(session, current_viewer(), kind)
    known = {column.name for column in target.columns}
    columns = [name for name in last.columns if name in known] if last and "usual" not in request.args else []
    return render_template(
        "imports/exports/ask.html",
        target=target,
        filter={name: request.args[name] for name in target.filters if request.args.get(name)},
        chosen=columns or target.defaults,
        last=last or Wish(kind),
        delimiters=DELIMITERS,
    )


@blueprint.post("/new/<kind>")
@requires("export")
def create(kind: str) -> Response:
    """Have the list written to a file."""
    target = target_of(kind)
    form = request.form
    wish = Wish(
        kind,
        {name: form[f"{FILTER}{name}"][:200] for name in target.filters if form.get(f"{FILTER}{name}")},
        _columns(target, form.getlist("column")),
        form.get("delimiter", "") if form.get("delimiter") in dict(DELIMITERS) else ",",
        "bom" in form,
    )
    return go_to(f"/imports/exports/{ask_for(wish).id}")


@blueprint.post("/<uuid:export_id>/again")
@requires("export")
def again(export_id: uuid.UUID) -> Response:
    """Export the same list once more, as it is now."""
    with read_only() as session:
        export = domain.get_export(session, current_viewer(), export_id)
    return go_to(f"/imports/exports/{ask_for(domain.wish_of(export)).id}")


@blueprint.get("/<uuid:export_id>")
@requires("export", "jobs.all")
def show(export_id: uuid.UUID) -> str:
    """Show an export: how far it is, then its file."""
    return _rendered("imports/exports/export.html", export_id)


@blueprint.get("/<uuid:export_id>/menu")
@requires("export", "jobs.all")
def menu(export_id: uuid.UUID) -> str:
    """Show what can be done with an export."""
    return _rendered("imports/exports/menu.html", export_id)


@blueprint.get("/<uuid:export_id>/cancel")
@requires("export", "jobs.all")
def confirm_cancel(export_id: uuid.UUID) -> str:
    """Ask before an export is stopped."""
    return _rendered("imports/exports/cancel.html", export_id)


@blueprint.post("/<uuid:export_id>/cancel")
@requires("export", "jobs.all")
def cancel(export_id: uuid.UUID) -> Response:
    """Stop an export."""
    with unit_of_work() as session:
        domain.cancel_export(session, current_viewer(), export_id)
    return go_to(f"/imports/exports/{export_id}", "The export was stopped.")


@blueprint.get("/<uuid:export_id>/file")
@requires("export")
def file(export_id: uuid.UUID) -> Response:
    """Give out the file."""
    return take(export_id)


@blueprint.get("/<uuid:export_id>/events")
@requires("export", "jobs.all")
def events(export_id: uuid.UUID) -> Response:
    """Send how far the export is, as it goes on (server-sent events)."""
    viewer = current_viewer()
    return events_of(
        lambda session: export_progress(domain.get_export(session, viewer, export_id)),
        lambda progress: render_template("imports/exports/progress.html", progress=progress),
    )


def exports_shown(limit: int, after: uuid.UUID | None = None) -> dict[str, Any]:
    """Return what the list of exports shows, for the page and for the home page."""
    with read_only() as session:
        found = domain.list_exports(session, current_viewer(), after=after, limit=limit + 1)
    exports = found[:limit]
    progress = {export.id: export_progress(export) for export in exports}
    return {
        "exports": exports,
        "export_progress": progress,
        "is_live": not all(one.final for one in progress.values()),
        "next": encode_cursor([exports[-1].id]) if len(found) > limit else None,
    }


def _columns(target: ExportTarget, chosen: list[str]) -> list[str]:
    """Return the ticked columns in the target's order; none for the usual ones, which may become more one day."""
    columns = [column.name for column in target.columns if column.name in chosen]
    return [] if columns == target.defaults else columns


def _rendered(template: str, export_id: uuid.UUID) -> str:
    with read_only() as session:
        export = domain.get_export(session, current_viewer(), export_id)
    return render_template(template, export=export, progress=export_progress(export))
