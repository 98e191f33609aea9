"""Any imports, taken back newest first, leave what was there; whatever a person edits in between stays (I10).

The model is `undo_model.Model`.
"""

import uuid
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers.domain import accounts
from services.customers.domain import contacts as people
from services.customers.models import Account
from tests.customers.bulk_chunks import apply, check_derived, contacts, undo, undone
from tests.customers.conftest import BEN
from tests.customers.test_bulk_any import ROW
from tests.customers.test_undo import state
from tests.customers.undo_model import Model

QUIET = settings(max_examples=60)
JOB = st.tuples(
    st.lists(st.lists(ROW, min_size=1, max_size=4), min_size=1, max_size=3),
    st.sampled_from(["create", "update", "both"]),
    st.sampled_from(["code", "email"]),
    st.sampled_from(["keep", "clear"]),
    st.sampled_from(["refuse", "fold"]),
    st.randoms(use_true_random=False),
)


@QUIET
@given(jobs=st.lists(JOB, min_size=1, max_size=4))
def test_any_imports_when_undone_newest_first_leave_what_was_there(session: Session, jobs: Any) -> None:
    with session.begin_nested() as everything_here:
        done = []
        for chunks, mode, match, blank, repeated, order in jobs:
            told = {"id": uuid.uuid4(), "mode": mode, "match": match, "blank": blank, "repeated": repeated}
            before = state(session)
            for no, rows in enumerate(chunks):
                apply(session, *rows, no=no, **told)
            numbers = list(range(len(chunks)))
            order.shuffle(numbers)
            done.append((told["id"], numbers, before))
        for job_id, numbers, before in reversed(done):
            for no in numbers:
                assert undo(session, job_id, no)["left"] == []
            assert state(session) == before
            check_derived(session)
        everything_here.rollback()


CODES = ("K1", "K2", "K3")
VALUES = st.sampled_from(["1234567", "7654321", "5550100"])
CELLS = st.fixed_dictionaries(
    {"code": st.sampled_from(CODES)},
    optional={**dict.fromkeys(("city", "phone", "notes"), VALUES), "name": st.sampled_from(["Ann", "Bob"])},
)
EDIT = st.tuples(st.just("edit"), st.sampled_from(CODES), st.sampled_from(["city", "phone", "notes"]), VALUES)
STEP = st.one_of(
    st.tuples(st.just("import"), st.lists(CELLS, min_size=1, max_size=3, unique_by=lambda row: row["code"])),
    EDIT,
    st.tuples(st.just("contact"), st.sampled_from(CODES)),
    st.tuples(st.just("delete"), st.sampled_from(CODES)),
    st.tuples(st.just("undo"), st.integers(0, 5)),
)


@settings(QUIET, max_examples=120)
@given(steps=st.lists(STEP, min_size=1, max_size=12))
def test_any_story_of_imports_edits_and_undos_ends_as_the_model_does(session: Session, steps: Any) -> None:
    with session.begin_nested() as everything_here:
        model = Model()
        jobs: list[tuple[uuid.UUID, set[str]]] = []
        for what, *about in steps:
            if what == "import":
                job = uuid.uuid4()
                apply(session, *about[0], id=job)
                for row in about[0]:
                    model.bring(job, row)
                jobs.append((job, {row["code"] for row in about[0]}))
            elif what == "undo":
                if about[0] < len(jobs):
                    job, codes = jobs.pop(about[0])
                    answer = undone(undo(session, job))
                    answer.pop("gone", None)
                    expected = dict(zip(("removed", "restored", "kept"), model.undo(job, codes), strict=True))
                    assert answer == {name: count for name, count in expected.items() if count}
            elif about[0] in model.records:
                _by_hand(session, model, what, *about)
            assert _records(session) == model.filled()
        check_derived(session)
        everything_here.rollback()


def _by_hand(session: Session, model: Model, what: str, code: str, name: str = "", value: str = "") -> None:
    account = session.scalars(select(Account).where(Account.code == code)).one()
    if what == "delete":
        accounts.delete_account(session, BEN, account.id, None)
        model.drop(code)
    elif what == "contact":
        if not contacts(session, code):
            people.add_contact(session, BEN, account.id, {"last_name": "Poe"})
            model.writes[code].append(("Ben", "contact", None, "Poe"))
    else:
        accounts.edit_account(session, BEN, account.id, {name: value}, None)
        model.write("Ben", code, name, value)
    session.flush()


def _records(session: Session) -> dict[str, dict[str, Any]]:
    session.expire_all()
    fields = ("name", "city", "phone", "notes")
    return {
        one.code: {name: value for name in fields if (value := getattr(one, name)) is not None}
        for one in session.scalars(select(Account))
    }
