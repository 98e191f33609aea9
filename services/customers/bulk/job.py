"""What a chunk is told about its job."""

import uuid
from dataclasses import dataclass
from typing import Any, Self

import marshmallow as ma

from services.customers.bulk.target import KIND
from shared.errors import Invalid, NotFound


class UnknownKind(NotFound):
    """Customers takes no imports of this kind."""

    code = "unknown_kind"

    def __init__(self, kind: str) -> None:
        super().__init__(f"Customers takes no imports of kind {kind}.")


class JobHeader(ma.Schema):
    """The JSON in the header `Liaison-Job`."""

    class Meta:
        """Other services may tell more than is needed here."""

        unknown = ma.EXCLUDE

    kind = ma.fields.String(required=True)
    mode = ma.fields.String(required=True, validate=ma.validate.OneOf(("create", "update", "both")))
    match = ma.fields.String(required=True, validate=ma.validate.OneOf(("code", "email")))
    blank = ma.fields.String(required=True, validate=ma.validate.OneOf(("keep", "clear")))
    actor_id = ma.fields.UUID(required=True)
    actor_name = ma.fields.String(required=True)
    file_name = ma.fields.String(load_default="")


@dataclass(frozen=True)
class ImportJob:
    """An import of customers: its choices, and the person who started it.

    `mode` is create (what is there is skipped), update (what is not there is skipped) or both; `match` is the key that
    finds a row's account, code or email; `blank` says whether a blank cell keeps or clears.
    """

    id: uuid.UUID
    mode: str
    match: str
    blank: str
    actor_id: uuid.UUID
    actor_name: str
    file_name: str = ""

    @classmethod
    def from_header(cls, job_id: uuid.UUID, header: str) -> Self:
        """Read the header `Liaison-Job`; raise UnknownKind, Invalid."""
        try:
            told: dict[str, Any] = JobHeader().loads(header)
        except (ma.ValidationError, ValueError) as error:
            raise Invalid(f"The header Liaison-Job is not right: {error}") from error
        check_kind(told.pop("kind"))
        return cls(id=job_id, **told)


def check_kind(kind: str) -> None:
    """Raise UnknownKind for anything but customers."""
    if kind != KIND:
        raise UnknownKind(kind)
