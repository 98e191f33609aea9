"""Taking back what a chunk of a mass change or of assignments did: links that it began end, links that it ended go on.

What others changed since stays and is told. Mass changes that are taken back newest first leave what was there.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.associates.bulk.chunk import links_by_associate, make_did, tell_links
from services.associates.bulk.job import UndoJob
from services.associates.bulk.link_writing import Written
from services.associates.domain.link_locks import replace_alone, share_accounts, until_unhindered
from shared.bulk import Kept, UndoResult
from shared.importing.ids import unpack

Names = Callable[[Sequence[uuid.UUID]], Mapping[uuid.UUID, str]]

# Before links, as who deletes an associate does, and in the order in which imports of associates lock them.
KEEP = """
SELECT FROM associate WHERE id IN (SELECT associate_id FROM link WHERE id = ANY(:ended)) ORDER BY code_key FOR SHARE
"""
LOCK = "SELECT FROM link WHERE id = ANY(:links) ORDER BY account_id, associate_id, role, id FOR UPDATE"
# In a statement of their own after the lock, so that what others did before it is seen.
TOUCHED = """
SELECT l.account_id, l.ended_at, l.cause, l.ended_by_name, l.ended_job, l.since_by_name,
    coalesce(a.name, 'A deleted associate') AS name
FROM link l LEFT JOIN associate a ON a.id = l.associate_id
WHERE l.id = ANY(:begun)
    AND (l.ended_at IS NOT NULL OR l.is_primary AND l.id <> ALL(:lead) OR l.since_by_name IS NOT NULL)
ORDER BY l.account_id
"""
# Links that were over when they were noted have no story of their own; nothing but the job made them so.
DROP_OVER = "DELETE FROM link WHERE id = ANY(:begun) AND ended_job = :job AND cause = 'removed' RETURNING account_id"
LED = """
SELECT b.id FROM link b JOIN link e USING (account_id)
WHERE b.id = ANY(:begun) AND b.is_primary AND e.id = ANY(:ended) AND e.is_primary
"""
# One that ended with its customer or associate since would else come back as the one to turn to first.
STEP_BACK = """
WITH back AS (
    UPDATE link SET is_primary = false WHERE id = ANY(:lead) AND is_primary RETURNING account_id, ended_at
)
SELECT account_id FROM back WHERE ended_at IS NULL
"""
LEAD_AGAIN = """
UPDATE link l SET is_primary = true WHERE id = ANY(:stepped) AND ended_at IS NULL AND NOT EXISTS (
    SELECT FROM link p WHERE p.account_id = l.account_id AND p.is_primary AND p.ended_at IS NULL)
RETURNING account_id
"""
END = """
WITH ended AS (
    UPDATE link SET ended_at = now(), ended_by = :actor, ended_by_name = :actor_name, cause = 'undone', ended_job = NULL
    WHERE id = ANY(:begun) AND ended_at IS NULL AND (NOT is_primary OR id = ANY(:lead)) AND since_by_name IS NULL
    RETURNING id, account_id, associate_id, role
)
INSERT INTO did SELECT id, account_id, associate_id, role, false, false FROM ended
"""
# Links that ended since must not come back with the customer, the associate or an older job that is undone later.
FORGET = """
UPDATE link SET ended_job = NULL, cause = CASE WHEN cause IN ('account_deleted', 'associate_deleted') THEN 'undone'
    ELSE cause END
WHERE id = ANY(:begun) AND ended_at IS NOT NULL
    AND (ended_job IS NOT NULL OR cause IN ('account_deleted', 'associate_deleted'))
"""
# Where the customer or the associate is deleted, the link comes back together with them.
WAIT = """
UPDATE link SET ended_job = NULL, cause = CASE WHEN account_id IN (SELECT account_id FROM gone_account)
    THEN 'account_deleted' ELSE 'associate_deleted' END
WHERE id = ANY(:ended) AND ended_job = :job AND (account_id IN (SELECT account_id FROM gone_account)
    OR NOT EXISTS (SELECT FROM associate a WHERE a.id = associate_id))
RETURNING account_id
"""
TAKEN = """
SELECT l.account_id, a.name FROM link l JOIN associate a ON a.id = l.associate_id
WHERE l.id = ANY(:ended) AND l.ended_job = :job AND EXISTS (
    SELECT FROM link o WHERE o.account_id = l.account_id AND o.associate_id = l.associate_id AND o.role = l.role
    AND o.ended_at IS NULL)
