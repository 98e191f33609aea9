"""Imports of users (I1, P4): by the rules of the screen, exactly once, told before, and taken back."""

import hashlib
import io
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from services.imports.domain.matching import suggest
from services.imports.domain.sample import csv_of
from services.imports.domain.target import Target
from services.portal.bulk.chunk import apply_rows, dry_run_rows
from services.portal.bulk.people import image_of
from services.portal.bulk.rows import FIELDS, check_rows
from services.portal.bulk.target import TARGET_FIELDS, users_target
from services.portal.bulk.undo import undo_users
from services.portal.domain import credentials, setup, switches, ties, users
from services.portal.models import AuditEntry, ImportedUser, Outbox, Role, User
from shared.bulk import COUNTS, UNDO_COUNTS
from shared.importing.job import ImportJob, UndoJob
from shared.testing import client_of_service
from tests.every_row import outcomes
from tests.portal.conftest import GOOD

ADA = {"username": "ada", "name": "Ada Lovelace", "email": "ada@ex.example", "code": "E1", "roles": "Staff"}
Make = Callable[..., User]


@pytest.fixture
def boss(make_user: Make) -> User:
    """An administrator, who imports."""
    return make_user("Administrator", name="Carla Chief")


def job_of(actor: User, **choices: Any) -> ImportJob:
    told = {"mode": "both", "match": "username", "blank": "keep", "file_name": "users.csv", **choices}
    job_id = told.pop("id", None) or uuid.uuid4()
    return ImportJob(id=job_id, kind="users", actor_id=actor.id, actor_name=actor.name, **told)


def checked(rows: Any) -> Any:
    names = list(dict.fromkeys(name for row in rows for name in row))
    places = [
        {"_row": at + 1, "_line": at + 2, **{name: row.get(name) for name in names}} for at, row in enumerate(rows)
    ]
    return check_rows(names, places)


def apply(session: Session, actor: User, *rows: dict[str, str | None], **choices: Any) -> Any:
    """Apply rows as a chunk; it is what a check told before, and the check leaves nothing."""
    job = job_of(actor, **choices)
    before = everything(session)
    told = dry_run_rows(session, replace(job, every_row=True), checked(rows))
    session.expire_all()
    assert everything(session) == before
    assert outcomes(told) == {name: told[name] for name in COUNTS if told[name]}
    result = apply_rows(session, job, checked(rows))
    session.expire_all()
    done = result.to_json()
    assert {name: told[name] for name in (*COUNTS, "refusals", "fields")} == {
        name: done[name] for name in (*COUNTS, "refusals", "fields")
    }
    assert sum(done[name] for name in COUNTS) == len(rows)
    return result


def undo(session: Session, actor: User, job_id: uuid.UUID) -> Any:
    result = undo_users(session, UndoJob(job_id, 0, "users", actor.id, actor.name, "users.csv"))
    session.flush()
    session.expire_all()
    return result


def everything(session: Session) -> list[Any]:
    """Return all users as people see them, and how much was noted and told."""
    rows = [session.scalar(select(func.count()).select_from(table)) for table in (AuditEntry, Outbox, ImportedUser)]
    return [state(session), rows]


def state(session: Session) -> dict[str, Any]:
    session.expire_all()
    return {str(one.id): image_of(one) for one in session.scalars(select(User))}


def counts(result: Any, names: tuple[str, ...] = COUNTS) -> dict[str, int]:
    return {name: getattr(result, name) for name in names if getattr(result, name)}


def refused(result: Any) -> list[tuple[int, str | None, str]]:
    return [(one.row, one.column, one.code) for one in result.refusals]


def named(session: Session, username: str) -> User:
    return users.user_named(session, username)


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


@pytest.fixture
def helpdesk(session: Session, make_user: Make) -> User:
    """Somebody who may manage users and import, but not everything."""
    role = Role(name="Helpdesk", name_key="helpdesk", permissions=["users.manage", "import", "undo", "customers.view"])
    session.add(role)
    session.commit()
    return make_user("Helpdesk", name="Hal")


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


# --- taking back


def test_created_user_when_unused_is_removed_and_noted(session: Session, boss: User) -> None:
    before, job_id = state(session), uuid.uuid4()
    apply(session, boss, ADA, id=job_id)
    ada = named(session, "ada").id
    assert counts(undo(session, boss, job_id), UNDO_COUNTS) == {"removed": 1}
    assert state(session) == before
    last = session.scalars(
        select(AuditEntry).where(AuditEntry.subject_id == ada).order_by(AuditEntry.at.desc())
    ).first()
    assert last is not None
    assert (last.action, last.details["by"]) == ("user_removed", "undo of the import of users.csv")


