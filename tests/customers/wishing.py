"""Rows of customers that name associates, as imports sends them, and associates as customers asks it."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers.bulk import receipts
from services.customers.bulk.dry_run import dry_run_rows
from services.customers.bulk.kinds import kind_of
from services.customers.bulk.undo import LinksTakenBack
from services.customers.bulk.wishes import with_wishes
from services.customers.domain import copies
from services.customers.models import Account, Outbox
from shared.importing.job import UndoJob
from shared.importing.rows import CheckedRows
from tests.customers.bulk_chunks import UMA, account, frame, job

Row = dict[str, str | None]
DANA, BEN, EVE = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
NAMES = {DANA: "Dana Dealer", BEN: "Ben Colleague", EVE: "Eve Gone"}
CODES = {"d-07": DANA, "e-112": BEN, "gone": EVE}
ROLES = {"manages": "manages", "sales": "sales", "sales rep": "sales", "service": "service"}
WISHED = "customers.assignments_wished.v1"


def asked(calls: list[Any] | None = None) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Answer as associates would that knows Dana (D-07), Ben (E-112), Eve, who is inactive, and two called Twin."""

    def one(code: str, called: Mapping[str, Any]) -> dict[str, Any]:
        who = CODES[code]
        return {"id": who, "code": code.upper(), "name": NAMES[who], "active": code != "gone"}

    def meant(called: Mapping[str, Any]) -> dict[str, Any]:
        code = (called["code"] or "").lower()
        if code == "other":
            return {"verdict": "other_code", "those": [one("d-07", called)]}
        if called["name"] == "Twin" and not code:
            return {"verdict": "ambiguous", "those": [one("d-07", called), one("e-112", called)]}
        if not code and called["email"] == "dana@x.example":
            code = "d-07"
        return (
            {"verdict": "found", "those": [one(code, called)]} if code in CODES else {"verdict": "unknown", "those": []}
        )

    def ask(body: Mapping[str, Any]) -> dict[str, Any]:
        if calls is not None:
            calls.append(body)
        return {
            "meant": [meant(called) for called in body["called"]],
            "roles": [ROLES.get(role.lower()) for role in body["roles"]],
        }

    return ask


def read(*rows: Row, calls: list[Any] | None = None, **choices: Any) -> tuple[Any, CheckedRows]:
    told = job(**choices)
    return told, with_wishes(kind_of(told.kind).check(frame(*rows)), told, asked(calls))


def apply(session: Session, *rows: Row, no: int = 1, **choices: Any) -> dict[str, Any]:
    """Apply rows as a chunk; return the answer."""
    told, checked = read(*rows, **choices)
    answer = receipts.apply_chunk(session, told, no, "sum", checked)
    session.expire_all()
    return answer


def check(session: Session, *rows: Row, **choices: Any) -> dict[str, Any]:
    told, checked = read(*rows, **choices)
    return dry_run_rows(session, told, checked, kind_of(told.kind).look)


def undo(session: Session, job_id: uuid.UUID, links: LinksTakenBack | None) -> dict[str, Any]:
    answer = receipts.undo_chunk(session, UndoJob(job_id, 1, "customers", UMA, "Uma Undoer", "c.csv"), links)
    session.expire_all()
    return answer


def told(session: Session) -> list[dict[str, Any]]:
    """Return what associates was asked for, oldest first; accounts by their codes."""
    codes = {str(one.id): one.code for one in session.scalars(select(Account))}
    events = session.scalars(select(Outbox.payload).where(Outbox.name == WISHED).order_by(Outbox.seq))
    return [
        {
            "mode": one["mode"],
            "links": sorted([codes[account], NAMES[who], role] for account, who, role in one["links"]),
            "new": [
                [*called, sorted([codes[account], role] for account, role in places)] for *called, places in one["new"]
            ],
        }
        for one in events
    ]


def look_after(session: Session, *links: tuple[str, str, str]) -> None:
    """Let the copy here say that who looks after whom."""
    copies.save_associates(session, [(uuid.UUID(one), one[-1], name, True, None) for one, name in NAMES.items()])
    begun = [[str(account(session, code).id), who, role] for code, who, role in links]
    copies.change_links(session, [], begun)