ORDER BY l.account_id
"""
REOPEN = """
WITH again AS (
    UPDATE link l SET ended_at = NULL, ended_by = NULL, ended_by_name = NULL, cause = NULL, ended_job = NULL,
        is_primary = l.is_primary AND NOT EXISTS (SELECT FROM link p WHERE p.account_id = l.account_id
            AND p.is_primary AND p.ended_at IS NULL)
    WHERE l.id = ANY(:ended) AND l.ended_job = :job AND NOT EXISTS (
        SELECT FROM link o WHERE o.account_id = l.account_id AND o.associate_id = l.associate_id AND o.role = l.role
        AND o.ended_at IS NULL)
    RETURNING l.id, l.account_id, l.associate_id, l.role
)
INSERT INTO did SELECT id, account_id, associate_id, role, true, false FROM again
"""
BY_ACCOUNT = "SELECT account_id, bool_or(begun) AS restored FROM did GROUP BY account_id"
ACCOUNTS = "SELECT DISTINCT account_id FROM link WHERE id = ANY(:links)"


Left = list[tuple[uuid.UUID, str, str, str]]


@dataclass
class TakenBack:
    """What became of the customers whose links a chunk had changed.

    `done` are those of whom something was taken back, true where somebody looks after them again; `left` tells what
    stays, each [customer, associate, reason, sentence]. Of the others all had gone before.
    """

    accounts: set[uuid.UUID]
    done: dict[uuid.UUID, bool]
    left: Left

    @property
    def kept(self) -> set[uuid.UUID]:
        """The customers of whom something stays."""
        return {account for account, _, _, _ in self.left}


@dataclass
class LinksUndone(UndoResult):
    """What became of the customers of a chunk; `links` and `by` as in `LinksResult`."""

    links: list[tuple[str, str, bool, int]] = field(default_factory=list)
    by: tuple[str, str] = ("", "")


def undo_links(session: Session, job: UndoJob, created_ids: bytes, names: Names) -> LinksUndone:
    """Take back what a chunk did to links; `names` tells what customers are called. Commits nothing."""
    written = _written(session, created_ids)
    return until_unhindered(session, lambda: sum_up(session, job, take_back(session, job, written), names))


def _written(session: Session, created_ids: bytes) -> Written:
    """Return what a receipt names; one of the first ones does not name the links to which it gave the first place."""
    sorts = unpack(created_ids, 0)
    written = Written(*unpack(created_ids, len(Written._fields)))
    return written if len(sorts) > 2 else written._replace(lead=list(session.scalars(text(LED), written._asdict())))


def take_back(session: Session, job: UndoJob, written: Written) -> TakenBack:
    """Take back what was written; `did` then holds the links that began and ended."""
    links = [*written.begun, *written.ended, *written.lead, *written.stepped]
    share_accounts(session)
    if written.ended:  # who replaces must see whom this brings back
        replace_alone(session)
    make_did(session)
    session.execute(text(KEEP), {"ended": written.ended})
    session.execute(text(LOCK), {"links": links})
    values: dict[str, Any] = {
        "job": job.id, **written._asdict(), "actor": job.actor.id, "actor_name": job.actor.name,
    }  # fmt: skip
    accounts = set(session.scalars(text(ACCOUNTS), {"links": links}))
    dropped = set(session.scalars(text(DROP_OVER), values))
    left, gone = _left_of_begun(session, values)
    session.execute(text(END), values)
    session.execute(text(FORGET), values)
    gone |= set(session.scalars(text(WAIT), values))
    left += [(row.account_id, row.name, "again", f"{row.name} was given this customer again since.")
             for row in session.execute(text(TAKEN), values)]  # fmt: skip
    led_back = set(session.scalars(text(STEP_BACK), values))
    session.execute(text(REOPEN), values)
    led_back |= set(session.scalars(text(LEAD_AGAIN), values))
    done = dict.fromkeys(dropped, False) | dict.fromkeys(led_back, True)
    for row in session.execute(text(BY_ACCOUNT)):
        done[row.account_id] = row.restored or done.get(row.account_id, False)
    return TakenBack(accounts, done, left)


def _left_of_begun(session: Session, values: Mapping[str, Any]) -> tuple[Left, set[uuid.UUID]]:
    """Return what others made of links that the chunk began, and the customers of those that went with somebody."""
    left: Left = []
    gone = set()
    for row in session.execute(text(TOUCHED), values):
        if row.ended_at is None and row.since_by_name:
            sentence = f"{row.since_by_name} said since when {row.name} looks after it."
            left.append((row.account_id, row.name, "changed", sentence))
        elif row.ended_at is None:
            sentence = f"{row.name} was made the one to turn to first since."
            left.append((row.account_id, row.name, "primary", sentence))
        elif row.cause in ("account_deleted", "associate_deleted") or row.cause == "undone":
            gone.add(row.account_id)
        else:
            deed = "gave {} another role" if row.cause == "role_changed" else "took this customer from {}"
            left.append((row.account_id, row.name, "changed", f"{row.ended_by_name} {deed.format(row.name)} since."))
    return left, gone


def sum_up(session: Session, job: UndoJob, taken: TakenBack, names: Names) -> LinksUndone:
    """Return what became of the customers, and tell it."""
    result = LinksUndone(by=(str(job.actor.id), job.actor.name), links=links_by_associate(session))
    for account in taken.accounts:
        if account in taken.kept:
            result.kept += 1
        elif account not in taken.done:
            result.gone += 1
        elif taken.done[account]:
            result.restored += 1
        else:
            result.removed += 1
    called = names(sorted(taken.kept)) if taken.kept else {}
    result.left = [
        Kept("customer", called.get(account, "A deleted customer"), f"/customers/{account}", name, reason, message)
        for account, name, reason, message in taken.left
    ]
    tell_links(session)
    return result
