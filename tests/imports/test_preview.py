"""The first hundred rows as they would be stored, at once (I5): with customers as it is, and with an owner in trouble."""

import io
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from flask import Flask, abort
from sqlalchemy import func, select, text, update
from werkzeug.serving import make_server

from services.customers.app import create_bulk_app
from services.customers.models import Base as CustomersBase
from services.imports.domain import preview as domain
from services.imports.domain.mapping import Mapping
from services.imports.domain.owners import Owner
from services.imports.models import Base, Job
from shared.db import read_only, unit_of_work
from shared.http import ServiceClient
from shared.testing import SignedClient, client_as
from tests.imports.conftest import ADA, rows
from tests.imports.screens import form_on, imported, job_at, uploaded, words_on
from tests.imports.target import TARGET

API = "/api/imports/v1"
KNOWN = "Code,Company,City,Country,E-mail\nC1,Cobalt,Lyon,FR,a@cobalt.example\nC2,Delta,,DE,\n"
FILE = (
    "Code,Company,City,Country,E-mail\n"
    "C1,Cobalt,Paris,Frankreich,a@cobalt.example\n"
    "C2,Delta,,Germany,\n"
    "C3,Echo,Köln,Germany,e@echo.example\n"
    "C4,Fox,,,no address\n"
    "C3,Echo again,,,\n"
    "C5,torn\n"
)
NO_ADDRESS = "Refused E-mail: Not an e-mail address: An email address must have an @-sign."


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the owner on a busy machine, too."""
    monkeypatch.setattr(domain, "SECONDS", 60.0)


@pytest.fixture(scope="module")
def bulk_app(make_database: Any, make_settings: Any) -> Iterator[Flask]:
    """Customers as it takes chunks."""
    app = create_bulk_app(make_settings("customers", make_database("customers")))
    yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture
def customers(app: Flask, bulk_app: Flask, make_settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The owner of customers: the real one, on its own database, with KNOWN in it."""
    server = make_server("127.0.0.1", 0, bulk_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings = make_settings("imports", "", customers_bulk=f"http://127.0.0.1:{server.server_port}")
    owner = Owner("customers", ServiceClient(settings, "customers_bulk"))
    monkeypatch.setitem(app.extensions["imports.owners"].by_kind, "customers", owner)
    yield bulk_app
    owner.client.http.close()
    server.shutdown()
    thread.join()
    server.server_close()


def traces(app: Flask, base: Any, *numbers: str) -> list[Any]:
    """Return how many rows each table of a service has, and the numbers given out."""
    with app.app_context(), read_only() as session:
        sizes = {name: session.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in base.metadata.tables}
        return [sizes, *(session.execute(text(f"SELECT last_value, is_called FROM {one}")).one() for one in numbers)]


def see(client: SignedClient, place: str, **changes: str) -> Any:
    """Return what the screen shows for its form as it stands, but for some changes."""
    form = form_on(client.get(place).get_data(as_text=True))
    return client.post(f"{place}/preview", data={**form, **changes})


def ask(client: SignedClient, place: str, **choices: Any) -> Any:
    return client.post(f"{API}/jobs/{place.rpartition('/')[2]}/preview", json=choices)


def lines(response: Any) -> list[list[str]]:
    """Return the cells of the preview's table, row by row, as people read them."""
    body = re.search(r"<tbody>(.*?)</tbody>", response.get_data(as_text=True), re.DOTALL)
    assert body, words_on(response)
    found = []
    for row in body.group(1).split("<tr")[1:]:
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        found.append([" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in cells])
    return found


def test_rows_are_shown_as_their_owner_would_store_them_and_nothing_is_written(
    client: SignedClient, app: Flask, run: Callable[[Job], Job], customers: Flask
) -> None:
    imported(client, run, uploaded(client, KNOWN))
    place = uploaded(client, FILE)
    job = job_at(place)
    before = traces(customers, CustomersBase, "code_sequence"), traces(app, Base)
    page = see(client, place)
    assert lines(page) == [
        ["2", "Changed", "C1", "Cobalt", "a@cobalt.example", "Paris was Lyon", "FR"],
        ["3", "Unchanged", "C2", "Delta", "", "", "DE"],
        ["4", "New", "C3", "Echo", "e@echo.example", "Köln", "DE"],
        ["5", NO_ADDRESS, "C4", "Fox", "no address", "", ""],
        ["6", "Refused Code “C3” came before, on line 4.", "C3", "Echo again", "", "", ""],
        ["7", "Refused This row has 2 cells; the header has 5.", "", "", "", "", ""],
    ]
    assert "All 6 rows, as they would be stored: 1 new, 1 changed, 1 unchanged, 3 refused." in words_on(page)
    assert "1 new, 1 changed, 1 unchanged, 3 refused." in words_on(client.get(place))
    assert (traces(customers, CustomersBase, "code_sequence"), traces(app, Base)) == before
    assert (job_at(place).state, job_at(place).version) == (job.state, job.version)


def test_codes_that_would_be_given_are_shown_as_new_and_none_is_used_up(client: SignedClient, customers: Flask) -> None:
    place = uploaded(client, "Code,Company,Country\n,Acme,Germany\n,Bolt,Österreich\n")
    before = traces(customers, CustomersBase, "code_sequence")
    page = see(client, place, mode="create", match="code")
    assert [row[1:] for row in lines(page)] == [["New", "new", "Acme", "DE"], ["New", "new", "Bolt", "AT"]]
    assert traces(customers, CustomersBase, "code_sequence") == before


def test_api_tells_each_row_by_the_job_or_by_what_is_asked(
    client: SignedClient, run: Callable[[Job], Job], customers: Flask
) -> None:
    imported(client, run, uploaded(client, KNOWN))
    place = uploaded(client, FILE)
    mapping = {"columns": {"Code": "code", "Company": "name", "City": "city", "Country": "country", "E-mail": "email"}}
    told = ask(client, place, mapping=mapping)
    assert told.status_code == 200, told.json
    told = told.json
    assert (told["rows_in_file"], told["exact"], told["not_checked"]) == (6, True, None)
    assert [one["outcome"] for one in told["rows"]] == ["updated", "unchanged", "created", *["failed"] * 3]
    assert told["rows"][0]["changes"] == [{"field": "city", "old": "Lyon", "new": "Paris"}]
    assert {"field": "country", "value": "DE"} in told["rows"][2]["values"]
    assert told["rows"][3]["refusal"]["column"] == "email"
    version = f'"{job_at(place).version}"'
    assert client.patch(f"{API}/jobs/{job_at(place).id}", json={"mapping": mapping}, headers={"If-Match": version})
    assert ask(client, place).json == told
    left = [one["outcome"] for one in ask(client, place, mode="create").json["rows"]]
    assert left[:3] == ["skipped", "skipped", "created"]


def test_rows_are_only_mapped_while_the_matching_is_not_complete(client: SignedClient, owner: Any) -> None:
    owner.previewing = lambda _: pytest.fail("nothing is asked of it")
    place = uploaded(client, "ID,Mail\n 7 ,x@y.example\n8\n")
    page = client.post(f"{place}/preview", data={"column.0": "code", "column.1": "email", "match": "code"})
    assert lines(page) == [["2", "7", "x@y.example"], ["3", "", ""]]
    assert "All 2 rows, as they are matched. Not checked: the columns are not all matched yet." in words_on(page)
    assert "Choose the column that holds “Name”." in words_on(page)


def test_rows_are_only_mapped_while_the_owner_is_away(client: SignedClient, owner: Any) -> None:
    place = uploaded(client, "ID,Title\n 7 ,Acme\n")
    owner.previewing = lambda _: abort(503)
    page = see(client, place)
    assert lines(page) == [["2", "7", "Acme"]]
    assert "Not checked: customers does not answer just now." in words_on(page)
    told = ask(client, place, mapping={"columns": {"ID": "code", "Title": "name"}}).json
    assert told["not_checked"] == "customers does not answer just now."
    assert [(one["outcome"], one["refusal"]) for one in told["rows"]] == [(None, None)]


def test_an_owner_that_is_slow_is_not_waited_for(
    client: SignedClient, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()
    owner.previewing = lambda _: ended.wait(20)
    monkeypatch.setattr(domain, "SECONDS", 0.2)
    place = uploaded(client, "ID,Title\n7,Acme\n")
    assert "Not checked: customers does not answer just now." in words_on(client.get(place))
    assert not ended.is_set()
    ended.set()


def test_of_a_long_file_the_first_hundred_rows_are_shown_and_sent(client: SignedClient, owner: Any) -> None:
    frames: list[Any] = []
    owner.previewing = frames.append
    page = see(client, uploaded(client, rows(5_000)))
    assert [row[2] for row in lines(page)] == [f"T{at:06d}" for at in range(1, 101)]
    assert "The first 100 of 5,000 rows, as they would be stored: 100 new." in words_on(page)
    assert {frame.height for frame in frames} == {100}
    assert owner.things() == {}


def test_rows_that_are_all_refused_before_are_not_sent(client: SignedClient, owner: Any) -> None:
    owner.previewing = lambda _: pytest.fail("nothing is asked of it")
    page = see(client, uploaded(client, "code,name\n1,Acme,x\n2\n"))
    assert "All 2 rows, as they would be stored: 2 refused." in words_on(page)


def test_preview_is_refused_for_what_cannot_run(client: SignedClient, app: Flask) -> None:
    place = uploaded(client, "code,name\n1,Acme\n")
    fits = {"columns": {"code": "code", "name": "name"}}

    def refusal(one: SignedClient, **choices: Any) -> tuple[int, str]:
        answer = ask(one, place, **choices)
        return answer.status_code, answer.json["code"]

    assert refusal(client) == (409, "not_mapped")
    wrong = ask(client, place, mapping={"columns": {"code": "code", "nome": "name"}})
    assert (wrong.status_code, wrong.json["code"]) == (422, "mapping_refused")
    assert "columns.nome" in wrong.json["errors"]
    assert refusal(client, mapping=fits, mode="sometimes") == (422, "invalid")
    assert refusal(client, mapping=fits, create_associates=True) == (403, "forbidden")
    assert refusal(client_as(app, "customers.view"), mapping=fits) == (403, "forbidden")
    assert refusal(client_as(app, "import", name="Grace"), mapping=fits) == (404, "job_not_found")
    for state, code in (("checking", "job_checking"), ("running", "job_started"), ("completed", "job_ended")):
        with unit_of_work() as session:
            session.execute(update(Job).values(state=state))
        assert refusal(client, mapping=fits) == (409, code)
    with read_only() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1


def test_what_somebody_may_not_choose_is_not_asked_for_on_the_screen(client: SignedClient, owner: Any) -> None:
    owner.previewing = lambda _: pytest.fail("nothing is asked of it")
    place = uploaded(client, "code,name\n1,Acme\n")
    values = {"column.0": "code", "column.1": "name", "match": "code", "create_associates": "true"}
    page = client.post(f"{place}/preview", data=values)
    assert "Not checked: You do not have the permission to create associates." in words_on(page)


def test_rows_of_a_key_that_belong_together_are_sent_as_they_are(
    app: Flask, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.imports.test_kinds import ASSIGNMENTS, Target

    kinds = app.extensions["imports.owners"]
    monkeypatch.setattr(kinds.of("assignments"), "target", lambda: Target.from_json(ASSIGNMENTS))
    monkeypatch.setattr(kinds.of("assignments"), "client", kinds.of("customers").client)
    client = client_as(
        app, "import", "assign", name=ADA.name, user_id=ADA.user_id, features=frozenset({"partner_management"})
    )
    frames: list[Any] = []
    owner.previewing = frames.append
    job = client.post("/imports/files?kind=assignments", data=b"code,name\nC1,Dana\nC1,Eve\n").json["location"]
    assert ask(client, job, mapping={"columns": {"code": "code", "name": "name"}}, match="customer").status_code == 200
    assert frames[-1]["name"].to_list() == ["Dana", "Eve"]


def test_two_columns_of_one_attribute_are_said_on_the_screen(client: SignedClient, owner: Any) -> None:
    place = uploaded(client, "Code,Name,Tone,attributes.Tone\n1,Acme,red,blue\n")
    told = words_on(see(client, place))
    assert "It would be kept as the attribute “Tone”, as “Tone” is." in told
    assert client.get(place).status_code == 200


@pytest.mark.parametrize(("tail", "rows_seen"), [(",,\n" * 700_000, 39), (f'1,"{"x" * 3_000_000}",\n', 40)])
def test_preview_reads_no_more_than_the_first_megabyte(tail: str, rows_seen: int) -> None:
    """The last row there is left out: it may go on."""
    body = ("Code,Name,City\n" + "".join(f"{n},Firm {n},\n" for n in range(40)) + tail).encode()
    file = io.BytesIO(body)
    job = Job(encoding="utf-8", delimiter=",", header=["Code", "Name", "City"], has_header=True, file_size=len(body))
    first = domain.read_first_rows(job, file, Mapping({"Code": "code", "Name": "name"}), TARGET)
    assert (first.frame.height, first.refusals) == (rows_seen, [])
    assert file.tell() <= 1 << 20


def test_matching_goes_on_while_the_owner_is_away_for_long(
    client: SignedClient, app: Flask, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = uploaded(client, "ID,Title\n 7 ,Acme\n")
    known = app.extensions["imports.owners"].by_kind["customers"]
    monkeypatch.setattr(known.client, "http", httpx.Client(base_url="http://127.0.0.1:9"))
    known._target = (-1e9, known.target())
    assert "Not checked: customers does not answer just now." in words_on(client.get(place))
