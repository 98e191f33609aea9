"""What can be imported: associates and assignments (A10) only while partner management is on; rows that belong together."""

from typing import Any

import pytest

from services.imports.domain.target import Target
from services.imports.models import Job
from shared.db import read_only
from shared.testing import client_as
from tests.imports.conftest import ADA
from tests.imports.seeing import counts

API = "/api/imports/v1"
OFF = (409, "partner_management_off")
ASSIGNMENTS = {
    "kind": "assignments",
    "label": "Assignments",
    "noun": "assignment",
    "keys": [
        {"name": "customer", "field": "code", "rule": "code", "label": "Customer's code", "together": True,
         "told": "Customer, associate and role"}
    ],
    "fields": [
        {"name": "code", "label": "Code", "required": True, "clears": False},
        {"name": "name", "label": "Associate", "clears": False},
    ],
    "keeps_others": False,
}  # fmt: skip


@pytest.fixture
def partners(app) -> Any:
    """Somebody who may import and assign where partner management is on."""
    rights = ("import", "assign", "associates.edit", "undo")
    return client_as(app, *rights, name=ADA.name, user_id=ADA.user_id, features=frozenset({"partner_management"}))


@pytest.fixture
def client(app) -> Any:
    """The same person where it is off."""
    return client_as(app, "import", "assign", "associates.edit", name=ADA.name, user_id=ADA.user_id)


@pytest.fixture
def assignments(app, monkeypatch) -> None:
    owner = app.extensions["imports.owners"].of("assignments")
    monkeypatch.setattr(owner, "target", lambda: Target.from_json(ASSIGNMENTS))
    monkeypatch.setattr(owner, "client", app.extensions["imports.owners"].of("customers").client)


def answer(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


@pytest.mark.parametrize("kind", ["associates", "assignments"])
def test_kind_when_partner_management_is_off_is_nowhere_and_refused(client, partners, kind: str) -> None:
    here, away = partners.get("/imports").text, client.get("/imports").text
    assert (f'value="{kind}"' in here, f"/imports/new/{kind}" in here) == (True, True)
    assert (f'value="{kind}"' in away, f"/imports/new/{kind}" in away) == (False, False)
    upload = client.post(f"{API}/uploads?kind={kind}&filename=x.csv", data=b"code\n1\n")
    assert answer(upload) == OFF
    assert answer(client.get(f"{API}/targets/{kind}")) == OFF
    assert answer(client.get(f"{API}/targets/{kind}/sample.csv")) == OFF
    assert client.get(f"/imports/new/{kind}").status_code == 409
    screen = client.post(f"/imports/files?kind={kind}", data=b"code\n1\n")
    assert answer(screen) == OFF


def test_job_when_partner_management_is_switched_off_is_hidden_and_stays_as_it_is(
    client, partners, assignments, run, see
) -> None:
    job = partners.post(f"{API}/uploads?kind=assignments&filename=x.csv", data=b"code,name\n1,Dana\n").json
    place, version = f"{API}/jobs/{job['id']}", {"If-Match": '"1"'}
    choices = {"mapping": {"columns": {"code": "code", "name": "name"}}, "match": "customer"}
    assert answer(client.patch(place, json=choices, headers=version)) == OFF
    assert partners.patch(place, json=choices, headers=version).status_code == 200
    assert answer(client.post(f"{place}/start")) == OFF
    assert answer(client.post(f"{place}/check")) == OFF
    assert client.post(f"/imports/{job['id']}/start").status_code == 409
    for read in (client.get(place), client.get(f"{place}/refusals"), client.get(f"{place}/events")):
        assert answer(read) == OFF
    page = client.get(f"/imports/{job['id']}")
    assert (page.status_code, "Partner management is switched off." in page.text) == (409, True)
    for shown in ("", "/fragments/running"):
        assert "x.csv" not in client.get(f"/imports{shown}").text
        assert "x.csv" in partners.get(f"/imports{shown}").text
    assert client.get(f"{API}/jobs").json["items"] == []
    assert partners.get(place).json["state"] == "mapped"
    assert partners.post(f"{place}/start").status_code == 202
    undone = client_as(client.application, "import", "assign", "undo", name=ADA.name, user_id=ADA.user_id)
    assert answer(undone.post(f"{place}/undo")) == OFF
    assert client.post(f"{place}/cancel").status_code == 202  # what runs can be stopped at any time


def test_rows_of_one_key_when_they_belong_together_come_in_one_chunk(partners, assignments, run, see, owner) -> None:
    text = "code,name\n" + "".join(f"C{at % 150},Dana {at}\n" for at in range(300))
    job = partners.post(f"{API}/uploads?kind=assignments&filename=x.csv", data=text.encode()).json
    place = f"{API}/jobs/{job['id']}"
    choices = {"mapping": {"columns": {"code": "code", "name": "name"}}, "match": "customer"}
    assert partners.patch(place, json=choices, headers={"If-Match": '"1"'}).status_code == 200
    page = partners.get(f"/imports/{job['id']}").text
    assert ("An assignment is known by" in page, "Repeated rows" in page, "A blank cell" in page) == (
        True,
        False,
        False,
    )
    frames: list[Any] = []
    owner.before = frames.append
    partners.post(f"{place}/start")
    with read_only() as session:
        ended = run(session.get_one(Job, job["id"]))
    assert counts(ended)[0] == 300
    assert ended.failed == 0
    homes: dict[str, set[int]] = {}
    for number, frame in enumerate(frames):
        for code in frame["code"]:
            homes.setdefault(code, set()).add(number)
    assert len(frames) > 1
    assert {len(numbers) for numbers in homes.values()} == {1}
    about = partners.get(f"/imports/{job['id']}").text
    assert "Repeated rows" not in about
