"""Giving and taking the links of a chunk of customers, all of it as sets in PostgreSQL.

The links of two chunks of one job never touch. Against single changes by people and other jobs stand the unique index
of open links and locks in one order; where another is quicker with the same link, all of the chunk is done again. Who
replaces does so alone.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.associates.bulk.job import Customers, MassChange
from services.associates.domain.link_locks import replace_alone, share_accounts, until_unhindered
from services.associates.domain.links import working_associates
from shared.bulk import ChunkResult, Refusal
from shared.db import uuid7
from shared.events.associates import LinksChanged
from shared.importing.ids import APART, pack

DID = """
CREATE TEMP TABLE did (id uuid, account_id uuid, associate_id uuid, role text, begun bool, is_primary bool)
ON COMMIT DROP
"""
GONE = "SELECT account_id FROM gone_account WHERE account_id = ANY(:accounts)"
# Those that go on as well: one of them may become the one to turn to first.
LOCK = """
SELECT FROM link WHERE account_id = ANY(:accounts) AND ended_at IS NULL
ORDER BY account_id, associate_id, role FOR UPDATE
"""
END = """
WITH due AS MATERIALIZED (
    SELECT id FROM link WHERE account_id = ANY(:accounts) AND ended_at IS NULL AND role = ANY(:roles)
    AND (associate_id = ANY(:associates)) = :these ORDER BY account_id, associate_id, role FOR UPDATE
), ended AS (
    UPDATE link SET ended_at = now(), ended_by = :actor, ended_by_name = :actor_name, cause = 'removed',
        ended_job = :job
    FROM due WHERE link.id = due.id
    RETURNING link.id, account_id, associate_id, role, is_primary
)
INSERT INTO did SELECT id, account_id, associate_id, role, false, is_primary FROM ended
"""
# Where the one to turn to first was replaced, the first of the new ones is that now.
BEGIN = """
WITH begun AS (
    INSERT INTO link (account_id, associate_id, role, is_primary, begun_at, begun_by, begun_by_name)
    SELECT account_id, associate_id, :role, associate_id = :first
        AND account_id IN (SELECT account_id FROM did WHERE is_primary)
        AND NOT EXISTS (SELECT FROM link l WHERE l.account_id = a.account_id AND l.is_primary AND l.ended_at IS NULL),
        now(), :actor, :actor_name
    FROM unnest(CAST(:accounts AS uuid[])) AS a(account_id), unnest(CAST(:associates AS uuid[])) AS b(associate_id)
    ORDER BY account_id, associate_id
    ON CONFLICT (account_id, associate_id, role) WHERE ended_at IS NULL DO NOTHING
    RETURNING id, account_id, associate_id, is_primary
)
INSERT INTO did SELECT id, account_id, associate_id, :role, true, is_primary FROM begun
"""
# Where that one is there already, its link is it from now on.
LEAD = """
UPDATE link l SET is_primary = true
WHERE account_id IN (SELECT account_id FROM did WHERE is_primary) AND associate_id = :first AND role = :role
    AND ended_at IS NULL AND NOT EXISTS (
        SELECT FROM link p WHERE p.account_id = l.account_id AND p.is_primary AND p.ended_at IS NULL)
RETURNING id
"""
TELL = """
INSERT INTO outbox (event_id, name, payload) SELECT :event, :name, jsonb_build_object(
    'ended', coalesce(jsonb_agg(links) FILTER (WHERE NOT begun), '[]'),
    'begun', coalesce(jsonb_agg(links) FILTER (WHERE begun), '[]'))
FROM (
    SELECT begun, jsonb_build_array(associate_id, role, jsonb_agg(account_id)) AS links
    FROM did GROUP BY begun, associate_id, role
) AS told HAVING count(*) > 0
"""
COUNT = """
SELECT count(*) FILTER (WHERE NOT took) AS created, count(*) FILTER (WHERE took) AS updated
FROM (SELECT bool_or(NOT begun) AS took FROM did GROUP BY account_id) AS touched
"""
IDS = """
SELECT string_agg(uuid_send(id), '') FILTER (WHERE begun), string_agg(uuid_send(id), '') FILTER (WHERE NOT begun),
    string_agg(uuid_send(id), '') FILTER (WHERE begun AND is_primary)
