"""What a task works with: the owners, the file store, and the lease that it has to keep."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from services.imports.domain.chunks import put_off
from services.imports.domain.leases import Lease, keep_lease, let_go
from services.imports.domain.owners import Owners
from shared.db import unit_of_work
from shared.storage import Storage


def owners() -> Owners:
    """Return the owners of what can be imported."""
    found: Owners = current_app.extensions["imports.owners"]
    return found


def storage() -> Storage:
    """Return the file store."""
    found: Storage = current_app.extensions["liaison.storage"]
    return found


def lease() -> timedelta:
    """Return how long a worker may be silent before it is taken for dead."""
    found: timedelta = current_app.extensions["imports.config"].lease
    return found


@contextmanager
def kept_lease(held: Lease) -> Iterator[None]:
    """Renew the lease of a job while the block runs; a lease that was lost is found by the next write under it."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    term = lease()
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(term.total_seconds() / 3):
            try:
                with app.app_context(), unit_of_work() as session:
                    if not keep_lease(session, held, term):
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
        put_off(session, held.job.id, sentence)
        let_go(session, held, counts=counts)
