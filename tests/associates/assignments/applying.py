"""Rows of assignments applied as a chunk, checked and taken back."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from services.associates.bulk.assignment_target import TARGET_FIELDS
from services.associates.domain.links import AccountFacts
from tests.associates import import_chunks

Made = Callable[..., Any]
TODAY = datetime.now(UTC).date()


def row(customer: str | None, associate: str | None = None, **more: str | None) -> dict[str, str | None]:
    return {"customer_code": customer, "associate_code": associate, **more}


def filled(*rows: dict[str, str | None]) -> list[dict[str, str | None]]:
    return [{field.name: None for field in TARGET_FIELDS} | one for one in rows]


def apply(accounts: dict[str, AccountFacts], *rows: dict[str, str | None], **choices: Any) -> dict[str, Any]:
    return import_chunks.apply(*filled(*rows), kind="assignments", accounts=accounts, **choices)


def check(accounts: dict[str, AccountFacts], *rows: dict[str, str | None], **choices: Any) -> dict[str, Any]:
    return import_chunks.check(*filled(*rows), kind="assignments", accounts=accounts, **choices)


def undo(job_id: uuid.UUID) -> dict[str, Any]:
    return import_chunks.undo(job_id, "assignments")
