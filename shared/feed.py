"""The event feed: facts recorded with the change, pulled by whoever wants them (design 5).

The owner's `outbox` row commits with the change. Its `pos` is given later, by a reader that holds an advisory lock, so
that a position is never seen before a smaller one (a plain `id > last` skips rows that commit late). A subscriber
applies a batch, notes each event in its `inbox`, and moves its `feed_cursor`, all in one transaction; an event whose
handler is `Alone` is such a batch by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Blueprint, request
from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.db import read_only, unit_of_work
from shared.feed_metrics import measure_feeds
from shared.http import ServiceClient, ServiceUnavailable
from shared.outbox import CursorTable, InboxTable, OutboxTable
from shared.web import internal

BATCH = 500
MOST_BYTES = 2_000_000  # of payloads as they are stored; one event may be larger, and then comes alone
MOST_BEHIND = 10_000
FEED_LOCK = 0x6C69_0001
log = structlog.get_logger("feed")


def read_feed(session: Session, outbox: type[OutboxTable], after: int, limit: int = BATCH) -> list[dict[str, Any]]:
    """Return the next events behind position `after`, oldest first; give positions to those that have none yet.

    No more than `limit`, and no more than go into one answer: bulk work tells a chunk of thousands in one event.
    """
    session.execute(select(func.pg_advisory_xact_lock(FEED_LOCK)))
    session.execute(
        text(
            "UPDATE outbox o SET pos = n.base + n.rank FROM (SELECT event_id,"
            " (SELECT coalesce(max(pos), 0) FROM outbox) AS base, row_number() OVER (ORDER BY seq) AS rank"
            " FROM outbox WHERE pos IS NULL) n WHERE o.event_id = n.event_id"
        )
    )
    size = func.pg_column_size(outbox.payload)
    some = select(outbox.pos, size.label("size")).where(outbox.pos > after).order_by(outbox.pos).limit(limit).subquery()
    before = func.sum(some.c.size).over(order_by=some.c.pos) - some.c.size
    fits = select(some.c.pos, before.label("before")).subquery()
    chosen = select(fits.c.pos).where(fits.c.before < MOST_BYTES)
    rows = session.execute(select(outbox).where(outbox.pos.in_(chosen)).order_by(outbox.pos)).scalars()
    return [
        {
            "pos": row.pos,
            "event_id": str(row.event_id),
            "name": row.name,
            "recorded_at": row.recorded_at.isoformat(),
            "payload": row.payload,
        }
        for row in rows
    ]


def events_behind(session: Session, outbox: type[OutboxTable], after: int) -> dict[str, Any]:
    """Return how many `events` a reader at `after` has not read, and the age of the oldest in `seconds`.

    The count ends at `MOST_BEHIND`.
    """
    unread = select(outbox.recorded_at).where(or_(outbox.pos > after, outbox.pos.is_(None))).limit(MOST_BEHIND)
    waiting = unread.subquery()
    age = func.extract("epoch", func.now() - func.min(waiting.c.recorded_at))
    events, seconds = session.execute(select(func.count(), func.coalesce(age, 0)).select_from(waiting)).one()
    return {"events": events, "seconds": round(float(seconds), 1)}


def newest_position(session: Session, outbox: type[OutboxTable]) -> int:
    """Return the position behind which nothing was recorded yet; everything up to it is committed."""
    read_feed(session, outbox, 0, limit=0)
    return session.scalar(select(func.coalesce(func.max(outbox.pos), 0))) or 0


def feed_blueprint(outbox: type[OutboxTable], cursor: type[CursorTable] | None = None) -> Blueprint:
    """Return the blueprint that answers `GET /internal/events?after=pos`, and how far that is behind.

    With `cursor` it also tells up to where this service has read the feeds of others, and measures how far behind.
    """
    blueprint = Blueprint("feed", __name__)
    if cursor is not None:
        blueprint.record_once(lambda state: measure_feeds(state.app, cursor))

    @blueprint.get("/internal/events")
    @internal()
    def events() -> dict[str, Any]:
        after = request.args.get("after", 0, int)
        with unit_of_work() as session:
            return {"events": read_feed(session, outbox, after)}

    @blueprint.get("/internal/events/behind")
    @internal()
    def behind() -> dict[str, Any]:
        with read_only() as session:
            return events_behind(session, outbox, request.args.get("after", 0, int))

    @blueprint.get("/internal/events/newest")
    @internal()
    def newest() -> dict[str, Any]:
        with unit_of_work() as session:
            return {"pos": newest_position(session, outbox)}

    @blueprint.get("/internal/cursors")
    @internal()
    def cursors() -> dict[str, int]:
        if cursor is None:
            return {}
        with read_only() as session:
            return {row.owner: row.pos for row in session.scalars(select(cursor))}

    return blueprint


Handler = Callable[[Session, dict[str, Any]], None]


@dataclass(frozen=True)
class Alone:
    """A handler whose events are applied in a transaction each: it holds locks that other events must not wait with."""

    handle: Handler

    def __call__(self, session: Session, event: dict[str, Any]) -> None:
        """Apply an event."""
        self.handle(session, event)


def pull(
    client: ServiceClient,
    owner: str,
    inbox: type[InboxTable],
    cursor: type[CursorTable],
    handlers: dict[str, Handler],
    *,
    must: bool = False,
) -> int:
    """Read the feed of `owner` to its end and apply it; return how many events were new here.

    A handler gets the session and the event as `read_feed` gives it. Events without a handler are passed over. An owner
    that is away is left for the next nudge; raises ServiceUnavailable instead where the feed `must` be read.
    """
    applied, ahead, read_to = 0, list[dict[str, Any]](), -1
    while True:
        with unit_of_work() as session:
            session.execute(insert(cursor).values(owner=owner).on_conflict_do_nothing())
            place = session.execute(select(cursor).where(cursor.owner == owner).with_for_update()).scalar_one()
            try:
                if not ahead or place.pos != read_to:  # somebody else read on meanwhile
                    ahead = client.get("/internal/events", after=place.pos)["events"]
            except ServiceUnavailable as error:
                if must:
                    raise
                log.warning("feed is away", owner=owner, error=str(error))
                return applied
            together = ahead[: _together(ahead, handlers)]
            for event in together:
                fresh = session.execute(
                    insert(inbox).values(event_id=event["event_id"]).on_conflict_do_nothing().returning(inbox.event_id)
                ).first()
                if fresh and (handler := handlers.get(event["name"])):
                    handler(session, event)
                    applied += 1
                place.pos = event["pos"]
            read_to = place.pos
        if not together:
            return applied
        ahead = ahead[len(together) :]


def _together(events: Sequence[dict[str, Any]], handlers: Mapping[str, Handler]) -> int:
    """Return how many of the first of these events go into one transaction."""
    alone = (at for at, event in enumerate(events) if isinstance(handlers.get(event["name"]), Alone))
    return max(1, next(alone, len(events)))
