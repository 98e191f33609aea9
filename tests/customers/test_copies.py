"""What customers keeps of associates: it follows the feed, agrees with its owner, and is made anew (A4)."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers import cli
from services.customers.consumers import FEEDS
from services.customers.domain import accounts, copies
from services.customers.models import Account, AccountAssociate, FeedCursor
from shared.db import unit_of_work
from shared.events.associates import gather_links
from shared.testing import SignedClient, client_as, client_of_service
from tests.customers.conftest import ADA

ON = frozenset({"partner_management"})
DANA = str(uuid.UUID(int=7))
Make = Callable[..., Account]


class Associates:
    """Answers as associates does: pages of rows, an empty feed, and where that stands."""

    def __init__(self, links: list[tuple[str, str, str]], names: list[tuple[str, ...]]) -> None:
        self.rows: dict[str, Any] = {"links": sorted(links), "associates": sorted(names)}

    def get(self, path: str, **params: Any) -> Any:
        if path == "/internal/events/newest":
            return {"pos": 41}
        if path == "/internal/events":
            return {"events": []}
        return {"rows": [list(row) for row in self.rows[path.rpartition("/")[2]]]}


def tell(session: Session, name: str, **payload: Any) -> None:
    version = "v2" if name == "links_changed" else "v1"
    FEEDS["associates"][f"associates.{name}.{version}"](session, {"payload": payload})


def test_copy_when_events_come_twice_stays_the_same(session: Session) -> None:
    link = (str(uuid.UUID(int=1)), DANA, "manages")
    for _ in range(2):
        tell(session, "associate_saved", associate_id=DANA, code="A1", associate_name="Dana", active=True)
        tell(session, "links_changed", ended=[], begun=gather_links([link]))
    assert copies.some_links(session, None, None, None) == [link]
    assert copies.some_names(session, None, None, None) == [(DANA, "A1", "Dana", "active", "")]
    tell(
        session,
        "associate_saved",
        associate_id=DANA,
        code="A1",
        associate_name="Dana D.",
        active=False,
        email="d@x.example",
    )
    tell(session, "links_changed", ended=gather_links([link]), begun=[(DANA, "sales", [link[0]])])
    assert copies.some_links(session, None, None, None) == [(link[0], DANA, "sales")]
    assert copies.some_names(session, None, None, None) == [(DANA, "A1", "Dana D.", "inactive", "d@x.example")]
    tell(session, "associate_deleted", associate_id=DANA)
    assert copies.some_names(session, None, None, None) == []


def test_links_when_told_as_at_first_are_read_all_the_same(session: Session) -> None:
    """An event of before an update may lie in the feed after it."""
    link = [str(uuid.UUID(int=1)), DANA, "manages"]
    read = FEEDS["associates"]["associates.links_changed.v1"]
    read(session, {"payload": {"ended": [], "begun": [link]}})
    assert copies.some_links(session, None, None, None) == [tuple(link)]
    together = gather_links([tuple(link)])  # as they came for a while under the first name
    read(session, {"payload": {"ended": [], "begun": together}})
    assert copies.some_links(session, None, None, None) == [tuple(link)]
    read(session, {"payload": {"ended": together, "begun": []}})
    assert copies.some_links(session, None, None, None) == []


def test_copy_when_an_import_changed_associates_follows_it_and_its_undo(session: Session) -> None:
    """A10: one event for each chunk."""
    ben = str(uuid.UUID(int=8))
    told = [[DANA, "A1", "Dana", True, False, "dana@dealer.example"], [ben, "A2", "Ben", False, True, None]]
    for _ in range(2):
        tell(session, "associates_saved", associates=told)
    assert copies.some_names(session, None, None, None) == [
        (DANA, "A1", "Dana", "active", "dana@dealer.example"),
        (ben, "A2", "Ben", "inactive", ""),
    ]
    tell(session, "associates_saved", associates=[[DANA, "A1", "Dana D.", True, False]])
    tell(session, "associates_removed", associates=[[ben, "A2", "Ben"]])
    assert copies.some_names(session, None, None, None) == [(DANA, "A1", "Dana D.", "active", "")]  # as told at first


def test_accounts_when_asked_for_by_code_are_told_however_it_is_written(app: Any, make_account: Make) -> None:
    """A10: one question for the customers of a chunk."""
    account = make_account("Cobalt Labs", code="C-7")
    gone = make_account("Gone", code="C-8")
    with unit_of_work() as session:
        accounts.delete_account(session, ADA, gone.id, None)
    client = client_of_service(app, "associates")
    asked = client.post("/internal/accounts/by-code", json={"codes": [" c-7 ", "C-8", "C-9"]})
    assert asked.get_json() == {
        "accounts": [{"key": "c-7", "id": str(account.id), "code": "C-7", "name": "Cobalt Labs"}]
    }
    assert client.post("/internal/accounts/by-code", json={"codes": [7]}).get_json()["code"] == "invalid"


def test_check_when_copies_differ_says_what_and_rebuild_mends_it(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right, missing, wrong = ((str(uuid.UUID(int=number)), DANA, "manages") for number in (1, 2, 3))
    owner: Any = Associates([right, missing], [(DANA, "A1", "Dana", "active", "")])
    with unit_of_work() as session:
        copies.load_links(session, [right, wrong])
        copies.load_names(session, [(DANA, "A1", "Dan", "active", "")])
    assert cli.check(owner) == [
        f"associates: {DANA} A1 Dan active  should be {DANA} A1 Dana active ",
        f"links: {' '.join(missing)} is missing here",
        f"links: {' '.join(wrong)} is here, and not at its owner",
    ]
    assert cli.make_anew(owner) == ["associates: 1 rows", "links: 2 rows"]
    assert cli.check(owner) == []
    with unit_of_work() as session:
        assert session.scalars(select(AccountAssociate.role)).all() == ["manages", "manages"]
        assert session.scalars(select(FeedCursor.pos)).all() == [41]


def test_list_of_an_associate_when_searched_holds_its_customers_only(
    client: SignedClient, make_account: Make, session: Session
) -> None:
    mine = [make_account(f"Cobalt {number}", city="Lyon") for number in range(3)]
    make_account("Cobalt Foreign", city="Lyon")
    twice = [(DANA, role, [str(one.id) for one in mine]) for role in ("manages", "sales")]
    tell(session, "links_changed", ended=[], begun=twice)
    session.commit()
    reader = client_as(client.application, "customers.view", features=ON)
    url = f"/api/customers/v1/associates/{DANA}/accounts"
    page = reader.get(url, query_string={"q": "cob lyon", "limit": 2}).json
    assert ([one["name"] for one in page["items"]], page["count"]) == (["Cobalt 0", "Cobalt 1"], 3)
    rest = reader.get(url, query_string={"q": "cob lyon", "limit": 2, "cursor": page["next"]}).json
    assert ([one["name"] for one in rest["items"]], rest["next"]) == (["Cobalt 2"], None)
    tab = reader.get(f"/customers/fragments/of-associate/{DANA}?q=2").text
    assert f'href="/customers/{mine[2].id}"' in tab
    assert "Foreign" not in tab
    assert client.get(url).json["code"] == "partner_management_off"
    assert client.get(f"/customers/fragments/of-associate/{DANA}").status_code == 409


def test_tab_of_associates_is_there_only_while_partner_management_is_on(
    client: SignedClient, make_account: Make
) -> None:
    """A1: off hides the tab."""
    url = f"/customers/{make_account().id}"
    for permissions, features, is_there in (
        (("customers.view", "associates.view"), ON, True),
        (("customers.view", "associates.view"), frozenset(), False),
        (("customers.view",), ON, False),
    ):
        page = client_as(client.application, *permissions, features=features).get(url).text
        assert ("/associates/fragments/of-account/" in page) is is_there


def test_restored_account_when_brought_back_is_told(client: SignedClient, make_account: Make, session: Session) -> None:
    from services.customers.models import Outbox

    account = make_account()
    client.delete(f"/api/customers/v1/accounts/{account.id}", headers={"If-Match": '"1"'})
    client.post(f"/api/customers/v1/accounts/{account.id}/restore")
    names = session.scalars(select(Outbox.name).order_by(Outbox.seq)).all()
    assert names == ["customers.account_deleted.v1", "customers.account_restored.v1"]
