"""Imports of users (I1, P4): by the rules of the screen, exactly once, told before, and taken back."""

import hashlib
import io
import json
import uuid
from typing import Any

import polars as pl
import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.imports.domain.matching import suggest
from services.imports.domain.sample import csv_of
from services.imports.domain.target import Target
from services.portal.bulk.rows import FIELDS
from services.portal.bulk.target import TARGET_FIELDS, users_target
from services.portal.domain import credentials, setup, switches, ties, users
from services.portal.models import AuditEntry, Outbox, User
from shared.bulk import COUNTS
from shared.testing import client_of_service
from tests.portal.conftest import GOOD
from tests.portal.import_users.applying import ADA, apply, counts, named, refused
from tests.portal.import_users.conftest import Make

# --- adding and changing


def test_users_when_imported_are_there_and_cannot_sign_in(session: Session, boss: User) -> None:
    result = apply(session, boss, ADA, {"name": "Jo Ray", "email": "Jo@ex.example", "kind": "Kunde", "active": "no"})
    assert counts(result) == {"created": 2}
    ada, jo = named(session, "ADA"), named(session, "jo@ex.example")
    assert (ada.name, ada.email, ada.code, ada.kind, ada.active) == (
        "Ada Lovelace", "ada@ex.example", "E1", "employee", True
    )  # fmt: skip
    assert [role.name for role in ada.roles] == ["Staff"]
    assert (jo.kind, jo.active, jo.roles) == ("customer", False, [])
    assert not ada.has_password
    entry = session.scalars(select(AuditEntry).where(AuditEntry.subject_id == ada.id)).one()
    assert (entry.action, entry.actor_name, entry.details["by"]) == ("user_added", "Carla Chief", "import of users.csv")
    assert session.scalars(select(Outbox.payload["username"].astext)).all()[-2:] == ["ada", "Jo@ex.example"]


def test_users_when_known_are_changed_in_what_differs(session: Session, boss: User) -> None:
    apply(session, boss, ADA)
    version = named(session, "ada").version
    assert counts(apply(session, boss, ADA | {"username": "Ada"})) == {"unchanged": 1}
    assert named(session, "ada").version == version
    result = apply(session, boss, {"username": "ada", "roles": "viewer; STAFF", "name": "Ada King", "email": None})
    assert counts(result) == {"updated": 1}
    assert result.fields == {"roles": 1, "name": 1}
    ada = named(session, "ada")
    assert ([role.name for role in ada.roles], ada.email) == (["Staff", "Viewer"], "ada@ex.example")
    apply(session, boss, {"username": "ada", "email": None, "code": None, "roles": None}, blank="clear")
    ada = named(session, "ada")
    assert (ada.email, ada.code, len(ada.roles)) == (None, None, 2)
    apply(session, boss, {"username": "ada", "roles": "None", "active": "0"})
    assert (named(session, "ada").roles, named(session, "ada").active) == ([], False)


def test_password_and_sign_in_of_a_known_user_stay_as_they_are(session: Session, boss: User, browser: Any) -> None:
    apply(session, boss, ADA)
    credentials.set_password(session, setup.SYSTEM, named(session, "ada").id, GOOD, temporary=False)
    before = named(session, "ada").password_hash
    apply(session, boss, ADA | {"name": "Ada King", "kind": "employee"})
    assert named(session, "ada").password_hash == before
    session.commit()
    assert browser.sign_in("ada").status_code == 303


def test_rows_when_matched_by_email_find_the_one_with_it(session: Session, boss: User) -> None:
    rows = [ADA, {"username": "a", "name": "A", "email": "two@ex.example"}]
    apply(session, boss, *rows, {"username": "b", "name": "B", "email": "TWO@ex.example"})
    result = apply(
        session,
        boss,
        {"email": "ADA@ex.example", "name": "Ada King"},
        {"email": "two@ex.example", "name": "X"},
        {"email": "ada@EX.example", "username": "other", "name": "Y"},
        {"email": None, "name": "Z"},
        {"email": "new@ex.example", "name": "New"},
        match="email",
    )
    assert counts(result) == {"created": 1, "updated": 1, "failed": 3}
    assert refused(result) == [
        (2, "email", "ambiguous_match"), (3, "email", "repeated_key"), (4, "email", "email_required"),
    ]  # fmt: skip
    assert "Fits 2 users: a, b." in result.refusals[0].message
    assert named(session, "new@ex.example").name == "New"
    differs = apply(session, boss, {"email": "ada@ex.example", "username": "other"}, match="email")
    assert refused(differs) == [(1, "username", "username_differs")]


