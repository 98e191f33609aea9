"""What feeds each field of a row: a column, several of them, or a constant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from services.imports.domain.sniffing import ERROR_COLUMNS, has_reasons
from services.imports.domain.target import Target, TargetKey
from services.imports.errors import MappingRefused
from shared.attribute_columns import attribute_of
from shared.bulk import KEPT, SEEN
from shared.cells import MARK, is_ours
from shared.keys import name_key

if TYPE_CHECKING:  # the web process does not need it, and it takes 40 MB
    import polars as pl

MAX_CONSTANT = 1_000
ALL_NEW = " If all rows are new, choose “Only added” (mode create): those without one get one."
ESCAPED = r'["\\\x00-\x1f]'  # what JSON (RFC 8259) does not take as it is


@dataclass(frozen=True)
class Mapping:
    """`columns` is {column: field}, `constants` {field: value}; other columns are left out, or kept as attributes.

    `values` is {column: {text in the file: value}}, for texts in any case; `blanks` is {column: keep or clear}, where
    a blank cell of a column does something else than the job says.
    """

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    keep_unmapped: bool = False
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    blanks: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the mapping that `to_json` gave; columns without a field are passed over."""
        columns = {column: name for column, name in (data.get("columns") or {}).items() if name}
        values = {
            column: {text: value for text, value in told.items() if value}
            for column, told in (data.get("values") or {}).items()
            if column in columns
        }
        return cls(
            columns=columns,
            constants={name: value for name, value in (data.get("constants") or {}).items() if value},
            keep_unmapped=bool(data.get("keep_unmapped")),
            values={column: told for column, told in values.items() if told},
            blanks={name: does for name, does in (data.get("blanks") or {}).items() if does and name in columns},
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "columns": self.columns,
            "constants": self.constants,
            "keep_unmapped": self.keep_unmapped,
            "values": self.values,
            "blanks": self.blanks,
        }

    def spelt_as(self, header: Sequence[str]) -> Mapping:
        """Return the mapping with the columns named as `header` spells them: in another case, with other spaces."""
        spelt = {_column_key(name): name for name in header}
        name_of = {name: spelt.get(_column_key(name), name) for name in self.columns}
        return replace(
            self,
            columns={name_of[name]: field for name, field in self.columns.items()},
            values={name_of[name]: told for name, told in self.values.items()},
            blanks={name_of[name]: does for name, does in self.blanks.items()},
        )

    def blank_fields(self, header: Sequence[str]) -> dict[str, str]:
        """Return what a blank cell does, for each field where its first column says it."""
        told: dict[str, str] = {}
        for column in header:
            if column in self.blanks:
                told.setdefault(self.columns[column], self.blanks[column])
        return told

    def columns_of(self, name: str, header: Sequence[str]) -> list[str]:
        """Return the columns that feed a field, in the order of the file."""
        return [column for column in header if self.columns.get(column) == name]

    def column_of(self, header: Sequence[str]) -> dict[str, str]:
        """Return the file's own column for each field, the first one where several feed it, and for what is kept."""
        kept = self.kept(header) if self.keep_unmapped else {}
        fed = {name: column for column, name in reversed(self.columns.items())}
        return {f"{KEPT}{name}": column for column, name in kept.items()} | fed

    def kept(self, header: Sequence[str]) -> dict[str, str]:
        """Return {column: attribute} of the columns that feed nothing."""
        return {column: attribute_of(column) for column in self.unmapped(header)}

    def unmapped(self, header: Sequence[str]) -> list[str]:
        """Return the columns that feed nothing; those of our own error file are no data and not among them."""
        own = set(own_columns(header))
        return [column for column in header if column not in self.columns and column not in own]


def own_columns(header: Sequence[str]) -> list[str]:
    """Return the columns of a file that are ours, not data: what an export or a file of refused rows added to it."""
    added = ERROR_COLUMNS if has_reasons(header) else ()
    ours = is_ours(header)
    return [name for name in header if name in added or (ours and name.startswith("_"))]


def fed_names(mapping: Mapping, header: Sequence[str], target: Target) -> list[str]:
    """Return the fields that are fed, in the owner's order, and what is kept as KEPT and its attribute."""
    fed = {*mapping.columns.values(), *mapping.constants}
    kept = mapping.kept(header) if mapping.keep_unmapped and target.keeps_others else {}
    names = dict.fromkeys(kept.values())
    return [*(field.name for field in target.fields if field.name in fed), *(f"{KEPT}{name}" for name in names)]


