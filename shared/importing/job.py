"""What a chunk is told about its job."""

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import marshmallow as ma

from shared.errors import Invalid, NotFound


class UnknownKind(NotFound):
    """A service takes no jobs of this kind."""

    code = "unknown_kind"

    def __init__(self, kind: str) -> None:
        super().__init__(f"This service takes no jobs of kind {kind[:40]}.")


BLANK = ma.validate.OneOf(("keep", "clear"))


class JobHeader(ma.Schema):
    """The JSON in the header `Liaison-Job`."""

    class Meta:
        """Other services may tell more than is needed here."""

        unknown = ma.EXCLUDE

    kind = ma.fields.String(required=True)
    mode = ma.fields.String(required=True, validate=ma.validate.OneOf(("create", "update", "both")))
    match = ma.fields.String(required=True)
    blank = ma.fields.String(required=True, validate=BLANK)
    blanks = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(validate=BLANK), load_default=dict)
    repeated = ma.fields.String(load_default="refuse", validate=ma.validate.OneOf(("refuse", "fold")))
    newer = ma.fields.String(load_default="refuse", validate=ma.validate.OneOf(("refuse", "overwrite")))
    associates = ma.fields.String(load_default="add", validate=ma.validate.OneOf(("add", "replace")))
    create_associates = ma.fields.Boolean(load_default=False)
    every_row = ma.fields.Boolean(load_default=False)
    actor_id = ma.fields.UUID(required=True)
    actor_name = ma.fields.String(required=True)
    file_name = ma.fields.String(load_default="")


@dataclass(frozen=True)
class ImportJob:
    """An import: its choices, and the person who started it.

    `mode` is create (what is there is skipped), update (what is not there is skipped) or both; `match` is the name of
    the key that finds a row's record, code or email for most; `blank` says whether a blank cell keeps or clears,
    `blanks` where a field does otherwise; `repeated` says whether rows of one key are refused, or applied one after
    the other (fold); `newer` whether a row of an export may overwrite what others changed since. `associates` says
    whether those that a row of customers names come to the others or replace them, `create_associates` whether unknown
    ones are made. `chunk_no` is the chunk at hand, whose changes are taken back together. `every_row` asks a check what
    becomes of each row of the chunk, one by one.
    """

    id: uuid.UUID
    kind: str
    mode: str
    match: str
    blank: str
    actor_id: uuid.UUID
    actor_name: str
    file_name: str = ""
    blanks: Mapping[str, str] = field(default_factory=dict)
    repeated: str = "refuse"
    newer: str = "refuse"
    associates: str = "add"
    create_associates: bool = False
    chunk_no: int = 0
    every_row: bool = False

    @classmethod
    def from_header(cls, job_id: uuid.UUID, header: str, keys: Mapping[str, Collection[str]]) -> Self:
        """Read the header `Liaison-Job`; raise UnknownKind, Invalid. `keys` names those of each kind that is taken."""
        try:
            told: dict[str, Any] = JobHeader().loads(header)
        except (ma.ValidationError, ValueError) as error:
            raise Invalid(f"The header Liaison-Job is not right: {error}") from error
        if told["match"] not in keys_of(told["kind"], keys):
            raise Invalid(f"Rows of kind {told['kind']} are not known by {told['match'][:40]}.")
        return cls(id=job_id, **told)

    def clears(self, name: str) -> bool:
        """Tell whether a blank cell of this field clears what is there."""
        return self.blanks.get(name, self.blank) == "clear"

    def keeping(self) -> Self:
        """Return the job as it is for the later rows of a key: their blank cells keep."""
        return replace(self, blank="keep", blanks={})


class UndoRequest(ma.Schema):
    """The JSON that asks to take a chunk back."""

    class Meta:
        """Other services may tell more than is needed here."""

        unknown = ma.EXCLUDE

    kind = ma.fields.String(required=True)
    actor_id = ma.fields.UUID(required=True)
    actor_name = ma.fields.String(required=True)
    file_name = ma.fields.String(load_default="")


@dataclass(frozen=True)
class UndoJob:
    """The import `id`, one chunk of which is to be taken back, and the person who wants that.

    What counts once is an account with all that belongs to it; in an import of contacts, a contact.
    """

    id: uuid.UUID
    chunk_no: int
    kind: str
    actor_id: uuid.UUID
    actor_name: str
    file_name: str = ""

    @classmethod
    def from_json(cls, job_id: uuid.UUID, chunk_no: int, body: Any, kinds: Collection[str]) -> Self:
        """Read what was asked; raise UnknownKind for none of `kinds`, Invalid."""
        try:
            told: dict[str, Any] = UndoRequest().load(body or {})
        except ma.ValidationError as error:
            raise Invalid("Say the kind of the job, and who wants it taken back.") from error
        check_kind(told["kind"], kinds)
        return cls(id=job_id, chunk_no=chunk_no, **told)


def keys_of(kind: str, keys: Mapping[str, Collection[str]]) -> Collection[str]:
    """Return the names of the keys of a kind; raise UnknownKind."""
    check_kind(kind, keys)
    return keys[kind]


def check_kind(kind: str, kinds: Collection[str]) -> None:
    """Raise UnknownKind for none of `kinds`."""
    if kind not in kinds:
        raise UnknownKind(kind)


def kind_in(header: str) -> str:
    """Return the kind of the job that the header `Liaison-Job` tells of; raise Invalid."""
    try:
        return kind_told(json.loads(header))
    except ValueError as error:
        raise Invalid(f"The header Liaison-Job is not right: {error}") from error


def kind_told(body: Any) -> str:
    """Return the kind of a job in the JSON of a call that says little more; raise Invalid."""
    kind = body.get("kind") if isinstance(body, dict) else None
    if not isinstance(kind, str):
        raise Invalid("Say the kind of the job.", fields={"kind": ["Needed."]})
    return kind
