"""I12, I13: attributes in an export: a column for each, which comes back into the same attribute."""

import io
import json
from typing import Any

import marshmallow as ma
import pytest
from flask import Flask
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from services.customers.bulk.rows import ASSOCIATE_FIELDS
from services.customers.bulk.target import customers_target
from services.customers.domain.search import SearchQuery
from services.customers.errors import NoAttributes, TooManyAttributes
from services.imports.domain.mapping import Mapping, apply, validate
from services.imports.domain.matching import suggest
from services.imports.domain.reading import Records
from services.imports.domain.sniffing import sniff
from services.imports.domain.target import Target
from shared.attribute_columns import ALL_ATTRIBUTES, attribute_columns
from shared.cells import MARK
from shared.db import unit_of_work
from shared.fields import Attributes
from shared.importing.cells import AttributesCell
from shared.testing import client_of_service
from tests.customers import bulk_chunks
from tests.customers.bulk_chunks import account, counts
from tests.customers.test_dry_run import changes, check
from tests.customers.test_export import NASTY, bulk, exported, rows  # noqa: F401 - a fixture

NAME = st.sampled_from(["City", "city", "CITY", "Company", "e mail", "_x", "a  b", "a b", "%41", "Maß", "Mass"]) | NASTY


def insert_with(session: Session, attributes: list[dict[str, str]]) -> None:
    """Insert accounts 0000, 0001 ... that have these attributes."""
    session.execute(
        text(
            "INSERT INTO account (code, code_key, name, name_key, attributes, search, created_by, created_by_name)"
            " VALUES (:code, :code, 'Any', 'any', CAST(:attributes AS jsonb), '', uuidv7(), 'Ada')"
        ),
        [{"code": f"{at:04}", "attributes": json.dumps(one)} for at, one in enumerate(attributes)],
    )


def mapped(data: bytes, delimiter: str = ",") -> list[dict[str, Any]]:
    """Return the rows of a file as they come to customers when nothing is matched by hand."""
    target, sniffed = Target.from_json(customers_target()).without(ASSOCIATE_FIELDS), sniff(data, delimiter=delimiter)
    matches = suggest(sniffed.header, target)
    assert not {match.how for match in matches} & {"alias", "fuzzy"}
    mapping = Mapping({match.column: match.field for match in matches if match.field}, keep_unmapped=True)
    validate(mapping, sniffed.header, target, match="code", mode="update")
    records = Records(io.BytesIO(data), encoding="utf-8-sig", delimiter=delimiter, columns=sniffed.header)
    frames = [apply(batch.frame, mapping, sniffed.header, target).drop("_row", "_line") for batch in records]
    return [row for frame in frames for row in frame.iter_rows(named=True)]


