"""Who asks, and under which conditions."""

from flask import request

from services.imports.domain.jobs import Viewer
from services.imports.models import Job
from shared.errors import FeatureOff, Forbidden, Invalid
from shared.web import current_identity, seen_version
from shared.web.features import PARTNER_MANAGEMENT


def current_viewer() -> Viewer:
    """Return the signed-in person; the permission `jobs.all` shows them everybody's jobs."""
    identity = current_identity()
    return Viewer(identity.user_id, identity.name, identity.may("jobs.all"))


def given_version() -> int | None:
    """Return the version in If-Match, None without one."""
    return seen_version() if request.headers.get("If-Match", "").strip() else None


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
    """Raise Forbidden unless `may_undo`; FeatureOff for a mass change while partner management is off."""
    if not may_undo(job):
        raise Forbidden("You do not have the permission for this. Ask an administrator.")
    if job.change is not None and not current_identity().has(PARTNER_MANAGEMENT):
        raise FeatureOff(PARTNER_MANAGEMENT)
