"""The columnar twins of the fields of a row: where a cell is surely right, and what it is then (`shared.fastcheck`).

Cells come cleaned by `shared.keys.clean_texts`. Each twin is on the safe side: it may be unsure of a right cell, never
sure of a wrong one.
"""

import json
import re
from typing import Any

import polars as pl

from shared import fields
from shared.countries import country_code
from shared.fastcheck import Column, Loader
from shared.importing.cells import AttributesCell, Day, Synonym, TagsCell

LONGEST_PLAIN = 5000

_TURNS = r"\x{202a}-\x{202e}\x{2066}-\x{2069}"
_CONTROL = rf"\x00-\x1f\x7f\x85\x{{2028}}\x{{2029}}{_TURNS}"
_INVISIBLE = r"\x{ad}\x{180e}\x{200b}-\x{200f}\x{2060}\x{feff}"
_ODD_IN_LINE = rf"[{_CONTROL}]"
_ODD_IN_NAME = rf"[{_CONTROL}{_INVISIBLE}]"
_ODD_IN_LINES = rf"[\x00-\x09\x0b-\x1f\x7f{_TURNS}]"
_PLAIN_EMAIL = (
    r"^[A-Za-z0-9_+-]{1,30}(?:\.[A-Za-z0-9_+-]{1,30})?"
    r"@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.){1,4}[A-Za-z]{2,24}$"
)
_SIMPLE_PHONE = r"^(?:[ ()+./-]*[0-9]){5,25}$"
_PLAIN_PHONE = r"^[0-9 ()+./-]*(?:x[0-9]{1,9})?$"
_PLAIN_WEBSITE = r"^https?://[a-z0-9_-]+(?:\.[a-z0-9_-]+)+(?:/[!#-;=?-\[\]_a-z~]*)?$"
_PLAIN_TAGS = r"^[\x20-\x7e\x{c0}-\x{17e}]*$"
_PLAIN_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_PLAIN_TEXT = re.compile(r"[!-~]([ -~]*[!-~])?")


def load_text(field: fields.Text, cells: pl.Series) -> Column:
    """Take a line without control characters as it is."""
    return Column(cells, ~cells.str.contains(_ODD_IN_LINES if field.lines else _ODD_IN_LINE))


def load_name(_: fields.Text, cells: pl.Series) -> Column:
    """Take a line without control and invisible characters as it is."""
    return Column(cells, ~cells.str.contains(_ODD_IN_NAME))


def load_email(_: fields.Email, cells: pl.Series) -> Column:
    """Take an ASCII address of the usual form."""
    return Column(cells, cells.str.contains(_PLAIN_EMAIL))


def load_phone(_: fields.Phone, cells: pl.Series) -> Column:
    """Take a number of digits and the usual signs, an extension behind x."""
    simple = cells.str.contains(_SIMPLE_PHONE) & ~cells.str.contains("(0)", literal=True)
    others = ~simple.fill_null(value=True)
    return Column(cells, simple.scatter(others.arg_true(), _is_phone(cells.filter(others))))


def _is_phone(cells: pl.Series) -> pl.Series:
    number = cells.str.replace_all("(0)", "", literal=True).str.replace("x[0-9]*$", "")
    digits = number.str.count_matches("[0-9]")
    return cells.str.contains(_PLAIN_PHONE) & digits.is_between(5, 25)


def load_website(_: fields.Website, cells: pl.Series) -> Column:
    """Take an ASCII host, with its scheme or without, and a path."""
    values = pl.select(
        pl.when(cells.str.contains(r"^https?://")).then(cells).otherwise(pl.concat_str(pl.lit("https://"), cells))
    ).to_series()
    return Column(values, values.str.contains(_PLAIN_WEBSITE))


def load_country(_: fields.Country, cells: pl.Series) -> Column:
    """Look each different cell up once."""
    different = cells.unique().drop_nulls().to_list()
    values = cells.replace_strict(different, [country_code(text) for text in different], return_dtype=pl.String)
    return Column(values, ~cells.str.contains(_ODD_IN_LINE))


def load_synonym(field: Synonym, cells: pl.Series) -> Column:
    """Take a known name in ASCII letters."""
    names = {name: value for name, value in field.names.items() if name.isascii()}
    values = cells.str.to_lowercase().replace_strict(names, default=None, return_dtype=pl.String)
    return Column(values, cells.str.contains(r"^[\x20-\x7e]*$"))


def load_day(_: Day, cells: pl.Series) -> Column:
    """Take the year, month and day of a day that there is; Python's years begin with 1."""
    days = cells.str.to_date("%Y-%m-%d", strict=False)
    return Column(cells, cells.str.contains(_PLAIN_DAY) & (days.dt.year() >= 1))


def load_tags(_: TagsCell, cells: pl.Series) -> Column:
    """Take some tags of plain letters, each short and different from the others."""
    lists = cells.str.replace_all(",", ";", literal=True).str.split(";")
    values = lists.list.eval(pl.element().str.strip_chars(" ").replace("", None).drop_nulls())
    alike = values.list.eval(pl.element().str.to_lowercase()).list.n_unique() < values.list.len()
    sure = (
        cells.str.contains(_PLAIN_TAGS)
        & (values.list.eval(pl.element().str.len_chars()).list.max() <= 64)
        & values.list.len().is_between(1, fields.MAX_TAGS)
    )
    return Column(values, sure & ~alike)


def load_attributes(_: AttributesCell, cells: pl.Series) -> Column:
    """Take an object of plain names and texts as it is."""
    names: dict[str, bool] = {}
    return Column(cells, pl.Series([cell is None or _is_plain_object(cell, names) for cell in cells], dtype=pl.Boolean))


def _is_plain_object(cell: str, names: dict[str, bool]) -> bool:
    """Tell whether a JSON text is surely right; `names` remembers which names are."""
    if len(cell) > LONGEST_PLAIN:
        return False
    try:
        found: Any = json.loads(cell)
    except ValueError:
        return False
    if not isinstance(found, dict) or not 0 < len(found) <= fields.MAX_ATTRIBUTES:
        return False
    for name, text in found.items():
        plain = names.get(name)
        if plain is None:
            plain = names[name] = len(name) <= 100 and bool(_PLAIN_TEXT.fullmatch(name))
        if not plain or not isinstance(text, str) or not _PLAIN_TEXT.fullmatch(text):
            return False
    return True


LOADERS: dict[type, Loader] = {
    fields.Text: load_text,
    fields.Name: load_name,
    fields.Code: load_name,
    fields.Email: load_email,
    fields.Phone: load_phone,
    fields.Website: load_website,
    fields.Country: load_country,
    Synonym: load_synonym,
    Day: load_day,
    TagsCell: load_tags,
    AttributesCell: load_attributes,
}
