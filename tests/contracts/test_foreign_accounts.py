"""A6: an associate's user tries everything with what is not theirs, and never sees a byte of it.

The calls are made from the OpenAPI documents of all services, and those of the screens from their routes, so a new one is
tried by itself. One with a parameter of a new name fails until `FOREIGN` says what a foreign one of these is.
"""

import importlib
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from services.associates.domain import associates, links
from services.associates.domain.links import AccountFacts
from services.customers.domain import accounts, contacts, copies, selections, writing
from services.imports.models import Export, Job, Kept, Refusal, SavedMapping
from services.portal.domain import access, setup, ties, tokens, users
from services.portal.domain.audit import Subject
from services.portal.domain.permissions import FOR_ASSOCIATES, OF_ASSOCIATES
from services.portal.models import Role
from shared.db import unit_of_work
from shared.history import Actor
from shared.settings import Settings
from shared.testing import SignedClient, client_as

SERVICES = ("customers", "associates", "portal", "imports")
MARK, OWN = "Zqxforeign", "Zqxown"
ON = frozenset({"partner_management"})
DANA = uuid.uuid4()
ADA = Actor(uuid.uuid4(), "Ada Admin")
# What a foreign one of a parameter is; what the builders below make, they put here under its name.
FOREIGN: dict[str, Any] = {
    name: uuid.uuid4()
    for name in (
        "account_id", "contact_id", "associate_id", "link_id", "user_id", "role_id", "token_id", "session_id",
        "job_id", "export_id", "mapping_id", "selection_id", "message_id",
    )
} | {"kind": "customers", "after": 0, "row": 1}  # fmt: skip
MINE: dict[str, Any] = {"account_id": uuid.uuid4(), "associate_id": DANA}
RECORDS = {"customers": "account_id", "associates": "associate_id"}  # `record_id` on their screens
IDS = {name for name in FOREIGN if name.endswith("_id")}
# What everybody may do for themselves.
ONESELF = re.compile(r"/(api/portal/v1/(me|tokens|sessions|sign-in)|account|sign-out|sign-in)\b")


def plant_customers() -> None:
    with unit_of_work() as session:
        values = {"name": f"{MARK} Mines", "code": f"{MARK}-1", "notes": MARK, "email": f"{MARK}@example.org"}
        foreign = accounts.create_account(session, ADA, {**values, "tags": [MARK], "attributes": {MARK: MARK}})
        contact = contacts.add_contact(session, ADA, foreign.id, {"last_name": f"{MARK} Petrov"})
        mine = accounts.create_account(session, ADA, {"name": f"{OWN} Labs", "code": f"{OWN}-1"})
        copies.save_associate(session, FOREIGN["associate_id"], f"{MARK}-2", f"{MARK} Eve", active=True)
        copies.change_links(
            session,
            [],
            [[str(mine.id), str(DANA), "manages"], [str(foreign.id), str(FOREIGN["associate_id"]), "manages"]],
        )
        chosen = selections.select_ticked(session, ADA, [foreign.id])
        values = {"template": "reminder", "subject": f"{MARK} invoice", "text": MARK, "to_account": True}
        mail = writing.write_message(session, ADA, foreign.id, values, with_copies=True)
    FOREIGN.update(account_id=foreign.id, contact_id=contact.id, selection_id=chosen.id, message_id=mail.id)


def plant_associates() -> None:
    with unit_of_work() as session:
        # What staff wrote about her is not for her either.
        dana = associates.create_associate(session, ADA, {"name": f"{OWN} Dana", "notes": MARK})
        eve = associates.create_associate(session, ADA, {"name": f"{MARK} Eve", "notes": MARK, "code": f"{MARK}-2"})
        foreign = AccountFacts(FOREIGN["account_id"], f"{MARK}-1", f"{MARK} Mines")
        link = links.begin_link(session, ADA, foreign, eve.id, "manages")
        shared = AccountFacts(MINE["account_id"], f"{OWN}-1", f"{OWN} Labs")
        links.begin_link(session, ADA, shared, dana.id, "manages")
        links.begin_link(session, ADA, shared, eve.id, "sales")  # a colleague of hers at the same customer
        former = links.begin_link(session, ADA, foreign, dana.id, "service")  # hers once, and no longer
        links.end_link(session, ADA, foreign, former.id)
        associates.set_associate_status(session, ADA, dana.id, "inactive", f"{MARK} reason", None)
    FOREIGN.update(associate_id=eve.id, link_id=link.id)
    MINE["associate_id"] = dana.id


