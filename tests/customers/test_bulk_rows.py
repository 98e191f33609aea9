"""The rule book of a row: what is accepted, refused and made of it; the columns' quick way agrees with it."""

import csv
import io
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.customers.bulk.kinds import kind_of
from services.customers.bulk.rows import CUSTOMER_ROW, FIELDS, LOADERS
from services.customers.bulk.target import ALL_FIELDS, customers_target
from services.imports.domain.matching import suggest
from services.imports.domain.target import Target
from shared.fastcheck import load_rows
from shared.fields import MAX_ATTRIBUTES
from shared.importing.rows import ATTRIBUTES
from shared.keys import clean
from tests.customers.bulk_chunks import SAMPLE, SAMPLE_COLUMNS, frame, refused, sample_rows

PIECES = [
    *(
        "a",
        "Z",
        "0",
        "7",
        "é",
        "ß",
        "İ",
        "中",
        "🙂",
        " ",
        ".",
        "-",
        "_",
        "@",
        "+",
        "(0)",
        "x9",
        "/",
        ":",
        "?",
        "#",
        ";",
    ),
    *(
        ",",
        '"',
        "\\",
        "<",
        "^",
        "|",
        "`",
        "'",
        "{",
        "}",
        "a@b.co",
        "https://",
        "www.a.de",
        "DE",
        "Germany",
        "company",
        "vendor",
        "both",
    ),
    *(
        "\0",
        "\t",
        "\n",
        "\r\n",
        "\x1f",
        "\x7f",
        "\x85",
        "\u00a0",
        "\u00ad",
        "\u200b",
        "\u200f",
        "\u202e",
        "\u2066",
        "\u2028",
        "\ufeff",
    ),
]
CELL = st.one_of(
    st.none(),
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    st.sampled_from(["x" * 64, "x" * 65, "a" * 40 + "@b.co", "Customer, Vendor", "Both", "B2B", "+49 (0)30 123456"]),
    st.emails(),
    st.text(max_size=12),
)
OBJECT = st.one_of(
    CELL,
    st.dictionaries(st.text(max_size=6), st.one_of(st.text(max_size=6), st.none()), max_size=3).map(json.dumps),
    st.dictionaries(st.sampled_from(["Index", "Since", "x" * 101]), st.sampled_from(["1", "a b", " ", "", "\0"])).map(
        lambda found: json.dumps(found, ensure_ascii=False)
    ),
)
CUSTOMERS = kind_of("customers")
NAMES = (*FIELDS, ATTRIBUTES)


@settings(max_examples=400)
@given(st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), OBJECT if name == ATTRIBUTES else CELL)))
def test_columns_when_compared_with_the_schema_accept_nothing_more_and_change_nothing(
    pair: tuple[str, str | None],
) -> None:
    name, text = pair
    cell = None if text is None else clean(text) or None
    column = pl.Series(name, [cell, None], dtype=pl.String)
    loaded = load_rows(CUSTOMER_ROW, column.to_frame(), LOADERS)
    faults = CUSTOMER_ROW.validate({name: cell})
    assert loaded.faults == ({0: faults} if faults else {})
    if not faults:
        assert loaded.rows[name].to_list() == [CUSTOMER_ROW.load({name: cell}).get(name), None]


def test_columns_when_cells_are_as_usual_need_no_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(CUSTOMER_ROW), "load", lambda *args, **kwargs: pytest.fail("asked the schema"))
    checked = CUSTOMERS.check(frame(*sample_rows(), *customers_target()["sample"]))
    assert checked.rows.height == 5


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("code", " 00\u200b42\u00a0", "0042"),
        ("name", "Multi\nline\tname", "Multi line name"),
        ("name", "e\u0301te\u0301", "été"),
        ("kind", "B2C", "person"),
        ("kind", "Firma", "company"),
        ("roles", "Supplier / Client", "customer;vendor"),
        ("roles", "both", "customer;vendor"),
        ("country", "Deutschland", "DE"),
        ("country", "usa", "US"),
        ("country", "Narnia", "Narnia"),
        ("website", "www.may.org", "https://www.may.org"),
        ("phone", "001-951-364-3940x09329", "001-951-364-3940x09329"),
        ("tags", "a; b,A;;c", ["a", "b", "c"]),
        ("notes", "one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("notes", "  ", None),
        (ATTRIBUTES, '{"Since": " 2020 ", "Blank": ""}', '{"Since": "2020"}'),
    ],
)
def test_row_when_cells_are_written_freely_takes_what_is_meant(field: str, text: str, value: object) -> None:
    checked = CUSTOMERS.check(frame({field: text}))
    assert checked.refusals == []
    found = checked.rows[field].to_list()[0]
    assert (sorted(found) if isinstance(found, list) else found) == value


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("code", "x" * 65, "Code: Too long: at most 64 characters."),
        ("name", "NUL\0byte", "Name: Holds a NUL character."),
        ("kind", "persn", "Kind: Say company or person."),
        ("roles", "friend", "Roles: Say customer, vendor or both."),
        ("email", "not-an-email", "E-mail: Not an e-mail address"),
        ("phone", "call me", "Phone: Not a phone number"),
        ("website", "javascript:alert(1)", "Website: Not a web address."),
        ("tags", "x" * 65, "Tags: Too long: at most 64 characters."),
        ("contact_email", "@", "Contact's e-mail: Not an e-mail address"),
        (ATTRIBUTES, "[]", "Attributes: Not a valid mapping type."),
    ],
)
def test_row_when_a_cell_breaks_a_rule_is_refused_in_words(field: str, text: str, says: str) -> None:
    checked = CUSTOMERS.check(frame({"street": "fine"}, {field: text}))
    assert [(one.row, one.line, one.code) for one in checked.refusals] == [(2, 3, "invalid")]
    assert checked.refusals[0].message.startswith(says)
    assert checked.refusals[0].column == (None if field == ATTRIBUTES else field)
    assert checked.rows["_row"].to_list() == [1]


