"""A8: a mass change is a job like an import: started once, its customers fetched once, stopped, undone, told."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from services.imports import tasks
from services.imports.domain.owners import Owner as Peer
from services.imports.models import Job
from shared.db import read_only, unit_of_work
from shared.errors import NotFound
from shared.http import CallRefused, ServiceUnavailable
from shared.testing import SignedClient, client_as
from tests.imports.conftest import ADA
from tests.imports.owner import TARGET, Owner

ON = frozenset({"partner_management"})
PATH = "/api/imports/v1/mass-changes"
DANA = uuid.uuid4()


class Peers:
    """Customers with one snapshot, and associates; may be away."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.selection = uuid.uuid4()
        self.fetched: list[bool] = []
        self.lines = [f"{uuid.uuid4()},C{at},Firm {at}" for at in range(250)]
        self.away = False
        self.refusal: Exception | None = None

    def snapshot(self, snapshot_id: uuid.UUID) -> dict[str, Any]:
        if snapshot_id != self.id:
            raise NotFound("Look again.")
        return {"selection_id": str(self.selection), "source": "codes", "active": len(self.lines), "inactive": 3}

    def associates(self, action: str, ids: list[uuid.UUID]) -> list[dict[str, str]]:
        if self.refusal:
            raise self.refusal
        return [{"id": str(one), "name": "Dana Dealer"} for one in ids]

    @contextmanager
    def customers(self, snapshot_id: uuid.UUID, *, inactive: bool) -> Iterator[Iterator[bytes]]:
        self.fetched.append(inactive)
        if self.away:
            raise ServiceUnavailable("customers_bulk", "ConnectError")
        yield iter([("account_id,code,name\n" + "\n".join(self.lines) + "\n").encode()])


@pytest.fixture
def peers(app: Flask, owner: Owner) -> Iterator[Peers]:
    """Stand-ins for customers and associates; the chunks go to the owner of things."""
    before = app.extensions["imports.mass_change_peers"]
    stand_in = app.extensions["imports.mass_change_peers"] = Peers()
    owners = app.extensions["imports.owners"]
    real = owners.by_kind["mass_change"]
    target = {
        **TARGET,
        "kind": "mass_change",
        "keys": [{"name": "account", "field": "account_id", "rule": "code", "label": "Customer"}],
        "fields": [{"name": name, "label": name} for name in ("account_id", "code", "name")],
    }
    peer = owners.by_kind["mass_change"] = Peer("mass_change", owners.by_kind["customers"].client)
    peer.remember(target)
    peer.target = lambda: peer._target[1]  # type: ignore[method-assign,index] # however long the test takes
    yield stand_in
    owners.by_kind["mass_change"] = real
    app.extensions["imports.mass_change_peers"] = before


@pytest.fixture
def staff(app: Flask) -> SignedClient:
    return client_as(app, "assign", "customers.view", name=ADA.name, user_id=ADA.user_id, features=ON)


def ask(client: SignedClient, peers: Peers, **more: Any) -> Any:
    return client.post(PATH, json={"snapshot_id": str(peers.id), "associate_ids": [str(DANA)], **more})


def job_of(answer: Any) -> Job:
    with read_only() as session:
        return session.get_one(Job, uuid.UUID(answer.json["id"]))


def test_change_when_run_fetches_its_customers_and_tells_its_owner_what_to_do(
    staff: SignedClient, peers: Peers, owner: Owner, run: Callable[[Job], Job]
) -> None:
    answer = ask(staff, peers, role="sales", action="replace")
    assert answer.status_code == 202, answer.json
    done = run(job_of(answer))
    assert (done.state, done.rows, done.created) == ("completed", 250, 250)
    assert peers.fetched == [False]
    assert owner.told[0]["kind"] == "mass_change"
    told = owner.told[0]["change"]
    assert (told["action"], told["associate_ids"], told["role"]) == ("replace", [str(DANA)], "sales")
    shown = staff.get(f"/api/imports/v1/jobs/{done.id}").json
    assert shown["change"]["associates"] == [{"id": str(DANA), "name": "Dana Dealer"}]
    assert shown["change"]["selection_id"] == str(peers.selection)
    assert shown["file_name"] == "Replace by Dana Dealer · Sales"
    page = staff.get(f"/imports/{done.id}")
    assert page.status_code == 200
    assert "Dana Dealer set for 250 customers." in page.text