def told(frame: pl.DataFrame, header: Sequence[str]) -> pl.Series | None:
    """Return why each row of `Batch.frame` was refused, if the file is a file of refused rows."""
    return frame[str(header.index(ERROR_COLUMNS[-1]))] if has_reasons(header) else None


def header_hash(header: Sequence[str]) -> bytes:
    """Return what is the same for files with the same columns, in any order, with or without those of an error file."""
    return hashlib.sha256(json.dumps(sorted(column_keys(header))).encode()).digest()


def column_keys(header: Sequence[str]) -> list[str]:
    """Return by what the columns of a file that are data are known: their names in any case, with any spaces."""
    own = set(own_columns(header))
    return [_column_key(name) for name in header if name not in own]


def _column_key(name: str) -> str:
    return " ".join(name.split()).casefold()


def validate(
    mapping: Mapping,
    header: Sequence[str],
    target: Target,
    *,
    match: str,
    mode: str = "both",
    repeated: str = "refuse",
) -> None:
    """Raise MappingRefused, naming each column, field or key that is wrong, unless the mapping can be used."""
    faults: dict[str, list[str]] = {}
    _check_columns(mapping, header, target, faults)
    _check_constants(mapping, target, faults)
    _check_cells(mapping, target, faults)
    if mapping.keep_unmapped and target.keeps_others:
        _check_kept(mapping, header, faults)
    if repeated == "fold" and mode == "create":
        faults["repeated"] = ["Repeated rows can only be applied where known records are updated."]
    fed = set(mapping.columns.values()) | set(mapping.constants)
    if not mapping.columns:
        faults.setdefault("columns", []).append("Choose a field for at least one column.")
    if mode != "update":
        for needed in target.fields:
            if needed.required and needed.name not in fed:
                label = target.labels[needed.name]
                faults.setdefault(f"fields.{needed.name}", []).append(f"Choose the column that holds “{label}”.")
    key = target.key(match)
    if key is None:
        names = ", ".join(known.name for known in target.keys)
        faults["match"] = [f"Rows cannot be matched by “{match[:40]}”. Known are: {names}."]
    elif mapping.columns and not (mode == "create" and key.numbered) and not _is_fed(key, mapping):
        faults["match"] = [
            f"Rows are matched by {key.label}: choose the column that holds it, or match by something else."
            + (ALL_NEW if key.numbered else "")
        ]
    if faults:
        raise MappingRefused(faults)


def _is_fed(key: TargetKey, mapping: Mapping) -> bool:
    fed = set(mapping.columns.values()) | (set(mapping.constants) if key.apart else set())
    return not fed.isdisjoint((key.field, *key.also))


def _check_columns(mapping: Mapping, header: Sequence[str], target: Target, faults: dict[str, list[str]]) -> None:
    first: dict[str, str] = {}
    ordered = sorted(mapping.columns, key=lambda column: header.index(column) if column in header else -1)
    for column in ordered:
        name = mapping.columns[column]
        where = f"columns.{column}"
        if column not in header:
            faults[where] = [f"The file has no column “{column[:80]}”."]
        elif name not in target.by_name:
            faults[where] = [f"There is no field “{name[:80]}”."]
        elif name in first and not target.by_name[name].joins:
            faults[where] = [f"“{target.labels[name]}” is fed by column “{first[name]}” already."]
        first.setdefault(name, column)


def _check_constants(mapping: Mapping, target: Target, faults: dict[str, list[str]]) -> None:
    for name, value in mapping.constants.items():
        where = f"constants.{name}"
        if name not in target.by_name:
            faults[where] = [f"There is no field “{name[:80]}”."]
        elif name in mapping.columns.values():
            faults[where] = [f"“{target.labels[name]}” has a column already, so it cannot have one value for all rows."]
        elif any(name in (key.field, *key.also) for key in target.keys if not key.apart):
            faults[where] = [f"“{target.labels[name]}” tells rows apart, so it cannot be the same in all of them."]
        elif len(value) > MAX_CONSTANT:
            faults[where] = [f"This is longer than {MAX_CONSTANT:,} characters."]


