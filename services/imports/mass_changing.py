"""Starting a mass change, for the API and the screens alike."""

from flask import current_app
from sqlalchemy.exc import IntegrityError

from services.imports.caller import current_viewer
from services.imports.domain.jobs import uploaded_before
from services.imports.domain.mass_changes import Peers, Wish, start_mass_change
from services.imports.models import Job
from services.imports.wakeups import wake_job
from shared.db import after_commit, read_only, unit_of_work


def mass_change_peers() -> Peers:
    """Return the services that mass changes are about."""
    peers: Peers = current_app.extensions["imports.mass_change_peers"]
    return peers


def start(wish: Wish, key: str | None = None) -> Job:
    """Start a mass change; the same `key` gives the same job again."""
    peers = mass_change_peers()
    snapshot = peers.snapshot(wish.snapshot_id)
    associates = peers.associates(wish.action, wish.associate_ids)
    viewer = current_viewer()
    try:
        with unit_of_work() as session:
            job = start_mass_change(session, viewer, wish, snapshot, associates, key)
            after_commit(session, lambda: wake_job(job))
    except IntegrityError:  # its twin was quicker
        with read_only() as session:
            known = uploaded_before(session, viewer, key, None) if key else None
        if known is None:
            raise
        return known
    return job
