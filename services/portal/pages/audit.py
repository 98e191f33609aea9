"""Settings, Audit: who did what, when, from where (X3)."""

from flask import Blueprint, render_template, request

from services.portal.domain import audit
from services.portal.schemas import AuditQuery, load_form, place_by_time
from shared.db import read_only
from shared.web import encode_cursor, is_htmx, requires

blueprint = Blueprint("audit", __name__)
PAGE = 50


@blueprint.get("/settings/audit")
@requires("audit.view")
def list_audit() -> str:
    """Show the entries, newest first."""
    query = load_form(AuditQuery(only=("q", "action", "subject_id", "cursor")), request.args.to_dict())
    wanted = audit.AuditFilter(words=query["q"], action=query["action"], subject_id=query["subject_id"])
    with read_only() as session:
        found = audit.list_entries(session, wanted, PAGE + 1, place_by_time(query["cursor"]))
        about = audit.AuditFilter(subject_id=query["subject_id"])
        newest = audit.list_entries(session, about, 1) if about.subject_id else []
    items = found[:PAGE]
    more = encode_cursor([items[-1].at.isoformat(), items[-1].id]) if len(found) > PAGE else None
    is_part = is_htmx() and request.headers.get("HX-Request-Type") != "full"
    return render_template(
        "portal/audit_list.html" if is_part else "portal/audit.html",
        entries=items,
        query=query,
        subject=newest[0].subject_name if newest else "",
        next=more,
        actions=audit.ACTIONS,
        sentences=audit.SENTENCES,
    )
