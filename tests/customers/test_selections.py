"""A8, A9: codes as spreadsheets paste them, selections that stay the same, and what is told before anything is done."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from services.customers.app import create_bulk_app
from services.customers.domain import copies
from services.customers.domain.accounts import delete_account
from services.customers.domain.pasted import MOST_CODES, as_pasted, read_codes
from services.customers.domain.status import set_account_status
from services.customers.errors import NoCodes, TooManyCodes
from services.customers.schemas.codes_file import codes_file
from shared.db import unit_of_work
from shared.history import Actor
from shared.keys import INVISIBLE, code_key
from shared.testing import SignedClient, client_as, client_of_service

ON = frozenset({"partner_management"})
ADA = Actor(uuid.uuid5(uuid.NAMESPACE_URL, "Ada Admin"), "Ada Admin")
API = "/api/customers/v1/selections"
PLAIN = st.text("ABCxyz0123456789-_/.", min_size=1, max_size=12)
APART = st.text("\t\n\r,;|\u2028", min_size=1, max_size=3)
NOISE = st.text(INVISIBLE + "\u202a\u202c\u2066\u2069\x00 ", max_size=3)


@pytest.fixture
def staff(app: Flask) -> SignedClient:
    return client_as(app, "assign", "customers.view", features=ON)


@given(st.lists(st.tuples(PLAIN, NOISE, NOISE, st.sampled_from(["", '"', "'", "“"]), APART), min_size=1, max_size=30))
def test_codes_when_pasted_with_noise_are_the_codes_alone(cells: list[tuple[str, str, str, str, str]]) -> None:
    text = "".join(f"{before}{quote}{code}{quote}{after}{apart}" for code, before, after, quote, apart in cells)
    codes, keys, times = read_codes(text)
    assert keys == list(dict.fromkeys(code_key(code) for code, *_ in cells))
    assert [code_key(code) for code in codes] == keys
    assert sum(times) == len(cells)


@given(st.lists(st.text('AB01 ,;|\t"', min_size=1, max_size=8).filter(lambda one: one.strip('" \t')), min_size=1))
def test_codes_when_quoted_as_spreadsheets_do_may_hold_any_sign(cells: list[str]) -> None:
    pasted = "\r\n".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    expected = [code_key(cell.replace("\t", "\t").strip().strip('"').strip()) for cell in cells]
    assert read_codes(pasted)[1] == list(dict.fromkeys(one for one in expected if one))


@given(st.text())
@example('"' * 50_000)
@example('"""x,' * 30_000)
@example("\ud800,A")
def test_codes_when_anything_is_pasted_are_storable(pasted: str) -> None:
    try:
        codes, keys, times = read_codes(pasted)
    except NoCodes:
        return
    assert len(codes) == len(keys) == len(times) == len(set(keys))
    assert all(code.encode() and "\x00" not in code for code in [*codes, *keys])


def test_codes_when_more_than_the_most_are_refused() -> None:
    assert len(read_codes("A\n" * MOST_CODES)[0]) == 1
    with pytest.raises(TooManyCodes):
        read_codes("A\n" * (MOST_CODES + 1))


def resolved(client: SignedClient, **asked: Any) -> tuple[str, dict[str, Any]]:
    made = client.post(API, json=asked)
    assert made.status_code == 201, made.json
    answer = client.post(f"{API}/{made.json['id']}/resolve")
    assert answer.status_code == 200, answer.json
    return made.json["id"], answer.json


def test_report_when_codes_are_pasted_tells_each_sort(
    app: Flask, staff: SignedClient, make_account: Callable[..., Any]
) -> None:
    for code in ("00417", "418", "A-1", "0071", "071"):
        make_account(f"Firm {code}", code=code)
    with unit_of_work() as session:
        sleeping = make_account("Asleep", code="Z9")
        set_account_status(session, ADA, sleeping.id, "inactive", "closed")
    selection, answer = resolved(staff, codes='417\t"a-1",A-1;z9 | 0418\r\n71 nope\n\u00a0nope2')
    report = answer["report"]
    expected = {"given": 7, "matched": 2, "active": 1, "inactive": 1, "repeated": 1, "missing": 4, "zeros": 2}
    assert {name: report[name] for name in expected} == expected
    assert [(one["given"], one["code"]) for one in report["first"]["zeros"]] == [("417", "00417"), ("0418", "418")]
    assert [one["given"] for one in report["first"]["missing"]] == ["71 nope", "nope2"]
    assert report["first"]["repeated"] == [{"given": "a-1", "times": 2}]
    assert [one["code"] for one in report["first"]["inactive"]] == ["Z9"]

    better = staff.post(f"{API}/{selection}/zeros")
    assert better.status_code == 201
    assert better.json["codes"] == ["00417", "a-1", "z9", "418", "71 nope", "nope2"]
    again = staff.post(f"{API}/{better.json['id']}/resolve").json["report"]
    assert (again["matched"], again["zeros"], again["missing"], again["repeated"]) == (4, 0, 2, 1)
    assert staff.get(f"{API}/{selection}").json["codes"][0] == "417"


