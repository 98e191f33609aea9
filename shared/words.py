"""Canonical words, by which people find what others wrote: no accents, no case, no signs."""

import re
import unicodedata
from collections.abc import Iterable

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

_LETTERS = str.maketrans(LETTERS)


def fold(text: str) -> str:
    """The canonical words of a text, one space between them."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in text if unicodedata.category(letter)[0] != "M")
        text = text.lower().translate(_LETTERS)
    return re.sub(r"[\W_]+", " ", re.sub(APOSTROPHES, "", text.lower())).strip()


def searched(name: str, phrases: Iterable[str | None]) -> str:
    """Return a search text: `name`, two spaces, then all else, as canonical words with a space before each."""
    return f" {fold(name)}  {fold(' '.join(phrase or '' for phrase in phrases))}"


def spread_email(email_key: str | None) -> str:
    """The part before @, a space, and the domain without its dots and hyphens."""
    local, _, domain = (email_key or "").partition("@")
    return f"{local} {domain.replace('.', '').replace('-', '')}"
