"""Taking back what a chunk of users did (I10): whom it added goes, what it changed gets back what it had.

A user who has signed in, got a password or was changed since stays, and is listed with the reason.
"""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.portal.bulk.people import IMAGE, Image, acting, image_of
from services.portal.domain import users
from services.portal.models import AuditEntry, ImportedUser, User
from shared.bulk import Kept, UndoResult
from shared.errors import DomainError
from shared.importing.job import UndoJob

NEEDED = frozenset({"undo", "users.manage"})
EDITS = ("user_edited", "roles_changed", "user_activated", "user_deactivated", "password_set")


def undo_users(session: Session, job: UndoJob) -> UndoResult:
    """Take back what a chunk did; say who was removed, who got back what they had, and who stays and why."""
    return Undo(session, job).apply()


class Undo:
    """One try at a chunk, user by user in the order of ids, so that two of them do not wait for each other."""

    def __init__(self, session: Session, job: UndoJob) -> None:
        self.session = session
        self.job = job
        self.actor = acting(session, job.actor_id, job.actor_name, f"undo of the import of {job.file_name}")
        self.result = UndoResult()

    def apply(self) -> UndoResult:
        """Take back what can be; return the counts."""
        images = self.session.scalars(
            select(ImportedUser)
            .where(ImportedUser.job_id == self.job.id, ImportedUser.chunk_no == self.job.chunk_no)
            .order_by(ImportedUser.user_id)
        )
        for image in images.all():
            user = self.session.get(User, image.user_id, with_for_update=True, populate_existing=True)
            if user is None:
                self.result.gone += 1
                continue
            before = len(self.result.left)
            did = self._restore(user, image) if image.before else self._remove(user, image.after)
            if len(self.result.left) > before:
                self.result.kept += 1
            elif did:
                setattr(self.result, did, getattr(self.result, did) + 1)
        return self.result

    def _remove(self, user: User, after: Image) -> str:
        if user.last_sign_in_at is not None:
            self._keep(user, None, "signed_in", f"{user.name} has signed in since.")
        elif image_of(user) != after:
            self._keep(user, None, "changed", f"{self._who(user)} changed this user since.")
        elif user.has_password:
            self._keep(user, None, "password_set", f"{self._who(user)} set a password for this user since.")
        elif self._does(user, None, lambda: users.remove_user(self.session, self.actor, user)):
            return "removed"
        return ""

    def _restore(self, user: User, image: ImportedUser) -> str:
        now, old, after = image_of(user), image.before or {}, image.after
        changed = [name for name in IMAGE if old[name] != after[name] and now[name] != old[name]]
        back = {name: _value(name, old[name]) for name in changed if now[name] == after[name]}
        for name in changed:
            if name not in back:
                self._keep(user, name, "changed", f"{self._who(user)} changed it since.")
        own = user.id == self.actor.user_id and {"kind", "roles", "active"} & back.keys()
        if own:
            self._keep(user, min(own), "not_yourself", "An undo does not change your own rights.")
            return ""
        if back and self._does(user, next(iter(back)), lambda: self._give_back(user, back)):
            return "restored"
        return ""

    def _give_back(self, user: User, values: Image) -> None:
        users.edit_user(self.session, self.actor, user.id, user.version, _named(values))

    def _does(self, user: User, field: str | None, change: Any) -> bool:
        """Do what the screen could do, too; keep what it would refuse."""
        if not self.actor.permissions >= NEEDED:
            self._keep(user, field, "not_permitted", f"{self.actor.name} may not manage users any more.")
            return False
        try:
            with self.session.begin_nested():
                change()
        except DomainError as refusal:
            self._keep(user, field, refusal.code, refusal.sentence)
            return False
        return True

    def _keep(self, user: User, field: str | None, reason: str, message: str) -> None:
        label = f"{user.name} ({user.username})"
        self.result.left.append(Kept("user", label, f"/settings/users/{user.id}", field, reason, message))

    def _who(self, user: User) -> str:
        entry = self.session.scalars(
            select(AuditEntry)
            .where(AuditEntry.subject_id == user.id, AuditEntry.action.in_(EDITS))
            .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
            .limit(1)
        ).first()
        if entry is None:
            return "Somebody"
        return f"Another import by {entry.actor_name}" if entry.details.get("by") else entry.actor_name


def _value(name: str, value: Any) -> Any:
    if name == "roles":
        return {uuid.UUID(one) for one in value}
    return uuid.UUID(value) if name == "associate" and value else value


def _named(values: Image) -> dict[str, Any]:
    return {"associate_id" if name == "associate" else name: value for name, value in values.items()}
