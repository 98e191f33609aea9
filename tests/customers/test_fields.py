"""What forms, API and imports take in: cleaned once and for all, refused with a sentence."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.customers.schemas import AccountIn, ContactIn
from shared.countries import country_choices, country_code, country_name, phone_region
from shared.keys import INVISIBLE, code_key, email_key, name_key, phone_key

SCHEMA = AccountIn()
words = st.text(max_size=30)


@given(st.dictionaries(st.sampled_from(["code", "name", "city", "street", "notes", "source", "country"]), words))
def test_text_when_loaded_again_stays(given_values: dict[str, str]) -> None:
    if SCHEMA.validate({"name": "x", **given_values}):
        return
    once = SCHEMA.load({"name": "x", **given_values})
    assert SCHEMA.load(once) == once
    for text in once.values():
        assert text is None or (text == text.strip() != "" and "\x00" not in text)
        assert text is None or text.encode()


@given(words)
def test_key_when_made_of_a_key_stays(text: str) -> None:
    for rule in (code_key, email_key, name_key):
        assert rule(rule(text)) == rule(text)
    number, _ = phone_key(text)
    assert phone_key(number)[0] == number


@given(words)
def test_code_when_loaded_keeps_its_key(text: str) -> None:
    if SCHEMA.validate({"name": "x", "code": text}):
        return
    code = SCHEMA.load({"name": "x", "code": text})["code"]
    visible = text.translate(str.maketrans("", "", INVISIBLE))
    one_line = re.sub(r"[\t\r\n\x85\u2028\u2029]+", " ", visible)
    assert (code or "") == "" or code_key(code) == code_key(one_line)


@pytest.mark.parametrize(
    ("field", "typed", "loaded"),
    [
        ("code", "\u200b 007\u00a0", "007"),
        ("code", "0\u00a00\u202f7", "007"),
        ("name", " A\u00a0b\tc ", "A b c"),
        ("name", "Acme \u202excod.gpj\u2066", "Acme xcod.gpj"),
        ("notes", "one\u202d\ntwo", "one\ntwo"),
        ("email", "Office@Cobalt.Example ", "Office@Cobalt.Example"),
        ("website", "www.cobalt.example:8080/x", "https://www.cobalt.example:8080/x"),
        ("website", "http://cobalt.example", "http://cobalt.example"),
        ("phone", "(0)30 / 231-25 ext. 7", "(0)30 / 231-25 ext. 7"),
        ("country", "Österreich", "AT"),
        ("country", "Narnia", "Narnia"),
        ("kind", "Company", "company"),
        ("tags", "a, B;b ,", ["a", "B"]),
        ("tags", ["x", " x "], ["x"]),
        ("tags", None, []),
        ("attributes", {"Shoe": " 43 ", "Hat": ""}, {"Shoe": "43"}),
        ("attributes", None, {}),
        ("notes", "one\r\ntwo\n", "one\ntwo"),
        ("city", "  ", None),
    ],
)
def test_value_when_loaded_is_clean(field: str, typed: Any, loaded: Any) -> None:
    assert SCHEMA.load({"name": "x", field: typed})[field] == loaded


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "\u200b", "Needed."),
        ("name", "a\x00b", "Holds a NUL character."),
        ("name", "a\ud800", "Holds half of a character (a lone surrogate)."),
        ("notes", "\x1b[1m", "Holds a control character."),
        ("email", "a@b", "Not an e-mail address: the part after @ needs a dot, as in example.com."),
        ("website", "javascript:alert(1)", "Not a web address. It should read like https://www.example.com."),
        ("website", 'http://ok.example/"><b>', "Not a web address. It should read like https://www.example.com."),
        ("website", "http://[", "Not a web address. It should read like https://www.example.com."),
        ("phone", "call me", "Not a phone number: it needs 3 to 25 digits."),
        ("kind", "robot", "Must be one of: company, person."),
        ("code", "x" * 65, "Too long: at most 64 characters."),
    ],
)
def test_value_when_wrong_is_refused_in_words(field: str, typed: str, sentence: str) -> None:
    assert SCHEMA.validate({"name": "x", field: typed})[field] == [sentence]


def test_contact_when_nameless_is_refused() -> None:
    assert ContactIn().validate({"first_name": "Chloé"}) == {"last_name": ["Needed."]}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("de", "DE"),
        ("DEU", "DE"),
        ("UK", "GB"),
        ("U.S.A.", "US"),
        ("Deutschland", "DE"),
        ("Côte d’Ivoire", "CI"),
        ("Cote d'Ivoire", "CI"),
        ("Ελλάδα", "GR"),
        ("St. Lucia", "LC"),
        ("Saint Lucia", "LC"),
        ("Trinidad & Tobago", "TT"),
        ("Korea, Republic of", "KR"),
        ("Korea (North)", "KP"),
        ("Congo (Democratic Republic of the)", "CD"),
        ("Congo", "CG"),
        ("Slovakia (Slovak Republic)", "SK"),
        ("Holy See (Vatican City State)", "VA"),
        ("Netherlands Antilles", "Netherlands Antilles"),
        ("the", "the"),
    ],
)
def test_country_when_written_is_known_by_its_code(text: str, code: str) -> None:
    assert country_code(text) == code


def test_countries_when_shown_are_known_again() -> None:
    assert len(country_choices()) > 240
    for code, name in country_choices():
        assert (country_code(name), country_name(code), phone_region(code)) == (code, name, code)
    assert (phone_region("Narnia"), phone_region(None), country_name(None)) == (None, None, "")
