"""The services that own what is imported: what they take, and their side of the protocol (shared.bulk)."""

import json
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from services.imports.domain.chunks import Claim
from services.imports.domain.target import Target
from services.imports.errors import UnknownKind
from shared.http import ServiceClient, ServiceUnavailable

TARGET_SECONDS = 30.0
KNOWN_SECONDS = 2.0  # to wait for what is known already, perhaps a little older
AWAY = ("ConnectError", "ConnectTimeout", "PoolTimeout", "429", "502", "503", "504")


def is_away(error: ServiceUnavailable) -> bool:
    """Tell whether the owner could not be asked at all, rather than failing over what it was asked."""
    return error.reason in AWAY


class Owner:
    """The owner of one kind of record. All calls raise ServiceUnavailable when it is away, and may be repeated."""

    def __init__(self, kind: str, client: ServiceClient) -> None:
        self.kind = kind
        self.client = client
        self._target: tuple[float, Target] | None = None

    @property
    def name(self) -> str:
        """What people call the service."""
        return self.client.peer.removesuffix("_bulk")

    def target(self) -> Target:
        """Return what can be imported, as the owner describes it; half a minute old, older while it is away."""
        path = f"/internal/import-targets/{self.kind}"
        if self._target is None:
            return self.remember(self.client.get(path))
        if time.monotonic() - self._target[0] > TARGET_SECONDS:
            with suppress(ServiceUnavailable):
                return self.remember(self.client.get(path, seconds=KNOWN_SECONDS))
        return self._target[1]

    def remember(self, answer: dict[str, Any]) -> Target:
        """Keep the owner's answer for a while and return what it tells."""
        self._target = (time.monotonic(), Target.from_json(answer))
        return self._target[1]

    def apply(self, claim: Claim, body: bytes) -> dict[str, Any]:
        """Have a chunk applied, once however often it is sent; return the counts and refusals."""
        return self._post(claim, "", body)

    def check(self, claim: Claim, body: bytes, *, seconds: float | None = None) -> dict[str, Any]:
        """Ask what would become of a chunk, which changes nothing; return counts, refusals and what would change.

        `seconds` is how long to wait for the answer, where that is not as long as usual.
        """
        return self._post(claim, "/check", body, seconds)

    def _post(self, claim: Claim, what: str, body: bytes, seconds: float | None = None) -> dict[str, Any]:
        headers = {
            "Liaison-Checksum": claim.checksum,
            "Liaison-Job": json.dumps(claim.about),  # plain ASCII, as a header must be
            "Content-Type": "application/vnd.apache.arrow.file",
        }
        path = f"/internal/chunks/{claim.job_id}/{claim.no}{what}"
        return dict(self.client.post(path, content=body, headers=headers, seconds=seconds))

    def void(self, job_id: uuid.UUID, no: int) -> dict[str, Any] | None:
        """Let this chunk never be applied any more; return its answer if it was applied before."""
        answer = self.client.post(f"/internal/chunks/{job_id}/{no}/void")["answer"]
        return dict(answer) if answer else None

    def undo(self, claim: Claim) -> dict[str, Any]:
        """Have a chunk taken back, once however often it is asked; return the counts and what stays."""
        return dict(self.client.post(f"/internal/chunks/{claim.job_id}/{claim.no}/undo", json=claim.about))

    def close_fence(self, job_id: uuid.UUID) -> list[int]:
        """Let no further chunk of the job be applied; return the numbers of those that were."""
        return list(self.client.post(f"/internal/jobs/{job_id}/fence")["applied"])

    def finish(self, job_id: uuid.UUID) -> None:
        """Tell the owner that nothing more will come of this job."""
        self.client.post(f"/internal/jobs/{job_id}/finish", json={"kind": self.kind})


class Owners:
    """The owner of each kind that can be imported, and of those that only jobs of another sort are of (`others`).

    `features` names the part of Liaison, which may be switched off, of kinds that belong to one; `needs` the permission
    that a kind needs beside the one to import; `fields` both, of fields: {kind: {field: (part, permission)}}.
    """

    def __init__(
        self,
        clients: Mapping[str, ServiceClient],
        others: Mapping[str, ServiceClient] | None = None,
        features: Mapping[str, str] | None = None,
        needs: Mapping[str, str] | None = None,
        fields: Mapping[str, Mapping[str, tuple[str, str]]] | None = None,
    ) -> None:
        self.kinds = list(clients)
        self.features = dict(features or {})
        self.needs = dict(needs or {})
        self.fields = dict(fields or {})
        self.by_kind = {kind: Owner(kind, client) for kind, client in {**clients, **(others or {})}.items()}

    def of(self, kind: str) -> Owner:
        """Return the owner of `kind`; raise UnknownKind."""
        if kind not in self.by_kind:
            raise UnknownKind(kind, self.kinds)
        return self.by_kind[kind]
