"""What an import of users did is taken back (I14): those it created while unused, what it changed while as it left it."""

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.portal.domain import setup, users
from services.portal.models import AuditEntry, User
from shared.bulk import UNDO_COUNTS
from tests.portal.import_users.applying import ADA, apply, counts, named, state, undo
from tests.portal.import_users.conftest import Make


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
