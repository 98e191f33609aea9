"""The audit trail by API."""

from typing import Any

from services.portal.api.blueprint import blueprint
from services.portal.domain import audit
from services.portal.schemas import AuditOut, AuditQuery, place_by_time
from shared.db import read_only
from shared.web import encode_cursor, page_of, requires


@blueprint.route("/audit", methods=["GET"])
@requires("audit.view")
@blueprint.arguments(AuditQuery, location="query")
@blueprint.response(200, page_of(AuditOut))
def list_audit(query: dict[str, Any]) -> dict[str, Any]:
    """Return who did what, newest first."""
    limit = query["limit"]
    wanted = audit.AuditFilter(
        words=query["q"],
        action=query["action"],
        actor_id=query["actor_id"],
        subject_id=query["subject_id"],
        since=query["since"],
        before=query["before"],
    )
    with read_only() as session:
        found = audit.list_entries(session, wanted, limit + 1, place_by_time(query["cursor"]))
    items = found[:limit]
    more = len(found) > limit
    return {"items": items, "next": encode_cursor([items[-1].at.isoformat(), items[-1].id]) if more else None}
