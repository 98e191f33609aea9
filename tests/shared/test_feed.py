"""The event feed: no reader skips an event, no subscriber applies one twice."""

import random
import threading
import uuid
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, ClassVar

import pytest
from flask import Flask
from sqlalchemy import func, select

from shared.db import unit_of_work
from shared.feed import MOST_BYTES, Alone, events_behind, newest_position, pull, read_feed
from shared.http import ServiceUnavailable
from shared.outbox import record


@dataclass(frozen=True)
class NoteAdded:
    name: ClassVar[str] = "notes.note_added.v1"
    words: str


@dataclass(frozen=True)
class NoteShouted:
    name: ClassVar[str] = "notes.note_shouted.v1"
    words: str


class LocalFeed:
    """Reads the feed in this process, as the owner's endpoint would answer."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.asked = 0

    def get(self, path: str, after: int) -> dict[str, Any]:
        self.asked += 1
        with self.app.app_context(), unit_of_work() as session:
            return {"events": read_feed(session, self.app.config["tables"]["Outbox"], after)}


def test_feed_when_writers_commit_out_of_order_skips_nothing(floor: Flask) -> None:
    outbox = floor.config["tables"]["Outbox"]
    writers, each = 6, 40
    mark = uuid.uuid4().hex
    done = threading.Event()

    def write(seed: int) -> None:
        chance = random.Random(seed)
        for number in range(each):
            with floor.app_context(), unit_of_work() as session:
                record(session, outbox, NoteAdded(f"{mark} {seed} {number}"))
                if chance.random() < 0.3:
                    threading.Event().wait(chance.random() / 100)  # commits late, after others with later ids

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(writers)]
    seen: list[str] = []
    place = 0

    def read() -> None:
        nonlocal place
        while True:
            last_round = done.is_set()
            with floor.app_context(), unit_of_work() as session:
                events = read_feed(session, outbox, place, limit=7)
            for event in events:
                seen.append(event["payload"]["words"])
                place = event["pos"]
            if last_round and not events:
                return

    reader = threading.Thread(target=read)
    reader.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    mine = [words for words in seen if words.startswith(mark)]
    assert len(mine) == len(set(mine)) == writers * each


def test_pull_when_run_twice_at_once_applies_each_event_once(floor: Flask) -> None:
    tables = floor.config["tables"]
    note = tables["Note"]
    words = [f"{uuid.uuid4().hex[:12]}" for _ in range(20)]
    with floor.app_context(), unit_of_work() as session:
        for word in words:
            record(session, tables["Outbox"], NoteAdded(word))
    handlers = {"notes.note_added.v1": lambda session, event: session.add(note(words=event["payload"]["words"]))}

    def subscribe() -> None:
        with floor.app_context():
            pull(LocalFeed(floor), "notes", tables["Inbox"], tables["FeedCursor"], handlers)  # type: ignore[arg-type]

    threads = [threading.Thread(target=subscribe) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with floor.app_context(), unit_of_work() as session:
        found = session.scalars(select(note.words).where(note.words.in_(words))).all()
    assert sorted(found) == sorted(words)


def test_feed_when_events_are_large_gives_some_at_a_time(floor: Flask) -> None:
    """A reader that was away long must not get gigabytes at once; one that is too large still comes."""
    outbox = floor.config["tables"]["Outbox"]
    with floor.app_context(), unit_of_work() as session:
        place = newest_position(session, outbox)
        for size in (MOST_BYTES // 2, MOST_BYTES, 10, 3 * MOST_BYTES, 10):  # of letters that do not compress
            record(session, outbox, NoteAdded(random.Random(size).randbytes(size // 2).hex()))
    told = []
    while True:
        with floor.app_context(), unit_of_work() as session:
            events = read_feed(session, outbox, place)
        if not events:
            break
        told.append(len(events))
        place = events[-1]["pos"]
    assert sum(told) == 5
    assert max(told) < 5


def test_pull_when_a_handler_is_alone_applies_its_events_in_a_transaction_each(floor: Flask) -> None:
    tables = floor.config["tables"]
    with floor.app_context(), unit_of_work() as session:
        before = newest_position(session, tables["Outbox"])
        session.add(tables["FeedCursor"](owner="alone", pos=before))
        for name in ("a", "b", "alone", "alone", "c", "d"):
            record(session, tables["Outbox"], (NoteAdded if name != "alone" else NoteShouted)(name))
    seen: list[tuple[int, str]] = []

    def note(session: Any, event: Any) -> None:
        seen.append((session.scalar(select(func.txid_current())), event["payload"]["words"]))

    feed = LocalFeed(floor)
    handlers: dict[str, Any] = {NoteAdded.name: note, NoteShouted.name: Alone(note)}
    with floor.app_context():
        assert pull(feed, "alone", tables["Inbox"], tables["FeedCursor"], handlers) == 6  # type: ignore[arg-type]
    assert [words for _, words in seen] == ["a", "b", "alone", "alone", "c", "d"]
    together = [[words for _, words in group] for _, group in groupby(seen, key=itemgetter(0))]
    assert together == [["a", "b"], ["alone"], ["alone"], ["c", "d"]]
    assert feed.asked == 2


def test_pull_when_a_handler_fails_moves_nothing(floor: Flask) -> None:
    tables = floor.config["tables"]
    with floor.app_context(), unit_of_work() as session:
        record(session, tables["Outbox"], NoteAdded("fails"))

    def fail(session: Any, event: Any) -> None:
        raise RuntimeError(event["name"])

    with floor.app_context(), pytest.raises(RuntimeError):
        pull(LocalFeed(floor), "failing", tables["Inbox"], tables["FeedCursor"], {NoteAdded.name: fail})  # type: ignore[arg-type]
    with floor.app_context(), unit_of_work() as session:
        assert session.get(tables["FeedCursor"], "failing") is None


def test_pull_when_owner_is_away_waits_for_the_next_nudge(floor: Flask) -> None:
    class Away:
        def get(self, path: str, **params: Any) -> Any:
            raise ServiceUnavailable("notes", "ConnectError")

    tables = floor.config["tables"]
    with floor.app_context():
        assert pull(Away(), "away", tables["Inbox"], tables["FeedCursor"], {}) == 0  # type: ignore[arg-type]


def test_feed_tells_how_far_behind_a_reader_is(floor: Flask) -> None:
    outbox = floor.config["tables"]["Outbox"]
    with floor.app_context(), unit_of_work() as session:
        place = newest_position(session, outbox)
        assert events_behind(session, outbox, place) == {"events": 0, "seconds": 0}
        for number in range(3):
            record(session, outbox, NoteAdded(str(number)))
    with floor.app_context(), unit_of_work() as session:
        assert events_behind(session, outbox, place)["events"] == 3
        read_feed(session, outbox, place)
        assert events_behind(session, outbox, place + 1)["events"] == 2
        assert events_behind(session, outbox, place)["seconds"] >= 0