def test_unknown_codes_when_more_than_the_report_names_are_all_in_the_file(
    app: Flask, staff: SignedClient, make_account: Callable[..., Any]
) -> None:
    make_account("Cobalt Labs", code="00417")
    unknown = [f"X-{number:03d}" for number in range(120)]
    pasted = ["417", "00417", *unknown, "x-007", '=HYPERLINK("http://evil.example")', "+7"]
    cells = "\n".join('"' + code.replace('"', '""') + '"' for code in pasted)
    selection, answer = resolved(staff, codes=cells)
    report = answer["report"]
    assert (report["missing"], report["zeros"], len(report["first"]["missing"])) == (123, 1, 100)
    by_api = staff.get(f"{API}/{selection}/unknown-file")
    assert (by_api.status_code, by_api.mimetype) == (200, "text/csv")
    lines = by_api.get_data().decode("utf-8-sig").split("\r\n")
    assert lines == [*unknown, '"\'=HYPERLINK(""http://evil.example"")"', "+7", ""]
    assert f'href="/customers/selections/{selection}/unknown.csv"' in (
        staff.post(f"/customers/selections/{selection}/resolve").text
    )
    on_screen = staff.get(f"/customers/selections/{selection}/unknown.csv")
    assert on_screen.get_data() == by_api.get_data()
    assert on_screen.headers["Content-Disposition"] == "attachment; filename=unknown-codes.csv"
    again = resolved(staff, codes=by_api.get_data().decode())[1]["report"]
    assert (again["missing"], again["matched"], again["zeros"]) == (122, 0, 0)
    ticked = staff.post(API, json={"account_ids": [str(uuid.uuid4())]}).json["id"]
    assert staff.get(f"{API}/{ticked}/unknown-file").get_data() == "\ufeff".encode()


@given(st.lists(st.text('ABxyz019-_/.=+@ "', min_size=1, max_size=12).filter(lambda one: one.strip(' "')), min_size=1))
def test_unknown_codes_when_pasted_again_are_the_same(written: list[str]) -> None:
    codes = read_codes("\n".join('"' + one.replace('"', '""') + '"' for one in written))[0]
    assert read_codes(codes_file(codes))[0] == codes


@given(st.text())
@example('"A;1"\nB')
@example('"A""1"\nB')
@example('"A\t""1"')
@example('" ""A"')
def test_codes_when_put_back_into_the_box_are_read_as_the_same(pasted: str) -> None:
    try:
        codes, keys, _ = read_codes(pasted)
    except NoCodes:
        return
    assert read_codes(as_pasted(codes))[:2] == (codes, keys)


def test_list_when_edited_keeps_codes_that_hold_a_separator(staff: SignedClient) -> None:
    made = staff.post("/customers/selections", data={"codes": '"A;1"\nB'}).location
    box = staff.get(f"/customers/selections/new?from={made[-36:]}").text
    assert "&#34;A;1&#34;\nB</textarea>" in box


def test_zeros_when_two_customers_would_fit_take_neither(
    app: Flask, staff: SignedClient, make_account: Callable[..., Any]
) -> None:
    make_account("One", code="0071")
    make_account("Two", code="071")
    report = resolved(staff, codes="71")[1]["report"]
    assert (report["missing"], report["zeros"]) == (1, 0)


def test_selection_when_made_again_is_the_same(app: Flask, staff: SignedClient) -> None:
    first, second, other = (staff.post(API, json={"codes": codes}).json["id"] for codes in ("A,B", '"a"\tB', "A,B,B"))
    assert first == second != other
    lists = [staff.post(API, json={"filter": {"q": "x", "status": "active"}}).json for _ in range(2)]
    assert lists[0]["id"] == lists[1]["id"]
    assert lists[0]["filter"] == {"q": "x", "status": "active"}


def test_selection_when_of_a_list_is_what_the_list_shows(
    app: Flask, staff: SignedClient, make_account: Callable[..., Any]
) -> None:
    mine = [make_account(f"Cobalt {at}") for at in range(3)]
    make_account("Other")
    assert resolved(staff, filter={})[1]["report"]["matched"] == 4
    report = resolved(staff, filter={"q": "cobalt", "status": "active"})[1]["report"]
    assert (report["given"], report["matched"], report["missing"]) == (3, 3, 0)
    assert {one["id"] for one in report["first"]["matched"]} == {str(one.id) for one in mine}


