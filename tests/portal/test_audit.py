"""The audit trail (X3): complete, searchable, and never changed, whoever tries."""

import html
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from services.portal import consumers
from services.portal.domain import audit, setup
from services.portal.domain.actor import Actor
from services.portal.models import AuditEntry, FeedCursor, Inbox
from shared.feed import pull

AUDIT = "/api/portal/v1/audit"
# All that portal reads, as if it came from one owner.
HANDLERS = {name: handler for feed in consumers.FEEDS.values() for name, handler in feed.items()}
SAMPLES = Path(__file__).parents[1] / "contracts" / "events"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor_name = 'Nobody'",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE false",
        "TRUNCATE audit_entry",
        "INSERT INTO audit_entry SELECT * FROM audit_entry ON CONFLICT (id) DO UPDATE SET action = 'x'",
    ],
)
def test_entry_when_somebody_wants_to_change_it_is_refused_by_the_database(session: Session, statement: str) -> None:
    audit.note(session, "signed_in", setup.SYSTEM)
    session.flush()
    with pytest.raises(DBAPIError, match="only ever added to"):
        session.execute(text(statement))


def test_entry_when_its_change_is_rolled_back_is_not_there(signed_in: Callable[..., Any], session: Session) -> None:
    admin = signed_in("Administrator")
    before = session.query(AuditEntry).count()
    assert admin.post("/api/portal/v1/users", json={"username": "admin", "name": "X"}).status_code == 422
    assert session.query(AuditEntry).count() == before


def test_trail_when_filtered_finds_person_subject_address_and_action(
    signed_in: Callable[..., Any], session: Session
) -> None:
    admin = signed_in("Administrator", name="Ines Moreau")
    thing = uuid.uuid4()
    for number, letter in enumerate("abc"):
        actor = Actor(uuid.uuid4(), f"Person {letter}", ip=f"198.51.100.{number}")
        audit.note(session, "account_deactivated", actor, audit.Subject("account", thing, f"Cobalt x{letter}"))
    session.commit()

    def found(**query: Any) -> list[str]:
        return [one["actor_name"] for one in admin.get(AUDIT, query_string=query).json["items"]]

    assert found(q="cobalt XB") == ["Person b"]
    assert found(q="PERSON xc") == ["Person c"]
    assert found(q="198.51.100.0") == ["Person a"]
    assert found(action="account_deactivated") == ["Person c", "Person b", "Person a"]
    assert found(subject_id=str(thing)) == ["Person c", "Person b", "Person a"]
    assert found(q="%") == []
    assert found(action="signed_in", actor_id=str(admin.user.id)) == ["Ines Moreau"]
    assert found(before="2001-01-01T00:00:00Z") == []
    assert "Person b" in found(since="2001-01-01T00:00:00Z")
    assert admin.get(AUDIT, query_string={"action": "nonsense"}).status_code == 422
    assert admin.get(AUDIT, query_string={"since": "2001-01-01T00:00:00"}).status_code == 422
    page = admin.get("/settings/audit", query_string={"q": "cobalt", "action": "account_deactivated"}).text
    assert page.count("made a customer inactive: ") == 3


