"""Fields of a row that a file writes otherwise than the API: words with synonyms, days, tags and attributes."""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import marshmallow as ma

from shared.fields import Attributes, Tags, Text
from shared.keys import name_key

_TAG_ENDS = re.compile(r"[;,\n]")
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T][\d:.]*Z?)?|(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)


class Synonym(Text):
    """One of a few values, by any of their names. `names` maps a name in lower case to its value."""

    default_error_messages = {"choice": "Say {choices}."}  # noqa: RUF012

    def __init__(self, names: Mapping[str, str], choices: str, **more: Any) -> None:
        super().__init__(100, **more)
        self.names = dict(names)
        self.choices = choices

    def tidy(self, text: str) -> str:
        """Return the value of a name."""
        value = self.names.get(name_key(super().tidy(text)))
        if value is None:
            raise self.make_error("choice", choices=self.choices)
        return value


class Day(Text):
    """A day: the year first, or as 31.12.2026. With slashes nobody can tell day from month, so those are refused."""

    default_error_messages = {"day": "Write the day as 2026-12-31 or 31.12.2026."}  # noqa: RUF012

    def __init__(self, **more: Any) -> None:
        super().__init__(40, **more)

    def tidy(self, text: str) -> str:
        """Return the day as YYYY-MM-DD."""
        text = super().tidy(text)
        if not text:
            return text
        found = _DAY.fullmatch(text)
        if found is None:
            raise self.make_error("day")
        year, month, day = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
        try:
            return date(int(year), int(month), int(day)).isoformat()
        except ValueError as error:
            raise self.make_error("day") from error


class TagsCell(Tags):
    """Tags in one cell, with `;`, `,` or line ends between them; none of them is no tags at all."""

    def __init__(self, **more: Any) -> None:
        super().__init__(allow_none=True, **more)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Return the tags in the order given, None for none."""
        if not isinstance(value, str):  # blank, or no such column
            return value
        return super().deserialize(_TAG_ENDS.split(value), attr, data, **kwargs) or None


class AttributesCell(Attributes):
    """Further cells of the row by their heading: a JSON object, as text."""

    def __init__(self, **more: Any) -> None:
        super().__init__(allow_none=True, **more)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Return the attributes that hold something, as JSON text; None for none."""
        if not isinstance(value, str):  # blank, or no such column
            return value
        try:
            given = json.loads(value)
        except ValueError as error:
            raise ma.ValidationError("Not a JSON object.") from error
        kept = super().deserialize(given, attr, data, **kwargs)
        return json.dumps(kept, ensure_ascii=False) if kept else None
