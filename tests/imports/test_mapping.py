"""Mapping (I4): by a saved one, by name, by alias, or only suggested; constants, joined and kept columns."""

import json
from dataclasses import replace

import polars as pl
import pytest

from services.imports.domain.careful import column_at_fault
from services.imports.domain.mapping import Mapping, apply, fed_names, header_hash, own_columns, validate
from services.imports.domain.matching import suggest
from services.imports.domain.sample import csv_of
from services.imports.domain.sniffing import ERROR_COLUMNS, sniff
from services.imports.errors import MappingRefused
from tests.imports.target import TARGET


def found(*header: str, saved: Mapping | None = None):
    return {match.column: (match.field or match.suggestion, match.how) for match in suggest(header, TARGET, saved)}


def test_names_labels_and_aliases_are_matched_whatever_their_case_and_signs():
    assert found("CODE", "Company-Name", "E-Mail", "Town", "Colour") == {
        "CODE": ("code", "exact"),
        "Company-Name": ("name", "alias"),
        "E-Mail": ("email", "exact"),
        "Town": ("city", "alias"),
        "Colour": (None, "none"),
    }


def test_bare_email_belongs_to_the_contact_beside_a_first_name():
    matches = found("Company", "First Name", "Email", "Phone 1")
    assert matches["Email"] == ("contact_email", "alias")
    assert matches["Phone 1"] == ("contact_phone", "alias")
    assert found("Company", "Email", "Phone 1")["Email"] == ("email", "exact")


def test_bare_email_is_the_customers_when_the_contact_has_one_of_its_own():
    assert found("First Name", "Email", "Contact mail") == {
        "First Name": ("contact_first_name", "exact"),
        "Email": ("email", "exact"),
        "Contact mail": ("contact_email", "alias"),
    }


def test_a_field_is_given_once_unless_the_columns_go_on_with_each_other():
    matches = found("Address 1", "Address 2", "Name", "Company", "Mail", "Email address")
    assert matches["Address 1"] == matches["Address 2"] == ("street", "alias")
    assert matches["Name"] == ("name", "exact")
    assert matches["Company"] == (None, "none")
    assert sorted(how for field, how in matches.values() if field == "email") == ["alias"]


def test_two_swapped_letters_are_one_mistake():
    assert found("Emial")["Emial"] == ("email", "fuzzy")
    assert found("Colour", "Date", "Sum") == dict.fromkeys(("Colour", "Date", "Sum"), (None, "none"))


def test_repeated_column_is_not_guessed_to_be_something_else():
    assert found("Name", "Name (2)")["Name (2)"] == (None, "none")


def test_likely_names_are_suggested_and_not_applied():
    (match,) = suggest(["Telefone"], TARGET)
    assert (match.field, match.suggestion, match.how) == (None, "phone", "fuzzy")
    assert 80 <= match.confidence < 100


def test_saved_mapping_comes_first_and_leaves_the_rest_alone():
    saved = Mapping({"Name": "notes", "Gone": "city", "Town": "no_such_field"})
    assert found("Name", "Town", "City", saved=saved) == {
        "Name": ("notes", "saved"),
        "Town": (None, "saved"),
        "City": (None, "saved"),
    }


def test_columns_of_an_error_file_are_no_data():
    header = ["Name", "Town", *ERROR_COLUMNS]
    assert own_columns(header) == list(ERROR_COLUMNS)
    assert found(*header)["_code"] == (None, "own")
    assert header_hash(header) == header_hash(["town", " Name"]) != header_hash(["Name"])
    assert Mapping({"Name": "name"}, keep_unmapped=True).unmapped(header) == ["Town"]


def test_column_that_is_called_as_an_attribute_is_no_field_whatever_its_name():
    assert found("Code", "attributes.Name", "attributes.Town", "attributes.Emial") == {
        "Code": ("code", "exact"),
        "attributes.Name": (None, "none"),
        "attributes.Town": (None, "none"),
        "attributes.Emial": (None, "none"),
    }
    mapped = Mapping({"attributes.Town": "city"})  # unless somebody says so
    assert found("attributes.Town", saved=mapped) == {"attributes.Town": ("city", "saved")}


def test_column_that_is_called_as_an_attribute_is_kept_as_that():
    header = ["Code", "attributes.Price %28EUR)", "attributes."]
    frame = pl.DataFrame({"_row": [1], "_line": [2], "0": ["1"], "1": ["9"], "2": ["odd"]})
    mapping = Mapping({"Code": "code"}, keep_unmapped=True)
    kept = apply(frame, mapping, header, TARGET)["_attributes"][0]
    assert json.loads(kept) == {"Price (EUR)": "9", "attributes.": "odd"}
    assert fed_names(mapping, header, TARGET) == ["code", "attributes.Price (EUR)", "attributes.attributes."]
    assert column_at_fault("invalid", "attributes.Price (EUR)", mapping.column_of(header)) == header[1]


def test_two_columns_of_one_attribute_are_refused_unless_they_are_left_out():
    header = ["Code", "Name", "Tone", "attributes.Tone"]
    mapping = Mapping({"Code": "code", "Name": "name"}, keep_unmapped=True)
    with pytest.raises(MappingRefused) as refused:
        validate(mapping, header, TARGET, match="code")
    assert refused.value.fields == {
        "columns.attributes.Tone": [
            "It would be kept as the attribute “Tone”, as “Tone” is. Rename one of them in the file."
        ]
    }
    validate(replace(mapping, keep_unmapped=False), header, TARGET, match="code")


def test_sample_file_is_matched_by_itself():
    sniffed = sniff(csv_of(TARGET))
    assert sniffed.bom
    assert sniffed.sample_rows[0][5] == "Łódź"
    assert [match.field for match in suggest(sniffed.header, TARGET)] == [field.name for field in TARGET.fields]