def test_modes_leave_out_what_they_do_not_mean(session: Session, boss: User) -> None:
    apply(session, boss, ADA)
    rows = [ADA | {"name": "X"}, {"username": "new", "name": "New"}]
    assert counts(apply(session, boss, *rows, mode="create")) == {"created": 1, "skipped": 1}
    assert counts(apply(session, boss, *rows, {"username": "n2", "name": "N"}, mode="update")) == {
        "updated": 1, "unchanged": 1, "skipped": 1,
    }  # fmt: skip


def test_rows_that_cannot_be_are_refused_with_their_reason(session: Session, boss: User) -> None:
    apply(session, boss, ADA)
    wrong = [
        ({"username": "x"}, ("name", "name_required")),
        ({"name": "X"}, ("username", "username_required")),
        ({"username": "has space", "name": "X"}, ("username", "invalid")),
        ({"username": "x", "name": "X", "email": "nonsense"}, ("email", "invalid")),
        ({"username": "x", "name": "X", "kind": "boss"}, ("kind", "invalid")),
        ({"username": "x", "name": "X", "active": "perhaps"}, ("active", "invalid")),
        ({"username": "x", "name": "X", "roles": "Staff; Kings"}, ("roles", "role_not_found")),
        ({"username": "x", "name": "X", "kind": "vendor", "roles": "Staff"}, ("roles", "roles_are_for_employees")),
        ({"username": "x", "name": "X", "code": "e1"}, ("code", "code_taken")),
        ({"username": "x", "name": "X", "kind": "associate"}, ("associate", "associate_missing")),
        ({"username": "x", "name": "X", "associate": "D1"}, ("associate", "partner_management_off")),
        ({"username": "x", "name": "X" * 201}, ("name", "invalid")),
        ({"username": "x", "name": "NUL\0"}, ("name", "invalid")),
    ]
    for row, why in wrong:
        assert refused(apply(session, boss, row)) == [(1, *why)], row
    assert counts(apply(session, boss, *(row for row, _ in wrong[2:]), ADA)) == {"failed": 11, "unchanged": 1}


def test_row_that_gives_a_user_the_code_of_another_is_refused_alone(session: Session, boss: User) -> None:
    bo = {"username": "bo", "name": "Bo", "code": "B1"}
    apply(session, boss, ADA, bo)
    result = apply(session, boss, bo | {"code": "e1"}, ADA | {"name": "Ada King"})
    assert (refused(result), counts(result)) == ([(1, "code", "code_taken")], {"updated": 1, "failed": 1})
    assert (named(session, "bo").code, named(session, "ada").name) == ("B1", "Ada King")


def test_user_of_an_associate_is_tied_by_its_code(session: Session, boss: User) -> None:
    switches.switch(session, setup.SYSTEM, switches.PARTNER_MANAGEMENT, on=True)
    dana = uuid.uuid4()
    ties.keep_associates(session, {dana: ties.AssociateFacts("D1", "Dana", True)})
    session.flush()
    row = {"username": "dana", "name": "Dana", "kind": "partner", "associate": "d1"}
    assert counts(apply(session, boss, row, row | {"username": "e", "associate": "D2"})) == {"created": 1, "failed": 1}
    assert named(session, "dana").associate_id == dana
    assert counts(apply(session, boss, row)) == {"unchanged": 1}


# --- what nobody gives by a file


def test_rights_that_the_importer_lacks_are_given_to_nobody(session: Session, helpdesk: User, make_user: Make) -> None:
    staff = make_user("Manager", name="Max")
    result = apply(
        session,
        helpdesk,
        {"username": "new", "name": "New", "roles": "Administrator"},
        {"username": "new2", "name": "New", "roles": "Helpdesk"},
        {"username": staff.username, "name": "Taken over", "email": "mine@ex.example"},
        {"username": helpdesk.username, "roles": "Administrator"},
        {"username": helpdesk.username + "x", "name": "Same", "roles": "Manager;Helpdesk"},
    )
    assert counts(result) == {"created": 1, "failed": 4}
    codes = {one.row: one.code for one in result.refusals}
    assert codes == dict.fromkeys((1, 3, 5), "beyond_your_permissions") | {4: "not_yourself"}
    assert named(session, staff.username).name == "Max"
    assert [role.name for role in named(session, helpdesk.username).roles] == ["Helpdesk"]