def plant_portal() -> None:
    with unit_of_work() as session:
        setup.prepare(session)
        role = Role(name=f"{MARK} role", name_key=MARK.lower(), description=MARK, permissions=[])
        session.add(role)
        session.flush()
        ties.learn_associate(session, FOREIGN["associate_id"], ties.AssociateFacts(MARK, f"{MARK} Eve", True))
        values = {"kind": "associate", "associate_id": FOREIGN["associate_id"], "roles": [role.id]}
        user = users.create_user(session, setup.SYSTEM, {"username": MARK, "name": f"{MARK} Ula", **values})
        token, _ = tokens.create_token(session, setup.SYSTEM, MARK, 9, owner=Subject("user", user.id, user.name))
        access.open_session(session, user.id, ip="203.0.113.9", user_agent=MARK)
        browser = access.list_sessions(session, user.id)[0]
        dana = {"username": "dana", "name": f"{OWN} Dana", "kind": "employee"}
        MINE["user_id"] = users.create_user(session, setup.SYSTEM, dana).id
    FOREIGN.update(user_id=user.id, role_id=role.id, token_id=token.id, session_id=browser.id)


def plant_imports() -> None:
    by = {"created_by": ADA.id, "created_by_name": ADA.name}
    texts = {"file_name": f"{MARK}.csv", "encoding": "utf-8", "delimiter": ",", "header": [MARK], "sample": [[MARK]]}
    with unit_of_work() as session:
        job = Job(kind="customers", file_path=MARK, file_size=1, file_digest=b"1", **texts, **by)
        mapping = SavedMapping(kind="customers", name=MARK, header_hash=b"1", header=[MARK], mapping={}, **by)
        export = Export(kind="customers", filter={"q": MARK}, columns=[], file_name=f"{MARK}.csv", **by)
        session.add_all([job, mapping, export])
        session.flush()
        session.add(Refusal(job_id=job.id, row=1, line=2, code="x", message=MARK))
        session.add(Kept(job_id=job.id, record="customer", label=MARK, url=f"/{MARK}", reason="x", message=MARK))
    FOREIGN.update(job_id=job.id, mapping_id=mapping.id, export_id=export.id)


class KnownAccounts:
    """Answers associates as customers would that has every account, for whoever asks so far."""

    def post(self, path: str, json: dict[str, Any]) -> dict[str, Any]:
        return {"accounts": [{"id": one, "code": f"{MARK}-1", "name": f"{MARK} Mines"} for one in json["ids"]]}


@pytest.fixture(scope="module", params=SERVICES)
def app(
    request: pytest.FixtureRequest, make_database: Callable[[str], str], make_settings: Callable[..., Settings]
) -> Iterator[Flask]:
    service = request.param
    app: Flask = importlib.import_module(f"services.{service}.app").create_app(
        make_settings(service, make_database(service))
    )
    app.extensions["associates.customers"] = KnownAccounts()
    with app.app_context():
        globals()[f"plant_{service}"]()
    yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture(params=[OF_ASSOCIATES, FOR_ASSOCIATES], ids=["looks", "given more"])
def dana(request: pytest.FixtureRequest, app: Flask) -> SignedClient:
    user = {"user_id": MINE["user_id"]} if "user_id" in MINE else {}
    kind = {"name": f"{OWN} Dana", "kind": "associate", "associate_id": MINE["associate_id"], "features": ON}
    return client_as(app, *request.param, **kind, **user)


def service_of(app: Flask) -> str:
    return str(app.extensions["liaison.settings"].service)


def foreign(service: str, name: str) -> Any:
    name = RECORDS[service] if name == "record_id" else name
    assert name in FOREIGN, f"say in FOREIGN what a foreign {name} is"
    return FOREIGN[name]


def addressed(service: str, path: str) -> tuple[str, bool]:
    """Return the address with foreign things in it, and whether there are any."""
    names = re.findall(r"[{<](?:\w+:)?(\w+)[}>]", path)
    url = re.sub(r"[{<](?:\w+:)?(\w+)[}>]", lambda found: str(foreign(service, found[1])), path)
    return url, any(name in IDS or name == "record_id" for name in names)


def example(schema: dict[str, Any], name: str, spec: dict[str, Any]) -> Any:
    """Return a value that a schema allows, with foreign ids wherever an id may stand."""
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    kind = schema.get("type", "string")
    kind = next(one for one in kind if one != "null") if isinstance(kind, list) else kind
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "uuid":
        return str(FOREIGN.get(name, FOREIGN["associate_id"]))
    if kind == "object":
        given = {key: one for key, one in schema.get("properties", {}).items() if is_told(key, one, schema)}
        return {key: example(one, key, spec) for key, one in given.items()}
    return schema.get("example", {"boolean": True, "integer": 1, "number": 1, "array": []}.get(kind, "x"))


