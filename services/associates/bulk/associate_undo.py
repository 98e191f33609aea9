"""Taking back what a chunk of associates did: what it created goes, what it changed gets back what it had.

Whatever somebody has touched since stays, and is listed with the reason. Somebody is a person or another job; what
another job did and was itself taken back does not count. History tells all of it; who got a customer is told by links.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from services.associates.bulk.associate_chunk import CHANGES, READ, Record, note_records, tell_saved, update_records
from services.associates.domain.records import derived
from services.associates.models import Associate, Change, Link, Outbox
from shared.bulk import Kept, UndoResult
from shared.events.associates import AssociatesRemoved
from shared.importing.ids import unpack
from shared.importing.job import UndoJob
from shared.outbox import record

# Lines of history that links tell better: there they are, or they are not.
OF_MANY = frozenset({"linked_many", "unlinked_many", "undone_many"})
WORDS = {
    "updated": ("changed", "{} changed it since."),
    "status": ("status_changed", "{} made it active or inactive since."),
    "deleted": ("brought_back", "{} deleted it, and it was brought back."),
    "restored": ("brought_back", "{} brought it back after it was deleted."),
    "linked": ("linked", "{} gave it a customer since."),
    "unlinked": ("linked", "{} took a customer from it since."),
    "role": ("linked", "{} changed what it does for a customer since."),
}
LOOKS_AFTER = ("linked", "It looks after customers, or did.")


def undo_associates(session: Session, job: UndoJob, created_ids: bytes) -> UndoResult:
    """Take back what a chunk did; say what was removed, what got back what it had, and what stays. Commits nothing."""
    made, edited = unpack(created_ids, 2)
    return Undo(session, job).apply(made, edited)


class Undo:
    """The taking back of one chunk."""

    def __init__(self, session: Session, job: UndoJob) -> None:
        self.session = session
        self.job = job
        self.result = UndoResult()

    def apply(self, made: Sequence[uuid.UUID], edited: Sequence[uuid.UUID]) -> UndoResult:
        """Take back what can be; return the counts."""
        query = select(*(getattr(Associate, name) for name in READ)).where(Associate.id.in_([*made, *edited]))
        locked = query.order_by(Associate.code_key).with_for_update()
        here = {row["id"]: dict(row) for row in self.session.execute(locked).mappings()}
        self.result.gone = len(made) + len(edited) - len(here)
        # In statements of their own after the lock, so that what others did before it is seen.
        lines = self._history(here)
        used = self._used(here)
        self._remove([one for one in made if one in here and not self._stays(here[one], lines[one], one in used)])
        self._give_back([here[one] for one in edited if one in here], lines)
        return self.result

    def _history(self, here: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, list[Change]]:
        lines: dict[uuid.UUID, list[Change]] = defaultdict(list)
        for line in self.session.scalars(select(Change).where(Change.associate_id.in_(list(here))).order_by(Change.id)):
            lines[line.associate_id].append(line)
        return lines

    def _used(self, here: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        """Return those who have had a customer that was not taken back."""
        real = or_(Link.cause.is_(None), Link.cause != "undone")
        query = select(Associate.id).where(
            Associate.id.in_(list(here)), exists().where(Link.associate_id == Associate.id, real)
        )
        return set(self.session.scalars(query))

    def _stays(self, associate: Record, lines: Sequence[Change], is_used: bool) -> bool:
        touches = [
            line for line in lines if line.action not in OF_MANY and self._touches(line, lines, line.fields.keys())
        ]
        if not touches and not is_used:
            return False
        if touches:
            reason, words = WORDS.get(touches[-1].action, WORDS["updated"])
            self._left(associate, None, reason, words.format(_who(touches[-1])))
        else:
            self._left(associate, None, *LOOKS_AFTER)
        self.result.kept += 1
        return True

    def _touches(self, line: Change, lines: Sequence[Change], fields: Iterable[str]) -> bool:
        """Tell whether a line says that somebody else changed these fields, and it was not taken back."""
        if line.action == "undone" or line.job_id == self.job.id:
            return False
        if line.job_id is None:
            return True
        undone = {
            name
            for later in lines
            if later.action == "undone" and later.job_id == line.job_id and later.version > line.version
            for name in later.fields
        }
        return not undone.issuperset(fields)

    def _remove(self, ids: Sequence[uuid.UUID]) -> None:
        if not ids:
            return
        query = delete(Associate).where(Associate.id.in_(ids)).execution_options(synchronize_session=False)
        removed = self.session.execute(query.returning(*(getattr(Associate, name) for name in READ))).mappings().all()
        lines = [(dict(row), {"code": [row["code"], None], "name": [row["name"], None]}) for row in removed]
        note_records(self.session, self.job, "undone", lines)
        told = [[str(row["id"]), row["code"], row["name"]] for row in removed]
        record(self.session, Outbox, AssociatesRemoved(associates=told))
        self.result.removed += len(removed)

    def _give_back(self, associates: Sequence[Record], lines: Mapping[uuid.UUID, list[Change]]) -> None:
        given: list[tuple[Record, dict[str, list[Any]]]] = []
        for associate in associates:
            back, left = self._fields(associate, lines[associate["id"]])
            for name, by in left.items():
                self._left(associate, name, "changed", f"{_who(by) if by else 'Somebody'} changed it since.")
            if back:
                changes = {name: [associate[name], old] for name, old in back.items()}
                now = {**associate, **back, "version": associate["version"] + 1}
                given.append(({**now, **derived(now)}, changes))
            self.result.kept += bool(left)
            self.result.restored += bool(back) and not left
        self._write(given)

    def _fields(self, associate: Record, lines: Sequence[Change]) -> tuple[Record, dict[str, Change | None]]:
        """Return what an associate gets back, and who changed since what it does not."""
        mine = [line for line in lines if line.job_id == self.job.id and line.action == "updated"]
        back: Record = {}
        left: dict[str, Change | None] = {}
        for name in CHANGES:
            pairs = [line for line in mine if name in line.fields]
            if not pairs or associate[name] == pairs[0].fields[name][0]:
                continue
            since = [
                line
                for line in lines
                if line.version > pairs[0].version
                and line.action == "updated"
                and name in line.fields
                and self._touches(line, lines, [name])
            ]
            if since or associate[name] != pairs[-1].fields[name][1]:
                left[name] = since[-1] if since else None
            else:
                back[name] = pairs[0].fields[name][0]
        return back, left

    def _write(self, given: Sequence[tuple[Record, dict[str, list[Any]]]]) -> None:
        if not given:
            return
        update_records(self.session, [one for one, _ in given])
        note_records(self.session, self.job, "undone", given)
        tell_saved(self.session, [one for one, _ in given])

    def _left(self, associate: Record, field: str | None, reason: str, message: str) -> None:
        label = f"{associate['code']} {associate['name']}"
        self.result.left.append(Kept("associate", label, f"/associates/{associate['id']}", field, reason, message))


def _who(line: Change) -> str:
    return f"Another import by {line.actor_name}" if line.job_id else line.actor_name
