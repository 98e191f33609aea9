"""One canonical form of codes, e-mails, names and phones.

The unique index, the API and the importer all compare these keys and nothing else. Each rule comes twice: for one
text, and for a polars column; the column function takes a vectorised way for plain values and calls the first for the
rest, so both agree (a property test holds that).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import phonenumbers

if TYPE_CHECKING:  # only a bulk process needs it, and it takes 40 MB
    import polars as pl

INVISIBLE = "\u00a0\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u202f\u2060\ufeff"
_drop_invisible = str.maketrans("", "", INVISIBLE)
_EXTENSION = re.compile(r"(?:;?\s*(?:ext(?:ension|n)?\.?|x|#|durchwahl)\s*[:.]?\s*)(\d{1,9})\s*$", re.IGNORECASE)
_NOT_DIGITS = re.compile(r"[^0-9]")
_PLAIN_ASCII = r"^[\x21-\x7e]*$"
_PLAIN_LINE = r"^[\x20-\x7e\x{c0}-\x{17e}]*$"  # Latin letters are in NFC already
_PLAIN_NAME = r"^[\x21-\x7e]+(?: [\x21-\x7e]+)*$"
_PLAIN_INTERNATIONAL = r"^\+[1-9][0-9 ./-]*$"


def clean(text: str) -> str:
    """Return `text` in NFC without invisible characters at work in it and without white space around it.

    Zero-width joiners stay (scripts and emoji need them); no-break spaces become spaces.
    """
    return unicodedata.normalize(
        "NFC", text.replace("\u00a0", " ").replace("\u202f", " ").replace("\ufeff", "")
    ).strip()


def code_key(text: str) -> str:
    """Return the key of a business code: trimmed, no zero-width or no-break spaces, any case alike, zeros kept."""
    return unicodedata.normalize("NFKC", text.translate(_drop_invisible)).strip().casefold()


def email_key(text: str) -> str:
    """Return the key of an e-mail address: trimmed, NFKC, lower case."""
    return unicodedata.normalize("NFKC", text.translate(_drop_invisible)).strip().lower()


def name_key(text: str) -> str:
    """Return the key of a name: NFKC, casefold, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(65_536)
def phone_key(text: str, country: str | None = None) -> tuple[str, str]:
    """Return (number, extension) of a phone; both may be empty.

    A number that begins with + or 00 is international already: + and its digits, a "(0)" left out. A national one is
    read by the rules of `country` (ISO 3166 alpha-2; libphonenumber) and written as E.164; where that cannot be done,
    its digits alone are the key.
    """
    number = unicodedata.normalize("NFKC", text.translate(_drop_invisible)).strip()
    if not number.isascii():
        number = "".join(_ascii_digit(sign) for sign in number)
    extension = ""
    if found := _EXTENSION.search(number):
        extension = found.group(1)
        number = number[: found.start()]
    digits = _NOT_DIGITS.sub("", number)
    if number.startswith("+") or digits.startswith("00"):
        digits = _NOT_DIGITS.sub("", number.replace("(0)", ""))
        if not number.startswith("+"):
            digits = digits.removeprefix("00")
        return (f"+{digits}" if digits else "", extension)
    if country and digits:
        return _national(digits, country.upper()), extension
    return digits, extension


def _ascii_digit(sign: str) -> str:
    value = unicodedata.decimal(sign, None)
    return sign if value is None else str(value)


def _national(digits: str, country: str) -> str:
    rules = _dialling_rules(country)
    return (rules and rules.plain_number(digits)) or _any_national(digits, country)


@dataclass(frozen=True)
class _DiallingRules:
    """What of libphonenumber's metadata of a country settles a plain national number, 15 times faster than `parse`."""

    code: str
    trunk_prefix: str  # dialled before a national number inside the country, such as 0
    abroad: re.Pattern[str]
    trunk: re.Pattern[str] | None
    number: re.Pattern[str]
    lengths: frozenset[int]

    def plain_number(self, digits: str) -> str | None:
        """Return the E.164 form of digits that are surely a national number, with trunk prefix or without."""
        if digits.startswith(self.code) or self.abroad.match(digits):
            return None
        if self.trunk_prefix and digits.startswith(self.trunk_prefix):
            digits = digits[len(self.trunk_prefix) :]
        elif self.trunk and self.trunk.match(digits):
            return None
        if digits.startswith("0") or len(digits) not in self.lengths or not self.number.fullmatch(digits):
            return None
        return f"+{self.code}{digits}"


@cache
def _dialling_rules(country: str) -> _DiallingRules | None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country)
    if metadata is None or metadata.country_code is None or metadata.general_desc is None:
        return None
    region = phonenumbers.region_code_for_country_code(metadata.country_code)
    main = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if main is None or main.general_desc is None:
        return None
    prefix, rule = metadata.national_prefix_for_parsing, metadata.national_prefix_transform_rule
    return _DiallingRules(
        code=str(metadata.country_code),
        trunk_prefix=prefix if prefix and prefix.isdecimal() and not rule else "",
        abroad=re.compile(metadata.international_prefix or ""),
        trunk=re.compile(prefix) if prefix else None,
        number=re.compile(metadata.general_desc.national_number_pattern or ""),
        lengths=frozenset(metadata.general_desc.possible_length) & frozenset(main.general_desc.possible_length),
    )


def _any_national(digits: str, country: str) -> str:
    try:
        parsed = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return digits
    if phonenumbers.is_possible_number(parsed):
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return digits


def clean_texts(column: pl.Series) -> pl.Series:
    """Return `clean` of each text of `column`; nulls stay, what is blank becomes null."""
    cleaned = _twin(column, _PLAIN_LINE, column.str.strip_chars(" "), clean)
    return cleaned.replace("", None)


def code_keys(column: pl.Series) -> pl.Series:
    """Return the `code_key` of each text of `column`; nulls stay."""
    return _twin(column, _PLAIN_ASCII, column.str.to_lowercase(), code_key)


def email_keys(column: pl.Series) -> pl.Series:
    """Return the `email_key` of each text of `column`; nulls stay."""
    return _twin(column, _PLAIN_ASCII, column.str.to_lowercase(), email_key)


def name_keys(column: pl.Series) -> pl.Series:
    """Return the `name_key` of each text of `column`; nulls stay."""
    return _twin(column, _PLAIN_NAME, column.str.to_lowercase(), name_key)


def phone_keys(column: pl.Series, country: pl.Series) -> pl.Series:
    """Return the number part of `phone_key` for each phone and its country; nulls stay, an empty key is null."""
    plain = column.str.contains(_PLAIN_INTERNATIONAL).fill_null(value=True)
    keys = column.str.replace_all(r"[^+0-9]", "")
    if not plain.all():
        pairs = zip(column.filter(~plain).to_list(), country.filter(~plain).to_list(), strict=True)
        keys = keys.scatter((~plain).arg_true(), [phone_key(text, where)[0] or None for text, where in pairs])
    return keys


def _twin(column: pl.Series, plain_pattern: str, fast: pl.Series, rule: Callable[[str], str]) -> pl.Series:
    plain = column.str.contains(plain_pattern).fill_null(value=True)
    if plain.all():
        return fast
    return fast.scatter((~plain).arg_true(), [rule(text) for text in column.filter(~plain).to_list()])