@pytest.mark.parametrize(
    ("kept", "column", "says"),
    [
        (
            {"fine": "x", "Shoe size": "a\0", "b": "\0"},
            "Shoe size",
            "Shoe size: Holds a NUL character. b: Holds a NUL character.",
        ),
        ({"Remarks": "x" * 5001}, "Remarks", "Remarks: Too long: at most 5000 characters."),
        ({"x" * 101: "a"}, "x" * 101, f"{'x' * 101}: Too long: at most 100 characters."),
    ],
)
def test_row_when_a_kept_column_breaks_a_rule_is_refused_by_the_name_of_the_column(
    kept: dict[str, str], column: str, says: str
) -> None:
    [refusal] = CUSTOMERS.check(frame({ATTRIBUTES: json.dumps(kept)})).refusals
    assert (refusal.column, refusal.message) == (f"attributes.{column}", says)


def test_row_when_it_keeps_as_many_columns_of_the_longest_names_as_can_be_is_taken() -> None:
    kept = {f"{number:x>100}": "a" for number in range(MAX_ATTRIBUTES)}
    assert CUSTOMERS.check(frame({ATTRIBUTES: json.dumps(kept)})).refusals == []
    assert CUSTOMERS.check(frame({ATTRIBUTES: json.dumps({**kept, "blank": ""})})).refusals == []
    [refusal] = CUSTOMERS.check(frame({ATTRIBUTES: json.dumps({**kept, "one more": "a"})})).refusals
    assert refusal.message == "Attributes: 301 of them are filled, 300 at most can be kept."


def test_row_when_several_cells_are_wrong_is_refused_once_with_all_reasons() -> None:
    checked = CUSTOMERS.check(frame({"kind": "persn", "email": "@", "name": "x"}))
    [refusal] = checked.refusals
    assert refusal.column == "kind"
    assert refusal.message.startswith("Kind: Say company or person. E-mail: Not an e-mail address")


def test_target_when_asked_names_every_field_of_a_row_once() -> None:
    assert tuple(field.name for field in ALL_FIELDS) == FIELDS
    labels = [field.label for field in ALL_FIELDS]
    assert len(set(labels)) == len(labels)


def test_target_when_its_aliases_are_compared_gives_each_to_one_field() -> None:
    owners: dict[str, list[str]] = {}
    for field in ALL_FIELDS:
        for alias in {field.name, field.label.lower(), *field.aliases.split(", ")}:
            owners.setdefault(alias, []).append(field.name)
    assert {alias: fields for alias, fields in owners.items() if len(fields) > 1} == {}


def test_target_when_its_sample_is_imported_is_right() -> None:
    checked = CUSTOMERS.check(frame(*customers_target()["sample"]))
    assert refused({"refusals": checked.refusals}) == []


def test_header_when_made_by_a_public_generator_is_matched() -> None:
    header = next(csv.reader(io.StringIO(SAMPLE)))
    matches = {match.column: match.field for match in suggest(header, Target.from_json(customers_target()))}
    assert matches == {name: SAMPLE_COLUMNS.get(name) for name in header}


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("Kundennummer;Firma;Straße;PLZ;Ort;Land;Telefon;E-Mail;USt-IdNr.",
         "code;name;street;postal_code;city;country;phone;email;tax_id"),
        ("Nachname;Vorname;Firma;E-Mail;Telefon;Mobil",
         "contact_last_name;contact_first_name;name;contact_email;contact_phone;contact_phone2"),
        ("Customer No.;Company Name;Address 1;Address 2;Town;Postcode;Phone;Mobile;E-mail;VAT number;URL",
         "code;name;street;street;city;postal_code;phone;phone2;email;tax_id;website"),
        ("Code client;Raison sociale;Adresse;Code postal;Ville;Pays;Téléphone;Courriel",
         "code;name;street;postal_code;city;country;phone;email"),
    ],
)  # fmt: skip
def test_header_when_written_in_words_of_the_trade_is_matched(header: str, fields: str) -> None:
    matches = suggest(header.split(";"), Target.from_json(customers_target()))
    assert [match.field for match in matches] == fields.split(";")
