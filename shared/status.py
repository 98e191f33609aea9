"""Active and inactive, with reason, who and when."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from shared.errors import ReasonMissing
from shared.history import Actor
from shared.records import Changes, apply_changes, changes_of


def change_status(session: Session, actor: Actor, record: Any, status: str, reason: str | None) -> Changes:
    """Make `record` active or inactive; return what changed, nothing where it stands so already.

    Raises ReasonMissing for inactive without a reason.
    """
    if status == "inactive" and not reason:
        raise ReasonMissing
    changes = changes_of(record, {"status": status, "status_reason": reason}, ("status", "status_reason"))
    if "status" not in changes and (status == "active" or not changes):
        return {}
    apply_changes(record, changes)
    record.status_at = record.updated_at = datetime.now(UTC)
    record.status_by, record.status_by_name = actor.id, actor.name
    session.flush()
    return changes