HEADER = ["Code", "Name", "Town", "Extra"]
GOOD = Mapping({"Code": "code", "Name": "name", "Town": "city"})


def faults(mapping: Mapping, **options):
    with pytest.raises(MappingRefused) as refused:
        validate(mapping, HEADER, TARGET, **{"match": "code", **options})
    assert all(word.endswith(".") for words in refused.value.fields.values() for word in words)
    return refused.value.fields


def test_good_mapping_is_valid():
    validate(GOOD, HEADER, TARGET, match="code")
    validate(Mapping({"Code": "code", "Town": "city"}, {"name": "Acme"}), HEADER, TARGET, match="code")
    validate(Mapping({"Code": "code"}), HEADER, TARGET, match="code", mode="update")
    validate(Mapping({"Name": "name", "Extra": "contact_email"}), HEADER, TARGET, match="email")


@pytest.mark.parametrize(
    ("mapping", "where", "words"),
    [
        (Mapping({"Code": "code"}), "fields.name", "Choose the column that holds “Name”."),
        (Mapping(), "columns", "at least one column"),
        (Mapping({**GOOD.columns, "Extra": "city"}), "columns.Extra", "is fed by column “Town” already"),
        (Mapping({**GOOD.columns, "Gone": "city"}), "columns.Gone", "no column “Gone”"),
        (Mapping({**GOOD.columns, "Extra": "colour"}), "columns.Extra", "no field “colour”"),
        (Mapping(GOOD.columns, {"city": "Bath"}), "constants.city", "has a column already"),
        (Mapping(GOOD.columns, {"colour": "red"}), "constants.colour", "no field"),
        (Mapping(GOOD.columns, {"contact_email": "a@b.example"}), "constants.contact_email", "tells rows apart"),
        (Mapping(GOOD.columns, {"notes": "x" * 1001}), "constants.notes", "longer than 1,000"),
        (Mapping({"Name": "name"}), "match", "choose the column that holds it"),
    ],
)
def test_wrong_mapping_names_what_is_wrong(mapping: Mapping, where: str, words: str):
    assert words in faults(mapping)[where][0]


def test_key_that_new_records_get_needs_no_column_when_all_are_only_added():
    numbered = replace(TARGET, keys=(replace(TARGET.keys[0], numbered=True), *TARGET.keys[1:]))
    validate(Mapping({"Name": "name"}), HEADER, numbered, match="code", mode="create")
    with pytest.raises(MappingRefused) as refused:
        validate(Mapping({"Name": "name"}), HEADER, numbered, match="code")
    assert refused.value.fields["match"][0].endswith("choose “Only added” (mode create): those without one get one.")
    assert "match" in faults(Mapping({"Name": "name"}), mode="create")


def test_unknown_key_is_refused():
    assert "Known are: code, email" in faults(GOOD, match="shoe size")["match"][0]


def test_several_columns_feed_a_field_that_joins_them():
    mapping = Mapping({"Code": "code", "Name": "name", "Extra": "name"})
    validate(mapping, HEADER, TARGET, match="code")
    assert apply_to(mapping)["name"].to_list() == ["Acme more", "Bolt"]


def apply_to(mapping: Mapping) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "_row": [1, 2],
            "_line": [2, 3],
            "0": [" 001 ", "002"],
            "1": ["Acme", "\u00a0Bolt"],
            "2": ["", " \t "],
            "3": ["more", ""],
        },
        schema_overrides={"_row": pl.UInt32, "_line": pl.UInt32},
    )
    return apply(frame, mapping, HEADER, TARGET)


def test_cells_are_trimmed_and_blank_ones_null():
    assert apply_to(GOOD).rows() == [(1, 2, "001", "Acme", None), (2, 3, "002", "Bolt", None)]
    assert apply_to(GOOD).columns == ["_row", "_line", "code", "name", "city"]


def test_constants_stand_in_every_row():
    frame = apply_to(Mapping({"Code": "code"}, {"notes": "Fair"}))
    assert frame["notes"].to_list() == ["Fair", "Fair"]
    assert frame.schema["notes"] == pl.String


def test_unmapped_columns_are_kept_as_json_where_they_are_not_blank():
    frame = apply_to(Mapping({"Code": "code", "Name": "name"}, keep_unmapped=True))
    assert [text and json.loads(text) for text in frame["_attributes"]] == [{"Extra": "more"}, None]
    everything = apply_to(Mapping({}, keep_unmapped=True))
    assert json.loads(everything["_attributes"][1]) == {"Code": "002", "Name": "Bolt"}
    nothing = apply_to(Mapping({"Code": "code", "Name": "name", "Town": "city", "Extra": "notes"}, keep_unmapped=True))
    assert nothing["_attributes"].to_list() == [None, None]


def test_attributes_are_json_whatever_the_names_and_cells_hold():
    header = ['a "b" \\', "naïve\t"]
    frame = pl.DataFrame({"_row": [1], "_line": [2], "0": ['x"y\n\\'], "1": ["🙂\u2028"]})
    kept = apply(frame, Mapping(keep_unmapped=True), header, TARGET)["_attributes"][0]
    assert json.loads(kept) == {'a "b" \\': 'x"y\n\\', "naïve\t": "🙂"}


def test_mapping_survives_its_storage():
    mapping = Mapping({"Code": "code"}, {"notes": "x"}, keep_unmapped=True)
    assert Mapping.from_json(json.loads(json.dumps(mapping.to_json()))) == mapping
    assert Mapping.from_json({"columns": {"Code": "code", "Town": None}}) == Mapping({"Code": "code"})
