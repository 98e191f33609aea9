"""Taking back what a chunk of customers did (I10): what it created goes, what it changed gets back what it had.

Whatever somebody has touched since stays, and is listed with the reason. Somebody is a person or another job; what
another job did and was itself taken back does not count. History (`Change`) tells all of it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from psycopg import sql
from sqlalchemy.orm import Session

from services.customers.bulk.chunk import CONFLICTS, PLANS, TRIES, inform_planner
from services.customers.bulk.undo_fields import Fields, Place
from services.customers.bulk.undo_words import left_account, left_alone, left_contact
from services.customers.errors import LinksNotTakenBack
from services.customers.models import Outbox
from shared.bulk import Kept, UndoResult
from shared.events.customers import AccountsTakenBack
from shared.importing.ids import unpack
from shared.importing.job import UndoJob
from shared.importing.tables import Cursor, cursor_of
from shared.outbox import record

# All accounts that the chunk may have to do with, in the order in which imports lock them.
LOCK = sql.SQL("""
SELECT id::text, id = ANY(%(ids)s::uuid[]) FROM account
WHERE id IN (
    SELECT unnest(%(ids)s::uuid[] || %(asked)s::uuid[])
    UNION SELECT account_id FROM change WHERE job_id = %(job)s AND chunk_no = %(no)s AND action = 'updated'
    UNION SELECT account_id FROM contact WHERE id = ANY(%(ids)s::uuid[])
)
ORDER BY code_key FOR UPDATE
""")
# The condition of a line of history `l` by somebody else that still counts. What another job did to a field counts no
# more once it was undone, nor when the job itself brought back what it had found, nor when the contact is gone. A job
# is compared by IS NOT DISTINCT FROM, which no index answers: whatever the statistics say, history is read by account,
# never all of a job for each.
TOUCHES = sql.SQL("""
l.action <> 'undone' AND l.job_id IS DISTINCT FROM %(job)s AND (
    l.job_id IS NULL OR (l.contact_id IS NULL OR EXISTS (SELECT FROM contact k WHERE k.id = l.contact_id)) AND EXISTS (
    SELECT FROM jsonb_object_keys(l.fields) AS f(name) WHERE NOT EXISTS (
        SELECT FROM change u WHERE u.account_id = l.account_id AND u.contact_id IS NOT DISTINCT FROM l.contact_id
        AND u.job_id IS NOT DISTINCT FROM l.job_id AND u.action = 'undone' AND u.version > l.version
        AND u.fields ? f.name)
    AND (
        SELECT (array_agg(e.fields->f.name->0 ORDER BY e.version))[1]
            IS DISTINCT FROM (array_agg(e.fields->f.name->1 ORDER BY e.version DESC))[1]
        FROM change e WHERE e.account_id = l.account_id AND e.contact_id IS NOT DISTINCT FROM l.contact_id
        AND e.job_id IS NOT DISTINCT FROM l.job_id AND e.action = 'updated' AND e.fields ? f.name)))
""")
TOUCHED_ACCOUNTS = sql.SQL("""
WITH touch AS (
    SELECT l.account_id, l.id, l.action, l.actor_name, l.contact_id IS NOT NULL AS of_contact, l.job_id
    FROM change l WHERE l.account_id = ANY(%(made)s::uuid[]) AND {touches}
    UNION ALL
    SELECT c.account_id, c.id, 'created', c.created_by_name, true, c.created_job
    FROM contact c WHERE c.account_id = ANY(%(made)s::uuid[]) AND c.created_job IS DISTINCT FROM %(job)s
    UNION ALL
    SELECT k.account_id, {oldest}, 'linked', n.name, false, NULL
    FROM account_associate k LEFT JOIN associate_name n USING (associate_id)
    WHERE k.account_id = ANY(%(made)s::uuid[]) AND k.account_id <> ALL(%(asked)s::uuid[])
    UNION ALL
    SELECT k.id, {oldest}, 'linked', k.by, false, NULL
    FROM unnest(%(looked_after)s::uuid[], %(lookers)s::text[]) AS k(id, by) WHERE k.id = ANY(%(made)s::uuid[])
)
SELECT DISTINCT ON (t.account_id) t.account_id::text, a.code, a.name, t.action, t.actor_name, t.of_contact,
    t.job_id IS NOT NULL
