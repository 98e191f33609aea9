"""A10: rows of customers that say who looks after them: their cells, what is refused, how they are described."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers.bulk.associate_fields import ASSOCIATE_TARGET_FIELDS
from services.customers.bulk.kinds import kind_of
from services.customers.bulk.rows import ASSOCIATE_FIELDS, CUSTOMER_ROW
from services.customers.bulk.target import SAMPLE, customers_target
from services.customers.bulk.wishes import Called, Named, named_in, split_cell
from services.customers.models import Account
from services.imports.domain.matching import suggest
from services.imports.domain.target import Target
from shared.importing.refused import RowRefused
from shared.keys import clean
from tests.customers.bulk_chunks import account, counts, frame, refused
from tests.customers.wishing import EVE, Row, apply, check, look_after, told

# The cells of a row


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        ({}, []),
        ({"associate_role": "sales"}, []),
        ({"associate_code": "D-07"}, [("D-07", None, None, None)]),
        ({"associate_code": "D-07;"}, [("D-07", None, None, None)]),
        (
            {"associate_code": "D-07;E-112", "associate_role": "sales"},
            [("D-07", None, None, "sales"), ("E-112", None, None, "sales")],
        ),
        (
            {"associate_code": "D-07;", "associate_email": ";b@x.example", "associate_role": ";sales"},
            [("D-07", None, None, None), (None, None, "b@x.example", "sales")],
        ),
    ],
)
def test_cells_when_read_name_associates_place_by_place(cells: Row, named: list[Any]) -> None:
    assert named_in(cells) == [Named(Called(code, name, email), role) for code, name, email, role in named]


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        (
            {"associate_code": "a;b;c", "associate_name": "A;B"},
            "associate_name",
            "Has 2 values, but “Associate's code” has 3. Put as many in each, with ; between.",
        ),
        (
            {"associate_email": "a@x.example", "associate_role": "sales;service"},
            "associate_role",
            "Has 2 values, but “Associate's e-mail” has 1. Put as many in each, with ; between.",
        ),
        (
            {"associate_code": "a;", "associate_role": "sales;service"},
            "associate_role",
            "The role “service” has nobody: name who has it.",
        ),
    ],
)
def test_cells_when_they_do_not_fit_together_are_refused(cells: Row, column: str, words: str) -> None:
    with pytest.raises(RowRefused) as refused_row:
        named_in(cells)
    assert (refused_row.value.column, refused_row.value.message) == (column, words)


VALUE = st.text(st.characters(codec="utf-8", exclude_characters=";", exclude_categories=("C", "Z")), max_size=8)
PEOPLE = st.lists(st.tuples(VALUE, VALUE, VALUE, VALUE), min_size=1, max_size=6)


@given(people=PEOPLE)
def test_any_people_when_joined_are_read_back_place_by_place(people: list[tuple[str, ...]]) -> None:
    columns = list(zip(*people, strict=True))
    cells = {name: ";".join(values) or None for name, values in zip(ASSOCIATE_FIELDS, columns, strict=True)}
    for name, values in zip(ASSOCIATE_FIELDS, columns, strict=True):
        assert split_cell(cells[name] or "") == list(values)
    named = [one for one in people if any(one[:3])]
    lonely = [role for *who, role in people if role and not any(who)]
    if named and lonely:
        with pytest.raises(RowRefused, match="nobody"):
            named_in(cells)
    else:
        wanted = [Named(Called(*(value or None for value in who)), role or None) for *who, role in named]
        assert named_in(cells) == wanted


@given(cells=st.lists(st.text(max_size=30), min_size=1, max_size=6))
def test_any_cell_when_loaded_by_column_is_as_the_rule_book_has_it(cells: list[str]) -> None:
    rows = [
        {"code": str(at), "name": "A", "associate_email": text, "associate_role": text} for at, text in enumerate(cells)
    ]
    checked = kind_of("customers").check(frame(*rows))
    taken = {row["code"]: row for row in checked.rows.iter_rows(named=True)}
    for row in rows:
        text = clean(row["associate_email"]) or None
        wrong = CUSTOMER_ROW.validate({"associate_email": text, "associate_role": text})
        assert (row["code"] in taken) == (not wrong)


# Refused


def test_rows_when_nobody_can_be_told_are_refused_as_a_whole(session: Session) -> None:
    wrong: list[Row] = [
        {"associate_code": "D-99"},
        {"associate_name": "Twin"},
        {"associate_code": "gone"},
        {"associate_code": "other", "associate_email": "dana@x.example"},
        {"associate_code": "D-07;E-112", "associate_name": "Dana"},
        {"associate_code": "D-07", "associate_role": "friend"},
        {"associate_email": "no address"},
        {"associate_code": ";".join(["D-07"] * 21)},
    ]
    rows = [{"code": f"C{at}", "name": "Acme", **cells} for at, cells in enumerate(wrong)]
    done = apply(session, *rows, {"code": "OK", "name": "Fine", "associate_code": "d-07;d-07"})
    assert counts(done) == {"created": 1, "failed": 8}
    assert refused(done) == [
        (1, "associate_code", "associate_not_found"),
        (2, "associate_name", "ambiguous_match"),
        (3, "associate_code", "associate_inactive"),
        (4, "associate_code", "code_differs"),
        (5, "associate_name", "uneven_values"),
        (6, "associate_role", "unknown_role"),
        (7, "associate_email", "invalid"),
        (8, "associate_code", "invalid"),
    ]
    messages = [one["message"] for one in done["refusals"]]
    assert messages[0] == "Associate's code: There is no associate with the code “D-99”."
    assert messages[1] == "Associate's name: Fits 2 associates: D-07, E-112. Give the code."
    assert messages[2] == "Associate's code: Eve Gone is inactive, so nothing can be given to them."
    assert messages[5].endswith("Say manages, lead source, sales, collections or service.")
    assert session.scalars(select(Account.code)).all() == ["OK"]
    assert told(session) == [{"mode": "add", "links": [["OK", "Dana Dealer", "manages"]], "new": []}]


@pytest.mark.parametrize("mode", ["add", "replace"])
def test_inactive_associate_when_it_looks_after_the_customer_already_stays_and_gets_nothing_new(
    session: Session, mode: str
) -> None:
    codes = ["C1", "C2", "C3", "C4"]
    apply(session, *({"code": code, "name": "A"} for code in codes))
    look_after(session, ("C1", EVE, "manages"), ("C2", EVE, "manages"), ("C3", EVE, "manages"))
    rows: list[Row] = [
        {"code": "C1", "name": "A", "associate_code": "gone"},
        {"code": "C2", "name": "B", "associate_code": "gone;D-07"},
        {"code": "C3", "name": "B", "associate_code": "gone", "associate_role": "sales"},
        {"code": "C4", "name": "B", "associate_code": "gone"},
        {"code": "C5", "name": "B", "associate_code": "gone"},
    ]
    foreseen = check(session, *rows, associates=mode)
    done = apply(session, *rows, associates=mode)
    assert counts(done) == counts(foreseen) == {"unchanged": 1, "updated": 1, "failed": 3}
    inactive = "associate_code", "associate_inactive"
    assert refused(done) == refused(foreseen) == [(3, *inactive), (4, *inactive), (5, *inactive)]
    links = [["C2", "Dana Dealer", "manages"], ["C2", "Eve Gone", "manages"]]
    assert told(session) == [{"mode": mode, "links": links, "new": []}]
    assert [account(session, code).name for code in codes] == ["A", "B", "A", "A"]


def test_unknown_associates_when_they_are_to_be_created_need_a_name(session: Session) -> None:
    done = apply(
        session,
        {
            "code": "C1",
            "name": "A",
            "associate_code": "D-99",
            "associate_name": "Nora",
            "associate_email": "n@x.example",
        },
        {"code": "C2", "name": "B", "associate_code": "D-98"},
        {
            "code": "C3",
            "name": "C",
            "associate_code": "D-99;D-07",
            "associate_name": "Nora;",
            "associate_email": "n@x.example;",
        },
        create_associates=True,
    )
    assert refused(done) == [(2, "associate_name", "name_required")]
    assert told(session) == [
        {
            "mode": "add",
            "links": [["C3", "Dana Dealer", "manages"]],
            "new": [["D-99", "Nora", "n@x.example", [["C1", "manages"], ["C3", "manages"]]]],
        }
    ]


# Described


def test_target_tells_the_columns_and_their_names_are_found() -> None:
    for kind in ("customers", "vendors"):
        target = Target.from_json(kind_of(kind).target())
        assert [field.name for field in target.groups["Associates"]] == list(ASSOCIATE_FIELDS)
        header = ["Code", "Dealer code", "Account manager", "Associate e-mail", "associate_role"]
        assert [one.field for one in suggest(header, target)] == ["code", *ASSOCIATE_FIELDS]
    assert not {field.name for field in ASSOCIATE_TARGET_FIELDS} & set(SAMPLE[0])  # nobody's sample names people
    assert "Associate's code" not in json.dumps(customers_target()["sample"])
