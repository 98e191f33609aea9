"""Applying a chunk of assignments: `assignment_plan` decides, `link_writing` reads and writes."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, cast, or_, select, text
from sqlalchemy.orm import Session

from services.associates.bulk.assignment_plan import Facts, Place, Plan, Row, Verdict, make_plan
from services.associates.bulk.assignment_target import LABELS
from services.associates.bulk.chunk import LinksResult, links_by_associate, tell_links
from services.associates.bulk.link_writing import (
    gone_accounts,
    read_associates,
    read_links,
    write_plan,
)
from services.associates.domain.link_locks import replace_alone, share_accounts, until_unhindered
from services.associates.domain.links import AccountFacts
from services.associates.models import Associate as AssociateTable
from services.associates.models import Link
from shared.bulk import ChunkResult
from shared.forecast import Forecast
from shared.importing.ids import pack
from shared.importing.job import ImportJob
from shared.importing.rows import CheckedRows
from shared.keys import code_key, email_key

SHOWN = ("customer_code", "associate_code", "associate_email", "role", "primary", "begun_on", "ended_on")


def apply_assignments(
    session: Session, job: ImportJob, checked: CheckedRows, accounts: Mapping[str, AccountFacts], spoiled: set[str]
) -> ChunkResult:
    """Write the rows of a chunk and say what became of each. Commits nothing.

    `accounts` are customers by the key of their code; `spoiled` the keys of those of whom a row could not be read.
    """
    share_accounts(session)
    if (checked.rows["action"] == "replace").any():
        replace_alone(session)
    return until_unhindered(session, lambda: _apply(session, job, checked, accounts, spoiled))


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
    forecast = Forecast(every_row=job.every_row)
    for verdict in plan.verdicts:
        row, wanted = verdict.wanted.row, verdict.wanted
        if verdict.outcome == "created":
            shown = {name: row[name] for name in SHOWN} | {"role": wanted.place.role}
            forecast.creates(row["_row"], row["_line"], shown)
        elif verdict.outcome == "updated":
            label = f"{wanted.account}: {wanted.associate.name}, {wanted.place.role.replace('_', ' ')}"
            forecast.updates(row["_row"], row["_line"], label, verdict.changes)
    return forecast.answer(_counted(checked, plan), rows)


def _apply(
    session: Session, job: ImportJob, checked: CheckedRows, accounts: Mapping[str, AccountFacts], spoiled: set[str]
) -> LinksResult:
    rows = _rows(checked)
    plan = make_plan(rows, _facts(session, rows, accounts), job.mode, spoiled)
    result = _counted(checked, plan)
    result.by = (str(job.actor_id), job.actor_name)
    result.created_ids = pack(*write_plan(session, job, plan))
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
    if verdict.outcome == "skipped":
        result.skips([verdict.wanted.row["_row"]])
        return
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
    before = read_links(session, ids, is_look=True)
    associates = read_associates(session, _named(rows, [place.associate for place in before]), is_look=is_look)
    links = before if is_look else read_links(session, ids)
    over = {meant[key].id for row in rows if row["ended_on"] and (key := code_key(row["customer_code"] or "")) in meant}
    former = session.execute(
        select(Link.account_id, Link.associate_id, Link.role, cast(Link.ended_at, Date)).where(
            Link.account_id.in_(over), Link.ended_at.is_not(None), Link.cause != "undone"
        )
    )
    return Facts(
        accounts=meant,
        gone=gone_accounts(session, ids),
        associates=associates,
        links=links,
        former={(Place(*row[:3]), row[3]) for row in former},
        today=datetime.now(UTC).date(),
    )


def _named(rows: Sequence[Row], others: Sequence[uuid.UUID]) -> ColumnElement[bool]:
    """The condition of associates that rows name, and of those who have links."""
    codes = {code_key(row["associate_code"]) for row in rows if row["associate_code"]}
    emails = {email_key(row["associate_email"]) for row in rows if row["associate_email"]}
    return or_(
        AssociateTable.code_key.in_(codes), AssociateTable.email_key.in_(emails), AssociateTable.id.in_(set(others))
    )
