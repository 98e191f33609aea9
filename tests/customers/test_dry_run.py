"""A chunk that is only checked (I5): the verdicts of the real run, and nothing written."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.customers.app import create_bulk_app
from services.customers.bulk import dry_run
from services.customers.bulk.dry_run import DryRun, dry_run_rows
from services.customers.bulk.kinds import kind_of
from services.customers.models import Base
from shared.bulk import COUNTS
from shared.forecast import LONGEST, MOST_FIELDS, MOST_ROWS
from shared.testing import client_of_service
from tests.customers.bulk_chunks import account, apply, arrow, contacts, counts, everything, frame, job, refused
from tests.customers.test_bulk_any import ROW
from tests.every_row import outcomes

CHOICES = st.tuples(
    st.lists(ROW, min_size=1, max_size=6),
    st.sampled_from(["create", "update", "both"]),
    st.sampled_from(["code", "email"]),
    st.sampled_from(["keep", "clear"]),
    st.sampled_from(["refuse", "fold"]),
)


def check(session: Session, *rows: dict[str, str | None], **choices: Any) -> dict[str, Any]:
    """Check rows as one chunk of a job; return the answer."""
    told = job(**choices)
    rules = kind_of(told.kind)
    return dry_run_rows(session, told, rules.check(frame(*rows)), rules.look)


def state(session: Session) -> list[Any]:
    """Return all that a check must leave alone: records, rows of every table, numbers given out."""
    rows = [session.scalar(text(f'SELECT count(*) FROM "{table}"')) for table in Base.metadata.tables]
    return [everything(session), rows, session.execute(text("SELECT last_value, is_called FROM code_sequence")).one()]


def changes(answer: dict[str, Any], place: int = 0) -> dict[str, tuple[Any, Any]]:
    return {one["field"]: (one["old"], one["new"]) for one in answer["sample"]["updated"][place]["changes"]}


@settings(max_examples=300)
@given(before=st.lists(CHOICES, max_size=2), chunk=CHOICES)
def test_any_chunk_when_checked_is_told_as_it_is_then_applied_and_nothing_is_written(
    session: Session, before: Any, chunk: Any
) -> None:
    with session.begin_nested() as everything_here:
        for rows, mode, match, blank, repeated in before:
            apply(session, *rows, mode=mode, match=match, blank=blank, repeated=repeated)
        rows, mode, match, blank, repeated = chunk
        choices = {"mode": mode, "match": match, "blank": blank, "repeated": repeated}
        seen = state(session)
        told = check(session, *rows, **choices, every_row=True)
        assert state(session) == seen
        assert outcomes(told) == counts(told)
        done = apply(session, *rows, **choices)
        assert counts(told) == counts(done)
        assert told["refusals"] == [vars(one) if not isinstance(one, dict) else one for one in done["refusals"]]
        assert told["fields"] == done["fields"]
        assert bool(told["fields"]) == bool(told["updated"])
        assert all(1 <= number <= told["updated"] for number in told["fields"].values())
        assert len(told["sample"]["created"]) == min(told["created"], MOST_ROWS)
        assert len(told["sample"]["updated"]) == min(told["updated"], MOST_ROWS)
        everything_here.rollback()


@settings(max_examples=60)
@given(before=st.lists(ROW, min_size=1, max_size=5), row=ROW, blank=st.sampled_from(["keep", "clear"]))
def test_any_update_when_checked_names_the_fields_that_then_change(
    session: Session, before: Any, row: Any, blank: str
) -> None:
    def fields() -> dict[str, Any]:
        session.expire_all()
        found = {}
        for name in session.scalars(text("SELECT code FROM account")).all():
            one = account(session, name)
            found[name, "country"], found[name, "phone"] = one.country, one.phone
            found[name, "name"], found[name, "tags"] = one.name, list(one.tags)
            found.update({(name, f"attributes.{key}"): value for key, value in one.attributes.items()})
        return found

    with session.begin_nested() as everything_here:
        apply(session, *before)
        told = check(session, row, mode="update", blank=blank)
        old = fields()
        apply(session, row, mode="update", blank=blank)
        new = fields()
        different = {field for code, field in new if new[code, field] != old.get((code, field))}
        own = {name for name in told["fields"] if name.startswith("attributes.")}
        own |= told["fields"].keys() & {"country", "phone", "name", "tags"}
        assert own == different
        everything_here.rollback()


def test_update_when_checked_shows_old_and_new(session: Session) -> None:
    before = {"code": "C1", "name": "Cobalt", "city": "Lyon", "roles": "customer", "_attributes": '{"a": "1"}'}
    apply(session, before, {"code": "C2", "name": "Same", "city": "Oslo"})
    told = check(
        session,
        {
            "code": "c1",
            "name": "Cobalt",
            "city": "Paris",
            "roles": "both",
            "tags": "x;y",
            "_attributes": json.dumps({"a": "2", "b": "3"}),
            "contact_last_name": "Petrov",
        },
        {"code": "C2", "name": "Same", "city": "Oslo"},
    )
    assert counts(told) == {"updated": 1, "unchanged": 1}
    assert told["sample"]["updated"][0]["record"] == "C1 Cobalt"
    assert changes(told) == {
        "city": ("Lyon", "Paris"),
        "tags": (None, "x; y"),
        "roles": ("customer", "customer;vendor"),
        "attributes.a": ("1", "2"),
        "attributes.b": (None, "3"),
        "contact_last_name": (None, "Petrov"),
    }
    assert told["fields"] == dict.fromkeys(changes(told), 1)


def test_contact_when_it_would_change_is_told_by_its_fields(session: Session) -> None:
    row = {"code": "C1", "name": "Cobalt", "contact_last_name": "Petrov", "contact_email": "p@ex.example"}
    apply(session, row)
    told = check(session, {**row, "contact_last_name": "Petrova"})
    assert changes(told) == {"contact_last_name": ("Petrov", "Petrova")}
    assert contacts(session, "C1")[0].last_name == "Petrov"


def test_codes_when_they_would_be_given_are_new_and_no_number_is_taken(session: Session) -> None:
    told = check(session, {"name": "A", "email": "a@ex.example"}, {"name": "B", "email": "b@ex.example"}, match="email")
    assert counts(told) == {"created": 2}
    values = {one["field"]: one["value"] for one in told["sample"]["created"][0]["values"]}
    assert values == {"code": "new", "name": "A", "kind": "company", "email": "a@ex.example"}


def test_rows_without_a_code_when_all_are_only_added_are_each_new(session: Session) -> None:
    told = check(session, {"code": None, "name": "A"}, {"code": None, "name": "A"}, mode="create")
    assert counts(told) == {"created": 2}


def test_rows_when_they_speak_of_one_account_see_what_the_one_before_would_leave(session: Session) -> None:
    apply(session, {"code": "C1", "name": "Cobalt", "email": "a@ex.example", "contact_email": "b@ex.example",
                    "contact_last_name": "Doe"})  # fmt: skip
    rows = [{"name": "New", "email": "a@ex.example"}, {"name": "New", "email": "b@ex.example"}]
    told = check(session, *rows, match="email")
    assert counts(told) == {"updated": 1, "unchanged": 1}
    assert told["fields"] == {"name": 1}


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (  # a code that a row before it would take
            [
                {"email": "x@ex.example"},
                {"name": "A", "email": "a@ex.example", "code": "K1"},
                {"name": "B", "email": "x@ex.example", "code": "K1"},
            ],
            "email",
        ),
        (  # an account that would be made, found by its contact
            [
                {"email": "x@ex.example"},
                {"name": "A", "email": "a@ex.example", "contact_last_name": "Doe", "contact_email": "x@ex.example"},
                {"name": "B", "email": "x@ex.example"},
            ],
            "email",
        ),
        (  # an account that would not be found by this address any more
            [
                {"contact_email": "old@ex.example", "contact_last_name": "Doe", "phone": "12345"},
                {"email": "own@ex.example", "contact_email": "new@ex.example", "contact_last_name": "Doe"},
                {"name": "B", "contact_email": "old@ex.example", "contact_last_name": "Doe"},
            ],
            "email",
        ),
        ([{"code": "K2", "name": "A"}, {"code": "K2", "phone": "12345"}, {"code": "k2", "name": "A"}], "code"),
    ],
)
def test_rows_of_a_key_when_folded_see_what_those_before_them_would_leave(
    session: Session, rows: Any, match: str
) -> None:
    apply(session, {"code": "K9", "name": "Own", "email": "own@ex.example", "contact_last_name": "Doe",
                    "contact_email": "old@ex.example"})  # fmt: skip
    told = check(session, *rows, match=match, repeated="fold")
    done = apply(session, *rows, match=match, repeated="fold")
    assert (counts(told), refused(told)) == (counts(done), refused(done))


def test_sample_when_rows_are_many_and_wide_stays_small(session: Session) -> None:
    wide = json.dumps({f"Column {at}": "x" * 900 for at in range(60)})
    rows = [{"code": f"C{at}", "name": "N" * 400, "_attributes": wide} for at in range(40)]
    told = check(session, *rows)
    [first, *_] = told["sample"]["created"]
    assert [one["row"] for one in told["sample"]["created"]] == [1, 2, 3, 4, 5]
    assert (len(first["values"]), first["more"]) == (MOST_FIELDS, 60 + 3 - MOST_FIELDS)
    assert max(len(one["value"]) for one in first["values"]) == LONGEST
    assert len(json.dumps(told)) < 20_000


@pytest.mark.parametrize("write", ["UPDATE account SET name = 'x'", "SELECT nextval('code_sequence')"])
def test_check_when_it_would_write_is_refused_by_the_database(
    session: Session, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    monkeypatch.setattr(DryRun, "_add", lambda self, _: self.cursor.execute(write) and 0)
    with pytest.raises(errors.ReadOnlySqlTransaction):
        check(session, {"code": "C1", "name": "Cobalt"})
    apply(session, {"code": "C1", "name": "Cobalt"})  # the unit of work is as it was
    assert account(session, "C1").name == "Cobalt"


def test_check_when_an_account_moves_is_done_again(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(session, {"code": "C1", "name": "Cobalt"})
    real, calls = dry_run.read_known, []

    def misses_once(*given: Any) -> Any:
        calls.append(given)
        return real(*given) if len(calls) > 1 else {}

    monkeypatch.setattr(dry_run, "read_known", misses_once)
    assert counts(check(session, {"code": "C1", "name": "Other"})) == {"updated": 1}
    assert len(calls) == 2


def test_check_when_it_comes_over_the_wire_answers_counts_and_leaves_no_receipt(
    session: Session, customers_app: Any
) -> None:
    bulk = create_bulk_app(customers_app.extensions["liaison.settings"])
    bulk.extensions["liaison.sessions"] = customers_app.extensions["liaison.sessions"]
    client = client_of_service(bulk, "imports")
    body, checksum = arrow(frame({"code": "C1", "name": "Cobalt"}, {"code": "C2", "email": "bad"}))
    about = {"kind": "customers", "mode": "both", "match": "code", "blank": "keep", "actor_id": str(uuid.uuid4()),
             "actor_name": "Carla"}  # fmt: skip
    headers = {"Liaison-Checksum": checksum, "Liaison-Job": json.dumps(about)}
    seen = state(session)
    told = client.post(f"/internal/chunks/{uuid.uuid4()}/0/check", data=body, headers=headers)
    assert told.status_code == 200, told.json
    assert {name: told.json[name] for name in COUNTS} == {
        "created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 1,
    }  # fmt: skip
    assert refused(told.json) == [(2, "email", "invalid")]
    assert state(session) == seen
    wrong = client.post(f"/internal/chunks/{uuid.uuid4()}/0/check", data=body + b"x", headers=headers)
    assert (wrong.status_code, wrong.json["code"]) == (422, "chunk_unreadable")


def test_check_when_a_row_has_the_word_for_a_code_to_come_ends(session: Session) -> None:
    """A code that is given at the import is shown as “new”; a file may have that for a code."""
    rows = (
        {"code": "NEW", "name": "Cobalt", "email": "a@x.example"},
        {"code": None, "name": "B", "email": "b@x.example"},
    )
    assert counts(check(session, *rows, match="email", mode="create")) == {"created": 2}
