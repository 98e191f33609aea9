"""Text that the API takes, and people in what it gives."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate


def _storable(text: str) -> None:
    """Refuse what PostgreSQL cannot keep as text."""
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ma.ValidationError("Contains characters that are no text.")


class Words(fields.String):
    """Text that can be stored."""

    def __init__(self, *, longest: int = 1_000, shortest: int = 0, **more: Any) -> None:
        super().__init__(validate=[validate.Length(shortest, longest), _storable], **more)


class PersonOut(ma.Schema):
    """A person."""

    id = fields.UUID()
    name = fields.String()
