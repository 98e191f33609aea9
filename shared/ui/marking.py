"""Which parts of a text were searched for."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from markupsafe import Markup, escape

MARK = Markup("<mark>{}</mark>")


def marked(text: str | None, query: str) -> Markup:
    """Return `text` with the parts marked that were searched for, accents and case aside."""
    text = text or ""
    words = _words(query)
    plain, places = _plain(text) if words else ("", None)
    if not any(word in plain for word in words):
        return escape(text)
    hits: set[int] = set()
    for word in words:
        for found in re.finditer(re.escape(word), plain):
            span = range(found.start(), found.end())
            hits.update(span if places is None else (places[place] for place in span))
    shown_until, parts = 0, Markup("")
    for start, end in _runs(sorted(hits)):
        parts += escape(text[shown_until:start]) + MARK.format(text[start:end])
        shown_until = end
    return parts + escape(text[shown_until:])


@lru_cache(64)
def _words(query: str) -> list[str]:
    return _plain(query)[0].split()


def _plain(text: str) -> tuple[str, list[int] | None]:
    """Return `text` without accents and case, and for each sign of it the place where it came from (None: the same)."""
    if text.isascii():
        return text.lower(), None
    plain: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        for one in unicodedata.normalize("NFKD", sign).casefold():
            if not unicodedata.combining(one):
                plain.append(one)
                places.append(place)
    return "".join(plain), places


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the runs of places that follow each other."""
    for _, run in groupby(enumerate(places), lambda pair: pair[1] - pair[0]):
        run_places = [place for _, place in run]
        yield run_places[0], run_places[-1] + 1