FROM touch t JOIN account a ON a.id = t.account_id ORDER BY t.account_id, t.id DESC
""").format(touches=TOUCHES, oldest=sql.Literal(uuid.UUID(int=0)))
REMOVE_ACCOUNTS = (
    """
    INSERT INTO change (account_id, actor_id, actor_name, job_id, chunk_no, action, fields, version)
    SELECT id, %(actor)s, %(actor_name)s, %(job)s, %(no)s, 'undone', jsonb_build_object(
    'code', jsonb_build_array(code, NULL), 'name', jsonb_build_array(name, NULL)), version
    FROM account WHERE id = ANY(%(remove)s::uuid[])
    """,
    "DELETE FROM contact WHERE account_id = ANY(%(remove)s::uuid[])",  # quicker than one by one, by the foreign key
    "DELETE FROM account WHERE id = ANY(%(remove)s::uuid[])",
)
# Contacts that the job added to accounts that were there before, and who touched each last.
ADDED_CONTACTS = sql.SQL("""
SELECT c.id::text, c.account_id::text, a.code, a.name, c.first_name, c.last_name, t.action, t.actor_name, t.by_job
FROM contact c JOIN account a ON a.id = c.account_id LEFT JOIN LATERAL (
    SELECT l.action, l.actor_name, l.job_id IS NOT NULL AS by_job FROM change l
    WHERE l.account_id = c.account_id AND l.contact_id = c.id AND {touches} ORDER BY l.id DESC LIMIT 1
) t ON true
WHERE c.account_id = ANY(%(here)s::uuid[]) AND c.created_job = %(job)s AND a.created_job IS DISTINCT FROM %(job)s
""").format(touches=TOUCHES)
REMOVE_CONTACTS = (
    """
    INSERT INTO change (account_id, contact_id, actor_id, actor_name, job_id, chunk_no, action, fields, version)
    SELECT account_id, id, %(actor)s, %(actor_name)s, %(job)s, %(no)s, 'undone', jsonb_strip_nulls(
    jsonb_build_object('last_name', jsonb_build_array(last_name, NULL), 'first_name',
    CASE WHEN first_name IS NOT NULL THEN jsonb_build_array(first_name, NULL) END)), version
    FROM contact WHERE id = ANY(%(remove)s::uuid[])
    """,
    "DELETE FROM contact WHERE id = ANY(%(remove)s::uuid[])",
)
# Accounts of the chunk that somebody else deleted before.
GONE = sql.SQL("""
WITH theirs AS (
    SELECT unnest(%(ids)s::uuid[] || %(asked)s::uuid[]) AS id
    UNION SELECT account_id FROM change WHERE job_id = %(job)s AND chunk_no = %(no)s AND action = 'updated'
)
SELECT count(*) FROM theirs t WHERE NOT EXISTS (SELECT FROM account a WHERE a.id = t.id)
    AND EXISTS (SELECT FROM change d WHERE d.account_id = t.id AND d.contact_id IS NULL AND d.action = 'deleted')
    AND NOT EXISTS (SELECT FROM change u WHERE u.account_id = t.id AND u.contact_id IS NULL AND u.action = 'undone'
                    AND u.job_id IS NOT DISTINCT FROM %(job)s AND u.fields ? 'code')