def test_snapshot_when_customers_change_later_stays_and_tells_who_is_gone(
    app: Flask, staff: SignedClient, make_account: Callable[..., Any]
) -> None:
    first, second = make_account("One", code="1"), make_account("Two", code="2")
    _, answer = resolved(staff, account_ids=[str(first.id), str(second.id)])
    with unit_of_work() as session:
        delete_account(session, ADA, second.id, None)
    bulk = create_bulk_app(app.extensions["liaison.settings"])
    bulk.extensions["liaison.sessions"] = app.extensions["liaison.sessions"]
    service = client_of_service(bulk, "imports")
    told = service.get(f"/internal/snapshots/{answer['id']}").json
    assert (told["active"], told["inactive"], told["source"]) == (2, 0, "ticked")
    lines = service.post(f"/internal/snapshots/{answer['id']}/accounts", json={}).text.splitlines()
    bulk.extensions["liaison.engine"].dispose()
    assert lines == ["account_id,code,name", *sorted([f"{first.id},1,One", f"{second.id},,"])]
    again = staff.post(f"{API}/{answer['selection_id']}/resolve").json["report"]
    assert (again["matched"], again["deleted"]) == (1, 1)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"codes": " ,\n;"}, "no_codes"),
        ({"account_ids": []}, "nothing_ticked"),
        ({}, "invalid"),
        ({"codes": "A", "account_ids": []}, "invalid"),
    ],
)
def test_selection_when_of_nothing_is_refused(staff: SignedClient, asked: dict[str, Any], code: str) -> None:
    answer = staff.post(API, json=asked)
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_selection_when_asked_without_permission_or_switched_off_is_refused(app: Flask, staff: SignedClient) -> None:
    made = staff.post(API, json={"codes": "A"}).json["id"]
    for path, method in (
        (API, "post"), (f"{API}/{made}", "get"), (f"{API}/{made}/resolve", "post"), (f"{API}/{made}/unknown-file", "get"),
    ):  # fmt: skip
        other = client_as(app, "customers.view", "customers.edit", features=ON)
        assert other.open(path, method=method, json={"codes": "A"}).status_code == 403
        off = client_as(app, "assign", "customers.view").open(path, method=method, json={"codes": "A"})
        assert (off.status_code, off.json["code"]) == (409, "partner_management_off")
    assert staff.get(f"{API}/{uuid.uuid4()}").status_code == 404


def test_screens_when_walked_through_lead_from_the_list_to_what_was_found(
    app: Flask, staff: SignedClient, make_account: Callable[..., Any]
) -> None:
    mine = make_account("Cobalt Labs", code="00417")
    page = staff.get("/customers").text
    assert f'data-tick value="{mine.id}"' in page
    assert "data-tick" not in client_as(app, "customers.view", "assign").get("/customers").text
    assert "data-tick" not in client_as(app, "customers.view", features=ON).get("/customers").text
    asked = staff.get("/customers/selections/ask?q=cobalt&back=x").text
    assert "“cobalt”, active" in asked
    listed = staff.post("/customers/selections", data={"q": "cobalt", "status": "active"})
    ticked = staff.post("/customers/selections", data={"account": [str(mine.id)]})
    pasted = staff.post("/customers/selections", data={"codes": "417\n418"})
    for answer, words in (
        (listed, "All that the list shows: “cobalt”, active"), (ticked, "1 ticked customer"), (pasted, "2 pasted codes"),
    ):  # fmt: skip
        assert answer.status_code == 303
        shown = staff.get(answer.location).text
        assert words in shown
        assert "data-quiet" not in shown, "who is not answered would wait for ever"
    report = staff.post(f"{listed.location}/resolve").text
    assert "data-quiet" not in report
    assert "1 customer found" in report
    assert "/associates/fragments/change?snapshot=" in report
    lost = staff.post(f"{pasted.location}/resolve").text
    assert "There is no customer to change" in lost
    assert "1 unknown code only lost or gained leading zeros" in lost
    better = staff.post(f"{pasted.location}/zeros")
    assert "1 customer found" in staff.post(f"{better.location}/resolve").text
    assert "00417\n418</textarea>" in staff.get(f"/customers/selections/new?from={better.location[-36:]}").text
    empty = staff.post("/customers/selections", data={"codes": " "})
    assert (empty.status_code, "Paste at least one code." in empty.text) == (422, True)


def test_selection_when_of_one_customer_is_of_that_one(staff: SignedClient, make_account: Callable[..., Any]) -> None:
    one = make_account("Cobalt Labs", code="00417")
    make_account("Other")
    for meant in ("00417", str(one.id)):
        report = resolved(staff, filter={"account": meant})[1]["report"]
        assert [told["id"] for told in report["first"]["matched"]] == [str(one.id)]
    assert "the customer 00417" in staff.get("/customers/selections/ask?account=00417").text
    made = staff.post(API, json={"filter": {"account": "nobody"}}).json["id"]
    assert staff.post(f"{API}/{made}/resolve").json["code"] == "unknown_account"


def test_selection_when_of_an_associate_is_of_those_it_looks_after(
    app: Flask, staff: SignedClient, make_account: Callable[..., Any]
) -> None:
    mine, dana = make_account("Cobalt Labs"), uuid.uuid4()
    make_account("Other")
    with unit_of_work() as session:
        copies.save_associate(session, dana, "D-7", "Dana Dealer", active=True)
        copies.change_links(session, [], [[str(mine.id), str(dana), "sales"]])
    for meant in (str(dana), "d-7"):
        report = resolved(staff, filter={"associate": meant, "associate_role": "sales"})[1]["report"]
        assert [one["id"] for one in report["first"]["matched"]] == [str(mine.id)]
    asked = {"associate": str(dana), "associate_name": "Dana Dealer", "status": "active"}
    page = staff.post("/customers/selections", data=asked)
    assert "of Dana Dealer, active" in staff.get(page.location).text
