"""Loading many rows by a marshmallow schema, quickly (design 6).

The schema is the only rule book. From it an accept-only check over columns is derived: it may say "surely right, and
this is the value", or "not sure". Rows with anything unsure go through `Schema.load`, which alone refuses and words
the messages. So a wrong derivation can cost time, but as long as fast acceptance implies the schema's (a property test
holds that), it cannot change what is accepted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
import polars as pl

HOOKS = ("pre_load", "post_load", "validates", "validates_schema")

Messages = dict[str, list[str]]


@dataclass(frozen=True)
class Column:
    """A loaded column: `values` are right wherever `sure` is true; null there means not sure."""

    values: pl.Series
    sure: pl.Series


# Given a field and its cells, what `deserialize` makes of each before validators, and where that is certain.
Loader = Callable[[Any, pl.Series], Column]


@dataclass
class Loaded:
    """Rows that a schema took, as columns, and what is wrong with the others.

    `rows` keeps the order and the columns that are not the schema's; `faults` maps a row's position to
    {field: messages}.
    """

    rows: pl.DataFrame
    faults: dict[int, Messages] = field(default_factory=dict)


def load_rows(schema: ma.Schema, frame: pl.DataFrame, loaders: Mapping[type, Loader]) -> Loaded:
    """Load the text columns of `frame` that bear a name of the schema's; null is a blank cell, given as None.

    `loaders` has one for each type of field. Raises TypeError for a type without, and for a schema that checks rows
    beyond its fields: such rules cannot be told from columns.
    """
    check_derivable(schema, frame.columns, loaders)
    names = [name for name in frame.columns if name in schema.load_fields]
    columns = {name: _load_column(schema.load_fields[name], frame[name], loaders) for name in names}
    rows = frame.with_columns(column.values.alias(name) for name, column in columns.items())
    sure = pl.select(pl.all_horizontal(pl.lit(value=True), *(column.sure for column in columns.values()))).to_series()
    if sure.all():
        return Loaded(rows)
    unsure = (~sure).arg_true().to_list()
    odd = [name for name in names if not columns[name].sure.all()]
    values, faults = _load_slowly(schema, frame[unsure].select(odd))
    taken = [place for place in range(len(unsure)) if place not in faults]
    places = [unsure[place] for place in taken]
    mended = rows.with_columns(_with(rows[name], places, [values[place].get(name) for place in taken]) for name in odd)
    kept = sure | pl.int_range(rows.height, eager=True).is_in(places)
    return Loaded(mended.filter(kept), {unsure[place]: messages for place, messages in faults.items()})


def _with(column: pl.Series, places: Sequence[int], others: list[Any]) -> pl.Series:
    """Return a column with other values at some places."""
    values = pl.Series(column.name, others, dtype=column.dtype)
    if column.dtype.is_nested():  # which polars cannot scatter
        order = pl.Series(range(len(column))).scatter(places, range(len(column), len(column) + len(places)))
        return pl.concat([column, values])[order]
    return column.clone().scatter(places, values)


def check_derivable(schema: ma.Schema, columns: Sequence[str], loaders: Mapping[type, Loader]) -> None:
    """Raise TypeError when the schema has rules that `loaders` do not cover, or not of one of these columns."""
    if hooks := [hook for hook in HOOKS if schema._hooks.get(hook)]:
        raise TypeError(f"{type(schema).__name__} has {hooks[0]} hooks, so no fast check can be derived from it")
    for name, rule in schema.load_fields.items():
        if rule.data_key not in (None, name) or rule.attribute not in (None, name):
            raise TypeError(f"{type(schema).__name__}.{name} has another name outside")
        if rule.required and name not in columns:
            raise TypeError(f"{type(schema).__name__} requires a column {name}")
        if type(rule) not in loaders:
            raise TypeError(f"{type(schema).__name__}.{name} is a {type(rule).__name__}, which has no loader")


def _load_slowly(schema: ma.Schema, frame: pl.DataFrame) -> tuple[list[dict[str, Any]], dict[int, Messages]]:
    """Load the columns by the schema's fields of the same names; without hooks no other field has a say."""
    part = type(schema)(only=frame.columns, unknown=schema.unknown)
    try:
        return part.load(frame.to_dicts(), many=True), {}
    except ma.ValidationError as error:
        messages: Mapping[int, Messages] = error.messages  # type: ignore[assignment]
        return error.valid_data, dict(messages)  # type: ignore[return-value]


def _load_column(rule: ma.fields.Field[Any], cells: pl.Series, loaders: Mapping[type, Loader]) -> Column:
    loaded = loaders[type(rule)](rule, cells)
    sure = loaded.sure & loaded.values.is_not_null()
    for validator in rule.validators:
        sure &= _passes(validator, loaded.values)
    sure = sure.fill_null(value=False)
    return Column(loaded.values, sure | cells.is_null() if rule.allow_none else sure)


def _none(column: pl.Series) -> pl.Series:
    return pl.repeat(value=False, n=len(column), dtype=pl.Boolean, eager=True)


def _passes(validator: Callable[[Any], Any], values: pl.Series) -> pl.Series:
    rule = _RULES.get(type(validator))
    return rule(validator, values) if rule and values.dtype == pl.String else _none(values)


def _passes_length(validator: ma.validate.Length, values: pl.Series) -> pl.Series:
    length = values.str.len_chars()
    if validator.equal is not None:
        return length == validator.equal
    low = validator.min if validator.min is not None else 0
    return (length >= low) & (length <= validator.max) if validator.max is not None else length >= low


def _passes_one_of(validator: ma.validate.OneOf, values: pl.Series) -> pl.Series:
    return values.is_in([choice for choice in validator.choices if isinstance(choice, str)])


_RULES: dict[type, Callable[[Any, pl.Series], pl.Series]] = {
    ma.validate.Length: _passes_length,
    ma.validate.OneOf: _passes_one_of,
}
