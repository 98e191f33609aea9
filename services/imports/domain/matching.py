"""Which column of a file feeds which field: by a saved mapping, by name, by alias; likely ones are only suggested."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.imports.domain.mapping import Mapping, own_columns
from services.imports.domain.target import Target, TargetField
from shared.attribute_columns import is_attribute

REPEATED = re.compile(r" \(\d+\)$")  # how `sniffing` names a column whose name came before
LIKELY = 80  # of 100: how alike two names must be to be suggested
SHORTEST = 4  # letters; a shorter name is like too many others


@dataclass(frozen=True)
class ColumnMatch:
    """What was found for one column.

    `how` is saved, exact, alias, fuzzy, none, or own (a column of our own error file, which is no data). For fuzzy,
    `field` is None and `suggestion` is what a person should confirm. `confidence` is 0 to 100.
    """

    column: str
    field: str | None = None
    how: str = "none"
    confidence: int = 0
    suggestion: str | None = None


def suggest(header: Sequence[str], target: Target, saved: Mapping | None = None) -> list[ColumnMatch]:
    """Return a match for each column of `header`, in its order. A field is given once unless it joins columns."""
    own = own_columns(header)
    matches: dict[str, ColumnMatch] = {name: ColumnMatch(name, how="own", confidence=100) for name in own}
    open_columns = [name for name in header if name not in matches]
    if saved is not None:
        for name in open_columns:
            field = saved.columns.get(name)
            known = field in target.by_name
            matches[name] = ColumnMatch(name, field if known else None, "saved", 100)
        return [matches[name] for name in header]
    found = _Found(target, [name for name in open_columns if not is_attribute(name)], matches)
    found.match_beside()
    found.match_names()
    found.match_aliases()
    found.suggest_likely()
    return [matches.get(name, ColumnMatch(name)) for name in header]


class _Found:
    """The columns that are still open, and the fields that are still free."""

    def __init__(self, target: Target, columns: list[str], matches: dict[str, ColumnMatch]) -> None:
        self.target = target
        self.matches = matches
        self.columns = {name: plain(name) for name in columns}
        self.free = {field.name for field in target.fields}

    def match_beside(self) -> None:
        """Give fields what is theirs only beside certain other columns: "Email" beside "First Name".

        Not where the file has another column for the field anyway, such as "Contact e-mail".
        """
        there = set(self.columns.values())
        for field in self.target.fields:
            rule = field.aliases_beside
            if rule and there & {plain(alias) for alias in rule.beside}:
                own = {plain(name) for name in (*self._names_of(field), *field.aliases)}
                if not there & own:
                    self._match(field, rule.aliases, "alias", 95)

    def match_names(self) -> None:
        """Match columns that are called as the field is."""
        for field in self.target.fields:
            self._match(field, self._names_of(field), "exact", 100)

    def _names_of(self, field: TargetField) -> tuple[str, ...]:
        return field.name, self.target.labels[field.name], field.label, f"{field.group} {field.label}"

    def match_aliases(self) -> None:
        """Match columns that are called as the field is called elsewhere."""
        for field in self.target.fields:
            self._match(field, field.aliases, "alias", 90)

    def _match(self, field: TargetField, names: Iterable[str], how: str, confidence: int) -> None:
        """Give `field` the open column of the first of `names` that there is; if it joins, those like it too."""
        for name in dict.fromkeys(map(plain, names)):
            for column, called in list(self.columns.items()):
                if name and called == name and self._may_take(field, called):
                    self.matches[column] = ColumnMatch(column, field.name, how, confidence)
                    del self.columns[column]
                    self.free.discard(field.name)

    def _may_take(self, field: TargetField, called: str) -> bool:
        """Tell whether this column is the field's first, or goes on with the one it has (Address 1, Address 2)."""
        if field.name in self.free:
            return True
        has = [plain(match.column) for match in self.matches.values() if match.field == field.name]
        return field.joins and any(_without_digits(column) == _without_digits(called) for column in has)

    def suggest_likely(self) -> None:
        """Suggest the most alike of the open columns and free fields, the best pair first."""
        names = _Names([field for field in self.target.fields if field.name in self.free])
        pairs = sorted(
            (-score, column, name)
            for column in self.columns
            if REPEATED.sub("", column) == column  # a repeated column was matched under its first name, or not
            for name, score in names.like(column).items()
        )
        for score, column, name in pairs:
            if column in self.columns and name in self.free:
                self.matches[column] = ColumnMatch(column, None, "fuzzy", -score, suggestion=name)
                del self.columns[column]
                self.free.discard(name)


@lru_cache(20_000)
def plain(name: str) -> str:
    """Return a column's name without case, accents and signs: "E-Mail (1)" is "email1"."""
    bare = unicodedata.normalize("NFKD", name).casefold().replace("ß", "ss")
    return "".join(sign for sign in bare if sign.isalnum())


def _without_digits(name: str) -> str:
    return "".join(sign for sign in name if not sign.isdigit())


class _Names:
    """What some fields may be called, to be compared with many columns."""

    def __init__(self, fields: Sequence[TargetField]) -> None:
        called = [(field.name, name) for field in fields for name in _words_for(field) if len(plain(name)) >= SHORTEST]
        self.fields = [field for field, _ in called]
        self.bare = [plain(name) for _, name in called]
        self.words = [name.casefold() for _, name in called]

    def like(self, column: str) -> dict[str, int]:
        """Return for each field that may be meant how alike its most alike name is, from LIKELY to 100.

        Whatever the order of its words; two letters swapped are one mistake.
        """
        from rapidfuzz import fuzz, process
        from rapidfuzz.distance import OSA

        words, bare = column.replace("_", " ").replace("-", " ").casefold(), plain(column)
        if len(bare) < SHORTEST:
            return {}
        typed = process.extract(
            bare, self.bare, scorer=OSA.normalized_similarity, score_cutoff=(LIKELY - 0.5) / 100, limit=None
        )
        near = [(100 * score, at) for _, score, at in typed]
        for scorer, text, names in ((fuzz.ratio, bare, self.bare), (fuzz.token_sort_ratio, words, self.words)):
            found = process.extract(text, names, scorer=scorer, score_cutoff=LIKELY - 0.5, limit=None)
            near += [(score, at) for _, score, at in found]
        best: dict[str, int] = {}
        for score, at in near:
            best[self.fields[at]] = max(best.get(self.fields[at], 0), round(score))
        return {field: score for field, score in best.items() if score >= LIKELY}


def _words_for(field: TargetField) -> tuple[str, ...]:
    return field.label, field.name.replace("_", " "), *field.aliases
