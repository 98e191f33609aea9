"""Applying a chunk of users, or telling what would become of it: each row as the screen would save it."""

import uuid
from collections import Counter
from typing import Any

from sqlalchemy.orm import Session

from services.portal.bulk.people import Directory, Image, acting, image_of
from services.portal.bulk.rows import CheckedRows, Row
from services.portal.bulk.target import LABELS
from services.portal.domain import switches, users
from services.portal.domain.switches import PARTNER_MANAGEMENT
from services.portal.errors import UsernameTaken
from services.portal.models import ImportedUser, TiedAssociate, User
from shared.bulk import ChunkResult, Refusal
from shared.errors import DomainError
from shared.forecast import Forecast
from shared.importing.job import ImportJob
from shared.importing.refused import RowRefused, fits_several
from shared.keys import code_key, email_key

NEEDED = frozenset({"import", "users.manage"})
OWN_RIGHTS = ("kind", "roles", "active")
CLEARED = ("email", "code")
COLUMN_OF = {"associate_id": "associate", "beyond_your_permissions": "roles", "not_yourself": "active"}

# What became of a row, the user, and what it was before and after.
Change = tuple[str, User | None, Image, Image]
SKIPPED: Change = ("skipped", None, {}, {})


def apply_rows(session: Session, job: ImportJob, checked: CheckedRows) -> ChunkResult:
    """Save the users of a chunk and say what became of each row. Commits nothing."""
    return UsersChunk(session, job, checked).apply()


def dry_run_rows(session: Session, job: ImportJob, checked: CheckedRows) -> dict[str, Any]:
    """Return what `apply_rows` would answer, with what would change and a few rows.

    The chunk is applied and all of it taken back: only so the rules of the screen tell what they would refuse.
    """
    savepoint = session.begin_nested()
    try:
        chunk = UsersChunk(session, job, checked)
        return chunk.forecast.answer(chunk.apply(), chunk.rows)
    finally:
        savepoint.rollback()
        session.info.pop("after_commit", None)


