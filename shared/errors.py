"""The errors a domain function may raise. One table in `shared.web.problems` turns them into answers."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal with a stable `code` for programs and a sentence for a person.

    `fields` maps a field's name to its messages; `extra` is JSON that goes into the problem as it is. `advice` tells
    people what to do, where what is said of all refusals of the status would not help.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    advice: ClassVar[str] = ""

    def __init__(
        self,
        sentence: str,
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fields: dict[str, list[str]] = {name: list(words) for name, words in (fields or {}).items()}
        self.extra: dict[str, Any] = dict(extra or {})


class Unauthorized(DomainError):
    """Nobody is signed in."""

    status = 401
    code = "not_signed_in"


class Forbidden(DomainError):
    """Somebody is signed in who may not do this."""

    status = 403
    code = "forbidden"


class NotFound(DomainError):
    """There is no such thing, or none that this person may see."""

    status = 404
    code = "not_found"


class Conflict(DomainError):
    """The thing is in a state, or has a twin, that does not allow this."""

    status = 409
    code = "conflict"


class FeatureOff(Conflict):
    """A part of Liaison is switched off here, so nothing of it can be used; nothing is deleted by that."""

    advice = "Nothing of it is deleted. Ask an administrator to switch it on."

    def __init__(self, feature: str) -> None:
        super().__init__(f"{feature.replace('_', ' ').capitalize()} is switched off.")
        self.code = f"{feature}_off"  # type: ignore[misc]
        self.feature = feature


class Stale(DomainError):
    """Somebody else changed it since it was read."""

    status = 412
    code = "stale"

    def __init__(self, what: str = "This record") -> None:
        super().__init__(f"{what} was changed by somebody else in the meantime. Load it again, then make your change.")


class Invalid(DomainError):
    """A value breaks a rule."""

    status = 422
    code = "invalid"


class Unavailable(DomainError):
    """A part that is needed for this does not answer now."""

    status = 503
    code = "unavailable"


class CodeTaken(Conflict):
    """Another record has this code."""

    code = "code_taken"

    def __init__(self, account_code: str, owner_id: uuid.UUID, owner_name: str) -> None:
        super().__init__(
            f"The code {account_code} already belongs to {owner_name}.",
            fields={"code": [f"Already belongs to {owner_name}."]},
            extra={"existing": {"id": str(owner_id), "code": account_code, "name": owner_name}},
        )


class ReasonMissing(Invalid):
    """Something is made inactive without saying why."""

    code = "reason_missing"

    def __init__(self) -> None:
        super().__init__("Say why it becomes inactive.", fields={"reason": ["Say why."]})


class RecordChanged(Stale):
    """Somebody else changed the record since it was read.

    `extra` tells its version now and, newest first, each field that changed: who, when, what it was, what it became.
    """

    def __init__(self, what: str, version: int, changes: Sequence[dict[str, Any]]) -> None:
        super().__init__(what)
        self.extra = {"version": version, "changes": list(changes)}


class NotDeleted(Conflict):
    """What should be brought back is there."""

    code = "not_deleted"

    def __init__(self, what: str) -> None:
        super().__init__(f"This {what} is not deleted, so there is nothing to bring back.")
