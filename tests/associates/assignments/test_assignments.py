"""A10: assignments from a file: links begun, ended, replaced, told before, taken back."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest
from flask import Flask
from sqlalchemy import event, select

from services.associates.bulk import receipts
from services.associates.bulk.assignment_target import TARGET_FIELDS, assignments_target
from services.associates.bulk.rows import ASSIGNMENT_ROW
from services.associates.domain import associates, link_ends
from services.associates.domain.history import read_history
from services.associates.domain.links import AccountFacts
from services.associates.models import Change, Link, Outbox
from services.imports.domain.matching import suggest
from services.imports.domain.target import Target
from shared.db import read_only, unit_of_work
from shared.events.associates import each_link
from shared.testing import client_of_service
from tests.associates.assignments.applying import TODAY, Made, apply, filled, row, undo
from tests.associates.conftest import ADA, KnownAccounts
from tests.associates.import_chunks import (
    body_of,
    counts,
    frame,
    headers_of,
    job,
    refused,
    standing,
    undone,
)


def test_rows_when_new_begin_links_by_code_or_email_in_their_role(people: Any) -> None:
    accounts, made = people
    told = job("assignments")
    done = apply(
        accounts,
        row("C1", "dana", primary="yes", begun_on="1.4.2024"),
        row("c1", "BEN", role="Lead source"),
        row("C2", None, associate_email="Eve@X.example", role="sales", action="add"),
        id=told.id,
    )
    assert counts(done) == {"created": 3}
    one, two = accounts["C1"].id, accounts["C2"].id
    assert standing() == {
        (one, made["dana"].id, "manages", True),
        (one, made["ben"].id, "lead_source", False),
        (two, made["eve"].id, "sales", False),
    }
    with read_only() as session:
        begun = session.scalars(select(Link).where(Link.associate_id == made["dana"].id)).one()
        told_links = session.scalars(select(Outbox).where(Outbox.name == "associates.links_changed.v2")).one()
    noon = datetime(2024, 4, 1, 12, tzinfo=UTC)  # which is that day nearly everywhere
    assert (begun.begun_at, begun.begun_by_name) == (noon, "Ada Admin")
    assert len(list(each_link(told_links.payload["begun"]))) == 3
    assert counts(apply(accounts, row("C1", "dana", primary="yes"))) == {"unchanged": 1}


def test_rows_when_wrong_are_refused_with_a_message_that_says_what_to_do(people: Any, make_associate: Made) -> None:
    accounts, made = people
    make_associate("Twin", code="twin", email="ben@x.example")
    with unit_of_work() as session:
        associates.set_associate_status(session, ADA, made["eve"].id, "inactive", "left")
        link_ends.end_links_of_accounts(session, ADA, [accounts["C2"].id])
    soon = (TODAY + timedelta(days=2)).isoformat()
    done = apply(
        accounts,
        row(None, "dana"),
        row("C9", "dana"),
        row("C2", "dana"),
        row("C1", "nobody"),
        row("C1", None, associate_email="nobody@x.example"),
        row("C1", None, associate_email="ben@x.example"),
        row("C1"),
        row("C1", "eve"),
        row("C1", "dana", role="friend"),
        row("C1", "dana", begun_on="03/04/2024"),
        row("C1", "dana", begun_on=soon),
        row("C1", "dana", role="sales", ended_on=soon),
        row("C1", "dana", begun_on="2024-02-02", ended_on="2024-01-01"),
        row("C1", "dana", action="replace", ended_on="2024-01-01"),
        row("C1", "dana", primary="yes"),
        row("C1", "dana"),
        row("C1", "ben", role="sales", primary="yes"),
    )
    assert counts(done) == {"created": 1, "failed": 16}
    assert refused(done) == [
        (1, "customer_code", "code_required"),
        (2, "customer_code", "customer_not_found"),
        (3, "customer_code", "customer_deleted"),
        (4, "associate_code", "associate_not_found"),
        (5, "associate_email", "associate_not_found"),
        (6, "associate_email", "ambiguous_match"),
        (7, "associate_code", "associate_required"),
        (8, "associate_code", "associate_inactive"),
        (9, "role", "invalid"),
        (10, "begun_on", "invalid"),
        (11, "begun_on", "in_future"),
        (12, "ended_on", "in_future"),
        (13, "ended_on", "ends_before_begin"),
        (14, "ended_on", "over_replaces"),
        (16, "associate_code", "repeated_key"),
        (17, "primary", "two_primaries"),
    ]
    messages = [one["message"] for one in done["refusals"]]
    assert messages[1] == "Customer's code: There is no customer or vendor with this code."
    assert messages[5] == "Associate's e-mail: Fits 2 associates: ben, twin. Give the code."
    assert messages[9] == "From: Write the day as 2026-12-31 or 31.12.2026."
    assert messages[14] == "Associate's code: Came before, on line 16."


def test_inactive_associate_when_it_looks_after_the_customer_already_stays(people: Any, make_link: Made) -> None:
    accounts, made = people
    make_link(accounts["C1"], made["eve"])
    with unit_of_work() as session:
        associates.set_associate_status(session, ADA, made["eve"].id, "inactive", "left")
    assert counts(apply(accounts, row("C1", "eve"), row("C2", "dana"))) == {"unchanged": 1, "created": 1}


def test_replace_when_all_its_rows_are_right_leaves_them_alone_in_the_role(people: Any, make_link: Made) -> None:
    accounts, made = people
    one, two = accounts["C1"], accounts["C2"]
    make_link(one, made["dana"], primary=True)
    make_link(one, made["dana"], "sales")
    make_link(two, made["dana"])
    before = standing()
    told = uuid.uuid4()
    done = apply(accounts, row("C1", "ben", action="replace"), row("C1", "eve", action="replace"), id=told)
    assert counts(done) == {"created": 2}
    assert standing() == {
        (one.id, made["ben"].id, "manages", True),
        (one.id, made["eve"].id, "manages", False),
        (one.id, made["dana"].id, "sales", False),
        (two.id, made["dana"].id, "manages", False),
    }
    assert counts(apply(accounts, row("C1", "ben", action="replace"))) == {"updated": 1}
    assert undone(undo(told)) == {"kept": 1}  # somebody took Eve away since
    assert (one.id, made["dana"].id, "manages", True) in standing() & before


def test_replace_when_one_row_of_the_customer_is_refused_replaces_nobody_there(people: Any, make_link: Made) -> None:
    accounts, made = people
    make_link(accounts["C1"], made["dana"])
    before = standing()
    for wrong in (row("C1", "nobody", action="replace"), row("C1", "eve", role="friend", action="replace")):
        done = apply(accounts, row("C1", "ben", action="replace"), wrong)
        assert refused(done)[0] == (1, "action", "replaced_together")
        assert counts(done) == {"failed": 2}
        assert standing() == before
    assert refused(apply(accounts, row("C1", "ben", action="replace"), mode="create")) == [
        (1, "action", "mode_replaces")
    ]


def test_remove_and_over_when_brought_end_links_and_fill_the_history(people: Any, make_link: Made) -> None:
    accounts, made = people
    make_link(accounts["C1"], made["dana"])
    make_link(accounts["C1"], made["ben"], "sales")
    before, told = standing(), uuid.uuid4()
    rows = (
        row("C1", "dana", action="remove"),
        row("C1", "ben", role="sales", ended_on=TODAY.isoformat()),
        row("C2", "eve", begun_on="2020-01-01", ended_on="2023-12-31"),
        row("C2", "ben", action="remove"),
    )
    assert counts(apply(accounts, *rows, id=told)) == {"created": 1, "updated": 2, "unchanged": 1}
    assert standing() == set()
    with read_only() as session:
        over = session.scalars(select(Link).where(Link.associate_id == made["eve"].id)).one()
    assert (over.begun_at.date(), over.ended_at.date(), over.cause) == (date(2020, 1, 1), date(2023, 12, 31), "removed")
    assert counts(apply(accounts, *rows)) == {"unchanged": 4}
    assert undone(undo(told)) == {"removed": 1, "restored": 1}
    assert standing() == before
    with read_only() as session:
        assert session.scalars(select(Link).where(Link.associate_id == made["eve"].id)).first() is None


def test_primary_when_another_was_it_steps_back_and_leads_again_after_undo(people: Any, make_link: Made) -> None:
    accounts, made = people
    make_link(accounts["C1"], made["dana"], primary=True)
    make_link(accounts["C1"], made["ben"])
    make_link(accounts["C2"], made["dana"], primary=True)
    before, told = standing(), uuid.uuid4()
    done = apply(accounts, row("C1", "ben", primary="yes"), row("C2", "eve", primary="x"), id=told)
    assert (counts(done), done["fields"]) == ({"created": 1, "updated": 1}, {"primary": 1})
    assert (accounts["C1"].id, made["ben"].id, "manages", True) in standing()
    assert (accounts["C2"].id, made["dana"].id, "manages", False) in standing()
    assert undone(undo(told)) == {"restored": 2}
    assert standing() == before


def test_job_when_finished_is_one_line_of_history_of_each_associate(
    people: Any, app: Flask, known: KnownAccounts
) -> None:
    _, made = people
    told, client = job("assignments"), client_of_service(app, "imports")
    body, checksum = body_of(frame(*filled(row("C1", "dana"), row("C2", "dana"), row("C7", "dana"))))
    path = f"/internal/chunks/{told.id}/1"
    looked = client.post(f"{path}/check", data=body, headers=headers_of(told, checksum)).get_json()
    assert (looked["created"], looked["failed"], standing()) == (2, 1, set())
    assert looked["sample"]["created"][0]["values"][0] == {"field": "customer_code", "value": "C1"}
    answer = client.post(path, data=body, headers=headers_of(told, checksum)).get_json()
    assert (answer["created"], answer["refusals"][0]["code"]) == (2, "customer_not_found")
    for _ in range(2):
        client.post(f"/internal/jobs/{told.id}/finish", json={"kind": "assignments"})
    with read_only() as session:
        lines = read_history(session, made["dana"].id)[0]
    assert [(line.action, line.job_id) for line in lines] == [("linked_many", told.id), ("created", None)]
    assert {one.field: one.new for one in lines[0].changes} == {"customers": 2, "role": "manages"}
    who = {"actor_id": str(ADA.id), "actor_name": "Ada Admin", "kind": "assignments"}
    assert client.post(f"{path}/undo", json=who).get_json()["removed"] == 2
    client.post(f"/internal/jobs/{told.id}/finish", json={"kind": "assignments"})
    with read_only() as session:
        assert [line.action for line in read_history(session, made["dana"].id)[0]] == [
            "undone_many",
            "linked_many",
            "created",
        ]


def test_job_when_about_many_associates_is_written_down_in_few_statements(
    people: Any, app: Flask, make_associate: Made
) -> None:
    accounts, _ = people
    many = [make_associate(f"Many {at}", code=f"M{at}").code for at in range(40)]
    told, statements = job("assignments"), []
    apply(accounts, *[row("C1", code) for code in many], id=told.id)

    def note(*args: Any) -> None:
        statements.append(args[2])

    event.listen(app.extensions["liaison.engine"], "before_cursor_execute", note)
    try:
        with unit_of_work() as session:
            receipts.finish_job(session, told.id)
    finally:
        event.remove(app.extensions["liaison.engine"], "before_cursor_execute", note)
    assert len(statements) < 10
    with read_only() as session:
        lines = session.scalars(select(Change).where(Change.job_id == told.id)).all()
    assert [line.fields["customers"] for line in lines] == [[None, 1]] * 40


@pytest.mark.parametrize("over_first", [True, False])
def test_rows_when_one_is_over_and_one_goes_on_are_both_noted(people: Any, over_first: bool) -> None:
    accounts, _ = people
    over, now = row("C1", "dana", ended_on=TODAY.isoformat()), row("C1", "dana")
    answer = apply(accounts, *([over, now] if over_first else [now, over]))
    assert counts(answer) == {"created": 2}
    assert counts(apply(accounts, over, now)) == {"unchanged": 2}
    assert len(standing()) == 1


@pytest.mark.parametrize("leads", ["dana", "ben"])
def test_rows_when_one_is_over_and_one_replaces_are_both_noted(people: Any, make_link: Made, leads: str) -> None:
    accounts, made = people
    for name in ("dana", "ben"):
        make_link(accounts["C1"], made[name], primary=name == leads)
    rows = row("C1", "dana", action="replace"), row("C1", "dana", ended_on=TODAY.isoformat())
    assert counts(apply(accounts, *rows)) == {"created": 1, "updated": 1}
    assert standing() == {(accounts["C1"].id, made["dana"].id, "manages", True)}


def test_history_when_a_job_is_told_again_stays_as_it_was(people: Any, app: Flask) -> None:
    accounts, made = people
    told = job("assignments")
    apply(accounts, row("C1", "dana"), row("C1", "ben"), id=told.id)

    def finished() -> dict[Any, Any]:
        with unit_of_work() as session:
            receipts.finish_job(session, told.id)
        with read_only() as session:
            lines = session.scalars(select(Change).where(Change.job_id == told.id))
            return {(one.associate_id, one.action): (one.id, one.at, one.fields["customers"][1]) for one in lines}

    dana, ben = ((made[name].id, "linked_many") for name in ("dana", "ben"))
    first = finished()
    assert {which: line[2] for which, line in first.items()} == {dana: 1, ben: 1}
    apply(accounts, row("C2", "dana"), id=told.id, chunk_no=2)
    with unit_of_work() as session:
        associates.delete_associate(session, ADA, ben[0], None)
    second = finished()
    assert second == {dana: (*first[dana][:2], 2), ben: first[ben]}
    undo(told.id)
    assert finished() == {**second, (dana[0], "undone_many"): ANY}


def test_sample_when_read_is_matched_and_taken(people: Any, make_associate: Made) -> None:
    target = Target.from_json(assignments_target())
    assert [field.name for field in TARGET_FIELDS] == list(ASSIGNMENT_ROW.fields)
    header = [target.labels[field.name] for field in target.fields]
    assert [match.field for match in suggest(header, target)] == [field.name for field in target.fields]
    make_associate("Dana D", code="D-07", email="dana@dealer.example")
    make_associate("Jonas", code="E-112")
    accounts = {code: AccountFacts(uuid.uuid4(), code, code) for code in ("c00123", "c00124")}
    assert counts(apply(accounts, *assignments_target()["sample"])) == {"created": 3}