def test_change_when_pressed_twice_is_one_job_and_another_change_is_another(staff: SignedClient, peers: Peers) -> None:
    form = {"snapshot_id": str(peers.id), "associate_ids": str(DANA), "role": "manages", "key": "once"}
    first, second = (staff.post("/imports/mass-changes", data=form) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    other = staff.post("/imports/mass-changes", data={**form, "action": "replace"})
    assert (other.status_code, other.location != first.location) == (303, True)
    assert "Replace by Dana Dealer" in staff.get(other.location).text
    headers = {"Idempotency-Key": "again"}
    asked = {"snapshot_id": str(peers.id), "associate_ids": [str(DANA)]}
    third, fourth = (staff.post(PATH, json=asked, headers=headers) for _ in range(2))
    assert third.json["id"] == fourth.json["id"]


def test_change_when_customers_is_away_waits_and_goes_on(
    staff: SignedClient, peers: Peers, see: Callable[[Job], Job], run: Callable[[Job], Job]
) -> None:
    job = job_of(ask(staff, peers))
    peers.away = True
    tasks.read_file.run(str(job.id))
    waiting = see(job)
    assert (waiting.state, waiting.read_at) == ("running", None)
    assert waiting.waiting is not None
    peers.away = False
    with unit_of_work() as session:
        session.execute(update(Job).where(Job.id == job.id).values(resume_at=None))
    assert run(see(job)).state == "completed"


def test_change_when_undone_is_taken_back_by_who_may_assign(
    app: Flask, staff: SignedClient, peers: Peers, run: Callable[[Job], Job], owner: Owner
) -> None:
    done = run(job_of(ask(staff, peers)))
    path = f"/api/imports/v1/jobs/{done.id}/undo"
    off = client_as(app, "assign", name=ADA.name, user_id=ADA.user_id).post(path)
    assert (off.status_code, off.json["code"]) == (409, "partner_management_off")
    assert "Undo this change?" in staff.get(f"/imports/{done.id}/undo").text
    assert staff.post(path).status_code == 202
    assert run(done).state == "undone"
    assert owner.things() == {}
    assert "The change was taken back. 250 customers as before." in staff.get(f"/imports/{done.id}").text


def test_import_when_of_another_stays_with_who_may_undo(
    app: Flask, make_job: Callable[..., Job], run: Callable[[Job], Job], staff: SignedClient
) -> None:
    job = run(make_job("code,name\n1,A\n", start=True))
    assert staff.post(f"/api/imports/v1/jobs/{job.id}/undo").status_code == 403


def test_change_when_it_is_of_nobody_or_nothing_is_refused(app: Flask, staff: SignedClient, peers: Peers) -> None:
    assert ask(staff, peers, role=None).status_code == 422
    assert ask(staff, peers, role=None, action="remove").status_code == 202
    assert ask(staff, peers, associate_ids=[]).status_code == 422
    assert ask(staff, peers, snapshot_id=str(uuid.uuid4())).status_code == 404
    peers.refusal = CallRefused("associates", 409, {"code": "associate_inactive", "detail": "Dana is inactive."})
    refused = ask(staff, peers)
    assert (refused.status_code, refused.json["code"]) == (409, "associate_inactive")
    screen = staff.post(
        "/imports/mass-changes", data={"snapshot_id": str(peers.id), "associate_ids": str(DANA), "role": "sales"}
    )
    assert (screen.status_code, "Dana is inactive." in screen.text) == (422, True)
    peers.refusal, peers.lines = None, []
    nobody = ask(staff, peers)
    assert (nobody.status_code, nobody.json["code"]) == (422, "nobody_selected")
    off = ask(client_as(app, "assign"), peers)
    assert (off.status_code, off.json["code"]) == (409, "partner_management_off")
    assert ask(client_as(app, "import", features=ON), peers).status_code == 403


def test_file_when_uploaded_as_a_mass_change_is_refused(client: SignedClient) -> None:
    answer = client.post("/api/imports/v1/uploads?kind=mass_change&filename=x.csv", data=b"a\n1\n")
    assert (answer.status_code, answer.json["code"]) == (404, "unknown_kind")
    assert "mass_change" not in client.application.extensions["imports.owners"].kinds


def test_change_when_stopped_before_its_customers_came_ends(
    staff: SignedClient, peers: Peers, see: Callable[[Job], Job]
) -> None:
    job = job_of(ask(staff, peers))
    peers.away = True
    tasks.read_file.run(str(job.id))
    assert staff.post(f"/api/imports/v1/jobs/{job.id}/cancel").status_code == 202
    tasks.end_job.run(str(job.id))
    ended = see(job)
    assert (ended.state, ended.rows, ended.skipped) == ("cancelled", 250, 250)
