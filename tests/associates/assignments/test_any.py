"""A10: what holds of any rows of assignments: told as applied, taken back whole, the same when they come again."""

import uuid
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from services.associates.models import Change, Link, Outbox
from shared.db import unit_of_work
from tests.associates.assignments.applying import TODAY, apply, check, undo
from tests.associates.import_chunks import counts, refused, rows_of_tables, standing
from tests.every_row import outcomes

NAMES = ("dana", "ben", "eve")
ROW = st.fixed_dictionaries(
    {"customer_code": st.sampled_from(["C1", "C2", "C3"]), "associate_code": st.sampled_from([*NAMES, "nobody"])},
    optional={
        "role": st.sampled_from([None, "sales"]),
        "action": st.sampled_from([None, "add", "replace", "replace", "remove"]),
        "primary": st.sampled_from(["yes", None]),
        "ended_on": st.sampled_from(["2023-05-05", TODAY.isoformat(), None, None]),
    },
)
X = {"customer_code": "C1", "associate_code": "dana"}
JOB = st.tuples(st.lists(ROW, min_size=1, max_size=5), st.sampled_from(["create", "update", "both", "both"]))
QUIET = settings(max_examples=40)


def clear() -> None:
    with unit_of_work() as session:
        for table in (Link, Change, Outbox):
            session.execute(delete(table))


@QUIET
@given(jobs=st.lists(JOB, min_size=1, max_size=4))
def test_any_chunk_when_checked_is_told_as_it_is_then_applied_and_nothing_is_written(people: Any, jobs: Any) -> None:
    accounts, _ = people
    clear()
    for rows, mode in jobs:
        before, seen = rows_of_tables(), standing()
        told = check(accounts, *rows, mode=mode, every_row=True)
        assert (rows_of_tables(), standing()) == (before, seen)
        assert outcomes(told) == counts(told)
        done = apply(accounts, *rows, mode=mode)
        assert counts(told) == counts(done)
        assert sum(counts(done).values()) == len(rows)
        assert refused(told) == refused(done)
        assert told["fields"] == done["fields"]
        firsts = [one[0] for one in standing() if one[3]]
        assert len(firsts) == len(set(firsts))
        if not done["updated"] and not done["created"]:
            assert standing() == seen


@QUIET
@given(jobs=st.lists(JOB, min_size=1, max_size=4))
def test_any_assignments_when_undone_newest_first_leave_what_was_there(people: Any, jobs: Any) -> None:
    accounts, _ = people
    clear()
    done = []
    for rows, mode in jobs:
        told = uuid.uuid4()
        done.append((told, standing()))
        apply(accounts, *rows, id=told, mode=mode)
    for told, before in reversed(done):
        assert undo(told)["left"] == []
        assert standing() == before


@QUIET
@example(before=[([X], "both")], rows=[{**X, "ended_on": "2023-05-05"}, {**X, "action": "remove"}])
@given(before=st.lists(JOB, max_size=2), rows=st.lists(ROW, min_size=1, max_size=5))
def test_any_rows_when_brought_again_change_nothing(people: Any, before: Any, rows: Any) -> None:
    accounts, _ = people
    clear()
    for some, mode in before:
        apply(accounts, *some, mode=mode)
    first = counts(apply(accounts, *rows))
    seen = standing()
    again = counts(apply(accounts, *rows))
    assert again.keys() <= {"unchanged", "failed"}
    assert again.get("failed", 0) <= first.get("failed", 0)
    assert standing() == seen


@QUIET
@given(before=JOB, rows=st.lists(ROW, min_size=1, max_size=6))
def test_any_replacing_rows_when_applied_are_those_who_have_the_role(people: Any, before: Any, rows: Any) -> None:
    accounts, made = people
    clear()
    apply(accounts, *before[0], mode=before[1])
    done = apply(accounts, *[{**one, "action": "replace", "ended_on": None} for one in rows])
    wrong = {place for place, *_ in refused(done)}
    for code, account in accounts.items():
        theirs = [(at, one) for at, one in enumerate(rows, 1) if one["customer_code"] == code]
        for role in {one.get("role") or "manages" for _, one in theirs}:
            wanted = {
                made[one["associate_code"]].id
                for at, one in theirs
                if at not in wrong and (one.get("role") or "manages") == role
            }
            if wanted:
                assert {link[1] for link in standing() if link[0] == account.id and link[2] == role} == wanted
            assert not wanted or not any(at in wrong for at, one in theirs)
