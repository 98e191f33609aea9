"""What a task works with: the owners, the file store, and the lease that it has to keep."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from services.imports.domain import leases
from services.imports.domain.export_owners import ExportOwners
from services.imports.domain.leases import Lease, keep_lease
from services.imports.domain.mass_changes import Peers
from services.imports.domain.owners import Owners
from shared.db import unit_of_work
from shared.storage import Storage


def owners() -> Owners:
    """Return the owners of what can be imported."""
    found: Owners = current_app.extensions["imports.owners"]
    return found


def mass_change_peers() -> Peers:
    """Return the services that mass changes are about."""
    found: Peers = current_app.extensions["imports.mass_change_peers"]
    return found


def storage() -> Storage:
    """Return the file store."""
    found: Storage = current_app.extensions["liaison.storage"]
    return found


def lease() -> timedelta:
    """Return how long a worker may be silent before it is taken for dead."""
    found: timedelta = current_app.extensions["imports.config"].lease
    return found


def export_owners() -> ExportOwners:
    """Return the owners of what can be exported."""
    found: ExportOwners = current_app.extensions["imports.export_owners"]
    return found


def kept_lease(held: Lease) -> AbstractContextManager[None]:
    """Renew the lease of a job while the block runs; a lease that was lost is found by the next write under it."""
    return renewed(lambda session: keep_lease(session, held, lease()))


@contextmanager
def renewed(keep: Callable[[Session], bool]) -> Iterator[None]:
    """Call `keep` again and again while the block runs, until it tells that there is nothing left to keep."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    term = lease()
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(term.total_seconds() / 3):
            try:
                with app.app_context(), unit_of_work() as session:
                    if not keep(session):
                        return
            except SQLAlchemyError:
                continue  # the database is away; the lease may hold until it is back

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def rest(held: Lease, sentence: str, *, counts: bool = False) -> None:
    """Let a job be for a while, telling people why; `counts` when its own file may be the reason."""
    with unit_of_work() as session:
        leases.rest(session, held, sentence, counts=counts)
