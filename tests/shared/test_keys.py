"""One canonical form: what people write differently and mean alike has one key, by text and by column."""

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import keys

ANY_TEXT = st.one_of(
    st.none(),
    st.text(max_size=10),
    st.text(alphabet="aAzZ ßẞİıΣςé\u0301ﬁＡ\u00a0\u200b\u200d\ufeff\t\n\x1f\x00-.@", max_size=10),
)
PHONE_TEXT = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.text(alphabet="+0123456789()-./x#ext. \u00a0٣９", max_size=16),
    st.from_regex(r"\+[1-9][0-9 ./-]{3,12}", fullmatch=True),
)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def series(texts: list[str | None]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


@pytest.mark.parametrize(
    ("one", "other"),
    [("C001", " c001 "), ("A\u00a01", "a1"), ("X\u200b9", "x9"), ("Straße", "STRASSE"), ("Ｃ１", "c1")],
)
def test_code_key_when_written_in_two_ways_is_one(one: str, other: str) -> None:
    assert keys.code_key(one) == keys.code_key(other)


def test_code_key_when_zeros_lead_keeps_them() -> None:
    assert keys.code_key("0042") == "0042" != keys.code_key("42")


def test_name_key_when_spaces_and_case_differ_is_one() -> None:
    assert keys.name_key("  MÜLLER\u00a0 &  Söhne") == keys.name_key("müller & söhne")


@pytest.mark.parametrize(
    ("text", "country", "key"),
    [
        ("+49 (0)30 123456", None, ("+4930123456", "")),
        ("0049 30 123456", "US", ("+4930123456", "")),
        ("030 901820", "DE", ("+4930901820", "")),
        ("(020) 7946 0018", "gb", ("+442079460018", "")),
        ("+1-679-251-6175x41243", None, ("+16792516175", "41243")),
        ("212 555 0123 ext. 9", "US", ("+12125550123", "9")),
        ("555-0123", None, ("5550123", "")),
        ("٠٣٠ ٩٠١٨٢٠", "DE", ("+4930901820", "")),
        ("no number", "DE", ("", "")),
    ],
)
def test_phone_key_when_written_as_people_do_is_e164(text: str, country: str | None, key: tuple[str, str]) -> None:
    assert keys.phone_key(text, country) == key


@settings(max_examples=300)
@given(st.lists(ANY_TEXT, max_size=8))
def test_columns_when_compared_with_the_rule_for_one_text_agree(texts: list[str | None]) -> None:
    column = series(texts)
    for of_column, of_text in (
        (keys.code_keys, keys.code_key),
        (keys.email_keys, keys.email_key),
        (keys.name_keys, keys.name_key),
    ):
        assert of_column(column).to_list() == [None if text is None else of_text(text) for text in texts]
    cleaned = [None if text is None else keys.clean(text) or None for text in texts]
    assert keys.clean_texts(column).to_list() == cleaned


@settings(max_examples=300)
@given(st.lists(st.tuples(PHONE_TEXT, st.sampled_from(["DE", "US", "GB", "IT", "MX", "XX", "fr", None])), max_size=8))
def test_phone_column_when_compared_with_the_rule_for_one_phone_agrees(
    pairs: list[tuple[str | None, str | None]],
) -> None:
    found = keys.phone_keys(series([text for text, _ in pairs]), series([country for _, country in pairs]))
    assert found.to_list() == [
        None if text is None else keys.phone_key(text, where)[0] or None for text, where in pairs
    ]


@settings(max_examples=500)
@given(st.data())
def test_plain_number_when_it_answers_says_what_libphonenumber_says(data: st.DataObject) -> None:
    region = data.draw(st.sampled_from(REGIONS))
    example = phonenumbers.example_number(region)
    digits = phonenumbers.national_significant_number(example) if example else "12345678"
    changed = [data.draw(st.sampled_from([digit, *"0123456789"])) for digit in digits]
    prefix = data.draw(st.sampled_from(["", "0", "1", "8", "00", "011", str(example.country_code) if example else ""]))
    typed = prefix + "".join(changed)
    rules = keys._dialling_rules(region)
    if rules and (quick := rules.plain_number(typed)):
        assert quick == keys._any_national(typed, region)


def test_plain_number_when_given_the_example_of_each_country_mostly_answers() -> None:
    examples = [(region, phonenumbers.example_number(region)) for region in REGIONS]
    numbers = [(region, phonenumbers.national_significant_number(one)) for region, one in examples if one]
    known = [(keys._dialling_rules(region), number) for region, number in numbers]
    answered = sum(rules is not None and rules.plain_number(number) is not None for rules, number in known)
    assert answered > len(numbers) * 0.8
