"""What a chunk is told about the mass change that it belongs to, and the customers in it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import marshmallow as ma

from services.associates.domain.links import ROLES
from shared.errors import Invalid
from shared.history import Actor
from shared.importing.job import check_kind

KIND = "mass_change"
ACTIONS = ("add", "remove", "replace")
MOST_ASSOCIATES = 20


class Change(ma.Schema):
    """What is to be done: `role` is null for all roles, which only a removal may mean."""

    class Meta:
        """Other services may tell more than is needed here."""

        unknown = ma.EXCLUDE

    action = ma.fields.String(required=True, validate=ma.validate.OneOf(ACTIONS))
    associate_ids = ma.fields.List(
        ma.fields.UUID(), required=True, validate=ma.validate.Length(min=1, max=MOST_ASSOCIATES)
    )
    role = ma.fields.String(required=True, allow_none=True, validate=ma.validate.OneOf(ROLES))


class JobHeader(ma.Schema):
    """The JSON in the header `Liaison-Job`."""

    class Meta:
        """Other services may tell more than is needed here."""

        unknown = ma.EXCLUDE

    kind = ma.fields.String(required=True)
    change = ma.fields.Nested(Change, required=True)
    actor_id = ma.fields.UUID(required=True)
    actor_name = ma.fields.String(required=True)


@dataclass(frozen=True)
class MassChange:
    """A mass change: who looks after its customers from now on, or no longer, as what.

    `add` begins links, `remove` ends them, `replace` begins them and ends all others of the role. `role` is None for
    all roles, which only `remove` may mean.
    """

    id: uuid.UUID
    actor: Actor
    action: str
    associate_ids: Sequence[uuid.UUID]
    role: str | None

    @classmethod
    def from_header(cls, job_id: uuid.UUID, header: str) -> Self:
        """Read the header `Liaison-Job`; raise UnknownKind, Invalid."""
        try:
            told: dict[str, Any] = JobHeader().loads(header)
        except (ma.ValidationError, ValueError) as error:
            raise Invalid(f"The header Liaison-Job is not right: {error}") from error
        check_kind(told["kind"], [KIND])
        change = told["change"]
        if change["role"] is None and change["action"] != "remove":
            raise Invalid("Only a removal is of all roles.")
        ids = list(dict.fromkeys(change["associate_ids"]))
        return cls(job_id, Actor(told["actor_id"], told["actor_name"]), change["action"], ids, change["role"])

    @property
    def roles(self) -> list[str]:
        """The roles that it is about."""
        return list(ROLES) if self.role is None else [self.role]


@dataclass(frozen=True)
class Customers:
    """The customers of a chunk: the row and line of each in its file, its id (None if that is none), and its name."""

    rows: list[int]
    lines: list[int]
    ids: list[uuid.UUID | None]
    labels: list[str]


def read_customers(body: bytes, checksum: str) -> Customers:
    """Return the customers of an Arrow file; raise ChunkUnreadable. Comes before any lock."""
    from shared.importing.rows import read_chunk  # it takes 40 MB, which a process without chunks does not need

    frame = read_chunk(body, checksum)
    count = frame.height
    blank: list[str | None] = [None] * count
    ids, names, codes = (
        frame[name].to_list() if name in frame.columns else blank for name in ("account_id", "name", "code")
    )
    labels = [f"{name} ({code})" if name else "A deleted customer" for name, code in zip(names, codes, strict=True)]
    if "name" in frame.columns:  # without one it was deleted since
        ids = [one if name else None for one, name in zip(ids, names, strict=True)]
    return Customers(frame["_row"].to_list(), frame["_line"].to_list(), [_id(one) for one in ids], labels)


def _id(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


class UndoRequest(ma.Schema):
    """The JSON that asks to take a chunk back."""

    class Meta:
        """Other services may tell more than is needed here."""

        unknown = ma.EXCLUDE

    kind = ma.fields.String(required=True)
    actor_id = ma.fields.UUID(required=True)
    actor_name = ma.fields.String(required=True)


@dataclass(frozen=True)
class UndoJob:
    """The mass change `id`, one chunk of which is to be taken back, and the person who wants that."""

    id: uuid.UUID
    chunk_no: int
    actor: Actor

    @classmethod
    def from_json(cls, job_id: uuid.UUID, chunk_no: int, body: Any) -> Self:
        """Read what was asked; raise UnknownKind, Invalid."""
        try:
            told: dict[str, Any] = UndoRequest().load(body or {})
        except ma.ValidationError as error:
            raise Invalid("Say the kind of the job, and who wants it taken back.") from error
        check_kind(told["kind"], [KIND])
        return cls(job_id, chunk_no, Actor(told["actor_id"], told["actor_name"]))


def target() -> dict[str, Any]:
    """Return the answer of `GET /internal/import-targets/mass_change`: how imports reads the list of customers."""
    names = (("account_id", "Customer's id"), ("code", "Code"), ("name", "Name"))
    return {
        "kind": KIND,
        "label": "Customers",
        "noun": "customer",
        "instructions": [],
        "keys": [{"name": "account", "field": "account_id", "rule": "code", "label": "Customer"}],
        "fields": [{"name": name, "label": label, "required": name == "account_id"} for name, label in names],
        "keeps_others": False,
        "shown": {"at": "/customers", "label": "customers", "needs": "customers.view"},
    }
