"""A10: files of customers that name associates: who may feed these columns, how they are asked for, what is told on."""

import re
from html import unescape
from typing import Any

import pytest

from services.customers.bulk.target import customers_target
from services.imports import cli
from services.imports.domain.target import Target
from services.imports.models import Job
from shared.db import read_only
from shared.testing import SignedClient, client_as
from tests.imports.conftest import ADA

API = "/api/imports/v1"
ON = frozenset({"partner_management"})
FILE = b"code,name,dealer code\n1,Acme,D-07;E-112\n"
FEEDS = {"mapping": {"columns": {"code": "code", "name": "name", "dealer code": "associate_code"}}}
PLAIN = {"mapping": {"columns": {"code": "code", "name": "name"}}}
KINDS = ("customers", "vendors")


@pytest.fixture(autouse=True)
def described(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner of these tests describes customers as customers does."""
    for kind in KINDS:
        owner = app.extensions["imports.owners"].of(kind)
        monkeypatch.setattr(owner, "target", lambda: Target.from_json(customers_target()))
        monkeypatch.setattr(owner, "client", app.extensions["imports.owners"].of("customers").client)


@pytest.fixture
def assigner(app: Any) -> SignedClient:
    """Ada, who may assign, where partner management is on."""
    return client_as(
        app, "import", "assign", "associates.edit", "undo", name=ADA.name, user_id=ADA.user_id, features=ON
    )


@pytest.fixture
def importer(app: Any) -> SignedClient:
    """Ada, who may not assign."""
    return client_as(app, "import", name=ADA.name, user_id=ADA.user_id, features=ON)


@pytest.fixture
def switched_off(app: Any) -> SignedClient:
    """Ada, who may assign, where partner management is off."""
    return client_as(app, "import", "assign", name=ADA.name, user_id=ADA.user_id)


def uploaded(client: SignedClient, kind: str = "customers", data: bytes = FILE) -> dict[str, Any]:
    answer = client.post(f"{API}/uploads?kind={kind}&filename=x.csv", data=data)
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def patched(client: SignedClient, job: dict[str, Any], **values: Any) -> Any:
    return client.patch(f"{API}/jobs/{job['id']}", json=values, headers={"If-Match": f'"{job["version"]}"'})


def words_on(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def asks(page: str) -> bool:
    """Tell whether the matching screen asks what becomes of associates."""
    return not page.partition("data-with-fields=")[2].partition(">")[0].endswith(" hidden")


def answer(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


@pytest.mark.parametrize("kind", KINDS)
def test_fields_are_there_only_for_those_who_may_assign_while_the_part_is_on(
    assigner: SignedClient, importer: SignedClient, switched_off: SignedClient, kind: str
) -> None:
    for client, has_them in ((assigner, True), (importer, False), (switched_off, False)):
        fields = [field["name"] for field in client.get(f"{API}/targets/{kind}").json["fields"]]
        assert ("associate_code" in fields) == has_them
        assert ("Associate's code" in words_on(client.get(f"/imports/new/{kind}"))) == has_them
        assert ("Associate's role" in client.get(f"/imports/new/{kind}/sample.csv").text) == has_them
        job = uploaded(client, kind)
        match = client.get(f"{API}/jobs/{job['id']}/matches").json["items"][2]
        assert match["field"] == ("associate_code" if has_them else None)
        page = client.get(f"/imports/{job['id']}").text
        assert ("Create associates that are not known" in page) == has_them
        assert ("associate_role" in page) == has_them


def test_job_that_feeds_them_is_refused_without_permission_and_while_the_part_is_off(
    assigner: SignedClient, importer: SignedClient, switched_off: SignedClient
) -> None:
    refusals = ((importer, (403, "forbidden")), (switched_off, (409, "partner_management_off")))
    job = uploaded(assigner)
    for client, refusal in refusals:
        assert answer(patched(client, job, **FEEDS)) == refusal
        assert (
            answer(patched(client, job, mapping={"columns": {"code": "code"}, "constants": {"associate_role": "x"}}))
            == refusal
        )
        assert patched(client, uploaded(client), **PLAIN).status_code == 200
        screen = client.post(f"/imports/{job['id']}/mapping", data={"version": "1", "column.2": "associate_code"})
        assert screen.status_code in (409, 403, 422)
    assert patched(assigner, job, **FEEDS).status_code == 200
    for client, refusal in refusals:
        for what in ("start", "check"):
            assert answer(client.post(f"{API}/jobs/{job['id']}/{what}")) == refusal
            assert client.post(f"/imports/{job['id']}/{what}").status_code == refusal[0]
        assert client.get(f"{API}/jobs/{job['id']}").json["state"] == "mapped"
    assert assigner.post(f"{API}/jobs/{job['id']}/start").status_code == 202


def test_assignments_need_the_permission_to_assign(assigner: SignedClient, importer: SignedClient) -> None:
    assert importer.get(f"{API}/targets/assignments").status_code == 403
    assert importer.post(f"{API}/uploads?kind=assignments", data=b"a\n1\n").status_code == 403
    assert "/imports/new/assignments" not in importer.get("/imports").text
    assert "/imports/new/assignments" in assigner.get("/imports").text


def test_creating_associates_needs_the_permission_to_edit_them(app: Any, assigner: SignedClient) -> None:
    only_assigns = client_as(app, "import", "assign", name=ADA.name, user_id=ADA.user_id, features=ON)
    assert only_assigns.post(f"{API}/uploads?kind=associates", data=b"a\n1\n").status_code == 403
    assert "/imports/new/associates" not in only_assigns.get("/imports").text
    job = uploaded(only_assigns)
    assert "Create associates" not in only_assigns.get(f"/imports/{job['id']}").text
    assert answer(patched(only_assigns, job, **FEEDS, create_associates=True)) == (403, "forbidden")
    chosen = patched(assigner, job, **FEEDS, create_associates=True)
    assert chosen.status_code == 200
    for what in ("start", "check"):
        assert answer(only_assigns.post(f"{API}/jobs/{job['id']}/{what}")) == (403, "forbidden")
    assert patched(only_assigns, chosen.json, **FEEDS, create_associates=False).status_code == 200
    assert only_assigns.post(f"{API}/jobs/{job['id']}/start").status_code == 202


def test_choices_when_patched_are_kept_and_told_to_the_owner(assigner: SignedClient, owner: Any, run: Any) -> None:
    job = uploaded(assigner)
    assert (job["associates"], job["create_associates"]) == ("add", False)
    changed = patched(assigner, job, **FEEDS, associates="replace", create_associates=True).json
    assert (changed["associates"], changed["create_associates"]) == ("replace", True)
    assert patched(assigner, changed, associates="all").status_code == 422
    assigner.post(f"{API}/jobs/{job['id']}/start")
    with read_only() as session:
        run(session.get_one(Job, job["id"]))
    about = owner.told[-1]
    assert (about["associates"], about["create_associates"]) == ("replace", True)
    page = words_on(assigner.get(f"/imports/{job['id']}"))
    assert "Associates in the rows replace the others of their role; unknown ones are created" in page


def test_screen_asks_only_where_such_a_column_is_matched_and_keeps_what_was_chosen(assigner: SignedClient) -> None:
    plain = uploaded(assigner, data=b"code,name\n1,Acme\n")
    page = assigner.get(f"/imports/{plain['id']}").text
    assert 'data-with-fields="associate_code associate_name' in page
    assert not asks(page)
    job = uploaded(assigner)
    assert asks(assigner.get(f"/imports/{job['id']}").text)
    form = {"version": "1", "column.0": "code", "column.1": "name", "column.2": "associate_code", "match": "code"}
    chosen = {"associates": "replace", "create_associates": "true", "then": "wait"}
    assert assigner.post(f"/imports/{job['id']}/mapping", data=form | chosen).status_code == 303
    now = assigner.get(f"{API}/jobs/{job['id']}").json
    assert (now["associates"], now["create_associates"]) == ("replace", True)
    page = assigner.get(f"/imports/{job['id']}").text
    assert re.search(r'name="associates" value="replace" checked', page)
    assert re.search(r'name="create_associates" value="true" checked', page)


def test_command_line_when_told_passes_the_choices_on() -> None:
    options = cli._parse(["import", "customers", "x.csv", "--associates", "replace", "--create-associates"])
    assert cli._typed(options) == {"associates": "replace", "create_associates": True}
    assert cli._typed(cli._parse(["import", "customers", "x.csv", "--no-create-associates"])) == {
        "create_associates": False
    }
    assert cli._typed(cli._parse(["import", "customers", "x.csv"])) == {}  # so that what was chosen before stands
