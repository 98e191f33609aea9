"""What a preview is told of each row (I5): what becomes of it, and what its fields would hold."""

import json
import uuid
from typing import Any

import pytest
from sqlalchemy.orm import Session

from services.customers.app import create_bulk_app
from shared.testing import client_of_service
from tests.customers.bulk_chunks import account, apply, arrow, contacts, counts, frame
from tests.customers.test_dry_run import check, state
from tests.every_row import outcomes, values

ROWS = (
    {"code": "C1", "name": "Cobalt", "city": "Paris", "country": "Frankreich", "email": "A@Cobalt.example"},
    {"code": "C2", "name": "Delta", "city": None, "country": "Germany", "email": None},
    {"code": "C3", "name": " Echo Labs ", "city": "Köln", "country": "Germany", "email": "e@echo.example"},
    {"code": "C4", "name": "Fox", "city": None, "country": None, "email": "no address"},
)


@pytest.fixture
def known(session: Session) -> None:
    """C1 and C2 are there."""
    there = {"code": "C1", "name": "Cobalt", "city": "Lyon", "country": "FR", "email": "a@cobalt.example"}
    apply(session, there, {"code": "C2", "name": "Delta", "country": "DE"})


def test_rows_when_asked_one_by_one_are_told_as_they_are_then_stored(session: Session, known: None) -> None:
    seen = state(session)
    told = check(session, *ROWS, every_row=True)
    assert state(session) == seen
    assert [(one["row"], one["outcome"]) for one in told["rows"]] == [(1, "updated"), (2, "unchanged"), (3, "created")]
    assert [one["row"] for one in told["refusals"]] == [4]
    assert told["rows"][0]["old"]["city"] == "Lyon"
    assert told["rows"][1]["old"] == told["rows"][2]["old"] == {}
    apply(session, *ROWS)
    for row, code in ((1, "C1"), (2, "C2"), (3, "C3")):
        stored = account(session, code)
        for name, value in values(told, row).items():
            assert value == getattr(stored, name), (code, name)
    assert values(told, 3)["country"] == "DE"
    assert values(told, 3)["name"] == "Echo Labs"


def test_cells_when_blank_ones_clear_are_told_empty(session: Session, known: None) -> None:
    told = check(session, {"code": "C1", "name": "Cobalt", "city": None}, blank="clear", every_row=True)
    [row] = told["rows"]
    assert (row["values"]["city"], row["old"]["city"]) == (None, "Lyon")


@pytest.mark.parametrize(("mode", "row"), [("create", "C1"), ("update", "C9")])
def test_rows_when_the_mode_leaves_them_out_are_told_so(session: Session, known: None, mode: str, row: str) -> None:
    told = check(session, {"code": row, "name": "Cobalt", "country": "Germany"}, mode=mode, every_row=True)
    assert outcomes(told) == {"skipped": 1}
    assert values(told, 1)["country"] == "DE"


def test_columns_when_kept_are_told_by_their_names(session: Session) -> None:
    row = {"code": "C7", "name": "Gulf", "_attributes": json.dumps({"Colour": "red"})}
    for outcome in ("created", "unchanged"):
        told = check(session, row, every_row=True)
        assert outcomes(told) == {outcome: 1}
        assert values(told, 1)["attributes.Colour"] == "red"
        apply(session, row)


def test_contacts_when_asked_one_by_one_are_told_as_they_are_then_stored(session: Session, known: None) -> None:
    there = {"account_code": "C1", "last_name": "Petrov", "email": "p@cobalt.example"}
    apply(session, there, kind="contacts", match="contact")
    rows = (
        {**there, "phone": "+33 1 23456789"},
        {"account_code": "c1", "last_name": "Ray", "email": "Jo@Ray.example"},
        {"account_code": "C9", "last_name": "Who", "email": None},
    )
    told = check(session, *rows, kind="contacts", match="contact", every_row=True)
    assert outcomes(told) == counts(told) == {"created": 1, "updated": 1, "failed": 1}
    apply(session, *rows, kind="contacts", match="contact")
    [ray] = [one for one in contacts(session, "C1") if one.last_name == "Ray"]
    assert values(told, 2)["email"] == ray.email


def test_rows_of_a_chunk_when_not_asked_for_are_not_told(session: Session, customers_app: Any) -> None:
    bulk = create_bulk_app(customers_app.extensions["liaison.settings"])
    bulk.extensions["liaison.sessions"] = customers_app.extensions["liaison.sessions"]
    client = client_of_service(bulk, "imports")
    body, checksum = arrow(frame({"code": "C1", "name": "Cobalt"}))
    about = {"kind": "customers", "mode": "both", "match": "code", "blank": "keep", "actor_id": str(uuid.uuid4()),
             "actor_name": "Carla"}  # fmt: skip

    def ask(**more: Any) -> Any:
        headers = {"Liaison-Checksum": checksum, "Liaison-Job": json.dumps({**about, **more})}
        return client.post(f"/internal/chunks/{uuid.uuid4()}/0/check", data=body, headers=headers).json

    assert "rows" not in ask()
    assert [one["outcome"] for one in ask(every_row=True)["rows"]] == ["created"]
