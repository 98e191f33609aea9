"""Links as a plan finds them, and what it decided written as sets in PostgreSQL.

`domain.link_locks` tells who waits for whom.
"""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.orm import Session

from services.associates.bulk.assignment_plan import Associate, OpenLink, Place, Plan
from services.associates.bulk.chunk import GONE, make_did
from services.associates.models import Associate as AssociateTable
from shared.db import uuid7s

# What begins or ends on a day does so at noon, that day nearly everywhere; today, or where no day is given, now.
END = """
WITH due AS (SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) AS d(id, day)), ended AS (
    UPDATE link SET ended_at = greatest(least(due.day + time '12:00', now()), begun_at), ended_by = :actor,
        ended_by_name = :actor_name, cause = 'removed', ended_job = :job
    FROM due WHERE link.id = due.id
    RETURNING link.id, account_id, associate_id, role, is_primary
)
INSERT INTO did SELECT id, account_id, associate_id, role, false, is_primary FROM ended
"""
STEP_BACK = """
UPDATE link SET is_primary = false WHERE account_id = ANY(:accounts) AND is_primary AND ended_at IS NULL RETURNING id
"""
BEGIN = """
WITH begun AS (
    INSERT INTO link (id, account_id, associate_id, role, is_primary, begun_at, begun_by, begun_by_name)
    SELECT id, account, associate, role, leads, least(day + time '12:00', now()), :actor, :actor_name
    FROM unnest(CAST(:ids AS uuid[]), CAST(:accounts AS uuid[]), CAST(:associates AS uuid[]), CAST(:roles AS text[]),
        CAST(:days AS date[]), CAST(:leads AS bool[])) AS d(id, account, associate, role, day, leads)
    ORDER BY account, associate, role
    RETURNING id, account_id, associate_id, role
)
INSERT INTO did SELECT id, account_id, associate_id, role, true, false FROM begun
"""
OVER = """
INSERT INTO link (id, account_id, associate_id, role, begun_at, begun_by, begun_by_name, ended_at, ended_by,
    ended_by_name, cause, ended_job)
SELECT id, account, associate, role, least(begun + time '12:00', now()), :actor, :actor_name,
    least(ended + time '12:00', now()), :actor, :actor_name, 'removed', :job
FROM unnest(CAST(:ids AS uuid[]), CAST(:accounts AS uuid[]), CAST(:associates AS uuid[]), CAST(:roles AS text[]),
    CAST(:begun AS date[]), CAST(:ended AS date[])) AS d(id, account, associate, role, begun, ended)
"""
LEAD = "UPDATE link SET is_primary = true WHERE id = ANY(:lead)"
OPEN = """
SELECT id, account_id, associate_id, role, is_primary, CAST(begun_at AS date) AS day FROM link
WHERE account_id = ANY(:accounts) AND ended_at IS NULL ORDER BY account_id, associate_id, role
"""
COLUMNS = ("id", "code", "name", "email_key", "status")


class ByJob(Protocol):
    """The job that does something, and who started it."""

    @property
    def id(self) -> uuid.UUID:
        """The job's id."""

    @property
    def actor_id(self) -> uuid.UUID:
        """The id of the person."""

    @property
    def actor_name(self) -> str:
        """What the person is called."""


class Written(NamedTuple):
    """What a receipt keeps for undo: links begun, ended, made primary, and no longer primary."""

    begun: list[uuid.UUID]
    ended: list[uuid.UUID]
    lead: list[uuid.UUID]
    stepped: list[uuid.UUID]


def read_links(session: Session, accounts: Sequence[uuid.UUID], *, is_look: bool = False) -> dict[Place, OpenLink]:
    """Return the links of these accounts that go on, kept from changes by others unless this is only a look."""
    found = session.execute(text(f"{OPEN} {'' if is_look else 'FOR UPDATE'}"), {"accounts": accounts})
    return {
        Place(row.account_id, row.associate_id, row.role): OpenLink(row.id, row.is_primary, row.day) for row in found
    }


def gone_accounts(session: Session, accounts: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of these accounts that customers told were deleted."""
    return set(session.scalars(text(GONE), {"accounts": accounts}))


def read_associates(session: Session, which: ColumnElement[bool], *, is_look: bool = False) -> list[Associate]:
    """Return associates; nobody deletes them before this transaction ends, unless this is only a look."""
    query = select(*(getattr(AssociateTable, name) for name in COLUMNS)).where(which).order_by(AssociateTable.id)
    found = session.execute(query if is_look else query.with_for_update(read=True))
    return [Associate(row.id, row.code, row.name, row.email_key, row.status == "active") for row in found]


def write_plan(session: Session, job: ByJob, plan: Plan) -> Written:
    """Write a plan; `did` then holds the links that began and ended."""
    make_did(session)
    known: dict[str, Any] = {"actor": job.actor_id, "actor_name": job.actor_name, "job": job.id}
    if plan.end:
        session.execute(text(END), {**known, "ids": list(plan.end), "days": list(plan.end.values())})
    led = [place.account for place, (_, leads) in plan.begin.items() if leads]
    led += [place.account for place in plan.lead.values()]
    stepped = list(session.scalars(text(STEP_BACK), {"accounts": led})) if led else []
    begun = dict(zip(plan.begin, uuid7s(len(plan.begin)), strict=True))
    if begun:
        days, leads = zip(*plan.begin.values(), strict=True)
        told = {"ids": list(begun.values()), "days": list(days), "leads": list(leads)}
        session.execute(text(BEGIN), {**known, **told, **_columns(list(begun))})
    over = uuid7s(len(plan.over))
    if over:
        places, first, last = (list(column) for column in zip(*plan.over, strict=True))
        session.execute(text(OVER), {**known, "ids": over, "begun": first, "ended": last, **_columns(places)})
    if plan.lead:
        session.execute(text(LEAD), {"lead": list(plan.lead)})
    first_now = [*plan.lead, *(begun[place] for place, (_, leads) in plan.begin.items() if leads)]
    return Written([*begun.values(), *over], list(plan.end), first_now, stepped)


def _columns(places: Sequence[Place]) -> dict[str, list[Any]]:
    return {
        "accounts": [place.account for place in places],
        "associates": [place.associate for place in places],
        "roles": [place.role for place in places],
    }
