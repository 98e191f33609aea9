"""Associates: add, read, edit, active or not, delete, bring back (A2)."""

import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from services.associates.domain.history import check_version, last_deletion, record_change
from services.associates.domain.link_ends import end_links_of_associate, reopen_links_of_associate
from services.associates.domain.records import DEFAULTS, FIELDS, keep_right
from services.associates.errors import AssociateNotFound
from services.associates.models import Associate, Outbox, code_sequence
from shared.codes import free_codes, one_code, with_free_code
from shared.db import uuid7
from shared.errors import NotDeleted
from shared.events.associates import AssociateDeleted, AssociateSaved, AssociateStatusChanged
from shared.history import Actor
from shared.keys import code_key
from shared.outbox import record
from shared.records import (
    EMPTY,
    ORIGIN_FIELDS,
    STATUS_FIELDS,
    apply_changes,
    changes_of,
    first_values,
    from_snapshot,
    snapshot,
)
from shared.status import change_status

ORIGIN = tuple(name for name in ORIGIN_FIELDS if name != "created_job")


def create_associate(session: Session, actor: Actor, values: Mapping[str, Any]) -> Associate:
    """Add an associate; without a code it gets the next automatic one (A10001, ...). Raises CodeTaken."""
    if values.get("code"):
        return _insert(session, actor, values)
    return with_free_code(
        lambda: free_codes(session, 1, "A", code_sequence, Associate.code_key)[0],
        lambda code: _insert(session, actor, {**values, "code": code}),
    )


def get_associate(session: Session, associate_id: uuid.UUID) -> Associate:
    """Return an associate or raise AssociateNotFound."""
    associate = session.get(Associate, associate_id)
    if associate is None:
        raise AssociateNotFound(associate_id)
    return associate


def find_by_code(session: Session, code: str) -> Associate | None:
    """Return the associate with this code, however it is written."""
    return session.scalars(select(Associate).where(Associate.code_key == code_key(code))).first()


def edit_associate(
    session: Session, actor: Actor, associate_id: uuid.UUID, values: Mapping[str, Any], seen: int | None
) -> Associate:
    """Change the given fields of an associate that was read at version `seen`.

    Raises AssociateNotFound, RecordChanged, CodeTaken.
    """
    associate = _locked(session, associate_id, seen)
    changes = changes_of(associate, values, FIELDS)
    if not changes:
        return associate
    with _one_code(session, str(values.get("code", associate.code))):
        apply_changes(associate, changes)
        keep_right(associate)
        associate.updated_at = datetime.now(UTC)
    record_change(session, actor, associate, "updated", changes)
    _tell(session, associate)
    return associate


def set_associate_status(
    session: Session, actor: Actor, associate_id: uuid.UUID, status: str, reason: str | None, seen: int | None = None
) -> Associate:
    """Make an associate active or inactive; inactive needs a reason. Its links stay; it gets no new ones.

    Raises AssociateNotFound, RecordChanged, ReasonMissing. Nothing happens where it stands so already.
    """
    associate = _locked(session, associate_id, seen)
    if changes := change_status(session, actor, associate, status, reason):
        record_change(session, actor, associate, "status", changes)
        _tell(session, associate)
        told = _told(actor, associate)
        record(session, Outbox, AssociateStatusChanged(active=status == "active", reason=reason or "", **told))
    return associate


def delete_associate(session: Session, actor: Actor, associate_id: uuid.UUID, seen: int | None) -> None:
    """Delete an associate, which ends its links; its history stays and holds what it takes to bring it back.

    Raises AssociateNotFound, RecordChanged.
    """
    associate = _locked(session, associate_id, seen)
    kept = snapshot(associate, (*FIELDS, *STATUS_FIELDS, *ORIGIN))
    record_change(session, actor, associate, "deleted", {name: [value, None] for name, value in kept.items()})
    end_links_of_associate(session, actor, associate_id)
    record(session, Outbox, AssociateDeleted(**_told(actor, associate)))
    session.delete(associate)
    session.flush()


def restore_associate(session: Session, actor: Actor, associate_id: uuid.UUID) -> Associate:
    """Bring a deleted associate back as it was, with the links that ended with it; its version goes on.

    Raises AssociateNotFound for one that was never deleted, NotDeleted for one that is there, CodeTaken when its code
    was given away meanwhile.
    """
    deletion = last_deletion(session, associate_id)
    if deletion is not None:  # whoever brings it back at this moment, too, waits here
        session.refresh(deletion, with_for_update=True)
    if session.get(Associate, associate_id) is not None:
        raise NotDeleted("associate")
    if deletion is None:
        raise AssociateNotFound(associate_id)
    associate = Associate(**from_snapshot({name: old for name, (old, _) in deletion.fields.items()}), id=associate_id)
    keep_right(associate)
    columns = {name: value for name, value in vars(associate).items() if not name.startswith("_")}
    with _one_code(session, associate.code):
        session.execute(insert(Associate).values(**columns, version=deletion.version + 1))
    associate = get_associate(session, associate_id)
    record_change(session, actor, associate, "restored", {})
    _tell(session, associate)
    reopen_links_of_associate(session, associate_id)
    return associate


def _insert(session: Session, actor: Actor, values: Mapping[str, Any]) -> Associate:
    associate = Associate(id=uuid7(), created_by=actor.id, created_by_name=actor.name)
    given = {field: values[field] for field in FIELDS if values.get(field) not in EMPTY}
    for field, value in given.items():
        setattr(associate, field, value)
    keep_right(associate)
    with _one_code(session, associate.code):
        session.add(associate)
    record_change(session, actor, associate, "created", first_values(given, DEFAULTS))
    session.refresh(associate)
    _tell(session, associate)
    return associate


def _locked(session: Session, associate_id: uuid.UUID, seen: int | None) -> Associate:
    associate = session.get(Associate, associate_id, with_for_update=True, populate_existing=True)
    if associate is None:
        raise AssociateNotFound(associate_id)
    check_version(session, associate, seen)
    return associate


def _one_code(session: Session, code: str) -> AbstractContextManager[None]:
    return one_code(session, "associate_code_key_key", lambda: find_by_code(session, code))


def _tell(session: Session, associate: Associate) -> None:
    event = AssociateSaved(
        associate_id=str(associate.id),
        code=associate.code,
        associate_name=associate.name,
        active=associate.status == "active",
        can_login=associate.can_login,
        email=associate.email,
    )
    record(session, Outbox, event)


def _told(actor: Actor, associate: Associate) -> dict[str, str]:
    return {
        "associate_id": str(associate.id),
        "code": associate.code,
        "associate_name": associate.name,
        "actor_id": str(actor.id),
        "actor_name": actor.name,
        "at": datetime.now(UTC).isoformat(),
        "ip": actor.ip,
    }
