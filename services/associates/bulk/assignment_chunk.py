"""Applying a chunk of assignments: what `assignment_plan` decided, as sets in PostgreSQL.

Against single changes by people and mass changes stand the indexes of open and of primary links; where another is
quicker with the same link, all of the chunk is decided and done again.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Date, cast, or_, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from services.associates.bulk.assignment_plan import (
    Associate,
    Facts,
    OpenLink,
    Place,
    Plan,
    Row,
    Verdict,
    make_plan,
)
from services.associates.bulk.assignment_target import LABELS
from services.associates.bulk.chunk import CONFLICTS, GONE, TRIES, LinksResult, links_by_associate, make_did, tell_links
from services.associates.bulk.ids import pack
from services.associates.domain import links as domain
from services.associates.domain.links import AccountFacts
from services.associates.models import Associate as AssociateTable
from services.associates.models import Link
from shared.bulk import ChunkResult
from shared.db import uuid7s
from shared.forecast import Forecast
from shared.importing.job import ImportJob
from shared.importing.rows import CheckedRows
from shared.keys import code_key, email_key

END = """
WITH due AS (SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) AS d(id, day)), ended AS (
    UPDATE link SET ended_at = greatest(coalesce(due.day, now()), begun_at), ended_by = :actor,
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
    SELECT id, account, associate, role, leads, coalesce(day, now()), :actor, :actor_name
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
SELECT id, account, associate, role, begun, :actor, :actor_name, ended, :actor, :actor_name, 'removed', :job
FROM unnest(CAST(:ids AS uuid[]), CAST(:accounts AS uuid[]), CAST(:associates AS uuid[]), CAST(:roles AS text[]),
    CAST(:begun AS date[]), CAST(:ended AS date[])) AS d(id, account, associate, role, begun, ended)
"""
LEAD = "UPDATE link SET is_primary = true WHERE id = ANY(:lead)"
SHOWN = ("customer_code", "associate_code", "associate_email", "role", "primary", "begun_on", "ended_on")


def apply_assignments(
    session: Session, job: ImportJob, checked: CheckedRows, accounts: Mapping[str, AccountFacts], spoiled: set[str]
) -> ChunkResult:
    """Write the rows of a chunk and say what became of each. Commits nothing.

    `accounts` are customers by the key of their code; `spoiled` the keys of those of whom a row could not be read.
    """
    domain.share_accounts(session)
    for left in reversed(range(TRIES)):
        try:
            with session.begin_nested():
                return _apply(session, job, checked, accounts, spoiled)
        except DBAPIError as error:
            if not left or not isinstance(error.orig, CONFLICTS):
                raise
    raise AssertionError("unreachable")


def check_assignments(
    session: Session, job: ImportJob, checked: CheckedRows, accounts: Mapping[str, AccountFacts], spoiled: set[str]
) -> dict[str, Any]:
    """Return what `apply_assignments` would answer, with what would change and a few rows. Nothing is written."""
    savepoint = session.begin_nested()
    try:
        session.execute(text("SET TRANSACTION READ ONLY"))
        rows = _rows(checked)
        plan = make_plan(rows, _facts(session, rows, accounts, is_look=True), job.mode, spoiled)
    finally:
        savepoint.rollback()
    forecast = Forecast()
    for verdict in plan.verdicts:
        row, wanted = verdict.wanted.row, verdict.wanted
        if verdict.outcome == "created":
            shown = {name: row[name] for name in SHOWN} | {"role": wanted.place.role}
            forecast.creates(row["_row"], row["_line"], shown)
        elif verdict.outcome == "updated":
            label = f"{wanted.account}: {wanted.associate.name}, {wanted.place.role.replace('_', ' ')}"
            forecast.updates(row["_row"], row["_line"], label, verdict.changes)
    return forecast.answer(_counted(checked, plan))


def _apply(
    session: Session, job: ImportJob, checked: CheckedRows, accounts: Mapping[str, AccountFacts], spoiled: set[str]
) -> LinksResult:
    rows = _rows(checked)
    plan = make_plan(rows, _facts(session, rows, accounts), job.mode, spoiled)
    result = _counted(checked, plan)
    result.by = (str(job.actor_id), job.actor_name)
    result.created_ids = _write(session, job, plan)
    result.links = links_by_associate(session)
    tell_links(session)
    return result


def _rows(checked: CheckedRows) -> Sequence[Row]:
    return checked.rows.sort("_row").to_dicts()


def _counted(checked: CheckedRows, plan: Plan) -> LinksResult:
    """Return the counts of a plan, which are those of the run."""
    result = LinksResult(refusals=list(checked.refusals), fields=Counter())
    for row, refused in plan.refused:
        result.refusals.append(refused.refusal_of(row, LABELS))
    result.refusals.sort(key=lambda refusal: refusal.row)
    result.failed = len(result.refusals)
    for verdict in plan.verdicts:
        _count(result, verdict)
    return result


def _count(result: LinksResult, verdict: Verdict) -> None:
    setattr(result, verdict.outcome, getattr(result, verdict.outcome) + 1)
    if verdict.outcome == "updated":
        result.changes(verdict.changes)


def _facts(
    session: Session, rows: Sequence[Row], accounts: Mapping[str, AccountFacts], *, is_look: bool = False
) -> Facts:
    """Read what is there, and keep it from changes by others unless this is only a look."""
    keys = {code_key(row["customer_code"]) for row in rows if row["customer_code"]}
    meant = {key: accounts[key] for key in keys if key in accounts}
    ids = sorted({one.id for one in meant.values()})
    lock = "" if is_look else "FOR UPDATE"
    found = session.execute(text(f"{OPEN} {lock}"), {"accounts": ids}).all()
    links = {
        Place(row.account_id, row.associate_id, row.role): OpenLink(row.id, row.is_primary, row.day) for row in found
    }
    over = {meant[key].id for row in rows if row["ended_on"] and (key := code_key(row["customer_code"] or "")) in meant}
    former = session.execute(
        select(Link.account_id, Link.associate_id, Link.role, cast(Link.ended_at, Date)).where(
            Link.account_id.in_(over), Link.ended_at.is_not(None), Link.cause != "undone"
        )
    )
    return Facts(
        accounts=meant,
        gone=set(session.scalars(text(GONE), {"accounts": ids})),
        associates=_associates(session, rows, [place.associate for place in links], is_look=is_look),
        links=links,
        former={(Place(*row[:3]), row[3]) for row in former},
        today=datetime.now(UTC).date(),
    )


OPEN = """
SELECT id, account_id, associate_id, role, is_primary, CAST(begun_at AS date) AS day FROM link
WHERE account_id = ANY(:accounts) AND ended_at IS NULL ORDER BY account_id, associate_id, role
"""


def _associates(
    session: Session, rows: Sequence[Row], others: Sequence[uuid.UUID], *, is_look: bool
) -> list[Associate]:
    """Return the associates that rows name, and those who have links; nobody deletes them before this ends."""
    codes = {code_key(row["associate_code"]) for row in rows if row["associate_code"]}
    emails = {email_key(row["associate_email"]) for row in rows if row["associate_email"]}
    named = or_(
        AssociateTable.code_key.in_(codes), AssociateTable.email_key.in_(emails), AssociateTable.id.in_(set(others))
    )
    columns = ("id", "code", "name", "email_key", "status")
    query = select(*(getattr(AssociateTable, name) for name in columns)).where(named).order_by(AssociateTable.id)
    found = session.execute(query if is_look else query.with_for_update(read=True))
    return [Associate(row.id, row.code, row.name, row.email_key, row.status == "active") for row in found]


def _write(session: Session, job: ImportJob, plan: Plan) -> bytes:
    """Write a plan; return what the receipt keeps for undo: links begun, ended, made primary, and no longer primary."""
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
    return pack([*begun.values(), *over], list(plan.end), first_now, stepped)


def _columns(places: Sequence[Place]) -> dict[str, list[Any]]:
    return {
        "accounts": [place.account for place in places],
        "associates": [place.associate for place in places],
        "roles": [place.role for place in places],
    }