@pytest.mark.parametrize(
    ("since", "reason", "words"),
    [
        ("UPDATE portal_user SET last_sign_in_at = now() WHERE username = 'ada'", "signed_in", "has signed in since"),
        ("UPDATE portal_user SET name = 'Ada King' WHERE username = 'ada'", "changed", "changed this user since"),
        ("UPDATE portal_user SET password_hash = 'x' WHERE username = 'ada'", "password_set", "set a password"),
    ],
)
def test_created_user_when_used_since_is_kept_and_listed(
    session: Session, boss: User, since: str, reason: str, words: str
) -> None:
    job_id = uuid.uuid4()
    apply(session, boss, ADA, id=job_id)
    session.execute(text(since))
    result = undo(session, boss, job_id)
    assert counts(result, UNDO_COUNTS) == {"kept": 1}
    [kept] = result.left
    assert (kept.record, kept.field, kept.reason) == ("user", None, reason)
    assert words in kept.message
    assert kept.url == f"/settings/users/{named(session, 'ada').id}"


def test_changed_user_gets_back_what_nobody_changed_since(session: Session, boss: User) -> None:
    apply(session, boss, ADA, {"username": "bo", "name": "Bo"})
    job_id = uuid.uuid4()
    apply(session, boss, ADA | {"name": "X", "roles": "Viewer"}, {"username": "bo", "name": "Y"}, id=job_id)
    ada = named(session, "ada")
    users.edit_user(session, setup.SYSTEM, ada.id, ada.version, {"name": "By hand"})
    session.flush()
    result = undo(session, boss, job_id)
    assert counts(result, UNDO_COUNTS) == {"restored": 1, "kept": 1}
    assert [(one.field, one.message) for one in result.left] == [("name", "Liaison changed it since.")]
    ada = named(session, "ada")
    assert (ada.name, [role.name for role in ada.roles], named(session, "bo").name) == ("By hand", ["Staff"], "Bo")


def test_undo_of_what_the_person_may_not_give_is_kept(
    session: Session, boss: User, helpdesk: User, make_user: Make
) -> None:
    job_id = uuid.uuid4()
    apply(session, boss, ADA | {"roles": "Manager"}, id=job_id)
    result = undo(session, helpdesk, job_id)
    assert [one.reason for one in result.left] == ["beyond_your_permissions"]
    nobody = make_user("Viewer")
    assert [one.reason for one in undo(session, nobody, job_id).left] == ["not_permitted"]
    assert named(session, "ada").name == "Ada Lovelace"


CELL = {
    "username": st.sampled_from([None, "ada", "Ada", "bo", "cy"]),
    "name": st.sampled_from([None, "A", "B"]),
    "email": st.sampled_from([None, "a@ex.example", "A@ex.example", "b@ex.example", "bad"]),
}
ROW = st.fixed_dictionaries(
    CELL,
    optional={
        "kind": st.sampled_from([None, "employee", "customer"]),
        "code": st.sampled_from([None, "1", "2"]),
        "roles": st.sampled_from([None, "Staff", "Viewer; Staff", "none", "Nobody's"]),
        "active": st.sampled_from([None, "yes", "no"]),
    },
)
JOB = st.tuples(
    st.lists(ROW, min_size=1, max_size=5),
    st.sampled_from(["create", "update", "both"]),
    st.sampled_from(["username", "email"]),
    st.sampled_from(["keep", "clear"]),
    st.sampled_from(["refuse", "fold"]),
)


@settings(max_examples=40)
@given(jobs=st.lists(JOB, min_size=1, max_size=3))
def test_any_imports_when_undone_newest_first_leave_what_was_there(session: Session, boss: User, jobs: Any) -> None:
    """`apply` holds that each is told beforehand as it is then applied."""
    with session.begin_nested() as everything_here:
        done = []
        for rows, mode, match, blank, repeated in jobs:
            before, job_id = state(session), uuid.uuid4()
            apply(session, boss, *rows, id=job_id, mode=mode, match=match, blank=blank, repeated=repeated)
            done.append((job_id, before))
        for job_id, before in reversed(done):
            assert undo(session, boss, job_id).left == []
            assert state(session) == before
        everything_here.rollback()


# --- over the wire


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
