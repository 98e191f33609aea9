"""Fields of a row that a file writes otherwise than the API: words with synonyms, tags and attributes in one cell."""

import json
import re
from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from shared.fields import Attributes, Tags, Text
from shared.keys import name_key

_TAG_ENDS = re.compile(r"[;,\n]")
_ROLE_ENDS = re.compile(r"[;,/+&|]|\band\b")


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


class Roles(Synonym):
    """Several values of a Synonym with signs between them, as one text: sorted, `;` between."""

    def tidy(self, text: str) -> str:
        """Return the values of the names."""
        names = [name for name in _ROLE_ENDS.split(Text.tidy(self, text).lower()) if name.strip()]
        values = [super(Roles, self).tidy(name).split(";") for name in names]
        if not values:
            raise self.make_error("choice", choices=self.choices)
        return ";".join(sorted({role for one in values for role in one}))


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