FROM did
"""
BY_ASSOCIATE = "SELECT associate_id, role, begun, count(*) FROM did GROUP BY associate_id, role, begun"


@dataclass
class LinksResult(ChunkResult):
    """What became of the customers of a chunk: `created` were only given somebody, `updated` also lost somebody.

    `links` tells how many began and ended: [associate, role, begun or not, how many]; `by` is who did it.
    """

    links: list[tuple[str, str, bool, int]] = field(default_factory=list)
    by: tuple[str, str] = ("", "")


def change_links(session: Session, job: MassChange, customers: Customers) -> LinksResult:
    """Change who looks after the customers of a chunk and say what became of each. Commits nothing.

    A customer that was deleted is refused; raises AssociateNotFound, AssociateInactive (who can only be removed).
    """
    share_accounts(session)
    if job.action == "replace":
        replace_alone(session)
    working_associates(session, job.associate_ids, also_inactive=job.action == "remove")
    result = LinksResult(by=(str(job.actor.id), job.actor.name))
    accounts = _known(session, customers, result)
    lead = until_unhindered(session, lambda: _change(session, job, accounts))
    _sum_up(session, result, len(accounts), lead)
    return result


def make_did(session: Session) -> None:
    """Make the table of the links that this transaction begins and ends, and let its statements be planned for it.

    A plan for any arrays looks through one of some thousand ids for each row, where one for these ids hashes them.
    """
    session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    session.execute(text("DROP TABLE IF EXISTS pg_temp.did"))
    session.execute(text(DID))


def tell_links(session: Session) -> None:
    """Record what `did` holds as one event, if anything.

    Its readers are told when the job ends, and look every few seconds anyway: read chunk by chunk, the copies would
    take from the job the processors that it waits for.
    """
    session.execute(text(TELL), {"event": uuid7(), "name": LinksChanged.name})


def links_by_associate(session: Session) -> list[tuple[str, str, bool, int]]:
    """Return how many links of `did` began and ended, by associate and role."""
    return [(str(row[0]), row[1], row[2], row[3]) for row in session.execute(text(BY_ASSOCIATE))]


def _known(session: Session, customers: Customers, result: LinksResult) -> list[uuid.UUID]:
    """Return the customers that are still there; refuse the others."""
    ids = [one for one in customers.ids if one]
    gone = set(session.scalars(text(GONE), {"accounts": ids}))
    known = []
    for row, line, account, label in zip(customers.rows, customers.lines, customers.ids, customers.labels, strict=True):
        if account and account not in gone:
            known.append(account)
        else:
            refusal = Refusal(row, line, "account_id", "customer_deleted", f"{label} was deleted meanwhile.")
            result.refusals.append(refusal)
    result.failed = len(result.refusals)
    return known


def _change(session: Session, job: MassChange, accounts: list[uuid.UUID]) -> list[uuid.UUID]:
    """Write the change; return the links that went on and are the ones to turn to first from now on."""
    make_did(session)
    values: dict[str, Any] = {
        "job": job.id,
        "actor": job.actor.id,
        "actor_name": job.actor.name,
        "accounts": accounts,
        "associates": list(job.associate_ids),
        "first": job.associate_ids[0],
    }
    if job.action == "replace":
        session.execute(text(LOCK), values)
    if job.action != "add":
        session.execute(text(END), {**values, "roles": job.roles, "these": job.action == "remove"})
    if job.action != "remove":
        session.execute(text(BEGIN), {**values, "role": job.role})
    if job.action != "replace":
        return []
    return list(session.scalars(text(LEAD), {**values, "role": job.role}))


def _sum_up(session: Session, result: LinksResult, customers: int, lead: list[uuid.UUID]) -> None:
    counted = session.execute(text(COUNT)).one()
    result.created, result.updated = counted.created, counted.updated
    result.unchanged = customers - counted.created - counted.updated
    if counted.created or counted.updated:
        begun, ended, first = (ids or b"" for ids in session.execute(text(IDS)).one())
        result.created_ids = APART.join((begun, ended, first + pack(lead)))
        result.links = links_by_associate(session)
        tell_links(session)
