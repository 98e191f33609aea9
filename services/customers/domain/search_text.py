"""The words by which an account is found: how they are kept, and how what a person types asks for them.

`account.search` holds canonical words only: NFKD without marks, lower case, apostrophes dropped, every other
sign a word boundary. So "muller" finds Müller, "oneil" finds O'Neil, "lodz" finds Łódź. Its form is

    " <name>  <code> <city> <e-mail> <phone> ... <first name> <last name> <e-mail> <phone> ..."

A space goes before every word, so that `LIKE '% smi%'` asks for a word's beginning; two spaces end the name,
so that sorting by the text sorts by name, shorter names first. Of an e-mail address the part before @ gives its
words and the domain is one word without dots (else "co" would find every .com); a phone is its digits. What a
contact repeats of the account (a person who is their own contact) is left out.

Two twins make it: `search_text` for one account, `search_text_expression` for a polars frame.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

# Letters that NFKD does not take apart, and two that lower case leaves in several forms.
LETTERS = {
    "ß": "ss",
    "ς": "σ",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "ħ": "h",
    "ı": "i",
    "ł": "l",
    "ŋ": "n",
    "þ": "th",
    "ŧ": "t",
}
APOSTROPHES = "['’ʼ`ʹ]"
EXTENSION = r"(?is)(x|ext|#|;|,).*$"

_LETTERS = str.maketrans(LETTERS)


class SearchedContact(NamedTuple):
    """What of a contact is searched; phones as their key, or as written where there is no key."""

    first_name: str | None
    last_name: str | None
    email: str | None = None
    phones: Sequence[str | None] = ()


class SearchedContactColumns(NamedTuple):
    """The same as polars columns."""

    first_name: pl.Expr
    last_name: pl.Expr
    email: pl.Expr
    phones: Sequence[pl.Expr] = ()


def fold(text: str) -> str:
    """The canonical words of a text, one space between them."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in text if unicodedata.category(letter)[0] != "M")
        text = text.lower().translate(_LETTERS)
    return re.sub(r"[\W_]+", " ", re.sub(APOSTROPHES, "", text.lower())).strip()


def search_text(
    *,
    name: str,
    code: str,
    city: str | None = None,
    email: str | None = None,
    phones: Sequence[str | None] = (),
    contacts: Iterable[SearchedContact] = (),
) -> str:
    """The value of `account.search`; phones are keys (E.164), or as written where there is no key."""
    phrases = [code, city or "", email_words(email), *map(phone_digits, phones)]
    for contact in contacts:
        full_name = f"{contact.first_name or ''} {contact.last_name or ''}"
        phrases.append("" if full_name == name else full_name)
        phrases.append("" if contact.email == email else email_words(contact.email))
        phrases.extend(phone_digits(phone) for phone in contact.phones if phone not in phones)
    return f" {fold(name)}  {fold(' '.join(phrases))}"


def email_words(email: str | None) -> str:
    """The part before @ and the domain without its dots and hyphens, as one word."""
    local, _, domain = (email or "").partition("@")
    return f"{local} {domain.replace('.', '').replace('-', '')}"


def phone_digits(phone: str | None) -> str:
    """The digits of a number, without its extension."""
    return re.sub("[^0-9]", "", re.sub(EXTENSION, "", phone or ""))


def search_text_expression(
    *,
    name: pl.Expr,
    code: pl.Expr,
    city: pl.Expr,
    email: pl.Expr,
    phones: Sequence[pl.Expr] = (),
    contacts: Sequence[SearchedContactColumns] = (),
) -> pl.Expr:
    """`search_text` for text columns (null where there is nothing)."""
    phrases = [code, city, _email_words(email), *map(_phone_digits, phones)]
    for contact in contacts:
        full_name = pl.concat_str(contact.first_name.fill_null(""), contact.last_name.fill_null(""), separator=" ")
        phrases.append(pl.when(full_name != name).then(full_name))
        phrases.append(pl.when(contact.email.ne_missing(email)).then(_email_words(contact.email)))
        for phone in contact.phones:
            is_new = pl.all_horizontal(phone.ne_missing(other) for other in phones) if phones else pl.lit(value=True)
            phrases.append(pl.when(is_new).then(_phone_digits(phone)))
    others = pl.concat_str([phrase.fill_null("") for phrase in phrases], separator=" ")
    return pl.concat_str(pl.lit(" "), _fold(name), pl.lit("  "), _fold(others))


def _fold(text: pl.Expr) -> pl.Expr:
    text = text.fill_null("").str.normalize("NFKD").str.replace_all(r"\p{M}+", "").str.to_lowercase()
    text = text.str.replace_many(LETTERS).str.replace_all(APOSTROPHES, "")
    return text.str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars(" ")


def _email_words(email: pl.Expr) -> pl.Expr:
    parts = email.str.splitn("@", 2)
    domain = parts.struct[1].str.replace_many([".", "-"], ["", ""])
    return pl.concat_str(parts.struct[0].fill_null(""), domain.fill_null(""), separator=" ")


def _phone_digits(phone: pl.Expr) -> pl.Expr:
    return phone.fill_null("").str.replace(EXTENSION, "").str.replace_all("[^0-9]", "")
