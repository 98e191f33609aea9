"""A10: links that the rows of an import of customers ask for: who is meant, applied from the event, taken back."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from services.associates.bulk.wishes import Wish, fulfil_wish
from services.associates.consumers import FEEDS
from services.associates.domain import associates, links
from services.associates.domain.history import read_history
from services.associates.models import Associate, GoneAccount, Link, Outbox
from shared.db import read_only, unit_of_work
from shared.events.associates import each_link
from shared.events.customers import AssignmentsWished
from shared.history import Actor
from shared.testing import client_of_service
from tests.associates.conftest import ADA, KnownAccounts
from tests.associates.import_chunks import named, standing

Made = Callable[..., Any]
BEN = Actor(uuid.uuid5(uuid.NAMESPACE_URL, "Ben Baker"), "Ben Baker", "203.0.113.8")
JOB = uuid.UUID(int=7)
NOBODY = {"code": None, "name": None, "email": None}


@pytest.fixture
def people(known: KnownAccounts, make_associate: Made) -> tuple[list[Any], dict[str, Associate]]:
    """Two customers; Dana, Ben and Eve."""
    accounts = [known.add(f"Customer {code}", code) for code in ("C1", "C2")]
    return accounts, {
        name: make_associate(name.capitalize(), code=name, email=f"{name}@x.example") for name in ("dana", "ben", "eve")
    }


def wish(*asked: tuple[Any, Any, str], new: Any = (), mode: str = "add", no: int = 1, job: uuid.UUID = JOB) -> None:
    """Have associates read the event of a chunk; `asked` are account, associate and role."""
    event = AssignmentsWished(
        job_id=str(job),
        chunk_no=no,
        mode=mode,
        links=[[str(account.id), str(associate.id), role] for account, associate, role in asked],
        new=[[*called, [[str(account.id), role] for account, role in places]] for called, places in new],
        actor_id=str(ADA.id),
        actor_name=ADA.name,
        file_name="july.csv",
    )
    with unit_of_work() as session:
        FEEDS["customers"][event.name](session, {"payload": vars(event)})


def undo(app: Flask, accounts: Any = (), no: int = 1, job: uuid.UUID = JOB, **of: Any) -> dict[str, Any]:
    """Take a chunk back as customers asks for it; `of` may tell accounts that it `created` and that are `kept`."""
    told = {"actor_id": str(BEN.id), "actor_name": BEN.name}
    told |= {name: [str(one.id) for one in those] for name, those in {"accounts": accounts, **of}.items()}
    answer = client_of_service(app, "customers").post(f"/internal/wishes/{job}/{no}/undo", json=told)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def roles() -> set[tuple[uuid.UUID, uuid.UUID, str]]:
    return {(account, associate, role) for account, associate, role, _ in standing()}


def resolve(app: Flask, *called: dict[str, str], job: uuid.UUID = JOB) -> list[tuple[str, list[str]]]:
    body = {"job_id": str(job), "called": [NOBODY | one for one in called], "roles": []}
    answer = client_of_service(app, "customers").post("/internal/associates/resolve", json=body).json
    return [(one["verdict"], [who["code"] for who in one["those"]]) for one in answer["meant"]]


# Who is meant


def test_rows_when_resolved_mean_whom_code_email_or_name_tells(app: Flask, people: Any, make_associate: Made) -> None:
    make_associate("Twin  Ben", code="twin", email="BEN@x.example")
    make_associate("eve", code="eve2")
    assert resolve(
        app,
        {"code": "DANA", "email": "ben@x.example"},
        {"email": "Dana@X.example"},
        {"name": " dana "},
        {"code": "nobody", "name": "Dana"},
        {"email": "nobody@x.example", "name": "Dana"},
        {"name": "Nobody"},
        {"email": "ben@x.example"},
        {"name": "EVE"},
        {"code": "D-99", "email": "dana@x.example"},
    ) == [
        ("found", ["dana"]),
        ("found", ["dana"]),
        ("found", ["dana"]),
        ("unknown", []),
        ("unknown", []),
        ("unknown", []),
        ("ambiguous", ["ben", "twin"]),
        ("ambiguous", ["eve", "eve2"]),
        ("other_code", ["dana"]),
    ]


def test_roles_when_resolved_are_read_as_in_a_file_of_assignments(app: Flask) -> None:
    body = {"job_id": str(JOB), "called": [], "roles": ["Sales Rep", "lead source", "friend"]}
    answer = client_of_service(app, "customers").post("/internal/associates/resolve", json=body)
    assert answer.json["roles"] == ["sales", "lead_source", None]


def test_inactive_associate_when_resolved_is_told_as_such(app: Flask, people: Any) -> None:
    with unit_of_work() as session:
        associates.set_associate_status(session, ADA, people[1]["eve"].id, "inactive", "left")
    body = {"job_id": str(JOB), "called": [NOBODY | {"code": "eve"}], "roles": []}
    answer = client_of_service(app, "customers").post("/internal/associates/resolve", json=body).json
    assert answer["meant"][0]["those"][0] == {
        "id": str(people[1]["eve"].id), "code": "eve", "name": "Eve", "active": False,
    }  # fmt: skip


def test_only_services_may_resolve(client: Any) -> None:
    assert client.post("/internal/associates/resolve", json={}).status_code == 404
    assert client.post(f"/internal/wishes/{JOB}/1/undo", json={}).status_code == 404


# Applied


def test_wish_when_read_begins_its_links_once_and_tells_the_history(people: Any, make_link: Made) -> None:
    (one, two), made = people
    make_link(one, made["ben"], "sales")
    for _ in range(2):
        wish((one, made["dana"], "manages"), (one, made["ben"], "sales"), (two, made["dana"], "manages"))
    assert roles() == {
        (one.id, made["dana"].id, "manages"),
        (one.id, made["ben"].id, "sales"),
        (two.id, made["dana"].id, "manages"),
    }
    with read_only() as session:
        events = select(Outbox).where(Outbox.name == "associates.links_changed.v2").order_by(Outbox.seq)
        told = session.scalars(events).all()
        line = read_history(session, made["dana"].id)[0][0]
        begun = session.scalars(select(Link).where(Link.associate_id == made["dana"].id)).first()
    assert len(told) == 2  # Ben's by hand, then Dana's two
    assert len(list(each_link(told[-1].payload["begun"]))) == 2
    assert (line.action, line.job_id, line.actor_name) == ("linked_many", JOB, ADA.name)
    assert {change.field: change.new for change in line.changes} == {"customers": 2, "role": "manages"}
    assert begun is not None
    assert begun.begun_by_name == ADA.name


def test_wish_when_it_replaces_ends_the_others_of_its_roles_only(people: Any, make_link: Made) -> None:
    (one, _), made = people
    make_link(one, made["ben"], "manages", primary=True)
    make_link(one, made["ben"], "sales")
    wish((one, made["dana"], "manages"), (one, made["eve"], "manages"), mode="replace")
    assert standing() == {
        (one.id, made["dana"].id, "manages", True),
        (one.id, made["eve"].id, "manages", False),
        (one.id, made["ben"].id, "sales", False),
    }


def test_wish_when_somebody_is_gone_meanwhile_does_the_rest(people: Any, make_link: Made) -> None:
    (one, two), made = people
    make_link(one, made["ben"])
    with unit_of_work() as session:
        associates.set_associate_status(session, ADA, made["eve"].id, "inactive", "left")
        associates.delete_associate(session, ADA, made["dana"].id, None)
        session.add(GoneAccount(account_id=two.id))
    wish(
        (one, made["dana"], "manages"),
        (one, made["eve"], "sales"),
        (one, made["ben"], "sales"),
        (two, made["ben"], "manages"),
        mode="replace",
    )
    assert roles() == {(one.id, made["ben"].id, "manages"), (one.id, made["ben"].id, "sales")}


def test_unknown_associates_when_wished_are_made_once_and_cannot_sign_in(app: Flask, people: Any) -> None:
    (one, two), _ = people
    new = [
        ((None, "Nora New", "nora@x.example"), [(one, "sales")]),
        (("D-99", "Nora", "NORA@x.example"), [(two, "manages")]),
        (("d-99", "Nora", None), [(one, "manages")]),
        ((None, "Only Name", None), [(one, "service")]),
        ((None, "only  name", None), [(two, "service")]),
    ]
    wish(new=new)
    nora = named("D-99")
    assert (nora.name, nora.email, nora.can_login, nora.status) == ("Nora", "NORA@x.example", False, "active")
    with read_only() as session:
        only = session.scalars(select(Associate).where(Associate.name == "Only Name")).one()
        history = [line.action for line in read_history(session, nora.id)[0]]
        saved = session.scalars(select(Outbox).where(Outbox.name == "associates.associates_saved.v1")).one()
    assert only.code.startswith("A")
    assert roles() == {
        (one.id, nora.id, "sales"),
        (two.id, nora.id, "manages"),
        (one.id, nora.id, "manages"),
        (one.id, only.id, "service"),
        (two.id, only.id, "service"),
    }
    assert sorted(history) == ["created", "linked_many", "linked_many"]
    assert len(saved.payload["associates"]) == 2
    wish(new=[((None, "Nora", "nora@x.example"), [(two, "sales")])], no=2)  # another chunk, which did not know her yet
    wish(new=[(("D-100", "Nora", "nora@x.example"), [(two, "collections")])], no=3)
    assert {role for account, who, role in roles() if (account, who) == (two.id, nora.id)} == {
        "manages", "sales", "collections",
    }  # fmt: skip
    assert resolve(app, {"code": "D-101", "email": "nora@x.example"}) == [("found", ["D-99"])]
    assert resolve(app, {"code": "D-101", "email": "nora@x.example"}, job=uuid.UUID(int=8)) == [
        ("other_code", ["D-99"])
    ]


def test_wish_when_somebody_took_the_code_meanwhile_means_that_one(people: Any, make_associate: Made) -> None:
    (one, _), _ = people
    taken = make_associate("Somebody", code="D-99")
    wish(new=[(("D-99", "Nora New", None), [(one, "sales")])])
    assert roles() == {(one.id, taken.id, "sales")}


# Taken back


def test_undo_when_nobody_touched_anything_leaves_what_was_there(app: Flask, people: Any, make_link: Made) -> None:
    (one, two), made = people
    make_link(one, made["ben"], primary=True)
    before = standing()
    wish((one, made["dana"], "manages"), (two, made["dana"], "sales"), mode="replace")
    assert standing() != before
    answer = undo(app, [one, two])
    assert standing() == before
    assert (sorted(answer["changed"]), answer["stayed"], answer["left"]) == (sorted([str(one.id), str(two.id)]), [], [])
    assert answer["looked_after"] == [[str(one.id), "Ben"]]
    assert undo(app, [one, two]) == answer
    with read_only() as session:
        lines = read_history(session, made["dana"].id)[0]
    assert [line.action for line in lines].count("undone_many") == 2


def test_undo_when_the_event_was_not_read_yet_keeps_it_from_being_applied(app: Flask, people: Any) -> None:
    (one, _), made = people
    for _ in range(2):
        assert undo(app, [one]) == {"changed": [str(one.id)], "stayed": [], "left": [], "looked_after": []}
    wish((one, made["dana"], "manages"))
    assert standing() == set()


def test_undo_when_a_person_changed_a_link_since_leaves_it_and_says_so(app: Flask, people: Any) -> None:
    (one, two), made = people
    wish((one, made["dana"], "manages"), (two, made["dana"], "manages"), (two, made["eve"], "sales"))
    with unit_of_work() as session:
        link = session.scalars(select(Link).where(Link.account_id == one.id)).one()
        links.make_primary(session, ADA, one, link.id)
    answer = undo(app, [one, two])
    assert standing() == {(one.id, made["dana"].id, "manages", True)}
    assert (answer["changed"], answer["stayed"]) == ([str(two.id)], [str(one.id)])
    assert answer["looked_after"] == [[str(one.id), "Dana"]]
    assert answer["left"][0]["message"] == "Dana was made the one to turn to first since."
    assert answer["left"][0]["label"] == "Customer C1 (C1)"


def test_undo_when_a_person_said_since_when_leaves_the_link_and_its_customer(app: Flask, people: Any) -> None:
    (one, two), made = people
    wish((one, made["dana"], "manages"), (one, made["eve"], "sales"), (two, made["dana"], "manages"))
    with unit_of_work() as session:
        hers = Link.account_id == one.id, Link.associate_id == made["dana"].id
        links.change_since(session, ADA, one, session.scalars(select(Link.id).where(*hers)).one(), date(2019, 5, 4))
    answer = undo(app, [one, two], created=[one, two])
    assert {(account, who) for account, who, *_ in standing()} == {(one.id, made["dana"].id), (one.id, made["eve"].id)}
    assert dict(answer["looked_after"]) == {str(one.id): "Dana"}


def test_undo_when_a_customer_is_kept_leaves_all_its_links(app: Flask, people: Any) -> None:
    (one, two), made = people
    new = [(("D-99", "Nora", None), [(one, "service")])]
    wish((one, made["dana"], "manages"), (one, made["eve"], "sales"), (two, made["dana"], "manages"), new=new)
    before = standing()
    answer = undo(app, [one, two], created=[one, two], kept=[one])
    assert standing() == {link for link in before if link[0] == one.id}
    assert (answer["changed"], answer["stayed"]) == ([str(two.id)], [])
    assert [account for account, _ in answer["looked_after"]] == [str(one.id)]
    assert [(line["label"], line["reason"]) for line in answer["left"]] == [("D-99 Nora", "linked")]


@pytest.mark.parametrize("deed", ["given", "first"])
def test_undo_when_somebody_else_gave_a_new_customer_to_others_leaves_all_its_links(
    app: Flask, people: Any, make_link: Made, deed: str
) -> None:
    """The customer stays then, so it stays whole; one that was there before loses what the chunk gave it."""
    (one, two), made = people
    wish(*((account, made[who], "manages") for account in (one, two) for who in ("ben", "eve")))
    if deed == "given":
        make_link(one, made["dana"])
        make_link(two, made["dana"])
    else:
        with unit_of_work() as session:
            for account in (one, two):
                hers = Link.associate_id == made["eve"].id, Link.account_id == account.id
                links.make_primary(session, ADA, account, session.scalars(select(Link.id).where(*hers)).one())
    before = roles()
    answer = undo(app, [one, two], created=[one])
    reason = "Dana" if deed == "given" else "Eve"
    assert dict(answer["looked_after"])[str(one.id)] == reason
    gone = {"ben", "eve"} if deed == "given" else {"ben"}
    assert roles() == before - {(two.id, made[who].id, "manages") for who in gone}
    assert str(one.id) not in answer["changed"]


def test_associate_when_made_by_the_import_goes_with_the_last_of_its_chunks(app: Flask, people: Any) -> None:
    (one, two), _ = people
    wish(new=[(("D-99", "Nora", None), [(one, "sales")])])
    wish((two, named("D-99"), "sales"), no=2)
    assert undo(app, [one])["left"] == []
    assert named("D-99").status == "active"
    assert undo(app, [two], no=2)["left"] == []
    with read_only() as session:
        assert session.scalars(select(Associate).where(Associate.code == "D-99")).all() == []
        told = session.scalars(select(Outbox.name).order_by(Outbox.seq.desc())).first()
    assert told == "associates.associates_removed.v1"


@pytest.mark.parametrize("use", ["link", "edit"])
def test_associate_when_made_by_the_import_and_used_since_stays(
    app: Flask, people: Any, make_link: Made, use: str
) -> None:
    (one, two), _ = people
    wish(new=[(("D-99", "Nora", None), [(one, "sales")])])
    if use == "link":
        make_link(two, named("D-99"))
    else:
        with unit_of_work() as session:
            associates.edit_associate(session, BEN, named("D-99").id, {"phone": "030 901820"}, None)
    left = undo(app, [one])["left"]
    words = {"link": "Ada Admin gave it a customer since.", "edit": "Ben Baker changed it since."}
    assert [(line["record"], line["label"], line["message"]) for line in left] == [
        ("associate", "D-99 Nora", words[use])
    ]
    assert {associate for _, associate, _ in roles()} == ({named("D-99").id} if use == "link" else set())


def test_associate_when_two_are_called_so_by_now_is_not_guessed(
    people: Any, make_associate: Made, make_link: Made
) -> None:
    """The row was decided when there was none; whoever it means, it replaces nobody there."""
    (one, _), made = people
    for code in ("a1", "a2"):
        make_associate("Anna", code=code)
    make_link(one, made["ben"])
    before = roles()
    wish((one, made["dana"], "manages"), new=[((None, "Anna", None), [(one, "manages")])], mode="replace")
    assert roles() == before | {(one.id, made["dana"].id, "manages")}


WHO = st.sampled_from(["dana", "ben", "eve"])
ROLE = st.sampled_from(["manages", "sales"])
ASKED = st.lists(st.tuples(st.integers(0, 1), WHO, ROLE), min_size=1, max_size=6)
WISHES = st.lists(st.tuples(ASKED, st.sampled_from(["add", "replace"])), min_size=1, max_size=4)


@settings(max_examples=60)
@given(wishes=WISHES)
def test_any_wishes_when_applied_are_there_and_when_undone_newest_first_leave_what_was_there(
    app: Flask, people: Any, wishes: Any
) -> None:
    (accounts, made), job = people, uuid.uuid4()
    with unit_of_work() as session:
        session.execute(delete(Link))
    states = [standing()]
    for no, (asked, mode) in enumerate(wishes):
        before = roles()
        wish(*((accounts[at], made[who], role) for at, who, role in asked), mode=mode, no=no, job=job)
        wanted = {(accounts[at].id, made[who].id, role) for at, who, role in asked}
        places = {(account, role) for account, _, role in wanted}
        kept = {one for one in before if mode == "add" or (one[0], one[2]) not in places}
        assert roles() == wanted | kept
        states.append(standing())
    for no in reversed(range(len(wishes))):
        undo(app, accounts, no=no, job=job)
        assert standing() == states[no]


def test_wish_when_told_is_read_from_its_event(people: Any) -> None:
    (one, _), made = people
    told = {
        "job_id": str(JOB), "chunk_no": 4, "mode": "replace", "links": [[str(one.id), str(made["ben"].id), "sales"]],
        "new": [[None, "Nora", None, [[str(one.id), "service"]]]], "actor_id": str(ADA.id), "actor_name": "Ada",
        "file_name": "july.csv",
    }  # fmt: skip
    read = Wish.from_event(told)
    assert (read.chunk_no, read.replaces, read.links[0].role) == (4, True, "sales")
    with unit_of_work() as session:
        fulfil_wish(session, read)
    assert {role for _, _, role in roles()} == {"sales", "service"}
