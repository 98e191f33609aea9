"""Whom a session is for: an associate's user sees that associate, and its own links, and nobody else (A6).

Who else looks after the same customers, who did before, and the history with the names of former customers stay with
us. Row-level security stands behind it (migration 0003).
"""

import uuid
from functools import partial

from sqlalchemy import false
from sqlalchemy.orm import Session, with_loader_criteria

from services.associates.models import Associate, Change, Link
from shared import scope
from shared.databases import SCOPED
from shared.scope import NOBODY


def limit_session(session: Session, associate_id: uuid.UUID | None) -> None:
    """Let `session` see this associate with its open links; None sees nothing."""
    mine = associate_id or NOBODY
    narrowed = partial(with_loader_criteria, include_aliases=True)
    criteria = (
        narrowed(Associate, Associate.id == mine),
        narrowed(Link, (Link.associate_id == mine) & Link.ended_at.is_(None)),
        narrowed(Change, false()),
    )
    scope.limit_session(session, SCOPED["associates"], mine, criteria)
