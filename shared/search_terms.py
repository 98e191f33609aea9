"""What a typed text asks for, as patterns over a search text: canonical words (`shared.words`), a space before each.

Every word must be there, in any order. A word of three letters or more may stand anywhere, also inside another
word; one or two letters must begin a word. Numbers that follow each other are one number typed with gaps, as
people write phones, or else each begins a word. A national number is found in an international one,
so its leading zero is no part of it.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from shared.words import fold, spread_email

# One of these must hold, in each all patterns.
Term = tuple[tuple[str, ...], ...]

MAX_LETTERS = 200
MAX_TERMS = 8
MAX_WORD = 60
WHOLE_WORD_ONLY_BELOW = 3
SHORTEST_PHONE = 4

_NUMBER = re.compile(r"[0-9()+./-]*[0-9][0-9()+./-]*")


def storable(text: str) -> str:
    """The first letters of what was typed, without what no text in PostgreSQL can hold (NUL, half a character)."""
    return text[:MAX_LETTERS].replace("\x00", " ").encode(errors="ignore").decode()


def search_terms(text: str) -> list[Term]:
    """The terms of a typed text, all of which must hold; beyond `MAX_TERMS` they are left out."""
    words = unicodedata.normalize("NFKC", text).split()
    return list(islice(dict.fromkeys(_terms(words)), MAX_TERMS))


def starts_of_name(text: str) -> str:
    """How a search text that begins with the name begins, where the name starts with the typed text; else empty."""
    words = fold(text)
    return f" {words}" if words else ""


def matching(column: ColumnElement[str] | InstrumentedAttribute[str], terms: Sequence[Term]) -> ColumnElement[bool]:
    """Return the condition that a search text matches all `terms`."""
    return and_(true(), *(or_(*(and_(*(column.like(one) for one in patterns)) for patterns in term)) for term in terms))


def _terms(words: Sequence[str]) -> Iterator[Term]:
    for is_number, run in groupby(words, lambda word: bool(_NUMBER.fullmatch(word))):
        if is_number:
            yield _number_term(" ".join(run))
        else:
            for word in run:
                yield from _word_terms(word)


def _number_term(number: str) -> Term:
    pieces = fold(number).split()
    joined = _without_trunk_zero(fold(number.replace("(0)", " ")).replace(" ", ""))
    if len(pieces) == 1:
        return ((_pattern(joined),),)
    return ((_pattern(joined),), tuple(f"% {piece[:MAX_WORD]}%" for piece in pieces))


def _without_trunk_zero(digits: str) -> str:
    """Drop one or two zeros in front of a number long enough for a phone; three begin a code."""
    found = re.fullmatch(f"00?([1-9][0-9]{{{SHORTEST_PHONE - 1},}})", digits)
    return found.group(1) if found else digits


def _word_terms(word: str) -> Iterator[Term]:
    pieces = fold(spread_email(word) if "@" in word else word).split()
    # A domain is kept without its dots, where an end such as ".de" is too short to be found inside.
    if "." in word and any(len(piece) < WHOLE_WORD_ONLY_BELOW for piece in pieces):
        yield (tuple(map(_pattern, pieces)), (_pattern("".join(pieces)),))
    else:
        yield from (((_pattern(piece),),) for piece in pieces)


def _pattern(word: str) -> str:
    """Anywhere, or for less than a trigram: where a word begins. Words are letters and digits: nothing to escape."""
    word = word[:MAX_WORD]
    return f"% {word}%" if len(word) < WHOLE_WORD_ONLY_BELOW else f"%{word}%"
