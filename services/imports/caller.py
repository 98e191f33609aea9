"""Who asks, and under which conditions."""

from collections.abc import Mapping as Fields

from flask import current_app, request

from services.imports.domain.jobs import Viewer
from services.imports.domain.mapping import Mapping
from services.imports.domain.owners import Owner, Owners
from services.imports.domain.target import Target
from services.imports.errors import UnknownKind
from services.imports.models import Job
from shared.errors import DomainError, FeatureOff, Forbidden, Invalid
from shared.web import current_identity


def current_viewer() -> Viewer:
    """Return the signed-in person; the permission `jobs.all` shows them everybody's jobs.

    Jobs of a kind that they may not import are hidden from them, their own of before, too.
    """
    identity = current_identity()
    off = {kind: feature for kind, feature in _owners().features.items() if not identity.has(feature)}
    hidden = frozenset(kind for kind, needed in _owners().needs.items() if not identity.may(needed))
    barred = {kind: _barred(fields) for kind, fields in _owners().fields.items()}
    return Viewer(identity.user_id, identity.name, identity.may("jobs.all"), off, hidden, barred)


def _barred(fields: Fields[str, tuple[str, str]]) -> dict[str, DomainError]:
    """Return the fields that this person may not feed now, and why."""
    identity, barred = current_identity(), dict[str, DomainError]()
    for name, (feature, needed) in fields.items():
        if not identity.has(feature):
            barred[name] = FeatureOff(feature)
        elif not identity.may(needed):
            barred[name] = Forbidden("You do not have the permission for this. Ask an administrator.")
    return barred


def target_for(kind: str) -> Target:
    """Return what an import of a kind may contain, with the fields that this person may feed now."""
    return _owners().of(kind).target().without(current_viewer().barred.get(kind, {}))


def owner_of(kind: str) -> Owner:
    """Return the owner of a kind of jobs; raise UnknownKind."""
    return _owners().of(kind)


def importable_kinds() -> list[str]:
    """Return what this person can import now: nothing that belongs to a part of Liaison which is switched off."""
    viewer = current_viewer()
    return [kind for kind in _owners().kinds if kind not in viewer.off and kind not in viewer.hidden]


def associate_fields(kind: str) -> list[str]:
    """Return the fields by which rows of a kind name associates; none where this person may not feed them now."""
    barred = current_viewer().barred.get(kind, {})
    return [name for name in _owners().fields.get(kind, {}) if name not in barred]


def names_associates(job: Job) -> bool:
    """Tell whether rows of a job name associates."""
    mapping = Mapping.from_json(job.mapping or {})
    return not {*mapping.columns.values(), *mapping.constants}.isdisjoint(_owners().fields.get(job.kind, {}))


def importable(kind: str) -> Owner:
    """Return the owner of a kind that people can import; raise UnknownKind, FeatureOff, Forbidden."""
    viewer, owners = current_viewer(), _owners()
    if kind not in owners.kinds:
        raise UnknownKind(kind, importable_kinds())
    if kind in viewer.hidden:
        raise Forbidden("You do not have the permission for this. Ask an administrator.")
    viewer.must_have(kind)
    return owners.of(kind)


def importable_target(kind: str) -> Target:
    """Return what an import of a kind that people can import may contain; raise as `importable` does."""
    importable(kind)
    return target_for(kind)


def _owners() -> Owners:
    found: Owners = current_app.extensions["imports.owners"]
    return found


def idempotency_key() -> str | None:
    """Return the Idempotency-Key of this request, None without one."""
    key = request.headers.get("Idempotency-Key")
    if key and len(key) > 200:
        raise Invalid("The Idempotency-Key header is too long (200 characters at most).")
    return key or None


def may_undo(job: Job) -> bool:
    """Tell whether this person may take a job back; a mass change also who could make one."""
    identity = current_identity()
    return identity.may("undo") or (job.change is not None and identity.may("assign"))


def check_undo(job: Job) -> None:
    """Raise Forbidden unless `may_undo`."""
    if not may_undo(job):
        raise Forbidden("You do not have the permission for this. Ask an administrator.")