""")


@dataclass(frozen=True)
class LinksTakenBack:
    """What associates took back of what a chunk had asked for, before the chunk itself is taken back.

    `changed` are the accounts whose links are as before, `stayed` those where some stay, `left` tells of those.
    `looked_after` are the accounts that somebody looks after all the same, and who.
    """

    changed: frozenset[str] = frozenset()
    stayed: frozenset[str] = frozenset()
    looked_after: Mapping[str, str] = field(default_factory=dict)
    left: Sequence[Kept] = ()

    @classmethod
    def from_json(cls, answer: Mapping[str, Any]) -> Self:
        """Read the answer of associates."""
        return cls(
            frozenset(answer["changed"]),
            frozenset(answer["stayed"]),
            dict(answer["looked_after"]),
            [Kept(**one) for one in answer["left"]],
        )


@dataclass(frozen=True)
class AskedLinks:
    """The accounts for which a chunk asked for links: those that it `created`, and of these the ones that are `kept`.

    Somebody has touched these since: they stay, and so do the links that came with them.
    """

    accounts: Sequence[str] = ()
    created: Sequence[str] = ()
    kept: Sequence[str] = ()


def asked_links(session: Session, job: UndoJob, created_ids: bytes) -> AskedLinks:
    """Return for which accounts a chunk asked for links, and what becomes of these when it is taken back."""
    ids, asked = (list(map(str, sort)) for sort in unpack(created_ids, 2))
    created = sorted(set(ids).intersection(asked))
    if not created:
        return AskedLinks(asked)
    cursor = _with_plans(session)
    known = {"job": job.id, "made": created, "asked": asked, "looked_after": [], "lookers": []}
    return AskedLinks(asked, created, [account for account, *_ in cursor.execute(TOUCHED_ACCOUNTS, known)])


def undo_customers(
    session: Session, job: UndoJob, created_ids: bytes, links: LinksTakenBack | None = None
) -> UndoResult:
    """Take back what a chunk did; say what was removed, what got back what it had, and what stays and why.

    `links` tells what associates took back before; raises LinksNotTakenBack where that is missing. Where another
    transaction is quicker with the same account, all of it is done again. Commits nothing.
    """
    _with_plans(session)
    ids, asked = (list(map(str, sort)) for sort in unpack(created_ids, 2))
    if asked and links is None:
        raise LinksNotTakenBack
    for left in reversed(range(TRIES)):
        try:
            with session.begin_nested():
                undo = Undo(cursor_of(session), job, ids, asked, links or LinksTakenBack())
                result = undo.apply()
            break
        except CONFLICTS:
            if not left:
                raise
    if result.removed or result.restored:
        record(session, Outbox, _event(job, undo.removed, result.restored))
    return result


def _with_plans(session: Session) -> Cursor:
    cursor = cursor_of(session)
    for plan in PLANS:
        cursor.execute(f"SET LOCAL {plan} = off")
    inform_planner(cursor)
    return cursor


def _event(job: UndoJob, removed: Sequence[str], restored: int) -> AccountsTakenBack:
    return AccountsTakenBack(
        job_id=str(job.id),
        chunk_no=job.chunk_no,
        removed=list(removed),
        restored=restored,
        actor_id=str(job.actor_id),
        actor_name=job.actor_name,
        file_name=job.file_name,
    )


class Undo:
    """One try at a chunk, which created the records `ids` and asked for links of the accounts `asked`."""

    def __init__(
        self, cursor: Cursor, job: UndoJob, ids: Sequence[str], asked: Sequence[str], links: LinksTakenBack
    ) -> None:
        self.cursor = cursor
        self.job = job
        self.links = links
        self.known: dict[str, Any] = {
            "job": job.id,
            "no": job.chunk_no,
            "actor": job.actor_id,
            "actor_name": job.actor_name,
            "ids": list(ids),
            "asked": list(asked),
            "looked_after": list(links.looked_after),
            "lookers": list(links.looked_after.values()),
        }
        self.left: list[Kept] = []
        self.kept: set[Place] = set()
        self.removed: list[str] = []  # accounts

    def apply(self) -> UndoResult:
        """Take back what can be; return the counts."""
        locked = self._run(LOCK)
        made = [account for account, is_made in locked if is_made]
        here = [account for account, is_made in locked if not is_made]
        self.known |= {"made": made, "here": here}
        gone = self._run(GONE)[0][0]
        self._remove_accounts(made)
        lost = self._remove_contacts()
        fields = Fields(self.cursor, self.job, here)
        given = fields.give_back({place.account for place in lost})
        self.left += fields.left
        self.kept |= fields.kept
        if self.job.kind == "contacts":
            restored, kept = ({place.record for place in places} for places in (given, self.kept))
            return UndoResult(len(lost), len(restored - kept), len(kept), gone, self.left)
        restored, kept = ({place.account for place in places} for places in (given | lost, self.kept))
        restored |= self.links.changed.intersection(here)
        kept |= self.links.stayed.intersection(here)
        of_made = {f"/customers/{account}" for account in made}
        self.left += [one for one in self.links.left if one.url not in of_made]  # those tell it themselves
        return UndoResult(len(self.removed), len(restored - kept), len(kept), gone, self.left)

    def _remove_accounts(self, made: Sequence[str]) -> None:
        for account, code, name, *touch in self._run(TOUCHED_ACCOUNTS):
            self.kept.add(Place(account, account))
            self.left.append(left_account(account, code, name, *touch))
            is_alone = account in self.links.changed and account not in self.links.looked_after
            if is_alone:  # touched while its links went, or they had not come yet
                self.left.append(left_alone(account, code, name))
        self.removed = [account for account in made if Place(account, account) not in self.kept]
        for statement in REMOVE_ACCOUNTS if self.removed else ():
            self.cursor.execute(sql.SQL(statement), {**self.known, "remove": self.removed})

    def _remove_contacts(self) -> set[Place]:
        """Remove the contacts that came to accounts which were there before; return them."""
        remove, places = [], set()
        for contact, account, code, name, first, last, action, by, by_job in self._run(ADDED_CONTACTS):
            if action is None:
                remove.append(contact)
                places.add(Place(account, contact))
            else:
                self.kept.add(Place(account, contact))
                self.left.append(left_contact(account, code, name, first, last, action, by, by_job=by_job))
        for statement in REMOVE_CONTACTS if remove else ():
            self.cursor.execute(sql.SQL(statement), {**self.known, "remove": remove})
        return places

    def _run(self, query: sql.SQL | sql.Composed) -> list[tuple[Any, ...]]:
        return self.cursor.execute(query, self.known).fetchall()
