"""Events of other services: what belongs into the audit trail, as recorded there, and which associates may come in."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from services.portal.domain import audit, ties
from services.portal.domain.actor import Actor
from shared.events.associates import (
    AssociateDeleted,
    AssociateSaved,
    AssociatesRemoved,
    AssociatesSaved,
    AssociateStatusChanged,
)
from shared.events.customers import AccountDeleted, AccountStatusChanged, ContactStatusChanged
from shared.events.imports import ExportTaken, JobFinished
from shared.feed import Handler
from shared.ui.wording import plural


def _actor(payload: dict[str, Any]) -> Actor:
    actor_id = payload["actor_id"]
    return Actor(uuid.UUID(actor_id) if actor_id else None, payload["actor_name"], ip=payload.get("ip", ""))


def _at(payload: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(payload["at"])


def note_account_status(session: Session, event: dict[str, Any]) -> None:
    """An account became active or inactive."""
    payload = event["payload"]
    action = "account_activated" if payload["active"] else "account_deactivated"
    subject = audit.Subject("account", uuid.UUID(payload["account_id"]), payload["account_name"])
    details = {"code": payload["code"], "reason": payload["reason"]}
    audit.note(session, action, _actor(payload), subject, details, _at(payload))


def note_contact_status(session: Session, event: dict[str, Any]) -> None:
    """A contact became active or inactive."""
    payload = event["payload"]
    action = "contact_activated" if payload["active"] else "contact_deactivated"
    subject = audit.Subject("contact", uuid.UUID(payload["contact_id"]), payload["contact_name"])
    details = {"account": payload["account_name"], "reason": payload["reason"]}
    audit.note(session, action, _actor(payload), subject, details, _at(payload))


def note_account_deleted(session: Session, event: dict[str, Any]) -> None:
    """An account was deleted."""
    payload = event["payload"]
    subject = audit.Subject("account", uuid.UUID(payload["account_id"]), payload["account_name"])
    audit.note(session, "account_deleted", _actor(payload), subject, {"code": payload["code"]}, _at(payload))


def note_job(session: Session, event: dict[str, Any]) -> None:
    """A job came to its end: an import, an export, a mass assignment, or the undoing of one."""
    payload = event["payload"]
    if payload["what"] == "export":
        _note_export(session, payload)
        return
    subject = audit.Subject("job", uuid.UUID(payload["job_id"]), payload["file_name"] or payload["kind"])
    details = {
        "job": f"{payload['what']} of {payload['kind']}",
        "state": payload["state"].replace("_", " "),
        "counts": payload["counts"],
    }
    audit.note(session, "job_finished", _actor(payload), subject, details, _at(payload))


def _note_export(session: Session, payload: dict[str, Any]) -> None:
    ended = {"completed": "exported", "cancelled": "export_stopped"}.get(payload["state"], "export_failed")
    subject = audit.Subject("export", uuid.UUID(payload["job_id"]), _rows(payload["counts"]["rows"], payload["kind"]))
    details = {"file": payload["file_name"], **payload.get("about", {})}
    audit.note(session, ended, _actor(payload), subject, details, _at(payload))


def note_export_taken(session: Session, event: dict[str, Any]) -> None:
    """Somebody downloaded the file of an export."""
    payload = event["payload"]
    subject = audit.Subject("export", uuid.UUID(payload["export_id"]), _rows(payload["rows"], payload["kind"]))
    asked_by = {} if payload["owner_name"] == payload["actor_name"] else {"asked for by": payload["owner_name"]}
    details = {"file": payload["file_name"], **asked_by}
    audit.note(session, "export_taken", _actor(payload), subject, details, _at(payload))


def _rows(count: int, kind: str) -> str:
    return plural(count, kind.removesuffix("s"), kind)


def note_associate_status(session: Session, event: dict[str, Any]) -> None:
    """An associate became active or inactive."""
    payload = event["payload"]
    action = "associate_activated" if payload["active"] else "associate_deactivated"
    subject = audit.Subject("associate", uuid.UUID(payload["associate_id"]), payload["associate_name"])
    details = {"code": payload["code"], "reason": payload["reason"]}
    audit.note(session, action, _actor(payload), subject, details, _at(payload))


def keep_associate(session: Session, event: dict[str, Any]) -> None:
    """An associate was added or changed: perhaps its users may come in, or no longer."""
    payload = event["payload"]
    facts = ties.AssociateFacts(payload["code"], payload["associate_name"], payload.get("can_login", False))
    ties.keep_associates(session, {uuid.UUID(payload["associate_id"]): facts})


def keep_associates(session: Session, event: dict[str, Any]) -> None:
    """An import added or changed associates."""
    told = event["payload"]["associates"]
    facts = {uuid.UUID(one): ties.AssociateFacts(code, name, can_login) for one, code, name, _, can_login, *_ in told}
    ties.keep_associates(session, facts)


def forget_associates(session: Session, event: dict[str, Any]) -> None:
    """Associates of an import are gone with it; that it was taken back stands in the audit trail as a job."""
    ties.forget_associates(session, [uuid.UUID(one) for one, *_ in event["payload"]["associates"]])


def note_associate_deleted(session: Session, event: dict[str, Any]) -> None:
    """An associate was deleted."""
    payload = event["payload"]
    ties.forget_associates(session, [uuid.UUID(payload["associate_id"])])
    subject = audit.Subject("associate", uuid.UUID(payload["associate_id"]), payload["associate_name"])
    audit.note(session, "associate_deleted", _actor(payload), subject, {"code": payload["code"]}, _at(payload))


FEEDS: dict[str, dict[str, Handler]] = {
    "customers": {
        AccountStatusChanged.name: note_account_status,
        ContactStatusChanged.name: note_contact_status,
        AccountDeleted.name: note_account_deleted,
    },
    "associates": {
        AssociateSaved.name: keep_associate,
        AssociatesSaved.name: keep_associates,
        AssociateStatusChanged.name: note_associate_status,
        AssociateDeleted.name: note_associate_deleted,
        AssociatesRemoved.name: forget_associates,
    },
    "imports": {
        JobFinished.name: note_job,
        ExportTaken.name: note_export_taken,
    },
}
