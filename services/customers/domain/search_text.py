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

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

from shared.words import APOSTROPHES, LETTERS, searched, spread_email


class SearchedContact(NamedTuple):
    """What of a contact is searched: names as written, e-mail and phones as keys of `shared.keys`."""

    first_name: str | None
    last_name: str | None
    email_key: str | None = None
    phone_keys: Sequence[str | None] = ()


class SearchedContactColumns(NamedTuple):
    """The same as polars columns."""

    first_name: pl.Expr
    last_name: pl.Expr
    email_key: pl.Expr
    phone_keys: Sequence[pl.Expr] = ()


def search_text(
    *,
    name: str,
    code_key: str,
    city: str | None = None,
    email_key: str | None = None,
    phone_keys: Sequence[str | None] = (),
    contacts: Iterable[SearchedContact] = (),
) -> str:
    """The value of `account.search`; name and city as written, the others as keys of `shared.keys`."""
    phrases = [code_key, city, spread_email(email_key), *phone_keys]
    for contact in contacts:
        full_name = f"{contact.first_name or ''} {contact.last_name or ''}"
        phrases.append(None if full_name == name else full_name)
        phrases.append(None if contact.email_key == email_key else spread_email(contact.email_key))
        phrases.extend(phone for phone in contact.phone_keys if phone not in phone_keys)
    return searched(name, phrases)


def search_text_expression(
    *,
    name: pl.Expr,
    code_key: pl.Expr,
    city: pl.Expr,
    email_key: pl.Expr,
    phone_keys: Sequence[pl.Expr] = (),
    contacts: Sequence[SearchedContactColumns] = (),
    contact_words: pl.Expr | None = None,
) -> pl.Expr:
    """`search_text` for text columns (null where there is nothing).

    Instead of `contacts`, `contact_words` may hold the `contact_phrases` of all contacts, with spaces between.
    """
    phrases = [code_key, city, _spread_email(email_key), *phone_keys]
    for contact in contacts:
        phrases += contact_phrases(contact, name=name, email_key=email_key, phone_keys=phone_keys)
    if contact_words is not None:
        phrases.append(contact_words)
    others = pl.concat_str([phrase.fill_null("") for phrase in phrases], separator=" ")
    return pl.concat_str(pl.lit(" "), _fold(name), pl.lit("  "), _fold(others))


def contact_phrases(
    contact: SearchedContactColumns, *, name: pl.Expr, email_key: pl.Expr, phone_keys: Sequence[pl.Expr]
) -> list[pl.Expr]:
    """What a contact adds to the words of its account, of which name, e-mail and phones are given."""
    full_name = pl.concat_str(contact.first_name.fill_null(""), contact.last_name.fill_null(""), separator=" ")
    phrases: list[pl.Expr] = [
        pl.when(full_name != name).then(full_name),
        pl.when(contact.email_key.ne_missing(email_key)).then(_spread_email(contact.email_key)),
    ]
    for phone in contact.phone_keys:
        known = pl.any_horizontal(pl.lit(value=False), *(phone.eq_missing(other) for other in phone_keys))
        phrases.append(pl.when(~known).then(phone))
    return phrases


def _fold(text: pl.Expr) -> pl.Expr:
    text = text.str.normalize("NFKD").str.replace_all(r"\p{M}+", "").str.to_lowercase()
    text = text.str.replace_many(LETTERS).str.replace_all(APOSTROPHES, "")
    return text.str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars(" ")


def _spread_email(email_key: pl.Expr) -> pl.Expr:
    parts = email_key.str.splitn("@", 2)
    domain = parts.struct[1].str.replace_many([".", "-"], ["", ""])
    return pl.concat_str(parts.struct[0].fill_null(""), domain.fill_null(""), separator=" ")