class UsersChunk:
    """One try at a chunk, row by row in the order of keys, so that two imports of the same users do not deadlock."""

    def __init__(self, session: Session, job: ImportJob, checked: CheckedRows) -> None:
        self.session = session
        self.job = job
        self.mapped = checked.mapped
        self.actor = acting(session, job.actor_id, job.actor_name, f"import of {job.file_name}")
        self.rows = sorted(checked.rows, key=lambda row: (self._key(row), row["_row"]))
        self.known = Directory(session, job.match, filter(None, map(self._key, self.rows)))
        self.result = ChunkResult(refusals=list(checked.refusals), fields=Counter())
        self.forecast = Forecast(every_row=job.every_row)
        self.seen: set[str] = set()
        self.images: dict[Any, ImportedUser] = {}

    def apply(self) -> ChunkResult:
        """Save what is to be saved; return the counts."""
        for row in self.rows:
            try:
                change = self._try(row)
            except RowRefused as refused:
                self.result.refusals.append(refused.refusal_of(row, LABELS))
            except DomainError as error:
                self.result.refusals.append(_refusal(row, error))
            else:
                self._count(row, *change)
        self.result.failed = len(self.result.refusals)
        self.result.refusals.sort(key=lambda refusal: refusal.row)
        self.session.add_all(self.images.values())
        self.session.flush()
        return self.result

    def _try(self, row: Row) -> Change:
        """Apply a row, or nothing of it; a user whom somebody else added meanwhile is one that is there."""
        try:
            with self.session.begin_nested():
                return self._apply(row)
        except UsernameTaken:
            if self.job.match != "username" or not self.known.look_again(self._key(row)):
                raise
        with self.session.begin_nested():
            return self._apply(row)

    def _key(self, row: Row) -> str:
        if self.job.match == "email":
            return email_key(row["email"] or "")
        return code_key(row["username"] or row["email"] or "")

    def _apply(self, row: Row) -> Change:
        """Return what became of a row, the user, and what it was before and after."""
        if not self.actor.permissions >= NEEDED:
            raise RowRefused(None, "not_permitted", f"{self.actor.name} may not import users any more.")
        key = self._key(row)
        if not key:
            raise RowRefused(self.job.match, f"{self.job.match}_required", "Needed to find the user.")
        if key in self.seen and self.job.repeated == "refuse":
            raise RowRefused(self.job.match, "repeated_key", "Stands in the file twice.")
        found = self.known.find(key)
        if len(found) > 1:
            names = (users.get_user(self.session, one).username for one in found)
            raise RowRefused(self.job.match, "ambiguous_match", fits_several("users", names))
        if not found:
            return SKIPPED if self.job.mode == "update" else self._create(row)
        return SKIPPED if self.job.mode == "create" else self._update(next(iter(found)), row, key)

    def _create(self, row: Row) -> Change:
        username = row["username"] or row["email"]
        if username is None:
            raise RowRefused("username", "username_required", "A new user needs a username or an e-mail address.")
        if len(username) > 100:
            raise RowRefused("username", "username_required", "The e-mail address is too long to be the username, too.")
        if row["name"] is None:
            raise RowRefused("name", "name_required", "A new user needs a name.")
        values = {name: value for name, value in self._values(row).items() if value is not None}
        user = users.create_user(self.session, self.actor, {**values, "username": username})
        return "created", user, {}, image_of(user)

    def _update(self, user_id: Any, row: Row, key: str) -> Change:
        user = self.session.get(User, user_id, with_for_update=True, populate_existing=True)
        if user is None:
            raise RowRefused(self.job.match, "user_gone", "This user was removed just now.")
        before = image_of(user)
        if row["username"] is not None and code_key(row["username"]) != user.username_key:
            raise RowRefused("username", "username_differs", "The user of this e-mail has another username.")
        changes = self._changes(user, row, key)
        own = [name for name in OWN_RIGHTS if name in changes]
        if own and user.id == self.actor.user_id:
            raise RowRefused(own[0], "not_yourself", "An import does not change your own rights.")
        if not changes:
            return "unchanged", user, before, before
        user = users.edit_user(self.session, self.actor, user.id, user.version, changes)
        return "updated", user, before, image_of(user)

    def _changes(self, user: User, row: Row, key: str) -> dict[str, Any]:
        """Return what a row makes of a user that is there, as `edit_user` takes it; what found it says nothing new."""
        job = self.job.keeping() if key in self.seen else self.job
        wanted = {name: value for name, value in self._values(row).items() if value is not None and name != "username"}
        wanted |= {name: None for name in CLEARED if name in self.mapped and row[name] is None and job.clears(name)}
        if job.match == "email":
            wanted.pop("email", None)
        now: dict[str, Any] = {
            **{name: getattr(user, name) for name in ("name", "email", "kind", "code", "active", "associate_id")},
            "roles": {role.id for role in user.roles},
        }
        return {name: value for name, value in wanted.items() if value != now[name]}

    def _values(self, row: Row) -> dict[str, Any]:
        """Return a row's values as the functions of `users` take them; None for what it does not tell."""
        values = {name: row[name] for name in ("username", "name", "email", "kind", "code")}
        values["active"] = None if row["active"] is None else row["active"] == "yes"
        values["roles"] = None if row["roles"] is None else {self._role(name) for name in row["roles"]}
        values["associate_id"] = None if row["associate"] is None else self._associate(row["associate"])
        return values

    def _role(self, name: str) -> Any:
        role = self.known.role(name)
        if role is None:
            raise RowRefused("roles", "role_not_found", f"There is no role “{name}”.")
        return role.id

    def _associate(self, code: str) -> Any:
        if not switches.is_on(self.session, PARTNER_MANAGEMENT):
            raise RowRefused("associate", "partner_management_off", "Partner management is switched off.")
        associate = self.known.associate(code)
        if associate is None:
            raise RowRefused("associate", "associate_missing", f"There is no associate with the code “{code}”.")
        return associate.id

    def _count(self, row: Row, verdict: str, user: User | None, before: Image, after: Image) -> None:
        self.seen.add(self._key(row))
        if verdict == "skipped":
            self.result.skips([row["_row"]])
            return
        setattr(self.result, verdict, getattr(self.result, verdict) + 1)
        if user is None or verdict == "unchanged":
            return
        self.known.put(user)
        shown = self._shown(after)
        if verdict == "created":
            self.result.created_ids += user.id.bytes
            self.forecast.creates(row["_row"], row["_line"], shown)
        else:
            old = self._shown(before)
            changes = {name: (old[name], shown[name]) for name in shown if old[name] != shown[name]}
            self.result.changes(changes)
            self.forecast.updates(row["_row"], row["_line"], f"{user.username} {user.name}", changes)
        image = self.images.setdefault(
            user.id,
            ImportedUser(
                job_id=self.job.id, chunk_no=self.job.chunk_no, user_id=user.id, before=before or None, after=after
            ),
        )
        image.after = after

    def _shown(self, image: Image) -> Image:
        """Return an image as people read it."""
        roles = {str(role.id): role.name for role in self.known.roles.values()}
        associate = self.session.get(TiedAssociate, uuid.UUID(image["associate"])) if image["associate"] else None
        return {
            **image,
            "associate": associate.code if associate else None,
            "roles": "; ".join(sorted(roles[one] for one in image["roles"])) or None,
            "active": "yes" if image["active"] else "no",
        }


def _refusal(row: Row, error: DomainError) -> Refusal:
    """Return the refusal of a row by a rule of the screen."""
    names = [COLUMN_OF.get(name, name) for name in (*error.fields, error.code)]
    column = next((name for name in names if name in LABELS), None)
    return RowRefused(column, error.code, error.sentence).refusal_of(row, LABELS)