def _check_cells(mapping: Mapping, target: Target, faults: dict[str, list[str]]) -> None:
    """Check what is said about values and blank cells of columns."""
    for column, told in mapping.values.items():
        field = target.by_name.get(mapping.columns[column])
        if field and not field.choices:
            faults[f"values.{column}"] = [
                f"“{target.labels[field.name]}” takes any text, so its values stay as they are."
            ]
        elif field and (wrong := sorted(set(told.values()) - {choice.value for choice in field.choices})):
            faults[f"values.{column}"] = [f"“{target.labels[field.name]}” cannot be “{wrong[0][:80]}”."]
    for column, does in mapping.blanks.items():
        field = target.by_name.get(mapping.columns[column])
        if field and does == "clear" and not field.clears:
            faults[f"blanks.{column}"] = [f"“{target.labels[field.name]}” is never cleared by a blank cell."]


def _check_kept(mapping: Mapping, header: Sequence[str], faults: dict[str, list[str]]) -> None:
    """Check that no two columns are kept as the same attribute, so that nothing of the file is lost."""
    first: dict[str, str] = {}
    for column, name in mapping.kept(header).items():
        if (other := first.setdefault(name, column)) != column:
            faults[f"columns.{column}"] = [
                f"It would be kept as the attribute “{name}”, as “{other}” is. Rename one of them in the file."
            ]


def apply(frame: pl.DataFrame, mapping: Mapping, header: Sequence[str], target: Target) -> pl.DataFrame:
    """Return `_row`, `_line`, one String column per field that is fed, and `_attributes` if unmapped ones are kept.

    Of an export of ours, SEEN too: which versions each row shows.

    `frame` is `Batch.frame`. Cells are trimmed, blank ones are null. `_attributes` is a JSON object of the unmapped
    columns that are not blank, or null.
    """
    import polars as pl

    from services.imports.domain.careful import WHITE

    place = {column: str(at) for at, column in enumerate(header)}

    def cell(column: str) -> pl.Expr:
        return pl.col(place[column]).str.strip_chars(WHITE).replace("", None)

    for column, told in mapping.values.items():
        if column in place:
            frame = frame.with_columns(_translated(frame[place[column]], told))
    chosen = [pl.col("_row"), pl.col("_line")]
    for known in target.fields:
        columns = [cell(column) for column in mapping.columns_of(known.name, header)]
        if len(columns) == 1:
            chosen.append(columns[0].alias(known.name))
        elif columns:
            chosen.append(pl.concat_str(columns, separator=" ", ignore_nulls=True).replace("", None).alias(known.name))
        elif value := mapping.constants.get(known.name):
            chosen.append(pl.lit(value, dtype=pl.String).alias(known.name))
    if is_ours(header):
        chosen.append(cell(MARK).alias(SEEN))
    made = frame.select(chosen)
    if mapping.keep_unmapped and target.keeps_others:
        first = {name: column for column, name in reversed(mapping.kept(header).items())}  # `validate` refuses a second
        kept = frame.select(cell(column).alias(name) for name, column in reversed(first.items()))
        none = pl.lit(None, dtype=pl.String)
        made = made.with_columns((_json_objects(kept) if kept.width else none).alias("_attributes"))
    return made


def _translated(cells: pl.Series, told: dict[str, str]) -> pl.Series:
    """Return the cells with each text that `told` knows, in any case, replaced by its value."""
    keyed = {name_key(text): value for text, value in told.items()}
    found = {text: keyed[key] for text in cells.unique() if text and (key := name_key(text)) in keyed}
    return cells.replace(found)


def _json_objects(frame: pl.DataFrame) -> pl.Series:
    """Return each row as a JSON object of its cells that are not null, or null where all are.

    Texts that need no escape are only put in quotes: polars' own encoder takes fifty times as long.
    """
    import polars as pl

    has_odd = frame.select(pl.all().str.contains(ESCAPED).any()).row(0)
    texts = [
        pl.lit(_encoded(frame[name])) if odd else pl.lit('"') + pl.col(name) + pl.lit('"')
        for name, odd in zip(frame.columns, has_odd, strict=True)
    ]
    members = [pl.lit(f"{json.dumps(name)}:") + text for name, text in zip(frame.columns, texts, strict=True)]
    inside = pl.concat_str(members, separator=",", ignore_nulls=True)
    whole = pl.when(inside != "").then(pl.lit("{") + inside + pl.lit("}"))
    return frame.select(whole.alias("_attributes")).to_series()


def _encoded(column: pl.Series) -> pl.Series:
    """Return each text of a column as JSON, some of them with escapes."""
    import polars as pl

    texts = pl.select(pl.lit('"') + pl.lit(column) + pl.lit('"')).to_series()
    odd = column.str.contains(ESCAPED).fill_null(value=False)
    return texts.scatter(odd.arg_true(), [json.dumps(text, ensure_ascii=False) for text in column.filter(odd)])
