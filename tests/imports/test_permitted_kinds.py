"""A kind that needs a permission beside the one to import, as users do (I1): without it there is no trace of it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from services.imports.models import Chunk, Job
from shared.db import read_only, unit_of_work
from shared.testing import SignedClient, client_as
from tests.imports.conftest import ADA, rows
from tests.imports.owner import TARGET

API = "/api/imports/v1"
ABOUT_USERS = (
    f"{API}/targets/users",
    f"{API}/targets/users/sample.csv",
    "/imports/new/users",
    "/imports/new/users/sample.csv",
)


@pytest.fixture
def manager(app: Flask, monkeypatch: pytest.MonkeyPatch) -> SignedClient:
    """Ada, who may manage users, too; the owner of these tests answers for them."""
    owners = app.extensions["imports.owners"]
    monkeypatch.setitem(owners.by_kind, "users", owners.by_kind["customers"])
    return client_as(app, "import", "users.manage", "undo", name=ADA.name, user_id=ADA.user_id)


def upload(client: SignedClient) -> Any:
    return client.post(f"{API}/uploads?kind=users", data=b"code,name\n1,A\n", content_type="text/csv")


def test_kind_when_its_permission_is_missing_is_refused_and_not_shown(client: SignedClient) -> None:
    for place in ABOUT_USERS:
        assert client.get(place).status_code == 403, place
    assert upload(client).status_code == 403
    kept = {"kind": "users", "name": "x", "header": ["a"], "mapping": {}}
    assert client.post(f"{API}/mappings", json=kept).status_code == 403
    assert "/imports/new/users" not in client.get("/imports").text
    assert "users" not in str(client.get(f"{API}/targets").json)


def test_kind_when_permitted_is_there(manager: SignedClient) -> None:
    for place in ABOUT_USERS:
        assert manager.get(place).status_code == 200, place
    assert upload(manager).status_code == 201
    assert "/imports/new/users" in manager.get("/imports").text
    assert len(manager.get(f"{API}/targets").json["items"]) == 4


def test_job_of_such_a_kind_is_hidden_from_who_may_not_import_it(
    app: Flask, client: SignedClient, manager: SignedClient, make_job: Callable[..., Job]
) -> None:
    """Also one's own, and with the permission to see everybody's jobs: who lost the right starts nothing more."""
    job = make_job("code,name\n1,A\n")
    with unit_of_work() as session:
        session.execute(update(Job).where(Job.id == job.id).values(kind="users"))
    everybodys = client_as(app, "import", "undo", "jobs.all", name="Oda")
    for one in (client, everybodys):
        assert one.get(f"/imports/{job.id}").status_code == 404
        assert one.get(f"{API}/jobs/{job.id}").status_code == 404
        assert one.get(f"{API}/jobs").json["items"] == []
        for what in ("start", "check", "cancel"):
            assert one.post(f"{API}/jobs/{job.id}/{what}").status_code == 404, what
    assert everybodys.post(f"{API}/jobs/{job.id}/undo").status_code == 404
    assert [one["id"] for one in manager.get(f"{API}/jobs").json["items"]] == [str(job.id)]
    assert manager.post(f"{API}/jobs/{job.id}/start").status_code == 202


def test_chunks_when_the_owner_wants_them_small_are(
    app: Flask, make_job: Callable[..., Job], run: Callable[[Job], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = app.extensions["imports.owners"].of("customers")
    monkeypatch.setattr(owner, "_target", None)
    monkeypatch.setitem(TARGET, "chunk_rows", 50)
    job = run(make_job(rows(120), start=True, chunk_rows=200))
    assert job.state == "completed"
    with read_only() as session:
        assert session.scalar(select(func.count()).select_from(Chunk).where(Chunk.job_id == job.id)) == 3
    monkeypatch.setattr(owner, "_target", None)