@pytest.mark.parametrize("row", [{"roles": "none"}, {"active": "no"}, {"kind": "customer"}])
def test_own_rights_are_not_changed_by_an_import(session: Session, boss: User, row: dict[str, str]) -> None:
    result = apply(session, boss, {"username": boss.username, **row})
    assert refused(result) == [(1, next(iter(row)), "not_yourself")]
    assert counts(apply(session, boss, {"username": boss.username, "email": "boss@ex.example"})) == {"updated": 1}


@pytest.mark.parametrize("change", [{"active": False}, {"roles": []}])
def test_importer_who_lost_the_right_meanwhile_changes_nothing(
    session: Session, boss: User, change: dict[str, Any]
) -> None:
    users.edit_user(session, setup.SYSTEM, boss.id, named(session, boss.username).version, change)
    session.flush()
    assert refused(apply(session, boss, ADA)) == [(1, None, "not_permitted")]


def test_chunk_when_it_comes_twice_is_applied_once_and_undone_once(app: Flask, session: Session, boss: User) -> None:
    client = client_of_service(app, "imports")
    file = io.BytesIO()
    pl.DataFrame({"_row": [1, 2], "_line": [2, 3], "username": ["ada", "bo"], "name": ["Ada", None]}).write_ipc(file)
    about = {"kind": "users", "mode": "both", "match": "username", "blank": "keep", "actor_id": str(boss.id),
             "actor_name": boss.name, "file_name": "users.csv"}  # fmt: skip
    body = file.getvalue()
    headers = {"Liaison-Checksum": hashlib.sha256(body).hexdigest(), "Liaison-Job": json.dumps(about)}
    place = f"/internal/chunks/{uuid.uuid4()}/0"
    told = client.post(f"{place}/check", data=body, headers=headers)
    assert told.json["created"] == told.json["failed"] == 1
    assert told.json["sample"]["created"][0]["values"][0] == {"field": "username", "value": "ada"}
    first, second = (client.post(place, data=body, headers=headers).json for _ in range(2))
    assert (first["repeated"], second["repeated"]) == (False, True)
    assert {name: first[name] for name in COUNTS} == {name: second[name] for name in COUNTS}
    assert session.scalar(select(func.count()).select_from(User).where(User.username == "ada")) == 1
    asked = {"kind": "users", "actor_id": str(boss.id), "actor_name": boss.name, "file_name": "users.csv"}
    taken, again = (client.post(f"{place}/undo", json=asked).json for _ in range(2))
    assert (taken["removed"], taken["repeated"], again["removed"], again["repeated"]) == (1, False, 1, True)
    assert client.post(f"{place}/void").json["answer"]["created"] == 1
    assert client.post(f"{place.rpartition('/')[0].replace('chunks', 'jobs')}/fence").json == {"applied": [0]}
    later = client.post(f"{place.removesuffix('/0')}/1", data=body, headers=headers)
    assert (later.status_code, later.json["code"]) == (409, "fence_closed")
    wrong = client.post(place, data=body + b"x", headers=headers)
    assert (wrong.status_code, wrong.json["code"]) == (422, "chunk_unreadable")
    assert client.get("/internal/import-targets/customers").status_code == 404
    code = headers | {"Liaison-Job": json.dumps(about | {"match": "code"})}
    assert client.post(place, data=body, headers=code).status_code == 422


def test_target_names_every_field_and_its_sample_is_right(session: Session, boss: User) -> None:
    assert tuple(field.name for field in TARGET_FIELDS) == FIELDS
    target = Target.from_json(users_target())
    header = csv_of(target).decode("utf-8-sig").splitlines()[0].split(",")
    assert all(match.how == "exact" for match in suggest(header, target))
    assert counts(apply(session, boss, *users_target()["sample"])) == {"created": 2}
    assert target.chunk_rows == 500
    assert any("password" in line for line in target.instructions)


def test_header_of_another_program_is_matched() -> None:
    header = ["Login", "First Name", "Last Name", "E-Mail", "User type", "Employee No", "Roles", "Enabled"]
    matches = suggest(header, Target.from_json(users_target()))
    assert [match.field for match in matches] == [
        "username", "first_name", "last_name", "email", "kind", "code", "roles", "active",
    ]  # fmt: skip


def test_first_and_last_name_are_the_name_where_there_is_none(session: Session, boss: User) -> None:
    parts = {"first_name": "Maria", "last_name": "Delgado"}
    apply(session, boss, {"username": "m", "name": None, **parts}, {"username": "n", "name": "Nora", **parts})
    assert [named(session, one).name for one in ("m", "n")] == ["Maria Delgado", "Nora"]
    assert refused(apply(session, boss, {"username": "x", "first_name": None})) == [(1, "name", "name_required")]