def as_imported(data: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    """Return the attributes that an import of a file keeps, in its order."""
    return [json.loads(AttributesCell().deserialize(row["_attributes"]) or "{}") for row in mapped(data, delimiter)]


def test_export_has_a_column_for_each_attribute_of_its_customers(session, make_account):
    make_account("Any", code="1", attributes={"Price list": "B", "City": "of birth", "=cmd": "=1+1", "_status": "x"})
    make_account("Any", code="2", attributes={"price list": "C", "Company": "-x"}, city="Lyon")
    make_account("Any", code="3")
    make_account("Other", code="4", attributes={"Unasked": "1"})
    found = rows(exported(session, SearchQuery("any"), columns=["Code", "City", ALL_ATTRIBUTES, "_status", MARK]))
    names = ["=cmd", "_status", "City", "Company", "Price list", "%70rice list"]
    assert list(found[0]) == ["Code", "City", *(f"attributes.{name}" for name in names), "_status", MARK]
    assert [list(row.values())[:8] for row in found] == [
        ["1", "", "'=1+1", "x", "of birth", "", "B", ""],
        ["2", "Lyon", "", "", "", "'-x", "", "C"],
        ["3", "", "", "", "", "", "", ""],
    ]
    others = rows(exported(session, SearchQuery("any"), columns=["Code", "Name"]))
    assert list(others[0]) == ["Code", "Name"]


@settings(max_examples=80)
@given(
    many=st.lists(st.dictionaries(NAME, NASTY | st.text(max_size=9), max_size=5), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t"),
)
@example(many=[{"Maß": "1", "Mass": "2", "MASS": "3", "a  b": "4", "a b": "5", "%4Dass": "6"}], delimiter=",")
@example(
    many=[{"E-mail": "1", "a@b.example": "2", "attributes.x": "3", "_liaison": "4", "x" * 100: "5"}], delimiter=";"
)
def test_attributes_of_any_name_and_text_when_exported_come_back(session, many, delimiter):
    """I12, I13: each in the same attribute, whatever it is called."""
    kept = []
    for one in many:
        try:
            kept.append(Attributes().deserialize(one))
        except ma.ValidationError:  # of characters that nobody can store
            reject()
    with session.begin_nested() as savepoint:
        insert_with(session, kept)
        columns = ["Code", "E-mail", "Notes", ALL_ATTRIBUTES, "_status", MARK]
        data = exported(session, columns=columns, delimiter=delimiter)
        savepoint.rollback()
    by_code = sorted(rows(data, delimiter), key=lambda row: row["Code"])
    assert [row["Code"] for row in by_code] == [f"{at:04}" for at in range(len(kept))]
    order = [int(row["Code"]) for row in rows(data, delimiter)]
    assert as_imported(data, delimiter) == [kept[at] for at in order]


def test_export_when_there_are_too_many_attributes_or_no_column_is_refused(session):
    insert_with(session, [{}])
    with pytest.raises(NoAttributes):
        exported(session, columns=[ALL_ATTRIBUTES])
    session.execute(text("DELETE FROM account"))
    insert_with(session, [{f"Field {at}-{number}": "1" for number in range(200)} for at in range(2)])
    assert len(rows(exported(session, columns=[ALL_ATTRIBUTES]))[0]) == 400
    session.execute(text("UPDATE account SET attributes = attributes || '{\"One\": \"x\"}' WHERE code = '0001'"))
    with pytest.raises(TooManyAttributes, match="more than 400"):
        exported(session)
    assert len(rows(exported(session, columns=["Code"]))) == 2


def test_attributes_when_changed_in_the_file_and_brought_back_change(session, make_account):
    """A file as it was changes nothing, a blank cell keeps, and just what was changed is updated."""
    first = make_account("Any", code="1", attributes={"Price list": "B", "City": "of birth", "Name": "=1+1"})
    second = make_account("Any", code="2", attributes={"price list": "C"}, city="Lyon")
    before = [dict(one.attributes) for one in (first, second)]
    data = exported(session)
    as_it_was = mapped(data)
    assert counts(bulk_chunks.apply(session, *as_it_was)) == {"unchanged": 2}
    header = data.splitlines()[0]
    assert b"attributes.Price list,attributes.%70rice list,_status" in header
    changed = mapped(data.replace(b",B,", b",D,").replace(b",of birth,", b",,"))
    assert changes(check(session, *changed)) == {"attributes.Price list": ("B", "D")}
    assert counts(bulk_chunks.apply(session, *changed)) == {"updated": 1, "unchanged": 1}
    assert account(session, "1").attributes == before[0] | {"Price list": "D"}
    assert account(session, "2").attributes == before[1]


def test_attributes_when_added_meanwhile_are_not_half_in_the_file(bulk: Flask):  # noqa: F811
    """Which there are and what they hold is of one moment; what is refused is an answer, no broken file."""
    with unit_of_work() as session:
        insert_with(session, [{"Old": "1"}, {"Old": "2"}])
    client, seen = client_of_service(bulk, "imports"), []

    def change(*context: Any) -> None:
        if "jsonb_object_keys" in context[2] and not seen:
            seen.append(context[2])
            with unit_of_work() as session:
                session.execute(text("UPDATE account SET attributes = '{\"New\": \"x\"}' WHERE code = '0000'"))

    event.listen(bulk.extensions["liaison.engine"], "after_cursor_execute", change)
    asked = {"filter": {}, "columns": ["Code", ALL_ATTRIBUTES]}
    found = rows(client.post("/internal/exports/customers", json=asked).data)
    assert seen
    assert [row["attributes.Old"] for row in found] == ["1", "2"]
    assert list(found[0]) == ["Code", "attributes.Old"]
    now = rows(client.post("/internal/exports/customers", json=asked).data)
    assert list(now[0]) == ["Code", "attributes.New", "attributes.Old"]
    with unit_of_work() as session:
        session.execute(text("UPDATE account SET attributes = '{}'"))
    answer = client.post("/internal/exports/customers", json={"filter": {}, "columns": [ALL_ATTRIBUTES]})
    assert (answer.status_code, answer.json["code"]) == (422, "no_attributes")


def test_attribute_that_is_called_like_a_field_is_not_even_suggested_for_it():
    target = Target.from_json(customers_target())
    names = [name for field in target.fields for name in (field.name, field.label, *field.aliases)]
    header = list(attribute_columns(names).values())
    assert {(match.field, match.suggestion) for match in suggest(header, target)} == {(None, None)}