def is_told(name: str, schema: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Tell whether the document says what a property may look like, or wants it whatever it is."""
    return name in whole.get("required", ()) or bool({"example", "enum", "format"} & schema.keys())


def calls(app: Flask) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    """Yield method, address, whether it names something foreign, and what is sent: API from its document, screens."""
    service = service_of(app)
    spec = client_as(app).get(f"/api/{service}/v1/openapi.json").json
    for path, operations in spec["paths"].items():
        for method in operations.keys() & {"get", "post", "put", "patch", "delete"}:
            operation = operations[method]
            url, names = addressed(service, path)
            sent: dict[str, Any] = {"headers": {"If-Match": '"1"'}}
            for kind, body in operation.get("requestBody", {}).get("content", {}).items():
                if kind == "application/json":
                    sent["json"] = example(body["schema"], "", spec)
            yield method.upper(), url, names, sent
            query = {
                one["name"]: MARK if one["name"] == "q" else example(one["schema"], one["name"], spec)
                for one in operation.get("parameters", [])
                if one.get("in") == "query" and one["name"] not in ("cursor", "code", "tag", "limit")
            }
            if query:
                yield method.upper(), url, names, {**sent, "query_string": query}
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(("/api/", "/internal/", "/healthz", "/readyz")):
            url, names = addressed(service, rule.rule)
            for method in rule.methods & {"GET", "POST"}:
                yield (
                    method,
                    url,
                    names,
                    {"query_string": {"q": MARK}} if method == "GET" else {"data": {"version": "1"}},
                )
                yield method, url, names, {}


def leaks(response: Any) -> bool:
    said = response.get_data() + str(response.headers).encode()
    asked = MARK.encode()
    return asked.lower() in said.lower().replace(f'value="{MARK}"'.lower().encode(), b"")


def test_associates_user_when_trying_everything_with_what_is_foreign_gets_nothing(
    app: Flask, dana: SignedClient
) -> None:
    tried, wrong = 0, []
    for method, url, names_foreign, sent in calls(app):
        response = dana.open(url, method=method, **sent)
        tried += 1
        is_api = url.startswith("/api/")
        allowed = {403, 404} if is_api or method == "GET" else {403, 404, 422}
        is_ones_own = bool(ONESELF.match(url)) and not (is_api and names_foreign)
        if (names_foreign or method != "GET") and not is_ones_own and response.status_code not in allowed:
            wrong.append(f"{response.status_code} {method} {url} {sent} {response.get_data(as_text=True)[:300]}")
        if response.status_code >= 500 or (MARK not in str(sent) and leaks(response)):
            wrong.append(f"says it: {response.status_code} {method} {url} {sent}")
        elif MARK in str(sent) and any(len(word) > len(MARK) for word in words_of(response)):
            wrong.append(f"finds it: {method} {url} {sent}")
    assert wrong == []
    assert tried > 20


def words_of(response: Any) -> list[str]:
    """The planted words in an answer to who typed the mark alone: of those that say more than was typed."""
    return re.findall(rf"{MARK}[-@. ]\w+", response.get_data(as_text=True))


@pytest.mark.parametrize("app", ["customers", "associates"], indirect=True)
def test_associates_user_when_looking_finds_what_is_theirs(app: Flask, dana: SignedClient) -> None:
    service = service_of(app)
    found = {"customers": "/api/customers/v1/accounts?q=zqx", "associates": "/api/associates/v1/associates?q=zqx"}
    answer = dana.get(found[service])
    assert [OWN in one["name"] for one in answer.json["items"]] == [True]


@pytest.mark.parametrize("app", ["associates"], indirect=True)
@pytest.mark.parametrize("path", ["/api/associates/v1/associates/{}", "/associates/{}"])
@pytest.mark.parametrize("part", ["", "/history"])
def test_associates_user_when_looking_at_their_own_reads_nothing_that_staff_wrote(
    app: Flask, dana: SignedClient, path: str, part: str
) -> None:
    answer = dana.get(path.format(MINE["associate_id"]) + part)
    assert answer.status_code == 200
    assert not leaks(answer)


def test_employee_when_doing_the_same_finds_what_was_planted(app: Flask) -> None:
    """The test above can fail: who may see everything does see it in these very calls."""
    everything = (
        "customers.view", "associates.view", "users.manage", "audit.view", "jobs.all", "import", "export",
    )  # fmt: skip
    ada = client_as(app, *everything, name="Employee", features=ON)
    told = {
        url
        for method, url, _, sent in calls(app)
        if method == "GET" and not url.endswith("/events") and leaks(ada.open(url, method=method, **sent))
    }
    assert len(told) >= 6, told