def test_trail_when_walked_by_cursor_is_complete_and_newest_first(
    signed_in: Callable[..., Any], session: Session
) -> None:
    admin = signed_in("Administrator")
    for number in range(7):
        audit.note(session, "job_finished", Actor(None, f"Job {number}"))
    session.commit()
    seen, cursor = [], None
    while True:
        query = {"action": "job_finished", "limit": 3, **({"cursor": cursor} if cursor else {})}
        page = admin.get(AUDIT, query_string=query).json
        seen += [one["actor_name"] for one in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == [f"Job {number}" for number in reversed(range(7))]
    assert admin.get(AUDIT, query_string={"cursor": "WyIyMDI2IiwieCJd"}).status_code == 422


def test_trail_of_one_user_when_walked_stays_theirs_and_says_so(
    signed_in: Callable[..., Any], make_user: Callable[..., Any], session: Session
) -> None:
    """The link "All of it" on a user, its second page, and the way back to everybody's."""
    admin, user = signed_in("Administrator"), make_user(name="Ines & Co")
    for number in range(60):
        audit.note(session, "user_edited", Actor(None, f"Person {number}"), audit.Subject("user", user.id, user.name))
        audit.note(session, "user_edited", Actor(None, "Somebody else"), audit.Subject("user", uuid.uuid4(), "Other"))
    session.commit()
    first = admin.get(f"/settings/audit?subject_id={user.id}").text
    assert 'Only what is about <span dir="auto" class="fw-medium">Ines &amp; Co</span>' in first
    assert 'href="/settings/audit">Show everybody' in first
    more = next(html.unescape(one) for one in re.findall(r'="(/settings/audit\?[^"]+)"', first) if "cursor=" in one)
    second = admin.get(more, headers={"HX-Request": "true"}).text
    assert second.count("edited a user: ") == 10
    assert "Somebody else" not in second
    whole = admin.get("/settings/audit").text
    assert "Only what is about" not in whole
    assert "subject_id" not in whole
    assert "this record</span>" in admin.get(f"/settings/audit?subject_id={uuid.uuid4()}").text


class _Feed:
    """Stands for another service's feed; gives all events behind `after`."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.events = events

    def get(self, path: str, after: int) -> dict[str, Any]:
        return {"events": [one for one in self.events if one["pos"] > after]}


def _event(pos: int, sample: Path) -> dict[str, Any]:
    return {
        "pos": pos,
        "event_id": str(uuid.UUID(int=pos)),
        "name": sample.stem,
        "recorded_at": "2026-03-04T09:15:00+00:00",
        "payload": json.loads(sample.read_text()),
    }


def test_events_when_pulled_stand_in_the_trail_once_with_their_own_time(app: Any, session: Session) -> None:
    samples = [SAMPLES / f"{name}.json" for name in HANDLERS]
    feed = _Feed([_event(number, sample) for number, sample in enumerate(samples, 1)])
    assert pull(feed, "customers", Inbox, FeedCursor, HANDLERS) == len(samples)  # type: ignore[arg-type]
    session.execute(text("UPDATE feed_cursor SET pos = 0"))
    session.commit()
    assert pull(feed, "customers", Inbox, FeedCursor, HANDLERS) == 0  # type: ignore[arg-type]
    entries = session.scalars(select(AuditEntry).where(AuditEntry.actor_name == "Ines Moreau").order_by(AuditEntry.id))
    told = {entry.action: entry for entry in entries}
    assert sorted(told) == [
        "account_deactivated",
        "account_deleted",
        "associate_deactivated",
        "associate_deleted",
        "contact_deactivated",
        "export_taken",
        "job_finished",
    ]
    assert told["account_deactivated"].ip == "203.0.113.7"
    assert told["account_deactivated"].subject_name == "Cobalt Labs"
    assert {entry.at.isoformat() for entry in told.values()} == {"2026-03-04T09:15:00+00:00"}
    assert told["job_finished"].details["counts"]["failed"] == 10


def test_export_when_it_ended_reads_as_a_sentence(signed_in: Callable[..., Any], session: Session) -> None:
    """I12, X3: who exported how many of what, by which search, and who took the file."""
    event = _event(1, SAMPLES / "imports.job_finished.v1.json")
    event["payload"] |= {"what": "export", "state": "completed", "counts": {"rows": 1000000}, "ip": "203.0.113.9"}
    event["payload"] |= {"file_name": "customers.csv", "about": {"q": "smith", "status": "active"}}
    consumers.note_job(session, event)
    consumers.note_export_taken(session, _event(2, SAMPLES / "imports.export_taken.v1.json"))
    session.commit()
    page = signed_in("Administrator").get("/settings/audit").text
    words = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "exported 1,000,000 customers q: smith, file: customers.csv, status: active" in words
    assert "downloaded an export of 1,000,000 customers" in words
    assert "203.0.113.9" in words


def test_actions_when_noted_by_a_consumer_have_words(app: Any, session: Session) -> None:
    for sample in (SAMPLES / f"{name}.json" for name in HANDLERS):
        for active in (True, False):
            event = _event(1, sample)
            if "active" in event["payload"]:
                event["payload"]["active"] = active
            HANDLERS[sample.stem](session, event)
    session.flush()
    assert set(session.scalars(select(AuditEntry.action))) <= set(audit.ACTIONS)
