"""Starting a mass change, for the API and the screens alike."""

from flask import current_app
from sqlalchemy.exc import IntegrityError

from services.imports.caller import current_viewer
from services.imports.domain.jobs import form_key, uploaded_before
from services.imports.domain.mass_changes import Peers, Wish, start_mass_change
from services.imports.models import Job
from services.imports.wakeups import wake_job
from shared.db import after_commit, read_only, unit_of_work


def mass_change_peers() -> Peers:
    """Return the services that mass changes are about."""
    peers: Peers = current_app.extensions["imports.mass_change_peers"]
    return peers


def start(wish: Wish, key: str = "") -> Job:
    """Start a mass change; the same wish with the same `key` gives the same job again."""
    peers = mass_change_peers()
    snapshot = peers.snapshot(wish.snapshot_id)
    associates = peers.associates(wish.action, wish.associate_ids)
    viewer = current_viewer()
    upload_key = form_key(key, repr(wish).encode())
    try:
        with unit_of_work() as session:
            job = start_mass_change(session, viewer, wish, snapshot, associates, upload_key)
            after_commit(session, lambda: wake_job(job))
    except IntegrityError:  # its twin was quicker
        with read_only() as session:
            known = uploaded_before(session, viewer, upload_key, None) if upload_key else None
        if known is None:
            raise
        return known
    return job
